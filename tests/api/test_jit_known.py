"""Calls of compiled programs through the native extension, and what passes a program by: the same as the general way."""

import collections
import gc
import sys

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import jit, make_jaxpr, pure_callback
from numax._engine.core import config
from numax._engine.core.native import native
from numax.api import jit as home

pytestmark = pytest.mark.skipif(
    native is None, reason="built without a C compiler, or NUMAX_NATIVE=0"
)
RNG = np.random.default_rng(0)
Point = collections.namedtuple("Point", "x y")


def array(*shape):
    return jnp.array(RNG.standard_normal(shape).astype(np.float32))


def known(f):
    """How many programs of a jitted function the extension calls."""
    return len(f._known)


ARGUMENTS = [
    ((array(40, 40),), {}),
    ((array(40, 40), array(40)), {}),
    (([array(40, 40), (array(40), None)],), {}),
    (({"b": array(40, 40), "a": [array(3)]}, array(40)), {"scale": array(40)}),
    ((), {"x": array(40, 40)}),
    ((Point(array(40, 40), array(40)),), {}),
    ((array(40, 40)[:, 0], jnp.arange(40.0), jnp.float32(2)), {}),
]


def every(*args, **kwargs):
    leaves = numax.tree.leaves((args, kwargs))
    total = sum(jnp.tanh(leaf @ leaf.T if leaf.ndim == 2 else leaf).sum() for leaf in leaves)
    return {"total": total, "twice": [jnp.sin(leaf) * 2 for leaf in leaves], "none": None}


