"""x[idx] and x.at[idx]: NumPy's indexing on slices, gather and scatter.

Arrays in NumPy's memory with known indices go to NumPy itself; the rest through `index_plan`.
"""

import builtins
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes, source
from numax._engine.core.array import Array, wrap
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.errors import TypePromotionError
from numax._engine.core.trace import as_value, current
from numax._engine.host.quiet import quiet
from numax._engine.ops import arithmetic, elementwise
from numax._engine.ops.basis import (
    add_p,
    broadcast_in_dim,
    constant_like,
    convert,
    expand_dims,
    mul_p,
    reshape,
    select_n,
    squeeze_p,
    sub_p,
)
from numax._engine.ops.bits import bitwise_and, shift_right_logical
from numax._engine.ops.compare import eq_p
from numax._engine.ops.gather import gather_p, scatter_add_p
from numax._engine.ops.index_plan import Plan, check_kind, is_strict, known_array, make
from numax._engine.ops.places import (
    GatherDimensionNumbers,
    GatherScatterMode,
    Shape,
    as_scatter,
)
from numax._engine.ops.scatter import (
    scatter_apply,
    scatter_max_p,
    scatter_min_p,
    scatter_mul_p,
    scatter_p,
    scatter_sub_p,
)
from numax._engine.ops.shape import broadcast_to, concatenate, full, pad, rev, zeros
from numax._engine.ops.slicing import (
    dynamic_slice_p,
    dynamic_update_slice_p,
    known_value,
    slice_p,
    small_index,
    wrap_negative,
)

_slice = builtins.slice
_DOTS = Ellipsis
_STATIC = frozenset({int, _slice, type(None), type(Ellipsis)})
_NUMBERS = frozenset({bool, int, float, complex})
_current = current.get

# ---- reading ----


def index(x: Any, idx: Any) -> Any:
    """x[idx], by NumPy's rules.

    Known indices out of bounds raise (unless jax_index_bounds is 'jax'); traced ones are moved inside.
    Raises: IndexError for too many, or known and out of bounds, indices; TypeError for lists, strings and floats;
    NonConcreteBooleanIndexError for a traced mask. Grad: linear in x.
    """
    if type(x) is Array:
        memory = x._np
        if memory is not None and _current().level < 0:
            kind = type(idx)
            if kind is int or kind is _slice:
                where = (idx, _DOTS)
            elif kind is tuple and _STATIC.issuperset(map(type, idx)):
                where = idx if _DOTS in idx else (*idx, _DOTS)
            else:
                return _host_read(x, memory, idx)
            try:
                return wrap(memory[where], x._t)
            except (IndexError, TypeError, ValueError):
                return _read(x, idx)
    found = _static(x, idx)
    return _read(x, idx) if found is None else found


def _host_index(idx: Any) -> Any:
    """The index for NumPy, if all of it is known; else None."""
    if type(idx) is not tuple:
        check_kind(idx)
        idx = (idx,)
    out: list[Any] = []
    dots = False
    for e in idx:
        if type(e) in _STATIC:
            dots = dots or e is _DOTS
            out.append(e)
            continue
        data = e.numpy_() if type(e) is Array else e
        if type(data) is np.ndarray and data.ndim and data.dtype.kind in "iub":
            out.append(data)
            continue
        found = known_array(e)
        if type(found) not in (int, bool, np.ndarray):
            return None
        out.append(found)
    if not dots:
        out.append(_DOTS)
    return tuple(out)


def _host_read(x: Array, memory: np.ndarray, idx: Any) -> Any:
    where = _host_index(idx)
    if where is None:
        return _read(x, idx)
    try:
        return wrap(memory[where], x._t)
    except (IndexError, TypeError, ValueError):
        return _read(x, idx)  # which says what is wrong, or does as JAX does


