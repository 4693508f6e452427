"""Weakly typed numbers in control flow and in users' rules take another type only where promotion gives it: nothing is cut off."""

import pytest

import numax
import numax.numpy as jnp
from numax import lax

XS = jnp.arange(3.0)
ONE = jnp.int32(1)


@numax.custom_jvp
def complex_tangent(x):
    return x


complex_tangent.defjvp(lambda primals, tangents: (primals[0], 1j))


@numax.custom_vjp
def complex_cotangent(x):
    return x


complex_cotangent.defvjp(lambda x: (x, None), lambda residual, ct: (1j,))

LOSSES = {
    "scan": lambda: lax.scan(lambda c, x: (c.astype(jnp.int32), x), 0.5, XS),
    "scan of complex": lambda: lax.scan(lambda c, x: (c.real.astype(jnp.float32), x), 0.5j, XS),
    "while": lambda: lax.while_loop(lambda c: c < 3, lambda c: (c + 1).astype(jnp.int32), 0.5),
    "fori": lambda: lax.fori_loop(0, 3, lambda i, c: c.astype(jnp.int8), 0.5),
    "cond": lambda: lax.cond(True, lambda x: 0.5, lambda x: ONE, 1.0),
    "cond, traced": lambda: numax.jit(lambda p: lax.cond(p, lambda x: 0.5, lambda x: ONE, 1.0))(
        True
    ),
    "switch": lambda: lax.switch(0, [lambda x: 1j, lambda x: jnp.float32(1)], 1.0),
    "custom_jvp": lambda: numax.jvp(complex_tangent, (1.0,), (1.0,)),
    "custom_vjp": lambda: numax.grad(complex_cotangent)(1.0),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_would_be_cut_off_is_an_error(name):
    with pytest.raises((TypeError, ValueError), match=r"float32|complex64"):
        LOSSES[name]()


def test_what_promotion_gives_is_taken():
    half = lax.scan(lambda c, x: (c * jnp.float16(1), x), 0.5, XS)[0]
    assert (half.dtype, half) == (jnp.float16, 0.5)
    assert lax.scan(lambda c, x: (c + x, x), 0, XS)[0] == 3.0
    assert lax.scan(lambda c, x: (c * 1j, x), 0.5, XS)[0] == -0.5j
    assert lax.fori_loop(0, 3, lambda i, c: c * 1.5, 1) == 3.375
    assert lax.fori_loop(0, 3, lambda i, c: c.astype(jnp.int8), 1).dtype == jnp.int8
    assert lax.while_loop(lambda c: c < 3, lambda c: c + 1.5, 0) == 3.0
    both = lax.cond(True, lambda x: 2, lambda x: jnp.float32(1), 1.0)
    assert (both.dtype, both) == (jnp.float32, 2.0)
