"""Medians, quantiles and percentiles over axes, by sorting; each also without NaNs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import filled, number, promote_inexact, to_shape, value
from numax.numpy.reductions import axes_of, fast, is_nan
from numax.numpy.taking import take_along_axis

_NARROW = frozenset(dtypes.FLOATS) - {dtypes.float32, dtypes.float64}


def _place_of(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    """Where the quantile lies among n sorted elements: n q + alpha + q (1 - alpha - beta) - 1.

    Source: Hyndman & Fan, "Sample quantiles in statistical packages" (1996).
    """

    def place(n: Any, q: Any) -> Any:
        shift = lax.add(lax.mul(q, number(q, 1 - alpha - beta)), number(q, alpha - 1))
        return lax.add(lax.mul(n, q), shift)

    return place


def _steps(n: Any, q: Any) -> Any:
    return lax.sub(lax.mul(n, q), number(q, 1))


def _linear(n: Any, q: Any) -> Any:
    return lax.mul(lax.sub(n, number(n, 1)), q)


# method -> (where the quantile lies, the weight of the upper neighbour from the place and its floor)
_Weight = Callable[[Any, Any], Any]


def _between(place: Any, low: Any) -> Any:
    return lax.sub(place, low)


def _truth(x: Any, like: Any) -> Any:
    return core.convert(x, like.dtype)


def _upper_if_between(place: Any, low: Any) -> Any:
    return _truth(lax.gt(place, low), place)


def _half_if_between(place: Any, low: Any) -> Any:
    return lax.mul(_upper_if_between(place, low), number(place, 0.5))


def _half_if_whole(place: Any, low: Any) -> Any:
    upper = _upper_if_between(place, low)
    return lax.mul(lax.add(upper, number(place, 1)), number(place, 0.5))


def _nearest_even(place: Any, low: Any) -> Any:
    return lax.sub(lax.round(place, lax.RoundingMethod.TO_NEAREST_EVEN), low)


def _closest(place: Any, low: Any) -> Any:
    """The nearest observation; of two equally near ones that of even rank, counted from 1."""
    half = lax.eq(lax.sub(place, low), number(place, 0.5))
    rank_odd = lax.eq(lax.rem(low, number(low, 2)), number(low, 0))
    up = lax.gt(lax.sub(place, low), number(place, 0.5))
    return _truth(lax.bitwise_or(up, lax.bitwise_and(half, rank_odd)), place)


_METHODS: dict[str, tuple[Any, _Weight]] = {
    "linear": (_linear, _between),
    "lower": (_linear, lambda place, low: lax.mul(low, number(low, 0))),
    "higher": (_linear, _upper_if_between),
    "midpoint": (_linear, _half_if_between),
    "nearest": (_linear, _nearest_even),
    "inverted_cdf": (_steps, _upper_if_between),
    "averaged_inverted_cdf": (_steps, _half_if_whole),
    "closest_observation": (
        lambda n, q: lax.sub(lax.mul(n, q), number(q, 1)),
        lambda place, low: _closest(place, low),
    ),
    "interpolated_inverted_cdf": (_place_of(0, 1), _between),
    "hazen": (_place_of(0.5, 0.5), _between),
    "weibull": (_place_of(0, 0), _between),
    "median_unbiased": (_place_of(1 / 3, 1 / 3), _between),
    "normal_unbiased": (_place_of(3 / 8, 3 / 8), _between),
}


def _checked(
    op: str, a: Any, q: Any, out: Any, overwrite: bool, method: str
) -> tuple[Any, Any, Any]:
    """The array and q as floats to compute with, and the result's dtype."""
    if out is not None or overwrite:
        raise ValueError(
            f"{op}: does not support overwrite_input=True or out != None: arrays are immutable."
        )
    if method not in _METHODS:
        raise ValueError(f"{op}: unknown method {method!r}. Use one of {', '.join(_METHODS)}.")
    x, q = value(op, a), value(op, q, 1)
    for v in (x, q):
        if dtypes.is_complex(v.dtype):
            raise ValueError(
                f"{op}: complex numbers have no order; got {v.aval.str_short()}. Use abs(a) or a.real."
            )
    result = promote_inexact(x)[0].dtype
    inner = dtypes.float32 if result in _NARROW else result
    return core.convert(x, inner), core.convert(promote_inexact(q)[0], inner), result


