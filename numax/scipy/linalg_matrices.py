"""Special matrices, made from vectors or sizes."""

import math
import operator
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import broadcast, number, promote_dtypes, promote_inexact, value
from numax.numpy.promotion import values as _values


def _known(x: np.ndarray, dtype: Any = None) -> Array:
    return core.from_numpy(x.astype(dtypes.default_dtype(float) if dtype is None else dtype), False)


def _size(op: str, n: Any, least: int = 1) -> int:
    n = operator.index(n)
    if n < least:
        raise ValueError(f"{op}: the size must be at least {least}; got {n}.")
    return n


def block_diag(*arrs: Any) -> Array:
    """A matrix with the given ones along its diagonal; numbers and vectors are matrices of one row.

    Raises: ValueError for more than two axes. Grad: linear. Source: SciPy `linalg.block_diag`.
    """
    if not arrs:
        return core.full((1, 0), 0, dtypes.default_dtype(float))
    blocks = promote_dtypes(*_values("block_diag", *arrs))
    for i, x in enumerate(blocks):
        if x.aval.ndim > 2:
            raise ValueError(
                f"block_diag: arguments must have at most 2 dimensions; got {x.aval.str_short()} at argument {i}."
            )
        if x.aval.ndim < 2:
            blocks[i] = lax.reshape(x, (1, x.aval.size))
    width = sum(x.aval.shape[1] for x in blocks)
    rows, left = [], 0
    for x in blocks:
        n = x.aval.shape[1]
        rows.append(lax.pad(x, number(x, 0), [(0, 0, 0), (left, width - left - n, 0)]))
        left += n
    return lax.concatenate(rows, 0)


def _gathered(x: Any, places: np.ndarray) -> Any:
    """x[..., places]: numbers of vectors in the order that a table says."""
    index = core.from_numpy(places.astype(np.int32).reshape(-1), False)
    out = lax.index_take(core.moveaxis(x, x.aval.ndim - 1, 0), [index], (0,))
    rest = x.aval.shape[:-1]
    out = lax.reshape(out, (*places.shape, *rest)) if places.ndim != 1 else out
    k = places.ndim
    order = [*range(k, k + len(rest)), *range(k)]
    return lax.transpose(out, order) if rest else out


def toeplitz(c: Any, r: Any = None) -> Array:
    """Matrices with constant diagonals: c is the first column, r the first row (its first number is not used).

    Shapes: (B..., M), (B..., N) -> (B..., M, N). Without r: conj(c). Grad: linear. Source: SciPy `linalg.toeplitz`.
    """
    c = value("toeplitz", c)
    r = (lax.conj(c) if dtypes.is_complex(c.dtype) else c) if r is None else value("toeplitz", r, 1)
    c, r = promote_dtypes(*[lax.reshape(x, (1,)) if not x.aval.ndim else x for x in (c, r)])
    lead = np.broadcast_shapes(c.aval.shape[:-1], r.aval.shape[:-1])
    c, r = [_leading(x, lead) for x in (c, r)]
    m, n = c.aval.shape[-1], r.aval.shape[-1]
    if not m or not n:
        return core.full((*lead, m, n), 0, c.dtype)
    axis = len(lead)
    line = lax.concatenate([lax.rev(c, (axis,)), lax.slice_in_dim(r, 1, n, axis=axis)], axis)
    return _gathered(line, np.arange(m - 1, -1, -1)[:, None] + np.arange(n)[None, :])


def _leading(x: Any, lead: tuple[int, ...]) -> Any:
    shape = (*lead, x.aval.shape[-1])
    if x.aval.shape == shape:
        return x
    n = x.aval.ndim
    return lax.broadcast_in_dim(x, shape, tuple(range(len(shape) - n, len(shape))))


