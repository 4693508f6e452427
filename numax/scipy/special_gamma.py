"""The gamma and beta functions and their kin; products of x log y; transformations of probabilities."""

import math
import operator
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.custom_derivatives import custom_jvp
from numax.numpy.promotion import number, promote_float, value
from numax.scipy.special_normal import above, below, plus, real, same_shape, times, where

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def as_float(op: str, *args: Any) -> list[Any]:
    return same_shape(promote_float(op, *args))


# ---- gamma ----


def gammaln(x: Any) -> Array:
    """log(|gamma(x)|), elementwise.

    Grad: digamma(x). Source: SciPy `special.gammaln`.
    """
    return lax.lgamma(*real("gammaln", x))


# Stirling's series: log gamma(z) = (z - 1/2) log z - z + log(2 pi) / 2 + sum of B_2k / (2k (2k - 1) z**(2k - 1))
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_SHIFT = 8


def _complex_loggamma(z: Any) -> Any:
    """Stirling's series, after the recurrence has moved z to the right; reflection left of 1/2."""
    flip = below(lax.real(z), 0.5)
    half = number(z, 1)
    w = lax.select_n(flip, z, lax.sub(half, z))
    shift = core.full(w.aval.shape, 0, w.dtype)
    for k in range(_SHIFT):  # log w + log(w + 1) + ..., each with its own branch
        shift = lax.add(shift, lax.log(plus(w, k)))
    big = plus(w, _SHIFT)
    series = lax.div(lax.polynomial(lax.reciprocal(lax.square(big)), _STIRLING), big)
    main = lax.sub(lax.mul(plus(big, -0.5), lax.log(big)), big)
    right = lax.sub(plus(lax.add(main, series), _HALF_LOG_2PI), shift)
    # log(pi / sin(pi z)) on the branch that continues from the right half plane (Hare 1997).
    up = lax.ge(lax.imag(z), number(lax.imag(z), 0))
    turn = number(z, 1j)
    phase = lax.select_n(up, lax.neg(lax.mul(turn, z)), lax.mul(turn, z))  # i s z, s = -+1
    decay = lax.exp(times(lax.neg(phase), -2 * math.pi))
    left = times(phase, -math.pi)
    unit = core.full(z.aval.shape, 1j, z.dtype)
    sign = lax.select_n(up, lax.neg(unit), unit)
    log_sine = lax.add(left, lax.log1p(lax.neg(decay)))
    log_sine = lax.add(log_sine, plus(times(sign, math.pi / 2), -math.log(2)))
    reflected = lax.sub(number(z, math.log(math.pi)), lax.add(log_sine, right))
    return lax.select_n(flip, right, reflected)


def loggamma(x: Any) -> Array:
    """The principal branch of log(gamma(x)), elementwise; nan for negative real x.

    Grad: elementwise. Source: SciPy `special.loggamma`; Hare, "Computing the principal branch of log-Gamma", 1997.
    """
    (x,) = as_float("loggamma", x)
    if dtypes.is_complex(x.dtype):
        return _complex_loggamma(x)
    return where(below(x, 0), math.nan, lax.lgamma(x))


def _sign(x: Any) -> Any:
    whole = lax.floor(x)
    half = times(whole, 0.5)
    odd = lax.ne(half, lax.floor(half))
    out = where(lax.bitwise_and(below(x, 0), odd), -1.0, core.full(x.aval.shape, 1, x.dtype))
    zero = lax.eq(x, number(x, 0))
    negative_zero = lax.bitwise_and(zero, below(lax.div(number(x, 1), x), 0))
    out = where(negative_zero, -1.0, out)
    pole = lax.bitwise_and(below(x, 0), lax.eq(x, whole))
    return where(lax.bitwise_or(pole, lax.ne(x, x)), math.nan, out)


def gammasgn(x: Any) -> Array:
    """The sign of gamma(x), elementwise; nan at negative integers.

    Grad: zero. Source: SciPy `special.gammasgn`.
    """
    return lax.stop_gradient(_sign(*real("gammasgn", x)))


