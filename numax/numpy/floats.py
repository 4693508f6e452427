"""The insides of floats: sign bits, neighbours, mantissas and exponents, whole and fractional parts."""

import functools
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.arithmetic import fast as fast_binary
from numax.numpy.elementwise import fast, inexact, real_inexact, truncated
from numax.numpy.promotion import filled, no_out, number, promote_float, to_shape, value

_WORDS = {1: dtypes.int8, 2: dtypes.int16, 4: dtypes.int32, 8: dtypes.int64}


def _word(x: Any) -> Any:
    """The bits of floats as signed integers."""
    return lax.bitcast_convert_type(x, _WORDS[x.dtype.itemsize])


@functools.cache
def _layout(dtype: Any) -> tuple[int, int, int]:
    """Bits of the fraction, bias of the exponent, and the exponent's all-ones pattern."""
    limits = dtypes.finfo(dtype)
    ones = (1 << (int(limits.bits) - 1 - int(limits.nmant))) - 1
    return int(limits.nmant), 1 - int(limits.minexp), ones


@fast(np.signbit)
def signbit(x: Any, /) -> Array:
    """Whether the sign bit is set, elementwise: of negative numbers, -0.0 and some NaNs.

    Raises: TypeError for complex numbers. Grad: zero. Source: NumPy `signbit`.
    """
    x = value("signbit", x)
    if dtypes.is_complex(x.dtype):
        raise TypeError(
            f"ufunc 'signbit' does not support complex dtypes; got {x.aval.str_short()}. Use x.real."
        )
    if dtypes.is_float(x.dtype):
        return negative_sign(x)
    return (
        lax.lt(x, number(x, 0))
        if dtypes.is_signed(x.dtype)
        else core.full(x.shape, False, dtypes.bool_)
    )


def negative_sign(x: Any) -> Any:
    word = _word(x)
    return lax.lt(word, number(word, 0))


@fast_binary(np.copysign)
def copysign(x1: Any, x2: Any, /) -> Array:
    """x1 with the sign bit of x2, elementwise. Integers become float32.

    Raises: TypeError for complex numbers. Grad: that of x1, by sign. Source: NumPy `copysign`.
    """
    x, y = promote_float("copysign", x1, x2)
    if dtypes.is_complex(x.dtype):
        raise TypeError(
            f"copysign does not support complex-valued inputs; got {x.aval.str_short()}. Use x.real."
        )
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = to_shape(x, shape), to_shape(y, shape)
    return lax.select_n(lax.ne(negative_sign(x), negative_sign(y)), x, lax.neg(x))


def _nextafter(x: Any, y: Any) -> Any:
    out = np.nextafter(x, y)
    return np.where(x == y, y, out) if out.dtype == np.float16 else out  # 0 towards -0 is -0


@fast_binary(_nextafter)
def nextafter(x: Any, y: Any, /) -> Array:
    """The float next to x in the direction of y, elementwise. Integers become float32.

    Raises: TypeError for complex numbers. Grad: that of x. Source: NumPy `nextafter`.
    """
    return lax.nextafter(*promote_float("nextafter", x, y))


@fast(np.spacing)
def spacing(x: Any, /) -> Array:
    """The distance to the next float away from zero, elementwise, with the sign of x. Integers become float32.

    Raises: TypeError for complex numbers. Grad: zero. Source: NumPy `spacing`.
    """
    x = lax.stop_gradient(real_inexact("spacing", x))
    x = core.convert(x, x.dtype)
    outwards = lax.select_n(negative_sign(x), filled(x, np.inf), filled(x, -np.inf))
    return lax.sub(lax.nextafter(x, outwards), x)


# ---- mantissa and exponent ----


def _power_of_two(k: Any, dtype: Any) -> Any:
    """2**k for integers k within the range of normal exponents, from its bits."""
    fraction, bias, _ = _layout(dtype)
    word = _WORDS[dtype.itemsize]
    k = core.convert(k, word)
    bits = lax.shift_left(lax.add(k, number(k, bias)), number(k, fraction))
    return lax.bitcast_convert_type(bits, dtype)


