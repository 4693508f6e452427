"""Reductions over axes: sums, products, extrema, truth, places of extrema, running sums; each also without NaNs."""

import operator
from collections.abc import Sequence
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import no_out, number, to_shape, value
from numax.numpy.types import requested_dtype


def fast(host: Any) -> Any:
    """A decorator: eager calls without further options run `host(ndarray, axis, dtype, keepdims)`."""
    return lambda general: core.eager.reduction(general.__name__, host, general)


def axes_of(op: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes that `axis` names: all of them if it is None."""
    if axis is None:
        return tuple(range(ndim))
    try:
        axis = (operator.index(axis),)
    except TypeError:
        if not isinstance(axis, Sequence):
            raise TypeError(
                f"{op}: axis must be None, an int or a tuple of ints; got {axis!r}."
            ) from None
    return core.canonical_axes(op, axis, ndim)


def kept(y: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """A reduction's result, with its axes at size 1 if asked for."""
    return lax.expand_dims(y, axes) if keepdims and axes else y


def count_of(x: Any, axes: tuple[int, ...]) -> int:
    """How many elements each result is made of."""
    count = 1
    for a in axes:
        count *= x.shape[a]
    return count


def mask_for(op: str, where: Any, x: Any) -> Any:
    """`where` as booleans of x's shape."""
    where = value(op, where)
    if where.dtype != dtypes.bool_:
        raise ValueError(
            f"{op}: where must be None or a boolean array; got {where.aval.str_short()}."
        )
    try:
        fits = np.broadcast_shapes(where.shape, x.shape) == tuple(x.shape)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{op}: where must broadcast to the array; got {where.aval.str_short()} for {x.aval.str_short()}."
        )
    return to_shape(where, x.shape)


def _initial(op: str, initial: Any, x: Any) -> Any:
    initial = value(op, initial)
    if initial.shape:
        raise ValueError(
            f"{op}: initial value must be a scalar. Got array of shape {initial.shape}."
        )
    return core.convert(initial, x.dtype)


# ---- sum and product ----


def no_keys(op: str, dtype: Any) -> None:
    """TypeError for random keys, which are no numbers."""
    if dtypes.is_key(dtype):
        raise TypeError(
            f"{op}: accepts numbers and booleans; got {dtype.name}. Use numax.random.key_data for the keys' bits."
        )


def sum_dtype(op: str, dtype: Any, own: Any, promote: bool = True) -> Any:
    """The dtype of a sum: the one asked for; small integers widen to the default, unless promote is off."""
    no_keys(op, own)
    if dtype is not None:
        return requested_dtype(op, dtype)
    if own == dtypes.bool_ or (promote and dtypes.is_signed(own)):
        return dtypes.default_dtype(int)
    if promote and dtypes.is_unsigned(own):
        return dtypes.canonicalize_dtype(np.uint64)
    return own


def _total(op: str, a: Any, axis: Any, rule: Any, combine: Any, neutral: int, dtype: Any, keepdims: bool,
           initial: Any, where: Any, promote: bool) -> Any:  # fmt: skip
    a = value(op, a)
    axes = axes_of(op, axis, a.aval.ndim)
    x = core.convert(a, sum_dtype(op, dtype, a.dtype, promote))
    if where is not None:
        x = lax.select_n(mask_for(op, where, x), core.full(x.shape, neutral, x.dtype), x)
    y = rule(x, axes) if axes else x
    if initial is not None:
        y = combine(y, _initial(op, initial, x))
    return kept(y, axes, keepdims)


@fast(lambda a, axis, dtype, keepdims: np.add.reduce(a, axis, dtype, None, keepdims))
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
    promote_integers: bool = True,
) -> Array:
    """The sum over axes. Integers narrower than the default widen to it, unless promote_integers is False.

    Raises: ValueError for a wrong axis; NotImplementedError for `out`. Grad: linear. Source: NumPy `sum`.
    """
    no_out("sum", out)
    return _total(
        "sum",
        a,
        axis,
        lax.reduce_sum,
        lax.add,
        0,
        dtype,
        keepdims,
        initial,
        where,
        promote_integers,
    )


