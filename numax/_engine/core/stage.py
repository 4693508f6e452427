"""Recording a Python function as a program."""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.core import config, source
from numax._engine.core.array import Array
from numax._engine.core.avals import ShapedArray
from numax._engine.core.dtypes import KeyType
from numax._engine.core.errors import UnexpectedTracerError
from numax._engine.core.facade import LateModule
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, Literal, Var
from numax._engine.core.native import native
from numax._engine.core.trace import NO_RULES, Trace, Tracer, current, depth

leaks = LateModule("numax._engine.core.leaks")  # the check of an option
_new = object.__new__


class StageTracer(Tracer):
    """A variable of the program being recorded."""

    __slots__ = ("_var", "aval", "note")

    def origin_(self) -> str:
        note = self.note
        if note is not None:
            return f" The value is {note}."
        return Tracer.origin_(self)


class StageTrace(Trace):
    """Records operations as equations."""

    __slots__ = ("constants", "constvars", "eqns", "invars", "rules", "what")

    def __init__(self, level: int, what: str):
        self.level = level
        self.alive = True
        self.what = what
        self.rules = NO_RULES
        self.eqns: list[Eqn] = []
        self.invars: list[Var] = []
        self.constvars: dict[int, Var] = {}
        self.constants: list[Any] = []

    @property
    def stage(self) -> "StageTrace":
        return self

    def argument(self, aval: ShapedArray, note: str | None = None) -> StageTracer:
        var = Var(aval)
        self.invars.append(var)
        return self.tracer(var, None, note)

    def tracer(self, var: Var, place: Any, note: str | None = None) -> StageTracer:
        out = _new(StageTracer)
        out._trace = self
        out._place = place
        out.aval = var.aval
        out._var = var
        out.note = note
        return out

    def atom(self, x: Any) -> Any:
        """The variable or literal that stands for a value from outside."""
        if type(x) is Array:
            if not x.shape and type(x._t.dtype) is not KeyType:
                return Literal(x)
        elif x._trace is self:
            return x._var
        elif not x._trace.alive or x._trace.level >= self.level:
            raise x._trace.leaked(x)
        var = self.constvars.get(id(x))
        if var is None:
            var = self.constvars[id(x)] = Var(x.aval)
            self.constants.append(x)  # also keeps id(x) from being used again
        return var

    def process(self, prim: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if not self.alive:
            for a in args:
                if a._trace is self:
                    raise self.leaked(a)
        atom = self.atom
        ins = [a._var if a._trace is self else atom(a) for a in args]
        out = prim.infer(*[v.aval for v in ins], **params)
        place = source.here(2)
        if prim.multiple_results:
            outs = [Var(a) for a in out]
            self.eqns.append(Eqn(prim, ins, params, outs, place))
            return [self.tracer(v, place) for v in outs]
        var = Var(out)
        self.eqns.append(Eqn(prim, ins, params, [var], place))
        tracer = _new(StageTracer)
        tracer._trace = self
        tracer._place = place
        tracer.aval = out
        tracer._var = var
        tracer.note = None
        return tracer

    def finish(self, outs: Sequence[Any]) -> tuple[Jaxpr, list[Any]]:
        outvars = [self.atom(x) for x in outs]
        jaxpr = Jaxpr(list(self.constvars.values()), self.invars, outvars, self.eqns, self.what)
        return jaxpr, self.constants


if native is not None:  # what `process` does most often, in C
    native.set_stage(StageTrace, StageTracer, Var, Eqn, source._ours, source._is_ours)


class recording:  # noqa: N801  (used in `with`, as a verb)
    """Make a new StageTrace the current mode for a block."""

    __slots__ = ("_mode", "_token", "trace")

    def __init__(self, what: str = "a traced function"):
        self.trace = StageTrace(0, what)

    def __enter__(self) -> StageTrace:
        level = depth.get() + 1
        self.trace.level = level
        self._token = depth.set(level)
        self._mode = current.set(self.trace)
        return self.trace

    def __exit__(self, *exc: Any) -> None:
        current.reset(self._mode)
        depth.reset(self._token)
        self.trace.alive = False


def trace_to_jaxpr(
    fun: Callable[..., Sequence[Any]],
    avals: Sequence[ShapedArray],
    what: str = "a traced function",
    notes: Sequence[str | None] | None = None,
) -> tuple[Jaxpr, list[Any]]:
    """Record `fun` (values -> sequence of Arrays and Tracers). Returns the program and its constants' values,
    which may be tracers of enclosing traces."""
    with recording(what) as trace:
        if notes is None:
            args = [trace.argument(a) for a in avals]
        else:
            args = [trace.argument(a, n) for a, n in zip(avals, notes, strict=True)]
        result = trace.finish(fun(*args))
    del args
    if config.check_tracer_leaks.value:
        leaks.check(trace)
    return result


def closed_program(jaxpr: Jaxpr, consts: Sequence[Any], what: str) -> ClosedJaxpr:
    """A program whose constants are Arrays. UnexpectedTracerError if a user's rule closes over a traced value."""
    for c in consts:
        if type(c) is not Array:
            raise UnexpectedTracerError(
                f"{what}: a custom derivative rule closes over a traced value of type {c.aval.str_short()}.{c.origin_()} "
                "Pass the value as an argument of the function instead, or use numax.closure_convert."
            )
    return ClosedJaxpr(jaxpr, consts)


def split_tracers(jaxpr: Jaxpr, consts: Sequence[Any]) -> tuple[ClosedJaxpr, list[Tracer]]:
    """Keep Arrays as constants of the program; make tracers of enclosing traces leading arguments."""
    outer = [i for i, c in enumerate(consts) if type(c) is not Array]
    if not outer:
        return ClosedJaxpr(jaxpr, consts), []
    chosen = set(outer)
    invars = [jaxpr.constvars[i] for i in outer] + jaxpr.invars
    constvars = [v for i, v in enumerate(jaxpr.constvars) if i not in chosen]
    kept = [c for i, c in enumerate(consts) if i not in chosen]
    program = Jaxpr(constvars, invars, jaxpr.outvars, jaxpr.eqns, jaxpr.debug_name)
    return ClosedJaxpr(program, kept), [consts[i] for i in outer]
