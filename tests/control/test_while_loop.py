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


def test_reverse_mode_says_what_to_do():
    with pytest.raises(ValueError, match="scan"):
        numax.grad(power)(2.0)


def test_errors():
    with pytest.raises(TypeError, match="boolean scalar"):
        lax.while_loop(lambda s: s, lambda s: s, 1.0)
    with pytest.raises(TypeError, match=r"carry\[1\].*float32\[2\]"):
        lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.ones(2)), (0, 1.0))
    with pytest.raises(TypeError, match="structure"):
        lax.while_loop(lambda s: True, lambda s: (s, s), 1.0)
    with pytest.raises(TypeError, match="integer scalar"):
        lax.fori_loop(0.5, 3, lambda i, a: a, 0)
