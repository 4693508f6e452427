"""Samples of given things: permutations, choices, categories."""

import math
from typing import Any

import numpy as np

from numax import lax
from numax._engine.core import dtypes
from numax._engine.core.shapes import canonical_axis
from numax._engine.core.trace import as_value, to_index, to_number
from numax._engine.ops import rng
from numax.random.arguments import constant, shape_value, single_key, split
from numax.random.uniform import draw, randint, standard_gumbel


def _array(name: str, x: Any) -> Any:
    if isinstance(x, list | tuple):
        raise TypeError(
            f"{name}: accepts arrays and scalars; got a {type(x).__name__}. Use numax.numpy.array."
        )
    return as_value(x, name)


def permutation(
    key: Any, x: Any, axis: int = 0, independent: bool = False, *, out_sharding: Any = None
) -> Any:
    """An array with the slices along an axis in random order; for an int x, of arange(x).

    Args: independent (shuffle each vector along the axis by itself). Raises: TypeError for float scalars.
    Grad: linear. Source: sorting by random bits, as often as equal bits are likely.
    """
    key = single_key("permutation", key)
    x = _array("permutation", x)
    if not x.aval.shape:
        if not dtypes.is_integer(x.aval.dtype):
            raise TypeError(
                f"permutation: x must be an integer or have an axis; got {x.aval.str_short()}."
            )
        count = max(0, to_index(x))
        return _shuffle(key, lax.iota(dtypes.default_dtype(int), count), 0)
    axis = canonical_axis("permutation", axis, x.aval.ndim)
    sortable = not dtypes.is_key(x.aval.dtype)
    if sortable and (independent or x.aval.ndim == 1):
        return _shuffle(key, x, axis)
    order = _shuffle(key, lax.iota(dtypes.default_dtype(int), x.aval.shape[axis]), 0)
    return _take(x, order, axis)


def _shuffle(key: Any, x: Any, axis: int) -> Any:
    """Sort by random bits. Repeated, so that elements with equal bits (then left in order) hardly matter."""
    size = max(1, x.aval.size)
    rounds = math.ceil(3 * math.log(size) / math.log(np.iinfo(np.uint32).max))
    for _ in range(rounds):
        key, now = split(key, 2)
        words = rng.random_bits(now, 32, x.aval.shape)
        _, x = lax.sort_key_val(words, x, axis)
    return x


def _take(x: Any, index: Any, axis: int) -> Any:
    """x with an axis replaced by the places in `index`, all of them within bounds."""
    shape, places = x.aval.shape, index.aval.ndim
    before, after = range(axis), range(axis + places, places + len(shape) - 1)
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(*before, *after), collapsed_slice_dims=(axis,), start_index_map=(axis,)
    )
    sizes = (*shape[:axis], 1, *shape[axis + 1 :])
    return lax.gather(x, lax.expand_dims(index, (places,)), numbers, sizes, mode="clip")


def _place(increasing: Any, x: Any) -> Any:
    """The number of elements of `increasing` below each x, by bisection."""
    count = increasing.aval.shape[0]
    dtype = dtypes.default_dtype(int)
    low = lax.full(x.aval.shape, 0, dtype)
    high = lax.full(x.aval.shape, count, dtype)
    for _ in range(count.bit_length()):
        middle = lax.div(lax.add(low, high), constant(2, dtype))
        below = lax.bitwise_and(lax.lt(_take(increasing, middle, 0), x), lax.lt(low, high))
        low = lax.select_n(below, low, lax.add(middle, constant(1, dtype)))
        high = lax.select_n(below, middle, high)
    return low


