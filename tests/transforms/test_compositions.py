"""Transformations compose: any nesting of them around a function gives what the plain function gives."""

import itertools

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import numax
import numax.numpy as jnp
from numax import lax

SIZE = 3
POINT = np.array([0.3, -0.7, 1.1])


# ---- wrappers that change nothing: (R^3 -> R^3) -> (R^3 -> R^3) ----


def through_vmap(f):
    return lambda x: numax.vmap(f)(jnp.stack([x, x * 0.5]))[0]


def through_last_axis(f):
    return lambda x: numax.vmap(f, in_axes=-1, out_axes=1)(jnp.stack([x, x + 1], -1))[:, 0]


def through_scan(f):
    return lambda x: lax.scan(lambda c, _: (c, f(c)), x, None, length=2)[1][1]


def through_carry(f):
    return lambda x: lax.scan(lambda c, _: (f(x) + 0 * c, None), x, None, length=2)[0]


def through_cond(f):
    return lambda x: lax.cond(x[0] > -9, f, lambda y: y * 0 + 7, x)


def through_while(f):
    return lambda x: lax.while_loop(lambda s: s[0] < 1, lambda s: (s[0] + 1, f(x)), (0, x))[1]


def through_fori(f):
    return lambda x: lax.fori_loop(0, 2, lambda i, y: f(x) + 0 * y, x)


def through_grad(f):
    """f(x) = d/dw <w, f(x)>."""
    return lambda x: numax.grad(lambda w: jnp.sum(w * f(x)))(jnp.ones(SIZE))


def through_jvp(f):
    return lambda x: numax.jvp(lambda w: w * f(x), (jnp.ones(SIZE),), (jnp.ones(SIZE),))[1]


def through_vjp(f):
    return lambda x: numax.vjp(lambda w: w * f(x), jnp.ones(SIZE))[1](jnp.ones(SIZE))[0]


def through_linearize(f):
    return lambda x: numax.linearize(lambda w: w * f(x), jnp.ones(SIZE))[1](jnp.ones(SIZE))


def through_custom_vjp(f):
    @numax.custom_vjp
    def g(x):
        return f(x)

    def forward(x):
        return numax.vjp(f, x)

    g.defvjp(forward, lambda pull, ct: pull(ct))
    return g


def through_custom_jvp(f):
    @numax.custom_jvp
    def g(x):
        return f(x)

    g.defjvp(lambda primals, tangents: numax.jvp(f, primals, tangents))
    return g


def through_map(f):
    return lambda x: lax.map(f, jnp.stack([x, x]))[1]


REVERSE = {
    "jit": numax.jit,
    "vmap": through_vmap,
    "vmap -1": through_last_axis,
    "scan": through_scan,
    "carry": through_carry,
    "cond": through_cond,
    "checkpoint": numax.checkpoint,
    "grad": through_grad,
    "jvp": through_jvp,
    "vjp": through_vjp,
    "linearize": through_linearize,
    "map": through_map,
    "fori": through_fori,
    "custom_jvp": through_custom_jvp,
}
FORWARD = {**REVERSE, "while": through_while}
ONCE = {**REVERSE, "custom_vjp": through_custom_vjp}


def wrapped(names, table, f):
    for name in reversed(names):
        f = table[name](f)
    return f


# ---- small random functions ----


def functions(draw_choices):
    """A function R^3 -> R^3 from a list of small steps."""
    steps = {
        "sin": jnp.sin,
        "mul": lambda x: x * jnp.flip(x),
        "sum": lambda x: x + jnp.sum(x) * 0.3,
        "tanh": lambda x: jnp.tanh(x) * 1.5,
        "index": lambda x: x.at[1].add(x[0] * x[2]),
        "dot": lambda x: jnp.dot(np.arange(9.0).reshape(3, 3) * 0.2, x),
        "where": lambda x: jnp.where(x > 0, x * x, x * 0.5),
        "div": lambda x: x / (1 + x * x),
        "cumsum": lambda x: jnp.cumsum(x),
        "scan": lambda x: lax.scan(lambda c, y: (c * 0.5 + y, c * y), 0.1, x)[1],
    }

    def f(x):
        for name in draw_choices:
            x = steps[name](x)
        return x

    return f


STEPS = ["sin", "mul", "sum", "tanh", "index", "dot", "where", "div", "cumsum", "scan"]


def jacobian(f, x):
    return np.asarray(numax.jacfwd(f)(x))


def agree(one, two):
    np.testing.assert_allclose(np.asarray(one), np.asarray(two), rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module", autouse=True)
def double():
    with numax.enable_x64(True):
        yield


@pytest.mark.parametrize("names", list(itertools.product(FORWARD, FORWARD)), ids=" ".join)
def test_every_pair_keeps_values_and_forward_derivatives(names):
    f = functions(["sin", "mul"])
    g = wrapped(names, FORWARD, f)
    agree(g(jnp.asarray(POINT)), f(jnp.asarray(POINT)))
    agree(jacobian(g, POINT), jacobian(f, POINT))


@pytest.mark.parametrize("names", list(itertools.product(ONCE, ONCE)), ids=" ".join)
def test_every_pair_keeps_reverse_derivatives(names):
    if "custom_vjp" in names and set(names) & {"jvp", "linearize"}:
        return
    f = functions(["sin", "mul"])
    g = wrapped(names, ONCE, f)
    agree(numax.jacrev(g)(POINT), jacobian(f, POINT))


@hypothesis.given(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=4),
    st.lists(st.sampled_from(list(REVERSE)), min_size=1, max_size=4),
)
@pytest.mark.slow
@hypothesis.settings(max_examples=40)
def test_random_nestings_to_depth_four(steps, names):
    f = functions(steps)
    g = wrapped(names, REVERSE, f)
    agree(g(jnp.asarray(POINT)), f(jnp.asarray(POINT)))
    want = jacobian(f, POINT)
    agree(jacobian(g, POINT), want)
    agree(numax.jacrev(g)(POINT), want)


@hypothesis.given(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=3),
    st.lists(st.sampled_from(list(REVERSE)), min_size=1, max_size=3),
)
@pytest.mark.slow
@hypothesis.settings(max_examples=12)
def test_second_derivatives_of_random_nestings(steps, names):
    plain = functions(steps)
    nested = wrapped(names, REVERSE, plain)
    f = lambda x: jnp.sum(plain(x) ** 2)
    g = lambda x: jnp.sum(nested(x) ** 2)
    want = numax.hessian(f)(POINT)
    agree(numax.hessian(g)(POINT), want)
    agree(numax.jacrev(numax.jacrev(g))(POINT), want)


ORDERS = list(itertools.permutations(["grad", "jit", "vmap", "scan"]))


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_grad_jit_vmap_and_scan_in_every_order(order):
    def f(x):
        return lax.cond(x > 0, lambda x: x * jnp.sin(x), lambda x: x * x, x)

    transforms = {
        "grad": lambda g: lambda x: numax.grad(lambda v: jnp.sum(g(v)))(x),
        "jit": numax.jit,
        "vmap": numax.vmap,
        "scan": lambda g: lambda x: lax.scan(lambda c, _: (c, g(c)), x, None, length=2)[1][0],
    }
    g = f
    for name in reversed(order):
        g = transforms[name](g)
    x = np.array([0.5, -0.5, 2.0])
    want = np.where(x > 0, np.sin(x) + x * np.cos(x), 2 * x)
    agree(g(x), want)
