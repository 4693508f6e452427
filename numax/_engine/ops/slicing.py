"""Slices at static places, and at computed ones, which are moved inside the bounds."""

import builtins
import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.array import Array, from_numpy, wrap
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.primitive import Primitive, is_linear
from numax._engine.core.trace import as_value
from numax._engine.ops.arithmetic import rem
from numax._engine.ops.basis import (
    add_p,
    canonical_axis,
    convert,
    expand_dims,
    instantiate,
    reshape,
    select_n_p,
    squeeze,
    to_front,
)
from numax._engine.ops.compare import lt_p
from numax._engine.ops.families import linear
from numax._engine.ops.gather import batch_scatter, gather, gather_p
from numax._engine.ops.places import CLIP, GatherDimensionNumbers, ScatterDimensionNumbers
from numax._engine.ops.scatter import scatter_p
from numax._engine.ops.shape import concatenate, pad, zeros
from numax._engine.stablehlo import hlo

Shape = tuple[int, ...]
_python_slice = builtins.slice

# ---- slice ----


def slice(operand: Any, start_indices: Any, limit_indices: Any, strides: Any = None) -> Any:
    """operand[start:limit:stride] along each axis, at places known while tracing.

    Raises: TypeError if a slice is out of bounds. Grad: linear. Source: StableHLO `slice`.
    """
    operand = as_value(operand, "slice")
    steps = None if strides is None else tuple([operator.index(s) for s in strides])
    if steps is not None and all(s == 1 for s in steps):
        steps = None
    start = tuple([operator.index(i) for i in start_indices])
    limit = tuple([operator.index(i) for i in limit_indices])
    if steps is None and limit == operand.shape and not any(start) and len(start) == len(limit):
        return operand
    return slice_p.bind(operand, start_indices=start, limit_indices=limit, strides=steps)


