"""Counting: bincount and the histograms."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, Tracer, dtypes
from numax.numpy.creation import constant, linspace
from numax.numpy.manipulation import ravel, reshape
from numax.numpy.promotion import promote_inexact, to_shape, value
from numax.numpy.searching import _known, _number, concrete, searchsorted
from numax.numpy.taking import _roomy, _take

_host_of = core.eager.host_of
_WITHIN = "promise_in_bounds"
_MANY = 2048  # from so many elements on, bins of equal width are found by a product
_MOST_EVEN = 1 << 18
_PRECISE = (dtypes.float32, dtypes.float64)


def _int() -> Any:
    return dtypes.default_dtype(int)


def bincount(
    x: Any,
    weights: Any = None,
    minlength: int = 0,
    *,
    length: int | None = None,
    out_sharding: Any = None,
) -> Any:
    """How often each number 0, 1, 2 ... occurs, or the sum of the weights that go with it.

    Args: length fixes the result's size, so that x may be traced; larger numbers are dropped, negative ones count as 0.
    Raises: TypeError unless x is of integers; ValueError for known negative numbers without length.
    Grad: linear in weights. Source: NumPy `bincount`.
    """
    x = value("bincount", x)
    if dtypes.is_inexact(x.dtype):
        raise TypeError(f"bincount: integers are needed; got {x.aval.str_short()}.")
    if len(x.shape) != 1:
        raise ValueError(
            f"bincount: x must have one axis; got {x.aval.str_short()}. Use x.ravel()."
        )
    if x.dtype == dtypes.bool_:
        x = core.convert(x, dtypes.int32)
    if weights is not None:
        weights = value("bincount", weights, 1)
        if weights.shape != x.shape:
            raise ValueError(
                f"bincount: weights must have x's shape {x.shape}; got {weights.aval.str_short()}."
            )
    if length is None:
        known = concrete("bincount", x, "Pass length=n for a result of fixed size.")
        if known.size and known.min() < 0:
            raise ValueError(f"bincount: x must not be negative; got {known.min()}.")
        length = max(operator.index(minlength), int(known.max()) + 1 if known.size else 0)
    return _count(x, weights, operator.index(length))


_SUMMED = frozenset((dtypes.float16, dtypes.float32, dtypes.float64))


def _count(x: Any, weights: Any, length: int) -> Any:
    memory = _host_of(x)
    if memory is not None and weights is None:
        found = np.bincount(np.maximum(memory.astype(np.int64), 0), minlength=length)[:length]
        return _known(found, _int())
    masses = None if weights is None or weights.dtype not in _SUMMED else _host_of(weights)
    if memory is not None and masses is not None:
        places = np.maximum(memory.astype(np.int64), 0)
        found = np.bincount(places, masses, minlength=length)[:length]
        return _known(found, weights.dtype)
    if weights is None:
        weights = constant(x.shape, 1, _int())
    if not x.shape[0] or not length:
        return constant((length,), 0, weights.dtype)
    x = _roomy(x, length)
    numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    start = constant((length + 1,), 0, weights.dtype)  # one bin more, for what is dropped
    index = lax.expand_dims(x, (1,))
    found = lax.scatter_add(start, index, weights, numbers, mode="clip")
    return lax.slice_in_dim(found, 0, length)


# ---- edges ----


def _bounds(a: Any, limits: Any) -> tuple[Any, Any]:
    """The least and the largest edge, as scalars."""
    if limits is not None:
        low, high = limits
        low, high = promote_inexact(value("histogram", low), value("histogram", high))
    elif not math.prod(a.shape):
        low, high = _number(0, a.dtype), _number(1, a.dtype)
    else:
        axes = tuple(range(len(a.shape)))
        low, high = lax.reduce_min(a, axes), lax.reduce_max(a, axes)
    ends = [_host_of(low), _host_of(high)]
    if all(e is not None for e in ends):
        if limits is not None and ends[0] > ends[1]:
            raise ValueError(f"histogram: range must rise; got {ends[0]} to {ends[1]}.")
        if not all(np.isfinite(e) for e in ends):
            raise ValueError(f"histogram: the range must be finite; got {ends[0]} to {ends[1]}.")
    same = lax.eq(low, high)
    half = _number(0.5, low.dtype)
    return lax.select_n(same, low, lax.sub(low, half)), lax.select_n(
        same, high, lax.add(high, half)
    )


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The edges of the bins of a histogram: equally wide, as given, or by a rule such as 'auto' (known data).

    Differs from NumPy: float32 for integers. Grad: linear in the range. Source: NumPy `histogram_bin_edges`.
    """
    a = ravel(promote_inexact(value("histogram_bin_edges", a))[0])
    if isinstance(bins, str):
        data = concrete("histogram_bin_edges", a, "Pass the number of bins.")
        edges = np.histogram_bin_edges(data.astype(np.float64), bins, range)
        return _known(edges, a.dtype)
    if _is_array(bins):
        edges = promote_inexact(value("histogram_bin_edges", _listed(bins)), a)[0]
        if len(edges.shape) == 1:
            known = _host_of(edges)
            if known is not None and (known[1:] < known[:-1]).any():
                raise ValueError("histogram: bins must rise monotonically.")
            return edges
        if len(edges.shape) > 1:
            raise ValueError(
                f"histogram: bins must be a number or one axis of edges; got {edges.aval.str_short()}."
            )
    count = core.to_index(bins) if isinstance(bins, Array) else operator.index(bins)
    if count < 1:
        raise ValueError(f"histogram: bins must be positive; got {count}.")
    return linspace(*_bounds(a, range), count + 1, dtype=a.dtype)


