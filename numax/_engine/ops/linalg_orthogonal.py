"""QR decomposition and other products of Householder reflections: Hessenberg and tridiagonal forms."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_differentiable, not_linear, on_device
from numax._engine.ops.basis import add, mul, sub, zeros_like
from numax._engine.ops.complex import complex, imag
from numax._engine.ops.linalg_lu import leading, solve_by_lu, widened
from numax._engine.ops.linalg_solve import triangular_solve
from numax._engine.ops.matrices import (
    adjoint,
    batch_leading,
    by_kind,
    char,
    check_matrix,
    eye_like,
    lapack,
    lower_eye,
    lower_triangle,
    matrix,
    nan_if_failed,
    part_dtype,
    permuted_rows,
    product,
    swap,
    tril,
)
from numax._engine.ops.shape import concatenate, split
from numax._engine.stablehlo import hlo

# ---- qr ----


def qr(
    x: Any, *, pivoting: bool = False, full_matrices: bool = True, use_magma: bool | None = None
) -> Any:
    """QR decomposition: x = Q R with orthonormal columns of Q and upper triangular R; with pivoting x[:, p] = Q R.

    Shapes: x (B..., M, N) -> Q (B..., M, K), R (B..., K, N), K = M with full_matrices, else min(M, N); p (B..., N).
    Grad: for Q and R; where the leading min(M, N) columns are independent.
    Source: LAPACK `geqrf`, `geqp3`; derivative: Walter & Lehmann 2012, "Algorithmic differentiation of linear
    algebra functions".
    """
    x = matrix("qr", x)
    return tuple(
        qr_p.bind(
            x, full_matrices=bool(full_matrices), pivoting=bool(pivoting), use_magma=use_magma
        )
    )


def _qr_infer(
    x: ShapedArray, *, full_matrices: bool, pivoting: bool, use_magma: Any
) -> list[ShapedArray]:
    check_matrix("qr", x)
    m, n = x.shape[-2:]
    batch = x.shape[:-2]
    k = m if full_matrices else min(m, n)
    out = [ShapedArray((*batch, m, k), x.dtype), ShapedArray((*batch, k, n), x.dtype)]
    return [*out, ShapedArray((*batch, n), dtypes.int32)] if pivoting else out


def _qr_host(
    x: np.ndarray, *, full_matrices: bool, pivoting: bool, use_magma: Any
) -> list[np.ndarray]:
    m, n = x.shape[-2:]
    batch = x.shape[:-2]
    k = m if full_matrices else min(m, n)
    if not x.size:
        q = np.broadcast_to(np.eye(m, k, dtype=x.dtype), (*batch, m, k))
        r = np.zeros((*batch, k, n), x.dtype)
        order = np.broadcast_to(np.arange(n, dtype=np.int32), (*batch, n))
        return [q, r, order] if pivoting else [q, r]
    if not pivoting:
        q, r = np.linalg.qr(x, "complete" if full_matrices else "reduced")
        return [q, r]
    q, r = np.empty((*batch, m, k), x.dtype), np.empty((*batch, k, n), x.dtype)
    order = np.empty((*batch, n), np.int32)
    for at in np.ndindex(*batch):
        q[at], r[at], order[at] = _pivoted(x[at], k)
    return [q, r, order]


def _pivoted(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Householder QR, the largest remaining column first (Businger & Golub 1965)."""
    a = np.array(x)
    m, n = a.shape
    steps = min(m, n)
    order = np.arange(n, dtype=np.int32)
    taus = np.zeros(steps, a.dtype)
    for j in range(steps):
        sizes = np.sum(np.real(a[j:, j:] * a[j:, j:].conj()), axis=0)
        p = j + int(sizes.argmax())
        if p != j:
            a[:, [j, p]] = a[:, [p, j]]
            order[[j, p]] = order[[p, j]]
        taus[j] = _reflect(a, j)
    padded = np.zeros((m, k), a.dtype)
    padded[:, :steps] = a[:, :steps]
    return householder_host(padded, taus), np.triu(a[:k]), order


