"""Slices at static and at computed places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_rules import check_batching, check_derivatives, compiled, run

from numax._engine.core import dtypes
from numax._engine.core.array import from_numpy, wrap
from numax._engine.core.avals import etype
from numax._engine.core.config import enable_x64
from numax._engine.ops import slicing


def numbers(*sizes, seed=0):
    return np.random.default_rng(seed).standard_normal(sizes)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_slice_is_numpys(data):
    shape = data.draw(st.lists(st.integers(0, 5), max_size=3))
    x = numbers(*shape)
    start = [data.draw(st.integers(0, n)) for n in shape]
    limit = [data.draw(st.integers(a, n)) for a, n in zip(start, shape, strict=True)]
    steps = [data.draw(st.integers(1, 3)) for _ in shape]
    expected = x[tuple(map(slice, start, limit, steps))]

    def fun(a):
        return slicing.slice(a, start, limit, steps)

    with enable_x64(True):
        np.testing.assert_array_equal(run(fun, [x])[0], expected)
        check_batching(fun, [x], 0, 0)
    check_derivatives(fun, [x], order=1)


def clamped(shape, starts, sizes):
    out = []
    for n, i, size in zip(shape, starts, sizes, strict=True):
        first = min(max(i + n if i < 0 else i, 0), n - size)
        out.append(slice(first, first + size))
    return tuple(out)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_dynamic_slices_are_moved_inside(data):
    shape = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    sizes = [data.draw(st.integers(0, n)) for n in shape]
    starts = [data.draw(st.integers(-9, 9)) for _ in shape]
    x = numbers(*shape)
    update = numbers(*sizes, seed=1)
    place = clamped(shape, starts, sizes)
    traced = [np.int32(i) for i in starts]
    written = x.copy()
    written[place] = update
    with enable_x64(True):
        for given_starts in (starts, traced):
            got = run(lambda a, u, s=given_starts: slicing.dynamic_slice(a, s, sizes), [x, update])[
                0
            ]
            np.testing.assert_array_equal(got, x[place])
            got = run(
                lambda a, u, s=given_starts: slicing.dynamic_update_slice(a, u, s), [x, update]
            )[0]
            np.testing.assert_array_equal(got, written)


@pytest.mark.parametrize("starts", [(0, 0), (2, 1), (7, -1), (-9, 9)])
def test_dynamic_slices_compiled_batched_differentiated(starts):
    x, update = numbers(4, 3), numbers(2, 2, seed=1)
    indices = [np.int32(i) for i in starts]

    def both(a, u, i, j):
        return slicing.dynamic_slice(a, (i, j), (2, 2)), slicing.dynamic_update_slice(a, u, (i, j))

    args = [x, update, *indices]
    with enable_x64(True):
        for got, expected in zip(compiled(both, args), run(both, args), strict=True):
            np.testing.assert_array_equal(got, expected)
        check_batching(both, args, 0, 0)
        check_batching(lambda a, u: both(a, u, *indices), args[:2], 0, 0)
    check_derivatives(lambda a, u: both(a, u, *indices), args[:2], order=1)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "uint32", "int64", "uint64"])
def test_every_integer_dtype_starts(dtype):
    x = np.arange(300.0, dtype=np.float32)
    for i in (0, 5, np.iinfo(dtype).max, -3):
        if i < 0 and np.dtype(dtype).kind == "u":
            continue
        start = np.array(i, dtype)
        place = clamped((300,), (int(start),), (2,))
        with enable_x64(True):
            for how in (run, compiled):
                got = how(lambda a, s: slicing.dynamic_slice(a, (s,), (2,)), [x, start])[0]
                np.testing.assert_array_equal(got, x[place])


def test_starts_of_several_dtypes_mix():
    x = numbers(3, 4).astype(np.float32)
    args = [x, np.uint8(1), np.int32(-2)]
    for how in (run, compiled):
        got = how(lambda a, i, j: slicing.dynamic_slice(a, (i, j), (1, 2)), args)[0]
        np.testing.assert_array_equal(got, x[1:2, 2:4])


def test_along_one_axis():
    x = numbers(3, 4).astype(np.float32)
    a = from_numpy(x)

    def same(got, expected):
        np.testing.assert_array_equal(got.numpy_(), expected)

    same(slicing.slice_in_dim(a, -2, None, axis=1), x[:, -2:])
    same(slicing.slice_in_dim(a, 0, 3, 2, axis=-1), x[:, 0:3:2])
    same(slicing.index_in_dim(a, -1), x[-1:])
    same(slicing.index_in_dim(a, 1, 1, False), x[:, 1])
    same(slicing.dynamic_slice_in_dim(a, 9, 2, 1), x[:, 2:])
    same(slicing.dynamic_index_in_dim(a, -1), x[-1:])
    same(slicing.dynamic_index_in_dim(a, 7, 1, False), x[:, 3])
    written = x.copy()
    written[:, 1] = 9
    same(slicing.dynamic_update_index_in_dim(a, np.full(3, 9, np.float32), 1, 1), written)
    same(slicing.dynamic_update_slice_in_dim(a, np.full((3, 1), 9, np.float32), 1, 1), written)
    same(slicing.dynamic_slice(a, np.array([1, 2]), (1, 1)), x[1:2, 2:3])


def test_index_take_wraps_around():
    x = numbers(3, 4).astype(np.float32)
    columns = np.array([0, 1, -1, 7])
    for how in (run, compiled):
        got = how(lambda a, i: slicing.index_take(a, (i,), (1,)), [x, columns])[0]
        np.testing.assert_array_equal(got, x[:, columns % 4].T)
        got = how(lambda a, i: slicing.index_take(a, (i, i), (0, 1)), [x, columns])[0]
        np.testing.assert_array_equal(got, x[columns % 3, columns % 4])


def test_keys_are_sliced():
    k = wrap(np.array([5, 6, 2**63], np.uint64), etype(dtypes.key_type("threefry2x32", "fry")))
    assert slicing.slice(k, (1,), (3,)).numpy_().tolist() == [6, 2**63]
    part = slicing.dynamic_slice(k, (np.int32(2),), (1,))
    assert part.dtype == k.dtype
    out = slicing.dynamic_update_slice(k, part, (np.int32(0),))
    assert out.numpy_().tolist() == [2**63, 6, 2**63]


V = from_numpy(np.ones(3, np.float32))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: slicing.slice(V, (0,), (9,)),
            TypeError,
            "must hold along axis 0; got start 0 and limit 9",
        ),
        (lambda: slicing.slice(V, (2,), (1,)), TypeError, "start 2 and limit 1"),
        (lambda: slicing.slice(V, (0, 0), (1, 1)), TypeError, "for each of the 1 axes"),
        (lambda: slicing.slice(V, (0,), (1,), (0,)), TypeError, "strides must be positive"),
        (lambda: slicing.slice_in_dim(V, 0, 10), TypeError, "limit 10"),
        (
            lambda: slicing.index_in_dim(V, 3),
            IndexError,
            "index 3 is out of bounds for axis 0 of size 3",
        ),
        (
            lambda: slicing.dynamic_slice(V, (0, 0), (1,)),
            ValueError,
            "a start for each of the 1 axes",
        ),
        (
            lambda: slicing.dynamic_slice(V, (0,), (4,)),
            TypeError,
            r"size 4 of axis 0 must lie in 0..3",
        ),
        (lambda: slicing.dynamic_slice(V, (0.0,), (1,)), TypeError, "starts must be integers"),
        (lambda: slicing.dynamic_slice(V, (V,), (1,)), TypeError, "starts must be integers"),
        (lambda: slicing.dynamic_slice(V, (np.array([1]),), (1,)), TypeError, "no dimensions"),
        (
            lambda: slicing.dynamic_slice(V, (-1,), (2,), allow_negative_indices=False),
            ValueError,
            "must not be negative",
        ),
        (
            lambda: slicing.dynamic_update_slice(V, np.ones(4, np.float32), (0,)),
            TypeError,
            "size 4 of axis 0",
        ),
        (
            lambda: slicing.dynamic_update_slice(V, np.ones(2, np.int32), (0,)),
            TypeError,
            "equal dtypes",
        ),
        (
            lambda: slicing.dynamic_update_slice(V, np.ones((1, 1), np.float32), (0,)),
            TypeError,
            "equal numbers of axes",
        ),
        (
            lambda: slicing.dynamic_update_index_in_dim(
                np.ones((3, 4), np.float32), np.float32(1), 1, 0
            ),
            TypeError,
            "or lack axis 0",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
