"""Tiny programs as NumPy functions.

A program of a few light operations on small arrays takes XLA longer to start (4 to 8 us) than NumPy to finish, and 10 to
40 ms to compile. Such a program becomes one generated Python function that calls the operations' host rules. Which way a
program takes depends on the program and its shapes alone, so a call always gives the same bits.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core.dtypes import physical
from numax._engine.core.ir import ClosedJaxpr, Literal
from numax._engine.host.quiet import quiet

MAX_EQUATIONS = 6
MAX_ELEMENTS = 2048


def is_tiny(closed: ClosedJaxpr) -> bool:
    """Whether the program runs on NumPy: few equations, all light, on small arrays."""
    jaxpr = closed.jaxpr
    limit = max(MAX_EQUATIONS, len(jaxpr.outvars))
    if len(jaxpr.eqns) > limit:
        return False
    for v in (*jaxpr.invars, *jaxpr.constvars):
        if v.aval.size > MAX_ELEMENTS:
            return False
    for eqn in jaxpr.eqns:
        if not eqn.primitive.light:
            return False
        for v in eqn.outvars:
            if v.aval.size > MAX_ELEMENTS:
                return False
    return True


def generate(closed: ClosedJaxpr) -> Callable[..., Any]:
    """The program as a function of ndarrays that gives a tuple of ndarrays or NumPy scalars."""
    jaxpr = closed.jaxpr
    names: dict[Any, str] = {}
    scope: dict[str, Any] = {}
    for i, (v, c) in enumerate(zip(jaxpr.constvars, closed.consts, strict=True)):
        names[v] = f"c{i}"
        scope[f"c{i}"] = c.numpy_()
    for i, v in enumerate(jaxpr.invars):
        names[v] = f"x{i}"

    def use(atom: Any) -> str:
        if type(atom) is Literal:
            name = f"l{len(scope)}"
            scope[name] = atom.val.numpy_()
            return name
        return names[atom]

    samples = {v: np.ones(v.aval.shape, physical(v.aval.dtype)) for v in jaxpr.invars}
    samples |= {v: c.numpy_() for v, c in zip(jaxpr.constvars, closed.consts, strict=True)}
    lines = []
    for k, eqn in enumerate(jaxpr.eqns):
        scope[f"f{k}"] = eqn.primitive.host
        args = ", ".join([use(v) for v in eqn.invars])
        if eqn.params:
            scope[f"p{k}"] = eqn.params
            args += f", **p{k}"
        ins = [v.val.numpy_() if type(v) is Literal else samples[v] for v in eqn.invars]
        result = quiet.run(eqn.primitive.host, *ins, **eqn.params)
        out = eqn.outvars[0]
        wanted = physical(out.aval.dtype)
        names[out] = f"v{k}"
        call = f"f{k}({args})"
        if np.asarray(result).dtype != wanted:
            scope[f"d{k}"] = wanted
            scope["asarray"] = np.asarray
            call = f"asarray({call}).astype(d{k})"
        samples[out] = np.asarray(result).astype(wanted)
        lines.append(f"    v{k} = {call}")
    outs = ", ".join([use(v) for v in jaxpr.outvars])
    params = ", ".join([names[v] for v in jaxpr.invars])
    source = "\n".join(
        [f"def program({params}):", *lines, f"    return ({outs}{',' if outs else ''})"]
    )
    exec(compile(source, f"<numax program {jaxpr.debug_name}>", "exec"), scope)
    return scope["program"]
