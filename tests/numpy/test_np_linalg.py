"""numpy.linalg against NumPy: values of batches, derivatives, singular matrices, formulas for small ones, errors."""

import warnings

import checks
import numpy as np
import pytest

import numax
from numax import lax
from numax.numpy import linalg as la


def make(shape, dtype="float32", seed=0):
    rng = np.random.default_rng([seed, *shape])
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def positive(n, batch=(), dtype="float32"):
    x = make((*batch, n, n), dtype)
    return (x @ x.conj().swapaxes(-1, -2) + n * np.eye(n)).astype(dtype)


def same(got, want, tol=2e-5):
    got = np.asarray(got)
    want = np.asarray(want)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=tol, atol=tol * max(1, np.abs(want).max(initial=0)))


def agree(fun, reference, *args, tol=2e-5):
    want = reference(
        *[a.astype(np.complex128 if a.dtype.kind == "c" else np.float64) for a in args]
    )
    for got in (fun(*args), fun(*[numax.device_put(a) for a in args]), numax.jit(fun)(*args)):
        assert np.asarray(got).dtype in (args[0].dtype, np.float32)
        same(got, want, tol)


DTYPES = ["float32", "complex64"]

# ---- norms ----

VECTOR = [None, 0, 1, 2, 3, 2.5, np.inf, -np.inf, -1]
MATRIX = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
def test_norms(dtype):
    x = make((3, 4, 5), dtype)
    for ord in VECTOR:
        for axis in (0, -1):
            agree(
                lambda x, o=ord, a=axis: la.norm(x, o, a),
                lambda x, o=ord, a=axis: np.linalg.norm(x, o, a),
                x,
            )
        if ord is not None:
            same(la.vector_norm(x, ord=ord, axis=1), np.linalg.vector_norm(x, ord=ord, axis=1))
            same(la.vector_norm(x, ord=ord), np.linalg.vector_norm(x, ord=ord))
    for ord in MATRIX:
        for axis in ((0, 1), (2, 0), (-1, -2)):
            agree(
                lambda x, o=ord, a=axis: la.norm(x, o, a),
                lambda x, o=ord, a=axis: np.linalg.norm(x, o, a),
                x,
            )
        kept = la.norm(x, ord, (2, 0), keepdims=True)
        same(kept, np.linalg.norm(x, ord, (2, 0), keepdims=True))
        if ord is not None:
            same(la.matrix_norm(x, ord=ord), np.linalg.matrix_norm(x, ord=ord))
    agree(la.norm, np.linalg.norm, x)
    same(la.norm(x, keepdims=True), np.linalg.norm(x, keepdims=True))


def test_norm_of_integers_and_its_derivative():
    assert la.norm(np.arange(3)).dtype == np.float32
    x = make((3, 4)).astype(np.float64)
    for ord in (None, 1, 2, "nuc", np.inf):
        checks.check_derivatives(lambda x, o=ord: la.norm(x, o), [x])
    checks.check_derivatives(lambda x: la.norm(x, 3, axis=0), [x])


# ---- determinants ----


@pytest.mark.parametrize("n", [1, 3, 4, 6])
@pytest.mark.parametrize("dtype", DTYPES)
def test_det_slogdet(n, dtype):
    x = make((2, n, n), dtype)
    agree(la.det, np.linalg.det, x, tol=1e-4)
    for method in (None, "qr"):
        sign, log = la.slogdet(x, method=method)
        want = np.linalg.slogdet(x.astype(np.complex128 if dtype == "complex64" else np.float64))
        same(sign, want.sign)
        same(log, want.logabsdet, 1e-4)
    if dtype == "float32":
        checks.check_derivatives(la.det, [x], order=2 if n < 5 else 1)
        checks.check_derivatives(lambda x: la.slogdet(x)[1], [x], order=1)


def test_det_of_singular_matrices():
    for diagonal in ([1.0, 2, 3, 0], [1.0, 0, 2, 3], [0.0, 1, 2, 3]):
        x = np.diag(diagonal).astype(np.float32)
        rest = np.prod([d for d in diagonal if d])
        gradient = np.asarray(numax.grad(la.det)(x))
        want = np.zeros((4, 4))
        hole = diagonal.index(0)
        want[hole, hole] = rest
        same(gradient, want)
    assert (np.asarray(numax.grad(la.det)(np.zeros((5, 5), np.float32))) == 0).all()
    same(numax.grad(la.det)(np.ones((3, 3), np.float32)), np.zeros((3, 3)))
    sign, log = la.slogdet(np.zeros((2, 2), np.float32))
    assert (float(np.asarray(sign)), float(np.asarray(log))) == (0, -np.inf)
    assert float(np.asarray(la.det(np.zeros((0, 0), np.float32)))) == 1


