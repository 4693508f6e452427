"""Formulas of special functions in float64, for formula.py's evaluators."""

import math
from typing import Any

import numpy as np

from numax._engine.ops import tables
from numax._engine.ops.formula import Dual, DualMath, polynomial

INF, NAN = math.inf, math.nan
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)

# ---- error functions ----


def erfcx(m: Any, y: Any) -> Any:
    """exp(y**2) erfc(y) for y >= 0."""
    t = (y - 4.0) / (y + 4.0)
    return polynomial(tables.ERFCX, t) / (1.0 + 2.0 * y)


def _exp_minus_square(y: np.ndarray) -> np.ndarray:
    high = y.astype(np.float32).astype(np.float64)  # its square is exact
    return np.exp(-high * high) * np.exp((high - y) * (high + y))


def erf(x: np.ndarray) -> np.ndarray:
    """NumPy only: StableHLO has it."""
    size = np.abs(x)
    near = x * polynomial(tables.ERF, 2.0 * np.minimum(size, 1.0) ** 2 - 1.0)
    far = np.minimum(size, 6.5)
    far = np.copysign(1.0 - np.exp(-far * far) * erfcx(None, far), x)
    return np.where(size <= 1.0, near, np.where(np.isnan(x), x, far))


def erfc(x: np.ndarray) -> np.ndarray:
    size = np.minimum(np.abs(x), 40.0)
    tail = _exp_minus_square(size) * erfcx(None, size)
    near = 1.0 - x * polynomial(tables.ERF, 2.0 * np.minimum(size, 1.0) ** 2 - 1.0)
    far = np.where(x < 0.0, 2.0 - tail, tail)
    return np.where(np.isnan(x), x, np.where(np.abs(x) < 0.5, near, far))


# ---- lgamma, digamma ----


def stirling(x: Any) -> Any:
    """lgamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for x >= 8."""
    r = 1.0 / x
    return r * polynomial(tables.STIRLING, r * r)


def lgamma_positive(m: Any, x: Any) -> Any:
    """lgamma of x > 0."""
    big = m.where(x > 8.0, x, 8.0)
    log_big = m.log(big)
    out = (big - 0.5) * log_big - big + HALF_LOG_TWO_PI + stirling(big)
    out = m.where(x > 1e17, big * (log_big - 1.0), out)
    # Down to [1.5, 2.5) through lgamma(x) = log(x - 1) + lgamma(x - 1).
    tiny = x < 0.5
    y = m.where(tiny, x + 1.0, m.where(x < 8.0, x, 2.0))
    factor = x * 0.0 + 1.0
    for _ in range(6):
        above = y >= 2.5
        y = m.where(above, y - 1.0, y)
        factor = m.where(above, factor * y, factor)
    low = y < 1.5
    z = m.where(tiny, x, m.where(low, y - 1.0, y - 2.0))
    near = z * m.where(
        low, polynomial(tables.LGAMMA_1, 2.0 * z), polynomial(tables.LGAMMA_2, 2.0 * z)
    )
    near = m.where(tiny, near - m.log(x), near + m.log(factor))
    return m.where(x < 8.0, near, out)


def lgamma(m: Any, x: Any) -> Any:
    """log |Gamma(x)|; infinite at 0, -1, -2, ..."""
    size = m.abs(x)
    positive = x > 0.0
    out = lgamma_positive(m, m.where(size > 0.0, size, 1.0))
    fraction = size - m.floor(size)
    fraction = m.where(fraction > 0.5, 1.0 - fraction, fraction)
    reflected = m.log(math.pi / (size * m.sin(math.pi * fraction))) - out
    reflected = m.where(fraction == 0.0, INF, reflected)
    return m.where(x != x, x, m.where(size == INF, INF, m.where(positive, out, reflected)))


def digamma_positive(m: Any, x: Any) -> Any:
    """digamma of x > 0."""
    y = x
    shift = x * 0.0
    for _ in range(10):
        below = y < 10.0
        shift = m.where(below, shift + 1.0 / y, shift)
        y = m.where(below, y + 1.0, y)
    r = 1.0 / (y * y)
    return m.where(x == INF, INF, m.log(y) - 0.5 / y - r * polynomial(tables.DIGAMMA, r) - shift)


