"""The uniform distribution on [loc, loc + scale]."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy.special_normal import real


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of the uniform distribution on [loc, loc + scale].

    Grad: elementwise. Source: SciPy `stats.uniform`.
    """
    x, loc, scale = real("logpdf", x, loc, scale)
    inside = (x >= loc) & (x <= loc + scale)
    return jnp.where(inside, -jnp.log(scale), -jnp.inf)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The distribution function of the uniform distribution on [loc, loc + scale].

    Grad: elementwise. Source: SciPy `stats.uniform`.
    """
    x, loc, scale = real("cdf", x, loc, scale)
    return jnp.clip((x - loc) / scale, 0, 1)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of the uniform distribution on [loc, loc + scale].

    Grad: elementwise. Source: SciPy `stats.uniform`.
    """
    x, loc, scale = real("pdf", x, loc, scale)
    return jnp.exp(logpdf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The inverse of the distribution function of the uniform distribution on [loc, loc + scale].

    Grad: elementwise. Source: SciPy `stats.uniform`.
    """
    q, loc, scale = real("ppf", q, loc, scale)
    return jnp.where((q >= 0) & (q <= 1), loc + q * scale, jnp.nan)


__all__ = ["cdf", "logpdf", "pdf", "ppf"]
