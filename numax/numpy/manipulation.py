"""Changing shapes: reshape, transpose, axes added, dropped, moved, broadcast."""

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, Tracer
from numax.numpy.creation import to_shape_checked
from numax.numpy.promotion import broadcast_shapes, common_shape, to_shape, value

_host_of = core.eager.host_of
_wrap = core.eager.wrap_host


def view(general: Callable[..., Any], host: Callable[..., Any]) -> Callable[..., Any]:
    """A lax function of shapes that takes NumPy's own way on known arrays; arguments are checked before."""

    def run(x: Any, *args: Any) -> Any:
        memory = _host_of(x)
        if memory is None:
            return general(x, *args)
        return _wrap(host(memory, *args), x._t)

    return run


_reshape = view(lax.reshape, np.ndarray.reshape)
_transpose = view(lax.transpose, np.ndarray.transpose)
_squeeze = view(lax.squeeze, np.ndarray.squeeze)


# ---- size ----


def _plain(op: str, a: Any) -> Any:
    if isinstance(a, list | tuple):
        return np.asarray(a)
    return value(op, a)


def ndim(a: Any) -> int:
    """The number of axes.

    Source: NumPy `ndim`.
    """
    return len(_plain("ndim", a).shape)


def shape(a: Any) -> tuple[int, ...]:
    """The sizes of the axes.

    Source: NumPy `shape`.
    """
    return tuple(_plain("shape", a).shape)


def size(a: Any, axis: Any = None) -> int:
    """The number of elements, or of those along one or several axes.

    Source: NumPy `size`.
    """
    sizes = _plain("size", a).shape
    if axis is None:
        return math.prod(sizes)
    axes = core.canonical_axes("size", axis, len(sizes))
    return math.prod([sizes[i] for i in axes])


# ---- reshape ----


def _new_shape(x: Any, new: Any) -> tuple[int, ...]:
    if type(new) is int:
        sizes = [new]
    elif type(new) is Array or isinstance(new, Tracer | np.ndarray):
        sizes = [core.to_index(new)] if not new.shape else [operator.index(n) for n in new]
    else:
        try:
            sizes = [operator.index(n) for n in (new if np.iterable(new) else (new,))]
        except TypeError:
            raise TypeError(
                f"reshape: a shape must be integers known while tracing; got {new!r}. "
                "Mark arguments that shapes depend on as static (static_argnums)."
            ) from None
    have = x.shape
    total = math.prod(have)
    if -1 in sizes:
        if sizes.count(-1) > 1:
            raise TypeError(f"reshape: only one size may be -1; got {tuple(sizes)}.")
        known = -math.prod(sizes)
        if known <= 0 or total % known:
            raise TypeError(
                f"reshape: cannot make shape {tuple(sizes)} of an array of shape {have} (size {total}): the other sizes "
                f"multiply to {known}, which does not divide it."
            )
        sizes[sizes.index(-1)] = total // known
    elif math.prod(sizes) != total or builtins.min(sizes, default=0) < 0:
        raise TypeError(
            f"reshape: cannot make shape {tuple(sizes)} (size {math.prod(sizes)}) of an array of shape {have} "
            f"(size {total}). Use -1 for one size to have it computed."
        )
    return tuple(sizes)


def reshaped_at_once(a: Any, sizes: tuple[Any, ...]) -> Any:
    """The reshape of known numbers to plain sizes; None where the general way must look at them."""
    memory = _host_of(a)
    if memory is None:
        return None
    for n in sizes:
        if type(n) is not int or n < -1:
            return None
    try:
        return _wrap(memory.reshape(sizes), a._t)
    except ValueError:
        return None


def reshape(
    a: Any, shape: Any, order: str = "C", *, copy: bool | None = None, out_sharding: Any = None
) -> Any:
    """The same elements in another shape; one size may be -1.

    Differs from NumPy: order is 'C' or 'F'; memory is never shared for writing. Grad: linear.
    Raises: TypeError if the number of elements would change. Source: NumPy `reshape`.
    """
    if type(a) is not Array:
        a = value("reshape", a)
    elif type(shape) is tuple and order == "C" and not copy:
        out = reshaped_at_once(a, shape)
        if out is not None:
            return out
    sizes = _new_shape(a, shape)
    if order == "C":
        out = _reshape(a, sizes)
        return lax.copy_p.bind(out) if copy and out is a else out
    if order == "F":
        return _backwards(_reshape(_backwards(a), sizes[::-1]))
    if order == "A":
        raise NotImplementedError(
            "reshape: order='A' is not supported; arrays have no memory order. Use 'C'."
        )
    raise ValueError(f"reshape: order must be 'C' or 'F'; got {order!r}.")


