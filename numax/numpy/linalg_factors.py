"""Factorisations of matrices, and what follows from singular values: rank, condition, pseudo-inverse."""

from typing import Any, NamedTuple

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.custom_derivatives import custom_jvp
from numax.numpy.linalg_norms import inexact, norm
from numax.numpy.promotion import broadcast, number, promote_inexact, value


class SVDResult(NamedTuple):
    U: Any
    S: Any
    Vh: Any


class EighResult(NamedTuple):
    eigenvalues: Any
    eigenvectors: Any


class EigResult(NamedTuple):
    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    Q: Any
    R: Any


def real_dtype(dtype: Any) -> Any:
    return dtypes.finfo(dtype).dtype if dtypes.is_complex(dtype) else dtype


def square(op: str, x: Any) -> Any:
    """The argument as square matrices of floats or complex numbers."""
    x = inexact(op, x)
    shape = x.aval.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise np.linalg.LinAlgError(
            f"{op}: Argument to {op} must have shape [..., n, n], got {shape}. Pass square matrices."
        )
    return x


def wide(x: Any) -> Any:
    """Half precision as float32: LAPACK has none."""
    narrow = dtypes.is_float(x.dtype) and x.dtype.itemsize < 4
    return core.convert(x, dtypes.float32) if narrow else x


def swap(x: Any) -> Any:
    n = x.aval.ndim
    return lax.transpose(x, (*range(n - 2), n - 1, n - 2))


def adjoint(x: Any) -> Any:
    x = swap(x)
    return lax.conj(x) if dtypes.is_complex(x.dtype) else x


def product(x: Any, y: Any) -> Any:
    """The matrix product over equal batch axes."""
    n = x.aval.ndim
    batch = tuple(range(n - 2))
    return lax.dot_general(x, y, (((n - 1,), (n - 2,)), (batch, batch)), lax.Precision.HIGHEST)


def eye(n: int, like: Any) -> Any:
    """Identity matrices with the batch axes and dtype of `like`."""
    row = lax.broadcasted_iota(dtypes.int32, (n, n), 0)
    one = core.convert(lax.eq(row, lax.broadcasted_iota(dtypes.int32, (n, n), 1)), like.dtype)
    lead = like.aval.shape[:-2]
    k = len(lead)
    return lax.broadcast_in_dim(one, (*lead, n, n), (k, k + 1))


def columns(x: Any, values: Any) -> Any:
    """Each column of matrices times a number."""
    n = x.aval.ndim
    places = (*range(n - 2), n - 1)
    return lax.mul(x, lax.broadcast_in_dim(core.convert(values, x.dtype), x.aval.shape, places))


# ---- Cholesky, QR ----


def cholesky(a: Any, *, upper: bool = False, symmetrize_input: bool = True) -> Array:
    """The lower triangular L with L L^H = a, or its adjoint, for Hermitian positive definite a; nan if it is not.

    Args: symmetrize_input takes (a + a^H) / 2. Raises: ValueError unless square. Grad: yes.
    Source: NumPy `linalg.cholesky`, which raises where this gives nan.
    """
    x = square("cholesky", a)
    out = lax.linalg.cholesky(wide(x), symmetrize_input=symmetrize_input)
    out = core.convert(out, x.dtype)
    return adjoint(out) if upper else out


_QR_MODES = ("reduced", "complete", "full", "r", "raw")


def qr(a: Any, mode: str = "reduced") -> Any:
    """QR factorisation: a = Q R, R upper triangular; R alone for "r"; the reflections and their factors for "raw".

    Shapes: Q (B..., M, K), R (B..., K, N), K = min(M, N), or M for "complete". Raises: ValueError for other modes.
    Grad: for "reduced" and "r", where the columns are independent. Source: NumPy `linalg.qr`.
    """
    if mode not in _QR_MODES:
        raise ValueError(
            f"qr: Unsupported QR decomposition mode {mode!r}. Use one of {', '.join(_QR_MODES)}."
        )
    x = inexact("qr", a)
    if mode == "raw":
        return QRResult(*_raw_qr(x))
    q, r = lax.linalg.qr(x, full_matrices=mode in ("complete", "full"))
    return r if mode == "r" else QRResult(q, r)


