"""float32 digamma, zeta, polygamma, Bessel functions and exp2 for CPUs: accuracy, special values, float16."""

import mpmath
import numpy as np
import pytest
from ops_rules import compiled, run

from numax._engine.ops import elementwise, special

INF, NAN = np.inf, np.nan
LEAST, MOST = 1e-36, 3.4e38


def units(fun, exact, *xs):
    """The error in units in the last place, where the result is neither tiny nor too large."""
    out = compiled(fun, list(xs))[0].astype(np.float64)
    with mpmath.workprec(100):
        rows = [[mpmath.mpf(float(v)) for v in row] for row in zip(*xs, strict=True)]
        exact = np.array([float(exact(*row)) for row in rows])
    fits = (np.abs(exact) > LEAST) & (np.abs(exact) < MOST)
    assert fits.mean() > 0.5
    return (np.abs(out - exact)[fits]) / np.spacing(np.abs(exact[fits]).astype(np.float32))


def test_digamma_has_all_digits_also_near_zeros():
    rng = np.random.default_rng(0)
    zeros = [1.4616321449683623, -0.5040830082644554, -1.5734984731623904]
    parts = [
        rng.uniform(0, 6, 800),
        rng.uniform(-10, 0, 800),
        np.exp(rng.uniform(-60, 60, 300)),
        -np.exp(rng.uniform(-60, 14, 300)),
        *[z + rng.uniform(-1e-5, 1e-5, 100) for z in zeros],
    ]
    x = np.concatenate(parts).astype(np.float32)
    x = x[(x > 0) | (x != np.round(x))]
    assert units(special.digamma, mpmath.digamma, x).max() < 1
    positive = np.append(x[x > 0], [0, INF, NAN]).astype(np.float32)
    many = compiled(special.digamma, [np.resize(positive, 20000)])[0][: positive.size]
    np.testing.assert_array_max_ulp(many, compiled(special.digamma, [positive])[0], 1)


def test_zeta_errs_by_less_than_two_units():
    rng = np.random.default_rng(1)
    x = (1 + np.exp(rng.uniform(-6, 4, 700))).astype(np.float32)
    q = np.exp(rng.uniform(-8, 8, 700)).astype(np.float32)
    assert units(special.zeta, mpmath.zeta, x, q).max() < 2


@pytest.mark.parametrize(("least", "most"), [(1, 8), (8, 40)])
def test_polygamma_errs_by_less_than_two_units(least, most):
    rng = np.random.default_rng(2)
    n = rng.integers(least, most, 300).astype(np.float32)
    x = np.exp(rng.uniform(-5 if most == 8 else -1, 6, 300)).astype(np.float32)
    assert units(special.polygamma, lambda n, x: mpmath.psi(int(n), x), n, x).max() < 2


def test_polygamma_of_negative_numbers():
    rng = np.random.default_rng(3)
    n = rng.integers(1, 6, 200).astype(np.float32)
    x = rng.uniform(-30, 0, 200).astype(np.float32)
    out = compiled(special.polygamma, [n, x])[0]
    exact = [float(mpmath.psi(int(a), float(b))) for a, b in zip(n, x, strict=True)]
    largest = [
        float(mpmath.factorial(int(a))) * np.abs(b - np.round(b)) ** -(a + 1.0)
        for a, b in zip(n, x.astype(np.float64), strict=True)
    ]
    assert (np.abs(out - exact) / np.array(largest)).max() < 2 * 2.0**-23


@pytest.mark.parametrize("order", [0, 1])
def test_scaled_bessel_functions_err_by_less_than_three_units(order):
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.uniform(-12, 12, 900), np.exp(rng.uniform(-20, 25, 300))])
    fun = (special.bessel_i0e, special.bessel_i1e)[order]

    def exact(v):
        return mpmath.exp(-abs(v)) * mpmath.besseli(order, v)

    assert units(fun, exact, x.astype(np.float32)).max() < 2.5


def test_exp2_errs_by_less_than_a_unit():
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.uniform(-118, 128, 20000), rng.uniform(-1, 1, 5000)]).astype(np.float32)
    out = compiled(elementwise.exp2, [x])[0]
    exact = np.exp2(x.astype(np.float64))
    assert (np.abs(out - exact) / np.spacing(exact.astype(np.float32))).max() < 1
    whole = np.arange(-126, 128, dtype=np.float32)
    np.testing.assert_array_equal(
        compiled(elementwise.exp2, [whole])[0], np.ldexp(np.float32(1), whole.astype(int))
    )
    ends = np.resize(np.array([INF, -INF, NAN, 128, -127, 0, -0.0, 3e38], np.float32), 64)
    expected = np.resize(np.array([INF, 0, NAN, INF, 0, 1, 1, INF], np.float32), 64)
    np.testing.assert_array_equal(compiled(elementwise.exp2, [ends])[0], expected)


ENDS = {
    "digamma": (
        (0.0, -0.0, -1.0, -2.0, INF, -INF, NAN, -1e8),
        (-INF, -INF, NAN, NAN, INF, NAN, NAN, NAN),
    ),
    "bessel_i0e": ((0.0, INF, -INF, NAN), (1.0, 0.0, 0.0, NAN)),
    "bessel_i1e": ((0.0, -0.0, INF, -INF, NAN), (0.0, -0.0, 0.0, -0.0, NAN)),
    "zeta": (
        ((1, 1), (0.5, 1), (2, 0), (2, -1), (2.5, -0.5), (INF, 1), (NAN, 1), (2, NAN), (2, INF)),
        (INF, NAN, INF, INF, NAN, NAN, NAN, NAN, 0),
    ),
    "polygamma": (
        ((0, -1), (1, 0), (1, -1), (1, INF), (2, 0), (-1, 1), (0.5, 1), (NAN, 1), (2, NAN)),
        (NAN, INF, INF, 0, -INF, NAN, NAN, NAN, NAN),
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_special_values_compiled_and_eager(name):
    points, exact = ENDS[name]
    xs = list(np.array(points, np.float32).T) if np.ndim(points) > 1 else [np.float32(points)]
    for out in (compiled(getattr(special, name), xs)[0], run(getattr(special, name), xs)[0]):
        np.testing.assert_array_equal(out, np.array(exact, np.float32))


@pytest.mark.parametrize("name", ["digamma", "bessel_i0e", "bessel_i1e"])
def test_float16_rounds_the_float32_result(name):
    x = np.linspace(0.1, 9, 100).astype(np.float16)
    out = compiled(getattr(special, name), [x])[0]
    wide = compiled(getattr(special, name), [x.astype(np.float32)])[0]
    np.testing.assert_array_equal(out, wide.astype(np.float16))
