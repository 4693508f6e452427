"""Shapes, dtypes and parameters of the samplers, and what they refuse."""

import numpy as np
import pytest

import numax
from numax import random

KEY = random.key(0)
ONES = np.ones(3, np.float32)


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda: random.normal(KEY, 3), (3,)),
        (lambda: random.normal(KEY, (0, 2)), (0, 2)),
        (lambda: random.normal(KEY, np.int64(4)), (4,)),
        (lambda: random.normal(KEY, [2, 3]), (2, 3)),
        (lambda: random.gamma(KEY, ONES), (3,)),
        (lambda: random.gamma(KEY, ONES, (2, 3)), (2, 3)),
        (lambda: random.beta(KEY, ONES, 2.0, (2, 3)), (2, 3)),
        (lambda: random.dirichlet(KEY, np.ones((2, 3), np.float32)), (2, 3)),
        (lambda: random.dirichlet(KEY, np.ones((2, 3), np.float32), (4, 2)), (4, 2, 3)),
        (lambda: random.truncated_normal(KEY, 0 * ONES, np.ones((2, 1), np.float32)), (2, 3)),
        (lambda: random.bernoulli(KEY, 0.5 * ONES), (3,)),
        (lambda: random.weibull_min(KEY, ONES, 1.0, (2, 3)), (2, 3)),
        (lambda: random.lognormal(KEY, ONES), (3,)),
        (lambda: random.randint(KEY, (2, 3), 0, np.arange(2)[:, None] + 5), (2, 3)),
        (
            lambda: random.uniform(
                KEY, (2, 3), minval=0 * ONES, maxval=np.ones((2, 1), np.float32)
            ),
            (2, 3),
        ),
        (lambda: random.categorical(KEY, np.ones((2, 3), np.float32), axis=0), (3,)),
        (
            lambda: random.categorical(
                KEY, np.ones((2, 3), np.float32), shape=(3, 2), replace=False
            ),
            (3, 2),
        ),
        (lambda: random.choice(KEY, np.arange(6).reshape(2, 3), (2, 2), axis=1), (2, 2, 2)),
        (lambda: random.choice(KEY, np.arange(6).reshape(2, 3), (2,), axis=1, p=ONES / 3), (2, 2)),
        (lambda: random.choice(KEY, np.arange(5), ()), ()),
        (lambda: random.choice(KEY, 0, (0,)), (0,)),
        (lambda: random.permutation(KEY, -5), (0,)),
        (lambda: random.permutation(KEY, np.ones((2, 3)), axis=-1, independent=True), (2, 3)),
        (lambda: random.permutation(KEY, random.split(KEY, 3)), (3,)),
        (lambda: random.multinomial(KEY, 10, np.float32([0.1, 0.9]), shape=(3, 2)), (3, 2, 2)),
        (lambda: random.poisson(KEY, ONES), (3,)),
        (lambda: random.binomial(KEY, 10, 0.5 * ONES), (3,)),
        (lambda: random.ball(KEY, 3, shape=(2,)), (2, 3)),
        (lambda: random.maxwell(KEY, (2, 3)), (2, 3)),
    ],
)
def test_shapes(call, shape):
    assert call().shape == shape