def _reflect(a: np.ndarray, j: int) -> Any:
    """Make column j of `a` zero below the diagonal; the reflection's vector takes the place. Returns its factor."""
    alpha = a[j, j]
    tail = a[j + 1 :, j]
    if not tail.any() and alpha.imag == 0:
        return 0
    beta = -np.copysign(np.linalg.norm(a[j:, j]), alpha.real).astype(part_dtype(a.dtype))
    tau = (beta - alpha) / beta
    tail /= alpha - beta
    a[j, j] = 1
    vector = a[j:, j]
    rest = a[j:, j + 1 :]
    rest -= np.conj(tau) * np.outer(vector, vector.conj() @ rest)
    a[j, j] = beta
    return tau


def lower_qr(ctx: Any, x: Any, *, full_matrices: bool, pivoting: bool, use_magma: Any) -> list[Any]:
    m, n = x.shape[-2:]
    batch = x.shape[:-2]
    k = m if full_matrices else min(m, n)
    steps = min(m, n)
    if 0 in x.shape:
        q = lower_eye(ctx, (*batch, m, k), x.dtype)
        r = hlo.full(ctx, 0, (*batch, k, n), x.dtype)
        return [q, r, hlo.iota(ctx, (*batch, n), dtypes.int32, len(batch))] if pivoting else [q, r]
    taus = ((*batch, steps), x.dtype)
    order = None
    if pivoting:
        if ctx.platform != "cpu":
            raise ValueError(
                "qr: pivoting is available on CPUs only. Run it there with numax.device_put."
            )
        free = hlo.full(ctx, 0, (*batch, n), dtypes.int32)
        results = [(x.shape, x.dtype), (free.shape, dtypes.int32), taus]
        factors, order, factor = lapack(ctx, "geqp3", [x, free], results, {0: 0, 1: 1})
        order = hlo.subtract(ctx, order, hlo.full(ctx, 1, order.shape, dtypes.int32))
    elif ctx.platform == "cpu":
        factors, factor = lapack(ctx, "geqrf", [x], [(x.shape, x.dtype), taus], {0: 0})
    else:
        factors, factor = hlo.custom_call(ctx, "Qr", [x], [(x.shape, x.dtype), taus], api_version=1)
    upper = factors if k == m else _block(ctx, factors, k, n)
    r = lower_triangle(ctx, upper, 0, False)
    columns = _block(ctx, factors, m, k)
    q = _lower_product(ctx, columns, factor)
    return [q, r] if order is None else [q, r, order]


def _block(ctx: Any, x: Any, rows: int, columns: int) -> Any:
    """x cut, or filled up with zeros, to so many rows and columns."""
    m, n = x.shape[-2:]
    rank = len(x.shape)
    if rows < m or columns < n:
        limit = [*x.shape[:-2], min(rows, m), min(columns, n)]
        x = hlo.slice(ctx, x, [0] * rank, limit)
    more = [0] * (rank - 2) + [rows - x.shape[-2], columns - x.shape[-1]]
    if any(more):
        x = hlo.pad(ctx, x, hlo.full(ctx, 0, (), x.dtype), [0] * rank, more)
    return x


def _qr_jvp(
    primals: Any, tangents: Any, *, full_matrices: bool, pivoting: bool, use_magma: Any
) -> Any:
    (x,), (t,) = primals, tangents
    params = {"full_matrices": full_matrices, "pivoting": pivoting, "use_magma": use_magma}
    outs = qr_p.bind(x, **params)
    q, r = outs[:2]
    if pivoting:
        t = swap(permuted_rows(swap(t), outs[2]))
    m, n = x.aval.shape[-2:]
    k = min(m, n)
    tall = full_matrices and m > n
    first, corner = (leading(q, m, n), leading(r, n, n)) if tall else (q, leading(r, k, k))
    ratio = triangular_solve(corner, leading(t, m, k))  # dx R^-1
    inner = product(adjoint(first), ratio)
    below = tril(inner, -1)
    turn = sub(below, adjoint(below))  # Q^H dQ
    if dtypes.is_complex(x.aval.dtype):  # R keeps a real diagonal
        phase = imag(inner)
        turn = add(turn, complex(zeros_like(phase), mul(phase, eye_like(phase))))
    dr = sub(product(adjoint(first), t), product(turn, leading(r, k, n)))
    dq = product(first, turn)
    if m > k:
        dq = add(dq, sub(ratio, product(first, inner)))
    dr = _upper(dr)
    if tall:
        dq, dr = concatenate([dq, _complement(first, dq)], x.aval.ndim - 1), widened(dr, m, n)
    out_tangents = [dq, dr]
    if pivoting:
        out_tangents.append(Zero(outs[2].aval.tangent()))
    return outs, out_tangents


