"""Eigenvalues and eigenvectors: eigh, eig, schur.

Derivatives: M. Giles, "Collected matrix derivative results" (2008). Where eigenvalues coincide, the derivatives of the
values hold, and those of single vectors do not exist (inf, nan).
"""

import enum
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, not_differentiable, not_linear, on_device
from numax._engine.ops.arithmetic import abs as absolute
from numax._engine.ops.arithmetic import div
from numax._engine.ops.basis import (
    add,
    broadcast_in_dim,
    constant_like,
    convert,
    mul,
    neg,
    reduce_sum,
    select_n,
    sub,
)
from numax._engine.ops.compare import eq
from numax._engine.ops.complex import complex, conj, imag, real
from numax._engine.ops.linalg_lu import solve_by_lu
from numax._engine.ops.linalg_solve import symmetrized
from numax._engine.ops.matrices import (
    adjoint,
    batch_leading,
    by_kind,
    char,
    check_matrix,
    diagonal,
    each_matrix,
    eye_like,
    lapack,
    lower_eye,
    lower_triangle,
    matrix,
    nan_if_failed,
    part_dtype,
    product,
    real_part,
    whole_dtype,
)
from numax._engine.ops.reduce import reduce_max
from numax._engine.ops.shape import pad
from numax._engine.stablehlo import hlo


class EighImplementation(enum.Enum):
    """Algorithms for eigh. numax uses the platform's own, whichever is named."""

    QR = "qr"
    JACOBI = "jacobi"
    QDWH = "qdwh"


class EigImplementation(enum.Enum):
    """Libraries for eig. On CPUs it is LAPACK, whichever is named."""

    CUSOLVER = "cusolver"
    MAGMA = "magma"
    LAPACK = "lapack"


def checked_subset(op: str, subset: Any, count: int) -> tuple[int, int] | None:
    if subset is None:
        return None
    low, high = (int(i) for i in subset)
    if not 0 <= low < high <= count:
        raise ValueError(
            f"{op}: subset_by_index must be (low, high) within 0..{count}; got {subset}."
        )
    return None if (low, high) == (0, count) else (low, high)


def chosen_columns(x: Any, place: int, low: int, high: int) -> Any:
    """x[low:high] along an axis."""
    config = [(0, 0, 0)] * x.aval.ndim
    config[place] = (-low, high - x.aval.shape[place], 0)
    return pad(x, constant_like(x, 0), config)


def over(values: Any, x: Any, axis: int) -> Any:
    """A vector of each matrix repeated over x's shape: along its rows' (axis -2) or columns' (-1) numbers."""
    n = x.aval.ndim
    return broadcast_in_dim(values, x.aval.shape, (*range(n - 2), n + axis))


def times(x: Any, values: Any) -> Any:
    """Each column of x times a number."""
    return mul(x, convert(over(values, x, -1), x.aval.dtype))


# ---- eigh ----


def eigh(
    x: Any,
    *,
    lower: bool = True,
    symmetrize_input: bool = True,
    sort_eigenvalues: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    implementation: EighImplementation | None = None,
) -> tuple[Any, Any]:
    """Eigenvectors and eigenvalues of a Hermitian matrix: x v = v diag(w).

    Shapes: x (B..., N, N) -> v (B..., N, K), w (B..., K), K = N or the size of the subset. w rises, and is real.
    Args: symmetrize_input: take (x + x^H) / 2; else read the triangle that `lower` says.
    Raises: ValueError if the matrix is not square. Grad: where the eigenvalues differ. Source: LAPACK `syevd`.
    """
    x = matrix("eigh", x)
    check_matrix("eigh", x.aval, square=True)
    if symmetrize_input:
        x = symmetrized(x)
    subset = checked_subset("eigh", subset_by_index, x.aval.shape[-1])
    return tuple(
        eigh_p.bind(
            x,
            lower=bool(lower),
            sort_eigenvalues=bool(sort_eigenvalues),
            subset_by_index=subset,
            algorithm=implementation,
        )
    )


def _eigh_infer(
    x: ShapedArray, *, lower: bool, sort_eigenvalues: bool, subset_by_index: Any, algorithm: Any
) -> list[ShapedArray]:
    check_matrix("eigh", x, square=True)
    *batch, n, _ = x.shape
    k = n if subset_by_index is None else subset_by_index[1] - subset_by_index[0]
    return [ShapedArray((*batch, n, k), x.dtype), ShapedArray((*batch, k), part_dtype(x.dtype))]


