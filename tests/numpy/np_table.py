"""The record of the comparison with NumPy: one row a name, its calls, and the arrays that the calls are made with.

This module and the tables know neither library: they run with any namespace, so that results can also be read off
another one (see np_table_dtypes.py).
"""

import contextlib
import dataclasses
import operator
import warnings
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = {
    "b": ["bool"],
    "i": ["int8", "int32"],
    "u": ["uint8", "uint32"],
    "f": ["float32", "float16", "bfloat16"],
    "s": ["float32"],
    "c": ["complex64"],
}
WIDE = {"b": [], "i": ["int64"], "u": [], "f": ["float64"], "s": ["float64"], "c": ["complex128"]}
REALS = [0.0, -0.0, 0.3, -0.7, 1.0, -1.0, 2.0, -2.5, 3.5, 7.25, 60.0, np.inf, -np.inf, np.nan]
SIGNED = [0, 1, -1, 2, -3, 7, 100, -100]
UNSIGNED = [0, 1, 2, 3, 7, 100, 255]
PARTS = [0.5, -0.25, 1.0, -2.0, 3.0]


def dtype_named(name: str) -> np.dtype:
    return BFLOAT16 if name == "bfloat16" else np.dtype(name)


# ---- arguments ----


@dataclasses.dataclass(frozen=True)
class Data:
    """An array argument: random numbers between low and high, in the dtype of the run unless it names its own.

    fill: "random"; "special", a vector with zeros, infinities and NaN; "nan", some elements NaN; "ties", few distinct
    numbers; "sorted"; "definite", positive definite matrices.
    """

    shape: tuple[int, ...]
    low: float = -4
    high: float = 4
    fill: str = "random"
    dtype: str | None = None

    def __repr__(self) -> str:
        return f"{self.dtype or ''}{list(self.shape)}{self.fill if self.fill != 'random' else ''}"

    def make(self, name: str, seed: int, smooth: bool = False) -> np.ndarray:
        """The array; smooth: no special numbers and no ties, as derivatives need."""
        rng = np.random.default_rng(seed)
        dtype = dtype_named(self.dtype or name)
        if self.fill == "special" and not smooth:
            return self._spread(_special(dtype))
        shape = (5, *self.shape[1:]) if self.fill == "special" else self.shape
        x = self._numbers(rng, dtype, shape)
        inexact = dtype.kind in "fc" or dtype == BFLOAT16
        if self.fill == "nan" and inexact and not smooth:
            x = np.where(rng.random(shape) < 0.3, np.array(np.nan, dtype), x)
        if self.fill == "ties" and inexact and not smooth:
            x = np.round(x.astype(complex) if dtype.kind == "c" else x.astype(float))
            x = (x + 0.0).astype(dtype)
        if self.fill == "sorted":
            x = np.sort(x, axis=-1)
        if self.fill == "definite":
            x = x @ np.swapaxes(x.conj(), -1, -2) + (4 * np.eye(shape[-1])).astype(dtype)
        return x

    def _spread(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(-1, *self.shape[1:])

    def _numbers(self, rng: Any, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        if dtype.kind == "b":
            return np.asarray(rng.random(shape) < 0.5)
        if dtype.kind in "iu":
            low = max(int(np.floor(self.low)), 0 if dtype.kind == "u" else -100)
            return np.asarray(
                rng.integers(low, max(int(np.ceil(self.high)), low + 1) + 1, shape), dtype
            )
        x = rng.uniform(self.low, self.high, shape)
        if dtype.kind == "c":
            x = x + 1j * rng.uniform(self.low, self.high, shape)
        return np.asarray(x).astype(dtype)


def _special(dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind == "u":
        return np.array([*UNSIGNED, np.iinfo(dtype).max], dtype)
    if dtype.kind == "i":
        info = np.iinfo(dtype)
        return np.array([*SIGNED, info.min, info.max], dtype)
    if dtype.kind == "c":
        return np.array([complex(a, b) for a in PARTS for b in [*PARTS, 0.0]], dtype)
    return np.array(REALS, dtype)


def a(*shape: int, low: float = -4, high: float = 4, fill: str = "random") -> Data:
    """An array of the run's dtype."""
    return Data(shape, low, high, fill)


def special(low: float = -2, high: float = 2, column: bool = False) -> Data:
    """A vector of special numbers, or a column; for derivatives numbers between low and high."""
    return Data((1, 1) if column else (1,), low, high, "special")


def mask(*shape: int) -> Data:
    return Data(shape, dtype="bool")


def places(size: int, *shape: int, low: int = 0) -> Data:
    """Indices into an axis of the given size."""
    return Data(shape, low, size - 1, dtype="int32")


@dataclasses.dataclass(frozen=True)
class Name:
    """A function of the namespace as an argument."""

    name: str

    def __repr__(self) -> str:
        return self.name


# ---- rows ----


@dataclasses.dataclass(frozen=True)
class Call:
    """The arguments of one call. kinds: the dtypes it is made with, if fewer than the row's."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    grad: bool = True
    jit: bool = True
    vmap: bool = True
    kinds: str | None = None

    def __str__(self) -> str:
        shown = [repr(x) for x in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"({', '.join(shown)})"

    def but(self, **options: Any) -> "Call":
        return dataclasses.replace(self, **options)

    def data(self) -> list[Data]:
        return [x for x in flat([self.args, self.kwargs]) if isinstance(x, Data)]

    def in_dtype(self) -> bool:
        """Whether an argument takes the run's dtype."""
        return any(d.dtype is None for d in self.data())


def call(*args: Any, **kwargs: Any) -> Call:
    return Call(args, kwargs)


def flat(tree: Any) -> Iterator[Any]:
    if isinstance(tree, list | tuple):
        for item in tree:
            yield from flat(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from flat(item)
    else:
        yield tree


def rebuilt(tree: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(tree, list | tuple):
        return type(tree)([rebuilt(item, change) for item in tree])
    if isinstance(tree, dict):
        return {key: rebuilt(item, change) for key, item in tree.items()}
    return change(tree)


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """A name and the calls that it is compared in.

    run(xp, *args, **kwargs) makes the call, ref(*args, **kwargs) is NumPy's side where it differs. wide: NumPy computes
    in 64 bits. form tells rows of one name apart. own: dtypes of
    arguments for which results have dtypes of their own. grad: derivatives are compared, to the given order. signs: zeros must agree in sign.
    """

    name: str
    calls: list[Call]
    kinds: str = "biufc"
    run: Callable[..., Any] | None = None
    ref: Callable[..., Any] | None = None
    tol: float = 1
    grad: int = 1
    jit: bool = True
    vmap: bool = True
    wide: bool = True
    signs: bool = False
    canonical: Callable[[list[Any]], list[Any]] | None = None
    x64: bool = True
    form: str = ""
    own: str = ""

    def __str__(self) -> str:
        return self.name + self.form

    def made(self, xp: Any, args: Any, kwargs: Any) -> list[Any]:
        """The results of one call."""
        own = xp is np and self.ref is not None
        args, kwargs = rebuilt(
            [list(args), kwargs], lambda x: getattr(xp, x.name) if isinstance(x, Name) else x
        )
        if own:
            out = self.ref(*args, **kwargs)
        elif self.run is not None:
            out = self.run(xp, *args, **kwargs)
        else:
            out = operator.attrgetter(self.name.removeprefix("numpy."))(xp)(*args, **kwargs)
        out = leaves(out)
        return out if self.canonical is None else self.canonical(out)

    def dtypes(self, kinds: str | None = None) -> list[str]:
        return [name for kind in (kinds or self.kinds) for name in DTYPES[kind]]

    def wide_dtypes(self) -> list[str]:
        return [name for kind in self.kinds for name in WIDE[kind]]

    def main(self) -> str:
        """The dtype of the runs that are made with one dtype only."""
        return "float32" if set("fs") & set(self.kinds) else self.dtypes()[-1]

    def calls_with(self, name: str) -> list[tuple[int, Call]]:
        """The calls made with a dtype; those that do not depend on it with the main one only."""
        found = []
        for i, one in enumerate(self.calls):
            known = one.kinds or self.kinds
            names = [n for k in known for n in [*DTYPES[k], *WIDE[k]]]
            if one.in_dtype() and name not in names:
                continue
            if not one.in_dtype() and name != self.main():
                continue
            found.append((i, one))
        return found

    def arrays(self, i: int, name: str, smooth: bool = False) -> tuple[Any, Any]:
        """The arguments of call i in a dtype, with NumPy arrays for the data."""
        count = iter(range(100))
        key = zlib.crc32(f"{self}{i}".encode())

        def make(x: Any) -> Any:
            return x.make(name, key + next(count), smooth) if isinstance(x, Data) else x

        return tuple(rebuilt([list(self.calls[i].args), self.calls[i].kwargs], make))


def leaves(out: Any) -> list[Any]:
    if isinstance(out, tuple | list):
        return [leaf for item in out for leaf in leaves(item)]
    return [out]


def method(name: str) -> Callable[..., Any]:
    """Calls a method of the first argument."""
    return lambda xp, x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """NumPy without warnings."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
