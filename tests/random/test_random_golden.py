"""The numbers of JAX 0.12 for two seeds: bit for bit in integers, to a few ulp in floats; eager, jit and vmap alike."""

import golden_cases as cases
import numpy as np
import pytest

import numax
from numax import random

CALLS = dict(cases.calls())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("seed", cases.SEEDS)
def test_eager_numbers_are_the_recorded_ones(name, seed):
    units, floor = cases.limit(name)
    got = CALLS[name](random.key(seed))
    assert type(got.numpy_()) is np.ndarray  # no NumPy scalar
    assert cases.ulps(got.numpy_(), cases.golden(seed, name), floor) <= units


@pytest.mark.parametrize("seed", cases.SEEDS)
def test_legacy_keys_give_the_same_numbers(seed):
    key = random.PRNGKey(seed)
    assert np.array_equal(np.asarray(key.numpy_()), cases.golden(seed, "key_data"))
    assert np.array_equal(random.split(key, 3).numpy_(), cases.golden(seed, "split3"))
    assert np.array_equal(random.fold_in(key, 7).numpy_(), cases.golden(seed, "fold_in7"))
    assert np.array_equal(random.bits(key, (5,)).numpy_(), cases.golden(seed, "bits/uint32/5"))


def _check_compiled(names):
    """All of `names` in one program, batched over the seeds."""
    keys = random.wrap_key_data(np.stack([cases.golden(s, "key_data") for s in cases.SEEDS]))
    found = numax.jit(numax.vmap(lambda k: {n: CALLS[n](k) for n in names}))(keys)
    wrong = {}
    for name in names:
        units, floor = cases.limit(name)
        for i, seed in enumerate(cases.SEEDS):
            error = cases.ulps(found[name].numpy_()[i], cases.golden(seed, name), floor)
            if error > units:
                wrong[name, seed] = error
    assert not wrong


def _loops(name):
    return name.split("/")[0] in cases.LOOPS


@pytest.mark.slow
def test_compiled_and_batched_numbers_are_the_recorded_ones():
    _check_compiled([n for n in CALLS if not _loops(n)])


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in CALLS if _loops(n) and n.rsplit("/")[-1] != "5"])
def test_compiled_loops_give_the_recorded_numbers(name):
    _check_compiled([name])


@pytest.mark.parametrize("name", [n for n in CALLS if n.rsplit("/")[-1] not in ("5", "scalar")])
def test_batched_eager_numbers_are_those_of_each_key(name):
    keys = random.wrap_key_data(np.stack([cases.golden(s, "key_data") for s in cases.SEEDS]))
    got = numax.vmap(CALLS[name])(keys).numpy_()
    for i, seed in enumerate(cases.SEEDS):
        units, floor = cases.limit(name)
        # The steps run one by one: a product and a sum are rounded twice, where the compiler fuses them.
        assert cases.ulps(got[i], cases.golden(seed, name), max(floor, 1.0)) <= 2 * units


def test_numbers_do_not_depend_on_how_many_are_drawn():
    key = random.key(3)
    few, many = random.bits(key, (7,)).numpy_(), random.bits(key, (1000,)).numpy_()
    assert np.array_equal(few, many[:7])


def test_large_samples_are_compiled_and_agree_with_small_ones():
    key = random.key(5)
    large = random.normal(key, (1 << 16,)).numpy_()
    assert cases.ulps(large[:100], random.normal(key, (100,)).numpy_()) <= 2
