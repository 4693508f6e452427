"""Derivatives of functions on pytrees. Values of complex functions were read off JAX."""

import numpy as np
import pytest
from checks import assert_close

import numax
import numax.numpy as jnp
from numax import lax

Z = np.complex64(1 + 2j)


def f3(a, b, c):
    return jnp.sum(a * b["x"] ** 2) + jnp.sum(c[0] * c[1])


ARGS = (
    np.array([1.0, 2.0], np.float32),
    {"x": np.array([3.0, 4.0], np.float32)},
    (np.float32(5.0), np.float32(6.0)),
)


# ---- grad, value_and_grad ----


def test_argnums():
    a, b, _c = ARGS
    want = (b["x"] ** 2, {"x": 2 * a * b["x"]}, (np.float32(6), np.float32(5)))
    for i in range(3):
        assert_close(numax.grad(f3, i)(*ARGS), want[i])
        assert_close(numax.grad(f3, i - 3)(*ARGS), want[i])
        assert_close(numax.grad(f3, (i,))(*ARGS), (want[i],))
    assert_close(numax.grad(f3, (2, 0))(*ARGS), (want[2], want[0]))
    assert_close(numax.grad(f3, argnums=(0, 1, 2))(*ARGS), want)
    assert_close(numax.grad(f3, argnums=[1])(*ARGS), (want[1],))


def test_value_and_aux():
    def f(x, scale=1.0):
        return jnp.sum(x**2) * scale, {"x": x * 2, "name": "text", "n": 3}

    x = np.array([1.0, 2.0], np.float32)
    (value, aux), g = numax.value_and_grad(f, has_aux=True)(x, scale=3.0)
    assert value == 15.0 and aux["name"] == "text" and aux["n"] == 3
    assert_close(g, 6 * x)
    assert_close(aux["x"], 2 * x)
    g, aux = numax.grad(f, has_aux=True)(x)
    assert_close(g, 2 * x)
    assert_close(aux["x"], 2 * x)
    value, g = numax.jit(numax.value_and_grad(lambda x: jnp.sum(x**3)))(x)
    assert value == 9.0
    assert_close(g, 3 * x**2)


def test_keywords_are_not_differentiated():
    assert numax.grad(lambda x, y: x * y)(2.0, y=3.0) == 3.0


def test_higher_orders_of_a_polynomial_and_of_a_sine():
    f, want = lambda x: x**5, [5.0, 20.0, 60.0, 120.0, 120.0, 0.0]
    for value in want:
        f = numax.grad(f)
        assert f(1.0) == value
    with numax.enable_x64(True):
        g = jnp.sin
        for k in range(5):
            g = numax.grad(g)
            np.testing.assert_allclose(g(0.3), np.sin(0.3 + (k + 1) * np.pi / 2), rtol=1e-12)


def test_a_zero_gradient_has_the_arguments_type():
    g = numax.grad(lambda x, y: y * 1.0, (0, 1))(np.ones((), np.float16), np.float32(2))
    assert [(v.dtype.name, float(v)) for v in g] == [("float16", 0.0), ("float32", 1.0)]


def test_integers():
    with pytest.raises(
        TypeError, match=r"^grad: inputs must be floats or complex.*int32\[\].*allow_int"
    ):
        numax.grad(lambda x: x * 1.0)(1)
    g = numax.grad(lambda p: jnp.sum(p["w"][p["i"]] ** 2), allow_int=True)({"w": ARGS[0], "i": 1})
    assert g["i"].dtype == numax.float0 and g["i"].shape == ()
    assert_close(g["w"], np.array([0, 4], np.float32))


def test_control_flow_in_python_depends_on_values():
    def f(x):
        while x < 10:
            x = x * x
        return x

    assert numax.grad(f)(2.0) == 32.0  # x**4


COMPLEX = [
    ("re(z z)", lambda z: jnp.real(z * z), 2 + 4j),
    ("|z|", lambda z: jnp.abs(z), 0.4472136 - 0.8944272j),
    ("im(exp z)", lambda z: jnp.imag(jnp.exp(z)), 2.4717267 + 1.1312044j),
]


@pytest.mark.parametrize(("fun", "want"), [c[1:] for c in COMPLEX], ids=[c[0] for c in COMPLEX])
def test_real_functions_of_complex_numbers(fun, want):
    for f in (numax.grad(fun), numax.jit(numax.grad(fun)), numax.grad(numax.jit(fun))):
        np.testing.assert_allclose(f(Z), want, rtol=1e-5)


