"""Where gather reads and scatter writes: dimension numbers, modes, and what the rules of both share.

Indices hold a vector in their last dimension, as in JAX: the start of one window of the operand.
Source: StableHLO specification, `gather` and `scatter`.
"""

import enum
import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.ops import kernels
from numax._engine.stablehlo import hlo

Shape = tuple[int, ...]


class GatherDimensionNumbers(NamedTuple):
    """Which axes of operand, indices and result belong together in `gather`.

    Args: offset_dims are the result's axes that run within a window; collapsed_slice_dims the operand's axes that
    windows (of size 1 there) leave out; start_index_map the operand's axis for each component of an index;
    operand_batching_dims and start_indices_batching_dims axes of operand and indices that go together.
    """

    offset_dims: Shape
    collapsed_slice_dims: Shape
    start_index_map: Shape
    operand_batching_dims: Shape = ()
    start_indices_batching_dims: Shape = ()


class ScatterDimensionNumbers(NamedTuple):
    """Which axes of operand, indices and updates belong together in `scatter`.

    Args: update_window_dims are the updates' axes that run within a window; inserted_window_dims the operand's axes
    that windows (of size 1 there) leave out; scatter_dims_to_operand_dims the operand's axis for each component of an
    index; operand_batching_dims and scatter_indices_batching_dims axes of operand and indices that go together.
    """

    update_window_dims: Shape
    inserted_window_dims: Shape
    scatter_dims_to_operand_dims: Shape
    operand_batching_dims: Shape = ()
    scatter_indices_batching_dims: Shape = ()


class GatherScatterMode(enum.Enum):
    """What happens at indices out of bounds.

    CLIP moves the window inside. FILL_OR_DROP reads a fill value and drops updates. PROMISE_IN_BOUNDS says that there
    are none. ONE_HOT is FILL_OR_DROP, computed as the compiler likes.
    """

    CLIP = enum.auto()
    FILL_OR_DROP = enum.auto()
    PROMISE_IN_BOUNDS = enum.auto()
    ONE_HOT = enum.auto()

    @staticmethod
    def from_any(s: "str | GatherScatterMode | None") -> "GatherScatterMode":
        """The mode of a name: 'clip', 'fill', 'drop', 'promise_in_bounds', 'one_hot'; None is FILL_OR_DROP.

        Raises: ValueError for another name.
        """
        if isinstance(s, GatherScatterMode):
            return s
        try:
            return _MODES[s]
        except (KeyError, TypeError):
            raise ValueError(
                f"mode: unknown mode {s!r}. Use 'clip', 'fill', 'drop', 'promise_in_bounds' or 'one_hot'."
            ) from None


_MODES: dict[Any, GatherScatterMode] = {
    None: GatherScatterMode.FILL_OR_DROP,
    "clip": GatherScatterMode.CLIP,
    "fill": GatherScatterMode.FILL_OR_DROP,
    "drop": GatherScatterMode.FILL_OR_DROP,
    "promise_in_bounds": GatherScatterMode.PROMISE_IN_BOUNDS,
    "one_hot": GatherScatterMode.ONE_HOT,
}
CLIP, PROMISE = GatherScatterMode.CLIP, GatherScatterMode.PROMISE_IN_BOUNDS


def drops(mode: GatherScatterMode) -> bool:
    return mode is not CLIP and mode is not PROMISE


def integers(values: Any) -> Shape:
    return tuple([operator.index(v) for v in values])


def gather_numbers(numbers: Any) -> GatherDimensionNumbers:
    """Dimension numbers with their fields as tuples of ints."""
    return GatherDimensionNumbers(*[integers(field) for field in numbers])


def scatter_numbers(numbers: Any) -> ScatterDimensionNumbers:
    return ScatterDimensionNumbers(*[integers(field) for field in numbers])


def as_gather(numbers: ScatterDimensionNumbers) -> GatherDimensionNumbers:
    """The gather that reads what a scatter writes; fields correspond in order."""
    return GatherDimensionNumbers(*numbers)


def as_scatter(numbers: GatherDimensionNumbers) -> ScatterDimensionNumbers:
    return ScatterDimensionNumbers(*numbers)


@functools.lru_cache(4096)
def window_sizes(shape: Shape, numbers: Any, updates: Shape) -> Shape:
    """The operand's window of a scatter, from the shape of its updates."""
    window_dims, inserted, _, batching, _ = numbers
    sizes = iter([updates[d] for d in window_dims])
    return tuple([1 if d in inserted or d in batching else next(sizes) for d in range(len(shape))])


