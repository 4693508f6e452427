"""scipy.stats: every function of every distribution against SciPy; statistics and kernel density estimates."""

import importlib
import pkgutil

import checks
import numpy as np
import pytest
import scipy.stats as ss

import numax
from numax import random
from numax.scipy import stats

X = np.array([-3.0, -0.7, 0, 0.2, 0.5, 0.9, 1, 1.7, 4, 9])
K = np.array([-1, 0, 1, 2, 3, 5, 8])
Q = np.array([0, 0.1, 0.5, 0.83, 0.99, 1])

# name: arguments after the first, and whether loc (and scale) follow
ARGUMENTS = {
    "norm": ((), 2),
    "uniform": ((), 2),
    "expon": ((), 2),
    "laplace": ((), 2),
    "logistic": ((), 2),
    "cauchy": ((), 2),
    "gumbel_r": ((), 2),
    "gumbel_l": ((), 2),
    "gamma": ((2.5,), 2),
    "chi2": ((3.0,), 2),
    "beta": ((1.5, 2.5), 2),
    "pareto": ((2.5,), 2),
    "t": ((3.5,), 2),
    "gennorm": ((1.5,), 0),
    "vonmises": ((2.0,), 0),
    "wrapcauchy": ((0.4,), 0),
    "truncnorm": ((-1.0, 2.0), 2),
    "bernoulli": ((0.3,), 0),
    "binom": ((5, 0.3), 1),
    "nbinom": ((3, 0.4), 1),
    "betabinom": ((5, 1.5, 2.5), 1),
    "geom": ((0.3,), 1),
    "poisson": ((2.5,), 1),
}
FUNCTIONS = [
    (name, function)
    for name in ARGUMENTS
    for function in getattr(stats, name).__all__
    if function != "entropy"
]


def first_argument(name, function):
    if function in ("ppf", "isf"):
        return Q[1:] if name == "bernoulli" else Q  # at 0 SciPy gives -1, which is no outcome
    return K if hasattr(getattr(ss, name), "pmf") else X


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_function(name, function):
    own, reference = getattr(getattr(stats, name), function), getattr(getattr(ss, name), function)
    shape, places = ARGUMENTS[name]
    x = first_argument(name, function)
    for more in (
        (),
        (0.5, 2.0)[:places]
        if name not in ("binom", "nbinom", "betabinom", "geom", "poisson")
        else (1,),
    ):
        with np.errstate(all="ignore"):
            want = reference(x, *shape, *more)
        with numax.enable_x64(True):
            got = np.asarray(own(x, *shape, *more))
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=2e-9, atol=1e-12)
        narrow = x.astype(np.float32) if x.dtype.kind == "f" else x
        got = own(narrow, *shape, *more)
        assert got.dtype == np.float32
        np.testing.assert_allclose(np.asarray(got), want, rtol=2e-4, atol=2e-5)
    if function in ("logpdf", "logpmf", "ppf"):
        compiled = numax.jit(lambda x: own(x, *shape, *more))(narrow)
        np.testing.assert_allclose(np.asarray(compiled), want, rtol=2e-4, atol=2e-5)


def test_tails():
    with numax.enable_x64(True):
        for name, x in (("norm", 30.0), ("expon", 800.0), ("logistic", 50.0)):
            want = getattr(ss, name).logsf(x)
            if name == "logistic":
                assert float(np.asarray(stats.logistic.sf(x))) == pytest.approx(
                    np.exp(want), rel=1e-10
                )
            else:
                assert float(np.asarray(getattr(stats, name).logsf(x))) == pytest.approx(
                    want, rel=1e-10
                )
        want = ss.truncnorm.logpdf(9.0, 8.0, 11.0)
        assert float(np.asarray(stats.truncnorm.logpdf(9.0, 8.0, 11.0))) == pytest.approx(
            want, rel=1e-9
        )


@pytest.mark.parametrize("name", [n for n, (_, p) in ARGUMENTS.items() if p == 2])
def test_derivatives_of_densities(name):
    shape, _ = ARGUMENTS[name]
    x = np.array([1.3]) if name in ("pareto",) else np.array([0.3, 0.8])
    loc, scale = (0.1, 0.9) if name != "uniform" else (0.1, 2.0)
    checks.check_derivatives(
        lambda x, loc, scale: getattr(stats, name).logpdf(x, *shape, loc, scale),
        [x, np.array(loc), np.array(scale)],
        order=1,
    )


def test_poisson_entropy():
    mu = np.array([0, 0.5, 3, 30, 99, 101])
    with numax.enable_x64(True):
        got = np.asarray(stats.poisson.entropy(mu))
        np.testing.assert_allclose(got, ss.poisson.entropy(mu), rtol=1e-6, atol=1e-12)
        far = float(np.asarray(stats.poisson.entropy(1e6)))
    assert far == pytest.approx(0.5 * np.log(2 * np.pi * np.e * 1e6), rel=1e-7)


