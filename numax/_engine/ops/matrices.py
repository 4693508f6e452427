"""What the rules of linear algebra share: adjoints, products, triangles, and calls of LAPACK's kernels.

Matrices are the last two axes; those before are batch axes, which all operations here take as they are.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.array import Array, wrap
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    add,
    broadcast_in_dim,
    convert,
    mul,
    reduce_sum,
    select_n,
    to_front,
    transpose,
    zeros_like,
)
from numax._engine.ops.compare import eq, ge, le
from numax._engine.ops.complex import conj, real
from numax._engine.ops.dot import dot_general_p
from numax._engine.ops.precision import Precision
from numax._engine.ops.shape import broadcasted_iota
from numax._engine.stablehlo import hlo

ACCEPTED = frozenset([dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128])
_PART = {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}
_WHOLE = {part: whole for whole, part in _PART.items()}
_EXACT = (Precision.HIGHEST, Precision.HIGHEST)
_CONSTANT_LIMIT = 64 * 64  # larger masks are computed, not kept as constants of programs


def part_dtype(dtype: Any) -> Any:
    """The dtype of the real part."""
    return _PART.get(dtype, dtype)


def whole_dtype(dtype: Any) -> Any:
    """The complex dtype of the same precision."""
    return _WHOLE.get(dtype, dtype)


def matrix(op: str, x: Any) -> Any:
    """An argument as a value; integers become the default float.

    Raises: TypeError for dtypes that LAPACK has not.
    """
    x = as_value(x, op)
    dtype = x.aval.dtype
    if dtype in ACCEPTED:
        return x
    if dtypes.is_integer(dtype) or dtype == dtypes.bool_:
        return convert(x, dtypes.default_dtype(float))
    raise TypeError(
        f"{op}: accepts float32, float64, complex64 and complex128; got {x.aval.str_short()}. "
        "Convert it with x.astype(dtype)."
    )


def check_matrix(op: str, x: ShapedArray, square: bool = False) -> None:
    if x.dtype not in ACCEPTED:
        raise TypeError(
            f"{op}: accepts float32, float64, complex64 and complex128; got {x.str_short()}. "
            "Convert it with x.astype(dtype)."
        )
    if x.ndim < 2:
        raise np.linalg.LinAlgError(
            f"{op}: the operand must be a matrix (or a batch of them); got {x.str_short()}."
        )
    if square and x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError(f"{op}: the matrix must be square; got {x.str_short()}.")


# ---- values ----


def swap(x: Any) -> Any:
    """The transposed matrix."""
    n = x.aval.ndim
    return transpose(x, (*range(n - 2), n - 1, n - 2))


def adjoint(x: Any) -> Any:
    """The conjugate transposed matrix."""
    return swap(conjugate(x))


def conjugate(x: Any) -> Any:
    return conj(x) if dtypes.is_complex(x.aval.dtype) else x


def real_part(x: Any) -> Any:
    return real(x) if dtypes.is_complex(x.aval.dtype) else x


def product(x: Any, y: Any) -> Any:
    """The matrix product over equal batch axes, in full precision."""
    n = x.aval.ndim
    batch = tuple(range(n - 2))
    return dot_general_p.bind(
        x,
        y,
        dimension_numbers=(((n - 1,), (n - 2,)), (batch, batch)),
        precision=_EXACT,
        preferred_element_type=None,
    )


def scaled(x: Any, factor: float) -> Any:
    """x times a number."""
    return mul(x, wrap(np.array(factor, x.aval.dtype), etype(x.aval.dtype)))


@functools.lru_cache(maxsize=256)
def _mask(rows: int, columns: int, k: int, lower: bool) -> Array:
    i, j = np.ogrid[:rows, :columns]
    return wrap((j - i <= k) if lower else (j - i >= k), etype(dtypes.bool_))


def _in_triangle(rows: int, columns: int, k: int, lower: bool) -> Any:
    if rows * columns <= _CONSTANT_LIMIT:
        return _mask(rows, columns, k, lower)
    i = broadcasted_iota(dtypes.int32, (rows, columns), 0)
    j = broadcasted_iota(dtypes.int32, (rows, columns), 1)
    if k:
        i = add(i, wrap(np.array(k, np.int32), etype(dtypes.int32)))
    return ge(i, j) if lower else le(i, j)


def spread(x: Any, shape: Sequence[int]) -> Any:
    """A matrix repeated over leading batch axes."""
    return broadcast_in_dim(x, tuple(shape), tuple(range(len(shape) - x.aval.ndim, len(shape))))


def tril(x: Any, k: int = 0) -> Any:
    """x with zeros above the k-th diagonal."""
    return _cut(x, k, True)


def triu(x: Any, k: int = 0) -> Any:
    """x with zeros below the k-th diagonal."""
    return _cut(x, k, False)


def _cut(x: Any, k: int, lower: bool) -> Any:
    shape = x.aval.shape
    rows, columns = shape[-2:]
    mask = spread(_in_triangle(rows, columns, k, lower), shape)
    return select_n(mask, zeros_like(x), x)


def eye_like(x: Any, n: int | None = None) -> Any:
    """Identity matrices with the batch axes and dtype of x."""
    size: int = x.aval.shape[-1] if n is None else n
    return spread(_eye(size, x.aval.dtype), (*x.aval.shape[:-2], size, size))


@functools.lru_cache(maxsize=64)
def _small_eye(n: int, dtype: Any) -> Array:
    return wrap(np.eye(n, dtype=dtype), etype(dtype))


def _eye(n: int, dtype: Any) -> Any:
    if n * n <= _CONSTANT_LIMIT:
        return _small_eye(n, dtype)
    i = broadcasted_iota(dtypes.int32, (n, n), 0)
    return convert(eq(i, broadcasted_iota(dtypes.int32, (n, n), 1)), dtype)


def diagonal(x: Any) -> Any:
    """The main diagonals of square matrices."""
    return reduce_sum(mul(x, eye_like(x)), (x.aval.ndim - 1,))


def permuted_rows(x: Any, permutation: Any) -> Any:
    """x[permutation] for each matrix and each vector of row numbers, as a product with a permutation matrix."""
    n = x.aval.shape[-2]
    shape = (*permutation.aval.shape, n)
    rows = broadcast_in_dim(permutation, shape, tuple(range(len(shape) - 1)))
    chosen = eq(rows, broadcasted_iota(permutation.aval.dtype, shape, len(shape) - 1))
    return product(convert(chosen, x.aval.dtype), x)


# ---- batching ----


def batch_leading(prim: Any) -> Callable[..., Any]:
    """Batching of an operation that takes leading batch axes natively: bring the new one to the front."""

    def batch(axis: Any, args: Any, dims: Any, **params: Any) -> Any:
        args = [to_front(a, d, axis.size) for a, d in zip(args, dims, strict=True)]
        out = prim.bind(*args, **params)
        return (out, [0] * len(out)) if prim.multiple_results else (out, 0)

    return batch


# ---- host ----


def each_matrix(
    fun: Callable[..., Any], x: np.ndarray, outputs: Sequence[tuple[tuple[int, ...], Any]]
) -> list[Any]:
    """fun on each matrix of a batch; nan where NumPy's LAPACK gives up. outputs: shape and dtype of each result."""
    batch = x.shape[:-2]
    outs = [np.full((*batch, *shape), np.nan, dtype) for shape, dtype in outputs]
    for at in np.ndindex(*batch):
        try:
            found = fun(x[at])
        except np.linalg.LinAlgError:
            continue
        for out, value in zip(outs, found, strict=True):
            out[at] = value
    return outs


