"""Comparisons: a boolean for each pair of elements. Floats compare as IEEE 754 says; `*_to_p` order them totally."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.ops.basis import pair
from numax._engine.ops.families import ANY, REALS_AND_BOOL, compare
from numax._engine.stablehlo import hlo


class _AnyOrKey(frozenset):
    """All dtypes, and PRNG keys, which are equal or not but have no order."""

    def __contains__(self, dtype: object) -> bool:
        return frozenset.__contains__(self, dtype) or dtypes.is_key(dtype)


_EQUATABLE = _AnyOrKey(ANY)


def _direction(direction: str, kind: str = "") -> Callable[..., Any]:
    return lambda ctx, x, y: hlo.compare(ctx, x, y, direction, kind)


def eq(x: Any, y: Any) -> Any:
    """x == y, elementwise. NaN equals nothing.

    Dtypes: equal; the result is boolean. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `compare`.
    """
    return eq_p.bind(*pair("eq", x, y))


eq_p = compare("eq", accepts=_EQUATABLE, host=np.equal, lower=_direction("EQ"))


def ne(x: Any, y: Any) -> Any:
    """x != y, elementwise. NaN differs from everything.

    Dtypes: equal; the result is boolean. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `compare`.
    """
    return ne_p.bind(*pair("ne", x, y))


ne_p = compare("ne", accepts=_EQUATABLE, host=np.not_equal, lower=_direction("NE"))


def ge(x: Any, y: Any) -> Any:
    """x >= y, elementwise; False where either is NaN.

    Dtypes: equal, not complex; the result is boolean. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `compare`.
    """
    return ge_p.bind(*pair("ge", x, y))


ge_p = compare("ge", accepts=REALS_AND_BOOL, host=np.greater_equal, lower=_direction("GE"))


def gt(x: Any, y: Any) -> Any:
    """x > y, elementwise; False where either is NaN.

    Dtypes: equal, not complex; the result is boolean. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `compare`.
    """
    return gt_p.bind(*pair("gt", x, y))


gt_p = compare("gt", accepts=REALS_AND_BOOL, host=np.greater, lower=_direction("GT"))


def le(x: Any, y: Any) -> Any:
    """x <= y, elementwise; False where either is NaN.

    Dtypes: equal, not complex; the result is boolean. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `compare`.
    """
    return le_p.bind(*pair("le", x, y))


le_p = compare("le", accepts=REALS_AND_BOOL, host=np.less_equal, lower=_direction("LE"))


def lt(x: Any, y: Any) -> Any:
    """x < y, elementwise; False where either is NaN.

    Dtypes: equal, not complex; the result is boolean. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `compare`.
    """
    return lt_p.bind(*pair("lt", x, y))


lt_p = compare("lt", accepts=REALS_AND_BOOL, host=np.less, lower=_direction("LT"))


# ---- total order: -NaN < -inf < ... < -0 < 0 < ... < inf < NaN ----

_SIGNED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}


def _ordered(x: np.ndarray) -> np.ndarray:
    """Integers in the total order of the floats: a negative float's magnitude bits are inverted."""
    bits = x.view(_SIGNED[x.dtype.itemsize])
    return np.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


def _total(host: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: np.ndarray, y: np.ndarray) -> Any:
        return host(_ordered(x), _ordered(y)) if dtypes.is_float(x.dtype) else host(x, y)

    return run


def _lower_total(direction: str) -> Callable[..., Any]:
    def lower(ctx: Any, x: Any, y: Any) -> Any:
        kind = "TOTALORDER" if dtypes.is_float(x.dtype) else ""
        return hlo.compare(ctx, x, y, direction, kind)

    return lower


eq_to_p = compare("eq_to", accepts=REALS_AND_BOOL, host=_total(np.equal), lower=_lower_total("EQ"))
le_to_p = compare(
    "le_to", accepts=REALS_AND_BOOL, host=_total(np.less_equal), lower=_lower_total("LE")
)
lt_to_p = compare("lt_to", accepts=REALS_AND_BOOL, host=_total(np.less), lower=_lower_total("LT"))

__all__ = [
    "eq",
    "eq_p",
    "eq_to_p",
    "ge",
    "ge_p",
    "gt",
    "gt_p",
    "le",
    "le_p",
    "le_to_p",
    "lt",
    "lt_p",
    "lt_to_p",
    "ne",
    "ne_p",
]
