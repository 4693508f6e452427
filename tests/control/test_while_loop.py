import numpy as np
import pytest
from checks import check

import numax
import numax.numpy as jnp
from numax import lax


def power(x, n=3):
    return lax.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * x), (0, x))[1]


def test_while_loop_equals_python():
    np.testing.assert_allclose(power(2.0), 16.0)
    np.testing.assert_allclose(numax.jit(power)(2.0), 16.0)


def test_forward_mode_and_vmap():
    check(power, 1.1, reverse=False)


def test_linearize_through_a_loop():
    out, linear = numax.linearize(power, 2.0)
    np.testing.assert_allclose(out, 16.0)
    np.testing.assert_allclose(linear(1.0), 32.0)


def test_batched_predicate_stops_each_element_on_its_own():
    def double(x):
        return lax.while_loop(lambda s: s < 10.0, lambda s: s * 2.0, x)

    x = np.array([1.0, 3.0, 20.0], np.float32)
    np.testing.assert_allclose(numax.vmap(double)(x), [16.0, 12.0, 20.0])
    np.testing.assert_allclose(numax.jit(numax.vmap(double))(x), [16.0, 12.0, 20.0])


def test_batched_bound_in_the_predicate():
    def count(n):
        return lax.while_loop(lambda s: s < n, lambda s: s + 1, 0)

    np.testing.assert_array_equal(numax.vmap(count)(np.array([3, 0, 7])), [3, 0, 7])


def test_fori_loop_static_bounds_has_reverse_mode():
    def f(x):
        return lax.fori_loop(0, 4, lambda i, a: a * jnp.sin(x) + i, x)

    check(f, 0.6)


def test_fori_loop_dynamic_bounds():
    f = numax.jit(lambda n: lax.fori_loop(0, n, lambda i, a: a + i, 0))
    assert f(5) == 10
    assert f(0) == 0
    np.testing.assert_array_equal(
        numax.vmap(lambda n: lax.fori_loop(0, n, lambda i, a: a + i, 0))(np.array([3, 5])), [3, 10]
    )


def test_known_part_of_a_loop_with_unknown_results():
    def f(x):
        def body(s):
            i, a, b = s
            return i + 1, a * 1.5, b * x

        return lax.while_loop(lambda s: s[0] < 3, body, (0, 1.0, 1.0))

    out, linear = numax.linearize(f, 2.0)
    np.testing.assert_allclose(out[1], 1.5**3)
    np.testing.assert_allclose(linear(1.0)[2], 12.0)


@pytest.mark.parametrize("n", [0, 1, 5, 64, 65, 200])
def test_reverse_mode_equals_that_of_a_scan(n):
    def body(s, x):
        return jnp.sin(s) + x * 0.01

    def loop(x, n):
        return lax.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, body(s[1], x)), (0, x))[1]

    want = numax.grad(lambda x: lax.fori_loop(0, n, lambda i, s: body(s, x), x))(0.7)
    np.testing.assert_allclose(numax.jit(numax.grad(loop))(0.7, n), want, rtol=1e-5)


def test_reverse_mode_to_second_order():
    check(power, 1.1, order=2, batch=False)


def test_reverse_mode_where_the_values_decide_the_number_of_trips():
    def newton(a):
        return lax.while_loop(lambda s: abs(s * s - a) > 1e-5, lambda s: 0.5 * (s + a / s), a)

    a = np.array([1.5, 2.0, 9.0], np.float32)
    np.testing.assert_allclose(numax.vmap(numax.grad(newton))(a), 0.5 / np.sqrt(a), rtol=1e-3)


def test_unused_constants_of_a_nested_loop_are_dropped():
    def f(x):
        def body(s):
            inner = lax.while_loop(lambda t: t[0] < 2, lambda t: (t[0] + 1, t[1] * x), (0, s[1]))
            return s[0] + 1, inner[1]

        return lax.while_loop(lambda s: s[0] < 2, body, (0, 1.0))[1]

    np.testing.assert_allclose(numax.grad(f)(1.5), 4 * 1.5**3, rtol=1e-6)
    np.testing.assert_allclose(numax.grad(numax.grad(f))(1.5), 12 * 1.5**2, rtol=1e-6)


def test_errors():
    with pytest.raises(TypeError, match="boolean scalar"):
        lax.while_loop(lambda s: s, lambda s: s, 1.0)
    with pytest.raises(TypeError, match=r"carry\[1\].*float32\[2\]"):
        lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.ones(2)), (0, 1.0))
    with pytest.raises(TypeError, match="structure"):
        lax.while_loop(lambda s: True, lambda s: (s, s), 1.0)
    with pytest.raises(TypeError, match="integer scalar"):
        lax.fori_loop(0.5, 3, lambda i, a: a, 0)
