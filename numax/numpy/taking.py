"""Elements by index and by condition: take, put, select, choose, piecewise, functions along axes, bits in bytes."""

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax import core, lax
from numax.api.vmap import vmap
from numax.core import Array, Tracer, dtypes
from numax.numpy.creation import constant
from numax.numpy.manipulation import moveaxis, ravel, reshape
from numax.numpy.promotion import common_shape, no_out, promote_dtypes, to_shape, value

_host_of = core.eager.host_of
_wrap = core.eager.wrap_host


def _only_returns(op: str, inplace: bool) -> None:
    if inplace:
        raise ValueError(f"{op}: arrays are immutable. Pass inplace=False, and use the result.")


def _strict() -> bool:
    return core.config.index_bounds == "raise"


# ---- take ----


def _indices(op: str, indices: Any, error: type[Exception] = ValueError) -> Any:
    found = value(op, indices, 1)
    if not dtypes.is_integer(found.dtype):
        raise error(f"{op}: indices must be integers; got {found.aval.str_short()}.")
    return found


def take(
    a: Any,
    indices: Any,
    axis: Any = None,
    out: Any = None,
    mode: Any = None,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    fill_value: Any = None,
) -> Any:
    """The slices of an axis at the given indices; of the flattened array if axis is None.

    Args: mode 'fill' (nan, or the extreme integer, outside; the default for traced indices), 'clip', 'wrap',
    'promise_in_bounds'; known indices out of bounds raise unless a mode or fill_value is given. Grad: linear in a.
    Raises: IndexError. Source: NumPy `take`.
    """
    no_out("take", out)
    a = value("take", a)
    places = _indices("take", indices)
    if axis is None:
        a, axis = ravel(a), 0
    axis = core.canonical_axis("take", axis, len(a.shape))
    n = a.shape[axis]
    if mode in (None, "raise") and fill_value is None and (_strict() or mode == "raise"):
        known = places.concrete_() if isinstance(places, Tracer) else places
        if known is not None:
            return _take_known(a, known.numpy_(), axis)
        if mode == "raise":
            raise NotImplementedError(
                "take: mode='raise' needs indices that are known while tracing. Use mode='fill' or 'clip'."
            )
    if n == 0 and math.prod(places.shape):
        raise IndexError(f"take: cannot take elements from axis {axis}, which is empty.")
    if mode == "wrap":
        places, mode = _wrapped(places, n), "promise_in_bounds"
    elif mode != "clip":
        places = _counted(places, n)
    return _take(a, places, axis, mode, fill_value, unique_indices, indices_are_sorted)


def _take_known(a: Any, index: np.ndarray, axis: int) -> Any:
    n = a.shape[axis]
    memory = _host_of(a)
    if memory is not None:
        try:
            return _wrap(np.take(memory, index, axis), a._t)
        except (IndexError, TypeError):  # out of bounds, or uint64 indices
            index = index.astype(np.int64)
    if index.size:
        low, high = index.min(), index.max()
        if low < -n or high >= n:
            raise IndexError(
                f"take: index {low if low < -n else high} is out of bounds for axis {axis} with size {n}. "
                "Pass mode='fill', 'clip' or 'wrap'."
            )
    if memory is not None:
        return _wrap(np.take(memory, index, axis), a._t)
    index = np.where(index < 0, index + n, index).astype(np.int32)
    return _take(a, core.from_numpy(index), axis, "promise_in_bounds")


def _last_axis(places: Any) -> Any:
    """places with a new last axis; known places stay known while tracing."""
    if type(places) is Array:
        return _wrap(places.numpy_()[..., None], places._t)
    return lax.expand_dims(places, (len(places.shape),))


