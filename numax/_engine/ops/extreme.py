"""Least and greatest values of dtypes, and the larger of two values in StableHLO, complex ones included."""

from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.stablehlo import hlo


def limit(dtype: Any, largest: bool) -> Any:
    """The largest or smallest value of a dtype: what the minimum or maximum of nothing is."""
    if dtype == dtypes.bool_:
        return largest
    if dtypes.is_integer(dtype):
        return int(dtypes.iinfo(dtype).max if largest else dtypes.iinfo(dtype).min)
    if dtypes.is_complex(dtype):
        return complex(np.inf if largest else -np.inf, 0)
    value = np.array(np.inf if largest else -np.inf).astype(dtype)
    if np.isinf(value.astype(np.float32)):
        return np.inf if largest else -np.inf
    return float(dtypes.finfo(dtype).max if largest else dtypes.finfo(dtype).min)


def limit_array(dtype: Any, largest: bool) -> np.ndarray:
    """`limit` as an array of no dimensions."""
    return np.array(limit(dtype, largest)).astype(dtype)


def _complex_extreme(b: Any, x: Any, y: Any, direction: str) -> Any:
    xr, xi, yr, yi = hlo.real(b, x), hlo.imag(b, x), hlo.real(b, y), hlo.imag(b, y)
    first = hlo.compare(b, xr, yr, direction)
    second = hlo.and_(b, hlo.compare(b, xr, yr, "EQ"), hlo.compare(b, xi, yi, direction))
    y_nan = hlo.compare(b, y, y, "NE")
    take_x = hlo.and_(b, hlo.or_(b, first, second), hlo.not_(b, y_nan))
    return hlo.select(b, hlo.or_(b, take_x, hlo.compare(b, x, x, "NE")), x, y)


def _complex_max(b: Any, x: Any, y: Any) -> Any:
    return _complex_extreme(b, x, y, "GT")


def _complex_min(b: Any, x: Any, y: Any) -> Any:
    return _complex_extreme(b, x, y, "LT")


def extreme(dtype: Any, largest: bool) -> Any:
    """The emitter of the larger or smaller of two values; nan wins; complex by real, then imaginary part."""
    if dtypes.is_complex(dtype):
        return _complex_max if largest else _complex_min
    return hlo.maximum if largest else hlo.minimum


__all__ = ["extreme", "limit", "limit_array"]