@pytest.mark.parametrize(
    ("call", "dtype"),
    [
        (lambda: random.normal(KEY), "float32"),
        (lambda: random.normal(KEY, (), np.float64), "float32"),
        (lambda: random.normal(KEY, (), "bfloat16"), "bfloat16"),
        (lambda: random.normal(KEY, (2,), "complex64"), "complex64"),
        (lambda: random.normal(KEY, (), "float8_e4m3fn"), "float8_e4m3fn"),
        (lambda: random.gamma(KEY, ONES.astype(np.float16)), "float32"),
        (lambda: random.poisson(KEY, 3, dtype="int8"), "int8"),
        (lambda: random.rademacher(KEY, (2,), "float16"), "float16"),
        (lambda: random.rademacher(KEY), "int32"),
        (lambda: random.randint(KEY, (2,), 0, 5, "int4"), "int4"),
        (lambda: random.randint(KEY, (2,), 0, 5), "int32"),
        (lambda: random.bits(KEY), "uint32"),
        (lambda: random.bits(KEY, (), np.uint64), "uint32"),
        (lambda: random.bernoulli(KEY), "bool"),
        (lambda: random.binomial(KEY, 10, 0.4, dtype="float16"), "float16"),
        (lambda: random.geometric(KEY, 0.4), "int32"),
    ],
)
def test_dtypes(call, dtype):
    assert call().dtype.name == dtype


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: random.normal(KEY, (2, -1)), ValueError, "negative"),
        (lambda: random.normal(KEY, (2.0,)), TypeError, "integers"),
        (lambda: random.normal(KEY, "a"), TypeError, "integers"),
        (lambda: random.normal(KEY, None), TypeError, "integers"),
        (lambda: random.normal(KEY, (3,), int), ValueError, "float or complex dtype; got int32"),
        (lambda: random.uniform(KEY, (), complex), ValueError, "float dtype; got complex64"),
        (lambda: random.uniform(KEY, (), minval=ONES), ValueError, "broadcast"),
        (lambda: random.bits(KEY, (3,), np.int32), ValueError, "unsigned"),
        (lambda: random.randint(KEY, (3,), 0, 10, np.float32), TypeError, "integer dtype"),
        (lambda: random.randint(KEY, (3,), 0, 2**31), OverflowError, "2147483648"),
        (lambda: random.randint(KEY, (2,), np.zeros(3, int), 5), ValueError, "broadcast"),
        (lambda: random.gamma(KEY, ONES, (2,)), ValueError, "gamma: .*broadcast"),
        (lambda: random.gamma(KEY, 2.0, method="foo"), ValueError, "'approximate'"),
        (lambda: random.gamma(KEY, 2.0, (2,), int), ValueError, "float dtype"),
        (lambda: random.dirichlet(KEY, 1.0), ValueError, "at least one axis"),
        (lambda: random.poisson(KEY, 1.0, dtype=float), ValueError, "integer dtype"),
        (lambda: random.bernoulli(KEY, 2), TypeError, "must be a float"),
        (lambda: random.bernoulli(KEY, 0.3, mode="foo"), ValueError, "mode"),
        (lambda: random.gumbel(KEY, mode="foo"), ValueError, "mode"),
        (
            lambda: random.categorical(KEY, np.ones((2, 3), np.float32), shape=(3,)),
            ValueError,
            "must end with",
        ),
        (
            lambda: random.categorical(KEY, np.ones((2, 3), np.float32), axis=2),
            IndexError,
            "out of bounds",
        ),
        (
            lambda: random.categorical(
                KEY, np.ones((2, 3), np.float32), shape=(4, 2), replace=False
            ),
            ValueError,
            "without replacement",
        ),
        (lambda: random.categorical(KEY, [1.0, 2.0]), TypeError, "list"),
        (lambda: random.choice(KEY, 5, (7,), replace=False), ValueError, "without replacement"),
        (lambda: random.choice(KEY, 0, (3,)), ValueError, "empty"),
        (lambda: random.choice(KEY, [1, 2, 3]), TypeError, "list"),
        (lambda: random.choice(KEY, 5, (3,), p=np.ones(4)), ValueError, "each of the 5"),
        (lambda: random.choice(KEY, np.ones((2, 3)), (2,), axis=2), ValueError, "out of bounds"),
        (lambda: random.permutation(KEY, 5.0), TypeError, "must be an integer"),
        (lambda: random.permutation(KEY, [1, 2]), TypeError, "list"),
        (
            lambda: random.multivariate_normal(KEY, ONES[:2], np.eye(3)),
            ValueError,
            r"\(\.\.\., n, n\)",
        ),
        (
            lambda: random.multivariate_normal(KEY, ONES[:2], np.eye(2), method="foo"),
            ValueError,
            "method",
        ),
        (lambda: random.orthogonal(KEY, -3), ValueError, "not negative"),
        (lambda: random.orthogonal(KEY, 3.0), TypeError, "integer"),
        (lambda: random.multinomial(KEY, 10, 1.0), ValueError, "axis of outcomes"),
        (lambda: random.geometric(KEY, 0.5, (3,), float), ValueError, "integer dtype"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_parameters_at_the_edge_of_their_range():
    odd = np.float32([-1, 0, np.nan, np.inf])
    assert np.array_equal(
        random.gamma(KEY, odd).numpy_(), np.float32([np.nan, 0, np.nan, np.inf]), equal_nan=True
    )
    assert np.array_equal(
        random.loggamma(KEY, odd).numpy_(),
        np.float32([np.nan, -np.inf, np.nan, np.inf]),
        equal_nan=True,
    )
    got = random.binomial(KEY, 10, np.float32([-1, 0, 1, 2, np.nan])).numpy_()
    assert np.array_equal(got, np.float32([np.nan, 0, 10, np.nan, np.nan]), equal_nan=True)
    got = random.binomial(KEY, np.float32([-1, 0, np.nan, np.inf]), 0.3).numpy_()
    assert np.array_equal(got, np.float32([np.nan, 0, np.nan, np.inf]), equal_nan=True)
    assert random.poisson(KEY, np.float32([-1, 0, np.nan, np.inf])).numpy_().tolist() == [
        -1,
        0,
        -1,
        2**31 - 1,
    ]
    assert random.uniform(KEY, (2,), minval=1, maxval=0).numpy_().tolist() == [1, 1]
    assert random.randint(KEY, (2,), 10, 0).numpy_().tolist() == [10, 10]
    assert random.randint(KEY, (2,), 5, 5).numpy_().tolist() == [5, 5]
    assert random.choice(
        KEY, 5, (3,), p=np.float32([1, 0, 0, 0, 0]), replace=False
    ).numpy_().tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("args", "want"),
    [
        ((0, 256, "uint8"), [101, 80, 200, 61, 3]),
        ((0, 1000, "uint8"), [101, 80, 200, 61, 3]),
        ((-1000, 1000, "int8"), [-27, -48, 72, -67, -125]),
        ((-(2**31), 2**31 - 1, "int32"), [-2116156571, -2057756336, 349724616]),
        ((np.uint32(0), np.uint32(2**32 - 1), "uint32"), [31327077, 89727312]),
        ((np.uint32(0), np.uint32(2**32 - 1), "int32"), [31327077, 89727312]),
    ],
)
def test_integer_ranges(args, want):
    low, high, dtype = args
    shape = (len(want),)
    assert random.randint(KEY, shape, low, high, dtype).numpy_().tolist() == want
    compiled = numax.jit(lambda k: random.randint(k, shape, low, high, dtype))
    assert compiled(KEY).numpy_().tolist() == want