def _check_range(op: str, q: Any, top: float) -> None:
    if core.is_concrete(q):
        known = core.to_ndarray(q)
        if known.size and not (known.min() >= 0 and known.max() <= top):
            raise ValueError(f"{op}: q must be in the range [0, {top:g}]; got {known}.")


def _columns(x: Any, axes: tuple[int, ...]) -> Any:
    """x with the given axes made one, at the front."""
    rest = [i for i in range(x.aval.ndim) if i not in axes]
    count = 1
    for a in axes:
        count *= x.shape[a]
    return lax.reshape(lax.transpose(x, (*axes, *rest)), (count, *[x.shape[i] for i in rest]))


def _quantile(
    op: str, a: Any, q: Any, axis: Any, out: Any, overwrite: bool, method: str, keepdims: bool,
    weights: Any, ignore_nan: bool, top: float,
) -> Any:  # fmt: skip
    x, q, result = _checked(op, a, q, out, overwrite, method)
    _check_range(op, q, top)
    if top != 1:
        q = lax.div(q, number(q, top))
    axes = axes_of(op, axis, x.aval.ndim)
    rows = _columns(x, axes)
    flat = lax.reshape(q, (q.aval.size,))
    if weights is not None:
        y = _weighted(op, rows, flat, _matching(op, weights, x, axes), method, ignore_nan)
    elif not rows.shape[0]:
        y = core.full((flat.shape[0], *rows.shape[1:]), np.nan, rows.dtype)
    else:
        y = _of_sorted(lax.sort(rows, 0), flat, method, ignore_nan)
    shape = (
        [1 if i in axes else n for i, n in enumerate(x.shape)] if keepdims else list(y.shape[1:])
    )
    return core.convert(lax.reshape(y, (*q.shape, *shape)), result)


def _of_sorted(rows: Any, q: Any, method: str, ignore_nan: bool) -> Any:
    """Quantiles along the first axis of sorted elements, NaNs last."""
    where, weight = _METHODS[method]
    missing = is_nan(rows)
    count, shape = rows.shape[0], (q.shape[0], *rows.shape[1:])
    spread = lax.broadcast_in_dim(q, shape, (0,))
    if ignore_nan:
        n = lax.reduce_sum(core.convert(lax.bitwise_not(missing), rows.dtype), (0,))
        place = where(to_shape(n, shape), spread)
        last = lax.max(lax.sub(n, number(n, 1)), number(n, 0))
    else:
        n = core.full(q.shape, count, q.dtype)
        place = where(n, q)
        last = number(q, count - 1)
    low = lax.floor(place)
    share = weight(place, low)
    last = to_shape(last, low.shape)
    zero = filled(low, 0)
    below, above = lax.clamp(zero, low, last), lax.clamp(zero, lax.add(low, number(low, 1)), last)
    index = [core.convert(v, dtypes.int32) for v in (below, above)]
    if ignore_nan:
        first, second = (take_along_axis(rows, i, 0, mode="promise_in_bounds") for i in index)
    else:
        first, second = (lax.index_take(rows, [i], (0,)) for i in index)
        share = lax.broadcast_in_dim(share, shape, (0,))
    share = lax.clamp(filled(share, 0), share, filled(share, 1))
    none, whole = lax.eq(share, number(share, 0)), lax.eq(share, number(share, 1))
    mixed = lax.add(lax.mul(first, lax.sub(number(share, 1), share)), lax.mul(second, share))
    y = lax.select_n(none, lax.select_n(whole, mixed, second), first)
    if ignore_nan:
        return y  # where all are NaN, so are the elements read
    bad = to_shape(lax.reduce_or(missing, (0,)), shape)
    return lax.select_n(bad, y, filled(y, np.nan))


def _matching(op: str, weights: Any, x: Any, axes: tuple[int, ...]) -> Any:
    w = value(op, weights, 2)
    if w.shape != x.shape:
        if w.shape != tuple(x.shape[i] for i in axes):
            raise ValueError(
                f"{op}: weights must have the array's shape, or that of the axes {axes}; got {w.shape} for {x.shape}."
            )
        order = sorted(range(len(axes)), key=lambda i: axes[i])
        w = lax.broadcast_in_dim(lax.transpose(w, order), x.shape, tuple(sorted(axes)))
    return _columns(core.convert(w, x.dtype), axes)


