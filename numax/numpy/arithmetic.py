"""Arithmetic of two arrays: sums, products, quotients, powers, extrema, remainders; elementary functions of two."""

import builtins
import math
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, Tracer, dtypes
from numax.numpy import reductions
from numax.numpy.elementwise import scaled, truncated
from numax.numpy.promotion import filled, number, promote, promote_float, to_shape, value, values
from numax.numpy.ufuncs import of


def fast(ufunc: Any) -> Any:
    """A decorator: eager calls run NumPy's ufunc on the memory wherever it gives the same dtype."""
    return lambda general: core.eager.binary(general.__name__, ufunc, general)


def integers_of_bools(*args: Any) -> list[Any]:
    """Promoted operands; booleans as the default integer."""
    if args[0].dtype != dtypes.bool_:
        return list(args)
    return [core.convert(x, dtypes.default_dtype(int)) for x in args]


def _real(op: str, *args: Any) -> list[Any]:
    for x in args:
        if dtypes.is_complex(x.dtype):
            raise TypeError(
                f"ufunc '{op}' does not support complex dtypes; got {x.aval.str_short()}. Use x.real or abs(x)."
            )
    return list(args)


def _updating(method: str) -> Any:
    """ufunc.at through x.at[indices]."""
    return lambda a, indices, b: getattr(a.at[indices], method)(b)


# ---- ring operations ----


def _accumulate(running: Any, widen: Any = reductions.sum_dtype) -> Any:
    return lambda a, axis, dtype: running(
        a, axis, dtype or widen("accumulate", None, a.dtype, False)
    )


@of(
    np.add,
    identity=0,
    reduce=reductions.sum,
    accumulate=_accumulate(reductions.cumsum),
    at=_updating("add"),
)
def add(x: Any, y: Any, /) -> Array:
    """x + y, elementwise; booleans: or.

    Grad: linear. Source: NumPy `add`.
    """
    return lax.add_p.bind(*promote("add", x, y))


@of(np.subtract, at=_updating("subtract"))
def subtract(x: Any, y: Any, /) -> Array:
    """x - y, elementwise.

    Raises: TypeError for booleans. Grad: linear. Source: NumPy `subtract`.
    """
    x, y = promote("subtract", x, y)
    if x.dtype == dtypes.bool_:
        raise TypeError(
            "subtract: sub does not accept dtype bool. Use numax.numpy.logical_xor, or convert."
        )
    return lax.sub_p.bind(x, y)


@of(
    np.multiply,
    identity=1,
    reduce=reductions.prod,
    accumulate=_accumulate(reductions.cumprod),
    at=_updating("multiply"),
)
def multiply(x: Any, y: Any, /) -> Array:
    """x * y, elementwise; booleans: and.

    Grad: bilinear. Source: NumPy `multiply`.
    """
    return lax.mul_p.bind(*promote("multiply", x, y))


@of(np.negative)
def negative(x: Any, /) -> Array:
    """-x, elementwise. Unsigned integers wrap around.

    Raises: TypeError for booleans. Grad: linear. Source: NumPy `negative`.
    """
    x = value("negative", x)
    if x.dtype == dtypes.bool_:
        raise TypeError(
            "negative: neg does not accept dtype bool. Use ~x or numax.numpy.logical_not."
        )
    return lax.neg(x)


@fast(np.true_divide)
def divide(x1: Any, x2: Any, /) -> Array:
    """x1 / x2, elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `divide`.
    """
    return lax.div_p.bind(*promote_float("divide", x1, x2))


true_divide = divide

# ---- whole quotients and remainders ----


