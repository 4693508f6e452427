"""Truth and bits: comparisons, logical and bitwise functions, questions about floats, equality of arrays."""

from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy import reductions
from numax.numpy.arithmetic import fast as fast_binary
from numax.numpy.elementwise import fast, real
from numax.numpy.promotion import (
    filled,
    is_arraylike,
    no_out,
    number,
    promote,
    promote_inexact,
    to_shape,
    value,
    values,
)
from numax.numpy.ufuncs import of

# ---- comparisons ----


@fast_binary(np.equal)
def equal(x: Any, y: Any, /) -> Array:
    """x == y, elementwise; NaN equals nothing.

    Grad: zero. Source: NumPy `equal`.
    """
    return lax.eq_p.bind(*promote("equal", x, y))


@fast_binary(np.not_equal)
def not_equal(x: Any, y: Any, /) -> Array:
    """x != y, elementwise; NaN differs from everything.

    Grad: zero. Source: NumPy `not_equal`.
    """
    return lax.ne_p.bind(*promote("not_equal", x, y))


def _ordered(op: str, x: Any, y: Any, rule: Any, strict: Any) -> Any:
    """An order; of complex numbers by their real, then their imaginary parts."""
    x, y = promote(op, x, y)
    if not dtypes.is_complex(x.dtype):
        return rule(x, y)
    a, b = lax.real(x), lax.real(y)
    by_imag = lax.bitwise_and(lax.eq(a, b), rule(lax.imag(x), lax.imag(y)))
    unordered = lax.bitwise_or(reductions.is_nan(lax.imag(x)), reductions.is_nan(lax.imag(y)))
    by_real = lax.bitwise_and(strict(a, b), lax.bitwise_not(unordered))
    return lax.bitwise_or(by_imag, by_real)


@fast_binary(np.greater)
def greater(x: Any, y: Any, /) -> Array:
    """x > y, elementwise; complex numbers by real, then imaginary part.

    Grad: zero. Source: NumPy `greater`.
    """
    return _ordered("greater", x, y, lax.gt, lax.gt)


@fast_binary(np.greater_equal)
def greater_equal(x: Any, y: Any, /) -> Array:
    """x >= y, elementwise; complex numbers by real, then imaginary part.

    Grad: zero. Source: NumPy `greater_equal`.
    """
    return _ordered("greater_equal", x, y, lax.ge, lax.gt)


@fast_binary(np.less)
def less(x: Any, y: Any, /) -> Array:
    """x < y, elementwise; complex numbers by real, then imaginary part.

    Grad: zero. Source: NumPy `less`.
    """
    return _ordered("less", x, y, lax.lt, lax.lt)


@fast_binary(np.less_equal)
def less_equal(x: Any, y: Any, /) -> Array:
    """x <= y, elementwise; complex numbers by real, then imaginary part.

    Grad: zero. Source: NumPy `less_equal`.
    """
    return _ordered("less_equal", x, y, lax.le, lax.lt)


# ---- truth ----


def _truths(op: str, x: Any, y: Any) -> list[Any]:
    return promote(op, *[reductions.truth(v) for v in values(op, x, y)])


