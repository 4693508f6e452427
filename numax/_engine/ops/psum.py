"""Reductions over mapped axes: psum, pmean, pmax, pmin.

Under vmap the batching rules turn them into reductions along the batch axis; under pmap they become all_reduce.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, not_linear
from numax._engine.core.trace import as_value
from numax._engine.ops.arithmetic import div
from numax._engine.ops.basis import (
    canonical_axis,
    constant_like,
    convert,
    is_value,
    mul,
    reduce_sum,
    to_front,
)
from numax._engine.ops.compare import eq
from numax._engine.ops.extreme import extreme, limit_array
from numax._engine.ops.families import ANY, NUMBERS, check_dtype
from numax._engine.ops.mapped import (
    CHANNEL,
    Collective,
    Names,
    axes_size,
    by_groups,
    check_groups,
    device_groups,
    names_of,
    outside,
    over_leaves,
)
from numax._engine.ops.reduce import reduce_max, reduce_min
from numax._engine.stablehlo import hlo

_INT32 = np.dtype(np.int32)

# ---- psum, pmax, pmin, pmean ----


def psum(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The sum of x over the elements of a mapped axis, or of several; the same for all of them.

    Args: x, a pytree; axis_name may also be a tuple of names and of positions of axes of x;
        axis_index_groups, to sum within groups. A Python number gives number * size.
    Raises: NameError if a name is unbound. Grad: linear; its transpose is psum.
    """
    names, positions = _split_names(axis_name)

    def one(v: Any) -> Any:
        groups = check_groups("psum", axis_index_groups, axes_size(names))
        if (
            not is_value(v)
            and isinstance(v, bool | int | float | complex | np.generic)
            and not positions
        ):
            count = axes_size(names) if groups is None else len(groups[0])
            return count * (int(v) if isinstance(v, bool | np.bool_) else v)
        v = as_value(v, "psum")
        if v.dtype == dtypes.bool_:
            v = convert(v, _INT32)
        if positions:
            v = reduce_sum(v, [canonical_axis("psum", p, v.aval.ndim) for p in positions])
        return psum_p.bind(v, axes=names, axis_index_groups=groups) if names else v

    return over_leaves(one, x)