# ---- systems ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 3, 4, 5])
def test_inv_and_solve(n, dtype):
    for batch in ((), (2,), (5, 4)):
        a = make((*batch, n, n), dtype) + 2 * np.eye(n, dtype=dtype)
        agree(la.inv, np.linalg.inv, a, tol=2e-4)
        for shape in ((n,), (n, 2), (*batch, n, 3)):
            b = make(shape, dtype, 1)
            agree(la.solve, np.linalg.solve, a, b, tol=2e-4)
    a = make((n, n), dtype) + 2 * np.eye(n, dtype=dtype)
    agree(la.solve, np.linalg.solve, a, make((3, 2, n, 2), dtype), tol=2e-4)


def test_small_inverses_are_accurate():
    rng = np.random.default_rng(0)
    for n in (2, 3, 4):
        u, _, vh = np.linalg.svd(rng.standard_normal((64, n, n)))
        s = np.geomspace(1, 1e-3, n)
        for scale in (1e-18, 1.0, 1e18):
            a = ((u * s) @ vh * scale).astype(np.float32)
            want = np.linalg.inv(a.astype(np.float64))
            error = np.abs(np.asarray(la.inv(a)) - want).max((1, 2)) / np.abs(want).max((1, 2))
            assert error.max() < 2e-3  # the condition, 1e3, times a few eps


def test_inv_and_solve_derivatives():
    for n, batch in ((3, ()), (5, ()), (3, (16,))):
        a = (make((*batch, n, n)) / 3 + 2 * np.eye(n)).astype(np.float64)
        order = 1 if batch else 2
        checks.check_derivatives(la.inv, [a], order=order)
        checks.check_derivatives(la.solve, [a, make((*batch, n, 2), seed=1)], order=order)
    checks.check_vmap(la.solve, [make((3, 3)) + 3 * np.eye(3, dtype=np.float32), make((3,))])
    checks.check_vmap(la.inv, [make((3, 3)) + 3 * np.eye(3, dtype=np.float32)])


def test_singular_systems_give_no_error():
    zero = np.zeros((2, 2), np.float32)
    assert not np.isfinite(np.asarray(la.inv(zero))).any()
    assert not np.isfinite(np.asarray(la.inv(numax.device_put(zero)))).any()
    assert not np.isfinite(np.asarray(la.inv(np.zeros((20, 2, 2), np.float32)))).any()


def test_tensor_systems():
    a = make((2, 3, 6)) + np.eye(6, dtype=np.float32).reshape(2, 3, 6) * 3
    b = make((2, 3), seed=1)
    agree(la.tensorsolve, np.linalg.tensorsolve, a, b, tol=1e-4)
    moved = np.moveaxis(a, -1, 0)
    same(la.tensorsolve(moved, b, axes=(0,)), np.linalg.tensorsolve(moved, b, axes=(0,)), 1e-4)
    square = a.reshape(2, 3, 3, 2)
    agree(la.tensorinv, np.linalg.tensorinv, square, tol=1e-4)
    same(la.tensorinv(a.reshape(6, 6), ind=1), np.linalg.tensorinv(a.reshape(6, 6), ind=1), 1e-4)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5, 8])
def test_matrix_power(n):
    a = make((2, 3, 3)) / 2 + np.eye(3, dtype=np.float32)
    agree(lambda x: la.matrix_power(x, n), lambda x: np.linalg.matrix_power(x, n), a, tol=2e-4)
    whole = np.arange(4).reshape(2, 2)
    if n >= 0:
        power = la.matrix_power(whole, n)
        assert power.dtype == np.int32
        np.testing.assert_array_equal(np.asarray(power), np.linalg.matrix_power(whole, n))


# ---- factorisations ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3)])
def test_qr(shape, dtype):
    x = make(shape, dtype)
    for mode in ("reduced", "complete"):
        for q, r in (la.qr(x, mode), numax.jit(lambda x, m=mode: la.qr(x, m))(x)):
            want = np.linalg.qr(x, mode)
            same(q, want.Q)
            same(r, want.R)
    same(la.qr(x, "r"), np.linalg.qr(x, "r"))
    if dtype == "float32":
        for part, want in zip(la.qr(x, "raw"), np.linalg.qr(x, "raw"), strict=True):
            same(part, want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (2, 3, 5)])
