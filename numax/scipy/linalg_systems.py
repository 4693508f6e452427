"""Factorisations and linear systems in SciPy's form, and functions of matrices."""

import functools
import math
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.linalg_factors import adjoint, eye, inexact, product, solve_lu, square, swap, wide
from numax.numpy.linalg_factors import svd as _svd
from numax.numpy.linalg_norms import norm
from numax.numpy.linalg_solving import det as _det
from numax.numpy.linalg_solving import inv as _inv
from numax.numpy.linalg_solving import solve as _solve
from numax.numpy.promotion import number, promote_inexact, value


def _pair(op: str, a: Any, b: Any) -> list[Any]:
    return promote_inexact(value(op, a), value(op, b, 1))


def _as_columns(op: str, a: Any, b: Any) -> tuple[Any, bool]:
    """b as matrices over a's batch axes, and whether it was vectors."""
    vector = b.aval.ndim == 1 or b.aval.ndim == a.aval.ndim - 1
    b = lax.expand_dims(b, (b.aval.ndim,)) if vector else b
    if b.aval.ndim < 2 or b.aval.shape[-2] != a.aval.shape[-1]:
        raise ValueError(
            f"{op}: incompatible shapes: the rows of b must be those of a; got {a.aval.str_short()} and "
            f"{b.aval.str_short()}."
        )
    lead = np.broadcast_shapes(a.aval.shape[:-2], b.aval.shape[:-2])
    return _spread(b, lead), vector


def _spread(x: Any, lead: tuple[int, ...]) -> Any:
    shape = (*lead, *x.aval.shape[-2:])
    n = x.aval.ndim
    if x.aval.shape == shape:
        return x
    return lax.broadcast_in_dim(x, shape, tuple(range(len(shape) - n, len(shape))))


def _without_column(x: Any, vector: bool) -> Any:
    return lax.squeeze(x, (x.aval.ndim - 1,)) if vector else x


# ---- Cholesky ----


def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Array:
    """The upper (or lower) triangular factor of a Hermitian positive definite matrix; nan if it is not.

    Raises: ValueError unless square. Grad: yes. Source: SciPy `linalg.cholesky`.
    """
    x = square("cholesky", a)
    out = core.convert(lax.linalg.cholesky(wide(x) if lower else wide(adjoint(x))), x.dtype)
    return out if lower else adjoint(out)


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, bool]:
    """`cholesky(a, lower)` and `lower`, for `cho_solve`.

    Grad: yes. Source: SciPy `linalg.cho_factor`.
    """
    return cholesky(a, lower=lower), lower


def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Array:
    """x with a x = b, from the factor of a that `cho_factor` gives.

    Raises: ValueError if shapes do not fit. Grad: yes. Source: SciPy `linalg.cho_solve`.
    """
    factor, lower = c_and_lower
    c, b = _pair("cho_solve", factor, b)
    b, vector = _as_columns("cho_solve", c, b)
    c = _spread(c, b.aval.shape[:-2])
    first = {"transpose_a": not lower, "conjugate_a": not lower}
    last = {"transpose_a": bool(lower), "conjugate_a": bool(lower)}
    y = lax.linalg.triangular_solve(c, b, left_side=True, lower=bool(lower), **first)
    y = lax.linalg.triangular_solve(c, y, left_side=True, lower=bool(lower), **last)
    return _without_column(y, vector)


# ---- LU ----


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, Array]:
    """The LU factors in one matrix, and the exchanges of rows, for `lu_solve`.

    Grad: of the factors. Source: SciPy `linalg.lu_factor`.
    """
    factors, pivots, _ = lax.linalg.lu(inexact("lu_factor", a))
    return factors, pivots


_TRANS = {0: (False, False), 1: (True, False), 2: (True, True)}