def _take(
    a: Any,
    places: Any,
    axis: int,
    mode: Any,
    fill: Any = None,
    unique: bool = False,
    rising: bool = False,
) -> Any:
    ndim, extra = len(a.shape), len(places.shape)
    offsets = (*range(axis), *range(axis + extra, ndim + extra - 1))
    numbers = lax.GatherDimensionNumbers(offsets, (axis,), (axis,))
    sizes = tuple([1 if i == axis else n for i, n in enumerate(a.shape)])
    if not a.shape[axis]:
        return constant((*a.shape[:axis], *places.shape, *a.shape[axis + 1 :]), 0, a.dtype)
    return lax.gather(
        a,
        _last_axis(places),
        numbers,
        sizes,
        mode=mode,
        fill_value=fill,
        unique_indices=unique,
        indices_are_sorted=rising,
    )


def _number(n: int, like: Any) -> Any:
    return core.full((), n, like.dtype, like.aval.weak_type)


def _roomy(places: Any, n: int) -> Any:
    """Indices in a dtype that holds n."""
    return core.convert(places, dtypes.int32) if dtypes.iinfo(places.dtype).max < n else places


def _counted(places: Any, n: int) -> Any:
    """Negative indices count from the end."""
    if not dtypes.is_signed(places.dtype):
        return places
    places = _roomy(places, n)
    negative = lax.lt(places, _number(0, places))
    return lax.select_n(negative, places, lax.add(places, _number(n, places)))


def _wrapped(places: Any, n: int) -> Any:
    """Indices modulo n."""
    if not n:
        return places
    places = _roomy(places, n)
    rest = lax.rem(places, _number(n, places))
    if not dtypes.is_signed(places.dtype):
        return rest
    return lax.select_n(lax.lt(rest, _number(0, places)), rest, lax.add(rest, _number(n, places)))


def _along(op: str, arr: Any, indices: Any, axis: Any) -> tuple[Any, Any, int]:
    """Array, indices and axis, with shapes that agree but for that axis."""
    arr = value(op, arr)
    places = _indices(op, indices, TypeError)
    if axis is None:
        if len(places.shape) != 1:
            raise ValueError(
                f"{op}: indices must have one axis where axis is None; got {places.aval.str_short()}."
            )
        return ravel(arr), places, 0
    ndim = len(arr.shape)
    axis = core.canonical_axis(op, axis, ndim)
    if len(places.shape) != ndim:
        raise ValueError(
            f"{op}: indices and array must have equal numbers of axes; got {places.aval.str_short()} and "
            f"{arr.aval.str_short()}."
        )
    return arr, places, axis


def take_along_axis(
    arr: Any,
    indices: Any,
    axis: Any = -1,
    mode: Any = None,
    fill_value: Any = None,
    *,
    wrap_negative_indices: bool = True,
) -> Any:
    """Along an axis, the elements at the given places, which differ from line to line; see argsort.

    Args: mode as in `take`. Raises: IndexError for known indices out of bounds, unless a mode or fill_value is given.
    Grad: linear in arr. Source: NumPy `take_along_axis`.
    """
    arr, places, axis = _along("take_along_axis", arr, indices, axis)
    n = arr.shape[axis]
    plain = mode is None and fill_value is None and wrap_negative_indices
    if plain and _strict():
        known = places.concrete_() if isinstance(places, Tracer) else places
        if known is not None:
            index = known.numpy_()
            if index.size and (index.min() < -n or index.max() >= n):
                bad = index.min() if index.min() < -n else index.max()
                raise IndexError(
                    f"take_along_axis: index {bad} is out of bounds for axis {axis} with size {n}. Pass mode='fill' "
                    "or 'clip'."
                )
            memory = _host_of(arr)
            _shapes_along("take_along_axis", arr.shape, index.shape, axis)
            if memory is not None and index.dtype.kind in "iu":
                return _wrap(np.take_along_axis(memory, index.astype(np.intp), axis), arr._t)
    if wrap_negative_indices and mode != "clip":
        places = _counted(places, n)
    return _gather_along(arr, places, axis, mode, fill_value)


