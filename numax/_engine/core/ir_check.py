"""The checker of programs: each variable is assigned once and before use, and each type is what `infer` says."""

from typing import Any

from numax._engine.core.errors import JaxprTypeError
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, Literal, Var, subprograms


def _fail(message: str, eqn: Eqn | None = None) -> JaxprTypeError:
    where = f" in equation `{eqn.primitive.name}`" if eqn is not None else ""
    return JaxprTypeError(f"program: {message}{where}.")


def check(program: Any) -> None:
    """JaxprTypeError where a Jaxpr or ClosedJaxpr is malformed."""
    if isinstance(program, ClosedJaxpr):
        if len(program.consts) != len(program.jaxpr.constvars):
            raise _fail(f"{len(program.jaxpr.constvars)} constants, {len(program.consts)} values")
        for var, value in zip(program.jaxpr.constvars, program.consts, strict=True):
            if not var.aval.same_type(value.aval):
                raise _fail(f"a constant of type {var.aval} has a value of type {value.aval}")
        program = program.jaxpr
    _check(program)


def _check(jaxpr: Jaxpr) -> None:
    known: set[Var] = set()

    def define(var: Any, eqn: Eqn | None = None) -> None:
        if type(var) is not Var:
            raise _fail(f"{var!r} is assigned, and is no variable", eqn)
        if var in known:
            raise _fail("a variable is assigned twice", eqn)
        known.add(var)

    def read(atom: Any, eqn: Eqn | None = None) -> None:
        if type(atom) is not Literal and atom not in known:
            raise _fail(
                f"a variable of type {atom.aval.short()} is read before it is assigned", eqn
            )

    for var in (*jaxpr.constvars, *jaxpr.invars):
        define(var)
    for eqn in jaxpr.eqns:
        for atom in eqn.invars:
            read(atom, eqn)
        for inner in subprograms(eqn.params):
            check(inner)
        inferred = eqn.primitive.infer(*[v.aval for v in eqn.invars], **eqn.params)
        outs = inferred if eqn.primitive.multiple_results else [inferred]
        if len(outs) != len(eqn.outvars):
            raise _fail(f"{len(eqn.outvars)} results, {len(outs)} inferred", eqn)
        for var, aval in zip(eqn.outvars, outs, strict=True):
            if not var.aval.same_type(aval):
                raise _fail(
                    f"a result is declared {var.aval.short()} and inferred {aval.short()}", eqn
                )
            define(var, eqn)
    for atom in jaxpr.outvars:
        read(atom)
