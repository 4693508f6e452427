"""Rank updates and the polar decomposition: symmetric_product, cholesky_update, qdwh."""

import math
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_linear
from numax._engine.core.trace import as_value
from numax._engine.ops.arithmetic import div, sqrt
from numax._engine.ops.basis import add, add_tangents, broadcast_in_dim, mul, reduce_sum, sub
from numax._engine.ops.compare import le
from numax._engine.ops.linalg_lu import pick
from numax._engine.ops.linalg_orthogonal import qr
from numax._engine.ops.linalg_solve import (
    cholesky_p,
    half_triangle,
    solve_triangle,
    symmetrized,
    triangular_solve,
)
from numax._engine.ops.matrices import (
    adjoint,
    batch_leading,
    check_matrix,
    conjugate,
    eye_like,
    matrix,
    product,
    real_part,
    scaled,
    swap,
    triu,
)
from numax._engine.ops.shape import concatenate, split
from numax._engine.stablehlo import hlo

_REAL = frozenset([dtypes.float32, dtypes.float64])


def _check_real(op: str, *operands: ShapedArray) -> None:
    got = " and ".join(x.str_short() for x in operands)
    if len({x.dtype for x in operands}) != 1 or operands[0].dtype not in _REAL:
        raise TypeError(f"{op}: operands must both be float32 or float64; got {got}.")


# ---- symmetric_product ----


def symmetric_product(
    a_matrix: Any,
    c_matrix: Any,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    symmetrize_output: bool = False,
) -> Any:
    """alpha a a^T + beta c, for symmetric c.

    Shapes: a (B..., N, K), c (B..., N, N) -> (B..., N, N). Dtypes: float32 or float64.
    Args: symmetrize_output: for JAX; the result is symmetric wherever c is.
    Raises: ValueError if shapes do not fit. Grad: quadratic in a, linear in c. Source: BLAS `syrk`.
    """
    a, c = matrix("symmetric_product", a_matrix), matrix("symmetric_product", c_matrix)
    return symmetric_product_p.bind(a, c, alpha=float(alpha), beta=float(beta))


def _product_infer(a: ShapedArray, c: ShapedArray, *, alpha: float, beta: float) -> ShapedArray:
    op = "symmetric_product"
    check_matrix(op, a)
    _check_real(op, a, c)
    if c.shape != (*a.shape[:-1], a.shape[-2]):
        raise ValueError(
            f"{op}: c must be square, with a's rows; got {a.str_short()} and {c.str_short()}."
        )
    return c.strong()


def _product_host(a: np.ndarray, c: np.ndarray, *, alpha: float, beta: float) -> np.ndarray:
    out = np.matmul(a, a.swapaxes(-1, -2))
    out = out if alpha == 1 else out * a.dtype.type(alpha)
    return out + a.dtype.type(beta) * c if beta else out


def _product_lower(ctx: Any, a: Any, c: Any, *, alpha: float, beta: float) -> Any:
    rank = len(a.shape)
    batch = tuple(range(rank - 2))
    axes = (((rank - 1,), (rank - 1,)), (batch, batch))
    out = hlo.dot_general(ctx, a, a, axes, None, "HIGHEST")
    out = hlo.multiply(ctx, out, hlo.full(ctx, alpha, out.shape, out.dtype))
    if not beta:
        return out
    return hlo.add(ctx, out, hlo.multiply(ctx, c, hlo.full(ctx, beta, c.shape, c.dtype)))


def _product_jvp(primals: Any, tangents: Any, *, alpha: float, beta: float) -> Any:
    a, c = primals
    ta, tc = tangents
    out = symmetric_product_p.bind(a, c, alpha=alpha, beta=beta)
    zero: Any = Zero(out.aval.tangent())
    left = zero
    if type(ta) is not Zero:
        half = product(ta, swap(a))
        left = scaled(add(half, swap(half)), alpha)
    right = zero if type(tc) is Zero or not beta else scaled(tc, beta)
    return out, add_tangents(left, right)


symmetric_product_p = Primitive(
    name="symmetric_product",
    infer=_product_infer,
    host=_product_host,
    lower=_product_lower,
    jvp=_product_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: batch_leading(symmetric_product_p)(
        axis, args, dims, **params
    ),
)


# ---- cholesky_update ----


