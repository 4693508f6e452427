"""Exponential, sine, cosine and Fresnel integrals, Dawson's and Faddeeva's functions, Owen's T: by fitted pieces.

Each function is a few polynomials (special_tables) in a variable scaled to [-1, 1], one for each range of the argument,
and has its exact derivative.
"""

import functools
import math
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.custom_derivatives import custom_jvp
from numax.numpy.promotion import number, promote_inexact, value
from numax.scipy import special_tables as tables
from numax.scipy.special_normal import above, below, plus, real, times, where, widened

_EULER = 0.57721566490153286061
_NAN = math.nan


def between(x: Any, low: float, high: float) -> Any:
    """x scaled from [low, high] to [-1, 1], cut there."""
    t = times(plus(x, -(low + high) / 2), 2 / (high - low))
    return lax.clamp(number(t, -1), t, number(t, 1))


def beyond(x: Any, low: float) -> Any:
    """low / x scaled from [0, 1] to [-1, 1], cut there."""
    big = lax.max(x, number(x, low))
    return plus(times(lax.div(number(x, low), big), 2.0), -1.0)


def fit(t: Any, table: tuple[float, ...]) -> Any:
    return lax.polynomial(t, table)


def pieces(x: Any, rows: Any) -> Any:
    """The value of the row whose upper end is the first above x. rows: (upper end, value), the last without end."""
    out = rows[-1][1]
    for end, found in reversed(rows[:-1]):
        out = where(below(x, end), found, out)
    return out


# ---- exponential integrals ----


def _exp1_value(x: Any) -> Any:
    positive = above(x, 0)
    x = where(positive, x, 1.0)
    low = lax.sub(lax.mul(x, fit(between(x, 0, 1), tables.E1_LOW)), plus(lax.log(x), _EULER))
    tail = lax.div(lax.exp(lax.neg(x)), x)
    middle = lax.mul(tail, fit(between(x, 1, 4), tables.E1_MID))
    far = lax.mul(tail, fit(beyond(x, 4), tables.E1_FAR))
    return where(positive, pieces(x, [(1, low), (4, middle), (None, far)]), math.inf)


def _expi_positive(x: Any) -> Any:
    growth = lax.exp(x)
    small = lax.mul(lax.mul(x, growth), fit(between(x, 0, 4), tables.EI_LOW))
    small = lax.add(small, plus(lax.log(x), _EULER))
    ratio = lax.div(growth, x)
    rows = [(4, small)]
    for low, high in ((4, 8), (8, 16), (16, 40)):
        rows.append(
            (high, lax.mul(ratio, fit(between(x, low, high), getattr(tables, f"EI_{low}"))))
        )
    far = lax.mul(
        lax.mul(lax.exp(times(x, 0.5)), fit(beyond(x, 40), tables.EI_40)),
        lax.div(lax.exp(times(x, 0.5)), x),
    )
    return pieces(x, [*rows, (None, far)])


def _expi_value(x: Any) -> Any:
    positive, negative = above(x, 0), below(x, 0)
    right = _expi_positive(where(positive, x, 1.0))
    right = where(lax.eq(x, number(x, math.inf)), math.inf, right)
    left = lax.neg(_exp1_value(where(negative, lax.neg(x), 1.0)))
    out = where(positive, right, where(negative, left, -math.inf))
    return where(lax.ne(x, x), _NAN, out)


_expi = custom_jvp(widened(_expi_value))


@_expi.defjvp
def _expi_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return _expi(x), lax.mul(t, lax.div(lax.exp(x), x))


def expi(x: Any) -> Array:
    """The exponential integral Ei: the principal value of the integral of exp(t) / t up to x, elementwise.

    Grad: exp(x) / x. Source: SciPy `special.expi`.
    """
    return _expi(*real("expi", x))


@custom_jvp
def _exp1(x: Any) -> Any:
    out = widened(_exp1_value)(x)
    negative = lax.bitwise_or(below(x, 0), lax.ne(x, x))
    return where(negative, _NAN, where(lax.eq(x, number(x, math.inf)), 0.0, out))


