"""pmap_p: a program run on several devices at once, each with its slice of the arguments.

Lowered to one module for all devices (SPMD), in which the program is a manual computation over a mesh of one axis.
"""

from collections.abc import Sequence
from typing import Any

from numax._engine.control.call import linear_cotangents, nonzeros, pack_tangents
from numax._engine.core import axes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.dtypes import physical
from numax._engine.core.ir import ClosedJaxpr
from numax._engine.core.placement import Placement
from numax._engine.core.primitive import Primitive, Zero, is_linear, on_device
from numax._engine.ops.basis import moveaxis, reduce_sum, to_front
from numax._engine.stablehlo import hlo
from numax._engine.transforms.jvp import jvp_program
from numax._engine.transforms.partial_eval import Split, residual_ins, split_program
from numax._engine.transforms.transpose import transpose_program
from numax._engine.transforms.vmap import vmap_program

__all__ = ["bind_pmap", "pmap_p"]


def _wide(aval: ShapedArray, size: int) -> ShapedArray:
    return ShapedArray((size, *aval.shape), aval.dtype, aval.weak_type)


def _infer(
    *avals: ShapedArray, jaxpr: ClosedJaxpr, placement: Placement, axis_name: Any, name: str
) -> Any:
    return [_wide(a, placement.size) for a in jaxpr.out_avals]


def bind_pmap(
    args: Sequence[Any],
    mapped: Sequence[bool],
    jaxpr: ClosedJaxpr,
    placement: Placement,
    axis_name: Any,
    name: str,
) -> list[Any]:
    """Bind with other arguments on the same devices."""
    fitted = placement._replace(
        mapped_in=tuple(mapped), mapped_out=(True,) * len(jaxpr.jaxpr.outvars)
    )
    return pmap_p.bind(*args, jaxpr=jaxpr, placement=fitted, axis_name=axis_name, name=name)


def _scope(placement: Placement, axis_name: Any) -> Any:
    return axes.extend(axis_name, placement.size)


def _jvp(
    primals: Any,
    tangents: Any,
    *,
    jaxpr: ClosedJaxpr,
    placement: Placement,
    axis_name: Any,
    name: str,
) -> Any:
    nz = nonzeros(tangents)
    with _scope(placement, axis_name):
        program, given = jvp_program(jaxpr, nz)
    mapped = [*placement.mapped_in, *(m for m, n in zip(placement.mapped_in, nz, strict=True) if n)]
    args = [*primals, *(t for t in tangents if type(t) is not Zero)]
    outs = bind_pmap(args, mapped, program, placement, axis_name, name)
    avals = [_wide(a, placement.size) for a in jaxpr.out_avals]
    return pack_tangents(outs, len(given), given, avals)


def _fit(mapped: Sequence[bool], jaxpr: ClosedJaxpr, placement: Placement) -> Placement:
    return placement._replace(
        mapped_in=tuple(mapped), mapped_out=(True,) * len(jaxpr.jaxpr.outvars)
    )


def _split(
    unknown: tuple[bool, ...],
    *,
    jaxpr: ClosedJaxpr,
    placement: Placement,
    axis_name: Any,
    name: str,
) -> Split:
    parts = split_program(jaxpr, unknown)
    mapped = placement.mapped_in
    known_ins = tuple(i for i, u in enumerate(unknown) if not u)
    rest = (*parts.forwarded, *(i for i, u in enumerate(unknown) if u))
    common = {"axis_name": axis_name, "name": name}
    known_place = _fit([mapped[i] for i in known_ins], parts.known, placement)
    linear_place = _fit(
        [*(True for _ in range(parts.residuals)), *(mapped[i] for i in rest)],
        parts.linear,
        placement,
    )
    runs = parts.residuals or not all(parts.unknown_outs)
    return Split(
        pmap_p if runs else None,
        {**common, "jaxpr": parts.known, "placement": known_place},
        known_ins,
        parts.residuals,
        pmap_p,
        {**common, "jaxpr": parts.linear, "placement": linear_place},
        (*residual_ins(parts.residuals), *rest),
        parts.unknown_outs,
    )