def _static(x: Any, idx: Any) -> Any:
    """x[idx] for integers, slices, None and Ellipsis, on operations; None where something is wrong with them."""
    items = idx if type(idx) is tuple else (idx,)
    if not _STATIC.issuperset(map(type, items)):
        return None
    shape = x.aval.shape
    ndim = len(shape)
    start, stop, steps = [0] * ndim, list(shape), None
    dropped: list[int] = []
    new: list[int] = []
    back: list[int] = []
    d = place = 0
    for e in items:
        kind = type(e)
        if kind is int:
            if d >= ndim:
                return None
            n = shape[d]
            i = e + n if e < 0 else e
            if not 0 <= i < n:
                return None
            start[d], stop[d] = i, i + 1
            dropped.append(d)
            d += 1
        elif kind is _slice:
            if d >= ndim:
                return None
            try:
                lo, hi, step = e.indices(shape[d])
            except (TypeError, ValueError):
                return None
            if step == 1:
                start[d], stop[d] = lo, hi if hi > lo else lo
            else:
                if step < 0:
                    back.append(d)
                steps = steps or [1] * ndim
                start[d], stop[d], steps[d] = _forward(lo, hi, step)
            d += 1
            place += 1
        elif e is None:
            new.append(place)
            place += 1
        else:
            if items.count(_DOTS) > 1:
                return None
            gap = (
                ndim
                - d
                - sum([type(v) is int or type(v) is _slice for v in items[items.index(_DOTS) :]])
            )
            if gap < 0:
                return None
            d += gap
            place += gap
    if tuple(stop) != shape or steps or any(start):
        x = slice_p.bind(
            x,
            start_indices=tuple(start),
            limit_indices=tuple(stop),
            strides=None if steps is None else tuple(steps),
        )
    if back:
        x = rev(x, back)
    if dropped:
        x = squeeze_p.bind(x, dimensions=tuple(dropped))
    return expand_dims(x, tuple(new)) if new else x


def _forward(lo: int, hi: int, step: int) -> tuple[int, int, int]:
    """The slice that has the same elements in rising order."""
    count = len(range(lo, hi, step))
    if not count:
        return 0, 0, 1
    first = lo if step > 0 else lo + (count - 1) * step
    return first, first + (count - 1) * abs(step) + 1, abs(step) if count > 1 else 1


def _read(x: Any, idx: Any, mode: Any = None, **options: Any) -> Any:
    """x[idx] on operations."""
    wrapped = options.pop("wrap_negative_indices", True)
    strict = is_strict(mode) and wrapped
    return _execute(x, make(x.aval.shape, idx, strict, wrapped), mode, wrapped, **options)


def index_get(
    x: Any,
    idx: Any,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
    fill_value: Any = None,
    out_sharding: Any = None,
    wrap_negative_indices: bool = True,
) -> Any:
    """x.at[idx].get(): x[idx] with a say in what happens out of bounds.

    Args: mode 'fill' reads fill_value (default: nan, the least signed, the greatest unsigned integer), 'clip' the
    nearest element, 'promise_in_bounds' says that there are none.
    Raises: as `index`; ValueError for another mode. Grad: linear in x.
    """
    x = as_value(x, "get")
    if mode is None and wrap_negative_indices:
        return index(x, idx)
    options = {"sorted_": indices_are_sorted, "unique": unique_indices, "fill": fill_value}
    chosen = None if mode is None else GatherScatterMode.from_any(mode)
    return _read(x, idx, chosen, wrap_negative_indices=wrap_negative_indices, **options)


def _execute(
    x: Any,
    p: Plan,
    mode: Any,
    wrapped: bool,
    sorted_: bool = False,
    unique: bool = False,
    fill: Any = None,
) -> Any:
    if p.batch is None and p.moving and p.is_contiguous() and mode is None:
        out = _dynamic(x, p, wrapped)
    else:
        out = _static_read(x, p)
        if p.batch is not None or p.moving:
            out = _gather(out, p, mode, wrapped, sorted_, unique, fill)
    return expand_dims(out, tuple(p.new)) if p.new else out


def _static_read(x: Any, p: Plan) -> Any:
    """The static part: slices, reversals, integers."""
    if p.sliced() != p.shape:
        steps = None if all(s == 1 for s in p.step) else tuple(p.step)
        x = slice_p.bind(
            x, start_indices=tuple(p.start), limit_indices=tuple(p.stop), strides=steps
        )
    if p.back:
        x = rev(x, p.back)
    return squeeze_p.bind(x, dimensions=tuple(p.dropped)) if p.dropped else x


def _dynamic(x: Any, p: Plan, wrapped: bool) -> Any:
    """Traced integers and static slices of step 1: one dynamic_slice."""
    sizes = list(p.sliced())
    starts: list[Any] = [small_index(i) for i in p.start]
    kept = [d for d in range(len(sizes)) if d not in p.dropped]
    gone = list(p.dropped)
    for at, value in p.moving:
        d = kept[at]
        if not sizes[d]:
            raise IndexError(
                f"index: axis {d} of size 0 has no elements; got an array of shape {p.shape}."
            )
        starts[d] = _index_value(value, p.shape[d], wrapped)
        sizes[d] = 1
        gone.append(d)
    out = dynamic_slice_p.bind(x, *starts, slice_sizes=tuple(sizes))
    return squeeze_p.bind(out, dimensions=tuple(sorted(gone)))


