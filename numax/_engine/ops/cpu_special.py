"""Special functions of float32 for CPUs, as straight-line formulas: digamma, zeta, polygamma, scaled Bessel functions.

Errors, measured by tests/ops/test_cpu_special.py: below 2 units in the last place (Bessel functions 2.5), of digamma
also near its zeros; of polygamma at negative numbers, where terms of both signs add up, 2 units of the largest.
"""

import math
from typing import Any

from numax._engine.core import dtypes
from numax._engine.ops import tables
from numax._engine.ops.cpu_math import in_range
from numax._engine.ops.cpu_powers import SIN_PI, exp2_wide, lgamma_wide, log_wide
from numax._engine.ops.formula import polynomial

_INF = math.inf
_NAN = math.nan

# Chebyshev interpolants: digamma(4.5 + t) for |t| <= 1.5; (log x - 1 / 2x - digamma(x)) / w in w = 1 / x**2, for x >= 3;
# exp(-x) I0(x) and exp(-x) I1(x) / x in x / 4 - 1, for 0 <= x <= 8; sqrt(x) exp(-x) I(x) in 1 / x, for x >= 8.
_DIGAMMA_3 = (
    1.388870926359529,
    0.24872510303902665,
    -0.030778410660517456,
    0.005053751423294409,
    -0.0009291980614994234,
    0.00018141880061986931,
    -3.6738032112297514e-05,
    7.620722731356783e-06,
    -1.6074143258103692e-06,
    3.4316836814771495e-07,
    -7.39118587279891e-08,
    1.5999769111772208e-08,
    -3.4868964514389375e-09,
    7.809272431147775e-10,
    -1.714374516948442e-10,
    3.041649043667247e-11,
    -6.6980551904858085e-12,
    3.1019867569209482e-12,
    -6.86361941335525e-13,
)
_DIGAMMA_SERIES = (
    0.08333333331152479,
    -0.008333319115245295,
    0.003966713857236176,
    -0.0041035411368966525,
    0.006330336628113846,
    -0.007940507548943099,
)
_I0E = (
    0.2070019212239867,
    -0.11300412295626062,
    0.09451554749066753,
    -0.08905319911956679,
    0.08734729525206206,
    -0.08482781819864327,
    0.07922130132493785,
    -0.07038203519556625,
    0.05711186207610596,
    -0.040242403332701335,
    0.02908352985190215,
    -0.024693772254905627,
    0.013964548786864869,
    -0.0017134182510074735,
    0.0015755571774911377,
    -0.004367325689182579,
    0.0018943222251761435,
)
_I1E = (
    0.044687709875608835,
    -0.06112430814622935,
    0.06805758872655363,
    -0.06848403658957651,
    0.06376793910462833,
    -0.05526015011300484,
    0.044667124281470044,
    -0.03379490307851968,
    0.023732326299059837,
    -0.015167227114939416,
    0.009432281483607197,
    -0.006275490947426513,
    0.003284534039881636,
    -0.0007827894134137807,
    0.0004588673878873348,
    -0.0007271867415056918,
    0.00029553388284610346,
)
_I0E_FAR = (
    0.39894228083080335,
    0.049867450158112274,
    0.028092363222685806,
    0.027320679097569404,
    0.08424139628171587,
    -0.30054585731951866,
    1.8169554235364322,
)
_I1E_FAR = (
    0.39894227992200576,
    -0.1496029812183847,
    -0.046797646759691364,
    -0.03878715280296956,
    -0.10163402100335689,
    0.32631105326500714,
    -2.048917246627627,
)
_SHIFTS = 6  # with so many terms, four terms of Euler and Maclaurin's formula leave 1e-9
_MOST_SHIFTS = 10000


def _digamma_of(m: Any, wide: Any, shift: Any, rest: Any) -> Any:
    """digamma(x + 3) - shift below 3, and an asymptotic series, log x + rest / x - ..., above; of float64 x >= 0."""
    small = wide < 3.0
    large = m.where(small, 3.0, wide)
    inverse = 1.0 / large
    w = inverse * inverse
    far = log_wide(m, large) - w * polynomial(_DIGAMMA_SERIES, w) + rest * inverse
    return m.where(small, polynomial(_DIGAMMA_3, wide - 1.5) - shift, far)


def _digamma_positive(m: Any, x: Any) -> Any:
    wide = m.astype(x, dtypes.float64)
    product = (wide + 1.0) * (wide + 2.0)
    return [_digamma_of(m, wide, (product + wide * (2.0 * wide + 3.0)) / (wide * product), -0.5)]


def _digamma_any(m: Any, x: Any) -> Any:
    """For negative x, reflected: digamma(-s) = digamma(s) + 1/s + pi / tan(pi s)."""
    size = m.abs(x)
    wide = m.astype(size, dtypes.float64)
    negative = x < 0.0
    # of small negative x the reflection takes 1/s from the sum
    product = (wide + 1.0) * (wide + 2.0)
    slope = 2.0 * wide + 3.0
    shift = m.where(negative, slope, product + wide * slope)
    shift = shift / m.where(negative, product, wide * product)
    out = _digamma_of(m, wide, shift, m.where(negative, 0.5, -0.5))
    fraction = size - m.rint(size)
    f = m.astype(m.abs(fraction), dtypes.float64)
    g = 0.5 - f
    cotangent = g * polynomial(SIN_PI, g * g) / (f * polynomial(SIN_PI, f * f))
    reflected = out + m.where(fraction < 0.0, -math.pi, math.pi) * cotangent
    pole = (fraction == 0.0) | (size == _INF)
    return [m.where(negative, m.where(pole, _NAN, reflected), out)]


