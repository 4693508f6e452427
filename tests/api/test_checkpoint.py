"""checkpoint: the same values, less kept. closure_convert and custom_gradient."""

import numpy as np
import pytest
from checks import assert_close, check

import numax
import numax.numpy as jnp
from numax import lax

X = np.array([0.3, 0.7], np.float32)


def f(x):
    return jnp.sum(jnp.sin(jnp.sin(x)) * x)


def names(fun, *args):
    """The names of all primitives, in programs inside as well."""

    def walk(jaxpr):
        for eqn in jaxpr.eqns:
            yield eqn.primitive.name
            for value in eqn.params.values():
                if hasattr(value, "jaxpr"):
                    yield from walk(value.jaxpr)

    return list(walk(numax.make_jaxpr(fun)(*args).jaxpr))


def test_it_passes_every_check():
    check(numax.checkpoint(lambda x: jnp.sin(jnp.sin(x)) * x), X)


def test_values_are_computed_again():
    plain, again = names(numax.grad(f), X), names(numax.grad(numax.checkpoint(f)), X)
    assert plain.count("sin") == 2
    assert again.count("sin") > 2
    everything = numax.checkpoint(f, policy=numax.checkpoint_policies.everything_saveable)
    assert names(numax.grad(everything), X).count("sin") == 2


def test_policies_do_not_change_values():
    for policy in ("everything_saveable", "nothing_saveable", "dots_saveable"):
        g = numax.checkpoint(f, policy=getattr(numax.checkpoint_policies, policy))
        assert_close(numax.grad(g)(X), numax.grad(f)(X))
        assert_close(numax.jit(numax.grad(g))(X), numax.grad(f)(X))


def test_static_arguments_keywords_and_closures():
    def power(x, n, *, scale=1.0):
        for _ in range(n):
            x = x * x
        return jnp.sum(x) * scale

    g = numax.checkpoint(power, static_argnums=1)
    assert_close(numax.grad(g)(X, 2, scale=2.0), 8 * X**3)
    first = numax.checkpoint(lambda n, x: jnp.sum(x) ** n, static_argnums=0)
    assert_close(first(2, X), np.sum(X) ** 2)
    outer = lambda w: numax.checkpoint(lambda x: jnp.sum(w * x))(X)
    assert_close(numax.grad(outer)(X), X)
    assert numax.checkpoint(power, static_argnums=1).__name__ == "power"


def test_inside_a_scan():
    def chain(x, wrap):
        return lax.scan(lambda c, _: (wrap(jnp.sin)(c) * 1.1, None), x, None, length=5)[0]

    for transform in (
        numax.grad,
        lambda g: numax.jit(numax.grad(g)),
        lambda g: numax.grad(numax.grad(g)),
    ):
        plain = transform(lambda x: chain(x, lambda g: g))(0.4)
        assert_close(transform(lambda x: chain(x, numax.checkpoint))(0.4), plain)


def test_closure_convert_finds_tracers():
    def outer(w, x):
        converted, extra = numax.closure_convert(lambda y: y * w + X, x)
        assert len(extra) == 1
        return jnp.sum(converted(x, *extra))

    gw, gx = numax.grad(outer, (0, 1))(2.0, X)
    assert_close((gw, gx), (np.sum(X), np.full(2, 2, np.float32)))
    with pytest.raises(TypeError, match=r"^closure_convert: arguments must have the structure"):
        numax.closure_convert(lambda y: y, 1.0)[0]((1.0, 2.0))


def test_custom_gradient():
    @numax.custom_gradient
    def twice(x):
        return x * 2, lambda ct: (ct * 100,)

    assert twice(3.0) == 6 and numax.grad(twice)(3.0) == 100

    @numax.custom_gradient
    def product(x, y):
        return x * y, lambda ct: (ct * y, ct * x * 10)

    assert numax.grad(product, (0, 1))(2.0, 3.0) == (3.0, 20.0)
    assert numax.jit(numax.grad(product))(2.0, 3.0) == 3.0
