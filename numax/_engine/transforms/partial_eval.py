"""Splitting a program by what is known: one program for what depends on known inputs only, one for the rest."""

from typing import Any, NamedTuple

from numax._engine.core.ir import (
    ClosedJaxpr,
    Eqn,
    Jaxpr,
    Literal,
    Var,
    close,
    convert_constvars,
    intern,
)
from numax._engine.core.primitive import Primitive


class Split(NamedTuple):
    """A higher-order operation in two: first the known part, then the rest.

    known(args[known_ins]) -> the known results, then `residuals` more. linear(...) -> the unknown results; its inputs are
    named by `linear_ins`: i >= 0 is argument i, and -1 - k is residual k. Results come in the operation's order;
    `unknown_outs` tells which are which. known is None where there is nothing to run.
    """

    known: Primitive | None
    known_params: dict[str, Any]
    known_ins: tuple[int, ...]
    residuals: int
    linear: Primitive
    linear_params: dict[str, Any]
    linear_ins: tuple[int, ...]
    unknown_outs: tuple[bool, ...]


class Parts(NamedTuple):
    """A program in two. `known`: known inputs -> known results, then new residuals. `linear`: new residuals, then the
    known inputs numbered `forwarded` (indices among all inputs), then the unknown inputs -> unknown results."""

    known: ClosedJaxpr
    linear: ClosedJaxpr
    unknown_outs: tuple[bool, ...]
    residuals: int
    forwarded: tuple[int, ...]


def residual_ins(count: int) -> tuple[int, ...]:
    """The names of all residuals, in order."""
    return tuple(range(-1, -1 - count, -1))


def split_program(
    closed: ClosedJaxpr, unknown: tuple[bool, ...], force: tuple[bool, ...] | None = None
) -> Parts:
    """Split by unknown inputs. force: results to be made unknown in any case. Cached on the program."""
    key = ("split", unknown, force)
    found = closed.cache.get(key)
    if found is None:
        found = closed.cache[key] = _split_program(closed, unknown, force)
    return found


def _split_program(
    closed: ClosedJaxpr, unknown: tuple[bool, ...], force: tuple[bool, ...] | None
) -> Parts:
    jaxpr = closed.jaxpr
    known_eqns, linear_eqns, later = split_equations(jaxpr.eqns, jaxpr.invars, unknown)
    outs = jaxpr.outvars
    unknown_outs = tuple(
        (type(v) is Var and v in later) or bool(force and force[i]) for i, v in enumerate(outs)
    )
    linear_outs = [v for v, u in zip(outs, unknown_outs, strict=True) if u]
    known_outs = [v for v, u in zip(outs, unknown_outs, strict=True) if not u]
    linear_eqns = prune_equations(linear_eqns, linear_outs)

    wanted: dict[Var, None] = {}
    for eqn in linear_eqns:
        for v in eqn.invars:
            if type(v) is Var and v not in later:
                wanted[v] = None
    for v in linear_outs:
        if type(v) is Var and v not in later:
            wanted[v] = None
    constants = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    numbers = {v: i for i, v in enumerate(jaxpr.invars)}
    shared = [v for v in wanted if v in constants]
    forwarded = [v for v in wanted if v in numbers]
    made = [v for v in wanted if v not in constants and v not in numbers]

    known_eqns = prune_equations(known_eqns, [*known_outs, *made])
    known_ins = [v for v, u in zip(jaxpr.invars, unknown, strict=True) if not u]
    unknown_ins = [v for v, u in zip(jaxpr.invars, unknown, strict=True) if u]
    known = Jaxpr(jaxpr.constvars, known_ins, [*known_outs, *made], known_eqns, jaxpr.debug_name)
    linear = Jaxpr(
        shared, [*made, *forwarded, *unknown_ins], linear_outs, linear_eqns, jaxpr.debug_name
    )
    return Parts(
        intern(ClosedJaxpr(known, closed.consts)),
        intern(ClosedJaxpr(linear, [constants[v] for v in shared])),
        unknown_outs,
        len(made),
        tuple(numbers[v] for v in forwarded),
    )


