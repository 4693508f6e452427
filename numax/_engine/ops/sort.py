"""Sorting and the largest elements.

Order of floats: -0.0 equals 0.0, and nan is last; complex numbers by real, then imaginary part. `top_k` alone uses the
total order, in which -0.0 < 0.0 and nan is the largest, or the smallest if its sign bit is set.
"""

import math
import operator
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_linear
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    broadcast_in_dim,
    canonical_axis,
    moveaxis,
    reshape,
    to_front,
)
from numax._engine.ops.families import ANY, FLOATS, REALS_AND_BOOL, check_dtype
from numax._engine.ops.gather import GatherDimensionNumbers, gather
from numax._engine.ops.shape import broadcasted_iota
from numax._engine.stablehlo import hlo

_INT32, _UINT32, _UINT64 = np.dtype(np.int32), np.dtype(np.uint32), np.dtype(np.uint64)
_CALLBACK = "xla_ffi_python_cpu_callback"
_CALLBACK_SIZE = (
    4096  # from here on NumPy's sort, called from XLA's CPU program, is 20 to 50 times faster
)
_BLOCKED = 1 << 14  # from here on the few largest are sought among blocks with large maxima
_MANY = 4096  # from here on NumPy finds the k largest faster than XLA: 1 million, k = 10,000: 28 ms in XLA
_HIGH, _LOW = (1, 0) if sys.byteorder == "little" else (0, 1)
_PACK_SIZE = 256  # from here on sorting packed 64-bit integers beats a stable argsort


# ---- what NumPy needs: keys with the order wanted ----


def _native(x: np.ndarray) -> np.ndarray:
    """x in a dtype that NumPy sorts fast, in the same order."""
    if x.dtype.kind == "V" or x.dtype.kind not in "biufc":
        wide = (
            np.float32
            if dtypes.is_float(x.dtype)
            else np.int8
            if dtypes.is_signed(x.dtype)
            else np.uint8
        )
        return x.astype(wide)
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _bits32(x: np.ndarray, total: bool) -> np.ndarray | None:
    """Unsigned 32-bit integers in the order of x (the total one, or the usual); None for wider x."""
    x = _native(x)
    kind, width = x.dtype.kind, x.dtype.itemsize
    if width > 4 or kind == "c":
        return None
    if kind == "f":
        if not total:
            x = x + np.float32(0)  # -0.0 becomes 0.0
            np.copyto(x, np.float32(np.nan), where=np.isnan(x))
        signed = np.ascontiguousarray(x).view(np.int32)
        return (signed ^ ((signed >> 31) | np.int32(-(2**31)))).view(np.uint32)
    if kind == "i":
        return x.astype(np.int32).view(np.uint32) ^ np.uint32(0x80000000)
    return x.astype(np.uint32)


def _bits64(x: np.ndarray) -> np.ndarray:
    """Unsigned 64-bit integers in the total order of 64-bit x."""
    if x.dtype.kind == "u":
        return x
    signed = x.view(np.int64)
    top = np.int64(-(2**63))
    return (signed ^ ((signed >> 63) | top if x.dtype.kind == "f" else top)).view(np.uint64)


def _packed(bits: np.ndarray) -> np.ndarray:
    """Keys in the high half, places in the low one: all different, so that any sort of them is stable."""
    halves = np.empty((*bits.shape, 2), np.uint32)
    halves[..., _HIGH] = bits
    halves[..., _LOW] = np.arange(bits.shape[-1], dtype=np.uint32)
    return halves.view(np.uint64)[..., 0]


def _places(packed: np.ndarray) -> np.ndarray:
    halves = np.ascontiguousarray(packed)[..., None].view(np.uint32)
    return halves[..., _LOW].astype(np.int64)


def _order(keys: Sequence[np.ndarray]) -> np.ndarray:
    """The permutation that sorts the last axis by the keys, the first one first; stable."""
    if len(keys) == 1 and keys[0].dtype.kind != "c":
        key = keys[0]
        bits = _bits32(key, total=False) if key.shape[-1] >= _PACK_SIZE else None
        if bits is None:
            return np.argsort(_native(key), axis=-1, kind="stable")
        return _places(np.sort(_packed(bits), axis=-1))
    parts: list[np.ndarray] = []
    for key in keys:
        parts += [key.real, key.imag] if key.dtype.kind == "c" else [_native(key)]
    return np.lexsort(parts[::-1], axis=-1)


# ---- sort ----


