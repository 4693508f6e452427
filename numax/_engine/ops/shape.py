"""Operations on shapes: making, joining, cutting, padding and repeating arrays."""

import builtins
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.array import from_numpy
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, is_linear, not_linear, zero_tangent
from numax._engine.core.trace import as_value, typeof
from numax._engine.core.tree_nodes import flatten, unflatten
from numax._engine.ops.basis import (
    broadcast_in_dim,
    canonical_axis,
    canonical_shape,
    convert,
    expand_dims,
    instantiate,
    is_value,
    moveaxis,
    reduce_sum,
    reshape,
    select_n,
    squeeze,
    to_front,
    zeros_of,
)
from numax._engine.ops.families import linear
from numax._engine.stablehlo import hlo

Shape = tuple[int, ...]


def zeros(aval: Any) -> Any:
    """Zeros of an abstract value's shape and dtype: a scalar, broadcast (so that programs hold no constant)."""
    return broadcast_in_dim(zeros_of(ShapedArray((), aval.dtype, aval.weak_type)), aval.shape, ())


# ---- shapes alone ----


def broadcast_shapes(*shapes: Any) -> Shape:
    """The shape that arrays of the given shapes broadcast to, by NumPy's rule.

    Raises: ValueError if two sizes of an axis differ and neither is 1.
    """
    if len(shapes) == 1:
        return canonical_shape("broadcast_shapes", shapes[0])
    if len({tuple(s) for s in shapes}) == 1:
        return tuple(shapes[0])
    ndim = builtins.max([len(s) for s in shapes], default=0)
    out = [1] * ndim
    for shape in shapes:
        for i, n in enumerate(shape, ndim - len(shape)):
            if out[i] == 1:
                out[i] = n
            elif n not in (1, out[i]):
                raise ValueError(
                    f"broadcast_shapes: sizes of axis {i - ndim} differ and are not 1; got shapes "
                    f"{', '.join(str(tuple(s)) for s in shapes)}. Reshape one of the arrays."
                )
    return tuple(out)