def digamma(m: Any, x: Any) -> Any:
    """The derivative of lgamma; -inf at 0, NaN at -1, -2, ..."""
    positive = x > 0.0
    out = digamma_positive(m, m.where(positive, x, 1.0 - x))  # psi(x) = psi(1 - x) - pi / tan(pi x)
    fraction = x - m.floor(x + 0.5)
    angle = math.pi * fraction
    reflected = out - math.pi * m.sin(0.5 * math.pi - m.abs(angle)) / m.sin(angle)
    reflected = m.where((fraction == 0.0) | (x == -INF), NAN, reflected)
    out = m.where(x == 0.0, -INF, m.where(positive, out, reflected))
    return m.where(x != x, x, out)


# ---- modified Bessel functions of the first kind, scaled by exp(-|x|) ----


def bessel_i0e(m: Any, x: Any) -> Any:
    size = m.abs(x)
    small = polynomial(tables.I0E_SMALL, m.where(size < 8.0, size, 8.0) * 0.25 - 1.0)
    big = m.where(size > 8.0, size, 8.0)
    large = polynomial(tables.I0E_LARGE, 16.0 / big - 1.0) / m.sqrt(big)
    return m.where(x != x, x, m.where(size < 8.0, small, large))


def bessel_i1e(m: Any, x: Any) -> Any:
    size = m.abs(x)
    low = m.where(size < 8.0, x, 8.0)
    small = low * polynomial(tables.I1E_SMALL, m.abs(low) * 0.25 - 1.0)
    big = m.where(size > 8.0, size, 8.0)
    large = polynomial(tables.I1E_LARGE, 16.0 / big - 1.0) / m.sqrt(big)
    return m.where(x != x, x, m.where(size < 8.0, small, m.where(x < 0.0, -large, large)))


# ---- zeta, polygamma ----

_MOST_SHIFTS = 10000


def zeta(m: Any, x: Any, q: Any) -> Any:
    """The Hurwitz zeta function sum((q + k)**-x), by Euler and Maclaurin's formula past q + k = 12 + x, where nine
    terms of it are exact enough (DLMF 25.11.5)."""
    floor_q, floor_x = m.floor(q), m.floor(x)
    pole = (q <= 0.0) & (q == floor_q)
    good = (x > 1.0) & ((q > 0.0) | pole | (x == floor_x)) & (x < INF) & (q > -_MOST_SHIFTS)
    exponent = m.where(good, x, 2.0)
    start = m.where(good & ~pole, q, 1.0)
    end = 12.0 + m.where(exponent < 300.0, exponent, 300.0)

    def step(i: Any, total: Any, y: Any) -> Any:
        below = y < end
        total = m.where(below, total + m.power(y, -exponent), total)
        return total, m.where(below, y + 1.0, y)

    total, y = m.loop(2 * _MOST_SHIFTS, lambda total, y: y < end, step, (exponent * 0.0, start))
    last = m.power(y, -exponent)
    r = 1.0 / (y * y)
    factor = exponent / y
    tail = 0.0
    for k, c in enumerate(tables.EULER_MACLAURIN):
        tail = tail + c * factor
        j = 2.0 * k + 1.0
        factor = factor * (exponent + j) * (exponent + (j + 1.0)) * r
    out = total + m.where(last == 0.0, 0.0, last * (y / (exponent - 1.0) + 0.5 + tail))
    out = m.where(good, out, NAN)
    out = m.where((x == 1.0) | (pole & (x > 1.0)), INF, out)
    return m.where(x != x, x, m.where(q != q, q, out))


def polygamma(m: Any, n: Any, x: Any) -> Any:
    """The n-th derivative of digamma: (-1)**(n + 1) n! zeta(n + 1, x) (DLMF 5.15.1)."""
    whole = (n == m.floor(n)) & (n >= 0.0)
    order = m.where(whole & (n > 0.0), n, 1.0)
    half = order * 0.5
    size = m.exp(lgamma_positive(m, order + 1.0)) * zeta(m, order + 1.0, x)
    out = m.where(half == m.floor(half), -size, size)
    out = m.where(n == 0.0, digamma(m, x), out)
    return m.where(whole, out, NAN)


# ---- the incomplete gamma function ----
#
# With D = x**a exp(-x) / Gamma(a + 1), the lower function is P = D F for x <= a, the upper one Q = D F for x > a:
# F comes from a series, from a continued fraction, or for large a from Temme's expansion (DLMF 8.7.1, 8.9.2, 8.12).