def _shapes_along(op: str, a: tuple[int, ...], b: tuple[int, ...], axis: int) -> tuple[Any, Any]:
    """Both shapes broadcast against each other but for the axis."""
    rest_a, rest_b = (*a[:axis], 1, *a[axis + 1 :]), (*b[:axis], 1, *b[axis + 1 :])
    try:
        whole = np.broadcast_shapes(rest_a, rest_b)
    except ValueError:
        raise ValueError(
            f"{op}: shapes must agree, or be 1, but for axis {axis}; got array {a} and indices {b}."
        ) from None
    return (
        (*whole[:axis], a[axis], *whole[axis + 1 :]),
        (*whole[:axis], b[axis], *whole[axis + 1 :]),
    )


def _gather_along(arr: Any, places: Any, axis: int, mode: Any = None, fill: Any = None) -> Any:
    have, want = _shapes_along("take_along_axis", arr.shape, places.shape, axis)
    arr, places = to_shape(arr, have), to_shape(places, want)
    if not have[axis] or not math.prod(want):
        return constant(want, 0, arr.dtype)
    rest = tuple([i for i in range(len(have)) if i != axis])
    numbers = lax.GatherDimensionNumbers((), (axis,), (axis,), rest, rest)
    index = lax.expand_dims(places, (len(want),))
    return lax.gather(arr, index, numbers, (1,) * len(have), mode=mode, fill_value=fill)


# ---- put: copies with elements replaced ----


def put(a: Any, ind: Any, v: Any, mode: Any = None, *, inplace: bool = True) -> Any:
    """A copy with the elements at indices of the flattened array replaced; values are repeated as needed.

    Args: mode 'clip' (default; negative indices count from the end unless it is given) or 'wrap'.
    Raises: ValueError unless inplace=False. Grad: linear in a and v. Source: NumPy `put`.
    """
    _only_returns("put", inplace)
    if mode not in (None, "clip", "wrap"):
        raise NotImplementedError(f"put: mode must be 'clip' or 'wrap'; got {mode!r}.")
    a = value("put", a)
    places = ravel(_indices("put", ind))
    items = core.convert(ravel(value("put", v, 2)), a.dtype)
    n, count = math.prod(a.shape), places.shape[0]
    if not n or not count or not items.shape[0]:
        return a
    if mode == "wrap":
        places = _wrapped(places, n)
    else:
        places = _roomy(places, n) if mode == "clip" else _counted(places, n)
        places = lax.clamp(_number(0, places), places, _number(n - 1, places))
    items = _recycled(items, count)
    return reshape(_set_last(ravel(a), places, items), a.shape)


