"""Reductions on any shape, quantile methods, delicate gradients and errors; np_table_reductions.py compares values."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from np_rows import host

import numax
import numax.numpy as jnp
from numax.numpy import quantiles

rng = np.random.default_rng(5)
A = rng.standard_normal((3, 4)).astype(np.float32)


shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


@given(
    st.data(),
    shapes,
    st.sampled_from(["sum", "prod", "max", "min", "any", "all", "mean", "std", "count_nonzero"]),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_shape_and_axes(data, shape, name):
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(np.float32) % 3
    axis = data.draw(
        st.sampled_from([None, tuple(range(len(shape))), *range(-len(shape), len(shape))])
    )
    keepdims = data.draw(st.booleans())
    try:
        want = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims))
    except ValueError:
        with pytest.raises(ValueError, match="zero-size"):
            getattr(jnp, name)(jnp.asarray(x), axis=axis, keepdims=keepdims)
        return
    for _ in range(2):
        got = host(getattr(jnp, name)(jnp.asarray(x), axis=axis, keepdims=keepdims))
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", sorted(quantiles._METHODS))
@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
def test_every_quantile_method_is_numpys(method, axis):
    q = np.array([0, 0.1, 0.25, 0.5, 0.75, 0.9, 1], np.float32)
    x = rng.standard_normal((3, 5, 2)).astype(np.float32)
    got = jnp.quantile(x, q, axis=axis, method=method)
    np.testing.assert_allclose(
        got, np.quantile(x, q, axis=axis, method=method), rtol=1e-5, atol=1e-6
    )
    x[0, 1, 0] = np.nan
    for name in ("quantile", "nanquantile"):
        got = getattr(jnp, name)(x, q, axis=axis, method=method)
        np.testing.assert_allclose(
            got, getattr(np, name)(x, q, axis=axis, method=method), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_small_floats_sum_in_float32(dtype):
    x = jnp.full((10000,), 0.5, dtype)
    for name, want in (("sum", 5000), ("mean", 0.5), ("std", 0.0)):
        for call in (getattr(jnp, name), numax.jit(getattr(jnp, name))):
            got = call(x)
            assert got.dtype == dtype
            assert float(got) == pytest.approx(want, rel=1e-2)


def test_nans_and_infinities_go_through():
    x = jnp.array([1.0, np.nan, np.inf])
    for f in (jnp.max, jnp.min, jnp.sum, jnp.mean, jnp.median):
        assert np.isnan(float(f(x)))
        assert np.isnan(float(numax.jit(f)(x)))
    assert int(jnp.argmax(x)) == 1
    assert int(jnp.nanargmax(x)) == 2
    assert int(jnp.nanargmin(x)) == 0
    assert int(jnp.nanargmax(jnp.array([np.nan, np.nan]))) == -1
    assert float(jnp.median(jnp.array([1.0, np.inf, np.inf]))) == np.inf


def test_dtypes_of_results_are_jaxs():
    assert jnp.sum(jnp.ones(2, jnp.uint8)).dtype == np.uint32
    assert jnp.sum(jnp.ones(2, jnp.int8), promote_integers=False).dtype == np.int8
    assert jnp.sum(jnp.array([True])).dtype == np.int32
    assert jnp.cumsum(jnp.ones(2, jnp.int8)).dtype == np.int8
    assert jnp.cumulative_sum(jnp.ones(2, jnp.int8)).dtype == np.int32
    assert jnp.cumulative_sum(jnp.ones(2, jnp.uint8)).dtype == np.uint32
    assert jnp.cumulative_prod(jnp.ones(2, jnp.int8)).dtype == np.int32  # the standard's, not JAX's
    assert jnp.mean(jnp.array([1, 2]), dtype=int).dtype == np.int32
    assert not jnp.sum(1.0).weak_type
    assert jnp.max(jnp.ones(2, int), initial=2.5).dtype == np.int32
    assert jnp.var(jnp.ones(2, jnp.complex64)).dtype == np.float32
    with numax.enable_x64(True):
        assert jnp.sum(jnp.ones(2, jnp.int32)).dtype == np.int64


def test_minmax_is_both():
    low, high = jnp.minmax(jnp.asarray(A), axis=1)
    np.testing.assert_array_equal(low, A.min(1))
    np.testing.assert_array_equal(high, A.max(1))


def test_gradients_where_formulas_are_delicate():
    ones = jnp.ones(4)
    np.testing.assert_allclose(numax.grad(jnp.max)(ones), [0.25] * 4)
    np.testing.assert_allclose(numax.grad(jnp.prod)(jnp.array([2.0, 0.0, 3.0])), [0, 6, 0])
    np.testing.assert_allclose(
        numax.grad(lambda x: jnp.cumprod(x)[-1])(jnp.array([2.0, 0.0, 3.0])), [0, 6, 0]
    )
    np.testing.assert_allclose(
        numax.grad(jnp.median)(jnp.array([1.0, 2.0, 2.0, 3.0])), [0, 0.5, 0.5, 0]
    )
    np.testing.assert_allclose(numax.grad(jnp.nansum)(jnp.array([1.0, np.nan])), [1, 0])
    np.testing.assert_allclose(
        numax.grad(jnp.nanmean)(jnp.array([1.0, np.nan, 3.0])), [0.5, 0, 0.5]
    )
    assert np.isfinite(numax.grad(jnp.nanvar)(jnp.array([1.0, np.nan, 3.0]))).all()
    assert float(
        numax.grad(lambda q: jnp.quantile(jnp.array([1.0, 2.0, 5.0]), q))(0.6)
    ) == pytest.approx(6.0)


ones = np.ones((2, 3), np.float32)
BAD = [
    (lambda: jnp.sum([1, 2]), TypeError, "sum requires ndarray or scalar"),
    (lambda: jnp.sum(ones, axis=5), ValueError, "axis 5 is out of bounds for array of dimension 2"),
    (
        lambda: jnp.sum(jnp.asarray(ones), axis=5),
        ValueError,
        "axis 5 is out of bounds for array of dimension 2",
    ),
    (lambda: jnp.sum(ones, axis=(0, -2)), ValueError, "repeated axis"),
    (lambda: jnp.sum(ones, axis=1.0), TypeError, "axis must be None, an int or a tuple"),
    (lambda: jnp.sum(ones, out=1), NotImplementedError, "out"),
    (lambda: jnp.sum(ones, initial=np.ones(3)), ValueError, "scalar"),
    (lambda: jnp.sum(ones, where=np.array([1, 0, 1])), ValueError, "boolean"),
    (lambda: jnp.sum(ones, where=np.ones(2, bool)), ValueError, "broadcast"),
    (lambda: jnp.max(np.ones(0)), ValueError, "zero-size array to reduction operation max"),
    (lambda: jnp.max(ones, where=ones > 0), ValueError, "does not have an identity"),
    (lambda: jnp.argmax(np.ones(0)), ValueError, "empty sequence"),
    (lambda: jnp.argmax(np.ones(2, np.complex64)), TypeError, "complex"),
    (lambda: jnp.ptp(np.array([True])), TypeError, "bool"),
    (lambda: jnp.var(np.ones(2, np.complex64), dtype="float32"), ValueError, "complex"),
    (lambda: jnp.var(ones, ddof=1, correction=1), ValueError, "simultaneously"),
    (lambda: jnp.average(ones, weights=np.ones(3)), ValueError, "Axis must be specified"),
    (lambda: jnp.average(ones, axis=0, weights=np.ones(3)), ValueError, "Shape of weights"),
    (lambda: jnp.cumulative_sum(ones), ValueError, "axis"),
    (lambda: jnp.cumulative_sum(np.float32(1)), ValueError, "dimension"),
    (lambda: jnp.cumsum(ones, axis=3), ValueError, "out of bounds"),
    (lambda: jnp.quantile(ones, 1.5), ValueError, "range"),
    (lambda: jnp.quantile(ones, 0.5, method="best"), ValueError, "unknown method"),
    (lambda: jnp.quantile(np.ones(2, np.complex64), 0.5), ValueError, "complex"),
    (lambda: jnp.quantile(ones, 0.5, weights=ones), NotImplementedError, "weights"),
    (lambda: jnp.median(ones, overwrite_input=True), ValueError, "overwrite"),
    (lambda: jnp.ediff1d(np.array([True, False])), TypeError, "bool"),
    (lambda: jnp.diff(np.float32(1)), ValueError, "one dimensional"),
    (lambda: jnp.diff(ones, -1), ValueError, "non-negative"),
    (lambda: jnp.gradient(np.ones(1)), ValueError, "too small"),
    (lambda: jnp.gradient(ones, 1.0, 2.0, 3.0), TypeError, "Invalid number"),
    (lambda: jnp.gradient(ones, np.ones(4), axis=1), ValueError, "same length"),
    (lambda: jnp.trapezoid(ones, np.ones(2)), ValueError, "as many"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments_raise(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()
