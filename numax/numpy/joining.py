"""Joining and cutting: concatenate, the stacks, block, split, tile, repeat, append, insert, delete."""

import builtins
import math
import operator
from collections.abc import Sequence
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, Tracer, dtypes
from numax.numpy.creation import constant
from numax.numpy.manipulation import atleast_1d, atleast_2d, atleast_3d, ravel, reshape
from numax.numpy.promotion import no_out, promote_dtypes, to_shape, value
from numax.numpy.types import requested_dtype

_host_of = core.eager.host_of
_wrap = core.eager.wrap_host
_etype = core.etype


# ---- concatenate and stack ----


def _parts(op: str, arrays: Any) -> list[Any]:
    if type(arrays) is Array or isinstance(arrays, Tracer | np.ndarray):
        whole = value(op, arrays)
        if not whole.shape:
            raise ValueError(f"{op}: arrays of no dimensions cannot be joined.")
        return list(lax.unstack(whole, 0))
    if not isinstance(arrays, list | tuple):
        arrays = list(arrays)
    return [x if type(x) is Array else value(op, x, i) for i, x in enumerate(arrays)]


def _common(op: str, parts: list[Any], dtype: Any) -> list[Any]:
    if dtype is not None:
        dtype = requested_dtype(op, dtype)
        return [core.convert(x, dtype) for x in parts]
    return promote_dtypes(*parts)


def _known_joined(join: Any, arrays: Any, axis: Any) -> Any:
    """NumPy's own way, where all parts are known and of one element type; else None."""
    if type(arrays) not in (list, tuple) or not arrays or type(arrays[0]) is not Array:
        return None
    t = arrays[0]._t
    if _host_of(arrays[0]) is None:
        return None
    memories = []
    for x in arrays:
        if type(x) is not Array or x._t is not t:
            return None
        memories.append(x.numpy_())
    try:
        return _wrap(join(memories, axis), t)
    except (TypeError, ValueError):  # the general way says what is wrong
        return None


@core.refuses("out", "casting")
def concatenate(arrays: Any, axis: Any = 0, dtype: Any = None, **numpy_only: Never) -> Any:
    """Arrays joined along an axis they have; flattened first if axis is None.

    Differs from NumPy: JAX's promotion. Raises: TypeError if shapes differ elsewhere; ValueError for none.
    Grad: linear. Source: NumPy `concatenate`.
    """
    if numpy_only:
        core.no_options("concatenate", numpy_only)
    return _concatenate("concatenate", arrays, axis, dtype)


@core.refuses("out", "dtype", "casting")
def concat(arrays: Any, /, *, axis: Any = 0, **numpy_only: Never) -> Any:
    """Arrays joined along an axis they have; flattened first if axis is None.

    Grad: linear. Source: array API `concat`.
    """
    if numpy_only:
        core.no_options("concat", numpy_only)
    return _concatenate("concat", arrays, axis, None)


def _concatenate(op: str, arrays: Any, axis: Any, dtype: Any) -> Any:
    if dtype is None:
        found = _known_joined(np.concatenate, arrays, axis)
        if found is not None:
            return found
    parts = _parts(op, arrays)
    if not parts:
        raise ValueError(f"{op}: need at least one array to concatenate.")
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    first = parts[0].shape
    if not first:
        raise ValueError(
            f"{op}: arrays of no dimensions cannot be concatenated. Use stack, or x[None]."
        )
    axis = core.canonical_axis(op, axis, len(first))
    for x in parts:
        have = x.shape
        if have != first and (
            len(have) != len(first)
            or have[:axis] != first[:axis]
            or have[axis + 1 :] != first[axis + 1 :]
        ):
            raise TypeError(
                f"{op}: shapes must agree but for axis {axis}; got {', '.join(str(p.shape) for p in parts)}."
            )
    parts = _common(op, parts, dtype)
    return parts[0] if len(parts) == 1 else lax.concatenate(parts, axis)


