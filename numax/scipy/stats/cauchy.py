"""The Cauchy distribution."""

import math
from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy.special_normal import real


def _cotangent(q: Any) -> Any:
    """1 / tan(pi q) for q in [0, 1], infinite at both ends."""
    size = 1 / jnp.tan(math.pi * jnp.minimum(q, 1 - q))
    return jnp.where(q > 0.5, -size, size)


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the Cauchy distribution.

    Grad: elementwise. Source: SciPy `stats.cauchy`.
    """
    x, loc, scale = real("logpdf", x, loc, scale)
    z = (x - loc) / scale
    return -jnp.log(math.pi * scale) - jnp.log1p(z * z)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the Cauchy distribution.

    Grad: elementwise. Source: SciPy `stats.cauchy`.
    """
    x, loc, scale = real("cdf", x, loc, scale)
    return jnp.arctan2(scale, loc - x) / math.pi


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the survival function of the Cauchy distribution.

    Grad: elementwise. Source: SciPy `stats.cauchy`.
    """
    q, loc, scale = real("isf", q, loc, scale)
    return loc + scale * _cotangent(q)


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the Cauchy distribution.

    Grad: elementwise. Source: SciPy `stats.cauchy`.
    """
    x, loc, scale = real("logcdf", x, loc, scale)
    return jnp.log(cdf(x, loc, scale))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the Cauchy distribution.

    Grad: elementwise. Source: SciPy `stats.cauchy`.
    """
    x, loc, scale = real("logsf", x, loc, scale)
    return jnp.log(sf(x, loc, scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the Cauchy distribution.

    Grad: elementwise. Source: SciPy `stats.cauchy`.
    """
    x, loc, scale = real("pdf", x, loc, scale)
    return jnp.exp(logpdf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the distribution function of the Cauchy distribution.

    Grad: elementwise. Source: SciPy `stats.cauchy`.
    """
    q, loc, scale = real("ppf", q, loc, scale)
    return loc + scale * _cotangent(1 - q)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the Cauchy distribution.

    Grad: elementwise. Source: SciPy `stats.cauchy`.
    """
    x, loc, scale = real("sf", x, loc, scale)
    return jnp.arctan2(scale, x - loc) / math.pi


__all__ = ["cdf", "isf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
