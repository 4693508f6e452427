"""The binomial distribution whose probability is beta distributed."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of a value of the binomial distribution whose probability is beta distributed.

    Grad: elementwise. Source: SciPy `stats.betabinom`.
    """
    k, n, a, b, loc = real("logpmf", k, n, a, b, loc)
    z = jnp.floor(k - loc)
    choices = -jnp.log1p(n) - special.betaln(n - z + 1, z + 1)
    out = choices + special.betaln(z + a, n - z + b) - special.betaln(a, b)
    out = jnp.where((z >= 0) & (z <= n), out, -jnp.inf)
    return jnp.where((n >= 0) & (a > 0) & (b > 0), out, jnp.nan)


def pmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Array:
    """The probability of a value of the binomial distribution whose probability is beta distributed.

    Grad: elementwise. Source: SciPy `stats.betabinom`.
    """
    k, n, a, b, loc = real("pmf", k, n, a, b, loc)
    return jnp.exp(logpmf(k, n, a, b, loc))


__all__ = ["logpmf", "pmf"]
