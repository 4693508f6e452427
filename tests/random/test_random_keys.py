"""Keys: what they are made of, what they refuse."""

import numpy as np
import pytest

import numax
from numax import random
from numax._engine.core import config


def data(key):
    return np.asarray(random.key_data(key).numpy_())


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        (0, [0, 0]),
        (42, [0, 42]),
        (-1, [0, 2**32 - 1]),
        (2**31, [0, 2**31]),
        (2**32 + 5, [0, 5]),
        (-(2**40), [0, 0]),
        (True, [0, 1]),
        (np.int64(2**40), [0, 0]),
        (np.uint32(2**32 - 1), [0, 2**32 - 1]),
        (np.int8(-1), [0, 2**32 - 1]),
        (np.uint8(255), [0, 255]),
    ],
)
def test_seeds_are_32_bits_wide(seed, words):
    assert data(random.key(seed)).tolist() == words
    assert random.PRNGKey(seed).numpy_().tolist() == words
    assert data(numax.jit(random.key)(np.asarray(seed))).tolist() == words


def test_seeds_are_64_bits_wide_with_x64():
    with numax.enable_x64(True):
        assert data(random.key(2**40 + 5)).tolist() == [256, 5]
        assert data(random.key(-1)).tolist() == [2**32 - 1, 2**32 - 1]
        assert data(random.key(np.uint64(2**64 - 1))).tolist() == [2**32 - 1, 2**32 - 1]
        assert data(random.key(np.int32(-1))).tolist() == [0, 2**32 - 1]


def test_64_bit_streams_join_both_words():
    with numax.enable_x64(True):
        bits = random.bits(random.key(0), (3,))
        assert bits.dtype == np.uint64
        assert bits.numpy_().tolist() == [
            7719171245655871230,
            3989946895414531357,
            17807037942121513089,
        ]
        assert np.allclose(
            random.uniform(random.key(0), (3,)).numpy_(), [0.41845711, 0.21629545, 0.96532146], 1e-8
        )
        assert np.allclose(
            random.normal(random.key(0), (3,)).numpy_(),
            [-0.20584214, -0.78476578, 1.81608667],
            1e-7,
        )
        assert random.randint(random.key(0), (5,), 0, 1000).numpy_().tolist() == [
            335,
            911,
            175,
            717,
            853,
        ]


def test_shapes_and_dtypes_of_keys():
    key = random.key(0)
    assert key.shape == ()
    assert key.dtype == random.key_dtype()
    assert str(key.dtype) == "key<fry>"
    assert random.key_impl(key) == "threefry2x32"
    assert random.split(key, (2, 3)).shape == (2, 3)
    assert random.split(key, ()).shape == ()
    assert random.split(key, 0).shape == (0,)
    legacy = random.PRNGKey(0)
    assert legacy.shape == (2,)
    assert legacy.dtype == np.uint32
    assert random.key_impl(legacy) == "threefry2x32"
    assert random.split(legacy, (2, 3)).shape == (2, 3, 2)
    assert random.fold_in(legacy, 1).shape == (2,)


def test_raw_data_and_typed_keys_convert_both_ways():
    keys = random.split(random.key(7), 3)
    raw = random.key_data(keys)
    assert raw.shape == (3, 2)
    again = random.wrap_key_data(raw)
    assert again.dtype == keys.dtype
    assert np.array_equal(data(again), raw.numpy_())
    assert np.array_equal(data(random.clone(keys)), raw.numpy_())


def test_a_legacy_key_and_a_numpy_key_draw_the_same_numbers():
    want = random.normal(random.key(1), (3,)).numpy_()
    assert np.array_equal(random.normal(random.PRNGKey(1), (3,)).numpy_(), want)
    assert np.array_equal(random.normal(np.array([0, 1], np.uint32), (3,)).numpy_(), want)


