"""scipy.interpolate: values between the points of a rectangular grid."""

import itertools
import math
from typing import Any

import numax.numpy as jnp
from numax import core
from numax.core import Array, dtypes
from numax.tree_util import register_pytree_node_class

_METHODS = ("linear", "nearest")


@register_pytree_node_class
class RegularGridInterpolator:
    """A function given by its values on a rectangular grid.

    Args: points, the coordinates along each axis; values on the grid, of shape (N1, ..., Nk, ...); method "linear" or
    "nearest"; fill_value outside the grid (None: extrapolate). Raises: ValueError if points and values do not fit;
    NotImplementedError for bounds_error. Grad: in values, points and places.
    Source: SciPy `interpolate.RegularGridInterpolator`.
    """

    def __init__(
        self,
        points: Any,
        values: Any,
        method: str = "linear",
        bounds_error: bool = False,
        fill_value: Any = math.nan,
    ):
        if method not in _METHODS:
            raise ValueError(
                f"RegularGridInterpolator: method {method!r} is not defined. Use 'linear' or 'nearest'."
            )
        if bounds_error:
            raise NotImplementedError(
                "RegularGridInterpolator: bounds_error is not available. Check the places, or use fill_value."
            )
        grid = tuple([jnp.asarray(p) for p in points])
        values = jnp.asarray(values)
        if len(grid) > values.ndim:
            raise ValueError(
                f"RegularGridInterpolator: there are {len(grid)} point arrays, but values has {values.ndim} dimensions."
            )
        if not dtypes.is_inexact(values.dtype):
            values = values.astype(float)
        for i, p in enumerate(grid):
            if p.ndim != 1 or p.shape[0] != values.shape[i]:
                raise ValueError(
                    f"RegularGridInterpolator: points {i} must be a vector of {values.shape[i]} numbers; got {p.shape}."
                )
            if core.is_concrete(p) and (core.to_ndarray(p)[1:] <= core.to_ndarray(p)[:-1]).any():
                raise ValueError(
                    f"RegularGridInterpolator: the points in dimension {i} must be strictly ascending."
                )
        self.grid, self.values, self.method = grid, values, method
        self.bounds_error, self.fill_value = bounds_error, fill_value

    def tree_flatten(self) -> tuple[Any, Any]:
        return (self.grid, self.values, self.fill_value), (self.method, self.bounds_error)

    @classmethod
    def tree_unflatten(cls, aux_data: Any, children: Any) -> "RegularGridInterpolator":
        out = cls.__new__(cls)
        out.grid, out.values, out.fill_value = children
        out.method, out.bounds_error = aux_data
        return out

    def __call__(self, xi: Any, method: str | None = None) -> Array:
        """The values at places (..., k), or at a tuple of k arrays."""
        method = self.method if method is None else method
        if method not in _METHODS:
            raise ValueError(
                f"RegularGridInterpolator: method {method!r} is not defined. Use 'linear' or 'nearest'."
            )
        k = len(self.grid)
        if isinstance(xi, tuple | list):
            xi = jnp.stack(jnp.broadcast_arrays(*[jnp.asarray(x) for x in xi]), axis=-1)
        xi = jnp.asarray(xi)
        if not xi.ndim or xi.shape[-1] != k:
            raise ValueError(
                f"RegularGridInterpolator: the places must have {k} coordinates along the last axis; got {xi.shape}."
            )
        flat = xi.reshape(-1, k)
        if not dtypes.is_inexact(flat.dtype):
            flat = flat.astype(float)
        cells, parts, outside = [], [], False
        for i, p in enumerate(self.grid):
            x = flat[:, i]
            cell = jnp.clip(jnp.searchsorted(p, x, side="right") - 1, 0, p.shape[0] - 2)
            width = p[cell + 1] - p[cell]
            cells.append(cell)
            parts.append((x - p[cell]) / width)
            outside = outside | (x < p[0]) | (x > p[-1])
        trailing = (1,) * (self.values.ndim - k)
        if method == "nearest":
            index = tuple(
                [jnp.where(w <= 0.5, c, c + 1) for c, w in zip(cells, parts, strict=True)]
            )
            out = self.values[index]
        else:
            out = 0
            for corner in itertools.product((0, 1), repeat=k):
                weight = math.prod(
                    [w if up else 1 - w for w, up in zip(parts, corner, strict=True)]
                )
                index = tuple([c + up for c, up in zip(cells, corner, strict=True)])
                out = out + self.values[index] * jnp.reshape(weight, (-1, *trailing))
        if self.fill_value is not None:
            out = jnp.where(jnp.reshape(outside, (-1, *trailing)), self.fill_value, out)
        unknown = jnp.any(jnp.isnan(flat), axis=-1)
        out = jnp.where(jnp.reshape(unknown, (-1, *trailing)), math.nan, out)
        return out.reshape(*xi.shape[:-1], *self.values.shape[k:])


__all__ = ["RegularGridInterpolator"]
