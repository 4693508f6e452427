"""scipy.ndimage: values between the points of a grid."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numax.numpy as jnp
from numax.core import Array, dtypes
from numax.numpy.promotion import value


def _mirrored(i: Any, n: int) -> Any:
    """... 2 1 | 0 1 2 ... n-1 | n-2 ..."""
    if n == 1:
        return jnp.zeros_like(i)
    period = 2 * (n - 1)
    j = jnp.mod(i, period)
    return jnp.minimum(j, period - j)


def _reflected(i: Any, n: int) -> Any:
    """... 1 0 | 0 1 ... n-1 | n-1 n-2 ..."""
    j = jnp.mod(i, 2 * n)
    return jnp.minimum(j, 2 * n - 1 - j)


_MODES = {
    "constant": lambda i, n: jnp.clip(i, 0, n - 1),
    "nearest": lambda i, n: jnp.clip(i, 0, n - 1),
    "wrap": jnp.mod,
    "mirror": _mirrored,
    "reflect": _reflected,
}


def map_coordinates(
    input: Any, coordinates: Sequence[Any], order: int, mode: str = "constant", cval: Any = 0.0
) -> Array:
    """The values of an array at fractional places: of the nearest element (order 0) or linear between them (order 1).

    Args: coordinates, an array of places for each axis; mode, what is outside: "constant" (cval), "nearest", "wrap",
    "mirror", "reflect". Raises: ValueError unless there is an array of places for each axis; NotImplementedError for
    other orders and modes. Grad: in the input, and the coordinates for order 1. Source: SciPy `ndimage.map_coordinates`.
    """
    x = value("map_coordinates", input)
    places = [jnp.asarray(c) for c in coordinates]
    if len(places) != x.ndim:
        raise ValueError(
            f"map_coordinates: coordinates must be a sequence of length input.ndim, but {len(places)} != {x.ndim}."
        )
    if mode not in _MODES:
        raise NotImplementedError(
            f"map_coordinates: mode {mode!r} is not available. Use one of {', '.join(_MODES)}."
        )
    if order not in (0, 1):
        raise NotImplementedError(f"map_coordinates: order must be 0 or 1; got {order}.")
    axes = []
    for c in places:
        if order == 0:
            whole = jnp.round(c) if dtypes.is_inexact(c.dtype) else c
            axes.append([(whole.astype(jnp.int32), None)])
        elif not dtypes.is_inexact(c.dtype):
            axes.append([(c, None)])
        else:
            low = jnp.floor(c)
            part = c - low
            start = low.astype(jnp.int32)
            axes.append([(start, 1 - part), (start + 1, part)])
    total: Any = 0
    for corner in itertools.product(*axes):
        index, inside = [], None
        for (i, _), n in zip(corner, x.shape, strict=True):
            index.append(_MODES[mode](i, n))
            if mode == "constant":
                here = (i >= 0) & (i < n)
                inside = here if inside is None else inside & here
        found = x[tuple(index)]
        if inside is not None:
            found = jnp.where(inside, found, jnp.asarray(cval, x.dtype))
        weights = [w for _, w in corner if w is not None]
        total = total + (math.prod(weights[1:], start=weights[0]) * found if weights else found)
    if not dtypes.is_inexact(x.dtype) and dtypes.is_inexact(total.dtype):
        total = jnp.round(total)
    return jnp.asarray(total).astype(x.dtype)


__all__ = ["map_coordinates"]
