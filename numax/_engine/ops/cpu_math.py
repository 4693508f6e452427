"""Elementary functions in float32 for CPUs, where the compiler's own call the C library for each element.

Straight-line formulas, which fuse and vectorise: 5 to 15 times as fast. Errors are below 2 units in the last place
(asin, acos, atan: 3), at all arguments; tests/ops/test_cpu_math.py measures them.
"""

import math
from collections.abc import Callable
from typing import Any

from numax._engine.core import dtypes
from numax._engine.ops import kernels
from numax._engine.ops.formula import EmitMath, Emitted, polynomial
from numax._engine.stablehlo import hlo

LEAST = 1024  # smaller arrays keep the compiler's function: a formula takes 30 ms more to compile, and gains 6 ns an element
_NARROW = frozenset(dtypes.FLOATS) - {dtypes.float64}
_HALF_PI = math.pi / 2
_SHIFT = 12582912.0  # 1.5 * 2**23: added to a small whole number, it leaves it in the low bits


def on_cpu(
    formula: Callable[..., Any], general: Callable[..., Any], least: int = LEAST
) -> Callable[..., Any]:
    """A lower rule: the formula in float32 for CPUs, rounded to the operands' dtype; else `general`."""

    def lower(ctx: Any, *xs: Any) -> Any:
        x = xs[0]
        if ctx.platform != "cpu" or x.dtype not in _NARROW or math.prod(x.shape) < least:
            return general(ctx, *xs)
        ctx.formulas = True
        m = EmitMath(ctx)
        wide = [m.astype(Emitted(ctx, v), dtypes.float32) for v in xs]
        return m.astype(formula(m, *wide), x.dtype).value

    return lower


def wider_on_cpu(emit: Callable[..., Any]) -> Callable[..., Any]:
    """A lower rule: `emit`, of float16 by way of float32 on CPUs, whose own functions of float16 take 5 times as long."""

    def lower(ctx: Any, x: Any) -> Any:
        if ctx.platform != "cpu" or x.dtype != dtypes.float16:
            return emit(ctx, x)
        return hlo.convert(ctx, emit(ctx, hlo.convert(ctx, x, dtypes.float32)), x.dtype)

    return lower


def in_range(
    m: Any, x: Any, low: float, high: float, short: Callable[..., Any], general: Callable[..., Any]
) -> Any:
    """Values of `general`, or of `short` where it is known that no number of x lies outside low ... high: a look at all of a large
    array chooses for all its elements, and the compiler makes two loops of it."""
    outside = kernels.outside(m.ctx, x.value, low, high)
    values = general(m, x)
    if outside is None:
        return values
    mask = Emitted(m.ctx, hlo.broadcast_scalar(m.ctx, outside, x.value.shape))
    return [m.where(mask, v, w) for v, w in zip(values, short(m, x), strict=True)]


def rsqrt(m: Any, x: Any) -> Any:
    """sqrt(x) / x, which takes a third of the time that the compiler takes for rsqrt and for 1 / sqrt(x)."""
    root = m.where((x > 0.0) & (x < math.inf), m.sqrt(x), 1.0)
    return m.where(x < 0.0, math.nan, root) / x


# 1 / (2 pi) in parts of 29 bits, the last of 53. The product of a part with a float32 is exact in float64, and so is its
# distance from the nearest integer: whole turns go without error (Payne and Hanek's idea, without a table). Numbers from
# 2**80 on are multiples of 2**57: what comes before the 57th binary place gives whole turns, and is left out.
_FAR = 2.0**80
_TURNS = (
    0.15915494225919247,
    8.327028684640414e-10,
    5.69002511952534e-19,
    6.317065088957875e-27,
)
_FAR_TURNS = (
    4.038449463906148e-18,
    6.31706507132483e-27,
    1.7633044837708364e-35,
    2.897178338357036e-44,
)
# Chebyshev interpolants in u = r**2 for |r| <= pi / 4, of (sin(r) / r - 1) / u and (cos(r) - 1) / u
_SIN = (-0.16666664665122977, 0.008332748634609668, -0.00019587949872019718)
_COS = (-0.4999999996915539, 0.04166665065503984, -0.0013887589610398234, 2.4463837438996786e-05)


# Numbers up to _NEAR make less than 2**22 quarter turns, whose product with the first 31 bits of pi / 2 is exact.
_NEAR = 2.0**22
_QUARTER = (1.5707963267341256, 6.077100506506192e-11)


def _near_rest(m: Any, x: Any) -> tuple[Any, Any]:
    """What is left of x after n quarter turns, and n, as float64; |x| up to _NEAR."""
    wide = m.astype(x, dtypes.float64)
    n = m.rint(wide * (1 / _HALF_PI))
    return (wide - n * _QUARTER[0]) - n * _QUARTER[1], n


def _rest(m: Any, x: Any) -> tuple[Any, Any]:
    """The same for any x."""
    wide = m.astype(x, dtypes.float64)
    far = m.abs(x) >= _FAR
    parts = [wide * m.where(far, a, b) for a, b in zip(_FAR_TURNS, _TURNS, strict=True)]
    first, second, third = [t - m.rint(t) for t in parts[:-1]]
    quarters = ((first + second) + (third + parts[-1])) * 4.0
    n = m.rint(quarters)
    return (quarters - n) * _HALF_PI, n