def _slice_infer(
    x: ShapedArray, *, start_indices: Shape, limit_indices: Shape, strides: Shape | None
) -> ShapedArray:
    steps = (1,) * x.ndim if strides is None else strides
    if not x.ndim == len(start_indices) == len(limit_indices) == len(steps):
        raise TypeError(
            f"slice: start, limit and strides must have a number for each of the {x.ndim} axes; got {start_indices}, "
            f"{limit_indices} and {strides} for {x.str_short()}."
        )
    shape = []
    for d, (n, lo, hi, step) in enumerate(
        zip(x.shape, start_indices, limit_indices, steps, strict=True)
    ):
        if not 0 <= lo <= hi <= n:
            raise TypeError(
                f"slice: 0 <= start <= limit <= {n} must hold along axis {d}; got start {lo} and limit {hi} for "
                f"{x.str_short()}."
            )
        if step < 1:
            raise TypeError(
                f"slice: strides must be positive; got {step} along axis {d}. Use numax.lax.rev to reverse."
            )
        shape.append((hi - lo + step - 1) // step)
    return ShapedArray(tuple(shape), x.dtype, x.weak_type)


def _cut(start: Shape, limit: Shape, strides: Shape | None) -> Any:
    if strides is None:
        return tuple(map(_python_slice, start, limit))
    return tuple(map(_python_slice, start, limit, strides))


def _slice_transpose(
    ct: Any, x: Any, *, start_indices: Shape, limit_indices: Shape, strides: Shape | None
) -> list[Any]:
    sizes = ct.aval.shape
    steps = (1,) * len(sizes) if strides is None else strides
    config = []
    for n, lo, size, step in zip(x.aval.shape, start_indices, sizes, steps, strict=True):
        width = (size - 1) * step + 1 if size else 0
        config.append((lo, n - lo - width, step - 1))
    return [pad(ct, zeros(ShapedArray((), ct.aval.dtype)), config)]


def _slice_batch(
    axis: Any,
    args: Any,
    dims: Any,
    *,
    start_indices: Shape,
    limit_indices: Shape,
    strides: Shape | None,
) -> Any:
    d = dims[0]
    start = (*start_indices[:d], 0, *start_indices[d:])
    limit = (*limit_indices[:d], axis.size, *limit_indices[d:])
    steps = None if strides is None else (*strides[:d], 1, *strides[d:])
    return slice_p.bind(args[0], start_indices=start, limit_indices=limit, strides=steps), d


slice_p = linear(
    "slice",
    infer=_slice_infer,
    host=lambda x, *, start_indices, limit_indices, strides: x[
        _cut(start_indices, limit_indices, strides)
    ],
    lower=lambda ctx, x, *, start_indices, limit_indices, strides: hlo.slice(
        ctx, x, start_indices, limit_indices, strides
    ),
    transpose=_slice_transpose,
    batch=_slice_batch,
)


def slice_in_dim(
    operand: Any, start_index: int | None, limit_index: int | None, stride: int = 1, axis: int = 0
) -> Any:
    """operand[start:limit:stride] along one axis; negative numbers count from the end, None is the end.

    Raises: TypeError if the slice is out of bounds. Grad: linear. Source: StableHLO `slice`.
    """
    operand = as_value(operand, "slice_in_dim")
    shape = operand.shape
    axis = canonical_axis("slice_in_dim", axis, len(shape))
    n = shape[axis]
    lo = 0 if start_index is None else operator.index(start_index)
    hi = n if limit_index is None else operator.index(limit_index)
    start, limit, steps = [0] * len(shape), list(shape), [1] * len(shape)
    start[axis] = lo + n if lo < 0 else lo
    limit[axis] = hi + n if hi < 0 else hi
    steps[axis] = operator.index(stride)
    return slice(operand, start, limit, steps)


def index_in_dim(operand: Any, index: int, axis: int = 0, keepdims: bool = True) -> Any:
    """operand[index] along one axis, which stays with size 1 unless keepdims is False.

    Raises: IndexError if the index is out of bounds. Grad: linear.
    """
    operand = as_value(operand, "index_in_dim")
    axis = canonical_axis("index_in_dim", axis, operand.aval.ndim)
    index, n = operator.index(index), operand.shape[axis]
    if not -n <= index < n:
        raise IndexError(
            f"index_in_dim: index {index} is out of bounds for axis {axis} of size {n}."
        )
    index = index + n if index < 0 else index
    out = slice_in_dim(operand, index, index + 1, 1, axis)
    return out if keepdims else squeeze(out, (axis,))


# ---- places known at run time only ----


@functools.lru_cache(4096)
def _number(value: int, dtype: Any) -> Array:
    return wrap(np.array(value, dtype), etype(dtype))


def small_index(i: int) -> Array:
    """A Python integer as a scalar index: int32, or int64 where it must be."""
    if -(2**31) <= i < 2**31:
        return _number(i, dtypes.int32)
    return _number(max(-(2**63), min(i, 2**63 - 1)), dtypes.int64)


def wrap_negative(index: Any, size: int) -> Any:
    """A traced index with negative values counted from the end; of at least 32 bits."""
    dtype = index.dtype
    if dtype.itemsize < 4:
        index, dtype = convert(index, dtypes.int32), dtypes.int32
    if not dtypes.is_signed(dtype):
        return index
    below = lt_p.bind(index, _number(0, dtype))
    return select_n_p.bind(below, index, add_p.bind(index, _number(size, dtype)))


def modulo(index: Any, size: int) -> Any:
    """An index wrapped around into 0..size-1."""
    known = known_value(index)
    if known is not None:
        return from_numpy(np.remainder(known.astype(np.int64), size).astype(np.int32))
    if index.dtype.itemsize < 4:
        index = convert(index, dtypes.int32)
    return wrap_negative(rem(index, _number(size, index.dtype)), size)


def known_value(x: Any) -> np.ndarray | None:
    """The numbers of a value, where they are known."""
    if type(x) is Array:
        return x.numpy_()
    found = x.concrete_()
    return None if found is None else found.numpy_()


def _starts(op: str, starts: Any, shape: Shape, allow_negative: Any) -> list[Any]:
    """Scalar start values, negative ones counted from the end where that is allowed."""
    if hasattr(starts, "aval"):
        starts = [squeeze(slice_in_dim(starts, i, i + 1), (0,)) for i in range(starts.shape[0])]
    starts = list(starts)
    allowed = (
        [allow_negative] * len(starts) if isinstance(allow_negative, bool) else list(allow_negative)
    )
    if len(starts) != len(shape) or len(allowed) != len(shape):
        raise ValueError(
            f"{op}: there must be a start for each of the {len(shape)} axes; got {len(starts)}."
        )
    out = []
    for start, n, negative in zip(starts, shape, allowed, strict=True):
        value, known = (None, start) if type(start) is int else _start(op, start)
        if known is None:
            out.append(wrap_negative(value, n) if negative else value)
            continue
        if known < 0 and not negative:
            raise ValueError(
                f"{op}: start {known} must not be negative where allow_negative_indices=False."
            )
        out.append(small_index(known + n if known < 0 else known))
    return out


def _start(op: str, start: Any) -> tuple[Any, int | None]:
    """A start as a value, and its number if that is known."""
    value = as_value(start, op)
    if not dtypes.is_integer(value.dtype):
        raise TypeError(f"{op}: starts must be integers; got {value.aval.str_short()}.")
    if value.shape:
        raise TypeError(f"{op}: starts must have no dimensions; got {value.aval.str_short()}.")
    data = known_value(value)
    return value, None if data is None else int(data)


def dynamic_slice(
    operand: Any, start_indices: Any, slice_sizes: Any, *, allow_negative_indices: Any = True
) -> Any:
    """A window of fixed sizes at a computed place, moved to lie within bounds.

    Args: negative starts count from the end, unless allow_negative_indices is False.
    Raises: TypeError if a size is out of range or starts are not integers.
    Grad: linear in the operand, none in the starts. Source: StableHLO `dynamic_slice`.
    """
    operand = as_value(operand, "dynamic_slice")
    starts = _starts("dynamic_slice", start_indices, operand.shape, allow_negative_indices)
    sizes = tuple([operator.index(n) for n in slice_sizes])
    return dynamic_slice_p.bind(operand, *starts, slice_sizes=sizes)


def _check_starts(
    op: str, x: ShapedArray, sizes: Shape, starts: Sequence[ShapedArray], what: str
) -> None:
    if len(sizes) != x.ndim or len(starts) != x.ndim:
        raise TypeError(
            f"{op}: {what} and starts must have one number for each of the {x.ndim} axes; got {sizes} and "
            f"{len(starts)} starts for {x.str_short()}."
        )
    for d, (size, n) in enumerate(zip(sizes, x.shape, strict=True)):
        if not 0 <= size <= n:
            raise TypeError(
                f"{op}: the size {size} of axis {d} must lie in 0..{n}; got {what} {sizes} for {x.str_short()}."
            )
    for s in starts:
        if s.shape or not dtypes.is_integer(s.dtype):
            raise TypeError(
                f"{op}: starts must be integers without dimensions; got {s.str_short()}."
            )


def _slice_at_infer(x: ShapedArray, *starts: ShapedArray, slice_sizes: Shape) -> ShapedArray:
    _check_starts("dynamic_slice", x, slice_sizes, starts, "slice_sizes")
    return ShapedArray(slice_sizes, x.dtype, x.weak_type)


def _window(shape: Shape, starts: Sequence[np.ndarray], sizes: Shape) -> tuple[Any, ...]:
    index = []
    for n, start, size in zip(shape, starts, sizes, strict=True):
        first = min(max(int(start), 0), n - size)
        index.append(_python_slice(first, first + size))
    return tuple(index)


def _same_type(ctx: Any, starts: Sequence[Any], shape: Shape, sizes: Shape) -> list[Any]:
    """Starts as one signed integer type; an unsigned one too large stays too large."""
    wide = dtypes.int32
    if (
        any(s.dtype in (dtypes.int64, dtypes.uint64) for s in starts)
        or max(shape, default=0) >= 2**31
    ):
        wide = dtypes.int64
    out = []
    for s, n, size in zip(starts, shape, sizes, strict=True):
        if s.dtype in (dtypes.uint32, dtypes.uint64):
            s = hlo.minimum(ctx, s, hlo.full(ctx, n - size, (), s.dtype))
        out.append(s if s.dtype == wide else hlo.convert(ctx, s, wide))
    return out


def _slice_at_lower(ctx: Any, x: Any, *starts: Any, slice_sizes: Shape) -> Any:
    return hlo.dynamic_slice(ctx, x, _same_type(ctx, starts, x.shape, slice_sizes), slice_sizes)


def _slice_at_transpose(ct: Any, x: Any, *starts: Any, slice_sizes: Shape) -> list[Any]:
    return [dynamic_update_slice_p.bind(zeros(x.aval), ct, *starts)] + [None] * len(starts)


def _index_vector(axis: Any, starts: Sequence[Any], dims: Sequence[Any]) -> Any:
    """Starts, some of them batched, as index vectors: (batch, components)."""
    wide = any(s.dtype in (dtypes.int64, dtypes.uint64, dtypes.uint32) for s in starts)
    dtype = dtypes.int64 if wide else dtypes.int32
    columns = []
    for s, d in zip(starts, dims, strict=True):
        column = to_front(convert(s, dtype), d, axis.size)
        columns.append(reshape(column, (axis.size, 1)))
    return concatenate(columns, 1)


def _slice_at_batch(axis: Any, args: Any, dims: Any, *, slice_sizes: Shape) -> Any:
    (x, *starts), (x_dim, *start_dims) = args, dims
    if all(d is None for d in start_dims):
        starts.insert(x_dim, small_index(0))
        sizes = (*slice_sizes[:x_dim], axis.size, *slice_sizes[x_dim:])
        return dynamic_slice_p.bind(x, *starts, slice_sizes=sizes), x_dim
    ndim = len(slice_sizes)
    indices = _index_vector(axis, starts, start_dims)
    numbers = GatherDimensionNumbers(tuple(range(ndim)), (), tuple(range(ndim)))
    return gather_p.batch(
        axis,
        (x, indices),
        (x_dim, 0),
        dimension_numbers=numbers,
        slice_sizes=slice_sizes,
        indices_are_sorted=True,
        unique_indices=True,
        mode=CLIP,
        fill_value=None,
    )


def _slice_at_jvp(primals: Any, tangents: Any, *, slice_sizes: Shape) -> Any:
    x, *starts = primals
    out = dynamic_slice_p.bind(x, *starts, slice_sizes=slice_sizes)
    return out, dynamic_slice_p.bind(tangents[0], *starts, slice_sizes=slice_sizes)


dynamic_slice_p = Primitive(
    name="dynamic_slice",
    infer=_slice_at_infer,
    host=lambda x, *starts, slice_sizes: x[_window(x.shape, starts, slice_sizes)],
    lower=_slice_at_lower,
    jvp=_slice_at_jvp,
    transpose=_slice_at_transpose,
    batch=_slice_at_batch,
)


def dynamic_update_slice(
    operand: Any, update: Any, start_indices: Any, *, allow_negative_indices: Any = True
) -> Any:
    """The operand with a window at a computed place, moved to lie within bounds, replaced by `update`.

    Args: negative starts count from the end, unless allow_negative_indices is False.
    Raises: TypeError if dtypes or numbers of axes differ, or the update is larger than the operand.
    Grad: linear in operand and update, none in the starts. Source: StableHLO `dynamic_update_slice`.
    """
    operand = as_value(operand, "dynamic_update_slice")
    update = as_value(update, "dynamic_update_slice")
    starts = _starts("dynamic_update_slice", start_indices, operand.shape, allow_negative_indices)
    return dynamic_update_slice_p.bind(operand, update, *starts)


def _update_infer(x: ShapedArray, update: ShapedArray, *starts: ShapedArray) -> ShapedArray:
    if x.dtype != update.dtype:
        raise TypeError(
            f"dynamic_update_slice: operand and update must have equal dtypes; got {x.str_short()} and "
            f"{update.str_short()}. Convert the update with x.astype(dtype)."
        )
    if x.ndim != update.ndim:
        raise TypeError(
            f"dynamic_update_slice: operand and update must have equal numbers of axes; got {x.str_short()} and "
            f"{update.str_short()}."
        )
    _check_starts("dynamic_update_slice", x, update.shape, starts, "update shape")
    return x


def _update_host(x: np.ndarray, update: np.ndarray, *starts: np.ndarray) -> np.ndarray:
    out = np.array(x, order="C")
    out[_window(x.shape, starts, update.shape)] = update
    return out


def _update_lower(ctx: Any, x: Any, update: Any, *starts: Any) -> Any:
    return hlo.dynamic_update_slice(ctx, x, update, _same_type(ctx, starts, x.shape, update.shape))


def _update_jvp(primals: Any, tangents: Any) -> Any:
    x, update, *starts = primals
    out = dynamic_update_slice_p.bind(x, update, *starts)
    t, t_update = map(instantiate, tangents[:2])
    return out, dynamic_update_slice_p.bind(t, t_update, *starts)


def _update_transpose(ct: Any, x: Any, update: Any, *starts: Any) -> list[Any]:
    out: list[Any] = [None] * (2 + len(starts))
    if is_linear(x):
        out[0] = dynamic_update_slice_p.bind(ct, zeros(update.aval), *starts)
    if is_linear(update):
        out[1] = dynamic_slice_p.bind(ct, *starts, slice_sizes=update.aval.shape)
    return out


def _update_batch(axis: Any, args: Any, dims: Any) -> Any:
    (x, update, *starts), (x_dim, update_dim, *start_dims) = args, dims
    if all(d is None for d in start_dims):
        x = to_front(x, x_dim, axis.size)
        update = to_front(update, update_dim, axis.size)
        return dynamic_update_slice_p.bind(x, update, small_index(0), *starts), 0
    ndim = update.aval.ndim - (update_dim is not None)
    indices = _index_vector(axis, starts, start_dims)
    numbers = ScatterDimensionNumbers(tuple(range(ndim)), (), tuple(range(ndim)))
    params = {"indices_are_sorted": True, "unique_indices": True, "mode": CLIP}
    values, numbers, params = batch_scatter(
        axis, (x, indices, update), (x_dim, 0, update_dim), numbers, params
    )
    return scatter_p.bind(*values, dimension_numbers=numbers, **params), 0


dynamic_update_slice_p = Primitive(
    name="dynamic_update_slice",
    infer=_update_infer,
    host=_update_host,
    lower=_update_lower,
    jvp=_update_jvp,
    transpose=_update_transpose,
    batch=_update_batch,
)


# ---- along one axis ----


def dynamic_slice_in_dim(
    operand: Any,
    start_index: Any,
    slice_size: int,
    axis: int = 0,
    *,
    allow_negative_indices: bool = True,
) -> Any:
    """`dynamic_slice` along one axis.

    Raises: TypeError if the size is out of range. Grad: linear in the operand.
    """
    operand = as_value(operand, "dynamic_slice_in_dim")
    axis = canonical_axis("dynamic_slice_in_dim", axis, operand.aval.ndim)
    starts: list[Any] = [0] * operand.aval.ndim
    starts[axis] = start_index
    sizes = list(operand.shape)
    sizes[axis] = operator.index(slice_size)
    return dynamic_slice(operand, starts, sizes, allow_negative_indices=allow_negative_indices)


def dynamic_index_in_dim(
    operand: Any,
    index: Any,
    axis: int = 0,
    keepdims: bool = True,
    *,
    allow_negative_indices: bool = True,
) -> Any:
    """operand[index] along one axis, at a computed place; the axis stays with size 1 unless keepdims is False.

    An index out of bounds is moved inside. Grad: linear in the operand.
    """
    operand = as_value(operand, "dynamic_index_in_dim")
    axis = canonical_axis("dynamic_index_in_dim", axis, operand.aval.ndim)
    out = dynamic_slice_in_dim(
        operand, index, 1, axis, allow_negative_indices=allow_negative_indices
    )
    return out if keepdims else squeeze(out, (axis,))


def dynamic_update_slice_in_dim(
    operand: Any, update: Any, start_index: Any, axis: int, *, allow_negative_indices: bool = True
) -> Any:
    """`dynamic_update_slice` along one axis.

    Raises: TypeError if dtypes or numbers of axes differ. Grad: linear in operand and update.
    """
    operand = as_value(operand, "dynamic_update_slice_in_dim")
    axis = canonical_axis("dynamic_update_slice_in_dim", axis, operand.aval.ndim)
    starts: list[Any] = [0] * operand.aval.ndim
    starts[axis] = start_index
    return dynamic_update_slice(
        operand, update, starts, allow_negative_indices=allow_negative_indices
    )


def dynamic_update_index_in_dim(
    operand: Any, update: Any, index: Any, axis: int, *, allow_negative_indices: bool = True
) -> Any:
    """The operand with operand[index] along one axis replaced; `update` may lack that axis.

    Raises: TypeError if dtypes differ or the shapes do not fit. Grad: linear in operand and update.
    """
    operand = as_value(operand, "dynamic_update_index_in_dim")
    update = as_value(update, "dynamic_update_index_in_dim")
    axis = canonical_axis("dynamic_update_index_in_dim", axis, operand.aval.ndim)
    if update.aval.ndim != operand.aval.ndim:
        if update.aval.ndim + 1 != operand.aval.ndim:
            raise TypeError(
                f"dynamic_update_index_in_dim: the update must have the operand's axes, or lack axis {axis}; got "
                f"{update.aval.str_short()} for {operand.aval.str_short()}."
            )
        update = expand_dims(update, (axis,))
    return dynamic_update_slice_in_dim(
        operand, update, index, axis, allow_negative_indices=allow_negative_indices
    )


def index_take(src: Any, idxs: Any, axes: Any) -> Any:
    """Elements of src at index arrays for some axes, wrapped around; the index axis comes first in the result.

    Args: idxs, an index vector for each of `axes`, all of one size.
    Grad: linear in `src`, none in the indices. Source: StableHLO `gather`.
    """
    src = as_value(src, "index_take")
    axes = tuple([canonical_axis("index_take", a, src.aval.ndim) for a in axes])
    columns = []
    for i, a in zip(idxs, axes, strict=True):
        index = as_value(i, "index_take")
        columns.append(expand_dims(modulo(index, src.shape[a]), (index.aval.ndim,)))
    indices = concatenate(columns, columns[0].aval.ndim - 1)
    kept = src.aval.ndim - len(axes)
    batch = indices.aval.ndim - 1
    numbers = GatherDimensionNumbers(tuple(range(batch, batch + kept)), tuple(sorted(axes)), axes)
    sizes = tuple([1 if d in axes else n for d, n in enumerate(src.shape)])
    return gather(src, indices, numbers, sizes, mode="promise_in_bounds")


__all__ = [
    "dynamic_index_in_dim",
    "dynamic_slice",
    "dynamic_slice_in_dim",
    "dynamic_slice_p",
    "dynamic_update_index_in_dim",
    "dynamic_update_slice",
    "dynamic_update_slice_in_dim",
    "dynamic_update_slice_p",
    "index_in_dim",
    "index_take",
    "slice",
    "slice_in_dim",
    "slice_p",
]