def _reduce_truth(rule: Any) -> Any:
    def reduce(
        a: Any,
        axis: Any,
        dtype: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        y = rule(a, axis, keepdims=keepdims, where=where)
        if initial is None:
            return y
        start = reductions.truth(value("initial", initial))
        return lax.bitwise_and(y, start) if rule is reductions.all else lax.bitwise_or(y, start)

    return reduce


@of(np.logical_and, identity=True, reduce=_reduce_truth(reductions.all))
def logical_and(x: Any, y: Any, /) -> Array:
    """Whether x and y both differ from zero, elementwise.

    Grad: zero. Source: NumPy `logical_and`.
    """
    return lax.bitwise_and(*_truths("logical_and", x, y))


@of(np.logical_or, identity=False, reduce=_reduce_truth(reductions.any))
def logical_or(x: Any, y: Any, /) -> Array:
    """Whether x or y differs from zero, elementwise.

    Grad: zero. Source: NumPy `logical_or`.
    """
    return lax.bitwise_or(*_truths("logical_or", x, y))


@of(np.logical_xor, identity=False)
def logical_xor(x: Any, y: Any, /) -> Array:
    """Whether one of x and y, but not both, differs from zero, elementwise.

    Grad: zero. Source: NumPy `logical_xor`.
    """
    return lax.bitwise_xor(*_truths("logical_xor", x, y))


@fast(np.logical_not)
def logical_not(x: Any, /) -> Array:
    """Whether x is zero, elementwise.

    Grad: zero. Source: NumPy `logical_not`.
    """
    return lax.bitwise_not(reductions.truth(value("logical_not", x)))


# ---- bits ----


def _bits(op: str, *args: Any) -> list[Any]:
    found = promote(op, *args)
    if dtypes.is_inexact(found[0].dtype):
        shown = ", ".join(x.aval.str_short() for x in found)
        raise TypeError(
            f"{op}: accepts integers and booleans; got {shown}. Convert with x.astype(int)."
        )
    return found


@of(np.bitwise_and, identity=-1)
def bitwise_and(x: Any, y: Any, /) -> Array:
    """x & y, elementwise.

    Raises: TypeError for floats. Grad: zero. Source: NumPy `bitwise_and`.
    """
    return lax.bitwise_and(*_bits("bitwise_and", x, y))


@of(np.bitwise_or, identity=0)
def bitwise_or(x: Any, y: Any, /) -> Array:
    """x | y, elementwise.

    Raises: TypeError for floats. Grad: zero. Source: NumPy `bitwise_or`.
    """
    return lax.bitwise_or(*_bits("bitwise_or", x, y))


@of(np.bitwise_xor, identity=0)
def bitwise_xor(x: Any, y: Any, /) -> Array:
    """x ^ y, elementwise.

    Raises: TypeError for floats. Grad: zero. Source: NumPy `bitwise_xor`.
    """
    return lax.bitwise_xor(*_bits("bitwise_xor", x, y))


@fast(np.invert)
def invert(x: Any, /) -> Array:
    """~x, elementwise; of booleans, their negation.

    Raises: TypeError for floats. Grad: zero. Source: NumPy `invert`.
    """
    return lax.bitwise_not(*_bits("invert", x))


bitwise_not = bitwise_invert = invert


@core.refuses(*core.UFUNC)
def bitwise_count(x: Any, /, **numpy_only: Never) -> Array:
    """How many bits of |x| are set, elementwise, as uint8.

    Raises: TypeError for floats. Grad: zero. Source: NumPy `bitwise_count`.
    """
    if numpy_only:
        core.no_options("bitwise_count", numpy_only)
    (x,) = _bits("bitwise_count", x)
    if x.dtype == dtypes.bool_:
        return core.convert(x, dtypes.uint8)
    x = lax.abs(x) if dtypes.is_signed(x.dtype) else x
    return core.convert(lax.population_count(x), dtypes.uint8)


def _shift(op: str, x: Any, y: Any) -> list[Any]:
    x, y = _bits(op, x, y)
    if x.dtype == dtypes.bool_:
        return [core.convert(v, dtypes.default_dtype(int)) for v in (x, y)]
    return [x, y]


@fast_binary(np.left_shift)
def left_shift(x: Any, y: Any, /) -> Array:
    """x * 2**y by its bits, elementwise; 0 for shifts by the width or more. Booleans become int32.

    Raises: TypeError for floats. Grad: zero. Source: NumPy `left_shift`.
    """
    return lax.shift_left(*_shift("left_shift", x, y))


bitwise_left_shift = left_shift


@fast_binary(np.right_shift)
def right_shift(x1: Any, x2: Any, /) -> Array:
    """x1 / 2**x2 rounded down, by its bits, elementwise. Booleans become int32.

    Raises: TypeError for floats. Grad: zero. Source: NumPy `right_shift`.
    """
    x, y = _shift("right_shift", x1, x2)
    return (
        lax.shift_right_logical(x, y)
        if dtypes.is_unsigned(x.dtype)
        else lax.shift_right_arithmetic(x, y)
    )


bitwise_right_shift = right_shift

# ---- questions about floats ----


def _any_part(x: Any, rule: Any) -> Any:
    """Whether a part of a complex number answers yes."""
    if dtypes.is_complex(x.dtype):
        return lax.bitwise_or(rule(lax.real(x)), rule(lax.imag(x)))
    return rule(x)


def _no(x: Any) -> Any:
    return core.full(x.shape, False, dtypes.bool_)


@fast(np.isnan)
def isnan(x: Any, /) -> Array:
    """Whether elements are NaN; of complex numbers, either part.

    Grad: zero. Source: NumPy `isnan`.
    """
    x = value("isnan", x)
    return reductions.is_nan(x) if dtypes.is_inexact(x.dtype) else _no(x)


def _infinite(x: Any) -> Any:
    size = lax.abs(x)
    return lax.eq(size, number(size, np.inf))


@fast(np.isinf)
def isinf(x: Any, /) -> Array:
    """Whether elements are infinite; of complex numbers, either part.

    Grad: zero. Source: NumPy `isinf`.
    """
    x = value("isinf", x)
    return _any_part(x, _infinite) if dtypes.is_inexact(x.dtype) else _no(x)


@fast(np.isfinite)
def isfinite(x: Any, /) -> Array:
    """Whether elements are neither infinite nor NaN; of complex numbers, both parts.

    Grad: zero. Source: NumPy `isfinite`.
    """
    x = value("isfinite", x)
    if dtypes.is_complex(x.dtype):
        return lax.bitwise_and(lax.is_finite(lax.real(x)), lax.is_finite(lax.imag(x)))
    if dtypes.is_float(x.dtype):
        return lax.is_finite(x)
    return core.full(x.shape, True, dtypes.bool_)


def _signed_infinity(op: str, x: Any, out: Any, infinity: float) -> Any:
    no_out(op, out)
    x = value(op, x)
    if dtypes.is_complex(x.dtype):
        raise ValueError(
            f"{op}: not defined for complex numbers; got {x.aval.str_short()}. Ask of x.real and x.imag."
        )
    return lax.eq(x, number(x, infinity)) if dtypes.is_float(x.dtype) else _no(x)


@core.refuses("out")
def isposinf(x: Any, /, out: None = None) -> Array:
    """Whether elements are the positive infinity.

    Raises: ValueError for complex numbers. Grad: zero. Source: NumPy `isposinf`.
    """
    return _signed_infinity("isposinf", x, out, np.inf)


@core.refuses("out")
def isneginf(x: Any, /, out: None = None) -> Array:
    """Whether elements are the negative infinity.

    Raises: ValueError for complex numbers. Grad: zero. Source: NumPy `isneginf`.
    """
    return _signed_infinity("isneginf", x, out, -np.inf)


def iscomplex(x: Any) -> Array:
    """Whether elements have an imaginary part that is not zero.

    Grad: zero. Source: NumPy `iscomplex`.
    """
    x = value("iscomplex", x)
    return reductions.truth(lax.imag(x)) if dtypes.is_complex(x.dtype) else _no(x)


def isreal(x: Any) -> Array:
    """Whether elements have no imaginary part, or zero.

    Grad: zero. Source: NumPy `isreal`.
    """
    return lax.bitwise_not(iscomplex(x))


# ---- equality of arrays ----


def _close(x: np.ndarray, y: np.ndarray, rtol: float, atol: float, equal_nan: bool) -> Any:
    near = np.abs(np.subtract(x, y)) <= atol + rtol * np.abs(y)
    out = near & np.isfinite(y) | np.equal(x, y)
    return out | (np.isnan(x) & np.isnan(y)) if equal_nan else out


def _host_isclose(a: Any, b: Any, rtol: Any, atol: Any, equal_nan: bool) -> Any:
    """`isclose` of known floats of one dtype and shape, on NumPy; None for others."""
    if type(rtol) is not float or type(atol) is not float:
        return None
    x, y = core.eager.host_of(a), core.eager.host_of(b)
    if (
        x is None
        or y is None
        or x.dtype != y.dtype
        or x.shape != y.shape
        or x.dtype.char not in "fd"
    ):
        return None
    return core.eager.wrap_host(core.eager.quiet.run(_close, x, y, rtol, atol, equal_nan), _BOOL)


_BOOL = core.etype(dtypes.bool_)


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Array:
    """Whether |a - b| <= atol + rtol |b|, elementwise; infinities where they are equal.

    Integers compare as floats. Grad: zero. Source: NumPy `isclose`.
    """
    found = _host_isclose(a, b, rtol, atol, equal_nan)
    if found is not None:
        return found
    x, y = promote("isclose", *promote_inexact(*values("isclose", a, b)))
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = to_shape(x, shape), to_shape(y, shape)
    size = lax.abs(y)
    kind = size.dtype
    bound = [core.convert(value("isclose", t), kind) for t in (atol, rtol)]
    limit = lax.add(to_shape(bound[0], shape), lax.mul(to_shape(bound[1], shape), size))
    near = lax.le(lax.abs(lax.sub(x, y)), limit)
    near = lax.bitwise_and(near, isfinite(y))
    out = lax.bitwise_or(near, lax.eq(x, y))
    if equal_nan:
        out = lax.bitwise_or(out, lax.bitwise_and(reductions.is_nan(x), reductions.is_nan(y)))
    return out


def allclose(
    a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False
) -> Array:
    """Whether all elements are close. See `isclose`; the result is an array, unlike NumPy's bool.

    Grad: zero. Source: NumPy `allclose`.
    """
    for i, x in enumerate((a, b)):
        value("allclose", x, i)
    return reductions.all(isclose(a, b, rtol, atol, equal_nan))


def _listed(op: str, x: Any, position: int) -> Any:
    """An array, or a list of numbers as one."""
    if is_arraylike(x):
        return value(op, x, position)
    found = np.asarray(x)
    if found.dtype == object:
        raise TypeError(
            f"{op}: accepts arrays and lists of numbers; got {x!r} at position {position}."
        )
    return core.as_value(found, op)


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Array:
    """Whether two arrays have one shape and equal elements. Lists are taken too.

    Grad: zero. Source: NumPy `array_equal`.
    """
    x, y = _listed("array_equal", a1, 0), _listed("array_equal", a2, 1)
    if x.shape != y.shape:
        return core.full((), False, dtypes.bool_)
    same = equal(x, y)
    if equal_nan:
        same = logical_or(same, logical_and(isnan(x), isnan(y)))
    return reductions.all(same)


def array_equiv(a1: Any, a2: Any) -> Array:
    """Whether two arrays are equal once broadcast. Lists are taken too.

    Grad: zero. Source: NumPy `array_equiv`.
    """
    x, y = _listed("array_equiv", a1, 0), _listed("array_equiv", a2, 1)
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return core.full((), False, dtypes.bool_)
    return reductions.all(equal(x, y))


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    """NaN replaced by 0 and infinities by the largest finite numbers, or by the numbers given; complex ones by parts.

    copy has no meaning: arrays are immutable. Grad: zero where replaced. Source: NumPy `nan_to_num`.
    """
    x = value("nan_to_num", x)
    if not dtypes.is_inexact(x.dtype):
        return x
    x = core.convert(x, x.dtype)
    if dtypes.is_complex(x.dtype):
        return lax.complex(
            *[nan_to_num(part, copy, nan, posinf, neginf) for part in (real(x), lax.imag(x))]
        )
    limits = dtypes.finfo(x.dtype)

    def as_shape(v: Any) -> Any:
        return to_shape(core.convert(value("nan_to_num", v), x.dtype), x.shape)

    out = lax.select_n(reductions.is_nan(x), x, as_shape(nan))
    high, low = filled(x, np.inf), filled(x, -np.inf)
    out = lax.select_n(lax.eq(x, high), out, as_shape(limits.max if posinf is None else posinf))
    return lax.select_n(lax.eq(x, low), out, as_shape(limits.min if neginf is None else neginf))


__all__ = [
    "allclose",
    "array_equal",
    "array_equiv",
    "bitwise_and",
    "bitwise_count",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "equal",
    "greater",
    "greater_equal",
    "invert",
    "isclose",
    "iscomplex",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "left_shift",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "nan_to_num",
    "not_equal",
    "right_shift",
]
