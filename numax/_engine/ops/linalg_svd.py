"""Singular value decomposition.

Derivatives: J. Townsend, "Differentiating the singular value decomposition" (2016); Z. Wan & S. Zhang,
arXiv:1909.02659, for complex matrices. Where singular values coincide, the derivatives of the values hold, and those
of single vectors do not exist (inf, nan).
"""

import enum
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, not_linear
from numax._engine.ops.arithmetic import div
from numax._engine.ops.basis import (
    add,
    convert,
    mul,
    sub,
)
from numax._engine.ops.compare import eq
from numax._engine.ops.linalg_eigen import (
    checked_subset,
    chosen_columns,
    constant_of,
    lower_eigh,
    over,
    times,
)
from numax._engine.ops.linalg_orthogonal import lower_qr
from numax._engine.ops.matrices import (
    adjoint,
    batch_leading,
    char,
    check_matrix,
    diagonal,
    each_matrix,
    eye_like,
    lapack,
    lower_eye,
    matrix,
    nan_if_failed,
    part_dtype,
    product,
    real_part,
    scaled,
)
from numax._engine.stablehlo import hlo


class SvdAlgorithm(enum.Enum):
    """Algorithms for svd. On CPUs QR is LAPACK's `gesvd`, the others are `gesdd`."""

    DEFAULT = "default"
    QR = "QR"
    JACOBI = "Jacobi"
    POLAR = "polar"
    DIVIDE_AND_CONQUER = "divide_and_conquer"


def svd(
    x: Any,
    *,
    full_matrices: bool = True,
    compute_uv: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    algorithm: SvdAlgorithm | None = None,
) -> Any:
    """Singular value decomposition: x = u diag(s) vh.

    Shapes: x (B..., M, N) -> u (B..., M, M), s (B..., min(M, N)), vh (B..., N, N); u and vh have only
        min(M, N) columns and rows without full_matrices. s falls, and is real.
    Args: compute_uv: False gives s alone; subset_by_index: (low, high), which singular values are wanted.
    Raises: ValueError if a subset is asked of full matrices. Grad: where the singular values differ.
    Source: LAPACK `gesdd`, `gesvd`.
    """
    x = matrix("svd", x)
    check_matrix("svd", x.aval)
    subset = checked_subset("svd", subset_by_index, min(x.aval.shape[-2:]))
    if subset is not None and full_matrices and compute_uv:
        raise ValueError(
            "svd: subset_by_index and full_matrices exclude each other. Pass full_matrices=False."
        )
    outs = svd_p.bind(
        x,
        full_matrices=bool(full_matrices),
        compute_uv=bool(compute_uv),
        subset_by_index=subset,
        algorithm=algorithm,
    )
    if not compute_uv:
        return outs[0]
    s, u, vh = outs
    return u, s, vh


def _svd_infer(
    x: ShapedArray, *, full_matrices: bool, compute_uv: bool, subset_by_index: Any, algorithm: Any
) -> list[ShapedArray]:
    check_matrix("svd", x)
    *batch, m, n = x.shape
    k = min(m, n)
    if subset_by_index is not None:
        k = subset_by_index[1] - subset_by_index[0]
    values = ShapedArray((*batch, k), part_dtype(x.dtype))
    if not compute_uv:
        return [values]
    rows, columns = (m, n) if full_matrices else (k, k)
    return [
        values,
        ShapedArray((*batch, m, rows), x.dtype),
        ShapedArray((*batch, columns, n), x.dtype),
    ]


def _svd_host(
    x: np.ndarray, *, full_matrices: bool, compute_uv: bool, subset_by_index: Any, algorithm: Any
) -> list[np.ndarray]:
    *batch, m, n = x.shape
    k = min(m, n)
    rows, columns = (m, n) if full_matrices else (k, k)
    shapes = [((m, rows), x.dtype), ((k,), part_dtype(x.dtype)), ((columns, n), x.dtype)]
    if not x.size:
        s = np.zeros((*batch, k), part_dtype(x.dtype))
        u = np.broadcast_to(np.eye(m, rows, dtype=x.dtype), (*batch, m, rows))
        vh = np.broadcast_to(np.eye(columns, n, dtype=x.dtype), (*batch, columns, n))
        return [s, u, vh] if compute_uv else [s]

    def one(a: np.ndarray) -> Any:
        found = np.linalg.svd(a, full_matrices, compute_uv)
        return tuple(found) if compute_uv else (found,)

    try:
        found = one(x)
    except np.linalg.LinAlgError:
        found = each_matrix(one, x, shapes if compute_uv else shapes[1:2])
    if not compute_uv:
        s = found[0]
        return [s if subset_by_index is None else s[..., slice(*subset_by_index)]]
    u, s, vh = found
    if subset_by_index is not None:
        chosen = slice(*subset_by_index)
        u, s, vh = u[..., chosen], s[..., chosen], vh[..., chosen, :]
    return [s, u, vh]


