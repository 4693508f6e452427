"""eigh, eig, svd, schur."""

import numpy as np
import pytest
from ops_rules import arrays, check_batching, check_derivatives, compiled, pushed, run

from numax._engine.core.config import enable_x64
from numax._engine.ops.basis import mul, reduce_sum
from numax._engine.ops.complex import conj
from numax._engine.ops.linalg_eigen import eig, eigh, schur
from numax._engine.ops.linalg_svd import SvdAlgorithm, svd
from numax._engine.ops.matrices import adjoint, product

KINDS = ["float32", "complex128"]
TOL = {"float32": 3e-5, "complex64": 3e-5, "float64": 1e-11, "complex128": 1e-11}


def random(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


def turned(x):
    return x.conj().swapaxes(-1, -2)


def hermitian(shape, dtype="float64", seed=0):
    x = random(shape, dtype, seed)
    return (x + turned(x)) / 2


def near(got, expected, dtype):
    tol = TOL[np.dtype(dtype).name]
    np.testing.assert_allclose(got, expected, rtol=10 * tol, atol=10 * tol)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(2, 4, 4), (0, 0), (1, 1)])
@pytest.mark.parametrize("lower", [True, False])
def test_eigh(shape, dtype, lower):
    x = hermitian(shape, dtype)
    with enable_x64(True):
        eager = run(lambda a: eigh(a, lower=lower), [x])
        jit = compiled(lambda a: eigh(a, lower=lower), [x])
    for v, w in (eager, jit):
        assert v.dtype == x.dtype and w.dtype == x.real.dtype
        near(x @ v, v * w[..., None, :], dtype)
        near(turned(v) @ v, np.broadcast_to(np.eye(shape[-1]), shape), dtype)
        assert (np.diff(w) >= 0).all()


def test_eigh_reads_one_triangle():
    x = np.array([[1, 100], [2, 3]], "f")
    for lower, off in ((True, 2), (False, 100)):
        for how in (run, compiled):
            _, w = how(lambda a, low=lower: eigh(a, lower=low, symmetrize_input=False), [x])
            near(w, np.linalg.eigvalsh([[1, off], [off, 3]]).astype("f"), "float32")


def test_eigh_of_a_subset():
    x = hermitian((2, 5, 5))
    with enable_x64(True):
        v, w = run(eigh, [x])
        for how in (run, compiled):
            few, values = how(lambda a: eigh(a, subset_by_index=(1, 3)), [x])
            near(values, w[:, 1:3], "float64")
            near(few, v[..., 1:3], "float64")
    check_derivatives(lambda a: eigh(a, subset_by_index=(1, 3)), [x], order=1)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_rules_of_eigh(dtype):
    x = hermitian((2, 3, 3), dtype)

    def invariant(a):  # vectors are determined up to a phase
        v, w = eigh(a)
        weights = np.arange(9.0).reshape(3, 3).astype(dtype)
        scaled = mul(v, arrays([np.broadcast_to(np.array([1.0, 2, 5], dtype), (2, 3, 3))])[0])
        return (
            w,
            product(scaled, adjoint(v)),
            reduce_sum(mul(v, conj_of(v)), (0,)),
            arrays([weights])[0],
        )

    check_derivatives(invariant, [x])
    with enable_x64(True):
        check_batching(invariant, [x], 1e-9, 1e-9)


def conj_of(x):
    return conj(x) if x.dtype.kind == "c" else x


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("right", [True, False])
def test_eig(dtype, left, right):
    x = random((2, 4, 4), dtype)

    def fun(a):
        return eig(a, compute_left_eigenvectors=left, compute_right_eigenvectors=right)

    with enable_x64(True):
        for how in (run, compiled):
            w, *vectors = how(fun, [x])
            assert w.dtype == (np.complex64 if dtype in ("float32", "complex64") else np.complex128)
            near(np.sort_complex(w), np.sort_complex(np.linalg.eigvals(x)), dtype)
            assert len(vectors) == left + right
            if left:
                near(turned(vectors[0]) @ x, w[..., None] * turned(vectors[0]), dtype)
            if right:
                near(x @ vectors[-1], vectors[-1] * w[..., None, :], dtype)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_rules_of_eig(dtype):
    x = random((2, 3, 3), dtype, 1)

    def values(a):
        return eig(a, compute_left_eigenvectors=False, compute_right_eigenvectors=False)

    check_derivatives(values, [x])
    check_derivatives(lambda a: eig(a, enable_eigvec_derivs=True), [x], order=1)
    with enable_x64(True):
        check_batching(values, [x], 1e-9, 1e-9)
        check_batching(lambda a: eig(a), [x], 1e-9, 1e-9)
    with pytest.raises(NotImplementedError, match="enable_eigvec_derivs"):
        pushed(eig, [random((3, 3), "float32")], [random((3, 3), "float32")])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(2, 4, 4), (5, 3), (3, 5), (0, 3), (3, 0)])
