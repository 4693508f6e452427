"""Lowerings chosen for speed: the same values as the plain ones, under eager, jit, vmap, scan and grad."""

import numpy as np
import pytest

import numax
import numax.numpy as nnp
from numax import lax

RNG = np.random.default_rng(7)
SIZES = (1, 3, 16, 17, 128, 5000)


def _with_ties(shape, dtype):
    x = RNG.integers(-3, 4, shape)
    return (
        (x > 0)
        if dtype == "bool"
        else np.abs(x).astype(dtype)
        if dtype[0] == "u"
        else x.astype(dtype)
    )


# ---- argmax, argmin ----


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "bool"])
@pytest.mark.parametrize("n", SIZES)
def test_places_of_extremes_are_the_first(n, dtype):
    for shape, axis in (((4, n), 1), ((n, 4), 0), ((n,), 0)):
        x = _with_ties(shape, dtype)
        for ours, theirs in ((nnp.argmax, np.argmax), (nnp.argmin, np.argmin)):
            found = numax.jit(lambda a, f=ours, k=axis: f(a, k))(x)
            np.testing.assert_array_equal(found, theirs(x, axis))
            assert found.dtype == np.int32


@pytest.mark.parametrize("n", SIZES)
def test_the_place_of_a_nan_comes_before_that_of_a_maximum(n):
    x = RNG.standard_normal((50, n)).astype(np.float32)
    x[RNG.random(x.shape) < 1 / n] = np.nan
    x[::7] = -np.inf
    x[1::7] = np.inf
    for ours, theirs in ((nnp.argmax, np.argmax), (nnp.argmin, np.argmin)):
        np.testing.assert_array_equal(numax.jit(lambda a, f=ours: f(a, 1))(x), theirs(x, 1))
        np.testing.assert_array_equal(numax.jit(lambda a, f=ours: f(a, 0))(x), theirs(x, 0))
        mapped = numax.jit(numax.vmap(ours))(x)
        np.testing.assert_array_equal(mapped, theirs(x, 1))


@pytest.mark.parametrize("n", [2, 64, 127, 5000])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_maxima_keep_nans(n, dtype):
    for place in (0, n // 2, n - 1):
        x = RNG.standard_normal((3, n)).astype(dtype)
        x[1, place] = np.nan
        for ours, theirs in ((nnp.max, np.max), (nnp.min, np.min)):
            for axis in (0, 1, None):
                found = numax.jit(lambda a, f=ours, k=axis: f(a, k))(x)
                np.testing.assert_array_equal(found, theirs(x, axis))
                turned = numax.jit(lambda a, f=ours, k=axis: f(a.T, k))(x)
                np.testing.assert_array_equal(turned, theirs(x.T, axis))


@pytest.mark.parametrize("n", [10, 200])
def test_argmax_in_a_loop(n):
    x = RNG.standard_normal((6, n)).astype(np.float32)
    out = numax.jit(
        lambda a: lax.scan(lambda c, row: (c + nnp.argmax(row), nnp.argmin(row)), 0, a)
    )(x)
    assert int(out[0]) == np.argmax(x, 1).sum()
    np.testing.assert_array_equal(out[1], np.argmin(x, 1))


# ---- top_k ----


def _top_k_expected(x, k):
    """By the total order, equal ones in order of place."""
    if x.dtype == np.float32:
        bits = x.view(np.int32).astype(np.int64)
        key = np.where(bits < 0, -(bits & 0x7FFFFFFF) - 1, bits)
    else:
        key = x.astype(np.int64)
    order = np.argsort(-key, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order


def _floats_with_all(shape):
    x = np.round(RNG.standard_normal(shape) * 300).astype(np.float32)
    special = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32)
    at = RNG.random(shape) < 0.0002
    return np.where(at, RNG.choice(special, shape), x).astype(np.float32)


@pytest.mark.parametrize(
    ("shape", "k"),
    [((16384,), 1), ((20000,), 7), ((20011,), 7), ((3, 32768), 10), ((20000,), 5000)],
)
def test_top_k_of_blocks(shape, k):
    zeros = np.where(RNG.random(shape) < 0.5, 0.0, -0.0).astype(np.float32)
    for x in (_floats_with_all(shape), zeros, np.full(shape, -np.nan, np.float32)):
        for f in (lambda a: lax.top_k(a, k), numax.jit(lambda a: lax.top_k(a, k))):
            values, places = f(x)
            expected, order = _top_k_expected(x, k)
            np.testing.assert_array_equal(places, order)
            np.testing.assert_array_equal(
                np.asarray(values).view(np.int32), expected.view(np.int32)
            )


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int16", "bfloat16", "float16"])
def test_top_k_of_other_dtypes(dtype):
    x = RNG.integers(0, 120, (2, 5000)).astype(dtype)
    for f in (lambda a: lax.top_k(a, 9), numax.vmap(lambda a: lax.top_k(a, 9))):
        values, places = numax.jit(f)(x)
        expected, order = _top_k_expected(x, 9)
        np.testing.assert_array_equal(places, order)
        np.testing.assert_array_equal(values, expected)
        assert values.dtype == x.dtype and places.dtype == np.int32


def test_top_k_under_transformations():
    x = RNG.permutation(3 * 16384).reshape(3, 16384).astype(np.float32)
    expected, order = _top_k_expected(x, 4)
    _, places = numax.jit(numax.vmap(lambda a: lax.top_k(a, 4)))(x)
    np.testing.assert_array_equal(places, order)
    _, found = numax.jit(lambda a: lax.scan(lambda c, row: (c, lax.top_k(row, 4)), 0, a))(x)
    np.testing.assert_array_equal(found[0], expected)
    slope = numax.jit(numax.grad(lambda a: lax.top_k(a, 4)[0].sum()))(x)
    wanted = np.zeros_like(x)
    np.put_along_axis(wanted, order, 1, -1)
    np.testing.assert_array_equal(slope, wanted)
