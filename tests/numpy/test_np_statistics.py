"""Counting, histograms, covariance, convolution, interpolation and windows against NumPy."""

import numpy as np
import pytest
from np_rows import Row, check_grad, check_jit, check_value, check_vmap, rows_of

import numax
import numax.numpy as jnp

rng = np.random.default_rng(2)


def f(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


A, V, W = f(3, 6), f(20), np.abs(f(20))
N = rng.integers(0, 6, 20).astype(np.int32)
C = (f(7) + 1j * f(7)).astype(np.complex64)
EDGES = np.array([-2.0, -0.5, 0.1, 1.5], np.float32)
FW, AW = np.array([1, 2, 1, 3, 0, 1], np.int32), np.abs(f(6))


def floats(reference):
    """NumPy's histogram with float counts."""

    def run(*args):
        counts, *edges = reference(*args)
        return (counts.astype(np.float32), *edges)

    return run


COUNTS = [
    Row("bincount", lambda xp, n: xp.bincount(n), (N,), jit=False, vmap=False),
    Row(
        "bincount_minlength", lambda xp, n: xp.bincount(n, minlength=9), (N,), jit=False, vmap=False
    ),
    Row(
        "bincount_weights",
        lambda xp, n, w: xp.bincount(n, weights=w),
        (N, V),
        jit=False,
        vmap=False,
        dtype="float32",
    ),
    Row(
        "bincount_length",
        lambda xp, n, w: jnp.bincount(n, w, length=4),
        (N, V),
        reference=lambda n, w: np.bincount(n, w)[:4],
        dtype="float32",
    ),
    Row(
        "bincount_longer",
        lambda xp, n: jnp.bincount(n, length=9),
        (N,),
        reference=lambda n: np.bincount(n, minlength=9),
    ),
    Row(
        "histogram", lambda xp, a: xp.histogram(a), (V,), reference=floats(np.histogram), grad=False
    ),
    Row(
        "histogram_bins",
        lambda xp, a: xp.histogram(a, EDGES),
        (V,),
        reference=floats(lambda a: np.histogram(a, EDGES)),
        grad=False,
    ),
    Row(
        "histogram_range",
        lambda xp, a: xp.histogram(a, 5, range=(-1, 2)),
        (V,),
        reference=floats(lambda a: np.histogram(a, 5, range=(-1, 2))),
        grad=False,
    ),
    Row("histogram_density", lambda xp, a: xp.histogram(a, EDGES, density=True), (V,), grad=False),
    Row(
        "histogram_weights",
        lambda xp, a, w: xp.histogram(a, 4, weights=w),
        (V, W),
        grad=False,
        tol=3e-6,
    ),
    Row(
        "histogram_constant",
        lambda xp, a: xp.histogram(a, 3),
        (np.full(5, 2.0, np.float32),),
        reference=floats(lambda a: np.histogram(a, 3)),
        grad=False,
    ),
    Row(
        "histogram_empty",
        lambda xp, a: xp.histogram(a, 3),
        (f(0),),
        reference=floats(lambda a: np.histogram(a, 3)),
        grad=False,
        vmap=False,
    ),
    Row("histogram_bin_edges", lambda xp, a: xp.histogram_bin_edges(a, 7), (V,)),
    Row(
        "histogram2d",
        lambda xp, a, b: xp.histogram2d(a, b, bins=(3, 4), density=True),
        (V, W),
        grad=False,
        tol=3e-6,
    ),
    Row(
        "histogram2d_edges",
        lambda xp, a, b: xp.histogram2d(a, b, bins=[EDGES, EDGES], weights=N.astype(float)),
        (V, W),
        grad=False,
    ),
    Row(
        "histogramdd",
        lambda xp, a: xp.histogramdd(a, bins=(2, 3, 2), density=True),
        (f(20, 3),),
        grad=False,
        tol=3e-6,
    ),
    Row(
        "histogramdd_weights",
        lambda xp, a, w: xp.histogramdd(a, bins=3, weights=w),
        (f(20, 2), W),
        grad=False,
        tol=3e-6,
    ),
]

COVARIANCES = [
    Row("cov", lambda xp, a: xp.cov(a), (A,), dtype="float32"),
    Row("cov_vector", lambda xp, a: xp.cov(a), (V,), dtype="float32"),
    Row("cov_two", lambda xp, a, b: xp.cov(a, b), (V, W), dtype="float32"),
    Row("cov_columns", lambda xp, a: xp.cov(a, rowvar=False), (A,), dtype="float32"),
    Row("cov_bias", lambda xp, a: xp.cov(a, bias=True), (A,), dtype="float32"),
    Row("cov_ddof", lambda xp, a: xp.cov(a, ddof=0), (A,), dtype="float32"),
    Row("cov_fweights", lambda xp, a: xp.cov(a, fweights=FW), (A,), dtype="float32"),
    Row(
        "cov_aweights",
        lambda xp, a, w: xp.cov(a, aweights=w),
        (A, AW),
        dtype="float32",
        tol=3e-6,
        vmap=False,
    ),
    Row(
        "cov_both_weights",
        lambda xp, a, w: xp.cov(a, fweights=FW, aweights=w),
        (A, AW),
        dtype="float32",
        tol=3e-6,
        vmap=False,
    ),
    Row(
        "cov_complex",
        lambda xp, a: xp.cov(a),
        (np.stack([C, C[::-1]]),),
        dtype="complex64",
        tol=3e-6,
    ),
    Row("corrcoef", lambda xp, a: xp.corrcoef(a), (A,), dtype="float32"),
    Row("corrcoef_two", lambda xp, a, b: xp.corrcoef(a, b), (V, W), dtype="float32"),
    Row(
        "corrcoef_complex",
        lambda xp, a: xp.corrcoef(a),
        (np.stack([C, C[::-1]]),),
        dtype="complex64",
        tol=3e-6,
    ),
]


XP, FP = np.array([-1.0, 0.0, 0.7, 2.0], np.float32), f(4)
X = np.array([-3.0, -1.0, -0.2, 0.3, 0.7, 1.9, 2.0, 5.0], np.float32)
INNER = np.array([-0.9, -0.2, 0.3, 1.1, 1.9], np.float32)
CURVES = [
    Row("interp", lambda xp, x: xp.interp(x, XP, FP), (X,), grad=False, dtype="float32"),
    Row(
        "interp_all",
        lambda xp, x, p, q: xp.interp(x, p, q),
        (INNER, XP, FP),
        dtype="float32",
        vmap=False,
    ),
    Row(
        "interp_ends",
        lambda xp, x: xp.interp(x, XP, FP, left=-9.0, right=7.0),
        (X,),
        grad=False,
        dtype="float32",
    ),
    Row(
        "interp_period",
        lambda xp, x, q: xp.interp(x, XP, q, period=2.5),
        (INNER, FP),
        dtype="float32",
        vmap=False,
        tol=2e-6,
    ),
    Row(
        "interp_period_far",
        lambda xp, x: xp.interp(x, XP, FP, period=2.5),
        (X * 3,),
        dtype="float32",
        grad=False,
        tol=1e-5,
    ),
    Row(
        "interp_complex",
        lambda xp, x: xp.interp(x, XP, FP + 1j * FP),
        (X,),
        grad=False,
        dtype="complex64",
    ),
    Row(
        "interp_one_point",
        lambda xp, x: xp.interp(x, XP[:1], FP[:1]),
        (X,),
        grad=False,
        dtype="float32",
    ),
    Row("interp_scalar", lambda xp, x: xp.interp(x, XP, FP), (np.float32(0.4),), dtype="float32"),
    Row(
        "interp_nan",
        lambda xp, x: xp.interp(x, XP, FP),
        (np.array([np.nan, 0.1], np.float32),),
        grad=False,
        dtype="float32",
        vmap=False,
    ),
    Row(
        "unwrap",
        lambda xp, a: xp.unwrap(a),
        (np.array([0.0, 3, 6.5, 10, 3, -4, -12, 1], np.float32),),
        tol=3e-6,
    ),
    Row("unwrap_axis", lambda xp, a: xp.unwrap(a * 4, axis=0), (A,), tol=3e-6),
    Row(
        "unwrap_discont",
        lambda xp, a: xp.unwrap(a, discont=5),
        (np.array([0.0, 3, 6, 0.5], np.float32),),
        tol=3e-6,
    ),
    Row(
        "unwrap_int",
        lambda xp, a: xp.unwrap(a, period=4),
        (np.array([0, 3, 6, 1, 3, 9], np.int32),),
    ),
    Row(
        "unwrap_odd",
        lambda xp, a: xp.unwrap(a, period=5),
        (np.array([0, 3, 6, 1, 3, 9], np.int32),),
    ),
    Row(
        "unwrap_half",
        lambda xp, a: xp.unwrap(a, period=2.0),
        (np.array([0, 1, 0, -1, 2], np.float32),),
        grad=False,
    ),
]


ROWS = COUNTS + COVARIANCES + CURVES


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_agrees_with_numpy(row):
    check_value(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "jit"), ids=str)
