"""triangular_solve, cholesky, lu, tridiagonal_solve."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from ops_rules import arrays, check_batching, check_derivatives, compiled, run

from numax._engine.core.config import enable_x64
from numax._engine.ops.linalg_lu import lu, lu_pivots_to_permutation, solve_by_lu
from numax._engine.ops.linalg_solve import cholesky, triangular_solve
from numax._engine.ops.linalg_tridiagonal import tridiagonal_solve

KINDS = ["float32", "float64", "complex64", "complex128"]
TOL = {"float32": 2e-4, "complex64": 2e-4, "float64": 1e-10, "complex128": 1e-10}


def random(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def adjoint(x):
    return x.conj().swapaxes(-1, -2)


def positive(shape, dtype="float64", seed=0):
    x = random(shape, dtype, seed)
    return x @ adjoint(x) + np.eye(shape[-1], dtype=dtype)


def near(got, expected, dtype):
    tol = TOL[np.dtype(dtype).name]
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=tol, atol=tol)


FLAGS = list(itertools.product([False, True], repeat=5))
NAMES = ("left_side", "lower", "transpose_a", "conjugate_a", "unit_diagonal")


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_triangular_solve(flags, dtype):
    options = dict(zip(NAMES, flags, strict=True))
    a = random((2, 5, 5), dtype) + 4 * np.eye(5, dtype=dtype)
    b = random((2, 5, 3) if options["left_side"] else (2, 3, 5), dtype, 1)
    read = np.tril(a) if options["lower"] else np.triu(a)
    if options["unit_diagonal"]:
        read = read - read * np.eye(5) + np.eye(5)
    read = (read.conj() if options["conjugate_a"] else read).astype(dtype)
    read = read.swapaxes(-1, -2) if options["transpose_a"] else read
    with enable_x64(True):
        for how in (run, compiled):
            x = how(lambda u, v: triangular_solve(u, v, **options), [a, b])[0]
            near(read @ x if options["left_side"] else x @ read, b, dtype)


@pytest.mark.parametrize("n", [0, 1, 47, 48, 49, 130])
def test_triangular_solve_of_all_sizes(n):
    a, b = random((n, n)) / max(n, 1) + np.eye(n), random((n, 2), seed=1)
    with enable_x64(True):
        x = run(lambda u, v: triangular_solve(u, v, left_side=True, lower=True), [a, b])[0]
    np.testing.assert_allclose(np.tril(a) @ x, b, atol=1e-9)


def test_triangular_solve_of_singular_matrices_divides_by_zero():
    a, b = np.array([[0.0, 9], [1, 1]], "f"), np.ones((2, 1), "f")
    for how in (run, compiled):
        x = how(lambda u, v: triangular_solve(u, v, left_side=True, lower=True), [a, b])[0]
        np.testing.assert_array_equal(x, [[np.inf], [-np.inf]])


def test_triangular_solve_of_a_vector():
    a, b = random((3, 3), "float32") + 3 * np.eye(3, dtype="f"), random((3,), "float32", 1)
    x = run(lambda u, v: triangular_solve(u, v, left_side=True), [a, b])[0]
    near(np.triu(a) @ x, b, "float32")
    x = run(lambda u, v: triangular_solve(u, v, left_side=False), [a, b])[0]
    near(x @ np.triu(a), b, "float32")


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("flags", FLAGS[::3])
def test_rules_of_triangular_solve(flags, dtype):
    options = dict(zip(NAMES, flags, strict=True))
    a = random((2, 3, 3), dtype) + 3 * np.eye(3)
    b = random((2, 3, 2) if options["left_side"] else (2, 2, 3), dtype, 1)

    def fun(u, v):
        return triangular_solve(u, v, **options)

    check_derivatives(fun, [a, b], order=2 if flags == FLAGS[3] else 1)
    with enable_x64(True):
        check_batching(fun, [a, b], 1e-9, 1e-9)
        check_batching(fun, [a[0], b[0]], 1e-9, 1e-9)


@pytest.mark.parametrize("dtype", KINDS)
def test_cholesky(dtype):
    x = positive((2, 4, 4), dtype)
    with enable_x64(True):
        for how in (run, compiled):
            root = how(cholesky, [x])[0]
            near(root @ adjoint(root), x, dtype)
            assert not np.triu(root, 1).any()


def test_cholesky_of_an_indefinite_matrix_is_nan_alone():
    x = np.stack([np.array([[1.0, 2], [2, 1]]), np.eye(2)]).astype("f")
    for how in (run, compiled):
        got = how(cholesky, [x])[0]
        np.testing.assert_array_equal(got, [[[np.nan, 0], [np.nan, np.nan]], np.eye(2)])


def test_cholesky_reads_the_lower_triangle_unless_symmetrised():
    x = np.array([[4, 9], [2, 5]], "f")
    for how in (run, compiled):
        near(
            how(lambda v: cholesky(v, symmetrize_input=False), [x])[0],
            np.array([[2, 0], [1, 2]], "f"),
            "float32",
        )


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_rules_of_cholesky(dtype):
    x = positive((2, 3, 3), dtype)
    check_derivatives(cholesky, [x])
    with enable_x64(True):
        check_batching(lambda v: cholesky(v), [x], 1e-9, 1e-9)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize(
    "shape", [(2, 4, 4), (2, 5, 3), (3, 5), (100, 70), (70, 100), (0, 3), (3, 0), (1, 1)]
)
def test_lu(shape, dtype):
    x = random(shape, dtype)
    m, n = shape[-2:]
    k = min(m, n)
    with enable_x64(True):
        results = [how(lu, [x]) for how in (run, compiled)]
    for factors, pivots, permutation in results:
        assert pivots.dtype == permutation.dtype == np.int32
        left = np.tril(factors[..., :k], -1) + np.eye(m, k, dtype=dtype)
        right = np.triu(factors[..., :k, :])
        near(left @ right, np.take_along_axis(x, permutation[..., None], -2), dtype)
        assert np.abs(left).max(initial=0) <= (1 + 1e-6) * np.sqrt(2)
    for a, b in zip(results[0][1:], results[1][1:], strict=True):
        np.testing.assert_array_equal(a, b)


def test_lu_of_a_singular_matrix():
    for how in (run, compiled):
        factors, pivots, permutation = how(lu, [np.zeros((2, 2), "f")])
        assert not factors.any()
        np.testing.assert_array_equal(pivots, [0, 1])
        np.testing.assert_array_equal(permutation, [0, 1])


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shape", [(2, 3, 3), (4, 2), (2, 4)])
def test_rules_of_lu(shape, dtype):
    x = random(shape, dtype)
    check_derivatives(lu, [x], order=2 if shape == (4, 2) else 1)
    with enable_x64(True):
        check_batching(lu, [x], 1e-9, 1e-9)


def test_pivots_to_permutation():
    for how in (run, compiled):
        got = how(
            lambda p: lu_pivots_to_permutation(p, 4), [np.array([[2, 2, 2], [0, 1, 3]], np.int32)]
        )[0]
        np.testing.assert_array_equal(got, [[2, 0, 1, 3], [0, 1, 3, 2]])


@pytest.mark.parametrize("dtype", KINDS)
def test_tridiagonal_solve(dtype):
    n = 5
    dl, d, du = (random((2, n), dtype, i) + (4 if i == 1 else 0) for i in range(3))
    b = random((2, n, 3), dtype, 3)
    dense = np.stack(
        [np.diag(d[i]) + np.diag(dl[i, 1:], -1) + np.diag(du[i, :-1], 1) for i in range(2)]
    )
    with enable_x64(True):
        for how in (run, compiled):
            x = how(tridiagonal_solve, [v.astype(dtype) for v in (dl, d, du, b)])[0]
            near(dense.astype(dtype) @ x, b, dtype)


def test_tridiagonal_solve_of_singular_systems():
    zero, b = np.zeros(2, "f"), np.ones((2, 1), "f")
    assert np.isnan(run(tridiagonal_solve, [zero, zero, zero, b])[0]).all()
    got = run(lambda *v: tridiagonal_solve(*v, perturb_singular=True), [zero, zero, zero, b])[0]
    assert np.isfinite(got).all()


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_rules_of_tridiagonal_solve(dtype):
    args = [random((4,), dtype, i) + (4 if i == 1 else 0) for i in range(3)] + [
        random((4, 2), dtype, 3)
    ]
    check_derivatives(tridiagonal_solve, args)
    with enable_x64(True):
        check_batching(tridiagonal_solve, args, 1e-9, 1e-9)


def test_solve_by_lu():
    a, b = random((2, 5, 5)), random((2, 5, 2), seed=1)
    with enable_x64(True):
        np.testing.assert_allclose(run(solve_by_lu, [a, b])[0], np.linalg.solve(a, b), atol=1e-10)


def test_scipy_agrees_on_pivots():
    x = random((30, 30), "float32")
    factors, pivots, _ = run(lu, [x])
    expected, chosen = scipy.linalg.lu_factor(x)
    np.testing.assert_array_equal(pivots, chosen)
    np.testing.assert_allclose(factors, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("fun", "shapes", "error", "message"),
    [
        (cholesky, [(2, 3)], ValueError, "must be square"),
        (cholesky, [(3,)], ValueError, "must be a matrix"),
        (
            lambda a, b: triangular_solve(a, b, left_side=True),
            [(2, 2), (3, 1)],
            ValueError,
            "shapes must fit",
        ),
        (
            lambda a, b: triangular_solve(a, b, left_side=True),
            [(2, 3), (2, 1)],
            ValueError,
            "must be square",
        ),
        (
            lambda a, b: triangular_solve(a, b, left_side=True),
            [(3, 2, 2), (3, 1)],
            ValueError,
            "shapes must fit",
        ),
        (lambda p: lu_pivots_to_permutation(p, 3), [(2,)], TypeError, "must be int32"),
        (
            lambda *v: tridiagonal_solve(*v),
            [(3,), (3,), (3,), (3,)],
            TypeError,
            "at least two axes",
        ),
        (lambda *v: tridiagonal_solve(*v), [(3,), (2,), (3,), (3, 1)], ValueError, "shape of b"),
    ],
)
def test_errors(fun, shapes, error, message):
    with pytest.raises(error, match=message):
        fun(*arrays([np.ones(s, "f") for s in shapes]))


def test_dtype_errors():
    half = arrays([np.ones((2, 2), np.float16)])[0]
    with pytest.raises(TypeError, match="float32, float64, complex64"):
        cholesky(half)
    with pytest.raises(TypeError, match="equal dtypes"):
        triangular_solve(*arrays([np.ones((2, 2), "f"), np.ones((2, 2), "c8")]))
    with pytest.raises(ValueError, match="at least the number"):
        lu_pivots_to_permutation(np.zeros(3, np.int32), 2)