@_exp1.defjvp
def _exp1_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return _exp1(x), lax.mul(t, lax.neg(lax.div(lax.exp(lax.neg(x)), x)))


def exp1(x: Any) -> Array:
    """The exponential integral E1: the integral of exp(-t) / t from x on, elementwise; nan for negative x.

    Grad: -exp(-x) / x. Source: SciPy `special.exp1`.
    """
    return _exp1(*real("exp1", x))


_SERIES, _FRACTION = 24, 160


def _expn_series(n: Any, x: Any) -> Any:
    """For x <= 1 and n >= 1 (Abramowitz & Stegun 5.1.12)."""
    last = plus(n, -1)
    log_part = lax.sub(lax.digamma(n), lax.log(x))
    power = lax.exp(lax.sub(lax.mul(last, lax.log(x)), lax.lgamma(n)))
    half = times(last, 0.5)
    odd = lax.ne(half, lax.floor(half))
    power = where(odd, lax.neg(power), power)
    total = lax.mul(power, log_part)
    term = core.full(x.aval.shape, 1, x.dtype)
    for m in range(_SERIES):
        gap = lax.sub(number(n, m), last)
        here = lax.eq(gap, number(gap, 0))
        total = lax.sub(total, where(here, 0.0, lax.div(term, where(here, 1.0, gap))))
        term = times(lax.mul(term, x), -1 / (m + 1))
    return total


def _expn_fraction(n: Any, x: Any) -> Any:
    """For x > 1: Lentz' evaluation of the continued fraction (Press et al., section 6.3)."""
    b = lax.add(x, n)
    d = lax.reciprocal(b)
    start = (b, core.full(b.aval.shape, 1e30, b.dtype), d, d)

    def step(i: Any, state: Any) -> Any:
        b, c, d, h = state
        k = core.convert(i, x.dtype)
        a = lax.mul(lax.neg(k), lax.add(plus(n, -1), k))
        b = plus(b, 2)
        d = lax.reciprocal(lax.add(lax.mul(a, d), b))
        c = lax.add(b, lax.div(a, c))
        return b, c, d, lax.mul(h, lax.mul(c, d))

    h = lax.fori_loop(1, _FRACTION, step, start)[3]
    return lax.mul(h, lax.exp(lax.neg(x)))


@custom_jvp
def _expn(n: Any, x: Any) -> Any:
    proper = lax.bitwise_and(above(x, 0), above(n, 0))
    small = lax.le(x, number(x, 1))
    order = where(above(n, 0), n, 1.0)
    low = _expn_series(order, where(lax.bitwise_and(proper, small), x, 1.0))
    high = _expn_fraction(
        order, where(lax.bitwise_and(proper, lax.is_finite(x)), lax.max(x, number(x, 1)), 2.0)
    )
    out = where(small, low, high)
    out = where(lax.eq(n, number(n, 0)), lax.div(lax.exp(lax.neg(x)), x), out)
    at_zero = where(above(n, 1), lax.reciprocal(plus(where(above(n, 1), n, 2.0), -1)), math.inf)
    out = where(lax.eq(x, number(x, 0)), at_zero, out)
    out = where(lax.eq(x, number(x, math.inf)), 0.0, out)
    bad = lax.bitwise_or(lax.bitwise_or(below(x, 0), below(n, 0)), lax.ne(x, x))
    return where(bad, _NAN, out)


@_expn.defjvp
def _expn_jvp(primals: Any, tangents: Any) -> Any:
    (n, x), (_, t) = primals, tangents
    one = lax.eq(n, number(n, 0))
    less = _expn(where(one, 0.0, plus(n, -1)), x)
    first = lax.mul(lax.exp(lax.neg(x)), lax.div(plus(x, 1), lax.square(x)))
    return _expn(n, x), lax.mul(t, lax.neg(where(one, first, less)))


