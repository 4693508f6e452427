"""Programs as values: typed straight-line code. The classes and attributes are those of JAX's jaxprs."""

import collections
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from numax._engine.core import config
from numax._engine.core.array import Array
from numax._engine.core.avals import ShapedArray
from numax._engine.core.facade import late, load
from numax._engine.core.primitive import Primitive
from numax._engine.core.source import Place


class Var:
    """A variable: assigned once, of a known abstract value."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    def __repr__(self) -> str:
        return f"Var({self.aval.short()})"


class Literal:
    """A scalar constant written into an equation."""

    __slots__ = ("aval", "val")

    def __init__(self, val: Array):
        self.val = val
        self.aval = val.aval

    def key(self) -> Any:
        return self.val.numpy_().tobytes(), self.val._t

    def __repr__(self) -> str:
        return str(self.val.numpy_())


Atom = Var | Literal


class Eqn:
    """outvars = primitive[params](invars)."""

    __slots__ = ("invars", "outvars", "params", "place", "primitive")

    def __init__(
        self,
        primitive: Primitive,
        invars: Sequence[Any],
        params: dict[str, Any],
        outvars: Sequence[Any],
        place: Place = None,
    ):
        self.primitive = primitive
        self.invars = invars
        self.params = params
        self.outvars = outvars
        self.place = place

    def replace(self, **changes: Any) -> "Eqn":
        fields = {name: getattr(self, name) for name in self.__slots__}
        return Eqn(**(fields | changes))


class Jaxpr:
    """A program with named constants: constvars, invars -> outvars."""

    __slots__ = ("constvars", "debug_name", "eqns", "invars", "outvars")

    def __init__(
        self,
        constvars: Sequence[Var],
        invars: Sequence[Var],
        outvars: Sequence[Any],
        eqns: Sequence[Eqn],
        debug_name: str = "",
    ):
        self.constvars = list(constvars)
        self.invars = list(invars)
        self.outvars = list(outvars)
        self.eqns = list(eqns)
        self.debug_name = debug_name

    def __repr__(self) -> str:
        return Printer.show(self)

    @property
    def effects(self) -> frozenset[Any]:
        return frozenset()


class Printer:
    """Programs as text: ir_print stands above this file."""

    show = staticmethod(late("numax._engine.core.ir_print", "show"))


class ClosedJaxpr:
    """A program with the values of its constants. `cache` holds what transformations made of it."""

    __slots__ = ("__weakref__", "_axes", "cache", "consts", "jaxpr")

    def __init__(self, jaxpr: Jaxpr, consts: Sequence[Any] = ()):
        self.jaxpr = jaxpr
        self.consts = list(consts)
        self.cache: dict[Any, Any] = {}
        self._axes: frozenset[Any] | None = None

    @property
    def in_avals(self) -> list[ShapedArray]:
        return [v.aval for v in self.jaxpr.invars]

    @property
    def out_avals(self) -> list[ShapedArray]:
        return [v.aval for v in self.jaxpr.outvars]

    @property
    def eqns(self) -> list[Eqn]:
        return self.jaxpr.eqns

    @property
    def literals(self) -> list[Any]:
        return self.consts

    @property
    def effects(self) -> frozenset[Any]:
        return frozenset()

    def __repr__(self) -> str:
        return Printer.show(self)

    @property
    def axis_names(self) -> frozenset[Any]:
        """The mapped axes that collectives inside refer to by name."""
        if self._axes is None:
            self._axes = frozenset(named_axes(self.jaxpr))
        return self._axes


def subprograms(params: dict[str, Any]) -> Iterator[ClosedJaxpr]:
    """The programs among an equation's parameters."""
    for value in params.values():
        if isinstance(value, ClosedJaxpr):
            yield value
        elif isinstance(value, tuple):
            for one in value:
                if isinstance(one, ClosedJaxpr):
                    yield one


def named_axes(jaxpr: Jaxpr) -> set[Any]:
    found: set[Any] = set()
    for eqn in jaxpr.eqns:
        for key in ("axes", "axis_name"):
            names = eqn.params.get(key)
            if names is None:
                continue
            if isinstance(names, str):
                found.add(names)
            elif isinstance(names, tuple):
                found.update(n for n in names if not isinstance(n, int | np.integer))
            elif not isinstance(names, int):
                found.add(names)
        inner: set[Any] = set()
        for program in subprograms(eqn.params):
            inner |= program.axis_names
        if eqn.primitive.name in ("pmap", "shard_map"):
            inner.discard(eqn.params.get("axis_name"))
            found.discard(eqn.params.get("axis_name"))
        found |= inner
    return found


