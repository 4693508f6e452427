"""Determinants, inverses and linear systems: by LU factors; by formula for many matrices of up to 4 rows."""

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.custom_derivatives import custom_jvp
from numax.numpy.linalg_factors import eye, product, solve_lu, square, wide
from numax.numpy.linalg_products import diagonal_last
from numax.numpy.promotion import common_shape, number, promote_inexact, value

_MANY = 16  # batches from this size on are inverted by formula, if the matrices are small
_host_of = core.eager.host_of
_LAPACK = frozenset([dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128])


class SlogdetResult(NamedTuple):
    sign: Any
    logabsdet: Any


def _entries(x: Any) -> list[list[Any]]:
    """The elements of small matrices, each an array of the batch's shape."""
    n = x.aval.ndim
    rows, count = x.aval.shape[-2:]

    def entry(i: int, j: int) -> Any:
        row = lax.index_in_dim(x, i, n - 2, keepdims=False)
        return lax.index_in_dim(row, j, n - 2, keepdims=False)

    return [[entry(i, j) for j in range(count)] for i in range(rows)]


def _minor(a: list[list[Any]], rows: tuple[int, ...], cols: tuple[int, ...], known: Any) -> Any:
    """The determinant of a part of a small matrix, by its first row. known: those found already."""
    key = rows, cols
    if key not in known:
        if len(rows) == 1:
            return a[rows[0]][cols[0]]
        total = None
        for i, c in enumerate(cols):
            rest = cols[:i] + cols[i + 1 :]
            term = lax.mul(a[rows[0]][c], _minor(a, rows[1:], rest, known))
            if total is None:
                total = term
            else:
                total = lax.sub(total, term) if i % 2 else lax.add(total, term)
        known[key] = total
    return known[key]


# ---- determinants ----


def det(a: Any) -> Array:
    """The determinant; by formula up to 3 rows, else by LU.

    Raises: ValueError unless square. Grad: the adjugate, also for singular matrices. Source: NumPy `linalg.det`.
    """
    found = _host(np.linalg.det, a)
    if found is not None:
        return found
    x = square("det", a)
    n = x.aval.shape[-1]
    if n == 0:
        return core.full(x.aval.shape[:-2], 1, x.dtype)
    if n <= 3:
        every = tuple(range(n))
        return _minor(_entries(x), every, every, {})
    return core.convert(_det(wide(x)), x.dtype)


def _parity(pivots: Any, dtype: Any) -> Any:
    """1 or -1: the sign of a sequence of exchanges."""
    last = pivots.aval.ndim - 1
    moved = lax.ne(pivots, lax.broadcasted_iota(pivots.dtype, pivots.aval.shape, last))
    count = lax.reduce_sum(core.convert(moved, dtypes.int32), (last,))
    odd = lax.eq(lax.rem(count, number(count, 2)), number(count, 1))
    one = core.full(odd.aval.shape, 1, dtype)
    return lax.select_n(odd, one, lax.neg(one))


@custom_jvp
def _det(x: Any) -> Any:
    factors, pivots, _ = lax.linalg.lu(x)
    diagonal = diagonal_last(factors, 0)
    return lax.mul(lax.reduce_prod(diagonal, (diagonal.aval.ndim - 1,)), _parity(pivots, x.dtype))


@_det.defjvp
def _det_jvp(primals: Any, tangents: Any) -> Any:
    """tr(adj(A) dA), adj(A) = sign adj(U) L^-1 P. With one zero on U's diagonal, at k, and U' with 1 there,
    adj(U) = (product of the others) U'^-1 e_k e_k^T U'^-1."""
    (x,), (t,) = primals, tangents
    factors, pivots, permutation = lax.linalg.lu(x)
    diagonal = diagonal_last(factors, 0)
    last = diagonal.aval.ndim - 1
    sign = _parity(pivots, x.dtype)
    out = lax.mul(lax.reduce_prod(diagonal, (last,)), sign)
    zero = lax.eq(diagonal, number(diagonal, 0))
    holes = core.convert(zero, x.dtype)
    filled = lax.add(diagonal, holes)
    spread = lax.mul(eye(x.aval.shape[-1], x), _rows(holes, x))
    solved = solve_lu(lax.add(factors, spread), permutation, t)
    count = lax.reduce_sum(core.convert(zero, dtypes.int32), (last,))
    trace = lax.reduce_sum(diagonal_last(solved, 0), (last,))
    upper = lax.add(factors, spread)
    v = lax.linalg.triangular_solve(upper, lax.expand_dims(holes, (last + 1,)), left_side=True)
    at_hole = lax.squeeze(product(solved, v), (last + 1,))
    one_hole = lax.reduce_sum(lax.mul(holes, at_hole), (last,))
    others = lax.mul(lax.reduce_prod(filled, (last,)), sign)
    none = lax.eq(count, number(count, 0))
    one = lax.eq(count, number(count, 1))
    zeros = core.full(out.aval.shape, 0, out.dtype)
    singular = lax.select_n(one, zeros, lax.mul(others, one_hole))
    return out, lax.select_n(none, singular, lax.mul(out, trace))


