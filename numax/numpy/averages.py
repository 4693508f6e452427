"""Means, weighted averages, variances and standard deviations over axes; each also without NaNs."""

from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import filled, no_out, number, promote_inexact, to_shape, value
from numax.numpy.reductions import (
    axes_of,
    count_of,
    fast,
    is_nan,
    kept,
    mask_for,
)
from numax.numpy.types import requested_dtype

_NARROW = frozenset(dtypes.FLOATS) - {dtypes.float32, dtypes.float64}


def _dtypes(op: str, x: Any, dtype: Any) -> tuple[Any, Any]:
    """The dtype of the result and the one to compute in: floats, narrow ones as float32."""
    own = x.dtype if dtypes.is_inexact(x.dtype) else dtypes.default_dtype(float)
    result = own if dtype is None else requested_dtype(op, dtype)
    inner = result if dtypes.is_inexact(result) else own
    return result, dtypes.float32 if inner in _NARROW else inner


def _sum_and_count(x: Any, axes: tuple[int, ...], mask: Any) -> tuple[Any, Any]:
    """The sum of the elements where the mask holds, and how many they are."""
    real = dtypes.float64 if x.dtype == dtypes.complex128 else dtypes.float32
    real = real if dtypes.is_complex(x.dtype) else x.dtype
    if mask is None:
        total = lax.reduce_sum(x, axes)
        return total, core.full((), count_of(x, axes), real)
    count = lax.reduce_sum(core.convert(mask, real), axes)
    return lax.reduce_sum(lax.select_n(mask, filled(x, 0), x), axes), count


def _over(total: Any, count: Any) -> Any:
    return lax.div(total, core.convert(count, total.dtype))


def _elements(a: np.ndarray, axis: Any) -> Any:
    if axis is None:
        return a.size
    if type(axis) is int:
        return a.shape[axis]
    return np.prod([a.shape[i] for i in axis])


def _host_mean(a: np.ndarray, axis: Any, dtype: Any, keepdims: bool) -> Any:
    total = np.add.reduce(a, axis, dtype, None, keepdims)
    return np.true_divide(total, dtype.type(_elements(a, axis)))


@core.refuses("out")
@fast(_host_mean)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Array:
    """The arithmetic mean over axes; NaN of no elements. Integers become float32.

    Raises: ValueError for a wrong axis. Grad: linear. Source: NumPy `mean`.
    """
    no_out("mean", out)
    x = value("mean", a)
    result, inner = _dtypes("mean", x, dtype)
    x = core.convert(x, inner)
    axes = axes_of("mean", axis, x.aval.ndim)
    if where is None:
        total = lax.reduce_sum(x, axes)
        y = lax.div_p.bind(total, number(total, count_of(x, axes)))
    else:
        y = _over(*_sum_and_count(x, axes, mask_for("mean", where, x)))
    return core.convert(kept(y, axes, keepdims), result)


def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: bool = False
) -> Any:
    """The weighted mean over axes; with `returned`, also the sum of the weights.

    Weights have a's shape, or that of the axes. Weights that sum to 0 give NaN or inf where NumPy raises.
    Raises: ValueError if the weights' shape does not fit. Grad: elementwise. Source: NumPy `average`.
    """
    x = value("average", a)
    axes = axes_of("average", axis, x.aval.ndim)
    if weights is None:
        y = mean(x, axis, keepdims=keepdims)
        return (y, core.full(y.shape, count_of(x, axes), y.dtype)) if returned else y
    w = value("average", weights, 1)
    if w.shape != x.shape:
        if axis is None:
            raise ValueError(
                f"average: Axis must be specified when shapes of a and weights differ; got {x.shape} and {w.shape}."
            )
        if w.shape != tuple(x.shape[i] for i in axes):
            raise ValueError(
                f"average: Shape of weights must be consistent with shape of a along specified axis; got {w.shape} for "
                f"the axes {axes} of {x.shape}."
            )
        order = sorted(range(len(axes)), key=lambda i: axes[i])
        w = lax.broadcast_in_dim(lax.transpose(w, order), x.shape, tuple(sorted(axes)))
    x, w = promote_inexact(x, w)
    total = lax.reduce_sum(w, axes)
    y = kept(lax.div(lax.reduce_sum(lax.mul(x, w), axes), total), axes, keepdims)
    y = core.convert(y, y.dtype)
    return (y, core.convert(kept(total, axes, keepdims), y.dtype)) if returned else y


# ---- variance ----


def _host_var(a: np.ndarray, axis: Any, dtype: Any, keepdims: bool) -> Any:
    inner = dtype if a.dtype.kind != "c" else a.dtype
    if a.dtype.kind in "iub":
        a = a.astype(inner)
    count = dtype.type(_elements(a, axis))
    middle = np.true_divide(np.add.reduce(a, axis, inner, None, True), count)
    away = np.subtract(a, middle)
    squares = np.multiply(away, away) if a.dtype.kind != "c" else away.real**2 + away.imag**2
    return np.true_divide(np.add.reduce(squares, axis, dtype, None, keepdims), count)


def _host_std(a: np.ndarray, axis: Any, dtype: Any, keepdims: bool) -> Any:
    return np.sqrt(_host_var(a, axis, dtype, keepdims))


def _degrees(ddof: Any, correction: Any) -> Any:
    if correction is None:
        return ddof
    if not (isinstance(ddof, int) and ddof == 0):
        raise ValueError(
            "var: ddof and correction can't be provided simultaneously. They mean the same: give one."
        )
    return correction