def _complement(q: Any, dq: Any) -> Any:
    """The tangents of the columns that complete Q.

    Of a product of reflections I - V T V^H, the first columns q tell the others: I + (I - q) (I - q_1)^-H q_2^H with
    the upper block q_1 of q and the lower one q_2.
    """
    m, n = q.aval.shape[-2:]
    unit = eye_like(q)
    upper, lower = split(q, [n, m - n], q.aval.ndim - 2)
    dupper, dlower = split(dq, [n, m - n], q.aval.ndim - 2)
    matrix = adjoint(sub(unit, upper))
    factor = solve_by_lu(matrix, adjoint(lower))
    change = solve_by_lu(matrix, add(adjoint(dlower), product(adjoint(dupper), factor)))
    return sub(product(sub(widened(unit, m, n), q), change), product(dq, factor))


def _upper(x: Any) -> Any:
    """The upper triangle: what is below it is zero but for rounding."""
    return sub(x, tril(x, -1))


qr_p = Primitive(
    name="qr",
    infer=_qr_infer,
    host=_qr_host,
    lower=lower_qr,
    jvp=_qr_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: batch_leading(qr_p)(axis, args, dims, **params),
    multiple_results=True,
)


# ---- products of reflections ----


def householder_product(a: Any, taus: Any) -> Any:
    """The first columns of H_1 H_2 ... H_k, H_i = I - taus[i] v v^H; v is column i of `a` below a one on the diagonal.

    Shapes: a (B..., M, N), taus (B..., K) -> (B..., M, N), K <= N <= M.
    Raises: ValueError if shapes do not fit. Grad: none. Source: LAPACK `orgqr`.
    """
    return householder_product_p.bind(
        matrix("householder_product", a), matrix("householder_product", taus)
    )


def _check_reflections(op: str, a: ShapedArray, taus: ShapedArray) -> None:
    check_matrix(op, a)
    m, n = a.shape[-2:]
    if a.dtype != taus.dtype:
        raise TypeError(
            f"{op}: operands must have equal dtypes; got {a.str_short()} and {taus.str_short()}."
        )
    if m < n:
        raise ValueError(
            f"{op}: a must have at least as many rows as columns; got {a.str_short()}."
        )
    if taus.ndim != a.ndim - 1 or taus.shape[:-1] != a.shape[:-2] or taus.shape[-1] > min(m, n):
        raise ValueError(
            f"{op}: taus must have the batch axes of a and at most its number of columns; got {taus.str_short()} "
            f"for {a.str_short()}."
        )


def _product_infer(a: ShapedArray, taus: ShapedArray) -> ShapedArray:
    _check_reflections("householder_product", a, taus)
    return a.strong()


def _vectors(a: np.ndarray, j: int) -> np.ndarray:
    vector = a[..., j:, j].copy()
    vector[..., 0] = 1
    return vector


def householder_host(a: np.ndarray, taus: np.ndarray) -> np.ndarray:
    n = a.shape[-1]
    q = np.zeros(a.shape, a.dtype)
    q[..., range(n), range(n)] = 1
    for j in reversed(range(taus.shape[-1])):
        vector = _vectors(a, j)
        rest = q[..., j:, j:]
        row = np.matmul(vector.conj()[..., None, :], rest)
        rest -= taus[..., j, None, None] * vector[..., :, None] * row
    return q


def _lower_product(ctx: Any, a: Any, taus: Any) -> Any:
    if 0 in a.shape:
        return a
    if not taus.shape[-1]:
        return lower_eye(ctx, a.shape, a.dtype)
    if ctx.platform != "cpu":
        if taus.shape[-1] < a.shape[-1]:
            more = [0] * (len(taus.shape) - 1) + [a.shape[-1] - taus.shape[-1]]
            taus = hlo.pad(ctx, taus, hlo.full(ctx, 0, (), taus.dtype), [0] * len(taus.shape), more)
        name = "ProductOfElementaryHouseholderReflectors"
        return hlo.custom_call(ctx, name, [a, taus], [(a.shape, a.dtype)], api_version=1)[0]
    return lapack(ctx, by_kind("orgqr", "ungqr"), [a, taus], [(a.shape, a.dtype)], {0: 0})[0]


