"""Vectorisation: each value carries the place of a batch axis."""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.core import config
from numax._engine.core.avals import ShapedArray
from numax._engine.core.axes import extend
from numax._engine.core.facade import LateModule
from numax._engine.core.ir import ClosedJaxpr, eval_jaxpr, intern
from numax._engine.core.primitive import Primitive
from numax._engine.core.stage import closed_program, trace_to_jaxpr
from numax._engine.core.trace import Trace, Tracer, new_depth
from numax._engine.ops.basis import moveaxis, to_front

leaks = LateModule("numax._engine.core.leaks")  # the check of an option
_new = object.__new__


class Axis:
    """The batch axis: its size, and its name if it has one."""

    __slots__ = ("name", "size", "spmd")

    def __init__(self, size: int, name: Any = None, spmd: Any = None):
        self.size = size
        self.name = name
        self.spmd = spmd

    def key(self) -> Any:
        return self.size, self.name


class BatchTracer(Tracer):
    """A value with a batch axis at `dim` (counted in `val`), which `aval` leaves out."""

    __slots__ = ("aval", "dim", "val")

    def __init__(self, trace: "BatchTrace", val: Any, dim: int):
        self._trace = trace
        self._place = None
        self.val = val
        self.dim = dim
        whole = val.aval
        shape = whole.shape
        self.aval = ShapedArray(shape[:dim] + shape[dim + 1 :], whole.dtype, whole.weak_type)

    def origin_(self) -> str:
        return " The function is being vectorised by vmap."


class BatchTrace(Trace):
    """Applies operations to all elements of a batch at once."""

    __slots__ = ("axis",)
    what = "a function under vmap"

    def __init__(self, level: int, axis: Axis):
        self.level = level
        self.alive = True
        self.axis = axis

    def parts(self, args: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        vals: list[Any] = []
        dims: list[Any] = []
        for a in args:
            trace = a._trace
            if trace is self:
                vals.append(a.val)
                dims.append(a.dim)
            else:
                if trace is not None and not trace.alive:
                    raise trace.leaked(a)
                vals.append(a)
                dims.append(None)
        if not self.alive:
            raise self.leaked(next(a for a in args if a._trace is self))
        return vals, dims

    def process(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        vals, dims = self.parts(args)
        out, dim = prim.batch(self.axis, vals, dims, **params)
        if prim.multiple_results:
            return [
                o if d is None else BatchTracer(self, o, d) for o, d in zip(out, dim, strict=True)
            ]
        return out if dim is None else BatchTracer(self, out, dim)

    def split(self, x: Any) -> tuple[Any, int | None]:
        """A value and its batch axis (None: the same for all elements)."""
        if x._trace is self:
            return x.val, x.dim
        return x, None


def vmap(
    fun: Callable[..., Sequence[Any]], axis: Axis, args: Sequence[Any], dims: Sequence[int | None]
) -> tuple[list[Any], list[int | None]]:
    """Results and their batch axes, of a flat function on arguments with batch axes."""
    with new_depth() as level:
        trace = BatchTrace(level, axis)
        ins = [
            a if d is None else BatchTracer(trace, a, d) for a, d in zip(args, dims, strict=True)
        ]
        try:
            if axis.name is None:
                results = fun(*ins)
            else:
                with extend(axis.name, axis.size, trace):
                    results = fun(*ins)
        finally:
            trace.alive = False
    pairs = [trace.split(x) for x in results]
    del ins, results
    if config.check_tracer_leaks.value:
        leaks.check(trace)
    return [x for x, _ in pairs], [d for _, d in pairs]


def batched_aval(aval: ShapedArray, size: int) -> ShapedArray:
    return ShapedArray((size, *aval.shape), aval.dtype, aval.weak_type)


def vmap_program(
    closed: ClosedJaxpr, axis: Axis, batched: tuple[bool, ...], force: Any = False
) -> tuple[ClosedJaxpr, tuple[bool, ...]]:
    """The program with a leading batch axis on some inputs, and which results have one (leading too).

    force: True, or a bool per result, to batch it in any case. Cached on the program.
    """
    key = ("vmap", axis.key(), batched, force)
    found = closed.cache.get(key)
    if found is not None:
        return found
    flags = (force,) * len(closed.jaxpr.outvars) if isinstance(force, bool) else force
    outs_batched: list[bool] = []

    def run(*args: Any) -> list[Any]:
        outs, dims = vmap(
            lambda *xs: eval_jaxpr(closed.jaxpr, closed.consts, *xs),
            axis,
            args,
            [0 if b else None for b in batched],
        )
        results = []
        for x, d, want in zip(outs, dims, flags, strict=True):
            if d is None and want:
                x, d = to_front(x, None, axis.size), 0
            outs_batched.append(d is not None)
            results.append(x if d is None else moveaxis(x, d, 0))
        return results

    in_avals = [
        batched_aval(a, axis.size) if b else a
        for a, b in zip(closed.in_avals, batched, strict=True)
    ]
    jaxpr, consts = trace_to_jaxpr(run, in_avals, "a function under vmap")
    found = intern(closed_program(jaxpr, consts, "vmap")), tuple(outs_batched)
    closed.cache[key] = found
    return found