def _host_stack(parts: list[np.ndarray], axis: Any) -> np.ndarray:
    """np.stack, which takes four times as long as what it comes down to."""
    shape = parts[0].shape
    if axis == 0 and shape and all([x.shape == shape for x in parts]):
        return np.concatenate(parts).reshape(len(parts), *shape)
    return np.stack(parts, axis)


@core.refuses("casting")
def stack(
    arrays: Any, axis: int = 0, out: Any = None, dtype: Any = None, **numpy_only: Never
) -> Any:
    """Arrays of one shape joined along a new axis.

    Raises: ValueError if shapes differ, or for none; NotImplementedError for out. Grad: linear. Source: NumPy `stack`.
    """
    if numpy_only:
        core.no_options("stack", numpy_only)
    no_out("stack", out)
    if dtype is None:
        found = _known_joined(_host_stack, arrays, axis)
        if found is not None:
            return found
    parts = _parts("stack", arrays)
    if not parts:
        raise ValueError("stack: need at least one array to stack.")
    first = parts[0].shape
    if any(x.shape != first for x in parts):
        raise ValueError(
            f"stack: all arrays must have one shape; got {', '.join(str(p.shape) for p in parts)}."
        )
    axis = core.canonical_axis("stack", axis, len(first) + 1)
    return lax.stack(_common("stack", parts, dtype), axis)


def _listed(x: Any) -> list[Any]:
    return x if isinstance(x, list) else [x]


@core.refuses("casting")
def vstack(tup: Any, dtype: Any = None, **numpy_only: Never) -> Any:
    """Arrays joined along the first axis; vectors become rows.

    Grad: linear. Source: NumPy `vstack`.
    """
    if numpy_only:
        core.no_options("vstack", numpy_only)
    return _concatenate("vstack", _listed(atleast_2d(*_parts("vstack", tup))), 0, dtype)


@core.refuses("casting")
def hstack(tup: Any, dtype: Any = None, **numpy_only: Never) -> Any:
    """Arrays joined along the second axis; vectors along their only one.

    Grad: linear. Source: NumPy `hstack`.
    """
    if numpy_only:
        core.no_options("hstack", numpy_only)
    parts = _listed(atleast_1d(*_parts("hstack", tup)))
    return _concatenate("hstack", parts, 0 if parts and len(parts[0].shape) == 1 else 1, dtype)


def dstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays joined along the third axis, made first where it lacks.

    Grad: linear. Source: NumPy `dstack`.
    """
    return _concatenate("dstack", _listed(atleast_3d(*_parts("dstack", tup))), 2, dtype)


def column_stack(tup: Any) -> Any:
    """Vectors as the columns of a matrix; matrices are joined along the second axis.

    Grad: linear. Source: NumPy `column_stack`.
    """
    parts = _parts("column_stack", tup)
    columns = [reshape(x, (math.prod(x.shape), 1)) if len(x.shape) < 2 else x for x in parts]
    return _concatenate("column_stack", columns, 1, None)


def block(arrays: Any) -> Any:
    """An array from nested lists of blocks: the innermost lists along the last axis, and so on outwards.

    Raises: ValueError for empty lists, tuples or lists of different depths. Grad: linear. Source: NumPy `block`.
    """
    depth = _depth(arrays)
    leaves: list[Any] = []

    def collect(x: Any) -> None:
        if isinstance(x, list):
            for item in x:
                collect(item)
        else:
            leaves.append(len(value("block", x).shape))

    collect(arrays)
    ndim = builtins.max(depth, *leaves)

    def join(x: Any, level: int) -> Any:
        if not isinstance(x, list):
            leaf = value("block", x)
            return reshape(leaf, (1,) * (ndim - len(leaf.shape)) + leaf.shape)
        return _concatenate("block", [join(i, level + 1) for i in x], ndim - depth + level, None)

    return join(arrays, 0) if depth else value("block", arrays)


def _depth(x: Any) -> int:
    if isinstance(x, tuple):
        raise ValueError(f"block: use lists, not tuples; got {x!r}.")
    if not isinstance(x, list):
        return 0
    if not x:
        raise ValueError("block: lists must not be empty.")
    depths = {_depth(i) for i in x}
    if len(depths) > 1:
        raise ValueError("block: lists must be nested to equal depths.")
    return depths.pop() + 1


# ---- split ----


def _cuts(op: str, n: int, sections: Any, equal: bool) -> list[int]:
    """The sizes of the pieces."""
    if type(sections) is Array or isinstance(sections, Tracer | np.ndarray):
        sections = core.to_ndarray(value(op, sections, 1)).tolist()
    if isinstance(sections, Sequence):
        points = [
            operator.index(i) if not isinstance(i, Array) else core.to_index(i) for i in sections
        ]
        points = [builtins.min(builtins.max(p + n if p < 0 else p, 0), n) for p in points]
        starts, ends = [0, *points], [*points, n]
        return [builtins.max(0, b - a) for a, b in zip(starts, ends)], starts
    count = operator.index(sections)
    if count <= 0:
        raise ValueError(f"{op}: the number of sections must be positive; got {count}.")
    part, rest = divmod(n, count)
    if equal and rest:
        raise ValueError(
            f"{op}: array split does not result in an equal division; got {n} elements for {count} sections. "
            "Use array_split."
        )
    sizes = [part + 1] * rest + [part] * (count - rest)
    return sizes, np.cumsum([0, *sizes[:-1]]).tolist()


def _split(op: str, ary: Any, sections: Any, axis: int, equal: bool = True) -> list[Any]:
    x = value(op, ary)
    axis = core.canonical_axis(op, axis, len(x.shape))
    n = x.shape[axis]
    sizes, starts = _cuts(op, n, sections, equal)
    if builtins.sum(sizes) == n:
        return list(lax.split(x, sizes, axis))
    return [lax.slice_in_dim(x, a, a + size, axis=axis) for size, a in zip(sizes, starts)]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """The array cut along an axis: into equal parts, or at the given places.

    Raises: ValueError if it does not divide equally. Grad: linear. Source: NumPy `split`.
    """
    return _split("split", ary, indices_or_sections, axis)


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """The array cut along an axis, the first parts one longer where it does not divide equally.

    Grad: linear. Source: NumPy `array_split`.
    """
    return _split("array_split", ary, indices_or_sections, axis, equal=False)


def _need_axes(op: str, ary: Any, least: int) -> Any:
    x = value(op, ary)
    if len(x.shape) < least:
        raise ValueError(f"{op}: at least {least} axes are needed; got {x.aval.str_short()}.")
    return x


def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """The array cut along the second axis; a vector along its only one.

    Grad: linear. Source: NumPy `hsplit`.
    """
    x = _need_axes("hsplit", ary, 1)
    return _split("hsplit", x, indices_or_sections, 0 if len(x.shape) == 1 else 1)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """The array cut along the first axis.

    Differs from NumPy: vectors too. Grad: linear. Source: NumPy `vsplit`.
    """
    return _split("vsplit", _need_axes("vsplit", ary, 1), indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """The array cut along the third axis.

    Raises: ValueError for fewer than three axes. Grad: linear. Source: NumPy `dsplit`.
    """
    return _split("dsplit", _need_axes("dsplit", ary, 3), indices_or_sections, 2)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, without that axis.

    Raises: ValueError for an axis out of bounds. Grad: linear. Source: array API `unstack`.
    """
    x = value("unstack", x)
    return tuple(lax.unstack(x, core.canonical_axis("unstack", axis, len(x.shape))))


# ---- tile and repeat ----


def tile(A: Any, reps: Any) -> Any:
    """The whole array repeated reps[i] times along axis i; missing axes come first.

    Raises: ValueError for negative numbers. Grad: linear. Source: NumPy `tile`.
    """
    x = value("tile", A)
    counts = core.canonical_shape("tile", reps if np.iterable(reps) else (reps,))
    ndim = builtins.max(len(counts), len(x.shape))
    x = reshape(x, (1,) * (ndim - len(x.shape)) + x.shape)
    return lax.tile(x, (1,) * (ndim - len(counts)) + counts)


