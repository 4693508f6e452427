"""Operations that move elements between the places of a mapped axis (`axis_name` of vmap and pmap).

Under vmap the batching rules turn them into ordinary operations along the batch axis; under pmap they are lowered to
StableHLO's collectives over groups of devices. Each is bound in the highest trace among its operands' and those of
the axes it names. Read mapped, then psum, then this file.
"""

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import axes as axis_env
from numax._engine.core import dtypes
from numax._engine.core.array import wrap
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.primitive import Primitive, not_linear, zero_tangent
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    add,
    broadcast_in_dim,
    canonical_axis,
    constant_like,
    expand_dims,
    full,
    moveaxis,
    mul,
    reduce_sum,
    reshape,
    select_n,
    squeeze,
    to_front,
    transpose,
    zeros_like,
)
from numax._engine.ops.compare import eq
from numax._engine.ops.families import NUMBERS, check_dtype
from numax._engine.ops.mapped import (
    CHANNEL,
    Collective,
    Names,
    axes_size,
    bind_in_axes,
    by_groups,
    check_groups,
    device_groups,
    merged_groups,
    names_of,
    outside,
    over_leaves,
    rows_at,
)
from numax._engine.ops.psum import pmax, pmax_p, pmean, pmin, pmin_p, psum, psum_p
from numax._engine.ops.shape import iota
from numax._engine.ops.slicing import dynamic_index_in_dim, index_in_dim
from numax._engine.stablehlo import hlo

_INT32 = np.dtype(np.int32)

# ---- what moves elements between places of the axis ----


def _moving(name: str, *, infer: Any, lower: Any, transpose: Any, batch: Any) -> Primitive:
    """A linear operation that moves elements; batch sees only calls that name the batch axis."""

    def along(axis: Any, args: Any, dims: Any, **params: Any) -> Any:
        if axis.name is None or axis.name not in names_of(params["axis_name"]):
            x = to_front(args[0], dims[0], axis.size)
            return shifted(x, params), 0
        whole, d = args[0].aval, dims[0]
        shape = whole.shape if d is None else whole.shape[:d] + whole.shape[d + 1 :]
        infer(ShapedArray(shape, whole.dtype), **params)
        return batch(axis, args[0], d, **params)

    def shifted(x: Any, params: dict[str, Any]) -> Any:
        places = {key: params[key] + 1 for key in _PLACES if key in params}
        return prim.bind(x, **{**params, **places})

    prim = Collective(
        name=name,
        infer=infer,
        host=outside(name),
        lower=lower,
        jvp=lambda primals, tangents, **params: (
            prim.bind(*primals, **params),
            prim.bind(*tangents, **params),
        ),
        transpose=transpose,
        batch=along,
    )
    return prim


_PLACES = ("all_gather_dimension", "scatter_dimension", "split_axis", "concat_axis")


def _others(names: Names, name: Any) -> Names:
    return tuple([n for n in names if n != name])


def _put_first(names: Names, name: Any) -> list[int]:
    """The order that brings axes (name, *others) back to the order of `names`."""
    found = (name, *_others(names, name))
    return [found.index(n) for n in names]


# ---- all_gather ----


def all_gather(
    x: Any,
    axis_name: Any,
    *,
    axis_index_groups: Any = None,
    axis: int = 0,
    tiled: bool = False,
    to: str = "varying",
) -> Any:
    """The values of x at all places of a mapped axis, along a new axis, or joined along an old one if `tiled`.

    Grad: linear; its transpose is psum_scatter. See `psum`.
    """
    names = names_of(axis_name)

    def one(v: Any) -> Any:
        v = as_value(v, "all_gather")
        groups = check_groups("all_gather", axis_index_groups, axes_size(names))
        dim = canonical_axis("all_gather", axis, v.aval.ndim + (not tiled))
        return all_gather_p.bind(
            v,
            all_gather_dimension=dim,
            axis_index_groups=groups,
            axis_name=names,
            axis_size=axes_size(names) if groups is None else len(groups[0]),
            tiled=bool(tiled),
        )

    return over_leaves(one, x)