def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Array:
    """x with a x = b (trans 0), a^T x = b (1) or a^H x = b (2), from what `lu_factor` gives.

    Raises: ValueError for another trans, or if shapes do not fit. Grad: yes. Source: SciPy `linalg.lu_solve`.
    """
    if trans not in _TRANS:
        raise ValueError(f"lu_solve: 'trans' value must be 0, 1, or 2; got {trans}.")
    factors, pivots = lu_and_piv
    factors, b = _pair("lu_solve", factors, b)
    b, vector = _as_columns("lu_solve", factors, b)
    lead = b.aval.shape[:-2]
    factors = _spread(factors, lead)
    order = lax.linalg.lu_pivots_to_permutation(value("lu_solve", pivots), factors.aval.shape[-1])
    shape = (*lead, order.aval.shape[-1])
    order = lax.broadcast_in_dim(
        order, shape, tuple(range(len(shape) - order.aval.ndim, len(shape)))
    )
    if trans == 0:
        return _without_column(solve_lu(factors, order, b), vector)
    transposed, conjugated = _TRANS[trans]
    options = {"left_side": True, "transpose_a": transposed, "conjugate_a": conjugated}
    x = lax.linalg.triangular_solve(factors, b, lower=False, **options)
    x = lax.linalg.triangular_solve(factors, x, lower=True, unit_diagonal=True, **options)
    return _without_column(product(swap(_permutation(order, x.dtype)), x), vector)


def _permutation(order: Any, dtype: Any) -> Any:
    """The matrix p with (p x)[i] = x[order[i]]."""
    n = order.aval.shape[-1]
    shape = (*order.aval.shape, n)
    k = order.aval.ndim
    rows = lax.broadcast_in_dim(order, shape, tuple(range(k)))
    return core.convert(lax.eq(rows, lax.broadcasted_iota(order.dtype, shape, k)), dtype)


def _triangle(x: Any, lower: bool, unit: bool = False) -> Any:
    """The lower (with a unit diagonal, if asked) or upper triangle."""
    n = x.aval.ndim
    i = lax.broadcasted_iota(dtypes.int32, x.aval.shape, n - 2)
    j = lax.broadcasted_iota(dtypes.int32, x.aval.shape, n - 1)
    zeros = core.full(x.aval.shape, 0, x.dtype)
    if not lower:
        return lax.select_n(lax.le(i, j), zeros, x)
    if not unit:
        return lax.select_n(lax.ge(i, j), zeros, x)
    ones = core.full(x.aval.shape, 1, x.dtype)
    return lax.select_n(lax.gt(i, j), lax.select_n(lax.eq(i, j), zeros, ones), x)


def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, ...]:
    """a = p l u: a permutation, a unit lower triangular and an upper triangular matrix; (p l, u) with permute_l.

    Grad: of l and u. Source: SciPy `linalg.lu`.
    """
    x = inexact("lu", a)
    factors, _, order = lax.linalg.lu(x)
    m, n = x.aval.shape[-2:]
    k = min(m, n)
    axis = x.aval.ndim - 1
    low = _triangle(lax.slice_in_dim(factors, 0, k, axis=axis), True, True)
    up = _triangle(lax.slice_in_dim(factors, 0, k, axis=axis - 1), False)
    part = dtypes.finfo(x.dtype).dtype if dtypes.is_complex(x.dtype) else x.dtype
    p = swap(_permutation(order, part))
    if permute_l:
        return product(core.convert(p, x.dtype), low), up
    return p, low, up


# ---- systems ----


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The determinant, as `numax.numpy.linalg.det`.

    Grad: yes. Source: SciPy `linalg.det`.
    """
    return _det(a)


def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The inverse, as `numax.numpy.linalg.inv`.

    Grad: yes. Source: SciPy `linalg.inv`.
    """
    return _inv(a)


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    debug: bool = False,
    check_finite: bool = True,
    assume_a: str = "gen",
) -> Array:
    """x with a x = b; by Cholesky for assume_a "pos", by LU for "gen", "sym", "her".

    Raises: ValueError for another assume_a, or if shapes do not fit. Grad: yes. Source: SciPy `linalg.solve`.
    """
    if assume_a not in ("gen", "sym", "her", "pos"):
        raise ValueError(
            f"solve: Expected assume_a to be one of gen, sym, her, pos; got {assume_a!r}."
        )
    if assume_a == "pos":
        return cho_solve(cho_factor(a, lower=lower), b)
    return _solve(a, b)