def _int_quotient(x: Any, y: Any) -> Any:
    """x / y rounded down; 0 where y is 0, as NumPy."""
    zero, one = number(x, 0), number(x, 1)
    none = lax.eq(y, zero)
    divisor = lax.select_n(none, y, to_shape(one, y.shape))
    quotient = lax.div(x, divisor)
    if dtypes.is_signed(x.dtype):
        rest = lax.rem(x, divisor)
        opposite = lax.ne(lax.lt(rest, zero), lax.lt(divisor, zero))
        down = lax.bitwise_and(lax.ne(rest, zero), opposite)
        quotient = lax.select_n(down, quotient, lax.sub(quotient, one))
    return lax.select_n(to_shape(none, quotient.shape), quotient, filled(quotient, 0))


def _float_quotient(x: Any, y: Any) -> Any:
    """x / y rounded down, exact where the remainder is; x / y itself for y = 0."""
    x, y = lax.stop_gradient(x), lax.stop_gradient(y)
    zero, one = number(x, 0), number(x, 1)
    ratio = lax.div(x, y)
    rest = lax.rem(x, y)
    quotient = lax.div(lax.sub(x, rest), y)
    opposite = lax.bitwise_and(lax.ne(rest, zero), lax.ne(lax.lt(rest, zero), lax.lt(y, zero)))
    quotient = lax.select_n(opposite, quotient, lax.sub(quotient, one))
    whole = lax.floor(quotient)
    whole = lax.select_n(
        lax.gt(lax.sub(quotient, whole), number(x, 0.5)), whole, lax.add(whole, one)
    )
    signed_zero = lax.mul(to_shape(zero, ratio.shape), lax.sign(ratio))
    whole = lax.select_n(lax.eq(quotient, zero), whole, signed_zero)
    return lax.select_n(to_shape(lax.eq(y, zero), ratio.shape), whole, ratio)


def _whole(op: str, x1: Any, x2: Any) -> list[Any]:
    return _real(op, *integers_of_bools(*promote(op, x1, x2)))


@fast(np.floor_divide)
def floor_divide(x1: Any, x2: Any, /) -> Array:
    """x1 / x2 rounded down, elementwise; integers by 0 give 0, floats an infinity or NaN. Booleans become int32.

    Raises: TypeError for complex numbers. Grad: zero. Source: NumPy `floor_divide`.
    """
    x, y = _whole("floor_divide", x1, x2)
    return _float_quotient(x, y) if dtypes.is_float(x.dtype) else _int_quotient(x, y)


def _int_remainder(x: Any, y: Any, floored: bool) -> Any:
    zero = number(x, 0)
    none = lax.eq(y, zero)
    divisor = lax.select_n(none, y, to_shape(number(y, 1), y.shape))
    rest = lax.rem(x, divisor)  # 0 where y is 0: the divisor is 1 there
    if floored and dtypes.is_signed(x.dtype):
        opposite = lax.ne(lax.lt(rest, zero), lax.lt(divisor, zero))
        up = lax.bitwise_and(lax.ne(rest, zero), opposite)
        rest = lax.select_n(up, rest, lax.add(rest, divisor))
    return rest


def _float_remainder(x: Any, y: Any) -> Any:
    """x - y floor(x / y), with the sign of y; a zero too."""
    rest = lax.rem(x, y)
    zero = number(rest, 0)
    below = lax.lt(y, zero)
    none = lax.eq(rest, zero)
    opposite = lax.ne(lax.lt(rest, zero), to_shape(below, rest.shape))
    up = lax.bitwise_and(lax.bitwise_not(none), opposite)
    rest = lax.select_n(up, rest, lax.add(rest, to_shape(y, rest.shape)))
    # The zero of y's sign, with rest's derivative: nextafter(a, b) is b where they are equal.
    signed = lax.select_n(below, to_shape(zero, y.shape), to_shape(number(zero, -0.0), y.shape))
    towards = lax.select_n(none, lax.stop_gradient(rest), to_shape(signed, rest.shape))
    return lax.nextafter(rest, towards)


@fast(np.remainder)
def remainder(x1: Any, x2: Any, /) -> Array:
    """x1 - x2 floor(x1 / x2), elementwise: what is left, with the sign of x2. Integers by 0 give 0.

    Raises: TypeError for complex numbers. Grad: 1 and -floor(x1 / x2). Source: NumPy `remainder`.
    """
    x, y = _whole("remainder", x1, x2)
    return _float_remainder(x, y) if dtypes.is_float(x.dtype) else _int_remainder(x, y, True)


