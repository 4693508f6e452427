"""Small programs on scalars, the parameters of `reduce`, `reduce_window` and `scatter`: recording them, running
them on whole arrays at once, differentiating them, emitting them inside a region.

They run element by element through the batching rules of the operations inside. The transformations that
users call are elsewhere (`transforms`); these few lines serve rules that stand below them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.core import axes
from numax._engine.core.array import Array
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr, Jaxpr, Literal, intern
from numax._engine.core.primitive import Zero, zero_tangent
from numax._engine.core.stage import trace_to_jaxpr
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import moveaxis, to_front

Values = Sequence[Any]


def record(op: str, fun: Callable[..., Sequence[Any]], avals: Sequence[ShapedArray]) -> ClosedJaxpr:
    """`fun` (flat values to a flat sequence of values) as a program without free variables.

    Raises: NotImplementedError if it closes over a traced value, as in JAX.
    """
    jaxpr, consts = trace_to_jaxpr(
        lambda *args: [as_value(x, op) for x in fun(*args)], avals, f"the computation of {op}"
    )
    for c in consts:
        if type(c) is not Array:
            raise NotImplementedError(
                f"{op}: the computation must not use a traced value from outside; got {c.aval.str_short()}. "
                "Make it an operand, or write the reduction with numax.lax.scan."
            )
    return intern(ClosedJaxpr(jaxpr, consts))


def combiner(
    op: str, fun: Callable[..., Sequence[Any]], avals: Sequence[ShapedArray]
) -> ClosedJaxpr:
    """A recorded program that combines scalars of the given types, left and right, into scalars of those types."""
    scalars = [ShapedArray((), a.dtype) for a in avals]
    program = record(op, fun, scalars + scalars)
    found = [a.strong() for a in program.out_avals]
    if found != scalars:
        raise TypeError(
            f"{op}: the computation must return scalars of the operands' types; got "
            f"({', '.join(a.str_short() for a in found)}) for ({', '.join(a.str_short() for a in scalars)})."
        )
    return program


def single(program: ClosedJaxpr) -> str | None:
    """The name of the program's one operation, where it is that of its two arguments in order; else None."""
    jaxpr = program.jaxpr
    if len(jaxpr.eqns) == 1 and len(jaxpr.invars) == 2 and not jaxpr.constvars:
        eqn = jaxpr.eqns[0]
        if list(eqn.invars) == jaxpr.invars and jaxpr.outvars == list(eqn.outvars):
            return eqn.primitive.name
    return None


def _read(env: dict[Any, Any], atom: Any, default: Any = None) -> Any:
    return atom.val if type(atom) is Literal else env[atom]


def run_each(program: ClosedJaxpr, args: Values) -> list[Any]:
    """Run the program once for each row of the arguments, which all have a leading axis of one size."""
    size = args[0].aval.shape[0]
    frame = axes.AxisFrame(None, size)
    jaxpr = program.jaxpr
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, program.consts, strict=True))
    dim: dict[Any, Any] = dict.fromkeys(jaxpr.constvars)
    env.update(zip(jaxpr.invars, args, strict=True))
    dim.update(dict.fromkeys(jaxpr.invars, 0))
    for eqn in jaxpr.eqns:
        prim = eqn.primitive
        ins = [_read(env, v) for v in eqn.invars]
        dims = [None if type(v) is Literal else dim[v] for v in eqn.invars]
        if all(d is None for d in dims):
            out = prim.bind(*ins, **eqn.params)
            out_dim: Any = [None] * len(eqn.outvars) if prim.multiple_results else None
        else:
            out, out_dim = prim.batch(frame, ins, dims, **eqn.params)
        if prim.multiple_results:
            env.update(zip(eqn.outvars, out, strict=True))
            dim.update(zip(eqn.outvars, out_dim, strict=True))
        else:
            env[eqn.outvars[0]] = out
            dim[eqn.outvars[0]] = out_dim
    outs = []
    for v in jaxpr.outvars:
        d = None if type(v) is Literal else dim[v]
        outs.append(to_front(_read(env, v), d, size) if d is None else moveaxis(env[v], d, 0))
    return outs


def run_jvp(program: ClosedJaxpr, primals: Values, tangents: Values) -> tuple[list[Any], list[Any]]:
    """Run the program and its derivative; tangents are values or Zeros."""
    jaxpr: Jaxpr = program.jaxpr
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, program.consts, strict=True))
    tan: dict[Any, Any] = {}
    env.update(zip(jaxpr.invars, primals, strict=True))
    tan.update(zip(jaxpr.invars, tangents, strict=True))

    def tangent(atom: Any) -> Any:
        found = None if type(atom) is Literal else tan.get(atom)
        return Zero(atom.aval.tangent()) if found is None else found

    for eqn in jaxpr.eqns:
        prim = eqn.primitive
        ins = [_read(env, v) for v in eqn.invars]
        ts = [tangent(v) for v in eqn.invars]
        if prim.jvp is zero_tangent or all(type(t) is Zero for t in ts):
            out = prim.bind(*ins, **eqn.params)
            env.update(zip(eqn.outvars, out if prim.multiple_results else [out], strict=True))
            continue
        out, t = prim.jvp(ins, ts, **eqn.params)
        env.update(zip(eqn.outvars, out if prim.multiple_results else [out], strict=True))
        tan.update(zip(eqn.outvars, t if prim.multiple_results else [t], strict=True))
    return [_read(env, v) for v in jaxpr.outvars], [tangent(v) for v in jaxpr.outvars]


def emit(ctx: Any, program: ClosedJaxpr, args: Sequence[Any]) -> list[Any]:
    """Emit the program's operations at the place that the builder has reached, such as inside a region."""
    outer = ctx.avals_in, ctx.avals_out
    results = ctx.scope.inline(program, args)
    ctx.avals_in, ctx.avals_out = outer
    return results


__all__ = ["combiner", "emit", "record", "run_each", "run_jvp", "single"]
