"""Gamma numbers and what is made of them: beta, chi-square, Dirichlet, F, t, generalized normal, the ball."""

import operator
from typing import Any

import numpy as np

from numax import lax
from numax._engine.core import dtypes
from numax._engine.ops.variates import random_gamma
from numax.random.arguments import (
    common_shape,
    float_dtype,
    full,
    number,
    parameter,
    sampler,
    shape_value,
    single_key,
    split,
    spread,
)
from numax.random.normal import standard_normal
from numax.random.uniform import signs, standard_exponential


def check_method(name: str, method: str) -> None:
    """ValueError for a method of sampling that there is not."""
    if method not in ("exact", "approximate"):
        raise ValueError(f"{name}: method must be 'exact' or 'approximate'; got {method!r}.")


def gamma(
    key: Any,
    a: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    method: str = "exact",
    out_sharding: Any = None,
) -> Any:
    """Gamma numbers of unit scale: density x**(a - 1) exp(-x) / Gamma(a).

    Args: method ("exact": rejection; "approximate": no loop, a small bias). Shapes: a broadcasts to `shape`.
    Dtypes: float. Grad: in a, implicit. Source: Marsaglia and Tsang (2000).
    """
    check_method("gamma", method)
    key = single_key("gamma", key)
    dtype = float_dtype("gamma", dtype)
    a = parameter("gamma", a, dtype)
    return _gamma(key, common_shape("gamma", shape, a), dtype, a, False, method)


def loggamma(
    key: Any,
    a: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    method: str = "exact",
    out_sharding: Any = None,
) -> Any:
    """The logarithm of gamma numbers, accurate also where they are tiny (small a).

    Shapes: a broadcasts to `shape`. Dtypes: float. Grad: in a, implicit. Source: Marsaglia and Tsang (2000).
    """
    check_method("loggamma", method)
    key = single_key("loggamma", key)
    dtype = float_dtype("loggamma", dtype)
    a = parameter("loggamma", a, dtype)
    return _gamma(key, common_shape("loggamma", shape, a), dtype, a, True, method)


def _gamma(
    key: Any, shape: tuple[int, ...], dtype: Any, a: Any, log_space: bool, method: str
) -> Any:
    if method == "exact":
        return (_exact_log if log_space else _exact)(key, shape, dtype, a)
    log = _approximate(key, shape, dtype, a)
    return log if log_space else lax.exp(log)


@sampler
def _exact(key: Any, shape: tuple[int, ...], dtype: Any, a: Any) -> Any:
    return random_gamma(key, full(a, shape), log_space=False)


@sampler
def _exact_log(key: Any, shape: tuple[int, ...], dtype: Any, a: Any) -> Any:
    return random_gamma(key, full(a, shape), log_space=True)


# Cube root of a gamma number of mean b = a + 4, over that of b: a polynomial in z / sqrt(2 b), whose coefficients are
# polynomials in 1 / (2 b); the Wilson-Hilferty approximation, refined. Lowest degree first.
_CUBE_ROOT = (
    (1.0, -0.22373679280281067, -0.015139039605855942),
    (0.4713940918445587, 0.02607082948088646, -0.008986007422208786),
    (0.00013480280176736414, 0.011281860060989857, 0.022776789963245392),
    (-0.008553069084882736, -0.011537609621882439, -0.01323292963206768),
    (0.0031255800276994705, 0.005169653799384832, -0.006950356066226959),
    (-0.0008426812128163874, 0.00253000995144248, 0.0010604379931464791),
    (9.780498658074066e-05, -0.001450116978958249, 0.0015653260052204132),
)


def _polynomial(x: Any, coefficients: Any) -> Any:
    """The sum of coefficients[i] x**i."""
    out = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        out = lax.add(lax.mul(x, out), c)
    return out


@sampler
def _approximate(key: Any, shape: tuple[int, ...], dtype: Any, a: Any) -> Any:
    """The logarithm of gamma numbers: one of a + 4, taken down in four steps by powers of uniform numbers."""
    first, second = split(key, 2)
    a = full(a, shape)
    b = lax.add(a, number(4, dtype))
    double = lax.mul(number(2, dtype), b)
    z = standard_normal(first, shape, dtype)
    small = lax.div(number(1, dtype), double)
    x = lax.mul(z, lax.rsqrt(double))
    terms = [_polynomial(small, [number(c, dtype) for c in row]) for row in _CUBE_ROOT]
    cube = lax.max(_polynomial(x, terms), number(float(dtypes.finfo(dtype).tiny), dtype))
    log = lax.add(lax.log(b), lax.mul(number(3, dtype), lax.log(cube)))
    four = (4, *shape)
    e = standard_exponential(second, four, dtype)
    steps = lax.add(full(a, four), lax.broadcasted_iota(dtype, four, 0))
    return lax.add(log, lax.reduce_sum(lax.div(lax.neg(e), steps), (0,)))


# ---- ratios of gamma numbers ----


def beta(
    key: Any,
    a: Any,
    b: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    method: str = "exact",
    out_sharding: Any = None,
) -> Any:
    """Beta numbers: density proportional to x**(a - 1) (1 - x)**(b - 1), 0 <= x <= 1.

    Shapes: the parameters broadcast to `shape`. Dtypes: float. Grad: in a and b, implicit.
    """
    check_method("beta", method)
    key = single_key("beta", key)
    dtype = float_dtype("beta", dtype)
    a, b = parameter("beta", a, dtype), parameter("beta", b, dtype)
    shape = common_shape("beta", shape, a, b)
    first, second = split(key, 2)
    x = _gamma(first, shape, dtype, a, True, method)
    y = _gamma(second, shape, dtype, b, True, method)
    most = lax.max(x, y)
    x, y = lax.exp(lax.sub(x, most)), lax.exp(lax.sub(y, most))
    return lax.div(x, lax.add(x, y))