def cholesky_update(r_matrix: Any, w_vector: Any) -> Any:
    """The upper triangular factor of r^T r + w w^T.

    Shapes: r (B..., N, N), w (B..., N) -> (B..., N, N). Dtypes: float32 or float64.
    Raises: ValueError if shapes do not fit. Grad: Giles 2008.
    Source: Golub & Van Loan, "Matrix Computations", 6.5.4 (Givens rotations).
    """
    r, w = matrix("cholesky_update", r_matrix), matrix("cholesky_update", w_vector)
    return cholesky_update_p.bind(r, w)


def _update_infer(r: ShapedArray, w: ShapedArray) -> ShapedArray:
    op = "cholesky_update"
    check_matrix(op, r, square=True)
    _check_real(op, r, w)
    if w.shape != r.shape[:-1]:
        raise ValueError(
            f"{op}: w must be a vector of r's size; got {r.str_short()} and {w.str_short()}."
        )
    return r.strong()


def _update_host(r: np.ndarray, w: np.ndarray) -> np.ndarray:
    out, w = np.triu(r), np.array(w)
    for k in range(r.shape[-1]):
        row = out[..., k, :].copy()
        length = np.hypot(row[..., k], w[..., k])
        cosine, sine = (row[..., k] / length)[..., None], (w[..., k] / length)[..., None]
        out[..., k, :] = cosine * row + sine * w
        w = cosine * w - sine * row
    return np.triu(out)


def _update_lower(ctx: Any, r: Any, w: Any) -> Any:
    n = r.shape[-1]
    rank = len(w.shape) - 1
    every = tuple(range(rank))
    int32 = dtypes.int32

    def body(b: Any, k: Any, r: Any, w: Any) -> list[Any]:
        row = pick(b, r, k, rank)
        x, y = pick(b, row, k, rank), pick(b, w, k, rank)
        length = hlo.sqrt(b, hlo.add(b, hlo.multiply(b, x, x), hlo.multiply(b, y, y)))
        cosine = hlo.broadcast_in_dim(b, hlo.divide(b, x, length), row.shape, every)
        sine = hlo.broadcast_in_dim(b, hlo.divide(b, y, length), row.shape, every)
        new = hlo.add(b, hlo.multiply(b, cosine, row), hlo.multiply(b, sine, w))
        w = hlo.subtract(b, hlo.multiply(b, cosine, w), hlo.multiply(b, sine, row))
        i = hlo.iota(b, r.shape, int32, rank)
        j = hlo.iota(b, r.shape, int32, rank + 1)
        here = hlo.compare(b, i, hlo.broadcast_in_dim(b, k, r.shape, ()), "EQ")
        here = hlo.and_(b, here, hlo.compare(b, i, j, "LE"))
        r = hlo.select(b, here, hlo.broadcast_in_dim(b, new, r.shape, (*every, rank + 1)), r)
        return [hlo.add(b, k, hlo.full(b, 1, (), int32)), r, w]

    i = hlo.iota(ctx, r.shape, int32, rank)
    j = hlo.iota(ctx, r.shape, int32, rank + 1)
    zero = hlo.full(ctx, 0, r.shape, r.dtype)
    r = hlo.select(ctx, hlo.compare(ctx, i, j, "LE"), r, zero)
    if 0 in r.shape:
        return r
    return hlo.while_(
        ctx,
        [hlo.full(ctx, 0, (), int32), r, w],
        lambda b, k, r, w: hlo.compare(b, k, hlo.full(b, n, (), int32), "LT"),
        body,
    )[1]


def _update_jvp(primals: Any, tangents: Any) -> Any:
    r, w = primals
    tr, tw = tangents
    out = cholesky_update_p.bind(r, w)
    change: Any = Zero(r.aval)
    if type(tr) is not Zero:
        half = product(swap(triu(tr)), triu(r))
        change = add(half, swap(half))
    if type(tw) is not Zero:
        half = mul(_rows(tw, r), _columns(w, r))
        change = add_tangents(change, add(half, swap(half)))
    if type(change) is Zero:
        return out, change
    root = swap(out)
    inner = triangular_solve(root, change, lower=True, transpose_a=True)
    inner = solve_triangle(root, inner, lower=True)
    return out, swap(product(root, half_triangle(inner)))


def _rows(w: Any, r: Any) -> Any:
    n = r.aval.ndim
    return broadcast_in_dim(w, r.aval.shape, tuple(range(n - 1)))


