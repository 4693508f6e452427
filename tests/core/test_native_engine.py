"""What the native extension does about operations: the same as the Python that it stands for, and no reference lost."""

import gc
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numax
import numax.numpy as jnp
from numax import grad, jit, jvp, lax, make_jaxpr, vmap
from numax._engine.core.native import native

pytestmark = pytest.mark.skipif(
    native is None, reason="built without a C compiler, or NUMAX_NATIVE=0"
)

PROGRAM = """
import numax, numax.numpy as jnp, numpy as np
from numax import lax
x = jnp.array([0.5, -1.25, 3.0])
m = jnp.arange(12.0).reshape(3, 4) / 7
def f(a):
    return jnp.sum(jnp.sin(a) * a + jnp.where(a > 0, a, 2.0) ** 3) - lax.cumsum(a)[1]
def show(call):
    try:
        print(call())
    except Exception as error:
        print(type(error).__name__, error)
kept = []
def leak(a):
    kept.append(a)
    return a * 2
for transform in (
    lambda g: g(x),
    lambda g: numax.jvp(g, (x,), (jnp.ones(3),)),
    lambda g: numax.grad(g)(x),
    lambda g: numax.hessian(g)(x),
    lambda g: numax.vmap(g)(m),
    lambda g: numax.vmap(numax.grad(g))(m),
    lambda g: numax.grad(lambda a: numax.vmap(g)(a).sum())(m),
    lambda g: numax.linearize(g, x)[1](x),
    lambda g: numax.make_jaxpr(numax.grad(g))(x),
    lambda g: numax.make_jaxpr(lambda a: numax.vmap(g)(m * a))(x[0]),
    lambda g: numax.jit(numax.jacfwd(numax.grad(g)))(x),
):
    show(lambda: transform(f))
    show(lambda: transform(lambda a: lax.add(a, m)))
    show(lambda: transform(lambda a: jnp.sum(jnp.floor(a) + lax.stop_gradient(a) * 3)))
    show(lambda: transform(leak))
    show(lambda: kept[-1] + 1)
    show(lambda: transform(lambda a: lax.dot_general(m, a, (((1,), (0,)), ((), ())))))
    show(lambda: transform(lambda a: lax.dot_general(a, m, (((0,), (0,)), ((), ()))).sum()))
    show(lambda: transform(lambda a: lax.population_count(a.astype(jnp.int32)).sum() * a[0]))
    show(lambda: transform(lambda a: lax.reduce_sum(a, (5,))))
    show(lambda: transform(lambda a: lax.bitcast_convert_type(a, jnp.int32).sum()))
"""


_FLOATS = re.compile(r"\d+\.\d+")


def _short(number):
    return f"{float(number[0]):.4g}"  # sums of small arrays may differ in the last bit


def test_operations_are_the_same_without_it():
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "NUMAX_NATIVE": wanted},
            capture_output=True,
            text=True,
            check=True,
        )
        for wanted in ("0", "1")
    ]
    without, found = [_FLOATS.sub(_short, run.stdout) for run in runs]
    assert without.count("\n") > 200 and "leaked tracer" in without
    assert found == without


# ---- known results ----


def test_what_was_right_once_does_not_hide_an_error():
    x, y = jnp.ones(3), jnp.ones(4)
    for _ in range(3):
        assert lax.add(x, x).shape == (3,)
        with pytest.raises(TypeError, match="equal shapes"):
            lax.add(x, y)
        assert lax.reduce_sum(y, (0,)).shape == ()
        with pytest.raises((TypeError, ValueError)):
            lax.reduce_sum(y, (1,))
        assert lax.reshape(y, (2, 2)).shape == (2, 2)
        with pytest.raises(TypeError, match="number of elements"):
            lax.reshape(y, (2, 3))
        with pytest.raises(TypeError, match="equal dtypes"):
            lax.add(x, x.astype(jnp.int32))


