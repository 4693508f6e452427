"""Hypergeometric functions by their series, Bessel functions and spherical harmonics by recurrence."""

import math
import operator
from typing import Any

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import broadcast, number, value
from numax.scipy.special_gamma import _sign
from numax.scipy.special_normal import above, below, plus, real, times, where

_TERMS = 400  # of the series of 1F1, enough for |x| up to its asymptotic range
_ASYMPTOTIC, _FAR = 24, 60.0
_TERMS_2F1 = 600


def _series(ratio: Any, one: Any, count: int) -> Any:
    """1 + r_0 + r_0 r_1 + ..., with r_k = ratio(k)."""

    def step(k: Any, state: Any) -> Any:
        term, total = state
        term = lax.mul(term, ratio(core.convert(k, one.dtype)))
        return term, lax.add(total, term)

    return lax.fori_loop(0, count, step, (one, one))[1]


def _of_shape(x: Any, like: Any) -> Any:
    return x if x.aval.shape == like.aval.shape else lax.broadcast_in_dim(x, like.aval.shape, ())


def _stable(*args: Any) -> list[Any]:
    """Half precision as float32."""
    return [core.convert(v, dtypes.float32) if v.dtype.itemsize < 4 else v for v in args]


# ---- confluent hypergeometric function ----


def _kummer(a: Any, b: Any, x: Any) -> Any:
    """For x >= 0: the series, and far out the leading asymptotic expansion."""
    one = core.full(x.aval.shape, 1, x.dtype)
    far = above(x, _FAR)
    near_x = where(far, 1.0, x)

    def ratio(k: Any) -> Any:
        top = lax.mul(lax.add(a, _of_shape(k, a)), near_x)
        k1 = lax.add(k, number(k, 1))
        return lax.div(top, lax.mul(lax.add(b, _of_shape(k, b)), _of_shape(k1, b)))

    near = _series(ratio, one, _TERMS)
    far_x = where(far, x, _FAR)
    total, term = one, one
    for k in range(_ASYMPTOTIC):
        factor = lax.mul(plus(lax.sub(b, a), k), plus(lax.neg(a), k + 1))
        step = lax.div(factor, times(far_x, k + 1))
        smaller = below(lax.abs(step), 1)
        term = where(smaller, lax.mul(term, step), 0.0)
        total = lax.add(total, term)
    scale = lax.add(lax.sub(lax.lgamma(b), lax.lgamma(a)), lax.mul(lax.sub(a, b), lax.log(far_x)))
    sign = lax.stop_gradient(lax.mul(_sign(b), _sign(a)))
    whole = lax.bitwise_and(lax.le(a, number(a, 0)), lax.eq(a, lax.floor(a)))
    outer = lax.mul(lax.mul(sign, lax.exp(lax.add(scale, far_x))), total)
    # A polynomial, for a = 0, -1, ...: its series ends, wherever x is.
    finite = where(lax.bitwise_and(far, whole), x, 1.0)

    def exact(k: Any) -> Any:
        top = lax.mul(lax.add(a, _of_shape(k, a)), finite)
        k1 = lax.add(k, number(k, 1))
        return lax.div(top, lax.mul(lax.add(b, _of_shape(k, b)), _of_shape(k1, b)))

    ended = _series(exact, one, 64)
    return where(far, where(whole, ended, outer), near)


def hyp1f1(a: Any, b: Any, x: Any) -> Array:
    """Kummer's confluent hypergeometric function of real arguments, elementwise.

    Grad: elementwise, through the series. Source: SciPy `special.hyp1f1`; Pearson, Olver & Porter 2017.
    """
    a, b, x = real("hyp1f1", a, b, x)
    dtype = x.dtype
    a, b, x = _stable(a, b, x)
    negative = below(x, 0)
    size = lax.abs(x)
    found = _kummer(
        where(negative, lax.sub(b, a), a), b, size
    )  # M(a, b, x) = exp(x) M(b - a, b, -x)
    # exp(x) M(b - a, b, -x) far out, where the factors overflow apart:
    out = where(negative, lax.mul(lax.exp(where(negative, x, 0.0)), found), found)
    rest = lax.sub(b, a)
    ends = lax.bitwise_and(lax.le(rest, number(rest, 0)), lax.eq(rest, lax.floor(rest)))
    far = lax.bitwise_and(lax.bitwise_and(negative, above(size, _FAR)), lax.bitwise_not(ends))
    out = where(far, _kummer_far_left(a, b, where(far, size, _FAR)), out)
    pole = lax.bitwise_and(lax.le(b, number(b, 0)), lax.eq(b, lax.floor(b)))
    return core.convert(where(pole, math.inf, out), dtype)