def _gather_infer(
    x: ShapedArray,
    *,
    all_gather_dimension: int,
    axis_index_groups: Any,
    axis_name: Names,
    axis_size: int,
    tiled: bool,
) -> ShapedArray:
    shape = list(x.shape)
    if tiled:
        shape[all_gather_dimension] *= axis_size
    else:
        shape.insert(all_gather_dimension, axis_size)
    return ShapedArray(tuple(shape), x.dtype)


def _gather_lower(
    ctx: Any,
    x: Any,
    *,
    all_gather_dimension: int,
    axis_index_groups: Any,
    axis_name: Names,
    tiled: bool,
    **_: Any,
) -> Any:
    dim = all_gather_dimension
    if not tiled:
        x = hlo.reshape(ctx, x, (*x.shape[:dim], 1, *x.shape[dim:]))
    return hlo.all_gather(
        ctx, x, dim, device_groups(ctx, axis_name, axis_index_groups), CHANNEL, True
    )


def _gather_batch(
    axis: Any,
    x: Any,
    d: Any,
    *,
    all_gather_dimension: int,
    axis_index_groups: Any,
    axis_name: Names,
    axis_size: int,
    tiled: bool,
) -> Any:
    out_dim = None
    stacked = to_front(x, d, axis.size)
    rest = _others(axis_name, axis.name)
    if axis_index_groups is not None:
        if rest:
            raise ValueError(
                f"all_gather: axis_index_groups need a single axis name; got {axis_name}."
            )
        stacked = by_groups(stacked, axis_index_groups, lambda rows: rows)  # (size, group, ...)
        out_dim = 0
    elif rest:
        sizes = [axis_env.size(n) for n in rest]
        stacked = all_gather_p.bind(
            stacked,
            all_gather_dimension=0,
            axis_index_groups=None,
            axis_name=rest,
            axis_size=math.prod(sizes),
            tiled=False,
        )
        inner = stacked.aval.shape[2:]
        stacked = moveaxis(reshape(stacked, (*sizes, axis.size, *inner)), len(sizes), 0)
        order = _put_first(axis_name, axis.name)
        stacked = transpose(stacked, [*order, *range(len(order), stacked.aval.ndim)])
        stacked = reshape(stacked, (axis_size, *inner))
    first = 0 if out_dim is None else 1
    dim = all_gather_dimension + first
    out = moveaxis(stacked, first, dim)
    if tiled:
        shape = out.aval.shape
        out = reshape(out, (*shape[:dim], shape[dim] * shape[dim + 1], *shape[dim + 2 :]))
    return out, out_dim


def _gather_transpose(ct: Any, x: Any, *, all_gather_dimension: int, **params: Any) -> list[Any]:
    return [psum_scatter_p.bind(ct, scatter_dimension=all_gather_dimension, **params)]


all_gather_p = _moving(
    "all_gather",
    infer=_gather_infer,
    lower=_gather_lower,
    transpose=_gather_transpose,
    batch=_gather_batch,
)


# ---- psum_scatter ----


def psum_scatter(
    x: Any,
    axis_name: Any,
    *,
    scatter_dimension: int = 0,
    axis_index_groups: Any = None,
    tiled: bool = False,
) -> Any:
    """`psum`, of which each place of the mapped axis keeps its part along an axis of x.

    Args: tiled, to keep that axis, with a part of its elements, rather than to drop it.
    Raises: ValueError if the axis of x does not fit the mapped one. Grad: linear; its transpose is all_gather.
    """
    names = names_of(axis_name)

    def one(v: Any) -> Any:
        v = as_value(v, "psum_scatter")
        groups = check_groups("psum_scatter", axis_index_groups, axes_size(names))
        return psum_scatter_p.bind(
            v,
            scatter_dimension=canonical_axis("psum_scatter", scatter_dimension, v.aval.ndim),
            axis_index_groups=groups,
            axis_name=names,
            axis_size=axes_size(names) if groups is None else len(groups[0]),
            tiled=bool(tiled),
        )

    return over_leaves(one, x)