def _raw_qr(x: Any) -> tuple[Any, Any]:
    """LAPACK's form, transposed as NumPy's: R above the diagonal, reflections below, and their factors.

    I - Q = Y U is a LU factorisation without exchanges, Y the reflections, U's diagonal their factors (Ballard et al.
    2014, "Reconstructing Householder vectors from tall-skinny QR").
    """
    q, r = lax.linalg.qr(x, full_matrices=True)
    m, n = x.aval.shape[-2:]
    k = min(m, n)
    lead = x.aval.ndim - 2
    rest = lax.slice_in_dim(lax.sub(eye(m, q), q), 0, k, axis=lead + 1)
    rows = lax.broadcasted_iota(dtypes.int32, rest.aval.shape, lead)
    steps = []
    factors = []
    for j in range(k):
        pivot = lax.slice_in_dim(
            lax.slice_in_dim(rest, j, j + 1, axis=lead), j, j + 1, axis=lead + 1
        )
        factors.append(pivot)
        column = lax.slice_in_dim(rest, j, j + 1, axis=lead + 1)
        safe = lax.select_n(
            lax.eq(pivot, number(pivot, 0)), pivot, core.full(pivot.aval.shape, 1, pivot.dtype)
        )
        column = lax.div(*broadcast("qr", [column, safe]))
        below = lax.gt(lax.slice_in_dim(rows, j, j + 1, axis=lead + 1), number(rows, j))
        column = lax.select_n(below, core.full(column.aval.shape, 0, column.dtype), column)
        steps.append(column)
        row = lax.slice_in_dim(rest, j, j + 1, axis=lead)
        rest = lax.sub(rest, lax.mul(*broadcast("qr", [column, row])))
    if not k:
        return swap(r), core.full((*x.aval.shape[:-2], 0), 0, x.dtype)
    reflections = lax.concatenate(steps, lead + 1)
    if n > k:
        pads = [(0, 0, 0)] * (lead + 1) + [(0, n - k, 0)]
        reflections = lax.pad(reflections, number(reflections, 0), pads)
    taus = lax.squeeze(lax.concatenate(factors, lead + 1), (lead,))
    return swap(lax.add(r, reflections)), taus


# ---- singular values ----


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    hermitian: bool = False,
    subset_by_index: tuple[int, int] | None = None,
) -> Any:
    """Singular value decomposition: a = U diag(S) Vh; S alone without compute_uv.

    Shapes: U (B..., M, M), S (B..., K), Vh (B..., N, N), K = min(M, N), which U and Vh have too without full_matrices.
    Args: hermitian: by eigenvalues; subset_by_index (low, high): which of S.
    Grad: of S; of all without full_matrices, where the singular values differ. Source: NumPy `linalg.svd`.
    """
    x = inexact("svd", a)
    if hermitian:
        return _hermitian_svd(square("svd", x), compute_uv, subset_by_index)
    out = lax.linalg.svd(
        x, full_matrices=full_matrices, compute_uv=compute_uv, subset_by_index=subset_by_index
    )
    return SVDResult(*out) if compute_uv else out


def _hermitian_svd(x: Any, compute_uv: bool, subset: Any) -> Any:
    """|eigenvalues| in falling order; their signs go to Vh."""
    v, w = lax.linalg.eigh(x)
    sizes = lax.abs(w)
    last = w.aval.ndim - 1
    n = w.aval.shape[-1]
    low, high = (0, n) if subset is None else subset
    places = lax.broadcasted_iota(dtypes.int32, w.aval.shape, last)
    falling, order = lax.sort([lax.neg(sizes), places], dimension=last, num_keys=1)
    s = lax.slice_in_dim(lax.neg(falling), low, high, axis=last)
    if not compute_uv:
        return s
    # The permutation as a product with 0 and 1: differentiable, and batched.
    shape = (*w.aval.shape, n)
    chosen = lax.eq(
        lax.broadcasted_iota(dtypes.int32, shape, last),
        lax.broadcast_in_dim(order, shape, (*range(last), last + 1)),
    )
    chosen = core.convert(chosen, v.dtype)
    u = lax.slice_in_dim(product(v, chosen), low, high, axis=last + 1)
    negative = lax.lt(w, number(w, 0))
    ones = core.full(w.aval.shape, 1, w.dtype)
    signs = lax.select_n(negative, ones, lax.neg(ones))
    right = lax.slice_in_dim(product(columns(v, signs), chosen), low, high, axis=last + 1)
    return SVDResult(u, s, adjoint(right))