def expn(n: Any, x: Any) -> Array:
    """The exponential integral of order n: the integral of exp(-x t) / t**n from 1 on, elementwise; nan for negative x.

    Raises: TypeError unless n is an integer. Grad: -expn(n - 1, x) in x. Source: SciPy `special.expn`.
    """
    order = value("expn", n)
    if not dtypes.is_integer(order.dtype):
        raise TypeError(f"expn: n must be an integer; got {order.aval.str_short()}.")
    n, x = real("expn", n, x)
    if x.dtype.itemsize < 4:
        return core.convert(_expn(*[core.convert(v, dtypes.float32) for v in (n, x)]), x.dtype)
    return _expn(n, x)


# ---- sine and cosine integrals ----


def _sici_value(x: Any) -> Any:
    size = lax.abs(x)
    finite = where(lax.is_finite(size), size, 1.0)
    u = lax.square(lax.min(finite, number(x, 4)))
    t = between(u, 0, 16)
    positive = where(above(finite, 0), finite, 1.0)
    si_low = lax.mul(finite, fit(t, tables.SI_LOW))
    ci_low = lax.add(lax.mul(u, fit(t, tables.CI_LOW)), plus(lax.log(positive), _EULER))
    ci_low = where(above(finite, 0), ci_low, -math.inf)
    big = lax.max(finite, number(x, 4))
    s = lax.reciprocal(lax.square(big))
    middle = between(s, 1 / 64, 1 / 16)
    far = plus(times(s, 128.0), -1.0)
    far = lax.min(far, number(far, 1))
    near = below(big, 8)
    f = where(near, fit(middle, tables.AUX_F_MID), fit(far, tables.AUX_F_FAR))
    g = where(near, fit(middle, tables.AUX_G_MID), fit(far, tables.AUX_G_FAR))
    f, g = lax.div(f, big), lax.mul(g, s)
    sine, cosine = lax.sin(big), lax.cos(big)
    si_high = lax.sub(number(x, math.pi / 2), lax.add(lax.mul(f, cosine), lax.mul(g, sine)))
    ci_high = lax.sub(lax.mul(f, sine), lax.mul(g, cosine))
    low = below(finite, 4)
    si, ci = where(low, si_low, si_high), where(low, ci_low, ci_high)
    endless = lax.eq(size, number(size, math.inf))
    si = where(endless, math.pi / 2, si)
    si = where(below(x, 0), lax.neg(si), si)
    ci = where(endless, 0.0, ci)
    ci = where(below(x, 0), _NAN, ci)
    unknown = lax.ne(x, x)
    return where(unknown, _NAN, si), where(unknown, _NAN, ci)


def _pair(fun: Any) -> Any:
    def wrapped(x: Any) -> Any:
        if x.dtype.itemsize >= 4:
            return fun(x)
        return tuple([core.convert(v, x.dtype) for v in fun(core.convert(x, dtypes.float32))])

    return wrapped


_sici = custom_jvp(_pair(_sici_value))


@_sici.defjvp
def _sici_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    zero = lax.eq(x, number(x, 0))
    safe = where(zero, 1.0, x)
    by_sine = where(zero, 1.0, lax.div(lax.sin(safe), safe))
    return _sici(x), (lax.mul(t, by_sine), lax.mul(t, lax.div(lax.cos(x), x)))


def sici(x: Any) -> tuple[Array, Array]:
    """The integrals of sin(t) / t from 0 to x, and of -cos(t) / t from x on, elementwise; the latter nan below 0.

    Grad: sin(x) / x, cos(x) / x. Source: SciPy `special.sici`.
    """
    return tuple(_sici(*real("sici", x)))


# ---- Fresnel integrals ----

_F1, _F2 = 1.6, 2.4


