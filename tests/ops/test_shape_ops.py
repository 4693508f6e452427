"""Operations on shapes: joining, cutting, padding, repeating."""

import numpy as np
import pytest
from ops_rules import check_batching, check_derivatives, compiled, run

from numax._engine.core import dtypes
from numax._engine.core.array import from_numpy, wrap
from numax._engine.core.avals import etype
from numax._engine.core.config import enable_x64
from numax._engine.ops import shape


def numbers(*sizes, dtype="float64", seed=0):
    return (np.random.default_rng(seed).standard_normal(sizes) * 5).astype(dtype)


def padded(x, value, config):
    """Padding by its definition: one element after the other."""
    sizes = [
        lo + hi + n + max(n - 1, 0) * step
        for n, (lo, hi, step) in zip(x.shape, config, strict=True)
    ]
    out = np.full(sizes, value, x.dtype)
    for place in np.ndindex(*x.shape):
        target = tuple(lo + i * (step + 1) for i, (lo, _, step) in zip(place, config, strict=True))
        if all(0 <= i < n for i, n in zip(target, sizes, strict=True)):
            out[target] = x[place]
    return out


CONFIGS = [
    ((3,), [(1, 2, 0)]),
    ((4,), [(-1, -2, 0)]),
    ((4,), [(-3, 1, 2)]),
    ((4,), [(2, -5, 1)]),
    ((4,), [(-4, 0, 0)]),
    ((0,), [(1, 2, 3)]),
    ((1,), [(0, 0, 4)]),
    ((), []),
    ((3, 4), [(1, -1, 1), (-2, 3, 2)]),
    ((2, 3, 2), [(0, 0, 0), (1, 1, 0), (-1, 2, 1)]),
]


@pytest.mark.parametrize(("sizes", "config"), CONFIGS)
def test_pad_follows_its_definition(sizes, config):
    x = numbers(*sizes, dtype="float32")

    def fun(a, v):
        return shape.pad(a, v, config)

    args = [x, np.float32(7)]
    expected = padded(x, 7, config)
    np.testing.assert_array_equal(run(fun, args)[0], expected)
    np.testing.assert_array_equal(compiled(fun, args)[0], expected)
    args = [x.astype(np.float64), np.array(0.5)]
    check_derivatives(fun, args, order=1)
    with enable_x64(True):
        check_batching(fun, args, 0, 0)


def stacked(*parts):
    return shape.stack(parts, 1)


LINEAR = {
    "concatenate": (
        lambda a, b: shape.concatenate([a, b, a], 1),
        [(2, 3), (2, 1)],
        lambda a, b: np.concatenate([a, b, a], 1),
    ),
    "stack": (stacked, [(2, 3), (2, 3)], lambda a, b: np.stack([a, b], 1)),
    "unstack": (lambda a: shape.unstack(a, 1), [(2, 3)], lambda a: [a[:, i] for i in range(3)]),
    "split": (lambda a: shape.split(a, (1, 0, 3), -1), [(2, 4)], lambda a: np.split(a, [1, 1], 1)),
    "rev": (lambda a: shape.rev(a, (0, 2)), [(2, 3, 2)], lambda a: a[::-1, :, ::-1]),
    "tile": (lambda a: shape.tile(a, (2, 3)), [(2, 3)], lambda a: np.tile(a, (2, 3))),
    "tile_nothing": (lambda a: shape.tile(a, (0, 1)), [(2, 3)], lambda a: np.tile(a, (0, 1))),
    "collapse": (lambda a: shape.collapse(a, 1, 3), [(2, 3, 4)], lambda a: a.reshape(2, 12)),
    "broadcast": (
        lambda a: shape.broadcast(a, (2, 1)),
        [(3,)],
        lambda a: np.broadcast_to(a, (2, 1, 3)),
    ),
    "broadcast_to_rank": (
        lambda a: shape.broadcast_to_rank(a, 3),
        [(3,)],
        lambda a: a.reshape(1, 1, 3),
    ),
    "full": (lambda a: shape.full((2, 2), a), [()], lambda a: np.full((2, 2), a)),
    "copy": (shape.copy_p.bind, [(3,)], np.copy),
    "barrier": (lambda a, b: shape.optimization_barrier((a, b)), [(3,), (2,)], lambda a, b: (a, b)),
}