def test_multivariate():
    p, x = np.array([0.2, 0.3, 0.5]), np.array([[1, 2, 3], [1, 2, 2]])
    for function in ("logpmf", "pmf"):
        got = np.asarray(getattr(stats.multinomial, function)(x, 6, p))
        np.testing.assert_allclose(got, getattr(ss.multinomial, function)(x, 6, p), rtol=1e-5)
    alpha = np.array([1.0, 2, 3])
    for function in ("logpdf", "pdf"):
        for y in (p, p[:2]):
            got = np.asarray(getattr(stats.dirichlet, function)(y, alpha))
            np.testing.assert_allclose(got, getattr(ss.dirichlet, function)(y, alpha), rtol=1e-5)
    assert np.asarray(stats.dirichlet.logpdf(p + 0.1, alpha)) == -np.inf
    rng = np.random.default_rng(0)
    a = rng.standard_normal((3, 3))
    mean, cov, points = rng.standard_normal(3), a @ a.T + np.eye(3), rng.standard_normal((4, 3))
    for function in ("logpdf", "pdf"):
        got = np.asarray(getattr(stats.multivariate_normal, function)(points, mean, cov))
        want = getattr(ss.multivariate_normal, function)(points, mean, cov)
        np.testing.assert_allclose(got, want, rtol=1e-4)
    got = np.asarray(stats.multivariate_normal.logpdf(points, 0.5, 2.0))
    np.testing.assert_allclose(got, ss.norm.logpdf(points, 0.5, 2**0.5), rtol=1e-5)
    checks.check_derivatives(
        lambda x, c: stats.multivariate_normal.logpdf(x, mean, c @ c.T + 2 * np.eye(3)),
        [points, a],
        order=1,
    )


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_mode_rank_sem(axis):
    x = np.random.default_rng(1).integers(0, 4, (6, 5)).astype(np.float32)
    for keepdims in (False, True):
        got, want = stats.mode(x, axis, keepdims=keepdims), ss.mode(x, axis, keepdims=keepdims)
        np.testing.assert_array_equal(np.asarray(got.mode), want.mode)
        np.testing.assert_array_equal(np.asarray(got.count), want.count)
    for method in ("average", "min", "max", "dense", "ordinal"):
        got = np.asarray(numax.jit(lambda x, m=method: stats.rankdata(x, m, axis=axis))(x))
        np.testing.assert_array_equal(got, ss.rankdata(x, method, axis=axis))
    np.testing.assert_allclose(np.asarray(stats.sem(x, axis)), ss.sem(x, axis), rtol=1e-5)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("bw", [None, "silverman", 0.4, lambda kde: 0.3])
def test_gaussian_kde(d, bw):
    rng = np.random.default_rng(2)
    data, points = rng.standard_normal((d, 30)), rng.standard_normal((d, 7))
    for weights in (None, rng.random(30)):
        own, reference = stats.gaussian_kde(data, bw, weights), ss.gaussian_kde(data, bw, weights)
        np.testing.assert_allclose(np.asarray(own.covariance), reference.covariance, rtol=1e-4)
        np.testing.assert_allclose(np.asarray(own(points)), reference(points), rtol=1e-4)
        np.testing.assert_allclose(
            np.asarray(own.logpdf(points)), reference.logpdf(points), rtol=1e-4, atol=1e-4
        )
        other, another = stats.gaussian_kde(data[:, :9] + 1), ss.gaussian_kde(data[:, :9] + 1)
        np.testing.assert_allclose(
            np.asarray(own.integrate_kde(other)), reference.integrate_kde(another), rtol=1e-4
        )
        gauss = (np.ones(d), np.eye(d) * 0.5)
        np.testing.assert_allclose(
            np.asarray(own.integrate_gaussian(*gauss)),
            reference.integrate_gaussian(*gauss),
            rtol=1e-4,
        )
        if d == 1:
            got = np.asarray(own.integrate_box_1d(-0.5, 1.0))
            np.testing.assert_allclose(got, reference.integrate_box_1d(-0.5, 1.0), rtol=1e-4)
    samples = np.asarray(own.resample(random.key(0), (2000,)))
    assert samples.shape == (d, 2000)
    np.testing.assert_allclose(samples.mean(1), data @ np.asarray(own.weights), atol=0.15)
    jitted = numax.jit(lambda kde, p: kde(p))(own, points)
    np.testing.assert_allclose(np.asarray(jitted), reference(points), rtol=1e-4)


def test_every_distribution_is_tested():
    modules = {m.name for m in pkgutil.iter_modules(stats.__path__)} - {"statistics", "kde"}
    assert modules == set(ARGUMENTS) | {"multinomial", "dirichlet", "multivariate_normal"}
    for name in modules:
        assert importlib.import_module(f"numax.scipy.stats.{name}").__all__


BAD = [
    (lambda: stats.rankdata(X, "x"), ValueError, "unknown method"),
    (lambda: stats.mode(X, nan_policy="x"), ValueError, "nan_policy must be"),
    (lambda: stats.dirichlet.logpdf(X, X[:3]), ValueError, "alpha must be a vector"),
    (
        lambda: stats.multivariate_normal.logpdf(X[:2], X[:2], np.eye(3)),
        ValueError,
        "cov must have shape",
    ),
    (lambda: stats.gaussian_kde(np.ones((2, 5)))(np.ones((3, 4))), ValueError, "dimensions"),
    (lambda: stats.gaussian_kde(np.ones(5), "x"), ValueError, "bw_method"),
    (lambda: stats.norm.logpdf([1.0]), TypeError, "requires ndarray or scalar"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