def test_holomorphic_functions():
    assert numax.grad(lambda z: z * z * 1j, holomorphic=True)(Z) == -4 + 2j
    np.testing.assert_allclose(
        numax.jacfwd(lambda z: z**3, holomorphic=True)(Z), -9 + 12j, rtol=1e-5
    )
    np.testing.assert_allclose(
        numax.jacrev(lambda z: z**3, holomorphic=True)(Z), -9 + 12j, rtol=1e-5
    )
    np.testing.assert_allclose(numax.hessian(lambda z: z**3, holomorphic=True)(Z), 6 * Z, rtol=1e-5)


def test_complex_products_of_both_modes():
    assert numax.vjp(lambda z: z * z * 1j, Z)[1](np.complex64(1 + 1j))[0] == -6 - 2j
    assert numax.vjp(lambda x: x * (1 + 2j), np.float32(3))[1](np.complex64(1 + 1j))[0] == -1
    value, tangent = numax.jvp(lambda z: z * jnp.conj(z), (Z,), (np.complex64(1 + 1j),))
    assert (value, tangent) == (5, 6)


REFUSED = [
    (
        lambda: numax.grad(lambda x: x)(np.ones(2)),
        r"^grad: `<lambda>` must return a scalar; got float32\[2\]",
    ),
    (
        lambda: numax.grad(lambda x: (x,))(1.0),
        r"^grad: `<lambda>` must return a scalar; got a pytree",
    ),
    (
        lambda: numax.grad(lambda x: x)(Z),
        "^grad: the output must be a real float; got complex64.*holomorphic",
    ),
    (
        lambda: numax.grad(lambda x: x, holomorphic=True)(1.0),
        "holomorphic=True inputs must be complex",
    ),
    (lambda: numax.grad(lambda x: x, argnums=2)(1.0), "^grad: argnums names positional argument 2"),
    (lambda: numax.grad(lambda x: x, argnums="x"), "^grad: argnums must be an int or a tuple"),
    (
        lambda: numax.grad(lambda x: x, has_aux=True)(1.0),
        r"has_aux=True `<lambda>` must return a pair",
    ),
    (
        lambda: numax.grad(lambda x: 1)(1.0),
        r"^grad: the output must be a real float; got int32\[\]",
    ),
    (lambda: numax.grad(lambda x: "a")(1.0), "grad"),
    (lambda: numax.grad(lambda x: x)("a"), "grad"),
    (lambda: numax.jacrev(jnp.sin)(1), "^jacrev: inputs must be floats"),
    (lambda: numax.jacfwd(jnp.sin)(1), "^jacfwd: inputs must be real floats"),
    (lambda: numax.jvp(jnp.sin, 1.0, 1.0), "^jvp: primals must be a tuple"),
    (
        lambda: numax.jvp(jnp.sin, (1.0,), ((1.0,),)),
        "^jvp: primals and tangents must have the same structure",
    ),
    (lambda: numax.jvp(jnp.sin, (1,), (1.0,)), "float0"),
    (
        lambda: numax.jvp(jnp.sin, (1.0,), (np.int32(1),)),
        "^jvp: a tangent must have its primal's dtype",
    ),
]


@pytest.mark.parametrize(("call", "pattern"), REFUSED)
def test_refused_with_type_errors(call, pattern):
    with pytest.raises(TypeError, match=pattern):
        call()


def test_refused_with_value_errors():
    with pytest.raises(
        ValueError, match=r"^jvp: a tangent must have its primal's shape; got float32\[2\]"
    ):
        numax.jvp(jnp.sin, (1.0,), (np.ones(2, np.float32),))
    pull = numax.vjp(jnp.sin, 1.0)[1]
    with pytest.raises(ValueError, match=r"^vjp: a cotangent must have its output's shape"):
        pull(np.ones(2, np.float32))
    with pytest.raises(ValueError, match=r"^vjp: a cotangent must have its output's dtype"):
        pull(np.int32(1))
    with pytest.raises(ValueError, match=r"^vjp: the cotangent must have the output's structure"):
        pull((1.0,))
    with pytest.raises(ValueError, match=r"^linearize: a tangent must have its primal's shape"):
        numax.linearize(jnp.sin, 1.0)[1](np.ones(3, np.float32))


# ---- jvp, vjp, linearize, linear_transpose ----


def pair(x, y):
    return {"p": jnp.sin(x) * y, "s": jnp.sum(y)}


X, Y = np.array([0.5, 1.0], np.float32), np.array([2.0, 3.0], np.float32)


def test_jvp_of_pytrees():
    tx, ty = np.array([1.0, -1.0], np.float32), np.array([0.5, 0.0], np.float32)
    out, tangent = numax.jvp(pair, (X, Y), (tx, ty))
    assert_close(out, pair(X, Y))
    assert_close(tangent, {"p": np.cos(X) * Y * tx + np.sin(X) * ty, "s": np.sum(ty)})
    out, tangent, aux = numax.jvp(lambda x: (x * 2, {"aux": x}), (X,), (tx,), has_aux=True)
    assert_close((out, tangent, aux["aux"]), (2 * X, 2 * tx, X))


