"""Lowerings chosen for speed: the same values as the plain ones, under eager, jit, vmap, scan and grad."""

import numpy as np
import pytest

import numax
import numax.numpy as nnp
from numax import lax, nn

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


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int16"])
def test_long_maxima_of_integers(dtype):
    limits = np.iinfo(dtype)
    for shape in ((3, 5001), (5001,), (1, 4096), (257, 300)):
        x = RNG.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        for ours, theirs in ((nnp.max, np.max), (nnp.min, np.min), (nnp.argmax, np.argmax)):
            for axis in (None, -1):
                found = numax.jit(lambda a, f=ours, k=axis: f(a, k))(x)
                np.testing.assert_array_equal(found, theirs(x, axis))


def test_the_place_of_a_long_maximum_in_each_piece():
    x = np.zeros((64, 1000), np.int32)
    x[np.arange(64), np.linspace(0, 999, 64).astype(int)] = 1
    np.testing.assert_array_equal(numax.jit(lambda a: nnp.max(a, 1))(x), 1)
    np.testing.assert_array_equal(numax.jit(lambda a: nnp.min(-a, 1))(x), -1)


def test_argmax_of_what_is_computed():
    x = RNG.standard_normal((400, 10)).astype(np.float32)
    for axis in (0, 1):
        found = numax.jit(lambda a, k=axis: nnp.argmax(nnp.log1p(a * a), k))(x)
        np.testing.assert_array_equal(found, np.argmax(np.log1p(x * x), axis))


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


# ---- searching and counting ----


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("n", [1, 2, 3, 31, 32, 1000])
def test_searching_for_many(n, side):
    a = np.sort(np.round(RNG.standard_normal(n) * 8)).astype(np.float32)
    v = np.round(RNG.standard_normal(3000) * 9).astype(np.float32)
    v[:6] = np.nan, np.inf, -np.inf, a[0], a[-1], -0.0
    for b in (a, np.append(a, np.float32([np.inf, np.nan, np.nan]))):
        expected = np.searchsorted(b, v, side)
        find = numax.jit(lambda x, y: nnp.searchsorted(x, y, side))
        np.testing.assert_array_equal(find(b, v), expected)
        mapped = numax.jit(numax.vmap(lambda x, y: nnp.searchsorted(x, y, side), (None, 0)))
        np.testing.assert_array_equal(mapped(b, v.reshape(1000, 3)), expected.reshape(1000, 3))
    whole = np.sort(RNG.integers(0, 50, n)).astype(np.int32)
    needles = RNG.integers(-5, 60, 3000).astype(np.int32)
    found = numax.jit(lambda x, y: nnp.searchsorted(x, y, side))(whole, needles)
    np.testing.assert_array_equal(found, np.searchsorted(whole, needles, side))


def test_the_derivative_of_interp():
    xp = np.sort(RNG.standard_normal(50)).astype(np.float32)
    fp = RNG.standard_normal(50).astype(np.float32)
    x = RNG.uniform(-1, 1, 3000).astype(np.float32)
    slope = numax.jit(numax.grad(lambda a: nnp.interp(a, xp, fp).sum()))(x)
    place = np.searchsorted(xp, x, "right")
    expected = (fp[place] - fp[place - 1]) / (xp[place] - xp[place - 1])
    np.testing.assert_allclose(slope, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("low", "high", "bins"),
    [
        (-3, 3, 1),
        (-3, 3, 100),
        (-3, 3, 4097),
        (1e6, 1e6 + 1, 8),
        (-1e-30, 2e-30, 7),
        (0, 3e38, 9),
    ],
)
def test_bins_of_equal_width(low, high, bins):
    x = RNG.uniform(low - 0.1 * (high - low), high, 5000).astype(np.float32)
    edges = np.asarray(nnp.linspace(np.float32(low), np.float32(high), bins + 1))
    x[: min(bins + 1, 4000)] = edges[:4000]
    x[-3:] = np.nan, np.float32(high), np.float32(low)
    limits = np.float32(low), np.float32(high)

    def bin_(a):
        return nnp.histogram(a, bins, limits)

    pair = np.stack([x, x[::-1]])
    rows = [bin_(x), numax.jit(bin_)(x)]
    rows += zip(*numax.jit(numax.vmap(bin_))(pair), strict=True)
    for counts, found in rows:
        np.testing.assert_allclose(found, edges, rtol=3e-7, atol=1e-6 * max(abs(low), abs(high)))
        np.testing.assert_array_equal(counts, np.histogram(x[~np.isnan(x)], found)[0])


