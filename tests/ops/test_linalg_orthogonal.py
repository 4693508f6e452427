"""qr, householder_product, ormqr, hessenberg, tridiagonal."""

import numpy as np
import pytest
import scipy.linalg
from ops_rules import arrays, check_batching, check_derivatives, compiled, run

from numax._engine.core.config import enable_x64
from numax._engine.ops.linalg_orthogonal import (
    hessenberg,
    householder_product,
    ormqr,
    qr,
    tridiagonal,
)

KINDS = ["float32", "complex128"]
TOL = {"float32": 2e-5, "complex64": 2e-5, "float64": 1e-12, "complex128": 1e-12}


def random(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def adjoint(x):
    return x.conj().swapaxes(-1, -2)


def near(got, expected, dtype):
    tol = TOL[np.dtype(dtype).name]
    np.testing.assert_allclose(got, expected, rtol=100 * tol, atol=10 * tol)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(2, 4, 4), (5, 3), (3, 5), (0, 3), (3, 0)])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("pivoting", [True, False])
def test_qr(shape, dtype, full, pivoting):
    x = random(shape, dtype)

    def fun(v):
        return qr(v, full_matrices=full, pivoting=pivoting)

    with enable_x64(True):
        eager, jit = run(fun, [x]), compiled(fun, [x])
    for q, r, *p in (eager, jit):
        source = np.take_along_axis(x, p[0][..., None, :], -1) if p else x
        near(q @ r, source, dtype)
        near(
            adjoint(q) @ q,
            np.broadcast_to(np.eye(q.shape[-1]), adjoint(q).shape[:-1] + q.shape[-1:]),
            dtype,
        )
        assert not np.tril(r, -1).any()
        assert q.dtype == r.dtype == x.dtype
    for a, b in zip(eager, jit, strict=True):
        near(a, b, dtype)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shape", [(2, 3, 3), (4, 2), (2, 4)])
def test_rules_of_qr(shape, dtype):
    x = random(shape, dtype)

    def thin(v):
        return qr(v, full_matrices=False)

    def pivoted(v):
        return qr(v, full_matrices=False, pivoting=True)

    check_derivatives(thin, [x], order=2 if shape == (4, 2) else 1)
    check_derivatives(pivoted, [x], order=1)
    with enable_x64(True):
        check_batching(thin, [x], 1e-9, 1e-9)
        check_batching(pivoted, [x], 1e-9, 1e-9)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shape", [(2, 3, 3), (4, 2), (2, 4)])
def test_derivatives_of_the_complete_qr(shape, dtype):
    check_derivatives(lambda v: qr(v), [random(shape, dtype)], order=1)


def reflections(shape, dtype):
    """`a` and `taus` as LAPACK makes them."""
    x = random(shape, dtype)
    (a, tau), _ = scipy.linalg.qr(x, mode="raw")
    return np.ascontiguousarray(a[:, : min(shape)]), tau


@pytest.mark.parametrize("dtype", KINDS)
def test_householder_product(dtype):
    a, taus = reflections((5, 3), dtype)
    expected = scipy.linalg.qr(random((5, 3), dtype), mode="economic")[0]
    with enable_x64(True):
        for how in (run, compiled):
            near(how(householder_product, [a, taus])[0], expected, dtype)
            near(
                how(householder_product, [a, taus[:1]])[0],
                run(householder_product, [a, taus[:1]])[0],
                dtype,
            )
        check_batching(householder_product, [a, taus], 1e-3, 1e-4)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
def test_ormqr(dtype, left, transpose):
    a, taus = reflections((5, 3), dtype)
    q = scipy.linalg.qr(random((5, 3), dtype))[0]
    q = adjoint(q) if transpose else q
    c = random((5, 2) if left else (2, 5), dtype, 1)

    def fun(*v):
        return ormqr(*v, left=left, transpose=transpose)

    with enable_x64(True):
        for how in (run, compiled):
            near(how(fun, [a, taus, c])[0], q @ c if left else c @ q, dtype)
        check_batching(fun, [a, taus, c], 1e-3, 1e-4)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("n", [0, 1, 3, 5])
def test_hessenberg(dtype, n):
    x = random((2, n, n), dtype)
    with enable_x64(True):
        form, taus = run(hessenberg, [x])
    assert taus.shape == (2, max(n - 1, 0))
    for i in range(2 if n else 0):
        near(np.triu(form[i], -1), scipy.linalg.hessenberg(x[i]), dtype)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_tridiagonal_has_the_same_eigenvalues(dtype, lower, n):
    x = random((2, n, n), dtype)
    x = x + adjoint(x)
    with enable_x64(True):
        _, d, e, taus = run(lambda v: tridiagonal(v, lower=lower), [x])
    assert d.dtype == e.dtype == x.real.dtype and taus.dtype == x.dtype
    for i in range(2 if n else 0):
        got = scipy.linalg.eigvalsh_tridiagonal(d[i], e[i])
        near(got, np.linalg.eigvalsh(x[i]), dtype)


@pytest.mark.parametrize(
    ("fun", "shapes", "message"),
    [
        (householder_product, [(2, 3), (2,)], "as many rows as columns"),
        (householder_product, [(3, 2), (3,)], "at most its number of columns"),
        (ormqr, [(3, 2), (2,), (4, 2)], "as many rows as a has rows"),
        (hessenberg, [(3, 2)], "must be square"),
        (tridiagonal, [(3, 2)], "must be square"),
        (qr, [(3,)], "must be a matrix"),
    ],
)
def test_errors(fun, shapes, message):
    with pytest.raises(ValueError, match=message):
        fun(*arrays([np.ones(s, "f") for s in shapes]))