def _scatter_infer(
    x: ShapedArray,
    *,
    scatter_dimension: int,
    axis_index_groups: Any,
    axis_name: Names,
    axis_size: int,
    tiled: bool,
) -> ShapedArray:
    check_dtype("psum_scatter", x, NUMBERS)
    shape = list(x.shape)
    n = shape[scatter_dimension]
    if tiled:
        if n % axis_size:
            raise ValueError(
                f"psum_scatter: the mapped axis's size, {axis_size}, must divide axis {scatter_dimension} of x; "
                f"got {x.str_short()}."
            )
        shape[scatter_dimension] = n // axis_size
    else:
        if n != axis_size:
            raise ValueError(
                f"psum_scatter: axis {scatter_dimension} of x must have the mapped axis's size, {axis_size}; "
                f"got {x.str_short()}. Use tiled=True to keep several elements each."
            )
        del shape[scatter_dimension]
    return ShapedArray(tuple(shape), x.dtype)


def _scatter_lower(
    ctx: Any, x: Any, *, scatter_dimension: int, axis_index_groups: Any, axis_name: Names, **_: Any
) -> Any:
    groups = device_groups(ctx, axis_name, axis_index_groups)
    shape = ctx.avals_out[0].shape
    return hlo.reshape(
        ctx, hlo.reduce_scatter(ctx, x, hlo.add, scatter_dimension, groups, CHANNEL, True), shape
    )