_TRANS_NAMES = {"N": 0, "T": 1, "C": 2}


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    debug: Any = None,
    check_finite: bool = True,
) -> Array:
    """x with op(a) x = b for triangular a; the other triangle is not read. trans 0, 1 (a^T) or 2 (a^H), or "N", "T", "C".

    Raises: ValueError for another trans, or if shapes do not fit. Grad: yes. Source: SciPy `linalg.solve_triangular`.
    """
    kind = _TRANS_NAMES.get(trans, trans)
    if kind not in _TRANS:
        raise ValueError(
            f"solve_triangular: Invalid 'trans' value {trans!r}. Use 0, 1, 2, 'N', 'T' or 'C'."
        )
    a, b = _pair("solve_triangular", a, b)
    b, vector = _as_columns("solve_triangular", a, b)
    transposed, conjugated = _TRANS[kind]
    out = lax.linalg.triangular_solve(
        _spread(a, b.aval.shape[:-2]),
        b,
        left_side=True,
        lower=bool(lower),
        transpose_a=transposed,
        conjugate_a=conjugated,
        unit_diagonal=bool(unit_diagonal),
    )
    return _without_column(out, vector)


# ---- QR, SVD, eigenvalues ----


def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """q and r with a = q r; (r,) alone for mode "r". With pivoting a[:, p] = q r, and p too.

    Raises: ValueError for another mode. Grad: as numpy.linalg.qr. Source: SciPy `linalg.qr`.
    """
    if mode not in ("full", "economic", "r"):
        raise ValueError(
            f"qr: Unsupported QR decomposition mode {mode!r}. Use 'full', 'economic' or 'r'."
        )
    out = lax.linalg.qr(inexact("qr", a), pivoting=pivoting, full_matrices=mode != "economic")
    return tuple(out[1:]) if mode == "r" else tuple(out)


def qr_multiply(
    a: Any,
    c: Any,
    mode: str = "right",
    pivoting: bool = False,
    conjugate: bool = False,
    overwrite_a: bool = False,
    overwrite_c: bool = False,
) -> Any:
    """c q (mode "right") or q c ("left"), and r, where a = q r. conjugate: of q.

    Raises: ValueError for another mode. Grad: as qr. Source: SciPy `linalg.qr_multiply`.
    """
    if mode not in ("left", "right"):
        raise ValueError(f"qr_multiply: mode must be 'left' or 'right'; got {mode!r}.")
    a, c = _pair("qr_multiply", a, c)
    vector = c.aval.ndim == 1
    if vector:
        c = lax.expand_dims(c, (1 if mode == "left" else 0,))
    m, n = a.aval.shape[-2:]
    k = min(m, n)
    q, r, *p = lax.linalg.qr(a, pivoting=pivoting, full_matrices=True)
    q = lax.conj(q) if conjugate and dtypes.is_complex(q.dtype) else q
    axis = a.aval.ndim - 1
    # As SciPy: q is cut to min(M, N) columns, except for q c where c has M rows.
    if mode == "right" or c.aval.shape[-2] != m:
        q = lax.slice_in_dim(q, 0, k, axis=axis)
    out = product(c, q) if mode == "right" else product(q, c)
    if vector:
        out = lax.reshape(out, (out.aval.size,))
    return (out, lax.slice_in_dim(r, 0, k, axis=axis - 1), *p)


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """Singular value decomposition, as `numax.numpy.linalg.svd`, as a plain tuple.

    Grad: yes. Source: SciPy `linalg.svd`.
    """
    out = _svd(a, full_matrices, compute_uv)
    return tuple(out) if compute_uv else out


def eigh(
    a: Any,
    b: Any = None,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    turbo: bool = True,
    eigvals: Any = None,
    type: int = 1,
    check_finite: bool = True,
) -> Any:
    """Eigenvalues, rising, and eigenvectors of a Hermitian matrix; of a v = w b v with positive definite b.

    Args: type 1: a v = w b v, 2: a b v = w v, 3: b a v = w v. Raises: ValueError for another type;
    NotImplementedError for `eigvals`. Grad: where eigenvalues differ. Source: SciPy `linalg.eigh`.
    """
    if eigvals is not None:
        raise NotImplementedError("eigh: `eigvals` is not supported. Slice the results.")
    if type not in (1, 2, 3):
        raise ValueError(f"eigh: type must be 1, 2 or 3; got {type}.")
    x = square("eigh", a)
    if b is None:
        v, w = lax.linalg.eigh(_hermitian(x, lower), symmetrize_input=True)
        return w if eigvals_only else (w, v)
    x, y = promote_inexact(x, square("eigh", b))
    factor = lax.linalg.cholesky(_hermitian(y, lower))
    x = _hermitian(x, lower)
    solve_left = functools.partial(lax.linalg.triangular_solve, left_side=True, lower=True)
    if type == 1:  # L^-1 a L^-H
        half = solve_left(factor, x)
        core_matrix = adjoint(solve_left(factor, adjoint(half)))
    else:  # L^H a L
        core_matrix = product(adjoint(factor), product(x, factor))
    v, w = lax.linalg.eigh(core_matrix, symmetrize_input=True)
    if eigvals_only:
        return w
    if type == 3:
        return w, product(factor, v)
    back = {"transpose_a": True, "conjugate_a": True}
    return w, solve_left(factor, v, **back)


