"""Each sampler against its distribution function (Kolmogorov and Smirnov's test; chi-square for counts), fixed seeds."""

import numpy as np
import pytest
import scipy.stats as stats

from numax import random

COUNT = 4000
KEY = random.key(2024)
SHAPE = (COUNT,)

CONTINUOUS = {
    "uniform": (lambda k: random.uniform(k, SHAPE, minval=-1.0, maxval=3.0), stats.uniform(-1, 4)),
    "normal": (lambda k: random.normal(k, SHAPE), stats.norm()),
    "truncated_normal": (
        lambda k: random.truncated_normal(k, -1.0, 2.0, SHAPE),
        stats.truncnorm(-1, 2),
    ),
    "lognormal": (lambda k: random.lognormal(k, 0.7, SHAPE), stats.lognorm(0.7)),
    "exponential": (lambda k: random.exponential(k, SHAPE), stats.expon()),
    "gumbel": (lambda k: random.gumbel(k, SHAPE), stats.gumbel_r()),
    "gumbel high": (lambda k: random.gumbel(k, SHAPE, mode="high"), stats.gumbel_r()),
    "laplace": (lambda k: random.laplace(k, SHAPE), stats.laplace()),
    "logistic": (lambda k: random.logistic(k, SHAPE), stats.logistic()),
    "cauchy": (lambda k: random.cauchy(k, SHAPE), stats.cauchy()),
    "pareto": (lambda k: random.pareto(k, 2.5, SHAPE), stats.pareto(2.5)),
    "rayleigh": (lambda k: random.rayleigh(k, 2.0, SHAPE), stats.rayleigh(scale=2)),
    "weibull_min": (
        lambda k: random.weibull_min(k, 1.5, 2.5, SHAPE),
        stats.weibull_min(2.5, scale=1.5),
    ),
    "triangular": (
        lambda k: random.triangular(k, -1.0, 0.0, 3.0, SHAPE),
        stats.triang(0.25, -1, 4),
    ),
    "maxwell": (lambda k: random.maxwell(k, SHAPE), stats.maxwell()),
    "double_sided_maxwell": (
        lambda k: abs(random.double_sided_maxwell(k, 1.0, 2.0, SHAPE).numpy_() - 1) / 2,
        stats.maxwell(),
    ),
    "wald": (lambda k: random.wald(k, 2.0, SHAPE), stats.invgauss(2)),
    "gamma": (lambda k: random.gamma(k, 2.5, SHAPE), stats.gamma(2.5)),
    "gamma below 1": (lambda k: random.gamma(k, 0.3, SHAPE), stats.gamma(0.3)),
    "gamma approximate": (
        lambda k: random.gamma(k, 0.7, SHAPE, method="approximate"),
        stats.gamma(0.7),
    ),
    "loggamma": (lambda k: random.loggamma(k, 0.02, SHAPE), stats.loggamma(0.02)),
    "chisquare": (lambda k: random.chisquare(k, 3.0, SHAPE), stats.chi2(3)),
    "beta": (lambda k: random.beta(k, 0.5, 1.5, SHAPE), stats.beta(0.5, 1.5)),
    "dirichlet": (
        lambda k: random.dirichlet(k, np.float32([0.5, 1.0, 1.5]), SHAPE).numpy_()[:, 1],
        stats.beta(1, 2),
    ),
    "f": (lambda k: random.f(k, 3.0, 5.0, SHAPE), stats.f(3, 5)),
    "t": (lambda k: random.t(k, 3.0, SHAPE), stats.t(3)),
    "generalized_normal": (lambda k: random.generalized_normal(k, 1.5, SHAPE), stats.gennorm(1.5)),
    "radius of ball": (
        lambda k: np.sum(abs(random.ball(k, 3, 4, SHAPE).numpy_()) ** 4, -1) ** 0.25,
        stats.powerlaw(3),
    ),
    "multivariate_normal": (
        lambda k: (
            random.multivariate_normal(
                k, np.float32([1, 2]), np.float32([[2, 1], [1, 3]]), SHAPE
            ).numpy_()
            @ [0.5, -1]
        ),
        stats.norm(-1.5, np.sqrt(2.5)),
    ),
    "entry of orthogonal": (
        lambda k: random.orthogonal(k, 3, (500,)).numpy_()[:, 0, 0],
        stats.uniform(-1, 2),
    ),
}

