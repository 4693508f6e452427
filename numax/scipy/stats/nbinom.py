"""The negative binomial distribution: failures before n successes."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of a value of the negative binomial distribution: failures before n successes.

    Grad: elementwise. Source: SciPy `stats.nbinom`.
    """
    k, n, p, loc = real("logpmf", k, n, p, loc)
    z = k - loc
    choices = -jnp.log(n + z) - special.betaln(n, z + 1)
    out = choices + special.xlogy(n, p) + special.xlog1py(z, -p)
    return jnp.where(z >= 0, out, -jnp.inf)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Array:
    """The probability of a value of the negative binomial distribution: failures before n successes.

    Grad: elementwise. Source: SciPy `stats.nbinom`.
    """
    k, n, p, loc = real("pmf", k, n, p, loc)
    return jnp.exp(logpmf(k, n, p, loc))


__all__ = ["logpmf", "pmf"]
