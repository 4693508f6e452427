"""Pytrees as one vector."""

from collections.abc import Callable
from typing import Any

from numax import core, lax
from numax import numpy as jnp

__all__ = ["ravel_pytree"]


def ravel_pytree(pytree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The leaves of a pytree in one vector, and the function that puts a vector back into the structure.

    Shapes: leaves of n elements in all -> (n,). Dtypes: the leaves' common dtype; the function gives each leaf its own.
    Raises: ValueError where the function gets a vector of another size; TypeError for another dtype. Grad: linear.
    """
    leaves, structure = core.values_of("ravel_pytree", "pytree", pytree)
    if not leaves:
        return jnp.zeros(0), lambda vector: core.tree.unflatten(structure, [])
    avals = [v.aval for v in leaves]
    dtype, _ = core.dtypes.join_types(*((a.dtype, a.weak_type) for a in avals))
    flat = jnp.concatenate([core.convert(lax.reshape(v, (v.aval.size,)), dtype) for v in leaves])
    total = sum(a.size for a in avals)

    def unravel(vector: Any) -> Any:
        given = core.as_value(vector, "ravel_pytree: the vector")
        if given.aval.shape != (total,):
            raise ValueError(
                f"ravel_pytree: the vector must have shape ({total},); got {given.aval.str_short()}."
            )
        if given.aval.dtype != dtype:
            raise TypeError(
                f"ravel_pytree: the vector must have dtype {dtype}; got {given.aval.str_short()}."
            )
        out, start = [], 0
        for a in avals:
            piece = lax.slice(given, (start,), (start + a.size,))
            out.append(core.convert(lax.reshape(piece, a.shape), a.dtype))
            start += a.size
        return core.tree.unflatten(structure, out)

    return flat, unravel
