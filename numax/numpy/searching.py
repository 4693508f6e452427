"""Where and in what order: where, nonzero and their like, sorting, searching in sorted arrays."""

import builtins
import operator
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, Tracer, dtypes
from numax.numpy.creation import constant
from numax.numpy.grids import unravel_index
from numax.numpy.manipulation import flip, ravel, reshape
from numax.numpy.promotion import common_shape, no_out, promote_dtypes, ready_pair, to_shape, value
from numax.numpy.taking import _gather_along, _take, take_along_axis
from numax.numpy.types import requested_dtype

_host_of = core.eager.host_of
_wrap = core.eager.wrap_host
_etype = core.etype
_SCALARS = (bool, int, float, complex)
_UNROLLED = (
    2048  # from so many elements on, searching for them compiles to unrolled steps, not to a loop
)


def _int32() -> Any:
    return dtypes.default_dtype(int)


def _known(data: np.ndarray, dtype: Any) -> Any:
    return _wrap(np.asarray(data).astype(dtype, copy=False), _etype(dtype))


def _number(n: Any, dtype: Any) -> Any:
    return core.full((), n, dtype)


def _mask(x: Any) -> Any:
    """Whether elements are not zero; known for known x, also while tracing."""
    if type(x) is Array:
        data = x.numpy_()
        return _wrap(data if data.dtype == np.bool_ else data != 0, _etype(dtypes.bool_))
    return core.convert(x, dtypes.bool_)


def _flat_mask(x: Any) -> Any:
    mask = _mask(x)
    if type(mask) is Array:
        return _wrap(mask.numpy_().reshape(-1), mask._t)
    return ravel(mask)


def concrete(op: str, x: Any, hint: str) -> np.ndarray:
    """The numbers of x, on which the result's shape depends; ConcretizationTypeError if they are not known."""
    found = x.concrete_() if isinstance(x, Tracer) else x
    if found is None:
        raise core.errors.ConcretizationTypeError(
            f"{op}: the result's shape depends on the values of {x.aval.str_short()}, which are not known while tracing. "
            f"{hint}"
        )
    return found.numpy_()


_SIZE = "Pass size=n for a result of fixed size."


# ---- where ----