def test_the_gradient_of_a_histogram_is_that_of_its_weights():
    x, w = RNG.standard_normal(3000).astype(np.float32), RNG.random(3000).astype(np.float32)
    scale = np.arange(10, dtype=np.float32)
    loss = numax.jit(
        numax.grad(lambda a, b: (nnp.histogram(a, 10, weights=b)[0] * scale).sum(), (0, 1))
    )
    by_x, by_w = loss(x, w)
    edges = np.asarray(nnp.histogram_bin_edges(x, 10))
    np.testing.assert_array_equal(by_x, np.zeros_like(x))
    np.testing.assert_array_equal(
        by_w, scale[np.clip(np.searchsorted(edges, x, "right") - 1, 0, 9)]
    )


@pytest.mark.parametrize("dtype", ["int32", "int8", "uint8"])
def test_counting_drops_large_numbers(dtype):
    x = RNG.integers(0, 100, 3000).astype(dtype)
    if dtype[0] == "i":
        x[:50] = -x[:50]
    expected = np.bincount(np.maximum(x, 0).astype(np.int64), minlength=101)
    for length in (1, 60, 101, 300):
        wanted = np.bincount(np.maximum(x, 0).astype(np.int64), minlength=length)[:length]
        found = numax.jit(lambda a, n=length: nnp.bincount(a, length=n))(x)
        np.testing.assert_array_equal(found, wanted)
        twice = numax.jit(numax.vmap(lambda a, n=length: nnp.bincount(a, length=n)))(
            np.stack([x, x])
        )
        np.testing.assert_array_equal(twice, [wanted, wanted])
    assert expected.sum() == 3000


def test_counting_in_parts():
    x = RNG.integers(-1, 120, 70001).astype(np.int32)
    w = RNG.integers(0, 9, 70001).astype(np.float32)
    found = numax.jit(lambda a: nnp.bincount(a, length=100))(x)
    np.testing.assert_array_equal(found, np.bincount(np.maximum(x, 0), minlength=100)[:100])
    found = numax.jit(lambda a, b: nnp.bincount(a, b, length=100))(x, w)
    np.testing.assert_array_equal(found, np.bincount(np.maximum(x, 0), w, minlength=100)[:100])


def test_large_maxima_of_infinities_of_both_signs():
    x = RNG.standard_normal((70, 100)).astype(np.float32)
    x[3, 5], x[3, 6], x[8, 1] = np.inf, -np.inf, np.nan
    for axis in (0, 1, None):
        for ours, theirs in ((nnp.max, np.max), (nnp.min, np.min)):
            found = numax.jit(lambda a, f=ours, k=axis: f(a, k))(x)
            np.testing.assert_array_equal(found, theirs(x, axis))
    finite = np.where(np.isnan(x), 0, x)
    np.testing.assert_array_equal(numax.jit(lambda a: a.max(1))(finite), finite.max(1))
    mapped = numax.jit(numax.vmap(lambda a: a.max()))(x[None].repeat(2, 0))
    np.testing.assert_array_equal(mapped, [np.nan, np.nan])
    _, rows = numax.jit(lambda a: lax.scan(lambda c, row: (c, row.max()), 0, a))(x)
    np.testing.assert_array_equal(rows, x.max(1))


def test_softmax_of_nan_is_nan():
    x = RNG.standard_normal((70, 100)).astype(np.float32)
    x[8, 1] = np.nan
    out = np.asarray(numax.jit(lambda a: nn.softmax(a, axis=1))(x))
    np.testing.assert_array_equal(np.isnan(out), np.isnan(x).any(1, keepdims=True).repeat(100, 1))
    np.testing.assert_array_equal(out, numax.jit(nn.softmax)(x))


def test_a_short_argmax_does_not_compute_its_operand_inside():
    x = np.random.default_rng(0).standard_normal((2000, 10)).astype(np.float32)
    f = numax.jit(lambda a: nnp.argmax(nnp.sin(a), -1))
    np.testing.assert_array_equal(f(x), np.argmax(np.sin(x), -1))
    text = f.lower(x).compile().as_text()
    entry = text[text.index("ENTRY") :]
    assert 'inlineable="false"' in entry and "reduce" not in entry.split("call(")[0]