def _weighted(op: str, rows: Any, q: Any, weights: Any, method: str, ignore_nan: bool) -> Any:
    """The least element at which the running share of the weights reaches q."""
    if method != "inverted_cdf":
        raise NotImplementedError(
            f"{op}: {method} doesn't support weights. Only method 'inverted_cdf' supports weights."
        )
    missing = is_nan(rows)
    if ignore_nan:
        weights = lax.select_n(missing, weights, filled(weights, 0))
    rows, weights = lax.sort((rows, weights), 0, num_keys=1)
    running = lax.cumsum(weights, 0)
    total = lax.index_in_dim(running, rows.shape[0] - 1, 0)
    shape = (q.shape[0], *rows.shape)
    target = lax.mul(
        to_shape(total, (q.shape[0], 1, *rows.shape[1:])), _tall(q, rows.aval.ndim + 1)
    )
    tiny = core.full((), np.finfo(rows.dtype).tiny, rows.dtype)
    short = lax.lt(to_shape(running, shape), to_shape(lax.max(target, tiny), shape))
    index = lax.reduce_sum(core.convert(short, dtypes.int32), (1,))
    last = number(index, rows.shape[0] - 1)
    y = take_along_axis(rows, lax.min(index, last), 0, mode="promise_in_bounds")
    if ignore_nan:
        return y
    bad = to_shape(lax.reduce_or(missing, (0,)), y.shape)
    return lax.select_n(bad, y, filled(y, np.nan))


def _tall(q: Any, ndim: int) -> Any:
    return lax.reshape(q, (q.shape[0],) + (1,) * (ndim - 1))


# ---- the functions ----


@core.refuses("out", "overwrite_input")
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Array:
    """The q-quantiles over axes, q in [0, 1]; q's axes come first in the result. NaN where there is one.

    All of NumPy's methods; weights with 'inverted_cdf'. Integers become float32.
    Raises: ValueError for complex numbers, or a known q outside. Grad: elementwise. Source: NumPy `quantile`.
    """
    return _quantile(
        "quantile", a, q, axis, out, overwrite_input, method, keepdims, weights, False, 1
    )


@core.refuses("out", "overwrite_input")
def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Array:
    """The q-quantiles over axes of the elements that are not NaN. See `quantile`.

    Grad: elementwise, zero at NaNs. Source: NumPy `nanquantile`.
    """
    return _quantile(
        "nanquantile", a, q, axis, out, overwrite_input, method, keepdims, weights, True, 1
    )


@core.refuses("out", "overwrite_input")
def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The q-th percentiles over axes, q in [0, 100]. See `quantile`.

    Grad: elementwise. Source: NumPy `percentile`.
    """
    return _quantile(
        "percentile", a, q, axis, out, overwrite_input, method, keepdims, weights, False, 100
    )


@core.refuses("out", "overwrite_input")
def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Array:
    """The q-th percentiles over axes of the elements that are not NaN, q in [0, 100]. See `quantile`.

    Grad: elementwise, zero at NaNs. Source: NumPy `nanpercentile`.
    """
    return _quantile(
        "nanpercentile", a, q, axis, out, overwrite_input, method, keepdims, weights, True, 100
    )


def _host_median(a: np.ndarray, axis: Any, dtype: Any, keepdims: bool) -> Any:
    if not a.size or a.dtype.kind == "c":
        raise ValueError
    return np.median(a.astype(dtype, copy=False), axis, keepdims=keepdims)


@core.refuses("out", "overwrite_input")
@fast(_host_median)
def median(
    a: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Array:
    """The median over axes: the middle element, or the mean of the two middle ones; NaN where there is one.

    Integers become float32. Raises: ValueError for complex numbers. Grad: elementwise. Source: NumPy `median`.
    """
    return _quantile(
        "median", a, 0.5, axis, out, overwrite_input, "midpoint", keepdims, None, False, 1
    )


@core.refuses("out", "overwrite_input")
def nanmedian(
    a: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Array:
    """The median over axes of the elements that are not NaN; NaN if all are. See `median`.

    Grad: elementwise, zero at NaNs. Source: NumPy `nanmedian`.
    """
    return _quantile(
        "nanmedian", a, 0.5, axis, out, overwrite_input, "midpoint", keepdims, None, True, 1
    )


__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]