def test_compiled_agrees_with_eager(row):
    check_jit(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "grad"), ids=str)
def test_derivatives_agree_with_differences(row):
    check_grad(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "vmap"), ids=str)
def test_vectorised_agrees_with_a_loop(row):
    check_vmap(row)


ERRORS = [
    (lambda: jnp.bincount(jnp.ones(3)), TypeError, "integers"),
    (lambda: jnp.bincount(jnp.zeros((2, 2), int)), ValueError, "one axis"),
    (lambda: jnp.bincount(jnp.array([-1, 1])), ValueError, "negative"),
    (
        lambda: numax.jit(jnp.bincount)(jnp.array([1])),
        numax.errors.ConcretizationTypeError,
        "length=n",
    ),
    (lambda: jnp.histogram(jnp.ones(3), bins=0), ValueError, "positive"),
    (lambda: jnp.histogram(jnp.ones(3), bins=jnp.array([3, 1, 2])), ValueError, "rise"),
    (lambda: jnp.histogram(jnp.ones(3), range=(3, 1)), ValueError, "rise"),
    (lambda: jnp.histogram(jnp.array([jnp.nan])), ValueError, "finite"),
    (lambda: jnp.histogramdd(jnp.ones((3, 2)), bins=(1, 2, 3)), ValueError, "for each of 2 axes"),
    (lambda: jnp.cov(jnp.ones((2, 2, 2))), ValueError, "two axes"),
    (lambda: jnp.cov(jnp.ones((2, 3)), fweights=jnp.ones(3)), TypeError, "integers"),
    (lambda: jnp.convolve(jnp.ones((2, 2)), jnp.ones(2)), ValueError, "vectors"),
    (lambda: jnp.convolve(jnp.ones(0), jnp.ones(2)), ValueError, "empty"),
    (lambda: jnp.correlate(jnp.ones(2), jnp.ones(2), mode="zz"), ValueError, "mode"),
    (lambda: jnp.interp(1.0, jnp.ones(3), jnp.ones(2)), ValueError, "one size"),
    (lambda: jnp.interp(1.0, jnp.ones(3), jnp.ones(3), period=0), ValueError, "period"),
    (lambda: jnp.hanning(2.5), TypeError, "integer"),
]


@pytest.mark.parametrize("call, error, words", ERRORS)
def test_bad_arguments_raise(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_rules_for_bins_need_known_data():
    want = np.histogram_bin_edges(V, "auto")
    np.testing.assert_allclose(jnp.histogram_bin_edges(jnp.asarray(V), "auto"), want, rtol=1e-6)


def test_interp_extrapolates():
    out = jnp.interp(
        jnp.array([-1.0, 5.0]),
        jnp.array([0.0, 1, 2]),
        jnp.array([1.0, 3, 2]),
        left="extrapolate",
        right="extrapolate",
    )
    np.testing.assert_allclose(out, [-1, -1])


def test_integers_become_floats_in_convolutions():
    assert jnp.convolve(jnp.arange(3), jnp.arange(2)).dtype == "float32"
    assert numax.jit(jnp.convolve)(jnp.arange(3), jnp.arange(2)).dtype == "float32"