def _eigh_host(
    x: np.ndarray, *, lower: bool, sort_eigenvalues: bool, subset_by_index: Any, algorithm: Any
) -> list[np.ndarray]:
    uplo = "L" if lower else "U"
    n = x.shape[-1]
    try:
        w, v = np.linalg.eigh(x, uplo)
    except np.linalg.LinAlgError:
        outputs = [((n,), part_dtype(x.dtype)), ((n, n), x.dtype)]
        w, v = each_matrix(lambda a: np.linalg.eigh(a, uplo), x, outputs)
    if subset_by_index is not None:
        chosen = slice(*subset_by_index)
        w, v = w[..., chosen], v[..., chosen]
    return [v, w]


def lower_eigh(
    ctx: Any, x: Any, *, lower: bool, sort_eigenvalues: bool, subset_by_index: Any, algorithm: Any
) -> list[Any]:
    *batch, n, _ = x.shape
    values = ((*batch, n), part_dtype(x.dtype))
    if 0 in x.shape:
        v, w = x, hlo.full(ctx, 0, *values)
    elif ctx.platform == "cpu":
        results = [(x.shape, x.dtype), values, (tuple(batch), dtypes.int32)]
        uplo = char("L" if lower else "U")
        name = by_kind("syevd", "heevd")
        v, w, info = lapack(ctx, name, [x], results, {0: 0}, mode=char("V"), uplo=uplo)
        v, w = nan_if_failed(ctx, info, v, w)
    else:
        v, w = _by_jacobi(ctx, x, lower)
    if subset_by_index is None:
        return [v, w]
    low, high = subset_by_index
    zeros = [0] * len(batch)
    v = hlo.slice(ctx, v, [*zeros, 0, low], [*batch, n, high])
    return [v, hlo.slice(ctx, w, [*zeros, low], [*batch, high])]


def _by_jacobi(ctx: Any, x: Any, lower: bool) -> tuple[Any, Any]:
    """XLA's own two-sided Jacobi method, for platforms without LAPACK."""
    *batch, n, _ = x.shape
    part = part_dtype(x.dtype)
    results = [(x.shape, x.dtype), ((*batch, n), part)]
    config = f"{int(lower)},1,100,1e-6"
    v, w = hlo.custom_call(ctx, "Eigh", [x], results, api_version=1, backend_config=config)
    if part == dtypes.float32:
        return v, w
    # It stops at 1e-8. First v (3 - v^H v) / 2, which is orthogonal; then, with b = v^H x v, v (I + e),
    # e_ij = b_ij / (b_jj - b_ii).
    rank = len(x.shape)
    every = tuple(range(rank - 2))
    batching = (every, every)
    inner = (((rank - 2,), (rank - 2,)), batching)
    outer = (((rank - 1,), (rank - 2,)), batching)
    gram = hlo.dot_general(ctx, _conjugate(ctx, v), v, inner, None, "HIGHEST")
    three = hlo.multiply(
        ctx, lower_eye(ctx, x.shape, x.dtype), hlo.full(ctx, 1.5, x.shape, x.dtype)
    )
    half = hlo.multiply(ctx, gram, hlo.full(ctx, 0.5, x.shape, x.dtype))
    v = hlo.dot_general(ctx, v, hlo.subtract(ctx, three, half), outer, None, "HIGHEST")
    whole = _mirrored(ctx, x, lower)
    b = hlo.dot_general(ctx, whole, v, outer, None, "HIGHEST")
    b = hlo.dot_general(ctx, _conjugate(ctx, v), b, inner, None, "HIGHEST")
    real_b = hlo.real(ctx, b) if dtypes.is_complex(b.dtype) else b
    unit = lower_eye(ctx, x.shape, part)
    zero = hlo.full(ctx, 0, (), part)
    w = hlo.reduce_with(ctx, hlo.multiply(ctx, real_b, unit), zero, [rank - 2], hlo.add)
    right = hlo.broadcast_in_dim(ctx, w, x.shape, (*every, rank - 1))
    left = hlo.broadcast_in_dim(ctx, w, x.shape, (*every, rank - 2))
    gap = hlo.subtract(ctx, right, left)
    far = hlo.compare(
        ctx,
        hlo.multiply(ctx, hlo.abs(ctx, b), hlo.full(ctx, 1e4, x.shape, part)),
        hlo.abs(ctx, gap),
        "LT",
    )
    safe = hlo.select(ctx, far, gap, hlo.full(ctx, 1, x.shape, part))
    if dtypes.is_complex(b.dtype):
        safe = hlo.complex(ctx, safe, hlo.full(ctx, 0, x.shape, part))
    step = hlo.select(ctx, far, hlo.divide(ctx, b, safe), hlo.full(ctx, 0, x.shape, x.dtype))
    change = hlo.dot_general(ctx, v, step, outer, None, "HIGHEST")
    return hlo.add(ctx, v, change), w


