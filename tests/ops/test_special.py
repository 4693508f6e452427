"""Accuracy of special functions against mpmath, and their limits."""

import mpmath
import numpy as np
import pytest
import scipy.special
from ops_rules import compiled, pulled, run

from numax._engine.core.config import enable_x64
from numax._engine.ops import special as ops


def worst(fun, args, reference, floor=0.0):
    """The largest relative error in units of 2**-52, eager and compiled, in float64."""
    with enable_x64(True):
        outs = run(fun, args)[0], compiled(fun, args)[0]
    exact = np.array([float(reference(*map(mpmath.mpf, row))) for row in zip(*args, strict=True)])
    return max(
        np.max(np.abs(out - exact) / np.maximum(np.abs(exact), floor)) * 2**52 for out in outs
    )


def points(low, high, count=60, seed=0):
    return np.random.default_rng(seed).uniform(low, high, count)


def test_lgamma_is_accurate_also_at_its_zeros():
    x = np.concatenate(
        [points(0, 30), 1 + points(-1e-3, 1e-3), 2 + points(-1e-3, 1e-3), 10 ** points(-9, 9)]
    )
    with mpmath.workdps(40):
        assert worst(ops.lgamma, [x], mpmath.loggamma) < 8


def test_digamma_is_accurate():
    with mpmath.workdps(30):
        assert worst(ops.digamma, [points(0.01, 40)], mpmath.digamma, 0.1) < 12
        assert worst(ops.digamma, [points(-9, 0)], mpmath.digamma, 1.0) < 40


@pytest.mark.parametrize("order", [0, 1])
def test_bessel_functions_are_accurate(order):
    fun = (ops.bessel_i0e, ops.bessel_i1e)[order]
    with mpmath.workdps(30):
        assert (
            worst(fun, [points(-40, 40)], lambda v: mpmath.besseli(order, v) * mpmath.exp(-abs(v)))
            < 8
        )


def test_error_functions_are_accurate_at_many_points():
    x = points(-6, 26, 400)
    with enable_x64(True):
        erf, erfc = run(ops.erf, [x])[0], run(ops.erfc, [x])[0]
    with mpmath.workdps(30):
        np.testing.assert_allclose(erf, [float(mpmath.erf(v)) for v in x], rtol=1e-15)
        np.testing.assert_allclose(erfc, [float(mpmath.erfc(v)) for v in x], rtol=2e-15)


def test_erf_inv_undoes_erf():
    with enable_x64(True):
        x = np.concatenate([points(-3, 3), [5.0, -5.5]])
        for evaluate in (run, compiled):
            p = evaluate(ops.erf, [x])[0]
            slope = 2 / np.sqrt(np.pi) * np.exp(-x * x)
            error = np.abs(evaluate(ops.erf_inv, [p])[0] - x)
            assert (error <= 1e-14 + 2e-16 / slope).all()


def test_erf_inv_in_float32_is_the_compilers():
    x = np.concatenate([np.linspace(-0.9999, 0.9999, 2001), [1 - 2**-24, -1 + 2**-24]]).astype(
        np.float32
    )
    eager, jitted = run(ops.erf_inv, [x])[0], compiled(ops.erf_inv, [x])[0]
    np.testing.assert_allclose(eager, jitted, rtol=3e-7)


@pytest.mark.parametrize("scale", [0.05, 1.0, 30.0, 900.0, 3e4, 1e7])
def test_incomplete_gamma_functions_are_accurate(scale):
    rng = np.random.default_rng(2)
    a = scale * rng.uniform(0.5, 2, 25)
    x = a * np.exp(rng.standard_normal(25) * 2 / np.sqrt(1 + a))
    lower, upper = scipy.special.gammainc(a, x), scipy.special.gammaincc(a, x)
    rtol = 3e-13
    with enable_x64(True):
        for evaluate in (run, compiled):
            np.testing.assert_allclose(evaluate(ops.igamma, [a, x])[0], lower, rtol=rtol)
            np.testing.assert_allclose(evaluate(ops.igammac, [a, x])[0], upper, rtol=rtol)


@pytest.mark.parametrize(
    ("a", "x"), [(0.3, 0.2), (0.3, 2.0), (4.0, 3.0), (4.0, 9.0), (500.0, 520.0), (2e4, 2.01e4)]
)
def test_derivative_of_igamma_in_its_parameter(a, x):
    with mpmath.workdps(40):
        lower = lambda v: mpmath.gammainc(v, 0, mpmath.mpf(x), regularized=True)
        slope = float(mpmath.diff(lower, mpmath.mpf(a)))
        density = float(mpmath.exp((a - 1) * mpmath.log(x) - x - mpmath.loggamma(a)))
    args = [np.float64(a), np.float64(x)]
    with enable_x64(True):
        for evaluate in (run, compiled):
            np.testing.assert_allclose(evaluate(ops.igamma_grad_a, args)[0], slope, rtol=2e-13)
            np.testing.assert_allclose(
                evaluate(ops.random_gamma_grad, args)[0], -slope / density, rtol=2e-12
            )


def test_gradients_of_incomplete_gamma_functions():
    args = [np.float64(2.5), np.float64(1.7)]
    with enable_x64(True):
        da, dx = pulled(ops.igamma, args, [np.float64(1)])
        ca, cx = pulled(ops.igammac, args, [np.float64(1)])
    np.testing.assert_allclose([ca, cx], [-da, -dx])
    np.testing.assert_allclose(dx, np.exp(-1.7) * 1.7**1.5 / scipy.special.gamma(2.5))


def test_incomplete_beta_function_is_accurate():
    rng = np.random.default_rng(3)
    a, b = 10 ** rng.uniform(-2, 3.5, (2, 60))
    x = np.clip(rng.beta(a, b), 1e-8, 1 - 1e-8)
    expected = scipy.special.betainc(a, b, x)
    with enable_x64(True):
        for evaluate in (run, compiled):
            np.testing.assert_allclose(evaluate(ops.betainc, [a, b, x])[0], expected, rtol=2e-12)


def test_zeta_of_large_exponents_and_negative_arguments():
    s = np.array([19.9, 60.0, 2.0, 3.0, 2.0])
    q = np.array([12.5, 3.0, -1.5, -20.5, 1000.0])
    direct = lambda s, q: sum((q + k) ** -s for k in range(40)) + scipy.special.zeta(s, q + 40)
    expected = [direct(a, b) for a, b in zip(s, q, strict=True)]
    with enable_x64(True):
        for evaluate in (run, compiled):
            np.testing.assert_allclose(evaluate(ops.zeta, [s, q])[0], expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("fun", "args", "which"),
    [
        (
            lambda v: ops.polygamma(v, np.float32(2)),
            np.float32(1),
            "polygamma: the gradient with respect to m",
        ),
        (
            lambda v: ops.zeta(v, np.float32(2)),
            np.float32(3),
            "zeta: the gradient with respect to x",
        ),
        (
            lambda v: ops.betainc(v, np.float32(2), np.float32(0.5)),
            np.float32(3),
            "betainc: the gradient with respect to a and b",
        ),
    ],
)
def test_missing_gradients_say_so(fun, args, which):
    with pytest.raises(ValueError, match=which):
        pulled(fun, [args], [np.float32(1)])
