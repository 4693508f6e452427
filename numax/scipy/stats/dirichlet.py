"""The Dirichlet distribution."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array, dtypes
from numax.numpy.promotion import promote_dtypes, promote_inexact, value
from numax.scipy import special


def logpdf(x: Any, alpha: Any) -> Array:
    """The logarithm of the probability density of the Dirichlet distribution; components along the first axis of x.

    Raises: ValueError unless alpha is a vector of as many numbers as x has components (or one more).
    Grad: elementwise. Source: SciPy `stats.dirichlet`.
    """
    x, alpha = promote_dtypes(*promote_inexact(value("logpdf", x), value("logpdf", alpha, 1)))
    if alpha.ndim != 1 or not x.ndim or x.shape[0] not in (alpha.shape[0], alpha.shape[0] - 1):
        raise ValueError(
            "logpdf: alpha must be a vector, and the first axis of x as long or one shorter; got "
            f"{x.aval.str_short()} and {alpha.aval.str_short()}."
        )
    if x.shape[0] == alpha.shape[0] - 1:
        x = jnp.concatenate([x, 1 - jnp.sum(x, axis=0, keepdims=True)], axis=0)
    weights = alpha.reshape((-1,) + (1,) * (x.ndim - 1))
    total = special.gammaln(jnp.sum(alpha)) - jnp.sum(special.gammaln(alpha))
    out = total + jnp.sum(special.xlogy(weights - 1, x), axis=0)
    off = jnp.abs(jnp.sum(x, axis=0) - 1)
    inside = jnp.all(x >= 0, axis=0) & (off < 10 * float(dtypes.finfo(x.dtype).eps))
    return jnp.where(inside, out, -jnp.inf)


def pdf(x: Any, alpha: Any) -> Array:
    """The probability density of the Dirichlet distribution.

    Grad: elementwise. Source: SciPy `stats.dirichlet`.
    """
    return jnp.exp(logpdf(x, alpha))


__all__ = ["logpdf", "pdf"]