householder_product_p = Primitive(
    name="householder_product",
    infer=_product_infer,
    host=householder_host,
    lower=_lower_product,
    jvp=not_differentiable("its arguments are a compressed form. Differentiate qr."),
    transpose=not_linear,
    batch=lambda axis, args, dims: batch_leading(householder_product_p)(axis, args, dims),
)


def ormqr(a: Any, taus: Any, c: Any, *, left: bool = True, transpose: bool = False) -> Any:
    """Q c (left) or c Q, where Q is the product of reflections that `a` and `taus` hold; with transpose Q^H.

    Shapes: a (B..., M, N), taus (B..., K), c (B..., M, P), or (B..., P, M) where not left.
    Raises: ValueError if shapes do not fit. Grad: none. Source: LAPACK `ormqr`.
    """
    values = [matrix("ormqr", v) for v in (a, taus, c)]
    return ormqr_p.bind(*values, left=bool(left), transpose=bool(transpose))


def _ormqr_infer(
    a: ShapedArray, taus: ShapedArray, c: ShapedArray, *, left: bool, transpose: bool
) -> ShapedArray:
    _check_reflections("ormqr", a, taus)
    if c.dtype != a.dtype:
        raise TypeError(
            f"ormqr: operands must have equal dtypes; got {a.str_short()} and {c.str_short()}."
        )
    if (
        c.ndim != a.ndim
        or c.shape[:-2] != a.shape[:-2]
        or c.shape[-2 if left else -1] != a.shape[-2]
    ):
        raise ValueError(
            f"ormqr: c must have as many {'rows' if left else 'columns'} as a has rows; got {c.str_short()} for "
            f"{a.str_short()}."
        )
    return c.strong()


def _ormqr_host(
    a: np.ndarray, taus: np.ndarray, c: np.ndarray, *, left: bool, transpose: bool
) -> np.ndarray:
    out = np.array(c)
    steps: Sequence[int] = range(taus.shape[-1])
    if left != transpose:
        steps = steps[::-1]
    for j in steps:
        vector = _vectors(a, j)
        tau = taus[..., j, None, None]
        tau = tau.conj() if transpose else tau
        if left:
            rest = out[..., j:, :]
            rest -= tau * vector[..., :, None] * np.matmul(vector.conj()[..., None, :], rest)
        else:
            rest = out[..., :, j:]
            rest -= tau * np.matmul(rest, vector[..., :, None]) * vector.conj()[..., None, :]
    return out


def _ormqr_lower(ctx: Any, a: Any, taus: Any, c: Any, *, left: bool, transpose: bool) -> Any:
    if 0 in c.shape or 0 in taus.shape:
        return c
    if ctx.platform == "cpu":
        results = [(c.shape, c.dtype)]
        name = by_kind("ormqr", "unmqr")
        return lapack(ctx, name, [a, taus, c], results, {0: 2}, left=left, transpose=transpose)[0]
    m = a.shape[-2]
    q = _lower_product(ctx, _block(ctx, a, m, m), taus)
    rank = len(c.shape)
    batch = tuple(range(rank - 2))
    if transpose and dtypes.is_complex(q.dtype):
        q = hlo.complex(ctx, hlo.real(ctx, q), hlo.negate(ctx, hlo.imag(ctx, q)))
    axis = rank - 2 if transpose else rank - 1  # the axis of q to sum over, from the left
    if left:
        return hlo.dot_general(ctx, q, c, (((axis,), (rank - 2,)), (batch, batch)), None, "HIGHEST")
    axis = rank - 1 if transpose else rank - 2
    return hlo.dot_general(ctx, c, q, (((rank - 1,), (axis,)), (batch, batch)), None, "HIGHEST")


ormqr_p = Primitive(
    name="ormqr",
    infer=_ormqr_infer,
    host=_ormqr_host,
    lower=_ormqr_lower,
    jvp=not_differentiable("its arguments are a compressed form. Differentiate qr."),
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: batch_leading(ormqr_p)(axis, args, dims, **params),
)


# ---- hessenberg, tridiagonal ----


def hessenberg(a: Any) -> tuple[Any, Any]:
    """Reduction of a square matrix to Hessenberg form, Q^H a Q.

    Shapes: a (B..., N, N) -> the form on and above the first subdiagonal with the reflections' vectors below,
        and their factors taus (B..., N - 1).
    Raises: ValueError if the matrix is not square. Grad: none. Source: LAPACK `gehrd`.
    """
    return tuple(hessenberg_p.bind(matrix("hessenberg", a)))


