"""vmap: a function on one element becomes one on batches."""

import functools
from collections.abc import Callable
from typing import Any

from numax._engine.control.record import name_of, values_of
from numax._engine.core import tree
from numax._engine.ops.basis import moveaxis, to_front
from numax._engine.transforms.vmap import Axis
from numax._engine.transforms.vmap import vmap as vmap_flat


def axes_prefix(op: str, what: str, axes: Any, full: Any, structure: Any) -> list[Any]:
    """One axis (int or None) for each leaf, from a prefix pytree of axes."""
    if axes is None or isinstance(axes, int):
        return [axes] * structure.num_leaves
    try:
        return tree.broadcast_prefix(axes, full, is_leaf=lambda x: x is None)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{op}: {what} must be an int, None, or a pytree prefix of the {'arguments' if what == 'in_axes' else 'results'}; "
            f"got {axes!r}. {error}"
        ) from None


def vmap(
    fun: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: Any = None,
    axis_size: int | None = None,
    spmd_axis_name: Any = None,
    sum_match: bool = False,
) -> Callable[..., Any]:
    """A function that applies `fun` to every element along an axis of its arguments at once.

    Args: in_axes (an int, None for arguments that are the same for all, or a tuple or pytree of these; keyword arguments
        always map axis 0); out_axes likewise; axis_name (for collectives inside); axis_size (where no argument is mapped).
    Raises: ValueError if the mapped axes differ in size, or there is none.
    """
    if not callable(fun):
        raise TypeError(f"vmap: fun must be callable; got {type(fun).__name__}.")
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if not (
        in_axes is None or isinstance(in_axes, int | tuple | dict) or hasattr(in_axes, "__iter__")
    ):
        raise TypeError(
            f"vmap: in_axes must be an int, None, or a tuple of these for each argument; got {in_axes!r}."
        )
    for leaf in tree.flatten(in_axes)[0]:
        if not isinstance(leaf, int):
            raise TypeError(
                f"vmap: in_axes must hold ints and None only; got {leaf!r} in {in_axes!r}."
            )
    for leaf in tree.flatten(out_axes)[0]:
        if not isinstance(leaf, int):
            raise TypeError(
                f"vmap: out_axes must hold ints and None only; got {leaf!r} in {out_axes!r}."
            )

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_axes, tuple) and len(in_axes) != len(args):
            raise ValueError(
                f"vmap: in_axes must have one entry for each positional argument; got {len(in_axes)} entries for "
                f"{len(args)} arguments of `{name_of(fun)}`."
            )
        values, in_tree = values_of("vmap", "arguments", (args, kwargs))
        args_tree, kwargs_tree = in_tree.children()
        dims = axes_prefix("vmap", "in_axes", in_axes, args, args_tree)
        dims = [*dims, *([0] * kwargs_tree.num_leaves)]
        dims = [_canonical(v, d, fun) for v, d in zip(values, dims, strict=True)]
        size = _size(fun, values, dims, axis_size, args, kwargs)
        axis = Axis(size, axis_name, spmd_axis_name)
        out_trees: list[Any] = []

        def flat(*leaves: Any) -> list[Any]:
            positional, named = tree.unflatten(in_tree, leaves)
            outs, structure = values_of("vmap", "the result", fun(*positional, **named))
            out_trees.append(structure)
            return outs

        outs, out_dims = vmap_flat(flat, axis, values, dims)
        out_tree = out_trees[0]
        wanted = axes_prefix("vmap", "out_axes", out_axes, tree.unflatten(out_tree, outs), out_tree)
        results = [
            _place(o, d, w, size, fun) for o, d, w in zip(outs, out_dims, wanted, strict=True)
        ]
        return tree.unflatten(out_tree, results)

    return wrapped


def _canonical(x: Any, d: int | None, fun: Any) -> int | None:
    if d is None:
        return None
    ndim = x.aval.ndim
    if not -ndim <= d < ndim:
        raise ValueError(
            f"vmap: in_axes names axis {d} of an argument of `{name_of(fun)}` that is {x.aval.str_short()}, with {ndim} "
            "dimensions. Use None for arguments that are not mapped."
        )
    return d % ndim


def _size(fun: Any, values: Any, dims: Any, axis_size: int | None, args: Any, kwargs: Any) -> int:
    sizes = [v.aval.shape[d] for v, d in zip(values, dims, strict=True) if d is not None]
    if axis_size is not None:
        sizes.append(axis_size)
    if not sizes:
        raise ValueError(
            f"vmap: `{name_of(fun)}` needs at least one mapped argument (in_axes other than None), or axis_size."
        )
    if len(set(sizes)) == 1:
        return sizes[0]
    paths = [p for p, _ in tree.flatten_with_path((args, kwargs))[0]]
    lines = []
    for p, v, d in zip(paths, values, dims, strict=True):
        if d is not None:
            where = "args" if p[0].idx == 0 else "kwargs"
            lines.append(
                f"  {where}{tree.keystr(p[1:])}: axis {d} of {v.aval.str_short()} has size {v.aval.shape[d]}"
            )
    if axis_size is not None:
        lines.append(f"  axis_size is {axis_size}")
    raise ValueError(
        f"vmap: the mapped axes of `{name_of(fun)}` must have equal sizes; got\n" + "\n".join(lines)
    )


def _place(out: Any, dim: int | None, wanted: int | None, size: int, fun: Any) -> Any:
    if wanted is None:
        if dim is not None:
            raise ValueError(
                f"vmap: out_axes is None for a result of `{name_of(fun)}` that differs between elements. Use an axis, or "
                "reduce it over axis_name."
            )
        return out
    if dim is None:
        out, dim = to_front(out, None, size), 0
    ndim = out.aval.ndim
    if not -ndim <= wanted < ndim:
        raise ValueError(
            f"vmap: out_axes names axis {wanted} of a result of `{name_of(fun)}` with {ndim} dimensions (batch included)."
        )
    return moveaxis(out, dim, wanted % ndim)