def gamma(x: Any) -> Array:
    """The gamma function, elementwise; inf with its sign at zeros, nan at negative integers.

    Grad: gamma(x) digamma(x). Source: SciPy `special.gamma`.
    """
    (x,) = real("gamma", x)
    return lax.mul(lax.stop_gradient(_sign(x)), lax.exp(lax.lgamma(x)))


def factorial(n: Any, exact: bool = False) -> Array:
    """n! = gamma(n + 1), elementwise; 0 for negative n.

    Raises: NotImplementedError for exact=True, as integers here are bounded. Source: SciPy `special.factorial`.
    """
    if exact:
        raise NotImplementedError(
            "factorial: exact=True is not supported. Use math.factorial for exact integers."
        )
    x = value("factorial", n)
    whole = dtypes.is_integer(x.dtype)
    (x,) = real("factorial", x)
    out = _rounded(whole, lax.exp(lax.lgamma(plus(where(below(x, 0), 0.0, x), 1))))
    return where(below(x, 0), 0.0, out)


def _rounded(whole: bool, x: Any) -> Any:
    """Results that are integers, rounded to one."""
    return lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN) if whole else x


def poch(z: Any, m: Any) -> Array:
    """gamma(z + m) / gamma(z), elementwise: the rising factorial.

    Grad: elementwise. Source: SciPy `special.poch`.
    """
    z, m = real("poch", z, m)
    sign = lax.mul(_sign(lax.add(z, m)), _sign(z))
    out = lax.exp(lax.sub(lax.lgamma(lax.add(z, m)), lax.lgamma(z)))
    return where(lax.eq(m, number(m, 0)), 1.0, lax.mul(lax.stop_gradient(sign), out))


def digamma(x: Any) -> Array:
    """The derivative of log(gamma(x)), elementwise.

    Grad: polygamma(1, x). Source: SciPy `special.digamma`.
    """
    return lax.digamma(*real("digamma", x))


def polygamma(n: Any, x: Any) -> Array:
    """The derivative of digamma of order n, elementwise.

    Raises: TypeError unless n is an integer. Grad: polygamma(n + 1, x) in x. Source: SciPy `special.polygamma`.
    """
    order = value("polygamma", n)
    if not dtypes.is_integer(order.dtype):
        raise TypeError(f"polygamma: n must be an integer; got {order.aval.str_short()}.")
    return lax.polygamma(*real("polygamma", n, x))


def zeta(x: Any, q: Any = None) -> Array:
    """The sum of (k + q)**-x over k = 0, 1, ..., elementwise: Hurwitz' function; Riemann's, for x > 1, without q.

    Grad: in q. Source: SciPy `special.zeta`.
    """
    return lax.zeta(*real("zeta", x, 1.0 if q is None else q))


def multigammaln(a: Any, d: Any) -> Array:
    """The logarithm of the multivariate gamma function of dimension d, elementwise.

    Raises: ValueError if d is no integer. Grad: elementwise. Source: SciPy `special.multigammaln`.
    """
    known = core.to_ndarray(d) if hasattr(d, "aval") else d
    size = int(known)
    if size != known or size < 1:
        raise ValueError(f"multigammaln: d must be a positive integer; got {known}.")
    (a,) = real("multigammaln", a)
    total = core.full(a.aval.shape, size * (size - 1) / 4 * math.log(math.pi), a.dtype)
    for j in range(size):
        total = lax.add(total, lax.lgamma(plus(a, -j / 2)))
    return total


def gammainc(a: Any, x: Any) -> Array:
    """The regularised lower incomplete gamma function, elementwise.

    Grad: elementwise in both. Source: SciPy `special.gammainc`.
    """
    return lax.igamma(*real("gammainc", a, x))


def gammaincc(a: Any, x: Any) -> Array:
    """1 - gammainc(a, x), elementwise, accurate where it is small.

    Grad: elementwise in both. Source: SciPy `special.gammaincc`.
    """
    return lax.igammac(*real("gammaincc", a, x))