def _rows(values: Any, like: Any) -> Any:
    n = like.aval.ndim
    return lax.broadcast_in_dim(values, like.aval.shape, (*range(n - 2), n - 1))


def slogdet(a: Any, *, method: str | None = None) -> Any:
    """Sign and logarithm of the size of the determinant: no overflow. (0, -inf) for singular matrices.

    Args: method "lu" or "qr". Raises: ValueError unless square, or for other methods. Grad: the inverse.
    Source: NumPy `linalg.slogdet`.
    """
    if method not in (None, "lu", "qr"):
        raise ValueError(
            f"slogdet: Unknown slogdet method {method!r}. Supported methods are 'lu' (`None`), and 'qr'."
        )
    x = square("slogdet", a)
    if not x.aval.shape[-1]:
        part = dtypes.finfo(x.dtype).dtype if dtypes.is_complex(x.dtype) else x.dtype
        lead = x.aval.shape[:-2]
        return SlogdetResult(core.full(lead, 1, x.dtype), core.full(lead, 0, part))
    y = wide(x)
    if method == "qr":
        q, r = lax.linalg.qr(y)
        diagonal = diagonal_last(r, 0)
        sign = _unitary_det(q)
    else:
        factors, pivots, _ = lax.linalg.lu(y)
        diagonal = diagonal_last(factors, 0)
        sign = _parity(pivots, y.dtype)
    last = (diagonal.aval.ndim - 1,)
    sizes = lax.abs(diagonal)
    sign = lax.mul(sign, lax.reduce_prod(lax.sign(diagonal), last))
    logs = lax.reduce_sum(lax.log(sizes), last)
    part = dtypes.finfo(x.dtype).dtype if dtypes.is_complex(x.dtype) else x.dtype
    return SlogdetResult(core.convert(sign, x.dtype), core.convert(logs, part))


def _unitary_det(q: Any) -> Any:
    factors, pivots, _ = lax.linalg.lu(q)
    diagonal = diagonal_last(factors, 0)
    out = lax.mul(lax.reduce_prod(diagonal, (diagonal.aval.ndim - 1,)), _parity(pivots, q.dtype))
    return lax.stop_gradient(lax.sign(out)) if not dtypes.is_complex(q.dtype) else lax.sign(out)


# ---- systems ----


def _by_formula(x: Any) -> Any:
    """The inverse as adjugate / determinant, of matrices scaled to a largest element of 1."""
    n = x.aval.shape[-1]
    k = x.aval.ndim - 2
    size = lax.stop_gradient(lax.reduce_max(lax.abs(x), (k, k + 1)))
    usable = lax.bitwise_and(lax.gt(size, number(size, 0)), lax.is_finite(size))
    one = core.full(size.aval.shape, 1, size.dtype)
    scale = core.convert(lax.select_n(usable, one, lax.reciprocal(size)), x.dtype)
    over = tuple(range(k))
    a = _entries(lax.mul(x, lax.broadcast_in_dim(scale, x.aval.shape, over)))
    every = tuple(range(n))
    known: dict[Any, Any] = {}
    whole = _minor(a, every, every, known)
    factor = lax.div(scale, whole)
    parts = []
    for i in every:
        for j in every:  # the cofactor of element (j, i)
            rows = every[:j] + every[j + 1 :]
            cols = every[:i] + every[i + 1 :]
            minor = _minor(a, rows, cols, known)
            minor = lax.neg(minor) if (i + j) % 2 else minor
            parts.append(lax.expand_dims(lax.mul(minor, factor), (k,)))
    return lax.reshape(lax.concatenate(parts, k), x.aval.shape)