def _kummer_far_left(a: Any, b: Any, size: Any) -> Any:
    """gamma(b) / gamma(b - a) size**-a times the asymptotic series, for x = -size."""
    total = term = core.full(size.aval.shape, 1, size.dtype)
    for k in range(_ASYMPTOTIC):
        factor = lax.mul(plus(a, k), plus(lax.sub(a, b), k + 1))
        step = lax.div(factor, times(size, k + 1))
        smaller = below(lax.abs(step), 1)
        term = where(smaller, lax.mul(term, step), 0.0)
        total = lax.add(total, term)
    rest = lax.sub(b, a)
    scale = lax.sub(lax.sub(lax.lgamma(b), lax.lgamma(rest)), lax.mul(a, lax.log(size)))
    sign = lax.stop_gradient(lax.mul(_sign(b), _sign(rest)))
    return lax.mul(lax.mul(sign, lax.exp(scale)), total)


# ---- Gauss' hypergeometric function ----


def _gauss_series(a: Any, b: Any, c: Any, x: Any) -> Any:
    one = core.full(x.aval.shape, 1, x.dtype)

    def ratio(k: Any) -> Any:
        here = _of_shape(k, x)
        top = lax.mul(lax.mul(lax.add(a, here), lax.add(b, here)), x)
        return lax.div(top, lax.mul(lax.add(c, here), plus(here, 1)))

    return _series(ratio, one, _TERMS_2F1)


def _gamma_ratio(tops: list[Any], bottoms: list[Any]) -> Any:
    """The product of gamma functions over another; 0 where one below has a pole."""
    total, sign, zero = None, None, None
    for v, up in [(v, True) for v in tops] + [(v, False) for v in bottoms]:
        log = lax.lgamma(v)
        total = (
            (log if up else lax.neg(log))
            if total is None
            else (lax.add if up else lax.sub)(total, log)
        )
        s = _sign(v)
        if not up:
            pole = lax.bitwise_and(lax.le(v, number(v, 0)), lax.eq(v, lax.floor(v)))
            zero = pole if zero is None else lax.bitwise_or(zero, pole)
            s = where(pole, 1.0, s)
        sign = s if sign is None else lax.mul(sign, s)
    out = lax.mul(lax.stop_gradient(sign), lax.exp(total))
    return out if zero is None else where(zero, 0.0, out)


def _near_one(a: Any, b: Any, c: Any, y: Any) -> Any:
    """Abramowitz & Stegun 15.3.6: from y to 1 - y, where c - a - b is no integer."""
    z = lax.sub(number(y, 1), y)
    gap = lax.sub(lax.sub(c, a), b)
    left, right = lax.sub(c, a), lax.sub(c, b)
    first = _gamma_ratio([c, gap], [left, right])
    first = lax.mul(first, _gauss_series(a, b, lax.sub(number(z, 1), gap), z))
    second = lax.mul(lax.pow(z, gap), _gamma_ratio([c, lax.neg(gap)], [a, b]))
    return lax.add(first, lax.mul(second, _gauss_series(left, right, plus(gap, 1), z)))