def svdvals(x: Any, /) -> Array:
    """Singular values, the largest first.

    Grad: yes. Source: array API `linalg.svdvals`.
    """
    x = inexact("svdvals", x)
    if x.aval.ndim < 2:
        raise np.linalg.LinAlgError(
            f"svdvals: the operand must be a matrix (or a batch of them); got {x.aval.str_short()}."
        )
    return svd(x, compute_uv=False)


def _tolerance(x: Any, s: Any, rtol: Any) -> Any:
    """What is small for singular values: eps max(M, N) of the largest unless given."""
    if rtol is None:
        rtol = number(s, max(x.aval.shape[-2:]) * float(dtypes.finfo(s.dtype).eps))
    else:
        rtol = core.convert(value("rtol", rtol), s.dtype)
    largest = lax.slice_in_dim(s, 0, 1, axis=s.aval.ndim - 1)
    if rtol.aval.ndim:
        rtol = lax.expand_dims(rtol, (rtol.aval.ndim,))
    return lax.mul(*broadcast("rtol", [largest, rtol]))


def matrix_rank(M: Any, rtol: Any = None, *, hermitian: bool = False, tol: Any = None) -> Array:
    """How many singular values are above rtol times the largest (or above `tol`). A vector has rank 0 or 1.

    Raises: ValueError if both tolerances are given. Grad: zero. Source: NumPy `linalg.matrix_rank`.
    """
    if rtol is not None and tol is not None:
        raise ValueError("matrix_rank: only one of tol or rtol may be specified.")
    x = inexact("matrix_rank", M)
    count = dtypes.default_dtype(int)
    if x.aval.ndim < 2:
        found = lax.ne(x, number(x, 0))
        return core.convert(lax.reduce_or(found, tuple(range(x.aval.ndim))), count)
    s = svd(x, full_matrices=False, compute_uv=False, hermitian=hermitian)
    if not s.aval.shape[-1]:
        return core.full(s.aval.shape[:-1], 0, count)
    if tol is None:
        limit = _tolerance(x, s, rtol)
    else:
        limit = core.convert(value("tol", tol), s.dtype)
        limit = lax.expand_dims(limit, (limit.aval.ndim,)) if limit.aval.ndim else limit
    large = lax.gt(*broadcast("matrix_rank", [s, limit]))
    return lax.reduce_sum(core.convert(large, count), (s.aval.ndim - 1,))


def cond(x: Any, p: Any = None) -> Array:
    """The condition number: norm(x) norm(inverse), by singular values for p None, 2, -2.

    Raises: ValueError for less than two axes. Grad: yes. Source: NumPy `linalg.cond`.
    """
    x = inexact("cond", x)
    if x.aval.ndim < 2:
        raise np.linalg.LinAlgError(
            f"cond: input array must be at least 2D; got {x.aval.str_short()}."
        )
    if not x.aval.size:
        raise np.linalg.LinAlgError(f"cond: not defined on empty arrays; got {x.aval.str_short()}.")
    if p not in (None, 2, -2):
        inverse = _inverse(square("cond", x))
        return lax.mul(norm(x, p, axis=(-2, -1)), norm(inverse, p, axis=(-2, -1)))
    s = svdvals(x)
    last = s.aval.ndim - 1
    first = lax.index_in_dim(s, 0, last, keepdims=False)
    final = lax.index_in_dim(s, -1, last, keepdims=False)
    return lax.div(final, first) if p == -2 else lax.div(first, final)


def _inverse(x: Any) -> Any:
    factors, _, permutation = lax.linalg.lu(x)
    return solve_lu(factors, permutation, eye(x.aval.shape[-1], x))


