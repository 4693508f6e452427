"""LU decomposition with partial pivoting, and what its pivots mean.

Derivative: as L^-1 dx U^-1 = L^-1 dL + dU U^-1, whose terms are strictly lower and upper triangular.
"""

import math
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import (
    Primitive,
    Zero,
    not_linear,
    on_device,
    zero_tangent,
)
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    add,
    sub,
)
from numax._engine.ops.linalg_solve import (
    BLOCK,
    LARGE,
    solve_block,
    solve_triangle,
    triangular_solve,
)
from numax._engine.ops.matrices import (
    batch_leading,
    check_matrix,
    eye_like,
    lapack,
    matrix,
    nan_if_failed,
    part_dtype,
    permuted_rows,
    product,
    tril,
    triu,
)
from numax._engine.ops.shape import pad
from numax._engine.stablehlo import hlo


def lu(x: Any) -> Any:
    """LU decomposition with partial pivoting: x[permutation] = L U.

    Shapes: x (B..., M, N) -> lu (B..., M, N): L below the diagonal (which is ones), U on and above it;
        pivots (B..., min(M, N)): row i was exchanged with row pivots[i]; permutation (B..., M).
    Grad: of lu only. Source: LAPACK `getrf`.
    """
    x = matrix("lu", x)
    check_matrix("lu", x.aval)
    return tuple(_lu(x))


def _lu(x: Any) -> Any:
    prim = lu_p if min(x.aval.shape[-2:]) < LARGE else lu_large_p
    return prim.bind(x)


def _lu_infer(x: ShapedArray) -> list[ShapedArray]:
    check_matrix("lu", x)
    m, n = x.shape[-2:]
    batch = x.shape[:-2]
    return [
        x.strong(),
        ShapedArray((*batch, min(m, n)), dtypes.int32),
        ShapedArray((*batch, m), dtypes.int32),
    ]


def _lu_host(x: np.ndarray) -> list[np.ndarray]:
    m, n = x.shape[-2:]
    batch = x.shape[:-2]
    k = min(m, n)
    out = np.array(x, order="C")
    flat = out.reshape((math.prod(batch), m, n))
    pivots = np.zeros((len(flat), k), np.int32)
    for one, chosen in zip(flat, pivots, strict=True):
        _factor(one, chosen)
    pivots = pivots.reshape((*batch, k))
    return [out, pivots, _permutation_host(pivots, permutation_size=m)]


def _factor(a: np.ndarray, pivots: np.ndarray) -> None:
    """Right-looking blocked LU, in place."""
    n = a.shape[1]
    for start in range(0, len(pivots), BLOCK):
        end = min(start + BLOCK, len(pivots))
        _factor_panel(a, pivots, start, end)
        if end < n:
            right = a[start:, end:]
            solve_block(a[start:end, start:end], right[: end - start], True)
            right[end - start :] -= a[end:, start:end] @ right[: end - start]


def _factor_panel(a: np.ndarray, pivots: np.ndarray, start: int, end: int) -> None:
    is_complex = a.dtype.kind == "c"
    for j in range(start, end):
        column = a[j:, j]
        sizes = np.abs(np.real(column)) + np.abs(np.imag(column)) if is_complex else np.abs(column)
        p = j + int(sizes.argmax())
        pivots[j] = p
        if p != j:
            a[[j, p]] = a[[p, j]]
        if a[j, j] != 0:
            a[j + 1 :, j] /= a[j, j]
        if j + 1 < end:
            a[j + 1 :, j + 1 : end] -= a[j + 1 :, j, None] * a[j, j + 1 : end]


def _lu_lower(ctx: Any, x: Any) -> list[Any]:
    m, n = x.shape[-2:]
    batch = x.shape[:-2]
    k = min(m, n)
    if 0 in x.shape:
        order = hlo.iota(ctx, (*batch, m), dtypes.int32, len(batch))
        return [x, hlo.full(ctx, 0, (*batch, k), dtypes.int32), order]
    if ctx.platform != "cpu":
        return _lu_by_columns(ctx, x)
    results = [(x.shape, x.dtype), ((*batch, k), dtypes.int32), (batch, dtypes.int32)]
    out, pivots, info = lapack(ctx, "getrf", [x], results, {0: 0})
    zero = hlo.full(ctx, 0, info.shape, info.dtype)
    failed = hlo.compare(ctx, info, zero, "GE")  # a zero pivot (positive) is no failure
    code = hlo.select(ctx, failed, zero, info)
    (out,) = nan_if_failed(ctx, code, out)
    pivots = hlo.subtract(ctx, pivots, hlo.full(ctx, 1, pivots.shape, dtypes.int32))
    return [out, pivots, lower_permutation(ctx, pivots, m)]