# ---- beta ----


def _stirling_rest(x: Any) -> Any:
    """log gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2), for x >= 8."""
    return lax.div(lax.polynomial(lax.reciprocal(lax.square(x)), _STIRLING), x)


def _betaln(a: Any, b: Any) -> Any:
    """The large terms of Stirling's series cancel by hand where an argument is at least 8 (Didonato & Morris 1992)."""
    p, q = lax.min(a, b), lax.max(a, b)
    plain = lax.sub(lax.add(lax.lgamma(a), lax.lgamma(b)), lax.lgamma(lax.add(a, b)))
    one_large = lax.bitwise_and(lax.ge(q, number(q, 8)), above(p, 0))
    both_large = lax.ge(p, number(p, 8))
    q_safe = where(one_large, q, 8.0)
    p_safe = where(one_large, p, 1.0)
    both = lax.add(p_safe, q_safe)
    rest = lax.sub(_stirling_rest(q_safe), _stirling_rest(both))
    ratio = lax.mul(plus(q_safe, -0.5), lax.log1p(lax.div(p_safe, q_safe)))
    tail = lax.mul(p_safe, plus(lax.log(both), -1))
    mixed = lax.add(lax.sub(lax.sub(lax.lgamma(p_safe), tail), ratio), rest)
    p_far = where(both_large, p_safe, 8.0)
    sum_far = lax.add(p_far, q_safe)
    far = lax.mul(plus(p_far, -0.5), lax.log(lax.div(p_far, sum_far)))
    far = lax.sub(far, lax.mul(q_safe, lax.log1p(lax.div(p_far, q_safe))))
    far = lax.sub(plus(far, _HALF_LOG_2PI), times(lax.log(q_safe), 0.5))
    far = lax.add(
        lax.add(far, _stirling_rest(p_far)),
        lax.sub(_stirling_rest(q_safe), _stirling_rest(sum_far)),
    )
    return where(one_large, where(both_large, far, mixed), plain)


def betaln(a: Any, b: Any) -> Array:
    """log(|beta(a, b)|), elementwise, accurate for large arguments.

    Grad: elementwise. Source: SciPy `special.betaln`.
    """
    return _betaln(*real("betaln", a, b))


def beta(a: Any, b: Any) -> Array:
    """gamma(a) gamma(b) / gamma(a + b), elementwise.

    Grad: elementwise. Source: SciPy `special.beta`.
    """
    a, b = real("beta", a, b)
    sign = lax.mul(lax.mul(_sign(a), _sign(b)), _sign(lax.add(a, b)))
    return lax.mul(lax.stop_gradient(sign), lax.exp(_betaln(a, b)))


def betainc(a: Any, b: Any, x: Any) -> Array:
    """The regularised incomplete beta function, elementwise.

    Grad: in x. Source: SciPy `special.betainc`.
    """
    return lax.betainc(*real("betainc", a, b, x))


def comb(N: Any, k: Any, *, repetition: bool = False) -> Array:
    """How many ways there are to choose k of N things, elementwise, as floats; 0 for k outside 0 ... N.

    Args: repetition: things may be chosen again. Grad: elementwise. Source: SciPy `special.comb`.
    """
    N, k = value("comb", N), value("comb", k, 1)
    whole = dtypes.is_integer(N.dtype) and dtypes.is_integer(k.dtype)
    n, k = real("comb", N, k)
    if repetition:
        n = plus(lax.add(n, k), -1)
    inside = lax.bitwise_and(lax.ge(n, k), lax.ge(k, number(k, 0)))
    inside = lax.bitwise_and(inside, lax.ge(n, number(n, 0)))
    n, k = where(inside, n, 0.0), where(inside, k, 0.0)
    rest = plus(lax.sub(n, k), 1)
    out = lax.exp(lax.neg(lax.add(_betaln(rest, plus(k, 1)), lax.log1p(n))))
    return where(inside, _rounded(whole, out), 0.0)


