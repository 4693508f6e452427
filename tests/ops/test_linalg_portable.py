"""The lowerings of linear algebra for platforms without LAPACK, compiled for the CPU."""

import numpy as np
import pytest

from numax._engine import runtime
from numax._engine.core.avals import ShapedArray
from numax._engine.ops.linalg_eigen import eigh_p
from numax._engine.ops.linalg_lu import lu_p
from numax._engine.ops.linalg_orthogonal import ormqr_p, qr_p
from numax._engine.ops.linalg_solve import cholesky_p, triangular_solve_p
from numax._engine.ops.linalg_svd import svd_p
from numax._engine.ops.linalg_tridiagonal import tridiagonal_solve_p
from numax._engine.stablehlo.builder import Builder

pytestmark = pytest.mark.slow

DTYPES = ["float32", "complex128"]
TOL = {"float32": 3e-5, "complex64": 3e-5, "float64": 1e-12, "complex128": 1e-12}


def elsewhere(prim, args, **params):
    """The results of the lowering for a platform of another name."""
    avals = [ShapedArray(x.shape, x.dtype) for x in args]
    outs = prim.infer(*avals, **params)
    b = Builder("tpu")
    values = b.main([(x.shape, x.dtype) for x in args])
    b.avals_in, b.avals_out = avals, outs if prim.multiple_results else [outs]
    results = prim.lower(b, *values, **params)
    results = list(results) if prim.multiple_results else [results]
    handles = runtime.compile(b.module("test", results), small=True).call_numpy(list(args))
    return [np.asarray(runtime.to_numpy(h)) for h in handles]


def random(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def adjoint(x):
    return x.conj().swapaxes(-1, -2)


def near(got, expected, dtype, scale=1.0):
    tol = TOL[dtype] * scale
    np.testing.assert_allclose(got, expected, rtol=tol, atol=tol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 5, 5), (6, 4)])
def test_lu_and_qr(shape, dtype):
    x = random(shape, dtype)
    for got, expected in zip(elsewhere(lu_p, [x]), lu_p.host(x), strict=True):
        near(got, expected, dtype)
    for full in (True, False):
        q, r = elsewhere(qr_p, [x], full_matrices=full, pivoting=False, use_magma=None)
        near(q @ r, x, dtype)
        near(
            adjoint(q) @ q,
            np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], *[q.shape[-1]] * 2)),
            dtype,
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 3, 3), (4, 3)])
@pytest.mark.parametrize("full", [True, False])
def test_svd(shape, dtype, full):
    x = random(shape, dtype)
    x[..., 0] = x[..., 1]  # of deficient rank
    params = {"full_matrices": full, "compute_uv": True, "subset_by_index": None, "algorithm": None}
    s, u, vh = elsewhere(svd_p, [x], **params)
    k = s.shape[-1]
    near((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], x, dtype)
    for q in (adjoint(u) @ u, vh @ adjoint(vh)):
        near(q, np.broadcast_to(np.eye(q.shape[-1]), q.shape), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lower", [True, False])
def test_eigh(dtype, lower):
    x = random((2, 4, 4), dtype)
    read = np.tril(x, -1) if lower else adjoint(np.triu(x, 1))
    whole = read + adjoint(read) + np.eye(4) * np.diagonal(x, axis1=-1, axis2=-2).real[..., None, :]
    params = {"lower": lower, "sort_eigenvalues": True, "subset_by_index": None, "algorithm": None}
    v, w = elsewhere(eigh_p, [x], **params)
    near(w, np.linalg.eigvalsh(whole), dtype, 10)
    near(whole @ v, v * w[..., None, :], dtype, 10)
    near(adjoint(v) @ v, np.broadcast_to(np.eye(4), x.shape), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_solutions(dtype):
    x = random((2, 4, 4), dtype)
    z = x @ adjoint(x) + np.eye(4, dtype=dtype)
    near(elsewhere(cholesky_p, [z])[0], cholesky_p.host(z), dtype)
    for transpose, conjugate in ((False, False), (True, False), (True, True), (False, True)):
        params = {
            "left_side": True,
            "lower": True,
            "unit_diagonal": False,
            "transpose_a": transpose,
        }
        params["conjugate_a"] = conjugate and np.dtype(dtype).kind == "c"
        near(
            elsewhere(triangular_solve_p, [z, x], **params)[0],
            triangular_solve_p.host(z, x, **params),
            dtype,
        )
    dl, d, du = x[:, 1], x[:, 0] + 4, x[:, 2]
    dense = [np.diag(d[i]) + np.diag(dl[i, 1:], -1) + np.diag(du[i, :-1], 1) for i in range(2)]
    got = elsewhere(tridiagonal_solve_p, [dl, d, du, x], perturb_singular=False)[0]
    near(np.stack(dense) @ got, x, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
def test_ormqr(dtype, left, transpose):
    a, taus = random((5, 3), dtype) * 0.3, random((3,), dtype, 1)
    c = random((5, 2) if left else (2, 5), dtype, 2)
    params = {"left": left, "transpose": transpose}
    near(
        elsewhere(ormqr_p, [a, taus, c], **params)[0], ormqr_p.host(a, taus, c, **params), dtype, 10
    )