def _is_small(shape: tuple[int, ...]) -> bool:
    return 2 <= shape[-1] <= 4 and math.prod(shape[:-2]) >= _MANY


@custom_jvp
def _solve(a: Any, b: Any) -> Any:
    factors, _, permutation = lax.linalg.lu(a)
    return solve_lu(factors, permutation, b)


@_solve.defjvp
def _solve_jvp(primals: Any, tangents: Any) -> Any:
    """dx = A^-1 (db - dA x)."""
    (a, b), (ta, tb) = primals, tangents
    factors, _, permutation = lax.linalg.lu(a)
    x = solve_lu(factors, permutation, b)
    return x, solve_lu(factors, permutation, lax.sub(tb, product(ta, x)))


def _host(rule: Any, *args: Any) -> Any:
    """NumPy's answer for Arrays of one LAPACK type; None for traced values and singular matrices."""
    t = args[0]._t if type(args[0]) is Array else None
    if t is None or t.dtype not in _LAPACK or t.weak:
        return None
    if any(type(x) is not Array or x._t is not t for x in args):
        return None
    hosts = [_host_of(x) for x in args]
    if hosts[0] is None:
        return None
    try:
        return core.eager.wrap_host(core.eager.quiet.run(rule, *hosts), t)
    except (np.linalg.LinAlgError, ValueError):
        return None


def inv(a: Any) -> Array:
    """The inverse; inf and nan for singular matrices. Many matrices of 2 to 4 rows by formula, else by LU.

    Raises: ValueError unless square. Grad: -inv(a) da inv(a). Source: NumPy `linalg.inv`, which raises if singular.
    """
    small = type(a) is Array and a.ndim > 2 and _is_small(a.shape)
    found = None if small else _host(np.linalg.inv, a)
    if found is not None:
        return found
    x = square("inv", a)
    y = wide(x)
    if _is_small(y.aval.shape):
        out = _by_formula(y)
    else:
        out = _solve(y, eye(y.aval.shape[-1], y))
    return core.convert(out, x.dtype)


def solve(a: Any, b: Any) -> Array:
    """x with a x = b; inf and nan for singular a. A b of one axis is a vector, others are matrices; batches broadcast.

    Shapes: a (B..., N, N), b (N,) or (B..., N, K) -> (B..., N) or (B..., N, K).
    Raises: ValueError if shapes do not fit. Grad: yes. Source: NumPy `linalg.solve`.
    """
    found = _host(np.linalg.solve, a, b)
    if found is not None:
        return found
    a, b = promote_inexact(value("solve", a), value("solve", b, 1))
    a = square("solve", a)
    if not b.aval.ndim:
        raise ValueError(f"solve: b needs at least one dimension; got {b.aval.str_short()}.")
    vector = b.aval.ndim == 1
    b = lax.expand_dims(b, (1,)) if vector else b
    if b.aval.shape[-2] != a.aval.shape[-1]:
        raise ValueError(
            f"solve: Invalid shapes for solve: {a.aval.shape}, {b.aval.shape}; the rows of b must be those of a. For a "
            "batch of vectors use solve(a, b[..., None])[..., 0]."
        )
    dtype = a.dtype
    a, b = wide(a), wide(b)
    lead = common_shape("solve", [a.aval.shape[:-2], b.aval.shape[:-2]])
    b = _batched(b, lead)
    if _is_small(a.aval.shape) and a.aval.shape[:-2] == lead:
        out = _small_product(_by_formula(a), b)
    elif lead and not a.aval.shape[:-2]:
        out = _solve_shared(a, b)
    else:
        out = _solve(_batched(a, lead), b)
    out = core.convert(out, dtype)
    return lax.squeeze(out, (out.aval.ndim - 1,)) if vector else out


def _batched(x: Any, lead: tuple[int, ...]) -> Any:
    shape = (*lead, *x.aval.shape[-2:])
    if shape == x.aval.shape:
        return x
    n = x.aval.ndim
    return lax.broadcast_in_dim(x, shape, tuple(range(len(shape) - n, len(shape))))


