"""Dtypes: the lattice of JAX's type promotion, weak types, the 32-bit default, and PRNG key dtypes.

Source: "JAX type promotion semantics" (public documentation); agreement is tested against tests/data/promotion.tsv.
"""

import functools
from typing import Any, cast

import ml_dtypes
import numpy as np

from numax._engine.core import config
from numax._engine.core.errors import TypePromotionError

float0 = np.dtype([("float0", np.void, 0)])

bool_ = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{n}") for n in (8, 16, 32, 64))
float16, float32, float64 = (np.dtype(f"float{n}") for n in (16, 32, 64))
complex64, complex128 = np.dtype(np.complex64), np.dtype(np.complex128)
bfloat16 = np.dtype(ml_dtypes.bfloat16)

_FLOAT8_NAMES = (
    "float8_e3m4",
    "float8_e4m3",
    "float8_e8m0fnu",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
)
FLOAT8 = tuple(np.dtype(getattr(ml_dtypes, name)) for name in _FLOAT8_NAMES)
float4_e2m1fn = np.dtype(ml_dtypes.float4_e2m1fn)
int4, uint4 = np.dtype(ml_dtypes.int4), np.dtype(ml_dtypes.uint4)
int2, uint2 = np.dtype(ml_dtypes.int2), np.dtype(ml_dtypes.uint2)

SIGNED = (int2, int4, int8, int16, int32, int64)
UNSIGNED = (uint2, uint4, uint8, uint16, uint32, uint64)
FLOATS = (*FLOAT8, float4_e2m1fn, bfloat16, float16, float32, float64)
COMPLEX = (complex64, complex128)
ALL = (bool_, *SIGNED, *UNSIGNED, *FLOATS, *COMPLEX)
_SIGNED, _UNSIGNED, _FLOATS, _COMPLEX = map(frozenset, (SIGNED, UNSIGNED, FLOATS, COMPLEX))
_KNOWN = frozenset(ALL)


class extended(np.generic):
    """Abstract scalar type of dtypes that NumPy does not have, such as PRNG keys."""


class prng_key(extended):
    """Abstract scalar type of PRNG key dtypes."""


class KeyType:
    """The dtype of an array of typed PRNG keys. Each key is stored as one uint64."""

    __slots__ = ("impl", "name")
    physical = uint64
    type = prng_key
    itemsize = 8
    kind = "k"

    def __init__(self, impl: str, tag: str):
        self.impl = impl
        self.name = f"key<{tag}>"

    def __repr__(self) -> str:
        return self.name

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return type(other) is KeyType and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self):
        return key_type, (self.impl, self.name[4:-1])


@functools.cache
def key_type(impl: str, tag: str) -> KeyType:
    return KeyType(impl, tag)


DType = np.dtype | KeyType


def is_key(dtype: Any) -> bool:
    return type(dtype) is KeyType


def physical(dtype: Any) -> np.dtype:
    """The NumPy dtype that holds an element: uint64 for keys, the dtype itself otherwise."""
    return uint64 if type(dtype) is KeyType else dtype


def is_float(dtype: Any) -> bool:
    return dtype in _FLOATS


def is_complex(dtype: Any) -> bool:
    return dtype in _COMPLEX


def is_inexact(dtype: Any) -> bool:
    return dtype in _FLOATS or dtype in _COMPLEX


def is_signed(dtype: Any) -> bool:
    return dtype in _SIGNED


def is_unsigned(dtype: Any) -> bool:
    return dtype in _UNSIGNED


def is_integer(dtype: Any) -> bool:
    return dtype in _SIGNED or dtype in _UNSIGNED


def is_bool(dtype: Any) -> bool:
    return dtype == bool_


def is_number(dtype: Any) -> bool:
    return dtype in _KNOWN and dtype != bool_


_KINDS = {
    "bool": is_bool,
    "signed integer": is_signed,
    "unsigned integer": is_unsigned,
    "integral": is_integer,
    "real floating": is_float,
    "complex floating": is_complex,
    "numeric": is_number,
}


def short_name(dtype: Any) -> str:
    """JAX's short names: f32, bf16, i32, u8, bool, c64, key<fry>."""
    return _short_name(dtype)


@functools.cache
def _short_name(dtype: Any) -> str:
    name = dtype.name
    if dtype == float0:
        return "float0"
    for long, short in (("bfloat", "bf"), ("float8_", "f8_"), ("float4_", "f4_"), ("float", "f")):
        if name.startswith(long):
            return short + name[len(long) :]
    for long, short in (("uint", "u"), ("int", "i"), ("complex", "c")):
        if name.startswith(long):
            return short + name[len(long) :]
    return name


