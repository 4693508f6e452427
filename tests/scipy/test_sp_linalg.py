"""scipy.linalg: special matrices, factorisations, systems and functions of matrices, against SciPy."""

import checks
import numpy as np
import pytest
import scipy.linalg as sl

import numax
from numax.scipy import linalg as la


def make(shape, dtype="float32", seed=0):
    rng = np.random.default_rng([seed, *shape])
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def positive(n, dtype="float32", seed=0):
    x = make((n, n), dtype, seed)
    return (x @ x.conj().T + n * np.eye(n)).astype(dtype)


def same(got, want, tol=3e-5):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=tol, atol=tol * max(1, np.abs(want).max(initial=0)))


V, W = np.array([1.0, 4, 2, 5]), np.array([7.0, 3, 9])
MATRICES = [
    ("block_diag", (np.ones((2, 3)), V, 5.0)),
    ("toeplitz", (V,)),
    ("toeplitz", (V, W)),
    ("toeplitz", (V + 1j,)),
    ("hankel", (V,)),
    ("hankel", (V, W)),
    ("circulant", (V,)),
    ("companion", (V,)),
    ("fiedler", (V,)),
    ("fiedler_companion", (V,)),
    ("fiedler_companion", (np.arange(1.0, 8),)),
    ("fiedler_companion", (V[:2],)),
    *[("convolution_matrix", (V, n, m)) for n in (3, 6) for m in ("full", "same", "valid")],
    *[("dft", (5, scale)) for scale in (None, "sqrtn", "n")],
    ("hadamard", (8,)),
    ("helmert", (4,)),
    ("helmert", (4, True)),
    ("hilbert", (4,)),
    ("invhilbert", (4,)),
    *[
        (name, (5, kind))
        for name in ("pascal", "invpascal")
        for kind in ("symmetric", "lower", "upper")
    ],
    ("leslie", (V, W)),
]


@pytest.mark.parametrize("row", MATRICES, ids=lambda row: row[0])
def test_special_matrices(row):
    name, args = row
    same(getattr(la, name)(*args), getattr(sl, name)(*args), 1e-6)


