"""Sets: unique elements, and unions, intersections and differences of arrays, each with a form of fixed size."""

import math
import operator
from typing import Any, NamedTuple, Never

import numpy as np

from numax import core, lax
from numax.core import dtypes
from numax.numpy.creation import constant
from numax.numpy.manipulation import moveaxis, ravel, reshape
from numax.numpy.promotion import promote_dtypes, to_shape, value
from numax.numpy.searching import _known, _number, concrete, searchsorted, true_places
from numax.numpy.taking import _take

_host_of = core.eager.host_of
_SIZE = "Pass size=n for a result of fixed size."


class UniqueAll(NamedTuple):
    """What unique_all returns."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """What unique_counts returns."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """What unique_inverse returns."""

    values: Any
    inverse_indices: Any


def _int() -> Any:
    return dtypes.default_dtype(int)


def _comparable(x: np.ndarray) -> np.ndarray:
    """x in a dtype that NumPy sorts, in the same order."""
    if x.dtype.kind in "biufc":
        return x
    wide = (
        np.float32
        if dtypes.is_float(x.dtype)
        else np.int8
        if dtypes.is_signed(x.dtype)
        else np.uint8
    )
    return x.astype(wide)


# ---- unique ----


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    size: int | None = None,
    fill_value: Any = None,
    sorted: bool = True,
) -> Any:
    """The different elements in rising order; or, with an axis, its different slices.

    Args: also first indices, the indices that rebuild the array, and counts. size cuts or fills to a fixed number (with
    fill_value, or the least element), so that values may be traced.
    Grad: linear in the values. Source: NumPy `unique`.
    """
    x = value("unique", ar)
    wanted = (return_index, return_inverse, return_counts)
    if axis is not None:
        axis = core.canonical_axis("unique", axis, len(x.shape))
    if size is None:
        if axis is None and not any(wanted) and x.dtype.kind in "biufc" and _host_of(x) is not None:
            return _known(np.unique(x.numpy_(), equal_nan=equal_nan), x.dtype)
        out = _unique_known(x, axis, equal_nan)
    else:
        out = _unique_fixed(x, axis, equal_nan, operator.index(size), fill_value)
    found = [out[0], *[part for part, want in zip(out[1:], wanted) if want]]
    return tuple(found) if len(found) > 1 else found[0]


def _unique_known(x: Any, axis: int | None, equal_nan: bool) -> tuple[Any, Any, Any, Any]:
    data = concrete("unique", x, _SIZE)
    _, index, inverse, counts = np.unique(
        _comparable(data), True, True, True, axis, equal_nan=equal_nan
    )
    dtype = _int()
    places = _known(index, dtype)
    chosen = _take(ravel(x) if axis is None else x, places, axis or 0, "promise_in_bounds")
    inverse = inverse.reshape(x.shape if axis is None else -1)
    return chosen, places, _known(inverse, dtype), _known(counts, dtype)


def _differ(rows: Any, equal_nan: bool) -> Any:
    """For each row but the first, whether it differs from the one before."""
    n = rows.shape[0]
    after, before = lax.slice_in_dim(rows, 1, n), lax.slice_in_dim(rows, 0, n - 1)
    unlike = lax.ne(after, before)
    if equal_nan and dtypes.is_inexact(rows.dtype):
        both = lax.bitwise_and(lax.ne(after, after), lax.ne(before, before))
        unlike = lax.bitwise_and(unlike, lax.bitwise_not(both))
    rest = tuple(range(1, len(unlike.shape)))
    return lax.reduce_or(unlike, rest) if rest else unlike


def _sorted_rows(rows: Any) -> tuple[Any, Any]:
    """Rows in lexical order, and the permutation. A vector is sorted by itself."""
    n = rows.shape[0]
    line = lax.iota(_int(), n)
    if len(rows.shape) == 1:
        ordered, order = lax.sort((rows, line), 0, True, 1)
        return ordered, order
    columns = lax.unstack(rows, 1)
    order = lax.sort((*columns, line), 0, True, len(columns))[-1] if columns else line
    return _take(rows, order, 0, "promise_in_bounds"), order


def _firsts(ordered: Any, equal_nan: bool = True) -> Any:
    """Where a new element begins in a sorted array."""
    start = constant((1,), True, dtypes.bool_)
    if ordered.shape[0] == 1:
        return start
    return lax.concatenate([start, _differ(ordered, equal_nan)], 0)


def _unique_fixed(
    x: Any, axis: int | None, equal_nan: bool, size: int, fill_value: Any
) -> tuple[Any, Any, Any, Any]:
    dtype = _int()
    if axis is None:
        rows, shape = ravel(x), ()
    else:
        axis = core.canonical_axis("unique", axis, len(x.shape))
        rows = moveaxis(x, axis, 0)
        shape = rows.shape[1:]
        rows = reshape(rows, (rows.shape[0], math.prod(shape)))
    n = rows.shape[0]
    if n == 0:
        if size and fill_value is None:
            raise ValueError(
                "unique: an empty array has no least element; give fill_value, or size=0."
            )
        fill = core.convert(value("unique", 0 if fill_value is None else fill_value), x.dtype)
        zeros = constant((size,), 0, dtype)
        out = to_shape(fill, (size, *shape))
        return (
            out if axis is None else moveaxis(out, 0, axis),
            zeros,
            constant(x.shape, 0, dtype),
            zeros,
        )
    ordered, order = _sorted_rows(rows)
    mask = _firsts(ordered, equal_nan)
    count = lax.reduce_sum(core.convert(mask, dtype), (0,))
    begin = true_places(mask, size + 1, n)
    ends, starts = lax.slice_in_dim(begin, 1, size + 1), lax.slice_in_dim(begin, 0, size)
    valid = lax.lt(lax.iota(dtype, size), count)
    places = lax.select_n(valid, lax.full_like(starts, 0), starts)
    chosen = _take(ordered, places, 0, "promise_in_bounds")
    if fill_value is not None:
        fill = to_shape(core.convert(value("unique", fill_value), x.dtype), chosen.shape)
        wide = lax.broadcast_in_dim(valid, chosen.shape, (0,))
        chosen = lax.select_n(wide, fill, chosen)
    chosen = reshape(chosen, (size, *shape))
    rank = lax.sub(lax.cumsum(core.convert(mask, dtype), 0), _number(1, dtype))
    inverse = lax.sort((order, rank), 0, True, 1)[1]
    counts = lax.select_n(valid, lax.full_like(starts, 0), lax.sub(ends, starts))
    return (
        chosen if axis is None else moveaxis(chosen, 0, axis),
        _take(order, places, 0, "promise_in_bounds"),
        reshape(inverse, x.shape) if axis is None else inverse,
        counts,
    )


def unique_all(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueAll:
    """The different elements, first indices, the indices that rebuild x, and counts; each nan is different.

    Source: array API `unique_all`.
    """
    x = value("unique_all", x)
    return UniqueAll(
        *unique(x, True, True, True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_counts(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueCounts:
    """The different elements and how often each occurs; each nan is different.

    Source: array API `unique_counts`.
    """
    x = value("unique_counts", x)
    found = unique(x, return_counts=True, equal_nan=False, size=size, fill_value=fill_value)
    return UniqueCounts(*found)


def unique_inverse(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueInverse:
    """The different elements and the indices that rebuild x; each nan is different.

    Source: array API `unique_inverse`.
    """
    x = value("unique_inverse", x)
    found = unique(x, return_inverse=True, equal_nan=False, size=size, fill_value=fill_value)
    return UniqueInverse(*found)


def unique_values(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The different elements; each nan is different.

    Source: array API `unique_values`.
    """
    return unique(value("unique_values", x), equal_nan=False, size=size, fill_value=fill_value)