def test_results_have_their_own_types():
    x = jnp.arange(6)
    for _ in range(3):
        assert lax.convert_element_type(x, jnp.float32).dtype == jnp.float32
        assert lax.convert_element_type(x, jnp.int8).dtype == jnp.int8
        assert lax.add(x, x).weak_type is False
        assert lax.mul(2.0, 3.0).weak_type is True
        assert (lax.reduce_max(x, (0,)).shape, lax.reshape(x, (2, 3)).shape) == ((), (2, 3))


def test_more_kinds_of_operations_than_are_kept():
    x = jnp.arange(4.0)
    for n in range(9000):
        assert lax.pad(x, 0.0, [(0, n % 3000, n // 3000)]).shape[0] == 4 + n % 3000 + 3 * (
            n // 3000
        )
    assert lax.reshape(x, (2, 2)).shape == (2, 2)


def test_options_are_heeded_after_operations_were_seen():
    x = jnp.array([0.0, 1.0])
    assert np.isnan(lax.div(x, x)[0])
    with numax.debug_nans(True), pytest.raises(FloatingPointError):
        lax.div(x, x)


def test_elementwise_functions_at_once():
    x = jnp.array([1.0, 2.0])
    for _ in range(2):
        assert native.unary("sin", np.sin, 1.0) is NotImplemented
        assert native.binary("add", np.add, np.add, 1.0, 2.0) is NotImplemented
        assert native.binary("add", np.add, np.add, x, "text") is NotImplemented
        np.testing.assert_array_equal(x + x, [2, 4])
        np.testing.assert_array_equal(3 - x, [2, 1])
        assert (x > 1).dtype == jnp.bool_ and (x[0] + x[1]).shape == ()
        with pytest.raises((TypeError, ValueError), match="broadcast"):
            x + jnp.ones(3)
        with pytest.raises(TypeError):
            x + "text"
    assert native.binary("add", np.add, np.add, x, jnp.ones(3)) is NotImplemented
    assert "add" in str(make_jaxpr(lambda a: a + (x + x))(x))


def test_a_deleted_array_is_an_error():
    x = jnp.ones(3)
    assert lax.neg(x).shape == (3,)
    x.delete()
    assert x.shape == (3,)
    with pytest.raises(RuntimeError, match="deleted"):
        lax.neg(x)


def test_what_is_no_array_is_an_error():
    with pytest.raises(AttributeError):
        lax.neg_p.bind("text")
    with pytest.raises(TypeError):
        lax.neg_p.bind(jnp.ones(3), axis=1)


def test_abstract_values_are_shared():
    a, b = jnp.ones((2, 3)), jnp.zeros((2, 3))
    assert a.aval is b.aval
    assert (a.aval.shape, a.aval.dtype, a.aval.weak_type) == ((2, 3), jnp.float32, False)
    assert numax.Array.shape.__doc__ == "The sizes of the axes."


# ---- products of small matrices ----


def laid_out(x, way):
    if way == "transposed":
        return np.asarray(x.T.copy().T)
    if way == "strided":
        wide = np.zeros((2 * x.shape[0], 3 * x.shape[1]), x.dtype)
        wide[::2, ::3] = x
        return wide[::2, ::3]
    return x[::-1].copy()[::-1] if way == "reversed" else x


SIZES = st.integers(1, 16)
WAYS = st.sampled_from(["plain", "transposed", "strided", "reversed"])


@given(SIZES, SIZES, SIZES, WAYS, WAYS, st.sampled_from([np.float32, np.float64]))
def test_products(m, k, n, left, right, dtype):
    rng = np.random.default_rng(m + 17 * k + 289 * n)
    x, y = (rng.standard_normal(s).astype(dtype) for s in ((m, k), (k, n)))
    out = native.product(laid_out(x, left), laid_out(y, right))
    assert out.shape == (m, n) and out.dtype == dtype
    exact = x.astype(np.longdouble) @ y.astype(np.longdouble)
    bound = np.abs(x) @ np.abs(y) * k * np.finfo(dtype).eps
    assert np.all(np.abs(out - exact) <= bound)


def test_products_of_special_values():
    x = np.array([[np.inf, 0.0], [np.nan, 1.0], [-0.0, -0.0]], np.float32)
    y = np.array([[1.0, 0.0], [0.0, np.inf]], np.float32)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(native.product(x, y), x @ y)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.ones((2, 3)), np.ones((2, 3))),
        (np.ones((2, 0)), np.ones((0, 2))),
        (np.ones((2, 65)), np.ones((65, 2))),
        (np.ones((40, 40)), np.ones((40, 40))),
        (np.ones((0, 4000)), np.ones((4000, 4000))),
        (np.ones(3), np.ones((3, 3))),
        (np.ones((3, 3), np.float32), np.ones((3, 3))),
        (np.ones((3, 3), int), np.ones((3, 3), int)),
        (np.ones((3, 3), ">f8"), np.ones((3, 3), ">f8")),
        ([[1.0]], [[1.0]]),
    ],
)
def test_products_that_are_left_to_numpy(x, y):
    assert native.product(x, y) is None