def solve_lu(factors: Any, permutation: Any, b: Any) -> Any:
    """Solve a x = b, given the LU factors of a and the order of its rows."""
    n = b.aval.shape[-2]
    shape = (*permutation.aval.shape, n)
    k = permutation.aval.ndim
    chosen = lax.eq(
        lax.broadcast_in_dim(permutation, shape, tuple(range(k))),
        lax.broadcasted_iota(permutation.dtype, shape, k),
    )
    b = product(core.convert(chosen, b.dtype), b)
    options = {"left_side": True}
    b = lax.linalg.triangular_solve(factors, b, lower=True, unit_diagonal=True, **options)
    return lax.linalg.triangular_solve(factors, b, lower=False, **options)


# ---- pseudo-inverse ----


def pinv(a: Any, rtol: Any = None, hermitian: bool = False, *, rcond: Any = None) -> Array:
    """The Moore-Penrose inverse; singular values up to rtol times the largest count as 0.

    Default rtol: 10 max(M, N) eps. Raises: ValueError if both rtol and rcond are given.
    Grad: where the rank stays (Golub & Pereyra 1973). Source: NumPy `linalg.pinv`.
    """
    if rcond is not None:
        if rtol is not None:
            raise ValueError("pinv: only one of rtol and rcond may be specified.")
        rtol = rcond
    x = inexact("pinv", a)
    if x.aval.ndim < 2:
        raise ValueError(f"pinv: the argument must be a matrix; got {x.aval.str_short()}.")
    if rtol is None:
        part = real_dtype(x.dtype)
        rtol = 10 * max(x.aval.shape[-2:]) * float(dtypes.finfo(part).eps)
    rtol = core.convert(value("pinv", rtol), real_dtype(x.dtype))
    if 0 in x.aval.shape[-2:]:
        *lead, m, n = x.aval.shape
        return core.full((*lead, n, m), 0, x.dtype)
    return _pinv(x, rtol, bool(hermitian))


def _pinv_value(x: Any, rtol: Any, hermitian: bool) -> Any:
    u, s, vh = svd(x, full_matrices=False, hermitian=hermitian)
    small = lax.le(*broadcast("pinv", [s, _tolerance(x, s, rtol)]))
    one = core.full(s.aval.shape, 1, s.dtype)
    inverse = lax.select_n(small, lax.div(one, lax.select_n(small, s, one)), lax.sub(one, one))
    return product(columns(adjoint(vh), inverse), adjoint(u))


_pinv = custom_jvp(_pinv_value, nondiff_argnums=(2,))


@_pinv.defjvp
def _pinv_jvp(hermitian: bool, primals: Any, tangents: Any) -> Any:
    """dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P."""
    a, rtol = primals
    t, _ = tangents
    p = _pinv(a, rtol, hermitian)
    m, n = a.aval.shape[-2:]
    th, ph = adjoint(t), adjoint(p)
    left = lax.sub(eye(m, a), product(a, p))
    right = lax.sub(eye(n, a), product(p, a))
    out = lax.neg(product(product(p, t), p))
    out = lax.add(out, product(product(p, product(ph, th)), left))
    out = lax.add(out, product(right, product(th, product(ph, p))))
    return p, out


# ---- eigenvalues ----


def _triangle(op: str, UPLO: Any) -> bool:
    if UPLO not in (None, "L", "U"):
        raise ValueError(f"{op}: UPLO must be one of None, 'L', or 'U', got {UPLO}.")
    return UPLO != "U"


def eigh(a: Any, UPLO: str | None = None, symmetrize_input: bool = True) -> Any:
    """Eigenvalues, the smallest first, and eigenvectors (columns) of Hermitian matrices.

    Args: UPLO the triangle that is read without symmetrize_input. Raises: ValueError unless square.
    Grad: where the eigenvalues differ. Source: NumPy `linalg.eigh`.
    """
    lower = _triangle("eigh", UPLO)
    v, w = lax.linalg.eigh(square("eigh", a), lower=lower, symmetrize_input=symmetrize_input)
    return EighResult(w, v)


