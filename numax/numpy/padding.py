"""pad: constants, edges, reflections, ramps and statistics around an array, axis after axis."""

import builtins
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.creation import constant
from numax.numpy.joining import _rows
from numax.numpy.promotion import to_shape, value
from numax.numpy.taking import apply_along_axis

_OPTIONS: dict[str, frozenset[str]] = {
    "constant": frozenset({"constant_values"}),
    "edge": frozenset(),
    "empty": frozenset(),
    "linear_ramp": frozenset({"end_values"}),
    "maximum": frozenset({"stat_length"}),
    "mean": frozenset({"stat_length"}),
    "median": frozenset({"stat_length"}),
    "minimum": frozenset({"stat_length"}),
    "reflect": frozenset({"reflect_type"}),
    "symmetric": frozenset({"reflect_type"}),
    "wrap": frozenset(),
}


def _numbers(x: Any) -> Any:
    """Arrays inside nested sequences as NumPy arrays."""
    if isinstance(x, list | tuple):
        return [_numbers(i) for i in x]
    return core.to_ndarray(x) if isinstance(x, Array) else x


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """(before, after) for each axis."""
    if type(pad_width) is int and pad_width >= 0:
        return [(pad_width, pad_width)] * ndim
    if isinstance(pad_width, Mapping):
        out = [(0, 0)] * ndim
        for axis, pair in pad_width.items():
            place = core.canonical_axis("pad", axis, ndim)
            out[place] = _widths(pair, 1)[0]
        return out
    found = np.asarray(_numbers(pad_width))
    if found.dtype.kind not in "iu":
        raise TypeError(f"pad: pad_width must be integers known while tracing; got {pad_width!r}.")
    if (found < 0).any():
        raise ValueError(
            f"pad: pad_width can't contain negative values; got {pad_width!r}. Use x[a:b] to cut."
        )
    try:
        pairs = np.broadcast_to(found, (ndim, 2)).tolist()
    except ValueError:
        raise ValueError(
            f"pad: pad_width must be a number, (before, after), or a pair for each of the {ndim} axes; got shape "
            f"{found.shape}."
        ) from None
    return [(int(a), int(b)) for a, b in pairs]


def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """The array with elements put before and after it along each axis.

    Differs from NumPy: a function as mode must return the padded vector. Grad: linear (by mode).
    Raises: ValueError for negative widths or options of another mode; NotImplementedError for an unknown mode.
    Source: NumPy `pad`.
    """
    x = value("pad", array)
    widths = _widths(pad_width, len(x.shape))
    if callable(mode):
        return _by_function(x, widths, mode, kwargs)
    if mode not in _OPTIONS:
        raise NotImplementedError(
            f"pad: unknown mode {mode!r}. Use a function or one of {', '.join(_OPTIONS)}."
        )
    unknown = set(kwargs) - _OPTIONS[mode]
    if unknown:
        raise ValueError(
            f"pad: unsupported keyword arguments for mode {mode!r}: {sorted(unknown)}."
        )
    if mode in ("constant", "empty"):
        return _constant(x, widths, kwargs.get("constant_values", 0))
    for axis, (before, after) in enumerate(widths):
        if not x.shape[axis] and (before or after):
            raise ValueError(
                f"pad: cannot apply {mode!r} padding to axis {axis}, which is empty; got shape {x.shape}."
            )
    return core.convert(_MODES[mode](x, widths, **kwargs), x.dtype, x.aval.weak_type)


def _constant(x: Any, widths: list[tuple[int, int]], values: Any) -> Any:
    if np.isscalar(values) or getattr(values, "shape", None) == ():
        fill = core.convert(value("pad", values), x.dtype, x.aval.weak_type)
        return lax.pad(x, fill, [(a, b, 0) for a, b in widths])
    pairs = _pairs(values, len(x.shape), x.dtype)
    for axis, (before, after) in enumerate(widths):
        for amount, side in ((before, 0), (after, 1)):
            config = [(0, 0, 0)] * len(x.shape)
            config[axis] = (amount, 0, 0) if side == 0 else (0, amount, 0)
            x = lax.pad(x, pairs[axis][side], config)
    return x


