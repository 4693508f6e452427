"""Windowed reductions: pooling and its derivatives.

All operations share five parameters, with a number for each axis: `window_dimensions`, `window_strides`, `padding`
(low, high), `base_dilation` (of the operand) and `window_dilation`. Place o of the result combines the elements at
o * stride + k * window_dilation, k = 0 .. window - 1, of the dilated and padded operand.
"""

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr
from numax._engine.core.primitive import Primitive, Zero, not_linear, on_device
from numax._engine.core.trace import as_value
from numax._engine.core.tree import flatten, unflatten
from numax._engine.ops import program
from numax._engine.ops.basis import broadcast_in_dim, full, reshape, select_n, to_front
from numax._engine.ops.compare import ge_p, le_p
from numax._engine.ops.conv import padtype_to_pads
from numax._engine.ops.extreme import extreme, limit, limit_array
from numax._engine.ops.families import ANY, NUMBERS, REALS, check_dtype
from numax._engine.ops.reduce import matched_inits, monoid
from numax._engine.ops.shape import pad, pad_p
from numax._engine.ops.slicing import slice as slice_of
from numax._engine.stablehlo import hlo

_NARROW = frozenset(dtypes.FLOATS) - {dtypes.float32, dtypes.float64}
Ints = tuple[int, ...]

# ---- the geometry of windows ----