@pytest.mark.parametrize("name", LINEAR)
def test_values_and_rules(name):
    fun, sizes, reference = LINEAR[name]
    args = [numbers(*s, seed=i) for i, s in enumerate(sizes)]
    with enable_x64(True):
        expected = reference(*args)
        expected = list(expected) if isinstance(expected, list | tuple) else [expected]
        for got in (run(fun, args), compiled(fun, args)):
            assert len(got) == len(expected)
            for g, e in zip(got, expected, strict=True):
                np.testing.assert_array_equal(g, e)
        check_batching(fun, args, 0, 0)
    check_derivatives(fun, args, order=1)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint16", "bfloat16", "float16", "complex64", "int4"]
)
def test_structure_keeps_every_dtype(dtype):
    x = numbers(2, 3, dtype="float32").astype(dtypes.as_dtype(dtype))

    def fun(a):
        row = shape.rev(shape.concatenate([a, a], 0), (0,))
        return shape.pad(
            shape.tile(row, (1, 2)), shape.full((), 0, a.dtype), [(0, 1, 0), (0, 0, 0)]
        )

    got = run(fun, [x])[0]
    expected = np.pad(np.tile(np.concatenate([x, x])[::-1], (1, 2)), [(0, 1), (0, 0)])
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(compiled(fun, [x])[0], expected)


def keys(*data):
    return wrap(np.array(data, np.uint64), etype(dtypes.key_type("threefry2x32", "fry")))


def test_structure_takes_keys():
    k = keys(1, 2**63, 3)
    out = shape.concatenate([shape.rev(k, (0,)), shape.full((2,), shape.unstack(keys(9))[0])], 0)
    assert out.dtype == k.dtype
    assert out.numpy_().tolist() == [3, 2**63, 1, 9, 9]


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32", "bfloat16", "complex64"])
def test_iota(dtype):
    for fun in (lambda: shape.broadcasted_iota(dtype, (2, 3), 1), lambda: shape.iota(dtype, 3)):
        got = run(fun, [])[0]
        np.testing.assert_array_equal(
            got, np.broadcast_to(np.arange(3).astype(dtypes.as_dtype(dtype)), got.shape)
        )
        np.testing.assert_array_equal(compiled(fun, [])[0], got)


def test_full_and_full_like_types():
    assert shape.full((2,), 1).weak_type
    assert shape.full((2,), 1.5, int).numpy_().tolist() == [1, 1]
    x = from_numpy(np.ones((2, 3), np.int8))
    like = shape.full_like(x, 3.7)
    assert like.dtype == np.int8
    assert like.numpy_().tolist() == [[3] * 3] * 2
    assert shape.full_like(x, 1, shape=(4,), dtype="float32").shape == (4,)
    assert shape.empty((2,), np.float32).shape == (2,)


def test_broadcast_shapes():
    assert shape.broadcast_shapes((1, 2), (3, 1, 1)) == (3, 1, 2)
    assert shape.broadcast_shapes((0,), (1,)) == (0,)
    assert shape.broadcast_shapes() == ()
    with pytest.raises(ValueError, match=r"broadcast_shapes: sizes of axis -1 differ"):
        shape.broadcast_shapes((2,), (3,))


def ones(*sizes, dtype=np.float32):
    return from_numpy(np.ones(sizes, dtype))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: shape.concatenate([], 0), ValueError, "at least one array"),
        (
            lambda: shape.concatenate([ones(3), ones(3, dtype=np.int32)], 0),
            TypeError,
            "equal dtypes",
        ),
        (
            lambda: shape.concatenate([ones(3, 4), ones(3, 2)], 0),
            TypeError,
            "shapes must agree but for axis 0",
        ),
        (lambda: shape.concatenate([ones(3, 4), ones(3)], 0), TypeError, "shapes must agree"),
        (
            lambda: shape.concatenate([ones(3), ones(3)], -1),
            TypeError,
            "dimension must be one of the 1 axes",
        ),
        (lambda: shape.pad(ones(3), np.int32(1), [(0, 1, 0)]), TypeError, "equal dtypes"),
        (lambda: shape.pad(ones(3), 1.0, [(0, 1, 0)] * 2), ValueError, "for each axis"),
        (lambda: shape.pad(ones(3), 1.0, [(0, 1, -1)]), ValueError, "must not be negative"),
        (lambda: shape.pad(ones(3), 1.0, [(-2, -2, 0)]), ValueError, "more is cut off"),
        (lambda: shape.pad(ones(3), ones(3), [(1, 0, 0)]), ValueError, "no dimensions"),
        (lambda: shape.rev(ones(3), (0, 0)), TypeError, "different axes"),
        (lambda: shape.rev(ones(3), (-1,)), TypeError, "different axes"),
        (lambda: shape.iota(bool, 3), TypeError, "iota: accepts"),
        (lambda: shape.broadcasted_iota(int, (2, 3), 2), ValueError, "one of the 2 axes"),
        (lambda: shape.split(ones(3), (1, 1)), ValueError, "add up to 3"),
        (lambda: shape.split(ones(3), (4, -1)), ValueError, "non-negative"),
        (lambda: shape.tile(ones(3), (2, 2)), TypeError, "for each axis"),
        (lambda: shape.collapse(ones(3, 4), 2, 1), ValueError, "reversed"),
        (lambda: shape.full((2,), ones(3)), TypeError, "no dimensions"),
        (lambda: shape.broadcast_to_rank(ones(3, 4), 1), ValueError, "at least 2"),
        (lambda: shape.stack([ones(3), ones(4)]), TypeError, "equal shapes"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