def _transpose(
    cts: Any, *args: Any, jaxpr: ClosedJaxpr, placement: Placement, axis_name: Any, name: str
) -> Any:
    linear = tuple([is_linear(a) for a in args])
    with _scope(placement, axis_name):
        program, given = transpose_program(jaxpr, linear, nonzeros(cts), False)
    known = [a for a in args if not is_linear(a)]
    mapped = [m for a, m in zip(args, placement.mapped_in, strict=True) if not is_linear(a)]
    given_cts = [ct for ct in cts if type(ct) is not Zero]
    outs = bind_pmap(
        [*known, *given_cts],
        [*mapped, *(True for _ in given_cts)],
        program,
        placement,
        axis_name,
        name,
    )
    results = linear_cotangents(args, given, outs)
    # an argument that all devices share gets the sum of their cotangents
    return [
        reduce_sum(r, (0,)) if r is not None and type(r) is not Zero and not m else r
        for r, m in zip(results, placement.mapped_in, strict=True)
    ]


def _batch(
    axis: Any,
    args: Any,
    dims: Any,
    *,
    jaxpr: ClosedJaxpr,
    placement: Placement,
    axis_name: Any,
    name: str,
) -> Any:
    with _scope(placement, axis_name):
        program, _ = vmap_program(jaxpr, axis, tuple([d is not None for d in dims]), True)
    ready = []
    for a, d, m in zip(args, dims, placement.mapped_in, strict=True):
        if d is None:
            ready.append(a)
        elif m:
            ready.append(moveaxis(to_front(a, d, axis.size), 0, 1))
        else:
            ready.append(moveaxis(a, d, 0))
    outs = bind_pmap(ready, placement.mapped_in, program, placement, axis_name, name)
    return outs, [1] * len(outs)


def _sharding(ndim: int, mapped: bool, label: str) -> str:
    parts = [f'{{"{label}"}}' if mapped and i == 0 else "{}" for i in range(ndim)]
    return f"<@mesh, [{', '.join(parts)}]>"


def _lower(
    ctx: Any, *args: Any, jaxpr: ClosedJaxpr, placement: Placement, axis_name: Any, name: str
) -> list[Any]:
    walk = ctx.scope
    size, label = placement.size, "devices"
    ctx.mesh("mesh", label, size)
    ins = ", ".join(
        _sharding(len(v.shape), m, label) for v, m in zip(args, placement.mapped_in, strict=True)
    )
    outs = [_wide(a, size) for a in jaxpr.out_avals]
    out_shardings = ", ".join(_sharding(a.ndim, True, label) for a in outs)
    types = [
        ((1, *v.shape[1:]) if m else v.shape, v.dtype)
        for v, m in zip(args, placement.mapped_in, strict=True)
    ]
    outer = walk.axes
    with ctx.region(types) as region:
        walk.axes = {**outer, axis_name: (size, [list(range(size))])}
        pieces = [
            hlo.reshape(ctx, v, v.shape[1:]) if m else v
            for v, m in zip(region.args, placement.mapped_in, strict=True)
        ]
        results = [hlo.reshape(ctx, r, (1, *r.shape)) for r in walk.inline(jaxpr, pieces)]
        names = ", ".join(r.name for r in results)
        of = ", ".join(r.type for r in results)
        ctx.lines.append(f'    "sdy.return"({names}) : ({of}) -> ()')
    walk.axes = outer
    attrs = (
        f'in_shardings = #sdy.sharding_per_value<[{ins}]>, manual_axes = #sdy<manual_axes{{"{label}"}}>, '
        f"out_shardings = #sdy.sharding_per_value<[{out_shardings}]>"
    )
    return ctx.ops(
        "sdy.manual_computation",
        list(args),
        [(a.shape, physical(a.dtype)) for a in outs],
        attrs,
        [region.text],
    )


pmap_p = Primitive(
    name="pmap",
    multiple_results=True,
    infer=_infer,
    host=on_device,
    lower=_lower,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    split=_split,
)
