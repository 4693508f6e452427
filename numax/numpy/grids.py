"""Grids and triangles: identity matrices, diagonals, index arrays, mgrid, r_ and their like."""

import builtins
import math
import operator
from typing import Any, Never

import numpy as np
from numpy import index_exp, s_

from numax import core, lax
from numax.core import Array, Tracer, dtypes
from numax.numpy.creation import arange, array, constant, linspace, placed
from numax.numpy.joining import concatenate, stack
from numax.numpy.promotion import promote_dtypes, to_shape, value
from numax.numpy.types import requested_dtype

_host_of = core.eager.host_of
_wrap = core.eager.wrap_host
_etype = core.etype


def _known(data: np.ndarray, dtype: Any) -> Any:
    return _wrap(data, _etype(dtype))


def _integer(op: str, name: str, n: Any) -> int:
    if type(n) is Array or isinstance(n, Tracer):
        return core.to_index(n)
    try:
        return operator.index(n)
    except TypeError:
        raise TypeError(
            f"{op}: {name} must be an integer known while tracing; got {n!r}."
        ) from None


def _size(op: str, name: str, n: Any) -> int:
    found = _integer(op, name, n)
    if found < 0:
        raise ValueError(f"{op}: {name} must not be negative; got {found}.")
    return found


# ---- matrices of ones ----


@core.refuses("order", "like")
def eye(
    N: Any, M: Any = None, k: Any = 0, dtype: Any = None, *, device: Any = None, **numpy_only: Never
) -> Any:
    """A matrix with ones on the k-th diagonal, zeros elsewhere.

    Differs from NumPy: float32 unless given. Raises: ValueError for negative sizes. Source: NumPy `eye`.
    """
    if numpy_only:
        core.no_options("eye", numpy_only)
    dtype = requested_dtype("eye", float if dtype is None else dtype)
    rows = _size("eye", "N", N)
    columns = rows if M is None else _size("eye", "M", M)
    k = _offset("eye", k)
    if type(k) is not int:
        return placed(core.convert(lax.eq(*_distances(rows, columns, k)), dtype), device)
    if core.eager_now():
        return placed(_known(np.eye(rows, columns, k, dtype), dtype), device)
    return placed(core.convert(lax.eq(*_distances(rows, columns, k)), dtype), device)


def _offset(op: str, k: Any) -> Any:
    """A diagonal's number: an int, or a traced integer."""
    if isinstance(k, Tracer) and k.concrete_() is None:
        if k.shape or not dtypes.is_integer(k.dtype):
            raise ValueError(f"{op}: k must be an integer scalar; got {k.aval.str_short()}.")
        return k
    try:
        return core.to_index(k) if type(k) is Array or isinstance(k, Tracer) else operator.index(k)
    except TypeError:
        raise ValueError(f"{op}: k must be an integer scalar; got {k!r}.") from None


def _distances(rows: int, columns: int, k: Any) -> tuple[Any, Any]:
    """column - row and k, at the shape of a matrix."""
    shape = (rows, columns)
    row = lax.broadcasted_iota(np.int32, shape, 0)
    column = lax.broadcasted_iota(np.int32, shape, 1)
    k = core.full((), k, dtypes.int32) if type(k) is int else core.convert(k, dtypes.int32)
    return lax.sub(column, row), k


@core.refuses("like")
def identity(n: Any, dtype: Any = None, **numpy_only: Never) -> Any:
    """A square matrix with ones on the diagonal.

    Differs from NumPy: float32 unless given. Source: NumPy `identity`.
    """
    if numpy_only:
        core.no_options("identity", numpy_only)
    return eye(n, dtype=dtype)


@core.refuses("like")
def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = None, **numpy_only: Never) -> Any:
    """A matrix with ones on and below the k-th diagonal, zeros above.

    Differs from NumPy: float32 unless given. Source: NumPy `tri`.
    """
    if numpy_only:
        core.no_options("tri", numpy_only)
    dtype = requested_dtype("tri", float if dtype is None else dtype)
    rows = _size("tri", "N", N)
    columns = rows if M is None else _size("tri", "M", M)
    return core.convert(_lower(rows, columns, _offset("tri", k)), dtype)