def _is_array(bins: Any) -> bool:
    return isinstance(bins, Array | Tracer | np.ndarray | list | tuple)


def _listed(bins: Any) -> Any:
    return np.asarray(bins) if isinstance(bins, list | tuple) else bins


def _even_places(a: Any, edges: Any) -> Any:
    """searchsorted(edges, a, "right") for edges of equal distance.

    A product gives the bin to within one if the distance is well above the rounding errors of the edges, and the two
    edges around it decide.
    """
    n, dtype = edges.shape[0], a.dtype
    a, edges = lax.stop_gradient(a), lax.stop_gradient(edges)
    low, high = (lax.index_in_dim(edges, i, keepdims=False) for i in (0, -1))
    scale = lax.div(_number(n - 1, dtype), lax.sub(high, low))
    size = lax.max(lax.abs(low), lax.abs(high))
    error = lax.mul(size, _number(64 * float(dtypes.finfo(dtype).eps), dtype))
    sound = lax.lt(lax.mul(scale, error), _number(1, dtype))

    def product() -> Any:
        share = lax.mul(lax.sub(a, to_shape(low, a.shape)), to_shape(scale, a.shape))
        bin_ = lax.clamp(_number(0, dtype), share, _number(n - 2, dtype))
        missing = lax.ne(a, a)
        bin_ = core.convert(lax.select_n(missing, bin_, lax.full_like(bin_, 0)), _int())
        next_ = lax.add(bin_, _number(1, _int()))
        passed = [lax.le(_take(edges, i, 0, _WITHIN), a) for i in (bin_, next_)]
        found = lax.add(*[core.convert(p, _int()) for p in passed])
        return lax.select_n(missing, lax.add(bin_, found), lax.full_like(bin_, n))

    return lax.cond(sound, product, lambda: searchsorted(edges, a, "right"))


def _places(a: Any, edges: Any, even: bool = False) -> Any:
    """The number of each element's bin, from 1 on; 0 below and len(edges) above. The last edge belongs to its bin."""
    n = edges.shape[0]
    a, edges = promote_inexact(a, edges)
    if even and a.aval.size >= _MANY and 1 < n < _MOST_EVEN and a.dtype in _PRECISE:
        found = _even_places(a, edges)
    else:
        found = searchsorted(edges, a, "right")
    last = lax.index_in_dim(edges, -1, keepdims=False)
    return lax.select_n(lax.eq(a, last), found, lax.full_like(found, n - 1))