def sort(operand: Any, dimension: int = -1, is_stable: bool = True, num_keys: int = 1) -> Any:
    """The elements along an axis in rising order; several operands move together, ordered by the first `num_keys`.

    Order: -0.0 equals 0.0, nan is last, complex numbers by real, then imaginary part.
    Shapes: equal. Raises: TypeError if shapes differ. Grad: linear, by the permutation.
    Source: StableHLO `sort`.
    """
    several = isinstance(operand, tuple | list)
    operands = [as_value(x, "sort") for x in (operand if several else (operand,))]
    if not operands:
        raise TypeError("sort: at least one operand is needed.")
    if not 1 <= num_keys <= len(operands):
        raise ValueError(
            f"sort: num_keys must lie between 1 and the number of operands, {len(operands)}; got {num_keys}."
        )
    axis = canonical_axis("sort", dimension, operands[0].aval.ndim)
    outs = sort_p.bind(*operands, dimension=axis, is_stable=bool(is_stable), num_keys=int(num_keys))
    return tuple(outs) if several else outs[0]


def sort_key_val(keys: Any, values: Any, dimension: int = -1, is_stable: bool = True) -> Any:
    """Keys in rising order along an axis, and values moved with them. See `sort`.

    Shapes: equal. Raises: as `sort`. Grad: linear, by the permutation. Source: StableHLO `sort`.
    """
    return sort((keys, values), dimension, is_stable, 1)


def _sort_infer(
    *args: ShapedArray, dimension: int, is_stable: bool, num_keys: int
) -> list[ShapedArray]:
    first = args[0]
    for x in args[1:]:
        if x.shape != first.shape:
            raise TypeError(
                f"sort: operands must have equal shapes; got {', '.join(a.str_short() for a in args)}."
            )
    for x in args[:num_keys]:
        check_dtype("sort", x, ANY)
    canonical_axis("sort", dimension, first.ndim)
    return list(args)


def _sort_one(x: np.ndarray, axis: int) -> np.ndarray:
    if x.dtype.kind == "c":
        return x[_index(_moved_order([x], axis), axis)]
    native = _native(x)
    out = np.sort(native, axis=axis)
    if native.dtype.kind == "f" and not out.all():
        # The fast sort mixes zeros of both signs; equal elements keep their order.
        before, after = np.moveaxis(native, axis, -1), np.moveaxis(out, axis, -1)
        zeros = before[before == 0]
        if np.signbit(zeros).any():
            after[after == 0] = zeros
    return out if native is x else out.astype(x.dtype)


def _moved_order(keys: Sequence[np.ndarray], axis: int) -> np.ndarray:
    if axis == keys[0].ndim - 1:
        return _order(keys)
    return np.moveaxis(_order([np.moveaxis(k, axis, -1) for k in keys]), -1, axis)


def _sort_host(
    *args: np.ndarray, dimension: int, is_stable: bool, num_keys: int
) -> list[np.ndarray]:
    if len(args) == 1:
        return [_sort_one(args[0], dimension)]
    index = _index(_moved_order(args[:num_keys], dimension), dimension)
    return [x[index] for x in args]


def _index(order: np.ndarray, axis: int) -> Any:
    """What to index an array with, to take elements along an axis in the given order."""
    if order.ndim == 1:
        return order
    ndim = order.ndim
    return tuple(
        [
            order if i == axis else np.arange(n).reshape((n, *(1,) * (ndim - 1 - i)))
            for i, n in enumerate(order.shape)
        ]
    )


def _less(b: Any, pairs: Sequence[tuple[Any, Any]]) -> Any:
    """Whether the left values come before the right ones, the first pair counting most."""
    result = None
    for x, y in reversed(pairs):
        kind = "TOTALORDER" if dtypes.is_float(x.dtype) else ""
        less = hlo.compare(b, x, y, "LT", kind)
        if result is not None:
            less = hlo.or_(b, less, hlo.and_(b, hlo.compare(b, x, y, "EQ", kind), result))
        result = less
    return result


def _canonical(b: Any, x: Any) -> Any:
    """-0.0 as 0.0, and all nans as one."""
    zero = b.constant(np.zeros((), x.dtype))
    nan = b.constant(np.array(np.nan).astype(x.dtype))
    x = hlo.select(b, hlo.compare(b, x, zero, "EQ"), zero, x)
    return hlo.select(b, hlo.compare(b, x, x, "NE"), nan, x)


