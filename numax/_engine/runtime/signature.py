"""The types of a program's entry: results, read off the StableHLO text; parameters, off the
optimised HLO."""

import re

import ml_dtypes
import numpy as np

from numax._engine.core.errors import JaxRuntimeError

_NAMES = {
    "i1": np.bool_,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "ui8": np.uint8,
    "ui16": np.uint16,
    "ui32": np.uint32,
    "ui64": np.uint64,
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "bf16": ml_dtypes.bfloat16,
    "complex<f32>": np.complex64,
    "complex<f64>": np.complex128,
    "i2": ml_dtypes.int2,
    "i4": ml_dtypes.int4,
    "ui2": ml_dtypes.uint2,
    "ui4": ml_dtypes.uint4,
    "f4E2M1FN": ml_dtypes.float4_e2m1fn,
    "f8E3M4": ml_dtypes.float8_e3m4,
    "f8E4M3": ml_dtypes.float8_e4m3,
    "f8E4M3B11FNUZ": ml_dtypes.float8_e4m3b11fnuz,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "f8E8M0FNU": ml_dtypes.float8_e8m0fnu,
}
_DTYPES = {name: np.dtype(kind) for name, kind in _NAMES.items()}
_MAIN = re.compile(r"func\.func\s+(?:public\s+|private\s+)?@main\b")
_LAYOUT = re.compile(r"entry_computation_layout=\{\((.*?)\)->")
_PARAMETER = re.compile(r"\w+\[([\d,]*)\]")
_TENSOR = re.compile(r"tensor<((?:\d+x)*)((?:complex<\w+>|\w+))>")


def _closing(text: str, start: int) -> int:
    """Index of the bracket that closes the one at `start`; strings are skipped."""
    depth, quoted, i = 0, False, start
    while i < len(text):
        char = text[i]
        if char == '"' and text[i - 1] != "\\":
            quoted = not quoted
        elif not quoted and char in "({":
            depth += 1
        elif not quoted and char in ")}":
            depth -= 1
            if depth == 0:
                return i
        i += 1
    raise JaxRuntimeError("compile: the module's @main has no end.")


def results(text: str) -> list[tuple[tuple[int, ...], np.dtype]]:
    """Shape and dtype of each result of @main.

    Raises: JaxRuntimeError if there is no @main."""
    main = _MAIN.search(text)
    if main is None:
        raise JaxRuntimeError("compile: the module has no function @main.")
    after = _closing(text, text.index("(", main.end())) + 1
    head = text[after:].lstrip()
    if not head.startswith("->"):
        return []
    head = head[2:].lstrip()
    region = head[: _closing(head, 0)] if head.startswith("(") else head[: head.index("{")]
    return [
        (tuple(int(n) for n in dims.split("x")[:-1]), _DTYPES[name])
        for dims, name in _TENSOR.findall(region)
    ]


def parameter_shapes(hlo: str) -> list[tuple[int, ...]] | None:
    """Shapes of the entry's parameters as one device sees them; None where the text does not
    tell."""
    layout = _LAYOUT.search(hlo[: hlo.find("\n")])
    if layout is None:
        return None
    return [tuple(int(n) for n in dims.split(",") if n) for dims in _PARAMETER.findall(layout[1])]
