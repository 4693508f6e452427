"""vmap: axes as pytrees, named axes with collectives, sizes, errors."""

import numpy as np
import pytest
from checks import assert_close

import numax
import numax.numpy as jnp
from numax import lax

A = np.arange(12, dtype=np.float32).reshape(3, 4)
B = np.arange(3, dtype=np.float32)


def test_axes_of_arguments_and_results():
    dot = lambda x, y: jnp.sum(x * y)
    for in_axes in ((0, None), (0, 0), (1, None), (-1, None)):
        x = A if in_axes[0] == 0 else A.T
        y = A if in_axes[1] == 0 else A[0]
        rows = A if in_axes[1] == 0 else np.broadcast_to(A[0], A.shape)
        want = (A * rows).sum(1)
        assert_close(numax.vmap(dot, in_axes)(x, y), want)
        assert_close(numax.jit(numax.vmap(dot, in_axes))(x, y), want)
    assert_close(numax.vmap(lambda x: x * 2, out_axes=1)(A), 2 * A.T)
    assert_close(numax.vmap(lambda x: x * 2, in_axes=1, out_axes=-1)(A), 2 * A)
    assert_close(numax.vmap(lambda x: (x, x), out_axes=(0, 1))(A), (A, A.T))


def test_axes_as_pytrees():
    def f(p, scale):
        return {"s": p["w"] * p["b"] * scale, "k": scale}

    out = numax.vmap(f, in_axes=({"w": 0, "b": None}, None), out_axes={"s": 0, "k": None})(
        {"w": A, "b": A[0]}, 2.0
    )
    assert_close(out["s"], A * A[0] * 2)
    assert out["k"] == 2.0
    out = numax.vmap(f, in_axes=(0, None))({"w": A, "b": A + 1}, 2.0)
    assert_close(out["s"], A * (A + 1) * 2)
    assert out["k"].shape == (3,)
    assert_close(numax.vmap(lambda p: p[0] + p[1], in_axes=[(0, 1)])((A, A.T)), 2 * A)


def test_keyword_arguments_map_their_first_axis():
    assert_close(numax.vmap(lambda x, *, y: x + y)(A, y=B), A + B[:, None])


def test_unmapped_results_are_repeated():
    assert_close(numax.vmap(lambda x: 3.0)(B), np.full(3, 3, np.float32))
    assert numax.vmap(lambda x: 3.0, out_axes=None)(B) == 3.0


def test_axis_size_without_mapped_arguments():
    assert_close(numax.vmap(lambda: jnp.ones(2), axis_size=3)(), np.ones((3, 2), np.float32))
    assert_close(numax.vmap(lambda x: x, in_axes=None, axis_size=2)(A), np.stack([A, A]))
    assert numax.vmap(lambda x: x, axis_size=3)(B).shape == (3,)


def test_nesting():
    outer = numax.vmap(numax.vmap(lambda x, y: x * y, (None, 0)), (0, None))
    assert_close(outer(B, A[0]), np.outer(B, A[0]))
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert_close(numax.vmap(numax.vmap(numax.vmap(jnp.sin)))(x), np.sin(x))
    assert_close(
        numax.vmap(numax.vmap(lambda v: v, in_axes=1, out_axes=0), in_axes=2)(x),
        x.transpose(2, 1, 0),
    )


def test_an_empty_axis():
    out = numax.vmap(lambda x: jnp.sum(x) * jnp.ones(2))(np.zeros((0, 4), np.float32))
    assert out.shape == (0, 2)


# ---- collectives ----


