"""The check for traced values that outlive their trace (option jax_check_tracer_leaks)."""

import gc
import types
from typing import Any

from numax._engine.core import source
from numax._engine.core.errors import UnexpectedTracerError
from numax._engine.core.trace import Trace, Tracer

_STEPS = 4
_SHOWN = 8


def check(trace: Trace) -> None:
    """Raises: UnexpectedTracerError if a value of a trace that has ended is still held. To be called where the option is on, by one who
    holds none any more."""
    gc.collect()  # what only cycles hold is not held
    left = [x for x in gc.get_referrers(trace) if isinstance(x, Tracer)]
    if not left:
        return
    lines = [_describe(left, i) for i in range(min(len(left), _SHOWN))]
    raise UnexpectedTracerError(
        f"leaked tracer: {trace.what} has returned, and {len(left)} of its traced values are still held:\n"
        + "\n".join(lines)
        + "\nReturn values from the function instead of storing them (in a list, a global, an object's attribute or a "
        "closure)."
    )


def _describe(left: list[Tracer], i: int) -> str:
    x = left[i]
    made = f" It was made at {source.show(x._place)}." if x._place else x.origin_()
    return f"  {x.aval.str_short()}.{made} It is held {_chain(left, i)}."


def _chain(left: list[Tracer], i: int) -> str:
    """Who holds a tracer, and who holds that, up to a module."""
    path: list[Any] = [left[i]]
    steps = []
    seen = {id(left), id(path)}
    while len(steps) < _STEPS and not isinstance(path[-1], types.ModuleType):
        step = _holder(path, seen)
        if step is None:
            break
        steps.append(step)
    return ", ".join(steps) or "by a local variable"


def _holder(path: list[Any], seen: set[int]) -> str | None:
    """How an object holds the last one of the path; it is appended. None where only frames do."""
    x = path[-1]
    for r in gc.get_referrers(x):
        if id(r) in seen or isinstance(r, types.FrameType):
            continue
        seen.add(id(r))
        path.append(r)
        if isinstance(r, list | tuple):
            return f"in a {type(r).__name__} at {_key(enumerate(r), x)}"
        if isinstance(r, types.CellType):
            return "by a closure"
        if isinstance(r, types.FunctionType):
            return f"of the function `{r.__name__}`"
        if not isinstance(r, dict):
            return _as_attribute(r, getattr(r, "__dict__", {}), x)
        for owner in gc.get_referrers(r):
            if getattr(owner, "__dict__", None) is r:
                path[-1] = owner
                return _as_attribute(owner, r, x)
        return f"in a dict under {_key(r.items(), x)!r}"
    return None


def _as_attribute(owner: Any, table: Any, x: Any) -> str:
    named = isinstance(owner, type | types.ModuleType)
    kind = owner.__name__ if named else f"a {type(owner).__name__}"
    key = _key(table.items(), x)
    return f"by {kind}" if key is None else f"as {key} of {kind}"


def _key(items: Any, x: Any) -> Any:
    """The key of x among pairs of keys and values. (A comprehension would hold x in a closure.)"""
    for k, v in items:
        if v is x:
            return k
    return None
