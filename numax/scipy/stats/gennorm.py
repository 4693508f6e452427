"""The generalised normal distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpdf(x: Any, beta: Any) -> Array:
    """The logarithm of the probability density of the generalised normal distribution.

    Grad: elementwise. Source: SciPy `stats.gennorm`.
    """
    x, beta = real("logpdf", x, beta)
    return jnp.log(0.5 * beta) - special.gammaln(1 / beta) - jnp.abs(x) ** beta


def cdf(x: Any, beta: Any) -> Array:
    """The distribution function of the generalised normal distribution.

    Grad: elementwise. Source: SciPy `stats.gennorm`.
    """
    x, beta = real("cdf", x, beta)
    return 0.5 * (1 + jnp.sign(x) * special.gammainc(1 / beta, jnp.abs(x) ** beta))


def pdf(x: Any, beta: Any) -> Array:
    """The probability density of the generalised normal distribution.

    Grad: elementwise. Source: SciPy `stats.gennorm`.
    """
    x, beta = real("pdf", x, beta)
    return jnp.exp(logpdf(x, beta))


__all__ = ["cdf", "logpdf", "pdf"]
