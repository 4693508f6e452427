"""The exponential distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy.exponential import log1mexp
from numax.scipy.special_normal import real


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the exponential distribution.

    Grad: elementwise. Source: SciPy `stats.expon`.
    """
    x, loc, scale = real("logpdf", x, loc, scale)
    z = (x - loc) / scale
    return jnp.where(z < 0, -jnp.inf, -z - jnp.log(scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the exponential distribution.

    Grad: elementwise. Source: SciPy `stats.expon`.
    """
    x, loc, scale = real("cdf", x, loc, scale)
    return -jnp.expm1(-jnp.maximum((x - loc) / scale, 0))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the exponential distribution.

    Grad: elementwise. Source: SciPy `stats.expon`.
    """
    x, loc, scale = real("logcdf", x, loc, scale)
    z = (x - loc) / scale
    return jnp.where(z > 0, log1mexp(jnp.where(z > 0, z, 1)), -jnp.inf)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the exponential distribution.

    Grad: elementwise. Source: SciPy `stats.expon`.
    """
    x, loc, scale = real("logsf", x, loc, scale)
    return -jnp.maximum((x - loc) / scale, 0)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the exponential distribution.

    Grad: elementwise. Source: SciPy `stats.expon`.
    """
    x, loc, scale = real("pdf", x, loc, scale)
    return jnp.exp(logpdf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the distribution function of the exponential distribution.

    Grad: elementwise. Source: SciPy `stats.expon`.
    """
    q, loc, scale = real("ppf", q, loc, scale)
    return jnp.where((q >= 0) & (q <= 1), loc - scale * jnp.log1p(-q), jnp.nan)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the exponential distribution.

    Grad: elementwise. Source: SciPy `stats.expon`.
    """
    x, loc, scale = real("sf", x, loc, scale)
    return jnp.exp(-jnp.maximum((x - loc) / scale, 0))


__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
