"""The Pareto distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy.exponential import log1mexp
from numax.scipy.special_normal import real


def logpdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the Pareto distribution.

    Grad: elementwise. Source: SciPy `stats.pareto`.
    """
    x, b, loc, scale = real("logpdf", x, b, loc, scale)
    z = (x - loc) / scale
    out = jnp.log(b) - (b + 1) * jnp.log(jnp.maximum(z, 1)) - jnp.log(scale)
    return jnp.where(z < 1, -jnp.inf, out)


def cdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the Pareto distribution.

    Grad: elementwise. Source: SciPy `stats.pareto`.
    """
    x, b, loc, scale = real("cdf", x, b, loc, scale)
    return -jnp.expm1(-b * jnp.log(jnp.maximum((x - loc) / scale, 1)))


def logcdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the Pareto distribution.

    Grad: elementwise. Source: SciPy `stats.pareto`.
    """
    x, b, loc, scale = real("logcdf", x, b, loc, scale)
    z = (x - loc) / scale
    out = log1mexp(b * jnp.log(jnp.where(z > 1, z, 2)))
    return jnp.where(z > 1, out, -jnp.inf)


def logsf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the Pareto distribution.

    Grad: elementwise. Source: SciPy `stats.pareto`.
    """
    x, b, loc, scale = real("logsf", x, b, loc, scale)
    return -b * jnp.log(jnp.maximum((x - loc) / scale, 1))


def pdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the Pareto distribution.

    Grad: elementwise. Source: SciPy `stats.pareto`.
    """
    x, b, loc, scale = real("pdf", x, b, loc, scale)
    return jnp.exp(logpdf(x, b, loc, scale))


def ppf(q: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the distribution function of the Pareto distribution.

    Grad: elementwise. Source: SciPy `stats.pareto`.
    """
    q, b, loc, scale = real("ppf", q, b, loc, scale)
    return loc + scale * jnp.exp(-jnp.log1p(-q) / b)


def sf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the Pareto distribution.

    Grad: elementwise. Source: SciPy `stats.pareto`.
    """
    x, b, loc, scale = real("sf", x, b, loc, scale)
    return jnp.exp(logsf(x, b, loc, scale))


__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