def where(
    condition: Any,
    x: Any = None,
    y: Any = None,
    /,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """x where the condition holds, y elsewhere; with the condition alone, `nonzero(condition)`.

    Args: size and fill_value as in `nonzero`. Raises: ValueError if only one of x and y is given.
    Grad: linear in x and y. Source: NumPy `where`.
    """
    if x is None and y is None:
        return nonzero(condition, size=size, fill_value=fill_value)
    if size is not None or fill_value is not None:
        raise ValueError(
            "where: size and fill_value go with the condition alone, not with x and y."
        )
    if x is None or y is None:
        raise ValueError("where: both or neither of x and y must be given.")
    if type(condition) is Array:
        found = _where_known(condition, x, y)
        if found is not None:
            return found
    which = _mask(value("where", condition))
    x, y = ready_pair(x, y) or promote_dtypes(value("where", x, 1), value("where", y, 2))
    shape = common_shape("where", [which.shape, x.shape, y.shape])
    if which.shape:
        which = to_shape(which, shape)
    return lax.select_n(which, to_shape(y, shape), to_shape(x, shape))


def _where_known(condition: Any, x: Any, y: Any) -> Any:
    """NumPy's where, if all is known."""
    chosen = _host_of(condition)
    if chosen is None or dtypes.is_key(condition.dtype):
        return None
    a = x.numpy_() if type(x) is Array else x if type(x) in _SCALARS else None
    b = y.numpy_() if type(y) is Array else y if type(y) in _SCALARS else None
    if a is None or b is None:
        return None
    if type(x) is Array and type(y) is Array and x._t is y._t:
        t = x._t
    else:
        dtype, weak = dtypes.join_types(dtypes.value_type(x), dtypes.value_type(y))
        t = _etype(dtype, weak)
        if type(a) is not np.ndarray or type(b) is not np.ndarray:
            if not dtypes.is_inexact(dtype):
                return None
            a, b = np.asarray(a, dtype), np.asarray(b, dtype)
    if chosen.dtype != np.bool_:
        chosen = chosen != 0
    try:
        out = np.where(chosen, a, b)
    except ValueError:  # shapes do not broadcast: the general way says so
        return None
    return _wrap(out if out.dtype == t.physical else out.astype(t.physical), t)


# ---- nonzero ----


def true_places(mask: Any, size: int, fill: int) -> Any:
    """The first `size` places of True in a vector, in rising order; `fill` for those that lack."""
    known = _host_of(mask)
    dtype = _int32()
    if known is not None:
        found = np.flatnonzero(known)[:size]
        return _known(np.concatenate([found, np.full(size - found.size, fill)]), dtype)
    n = mask.shape[0]
    if not n or not size:
        return constant((size,), fill, dtype)
    rank = lax.sub(lax.cumsum(core.convert(mask, dtype), 0), _number(1, dtype))
    target = lax.select_n(mask, lax.full_like(rank, size), rank)
    numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    return lax.scatter(
        constant((size,), fill, dtype),
        lax.expand_dims(target, (1,)),
        lax.iota(dtype, n),
        numbers,
        mode="drop",
    )


def _fills(op: str, fill_value: Any, ndim: int) -> list[Any]:
    if fill_value is None:
        return [_number(0, _int32())] * ndim
    if isinstance(fill_value, tuple | list):
        if len(fill_value) != ndim:
            raise ValueError(
                f"{op}: fill_value must have one number, or {ndim}; got {fill_value!r}."
            )
        items = fill_value
    else:
        items = [fill_value] * ndim
    return [core.convert(value(op, x), _int32()) for x in items]


def nonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> tuple[Any, ...]:
    """Index arrays, one for each axis, of the elements that are not zero.

    Args: size cuts or fills (with fill_value, 0) to a fixed number, so that values may be traced.
    Raises: ValueError for no dimensions. Source: NumPy `nonzero`.
    """
    return _nonzero("nonzero", value("nonzero", a), size, fill_value)


def _nonzero(op: str, a: Any, size: int | None, fill_value: Any) -> tuple[Any, ...]:
    if not a.shape:
        raise ValueError(
            f"{op}: arrays of no dimensions are not accepted. Use numax.numpy.atleast_1d(x)."
        )
    mask = _mask(a)
    dtype = _int32()
    if size is None:
        return tuple([_known(p, dtype) for p in np.nonzero(concrete(op, mask, _SIZE))])
    size = operator.index(size)
    flat = _flat_mask(mask)
    places = true_places(flat, size, 0)
    count = lax.reduce_sum(core.convert(flat, dtype), (0,))
    valid = lax.lt(lax.iota(dtype, size), count)
    out = []
    for index, fill in zip(unravel_index(places, a.shape), _fills(op, fill_value, len(a.shape))):
        out.append(lax.select_n(valid, to_shape(fill, (size,)), index))
    return tuple(out)


def argwhere(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The indices of the elements that are not zero, one in each row.

    Args: size and fill_value as in `nonzero`. Source: NumPy `argwhere`.
    """
    a = value("argwhere", a)
    if not a.shape:
        rows = _nonzero("argwhere", _flat_mask(a), size, None)[0].shape[0]
        return constant((rows, 0), 0, _int32())
    return lax.stack(list(_nonzero("argwhere", a, size, fill_value)), 1)


def flatnonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The places in the flattened array of the elements that are not zero.

    Args: size and fill_value as in `nonzero`. Source: NumPy `flatnonzero`.
    """
    return _nonzero("flatnonzero", _flat_mask(value("flatnonzero", a)), size, fill_value)[0]


def extract(condition: Any, arr: Any, *, size: int | None = None, fill_value: Any = 0) -> Any:
    """The elements of the flattened array where the condition holds.

    Args: size cuts or fills (with fill_value) to a fixed number. Grad: linear in arr. Source: NumPy `extract`.
    """
    flags = _flat_mask(value("extract", condition))
    return _compress("extract", flags, ravel(value("extract", arr, 1)), 0, size, fill_value)


@core.refuses("out")
def compress(
    condition: Any,
    a: Any,
    axis: Any = None,
    *,
    size: int | None = None,
    fill_value: Any = 0,
    out: Any = None,
) -> Any:
    """The slices of an axis where the condition, a vector, holds; of the flattened array if axis is None.

    Args: size cuts or fills (with fill_value) to a fixed number. Grad: linear in a. Source: NumPy `compress`.
    """
    no_out("compress", out)
    flags = value("compress", condition)
    if len(flags.shape) != 1:
        raise ValueError(
            f"compress: the condition must have one axis; got {flags.aval.str_short()}."
        )
    a = value("compress", a, 1)
    if axis is None:
        a, axis = ravel(a), 0
    axis = core.canonical_axis("compress", axis, len(a.shape))
    return _compress("compress", flags, a, axis, size, fill_value)


def _compress(op: str, flags: Any, a: Any, axis: int, size: int | None, fill_value: Any) -> Any:
    flags = _mask(flags)
    n = a.shape[axis]
    if flags.shape[0] > n:
        known = flags.concrete_() if isinstance(flags, Tracer) else flags
        if known is None or known.numpy_()[n:].any():
            raise ValueError(
                f"{op}: the condition holds out of bounds: it has {flags.shape[0]} elements, axis {axis} has {n}."
            )
        flags = (
            lax.slice_in_dim(flags, 0, n)
            if known is None
            else _known(known.numpy_()[:n], dtypes.bool_)
        )
    if size is None:
        places = _known(np.flatnonzero(concrete(op, flags, _SIZE)), dtypes.int32)
        return _take(a, places, axis, "promise_in_bounds")
    size = operator.index(size)
    places = true_places(flags, size, n)
    return _take(a, places, axis, "fill", fill_value)


# ---- sorting ----


def _sort_axis(op: str, a: Any, axis: Any, kind: Any = None, order: Any = None) -> tuple[Any, int]:
    if kind is not None:
        raise TypeError(
            f"{op}: kind is not supported; got {kind!r}. Use stable=True or stable=False."
        )
    if order is not None:
        raise TypeError(
            f"{op}: order is not supported; got {order!r}. There are no structured arrays."
        )
    a = value(op, a)
    if axis is None:
        return ravel(a), 0
    return a, core.canonical_axis(op, axis, len(a.shape))


_PLAIN = frozenset(d for d in dtypes.ALL if d.kind in "iub" or d.name in ("float32", "float64"))


def _sorted_known(a: Any, axis: int) -> Any:
    """NumPy's sort, where it gives the order wanted; else None."""
    memory = _host_of(a)
    if memory is None or a.dtype not in _PLAIN:
        return None
    out = np.sort(memory, axis)
    if out.dtype.kind == "f" and not out.all() and np.signbit(memory[memory == 0]).any():
        return None  # zeros of both signs keep their order in lax.sort only
    return _wrap(out, a._t)


def sort(
    a: Any,
    axis: Any = -1,
    *,
    kind: Any = None,
    order: Any = None,
    stable: bool = True,
    descending: bool = False,
) -> Any:
    """The elements along an axis in rising, or falling, order; nan counts as largest.

    Differs from NumPy: kind and order are refused; stable=True unless given. Grad: linear, by the permutation.
    Source: NumPy `sort`.
    """
    a, axis = _sort_axis("sort", a, axis, kind, order)
    out = _sorted_known(a, axis)
    out = lax.sort(a, axis, stable) if out is None else out
    return flip(out, axis) if descending else out


def argsort(
    a: Any,
    axis: Any = -1,
    *,
    kind: Any = None,
    order: Any = None,
    stable: bool = True,
    descending: bool = False,
    dtype: Any = None,
) -> Any:
    """The indices that sort an axis; equal elements keep their order.

    Differs from NumPy: int32 unless given; kind and order are refused. Source: NumPy `argsort`.
    """
    a, axis = _sort_axis("argsort", a, axis, kind, order)
    found = _int32() if dtype is None else requested_dtype("argsort", dtype)
    return _argsort(a, axis, found, stable, descending)


def _argsort(a: Any, axis: int, dtype: Any, stable: bool = True, descending: bool = False) -> Any:
    memory = None if descending else _host_of(a)
    if memory is not None and a.dtype in _PLAIN and memory.size < 256:
        return _known(np.argsort(memory, axis, stable=True), dtype)
    keys = flip(a, axis) if descending else a
    line = lax.broadcasted_iota(dtype, a.shape, axis)
    index = lax.sort((keys, line), axis, stable, 1)[1]
    if not descending:
        return index
    return flip(lax.sub(_number(builtins.max(a.shape[axis] - 1, 0), dtype), index), axis)


def lexsort(keys: Any, axis: Any = -1, *, batch_size: int | None = 16) -> Any:
    """The indices that sort by several keys, the last one counting most.

    Args: batch_size: how many keys one sort compares; programs of many keys compile faster in parts.
    Differs from NumPy: int32. Raises: TypeError for no keys; ValueError if shapes differ. Source: NumPy `lexsort`.
    """
    if type(keys) is Array or isinstance(keys, Tracer | np.ndarray):
        parts = list(lax.unstack(value("lexsort", keys), 0))
    else:
        parts = [value("lexsort", k, i) for i, k in enumerate(keys)]
    if not parts:
        raise TypeError("lexsort: need a sequence of keys with len > 0.")
    shape = parts[0].shape
    if any(k.shape != shape for k in parts):
        raise ValueError(
            f"lexsort: keys must have equal shapes; got {', '.join(str(k.shape) for k in parts)}."
        )
    if not shape:
        return _known(np.zeros((), np.int64), _int32())
    axis = core.canonical_axis("lexsort", axis, len(shape))
    size = len(parts) if batch_size is None else operator.index(batch_size)
    if size < 1:
        raise ValueError(f"lexsort: batch_size must be positive or None; got {batch_size!r}.")
    line = lax.broadcasted_iota(_int32(), shape, axis)
    for start in range(0, len(parts), size):  # the keys that count least first; sorting is stable
        keys = parts[start : start + size]
        if start:
            keys = [take_along_axis(k, line, axis) for k in keys]
        line = lax.sort((*keys[::-1], line), axis, True, len(keys))[-1]
    return line


def _check_kth(op: str, kth: Any, n: int) -> None:
    for k in kth if np.iterable(kth) else (kth,):
        index = core.to_index(k) if isinstance(k, Array) else operator.index(k)
        if not -n <= index < n:
            raise ValueError(f"{op}: kth {index} is out of bounds for {n} elements.")


@core.refuses("kind", "order")
def partition(a: Any, kth: Any, axis: Any = -1, **numpy_only: Never) -> Any:
    """The elements along an axis with the kth in its sorted place, smaller ones before it; here all sorted.

    Raises: ValueError for kth out of bounds. Grad: linear, by the permutation. Source: NumPy `partition`.
    """
    if numpy_only:
        core.no_options("partition", numpy_only)
    a, axis = _sort_axis("partition", a, axis)
    _check_kth("partition", kth, a.shape[axis])
    return lax.sort(a, axis)


@core.refuses("kind", "order")
def argpartition(a: Any, kth: Any, axis: Any = -1, **numpy_only: Never) -> Any:
    """The indices that partition an axis; here those that sort it.

    Raises: ValueError for kth out of bounds. Source: NumPy `argpartition`.
    """
    if numpy_only:
        core.no_options("argpartition", numpy_only)
    a, axis = _sort_axis("argpartition", a, axis)
    _check_kth("argpartition", kth, a.shape[axis])
    return _argsort(a, axis, _int32())


def sort_complex(a: Any) -> Any:
    """The elements as complex numbers, along the last axis, by real, then imaginary part.

    Grad: linear, by the permutation. Source: NumPy `sort_complex`.
    """
    a = value("sort_complex", a)
    if not dtypes.is_complex(a.dtype):
        wide = a.dtype in (dtypes.float64, dtypes.int64, dtypes.uint64)
        a = core.convert(a, dtypes.complex128 if wide else dtypes.complex64)
    return lax.sort(a, core.canonical_axis("sort_complex", -1, len(a.shape)))


def top_k(
    a: Any, k: int, /, *, axis: int = -1, mode: str = "largest", sorted: bool = True
) -> tuple[Any, Any]:
    """The k largest (or smallest) elements along an axis and their indices; in order also where sorted=False allows any.

    Raises: ValueError for k out of range or another mode. Grad: linear in the values. Source: array API `top_k`.
    """
    a = value("top_k", a)
    axis = core.canonical_axis("top_k", axis, len(a.shape))
    if mode not in ("largest", "smallest"):
        raise ValueError(f"top_k: mode must be 'largest' or 'smallest'; got {mode!r}.")
    k = operator.index(k)
    if not 0 <= k <= a.shape[axis]:
        raise ValueError(f"top_k: k must lie in 0..{a.shape[axis]}; got {k}.")
    if mode == "largest":
        found, index = lax.top_k(a, k, axis=axis)
        return found, index
    line = lax.broadcasted_iota(dtypes.int32, a.shape, axis)
    found, index = lax.sort((a, line), axis, True, 1)
    return lax.slice_in_dim(found, 0, k, axis=axis), lax.slice_in_dim(index, 0, k, axis=axis)


# ---- searching in a sorted vector ----


def _less(x: Any, y: Any, or_equal: bool = False) -> Any:
    """x < y in the order of sorting: nan last, complex numbers by real, then imaginary part."""
    if dtypes.is_complex(x.dtype):
        first = _less(lax.real(x), lax.real(y))
        same = lax.bitwise_not(lax.bitwise_or(first, _less(lax.real(y), lax.real(x))))
        return lax.bitwise_or(
            first, lax.bitwise_and(same, _less(lax.imag(x), lax.imag(y), or_equal))
        )
    less = lax.le(x, y) if or_equal else lax.lt(x, y)
    if not dtypes.is_float(x.dtype):
        return less
    late = lax.ne(y, y)
    if not or_equal:
        late = lax.bitwise_and(late, lax.eq(x, x))
    return lax.bitwise_or(less, late)


def searchsorted(
    a: Any, v: Any, side: str = "left", sorter: Any = None, *, method: str = "scan"
) -> Any:
    """Where elements would go into a sorted vector: before equal ones ('left') or after them ('right').

    Args: method 'scan' (binary search), 'scan_unrolled', 'sort' or 'compare_all', for compiled programs.
    Differs from NumPy: int32. Raises: ValueError unless a has one axis. Source: NumPy `searchsorted`.
    """
    a, v = value("searchsorted", a), value("searchsorted", v, 1)
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right'; got {side!r}.")
    if method not in ("scan", "scan_unrolled", "sort", "compare_all"):
        raise ValueError(
            f"searchsorted: method must be 'scan', 'scan_unrolled', 'sort' or 'compare_all'; got {method!r}."
        )
    if len(a.shape) != 1:
        raise ValueError(
            f"searchsorted: the sorted array must have one axis; got {a.aval.str_short()}."
        )
    if sorter is not None:
        a = _take(a, value("searchsorted", sorter, 3), 0, "clip")
    a, v = promote_dtypes(a, v)
    rows, needles = _host_of(a), _host_of(v)
    dtype = _int32()
    if rows is not None and needles is not None and rows.dtype.kind in "biufc":
        return _known(np.searchsorted(rows, needles, side), dtype)
    return _search(a, v, side == "right", method, dtype)


def _search(a: Any, v: Any, right: bool, method: str, dtype: Any) -> Any:
    n = a.shape[0]
    if n == 0:
        return constant(v.shape, 0, dtype)
    if method == "sort":
        return _search_sorting(a, v, right, dtype)
    if method == "compare_all":
        wide = (*v.shape, n)
        line = lax.broadcast_in_dim(a, wide, (len(wide) - 1,))
        needles = lax.broadcast_in_dim(v, wide, tuple(range(len(wide) - 1)))
        return lax.reduce_sum(core.convert(_less(line, needles, right), dtype), (len(wide) - 1,))

    if method == "scan_unrolled" or v.aval.size >= _UNROLLED:
        return _search_halving(a, v, right, dtype)

    def step(low: Any, high: Any) -> tuple[Any, Any]:
        """Halve [low, high): everything before low lies before v."""
        middle = lax.div(lax.add(low, high), _number(2, dtype))
        before = _less(_take(a, middle, 0, "clip"), v, right)
        open_ = lax.lt(low, high)
        up = lax.bitwise_and(open_, before)
        down = lax.bitwise_and(open_, lax.bitwise_not(before))
        return (
            lax.select_n(up, low, lax.add(middle, _number(1, dtype))),
            lax.select_n(down, high, middle),
        )

    steps = n.bit_length()
    low, high = lax.full_like(v, 0, dtype), lax.full_like(v, n, dtype)
    return lax.fori_loop(0, steps, lambda _, pair: step(*pair), (low, high))[0]


def _before(x: Any, y: Any, right: bool) -> Any:
    """_less(x, y, right). Of `x <= y or y is nan` the compiler makes jumps in a search, which no processor foresees: three times as slow."""
    return lax.bitwise_not(_less(y, x)) if right else _less(x, y)


def _search_halving(a: Any, v: Any, right: bool, dtype: Any) -> Any:
    """Binary search whose steps are the same for all elements, so that only a place goes from one to the next."""
    place = lax.full_like(v, 0, dtype)
    rest = a.shape[0]
    while rest > 1:
        half = rest // 2
        probe = lax.add(place, _number(half - 1, dtype))
        before = _before(_take(a, probe, 0, "promise_in_bounds"), v, right)
        place = lax.select_n(before, place, lax.add(place, _number(half, dtype)))
        rest -= half
    before = _before(_take(a, place, 0, "promise_in_bounds"), v, right)
    return lax.select_n(before, place, lax.add(place, _number(1, dtype)))


def _search_sorting(a: Any, v: Any, right: bool, dtype: Any) -> Any:
    """Ranks in the sorted whole, less the ranks among the needles."""
    flat = ravel(v)
    n, m = a.shape[0], flat.shape[0]
    whole = lax.concatenate([a, flat] if right else [flat, a], 0)
    ranks = _argsort(_argsort(whole, 0, dtype), 0, dtype)
    own = _argsort(_argsort(flat, 0, dtype), 0, dtype)
    start = n if right else 0
    found = lax.sub(lax.slice_in_dim(ranks, start, start + m), own)
    return reshape(found, v.shape)


def digitize(x: Any, bins: Any, right: bool = False, *, method: str | None = None) -> Any:
    """The number of the bin that each element lies in; bins rise or fall.

    Args: right: bins include their right edge, not the left. Raises: ValueError unless bins has one axis.
    Source: NumPy `digitize`.
    """
    x, bins = value("digitize", x), value("digitize", bins, 1)
    if len(bins.shape) != 1:
        raise ValueError(f"digitize: bins must have one axis; got {bins.aval.str_short()}.")
    if dtypes.is_complex(x.dtype) or dtypes.is_complex(bins.dtype):
        raise TypeError(f"digitize: complex numbers are not accepted; got {x.aval.str_short()}.")
    how = "scan" if method is None else method
    n = bins.shape[0]
    if n == 0:
        return constant(x.shape, 0, _int32())
    side = "left" if right else "right"
    known = _host_of(bins)
    rising = (
        searchsorted(bins, x, side, method=how) if known is None or known[-1] >= known[0] else None
    )
    if known is not None:
        steps = known[1:] >= known[:-1] if rising is not None else known[1:] <= known[:-1]
        if not steps.all():
            raise ValueError("digitize: bins must rise or fall monotonically.")
        if rising is not None:
            return rising
    falling = lax.sub(_number(n, _int32()), searchsorted(flip(bins, 0), x, side, method=how))
    if rising is None:
        return falling
    first, last = (
        lax.index_in_dim(bins, 0, keepdims=False),
        lax.index_in_dim(bins, -1, keepdims=False),
    )
    return lax.select_n(lax.ge(last, first), falling, rising)


def _sorted_along(x: Any, index: Any, axis: int) -> Any:
    return _gather_along(x, index, axis, "promise_in_bounds")


__all__ = [
    "argpartition",
    "argsort",
    "argwhere",
    "compress",
    "digitize",
    "extract",
    "flatnonzero",
    "lexsort",
    "nonzero",
    "partition",
    "searchsorted",
    "sort",
    "sort_complex",
    "top_k",
    "where",
]