def eigvalsh(a: Any, UPLO: str | None = "L", *, symmetrize_input: bool = True) -> Array:
    """Eigenvalues of Hermitian matrices, the smallest first.

    Raises: ValueError unless square. Grad: yes. Source: NumPy `linalg.eigvalsh`.
    """
    return eigh(square("eigvalsh", a), UPLO, symmetrize_input).eigenvalues


def eig(a: Any) -> Any:
    """Eigenvalues and right eigenvectors (columns, of unit length) of square matrices, always complex.

    Raises: ValueError unless square. Grad: of the eigenvalues. Source: NumPy `linalg.eig`.
    """
    w, v = lax.linalg.eig(square("eig", a), compute_left_eigenvectors=False)
    return EigResult(w, v)


def eigvals(a: Any) -> Array:
    """Eigenvalues of square matrices, always complex.

    Raises: ValueError unless square. Grad: yes. Source: NumPy `linalg.eigvals`.
    """
    return lax.linalg.eig(
        square("eigvals", a), compute_left_eigenvectors=False, compute_right_eigenvectors=False
    )[0]


# ---- least squares ----


def lstsq(a: Any, b: Any, rcond: Any = None, *, numpy_resid: bool = False) -> tuple[Any, ...]:
    """The shortest x that minimises |a x - b|, the squared residuals, the rank of a, its singular values.

    Args: rcond singular values up to rcond times the largest count as 0; numpy_resid: NumPy's empty residuals where the
    rank is less than N or M <= N (needs known numbers). Raises: ValueError if sizes do not fit, or for batches.
    Grad: of x and residuals, where singular values differ. Source: NumPy `linalg.lstsq`.
    """
    a, b = promote_inexact(value("lstsq", a), value("lstsq", b, 1))
    vector = b.aval.ndim == 1
    b = lax.expand_dims(b, (1,)) if vector else b
    if a.aval.ndim != 2 or b.aval.ndim != 2:
        raise np.linalg.LinAlgError(
            f"lstsq: {a.aval.ndim}-dimensional and {b.aval.ndim}-dimensional arrays given. They must be matrices."
        )
    m, n = a.aval.shape
    if m != b.aval.shape[0]:
        raise ValueError(
            f"lstsq: Leading dimensions of input arrays must match; got {a.aval.str_short()} and {b.aval.str_short()}."
        )
    part = real_dtype(a.dtype)
    count = dtypes.default_dtype(int)
    if 0 in (m, n):
        x = core.full((n, b.aval.shape[1]), 0, a.dtype)
        s, rank = core.full((0,), 0, part), core.full((), 0, count)
    else:
        eps = float(dtypes.finfo(part).eps)
        u, s, vh = svd(a, full_matrices=False)
        limit = eps * max(m, n) if rcond is None else rcond
        limit = core.convert(value("lstsq", limit), part)
        limit = lax.select_n(lax.lt(limit, number(limit, 0)), limit, number(limit, eps))
        large = lax.gt(*broadcast("lstsq", [s, _tolerance(a, s, limit)]))
        rank = lax.reduce_sum(core.convert(large, count), (0,))
        one = core.full(s.aval.shape, 1, s.dtype)
        inverse = lax.select_n(large, lax.sub(one, one), lax.div(one, lax.select_n(large, one, s)))
        x = product(columns(adjoint(vh), inverse), product(adjoint(u), b))
    gaps = lax.sub(product(a, x), b)
    sizes = lax.abs(gaps) if dtypes.is_complex(gaps.dtype) else gaps
    residuals = lax.reduce_sum(lax.square(sizes), (0,))
    if numpy_resid and (m <= n or core.to_index(rank) < n):
        residuals = core.full((0,), 0, part)
    return (lax.squeeze(x, (1,)) if vector else x), residuals, rank, s


__all__ = [
    "EigResult",
    "EighResult",
    "QRResult",
    "SVDResult",
    "cholesky",
    "cond",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "lstsq",
    "matrix_rank",
    "pinv",
    "qr",
    "svd",
    "svdvals",
]