def histogram(
    a: Any,
    bins: Any = 10,
    range: Any = None,
    weights: Any = None,
    density: bool | None = None,
    out_sharding: Any = None,
) -> tuple[Any, Any]:
    """How many elements (or the sum of their weights) lie in each bin, and the bins' edges.

    Differs from NumPy: counts are floats. Grad: linear in weights. Raises: ValueError for edges that do not rise.
    Source: NumPy `histogram`.
    """
    a = value("histogram", a)
    edges = histogram_bin_edges(a, bins, range, weights)
    flat = promote_inexact(ravel(a))[0]
    if weights is None:
        items = constant(flat.shape, 1, flat.dtype)
    else:
        given = value("histogram", weights, 3)
        if given.shape != a.shape:
            raise ValueError(
                f"histogram: weights must have the shape {a.shape}; got {given.aval.str_short()}."
            )
        items = promote_inexact(ravel(given), flat)[0]
    n = edges.shape[0]
    places = _places(flat, edges, not _is_array(bins) or not getattr(bins, "shape", True))
    counts = lax.slice_in_dim(_count(places, items, n), 1, n)
    if density:
        widths = lax.sub(lax.slice_in_dim(edges, 1, n), lax.slice_in_dim(edges, 0, n - 1))
        counts, widths = promote_inexact(counts, widths)
        total = lax.reduce_sum(counts, (0,))
        counts = lax.div(lax.div(counts, widths), total)
    return counts, edges


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, weights: Any = None, density: bool | None = None
) -> tuple[Any, list[Any]]:
    """Counts (or sums of weights) of points in bins of several axes, and the edges along each.

    Shapes: sample (points, axes). Grad: linear in weights. Source: NumPy `histogramdd`.
    """
    if isinstance(sample, list | tuple):
        columns = [ravel(value("histogramdd", x)) for x in sample]
        points = lax.stack(promote_inexact(*columns), 1)
    else:
        points = promote_inexact(value("histogramdd", sample))[0]
        if len(points.shape) == 1:
            points = reshape(points, (points.shape[0], 1))
    if len(points.shape) != 2:
        raise ValueError(
            f"histogramdd: the sample must have two axes; got {points.aval.str_short()}."
        )
    n, d = points.shape
    if weights is not None:
        weights = value("histogramdd", weights, 3)
        if weights.shape != (n,):
            raise ValueError(
                f"histogramdd: weights must have shape {(n,)}; got {weights.aval.str_short()}."
            )
    per_axis = list(bins) if isinstance(bins, list | tuple) else [bins] * d
    if len(per_axis) != d:
        raise ValueError(
            f"histogramdd: bins must be a number, or one for each of {d} axes; got {len(per_axis)}."
        )
    limits = [None] * d if range is None else list(range)
    if len(limits) != d:
        raise ValueError(
            f"histogramdd: range must have a pair for each of {d} axes; got {len(limits)}."
        )
    columns = lax.unstack(points, 1)
    edges = [histogram_bin_edges(x, b, r) for x, b, r in zip(columns, per_axis, limits)]
    flat: Any = constant((n,), 0, dtypes.int32)
    for x, e in zip(columns, edges):
        size = _number(e.shape[0] + 1, dtypes.int32)
        flat = lax.add(lax.mul(flat, size), core.convert(_places(x, e), dtypes.int32))
    sizes = [e.shape[0] + 1 for e in edges]
    counts = reshape(_count(flat, weights, math.prod(sizes)), tuple(sizes))
    inside = lax.slice(counts, [1] * d, [s - 1 for s in sizes])
    if density:
        inside = promote_inexact(inside)[0]
        total = lax.reduce_sum(inside, tuple(np.arange(d).tolist()))
        inside = lax.div(inside, total)
        for axis, e in enumerate(edges):
            widths = lax.sub(
                lax.slice_in_dim(e, 1, e.shape[0]), lax.slice_in_dim(e, 0, e.shape[0] - 1)
            )
            widths = core.convert(widths, inside.dtype)
            inside = lax.div(inside, lax.broadcast_in_dim(widths, inside.shape, (axis,)))
    return inside, edges


def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    weights: Any = None,
    density: bool | None = None,
) -> tuple[Any, Any, Any]:
    """Counts (or sums of weights) of points (x, y) in bins of two axes, and the edges along both.

    Grad: linear in weights. Source: NumPy `histogram2d`.
    """
    x, y = value("histogram2d", x), value("histogram2d", y, 1)
    if x.shape != y.shape:
        raise ValueError(
            f"histogram2d: x and y must have equal shapes; got {x.shape} and {y.shape}."
        )
    if isinstance(bins, Sequence) and len(bins) not in (1, 2):
        bins = np.asarray(bins)
    if isinstance(bins, Array | Tracer | np.ndarray) and getattr(bins, "shape", ()):
        bins = [bins, bins]
    counts, edges = histogramdd([x, y], bins, range, weights, density)
    return counts, edges[0], edges[1]


__all__ = ["bincount", "histogram", "histogram2d", "histogram_bin_edges", "histogramdd"]
