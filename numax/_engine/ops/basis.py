"""The operations that the rules of all others are written with."""

import builtins
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.array import Array, wrap, wrap_any
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.facade import LateModule
from numax._engine.core.ir import subprograms
from numax._engine.core.native import native
from numax._engine.core.primitive import (
    Linear,
    Primitive,
    Zero,
    is_linear,
    not_differentiable,
    not_linear,
)
from numax._engine.core.shapes import canonical_axes, canonical_axis, canonical_shape
from numax._engine.core.trace import Tracer, as_value
from numax._engine.host.quiet import quiet
from numax._engine.stablehlo import hlo

kernels = LateModule("numax._engine.ops.kernels")

# ---- small things that rules share ----


def is_value(x: Any) -> bool:
    return type(x) is Array or isinstance(x, Tracer)


def full(shape: Sequence[int], value: Any, dtype: Any, weak: bool = False) -> Array:
    """A constant array, as a stride-0 view of one element: no memory, whatever the shape."""
    data = np.broadcast_to(np.array(value, dtypes.physical(dtype)), tuple(shape))
    return wrap(data, etype(dtype, weak))


def zeros_of(aval: ShapedArray) -> Array:
    zero = np.zeros((), dtypes.physical(aval.dtype))[()]
    return full(aval.shape, zero, aval.dtype, aval.weak_type)


def zeros_like(x: Any) -> Array:
    return zeros_of(x.aval)


def instantiate(t: Any) -> Any:
    """A tangent or cotangent as a value: symbolic zeros become arrays."""
    return zeros_of(t.aval) if type(t) is Zero else t


def constant_like(x: Any, value: Any) -> Array:
    """A scalar of x's dtype; binary operations broadcast scalars."""
    return wrap(np.array(value, x.dtype), etype(x.dtype, x.aval.weak_type))


def add_tangents(a: Any, b: Any) -> Any:
    if type(a) is Zero:
        return b
    if type(b) is Zero:
        return a
    return add_p.bind(a, b)


# ---- two operands: equal dtypes, equal shapes, or one without dimensions, which is broadcast ----


def pair(op: str, x: Any, y: Any) -> tuple[Any, Any]:
    """Both operands as values. Python scalars take the other's dtype."""
    x_is, y_is = is_value(x), is_value(y)
    if x_is and y_is:
        return (x, y) if x.shape == y.shape else _equal_ranks(x, y)
    if not x_is and not y_is:
        x = as_value(x, op)
        return pair(op, x, y)
    known, other = (x, y) if x_is else (y, x)
    if isinstance(other, builtins.bool | int | float | complex):
        dtype, _ = dtypes.join_types((known.dtype, known.aval.weak_type), dtypes.value_type(other))
        if dtype == known.dtype:
            other = wrap(np.array(other, dtype), etype(dtype, known.aval.weak_type))
    other = as_value(other, op)
    x, y = (known, other) if x_is else (other, known)
    return (x, y) if x.shape == y.shape else _equal_ranks(x, y)


def _equal_ranks(x: Any, y: Any) -> tuple[Any, Any]:
    """Operands with as many dimensions, axes of size 1 broadcast; others as they are."""
    a, b = x.shape, y.shape
    if len(a) != len(b) or any(m != n and m != 1 and n != 1 for m, n in zip(a, b)):
        return x, y
    shape = tuple([n if m == 1 else m for m, n in zip(a, b)])
    dims = range(len(shape))
    return broadcast_in_dim(x, shape, dims), broadcast_in_dim(y, shape, dims)


def infer_pair(op: str, x: ShapedArray, y: ShapedArray) -> tuple[tuple[int, ...], Any, bool]:
    """Shape, dtype and weakness of an elementwise result, or the error."""
    if x.dtype != y.dtype:
        raise TypeError(
            f"{op}: operands must have equal dtypes; got {x.str_short()} and {y.str_short()}. "
            "Convert one with x.astype(dtype), or use numax.numpy, which promotes."
        )
    shape = x.shape
    if shape != y.shape:
        if not shape:
            shape = y.shape
        elif y.shape:
            raise TypeError(
                f"{op}: operands must have equal shapes, or one no dimensions; got {x.str_short()} and "
                f"{y.str_short()}. Use numax.lax.broadcast_in_dim, or numax.numpy, which broadcasts."
            )
    return shape, x.dtype, x.weak_type and y.weak_type


def unbroadcast(ct: Any, aval: ShapedArray) -> Any:
    """The cotangent of an operand that was broadcast from no dimensions."""
    if aval.shape == ct.aval.shape:
        return ct
    return reduce_sum(ct, tuple(range(ct.aval.ndim)))


