"""The normal distribution."""

import math
from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the normal distribution.

    Grad: elementwise. Source: SciPy `stats.norm`.
    """
    x, loc, scale = real("logpdf", x, loc, scale)
    z = (x - loc) / scale
    return -0.5 * z * z - jnp.log(scale) - 0.5 * math.log(2 * math.pi)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the normal distribution.

    Grad: elementwise. Source: SciPy `stats.norm`.
    """
    x, loc, scale = real("cdf", x, loc, scale)
    return special.ndtr((x - loc) / scale)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the survival function of the normal distribution.

    Grad: elementwise. Source: SciPy `stats.norm`.
    """
    q, loc, scale = real("isf", q, loc, scale)
    return loc - special.ndtri(q) * scale


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the normal distribution.

    Grad: elementwise. Source: SciPy `stats.norm`.
    """
    x, loc, scale = real("logcdf", x, loc, scale)
    return special.log_ndtr((x - loc) / scale)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the normal distribution.

    Grad: elementwise. Source: SciPy `stats.norm`.
    """
    x, loc, scale = real("logsf", x, loc, scale)
    return special.log_ndtr((loc - x) / scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the normal distribution.

    Grad: elementwise. Source: SciPy `stats.norm`.
    """
    x, loc, scale = real("pdf", x, loc, scale)
    return jnp.exp(logpdf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the distribution function of the normal distribution.

    Grad: elementwise. Source: SciPy `stats.norm`.
    """
    q, loc, scale = real("ppf", q, loc, scale)
    return special.ndtri(q) * scale + loc


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the normal distribution.

    Grad: elementwise. Source: SciPy `stats.norm`.
    """
    x, loc, scale = real("sf", x, loc, scale)
    return special.ndtr((loc - x) / scale)


__all__ = ["cdf", "isf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
