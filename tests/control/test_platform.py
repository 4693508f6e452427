"""Code by platform, and the devices' own random numbers."""

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import lax

STATE = np.arange(4, dtype=np.uint32)


def by_platform(x):
    return lax.platform_dependent(x, cpu=jnp.sin, tpu=jnp.cos, default=lambda x: x * 0)


def test_the_platforms_function_is_taken_under_every_transformation():
    if numax.default_backend() != "cpu":
        pytest.skip("needs the CPU as the default device")
    x = jnp.arange(3.0)
    for f in (by_platform, numax.jit(by_platform), numax.vmap(by_platform)):
        np.testing.assert_allclose(f(x), np.sin(x), rtol=1e-6)
    np.testing.assert_allclose(numax.grad(by_platform)(0.5), np.cos(0.5), rtol=1e-6)


def test_other_platforms_take_the_default():
    def f(x):
        return lax.platform_dependent(x, toaster=lambda x: {"a": x}, default=lambda x: {"a": x + 5})

    assert f(1.0)["a"] == numax.jit(f)(1.0)["a"] == 6


def test_a_platform_without_a_function_is_refused():
    def f(x):
        return lax.platform_dependent(x, toaster=jnp.cos)

    for g in (f, numax.jit(f)):
        with pytest.raises(NotImplementedError, match=r"^platform_dependent: no function for the"):
            g(1.0)
    with pytest.raises(NotImplementedError, match=r"no function was given"):
        lax.platform_dependent(1.0)
    with pytest.raises(ValueError, match=r"Use 'cuda' or 'rocm'"):
        lax.platform_dependent(1.0, gpu=jnp.sin, default=jnp.cos)


def test_select_is_select_n_turned_round():
    found = lax.select(jnp.array([True, False]), jnp.ones(2), jnp.zeros(2))
    np.testing.assert_array_equal(found, [1, 0])


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.uint32, [895509795, 3230209149, 3834998268, 2007387529, 550253412]),
        (np.uint16, [25891, 5245, 28156, 19849, 13156]),
        (np.uint8, [35, 125, 252, 137, 100]),
    ],
)
def test_bits_of_the_generator_are_jaxs(dtype, expected):
    if numax.default_backend() != "cpu":
        pytest.skip("streams differ among devices; these are the CPU's")
    for f in (lax.rng_bit_generator, numax.jit(lax.rng_bit_generator, static_argnums=(1, 2))):
        state, bits = f(STATE, (5,), dtype)
        np.testing.assert_array_equal(state, [0, 1, 4, 3])
        np.testing.assert_array_equal(bits, expected)
        assert bits.dtype == dtype


def test_generators_of_a_batch_are_their_own():
    states = np.stack([STATE, STATE + 7])
    found = numax.vmap(lambda s: lax.rng_bit_generator(s, (3,)))(states)
    for i, s in enumerate(states):
        for whole, one in zip(found, lax.rng_bit_generator(s, (3,)), strict=True):
            np.testing.assert_array_equal(whole[i], one)


def test_uniform_numbers_of_the_device():
    for f in (lax.rng_uniform, numax.jit(lax.rng_uniform, static_argnums=2)):
        x = np.asarray(f(np.float32(2), np.float32(5), (1000,)))
        assert x.dtype == np.float32 and 2 <= x.min() < 2.2 and 4.8 < x.max() < 5
        n = np.asarray(f(np.int32(0), np.int32(4), (1000,)))
        assert set(n.tolist()) == {0, 1, 2, 3}
    assert (f(0.0, 1.0, (9,)) != f(0.0, 1.0, (9,))).any()
    lows = np.array([0, 10], np.float32)
    found = numax.vmap(lambda a: lax.rng_uniform(a, a + 1, (5,)))(lows)
    np.testing.assert_array_equal(np.floor(found), np.repeat(lows, 5).reshape(2, 5))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: lax.rng_bit_generator(STATE[:3], (2,)), TypeError),
        (lambda: lax.rng_bit_generator(STATE.astype(np.int32), (2,)), TypeError),
        (lambda: lax.rng_bit_generator(STATE, (2,), np.float32), TypeError),
        (lambda: lax.rng_uniform(np.float32(0), np.int32(1), (2,)), ValueError),
        (lambda: lax.rng_uniform(np.ones(2), np.ones(2), (2,)), ValueError),
        (lambda: lax.rng_uniform(True, False, (2,)), ValueError),
    ],
)
def test_bad_arguments_of_generators(call, error):
    with pytest.raises(error, match=r"^rng_(bit_generator|uniform): "):
        call()