def lower_pair(emit: Any) -> Any:
    def lower(ctx: Any, x: Any, y: Any, **params: Any) -> Any:
        if x.shape != y.shape:
            shape = ctx.avals_out[0].shape
            x = x if x.shape == shape else hlo.broadcast_in_dim(ctx, x, shape, ())
            y = y if y.shape == shape else hlo.broadcast_in_dim(ctx, y, shape, ())
        return emit(ctx, x, y)

    return lower


def batch_elementwise(prim: Primitive) -> Any:
    """Batching of an elementwise operation of any number of operands."""

    def batch(axis: Any, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> Any:
        args, dim = align(args, dims)
        return prim.bind(*args, **params), dim

    return batch


def align(args: Sequence[Any], dims: Sequence[Any]) -> tuple[list[Any], int]:
    """Bring the batch axes of elementwise operands to one place; unbatched ones get an axis of size 1,
    broadcast, unless they have no dimensions."""
    shapes = {
        (a.aval.shape, d) for a, d in zip(args, dims, strict=True) if a.aval.ndim or d is not None
    }
    if len(shapes) == 1:
        return list(args), next(iter(shapes))[1]
    size = next(a.aval.shape[d] for a, d in zip(args, dims, strict=True) if d is not None)
    ndim = builtins.max(a.aval.ndim - (d is not None) for a, d in zip(args, dims, strict=True))
    out = []
    for a, d in zip(args, dims, strict=True):
        if d is None:
            if a.aval.ndim:
                a = broadcast_in_dim(a, (size, *a.aval.shape), tuple(range(1, a.aval.ndim + 1)))
        else:
            a = moveaxis(a, d, 0)
            if a.aval.ndim - 1 < ndim:
                inner = next(
                    b.aval
                    for b, e in zip(args, dims, strict=True)
                    if b.aval.ndim - (e is not None) == ndim
                )
                shape = list(inner.shape)
                e = next(
                    e
                    for b, e in zip(args, dims, strict=True)
                    if b.aval.ndim - (e is not None) == ndim
                )
                if e is not None:
                    del shape[e]
                a = broadcast_in_dim(a, (size, *shape), (0,))
        out.append(a)
    return out, 0


def moveaxis(x: Any, source: int, destination: int) -> Any:
    if source == destination:
        return x
    order = [i for i in range(x.aval.ndim) if i != source]
    order.insert(destination, source)
    return transpose(x, order)


def to_front(x: Any, dim: int | None, size: int) -> Any:
    """x with its batch axis first; an unbatched x is broadcast along a new first axis."""
    if dim is None:
        return broadcast_in_dim(x, (size, *x.aval.shape), tuple(range(1, x.aval.ndim + 1)))
    return moveaxis(x, dim, 0)


# ---- add, sub, mul, neg ----


def add(x: Any, y: Any, /) -> Any:
    """x + y, elementwise; booleans: or.

    Dtypes: equal dtypes; Raises: TypeError if dtypes or shapes differ. Grad: linear. Source: StableHLO `add`.
    """
    return add_p.bind(*pair("add", x, y))


def _infer_binary(op: str) -> Any:
    def infer(x: ShapedArray, y: ShapedArray) -> ShapedArray:
        if x.shape == y.shape and x.dtype == y.dtype and x.weak_type == y.weak_type:
            if x.dtype in _NUMERIC:
                return x
        shape, dtype, weak = infer_pair(op, x, y)
        if dtype not in _NUMERIC:
            raise TypeError(f"{op}: accepts numbers and booleans; got {x.str_short()}.")
        return ShapedArray(shape, dtype, weak)

    return infer


_NUMERIC = frozenset(dtypes.ALL)


def _add_jvp(primals: Any, tangents: Any) -> Any:
    out = add_p.bind(*primals)
    return out, _sum_to(out, tangents)


def _sum_to(out: Any, tangents: Any) -> Any:
    x, y = tangents
    if type(x) is not Zero and type(y) is not Zero:
        return add_p.bind(x, y)
    return _spread(y if type(x) is Zero else x, out)


def _spread(t: Any, out: Any) -> Any:
    """A tangent of an operand without dimensions, at the result's shape."""
    if t.aval.shape == out.aval.shape:
        return t
    return broadcast_in_dim(t, out.aval.shape, ())


def _add_transpose(ct: Any, x: Any, y: Any) -> Any:
    return [
        unbroadcast(ct, x.aval) if is_linear(x) else None,
        unbroadcast(ct, y.aval) if is_linear(y) else None,
    ]


add_p = Primitive(
    name="add",
    infer=_infer_binary("add"),
    host=np.add,
    lower=lower_pair(hlo.add),
    jvp=_add_jvp,
    transpose=_add_transpose,
    batch=lambda axis, args, dims: _batch_add(axis, args, dims),
    light=True,
)
_batch_add = batch_elementwise(add_p)


def sub(x: Any, y: Any, /) -> Any:
    """x - y, elementwise.

    Dtypes: equal numeric dtypes; Raises: TypeError if dtypes or shapes differ. Grad: linear.
    Source: StableHLO `subtract`.
    """
    return sub_p.bind(*pair("sub", x, y))


def _sub_jvp(primals: Any, tangents: Any) -> Any:
    out = sub_p.bind(*primals)
    x, y = tangents
    if type(y) is Zero:
        return out, _spread(x, out)
    if type(x) is Zero:
        return out, _spread(neg_p.bind(y), out)
    return out, sub_p.bind(x, y)


def _sub_transpose(ct: Any, x: Any, y: Any) -> Any:
    return [
        unbroadcast(ct, x.aval) if is_linear(x) else None,
        unbroadcast(neg_p.bind(ct), y.aval) if is_linear(y) else None,
    ]


def _host_sub(x: Any, y: Any) -> Any:
    return np.logical_xor(x, y) if x.dtype == np.bool_ else np.subtract(x, y)


sub_p = Primitive(
    name="sub",
    infer=_infer_binary("sub"),
    host=_host_sub,
    lower=lower_pair(hlo.subtract),
    jvp=_sub_jvp,
    transpose=_sub_transpose,
    batch=lambda axis, args, dims: _batch_sub(axis, args, dims),
    light=True,
)
_batch_sub = batch_elementwise(sub_p)


def mul(x: Any, y: Any, /) -> Any:
    """x * y, elementwise; booleans: and.

    Dtypes: equal dtypes; Raises: TypeError if dtypes or shapes differ. Grad: bilinear. Source: StableHLO `multiply`.
    """
    return mul_p.bind(*pair("mul", x, y))


def _mul_jvp(primals: Any, tangents: Any) -> Any:
    x, y = primals
    tx, ty = tangents
    out = mul_p.bind(x, y)
    left = tx if type(tx) is Zero else mul_p.bind(tx, y)
    right = ty if type(ty) is Zero else mul_p.bind(x, ty)
    return out, _spread(add_tangents(left, right), out)


def _mul_transpose(ct: Any, x: Any, y: Any) -> Any:
    if is_linear(x):
        return [unbroadcast(mul_p.bind(ct, y), x.aval), None]
    return [None, unbroadcast(mul_p.bind(x, ct), y.aval)]


mul_p = Primitive(
    name="mul",
    infer=_infer_binary("mul"),
    host=np.multiply,
    lower=lower_pair(hlo.multiply),
    jvp=_mul_jvp,
    transpose=_mul_transpose,
    batch=lambda axis, args, dims: _batch_mul(axis, args, dims),
    light=True,
)
_batch_mul = batch_elementwise(mul_p)


def neg(x: Any, /) -> Any:
    """-x, elementwise.

    Dtypes: numeric. Raises: TypeError for booleans. Grad: linear. Source: StableHLO `negate`.
    """
    return neg_p.bind(as_value(x, "neg"))


def _neg_infer(x: ShapedArray) -> ShapedArray:
    if x.dtype not in _NUMERIC or x.dtype == dtypes.bool_:
        raise TypeError(
            f"neg: accepts numbers; got {x.str_short()}. Use numax.lax.bitwise_not for booleans."
        )
    return x


neg_p = Primitive(
    name="neg",
    infer=_neg_infer,
    host=np.negative,
    lower=hlo.negate,
    jvp=lambda primals, tangents: (neg_p.bind(*primals), neg_p.bind(*tangents)),
    transpose=lambda ct, x: [neg_p.bind(ct)],
    batch=lambda axis, args, dims: (neg_p.bind(*args), dims[0]),
    light=True,
)


# ---- convert_element_type ----


def convert_element_type(operand: Any, new_dtype: Any) -> Any:
    """The operand's elements in another dtype; the result is not weak.

    Floats to integers truncate towards zero; to bool, anything but zero is True; complex to real drops the
    imaginary part. Grad: linear between inexact dtypes, else zero. Source: StableHLO `convert`.
    """
    operand = as_value(operand, "convert_element_type")
    return convert(operand, dtypes.canonicalize_dtype(new_dtype), False)


def convert(x: Any, dtype: Any, weak: bool = False) -> Any:
    """convert_element_type for a value and a canonical dtype; nothing to do gives x itself.

    A known number is converted at once, also while a program is being recorded.
    """
    aval = x.aval
    if aval.dtype == dtype and aval.weak_type == weak:
        return x
    if type(x) is Array and x._np is not None and not x._np.shape and dtypes.is_number(aval.dtype):
        return wrap_any(quiet.run(host_convert, x._np, dtype), etype(dtype, weak))
    return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=weak)