def _svd_lower(
    ctx: Any, x: Any, *, full_matrices: bool, compute_uv: bool, subset_by_index: Any, algorithm: Any
) -> list[Any]:
    *batch, m, n = x.shape
    k = min(m, n)
    rows, columns = (m, n) if full_matrices else (k, k)
    values = ((*batch, k), part_dtype(x.dtype))
    left, right = ((*batch, m, rows), x.dtype), ((*batch, columns, n), x.dtype)
    if 0 in x.shape:
        s, u, vh = hlo.full(ctx, 0, *values), lower_eye(ctx, *left), lower_eye(ctx, *right)
    elif ctx.platform != "cpu":
        s, u, vh = _svd_by_eigh(ctx, x, full_matrices and compute_uv)
    else:
        mode = char("N" if not compute_uv else "A" if full_matrices else "S")
        if not compute_uv:
            left, right = ((*batch, m, m), x.dtype), ((*batch, n, n), x.dtype)
        results = [(x.shape, x.dtype), values, left, right, (tuple(batch), dtypes.int32)]
        flags = [True, True, False, True, True, False]
        name = "gesvd" if algorithm is SvdAlgorithm.QR else "gesdd"
        _, s, u, vh, info = lapack(ctx, name, [x], results, {0: 0}, flags, mode=mode)
        if compute_uv:
            s, u, vh = nan_if_failed(ctx, info, s, u, vh)
        else:
            (s,) = nan_if_failed(ctx, info, s)
    zeros = [0] * len(batch)
    if subset_by_index is not None:
        low, high = subset_by_index
        s = hlo.slice(ctx, s, [*zeros, low], [*batch, high])
        if compute_uv:
            u = hlo.slice(ctx, u, [*zeros, 0, low], [*batch, m, high])
            vh = hlo.slice(ctx, vh, [*zeros, low, 0], [*batch, high, n])
    return [s, u, vh] if compute_uv else [s]


def _svd_by_eigh(ctx: Any, x: Any, full: bool) -> list[Any]:
    """From the eigenvectors of [[0, x], [x^H, 0]], which are (u, v) and (u, -v) for values s and -s.

    Those of zero values are made orthogonal by QR. For platforms without LAPACK.
    """
    *batch, m, n = x.shape
    k, size, rank = min(m, n), m + n, len(x.shape)
    zeros = [0] * len(batch)
    nothing = hlo.full(ctx, 0, (), x.dtype)
    order = [*range(rank - 2), rank - 1, rank - 2]
    turned = hlo.transpose(ctx, x, order)
    if dtypes.is_complex(x.dtype):
        turned = hlo.complex(ctx, hlo.real(ctx, turned), hlo.negate(ctx, hlo.imag(ctx, turned)))
    upper = hlo.pad(ctx, x, nothing, [*zeros, 0, m], [*zeros, n, 0])
    lower = hlo.pad(ctx, turned, nothing, [*zeros, m, 0], [*zeros, 0, n])
    both = hlo.add(ctx, upper, lower)
    vectors, values = lower_eigh(
        ctx, both, lower=True, sort_eigenvalues=True, subset_by_index=None, algorithm=None
    )
    s = hlo.reverse(ctx, hlo.slice(ctx, values, [*zeros, size - k], [*batch, size]), [rank - 2])
    s = hlo.maximum(ctx, s, hlo.full(ctx, 0, s.shape, s.dtype))
    kept = hlo.slice(ctx, vectors, [*zeros, 0, size - k], [*batch, size, size])
    kept = hlo.reverse(ctx, kept, [rank - 1])
    u = hlo.slice(ctx, kept, [*zeros, 0, 0], [*batch, m, k])
    v = hlo.slice(ctx, kept, [*zeros, m, 0], [*batch, size, k])
    u, v = _orthonormal(ctx, u, full), _orthonormal(ctx, v, full)
    vh = hlo.transpose(ctx, v, order)
    if dtypes.is_complex(x.dtype):
        vh = hlo.complex(ctx, hlo.real(ctx, vh), hlo.negate(ctx, hlo.imag(ctx, vh)))
    return [s, u, vh]


