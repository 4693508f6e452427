"""ragged_dot, ragged_dot_general, scaled_dot."""

import ml_dtypes
import numpy as np
import pytest
from ops_rules import arrays, check_derivatives, compiled, run

from numax._engine.ops.ragged import (
    RaggedDotDimensionNumbers,
    ragged_dot,
    ragged_dot_general,
    scaled_dot,
)


def random(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("f")


def test_ragged_dot():
    x, y, sizes = random((7, 3)), random((4, 3, 2), 1), np.array([2, 0, 1, 3], np.int32)
    groups = [0, 0, 2, 3, 3, 3]
    expected = np.zeros((7, 2), "f")
    for i, g in enumerate(groups):
        expected[i] = x[i] @ y[g]
    for how in (run, compiled):
        np.testing.assert_allclose(
            how(ragged_dot, [x, y, sizes])[0], expected, rtol=1e-5, atol=1e-6
        )
    some = run(
        lambda a, b, s: ragged_dot(a, b, s, group_offset=np.array([2], np.int32)), [x, y[2:], sizes]
    )[0]
    expected[:2] = 0
    np.testing.assert_allclose(some, expected, rtol=1e-5, atol=1e-6)


def test_contracting_groups():
    x, y, sizes = random((3, 6)), random((6, 2), 1), np.array([1, 4], np.int32)
    numbers = RaggedDotDimensionNumbers((((1,), (0,)), ((), ())), (1,), ())
    got = run(lambda *v: ragged_dot_general(*v, numbers), [x, y, sizes])[0]
    np.testing.assert_allclose(got, [x[:, :1] @ y[:1], x[:, 1:5] @ y[1:5]], rtol=1e-5, atol=1e-6)


def test_groups_of_each_batch_element():
    x, y = random((2, 5, 3)), random((2, 2, 3, 4), 1)  # y: batch, group, k, n
    sizes = np.array([[2, 3], [4, 0]], np.int32)
    numbers = RaggedDotDimensionNumbers((((2,), (2,)), ((0,), (0,))), (1,), (1,))
    got = run(lambda *v: ragged_dot_general(*v, numbers), [x, y, sizes])[0]
    expected = np.zeros((2, 5, 4), "f")
    expected[0, :2], expected[0, 2:], expected[1, :4] = (
        x[0, :2] @ y[0, 0],
        x[0, 2:] @ y[0, 1],
        x[1, :4] @ y[1, 0],
    )
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    batched = RaggedDotDimensionNumbers((((2,), (2,)), ((0,), (0,))), (0,), ())
    plain = run(lambda a, b, s: ragged_dot_general(a, b, s, batched), [x, y, sizes])[0]
    np.testing.assert_allclose(plain, np.einsum("bmk,bgkn->bmgn", x, y), rtol=1e-5, atol=1e-6)


def test_derivatives():
    sizes = arrays([np.array([2, 1], np.int32)])[0]
    args = [random((4, 3)).astype("f8"), random((2, 3, 2), 1).astype("f8")]
    check_derivatives(lambda a, b: ragged_dot(a, b, sizes), args)


def test_scaled_dot():
    kind = ml_dtypes.float8_e4m3fn
    x, y = random((4, 64)).astype(kind), random((64, 3), 1).astype(kind)
    u = np.array([[0.5, 2], [1, 1], [4, 0.25], [1, 8]], "f").astype(ml_dtypes.float8_e8m0fnu)
    v = np.array([[1, 2, 0.5], [2, 1, 1]], "f").astype(ml_dtypes.float8_e8m0fnu)

    def fun(*args):
        return scaled_dot(
            args[0], args[1], lhs_scale=args[2], rhs_scale=args[3], preferred_element_type="float32"
        )

    wide = [a.astype("f") for a in (x, y, u, v)]
    expected = (wide[0] * np.repeat(wide[2], 32, 1)) @ (wide[1] * np.repeat(wide[3], 32, 0))
    for how in (run, compiled):
        np.testing.assert_allclose(how(fun, [x, y, u, v])[0], expected, rtol=1e-5, atol=1e-4)
    assert run(scaled_dot, [x, y])[0].dtype == ml_dtypes.bfloat16


@pytest.mark.parametrize(
    ("fun", "shapes", "message"),
    [
        (lambda a, b: ragged_dot(a, b, np.array([1, 2])), [(4, 2), (3, 2, 2)], "as many groups"),
        (
            lambda a, b: ragged_dot(a, b, np.array([1.0, 2])),
            [(4, 2), (2, 2, 2)],
            "must be integers",
        ),
        (
            lambda a, b: scaled_dot(a, b, lhs_scale=np.ones((4, 3), "f")),
            [(4, 8), (8, 2)],
            "must divide",
        ),
    ],
)
def test_errors(fun, shapes, message):
    with pytest.raises(TypeError, match=message):
        fun(*arrays([np.ones(s, "f") for s in shapes]))