def _backwards(x: Any) -> Any:
    return _transpose(x, tuple(range(len(x.shape)))[::-1])


def ravel(a: Any, order: str = "C", *, out_sharding: Any = None) -> Any:
    """The elements along one axis.

    Differs from NumPy: order is 'C' or 'F'. Grad: linear. Source: NumPy `ravel`.
    """
    if order == "K":
        raise NotImplementedError(
            "ravel: order='K' is not supported; arrays have no memory order. Use 'C'."
        )
    return reshape(
        value("ravel", a),
        (-1,) if math.prod(a.shape if hasattr(a, "shape") else ()) else (0,),
        order,
    )


# ---- axes in another order ----


def _order(op: str, axes: Any, n: int) -> tuple[int, ...]:
    found = tuple([core.canonical_axis(op, i, n) for i in axes])
    if sorted(found) != list(range(n)):
        raise TypeError(f"{op}: axes must name each of the {n} axes once; got {tuple(axes)}.")
    return found


def transpose(a: Any, axes: Any = None) -> Any:
    """The axes in another order, reversed unless given.

    Raises: AxisError for axes out of bounds; TypeError unless they are a permutation. Grad: linear.
    Source: NumPy `transpose`.
    """
    if type(a) is not Array:
        a = value("transpose", a)
    if axes is None:
        return _backwards(a)
    return _transpose(a, _order("transpose", axes, len(a.shape)))


