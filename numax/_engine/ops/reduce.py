"""Reductions: over some axes to their maximum, product, ..., place of the maximum; by any associative program."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr
from numax._engine.core.primitive import Primitive, not_linear, on_device, zero_tangent
from numax._engine.core.trace import as_value
from numax._engine.core.tree import flatten, unflatten
from numax._engine.ops import kernels, program
from numax._engine.ops.arithmetic import div
from numax._engine.ops.basis import (
    batch_reduce,
    broadcast_in_dim,
    canonical_axis,
    convert,
    infer_reduce,
    is_value,
    mul,
    reduce_sum,
    reduce_sum_p,
    reshape,
    squeeze,
    to_front,
    transpose,
)
from numax._engine.ops.compare import eq
from numax._engine.ops.cumulative import exclusive_products
from numax._engine.ops.extreme import extreme, limit, limit_array
from numax._engine.ops.families import (
    ANY,
    FLOATS,
    INTEGERS_AND_BOOL,
    NUMBERS,
    REALS_AND_BOOL,
    check_dtype,
    reducer,
)
from numax._engine.ops.slicing import slice_in_dim
from numax._engine.stablehlo import hlo

_NARROW = frozenset(dtypes.FLOATS) - {dtypes.float32, dtypes.float64}
_INT32 = np.dtype(np.int32)


def _bind(prim: Primitive, operand: Any, axes: Any) -> Any:
    return prim.bind(as_value(operand, prim.name), axes=tuple([operator.index(a) for a in axes]))


# ---- maximum and minimum ----


def reduce_max(operand: Any, axes: Any, *, out_sharding: Any = None) -> Any:
    """The maximum over the given axes; nan if there is one; complex numbers by real, then imaginary part.

    No elements: -inf, or the dtype's least value. Grad: shared equally among equal maxima.
    Source: StableHLO `reduce`.
    """
    return _bind(reduce_max_p, operand, axes)


def reduce_min(operand: Any, axes: Any, *, out_sharding: Any = None) -> Any:
    """The minimum over the given axes. See `reduce_max`.

    Raises: as `reduce_max`. Grad: shared by equal minima. Source: StableHLO `reduce`.
    """
    return _bind(reduce_min_p, operand, axes)


def _host_extreme(ufunc: Any, largest: bool) -> Any:
    def host(x: np.ndarray, *, axes: Any) -> Any:
        if x.size:
            return ufunc.reduce(x, axis=axes)
        return ufunc.reduce(x, axis=axes, initial=limit_array(x.dtype, not largest)[()])

    return host


def _raw_extreme(ctx: Any, x: Any, axes: Any, largest: bool) -> Any:
    """The extreme of elements without nan. XLA's vectorised maximum on the CPU loses the nans it meets."""
    start = ctx.constant(limit_array(x.dtype, not largest))
    return hlo.reduce_with(ctx, x, start, axes, extreme(x.dtype, largest))


_SMALL = (
    1 << 16
)  # below this many elements nans are looked for at once: the branch takes long to compile
_FOLDS = 32


def _lower_extreme(largest: bool) -> Any:
    """On the CPU by a kernel, if it is there. Else pieces of a long axis are combined first, which keeps nans; where no axis is long,
    the sum of all elements, nan if one is, says whether to look for nans: half the time of always looking."""

    def lower(ctx: Any, x: Any, *, axes: Any) -> Any:
        x, axes = kernels.extreme(ctx, x, axes, largest)
        if ctx.platform != "cpu" or not axes:
            return _raw_extreme(ctx, x, axes, largest)
        if dtypes.is_integer(x.dtype):
            return _raw_extreme(ctx, _folded(ctx, x, axes, largest), axes, largest)
        if x.dtype in _WIDE:  # an elementwise maximum keeps nans: one pass over the array will do
            x = _folded(ctx, x, axes, largest)
        best = _raw_extreme(ctx, x, axes, largest)
        if not dtypes.is_float(x.dtype):
            return best
        if math.prod(x.shape) < _SMALL:
            return _nan_where_any(ctx, x, best, axes)
        wide = hlo.convert(ctx, x, dtypes.float32) if x.dtype in _NARROW else x
        zero = ctx.constant(np.zeros((), wide.dtype))
        total = hlo.reduce_with(ctx, wide, zero, tuple(range(len(x.shape))), hlo.add)
        odd = hlo.compare(ctx, total, total, "NE")
        looked = hlo.if_(ctx, odd, lambda b: [_nan_where_any(b, x, best, axes)], lambda b: [best])
        return looked[0]

    return lower


