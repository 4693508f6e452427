"""Linear systems of three diagonals."""

from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import (
    Primitive,
    Zero,
    is_linear,
    on_device,
)
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    add,
    add_tangents,
    broadcast_in_dim,
    mul,
    neg,
)
from numax._engine.ops.linalg_lu import pick
from numax._engine.ops.matrices import (
    batch_leading,
    check_matrix,
    lapack,
    nan_if_failed,
)
from numax._engine.ops.shape import pad
from numax._engine.stablehlo import hlo


def tridiagonal_solve(dl: Any, d: Any, du: Any, b: Any, *, perturb_singular: bool = False) -> Any:
    """Solve a x = b, where a has three diagonals.

    Shapes: dl, d, du (B..., N), b (B..., N, M). dl[i] stands at a[i, i - 1], du[i] at a[i, i + 1]; dl[0] and du[-1]
        are not read.
    Args: perturb_singular: replace tiny pivots instead of dividing by zero. Singular systems give nan.
    Raises: ValueError if shapes do not fit, TypeError if dtypes differ. Grad: linear in b. Source: LAPACK `gtsv`.
    """
    values = [as_value(v, "tridiagonal_solve") for v in (dl, d, du, b)]
    return tridiagonal_solve_p.bind(*values, perturb_singular=bool(perturb_singular))


def _tridiagonal_infer(
    dl: ShapedArray, d: ShapedArray, du: ShapedArray, b: ShapedArray, *, perturb_singular: bool
) -> ShapedArray:
    op = "tridiagonal_solve"
    got = ", ".join(x.str_short() for x in (dl, d, du, b))
    if len({dl.dtype, d.dtype, du.dtype, b.dtype}) != 1:
        raise TypeError(f"{op}: operands must have equal dtypes; got {got}.")
    if b.ndim < 2:
        raise TypeError(
            f"{op}: b must have at least two axes; got {b.str_short()}. Add one: b[:, None]."
        )
    check_matrix(op, b)
    if not dl.shape == d.shape == du.shape == b.shape[:-1]:
        raise ValueError(
            f"{op}: the diagonals must have the shape of b without its last axis; got {got}."
        )
    return b.strong()


def _tridiagonal_lower(
    ctx: Any, dl: Any, d: Any, du: Any, b: Any, *, perturb_singular: bool
) -> Any:
    if 0 in b.shape:
        return b
    batch = b.shape[:-2]
    lines = (d.shape, d.dtype)
    flags = [False, False, False, True]
    if perturb_singular and ctx.platform == "cpu":
        return hlo.custom_call(
            ctx,
            "tridiagonal_solve_perturbed_ffi",
            [dl, d, du, b],
            [(b.shape, b.dtype)],
            backend_config={},
            operand_layouts=[[*range(len(d.shape) - 1, -1, -1)]] * 3 + [_columns(len(b.shape))],
            result_layouts=[_columns(len(b.shape))],
        )[0]
    if ctx.platform != "cpu":
        return _thomas(ctx, dl, d, du, b)
    results = [lines, lines, lines, (b.shape, b.dtype), (batch, dtypes.int32)]
    *_, x, info = lapack(
        ctx,
        "gtsv",
        [dl, d, du, b],
        results,
        {0: 0, 1: 1, 2: 2, 3: 3},
        [*flags, *flags, False],
    )
    return nan_if_failed(ctx, info, x)[0]


def _columns(rank: int) -> list[int]:
    return [rank - 2, rank - 1, *range(rank - 3, -1, -1)]