def hankel(c: Any, r: Any = None) -> Array:
    """Matrices with constant antidiagonals: c is the first column, r the last row (its first number is not used).

    Without r: zeros. Grad: linear. Source: SciPy `linalg.hankel`.
    """
    c = value("hankel", c)
    c = lax.reshape(c, (1,)) if not c.aval.ndim else c
    r = core.full(c.aval.shape, 0, c.dtype) if r is None else value("hankel", r, 1)
    c, r = promote_dtypes(c, lax.reshape(r, (1,)) if not r.aval.ndim else r)
    lead = np.broadcast_shapes(c.aval.shape[:-1], r.aval.shape[:-1])
    c, r = [_leading(x, lead) for x in (c, r)]
    m, n = c.aval.shape[-1], r.aval.shape[-1]
    axis = len(lead)
    line = lax.concatenate([c, lax.slice_in_dim(r, min(1, n), n, axis=axis)], axis)
    return _gathered(line, np.arange(m)[:, None] + np.arange(n)[None, :])


def circulant(c: Any) -> Array:
    """Matrices whose columns are c, each moved down by one more.

    Raises: ValueError for no numbers. Grad: linear. Source: SciPy `linalg.circulant`.
    """
    c = value("circulant", c)
    c = lax.reshape(c, (1,)) if not c.aval.ndim else c
    n = c.aval.shape[-1]
    if not n:
        raise ValueError("circulant: at least one number is needed; got none.")
    return _gathered(c, (np.arange(n)[:, None] - np.arange(n)[None, :]) % n)


def companion(a: Any) -> Array:
    """The matrix whose characteristic polynomial has coefficients a, the highest power first.

    Raises: ValueError for fewer than two coefficients. Grad: yes. Source: SciPy `linalg.companion`.
    """
    (a,) = promote_inexact(value("companion", a))
    n = a.aval.shape[-1] if a.aval.ndim else 0
    if n < 2:
        raise ValueError(
            f"companion: at least two coefficients are needed; got {a.aval.str_short()}."
        )
    axis = a.aval.ndim - 1
    first, rest = lax.slice_in_dim(a, 0, 1, axis=axis), lax.slice_in_dim(a, 1, n, axis=axis)
    row = lax.neg(lax.div(*broadcast("companion", [rest, first])))
    row = lax.expand_dims(row, (axis,))
    below = _known(np.eye(n - 2, n - 1), a.dtype)
    lead = a.aval.shape[:-1]
    below = lax.broadcast_in_dim(below, (*lead, n - 2, n - 1), (len(lead), len(lead) + 1))
    return lax.concatenate([row, below], axis)


def fiedler(a: Any) -> Array:
    """|a_i - a_j| for all i and j.

    Grad: yes. Source: SciPy `linalg.fiedler`.
    """
    a = value("fiedler", a)
    n = a.aval.ndim
    left, right = lax.expand_dims(a, (n,)), lax.expand_dims(a, (n - 1,))
    return lax.abs(lax.sub(*broadcast("fiedler", [left, right])))


def fiedler_companion(a: Any) -> Array:
    """A pentadiagonal matrix whose characteristic polynomial has coefficients a, the highest power first.

    Raises: ValueError unless a is a vector. Grad: yes. Source: SciPy `linalg.fiedler_companion`; Fiedler 2003.
    """
    (a,) = promote_inexact(value("fiedler_companion", a))
    if a.aval.ndim != 1:
        raise ValueError(f"fiedler_companion: a vector is needed; got {a.aval.str_short()}.")
    n = a.aval.shape[0] - 1
    if n < 1:
        return core.full((0,), 0, a.dtype)
    c = lax.neg(lax.div(*broadcast("fiedler_companion", [a, lax.slice(a, (0,), (1,))])))
    chosen = np.zeros((n, n, n + 1))
    ones = np.zeros((n, n))
    chosen[0, 0, 1] = 1
    for k in range(2, n + 1):
        row = k - 2 if k % 2 == 0 else k - 1
        column = k - 1 if k % 2 == 0 else k - 2
        chosen[row, column, k] = 1
    if n > 1:
        ones[1, 0] = 1
    for i in range(n - 2):
        ones[(i, i + 2) if i % 2 == 0 else (i + 2, i)] = 1
    return lax.add(
        lax.dot_general(_known(chosen, a.dtype), c, (((2,), (0,)), ((), ()))), _known(ones, a.dtype)
    )


