"""The logistic distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the logistic distribution.

    Grad: elementwise. Source: SciPy `stats.logistic`.
    """
    x, loc, scale = real("logpdf", x, loc, scale)
    z = jnp.abs((x - loc) / scale)
    return -z - 2 * jnp.log1p(jnp.exp(-z)) - jnp.log(scale)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the logistic distribution.

    Grad: elementwise. Source: SciPy `stats.logistic`.
    """
    x, loc, scale = real("cdf", x, loc, scale)
    return special.expit((x - loc) / scale)


def isf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the survival function of the logistic distribution.

    Grad: elementwise. Source: SciPy `stats.logistic`.
    """
    x, loc, scale = real("isf", x, loc, scale)
    return loc - special.logit(x) * scale


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the logistic distribution.

    Grad: elementwise. Source: SciPy `stats.logistic`.
    """
    x, loc, scale = real("pdf", x, loc, scale)
    return jnp.exp(logpdf(x, loc, scale))


def ppf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the distribution function of the logistic distribution.

    Grad: elementwise. Source: SciPy `stats.logistic`.
    """
    x, loc, scale = real("ppf", x, loc, scale)
    return special.logit(x) * scale + loc


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the logistic distribution.

    Grad: elementwise. Source: SciPy `stats.logistic`.
    """
    x, loc, scale = real("sf", x, loc, scale)
    return special.expit((loc - x) / scale)


__all__ = ["cdf", "isf", "logpdf", "pdf", "ppf", "sf"]
