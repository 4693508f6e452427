"""checkpoint: compute intermediate values again in the backward pass, instead of keeping them.

Source: Griewank and Walther, "Algorithm 799: revolve" (2000); Chen, Xu, Zhang, Guestrin (2016).
"""

from collections.abc import Sequence
from typing import Any

from numax._engine.control.call import front, linear_cotangents, nonzeros, pack_tangents
from numax._engine.control.record import eval_closed
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, Var, intern
from numax._engine.core.primitive import Primitive, Zero, is_linear, on_device
from numax._engine.ops.basis import as_value
from numax._engine.stablehlo import hlo
from numax._engine.transforms.jvp import jvp_program
from numax._engine.transforms.partial_eval import (
    Split,
    prune_equations,
    prune_program,
    residual_ins,
    split_equations,
    split_program,
)
from numax._engine.transforms.transpose import transpose_program
from numax._engine.transforms.vmap import vmap_program


def _jvp(primals: Any, tangents: Any, *, jaxpr: ClosedJaxpr, **params: Any) -> Any:
    program, given = jvp_program(jaxpr, nonzeros(tangents))
    args = [*primals, *(t for t in tangents if type(t) is not Zero)]
    outs = remat_p.bind(*args, jaxpr=program, **params)
    return pack_tangents(outs, len(given), given, jaxpr.out_avals)


def _saved(jaxpr: Jaxpr, known_eqns: Sequence[Eqn], policy: Any) -> list[Var]:
    """The intermediate values that the policy keeps."""
    if policy is None:
        return []
    kept = []
    for eqn in known_eqns:
        avals = [v.aval for v in eqn.invars]
        if policy(eqn.primitive, *avals, **eqn.params):
            kept += [v for v in eqn.outvars if type(v) is Var]
    return kept


def _split(unknown: tuple[bool, ...], *, jaxpr: ClosedJaxpr, policy: Any, **params: Any) -> Split:
    program = jaxpr.jaxpr
    parts = split_program(jaxpr, unknown)
    known_eqns, linear_eqns, _ = split_equations(program.eqns, program.invars, unknown)
    outs = program.outvars
    unknown_outs = parts.unknown_outs
    linear_outs = [v for v, u in zip(outs, unknown_outs, strict=True) if u]
    known_outs = [v for v, u in zip(outs, unknown_outs, strict=True) if not u]
    saved = _saved(program, known_eqns, policy)
    # the linear part computes again whatever is not saved
    stop = set(saved)
    again = [e for e in known_eqns if not any(v in stop for v in e.outvars)]
    body = prune_equations([*again, *linear_eqns], linear_outs)
    read = {v for e in body for v in e.invars if type(v) is Var} | {
        v for v in linear_outs if type(v) is Var
    }
    saved = [v for v in saved if v in read]
    known_ins = [i for i, u in enumerate(unknown) if not u]
    forwarded = [i for i in known_ins if program.invars[i] in read]
    unknown_ins = [i for i, u in enumerate(unknown) if u]
    known = Jaxpr(
        program.constvars,
        [program.invars[i] for i in known_ins],
        [*known_outs, *saved],
        prune_equations(list(known_eqns), [*known_outs, *saved]),
        program.debug_name,
    )
    linear = Jaxpr(
        program.constvars,
        [
            *saved,
            *(program.invars[i] for i in forwarded),
            *(program.invars[i] for i in unknown_ins),
        ],
        linear_outs,
        body,
        program.debug_name,
    )
    runs = saved or known_outs
    return Split(
        remat_p if runs else None,
        {**params, "policy": policy, "jaxpr": intern(ClosedJaxpr(known, jaxpr.consts))},
        tuple(known_ins),
        len(saved),
        remat_p,
        {
            **params,
            "policy": policy,
            "jaxpr": intern(ClosedJaxpr(linear, jaxpr.consts)),
            "differentiated": True,
        },
        (*residual_ins(len(saved)), *forwarded, *unknown_ins),
        unknown_outs,
    )