def convolution_matrix(a: Any, n: int, mode: str = "full") -> Array:
    """The matrix whose product with a vector of n numbers is the convolution of a with it.

    Raises: ValueError for another mode, n < 1, or no numbers. Grad: linear. Source: SciPy `linalg.convolution_matrix`.
    """
    a = value("convolution_matrix", a)
    n = _size("convolution_matrix", n)
    if mode not in ("full", "same", "valid"):
        raise ValueError(
            f"convolution_matrix: mode must be 'full', 'same' or 'valid'; got {mode!r}."
        )
    m = a.aval.shape[-1] if a.aval.ndim else 0
    if not m:
        raise ValueError(
            f"convolution_matrix: a needs at least one number; got {a.aval.str_short()}."
        )
    axis = a.aval.ndim - 1
    zeros = [(0, 0, 0)] * axis
    column = lax.pad(a, number(a, 0), [*zeros, (0, n - 1, 0)])
    row = core.full((*a.aval.shape[:-1], n), 0, a.dtype)
    first = lax.slice_in_dim(a, 0, 1, axis=axis)
    row = lax.concatenate([first, lax.slice_in_dim(row, 1, n, axis=axis)], axis)
    full = toeplitz(column, row)
    rows = m + n - 1
    if mode == "same":
        start, size = (min(m, n) - 1) // 2, max(m, n)
    elif mode == "valid":
        start, size = min(m, n) - 1, max(m, n) - min(m, n) + 1
    else:
        start, size = 0, rows
    return lax.slice_in_dim(full, start, start + size, axis=axis)


# ---- of a size ----


def dft(n: int, scale: str | None = None, *, dtype: Any = None) -> Array:
    """The matrix of the discrete Fourier transform; `scale` "sqrtn" or "n" divides by that.

    Raises: ValueError for another scale. Source: SciPy `linalg.dft`.
    """
    if scale not in (None, "sqrtn", "n"):
        raise ValueError(f"dft: scale must be None, 'sqrtn', or 'n'; got {scale!r}.")
    n = operator.index(n)
    out = np.exp(-2j * np.pi * (np.outer(np.arange(n), np.arange(n)) % max(n, 1)) / max(n, 1))
    out = out / {None: 1, "sqrtn": math.sqrt(n), "n": n}[scale]
    return _known(
        out, dtypes.default_dtype(complex) if dtype is None else dtypes.canonicalize_dtype(dtype)
    )


def hadamard(n: int, dtype: Any = int) -> Array:
    """A matrix of 1 and -1 with orthogonal rows (Sylvester's).

    Raises: ValueError unless n is a power of 2. Source: SciPy `linalg.hadamard`.
    """
    n = operator.index(n)
    if n < 1 or n & (n - 1):
        raise ValueError(f"hadamard: n must be a positive power of 2; got {n}.")
    out = np.array([[1]])
    while out.shape[0] < n:
        out = np.block([[out, out], [out, -out]])
    return _known(out, dtypes.canonicalize_dtype(dtype))


def helmert(n: int, full: bool = False) -> Array:
    """An orthogonal matrix of contrasts; without its first row of equal numbers unless `full`.

    Raises: ValueError for n < 1. Source: SciPy `linalg.helmert`.
    """
    n = _size("helmert", n)
    out = np.tril(np.ones((n, n)), -1) - np.diag(np.arange(n))
    out[0] += 1
    sizes = np.arange(n) * np.arange(1, n + 1)
    sizes[0] = n
    out = out / np.sqrt(sizes)[:, None]
    return _known(out if full else out[1:])


