import numpy as np
import pytest
from checks import assert_close, check

import numax
import numax.numpy as jnp
from numax import lax
from numax._engine import runtime


def cumulative(c, xs):
    return lax.scan(lambda a, x: (a * jnp.sin(x) + x, a * x), c, xs)


def test_scan_equals_a_loop():
    xs = np.linspace(-1, 1, 7).astype(np.float32)
    carry, ys = cumulative(np.float32(0.5), xs)
    a, out = np.float32(0.5), []
    for x in xs:
        out.append(a * x)
        a = a * np.sin(x) + x
    np.testing.assert_allclose(carry, a, rtol=1e-6)
    np.testing.assert_allclose(ys, out, rtol=1e-6)


def test_scan_passes_every_check():
    check(cumulative, 0.5, np.linspace(-1, 1, 5))


@pytest.mark.parametrize("unroll", [1, 2, 3, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_unroll_and_reverse(unroll, reverse):
    def f(c, xs):
        return lax.scan(
            lambda a, x: (a * 0.9 + jnp.cos(x) * a, a), c, xs, reverse=reverse, unroll=unroll
        )

    check(f, 0.7, np.linspace(0, 1, 5), order=1)
    order = range(5)[:: -1 if reverse else 1]
    xs, a, ys = np.linspace(0, 1, 5).astype(np.float32), np.float32(0.7), [None] * 5
    for i in order:
        ys[i] = a
        a = a * np.float32(0.9) + np.cos(xs[i]) * a
    np.testing.assert_allclose(f(np.float32(0.7), xs)[1], ys, rtol=1e-5)


def test_closed_over_values_are_differentiated():
    def f(k, x):
        def body(s, _):
            p, v = s
            v = v - k * p * 0.1
            return (p + v * 0.1, v), p * k

        (p, v), ps = lax.scan(body, (x, 0.0), None, length=6)
        return p + v, ps

    check(f, 2.0, 1.0)


def test_pytrees_in_carry_and_xs():
    def f(a, b):
        def body(c, x):
            new = {"u": c["u"] + x[0], "v": (c["v"][0] * x[1]["z"],)}
            return new, {"y": new["u"]}

        return lax.scan(body, {"u": a[0], "v": (a[1],)}, (b, {"z": b + 1.0}))

    check(f, np.array([0.3, 0.4]), np.array([0.1, 0.2, 0.3]), order=2, batch=True)


def test_length_zero_and_one():
    carry, ys = lax.scan(lambda c, x: (c + x, c), 1.0, np.zeros((0,), np.float32))
    assert carry == 1.0 and ys.shape == (0,)
    carry, ys = lax.scan(lambda c, x: (c + x, c), 1.0, np.ones((1,), np.float32))
    assert carry == 2.0 and ys.shape == (1,)
    g = numax.grad(lambda x: lax.scan(lambda c, _: (c * x, None), 1.0, None, length=0)[0])(2.0)
    assert g == 0.0


def test_integer_carry_beside_a_float_one():
    def f(x):
        def body(c, _):
            i, a = c
            return (i + 1, a * jnp.where(i % 2 == 0, x, 1.0)), a

        return lax.scan(body, (0, 1.0), None, length=5)[0][1]

    check(f, 1.3)
    np.testing.assert_allclose(f(2.0), 8.0)


def test_nested_scans():
    def f(x):
        def outer(a, _):
            inner = lax.scan(lambda b, y: (b * x + y, b), a, jnp.arange(3.0))[0]
            return inner * 0.5, inner

        return lax.scan(outer, x, None, length=3)[0]

    check(f, 0.6)


def test_third_derivative_of_a_scan_with_cond():
    def f(x):
        def body(a, _):
            a = lax.cond(a > 1.0, lambda a: a * 0.5, lambda a: a * a + x, a)
            return a, a

        return lax.scan(body, x, None, length=4)[0]

    d1, d2, d3 = numax.grad(f), numax.grad(numax.grad(f)), numax.grad(numax.grad(numax.grad(f)))
    with numax.enable_x64(True):
        h = 1e-4
        for lower, upper in ((f, d1), (d1, d2), (d2, d3)):
            want = (lower(0.7 + h) - lower(0.7 - h)) / (2 * h)
            np.testing.assert_allclose(upper(0.7), want, rtol=1e-5)
            np.testing.assert_allclose(numax.jit(upper)(0.7), want, rtol=1e-5)


def test_weak_initial_carry_takes_the_body_dtype():
    carry, _ = lax.scan(lambda c, x: (c + x, None), 0, np.ones(3, np.float32))
    assert carry.dtype == np.float32


def test_errors_name_leaf_and_types():
    with pytest.raises(
        TypeError, match=r"carry\['b'\].*float32\[\].*float32\[2\]|carry\['b'\]: input float32\[\]"
    ):
        lax.scan(
            lambda c, _: ({"a": c["a"], "b": jnp.ones(2)}, None),
            {"a": 1.0, "b": 2.0},
            None,
            length=2,
        )
    with pytest.raises(TypeError, match="pair"):
        lax.scan(lambda c, x: c, 0.0, np.ones(3))
    with pytest.raises(ValueError, match="length"):
        lax.scan(lambda c, x: (c, None), 0.0, None)
    with pytest.raises(ValueError, match="equal sizes"):
        lax.scan(lambda c, x: (c, None), 0.0, (np.ones(3), np.ones(4)))
    with pytest.raises(ValueError, match="leading axes"):
        lax.scan(lambda c, x: (c, None), 0.0, np.ones(3), length=4)
    with pytest.raises(TypeError, match="structure"):
        lax.scan(lambda c, x: ((c, c), None), 0.0, np.ones(3))


def test_unused_results_are_pruned_from_the_backward_pass():
    def f(x):
        def body(c, _):
            return c * x, jnp.sin(c) * 2.0

        return lax.scan(body, x, None, length=3)[0]

    text = numax.jit(numax.grad(f)).lower(1.0).as_text()
    assert "cosine" not in text and "while" in text


def test_map_and_batched_map():
    xs = np.arange(7, dtype=np.float32)
    want = np.sin(xs) * 2
    np.testing.assert_allclose(lax.map(lambda x: jnp.sin(x) * 2.0, xs), want, rtol=1e-6)
    np.testing.assert_allclose(
        lax.map(lambda x: jnp.sin(x) * 2.0, xs, batch_size=3), want, rtol=1e-6
    )
    got = numax.grad(lambda s: lax.map(lambda x: jnp.sin(x) * s, xs, batch_size=2).sum())(1.0)
    np.testing.assert_allclose(got, np.sin(xs).sum(), rtol=1e-5)


def test_associative_scan_equals_cumulative_operations():
    for n in (0, 1, 2, 5, 8, 13):
        x = np.random.default_rng(n).standard_normal((3, n)).astype(np.float32)
        got = lax.associative_scan(lambda a, b: a + b, x, axis=1)
        np.testing.assert_allclose(got, np.cumsum(x, 1), rtol=1e-5, atol=1e-5)
        got = lax.associative_scan(lambda a, b: a * b, x, axis=1, reverse=True)
        np.testing.assert_allclose(got, np.cumprod(x[:, ::-1], 1)[:, ::-1], rtol=1e-4, atol=1e-6)
    matrices = np.random.default_rng(0).standard_normal((5, 2, 2))
    check(lambda m: lax.associative_scan(lambda a, b: a @ b, m), matrices, order=1)


def test_a_fresh_closure_around_the_same_program_does_not_compile_again():
    def run(k):
        return lax.scan(lambda c, x: (c * x + 1.0, c), k, jnp.arange(5.0))

    run(1.0)
    before = runtime.statistics.compiled + runtime.statistics.from_disk
    run(2.0)
    run(3.0)
    assert runtime.statistics.compiled + runtime.statistics.from_disk == before
    assert_close(run(2.0), run(2.0))