def _convert_infer(x: ShapedArray, *, new_dtype: Any, weak_type: bool) -> ShapedArray:
    if x.dtype != new_dtype and (dtypes.is_key(x.dtype) or dtypes.is_key(new_dtype)):
        raise TypeError(
            f"convert_element_type: PRNG keys do not convert; got {x.str_short()} to {new_dtype}. "
            "Use numax.random.key_data and numax.random.wrap_key_data."
        )
    return ShapedArray(x.shape, new_dtype, weak_type)


_LEAST = np.int32(-(2**31))


def host_convert(x: np.ndarray, dtype: Any) -> np.ndarray:
    """A NumPy array in another dtype, as XLA converts: out-of-range floats saturate, nan becomes 0."""
    if x.dtype == dtype:
        return x
    if dtype == np.bool_:
        return x != 0
    if dtypes.is_complex(x.dtype) and not dtypes.is_complex(dtype):
        x = x.real
    if dtypes.is_integer(dtype) and dtypes.is_float(x.dtype):
        if dtype == dtypes.int32 and x.dtype.kind == "f":
            out = x.astype(dtype)
            if not (out == _LEAST).any():  # what the processor gives for numbers outside
                return out
        limits = dtypes.iinfo(dtype)
        wide = x.astype(np.float64)
        low, high = float(limits.min), float(limits.max)
        inside = np.trunc(np.where(np.isnan(wide), 0.0, wide))
        out = np.clip(inside, low, high)
        if limits.bits >= 64:  # float(max) rounds up past the largest integer
            top = out >= high
            exact = np.where(top, 0.0, out).astype(dtype)
            return np.where(top, np.array(limits.max, dtype), exact)
        return out.astype(dtype)
    return x.astype(dtype)