_LARGE = 1e4  # from here on Temme's expansion, to the order of 1/a**3
_STEPS = 2000


def _log_ratio(m: Any, a: Any, x: Any) -> Any:
    """mu = (x - a) / a, and phi = mu - log(1 + mu), without cancellation."""
    mu = (x - a) / a
    near = m.abs(mu) < 0.4
    inner = m.where(near, mu, 0.0)
    r = inner / (2.0 + inner)
    ratio = m.where(near, 1.0, x / a)
    far = m.where(near, 0.0, mu) - m.log(ratio)
    return mu, m.where(near, inner * inner * _phi_factor(inner, r), far)


def _phi_factor(mu: Any, r: Any) -> Any:
    """phi / mu**2 for small mu, from log(1 + mu) = 2 atanh(r), r = mu / (2 + mu)."""
    series = polynomial([1.0 / k for k in range(3, 35, 2)], r * r)
    return (1.0 - 2.0 * r * series / (2.0 + mu)) / (2.0 + mu)


def _log_d(m: Any, a: Any, x: Any) -> Any:
    """log D."""
    small = a < 8.0
    b = m.where(small, 8.0, a)
    _, phi = _log_ratio(m, b, x)
    far = -(b * phi) - 0.5 * m.log(2.0 * math.pi * b) - stirling(b)
    c = m.where(small, a, 1.0)
    y = m.where(small, x, 1.0)
    return m.where(
        small, c * m.log(y) - y - m.function(lgamma_positive, digamma_positive, c + 1.0), far
    )


def _temme(m: Any, a: Any, x: Any) -> Any:
    """F for large a."""
    mu = (x - a) / a
    mu = m.where(mu > 0.45, 0.45, m.where(mu < -0.35, -0.35, mu))  # beyond, D is zero
    eta = mu * m.sqrt(2.0 * _phi_factor(mu, mu / (2.0 + mu)))
    r = 1.0 / a
    terms = polynomial(tables.TEMME_3, eta)
    for table in (tables.TEMME_2, tables.TEMME_1, tables.TEMME_0):
        terms = terms * r + polynomial(table, eta)
    upper = x > a
    tail = 0.5 * m.sqrt(2.0 * math.pi * a) * erfcx(m, m.where(upper, eta, -eta) * m.sqrt(0.5 * a))
    scale = m.exp(stirling(a))
    return scale * (tail + m.where(upper, terms, -terms))


def _series(m: Any, a: Any, x: Any) -> Any:
    """F = sum(x**n / ((a + 1) ... (a + n)))."""

    def step(i: Any, term: Any, total: Any) -> Any:
        term = term * x / (a + i)
        return term, total + term

    one = a * 0.0 + 1.0
    return m.loop(_STEPS, m.moving, step, (one, one))[1]


def _fraction(m: Any, a: Any, x: Any) -> Any:
    """F = a / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), by Lentz's method."""
    b = x + 1.0 - a
    d = 1.0 / b
    c = a * 0.0 + 1e300

    def step(i: Any, b: Any, c: Any, d: Any, h: Any, change: Any) -> Any:
        an = i * (a - i)
        b = b + 2.0
        d = 1.0 / (an * d + b)
        c = b + an / c
        return b, c, d, *_improve(m, h, change, c * d)

    def proceed(b: Any, c: Any, d: Any, h: Any, change: Any) -> Any:
        return m.moving(change, h * _LAST)

    return a * m.loop(_STEPS, proceed, step, (b, c, d, d, d))[3]


_LAST = 30.0  # a fraction's last change, in units of 1e-17


def _improve(m: Any, h: Any, change: Any, ratio: Any) -> tuple[Any, Any]:
    """The next value and change of a continued fraction; neither moves where the last change was rounding."""
    following = h * (ratio - 1.0)
    active = m.moving(change, h * _LAST)
    return m.where(active, h + following, h), m.where(active, following, change)


def _scaled(m: Any, a: Any, x: Any) -> Any:
    """F, and whether it belongs to the upper function."""
    large = a >= _LARGE
    lower = (x <= a) | ((a < 1.0) & (x <= 1.1))
    use = lower & ~large
    f = _series(m, m.where(use, a, 1.0), m.where(use, x, 0.0))
    use = ~lower & ~large
    f = m.where(lower, f, _fraction(m, m.where(use, a, 1.0), m.where(use, x, 40.0)))
    f = m.where(large, _temme(m, m.where(large, a, _LARGE), m.where(large, x, _LARGE)), f)
    return f, ~lower


