"""Products of matrices and of arrays: dot_general and what is written with it."""

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.errors import TypePromotionError
from numax._engine.core.native import native
from numax._engine.core.primitive import Primitive, Zero, is_linear
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import add_tangents, convert, transpose
from numax._engine.ops.precision import (
    accumulation_dtype,
    algorithm_text,
    canonical_precision,
    is_algorithm,
    pair_text,
    storage_dtypes,
)
from numax._engine.stablehlo import hlo

DotDimensionNumbers = tuple[
    tuple[Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int]]
]

_MATMUL = (((1,), (0,)), ((), ()))


# ---- public functions ----


def dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: Any,
    precision: Any = None,
    preferred_element_type: Any = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """Products summed over contracting axes, for each index of the batching axes.

    Shapes: the result has the batching axes, then the free axes of lhs, then those of rhs.
    Dtypes: the promoted dtype, or `preferred_element_type`.
    Args: dimension_numbers ((lhs contracting, rhs contracting), (lhs batching, rhs batching)).
    Raises: TypeError if contracted or batching axes do not pair up. Grad: bilinear. Source: StableHLO `dot_general`.
    """
    (lhs_sum, rhs_sum), (lhs_batch, rhs_batch) = dimension_numbers
    numbers = (
        (tuple(map(operator.index, lhs_sum)), tuple(map(operator.index, rhs_sum))),
        (tuple(map(operator.index, lhs_batch)), tuple(map(operator.index, rhs_batch))),
    )
    return dot_general_p.bind(
        as_value(lhs, "dot_general"),
        as_value(rhs, "dot_general"),
        dimension_numbers=numbers,
        precision=canonical_precision("dot_general", precision),
        preferred_element_type=_canonical_dtype(preferred_element_type),
    )


def _canonical_dtype(dtype: Any) -> Any:
    return None if dtype is None else dtypes.canonicalize_dtype(dtype)