COUNTS = {
    "randint": (lambda k: random.randint(k, SHAPE, -3, 8), stats.randint(-3, 8)),
    "bernoulli": (lambda k: random.bernoulli(k, 0.3, SHAPE), stats.bernoulli(0.3)),
    "bernoulli high": (
        lambda k: random.bernoulli(k, 0.3, SHAPE, mode="high"),
        stats.bernoulli(0.3),
    ),
    "rademacher": (lambda k: (random.rademacher(k, SHAPE).numpy_() + 1) // 2, stats.bernoulli(0.5)),
    "geometric": (lambda k: random.geometric(k, 0.3, SHAPE), stats.geom(0.3)),
    "poisson low": (lambda k: random.poisson(k, 3.5, SHAPE), stats.poisson(3.5)),
    "poisson high": (lambda k: random.poisson(k, 30.0, SHAPE), stats.poisson(30)),
    "poisson approximate": (
        lambda k: random.poisson(k, 4.0, SHAPE, method="approximate"),
        stats.poisson(4),
    ),
    "poisson approximate high": (
        lambda k: random.poisson(k, 20.0, SHAPE, method="approximate"),
        stats.poisson(20),
    ),
    "binomial few": (lambda k: random.binomial(k, 12.0, 0.6, SHAPE), stats.binom(12, 0.6)),
    "binomial many": (lambda k: random.binomial(k, 100.0, 0.3, SHAPE), stats.binom(100, 0.3)),
    "multinomial": (
        lambda k: random.multinomial(k, 20.0, np.float32([0.2, 0.5, 0.3]), shape=SHAPE).numpy_()[
            :, 1
        ],
        stats.binom(20, 0.5),
    ),
    "categorical": (
        lambda k: random.categorical(k, np.log(np.float32([0.1, 0.2, 0.3, 0.4])), shape=SHAPE),
        stats.rv_discrete(values=([0, 1, 2, 3], [0.1, 0.2, 0.3, 0.4])),
    ),
    "choice": (lambda k: random.choice(k, 7, SHAPE), stats.randint(0, 7)),
    "choice with p": (
        lambda k: random.choice(k, 4, SHAPE, p=np.float32([0.1, 0.2, 0.3, 0.4])),
        stats.rv_discrete(values=([0, 1, 2, 3], [0.1, 0.2, 0.3, 0.4])),
    ),
    "bits": (lambda k: random.bits(k, SHAPE).numpy_() >> np.uint32(29), stats.randint(0, 8)),
    "bits of 8": (
        lambda k: random.bits(k, SHAPE, np.uint8).numpy_() & np.uint8(7),
        stats.randint(0, 8),
    ),
    "place in a permutation": (
        lambda k: np.concatenate([random.permutation(i, 5).numpy_()[:1] for i in _keys(k, 1000)]),
        stats.randint(0, 5),
    ),
}


def _keys(key, count):
    raw = random.key_data(random.split(key, count)).numpy_()
    return [random.wrap_key_data(row) for row in raw]


def _numbers(x):
    return np.asarray(x if isinstance(x, np.ndarray) else x.numpy_(), np.float64)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_samples_follow_their_distribution(name):
    draw, distribution = CONTINUOUS[name]
    assert stats.kstest(_numbers(draw(KEY)), distribution.cdf).pvalue > 0.005


@pytest.mark.parametrize("name", COUNTS)
def test_counts_follow_their_distribution(name):
    draw, distribution = COUNTS[name]
    sample = _numbers(draw(KEY))
    low, high = int(distribution.ppf(0.01)), int(distribution.ppf(0.99))
    # the two ends, and each number between
    edges = np.arange(low, high + 1)
    expected = np.concatenate(
        [[distribution.cdf(low)], distribution.pmf(edges[1:-1]), [distribution.sf(high - 1)]]
    )
    clipped = np.clip(sample, low, high)
    observed = np.array([(clipped == e).sum() for e in edges])
    if len(edges) == 1:
        assert observed[0] == len(sample)
        return
    assert stats.chisquare(observed, expected * len(sample) / expected.sum()).pvalue > 0.005


def test_streams_of_split_keys_are_uncorrelated():
    first, second = (random.normal(k, SHAPE).numpy_() for k in _keys(KEY, 2))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(COUNT)


def test_orthogonal_matrices_are_orthogonal():
    q = random.orthogonal(KEY, 4, (3,)).numpy_()
    assert np.allclose(q @ q.transpose(0, 2, 1), np.eye(4), atol=1e-5)
    q = random.orthogonal(KEY, 2, dtype="complex64", m=4).numpy_()
    assert np.allclose(q @ q.conj().T, np.eye(2), atol=1e-5)


def test_complex_normal_numbers_have_unit_variance():
    z = random.normal(KEY, SHAPE, "complex64").numpy_()
    for part in (z.real, z.imag):
        assert stats.kstest(part * np.sqrt(2), "norm").pvalue > 0.005


def test_samples_without_replacement_differ():
    drawn = random.choice(KEY, 50, (50,), replace=False).numpy_()
    assert sorted(drawn) == list(range(50))
    for fun in (
        lambda k: random.choice(
            k, 6, (6,), replace=False, p=np.float32([0.1, 0.2, 0.3, 0.1, 0.1, 0.2])
        ),
    ):
        assert sorted(fun(KEY).numpy_()) == list(range(6))


@pytest.mark.parametrize("size", [1, 2, 1625, 1626, 5000])
def test_permutations_keep_every_element(size):
    assert np.array_equal(np.sort(random.permutation(KEY, size).numpy_()), np.arange(size))


def test_weights_decide_who_is_chosen_first():
    p = np.float32([0.7, 0.1, 0.1, 0.1])
    first = [random.choice(k, 4, (2,), replace=False, p=p).numpy_()[0] for k in _keys(KEY, 800)]
    assert abs(np.mean(np.array(first) == 0) - 0.7) < 4 * np.sqrt(0.21 / 800)


def test_multinomial_counts_add_up():
    counts = random.multinomial(KEY, 50.0, np.float32([[0.2, 0.5, 0.3], [1, 0, 0]])).numpy_()
    assert np.array_equal(counts.sum(-1), [50, 50])
    assert counts[1].tolist() == [50, 0, 0]
