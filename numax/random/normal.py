"""Normal numbers and what is made of them."""

import math
import operator
from typing import Any

import numpy as np

from numax import lax
from numax._engine.core import dtypes
from numax._engine.core.array import wrap
from numax._engine.core.avals import etype
from numax._engine.ops import variates
from numax.random.arguments import (
    common_shape,
    float_dtype,
    full,
    inexact_dtype,
    known,
    number,
    parameter,
    sampler,
    shape_value,
    single_key,
    split,
    spread,
    usual_key,
)
from numax.random.uniform import draw, signs

_FLOAT32 = etype(dtypes.float32)


def normal(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Standard normal numbers; complex ones have variance 1, half of it in each part.

    Dtypes: float or complex. Raises: ValueError for other dtypes. Grad: none (no parameters).
    Source: the inverse error function of a uniform number.
    """
    if dtype is None and usual_key(key):
        few = variates.few_normal(key._np, shape)
        if few is not None:
            return wrap(few, _FLOAT32)
    key = single_key("normal", key)
    return standard_normal(key, shape_value("normal", shape), inexact_dtype("normal", dtype))


@sampler
def standard_normal(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """`normal` for checked arguments."""
    if dtypes.is_complex(dtype):
        real = dtypes.float32 if dtype == dtypes.complex64 else dtypes.float64
        first, second = split(key, 2)
        pair = lax.complex(
            standard_normal(first, shape, real), standard_normal(second, shape, real)
        )
        return lax.div(pair, number(math.sqrt(2), dtype))
    if known(key):
        return wrap(variates.host_normal(key.numpy_(), shape, dtype), etype(dtype))
    low, root = variates.constants(dtype)
    u = draw("normal", key, shape, dtype, float(low), 1.0)
    return lax.mul(number(float(root), dtype), lax.erf_inv(u))


def truncated_normal(
    key: Any,
    lower: Any,
    upper: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """Standard normal numbers given that they lie between lower and upper.

    Shapes: the bounds broadcast to `shape`. Dtypes: float. Grad: in the bounds.
    """
    key = single_key("truncated_normal", key)
    dtype = float_dtype("truncated_normal", dtype)
    bounds = [parameter("truncated_normal", x, dtype) for x in (lower, upper)]
    return _truncated_normal(key, common_shape("truncated_normal", shape, *bounds), dtype, *bounds)


@sampler
def _truncated_normal(key: Any, shape: tuple[int, ...], dtype: Any, lower: Any, upper: Any) -> Any:
    root = number(float(variates.constants(dtype)[1]), dtype)
    ends = [lax.erf(lax.div(x, root)) for x in (lower, upper)]
    u = draw("truncated_normal", key, shape, dtype, *ends)
    out = lax.mul(root, lax.erf_inv(u))
    infinite = number(math.inf, dtype)
    least = lax.nextafter(lax.stop_gradient(lower), infinite)
    most = lax.nextafter(lax.stop_gradient(upper), lax.neg(infinite))
    return lax.min(spread(most, shape), lax.max(spread(least, shape), out))


def lognormal(
    key: Any, sigma: Any = 1.0, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """exp(sigma z) of standard normal numbers z.

    Shapes: sigma broadcasts to `shape`. Dtypes: float or complex. Grad: in sigma.
    """
    key = single_key("lognormal", key)
    dtype = inexact_dtype("lognormal", dtype)
    sigma = parameter("lognormal", sigma, dtype)
    return _lognormal(key, common_shape("lognormal", shape, sigma), dtype, sigma)


@sampler
def _lognormal(key: Any, shape: tuple[int, ...], dtype: Any, sigma: Any) -> Any:
    return lax.exp(lax.mul(standard_normal(key, shape, dtype), spread(sigma, shape)))


def maxwell(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Standard Maxwell numbers: the length of a vector of three standard normal numbers.

    Dtypes: float. Grad: none.
    """
    key = single_key("maxwell", key)
    return _maxwell(key, shape_value("maxwell", shape), float_dtype("maxwell", dtype))


@sampler
def _maxwell(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    z = standard_normal(key, (*shape, 3), dtype)
    return lax.sqrt(lax.reduce_sum(lax.mul(z, z), (len(shape),)))


def double_sided_maxwell(key: Any, loc: Any, scale: Any, shape: Any = (), dtype: Any = None) -> Any:
    """loc + scale m, m a Maxwell number with a random sign.

    Shapes: the parameters broadcast to `shape`. Dtypes: float. Grad: in the parameters.
    """
    key = single_key("double_sided_maxwell", key)
    dtype = float_dtype("double_sided_maxwell", dtype)
    params = [parameter("double_sided_maxwell", x, dtype) for x in (loc, scale)]
    return _double_sided(key, common_shape("double_sided_maxwell", shape, *params), dtype, *params)


@sampler
def _double_sided(key: Any, shape: tuple[int, ...], dtype: Any, loc: Any, scale: Any) -> Any:
    first, second = split(key, 2)
    signed = lax.mul(signs(second, shape, dtype), _maxwell(first, shape, dtype))
    return lax.add(lax.mul(signed, spread(scale, shape)), spread(loc, shape))


def wald(
    key: Any, mean: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """Wald (inverse Gaussian) numbers of a mean and unit scale.

    Shapes: mean broadcasts to `shape`. Dtypes: float. Grad: in the mean.
    Source: Michael, Schucany, Haas (1976).
    """
    key = single_key("wald", key)
    dtype = float_dtype("wald", dtype)
    mean = parameter("wald", mean, dtype)
    return _wald(key, common_shape("wald", shape, mean), dtype, mean)


@sampler
def _wald(key: Any, shape: tuple[int, ...], dtype: Any, mean: Any) -> Any:
    first, second = split(key, 2)
    mean = full(mean, shape)
    z = standard_normal(first, shape, dtype)
    u = draw("wald", second, shape, dtype, 0.0, 1.0)
    y = lax.mul(z, z)
    square = lax.mul(mean, mean)
    root = lax.sqrt(
        lax.add(lax.mul(lax.mul(number(4, dtype), mean), y), lax.mul(square, lax.mul(y, y)))
    )
    two = number(2, dtype)
    x = lax.add(mean, lax.div(lax.mul(square, y), two))
    x = lax.sub(x, lax.mul(lax.div(mean, two), root))
    first_root = lax.le(u, lax.div(mean, lax.add(mean, x)))
    return lax.select_n(first_root, lax.div(square, x), x)


# ---- vectors and matrices ----


def multivariate_normal(
    key: Any,
    mean: Any,
    cov: Any,
    shape: Any = None,
    dtype: Any = None,
    method: str = "cholesky",
    *,
    out_sharding: Any = None,
) -> Any:
    """Normal vectors of a mean and a covariance.

    Args: method ("cholesky", fast, for positive definite covariances; "eigh" or "svd" for semi-definite ones).
    Shapes: mean (B..., n), cov (B..., n, n) -> (*shape, n); B broadcasts to `shape`. Dtypes: float.
    Raises: ValueError for other shapes, dtypes and methods. Grad: in mean and cov.
    """
    key = single_key("multivariate_normal", key)
    dtype = float_dtype("multivariate_normal", dtype)
    if method not in ("svd", "eigh", "cholesky"):
        raise ValueError(
            f"multivariate_normal: method must be 'svd', 'eigh' or 'cholesky'; got {method!r}."
        )
    mean, cov = (parameter("multivariate_normal", x, dtype) for x in (mean, cov))
    inner, outer = mean.aval.shape, cov.aval.shape
    if not inner or len(outer) < 2 or outer[-2:] != (inner[-1], inner[-1]):
        raise ValueError(
            f"multivariate_normal: mean must be (..., n) and cov (..., n, n); got {inner} and {outer}."
        )
    zeros = [np.empty(s) for s in (inner[:-1], outer[:-2])]
    shape = common_shape("multivariate_normal", shape, *zeros)
    return _multivariate_normal(key, shape, dtype, mean, cov, method)


def _multivariate_normal(
    key: Any, shape: tuple[int, ...], dtype: Any, mean: Any, cov: Any, method: str
) -> Any:
    if method == "svd":
        u, s, _ = lax.linalg.svd(cov)
        factor = lax.mul(u, _rows(lax.sqrt(s)))
    elif method == "eigh":
        v, w = lax.linalg.eigh(cov)
        factor = lax.mul(v, _rows(lax.sqrt(w)))
    else:
        factor = lax.linalg.cholesky(cov)
    n = mean.aval.shape[-1]
    z = standard_normal(key, (*shape, n), dtype)
    last = len(shape)
    if factor.aval.ndim == 2:
        turned = lax.dot_general(z, factor, (((last,), (1,)), ((), ())))
    else:
        batch = tuple(range(last))
        factor = full(factor, (*shape, n, n))
        turned = lax.dot_general(z, factor, (((last,), (last + 1,)), (batch, batch)))
    return lax.add(full(mean, turned.aval.shape), turned)


def _rows(x: Any) -> Any:
    """(..., n) repeated to (..., n, n): the same row n times."""
    shape = x.aval.shape
    kept = (*range(len(shape) - 1), len(shape))
    return lax.broadcast_in_dim(x, (*shape, shape[-1]), kept)


def _diagonal(x: Any) -> Any:
    """The diagonals of square matrices."""
    shape = x.aval.shape
    last = len(shape) - 1
    rows, columns = (lax.broadcasted_iota(dtypes.int32, shape, i) for i in (last - 1, last))
    return lax.reduce_sum(lax.select_n(lax.eq(rows, columns), lax.full_like(x, 0), x), (last,))


def orthogonal(
    key: Any,
    n: int,
    shape: Any = (),
    dtype: Any = None,
    m: int | None = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """Matrices uniform in the orthogonal (complex: unitary) group; with orthonormal rows or columns if not square.

    Shapes: -> (*shape, n, m). Dtypes: float or complex. Raises: ValueError for negative sizes. Grad: none.
    Source: Mezzadri, "How to generate random matrices from the classical compact groups" (2007).
    """
    key = single_key("orthogonal", key)
    dtype = inexact_dtype("orthogonal", dtype)
    rows = operator.index(n)
    columns = rows if m is None else operator.index(m)
    if rows < 0 or columns < 0:
        raise ValueError(f"orthogonal: sizes are not negative; got n={n}, m={m}.")
    tall, thin = max(rows, columns), min(rows, columns)
    z = standard_normal(key, (*shape_value("orthogonal", shape), tall, thin), dtype)
    q, r = lax.linalg.qr(z, full_matrices=False)
    ndim = q.aval.ndim
    phase = lax.sign(_diagonal(r))
    q = lax.mul(q, lax.broadcast_in_dim(phase, q.aval.shape, (*range(ndim - 2), ndim - 1)))
    if rows >= columns:
        return q
    return lax.transpose(q, (*range(ndim - 2), ndim - 1, ndim - 2))