def _variance(
    op: str, a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: bool, mask: Any, middle: Any
) -> Any:
    x = value(op, a)
    result, inner = _dtypes(op, x, dtype)
    if dtype is not None and dtypes.is_complex(x.dtype) and not dtypes.is_complex(result):
        raise ValueError(
            f"{op}: a real dtype for complex numbers has no clear meaning; got {result} for {x.aval.str_short()}. "
            "Leave dtype out: variances of complex numbers are real."
        )
    x = core.convert(x, inner)
    axes = axes_of(op, axis, x.aval.ndim)
    total, count = _sum_and_count(x, axes, mask)
    if middle is None:
        centre = lax.expand_dims(_over(total, count), axes)
    else:
        centre = core.convert(value(op, middle), inner)
    away = lax.sub(x, to_shape(centre, x.shape))
    if dtypes.is_complex(inner):
        squares = lax.add(lax.square(lax.real(away)), lax.square(lax.imag(away)))
    else:
        squares = lax.square(away)
    squares_total, _ = _sum_and_count(squares, axes, mask)
    degrees = core.convert(value(op, ddof), count.dtype)
    rest = lax.sub(count, degrees)
    rest = lax.select_n(lax.le(rest, number(rest, 0)), rest, filled(rest, np.nan))
    y = kept(_over(squares_total, rest), axes, keepdims)
    return core.convert(y, np.empty(0, result).real.dtype if dtypes.is_complex(result) else result)


@core.refuses("out")
@fast(_host_var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Array:
    """The variance over axes: mean squared distances from the mean, over n - ddof; NaN where that is not positive.

    Integers become float32; complex numbers have real variances. Raises: ValueError for ddof and correction together.
    Grad: elementwise. Source: NumPy `var`.
    """
    no_out("var", out)
    x = value("var", a)
    mask = None if where is None else mask_for("var", where, x)
    return _variance("var", x, axis, dtype, _degrees(ddof, correction), keepdims, mask, mean)


@core.refuses("out")
@fast(_host_std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Array:
    """The standard deviation over axes: the root of `var`.

    Grad: elementwise; NaN or infinite where all elements are equal. Source: NumPy `std`.
    """
    no_out("std", out)
    x = value("std", a)
    if dtype is not None and not dtypes.is_inexact(requested_dtype("std", dtype)):
        raise ValueError(
            f"std: dtype must be a float or complex dtype; got {dtype}. Convert the result."
        )
    mask = None if where is None else mask_for("std", where, x)
    return _root(_variance("std", x, axis, dtype, _degrees(ddof, correction), keepdims, mask, mean))


def _root(x: Any) -> Any:
    if x.dtype in _NARROW:
        return core.convert(lax.sqrt(core.convert(x, dtypes.float32)), x.dtype)
    return lax.sqrt(x)


# ---- without NaNs ----


def _present(op: str, x: Any, where: Any) -> Any:
    """Where elements count: they are no NaN, and `where` holds."""
    mask = None if where is None else mask_for(op, where, x)
    if not dtypes.is_inexact(x.dtype):
        return mask
    there = lax.bitwise_not(is_nan(x))
    return there if mask is None else lax.bitwise_and(there, mask)


def _host_nanmean(a: np.ndarray, axis: Any, dtype: Any, keepdims: bool) -> Any:
    there = np.logical_not(np.isnan(a))
    total = np.add.reduce(a, axis, dtype, None, keepdims, 0, there)
    count = np.add.reduce(there, axis, np.intp, None, keepdims)
    return np.true_divide(total, np.asarray(count).astype(dtype))


@core.refuses("out")
@fast(_host_nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    where: Any = None,
) -> Array:
    """The mean over axes of the elements that are not NaN; NaN if all are. See `mean`.

    Grad: linear, zero at NaNs. Source: NumPy `nanmean`.
    """
    no_out("nanmean", out)
    x = value("nanmean", a)
    axes_of("nanmean", axis, x.aval.ndim)
    return mean(x, axis, dtype, None, keepdims, where=_present("nanmean", x, where))


@core.refuses("out", "correction")
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: Any = 0,
    keepdims: bool = False,
    where: Any = None,
    mean: Any = None,
    **numpy_only: Never,
) -> Array:
    """The variance over axes of the elements that are not NaN. See `var`.

    Grad: elementwise, zero at NaNs. Source: NumPy `nanvar`.
    """
    if numpy_only:
        core.no_options("nanvar", numpy_only)
    no_out("nanvar", out)
    x = value("nanvar", a)
    mask = _present("nanvar", x, where)
    if mask is not None:
        x = lax.select_n(mask, filled(x, 0), x)
    return _variance("nanvar", x, axis, dtype, ddof, keepdims, mask, mean)


@core.refuses("out", "correction")
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: Any = 0,
    keepdims: bool = False,
    where: Any = None,
    mean: Any = None,
    **numpy_only: Never,
) -> Array:
    """The standard deviation over axes of the elements that are not NaN. See `std`.

    Grad: elementwise, zero at NaNs. Source: NumPy `nanstd`.
    """
    if numpy_only:
        core.no_options("nanstd", numpy_only)
    no_out("nanstd", out)
    axes_of("nanstd", axis, value("nanstd", a).aval.ndim)
    return _root(nanvar(a, axis, dtype, None, ddof, keepdims, where, mean))


__all__ = ["average", "mean", "nanmean", "nanstd", "nanvar", "std", "var"]