def _conjugate(ctx: Any, x: Any) -> Any:
    if not dtypes.is_complex(x.dtype):
        return x
    return hlo.complex(ctx, hlo.real(ctx, x), hlo.negate(ctx, hlo.imag(ctx, x)))


def _mirrored(ctx: Any, x: Any, lower: bool) -> Any:
    """The Hermitian matrix of one triangle."""
    rank = len(x.shape)
    order = [*range(rank - 2), rank - 1, rank - 2]
    strict = lower_triangle(ctx, x, -1 if lower else 1, lower)
    line = hlo.multiply(ctx, x, lower_eye(ctx, x.shape, x.dtype))
    if dtypes.is_complex(x.dtype):  # of the diagonal, the real part counts
        part = hlo.real(ctx, line)
        line = hlo.complex(ctx, part, hlo.full(ctx, 0, part.shape, part.dtype))
    both = hlo.add(ctx, strict, _conjugate(ctx, hlo.transpose(ctx, strict, order)))
    return hlo.add(ctx, both, line)


def _gaps(w: Any, like: Any) -> Any:
    """1 / (w_j - w_i) off the diagonal, zero on it."""
    unit = real_part(eye_like(like))
    apart = sub(over(w, unit, -1), over(w, unit, -2))
    return sub(div(constant_of(unit, 1.0), add(apart, unit)), unit)


def constant_of(x: Any, value: float) -> Any:
    """A number repeated to x's shape."""
    return broadcast_in_dim(constant_like(x, value), x.aval.shape, ())


def _eigh_jvp(primals: Any, tangents: Any, *, subset_by_index: Any, **params: Any) -> Any:
    (x,), (t,) = primals, tangents
    v, w = eigh_p.bind(x, subset_by_index=None, **params)
    inner = product(product(adjoint(v), t), v)
    dw = diagonal(real_part(inner))
    dv = product(v, mul(convert(_gaps(w, inner), inner.aval.dtype), inner))
    if subset_by_index is None:
        return [v, w], [dv, dw]
    n = x.aval.ndim
    both = [
        [chosen_columns(a, n - 1, *subset_by_index), chosen_columns(b, n - 2, *subset_by_index)]
        for a, b in ((v, w), (dv, dw))
    ]
    return both[0], both[1]


eigh_p = Primitive(
    name="eigh",
    infer=_eigh_infer,
    host=_eigh_host,
    lower=lower_eigh,
    jvp=_eigh_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: batch_leading(eigh_p)(axis, args, dims, **params),
    multiple_results=True,
)


# ---- eig ----


def eig(
    x: Any,
    *,
    compute_left_eigenvectors: bool = True,
    compute_right_eigenvectors: bool = True,
    enable_eigvec_derivs: bool = False,
    implementation: EigImplementation | None = None,
    use_magma: bool | None = None,
) -> list[Any]:
    """Eigenvalues w and eigenvectors of any square matrix: x vr = vr diag(w), vl^H x = diag(w) vl^H.

    Shapes: x (B..., N, N) -> [w (B..., N), vl, vr (B..., N, N)], without the vectors not asked for.
    Dtypes: complex. Vectors have unit length, and a real largest element.
    Args: enable_eigvec_derivs: give derivatives of the vectors, which exist only where all eigenvalues differ.
    Raises: ValueError if the matrix is not square. Grad: of w. Source: LAPACK `geev`.
    """
    x = matrix("eig", x)
    left, right = bool(compute_left_eigenvectors), bool(compute_right_eigenvectors)
    prim = eig_left_p if left else eig_p
    return prim.bind(
        x,
        compute_left_eigenvectors=left,
        compute_right_eigenvectors=right,
        enable_eigvec_derivs=bool(enable_eigvec_derivs),
        implementation=implementation,
    )