# ---- checks ----


def check_indices(op: str, indices: ShapedArray) -> None:
    if not dtypes.is_integer(indices.dtype):
        raise ValueError(
            f"{op}: indices must be integers; got {indices.str_short()}. Convert with x.astype(int)."
        )
    if not indices.shape:
        raise TypeError(
            f"{op}: the last dimension of indices holds the index vectors; got {indices.str_short()}. "
            "Use numax.lax.expand_dims(indices, (0,)) for one index."
        )


def _rising(values: Sequence[int], bound: int) -> bool:
    return all(a < b for a, b in itertools.pairwise(values)) and all(0 <= v < bound for v in values)


@functools.lru_cache(4096)
def gather_shape(
    shape: Shape, indices: Shape, numbers: GatherDimensionNumbers, sizes: Shape
) -> Shape:
    """The shape of a gather's result. TypeError if the numbers contradict the shapes."""
    offsets, collapsed, start_map, batching, indices_batching = numbers
    ndim = len(shape)
    gone = collapsed + batching
    got = f"got operand shape {shape}, indices shape {indices}, slice_sizes {sizes}, {numbers}"
    if len(sizes) != ndim:
        raise TypeError(
            f"gather: slice_sizes must have a size for each of the operand's {ndim} axes; {got}."
        )
    for d, (size, n) in enumerate(zip(sizes, shape, strict=True)):
        if not 0 <= size <= n:
            raise TypeError(f"gather: the slice size {size} of axis {d} must lie in 0..{n}; {got}.")
        if (d in collapsed and size != 1) or (d in batching and size > 1):
            raise TypeError(
                f"gather: axis {d} is left out, so its slice size must be 1, not {size}; {got}."
            )
    _check_axes(
        "gather", "collapsed_slice_dims", collapsed, "operand_batching_dims", batching, ndim, got
    )
    if len(start_map) != indices[-1]:
        raise TypeError(
            f"gather: start_index_map must have an axis for each of the {indices[-1]} components of an index; {got}."
        )
    _check_starts("gather", "start_index_map", start_map, batching, ndim, got)
    _check_batching("gather", batching, indices_batching, shape, indices, got)
    count = len(indices) - 1 + ndim - len(gone)
    if len(offsets) != ndim - len(gone) or not _rising(offsets, count):
        raise TypeError(
            f"gather: offset_dims must name, in order, a result axis below {count} for each window axis; {got}."
        )
    window = iter([size for d, size in enumerate(sizes) if d not in gone])
    batch = iter(indices[:-1])
    return tuple([next(window) if i in offsets else next(batch) for i in range(count)])


def _check_axes(
    op: str, name: str, gone: Shape, other: str, batching: Shape, ndim: int, got: str
) -> None:
    for which, axes in ((name, gone), (other, batching)):
        if not _rising(axes, ndim):
            raise TypeError(f"{op}: {which} must name different operand axes, in order; {got}.")
    if set(gone) & set(batching):
        raise TypeError(f"{op}: {name} and {other} must not share an axis; {got}.")


def _check_starts(op: str, name: str, axes: Shape, batching: Shape, ndim: int, got: str) -> None:
    if len(set(axes)) != len(axes) or any(not 0 <= d < ndim or d in batching for d in axes):
        raise TypeError(
            f"{op}: {name} must name different operand axes that are no batching axes; {got}."
        )


def _check_batching(
    op: str, axes: Shape, indices_axes: Shape, shape: Shape, indices: Shape, got: str
) -> None:
    if len(axes) != len(indices_axes) or len(set(indices_axes)) != len(indices_axes):
        raise TypeError(f"{op}: batching axes of operand and indices must go in pairs; {got}.")
    for d, e in zip(axes, indices_axes, strict=True):
        if not 0 <= e < len(indices) - 1:
            raise TypeError(f"{op}: batching axis {e} is no batch axis of the indices; {got}.")
        if shape[d] != indices[e]:
            raise TypeError(
                f"{op}: operand axis {d} and indices axis {e} go together and must have equal sizes; {got}."
            )