def choice(
    key: Any,
    a: Any,
    shape: Any = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
    mode: str | None = None,
) -> Any:
    """Elements of an array along an axis, with or without replacement; for an int a, of arange(a).

    Args: p (probabilities; uniform if not given), mode (of `gumbel`, for p without replacement).
    Shapes: the axis of a is replaced by `shape`. Raises: ValueError if the sample or p does not fit.
    Grad: linear in a.
    """
    key = single_key("choice", key)
    a = _array("choice", a)
    shape = shape_value("choice", shape)
    scalar = not a.aval.shape
    if scalar:
        axis, count = 0, to_number(a, int)
    else:
        axis = canonical_axis("choice", axis, a.aval.ndim)
        count = a.aval.shape[axis]
    drawn = math.prod(shape)
    around = ((), ()) if scalar else (a.aval.shape[:axis], a.aval.shape[axis + 1 :])
    result = (*around[0], *shape, *around[1])
    if drawn < 1:
        return lax.full(result, 0, dtypes.default_dtype(int) if scalar else a.aval.dtype)
    if count <= 0:
        raise ValueError(
            "choice: `a` must not be empty, unless no samples are taken. Give shape=(0,) or elements."
        )
    if not replace and drawn > count:
        raise ValueError(
            f"choice: cannot take {drawn} samples of {count} elements without replacement. Use replace=True."
        )
    if p is None and not replace:
        whole = permutation(key, count if scalar else a, axis)
        return lax.reshape(lax.slice_in_dim(whole, 0, drawn, axis=0 if scalar else axis), result)
    if p is None:
        index = randint(key, shape, 0, count)
    else:
        index = lax.reshape(_weighted(key, shape, replace, _array("choice", p), count, mode), shape)
    return index if scalar else _take(a, index, axis)


def _weighted(
    key: Any, shape: tuple[int, ...], replace: bool, p: Any, count: int, mode: str | None
) -> Any:
    """Indices drawn with probabilities p."""
    if p.aval.shape != (count,):
        raise ValueError(
            f"choice: p must be a vector with one entry for each of the {count} elements; got shape {p.aval.shape}."
        )
    if not dtypes.is_float(p.aval.dtype):
        p = lax.convert_element_type(p, float)
    dtype = p.aval.dtype
    if replace:
        total = lax.cumsum(p, 0)
        last = lax.index_in_dim(total, count - 1, 0, keepdims=False)
        u = draw("choice", key, shape, dtype, 0.0, 1.0)
        return _place(total, lax.mul(last, lax.sub(constant(1, dtype), u)))
    scores = lax.add(standard_gumbel("choice", key, (count,), dtype, mode), lax.log(p))
    return lax.top_k(scores, math.prod(shape))[1]


def categorical(
    key: Any,
    logits: Any,
    axis: int = -1,
    shape: Any = None,
    replace: bool = True,
    mode: str | None = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """Indices along an axis, with probabilities softmax(logits).

    Args: replace (False: the samples of one batch entry differ), mode (of `gumbel`). Shapes: logits without the axis
    broadcasts to `shape`, as a suffix of it. Raises: ValueError if it does not. Grad: none (integers).
    Source: argmax of logits plus Gumbel numbers.
    """
    key = single_key("categorical", key)
    logits = _array("categorical", logits)
    dtype = logits.aval.dtype
    if not dtypes.is_float(dtype):
        raise ValueError(
            f"categorical: logits must be floats; got {logits.aval.str_short()}. Use astype(float)."
        )
    ndim = logits.aval.ndim
    if not -ndim <= axis < ndim:
        raise IndexError(
            f"categorical: axis {axis} is out of bounds for logits of dimension {ndim}."
        )
    place = axis % ndim
    batch = logits.aval.shape[:place] + logits.aval.shape[place + 1 :]
    shape = batch if shape is None else shape_value("categorical", shape)
    front = shape[: len(shape) - len(batch)]
    if shape[len(front) :] != batch:
        raise ValueError(
            f"categorical: shape must end with that of the logits without the axis, {batch}; got {shape}."
        )
    if replace:
        whole = (*front, *logits.aval.shape)
        scores = standard_gumbel("categorical", key, whole, dtype, mode)
        dims = range(len(front), len(whole))
        scores = lax.add(scores, lax.broadcast_in_dim(logits, whole, dims))
        return lax.argmax(scores, len(front) + place, dtypes.default_dtype(int))
    count = math.prod(front)
    if count > logits.aval.shape[place]:
        raise ValueError(
            f"categorical: cannot take {count} samples of {logits.aval.shape[place]} categories without replacement. "
            "Use replace=True."
        )
    scores = lax.add(logits, standard_gumbel("categorical", key, logits.aval.shape, dtype, mode))
    order = [i for i in range(ndim) if i != place]
    index = lax.top_k(lax.transpose(scores, (*order, place)), count)[1]
    return lax.reshape(lax.transpose(index, (ndim - 1, *range(ndim - 1))), shape)
