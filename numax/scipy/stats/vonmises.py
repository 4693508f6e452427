"""The von Mises distribution."""

import math
from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpdf(x: Any, kappa: Any) -> Array:
    """The logarithm of the probability density of the von Mises distribution.

    Grad: elementwise. Source: SciPy `stats.vonmises`.
    """
    x, kappa = real("logpdf", x, kappa)
    return kappa * (jnp.cos(x) - 1) - jnp.log(2 * math.pi * special.i0e(kappa))


def pdf(x: Any, kappa: Any) -> Array:
    """The probability density of the von Mises distribution.

    Grad: elementwise. Source: SciPy `stats.vonmises`.
    """
    x, kappa = real("pdf", x, kappa)
    return jnp.exp(logpdf(x, kappa))


__all__ = ["logpdf", "pdf"]