def _eig_infer(
    x: ShapedArray,
    *,
    compute_left_eigenvectors: bool,
    compute_right_eigenvectors: bool,
    enable_eigvec_derivs: bool,
    implementation: Any,
) -> list[ShapedArray]:
    check_matrix("eig", x, square=True)
    dtype = whole_dtype(x.dtype)
    count = compute_left_eigenvectors + compute_right_eigenvectors
    return [ShapedArray(x.shape[:-1], dtype)] + [ShapedArray(x.shape, dtype)] * count


def _eig_host(
    x: np.ndarray, *, compute_right_eigenvectors: bool, **params: Any
) -> list[np.ndarray]:
    n = x.shape[-1]
    dtype = whole_dtype(x.dtype)
    if not compute_right_eigenvectors:
        fun: Callable[..., Any] = lambda a: (np.linalg.eigvals(a),)
        outputs: list[Any] = [((n,), dtype)]
    else:
        fun, outputs = np.linalg.eig, [((n,), dtype), ((n, n), dtype)]
    try:
        return [v.astype(dtype) for v in fun(x)]
    except np.linalg.LinAlgError:
        found = each_matrix(fun, x, outputs)
        nan = np.array(np.nan + 1j * np.nan, dtype)
        return [np.where(np.isnan(v), nan, v) for v in found]


def _eig_lower(
    ctx: Any,
    x: Any,
    *,
    compute_left_eigenvectors: bool,
    compute_right_eigenvectors: bool,
    **params: Any,
) -> list[Any]:
    if ctx.platform != "cpu":
        raise ValueError(
            "eig: available on CPUs only. Run it there with numax.device_put, or use eigh."
        )
    *batch, n, _ = x.shape
    dtype = whole_dtype(x.dtype)
    if 0 in x.shape:
        return [hlo.full(ctx, 0, v.shape, dtype) for v in ctx.avals_out]
    wanted = (compute_left_eigenvectors, compute_right_eigenvectors)
    parts = 1 if dtypes.is_complex(x.dtype) else 2
    shapes = [((*batch, n), x.dtype)] * parts + [((*batch, n, n), dtype)] * 2
    results = [*shapes, (tuple(batch), dtypes.int32)]
    flags = [True, *[False] * parts, True, True, False]
    modes = {
        name: char("V" if w else "N")
        for name, w in zip(("compute_left", "compute_right"), wanted, strict=True)
    }
    outs = lapack(ctx, "geev", [x], results, None, flags, **modes)
    w = outs[0] if parts == 1 else hlo.complex(ctx, outs[0], outs[1])
    vectors = [v for v, want in zip(outs[parts : parts + 2], wanted, strict=True) if want]
    return nan_if_failed(ctx, outs[-1], w, *vectors)


def _eig_jvp(
    primals: Any,
    tangents: Any,
    *,
    compute_left_eigenvectors: bool,
    compute_right_eigenvectors: bool,
    enable_eigvec_derivs: bool,
    implementation: Any,
) -> Any:
    (x,), (t,) = primals, tangents
    wanted = {
        "compute_left_eigenvectors": compute_left_eigenvectors,
        "compute_right_eigenvectors": compute_right_eigenvectors,
    }
    count = sum(wanted.values())
    if count and not enable_eigvec_derivs:
        raise NotImplementedError(
            "eig: derivatives of eigenvectors exist only where all eigenvalues differ, which is not checked. "
            "Pass enable_eigvec_derivs=True if they do; or ask for eigenvalues alone; or use eigh."
        )
    rest = {
        "enable_eigvec_derivs": True,
        "implementation": implementation,
    }  # for the values' second derivatives
    asked = {**wanted, "compute_right_eigenvectors": True}
    prim = eig_left_p if compute_left_eigenvectors else eig_p
    outs = prim.bind(x, **asked, **rest)
    w, right = outs[0], outs[-1]
    t = convert(t, w.aval.dtype)
    inner = solve_by_lu(right, product(t, right))
    tangents_out = [diagonal(inner)]
    if compute_left_eigenvectors:
        left = outs[1]
        turned = solve_by_lu(left, product(adjoint(t), left))
        tangents_out.append(_turn(left, conj(w), turned))
    if compute_right_eigenvectors:
        tangents_out.append(_turn(right, w, inner))
    return outs[: 1 + count], tangents_out


