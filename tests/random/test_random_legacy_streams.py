"""The older numbering of streams (jax_threefry_partitionable off): that of results published before 2025."""

import numpy as np
import pytest
from golden_cases import ulps

import numax
from numax import random

# Read off JAX 0.12.0.1 with jax_threefry_partitionable=False and jax.random.key(42).
BITS = {
    ("uint8", (5,)): [45, 179, 215, 3, 244],
    ("uint8", ()): 143,
    ("uint16", (3,)): [45869, 983, 33780],
    ("uint32", (5,)): [3134548294, 3733159049, 843694964, 894150801, 801545058],
    ("uint32", ()): 1832780943,
    ("uint64", (3,)): [13462782411356743825, 16033796027023006562, 16091099645456652183],
}
SPLITS = {
    2: [[2465931498, 3679230171], [255383827, 267815257]],
    3: [[3134548294, 3733159049], [3746501087, 894150801], [801545058, 2363201431]],
}
NORMAL = np.float32(
    [
        0.6122652292251587,
        1.1225882768630981,
        -0.8544133901596069,
        -0.8127325177192688,
        -0.890404999256134,
    ]
)
GAMMA = np.float32([0.08978509902954102, 2.663802146911621, 1.112144112586975, 1.89204740524292])


@pytest.fixture(autouse=True)
def older_scheme():
    with numax.threefry_partitionable(False):
        yield


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("dtype", "shape"), BITS)
def test_bits(dtype, shape, compiled):
    with numax.enable_x64(dtype == "uint64"):
        draw = lambda k: random.bits(k, shape, dtype)
        got = (numax.jit(draw) if compiled else draw)(random.key(42))
        assert got.dtype == np.dtype(dtype)
        assert got.numpy_().tolist() == BITS[dtype, shape]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("count", SPLITS)
def test_split(count, compiled):
    draw = lambda k: random.key_data(random.split(k, count))
    got = (numax.jit(draw) if compiled else draw)(random.key(42))
    assert got.numpy_().tolist() == SPLITS[count]


@pytest.mark.parametrize("compiled", [False, True])
def test_samplers(compiled):
    run = numax.jit if compiled else (lambda f: f)
    key = random.key(42)
    assert ulps(run(lambda k: random.normal(k, (5,)))(key).numpy_(), NORMAL) <= 3
    assert ulps(run(lambda k: random.gamma(k, 2.5, (4,)))(key).numpy_(), GAMMA, 2.0) <= 3
    assert run(lambda k: random.permutation(k, 10))(key).numpy_().tolist() == [
        9,
        0,
        2,
        6,
        1,
        4,
        5,
        8,
        3,
        7,
    ]
    rows = run(lambda k: numax.vmap(lambda k: random.bits(k, (3,)))(random.split(k, 2)))(key)
    assert rows.numpy_().tolist() == [
        [3164236999, 3572326544, 3923418436],
        [1224796891, 2628283514, 754422081],
    ]


def test_a_compiled_function_follows_the_option():
    draw = numax.jit(lambda k: random.bits(k, (2,)))
    older = draw(random.key(42)).numpy_()
    with numax.threefry_partitionable(True):
        newer = draw(random.key(42)).numpy_()
    assert not np.array_equal(older, newer)
    assert np.array_equal(draw(random.key(42)).numpy_(), older)
