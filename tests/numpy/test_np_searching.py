"""where, nonzero, sorting, searching and sets against NumPy: eager, compiled, differentiated, vectorised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from np_rows import Row, check_grad, check_jit, check_value, check_vmap, rows_of

import numax
import numax.numpy as jnp

rng = np.random.default_rng(1)


def f(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def i(*shape: int) -> np.ndarray:
    return rng.integers(-3, 4, shape).astype(np.int32)


A, V, IV, IA = f(3, 4), f(7), i(9), i(3, 4)
SPECIAL = np.array([3, np.nan, -np.inf, 1, -1, np.inf, np.nan, 2], np.float32)
C = (rng.integers(0, 3, 6) + 1j * rng.integers(0, 3, 6)).astype(np.complex64)
SORTED = np.sort(f(6))
EDGES = np.array([-1.0, -0.25, 0.0, 0.5, 2.0], np.float32)


SORTING = [
    Row(
        "sort_descending",
        lambda xp, a: jnp.sort(a, descending=True),
        (V,),
        reference=lambda a: np.sort(a)[::-1],
    ),
    Row(
        "argsort_descending",
        lambda xp, a: jnp.argsort(a, descending=True),
        (IV,),
        reference=lambda a: np.argsort(-a, stable=True),
    ),
]

METHODS = ("scan", "scan_unrolled", "sort", "compare_all")
SEARCH = [
    *[
        Row(
            f"searchsorted_{side}_{method}",
            lambda xp, a, v, s=side, m=method: jnp.searchsorted(a, v, s, method=m),
            (np.sort(i(11)), i(3, 4)),
            reference=lambda a, v, s=side: np.searchsorted(a, v, s),
            vmap=False,
        )
        for side in ("left", "right")
        for method in METHODS
    ],
    Row(
        "searchsorted_nan",
        lambda xp, a, v: xp.searchsorted(a, v),
        (np.sort(SPECIAL), SPECIAL),
        vmap=False,
        grad=False,
    ),
    Row(
        "searchsorted_nan_right",
        lambda xp, a, v: xp.searchsorted(a, v, side="right"),
        (np.sort(SPECIAL), SPECIAL),
        vmap=False,
        grad=False,
    ),
    Row(
        "searchsorted_sorter",
        lambda xp, a, v: xp.searchsorted(a, v, sorter=np.argsort(IV, stable=True)),
        (IV, i(4)),
        vmap=False,
    ),
    Row(
        "searchsorted_complex", lambda xp, a, v: xp.searchsorted(a, v), (np.sort(C), C), vmap=False
    ),
    Row(
        "searchsorted_empty",
        lambda xp, a, v: xp.searchsorted(a, v),
        (f(0), V),
        vmap=False,
        grad=False,
    ),
    Row("searchsorted_needles", lambda xp, v: xp.searchsorted(SORTED, v), (A,), grad=False),
    Row("digitize", lambda xp, a: xp.digitize(a, EDGES), (A,), grad=False),
    Row("digitize_right", lambda xp, a: xp.digitize(a, EDGES, right=True), (EDGES,), grad=False),
    Row("digitize_falling", lambda xp, a: xp.digitize(a, EDGES[::-1].copy()), (EDGES,), grad=False),
    Row(
        "digitize_traced_bins",
        lambda xp, a, b: xp.digitize(a, b),
        (A, EDGES[::-1].copy()),
        grad=False,
        vmap=False,
    ),
]

D = np.array([3, 1, 2, 3, 1, 5], np.int32)
SETS = [
    Row("isin", lambda xp, a, b: xp.isin(a, b), (IA, np.array([1, 2], np.int32))),
    Row(
        "isin_invert", lambda xp, a, b: xp.isin(a, b, invert=True), (IA, np.array([1, 2], np.int32))
    ),
    Row("isin_nan", lambda xp, a, b: xp.isin(a, b), (SPECIAL, SPECIAL), grad=False),
    Row("isin_empty", lambda xp, a, b: xp.isin(a, b), (A, f(0)), grad=False),
    *[
        Row(
            f"isin_{m}",
            lambda xp, a, b, m=m: jnp.isin(a, b, method=m),
            (IA, D),
            reference=np.isin,
            vmap=False,
        )
        for m in ("compare_all", "binary_search", "sort")
    ],
]

ROWS = SORTING + SEARCH + SETS


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


# ---- results of fixed size: eager and compiled ----

FIXED = [
    (lambda a: jnp.nonzero(a, size=3), [[0, 0, 1], [1, 2, 0]]),
    (
        lambda a: jnp.nonzero(a, size=7, fill_value=9),
        [[0, 0, 1, 1, 1, 9, 9], [1, 2, 0, 1, 2, 9, 9]],
    ),
    (lambda a: jnp.nonzero(a, size=6, fill_value=(7, 8)), [[0, 0, 1, 1, 1, 7], [1, 2, 0, 1, 2, 8]]),
    (lambda a: jnp.where(a > 1, size=2), [[0, 1], [2, 0]]),
    (
        lambda a: jnp.argwhere(a, size=6, fill_value=-1),
        [[0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [-1, -1]],
    ),
    (lambda a: jnp.flatnonzero(a, size=6, fill_value=77), [1, 2, 3, 4, 5, 77]),
    (lambda a: jnp.extract(a > 2, a, size=5, fill_value=-1), [3, 4, 5, -1, -1]),
    (lambda a: jnp.compress(a[:, 0] == 0, a, axis=0, size=2, fill_value=4), [[0, 1, 2], [4, 4, 4]]),
]
U = np.array([3, 1, 1, 2], np.int32)
FIXED_SETS = [
    (lambda u, v: jnp.unique(u, size=5), [1, 2, 3, 1, 1]),
    (
        lambda u, v: jnp.unique(u, True, True, True, size=5, fill_value=-1),
        [[1, 2, 3, -1, -1], [1, 3, 0, 1, 1], [2, 0, 0, 1], [2, 1, 1, 0, 0]],
    ),
    (lambda u, v: jnp.unique(u, True, True, True, size=2), [[1, 2], [1, 3], [2, 0, 0, 1], [2, 1]]),
    (lambda u, v: jnp.unique_values(u, size=4), [1, 2, 3, 1]),
    (lambda u, v: jnp.intersect1d(u, v, size=4), [2, 3, 2, 2]),
    (
        lambda u, v: jnp.intersect1d(u, v, return_indices=True, size=4, fill_value=-1),
        [[2, 3, -1, -1], [3, 0, 4, 4], [0, 1, 3, 3]],
    ),
    (lambda u, v: jnp.union1d(u, v, size=6), [1, 2, 3, 4, 1, 1]),
    (lambda u, v: jnp.union1d(u, v, size=2), [1, 2]),
    (lambda u, v: jnp.setdiff1d(u, v, size=3), [1, 0, 0]),
    (lambda u, v: jnp.setdiff1d(u, v, size=3, fill_value=-1), [1, -1, -1]),
    (lambda u, v: jnp.setxor1d(u, v, size=4), [1, 4, 1, 1]),
    (lambda u, v: jnp.setxor1d(u, v, size=4, fill_value=-1), [1, 4, -1, -1]),
    (lambda u, v: jnp.setxor1d(u, u, size=2), [0, 0]),
    (lambda u, v: jnp.intersect1d(u, v + 10, size=2), [0, 0]),
]


def _check(found, want):
    if isinstance(found, tuple):
        assert len(found) == len(want)
        for x, w in zip(found, want, strict=True):
            np.testing.assert_array_equal(x, w)
    else:
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("transform", [lambda g: g, numax.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("call, want", FIXED)
def test_fixed_size_of_places(call, want, transform):
    _check(transform(call)(jnp.arange(6).reshape(2, 3)), want)


@pytest.mark.parametrize("transform", [lambda g: g, numax.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("call, want", FIXED_SETS)
def test_fixed_size_of_sets(call, want, transform):
    _check(transform(call)(jnp.asarray(U), jnp.array([2, 3, 4])), want)


def test_unique_rows_of_fixed_size_under_jit():
    rows = jnp.array([[1, 2], [1, 2], [0, 1]])
    run = numax.jit(lambda r: jnp.unique(r, True, True, True, axis=0, size=4))
    _check(run(rows), [[[0, 1], [1, 2], [0, 1], [0, 1]], [2, 0, 2, 2], [1, 1, 0], [1, 2, 0, 0]])


def test_fixed_size_maps_over_a_batch():
    out = numax.vmap(lambda u: jnp.unique(u, size=3, fill_value=9))(
        jnp.array([[1, 1, 2], [5, 4, 3]])
    )
    np.testing.assert_array_equal(out, [[1, 2, 9], [3, 4, 5]])


ERRORS = [
    (lambda a: jnp.where(a > 0, a), ValueError, "both or neither"),
    (lambda a: jnp.where(a > 0, a, a, size=2), ValueError, "condition alone"),
    (lambda a: jnp.where(a > 0, a, jnp.ones(5)), ValueError, "Incompatible shapes"),
    (lambda a: jnp.where([True], 1, 2), TypeError, "position 0"),
    (lambda a: jnp.nonzero(3), ValueError, "atleast_1d"),
    (lambda a: jnp.sort(a, kind="quicksort"), TypeError, "stable=True"),
    (lambda a: jnp.sort(a, order="x"), TypeError, "order"),
    (lambda a: jnp.sort(a, axis=4), ValueError, "out of bounds"),
    (lambda a: jnp.sort(jnp.array(1)), ValueError, "out of bounds"),
    (lambda a: jnp.lexsort([]), TypeError, "len > 0"),
    (lambda a: jnp.partition(a, 9), ValueError, "out of bounds"),
    (lambda a: jnp.searchsorted(a, 1), ValueError, "one axis"),
    (lambda a: jnp.searchsorted(a[0], 1, side="mid"), ValueError, "side"),
    (lambda a: jnp.digitize(1, jnp.array([1, 3, 2])), ValueError, "monotonic"),
    (lambda a: jnp.digitize(a * 1j, jnp.arange(3)), TypeError, "complex"),
    (lambda a: jnp.compress(jnp.ones(9), a, axis=0), ValueError, "out of bounds"),
    (lambda a: jnp.isin(a, a, method="foo"), ValueError, "method"),
    (lambda a: jnp.unique([1, 2]), TypeError, "position 0"),
    (lambda a: jnp.unique(jnp.zeros(0), size=2), ValueError, "fill_value"),
    (lambda a: numax.jit(jnp.nonzero)(a), numax.errors.ConcretizationTypeError, "size=n"),
    (lambda a: numax.jit(jnp.unique)(a), numax.errors.ConcretizationTypeError, "size=n"),
]


@pytest.mark.parametrize("call, error, words", ERRORS)
def test_bad_arguments_raise(call, error, words):
    with pytest.raises(error, match=words):
        call(jnp.asarray(A))


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.int32, hnp.array_shapes(max_dims=2, max_side=6), elements=st.integers(-3, 3)))
def test_unique_rebuilds_the_array(x):
    for size in (None, x.size + 1):
        found, index, inverse, counts = jnp.unique(jnp.asarray(x), True, True, True, size=size)
        np.testing.assert_array_equal(np.asarray(found)[np.asarray(inverse)], x)
        np.testing.assert_array_equal(x.reshape(-1)[np.asarray(index)], found)
        assert np.asarray(counts).sum() == x.size


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int8", "uint8", "float8_e4m3fn", "bool"])
def test_small_dtypes_sort_and_search(dtype):
    x = jnp.asarray(np.array([1, 0, 1, 0, 1])).astype(dtype)
    np.testing.assert_array_equal(np.asarray(jnp.sort(x).astype("float32")), [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(jnp.argsort(x), [1, 3, 0, 2, 4])
    np.testing.assert_array_equal(np.asarray(jnp.unique(x).astype("float32")), [0, 1])
    assert int(jnp.searchsorted(jnp.sort(x), x)[0]) == 2
    assert jnp.where(x > 0, x, x).dtype == x.dtype
