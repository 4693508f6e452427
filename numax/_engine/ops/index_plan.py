"""What an index expression means for an array of a given shape: NumPy's rules, taken apart.

An index has a static part (slices and integers known now), which slices of the array carry out, and a part of index
arrays and traced integers, which gather and scatter carry out on what the static part leaves.
"""

import builtins
import operator
from typing import Any

import numpy as np

from numax._engine.core import config, dtypes
from numax._engine.core.array import Array
from numax._engine.core.errors import NonConcreteBooleanIndexError
from numax._engine.core.trace import Tracer, as_value
from numax._engine.ops.shape import stack

Shape = tuple[int, ...]

_INT, _SLICE, _NEW, _DOTS, _VALUE, _MASK, _FLAG = range(7)
_ADVANCED = frozenset({_VALUE, _MASK, _FLAG})
_FULL = builtins.slice(None)


class Plan:
    """An index, taken apart.

    `start`, `stop`, `step` are the static slices of all axes (steps positive), `back` the axes to reverse, `dropped`
    those to leave out. `moving` are pairs of an axis of what is left and the index value for it. In the result,
    `before` sliced axes come before the axes of the index arrays (which have shape `batch`), and new axes
    stand at `new`.
    """

    __slots__ = (
        "back",
        "batch",
        "before",
        "dropped",
        "moving",
        "new",
        "ordered",
        "shape",
        "start",
        "step",
        "stop",
    )
    start: list[int]
    stop: list[int]
    step: list[int]
    back: list[int]
    dropped: list[int]
    moving: list[tuple[int, Any]]
    batch: Shape | None  # None: no index arrays
    before: int
    new: list[int]
    ordered: bool  # index arrays are sorted and unique (those of a mask)
    shape: Shape  # of the array

    def sliced(self) -> Shape:
        """The shape after the static slices."""
        return tuple(
            [-(-(b - a) // s) for a, b, s in zip(self.start, self.stop, self.step, strict=True)]
        )

    def left(self) -> Shape:
        """The shape that the static part leaves."""
        sizes = self.sliced()
        if not self.dropped:
            return sizes
        return tuple([n for d, n in enumerate(sizes) if d not in self.dropped])

    def is_whole(self) -> bool:
        """Whether the static part leaves everything as it is."""
        return not self.dropped and not self.back and self.sliced() == self.shape

    def is_contiguous(self) -> bool:
        return not self.back and all(s == 1 for s in self.step)


# ---- what the parts of an index are ----


def _described(e: Any) -> str:
    if isinstance(e, Array):
        return e.aval.str_short()
    dtype = getattr(e, "dtype", None)
    return type(e).__name__ if dtype is None else f"{dtype}{list(np.shape(e))}"


def _wrong_dtype(e: Any) -> TypeError:
    return TypeError(
        f"index: an index must be of integers or booleans; got {_described(e)}. Convert it with x.astype(int)."
    )


def check_kind(idx: Any) -> None:
    """TypeError for a whole index of a kind that NumPy takes and JAX does not."""
    if isinstance(idx, str):
        raise TypeError(
            f"index: arrays have no fields; got the string {idx!r}. Use an integer or a slice."
        )
    if isinstance(idx, list | range):
        raise TypeError(
            f"index: using a non-tuple sequence ({type(idx).__name__}) for indexing is not allowed. "
            "Use x[numax.numpy.array(seq)] for an index array, or x[tuple(seq)] for one index per axis."
        )


def known_array(e: Any) -> Any:
    """An index as an int, bool or NumPy array of ints or booleans where its numbers are known; else the traced value."""
    if isinstance(e, bool | np.bool_):
        return bool(e)
    if isinstance(e, int | np.integer):
        return operator.index(e)
    if isinstance(e, str | float | complex | np.inexact):
        check_kind(e)
        raise _wrong_dtype(e)
    if isinstance(e, list | tuple):
        return _sequence(e)
    data: Any = e
    if type(e) is not Array and isinstance(e, Tracer):
        data = e.concrete_()
        if data is None:
            return _traced(e)
    if type(data) is Array:
        data = data if dtypes.is_key(data.dtype) else data.numpy_()
    elif type(data) is not np.ndarray:
        return _from_protocol(data)
    if data.dtype != np.bool_ and not dtypes.is_integer(data.dtype):
        raise _wrong_dtype(e)
    if data.dtype.kind not in "biu":
        data = data.astype(np.int32)
    return data if data.shape else data.item()


def _from_protocol(e: Any) -> Any:
    if hasattr(e, "__jax_array__") or hasattr(e, "__array__"):
        return known_array(as_value(e, "index"))
    try:
        return operator.index(e)
    except TypeError:
        raise IndexError(
            "index: only integers, slices (`:`), ellipsis (`...`), newaxis (`None`) and integer or boolean "
            f"arrays are valid indices; got {e!r} of type {type(e).__name__}."
        ) from None


def _sequence(e: Any) -> Any:
    if any(isinstance(x, Tracer) for x in e):
        return _traced(stack([as_value(x, "index") for x in e]))
    try:
        found = np.array([x.numpy_() if type(x) is Array else x for x in e])
    except ValueError:
        raise TypeError(
            f"index: the rows of an index list must have equal lengths; got {e!r}."
        ) from None
    return found.astype(np.intp) if not found.size else known_array(found)


def _traced(x: Any) -> Any:
    if x.dtype == dtypes.bool_:
        raise NonConcreteBooleanIndexError(
            f"index: a boolean mask must be known while tracing, since the result's shape depends on it; got "
            f"{x.aval.str_short()}. Use numax.numpy.where(mask, x, 0), numax.numpy.nonzero(mask, size=...), or "
            f"mark the mask as static.{x.origin_()}"
        )
    if not dtypes.is_integer(x.dtype):
        raise _wrong_dtype(x)
    return x


def _bound(e: Any, whole: builtins.slice, place: int) -> int | None:
    """A part of a slice as an int."""
    if e is None:
        return None
    found = e
    if type(e) is not Array and isinstance(e, Tracer):
        found = e.concrete_()
        if found is None:
            raise IndexError(
                f"index: the ends of a slice must be known while tracing; got {_described(e)} at position {place}. "
                "Use numax.lax.dynamic_slice (or numax.lax.dynamic_slice_in_dim), whose start may be traced, or mark "
                f"the argument as static (static_argnums).{e.origin_()}"
            )
    if type(found) is Array:
        found = found.numpy_() if dtypes.is_integer(found.dtype) and not found.shape else None
        return int(found) if found is not None else _bad_bound(e, place)
    try:
        return operator.index(found)
    except TypeError:
        return _bad_bound(e, place)


def _bad_bound(e: Any, place: int) -> int:
    raise TypeError(
        f"index: the ends of a slice must be integers; got {_described(e)} at position {place}."
    )


def _classify(items: tuple[Any, ...]) -> list[tuple[int, Any]]:
    out: list[tuple[int, Any]] = []
    for place, e in enumerate(items):
        kind = type(e)
        if kind is int:
            out.append((_INT, e))
        elif kind is builtins.slice:
            if e.start is None and e.stop is None and e.step is None:
                out.append((_SLICE, e))
            else:
                ends = [_bound(v, e, place) for v in (e.start, e.stop, e.step)]
                if ends[2] == 0:
                    raise ValueError(
                        f"index: the step of a slice cannot be zero; got {e} at position {place}."
                    )
                out.append((_SLICE, builtins.slice(*ends)))
        elif e is None:
            out.append((_NEW, None))
        elif e is Ellipsis:
            out.append((_DOTS, None))
        else:
            found = known_array(e)
            if type(found) is int:
                out.append((_INT, found))
            elif type(found) is bool:
                out.append((_FLAG, found))
            elif type(found) is np.ndarray and found.dtype == np.bool_:
                out.append((_MASK, found))
            else:
                out.append((_VALUE, found))
    return out


# ---- the whole ----


def _consumed(parts: list[tuple[int, Any]], shape: Shape) -> int:
    """How many axes the parts take. IndexError if there are not as many."""
    count = dots = 0
    for kind, value in parts:
        if kind in (_INT, _SLICE, _VALUE):
            count += 1
        elif kind == _MASK:
            count += value.ndim
        elif kind == _DOTS:
            dots += 1
    if dots > 1:
        raise IndexError(f"index: an index can only have a single ellipsis ('...'); got {dots}.")
    if count > len(shape):
        raise IndexError(
            f"index: too many indices: the array is {len(shape)}-dimensional, of shape {shape}, but {count} were "
            "indexed. Remove some, or add axes with None."
        )
    return count


def out_of_bounds(i: int, d: int, shape: Shape) -> IndexError:
    return IndexError(
        f"index: index {i} is out of bounds for axis {d} with size {shape[d]}; got an array of shape {shape}. "
        "Use x.at[i].get(mode='clip') or mode='fill' (and mode='drop' to update) for indices that may be outside."
    )


def _known(a: np.ndarray, d: int, shape: Shape, strict: bool, wrap: bool) -> np.ndarray:
    """Index numbers with negative ones counted from the end; IndexError for those out of bounds, if strict."""
    n = shape[d]
    if a.size:
        low, high = int(a.min()), int(a.max())
        if strict and (low < -n or high >= n):
            raise out_of_bounds(low if low < -n else high, d, shape)
        if low < 0 and wrap:
            a = np.where(a < 0, a.astype(np.intp) + n, a)
        elif high >= 2**31:
            a = np.minimum(a, 2**31 - 1)
    return a


def make(shape: Shape, idx: Any, strict: bool, wrap: bool = True) -> Plan:
    """Take an index apart.

    Args: strict raises IndexError for known indices out of bounds; otherwise they are left to gather and scatter.
    wrap counts negative indices from the end.
    """
    if type(idx) is not tuple:
        check_kind(idx)
        idx = (idx,)
    parts = _classify(idx)
    ndim = len(shape)
    gap = ndim - _consumed(parts, shape)
    if all(kind != _DOTS for kind, _ in parts):
        parts.append((_DOTS, None))
    arrays = any(kind in _ADVANCED and (kind != _VALUE or len(v.shape)) for kind, v in parts)
    p = Plan()
    p.shape = shape
    p.start, p.stop, p.step = [0] * ndim, list(shape), [1] * ndim
    p.back, p.dropped, p.new = [], [], []
    moving: list[tuple[int, Any]] = []
    flags: list[int] = []
    d = sliced = 0
    before, first_new, blocks, masks = -1, 0, 0, 0
    inside = False
    for kind, value in parts:
        if arrays and (kind == _INT or kind in _ADVANCED):
            if not inside:
                blocks += 1
                if before < 0:
                    before = sliced
                    first_new = len(p.new)
            inside = True
        else:
            inside = False
        if kind == _INT:
            i = value + shape[d] if value < 0 and wrap else value
            if 0 <= i < shape[d]:
                p.start[d], p.stop[d] = i, i + 1
                p.dropped.append(d)
            elif strict:
                raise out_of_bounds(value, d, shape)
            else:
                moving.append((d, np.array(min(max(i, -(2**31)), 2**31 - 1))))
            d += 1
        elif kind == _SLICE:
            if value is not _FULL:
                _slice(p, d, value)
            d += 1
            sliced += 1
        elif kind == _NEW:
            p.new.append(sliced)
        elif kind == _DOTS:
            d += gap
            sliced += gap
        elif kind == _FLAG:
            flags.append(int(value))
        elif kind == _MASK:
            want = shape[d : d + value.ndim]
            if value.shape != want:
                raise IndexError(
                    f"index: the boolean index did not match the shape of the indexed array: a mask of shape "
                    f"{value.shape} stands for axes {d} to {d + value.ndim - 1} of sizes {want}; got an array of "
                    f"shape {shape}."
                )
            masks += 1
            for a in value.nonzero():
                moving.append((d, a))
                d += 1
        else:
            if type(value) is np.ndarray:
                value = _known(value, d, shape, strict, wrap)
            moving.append((d, value))
            d += 1
    _finish(p, moving, flags, before, blocks, first_new)
    p.ordered = masks == 1 and not any(kind in (_VALUE, _FLAG) for kind, _ in parts)
    return p


def _slice(p: Plan, d: int, value: builtins.slice) -> None:
    lo, hi, step = value.indices(p.shape[d])
    count = len(range(lo, hi, step))
    if step < 0:
        lo, step = lo + (count - 1) * step, -step
        if count > 1:
            p.back.append(d)
    if count <= 1:
        step = 1
    lo = lo if count else 0
    p.start[d], p.step[d] = lo, step
    p.stop[d] = lo + (count - 1) * step + 1 if count else lo


def _finish(
    p: Plan,
    moving: list[tuple[int, Any]],
    flags: list[int],
    before: int,
    blocks: int,
    first_new: int,
) -> None:
    """Where things stand in the result. Separated index arrays put their axes first."""
    gone = set(p.dropped)
    p.moving = [(d - sum(g < d for g in gone), v) for d, v in moving] if gone else moving
    if before < 0:
        p.batch, p.before = None, 0
        p.new = [n + k for k, n in enumerate(p.new)]
        return
    shapes = [v.shape for _, v in p.moving] + [(n,) for n in flags]
    try:
        p.batch = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(
            f"index: incompatible shapes for broadcasting of the index arrays; got shapes "
            f"{', '.join(map(str, shapes))}."
        ) from None
    width = len(p.batch)
    if blocks > 1:
        p.before = 0
        p.new = [n + k + width for k, n in enumerate(p.new)]
        return
    p.before = before
    p.new = [n + k + (width if k >= first_new else 0) for k, n in enumerate(p.new)]


def is_strict(mode: Any) -> bool:
    return mode is None and config.index_bounds.value == "raise"