def times_power_of_two(x: Any, k: Any) -> Any:
    """x * 2**k, in steps that neither overflow nor lose digits before they must."""
    _, bias, _ = _layout(x.dtype)
    k = lax.optimization_barrier(
        k
    )  # else the compiler merges constant steps into one that overflows
    low, high = number(k, 1 - bias), number(k, bias)
    for _step in range(4):
        part = lax.clamp(low, k, high)
        x = lax.mul(x, _power_of_two(part, x.dtype))
        k = lax.sub(k, part)
    return x


@fast_binary(np.ldexp)
def ldexp(x1: Any, x2: Any, /) -> Array:
    """x1 * 2**x2, elementwise, for integers x2. Integers x1 become float32.

    Raises: ValueError for complex x1, or x2 that are not integers. Grad: linear in x1. Source: NumPy `ldexp`.
    """
    x, k = value("ldexp", x1), value("ldexp", x2, 1)
    if dtypes.is_complex(x.dtype) or not (dtypes.is_integer(k.dtype) or k.dtype == dtypes.bool_):
        raise ValueError(
            f"ldexp not supported for input types ({x.dtype}, {k.dtype}): the exponent must be an integer."
        )
    x = inexact("ldexp", x)
    narrow = x.dtype.itemsize < 4
    wide = core.convert(x, dtypes.float32, x.weak_type) if narrow else x
    shape = np.broadcast_shapes(x.shape, k.shape)
    k = core.convert(k, dtypes.int32)
    out = times_power_of_two(to_shape(wide, shape), to_shape(k, shape))
    return core.convert(out, x.dtype, x.weak_type)


@core.refuses(*core.UFUNC)
def frexp(x: Any, /, **numpy_only: Never) -> tuple[Array, Array]:
    """(mantissa, exponent) with x = mantissa * 2**exponent and |mantissa| in [0.5, 1), elementwise; 0 of 0, inf, NaN.

    Raises: TypeError for complex numbers. Grad: of the mantissa, linear for the fixed exponent. Source: NumPy `frexp`.
    """
    if numpy_only:
        core.no_options("frexp", numpy_only)
    x = real_inexact("frexp", x)
    own = x.dtype
    if own.itemsize < 4:
        x = core.convert(x, dtypes.float32, x.weak_type)
    fraction, bias, ones = _layout(x.dtype)

    def exponent(y: Any) -> Any:
        word = _word(y)
        field = lax.shift_right_logical(word, number(word, fraction))
        return lax.bitwise_and(field, number(field, ones))

    still = lax.stop_gradient(x)
    lifted = lax.mul(still, number(still, 2.0 ** (fraction + 2)))
    field = exponent(still)
    subnormal = lax.eq(field, number(field, 0))
    e = lax.select_n(subnormal, field, lax.sub(exponent(lifted), number(field, fraction + 2)))
    e = lax.sub(e, number(e, bias - 1))
    odd = lax.bitwise_or(lax.eq(field, number(field, ones)), lax.eq(still, number(still, 0)))
    e = core.convert(lax.select_n(odd, e, filled(e, 0)), dtypes.int32)
    return core.convert(times_power_of_two(x, lax.neg(e)), own), e


@core.refuses(*core.UFUNC)
def modf(x: Any, /, out: None = None, **numpy_only: Never) -> tuple[Array, Array]:
    """(fractional part, whole part), elementwise, both with the sign of x. Integers become float32.

    Raises: TypeError for complex numbers. Grad: of the fractional part, linear. Source: NumPy `modf`.
    """
    if numpy_only:
        core.no_options("modf", numpy_only)
    no_out("modf", out)
    x = real_inexact("modf", x)
    whole = copysign(truncated(x), x)
    finite = lax.ne(lax.abs(x), number(x, np.inf))
    rest = lax.rem(x, number(x, 1))  # has the sign of x
    return lax.select_n(finite, copysign(filled(x, 0), x), rest), whole


__all__ = [
    "copysign",
    "frexp",
    "ldexp",
    "modf",
    "nextafter",
    "signbit",
    "spacing",
]