def _lower(rows: int, columns: int, k: Any) -> Any:
    if type(k) is int and core.eager_now():
        return _known(np.tri(rows, columns, k, bool), dtypes.bool_)
    return lax.le(*_distances(rows, columns, k))


def _triangle(op: str, m: Any, k: Any, lower: bool) -> Any:
    m = value(op, m)
    if m.aval.ndim < 2:
        raise ValueError(f"{op}: at least two axes are needed; got {m.aval.str_short()}.")
    offset = _offset(op, k)
    memory = _host_of(m)
    if memory is not None and type(offset) is int:
        return _wrap((np.tril if lower else np.triu)(memory, offset), m._t)
    if not lower:
        offset = offset - 1 if type(offset) is int else lax.sub(offset, 1)
    mask = to_shape(_lower(*m.shape[-2:], offset), m.shape)
    zero = core.zeros_of(m.aval) if core.eager_now() else lax.full_like(m, 0)
    return lax.select_n(mask, zero, m) if lower else lax.select_n(mask, m, zero)


def tril(m: Any, k: Any = 0) -> Any:
    """The matrix with zeros above the k-th diagonal.

    Raises: ValueError for fewer than two axes. Grad: linear. Source: NumPy `tril`.
    """
    return _triangle("tril", m, k, True)


def triu(m: Any, k: Any = 0) -> Any:
    """The matrix with zeros below the k-th diagonal.

    Raises: ValueError for fewer than two axes. Grad: linear. Source: NumPy `triu`.
    """
    return _triangle("triu", m, k, False)


def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """The Vandermonde matrix: powers of x, falling from left to right unless increasing.

    Raises: ValueError unless x has one axis. Grad: elementwise. Source: NumPy `vander`.
    """
    x = value("vander", x)
    if x.aval.ndim != 1:
        raise ValueError(f"vander: x must have one axis; got {x.aval.str_short()}.")
    x = core.convert(x, x.dtype)
    count = x.shape[0] if N is None else _size("vander", "N", N)
    columns = [lax.full_like(x, 1)] if count else []
    for _ in range(1, count):
        columns.append(lax.mul(columns[-1], x))
    if not columns:
        return constant((x.shape[0], 0), 0, x.dtype)
    return lax.stack(columns if increasing else columns[::-1], 1)


# ---- diagonals ----


def diag(v: Any, k: Any = 0) -> Any:
    """A matrix with the given k-th diagonal, or the k-th diagonal of a matrix.

    Raises: ValueError unless v has one or two axes. Grad: linear. Source: NumPy `diag`.
    """
    v = value("diag", v)
    if v.aval.ndim == 1:
        return _diagonal_matrix("diag", v, k)
    if v.aval.ndim == 2:
        return diagonal(v, k)
    raise ValueError(f"diag: one or two axes are needed; got {v.aval.str_short()}.")


def _diagonal_matrix(op: str, v: Any, k: Any) -> Any:
    k = _integer(op, "k", k)
    memory = _host_of(v)
    if memory is not None:
        return _wrap(np.diag(memory, k), v._t)
    n = v.shape[0] + builtins.abs(k)
    v = lax.pad(v, core.full((), 0, v.dtype), ((builtins.max(k, 0), builtins.max(-k, 0), 0),))
    wide = lax.broadcast_in_dim(v, (n, n), (1,))
    return lax.select_n(eye(n, k=k, dtype=bool), lax.full_like(wide, 0), wide)


def diagflat(v: Any, k: Any = 0) -> Any:
    """A matrix with the elements of an array of any shape on its k-th diagonal.

    Grad: linear. Source: NumPy `diagflat`.
    """
    v = value("diagflat", v)
    return _diagonal_matrix("diagflat", lax.reshape(v, (v.aval.size,)), k)


