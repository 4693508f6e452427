"""pmap: a function on one slice becomes one on all devices, a slice each."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from numax._engine import runtime
from numax._engine.control.pmap import bind_pmap
from numax._engine.control.record import name_of, values_of
from numax._engine.core import axes, tree
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import intern
from numax._engine.core.placement import Placement
from numax._engine.core.stage import split_tracers, trace_to_jaxpr
from numax._engine.ops.basis import moveaxis
from numax._engine.ops.slicing import index_in_dim
from numax.api.jit import Statics, as_tuple, jit, merge, trace_key
from numax.api.vmap import _canonical, _size, axes_prefix, vmap


def pmap(
    fun: Callable[..., Any],
    axis_name: Any = None,
    *,
    in_axes: Any = 0,
    out_axes: Any = 0,
    static_broadcasted_argnums: int | Sequence[int] = (),
    devices: Sequence[Any] | None = None,
    backend: str | None = None,
    axis_size: int | None = None,
    donate_argnums: Any = (),
    global_arg_shapes: Any = None,
) -> Callable[..., Any]:
    """A function that runs `fun` on each slice along the mapped axes at once, each on its own device, compiled.

    Args: axis_name (for psum and its kin inside); in_axes, out_axes (int or None, as vmap's); devices (default: all
        local ones); static_broadcasted_argnums (arguments that are part of the program).
    Raises: ValueError if the mapped axes differ in size, or exceed the number of devices. Grad: as fun's.
    """
    statics = Statics("pmap", fun, as_tuple(static_broadcasted_argnums) or None, None)
    name = axis_name if axis_name is not None else _Unnamed()
    chosen = tuple(devices) if devices is not None else None
    entries: dict[Any, Any] = {}

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        dynamic, rest, static = statics.split(args, kwargs)
        axes_now = in_axes
        if isinstance(in_axes, tuple | list) and statics:
            fixed = {i for i, _ in static[0]}
            axes_now = tuple(a for i, a in enumerate(in_axes) if i not in fixed)
        values, in_tree = values_of("pmap", "arguments", (tuple(dynamic), rest))
        args_tree, kwargs_tree = in_tree.children()
        dims = axes_prefix("pmap", "in_axes", axes_now, tuple(dynamic), args_tree)
        dims = [*dims, *([0] * kwargs_tree.num_leaves)]
        dims = [_canonical(v, d, fun) for v, d in zip(values, dims, strict=True)]
        size = _size(fun, values, dims, axis_size, tuple(dynamic), rest)

        def whole(*positional: Any, **named: Any) -> Any:
            every, fixed_names = merge(positional, static)
            return fun(*every, **named, **fixed_names)

        whole.__name__ = name_of(fun)
        limit = len(chosen) if chosen else runtime.device_count()
        if size > limit:
            raise ValueError(
                f"pmap: compiling `{name_of(fun)}` needs {size} devices, one for each element of the mapped axis, and "
                f'there are {limit}. Make more with numax.config.update("num_cpu_devices", {size}) before the first use, '
                "or use vmap."
            )
        key = (
            in_tree,
            tuple([(v.aval, d) for v, d in zip(values, dims, strict=True)]),
            static,
            trace_key(),
            size,
        )
        if size == 1 or name in axes.names() or _inside(name):
            function = entries.get(("vmap", key))
            if function is None:
                function = entries[("vmap", key)] = jit(
                    vmap(whole, axes_now, out_axes, axis_name=name, axis_size=size)
                )
            return function(*dynamic, **rest)
        entry = entries.get(key)
        if entry is None or not all(t._trace.alive for t in entry[1]):
            entry = entries[key] = _record(whole, name, in_tree, values, dims, size)
        closed, outer, out_tree = entry
        ready = [v if d is None else moveaxis(v, d, 0) for v, d in zip(values, dims, strict=True)]
        mapped = [*(False for _ in outer), *(d is not None for d in dims)]
        place = Placement(size, chosen, (), ())
        outs = bind_pmap([*outer, *ready], mapped, closed, place, name, name_of(fun))
        wanted = axes_prefix("pmap", "out_axes", out_axes, tree.unflatten(out_tree, outs), out_tree)
        results = [_result(o, w) for o, w in zip(outs, wanted, strict=True)]
        return tree.unflatten(out_tree, results)

    return wrapped


class _Unnamed:
    """The axis of a pmap without a name."""

    def __repr__(self) -> str:
        return "<unnamed axis>"


def _inside(name: Any) -> bool:
    """Whether another pmap is being recorded: an inner one runs on its device, batched."""
    return any(axes.find(n).trace is None for n in axes.names())


def _record(
    whole: Any, name: Any, in_tree: Any, values: Sequence[Any], dims: Sequence[Any], size: int
) -> Any:
    out_tree: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        positional, named = tree.unflatten(in_tree, leaves)
        outs, structure = values_of("pmap", "the result", whole(*positional, **named))
        out_tree.append(structure)
        return outs

    avals = [_slice(v.aval, d) for v, d in zip(values, dims, strict=True)]
    with axes.extend(name, size):
        jaxpr, consts = trace_to_jaxpr(flat, avals, f"`{whole.__name__}` under pmap")
    closed, outer = split_tracers(jaxpr, consts)
    return intern(closed), outer, out_tree[0]


def _slice(aval: ShapedArray, d: int | None) -> ShapedArray:
    if d is None:
        return aval
    return ShapedArray(aval.shape[:d] + aval.shape[d + 1 :], aval.dtype, aval.weak_type)


def _result(out: Any, wanted: int | None) -> Any:
    if wanted is None:
        return index_in_dim(out, 0, 0, keepdims=False)
    return moveaxis(out, 0, wanted % out.aval.ndim)
