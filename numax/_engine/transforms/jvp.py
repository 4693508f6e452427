"""Forward-mode differentiation: each value carries a tangent.

Source: the dual-number formulation; Elliott, "The simple essence of automatic differentiation" (2018).
"""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.core.array import Array
from numax._engine.core.dtypes import float0
from numax._engine.core.ir import ClosedJaxpr, eval_jaxpr, intern
from numax._engine.core.native import native
from numax._engine.core.primitive import Primitive, Zero, not_differentiable, zero_tangent
from numax._engine.core.stage import closed_program, trace_to_jaxpr
from numax._engine.core.trace import Trace, Tracer, new_depth
from numax._engine.ops.basis import instantiate

_new = object.__new__


class JVPTracer(Tracer):
    """A primal value with its tangent."""

    __slots__ = ("aval", "primal", "tangent")

    def __init__(self, trace: "JVPTrace", primal: Any, tangent: Any):
        self._trace = trace
        self._place = None
        self.primal = primal
        self.tangent = tangent
        self.aval = primal.aval

    def concrete_(self) -> Any:
        primal = self.primal
        return primal if type(primal) is Array else primal.concrete_()

    def origin_(self) -> str:
        return "" if type(self.primal) is Array else self.primal.origin_()


class JVPTrace(Trace):
    """Differentiates operations as they are called."""

    __slots__ = ()
    what = "a function being differentiated"

    def parts(self, args: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        primals: list[Any] = []
        tangents: list[Any] = []
        for a in args:
            trace = a._trace
            if trace is self:
                primals.append(a.primal)
                tangents.append(a.tangent)
            else:
                if trace is not None and not trace.alive:
                    raise trace.leaked(a)
                primals.append(a)
                tangents.append(Zero(a.aval.tangent()))
        if not self.alive:
            raise self.leaked(next(a for a in args if a._trace is self))
        return primals, tangents

    def process(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        primals, tangents = self.parts(args)
        rule = prim.jvp
        if rule is zero_tangent:
            return prim.bind(*primals, **params)
        if isinstance(rule, not_differentiable):
            if all(type(t) is Zero for t in tangents):
                return prim.bind(*primals, **params)
            raise TypeError(
                f"{prim.name}: not differentiable: {rule.reason} "
                "Wrap its argument in numax.lax.stop_gradient, or give a rule with numax.custom_jvp."
            )
        out, tangent = rule(primals, tangents, **params)
        if prim.multiple_results:
            return [
                o if type(t) is Zero else JVPTracer(self, o, t)
                for o, t in zip(out, tangent, strict=True)
            ]
        if type(tangent) is Zero:
            return out
        tracer = _new(JVPTracer)
        tracer._trace = self
        tracer._place = None
        tracer.primal = out
        tracer.tangent = tangent
        tracer.aval = out.aval
        return tracer

    def custom_jvp(
        self, fun: Any, rule: Any, args: Sequence[Any], symbolic_zeros: bool
    ) -> list[Any]:
        """Apply a user's derivative rule (flat: primals, tangents -> outputs, tangents)."""
        primals, tangents = self.parts(args)
        outs, out_tangents = rule(primals, tangents)
        return [
            o if type(t) is Zero else JVPTracer(self, o, t)
            for o, t in zip(outs, out_tangents, strict=True)
        ]


if native is not None:  # what `process` does most often, in C
    native.set_jvp(JVPTrace, JVPTracer, Zero, not_differentiable, zero_tangent)


def split_tangent(trace: Trace, x: Any) -> tuple[Any, Any]:
    """Primal and tangent of a function's result."""
    if x._trace is trace:
        return x.primal, x.tangent
    return x, Zero(x.aval.tangent())


def jvp(
    fun: Callable[..., Sequence[Any]], primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Values and tangents of a flat function (values -> sequence of values)."""
    with new_depth() as level:
        trace = JVPTrace(level)
        args = [
            p if type(t) is Zero else JVPTracer(trace, p, t)
            for p, t in zip(primals, tangents, strict=True)
        ]
        try:
            results = fun(*args)
        finally:
            trace.alive = False
    pairs = [split_tangent(trace, x) for x in results]
    return [p for p, _ in pairs], [t for _, t in pairs]


def jvp_program(
    closed: ClosedJaxpr, nonzeros: tuple[bool, ...], force: Any = False
) -> tuple[ClosedJaxpr, tuple[bool, ...]]:
    """The program (primals..., tangents that are not zero...) -> (primals..., tangents that are not zero...).

    force: True, or a bool per result, to make its tangent an array in any case. Cached on the program.
    """
    key = ("jvp", nonzeros, force)
    found = closed.cache.get(key)
    if found is not None:
        return found
    count = len(closed.jaxpr.invars)
    avals = closed.in_avals
    flags = (force,) * len(closed.jaxpr.outvars) if isinstance(force, bool) else force
    out_nonzeros: list[bool] = []

    def run(*args: Any) -> list[Any]:
        primals, given = args[:count], iter(args[count:])
        tangents = [
            next(given) if nz else Zero(a.tangent()) for nz, a in zip(nonzeros, avals, strict=True)
        ]
        outs, out_tangents = jvp(
            lambda *xs: eval_jaxpr(closed.jaxpr, closed.consts, *xs), primals, tangents
        )
        kept = []
        for t, want in zip(out_tangents, flags, strict=True):
            nonzero = type(t) is not Zero or (want and t.aval.dtype != float0)
            out_nonzeros.append(nonzero)
            if nonzero:
                kept.append(instantiate(t))
        return [*outs, *kept]

    in_avals = avals + [a.tangent() for a, nz in zip(avals, nonzeros, strict=True) if nz]
    jaxpr, consts = trace_to_jaxpr(run, in_avals, "a derivative")
    found = intern(closed_program(jaxpr, consts, "jvp")), tuple(out_nonzeros)
    closed.cache[key] = found
    return found


__all__ = ["JVPTrace", "JVPTracer", "jvp", "jvp_program", "split_tangent"]
