"""The geometric distribution: trials until the first success."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.scipy import special
from numax.scipy.special_normal import real


def logpmf(k: Any, p: Any, loc: Any = 0) -> Array:
    """The logarithm of the probability of a value of the geometric distribution: trials until the first success.

    Grad: elementwise. Source: SciPy `stats.geom`.
    """
    k, p, loc = real("logpmf", k, p, loc)
    z = k - loc
    out = special.xlog1py(z - 1, -p) + jnp.log(p)
    return jnp.where(z >= 1, out, -jnp.inf)


def pmf(k: Any, p: Any, loc: Any = 0) -> Array:
    """The probability of a value of the geometric distribution: trials until the first success.

    Grad: elementwise. Source: SciPy `stats.geom`.
    """
    k, p, loc = real("pmf", k, p, loc)
    return jnp.exp(logpmf(k, p, loc))


__all__ = ["logpmf", "pmf"]