# ---- two sets ----


@core.refuses("kind")
def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    method: str = "auto",
    **numpy_only: Never,
) -> Any:
    """Whether each element occurs among the test elements; nan never does.

    Args: method 'auto', 'compare_all', 'binary_search' or 'sort', for compiled programs. Source: NumPy `isin`.
    """
    if numpy_only:
        core.no_options("isin", numpy_only)
    if method not in ("auto", "compare_all", "binary_search", "sort"):
        raise ValueError(
            f"isin: method must be 'auto', 'compare_all', 'binary_search' or 'sort'; got {method!r}."
        )
    x, tests = promote_dtypes(value("isin", element), ravel(value("isin", test_elements, 1)))
    found = _isin(x, tests, method)
    return lax.bitwise_not(found) if invert else found


def _isin(x: Any, tests: Any, method: str = "auto") -> Any:
    n = tests.shape[0]
    if n == 0:
        return constant(x.shape, False, dtypes.bool_)
    memory, others = _host_of(x), _host_of(tests)
    if memory is not None and others is not None:
        return _known(np.isin(_comparable(memory), _comparable(others)), dtypes.bool_)
    if method == "compare_all" or (method == "auto" and n <= 32):
        wide = (*x.shape, n)
        line = lax.broadcast_in_dim(tests, wide, (len(wide) - 1,))
        needles = lax.broadcast_in_dim(x, wide, tuple(range(len(wide) - 1)))
        return lax.reduce_or(lax.eq(line, needles), (len(wide) - 1,))
    ordered = lax.sort(tests, 0)
    how = "sort" if method == "sort" else "scan"
    place = searchsorted(ordered, x, method=how)
    return lax.eq(_take(ordered, place, 0, "clip"), x)


def _vectors(op: str, ar1: Any, ar2: Any) -> tuple[Any, Any]:
    a, b = promote_dtypes(ravel(value(op, ar1)), ravel(value(op, ar2, 1)))
    return core.convert(a, a.dtype), core.convert(b, b.dtype)


