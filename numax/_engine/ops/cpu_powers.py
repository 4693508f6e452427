"""The power and log |Gamma| of float32 for CPUs, as straight-line formulas.

Logarithms are in float64 to 36 bits, so that what multiplies them (up to 128 in pow, 1e38 in lgamma) leaves float32 exact to
about a unit in the last place. Measured by tests/ops/test_cpu_powers.py: pow errs by at most 1 ulp; lgamma by at
most 1.25 ulp, or by 4e-9 where it is below 0.02. Results and bases below the least normal number count as 0.
"""

import math
from typing import Any

from numax._engine.core import dtypes
from numax._engine.ops.cpu_math import in_range
from numax._engine.ops.formula import polynomial

_INF = math.inf
_NAN = math.nan  # of some other nans integer arithmetic makes numbers
_LEAST = 1.1754943508222875e-38
_ROOT_HALF = 0x3F3504F3  # the bits of sqrt(1/2)
_SHIFT = 12582912.0  # 1.5 * 2**23: added to a whole number, it leaves it in the low bits

# Chebyshev interpolants: log2(1 + f) / f and log(1 + f) / f for sqrt(1/2) <= 1 + f <= sqrt(2); (2**r - 1) / r for
# |r| <= 1/2; (e**r - 1 - r) / r**2 for |r| <= log(2) / 2; lgamma(3 + x) for 0 <= x <= 3; sin(pi sqrt(u)) / sqrt(u) for u <= 1/4; Stirling's series, times x, in
# 1 / x**2 for x >= 3.
_LOG2 = (
    1.4426950408708794,
    -0.7213475209631551,
    0.4808983601762459,
    -0.3606736553159396,
    0.28853739437873954,
    -0.24045433696411997,
    0.20617283226751987,
    -0.1802710257711494,
    0.15878356832510718,
    -0.14349039375280995,
    0.14495052999815844,
    -0.1414478821058739,
    0.07553790398013412,
)
_LOG = (
    0.9999999999874646,
    -0.5000000003595264,
    0.3333333424923927,
    -0.2499999272831432,
    0.19999888136723626,
    -0.16667024575130984,
    0.14290811851798854,
    -0.12495435393752623,
    0.11006036723103312,
    -0.09945993651028087,
    0.10047211721206967,
    -0.09804437952557059,
    0.05235898131102143,
)
_EXP2 = (
    0.6931471880352003,
    0.24022650760645808,
    0.05550357071152507,
    0.009618082519990467,
    0.0013390886332106697,
    0.0001545318282995974,
)
_EXPM1 = (
    0.5000000014286223,
    0.16666666682534356,
    0.04166645680967788,
    0.008333310024225292,
    0.0013934541928270264,
    0.0001989198131397769,
)
_LGAMMA_3 = (
    0.6931471805559596,
    0.9227843356204601,
    0.19746702198363836,
    -0.02568553466589832,
    0.004955349796851509,
    -0.0011342701580193352,
    0.0002839844119720601,
    -7.365899558618987e-05,
    1.8588661738317885e-05,
    -4.210459226070937e-06,
    7.799758911317607e-07,
    -1.0636480192482545e-07,
    9.243408012651195e-09,
    -3.7819324105585927e-10,
)
SIN_PI = (
    3.141592653589635,
    -5.167712779987959,
    2.550164035906745,
    -0.5992644339357286,
    0.08214479467064854,
    -0.007364005472115722,
    0.0004474920849077101,
)
_STIRLING = (
    0.08333333330240193,
    -0.002777763776341628,
    0.0007926112796103819,
    -0.0005671814036018802,
    0.0005045318695426409,
)


def exp2_wide(m: Any, t: Any) -> Any:
    """2**t for float64 t, as float32."""
    narrow = m.astype(t, dtypes.float32)
    n = m.rint(narrow)
    r = m.astype(t - m.astype(n, dtypes.float64), dtypes.float32)
    out = 1.0 + r * polynomial(_EXP2, r)
    out = m.from_bits(m.bits(out) + (m.bits(n + _SHIFT) << 23))
    out = m.where(narrow < -126.0, 0.0, m.where(narrow == narrow, out, _NAN))
    return m.where(t >= 128.0, _INF, out)


def _exp_parts(m: Any, x: Any) -> tuple[Any, Any]:
    """q, a power of 2, and d of e**x = 4 q (1 + d), x = n log 2 + r: a quarter of 2**n is in range where e**x / 2 is."""
    n = m.rint(m.where(m.abs(x) < 200.0, x, 0.0) * (1 / math.log(2.0)))
    r = (x - n * 0.693359375) + n * 2.12194440e-4  # log 2 in two parts, the first of 10 bits
    return m.from_bits((m.bits(n + _SHIFT) + 125) << 23), r + r * r * polynomial(_EXPM1, r)


def expm1(m: Any, x: Any) -> Any:
    """e**x - 1."""
    q, d = _exp_parts(m, x)
    out = 4.0 * (q * d + (q - 0.25))
    out = m.where(x < -80.0, -1.0, m.where(x > 88.8, _INF, out))
    return m.where(m.abs(x) < 1e-10, x, out)


def sinh(m: Any, x: Any) -> Any:
    """(e + e / (e + 1)) / 2, e = e**|x| - 1."""
    size = m.abs(x)
    q, d = _exp_parts(m, size)
    e = 4.0 * (q * d + (q - 0.25))
    out = m.where(size < 20.0, 0.5 * (e + e / (e + 1.0)), 2.0 * (q * d + q))
    out = m.where(size > 89.5, _INF, m.where(size < 1e-5, size, out))
    return m.where(x < 0.0, -out, m.where(x == 0.0, x, out))


