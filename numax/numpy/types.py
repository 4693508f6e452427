"""Element types: scalar-type objects, dtype questions, and the array API's inspection."""

from typing import Any

import ml_dtypes
import numpy as np
from numpy import (
    character,
    complexfloating,
    dtype,
    flexible,
    floating,
    generic,
    inexact,
    integer,
    number,
    object_,
    signedinteger,
    unsignedinteger,
)
from numpy.exceptions import ComplexWarning

from numax import api, core
from numax.core import Array, Tracer, dtypes
from numax.numpy.promotion import is_arraylike, value

_WIDE = frozenset(np.dtype(n) for n in ("int64", "uint64", "float64", "complex128"))
_PYTHON = (bool, int, float, complex)


def requested_dtype(op: str, dtype: Any) -> Any:
    """The dtype that a user's `dtype` argument gives; a warning where a 64-bit type is narrowed."""
    try:
        found = dtypes.canonicalize_dtype(dtype)
    except TypeError as error:
        if "not understood" not in str(error):
            raise
        raise TypeError(
            f"{op}: {error}. Use a dtype, as numax.numpy.float32, or its name."
        ) from None
    if found in _WIDE or (isinstance(dtype, type) and dtype in _PYTHON):
        return found
    asked = dtypes.as_dtype(dtype)
    if asked != found:
        core.warn(
            f"{op}: Explicitly requested dtype {asked} is not available, and is narrowed to {found}. "
            'Enable 64-bit types with numax.config.update("jax_enable_x64", True).'
        )
    return found


# ---- scalar types ----


class ScalarType(type):
    """What float32, int8 ... are: a dtype to pass on, a function that makes an array of it."""

    dtype: np.dtype

    def __call__(cls, x: Any) -> Any:
        return _make(x, cls.dtype)

    def __eq__(cls, other: object) -> bool:
        if cls is other:
            return True
        return cls.dtype.type == other if isinstance(other, type | np.dtype) else False

    def __ne__(cls, other: object) -> bool:
        return not cls == other

    def __hash__(cls) -> int:
        return hash(cls.dtype.type)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.dtype.type)


class _Maker:
    """How a scalar type makes an array; numax.numpy.creation sets it."""

    asarray: Any = None


def _make(x: Any, dtype: np.dtype) -> Any:
    return _Maker.asarray(x, dtype=dtype)


def _scalar_type(scalar: Any, name: str | None = None) -> ScalarType:
    found = np.dtype(scalar)
    name = name or found.name
    doc = f"The {name} scalar type: a dtype, and a function that makes an array of it."
    space = {"dtype": found, "__doc__": doc, "__module__": "numax.numpy"}
    return ScalarType(name, (), space)


bool_ = _scalar_type(np.bool_)
int1, uint1 = _scalar_type(ml_dtypes.int1), _scalar_type(ml_dtypes.uint1)
int2, uint2 = _scalar_type(ml_dtypes.int2), _scalar_type(ml_dtypes.uint2)
int4, uint4 = _scalar_type(ml_dtypes.int4), _scalar_type(ml_dtypes.uint4)
int8, uint8 = _scalar_type(np.int8), _scalar_type(np.uint8)
int16, uint16 = _scalar_type(np.int16), _scalar_type(np.uint16)
int32, uint32 = _scalar_type(np.int32), _scalar_type(np.uint32)
int64, uint64 = _scalar_type(np.int64), _scalar_type(np.uint64)
float4_e2m1fn = _scalar_type(ml_dtypes.float4_e2m1fn)
float6_e2m3fn = _scalar_type(ml_dtypes.float6_e2m3fn)
float6_e3m2fn = _scalar_type(ml_dtypes.float6_e3m2fn)
float8_e3m4 = _scalar_type(ml_dtypes.float8_e3m4)
float8_e4m3 = _scalar_type(ml_dtypes.float8_e4m3)
float8_e4m3b11fnuz = _scalar_type(ml_dtypes.float8_e4m3b11fnuz)
float8_e4m3fn = _scalar_type(ml_dtypes.float8_e4m3fn)
float8_e4m3fnuz = _scalar_type(ml_dtypes.float8_e4m3fnuz)
float8_e5m2 = _scalar_type(ml_dtypes.float8_e5m2)
float8_e5m2fnuz = _scalar_type(ml_dtypes.float8_e5m2fnuz)
float8_e8m0fnu = _scalar_type(ml_dtypes.float8_e8m0fnu)
bfloat16 = _scalar_type(ml_dtypes.bfloat16)
float16 = _scalar_type(np.float16)
float32 = _scalar_type(np.float32)
float64 = _scalar_type(np.float64)
complex64 = _scalar_type(np.complex64)
complex128 = _scalar_type(np.complex128)

single, double, csingle, cdouble = float32, float64, complex64, complex128
int_, uint, float_, complex_ = int64, uint64, float64, complex128