def _hermitian(x: Any, lower: bool) -> Any:
    """A Hermitian matrix from one triangle."""
    part = _triangle(x, lower)
    n = x.aval.ndim
    i = lax.broadcasted_iota(dtypes.int32, x.aval.shape, n - 2)
    j = lax.broadcasted_iota(dtypes.int32, x.aval.shape, n - 1)
    other = adjoint(part)
    return lax.select_n(lax.gt(i, j) if not lower else lax.lt(i, j), part, other)


def eigh_tridiagonal(
    d: Any,
    e: Any,
    *,
    eigvals_only: bool = False,
    select: str = "a",
    select_range: Any = None,
    tol: Any = None,
    key: Any = None,
) -> Any:
    """Eigenvalues, rising, of the symmetric tridiagonal matrix with diagonals d and e; vectors too unless eigvals_only.

    Args: select "a" all, "i" those with indices in select_range, "v" those in an interval (needs known numbers).
    Raises: ValueError for another select. Grad: yes. Source: SciPy `linalg.eigh_tridiagonal`.
    """
    d, e = _pair("eigh_tridiagonal", d, e)
    n = d.aval.shape[-1]
    if d.aval.ndim != 1 or e.aval.shape != (n - 1,):
        raise ValueError(
            f"eigh_tridiagonal: d must be a vector and e one shorter; got {d.aval.shape} and {e.aval.shape}."
        )
    diagonal = _diagonal_matrix(d)
    if n > 1:
        below = lax.pad(_diagonal_matrix(e), number(e, 0), [(1, 0, 0), (0, 1, 0)])
        diagonal = lax.add(diagonal, lax.add(below, adjoint(below)))
    v, w = lax.linalg.eigh(diagonal)
    low, high = 0, n
    if select == "i":
        low, high = int(select_range[0]), int(select_range[1]) + 1
    elif select == "v":
        known = core.to_ndarray(w)
        low = int(np.searchsorted(known, float(select_range[0]), side="right"))
        high = int(np.searchsorted(known, float(select_range[1]), side="right"))
    elif select != "a":
        raise ValueError(
            f"eigh_tridiagonal: 'select must have a value in {{'i', 'v', 'a'}}; got {select!r}."
        )
    w, v = lax.slice_in_dim(w, low, high), lax.slice_in_dim(v, low, high, axis=1)
    return w if eigvals_only else (w, v)


def _diagonal_matrix(x: Any) -> Any:
    n = x.aval.shape[0]
    one = eye(n, core.full((n, n), 0, x.dtype))
    return lax.mul(one, lax.broadcast_in_dim(x, (n, n), (1,)))


def schur(a: Any, output: str = "real") -> tuple[Array, Array]:
    """t and z with a = z t z^H, t (block) upper triangular and z unitary; output "complex" makes t triangular.

    Raises: ValueError for another output. Grad: none. Source: SciPy `linalg.schur`.
    """
    if output not in ("real", "complex"):
        raise ValueError(
            f"schur: Expected 'output' to be either 'real' or 'complex'; got {output!r}."
        )
    x = square("schur", a)
    if output == "complex" and not dtypes.is_complex(x.dtype):
        x = core.convert(x, _complex(x.dtype))
    t, z = lax.linalg.schur(x)
    return t, z


def _complex(dtype: Any) -> Any:
    return dtypes.complex128 if dtype in (dtypes.float64, dtypes.complex128) else dtypes.complex64