def test_collectives_over_a_named_axis():
    def f(x):
        return {
            "sum": lax.psum(x, "i"),
            "mean": lax.pmean(x, "i"),
            "max": lax.pmax(x, "i"),
            "index": lax.axis_index("i"),
            "all": lax.all_gather(x, "i"),
            "next": lax.ppermute(x, "i", [(0, 1), (1, 2), (2, 0)]),
            "size": lax.axis_size("i"),
        }

    for g in (f, numax.jit(f)):
        out = numax.vmap(g, axis_name="i")(B)
        assert_close(out["sum"], np.full(3, 3, np.float32))
        assert_close(out["mean"], np.ones(3, np.float32))
        assert_close(out["max"], np.full(3, 2, np.float32))
        assert_close(out["index"], np.arange(3, dtype=np.int32))
        assert_close(out["all"], np.stack([B] * 3))
        assert_close(out["next"], np.roll(B, 1))
        np.testing.assert_array_equal(out["size"], 3)


def test_sums_over_one_and_both_of_two_named_axes():
    for names, want in ((("i",), A.sum(0)), (("j",), A.sum(1)[:, None]), (("i", "j"), A.sum())):
        f = numax.vmap(numax.vmap(lambda x, n=names: lax.psum(x, n), axis_name="j"), axis_name="i")
        assert_close(f(A), np.broadcast_to(want, A.shape).astype(np.float32))


def test_derivatives_of_collectives():
    def loss(x):
        centred = numax.vmap(lambda v: v - lax.pmean(v, "i"), axis_name="i")(x)
        return jnp.sum(centred**2)

    g = numax.grad(loss)(B)
    assert_close(g, 2 * (B - B.mean()))
    assert_close(numax.jit(numax.grad(loss))(B), g)


def test_a_name_outside_its_vmap_is_unbound():
    with pytest.raises(NameError, match=r"^unbound axis name: i"):
        lax.psum(1.0, "i")
    with pytest.raises(NameError, match=r"^unbound axis name: j"):
        numax.vmap(lambda x: lax.psum(x, "j"), axis_name="i")(B)


# ---- errors ----

REFUSED = [
    (
        lambda: numax.vmap(jnp.sin, in_axes=None)(1.0),
        r"^vmap: `sin` needs at least one mapped argument",
    ),
    (
        lambda: numax.vmap(jnp.add)(np.ones(2), np.ones(3)),
        r"must have equal sizes; got\n.*args\[0\].*size 2\n.*args\[1\].*size 3",
    ),
    (lambda: numax.vmap(jnp.sin)(1.0), r"^vmap: in_axes names axis 0 of an argument of `sin`"),
    (lambda: numax.vmap(jnp.sin, in_axes=3)(B), r"^vmap: in_axes names axis 3"),
    (lambda: numax.vmap(lambda x: x, out_axes=None)(B), r"^vmap: out_axes is None for a result"),
    (lambda: numax.vmap(lambda x: x, out_axes=2)(B), r"^vmap: out_axes names axis 2"),
    (lambda: numax.vmap(jnp.add, in_axes=(0,))(B, B), r"^vmap: in_axes must have one entry"),
    (lambda: numax.vmap(lambda x: x, axis_size=4)(B), r"axis_size is 4"),
    (lambda: numax.vmap(lambda p: p, in_axes=({"a": 0},))({"b": B}), r"^vmap: in_axes must be"),
    (lambda: numax.vmap(lambda p: (p, p), out_axes=(0,))(B), r"^vmap: out_axes must be"),
]


@pytest.mark.parametrize(("call", "pattern"), REFUSED)
def test_refused_with_value_errors(call, pattern):
    with pytest.raises(ValueError, match=pattern):
        call()


def test_refused_with_type_errors():
    for call, pattern in (
        (lambda: numax.vmap(3), r"^vmap: fun must be callable"),
        (lambda: numax.vmap(jnp.sin, in_axes="a"), r"^vmap: in_axes must hold ints"),
        (lambda: numax.vmap(jnp.sin, in_axes=1.5), r"^vmap: in_axes must"),
        (lambda: numax.vmap(jnp.sin, out_axes="a"), r"^vmap: out_axes must"),
        (lambda: numax.vmap(lambda x: "a")(B), r"vmap"),
        (lambda: numax.vmap(lambda x: x)(["a"]), r"vmap"),
    ):
        with pytest.raises(TypeError, match=pattern):
            call()