def _pairs(values: Any, ndim: int, dtype: Any) -> list[list[Any]]:
    """(before, after) values for each axis, as scalars of a dtype; they may be traced."""
    leaves, _ = core.tree.flatten(values)
    if not any(isinstance(v, Array) for v in leaves):
        found = np.broadcast_to(np.asarray(values), (ndim, 2))
        return [[core.convert(value("pad", v), dtype) for v in pair.tolist()] for pair in found]

    def as_array(v: Any) -> Any:
        if isinstance(v, list | tuple):
            return lax.stack([as_array(i) for i in v], 0)
        return core.convert(value("pad", v), dtype)

    whole = to_shape(as_array(values), (ndim, 2))
    return [list(lax.unstack(row, 0)) for row in lax.unstack(whole, 0)]


def _cut(x: Any, axis: int, start: int, stop: int) -> Any:
    return lax.slice_in_dim(x, start, stop, axis=axis)


def _around(x: Any, axis: int, left: Any, right: Any) -> Any:
    parts = [p for p in (left, x, right) if p is not None]
    return lax.concatenate(parts, axis) if len(parts) > 1 else x


def _spread(x: Any, axis: int, size: int) -> Any:
    """A slice of size 1, repeated."""
    if not size:
        return None
    shape = list(x.shape)
    shape[axis] = size
    return to_shape(x, tuple(shape))


def _edge(x: Any, widths: list[tuple[int, int]]) -> Any:
    for axis, (before, after) in enumerate(widths):
        n = x.shape[axis]
        left = _spread(_cut(x, axis, 0, 1), axis, before) if before else None
        right = _spread(_cut(x, axis, n - 1, n), axis, after) if after else None
        x = _around(x, axis, left, right)
    return x


def _wrap(x: Any, widths: list[tuple[int, int]]) -> Any:
    for axis, (before, after) in enumerate(widths):
        n = x.shape[axis]
        if before <= n and after <= n:
            left = _cut(x, axis, n - before, n) if before else None
            right = _cut(x, axis, 0, after) if after else None
            x = _around(x, axis, left, right)
        else:
            x = _rows(x, _places((np.arange(-before, n + after)) % n), axis)
    return x


def _places(index: np.ndarray) -> Any:
    return core.from_numpy(index.astype(np.int32))


def _mirror(offset: int) -> Callable[..., Any]:
    """reflect (offset 1: the edge once) or symmetric (offset 0: the edge twice)."""
    name = "reflect" if offset else "symmetric"

    def run(x: Any, widths: list[tuple[int, int]], reflect_type: str = "even") -> Any:
        if reflect_type not in ("even", "odd"):
            raise ValueError(f"pad: reflect_type must be 'even' or 'odd'; got {reflect_type!r}.")
        for axis, (before, after) in enumerate(widths):
            n = x.shape[axis]
            if not before and not after:
                continue
            if n == 1 and offset:
                single = [(0, 0)] * len(x.shape)
                single[axis] = (before, after)
                x = _edge(x, single)
            elif reflect_type == "odd":
                x = _odd(x, axis, before, after, offset)
            elif before <= n - offset and after <= n - offset:
                left = lax.rev(_cut(x, axis, offset, offset + before), (axis,)) if before else None
                right = (
                    lax.rev(_cut(x, axis, n - offset - after, n - offset), (axis,))
                    if after
                    else None
                )
                x = _around(x, axis, left, right)
            else:
                index = np.pad(np.arange(n), (before, after), mode=name)
                x = _rows(x, _places(index), axis)
        return x

    return run


def _odd(x: Any, axis: int, before: int, after: int, offset: int) -> Any:
    """Point reflections in the edges: element p is sign * x[index] + low * x[0] + high * x[-1]."""
    n = x.shape[axis]
    table = []
    for p in range(-before, n + after):
        sign, low, high = 1, 0, 0
        while not 0 <= p < n:
            if p < 0:
                low, p = low + 2 * sign, -p - (1 - offset)
            else:
                high, p = high + 2 * sign, 2 * n - 1 - offset - p
            sign = -sign
        table.append((sign, p, low, high))
    sign, index, low, high = np.array(table).T
    out = _rows(x, _places(index), axis)
    sizes = [1] * len(x.shape)
    sizes[axis] = len(table)

    def factor(numbers: np.ndarray) -> Any:
        data = numbers.reshape(sizes).astype(x.dtype)
        return to_shape(core.from_numpy(data), out.shape)

    first = to_shape(_cut(x, axis, 0, 1), out.shape)
    last = to_shape(_cut(x, axis, n - 1, n), out.shape)
    ends = lax.add(lax.mul(first, factor(low)), lax.mul(last, factor(high)))
    return lax.add(lax.mul(out, factor(sign)), ends)