def test_special_matrices_over_batches():
    c = make((2, 4))
    same(la.toeplitz(c), np.stack([sl.toeplitz(row) for row in c]))
    same(la.circulant(c), np.stack([sl.circulant(row) for row in c]))
    checks.check_derivatives(lambda c, r: la.toeplitz(c, r), [V, W])


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_cholesky_and_lu(dtype):
    a, b, v = positive(4, dtype), make((4, 2), dtype), make((4,), dtype)
    for lower in (False, True):
        same(la.cholesky(a, lower), sl.cholesky(a, lower))
        same(la.cho_solve(la.cho_factor(a, lower), b), np.linalg.solve(a, b))
        same(la.cho_solve(la.cho_factor(a, lower), v), np.linalg.solve(a, v))
    x = make((4, 4), dtype)
    factors, pivots = la.lu_factor(x)
    same(factors, sl.lu_factor(x)[0])
    np.testing.assert_array_equal(np.asarray(pivots), sl.lu_factor(x)[1])
    for trans, op in ((0, x), (1, x.T), (2, x.conj().T)):
        same(la.lu_solve((factors, pivots), b, trans), np.linalg.solve(op, b), 2e-4)
        same(
            numax.jit(lambda b, t=trans: la.lu_solve((factors, pivots), b, t))(v),
            np.linalg.solve(op, v),
            2e-4,
        )
    for shape in ((4, 4), (5, 3), (3, 5)):
        y = make(shape, dtype)
        for got, want in zip(la.lu(y), sl.lu(y), strict=True):
            same(got, want)
        for got, want in zip(la.lu(y, permute_l=True), sl.lu(y, permute_l=True), strict=True):
            same(got, want)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_systems(dtype):
    x, b = make((4, 4), dtype) + 3 * np.eye(4, dtype=dtype), make((4, 2), dtype)
    same(la.solve(x, b), sl.solve(x, b))
    same(la.solve(positive(4, dtype), b, assume_a="pos"), sl.solve(positive(4, dtype), b))
    same(la.inv(x), sl.inv(x))
    same(la.det(x), sl.det(x), 1e-4)
    for lower in (False, True):
        for trans in (0, 1, 2, "N", "T", "C"):
            for unit in (False, True):
                args = {"trans": trans, "lower": lower, "unit_diagonal": unit}
                same(la.solve_triangular(x, b, **args), sl.solve_triangular(x, b, **args), 2e-4)
    if dtype == "float32":
        checks.check_derivatives(
            lambda a, b: la.solve(a, b, assume_a="pos"), [positive(3), make((3,))], order=1
        )


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_orthogonal_factors(dtype):
    x = make((5, 3), dtype)
    for mode in ("full", "economic"):
        for got, want in zip(la.qr(x, mode=mode), sl.qr(x, mode=mode), strict=True):
            same(got, want)
    q, r, p = (np.asarray(v) for v in la.qr(x, mode="economic", pivoting=True))
    same(q @ r, x[:, p])
    same(la.qr(x, mode="r")[0], sl.qr(x, mode="r")[0])
    for mode, c in (
        ("right", make((2, 5), dtype)),
        ("left", make((3, 2), dtype)),
        ("right", make((5,), dtype)),
    ):
        for got, want in zip(la.qr_multiply(x, c, mode), sl.qr_multiply(x, c, mode), strict=True):
            same(got, want)
    u, s, vh = la.svd(x, full_matrices=False)
    same(s, sl.svdvals(x))
    same((np.asarray(u) * np.asarray(s)) @ np.asarray(vh), x)
    for side in ("right", "left"):
        for y in (x, x.T):
            for got, want in zip(la.polar(y, side), sl.polar(y, side), strict=True):
                same(got, want, 1e-4)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_eigenvalues(dtype):
    a, b = positive(4, dtype), positive(4, dtype, 1)
    same(la.eigh(a, eigvals_only=True), sl.eigvalsh(a))
    for kind in (1, 2, 3):
        w, v = la.eigh(a, b, type=kind)
        same(w, sl.eigh(a, b, type=kind, eigvals_only=True), 1e-4)
        w, v = np.asarray(w), np.asarray(v)
        left = {1: a @ v, 2: a @ b @ v, 3: b @ a @ v}[kind]
        right = b @ v * w if kind == 1 else v * w
        same(left, right, 2e-4)
    lower = np.tril(a)
    same(la.eigh(lower, lower=True, eigvals_only=True), sl.eigvalsh(a))


def test_eigh_tridiagonal():
    d, e = make((5,)), make((4,))
    w, v = sl.eigh_tridiagonal(d, e)
    same(la.eigh_tridiagonal(d, e, eigvals_only=True), w)
    same(np.abs(np.asarray(la.eigh_tridiagonal(d, e)[1])), np.abs(v), 1e-4)
    kept = la.eigh_tridiagonal(d, e, eigvals_only=True, select="i", select_range=(1, 3))
    same(kept, w[1:4])
    kept = la.eigh_tridiagonal(
        d, e, eigvals_only=True, select="v", select_range=(w[1] + 1e-3, w[4] + 1)
    )
    same(kept, w[2:])


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_schur_and_hessenberg(dtype):
    x = make((5, 5), dtype)
    for output in ("real", "complex"):
        t, z = (np.asarray(v) for v in la.schur(x, output))
        same(z @ t @ z.conj().T, x, 1e-4)
        if output == "complex":
            same(np.tril(t, -1), np.zeros((5, 5)), 1e-5)
    t, z = (np.asarray(v) for v in la.rsf2csf(*la.schur(x, "real")))
    same(z @ t @ z.conj().T, x, 1e-4)
    h, q = (np.asarray(v) for v in la.hessenberg(x, calc_q=True))
    same(q @ h @ q.conj().T, x, 1e-4)
    assert (np.tril(h, -2) == 0).all()
    same(la.hessenberg(x), h)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 8.0])