def _chosen(
    ordered: Any, mask: Any, size: int | None, fill_value: Any, op: str
) -> tuple[Any, Any, Any]:
    """The elements where a mask holds: all (known), or `size` of them. Also their places, and which are real."""
    n = ordered.shape[0]
    if size is None:
        places = _known(np.flatnonzero(concrete(op, mask, _SIZE)), _int())
        return _take(ordered, places, 0, "promise_in_bounds"), places, None
    places = true_places(mask, size, n)
    valid = lax.lt(places, _number(n, _int()))
    if n == 0:
        fill = core.convert(value(op, 0 if fill_value is None else fill_value), ordered.dtype)
        return to_shape(fill, (size,)), places, valid
    if fill_value is None:  # the least element found, 0 if there is none
        found = _take(ordered, places, 0, "clip")
        first = lax.slice_in_dim(found, 0, 1) if size else found
        some = lax.slice_in_dim(valid, 0, 1) if size else valid
        fill = lax.select_n(some, lax.full_like(first, 0), first)
        return lax.select_n(valid, to_shape(fill, (size,)), found), places, valid
    found = _take(ordered, places, 0, "clip")
    fill = to_shape(core.convert(value(op, fill_value), ordered.dtype), (size,))
    return lax.select_n(valid, fill, found), places, valid


def _sized(size: Any) -> int | None:
    return None if size is None else operator.index(size)


def intersect1d(
    ar1: Any,
    ar2: Any,
    assume_unique: bool = False,
    return_indices: bool = False,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements that occur in both arrays, in rising order.

    Args: also the first indices in both. size cuts or fills (with fill_value, or the least element) to a fixed number.
    Grad: linear. Source: NumPy `intersect1d`.
    """
    a, b = _vectors("intersect1d", ar1, ar2)
    if not a.shape[0]:
        ordered, order, mask = a, constant((0,), 0, _int()), constant((0,), False, dtypes.bool_)
    else:
        ordered, order = _sorted_rows(a)
        mask = lax.bitwise_and(_firsts(ordered), _isin(ordered, b))
    found, places, valid = _chosen(ordered, mask, _sized(size), fill_value, "intersect1d")
    if not return_indices:
        return found
    n, m = a.shape[0], b.shape[0]
    if not n or not m:
        return found, lax.full_like(places, n), lax.full_like(places, m)
    first = _take(order, places, 0, "fill", n)
    ordered_b, order_b = _sorted_rows(b)
    second = _take(order_b, searchsorted(ordered_b, found), 0, "clip")
    if valid is not None:
        second = lax.select_n(valid, lax.full_like(second, m), second)
    return found, first, second


def union1d(ar1: Any, ar2: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The different elements that occur in either array, in rising order.

    Args: size cuts or fills (with fill_value, or the least element) to a fixed number. Grad: linear.
    Source: NumPy `union1d`.
    """
    a, b = _vectors("union1d", ar1, ar2)
    return unique(lax.concatenate([a, b], 0), size=size, fill_value=fill_value)


def setdiff1d(
    ar1: Any,
    ar2: Any,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements of the first array that do not occur in the second, in rising order.

    Args: assume_unique: those of ar1 as they are, in its order. size cuts or fills (with fill_value, 0).
    Grad: linear. Source: NumPy `setdiff1d`.
    """
    a, b = _vectors("setdiff1d", ar1, ar2)
    fill = 0 if fill_value is None else fill_value
    if not a.shape[0]:
        mask = constant((0,), False, dtypes.bool_)
    elif assume_unique:
        mask = lax.bitwise_not(_isin(a, b))
    else:
        a = lax.sort(a, 0)
        mask = lax.bitwise_and(_firsts(a), lax.bitwise_not(_isin(a, b)))
    return _chosen(a, mask, _sized(size), fill, "setdiff1d")[0]


def setxor1d(
    ar1: Any,
    ar2: Any,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements that occur in one array only, in rising order.

    Args: size cuts or fills (with fill_value, or the least element) to a fixed number. Grad: linear.
    Source: NumPy `setxor1d`.
    """
    a, b = _vectors("setxor1d", ar1, ar2)
    both = lax.concatenate([a, b], 0)
    if not both.shape[0]:
        return _chosen(
            both, constant((0,), False, dtypes.bool_), _sized(size), fill_value, "setxor1d"
        )[0]
    ordered = lax.sort(both, 0)
    apart = lax.bitwise_not(lax.bitwise_and(_isin(ordered, a), _isin(ordered, b)))
    mask = lax.bitwise_and(_firsts(ordered), apart)
    return _chosen(ordered, mask, _sized(size), fill_value, "setxor1d")[0]


__all__ = [
    "intersect1d",
    "isin",
    "setdiff1d",
    "setxor1d",
    "union1d",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]