def test_fold_in_takes_32_bits():
    key = random.key(0)
    one = data(random.fold_in(key, 1))
    assert np.array_equal(data(random.fold_in(key, True)), one)
    assert np.array_equal(data(random.fold_in(key, np.int64(2**33 + 1))), one)
    assert np.array_equal(
        data(random.fold_in(key, np.int8(-1))), data(random.fold_in(key, 2**32 - 1))
    )


def test_keys_under_transformations():
    keys = random.split(random.key(3), 4)
    folded = numax.vmap(random.fold_in)(keys, np.arange(4, dtype=np.uint32))
    compiled = numax.jit(numax.vmap(random.fold_in))(keys, np.arange(4, dtype=np.uint32))
    rows = [random.fold_in(random.wrap_key_data(data(keys)[i]), i) for i in range(4)]
    assert np.array_equal(data(folded), np.stack([data(r) for r in rows]))
    assert np.array_equal(data(compiled), data(folded))
    seeded = numax.vmap(random.key)(np.arange(3))
    assert np.array_equal(data(seeded), [[0, 0], [0, 1], [0, 2]])


KEY = random.key(0)
KEYS = random.split(KEY, 3)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: random.PRNGKey(1.5), TypeError, "must be an integer"),
        (lambda: random.PRNGKey(2**63), OverflowError, "fit 64 bits"),
        (lambda: random.PRNGKey(np.arange(3)), TypeError, "scalar seed"),
        (lambda: random.PRNGKey([1, 2]), TypeError, "scalar seed"),
        (lambda: random.PRNGKey(0, impl="foo"), ValueError, "unrecognized"),
        (lambda: random.PRNGKey(0, impl="rbg"), ValueError, "not available.*threefry2x32"),
        (lambda: random.key(KEY), TypeError, "got a PRNG key"),
        (lambda: random.key(0, dtype=np.uint32), TypeError, "key dtype"),
        (lambda: random.key(0, impl="threefry2x32", dtype=KEY.dtype), ValueError, "Give one"),
        (lambda: random.key_impl(np.zeros(3)), TypeError, "invalid PRNG key data"),
        (lambda: random.key_impl(3), TypeError, "must be a PRNG key"),
        (lambda: random.wrap_key_data(np.zeros(3, np.uint32)), TypeError, "shape"),
        (lambda: random.wrap_key_data(np.zeros(2, np.int32)), TypeError, "uint32"),
        (lambda: random.split(KEY, -1), ValueError, "negative"),
        (lambda: random.split(KEY, 2.0), TypeError, "integer"),
        (lambda: random.split(KEYS), ValueError, "single key.*vmap"),
        (lambda: random.split(np.zeros((3, 2), np.uint32)), ValueError, r"\(3, 2\)"),
        (lambda: random.split(None), TypeError, "must be a PRNG key"),
        (lambda: random.fold_in(KEY, -1), OverflowError, "uint32"),
        (lambda: random.fold_in(KEY, 2**32), OverflowError, "uint32"),
        (lambda: random.fold_in(KEY, np.arange(3)), TypeError, "scalar"),
        (lambda: random.fold_in(KEYS, 1), ValueError, "single key"),
        (lambda: random.normal(KEYS), ValueError, "normal: accepts a single key"),
        (lambda: random.normal(3), TypeError, "numax.random.key"),
        (lambda: random.normal("k"), TypeError, "must be a PRNG key"),
        (lambda: random.normal([0, 0]), TypeError, "must be a PRNG key"),
        (lambda: random.normal(np.zeros(2)), TypeError, "uint32"),
        (lambda: random.normal(np.zeros((2,), np.int32)), TypeError, "uint32"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_legacy_keys_can_be_refused():
    legacy = random.PRNGKey(0)
    with config.legacy_prng_key("error"), pytest.raises(ValueError, match="legacy"):
        random.normal(legacy)
    with config.legacy_prng_key("warn"), pytest.warns(UserWarning, match="legacy"):
        random.normal(legacy)
