"""Triangular systems and Cholesky factors.

Derivatives: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008); with adjoints in place of transposes they hold for complex matrices.
"""

import functools
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import (
    Primitive,
    Zero,
    is_linear,
    not_linear,
    on_device,
)
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    add,
    add_tangents,
    expand_dims,
    mul,
    neg,
    reshape,
    squeeze,
    sub,
    to_front,
    transpose,
)
from numax._engine.ops.matrices import (
    adjoint,
    batch_leading,
    char,
    check_matrix,
    conjugate,
    each_matrix,
    eye_like,
    lapack,
    lower_triangle,
    matrix,
    nan_if_failed,
    product,
    scaled,
    swap,
    tril,
    triu,
)
from numax._engine.stablehlo import hlo

# ---- triangular_solve ----


def triangular_solve(
    a: Any,
    b: Any,
    *,
    left_side: bool = False,
    lower: bool = False,
    transpose_a: bool = False,
    conjugate_a: bool = False,
    unit_diagonal: bool = False,
) -> Any:
    """Solve op(a) x = b (left_side) or x op(a) = b, where a is triangular; its other triangle is not read.

    Shapes: a (B..., N, N), b (B..., N, M) with left_side, else (B..., M, N); or b without M, a vector.
    Args: transpose_a, conjugate_a: what op does; unit_diagonal: take the diagonal as ones.
    Raises: ValueError if shapes do not fit, TypeError if dtypes differ. Grad: linear in b.
    Source: BLAS `trsm`; StableHLO `triangular_solve`.
    """
    a, b = as_value(a, "triangular_solve"), as_value(b, "triangular_solve")
    vector = b.aval.ndim == a.aval.ndim - 1
    if vector:
        b = expand_dims(b, (b.aval.ndim if left_side else b.aval.ndim - 1,))
    check_matrix("triangular_solve", a.aval, square=True)
    out = _solve(
        a,
        b,
        left_side=bool(left_side),
        lower=bool(lower),
        transpose_a=bool(transpose_a),
        conjugate_a=bool(conjugate_a) and dtypes.is_complex(a.aval.dtype),
        unit_diagonal=bool(unit_diagonal),
    )
    return squeeze(out, (out.aval.ndim - 1 if left_side else out.aval.ndim - 2,)) if vector else out


def _solve(a: Any, b: Any, **params: Any) -> Any:
    prim = triangular_solve_p if a.aval.shape[-1] < LARGE else triangular_solve_large_p
    return prim.bind(a, b, **params)


def _solve_infer(a: ShapedArray, b: ShapedArray, *, left_side: bool, **params: Any) -> ShapedArray:
    op = "triangular_solve"
    if a.dtype != b.dtype:
        raise TypeError(
            f"{op}: operands must have equal dtypes; got {a.str_short()} and {b.str_short()}. "
            "Convert one with x.astype(dtype)."
        )
    check_matrix(op, a, square=True)
    size = b.shape[-2 if left_side else -1] if b.ndim >= 2 else -1
    if a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2] or size != a.shape[-1]:
        raise ValueError(
            f"{op}: shapes must fit, and batch axes be equal; got {a.str_short()} and {b.str_short()} with "
            f"left_side={left_side}."
        )
    return b.strong()


BLOCK = 48


def _solve_host(
    a: np.ndarray,
    b: np.ndarray,
    *,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    conjugate_a: bool,
    unit_diagonal: bool,
) -> np.ndarray:
    if not left_side:  # x op(a) = b is op(a)^T x^T = b^T
        a, b = a.swapaxes(-1, -2), b.swapaxes(-1, -2)
        lower = not lower
    if transpose_a:
        a = a.swapaxes(-1, -2)
        lower = not lower
    if conjugate_a:
        a = a.conj()
    if not lower:  # from the last row to the first: reversed, it is lower
        a, b = a[..., ::-1, ::-1], b[..., ::-1, :]
    x = forward_substitution(a, b, unit_diagonal)
    if not lower:
        x = x[..., ::-1, :]
    return x if left_side else x.swapaxes(-1, -2)


def forward_substitution(a: np.ndarray, b: np.ndarray, unit: bool) -> np.ndarray:
    """Solve with the lower triangle of `a`, block by block."""
    n = a.shape[-1]
    x = np.array(b)
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        if start:
            x[..., start:end, :] -= np.matmul(a[..., start:end, :start], x[..., :start, :])
        solve_block(a[..., start:end, start:end], x[..., start:end, :], unit)
    return x


@functools.lru_cache(maxsize=64)
def _below(n: int, unit: bool) -> np.ndarray:
    return np.tri(n, k=-1 if unit else 0, dtype=np.bool_)


def solve_block(a: np.ndarray, x: np.ndarray, unit: bool) -> None:
    """Solve with the lower triangle of a small matrix, in place."""
    n = a.shape[-1]
    if n > 1:
        whole = np.where(_below(n, unit), a, np.eye(n, dtype=a.dtype) if unit else a.dtype.type(0))
        try:
            x[...] = np.linalg.solve(whole, x)
            return
        except np.linalg.LinAlgError:
            pass  # a zero on the diagonal: substitution divides by it, as BLAS does
    for i in range(n):
        row = x[..., i, :]
        if i:
            row -= np.matmul(a[..., i : i + 1, :i], x[..., :i, :])[..., 0, :]
        if not unit:
            row /= a[..., i, i, None]


