"""Which devices an operation runs on, for operations that run on several."""

from typing import Any, NamedTuple

from numax._engine.core.ir import ClosedJaxpr, subprograms


class Placement(NamedTuple):
    """An operation over `size` devices: which operands and results are cut along their first axis, a piece a device."""

    size: int
    devices: tuple[Any, ...] | None
    mapped_in: tuple[bool, ...]
    mapped_out: tuple[bool, ...]


def find(closed: ClosedJaxpr) -> Placement | None:
    """The placement of an equation here or in a program inside; the largest, where there are several."""
    found = closed.cache.get("placement", False)
    if found is False:
        found = None
        for eqn in closed.jaxpr.eqns:
            own = eqn.params.get("placement")
            inner = [find(p) for p in subprograms(eqn.params)]
            for p in (own, *inner):
                if p is not None and (found is None or p.size > found.size):
                    found = p
        closed.cache["placement"] = found
    return found


def whole(closed: ClosedJaxpr) -> Placement | None:
    """The placement of a program that is one such equation, on its own arguments."""
    eqns = closed.jaxpr.eqns
    if len(eqns) != 1 or eqns[0].params.get("placement") is None:
        return None
    if list(eqns[0].invars) != list(closed.jaxpr.invars):
        return None
    if list(eqns[0].outvars) != list(closed.jaxpr.outvars):
        return None
    return eqns[0].params["placement"]
