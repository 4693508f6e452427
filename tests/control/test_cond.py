import numpy as np
import pytest
from checks import assert_close, check

import numax
import numax.numpy as jnp
from numax import lax


def pick(x, y):
    return lax.cond(x > y, lambda a, b: a * jnp.sin(b), lambda a, b: (a + b) ** 2, x, y)


def test_cond_runs_the_chosen_function():
    np.testing.assert_allclose(pick(2.0, 1.0), 2 * np.sin(1.0), rtol=1e-6)
    np.testing.assert_allclose(pick(1.0, 2.0), 9.0, rtol=1e-6)


@pytest.mark.parametrize(("x", "y"), [(2.0, 1.0), (1.0, 2.0)])
def test_cond_passes_every_check(x, y):
    check(pick, x, y)


def test_cond_under_jit_keeps_one_branch_in_the_program():
    text = str(numax.make_jaxpr(pick)(1.0, 2.0))
    assert "cond[" in text and "branches=" in text


def test_batched_predicate_selects_per_element():
    x = np.array([0.5, 2.0, 3.0], np.float32)
    got = numax.vmap(pick, (0, None))(x, 1.0)
    np.testing.assert_allclose(got, [pick(v, 1.0) for v in x], rtol=1e-6)
    grads = numax.vmap(numax.grad(pick), (0, None))(x, 1.0)
    np.testing.assert_allclose(grads, [numax.grad(pick)(v, 1.0) for v in x], rtol=1e-6)


def test_closures_over_different_tracers():
    def f(a, b):
        return lax.cond(a > 0, lambda: a * a, lambda: b * b * b)

    check(f, 0.7, 0.4)
    check(f, -0.7, 0.4)


def test_switch_clamps_its_index():
    branches = [lambda x: x, lambda x: x * x, lambda x: x * x * x]
    for i, want in ((-5, 2.0), (0, 2.0), (1, 4.0), (2, 8.0), (9, 8.0)):
        assert lax.switch(i, branches, 2.0) == want
        assert numax.jit(lambda i: lax.switch(i, branches, 2.0))(i) == want
    got = numax.vmap(lambda i, x: lax.switch(i, branches, x))(
        np.arange(3), np.full(3, 3.0, np.float32)
    )
    np.testing.assert_allclose(got, [3.0, 9.0, 27.0])
    check(lambda x: lax.switch(1, branches, x), 0.7)
    with numax.enable_x64(True):
        got = numax.jit(numax.grad(lambda x, i: lax.switch(i, branches, x)))(2.0, 2)
        np.testing.assert_allclose(got, 12.0)


def test_residuals_of_different_types_in_the_branches():
    def f(x):
        return lax.cond(
            x.sum() > 0, lambda x: jnp.sin(x).sum(), lambda x: jnp.exp(x @ x) * jnp.cos(x[0]), x
        )

    check(f, np.array([0.3, 0.4]))
    check(f, np.array([-0.3, -0.4]))


def test_weak_results_are_unified():
    out = numax.jit(lambda p: lax.cond(p, lambda: 1, lambda: 2.5))
    with pytest.raises(TypeError, match="float32"):
        lax.cond(True, lambda: jnp.float32(1), lambda: jnp.int32(2))
    assert_close(lax.cond(True, lambda: 1.0, lambda: jnp.float32(2)), jnp.float32(1))
    del out


def test_errors():
    with pytest.raises(TypeError, match="scalar"):
        lax.cond(jnp.ones(2), lambda: 1, lambda: 2)
    with pytest.raises(TypeError, match="structure"):
        lax.cond(True, lambda: (1, 2), lambda: 1)
    with pytest.raises(TypeError, match=r"float32\[3\].*float32\[2\]"):
        lax.cond(True, lambda: jnp.ones(2), lambda: jnp.ones(3))
    with pytest.raises(ValueError, match="at least one"):
        lax.switch(0, [])
    with pytest.raises(TypeError, match="integer scalar"):
        lax.switch(0.5, [lambda: 1, lambda: 2])
    with pytest.raises(TypeError, match="callable"):
        lax.cond(True, 1, 2)