pi = np.pi
e = np.e
euler_gamma = np.euler_gamma
inf = np.inf
nan = np.nan
newaxis = None


# ---- questions about dtypes ----


def _checked(op: str, x: Any) -> Any:
    if isinstance(x, list | tuple | dict | set) or x is None:
        raise TypeError(
            f"{op}: an array, scalar or dtype is needed; got {x!r}. Use numax.numpy.asarray for lists."
        )
    return x


def result_type(*args: Any) -> Any:
    """The dtype that arrays, scalars and dtypes promote to.

    Differs from NumPy: JAX's lattice; Python scalars are weak. Source: NumPy `result_type`.
    """
    return dtypes.result_type(*[_checked("result_type", a) for a in args])


def promote_types(a: Any, b: Any) -> Any:
    """The dtype that two dtypes promote to; Python scalar types are weak.

    Differs from NumPy: JAX's lattice. Raises: TypePromotionError if there is none. Source: NumPy `promote_types`.
    """
    return dtypes.promote_types(a, b)


_ORDER = ("bool", "unsigned integer", "signed integer", "real floating", "complex floating")


def _rank(dtype: Any) -> int:
    return next(i for i, kind in enumerate(_ORDER) if dtypes.isdtype(dtype, kind))


def _is_safe(a: Any, b: Any) -> bool:
    """Whether every value of dtype a is one of dtype b."""
    if a == b or a == dtypes.bool_:
        return True
    if _rank(a) > _rank(b):
        return False
    if dtypes.is_integer(a):
        low, high = dtypes.iinfo(a).min, dtypes.iinfo(a).max
        if dtypes.is_integer(b):
            return dtypes.iinfo(b).min <= low and high <= dtypes.iinfo(b).max
        return np.can_cast(a, b) if b in _NATIVE and a in _NATIVE else high <= _exact_up_to(b)
    if b in _NATIVE and a in _NATIVE:
        return np.can_cast(a, b)
    wide = dtypes.finfo(b)
    narrow = dtypes.finfo(a)
    return (
        narrow.nmant <= wide.nmant
        and float(narrow.max) <= float(wide.max)
        and float(narrow.smallest_subnormal) >= float(wide.smallest_subnormal)
    )


_INTEGERS = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
_INEXACT = ["float16", "float32", "float64", "complex64", "complex128"]
_NATIVE = frozenset(np.dtype(name) for name in ["bool", *_INTEGERS, *_INEXACT])


def _exact_up_to(dtype: Any) -> float:
    limits = dtypes.finfo(dtype)
    return min(2.0 ** (limits.nmant + 1), float(limits.max))


def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    """Whether a conversion between dtypes is allowed under a casting rule.

    Raises: TypeError for Python numbers, whose answer would depend on the value. Source: NumPy `can_cast`.
    """
    if isinstance(from_, bool | int | float | complex) and not isinstance(from_, np.generic):
        raise TypeError(
            f"can_cast: the answer for a Python number would depend on its value; got {from_!r}. Give a dtype."
        )
    found = dtypes.as_dtype(getattr(from_, "dtype", from_))
    target = dtypes.as_dtype(to)
    if casting not in ("no", "equiv", "safe", "same_kind", "unsafe"):
        raise ValueError(
            f"can_cast: casting must be no, equiv, safe, same_kind or unsafe; got {casting!r}."
        )
    if casting in ("no", "equiv"):
        return found == target
    if casting == "unsafe":
        return True
    if found in _NATIVE and target in _NATIVE:
        return bool(np.can_cast(found, target, casting))
    if dtypes.is_key(found) or dtypes.is_key(target):
        return found == target
    if casting == "same_kind":
        return _rank(found) <= _rank(target)
    return _is_safe(found, target)