def _columns(w: Any, r: Any) -> Any:
    n = r.aval.ndim
    return broadcast_in_dim(w, r.aval.shape, (*range(n - 2), n - 1))


cholesky_update_p = Primitive(
    name="cholesky_update",
    infer=_update_infer,
    host=_update_host,
    lower=_update_lower,
    jvp=_update_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims: batch_leading(cholesky_update_p)(axis, args, dims),
)


# ---- qdwh ----


def qdwh(
    x: Any,
    *,
    is_hermitian: bool = False,
    max_iterations: int | None = None,
    eps: float | None = None,
    dynamic_shape: tuple[int, int] | None = None,
) -> tuple[Any, Any, Any, Any]:
    """Polar decomposition x = u h: u with orthonormal columns, h Hermitian positive semidefinite.

    Shapes: x (M, N), M >= N -> u (M, N), h (N, N), the number of iterations, whether they converged.
    Args: max_iterations (10); eps: the precision aimed at.
    Raises: ValueError if x has more columns than rows. Grad: by differentiation of the iterations.
    Source: Nakatsukasa & Higham 2013, "Stable and efficient spectral divide and conquer algorithms" (QDWH).
    """
    x = matrix("qdwh", x)
    check_matrix("qdwh", x.aval)
    m, n = x.aval.shape[-2:]
    if x.aval.ndim != 2 or m < n:
        raise ValueError(
            f"qdwh: takes one matrix with at least as many rows as columns; got {x.aval.str_short()}."
        )
    if dynamic_shape is not None and tuple(dynamic_shape) != (m, n):
        raise ValueError(
            f"qdwh: dynamic_shape must be the shape of x; got {dynamic_shape}. Slice x instead."
        )
    tolerance = float(dtypes.finfo(x.aval.dtype).eps) if eps is None else float(eps)
    limit = 10 if max_iterations is None else int(max_iterations)
    u = div(x, _spread(_norm(x), x))
    gap, count = u, 0
    low = tolerance
    while count < limit and (count == 0 or abs(1 - low) > 10 * tolerance):
        new, low = _halley(u, low)
        gap, u = sub(new, u), new
        count += 1
    done = abs(1 - low) <= 10 * tolerance
    bound = (4 * tolerance) ** (1 / 3) if done else -1.0
    converged = le(real_part(_norm(gap)), real_part(scaled(_norm(u), bound)))
    h = symmetrized(product(adjoint(u), x))
    return u, h, as_value(np.int32(count)), converged


def _norm(x: Any) -> Any:
    """The Frobenius norm, in the dtype of x."""
    return sqrt(reduce_sum(mul(x, conjugate(x)), (0, 1)))


def _spread(value: Any, x: Any) -> Any:
    return broadcast_in_dim(value, x.aval.shape, ())


def _halley(x: Any, low: float) -> tuple[Any, float]:
    """A dynamically weighted Halley step, and the next lower bound of the singular values."""
    low = min(low, 1.0)
    d = (4 * (1 - low**2) / low**4) ** (1 / 3)
    root = math.sqrt(1 + d)
    a = root + 0.5 * math.sqrt(max(8 - 4 * d + 8 * (2 - low**2) / (low**2 * root), 0.0))
    b = (a - 1) ** 2 / 4
    c = a + b - 1
    if c > 100:  # by QR, which is stable for large weights
        unit = eye_like(x, x.aval.shape[-1])
        stacked = concatenate([scaled(x, math.sqrt(c)), unit], 0)
        q, _ = qr(stacked, full_matrices=False)
        upper, lower = split(q, [x.aval.shape[0], unit.aval.shape[0]], 0)
        moved = scaled(product(upper, adjoint(lower)), (a - b / c) / math.sqrt(c))
    else:
        gram = add(eye_like(x, x.aval.shape[-1]), scaled(product(adjoint(x), x), c))
        factor = cholesky_p.bind(gram)
        moved = triangular_solve(factor, x, lower=True, transpose_a=True, conjugate_a=True)
        moved = scaled(triangular_solve(factor, moved, lower=True), a - b / c)
    return add(scaled(x, b / c), moved), min(low * (a + b * low**2) / (1 + c * low**2), 1.0)


__all__ = [
    "cholesky_update",
    "cholesky_update_p",
    "qdwh",
    "symmetric_product",
    "symmetric_product_p",
]