def hyp2f1(a: Any, b: Any, c: Any, x: Any) -> Array:
    """Gauss' hypergeometric function of real arguments, elementwise; for x <= 1.

    Near 1, where c - a - b is an integer, half the digits are right (four in float32). nan for x > 1.
    Grad: elementwise, through the series. Source: SciPy `special.hyp2f1`; Abramowitz & Stegun 15.3.
    """
    a, b, c, x = real("hyp2f1", a, b, c, x)
    dtype = x.dtype
    a, b, c, x = _stable(a, b, c, x)
    # Pfaff: F(a, b; c; x) = (1 - x)**-a F(a, c - b; c; x / (x - 1)) for x < 0.
    negative = below(x, 0)
    rest = lax.sub(number(x, 1), where(above(x, 1), 0.0, x))
    y = where(negative, lax.div(lax.neg(where(negative, x, 0.0)), where(negative, rest, 1.0)), x)
    second = where(negative, lax.sub(c, b), b)
    gap = lax.sub(lax.sub(c, a), second)
    close = lax.bitwise_and(above(y, 0.9), below(y, 1))
    direct = _gauss_series(a, second, c, where(below(y, 0.9), y, 0.5))
    near = where(close, y, 0.95)
    # 15.3.6 divides by 0 where the gap is an integer: the mean of both sides of it, an error of the square of the shift.
    nearest = lax.round(gap, lax.RoundingMethod.TO_NEAREST_EVEN)
    shift = 1e-5 if x.dtype.itemsize > 4 else 1e-2
    off = lax.sub(gap, nearest)
    whole = below(lax.abs(off), shift)
    both = []
    for sign in (1, -1):
        other = where(whole, lax.add(second, plus(off, sign * shift)), second)
        both.append(_near_one(a, other, c, near))
    out = where(close, times(lax.add(*both), 0.5), direct)
    at_one = where(
        above(gap, 0),
        _gamma_ratio([c, where(above(gap, 0), gap, 1.0)], [lax.sub(c, a), lax.sub(c, second)]),
        math.inf,
    )
    out = where(lax.eq(y, number(y, 1)), at_one, out)
    out = where(negative, lax.mul(out, lax.pow(where(negative, rest, 1.0), lax.neg(a))), out)
    return core.convert(where(above(x, 1), math.nan, out), dtype)


# ---- Bessel functions ----


def bessel_jn(z: Any, *, v: int, n_iter: int = 50) -> Array:
    """The Bessel functions of the first kind of orders 0 ... v at real z, along a new first axis.

    Accurate for |z| up to about n_iter. Raises: ValueError unless 0 <= v <= n_iter. Grad: yes.
    Source: Miller's backward recurrence (Abramowitz & Stegun 9.12), normalised by J_0 + 2 J_2 + 2 J_4 + ... = 1.
    """
    v, n_iter = operator.index(v), operator.index(n_iter)
    (z,) = real("bessel_jn", z)
    if not 0 <= v <= n_iter:
        raise ValueError(f"bessel_jn: v must lie in 0 ... n_iter = {n_iter}; got {v}.")
    dtype = z.dtype
    (z,) = _stable(z)
    zero = lax.eq(z, number(z, 0))
    safe = where(zero, 1.0, z)
    twice = lax.div(number(z, 2), safe)
    high = core.full(z.aval.shape, 0, z.dtype)
    low = core.full(z.aval.shape, 1e-30, z.dtype)
    total = high
    found: list[Any] = [None] * (v + 1)
    for k in range(n_iter, -1, -1):  # low is J_k, high is J_{k+1}, up to one factor
        if k <= v:
            found[k] = low
        if k % 2 == 0:
            total = lax.add(total, low if k == 0 else times(low, 2.0))
        if k:
            low, high = lax.sub(lax.mul(times(twice, k), low), high), low
            size = lax.stop_gradient(lax.abs(low))
            shrink = where(above(size, 1e15), 1e-25, core.full(size.aval.shape, 1, size.dtype))
            low, high, total = [lax.mul(x, shrink) for x in (low, high, total)]
            found = [None if x is None else lax.mul(x, shrink) for x in found]
    rows = []
    for k, x in enumerate(found):
        row = where(zero, 1.0 if k == 0 else 0.0, lax.div(x, total))
        rows.append(lax.expand_dims(row, (0,)))
    return core.convert(lax.concatenate(rows, 0), dtype)