def dirichlet(
    key: Any, alpha: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """Dirichlet vectors: gamma numbers of parameters alpha over their sum.

    Shapes: alpha (B..., n) -> (*shape, n); B broadcasts to `shape`. Dtypes: float. Grad: in alpha, implicit.
    Raises: ValueError if alpha has no axis.
    """
    key = single_key("dirichlet", key)
    dtype = float_dtype("dirichlet", dtype)
    alpha = parameter("dirichlet", alpha, dtype)
    inner = alpha.aval.shape
    if not inner:
        raise ValueError(
            "dirichlet: alpha must have at least one axis; got a scalar. Use beta for two outcomes."
        )
    shape = common_shape("dirichlet", shape, np.empty(inner[:-1], np.bool_))
    logs = _gamma(key, (*shape, inner[-1]), dtype, alpha, True, "exact")
    last = len(shape)
    kept = range(last)
    most = lax.broadcast_in_dim(
        lax.stop_gradient(lax.reduce_max(logs, (last,))), logs.aval.shape, kept
    )
    weights = lax.exp(lax.sub(logs, most))
    total = lax.broadcast_in_dim(lax.reduce_sum(weights, (last,)), logs.aval.shape, kept)
    return lax.div(weights, total)


def chisquare(
    key: Any,
    df: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    method: str = "exact",
    out_sharding: Any = None,
) -> Any:
    """Chi-square numbers of df degrees of freedom: twice gamma numbers of df / 2.

    Shapes: df broadcasts to `shape`. Dtypes: float. Grad: in df, implicit.
    """
    check_method("chisquare", method)
    key = single_key("chisquare", key)
    dtype = float_dtype("chisquare", dtype)
    df = parameter("chisquare", df, dtype)
    return _chisquare(key, common_shape("chisquare", shape, df), dtype, df, method)


def _chisquare(key: Any, shape: tuple[int, ...], dtype: Any, df: Any, method: str) -> Any:
    two = number(2, dtype)
    return lax.mul(lax.exp(_gamma(key, shape, dtype, lax.div(df, two), True, method)), two)


def f(
    key: Any,
    dfnum: Any,
    dfden: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """F numbers: the ratio of two chi-square numbers, each over its degrees of freedom.

    Shapes: the parameters broadcast to `shape`. Dtypes: float. Grad: in the parameters, implicit.
    """
    key = single_key("f", key)
    dtype = float_dtype("f", dtype)
    top, bottom = parameter("f", dfnum, dtype), parameter("f", dfden, dtype)
    shape = common_shape("f", shape, top, bottom)
    first, second = split(key, 2)
    numerator = lax.div(_chisquare(second, shape, dtype, top, "exact"), spread(top, shape))
    denominator = lax.div(_chisquare(first, shape, dtype, bottom, "exact"), spread(bottom, shape))
    return lax.div(numerator, denominator)


def t(key: Any, df: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Student's t numbers of df degrees of freedom.

    Shapes: df broadcasts to `shape`. Dtypes: float. Grad: in df, implicit.
    """
    key = single_key("t", key)
    dtype = float_dtype("t", dtype)
    df = parameter("t", df, dtype)
    shape = common_shape("t", shape, df)
    first, second = split(key, 2)
    z = standard_normal(first, shape, dtype)
    half = lax.div(df, number(2, dtype))
    g = _exact(second, shape, dtype, half)
    return lax.mul(z, lax.sqrt(lax.div(spread(half, shape), g)))


# ---- powers ----


def generalized_normal(
    key: Any, p: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """Generalized normal numbers: density proportional to exp(-|x|**p).

    Args: p a scalar. Dtypes: float. Grad: in p, implicit.
    """
    key = single_key("generalized_normal", key)
    dtype = float_dtype("generalized_normal", dtype)
    return _generalized_normal(
        key, shape_value("generalized_normal", shape), dtype, _exponent(p, dtype)
    )


def _exponent(p: Any, dtype: Any) -> Any:
    value = parameter("generalized_normal", p, dtype)
    if value.aval.shape:
        raise ValueError(
            f"generalized_normal: the exponent must be a scalar; got shape {value.aval.shape}. "
            "Use numax.vmap for batching."
        )
    return value


def _generalized_normal(key: Any, shape: tuple[int, ...], dtype: Any, p: Any) -> Any:
    first, second = split(key, 2)
    power = lax.div(number(1, dtype), p)
    g = _exact(first, shape, dtype, power)
    return lax.mul(signs(second, shape, dtype), lax.pow(g, power))


def ball(
    key: Any, d: int, p: Any = 2, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """Points uniform in the unit ball of d dimensions, in the Lp norm.

    Shapes: -> (*shape, d). Dtypes: float. Raises: ValueError if d is negative. Grad: in p, implicit.
    Source: Barthe, Guedon, Mendelson, Naor, "A probabilistic approach to the geometry of the l_p^n-ball" (2005).
    """
    key = single_key("ball", key)
    dtype = float_dtype("ball", dtype)
    size = operator.index(d)
    if size < 0:
        raise ValueError(f"ball: the number of dimensions is not negative; got d={d}.")
    shape = shape_value("ball", shape)
    exponent = _exponent(p, dtype)
    first, second = split(key, 2)
    g = _generalized_normal(first, (*shape, size), dtype, exponent)
    e = standard_exponential(second, shape, dtype)
    last = len(shape)
    total = lax.add(lax.reduce_sum(lax.pow(lax.abs(g), exponent), (last,)), e)
    radius = lax.pow(total, lax.div(number(1, dtype), exponent))
    return lax.div(g, lax.broadcast_in_dim(radius, g.aval.shape, range(last)))