def test_svd(shape, dtype):
    x = make(shape, dtype)
    for full in (True, False):
        u, s, vh = la.svd(x, full_matrices=full)
        k = min(shape[-2:])
        assert (u.shape, s.shape, vh.shape) == tuple(p.shape for p in np.linalg.svd(x, full))
        u, s, vh = (np.asarray(p) for p in (u, s, vh))
        same((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], x)
        same(
            u.conj().swapaxes(-1, -2) @ u,
            np.broadcast_to(np.eye(u.shape[-1]), (*shape[:-2], *[u.shape[-1]] * 2)),
        )
    agree(la.svdvals, lambda x: np.linalg.svd(x, compute_uv=False), x)
    agree(lambda x: la.svd(x, compute_uv=False), lambda x: np.linalg.svd(x, compute_uv=False), x)
    part = la.svd(x, full_matrices=False, subset_by_index=(0, 2))
    assert part.S.shape == (*shape[:-2], 2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_hermitian(dtype):
    x = make((2, 4, 4), dtype)
    x = x + x.conj().swapaxes(-1, -2)
    w, v = la.eigh(x)
    same(w, np.linalg.eigvalsh(x))
    v = np.asarray(v)
    same(x @ v, v * np.asarray(w)[..., None, :], 5e-5)
    agree(la.eigvalsh, np.linalg.eigvalsh, x)
    u, s, vh = (np.asarray(p) for p in la.svd(x, hermitian=True))
    same((u * s[..., None, :]) @ vh, x, 5e-5)
    assert (np.diff(s) <= 0).all()
    same(la.svd(x, hermitian=True, compute_uv=False), s)
    upper = np.triu(x)
    same(la.eigh(upper, UPLO="U", symmetrize_input=False).eigenvalues, np.linalg.eigvalsh(x))
    same(la.matrix_rank(x, hermitian=True), np.linalg.matrix_rank(x, hermitian=True))
    a = positive(4, (2,), dtype)
    agree(la.cholesky, np.linalg.cholesky, a)
    same(la.cholesky(a, upper=True), np.linalg.cholesky(a, upper=True))
    assert np.isnan(np.asarray(la.cholesky(-a))).any()


def test_eig():
    x = make((2, 4, 4))
    w, v = (np.asarray(p) for p in la.eig(x))
    same(x @ v, v * w[..., None, :], 5e-5)
    key = np.linalg.eigvals(x)
    assert la.eigvals(x).dtype == np.complex64
    same(np.sort_complex(np.asarray(la.eigvals(x))), np.sort_complex(key), 5e-5)


def test_factor_derivatives():
    a = positive(3).astype(np.float64)
    rectangular = make((4, 3)).astype(np.float64)
    checks.check_derivatives(la.cholesky, [a], order=1)
    checks.check_derivatives(la.eigvalsh, [a], order=1)
    checks.check_derivatives(la.svdvals, [rectangular], order=1)
    checks.check_derivatives(la.qr, [rectangular], order=1)
    checks.check_derivatives(lambda x: la.svd(x, hermitian=True)[1], [a], order=1)
    checks.check_derivatives(la.cond, [a], order=1)


# ---- rank, pseudo-inverse, least squares ----


@pytest.mark.parametrize("dtype", DTYPES)
def test_pinv_rank_cond(dtype):
    for shape in ((4, 3), (3, 4), (2, 3, 3), (0, 3)):
        x = make(shape, dtype)
        agree(la.pinv, np.linalg.pinv, x, tol=1e-4)
        if 0 not in shape:
            same(la.matrix_rank(x), np.linalg.matrix_rank(x))
            same(numax.jit(la.matrix_rank)(x), np.linalg.matrix_rank(x))
    low = (make((5, 2), dtype) @ make((2, 4), dtype, 1)).astype(dtype)
    assert int(np.asarray(la.matrix_rank(low))) == 2
    same(la.pinv(low, rtol=1e-4), np.linalg.pinv(low, rcond=1e-4), 1e-4)
    assert int(np.asarray(la.matrix_rank(low, tol=1e5))) == 0
    assert int(np.asarray(la.matrix_rank(np.ones(3)))) == 1
    square = make((2, 3, 3), dtype)
    for p in (None, 1, -1, 2, -2, np.inf, "fro", "nuc"):
        agree(lambda x, p=p: la.cond(x, p), lambda x, p=p: np.linalg.cond(x, p), square, tol=2e-4)
    hermitian = positive(3, dtype=dtype)
    same(la.pinv(hermitian, hermitian=True), np.linalg.inv(hermitian), 1e-4)


def test_pinv_derivatives():
    checks.check_derivatives(la.pinv, [make((4, 3))])
    checks.check_derivatives(la.pinv, [make((2, 2, 3))], order=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lstsq(dtype):
    for shape in ((5, 3), (3, 5), (4, 4)):
        a = make(shape, dtype)
        for b in (make((shape[0],), dtype, 1), make((shape[0], 2), dtype, 1)):
            want = np.linalg.lstsq(a, b)
            for got in (la.lstsq(a, b, numpy_resid=True), la.lstsq(a, b)):
                same(got[0], want[0], 2e-4)
                assert int(np.asarray(got[2])) == want[2]
                same(got[3], want[3])
            same(la.lstsq(a, b, numpy_resid=True)[1], want[1], 2e-4)
            same(numax.jit(la.lstsq)(a, b)[0], want[0], 2e-4)
    low = make((5, 2), dtype) @ make((2, 3), dtype, 1)
    b = make((5,), dtype, 2)
    same(la.lstsq(low, b, rcond=1e-4)[0], np.linalg.lstsq(low, b, rcond=1e-4)[0], 2e-4)
    if dtype == "float32":
        checks.check_derivatives(
            lambda a, b: la.lstsq(a, b)[0], [make((5, 3)), make((5,))], order=1
        )


# ---- the array API's names, dtypes, errors ----


def test_array_api_names():
    x = make((2, 3, 4))
    np.testing.assert_array_equal(np.asarray(la.matrix_transpose(x)), x.swapaxes(-1, -2))
    same(la.diagonal(x, offset=1), np.linalg.diagonal(x, offset=1))
    same(la.trace(x, offset=-1), np.linalg.trace(x, offset=-1))
    v, w = make((2, 3)), make((2, 3), seed=1)
    same(la.cross(v, w), np.linalg.cross(v, w))
    same(la.outer(v[0], w[1]), np.outer(v[0], w[1]))
    same(la.vecdot(v, w), np.vecdot(v, w))
    same(la.matmul(x, make((4, 2))), x @ make((4, 2)))
    same(la.tensordot(v, w, axes=([0], [0])), np.tensordot(v, w, ([0], [0])))
    assert la.matmul(v, w.T, preferred_element_type=np.float16).dtype == np.float16


def test_half_precision():
    a = positive(3).astype(np.float16)
    for fun in (la.det, la.inv, la.cholesky, lambda a: la.solve(a, a[0])):
        assert fun(a).dtype == np.float16
    same(np.asarray(la.inv(a), np.float32), np.linalg.inv(a.astype(np.float32)), 1e-2)


ONE = np.ones((2, 3), np.float32)
BAD = [
    (lambda: la.det(ONE), ValueError, "det: .*n, n"),
    (lambda: la.inv(np.ones(3)), ValueError, "inv: .*n, n"),
    (lambda: la.solve(np.eye(3), np.ones(4)), ValueError, "Invalid shapes for solve"),
    (lambda: la.solve(np.ones((2, 3, 3)), np.ones((2, 3))), ValueError, "batch of vectors"),
    (lambda: la.norm(ONE, "x"), ValueError, "Invalid order 'x' for matrix norm"),
    (lambda: la.norm(ONE[0], "fro"), ValueError, "Invalid order 'fro' for vector norm"),
    (lambda: la.norm(np.ones((2, 2, 2)), 2), ValueError, "Improper number of axes"),
    (lambda: la.norm(ONE, axis=(0, 0)), ValueError, "Duplicate axes"),
    (lambda: la.norm([1.0]), TypeError, "norm requires ndarray or scalar"),
    (lambda: la.matrix_power(np.eye(2), 1.5), TypeError, "must be an integer"),
    (lambda: la.matrix_power(ONE, 2), TypeError, "must be square"),
    (lambda: la.qr(ONE, "x"), ValueError, "Unsupported QR decomposition mode"),
    (lambda: la.eigh(np.eye(2), UPLO="x"), ValueError, "UPLO must be one of"),
    (lambda: la.slogdet(np.eye(2), method="x"), ValueError, "Unknown slogdet method"),
    (lambda: la.pinv(ONE, 0.1, rcond=0.1), ValueError, "only one of rtol and rcond"),
    (lambda: la.matrix_rank(ONE, 0.1, tol=0.1), ValueError, "only one of tol or rtol"),
    (lambda: la.lstsq(ONE, np.ones(3)), ValueError, "Leading dimensions"),
    (lambda: la.tensorinv(ONE, 0), ValueError, "positive integer"),
    (lambda: la.tensorsolve(ONE, np.ones(2)), ValueError, "as many elements"),
    (lambda: la.cond(np.ones(3)), ValueError, "at least 2D"),
    (lambda: la.outer(ONE, ONE), ValueError, "one-dimensional"),
    (lambda: la.cross(ONE[:, :2], ONE[:, :2]), ValueError, "3-dimensional vectors"),
    (lambda: la.matrix_transpose(np.ones(2)), ValueError, "at least 2 dimensions"),
    (lambda: la.diagonal(np.ones(2)), ValueError, "at least 2 dimensions"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message), warnings.catch_warnings():
        warnings.simplefilter("error")
        call()


def test_lax_names_agree():
    x = make((3, 3))
    same(lax.linalg.svd(x, compute_uv=False), la.svdvals(x))
