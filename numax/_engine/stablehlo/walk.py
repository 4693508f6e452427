"""From programs to modules: walks the equations and calls each primitive's `lower` rule. Knows no primitive by name."""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numax._engine.core import source
from numax._engine.core.array import Array
from numax._engine.core.dtypes import physical
from numax._engine.core.ir import EMBED_LIMIT, ClosedJaxpr, Jaxpr, Literal, subprograms, uniform
from numax._engine.stablehlo import hlo
from numax._engine.stablehlo.builder import Builder, Value

SMALL = 2048  # elements
_SHAPES = re.compile(r"tensor<([0-9x]+)x")
_FORMULAS = re.compile(  # what the compiler writes as a long formula
    r"= stablehlo\.(exp|log|tanh|sine|cosine|tan |power|cbrt|atan2)|= chlo\.erf"
)


def is_small(text: str) -> bool:
    """Whether no array of the module has more than SMALL elements: such a program compiles longer than it runs."""
    return all(
        math.prod(map(int, shape.split("x"))) <= SMALL for shape in set(_SHAPES.findall(text))
    )


class Module(NamedTuple):
    """A module's text, the arrays it takes as leading hidden arguments, its host callbacks; whether long
    formulas are in it, and whether all its arrays are small."""

    text: str
    hoisted: list[Array]
    callbacks: list[Any]
    formulas: bool = False
    small: bool = False


def _type(aval: Any) -> tuple[tuple[int, ...], Any]:
    return aval.shape, physical(aval.dtype)


def large_constants(closed: ClosedJaxpr) -> dict[int, Array]:
    """The constants, here and in programs inside, that become hidden arguments. Cached on the program."""
    found = closed.cache.get("large_constants")
    if found is None:
        found = {
            id(c): c
            for c in closed.consts
            if type(c) is Array and c.aval.size > EMBED_LIMIT and uniform(c) is None
        }
        for eqn in closed.jaxpr.eqns:
            for inner in subprograms(eqn.params):
                found |= large_constants(inner)
        closed.cache["large_constants"] = found
    return found


class Walk:
    """Lowering of one module. Rules of higher-order operations reach it as `ctx.scope`."""

    __slots__ = ("axes", "ctx", "eqn", "hoisted", "jaxpr")

    def __init__(self, ctx: Builder, axes: dict[Any, Any] | None = None):
        self.ctx = ctx
        self.eqn: Any = None  # the equation that is being lowered, and its program
        self.jaxpr: Any = None
        self.hoisted: dict[int, Value] = {}
        self.axes = axes or {}

    def constant(self, array: Any) -> Value:
        found = self.hoisted.get(id(array))
        if found is not None:
            return found
        number = uniform(array)
        if number is not None:
            scalar = self.ctx.constant(np.asarray(number))
            return hlo.broadcast_in_dim(self.ctx, scalar, array.shape, ())
        return self.ctx.constant(array.numpy_())

    def inline(self, closed: ClosedJaxpr, args: Sequence[Value]) -> list[Value]:
        """The program's equations, here."""
        return self.equations(closed.jaxpr, [self.constant(c) for c in closed.consts], args)

    def call(self, closed: ClosedJaxpr, name: str, args: Sequence[Value]) -> list[Value]:
        """The program as a function, written once however often it is called."""
        if large_constants(closed):
            return self.inline(closed, args)
        types = [_type(v.aval) for v in closed.jaxpr.invars]
        function = self.ctx.function(
            closed, name, types, lambda _, values: self.inline(closed, values)
        )
        return self.ctx.call(function, args)

    def equations(
        self, jaxpr: Jaxpr, consts: Sequence[Value], args: Sequence[Value]
    ) -> list[Value]:
        ctx = self.ctx
        env: dict[Any, Value] = dict(zip(jaxpr.constvars, consts, strict=True))
        env.update(zip(jaxpr.invars, args, strict=True))
        literal = self._literal
        for eqn in jaxpr.eqns:
            ins = [literal(v) if type(v) is Literal else env[v] for v in eqn.invars]
            outvars = eqn.outvars
            ctx.avals_in = [v.aval for v in eqn.invars]
            ctx.avals_out = [v.aval for v in outvars]
            self.eqn, self.jaxpr = eqn, jaxpr
            try:
                out = eqn.primitive.lower(ctx, *ins, **eqn.params)
            except Exception as error:
                error.add_note(
                    f"while lowering `{eqn.primitive.name}`, called at {source.show(eqn.place)}"
                )
                raise
            if eqn.primitive.multiple_results:
                env.update(zip(outvars, out, strict=True))
            else:
                env[outvars[0]] = out
        return [literal(v) if type(v) is Literal else env[v] for v in jaxpr.outvars]

    def neighbours(self) -> list[Any]:
        """The equations of the program that make what the equation being lowered takes, or take what it makes."""
        takes, makes = set(self.eqn.invars), set(self.eqn.outvars)
        return [
            e
            for e in self.jaxpr.eqns
            if not takes.isdisjoint(e.outvars) or not makes.isdisjoint(e.invars)
        ]

    def _literal(self, atom: Literal) -> Value:
        return self.ctx.constant(atom.val.numpy_())


def lower(
    closed: ClosedJaxpr,
    name: str,
    platform: str = "cpu",
    *,
    donated: Sequence[int] = (),
    axes: dict[Any, Any] | None = None,
    in_attributes: Sequence[dict[str, Any] | None] | None = None,
    out_attributes: Sequence[dict[str, Any] | None] = (),
    attributes: dict[str, Any] | None = None,
    hoisted_attributes: Any = None,
    kernels: bool = False,
) -> Module:
    """The module of a program. Large constants are its first arguments; `kernels` are those of numax/_kernels.c."""
    jaxpr = closed.jaxpr
    ctx = Builder(platform, kernels)
    walk = Walk(ctx, axes)
    ctx.scope = walk
    hoisted = list(large_constants(closed).values())
    types = [_type(c.aval) for c in hoisted] + [_type(v.aval) for v in jaxpr.invars]
    values = ctx.main(types)
    count = len(hoisted)
    walk.hoisted = {id(c): v for c, v in zip(hoisted, values, strict=False)}
    results = walk.inline(closed, values[count:])
    marks: list[Any] = [None] * len(types)
    if hoisted_attributes is not None:
        marks[:count] = [hoisted_attributes(c.aval) for c in hoisted]
    if in_attributes is not None:
        marks[count:] = list(in_attributes)
    for i in donated:
        marks[count + i] = {**(marks[count + i] or {}), "jax.buffer_donor": True}
    text = ctx.module(name, results, marks if any(marks) else (), out_attributes, attributes)
    formulas = ctx.formulas or _FORMULAS.search(text) is not None
    return Module(text, hoisted, ctx.callbacks, formulas, is_small(text))
