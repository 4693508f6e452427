"""What operations between the elements of a mapped axis share: binding, groups of places, groups of devices."""

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.core import axes as axis_env
from numax._engine.core.array import wrap
from numax._engine.core.avals import etype
from numax._engine.core.primitive import Evaluator, Primitive
from numax._engine.core.trace import current
from numax._engine.core.tree import flatten, unflatten
from numax._engine.ops.gather import GatherDimensionNumbers, gather

_INT32 = np.dtype(np.int32)
CHANNEL = 1  # of all collectives, as in other SPMD programs: the compiler tells them apart
Names = tuple[Any, ...]

# ---- binding ----


def names_of(axis_name: Any) -> Names:
    """The axis names that a parameter holds: a tuple or list of them, or one."""
    return tuple(axis_name) if isinstance(axis_name, tuple | list) else (axis_name,)


def bind_in_axes(prim: Primitive, names: Names, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """Apply in the highest trace among the operands', the program being recorded, and the named axes'."""
    top = current.get()
    level = top.level
    for x in args:
        trace = x._trace
        if trace is not None and trace.level > level:
            top, level = trace, trace.level
    for name in names:
        trace = axis_env.find(name).trace
        if trace is not None and trace.level > level:
            top, level = trace, trace.level
    if level < 0:
        return Evaluator.run(prim, args, params)
    return top.process(prim, tuple(args), params)


class Collective(Primitive):
    """An operation that names mapped axes, in its parameter `axes` or `axis_name`."""

    __slots__ = ()

    def bind(self, *args: Any, **params: Any) -> Any:
        names = params["axes"] if "axes" in params else params["axis_name"]
        return bind_in_axes(self, names_of(names), args, params)


def outside(op: str) -> Any:
    def host(*args: Any, **params: Any) -> Any:
        raise RuntimeError(f"{op}: runs only inside the function that vmap or pmap maps.")

    return host


def axes_size(names: Names) -> int:
    return math.prod([axis_env.size(n) for n in names])


def check_groups(op: str, groups: Any, size: int) -> Any:
    """Groups of axis indices as tuples: equal in size, each index in one of them. None if there are none."""
    if groups is None:
        return None
    found = tuple([tuple([operator.index(i) for i in g]) for g in groups])
    if sorted(itertools.chain(*found)) != list(range(size)) or len({len(g) for g in found}) != 1:
        raise ValueError(
            f"{op}: axis_index_groups must hold each of 0..{size - 1} once, in groups of equal size; got {found}."
        )
    return found


def rows_at(x: Any, index: Any) -> Any:
    """x[index], for a fixed array of indices into the first axis."""
    index = np.asarray(index, np.int32)
    places = wrap(index[..., None].copy(), etype(_INT32))
    rest = x.aval.shape[1:]
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(range(index.ndim, index.ndim + len(rest))),
        collapsed_slice_dims=(0,),
        start_index_map=(0,),
    )
    return gather(x, places, numbers, (1, *rest), mode="promise_in_bounds")


def by_groups(x: Any, groups: Any, combine: Callable[[Any], Any]) -> Any:
    """Each row replaced by what `combine` makes of its group's rows, stacked along axis 1 of its argument."""
    order = list(itertools.chain(*groups))
    each = len(groups[0])
    combined = combine(rows_at(x, groups))
    return rows_at(combined, np.argsort(order) // each)


# ---- lowering ----


def merged_groups(ctx: Any, names: Names) -> list[list[int]]:
    """Devices grouped along several mesh axes at once, in row-major order of the names given."""
    known = ctx.scope.axes
    for n in names:
        if n not in known:
            raise NameError(
                f"unbound axis name: {n}. No device axis of that name is mapped by numax.pmap here."
            )
    if len(names) == 1:
        return [list(g) for g in known[names[0]][1]]
    place: dict[int, list[int]] = {}
    near: dict[int, set[int]] = {}
    for n in names:
        for group in known[n][1]:
            for i, device in enumerate(group):
                place.setdefault(device, []).append(i)
                near.setdefault(device, set()).update(group)
    out = []
    seen: set[int] = set()
    for device in sorted(place):
        if device in seen:
            continue
        members = {device}
        frontier = [device]
        while frontier:
            for other in near[frontier.pop()] - members:
                members.add(other)
                frontier.append(other)
        seen |= members
        out.append(sorted(members, key=place.__getitem__))
    return out


def device_groups(ctx: Any, names: Names, index_groups: Any = None) -> list[list[int]]:
    groups = merged_groups(ctx, names)
    if index_groups is None:
        return groups
    return [[g[i] for i in part] for g in groups for part in index_groups]


def over_leaves(fun: Callable[[Any], Any], tree: Any) -> Any:
    leaves, treedef = flatten(tree)
    return unflatten(treedef, [fun(v) for v in leaves])


__all__ = [
    "CHANNEL",
    "Collective",
    "Names",
    "axes_size",
    "bind_in_axes",
    "by_groups",
    "check_groups",
    "device_groups",
    "merged_groups",
    "names_of",
    "outside",
    "over_leaves",
    "rows_at",
]