@functools.lru_cache(4096)
def check_scatter(
    op: str, shape: Shape, indices: Shape, updates: Shape, numbers: ScatterDimensionNumbers
) -> None:
    """TypeError if a scatter's numbers contradict the shapes."""
    window_dims, inserted, start_map, batching, indices_batching = numbers
    ndim = len(shape)
    got = f"got operand shape {shape}, indices shape {indices}, updates shape {updates}, {numbers}"
    _check_axes(op, "inserted_window_dims", inserted, "operand_batching_dims", batching, ndim, got)
    if len(start_map) != indices[-1]:
        raise TypeError(
            f"{op}: scatter_dims_to_operand_dims must have an axis for each of the {indices[-1]} components of an "
            f"index; {got}."
        )
    _check_starts(op, "scatter_dims_to_operand_dims", start_map, batching, ndim, got)
    _check_batching(op, batching, indices_batching, shape, indices, got)
    if len(updates) != len(indices) - 1 + len(window_dims) or not _rising(
        window_dims, len(updates)
    ):
        raise TypeError(
            f"{op}: update_window_dims must name, in order, axes of updates, and the others be the indices' batch "
            f"axes; {got}."
        )
    if len(window_dims) != ndim - len(inserted) - len(batching):
        raise TypeError(
            f"{op}: update_window_dims must have an axis for each window axis of the operand; {got}."
        )
    batch = tuple([n for i, n in enumerate(updates) if i not in window_dims])
    if batch != indices[:-1]:
        raise TypeError(
            f"{op}: batch sizes of updates {batch} and indices {indices[:-1]} must agree; {got}."
        )
    for d, size in enumerate(window_sizes(shape, numbers, updates)):
        if size > shape[d]:
            raise TypeError(
                f"{op}: the window of updates is larger than the operand: {size} > {shape[d]} along axis {d}; {got}."
            )


# ---- the host ----


class Plan(NamedTuple):
    """How windows map to NumPy's indexing. `moving` are the operand's axes that need index arrays, `full` those that
    windows cover; `order` brings the axes (batch, partial windows, full) into the result's order."""

    moving: Shape
    partial: Shape
    full: Shape
    order: Shape
    inverse: Shape
    limits: np.ndarray  # the largest start along each axis of the index vector
    single: bool  # one collapsed axis moves, so `take` does it
    take_order: Shape


@functools.lru_cache(4096)
def plan(shape: Shape, batch: int, numbers: GatherDimensionNumbers, sizes: Shape) -> Plan:
    """The plan for an operand's shape and the number of batch axes of the indices."""
    offsets, collapsed, start_map, batching, _ = numbers
    gone = collapsed + batching
    window = [d for d in range(len(shape)) if d not in gone]
    full = tuple([d for d in window if sizes[d] == shape[d]])
    partial = tuple([d for d in window if sizes[d] != shape[d]])
    moving = tuple([d for d in range(len(shape)) if d not in full])
    single = not partial and not batching and len(moving) == 1 and moving[0] in start_map
    order, take_order = [], []
    axis, place = 0, 0
    before = sum(d < moving[0] for d in full) if single else 0
    for i in range(batch + len(window)):
        if i in offsets:
            d = window[place]
            place += 1
            if d in partial:
                order.append(batch + partial.index(d))
            else:
                k = full.index(d)
                order.append(batch + len(partial) + k)
                take_order.append(k if k < before else k + batch)
        else:
            order.append(axis)
            take_order.append(before + axis)
            axis += 1
    limits = np.array([shape[d] - sizes[d] for d in start_map], np.intp)
    inverse = tuple([order.index(i) for i in range(len(order))])
    return Plan(moving, partial, full, tuple(order), inverse, limits, single, tuple(take_order))


def signed(indices: np.ndarray) -> np.ndarray:
    """Indices as NumPy's index type; an unsigned one too large becomes the largest."""
    if indices.dtype == np.uint64:
        indices = np.minimum(indices, np.uint64(np.iinfo(np.intp).max))
    return indices.astype(np.intp, copy=False)


def place(
    indices: np.ndarray, limits: np.ndarray, mode: GatherScatterMode
) -> tuple[np.ndarray, np.ndarray | None]:
    """Starts within bounds, and which windows were within bounds (None: all, or all are to be taken as such)."""
    starts = signed(indices)
    inside = (starts >= 0) & (starts <= limits)
    if inside.all():
        return starts, None
    valid = None if mode is CLIP else np.asarray(inside.all(-1))
    return np.clip(starts, 0, limits), valid


