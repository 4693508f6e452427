"""The gamma distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the gamma distribution.

    Grad: elementwise. Source: SciPy `stats.gamma`.
    """
    x, a, loc, scale = real("logpdf", x, a, loc, scale)
    z = (x - loc) / scale
    out = special.xlogy(a - 1, z) - z - special.gammaln(a) - jnp.log(scale)
    return jnp.where(z < 0, -jnp.inf, out)


def cdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the gamma distribution.

    Grad: elementwise. Source: SciPy `stats.gamma`.
    """
    x, a, loc, scale = real("cdf", x, a, loc, scale)
    return special.gammainc(a, jnp.maximum((x - loc) / scale, 0))


def logcdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the gamma distribution.

    Grad: elementwise. Source: SciPy `stats.gamma`.
    """
    x, a, loc, scale = real("logcdf", x, a, loc, scale)
    return jnp.log(cdf(x, a, loc, scale))


def logsf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the gamma distribution.

    Grad: elementwise. Source: SciPy `stats.gamma`.
    """
    x, a, loc, scale = real("logsf", x, a, loc, scale)
    return jnp.log(sf(x, a, loc, scale))


def pdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the gamma distribution.

    Grad: elementwise. Source: SciPy `stats.gamma`.
    """
    x, a, loc, scale = real("pdf", x, a, loc, scale)
    return jnp.exp(logpdf(x, a, loc, scale))


def sf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the gamma distribution.

    Grad: elementwise. Source: SciPy `stats.gamma`.
    """
    x, a, loc, scale = real("sf", x, a, loc, scale)
    return special.gammaincc(a, jnp.maximum((x - loc) / scale, 0))


__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