# ---- spherical harmonics ----


def sph_harm_y(
    n: Any, m: Any, theta: Any, phi: Any, diff_n: Any = None, n_max: int | None = None
) -> Array:
    """The spherical harmonics of degree n and order m at polar angle theta and azimuth phi, elementwise, complex.

    Args: n_max the largest n, needed while tracing. Raises: NotImplementedError for diff_n; TypeError unless n and m are
    integers. Grad: in the angles. Source: SciPy `special.sph_harm_y`; normalised recurrence in the degree.
    """
    if diff_n is not None:
        raise NotImplementedError(
            "sph_harm_y: diff_n is not available. Differentiate with numax.grad."
        )
    n, m = value("sph_harm_y", n), value("sph_harm_y", m, 1)
    if not (dtypes.is_integer(n.dtype) and dtypes.is_integer(m.dtype)):
        raise TypeError(
            f"sph_harm_y: n and m must be integers; got {n.aval.str_short()} and {m.aval.str_short()}."
        )
    if n_max is None:
        known = core.to_ndarray(n)
        n_max = int(known.max(initial=0))
    top = operator.index(n_max)
    theta, phi = real("sph_harm_y", theta, phi)
    n, m, theta, phi = broadcast(
        "sph_harm_y", [core.convert(n, dtypes.int32), core.convert(m, dtypes.int32), theta, phi]
    )
    shape = max((v.aval.shape for v in (n, m, theta, phi)), key=len)
    n, m, theta, phi = [
        v if v.aval.shape == shape else lax.broadcast_in_dim(v, shape, ())
        for v in (n, m, theta, phi)
    ]
    size = lax.abs(m)
    order = core.convert(size, theta.dtype)
    cosine, sine = lax.cos(theta), lax.sin(theta)
    zeros = core.full(shape, 0, theta.dtype)
    # P_mm = (-1)**m sqrt((2m + 1)!! / (2m)!! / (4 pi)) sin**m, for the order of each element
    start = core.full(shape, math.sqrt(1 / (4 * math.pi)), theta.dtype)
    for k in range(1, top + 1):
        more = lax.mul(start, times(sine, -math.sqrt((2 * k + 1) / (2 * k))))
        start = lax.select_n(lax.ge(size, number(size, k)), start, more)
    before, here, out = zeros, zeros, zeros
    for degree in range(top + 1):
        d = float(degree)
        gap = lax.sub(number(order, d * d), lax.square(order))
        proper = above(gap, 0)
        gap = where(proper, gap, 1.0)
        a = lax.sqrt(lax.div(number(gap, 4 * d * d - 1), gap)) if degree else zeros
        lower = lax.sub(number(order, (d - 1) ** 2), lax.square(order))
        lower = where(above(lower, 0), lower, 0.0)
        b = lax.div(lower, number(lower, max(4 * (d - 1) ** 2 - 1, 1.0)))
        positive = where(above(b, 0), b, 1.0)
        b = where(above(b, 0), lax.sqrt(positive), 0.0)
        step = lax.mul(a, lax.sub(lax.mul(cosine, here), lax.mul(b, before)))
        first = lax.eq(size, number(size, degree))
        new = lax.select_n(first, where(proper, step, 0.0), start)
        before, here = here, new
        out = lax.select_n(lax.eq(n, number(n, degree)), out, new)
    angle = lax.mul(order, phi)
    odd = lax.ne(lax.rem(size, number(size, 2)), number(size, 0))
    negative = lax.lt(m, number(m, 0))
    imaginary = lax.mul(out, lax.sin(angle))
    imaginary = lax.select_n(negative, imaginary, lax.neg(imaginary))
    flip = lax.bitwise_and(negative, odd)
    both = [lax.mul(out, lax.cos(angle)), imaginary]
    both = [lax.select_n(flip, v, lax.neg(v)) for v in both]
    return lax.complex(*_stable(*both))


__all__ = ["bessel_jn", "hyp1f1", "hyp2f1", "sph_harm_y"]