mod = remainder


@fast(np.fmod)
def fmod(x1: Any, x2: Any, /) -> Array:
    """What is left of x1 after division by x2 rounded towards zero, elementwise: it has the sign of x1.

    Raises: TypeError for complex numbers. Grad: 1 and -trunc(x1 / x2). Source: NumPy `fmod`.
    """
    x, y = _whole("fmod", x1, x2)
    return lax.rem(x, y) if dtypes.is_float(x.dtype) else _int_remainder(x, y, False)


@core.refuses(*core.UFUNC)
def divmod(x1: Any, x2: Any, /, **numpy_only: Never) -> tuple[Array, Array]:
    """(floor_divide(x1, x2), remainder(x1, x2)).

    Raises: TypeError for complex numbers. Grad: of both. Source: NumPy `divmod`.
    """
    if numpy_only:
        core.no_options("divmod", numpy_only)
    return floor_divide(x1, x2), remainder(x1, x2)


# ---- powers ----


def _known_exponent(x2: Any) -> int | None:
    """The exponent, if it is one integer that is known now."""
    if isinstance(x2, bool | np.bool_ | float | complex):
        return None
    if isinstance(x2, int | np.integer):
        return int(x2)
    if type(x2) is Array or isinstance(x2, np.ndarray):
        if not x2.shape and dtypes.is_integer(x2.dtype):
            return int(x2.numpy_() if type(x2) is Array else x2)
    return None


def _int_power(x: Any, y: Any) -> Any:
    """Integers to integer powers, by squaring; negative powers round towards zero (0**-1 gives 0)."""
    zero, one = number(x, 0), number(x, 1)
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = to_shape(x, shape), to_shape(y, shape)
    out = filled(x, 1)
    if dtypes.is_signed(x.dtype):  # 1/x is x for 1 and -1, else 0
        below = lax.lt(y, zero)
        unit = lax.eq(lax.abs(x), one)
        x = lax.select_n(lax.bitwise_and(below, lax.bitwise_not(unit)), x, to_shape(zero, shape))
        y = lax.abs(y)

    def more(state: Any) -> Any:
        return lax.reduce_or(lax.ne(state[1], zero), tuple(range(len(shape))))

    def step(state: Any) -> Any:
        x, y, out = state
        odd = lax.ne(lax.bitwise_and(y, one), zero)
        return (
            lax.mul(x, x),
            lax.shift_right_logical(y, one),
            lax.select_n(odd, out, lax.mul(out, x)),
        )

    return lax.while_loop(more, step, (x, y, out))[2]


@fast(np.power)
def power(x1: Any, x2: Any, /) -> Array:
    """x1 to the power x2, elementwise. A known integer power multiplies repeatedly.

    Integers to a known negative power raise; to an unknown one they give 1 / x1**-x2 rounded towards zero.
    Raises: TypeError for a known negative power of integers. Grad: elementwise. Source: NumPy `power`.
    """
    exponent = _known_exponent(x2)
    if type(x2) is int and isinstance(x1, Tracer) and x1.dtype != dtypes.bool_:
        return lax.integer_pow(x1, x2)
    x, y = values("power", x1, x2)
    dtype, weak = dtypes.join_types((x.dtype, x.weak_type), (y.dtype, y.weak_type))
    if dtype == dtypes.bool_:
        dtype = dtypes.default_dtype(int)
    if exponent is not None:
        return lax.integer_pow(core.convert(x, dtype, weak), exponent)
    if not dtypes.is_inexact(dtype):
        x, y = promote("power", core.convert(x, dtype, weak), core.convert(y, dtype, weak))
        return _int_power(x, y)
    x, y = promote("power", core.convert(x, dtype, weak), core.convert(y, dtype, weak))
    return lax.pow(x, y)