def _lu_by_columns(ctx: Any, x: Any) -> list[Any]:
    """LU in StableHLO alone, a column at a time: for platforms without LAPACK."""
    m, n = x.shape[-2:]
    batch = x.shape[:-2]
    rank = len(batch)
    k = min(m, n)
    part = part_dtype(x.dtype)
    rows = (*batch, m)
    every = tuple(range(rank))

    def body(b: Any, i: Any, a: Any, pivots: Any) -> list[Any]:
        row = hlo.iota(b, rows, dtypes.int32, rank)
        here = hlo.broadcast_in_dim(b, i, rows, ())
        column = pick(b, a, i, rank + 1)
        size = hlo.select(
            b, hlo.compare(b, row, here, "GE"), _size(b, column), hlo.full(b, -1, rows, part)
        )
        low = hlo.full(b, -np.inf, (), part)
        top = hlo.reduce_with(b, size, low, [rank], hlo.maximum)
        top = hlo.broadcast_in_dim(b, top, rows, every)
        found = hlo.compare(b, size, top, "EQ")
        place = hlo.select(b, found, row, hlo.full(b, m, rows, dtypes.int32))
        least = hlo.reduce_with(b, place, hlo.full(b, m, (), dtypes.int32), [rank], hlo.minimum)
        last = hlo.full(b, m - 1, batch, dtypes.int32)
        p = hlo.minimum(b, least, last)
        at_p = hlo.compare(b, row, hlo.broadcast_in_dim(b, p, rows, every), "EQ")
        at_i = hlo.compare(b, row, here, "EQ")
        upper = _row_at(b, a, at_p)
        lower = _row_at(b, a, at_i)
        a = _put_row(b, _put_row(b, a, at_p, lower), at_i, upper)
        column = pick(b, a, i, rank + 1)
        pivot = pick(b, upper, i, rank)
        zero = hlo.full(b, 0, batch, x.dtype)
        safe = hlo.select(
            b, hlo.compare(b, pivot, zero, "EQ"), hlo.full(b, 1, batch, x.dtype), pivot
        )
        below = hlo.compare(b, row, here, "GT")
        factor = hlo.divide(b, column, hlo.broadcast_in_dim(b, safe, rows, every))
        factor = hlo.select(b, below, factor, hlo.full(b, 0, rows, x.dtype))
        columns = hlo.iota(b, a.shape, dtypes.int32, rank + 1)
        step = hlo.broadcast_in_dim(b, i, a.shape, ())
        spread_factor = hlo.broadcast_in_dim(b, factor, a.shape, (*every, rank))
        spread_row = hlo.broadcast_in_dim(b, upper, a.shape, (*every, rank + 1))
        right = hlo.compare(b, columns, step, "GT")
        nothing = hlo.full(b, 0, a.shape, x.dtype)
        change = hlo.select(b, right, hlo.multiply(b, spread_factor, spread_row), nothing)
        a = hlo.subtract(b, a, change)
        below_all = hlo.broadcast_in_dim(b, below, a.shape, (*every, rank))
        in_column = hlo.and_(b, hlo.compare(b, columns, step, "EQ"), below_all)
        a = hlo.select(b, in_column, spread_factor, a)
        slots = hlo.iota(b, (*batch, k), dtypes.int32, rank)
        now = hlo.compare(b, slots, hlo.broadcast_in_dim(b, i, slots.shape, ()), "EQ")
        pivots = hlo.select(b, now, hlo.broadcast_in_dim(b, p, slots.shape, every), pivots)
        return [hlo.add(b, i, hlo.full(b, 1, (), dtypes.int32)), a, pivots]

    start = hlo.full(ctx, 0, (), dtypes.int32)
    pivots = hlo.full(ctx, 0, (*batch, k), dtypes.int32)
    _, out, pivots = hlo.while_(
        ctx,
        [start, x, pivots],
        lambda b, i, a, p: hlo.compare(b, i, hlo.full(b, k, (), dtypes.int32), "LT"),
        body,
    )
    return [out, pivots, lower_permutation(ctx, pivots, m)]


