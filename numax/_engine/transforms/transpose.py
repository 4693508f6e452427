"""Running a tape or a linear program backwards: cotangents of the results in, cotangents of the inputs out."""

from collections.abc import Sequence
from typing import Any

from numax._engine.core import source
from numax._engine.core.ir import ClosedJaxpr, Eqn, Literal, Var, eval_jaxpr, intern
from numax._engine.core.primitive import Linear, Zero
from numax._engine.core.stage import closed_program, trace_to_jaxpr
from numax._engine.ops.basis import add_p, instantiate
from numax._engine.transforms.linearize import Tape
from numax._engine.transforms.partial_eval import prune_program, split_program


def _accumulate(cts: dict[Var, Any], var: Var, ct: Any) -> None:
    known = cts.get(var)
    cts[var] = ct if known is None else add_p.bind(known, ct)


def _backward(eqns: Sequence[Eqn], env: dict[Any, Any] | None, cts: dict[Var, Any]) -> None:
    """Fill `cts` for all variables, last equation first. env: values of the variables that are not linear."""
    for eqn in reversed(eqns):
        prim = eqn.primitive
        if prim.multiple_results:
            out: Any = [cts.pop(v, None) for v in eqn.outvars]
            if all(ct is None for ct in out):
                continue
            out = [
                Zero(v.aval) if ct is None else ct for v, ct in zip(eqn.outvars, out, strict=True)
            ]
        else:
            out = cts.pop(eqn.outvars[0], None)
            if out is None:
                continue
        args = []
        for v in eqn.invars:
            if type(v) is Var:
                args.append(Linear(v.aval) if env is None or v not in env else env[v])
            else:
                args.append(v.val if type(v) is Literal else v)
        try:
            results = prim.transpose(out, *args, **eqn.params)
        except Exception as error:
            error.add_note(
                f"in the derivative of `{prim.name}`, called at {source.show(eqn.place)}"
            )
            raise
        for v, arg, ct in zip(eqn.invars, args, results, strict=True):
            if type(arg) is Linear and ct is not None and type(ct) is not Zero:
                _accumulate(cts, v, ct)


def backward(tape: Tape, out_cts: Sequence[Any]) -> list[Any]:
    """Cotangents of a tape's inputs (Zero where there are none)."""
    cts: dict[Var, Any] = {}
    for v, ct in zip(tape.outs, out_cts, strict=True):
        if type(v) is Var and type(ct) is not Zero:
            _accumulate(cts, v, ct)
    _backward(tape.eqns, None, cts)
    return [None if v is None else cts.get(v) if v in cts else Zero(v.aval) for v in tape.invars]


def transpose_program(
    closed: ClosedJaxpr, linear: tuple[bool, ...], nonzero_cts: tuple[bool, ...], force: bool = True
) -> tuple[ClosedJaxpr, tuple[bool, ...]]:
    """The program (inputs that are not linear..., cotangents that are not zero...) -> (cotangents of linear inputs...).

    Returns also which of the linear inputs' cotangents it gives (all, with `force`). Cached on the program.
    """
    key = ("transpose", linear, nonzero_cts, force)
    found = closed.cache.get(key)
    if found is not None:
        return found
    parts = split_program(closed, linear)
    results = len(parts.known.jaxpr.outvars)
    needed, _ = prune_program(
        parts.known, tuple([i >= results - parts.residuals for i in range(results)]), True
    )
    avals = [a for a, is_lin in zip(closed.in_avals, linear, strict=True) if not is_lin]
    count = len(avals)
    positions = [i for i, is_lin in enumerate(linear) if not is_lin]
    out_avals = closed.out_avals
    given: list[bool] = []

    def run(*args: Any) -> list[Any]:
        known, cts_in = args[:count], iter(args[count:])
        out_cts = [
            next(cts_in) if nz else Zero(a) for nz, a in zip(nonzero_cts, out_avals, strict=True)
        ]
        made = eval_jaxpr(needed.jaxpr, needed.consts, *known)
        by_number = dict(zip(positions, known, strict=True))
        forwarded = [by_number[i] for i in parts.forwarded]
        program = parts.linear.jaxpr
        fixed = [*made, *forwarded]
        env: dict[Any, Any] = dict(zip(program.constvars, parts.linear.consts, strict=True))
        env.update(zip(program.invars, fixed, strict=False))
        ct_of: dict[Var, Any] = {}
        wanted = [ct for ct, u in zip(out_cts, parts.unknown_outs, strict=True) if u]
        for v, ct in zip(program.outvars, wanted, strict=True):
            if type(v) is Var and v not in env and type(ct) is not Zero:
                _accumulate(ct_of, v, ct)
        _backward(program.eqns, env, ct_of)
        outs = []
        for v in program.invars[len(fixed) :]:
            ct = ct_of.get(v)
            given.append(force or ct is not None)
            if given[-1]:
                outs.append(instantiate(Zero(v.aval)) if ct is None else ct)
        return outs

    in_avals = avals + [a for a, nz in zip(out_avals, nonzero_cts, strict=True) if nz]
    jaxpr, consts = trace_to_jaxpr(run, in_avals, "a transposed function")
    found = intern(closed_program(jaxpr, consts, "transpose")), tuple(given)
    closed.cache[key] = found
    return found