def _ramp(x: Any, widths: list[tuple[int, int]], end_values: Any = 0) -> Any:
    dtype = x.dtype
    exact = not dtypes.is_inexact(dtype)
    work = dtypes.default_dtype(float) if exact else dtype
    ends = _pairs(end_values, len(x.shape), dtype)
    for axis, (before, after) in enumerate(widths):
        n = x.shape[axis]
        sides = []
        for amount, edge, end in ((before, 0, ends[axis][0]), (after, n - 1, ends[axis][1])):
            if not amount:
                sides.append(None)
                continue
            line = _spread(core.convert(_cut(x, axis, edge, edge + 1), work), axis, amount)
            sizes = [1] * len(x.shape)
            sizes[axis] = amount
            weight = np.arange(amount) / amount
            weight = weight if edge == 0 and len(sides) == 0 else weight[::-1]
            weight = to_shape(core.from_numpy(weight.reshape(sizes).astype(work)), line.shape)
            end = core.convert(end, work)
            part = lax.add(lax.mul(lax.sub(line, end), weight), end)
            whole = dtypes.is_integer(dtype)
            sides.append(core.convert(lax.floor(part) if whole else part, dtype))
        x = _around(x, axis, *sides)
    return x


def _median(x: Any, axis: int) -> Any:
    x = lax.sort(x, axis)
    n = x.shape[axis]
    low = _cut(x, axis, (n - 1) // 2, (n - 1) // 2 + 1)
    high = _cut(x, axis, n // 2, n // 2 + 1)
    return lax.mul(lax.add(low, high), core.full((), 0.5, x.dtype))


def _mean(x: Any, axis: int) -> Any:
    total = lax.expand_dims(lax.reduce_sum(x, (axis,)), (axis,))
    return lax.div(total, core.full((), x.shape[axis], x.dtype))


def _statistic(name: str, reduce: Callable[[Any, int], Any], averages: bool) -> Callable[..., Any]:
    def run(x: Any, widths: list[tuple[int, int]], stat_length: Any = None) -> Any:
        dtype = x.dtype
        exact = averages and not dtypes.is_inexact(dtype)
        lengths = None if stat_length is None else _widths(stat_length, len(x.shape))
        for axis, (before, after) in enumerate(widths):
            n = x.shape[axis]
            first, last = (n, n) if lengths is None else [builtins.min(i, n) for i in lengths[axis]]
            if builtins.min(first, last) == 0:
                raise ValueError(
                    f"pad: stat_length must be positive for mode {name!r}; got {stat_length!r}."
                )

            def of(start: int, stop: int, width: int, x: Any = x, axis: int = axis) -> Any:
                part = _cut(x, axis, start, stop)
                if exact:
                    part = core.convert(part, dtypes.default_dtype(float))
                found = reduce(part, axis)
                if exact and dtypes.is_integer(dtype):
                    found = lax.round(found, lax.RoundingMethod.TO_NEAREST_EVEN)
                return _spread(core.convert(found, dtype), axis, width)

            x = _around(x, axis, of(0, first, before), of(n - last, n, after))
        return x

    return run


def _keep(reduce: Callable[..., Any]) -> Callable[[Any, int], Any]:
    return lambda x, axis: lax.expand_dims(reduce(x, (axis,)), (axis,))


_MODES: dict[str, Callable[..., Any]] = {
    "edge": _edge,
    "wrap": _wrap,
    "reflect": _mirror(1),
    "symmetric": _mirror(0),
    "linear_ramp": _ramp,
    "maximum": _statistic("maximum", _keep(lax.reduce_max), False),
    "minimum": _statistic("minimum", _keep(lax.reduce_min), False),
    "mean": _statistic("mean", _mean, True),
    "median": _statistic("median", _median, True),
}


def _by_function(
    x: Any, widths: list[tuple[int, int]], function: Any, options: dict[str, Any]
) -> Any:
    x = _constant(x, widths, 0)
    for axis, pair in enumerate(widths):
        index = operator.index(axis)

        def line(vector: Any, pair: Any = pair, index: int = index) -> Any:
            out = function(vector, pair, index, options)
            if out is None:
                raise TypeError(
                    "pad: the function must return the padded vector; got None. Arrays are immutable."
                )
            return out

        x = apply_along_axis(line, axis, x) if x.shape[axis] else constant(x.shape, 0, x.dtype)
    return x


__all__ = ["pad"]