def _convert_host(x: np.ndarray, *, new_dtype: Any, weak_type: bool) -> np.ndarray:
    return x if dtypes.is_key(new_dtype) else host_convert(x, new_dtype)


def _convert_lower(ctx: Any, x: Any, *, new_dtype: Any, weak_type: bool) -> Any:
    if x.dtype == dtypes.physical(new_dtype) or dtypes.is_key(new_dtype):
        return x
    if dtypes.is_complex(x.dtype) and not dtypes.is_complex(new_dtype):
        x = hlo.real(ctx, x)
    if new_dtype == dtypes.bool_:
        return hlo.compare(ctx, x, hlo.full(ctx, 0, x.shape, x.dtype), "NE")
    return hlo.convert(ctx, x, new_dtype)


def _convert_jvp(primals: Any, tangents: Any, *, new_dtype: Any, weak_type: bool) -> Any:
    (x,), (t,) = primals, tangents
    out = convert_element_type_p.bind(x, new_dtype=new_dtype, weak_type=weak_type)
    if not dtypes.is_inexact(new_dtype):
        return out, Zero(out.aval.tangent())
    return out, convert_element_type_p.bind(t, new_dtype=new_dtype, weak_type=weak_type)


convert_element_type_p = Primitive(
    name="convert_element_type",
    infer=_convert_infer,
    host=_convert_host,
    lower=_convert_lower,
    jvp=_convert_jvp,
    transpose=lambda ct, x, *, new_dtype, weak_type: [convert(ct, x.aval.dtype, x.aval.weak_type)],
    batch=lambda axis, args, dims, **params: (
        convert_element_type_p.bind(*args, **params),
        dims[0],
    ),
    light=True,
)


# ---- broadcast_in_dim, reshape, transpose ----


def broadcast_in_dim(operand: Any, shape: Any, broadcast_dimensions: Any) -> Any:
    """Repeat along new axes, and along axes of size 1. Axis i becomes axis broadcast_dimensions[i] of the result.

    Raises: ValueError if an axis of size other than 1 would change. Grad: linear. Source: StableHLO `broadcast_in_dim`.
    """
    operand = as_value(operand, "broadcast_in_dim")
    shape = canonical_shape("broadcast_in_dim", shape)
    dims = tuple(operator.index(d) for d in broadcast_dimensions)
    if operand.shape == shape and dims == tuple(range(len(shape))):
        return operand
    return broadcast_in_dim_p.bind(operand, shape=shape, broadcast_dimensions=dims)


def _broadcast_infer(x: ShapedArray, *, shape: Any, broadcast_dimensions: Any) -> ShapedArray:
    dims = broadcast_dimensions
    if not dims and not x.shape:
        return ShapedArray(shape, x.dtype, x.weak_type)
    if len(dims) != x.ndim:
        raise TypeError(
            f"broadcast_in_dim: broadcast_dimensions must name an axis of the result for each of the operand's; "
            f"got {dims} for {x.str_short()}."
        )
    if any(not 0 <= d < len(shape) for d in dims) or any(
        a >= b for a, b in itertools.pairwise(dims)
    ):
        raise TypeError(
            f"broadcast_in_dim: broadcast_dimensions must increase and lie in 0..{len(shape) - 1}; got {dims}."
        )
    for i, d in enumerate(dims):
        if x.shape[i] != shape[d] and x.shape[i] != 1:
            raise TypeError(
                f"broadcast_in_dim: axis {i} of size {x.shape[i]} cannot become axis {d} of size {shape[d]}; "
                f"got {x.str_short()} to {shape}. Sizes must agree or be 1."
            )
    return ShapedArray(shape, x.dtype, x.weak_type)