def test_public_products_take_it_and_are_recorded():
    m = jnp.arange(9.0).reshape(3, 3)
    expected = np.asarray(m) @ np.asarray(m)
    for product in (jnp.matmul, jnp.dot, lambda a, b: a @ b):
        np.testing.assert_array_equal(product(m, m), expected)
        np.testing.assert_allclose(jit(product)(m, m), expected)
        assert "dot_general" in str(make_jaxpr(lambda a, f=product: f(m, m) + a)(m))
        np.testing.assert_allclose(
            grad(lambda a, f=product: f(a, a).sum())(m),
            expected * 0 + np.asarray(m).sum(1) + np.asarray(m).sum(0)[:, None],
        )
    with pytest.raises(TypeError, match="contracted sizes"):
        m @ jnp.ones((4, 3))


# ---- references ----


def growth(call):
    for _ in range(60):
        call()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(400):
        call()
    gc.collect()
    return sys.getallocatedblocks() - before


def swallow(call):
    try:
        call()
    except (TypeError, ValueError, AttributeError, RuntimeError):
        return
    raise AssertionError("no error")


X, M = jnp.array([1.0, 2.0, 3.0]), jnp.ones((4, 3))
GONE, SMALL = jnp.ones(3), jnp.arange(3, dtype=jnp.int8)
GONE.delete()


def work(a):
    return jnp.sum(jnp.sin(a) * a - lax.cumsum(a) + jnp.round(a))


CALLS = {
    "eager": lambda: work(X),
    "jvp": lambda: jvp(work, (X,), (X,)),
    "grad": lambda: grad(work)(X),
    "vmap": lambda: vmap(work)(M),
    "record": lambda: make_jaxpr(lambda a: work(a) + X.sum())(X),
    "product": lambda: M @ M.T,
    "normal": lambda: numax.random.normal(numax.random.key(0), (3,)),
    "shapes": lambda: (X.shape, X.aval, M.aval),
    "numbers": lambda: (X + 1.0, 2 - X, X**2, X > 1, jnp.exp(X), X + X),
    "shapes that do not broadcast": lambda: swallow(lambda: X + M[0, :2]),
    "a number that wraps": lambda: SMALL + 300,
    "wrong shapes": lambda: swallow(lambda: lax.add(X, M[0, :2])),
    "wrong operand": lambda: swallow(lambda: lax.neg_p.bind("text")),
    "wrong parameter": lambda: swallow(lambda: lax.neg_p.bind(X, axis=1)),
    "deleted": lambda: swallow(lambda: lax.neg(GONE)),
    "wrong in jvp": lambda: swallow(lambda: jvp(lambda a: lax.add(a, M[0, :2]), (X,), (X,))),
    "wrong in a program": lambda: swallow(lambda: make_jaxpr(lambda a: lax.add(a, M[0, :2]))(X)),
}


@pytest.mark.parametrize("name", CALLS)
def test_no_reference_is_lost(name):
    assert min(growth(CALLS[name]) for _ in range(3)) < 40