def _size(b: Any, x: Any) -> Any:
    """What LAPACK compares pivots by: |re| + |im|."""
    if not dtypes.is_complex(x.dtype):
        return hlo.abs(b, x)
    return hlo.add(b, hlo.abs(b, hlo.real(b, x)), hlo.abs(b, hlo.imag(b, x)))


def pick(b: Any, a: Any, i: Any, dimension: int) -> Any:
    """a with the place i of one axis taken."""
    zero = hlo.full(b, 0, (), dtypes.int32)
    start = [zero] * len(a.shape)
    start[dimension] = i
    sizes = [1 if d == dimension else n for d, n in enumerate(a.shape)]
    shape = tuple([n for d, n in enumerate(a.shape) if d != dimension])
    return hlo.reshape(b, hlo.dynamic_slice(b, a, start, sizes), shape)


def _row_at(b: Any, a: Any, chosen: Any) -> Any:
    """The row of each matrix that a mask (B..., M) chooses."""
    rank = len(a.shape)
    mask = hlo.broadcast_in_dim(b, chosen, a.shape, tuple(range(rank - 1)))
    zero = hlo.full(b, 0, (), a.dtype)
    kept = hlo.select(b, mask, a, hlo.full(b, 0, a.shape, a.dtype))
    return hlo.reduce_with(b, kept, zero, [rank - 2], hlo.add)


def _put_row(b: Any, a: Any, chosen: Any, row: Any) -> Any:
    rank = len(a.shape)
    mask = hlo.broadcast_in_dim(b, chosen, a.shape, tuple(range(rank - 1)))
    rows = hlo.broadcast_in_dim(b, row, a.shape, (*range(rank - 2), rank - 1))
    return hlo.select(b, mask, rows, a)


def _lu_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    out, pivots, permutation = _lu(x)
    m, n = x.aval.shape[-2:]
    k = min(m, n)
    change = permuted_rows(t, permutation)
    left = tril(out, -1)
    if n > m:
        left = leading(left, m, m)
    elif m > n:
        left = widened(left, m, m)
    left = add(left, eye_like(left, m))
    right = triu(out)
    if m > n:
        right = leading(right, n, n)
    elif n > m:
        corner = sub(eye_like(out, n), widened(eye_like(out, k), n, n))
        right = add(widened(right, n, n), corner)
    inner = solve_triangle(left, change, lower=True, unit_diagonal=True)
    inner = triangular_solve(right, inner, lower=False)
    tangent = add(product(left, tril(inner, -1)), product(triu(inner), right))
    return [out, pivots, permutation], [
        tangent,
        Zero(pivots.aval.tangent()),
        Zero(permutation.aval.tangent()),
    ]


def leading(x: Any, rows: int, columns: int) -> Any:
    """The leading block of a matrix."""
    m, n = x.aval.shape[-2:]
    return _resized(x, rows - m, columns - n)


def widened(x: Any, rows: int, columns: int) -> Any:
    """A matrix with zeros below and to its right."""
    m, n = x.aval.shape[-2:]
    return _resized(x, rows - m, columns - n)


def _resized(x: Any, rows: int, columns: int) -> Any:
    if not rows and not columns:
        return x
    config = [(0, 0, 0)] * (x.aval.ndim - 2) + [(0, rows, 0), (0, columns, 0)]
    return pad(x, as_value(np.zeros((), x.aval.dtype)), config)


def _make_lu(host: Any) -> Primitive:
    prim = Primitive(
        name="lu",
        infer=_lu_infer,
        host=host,
        lower=_lu_lower,
        jvp=_lu_jvp,
        transpose=not_linear,
        batch=lambda axis, args, dims: batch_leading(prim)(axis, args, dims),
        multiple_results=True,
    )
    return prim


lu_p = _make_lu(_lu_host)
lu_large_p = _make_lu(on_device)


