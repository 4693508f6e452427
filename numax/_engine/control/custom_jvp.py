"""custom_jvp: functions with a derivative rule of the user's."""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.control.arguments import resolve, split_nondiff
from numax._engine.control.call import front, nonzeros
from numax._engine.control.record import (
    eval_closed,
    gives_way,
    name_of,
    values_of,
)
from numax._engine.core import tree
from numax._engine.core.avals import ShapedArray
from numax._engine.core.dtypes import float0
from numax._engine.core.ir import ClosedJaxpr, intern
from numax._engine.core.primitive import Primitive, Zero, not_linear, on_device
from numax._engine.core.stage import StageTrace, split_tracers, trace_to_jaxpr
from numax._engine.core.trace import current
from numax._engine.ops.basis import add_p, convert, instantiate, to_front
from numax._engine.transforms.jvp import JVPTrace
from numax._engine.transforms.vmap import BatchTrace, BatchTracer, vmap, vmap_program


class SymbolicZero:
    """Passed to a rule with symbolic_zeros=True: a tangent known to be zero. Has .shape, .dtype and .aval."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape

    @property
    def dtype(self) -> Any:
        return self.aval.dtype

    def __repr__(self) -> str:
        return f"SymbolicZero({self.aval.str_short()})"


class custom_jvp:  # noqa: N801  (JAX's name)
    """A function whose forward-mode derivative is given by a rule; reverse mode follows from it.

    f = custom_jvp(fun); f.defjvp(rule), where rule(primals, tangents) -> (output, output tangent), linear in the
    tangents. nondiff_argnums name arguments that are passed to the rule first, and have no tangents.
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: Sequence[int] = (),
        nondiff_argnames: Sequence[str] = (),
    ):
        if not callable(fun):
            raise TypeError(f"custom_jvp: fun must be callable; got {type(fun).__name__}.")
        self.fun = fun
        self.nondiff_argnums = tuple(nondiff_argnums)
        self.nondiff_argnames = tuple(nondiff_argnames)
        self.jvp: Callable[..., Any] | None = None
        self.symbolic_zeros = False
        self.__wrapped__ = fun
        for attribute in ("__name__", "__qualname__", "__doc__", "__module__"):
            if hasattr(fun, attribute):
                setattr(self, attribute, getattr(fun, attribute))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else lambda *args, **kwargs: self(instance, *args, **kwargs)

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Set the rule; give it back, so that this is a decorator."""
        self.jvp = jvp
        self.symbolic_zeros = symbolic_zeros
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Set one rule for each argument: rule(tangent, output, *primals) -> its part of the output's tangent."""
        if self.nondiff_argnums:
            raise TypeError("defjvps: does not go with nondiff_argnums. Use defjvp.")

        def jvp(primals: Any, tangents: Any) -> Any:
            out = self(*primals)
            total = None
            for rule, t in zip(jvps, tangents, strict=True):
                if rule is None:
                    continue
                part = rule(t, out, *primals)
                total = part if total is None else _plus(total, part)
            if total is None:
                values, structure = values_of("custom_jvp", "the output", out)
                total = tree.unflatten(
                    structure, [instantiate(Zero(v.aval.tangent())) for v in values]
                )
            return out, total

        self.defjvp(jvp)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.jvp is None:
            raise AttributeError(
                f"custom_jvp: `{name_of(self.fun)}` has no rule. Give one with `{name_of(self.fun)}.defjvp`."
            )
        args = resolve(self.fun, args, kwargs)
        nondiff, dyn, rebuild = split_nondiff(args, self.nondiff_argnums)
        values, in_tree = values_of("custom_jvp", "arguments", tuple(dyn))
        out_trees: list[Any] = []

        def fun(*leaves: Any) -> list[Any]:
            result = self.fun(*rebuild(tree.unflatten(in_tree, leaves)))
            outs, structure = values_of("custom_jvp", "the output", result)
            out_trees.append(structure)
            return outs

        rule = _flat_rule(self, nondiff, in_tree, out_trees)
        outs = call_custom_jvp(fun, rule, values, name_of(self.fun), self.symbolic_zeros)
        return tree.unflatten(out_trees[-1], outs)


def _plus(a: Any, b: Any) -> Any:
    first, structure = values_of("custom_jvp", "a tangent", a)
    second, _ = values_of("custom_jvp", "a tangent", b)
    return tree.unflatten(structure, [add_p.bind(x, y) for x, y in zip(first, second, strict=True)])


def _flat_rule(self: custom_jvp, nondiff: list[Any], in_tree: Any, out_trees: list[Any]) -> Any:
    name = name_of(self.fun)

    def rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        if self.symbolic_zeros:
            ts: list[Any] = [SymbolicZero(t.aval) if type(t) is Zero else t for t in tangents]
        else:
            ts = [instantiate(t) for t in tangents]
        result = self.jvp(
            *nondiff, tuple(tree.unflatten(in_tree, primals)), tuple(tree.unflatten(in_tree, ts))
        )
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"custom_jvp: the rule of `{name}` must return a pair (output, output tangent); got {type(result).__name__}."
            )
        outs, out_tree = values_of("custom_jvp", "the rule's output", result[0])
        leaves, tangent_tree = tree.flatten(
            result[1], is_leaf=lambda x: isinstance(x, SymbolicZero)
        )
        if tangent_tree != out_tree:
            raise TypeError(
                f"custom_jvp: the rule of `{name}` must return an output and a tangent of equal structure; got {out_tree} "
                f"and {tangent_tree}."
            )
        out_trees.append(out_tree)
        return outs, [_check_tangent(name, o, t) for o, t in zip(outs, leaves, strict=True)]

    return rule


