"""The Laplace distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy.special_normal import real


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the Laplace distribution.

    Grad: elementwise. Source: SciPy `stats.laplace`.
    """
    x, loc, scale = real("logpdf", x, loc, scale)
    return -jnp.abs((x - loc) / scale) - jnp.log(2 * scale)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the Laplace distribution.

    Grad: elementwise. Source: SciPy `stats.laplace`.
    """
    x, loc, scale = real("cdf", x, loc, scale)
    z = (x - loc) / scale
    tail = 0.5 * jnp.exp(-jnp.abs(z))
    return jnp.where(z > 0, 1 - tail, tail)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the Laplace distribution.

    Grad: elementwise. Source: SciPy `stats.laplace`.
    """
    x, loc, scale = real("pdf", x, loc, scale)
    return jnp.exp(logpdf(x, loc, scale))


__all__ = ["cdf", "logpdf", "pdf"]
