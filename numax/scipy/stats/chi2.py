"""The chi-squared distribution of df degrees of freedom."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy.special_normal import real
from numax.scipy.stats import gamma


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the chi-squared distribution of df degrees of freedom.

    Grad: elementwise. Source: SciPy `stats.chi2`.
    """
    x, df, loc, scale = real("logpdf", x, df, loc, scale)
    return gamma.logpdf(x, df / 2, loc, 2 * scale)


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the chi-squared distribution of df degrees of freedom.

    Grad: elementwise. Source: SciPy `stats.chi2`.
    """
    x, df, loc, scale = real("cdf", x, df, loc, scale)
    return gamma.cdf(x, df / 2, loc, 2 * scale)


def logcdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the chi-squared distribution of df degrees of freedom.

    Grad: elementwise. Source: SciPy `stats.chi2`.
    """
    x, df, loc, scale = real("logcdf", x, df, loc, scale)
    return gamma.logcdf(x, df / 2, loc, 2 * scale)


def logsf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the chi-squared distribution of df degrees of freedom.

    Grad: elementwise. Source: SciPy `stats.chi2`.
    """
    x, df, loc, scale = real("logsf", x, df, loc, scale)
    return gamma.logsf(x, df / 2, loc, 2 * scale)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the chi-squared distribution of df degrees of freedom.

    Grad: elementwise. Source: SciPy `stats.chi2`.
    """
    x, df, loc, scale = real("pdf", x, df, loc, scale)
    return jnp.exp(logpdf(x, df, loc, scale))


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the chi-squared distribution of df degrees of freedom.

    Grad: elementwise. Source: SciPy `stats.chi2`.
    """
    x, df, loc, scale = real("sf", x, df, loc, scale)
    return gamma.sf(x, df / 2, loc, 2 * scale)


__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
