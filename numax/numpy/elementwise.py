"""Elementary functions of one array: exponentials, trigonometry, roots, rounding, signs, parts of complex numbers."""

import math
import operator
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import filled, inexact_dtype, no_out, number, promote_inexact, value


def fast(ufunc: Any) -> Any:
    """A decorator: eager calls run NumPy's function on the memory wherever it gives the same dtype."""
    return lambda general: core.eager.unary(general.__name__, ufunc, general)


def inexact(op: str, x: Any) -> Any:
    """The argument as floats or complex numbers."""
    x = value(op, x)
    return x if dtypes.is_inexact(x.dtype) else promote_inexact(x)[0]


def real_inexact(op: str, x: Any) -> Any:
    x = inexact(op, x)
    if dtypes.is_complex(x.dtype):
        raise TypeError(
            f"ufunc '{op}' does not support complex dtypes; got {x.aval.str_short()}. Use abs(x) or x.real."
        )
    return x


def scaled(x: Any, factor: float) -> Any:
    """x times a number, in x's dtype."""
    return lax.mul(x, number(x, factor))


# ---- exponentials and logarithms ----


@fast(np.exp)
def exp(x: Any, /) -> Array:
    """e**x, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `exp`.
    """
    return lax.exp(inexact("exp", x))


@fast(np.exp2)
def exp2(x: Any, /) -> Array:
    """2**x, elementwise, also of complex x. Integers become float32.

    Grad: elementwise. Source: NumPy `exp2`.
    """
    return lax.exp2(inexact("exp2", x))


@fast(np.expm1)
def expm1(x: Any, /) -> Array:
    """e**x - 1, elementwise, accurate near 0. Integers become float32.

    Grad: elementwise. Source: NumPy `expm1`.
    """
    return lax.expm1(inexact("expm1", x))


@fast(np.log)
def log(x: Any, /) -> Array:
    """The natural logarithm, elementwise; NaN for negative floats. Integers become float32.

    Grad: elementwise. Source: NumPy `log`.
    """
    return lax.log(inexact("log", x))


@fast(np.log2)
def log2(x: Any, /) -> Array:
    """The logarithm to base 2, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `log2`.
    """
    x = inexact("log2", x)
    return lax.log2(core.convert(x, x.dtype))


@fast(np.log10)
def log10(x: Any, /) -> Array:
    """The logarithm to base 10, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `log10`.
    """
    x = inexact("log10", x)
    x = lax.log(core.convert(x, x.dtype))
    if dtypes.is_complex(x.dtype):  # part by part: a complex divisor would mix infinite parts
        return lax.complex(
            *[lax.div(p, number(p, math.log(10))) for p in (lax.real(x), lax.imag(x))]
        )
    return lax.div(x, number(x, math.log(10)))


@fast(np.log1p)
def log1p(x: Any, /) -> Array:
    """log(1 + x), elementwise, accurate near 0. Integers become float32.

    Grad: elementwise. Source: NumPy `log1p`.
    """
    return lax.log1p(inexact("log1p", x))


# ---- trigonometry, radians ----


@fast(np.sin)
def sin(x: Any, /) -> Array:
    """The sine, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `sin`.
    """
    return lax.sin(inexact("sin", x))


@fast(np.cos)
def cos(x: Any, /) -> Array:
    """The cosine, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `cos`.
    """
    return lax.cos(inexact("cos", x))


@fast(np.tan)
def tan(x: Any, /) -> Array:
    """The tangent, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `tan`.
    """
    return lax.tan(inexact("tan", x))


@fast(np.arcsin)
def arcsin(x: Any, /) -> Array:
    """The inverse sine, in [-pi/2, pi/2], elementwise; NaN outside [-1, 1]. Integers become float32.

    Grad: elementwise. Source: NumPy `arcsin`.
    """
    return lax.asin(inexact("arcsin", x))


@fast(np.arccos)
def arccos(x: Any, /) -> Array:
    """The inverse cosine, in [0, pi], elementwise; NaN outside [-1, 1]. Integers become float32.

    Grad: elementwise. Source: NumPy `arccos`.
    """
    return lax.acos(inexact("arccos", x))


@fast(np.arctan)
def arctan(x: Any, /) -> Array:
    """The inverse tangent, in [-pi/2, pi/2], elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `arctan`.
    """
    return lax.atan(inexact("arctan", x))