def _thomas(ctx: Any, dl: Any, d: Any, du: Any, b: Any) -> Any:
    """Elimination without pivoting (Thomas), a loop over the rows: for platforms without LAPACK."""
    n = d.shape[-1]
    rank = len(d.shape) - 1
    int32 = dtypes.int32
    every = tuple(range(rank))

    def put(b_: Any, array: Any, i: Any, row: Any) -> Any:
        place = hlo.iota(b_, array.shape, int32, rank)
        now = hlo.compare(b_, place, hlo.broadcast_in_dim(b_, i, array.shape, ()), "EQ")
        dims = (*every, *range(rank + 1, len(array.shape)))
        return hlo.select(b_, now, hlo.broadcast_in_dim(b_, row, array.shape, dims), array)

    def down(b_: Any, i: Any, c: Any, x: Any) -> list[Any]:
        one = hlo.full(b_, 1, (), int32)
        before = hlo.subtract(b_, i, one)
        low = pick(b_, dl, i, rank)
        denominator = hlo.subtract(
            b_, pick(b_, d, i, rank), hlo.multiply(b_, low, pick(b_, c, before, rank))
        )
        c = put(b_, c, i, hlo.divide(b_, pick(b_, du, i, rank), denominator))
        row, last = pick(b_, x, i, rank), pick(b_, x, before, rank)
        low, denominator = (
            hlo.broadcast_in_dim(b_, v, row.shape, every) for v in (low, denominator)
        )
        row = hlo.divide(b_, hlo.subtract(b_, row, hlo.multiply(b_, low, last)), denominator)
        return [hlo.add(b_, i, one), c, put(b_, x, i, row)]

    def up(b_: Any, i: Any, c: Any, x: Any) -> list[Any]:
        one = hlo.full(b_, 1, (), int32)
        row, after = pick(b_, x, i, rank), pick(b_, x, hlo.add(b_, i, one), rank)
        factor = hlo.broadcast_in_dim(b_, pick(b_, c, i, rank), row.shape, every)
        row = hlo.subtract(b_, row, hlo.multiply(b_, factor, after))
        return [hlo.subtract(b_, i, one), c, put(b_, x, i, row)]

    zero = hlo.full(ctx, 0, (), int32)
    first = pick(ctx, d, zero, rank)
    c = put(ctx, du, zero, hlo.divide(ctx, pick(ctx, du, zero, rank), first))
    row = pick(ctx, b, zero, rank)
    x = put(ctx, b, zero, hlo.divide(ctx, row, hlo.broadcast_in_dim(ctx, first, row.shape, every)))
    state = [hlo.full(ctx, 1, (), int32), c, x]
    state = hlo.while_(
        ctx, state, lambda b_, i, c, x: hlo.compare(b_, i, hlo.full(b_, n, (), int32), "LT"), down
    )
    state = [hlo.full(ctx, n - 2, (), int32), *state[1:]]
    return hlo.while_(
        ctx, state, lambda b_, i, c, x: hlo.compare(b_, i, hlo.full(b_, 0, (), int32), "GE"), up
    )[2]


def _shifted(x: Any, by: int) -> Any:
    """x moved along its last axis, zeros moving in."""
    config = [(0, 0, 0)] * (x.aval.ndim - 1) + [(by, -by, 0)]
    return pad(x, as_value(np.zeros((), x.aval.dtype)), config)


def _tridiagonal_product(dl: Any, d: Any, du: Any, x: Any) -> Any:
    """a x for tangents of the diagonals (Zero where there is none)."""
    total: Any = None
    n = x.aval.ndim
    for diagonal, by in ((dl, 1), (d, 0), (du, -1)):
        if type(diagonal) is Zero:
            continue
        config = [(0, 0, 0)] * (n - 2) + [(by, -by, 0), (0, 0, 0)]
        moved = pad(x, as_value(np.zeros((), x.aval.dtype)), config) if by else x
        term = mul(broadcast_in_dim(diagonal, x.aval.shape, tuple(range(n - 1))), moved)
        total = term if total is None else add(total, term)
    return total


def _tridiagonal_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    dl, d, du, b = primals
    x = tridiagonal_solve_p.bind(dl, d, du, b, **params)
    tl, td, tu, tb = tangents
    moved = _tridiagonal_product(tl, td, tu, x)
    change = tb if moved is None else add_tangents(tb, neg(moved))
    return x, tridiagonal_solve_p.bind(dl, d, du, change, **params)


def _tridiagonal_transpose(ct: Any, dl: Any, d: Any, du: Any, b: Any, **params: Any) -> list[Any]:
    if is_linear(dl) or is_linear(d) or is_linear(du):
        raise TypeError("tridiagonal_solve: not linear in the matrix.")
    return [
        None,
        None,
        None,
        tridiagonal_solve_p.bind(_shifted(du, 1), d, _shifted(dl, -1), ct, **params),
    ]


tridiagonal_solve_p = Primitive(
    name="tridiagonal_solve",
    infer=_tridiagonal_infer,
    host=on_device,
    lower=_tridiagonal_lower,
    jvp=_tridiagonal_jvp,
    transpose=_tridiagonal_transpose,
    batch=lambda axis, args, dims, **params: batch_leading(tridiagonal_solve_p)(
        axis, args, dims, **params
    ),
)

__all__ = [
    "tridiagonal_solve",
    "tridiagonal_solve_p",
]
