"""custom_vjp: functions with a reverse-mode rule of the user's."""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.control.arguments import resolve, split_nondiff
from numax._engine.control.call import front, nonzeros
from numax._engine.control.custom_jvp import SymbolicZero, top_trace
from numax._engine.control.record import eval_closed, gives_way, name_of, values_of
from numax._engine.core import tree
from numax._engine.core.avals import ShapedArray
from numax._engine.core.dtypes import float0
from numax._engine.core.ir import ClosedJaxpr, intern
from numax._engine.core.primitive import Primitive, Zero, on_device
from numax._engine.core.stage import StageTrace, split_tracers, trace_to_jaxpr
from numax._engine.ops.basis import convert, instantiate, moveaxis, reduce_sum, to_front
from numax._engine.transforms.jvp import JVPTrace, JVPTracer
from numax._engine.transforms.vmap import BatchTrace, BatchTracer, vmap, vmap_program


class CustomVJPPrimal:
    """Passed to a forward rule with symbolic_zeros=True: .value, and .perturbed (whether it is differentiated)."""

    __slots__ = ("perturbed", "value")

    def __init__(self, value: Any, perturbed: bool):
        self.value = value
        self.perturbed = perturbed


class custom_vjp:  # noqa: N801  (JAX's name)
    """A function whose reverse-mode derivative is given by a pair of rules; it has no forward mode.

    f = custom_vjp(fun); f.defvjp(fwd, bwd), where fwd(*args) -> (output, residuals) and bwd(residuals, output cotangent)
    -> a tuple of one cotangent for each argument (None: zero). nondiff_argnums name arguments that bwd gets first.
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: Sequence[int] = (),
        nondiff_argnames: Sequence[str] = (),
    ):
        if not callable(fun):
            raise TypeError(f"custom_vjp: fun must be callable; got {type(fun).__name__}.")
        self.fun = fun
        self.nondiff_argnums = tuple(nondiff_argnums)
        self.nondiff_argnames = tuple(nondiff_argnames)
        self.fwd: Callable[..., Any] | None = None
        self.bwd: Callable[..., Any] | None = None
        self.symbolic_zeros = False
        self.optimize_remat = False
        self.__wrapped__ = fun
        for attribute in ("__name__", "__qualname__", "__doc__", "__module__"):
            if hasattr(fun, attribute):
                setattr(self, attribute, getattr(fun, attribute))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else lambda *args, **kwargs: self(instance, *args, **kwargs)

    def defvjp(
        self,
        fwd: Callable[..., Any],
        bwd: Callable[..., Any],
        symbolic_zeros: bool = False,
        optimize_remat: bool = False,
    ) -> None:
        """Set the rules."""
        self.fwd, self.bwd = fwd, bwd
        self.symbolic_zeros = symbolic_zeros
        self.optimize_remat = optimize_remat

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = name_of(self.fun)
        if self.fwd is None or self.bwd is None:
            raise AttributeError(
                f"custom_vjp: `{name}` has no rules. Give them with `{name}.defvjp(fwd, bwd)`."
            )
        args = resolve(self.fun, args, kwargs)
        nondiff, dyn, rebuild = split_nondiff(args, self.nondiff_argnums)
        values, in_tree = values_of("custom_vjp", "arguments", tuple(dyn))
        seen: dict[str, Any] = {}

        def fun(*leaves: Any) -> list[Any]:
            result = self.fun(*rebuild(tree.unflatten(in_tree, leaves)))
            outs, seen["out"] = values_of("custom_vjp", "the output", result)
            return outs

        def fwd(leaves: Sequence[Any], perturbed: Sequence[bool]) -> tuple[list[Any], list[Any]]:
            if self.symbolic_zeros:
                leaves = [CustomVJPPrimal(x, p) for x, p in zip(leaves, perturbed, strict=True)]
            pair = self.fwd(*rebuild(tree.unflatten(in_tree, leaves)))
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise TypeError(
                    f"custom_vjp: fwd of `{name}` must return a pair (output, residuals); got {type(pair).__name__}."
                )
            outs, out_tree = values_of("custom_vjp", "the output of fwd", pair[0])
            residuals, seen["res"] = values_of("custom_vjp", "the residuals", pair[1])
            if "out" in seen and seen["out"] != out_tree:
                raise TypeError(
                    f"custom_vjp: fwd of `{name}` must return an output of the function's structure; got {out_tree}, "
                    f"the function's is {seen['out']}."
                )
            seen["out"] = out_tree
            return outs, residuals

        def bwd(
            residuals: Sequence[Any], cts: Sequence[Any], in_avals: Sequence[ShapedArray]
        ) -> list[Any]:
            if self.symbolic_zeros:
                cts = [SymbolicZero(c.aval) if type(c) is Zero else c for c in cts]
            else:
                cts = [instantiate(c) for c in cts]
            result = self.bwd(
                *nondiff, tree.unflatten(seen["res"], residuals), tree.unflatten(seen["out"], cts)
            )
            return _check_cotangents(name, result, in_tree, in_avals)

        outs = call_custom_vjp(fun, fwd, bwd, values, name)
        return tree.unflatten(seen["out"], outs)


def _check_cotangents(
    name: str, result: Any, in_tree: Any, in_avals: Sequence[ShapedArray]
) -> list[Any]:
    children = in_tree.children()
    if isinstance(result, list):
        result = tuple(result)
    if not isinstance(result, tuple) or len(result) != len(children):
        shown = f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__
        raise TypeError(
            f"custom_vjp: bwd of `{name}` must return a tuple of {len(children)}, a cotangent for each argument (None for "
            f"zero); got {shown}."
        )
    avals = iter(in_avals)
    out: list[Any] = []
    for number, (one, structure) in enumerate(zip(result, children, strict=True)):
        wanted = [next(avals) for _ in range(structure.num_leaves)]
        if one is None and structure.num_leaves != 0:
            out += [Zero(a.tangent()) for a in wanted]
            continue
        leaves, own = tree.flatten(
            one, is_leaf=lambda x: x is None or isinstance(x, SymbolicZero | Zero)
        )
        if len(leaves) != len(wanted):
            raise TypeError(
                f"custom_vjp: bwd of `{name}` must give argument {number} a cotangent of its structure; got {own}, the "
                f"argument's is {structure}."
            )
        out += [_check_one(name, number, x, a) for x, a in zip(leaves, wanted, strict=True)]
    return out


def _check_one(name: str, number: int, ct: Any, aval: ShapedArray) -> Any:
    wanted = aval.tangent()
    if ct is None or isinstance(ct, SymbolicZero | Zero) or wanted.dtype == float0:
        return Zero(wanted)
    if getattr(ct, "dtype", None) == float0:
        return Zero(wanted)
    (value,), _ = values_of("custom_vjp", f"the cotangent of argument {number}", ct)
    if gives_way(value.aval, wanted):
        value = convert(value, wanted.dtype, False)
    if value.aval.shape != wanted.shape:
        raise ValueError(
            f"custom_vjp: bwd of `{name}` must give argument {number} a cotangent of its shape; got "
            f"{value.aval.str_short()}, the argument is {aval.str_short()}."
        )
    if value.aval.dtype != wanted.dtype:
        raise ValueError(
            f"custom_vjp: bwd of `{name}` must give argument {number} a cotangent of its dtype; got "
            f"{value.aval.str_short()}, the argument is {aval.str_short()}."
        )
    return value


# ---- calling ----


def call_custom_vjp(fun: Any, fwd: Any, bwd: Any, values: Sequence[Any], name: str) -> list[Any]:
    top = top_trace(values)
    if isinstance(top, JVPTrace):
        primals, tangents = top.parts(values)
        outs, out_tangents = _derivative(fwd, bwd, primals, tangents, name)
        return [
            o if type(t) is Zero else JVPTracer(top, o, t)
            for o, t in zip(outs, out_tangents, strict=True)
        ]
    if isinstance(top, BatchTrace):
        vals, dims = top.parts(values)
        axis = top.axis

        def batched_fun(*args: Any) -> list[Any]:
            outs, out_dims = vmap(fun, axis, args, dims)
            return [to_front(o, d, axis.size) for o, d in zip(outs, out_dims, strict=True)]

        batched_fwd, batched_bwd = batch_rules(fwd, bwd, axis, dims)
        outs = call_custom_vjp(batched_fun, batched_fwd, batched_bwd, vals, name)
        return [BatchTracer(top, o, 0) for o in outs]
    if isinstance(top, StageTrace):
        jaxpr, consts = trace_to_jaxpr(fun, [v.aval for v in values], f"`{name}`")
        closed, outer = split_tracers(jaxpr, consts)
        count = len(outer)

        def outer_fwd(leaves: Sequence[Any], perturbed: Sequence[bool]) -> Any:
            return fwd(leaves[count:], perturbed[count:])

        def outer_bwd(residuals: Any, cts: Any, in_avals: Any) -> list[Any]:
            zeros = [Zero(a.tangent()) for a in in_avals[:count]]
            return [*zeros, *bwd(residuals, cts, in_avals[count:])]

        return custom_vjp_call_p.bind(
            *outer,
            *values,
            call_jaxpr=intern(closed),
            fwd=outer_fwd if count else fwd,
            bwd=outer_bwd if count else bwd,
            name=name,
        )
    return fun(*values)


def _derivative(
    fwd: Any, bwd: Any, primals: Sequence[Any], tangents: Sequence[Any], name: str
) -> Any:
    nz = nonzeros(tangents)
    outs, residuals = fwd(primals, nz)
    in_avals = tuple([p.aval for p in primals])
    out_avals = tuple([o.aval.tangent() for o in outs])
    inexact = tuple([a.dtype != float0 for a in out_avals])
    ts = custom_lin_p.bind(
        *residuals,
        *(t for t in tangents if type(t) is not Zero),
        bwd=bwd,
        num_res=len(residuals),
        mask=nz,
        in_avals=in_avals,
        out_avals=out_avals,
        name=name,
    )
    return outs, [t if ok else Zero(a) for t, ok, a in zip(ts, inexact, out_avals, strict=True)]


def _vmapped_bwd(
    bwd: Any,
    axis: Any,
    residuals: Sequence[Any],
    residual_dims: Sequence[int | None],
    cts: Sequence[Any],
    in_avals: Sequence[ShapedArray],
    dims: Sequence[int | None],
) -> list[Any]:
    """Cotangents of arguments with batch axes at `dims`; those of arguments without are summed over the batch."""
    n = len(residuals)
    single = [
        a if d is None else ShapedArray(a.shape[:d] + a.shape[d + 1 :], a.dtype)
        for a, d in zip(in_avals, dims, strict=True)
    ]
    nz = nonzeros(cts)
    zeros: list[bool] = []

    def flat(*args: Any) -> list[Any]:
        given = iter(args[n:])
        full = [
            next(given) if g else Zero(ShapedArray(c.aval.shape[1:], c.aval.dtype))
            for g, c in zip(nz, cts, strict=True)
        ]
        results = bwd(args[:n], full, single)
        zeros[:] = [type(r) is Zero for r in results]
        return [r for r in results if type(r) is not Zero]

    given = [c for c in cts if type(c) is not Zero]
    results, out_dims = vmap(
        flat, axis, [*residuals, *given], [*residual_dims, *(0 for _ in given)]
    )
    pairs = iter(zip(results, out_dims, strict=True))
    out: list[Any] = []
    for z, d, aval in zip(zeros, dims, in_avals, strict=True):
        if z:
            out.append(Zero(aval.tangent()))
            continue
        ct, ct_dim = next(pairs)
        ct = to_front(ct, ct_dim, axis.size)
        out.append(reduce_sum(ct, (0,)) if d is None else moveaxis(ct, 0, d))
    return out


def batch_rules(fwd: Any, bwd: Any, axis: Any, dims: Sequence[int | None]) -> tuple[Any, Any]:
    """The rules for arguments with batch axes; outputs have leading ones."""
    residual_dims: list[Any] = []

    def batched_fwd(
        leaves: Sequence[Any], perturbed: Sequence[bool]
    ) -> tuple[list[Any], list[Any]]:
        count: list[int] = []

        def flat(*args: Any) -> list[Any]:
            outs, residuals = fwd(args, perturbed)
            count.append(len(outs))
            return [*outs, *residuals]

        results, out_dims = vmap(flat, axis, leaves, dims)
        n = count[-1]
        residual_dims[:] = out_dims[n:]
        outs = [to_front(o, d, axis.size) for o, d in zip(results[:n], out_dims[:n], strict=True)]
        return outs, results[n:]

    def batched_bwd(
        residuals: Sequence[Any], cts: Sequence[Any], in_avals: Sequence[ShapedArray]
    ) -> list[Any]:
        return _vmapped_bwd(bwd, axis, residuals, residual_dims, cts, in_avals, dims)

    return batched_fwd, batched_bwd


# ---- the recorded call ----


def _batch(
    axis: Any, args: Any, dims: Any, *, call_jaxpr: ClosedJaxpr, fwd: Any, bwd: Any, name: str
) -> Any:
    batched = tuple([d is not None for d in dims])
    body, _ = vmap_program(call_jaxpr, axis, batched, True)
    new_fwd, new_bwd = batch_rules(fwd, bwd, axis, [0 if b else None for b in batched])
    outs = custom_vjp_call_p.bind(
        *front(args, dims), call_jaxpr=body, fwd=new_fwd, bwd=new_bwd, name=name
    )
    return outs, [0] * len(outs)


def _no_transpose(cts: Any, *args: Any, **params: Any) -> Any:
    raise TypeError("transpose: a custom_vjp function is not known to be linear.")


custom_vjp_call_p = Primitive(
    name="custom_vjp_call",
    multiple_results=True,
    infer=lambda *avals, call_jaxpr, **params: call_jaxpr.out_avals,
    host=on_device,
    impl=lambda *args, call_jaxpr, **params: eval_closed(call_jaxpr, args),
    lower=lambda ctx, *args, call_jaxpr, **params: ctx.scope.inline(call_jaxpr, args),
    jvp=lambda primals, tangents, *, call_jaxpr, fwd, bwd, name: _derivative(
        fwd, bwd, primals, tangents, name
    ),
    transpose=_no_transpose,
    batch=_batch,
)


# ---- the derivative as a linear operation that only transposition knows ----


def _forward_mode(*args: Any, **params: Any) -> Any:
    raise TypeError(
        f"custom_vjp: can't apply forward-mode differentiation (jvp) to a custom_vjp function; `{params.get('name', '')}` "
        "has a reverse-mode rule only. Use custom_jvp, whose rule serves both modes."
    )


def _lin_transpose(
    cts: Any,
    *args: Any,
    bwd: Any,
    num_res: int,
    mask: Any,
    in_avals: Any,
    out_avals: Any,
    name: str,
) -> Any:
    results = bwd(args[:num_res], cts, in_avals)
    return [None] * num_res + [r for r, m in zip(results, mask, strict=True) if m]


def _lin_batch(
    axis: Any,
    args: Any,
    dims: Any,
    *,
    bwd: Any,
    num_res: int,
    mask: Any,
    in_avals: Any,
    out_avals: Any,
    name: str,
) -> Any:
    residual_dims = list(dims[:num_res])
    tangent_dims = iter(dims[num_res:])
    in_dims = [next(tangent_dims) if m else None for m in mask]

    def batched_bwd(
        residuals: Sequence[Any], cts: Sequence[Any], avals: Sequence[ShapedArray]
    ) -> list[Any]:
        return _vmapped_bwd(bwd, axis, residuals, residual_dims, cts, avals, in_dims)

    new_avals = tuple(
        a if d is None else ShapedArray((*a.shape[:d], axis.size, *a.shape[d:]), a.dtype)
        for a, d in zip(in_avals, in_dims, strict=True)
    )
    outs = custom_lin_p.bind(
        *args,
        bwd=batched_bwd,
        num_res=num_res,
        mask=mask,
        in_avals=new_avals,
        out_avals=tuple(ShapedArray((axis.size, *a.shape), a.dtype) for a in out_avals),
        name=name,
    )
    return outs, [0] * len(outs)


custom_lin_p = Primitive(
    name="custom_lin",
    multiple_results=True,
    infer=lambda *avals, out_avals, **params: list(out_avals),
    host=on_device,
    impl=_forward_mode,
    lower=_forward_mode,
    jvp=_forward_mode,
    transpose=_lin_transpose,
    batch=_lin_batch,
)

__all__ = ["CustomVJPPrimal", "custom_lin_p", "custom_vjp", "custom_vjp_call_p"]