def _broadcast_host(x: np.ndarray, *, shape: Any, broadcast_dimensions: Any) -> np.ndarray:
    if x.ndim:
        middle = [1] * len(shape)
        for i, d in enumerate(broadcast_dimensions):
            middle[d] = x.shape[i]
        x = x.reshape(middle)
    if (
        math.prod(shape) <= _COPY_LIMIT
    ):  # copying a few elements is faster than making a view of stride 0
        out = np.empty(shape, x.dtype)
        out[...] = x
        return out
    return np.broadcast_to(x, shape)


_COPY_LIMIT = 1024


def _broadcast_transpose(ct: Any, x: Any, *, shape: Any, broadcast_dimensions: Any) -> Any:
    inner = x.aval.shape
    new = [d for d in range(len(shape)) if d not in broadcast_dimensions]
    kept = [d for i, d in enumerate(broadcast_dimensions) if inner[i] == 1 and shape[d] != 1]
    out = reduce_sum(ct, tuple(sorted(new + kept)))
    return [reshape(out, inner)]


def _broadcast_batch(
    axis: Any, args: Any, dims: Any, *, shape: Any, broadcast_dimensions: Any
) -> Any:
    x = moveaxis(args[0], dims[0], 0)
    size = x.aval.shape[0]
    return (
        broadcast_in_dim(x, (size, *shape), (0, *(d + 1 for d in broadcast_dimensions))),
        0,
    )


broadcast_in_dim_p = Primitive(
    name="broadcast_in_dim",
    infer=_broadcast_infer,
    host=_broadcast_host,
    lower=lambda ctx, x, *, shape, broadcast_dimensions: hlo.broadcast_in_dim(
        ctx, x, shape, broadcast_dimensions
    ),
    jvp=lambda primals, tangents, **params: (
        broadcast_in_dim_p.bind(*primals, **params),
        broadcast_in_dim_p.bind(*tangents, **params),
    ),
    transpose=_broadcast_transpose,
    batch=_broadcast_batch,
    light=True,
)


def reshape(
    operand: Any, new_sizes: Any, dimensions: Any = None, *, out_sharding: Any = None
) -> Any:
    """The same elements, in row-major order, in another shape.

    Args: dimensions (an order in which to read the operand's axes). Raises: TypeError if the sizes differ.
    Grad: linear. Source: StableHLO `reshape`.
    """
    operand = as_value(operand, "reshape")
    if dimensions is not None and tuple(dimensions) != tuple(range(operand.aval.ndim)):
        operand = transpose(operand, dimensions)
    shape = canonical_shape("reshape", new_sizes)
    if operand.shape == shape:
        return operand
    return reshape_p.bind(operand, new_sizes=shape)


def _reshape_infer(x: ShapedArray, *, new_sizes: Any) -> ShapedArray:
    if math.prod(new_sizes) != x.size:
        raise TypeError(
            f"reshape: the number of elements must not change; got {x.str_short()} ({x.size} elements) to "
            f"{new_sizes} ({math.prod(new_sizes)} elements)."
        )
    return ShapedArray(new_sizes, x.dtype, x.weak_type)


def _reshape_batch(axis: Any, args: Any, dims: Any, *, new_sizes: Any) -> Any:
    x = moveaxis(args[0], dims[0], 0)
    return reshape(x, (x.aval.shape[0], *new_sizes)), 0


reshape_p = Primitive(
    name="reshape",
    infer=_reshape_infer,
    host=lambda x, *, new_sizes: x.reshape(new_sizes),
    lower=lambda ctx, x, *, new_sizes: hlo.reshape(ctx, x, new_sizes),
    jvp=lambda primals, tangents, **params: (
        reshape_p.bind(*primals, **params),
        reshape_p.bind(*tangents, **params),
    ),
    transpose=lambda ct, x, *, new_sizes: [reshape(ct, x.aval.shape)],
    batch=_reshape_batch,
    light=True,
)


def transpose(operand: Any, permutation: Any) -> Any:
    """The axes in another order: axis i of the result is axis permutation[i] of the operand.

    Raises: TypeError if `permutation` is none. Grad: linear. Source: StableHLO `transpose`.
    """
    operand = as_value(operand, "transpose")
    order = tuple([operator.index(p) for p in permutation])
    if order == tuple(range(operand.aval.ndim)):
        return operand
    return transpose_p.bind(operand, permutation=order)


