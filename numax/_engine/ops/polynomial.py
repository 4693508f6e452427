"""Polynomials by Horner's rule."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_linear
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    add,
    batch_elementwise,
    broadcast_in_dim,
    constant_like,
    convert,
    is_value,
    mul,
    zeros_like,
)
from numax._engine.ops.families import NUMBERS, check_dtype, spread
from numax._engine.ops.shape import unstack
from numax._engine.stablehlo import hlo


def polynomial(x: Any, coeffs: Any, *, unroll: int | None = None) -> Any:
    """coeffs[0] + coeffs[1] x + coeffs[2] x**2 + ..., elementwise, by Horner's rule.

    Shapes: coefficients have no dimensions, or x's number of dimensions, and broadcast against x.
    Dtypes: numeric; coefficients are converted to x's dtype.
    Args: coeffs (lowest power first: a sequence, or an array whose first axis counts them), unroll (accepted; the rule
        is always unrolled).
    Raises: TypeError if numbers of dimensions differ. Grad: elementwise, in x and in the coefficients.
    """
    x = as_value(x, "polynomial")
    terms = [_coefficient(c, x) for c in _terms(coeffs)]
    ranks = {v.aval.ndim for v in (x, *terms) if v.aval.ndim}
    if len(ranks) > 1:
        raise TypeError(
            f"polynomial: x and the coefficients must have the same number of dimensions, or none; got {sorted(ranks)}."
        )
    shape = np.broadcast_shapes(*[v.aval.shape for v in (x, *terms)])
    x, *terms = [
        v if v.aval.shape in ((), shape) else broadcast_in_dim(v, shape, range(v.aval.ndim))
        for v in (x, *terms)
    ]
    if not terms:
        return zeros_like(x)
    if len(terms) == 1:
        return spread(terms[0], x)
    return polynomial_p.bind(x, *terms)


def _terms(coeffs: Any) -> Sequence[Any]:
    if not is_value(coeffs) and not isinstance(coeffs, np.ndarray):
        return list(coeffs)
    coeffs = as_value(coeffs, "polynomial")
    if not coeffs.aval.ndim:
        raise TypeError(
            "polynomial: coeffs must be a sequence or have an axis; got an array of no dimensions."
        )
    return unstack(coeffs)


def _coefficient(c: Any, x: Any) -> Any:
    if is_value(c) or isinstance(c, np.ndarray):
        return convert(as_value(c, "polynomial"), x.aval.dtype, x.aval.weak_type)
    return constant_like(x, c)


def _horner(
    x: Any, terms: Sequence[Any], multiply: Callable[..., Any], plus: Callable[..., Any]
) -> Any:
    out = terms[-1]
    for c in terms[-2::-1]:
        out = plus(multiply(out, x), c)
    return out


def _infer(x: ShapedArray, *terms: ShapedArray) -> ShapedArray:
    check_dtype("polynomial", x, NUMBERS)
    shape = next((v.shape for v in (x, *terms) if v.shape), ())
    for c in terms:
        if c.dtype != x.dtype or c.shape not in ((), shape):
            raise TypeError(
                f"polynomial: coefficients must have x's dtype, and its shape or no dimensions; got {c.str_short()} for "
                f"{x.str_short()}."
            )
    return ShapedArray(shape, x.dtype, all(v.weak_type for v in (x, *terms)))


def _host(x: np.ndarray, *terms: np.ndarray) -> Any:
    return _horner(x, terms, np.multiply, np.add)


def _lower(ctx: Any, *xs: Any) -> Any:
    shape = ctx.avals_out[0].shape
    x, *terms = [v if v.shape == shape else hlo.broadcast_in_dim(ctx, v, shape, ()) for v in xs]
    return _horner(x, terms, lambda a, b: hlo.multiply(ctx, a, b), lambda a, b: hlo.add(ctx, a, b))


def _jvp(primals: Any, tangents: Any) -> Any:
    x, *terms = primals
    tx, *ts = tangents
    out = polynomial_p.bind(x, *terms)
    total: Any = Zero(out.aval.tangent())
    if any(type(t) is not Zero for t in ts):
        total = ts[-1]
        for t in ts[-2::-1]:  # Horner's rule on the tangents: linear in each
            raised = total if type(total) is Zero else mul(total, x)
            total = t if type(raised) is Zero else raised if type(t) is Zero else add(raised, t)
        total = spread(total, out)
    if type(tx) is not Zero:
        slopes = [mul(c, constant_like(c, k)) for k, c in enumerate(terms) if k]
        slope = polynomial_p.bind(x, *slopes) if len(slopes) > 1 else spread(slopes[0], x)
        part = spread(mul(tx, slope), out)
        total = part if type(total) is Zero else add(total, part)
    return out, total


polynomial_p = Primitive(
    name="polynomial",
    infer=_infer,
    host=_host,
    lower=_lower,
    jvp=_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims: _batch(axis, args, dims),
)
_batch = batch_elementwise(polynomial_p)

__all__ = ["polynomial", "polynomial_p"]