def _sort_lower(ctx: Any, *args: Any, dimension: int, is_stable: bool, num_keys: int) -> Any:
    if not args[0].shape[dimension] or math.prod(args[0].shape) == 0:
        return list(args)
    if _by_callback(ctx, args):
        return _callback(ctx, args, dimension=dimension, is_stable=is_stable, num_keys=num_keys)

    def before(b: Any, *scalars: Any) -> Any:
        pairs = []
        for x, y in zip(scalars[: 2 * num_keys : 2], scalars[1 : 2 * num_keys : 2], strict=True):
            if dtypes.is_complex(x.dtype):
                pairs.append((_canonical(b, hlo.real(b, x)), _canonical(b, hlo.real(b, y))))
                pairs.append((_canonical(b, hlo.imag(b, x)), _canonical(b, hlo.imag(b, y))))
            elif dtypes.is_float(x.dtype):
                pairs.append((_canonical(b, x), _canonical(b, y)))
            else:
                pairs.append((x, y))
        return _less(b, pairs)

    return hlo.sort(ctx, args, dimension, before, is_stable)


def _by_callback(ctx: Any, args: Sequence[Any]) -> bool:
    if ctx.platform != "cpu" or ctx.scope.axes or math.prod(args[0].shape) < _CALLBACK_SIZE:
        return False
    return all(np.dtype(dtypes.physical(x.dtype)).kind in "biufc" for x in args)


def _callback(ctx: Any, args: Sequence[Any], **params: Any) -> list[Any]:
    return _host_callback(ctx, lambda *arrays: _sort_host(*arrays, **params), args, args)


def _host_callback(ctx: Any, host: Any, args: Sequence[Any], results: Sequence[Any]) -> list[Any]:
    """What a function of NumPy arrays makes of the values, called when the program runs."""

    def run(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple([np.ascontiguousarray(x) for x in host(*arrays)])

    index = ctx.add_callback(run)
    kinds = [(x.shape, x.dtype) for x in results]
    return hlo.custom_call(ctx, _CALLBACK, args, kinds, backend_config={"index": np.uint64(index)})


def take_along(x: Any, places: Any, axis: int) -> Any:
    """x[..., places[..., k, ...], ...] along an axis, the other axes side by side; places are within bounds."""
    ndim = x.aval.ndim
    if not x.aval.size:
        return reshape(x, places.aval.shape)
    others = tuple([i for i in range(ndim) if i != axis])
    numbers = GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
        operand_batching_dims=others,
        start_indices_batching_dims=others,
    )
    shape = places.aval.shape
    index = broadcast_in_dim(places, (*shape, 1), tuple(range(ndim)))
    return gather(x, index, numbers, (1,) * ndim, mode="promise_in_bounds")


def _sort_jvp(
    primals: Any, tangents: Any, *, dimension: int, is_stable: bool, num_keys: int
) -> Any:
    shape = primals[0].aval.shape
    places = broadcasted_iota(np.int32, shape, dimension)
    *outs, order = sort_p.bind(
        *primals, places, dimension=dimension, is_stable=is_stable, num_keys=num_keys
    )
    moved = [t if type(t) is Zero else take_along(t, order, dimension) for t in tangents]
    return outs, moved


def _sort_batch(
    axis: Any, args: Any, dims: Any, *, dimension: int, is_stable: bool, num_keys: int
) -> Any:
    if len(set(dims)) == 1:
        d = dims[0]
        values = list(args)
        dimension += dimension >= d
    else:
        d = 0
        values = [to_front(x, e, axis.size) for x, e in zip(args, dims, strict=True)]
        dimension += 1
    outs = sort_p.bind(*values, dimension=dimension, is_stable=is_stable, num_keys=num_keys)
    return outs, [d] * len(outs)


sort_p = Primitive(
    name="sort",
    infer=_sort_infer,
    host=_sort_host,
    lower=_sort_lower,
    jvp=_sort_jvp,
    transpose=not_linear,
    batch=_sort_batch,
    multiple_results=True,
)


# ---- top_k ----


def top_k(operand: Any, k: int, *, axis: int = -1, is_stable: bool = True) -> Any:
    """The k largest elements along an axis, falling, and their places; equal ones in order of place.

    Order: -0.0 < 0.0; nan is the largest. Dtypes: real -> (the same, int32).
    Raises: ValueError if k is negative or too large. Grad: of the values, linear.
    """
    operand = as_value(operand, "top_k")
    axis = canonical_axis("top_k", axis, operand.aval.ndim)
    return list(top_k_p.bind(operand, k=operator.index(k), axis=axis))