def dot(
    lhs: Any,
    rhs: Any,
    *,
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:
    """The product of two matrices, of a matrix and a vector, or of two vectors; else `dot_general`.

    Shapes: lhs (M, K) or (K,), rhs (K, N) or (K,). Dtypes: the promoted dtype, or `preferred_element_type`.
    Raises: ValueError if the operands are no matrices or vectors that fit. Grad: bilinear.
    """
    lhs, rhs = as_value(lhs, "dot"), as_value(rhs, "dot")
    if dimension_numbers is None:
        x, y = lhs.shape, rhs.shape
        if not (1 <= len(x) <= 2 and 1 <= len(y) <= 2 and x[-1] == y[0]):
            raise ValueError(
                f"dot: operands must be matrices or vectors of equal inner size; got {lhs.aval.str_short()} and "
                f"{rhs.aval.str_short()}. Transpose one, or give dimension_numbers."
            )
        dimension_numbers = (((len(x) - 1,), (0,)), ((), ()))
        if precision is None and preferred_element_type is None:
            return dot_general_p.bind(
                lhs,
                rhs,
                dimension_numbers=dimension_numbers,
                precision=canonical_precision("dot", None),
                preferred_element_type=None,
            )
    return dot_general(lhs, rhs, dimension_numbers, precision, preferred_element_type)


def batch_matmul(lhs: Any, rhs: Any, precision: Any = None) -> Any:
    """Matrix products over equal leading axes.

    Shapes: lhs (B..., M, K), rhs (B..., K, N) -> (B..., M, N). Raises: ValueError if the ranks differ. Grad: bilinear.
    """
    lhs, rhs = as_value(lhs, "batch_matmul"), as_value(rhs, "batch_matmul")
    n = lhs.aval.ndim
    if n < 2 or rhs.aval.ndim != n:
        raise ValueError(
            f"batch_matmul: operands must have equal ranks of at least 2; got {lhs.aval.str_short()} and "
            f"{rhs.aval.str_short()}."
        )
    batch = tuple(range(n - 2))
    return dot_general(lhs, rhs, (((n - 1,), (n - 2,)), (batch, batch)), precision)


# ---- the plan of a product: how its axes become those of a matrix product ----


class _Plan(NamedTuple):
    lhs_free: tuple[int, ...]
    rhs_free: tuple[int, ...]
    lhs_order: tuple[int, ...] | None  # batching, free, contracting; None: they are in that order
    rhs_order: tuple[int, ...] | None  # batching, contracting, free
    dot: bool  # numpy.dot does it as it is


@functools.lru_cache(maxsize=4096)
def _plan(numbers: Any, lhs_ndim: int, rhs_ndim: int) -> _Plan:
    (lhs_sum, rhs_sum), (lhs_batch, rhs_batch) = numbers
    for side, ndim, summed, batch in (
        ("lhs", lhs_ndim, lhs_sum, lhs_batch),
        ("rhs", rhs_ndim, rhs_sum, rhs_batch),
    ):
        named = summed + batch
        if any(not 0 <= d < ndim for d in named):
            raise TypeError(
                f"dot_general: {side} axes must lie in 0..{ndim - 1}; got contracting {summed} and batching {batch}."
            )
        if len(set(named)) != len(named):
            raise TypeError(
                f"dot_general: each {side} axis may be named once; got contracting {summed} and batching {batch}."
            )
    if len(lhs_sum) != len(rhs_sum) or len(lhs_batch) != len(rhs_batch):
        raise TypeError(
            f"dot_general: both sides must name as many axes; got contracting {lhs_sum} and {rhs_sum}, batching "
            f"{lhs_batch} and {rhs_batch}."
        )
    lhs_free = tuple([d for d in range(lhs_ndim) if d not in lhs_sum and d not in lhs_batch])
    rhs_free = tuple([d for d in range(rhs_ndim) if d not in rhs_sum and d not in rhs_batch])
    lhs_order = lhs_batch + lhs_free + lhs_sum
    rhs_order = rhs_batch + rhs_sum + rhs_free
    plain = (
        not lhs_batch
        and len(lhs_sum) == 1
        and 1 <= lhs_ndim <= 2
        and 1 <= rhs_ndim <= 2
        and lhs_sum[0] == lhs_ndim - 1
        and rhs_sum[0] == 0
    )
    return _Plan(
        lhs_free,
        rhs_free,
        None if lhs_order == tuple(range(lhs_ndim)) else lhs_order,
        None if rhs_order == tuple(range(rhs_ndim)) else rhs_order,
        plain,
    )


# ---- rules ----


def _dot_infer(
    lhs: ShapedArray,
    rhs: ShapedArray,
    *,
    dimension_numbers: Any,
    precision: Any,
    preferred_element_type: Any,
) -> ShapedArray:
    x, y = lhs.shape, rhs.shape
    if dimension_numbers == _MATMUL and preferred_element_type is None and lhs.dtype == rhs.dtype:
        if len(x) == 2 and len(y) == 2 and x[1] == y[0] and lhs.dtype in _BLAS:
            return ShapedArray((x[0], y[1]), lhs.dtype, lhs.weak_type and rhs.weak_type)
    plan = _plan(dimension_numbers, len(x), len(y))
    (lhs_sum, rhs_sum), (lhs_batch, rhs_batch) = dimension_numbers
    for what, left, right in (("contracted", lhs_sum, rhs_sum), ("batching", lhs_batch, rhs_batch)):
        for a, b in zip(left, right, strict=True):
            if x[a] != y[b]:
                raise TypeError(
                    f"dot_general: {what} sizes differ: lhs axis {a} is {x[a]}, rhs axis {b} is {y[b]}; got "
                    f"{lhs.str_short()} and {rhs.str_short()}. Transpose one operand or change the axes."
                )
    shape = [x[d] for d in lhs_batch]
    shape += [x[d] for d in plan.lhs_free]
    shape += [y[d] for d in plan.rhs_free]
    weak = False
    if preferred_element_type is None:
        dtype = _joined(lhs.dtype, rhs.dtype)
        weak = lhs.weak_type and rhs.weak_type
    else:
        dtype = _preferred(lhs.dtype, rhs.dtype, preferred_element_type)
    return ShapedArray(tuple(shape), dtype, weak)


def _joined(lhs: Any, rhs: Any) -> Any:
    if lhs == rhs and not dtypes.is_key(lhs):
        return lhs
    try:
        dtype = dtypes.join_types((lhs, False), (rhs, False))[0]
    except TypePromotionError:
        if lhs in dtypes.FLOAT8 and rhs in dtypes.FLOAT8:  # the one of wider range
            return max(lhs, rhs, key=lambda d: float(dtypes.finfo(d).max))
        raise
    if dtypes.is_key(dtype):
        raise TypeError(f"dot_general: accepts numbers and booleans; got {dtype}.")
    return dtype


@functools.cache
def _preferred(lhs: Any, rhs: Any, preferred: Any) -> Any:
    dtype = _joined(lhs, rhs)
    integers = dtypes.is_integer(dtype) and (
        dtypes.is_integer(preferred) or preferred == dtypes.bool_
    )
    if integers and dtypes.itemsize_bits(preferred) < dtypes.itemsize_bits(dtype):
        raise TypeError(
            f"dot_general: preferred_element_type must not be narrower than the operands; got {preferred} for {dtype}."
        )
    return preferred


# -- host --

_BLAS = frozenset([dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128])
_EXACT = 2**53  # integers below this are exact in float64
_SMALL = 1 << 15  # products of fewer multiplications are left to NumPy's integer loops


def _no_product(x: np.ndarray, y: np.ndarray) -> None:
    """Where there is no native product of small matrices."""


_small_product = getattr(native, "product", _no_product)


def _dot_host(
    x: np.ndarray,
    y: np.ndarray,
    *,
    dimension_numbers: Any,
    precision: Any,
    preferred_element_type: Any,
) -> Any:
    dtype = x.dtype
    out = preferred_element_type
    if out is None and precision is None and dimension_numbers == _MATMUL:
        if x.ndim == 2 and y.ndim == 2 and dtype in _BLAS and dtype == y.dtype:
            found = _small_product(x, y)
            return np.dot(x, y) if found is None else found
    plan = _plan(dimension_numbers, x.ndim, y.ndim)
    if (
        dtype == y.dtype
        and dtype in _BLAS
        and (out is None or out == dtype)
        and not is_algorithm(precision)
    ):
        if plan.dot:
            return np.dot(x, y)
        return _contract(x, y, plan, dimension_numbers)
    if out is None:
        out = _joined(dtype, y.dtype)
    if is_algorithm(precision):
        x_dtype, y_dtype = storage_dtypes(precision, dtype, y.dtype)
        x, y = x.astype(x_dtype), y.astype(y_dtype)
    wide = _wide(x.dtype, y.dtype, out)
    if wide in _BLAS:
        return _to(_contract(x.astype(wide), y.astype(wide), plan, dimension_numbers), out)
    return _integer_dot(x, y, wide, plan, dimension_numbers).astype(out)


@functools.cache
def _wide(x: Any, y: Any, out: Any) -> Any:
    """The dtype to compute in."""
    dtype = _joined(x, y)
    if dtype == dtypes.bool_ and out == dtypes.bool_:
        return dtype
    if dtypes.is_inexact(dtype) or dtypes.is_inexact(out):
        if dtypes.is_float(dtype) and dtype not in _BLAS:
            dtype = dtypes.float32
        if not dtypes.is_inexact(dtype):
            return dtypes.float64
        if dtypes.is_complex(out) or dtype == dtypes.float32:
            return np.promote_types(dtype, out) if out in _BLAS else dtype
        return dtype
    return out


def _to(x: np.ndarray, dtype: Any) -> np.ndarray:
    if dtypes.is_complex(x.dtype) and not dtypes.is_complex(dtype):
        x = np.real(x)
    return x.astype(dtype)


def _integer_dot(x: np.ndarray, y: np.ndarray, dtype: Any, plan: _Plan, numbers: Any) -> np.ndarray:
    """Integers modulo 2**bits; through float64 (BLAS) where the sums are exact there."""
    if dtype == dtypes.bool_:
        if x.size > _SMALL or y.size > _SMALL:
            return _contract(x.astype(np.float32), y.astype(np.float32), plan, numbers) > 0
        return _contract(x, y, plan, numbers)
    count = math.prod([x.shape[d] for d in numbers[0][0]])
    if x.size and y.size and count and x.size * (y.size // count) > _SMALL:
        bound = count * _largest(x) * _largest(y)
        if bound < _EXACT:
            product = _contract(x.astype(np.float64), y.astype(np.float64), plan, numbers)
            return product.astype(np.int64)
    native = dtype if np.dtype(dtype).kind in "iu" else np.dtype(np.int32)
    return _contract(x.astype(native), y.astype(native), plan, numbers)


def _largest(x: np.ndarray) -> int:
    if x.dtype.kind not in "iu":
        return 1 if x.dtype == np.bool_ else 16
    return max(abs(int(x.max())), abs(int(x.min())))


def _contract(x: np.ndarray, y: np.ndarray, plan: _Plan, numbers: Any) -> Any:
    """Any contraction as one matmul."""
    if plan.dot:
        return np.dot(x, y)
    x_shape, y_shape = x.shape, y.shape
    (lhs_sum, _), (lhs_batch, _) = numbers
    if plan.lhs_order is not None:
        x = x.transpose(plan.lhs_order)
    if plan.rhs_order is not None:
        y = y.transpose(plan.rhs_order)
    free_x = [x_shape[d] for d in plan.lhs_free]
    free_y = [y_shape[d] for d in plan.rhs_free]
    batch = [x_shape[d] for d in lhs_batch]
    if len(lhs_sum) == 1 and len(free_x) == 1 and len(free_y) == 1:
        found = _small_product(x, y)
        return np.matmul(x, y) if found is None else found
    summed = math.prod([x_shape[d] for d in lhs_sum])
    m, n = math.prod(free_x), math.prod(free_y)
    if not lhs_sum:  # an outer product
        return np.multiply(
            x.reshape((*batch, *free_x, *[1] * len(free_y))),
            y.reshape((*batch, *[1] * len(free_x), *free_y)),
        )
    x = x.reshape((*batch, m, summed))
    y = y.reshape((*batch, summed, n))
    return np.matmul(x, y).reshape((*batch, *free_x, *free_y))


# -- lower --

_SUB_BYTE = {
    dtypes.int4: dtypes.int8,
    dtypes.uint4: dtypes.uint8,
    dtypes.int2: dtypes.int8,
    dtypes.uint2: dtypes.uint8,
}


def _dot_lower(
    ctx: Any, x: Any, y: Any, *, dimension_numbers: Any, precision: Any, preferred_element_type: Any
) -> Any:
    out = preferred_element_type
    if out is None:
        out = _joined(x.dtype, y.dtype)
    if is_algorithm(precision):
        return _lower_algorithm(ctx, x, y, dimension_numbers, precision, out)
    if x.dtype != y.dtype and not (x.dtype in dtypes.FLOAT8 and y.dtype in dtypes.FLOAT8):
        dtype = _joined(x.dtype, y.dtype)
        x, y = hlo.convert(ctx, x, dtype), hlo.convert(ctx, y, dtype)
    names = pair_text(precision)
    direct = out
    if x.dtype in _SUB_BYTE and out != x.dtype:
        x, y = hlo.convert(ctx, x, _SUB_BYTE[x.dtype]), hlo.convert(ctx, y, _SUB_BYTE[x.dtype])
    if x.dtype == y.dtype and out != x.dtype:
        # XLA widens sums within a kind; other conversions are written out.
        operand = x.dtype
        if dtypes.is_complex(operand) and not dtypes.is_complex(out):
            direct = operand
        elif dtypes.is_float(operand) and not dtypes.is_inexact(out):
            direct = dtypes.float32 if operand not in _BLAS else operand
        elif not dtypes.is_inexact(operand) and (dtypes.is_inexact(out) or operand == dtypes.bool_):
            direct = dtypes.float32 if dtypes.is_inexact(out) and out != dtypes.float64 else out
            x, y = hlo.convert(ctx, x, direct), hlo.convert(ctx, y, direct)
        elif dtypes.is_float(operand) and dtypes.is_complex(out):
            direct = dtypes.float64 if operand == dtypes.float64 else dtypes.float32
        elif dtypes.itemsize_bits(out) < dtypes.itemsize_bits(operand):
            direct = operand
        elif operand == dtypes.float32 or dtypes.is_complex(operand):
            x, y = hlo.convert(ctx, x, out), hlo.convert(ctx, y, out)
    found = hlo.dot_general(ctx, x, y, dimension_numbers, direct, names)
    if direct == out:
        return found
    if dtypes.is_complex(direct) and not dtypes.is_complex(out):
        found = hlo.real(ctx, found)
    return hlo.convert(ctx, found, out)


def _lower_algorithm(ctx: Any, x: Any, y: Any, numbers: Any, precision: Any, out: Any) -> Any:
    x_dtype, y_dtype = storage_dtypes(precision, x.dtype, y.dtype)
    x, y = hlo.convert(ctx, x, x_dtype), hlo.convert(ctx, y, y_dtype)
    if (
        ctx.platform == "cpu"
    ):  # which has no such algorithms: as exact as the operands' dtypes allow
        return _dot_lower(
            ctx, x, y, dimension_numbers=numbers, precision=None, preferred_element_type=out
        )
    dtype = accumulation_dtype(precision, out)
    text = algorithm_text(precision, x_dtype, y_dtype, dtype)
    return hlo.convert(ctx, hlo.dot_general(ctx, x, y, numbers, dtype, None, text), out)


# -- derivatives and batching --


def _dot_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    x, y = primals
    tx, ty = tangents
    out = dot_general_p.bind(x, y, **params)
    zero = Zero(out.aval.tangent())
    if not dtypes.is_inexact(out.aval.dtype):
        return out, zero
    left = zero if type(tx) is Zero else dot_general_p.bind(tx, y, **params)
    right = zero if type(ty) is Zero else dot_general_p.bind(x, ty, **params)
    return out, add_tangents(left, right)


def _dot_transpose(
    ct: Any, x: Any, y: Any, *, dimension_numbers: Any, precision: Any, preferred_element_type: Any
) -> Any:
    (x_sum, y_sum), (x_batch, y_batch) = dimension_numbers
    plan = _plan(dimension_numbers, x.aval.ndim, y.aval.ndim)
    if preferred_element_type is not None and dtypes.is_float(preferred_element_type):
        if dtypes.is_complex(x.aval.dtype) or dtypes.is_complex(y.aval.dtype):
            preferred_element_type = None  # the real part was taken; a cotangent keeps both
    batch = tuple(range(len(x_batch)))
    middle = len(x_batch) + len(plan.lhs_free)
    ct_x = tuple(range(len(x_batch), middle))
    ct_y = tuple(range(middle, middle + len(plan.rhs_free)))
    params = {"precision": precision, "preferred_element_type": preferred_element_type}
    if is_linear(x):
        numbers = ((ct_y, plan.rhs_free), (batch, y_batch))
        got = dot_general_p.bind(ct, y, dimension_numbers=numbers, **params)
        order = [x_sum[y_sum.index(d)] for d in sorted(y_sum)]
        return [_restore(got, [*x_batch, *plan.lhs_free, *order], x.aval), None]
    numbers = ((plan.lhs_free, ct_x), (x_batch, batch))
    got = dot_general_p.bind(x, ct, dimension_numbers=numbers, **params)
    order = [y_sum[x_sum.index(d)] for d in sorted(x_sum)]
    return [None, _restore(got, [*y_batch, *order, *plan.rhs_free], y.aval)]


def _restore(got: Any, places: list[int], aval: ShapedArray) -> Any:
    """Axis i of `got` goes to places[i]."""
    order = [0] * len(places)
    for i, d in enumerate(places):
        order[d] = i
    return convert(transpose(got, order), aval.dtype, aval.weak_type)


def _dot_batch(axis: Any, args: Any, dims: Any, *, dimension_numbers: Any, **params: Any) -> Any:
    x, y = args
    dx, dy = dims
    (x_sum, y_sum), (x_batch, y_batch) = dimension_numbers
    if dx is not None:
        x_sum, x_batch = _shift(x_sum, dx), _shift(x_batch, dx)
    if dy is not None:
        y_sum, y_batch = _shift(y_sum, dy), _shift(y_batch, dy)
    if dx is not None and dy is not None:
        x_batch, y_batch = (dx, *x_batch), (dy, *y_batch)
        place = 0
    elif dx is not None:
        place = len(x_batch) + _free_before(dx, x_sum + x_batch)
    else:
        place = x.aval.ndim - len(x_sum) + _free_before(dy, y_sum + y_batch)
    numbers = ((x_sum, y_sum), (x_batch, y_batch))
    return dot_general_p.bind(x, y, dimension_numbers=numbers, **params), place


def _free_before(d: Any, named: tuple[int, ...]) -> int:
    return sum(axis not in named for axis in range(d))


def _shift(axes: tuple[int, ...], d: int) -> tuple[int, ...]:
    return tuple([a + (a >= d) for a in axes])


dot_general_p = Primitive(
    name="dot_general",
    infer=_dot_infer,
    host=_dot_host,
    lower=_dot_lower,
    jvp=_dot_jvp,
    transpose=_dot_transpose,
    batch=_dot_batch,
)

__all__ = ["DotDimensionNumbers", "batch_matmul", "dot", "dot_general", "dot_general_p"]