def pmean(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The mean of x over the elements of a mapped axis. See `psum`.

    Raises: as `psum`. Grad: linear. Source: StableHLO `all_reduce`.
    """

    def one(v: Any) -> Any:
        count = (
            psum(1, axis_name, axis_index_groups=axis_index_groups)
            if not _split_names(axis_name)[1]
            else None
        )
        total = psum(v, axis_name, axis_index_groups=axis_index_groups)
        if not is_value(total):
            return total / count
        if count is None:
            count = (
                as_value(v, "pmean").aval.size
                // total.aval.size
                * axes_size(_split_names(axis_name)[0])
            )
        if not dtypes.is_inexact(total.dtype):
            total = convert(total, dtypes.default_dtype(float))
        return div(total, constant_like(total, count))

    return over_leaves(one, x)


def pmax(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The maximum of x over the elements of a mapped axis. See `psum`. Grad: shared equally among equal maxima."""
    return _extreme_over("pmax", reduce_max, x, axis_name, axis_index_groups)


def pmin(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The minimum of x over the elements of a mapped axis. See `pmax`.

    Raises: as `pmax`. Grad: as `pmax`. Source: StableHLO `all_reduce`.
    """
    return _extreme_over("pmin", reduce_min, x, axis_name, axis_index_groups)


def _extreme_over(op: str, reduction: Any, x: Any, axis_name: Any, index_groups: Any) -> Any:
    names, positions = _split_names(axis_name)
    prim = pmax_p if op == "pmax" else pmin_p

    def one(v: Any) -> Any:
        groups = check_groups(op, index_groups, axes_size(names))
        v = as_value(v, op)
        if positions:
            v = reduction(v, [canonical_axis(op, p, v.aval.ndim) for p in positions])
        return prim.bind(v, axes=names, axis_index_groups=groups) if names else v

    return over_leaves(one, x)


def _split_names(axis_name: Any) -> tuple[Names, tuple[int, ...]]:
    """Axis names, and positions of axes of the operand itself."""
    found = names_of(axis_name)
    positions = tuple(
        [n for n in found if isinstance(n, int | np.integer) and not isinstance(n, bool)]
    )
    return tuple([n for n in found if n not in positions]), positions


def _reduction(
    name: str,
    *,
    accepts: Any,
    combine: Callable[[Any, tuple[int, ...]], Any],
    repeated: Any,
    body: Any,
    jvp: Any,
    transpose: Any,
) -> Primitive:
    """A reduction over mapped axes. repeated: (x, count) -> the reduction of as many equal values."""

    def infer(x: ShapedArray, *, axes: Names, axis_index_groups: Any) -> ShapedArray:
        check_dtype(name, x, accepts)
        return x.strong()

    def lower(ctx: Any, x: Any, *, axes: Names, axis_index_groups: Any) -> Any:
        groups = device_groups(ctx, axes, axis_index_groups)
        if (
            dtypes.is_complex(x.dtype) and body is not _add
        ):  # the compiler reduces no complex extremes across devices
            every = hlo.reshape(ctx, x, (1, *x.shape))
            every = hlo.all_gather(ctx, every, 0, groups, CHANNEL, True)
            start = ctx.constant(limit_array(x.dtype, name == "pmin"))
            return hlo.reduce_with(ctx, every, start, (0,), body(x.dtype))
        return hlo.all_reduce(ctx, x, body(x.dtype), groups, CHANNEL, True)

    def batch(axis: Any, args: Any, dims: Any, *, axes: Names, axis_index_groups: Any) -> Any:
        (x,), (d,) = args, dims
        if axis.name is None or axis.name not in axes:
            return prim.bind(x, axes=axes, axis_index_groups=axis_index_groups), d
        rest = tuple([n for n in axes if n != axis.name])
        if axis_index_groups is not None:
            if rest:
                raise ValueError(f"{name}: axis_index_groups need a single axis name; got {axes}.")
            x = to_front(x, d, axis.size)
            return by_groups(x, axis_index_groups, lambda rows: combine(rows, (1,))), 0
        y = repeated(x, axis.size) if d is None else combine(x, (d,))
        return (prim.bind(y, axes=rest, axis_index_groups=None) if rest else y), None

    prim = Collective(
        name=name,
        infer=infer,
        host=outside(name),
        lower=lower,
        jvp=lambda primals, tangents, **params: jvp(prim, primals[0], tangents[0], params),
        transpose=transpose,
        batch=batch,
    )
    return prim


def _extreme_jvp(prim: Primitive, x: Any, t: Any, params: dict[str, Any]) -> Any:
    y = prim.bind(x, **params)
    hit = convert(eq(x, y), x.dtype)
    return y, div(psum_p.bind(mul(t, hit), **params), psum_p.bind(hit, **params))


def _add(dtype: Any) -> Any:
    return hlo.add


psum_p = _reduction(
    "psum",
    accepts=NUMBERS,
    combine=reduce_sum,
    repeated=lambda x, count: mul(x, constant_like(x, count)),
    body=_add,
    jvp=lambda prim, x, t, params: (prim.bind(x, **params), prim.bind(t, **params)),
    transpose=lambda ct, x, **params: [psum_p.bind(ct, **params)],
)
pmax_p = _reduction(
    "pmax",
    accepts=ANY,
    combine=reduce_max,
    repeated=lambda x, count: x,
    body=lambda dtype: extreme(dtype, True),
    jvp=_extreme_jvp,
    transpose=not_linear,
)
pmin_p = _reduction(
    "pmin",
    accepts=ANY,
    combine=reduce_min,
    repeated=lambda x, count: x,
    body=lambda dtype: extreme(dtype, False),
    jvp=_extreme_jvp,
    transpose=not_linear,
)


__all__ = [
    "pmax",
    "pmax_p",
    "pmean",
    "pmin",
    "pmin_p",
    "psum",
    "psum_p",
]