def _arrays(
    starts: np.ndarray, p: Plan, numbers: GatherDimensionNumbers, sizes: Shape
) -> tuple[np.ndarray, ...]:
    """An index array for each moving axis: batch axes, then partial window axes."""
    _, _, start_map, batching, indices_batching = numbers
    batch = starts.ndim - 1
    tail = len(p.partial)
    arrays = []
    for d in p.moving:
        if d in batching:
            e = indices_batching[batching.index(d)]
            line = np.arange(starts.shape[e])
            arrays.append(line.reshape([-1 if i == e else 1 for i in range(batch + tail)]))
            continue
        if d in start_map:
            at = starts[..., start_map.index(d)].reshape(starts.shape[:-1] + (1,) * tail)
        else:
            at = np.zeros((1,) * (batch + tail), np.intp)
        if d in p.partial:
            k = tail - p.partial.index(d)
            at = at + np.arange(sizes[d]).reshape((-1,) + (1,) * (k - 1))
        arrays.append(at)
    return tuple(arrays)


def _window(starts: np.ndarray, numbers: GatherDimensionNumbers, sizes: Shape) -> tuple[Any, ...]:
    """The NumPy index of the only window."""
    first = dict(zip(numbers.start_index_map, starts.reshape(-1).tolist(), strict=True))
    gone = numbers.collapsed_slice_dims
    index: list[Any] = []
    for d, size in enumerate(sizes):
        start = first.get(d, 0)
        index.append(start if d in gone else slice(start, start + size))
    return (*index, Ellipsis)


def _is_one(indices: np.ndarray, numbers: GatherDimensionNumbers) -> bool:
    return math.prod(indices.shape[:-1]) == 1 and not numbers.operand_batching_dims


def read(
    x: np.ndarray,
    indices: np.ndarray,
    numbers: GatherDimensionNumbers,
    sizes: Shape,
    mode: Any,
    fill: Any,
) -> Any:
    """gather in NumPy."""
    batch = indices.ndim - 1
    p = plan(x.shape, batch, numbers, sizes)
    valid = None
    if p.single and not drops(mode):
        return np.take(x, signed(indices[..., 0]), p.moving[0], mode="clip").transpose(p.take_order)
    starts, valid = place(indices, p.limits, mode)
    if not drops(mode):
        valid = None
    if _is_one(indices, numbers):
        if valid is None:
            window = x[_window(starts, numbers, sizes)]
            return window.reshape(gather_shape(x.shape, indices.shape, numbers, sizes))
        return np.full(gather_shape(x.shape, indices.shape, numbers, sizes), fill, x.dtype)
    if p.single:
        out = np.take(x, starts[..., 0], p.moving[0]).transpose(p.take_order)
    else:
        rows = x.transpose(p.moving + p.full)
        if p.moving:
            rows = rows[_arrays(starts, p, numbers, sizes)]
        shape = starts.shape[:-1] + tuple([sizes[d] for d in p.partial + p.full])
        out = np.broadcast_to(rows, shape).transpose(p.order)
    if valid is None:
        return out
    kept = valid.reshape([1 if i in numbers.offset_dims else n for i, n in enumerate(out.shape)])
    return np.where(kept, out, np.array(fill, x.dtype))


def write(
    x: np.ndarray,
    indices: np.ndarray,
    updates: np.ndarray,
    numbers: ScatterDimensionNumbers,
    mode: Any,
    combine: np.ufunc | None,
    unique: bool,
) -> np.ndarray:
    """scatter in NumPy: a copy of x with updates combined in (None: replacing, the last one wins)."""
    reading = as_gather(numbers)
    sizes = window_sizes(x.shape, numbers, updates.shape)
    out = np.array(x, order="C")
    if not updates.size:
        return out
    starts, valid = place(indices, plan(x.shape, indices.ndim - 1, reading, sizes).limits, mode)
    if _is_one(indices, reading):
        if valid is None:
            target = out[_window(starts, reading, sizes)]
            update = updates.reshape(target.shape)
            target[...] = update if combine is None else combine(target, update)
        return out
    p = plan(x.shape, indices.ndim - 1, reading, sizes)
    count = math.prod(starts.shape[:-1])
    inner = tuple([sizes[d] for d in p.partial + p.full])
    rows = updates.transpose(p.inverse).reshape((count, *inner))
    if not p.moving:
        rows = rows if valid is None else rows[valid.reshape(-1)]
        arrays: tuple[np.ndarray, ...] = (np.zeros(len(rows), np.intp),)
        view = out[None]
    else:
        shape = (*starts.shape[:-1], *inner[: len(p.partial)])
        lines = [np.broadcast_to(a, shape) for a in _arrays(starts, p, reading, sizes)]
        arrays = tuple([a.reshape((count, *shape[len(starts.shape) - 1 :])) for a in lines])
        if valid is not None:
            kept = valid.reshape(-1)
            rows, arrays = rows[kept], tuple([a[kept] for a in arrays])
        view = out.transpose(p.moving + p.full)
    if combine is None:
        view[arrays] = rows
    elif unique:
        view[arrays] = combine(view[arrays], rows)
    else:
        _accumulate(combine, out, view, arrays, rows)
    return out