def diagonal(a: Any, offset: Any = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of two axes, which becomes the last axis.

    Raises: ValueError for fewer than two axes. Grad: linear. Source: NumPy `diagonal`.
    """
    a = value("diagonal", a)
    ndim = a.aval.ndim
    if ndim < 2:
        raise ValueError(f"diagonal: at least two axes are needed; got {a.aval.str_short()}.")
    offset = _integer("diagonal", "offset", offset)
    axis1, axis2 = (
        core.canonical_axis("diagonal", axis1, ndim),
        core.canonical_axis("diagonal", axis2, ndim),
    )
    if axis1 == axis2:
        raise ValueError(f"diagonal: axis1 and axis2 must differ; got {axis1} twice.")
    memory = _host_of(a)
    if memory is not None:
        return _wrap(memory.diagonal(offset, axis1, axis2), a._t)
    rest = [i for i in range(ndim) if i not in (axis1, axis2)]
    a = lax.transpose(a, [*rest, axis1, axis2])
    rows, columns = a.shape[-2:]
    lead = a.shape[:-2]
    first, second = builtins.max(-offset, 0), builtins.max(offset, 0)
    n = builtins.max(0, builtins.min(rows - first, columns - second))
    if n == 0:
        return constant((*lead, 0), 0, a.dtype)
    start, limit = [0] * len(lead), list(lead)
    square = lax.slice(a, [*start, first, second], [*limit, first + n, second + n])
    flat = lax.reshape(square, (*lead, n * n))
    return lax.slice(flat, [*start, 0], [*limit, n * n], [1] * len(lead) + [n + 1])


def diag_indices(n: Any, ndim: int = 2) -> tuple[Any, ...]:
    """Index arrays of the main diagonal of an array of `ndim` axes of size n.

    Raises: ValueError for negative n. Source: NumPy `diag_indices`.
    """
    line = arange(_size("diag_indices", "n", n))
    return (line,) * _size("diag_indices", "ndim", ndim)


def diag_indices_from(arr: Any) -> tuple[Any, ...]:
    """Index arrays of an array's main diagonal.

    Raises: ValueError unless there are at least two axes, of equal size. Source: NumPy `diag_indices_from`.
    """
    shape = value("diag_indices_from", arr).shape
    if len(shape) < 2:
        raise ValueError(f"diag_indices_from: at least two axes are needed; got shape {shape}.")
    if len(set(shape)) != 1:
        raise ValueError(f"diag_indices_from: all axes must have equal sizes; got shape {shape}.")
    return diag_indices(shape[0], len(shape))


def _places(mask: np.ndarray) -> tuple[Any, ...]:
    dtype = dtypes.default_dtype(int)
    return tuple([_known(i.astype(dtype), dtype) for i in np.nonzero(mask)])


def tril_indices(n: Any, k: Any = 0, m: Any = None) -> tuple[Any, Any]:
    """Index arrays of the lower triangle, up to the k-th diagonal, of an (n, m) matrix.

    Source: NumPy `tril_indices`.
    """
    rows = _size("tril_indices", "n", n)
    columns = rows if m is None else _size("tril_indices", "m", m)
    return _places(np.tri(rows, columns, _integer("tril_indices", "k", k), bool))


def triu_indices(n: Any, k: Any = 0, m: Any = None) -> tuple[Any, Any]:
    """Index arrays of the upper triangle, from the k-th diagonal on, of an (n, m) matrix.

    Source: NumPy `triu_indices`.
    """
    rows = _size("triu_indices", "n", n)
    columns = rows if m is None else _size("triu_indices", "m", m)
    return _places(~np.tri(rows, columns, _integer("triu_indices", "k", k) - 1, bool))


def _matrix_shape(op: str, arr: Any) -> tuple[int, ...]:
    shape = value(op, arr).shape
    if len(shape) != 2:
        raise ValueError(f"{op}: two axes are needed; got shape {shape}.")
    return shape


def tril_indices_from(arr: Any, k: Any = 0) -> tuple[Any, Any]:
    """Index arrays of a matrix's lower triangle.

    Raises: ValueError unless there are two axes. Source: NumPy `tril_indices_from`.
    """
    rows, columns = _matrix_shape("tril_indices_from", arr)
    return tril_indices(rows, k, columns)


def triu_indices_from(arr: Any, k: Any = 0) -> tuple[Any, Any]:
    """Index arrays of a matrix's upper triangle.

    Raises: ValueError unless there are two axes. Source: NumPy `triu_indices_from`.
    """
    rows, columns = _matrix_shape("triu_indices_from", arr)
    return triu_indices(rows, k, columns)


def mask_indices(n: Any, mask_func: Any, k: Any = 0, *, size: int | None = None) -> tuple[Any, Any]:
    """Index arrays of the elements of an (n, n) matrix that mask_func(matrix, k) leaves.

    Args: size cuts or fills (with 0) to a fixed number. Source: NumPy `mask_indices`.
    """
    n = _size("mask_indices", "n", n)
    kept = core.to_ndarray(value("mask_indices", mask_func(constant((n, n), 1, dtypes.int32), k)))
    places = np.nonzero(kept)
    if size is not None:
        missing = builtins.max(0, size - places[0].size)
        places = tuple([np.concatenate([p[:size], np.zeros(missing, p.dtype)]) for p in places])
    dtype = dtypes.default_dtype(int)
    return tuple([_known(p.astype(dtype), dtype) for p in places])


# ---- grids ----


def indices(dimensions: Any, dtype: Any = None, sparse: bool = False) -> Any:
    """For each axis, the array of indices along it; sparse: of size 1 along the others.

    Differs from NumPy: int32 unless given. Source: NumPy `indices`.
    """
    shape = core.canonical_shape("indices", dimensions)
    dtype = requested_dtype("indices", int if dtype is None else dtype)
    ndim = len(shape)
    lines = []
    for i, n in enumerate(shape):
        line = (
            lax.iota(dtype, n)
            if not core.eager_now()
            else _known(np.arange(n).astype(dtype), dtype)
        )
        sizes = tuple([n if j == i else 1 for j in range(ndim)])
        lines.append(
            lax.reshape(line, sizes) if sparse else lax.broadcast_in_dim(line, shape, (i,))
        )
    if sparse:
        return tuple(lines)
    return lax.stack(lines, 0) if lines else constant((0,), 0, dtype)


def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Coordinate matrices from coordinate vectors.

    Differs from NumPy: always copies. Raises: ValueError unless each has one axis. Grad: linear.
    Source: NumPy `meshgrid`.
    """
    args = [value("meshgrid", x, i) for i, x in enumerate(xi)]
    if not copy:
        raise ValueError("meshgrid: copy must be True; arrays here are never views.")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij'; got {indexing!r}.")
    if any(x.aval.ndim != 1 for x in args):
        raise ValueError(
            f"meshgrid: vectors are needed; got shapes {', '.join(str(x.shape) for x in args)}. Use x.ravel()."
        )
    ndim = len(args)
    order = list(range(ndim))
    if indexing == "xy" and ndim >= 2:
        order[:2] = [1, 0]
    shape = [0] * ndim
    for i, x in enumerate(args):
        shape[order[i]] = x.shape[0]
    out = []
    for i, x in enumerate(args):
        sizes = [x.shape[0] if j == order[i] else 1 for j in range(ndim)]
        out.append(lax.broadcast_in_dim(x, sizes if sparse else shape, (order[i],)))
    return tuple(out)


def ix_(*args: Any) -> tuple[Any, ...]:
    """Index arrays for the outer product of several index vectors; booleans become the places of True.

    Raises: ValueError unless each has one axis. Source: NumPy `ix_`.
    """
    out = []
    for i, arg in enumerate(args):
        x = value("ix_", arg, i)
        if x.aval.ndim != 1:
            raise ValueError(f"ix_: vectors are needed; got {x.aval.str_short()} at position {i}.")
        if x.dtype == dtypes.bool_:
            places = np.flatnonzero(core.to_ndarray(x))
            dtype = dtypes.default_dtype(int)
            x = _known(places.astype(dtype), dtype)
        elif not x.shape[0]:
            x = constant((0,), 0, dtypes.default_dtype(int))
        sizes = tuple([x.shape[0] if j == i else 1 for j in range(len(args))])
        out.append(lax.reshape(x, sizes))
    return tuple(out)


def _line(s: slice) -> Any:
    """The numbers that a slice in mgrid, ogrid or r_ stands for."""
    start = 0 if s.start is None else s.start
    step = 1 if s.step is None else s.step
    if s.stop is None:
        raise TypeError("slice: an end is needed; got None. Write start:stop:step.")
    if isinstance(step, complex) or (hasattr(step, "dtype") and dtypes.is_complex(step.dtype)):
        return linspace(start, s.stop, int(builtins.abs(complex(step))))
    return arange(start, s.stop, step)


class _Grid:
    """Base of mgrid and ogrid."""

    def __init__(self, name: str, sparse: bool):
        self._name = name
        self._sparse = sparse

    def __repr__(self) -> str:
        return f"numax.numpy.{self._name}"

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return _line(key)
        lines = promote_dtypes(*[_line(k) for k in key]) if key else []
        grids = meshgrid(*lines, indexing="ij", sparse=self._sparse)
        if self._sparse:
            return grids
        return stack(grids) if grids else constant((0,), 0, dtypes.default_dtype(int))


mgrid = _Grid("mgrid", False)
ogrid = _Grid("ogrid", True)


class _Joiner:
    """Base of r_ and c_: joins slices, numbers and arrays by indexing."""

    def __init__(self, name: str, axis: int, ndmin: int, trans1d: int):
        self._name = name
        self._defaults = (axis, ndmin, trans1d)

    def __repr__(self) -> str:
        return f"numax.numpy.{self._name}"

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        axis, ndmin, trans1d = self._defaults
        as_matrix = ""
        if items and isinstance(items[0], str):
            directive, items = items[0], items[1:]
            if directive in ("r", "c"):
                as_matrix = directive
            else:
                axis, ndmin, trans1d = self._parse(directive)
        parts = [_part(x, ndmin, trans1d) for x in items]
        if not parts:
            raise ValueError(f"{self._name}: need at least one array to join.")
        if as_matrix:
            joined = concatenate(parts, axis=axis)
            if joined.aval.ndim != 1:
                return joined
            n = joined.shape[0]
            return lax.reshape(joined, (1, n) if as_matrix == "r" else (n, 1))
        return concatenate(parts, axis=axis)

    def _parse(self, directive: str) -> tuple[int, int, int]:
        try:
            numbers = [int(n) for n in directive.split(",")]
        except ValueError:
            raise ValueError(
                f"{self._name}: the directive must be 'r', 'c' or up to three integers; got {directive!r}."
            ) from None
        if len(numbers) > 3:
            raise ValueError(
                f"{self._name}: the directive has up to three integers; got {directive!r}."
            )
        defaults = [self._defaults[0], 1, -1]
        return tuple(numbers + defaults[len(numbers) :])


def _part(item: Any, ndmin: int, trans1d: int) -> Any:
    if isinstance(item, slice):
        found = _line(item)
    elif isinstance(item, str):
        raise ValueError(f"r_: a directive must come first; got {item!r}.")
    else:
        found = item if type(item) is Array or isinstance(item, Tracer) else array(item)
    ndim = found.aval.ndim
    if ndim == 0:
        return lax.reshape(found, (1,) * builtins.max(ndmin, 1))
    if ndim >= ndmin:
        return found
    place = trans1d % (ndmin - ndim + 1) if trans1d < 0 else trans1d
    sizes = [1] * ndmin
    sizes[place : place + ndim] = found.shape
    return lax.reshape(found, tuple(sizes))


r_ = _Joiner("r_", 0, 1, -1)
c_ = _Joiner("c_", -1, 2, 0)


def fromfunction(function: Any, shape: Any, *, dtype: Any = float, **kwargs: Any) -> Any:
    """The value of a function at each index; it is called once with index arrays.

    Differs from NumPy: a result of no dimensions is broadcast to the shape. Source: NumPy `fromfunction`.
    """
    sizes = core.canonical_shape("fromfunction", shape)
    grids = indices(sizes, dtype=dtype)
    lines = lax.unstack(grids, 0) if sizes else ()
    out = function(*lines, **kwargs)
    leaves, tree = core.tree.flatten(out)
    whole = [value("fromfunction", x) for x in leaves]
    return core.tree.unflatten(tree, [to_shape(x, sizes) if not x.shape else x for x in whole])


@core.refuses("order")
def unravel_index(indices: Any, shape: Any, **numpy_only: Never) -> tuple[Any, ...]:
    """Index arrays, one for each axis of `shape`, from indices into the flattened array.

    Differs from NumPy: negative indices count from the end; indices out of bounds move to the nearest element.
    Source: NumPy `unravel_index`.
    """
    if numpy_only:
        core.no_options("unravel_index", numpy_only)
    flat = value("unravel_index", indices)
    if not dtypes.is_integer(flat.dtype):
        raise TypeError(f"unravel_index: indices must be integers; got {flat.aval.str_short()}.")
    sizes = core.canonical_shape("unravel_index", shape)
    total = math.prod(sizes)

    def number(n: int) -> Any:
        return core.full((), n, flat.dtype, flat.aval.weak_type)

    if dtypes.is_signed(flat.dtype):
        flat = lax.select_n(lax.lt(flat, number(0)), flat, lax.add(flat, number(total)))
        flat = lax.max(flat, number(0))
    flat = lax.min(flat, number(builtins.max(total - 1, 0)))
    out = []
    for n in reversed(sizes):
        out.append(lax.rem(flat, number(n)) if n else flat)
        flat = lax.div(flat, number(n)) if n else flat
    return tuple(out[::-1])


def ravel_multi_index(
    multi_index: Any, dims: Any, mode: str = "raise", order: str = "C", *, dtype: Any = None
) -> Any:
    """Indices into the flattened array from index arrays, one for each axis.

    Args: mode 'raise' (needs known indices), 'wrap', 'clip' or 'ignore'.
    Raises: ValueError for an index out of bounds. Source: NumPy `ravel_multi_index`.
    """
    sizes = core.canonical_shape("ravel_multi_index", dims)
    if len(multi_index) != len(sizes):
        raise ValueError(
            f"ravel_multi_index: there must be an index for each axis; got {len(multi_index)} for shape {sizes}."
        )
    if mode not in ("raise", "wrap", "clip", "ignore"):
        raise ValueError(
            f"ravel_multi_index: mode must be raise, wrap, clip or ignore; got {mode!r}."
        )
    if order not in ("C", "F"):
        raise ValueError(f"ravel_multi_index: order must be 'C' or 'F'; got {order!r}.")
    given = [value("ravel_multi_index", x, i) for i, x in enumerate(multi_index)]
    for x in given:
        if not dtypes.is_integer(x.dtype):
            raise TypeError(
                f"ravel_multi_index: indices must be integers; got {x.aval.str_short()}."
            )
    found = (
        dtypes.default_dtype(int) if dtype is None else requested_dtype("ravel_multi_index", dtype)
    )
    shape = np.broadcast_shapes(*[x.shape for x in given])
    total = constant(shape, 0, found)
    strides = np.cumprod([1, *(sizes[:0:-1] if order == "C" else sizes[:-1])]).tolist()
    strides = strides[::-1] if order == "C" else strides
    for x, n, stride in zip(given, sizes, strides):
        x = _inside(x, n, mode)
        x = to_shape(core.convert(x, found), shape)
        total = lax.add(total, lax.mul(x, core.full((), stride, found)))
    return total


def _inside(x: Any, n: int, mode: str) -> Any:
    if mode == "raise":
        known = core.to_ndarray(x)
        if ((known < 0) | (known >= n)).any():
            raise ValueError(
                f"ravel_multi_index: index out of bounds for an axis of size {n}; got {known}. Use mode='clip' or "
                "'wrap'."
            )
        return x
    zero = core.full((), 0, x.dtype)
    if mode == "clip":
        return lax.clamp(zero, x, core.full((), n - 1, x.dtype))
    if mode == "wrap":
        size = core.full((), n, x.dtype)
        rest = lax.rem(x, size)
        return lax.select_n(lax.lt(rest, zero), rest, lax.add(rest, size))
    return x


__all__ = [
    "c_",
    "diag",
    "diag_indices",
    "diag_indices_from",
    "diagflat",
    "diagonal",
    "eye",
    "fromfunction",
    "identity",
    "index_exp",
    "indices",
    "ix_",
    "mask_indices",
    "meshgrid",
    "mgrid",
    "ogrid",
    "r_",
    "ravel_multi_index",
    "s_",
    "tri",
    "tril",
    "tril_indices",
    "tril_indices_from",
    "triu",
    "triu_indices",
    "triu_indices_from",
    "unravel_index",
    "vander",
]
