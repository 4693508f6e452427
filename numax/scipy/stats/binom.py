"""The binomial distribution: successes among n."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of a value of the binomial distribution: successes among n.

    Grad: elementwise. Source: SciPy `stats.binom`.
    """
    k, n, p, loc = real("logpmf", k, n, p, loc)
    z = k - loc
    choices = -jnp.log1p(n) - special.betaln(n - z + 1, z + 1)
    out = choices + special.xlogy(z, p) + special.xlog1py(n - z, -p)
    return jnp.where((z >= 0) & (z <= n), out, -jnp.inf)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Array:
    """The probability of a value of the binomial distribution: successes among n.

    Grad: elementwise. Source: SciPy `stats.binom`.
    """
    k, n, p, loc = real("pmf", k, n, p, loc)
    return jnp.exp(logpmf(k, n, p, loc))


__all__ = ["logpmf", "pmf"]
