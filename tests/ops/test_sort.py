"""Sorting and the largest elements."""

import ml_dtypes
import numpy as np
import pytest
from ops_rules import arrays, check_batching, check_derivatives, compiled, run

from numax._engine.core.config import enable_x64
from numax._engine.ops import sort as S
from numax._engine.stablehlo.builder import Builder

DTYPES = [
    np.dtype(t)
    for t in (
        np.float32,
        np.float16,
        ml_dtypes.bfloat16,
        ml_dtypes.float8_e4m3fn,
        np.int8,
        np.int32,
        np.uint32,
        np.bool_,
        np.complex64,
    )
]
SHAPES = [((7,), 0), ((3, 4), 0), ((2, 5, 3), 1), ((1,), 0), ((0,), 0), ((3, 0), 0), ((2, 400), 1)]
NAN = np.float32(np.nan)


def operand(shape, dtype="float32", seed=0):
    """With equal elements."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal(shape) * 4) / 2
    if np.dtype(dtype).kind == "c":
        x = x + 1j * np.round(rng.standard_normal(shape) * 2)
    if np.dtype(dtype).kind == "u":
        x = abs(x)
    return np.asarray(x).astype(dtype)


def distinct(shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.permutation(np.prod(shape, dtype=int)).reshape(shape) / 4.0


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_one_operand(dtype, shape, axis):
    x = operand(shape, dtype)

    def fun(v):
        return S.sort(v, axis)

    native = x if x.dtype.kind in "fciub" else x.astype(np.float32)
    expected = np.sort(native, axis).astype(dtype)
    for how in (run, compiled):
        got = how(fun, [x])[0]
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_values_move_with_keys(dtype, shape, axis):
    x = operand(shape, dtype)
    places = np.arange(x.size, dtype=np.int32).reshape(shape)

    def fun(k, v):
        return S.sort_key_val(k, v, axis)

    native = x if x.dtype.kind in "fciub" else x.astype(np.float32)
    order = np.argsort(native, axis, kind="stable")
    for how in (run, compiled):
        keys, moved = how(fun, [x, places])
        np.testing.assert_array_equal(keys, np.take_along_axis(x, order, axis))
        np.testing.assert_array_equal(moved, np.take_along_axis(places, order, axis))


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_two_keys(shape, axis):
    x, y = operand(shape), operand(shape, seed=1)
    places = np.arange(x.size, dtype=np.int32).reshape(shape)
    order = np.lexsort((y, x), axis=axis)
    for how in (run, compiled):
        got = how(lambda *v: S.sort(v, axis, num_keys=2), [x, y, places])
        for g, v in zip(got, (x, y, places), strict=True):
            np.testing.assert_array_equal(g, np.take_along_axis(v, order, axis))


@pytest.mark.parametrize("how", [run, compiled])
@pytest.mark.parametrize("repeat", [1, 200])
def test_signs_of_zeros_and_nans(how, repeat):
    x = np.tile(np.float32([3, NAN, -0.0, 0.0, -NAN, -np.inf, np.inf]), repeat)
    places = np.arange(len(x), dtype=np.int32)
    keys, moved = how(S.sort_key_val, [x, places])
    order = np.argsort(x, kind="stable")
    np.testing.assert_array_equal(moved, order)
    np.testing.assert_array_equal(keys, x[order])
    alone = how(S.sort, [x])[0]
    np.testing.assert_array_equal(alone, keys)
    np.testing.assert_array_equal(np.signbit(alone[alone == 0]), np.signbit(keys[keys == 0]))
    assert np.signbit(keys[repeat]) and not np.signbit(keys[repeat + 1])


@pytest.mark.parametrize("how", [run, compiled])
def test_complex_order(how):
    nan = np.nan
    x = np.array([1 + 1j, 1 - 1j, 3j, complex(nan, 0), complex(0, nan)], np.complex64)
    got = how(S.sort, [x])[0]
    np.testing.assert_array_equal(got, x[[2, 4, 1, 0, 3]])


def test_large_arrays_call_numpy_on_the_cpu():
    x = operand((5000,))
    for shape, calls in (((5000,), 1), ((50,), 0)):
        b = Builder("cpu")
        b.scope = type("Scope", (), {"axes": {}})
        (v,) = b.main([(shape, x.dtype)])
        S.sort_p.lower(b, v, dimension=0, is_stable=True, num_keys=1)
        assert len(b.callbacks) == calls
    np.testing.assert_array_equal(compiled(S.sort, [x])[0], np.sort(x))
    places = np.arange(5000, dtype=np.int32)
    keys, moved = compiled(S.sort_key_val, [x, places])
    np.testing.assert_array_equal(moved, np.argsort(x, kind="stable"))
    np.testing.assert_array_equal(keys, np.sort(x))


@pytest.mark.parametrize(("shape", "axis"), SHAPES[:6])
def test_sort_rules(shape, axis):
    x, y = distinct(shape), np.asarray(operand(shape, "float64", 1))

    def fun(k, v):
        return S.sort_key_val(k, v, axis)

    check_derivatives(fun, [x, y])
    with enable_x64(True):
        check_batching(fun, [x, y], 0, 0)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d.kind != "c"], ids=str)
@pytest.mark.parametrize(
    ("shape", "axis", "k"),
    [
        ((7,), 0, 3),
        ((3, 4), 0, 3),
        ((2, 5, 3), 1, 1),
        ((2, 900), 1, 5),
        ((1, 900), 1, 5),
        ((900,), 0, 30),
        ((3,), 0, 0),
    ],
)
def test_top_k(dtype, shape, axis, k):
    x = operand(shape, dtype)
    order = np.argsort(-x.astype(np.float64), axis, kind="stable")
    order = np.take(order, range(k), axis)
    for how in (run, compiled):
        best, places = how(lambda v: S.top_k(v, k, axis=axis), [x])
        assert best.dtype == dtype and places.dtype == np.int32
        np.testing.assert_array_equal(places, order)
        np.testing.assert_array_equal(best, np.take_along_axis(x, order, axis))


@pytest.mark.parametrize("how", [run, compiled])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_top_k_has_the_total_order(how, dtype):
    x = np.float32([1, -NAN, 3, NAN, 2, -0.0, 0.0]).astype(dtype)
    best, places = how(lambda v: S.top_k(v, 7), [x])
    np.testing.assert_array_equal(places, [3, 2, 4, 0, 6, 5, 1])
    np.testing.assert_array_equal(best.astype(np.float32), x.astype(np.float32)[places])


def test_top_k_of_64_bits():
    with enable_x64(True):
        for dtype in (np.float64, np.int64, np.uint64):
            x = np.array([3, 1, 7, 7, 0], dtype)
            for how in (run, compiled):
                np.testing.assert_array_equal(how(lambda v: S.top_k(v, 4), [x])[1], [2, 3, 0, 1])


@pytest.mark.parametrize(("shape", "axis"), [((7,), 0), ((3, 4), 0), ((2, 5, 3), 1)])
def test_top_k_rules(shape, axis):
    for fun in (
        lambda v: S.top_k(v, 3, axis=axis),
        lambda v: S.approx_max_k(v, 2, axis),
        lambda v: S.approx_min_k(v, 2, axis),
    ):
        check_derivatives(fun, [distinct(shape)])
        with enable_x64(True):
            check_batching(fun, [distinct(shape)], 0, 0)


def test_approx_top_k():
    x = distinct((4, 300)).astype(np.float32)
    rising, falling = np.sort(x), -np.sort(-x)
    for how in (run, compiled):
        np.testing.assert_array_equal(how(lambda v: S.approx_max_k(v, 3), [x])[0], falling[:, :3])
        np.testing.assert_array_equal(how(lambda v: S.approx_min_k(v, 3), [x])[0], rising[:, :3])
        candidates = how(lambda v: S.approx_min_k(v, 3, aggregate_to_topk=False), [x])[0]
        np.testing.assert_array_equal(candidates, rising[:, :256])


@pytest.mark.parametrize(
    ("shape", "axis", "k", "recall", "override", "expected"),
    [
        ((1000,), 0, 10, 0.95, -1, 1000),
        ((10000,), 0, 1, 0.95, -1, 1024),
        ((10000,), 0, 10, 0.95, -1, 2048),
        ((10000,), 0, 100, 0.95, -1, 3072),
        ((10000,), 0, 100, 0.99, -1, 10000),
        ((10000,), 0, 100, 0.95, 30000, 2048),
        ((100000,), 0, 100, 0.99, 300000, 7168),
        ((1000000,), 0, 100, 0.99, -1, 16384),
        ((5, 1000), 1, 5, 0.95, -1, 256),
        ((1000, 5), 0, 5, 0.95, -1, 256),
    ],
)
def test_number_of_candidates_is_that_of_the_tpu(shape, axis, k, recall, override, expected):
    x = arrays([np.broadcast_to(np.float32(0), shape)])[0]
    out = S.approx_top_k_p.infer(
        x.aval,
        k=k,
        reduction_dimension=axis,
        recall_target=recall,
        is_max_k=True,
        reduction_input_size_override=override,
        aggregate_to_topk=False,
    )
    assert out[0].shape[axis] == expected


X = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: S.sort(X, 2), ValueError, "sort: axis 2 is out of bounds"),
        (
            lambda: S.sort(np.float32(3)),
            ValueError,
            "sort: axis -1 is out of bounds for array of dimension 0",
        ),
        (lambda: S.sort((X, X[:1])), TypeError, "equal shapes"),
        (lambda: S.sort((X, X), num_keys=0), ValueError, "num_keys must lie between 1 and"),
        (lambda: S.sort([]), TypeError, "at least one operand"),
        (lambda: S.top_k(X, 4), ValueError, "k must be at most the axis's size, 3; got k=4"),
        (lambda: S.top_k(X, -1), ValueError, "must not be negative"),
        (lambda: S.top_k(X.astype(np.complex64), 1), ValueError, "complex numbers have no order"),
        (lambda: S.approx_max_k(X.astype(np.int32), 1), ValueError, "accepts real floats"),
        (lambda: S.approx_min_k(X, 4), ValueError, r"must lie in 0\.\.3"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