# ---- 64-bit types, unless asked for, become 32-bit ----

_NARROW = {
    int64: int32,
    uint64: uint32,
    float64: float32,
    complex128: complex64,
}


_NAMES_ONLY = ("int1", "uint1", "float6_e2m3fn", "float6_e3m2fn")


@functools.cache
def _as_dtype(dtype: Any) -> Any:
    if type(dtype) is KeyType:
        return dtype
    scalar = getattr(dtype, "dtype", None)
    if (
        isinstance(scalar, np.dtype)
        and isinstance(dtype, type | object)
        and not isinstance(dtype, np.dtype)
    ):
        dtype = scalar
    found = np.dtype(dtype)
    if found not in _KNOWN and found != float0:
        if found.newbyteorder("=") in _KNOWN:
            return found.newbyteorder("=")
        if found.name in _NAMES_ONLY:
            raise TypeError(
                f"dtype: {found} is a name only: XLA has no arrays of it. Use int2, bool or a float8 dtype."
            )
        raise TypeError(
            f"dtype: {found} is not a dtype of numax. Use a boolean, integer, float or complex dtype."
        )
    return found


def as_dtype(dtype: Any) -> Any:
    """The np.dtype (or KeyType) that a user's dtype argument means, not yet narrowed."""
    try:
        return _as_dtype(dtype)
    except TypeError as error:
        if "unhashable" in str(error):
            return _as_dtype.__wrapped__(dtype)
        raise


_PYTHON_DTYPES: dict[Any, np.dtype[Any]] = {
    bool: bool_,
    int: int64,
    float: float64,
    complex: complex128,
}


def canonicalize_dtype(dtype: Any, allow_extended_dtype: bool = False) -> Any:
    """The dtype that numax gives to data declared as `dtype`: 64-bit types narrow unless x64 is on."""
    found = _PYTHON_DTYPES.get(dtype) if isinstance(dtype, type) else None
    found = as_dtype(dtype) if found is None else found
    if config.enable_x64.value:
        return found
    return _NARROW.get(found, found)


def default_dtype(kind: type) -> np.dtype:
    """The dtype of a Python scalar type or of new arrays of that kind."""
    dtype = _PYTHON_DTYPES[kind]
    return dtype if config.enable_x64.value else _NARROW.get(dtype, dtype)


# ---- the lattice ----
#
#   bool -> i* -> u8 -> u16 -> u32 -> u64 ----------v
#            \-> i8 -> i16 -> i32 -> i64 --------> f* -> (f8..., bf16, f16) -> f32 -> f64
#                                                   \-> c* -> c64 -> c128

_WEAK_INT, _WEAK_FLOAT, _WEAK_COMPLEX = "i*", "f*", "c*"


def _lattice() -> dict[Any, tuple[Any, ...]]:
    edges: dict[Any, tuple[Any, ...]] = {
        bool_: (_WEAK_INT,),
        _WEAK_INT: (uint8, int8, uint4, int4, uint2, int2),
        int2: (),
        uint2: (),
        int4: (),
        uint4: (),
        uint8: (int16, uint16),
        uint16: (int32, uint32),
        uint32: (int64, uint64),
        uint64: (_WEAK_FLOAT,),
        int8: (int16,),
        int16: (int32,),
        int32: (int64,),
        int64: (_WEAK_FLOAT,),
        _WEAK_FLOAT: (*FLOAT8, float4_e2m1fn, bfloat16, float16, _WEAK_COMPLEX),
        bfloat16: (float32,),
        float16: (float32,),
        float32: (float64, complex64),
        float64: (complex128,),
        _WEAK_COMPLEX: (complex64,),
        complex64: (complex128,),
        complex128: (),
        float4_e2m1fn: (),
    }
    for dtype in FLOAT8:
        edges[dtype] = ()
    return edges


def _upper_bounds() -> dict[Any, frozenset[Any]]:
    edges = _lattice()
    bounds: dict[Any, frozenset[Any]] = {}

    def above(node: Any) -> frozenset[Any]:
        if node not in bounds:
            bounds[node] = frozenset({node}).union(*(above(n) for n in edges[node]))
        return bounds[node]

    for node in edges:
        above(node)
    return bounds


_BOUNDS = _upper_bounds()


