"""The multinomial distribution: how often each of several outcomes happens in n trials."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpmf(x: Any, n: Any, p: Any) -> Array:
    """The logarithm of the probability of counts under the multinomial distribution, over the last axis.

    Grad: in p. Source: SciPy `stats.multinomial`.
    """
    (p,) = real("logpmf", p)
    x, n = [v.astype(p.dtype) for v in (jnp.asarray(x), jnp.asarray(n))]
    out = special.gammaln(n + 1) + jnp.sum(special.xlogy(x, p) - special.gammaln(x + 1), axis=-1)
    return jnp.where(jnp.sum(x, axis=-1) == n, out, -jnp.inf)


def pmf(x: Any, n: Any, p: Any) -> Array:
    """The probability of a value of the multinomial distribution: how often each of several outcomes happens in n trials.

    Grad: elementwise. Source: SciPy `stats.multinomial`.
    """
    return jnp.exp(logpmf(x, n, p))


__all__ = ["logpmf", "pmf"]
