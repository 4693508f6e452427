import numpy as np
import pytest
from checks import check, check_derivatives, check_vmap

import numax
import numax.numpy as jnp
from numax._engine.control.linear_solve import custom_linear_solve, custom_root

A = np.array([[3.0, 1.0], [0.5, 2.0]])
B = np.array([1.0, -2.0])


def inverse(matvec, b):
    """Solves by building the 2 x 2 matrix."""
    columns = [matvec(jnp.asarray(e, b.dtype)) for e in np.eye(2)]
    a, c = columns[0]
    d, e = columns[1]
    det = a * e - d * c
    return jnp.stack([(e * b[0] - d * b[1]) / det, (a * b[1] - c * b[0]) / det])


def solve(a, b):
    return custom_linear_solve(lambda x: a @ x, b, inverse, transpose_solve=inverse)


def test_solution_and_derivatives():
    np.testing.assert_allclose(
        solve(A.astype(np.float32), B.astype(np.float32)), np.linalg.solve(A, B), rtol=1e-5
    )
    check_derivatives(solve, (A, B))
    check_derivatives(numax.jit(solve), (A, B), order=1)
    check_vmap(solve, (A.astype(np.float32), B.astype(np.float32)), rtol=1e-4)


def test_solve_itself_is_not_differentiated():
    def rough(matvec, b):
        return numax.lax.stop_gradient(inverse(matvec, b))

    def f(b):
        return custom_linear_solve(lambda x: A @ x, b, rough, transpose_solve=rough)

    check_derivatives(f, (B,), order=1)


def test_transpose_solve_is_needed_for_reverse_mode():
    def f(b):
        return custom_linear_solve(lambda x: A @ x, b, inverse).sum()

    numax.jvp(f, (jnp.asarray(B),), (jnp.asarray(B),))
    with pytest.raises(TypeError, match="transpose_solve"):
        numax.grad(f)(jnp.asarray(B))


def test_custom_root_differentiates_implicitly():
    def newton(f, x):
        for _ in range(30):
            value, slope = numax.jvp(f, (x,), (jnp.ones_like(x),))
            x = x - value / slope
        return x

    def cube_root(a):
        return custom_root(
            lambda x: x**3 - a, jnp.ones_like(jnp.asarray(a)), newton, lambda g, y: y / g(1.0)
        )

    np.testing.assert_allclose(cube_root(8.0), 2.0, rtol=1e-6)
    check(cube_root, 8.0, order=2)
