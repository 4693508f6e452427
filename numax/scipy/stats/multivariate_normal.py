"""The multivariate normal distribution."""

import math
from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.numpy.promotion import promote_inexact, value
from numax.scipy.linalg_systems import solve_triangular


def logpdf(x: Any, mean: Any, cov: Any, allow_singular: Any = None) -> Array:
    """The logarithm of the probability density of the multivariate normal distribution, over the last axis.

    Numbers as mean or cov mean one dimension. Raises: ValueError unless cov is a matrix of mean's size;
    NotImplementedError for allow_singular. Grad: yes. Source: SciPy `stats.multivariate_normal`.
    """
    if allow_singular is not None:
        raise NotImplementedError(
            "logpdf: allow_singular is not supported. Add a small multiple of the identity."
        )
    args = promote_inexact(value("logpdf", x), value("logpdf", mean, 1), value("logpdf", cov, 2))
    x, mean, cov = args
    if not mean.shape and not cov.shape:
        return -0.5 * (jnp.square(x - mean) / cov + math.log(2 * math.pi) + jnp.log(cov))
    n = mean.shape[-1] if mean.shape else cov.shape[-1]
    if not mean.shape:
        mean = jnp.broadcast_to(mean, (n,))
    if cov.ndim < 2 or cov.shape[-2:] != (n, n):
        raise ValueError(f"logpdf: cov must have shape (..., {n}, {n}); got {cov.shape}.")
    factor = jnp.linalg.cholesky(cov)
    gap = x - mean
    lead = jnp.broadcast_shapes(gap.shape[:-1], factor.shape[:-2])
    factors = jnp.broadcast_to(factor, (*lead, n, n))
    scaled = solve_triangular(factors, jnp.broadcast_to(gap, (*lead, n))[..., None], lower=True)[
        ..., 0
    ]
    half_log_det = jnp.sum(jnp.log(jnp.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)
    return -0.5 * jnp.sum(scaled * scaled, axis=-1) - n / 2 * math.log(2 * math.pi) - half_log_det


def pdf(x: Any, mean: Any, cov: Any) -> Array:
    """The probability density of the multivariate normal distribution.

    Grad: elementwise. Source: SciPy `stats.multivariate_normal`.
    """
    return jnp.exp(logpdf(x, mean, cov))


__all__ = ["logpdf", "pdf"]
