"""The right-skewed Gumbel distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy.exponential import log1mexp
from numax.scipy.special_normal import real


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the right-skewed Gumbel distribution.

    Grad: elementwise. Source: SciPy `stats.gumbel_r`.
    """
    x, loc, scale = real("logpdf", x, loc, scale)
    z = (x - loc) / scale
    return -z - jnp.exp(-z) - jnp.log(scale)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the right-skewed Gumbel distribution.

    Grad: elementwise. Source: SciPy `stats.gumbel_r`.
    """
    x, loc, scale = real("cdf", x, loc, scale)
    return jnp.exp(-jnp.exp((loc - x) / scale))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the right-skewed Gumbel distribution.

    Grad: elementwise. Source: SciPy `stats.gumbel_r`.
    """
    x, loc, scale = real("logcdf", x, loc, scale)
    return -jnp.exp((loc - x) / scale)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the right-skewed Gumbel distribution.

    Grad: elementwise. Source: SciPy `stats.gumbel_r`.
    """
    x, loc, scale = real("logsf", x, loc, scale)
    return log1mexp(jnp.exp((loc - x) / scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the right-skewed Gumbel distribution.

    Grad: elementwise. Source: SciPy `stats.gumbel_r`.
    """
    x, loc, scale = real("pdf", x, loc, scale)
    return jnp.exp(logpdf(x, loc, scale))


def ppf(p: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the distribution function of the right-skewed Gumbel distribution.

    Grad: elementwise. Source: SciPy `stats.gumbel_r`.
    """
    p, loc, scale = real("ppf", p, loc, scale)
    return loc - scale * jnp.log(-jnp.log(p))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the right-skewed Gumbel distribution.

    Grad: elementwise. Source: SciPy `stats.gumbel_r`.
    """
    x, loc, scale = real("sf", x, loc, scale)
    return -jnp.expm1(-jnp.exp((loc - x) / scale))


__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
