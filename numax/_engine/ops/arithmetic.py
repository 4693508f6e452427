"""Arithmetic beyond add, sub, mul and neg: division, extrema, powers with fixed exponents, roots."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_linear
from numax._engine.core.trace import as_value
from numax._engine.host.extrema import fast_max, fast_min
from numax._engine.ops import complex_math, cpu_integers, cpu_math
from numax._engine.ops.accuracy import check_accuracy
from numax._engine.ops.basis import (
    add_tangents,
    align,
    broadcast_in_dim,
    constant_like,
    convert,
    is_value,
    mul,
    mul_p,
    neg,
    pair,
    select_n,
    unbroadcast,
    zeros_like,
)
from numax._engine.ops.bits import bitwise_and
from numax._engine.ops.compare import eq, ge, gt, lt
from numax._engine.ops.complex import (
    complex,
    complex_p,
    conj,
    conj_p,
    imag,
    imag_p,
    part_dtype,
    real,
    real_p,
)
from numax._engine.ops.cpu_math import on_cpu
from numax._engine.ops.families import (
    ANY,
    FLOATS,
    INEXACT,
    INTEGERS,
    NUMBERS,
    REALS,
    binary,
    check_dtype,
    spread,
    unary,
)
from numax._engine.ops.infinite import quotient_host
from numax._engine.ops.rounding import floor
from numax._engine.stablehlo import hlo


def repeated(value: Any, like: Any) -> Any:
    """An array of one number, of the shape and dtype of `like`."""
    return broadcast_in_dim(constant_like(like, value), like.aval.shape, ())


# ---- div, rem ----


def div(x: Any, y: Any) -> Any:
    """x / y, elementwise; integers round towards zero, and x / 0 is -1 (all bits set).

    Dtypes: equal numeric dtypes; the result has that dtype. Raises: TypeError if dtypes or shapes differ.
    Grad: elementwise. Source: StableHLO `divide`.
    """
    return div_p.bind(*pair("div", x, y))


def _div_host(x: np.ndarray, y: np.ndarray) -> Any:
    if x.dtype not in INTEGERS:
        return quotient_host(x, y) if x.dtype in _COMPLEX else np.true_divide(x, y)
    quotient = np.floor_divide(x - np.fmod(x, y), y)
    return np.where(y == 0, np.array(-1).astype(x.dtype), quotient)


def _div_transpose(ct: Any, x: Any, y: Any) -> Any:
    return [unbroadcast(div(ct, y), x.aval), None]


div_p = binary(
    "div",
    accepts=NUMBERS,
    host=_div_host,
    lower=cpu_integers.quotient_lower,
    jvp=(
        lambda t, z, x, y: div(t, y),
        lambda t, z, x, y: mul(t, neg(div(z, y))),
    ),
    transpose=_div_transpose,
    light=True,
)


def rem(x: Any, y: Any) -> Any:
    """What is left of x after division by y, elementwise, with the sign of x. Integers: x where y is 0.

    Dtypes: equal real dtypes. Raises: TypeError if dtypes or shapes differ. Grad: elementwise.
    Source: StableHLO `remainder`.
    """
    return rem_p.bind(*pair("rem", x, y))


def _rem_host(x: np.ndarray, y: np.ndarray) -> Any:
    out = np.fmod(x, y)
    return np.where(y == 0, x, out) if x.dtype in INTEGERS else out


def _truncated(x: Any) -> Any:
    return mul(sign(x), floor(abs(x)))


rem_p = binary(
    "rem",
    accepts=REALS,
    host=_rem_host,
    lower=cpu_integers.remainder_lower,
    jvp=(
        lambda t, z, x, y: t,
        lambda t, z, x, y: mul(t, neg(_truncated(div(x, y)))),
    ),
    light=True,
)

# ---- max, min, clamp: NaN wins, and -0 < 0 ----


def max(x: Any, y: Any) -> Any:
    """The larger of x and y, elementwise; NaN where either is. Complex numbers compare by real, then imaginary part.

    Dtypes: equal. Raises: TypeError if dtypes or shapes differ. Grad: elementwise, halved between equals.
    Source: StableHLO `maximum`.
    """
    return max_p.bind(*pair("max", x, y))


def min(x: Any, y: Any) -> Any:
    """The smaller of x and y, elementwise; NaN where either is. Complex numbers compare by real, then imaginary part.

    Dtypes: equal. Raises: TypeError if dtypes or shapes differ. Grad: elementwise, halved between equals.
    Source: StableHLO `minimum`.
    """
    return min_p.bind(*pair("min", x, y))


_COMPLEX = frozenset(dtypes.COMPLEX)


def _extremum_host(fast: Any, before: Any) -> Callable[..., Any]:
    def host(x: np.ndarray, y: np.ndarray) -> Any:
        kind = x.dtype.kind
        if kind == "c":
            first = np.where(x.real == y.real, before(x.imag, y.imag), before(x.real, y.real))
            return np.where(first, x, y)
        return fast(x, y)

    return host


def _lower_extremum(emit: Any, direction: str) -> Callable[..., Any]:
    def lower(ctx: Any, x: Any, y: Any) -> Any:
        if x.dtype not in _COMPLEX:
            return emit(ctx, x, y)
        (a, b), (c, d) = [(hlo.real(ctx, v), hlo.imag(ctx, v)) for v in (x, y)]
        by_real, by_imag = hlo.compare(ctx, a, c, direction), hlo.compare(ctx, b, d, direction)
        first = hlo.select(ctx, hlo.compare(ctx, a, c, "EQ"), by_imag, by_real)
        return hlo.select(ctx, first, x, y)

    return lower


def _share(t: Any, z: Any, x: Any, y: Any) -> Any:
    """The tangent of x where x is the result, half of it where y is as well."""
    weight = select_n(eq(y, z), repeated(1, z), repeated(0.5, z))
    return mul(t, select_n(eq(x, z), zeros_like(z), weight))


max_p = binary(
    "max",
    accepts=ANY,
    host=_extremum_host(fast_max, np.greater),
    lower=_lower_extremum(hlo.maximum, "GT"),
    jvp=(_share, lambda t, z, x, y: _share(t, z, y, x)),
    light=True,
)
min_p = binary(
    "min",
    accepts=ANY,
    host=_extremum_host(fast_min, np.less),
    lower=_lower_extremum(hlo.minimum, "LT"),
    jvp=(_share, lambda t, z, x, y: _share(t, z, y, x)),
    light=True,
)


def clamp(min: Any, x: Any, max: Any) -> Any:
    """x, moved to the nearest of min and max where it is not between them.

    Shapes: the bounds have x's shape or no dimensions. Dtypes: equal, not complex.
    Raises: TypeError if dtypes or shapes differ. Grad: elementwise. Source: StableHLO `clamp`.
    """
    if not is_value(x):
        x = as_value(x, "clamp")
    return clamp_p.bind(pair("clamp", min, x)[0], x, pair("clamp", max, x)[0])


def _clamp_infer(low: ShapedArray, x: ShapedArray, high: ShapedArray) -> ShapedArray:
    if not low.dtype == x.dtype == high.dtype:
        raise TypeError(
            f"clamp: operands must have equal dtypes; got {low.str_short()}, {x.str_short()} and {high.str_short()}. "
            "Convert with x.astype(dtype), or use numax.numpy.clip, which promotes."
        )
    if x.dtype in _COMPLEX or x.dtype not in ANY:
        raise TypeError(f"clamp: accepts real numbers and booleans; got {x.str_short()}.")
    for name, bound in (("min", low), ("max", high)):
        if bound.shape and bound.shape != x.shape:
            raise TypeError(
                f"clamp: {name} must have x's shape or no dimensions; got {bound.str_short()} for {x.str_short()}."
            )
    weak = low.weak_type and x.weak_type and high.weak_type
    return x if weak == x.weak_type else ShapedArray(x.shape, x.dtype, weak)


def _clamp_host(low: np.ndarray, x: np.ndarray, high: np.ndarray) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _clamp_jvp(primals: Any, tangents: Any) -> Any:
    low, x, high = primals
    out = clamp_p.bind(low, x, high)
    masks = (
        lambda: bitwise_and(gt(low, x), lt(low, high)),
        lambda: bitwise_and(gt(x, low), lt(x, high)),
        lambda: lt(high, x),
    )
    total: Any = Zero(out.aval.tangent())
    for t, mask in zip(tangents, masks, strict=True):
        if type(t) is not Zero:
            chosen = spread(mask(), out)
            total = add_tangents(total, select_n(chosen, zeros_like(out), spread(t, out)))
    return out, total


def _clamp_batch(axis: Any, args: Any, dims: Any) -> Any:
    low, x, high = args
    if dims[0] is None and dims[2] is None and not low.aval.ndim and not high.aval.ndim:
        return clamp_p.bind(low, x, high), dims[1]
    args, dim = align(args, dims)
    shape = args[1].aval.shape
    if not shape:  # scalars, of which only bounds are batched
        shape = next(a.aval.shape for a in args if a.aval.ndim)
        args[1] = broadcast_in_dim(args[1], shape, ())
    return clamp_p.bind(*args), dim


clamp_p = Primitive(
    name="clamp",
    infer=_clamp_infer,
    host=_clamp_host,
    lower=hlo.clamp,
    jvp=_clamp_jvp,
    transpose=not_linear,
    batch=_clamp_batch,
    light=True,
)

# ---- abs, sign ----


def abs(x: Any) -> Any:
    """|x|, elementwise; real for complex x.

    Dtypes: signed numbers. Raises: TypeError for booleans and unsigned integers. Grad: elementwise, 1 at 0
    (0 at complex 0). Source: StableHLO `abs`.
    """
    return abs_p.bind(as_value(x, "abs"))


def _abs_jvp(t: Any, y: Any, x: Any) -> Any:
    if x.aval.dtype not in _COMPLEX:
        return select_n(ge(x, constant_like(x, 0)), neg(t), t)
    length = select_n(eq(y, constant_like(y, 0)), y, repeated(1, y))
    return real(mul(t, div(conj(x), convert(length, x.aval.dtype))))


abs_p = unary(
    "abs",
    accepts=NUMBERS - frozenset(dtypes.UNSIGNED),
    host=np.abs,
    lower=complex_math.abs_lower,
    jvp=_abs_jvp,
    out=part_dtype,
)


def sign(x: Any) -> Any:
    """-1, 0 or 1, elementwise; of a float zero the zero itself, of complex x the number x / |x|.

    Dtypes: numeric. Grad: zero (elementwise for complex x). Source: StableHLO `sign`.
    """
    return sign_p.bind(as_value(x, "sign"))


def _sign_host(x: np.ndarray) -> Any:
    return np.copysign(np.sign(x), x) if x.dtype in FLOATS else np.sign(x)


def _sign_jvp(t: Any, y: Any, x: Any) -> Any:
    if x.aval.dtype not in _COMPLEX:
        return Zero(y.aval.tangent())
    turn = imag(mul(t, conj(y)))  # only a turn about 0 changes x / |x|
    length = abs(x)
    angle = div(turn, select_n(eq(length, constant_like(length, 0)), length, repeated(1, length)))
    return mul(y, complex(constant_like(angle, 0), angle))


def _sign_lower(ctx: Any, x: Any) -> Any:
    if dtypes.is_unsigned(x.dtype):
        return hlo.minimum(ctx, x, hlo.full(ctx, 1, x.shape, x.dtype))
    return _signs(ctx, x)


_signs = complex_math.by_parts(complex_math.sign, hlo.sign)
sign_p = unary(
    "sign", accepts=NUMBERS, host=_sign_host, lower=_sign_lower, jvp=_sign_jvp, light=True
)

# ---- squares and other fixed powers ----


def square(x: Any) -> Any:
    """x * x, elementwise.

    Dtypes: numeric. Grad: elementwise.
    """
    return square_p.bind(as_value(x, "square"))


square_p = unary(
    "square",
    accepts=NUMBERS,
    host=lambda x: np.multiply(x, x),
    lower=lambda ctx, x: hlo.multiply(ctx, x, x),
    jvp=lambda t, y, x: mul(t, mul(constant_like(x, 2), x)),
    light=True,
)


def one_minus_square(x: Any) -> Any:
    """1 - x**2, elementwise, as (1 + x)(1 - x), which is accurate where |x| is near 1.

    Dtypes: numeric. Grad: elementwise.
    """
    return one_minus_square_p.bind(as_value(x, "one_minus_square"))


_NARROW = frozenset(dtypes.FLOATS) - {dtypes.float32, dtypes.float64}


def _one_minus_square_host(x: np.ndarray) -> Any:
    if x.dtype in _NARROW:
        x = x.astype(np.float32)
    one = x.dtype.type(1)
    return (one + x) * (one - x)


def _one_minus_square_lower(ctx: Any, x: Any) -> Any:
    one = hlo.full(ctx, 1, x.shape, x.dtype)
    return hlo.multiply(ctx, hlo.add(ctx, one, x), hlo.subtract(ctx, one, x))


one_minus_square_p = unary(
    "one_minus_square",
    accepts=NUMBERS,
    host=_one_minus_square_host,
    lower=_one_minus_square_lower,
    jvp=lambda t, y, x: mul(t, mul(constant_like(x, -2), x)),
    light=True,
)


def integer_pow(x: Any, y: int) -> Any:
    """x**y, elementwise, for a Python integer y, by repeated squaring.

    Dtypes: numeric. Raises: TypeError for a negative power of integers. Grad: elementwise.
    """
    try:
        y = operator.index(y)
    except TypeError:
        raise TypeError(
            f"integer_pow: the power must be an integer known while tracing; got {y!r}. Use numax.lax.pow."
        ) from None
    return integer_pow_p.bind(as_value(x, "integer_pow"), y=y)


def _integer_pow_infer(x: ShapedArray, *, y: int) -> ShapedArray:
    check_dtype("integer_pow", x, NUMBERS)
    if y < 0 and x.dtype in INTEGERS:
        raise TypeError(
            f"integer_pow: integers have no negative powers; got {x.str_short()} to the power {y}. "
            "Convert x with x.astype(float)."
        )
    return x


def _power(x: Any, y: int, multiply: Callable[[Any, Any], Any]) -> Any:
    """x**y for y > 0 by repeated squaring."""
    out = None
    while True:
        if y & 1:
            out = x if out is None else multiply(out, x)
        y >>= 1
        if not y:
            return out
        x = multiply(x, x)


def _integer_pow_host(x: np.ndarray, *, y: int) -> Any:
    if y == 0:
        return np.ones_like(x)
    out = _power(x, y if y > 0 else -y, np.multiply)
    if y > 0:
        return out
    one = np.ones((), x.dtype)
    return quotient_host(one, out) if x.dtype in _COMPLEX else np.true_divide(one, out)


def _integer_pow_lower(ctx: Any, x: Any, *, y: int) -> Any:
    one = hlo.full(ctx, 1, x.shape, x.dtype)
    if y == 0:
        return one
    out = _power(x, y if y > 0 else -y, lambda a, b: hlo.multiply(ctx, a, b))
    return out if y > 0 else hlo.divide(ctx, one, out)


def _integer_pow_jvp(primals: Any, tangents: Any, *, y: int) -> Any:
    (x,), (t,) = primals, tangents
    out = integer_pow_p.bind(x, y=y)
    if y == 0:
        return out, Zero(out.aval.tangent())
    if y == 1:
        return out, t
    less = x if y == 2 else integer_pow(x, y - 1)
    return out, mul_p.bind(t, mul(constant_like(x, y), less))


def _integer_pow_transpose(ct: Any, x: Any, *, y: int) -> Any:
    if y != 1:
        raise TypeError(f"integer_pow: only the power 1 is linear; got {y}.")
    return [ct]


integer_pow_p = Primitive(
    name="integer_pow",
    infer=_integer_pow_infer,
    host=_integer_pow_host,
    lower=_integer_pow_lower,
    jvp=_integer_pow_jvp,
    transpose=_integer_pow_transpose,
    batch=lambda axis, args, dims, *, y: (integer_pow_p.bind(*args, y=y), dims[0]),
    light=True,
)


def reciprocal(x: Any) -> Any:
    """1 / x, elementwise.

    Dtypes: floats and complex numbers. Raises: TypeError for integers. Grad: elementwise.
    """
    return integer_pow(x, -1)


# ---- roots ----


def sqrt(x: Any, *, accuracy: Any = None) -> Any:
    """The square root, elementwise; NaN for negative floats; of complex x the root with real part >= 0.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `sqrt`.
    """
    check_accuracy("sqrt", accuracy)
    return sqrt_p.bind(as_value(x, "sqrt"))


sqrt_p = unary(
    "sqrt",
    accepts=INEXACT,
    host=np.sqrt,
    lower=complex_math.by_parts(complex_math.sqrt, hlo.sqrt),
    jvp=lambda t, y, x: mul(t, div(constant_like(y, 0.5), y)),
)


def rsqrt(x: Any, *, accuracy: Any = None) -> Any:
    """1 / sqrt(x), elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `rsqrt`.
    """
    check_accuracy("rsqrt", accuracy)
    return rsqrt_p.bind(as_value(x, "rsqrt"))


def _rsqrt_host(x: np.ndarray) -> Any:
    if x.dtype in _NARROW:
        x = x.astype(np.float32)
    return np.true_divide(x.dtype.type(1), np.sqrt(x))


rsqrt_p = unary(
    "rsqrt",
    accepts=INEXACT,
    host=_rsqrt_host,
    lower=on_cpu(cpu_math.rsqrt, hlo.rsqrt),
    jvp=lambda t, y, x: mul(t, mul(constant_like(y, -0.5), div(y, x))),
    light=True,
)


def cbrt(x: Any, *, accuracy: Any = None) -> Any:
    """The real cube root, elementwise, also of negative numbers.

    Dtypes: real floats. Grad: elementwise. Source: StableHLO `cbrt`.
    """
    check_accuracy("cbrt", accuracy)
    return cbrt_p.bind(as_value(x, "cbrt"))


cbrt_p = unary(
    "cbrt",
    accepts=FLOATS,
    host=np.cbrt,
    lower=on_cpu(cpu_math.cbrt, cpu_math.cbrt_lower),
    jvp=lambda t, y, x: mul(t, mul(constant_like(y, 1 / 3), integer_pow(y, -2))),
)

# ---- the next float ----


def nextafter(x1: Any, x2: Any) -> Any:
    """The float next to x1 in the direction of x2, elementwise.

    Dtypes: equal real floats. Raises: TypeError if dtypes or shapes differ. Grad: that of x1.
    Source: CHLO `next_after`.
    """
    return nextafter_p.bind(*pair("nextafter", x1, x2))


def _nextafter_host(x: np.ndarray, y: np.ndarray) -> Any:
    out = np.nextafter(x, y)
    return np.where(x == y, y, out) if x.dtype == np.float16 else out  # 0 towards -0 is -0


nextafter_p = binary(
    "nextafter",
    accepts=FLOATS,
    host=_nextafter_host,
    lower=lambda ctx, x, y: hlo.chlo(ctx, "next_after", x, y),
    jvp=(lambda t, z, x, y: t, None),
    light=True,
)

__all__ = [
    "abs",
    "abs_p",
    "cbrt",
    "cbrt_p",
    "clamp",
    "clamp_p",
    "complex",
    "complex_p",
    "conj",
    "conj_p",
    "div",
    "div_p",
    "imag",
    "imag_p",
    "integer_pow",
    "integer_pow_p",
    "max",
    "max_p",
    "min",
    "min_p",
    "nextafter",
    "nextafter_p",
    "one_minus_square",
    "one_minus_square_p",
    "real",
    "real_p",
    "reciprocal",
    "rem",
    "rem_p",
    "rsqrt",
    "rsqrt_p",
    "sign",
    "sign_p",
    "sqrt",
    "sqrt_p",
    "square",
    "square_p",
]