def _transpose_infer(x: ShapedArray, *, permutation: Any) -> ShapedArray:
    if sorted(permutation) != list(range(x.ndim)):
        raise TypeError(
            f"transpose: permutation must name each of the {x.ndim} axes once; got {permutation} for {x.str_short()}."
        )
    return ShapedArray(tuple([x.shape[p] for p in permutation]), x.dtype, x.weak_type)


def _transpose_batch(axis: Any, args: Any, dims: Any, *, permutation: Any) -> Any:
    d = dims[0]
    order = (d, *(p + (p >= d) for p in permutation))
    return transpose(args[0], order), 0


_TURNERS = frozenset(
    [
        "dot_general",
        "conv_general_dilated",
        "transpose",
        "reduce_sum",
        "reduce_prod",
        "reduce_and",
        "reduce_or",
    ]
)


def _stays(walk: Any) -> bool:
    """Whether the result of the transposition being lowered is better put into memory: not where products, sums and other transpositions
    take it in for nothing, nor where all that reads it goes over nothing else (what stands in a function that is called is not seen)."""
    (out,) = walk.eqn.outvars
    beside = walk.neighbours()
    if any(
        e.primitive.name in _TURNERS or any(True for _ in subprograms(e.params)) for e in beside
    ):
        return False
    readers = [e for e in beside if out in e.invars]
    return (
        out in walk.jaxpr.outvars
        or not readers
        or any(
            e.outvars[0].aval.shape != out.aval.shape
            or any(v is not out and v.aval.size > 1 for v in e.invars)
            for e in readers
        )
    )


def _transpose_lower(ctx: Any, x: Any, *, permutation: Any) -> Any:
    if ctx.kernels and math.prod(x.shape) >= kernels.LOOP and _stays(ctx.scope):
        found = kernels.transposed(ctx, x, permutation)
        if found is not None:
            return found
    return hlo.transpose(ctx, x, permutation)


transpose_p = Primitive(
    name="transpose",
    infer=_transpose_infer,
    host=lambda x, *, permutation: x.transpose(permutation),
    lower=_transpose_lower,
    jvp=lambda primals, tangents, **params: (
        transpose_p.bind(*primals, **params),
        transpose_p.bind(*tangents, **params),
    ),
    transpose=lambda ct, x, *, permutation: [transpose(ct, np.argsort(permutation).tolist())],
    batch=_transpose_batch,
    light=True,
)


def squeeze(array: Any, dimensions: Any) -> Any:
    """Drop axes of size 1.

    Raises: ValueError if a named axis has another size. Grad: linear. Source: StableHLO `reshape`.
    """
    array = as_value(array, "squeeze")
    dims = canonical_axes("squeeze", dimensions, array.aval.ndim)
    if not dims:
        return array
    return squeeze_p.bind(array, dimensions=tuple(sorted(dims)))


def _squeeze_infer(x: ShapedArray, *, dimensions: Any) -> ShapedArray:
    for d in dimensions:
        if x.shape[d] != 1:
            raise ValueError(
                f"squeeze: cannot drop axis {d} of size {x.shape[d]}; got {x.str_short()}. Only axes of size 1 go."
            )
    shape = tuple([n for i, n in enumerate(x.shape) if i not in dimensions])
    return ShapedArray(shape, x.dtype, x.weak_type)


def _squeeze_batch(axis: Any, args: Any, dims: Any, *, dimensions: Any) -> Any:
    x = moveaxis(args[0], dims[0], 0)
    return squeeze(x, tuple(d + 1 for d in dimensions)), 0


squeeze_p = Primitive(
    name="squeeze",
    infer=_squeeze_infer,
    host=lambda x, *, dimensions: x.squeeze(dimensions),
    lower=lambda ctx, x, *, dimensions: hlo.reshape(ctx, x, ctx.avals_out[0].shape),
    jvp=lambda primals, tangents, **params: (
        squeeze_p.bind(*primals, **params),
        squeeze_p.bind(*tangents, **params),
    ),
    transpose=lambda ct, x, *, dimensions: [reshape(ct, x.aval.shape)],
    batch=_squeeze_batch,
    light=True,
)


def expand_dims(array: Any, dimensions: Any) -> Any:
    """New axes of size 1, at the given places of the result.

    Raises: ValueError if a place is out of range or named twice. Grad: linear.
    """
    array = as_value(array, "expand_dims")
    if isinstance(dimensions, int):
        dimensions = (dimensions,)
    ndim = array.aval.ndim + len(dimensions)
    places = set(canonical_axes("expand_dims", dimensions, ndim))
    sizes = iter(array.shape)
    shape = tuple([1 if i in places else next(sizes) for i in range(ndim)])
    kept = tuple([i for i in range(ndim) if i not in places])
    return broadcast_in_dim(array, shape, kept)


# ---- reduce_sum ----


