"""Rounding floats to integers, and asking whether they are finite."""

import enum
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.primitive import zero_tangent
from numax._engine.core.trace import as_value
from numax._engine.ops.families import FLOATS, unary
from numax._engine.stablehlo import hlo


class RoundingMethod(enum.IntEnum):
    """What `round` does with halves: away from zero, or to the even neighbour."""

    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1


def floor(x: Any) -> Any:
    """The largest integer that is not above x, elementwise.

    Dtypes: real floats. Grad: zero. Source: StableHLO `floor`.
    """
    return floor_p.bind(as_value(x, "floor"))


floor_p = unary("floor", accepts=FLOATS, host=np.floor, lower=hlo.floor, jvp=zero_tangent)


def ceil(x: Any) -> Any:
    """The smallest integer that is not below x, elementwise.

    Dtypes: real floats. Grad: zero. Source: StableHLO `ceil`.
    """
    return ceil_p.bind(as_value(x, "ceil"))


ceil_p = unary("ceil", accepts=FLOATS, host=np.ceil, lower=hlo.ceil, jvp=zero_tangent)


def round(x: Any, rounding_method: RoundingMethod = RoundingMethod.AWAY_FROM_ZERO) -> Any:
    """The integer nearest to x, elementwise; halves as `rounding_method` says.

    Dtypes: real floats. Raises: ValueError for an unknown method. Grad: zero.
    Source: StableHLO `round_nearest_afz`, `round_nearest_even`.
    """
    if rounding_method not in (*RoundingMethod,):
        raise ValueError(
            f"round: rounding_method must be one of {', '.join(m.name for m in RoundingMethod)}; got {rounding_method!r}. "
            "Use numax.lax.RoundingMethod.TO_NEAREST_EVEN."
        )
    return round_p.bind(as_value(x, "round"), rounding_method=RoundingMethod(rounding_method))


def _round_host(x: np.ndarray, *, rounding_method: RoundingMethod) -> Any:
    if rounding_method == RoundingMethod.TO_NEAREST_EVEN:
        return np.rint(x)
    whole = np.trunc(x)
    half = x.dtype.type(0.5)
    return np.where(np.abs(x - whole) >= half, whole + np.copysign(half + half, x), whole)


def _round_lower(ctx: Any, x: Any, *, rounding_method: RoundingMethod) -> Any:
    if rounding_method == RoundingMethod.TO_NEAREST_EVEN:
        return hlo.round_nearest_even(ctx, x)
    return hlo.round_nearest_afz(ctx, x)


round_p = unary(
    "round", accepts=FLOATS, host=_round_host, lower=_round_lower, jvp=zero_tangent, light=True
)


def is_finite(x: Any) -> Any:
    """Whether x is neither infinite nor NaN, elementwise.

    Dtypes: real floats; the result is boolean. Grad: zero. Source: StableHLO `is_finite`.
    """
    return is_finite_p.bind(as_value(x, "is_finite"))


is_finite_p = unary(
    "is_finite",
    accepts=FLOATS,
    host=np.isfinite,
    lower=hlo.is_finite,
    jvp=zero_tangent,
    out=dtypes.bool_,
)

__all__ = [
    "RoundingMethod",
    "ceil",
    "ceil_p",
    "floor",
    "floor_p",
    "is_finite",
    "is_finite_p",
    "round",
    "round_p",
]