def _solve_shared(a: Any, b: Any) -> Any:
    """One matrix for a batch of right-hand sides: they become columns."""
    n = b.aval.ndim
    columns_last = lax.transpose(b, (n - 2, *range(n - 2), n - 1))
    flat = lax.reshape(columns_last, (b.aval.shape[-2], _size(b)))
    out = lax.reshape(_solve(a, flat), columns_last.aval.shape)
    return lax.transpose(out, (*range(1, n - 1), 0, n - 1))


def _size(b: Any) -> int:
    shape = b.aval.shape
    return math.prod(shape[:-2]) * shape[-1]


def _small_product(x: Any, b: Any) -> Any:
    """Products of small matrices as sums over columns: faster than many calls of a matrix kernel."""
    n = x.aval.ndim
    total = None
    for j in range(x.aval.shape[-1]):
        column = lax.slice_in_dim(x, j, j + 1, axis=n - 1)
        row = lax.slice_in_dim(b, j, j + 1, axis=n - 2)
        shape = b.aval.shape
        every = tuple(range(n))
        term = lax.mul(
            lax.broadcast_in_dim(column, shape, every), lax.broadcast_in_dim(row, shape, every)
        )
        total = term if total is None else lax.add(total, term)
    return total


def matrix_power(a: Any, n: int) -> Array:
    """Square matrices to an integer power, by squaring; negative powers of the inverse.

    Raises: TypeError if n is no integer, or the matrices are not square. Grad: yes. Source: NumPy `linalg.matrix_power`.
    """
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"matrix_power: exponent must be an integer, got {n}.") from None
    x = value("matrix_power", a)
    shape = x.aval.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise TypeError(
            f"matrix_power: Last 2 dimensions of the array must be square; got {x.aval.str_short()}."
        )
    if n == 0:
        return eye(shape[-1], x)
    if n < 0:
        x, n = inv(x), -n
    out = None
    while n:
        if n & 1:
            out = x if out is None else product(out, x)
        n >>= 1
        x = product(x, x) if n else x
    return out


def tensorinv(a: Any, ind: int = 2) -> Array:
    """The inverse of `tensordot` with a: the first `ind` axes against the rest.

    Raises: ValueError if ind is not positive, or the two parts differ in size. Grad: yes.
    Source: NumPy `linalg.tensorinv`.
    """
    x = promote_inexact(value("tensorinv", a))[0]
    ind = operator.index(ind)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind must be a positive integer; got ind={ind}.")
    first, rest = x.aval.shape[:ind], x.aval.shape[ind:]
    if math.prod(first) != math.prod(rest):
        raise ValueError(
            f"tensorinv: the products of the first {ind} sizes and of the rest must be equal; got {x.aval.shape}."
        )
    flat = lax.reshape(x, (math.prod(first), math.prod(rest)))
    return lax.reshape(inv(flat), (*rest, *first))


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Array:
    """x with tensordot(a, x, x.ndim) = b.

    Args: axes of a to move to the end first. Raises: ValueError if the sizes do not fit. Grad: yes.
    Source: NumPy `linalg.tensorsolve`.
    """
    a, b = promote_inexact(value("tensorsolve", a), value("tensorsolve", b, 1))
    if axes is not None:
        last = core.canonical_axes("tensorsolve", tuple(axes), a.aval.ndim)
        a = lax.transpose(a, [i for i in range(a.aval.ndim) if i not in last] + list(last))
    rest = a.aval.shape[b.aval.ndim :]
    if math.prod(rest) != b.aval.size or a.aval.shape[: b.aval.ndim] != b.aval.shape:
        raise ValueError(
            f"tensorsolve: a must have b's shape and then as many elements more; got {a.aval.shape} and {b.aval.shape}."
        )
    flat = lax.reshape(a, (b.aval.size, b.aval.size))
    return lax.reshape(solve(flat, lax.reshape(b, (b.aval.size,))), rest)


__all__ = [
    "SlogdetResult",
    "det",
    "inv",
    "matrix_power",
    "slogdet",
    "solve",
    "tensorinv",
    "tensorsolve",
]
