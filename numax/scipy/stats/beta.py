"""The beta distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the beta distribution.

    Grad: elementwise. Source: SciPy `stats.beta`.
    """
    x, a, b, loc, scale = real("logpdf", x, a, b, loc, scale)
    z = (x - loc) / scale
    out = (
        special.xlogy(a - 1, z) + special.xlog1py(b - 1, -z) - special.betaln(a, b) - jnp.log(scale)
    )
    return jnp.where((z < 0) | (z > 1), -jnp.inf, out)


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the beta distribution.

    Grad: elementwise. Source: SciPy `stats.beta`.
    """
    x, a, b, loc, scale = real("cdf", x, a, b, loc, scale)
    return special.betainc(a, b, jnp.clip((x - loc) / scale, 0, 1))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the distribution function of the beta distribution.

    Grad: elementwise. Source: SciPy `stats.beta`.
    """
    x, a, b, loc, scale = real("logcdf", x, a, b, loc, scale)
    return jnp.log(cdf(x, a, b, loc, scale))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the survival function of the beta distribution.

    Grad: elementwise. Source: SciPy `stats.beta`.
    """
    x, a, b, loc, scale = real("logsf", x, a, b, loc, scale)
    return jnp.log(sf(x, a, b, loc, scale))


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the beta distribution.

    Grad: elementwise. Source: SciPy `stats.beta`.
    """
    x, a, b, loc, scale = real("pdf", x, a, b, loc, scale)
    return jnp.exp(logpdf(x, a, b, loc, scale))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The survival function, 1 - cdf of the beta distribution.

    Grad: elementwise. Source: SciPy `stats.beta`.
    """
    x, a, b, loc, scale = real("sf", x, a, b, loc, scale)
    return special.betainc(b, a, 1 - jnp.clip((x - loc) / scale, 0, 1))


__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