pow = power


@fast(np.power)
def float_power(x: Any, y: Any, /) -> Array:
    """x to the power y, elementwise, as floats (of the operands' width: NumPy's are float64) or complex numbers.

    Grad: elementwise. Source: NumPy `float_power`.
    """
    return lax.pow(*promote_float("float_power", x, y))


# ---- extrema ----


@of(np.maximum, fast=core.fast_max, reduce=lambda a, axis, dtype=None, **options: reductions.max(_as(a, dtype), axis, **options),
    accumulate=lambda a, axis, dtype: lax.cummax(_as(a, dtype), axis) if a.dtype != dtypes.bool_ else _cumulative_or(a, axis),
    at=_updating("max"))  # fmt: skip
def maximum(x: Any, y: Any, /) -> Array:
    """The larger of x and y, elementwise; NaN where either is.

    Grad: elementwise, halved between equals. Source: NumPy `maximum`.
    """
    return lax.max_p.bind(*promote("maximum", x, y))


@of(np.minimum, fast=core.fast_min, reduce=lambda a, axis, dtype=None, **options: reductions.min(_as(a, dtype), axis, **options),
    accumulate=lambda a, axis, dtype: lax.cummin(_as(a, dtype), axis) if a.dtype != dtypes.bool_ else _cumulative_and(a, axis),
    at=_updating("min"))  # fmt: skip
def minimum(x: Any, y: Any, /) -> Array:
    """The smaller of x and y, elementwise; NaN where either is.

    Grad: elementwise, halved between equals. Source: NumPy `minimum`.
    """
    return lax.min_p.bind(*promote("minimum", x, y))


def _as(a: Any, dtype: Any) -> Any:
    return a if dtype is None else core.convert(a, dtypes.canonicalize_dtype(dtype))


def _cumulative_or(a: Any, axis: int) -> Any:
    return core.convert(lax.cummax(core.convert(a, dtypes.default_dtype(int)), axis), dtypes.bool_)


def _cumulative_and(a: Any, axis: int) -> Any:
    return core.convert(lax.cummin(core.convert(a, dtypes.default_dtype(int)), axis), dtypes.bool_)


@fast(np.fmax)
def fmax(x1: Any, x2: Any) -> Array:
    """The larger of x1 and x2, elementwise; the other where one is NaN.

    Grad: elementwise. Source: NumPy `fmax`.
    """
    x, y = promote("fmax", x1, x2)
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = to_shape(x, shape), to_shape(y, shape)
    return lax.select_n(
        reductions.is_nan(x), lax.select_n(reductions.is_nan(y), lax.max(x, y), x), y
    )


@fast(np.fmin)
def fmin(x1: Any, x2: Any) -> Array:
    """The smaller of x1 and x2, elementwise; the other where one is NaN.

    Grad: elementwise. Source: NumPy `fmin`.
    """
    x, y = promote("fmin", x1, x2)
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = to_shape(x, shape), to_shape(y, shape)
    return lax.select_n(
        reductions.is_nan(x), lax.select_n(reductions.is_nan(y), lax.min(x, y), x), y
    )


@core.refuses("a", "a_min", "a_max", "out")
def clip(arr: Any = None, /, min: Any = None, max: Any = None, **numpy_only: Never) -> Array:
    """min(max(arr, lower), upper), elementwise: the upper bound wins over the lower. A bound may be None.

    Raises: ValueError without an array, and for complex numbers. Grad: elementwise. Source: NumPy `clip`.
    """
    if numpy_only:
        core.no_options("clip", numpy_only)
    if arr is None:
        raise ValueError("clip: No input was provided to the clip function. Give an array first.")
    for x in (arr, min, max):
        dtype = None if type(x) in (float, int) else getattr(x, "dtype", None)
        if type(x) is complex or (dtype is not None and dtypes.is_complex(dtype)):
            raise ValueError(
                "clip: complex numbers have no order and cannot be clipped. Clip x.real and x.imag."
            )
    out = value("clip", arr)
    if min is not None:
        out = maximum(out, _within(min, out.dtype))
    if max is not None:
        out = minimum(out, _within(max, out.dtype))
    return out


