"""Programs as text, in JAX's format."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from numax._engine.core import ir
from numax._engine.core.array import Array
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, Literal, Var

WIDTH = 80


def _names() -> Iterator[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for n in itertools.count(1):
        for word in itertools.product(letters, repeat=n):
            yield "".join(word)


class _Context:
    def __init__(self) -> None:
        self.names: dict[Var, str] = {}
        self.supply = _names()

    def name(self, var: Var) -> str:
        found = self.names.get(var)
        if found is None:
            found = self.names[var] = next(self.supply)
        return found


def _literal(atom: Literal) -> str:
    value = atom.val.numpy_()
    text = repr(value.item()) if value.dtype.kind != "V" else str(value[()])
    return f"{text}:{atom.aval.short()}"


def _use(ctx: _Context, atom: Any) -> str:
    return _literal(atom) if type(atom) is Literal else ctx.name(atom)


def _bind(ctx: _Context, var: Any, used: set[Var] | None = None) -> str:
    if used is not None and var not in used:
        return f"_:{var.aval.short()}"
    return f"{ctx.name(var)}:{var.aval.short()}"


def _value(ctx: _Context, value: Any, indent: str) -> str:
    if isinstance(value, ClosedJaxpr):
        return _program(ctx, value.jaxpr, indent)
    if isinstance(value, Jaxpr):
        return _program(ctx, value, indent)
    if isinstance(value, tuple) and any(isinstance(v, ClosedJaxpr) for v in value):
        inner = indent + "  "
        body = "\n".join(inner + _value(ctx, v, inner) for v in value)
        return f"(\n{body}\n{indent})"
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, Array):
        return value.aval.str_short()
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return str(value)


def _params(ctx: _Context, params: dict[str, Any], indent: str) -> str:
    shown = dict(sorted(params.items()))
    if not shown:
        return ""
    inner = indent + "  "
    parts = [f"{k}={_value(ctx, v, inner)}" for k, v in shown.items()]
    flat = " ".join(parts)
    if "\n" not in flat and len(indent) + len(flat) < WIDTH - 30:
        return f"[{flat}]"
    return "[\n" + "\n".join(inner + p for p in parts) + f"\n{indent}]"


def _equation(ctx: _Context, eqn: Eqn, used: set[Var], indent: str) -> str:
    ins = " ".join(_use(ctx, v) for v in eqn.invars)
    outs = " ".join(_bind(ctx, v, used) for v in eqn.outvars)
    params = _params(ctx, eqn.params, indent)
    left = f"{outs} = " if outs else ""
    return f"{left}{eqn.primitive.name}{params} {ins}".rstrip()


def _program(ctx: _Context, jaxpr: Jaxpr, indent: str) -> str:
    consts = " ".join(_bind(ctx, v) for v in jaxpr.constvars)
    ins = " ".join(_bind(ctx, v) for v in jaxpr.invars)
    head = f"lambda {consts}; {ins}. let"
    used = ir.used_vars(jaxpr)
    inner = indent + "    "
    eqns = [_equation(ctx, e, used, inner) for e in jaxpr.eqns]
    outs = ", ".join(_use(ctx, v) for v in jaxpr.outvars)
    result = f"({outs},)" if len(jaxpr.outvars) == 1 else f"({outs})"
    body = "\n".join(inner + e for e in eqns)
    flat = f"{{ {head} {' '.join(eqns)} in {result} }}"
    if "\n" not in flat and len(eqns) <= 1 and len(indent) + len(flat) < WIDTH:
        return flat
    if not eqns:
        return f"{{ {head} in {result} }}"
    return f"{{ {head}\n{body}\n{indent}  in {result} }}"


def show(jaxpr: Any) -> str:
    """The text of a Jaxpr or ClosedJaxpr."""
    program = jaxpr.jaxpr if isinstance(jaxpr, ClosedJaxpr) else jaxpr
    return _program(_Context(), program, "")