def _turn(v: Any, w: Any, inner: Any) -> Any:
    """The tangents of unit eigenvectors with a real largest element."""
    unit = eye_like(v)
    apart = sub(over(w, unit, -1), over(w, unit, -2))
    off = mul(inner, sub(constant_of(unit, 1.0), unit))
    dv = product(v, div(off, add(apart, unit)))
    length = reduce_sum(real(mul(conj(v), dv)), (v.aval.ndim - 2,))
    dv = sub(dv, times(v, length))
    size = absolute(
        real(v)
    )  # no other element has a part as large as the largest one, which is real
    largest = eq(size, over(reduce_max(size, (size.aval.ndim - 2,)), size, -1))
    nothing = constant_of(size, 0.0)
    # of the largest element, which is real, the tangent must be real
    slope = select_n(
        largest, nothing, div(imag(dv), select_n(largest, constant_of(size, 1.0), real(v)))
    )
    ties = reduce_sum(convert(largest, size.aval.dtype), (size.aval.ndim - 2,))
    phase = div(neg(reduce_sum(slope, (size.aval.ndim - 2,))), ties)
    return add(dv, times(v, complex(constant_of(phase, 0.0), phase)))


def _make_eig(host: Any) -> Primitive:
    prim = Primitive(
        name="eig",
        infer=_eig_infer,
        host=host,
        lower=_eig_lower,
        jvp=_eig_jvp,
        transpose=not_linear,
        batch=lambda axis, args, dims, **params: batch_leading(prim)(axis, args, dims, **params),
        multiple_results=True,
    )
    return prim


eig_p = _make_eig(_eig_host)
eig_left_p = _make_eig(on_device)  # NumPy does not give left eigenvectors


# ---- schur ----


def schur(
    x: Any,
    *,
    compute_schur_vectors: bool = True,
    sort_eig_vals: bool = False,
    select_callable: Callable[..., Any] | None = None,
) -> tuple[Any, ...]:
    """Schur decomposition: x = z t z^H with unitary z and (block) upper triangular t.

    Shapes: (B..., N, N) -> t, z of that shape; t alone without compute_schur_vectors.
    Dtypes: for real x, t is real, with 2 x 2 blocks for pairs of complex eigenvalues.
    Raises: ValueError if the matrix is not square, or sorting is asked for. Grad: none. Source: LAPACK `gees`.
    """
    if sort_eig_vals or select_callable is not None:
        raise ValueError(
            "schur: sorting eigenvalues is not available. Leave sort_eig_vals and select_callable out."
        )
    x = matrix("schur", x)
    return tuple(
        schur_p.bind(
            x,
            compute_schur_vectors=bool(compute_schur_vectors),
            sort_eig_vals=False,
            select_callable=None,
        )
    )


def _schur_infer(
    x: ShapedArray, *, compute_schur_vectors: bool, sort_eig_vals: bool, select_callable: Any
) -> list[ShapedArray]:
    check_matrix("schur", x, square=True)
    return [x.strong()] * (1 + compute_schur_vectors)


def _schur_lower(
    ctx: Any, x: Any, *, compute_schur_vectors: bool, sort_eig_vals: bool, select_callable: Any
) -> list[Any]:
    if ctx.platform != "cpu":
        raise ValueError("schur: available on CPUs only. Run it there with numax.device_put.")
    if 0 in x.shape:
        return [x] * (1 + compute_schur_vectors)
    *batch, n, _ = x.shape
    whole, line, count = (x.shape, x.dtype), ((*batch, n), x.dtype), (tuple(batch), dtypes.int32)
    parts = 1 if dtypes.is_complex(x.dtype) else 2
    results = [whole, whole, *[line] * parts, count, count]
    flags = [True, True, True, *[False] * (parts + 2)]
    mode = char("V" if compute_schur_vectors else "N")
    outs = lapack(ctx, "gees", [x], results, {0: 0}, flags, mode=mode, sort=char("N"))
    return nan_if_failed(ctx, outs[-1], *outs[: 1 + compute_schur_vectors])


schur_p = Primitive(
    name="schur",
    infer=_schur_infer,
    host=on_device,
    lower=_schur_lower,
    jvp=not_differentiable("the Schur form is not unique."),
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: batch_leading(schur_p)(axis, args, dims, **params),
    multiple_results=True,
)

__all__ = [
    "EigImplementation",
    "EighImplementation",
    "eig",
    "eig_p",
    "eigh",
    "eigh_p",
    "schur",
    "schur_p",
]
