"""The normal distribution cut to [a, b], in units of scale from loc."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.exponential import log1mexp
from numax.scipy.special_normal import real
from numax.scipy.stats import norm


def _log_mass(a: Any, b: Any) -> Any:
    """log(ndtr(b) - ndtr(a)), from the tail in which both are small."""
    right = a > 0
    low, high = jnp.where(right, -b, a), jnp.where(right, -a, b)
    top = special.log_ndtr(high)
    gap = top - special.log_ndtr(low)
    return top + log1mexp(jnp.where(gap > 0, gap, jnp.inf))


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the normal distribution cut to [a, b], in units of scale from loc.

    Grad: elementwise. Source: SciPy `stats.truncnorm`.
    """
    x, a, b, loc, scale = real("logpdf", x, a, b, loc, scale)
    out = norm.logpdf(x, loc, scale) - _log_mass(a, b)
    z = (x - loc) / scale
    out = jnp.where((z < a) | (z > b), -jnp.inf, out)
    return jnp.where(a >= b, jnp.nan, out)


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the normal distribution cut to [a, b], in units of scale from loc.

    Grad: elementwise. Source: SciPy `stats.truncnorm`.
    """
    x, a, b, loc, scale = real("cdf", x, a, b, loc, scale)
    return jnp.exp(logcdf(x, a, b, loc, scale))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the normal distribution cut to [a, b], in units of scale from loc.

    Grad: elementwise. Source: SciPy `stats.truncnorm`.
    """
    x, a, b, loc, scale = real("logcdf", x, a, b, loc, scale)
    z = jnp.clip((x - loc) / scale, a, b)
    out = _log_mass(a, z) - _log_mass(a, b)
    out = jnp.where(z >= b, 0, jnp.where(z <= a, -jnp.inf, out))
    return jnp.where(a >= b, jnp.nan, out)


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the normal distribution cut to [a, b], in units of scale from loc.

    Grad: elementwise. Source: SciPy `stats.truncnorm`.
    """
    x, a, b, loc, scale = real("logsf", x, a, b, loc, scale)
    return logcdf(-x, -b, -a, -loc, scale)


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the normal distribution cut to [a, b], in units of scale from loc.

    Grad: elementwise. Source: SciPy `stats.truncnorm`.
    """
    x, a, b, loc, scale = real("pdf", x, a, b, loc, scale)
    return jnp.exp(logpdf(x, a, b, loc, scale))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the normal distribution cut to [a, b], in units of scale from loc.

    Grad: elementwise. Source: SciPy `stats.truncnorm`.
    """
    x, a, b, loc, scale = real("sf", x, a, b, loc, scale)
    return jnp.exp(logsf(x, a, b, loc, scale))


__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
