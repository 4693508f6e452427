import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import lax


@numax.custom_jvp
def f(x):
    return jnp.sin(x)


@f.defjvp
def f_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return f(x), 100.0 * jnp.cos(x) * t


X = np.array([0.1, 0.2, 0.3], np.float32)


@pytest.mark.parametrize("wrap", [lambda g: g, numax.jit, lambda g: numax.jit(numax.jit(g))])
def test_custom_jvp_is_used_everywhere(wrap):
    np.testing.assert_allclose(wrap(f)(1.0), np.sin(1.0), rtol=1e-6)
    want = 100 * np.cos(X)
    np.testing.assert_allclose(wrap(numax.grad(f))(X[0]), want[0], rtol=1e-6)
    np.testing.assert_allclose(numax.grad(wrap(f))(X[0]), want[0], rtol=1e-6)
    np.testing.assert_allclose(wrap(numax.vmap(numax.grad(f)))(X), want, rtol=1e-6)
    np.testing.assert_allclose(numax.vmap(numax.grad(wrap(f)))(X), want, rtol=1e-6)
    np.testing.assert_allclose(numax.vmap(wrap(f))(X), np.sin(X), rtol=1e-6)
    np.testing.assert_allclose(
        numax.grad(lambda x: wrap(numax.vmap(f))(x).sum())(X), want, rtol=1e-6
    )
    np.testing.assert_allclose(numax.jvp(wrap(f), (X[0],), (2.0,))[1], 2 * want[0], rtol=1e-6)
    np.testing.assert_allclose(
        wrap(numax.grad(numax.grad(f)))(X[0]), -100 * np.sin(X[0]), rtol=1e-5
    )


def test_custom_jvp_inside_scan_and_cond():
    g = numax.grad(lambda x: lax.scan(lambda c, _: (f(c), None), x, None, length=1)[0])
    np.testing.assert_allclose(g(0.3), 100 * np.cos(0.3), rtol=1e-6)
    g = numax.grad(lambda x: lax.cond(x > 0, f, lambda y: y, x))
    np.testing.assert_allclose(g(0.3), 100 * np.cos(0.3), rtol=1e-6)


def test_rule_sees_concrete_values_outside_jit():
    @numax.custom_jvp
    def g(x):
        return x if x > 0 else -x

    @g.defjvp
    def _(primals, tangents):
        return g(primals[0]), tangents[0] * (3.0 if primals[0] > 0 else 5.0)

    assert numax.grad(g)(2.0) == 3.0
    assert numax.grad(g)(-2.0) == 5.0


def test_nondiff_argnums_and_pytrees():
    @numax.custom_jvp
    def plain(x):
        return x

    plain.defjvp(lambda p, t: (p[0], t[0]))

    g = numax.custom_jvp(lambda h, x: {"y": h(x["a"]) + x["b"]}, nondiff_argnums=(0,))

    @g.defjvp
    def _(h, primals, tangents):
        (x,), (t,) = primals, tangents
        return g(h, x), {"y": t["a"] * 7.0 + t["b"]}

    grads = numax.grad(lambda x: g(jnp.sin, x)["y"])({"a": 1.0, "b": 2.0})
    assert grads["a"] == 7.0 and grads["b"] == 1.0


def test_defjvps():
    g = numax.custom_jvp(lambda x, y: x * y)
    g.defjvps(lambda t, out, x, y: 10.0 * t, None)
    assert numax.grad(g)(2.0, 3.0) == 10.0
    assert numax.grad(g, 1)(2.0, 3.0) == 0.0


def test_closing_over_a_tracer():
    def outer(a, wrap=lambda g: g):
        @numax.custom_jvp
        def g(x):
            return a * x

        g.defjvp(lambda p, t: (g(p[0]), a * t[0]))
        return wrap(g)(2.0) * a

    np.testing.assert_allclose(numax.grad(outer)(3.0), 12.0)
    with pytest.raises(numax.errors.UnexpectedTracerError, match="closure_convert"):
        numax.grad(lambda a: outer(a, numax.jit))(3.0)


@numax.custom_vjp
def v(x, y):
    return jnp.sin(x) * y


v.defvjp(lambda x, y: (v(x, y), (x, y)), lambda r, ct: (ct * r[1], ct * 10.0))


