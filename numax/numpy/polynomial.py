"""Polynomials, as vectors of coefficients from the highest power down."""

import math
import operator
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.lax import linalg
from numax.numpy.creation import constant
from numax.numpy.grids import vander
from numax.numpy.manipulation import atleast_1d, reshape
from numax.numpy.promotion import broadcast, promote_dtypes, promote_inexact, to_shape, value
from numax.numpy.searching import _known, _number
from numax.numpy.signals import convolve

_host_of = core.eager.host_of


def _vectors(op: str, *args: Any, promote: Any = promote_inexact) -> list[Any]:
    """Coefficients of one dtype, an inexact one unless `promote` says otherwise."""
    found = promote(*[atleast_1d(value(op, a, i)) for i, a in enumerate(args)])
    for x in found:
        if len(x.shape) != 1:
            raise ValueError(f"{op}: coefficients must have one axis; got {x.aval.str_short()}.")
    return found


def _whole(op: str, m: Any, what: str) -> int:
    order = core.to_index(m) if isinstance(m, Array) else operator.index(m)
    if order < 0:
        raise ValueError(f"{op}: {what} must not be negative; got {order}.")
    return order


def _padded(x: Any, n: int) -> Any:
    return lax.pad(x, _number(0, x.dtype), ((n - x.shape[0], 0, 0),))


def _trimmed(op: str, x: Any) -> Any:
    """x without leading zeros; its values must be known."""
    used = np.flatnonzero(core.to_ndarray(x))
    return lax.slice_in_dim(x, int(used[0]) if used.size else x.shape[0], x.shape[0])


def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials.

    Grad: linear. Source: NumPy `polyadd`.
    """
    a, b = _vectors("polyadd", a1, a2, promote=promote_dtypes)
    n = max(a.shape[0], b.shape[0])
    return lax.add(_padded(a, n), _padded(b, n))


def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials.

    Grad: linear. Source: NumPy `polysub`.
    """
    a, b = _vectors("polysub", a1, a2, promote=promote_dtypes)
    n = max(a.shape[0], b.shape[0])
    return lax.sub(_padded(a, n), _padded(b, n))


def polymul(a1: Any, a2: Any, *, trim_leading_zeros: bool = False) -> Any:
    """The product of two polynomials.

    Args: trim_leading_zeros, as NumPy does; coefficients must be known then. Grad: bilinear. Source: NumPy `polymul`.
    """
    a, b = _vectors("polymul", a1, a2)
    if trim_leading_zeros:
        a, b = _trimmed("polymul", a), _trimmed("polymul", b)
    if not a.shape[0] or not b.shape[0]:
        return constant((1,), 0, a.dtype)
    return convolve(a, b)


def polydiv(u: Any, v: Any, *, trim_leading_zeros: bool = False) -> tuple[Any, Any]:
    """Quotient and remainder of two polynomials.

    Args: trim_leading_zeros of the remainder, as NumPy does; coefficients must be known then.
    Differs from NumPy: the remainder keeps u's length. Grad: smooth. Source: NumPy `polydiv`.
    """
    u, v = _vectors("polydiv", u, v)
    m, n = u.shape[0] - 1, v.shape[0] - 1
    count = max(m - n + 1, 1)
    rest = u
    if m < n:
        quotient = constant((1,), 0, u.dtype)
    else:
        lead = lax.index_in_dim(v, 0, keepdims=False)
        parts = []
        for k in range(count):
            factor = lax.div(lax.index_in_dim(rest, k, keepdims=False), lead)
            parts.append(factor)
            shifted = lax.pad(lax.mul(v, factor), _number(0, v.dtype), ((k, m - n - k, 0),))
            rest = lax.sub(rest, shifted)
        quotient = lax.stack(parts, 0)
        # The leading coefficients of the remainder are zero but for rounding.
        rest = lax.concatenate(
            [constant((count,), 0, u.dtype), lax.slice_in_dim(rest, count, m + 1)], 0
        )
    if trim_leading_zeros:
        rest = _trimmed("polydiv", rest)
    return quotient, rest