@fast(lambda a, axis, dtype, keepdims: np.multiply.reduce(a, axis, dtype, None, keepdims))
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
    promote_integers: bool = True,
) -> Array:
    """The product over axes. Integers narrower than the default widen to it, unless promote_integers is False.

    Raises: ValueError for a wrong axis; NotImplementedError for `out`. Grad: right at zeros. Source: NumPy `prod`.
    """
    no_out("prod", out)
    return _total(
        "prod",
        a,
        axis,
        lax.reduce_prod,
        lax.mul,
        1,
        dtype,
        keepdims,
        initial,
        where,
        promote_integers,
    )


# ---- extrema ----


def _extremum(
    op: str, a: Any, axis: Any, rule: Any, combine: Any, keepdims: bool, initial: Any, where: Any
) -> Any:
    a = value(op, a)
    no_keys(op, a.dtype)
    x = core.convert(a, a.dtype)
    axes = axes_of(op, axis, x.aval.ndim)
    if initial is None:
        if where is not None:
            raise ValueError(
                f"reduction operation {op} does not have an identity, so to use a where mask one has to specify 'initial'"
            )
        if count_of(x, axes) == 0:
            raise ValueError(
                f"zero-size array to reduction operation {op} which has no identity; got {x.aval.str_short()}. "
                "Give `initial`."
            )
        y = rule(x, axes) if axes else x
        return kept(y, axes, keepdims)
    start = _initial(op, initial, x)
    if where is not None:
        x = lax.select_n(mask_for(op, where, x), to_shape(start, x.shape), x)
    y = rule(x, axes) if axes else x
    return kept(combine(y, start), axes, keepdims)


