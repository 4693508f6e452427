"""Exchange of slices of unequal sizes between the places of a mapped axis."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.trace import as_value
from numax._engine.ops.arithmetic import clamp
from numax._engine.ops.basis import add, broadcast_in_dim, constant_like, convert, select_n, sub
from numax._engine.ops.bits import bitwise_and
from numax._engine.ops.collective import all_gather, all_to_all, axis_size
from numax._engine.ops.compare import ge, lt
from numax._engine.ops.gather import GatherDimensionNumbers, gather
from numax._engine.ops.shape import iota
from numax._engine.ops.slicing import index_in_dim

_INT32 = np.dtype(np.int32)


def ragged_all_to_all(
    operand: Any,
    output: Any,
    input_offsets: Any,
    send_sizes: Any,
    output_offsets: Any,
    recv_sizes: Any,
    *,
    axis_name: Any,
    axis_index_groups: Any = None,
) -> Any:
    """Send slices of the operand's first axis to the places of a mapped axis; return `output` with those received.

    Slice k goes to place k // (K / size) and is written there at output_offsets[k].
    Shapes: operand (N, A...), output (M, A...), the four integer arrays (K,) -> (M, A...); size divides K.
    Raises: ValueError if shapes do not fit; TypeError if dtypes do not. Grad: linear in operand and output.
    """
    operand, output = as_value(operand, "ragged_all_to_all"), as_value(output, "ragged_all_to_all")
    numbers = [
        as_value(x, "ragged_all_to_all")
        for x in (input_offsets, output_offsets, send_sizes, recv_sizes)
    ]
    size = axis_size(axis_name) if axis_index_groups is None else len(axis_index_groups[0])
    _check(operand.aval, output.aval, [x.aval for x in numbers], size)
    sources, targets, _, sizes = [convert(x, _INT32) for x in numbers]
    options = {"axis_index_groups": axis_index_groups}
    sources = all_to_all(sources, axis_name, 0, 0, tiled=True, **options)
    targets = all_to_all(targets, axis_name, 0, 0, tiled=True, **options)
    every = all_gather(operand, axis_name, **options)
    count = sizes.aval.shape[0]
    if not operand.aval.size:
        return output
    for k in range(count):
        start, target, length = (
            index_in_dim(x, k, 0, keepdims=False) for x in (sources, targets, sizes)
        )
        sent = index_in_dim(every, k // (count // size), 0, keepdims=False)
        output = _written(output, sent, start, target, length)
    return output


def _check(operand: Any, output: Any, numbers: Sequence[Any], size: int) -> None:
    if operand.dtype != output.dtype:
        raise TypeError(
            f"ragged_all_to_all: operand and output must have equal dtypes; got {operand.str_short()} and "
            f"{output.str_short()}."
        )
    if not operand.ndim or not output.ndim or operand.shape[1:] != output.shape[1:]:
        raise ValueError(
            "ragged_all_to_all: operand and output must agree in all axes but the first; got "
            f"{operand.str_short()} and {output.str_short()}."
        )
    for x in numbers:
        if not dtypes.is_integer(x.dtype):
            raise TypeError(
                f"ragged_all_to_all: offsets and sizes must be integers; got {x.str_short()}."
            )
        if x.ndim != 1 or x.shape != numbers[0].shape or x.shape[0] % size:
            raise ValueError(
                "ragged_all_to_all: offsets and sizes must be vectors of one length that the mapped axis's size, "
                f"{size}, divides; got {', '.join(n.str_short() for n in numbers)}."
            )


def _written(output: Any, sent: Any, start: Any, target: Any, length: Any) -> Any:
    """`output` with sent[start : start + length] written at `target`."""
    shape = output.aval.shape
    place = sub(iota(np.int32, shape[0]), target)
    here = bitwise_and(ge(place, constant_like(place, 0)), lt(place, length))
    last = constant_like(place, sent.aval.shape[0] - 1)
    rows = clamp(constant_like(place, 0), add(place, start), last)
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(range(1, len(shape))), collapsed_slice_dims=(0,), start_index_map=(0,)
    )
    index = broadcast_in_dim(rows, (shape[0], 1), (0,))
    moved = gather(sent, index, numbers, (1, *shape[1:]), mode="promise_in_bounds")
    return select_n(broadcast_in_dim(here, shape, (0,)), output, moved)


__all__ = ["ragged_all_to_all"]