def reduce_sum(operand: Any, axes: Any, *, out_sharding: Any = None) -> Any:
    """The sum over the given axes.

    Dtypes: numeric; the result has the operand's dtype. Grad: linear. Source: StableHLO `reduce`.
    """
    operand = as_value(operand, "reduce_sum")
    axes = tuple(axes)
    if not axes:
        return operand
    return reduce_sum_p.bind(operand, axes=axes)


def infer_reduce(op: str, x: ShapedArray, axes: Any) -> ShapedArray:
    if len(axes) == 1 and axes[0] == 0 and x.shape:
        return ShapedArray(x.shape[1:], x.dtype, x.weak_type)
    for a in axes:
        if not 0 <= a < x.ndim:
            raise np.exceptions.AxisError(
                f"{op}: axis {a} is out of bounds for array of dimension {x.ndim}; got {x.str_short()}."
            )
    if len(set(axes)) != len(axes):
        raise ValueError(f"{op}: repeated axis; got {axes}. Name each axis once.")
    return ShapedArray(
        tuple([n for i, n in enumerate(x.shape) if i not in axes]), x.dtype, x.weak_type
    )


def _sum_infer(x: ShapedArray, *, axes: Any) -> ShapedArray:
    if x.dtype not in _NUMERIC or x.dtype == dtypes.bool_:
        raise TypeError(
            f"reduce_sum: accepts numbers; got {x.str_short()}. Convert booleans with x.astype(int)."
        )
    return infer_reduce("reduce_sum", x, axes)


_NARROW_FLOATS = frozenset(dtypes.FLOATS) - {dtypes.float32, dtypes.float64}


def _sum_host(x: np.ndarray, *, axes: Any) -> np.ndarray:
    dtype = x.dtype
    if dtype in _NARROW_FLOATS:
        return np.add.reduce(x, axis=axes, dtype=np.float32).astype(dtype)
    if native is not None and len(axes) == x.ndim:
        total: np.ndarray | None = native.sum(x)
        if total is not None:
            return total
    return np.add.reduce(x, axis=axes, dtype=dtype)


def _sum_lower(ctx: Any, x: Any, *, axes: Any) -> Any:
    if x.dtype in _NARROW_FLOATS:  # sum in float32, round once
        wide = hlo.convert(ctx, x, dtypes.float32)
        zero = hlo.full(ctx, 0, (), dtypes.float32)
        return hlo.convert(ctx, hlo.reduce_with(ctx, wide, zero, axes, hlo.add), x.dtype)
    return hlo.reduce_with(ctx, x, hlo.full(ctx, 0, (), x.dtype), axes, hlo.add)


def _sum_transpose(ct: Any, x: Any, *, axes: Any) -> Any:
    shape = x.aval.shape
    kept = tuple([i for i in range(len(shape)) if i not in axes])
    return [broadcast_in_dim(ct, shape, kept)]


def batch_reduce(prim: Primitive) -> Any:
    def batch(axis: Any, args: Any, dims: Any, *, axes: Any, **params: Any) -> Any:
        d = dims[0]
        shifted = tuple([a + (a >= d) for a in axes])
        return prim.bind(args[0], axes=shifted, **params), d - builtins.sum(a < d for a in shifted)

    return batch


reduce_sum_p = Primitive(
    name="reduce_sum",
    infer=_sum_infer,
    host=_sum_host,
    lower=_sum_lower,
    jvp=lambda primals, tangents, **params: (
        reduce_sum_p.bind(*primals, **params),
        reduce_sum_p.bind(*tangents, **params),
    ),
    transpose=_sum_transpose,
    batch=lambda axis, args, dims, **params: _batch_sum(axis, args, dims, **params),
    light=True,
)
_batch_sum = batch_reduce(reduce_sum_p)


# ---- select_n ----


def select_n(which: Any, *cases: Any) -> Any:
    """cases[which], elementwise. `which` is boolean (two cases) or int32, of the cases' shape or no dimensions.

    Raises: TypeError if the cases differ in shape or dtype. Grad: linear in the cases. Source: StableHLO `select`.
    """
    if not cases:
        raise ValueError("select_n: at least one case is needed.")
    return select_n_p.bind(as_value(which, "select_n"), *[as_value(c, "select_n") for c in cases])


def select(pred: Any, on_true: Any, on_false: Any) -> Any:
    """on_true where the predicate holds, else on_false, elementwise; `select_n` with the cases turned round.

    Raises: as select_n. Grad: linear in the cases. Source: StableHLO `select`.
    """
    return select_n(pred, on_false, on_true)