def _domain(m: Any, a: Any, x: Any) -> tuple[Any, Any, Any]:
    """Whether the general formulas hold, and operands that are harmless where they do not."""
    inside = (a > 0.0) & (a < INF) & (x > 0.0) & (x < INF)
    return inside, m.where(inside, a, 1.0), m.where(inside, x, 1.0)


def _ends(m: Any, a: Any, x: Any, inside: Any, out: Any, low: float, high: float) -> Any:
    """Values at the ends of the domain: `low` where x = 0 or a = inf, `high` where x = inf or a = 0."""
    out = m.where(inside, out, NAN)
    out = m.where((a == INF) & (x >= 0.0), low, out)
    out = m.where((a == 0.0) & (x >= 0.0), high, out)
    out = m.where((x == INF) & (a >= 0.0), high, out)
    out = m.where((x == 0.0) & (a >= 0.0), low, out)
    return m.where(((a == 0.0) & (x == 0.0)) | ((a == INF) & (x == INF)), NAN, out)


def igamma(m: Any, a: Any, x: Any) -> Any:
    inside, b, y = _domain(m, a, x)
    f, upper = _scaled(m, b, y)
    out = m.exp(_log_d(m, b, y)) * f
    return _ends(m, a, x, inside, m.where(upper, 1.0 - out, out), 0.0, 1.0)


def igammac(m: Any, a: Any, x: Any) -> Any:
    inside, b, y = _domain(m, a, x)
    f, upper = _scaled(m, b, y)
    out = m.exp(_log_d(m, b, y)) * f
    out = m.where(upper, out, 1.0 - out)
    small = (b < 1.0) & (y <= 1.1)
    out = m.where(small, _upper_small(m, m.where(small, b, 0.5), m.where(small, y, 0.5)), out)
    return _ends(m, a, x, inside, out, 1.0, 0.0)


def _upper_small(m: Any, a: Any, x: Any) -> Any:
    """Q for a < 1 and x <= 1.1, without cancellation: -expm1(u) - exp(u) sum(a (-x)**n / ((a + n) n!)),
    u = a log x - lgamma(1 + a) (from DLMF 8.7.1)."""
    near = a < 0.5
    z = m.where(near, a, a - 1.0)
    gamma = z * m.where(
        near, polynomial(tables.LGAMMA_1, 2.0 * z), polynomial(tables.LGAMMA_2, 2.0 * z)
    )
    u = a * m.log(x) - gamma
    total = x * 0.0
    term = a
    for n in range(1, 22):
        term = -(term * x) / float(n)
        total = total + term / (a + float(n))
    return -m.expm1(u) - m.exp(u) * total


