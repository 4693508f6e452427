"""Calls of the optional kernels of numax/_kernels.c from programs for CPUs.

Each function emits the call, or returns None where there is no kernel (`ctx.kernels`), none for the dtype, or too little to do;
the caller then emits the compiler's own operations. Nothing fuses with a kernel: it is worth its call where the array has to be
in memory anyway.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.stablehlo import hlo

_EXTREMES = frozenset([dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64])
_SUMS = frozenset(
    [dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64]
)
_FEW = 1 << 12  # elements
_MANY = 1 << 5


def _call(ctx: Any, name: str, operands: Any, shape: Any, numbers: Any, **options: Any) -> Any:
    """Operands go as they are: a reshape for the kernel's sake might be a copy."""
    (out,) = ctx.custom_call(
        name,
        operands,
        [(shape, operands[0].dtype)],
        operand_layouts=[range(len(v.shape) - 1, -1, -1) for v in operands],
        backend_config={name: np.int64(n) for name, n in numbers.items()},
        **options,
    )
    return out


def extreme(ctx: Any, x: Any, axes: Sequence[int], largest: bool) -> tuple[Any, tuple[int, ...]]:
    """x reduced to its extremes over neighbouring axes, and the axes that are left to reduce; nans are kept, -0 is below 0."""
    axes = tuple(sorted(axes))
    if not ctx.kernels or x.dtype not in _EXTREMES or not axes or math.prod(x.shape) < _MANY:
        return x, axes
    last = axes[-1] + 1
    first = next(i for i in range(last - 1, -1, -1) if i - 1 not in axes)
    if math.prod(x.shape[first:last]) < 2:
        return x, axes
    shape = (*x.shape[:first], *x.shape[last:])
    numbers = {"first": first, "last": last, "least": not largest}
    out = _call(ctx, "numax_extreme", [x], shape, numbers)
    return out, tuple([i for i in axes if i < first])


def cumulate(ctx: Any, x: Any, axis: int, reverse: bool, product: bool) -> Any:
    """Running sums or products along an axis, or None. Sums along long rows carry float64 from block to block."""
    if not ctx.kernels or x.dtype not in _SUMS or math.prod(x.shape) < _FEW:
        return None
    numbers = {"axis": axis, "product": product, "reverse": reverse}
    return _call(ctx, "numax_cumulate", [x], x.shape, numbers)


def scatter_add(ctx: Any, x: Any, rows: Any, updates: Any) -> Any:
    """x with updates added to its rows, or None. rows: int32; those out of bounds are left out. updates: one for each of rows. Rows of one element are summed in four parts, where there are few."""
    if not ctx.kernels or x.dtype not in _SUMS or math.prod(updates.shape) < _FEW:
        return None
    if updates.scalar is not None:
        updates = hlo.broadcast_scalar(ctx, updates.scalar, x.shape[1:])
    operands = [x, rows, updates]
    return _call(ctx, "numax_scatter_add", operands, x.shape, {}, output_operand_aliases={0: 0})
