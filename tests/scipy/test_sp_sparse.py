"""scipy.sparse.linalg: solutions, preconditioners, pytrees, gradients, errors."""

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax.scipy.sparse.linalg import bicgstab, cg, gmres

pytestmark = pytest.mark.slow

SOLVERS = [cg, bicgstab, gmres]


def system(n=8, symmetric=True, dtype="float64"):
    rng = np.random.default_rng(n)
    a = rng.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.standard_normal((n, n))
    a = a @ a.conj().T + n * np.eye(n) if symmetric else a + 3 * n * np.eye(n)
    return a.astype(dtype), rng.standard_normal(n).astype(dtype)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_solutions(solver, dtype):
    with numax.enable_x64(True):
        a, b = system(symmetric=solver is cg, dtype=dtype)
        want = np.linalg.solve(a, b)
        inverse = np.diag(1 / np.diag(a))
        for options in ({}, {"M": inverse}, {"x0": np.ones_like(b)}, {"M": lambda x: inverse @ x}):
            x, info = solver(a, b, tol=1e-10, **options)
            assert info is None
            np.testing.assert_allclose(np.asarray(x), want, rtol=1e-7, atol=1e-8)
        x, _ = numax.jit(lambda a, b: solver(lambda v: a @ v, b, tol=1e-10))(a, b)
        np.testing.assert_allclose(np.asarray(x), want, rtol=1e-7, atol=1e-8)
        stopped, _ = solver(a, b, maxiter=0)
        assert (np.asarray(stopped) == 0).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients(solver):
    a, b = system(5, symmetric=solver is cg)

    def by_iteration(a, b):
        return jnp.sum(jnp.sin(solver(lambda v: a @ v, b, tol=1e-12)[0]))

    def direct(a, b):
        return jnp.sum(jnp.sin(jnp.linalg.solve(a, b)))

    with numax.enable_x64(True):
        for i in (0, 1):
            got = np.asarray(numax.grad(by_iteration, i)(a, b))
            np.testing.assert_allclose(
                got, np.asarray(numax.grad(direct, i)(a, b)), rtol=1e-6, atol=1e-9
            )


@pytest.mark.parametrize("solver", SOLVERS)
def test_pytrees(solver):
    with numax.enable_x64(True):
        b = {"x": np.arange(3.0), "y": np.ones((2, 2))}
        got, _ = solver(lambda t: {"x": 2 * t["x"], "y": 4 * t["y"]}, b, tol=1e-12)
        np.testing.assert_allclose(np.asarray(got["x"]), np.arange(3) / 2)
        np.testing.assert_allclose(np.asarray(got["y"]), np.full((2, 2), 0.25))


def test_restarts_and_single_precision():
    a, b = system(30, symmetric=False)
    want = np.linalg.solve(a, b)
    x, _ = gmres(a.astype(np.float32), b.astype(np.float32), restart=5, solve_method="incremental")
    assert x.dtype == np.float32
    np.testing.assert_allclose(np.asarray(x), want, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_errors(solver):
    with pytest.raises(ValueError, match="square matrix or a function"):
        solver(np.ones((2, 3)), np.ones(3))
    with pytest.raises(ValueError, match="matching tree structure"):
        solver(np.eye(3), np.ones(3), x0=np.ones(4))
    with pytest.raises(ValueError, match="solve_method"):
        gmres(np.eye(3), np.ones(3), solve_method="x")
