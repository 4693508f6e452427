"""Random numbers: pure functions of explicit keys, the same numbers as JAX's, bit for bit.

    key = numax.random.key(0)
    key, now = numax.random.split(key)
    x = numax.random.normal(now, (3,))

Read `keys`, then `arguments` (what the samplers share), then `uniform`, `normal`, `gamma`, `count`, `choice`.
May import numax.lax, numax.numpy, numax.api, and of the engine its core and its random operations.
"""

from numax._engine.ops.variates import random_gamma_p
from numax.random.choice import categorical, choice, permutation
from numax.random.count import binomial, multinomial, poisson
from numax.random.gamma import (
    ball,
    beta,
    chisquare,
    dirichlet,
    f,
    gamma,
    generalized_normal,
    loggamma,
    t,
)
from numax.random.keys import (
    Key,
    PRNGKey,
    clone,
    fold_in,
    key,
    key_data,
    key_dtype,
    key_impl,
    split,
    wrap_key_data,
)
from numax.random.normal import (
    double_sided_maxwell,
    lognormal,
    maxwell,
    multivariate_normal,
    normal,
    orthogonal,
    truncated_normal,
    wald,
)
from numax.random.uniform import (
    bernoulli,
    bits,
    cauchy,
    exponential,
    geometric,
    gumbel,
    laplace,
    logistic,
    pareto,
    rademacher,
    randint,
    rayleigh,
    triangular,
    uniform,
    weibull_min,
)

__all__ = [
    "Key",
    "PRNGKey",
    "ball",
    "bernoulli",
    "beta",
    "binomial",
    "bits",
    "categorical",
    "cauchy",
    "chisquare",
    "choice",
    "clone",
    "dirichlet",
    "double_sided_maxwell",
    "exponential",
    "f",
    "fold_in",
    "gamma",
    "generalized_normal",
    "geometric",
    "gumbel",
    "key",
    "key_data",
    "key_dtype",
    "key_impl",
    "laplace",
    "loggamma",
    "logistic",
    "lognormal",
    "maxwell",
    "multinomial",
    "multivariate_normal",
    "normal",
    "orthogonal",
    "pareto",
    "permutation",
    "poisson",
    "rademacher",
    "randint",
    "random_gamma_p",
    "rayleigh",
    "split",
    "t",
    "triangular",
    "truncated_normal",
    "uniform",
    "wald",
    "weibull_min",
    "wrap_key_data",
]
