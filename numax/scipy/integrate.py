"""scipy.integrate."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral of samples by the trapezoidal rule, as `numax.numpy.trapezoid`.

    Grad: linear in y. Source: SciPy `integrate.trapezoid`.
    """
    return jnp.trapezoid(y, x, dx, axis)


__all__ = ["trapezoid"]
