"""jit_p: a program called as one operation."""

from collections.abc import Sequence
from typing import Any

from numax._engine import transforms
from numax._engine.core import axes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr, Eqn
from numax._engine.core.primitive import Primitive, Zero, is_linear, on_device
from numax._engine.core.trace import current
from numax._engine.ops.basis import moveaxis
from numax._engine.transforms.partial_eval import Split, prune_program, residual_ins, split_program


def _infer(*avals: ShapedArray, jaxpr: ClosedJaxpr, name: str) -> list[ShapedArray]:
    return jaxpr.out_avals


def bind_programs(
    prim: Primitive, programs: Sequence[ClosedJaxpr], args: Sequence[Any], params: dict[str, Any]
) -> Any:
    """Bind an operation whose programs may name mapped axes: the traces that map those axes take part."""
    names = frozenset().union(*(p.axis_names for p in programs))
    if names:
        frames = [axes.find(n) for n in names if n in axes.names()]
        level = max([current.get().level, *(a._trace.level for a in args if a._trace is not None)])
        traces = [f.trace for f in frames if f.trace is not None and f.trace.level > level]
        if traces:
            return max(traces, key=lambda t: t.level).process(prim, tuple(args), params)
    return prim.bind(*args, **params)


def nonzeros(tangents: Sequence[Any]) -> tuple[bool, ...]:
    return tuple([type(t) is not Zero for t in tangents])


def pack_tangents(
    outs: Sequence[Any], count: int, given: Sequence[bool], avals: Sequence[ShapedArray]
) -> Any:
    """Outputs and tangents from a program of the form of `jvp_program`."""
    tangents = iter(outs[count:])
    return list(outs[:count]), [
        next(tangents) if nz else Zero(a.tangent()) for nz, a in zip(given, avals, strict=True)
    ]


def _jvp(primals: Any, tangents: Any, *, jaxpr: ClosedJaxpr, name: str) -> Any:
    program, given = transforms.jvp.jvp_program(jaxpr, nonzeros(tangents))
    args = [*primals, *(t for t in tangents if type(t) is not Zero)]
    outs = jit_p.bind(*args, jaxpr=program, name=name)
    return pack_tangents(outs, len(given), given, jaxpr.out_avals)


def split_call(
    prim: Primitive, unknown: tuple[bool, ...], jaxpr: ClosedJaxpr, params: dict[str, Any]
) -> Split:
    parts = split_program(jaxpr, unknown)
    known_ins = tuple(i for i, u in enumerate(unknown) if not u)
    linear_ins = (
        *residual_ins(parts.residuals),
        *parts.forwarded,
        *(i for i, u in enumerate(unknown) if u),
    )
    runs = parts.residuals or not all(parts.unknown_outs)
    return Split(
        prim if runs else None,
        {**params, "jaxpr": parts.known},
        known_ins,
        parts.residuals,
        prim,
        {**params, "jaxpr": parts.linear},
        linear_ins,
        parts.unknown_outs,
    )


def linear_cotangents(args: Sequence[Any], given: Sequence[bool], outs: Sequence[Any]) -> list[Any]:
    """One cotangent for each linear argument, None for the others."""
    flags, results = iter(given), iter(outs)
    return [
        (next(results) if next(flags) else Zero(a.aval)) if is_linear(a) else None for a in args
    ]


def _transpose(cts: Any, *args: Any, jaxpr: ClosedJaxpr, name: str) -> Any:
    linear = tuple([is_linear(a) for a in args])
    program, given = transforms.transpose.transpose_program(jaxpr, linear, nonzeros(cts), False)
    known = [a for a in args if not is_linear(a)]
    outs = jit_p.bind(*known, *(ct for ct in cts if type(ct) is not Zero), jaxpr=program, name=name)
    return linear_cotangents(args, given, outs)


def front(args: Sequence[Any], dims: Sequence[int | None]) -> list[Any]:
    """Arguments with their batch axes first."""
    return [a if d is None else moveaxis(a, d, 0) for a, d in zip(args, dims, strict=True)]


def _batch(axis: Any, args: Any, dims: Any, *, jaxpr: ClosedJaxpr, name: str) -> Any:
    program, batched = transforms.vmap.vmap_program(
        jaxpr, axis, tuple([d is not None for d in dims])
    )
    outs = jit_p.bind(*front(args, dims), jaxpr=program, name=name)
    return outs, [0 if b else None for b in batched]


def _lower(ctx: Any, *args: Any, jaxpr: ClosedJaxpr, name: str) -> Any:
    return ctx.scope.call(jaxpr, name, args)


def _prune(eqn: Eqn, used: tuple[bool, ...]) -> Eqn:
    program, kept = prune_program(eqn.params["jaxpr"], used)
    ins = [v for v, k in zip(eqn.invars, kept, strict=True) if k]
    outs = [v for v, u in zip(eqn.outvars, used, strict=True) if u]
    return eqn.replace(invars=ins, outvars=outs, params={**eqn.params, "jaxpr": program})


jit_p = Primitive(
    name="jit",
    multiple_results=True,
    infer=_infer,
    host=on_device,
    lower=_lower,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    split=lambda unknown, *, jaxpr, name: split_call(jit_p, unknown, jaxpr, {"name": name}),
    prune=_prune,
)