def _top_k_infer(x: ShapedArray, *, k: int, axis: int) -> list[ShapedArray]:
    if dtypes.is_complex(x.dtype):
        raise ValueError(
            f"top_k: complex numbers have no order; got {x.str_short()}. Use abs(x) or x.real."
        )
    check_dtype("top_k", x, REALS_AND_BOOL)
    if k < 0:
        raise ValueError(f"top_k: k must not be negative; got {k}.")
    n = x.shape[canonical_axis("top_k", axis, x.ndim)]
    if k > n:
        raise ValueError(
            f"top_k: k must be at most the axis's size, {n}; got k={k} for {x.str_short()}, axis {axis}."
        )
    shape = _replaced(x.shape, axis, k)
    return [ShapedArray(shape, x.dtype), ShapedArray(shape, _INT32)]


def _replaced(shape: Sequence[int], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])


def _first_places(bits: np.ndarray, k: int) -> np.ndarray:
    """The places of the k smallest along the last axis, rising; equal ones in order of place."""
    n = bits.shape[-1]
    few = 0 < 4 * k < n
    if few and bits.size == n:  # one lane: sort only what is not above the k-th
        flat = bits.reshape(n)
        found = np.flatnonzero(flat <= np.partition(flat, k - 1)[k - 1])
        order = found[np.argsort(flat[found], kind="stable")[:k]]
        return order.reshape((*bits.shape[:-1], k))
    packed = _packed(bits)
    if few:
        packed = np.partition(packed, k - 1, axis=-1)[..., :k]
    return _places(np.sort(packed, axis=-1)[..., :k])


def _top_k_host(x: np.ndarray, *, k: int, axis: int) -> list[np.ndarray]:
    moved = np.moveaxis(x, axis, -1)
    bits = _bits32(moved, total=True)
    if bits is None:
        order = np.argsort(~_bits64(np.ascontiguousarray(moved)), axis=-1, kind="stable")[..., :k]
    else:
        order = _first_places(~bits, k)
    values = moved[_index(order, moved.ndim - 1)]
    return [np.moveaxis(values, -1, axis), np.moveaxis(order, -1, axis).astype(np.int32)]


def _emit_top_k(ctx: Any, x: Any, k: int, axis: int) -> list[Any]:
    rank = len(x.shape)
    last = [*[i for i in range(rank) if i != axis], axis]
    back = sorted(range(rank), key=last.__getitem__)
    straight = axis == rank - 1
    dtype = x.dtype
    wide = _top_k_dtype(dtype)
    moved = x if straight else hlo.transpose(ctx, x, last)
    values, places = _select(ctx, hlo.convert(ctx, moved, wide), k)
    if dtype == dtypes.bool_:
        values = hlo.compare(ctx, values, hlo.full(ctx, 0, values.shape, wide), "NE")
    values = hlo.convert(ctx, values, dtype)
    return [values, places] if straight else [hlo.transpose(ctx, v, back) for v in (values, places)]


def _top_k_dtype(dtype: Any) -> Any:
    """A dtype that the compiler finds the largest elements of."""
    if dtypes.is_float(dtype):
        return dtypes.float64 if dtype == dtypes.float64 else dtypes.float32
    return dtype if dtypes.is_integer(dtype) and dtypes.itemsize_bits(dtype) >= 8 else _INT32


def _top_k_lower(ctx: Any, x: Any, *, k: int, axis: int) -> list[Any]:
    if not k or 0 in x.shape:
        return [hlo.full(ctx, 0, a.shape, a.dtype) for a in ctx.avals_out]
    if _slow_top_k(x, k) and _by_callback(ctx, [x]):
        return _host_callback(ctx, lambda a: _top_k_host(a, k=k, axis=axis), [x], ctx.avals_out)
    return _emit_top_k(ctx, x, k, axis)


def _slow_top_k(x: Any, k: int) -> bool:
    """Whether XLA sorts, as it does for all dtypes but float32, or selects too many."""
    return _top_k_dtype(x.dtype) != dtypes.float32 or k >= _MANY


def _select(ctx: Any, x: Any, k: int) -> list[Any]:
    """The k largest of the last axis, in a dtype of the compiler's."""
    size = _block_size(x.shape[-1], k) if x.dtype == dtypes.float32 else 0
    return (
        _top_k_of_blocks(ctx, x, k, size)
        if size and ctx.platform == "cpu"
        else hlo.top_k(ctx, x, k)
    )


