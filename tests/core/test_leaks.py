"""jax_check_tracer_leaks and jax_enable_checks."""

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import lax
from numax._engine.core.avals import ShapedArray
from numax._engine.core.dtypes import float32
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, Var, intern
from numax._engine.ops.basis import add_p
from numax.errors import JaxprTypeError, UnexpectedTracerError

pytestmark = pytest.mark.slow


class Store:
    kept = None


def storing(x):
    Store.kept = x * 2
    return x


LEAKS = {
    "jit": lambda: numax.jit(storing)(1.0),
    "make_jaxpr": lambda: numax.make_jaxpr(storing)(1.0),
    "vmap": lambda: numax.vmap(storing)(jnp.arange(3.0)),
    "scan": lambda: lax.scan(lambda c, x: (storing(c), x), 0.0, jnp.arange(3.0)),
    "cond": lambda: lax.cond(jnp.arange(2)[1] > 0, storing, lambda x: x, 1.0),
}


@pytest.mark.parametrize("case", LEAKS.values(), ids=LEAKS)
def test_a_stored_tracer_raises_and_names_its_holder_only_while_the_option_is_on(case):
    case()
    with numax.check_tracer_leaks(True), pytest.raises(UnexpectedTracerError) as found:
        case()
    text = str(found.value)
    assert text.startswith("leaked tracer: ") and "1 of its traced values" in text
    assert "'kept'" in text or "kept of Store" in text
    Store.kept = None


def test_arguments_and_places_are_named():
    held = []
    with numax.check_tracer_leaks(True):
        with pytest.raises(
            UnexpectedTracerError, match=r"argument y of `f`\. It is held in a list"
        ):
            numax.jit(_appending(held))(1.0)
        held.clear()
        with pytest.raises(
            UnexpectedTracerError, match=r"made at .*test_leaks\.py:\d+ \(storing\)"
        ):
            numax.jit(storing)(1.0)
    Store.kept = None


def _appending(held):
    def f(y):
        held.append(y)
        return y

    return f


def _cycle(x):
    class Node:
        pass

    a, b = Node(), Node()
    a.other, b.other, a.x = b, a, x
    return x


def _inner(w):
    return numax.jit(lambda x: w * x)(3.0)


FINE = {
    "values returned": lambda: numax.jit(lambda x: {"a": jnp.sin(x)})(1.0),
    "a cycle": lambda: numax.jit(_cycle)(1.0),
    "a gradient": lambda: numax.jit(numax.grad(lambda x: jnp.sin(x) * x))(1.0),
    "jit that closes over a traced value": lambda: numax.jit(_inner)(2.0),
    "hessian": lambda: numax.jit(numax.hessian(lambda x: jnp.sum(x**3)))(jnp.ones(3)),
    "jacfwd with aux": lambda: numax.jacfwd(lambda x: (x * 2, x), has_aux=True)(jnp.ones(3)),
    "vjp function through jit": lambda: numax.jit(lambda x: numax.vjp(jnp.sin, x)[1])(1.0)(1.0),
    "linear function through jit": lambda: numax.jit(lambda x: numax.linearize(jnp.sin, x)[1])(1.0),
}


@pytest.mark.parametrize("case", FINE.values(), ids=FINE)
def test_what_is_not_held_passes(case):
    with numax.check_tracer_leaks(True):
        case()


def test_a_users_error_is_not_hidden():
    def f(x):
        Store.kept = x
        raise KeyError("mine")

    with numax.check_tracer_leaks(True), pytest.raises(KeyError):
        numax.jit(f)(1.0)
    Store.kept = None


def test_enable_checks_refuses_malformed_programs():
    x, y, out, wide = (Var(ShapedArray((n,), float32)) for n in (3, 3, 3, 4))

    def program(operand, result):
        eqns = [Eqn(add_p, [x, operand], {}, [result])]
        return ClosedJaxpr(Jaxpr((), [x], [result], eqns, "broken"))

    intern(program(x, wide))
    with numax.enable_checks(True):
        with pytest.raises(JaxprTypeError, match=r"is declared f32\[4\] and inferred f32\[3\]"):
            intern(program(x, wide))
        with pytest.raises(JaxprTypeError, match="read before it is assigned"):
            intern(program(y, out))
    numax.clear_caches()


def test_enable_checks_passes_what_the_transformations_make():
    with numax.enable_checks(True):
        f = numax.jit(lambda x: lax.scan(lambda c, y: (c * jnp.sin(y), c), 1.0, x)[0])
        found = numax.jit(numax.vmap(numax.grad(f)))(jnp.ones((2, 3)))
    np.testing.assert_allclose(found, np.full((2, 3), np.sin(1) ** 2 * np.cos(1)), rtol=1e-5)
