"""softmax and log_softmax as SciPy calls them: over all elements unless an axis is given."""

from typing import Any

from numax.core import Array
from numax.scipy import exponential


def softmax(x: Any, /, *, axis: Any = None) -> Array:
    """exp(x) / sum(exp(x)) over all elements, or along an axis, without overflow.

    Grad: y (t - sum(y t)). Source: SciPy `special.softmax`.
    """
    return exponential.softmax(x, axis)


def log_softmax(x: Any, /, *, axis: Any = None) -> Array:
    """log(softmax(x)) over all elements, or along an axis, without overflow or loss.

    Grad: t - sum(softmax(x) t). Source: SciPy `special.log_softmax`.
    """
    return exponential.log_softmax(x, axis)


__all__ = ["log_softmax", "softmax"]
