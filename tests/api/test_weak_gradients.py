"""Derivatives with respect to weakly typed numbers are weakly typed, as JAX's."""

import pytest

import numax
import numax.numpy as jnp
from numax import lax, nn

FUNCTIONS = {
    "where": lambda x: jnp.where(x > 0, x, 2 * x),
    "abs": jnp.abs,
    "maximum": lambda x: jnp.maximum(x, 1.0),
    "minimum of equals": lambda x: jnp.minimum(x, x * 2),
    "clip": lambda x: jnp.clip(x, 0.0, 1.0),
    "clamp": lambda x: lax.clamp(0.0, x, 1.0),
    "remainder": lambda x: x % 2.0,
    "hypot": lambda x: jnp.hypot(x, 1.0),
    "logaddexp": lambda x: jnp.logaddexp(x, 1.0),
    "relu": nn.relu,
    "softplus": nn.softplus,
    "scan over a constant": lambda x: lax.scan(lambda c, _: (c * x, None), 1.0, None, length=3)[0],
    "carry": lambda x: lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=3)[0],
    "fori_loop": lambda x: lax.fori_loop(0, 3, lambda i, c: c * 2.0, x),
    "cond": lambda x: lax.cond(x > 0, jnp.sin, jnp.cos, x),
    "none": lambda x: 1.0 * jnp.float32(2),
}


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_gradients_keep_the_weak_type(f):
    for g in (numax.grad(f), numax.jit(numax.grad(f)), lambda x: numax.vjp(f, x)[1](f(x))[0]):
        found = g(0.5)
        assert found.weak_type and found.dtype == jnp.float32
        assert (found * jnp.bfloat16(1)).dtype == jnp.bfloat16
    strong = numax.grad(f)(jnp.float32(0.5))
    assert not strong.weak_type


@pytest.mark.parametrize("tangent", [1, True, 1j, jnp.float16(1), jnp.int32(1)])
def test_tangents_of_another_dtype_are_refused(tangent):
    with pytest.raises(TypeError, match=r"^jvp: a tangent must have its primal's dtype"):
        numax.jvp(jnp.sin, (1.0,), (tangent,))
    with pytest.raises(TypeError, match=r"^jvp: a tangent must have its primal's dtype"):
        numax.jvp(jnp.sin, (jnp.bfloat16(1),), (1.0,))