def _transpose(cts: Any, *args: Any, jaxpr: ClosedJaxpr, **params: Any) -> Any:
    linear = tuple([is_linear(a) for a in args])
    program, given = transpose_program(jaxpr, linear, nonzeros(cts), False)
    known = [a for a in args if not is_linear(a)]
    outs = remat_p.bind(
        *known, *(ct for ct in cts if type(ct) is not Zero), jaxpr=program, **params
    )
    return linear_cotangents(args, given, outs)


def _batch(axis: Any, args: Any, dims: Any, *, jaxpr: ClosedJaxpr, **params: Any) -> Any:
    program, batched = vmap_program(jaxpr, axis, tuple([d is not None for d in dims]))
    outs = remat_p.bind(*front(args, dims), jaxpr=program, **params)
    return outs, [0 if b else None for b in batched]


def _lower(
    ctx: Any, *args: Any, jaxpr: ClosedJaxpr, prevent_cse: bool, differentiated: bool, policy: Any
) -> Any:
    if differentiated and prevent_cse and args:
        args = tuple(hlo.optimization_barrier(ctx, *args))
    return ctx.scope.inline(jaxpr, args)


def _prune(eqn: Eqn, used: tuple[bool, ...]) -> Eqn:
    program, kept = prune_program(eqn.params["jaxpr"], used)
    return eqn.replace(
        invars=[v for v, k in zip(eqn.invars, kept, strict=True) if k],
        outvars=[v for v, u in zip(eqn.outvars, used, strict=True) if u],
        params={**eqn.params, "jaxpr": program},
    )


remat_p = Primitive(
    name="remat2",
    multiple_results=True,
    infer=lambda *avals, jaxpr, **params: jaxpr.out_avals,
    host=on_device,
    impl=lambda *args, jaxpr, **params: eval_closed(jaxpr, args),
    lower=_lower,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    split=_split,
    prune=_prune,
)


# ---- names for policies ----


def checkpoint_name(x: Any, name: str) -> Any:
    """`x`, with a name that checkpoint policies (save_only_these_names, ...) refer to."""
    return name_p.bind(as_value(x, "checkpoint_name"), name=name)


def _same(x: Any, *, name: str) -> Any:
    return x


name_p = Primitive(
    name="name",
    infer=lambda x, *, name: x,
    host=_same,
    lower=lambda ctx, x, *, name: x,
    jvp=lambda primals, tangents, *, name: (
        name_p.bind(*primals, name=name),
        name_p.bind(*tangents, name=name),
    ),
    transpose=lambda ct, x, *, name: [ct],
    batch=lambda axis, args, dims, *, name: (name_p.bind(*args, name=name), dims[0]),
)


class _Policies:
    """Which intermediate values a checkpointed function keeps: policy(primitive, *avals, **params) -> bool."""

    @staticmethod
    def everything_saveable(prim: Any, *_: Any, **__: Any) -> bool:
        return True

    @staticmethod
    def nothing_saveable(prim: Any, *_: Any, **__: Any) -> bool:
        return False

    @staticmethod
    def dots_saveable(prim: Any, *_: Any, **__: Any) -> bool:
        return prim.name in ("dot_general", "conv_general_dilated")

    checkpoint_dots = dots_saveable

    @staticmethod
    def dots_with_no_batch_dims_saveable(prim: Any, *_: Any, **params: Any) -> bool:
        return prim.name == "dot_general" and not params["dimension_numbers"][1][0]

    checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable

    @staticmethod
    def save_only_these_names(*names: str) -> Any:
        return lambda prim, *_, **params: prim is name_p and params["name"] in names

    @staticmethod
    def save_anything_except_these_names(*names: str) -> Any:
        return lambda prim, *_, **params: not (prim is name_p and params["name"] in names)

    @staticmethod
    def save_any_names_but_these(*names: str) -> Any:
        return lambda prim, *_, **params: prim is name_p and params["name"] not in names

    @staticmethod
    def save_from_both_policies(first: Any, second: Any) -> Any:
        return lambda prim, *avals, **params: (
            first(prim, *avals, **params) or second(prim, *avals, **params)
        )


checkpoint_policies = _Policies()

__all__ = ["checkpoint_name", "checkpoint_policies", "name_p", "remat_p"]