def _index_value(value: Any, size: int, wrapped: bool) -> Any:
    """An index as a value of int32 or int64."""
    if type(value) is np.ndarray:
        wide = value.size and (value.max() >= 2**31 or value.min() < -(2**31))
        dtype = dtypes.int64 if wide else dtypes.int32
        return wrap(value.astype(dtype), etype(dtype))
    if wrapped:
        value = wrap_negative(value, size)
    if value.dtype == dtypes.uint32 or value.dtype == dtypes.uint64:
        value = arithmetic.min(value, wrap(np.array(2**31 - 1, value.dtype), etype(value.dtype)))
        return convert(value, dtypes.int32)
    return convert(value, value.dtype if value.dtype == dtypes.int64 else dtypes.int32)


def _vectors(p: Plan, shape: Shape, wrapped: bool) -> Any:
    """Index arrays as index vectors in a last dimension."""
    batch = p.batch or ()
    if all(type(v) is np.ndarray for _, v in p.moving):
        data = np.zeros((*batch, len(p.moving)), np.int64)
        for k, (_, v) in enumerate(p.moving):
            data[..., k] = v
        return _index_value(data, 0, False)
    columns = [_index_value(v, shape[d], wrapped) for d, v in p.moving]
    if len({c.dtype for c in columns}) > 1:
        columns = [convert(c, dtypes.int64) for c in columns]
    wide = [broadcast_to("index", c, batch) for c in columns]
    return concatenate([reshape(c, (*batch, 1)) for c in wide], len(batch))


def _numbers(p: Plan, shape: Shape) -> tuple[GatherDimensionNumbers, Shape]:
    """Dimension numbers and window sizes: index arrays for some axes, all of the others."""
    axes = tuple([d for d, _ in p.moving])
    width = len(p.batch or ())
    rest = len(shape) - len(axes)
    offsets = tuple([i if i < p.before else i + width for i in range(rest)])
    sizes = tuple([1 if d in axes else n for d, n in enumerate(shape)])
    return GatherDimensionNumbers(offsets, tuple(sorted(axes)), axes), sizes


def _gather(
    x: Any, p: Plan, mode: Any, wrapped: bool, sorted_: bool, unique: bool, fill: Any
) -> Any:
    shape = x.aval.shape
    numbers, sizes = _numbers(p, shape)
    if math.prod(p.batch or ()) == 0 or not all(shape[d] for d, _ in p.moving):
        if math.prod(p.batch or ()):
            raise IndexError(
                f"index: an axis of size 0 has no elements; got an array of shape {p.shape}."
            )
        rest = [n for d, n in enumerate(shape) if d not in numbers.collapsed_slice_dims]
        return zeros(ShapedArray((*rest[: p.before], *(p.batch or ()), *rest[p.before :]), x.dtype))
    fixed = p.batch is None
    return gather_p.bind(
        x,
        _vectors(p, shape, wrapped),
        dimension_numbers=numbers,
        slice_sizes=sizes,
        indices_are_sorted=bool(sorted_) or p.ordered or fixed,
        unique_indices=bool(unique) or p.ordered or fixed,
        mode=GatherScatterMode.PROMISE_IN_BOUNDS if mode is None else mode,
        fill_value=_fill(fill),
    )


def _fill(fill: Any) -> Any:
    if fill is None or type(fill) in (bool, int, float, complex):
        return fill
    found = as_value(fill, "get")
    if type(found) is not Array or found.shape:
        raise TypeError(
            f"get: fill_value must be a number, neither traced nor differentiated; got {found.aval.str_short()}. "
            "Use numax.numpy.where on the result."
        )
    value = found.numpy_()
    return value.item() if value.dtype.kind in "biufc" else float(value)


# ---- writing ----