def test_expm(dtype, scale):
    x = (make((2, 4, 4), dtype) * scale).astype(dtype)
    want = sl.expm(x.astype(np.complex128))
    want = want if dtype == "complex64" else want.real
    same(la.expm(x), want, 2e-4)
    same(numax.jit(la.expm)(x), want, 2e-4)
    upper = np.triu(x[0])
    want = sl.expm(upper.astype(np.complex128 if dtype == "complex64" else np.float64))
    same(la.expm(upper, upper_triangular=True), want, 2e-4)


def test_expm_in_double_precision_and_its_derivative():
    x, e = make((3, 3), "float64"), make((3, 3), "float64", 1)
    with numax.enable_x64(True):
        np.testing.assert_allclose(np.asarray(la.expm(3 * x)), sl.expm(3 * x), rtol=1e-11)
        for got, want in zip(la.expm_frechet(x, e), sl.expm_frechet(x, e), strict=True):
            np.testing.assert_allclose(np.asarray(got), want, rtol=1e-11, atol=1e-11)
        tangent = numax.jvp(la.expm, (x,), (e,))[1]
        np.testing.assert_allclose(np.asarray(tangent), sl.expm_frechet(x, e)[1], rtol=1e-10)
    checks.check_derivatives(la.expm, [x], order=1)
    assert np.isnan(np.asarray(la.expm(np.eye(2, dtype=np.float32) * 1e9))).all()


def test_functions_of_matrices():
    x = positive(4)
    same(la.sqrtm(x), sl.sqrtm(x), 1e-4)
    y = make((4, 4))
    root = np.asarray(la.sqrtm(y))
    same(root @ root, y, 2e-4)
    same(la.funm(x / 5, numax.numpy.exp), sl.expm(x / 5), 2e-4)
    _, error = la.funm(x / 5, numax.numpy.exp, disp=False)
    assert 0 <= float(np.asarray(error)) <= 1


@pytest.mark.parametrize("method", ["schur", "eigen"])
def test_solve_sylvester(method):
    for dtype in ("float32", "complex64"):
        a, b, c = make((4, 4), dtype), make((3, 3), dtype), make((4, 3), dtype)
        x = np.asarray(la.solve_sylvester(a, b, c, method=method))
        assert x.dtype == dtype
        same(a @ x + x @ b, c, 5e-4)


BAD = [
    (lambda: la.dft(3, "x"), ValueError, "scale must be"),
    (lambda: la.hadamard(3), ValueError, "power of 2"),
    (lambda: la.pascal(3, "x"), ValueError, "kind must be"),
    (lambda: la.leslie(V, V), ValueError, "one number more"),
    (lambda: la.lu_solve((np.eye(2), np.arange(2)), np.ones(2), 3), ValueError, "'trans' value"),
    (lambda: la.solve(np.eye(2), np.ones(2), assume_a="x"), ValueError, "assume_a"),
    (lambda: la.solve_triangular(np.eye(2), np.ones(3)), ValueError, "incompatible shapes"),
    (lambda: la.qr(np.eye(2), mode="x"), ValueError, "Unsupported QR"),
    (lambda: la.polar(np.eye(2), "x"), ValueError, "side must be"),
    (lambda: la.schur(np.eye(2), "x"), ValueError, "'output'"),
    (lambda: la.sqrtm(np.eye(2), 2), NotImplementedError, "blocked"),
    (lambda: la.solve_sylvester(np.eye(2), np.eye(3), np.eye(2)), ValueError, "A's rows"),
    (lambda: la.eigh(np.eye(2), type=4), ValueError, "type must be"),
    (lambda: la.block_diag(np.ones((2, 2, 2))), ValueError, "at most 2 dimensions"),
    (lambda: la.expm(np.ones((2, 3))), ValueError, "n, n"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
