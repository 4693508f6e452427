"""threefry2x32 against the published vectors; keys, streams and the gamma sampler: host against compiled."""

import numpy as np
import pytest
from ops_rules import compiled, run

from numax._engine.core import dtypes
from numax._engine.core.array import from_numpy
from numax._engine.ops import rng, variates

# Random123's known answers for threefry2x32, 20 rounds: counter, key, result
VECTORS = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


def words(x):
    return np.ascontiguousarray(x).reshape((*x.shape, 1)).view(np.uint32)


@pytest.mark.parametrize(("counter", "key", "want"), VECTORS)
def test_blocks_are_the_published_ones(counter, key, want):
    args = [np.uint32(x) for x in (*key, *counter)]
    assert tuple(int(x) for x in run(rng.threefry2x32, args)) == want
    assert tuple(int(x) for x in compiled(rng.threefry2x32, args)) == want
    lanes = rng._block_lanes(*(int(x) for x in args), 1, 0xFFFFFFFF)
    assert lanes == want


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 20000])
def test_streams_do_not_depend_on_how_blocks_are_computed(count):
    key = np.array(0x0123456789ABCDEF, np.uint64)
    got = rng.host_split(key, (count,))
    k0, k1 = (np.full(count, x, np.uint32) for x in words(key))
    x0, x1 = rng.threefry2x32_p.host(
        k0, k1, np.zeros(count, np.uint32), np.arange(count, dtype=np.uint32)
    )
    assert np.array_equal(words(got), np.stack([x0, x1], -1))


@pytest.mark.parametrize("shape", [(), (3,), (40,)])
@pytest.mark.parametrize("count", [0, 1, 5, 100])
@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_each_key_of_an_array_has_its_own_stream(shape, count, width):
    keys = rng.host_split(np.array(5, np.uint64), shape)
    got = rng.host_bits(keys, width, (count,))
    assert got.shape == (*shape, count)
    for index in np.ndindex(*shape):
        assert np.array_equal(got[index], rng.host_bits(keys[index], width, (count,)))


@pytest.mark.parametrize("width", [8, 16, 32])
def test_narrow_bits_are_the_low_ones_of_32(width):
    key = np.array(99, np.uint64)
    whole = rng.host_bits(key, 32, (50,))
    assert np.array_equal(rng.host_bits(key, width, (50,)), whole.astype(f"uint{width}"))


def test_wide_bits_are_both_words():
    key = np.array(99, np.uint64)
    pair = words(rng.host_split(key, (50,))).astype(np.uint64)
    assert np.array_equal(rng.host_bits(key, 64, (50,)), pair[:, 0] << np.uint64(32) | pair[:, 1])


DATA = np.array([[[0, 42], [7, 2**32 - 1]], [[1, 1], [123456789, 987654321]]], np.uint32)


@pytest.mark.parametrize("data", [DATA, DATA[0, 0]])
@pytest.mark.parametrize(
    "fun",
    [
        lambda d: rng.random_unwrap(rng.random_wrap(d)),
        lambda d: rng.random_unwrap(rng.random_clone(rng.random_wrap(d))),
        lambda d: rng.random_unwrap(rng.random_split(rng.random_wrap(d), (3, 2))),
        lambda d: rng.random_unwrap(rng.random_split(rng.random_wrap(d), ())),
        lambda d: rng.random_unwrap(rng.random_fold_in(rng.random_wrap(d), np.uint32(7))),
        lambda d: rng.random_bits(rng.random_wrap(d), 8, (5,)),
        lambda d: rng.random_bits(rng.random_wrap(d), 16, ()),
        lambda d: rng.random_bits(rng.random_wrap(d), 32, (2, 3)),
        lambda d: rng.random_bits(rng.random_wrap(d), 32, (0, 3)),
    ],
)
def test_compiled_streams_are_the_eager_ones(fun, data):
    assert np.array_equal(compiled(fun, [data])[0], run(fun, [data])[0])


def test_compiled_seeds_are_the_eager_ones(x64):
    fun = lambda s: rng.random_unwrap(rng.random_seed(s))
    for dtype in ("int8", "uint8", "int32", "uint32", "int64", "uint64", "bool"):
        seeds = np.array([-1, 0, 5, 100]).astype(dtype)
        assert np.array_equal(compiled(fun, [seeds])[0], run(fun, [seeds])[0])
    wide = np.array([2**40 + 5, -1], np.int64)
    assert run(fun, [wide])[0].tolist() == [[256, 5], [2**32 - 1, 2**32 - 1]]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: rng.random_bits(np.zeros(2, np.uint32), 32, ()), "typed PRNG keys"),
        (lambda: rng.random_split(np.zeros(2, np.uint32), (2,)), "typed PRNG keys"),
        (lambda: rng.random_bits(rng.random_wrap(DATA), 24, ()), "bit_width"),
        (lambda: rng.random_wrap(np.zeros(3, np.uint32)), "invalid PRNG key data"),
        (lambda: rng.random_wrap(np.zeros(2, np.int32)), "uint32"),
        (lambda: rng.random_seed(1.5), "integer"),
        (lambda: rng.random_fold_in(rng.random_wrap(DATA), np.int32(1)), "uint32"),
        (lambda: rng.random_fold_in(rng.random_wrap(DATA), np.zeros(3, np.uint32)), "equal shapes"),
        (lambda: rng.threefry2x32(1.0, 1.0, 1.0, 1.0), "uint32"),
        (lambda: rng.threefry2x32(*[np.zeros(n, np.uint32) for n in (2, 2, 3, 3)]), "shapes"),
    ],
)
def test_errors(call, match):
    with pytest.raises(TypeError, match=match):
        call()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float8_e4m3fn", "float64"])
def test_uniform_floats_fill_the_unit_interval_on_a_grid(dtype, x64):
    dtype = dtypes.as_dtype(dtype)
    x = variates.host_unit(np.array(3, np.uint64), (2000,), dtype).astype(np.float64)
    assert x.min() >= 0
    assert x.max() < 1
    grid = 2.0 ** dtypes.finfo(dtype).nmant
    assert np.array_equal(np.rint(x * grid), x * grid)


@pytest.mark.parametrize("log_space", [False, True])
def test_compiled_gamma_numbers_are_the_eager_ones(log_space):
    a = np.float32([[0.001, 0.1, 0.5, 1, 2], [10, 1000, np.nan, -1, 0]])
    fun = lambda d, a: variates.random_gamma(rng.random_wrap(d), a, log_space=log_space)
    eager, fused = run(fun, [DATA[0, 0], a])[0], compiled(fun, [DATA[0, 0], a])[0]
    assert np.allclose(eager, fused, rtol=3e-6, atol=1e-6, equal_nan=True)
    assert run(fun, [DATA[0], a])[0].shape == (2, 5)


def test_gamma_parameters_must_fit_the_keys():
    keys = rng.random_wrap(from_numpy(DATA))
    with pytest.raises(TypeError, match="leading axes"):
        variates.random_gamma(keys, from_numpy(np.ones(3, np.float32)), log_space=False)
    with pytest.raises(TypeError, match="real float"):
        variates.random_gamma(keys, from_numpy(np.ones((2, 2), np.int32)), log_space=False)
