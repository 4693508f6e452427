"""StableHLO operations on shapes: constants, broadcasting, reshaping, slicing, gather and scatter.

Source: StableHLO specification, "Ops".
"""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.stablehlo.builder import Builder, Value
from numax._engine.stablehlo.types import integer_list, integers

Body = Callable[..., Value | Sequence[Value]]  # (b, *args) -> results of a region
Shape = tuple[int, ...]


def flag(value: bool) -> str:
    """Return an MLIR boolean."""
    return "true" if value else "false"


def region(b: Builder, arguments: Sequence[tuple[Shape, Any]], body: Body) -> str:
    """Return the text of a region whose results are `body(b, *arguments)`."""
    with b.region(arguments) as r:
        results = body(b, *r.args)
        r.ret([results] if isinstance(results, Value) else results)
    return r.text


# ---- constants ----


def constant(b: Builder, value: Any, dtype: Any = None, shape: Shape = ()) -> Value:
    """Emit a constant array, or a number repeated to `shape`."""
    return b.constant(value, dtype, shape)


def full(b: Builder, value: Any, shape: Shape, dtype: Any) -> Value:
    """Emit an array of one number."""
    return b.constant(value, dtype, shape)


def iota(b: Builder, shape: Shape, dtype: Any, dimension: int = 0) -> Value:
    """Emit 0, 1, 2 ... along a dimension."""
    return b.emit(f"stablehlo.iota dim = {dimension} : ", shape, dtype)


# ---- shapes ----


def broadcast_in_dim(b: Builder, x: Value, shape: Shape, dimensions: Sequence[int]) -> Value:
    """Emit x repeated to `shape`; dimension i of x becomes `dimensions[i]`."""
    dims = integer_list(dimensions)
    text = f"stablehlo.broadcast_in_dim {x.name}, dims = {dims} : ({x.type}) -> "
    out = b.emit(text, shape, x.dtype)
    out.scalar = x.scalar if x.shape else x
    return out


def broadcast_scalar(b: Builder, x: Value, shape: Shape) -> Value:
    """Emit a scalar repeated to `shape`."""
    if not shape:
        return x
    text = f"stablehlo.broadcast_in_dim {x.name}, dims = [] : ({x.type}) -> "
    out = b.emit(text, shape, x.dtype)
    out.scalar = x
    return out


def reshape(b: Builder, x: Value, shape: Shape) -> Value:
    """Emit x in another shape of the same size; x itself if it has that shape."""
    if x.shape == shape:
        return x
    out = b.emit(f"stablehlo.reshape {x.name} : ({x.type}) -> ", shape, x.dtype)
    out.scalar = x.scalar
    return out


def transpose(b: Builder, x: Value, permutation: Sequence[int]) -> Value:
    """Emit x with its dimensions permuted."""
    shape = tuple([x.shape[i] for i in permutation])
    dims = integer_list(permutation)
    return b.emit(f"stablehlo.transpose {x.name}, dims = {dims} : ({x.type}) -> ", shape, x.dtype)


def reverse(b: Builder, x: Value, dimensions: Sequence[int]) -> Value:
    """Emit x with some dimensions reversed."""
    dims = integer_list(dimensions)
    return b.emit(f"stablehlo.reverse {x.name}, dims = {dims} : ", x.shape, x.dtype)


def concatenate(b: Builder, operands: Sequence[Value], dimension: int) -> Value:
    """Emit arrays joined along a dimension."""
    shape = list(operands[0].shape)
    shape[dimension] = sum([v.shape[dimension] for v in operands])
    names = ", ".join([v.name for v in operands])
    of = ", ".join([v.type for v in operands])
    text = f"stablehlo.concatenate {names}, dim = {dimension} : ({of}) -> "
    return b.emit(text, tuple(shape), operands[0].dtype)


def pad(
    b: Builder,
    x: Value,
    value: Value,
    low: Sequence[int],
    high: Sequence[int],
    interior: Sequence[int] | None = None,
) -> Value:
    """Emit x with the scalar `value` before, after and between its elements; negative sizes cut."""
    interior = [0] * len(x.shape) if interior is None else interior
    shape = tuple(
        [
            n + lo + hi + max(n - 1, 0) * step
            for n, lo, hi, step in zip(x.shape, low, high, interior, strict=True)
        ]
    )
    text = (
        f"stablehlo.pad {x.name}, {value.name}, low = {integer_list(low)}, "
        f"high = {integer_list(high)}, interior = {integer_list(interior)} : "
        f"({x.type}, {value.type}) -> "
    )
    return b.emit(text, shape, x.dtype)


def optimization_barrier(b: Builder, *operands: Value) -> list[Value]:
    """Emit the operands, none of them available before all are."""
    if not operands:
        return []
    names = ", ".join([v.name for v in operands])
    of = ", ".join([v.type for v in operands])
    results = [(v.shape, v.dtype) for v in operands]
    b.count = count = b.count + 1
    many = len(operands) > 1
    left = f"%{count}:{len(operands)}" if many else f"%{count}"
    b.lines.append(f"    {left} = stablehlo.optimization_barrier {names} : {of}")
    return [
        Value(f"%{count}#{i}" if many else f"%{count}", shape, dtype, operands[i].type)
        for i, (shape, dtype) in enumerate(results)
    ]


# ---- slices ----


