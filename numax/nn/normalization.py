"""Normalised features and classes as vectors."""

from typing import Any

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import broadcast, number, promote_inexact, value
from numax.scipy.exponential import axes_of, mask_of, masked


def _mean(x: Any, axes: tuple[int, ...], where: Any, count: Any) -> Any:
    """The mean along axes that stay with size 1."""
    total = lax.reduce_sum(x if where is None else masked(x, where, 0), axes)
    shape = tuple([1 if i in axes else n for i, n in enumerate(x.aval.shape)])
    return lax.reshape(lax.div(total, count), shape)


def standardize(
    x: Any,
    axis: Any = -1,
    mean: Any = None,
    variance: Any = None,
    epsilon: Any = 1e-05,
    where: Any = None,
    *,
    algorithm: str = "fast",
) -> Array:
    """(x - mean) / sqrt(variance + epsilon) along axes; both are x's own unless given. 0 where the mask is false.

    algorithm: "fast" takes the variance from the mean of squares, "stable" from squared differences.
    Raises: ValueError for another algorithm. Grad: through mean and variance too.
    """
    if algorithm not in ("fast", "stable"):
        raise ValueError(
            f"standardize: Unknown algorithm {algorithm!r}. Expected 'fast' or 'stable'."
        )
    (x,) = promote_inexact(value("standardize", x))
    axes = axes_of("standardize", axis, x.aval.ndim)
    if where is not None:
        x, where = mask_of("standardize", where, x)
        count = lax.reduce_sum(core.convert(where, x.dtype), axes)
    else:
        size = 1
        for i in axes:
            size *= x.aval.shape[i]
        count = number(x, size)
    if mean is None:
        mean = _mean(x, axes, where, count)
    else:
        mean = core.convert(value("standardize", mean), x.dtype)
    if variance is None:
        if algorithm == "stable":
            difference = lax.sub(*broadcast("standardize", [x, mean]))
            variance = _mean(_square(difference), axes, where, count)
        else:
            squares = _mean(_square(x), axes, where, count)
            variance = lax.sub(*broadcast("standardize", [squares, _square(mean)]))
    else:
        variance = core.convert(value("standardize", variance), dtypes.finfo(x.dtype).dtype)
    difference = lax.sub(*broadcast("standardize", [x, mean]))
    epsilon = (
        number(variance, epsilon) if isinstance(epsilon, int | float) else value("epsilon", epsilon)
    )
    scale = lax.rsqrt(lax.add(*broadcast("standardize", [variance, epsilon])))
    out = lax.mul(*broadcast("standardize", [difference, core.convert(scale, x.dtype)]))
    return out if where is None else masked(out, where, 0)


def _square(x: Any) -> Any:
    """|x|**2."""
    if dtypes.is_complex(x.dtype):
        return lax.add(lax.square(lax.real(x)), lax.square(lax.imag(x)))
    return lax.square(x)


def one_hot(
    x: Any, num_classes: int, *, dtype: Any = None, axis: Any = -1, out_sharding: Any = None
) -> Array:
    """Each number i as a vector with a one at place i; zeros if i is outside 0 ... num_classes - 1.

    Shapes: (A...) -> (A..., num_classes), or the new axis at `axis`. With the name of a mapped axis as `axis`, the
    classes are spread over that axis. Grad: zero.
    """
    x = value("one_hot", x)
    size = core.to_index(num_classes) if hasattr(num_classes, "aval") else int(num_classes)
    wanted = dtypes.default_dtype(float) if dtype is None else dtypes.canonicalize_dtype(dtype)
    if isinstance(axis, str):
        place = core.convert(lax.axis_index(axis), x.dtype)
        if lax.axis_size(axis) != size:
            raise ValueError(
                f"one_hot: num_classes must be the size of the mapped axis {axis!r}, {lax.axis_size(axis)}; got {size}."
            )
        return core.convert(lax.eq(*broadcast("one_hot", [x, place])), wanted)
    place = core.canonical_axis("one_hot", axis, x.aval.ndim + 1)
    shape = (*x.aval.shape[:place], size, *x.aval.shape[place:])
    kept = tuple([i for i in range(len(shape)) if i != place])
    classes = lax.broadcasted_iota(x.dtype, shape, place) if dtypes.is_number(x.dtype) else None
    if classes is None:
        raise TypeError(f"one_hot: class numbers are needed; got {x.aval.str_short()}.")
    return core.convert(lax.eq(lax.broadcast_in_dim(x, shape, kept), classes), wanted)


__all__ = ["one_hot", "standardize"]
