import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax.flatten_util import ravel_pytree

TREE = {
    "a": np.arange(4, dtype=np.float32).reshape(2, 2),
    "b": (np.float32(1.5), np.arange(3, dtype=np.int32)),
}


def test_round_trip_keeps_shapes_and_dtypes():
    flat, unravel = ravel_pytree(TREE)
    assert flat.shape == (8,) and flat.dtype == np.float32
    back = unravel(flat)
    np.testing.assert_array_equal(back["a"], TREE["a"])
    assert back["b"][1].dtype == np.int32


def test_gradient_goes_through():
    got = numax.grad(lambda t: (ravel_pytree(t)[0] ** 2).sum())(
        {"a": jnp.ones((2, 2)), "b": jnp.float32(3)}
    )
    np.testing.assert_array_equal(got["a"], 2 * np.ones((2, 2)))
    assert got["b"] == 6.0


def test_errors_and_the_empty_tree():
    _, unravel = ravel_pytree(TREE)
    with pytest.raises(ValueError, match=r"shape \(8,\)"):
        unravel(jnp.ones(3))
    flat, unravel = ravel_pytree({})
    assert flat.shape == (0,) and unravel(flat) == {}


def test_vjp_and_linear_functions_cross_jit():
    def f(y):
        return jnp.sin(y) * y

    want = numax.grad(f)(2.0)
    _, pull = numax.jit(lambda x: numax.vjp(f, x))(2.0)
    np.testing.assert_allclose(pull(1.0)[0], want, rtol=1e-6)
    _, push = numax.jit(lambda x: numax.linearize(f, x))(2.0)
    np.testing.assert_allclose(push(1.0), want, rtol=1e-6)
    np.testing.assert_allclose(numax.jit(lambda g, t: g(t))(push, 3.0), 3 * want, rtol=1e-6)


def test_clear_caches_traces_again():
    count = []

    @numax.jit
    def f(x):
        count.append(0)
        return x + 1

    f(1.0), f(1.0)
    assert len(count) == 1
    numax.clear_caches()
    f(1.0)
    assert len(count) == 2
