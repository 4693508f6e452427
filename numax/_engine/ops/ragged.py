"""Products over groups of unequal sizes, and of scaled narrow floats; written with dot_general."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from numax._engine.core import dtypes
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    broadcast_in_dim,
    convert,
    mul,
    reshape,
    select_n,
    sub,
    transpose,
    zeros_like,
)
from numax._engine.ops.bits import bitwise_and
from numax._engine.ops.compare import ge, lt
from numax._engine.ops.cumulative import cumsum
from numax._engine.ops.dot import dot_general
from numax._engine.ops.shape import broadcasted_iota
from numax._engine.ops.slicing import dynamic_slice_in_dim


class RaggedDotDimensionNumbers(NamedTuple):
    """Axes of a product over groups.

    dot_dimension_numbers as in `dot_general`; lhs_ragged_dimensions: the one axis of lhs that the groups divide;
    rhs_group_dimensions: the axis of rhs that numbers the groups, if any.
    """

    dot_dimension_numbers: Any
    lhs_ragged_dimensions: Sequence[int]
    rhs_group_dimensions: Sequence[int]


def ragged_dot(
    lhs: Any,
    rhs: Any,
    group_sizes: Any,
    precision: Any = None,
    preferred_element_type: Any = None,
    group_offset: Any = None,
    out_sharding: Any = None,
) -> Any:
    """Each row of lhs times its group's matrix; rows after the last group give zeros.

    Shapes: lhs (M, K), rhs (G, K, N), group_sizes (G,) of integers -> (M, N).
    Raises: TypeError if shapes do not fit. Grad: bilinear. See `ragged_dot_general`.
    """
    numbers = RaggedDotDimensionNumbers((((1,), (1,)), ((), ())), (0,), (0,))
    return ragged_dot_general(
        lhs,
        rhs,
        group_sizes,
        numbers,
        precision,
        preferred_element_type,
        group_offset,
        out_sharding,
    )


def ragged_dot_general(
    lhs: Any,
    rhs: Any,
    group_sizes: Any,
    ragged_dot_dimension_numbers: RaggedDotDimensionNumbers,
    precision: Any = None,
    preferred_element_type: Any = None,
    group_offset: Any = None,
    out_sharding: Any = None,
) -> Any:
    """dot_general in groups along one axis of lhs.

    Where that axis is free, each of its groups meets its own slice of rhs; where it is contracting, each group gives a
    result of its own, along a new first axis; where it is batching, this is `dot_general`.
    Args: group_sizes (G,), or with lhs's batching axes and those outside of the ragged one before it;
        group_offset (1,): the first of the groups that rhs holds.
    Raises: TypeError if shapes do not fit. Grad: bilinear.
    """
    op = "ragged_dot_general"
    lhs, rhs = as_value(lhs, op), as_value(rhs, op)
    sizes = as_value(group_sizes, op)
    numbers, ragged, grouped = ragged_dot_dimension_numbers
    (lhs_sum, rhs_sum), (lhs_batch, rhs_batch) = [tuple(map(tuple, pair)) for pair in numbers]
    if len(ragged) != 1 or len(grouped) > 1:
        raise TypeError(
            f"{op}: lhs has one ragged axis and rhs at most one of groups; got {ragged} and {grouped}."
        )
    if not dtypes.is_integer(sizes.aval.dtype):
        raise TypeError(f"{op}: group_sizes must be integers; got {sizes.aval.str_short()}.")
    options = {"precision": precision, "preferred_element_type": preferred_element_type}
    (axis,) = ragged
    if axis in lhs_batch:
        return dot_general(lhs, rhs, ((lhs_sum, rhs_sum), (lhs_batch, rhs_batch)), **options)
    free = [d for d in range(lhs.aval.ndim) if d not in lhs_sum and d not in lhs_batch]
    contracting = axis in lhs_sum
    if contracting == bool(grouped):
        raise TypeError(
            f"{op}: rhs has an axis of groups where the ragged axis is free, and none where it is contracting; got "
            f"ragged axis {axis} and group axes {tuple(grouped)}."
        )
    group = grouped[0] if grouped else None
    count = rhs.aval.shape[group] if group is not None else sizes.aval.shape[-1]
    if group_offset is None and sizes.aval.shape[-1] != count:
        raise TypeError(
            f"{op}: rhs must have as many groups as group_sizes; got {rhs.aval.str_short()} and "
            f"{sizes.aval.str_short()}."
        )
    outer = list(lhs_sum) if contracting else free
    before = [*lhs_batch, *outer[: outer.index(axis)]]
    parts = _parts(op, lhs, sizes, axis, before, count, group_offset)
    left_sum, left_batch = tuple(d + 1 for d in lhs_sum), tuple(d + 1 for d in lhs_batch)
    if not contracting:
        axes = (((0, *left_sum), (group, *rhs_sum)), (left_batch, rhs_batch))
        return dot_general(parts, rhs, axes, **options)
    out = dot_general(parts, rhs, ((left_sum, rhs_sum), (left_batch, rhs_batch)), **options)
    place = len(lhs_batch)  # where the groups stand, first of lhs's free axes
    order = [place, *[d for d in range(out.aval.ndim) if d != place]]
    return transpose(out, order)


def _parts(
    op: str, lhs: Any, sizes: Any, axis: int, before: list[int], count: int, group_offset: Any
) -> Any:
    """lhs for each group, along a new first axis, zero outside of it."""
    last = sizes.aval.ndim - 1
    ends = cumsum(sizes, axis=last)
    starts = sub(ends, sizes)
    if group_offset is not None:
        first = reshape(as_value(group_offset, op), ())
        starts, ends = (dynamic_slice_in_dim(v, first, count, last) for v in (starts, ends))
    if last == 0:
        before = []
    if last != len(before):
        raise TypeError(
            f"{op}: group_sizes must have one axis, or {len(before) + 1}; got {sizes.aval.str_short()}."
        )
    shape = (count, *lhs.aval.shape)
    order = sorted(range(last), key=lambda i: before[i])
    places = (0, *[before[i] + 1 for i in order])
    starts, ends = (
        broadcast_in_dim(transpose(v, (last, *order)), shape, places) for v in (starts, ends)
    )
    row = broadcasted_iota(sizes.aval.dtype, shape, axis + 1)
    inside = bitwise_and(ge(row, starts), lt(row, ends))
    spread = broadcast_in_dim(lhs, shape, tuple(range(1, len(shape))))
    return select_n(inside, zeros_like(spread), spread)


def scaled_dot(
    lhs: Any,
    rhs: Any,
    *,
    lhs_scale: Any = None,
    rhs_scale: Any = None,
    dimension_numbers: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """(lhs lhs_scale) (rhs rhs_scale), where each scale holds for a block of the contracting axis.

    Shapes: lhs (M, K), rhs (K, N), or with one batch axis in front, or as dimension_numbers say; scales have those
        shapes with a divisor of K in place of K.
    Dtypes: of any floats, computed in `preferred_element_type` (bfloat16).
    Raises: TypeError or ValueError if shapes do not fit. Grad: bilinear.
    Source: OCP Microscaling Formats (MX) specification, 2023.
    """
    lhs, rhs = as_value(lhs, "scaled_dot"), as_value(rhs, "scaled_dot")
    if dimension_numbers is None:
        n = lhs.aval.ndim
        if n not in (2, 3) or rhs.aval.ndim != n:
            raise ValueError(
                f"scaled_dot: without dimension_numbers, operands have 2 or 3 axes; got {lhs.aval.str_short()} and "
                f"{rhs.aval.str_short()}."
            )
        batch = tuple(range(n - 2))
        dimension_numbers = (((n - 1,), (n - 2,)), (batch, batch))
    dtype = dtypes.bfloat16
    if preferred_element_type is not None:
        dtype = dtypes.canonicalize_dtype(preferred_element_type)
    lhs = _scaled(lhs, lhs_scale, dtype)
    rhs = _scaled(rhs, rhs_scale, dtype)
    return dot_general(lhs, rhs, dimension_numbers, preferred_element_type=dtype)


def _scaled(x: Any, scale: Any, dtype: Any) -> Any:
    x = convert(x, dtype)
    if scale is None:
        return x
    scale = as_value(scale, "scaled_dot")
    shape, small = x.aval.shape, scale.aval.shape
    if len(shape) != len(small) or any(b == 0 or a % b for a, b in zip(shape, small, strict=True)):
        raise TypeError(
            f"scaled_dot: each size of a scale must divide its operand's; got {scale.aval.str_short()} for "
            f"{x.aval.str_short()}."
        )
    split: list[int] = []
    for a, b in zip(shape, small, strict=True):
        split += [b, a // b]
    wide = broadcast_in_dim(convert(scale, dtype), split, tuple(range(0, len(split), 2)))
    return mul(x, reshape(wide, shape))


__all__ = ["RaggedDotDimensionNumbers", "ragged_dot", "ragged_dot_general", "scaled_dot"]
