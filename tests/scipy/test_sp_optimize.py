"""scipy.optimize.minimize on functions with known minima; under jit; its errors."""

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax.scipy.optimize import minimize

LBFGS = "l-bfgs-experimental-do-not-rely-on-this"


def rosenbrock(x):
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def himmelblau(p):
    x, y = p
    return (x**2 + y - 11.0) ** 2 + (x + y**2 - 7.0) ** 2


def eggholder(p):
    x, y = p
    return -(y + 47) * jnp.sin(jnp.sqrt(jnp.abs(x / 2 + y + 47))) - x * jnp.sin(
        jnp.sqrt(jnp.abs(x - y - 47))
    )


@pytest.mark.parametrize("method", ["BFGS", LBFGS])
@pytest.mark.parametrize("n", [2, 6])
def test_rosenbrock(method, n):
    with numax.enable_x64(True):
        found = minimize(rosenbrock, np.zeros(n), method=method)
        assert bool(np.asarray(found.success))
        assert int(np.asarray(found.status)) == 0
        np.testing.assert_allclose(np.asarray(found.x), np.ones(n), atol=1e-5)
        assert float(np.asarray(jnp.linalg.norm(found.jac, np.inf))) < 1e-5


def test_inverse_hessian():
    a = np.array([[3.0, 1, 0], [1, 2, 0.5], [0, 0.5, 1]])
    with numax.enable_x64(True):
        found = minimize(
            lambda x: 0.5 * x @ a @ x - jnp.sum(x), np.zeros(3), method="BFGS", tol=1e-9
        )
        np.testing.assert_allclose(np.asarray(found.x), np.linalg.solve(a, np.ones(3)), atol=1e-8)
        np.testing.assert_allclose(
            np.asarray(found.hess_inv), np.linalg.inv(a), rtol=0.05, atol=0.05
        )


def test_single_precision_under_jit_with_arguments():
    def solve(shift):
        start = jnp.full(2, -1.0) + shift
        return minimize(lambda x, s: rosenbrock(x - s), start, (shift,), method="bfgs").x

    np.testing.assert_allclose(np.asarray(numax.jit(solve)(0.5)), [1.5, 1.5], atol=2e-3)
    several = numax.vmap(solve)(jnp.array([0.0, 0.5]))
    np.testing.assert_allclose(np.asarray(several), [[1, 1], [1.5, 1.5]], atol=2e-3)


def test_several_minima():
    found = minimize(himmelblau, np.zeros(2), method="BFGS")
    np.testing.assert_allclose(np.asarray(found.x), [3, 2], atol=1e-4)


def test_limits():
    found = minimize(rosenbrock, np.zeros(4), method="BFGS", options={"maxiter": 3})
    assert int(np.asarray(found.nit)) == 3
    assert int(np.asarray(found.status)) == 1
    assert not bool(np.asarray(found.success))
    nowhere = minimize(lambda x: jnp.sum(x) * np.nan, np.ones(2), method="BFGS")
    assert not bool(np.asarray(nowhere.success))
    already = minimize(lambda x: jnp.sum(x**2), np.zeros(2), method="BFGS")
    assert int(np.asarray(already.nit)) == 0
    assert bool(np.asarray(already.success))
    rough = minimize(eggholder, np.array([100.0, 100.0]), method="BFGS")
    assert float(np.asarray(rough.fun)) < float(np.asarray(eggholder(np.array([100.0, 100.0]))))


BAD = [
    (lambda: minimize(rosenbrock, np.zeros(2), method="newton"), ValueError, "not recognized"),
    (lambda: minimize(rosenbrock, np.zeros(2), [1], method="BFGS"), TypeError, "must be a tuple"),
    (lambda: minimize(rosenbrock, np.zeros((2, 2)), method="BFGS"), ValueError, "must be a vector"),
    (lambda: minimize(lambda x: x, np.zeros(2), method="BFGS"), ValueError, "must give a number"),
    (
        lambda: minimize(rosenbrock, np.zeros(2), method="BFGS", options={"a": 1}),
        TypeError,
        "unknown options",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