def _hessenberg_infer(a: ShapedArray) -> list[ShapedArray]:
    check_matrix("hessenberg", a, square=True)
    return [a.strong(), ShapedArray((*a.shape[:-2], max(a.shape[-1] - 1, 0)), a.dtype)]


def _only_on_cpu(ctx: Any, op: str) -> None:
    if ctx.platform != "cpu":
        raise ValueError(f"{op}: available on CPUs only. Run it there with numax.device_put.")


def _hessenberg_lower(ctx: Any, a: Any) -> list[Any]:
    _only_on_cpu(ctx, "hessenberg")
    n = a.shape[-1]
    batch = a.shape[:-2]
    taus = ((*batch, max(n - 1, 0)), a.dtype)
    if n < 2 or 0 in batch:
        return [a, hlo.full(ctx, 0, *taus)]
    results = [(a.shape, a.dtype), taus, (batch, dtypes.int32)]
    form, factors, info = lapack(
        ctx, "gehrd", [a], results, {0: 0}, low=np.int32(1), high=np.int32(n)
    )
    return nan_if_failed(ctx, info, form, factors)


hessenberg_p = Primitive(
    name="hessenberg",
    infer=_hessenberg_infer,
    host=on_device,
    lower=_hessenberg_lower,
    jvp=not_differentiable("the reduction to Hessenberg form is not unique."),
    transpose=not_linear,
    batch=lambda axis, args, dims: batch_leading(hessenberg_p)(axis, args, dims),
    multiple_results=True,
)


def tridiagonal(a: Any, *, lower: bool = True) -> tuple[Any, Any, Any, Any]:
    """Reduction of a Hermitian matrix to real tridiagonal form, Q^H a Q.

    Shapes: a (B..., N, N) -> the factored matrix, the diagonal (B..., N), the off-diagonal and the reflections'
        factors (B..., N - 1).
    Args: lower: which triangle is read. Raises: ValueError if the matrix is not square. Grad: none.
    Source: LAPACK `sytrd`, `hetrd`.
    """
    return tuple(tridiagonal_p.bind(matrix("tridiagonal", a), lower=bool(lower)))


def _tridiagonal_infer(a: ShapedArray, *, lower: bool) -> list[ShapedArray]:
    check_matrix("tridiagonal", a, square=True)
    n = a.shape[-1]
    batch = a.shape[:-2]
    part = part_dtype(a.dtype)
    fewer = (*batch, max(n - 1, 0))
    return [
        a.strong(),
        ShapedArray((*batch, n), part),
        ShapedArray(fewer, part),
        ShapedArray(fewer, a.dtype),
    ]


def _tridiagonal_lower(ctx: Any, a: Any, *, lower: bool) -> list[Any]:
    _only_on_cpu(ctx, "tridiagonal")
    avals = ctx.avals_out
    shapes = [(v.shape, v.dtype) for v in avals]
    n = a.shape[-1]
    if n < 2 or 0 in a.shape:
        flat = hlo.reshape(ctx, a, avals[1].shape)
        diagonal = hlo.real(ctx, flat) if dtypes.is_complex(a.dtype) else flat
        return [a, diagonal, hlo.full(ctx, 0, *shapes[2]), hlo.full(ctx, 0, *shapes[3])]
    results = [*shapes, (a.shape[:-2], dtypes.int32)]
    name = by_kind("sytrd", "hetrd")
    *outs, info = lapack(ctx, name, [a], results, {0: 0}, uplo=char("L" if lower else "U"))
    return nan_if_failed(ctx, info, *outs)


tridiagonal_p = Primitive(
    name="tridiagonal",
    infer=_tridiagonal_infer,
    host=on_device,
    lower=_tridiagonal_lower,
    jvp=not_differentiable("the reduction to tridiagonal form is not unique."),
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: batch_leading(tridiagonal_p)(
        axis, args, dims, **params
    ),
    multiple_results=True,
)

__all__ = [
    "hessenberg",
    "hessenberg_p",
    "householder_product",
    "householder_product_p",
    "ormqr",
    "ormqr_p",
    "qr",
    "qr_p",
    "tridiagonal",
    "tridiagonal_p",
]