def _recycled(items: Any, count: int) -> Any:
    times = -(-count // items.shape[0])
    whole = lax.tile(items, (times,)) if times > 1 else items
    return lax.slice_in_dim(whole, 0, count, axis=0)


def _set_last(flat: Any, places: Any, items: Any) -> Any:
    """flat with items at places, the last of equal places winning where all is known."""
    memory, index, data = _host_of(flat), _host_of(places), _host_of(items)
    if memory is not None and index is not None and data is not None:
        out = memory.copy()
        out[index] = data
        return _wrap(out, flat._t)
    numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    return lax.scatter(
        flat, lax.expand_dims(places, (1,)), items, numbers, mode="promise_in_bounds"
    )


def put_along_axis(
    arr: Any, indices: Any, values: Any, axis: Any, inplace: bool = True, *, mode: Any = None
) -> Any:
    """A copy with elements along an axis replaced, at places that differ from line to line.

    Raises: ValueError unless inplace=False. Grad: linear in arr and values. Source: NumPy `put_along_axis`.
    """
    _only_returns("put_along_axis", inplace)
    whole = value("put_along_axis", arr).shape
    arr, places, axis = _along("put_along_axis", arr, indices, axis)
    n = arr.shape[axis]
    places = _counted(places, n) if mode != "clip" else places
    _, want = _shapes_along("put_along_axis", arr.shape, places.shape, axis)
    places = to_shape(places, want)
    items = core.convert(value("put_along_axis", values, 2), arr.dtype)
    items = to_shape(items, want) if items.shape != want else items
    rest = tuple([i for i in range(len(want)) if i != axis])
    numbers = lax.ScatterDimensionNumbers((), (axis,), (axis,), rest, rest)
    index = lax.expand_dims(places, (len(want),))
    return reshape(lax.scatter(arr, index, items, numbers, mode=mode), whole)


def place(arr: Any, mask: Any, vals: Any, *, inplace: bool = True) -> Any:
    """A copy with the elements where the mask is true replaced by the first values in turn, repeated as needed.

    Raises: ValueError unless inplace=False, or for no values. Grad: linear in arr and vals. Source: NumPy `place`.
    """
    _only_returns("place", inplace)
    a = value("place", arr)
    chosen = value("place", mask, 1)
    items = core.convert(ravel(value("place", vals, 2)), a.dtype)
    n = math.prod(a.shape)
    if math.prod(chosen.shape) != n:
        raise ValueError(
            f"place: array and mask must have equal sizes; got {a.shape} and {chosen.shape}."
        )
    if not items.shape[0]:
        if n:
            raise ValueError("place: there must be values; got an empty array.")
        return a
    flags = ravel(core.convert(chosen, dtypes.bool_))
    rank = lax.sub(lax.cumsum(core.convert(flags, dtypes.int32), 0), core.full((), 1, dtypes.int32))
    turn = _wrapped(rank, items.shape[0])
    replaced = lax.select_n(flags, ravel(a), _take(items, turn, 0, "promise_in_bounds"))
    return reshape(replaced, a.shape)


def fill_diagonal(a: Any, val: Any, wrap: bool = False, *, inplace: bool = True) -> Any:
    """A copy with the main diagonal replaced; values are repeated as needed.

    Args: wrap (matrices that are tall) starts the diagonal again, one row below its end.
    Raises: ValueError unless inplace=False is given, or shapes do not fit. Grad: linear. Source: NumPy `fill_diagonal`.
    """
    if inplace:
        raise NotImplementedError(
            "fill_diagonal: arrays are immutable. Pass inplace=False, and use the result."
        )
    a = value("fill_diagonal", a)
    items = core.convert(ravel(value("fill_diagonal", val, 1)), a.dtype)
    shape = a.shape
    if len(shape) < 2:
        raise ValueError(f"fill_diagonal: at least two axes are needed; got {a.aval.str_short()}.")
    total = math.prod(shape)
    if len(shape) == 2:
        step = shape[1] + 1
        end = total if wrap else builtins.min(total, shape[1] * shape[1])
    else:
        if len(set(shape)) != 1:
            raise ValueError(f"fill_diagonal: all axes must have equal sizes; got shape {shape}.")
        step = 1 + sum([math.prod(shape[i:]) for i in range(1, len(shape))])
        end = total
    places = np.arange(0, end, step)
    if not places.size or not items.shape[0]:
        return a
    items = _recycled(items, places.size)
    return reshape(_set_last(ravel(a), core.from_numpy(places.astype(np.int32)), items), shape)


# ---- by condition ----


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Where the first of several conditions holds, the choice that goes with it; `default` where none does.

    Raises: ValueError for no conditions, or numbers that differ. Grad: linear in the choices. Source: NumPy `select`.
    """
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"select: there must be a choice for each condition; got {len(condlist)} conditions and {len(choicelist)} "
            "choices."
        )
    if not len(condlist):
        raise ValueError("select: at least one condition is needed.")
    conditions = [core.convert(value("select", c, i), dtypes.bool_) for i, c in enumerate(condlist)]
    choices = promote_dtypes(*[value("select", c) for c in [*choicelist, default]])
    shape = np.broadcast_shapes(*[x.shape for x in (*conditions, *choices)])
    choices = [to_shape(c, shape) for c in choices]
    out = choices[-1]
    for c, x in zip(conditions[::-1], choices[-2::-1]):
        out = lax.select_n(to_shape(c, shape), out, x)
    return out


def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """Elements of the choices, element i of choices[a[i]], after broadcasting.

    Args: mode 'raise' (known indices), 'wrap' or 'clip'. Raises: ValueError for an index out of bounds.
    Grad: linear in the choices. Source: NumPy `choose`.
    """
    no_out("choose", out)
    index = value("choose", a)
    if not dtypes.is_integer(index.dtype):
        raise ValueError(f"choose: indices must be integers; got {index.aval.str_short()}.")
    if type(choices) is Array or isinstance(choices, Tracer | np.ndarray):
        options = list(lax.unstack(value("choose", choices, 1), 0))
    else:
        options = promote_dtypes(*[value("choose", c, i) for i, c in enumerate(choices)])
    n = len(options)
    if mode == "raise":
        known = core.to_ndarray(index)
        if ((known < 0) | (known >= n)).any():
            raise ValueError(
                f"choose: an index is out of bounds for {n} choices; use mode='wrap' or mode='clip'."
            )
    elif mode == "wrap":
        index = _wrapped(index, n)
    elif mode == "clip":
        index = lax.clamp(_number(0, index), index, _number(n - 1, index))
    else:
        raise ValueError(f"choose: mode must be 'raise', 'wrap' or 'clip'; got {mode!r}.")
    shape = np.broadcast_shapes(index.shape, *[x.shape for x in options])
    options = [to_shape(x, shape) for x in options]
    found = lax.select_n(to_shape(core.convert(index, dtypes.int32), shape), *options)
    return core.convert(found, found.dtype)


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """The value of the function (or the number) that goes with the last condition that holds; an extra one is the default.

    Differs from NumPy: each function sees the whole of x, so it must be defined everywhere. Grad: as the functions'.
    Raises: ValueError if numbers differ. Source: NumPy `piecewise`.
    """
    x = value("piecewise", x)
    if type(condlist) is Array or isinstance(condlist, Tracer | np.ndarray):
        whole = value("piecewise", condlist, 1)
        single = len(whole.shape) == len(x.shape) and whole.shape == x.shape and len(funclist) <= 2
        conditions = [whole] if single else list(lax.unstack(whole, 0))
    else:
        items = list(condlist)
        scalars = items and all(isinstance(c, bool | np.bool_) for c in items) and len(x.shape) > 0
        conditions = [np.array(items)] if scalars and len(items) == x.shape[0] else items
    conditions = [core.convert(value("piecewise", c, 1), dtypes.bool_) for c in conditions]
    for c in conditions:
        if common_shape("piecewise", (c.shape, x.shape)) != x.shape:
            raise ValueError(
                f"piecewise: conditions must broadcast to x; got {c.aval.str_short()} for {x.aval.str_short()}."
            )
    functions = list(funclist)
    count = len(conditions)
    if len(functions) == count:
        functions = [*functions, 0]
    elif len(functions) != count + 1:
        raise ValueError(
            f"piecewise: with {count} condition(s), either {count} or {count + 1} functions are expected; got "
            f"{len(functions)}."
        )

    def of(function: Any) -> Any:
        found = function(x, *args, **kw) if callable(function) else function
        return to_shape(core.convert(value("piecewise", found, 2), x.dtype), x.shape)

    out = of(functions[-1])
    for condition, function in zip(conditions, functions):
        out = lax.select_n(to_shape(condition, x.shape), out, of(function))
    return out


# ---- functions along axes ----


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """A function of vectors applied to each line of an axis; its result's axes take that axis's place.

    Differs from NumPy: vectorised with vmap, so the function must be traceable. Source: NumPy `apply_along_axis`.
    """
    x = value("apply_along_axis", arr)
    ndim = len(x.shape)
    axis = core.canonical_axis("apply_along_axis", axis, ndim)
    run: Callable[..., Any] = lambda line: func1d(line, *args, **kwargs)
    for i in range(1, ndim - axis):
        run = vmap(run, in_axes=i, out_axes=-1)
    for _ in range(axis):
        run = vmap(run, in_axes=0, out_axes=0)
    return run(x)


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """func(a, axis) applied for one axis after another; results keep the axis, or are given it back with size 1.

    Raises: ValueError if a result has another number of axes. Source: NumPy `apply_over_axes`.
    """
    x = value("apply_over_axes", a)
    ndim = len(x.shape)
    for i in core.canonical_axes("apply_over_axes", axes if np.iterable(axes) else (axes,), ndim):
        found = value("apply_over_axes", func(x, i))
        if len(found.shape) == ndim - 1:
            found = lax.expand_dims(found, (i,))
        if len(found.shape) != ndim:
            raise ValueError(
                f"apply_over_axes: the function must keep the number of axes, or drop one; got {found.aval.str_short()} "
                f"of {x.aval.str_short()}."
            )
        x = found
    return x


# ---- bits in bytes ----


def _bit_order(op: str, bitorder: str) -> np.ndarray:
    if bitorder not in ("big", "little"):
        raise ValueError(f"{op}: bitorder must be 'big' or 'little'; got {bitorder!r}.")
    shifts = np.arange(8, dtype=np.uint8)
    return shifts if bitorder == "little" else shifts[::-1].copy()


def packbits(a: Any, axis: Any = None, bitorder: str = "big") -> Any:
    """Eight booleans in a byte, along an axis; zeros fill up the last one.

    Dtypes: integer or bool -> uint8. Source: NumPy `packbits`.
    """
    x = value("packbits", a)
    if not (dtypes.is_integer(x.dtype) or x.dtype == dtypes.bool_):
        raise TypeError(f"packbits: integers or booleans are needed; got {x.aval.str_short()}.")
    shifts = _bit_order("packbits", bitorder)
    if axis is None:
        x, axis = ravel(x), 0
    axis = core.canonical_axis("packbits", axis, len(x.shape))
    bits = core.convert(core.convert(moveaxis(x, axis, -1), dtypes.bool_), dtypes.uint8)
    n = bits.shape[-1]
    config = [(0, 0, 0)] * (len(bits.shape) - 1) + [(0, -n % 8, 0)]
    bits = lax.pad(bits, core.full((), 0, dtypes.uint8), config)
    lead = bits.shape[:-1]
    octets = reshape(bits, (*lead, -(-n // 8), 8))
    places = to_shape(core.from_numpy(shifts), octets.shape)
    packed = lax.reduce_sum(lax.shift_left(octets, places), (len(lead) + 1,))
    return moveaxis(packed, -1, axis)


def unpackbits(a: Any, axis: Any = None, count: Any = None, bitorder: str = "big") -> Any:
    """The eight bits of each byte, along an axis, cut or filled with zeros to `count`.

    Dtypes: uint8 -> uint8. Raises: TypeError for another dtype. Source: NumPy `unpackbits`.
    """
    x = value("unpackbits", a)
    if x.dtype != dtypes.uint8:
        raise TypeError(
            f"unpackbits: uint8 is needed; got {x.aval.str_short()}. Convert with x.astype('uint8')."
        )
    shifts = _bit_order("unpackbits", bitorder)
    if axis is None:
        x, axis = ravel(x), 0
    axis = core.canonical_axis("unpackbits", axis, len(x.shape))
    x = moveaxis(x, axis, -1)
    wide = lax.broadcast_in_dim(x, (*x.shape, 8), tuple(range(len(x.shape))))
    places = to_shape(core.from_numpy(shifts), wide.shape)
    bits = lax.bitwise_and(lax.shift_right_logical(wide, places), core.full((), 1, dtypes.uint8))
    total = 8 * x.shape[-1]
    bits = reshape(bits, (*x.shape[:-1], total))
    if count is not None:
        count = operator.index(count)
        missing = count - total if count >= 0 else count
        if total + missing < 0:
            raise ValueError(
                f"unpackbits: count must not cut off more than the {total} bits; got {count}."
            )
        config = [(0, 0, 0)] * (len(bits.shape) - 1) + [(0, missing, 0)]
        bits = lax.pad(bits, core.full((), 0, dtypes.uint8), config)
    return moveaxis(bits, -1, axis)


__all__ = [
    "apply_along_axis",
    "apply_over_axes",
    "choose",
    "fill_diagonal",
    "packbits",
    "piecewise",
    "place",
    "put",
    "put_along_axis",
    "select",
    "take",
    "take_along_axis",
    "unpackbits",
]
