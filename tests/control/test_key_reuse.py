"""jax_debug_key_reuse: a random key that is used twice raises, eagerly and inside programs."""

import gc

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import lax, random
from numax._engine.control import key_reuse
from numax.errors import KeyReuseError


def key():
    return random.key(0)


def keys(n=3):
    return random.split(key(), n)


def bits(k):
    return random.bits(k, (2,))


def pair(first, second):
    def run():
        k = key()
        first(k)
        second(k)

    return run


def loop(body, carry, xs=None, length=3):
    return lax.scan(body, carry, xs, length=length)


def of_keys(*steps):
    def run():
        ks = keys()
        for step in steps:
            step(ks)

    return run


@numax.jit
def jitted(k):
    return bits(k)


@numax.jit
def folds(k):
    return bits(random.fold_in(k, 0)) + bits(random.fold_in(k, 1))


def split_carry(c, _):
    c, k = random.split(c)
    return c, bits(k)


def two_folds():
    k = key()
    return folds(k), folds(k)


def swapped(k):
    """The second key that the loop uses in turn one is the first one in turn two."""
    return loop(lambda c, _: ((c[1], c[0]), bits(c[0])), tuple(random.split(k)), length=4)


def identity(k):
    return numax.jit(lambda k: k)(k)


def consumed_result():
    k, _ = numax.jit(lambda k: (k, bits(k)))(key())
    return bits(k)


def cond_then_bits():
    k = key()
    lax.cond(jnp.arange(2)[1] > 0, bits, lambda k: jnp.zeros(2, jnp.uint32), k)
    return bits(k)


def moved():
    k = key()
    return bits(k.reshape(1)[None].T.squeeze()), bits(k)


