"""The scatters: replacing, subtracting, multiplying, extremes, functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_places import elements, problems, result_shape
from ops_rules import check_batching, check_derivatives, compiled, pulled, run

from numax._engine.core import dtypes
from numax._engine.core.array import Array, from_numpy, wrap
from numax._engine.core.avals import etype
from numax._engine.core.config import enable_x64
from numax._engine.ops import scatter as module
from numax._engine.ops.arithmetic import mul
from numax._engine.ops.basis import add, constant_like
from numax._engine.ops.elementwise import sin
from numax._engine.ops.gather import ScatterDimensionNumbers, scatter_add
from numax._engine.ops.scatter import (
    scatter,
    scatter_apply,
    scatter_max,
    scatter_min,
    scatter_mul,
    scatter_sub,
)
from numax._engine.transforms.vmap import Axis, vmap

KINDS = {
    "scatter": (scatter, lambda old, new: new),
    "scatter_sub": (scatter_sub, np.subtract),
    "scatter_mul": (scatter_mul, np.multiply),
    "scatter_min": (scatter_min, np.minimum),
    "scatter_max": (scatter_max, np.maximum),
}
ROWS = ScatterDimensionNumbers((1,), (0,), (0,))
POINTS = ScatterDimensionNumbers((), (0,), (0,))


def combined(x, indices, updates, numbers, sizes, mode, combine):
    out = x.copy()
    for place, target in elements(x.shape, indices, numbers, sizes, updates.shape)(mode):
        if target is not None:
            out[target] = combine(out[target], updates[place])
    return out


@settings(max_examples=80, deadline=None)
@given(problems(), st.sampled_from(["clip", "drop"]), st.sampled_from(sorted(KINDS)))
def test_scatters_follow_their_definition(problem, mode, kind):
    shape, indices, numbers, sizes = problem
    fun, combine = KINDS[kind]
    rng = np.random.default_rng(0)
    x = rng.integers(1, 9, shape).astype(np.float32)
    updates = rng.integers(1, 3, result_shape(shape, indices, numbers, sizes)).astype(np.float32)
    where = ScatterDimensionNumbers(*numbers)
    got = run(lambda a, i, u: fun(a, i, u, where, mode=mode), [x, indices, updates])[0]
    expected = combined(x, indices, updates, numbers, sizes, mode, combine)
    if kind != "scatter":
        np.testing.assert_array_equal(got, expected)
    else:  # which of several updates wins is not said
        allowed = {(i, e) for i, e in enumerate(x.reshape(-1))}
        for place, target in elements(shape, indices, numbers, sizes, updates.shape)(mode):
            if target is not None:
                flat = int(np.ravel_multi_index(target, shape))
                allowed.discard((flat, x[target]))
                allowed.add((flat, updates[place]))
        assert {(i, e) for i, e in enumerate(got.reshape(-1))} <= allowed


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("mode", ["clip", "drop"])
@pytest.mark.parametrize("indices", [[[0], [2], [0]], [[1]], [[3], [1], [7]]])
def test_compiled_programs_and_batching_agree(kind, mode, indices):
    fun = KINDS[kind][0]
    index = np.array(indices, np.int32)
    x, u = np.random.default_rng(0).standard_normal((2, 4, 3)).astype(np.float32)
    u = u[: len(index)]
    args = [x, index, u]

    def call(a, i, b):
        return fun(a, i, b, ROWS, mode=mode)

    np.testing.assert_allclose(compiled(call, args)[0], run(call, args)[0], rtol=1e-6)
    with enable_x64(True):
        check_batching(call, [x.astype(np.float64), index, u.astype(np.float64)], 1e-12, 1e-12)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("indices", [[[0], [2], [0]], [[1]], [[3], [1], [7]]])
def test_derivatives(kind, indices):
    fun = KINDS[kind][0]
    index = from_numpy(np.array(indices))
    x, u = np.random.default_rng(1).standard_normal((2, 4, 3))
    check_derivatives(lambda a, b: fun(a, index, b, ROWS), [x, u[: len(indices)]], order=2)
    unique = len({i for (i,) in indices}) == len(indices)
    check_derivatives(
        lambda a, b: fun(a, index, b, ROWS, unique_indices=unique), [x, u[: len(indices)]], order=1
    )


def test_products_differentiate_through_zeros():
    index = from_numpy(np.array([[0], [0], [1], [1], [1], [2]]))
    x = np.array([2.0, 3.0, 5.0])
    u = np.array([0.0, 4.0, 0.0, 0.0, 2.0, 0.0])
    check_derivatives(lambda a, b: scatter_mul(a, index, b, POINTS), [x, u], order=1)


@pytest.mark.parametrize("fun", [scatter_min, scatter_max])
def test_ties_share_the_derivative(fun):
    index = from_numpy(np.array([[0], [0]]))
    got = pulled(
        lambda a, u: fun(a, index, u, POINTS),
        [np.array([1.0, 2.0]), np.array([1.0, 1.0])],
        [np.ones(2)],
    )
    np.testing.assert_allclose(got[0], [1 / 3, 1])
    np.testing.assert_allclose(got[1], [1 / 3, 1 / 3])


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint16", "int32", "float16", "bfloat16", "complex64"]
)
def test_dtypes(dtype):
    x = np.array([1, 0, 3]).astype(dtypes.as_dtype(dtype))
    u = np.array([1, 1, 2]).astype(x.dtype)
    index = np.array([[0], [0], [2]])
    for fun, combine in (
        (scatter_add, np.add),
        (scatter_mul, np.multiply),
        (scatter_max, np.maximum),
    ):
        if dtype == "complex64" and fun is scatter_max:
            continue
        expected = x.copy()
        combine.at(expected, index[:, 0], u)
        got = run(lambda a, i, b, f=fun: f(a, i, b, POINTS), [x, index, u])[0]
        assert got.dtype == x.dtype
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(
            compiled(lambda a, i, b, f=fun: f(a, i, b, POINTS), [x, index, u])[0], expected
        )


@pytest.mark.parametrize("fun", [scatter_min, scatter_max])
def test_nan_wins(fun):
    args = [
        np.array([1.0, np.nan], np.float32),
        np.array([[0], [1]]),
        np.array([np.nan, 1.0], np.float32),
    ]
    for how in (run, compiled):
        assert np.isnan(how(lambda a, i, u: fun(a, i, u, POINTS), args)[0]).all()


def test_keys_are_replaced():
    kind = etype(dtypes.key_type("threefry2x32", "fry"))
    k, new = wrap(np.array([5, 6, 7], np.uint64), kind), wrap(np.array([2**63], np.uint64), kind)
    out = scatter(k, np.array([[1]]), new, POINTS)
    assert out.dtype == k.dtype
    assert out.numpy_().tolist() == [5, 2**63, 7]
    with pytest.raises(TypeError, match="scatter_add: cannot combine"):
        scatter_add(k, np.array([[1]]), new, POINTS)


def double_and_one(x):
    return add(mul(x, constant_like(x, 2)), constant_like(x, 1))


@pytest.mark.parametrize("indices", [[[1], [1]], [[0], [2]], [[1], [9], [1], [1]]])
def test_functions_apply_as_often_as_named(indices):
    x = np.array([0.0, 1.0, 2.0], np.float32)
    index = np.array(indices)
    expected = x.copy()
    for (i,) in indices:
        if i < 3:
            expected[i] = expected[i] * 2 + 1

    def call(a, i):
        return scatter_apply(a, i, double_and_one, POINTS, update_shape=(len(indices),))

    np.testing.assert_array_equal(run(call, [x, index])[0], expected)
    np.testing.assert_array_equal(compiled(call, [x, index])[0], expected)


def test_functions_apply_to_windows_and_differentiate():
    x = np.random.default_rng(0).standard_normal((3, 4))
    for indices in ([[1], [1]], [[0], [2]], [[1]]):
        known = from_numpy(np.array(indices))

        count = len(indices)

        def call(a, known=known, n=count):
            return scatter_apply(a, known, sin, ROWS, update_shape=(n, 4))

        check_derivatives(call, [x], order=2)
        with enable_x64(True):
            check_batching(call, [x], 1e-12, 1e-12)


def test_batched_functions_of_traced_indices():
    x = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    index = np.array([[[1], [1]], [[0], [2]]])

    def call(a, i):
        assert type(i) is not Array
        return [scatter_apply(a, i, double_and_one, POINTS, update_shape=(2,))]

    outs, dims = vmap(call, Axis(2), [from_numpy(x), from_numpy(index)], [0, 0])
    assert dims == [0]
    np.testing.assert_array_equal(outs[0].numpy_(), [[0, 7, 2], [7, 4, 11]])


def test_exports_exist():
    assert all(hasattr(module, name) for name in module.__all__)


X = from_numpy(np.ones((3,), np.float32))
I1 = np.zeros((1, 1), np.int32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: scatter(X, I1, np.ones(1, np.int32), POINTS),
            TypeError,
            "scatter: operand and updates must have",
        ),
        (
            lambda: scatter_min(X, I1, np.ones(2, np.float32), POINTS),
            TypeError,
            "scatter_min: batch sizes",
        ),
        (
            lambda: scatter_max(np.ones(3, np.complex64), I1, np.ones(1, np.complex64), POINTS),
            TypeError,
            "scatter_max: cannot combine elements of dtype complex64",
        ),
        (
            lambda: scatter_sub(X, I1 * 1.5, np.ones(1, np.float32), POINTS),
            ValueError,
            "must be integers",
        ),
        (
            lambda: scatter_apply(
                X, I1, lambda v: np.ones((5, 5), np.float32), POINTS, update_shape=(1,)
            ),
            TypeError,
            "func must work on each element",
        ),
        (lambda: scatter_apply(X, I1, sin, POINTS), TypeError, "scatter_apply: update_window_dims"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