def _quadrant(m: Any, x: Any, dtype: Any = dtypes.float32) -> tuple[Any, Any, Any]:
    """sin(r) and cos(r) of what is left of x after n quarter turns, and the low bits of n, as int32."""
    rest, n = in_range(m, x, -_NEAR, _NEAR, _near_rest, _rest)
    r = m.astype(rest, dtype)
    u = r * r
    sine = r + (r * u) * polynomial(_SIN, u)
    cosine = 1.0 + u * polynomial(_COS, u)
    return sine, cosine, m.bits(m.astype(n, dtypes.float32) + _SHIFT)


def _turned(m: Any, sine: Any, cosine: Any, n: Any) -> Any:
    """The sine after n quarter turns."""
    out = m.where((n & 1) != 0, cosine, sine)
    return m.from_bits(m.bits(out) ^ ((n & 2) << 30))


def sin(m: Any, x: Any) -> Any:
    return m.where(
        x == 0.0, x, _turned(m, *_quadrant(m, x))
    )  # the sum of turns has lost the sign of -0


def cos(m: Any, x: Any) -> Any:
    sine, cosine, n = _quadrant(m, x)
    return _turned(m, sine, cosine, n + 1)


def tan(m: Any, x: Any) -> Any:
    sine, cosine, n = _quadrant(m, x, dtypes.float64)
    odd = (n & 1) != 0
    out = m.where(odd, -cosine, sine) / m.where(odd, sine, cosine)
    return m.where(x == 0.0, x, m.astype(out, dtypes.float32))


# (atan(z) / z - 1) / u in u = z**2, for |z| <= 1; (asin(z) / z - 1) / u for |z| <= 1/2
_ATAN = (
    -0.33333333115598873,
    0.19999954696314196,
    -0.14284142855655807,
    0.11089655531591473,
    -0.08938857294470948,
    0.07051899472995361,
    -0.04929507100927534,
    0.026632050235386343,
    -0.009317306430145774,
    0.0015267278314857167,
)
_ASIN = (
    0.16666666316763595,
    0.07500098762726146,
    0.04459803222965996,
    0.03111615643856706,
    0.01707785937138728,
    0.033805748308875325,
)


def _small_angle(m: Any, z: Any, table: tuple[float, ...]) -> Any:
    u = z * z
    return z + (z * u) * polynomial(table, u)


def _with_sign(m: Any, size: Any, x: Any) -> Any:
    return m.where(m.bits(x) < 0, -size, size)


def atan(m: Any, x: Any) -> Any:
    size = m.abs(x)
    steep = size > 1.0
    angle = _small_angle(m, m.where(steep, 1.0 / size, size), _ATAN)
    return _with_sign(m, m.where(steep, _HALF_PI - angle, angle), x)


def atan2(m: Any, x: Any, y: Any) -> Any:
    """The angle of the point (y, x)."""
    high, wide = m.abs(x), m.abs(y)
    steep = high > wide
    ratio = m.where(steep, wide, high) / m.where(steep, high, wide)
    ratio = m.where(high == wide, m.where(high == 0.0, high, 1.0), ratio)  # also of infinities
    angle = _small_angle(m, ratio, _ATAN)
    angle = m.where(steep, _HALF_PI - angle, angle)
    angle = m.where(m.bits(y) < 0, math.pi - angle, angle)
    angle = m.where((x != x) | (y != y), math.nan, angle)
    return _with_sign(m, angle, x)


def atan2_lower(ctx: Any, x: Any, y: Any) -> Any:
    """The compiler's. On CPUs it must not see that y is 1: jaxlib 0.10 then calls a function whose vectors of 512 bits are
    passed another way than it takes them, and gives wrong numbers."""
    if ctx.platform == "cpu":
        y = hlo.select(ctx, hlo.compare(ctx, x, x, "NE"), x, y)
    return hlo.atan2(ctx, x, y)


def atan_lower(ctx: Any, x: Any) -> Any:
    """The compiler's, by way of `atan2_lower`."""
    return atan2_lower(ctx, x, hlo.full(ctx, 1, x.shape, x.dtype))


def _asin_parts(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """|x|, whether it is above 1/2, and asin(|x|), or there asin(sqrt((1 - |x|) / 2))."""
    size = m.abs(x)
    big = size > 0.5
    z = m.where(big, m.sqrt((1.0 - size) * 0.5), size)
    return size, big, _small_angle(m, z, _ASIN)


def asin(m: Any, x: Any) -> Any:
    _, big, angle = _asin_parts(m, x)
    return _with_sign(m, m.where(big, _HALF_PI - 2.0 * angle, angle), x)


def acos(m: Any, x: Any) -> Any:
    _, big, angle = _asin_parts(m, x)
    twice = 2.0 * angle
    far = m.where(x < 0.0, math.pi - twice, twice)
    return m.where(big, far, _HALF_PI - m.where(x < 0.0, -angle, angle))


def cbrt(m: Any, x: Any) -> Any:
    size = m.abs(x)
    root = m.exp(m.log(size) * (1 / 3))
    root = root - (root - size / (root * root)) * (1 / 3)  # a step of Newton's
    return m.where((size == 0.0) | ~(size < math.inf), x, _with_sign(m, root, x))


def cbrt_lower(ctx: Any, x: Any) -> Any:
    """The compiler's, of float64 with a step of Newton's: alone it errs by 30 units in quickly compiled programs."""
    root = hlo.cbrt(ctx, x)
    if x.dtype != dtypes.float64:
        return root
    m, v, r = EmitMath(ctx), Emitted(ctx, x), Emitted(ctx, root)
    better = r - (r - v / (r * r)) * (1 / 3)
    return m.where((v == 0.0) | ~(m.abs(v) < math.inf), r, better).value
