"""The wrapped Cauchy distribution, on [0, 2 pi]."""

import math
from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy.special_normal import real


def logpdf(x: Any, c: Any) -> Array:
    """The logarithm of the probability density of the wrapped Cauchy distribution, on [0, 2 pi].

    Grad: elementwise. Source: SciPy `stats.wrapcauchy`.
    """
    x, c = real("logpdf", x, c)
    inside = (x >= 0) & (x <= 2 * math.pi) & (c > 0) & (c < 1)
    out = jnp.log1p(-c * c) - math.log(2 * math.pi) - jnp.log(1 + c * c - 2 * c * jnp.cos(x))
    return jnp.where(inside, out, -jnp.inf)


def pdf(x: Any, c: Any) -> Array:
    """The probability density of the wrapped Cauchy distribution, on [0, 2 pi].

    Grad: elementwise. Source: SciPy `stats.wrapcauchy`.
    """
    x, c = real("pdf", x, c)
    return jnp.exp(logpdf(x, c))


__all__ = ["logpdf", "pdf"]
