"""Calls of the optional kernels of numax/_kernels.c from programs for CPUs.

Each function emits the call, or returns None where there is no kernel (`ctx.kernels`), none for the dtype, or too little to do;
the caller then emits the compiler's own operations. Nothing fuses with a kernel: it is worth its call where the array has to be
in memory anyway.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes

_EXTREMES = frozenset([dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64])
_SUMS = frozenset(
    [dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64]
)
_FEW = 1 << 12  # elements
_MANY = 1 << 5
LOOP = 1 << 14
_RECENT = 1 << 9  # lines


def _call(
    ctx: Any, name: str, operands: Any, shape: Any, numbers: Any, dtype: Any = None, **options: Any
) -> Any:
    """Operands go as they are: a reshape for the kernel's sake might be a copy."""
    (out,) = ctx.custom_call(
        name,
        operands,
        [(shape, dtype or operands[0].dtype)],
        operand_layouts=[range(len(v.shape) - 1, -1, -1) for v in operands],
        backend_config={k: n if type(n) is float else np.int64(n) for k, n in numbers.items()},
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
    numbers = {"first": first, "last": last, "least": not largest, "places": False}
    out = _call(ctx, "numax_extreme", [x], shape, numbers)
    return out, tuple([i for i in axes if i < first])


def place(ctx: Any, x: Any, axis: int, largest: bool) -> Any:
    """The place of the first nan along an axis, or else of the first extreme, as int32; or None."""
    if not ctx.kernels or x.dtype not in _EXTREMES or math.prod(x.shape) < _MANY:
        return None
    after = math.prod(x.shape[axis + 1 :])
    if x.shape[axis] >= 2**31 or (after == 1 and x.shape[axis] <= 16):
        return None  # the compiler unrolls short rows, and is as fast
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    numbers = {"first": axis, "last": axis + 1, "least": not largest, "places": True}
    return _call(ctx, "numax_extreme", [x], shape, numbers, dtype=dtypes.int32)


def cumulate(ctx: Any, x: Any, axis: int, reverse: bool, product: bool) -> Any:
    """Running sums or products along an axis, or None. Sums along long rows carry float64 from block to block."""
    if not ctx.kernels or x.dtype not in _SUMS or math.prod(x.shape) < _FEW:
        return None
    numbers = {"axis": axis, "product": product, "reverse": reverse}
    return _call(ctx, "numax_cumulate", [x], x.shape, numbers)


def scatter_add(ctx: Any, x: Any, places: Any, updates: Any, clip: bool) -> Any:
    """x, of one dimension, with updates added at places, or None. places: int32; those out of bounds are left out, or with `clip` count
    as the first or last. updates: one for each. They are summed in four parts, so x must be short beside them."""
    count = math.prod(updates.shape)
    if not ctx.kernels or x.dtype not in _SUMS or count < max(_FEW, 4 * x.shape[0]):
        return None
    if updates.scalar is not None:
        updates = updates.scalar
    operands = [x, places, updates]
    numbers = {"clip": clip}
    return _call(
        ctx, "numax_scatter_add", operands, x.shape, numbers, output_operand_aliases={0: 0}
    )


def outside(ctx: Any, x: Any, low: float, high: float) -> Any:
    """Whether any number of a float32 array lies outside low ... high (a nan does not), as a scalar; or None."""
    if not ctx.kernels or x.dtype != dtypes.float32 or math.prod(x.shape) < LOOP:
        return None
    if _crowded(ctx.lines, x.name):
        return None
    return _call(ctx, "numax_outside", [x], (), {"low": low, "high": high}, dtype=dtypes.bool_)


def transposed(ctx: Any, x: Any, permutation: Sequence[int]) -> Any:
    """x with its axes in another order, or None: for few elements, where rows stay rows, or for many axes that part."""
    bits = dtypes.itemsize_bits(x.dtype)
    if not ctx.kernels or math.prod(x.shape) < LOOP or bits < 8:
        return None
    strides = [math.prod(x.shape[i + 1 :]) for i in range(len(x.shape))]
    shape = tuple([x.shape[i] for i in permutation])
    axes: list[
        tuple[int, int]
    ] = []  # of the result: size and distance in x, those that stay together joined
    for i in permutation:
        size, step = x.shape[i], strides[i]
        if size == 1:
            continue
        if axes and axes[-1][1] == size * step:
            axes[-1] = (axes[-1][0] * size, step)
        else:
            axes.append((size, step))
    if len(axes) < 2 or len(axes) > 5 or axes[-1][1] == 1:
        return None
    steps = [math.prod([n for n, _ in axes[i + 1 :]]) for i in range(len(axes))]
    rows = next(i for i, (_, step) in enumerate(axes) if step == 1)
    numbers = {"bytes": bits // 8, "a": axes[rows][0], "out_row": steps[rows]}
    numbers |= {"b": axes[-1][0], "x_row": axes[-1][1]}
    rest = [(n, step, out) for (n, step), out in zip(axes, steps, strict=True)]
    rest = [one for i, one in enumerate(rest[:-1]) if i != rows]
    for i, (n, step, out) in enumerate([(1, 0, 0)] * (3 - len(rest)) + rest):
        numbers |= {f"outer{i}": n, f"x{i}": step, f"out{i}": out}
    return _call(ctx, "numax_transpose", [x], shape, numbers)


_NAMES = re.compile(r"%\w+")


def _crowded(lines: Sequence[str], name: str) -> bool:
    """Whether the block has looked at two arrays on which this one does not depend: they may meet in one loop, of which there
    is a version for each outcome."""
    wanted, others = {name}, set()
    for line in reversed(lines[-_RECENT:]):
        out, _, text = line.strip().partition(" = ")
        if "@numax_outside(" in text:
            (operand,) = _NAMES.findall(text)
            if out in wanted or operand == name:
                return False
            others.add(operand)
        elif out.partition(":")[0] in wanted:
            wanted.update(_NAMES.findall(text))
    return len(others) > 1