# ---- Bessel functions ----


def i0e(x: Any) -> Array:
    """exp(-|x|) i0(x), elementwise.

    Grad: elementwise. Source: SciPy `special.i0e`.
    """
    return lax.bessel_i0e(*real("i0e", x))


def i0(x: Any) -> Array:
    """The modified Bessel function of order 0, elementwise.

    Grad: elementwise. Source: SciPy `special.i0`.
    """
    (x,) = real("i0", x)
    return lax.mul(lax.exp(lax.abs(x)), lax.bessel_i0e(x))


def i1e(x: Any) -> Array:
    """exp(-|x|) i1(x), elementwise.

    Grad: elementwise. Source: SciPy `special.i1e`.
    """
    return lax.bessel_i1e(*real("i1e", x))


def i1(x: Any) -> Array:
    """The modified Bessel function of order 1, elementwise.

    Grad: elementwise. Source: SciPy `special.i1`.
    """
    (x,) = real("i1", x)
    return lax.mul(lax.exp(lax.abs(x)), lax.bessel_i1e(x))


# ---- x log y ----


@custom_jvp
def _xlogy(x: Any, y: Any) -> Any:
    zero = lax.bitwise_and(lax.eq(x, number(x, 0)), lax.eq(y, y))
    return where(zero, 0.0, lax.mul(x, lax.log(where(zero, 1.0, y))))


@_xlogy.defjvp
def _xlogy_jvp(primals: Any, tangents: Any) -> Any:
    (x, y), (tx, ty) = primals, tangents
    return _xlogy(x, y), lax.add(lax.mul(tx, lax.log(y)), lax.mul(ty, lax.div(x, y)))


def xlogy(x: Any, y: Any) -> Array:
    """x log(y), elementwise, and 0 where x is 0.

    Grad: log(y), x / y. Source: SciPy `special.xlogy`.
    """
    return _xlogy(*as_float("xlogy", x, y))


@custom_jvp
def _xlog1py(x: Any, y: Any) -> Any:
    zero = lax.bitwise_and(lax.eq(x, number(x, 0)), lax.eq(y, y))
    return where(zero, 0.0, lax.mul(x, lax.log1p(where(zero, 1.0, y))))


@_xlog1py.defjvp
def _xlog1py_jvp(primals: Any, tangents: Any) -> Any:
    (x, y), (tx, ty) = primals, tangents
    slope = lax.div(x, plus(y, 1))
    return _xlog1py(x, y), lax.add(lax.mul(tx, lax.log1p(y)), lax.mul(ty, slope))


def xlog1py(x: Any, y: Any) -> Array:
    """x log(1 + y), elementwise, and 0 where x is 0.

    Grad: log1p(y), x / (1 + y). Source: SciPy `special.xlog1py`.
    """
    return _xlog1py(*as_float("xlog1py", x, y))


@custom_jvp
def _entr(x: Any) -> Any:
    return where(below(x, 0), -math.inf, lax.neg(_xlogy(x, x)))


@_entr.defjvp
def _entr_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return _entr(x), lax.mul(t, plus(lax.neg(lax.log(x)), -1))


def entr(x: Any) -> Array:
    """-x log(x), elementwise; 0 at 0, -inf for negative x.

    Grad: -log(x) - 1. Source: SciPy `special.entr`.
    """
    return _entr(*real("entr", x))


def rel_entr(p: Any, q: Any) -> Array:
    """p log(p / q), elementwise; 0 where p is 0, inf for negative arguments.

    Grad: elementwise. Source: SciPy `special.rel_entr`.
    """
    p, q = real("rel_entr", p, q)
    both = lax.bitwise_and(above(p, 0), above(q, 0))
    zero = lax.bitwise_and(lax.eq(p, number(p, 0)), lax.ge(q, number(q, 0)))
    safe_p, safe_q = where(both, p, 1.0), where(both, q, 1.0)
    out = lax.sub(lax.mul(safe_p, lax.log(safe_p)), lax.mul(safe_p, lax.log(safe_q)))
    out = where(both, out, where(zero, 0.0, core.full(p.aval.shape, math.inf, p.dtype)))
    return where(lax.bitwise_or(lax.ne(p, p), lax.ne(q, q)), math.nan, out)