def _check_tangent(name: str, out: Any, tangent: Any) -> Any:
    wanted = out.aval.tangent()
    if isinstance(tangent, SymbolicZero | Zero):
        return Zero(wanted)
    if getattr(tangent, "dtype", None) == float0:
        return Zero(wanted)
    (value,), _ = values_of("custom_jvp", "the rule's tangent", tangent)
    if wanted.dtype == float0:
        return Zero(wanted)
    if gives_way(value.aval, wanted):
        value = convert(value, wanted.dtype, False)
    if value.aval.shape != wanted.shape or value.aval.dtype != wanted.dtype:
        raise TypeError(
            f"custom_jvp: the rule of `{name}` must return tangents of the outputs' shapes and dtypes; got a tangent "
            f"{value.aval.str_short()} for an output {out.aval.str_short()}."
        )
    return value


# ---- calling: each kind of trace does its own thing ----


def top_trace(values: Sequence[Any]) -> Any:
    top = current.get()
    for v in values:
        trace = v._trace
        if trace is not None and trace.level > top.level:
            top = trace
    return top


def call_custom_jvp(
    fun: Any, rule: Any, values: Sequence[Any], name: str, symbolic_zeros: bool
) -> list[Any]:
    """Call a flat function with a flat rule in the highest trace among its arguments."""
    top = top_trace(values)
    if isinstance(top, JVPTrace):
        return top.custom_jvp(fun, rule, values, symbolic_zeros)
    if isinstance(top, BatchTrace):
        return _under_vmap(top, fun, rule, values, name, symbolic_zeros)
    if isinstance(top, StageTrace):
        jaxpr, consts = trace_to_jaxpr(fun, [v.aval for v in values], f"`{name}`")
        closed, outer = split_tracers(jaxpr, consts)
        count = len(outer)

        def with_outer(primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
            return rule(primals[count:], tangents[count:])

        return custom_jvp_call_p.bind(
            *outer,
            *values,
            call_jaxpr=intern(closed),
            jvp=with_outer if count else rule,
            name=name,
            symbolic_zeros=symbolic_zeros,
        )
    return fun(*values)


def _under_vmap(
    trace: Any, fun: Any, rule: Any, values: Sequence[Any], name: str, symbolic_zeros: bool
) -> list[Any]:
    vals, dims = trace.parts(values)
    axis = trace.axis

    def batched_fun(*args: Any) -> list[Any]:
        outs, out_dims = vmap(fun, axis, args, dims)
        return [to_front(o, d, axis.size) for o, d in zip(outs, out_dims, strict=True)]

    outs = call_custom_jvp(batched_fun, batch_rule(rule, axis, dims), vals, name, symbolic_zeros)
    return [BatchTracer(trace, o, 0) for o in outs]


def batch_rule(rule: Any, axis: Any, dims: Sequence[int | None]) -> Any:
    """The rule for arguments with batch axes; its results have leading ones."""

    def batched(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        nz = nonzeros(tangents)
        zeros: list[Any] = []

        def flat(*args: Any) -> list[Any]:
            ps, ts = args[: len(primals)], iter(args[len(primals) :])
            full = [next(ts) if n else Zero(p.aval.tangent()) for n, p in zip(nz, ps, strict=True)]
            outs, out_ts = rule(ps, full)
            zeros.extend(type(t) is Zero for t in out_ts)
            return [*outs, *(t for t in out_ts if type(t) is not Zero)]

        given = [t for t in tangents if type(t) is not Zero]
        t_dims = [d for d, n in zip(dims, nz, strict=True) if n]
        outs, out_dims = vmap(flat, axis, [*primals, *given], [*dims, *t_dims])
        ready = [to_front(o, d, axis.size) for o, d in zip(outs, out_dims, strict=True)]
        count = len(zeros)
        ts = iter(ready[count:])
        return ready[:count], [
            Zero(o.aval.tangent()) if z else next(ts)
            for o, z in zip(ready[:count], zeros, strict=True)
        ]

    return batched


# ---- the rules of the recorded call ----


def _jvp(
    primals: Any, tangents: Any, *, call_jaxpr: Any, jvp: Any, name: str, symbolic_zeros: bool
) -> Any:
    return jvp(primals, tangents)


def _batch(
    axis: Any,
    args: Any,
    dims: Any,
    *,
    call_jaxpr: ClosedJaxpr,
    jvp: Any,
    name: str,
    symbolic_zeros: bool,
) -> Any:
    batched = tuple([d is not None for d in dims])
    body, _ = vmap_program(call_jaxpr, axis, batched, True)
    ready = front(args, dims)
    rule = batch_rule(jvp, axis, [0 if b else None for b in batched])
    outs = custom_jvp_call_p.bind(
        *ready, call_jaxpr=body, jvp=rule, name=name, symbolic_zeros=symbolic_zeros
    )
    return outs, [0] * len(outs)


custom_jvp_call_p = Primitive(
    name="custom_jvp_call",
    multiple_results=True,
    infer=lambda *avals, call_jaxpr, **params: call_jaxpr.out_avals,
    host=on_device,
    impl=lambda *args, call_jaxpr, **params: eval_closed(call_jaxpr, args),
    lower=lambda ctx, *args, call_jaxpr, **params: ctx.scope.inline(call_jaxpr, args),
    jvp=_jvp,
    transpose=not_linear,
    batch=_batch,
)

__all__ = ["SymbolicZero", "custom_jvp", "custom_jvp_call_p"]