def permute_dims(a: Any, /, axes: Any) -> Any:
    """The axes in another order.

    Raises: TypeError unless axes is a permutation. Grad: linear. Source: array API `permute_dims`.
    """
    a = value("permute_dims", a)
    return _transpose(a, _order("permute_dims", axes, len(a.shape)))


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged.

    Raises: ValueError for fewer than two axes. Grad: linear. Source: array API `matrix_transpose`.
    """
    x = value("matrix_transpose", x)
    n = len(x.shape)
    if n < 2:
        raise ValueError(
            f"matrix_transpose: at least two axes are needed; got {x.aval.str_short()}."
        )
    return _transpose(x, (*range(n - 2), n - 1, n - 2))


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged.

    Raises: ValueError for an axis out of bounds. Grad: linear. Source: NumPy `swapaxes`.
    """
    a = value("swapaxes", a)
    n = len(a.shape)
    first, second = (
        core.canonical_axis("swapaxes", axis1, n),
        core.canonical_axis("swapaxes", axis2, n),
    )
    order = list(range(n))
    order[first], order[second] = second, first
    return _transpose(a, tuple(order))


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places; the others keep their order.

    Raises: ValueError if source and destination differ in number, or repeat. Grad: linear. Source: NumPy `moveaxis`.
    """
    a = value("moveaxis", a)
    n = len(a.shape)
    origin = core.canonical_axes("moveaxis", _axes(source), n)
    target = core.canonical_axes("moveaxis", _axes(destination), n)
    if len(origin) != len(target):
        raise ValueError(
            f"moveaxis: source and destination must have equal numbers of axes; got {source} and {destination}."
        )
    order = [i for i in range(n) if i not in origin]
    for place, i in sorted(zip(target, origin)):
        order.insert(place, i)
    return _transpose(a, tuple(order))


def _axes(axis: Any) -> Sequence[int]:
    return tuple(axis) if np.iterable(axis) else (axis,)


def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """One axis moved back until it lies before `start`.

    Raises: ValueError for places out of bounds. Grad: linear. Source: NumPy `rollaxis`.
    """
    a = value("rollaxis", a)
    n = len(a.shape)
    axis = core.canonical_axis("rollaxis", axis, n)
    start = operator.index(start)
    if not -n <= start <= n:
        raise ValueError(f"rollaxis: start must lie in {-n}..{n}; got {start}.")
    start = start + n if start < 0 else start
    return moveaxis(a, axis, start - 1 if axis < start else start)


# ---- axes of size 1 ----


def expand_dims(a: Any, axis: Any) -> Any:
    """New axes of size 1 at the given places of the result.

    Raises: ValueError for places out of bounds or repeated. Grad: linear. Source: NumPy `expand_dims`.
    """
    if type(a) is not Array:
        a = value("expand_dims", a)
    have = a.shape
    axes = (axis,) if type(axis) is int else tuple(_axes(axis))
    n = len(have) + len(axes)
    places = core.canonical_axes("expand_dims", axes, n)
    sizes = iter(have)
    new = tuple([1 if i in places else next(sizes) for i in range(n)])
    memory = _host_of(a)
    if memory is not None:
        return _wrap(memory.reshape(new), a._t)
    return lax.expand_dims(a, places)


def squeeze(a: Any, axis: Any = None) -> Any:
    """Axes of size 1 dropped, all of them unless given.

    Raises: ValueError if a named axis has another size. Grad: linear. Source: NumPy `squeeze`.
    """
    a = value("squeeze", a)
    have = a.shape
    if axis is None:
        axes = tuple([i for i, n in enumerate(have) if n == 1])
    else:
        axes = core.canonical_axes("squeeze", _axes(axis), len(have))
        for i in axes:
            if have[i] != 1:
                raise ValueError(
                    f"squeeze: cannot drop axis {i} of size {have[i]}; got {a.aval.str_short()}. Only axes of size 1 go."
                )
    return _squeeze(a, axes)


def _at_least(op: str, arys: Sequence[Any], grow: Callable[[Any], Any]) -> Any:
    out = [grow(value(op, x, i)) for i, x in enumerate(arys)]
    return out[0] if len(out) == 1 else out


def atleast_1d(*arys: Any) -> Any:
    """Arrays with at least one axis; a list for several.

    Grad: linear. Source: NumPy `atleast_1d`.
    """
    return _at_least("atleast_1d", arys, lambda x: x if x.shape else _reshape(x, (1,)))


def atleast_2d(*arys: Any) -> Any:
    """Arrays with at least two axes, new ones first; a list for several.

    Grad: linear. Source: NumPy `atleast_2d`.
    """

    def grow(x: Any) -> Any:
        missing = 2 - len(x.shape)
        return x if missing <= 0 else _reshape(x, (1,) * missing + x.shape)

    return _at_least("atleast_2d", arys, grow)


def atleast_3d(*arys: Any) -> Any:
    """Arrays with at least three axes: (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1); a list for several.

    Grad: linear. Source: NumPy `atleast_3d`.
    """

    def grow(x: Any) -> Any:
        have = x.shape
        new = {0: (1, 1, 1), 1: (1, *have, 1), 2: (*have, 1)}.get(len(have))
        return x if new is None else _reshape(x, new)

    return _at_least("atleast_3d", arys, grow)


# ---- broadcasting ----


@core.refuses("subok")
def broadcast_to(array: Any, shape: Any, *, out_sharding: Any = None, **numpy_only: Never) -> Any:
    """The array repeated to a shape, by NumPy's rule.

    Raises: ValueError if it does not fit. Grad: linear. Source: NumPy `broadcast_to`.
    """
    if numpy_only:
        core.no_options("broadcast_to", numpy_only)
    x = value("broadcast_to", array)
    sizes = core.canonical_shape("broadcast_to", shape)
    memory = _host_of(x)
    if memory is not None:
        try:
            return _wrap(np.broadcast_to(memory, sizes), x._t)
        except ValueError:
            return to_shape_checked("broadcast_to", x, sizes)
    return to_shape_checked("broadcast_to", x, sizes)


@core.refuses("subok")
def broadcast_arrays(*args: Any, **numpy_only: Never) -> tuple[Any, ...]:
    """Arrays repeated to their common shape.

    Raises: ValueError if there is none. Grad: linear. Source: NumPy `broadcast_arrays`.
    """
    if numpy_only:
        core.no_options("broadcast_arrays", numpy_only)
    values = [value("broadcast_arrays", x, i) for i, x in enumerate(args)]
    whole = common_shape("broadcast_arrays", [x.shape for x in values])
    return tuple(to_shape(x, whole) for x in values)


# ---- order of elements along axes ----


def flip(m: Any, axis: Any = None) -> Any:
    """The elements in reverse order along one, several or all axes.

    Raises: ValueError for an axis out of bounds. Grad: linear. Source: NumPy `flip`.
    """
    m = value("flip", m)
    n = len(m.shape)
    axes = tuple(range(n)) if axis is None else core.canonical_axes("flip", _axes(axis), n)
    return lax.rev(m, axes)


def fliplr(m: Any) -> Any:
    """The elements in reverse order along the second axis.

    Raises: ValueError for fewer than two axes. Grad: linear. Source: NumPy `fliplr`.
    """
    return flip(value("fliplr", m), 1)


def flipud(m: Any) -> Any:
    """The elements in reverse order along the first axis.

    Raises: ValueError for no axes. Grad: linear. Source: NumPy `flipud`.
    """
    return flip(value("flipud", m), 0)


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """The array turned k times by 90 degrees in the plane of two axes, from the first towards the second.

    Raises: ValueError for equal axes. Grad: linear. Source: NumPy `rot90`.
    """
    m = value("rot90", m)
    n = len(m.shape)
    if n < 2:
        raise ValueError(f"rot90: at least two axes are needed; got {m.aval.str_short()}.")
    if len(axes) != 2:
        raise ValueError(f"rot90: axes must be two; got {axes}.")
    first, second = (core.canonical_axis("rot90", a, n) for a in axes)
    if first == second:
        raise ValueError(f"rot90: axes must be different; got {axes}.")
    turns = operator.index(k) % 4
    if turns == 0:
        return m
    if turns == 2:
        return flip(m, (first, second))
    if turns == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """The elements moved along axes; those that leave at one end come in at the other. Shifts may be traced.

    Raises: ValueError for an axis out of bounds. Grad: linear. Source: NumPy `roll`.
    """
    a = value("roll", a)
    if axis is None:
        flat = _reshape(a, (math.prod(a.shape),))
        total = value("roll", np.asarray(shift) if isinstance(shift, list | tuple) else shift, 1)
        total = lax.reduce_sum(total, tuple(range(len(total.shape)))) if total.shape else total
        return _reshape(_rolled(flat, [total], [0]), a.shape)
    axes = _axes(axis)
    if type(shift) is Array or isinstance(shift, Tracer | np.ndarray):
        shift = value("roll", shift, 1)
        if len(shift.shape) > 1:
            raise ValueError(
                f"roll: shifts must be a scalar or a vector; got {shift.aval.str_short()}."
            )
        shifts = [shift] if not shift.shape else list(lax.unstack(shift, 0))
    else:
        shifts = [value("roll", s, 1) for s in (shift if np.iterable(shift) else (shift,))]
    count = builtins.max(len(shifts), len(axes))
    if builtins.min(len(shifts), len(axes)) not in (1, count):
        raise ValueError(
            f"roll: shifts and axes must have equal numbers, or one be single; got {len(shifts)} and {len(axes)}."
        )
    shifts = shifts * count if len(shifts) == 1 else shifts
    axes = list(axes) * count if len(axes) == 1 else list(axes)
    return _rolled(a, shifts, [core.canonical_axis("roll", i, len(a.shape)) for i in axes])


def _rolled(a: Any, shifts: Sequence[Any], axes: Sequence[int]) -> Any:
    for s, axis in zip(shifts, axes):
        n = a.shape[axis]
        if n == 0:
            continue
        known = s.concrete_() if isinstance(s, Tracer) else s
        if known is not None:
            cut = (n - int(known.numpy_())) % n
            if cut:
                front, back = lax.split(a, (cut, n - cut), axis)
                a = lax.concatenate([back, front], axis)
            continue
        index = core.convert(s, core.dtypes.int32)
        size = core.full((), n, core.dtypes.int32)
        rest = lax.rem(lax.neg(index), size)
        start = lax.select_n(lax.lt(rest, 0), rest, lax.add(rest, size))
        a = lax.dynamic_slice_in_dim(lax.concatenate([a, a], axis), start, n, axis)
    return a


__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "matrix_transpose",
    "moveaxis",
    "ndim",
    "permute_dims",
    "ravel",
    "reshape",
    "roll",
    "rollaxis",
    "rot90",
    "shape",
    "size",
    "squeeze",
    "swapaxes",
    "transpose",
    "view",
]