def rsf2csf(T: Any, Z: Any, check_finite: bool = True) -> tuple[Array, Array]:
    """The complex Schur form from the real one: T is made triangular by unitary rotations.

    Raises: ValueError unless both are square and alike. Grad: none. Source: SciPy `linalg.rsf2csf`.
    """
    t, z = _pair("rsf2csf", T, Z)
    if t.aval.ndim != 2 or t.aval.shape != z.aval.shape or t.aval.shape[0] != t.aval.shape[1]:
        raise ValueError(
            f"rsf2csf: T and Z must be square and alike; got {t.aval.shape} and {z.aval.shape}."
        )
    t, z = [core.convert(x, _complex(x.dtype)) for x in (t, z)]
    upper, rotation = lax.linalg.schur(t)
    return upper, product(z, rotation)


def hessenberg(
    a: Any, *, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """h, zero below its first subdiagonal, with a = q h q^H; q too if calc_q.

    Raises: ValueError unless square. Grad: none. Source: SciPy `linalg.hessenberg`.
    """
    x = square("hessenberg", a)
    n = x.aval.shape[-1]
    if n < 3:
        return (x, eye(n, x)) if calc_q else x
    packed, taus = lax.linalg.hessenberg(x)
    i = lax.broadcasted_iota(dtypes.int32, x.aval.shape, x.aval.ndim - 2)
    j = lax.broadcasted_iota(dtypes.int32, x.aval.shape, x.aval.ndim - 1)
    zeros = core.full(x.aval.shape, 0, x.dtype)
    h = lax.select_n(lax.le(i, lax.add(j, number(j, 1))), zeros, packed)
    if not calc_q:
        return h
    k = x.aval.ndim - 2
    block = lax.slice_in_dim(lax.slice_in_dim(packed, 1, n, axis=k), 0, n - 1, axis=k + 1)
    q = lax.linalg.householder_product(block, taus)
    pads = [(0, 0, 0)] * k + [(1, 0, 0), (1, 0, 0)]
    corner = np.zeros((n, n))
    corner[0, 0] = 1
    one = core.from_numpy(corner.astype(x.dtype), False)
    return h, lax.add(lax.pad(q, number(q, 0), pads), _spread(one, x.aval.shape[:-2]))


def polar(
    a: Any,
    side: str = "right",
    *,
    method: str = "qdwh",
    eps: Any = None,
    max_iterations: Any = None,
) -> tuple[Array, Array]:
    """u and p with a = u p (side "right") or p u ("left"): u with orthonormal columns or rows, p positive.

    Raises: ValueError for another side or method. Grad: yes. Source: SciPy `linalg.polar`; by singular values.
    """
    if side not in ("right", "left"):
        raise ValueError(f"polar: side must be 'right' or 'left'; got {side!r}.")
    if method not in ("qdwh", "svd"):
        raise ValueError(
            f"polar: Unknown polar decomposition method {method!r}. Use 'qdwh' or 'svd'."
        )
    x = inexact("polar", a)
    w, s, vh = _svd(x, full_matrices=False)
    u = product(w, vh)
    base = vh if side == "right" else adjoint(w)
    n = base.aval.ndim
    scaled = lax.mul(
        base,
        lax.broadcast_in_dim(core.convert(s, base.dtype), base.aval.shape, tuple(range(n - 1))),
    )
    return u, product(adjoint(base), scaled)


# ---- functions of matrices ----

# Coefficients of the diagonal Pade approximants of exp (Higham 2005, "The scaling and squaring method revisited").
_PADE = {
    3: (120, 60, 12, 1),
    5: (30240, 15120, 3360, 420, 30, 1),
    7: (17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1),
    9: (17643225600, 8821612800, 2075673600, 302702400, 30270240, 2162160, 110880, 3960, 90, 1),
    13: (
        64764752532480000,
        32382376266240000,
        7771770303897600,
        1187353796428800,
        129060195264000,
        10559470521600,
        670442572800,
        33522128640,
        1323241920,
        40840800,
        960960,
        16380,
        182,
        1,
    ),
}
_THETA64 = (
    5.371920351148152  # up to this norm the approximant of degree 13 is exact to double precision
)
_THETA32 = 3.925724783138660  # the same for degree 7 and single precision


def _pade(x: Any, degree: int) -> tuple[Any, Any]:
    """Odd and even part of the numerator of the approximant."""
    b = [float(c) / _PADE[degree][0] for c in _PADE[degree]]
    one = eye(x.aval.shape[-1], x)
    square_ = product(x, x)
    power = one
    odd = even = None
    for k in range(0, degree + 1, 2):
        e, o = lax.mul(power, number(x, b[k])), lax.mul(power, number(x, b[k + 1]))
        even = e if even is None else lax.add(even, e)
        odd = o if odd is None else lax.add(odd, o)
        power = product(power, square_) if k + 2 <= degree else power
    return product(x, odd), even


def expm(A: Any, *, upper_triangular: bool = False, max_squarings: int = 16) -> Array:
    """The matrix exponential; nan where more than max_squarings would be needed.

    Raises: ValueError unless square. Grad: yes. Source: SciPy `linalg.expm`; Higham 2005 (scaling and squaring).
    """
    x = square("expm", A)
    y = wide(x)
    double = y.dtype in (dtypes.float64, dtypes.complex128)
    degree, theta = (13, _THETA64) if double else (7, _THETA32)
    size = lax.stop_gradient(norm(y, 1, axis=(-2, -1)))
    ratio = lax.div(size, number(size, theta))
    above = lax.gt(ratio, number(ratio, 1))
    ones = core.full(ratio.aval.shape, 1, ratio.dtype)
    count = lax.ceil(lax.log2(lax.select_n(above, ones, ratio)))
    too_many = lax.bitwise_or(lax.gt(count, number(count, max_squarings)), lax.ne(count, count))
    count = lax.select_n(too_many, count, core.full(count.aval.shape, 0, count.dtype))
    places = tuple(range(count.aval.ndim))
    scale = lax.exp2(lax.neg(count))
    y = lax.mul(y, lax.broadcast_in_dim(core.convert(scale, y.dtype), y.aval.shape, places))
    odd, even = _pade(y, degree)
    top, bottom = lax.add(even, odd), lax.sub(even, odd)
    if upper_triangular:
        r = lax.linalg.triangular_solve(bottom, top, left_side=True, lower=False)
    else:
        r = _solve(bottom, top)

    for i in range(max_squarings):
        again = lax.gt(count, number(count, i))
        mask = lax.broadcast_in_dim(again, r.aval.shape, places)
        if core.is_concrete(again) and not core.to_ndarray(again).any():
            break
        r = lax.select_n(mask, r, product(r, r))
    bad = lax.broadcast_in_dim(too_many, r.aval.shape, places)
    r = lax.select_n(bad, r, core.full(r.aval.shape, math.nan, r.dtype))
    return core.convert(r, x.dtype)


def expm_frechet(A: Any, E: Any, *, method: str | None = None, compute_expm: bool = True) -> Any:
    """exp(A) and its derivative in direction E; the derivative alone without compute_expm.

    Raises: ValueError unless both are square and alike. Grad: yes.
    Source: SciPy `linalg.expm_frechet`; Mathias 1996: both stand in the exponential of [[A, E], [0, A]].
    """
    a, e = _pair("expm_frechet", A, E)
    n = a.aval.shape[-1]
    if a.aval.ndim != 2 or a.aval.shape != e.aval.shape or a.aval.shape[0] != n:
        raise ValueError(
            f"expm_frechet: A and E must be square and alike; got {a.aval.shape} and {e.aval.shape}."
        )
    if method not in (None, "SPS", "blockEnlarge"):
        raise ValueError(
            f"expm_frechet: Unknown method {method!r}. Use None, 'SPS' or 'blockEnlarge'."
        )
    zero = core.full((n, n), 0, a.dtype)
    both = lax.concatenate([lax.concatenate([a, e], 1), lax.concatenate([zero, a], 1)], 0)
    big = expm(both)
    derivative = lax.slice(big, (0, n), (n, 2 * n))
    return (lax.slice(big, (0, 0), (n, n)), derivative) if compute_expm else derivative


def _triangular_function(t: Any, diagonal: Any) -> Any:
    """f(t) for upper triangular t, given f of its diagonal, by Parlett's recurrence, a diagonal at a time."""
    n = t.aval.shape[0]
    row: list[list[Any]] = [[None] * n for _ in range(n)]

    def at(x: Any, i: int, j: int) -> Any:
        return lax.reshape(lax.slice(x, (i, j), (i + 1, j + 1)), ())

    parts = [[at(t, i, j) for j in range(n)] for i in range(n)]
    for i in range(n):
        row[i][i] = lax.reshape(lax.slice(diagonal, (i,), (i + 1,)), ())
    for p in range(1, n):
        for i in range(n - p):
            j = i + p
            total = lax.mul(parts[i][j], lax.sub(row[j][j], row[i][i]))
            for k in range(i + 1, j):
                total = lax.add(
                    total, lax.sub(lax.mul(parts[i][k], row[k][j]), lax.mul(row[i][k], parts[k][j]))
                )
            gap = lax.sub(parts[j][j], parts[i][i])
            same = lax.eq(gap, number(gap, 0))
            row[i][j] = lax.div(total, lax.select_n(same, gap, number(gap, 1)))
    zero = number(t, 0)
    flat = [row[i][j] if j >= i else zero for i in range(n) for j in range(n)]
    return lax.reshape(lax.concatenate([lax.reshape(x, (1,)) for x in flat], 0), (n, n))


def funm(A: Any, func: Any, disp: bool = True) -> Any:
    """A function of a matrix, by its Schur form; with disp False an estimate of the error too.

    Raises: ValueError unless square. Grad: none. Source: SciPy `linalg.funm`; Golub & Van Loan, algorithm 9.1.1.
    """
    x = square("funm", A)
    if x.aval.ndim != 2:
        raise ValueError(f"funm: one matrix is needed; got {x.aval.str_short()}.")
    is_complex = dtypes.is_complex(x.dtype)
    t, z = lax.linalg.schur(core.convert(x, _complex(x.dtype)))
    n = x.aval.shape[0]
    diagonal = lax.slice(lax.reshape(t, (n * n,)), (0,), (n * n,), (n + 1,))
    values = core.convert(value("funm", func(diagonal)), t.dtype)
    out = product(product(z, _triangular_function(t, values)), adjoint(z))
    if not is_complex and core.is_concrete(out):
        numbers = core.to_ndarray(out)
        limit = 1e3 * float(dtypes.finfo(x.dtype).eps)
        if np.allclose(numbers.imag, 0, atol=limit * max(1, np.abs(numbers).max(initial=0))):
            out = lax.real(out)
    if disp:
        return out
    gaps = lax.abs(lax.sub(diagonal, lax.rev(diagonal, (0,))))
    small = lax.reduce_min(gaps, (0,))
    error = lax.mul(number(small, n * float(dtypes.finfo(x.dtype).eps)), norm(t, 1))
    positive = lax.select_n(lax.eq(small, number(small, 0)), small, number(small, 1))
    return out, lax.min(lax.div(error, positive), number(error, 1))


def sqrtm(A: Any, blocksize: int = 1) -> Array:
    """The principal square root of a matrix, complex.

    Raises: NotImplementedError for a blocksize above 1; ValueError unless square. Grad: none.
    Source: SciPy `linalg.sqrtm`; Bjorck & Hammarling 1983, by the Schur form.
    """
    if blocksize > 1:
        raise NotImplementedError("sqrtm: blocked version is not implemented. Use blocksize=1.")
    x = square("sqrtm", A)
    n = x.aval.shape[-1]
    if x.aval.ndim != 2:
        raise ValueError(f"sqrtm: one matrix is needed; got {x.aval.str_short()}.")
    t, z = lax.linalg.schur(core.convert(x, _complex(x.dtype)))
    roots = lax.sqrt(lax.slice(lax.reshape(t, (n * n,)), (0,), (n * n,), (n + 1,)))
    # Column j of u, from u_ii u_ij + sum + u_ij u_jj = t_ij: a triangular system with u_jj added to its diagonal.
    places = lax.iota(dtypes.int32, n)

    def column(j: Any, u: Any) -> Any:
        own = lax.dynamic_index_in_dim(roots, j, 0, keepdims=False)
        rhs = lax.dynamic_index_in_dim(t, j, 1, keepdims=True)
        above = lax.lt(places, j)
        zeros = core.full((n, 1), 0, t.dtype)
        rhs = lax.select_n(lax.reshape(above, (n, 1)), zeros, rhs)
        inside = lax.bitwise_and(
            lax.broadcast_in_dim(above, (n, n), (0,)), lax.broadcast_in_dim(above, (n, n), (1,))
        )
        one = eye(n, u)
        system = lax.add(u, lax.mul(one, lax.broadcast_in_dim(own, (n, n), ())))
        system = lax.select_n(inside, one, system)
        x = lax.linalg.triangular_solve(system, rhs, left_side=True, lower=False)
        kept = lax.dynamic_index_in_dim(u, j, 1, keepdims=True)
        found = lax.select_n(lax.reshape(above, (n, 1)), kept, x)
        return lax.dynamic_update_slice_in_dim(u, found, j, 1)

    start = lax.mul(eye(n, t), lax.broadcast_in_dim(roots, (n, n), (1,)))
    u = lax.fori_loop(1, n, column, start) if n > 1 else start
    return product(product(z, u), adjoint(z))


def solve_sylvester(A: Any, B: Any, C: Any, *, method: str = "schur", tol: float = 1e-08) -> Array:
    """x with A x + x B = C.

    Args: method "schur" (Bartels & Stewart 1972) or "eigen". Raises: ValueError for another method, or if shapes do
    not fit. Grad: none for "schur". Source: SciPy `linalg.solve_sylvester`.
    """
    a, b, c = promote_inexact(
        square("solve_sylvester", A), square("solve_sylvester", B), value("solve_sylvester", C, 2)
    )
    m, n = a.aval.shape[-1], b.aval.shape[-1]
    if c.aval.shape != (m, n) or a.aval.ndim != 2 or b.aval.ndim != 2:
        raise ValueError(
            f"solve_sylvester: C must have A's rows and B's columns; got {a.aval.shape}, {b.aval.shape}, {c.aval.shape}."
        )
    if method not in ("schur", "eigen"):
        raise ValueError(
            f"solve_sylvester: Unrecognized method {method!r}. The two valid methods are 'schur' or 'eigen'."
        )
    real = not dtypes.is_complex(c.dtype)
    a, b, c = [core.convert(x, _complex(x.dtype)) for x in (a, b, c)]
    if method == "eigen":
        wa, va = lax.linalg.eig(a, compute_left_eigenvectors=False)
        wb, vb = lax.linalg.eig(b, compute_left_eigenvectors=False)
        f = product(_solve(va, c), vb)
        sums = lax.add(
            lax.broadcast_in_dim(wa, (m, n), (0,)), lax.broadcast_in_dim(wb, (m, n), (1,))
        )
        x = product(va, lax.div(f, sums))
        x = swap(_solve(swap(vb), swap(x)))
    else:
        ta, za = lax.linalg.schur(a)
        tb, zb = lax.linalg.schur(b)
        f = product(product(adjoint(za), c), zb)
        one = eye(m, a)

        def column(
            k: Any, y: Any
        ) -> Any:  # (ta + tb_kk) y_k = f_k - sum of y_j tb_jk, j < k: later columns are 0
            known = lax.dynamic_index_in_dim(tb, k, 1, keepdims=True)
            rhs = lax.sub(lax.dynamic_index_in_dim(f, k, 1, keepdims=True), product(y, known))
            own = lax.dynamic_index_in_dim(lax.reshape(known, (n,)), k, 0, keepdims=False)
            system = lax.add(ta, lax.mul(one, lax.broadcast_in_dim(own, (m, m), ())))
            found = lax.linalg.triangular_solve(system, rhs, left_side=True, lower=False)
            return lax.dynamic_update_slice_in_dim(y, found, k, 1)

        y = lax.fori_loop(0, n, column, core.full((m, n), 0, f.dtype))
        x = product(product(za, y), adjoint(zb))
    return lax.real(x) if real else x


__all__ = [
    "cho_factor",
    "cho_solve",
    "cholesky",
    "det",
    "eigh",
    "eigh_tridiagonal",
    "expm",
    "expm_frechet",
    "funm",
    "hessenberg",
    "inv",
    "lu",
    "lu_factor",
    "lu_solve",
    "polar",
    "qr",
    "qr_multiply",
    "rsf2csf",
    "schur",
    "solve",
    "solve_sylvester",
    "solve_triangular",
    "sqrtm",
    "svd",
]