def _fresnel_value(x: Any) -> Any:
    size = lax.abs(x)
    finite = where(lax.is_finite(size), size, 1.0)
    low_x = lax.min(finite, number(x, _F1))
    v = lax.square(lax.square(low_x))
    t = between(v, 0, _F1**4)
    s_low = lax.mul(lax.mul(low_x, lax.square(low_x)), fit(t, tables.FRESNEL_S))
    c_low = lax.mul(low_x, fit(t, tables.FRESNEL_C))
    big = lax.max(finite, number(x, _F1))
    square = lax.square(big)
    w = lax.reciprocal(lax.square(square))
    middle = between(w, _F2**-4, _F1**-4)
    far = between(w, 0, _F2**-4)
    near = below(big, _F2)
    f = where(near, fit(middle, tables.FRESNEL_F_MID), fit(far, tables.FRESNEL_F_FAR))
    g = where(near, fit(middle, tables.FRESNEL_G_MID), fit(far, tables.FRESNEL_G_FAR))
    f = lax.div(f, times(big, math.pi))
    g = lax.div(g, times(lax.mul(big, square), math.pi**2))
    sine, cosine = _half_turns(big)
    s_high = lax.sub(number(x, 0.5), lax.add(lax.mul(f, cosine), lax.mul(g, sine)))
    c_high = lax.add(number(x, 0.5), lax.sub(lax.mul(f, sine), lax.mul(g, cosine)))
    low = below(finite, _F1)
    endless = lax.eq(size, number(size, math.inf))
    out = []
    for near_value, far_value in ((s_low, s_high), (c_low, c_high)):
        found = where(endless, 0.5, where(low, near_value, far_value))
        found = where(below(x, 0), lax.neg(found), found)
        out.append(where(lax.ne(x, x), _NAN, found))
    return tuple(out)


def _half_turns(x: Any) -> tuple[Any, Any]:
    """sin and cos of pi x**2 / 2: x = n + r, so x**2 = (n**2 mod 4) + 2 n r + r**2, of which little is lost."""
    n = lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)
    r = lax.sub(x, n)
    whole = lax.rem(n, number(n, 2))  # n**2 mod 4 is 0 for even and 1 for odd n
    cross = lax.mul(n, times(r, 2.0))
    cross = lax.sub(
        cross, times(lax.round(times(cross, 0.25), lax.RoundingMethod.TO_NEAREST_EVEN), 4.0)
    )
    angle = times(lax.add(lax.add(whole, cross), lax.square(r)), math.pi / 2)
    return lax.sin(angle), lax.cos(angle)


_fresnel = custom_jvp(_pair(_fresnel_value))


@_fresnel.defjvp
def _fresnel_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    angle = times(lax.square(x), math.pi / 2)
    return _fresnel(x), (lax.mul(t, lax.sin(angle)), lax.mul(t, lax.cos(angle)))


def fresnel(x: Any) -> tuple[Array, Array]:
    """The integrals of sin(pi t**2 / 2) and of cos(pi t**2 / 2) from 0 to x, elementwise.

    Grad: the integrands. Source: SciPy `special.fresnel`.
    """
    return tuple(_fresnel(*real("fresnel", x)))


# ---- Dawson, Faddeeva, Spence ----


def _dawsn_value(x: Any) -> Any:
    size = lax.abs(x)
    finite = where(lax.is_finite(size), size, 1.0)
    low = lax.min(finite, number(x, 2))
    near = lax.mul(low, fit(between(lax.square(low), 0, 4), tables.DAWSON_0))
    big = lax.max(finite, number(x, 2))
    inverse = lax.reciprocal(big)
    second = lax.mul(inverse, fit(between(big, 2, 4), tables.DAWSON_2))
    third = lax.mul(inverse, fit(between(big, 4, 7), tables.DAWSON_4))
    s = lax.square(times(lax.reciprocal(lax.max(big, number(x, 7))), 7.0))
    far = lax.mul(inverse, fit(plus(times(s, 2.0), -1.0), tables.DAWSON_7))
    out = pieces(finite, [(2, near), (4, second), (7, third), (None, far)])
    out = where(lax.eq(size, number(size, math.inf)), 0.0, out)
    out = where(below(x, 0), lax.neg(out), out)
    return where(lax.ne(x, x), _NAN, out)


_dawsn = custom_jvp(widened(_dawsn_value))


@_dawsn.defjvp
def _dawsn_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    y = _dawsn(x)
    return y, lax.mul(t, plus(times(lax.mul(x, y), -2.0), 1.0))