def _orthonormal(ctx: Any, x: Any, full: bool) -> Any:
    """Q of x = Q R, its columns turned so that the diagonal of R is positive; complete if `full`."""
    *batch, _, k = x.shape
    q, r = lower_qr(ctx, x, full_matrices=full, pivoting=False, use_magma=None)
    corner = hlo.slice(ctx, r, [0] * len(r.shape), [*batch, k, k])
    kept = hlo.multiply(ctx, corner, lower_eye(ctx, corner.shape, corner.dtype))
    zero = hlo.full(ctx, 0, (), x.dtype)
    line = hlo.reduce_with(ctx, kept, zero, [len(r.shape) - 2], hlo.add)
    sign = hlo.sign(ctx, line)
    none = hlo.compare(ctx, line, hlo.full(ctx, 0, line.shape, line.dtype), "EQ")
    sign = hlo.select(ctx, none, hlo.full(ctx, 1, line.shape, line.dtype), sign)
    if q.shape[-1] > k:
        one = hlo.full(ctx, 1, (), x.dtype)
        rank = len(sign.shape)
        sign = hlo.pad(ctx, sign, one, [0] * rank, [0] * (rank - 1) + [q.shape[-1] - k])
    rank = len(q.shape)
    return hlo.multiply(
        ctx, q, hlo.broadcast_in_dim(ctx, sign, q.shape, (*range(rank - 2), rank - 1))
    )


def _svd_jvp(
    primals: Any,
    tangents: Any,
    *,
    full_matrices: bool,
    compute_uv: bool,
    subset_by_index: Any,
    algorithm: Any,
) -> Any:
    (x,), (t,) = primals, tangents
    m, n = x.aval.shape[-2:]
    if full_matrices and compute_uv and m != n:
        raise NotImplementedError(
            "svd: the derivative of the complete u and vh is not unique. Pass full_matrices=False."
        )
    whole = {
        "full_matrices": False,
        "compute_uv": True,
        "subset_by_index": None,
        "algorithm": algorithm,
    }
    s, u, vh = svd_p.bind(x, **whole)
    inner = product(product(adjoint(u), t), adjoint(vh))  # u^H dx v
    ds = diagonal(real_part(inner))
    outs, changes = [s], [ds]
    if compute_uv:
        du, dvh = _turn_both(s, u, vh, t, inner)
        outs, changes = [s, u, vh], [ds, du, dvh]
    if subset_by_index is None:
        return outs, changes
    rank = x.aval.ndim
    places = [rank - 2, rank - 1, rank - 2][: len(outs)]
    return tuple(
        [
            chosen_columns(v, place, *subset_by_index)
            for v, place in zip(values, places, strict=True)
        ]
        for values in (outs, changes)
    )


def _turn_both(s: Any, u: Any, vh: Any, t: Any, inner: Any) -> tuple[Any, Any]:
    """Tangents of the singular vectors."""
    dtype = inner.aval.dtype
    m, n = t.aval.shape[-2:]
    unit = real_part(eye_like(inner))
    left, right = over(s, unit, -2), over(s, unit, -1)
    apart = mul(sub(right, left), add(right, left))  # s_j^2 - s_i^2
    gap = convert(sub(div(constant_of(unit, 1.0), add(apart, unit)), unit), dtype)
    by_right, by_left = mul(inner, convert(right, dtype)), mul(inner, convert(left, dtype))
    turn_u = mul(gap, add(by_right, adjoint(by_right)))
    turn_v = mul(gap, add(by_left, adjoint(by_left)))
    zero = convert(eq(s, constant_of(s, 0.0)), s.aval.dtype)
    inverse = sub(div(constant_of(s, 1.0), add(s, zero)), zero)
    skew = scaled(
        mul(sub(inner, adjoint(inner)), eye_like(inner)), 0.5
    )  # the phase of u against that of v
    turn_u = add(turn_u, times(skew, inverse))
    du = product(u, turn_u)
    v = adjoint(vh)
    dv = product(v, turn_v)
    if m > n:
        beyond = product(t, v)
        du = add(du, times(sub(beyond, product(u, product(adjoint(u), beyond))), inverse))
    if n > m:
        beyond = product(adjoint(t), u)
        dv = add(dv, times(sub(beyond, product(v, product(vh, beyond))), inverse))
    return du, adjoint(dv)


svd_p = Primitive(
    name="svd",
    infer=_svd_infer,
    host=_svd_host,
    lower=_svd_lower,
    jvp=_svd_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: batch_leading(svd_p)(axis, args, dims, **params),
    multiple_results=True,
)


__all__ = [
    "SvdAlgorithm",
    "svd",
    "svd_p",
]