def repeat(
    a: Any,
    repeats: Any,
    axis: Any = None,
    *,
    total_repeat_length: int | None = None,
    out_sharding: Any = None,
) -> Any:
    """Each element repeated along an axis, as often as `repeats` says; flattened first if axis is None.

    Args: total_repeat_length fixes the result's size, so that repeats may be traced; it cuts or repeats the last.
    Raises: ValueError if repeats does not fit. Grad: linear in a. Source: NumPy `repeat`.
    """
    a = value("repeat", a)
    counts = value("repeat", repeats, 1)
    if axis is None:
        a, axis = ravel(a), 0
    axis = core.canonical_axis("repeat", axis, len(a.shape))
    n = a.shape[axis]
    if dtypes.is_inexact(counts.dtype) or len(counts.shape) > 1:
        raise TypeError(
            f"repeat: repeats must be integers along at most one axis; got {counts.aval.str_short()}."
        )
    if counts.shape and counts.shape[0] not in (1, n):
        raise ValueError(
            f"repeat: repeats must have one number, or one for each of the {n} elements; got {counts.aval.str_short()}."
        )
    known = counts.concrete_() if isinstance(counts, Tracer) else counts
    if known is not None:
        numbers = known.numpy_().reshape(-1)
        if numbers.size and numbers.min() < 0:
            raise ValueError(f"repeat: repeats must not be negative; got {numbers}.")
        if total_repeat_length is None:
            return _repeated(a, numbers, axis)
    if total_repeat_length is None:
        raise core.errors.ConcretizationTypeError(
            f"repeat: repeats must be known while tracing, or total_repeat_length be given; got {counts.aval.str_short()}."
        )
    return _fixed_repeat(a, counts, axis, operator.index(total_repeat_length))


def _repeated(a: Any, numbers: np.ndarray, axis: int) -> Any:
    memory = _host_of(a)
    if memory is not None:
        return _wrap(np.repeat(memory, numbers, axis), a._t)
    if numbers.size == 1:
        have = a.shape
        times = int(numbers[0])
        wide = (*have[: axis + 1], times, *have[axis + 1 :])
        dims = [i for i in range(len(wide)) if i != axis + 1]
        return lax.reshape(
            lax.broadcast_in_dim(a, wide, dims),
            (*have[:axis], have[axis] * times, *have[axis + 1 :]),
        )
    places = np.repeat(np.arange(a.shape[axis]), numbers)
    return _rows(a, core.from_numpy(places.astype(np.int32)), axis)


def _rows(a: Any, places: Any, axis: int) -> Any:
    """Slices of an axis at index places (a vector), known to be inside."""
    memory, index = _host_of(a), _host_of(places)
    if memory is not None and index is not None:
        return _wrap(np.take(memory, index, axis), a._t)
    if not a.shape[axis]:
        return constant((*a.shape[:axis], places.shape[0], *a.shape[axis + 1 :]), 0, a.dtype)
    ndim = len(a.shape)
    numbers = lax.GatherDimensionNumbers(
        tuple([i for i in range(ndim) if i != axis]), (axis,), (axis,)
    )
    sizes = tuple([1 if i == axis else n for i, n in enumerate(a.shape)])
    return lax.gather(a, lax.expand_dims(places, (1,)), numbers, sizes, mode="promise_in_bounds")


