"""symmetric_product, cholesky_update, qdwh."""

import numpy as np
import pytest
import scipy.linalg
from ops_rules import arrays, check_batching, check_derivatives, compiled, run

from numax._engine.core.config import enable_x64
from numax._engine.ops.linalg_updates import cholesky_update, qdwh, symmetric_product


def random(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def test_symmetric_product():
    a, c = random((2, 3, 4)), random((2, 3, 3), seed=1)
    c = c + c.swapaxes(-1, -2)

    def fun(x, y):
        return symmetric_product(x, y, alpha=2.0, beta=0.5, symmetrize_output=True)

    with enable_x64(True):
        for how in (run, compiled):
            np.testing.assert_allclose(
                how(fun, [a, c])[0], 2 * a @ a.swapaxes(-1, -2) + 0.5 * c, atol=1e-12
            )
        check_batching(fun, [a, c], 1e-10, 1e-10)
    check_derivatives(fun, [a, c])


def test_cholesky_update():
    x, w = random((2, 4, 4)), random((2, 4), seed=1)
    a = x @ x.swapaxes(-1, -2) + np.eye(4)
    r = np.linalg.cholesky(a).swapaxes(-1, -2)
    expected = np.linalg.cholesky(a + w[:, :, None] * w[:, None, :]).swapaxes(-1, -2)
    with enable_x64(True):
        for how in (run, compiled):
            np.testing.assert_allclose(how(cholesky_update, [r, w])[0], expected, atol=1e-12)
        check_batching(cholesky_update, [r, w], 1e-10, 1e-10)
    check_derivatives(cholesky_update, [r, w])


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(4, 4), (6, 3)])
def test_qdwh(shape, dtype):
    x = random(shape, dtype)
    tol = 1e-5 if np.finfo(dtype).bits == 32 else 1e-12
    with enable_x64(True):
        u, h, count, converged = run(qdwh, [x])
        few = run(lambda a: qdwh(a, max_iterations=1), [x])
    expected_u, expected_h = scipy.linalg.polar(x)
    np.testing.assert_allclose(u, expected_u, atol=20 * tol)
    np.testing.assert_allclose(h, expected_h, atol=20 * tol)
    assert converged and 1 < count <= 10
    assert few[2] == 1 and not few[3]


def test_derivative_of_qdwh():
    check_derivatives(lambda a: qdwh(a)[:2], [random((3, 3)) + 2 * np.eye(3)], order=1)


@pytest.mark.parametrize(
    ("fun", "shapes", "message"),
    [
        (symmetric_product, [(2, 3), (3, 3)], "must be square, with a's rows"),
        (cholesky_update, [(2, 2), (3,)], "a vector of r's size"),
        (lambda x: qdwh(x), [(2, 3)], "at least as many rows"),
    ],
)
def test_errors(fun, shapes, message):
    with pytest.raises(ValueError, match=message):
        fun(*arrays([np.ones(s, "f") for s in shapes]))


def test_complex_updates_are_refused():
    with pytest.raises(TypeError, match="float32 or float64"):
        cholesky_update(*arrays([np.ones((2, 2), "c8"), np.ones(2, "c8")]))