@core.refuses("out")
@fast(lambda a, axis, dtype, keepdims: np.maximum.reduce(a, axis, None, None, keepdims))
def max(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """The maximum over axes; NaN if there is one. `where` needs `initial`.

    Raises: ValueError for no elements. Grad: shared by equal maxima. Source: NumPy `max`.
    """
    no_out("max", out)
    return _extremum("max", a, axis, lax.reduce_max, lax.max, keepdims, initial, where)


@core.refuses("out")
@fast(lambda a, axis, dtype, keepdims: np.minimum.reduce(a, axis, None, None, keepdims))
def min(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """The minimum over axes; NaN if there is one. `where` needs `initial`.

    Raises: ValueError for no elements. Grad: shared by equal minima. Source: NumPy `min`.
    """
    no_out("min", out)
    return _extremum("min", a, axis, lax.reduce_min, lax.min, keepdims, initial, where)


amax, amin = max, min


def minmax(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> tuple[Array, Array]:
    """The minimum and the maximum over axes. NumPy has no such function.

    Raises: ValueError for no elements. Grad: shared by equal extrema.
    """
    no_out("minmax", out)
    options = {} if initial is None and where is None else {"initial": initial, "where": where}
    return min(a, axis, keepdims=keepdims, **options), max(a, axis, keepdims=keepdims, **options)


@core.refuses("out")
def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Array:
    """The maximum less the minimum over axes.

    Raises: TypeError for booleans; ValueError for no elements. Grad: of max and min. Source: NumPy `ptp`.
    """
    no_out("ptp", out)
    a = value("ptp", a)
    if a.dtype == dtypes.bool_:
        raise TypeError("ptp: booleans have no difference; got bool. Convert with a.astype(int).")
    if not count_of(a, axes_of("ptp", axis, a.aval.ndim)):
        raise ValueError(
            f"zero-size array to reduction operation ptp which has no identity; got {a.aval.str_short()}."
        )
    return lax.sub(max(a, axis, keepdims=keepdims), min(a, axis, keepdims=keepdims))


# ---- truth ----


def truth(x: Any) -> Any:
    """Whether elements differ from zero."""
    return x if x.dtype == dtypes.bool_ else lax.ne(x, number(x, 0))


def _whether(
    op: str, a: Any, axis: Any, rule: Any, keepdims: bool, where: Any, neutral: bool
) -> Any:
    x = truth(value(op, a))
    axes = axes_of(op, axis, x.aval.ndim)
    if where is not None:
        x = lax.select_n(mask_for(op, where, x), core.full(x.shape, neutral, dtypes.bool_), x)
    return kept(rule(x, axes) if axes else x, axes, keepdims)


@core.refuses("out")
@fast(lambda a, axis, dtype, keepdims: np.logical_and.reduce(a, axis, dtype, None, keepdims))
def all(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None
) -> Array:
    """Whether all elements over axes differ from zero.

    Raises: ValueError for a wrong axis. Grad: zero. Source: NumPy `all`.
    """
    no_out("all", out)
    return _whether("all", a, axis, lax.reduce_and, keepdims, where, True)


@core.refuses("out")
@fast(lambda a, axis, dtype, keepdims: np.logical_or.reduce(a, axis, dtype, None, keepdims))
def any(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None
) -> Array:
    """Whether any element over axes differs from zero.

    Raises: ValueError for a wrong axis. Grad: zero. Source: NumPy `any`.
    """
    no_out("any", out)
    return _whether("any", a, axis, lax.reduce_or, keepdims, where, False)


@fast(lambda a, axis, dtype, keepdims: np.add.reduce(a.astype(bool), axis, dtype, None, keepdims))
def count_nonzero(a: Any, axis: Any = None, keepdims: bool = False) -> Array:
    """How many elements over axes differ from zero, as the default integer.

    Raises: ValueError for a wrong axis. Grad: zero. Source: NumPy `count_nonzero`.
    """
    a = value("count_nonzero", a)
    axes_of("count_nonzero", axis, a.aval.ndim)
    return sum(truth(a), axis, keepdims=keepdims)


# ---- places of extrema ----


def _place(op: str, a: Any, axis: Any, keepdims: bool | None, rule: Any) -> Any:
    x = value(op, a)
    if dtypes.is_complex(x.dtype):
        raise TypeError(
            f"{op}: complex numbers have no order; got {x.aval.str_short()}. Use abs(a) or a.real."
        )
    ndim = x.aval.ndim
    if axis is None:
        x = lax.reshape(x, (x.aval.size,))
        where = 0
    else:
        where = core.canonical_axis(op, axis, ndim)
    shape = x.shape[:where] + x.shape[where + 1 :]
    if x.aval.size == 0:
        if 0 not in shape:
            raise ValueError(f"attempt to get {op} of an empty sequence; got {x.aval.str_short()}.")
        y = core.full(shape, 0, dtypes.default_dtype(int))
    else:
        y = rule(x, where, dtypes.default_dtype(int))
    if keepdims:
        return lax.reshape(y, (1,) * ndim) if axis is None else lax.expand_dims(y, (where,))
    return y


def _host_place(name: str) -> Any:
    method = getattr(np.ndarray, name)

    def host(a: np.ndarray, axis: Any, dtype: Any, keepdims: bool) -> Any:
        if not a.ndim:
            raise ValueError
        return np.asarray(method(a, axis, None, keepdims=bool(keepdims))).astype(dtype)

    return host


@core.refuses("out")
@fast(_host_place("argmax"))
def argmax(
    a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None
) -> Array:
    """The place of the (first) maximum along an axis, or in the flattened array; of the first NaN if there is one.

    Raises: ValueError for no elements; TypeError for complex numbers. Grad: zero. Source: NumPy `argmax`.
    """
    no_out("argmax", out)
    return _place("argmax", a, axis, keepdims, lax.argmax)


@core.refuses("out")
@fast(_host_place("argmin"))
def argmin(
    a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None
) -> Array:
    """The place of the (first) minimum along an axis, or in the flattened array; of the first NaN if there is one.

    Raises: ValueError for no elements; TypeError for complex numbers. Grad: zero. Source: NumPy `argmin`.
    """
    no_out("argmin", out)
    return _place("argmin", a, axis, keepdims, lax.argmin)


# ---- running sums and products ----


def _running(op: str, a: Any, axis: Any, dtype: Any, rule: Any) -> Any:
    x = value(op, a)
    if dtype is None:
        dtype = dtypes.default_dtype(int) if x.dtype == dtypes.bool_ else x.dtype
    else:
        dtype = requested_dtype(op, dtype)
    x = core.convert(x, dtype)
    if axis is None or not x.aval.ndim:
        if axis is not None:
            core.canonical_axis(op, axis, 1)
        return rule(lax.reshape(x, (x.aval.size,)), 0)
    return rule(x, core.canonical_axis(op, axis, x.aval.ndim))


@core.refuses("out")
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Running sums along an axis, or over the flattened array. The dtype stays, but for booleans.

    Raises: ValueError for a wrong axis. Grad: linear. Source: NumPy `cumsum`.
    """
    no_out("cumsum", out)
    return _running("cumsum", a, axis, dtype, lax.cumsum)


@core.refuses("out")
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Running products along an axis, or over the flattened array. The dtype stays, but for booleans.

    Raises: ValueError for a wrong axis. Grad: right at zeros. Source: NumPy `cumprod`.
    """
    no_out("cumprod", out)
    return _running("cumprod", a, axis, dtype, lax.cumprod)


def _cumulative(
    op: str, x: Any, axis: Any, dtype: Any, include_initial: bool, rule: Any, start: int
) -> Any:
    x = value(op, x)
    ndim = x.aval.ndim
    if not ndim:
        raise ValueError(f"{op}: the input must have a dimension; got a scalar. Use x[None].")
    if axis is None:
        if ndim > 1:
            raise ValueError(
                f"{op}: axis may be left out for one dimension only; got {x.aval.str_short()}. Give axis."
            )
        axis = 0
    axis = core.canonical_axis(op, axis, ndim)
    y = _running(op, x, axis, sum_dtype(op, dtype, x.dtype), rule)
    if not include_initial:
        return y
    shape = (*y.shape[:axis], 1, *y.shape[axis + 1 :])
    return lax.concatenate([core.full(shape, start, y.dtype), y], axis)


@core.refuses("out")
def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
    **numpy_only: Never,
) -> Array:
    """Running sums along an axis, after a 0 if include_initial. `axis` may be left out for one dimension.

    Raises: ValueError for no or several dimensions without axis. Grad: linear. Source: NumPy `cumulative_sum`.
    """
    if numpy_only:
        core.no_options("cumulative_sum", numpy_only)
    return _cumulative("cumulative_sum", x, axis, dtype, include_initial, lax.cumsum, 0)


@core.refuses("out")
def cumulative_prod(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
    **numpy_only: Never,
) -> Array:
    """Running products along an axis, after a 1 if include_initial. `axis` may be left out for one dimension.

    Raises: ValueError for no or several dimensions without axis. Grad: right at zeros. Source: NumPy `cumulative_prod`.
    """
    if numpy_only:
        core.no_options("cumulative_prod", numpy_only)
    return _cumulative("cumulative_prod", x, axis, dtype, include_initial, lax.cumprod, 1)


# ---- without NaNs ----


def is_nan(x: Any) -> Any:
    """Whether elements are NaN, or have a part that is."""
    return lax.ne(x, x)


def _replaced(op: str, a: Any, by: Any) -> tuple[Any, Any]:
    """The array with its NaNs replaced, and where they were (None if the dtype has none)."""
    x = value(op, a)
    if not dtypes.is_inexact(x.dtype):
        return x, None
    missing = is_nan(x)
    return lax.select_n(missing, x, core.full(x.shape, by, x.dtype, x.weak_type)), missing


def _without_nan(ufunc: Any) -> Any:
    def host(a: np.ndarray, axis: Any, dtype: Any, keepdims: bool) -> Any:
        there = np.logical_not(np.isnan(a))
        return ufunc.reduce(a, axis, dtype, None, keepdims, ufunc.identity, there)

    return host


@core.refuses("out")
@fast(_without_nan(np.add))
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """The sum over axes of the elements that are not NaN. See `sum`.

    Grad: linear, zero at NaNs. Source: NumPy `nansum`.
    """
    no_out("nansum", out)
    x, _ = _replaced("nansum", a, 0)
    axes_of("nansum", axis, x.aval.ndim)
    return sum(x, axis, dtype, None, keepdims, initial, where)


@core.refuses("out")
@fast(_without_nan(np.multiply))
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """The product over axes of the elements that are not NaN. See `prod`.

    Grad: zero at NaNs. Source: NumPy `nanprod`.
    """
    no_out("nanprod", out)
    x, _ = _replaced("nanprod", a, 1)
    axes_of("nanprod", axis, x.aval.ndim)
    return prod(x, axis, dtype, None, keepdims, initial, where)


def _nan_extremum(
    op: str, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any, rule: Any, worst: float
) -> Any:
    x = value(op, a)
    axes_of(op, axis, x.aval.ndim)
    options = {} if initial is None and where is None else {"initial": initial, "where": where}
    if not dtypes.is_inexact(x.dtype):
        return rule(x, axis, keepdims=keepdims, **options)
    x, missing = _replaced(op, x, complex(worst, worst) if dtypes.is_complex(x.dtype) else worst)
    y = rule(x, axis, keepdims=keepdims, **options)
    if initial is not None:
        return y
    nothing = all(missing, axis, keepdims=keepdims)
    return lax.select_n(nothing, y, core.full(y.shape, np.nan, y.dtype))


@core.refuses("out")
@fast(lambda a, axis, dtype, keepdims: np.fmax.reduce(a, axis, None, None, keepdims))
def nanmax(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """The maximum over axes of the elements that are not NaN; NaN if all are. See `max`.

    Grad: shared by equal maxima. Source: NumPy `nanmax`.
    """
    no_out("nanmax", out)
    return _nan_extremum("nanmax", a, axis, keepdims, initial, where, max, -np.inf)


@core.refuses("out")
@fast(lambda a, axis, dtype, keepdims: np.fmin.reduce(a, axis, None, None, keepdims))
def nanmin(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Array:
    """The minimum over axes of the elements that are not NaN; NaN if all are. See `min`.

    Grad: shared by equal minima. Source: NumPy `nanmin`.
    """
    no_out("nanmin", out)
    return _nan_extremum("nanmin", a, axis, keepdims, initial, where, min, np.inf)


def _nan_place(op: str, a: Any, axis: Any, keepdims: Any, rule: Any, worst: float) -> Any:
    x, missing = _replaced(op, a, worst)
    if axis is not None:
        axis = core.canonical_axis(op, axis, x.aval.ndim)
    y = rule(x, axis, keepdims=keepdims)
    if missing is None:
        return y
    nothing = all(missing, axis, keepdims=bool(keepdims))
    return lax.select_n(nothing, y, core.full(y.shape, -1, y.dtype))


@core.refuses("out")
def nanargmax(
    a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None
) -> Array:
    """The place of the maximum of the elements that are not NaN; -1 if all are, where NumPy raises. See `argmax`.

    Grad: zero. Source: NumPy `nanargmax`.
    """
    no_out("nanargmax", out)
    return _nan_place("nanargmax", a, axis, keepdims, argmax, -np.inf)


@core.refuses("out")
def nanargmin(
    a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None
) -> Array:
    """The place of the minimum of the elements that are not NaN; -1 if all are, where NumPy raises. See `argmin`.

    Grad: zero. Source: NumPy `nanargmin`.
    """
    no_out("nanargmin", out)
    return _nan_place("nanargmin", a, axis, keepdims, argmin, np.inf)


@core.refuses("out")
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Running sums, with NaNs as zeros. See `cumsum`.

    Grad: linear, zero at NaNs. Source: NumPy `nancumsum`.
    """
    no_out("nancumsum", out)
    x = _replaced("nancumsum", a, 0)[0]
    if axis is not None:
        axis = core.canonical_axis("nancumsum", axis, x.aval.ndim)
    return cumsum(x, axis, dtype)


@core.refuses("out")
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
    """Running products, with NaNs as ones. See `cumprod`.

    Grad: zero at NaNs. Source: NumPy `nancumprod`.
    """
    no_out("nancumprod", out)
    x = _replaced("nancumprod", a, 1)[0]
    if axis is not None:
        axis = core.canonical_axis("nancumprod", axis, x.aval.ndim)
    return cumprod(x, axis, dtype)


__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "min",
    "minmax",
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmin",
    "nanprod",
    "nansum",
    "prod",
    "ptp",
    "sum",
]
