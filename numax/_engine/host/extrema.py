"""The greater and the smaller of two arrays on NumPy, with -0 < 0."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes

_FLOATS = frozenset(dtypes.FLOATS)
_BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def _fast_extremum(choose: Any, merge_bits: Any) -> Callable[..., Any]:
    """NumPy's extremum of operands of one dtype or Python numbers, with -0 < 0: NumPy gives either of them."""
    settled = choose is np.maximum

    def fast(x: Any, y: Any) -> Any:
        out = choose(x, y)
        dtype = out.dtype
        if dtype not in _FLOATS or not _has_zero(out):
            return out
        if not getattr(y, "shape", ()):
            bound = float(y)
            if bound != 0.0:
                return out
            if settled and math.copysign(1.0, bound) > 0.0:
                return out + dtype.type(0)
        bits = _BITS[dtype.itemsize]
        x, y = np.asarray(x, dtype), np.asarray(y, dtype)
        return np.where(x == y, merge_bits(x.view(bits), y.view(bits)).view(dtype), out)

    return fast


_MANY = 4096  # from here on comparing is quicker than counting


def _has_zero(x: np.ndarray) -> bool:
    if x.size < _MANY:
        return np.count_nonzero(x) < x.size
    return bool((x == 0).any())


fast_max = _fast_extremum(np.maximum, np.bitwise_and)
fast_min = _fast_extremum(np.minimum, np.bitwise_or)