def split_equations(
    eqns: Any, invars: Any, unknown: tuple[bool, ...]
) -> tuple[list[Eqn], list[Eqn], set[Var]]:
    """Known equations, the others, and the variables that are not known."""
    later = {v for v, u in zip(invars, unknown, strict=True) if u}
    known_eqns: list[Eqn] = []
    linear_eqns: list[Eqn] = []
    for eqn in eqns:
        mask = tuple([type(v) is Var and v in later for v in eqn.invars])
        if not any(mask):
            known_eqns.append(eqn)
        elif eqn.primitive.split is not None:
            _split_equation(eqn, mask, known_eqns, linear_eqns, later)
        else:
            linear_eqns.append(eqn)
            later.update(eqn.outvars)
    return known_eqns, linear_eqns, later


def _split_equation(
    eqn: Eqn, mask: tuple[bool, ...], known_eqns: list[Eqn], linear_eqns: list[Eqn], later: set[Var]
) -> None:
    s: Split = eqn.primitive.split(mask, **eqn.params)
    unknown_outs = [v for v, u in zip(eqn.outvars, s.unknown_outs, strict=True) if u]
    residuals: list[Var] = []
    if s.known is not None:
        known_outs = [v for v, u in zip(eqn.outvars, s.unknown_outs, strict=True) if not u]
        ins = [eqn.invars[i] for i in s.known_ins]
        avals = s.known.infer(*[v.aval for v in ins], **s.known_params)
        residuals = [Var(a) for a in avals[len(known_outs) :]]
        known_eqns.append(Eqn(s.known, ins, s.known_params, [*known_outs, *residuals], eqn.place))
    ins = [eqn.invars[i] if i >= 0 else residuals[-1 - i] for i in s.linear_ins]
    linear_eqns.append(Eqn(s.linear, ins, s.linear_params, unknown_outs, eqn.place))
    later.update(unknown_outs)


def prune_equations(eqns: list[Eqn], outs: Any) -> list[Eqn]:
    """The equations that the results need, in order; programs inside lose unused results too."""
    needed = {v for v in outs if type(v) is Var}
    kept: list[Eqn] = []
    for eqn in reversed(eqns):
        used = [v in needed for v in eqn.outvars]
        if not any(used) and not has_effects(eqn):
            continue
        if eqn.primitive.prune is not None:
            eqn = eqn.primitive.prune(eqn, tuple(used)) or eqn
        kept.append(eqn)
        needed.update(v for v in eqn.invars if type(v) is Var)
    kept.reverse()
    return kept


def has_effects(eqn: Eqn) -> bool:
    """Whether an equation does something besides its results (printing, calling back)."""
    if eqn.params.get("effect"):
        return True
    for value in eqn.params.values():
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, ClosedJaxpr) and program_effects(inner):
                return True
    return False


def program_effects(closed: ClosedJaxpr) -> bool:
    found = closed.cache.get("effects")
    if found is None:
        found = closed.cache["effects"] = any(has_effects(e) for e in closed.jaxpr.eqns)
    return found


def prune_program(
    closed: ClosedJaxpr, used_outs: tuple[bool, ...], keep_ins: bool = False
) -> tuple[ClosedJaxpr, tuple[bool, ...]]:
    """The program for some of its results, and which inputs it still takes. Cached on the program."""
    key = ("prune", used_outs, keep_ins)
    found = closed.cache.get(key)
    if found is None:
        jaxpr = closed.jaxpr
        outs = [v for v, u in zip(jaxpr.outvars, used_outs, strict=True) if u]
        eqns = prune_equations(jaxpr.eqns, outs)
        needed = {v for e in eqns for v in e.invars if type(v) is Var}
        needed.update(v for v in outs if type(v) is Var)
        used_ins = tuple(keep_ins or v in needed for v in jaxpr.invars)
        invars = [v for v, u in zip(jaxpr.invars, used_ins, strict=True) if u]
        kept = [i for i, v in enumerate(jaxpr.constvars) if v in needed]
        program = Jaxpr([jaxpr.constvars[i] for i in kept], invars, outs, eqns, jaxpr.debug_name)
        found = intern(ClosedJaxpr(program, [closed.consts[i] for i in kept])), used_ins
        closed.cache[key] = found
    return found


__all__ = [
    "Literal",
    "Parts",
    "Split",
    "close",
    "convert_constvars",
    "has_effects",
    "program_effects",
    "prune_equations",
    "prune_program",
    "residual_ins",
    "split_equations",
    "split_program",
]