@pytest.mark.parametrize("args,kwargs", ARGUMENTS)
def test_calls_give_what_the_general_way_gives(args, kwargs, monkeypatch):
    f = jit(every)
    first = f(*args, **kwargs)
    assert known(f) == 1
    second = f(*args, **kwargs)
    f._known.clear()
    third = f(*args, **kwargs)
    for other in (second, third):
        assert numax.tree.structure(other) == numax.tree.structure(first)
        for a, b in zip(numax.tree.leaves(other), numax.tree.leaves(first), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.aval == b.aval and type(a) is type(b)


def test_one_result_and_no_results():
    one = jit(lambda x: jnp.tanh(x @ x))
    x = array(40, 40)
    np.testing.assert_array_equal(one(x), one(x))
    assert isinstance(one(x), jnp.ndarray)
    assert jit(lambda x: ())(x) == ()


@pytest.mark.parametrize(
    "kind",
    [list, tuple, lambda xs: {"a": xs[0], "b": (xs[1],)}, lambda xs: [xs], lambda xs: Point(*xs)],
)
def test_results_of_every_form(kind):
    f = jit(lambda x: kind([jnp.tanh(x @ x), jnp.sin(x) + 1]))
    x = array(40, 40)
    first, second = f(x), f(x)
    assert known(f) == 1
    assert numax.tree.structure(first) == numax.tree.structure(second)
    assert type(first) is type(second)
    second = f(x)
    for a, b in zip(numax.tree.leaves(first), numax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_shapes_and_types_are_other_programs():
    f = jit(lambda x: jnp.tanh(x @ x.T))
    for x in (array(40, 40), array(50, 40), array(40, 40).astype(jnp.float16), array(60, 2)):
        for _ in range(3):
            np.testing.assert_allclose(
                f(x), np.tanh(np.asarray(x) @ np.asarray(x).T), rtol=2e-2, atol=1e-3
            )
    assert known(f) == 4


def test_options_that_change_a_program_are_seen():
    f = jit(lambda x: jnp.tanh(x @ x) + 1)
    x = np.asarray(array(40, 40))
    y = jnp.array(x)
    assert f(y).dtype == f(y).dtype == jnp.float32
    with config.enable_x64(True):
        assert f(jnp.array(x.astype(np.float64))).dtype == jnp.float64
        assert f(y).dtype == jnp.float32
    assert f(y).dtype == jnp.float32
    with config.disable_jit(True):
        seen = []
        jit(lambda x: seen.append(x))(y)
        assert type(seen[0]) is type(y)


def test_numbers_and_numpy_arrays_go_the_general_way():
    f = jit(lambda x, y: jnp.tanh(x @ x) * y)
    x = array(40, 40)
    for _ in range(2):
        np.testing.assert_array_equal(f(x, 2.0), f(np.asarray(x), jnp.asarray(2.0, jnp.float32)))


def test_traced_arguments_are_no_arrays():
    f = jit(lambda x: jnp.tanh(x @ x))
    x = array(40, 40)
    f(x), f(x)
    assert "jit" in str(make_jaxpr(f)(x)) or "pjit" in str(make_jaxpr(f)(x))
    np.testing.assert_allclose(numax.grad(lambda x: f(x).sum())(x).shape, (40, 40))
    np.testing.assert_allclose(numax.vmap(f)(x[None])[0], f(x), rtol=1e-5, atol=1e-6)


def test_a_deleted_argument_is_an_error():
    f = jit(lambda x: jnp.tanh(x @ x))
    x = array(40, 40)
    f(x), f(x)
    y = x + 0
    f(y).block_until_ready()
    y.delete()
    with pytest.raises(RuntimeError, match="deleted"):
        f(y)


def test_wrong_arguments_raise_as_they_do():
    f = jit(lambda x: jnp.tanh(x @ x))
    x = array(40, 40)
    f(x), f(x)
    with pytest.raises(TypeError, match="missing 1 required"):
        f()
    with pytest.raises(TypeError, match="must be an array"):
        f("text")
    with pytest.raises(TypeError):
        f(array(40, 41))


def test_a_failing_program_fails_as_before():
    def refuse(x):
        raise ValueError("no")

    f = jit(lambda x: pure_callback(refuse, x, x @ x))
    for _ in range(3):
        with pytest.raises(Exception, match="no"):
            f(array(40, 40)).block_until_ready()
    assert known(f) == 0


def test_donating_functions_keep_their_way():
    f = jit(lambda x: jnp.tanh(x @ x), donate_argnums=0)
    x = array(40, 40) + 0
    f(x)
    assert known(f) == 0 and x.is_deleted()


def test_a_cleared_cache_is_empty():
    f = jit(lambda x: jnp.tanh(x @ x))
    x = array(40, 40)
    f(x), f(x)
    f.clear_cache()
    assert known(f) == 0
    f(x)
    assert known(f) == 1


def test_calls_keep_no_memory():
    f = jit(every)
    args, kwargs = ARGUMENTS[3]
    for _ in range(50):
        f(*args, **kwargs)
    gc.collect()
    before = sys.getallocatedblocks()
    counts = [sys.getrefcount(x) for x in (args, kwargs, args[0], None)]
    for _ in range(2000):
        f(*args, **kwargs)
        with pytest.raises(TypeError):
            f(*args, scale="text")
    gc.collect()
    assert sys.getallocatedblocks() - before < 500
    after = [sys.getrefcount(x) for x in (args, kwargs, args[0], None)]
    assert all(abs(a - b) < 100 for a, b in zip(after, counts, strict=True))


@pytest.mark.parametrize(
    "args",
    [(), (1, 2, 3, 4), ({}, len, [], {}), ({}, len, (), [])],
)
def test_the_extension_refuses_other_arguments(args):
    with pytest.raises(TypeError):
        native.call(*args)
    with pytest.raises(TypeError):
        native.set_array(args)
    with pytest.raises((TypeError, AttributeError)):
        native.set_array(int)


def test_without_the_extension(monkeypatch):
    monkeypatch.setattr(home, "_quick_call", None)
    f = jit(every)
    args, kwargs = ARGUMENTS[3]
    first, second = f(*args, **kwargs), f(*args, **kwargs)
    assert known(f) == 0
    np.testing.assert_array_equal(first["total"], second["total"])


# ---- what passes a program by ----


def through(x, y, unused):
    z = jnp.tanh(y @ y)
    return {"x": x, "z": z, "again": z, "y": y, "x2": x}


def test_arguments_that_are_results_pass_by():
    f = jit(through)
    x, y, unused = array(50, 50), array(40, 40), array(60, 60)
    for _ in range(3):
        out = f(x, y, unused)
        np.testing.assert_array_equal(out["x"], x)
        np.testing.assert_array_equal(out["x2"], x)
        np.testing.assert_array_equal(out["y"], y)
        np.testing.assert_array_equal(out["z"], np.asarray(out["again"]))
        np.testing.assert_allclose(
            out["z"], np.tanh(np.asarray(y) @ np.asarray(y)), rtol=1e-4, atol=1e-5
        )
        assert out["x"] is not x and out["again"] is not out["z"]
        assert {k: v.aval for k, v in out.items()} == {
            k: v.aval for k, v in through(x, y, unused).items()
        }
    program = next(iter(f._fast.values())).program
    assert program.passing.inputs == [1]
    assert "f32[50,50]" not in program.executable.as_text()


def test_what_passed_by_does_not_die_with_the_argument():
    f = jit(through)
    g = jit(lambda a: jnp.tanh(a @ a), donate_argnums=0)
    values = [array(50, 50) + 0 for _ in range(3)]
    y, unused = array(40, 40), array(60, 60)
    for how in ("delete the argument", "donate the argument", "donate the result"):
        x = jnp.tanh(values.pop() @ jnp.eye(50))
        expected = np.array(x)
        out = f(x, y, unused)
        if how == "delete the argument":
            x.delete()
        elif how == "donate the argument":
            g(x)
        else:
            g(out["x"])
            np.testing.assert_array_equal(x, expected)
        np.testing.assert_array_equal(out["x2"], expected)
        z = np.array(out["z"])
        g(out["z"])
        np.testing.assert_array_equal(out["again"], z)


def test_a_deleted_argument_does_not_pass_by():
    f = jit(through)
    x, y, unused = array(50, 50) + 0, array(40, 40), array(60, 60)
    f(x, y, unused)
    x.delete()
    with pytest.raises(RuntimeError, match="deleted"):
        f(x, y, unused)


def test_constants_and_weak_types_that_pass_by():
    f = jit(lambda x, n: (n, jnp.tanh(x @ x), 2.0, n))
    n, z, two, _ = f(array(40, 40), 3)
    assert int(n) == 3 and n.weak_type and float(two) == 2.0 and two.weak_type
    assert not z.weak_type
