"""Writes the dtypes that a library gives for each call of the table, as tests/data/numpy_dtypes.tsv holds them.

`python np_table_dtypes.py PACKAGE [ROW ...]`, all rows or those that are named or missing, in the environment that has the package: it needs `PACKAGE.numpy`, `eval_shape`
and `enable_x64`. One line a row: the name, then for each dtype of the arguments what each call gives.
"""

import functools
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
from np_table import Row, flat, quiet, rebuilt
from np_table_all import ROWS

FILE = Path(__file__).parents[1] / "data" / "numpy_dtypes.tsv"


def shown(out: list[Any]) -> str:
    """The dtypes of results, weak ones with a star."""
    return ",".join(
        f"{x.dtype}{'*' if getattr(x, 'weak_type', False) and x.dtype != bool else ''}"
        if hasattr(x, "dtype")
        else type(x).__name__
        for x in out
    )


def given(row: Row, i: int, name: str, package: Any, xp: Any) -> str:
    args = list(row.arrays(i, name))
    data = [x for x in flat(args) if isinstance(x, np.ndarray)]
    static = {id(x) for x in flat([row.calls[i].args, row.calls[i].kwargs])}
    data = [x for x in data if id(x) not in static]

    def run(*arrays: Any) -> Any:
        new = dict(zip(map(id, data), arrays, strict=True))
        return row.made(xp, *rebuilt(args, lambda x: new.get(id(x), x)))

    try:
        with quiet():
            arrays = [xp.asarray(x) for x in data]
            if row.jit and row.calls[i].jit:
                kept: list[Any] = []

                def traced(*xs: Any) -> Any:
                    out = run(*xs)
                    kept.extend(type(x).__name__ for x in out if not hasattr(x, "dtype"))
                    return [x for x in out if hasattr(x, "dtype")]

                return ",".join(filter(None, [shown(package.eval_shape(traced, *arrays)), *kept]))
            return shown(run(*arrays))
    except Exception as error:
        return f"!{type(error).__name__}"


def line(row: Row, package: Any, xp: Any) -> str:
    fields = [str(row)]
    for name, wide in [
        *[(n, False) for n in row.dtypes()],
        *[(n, True) for n in row.wide_dtypes()],
    ]:
        with package.enable_x64(wide):
            found = [given(row, i, name, package, xp) for i, _ in row.calls_with(name)]
        fields.append(f"{name}:{found[0] if len(set(found)) == 1 else '|'.join(found)}")
    return "\t".join(fields)


def main(package: str, *chosen: str) -> None:
    library = importlib.import_module(package)
    xp = importlib.import_module(f"{package}.numpy")
    known = {text.split("\t")[0]: text for text in FILE.read_text().splitlines()}
    for row in ROWS:
        if not chosen or str(row) in chosen or str(row) not in known:
            known[str(row)] = line(row, library, xp)
    FILE.write_text("\n".join(known[str(row)] for row in ROWS) + "\n")


@functools.cache
def read() -> dict[tuple[str, str], list[str]]:
    """(name of the row, dtype) -> what each call gives."""
    table = {}
    for text in FILE.read_text().splitlines():
        name, *fields = text.split("\t")
        for field in fields:
            dtype, found = field.split(":")
            table[name, dtype] = found.split("|")
    return table


if __name__ == "__main__":
    main(*sys.argv[1:])