# ---- lowering ----


def lapack(
    ctx: Any,
    name: str | dict[str, str],
    operands: Sequence[Any],
    results: Sequence[tuple[tuple[int, ...], Any]],
    aliases: dict[int, int] | None = None,
    matrices: Sequence[bool] = (),
    **attributes: Any,
) -> list[Any]:
    """Call a LAPACK kernel of jaxlib. name: without the letter of the dtype, which the first operand gives.

    matrices: which operands, then results, are matrices (column-major); default: those with the first one's rank.
    """
    rank = len(operands[0].shape)
    shapes = [v.shape for v in operands] + [shape for shape, _ in results]
    flags = list(matrices) or [len(s) == rank for s in shapes]
    layouts = [_layout(len(s), f) for s, f in zip(shapes, flags, strict=True)]
    letter = _LETTER[operands[0].dtype]
    if isinstance(name, dict):
        name = name[letter]
    return hlo.custom_call(
        ctx,
        f"lapack_{letter}{name}_ffi",
        operands,
        results,
        backend_config=attributes,
        operand_layouts=layouts[: len(operands)],
        result_layouts=layouts[len(operands) :],
        output_operand_aliases=aliases,
    )


_LETTER = {dtypes.float32: "s", dtypes.float64: "d", dtypes.complex64: "c", dtypes.complex128: "z"}


def by_kind(real_name: str, complex_name: str) -> dict[str, str]:
    """A kernel whose name differs for complex matrices."""
    return {"s": real_name, "d": real_name, "c": complex_name, "z": complex_name}


def _layout(rank: int, is_matrix: bool) -> list[int]:
    order = list(range(rank - 1, -1, -1))
    if is_matrix:
        order[0], order[1] = order[1], order[0]
    return order


def char(letter: str) -> np.uint8:
    """A LAPACK option."""
    return np.uint8(ord(letter))


def nan_if_failed(ctx: Any, info: Any, *values: Any) -> list[Any]:
    """The values, nan in the batch elements where LAPACK reports an error."""
    zero = hlo.full(ctx, 0, info.shape, info.dtype)
    good = hlo.compare(ctx, info, zero, "EQ")
    return [_where(ctx, good, v) for v in values]


def _where(ctx: Any, good: Any, value: Any) -> Any:
    mask = hlo.broadcast_in_dim(ctx, good, value.shape, tuple(range(len(good.shape))))
    nan = complex(np.nan, np.nan) if dtypes.is_complex(value.dtype) else np.nan
    return hlo.select(ctx, mask, value, hlo.full(ctx, nan, value.shape, value.dtype))


def lower_triangle(ctx: Any, x: Any, k: int, lower: bool) -> Any:
    """x with zeros off the lower (upper) triangle that begins at the k-th diagonal."""
    i = hlo.iota(ctx, x.shape, dtypes.int32, len(x.shape) - 2)
    j = hlo.iota(ctx, x.shape, dtypes.int32, len(x.shape) - 1)
    if k:
        i = hlo.add(ctx, i, hlo.full(ctx, k, x.shape, dtypes.int32))
    mask = hlo.compare(ctx, i, j, "GE" if lower else "LE")
    return hlo.select(ctx, mask, x, hlo.full(ctx, 0, x.shape, x.dtype))


def lower_eye(ctx: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Identity matrices."""
    i = hlo.iota(ctx, shape, dtypes.int32, len(shape) - 2)
    j = hlo.iota(ctx, shape, dtypes.int32, len(shape) - 1)
    return hlo.convert(ctx, hlo.compare(ctx, i, j, "EQ"), dtype)