def test_vjp_runs_backwards_any_number_of_times():
    _, pull = numax.vjp(pair, X, Y)
    for scale in (1.0, 2.0):
        ct = {"p": np.full(2, scale, np.float32), "s": np.float32(1)}
        gx, gy = pull(ct)
        assert_close(gx, scale * np.cos(X) * Y)
        assert_close(gy, scale * np.sin(X) + 1)
    _out, pull, aux = numax.vjp(lambda x: (x * 2, "aux"), X, has_aux=True)
    assert aux == "aux"
    assert_close(pull(X)[0], 2 * X)


def test_vjp_under_jit_and_of_unused_arguments():
    def back(x, y, ct):
        return numax.vjp(lambda x, y, z: jnp.sin(x), x, y, 3)[1](ct)[:2]

    assert_close(numax.jit(back)(X, Y, Y), (np.cos(X) * Y, 0 * Y))
    gx, gy, gz = numax.vjp(lambda x, y, z: x * 2, X, Y, 3)[1](X)
    assert_close((gx, gy), (2 * X, 0 * Y))
    assert gz.dtype == numax.float0


def test_linearize_runs_the_known_part_once():
    calls = []

    def f(x):
        numax.debug.callback(lambda: calls.append(1))
        return jnp.sin(x) * x

    value, linear = numax.linearize(f, 2.0)
    for t in (1.0, -3.0):
        np.testing.assert_allclose(linear(t), t * (np.cos(2.0) * 2 + np.sin(2.0)), rtol=1e-6)
    np.testing.assert_allclose(value, np.sin(2.0) * 2, rtol=1e-6)
    assert calls == [1]


def test_linear_transpose():
    m = np.arange(6, dtype=np.float32).reshape(2, 3)
    back = numax.linear_transpose(lambda x: m @ x, numax.ShapeDtypeStruct((3,), np.float32))
    assert_close(back(np.ones(2, np.float32))[0], m.sum(0))


# ---- Jacobians and Hessians ----


def test_jacobians_of_both_modes_agree_and_have_the_right_structure():
    def f(p, k):
        return {"u": jnp.outer(p["a"], p["b"]) * k, "v": jnp.sum(p["a"])}

    p = {"a": X, "b": np.array([1.0, 2.0, 3.0], np.float32)}
    forward, reverse = numax.jacfwd(f)(p, 2.0), numax.jacrev(f)(p, 2.0)
    assert forward["u"]["a"].shape == (2, 3, 2) and forward["v"]["b"].shape == (3,)
    assert_close(forward, reverse)
    assert_close(numax.jit(numax.jacfwd(f))(p, 2.0), numax.jit(numax.jacrev(f))(p, 2.0))
    want = np.einsum("ik,j->ijk", np.eye(2), p["b"]).astype(np.float32) * 2
    assert_close(forward["u"]["a"], want)
    assert_close(numax.jacrev(f, 1)(p, 2.0)["u"], np.outer(X, p["b"]))


def test_jacobian_with_aux_and_several_arguments():
    def f(x, y):
        return x * y, {"sum": x + y}

    for jac in (numax.jacfwd, numax.jacrev):
        (gx, gy), aux = jac(f, argnums=(0, 1), has_aux=True)(X, Y)
        assert_close((gx, gy, aux["sum"]), (np.diag(Y), np.diag(X), X + Y))


def test_hessian():
    def f(x, y):
        return jnp.sum(x**3) * y

    h = numax.hessian(f, argnums=(0, 1))(X, np.float32(2.0))
    assert_close(h[0][0], np.diag(6 * X * 2))
    assert_close(h[0][1], 3 * X**2)
    assert_close(h[1][0], 3 * X**2)
    assert_close(h[1][1], np.float32(0))
    tree = numax.hessian(lambda p: p["a"] * p["b"] ** 2)({"a": 2.0, "b": 3.0})
    assert {k: {m: float(v) for m, v in r.items()} for k, r in tree.items()} == {
        "a": {"a": 0.0, "b": 6.0},
        "b": {"a": 6.0, "b": 4.0},
    }


def test_gradients_through_stop_gradient_and_indexing():
    g = numax.grad(lambda x: jnp.sum(x * lax.stop_gradient(x)))(X)
    assert_close(g, X)
    assert_close(numax.grad(lambda x: x[1] * x[-1])(X), np.array([0.0, 2.0], np.float32))