_UFUNCS: dict[str, Any] = {
    "set": None,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
    "divide": np.divide,
    "power": np.power,
}
_SCATTERS: dict[str, Any] = {
    "set": scatter_p,
    "add": scatter_add_p,
    "subtract": scatter_sub_p,
    "multiply": scatter_mul_p,
    "min": scatter_min_p,
    "max": scatter_max_p,
}
_COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "set": lambda old, new: new,
    "add": add_p.bind,
    "subtract": sub_p.bind,
    "multiply": mul_p.bind,
    "min": arithmetic.min,
    "max": arithmetic.max,
    "divide": arithmetic.div,
    "power": lambda old, new: _power(old, new),
}


def _power(x: Any, y: Any) -> Any:
    """x**y; for integers by squaring, for as many bits as y may have."""
    if dtypes.is_inexact(x.dtype):
        return elementwise.pow(x, y)
    known = known_value(y)
    bits = dtypes.itemsize_bits(x.dtype)
    if known is not None and known.size and known.min() >= 0:
        bits = int(known.max()).bit_length()
    out = full(x.aval.shape, 1, x.dtype)
    one = constant_like(y, 1)
    for _ in range(bits):
        odd = eq_p.bind(bitwise_and(y, one), one)
        out = select_n(broadcast_to("power", odd, x.aval.shape), out, mul_p.bind(out, x))
        x = mul_p.bind(x, x)
        y = shift_right_logical(y, one)
    return out


def index_update(
    x: Any,
    idx: Any,
    y: Any,
    kind: str = "set",
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
    out_sharding: Any = None,
    wrap_negative_indices: bool = True,
) -> Any:
    """x with x[idx] set to y, or combined with it; x.at[idx].set(y) and its kin.

    Args: kind is set, add, subtract, multiply, divide, power, min, max or apply (y is a function then). mode 'drop'
    leaves out what is out of bounds, 'clip' moves it inside; without one, known indices out of bounds raise.
    Raises: as `index`; ValueError if y does not broadcast to x[idx]. Grad: as the operation on x[idx].
    """
    x = as_value(x, kind)
    chosen = None if mode is None else GatherScatterMode.from_any(mode)
    if kind != "apply":
        y = _converted(x, y, kind)
        if kind == "divide" and not dtypes.is_inexact(x.dtype):
            x, y = (convert(v, dtypes.default_dtype(float)) for v in (x, y))
        if chosen is None and wrap_negative_indices and type(x) is Array and type(y) is Array:
            if _current().level < 0 and x._np is not None:
                found = _host_update(x, idx, y.numpy_(), kind, unique_indices)
                if found is not None:
                    return found
    strict = is_strict(mode) and wrap_negative_indices
    p = make(x.aval.shape, idx, strict, wrap_negative_indices)
    return _write(x, p, y, kind, chosen, wrap_negative_indices, indices_are_sorted, unique_indices)


_SAFE: dict[Any, bool] = {}


def _is_safe(dtype: Any, other: Any, weak: bool) -> bool:
    """Whether values of another type keep what they are in `dtype`."""
    key = (dtype, other, weak)
    found = _SAFE.get(key)
    if found is None:
        try:
            found = dtypes.join_types((dtype, False), (other, weak))[0] == dtype
        except TypePromotionError:
            found = False
        _SAFE[key] = found
    return found


def _converted(x: Any, y: Any, kind: str) -> Any:
    """y in x's dtype; a FutureWarning where that loses something."""
    dtype = x.dtype
    number = type(y) in _NUMBERS and not dtypes.is_key(dtype)
    if number and _is_safe(dtype, dtypes.default_dtype(type(y)), type(y) is not bool):
        return wrap(np.asarray(y).astype(dtype), etype(dtype))
    try:
        value = as_value(y, kind)
    except TypeError:
        if not isinstance(y, list | tuple):
            raise
        value = as_value(np.asarray([v.numpy_() if type(v) is Array else v for v in y]), kind)
    if value.dtype == dtype:
        return value
    if dtypes.is_key(dtype) or dtypes.is_key(value.dtype):
        raise TypeError(
            f"{kind}: keys and numbers do not mix; got {value.aval.str_short()} for {x.aval.str_short()}."
        )
    if not _is_safe(dtype, value.dtype, value.aval.weak_type):
        warnings.warn(
            f"{kind}: the value is of {value.dtype} and is converted to the array's {dtype}, which may lose "
            "something; JAX means to make this an error. Convert it with y.astype(x.dtype).",
            FutureWarning,
            stacklevel=source.warning_level(),
        )
    return convert(value, dtype)