def issubdtype(arg1: Any, arg2: Any) -> bool:
    """Whether a dtype is, or lies below, another in NumPy's hierarchy; bfloat16, float8, int4 have their places.

    Source: NumPy `issubdtype`.
    """
    return dtypes.issubdtype(
        getattr(arg1, "aval", arg1) if isinstance(arg1, Tracer) else arg1, arg2
    )


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind such as "real floating", or one of several kinds and dtypes.

    Raises: ValueError for an unknown kind. Source: array API `isdtype`.
    """
    return dtypes.isdtype(dtype, kind)


def finfo(dtype: Any) -> Any:
    """Limits of a float or complex dtype: bits, eps, max, min, tiny and more.

    Differs from NumPy: knows bfloat16 and float8. Raises: ValueError for other dtypes. Source: NumPy `finfo`.
    """
    return dtypes.finfo(_python_kind(dtype))


def iinfo(int_type: Any) -> Any:
    """Limits of an integer dtype: bits, min, max.

    Differs from NumPy: knows int2 and int4. Raises: ValueError for other dtypes. Source: NumPy `iinfo`.
    """
    return dtypes.iinfo(_python_kind(int_type))


def _python_kind(dtype: Any) -> Any:
    if not isinstance(dtype, type) and isinstance(dtype, _PYTHON):
        return np.dtype(type(dtype))
    found = getattr(dtype, "dtype", dtype)
    return found if isinstance(found, np.dtype) else dtype  # NumPy's classes have a descriptor


def _kind_of(x: Any) -> Any:
    if x is None:
        return None
    if isinstance(x, list | tuple):
        return np.asarray(x).dtype
    try:
        return dtypes.value_type(x)[0]
    except TypeError:
        return None


def iscomplexobj(x: Any) -> bool:
    """Whether the dtype of an array, scalar or dtype is complex.

    Source: NumPy `iscomplexobj`.
    """
    return dtypes.is_complex(_kind_of(x))


def isrealobj(x: Any) -> bool:
    """Whether the dtype of an array, scalar or dtype is not complex.

    Source: NumPy `isrealobj`.
    """
    return not iscomplexobj(x)


def isscalar(element: Any) -> bool:
    """Whether the argument is a Python or NumPy scalar, or an array of no dimensions.

    Differs from NumPy: True for arrays of no dimensions. Source: NumPy `isscalar`.
    """
    if type(element) is Array or isinstance(element, Tracer | np.ndarray):
        return not element.shape
    if hasattr(element, "__jax_array__"):
        return not element.__jax_array__().shape
    return bool(np.isscalar(element))


def iterable(y: Any) -> bool:
    """Whether the argument can be iterated over.

    Source: NumPy `iterable`.
    """
    if is_arraylike(y):
        return bool(np.shape(y) if isinstance(y, np.ndarray) else getattr(y, "shape", ()))
    return np.iterable(y)


def astype(x: Any, dtype: Any, /, *, copy: bool = False, device: Any = None) -> Any:
    """The elements in another dtype; None means the default float.

    Differs from NumPy: floats out of an integer's range saturate. Grad: linear between inexact dtypes.
    Raises: TypeError for what is no array. Source: array API `astype`.
    """
    x = value("astype", x)
    target = requested_dtype("astype", float if dtype is None else dtype)
    if dtypes.is_complex(x.dtype) and not dtypes.is_complex(target) and target != dtypes.bool_:
        core.warn(
            f"astype: the imaginary part is dropped from {x.dtype} to {target}. Take x.real or x.imag first.",
            ComplexWarning,
        )
    out = core.convert(x, target)
    if copy and out is x:
        out = core.lax.copy_p.bind(x)
    return out if device is None else api.devices.device_put(out, device)


# ---- the array API's inspection ----


class ArrayNamespaceInfo:
    """What the array API's `__array_namespace_info__` returns: devices, dtypes, capabilities."""

    def capabilities(self) -> dict[str, Any]:
        """Boolean indexing and shapes that depend on data work eagerly, not while tracing."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:
        """None: arrays live where the computation puts them."""
        return None

    def devices(self) -> tuple[Any, ...]:
        """The devices there are; None stands for the default one."""
        return (None, *api.devices.devices())

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """The dtypes of new arrays."""
        return {
            "real floating": dtypes.default_dtype(float),
            "complex floating": dtypes.default_dtype(complex),
            "integral": dtypes.default_dtype(int),
            "indexing": dtypes.default_dtype(int),
        }

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        """The dtypes of the standard, all or of a kind."""
        found = {d.name: d for d in sorted(_NATIVE - {np.dtype(np.float16)}, key=lambda d: d.name)}
        return {
            name: d
            for name, d in found.items()
            if (kind is None or dtypes.isdtype(d, kind)) and dtypes.canonicalize_dtype(d) == d
        }


def __array_namespace_info__() -> ArrayNamespaceInfo:
    """Devices, dtypes and capabilities of this namespace.

    Source: array API `__array_namespace_info__`.
    """
    return ArrayNamespaceInfo()


__all__ = [
    "ArrayNamespaceInfo",
    "ComplexWarning",
    "__array_namespace_info__",
    "astype",
    "bfloat16",
    "bool_",
    "can_cast",
    "cdouble",
    "character",
    "complex64",
    "complex128",
    "complex_",
    "complexfloating",
    "csingle",
    "double",
    "dtype",
    "e",
    "euler_gamma",
    "finfo",
    "flexible",
    "float4_e2m1fn",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float16",
    "float32",
    "float64",
    "float_",
    "floating",
    "generic",
    "iinfo",
    "inexact",
    "inf",
    "int1",
    "int2",
    "int4",
    "int8",
    "int16",
    "int32",
    "int64",
    "int_",
    "integer",
    "iscomplexobj",
    "isdtype",
    "isrealobj",
    "isscalar",
    "issubdtype",
    "iterable",
    "nan",
    "newaxis",
    "number",
    "object_",
    "pi",
    "promote_types",
    "requested_dtype",
    "result_type",
    "signedinteger",
    "single",
    "uint",
    "uint1",
    "uint2",
    "uint4",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unsignedinteger",
]
