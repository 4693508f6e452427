"""Element types, tensor types, constants and attributes as MLIR text."""

import functools
from typing import Any

import ml_dtypes
import numpy as np

_ELEMENTS: dict[Any, str] = {
    np.dtype(name): element
    for name, element in {
        "bool": "i1",
        "int8": "i8",
        "int16": "i16",
        "int32": "i32",
        "int64": "i64",
        "uint8": "ui8",
        "uint16": "ui16",
        "uint32": "ui32",
        "uint64": "ui64",
        "float16": "f16",
        "float32": "f32",
        "float64": "f64",
        "complex64": "complex<f32>",
        "complex128": "complex<f64>",
    }.items()
}
# An ml_dtypes release may lack some of these; a dtype that does not exist cannot be asked for.
_ELEMENTS |= {
    np.dtype(getattr(ml_dtypes, name)): element
    for name, element in {
        "bfloat16": "bf16",
        "float8_e3m4": "f8E3M4",
        "float8_e4m3": "f8E4M3",
        "float8_e4m3fn": "f8E4M3FN",
        "float8_e4m3fnuz": "f8E4M3FNUZ",
        "float8_e4m3b11fnuz": "f8E4M3B11FNUZ",
        "float8_e5m2": "f8E5M2",
        "float8_e5m2fnuz": "f8E5M2FNUZ",
        "float8_e8m0fnu": "f8E8M0FNU",
        "float4_e2m1fn": "f4E2M1FN",
        "int2": "i2",
        "int4": "i4",
        "uint2": "ui2",
        "uint4": "ui4",
    }.items()
    if hasattr(ml_dtypes, name)
}

_PART = {
    np.dtype(np.complex64): np.dtype(np.float32),
    np.dtype(np.complex128): np.dtype(np.float64),
}
FLOAT0 = np.dtype([("float0", np.void, 0)])  # the tangents of integers; carried as i1
_ELEMENTS[FLOAT0] = "i1"
_BYTES = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}
_LIST_LIMIT = 16  # longer arrays are written as one hex string, which parses about ten times faster


class _Token:
    """The element type of a token, the value that orders side effects."""

    def __repr__(self) -> str:
        return "token"


TOKEN: Any = _Token()

_tensor_types: dict[Any, str] = {((), TOKEN): "!stablehlo.token"}


def physical_dtype(dtype: Any) -> np.dtype:
    """Return the dtype that stores `dtype`: that of its data for an extended dtype, else itself."""
    physical = getattr(dtype, "physical", None)
    if physical is not None:
        return physical
    dtype = np.dtype(dtype)
    return np.dtype(np.bool_) if dtype == FLOAT0 else dtype


def element_type(dtype: Any) -> str:
    """Return the MLIR element type of a dtype, such as 'f32' or 'complex<f64>'.
    Raises: TypeError if XLA has no such type."""
    try:
        return _ELEMENTS[dtype]
    except KeyError:
        pass
    try:
        return _ELEMENTS[physical_dtype(dtype)]
    except (KeyError, TypeError):
        raise TypeError(
            f"element_type: XLA has no element type for dtype {dtype!r}. Convert the array first."
        ) from None


def tensor_type(shape: tuple[int, ...], dtype: Any) -> str:
    """Return the MLIR type of an array, such as 'tensor<2x3xf32>'. Cached."""
    key = (shape, dtype)
    text = _tensor_types.get(key)
    if text is None:
        sizes = "".join([f"{size}x" for size in shape])
        text = _tensor_types[key] = f"tensor<{sizes}{element_type(dtype)}>"
    return text


# The dtypes whose numbers have a short way to text, and up to which size they fit.
_LIMITS = {np.dtype(name): 2 ** (bits - 1) for name, bits in (("int8", 8), ("uint8", 8))}
_LIMITS |= {
    np.dtype(f"{kind}{bits}"): 2 ** (bits - 1) for kind in ("int", "uint") for bits in (16, 32, 64)
}
_LIMITS |= {np.dtype(name): 2**15 for name in ("float16", "float32", "float64", ml_dtypes.bfloat16)}


def number(value: bool | int | float, dtype: Any) -> str:
    """Return the 'dense<...>' text of a Python number: `constant`, but fast for ordinary ones."""
    limit = _LIMITS.get(dtype)
    if limit is None or not -limit < value < limit:
        return constant(value, dtype)
    if dtype.kind == "i" or (dtype.kind == "u" and value >= 0):
        return f"dense<{int(value)}>"
    if dtype.kind == "u":
        return constant(value, dtype)
    text = repr(float(dtype.type(value)))
    return f"dense<{text if '.' in text else text.replace('e', '.0e')}>"