def broadcast(operand: Any, sizes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """Repeat along new leading axes of the given sizes.

    Grad: linear. Source: StableHLO `broadcast_in_dim`.
    """
    operand = as_value(operand, "broadcast")
    lead = canonical_shape("broadcast", sizes)
    dims = tuple(range(len(lead), len(lead) + operand.aval.ndim))
    return broadcast_in_dim(operand, (*lead, *operand.shape), dims)


def broadcast_to(op: str, x: Any, shape: Shape) -> Any:
    """NumPy's broadcasting of a value to a shape."""
    if x.shape == shape:
        return x
    have = x.shape
    lead = len(shape) - len(have)
    if lead < 0 or any(n not in (1, m) for n, m in zip(have, shape[lead:], strict=True)):
        raise ValueError(
            f"{op}: cannot broadcast {x.aval.str_short()} to shape {shape}. Sizes must agree, counted from "
            "the last axis, or be 1."
        )
    return broadcast_in_dim(x, shape, tuple(range(lead, len(shape))))


def broadcast_like(arr: Any, like_arr: Any) -> Any:
    """Broadcast to the shape of another array, by NumPy's rule.

    Raises: ValueError if the sizes of an axis differ and arr's is not 1. Grad: linear in `arr`, none in `like_arr`.
    """
    return broadcast_to("broadcast_like", as_value(arr, "broadcast_like"), typeof(like_arr).shape)


def broadcast_to_rank(x: Any, rank: int) -> Any:
    """Add leading axes of size 1 until there are `rank` axes.

    Raises: ValueError if there are more already. Grad: linear.
    """
    x = as_value(x, "broadcast_to_rank")
    ndim = x.aval.ndim
    if ndim > rank:
        raise ValueError(
            f"broadcast_to_rank: rank must be at least {ndim}; got {rank} for {x.aval.str_short()}."
        )
    return expand_dims(x, tuple(range(rank - ndim)))


def collapse(operand: Any, start_dimension: int, stop_dimension: int | None = None) -> Any:
    """Join the axes start_dimension to stop_dimension (excluded) into one.

    Raises: ValueError if the range is out of order. Grad: linear. Source: StableHLO `reshape`.
    """
    operand = as_value(operand, "collapse")
    shape = operand.shape
    lo, hi, _ = builtins.slice(start_dimension, stop_dimension).indices(len(shape))
    if hi < lo:
        raise ValueError(
            f"collapse: the range of axes must not be reversed; got {lo}:{hi} for {operand.aval.str_short()}."
        )
    return reshape(operand, (*shape[:lo], math.prod(shape[lo:hi]), *shape[hi:]))


def shape_as_value(shape: Any) -> Any:
    """A shape as an array of integers.

    Dtypes: int32 (int64 with x64).
    """
    return from_numpy(np.array(canonical_shape("shape_as_value", shape), np.int64))


def dtype(x: Any) -> Any:
    """The dtype of an array or number.

    Raises: TypeError for anything else.
    """
    return typeof(x).dtype


# ---- full, iota ----


def full(shape: Any, fill_value: Any, dtype: Any = None, *, sharding: Any = None) -> Any:
    """An array of one value.

    Dtypes: `dtype`, or that of the value (weak for a Python number).
    Raises: TypeError if the value has dimensions. Grad: linear in the value. Source: StableHLO `broadcast_in_dim`.
    """
    shape = canonical_shape("full", shape)
    if dtypes.is_key(dtype) and not is_value(fill_value):
        raise TypeError(
            f"full: keys are filled with a key; got {fill_value!r}. Make one with numax.random.key."
        )
    value = as_value(fill_value, "full")
    if value.shape:
        raise TypeError(
            f"full: the value must have no dimensions; got {value.aval.str_short()}. Use numax.numpy.full, "
            "which broadcasts."
        )
    if dtype is None:
        dtype, weak = value.aval.dtype, value.aval.weak_type
    else:
        dtype, weak = dtypes.canonicalize_dtype(dtype), False
    return broadcast_in_dim(convert(value, dtype, weak), shape, ())


def full_like(
    x: Any, fill_value: Any, dtype: Any = None, shape: Any = None, sharding: Any = None
) -> Any:
    """`full` with the shape and dtype of x, unless given.

    Grad: linear in the value. Source: array API `full_like`.
    """
    aval = typeof(x)
    value = as_value(fill_value, "full_like")
    weak = dtype is None and aval.weak_type
    found = aval.dtype if dtype is None else dtypes.canonicalize_dtype(dtype)
    sizes = aval.shape if shape is None else canonical_shape("full_like", shape)
    if value.shape:
        raise TypeError(
            f"full_like: the value must have no dimensions; got {value.aval.str_short()}."
        )
    return broadcast_in_dim(convert(value, found, weak), sizes, ())


def empty(shape: Any, dtype: Any, *, out_sharding: Any = None) -> Any:
    """An array without promised contents; here zeros.

    Source: array API `empty`.
    """
    sizes = canonical_shape("empty", shape)
    return zeros(ShapedArray(sizes, dtypes.canonicalize_dtype(dtype)))


def iota(dtype: Any, size: int) -> Any:
    """0, 1, ... size - 1.

    Dtypes: any but bool. Raises: TypeError for bool. Grad: zero. Source: StableHLO `iota`.
    """
    return broadcasted_iota(dtype, (size,), 0)


def broadcasted_iota(dtype: Any, shape: Any, dimension: int, *, out_sharding: Any = None) -> Any:
    """0, 1, 2 ... along one axis, the same along the others.

    Dtypes: any but bool. Raises: TypeError for bool, ValueError for a bad axis. Grad: zero. Source: StableHLO `iota`.
    """
    dtype = dtypes.canonicalize_dtype(dtype)
    shape = canonical_shape("iota", shape)
    return iota_p.bind(dtype=dtype, shape=shape, dimension=operator.index(dimension))


def _iota_infer(*, dtype: Any, shape: Shape, dimension: int) -> ShapedArray:
    if not dtypes.is_number(dtype):
        raise TypeError(f"iota: accepts integer, float and complex dtypes; got {dtype}.")
    if not 0 <= dimension < len(shape):
        raise ValueError(
            f"iota: dimension must be one of the {len(shape)} axes; got {dimension} for shape {shape}."
        )
    return ShapedArray(shape, dtype)


def _iota_host(*, dtype: Any, shape: Shape, dimension: int) -> np.ndarray:
    line = np.arange(shape[dimension]).astype(dtype)
    if len(shape) == 1:
        return line
    sizes = [1] * len(shape)
    sizes[dimension] = shape[dimension]
    return np.broadcast_to(line.reshape(sizes), shape)


iota_p = Primitive(
    name="iota",
    infer=_iota_infer,
    host=_iota_host,
    lower=lambda ctx, *, dtype, shape, dimension: hlo.iota(ctx, shape, dtype, dimension),
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: (iota_p.bind(**params), None),
)


# ---- concatenate, stack, unstack, split ----


def concatenate(operands: Any, dimension: int) -> Any:
    """Join arrays along an axis.

    Dtypes: equal. Raises: TypeError if dtypes, or sizes of other axes, differ; ValueError for no arrays.
    Grad: linear. Source: StableHLO `concatenate`.
    """
    values = [as_value(x, "concatenate") for x in operands]
    if not values:
        raise ValueError("concatenate: at least one array is needed; got none.")
    if len(values) == 1:
        return values[0]
    return concatenate_p.bind(*values, dimension=operator.index(dimension))


def _concatenate_infer(*operands: ShapedArray, dimension: int) -> ShapedArray:
    first = operands[0]
    shape = first.shape
    if not 0 <= dimension < len(shape):
        raise TypeError(
            f"concatenate: dimension must be one of the {len(shape)} axes; got {dimension} for {first.str_short()}."
        )
    total, weak = 0, True
    for x in operands:
        sizes = x.shape
        if (
            len(sizes) != len(shape)
            or sizes[:dimension] != shape[:dimension]
            or sizes[dimension + 1 :] != shape[dimension + 1 :]
        ):
            raise TypeError(
                f"concatenate: shapes must agree but for axis {dimension}; got {first.str_short()} and "
                f"{x.str_short()}. Reshape or broadcast one."
            )
        if x.dtype != first.dtype:
            raise TypeError(
                f"concatenate: arrays must have equal dtypes; got {first.str_short()} and {x.str_short()}. "
                "Convert one with x.astype(dtype), or use numax.numpy.concatenate, which promotes."
            )
        total += sizes[dimension]
        weak = weak and x.weak_type
    return ShapedArray((*shape[:dimension], total, *shape[dimension + 1 :]), first.dtype, weak)


def _cut(ct: Any, axis: int, sizes: Sequence[int]) -> list[Any]:
    return split_p.bind(ct, sizes=tuple(sizes), axis=axis)


def _concatenate_transpose(ct: Any, *operands: Any, dimension: int) -> list[Any]:
    pieces = _cut(ct, dimension, [x.aval.shape[dimension] for x in operands])
    return [p if is_linear(x) else None for p, x in zip(pieces, operands, strict=True)]


def _concatenate_batch(axis: Any, args: Any, dims: Any, *, dimension: int) -> Any:
    fronted = [to_front(x, d, axis.size) for x, d in zip(args, dims, strict=True)]
    return concatenate_p.bind(*fronted, dimension=dimension + 1), 0


concatenate_p = Primitive(
    name="concatenate",
    infer=_concatenate_infer,
    host=lambda *operands, dimension: np.concatenate(operands, dimension),
    lower=lambda ctx, *operands, dimension: hlo.concatenate(ctx, operands, dimension),
    jvp=lambda primals, tangents, *, dimension: (
        concatenate_p.bind(*primals, dimension=dimension),
        concatenate_p.bind(*[instantiate(t) for t in tangents], dimension=dimension),
    ),
    transpose=_concatenate_transpose,
    batch=_concatenate_batch,
)


def stack(operands: Any, axis: int = 0) -> Any:
    """Join arrays of one shape along a new axis.

    Dtypes: equal. Raises: TypeError if dtypes or shapes differ. Grad: linear. Source: array API `stack`.
    """
    values = [as_value(x, "stack") for x in operands]
    if not values:
        raise ValueError("stack: at least one array is needed; got none.")
    return stack_p.bind(*values, axis=canonical_axis("stack", axis, values[0].aval.ndim + 1))


def _stack_infer(*operands: ShapedArray, axis: int) -> ShapedArray:
    first = operands[0]
    for x in operands:
        if x.shape != first.shape or x.dtype != first.dtype:
            raise TypeError(
                f"stack: arrays must have equal shapes and dtypes; got {first.str_short()} and {x.str_short()}."
            )
    shape = first.shape
    weak = all(x.weak_type for x in operands)
    return ShapedArray((*shape[:axis], len(operands), *shape[axis:]), first.dtype, weak)


def _stack_lower(ctx: Any, *operands: Any, axis: int) -> Any:
    shape = operands[0].shape
    single = (*shape[:axis], 1, *shape[axis:])
    return hlo.concatenate(ctx, [hlo.reshape(ctx, x, single) for x in operands], axis)


def _stack_transpose(ct: Any, *operands: Any, axis: int) -> list[Any]:
    pieces = unstack_p.bind(ct, axis=axis)
    return [p if is_linear(x) else None for p, x in zip(pieces, operands, strict=True)]


def _stack_batch(frame: Any, args: Any, dims: Any, *, axis: int) -> Any:
    fronted = [to_front(x, d, frame.size) for x, d in zip(args, dims, strict=True)]
    return stack_p.bind(*fronted, axis=axis + 1), 0


stack_p = Primitive(
    name="stack",
    infer=_stack_infer,
    host=lambda *operands, axis: np.stack(operands, axis),
    lower=_stack_lower,
    jvp=lambda primals, tangents, *, axis: (
        stack_p.bind(*primals, axis=axis),
        stack_p.bind(*[instantiate(t) for t in tangents], axis=axis),
    ),
    transpose=_stack_transpose,
    batch=_stack_batch,
)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, without that axis.

    Raises: ValueError for a bad axis. Grad: linear. Source: array API `unstack`.
    """
    x = as_value(x, "unstack")
    return tuple(unstack_p.bind(x, axis=canonical_axis("unstack", axis, x.aval.ndim)))


def _unstack_infer(x: ShapedArray, *, axis: int) -> list[ShapedArray]:
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    return [ShapedArray(shape, x.dtype, x.weak_type)] * x.shape[axis]


def _unstack_lower(ctx: Any, x: Any, *, axis: int) -> list[Any]:
    pieces = _split_lower(ctx, x, sizes=(1,) * x.shape[axis], axis=axis)
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    return [hlo.reshape(ctx, p, shape) for p in pieces]


def _unstack_transpose(cts: Any, x: Any, *, axis: int) -> list[Any]:
    return [stack_p.bind(*map(instantiate, cts), axis=axis)]


def _unstack_batch(frame: Any, args: Any, dims: Any, *, axis: int) -> Any:
    x = moveaxis(args[0], dims[0], 0)
    outs = unstack_p.bind(x, axis=axis + 1)
    return outs, [0] * len(outs)


unstack_p = Primitive(
    name="unstack",
    infer=_unstack_infer,
    host=lambda x, *, axis: list(np.moveaxis(x, axis, 0)),
    lower=_unstack_lower,
    jvp=lambda primals, tangents, *, axis: (
        unstack_p.bind(*primals, axis=axis),
        unstack_p.bind(*tangents, axis=axis),
    ),
    transpose=_unstack_transpose,
    batch=_unstack_batch,
    multiple_results=True,
)


def split(operand: Any, sizes: Sequence[int], axis: int = 0) -> list[Any]:
    """Cut along an axis into pieces of the given sizes.

    Raises: ValueError if the sizes do not add up to the axis. Grad: linear. Source: StableHLO `slice`.
    """
    operand = as_value(operand, "split")
    axis = canonical_axis("split", axis, operand.aval.ndim)
    return split_p.bind(operand, sizes=tuple([operator.index(n) for n in sizes]), axis=axis)


def _split_infer(x: ShapedArray, *, sizes: Shape, axis: int) -> list[ShapedArray]:
    if builtins.sum(sizes) != x.shape[axis] or any(n < 0 for n in sizes):
        raise ValueError(
            f"split: sizes must be non-negative and add up to {x.shape[axis]}, the size of axis {axis}; got {sizes} "
            f"for {x.str_short()}."
        )
    lead, tail = x.shape[:axis], x.shape[axis + 1 :]
    return [ShapedArray((*lead, n, *tail), x.dtype, x.weak_type) for n in sizes]


def _split_host(x: np.ndarray, *, sizes: Shape, axis: int) -> list[np.ndarray]:
    lead = (slice(None),) * axis
    start, outs = 0, []
    for n in sizes:
        outs.append(x[(*lead, slice(start, start + n))])
        start += n
    return outs


def _split_lower(ctx: Any, x: Any, *, sizes: Shape, axis: int) -> list[Any]:
    start, limit = [0] * len(x.shape), list(x.shape)
    outs, place = [], 0
    for n in sizes:
        start[axis], limit[axis] = place, place + n
        outs.append(hlo.slice(ctx, x, start, limit))
        place += n
    return outs


def _split_batch(frame: Any, args: Any, dims: Any, *, sizes: Shape, axis: int) -> Any:
    d = dims[0]
    return split_p.bind(args[0], sizes=sizes, axis=axis + (axis >= d)), [d] * len(sizes)


split_p = Primitive(
    name="split",
    infer=_split_infer,
    host=_split_host,
    lower=_split_lower,
    jvp=lambda primals, tangents, **params: (
        split_p.bind(*primals, **params),
        split_p.bind(*tangents, **params),
    ),
    transpose=lambda cts, x, *, sizes, axis: [concatenate(map(instantiate, cts), axis)],
    batch=_split_batch,
    multiple_results=True,
)


# ---- pad ----


def pad(operand: Any, padding_value: Any, padding_config: Any) -> Any:
    """Put `padding_value` before, after and between elements: (low, high, interior) for each axis.

    Negative low and high cut off.
    Dtypes: equal. Raises: TypeError if dtypes differ; ValueError for a bad configuration.
    Grad: linear. Source: StableHLO `pad`.
    """
    operand = as_value(operand, "pad")
    value = as_value(padding_value, "pad")
    if (
        not is_value(padding_value)
        and value.aval.weak_type
        and isinstance(padding_value, int | float | complex)
    ):
        joined = dtypes.join_types(dtypes.value_type(operand), dtypes.value_type(value))[0]
        if joined == operand.dtype:
            value = convert(value, operand.dtype)
    config = tuple([tuple([operator.index(n) for n in axis]) for axis in padding_config])
    if len(config) == operand.aval.ndim and value.dtype == operand.dtype and not value.shape:
        if not any(any(axis) for axis in config):
            return operand
    return pad_p.bind(operand, value, padding_config=config)


def _pad_infer(x: ShapedArray, value: ShapedArray, *, padding_config: Any) -> ShapedArray:
    if x.dtype != value.dtype:
        raise TypeError(
            f"pad: operand and padding_value must have equal dtypes; got {x.str_short()} and {value.str_short()}."
        )
    if value.shape:
        raise ValueError(f"pad: padding_value must have no dimensions; got {value.str_short()}.")
    if len(padding_config) != x.ndim or any(len(axis) != 3 for axis in padding_config):
        raise ValueError(
            f"pad: padding_config must hold (low, high, interior) for each axis; got {padding_config} for "
            f"{x.str_short()}."
        )
    shape = []
    for n, (low, high, interior) in zip(x.shape, padding_config, strict=True):
        if interior < 0:
            raise ValueError(f"pad: interior padding must not be negative; got {padding_config}.")
        shape.append(low + high + n + builtins.max(n - 1, 0) * interior)
    if any(n < 0 for n in shape):
        raise ValueError(
            f"pad: more is cut off than there is; got {padding_config} for {x.str_short()}, which gives {tuple(shape)}."
        )
    return ShapedArray(tuple(shape), x.dtype, x.weak_type and value.weak_type)


def _pad_host(x: np.ndarray, value: np.ndarray, *, padding_config: Any) -> np.ndarray:
    shape, target, source = [], [], []
    for n, (low, high, interior) in zip(x.shape, padding_config, strict=True):
        step = interior + 1
        size = low + high + n + builtins.max(n - 1, 0) * interior
        first = builtins.max(0, -(low // step))  # the first element that is not cut off
        last = builtins.min(n - 1, (size - 1 - low) // step)
        count = builtins.max(0, last - first + 1)
        begin = low + first * step
        shape.append(size)
        source.append(slice(first, first + count))
        target.append(slice(begin, begin + (count - 1) * step + 1, step) if count else slice(0, 0))
    out = np.empty(shape, x.dtype)
    out[...] = value
    out[tuple(target)] = x[tuple(source)]
    return out


def _pad_lower(ctx: Any, x: Any, value: Any, *, padding_config: Any) -> Any:
    low, high, interior = zip(*padding_config, strict=True) if padding_config else ((), (), ())
    return hlo.pad(ctx, x, value, low, high, interior)


def _pad_transpose(ct: Any, x: Any, value: Any, *, padding_config: Any) -> list[Any]:
    out: list[Any] = [None, None]
    if is_linear(x):
        zero = zeros(ShapedArray((), ct.aval.dtype))
        whole = pad(ct, zero, [(-low, -high, 0) for low, high, _ in padding_config])
        out[0] = _every(whole, x.aval.shape, [interior + 1 for _, _, interior in padding_config])
    if is_linear(value):
        inside = pad(full(x.aval.shape, False), True, padding_config)
        out[1] = reduce_sum(select_n(inside, zeros(ct.aval), ct), tuple(range(ct.aval.ndim)))
    return out


def _every(x: Any, shape: Shape, steps: Sequence[int]) -> Any:
    """x[::step] along each axis, to the given shape: reshape where the steps divide, else pad first."""
    for axis, (step, size) in enumerate(zip(steps, shape, strict=True)):
        if step == 1:
            continue
        missing = size * step - x.aval.shape[axis]
        config = [(0, missing if i == axis else 0, 0) for i in range(x.aval.ndim)]
        x = pad(x, zeros(ShapedArray((), x.aval.dtype)), config)
        lead, tail = x.aval.shape[:axis], x.aval.shape[axis + 1 :]
        rows = reshape(x, (*lead, size, step, *tail))
        x = squeeze(_cut(rows, axis + 1, (1, step - 1))[0], (axis + 1,))
    return x


def _pad_batch(axis: Any, args: Any, dims: Any, *, padding_config: Any) -> Any:
    (x, value), (x_dim, value_dim) = args, dims
    if value_dim is None:
        config = (*padding_config[:x_dim], (0, 0, 0), *padding_config[x_dim:])
        return pad_p.bind(x, value, padding_config=config), x_dim
    x = to_front(x, x_dim, axis.size)
    config = ((0, 0, 0), *padding_config)
    out = pad(x, zeros(ShapedArray((), x.dtype)), config)
    outside = pad(full(x.shape, False), True, config)
    return select_n(outside, out, broadcast_in_dim(value, out.shape, (0,))), 0


pad_p = Primitive(
    name="pad",
    infer=_pad_infer,
    host=_pad_host,
    lower=_pad_lower,
    jvp=lambda primals, tangents, *, padding_config: (
        pad_p.bind(*primals, padding_config=padding_config),
        pad_p.bind(*map(instantiate, tangents), padding_config=padding_config),
    ),
    transpose=_pad_transpose,
    batch=_pad_batch,
)


# ---- rev, tile, copy, optimization_barrier ----


def rev(operand: Any, dimensions: Any) -> Any:
    """The elements in reverse order along the given axes.

    Raises: TypeError if an axis is out of bounds, negative or repeated. Grad: linear. Source: StableHLO `reverse`.
    """
    operand = as_value(operand, "rev")
    dims = tuple([operator.index(d) for d in dimensions])
    return rev_p.bind(operand, dimensions=dims) if dims else operand


def _rev_infer(x: ShapedArray, *, dimensions: Any) -> ShapedArray:
    if len(set(dimensions)) != len(dimensions) or any(not 0 <= d < x.ndim for d in dimensions):
        raise TypeError(
            f"rev: dimensions must be different axes in 0..{x.ndim - 1}; got {dimensions} for {x.str_short()}."
        )
    return x


def _rev_host(x: np.ndarray, *, dimensions: Any) -> np.ndarray:
    back = slice(None, None, -1)
    return x[tuple([back if i in dimensions else slice(None) for i in range(x.ndim)])]


rev_p = linear(
    "rev",
    infer=_rev_infer,
    host=_rev_host,
    lower=lambda ctx, x, *, dimensions: hlo.reverse(ctx, x, dimensions),
    transpose=lambda ct, x, *, dimensions: [rev_p.bind(ct, dimensions=dimensions)],
    batch=lambda axis, args, dims, *, dimensions: (
        rev_p.bind(*args, dimensions=tuple([d + (d >= dims[0]) for d in dimensions])),
        dims[0],
    ),
)


def tile(operand: Any, reps: Any) -> Any:
    """Repeat the whole array reps[i] times along axis i.

    Raises: TypeError unless there is one non-negative number for each axis. Grad: linear. Source: NumPy `tile`.
    """
    operand = as_value(operand, "tile")
    return tile_p.bind(operand, reps=tuple([operator.index(n) for n in reps]))


def _tile_infer(x: ShapedArray, *, reps: Shape) -> ShapedArray:
    if len(reps) != x.ndim or any(n < 0 for n in reps):
        raise TypeError(
            f"tile: reps must hold a non-negative number for each axis; got {reps} for {x.str_short()}. "
            "Use numax.numpy.tile to add axes."
        )
    return ShapedArray(
        tuple([n * k for n, k in zip(x.shape, reps, strict=True)]), x.dtype, x.weak_type
    )


def _tile_lower(ctx: Any, x: Any, *, reps: Shape) -> Any:
    middle = tuple([m for pair in zip(reps, x.shape, strict=True) for m in pair])
    wide = hlo.broadcast_in_dim(ctx, x, middle, tuple(range(1, len(middle), 2)))
    return hlo.reshape(ctx, wide, ctx.avals_out[0].shape)


def _tile_transpose(ct: Any, x: Any, *, reps: Shape) -> list[Any]:
    middle = tuple([m for pair in zip(reps, x.aval.shape, strict=True) for m in pair])
    return [reduce_sum(reshape(ct, middle), tuple(range(0, len(middle), 2)))]


tile_p = linear(
    "tile",
    infer=_tile_infer,
    host=lambda x, *, reps: np.tile(x, reps),
    lower=_tile_lower,
    transpose=_tile_transpose,
    batch=lambda axis, args, dims, *, reps: (
        tile_p.bind(*args, reps=(*reps[: dims[0]], 1, *reps[dims[0] :])),
        dims[0],
    ),
)

copy_p = linear(
    "copy",
    infer=lambda x: x,
    host=lambda x: x.copy(),
    lower=lambda ctx, x: x,
    transpose=lambda ct, x: [ct],
    batch=lambda axis, args, dims: (copy_p.bind(*args), dims[0]),
)


def optimization_barrier(operand: Any, /) -> Any:
    """The values of a pytree, which the compiler may neither move operations across nor merge.

    Grad: linear (a barrier on the derivatives). Source: StableHLO `optimization_barrier`.
    """
    leaves, tree = flatten(operand)
    if not leaves:
        return operand
    return unflatten(
        tree, optimization_barrier_p.bind(*[as_value(x, "optimization_barrier") for x in leaves])
    )


def _barrier_jvp(primals: Any, tangents: Any) -> Any:
    outs = optimization_barrier_p.bind(*primals)
    places = [i for i, t in enumerate(tangents) if type(t) is not Zero]
    guarded = optimization_barrier_p.bind(*[tangents[i] for i in places])
    out_tangents = list(tangents)
    for i, t in zip(places, guarded, strict=True):
        out_tangents[i] = t
    return outs, out_tangents


def _barrier_transpose(cts: Any, *operands: Any) -> list[Any]:
    places = [i for i, ct in enumerate(cts) if type(ct) is not Zero]
    guarded = optimization_barrier_p.bind(*[cts[i] for i in places])
    out: list[Any] = [None] * len(operands)
    for i, ct in zip(places, guarded, strict=True):
        out[i] = ct
    return out


optimization_barrier_p = Primitive(
    name="optimization_barrier",
    infer=lambda *operands: list(operands),
    host=lambda *operands: list(operands),
    lower=lambda ctx, *operands: hlo.optimization_barrier(ctx, *operands),
    jvp=_barrier_jvp,
    transpose=_barrier_transpose,
    batch=lambda axis, args, dims: (optimization_barrier_p.bind(*args), dims),
    multiple_results=True,
)

__all__ = [
    "broadcast",
    "broadcast_like",
    "broadcast_shapes",
    "broadcast_to_rank",
    "broadcasted_iota",
    "collapse",
    "concatenate",
    "concatenate_p",
    "copy_p",
    "dtype",
    "empty",
    "full",
    "full_like",
    "iota",
    "iota_p",
    "optimization_barrier",
    "optimization_barrier_p",
    "pad",
    "pad_p",
    "rev",
    "rev_p",
    "shape_as_value",
    "split",
    "split_p",
    "stack",
    "stack_p",
    "tile",
    "tile_p",
    "unstack",
    "unstack_p",
]