def _fits(kind: str, y: ShapedArray, shape: Shape) -> None:
    lead = len(shape) - y.ndim
    if lead < 0 or any(n not in (1, m) for n, m in zip(y.shape, shape[lead:], strict=True)):
        raise ValueError(
            f"{kind}: the value must broadcast to the shape of what is indexed, {shape}; got {y.str_short()}."
        )


def _host_update(x: Array, idx: Any, y: np.ndarray, kind: str, unique: bool) -> Any:
    """The update by NumPy. None if it cannot, or the index is bad."""
    where = _host_index(idx)
    if where is None or (kind == "power" and y.dtype.kind not in "fc"):
        return None
    try:
        out = quiet.run(_numpy_update, np.array(x._np, order="C"), where, y, _UFUNCS[kind], unique)
    except (IndexError, ValueError, TypeError):
        return None
    return None if out is None else wrap(out, x._t)


def _numpy_update(out: np.ndarray, where: Any, y: np.ndarray, ufunc: Any, unique: bool) -> Any:
    simple = _STATIC.issuperset(map(type, where))
    if simple:
        target = out[where]
        if y.ndim > target.ndim:
            return None
        if ufunc is None:
            target[...] = y
        else:
            target[...] = ufunc(target, y)
        return out
    if y.ndim > 1:  # NumPy drops leading axes of size 1, JAX does not
        _fits(
            "set", ShapedArray(y.shape, y.dtype), np.broadcast_to(np.False_, out.shape)[where].shape
        )
    if ufunc is None:
        out[where] = y
    elif unique:
        out[where] = ufunc(out[where], y)
    elif out.ndim == 1:
        ufunc.at(out, where, y)
    else:  # on flat memory `at` is several times as fast as on axes
        places = np.arange(out.size).reshape(out.shape)[where]
        ufunc.at(out.reshape(-1), places.reshape(-1), np.broadcast_to(y, places.shape).reshape(-1))
    return out


def _write(
    x: Any, p: Plan, y: Any, kind: str, mode: Any, wrapped: bool, sorted_: bool, unique: bool
) -> Any:
    """The update on operations: read the static part, update it, write it back."""
    if p.batch is None and not p.moving and kind == "set":
        sizes = p.sliced()
        new = broadcast_in_dim(y, sizes, ()) if not y.aval.shape else _spread(kind, y, p, p.left())
        return convert(_static_write(x, p, new), x.dtype, x.aval.weak_type)
    part = _static_read(x, p)
    if p.batch is not None or p.moving:
        new = _scatter(part, p, y, kind, mode, wrapped, sorted_, unique)
    elif kind == "apply":
        new = _applied(y, part)
    else:
        new = _COMBINE[kind](part, _spread(kind, y, p, part.aval.shape) if y.aval.shape else y)
    new = convert(new, x.dtype)
    return convert(_static_write(x, p, new), x.dtype, x.aval.weak_type)


def _spread(kind: str, y: Any, p: Plan, shape: Shape) -> Any:
    """y at the shape of what is indexed, without the new axes."""
    if p.new:
        sizes = list(shape)
        for at in p.new:
            sizes.insert(at, 1)
        _fits(kind, y.aval, tuple(sizes))
        return reshape(broadcast_to(kind, y, tuple(sizes)), shape)
    _fits(kind, y.aval, shape)
    return broadcast_to(kind, y, shape)


def _applied(func: Any, x: Any) -> Any:
    result = func(x)
    value = as_value(result, "apply")
    if value.aval.ndim == 0 and value is not result:
        value = broadcast_in_dim(value, x.aval.shape, ())
    if value.aval.shape != x.aval.shape:
        raise TypeError(
            f"apply: the function must work on each element; it made {value.aval.str_short()} of {x.aval.str_short()}."
        )
    return value


def _scatter(
    x: Any, p: Plan, y: Any, kind: str, mode: Any, wrapped: bool, sorted_: bool, unique: bool
) -> Any:
    shape = x.aval.shape
    numbers, _ = _numbers(p, shape)
    rest = [n for d, n in enumerate(shape) if d not in numbers.collapsed_slice_dims]
    result = (*rest[: p.before], *(p.batch or ()), *rest[p.before :])
    if kind != "apply":
        y = _spread(kind, y, p, result)
    if not math.prod(result):
        return x
    fixed = p.batch is None
    params: dict[str, Any] = {
        "dimension_numbers": as_scatter(numbers),
        "indices_are_sorted": bool(sorted_) or p.ordered or fixed,
        "unique_indices": bool(unique) or p.ordered or fixed,
        "mode": GatherScatterMode.FILL_OR_DROP if mode is None else mode,
    }
    indices = _vectors(p, shape, wrapped)
    if kind == "apply":
        numbers_ = params.pop("dimension_numbers")
        return scatter_apply(x, indices, y, numbers_, update_shape=result, **params)
    if kind in _SCATTERS:
        return _SCATTERS[kind].bind(x, indices, y, **params)
    factors = scatter_mul_p.bind(full(shape, 1, x.dtype), indices, y, **params)
    return _COMBINE[kind](x, factors)


