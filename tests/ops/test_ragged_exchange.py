"""Exchange of slices of unequal sizes."""

import numpy as np
import pytest
from ops_rules import check_derivatives

import numax
from numax._engine.ops.ragged_exchange import ragged_all_to_all

SIZE = 3


def exchange(groups=None):
    return numax.vmap(
        lambda *args: ragged_all_to_all(*args, axis_name="i", axis_index_groups=groups),
        axis_name="i",
    )


def ints(x):
    return np.array(x, np.int32)


def test_documented_example():
    got = exchange()(
        ints([[1, 2, 2], [3, 4, 0]]),
        np.zeros((2, 4), np.int32),
        ints([[0, 1], [0, 1]]),
        ints([[1, 2], [1, 1]]),
        ints([[0, 0], [1, 2]]),
        ints([[1, 1], [2, 1]]),
    )
    np.testing.assert_array_equal(got.numpy_(), [[1, 3, 0, 0], [2, 2, 4, 0]])


def plan(per, seed=0):
    """Sizes and offsets by which every place sends `per` slices to every place."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 3, (SIZE, SIZE * per))  # source, (target, slice)
    starts = np.cumsum(sizes, 1) - sizes
    by_target = (
        sizes.reshape(SIZE, SIZE, per).transpose(1, 0, 2).reshape(SIZE, -1)
    )  # target, (source, slice)
    at = (
        (np.cumsum(by_target, 1) - by_target + 1)
        .reshape(SIZE, SIZE, per)
        .transpose(1, 0, 2)
        .reshape(SIZE, -1)
    )
    return [ints(x) for x in (starts, sizes, at, by_target)]


def by_hand(operand, output, starts, sizes, at, per):
    out = output.copy()
    for source in range(SIZE):
        for k in range(SIZE * per):
            n, t = sizes[source, k], at[source, k]
            out[k // per, t : t + n] = operand[source, starts[source, k] : starts[source, k] + n]
    return out


@pytest.mark.parametrize("per", [1, 2])
def test_any_sizes(per):
    rng = np.random.default_rng(1)
    starts, sizes, at, received = plan(per)
    operand = rng.standard_normal((SIZE, 14, 2)).astype(np.float32)
    output = rng.standard_normal((SIZE, 16, 2)).astype(np.float32)
    expected = by_hand(operand, output, starts, sizes, at, per)
    for fun in (exchange(), numax.jit(exchange())):
        got = fun(operand, output, starts, sizes, at, received).numpy_()
        np.testing.assert_array_equal(got, expected)
    check_derivatives(
        lambda a, b: exchange()(a, b, starts, sizes, at, received),
        [operand.astype(np.float64), output.astype(np.float64)],
    )


OPERAND, OUTPUT, NUMBERS = (
    np.ones((2, 3), np.float32),
    np.ones((2, 4), np.float32),
    np.zeros((2, 2), np.int32),
)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((OPERAND, OUTPUT.astype(np.int32), *[NUMBERS] * 4), TypeError, "equal dtypes"),
        ((OPERAND[..., None], OUTPUT, *[NUMBERS] * 4), ValueError, "all axes but the first"),
        ((OPERAND, OUTPUT, *[NUMBERS.astype(np.float32)] * 4), TypeError, "must be integers"),
        ((OPERAND, OUTPUT, *[NUMBERS[:, :1]] * 4), ValueError, "size, 2, divides"),
    ],
)
def test_errors(args, error, message):
    with pytest.raises(error, match=message):
        exchange()(*args)
