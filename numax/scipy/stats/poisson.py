"""The Poisson distribution."""

import math
from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def entropy(mu: Any, loc: Any = 0) -> Array:
    """The entropy of the Poisson distribution, in nats; it does not depend on loc.

    By the sum of -p log(p) up to a mean of 100, by its asymptotic series above. Source: SciPy `stats.poisson.entropy`.
    """
    mu, _ = real("entropy", mu, loc)
    small = jnp.where(mu < _LARGE, mu, 1)
    k = jnp.arange(_TERMS, dtype=mu.dtype)
    log_p = logpmf(k, small[..., None])
    direct = -jnp.sum(jnp.where(log_p > -jnp.inf, jnp.exp(log_p) * log_p, 0), axis=-1)
    large = jnp.where(mu < _LARGE, _LARGE, mu)
    r = 1 / large
    series = 0.5 * jnp.log(2 * math.pi * math.e * large) - r / 12 - r**2 / 24 - 19 * r**3 / 360
    out = jnp.where(mu < _LARGE, direct, series)
    return jnp.where(mu > 0, out, jnp.where(mu == 0, 0, jnp.nan))


_LARGE = 100.0
_TERMS = 240  # of the sum: 14 deviations past the largest mean


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of a value of the Poisson distribution.

    Grad: elementwise. Source: SciPy `stats.poisson`.
    """
    k, mu, loc = real("logpmf", k, mu, loc)
    z = k - loc
    out = special.xlogy(z, mu) - special.gammaln(z + 1) - mu
    return jnp.where((z >= 0) & (z == jnp.floor(z)), out, -jnp.inf)


def cdf(k: Any, mu: Any, loc: Any = 0) -> Array:
    """The distribution function of the Poisson distribution.

    Grad: elementwise. Source: SciPy `stats.poisson`.
    """
    k, mu, loc = real("cdf", k, mu, loc)
    z = jnp.floor(k - loc)
    out = special.gammaincc(jnp.maximum(z, 0) + 1, mu)
    return jnp.where(z >= 0, out, 0)


def pmf(k: Any, mu: Any, loc: Any = 0) -> Array:
    """The probability of a value of the Poisson distribution.

    Grad: elementwise. Source: SciPy `stats.poisson`.
    """
    k, mu, loc = real("pmf", k, mu, loc)
    return jnp.exp(logpmf(k, mu, loc))


__all__ = ["cdf", "entropy", "logpmf", "pmf"]