def _fixed_repeat(a: Any, counts: Any, axis: int, total: int) -> Any:
    n = a.shape[axis]
    if n == 0 or total == 0:
        have = list(a.shape)
        have[axis] = 0 if n == 0 else total
        return constant(tuple(have), 0, a.dtype)
    if not counts.shape or counts.shape[0] != n:
        counts = to_shape(lax.reshape(counts, (1,)), (n,))
    ends = lax.cumsum(core.convert(counts, dtypes.int32), 0)
    line = lax.iota(dtypes.int32, total)
    # Element j of the result comes from the first i whose end lies beyond j.
    passed = lax.le(
        lax.broadcast_in_dim(ends, (total, n), (1,)), lax.broadcast_in_dim(line, (total, n), (0,))
    )
    places = lax.reduce_sum(core.convert(passed, dtypes.int32), (1,))
    return _rows(a, lax.min(places, core.full((), n - 1, dtypes.int32)), axis)


def resize(a: Any, new_shape: Any) -> Any:
    """The elements, repeated as often as needed, in a shape of any size.

    Raises: ValueError for negative sizes. Grad: linear. Source: NumPy `resize`.
    """
    a = ravel(value("resize", a))
    shape = core.canonical_shape("resize", new_shape)
    total, have = math.prod(shape), a.shape[0]
    if total == 0 or have == 0:
        return constant(shape, 0, a.dtype)
    if total > have:
        a = lax.tile(a, (-(-total // have),))
    return reshape(lax.slice_in_dim(a, 0, total, axis=0), shape)


# ---- append, insert, delete ----


def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Values joined to the end of an axis; both flattened if axis is None.

    Raises: TypeError if shapes differ. Grad: linear. Source: NumPy `append`.
    """
    return _concatenate("append", [value("append", arr), value("append", values, 1)], axis, None)


def _places_of(op: str, obj: Any, n: int) -> np.ndarray:
    """The known indices that `obj` stands for, not yet wrapped or checked."""
    if isinstance(obj, slice):
        return np.arange(*obj.indices(n))
    found = core.to_ndarray(value(op, obj, 1))
    if found.dtype.kind not in "iub" or (found.dtype.kind == "b" and op == "insert"):
        raise ValueError(
            f"{op}: indices must be integers{' or booleans' if op == 'delete' else ''}; got {found.dtype}."
        )
    return found


def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """Values put before the given places of an axis; the array flattened first if axis is None.

    Raises: IndexError for a place out of bounds. Grad: linear in arr and values. Source: NumPy `insert`.
    """
    a = value("insert", arr)
    items = value("insert", values, 2)
    if axis is None:
        a, axis = ravel(a), 0
    axis = core.canonical_axis("insert", axis, len(a.shape))
    n = a.shape[axis]
    places = _places_of("insert", obj, n)
    if places.ndim > 1:
        raise ValueError(f"insert: places must be a scalar or a vector; got shape {places.shape}.")
    items = core.convert(items, a.dtype, a.aval.weak_type)
    missing = len(a.shape) - len(items.shape)
    if missing > 0:
        items = reshape(items, (1,) * missing + items.shape)
    if places.ndim == 0:  # one place: the axes of values are those of a slice, then the axis itself
        items = core.moveaxis(items, 0, axis)
    places = places.reshape(-1).astype(np.int64)
    if ((places < -n) | (places > n)).any():
        raise IndexError(
            f"insert: places must lie in -{n}..{n} for axis {axis}; got {places.tolist()}."
        )
    places = np.where(places < 0, places + n, places)
    count = items.shape[axis] if places.size == 1 else places.size
    if places.size == 1:
        places = np.repeat(places, count)
    sizes = list(a.shape)
    sizes[axis] = count
    items = _fit("insert", items, tuple(sizes))
    order = np.argsort(places, kind="stable")
    target = np.empty(count, np.int64)
    target[order] = places[order] + np.arange(count)
    source = np.empty(n + count, np.int32)
    old = np.ones(n + count, bool)
    old[target] = False
    source[old] = np.arange(n)
    source[target] = n + np.arange(count)
    joined = lax.concatenate([a, items], axis)
    return _rows(joined, core.from_numpy(source), axis)


def _fit(op: str, x: Any, shape: tuple[int, ...]) -> Any:
    if len(x.shape) > len(shape) or any(
        m not in (1, n) for m, n in zip(x.shape[::-1], shape[::-1])
    ):
        raise ValueError(f"{op}: values of shape {x.shape} do not fit into shape {shape}.")
    return to_shape(x, shape)


def delete(arr: Any, obj: Any, axis: Any = None, *, assume_unique_indices: bool = False) -> Any:
    """The array without the given places of an axis; flattened first if axis is None.

    Args: assume_unique_indices allows traced indices. Raises: IndexError for a place out of bounds.
    Grad: linear. Source: NumPy `delete`.
    """
    a = value("delete", arr)
    if axis is None:
        a, axis = ravel(a), 0
    axis = core.canonical_axis("delete", axis, len(a.shape))
    n = a.shape[axis]
    if isinstance(obj, Tracer) and obj.concrete_() is None:
        if obj.dtype == dtypes.bool_ or not (assume_unique_indices or not obj.shape):
            raise core.errors.ConcretizationTypeError(
                f"delete: places must be known while tracing, or unique integers; got {obj.aval.str_short()}. "
                "Pass assume_unique_indices=True if they are."
            )
        return _delete_traced(a, obj, axis)
    places = _places_of("delete", obj, n)
    keep = np.ones(n, bool)
    if places.dtype.kind == "b":
        if places.shape != (n,):
            raise ValueError(f"delete: a mask must have shape {(n,)}; got {places.shape}.")
        keep = ~places
    else:
        bad = (places < -n) | (places >= n)
        if bad.any():
            raise IndexError(
                f"delete: index {places[bad].flat[0]} is out of bounds for axis {axis} with size {n}."
            )
        keep[places] = False
    return _rows(a, core.from_numpy(np.flatnonzero(keep).astype(np.int32)), axis)


def _delete_traced(a: Any, obj: Any, axis: int) -> Any:
    n = a.shape[axis]
    places = lax.reshape(core.convert(obj, dtypes.int32), (obj.aval.size,))
    size = core.full((), n, dtypes.int32)
    places = lax.select_n(
        lax.lt(places, core.full((), 0, dtypes.int32)), places, lax.add(places, size)
    )
    places = lax.sort(places)
    left = builtins.max(n - places.shape[0], 0)
    # The i-th place that stays lies after all deleted places p with p - (number of deleted before) <= i.
    thresholds = lax.sub(places, lax.iota(dtypes.int32, places.shape[0]))
    line = lax.iota(dtypes.int32, left)
    wide = (left, places.shape[0])
    passed = lax.le(
        lax.broadcast_in_dim(thresholds, wide, (1,)), lax.broadcast_in_dim(line, wide, (0,))
    )
    index = lax.add(line, lax.reduce_sum(core.convert(passed, dtypes.int32), (1,)))
    return _rows(a, lax.min(index, core.full((), n - 1, dtypes.int32)), axis)


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The array without zeros at the front ('f') and back ('b') of one, several or all axes. Values must be known.

    Grad: linear. Source: NumPy `trim_zeros`.
    """
    x = value("trim_zeros", filt)
    ndim = len(x.shape)
    axes = (
        range(ndim)
        if axis is None
        else core.canonical_axes("trim_zeros", axis if np.iterable(axis) else (axis,), ndim)
    )
    nonzero = core.to_ndarray(x) != 0
    start, limit = [0] * ndim, list(x.shape)
    for i in axes:
        rest = tuple([j for j in range(ndim) if j != i])
        used = np.flatnonzero(nonzero.any(rest))
        if not used.size:
            limit[i] = 0
            continue
        if "f" in trim.lower():
            start[i] = int(used[0])
        if "b" in trim.lower():
            limit[i] = int(used[-1]) + 1
    return lax.slice(x, start, limit)


__all__ = [
    "append",
    "array_split",
    "block",
    "column_stack",
    "concat",
    "concatenate",
    "delete",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "insert",
    "repeat",
    "resize",
    "split",
    "stack",
    "tile",
    "trim_zeros",
    "unstack",
    "vsplit",
    "vstack",
]