def polyval(p: Any, x: Any, *, unroll: int | None = None) -> Any:
    """The polynomial's value at each x, by Horner's rule.

    Args: unroll is the number of steps written out in a compiled loop. Grad: smooth. Source: NumPy `polyval`.
    """
    p, x = promote_dtypes(value("polyval", p), value("polyval", x, 1))
    if len(p.shape) < 1:
        raise ValueError(f"polyval: coefficients must have an axis; got {p.aval.str_short()}.")
    shape = np.broadcast_shapes(p.shape[1:], x.shape)
    n = p.shape[0]
    total = constant(shape, 0, p.dtype)
    x = to_shape(x, shape)
    known, points = _host_of(p), _host_of(x)
    if known is not None and points is not None and p.dtype.kind in "iufc":
        out = np.zeros(shape, p.dtype)
        for c in known:
            out = core.eager.quiet.run(_horner, out, points, c)
        return _known(out, p.dtype)
    if n <= 16 or core.eager_now():
        for c in lax.unstack(p, 0):
            total = lax.add(lax.mul(total, x), to_shape(c, shape))
        return total

    def step(y: Any, c: Any) -> tuple[Any, None]:
        return lax.add(lax.mul(y, x), to_shape(c, shape)), None

    return lax.scan(step, total, p, unroll=16 if unroll is None else unroll)[0]


def _conj(x: Any) -> Any:
    return lax.conj(x) if dtypes.is_complex(x.dtype) else x


def _square_sum(x: Any) -> Any:
    """Sums of |x|**2 along the first axis, in the real dtype."""
    parts = [lax.real(x), lax.imag(x)] if dtypes.is_complex(x.dtype) else [x]
    sums = [lax.reduce_sum(lax.mul(p, p), (0,)) for p in parts]
    return sums[0] if len(sums) == 1 else lax.add(*sums)


def _horner(y: np.ndarray, x: np.ndarray, c: Any) -> np.ndarray:
    return y * x + c


def _rising(n: int, m: int) -> np.ndarray:
    """The factors that m derivatives give to coefficients of the powers n - 1 ... m."""
    powers = np.arange(n - 1, m - 1, -1)
    out = np.ones(powers.size)
    for k in range(m):
        out = out * (powers - k)
    return out


def polyder(p: Any, m: Any = 1) -> Any:
    """The m-th derivative of a polynomial.

    Raises: ValueError for negative m. Grad: linear. Source: NumPy `polyder`.
    """
    order = _whole("polyder", m, "the order of the derivative")
    (p,) = _vectors("polyder", p)
    n = p.shape[0]
    if order == 0:
        return p
    if order >= n:
        return constant((0,), 0, p.dtype)
    return lax.mul(lax.slice_in_dim(p, 0, n - order), _known(_rising(n, order), p.dtype))


def polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    """The m-th antiderivative of a polynomial.

    Args: k, one or m integration constants. Raises: ValueError if their number is another. Grad: linear.
    Source: NumPy `polyint`.
    """
    order = _whole("polyint", m, "the order of the integral")
    (p,) = _vectors("polyint", p)
    if isinstance(k, list | tuple):
        k = np.asarray(k)
    p, k = promote_inexact(p, atleast_1d(value("polyint", 0 if k is None else k, 2)))
    if len(k.shape) != 1 or (k.shape[0] not in (1, order) and order):
        raise ValueError(
            f"polyint: k must have one constant, or {order}; got {k.aval.str_short()}."
        )
    if order == 0:
        return p
    constants = to_shape(k, (order,))
    whole = lax.concatenate([p, constants], 0)
    n = p.shape[0] + order
    # The constant that comes in at step i is integrated m - 1 - i times more.
    factors = np.concatenate(
        [1 / _rising(n, order), [1 / math.factorial(order - 1 - i) for i in range(order)]]
    )
    return lax.mul(whole, _known(factors, p.dtype))