def _select_infer(which: ShapedArray, *cases: ShapedArray) -> ShapedArray:
    first = cases[0]
    for c in cases[1:]:
        if c.shape != first.shape or c.dtype != first.dtype:
            raise TypeError(
                f"select_n: cases must have equal shapes and dtypes; got {first.str_short()} and {c.str_short()}."
            )
    if which.dtype != dtypes.bool_ and which.dtype != dtypes.int32:
        raise TypeError(f"select_n: `which` must be bool or int32; got {which.str_short()}.")
    if which.dtype == dtypes.bool_ and len(cases) > 2:
        raise TypeError(
            f"select_n: a boolean `which` takes at most two cases; got {len(cases)}. Use int32."
        )
    if which.shape and which.shape != first.shape:
        raise TypeError(
            f"select_n: `which` must have the cases' shape or no dimensions; got {which.str_short()} for "
            f"{first.str_short()}."
        )
    weak = all(c.weak_type for c in cases)
    return first if weak == first.weak_type else ShapedArray(first.shape, first.dtype, weak)


def _select_host(which: np.ndarray, *cases: np.ndarray) -> np.ndarray:
    if len(cases) == 1:
        return cases[0]
    if which.dtype == np.bool_:
        return np.where(which, cases[1], cases[0])
    index = np.clip(which, 0, len(cases) - 1)
    if not which.ndim:
        return cases[int(index)]
    out = cases[0]
    for i, case in enumerate(cases[1:], 1):
        out = np.where(index == i, case, out)
    return out


def _select_lower(ctx: Any, which: Any, *cases: Any) -> Any:
    if which.dtype == dtypes.bool_:
        return cases[0] if len(cases) == 1 else hlo.select(ctx, which, cases[1], cases[0])

    def choose(first: int, last: int) -> Any:
        if first == last:
            return cases[first]
        middle = (first + last) // 2
        bound = hlo.full(ctx, middle + 1, which.shape, which.dtype)
        low = hlo.compare(ctx, which, bound, "LT")
        return hlo.select(ctx, low, choose(first, middle), choose(middle + 1, last))

    return choose(0, len(cases) - 1)


def _select_jvp(primals: Any, tangents: Any) -> Any:
    which = primals[0]
    out = select_n_p.bind(*primals)
    ts = tangents[1:]
    if all(type(t) is Zero for t in ts):
        return out, Zero(out.aval.tangent())
    return out, select_n_p.bind(which, *map(instantiate, ts))


def _select_transpose(ct: Any, which: Any, *cases: Any) -> Any:
    zeros = zeros_like(ct)
    out: list[Any] = [None]
    for i, case in enumerate(cases):
        if not is_linear(case):
            out.append(None)
            continue
        options = [zeros] * len(cases)
        options[i] = ct
        out.append(select_n_p.bind(which, *options))
    return out


def _select_batch(axis: Any, args: Any, dims: Any) -> Any:
    which, *cases = args
    which_dim, *case_dims = dims
    same = set(case_dims)
    if which_dim is None and len(same) == 1 and not which.aval.ndim:
        return select_n_p.bind(which, *cases), case_dims[0]
    if set(dims) == {which_dim}:
        if which.aval.ndim == cases[0].aval.ndim:
            return select_n_p.bind(*args), which_dim
    size = axis.size
    cases = [to_front(c, d, size) for c, d in zip(cases, case_dims, strict=True)]
    if which_dim is not None or which.aval.ndim:
        which = to_front(which, which_dim, size)
        if which.aval.ndim < cases[0].aval.ndim:
            which = broadcast_in_dim(which, cases[0].aval.shape, (0,))
    return select_n_p.bind(which, *cases), 0


select_n_p = Primitive(
    name="select_n",
    infer=_select_infer,
    host=_select_host,
    lower=_select_lower,
    jvp=_select_jvp,
    transpose=_select_transpose,
    batch=_select_batch,
    light=True,
)

__all__ = [
    "Linear",
    "Primitive",
    "ShapedArray",
    "Zero",
    "add",
    "add_p",
    "add_tangents",
    "align",
    "as_value",
    "batch_elementwise",
    "batch_reduce",
    "broadcast_in_dim",
    "broadcast_in_dim_p",
    "canonical_axes",
    "canonical_axis",
    "canonical_shape",
    "constant_like",
    "convert",
    "convert_element_type",
    "convert_element_type_p",
    "expand_dims",
    "full",
    "host_convert",
    "infer_pair",
    "infer_reduce",
    "instantiate",
    "is_linear",
    "is_value",
    "lower_pair",
    "moveaxis",
    "mul",
    "mul_p",
    "neg",
    "neg_p",
    "not_differentiable",
    "not_linear",
    "pair",
    "reduce_sum",
    "reduce_sum_p",
    "reshape",
    "reshape_p",
    "select",
    "select_n",
    "select_n_p",
    "squeeze",
    "squeeze_p",
    "sub",
    "sub_p",
    "to_front",
    "transpose",
    "transpose_p",
    "unbroadcast",
    "wrap_any",
    "zeros_like",
    "zeros_of",
]