def kl_div(p: Any, q: Any) -> Array:
    """p log(p / q) - p + q, elementwise; q where p is 0, inf for negative arguments.

    Grad: elementwise. Source: SciPy `special.kl_div`.
    """
    p, q = real("kl_div", p, q)
    return lax.add(lax.sub(rel_entr(p, q), p), q)


# ---- probabilities ----


def expit(x: Any) -> Array:
    """1 / (1 + exp(-x)), elementwise.

    Grad: elementwise. Source: SciPy `special.expit`.
    """
    return lax.logistic(*as_float("expit", x))


def logit(x: Any) -> Array:
    """log(x / (1 - x)), elementwise: the inverse of expit.

    Grad: 1 / (x (1 - x)). Source: SciPy `special.logit`.
    """
    (x,) = as_float("logit", x)
    return lax.sub(lax.log(x), lax.log1p(lax.neg(x)))


def _power_transform(log: Any, lmbda: Any) -> Any:
    zero = lax.eq(lmbda, number(lmbda, 0))
    safe = where(zero, 1.0, lmbda)
    return where(zero, log, lax.div(lax.expm1(lax.mul(safe, log)), safe))


def boxcox(x: Any, lmbda: Any) -> Array:
    """(x**lmbda - 1) / lmbda, elementwise, and log(x) where lmbda is 0.

    Grad: elementwise. Source: SciPy `special.boxcox`.
    """
    x, lmbda = real("boxcox", x, lmbda)
    return _power_transform(lax.log(x), lmbda)


def boxcox1p(x: Any, lmbda: Any) -> Array:
    """boxcox(1 + x, lmbda), elementwise, accurate for small x.

    Grad: elementwise. Source: SciPy `special.boxcox1p`.
    """
    x, lmbda = real("boxcox1p", x, lmbda)
    return _power_transform(lax.log1p(x), lmbda)


def bernoulli(n: Any) -> Array:
    """The Bernoulli numbers B0 ... Bn.

    Raises: ValueError for negative n. Source: SciPy `special.bernoulli`; exact fractions, rounded once.
    """
    n = operator.index(n)
    if n < 0:
        raise ValueError(f"bernoulli: n must not be negative; got {n}.")
    return core.from_numpy(np.array(_bernoulli(n), dtypes.default_dtype(float)), False)


def _bernoulli(n: int) -> list[float]:
    """By the tangent numbers, which are integers (Brent & Harvey 2011)."""
    count = n // 2
    t = [0, 1, *[0] * count]
    for k in range(2, count + 1):
        t[k] = (k - 1) * t[k - 1]
    for k in range(2, count + 1):
        for j in range(k, count + 1):
            t[j] = (j - k) * t[j - 1] + (j - k + 2) * t[j]
    out = [1.0, -0.5] + [0.0] * max(n - 1, 0)
    for k in range(1, count + 1):
        power = 4**k
        top, bottom = (-1) ** (k - 1) * 2 * k * t[k], power * (power - 1)
        try:
            out[2 * k] = top / bottom
        except OverflowError:
            out[2 * k] = math.copysign(math.inf, top)
    return out[: n + 1]


__all__ = [
    "bernoulli",
    "beta",
    "betainc",
    "betaln",
    "boxcox",
    "boxcox1p",
    "comb",
    "digamma",
    "entr",
    "expit",
    "factorial",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "gammasgn",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "kl_div",
    "loggamma",
    "logit",
    "multigammaln",
    "poch",
    "polygamma",
    "rel_entr",
    "xlog1py",
    "xlogy",
    "zeta",
]