def _block_size(n: int, k: int) -> int:
    """A divisor of n near sqrt(n / k), if the blocks that hold the k largest are a small part; else 0."""
    if n < _BLOCKED:
        return 0
    near = max(math.isqrt(n // k), 1)
    for size in range(near, min(2 * near, n // (8 * k)) + 1):
        if n % size == 0:
            return size
    return 0


def _top_k_of_blocks(ctx: Any, x: Any, k: int, size: int) -> list[Any]:
    """The k largest float32 of the last axis: those of the k blocks with the largest maxima.

    The maxima are of integers in the total order, which keeps nans and the signs of zeros.
    """
    *outer, n = x.shape
    rank, count = len(outer), n // size
    rows = hlo.reshape(ctx, x, (*outer, count, size))
    keys = _total_key(ctx, hlo.bitcast_convert(ctx, rows, rows.shape, _INT32))
    least = ctx.constant(np.iinfo(np.int32).min, _INT32)
    most = hlo.reduce_with(ctx, keys, least, (rank + 1,), hlo.maximum)
    tops = hlo.bitcast_convert(ctx, _total_key(ctx, most), most.shape, x.dtype)
    _, blocks = hlo.top_k(ctx, tops, k)
    # In rising order, so that equal elements keep theirs.
    (blocks,) = hlo.sort(
        ctx, [blocks], rank, lambda b, left, right: hlo.compare(b, left, right, "LT"), False
    )
    found = _rows_at(ctx, rows, blocks, size)
    values, inner = hlo.top_k(ctx, hlo.reshape(ctx, found, (*outer, k * size)), k)
    width = ctx.constant(size, _INT32, inner.shape)
    block = _rows_at(ctx, blocks, hlo.divide(ctx, inner, width))
    places = hlo.add(ctx, hlo.multiply(ctx, block, width), hlo.remainder(ctx, inner, width))
    return [values, places]


def _rows_at(ctx: Any, x: Any, places: Any, size: int | None = None) -> Any:
    """Elements of x along the last axis of `places`, each with the `size` numbers that follow if x has one axis more."""
    rank = len(places.shape)
    batch = tuple(range(rank - 1))
    return hlo.gather(
        ctx,
        x,
        hlo.reshape(ctx, places, (*places.shape, 1)),
        offset_dims=() if size is None else (rank,),
        collapsed_slice_dims=(rank - 1,),
        start_index_map=(rank - 1,),
        slice_sizes=(1,) * rank if size is None else (*(1,) * rank, size),
        operand_batching_dims=batch,
        start_indices_batching_dims=batch,
    )


def _total_key(ctx: Any, bits: Any) -> Any:
    """Integers in the total order of the floats whose bits are given; its own inverse."""
    sign = hlo.shift_right_arithmetic(ctx, bits, ctx.constant(31, _INT32, bits.shape))
    return hlo.xor(ctx, bits, hlo.and_(ctx, sign, ctx.constant(0x7FFFFFFF, _INT32, bits.shape)))


def _top_k_jvp(primals: Any, tangents: Any, *, k: int, axis: int) -> Any:
    values, places = top_k_p.bind(*primals, k=k, axis=axis)
    return [values, places], [take_along(tangents[0], places, axis), Zero(places.aval.tangent())]


def _top_k_batch(_: Any, args: Any, dims: Any, *, k: int, axis: int) -> Any:
    d = dims[0]
    return top_k_p.bind(args[0], k=k, axis=axis + (axis >= d)), [d, d]


top_k_p = Primitive(
    name="top_k",
    infer=_top_k_infer,
    host=_top_k_host,
    lower=_top_k_lower,
    jvp=_top_k_jvp,
    transpose=not_linear,
    batch=_top_k_batch,
    multiple_results=True,
)


# ---- approx_top_k ----


def approx_max_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> Any:
    """The k largest elements along an axis, and their places, with at least the given recall; here the exact ones.

    Args: aggregate_to_topk, whether to return k results, or as many candidates as a TPU would.
    Dtypes: float. Grad: of the values, linear.
    Source: Chern et al., "TPU-KNN: K nearest neighbor search at peak FLOP/s" (2022).
    """
    return _approx(
        operand,
        k,
        reduction_dimension,
        recall_target,
        True,
        reduction_input_size_override,
        aggregate_to_topk,
    )


def approx_min_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> Any:
    """The k smallest elements along an axis, and their places. See `approx_max_k`.

    Dtypes: floats; places are int32. Raises: as `approx_max_k`. Grad: linear, by the places. Source: `approx_max_k`.
    """
    return _approx(
        operand,
        k,
        reduction_dimension,
        recall_target,
        False,
        reduction_input_size_override,
        aggregate_to_topk,
    )


def _approx(
    operand: Any, k: int, axis: int, recall: float, is_max: bool, override: int, aggregate: bool
) -> Any:
    operand = as_value(operand, "approx_top_k")
    return list(
        approx_top_k_p.bind(
            operand,
            k=operator.index(k),
            reduction_dimension=canonical_axis("approx_top_k", axis, operand.aval.ndim),
            recall_target=float(recall),
            is_max_k=is_max,
            reduction_input_size_override=operator.index(override),
            aggregate_to_topk=bool(aggregate),
        )
    )


def _candidates(n: int, k: int, recall: float, override: int, rank: int) -> int:
    """How many candidates the TPU algorithm keeps: a multiple of a tile, with the recall wanted."""
    tile = 1024 if rank == 1 else 128
    if n <= tile or not k:
        return n
    tiles = -(-n // tile)
    if k == 1:
        return tile
    bins = (1 - k) / math.log(recall) if 0 < recall < 1 else math.inf
    ratio = (n if override < 0 else override) / max(bins, tile)
    if ratio < 2:
        return n
    return math.ceil(tiles / 2 ** int(math.log2(ratio))) * tile


def _approx_infer(
    x: ShapedArray, *, k: int, reduction_dimension: int, **params: Any
) -> list[ShapedArray]:
    if x.dtype not in FLOATS:
        raise ValueError(
            f"approx_top_k: accepts real floats; got {x.str_short()}. Convert it with x.astype(dtype)."
        )
    n = x.shape[reduction_dimension]
    if k < 0 or k > n:
        raise ValueError(
            f"approx_top_k: k must lie in 0..{n}, the axis's size; got {k} for {x.str_short()}."
        )
    shape = _replaced(
        x.shape, reduction_dimension, _approx_size(x.shape, k, reduction_dimension, **params)
    )
    return [ShapedArray(shape, x.dtype), ShapedArray(shape, _INT32)]


def _approx_size(
    shape: Sequence[int],
    k: int,
    axis: int,
    *,
    recall_target: float,
    reduction_input_size_override: int,
    aggregate_to_topk: bool,
    is_max_k: bool,
) -> int:
    if aggregate_to_topk:
        return k
    return _candidates(shape[axis], k, recall_target, reduction_input_size_override, len(shape))


def _approx_host(
    x: np.ndarray, *, k: int, reduction_dimension: int, is_max_k: bool, **params: Any
) -> Any:
    size = _approx_size(x.shape, k, reduction_dimension, is_max_k=is_max_k, **params)
    values, places = _top_k_host(
        x if is_max_k else np.negative(x), k=size, axis=reduction_dimension
    )
    return [values if is_max_k else np.negative(values), places]


def _approx_lower(
    ctx: Any, x: Any, *, k: int, reduction_dimension: int, is_max_k: bool, **params: Any
) -> Any:
    size = ctx.avals_out[0].shape[reduction_dimension]
    if not size or 0 in x.shape:
        return [hlo.full(ctx, 0, a.shape, a.dtype) for a in ctx.avals_out]
    if is_max_k:
        return _emit_top_k(ctx, x, size, reduction_dimension)
    values, places = _emit_top_k(ctx, hlo.negate(ctx, x), size, reduction_dimension)
    return [hlo.negate(ctx, values), places]


def _approx_jvp(primals: Any, tangents: Any, *, reduction_dimension: int, **params: Any) -> Any:
    values, places = approx_top_k_p.bind(
        *primals, reduction_dimension=reduction_dimension, **params
    )
    moved = take_along(tangents[0], places, reduction_dimension)
    return [values, places], [moved, Zero(places.aval.tangent())]


def _approx_batch(
    axis: Any, args: Any, dims: Any, *, reduction_dimension: int, **params: Any
) -> Any:
    x = moveaxis(args[0], dims[0], 0)
    outs = approx_top_k_p.bind(x, reduction_dimension=reduction_dimension + 1, **params)
    return outs, [0, 0]


approx_top_k_p = Primitive(
    name="approx_top_k",
    infer=_approx_infer,
    host=_approx_host,
    lower=_approx_lower,
    jvp=_approx_jvp,
    transpose=not_linear,
    batch=_approx_batch,
    multiple_results=True,
)

__all__ = [
    "approx_max_k",
    "approx_min_k",
    "approx_top_k_p",
    "sort",
    "sort_key_val",
    "sort_p",
    "take_along",
    "top_k",
    "top_k_p",
]
