"""The Bernoulli distribution: 1 with probability p."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpmf(k: Any, p: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of a value of the Bernoulli distribution: 1 with probability p.

    Grad: elementwise. Source: SciPy `stats.bernoulli`.
    """
    k, p, loc = real("logpmf", k, p, loc)
    z = k - loc
    out = special.xlogy(z, p) + special.xlog1py(1 - z, -p)
    return jnp.where((z == 0) | (z == 1), out, -jnp.inf)


def cdf(k: Any, p: Any) -> Array:
    """The distribution function of the Bernoulli distribution: 1 with probability p.

    Grad: elementwise. Source: SciPy `stats.bernoulli`.
    """
    k, p = real("cdf", k, p)
    known = (p >= 0) & (p <= 1)
    out = jnp.where(k < 0, 0, jnp.where(k < 1, 1 - p, 1)).astype(p.dtype)
    return jnp.where(known & (k == k), out, jnp.nan)


def pmf(k: Any, p: Any, loc: Any = 0) -> Array:
    """The probability of a value of the Bernoulli distribution: 1 with probability p.

    Grad: elementwise. Source: SciPy `stats.bernoulli`.
    """
    k, p, loc = real("pmf", k, p, loc)
    return jnp.exp(logpmf(k, p, loc))


def ppf(q: Any, p: Any) -> Array:
    """The inverse of the distribution function of the Bernoulli distribution: 1 with probability p.

    Grad: elementwise. Source: SciPy `stats.bernoulli`.
    """
    q, p = real("ppf", q, p)
    known = (q >= 0) & (q <= 1) & (p >= 0) & (p <= 1)
    return jnp.where(known, jnp.where(q <= 1 - p, 0, 1), jnp.nan).astype(p.dtype)


__all__ = ["cdf", "logpmf", "pmf", "ppf"]
