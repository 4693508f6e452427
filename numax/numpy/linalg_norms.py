"""Norms of vectors and matrices."""

from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import number, promote_inexact, value

_host_of = core.eager.host_of


def magnitude(x: Any) -> Any:
    """|x|, real."""
    return lax.abs(x)


def squared(x: Any) -> Any:
    """|x|**2, real."""
    if dtypes.is_complex(x.dtype):
        return lax.add(lax.square(lax.real(x)), lax.square(lax.imag(x)))
    return lax.square(x)


def inexact(op: str, x: Any) -> Any:
    return promote_inexact(value(op, x))[0]


def kept(y: Any, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> Any:
    """A reduced value with axes of size 1 where it lost some, if wanted."""
    if not keepdims:
        return y
    return lax.reshape(y, tuple([1 if i in axes else n for i, n in enumerate(shape)]))


def _power_norm(x: Any, axes: tuple[int, ...], ord: Any) -> Any:
    """(sum |x|**p)**(1/p) over axes; the largest, smallest or number of nonzeros for p inf, -inf, 0."""
    if ord is None or (isinstance(ord, int | float) and ord == 2):
        return lax.sqrt(lax.reduce_sum(squared(x), axes))
    if isinstance(ord, str) or not isinstance(ord, int | float | np.number | np.ndarray | Array):
        raise ValueError(f"norm: Invalid order '{ord}' for vector norm. Use a number, inf or -inf.")
    if isinstance(ord, int | float | np.number):
        ord = float(ord)
        if ord == np.inf:
            return lax.reduce_max(magnitude(x), axes)
        if ord == -np.inf:
            return lax.reduce_min(magnitude(x), axes)
        if ord == 0:
            found = lax.ne(x, number(x, 0))
            return lax.reduce_sum(core.convert(found, _real(x.dtype)), axes)
        if ord == 1:
            return lax.reduce_sum(magnitude(x), axes)
        size = magnitude(x)
        total = lax.reduce_sum(lax.pow(size, number(size, ord)), axes)
        return lax.pow(total, number(total, 1 / ord))
    size = magnitude(x)
    ord = core.convert(core.as_value(ord, "norm"), size.dtype)
    total = lax.reduce_sum(lax.pow(size, ord), axes)
    return lax.pow(total, lax.reciprocal(ord))


def _real(dtype: Any) -> Any:
    return dtypes.finfo(dtype).dtype if dtypes.is_complex(dtype) else dtype


def _matrix_norm(x: Any, rows: int, columns: int, ord: Any, keepdims: bool) -> Any:
    if rows == columns:
        raise ValueError(f"norm: Duplicate axes given: {rows}. Name two different axes.")
    axes = (rows, columns)
    shape = x.aval.shape
    if ord is None or ord in ("fro", "f"):
        return kept(lax.sqrt(lax.reduce_sum(squared(x), axes)), shape, axes, keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = lax.reduce_sum(magnitude(x), (summed,))
        pick = lax.reduce_max if ord > 0 else lax.reduce_min
        out = pick(sums, (other - (other > summed),))
        return kept(out, shape, axes, keepdims)
    if ord in (2, -2, "nuc"):
        order = [i for i in range(x.aval.ndim) if i not in axes] + [rows, columns]
        x = lax.transpose(x, order) if order != sorted(order) else x
        values = lax.linalg.svd(x, compute_uv=False)
        last = (values.aval.ndim - 1,)
        if ord == "nuc":
            out = lax.reduce_sum(values, last)
        else:
            out = (lax.reduce_max if ord == 2 else lax.reduce_min)(values, last)
        return kept(out, shape, axes, keepdims)
    raise ValueError(
        f"norm: Invalid order '{ord}' for matrix norm. Use 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'."
    )


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """The norm of vectors (one axis), matrices (two axes), or of all elements (no axis and no order).

    Dtypes: real; integers become float32. Raises: ValueError for orders that do not exist.
    Grad: nan at 0 for the Euclidean norm, as it has none there. Source: NumPy `linalg.norm`.
    """
    if type(x) is Array and ord is None and axis is None and not keepdims:
        host = _host_of(x)
        if host is not None and x.dtype in (dtypes.float32, dtypes.float64):
            flat = host.ravel(order="K")
            total = core.eager.quiet.run(np.dot, flat, flat)
            return core.eager.wrap_host(np.sqrt(total), core.etype(x.dtype))
    x = inexact("norm", x)
    ndim = x.aval.ndim
    if axis is None:
        if ord is None:
            axes = tuple(range(ndim))
            return kept(_power_norm(x, axes, 2), x.aval.shape, axes, keepdims)
        axis = tuple(range(ndim))
    elif isinstance(axis, tuple | list):
        axis = tuple(axis)
    else:
        axis = (core.to_index(axis) if hasattr(axis, "aval") else axis,)
    axes = tuple([core.canonical_axis("norm", a, ndim) for a in axis])
    if len(axes) == 1:
        return kept(_power_norm(x, axes, ord), x.aval.shape, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, *axes, ord, keepdims)
    raise ValueError(
        f"norm: Improper number of axes for norm: axis={axis}. Pass one axis to compute a vector-norm, or two axes to "
        "compute a matrix-norm."
    )


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """The norm of vectors along axes; of all elements without an axis.

    Raises: ValueError for orders that do not exist. Grad: as `norm`. Source: array API `linalg.vector_norm`.
    """
    x = inexact("vector_norm", x)
    if axis is None:
        axes = tuple(range(x.aval.ndim))
    else:
        many = axis if isinstance(axis, tuple | list) else (axis,)
        axes = core.canonical_axes("vector_norm", tuple(many), x.aval.ndim)
    return kept(_power_norm(x, axes, ord), x.aval.shape, axes, keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """The norm of the matrices in the last two axes.

    Raises: ValueError for orders that do not exist. Grad: as `norm`. Source: array API `linalg.matrix_norm`.
    """
    return norm(x, ord=ord, keepdims=keepdims, axis=(-2, -1))


__all__ = ["matrix_norm", "norm", "vector_norm"]