def _accumulate(
    combine: np.ufunc,
    out: np.ndarray,
    view: np.ndarray,
    arrays: Sequence[np.ndarray],
    rows: np.ndarray,
) -> None:
    """combine.at on flat memory, which is many times as fast as on axes."""
    step = [s // out.itemsize for s in view.strides]
    places = np.zeros(arrays[0].shape, np.intp)
    for a, s in zip(arrays, step, strict=False):
        places += a * s
    for n, s in zip(view.shape[len(arrays) :], step[len(arrays) :], strict=True):
        places = places[..., None] + np.arange(n) * s
    combine.at(out.reshape(-1), places.reshape(-1), rows.reshape(-1))


# ---- lowering ----


def lower_indices(ctx: Any, indices: Any, limits: Sequence[int]) -> Any:
    """Indices as signed integers of at least 32 bits; unsigned ones too large stay out of bounds."""
    dtype = indices.dtype
    wide = dtypes.int64 if dtype in (dtypes.int64, dtypes.uint64) else dtypes.int32
    if max(limits, default=0) >= 2**31 - 1:
        wide = dtypes.int64
    if dtype in (dtypes.uint32, dtypes.uint64):
        bound = hlo.full(ctx, max(limits, default=0) + 1, indices.shape, dtype)
        indices = hlo.minimum(ctx, indices, bound)
    return indices if dtype == wide else hlo.convert(ctx, indices, wide)


def limit_vector(ctx: Any, indices: Any, limits: Sequence[int]) -> Any:
    if len(set(limits)) == 1:
        return hlo.full(ctx, int(limits[0]), indices.shape, indices.dtype)
    line = hlo.constant(ctx, np.array(limits, indices.dtype))
    return hlo.broadcast_in_dim(ctx, line, indices.shape, (len(indices.shape) - 1,))


def lower_inside(ctx: Any, indices: Any, limits: Sequence[int]) -> Any:
    """Which index vectors are within bounds: booleans of the batch shape."""
    zero = hlo.full(ctx, 0, indices.shape, indices.dtype)
    over = hlo.compare(ctx, indices, zero, "GE")
    under = hlo.compare(ctx, indices, limit_vector(ctx, indices, limits), "LE")
    both = hlo.and_(ctx, over, under)
    last = len(indices.shape) - 1
    if indices.shape[last] == 1:
        return hlo.reshape(ctx, both, indices.shape[:-1])
    return hlo.reduce_with(ctx, both, hlo.full(ctx, True, (), dtypes.bool_), (last,), hlo.and_)


def lower_clip(ctx: Any, indices: Any, limits: Sequence[int]) -> Any:
    if not indices.shape[-1]:
        return indices
    zero = hlo.full(ctx, 0, indices.shape, indices.dtype)
    return hlo.minimum(ctx, hlo.maximum(ctx, indices, zero), limit_vector(ctx, indices, limits))


def limits_of(shape: Shape, start_map: Shape, sizes: Shape) -> list[int]:
    return [shape[d] - sizes[d] for d in start_map]


Combine = Callable[..., Any]


def lower_one_window(
    ctx: Any,
    x: Any,
    indices: Any,
    updates: Any,
    numbers: ScatterDimensionNumbers,
    mode: Any,
    combine: Combine,
) -> Any:
    """A scatter of one window as dynamic_slice and dynamic_update_slice, which need no loop."""
    sizes = window_sizes(x.shape, numbers, updates.shape)
    start_map = numbers.scatter_dims_to_operand_dims
    flat = hlo.reshape(ctx, indices, (len(start_map),))
    zero = hlo.full(ctx, 0, (), indices.dtype)
    starts = [zero] * len(x.shape)
    for k, d in enumerate(start_map):
        starts[d] = hlo.reshape(ctx, hlo.slice(ctx, flat, (k,), (k + 1,)), ())
    update = hlo.reshape(ctx, updates, sizes)
    plain = combine is hlo.second
    if plain and (mode is CLIP or not start_map):
        return hlo.dynamic_update_slice(ctx, x, update, starts)
    old = hlo.dynamic_slice(ctx, x, starts, sizes)
    new = update if plain else combine(ctx, old, update)
    if mode is not CLIP and start_map:
        inside = lower_inside(ctx, flat, limits_of(x.shape, start_map, sizes))
        new = hlo.select(ctx, hlo.broadcast_scalar(ctx, inside, sizes), new, old)
    return hlo.dynamic_update_slice(ctx, x, new, starts)


def _is_row(shape: Shape, indices: Any, updates: Any, numbers: ScatterDimensionNumbers) -> bool:
    """Whether updates are single elements at places along an array of one dimension."""
    return (
        len(shape) == 1
        and shape[0] < 2**31
        and numbers.inserted_window_dims == (0,)
        and numbers.scatter_dims_to_operand_dims == (0,)
        and updates.shape == indices.shape[:-1]
    )


def _lower_row_added(
    ctx: Any, x: Any, indices: Any, updates: Any, clip: bool, scatter: Callable[..., Any]
) -> Any:
    """A sum scattered into a row: by a kernel, or in parts. scatter: (x, indices, updates) -> sum."""
    places = indices
    if indices.dtype == dtypes.int64:  # out of bounds as int32 too
        low = hlo.full(ctx, -1, indices.shape, indices.dtype)
        high = hlo.full(ctx, x.shape[0], indices.shape, indices.dtype)
        places = hlo.minimum(ctx, hlo.maximum(ctx, indices, low), high)
    found = kernels.scatter_add(ctx, x, hlo.convert(ctx, places, dtypes.int32), updates, clip)
    if found is not None:
        return found
    if clip:
        indices = lower_clip(ctx, indices, (x.shape[0] - 1,))
    n = indices.shape[0]
    if len(indices.shape) != 2 or n < _SPLIT or x.shape[0] >= n // 64:
        return scatter(x, indices, updates)
    zero = hlo.full(ctx, 0, x.shape, x.dtype)
    for i in range(_PARTS):  # which run beside each other
        low, high = n * i // _PARTS, n * (i + 1) // _PARTS
        piece = (
            hlo.slice(ctx, indices, (low, 0), (high, 1)),
            hlo.slice(ctx, updates, (low,), (high,)),
        )
        part = scatter(zero if i else x, *piece)
        found = part if found is None else hlo.add(ctx, found, part)
    return found


_SPLIT, _PARTS = 1 << 16, 4


def lower_scatter(
    ctx: Any,
    x: Any,
    indices: Any,
    updates: Any,
    combine: Combine,
    *,
    dimension_numbers: ScatterDimensionNumbers,
    indices_are_sorted: bool,
    unique_indices: bool,
    mode: GatherScatterMode,
    arrays: bool = True,
) -> Any:
    """scatter in StableHLO. combine: two scalars (and where `arrays`, two arrays) to one; `hlo.second` replaces."""
    numbers = dimension_numbers
    sizes = window_sizes(x.shape, numbers, updates.shape)
    if not math.prod(updates.shape):
        return x
    limits = limits_of(x.shape, numbers.scatter_dims_to_operand_dims, sizes)
    indices = lower_indices(ctx, indices, limits)
    if arrays and math.prod(indices.shape[:-1]) == 1 and not numbers.operand_batching_dims:
        return lower_one_window(ctx, x, indices, updates, numbers, mode, combine)

    def scatter(x: Any, indices: Any, updates: Any) -> Any:
        return hlo.scatter(
            ctx,
            [x],
            indices,
            [updates],
            combine,
            update_window_dims=numbers.update_window_dims,
            inserted_window_dims=numbers.inserted_window_dims,
            scatter_dims_to_operand_dims=numbers.scatter_dims_to_operand_dims,
            input_batching_dims=numbers.operand_batching_dims,
            scatter_indices_batching_dims=numbers.scatter_indices_batching_dims,
            indices_are_sorted=indices_are_sorted,
            unique_indices=unique_indices,
        )[0]

    if combine is hlo.add and ctx.platform == "cpu" and _is_row(x.shape, indices, updates, numbers):
        return _lower_row_added(ctx, x, indices, updates, mode is CLIP, scatter)
    if mode is CLIP:
        indices = lower_clip(ctx, indices, limits)
    return scatter(x, indices, updates)
