"""Differences of neighbours, gradients of sampled functions, and the trapezoidal rule."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import number, promote_dtypes, promote_inexact, to_shape, value
from numax.numpy.reductions import axes_of


def _part(x: Any, start: int | None, stop: int | None, axis: int) -> Any:
    return core.index(x, (slice(None),) * axis + (slice(start, stop),))


def _steps(x: Any, axis: int) -> Any:
    """x[1:] - x[:-1] along an axis; of booleans, whether they differ."""
    after, before = _part(x, 1, None, axis), _part(x, None, -1, axis)
    return lax.ne(after, before) if x.dtype == dtypes.bool_ else lax.sub(after, before)


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """The n-th differences a[i + 1] - a[i] along an axis, with values put before or after first.

    Raises: ValueError for no dimensions, or a negative n. Grad: linear. Source: NumPy `diff`.
    """
    n = operator.index(n)
    x = value("diff", a)
    if n == 0:
        return x
    if n < 0:
        raise ValueError(f"diff: order must be non-negative but got {n}.")
    if not x.aval.ndim:
        raise ValueError(
            f"diff requires input that is at least one dimensional; got {x.aval.str_short()}. Use a[None]."
        )
    axis = core.canonical_axis("diff", axis, x.aval.ndim)
    pieces = [x]
    for extra, place in ((prepend, 0), (append, len(pieces) + 1)):
        if extra is not None:
            extra = value("diff", extra)
            if not extra.aval.ndim:
                extra = to_shape(extra, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
            pieces.insert(place, extra)
    if len(pieces) > 1:
        x = lax.concatenate(promote_dtypes(*pieces), axis)
    for _ in range(min(n, x.shape[axis])):
        x = _steps(x, axis)
    return x


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Array:
    """The differences of neighbours in the flattened array, with numbers before and after them, in ary's dtype.

    Grad: linear. Source: NumPy `ediff1d`.
    """
    x = value("ediff1d", ary)
    if x.dtype == dtypes.bool_:
        raise TypeError(
            "ediff1d: booleans have no difference; got bool. Convert with ary.astype(int)."
        )
    out = _steps(lax.reshape(x, (x.aval.size,)), 0) if x.aval.size else lax.reshape(x, (0,))
    ends = []
    for extra in (to_begin, to_end):
        if extra is not None:
            extra = core.convert(value("ediff1d", extra), out.dtype)
            extra = lax.reshape(extra, (extra.aval.size,))
        ends.append(extra)
    return lax.concatenate([p for p in (ends[0], out, ends[1]) if p is not None], 0)


# ---- gradient ----


def _row(x: Any, i: int, axis: int) -> Any:
    n = x.shape[axis]
    i = i + n if i < 0 else i
    return _part(x, i, i + 1, axis)


def _sum(terms: Sequence[tuple[Any, Any]]) -> Any:
    total = None
    for factor, x in terms:
        term = lax.mul(x, to_shape(factor, x.shape))
        total = term if total is None else lax.add(total, term)
    return total


def _along(h: Any, axis: int, ndim: int) -> Any:
    """A vector of steps as an array that broadcasts along an axis."""
    return lax.reshape(h, tuple(h.shape[0] if i == axis else 1 for i in range(ndim)))


def _uniform(f: Any, h: Any, axis: int, order: int) -> Any:
    middle = lax.div(
        lax.sub(_part(f, 2, None, axis), _part(f, None, -2, axis)), lax.mul(h, number(h, 2))
    )
    if order == 1:
        first = lax.div(lax.sub(_row(f, 1, axis), _row(f, 0, axis)), h)
        last = lax.div(lax.sub(_row(f, -1, axis), _row(f, -2, axis)), h)
    else:
        a, b, c = (lax.div(number(h, k), h) for k in (-1.5, 2.0, -0.5))
        first = _sum([(a, _row(f, 0, axis)), (b, _row(f, 1, axis)), (c, _row(f, 2, axis))])
        last = _sum(
            [
                (lax.neg(c), _row(f, -3, axis)),
                (lax.neg(b), _row(f, -2, axis)),
                (lax.neg(a), _row(f, -1, axis)),
            ]
        )
    return lax.concatenate([first, middle, last], axis)


def _uneven(f: Any, steps: Any, axis: int, order: int) -> Any:
    h = _along(steps, axis, f.aval.ndim)
    hs, hd = _part(h, None, -1, axis), _part(h, 1, None, axis)
    both = lax.add(hs, hd)
    a = lax.neg(lax.div(hd, lax.mul(hs, both)))
    b = lax.div(lax.sub(hd, hs), lax.mul(hs, hd))
    c = lax.div(hs, lax.mul(hd, both))
    middle = _sum(
        [(a, _part(f, None, -2, axis)), (b, _part(f, 1, -1, axis)), (c, _part(f, 2, None, axis))]
    )
    if order == 1:
        first = lax.div(
            lax.sub(_row(f, 1, axis), _row(f, 0, axis)),
            to_shape(_row(h, 0, axis), _row(f, 0, axis).shape),
        )
        last = lax.div(
            lax.sub(_row(f, -1, axis), _row(f, -2, axis)),
            to_shape(_row(h, -1, axis), _row(f, 0, axis).shape),
        )
        return lax.concatenate([first, middle, last], axis)

    def ends(p: Any, q: Any) -> tuple[Any, Any, Any]:
        """Weights of the one-sided parabola through points p and q apart, from the end inwards."""
        pq = lax.add(p, q)
        a = lax.neg(lax.div(lax.add(p, pq), lax.mul(p, pq)))
        return a, lax.div(pq, lax.mul(p, q)), lax.neg(lax.div(p, lax.mul(q, pq)))

    a, b, c = ends(_row(h, 0, axis), _row(h, 1, axis))
    first = _sum([(a, _row(f, 0, axis)), (b, _row(f, 1, axis)), (c, _row(f, 2, axis))])
    a, b, c = ends(_row(h, -1, axis), _row(h, -2, axis))
    last = _sum(
        [
            (lax.neg(a), _row(f, -1, axis)),
            (lax.neg(b), _row(f, -2, axis)),
            (lax.neg(c), _row(f, -3, axis)),
        ]
    )
    return lax.concatenate([first, middle, last], axis)


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int | None = None) -> Any:
    """The gradient of a sampled function: central differences, one-sided ones of edge_order (1 or 2) at the ends.

    varargs: one step for all axes, or for each axis a step or the coordinates. A list for several axes.
    Raises: ValueError for too few samples or wrong coordinates; TypeError for a wrong number of them.
    Grad: linear in f. Source: NumPy `gradient`.
    """
    spacings = [value("gradient", v, i + 1) for i, v in enumerate(varargs)]
    f, *spacings = promote_inexact(value("gradient", f), *spacings)
    order = 1 if edge_order is None else operator.index(edge_order)
    if order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2; got {order}.")
    axes = axes_of("gradient", axis, f.aval.ndim)
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(
            f"gradient: Invalid number of spacing arguments {len(varargs)} for axis={axis}."
        )
    spacings = spacings or [1.0]
    if len(spacings) == 1:
        spacings = spacings * len(axes)
    results = []
    for a, spacing in zip(axes, spacings, strict=True):
        if f.shape[a] <= order:
            raise ValueError(
                "gradient: Shape of array too small to calculate a numerical gradient, "
                f"at least {order + 1} elements are required; got {f.aval.str_short()} and axis {a}."
            )
        h = core.convert(core.as_value(spacing), f.dtype, f.aval.weak_type)
        if h.aval.ndim == 0:
            results.append(_uniform(f, h, a, order))
            continue
        if h.aval.ndim != 1:
            raise ValueError(
                f"gradient: distances must be either scalars or 1d; got {h.aval.str_short()}."
            )
        if h.shape[0] != f.shape[a]:
            raise ValueError(
                "gradient: Spacing arrays must have the same length as the dimension along which the gradient is "
                f"calculated; got {h.shape[0]} for {f.shape[a]}."
            )
        results.append(_uneven(f, _steps(h, 0), a, order))
    return results[0] if len(results) == 1 else results


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral of samples y at x (or dx apart) along an axis, by the trapezoidal rule.

    Raises: ValueError if x does not fit. Grad: linear in y. Source: NumPy `trapezoid`.
    """
    y = value("trapezoid", y)
    axis = core.canonical_axis("trapezoid", axis, y.aval.ndim)
    if x is None:
        (y,) = promote_inexact(y)
        step = core.convert(value("trapezoid", dx), y.dtype)
    else:
        y, x = promote_inexact(y, value("trapezoid", x, 1))
        if x.aval.ndim == 1:
            if x.shape[0] != y.shape[axis]:
                raise ValueError(
                    f"trapezoid: x must have as many elements as y along axis {axis}; got {x.shape[0]} and {y.shape[axis]}."
                )
            step = _along(_steps(x, 0), axis, y.aval.ndim)
        else:
            try:
                fits = np.broadcast_shapes(x.shape, y.shape) == y.shape
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(
                    f"trapezoid: x must broadcast to y; got {x.aval.str_short()} and {y.aval.str_short()}."
                )
            at = axis - (y.aval.ndim - x.aval.ndim)
            step = _steps(x, at)
    both = lax.add(_part(y, 1, None, axis), _part(y, None, -1, axis))
    areas = lax.mul(both, to_shape(lax.mul(step, number(step, 0.5)), both.shape))
    return lax.reduce_sum(areas, (axis,))


__all__ = ["diff", "ediff1d", "gradient", "trapezoid"]