def slice(
    b: Builder,
    x: Value,
    start: Sequence[int],
    limit: Sequence[int],
    strides: Sequence[int] | None = None,
) -> Value:
    """Emit x[start:limit:strides], within bounds."""
    strides = [1] * len(x.shape) if strides is None else strides
    triples = list(zip(start, limit, strides, strict=True))
    shape = tuple([-(-(hi - lo) // step) for lo, hi, step in triples])
    parts = ", ".join(
        [f"{lo}:{hi}" if step == 1 else f"{lo}:{hi}:{step}" for lo, hi, step in triples]
    )
    return b.emit(f"stablehlo.slice {x.name} [{parts}] : ({x.type}) -> ", shape, x.dtype)


def dynamic_slice(b: Builder, x: Value, start: Sequence[Value], sizes: Sequence[int]) -> Value:
    """Emit a slice of fixed sizes at a computed place, moved to lie within bounds."""
    operands = [x, *start]
    names = ", ".join([v.name for v in operands])
    of = ", ".join([v.type for v in operands])
    text = f"stablehlo.dynamic_slice {names}, sizes = {integer_list(sizes)} : ({of}) -> "
    return b.emit(text, tuple(sizes), x.dtype)


def dynamic_update_slice(b: Builder, x: Value, update: Value, start: Sequence[Value]) -> Value:
    """Emit x with a slice at a computed place, moved to lie within bounds, replaced."""
    operands = [x, update, *start]
    names = ", ".join([v.name for v in operands])
    of = ", ".join([v.type for v in operands])
    return b.emit(f"stablehlo.dynamic_update_slice {names} : ({of}) -> ", x.shape, x.dtype)


# ---- gather and scatter ----


def gather(
    b: Builder,
    operand: Value,
    indices: Value,
    *,
    offset_dims: Sequence[int],
    collapsed_slice_dims: Sequence[int],
    start_index_map: Sequence[int],
    slice_sizes: Sequence[int],
    index_vector_dim: int | None = None,
    operand_batching_dims: Sequence[int] = (),
    start_indices_batching_dims: Sequence[int] = (),
    indices_are_sorted: bool = False,
) -> Value:
    """Emit slices of the operand at the places in `indices`, moved to lie within bounds.
    Args: index_vector_dim is the last dimension of `indices` if not given."""
    place = len(indices.shape) - 1 if index_vector_dim is None else index_vector_dim
    dropped = {*collapsed_slice_dims, *operand_batching_dims}
    offsets = [size for i, size in enumerate(slice_sizes) if i not in dropped]
    batch = [size for i, size in enumerate(indices.shape) if i != place]
    shape = _interleave(offset_dims, offsets, batch)
    numbers = _fields(
        offset_dims=offset_dims,
        collapsed_slice_dims=collapsed_slice_dims,
        operand_batching_dims=operand_batching_dims,
        start_indices_batching_dims=start_indices_batching_dims,
        start_index_map=start_index_map,
    )
    attrs = (
        f"dimension_numbers = #stablehlo.gather<{numbers}index_vector_dim = {place}>, "
        f"indices_are_sorted = {flag(indices_are_sorted)}, slice_sizes = {integers(slice_sizes)}"
    )
    return b.op("gather", [operand, indices], shape, operand.dtype, attrs)


def _interleave(places: Sequence[int], sizes: Sequence[int], others: Sequence[int]) -> Shape:
    """Return the shape that has `sizes` at `places` and `others`, in order, elsewhere."""
    at = dict(zip(places, sizes, strict=True))
    rest = iter(others)
    return tuple([at[i] if i in at else next(rest) for i in range(len(sizes) + len(others))])


def _fields(**lists: Sequence[int]) -> str:
    return "".join([f"{name} = {integer_list(x)}, " for name, x in lists.items() if len(x)])


def scatter(
    b: Builder,
    operands: Sequence[Value],
    indices: Value,
    updates: Sequence[Value],
    body: Body,
    *,
    update_window_dims: Sequence[int],
    inserted_window_dims: Sequence[int],
    scatter_dims_to_operand_dims: Sequence[int],
    index_vector_dim: int | None = None,
    input_batching_dims: Sequence[int] = (),
    scatter_indices_batching_dims: Sequence[int] = (),
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
) -> list[Value]:
    """Emit the operands with updates combined in at the places in `indices`; none out of bounds.
    Args: body is (b, *old, *new) -> combined scalars: `hlo.add`, or `hlo.second` to replace."""
    place = len(indices.shape) - 1 if index_vector_dim is None else index_vector_dim
    numbers = _fields(
        update_window_dims=update_window_dims,
        inserted_window_dims=inserted_window_dims,
        input_batching_dims=input_batching_dims,
        scatter_indices_batching_dims=scatter_indices_batching_dims,
        scatter_dims_to_operand_dims=scatter_dims_to_operand_dims,
    )
    attrs = (
        f"indices_are_sorted = {flag(indices_are_sorted)}, "
        f"scatter_dimension_numbers = #stablehlo.scatter<{numbers}index_vector_dim = {place}>, "
        f"unique_indices = {flag(unique_indices)}"
    )
    arguments = [((), v.dtype) for v in operands]
    block = region(b, arguments + arguments, body)
    results = [(v.shape, v.dtype) for v in operands]
    return b.ops("scatter", [*operands, indices, *updates], results, attrs, [block])


def second(b: Builder, *args: Value) -> Sequence[Value]:
    """Return the later half of the arguments: the body of a scatter that replaces."""
    return args[len(args) // 2 :]