def cosh(m: Any, x: Any) -> Any:
    """e**|x| / 2 and its inverse's quarter."""
    size = m.abs(x)
    q, d = _exp_parts(m, size)
    half = 2.0 * (q * d + q)
    return m.where(size > 89.5, _INF, half + 0.25 / half)


def _log2(m: Any, size: Any) -> Any:
    """log2 of a float32 >= 0, as float64."""
    bits = m.bits(size)
    k = (bits - _ROOT_HALF) >> 23
    f = m.astype(m.from_bits(bits - (k << 23)) - 1.0, dtypes.float64)
    n = m.where(size < _LEAST, -_INF, m.astype(k, dtypes.float32))
    n = m.where(size < _INF, n, size)  # also NaN
    return m.astype(n, dtypes.float64) + f * polynomial(_LOG2, f)


def power(m: Any, x: Any, y: Any) -> Any:
    """x**y, with the special values of IEEE 754's pow."""
    size = m.abs(x)
    bounded = m.where(y > 1e30, 1e30, m.where(y < -1e30, -1e30, y))  # so that 1**inf is 1
    out = exp2_wide(m, _log2(m, size) * m.astype(bounded, dtypes.float64))
    whole = m.rint(y) == y
    half = y * 0.5
    odd = whole & (m.rint(half) != half)
    sign = m.where(odd, m.bits(x) & -0x80000000, 0)
    out = m.from_bits(m.bits(out) ^ sign)
    out = m.where((x < 0.0) & (size < _INF) & ~whole, math.nan, out)
    return m.where((y == 0.0) | (x == 1.0), 1.0, out)


def _root(m: Any, x: Any) -> Any:
    """x**0.5, which is not the root at -0 and -inf."""
    return m.where(x == -_INF, _INF, m.abs(m.sqrt(x)))


# x**y for exponents that are known: a rounding or two
KNOWN_POWERS = {
    -1.0: lambda m, x: 1.0 / x,
    -0.5: lambda m, x: 1.0 / _root(m, x),
    0.5: _root,
    1.0: lambda m, x: x,
    2.0: lambda m, x: x * x,
    3.0: lambda m, x: x * x * x,
}


def log_wide(m: Any, a: Any) -> Any:
    """log of float64 in the range of normal float32."""
    k = (m.bits(m.astype(a, dtypes.float32)) - _ROOT_HALF) >> 23
    scale = m.astype(m.from_bits((129 - k) << 23), dtypes.float64)  # 4 / 2**k
    f = a * scale * 0.25 - 1.0
    n = m.astype(m.astype(k, dtypes.float32), dtypes.float64)
    return n * math.log(2.0) + f * polynomial(_LOG, f)


def _lgamma_of_log(m: Any, wide: Any, size: Any, log: Any) -> Any:
    """lgamma of x >= 0, given as float64 and float32, and of log x, or below 3 log(x (x + 1) (x + 2))."""
    small = size < 3.0
    inverse = 1.0 / m.where(small, 3.0, size)
    series = m.astype(inverse * polynomial(_STIRLING, inverse * inverse), dtypes.float64)
    large = (wide - 0.5) * log - wide + (series + 0.5 * math.log(2 * math.pi))
    return m.where(small, polynomial(_LGAMMA_3, wide) - log, large)


def lgamma_wide(m: Any, x: Any) -> Any:
    """lgamma of float64 x > 0, to 36 bits."""
    size = m.astype(x, dtypes.float32)
    log = log_wide(m, m.where(size < 3.0, x * (x + 1.0) * (x + 2.0), x))
    return _lgamma_of_log(m, x, size, log)


def exp2(m: Any, x: Any) -> Any:
    """2**x."""
    n = m.rint(m.where(m.abs(x) < 200.0, x, 0.0))
    r = x - n
    out = 1.0 + r * polynomial(_EXP2, r)
    out = m.from_bits(m.bits(out) + (m.bits(n + _SHIFT) << 23))
    out = m.where(x < -126.0, 0.0, out)
    return m.where(x >= 128.0, _INF, m.where(x != x, x, out))


def _lgamma_positive(m: Any, x: Any) -> Any:
    """lgamma(x) = lgamma(x + 3) - log(x (x + 1) (x + 2)) below 3, Stirling's series above; float64."""
    return [lgamma_wide(m, m.astype(x, dtypes.float64))]


def _lgamma_any(m: Any, x: Any) -> Any:
    """For negative x, reflected: log(pi / sin(pi |x|)) - log |x| - lgamma(|x|)."""
    size = m.abs(x)
    wide = m.astype(size, dtypes.float64)
    small = size < 3.0
    negative = x < 0.0
    # of small negative x the reflection takes |x| from the product
    product = m.where(negative, 1.0, wide) * ((wide + 1.0) * (wide + 2.0))
    log = log_wide(m, m.where(small, product, wide))
    out = _lgamma_of_log(m, wide, size, log)
    f = m.astype(m.abs(size - m.rint(size)), dtypes.float64)
    sine = f * polynomial(SIN_PI, f * f)
    reflected = math.log(math.pi) - log_wide(m, sine) - m.where(small, 0.0, log) - out
    return [m.where(negative, reflected, out)]


def lgamma(m: Any, x: Any) -> Any:
    (wide,) = in_range(m, x, 0.0, _INF, _lgamma_positive, _lgamma_any)
    out = m.where((x == 1.0) | (x == 2.0), 0.0, m.astype(wide, dtypes.float32))
    return m.where((m.abs(x) == _INF) | ((x <= 0.0) & (m.rint(x) == x)), _INF, out)


__all__ = [
    "KNOWN_POWERS",
    "SIN_PI",
    "cosh",
    "exp2",
    "exp2_wide",
    "expm1",
    "lgamma",
    "lgamma_wide",
    "log_wide",
    "power",
    "sinh",
]