@fast(np.sinh)
def sinh(x: Any, /) -> Array:
    """The hyperbolic sine, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `sinh`.
    """
    return lax.sinh(inexact("sinh", x))


@fast(np.cosh)
def cosh(x: Any, /) -> Array:
    """The hyperbolic cosine, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `cosh`.
    """
    return lax.cosh(inexact("cosh", x))


@fast(np.tanh)
def tanh(x: Any, /) -> Array:
    """The hyperbolic tangent, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `tanh`.
    """
    return lax.tanh(inexact("tanh", x))


@fast(np.arcsinh)
def arcsinh(x: Any, /) -> Array:
    """The inverse hyperbolic sine, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `arcsinh`.
    """
    return lax.asinh(inexact("arcsinh", x))


@fast(np.arccosh)
def arccosh(x: Any, /) -> Array:
    """The inverse hyperbolic cosine, elementwise; NaN below 1. Integers become float32.

    Grad: elementwise. Source: NumPy `arccosh`.
    """
    return lax.acosh(inexact("arccosh", x))


@fast(np.arctanh)
def arctanh(x: Any, /) -> Array:
    """The inverse hyperbolic tangent, elementwise; NaN outside [-1, 1]. Integers become float32.

    Grad: elementwise. Source: NumPy `arctanh`.
    """
    return lax.atanh(inexact("arctanh", x))


@fast(np.deg2rad)
def deg2rad(x: Any, /) -> Array:
    """Degrees as radians, elementwise. Complex numbers too, unlike NumPy.

    Grad: linear. Source: NumPy `deg2rad`.
    """
    return scaled(inexact("deg2rad", x), math.pi / 180)


@fast(np.rad2deg)
def rad2deg(x: Any, /) -> Array:
    """Radians as degrees, elementwise. Complex numbers too, unlike NumPy.

    Grad: linear. Source: NumPy `rad2deg`.
    """
    return scaled(inexact("rad2deg", x), 180 / math.pi)


acos, asin, atan = arccos, arcsin, arctan
acosh, asinh, atanh = arccosh, arcsinh, arctanh
degrees, radians = rad2deg, deg2rad


def sinc(x: Any, /) -> Array:
    """sin(pi x) / (pi x), elementwise, and 1 at 0. Integers become float32.

    Grad: elementwise, to every order, also at 0. Source: NumPy `sinc`.
    """
    x = scaled(inexact("sinc", x), math.pi)
    size = lax.abs(x)
    small = lax.lt(size, number(size, 0.25))
    series = filled(x, 1)
    for k in range(16, 0, -2):  # 1 - x**2 / (2 * 3) * (1 - x**2 / (4 * 5) * (...))
        term = lax.mul(lax.mul(x, x), scaled(series, -1 / (k * (k + 1))))
        series = lax.add(term, number(term, 1))
    away = lax.select_n(small, x, filled(x, 1))
    return lax.select_n(small, lax.div(lax.sin(away), away), series)


def i0(x: Any) -> Array:
    """The modified Bessel function of the first kind, of order 0, elementwise.

    Raises: ValueError for complex x. Grad: elementwise. Source: NumPy `i0`.
    """
    x = inexact("i0", x)
    if dtypes.is_complex(x.dtype):
        raise ValueError(
            f"i0: accepts real numbers; got {x.aval.str_short()}. Use x.real or abs(x)."
        )
    return lax.mul(lax.exp(lax.abs(x)), lax.bessel_i0e(x))


# ---- roots and squares ----


@fast(np.sqrt)
def sqrt(x: Any, /) -> Array:
    """The square root, elementwise; NaN for negative floats. Integers become float32.

    Grad: elementwise. Source: NumPy `sqrt`.
    """
    return lax.sqrt(inexact("sqrt", x))


@fast(np.cbrt)
def cbrt(x: Any, /) -> Array:
    """The real cube root, elementwise. Integers become float32.

    Raises: TypeError for complex x. Grad: elementwise. Source: NumPy `cbrt`.
    """
    return lax.cbrt(real_inexact("cbrt", x))


@fast(np.square)
def square(x: Any, /) -> Array:
    """x * x, elementwise. Booleans become int32.

    Grad: elementwise. Source: NumPy `square`.
    """
    x = value("square", x)
    return lax.square(core.convert(x, dtypes.default_dtype(int)) if x.dtype == dtypes.bool_ else x)