def _with_derivative(m: Any, a: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """log D and F as duals in a, whether F is the upper function's, and d log D."""
    dual = DualMath(m)
    moving = Dual(m, a, a * 0.0 + 1.0)
    f, upper = _scaled(dual, moving, Dual(m, x, x * 0.0))
    return _log_d(m, a, x), f, upper, _log_d_slope(m, a, x)


def _log_d_slope(m: Any, a: Any, x: Any) -> Any:
    """d log D / da = log x - digamma(a + 1)."""
    small = a < 8.0
    c = m.where(small, a, 1.0)
    b = m.where(small, 8.0, a)
    r = 1.0 / b
    mu = (x - b) / b
    near = m.abs(mu) < 0.4
    log_ratio = m.where(near, m.log1p(m.where(near, mu, 0.0)), m.log(m.where(near, 1.0, x / b)))
    # digamma(b + 1) = log b + 1 / 2b - ...
    far = log_ratio - 0.5 * r + r * r * polynomial(tables.DIGAMMA, r * r)
    return m.where(small, m.log(x) - digamma_positive(m, c + 1.0), far)


def igamma_grad_a(m: Any, a: Any, x: Any) -> Any:
    """dP / da."""
    inside, b, y = _domain(m, a, x)
    log_d, f, upper, slope = _with_derivative(m, b, y)
    out = m.exp(log_d) * (f.t + f.x * slope)
    return _slope_ends(m, a, x, inside, m.where(upper, -out, out))


def random_gamma_grad(m: Any, a: Any, x: Any) -> Any:
    """dx / da of a gamma variate x of concentration a: -(dP / da) / (dP / dx), where dP / dx = D a / x."""
    inside, b, y = _domain(m, a, x)
    _, f, upper, slope = _with_derivative(m, b, y)
    out = (f.t + f.x * slope) * y / b
    return _slope_ends(m, a, x, inside, m.where(upper, out, -out))


def _slope_ends(m: Any, a: Any, x: Any, inside: Any, out: Any) -> Any:
    out = m.where(inside, out, NAN)
    return m.where((x == 0.0) & (a > 0.0), 0.0, out)


# ---- the incomplete beta function ----


def _stirling_any(m: Any, x: Any) -> Any:
    """`stirling` for any x > 0."""
    small = x < 8.0
    c = m.where(small, x, 1.0)
    near = lgamma_positive(m, c) - (c - 0.5) * m.log(c) + c - HALF_LOG_TWO_PI
    return m.where(small, near, stirling(m.where(small, 8.0, x)))


def _log_beta_density(m: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """log(x**a y**b Gamma(a + b) / (Gamma(a) Gamma(b))), y = 1 - x, from deviances: what is large cancels exactly."""
    n = a + b
    _, left = _log_ratio(m, a, n * x)
    _, right = _log_ratio(m, b, n * y)
    corrections = _stirling_any(m, n) - _stirling_any(m, a) - _stirling_any(m, b)
    return (
        0.5 * (m.log(a) + m.log(b / n) - math.log(2.0 * math.pi))
        - a * left
        - b * right
        + corrections
    )


def betainc(m: Any, a: Any, b: Any, x: Any) -> Any:
    """I_x(a, b) by its continued fraction (DLMF 8.17.22), after a swap to x <= (a + 1) / (a + b + 2)."""
    inside = (a > 0.0) & (b > 0.0) & (a < INF) & (b < INF) & (x > 0.0) & (x < 1.0)
    p, q = m.where(inside, a, 1.0), m.where(inside, b, 1.0)
    z = m.where(inside, x, 0.5)
    swap = z * (p + q + 2.0) > p + 1.0
    p, q = m.where(swap, q, p), m.where(swap, p, q)
    z, w = m.where(swap, 1.0 - z, z), m.where(swap, z, 1.0 - z)
    scale = m.exp(_log_beta_density(m, p, q, z, w)) / p
    out = scale * _beta_fraction(m, p, q, z)
    out = m.where(swap, 1.0 - out, out)
    out = m.where(inside, out, NAN)
    good = (a >= 0.0) & (b >= 0.0) & (x >= 0.0) & (x <= 1.0)
    good = good & ~((a == 0.0) & (b == 0.0)) & ~((a == INF) & (b == INF))
    out = m.where(good & ((b == 0.0) | (a == INF)), 0.0, out)
    out = m.where(good & ((a == 0.0) | (b == INF)), 1.0, out)
    out = m.where(good & (x == 0.0), 0.0, out)
    return m.where(good & (x == 1.0), 1.0, out)


def _beta_fraction(m: Any, a: Any, b: Any, x: Any) -> Any:
    """The continued fraction, by Lentz's method."""
    tiny = 1e-300
    total = a + b

    def guard(v: Any) -> Any:
        return m.where(m.abs(v) < tiny, tiny, v)

    def step(i: Any, c: Any, d: Any, h: Any, change: Any) -> Any:
        k = 2.0 * i
        first = i * (b - i) * x / ((a - 1.0 + k) * (a + k))
        d = 1.0 / guard(1.0 + first * d)
        c = guard(1.0 + first / c)
        h = h * (c * d)
        second = -((a + i) * (total + i) * x) / ((a + k) * (a + 1.0 + k))
        d = 1.0 / guard(1.0 + second * d)
        c = guard(1.0 + second / c)
        return c, d, *_improve(m, h, change, c * d)

    one = a * 0.0 + 1.0
    d = 1.0 / guard(1.0 - total * x / (a + 1.0))

    def proceed(c: Any, d: Any, h: Any, change: Any) -> Any:
        return m.moving(change, h * _LAST)

    return m.loop(_STEPS, proceed, step, (one, d, d, one))[2]