def reduce_window_shape_tuple(
    operand_shape: Sequence[int],
    window_dimensions: Sequence[int],
    window_strides: Sequence[int],
    padding: Any,
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> Ints:
    """The shape of a windowed reduction: how many places the window has along each axis.

    Raises: TypeError if the numbers of axes differ. Source: StableHLO `reduce_window`.
    """
    shape = tuple(operand_shape)
    window = _geometry(
        shape, window_dimensions, window_strides, padding, base_dilation, window_dilation
    )
    return _places(shape, **window)


def _factors(what: str, values: Any, rank: int) -> Ints:
    found = (1,) * rank if values is None else tuple([operator.index(v) for v in values])
    if len(found) != rank:
        raise TypeError(
            f"reduce_window: {what} must have a number for each of {rank} axes; got {found}."
        )
    if any(v < 1 for v in found):
        raise TypeError(f"reduce_window: {what} must be positive; got {found}.")
    return found


def _geometry(
    shape: Ints, dimensions: Any, strides: Any, padding: Any, base: Any, dilation: Any
) -> dict[str, Any]:
    """The five parameters, checked, with named padding resolved."""
    rank = len(shape)
    sizes = _factors("window_dimensions", dimensions, rank)
    steps = _factors("window_strides", strides, rank)
    spread = _factors("base_dilation", base, rank)
    apart = _factors("window_dilation", dilation, rank)
    if isinstance(padding, str):
        extents = [_spread(k, s) for k, s in zip(sizes, apart, strict=True)]
        padding = padtype_to_pads(shape, extents, steps, padding)
    pads = tuple([(operator.index(low), operator.index(high)) for low, high in padding])
    if len(pads) != rank:
        raise ValueError(
            f"reduce_window: padding must have a pair for each of {rank} axes; got {pads}."
        )
    return {
        "window_dimensions": sizes,
        "window_strides": steps,
        "padding": pads,
        "base_dilation": spread,
        "window_dilation": apart,
    }


def _spread(n: int, step: int) -> int:
    return (n - 1) * step + 1 if n else 0


def _places(
    shape: Ints, *, window_dimensions, window_strides, padding, base_dilation, window_dilation
) -> Ints:
    return hlo.window_shape(
        shape, window_dimensions, window_strides, padding, base_dilation, window_dilation
    )


def _infer_places(op: str, x: ShapedArray, geometry: dict[str, Any]) -> Ints:
    for name, values in geometry.items():
        if len(values) != x.ndim:
            raise TypeError(
                f"{op}: {name} must have an entry for each of {x.ndim} axes; got {values}."
            )
    return _places(x.shape, **geometry)


def _config(geometry: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Padding and dilation of the operand, as `pad` takes them."""
    pairs = zip(geometry["padding"], geometry["base_dilation"], strict=True)
    return [(low, high, step - 1) for (low, high), step in pairs]


def _padded_host(x: np.ndarray, fill: Any, geometry: dict[str, Any]) -> np.ndarray:
    config = _config(geometry)
    if all(c == (0, 0, 0) for c in config):
        return x
    return pad_p.host(x, np.asarray(fill).astype(x.dtype), padding_config=tuple(config))


def _padded(ctx: Any, x: Any, fill: Any, geometry: dict[str, Any]) -> Any:
    config = _config(geometry)
    if all([c == (0, 0, 0) for c in config]):
        return x
    low, high, interior = ([c[i] for c in config] for i in range(3))
    return hlo.pad(ctx, x, fill, low, high, interior)


def _offsets(geometry: dict[str, Any]) -> Iterator[Ints]:
    """Where the window's elements lie, seen from its first one, in row-major order."""
    apart = geometry["window_dilation"]
    for index in np.ndindex(*geometry["window_dimensions"]):
        yield tuple([i * d for i, d in zip(index, apart, strict=True)])


def _at(offset: Ints, places: Ints, geometry: dict[str, Any]) -> tuple[slice, ...]:
    """The slices that take, for all places of the window, its element at an offset."""
    steps = geometry["window_strides"]
    return tuple(
        [slice(o, o + (n - 1) * s + 1, s) for o, n, s in zip(offset, places, steps, strict=True)]
    )


def _shifted(geometry: dict[str, Any]) -> dict[str, Any]:
    """The parameters for operands with a new first axis, along which the window has size 1."""
    return {
        name: (((0, 0) if name == "padding" else 1), *values) for name, values in geometry.items()
    }


# ---- sum, max, min ----


_OPS_LIMIT = 32  # windows that take more slices than this compile to the compiler's own loops


class _Numpy:
    """Slices and combinations of NumPy arrays."""

    def __init__(self, ufunc: Any):
        self.combine = ufunc

    @staticmethod
    def cut(x: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
        return x[(*(slice(None),) * axis, slice(start, stop, step))]


class _Hlo:
    """Slices and combinations of values in a module."""

    def __init__(self, ctx: Any, body: Any):
        self.ctx = ctx
        self.body = body

    def combine(self, x: Any, y: Any) -> Any:
        return self.body(self.ctx, x, y)

    def cut(self, x: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
        low, high, steps = [0] * len(x.shape), list(x.shape), [1] * len(x.shape)
        low[axis], high[axis], steps[axis] = start, stop, step
        return hlo.slice(self.ctx, x, low, high, steps)


def _doubles(size: int, step: int) -> bool:
    return size > 4 and size > 2 * step * math.log2(size)


def _slices(geometry: dict[str, Any]) -> int:
    """How many slices the reduction takes, one axis after another."""
    pairs = zip(geometry["window_dimensions"], geometry["window_strides"], strict=True)
    return sum([2 * size.bit_length() if _doubles(size, step) else size for size, step in pairs])


def _along(on: Any, x: Any, axis: int, size: int, step: int, apart: int) -> Any:
    """A windowed reduction along one axis, by slices of the whole array."""
    reach = (size - 1) * apart
    stop = (x.shape[axis] - reach - 1) // step * step + 1
    if _doubles(size, step):
        whole = _by_doubling(on, x, axis, size, apart)
        return on.cut(whole, axis, 0, stop, step)
    out = on.cut(x, axis, 0, stop, step)
    for k in range(1, size):
        out = on.combine(out, on.cut(x, axis, k * apart, k * apart + stop, step))
    return out


def _by_doubling(on: Any, x: Any, axis: int, size: int, apart: int) -> Any:
    """Windows of every length that is a power of two, each from the one before; joined to the length wanted."""
    out, done, length = None, 0, 1
    total = x.shape[axis] - (size - 1) * apart
    while True:
        if size & length:
            piece = on.cut(x, axis, done * apart, done * apart + total)
            out = piece if out is None else on.combine(out, piece)
            done += length
        if done == size:
            return out
        n, shift = x.shape[axis], length * apart
        x = on.combine(on.cut(x, axis, 0, n - shift), on.cut(x, axis, shift, n))
        length *= 2


def _every_axis(on: Any, x: Any, geometry: dict[str, Any]) -> Any:
    """A windowed reduction of an operand that is padded and dilated already."""
    names = ("window_dimensions", "window_strides", "window_dilation")
    for axis, (size, step, apart) in enumerate(zip(*[geometry[n] for n in names], strict=True)):
        if size > 1 or step > 1:
            x = _along(on, x, axis, size, step, apart)
    return x


def _host(ufunc: Any, fill: Callable[[Any], Any], widen: bool) -> Any:
    def host(x: np.ndarray, **geometry: Any) -> np.ndarray:
        dtype, places = x.dtype, _places(x.shape, **geometry)
        if 0 in places:
            return np.zeros(places, dtype)
        if widen and dtype in _NARROW:
            x = x.astype(np.float32)
        out = _every_axis(_Numpy(ufunc), _padded_host(x, fill(dtype), geometry), geometry)
        return out.astype(dtype, copy=False)

    return host


def _emit(
    ctx: Any, operands: Sequence[Any], inits: Sequence[Any], body: Any, geometry: dict[str, Any]
) -> list[Any]:
    return hlo.reduce_window(
        ctx,
        operands,
        inits,
        body,
        window_dimensions=geometry["window_dimensions"],
        window_strides=geometry["window_strides"],
        padding=geometry["padding"],
        base_dilations=geometry["base_dilation"],
        window_dilations=geometry["window_dilation"],
    )


def _lower(body: Callable[[Any], Any], fill: Callable[[Any], Any], widen: bool) -> Any:
    def lower(ctx: Any, x: Any, **geometry: Any) -> Any:
        dtype = x.dtype
        if widen and dtype in _NARROW:
            x = hlo.convert(ctx, x, dtypes.float32)
        places = ctx.avals_out[0].shape
        if 0 in places or 0 in x.shape:
            start = ctx.constant(np.asarray(fill(x.dtype)).astype(dtype))
            return hlo.broadcast_scalar(ctx, start, places)
        start = ctx.constant(np.asarray(fill(x.dtype)).astype(x.dtype))
        if ctx.platform == "cpu" and _slices(geometry) <= _OPS_LIMIT:  # up to 8 times faster
            out = _every_axis(_Hlo(ctx, body(x.dtype)), _padded(ctx, x, start, geometry), geometry)
        else:
            out = _emit(ctx, [x], [start], body(x.dtype), geometry)[0]
        return hlo.convert(ctx, out, dtype)

    return lower


def _windowed(
    name: str,
    *,
    accepts: Any,
    ufunc: Any,
    body: Any,
    fill: Any,
    jvp: Any,
    transpose: Any,
    widen: bool,
) -> Primitive:
    """A windowed reduction of one operand. jvp: (t, x, geometry) -> tangent."""

    def infer(x: ShapedArray, **geometry: Any) -> ShapedArray:
        check_dtype(name, x, accepts)
        return ShapedArray(_infer_places(name, x, geometry), x.dtype, x.weak_type)

    def derivative(primals: Any, tangents: Any, **geometry: Any) -> Any:
        return prim.bind(*primals, **geometry), jvp(tangents[0], primals[0], geometry)

    def batch(axis: Any, args: Any, dims: Any, **geometry: Any) -> Any:
        d = dims[0]
        moved = {
            key: (*values[:d], (0, 0) if key == "padding" else 1, *values[d:])
            for key, values in geometry.items()
        }
        return prim.bind(args[0], **moved), d

    prim = Primitive(
        name=name,
        infer=infer,
        host=_host(ufunc, fill, widen),
        lower=_lower(body, fill, widen),
        jvp=derivative,
        transpose=transpose,
        batch=batch,
    )
    return prim


def _sum_transpose(ct: Any, x: Any, **geometry: Any) -> list[Any]:
    # y[o] = sum_k xp[o s + k d] with xp[i b + low] = x[i]; so ct_x[i] = sum_k ctp[i b + low - k d], ctp[o s] = ct[o]:
    # a windowed sum again, with the two strides exchanged.
    pads = []
    for i, n in enumerate(x.aval.shape):
        reach = (geometry["window_dimensions"][i] - 1) * geometry["window_dilation"][i]
        low = reach - geometry["padding"][i][0]
        whole = _spread(ct.aval.shape[i], geometry["window_strides"][i])
        pads.append((low, _spread(n, geometry["base_dilation"][i]) + reach - whole - low))
    back = reduce_window_sum_p.bind(
        ct,
        window_dimensions=geometry["window_dimensions"],
        window_strides=geometry["base_dilation"],
        padding=tuple(pads),
        base_dilation=geometry["window_strides"],
        window_dilation=geometry["window_dilation"],
    )
    return [back]


reduce_window_sum_p = _windowed(
    "reduce_window_sum",
    accepts=NUMBERS,
    ufunc=np.add,
    body=lambda dtype: hlo.add,
    fill=lambda dtype: 0,
    jvp=lambda t, x, geometry: reduce_window_sum_p.bind(t, **geometry),
    transpose=_sum_transpose,
    widen=True,
)


def _extreme_jvp(select: Primitive) -> Any:
    def jvp(t: Any, x: Any, geometry: dict[str, Any]) -> Any:
        if all(d == 1 for d in (*geometry["base_dilation"], *geometry["window_dilation"])):
            return select_and_gather_add_p.bind(t, x, select_prim=select, **geometry)
        return _picked(t, x, select, geometry)

    return jvp


def _picked(t: Any, x: Any, select: Primitive, geometry: dict[str, Any]) -> Any:
    """The tangent of each window's chosen element, by comparing the window's elements one after another."""
    places = _places(x.aval.shape, **geometry)
    best = chosen = None
    values = pad(x, full((), limit(x.dtype, select is le_p), x.dtype), _config(geometry))
    tangents = pad(t, full((), 0, t.dtype), _config(geometry))
    for offset in _offsets(geometry):
        v, s = _taken(values, offset, places, geometry), _taken(tangents, offset, places, geometry)
        if best is None:
            best, chosen = v, s
            continue
        keep = select.bind(best, v)
        best, chosen = select_n(keep, v, best), select_n(keep, s, chosen)
    return chosen


def _taken(x: Any, offset: Ints, places: Ints, geometry: dict[str, Any]) -> Any:
    at = _at(offset, places, geometry)
    if 0 in places:
        return (
            reshape(slice_of(x, (0,) * x.aval.ndim, (0,) * x.aval.ndim), places)
            if x.aval.ndim
            else x
        )
    return slice_of(x, [s.start for s in at], [s.stop for s in at], [s.step for s in at])


reduce_window_max_p = _windowed(
    "reduce_window_max",
    accepts=ANY,
    ufunc=np.maximum,
    body=lambda dtype: extreme(dtype, True),
    fill=lambda dtype: limit(dtype, False),
    jvp=_extreme_jvp(ge_p),
    transpose=not_linear,
    widen=False,
)
reduce_window_min_p = _windowed(
    "reduce_window_min",
    accepts=ANY,
    ufunc=np.minimum,
    body=lambda dtype: extreme(dtype, False),
    fill=lambda dtype: limit(dtype, True),
    jvp=_extreme_jvp(le_p),
    transpose=not_linear,
    widen=False,
)


# ---- the chosen elements: select_and_gather_add, select_and_scatter_add ----


def _fill(select: Primitive, dtype: Any) -> np.ndarray:
    return limit_array(dtype, select is le_p)


def _few(geometry: dict[str, Any]) -> bool:
    return math.prod(geometry["window_dimensions"]) <= _OPS_LIMIT


def _choices(
    x: np.ndarray, select: Primitive, places: Ints, geometry: dict[str, Any]
) -> np.ndarray:
    """For each place of the window the number of the element, in row-major order, that `select` prefers."""
    count = math.prod(geometry["window_dimensions"])
    which = np.zeros(places, np.uint8 if count <= 256 else np.int32)
    keeps = np.greater_equal if select is ge_p else np.less_equal
    ordered = not np.isnan(x).any()
    better = np.maximum if select is ge_p else np.minimum
    best: Any = None
    for k, offset in enumerate(_offsets(geometry)):
        element = x[_at(offset, places, geometry)].copy()
        if best is None:
            best = element
            continue
        new = ~keeps(best, element)
        # Without branches, which `where` would take at random: the numbers only rise.
        which = np.maximum(which, new.astype(which.dtype) * which.dtype.type(k))
        best = better(best, element) if ordered else np.where(new, element, best)
    return which


def _masked(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The bits of x, as unsigned integers, where the mask holds, else 0."""
    word = np.dtype(f"u{x.dtype.itemsize}")
    return x.view(word) & np.negative(mask.astype(word))


def _gather_infer(
    t: ShapedArray, x: ShapedArray, *, select_prim: Primitive, **geometry: Any
) -> ShapedArray:
    check_dtype("select_and_gather_add", x, REALS)
    if t.shape != x.shape:
        raise TypeError(
            f"select_and_gather_add: shapes must be equal; got {t.str_short()} and {x.str_short()}."
        )
    return ShapedArray(_infer_places("select_and_gather_add", x, geometry), t.dtype)


def _gather_host(
    t: np.ndarray, x: np.ndarray, *, select_prim: Primitive, **geometry: Any
) -> np.ndarray:
    places = _places(x.shape, **geometry)
    if 0 in places:
        return np.zeros(places, t.dtype)
    values = _padded_host(x, _fill(select_prim, x.dtype), geometry)
    ts = _padded_host(t, 0, geometry)
    which = _choices(values, select_prim, places, geometry)
    out: Any = None
    for k, offset in enumerate(_offsets(geometry)):
        part = _masked(ts[_at(offset, places, geometry)], which == k)
        out = part if out is None else np.bitwise_or(out, part, out=out)
    return out.view(t.dtype)


def _gather_lower(ctx: Any, t: Any, x: Any, *, select_prim: Primitive, **geometry: Any) -> Any:
    direction = "GE" if select_prim is ge_p else "LE"
    places = ctx.avals_out[0].shape
    if 0 in places or 0 in x.shape:
        return (
            ctx.constant(np.zeros((), t.dtype)) if not places else hlo.full(ctx, 0, places, t.dtype)
        )

    def body(b: Any, x0: Any, t0: Any, x1: Any, t1: Any) -> list[Any]:
        keep = hlo.compare(b, x0, x1, direction)
        return [hlo.select(b, keep, x0, x1), hlo.select(b, keep, t0, t1)]

    starts = [ctx.constant(_fill(select_prim, x.dtype)), ctx.constant(np.zeros((), t.dtype))]
    if ctx.platform == "cpu" and _few(geometry):
        x, t = (_padded(ctx, v, start, geometry) for v, start in zip((x, t), starts, strict=True))
        best: Any = None
        for offset in _offsets(geometry):
            element = [_taken_value(ctx, v, offset, places, geometry) for v in (x, t)]
            best = element if best is None else body(ctx, *best, *element)
        return best[1]
    return _emit(ctx, [x, t], starts, body, geometry)[1]


def _taken_value(ctx: Any, x: Any, offset: Ints, places: Ints, geometry: dict[str, Any]) -> Any:
    at = _at(offset, places, geometry)
    return hlo.slice(ctx, x, [s.start for s in at], [s.stop for s in at], [s.step for s in at])


def _linear_jvp(prim: Callable[[], Primitive]) -> Any:
    def jvp(primals: Any, tangents: Any, **params: Any) -> Any:
        out = prim().bind(*primals, **params)
        if type(tangents[0]) is Zero:
            return out, Zero(out.aval.tangent())
        return out, prim().bind(tangents[0], primals[1], **params)

    return jvp


def _gather_transpose(
    ct: Any, t: Any, x: Any, *, select_prim: Primitive, **geometry: Any
) -> list[Any]:
    names = ("window_dimensions", "window_strides", "padding")
    kept = {name: geometry[name] for name in names}
    return [select_and_scatter_add_p.bind(ct, x, select_prim=select_prim, **kept), None]


def _pair_batch(prim: Callable[[], Primitive]) -> Any:
    def batch(axis: Any, args: Any, dims: Any, *, select_prim: Primitive, **geometry: Any) -> Any:
        values = [to_front(v, d, axis.size) for v, d in zip(args, dims, strict=True)]
        return prim().bind(*values, select_prim=select_prim, **_shifted(geometry)), 0

    return batch


select_and_gather_add_p = Primitive(
    name="select_and_gather_add",
    infer=_gather_infer,
    host=_gather_host,
    lower=_gather_lower,
    jvp=_linear_jvp(lambda: select_and_gather_add_p),
    transpose=_gather_transpose,
    batch=_pair_batch(lambda: select_and_gather_add_p),
)


def _undilated(geometry: dict[str, Any]) -> dict[str, Any]:
    ones = (1,) * len(geometry["padding"])
    return {**geometry, "base_dilation": ones, "window_dilation": ones}


def _scatter_infer(
    source: ShapedArray, x: ShapedArray, *, select_prim: Primitive, **geometry: Any
) -> ShapedArray:
    check_dtype("select_and_scatter_add", x, REALS)
    places = _infer_places("select_and_scatter_add", x, _undilated(geometry))
    if source.shape != places:
        raise TypeError(
            f"select_and_scatter_add: the source must have an element for each place of the window; got "
            f"{source.str_short()} for {places}."
        )
    return ShapedArray(x.shape, source.dtype)


def _scatter_host(
    source: np.ndarray, x: np.ndarray, *, select_prim: Primitive, **geometry: Any
) -> np.ndarray:
    geometry = _undilated(geometry)
    dtype = source.dtype
    if not source.size:
        return np.zeros(x.shape, dtype)
    values = _padded_host(x, _fill(select_prim, x.dtype), geometry)
    which = _choices(values, select_prim, source.shape, geometry)
    out = np.zeros(values.shape, np.float32 if dtype in _NARROW else dtype)
    pairs = zip(geometry["window_dimensions"], geometry["window_strides"], strict=True)
    apart = all([size <= step for size, step in pairs])
    for k, offset in enumerate(_offsets(geometry)):
        at = _at(offset, source.shape, geometry)
        part = _masked(source, which == k).view(source.dtype)
        if apart:
            out[at] = part
        else:
            out[at] += part
    if any([p != (0, 0) for p in geometry["padding"]]):
        back = tuple([(-low, -high, 0) for low, high in geometry["padding"]])
        out = pad_p.host(out, np.zeros((), out.dtype), padding_config=back)
    return out.astype(dtype, copy=False)


def _scatter_lower(
    ctx: Any, source: Any, x: Any, *, select_prim: Primitive, **geometry: Any
) -> Any:
    if 0 in source.shape or 0 in x.shape:
        return hlo.full(ctx, 0, x.shape, source.dtype)
    direction = "GE" if select_prim is ge_p else "LE"
    dtype = source.dtype
    if dtype in _NARROW:  # sum in float32, round once
        source, x = hlo.convert(ctx, source, dtypes.float32), hlo.convert(ctx, x, dtypes.float32)
    low, high = ([p[i] for p in geometry["padding"]] for i in range(2))
    values = hlo.pad(ctx, x, ctx.constant(_fill(select_prim, x.dtype)), low, high)
    zero = ctx.constant(np.zeros((), source.dtype))
    if ctx.platform == "cpu" and _few(geometry):  # 20 times faster
        out = _scattered(ctx, source, values, direction, _undilated(geometry))
        out = hlo.pad(ctx, out, zero, [-n for n in low], [-n for n in high])
        return hlo.convert(ctx, out, dtype)
    out = hlo.select_and_scatter(
        ctx,
        values,
        source,
        zero,
        lambda b, x0, x1: hlo.compare(b, x0, x1, direction),
        hlo.add,
        window_dimensions=geometry["window_dimensions"],
        window_strides=geometry["window_strides"],
    )
    out = hlo.pad(ctx, out, zero, [-n for n in low], [-n for n in high])
    return hlo.convert(ctx, out, dtype)


def _scattered(ctx: Any, source: Any, x: Any, direction: str, geometry: dict[str, Any]) -> Any:
    """The source, at each element of the window in turn where that one was chosen, spread out and summed."""
    places = source.shape
    number = np.dtype(np.int32)
    best = which = None
    for k, offset in enumerate(_offsets(geometry)):
        element, mark = (
            _taken_value(ctx, x, offset, places, geometry),
            hlo.full(ctx, k, places, number),
        )
        if best is None:
            best, which = element, mark
            continue
        keep = hlo.compare(ctx, best, element, direction)
        best, which = hlo.select(ctx, keep, best, element), hlo.select(ctx, keep, which, mark)
    nothing = hlo.full(ctx, 0, places, source.dtype)
    zero = ctx.constant(np.zeros((), source.dtype))
    out: Any = None
    for k, offset in enumerate(_offsets(geometry)):
        here = hlo.compare(ctx, which, hlo.full(ctx, k, places, number), "EQ")
        at = _at(offset, places, geometry)
        high = [n - s.stop for n, s in zip(x.shape, at, strict=True)]
        part = hlo.select(ctx, here, source, nothing)
        part = hlo.pad(ctx, part, zero, [s.start for s in at], high, [s.step - 1 for s in at])
        out = part if out is None else hlo.add(ctx, out, part)
    return out


def _scatter_transpose(
    ct: Any, source: Any, x: Any, *, select_prim: Primitive, **geometry: Any
) -> list[Any]:
    return [
        select_and_gather_add_p.bind(ct, x, select_prim=select_prim, **_undilated(geometry)),
        None,
    ]


select_and_scatter_add_p = Primitive(
    name="select_and_scatter_add",
    infer=_scatter_infer,
    host=_scatter_host,
    lower=_scatter_lower,
    jvp=_linear_jvp(lambda: select_and_scatter_add_p),
    transpose=_scatter_transpose,
    batch=_pair_batch(lambda: select_and_scatter_add_p),
)


# ---- reduce_window ----


def reduce_window(
    operand: Any,
    init_value: Any,
    computation: Callable[[Any, Any], Any],
    window_dimensions: Sequence[int],
    window_strides: Sequence[int] | None = None,
    padding: Any = "VALID",
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> Any:
    """Combine the elements at each place of a window with any associative and commutative function of scalars.

    Args: operand and init_value, pytrees of one structure; computation takes two such trees of scalars;
        padding, "VALID", "SAME", "SAME_LOWER" or (low, high) pairs, is filled with the init value.
    Raises: TypeError if a parameter does not fit the operand's axes. Grad: through the computation.
    Source: StableHLO `reduce_window`.
    """
    values, tree = flatten(operand)
    inits, init_tree = flatten(init_value)
    if tree != init_tree:
        raise ValueError(
            f"reduce_window: operand and init_value must have one structure; got {tree} and {init_tree}."
        )
    if not values:
        raise ValueError("reduce_window: at least one operand is needed.")
    values = [as_value(x, "reduce_window") for x in values]
    inits = matched_inits("reduce_window", values, inits)
    geometry = _geometry(
        values[0].shape, window_dimensions, window_strides, padding, base_dilation, window_dilation
    )

    def flat(*args: Any) -> list[Any]:
        left = unflatten(tree, args[: len(values)])
        return flatten(computation(left, unflatten(tree, args[len(values) :])))[0]

    combine = program.combiner("reduce_window", flat, [x.aval for x in values])
    if len(values) == 1:
        known = _KNOWN.get(monoid(combine, inits[0]) or "")
        if known is not None and values[0].dtype in NUMBERS:
            return unflatten(tree, [known.bind(values[0], **geometry)])
    return unflatten(tree, reduce_window_p.bind(*values, *inits, jaxpr=combine, **geometry))


_KNOWN = {"add": reduce_window_sum_p, "max": reduce_window_max_p, "min": reduce_window_min_p}


def _window_infer(*args: ShapedArray, jaxpr: ClosedJaxpr, **geometry: Any) -> list[ShapedArray]:
    operands = args[: len(args) // 2]
    for x in operands[1:]:
        if x.shape != operands[0].shape:
            raise TypeError(
                f"reduce_window: operands must have equal shapes; got {', '.join(a.str_short() for a in operands)}."
            )
    return [ShapedArray(_infer_places("reduce_window", x, geometry), x.dtype) for x in operands]


def _window_values(*args: Any, jaxpr: ClosedJaxpr, **geometry: Any) -> list[Any]:
    """One element of all windows after another, in whole-array operations."""
    count = len(args) // 2
    operands, inits = args[:count], args[count:]
    places = _places(operands[0].aval.shape, **geometry)
    size = math.prod(places)
    padded = [pad(x, i, _config(geometry)) for x, i in zip(operands, inits, strict=True)]
    result = [broadcast_in_dim(i, (size,), ()) for i in inits]
    for offset in _offsets(geometry) if size else ():
        taken = [reshape(_taken(x, offset, places, geometry), (size,)) for x in padded]
        result = program.run_each(jaxpr, [*result, *taken])
    return [reshape(x, places) for x in result]


def _window_lower(ctx: Any, *args: Any, jaxpr: ClosedJaxpr, **geometry: Any) -> list[Any]:
    count = len(args) // 2
    operands, inits = args[:count], args[count:]
    places = ctx.avals_out[0].shape
    if 0 in places:
        return [hlo.broadcast_scalar(ctx, i, places) for i in inits]
    return _emit(
        ctx, operands, inits, lambda b, *scalars: program.emit(b, jaxpr, scalars), geometry
    )


def _window_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    avals = [x.aval for x in primals]
    whole = program.record("reduce_window", lambda *args: _window_values(*args, **params), avals)
    return program.run_jvp(whole, primals, tangents)


def _window_batch(axis: Any, args: Any, dims: Any, *, jaxpr: ClosedJaxpr, **geometry: Any) -> Any:
    count = len(args) // 2
    values = [to_front(x, d, axis.size) for x, d in zip(args[:count], dims[:count], strict=True)]
    if all(d is None for d in dims[count:]):
        return reduce_window_p.bind(*values, *args[count:], jaxpr=jaxpr, **_shifted(geometry)), [
            0
        ] * count
    values += [to_front(x, d, axis.size) for x, d in zip(args[count:], dims[count:], strict=True)]
    avals = [ShapedArray(x.aval.shape[1:], x.dtype) for x in values]
    whole = program.record(
        "reduce_window", lambda *xs: _window_values(*xs, jaxpr=jaxpr, **geometry), avals
    )
    return program.run_each(whole, values), [0] * count


reduce_window_p = Primitive(
    name="reduce_window",
    infer=_window_infer,
    host=on_device,
    impl=_window_values,
    lower=_window_lower,
    jvp=_window_jvp,
    transpose=not_linear,
    batch=_window_batch,
    multiple_results=True,
)

__all__ = [
    "reduce_window",
    "reduce_window_max_p",
    "reduce_window_min_p",
    "reduce_window_p",
    "reduce_window_shape_tuple",
    "reduce_window_sum_p",
    "select_and_gather_add_p",
    "select_and_scatter_add_p",
]