@fast(np.reciprocal)
def reciprocal(x: Any, /) -> Array:
    """1 / x, elementwise. Integers become float32; NumPy rounds to integers.

    Grad: elementwise. Source: NumPy `reciprocal`.
    """
    return lax.reciprocal(inexact("reciprocal", x))


# ---- signs ----


@core.refuses(*core.UFUNC)
def positive(x: Any, /, **numpy_only: Never) -> Array:
    """x. Booleans too, unlike NumPy.

    Grad: linear. Source: NumPy `positive`.
    """
    if numpy_only:
        core.no_options("positive", numpy_only)
    return value("positive", x)


@fast(np.abs)
def abs(x: Any, /) -> Array:
    """|x|, elementwise; real for complex x; booleans as they are.

    Grad: elementwise, 1 at 0. Source: NumPy `absolute`.
    """
    x = value("abs", x)
    return x if x.dtype == dtypes.bool_ or dtypes.is_unsigned(x.dtype) else lax.abs(x)


absolute = abs


@fast(np.fabs)
def fabs(x: Any, /) -> Array:
    """|x| as floats, elementwise. Integers become float32.

    Raises: TypeError for complex x. Grad: elementwise, 1 at 0. Source: NumPy `fabs`.
    """
    return lax.abs(real_inexact("fabs", x))


def _signs(x: Any) -> Any:
    out = np.sign(x)
    return out if out.dtype.kind in "iufc" else out + out.dtype.type(0)  # ml_dtypes keeps -0


@fast(_signs)
def sign(x: Any, /) -> Array:
    """-1, 0 or 1, elementwise; x / |x| for complex x. The sign of -0.0 is 0.0.

    Raises: TypeError for booleans. Grad: zero. Source: NumPy `sign`.
    """
    x = value("sign", x)
    out = lax.sign(x)
    if not dtypes.is_float(x.dtype):
        return out
    zero = filled(x, 0)
    return lax.select_n(lax.eq(x, zero), out, zero)


# ---- rounding ----


def _rounding(op: str, x: Any, rule: Any) -> Any:
    x = value(op, x)
    if dtypes.is_complex(x.dtype):
        raise TypeError(
            f"ufunc '{op}' does not support complex dtypes; got {x.aval.str_short()}. "
            "Round x.real and x.imag."
        )
    return rule(x) if dtypes.is_float(x.dtype) else x


@fast(np.floor)
def floor(x: Any, /) -> Array:
    """The largest integer that is not above x, elementwise, as a float. Integers as they are.

    Raises: TypeError for complex x. Grad: zero. Source: NumPy `floor`.
    """
    return _rounding("floor", x, lax.floor)


@fast(np.ceil)
def ceil(x: Any, /) -> Array:
    """The smallest integer that is not below x, elementwise, as a float. Integers as they are.

    Raises: TypeError for complex x. Grad: zero. Source: NumPy `ceil`.
    """
    return _rounding("ceil", x, lax.ceil)


def truncated(x: Any) -> Any:
    """A float rounded towards zero."""
    return lax.select_n(lax.lt(x, number(x, 0)), lax.floor(x), lax.ceil(x))


@fast(np.trunc)
def trunc(x: Any) -> Array:
    """x rounded towards zero, elementwise, as a float. Integers as they are.

    Raises: TypeError for complex x. Grad: zero. Source: NumPy `trunc`.
    """
    return _rounding("trunc", x, truncated)


def _nearest(x: Any) -> Any:
    return lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)


def by_parts(rule: Any, x: Any) -> Any:
    """A rule for real numbers, applied to the parts of complex ones."""
    if dtypes.is_complex(x.dtype):
        return lax.complex(rule(lax.real(x)), rule(lax.imag(x)))
    return rule(x)


@fast(np.rint)
def rint(x: Any, /) -> Array:
    """The integer nearest to x, elementwise, as a float; halves to even; complex numbers by parts.

    Grad: zero. Source: NumPy `rint`.
    """
    x = value("rint", x)
    weak = x.aval.weak_type and dtypes.is_inexact(x.dtype)
    return by_parts(_nearest, core.convert(x, inexact_dtype(x.dtype), weak))


def _host_round(a: np.ndarray, digits: int) -> Any:
    out = a.round(digits)
    return np.where(np.isfinite(out), out, a) if digits else out


