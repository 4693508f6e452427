"""Rows of the table of operations: linalg_*.py. What a sign or a phase would leave open is squared."""

import numpy as np
import scipy.linalg
from ops_case import Case, fixed, normal

from numax import lax
from numax._engine.ops.matrices import adjoint, product
from numax.lax import linalg

FLAT = np.ones(3, np.float32)
WIDE = np.ones((2, 3), np.float32)
REAL, BOTH = ("float32", "float64"), ("float32", "float64", "complex64")
_TOL = {"float32": 2e-4, "complex64": 2e-4, "float64": 1e-10, "complex128": 1e-10}


def _row(primitive, fun, args, reference, dtypes=REAL, kind="", **options):
    return Case(
        name=primitive + kind,
        primitive=primitive,
        fun=fun,
        args=args,
        reference=reference,
        dtypes=dtypes,
        tol=_TOL,
        **options,
    )


def _adjoint(x):
    return x.conj().swapaxes(-1, -2)


def _positive(x):
    """x x^H + 1, with either library's values."""
    if isinstance(x, np.ndarray):
        return x @ _adjoint(x) + np.eye(len(x), dtype=x.dtype)
    return lax.add(product(x, adjoint(x)), np.eye(x.shape[-1], dtype=x.dtype))


def _hermitian(x):
    return x + _adjoint(x) if isinstance(x, np.ndarray) else lax.add(x, adjoint(x))


def _shifted(x, by=4):
    return x + x.dtype.type(by) * np.eye(len(x), dtype=x.dtype)


def _square(x):
    if isinstance(x, np.ndarray):
        return (x * x.conj()).real
    return lax.mul(x, x) if x.dtype.kind == "f" else lax.real(lax.mul(x, lax.conj(x)))


def _eigh(x):
    if isinstance(x, np.ndarray):
        w, v = np.linalg.eigh(_hermitian(x))
    else:
        v, w = linalg.eigh(_hermitian(x))
    return w, _square(v)


def _svd(x):
    if isinstance(x, np.ndarray):
        u, s, vh = np.linalg.svd(x, full_matrices=False)
    else:
        u, s, vh = linalg.svd(x, full_matrices=False)
    return s, _square(u), _square(vh)


def _lu(x):
    packed, pivots = scipy.linalg.lu_factor(x)
    return packed, pivots.astype(np.int32), _permutation(pivots, len(x))


def _permutation(pivots, size):
    out = np.arange(size, dtype=np.int32)
    for i, p in enumerate(pivots):
        out[[i, p]] = out[[p, i]]
    return out


def _orthogonal(a, taus):
    """The product of the reflections I - tau v v^H, all of it."""
    out = np.eye(len(a), dtype=a.dtype)
    for j, tau in enumerate(taus):
        v = np.concatenate([np.zeros(j), [1.0], a[j + 1 :, j]]).astype(a.dtype)
        out = out @ (np.eye(len(a), dtype=a.dtype) - tau * np.outer(v, v.conj()))
    return out


def _hessenberg(x):
    packed, taus, _ = scipy.linalg.lapack.get_lapack_funcs(("gehrd",), (x,))[0](x)
    return packed, taus


def _tridiagonal(x):
    run = scipy.linalg.lapack.get_lapack_funcs(("sytrd",), (x,))[0]
    packed, d, e, taus, _ = run(_hermitian(x), lower=1)
    return packed, d, e, taus


def _bands(dl, d, du, b):
    return np.linalg.solve(np.diag(dl[1:], -1) + np.diag(d) + np.diag(du[:-1], 1), b)


def _factor(x):
    if isinstance(x, np.ndarray):
        return np.linalg.cholesky(_positive(x)).T
    return adjoint(linalg.cholesky(_positive(x)))