def _scatter_batch(
    axis: Any,
    x: Any,
    d: Any,
    *,
    scatter_dimension: int,
    axis_index_groups: Any,
    axis_name: Names,
    axis_size: int,
    tiled: bool,
) -> Any:
    rest = _others(axis_name, axis.name)
    dim = scatter_dimension
    if axis_index_groups is not None:
        if rest:
            raise ValueError(
                f"psum_scatter: axis_index_groups need a single axis name; got {axis_name}."
            )
        x = to_front(x, d, axis.size)
        sums = reduce_sum(rows_at(x, axis_index_groups), (1,))  # (groups, *x)
        n = sums.aval.shape[dim + 1] // axis_size
        parts = reshape(
            sums, (*sums.aval.shape[: dim + 1], axis_size, n, *sums.aval.shape[dim + 2 :])
        )
        parts = moveaxis(parts, dim + 1, 1)
        parts = reshape(parts, (axis.size, *parts.aval.shape[2:]))
        order = np.argsort(list(itertools.chain(*axis_index_groups)))
        out = rows_at(parts, order)
        return (out if tiled else squeeze(out, (dim + 1,))), 0
    y = mul(x, constant_like(x, axis.size)) if d is None else reduce_sum(x, (d,))
    sizes = [axis_env.size(n) for n in axis_name]
    shape = y.aval.shape
    each = shape[dim] // axis_size
    y = reshape(y, (*shape[:dim], *sizes, each, *shape[dim + 1 :]))
    y = moveaxis(y, dim + axis_name.index(axis.name), 0)
    y = reshape(y, (axis.size, *shape[:dim], axis_size // axis.size * each, *shape[dim + 1 :]))
    if rest:
        y = psum_scatter_p.bind(
            y,
            scatter_dimension=dim + 1,
            axis_index_groups=None,
            axis_name=rest,
            axis_size=axis_size // axis.size,
            tiled=True,
        )
    return (y if tiled else squeeze(y, (dim + 1,))), 0


def _scatter_transpose(ct: Any, x: Any, *, scatter_dimension: int, **params: Any) -> list[Any]:
    return [all_gather_p.bind(ct, all_gather_dimension=scatter_dimension, **params)]


psum_scatter_p = _moving(
    "reduce_scatter",
    infer=_scatter_infer,
    lower=_scatter_lower,
    transpose=_scatter_transpose,
    batch=_scatter_batch,
)


# ---- ppermute, pshuffle ----


def ppermute(x: Any, axis_name: Any, perm: Sequence[tuple[int, int]]) -> Any:
    """x moved along a mapped axis: the value at each source goes to its target; zeros where nothing arrives.

    Args: perm, (source, target) pairs. Raises: ValueError if a place is out of range or named twice.
    Grad: linear; its transpose goes back.
    """
    names = names_of(axis_name)
    size = axes_size(names)
    pairs = tuple([(operator.index(s), operator.index(t)) for s, t in perm])
    for which in zip(*pairs, strict=True):
        if len(set(which)) != len(which) or not all(0 <= i < size for i in which):
            raise ValueError(
                f"ppermute: sources, and targets, must be different places in 0..{size - 1}; got {pairs}."
            )

    def one(v: Any) -> Any:
        v = as_value(v, "ppermute")
        if len(names) == 1:
            return ppermute_p.bind(v, axis_name=names, perm=pairs)
        source = np.full(size, size, np.int32)
        for s, t in pairs:
            source[t] = s
        every = all_gather(v, names)
        padded = rows_at(every, np.minimum(source, size - 1))
        found = dynamic_index_in_dim(padded, axis_index(names), 0, keepdims=False)
        known = wrap(source < size, etype(dtypes.bool_))
        arrives = dynamic_index_in_dim(known, axis_index(names), 0, keepdims=False)
        return select_n(arrives, zeros_like(found), found)

    return over_leaves(one, x)


def pshuffle(x: Any, axis_name: Any, perm: Sequence[int]) -> Any:
    """x shuffled along a mapped axis: place i gets the value at perm[i].

    Raises: ValueError if `perm` is no permutation. Grad: linear.
    """
    order = [operator.index(p) for p in perm]
    if sorted(order) != list(range(axes_size(names_of(axis_name)))):
        raise ValueError(
            f"pshuffle: perm must be a permutation of the mapped axis's places; got {order}."
        )
    return ppermute(x, axis_name, list(zip(order, range(len(order)), strict=True)))


def _permute_lower(ctx: Any, x: Any, *, axis_name: Names, perm: Any) -> Any:
    pairs = [(g[s], g[t]) for g in device_groups(ctx, axis_name) for s, t in perm]
    if not pairs:
        return hlo.full(ctx, 0, x.shape, x.dtype)
    return hlo.collective_permute(ctx, x, pairs, CHANNEL)


def _permute_batch(axis: Any, x: Any, d: Any, *, axis_name: Names, perm: Any) -> Any:
    x = to_front(x, d, axis.size)
    source = np.zeros(axis.size, np.int32)
    arrives = np.zeros(axis.size, np.bool_)
    for s, t in perm:
        source[t], arrives[t] = s, True
    moved = rows_at(x, source)
    if arrives.all():
        return moved, 0
    mask = broadcast_in_dim(wrap(arrives, etype(dtypes.bool_)), x.aval.shape, (0,))
    return select_n(mask, zeros_like(moved), moved), 0


ppermute_p = _moving(
    "ppermute",
    infer=lambda x, **params: x.strong(),
    lower=_permute_lower,
    transpose=lambda ct, x, *, axis_name, perm: [
        ppermute_p.bind(ct, axis_name=axis_name, perm=tuple([(t, s) for s, t in perm]))
    ],
    batch=_permute_batch,
)


# ---- all_to_all, pswapaxes ----


def all_to_all(
    x: Any,
    axis_name: Any,
    split_axis: int,
    concat_axis: int,
    *,
    axis_index_groups: Any = None,
    tiled: bool = False,
) -> Any:
    """Split x along an axis, send part i to place i of the mapped axis, join what arrives along another axis.

    Args: tiled, to keep the split axis and to join along an old axis; else the split axis, of the mapped axis's size,
        goes, and a new one comes. Raises: ValueError if the sizes do not fit. Grad: linear.
    """
    names = names_of(axis_name)
    if len(names) != 1:
        raise ValueError(f"all_to_all: one axis name; got {names}.")

    def one(v: Any) -> Any:
        v = as_value(v, "all_to_all")
        groups = check_groups("all_to_all", axis_index_groups, axes_size(names))
        count = axes_size(names) if groups is None else len(groups[0])
        split = canonical_axis("all_to_all", split_axis, v.aval.ndim)
        concat = canonical_axis("all_to_all", concat_axis, v.aval.ndim)
        if not tiled:
            if v.aval.shape[split] != count:
                raise ValueError(
                    f"all_to_all: axis {split} of x must have the mapped axis's size, {count}; got "
                    f"{v.aval.str_short()}. Use tiled=True to send several elements each."
                )
            place = concat if concat < split else concat + 1
            v = expand_dims(v, (place,))
            split, concat = split + (place <= split), place
        out = all_to_all_p.bind(
            v,
            axis_name=names[0],
            split_axis=split,
            concat_axis=concat,
            axis_index_groups=groups,
            axis_size=count,
            tiled=True,
        )
        return out if tiled else squeeze(out, (split,))

    return over_leaves(one, x)


def pswapaxes(x: Any, axis_name: Any, axis: int, *, axis_index_groups: Any = None) -> Any:
    """Exchange a mapped axis with an axis of x, of equal size. Grad: linear."""
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)


def _exchange_infer(
    x: ShapedArray, *, split_axis: int, concat_axis: int, axis_size: int, **_: Any
) -> ShapedArray:
    shape = list(x.shape)
    if shape[split_axis] % axis_size:
        raise ValueError(
            f"all_to_all: the mapped axis's size, {axis_size}, must divide axis {split_axis} of x; "
            f"got {x.str_short()}."
        )
    shape[split_axis] //= axis_size
    shape[concat_axis] *= axis_size
    return ShapedArray(tuple(shape), x.dtype)


def _exchange_lower(
    ctx: Any,
    x: Any,
    *,
    axis_name: Any,
    split_axis: int,
    concat_axis: int,
    axis_index_groups: Any,
    **_: Any,
) -> Any:
    groups = device_groups(ctx, (axis_name,), axis_index_groups)
    return hlo.all_to_all(ctx, x, split_axis, concat_axis, groups, CHANNEL)


def _exchange_batch(
    axis: Any,
    x: Any,
    d: Any,
    *,
    split_axis: int,
    concat_axis: int,
    axis_index_groups: Any,
    axis_size: int,
    **_: Any,
) -> Any:
    x = to_front(x, d, axis.size)
    if axis_index_groups is None:
        return _exchanged(expand_dims(x, (0,)), split_axis, concat_axis, axis_size), 0
    rows = _exchanged(rows_at(x, axis_index_groups), split_axis, concat_axis, axis_size)
    return rows_at(rows, np.argsort(list(itertools.chain(*axis_index_groups)))), 0


def _exchanged(x: Any, split: int, concat: int, size: int) -> Any:
    """x (groups, source, ...) as (groups * target, ...)."""
    shape = x.aval.shape
    at = split + 2
    x = reshape(x, (*shape[:at], size, shape[at] // size, *shape[at + 1 :]))
    x = moveaxis(x, at, 1)  # (groups, target, source, ...)
    x = moveaxis(x, 2, concat + 2)
    shape = x.aval.shape
    at = concat + 2
    return reshape(x, (shape[0] * size, *shape[2:at], shape[at] * shape[at + 1], *shape[at + 2 :]))


all_to_all_p = _moving(
    "all_to_all",
    infer=_exchange_infer,
    lower=_exchange_lower,
    transpose=lambda ct, x, *, split_axis, concat_axis, **params: [
        all_to_all_p.bind(ct, split_axis=concat_axis, concat_axis=split_axis, **params)
    ],
    batch=_exchange_batch,
)


# ---- pbroadcast ----


def pbroadcast(x: Any, axis_name: Any, source: int) -> Any:
    """The value of x at one place of a mapped axis, at all its places. Grad: linear."""
    names = names_of(axis_name)
    place = operator.index(source)
    if not 0 <= place < axes_size(names):
        raise ValueError(f"pbroadcast: source must lie in 0..{axes_size(names) - 1}; got {place}.")
    if len(names) > 1:
        return over_leaves(
            lambda v: index_in_dim(all_gather(v, names), place, 0, keepdims=False), x
        )
    return over_leaves(
        lambda v: pbroadcast_p.bind(as_value(v, "pbroadcast"), axis_name=names[0], source=place), x
    )


def _spread_lower(ctx: Any, x: Any, *, axis_name: Any, source: int) -> Any:
    every = hlo.reshape(ctx, x, (1, *x.shape))
    every = hlo.all_gather(ctx, every, 0, device_groups(ctx, (axis_name,)), CHANNEL, True)
    rank = len(x.shape)
    one = hlo.slice(ctx, every, [source, *[0] * rank], [source + 1, *x.shape])
    return hlo.reshape(ctx, one, x.shape)


def _spread_transpose(ct: Any, x: Any, *, axis_name: Any, source: int) -> list[Any]:
    total = psum_p.bind(ct, axes=(axis_name,), axis_index_groups=None)
    here = axis_index(axis_name)
    return [select_n(eq(here, constant_like(here, source)), zeros_like(total), total)]


pbroadcast_p = _moving(
    "pbroadcast",
    infer=lambda x, **params: x.strong(),
    lower=_spread_lower,
    transpose=_spread_transpose,
    batch=lambda axis, x, d, *, axis_name, source: (
        (x, None) if d is None else (index_in_dim(x, source, d, keepdims=False), None)
    ),
)


def pcast(x: Any, axis_name: Any, *, to: str) -> Any:
    """x itself: numax keeps no record of which values vary along a mapped axis.

    Args: to, "varying", "unreduced" or "reduced". Raises: NameError if a name is unbound. Grad: linear.
    """
    if to not in ("varying", "unreduced", "reduced"):
        raise ValueError(f"pcast: to must be 'varying', 'unreduced' or 'reduced'; got {to!r}.")
    axes_size(names_of(axis_name))
    return over_leaves(lambda v: as_value(v, "pcast"), x)


# ---- axis_index, axis_size ----


def axis_index(axis_name: Any) -> Any:
    """The place along a mapped axis, int32; of several axes, in row-major order. Raises: NameError if unbound."""
    names = names_of(axis_name)
    index: Any = None
    for n in names:
        here = axis_index_p.bind(axis_name=n)
        index = (
            here if index is None else add(mul(index, constant_like(index, axis_env.size(n))), here)
        )
    return full((), 0, _INT32) if index is None else index


def axis_size(axis_name: Any) -> int:
    """The number of places along a mapped axis, or the product for several. Raises: NameError if unbound."""
    return axes_size(names_of(axis_name))


def _index_lower(ctx: Any, *, axis_name: Any) -> Any:
    groups = merged_groups(ctx, (axis_name,))
    place = np.zeros(1 + max(itertools.chain(*groups)), np.int32)
    for group in groups:
        place[group] = np.arange(len(group))
    device = hlo.partition_id(ctx)
    return hlo.reshape(ctx, hlo.dynamic_slice(ctx, ctx.constant(place), [device], (1,)), ())


axis_index_p = Collective(
    name="axis_index",
    infer=lambda *, axis_name: ShapedArray((), _INT32),
    host=outside("axis_index"),
    lower=_index_lower,
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims, *, axis_name: (
        (iota(np.int32, axis.size), 0)
        if axis.name == axis_name
        else (axis_index_p.bind(axis_name=axis_name), None)
    ),
)

__all__ = [
    "Collective",
    "all_gather",
    "all_gather_p",
    "all_to_all",
    "all_to_all_p",
    "axis_index",
    "axis_index_p",
    "axis_size",
    "bind_in_axes",
    "pbroadcast",
    "pbroadcast_p",
    "pcast",
    "pmax",
    "pmax_p",
    "pmean",
    "pmin",
    "pmin_p",
    "ppermute",
    "ppermute_p",
    "pshuffle",
    "psum",
    "psum_p",
    "psum_scatter",
    "psum_scatter_p",
    "pswapaxes",
]