def hilbert(n: int) -> Array:
    """1 / (i + j + 1).

    Raises: ValueError for n < 1. Source: SciPy `linalg.hilbert`.
    """
    n = _size("hilbert", n)
    return _known(1 / (np.arange(n)[:, None] + np.arange(n)[None, :] + 1.0))


def invhilbert(n: int) -> Array:
    """The inverse of `hilbert(n)`, whose elements are integers.

    Raises: ValueError for n < 1. Source: SciPy `linalg.invhilbert`.
    """
    n = _size("invhilbert", n)
    out = [
        [
            (-1) ** (i + j)
            * (i + j + 1)
            * math.comb(n + i, n - j - 1)
            * math.comb(n + j, n - i - 1)
            * math.comb(i + j, i) ** 2
            for j in range(n)
        ]
        for i in range(n)
    ]
    return _known(np.array(out, dtype=float))


_KINDS = ("symmetric", "lower", "upper")


def _kind(op: str, kind: Any) -> str:
    kind = "symmetric" if kind is None else kind
    if kind not in _KINDS:
        raise ValueError(f"{op}: kind must be 'symmetric', 'lower', or 'upper'; got {kind!r}.")
    return kind


def pascal(n: int, kind: str | None = None) -> Array:
    """The matrix of binomial coefficients: symmetric, or its lower or upper triangular factor.

    Raises: ValueError for n < 1 or another kind. Source: SciPy `linalg.pascal`.
    """
    n, kind = _size("pascal", n), _kind("pascal", kind)
    lower = np.array([[math.comb(i, j) for j in range(n)] for i in range(n)], dtype=object)
    out = {"symmetric": lower.dot(lower.T), "lower": lower, "upper": lower.T}[kind]
    return _known(out.astype(float))


def invpascal(n: int, kind: str | None = None) -> Array:
    """The inverse of `pascal(n, kind)`.

    Raises: ValueError for n < 1 or another kind. Source: SciPy `linalg.invpascal`.
    """
    n, kind = _size("invpascal", n), _kind("invpascal", kind)
    lower = np.array(
        [[(-1) ** (i + j) * math.comb(i, j) for j in range(n)] for i in range(n)], dtype=object
    )
    out = {"symmetric": lower.T.dot(lower), "lower": lower, "upper": lower.T}[kind]
    return _known(out.astype(float))


def leslie(f: Any, s: Any) -> Array:
    """The population matrix with fecundities f in its first row and survival rates s below the diagonal.

    Raises: ValueError unless f has one number more than s. Grad: linear. Source: SciPy `linalg.leslie`.
    """
    f, s = promote_dtypes(*_values("leslie", f, s))
    n = f.aval.shape[-1] if f.aval.ndim else 0
    if not s.aval.ndim or n != s.aval.shape[-1] + 1 or n < 2:
        raise ValueError(
            f"leslie: f must have one number more than s, and s at least one; got {f.aval.shape} and {s.aval.shape}."
        )
    lead = np.broadcast_shapes(f.aval.shape[:-1], s.aval.shape[:-1])
    f, s = _leading(f, lead), _leading(s, lead)
    k = len(lead)
    shape = (*lead, n - 1, n)
    mask = _known(np.eye(n - 1, n), f.dtype)
    below = lax.mul(
        lax.broadcast_in_dim(s, shape, tuple(range(k + 1))),
        lax.broadcast_in_dim(mask, shape, (k, k + 1)),
    )
    return lax.concatenate([lax.expand_dims(f, (k,)), below], k)


__all__ = [
    "block_diag",
    "circulant",
    "companion",
    "convolution_matrix",
    "dft",
    "fiedler",
    "fiedler_companion",
    "hadamard",
    "hankel",
    "helmert",
    "hilbert",
    "invhilbert",
    "invpascal",
    "leslie",
    "pascal",
    "toeplitz",
]