def _within(bound: Any, dtype: Any) -> Any:
    """A bound; Python integers that the integer dtype cannot hold as its nearest number."""
    if type(bound) is not int or not dtypes.is_integer(dtype):
        return bound
    info = dtypes.iinfo(dtype)
    return builtins.min(builtins.max(bound, int(info.min)), int(info.max))


# ---- elementary functions of two arrays ----


@fast(np.arctan2)
def arctan2(x1: Any, x2: Any, /) -> Array:
    """The angle of the point (x2, x1), in [-pi, pi], elementwise. Integers become float32.

    Grad: elementwise. Source: NumPy `arctan2`.
    """
    return lax.atan2(*promote_float("arctan2", x1, x2))


atan2 = arctan2


def _spread(x: Any, y: Any) -> tuple[Any, Any]:
    shape = np.broadcast_shapes(x.shape, y.shape)
    return to_shape(x, shape), to_shape(y, shape)


@fast(np.hypot)
def hypot(x1: Any, x2: Any, /) -> Array:
    """sqrt(x1**2 + x2**2), elementwise, without overflow; infinite if either is. Integers become float32.

    Raises: ValueError for complex numbers. Grad: elementwise. Source: NumPy `hypot`.
    """
    x, y = promote_float("hypot", x1, x2)
    if dtypes.is_complex(x.dtype):
        raise ValueError(
            f"hypot: accepts real numbers; got {x.aval.str_short()}. Use abs(x) first."
        )
    x, y = _spread(lax.abs(x), lax.abs(y))
    zero = number(x, 0)
    first = lax.ge(x, y)
    high, low = lax.select_n(first, y, x), lax.select_n(first, x, y)
    none = lax.eq(high, zero)
    ratio = lax.div(low, lax.select_n(none, high, filled(x, 1)))
    out = lax.mul(high, lax.sqrt(lax.add(lax.square(ratio), number(ratio, 1))))
    infinity = number(x, math.inf)
    either = lax.bitwise_or(lax.eq(x, infinity), lax.eq(y, infinity))
    return lax.select_n(either, out, to_shape(infinity, x.shape))


def _real_part(x: Any) -> Any:
    return lax.real(x) if dtypes.is_complex(x.dtype) else x


def _log_add(x: Any, y: Any, unit: float) -> Any:
    """log(b**x + b**y) to the base b with log(b) = unit: the larger, and the log of 1 and what is less than 1."""
    x, y = _spread(x, y)
    first = lax.ge(_real_part(x), _real_part(y))
    high, low = lax.select_n(first, y, x), lax.select_n(first, x, y)
    infinite = lax.bitwise_and(lax.eq(x, y), lax.ne(lax.sub(x, y), lax.sub(x, y)))
    gap = lax.select_n(infinite, lax.sub(low, high), filled(x, 0))
    rest = lax.log1p(lax.exp(gap if unit == 1 else scaled(gap, unit)))
    return lax.add(high, rest if unit == 1 else scaled(rest, 1 / unit))


def _wrapped(z: Any, unit: float) -> Any:
    """A complex logarithm with its imaginary part in (-pi, pi] / unit."""
    if not dtypes.is_complex(z.dtype):
        return z
    whole = 2 * math.pi / unit
    angle = lax.imag(z)
    turns = truncated(
        lax.add(scaled(angle, 1 / whole), lax.mul(number(angle, 0.5), lax.sign(angle)))
    )
    return lax.complex(lax.real(z), lax.sub(angle, scaled(turns, whole)))


@of(np.logaddexp, identity=-np.inf)
def logaddexp(x: Any, y: Any, /) -> Array:
    """log(exp(x) + exp(y)), elementwise, without overflow. Complex numbers too, unlike NumPy.

    Grad: elementwise, stable. Source: NumPy `logaddexp`.
    """
    return _wrapped(_log_add(*promote_float("logaddexp", x, y), 1), 1)