_WIDE = frozenset([dtypes.float32, dtypes.float64])


def _folded(ctx: Any, x: Any, axes: Any, largest: bool) -> Any:
    """The extremes of 32 long pieces that cover the longest of the axes; x if none is long. The compiler's own reductions of
    integers do not vectorise along the last axis (0.3 against 1.1 ms for 1000 x 1000), and those of floats lose nans."""
    n = max([x.shape[i] for i in axes])
    if n < 8 * _FOLDS or math.prod(x.shape) < _SMALL:
        return x
    if dtypes.is_integer(x.dtype):
        if len(x.shape) - 1 not in axes or dtypes.iinfo(x.dtype).bits < 8:
            return x
    axis = max(axes, key=lambda i: x.shape[i])
    kind = x.shape, x.dtype
    pieces = ctx.function(
        (_pieces, kind, axis, largest),
        "pieces",
        [kind],
        lambda b, values: [_pieces(b, values[0], axis, largest)],
    )
    (out,) = ctx.call(pieces, [x], apart=True)  # or each piece would compute x
    return out


def _pieces(ctx: Any, x: Any, axis: int, largest: bool) -> Any:
    n = x.shape[axis]
    width = -(-n // _FOLDS)
    low, high = [0] * len(x.shape), list(x.shape)
    pieces = []
    for k in range(_FOLDS):
        low[axis] = k * (n - width) // (_FOLDS - 1)
        high[axis] = low[axis] + width
        pieces.append(hlo.slice(ctx, x, low, high))
    combine = extreme(x.dtype, largest)
    while len(pieces) > 1:
        pieces = [combine(ctx, *pair) for pair in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


def _nan_where_any(ctx: Any, x: Any, best: Any, axes: Any) -> Any:
    """nan where an element is, `best` elsewhere."""
    no = ctx.constant(False, dtypes.bool_)
    odd = hlo.reduce_with(ctx, hlo.compare(ctx, x, x, "NE"), no, axes, hlo.or_)
    nan = ctx.constant(np.array(np.nan, x.dtype), x.dtype, best.shape)
    return hlo.select(ctx, odd, nan, best)


def restore(y: Any, shape: Sequence[int], axes: Sequence[int]) -> Any:
    """A reduction's result, repeated along the axes that were reduced."""
    return broadcast_in_dim(y, tuple(shape), tuple([i for i in range(len(shape)) if i not in axes]))


def _extreme_jvp(t: Any, y: Any, x: Any, *, axes: Any) -> Any:
    hit = convert(eq(x, restore(y, x.aval.shape, axes)), x.dtype)
    return div(reduce_sum(mul(t, hit), axes), reduce_sum(hit, axes))


reduce_max_p = reducer(
    "reduce_max",
    accepts=ANY,
    host=_host_extreme(np.maximum, True),
    lower=_lower_extreme(True),
    jvp=_extreme_jvp,
)
reduce_min_p = reducer(
    "reduce_min",
    accepts=ANY,
    host=_host_extreme(np.minimum, False),
    lower=_lower_extreme(False),
    jvp=_extreme_jvp,
)


# ---- maxima that may lose nans ----


def largest(operand: Any, axes: Any) -> Any:
    """The maximum over the given axes, for real floats; of elements one of which is nan, any number or nan.

    For sums of exponentials, which are nan then in any case; in compiled programs it takes half the time of `reduce_max`.
    """
    return _bind(largest_p, operand, axes)


largest_p = reducer(
    "largest",
    accepts=FLOATS,
    host=_host_extreme(np.maximum, True),
    lower=lambda ctx, x, *, axes: _raw_extreme(ctx, x, axes, True),
    jvp=_extreme_jvp,
)


# ---- product ----


def reduce_prod(operand: Any, axes: Any) -> Any:
    """The product over the given axes.

    Dtypes: numeric. Grad: the product of the other elements, right where elements are zero.
    Source: StableHLO `reduce`.
    """
    return _bind(reduce_prod_p, operand, axes)


def _prod_host(x: np.ndarray, *, axes: Any) -> Any:
    if x.dtype in _NARROW:
        return np.multiply.reduce(x.astype(np.float32), axis=axes).astype(x.dtype)
    return np.multiply.reduce(x, axis=axes, dtype=x.dtype)


def _prod_lower(ctx: Any, x: Any, *, axes: Any) -> Any:
    dtype = x.dtype
    wide = hlo.convert(ctx, x, dtypes.float32) if dtype in _NARROW else x
    one = ctx.constant(np.ones((), wide.dtype))
    return hlo.convert(ctx, hlo.reduce_with(ctx, wide, one, axes, hlo.multiply), dtype)


def merge_axes(x: Any, axes: Sequence[int]) -> Any:
    """x with the given axes moved to the front and made one; the others follow, in order."""
    shape = x.aval.shape
    rest = [i for i in range(len(shape)) if i not in axes]
    count = 1
    for a in axes:
        count *= shape[a]
    return reshape(transpose(x, [*axes, *rest]), (count, *[shape[i] for i in rest]))


def _prod_jvp(t: Any, y: Any, x: Any, *, axes: Any) -> Any:
    if not axes:
        return t
    return reduce_sum(mul(merge_axes(t, axes), exclusive_products(merge_axes(x, axes))), (0,))


reduce_prod_p = reducer(
    "reduce_prod", accepts=NUMBERS, host=_prod_host, lower=_prod_lower, jvp=_prod_jvp
)


# ---- and, or, xor ----


def reduce_and(operand: Any, axes: Any) -> Any:
    """Whether all hold, or the bitwise and, over the given axes. Dtypes: bool, integers. Grad: zero."""
    return _bind(reduce_and_p, operand, axes)


def reduce_or(operand: Any, axes: Any) -> Any:
    """Whether any holds, or the bitwise or, over the given axes. Dtypes: bool, integers. Grad: zero."""
    return _bind(reduce_or_p, operand, axes)


def reduce_xor(operand: Any, axes: Any) -> Any:
    """Whether an odd number hold, or the bitwise xor, over the given axes. Dtypes: bool, integers. Grad: zero."""
    return _bind(reduce_xor_p, operand, axes)


_TINY_INTEGERS = {
    dtypes.int2: np.int8,
    dtypes.int4: np.int8,
    dtypes.uint2: np.uint8,
    dtypes.uint4: np.uint8,
}


def _bits(name: str, ufunc: Any, body: Any) -> Primitive:
    def host(x: np.ndarray, *, axes: Any) -> Any:
        wide = x.astype(_TINY_INTEGERS[x.dtype]) if x.dtype in _TINY_INTEGERS else x
        return np.asarray(ufunc.reduce(wide, axis=axes)).astype(x.dtype)

    def lower(ctx: Any, x: Any, *, axes: Any) -> Any:
        start = hlo.identity(body, x.dtype)
        return hlo.reduce_with(ctx, x, ctx.constant(np.array(start).astype(x.dtype)), axes, body)

    return reducer(name, accepts=INTEGERS_AND_BOOL, host=host, lower=lower, jvp=zero_tangent)


reduce_and_p = _bits("reduce_and", np.bitwise_and, hlo.and_)
reduce_or_p = _bits("reduce_or", np.bitwise_or, hlo.or_)
reduce_xor_p = _bits("reduce_xor", np.bitwise_xor, hlo.xor)


# ---- argmax and argmin ----


def argmax(operand: Any, axis: int, index_dtype: Any) -> Any:
    """The place of the maximum along an axis: that of the first nan, or else of the first maximum.

    Dtypes: real -> index_dtype, an integer. Raises: ValueError if the axis has no elements. Grad: zero.
    """
    return _bind_place(argmax_p, operand, axis, index_dtype)


def argmin(operand: Any, axis: int, index_dtype: Any) -> Any:
    """The place of the minimum along an axis. See `argmax`.

    Dtypes: `index_dtype`. Raises: as `argmax`. Grad: zero. Source: StableHLO `reduce`.
    """
    return _bind_place(argmin_p, operand, axis, index_dtype)


def _bind_place(prim: Primitive, operand: Any, axis: Any, index_dtype: Any) -> Any:
    operand = as_value(operand, prim.name)
    axis = canonical_axis(prim.name, axis, operand.aval.ndim)
    return prim.bind(operand, axes=(axis,), index_dtype=dtypes.canonicalize_dtype(index_dtype))


def _place_infer(op: str) -> Any:
    def infer(x: ShapedArray, *, axes: Any, index_dtype: Any) -> ShapedArray:
        check_dtype(op, x, REALS_AND_BOOL)
        if not dtypes.is_integer(index_dtype):
            raise TypeError(f"{op}: index_dtype must be an integer dtype; got {index_dtype}.")
        if len(axes) != 1:
            raise ValueError(f"{op}: exactly one axis; got {axes}.")
        shape = infer_reduce(op, x, axes).shape
        if not x.shape[axes[0]]:
            raise ValueError(
                f"{op}: the axis must have elements; got {x.str_short()} and axis {axes[0]}."
            )
        return ShapedArray(shape, index_dtype)

    return infer


# Up to here the compiler unrolls a reduction; a pair of value and place then takes one pass: 0.38 ms for 100,000 x 10,
# against 4 to 12 ms in two passes. Above, two passes are faster.
_UNROLLED = 16
_FLOAT_PLACES = range(
    128, 1 << 23
)  # float32 holds twice such places; only maxima of floats vectorise


def _place_lower(largest: bool) -> Any:
    def lower(ctx: Any, x: Any, *, axes: Any, index_dtype: Any) -> Any:
        (axis,) = axes
        if x.dtype in (dtypes.int2, dtypes.uint2):  # the compiler cannot reduce pairs of these
            x = hlo.convert(ctx, x, dtypes.int8)
        found = kernels.place(ctx, x, axis, largest)
        if found is not None:
            return hlo.convert(ctx, found, index_dtype)
        wide = index_dtype if index_dtype in (_INT32, dtypes.int64) else _INT32
        n = x.shape[axis]
        if n <= _UNROLLED:
            # apart, or the compiler would compute x element by element inside the reduction: ten times as long for sin
            pairs = ctx.function(
                (_place_of_pairs, x.shape, x.dtype, axis, largest, wide),
                "place",
                [(x.shape, x.dtype)],
                lambda b, v: [_place_of_pairs(b, v[0], axis, largest, wide)],
            )
            ctx.formulas = True
            (place,) = ctx.call(pairs, [x], apart=ctx.platform == "cpu")
            return hlo.convert(ctx, place, index_dtype)
        kept = [i for i in range(len(x.shape)) if i != axis]
        short = x
        if ctx.platform == "cpu" and dtypes.is_integer(x.dtype):
            short = _folded(ctx, x, axes, largest)
        best = hlo.broadcast_in_dim(ctx, _raw_extreme(ctx, short, axes, largest), x.shape, kept)
        hit = hlo.compare(ctx, x, best, "EQ")
        odd = hlo.compare(ctx, x, x, "NE") if dtypes.is_float(x.dtype) else None
        if ctx.platform == "cpu" and axis == len(x.shape) - 1 and n in _FLOAT_PLACES:
            return hlo.convert(ctx, _first_counted(ctx, hit, odd, axis), index_dtype)
        return hlo.convert(ctx, _first_place(ctx, hit, odd, axis, wide), index_dtype)

    return lower


def _first_place(ctx: Any, hit: Any, odd: Any, axis: int, wide: Any) -> Any:
    """The first place along an axis that is odd, or else a hit."""
    n = hit.shape[axis]
    places = hlo.iota(ctx, hit.shape, wide, axis)
    last = ctx.constant(n, wide, hit.shape)
    found = hlo.select(ctx, hit, places, last)
    if odd is not None:  # odd places, less n, are below all others
        found = hlo.select(ctx, odd, hlo.subtract(ctx, places, last), found)
    place = hlo.reduce_with(ctx, found, ctx.constant(n, wide), (axis,), hlo.minimum)
    if odd is None:
        return place
    below = hlo.compare(ctx, place, ctx.constant(0, wide, place.shape), "LT")
    return hlo.select(ctx, below, hlo.add(ctx, place, ctx.constant(n, wide, place.shape)), place)


def _first_counted(ctx: Any, hit: Any, odd: Any, axis: int) -> Any:
    """`_first_place` by the maximum of places counted from the end, as floats; n more for odd ones."""
    n, real = hit.shape[axis], dtypes.float32
    whole = ctx.constant(float(n), real, hit.shape)
    from_end = hlo.subtract(ctx, whole, hlo.iota(ctx, hit.shape, real, axis))
    counted = hlo.select(ctx, hit, from_end, ctx.constant(0.0, real, hit.shape))
    if odd is not None:
        counted = hlo.select(ctx, odd, hlo.add(ctx, whole, from_end), counted)
    most = hlo.reduce_with(ctx, counted, ctx.constant(0.0, real), (axis,), hlo.maximum)
    once = ctx.constant(float(n), real, most.shape)
    if odd is not None:
        above = hlo.compare(ctx, most, once, "GT")
        most = hlo.select(ctx, above, hlo.subtract(ctx, most, once), most)
    return hlo.convert(ctx, hlo.subtract(ctx, once, most), _INT32)


def _place_of_pairs(ctx: Any, x: Any, axis: int, largest: bool, wide: Any) -> Any:
    """The place of an extreme, by reducing pairs of value and place."""
    floats = dtypes.is_float(x.dtype)

    worse = "LE" if largest else "GE"

    def beats(b: Any, w: Any, v: Any) -> Any:
        """Whether w comes before v: it is not worse, nan neither, and v is no nan."""
        out = hlo.not_(b, hlo.compare(b, w, v, worse))
        return hlo.and_(b, out, hlo.compare(b, v, v, "EQ")) if floats else out

    def better(b: Any, v: Any, i: Any, w: Any, j: Any) -> list[Any]:
        second = beats(b, w, v)
        first = hlo.select(b, beats(b, v, w), i, hlo.minimum(b, i, j))
        return [hlo.select(b, second, w, v), hlo.select(b, second, j, first)]

    starts = [
        ctx.constant(limit_array(x.dtype, not largest)),
        ctx.constant(limit(wide, True), wide),
    ]
    places = hlo.iota(ctx, x.shape, wide, axis)
    return hlo.reduce(ctx, [x, places], starts, (axis,), better)[1]


def _place(name: str, host: Any, largest: bool) -> Primitive:
    prim = Primitive(
        name=name,
        infer=_place_infer(name),
        host=lambda x, *, axes, index_dtype: host(x, axis=axes[0]).astype(index_dtype),
        lower=_place_lower(largest),
        jvp=zero_tangent,
        transpose=not_linear,
        batch=lambda axis, args, dims, **params: batch(axis, args, dims, **params),
    )
    batch = batch_reduce(prim)
    return prim


argmax_p = _place("argmax", np.argmax, True)
argmin_p = _place("argmin", np.argmin, False)


# ---- reduction by a program ----


def reduce(
    operands: Any,
    init_values: Any,
    computation: Callable[[Any, Any], Any],
    dimensions: Sequence[int],
    out_sharding: Any = None,
) -> Any:
    """Combine elements over some axes with any associative and commutative function of scalars.

    Args: operands and init_values, pytrees of one structure; computation takes two such trees of scalars, returns
        one; each init value is its identity. Raises: TypeError if dtypes differ.
    Grad: through the computation. Source: StableHLO `reduce`.
    """
    values, tree = flatten(operands)
    inits, init_tree = flatten(init_values)
    if tree != init_tree:
        raise ValueError(
            f"reduce: operands and init_values must have one structure; got {tree} and {init_tree}."
        )
    if not values:
        raise ValueError("reduce: at least one operand is needed.")
    values = [as_value(x, "reduce") for x in values]
    inits = matched_inits("reduce", values, inits)
    axes = tuple([operator.index(d) for d in dimensions])

    def flat(*args: Any) -> list[Any]:
        left = unflatten(tree, args[: len(values)])
        return flatten(computation(left, unflatten(tree, args[len(values) :])))[0]

    combine = program.combiner("reduce", flat, [x.aval for x in values])
    if len(values) == 1:
        known = monoid(combine, inits[0])
        if known is not None and values[0].dtype in _MONOID_DTYPES[known]:
            return unflatten(tree, [_MONOIDS[known].bind(values[0], axes=axes)])
    return unflatten(tree, reduce_p.bind(*values, *inits, jaxpr=combine, dimensions=axes))


def matched_inits(op: str, values: Sequence[Any], inits: Sequence[Any]) -> list[Any]:
    """Initial values as scalars of the operands' dtypes. TypeError if they have others."""
    out = []
    for x, i in zip(values, inits, strict=True):
        init = as_value(i, op)
        if init.aval.ndim:
            raise ValueError(f"{op}: init values are scalars; got {init.aval.str_short()}.")
        if init.dtype != x.dtype:
            raise TypeError(
                f"{op}: each init value must have its operand's dtype; got {init.aval.str_short()} for "
                f"{x.aval.str_short()}."
            )
        out.append(init)
    return out


_MONOIDS = {
    "add": reduce_sum_p,
    "mul": reduce_prod_p,
    "max": reduce_max_p,
    "min": reduce_min_p,
    "and": reduce_and_p,
    "or": reduce_or_p,
    "xor": reduce_xor_p,
}
_MONOID_DTYPES = {
    "add": NUMBERS,
    "mul": NUMBERS,
    "max": ANY,
    "min": ANY,
    "and": INTEGERS_AND_BOOL,
    "or": INTEGERS_AND_BOOL,
    "xor": INTEGERS_AND_BOOL,
}


def monoid(combine: ClosedJaxpr, init: Any) -> str | None:
    """add, mul, max, ... if the program is that operation and `init` its identity, a known number."""
    name = program.single(combine)
    if name not in _MONOIDS or not is_value(init) or init._trace is not None:
        return None
    dtype = init.dtype
    number = init.numpy_()[()]
    if name in ("max", "min"):
        same = number == limit_array(dtype, name == "min")
    elif name == "and":
        same = number == hlo.identity(hlo.and_, dtype)
    else:
        same = number == (1 if name == "mul" else 0)
    return name if same else None


def _reduce_infer(*args: ShapedArray, jaxpr: ClosedJaxpr, dimensions: Any) -> list[ShapedArray]:
    operands = args[: len(args) // 2]
    first = operands[0].shape
    for x in operands[1:]:
        if x.shape != first:
            raise TypeError(
                f"reduce: operands must have equal shapes; got {', '.join(a.str_short() for a in operands)}."
            )
    return [infer_reduce("reduce", x.strong(), dimensions) for x in operands]


def _reduce_values(*args: Any, jaxpr: ClosedJaxpr, dimensions: Any) -> list[Any]:
    count = len(args) // 2
    rows = [merge_axes(x, dimensions) for x in args[:count]]
    starts = [
        broadcast_in_dim(i, (1, *x.aval.shape[1:]), ())
        for i, x in zip(args[count:], rows, strict=True)
    ]
    return [squeeze(x, (0,)) for x in _fold(jaxpr, rows, starts)]


def _fold(jaxpr: ClosedJaxpr, rows: Sequence[Any], ends: Sequence[Any]) -> list[Any]:
    """Combine along the first axis, and with `ends`: by halves, each step one operation on whole arrays."""
    n = rows[0].aval.shape[0]
    while n:
        half = n // 2
        if n % 2:
            last = [slice_in_dim(x, n - 1, n) for x in rows]
            ends = _combine(jaxpr, [*ends, *last])
        if not half:
            break
        parts = [slice_in_dim(x, half * i, half * (i + 1)) for i in range(2) for x in rows]
        rows, n = _combine(jaxpr, parts), half
    return list(ends)


def _size(shape: Sequence[int]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def _combine(jaxpr: ClosedJaxpr, args: Sequence[Any]) -> list[Any]:
    shape = args[0].aval.shape
    flat = [reshape(x, (_size(shape),)) for x in args]
    return [reshape(x, shape) for x in program.run_each(jaxpr, flat)]


def _reduce_lower(ctx: Any, *args: Any, jaxpr: ClosedJaxpr, dimensions: Any) -> Any:
    count = len(args) // 2
    return hlo.reduce(
        ctx,
        args[:count],
        args[count:],
        dimensions,
        lambda b, *scalars: program.emit(b, jaxpr, scalars),
    )


def _reduce_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    avals = [x.aval for x in primals]
    whole = program.record("reduce", lambda *args: _reduce_values(*args, **params), avals)
    return program.run_jvp(whole, primals, tangents)


def _reduce_batch(axis: Any, args: Any, dims: Any, *, jaxpr: ClosedJaxpr, dimensions: Any) -> Any:
    count = len(args) // 2
    operands = [to_front(x, d, axis.size) for x, d in zip(args[:count], dims[:count], strict=True)]
    inits, init_dims = args[count:], dims[count:]
    shifted = tuple([d + 1 for d in dimensions])
    if all(d is None for d in init_dims):
        return reduce_p.bind(*operands, *inits, jaxpr=jaxpr, dimensions=shifted), [0] * count
    rows = [merge_axes(x, shifted) for x in operands]
    starts = [
        broadcast_in_dim(to_front(i, d, axis.size), (1, *x.aval.shape[1:]), (1,))
        for i, d, x in zip(inits, init_dims, rows, strict=True)
    ]
    return [squeeze(x, (0,)) for x in _fold(jaxpr, rows, starts)], [0] * count


reduce_p = Primitive(
    name="reduce",
    infer=_reduce_infer,
    host=on_device,
    impl=_reduce_values,
    lower=_reduce_lower,
    jvp=_reduce_jvp,
    transpose=not_linear,
    batch=_reduce_batch,
    multiple_results=True,
)

__all__ = [
    "argmax",
    "argmax_p",
    "argmin",
    "argmin_p",
    "largest_p",
    "reduce",
    "reduce_and",
    "reduce_and_p",
    "reduce_max",
    "reduce_max_p",
    "reduce_min",
    "reduce_min_p",
    "reduce_or",
    "reduce_or_p",
    "reduce_p",
    "reduce_prod",
    "reduce_prod_p",
    "reduce_xor",
    "reduce_xor_p",
]
