"""gather and scatter_add against their definitions, for arbitrary dimension numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_places import elements, problems, result_shape
from ops_rules import check_batching, check_derivatives, compiled, run

from numax._engine.core import dtypes
from numax._engine.core.array import from_numpy, wrap
from numax._engine.core.avals import etype
from numax._engine.core.config import enable_x64
from numax._engine.ops.gather import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
    gather,
    scatter_add,
)


def gathered(x, indices, numbers, sizes, mode, fill):
    out = np.full(result_shape(x.shape, indices, numbers, sizes), fill, x.dtype)
    for place, source in elements(x.shape, indices, numbers, sizes, out.shape)(mode):
        if source is not None:
            out[place] = x[source]
    return out


def added(x, indices, updates, numbers, sizes, mode):
    out = x.copy()
    for place, target in elements(x.shape, indices, numbers, sizes, updates.shape)(mode):
        if target is not None:
            out[target] += updates[place]
    return out


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from(["clip", "fill"]))
def test_gather_follows_its_definition(problem, mode):
    shape, indices, numbers, sizes = problem
    x = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    got = run(lambda a, i: gather(a, i, numbers, sizes, mode=mode, fill_value=-7), [x, indices])[0]
    np.testing.assert_array_equal(got, gathered(x, indices, numbers, sizes, mode, -7))


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from(["clip", "drop"]))
def test_scatter_add_follows_its_definition(problem, mode):
    shape, indices, numbers, sizes = problem
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, shape).astype(np.float32)
    updates = rng.integers(0, 9, result_shape(shape, indices, numbers, sizes)).astype(np.float32)
    where = ScatterDimensionNumbers(*numbers)
    got = run(lambda a, i, u: scatter_add(a, i, u, where, mode=mode), [x, indices, updates])[0]
    np.testing.assert_array_equal(got, added(x, indices, updates, numbers, sizes, mode))


@settings(max_examples=12, deadline=None)
@given(problems(), st.sampled_from(["clip", "fill"]))
def test_compiled_programs_agree(problem, mode):
    shape, indices, numbers, sizes = problem
    x = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    updates = np.ones(result_shape(shape, indices, numbers, sizes), np.float32)

    def both(a, i, u):
        where = ScatterDimensionNumbers(*numbers)
        return gather(a, i, numbers, sizes, mode=mode), scatter_add(a, i, u, where, mode=mode)

    args = [x, indices, updates]
    for got, expected in zip(compiled(both, args), run(both, args), strict=True):
        np.testing.assert_array_equal(got, expected)


@settings(max_examples=12, deadline=None)
@given(problems(), st.sampled_from(["clip", "fill"]))
def test_derivatives_and_batching(problem, mode):
    shape, indices, numbers, sizes = problem
    x = np.random.default_rng(0).standard_normal(shape)
    updates = np.random.default_rng(1).standard_normal(result_shape(shape, indices, numbers, sizes))
    known = from_numpy(indices)
    where = ScatterDimensionNumbers(*numbers)
    check_derivatives(
        lambda a: gather(a, known, numbers, sizes, mode=mode, fill_value=1), [x], order=1
    )
    check_derivatives(
        lambda a, u: scatter_add(a, known, u, where, mode=mode), [x, updates], order=1
    )
    with enable_x64(True):
        check_batching(lambda a, i: gather(a, i, numbers, sizes, mode=mode), [x, indices], 0, 0)
        check_batching(
            lambda a, i, u: scatter_add(a, i, u, where, mode=mode),
            [x, indices, updates],
            1e-12,
            1e-12,
        )


ROWS = GatherDimensionNumbers((1,), (0,), (0,))


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("float32", np.nan),
        ("bfloat16", np.nan),
        ("complex64", np.nan),
        ("int16", -(2**15)),
        ("uint8", 255),
        ("bool", True),
        ("int4", -8),
    ],
)
def test_default_fill_values(dtype, fill):
    x = np.ones((2, 3)).astype(dtypes.as_dtype(dtype))
    for how in (run, compiled):
        got = how(lambda a, i: gather(a, i, ROWS, (1, 3)), [x, np.array([[1], [5]])])[0]
        assert got.dtype == x.dtype
        np.testing.assert_array_equal(got[0], x[1])
        wide = np.complex64 if dtype == "complex64" else np.float32
        np.testing.assert_array_equal(got[1].astype(wide), np.full(3, fill, wide))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("mode", ["clip", "fill"])
def test_every_integer_dtype_indexes(dtype, mode):
    x = np.arange(300.0, dtype=np.float32)
    middle = -100 if dtype == "int8" else 200
    index = np.array([[0], [middle], [np.iinfo(dtype).max]], dtype)
    numbers = GatherDimensionNumbers((), (0,), (0,))
    with enable_x64(True):
        eager = run(lambda a, i: gather(a, i, numbers, (1,), mode=mode), [x, index])[0]
        traced = compiled(lambda a, i: gather(a, i, numbers, (1,), mode=mode), [x, index])[0]
    places = [int(i) for i in index[:, 0]]
    expected = [
        x[min(max(i, 0), 299)] if mode == "clip" or 0 <= i < 300 else np.nan for i in places
    ]
    np.testing.assert_array_equal(eager, np.array(expected, np.float32))
    np.testing.assert_array_equal(traced, eager)


def test_keys_are_gathered():
    k = wrap(np.array([5, 6, 2**63], np.uint64), etype(dtypes.key_type("threefry2x32", "fry")))
    numbers = GatherDimensionNumbers((), (0,), (0,))
    out = gather(k, np.array([[2], [9], [0]]), numbers, (1,))
    assert out.dtype == k.dtype
    assert out.numpy_().tolist() == [2**63, 2**64 - 1, 5]


def test_second_derivatives():
    i = from_numpy(np.array([[0], [2], [0]]))
    numbers = GatherDimensionNumbers((), (0,), (0,))

    def fun(a):
        y = gather(a, i, numbers, (1,))
        return scatter_add(a, i, y, ScatterDimensionNumbers((), (0,), (0,)))

    check_derivatives(fun, [np.array([1.0, 2.0, 3.0])], order=2)


def test_modes():
    assert [m.value for m in GatherScatterMode] == [1, 2, 3, 4]
    assert GatherScatterMode.from_any(None) is GatherScatterMode.FILL_OR_DROP
    assert GatherScatterMode.from_any("promise_in_bounds") is GatherScatterMode.PROMISE_IN_BOUNDS
    with pytest.raises(ValueError, match="unknown mode 'wrap'"):
        GatherScatterMode.from_any("wrap")


X = from_numpy(np.ones((3, 4), np.float32))
I1 = np.zeros((1, 1), np.int32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gather(X, np.zeros((1, 2), int), ROWS, (1, 4)),
            TypeError,
            "start_index_map must have",
        ),
        (
            lambda: gather(X, I1, ROWS, (1, 9)),
            TypeError,
            r"slice size 9 of axis 1 must lie in 0..4",
        ),
        (lambda: gather(X, I1, ROWS, (2, 4)), TypeError, "axis 0 is left out"),
        (lambda: gather(X, I1 * 1.0, ROWS, (1, 4)), ValueError, "indices must be integers"),
        (
            lambda: gather(X, I1, ROWS._replace(offset_dims=(1, 0)), (1, 4)),
            TypeError,
            "offset_dims",
        ),
        (lambda: gather(X, I1, ROWS, (1,)), TypeError, "a size for each"),
        (lambda: gather(X, np.int32(0), ROWS, (1, 4)), TypeError, "last dimension of indices"),
        (
            lambda: scatter_add(X, I1, np.ones((1, 5), np.float32), ScatterDimensionNumbers(*ROWS)),
            TypeError,
            "window of updates is larger",
        ),
        (
            lambda: scatter_add(X, I1, np.ones((1, 4), np.int32), ScatterDimensionNumbers(*ROWS)),
            TypeError,
            "equal dtypes",
        ),
        (
            lambda: scatter_add(X, I1, np.ones((2, 4), np.float32), ScatterDimensionNumbers(*ROWS)),
            TypeError,
            "batch sizes of updates",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