def digamma(m: Any, x: Any) -> Any:
    """digamma(x) = digamma(x + 3) - 1/x - 1/(x + 1) - 1/(x + 2) below 3, an asymptotic series above."""
    (wide,) = in_range(m, x, 0.0, _INF, _digamma_positive, _digamma_any)
    return m.where(x == 0.0, -_INF, m.where(x == _INF, _INF, m.astype(wide, dtypes.float32)))


def _powers_sum(m: Any, s: Any, q: Any, log_scale: Any) -> Any:
    """scale * sum((q + k)**-s) over k >= 0, for s > 1 and q that is no whole number below 1, as float64; of q < 0, for
    whole s."""
    odd = m.rint(s * 0.5) * 2.0 != s

    def power(y: Any) -> Any:
        size = m.where(y < 0.0, -y, y)
        out = exp2_wide(m, (log_scale - s * log_wide(m, size)) * (1 / math.log(2.0)))
        return m.where((y < 0.0) & odd, -out, out)

    def step(i: Any, total: Any, y: Any) -> Any:
        below = y < float(_SHIFTS)
        more = m.astype(power(m.where(below, y, 1.0)), dtypes.float64)
        return m.where(below, total + more, total), m.where(below, y + 1.0, y)

    terms = [power(q + float(k)) for k in range(_SHIFTS)]
    total = m.astype(sum(terms[-2::-1], terms[-1]), dtypes.float64)
    y = q + float(_SHIFTS)
    total, y = m.loop(_MOST_SHIFTS, lambda _, y: y < float(_SHIFTS), step, (total, y))
    last = m.astype(power(y), dtypes.float64)
    inverse = 1.0 / y
    r = inverse * inverse
    factor = s * inverse
    tail = y / (s - 1.0) + 0.5
    for k, c in enumerate(tables.EULER_MACLAURIN[:4]):
        tail = tail + c * factor
        factor = factor * ((s + (2.0 * k + 1.0)) * (s + (2.0 * k + 2.0)) * r)
    return total + m.where(last == 0.0, 0.0, last * tail)


def _zeta(m: Any, s: Any, q: Any, log_scale: Any) -> Any:
    """Hurwitz's zeta function of float64 operands, times a scale, as float32."""
    pole = (q <= 0.0) & (q == m.rint(q))
    good = (s > 1.0) & ((q > 0.0) | pole | (s == m.rint(s))) & (s < _INF) & (q > -_MOST_SHIFTS)
    exponent = m.where(good, s, 2.0)
    out = _powers_sum(m, exponent, m.where(good & ~pole, q, 1.0), log_scale)
    out = m.where(good, m.astype(out, dtypes.float32), _NAN)
    return m.where((s == 1.0) | (pole & (s > 1.0)), _INF, out)


def zeta(m: Any, x: Any, q: Any) -> Any:
    s, q = m.astype(x, dtypes.float64), m.astype(q, dtypes.float64)
    return m.where(q != q, _NAN, _zeta(m, s, q, 0.0))


def polygamma(m: Any, n: Any, x: Any) -> Any:
    """(-1)**(n + 1) n! zeta(n + 1, x) (DLMF 5.15.1)."""
    whole = (n == m.rint(n)) & (n >= 0.0) & (n < _INF)
    order = m.astype(m.where(whole & (n > 0.0), n, 1.0), dtypes.float64)
    q = m.astype(x, dtypes.float64)
    out = _zeta(m, order + 1.0, q, lgamma_wide(m, order + 1.0))
    half = n * 0.5
    out = m.where(half == m.rint(half), -out, out)
    out = m.where(n == 0.0, digamma(m, x), out)
    return m.where(whole & (x == x), out, _NAN)


def _scaled_bessel(m: Any, x: Any, near: Any, far: Any) -> tuple[Any, Any]:
    """The two interpolants, for |x| below 8 and from there on."""
    size = m.abs(x)
    low = m.astype(m.where(size < 8.0, size, 8.0), dtypes.float64)
    high = m.where(size > 8.0, size, 8.0)
    large = polynomial(far, 1.0 / high) / m.sqrt(high)
    return m.astype(polynomial(near, low * 0.25 - 1.0), dtypes.float32), large


def bessel_i0e(m: Any, x: Any) -> Any:
    small, large = _scaled_bessel(m, x, _I0E, _I0E_FAR)
    return m.where(x != x, x, m.where(m.abs(x) < 8.0, small, large))


def bessel_i1e(m: Any, x: Any) -> Any:
    small, large = _scaled_bessel(m, x, _I1E, _I1E_FAR)
    large = m.where(x < 0.0, -large, large)
    return m.where(x != x, x, m.where(m.abs(x) < 8.0, x * small, large))


__all__ = ["bessel_i0e", "bessel_i1e", "digamma", "polygamma", "zeta"]