def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with the given zeros, or the characteristic polynomial of a matrix.

    Differs from NumPy: complex for matrices, and for complex zeros that pair. Grad: smooth. Source: NumPy `poly`.
    """
    (zeros,) = promote_inexact(atleast_1d(value("poly", seq_of_zeros)))
    if len(zeros.shape) == 2:
        if zeros.shape[0] != zeros.shape[1]:
            raise ValueError(f"poly: a square matrix is needed; got {zeros.aval.str_short()}.")
        zeros = _eigenvalues(zeros)
    if len(zeros.shape) != 1:
        raise ValueError(
            f"poly: zeros in one axis or a square matrix are needed; got {zeros.aval.str_short()}."
        )
    if not zeros.shape[0]:
        return constant((), 1, zeros.dtype)
    out = constant((1,), 1, zeros.dtype)
    zero = _number(0, zeros.dtype)
    for z in lax.unstack(zeros, 0):
        out = lax.sub(
            lax.pad(out, zero, ((0, 1, 0),)), lax.mul(lax.pad(out, zero, ((1, 0, 0),)), z)
        )
    return out


def _eigenvalues(matrix: Any) -> Any:
    return linalg.eig(matrix, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[0]


def _companion_roots(p: Any) -> Any:
    """The roots of a polynomial whose first coefficient is not zero."""
    n = p.shape[0] - 1
    dtype = (
        p.dtype
        if dtypes.is_complex(p.dtype)
        else dtypes.join_types((p.dtype, False), (dtypes.complex64, False))[0]
    )
    if n < 1:
        return constant((0,), 0, dtype)
    lead = lax.index_in_dim(p, 0, keepdims=False)
    top = reshape(lax.neg(lax.div(lax.slice_in_dim(p, 1, n + 1), lead)), (1, n))
    below = _known(np.eye(n - 1, n), p.dtype)
    return _eigenvalues(lax.concatenate([top, below], 0))


def roots(p: Any, *, strip_zeros: bool = True) -> Any:
    """The zeros of a polynomial: eigenvalues of its companion matrix.

    Differs from NumPy: always complex; strip_zeros=False allows traced coefficients, and gives nan for each leading
    zero. Grad: as eigenvalues. Source: NumPy `roots`.
    """
    given = atleast_1d(value("roots", p))
    if len(given.shape) != 1:
        raise ValueError(f"roots: coefficients must have one axis; got {given.aval.str_short()}.")
    (p,) = promote_inexact(given)
    if not strip_zeros:
        return _roots_of_any(p)
    used = np.flatnonzero(core.to_ndarray(p))
    n = p.shape[0]
    if not used.size:
        return _companion_roots(lax.slice_in_dim(p, 0, min(n, 1)))
    first, last = int(used[0]), int(used[-1])
    found = _companion_roots(lax.slice_in_dim(p, first, last + 1))
    if last == n - 1:
        return found
    return lax.concatenate([found, constant((n - 1 - last,), 0, found.dtype)], 0)


def _roots_of_any(p: Any) -> Any:
    """Roots where leading coefficients may be zero: those coefficients are moved behind, roots that lack are nan."""
    n = p.shape[0]
    if n < 2:
        return _companion_roots(p)
    line = lax.iota(dtypes.int32, n)
    size = _number(n, dtypes.int32)
    is_zero = lax.eq(p, lax.full_like(p, 0))
    first = lax.reduce_min(lax.select_n(is_zero, line, lax.full_like(line, n - 1)), (0,))
    whole = lax.concatenate([p, lax.full_like(p, 0)], 0)
    moved = lax.dynamic_slice_in_dim(whole, first, n)
    found = _companion_roots(moved)
    # The zeros that came in behind are roots at zero; as many, the smallest, are no roots of p.
    order = lax.sort((lax.neg(lax.abs(found)), lax.iota(dtypes.int32, n - 1)), 0, True, 1)[1]
    index = lax.expand_dims(order, (1,))
    numbers = lax.GatherDimensionNumbers((), (0,), (0,))
    ranked = lax.gather(found, index, numbers, (1,), mode="promise_in_bounds")
    real = lax.lt(
        lax.iota(dtypes.int32, n - 1), lax.sub(lax.sub(size, first), _number(1, dtypes.int32))
    )
    return lax.select_n(real, lax.full_like(ranked, complex(math.nan, math.nan)), ranked)


def polyfit(
    x: Any,
    y: Any,
    deg: Any,
    rcond: float | None = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    """The polynomial of a degree that fits points best in the sense of least squares.

    Args: w weights of the residuals; full adds residuals, rank, singular values and rcond; cov (True or 'unscaled') adds
    the covariance matrix. Raises: TypeError or ValueError for shapes that do not fit. Grad: smooth.
    Source: NumPy `polyfit`.
    """
    order = _whole("polyfit", deg, "the degree") + 1
    x, y = promote_inexact(value("polyfit", x), value("polyfit", y, 1))
    if len(x.shape) != 1 or not x.shape[0]:
        raise TypeError(
            f"polyfit: x must have one axis and not be empty; got {x.aval.str_short()}."
        )
    if len(y.shape) not in (1, 2):
        raise TypeError(f"polyfit: y must have one or two axes; got {y.aval.str_short()}.")
    if x.shape[0] != y.shape[0]:
        raise TypeError(
            f"polyfit: x and y must have equal lengths; got {x.shape[0]} and {y.shape[0]}."
        )
    n = x.shape[0]
    if rcond is None:
        rcond = n * float(dtypes.finfo(x.dtype).eps)
    left = vander(x, order)
    right = y if len(y.shape) == 2 else reshape(y, (n, 1))
    if w is not None:
        weights = core.convert(value("polyfit", w), x.dtype)
        if weights.shape != (n,):
            raise TypeError(f"polyfit: w must have shape {(n,)}; got {weights.aval.str_short()}.")
        left = lax.mul(left, lax.broadcast_in_dim(weights, left.shape, (0,)))
        right = lax.mul(right, lax.broadcast_in_dim(weights, right.shape, (0,)))
    scale = lax.sqrt(_square_sum(left))
    left = lax.div(left, to_shape(core.convert(scale, left.dtype), left.shape))
    u, s, vt = linalg.svd(lax.stop_gradient(left), full_matrices=False)
    top = lax.index_in_dim(s, 0, keepdims=False)
    kept = lax.gt(s, lax.mul(lax.full_like(s, rcond), to_shape(top, s.shape)))
    inverse = lax.select_n(kept, lax.full_like(s, 0), lax.div(lax.full_like(s, 1), s))
    c, base = _solved(left, right, u, core.convert(inverse, left.dtype), vt, kept)
    squares = _square_sum(lax.sub(right, lax.dot(left, c)))
    c = lax.div(c, lax.broadcast_in_dim(core.convert(scale, c.dtype), c.shape, (0,)))
    c = c if len(y.shape) == 2 else reshape(c, (order,))
    rank = lax.reduce_sum(core.convert(kept, dtypes.int32), (0,))
    known = _host_of(rank)
    if known is not None and known != order and not full:
        core.warn("polyfit: the fit may be poorly conditioned.", np.exceptions.RankWarning)
    if full:
        none_left = n <= order or (known is not None and known < order)
        squares = constant((0,), 0, x.dtype) if none_left else squares
        return c, squares, rank, s, core.as_value(rcond)
    if not cov:
        return c
    return c, _covariance(base, scale, squares, n, order, cov, len(y.shape) == 2)


def _solved(left: Any, right: Any, u: Any, inverse: Any, vt: Any, kept: Any) -> tuple[Any, Any]:
    """The least squares solution, and the inverse of left^H left.

    By QR, whose derivatives exist wherever the columns are independent (the SVD's need different singular values); by
    the SVD, as a constant, where they are not.
    """
    inner = lax.dot_general(_conj(u), lax.stop_gradient(right), (((0,), (0,)), ((), ())))
    inner = lax.mul(inner, lax.broadcast_in_dim(inverse, inner.shape, (0,)))
    least = lax.dot_general(_conj(vt), inner, (((0,), (0,)), ((), ())))
    half = lax.mul(vt, lax.broadcast_in_dim(inverse, vt.shape, (0,)))
    base = lax.dot_general(_conj(half), half, (((0,), (0,)), ((), ())))
    if left.shape[0] < left.shape[1]:
        return least, base
    independent = lax.reduce_and(kept, (0,))
    q, r = linalg.qr(left, full_matrices=False)
    onto = lax.dot_general(_conj(q), right, (((0,), (0,)), ((), ())))
    found = linalg.triangular_solve(r, onto, left_side=True, lower=False)
    unit = _known(np.eye(r.shape[0]), r.dtype)
    back = linalg.triangular_solve(r, unit, left_side=True, lower=False)
    normal = lax.dot_general(back, _conj(back), (((1,), (1,)), ((), ())))
    return lax.select_n(independent, least, found), lax.select_n(independent, base, normal)


def _covariance(
    base: Any, scale: Any, squares: Any, n: int, order: int, cov: Any, several: bool
) -> Any:
    """The inverse of the scaled normal matrix, times the variance of the residuals unless 'unscaled'."""
    scale = core.convert(scale, base.dtype)
    outer = lax.mul(
        lax.broadcast_in_dim(scale, base.shape, (0,)), lax.broadcast_in_dim(scale, base.shape, (1,))
    )
    base = lax.div(base, outer)
    if cov == "unscaled":
        factor = lax.full_like(squares, 1)
    else:
        if n <= order:
            raise ValueError(
                f"polyfit: the covariance needs more points than coefficients; got {n} points for {order}. "
                "Use cov='unscaled'."
            )
        factor = lax.div(squares, _number(n - order, squares.dtype))
    if not several:
        return lax.mul(base, to_shape(core.convert(factor, base.dtype), base.shape))
    shape = (order, order, factor.shape[0])
    wide, factor = broadcast("polyfit", [lax.broadcast_in_dim(base, shape, (0, 1)), factor])
    return lax.mul(wide, factor)


__all__ = [
    "poly",
    "polyadd",
    "polyder",
    "polydiv",
    "polyfit",
    "polyint",
    "polymul",
    "polysub",
    "polyval",
    "roots",
]