def _static_write(x: Any, p: Plan, new: Any) -> Any:
    """x with its static part replaced."""
    if p.is_whole():
        return new
    sizes = p.sliced()
    if not math.prod(sizes):
        return x
    block = reshape(new, sizes)
    if p.back:
        block = rev(block, p.back)
    if sizes == p.shape:
        return block
    if all(s == 1 for s in p.step):
        return dynamic_update_slice_p.bind(x, block, *map(small_index, p.start))
    config = [
        (a, n - b, s - 1) for a, b, s, n in zip(p.start, p.stop, p.step, p.shape, strict=True)
    ]
    inside = pad(full(sizes, True), False, config)
    spread = pad(block, zeros(ShapedArray((), x.dtype)), config)
    return select_n(inside, x, spread)


# ---- x.at ----


class At:
    """x.at: index it, then say what to do, as in `x.at[2:].add(1)`."""

    __slots__ = ("array",)

    def __init__(self, array: Any):
        self.array = array

    def __getitem__(self, index: Any) -> "AtIndex":
        return AtIndex(self.array, index)

    def __repr__(self) -> str:
        return f"_IndexUpdateHelper({self.array!r})"


class AtIndex:
    """x.at[idx]. Each method gives a changed copy of x, `get` what is there."""

    __slots__ = ("array", "index")

    def __init__(self, array: Any, index: Any):
        self.array = array
        self.index = index

    def __repr__(self) -> str:
        return f"_IndexUpdateRef({self.array!r}, {self.index!r})"

    def get(
        self,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Any = None,
        fill_value: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Any:
        """x[idx], with a say in what happens out of bounds. See `index_get`."""
        return index_get(
            self.array,
            self.index,
            indices_are_sorted=indices_are_sorted,
            unique_indices=unique_indices,
            mode=mode,
            fill_value=fill_value,
            wrap_negative_indices=wrap_negative_indices,
        )

    def set(self, values: Any, /, **options: Any) -> Any:
        """x with x[idx] = values. Options: those of `index_update`."""
        return index_update(self.array, self.index, values, "set", **options)

    def add(self, values: Any, /, **options: Any) -> Any:
        """x with x[idx] += values; elements named repeatedly get all values added."""
        return index_update(self.array, self.index, values, "add", **options)

    def subtract(self, values: Any, /, **options: Any) -> Any:
        """x with x[idx] -= values; elements named repeatedly get all values subtracted."""
        return index_update(self.array, self.index, values, "subtract", **options)

    def multiply(self, values: Any, /, **options: Any) -> Any:
        """x with x[idx] *= values; elements named repeatedly get multiplied by all."""
        return index_update(self.array, self.index, values, "multiply", **options)

    mul = multiply

    def divide(self, values: Any, /, **options: Any) -> Any:
        """x with x[idx] /= values; integers become floats."""
        return index_update(self.array, self.index, values, "divide", **options)

    def power(self, values: Any, /, **options: Any) -> Any:
        """x with x[idx] **= values."""
        return index_update(self.array, self.index, values, "power", **options)

    def min(self, values: Any, /, **options: Any) -> Any:
        """x with x[idx] = minimum(x[idx], values)."""
        return index_update(self.array, self.index, values, "min", **options)

    def max(self, values: Any, /, **options: Any) -> Any:
        """x with x[idx] = maximum(x[idx], values)."""
        return index_update(self.array, self.index, values, "max", **options)

    def apply(self, func: Callable[[Any], Any], /, **options: Any) -> Any:
        """x with x[idx] = func(x[idx]), func elementwise; elements named repeatedly get it repeatedly."""
        return index_update(self.array, self.index, func, "apply", **options)


__all__ = ["At", "AtIndex", "index", "index_get", "index_update"]