def constant(value: Any, dtype: Any = None) -> str:
    """Return the 'dense<...>' text of a number or an array, exact to the bit.
    An array whose elements are all the same bits is written as one element."""
    array = np.asarray(value)
    dtype = physical_dtype(array.dtype if dtype is None else dtype)
    element = element_type(dtype)
    if array.dtype == FLOAT0:
        array = np.zeros(array.shape, dtype)
    shape = array.shape
    if array.dtype != dtype or array.dtype.byteorder == ">":
        with np.errstate(over="ignore", invalid="ignore"):
            array = array.astype(dtype.newbyteorder("="))
    array = np.ascontiguousarray(array).reshape(-1)
    if not array.size:
        return "dense<>"
    bits = _bits(array)
    if array.size == 1 or ((bits[-1] == bits[0]).all() and (bits == bits[0]).all()):
        return f"dense<{_elements(array[:1], element)[0]}>"
    if array.size <= _LIST_LIMIT or element == "i1":
        return f"dense<{_nested(_elements(array, element), shape)}>"
    return f'dense<"0x{array.tobytes().hex().upper()}">'


def _bits(array: np.ndarray) -> np.ndarray:
    """View a flat array as unsigned integers of shape (size, words)."""
    word = min(array.dtype.itemsize, 8)
    return array.view(_BYTES[word]).reshape(array.size, -1)


def _elements(array: np.ndarray, element: str) -> list[str]:
    if element == "i1":
        return ["true" if x else "false" for x in array.tolist()]
    if element[0] in "iu":
        return [str(int(x)) for x in array]
    if element[0] == "c":
        part = _PART[array.dtype]
        texts = _elements(array.view(part), element_type(part))
        return [f"({re},{im})" for re, im in zip(texts[::2], texts[1::2], strict=True)]
    digits = 1 if element.startswith("f4") else 2 * array.dtype.itemsize
    bits = array.view(_BYTES[array.dtype.itemsize])
    return [_float(float(x), int(b), digits) for x, b in zip(array, bits, strict=True)]


def _float(value: float, bits: int, digits: int) -> str:
    """Write a float as the shortest decimal of its double, or in hex where it is no number."""
    if value - value != 0:
        return f"0x{bits:0{digits}X}"
    text = repr(value)
    if "." not in text:
        text = text.replace("e", ".0e")
    return text


def _nested(texts: list[str], shape: tuple[int, ...]) -> str:
    for size in reversed(shape):
        rows = range(0, len(texts), size)
        texts = [f"[{', '.join(texts[i : i + size])}]" for i in rows]
    return texts[0]


def integers(values: Any) -> str:
    """Return an 'array<i64: 1, 2>' attribute."""
    return _integers(tuple(values))


@functools.lru_cache(4096)
def _integers(values: tuple[int, ...]) -> str:
    text = ", ".join([str(int(v)) for v in values])
    return f"array<i64: {text}>" if text else "array<i64>"


def integer_list(values: Any) -> str:
    """Return '[1, 2]', as the short forms of ops write dimensions."""
    return _integer_list(tuple(values))


@functools.lru_cache(4096)
def _integer_list(values: tuple[int, ...]) -> str:
    return f"[{', '.join([str(int(v)) for v in values])}]"


def integer_matrix(rows: Any, width: int = 0) -> str:
    """Return a 'dense<...> : tensor<2x2xi64>' attribute (padding, replica groups).
    Rows shorter than the longest, or than `width`, are filled up with -1, as for replica groups."""
    rows = [[int(x) for x in row] for row in rows]
    width = max([len(row) for row in rows], default=width)
    if not rows or not width:
        return f"dense<> : tensor<{len(rows)}x{width}xi64>"
    lines = [integer_list(row + [-1] * (width - len(row))) for row in rows]
    return f"dense<[{', '.join(lines)}]> : tensor<{len(rows)}x{width}xi64>"


def string(text: str) -> str:
    """Return a quoted MLIR string."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    plain = [chr(c) if 32 <= c < 127 and c not in (34, 92) else f"\\{c:02X}" for c in text.encode()]
    return f'"{"".join(plain)}"'


class Text(str):
    """An attribute that is MLIR text already."""

    __slots__ = ()


def attribute(value: Any) -> str:
    """Return a Python value as an MLIR attribute.
    bool, int (i64), float (f64), str, NumPy scalars (of their type), lists, dicts, or `Text`."""
    if isinstance(value, Text):
        return value
    if isinstance(value, str):
        return string(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, np.ndarray):
        return f"{constant(value)} : {tensor_type(value.shape, value.dtype)}"
    if isinstance(value, int | float | np.generic):
        array = np.asarray(value)
        element = element_type(array.dtype)
        return f"{_elements(array.reshape(1), element)[0]} : {element}"
    if isinstance(value, dict):
        return f"{{{attributes(value)}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join([attribute(v) for v in value])}]"
    raise TypeError(
        f"attribute: no MLIR attribute for {value!r}. Pass a number, str, list or dict."
    )


def attributes(values: dict[str, Any]) -> str:
    """Return the inside of an attribute dictionary: 'a = 1 : i64, b = "x"'."""
    pairs = []
    for name, value in values.items():
        plain = name.replace("_", "a").replace(".", "a").replace("$", "a")
        pairs.append(f"{name if plain.isalnum() else string(name)} = {attribute(value)}")
    return ", ".join(pairs)