@of(np.logaddexp2, identity=-np.inf)
def logaddexp2(x: Any, y: Any, /) -> Array:
    """log2(2**x + 2**y), elementwise, without overflow. Complex numbers too, unlike NumPy.

    Grad: elementwise, stable. Source: NumPy `logaddexp2`.
    """
    unit = math.log(2)
    return _wrapped(_log_add(*promote_float("logaddexp2", x, y), unit), unit)


@fast(np.heaviside)
def heaviside(x1: Any, x2: Any, /) -> Array:
    """0 below 0, 1 above, x2 at 0, NaN at NaN, elementwise. Integers become float32.

    Raises: TypeError for complex numbers. Grad: zero in x1. Source: NumPy `heaviside`.
    """
    x, y = _spread(*_real("heaviside", *promote_float("heaviside", x1, x2)))
    zero = number(x, 0)
    step = lax.select_n(lax.gt(x, zero), filled(x, 0), filled(x, 1))
    step = lax.select_n(lax.eq(x, zero), step, y)
    return lax.select_n(reductions.is_nan(x), step, filled(x, np.nan))


# ---- whole numbers ----


def _whole_pair(op: str, x1: Any, x2: Any) -> tuple[Any, Any]:
    x, y = promote(op, x1, x2)
    if not dtypes.is_integer(x.dtype):
        raise ValueError(
            f"{op}: accepts integers; got {x.aval.str_short()} and {y.aval.str_short()}. Convert with x.astype(int)."
        )
    return _spread(x, y)


def _magnitude(x: Any) -> Any:
    return lax.abs(x) if dtypes.is_signed(x.dtype) else x


def _unsigned(x: Any) -> Any:
    """Magnitudes among the unsigned numbers, where that of the least signed number has its place."""
    return core.convert(x, np.dtype(f"u{x.dtype.name}")) if dtypes.is_signed(x.dtype) else x


def _euclid(x: Any, y: Any) -> Any:
    own, weak = x.dtype, x.aval.weak_type
    x, y = (_unsigned(_magnitude(v)) for v in (x, y))
    zero = number(x, 0)

    def more(pair: Any) -> Any:
        return lax.reduce_or(lax.ne(pair[1], zero), tuple(range(pair[1].aval.ndim)))

    def step(pair: Any) -> Any:
        a, b = pair
        done = lax.eq(b, zero)
        rest = lax.rem(a, lax.select_n(done, b, filled(b, 1)))
        return lax.select_n(done, b, a), lax.select_n(done, rest, filled(b, 0))

    return core.convert(lax.while_loop(more, step, (x, y))[0], own, weak)


@fast(np.gcd)
def gcd(x1: Any, x2: Any) -> Array:
    """The greatest common divisor, elementwise; not negative.

    Raises: ValueError unless both are integers. Grad: zero. Source: NumPy `gcd`.
    """
    return _euclid(*_whole_pair("gcd", x1, x2))


@fast(np.lcm)
def lcm(x1: Any, x2: Any) -> Array:
    """The least common multiple, elementwise; not negative; 0 where either is 0.

    Raises: ValueError unless both are integers. Grad: zero. Source: NumPy `lcm`.
    """
    x, y = _whole_pair("lcm", x1, x2)
    divisor = _euclid(x, y)
    none = lax.eq(divisor, number(x, 0))
    one = filled(x, 1)
    return lax.mul(lax.div(_magnitude(x), lax.select_n(none, divisor, one)), _magnitude(y))


__all__ = [
    "add",
    "arctan2",
    "atan2",
    "clip",
    "divide",
    "divmod",
    "float_power",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "heaviside",
    "hypot",
    "lcm",
    "logaddexp",
    "logaddexp2",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "pow",
    "power",
    "remainder",
    "subtract",
    "true_divide",
]
