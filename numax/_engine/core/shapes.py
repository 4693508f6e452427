"""Shapes and axes as users give them, checked."""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np


def canonical_axis(op: str, axis: Any, ndim: int) -> int:
    """An axis counted from the front. AxisError, NumPy's, is a ValueError and an IndexError."""
    try:
        index = operator.index(axis)
    except TypeError:
        raise TypeError(f"{op}: an axis must be an int; got {axis!r}.") from None
    if not -ndim <= index < ndim:
        raise np.exceptions.AxisError(
            f"{op}: axis {index} is out of bounds for array of dimension {ndim}."
        )
    return index + ndim if index < 0 else index


def canonical_axes(op: str, axes: Any, ndim: int) -> tuple[int, ...]:
    if not isinstance(axes, Iterable):
        axes = (axes,)
    found = tuple([canonical_axis(op, a, ndim) for a in axes])
    if len(set(found)) != len(found):
        raise ValueError(f"{op}: repeated axis; got {tuple(axes)}. Name each axis once.")
    return found


def canonical_shape(op: str, shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of non-negative ints."""
    if isinstance(shape, int | np.integer):
        shape = (shape,)
    try:
        found = tuple([operator.index(n) for n in shape])
    except TypeError:
        raise TypeError(
            f"{op}: a shape must be a sequence of integers known while tracing; got {shape!r}. "
            "Mark arguments that shapes depend on as static (static_argnums)."
        ) from None
    if any(n < 0 for n in found):
        raise ValueError(f"{op}: a shape has no negative sizes; got {found}.")
    return found
