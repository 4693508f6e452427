"""Student's t distribution of df degrees of freedom."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The logarithm of the probability density of Student's t distribution of df degrees of freedom.

    Grad: elementwise. Source: SciPy `stats.t`.
    """
    x, df, loc, scale = real("logpdf", x, df, loc, scale)
    z = (x - loc) / scale
    half = special.betaln(df / 2, 0.5) + 0.5 * jnp.log(df) + jnp.log(scale)
    return -half - (df + 1) / 2 * jnp.log1p(z * z / df)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Array:
    """The probability density of Student's t distribution of df degrees of freedom.

    Grad: elementwise. Source: SciPy `stats.t`.
    """
    x, df, loc, scale = real("pdf", x, df, loc, scale)
    return jnp.exp(logpdf(x, df, loc, scale))


__all__ = ["logpdf", "pdf"]