FINE = {
    "once": lambda: bits(key()),
    "bits, then fold_in": pair(bits, lambda k: random.fold_in(k, 1)),
    "fold_in, then split": pair(lambda k: random.fold_in(k, 1), random.split),
    "used, then data": pair(bits, random.key_data),
    "used, then compared": pair(bits, lambda k: k == k),
    "used, then clone": pair(bits, lambda k: bits(random.clone(k))),
    "the same seed": lambda: (bits(key()), bits(key())),
    "raw keys": lambda: [bits(k) for k in (random.PRNGKey(0),) * 2],
    "elements": of_keys(lambda ks: bits(ks[0]), lambda ks: bits(ks[1]), lambda ks: bits(ks[2])),
    "unpacked": lambda: [bits(k) for k in keys()],
    "fold_in twice inside jit": two_folds,
    "scan of keys": lambda: loop(lambda c, k: (c, bits(k)), 0, keys()),
    "scan that splits its carry": lambda: loop(split_carry, key()),
    "loop that folds the turn in": lambda: loop(
        lambda k, i: (k, bits(random.fold_in(k, i))), key(), jnp.arange(3)
    ),
    "one use in each branch": lambda: lax.cond(
        jnp.arange(2)[1] > 0, bits, lambda k: bits(k), key()
    ),
    "vmap of keys": lambda: numax.vmap(bits)(keys()),
    "vmap of one key": lambda: numax.vmap(lambda k, x: bits(k), (None, 0))(key(), jnp.arange(3)),
    "grad": lambda: numax.grad(lambda x, k: random.normal(k) * x)(1.0, key()),
    "grad of remat": lambda: numax.grad(
        numax.checkpoint(lambda x, k: jnp.sin(x) * random.normal(k))
    )(1.0, key()),
    "slices inside jit": lambda: numax.jit(lambda ks: bits(ks[0]) + bits(ks[1]))(keys()),
    "samplers": lambda: [
        random.poisson(key(), 3.0),
        random.binomial(key(), 9.0, 0.5),
        random.gamma(key(), 2.0),
        random.permutation(key(), 4),
        random.choice(key(), 5, (2,), replace=False),
        random.multinomial(key(), 3.0, jnp.ones(3) / 3),
        random.truncated_normal(key(), 0.0, 1.0),
    ],
}
TWICE = {
    "bits twice": pair(bits, bits),
    "bits, then split": pair(bits, random.split),
    "split twice": pair(random.split, random.split),
    "an element twice": of_keys(lambda ks: bits(ks[0]), lambda ks: bits(ks[0])),
    "an element, then all": of_keys(lambda ks: bits(ks[1]), numax.vmap(bits)),
    "all, then an element": of_keys(numax.vmap(bits), lambda ks: bits(ks[2])),
    "overlapping slices": of_keys(lambda ks: bits(ks[0:2][1]), lambda ks: bits(ks[1:][0])),
    "moved": moved,
    "moved inside jit": lambda: numax.jit(lambda k: bits(k[None][0]) + bits(k))(key()),
    "selected": lambda: pair(lambda k: bits(jnp.where(True, k, key())), bits)(),
    "jit twice": pair(jitted, jitted),
    "jit, then not": pair(jitted, bits),
    "through jit": pair(lambda k: bits(identity(k)), bits),
    "twice inside jit": lambda: numax.jit(lambda k: bits(k) + bits(k))(key()),
    "jit inside jit": lambda: numax.jit(lambda k: jitted(k) + jitted(k))(key()),
    "an element twice inside jit": lambda: numax.jit(lambda ks: bits(ks[0]) + bits(ks[0]))(keys()),
    "a traced element inside jit": lambda: numax.jit(lambda ks, i: bits(ks[i]) + bits(ks[0]))(
        keys(), 1
    ),
    "the result of jit": consumed_result,
    "closed over by scan": lambda: (lambda k: loop(lambda c, _: (c, bits(k)), 0))(key()),
    "closed over by scan in jit": lambda: numax.jit(lambda k: loop(lambda c, _: (c, bits(k)), 0))(
        key()
    ),
    "carried by scan": lambda: loop(lambda c, _: (c, bits(c)), key()),
    "exchanged by carries": lambda: swapped(key()),
    "used by scan, then again": of_keys(
        lambda ks: loop(lambda c, k: (c, bits(k)), 0, ks), lambda ks: bits(ks[2])
    ),
    "carried by while": lambda: lax.while_loop(
        lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1], bits(c[1])), (0, key(), bits(key()))
    ),
    "used by a branch": cond_then_bits,
    "grad": lambda: numax.grad(lambda x, k: random.normal(k) * x + random.normal(k))(1.0, key()),
    "while tracing": lambda: numax.make_jaxpr(lambda k: bits(k) + bits(k))(key()),
}


@pytest.mark.parametrize("case", FINE.values(), ids=FINE)
def test_keys_that_are_used_once_pass(case):
    with numax.debug_key_reuse(True):
        case()


@pytest.mark.parametrize("case", TWICE.values(), ids=TWICE)
def test_keys_that_are_used_twice_raise_only_while_the_option_is_on(case):
    case()
    with numax.debug_key_reuse(True), pytest.raises(KeyReuseError, match=r": a random key is used"):
        case()
    case()


def test_the_error_names_both_uses():
    with numax.debug_key_reuse(True), pytest.raises(TypeError) as found:
        pair(random.split, bits)()
    text = str(found.value)
    assert text.startswith(
        "random_bits: a random key is used twice; it was used by random_split at "
    )
    assert text.count("test_key_reuse.py:") == 2


def test_numbers_are_the_same_with_the_option_on():
    expected = np.asarray(bits(key()))
    numax.config.update("jax_debug_key_reuse", True)
    try:
        np.testing.assert_array_equal(bits(key()), expected)
        with pytest.raises(KeyReuseError):
            pair(jitted, jitted)()
    finally:
        numax.config.update("jax_debug_key_reuse", False)
    pair(jitted, jitted)()


def test_keys_that_are_gone_are_forgotten():
    with numax.debug_key_reuse(True):
        gc.collect()
        before = len(key_reuse._ledger.arrays)
        for _ in range(5):
            bits(key())
        gc.collect()
        assert len(key_reuse._ledger.arrays) == before