def dawsn(x: Any) -> Array:
    """Dawson's integral: exp(-x**2) times the integral of exp(t**2) from 0 to x, elementwise.

    Grad: 1 - 2 x dawsn(x). Source: SciPy `special.dawsn`.
    """
    return _dawsn(*real("dawsn", x))


@functools.lru_cache(maxsize=4)
def _weideman(n: int) -> tuple[float, tuple[float, ...]]:
    """Length and coefficients (the constant first) of Weideman's rational approximation (SIAM J. Numer. Anal. 1994)."""
    m = 2 * n
    length = math.sqrt(n / math.sqrt(2))
    theta = np.arange(-m + 1, m) * np.pi / m
    t = length * np.tan(theta / 2)
    f = np.exp(-(t**2)) * (length**2 + t**2)
    f = np.concatenate([[0.0], f])
    a = np.real(np.fft.fft(np.fft.fftshift(f))) / (2 * m)
    return length, tuple(a[1 : n + 1].tolist())


@custom_jvp
def _wofz(z: Any) -> Any:
    lower = below(lax.imag(z), 0)
    w = lax.select_n(lower, z, lax.neg(z))
    size, coefficients = _weideman(48)
    turned = lax.mul(w, number(w, 1j))
    bottom = lax.sub(number(w, size), turned)
    ratio = lax.div(lax.add(number(w, size), turned), bottom)
    p = lax.polynomial(ratio, coefficients)
    out = lax.div(times(p, 2.0), lax.square(bottom))
    out = lax.add(out, lax.div(number(w, 1 / math.sqrt(math.pi)), bottom))
    reflected = lax.sub(times(lax.exp(lax.neg(lax.square(z))), 2.0), out)
    return lax.select_n(lower, out, reflected)


@_wofz.defjvp
def _wofz_jvp(primals: Any, tangents: Any) -> Any:
    (z,), (t,) = primals, tangents
    w = _wofz(z)
    slope = lax.sub(number(z, 2j / math.sqrt(math.pi)), times(lax.mul(z, w), 2.0))
    return w, lax.mul(t, slope)


def wofz(z: Any) -> Array:
    """Faddeeva's function exp(-z**2) erfc(-i z), elementwise, complex.

    Grad: 2 i / sqrt(pi) - 2 z wofz(z). Source: SciPy `special.wofz`; Weideman 1994.
    """
    (z,) = promote_inexact(value("wofz", z))
    wide = dtypes.complex128 if z.dtype in (dtypes.float64, dtypes.complex128) else dtypes.complex64
    return _wofz(core.convert(z, wide))


def _spence_value(z: Any) -> Any:
    """The fit around 1; 1/z and 1 - z bring all other z there."""
    known = lax.ge(z, number(z, 0))
    z = where(known, z, 1.0)
    large = above(z, 1.5)
    y = where(large, lax.reciprocal(lax.max(z, number(z, 1))), z)
    small = below(y, 0.5)
    w = where(small, lax.sub(number(y, 1), y), y)
    h = plus(w, -1.0)
    out = lax.mul(h, fit(between(h, -0.5, 0.5), tables.SPENCE))
    positive = where(above(y, 0), y, 1.0)
    logs = lax.mul(lax.log(positive), lax.log1p(lax.neg(where(small, y, 0.0))))
    out = where(small, lax.sub(number(y, math.pi**2 / 6), lax.add(logs, out)), out)
    log_z = lax.log(where(large, z, 1.0))
    out = where(large, lax.neg(lax.add(times(lax.square(log_z), 0.5), out)), out)
    return where(known, out, _NAN)


_spence = custom_jvp(widened(_spence_value))


