"""Checks of pmap on four devices; run by test_pmap in a process of its own."""

import numpy as np

import numax
import numax.numpy as jnp
from numax import lax

ROW = np.arange(8, dtype=np.float32).reshape(4, 2)


def equal(got, want):
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-6)


def each_slice_runs_on_its_own_device():
    out = numax.pmap(lambda x: jnp.sin(x) * 2)(ROW)
    equal(out, np.sin(ROW) * 2)
    assert out.devices() == set(numax.devices())
    assert [s.data.shape for s in out.addressable_shards] == [(1, 2)] * 4


def results_stay_where_they_are():
    f = numax.pmap(lambda x: x + 1)
    x = ROW
    for _ in range(3):
        x = f(x)
    equal(x, ROW + 3)
    equal(x + 1, ROW + 4)
    equal(jnp.sum(x), (ROW + 3).sum())


def axes():
    equal(numax.pmap(lambda x, y: x + y, in_axes=(0, None))(ROW, ROW[0]), ROW + ROW[0])
    equal(numax.pmap(lambda x: x * 2, in_axes=1)(ROW.T), ROW * 2)
    equal(numax.pmap(lambda x: x * 2, out_axes=1)(ROW), ROW.T * 2)
    out = numax.pmap(lambda p: {"s": p["a"] * p["b"]}, in_axes=({"a": 0, "b": None},))(
        {"a": ROW, "b": 3.0}
    )
    equal(out["s"], ROW * 3)
    equal(numax.pmap(lambda x: lax.psum(x, "i"), "i", out_axes=None)(ROW), ROW.sum(0))


def collectives():
    def f(x):
        return (
            lax.psum(x, "i"),
            lax.pmax(x, "i"),
            lax.axis_index("i"),
            lax.all_gather(x, "i"),
            lax.ppermute(x, "i", [(k, (k + 1) % 4) for k in range(4)]),
        )

    total, top, index, gathered, moved = numax.pmap(f, axis_name="i")(ROW)
    equal(total, np.broadcast_to(ROW.sum(0), ROW.shape))
    equal(top, np.broadcast_to(ROW.max(0), ROW.shape))
    equal(index, np.arange(4))
    equal(gathered, np.stack([ROW] * 4))
    equal(moved, np.roll(ROW, 1, 0))


def fewer_devices():
    equal(numax.pmap(lambda x: lax.psum(x, "i"), "i")(ROW[:2]), np.stack([ROW[:2].sum(0)] * 2))
    two = numax.devices()[2:]
    assert numax.pmap(lambda x: x, devices=two)(ROW[:2]).devices() == set(two)


def static_and_keyword_arguments():
    f = numax.pmap(lambda n, x: x**n, static_broadcasted_argnums=0)
    equal(f(2, ROW), ROW**2)
    equal(f(3, ROW), ROW**3)
    equal(numax.pmap(lambda x, *, y: x + y)(ROW, y=ROW), 2 * ROW)


def derivatives():
    def loss(w):
        return jnp.sum(numax.pmap(lambda x: lax.pmean(jnp.sum(w * x**2), "i"), "i")(ROW))

    equal(numax.grad(loss)(2.0), (ROW**2).sum())
    inner = numax.pmap(numax.grad(lambda x: jnp.sum(jnp.sin(x))))
    equal(inner(ROW), np.cos(ROW))


def inside_and_around_other_transformations():
    equal(numax.jit(numax.pmap(lambda x: x * 2))(ROW), ROW * 2)
    equal(numax.pmap(numax.vmap(lambda x: x * 2))(ROW), ROW * 2)
    equal(numax.vmap(numax.pmap(lambda x: x * 2))(np.stack([ROW, ROW])), np.stack([ROW, ROW]) * 2)
    equal(numax.pmap(lambda x: lax.scan(lambda c, y: (c + y, c), 0.0, x)[0])(ROW), ROW.sum(1))


def refused():
    for call, error, word in (
        (lambda: numax.pmap(lambda x: x)(np.ones(5)), ValueError, "needs 5 devices"),
        (lambda: numax.pmap(lambda x, y: x)(ROW, ROW[:2]), ValueError, "equal sizes"),
        (lambda: numax.pmap(lambda x: x)(1.0), ValueError, "axis 0"),
    ):
        try:
            call()
        except error as found:
            assert word in str(found), found
        else:
            raise AssertionError(word)


CHECKS = [
    each_slice_runs_on_its_own_device,
    results_stay_where_they_are,
    axes,
    collectives,
    fewer_devices,
    static_and_keyword_arguments,
    derivatives,
    inside_and_around_other_transformations,
    refused,
]
