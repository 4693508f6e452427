"""Derivatives of samples with respect to their parameters."""

import numpy as np
import pytest
import scipy.stats as stats

import numax
from numax import lax, random

KEY = random.key(11)


def mean(x):
    return lax.div(lax.reduce_sum(x, tuple(range(len(x.shape)))), float(np.prod(x.shape)))


@pytest.mark.parametrize("a", [0.3, 0.9, 1.0, 2.5, 40.0])
def test_gamma_samples_move_along_their_quantile(a):
    """Implicit differentiation: the sample's rank stays, so its derivative is that of the quantile function."""
    samples, tangents = numax.jvp(lambda x: random.gamma(KEY, x, (50,)), (a,), (1.0,))
    x = samples.numpy_().astype(np.float64)
    step = 1e-4 * a
    # dx/da = -(dF/da) / f; the upper tail serves where the lower one is near 1
    slope = (
        -(stats.gamma.cdf(x, a + step) - stats.gamma.cdf(x, a - step))
        / (2 * step)
        / stats.gamma.pdf(x, a)
    )
    assert np.allclose(tangents.numpy_(), slope, rtol=2e-3, atol=1e-6)


def test_loggamma_has_the_logarithmic_derivative():
    a = 1.7
    x, tx = numax.jvp(lambda a: random.gamma(KEY, a, (20,)), (a,), (1.0,))
    y, ty = numax.jvp(lambda a: random.loggamma(KEY, a, (20,)), (a,), (1.0,))
    assert np.allclose(np.exp(y.numpy_()), x.numpy_(), rtol=1e-5)
    assert np.allclose(ty.numpy_(), tx.numpy_() / x.numpy_(), rtol=1e-4)


# sampler of one parameter -> (parameter, mean's derivative there)
EXPECTATIONS = {
    "gamma": (lambda a, s: random.gamma(KEY, a, s), 1.5, 1.0),
    "gamma below 1": (lambda a, s: random.gamma(KEY, a, s), 0.4, 1.0),
    "chisquare": (lambda a, s: random.chisquare(KEY, a, s), 3.0, 1.0),
    "beta in a": (lambda a, s: random.beta(KEY, a, 2.0, s), 1.5, 2.0 / 3.5**2),
    "beta in b": (lambda b, s: random.beta(KEY, 1.5, b, s), 2.0, -1.5 / 3.5**2),
    "f": (lambda d, s: random.f(KEY, 4.0, d, s), 9.0, -2 / 49),
    "lognormal": (lambda a, s: random.lognormal(KEY, a, s), 0.5, 0.5 * np.exp(0.125)),
    "pareto": (lambda b, s: random.pareto(KEY, b, s), 5.0, -1 / 16),
    "rayleigh": (lambda a, s: random.rayleigh(KEY, a, s), 2.0, np.sqrt(np.pi / 2)),
    "weibull": (lambda a, s: random.weibull_min(KEY, a, 2.0, s), 1.5, np.sqrt(np.pi) / 2),
    "triangular": (lambda a, s: random.triangular(KEY, 0.0, a, 3.0, s), 1.0, 1 / 3),
    "uniform": (lambda a, s: random.uniform(KEY, s, minval=a, maxval=3.0), 1.0, 0.5),
}


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_the_mean_of_derivatives_is_the_derivative_of_the_mean(name):
    draw, at, want = EXPECTATIONS[name]
    _, slopes = numax.jvp(lambda x: draw(x, (3000,)), (at,), (1.0,))
    slopes = slopes.numpy_().astype(np.float64)
    assert abs(slopes.mean() - want) < 5 * slopes.std() / np.sqrt(slopes.size) + 1e-5


def test_dirichlet_and_t_have_the_derivatives_of_their_moments():
    alpha = np.float32([1.0, 2.0, 3.0])
    tangent = np.float32([1.0, 0.0, 0.0])
    _, t = numax.jvp(lambda a: random.dirichlet(KEY, a, (3000,)), (alpha,), (tangent,))
    t = t.numpy_()
    want = np.array([6 - 1, -2, -3]) / 36
    assert np.all(abs(t.mean(0) - want) < 5 * t.std(0) / np.sqrt(3000))
    _, t = numax.jvp(lambda d: lax.square(random.t(KEY, d, (3000,))), (9.0,), (1.0,))
    t = t.numpy_()  # the mean of squares is d / (d - 2)
    assert abs(t.mean() + 2 / 49) < 5 * t.std() / np.sqrt(3000)


@pytest.mark.parametrize(
    ("fun", "at"),
    [
        (lambda x: mean(random.truncated_normal(KEY, x, 2.0, (5,))), -1.0),
        (lambda x: mean(random.truncated_normal(KEY, -1.0, x, (5,))), 1.5),
        (lambda x: mean(random.wald(KEY, x, (5,))), 2.0),
        (lambda x: mean(random.double_sided_maxwell(KEY, 0.0, x, (5,))), 2.0),
        (
            lambda x: mean(
                random.multivariate_normal(
                    KEY, lax.mul(x, np.ones(2, np.float32)), np.eye(2, dtype=np.float32), (5,)
                )
            ),
            2.0,
        ),
        (lambda x: mean(random.gamma(KEY, x, (5,), method="approximate")), 2.0),
    ],
)
def test_derivatives_agree_with_differences(fun, at):
    step = 0.01
    slope = numax.grad(fun)(at)
    ends = [float(fun(np.float32(at + s)).numpy_()) for s in (step, -step)]
    assert np.isclose(float(slope.numpy_()), (ends[0] - ends[1]) / (2 * step), rtol=0.01, atol=1e-3)


def test_reverse_mode_and_compilation_agree_with_forward_mode():
    fun = lambda a: mean(random.gamma(KEY, a, (4,)))
    forward = numax.jvp(fun, (1.3,), (1.0,))[1].numpy_()
    assert np.isclose(numax.grad(fun)(1.3).numpy_(), forward, rtol=1e-6)
    assert np.isclose(numax.jit(numax.grad(fun))(1.3).numpy_(), forward, rtol=1e-4)


def test_samples_of_integers_have_no_derivative():
    assert float(
        numax.grad(lambda p: lax.mul(p, mean(random.binomial(KEY, 10.0, p, (3,)))))(0.3).numpy_()
    ) == float(mean(random.binomial(KEY, 10.0, 0.3, (3,))).numpy_())