SQUARE = [(lambda: linalg.cholesky(WIDE), ValueError, "^cholesky: ")]
CASES = [
    _row(
        "cholesky",
        lambda x: linalg.cholesky(_positive(x)),
        [normal(3, 3)],
        lambda x: np.linalg.cholesky(_positive(x)),
        BOTH,
        bad=SQUARE,
    ),
    _row(
        "triangular_solve",
        lambda a, b: linalg.triangular_solve(
            lax.add(a, 4 * np.eye(3, dtype=a.dtype)), b, left_side=True, lower=True
        ),
        [normal(3, 3), normal(3, 2)],
        lambda a, b: scipy.linalg.solve_triangular(_shifted(a), b, lower=True),
        BOTH,
        bad=[(lambda: linalg.triangular_solve(WIDE, WIDE), ValueError, "^triangular_solve: ")],
    ),
    _row(
        "triangular_solve",
        lambda a, b: linalg.triangular_solve(
            lax.add(a, 4 * np.eye(3, dtype=a.dtype)), b, transpose_a=True, conjugate_a=True
        ),
        [normal(3, 3), normal(2, 3)],
        lambda a, b: b @ np.linalg.inv(_adjoint(np.triu(_shifted(a)))),
        BOTH,
        kind="_right_adjoint",
    ),
    _row("lu", linalg.lu, [normal(4, 3)], _lu, BOTH),
    _row("lu", linalg.lu, [normal(3, 3)], _lu, BOTH, kind="_square"),
    _row(
        "lu_pivots_to_permutation",
        lambda p: linalg.lu_pivots_to_permutation(p, 4),
        [fixed([2, 2, 3, 3])],
        lambda p: _permutation(p, 4),
        ("int32",),
        grad=False,
    ),
    _row(
        "qr",
        lambda x: linalg.qr(x, full_matrices=False),
        [normal(4, 3)],
        lambda x: tuple(np.linalg.qr(x)),
        BOTH,
        bad=[(lambda: linalg.qr(FLAT), ValueError, "^qr: ")],
    ),
    _row(
        "householder_product",
        linalg.householder_product,
        [normal(4, 3), normal(3)],
        lambda a, taus: _orthogonal(a, taus)[:, :3],
        grad=False,
    ),
    _row(
        "ormqr",
        linalg.ormqr,
        [normal(4, 3), normal(3), normal(4, 2)],
        lambda a, taus, c: _orthogonal(a, taus) @ c,
        grad=False,
    ),
    _row("hessenberg", linalg.hessenberg, [normal(4, 4)], _hessenberg, grad=False),
    _row(
        "tridiagonal",
        lambda x: linalg.tridiagonal(_hermitian(x)),
        [normal(4, 4)],
        _tridiagonal,
        grad=False,
    ),
    _row(
        "eigh",
        _eigh,
        [normal(3, 3)],
        _eigh,
        BOTH,
        bad=[(lambda: linalg.eigh(WIDE), ValueError, "^eigh: ")],
    ),
    _row(
        "eig",
        lambda x: linalg.eig(x, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[
            0
        ],
        [normal(3, 3)],
        lambda x: np.linalg.eigvals(x).astype(np.result_type(x, np.complex64)),
        BOTH,
        bad=[(lambda: linalg.eig(WIDE), ValueError, "^eig: ")],
    ),
    _row(
        "schur",
        linalg.schur,
        [normal(3, 3)],
        scipy.linalg.schur,
        grad=False,
        bad=[(lambda: linalg.schur(WIDE), ValueError, "^schur: ")],
    ),
    _row(
        "svd",
        _svd,
        [normal(4, 3)],
        _svd,
        BOTH,
        bad=[(lambda: linalg.svd(FLAT), ValueError, "^svd: ")],
    ),
    _row(
        "tridiagonal_solve",
        linalg.tridiagonal_solve,
        [normal(4), normal(4, shift=6), normal(4), normal(4, 2)],
        _bands,
    ),
    _row(
        "symmetric_product",
        lambda a, c: linalg.symmetric_product(a, _hermitian(c), alpha=2.0, beta=0.5),
        [normal(3, 2), normal(3, 3)],
        lambda a, c: 2 * (a @ a.T) + _hermitian(c) / 2,
    ),
    _row(
        "cholesky_update",
        lambda x, w: linalg.cholesky_update(_factor(x), w),
        [normal(3, 3), normal(3)],
        lambda x, w: np.linalg.cholesky(_positive(x) + np.outer(w, w)).T,
    ),
]