@pytest.mark.parametrize("full", [True, False])
def test_svd(shape, dtype, full):
    x = random(shape, dtype)
    k = min(shape[-2:])
    with enable_x64(True):
        for how in (run, compiled):
            u, s, vh = how(lambda a: svd(a, full_matrices=full), [x])
            near((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], x, dtype)
            for q in (turned(u) @ u, vh @ turned(vh)):
                near(q, np.broadcast_to(np.eye(q.shape[-1]), q.shape), dtype)
            assert u.dtype == vh.dtype == x.dtype and s.dtype == x.real.dtype
            alone = how(lambda a: svd(a, full_matrices=full, compute_uv=False), [x])
            near(alone[0], s, dtype)


@pytest.mark.parametrize("algorithm", list(SvdAlgorithm))
def test_svd_algorithms(algorithm):
    x = random((4, 3), "float32")
    for how in (run, compiled):
        s = how(lambda a: svd(a, compute_uv=False, algorithm=algorithm), [x])[0]
        near(s, np.linalg.svd(x, compute_uv=False), "float32")


def test_svd_of_a_subset():
    x = random((2, 5, 4))
    with enable_x64(True):
        u, s, vh = run(lambda a: svd(a, full_matrices=False), [x])
        for how in (run, compiled):
            few = how(lambda a: svd(a, full_matrices=False, subset_by_index=(1, 3)), [x])
            for got, whole in zip(few, (u[..., 1:3], s[..., 1:3], vh[..., 1:3, :]), strict=True):
                near(got, whole, "float64")
            only = how(lambda a: svd(a, compute_uv=False, subset_by_index=(0, 1)), [x])[0]
            near(only, s[..., :1], "float64")
    check_derivatives(lambda a: svd(a, full_matrices=False, subset_by_index=(1, 3)), [x], order=1)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shape", [(2, 3, 3), (4, 3), (2, 4)])
def test_rules_of_svd(shape, dtype):
    x = random(shape, dtype)
    k = min(shape[-2:])

    def invariant(a):
        u, s, vh = svd(a, full_matrices=False)
        weights = np.broadcast_to(np.array([1.0, 3, 7][:k], dtype), u.shape)
        return s, product(mul(u, arrays([weights])[0]), vh)

    check_derivatives(invariant, [x], order=2 if shape == (4, 3) else 1)
    check_derivatives(lambda a: svd(a, compute_uv=False), [x])
    with enable_x64(True):
        check_batching(invariant, [x], 1e-9, 1e-9)


def test_derivatives_of_values_exist_where_they_coincide():
    x = np.eye(3, dtype="f")
    t = random((3, 3), "float32")
    near(pushed(lambda a: svd(a, compute_uv=False), [x], [t])[0], np.diag(t), "float32")
    near(pushed(lambda a: eigh(a)[1], [x], [t])[0], np.diag(t), "float32")


def test_the_complete_svd_of_a_rectangle_has_no_derivative():
    x = random((4, 3), "float32")
    with pytest.raises(NotImplementedError, match="full_matrices=False"):
        pushed(svd, [x], [x])


def test_nan_gives_nan():
    x = np.full((2, 2), np.nan, "f")
    x = np.stack([x, np.eye(2, dtype="f")])
    for fun in (
        lambda a: svd(a),
        lambda a: eigh(a)[:1],
        lambda a: eig(a, compute_left_eigenvectors=False),
    ):
        for out in run(fun, [x]):
            assert np.isnan(out[0]).all() and np.isfinite(out[1]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_schur(dtype):
    x = random((2, 4, 4), dtype)
    with enable_x64(True):
        t, z = run(schur, [x])
        (alone,) = run(lambda a: schur(a, compute_schur_vectors=False), [x])
    near(z @ t @ turned(z), x, dtype)
    near(turned(z) @ z, np.broadcast_to(np.eye(4), x.shape), dtype)
    near(alone, t, dtype)
    assert not np.tril(t, -2).any()


@pytest.mark.parametrize(
    ("fun", "message"),
    [
        (lambda x: eigh(x), "must be square"),
        (lambda x: eig(x), "must be square"),
        (lambda x: schur(x), "must be square"),
        (lambda x: svd(x, subset_by_index=(0, 1)), "exclude each other"),
        (lambda x: svd(x, full_matrices=False, subset_by_index=(2, 9)), "within 0..2"),
        (lambda x: schur(x, sort_eig_vals=True), "sorting"),
    ],
)
def test_errors(fun, message):
    with pytest.raises(ValueError, match=message):
        fun(arrays([np.ones((2, 3), "f")])[0])