def round(a: Any, decimals: int = 0, out: None = None) -> Array:
    """a rounded to a number of decimals, halves to even; complex numbers by parts. `decimals` may be negative.

    Raises: NotImplementedError for `out`; TypeError for booleans. Grad: zero. Source: NumPy `round`.
    """
    no_out("round", out)
    a = value("round", a)
    digits = operator.index(decimals)
    if a.dtype == dtypes.bool_:
        raise TypeError("round: booleans do not round; got bool. Convert with a.astype(int).")
    if not dtypes.is_inexact(a.dtype):
        return a if digits >= 0 else _round_integer(a, 10**-digits)
    memory = core.eager.host_of(a)
    if memory is not None and memory.dtype.char in "fd":
        return core.eager.wrap_host(core.eager.quiet.run(_host_round, memory, digits), a._t)
    if digits == 0:
        return by_parts(_nearest, a)
    narrow = dtypes.is_float(a.dtype) and a.dtype.itemsize < 4
    wide = core.convert(a, dtypes.float32, a.weak_type) if narrow else a
    out = by_parts(lambda x: _round_decimals(x, digits), wide)
    return core.convert(out, a.dtype, a.weak_type)


def _round_decimals(x: Any, digits: int) -> Any:
    """As NumPy: multiply by a power of ten (or divide), round halves to even, and back."""
    there, back = (lax.mul, lax.div) if digits > 0 else (lax.div, lax.mul)
    power = number(x, 10.0 ** min(digits if digits > 0 else -digits, 300))
    out = back(_nearest(there(x, power)), power)
    return lax.select_n(lax.is_finite(out), x, out)


def _round_integer(x: Any, unit: int) -> Any:
    """Integers rounded to multiples of `unit`, halves to even ones."""
    if unit > dtypes.iinfo(x.dtype).max:
        return filled(x, 0)
    size = number(x, unit)
    part = lax.rem(x, size)
    if dtypes.is_signed(x.dtype):
        part = lax.select_n(lax.lt(part, number(x, 0)), part, lax.add(part, size))
    low, rest = lax.sub(x, part), lax.sub(size, part)
    odd = lax.ne(lax.rem(lax.div(low, size), number(x, 2)), number(x, 0))
    up = lax.bitwise_or(lax.gt(part, rest), lax.bitwise_and(lax.eq(part, rest), odd))
    return lax.select_n(up, low, lax.add(low, size))


around = round

# ---- complex numbers ----


@core.refuses(*core.UFUNC)
def conj(x: Any, /, **numpy_only: Never) -> Array:
    """The complex conjugate, elementwise; real x as it is.

    Grad: linear. Source: NumPy `conjugate`.
    """
    if numpy_only:
        core.no_options("conj", numpy_only)
    x = value("conj", x)
    return lax.conj(x) if dtypes.is_complex(x.dtype) else x


conjugate = conj


def real(val: Any, /) -> Array:
    """The real part, elementwise; real values as they are.

    Grad: linear. Source: NumPy `real`.
    """
    x = value("real", val)
    return lax.real(x) if dtypes.is_complex(x.dtype) else x


def imag(val: Any, /) -> Array:
    """The imaginary part, elementwise; zeros for real values.

    Grad: linear. Source: NumPy `imag`.
    """
    x = value("imag", val)
    return lax.imag(x) if dtypes.is_complex(x.dtype) else filled(x, 0)


def angle(z: Any, deg: bool = False) -> Array:
    """The argument of complex numbers, in [-pi, pi], elementwise; degrees if `deg`. Integers become float32.

    Grad: elementwise. Source: NumPy `angle`.
    """
    z = inexact("angle", z)
    z = core.convert(z, z.dtype)
    if dtypes.is_complex(z.dtype):
        out = lax.atan2(lax.imag(z), lax.real(z))
    else:
        out = lax.atan2(filled(z, 0), z)
    return scaled(out, 180 / math.pi) if deg else out


__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "angle",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "around",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "ceil",
    "conj",
    "conjugate",
    "cos",
    "cosh",
    "deg2rad",
    "degrees",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "i0",
    "imag",
    "log",
    "log1p",
    "log2",
    "log10",
    "positive",
    "rad2deg",
    "radians",
    "real",
    "reciprocal",
    "rint",
    "round",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
]