def lu_pivots_to_permutation(pivots: Any, permutation_size: int) -> Any:
    """The permutation of rows that a sequence of exchanges (row i with row pivots[i]) makes.

    Shapes: pivots (B..., K) -> (B..., permutation_size). Dtypes: int32.
    Raises: ValueError if there are more pivots than rows. Grad: none (integers).
    """
    pivots = as_value(pivots, "lu_pivots_to_permutation")
    return lu_pivots_to_permutation_p.bind(pivots, permutation_size=int(permutation_size))


def _permutation_infer(pivots: ShapedArray, *, permutation_size: int) -> ShapedArray:
    op = "lu_pivots_to_permutation"
    if pivots.dtype != dtypes.int32:
        raise TypeError(
            f"{op}: pivots must be int32; got {pivots.str_short()}. Convert with x.astype(dtype)."
        )
    if pivots.ndim < 1 or pivots.shape[-1] > permutation_size:
        raise ValueError(
            f"{op}: permutation_size must be at least the number of pivots; got {permutation_size} for "
            f"{pivots.str_short()}."
        )
    return ShapedArray((*pivots.shape[:-1], permutation_size), dtypes.int32)


def _permutation_host(pivots: np.ndarray, *, permutation_size: int) -> np.ndarray:
    batch = pivots.shape[:-1]
    count = pivots.shape[-1]
    if not batch:
        order = list(range(permutation_size))
        for i, p in enumerate(pivots.tolist()):
            order[i], order[p] = order[p], order[i]
        return np.array(order, np.int32)
    out = np.empty((*batch, permutation_size), np.int32)
    out[...] = np.arange(permutation_size, dtype=np.int32)
    flat = out.reshape(math.prod(batch), permutation_size)
    chosen = pivots.reshape(math.prod(batch), count)
    each = np.arange(len(flat))
    for i in range(count):
        p = chosen[:, i]
        here = flat[:, i].copy()
        flat[:, i] = flat[each, p]
        flat[each, p] = here
    return out


def lower_permutation(ctx: Any, pivots: Any, size: int) -> Any:
    """The exchanges one after another, each as two selections."""
    *batch, count = pivots.shape
    rank = len(batch)
    shape = (*batch, size)
    every = tuple(range(rank))
    int32 = dtypes.int32

    def body(b: Any, i: Any, order: Any) -> list[Any]:
        place = hlo.iota(b, shape, int32, rank)
        p = hlo.broadcast_in_dim(b, pick(b, pivots, i, rank), shape, every)
        here = hlo.broadcast_in_dim(b, pick(b, order, i, rank), shape, every)
        at_p = hlo.compare(b, place, p, "EQ")
        kept = hlo.select(b, at_p, order, hlo.full(b, 0, shape, int32))
        there = hlo.reduce_with(b, kept, hlo.full(b, 0, (), int32), [rank], hlo.add)
        there = hlo.broadcast_in_dim(b, there, shape, every)
        at_i = hlo.compare(b, place, hlo.broadcast_in_dim(b, i, shape, ()), "EQ")
        order = hlo.select(b, at_i, there, hlo.select(b, at_p, here, order))
        return [hlo.add(b, i, hlo.full(b, 1, (), int32)), order]

    order = hlo.iota(ctx, shape, int32, rank)
    if not count or 0 in shape:
        return order
    return hlo.while_(
        ctx,
        [hlo.full(ctx, 0, (), int32), order],
        lambda b, i, order: hlo.compare(b, i, hlo.full(b, count, (), int32), "LT"),
        body,
    )[1]


lu_pivots_to_permutation_p = Primitive(
    name="lu_pivots_to_permutation",
    infer=_permutation_infer,
    host=_permutation_host,
    lower=lambda ctx, pivots, *, permutation_size: lower_permutation(ctx, pivots, permutation_size),
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: batch_leading(lu_pivots_to_permutation_p)(
        axis, args, dims, **params
    ),
)


def solve_by_lu(a: Any, b: Any) -> Any:
    """Solve a x = b for square a."""
    factors, _, permutation = _lu(a)
    x = solve_triangle(factors, permuted_rows(b, permutation), lower=True, unit_diagonal=True)
    return solve_triangle(factors, x, lower=False)


__all__ = [
    "lu",
    "lu_p",
    "lu_pivots_to_permutation",
    "lu_pivots_to_permutation_p",
]