@functools.cache
def _join(nodes: frozenset[Any]) -> Any:
    common = frozenset.intersection(*(_BOUNDS[n] for n in nodes))
    least = [n for n in common if common <= _BOUNDS[n]]
    if len(least) != 1:
        names = ", ".join(sorted(n if isinstance(n, str) else n.name for n in nodes))
        raise TypePromotionError(
            f"dtypes: no implicit promotion between {names}. Convert one explicitly with x.astype(dtype)."
        )
    return least[0]


_WEAK_NODES = {"b": bool_, "i": _WEAK_INT, "u": _WEAK_INT, "f": _WEAK_FLOAT, "c": _WEAK_COMPLEX}
_WEAK_DTYPES = {_WEAK_INT: int64, _WEAK_FLOAT: float64, _WEAK_COMPLEX: complex128}


def _node(dtype: Any, weak: bool) -> Any:
    if not weak:
        return dtype
    if dtype in _FLOATS:
        return _WEAK_FLOAT
    if dtype in _COMPLEX:
        return _WEAK_COMPLEX
    return bool_ if dtype == bool_ else _WEAK_INT


@functools.cache
def _join_types(pairs: tuple[tuple[Any, bool], ...], x64: bool, strict: bool) -> tuple[Any, bool]:
    if any(type(d) is KeyType for d, _ in pairs):
        first = pairs[0][0]
        if all(d == first for d, _ in pairs):
            return first, False
        names = ", ".join(d.name for d, _ in pairs)
        raise TypePromotionError(
            f"dtypes: PRNG keys do not promote; got {names}. Use random.key_data(key)."
        )
    if float0 in [d for d, _ in pairs]:
        if all(d == float0 for d, _ in pairs):
            return float0, False
        raise TypePromotionError("dtypes: float0 does not promote to another dtype.")
    strong = {d for d, weak in pairs if not weak}
    if not strong:
        # All weak: the highest of their own dtypes, still weak.
        weak = {_node(d, True) for d, _ in pairs}
        same = {d for d, _ in pairs}
        if len(same) == 1:
            return pairs[0][0], True
        node = _join(frozenset(weak))
        of_node = [d for d, _ in pairs if _node(d, True) == node]
        dtype = functools.reduce(np.promote_types, of_node)
        return dtype if x64 else _NARROW.get(dtype, dtype), True
    if strict and len(strong) > 1:
        names = ", ".join(sorted(d.name for d in strong))
        raise TypePromotionError(
            f"dtypes: implicit promotion between {names} is off (jax_numpy_dtype_promotion='strict'). "
            "Convert one explicitly with x.astype(dtype)."
        )
    node = _join(frozenset(_node(d, weak) for d, weak in pairs))
    weak_result = isinstance(node, str)
    dtype = _WEAK_DTYPES[node] if weak_result else node
    if strict and not weak_result and dtype not in strong:
        raise TypePromotionError(
            f"dtypes: a Python scalar would promote to {dtype} (jax_numpy_dtype_promotion='strict'). "
            "Convert explicitly with x.astype(dtype)."
        )
    return (dtype if x64 else _NARROW.get(dtype, dtype)), weak_result and node != bool_


def join_types(*pairs: tuple[Any, bool]) -> tuple[Any, bool]:
    """Promote (dtype, weak) pairs: the common dtype and whether it is weak."""
    return _join_types(
        pairs, config.enable_x64.value, config.numpy_dtype_promotion.value == "strict"
    )


def promote_types(a: Any, b: Any) -> Any:
    """The dtype that `a` and `b` promote to; Python scalar types are weak."""
    return join_types(_pair_of_type(a), _pair_of_type(b))[0]


def _pair_of_type(dtype: Any) -> tuple[Any, bool]:
    if isinstance(dtype, type) and dtype in _PYTHON_DTYPES:
        return default_dtype(dtype), dtype is not bool
    return canonicalize_dtype(dtype), False


def value_type(x: Any) -> tuple[Any, bool]:
    """(dtype, weak) of an array, a NumPy or Python scalar, or a dtype."""
    aval = getattr(x, "aval", None)
    if aval is not None:
        return aval.dtype, aval.weak_type
    kind = type(x)
    if kind in _PYTHON_DTYPES:
        return default_dtype(kind), kind is not bool
    if isinstance(x, type | np.dtype | KeyType | str):
        return _pair_of_type(x)
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        return canonicalize_dtype(dtype), bool(getattr(x, "weak_type", False))
    for base in (bool, int, float, complex):
        if isinstance(x, base):
            return default_dtype(base), base is not bool
    return canonicalize_dtype(np.asarray(x).dtype), False


