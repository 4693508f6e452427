"""Linearisation: run a function's known part now, and put its linear part on a tape.

The tape is a list of equations whose inputs are variables or known values as they are; `transpose.backward` runs it
backwards, `Tape.forward` forwards. Source: Radul, Paszke, Frostig, Johnson, Maclaurin, "You only linearize once" (2022).
"""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import Eqn, Var
from numax._engine.core.native import native
from numax._engine.core.primitive import Primitive, Zero
from numax._engine.core.source import here
from numax._engine.core.trace import Trace, Tracer, new_depth
from numax._engine.transforms.jvp import JVPTrace, JVPTracer, split_tangent

_new = object.__new__


class LinearTracer(Tracer):
    """A tangent that is not known yet."""

    __slots__ = ("_var", "aval")


class LinearTrace(Trace):
    """Writes operations on unknown tangents to a tape."""

    __slots__ = ("eqns",)
    what = "the linear part of a function being differentiated"

    def __init__(self, level: int):
        self.level = level
        self.alive = True
        self.eqns: list[Eqn] = []

    def tracer(self, var: Var) -> LinearTracer:
        out = _new(LinearTracer)
        out._trace = self
        out._place = None
        out.aval = var.aval
        out._var = var
        return out

    def process(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if not self.alive:
            raise self.leaked(next(a for a in args if a._trace is self))
        if prim.split is not None:
            return self._split(prim, args, params)
        ins = [a._var if a._trace is self else a for a in args]
        out = prim.infer(*[a.aval for a in args], **params)
        if prim.multiple_results:
            outs = [Var(a) for a in out]
            self.eqns.append(Eqn(prim, ins, params, outs, here(2)))
            return [self.tracer(v) for v in outs]
        var = Var(out)
        self.eqns.append(Eqn(prim, ins, params, [var], None))
        return self.tracer(var)

    def _split(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> list[Any]:
        s = prim.split(tuple([a._trace is self for a in args]), **params)
        known: list[Any] = []
        residuals: list[Any] = []
        if s.known is not None:
            results = s.known.bind(*[args[i] for i in s.known_ins], **s.known_params)
            count = len(results) - s.residuals
            known, residuals = list(results[:count]), list(results[count:])
        ins = [args[i] if i >= 0 else residuals[-1 - i] for i in s.linear_ins]
        avals = s.linear.infer(*[a.aval for a in ins], **s.linear_params)
        outs = [Var(a) for a in avals]
        atoms = [a._var if a._trace is self else a for a in ins]
        self.eqns.append(Eqn(s.linear, atoms, s.linear_params, outs, here(3)))
        first, second = iter(known), iter(outs)
        return [self.tracer(next(second)) if u else next(first) for u in s.unknown_outs]


if native is not None:  # what `process` does most often, in C
    native.set_linear(LinearTrace, LinearTracer)


class Tape:
    """The linear part of a function at a point: tangents in, tangents out."""

    __slots__ = ("eqns", "invars", "outs")

    def __init__(self, eqns: list[Eqn], invars: list[Var | None], outs: list[Any]):
        self.eqns = eqns
        self.invars = invars
        self.outs = outs  # Var, or a value or Zero that does not depend on the inputs

    def values(self) -> list[Any]:
        """The known values that the tape holds, in a fixed order."""
        held = [v for eqn in self.eqns for v in eqn.invars if type(v) is not Var]
        return held + [v for v in self.outs if type(v) is not Var and type(v) is not Zero]

    def blanks(self) -> list[None]:
        """What stands for the values in a tape without any, such as the structure of a pytree keeps."""
        return [None] * len(self.values())

    def with_values(self, values: Sequence[Any]) -> "Tape":
        """The same tape on other known values."""
        given = iter(values)
        eqns = [
            eqn.replace(invars=[v if type(v) is Var else next(given) for v in eqn.invars])
            for eqn in self.eqns
        ]
        outs = [v if type(v) is Var or type(v) is Zero else next(given) for v in self.outs]
        return Tape(eqns, self.invars, outs)

    def forward(self, tangents: Sequence[Any]) -> list[Any]:
        """The output tangents for input tangents."""
        env: dict[Any, Any] = {
            v: t for v, t in zip(self.invars, tangents, strict=True) if v is not None
        }
        for eqn in self.eqns:
            ins = [env[v] if type(v) is Var else v for v in eqn.invars]
            out = eqn.primitive.bind(*ins, **eqn.params)
            if eqn.primitive.multiple_results:
                env.update(zip(eqn.outvars, out, strict=True))
            else:
                env[eqn.outvars[0]] = out
        return [env[v] if type(v) is Var else v for v in self.outs]


def linearize(
    fun: Callable[..., Sequence[Any]], primals: Sequence[Any], active: Sequence[bool] | None = None
) -> tuple[list[Any], Tape]:
    """The values of a flat function and its tape. active: which inputs have derivatives (default: inexact ones)."""
    with new_depth() as low:
        linear = LinearTrace(low)
        with new_depth() as high:
            trace = JVPTrace(high)
            args: list[Any] = []
            invars: list[Var | None] = []
            for i, p in enumerate(primals):
                if active is not None and not active[i]:
                    args.append(p)
                    invars.append(None)
                    continue
                var = Var(p.aval.tangent())
                invars.append(var)
                args.append(JVPTracer(trace, p, linear.tracer(var)))
            try:
                results = fun(*args)
            finally:
                trace.alive = False
        outs: list[Any] = []
        values: list[Any] = []
        for x in results:
            p, t = split_tangent(trace, x)
            values.append(p)
            if type(t) is not Zero and t._trace is linear:
                t = t._var
            outs.append(t)
        linear.alive = False
    return values, Tape(linear.eqns, invars, outs)


def tangent_avals(avals: Sequence[ShapedArray]) -> list[ShapedArray]:
    return [a.tangent() for a in avals]
