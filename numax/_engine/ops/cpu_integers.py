"""Quotients and remainders of integers of at most 32 bits for CPUs, whose own division does not vectorise.

Both are exact in float64, and of 16 bits in float32: a quotient of such integers that is not whole is further from the next
whole number than the float rounds.
"""

import math
from collections.abc import Callable
from typing import Any

from numax._engine.core import dtypes
from numax._engine.ops.formula import EmitMath, Emitted
from numax._engine.stablehlo import hlo

_LEAST = 1024  # smaller arrays keep the compiler's division
_NARROW = frozenset(
    [dtypes.int8, dtypes.int16, dtypes.int32, dtypes.uint8, dtypes.uint16, dtypes.uint32]
)


def _quotient(m: Any, x: Any, y: Any, dtype: Any) -> Any:
    """x / y towards zero; for y = 0 any number."""
    wide = dtypes.float64 if dtypes.iinfo(dtype).bits > 16 else dtypes.float32
    real = m.astype(x, wide) / m.astype(m.where(y == 0, 1, y), wide)
    out = m.astype(real, dtype)
    # the least integer by -1 is no integer of the dtype: it wraps
    return m.where(y == -1, -x, out) if dtypes.is_signed(dtype) else out


def quotient(m: Any, x: Any, y: Any, dtype: Any) -> Any:
    """x / y towards zero; all bits set where y is 0."""
    full = -1 if dtypes.is_signed(dtype) else int(dtypes.iinfo(dtype).max)
    return m.where(y == 0, full, _quotient(m, x, y, dtype))


def remainder(m: Any, x: Any, y: Any, dtype: Any) -> Any:
    """x - y (x / y towards zero); x where y is 0."""
    return x - y * _quotient(m, x, y, dtype)


def on_cpu(formula: Callable[..., Any], general: Callable[..., Any]) -> Callable[..., Any]:
    """A lower rule: the formula for large arrays of such integers on CPUs, but by one known number; else `general`."""

    def lower(ctx: Any, x: Any, y: Any) -> Any:
        small = math.prod(x.shape) < _LEAST
        if ctx.platform != "cpu" or x.dtype not in _NARROW or small:
            return general(ctx, x, y)
        if ctx.known_number(y) is not None:
            return general(ctx, x, y)
        ctx.formulas = True
        return formula(EmitMath(ctx), Emitted(ctx, x), Emitted(ctx, y), x.dtype).value

    return lower


quotient_lower = on_cpu(quotient, hlo.divide)
remainder_lower = on_cpu(remainder, hlo.remainder)