def result_type(*args: Any, return_weak_type_flag: bool = False) -> Any:
    """The dtype that the arguments (arrays, scalars, dtypes) promote to."""
    if not args:
        raise ValueError("result_type: at least one argument is needed.")
    dtype, weak = join_types(*(value_type(a) for a in args))
    return (dtype, weak) if return_weak_type_flag else dtype


def scalar_type_of(x: Any) -> type:
    """The Python scalar type (bool, int, float or complex) of an array, scalar or dtype."""
    dtype = value_type(x)[0]
    if dtype == bool_:
        return bool
    if is_integer(dtype):
        return int
    if is_float(dtype):
        return float
    if is_complex(dtype):
        return complex
    raise TypeError(f"scalar_type_of: {dtype} has no Python scalar type.")


# ---- what NumPy answers for its own dtypes, and we for all ----


def issubdtype(a: Any, b: Any) -> bool:
    """Like numpy.issubdtype, with bfloat16, float8, int4 and keys in their places."""
    if type(a) is KeyType or (isinstance(a, type) and issubclass(a, extended)):
        kind: Any = cast(Any, a).type if type(a) is KeyType else a
        if type(b) is KeyType:
            return a == b
        return isinstance(b, type) and issubclass(kind, b)
    if type(b) is KeyType or (isinstance(b, type) and issubclass(b, extended)):
        return False
    if isinstance(a, type) and a in (np.generic, np.number, np.inexact, np.floating, np.integer):
        return np.issubdtype(a, b)
    if isinstance(a, type) and a in (np.signedinteger, np.unsignedinteger, np.complexfloating):
        return np.issubdtype(a, b)
    first = _PYTHON_DTYPES.get(a) if isinstance(a, type) else None
    first = as_dtype(a) if first is None else first
    if isinstance(b, type) and issubclass(b, np.generic) and b.__module__ == "numpy":
        abstract = {
            np.generic: True,
            np.number: first != bool_ and first != float0,
            np.inexact: is_inexact(first),
            np.floating: is_float(first),
            np.complexfloating: is_complex(first),
            np.integer: is_integer(first),
            np.signedinteger: is_signed(first),
            np.unsignedinteger: is_unsigned(first),
        }
        if b in abstract:
            return abstract[b]
    try:
        second = _PYTHON_DTYPES.get(b) if isinstance(b, type) else None
        second = as_dtype(b) if second is None else second
    except TypeError:
        return np.issubdtype(first, b)
    return first == second


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether `dtype` is of a kind named by the array API standard, or one of several."""
    found = as_dtype(dtype)
    for one in kind if isinstance(kind, tuple) else (kind,):
        if isinstance(one, str) and one in _KINDS:
            if _KINDS[one](found):
                return True
        elif isinstance(one, str):
            raise ValueError(f"isdtype: unknown kind {one!r}. Use one of {', '.join(_KINDS)}.")
        elif found == as_dtype(one):
            return True
    return False


def itemsize_bits(dtype: Any) -> int:
    """Bits of an element, as the compiler stores it (4 for int4)."""
    found = as_dtype(dtype)
    small: dict[Any, int] = {int4: 4, uint4: 4, int2: 2, uint2: 2, float4_e2m1fn: 4}
    return small.get(found, 8 * cast(int, found.itemsize))


def finfo(dtype: Any) -> Any:
    """Limits of a float dtype: bits, eps, max, min, tiny and more."""
    found = as_dtype(dtype)
    if not is_inexact(found):
        raise ValueError(f"finfo: {found} is not a float dtype. Use iinfo for integers.")
    native = (float16, float32, float64, complex64, complex128)
    return np.finfo(found) if found in native else ml_dtypes.finfo(found)


def iinfo(dtype: Any) -> Any:
    """Limits of an integer dtype: bits, min, max."""
    found = as_dtype(dtype)
    if not is_integer(found):
        raise ValueError(f"iinfo: {found} is not an integer dtype. Use finfo for floats.")
    return ml_dtypes.iinfo(found) if found in (int2, uint2, int4, uint4) else np.iinfo(found)


def tangent_dtype(dtype: Any) -> Any:
    """The dtype of derivatives with respect to values of `dtype`."""
    return dtype if is_inexact(dtype) else float0