@pytest.mark.parametrize("wrap", [lambda g: g, numax.jit])
def test_custom_vjp_is_used_everywhere(wrap):
    np.testing.assert_allclose(wrap(v)(1.0, 2.0), np.sin(1.0) * 2, rtol=1e-6)
    assert [float(g) for g in wrap(numax.grad(v, (0, 1)))(1.0, 2.0)] == [2.0, 10.0]
    assert [float(g) for g in numax.grad(wrap(v), (0, 1))(1.0, 2.0)] == [2.0, 10.0]
    gx, gy = wrap(numax.vmap(numax.grad(v, (0, 1)), (0, None)))(X, 2.0)
    np.testing.assert_allclose(gx, [2, 2, 2])
    np.testing.assert_allclose(gy, [10, 10, 10])
    total = numax.grad(lambda y: wrap(numax.vmap(v, (0, None)))(X, y).sum())(2.0)
    np.testing.assert_allclose(total, 30.0)
    total = numax.grad(lambda y: numax.vmap(wrap(v), (0, None))(X, y).sum())(2.0)
    np.testing.assert_allclose(total, 30.0)


def test_custom_vjp_inside_scan():
    g = numax.grad(lambda y: lax.scan(lambda c, _: (v(c, y), None), 1.0, None, length=3)[0])
    np.testing.assert_allclose(g(2.0), 70.0)


def test_second_derivative_goes_through_the_rules():
    @numax.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (cube(x), x), lambda x, ct: (3.0 * x * x * ct,))
    np.testing.assert_allclose(numax.grad(numax.grad(cube))(2.0), 12.0)
    np.testing.assert_allclose(numax.jit(numax.grad(numax.grad(cube)))(2.0), 12.0)
    np.testing.assert_allclose(numax.jacrev(numax.grad(cube))(2.0), 12.0)


def test_none_means_a_zero_cotangent():
    g = numax.custom_vjp(lambda x, n: x * n)
    g.defvjp(lambda x, n: (x * n, n), lambda n, ct: (ct * n, None))
    assert numax.grad(g)(2.0, 3.0) == 3.0
    assert numax.grad(g, 1)(2.0, 3.0) == 0.0


def test_forward_mode_over_custom_vjp_is_refused():
    with pytest.raises(TypeError, match="forward-mode"):
        numax.jvp(v, (1.0, 2.0), (1.0, 1.0))


def test_wrong_rules_are_named():
    g = numax.custom_vjp(lambda x: x)
    with pytest.raises(AttributeError, match="defvjp"):
        g(1.0)
    g.defvjp(lambda x: (x, None), lambda r, ct: (ct, ct))
    with pytest.raises(TypeError, match="tuple of 1"):
        numax.grad(g)(1.0)
    g.defvjp(lambda x: (x, None), lambda r, ct: (jnp.ones(3),))
    with pytest.raises(ValueError, match="shape"):
        numax.grad(g)(1.0)
    h = numax.custom_jvp(lambda x: x)
    h.defjvp(lambda p, t: (p[0], jnp.ones(3)))
    with pytest.raises(TypeError, match="shapes and dtypes"):
        numax.grad(h)(1.0)


def test_custom_gradient_and_closure_convert():
    @numax.custom_gradient
    def clip(x):
        return jnp.sin(x), lambda ct: ct * 42.0

    np.testing.assert_allclose(numax.grad(clip)(1.0), 42.0)

    def outer(a):
        def inner(x):
            return a * x

        converted, extra = numax.closure_convert(inner, 1.0)
        return converted(2.0, *extra)

    np.testing.assert_allclose(numax.grad(outer)(3.0), 2.0)


def test_checkpoint_agrees_and_recomputes():
    def g(x):
        return jnp.sin(jnp.sin(jnp.sin(x)))

    c = numax.checkpoint(g)
    for d in (lambda h: h, numax.grad, lambda h: numax.grad(numax.grad(h))):
        np.testing.assert_allclose(d(c)(0.5), d(g)(0.5), rtol=1e-5)
        np.testing.assert_allclose(numax.jit(d(c))(0.5), d(g)(0.5), rtol=1e-5)
        np.testing.assert_allclose(numax.vmap(d(c))(X), numax.vmap(d(g))(X), rtol=1e-5)
    plain = str(numax.make_jaxpr(numax.grad(c))(0.5))
    assert plain.count("sin") > str(numax.make_jaxpr(numax.grad(g))(0.5)).count("sin")
    saved = numax.checkpoint(g, policy=numax.checkpoint_policies.everything_saveable)
    np.testing.assert_allclose(numax.grad(saved)(0.5), numax.grad(g)(0.5), rtol=1e-6)
