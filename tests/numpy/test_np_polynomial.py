"""Polynomial functions against NumPy."""

import numpy as np
import pytest
from np_rows import Row, check_grad, check_jit, check_value, check_vmap, rows_of

import numax
import numax.numpy as jnp

rng = np.random.default_rng(3)


def f(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


P, Q = f(5), f(3)
X, Y, W = np.linspace(-1, 1, 9, dtype=np.float32), f(9), np.abs(f(9)) + 0.5


def padded(u, v):
    quotient, rest = np.polydiv(u, v)
    return quotient, np.concatenate([np.zeros(u.size - rest.size, rest.dtype), rest])


ROWS = [
    Row("polydiv_short", lambda xp, p, q: xp.polydiv(p, q), (Q, P), reference=padded),
    Row("polyval_long", lambda xp, p, x: xp.polyval(p, x), (f(20), np.float32(0.5)), tol=3e-6),
    Row("polyint_constants", lambda xp, p, k: xp.polyint(p, 3, k=k), (P, f(3)), vmap=False),
    Row("polyfit", lambda xp, x, y: xp.polyfit(x, y, 3), (X, Y), tol=2e-5, dtype="float32"),
    Row(
        "polyfit_several",
        lambda xp, x, y: xp.polyfit(x, y, 2),
        (X, f(9, 2)),
        tol=2e-5,
        dtype="float32",
    ),
    Row(
        "polyfit_weights",
        lambda xp, x, y, w: xp.polyfit(x, y, 2, w=w),
        (X, Y, W),
        tol=2e-5,
        dtype="float32",
    ),
    Row(
        "polyfit_cov",
        lambda xp, x, y: xp.polyfit(x, y, 2, cov=True),
        (X, Y),
        tol=2e-5,
        dtype="float32",
    ),
    Row(
        "polyfit_unscaled",
        lambda xp, x, y: xp.polyfit(x, y, 2, cov="unscaled"),
        (X, Y),
        tol=2e-5,
        dtype="float32",
    ),
    Row(
        "polyfit_cov_several",
        lambda xp, x, y: xp.polyfit(x, y, 1, cov=True),
        (X, f(9, 2)),
        tol=2e-5,
        dtype="float32",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_agrees_with_numpy(row):
    check_value(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "jit"), ids=str)
def test_compiled_agrees_with_eager(row):
    check_jit(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "grad"), ids=str)
def test_derivatives_agree_with_differences(row):
    check_grad(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "vmap"), ids=str)
def test_vectorised_agrees_with_a_loop(row):
    check_vmap(row)


def _sorted(z):
    return np.sort_complex(np.asarray(z))


@pytest.mark.parametrize("p", [[1, -3, 2], [0, 0, 2, -4, 1, 0, 0], [1, 0, 1], [5], [0, 0], [0, 3]])
def test_roots(p):
    p = np.array(p, np.float32)
    got = jnp.roots(jnp.asarray(p))
    assert got.dtype == "complex64"
    np.testing.assert_allclose(_sorted(got), _sorted(np.roots(p)), rtol=1e-5, atol=1e-5)


def test_roots_of_traced_coefficients():
    run = numax.jit(lambda p: jnp.roots(p, strip_zeros=False))
    np.testing.assert_allclose(_sorted(run(jnp.array([1.0, -3, 2]))), [1, 2], rtol=1e-5)
    found = np.asarray(run(jnp.array([0.0, 1, -3, 2, 0])))
    assert np.isnan(found[-1])
    np.testing.assert_allclose(_sorted(found[:-1]), [0, 1, 2], atol=1e-5)


def test_gradient_of_a_root():
    def largest(p):
        return jnp.max(jnp.roots(p, strip_zeros=False).real)

    # z**2 + b z + c at z = 2: dz/dc = -1 / (2 z + b)
    slope = numax.grad(largest)(jnp.array([1.0, -3.0, 2.0]))
    np.testing.assert_allclose(slope, [-4, -2, -1], rtol=1e-4)


def test_characteristic_polynomial():
    matrix = f(3, 3)
    np.testing.assert_allclose(
        np.asarray(jnp.poly(jnp.asarray(matrix))), np.poly(matrix), rtol=1e-4, atol=1e-5
    )


def test_polyfit_full():
    got = jnp.polyfit(jnp.asarray(X), jnp.asarray(Y), 2, full=True)
    want = np.polyfit(X, Y, 2, full=True)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(np.asarray(g), w, rtol=1e-4, atol=1e-5)


def test_leading_zeros_are_trimmed_where_asked():
    zeros_first = jnp.array([0.0, 0.0, 1.0])
    np.testing.assert_array_equal(jnp.polymul(zeros_first, jnp.ones(2)), [0, 0, 1, 1])
    np.testing.assert_array_equal(
        jnp.polymul(zeros_first, jnp.ones(2), trim_leading_zeros=True), [1, 1]
    )
    _, rest = jnp.polydiv(jnp.array([1.0, 2, 3]), jnp.array([1.0, 1]), trim_leading_zeros=True)
    np.testing.assert_array_equal(rest, [2])


ERRORS = [
    (lambda: jnp.polyder(jnp.ones(3), -1), ValueError, "negative"),
    (lambda: jnp.polyint(jnp.ones(3), 2, k=jnp.ones(3)), ValueError, "one constant, or 2"),
    (lambda: jnp.polyadd(jnp.ones((2, 2)), 1), ValueError, "one axis"),
    (lambda: jnp.roots(jnp.ones((2, 2))), ValueError, "one axis"),
    (lambda: jnp.poly(jnp.ones((2, 3))), ValueError, "square"),
    (lambda: jnp.polyfit(jnp.ones(3), jnp.ones(4), 1), TypeError, "equal lengths"),
    (lambda: jnp.polyfit(jnp.ones(3), jnp.ones(3), -1), ValueError, "degree"),
    (lambda: jnp.polyfit(jnp.arange(2.0), jnp.ones(2), 1, cov=True), ValueError, "unscaled"),
    (lambda: jnp.vander(jnp.ones((2, 2))), ValueError, "one axis"),
]


@pytest.mark.parametrize("call, error, words", ERRORS)
def test_bad_arguments_raise(call, error, words):
    with pytest.raises(error, match=words):
        call()