@_spence.defjvp
def _spence_jvp(primals: Any, tangents: Any) -> Any:
    """log(z) / (1 - z), and -1 at 1."""
    (z,), (t,) = primals, tangents
    h = plus(z, -1.0)
    near = below(lax.abs(h), 1e-3)
    series = lax.polynomial(h, (-1.0, 1 / 2, -1 / 3, 1 / 4, -1 / 5, 1 / 6))
    safe = where(near, 1.0, h)
    slope = where(near, series, lax.neg(lax.div(lax.log(where(near, 2.0, z)), safe)))
    return _spence(z), lax.mul(t, slope)


def spence(x: Any) -> Array:
    """Spence's function, the dilogarithm of 1 - x: the integral of log(t) / (1 - t) from 1 to x, elementwise.

    nan for negative x. Grad: log(x) / (1 - x). Source: SciPy `special.spence`.
    """
    return _spence(*real("spence", x))


# ---- Owen's T ----

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / (4 * np.pi)


def _owens_inner(h: Any, a: Any) -> Any:
    """By Gauss-Legendre quadrature of exp(-h**2 (1 + t**2) / 2) / (1 + t**2) / (2 pi) over [0, a], 0 <= a <= 1."""
    half = times(lax.square(h), -0.5)
    cut = lax.min(
        a, lax.div(number(h, 9.0), lax.max(h, number(h, 1.0)))
    )  # what lies beyond is below exp(-40)
    total = core.full(h.aval.shape, 0, h.dtype)
    for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
        squares = plus(lax.square(times(cut, node)), 1.0)
        term = lax.div(lax.exp(lax.mul(half, squares)), squares)
        total = lax.add(total, times(term, weight))
    return lax.mul(total, cut)


def _half_erfc(x: Any) -> Any:
    """The upper tail of the normal distribution."""
    return times(lax.erfc(times(x, math.sqrt(0.5))), 0.5)


def _owens_value(h: Any, a: Any) -> Any:
    h, size = lax.abs(h), lax.abs(a)
    steep = above(size, 1)
    finite = where(lax.is_finite(size), size, 1.0)
    far = lax.mul(h, finite)
    inner_h = where(steep, far, h)
    inner_a = where(steep, lax.reciprocal(lax.max(finite, number(a, 1))), finite)
    inside = where(lax.is_finite(inner_h), inner_h, 1.0)
    t = where(lax.is_finite(inner_h), _owens_inner(inside, inner_a), 0.0)
    q_h, q_far = _half_erfc(h), _half_erfc(far)
    # T(h, a) = (Q(h) + Q(a h)) / 2 - Q(h) Q(a h) - T(a h, 1 / a)
    outer = lax.sub(lax.sub(times(lax.add(q_h, q_far), 0.5), lax.mul(q_h, q_far)), t)
    out = where(steep, outer, t)
    out = where(lax.eq(size, number(size, math.inf)), times(q_h, 0.5), out)
    out = where(below(a, 0), lax.neg(out), out)
    return where(lax.bitwise_or(lax.ne(h, h), lax.ne(a, a)), _NAN, out)


_owens = custom_jvp(widened(_owens_value))


@_owens.defjvp
def _owens_jvp(primals: Any, tangents: Any) -> Any:
    (h, a), (th, ta) = primals, tangents
    density = times(lax.exp(times(lax.square(h), -0.5)), 1 / math.sqrt(2 * math.pi))
    by_h = lax.neg(lax.mul(density, times(lax.erf(times(lax.mul(a, h), math.sqrt(0.5))), 0.5)))
    squares = plus(lax.square(a), 1.0)
    by_a = lax.exp(lax.mul(times(lax.square(h), -0.5), squares))
    by_a = times(lax.div(by_a, squares), 1 / (2 * math.pi))
    return _owens(h, a), lax.add(lax.mul(th, by_h), lax.mul(ta, by_a))


def owens_t(h: Any, a: Any) -> Array:
    """Owen's T: the probability that X > h and 0 < Y < a X, for independent standard normal X and Y, elementwise.

    Grad: elementwise in both. Source: SciPy `special.owens_t`; Owen 1956.
    """
    return _owens(*real("owens_t", h, a))


__all__ = ["dawsn", "exp1", "expi", "expn", "fresnel", "owens_t", "sici", "spence", "wofz"]