def close(jaxpr: Jaxpr) -> ClosedJaxpr:
    """A program without constants, closed."""
    return ClosedJaxpr(jaxpr, ())


def eval_jaxpr(jaxpr: Jaxpr, consts: Sequence[Any], *args: Any) -> list[Any]:
    """Run a program by binding each equation on the given Arrays and Tracers."""
    env: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))
    for eqn in jaxpr.eqns:
        ins = [v.val if type(v) is Literal else env[v] for v in eqn.invars]
        out = eqn.primitive.bind(*ins, **eqn.params)
        if eqn.primitive.multiple_results:
            env.update(zip(eqn.outvars, out, strict=True))
        else:
            env[eqn.outvars[0]] = out
    return [v.val if type(v) is Literal else env[v] for v in jaxpr.outvars]


def convert_constvars(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The same program with its constants as leading arguments."""
    jaxpr = closed.jaxpr
    if not jaxpr.constvars:
        return closed
    found = closed.cache.get("convert_constvars")
    if found is None:
        invars = [*jaxpr.constvars, *jaxpr.invars]
        found = close(Jaxpr((), invars, jaxpr.outvars, jaxpr.eqns, jaxpr.debug_name))
        closed.cache["convert_constvars"] = found
    return found


# ---- interning: equal programs become one object, so that whatever is cached on it is found again ----

_INTERNED: collections.OrderedDict[Any, ClosedJaxpr] = collections.OrderedDict()
INTERN_LIMIT = 4096


def _atom_key(atom: Any, index: dict[Any, int]) -> Any:
    return atom.key() if type(atom) is Literal else index[atom]


def structure_key(jaxpr: Jaxpr) -> Any:
    """Equal for programs that are equal but for the names of variables; None where a parameter has no hash."""
    index: dict[Any, int] = {}
    for v in jaxpr.constvars:
        index[v] = len(index)
    for v in jaxpr.invars:
        index[v] = len(index)
    key: list[Any] = [
        tuple([v.aval for v in jaxpr.constvars]),
        tuple([v.aval for v in jaxpr.invars]),
    ]
    for eqn in jaxpr.eqns:
        key.append(eqn.primitive)
        key.append(tuple([v.key() if type(v) is Literal else index[v] for v in eqn.invars]))
        if eqn.params:
            key.append(tuple(eqn.params.items()))
        for v in eqn.outvars:
            index[v] = len(index)
            key.append(v.aval)
    key.append(tuple([_atom_key(v, index) for v in jaxpr.outvars]))
    return tuple(key)


EMBED_LIMIT = 32


def uniform(x: Any) -> Any:
    """The one number that a constant made by broadcasting repeats (a 0-d ndarray), or None."""
    value = x._np if type(x) is Array else None
    if value is None or value.ndim == 0 or any(value.strides) or not value.size:
        return None
    return value[(0,) * value.ndim]


def _constant_key(x: Any) -> Any:
    """Equal for constants that are the same array, or small or uniform and equal."""
    value = x._np if type(x) is Array else None
    if value is None:
        return id(x)
    if value.size <= EMBED_LIMIT:
        return value.tobytes(), x._t, value.shape
    number = uniform(x)
    return id(x) if number is None else (number.tobytes(), x._t, value.shape)


def intern(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The first program equal to this one, or this one."""
    if config.enable_checks.value:
        load("numax._engine.core.ir_check").check(closed)
    try:
        key = (structure_key(closed.jaxpr), tuple([_constant_key(c) for c in closed.consts]))
        found = _INTERNED.get(key)
    except TypeError:  # a parameter without a hash: such programs stay apart
        return closed
    if found is not None:
        _INTERNED.move_to_end(key)
        return found
    _INTERNED[key] = closed
    if len(_INTERNED) > INTERN_LIMIT:
        _INTERNED.popitem(last=False)
    return closed


def clear_interned() -> None:
    _INTERNED.clear()


def used_vars(jaxpr: Jaxpr) -> set[Var]:
    """All variables that an equation or the result reads."""
    used = {v for v in jaxpr.outvars if type(v) is Var}
    for eqn in jaxpr.eqns:
        used.update(v for v in eqn.invars if type(v) is Var)
    return used


def fresh(avals: Iterable[ShapedArray]) -> list[Var]:
    return [Var(a) for a in avals]
