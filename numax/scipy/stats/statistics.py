"""Statistics of samples: mode, ranks, the standard error of the mean."""

from typing import Any, NamedTuple

import numax.numpy as jnp
from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import promote_inexact, value


class ModeResult(NamedTuple):
    mode: Any
    count: Any


def _policy(op: str, nan_policy: str) -> None:
    if nan_policy not in ("propagate", "omit", "raise"):
        raise ValueError(
            f"{op}: nan_policy must be 'propagate', 'omit' or 'raise'; got {nan_policy!r}."
        )
    if nan_policy != "propagate":
        raise NotImplementedError(
            f"{op}: nan_policy {nan_policy!r} is not supported. Mask the nans first."
        )


def _along(x: Any, axis: Any) -> tuple[Any, int]:
    """x with the axis last; flat for None."""
    if axis is None:
        return x.reshape(-1), 0
    place = core.canonical_axis("axis", axis, x.ndim)
    return jnp.moveaxis(x, place, -1), place


def mode(
    a: Any, axis: int | None = 0, nan_policy: str = "propagate", keepdims: bool = False
) -> Any:
    """The most frequent number along an axis, the smallest of several, and how often it stands there.

    Raises: NotImplementedError for other nan_policy. Grad: none. Source: SciPy `stats.mode`.
    """
    _policy("mode", nan_policy)
    x = value("mode", a)
    moved, place = _along(x, axis)
    n = moved.shape[-1]
    if not n:
        raise ValueError(
            f"mode: at least one number is needed along the axis; got {x.aval.str_short()}."
        )
    ordered = jnp.sort(moved, axis=-1)
    places = jnp.arange(n)
    starts = jnp.concatenate(
        [jnp.ones((*ordered.shape[:-1], 1), bool), ordered[..., 1:] != ordered[..., :-1]], axis=-1
    )
    first = lax.cummax(jnp.where(starts, places, 0), axis=ordered.ndim - 1)
    lengths = places - first + 1
    best = jnp.argmax(lengths, axis=-1, keepdims=True)
    found = jnp.take_along_axis(ordered, best, axis=-1)
    count = jnp.max(lengths, axis=-1, keepdims=True)
    if axis is None:
        shape = (1,) * x.ndim if keepdims else ()
        return ModeResult(found.reshape(shape), count.reshape(shape))
    found, count = jnp.moveaxis(found, -1, place), jnp.moveaxis(count, -1, place)
    if not keepdims:
        found, count = jnp.squeeze(found, place), jnp.squeeze(count, place)
    return ModeResult(found, count)


_METHODS = ("average", "min", "max", "dense", "ordinal")


def rankdata(
    a: Any, method: str = "average", *, axis: int | None = None, nan_policy: str = "propagate"
) -> Array:
    """The rank of each number, from 1; equal numbers share one as `method` says.

    Raises: ValueError for another method; NotImplementedError for other nan_policy. Grad: none.
    Source: SciPy `stats.rankdata`.
    """
    _policy("rankdata", nan_policy)
    if method not in _METHODS:
        raise ValueError(f"rankdata: unknown method {method!r}. Use one of {', '.join(_METHODS)}.")
    x = value("rankdata", a)
    moved, place = _along(x, axis)
    n = moved.shape[-1]
    order = jnp.argsort(moved, axis=-1)
    back = jnp.argsort(order, axis=-1)
    if method == "ordinal":
        ranks = back + 1
    else:
        ordered = jnp.take_along_axis(moved, order, axis=-1)
        changes = jnp.concatenate(
            [jnp.ones((*ordered.shape[:-1], 1), bool), ordered[..., 1:] != ordered[..., :-1]],
            axis=-1,
        )
        places = jnp.arange(1, n + 1)
        last = ordered.ndim - 1
        if method == "dense":
            sorted_ranks = jnp.cumsum(changes, axis=-1)
        else:
            low = lax.cummax(jnp.where(changes, places, 0), axis=last)
            ends = jnp.concatenate([changes[..., 1:], jnp.ones((*ordered.shape[:-1], 1), bool)], -1)
            high = lax.cummin(jnp.where(ends, places, n + 1), axis=last, reverse=True)
            sorted_ranks = {"min": low, "max": high, "average": (low + high) / 2}[method]
        ranks = jnp.take_along_axis(sorted_ranks, back, axis=-1)
    ranks = ranks.astype(dtypes.default_dtype(float))
    if dtypes.is_inexact(x.dtype):
        unknown = jnp.any(jnp.isnan(moved), axis=-1, keepdims=True)
        ranks = jnp.where(unknown, jnp.nan, ranks)
    return ranks if axis is None else jnp.moveaxis(ranks, -1, place)


def sem(
    a: Any,
    axis: int | None = 0,
    ddof: int = 1,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Array:
    """The standard error of the mean: the deviation over the square root of the number.

    Raises: NotImplementedError for other nan_policy. Grad: yes. Source: SciPy `stats.sem`.
    """
    _policy("sem", nan_policy)
    (x,) = promote_inexact(value("sem", a))
    n = x.size if axis is None else x.shape[axis]
    return jnp.std(x, axis=axis, ddof=ddof, keepdims=keepdims) / n**0.5


__all__ = ["ModeResult", "mode", "rankdata", "sem"]