def _solve_lower(
    ctx: Any,
    a: Any,
    b: Any,
    *,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    conjugate_a: bool,
    unit_diagonal: bool,
) -> Any:
    if 0 in b.shape:
        return b
    if conjugate_a and not transpose_a:
        a = hlo.complex(ctx, hlo.real(ctx, a), hlo.negate(ctx, hlo.imag(ctx, a)))
        conjugate_a = False
    if ctx.platform != "cpu":
        kind = "NO_TRANSPOSE" if not transpose_a else "ADJOINT" if conjugate_a else "TRANSPOSE"
        return hlo.triangular_solve(
            ctx,
            a,
            b,
            left_side=left_side,
            lower=lower,
            unit_diagonal=unit_diagonal,
            transpose_a=kind,
        )
    return lapack(
        ctx,
        "trsm",
        [a, b],
        [(b.shape, b.dtype)],
        {0: 1},
        diag=char("U" if unit_diagonal else "N"),
        side=char("L" if left_side else "R"),
        trans_x=char("N" if not transpose_a else "C" if conjugate_a else "T"),
        uplo=char("L" if lower else "U"),
    )[0]


def _solve_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    a, b = primals
    ta, tb = tangents
    x = _solve(a, b, **params)
    change = tb
    if type(ta) is not Zero:
        k = 1 if params["unit_diagonal"] else 0
        ta = tril(ta, -k) if params["lower"] else triu(ta, k)
        if params["conjugate_a"]:
            ta = conjugate(ta)
        if params["transpose_a"]:
            ta = swap(ta)
        moved = product(ta, x) if params["left_side"] else product(x, ta)
        change = add_tangents(tb, neg(moved))
    if type(change) is Zero:
        return x, change
    return x, _solve(a, change, **params)


def _solve_transpose(ct: Any, a: Any, b: Any, *, transpose_a: bool, **params: Any) -> list[Any]:
    if is_linear(a):
        raise TypeError("triangular_solve: not linear in the matrix.")
    return [None, _solve(a, ct, transpose_a=not transpose_a, **params)]


def _solve_batch(axis: Any, args: Any, dims: Any, *, left_side: bool, **params: Any) -> Any:
    a, b = args
    da, db = dims
    params["left_side"] = left_side
    if da is not None:
        a, b = to_front(a, da, axis.size), to_front(b, db, axis.size)
        return _solve(a, b, **params), 0
    # one matrix for all: the batch becomes more columns (rows)
    n = b.aval.ndim
    place = n - 1 if left_side else n - 2
    order = [i for i in range(n) if i != db]
    order.insert(place, db)
    b = transpose(b, order)
    shape = b.aval.shape
    at = place - 1
    merged = (*shape[:at], shape[at] * shape[at + 1], *shape[at + 2 :])
    x = _solve(a, reshape(b, merged), **params)
    return reshape(x, shape), place


LARGE = 256  # from this size on, LAPACK's compiled kernels are worth a compilation


def _make_solve(host: Any) -> Primitive:
    return Primitive(
        name="triangular_solve",
        infer=_solve_infer,
        host=host,
        lower=_solve_lower,
        jvp=_solve_jvp,
        transpose=_solve_transpose,
        batch=_solve_batch,
    )


triangular_solve_p = _make_solve(_solve_host)
triangular_solve_large_p = _make_solve(on_device)


def solve_triangle(a: Any, b: Any, **params: Any) -> Any:
    """triangular_solve from the left."""
    return triangular_solve(a, b, left_side=True, **params)


# ---- cholesky ----


def cholesky(x: Any, *, symmetrize_input: bool = True) -> Any:
    """The lower triangular L with L L^H = x, for Hermitian positive definite x.

    Shapes: (B..., N, N) -> (B..., N, N). Args: symmetrize_input: take (x + x^H) / 2; else read the lower triangle.
    Where x is not positive definite, L is nan. Grad: Giles 2008. Source: LAPACK `potrf`.
    """
    x = matrix("cholesky", x)
    check_matrix("cholesky", x.aval, square=True)
    if symmetrize_input:
        x = symmetrized(x)
    return cholesky_p.bind(x)


def symmetrized(x: Any) -> Any:
    """The Hermitian part."""
    return scaled(add(x, adjoint(x)), 0.5)


def _cholesky_infer(x: ShapedArray) -> ShapedArray:
    check_matrix("cholesky", x, square=True)
    return x.strong()


def _cholesky_host(x: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return np.tril(
            each_matrix(lambda a: (np.linalg.cholesky(a),), x, [(x.shape[-2:], x.dtype)])[0]
        )


def _cholesky_lower(ctx: Any, x: Any) -> Any:
    if 0 in x.shape:
        return x
    if ctx.platform != "cpu":
        return lower_triangle(ctx, hlo.cholesky(ctx, x), 0, True)
    results = [(x.shape, x.dtype), (x.shape[:-2], dtypes.int32)]
    out, info = lapack(ctx, "potrf", [x], results, {0: 0}, uplo=char("L"))
    return lower_triangle(ctx, nan_if_failed(ctx, info, out)[0], 0, True)


def _cholesky_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    root = cholesky_p.bind(x)
    inner = triangular_solve(root, t, lower=True, transpose_a=True, conjugate_a=True)
    inner = solve_triangle(root, inner, lower=True)
    return root, product(root, half_triangle(inner))


def half_triangle(x: Any) -> Any:
    """The lower triangle of x with half the diagonal: what plus its adjoint is a Hermitian x."""
    lower = tril(x)
    return sub(lower, scaled(mul(lower, eye_like(lower)), 0.5))


cholesky_p = Primitive(
    name="cholesky",
    infer=_cholesky_infer,
    host=_cholesky_host,
    lower=_cholesky_lower,
    jvp=_cholesky_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims: batch_leading(cholesky_p)(axis, args, dims),
)


__all__ = [
    "cholesky",
    "cholesky_p",
    "triangular_solve",
    "triangular_solve_p",
]
