"""cond and switch: one of several programs, chosen by an index."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.control.call import (
    bind_programs,
    front,
    linear_cotangents,
    nonzeros,
    pack_tangents,
)
from numax._engine.control.record import (
    check_same_structure,
    check_same_types,
    eval_closed,
    gives_way,
    name_of,
    permute,
    program,
    record,
    strengthen,
    values_of,
)
from numax._engine.core import dtypes, tree
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr, Eqn
from numax._engine.core.primitive import Primitive, Zero, is_linear, on_device
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import broadcast_in_dim, convert, select_n, to_front, zeros_of
from numax._engine.ops.compare import gt, lt, ne
from numax._engine.stablehlo import hlo
from numax._engine.transforms.jvp import jvp_program
from numax._engine.transforms.partial_eval import Split, prune_program, residual_ins, split_program
from numax._engine.transforms.transpose import transpose_program
from numax._engine.transforms.vmap import vmap_program

_MISSING: Any = object()


def cond(
    pred: Any,
    true_fun: Callable[..., Any],
    false_fun: Callable[..., Any],
    *operands: Any,
    operand: Any = _MISSING,
) -> Any:
    """true_fun(*operands) where `pred` holds, else false_fun(*operands). Only the chosen one runs.

    Both are traced, and must return the same structure, shapes and dtypes; under vmap with a batched `pred` both run.
    Raises: TypeError if `pred` is no scalar, or the functions' results differ. Grad: of the chosen function.
    """
    if not callable(true_fun) or not callable(false_fun):
        raise TypeError(
            "cond: true_fun and false_fun must be callable. Call as cond(pred, true_fun, false_fun, *operands)."
        )
    if operand is not _MISSING:
        if operands:
            raise TypeError(
                "cond: give the operands by position or one by the keyword `operand`, not both."
            )
        operands = (operand,)
    pred = as_value(pred, "cond: pred")
    if pred.aval.shape:
        raise TypeError(
            f"cond: pred must be a scalar; got {pred.aval.str_short()}. Use numax.vmap or numax.numpy.where."
        )
    if dtypes.is_bool(pred.dtype):
        index = convert(pred, dtypes.int32)
    elif dtypes.is_number(pred.dtype):
        index = convert(ne(pred, 0), dtypes.int32)
    else:
        raise TypeError(f"cond: pred must be a boolean or a number; got {pred.aval.str_short()}.")
    return _choose("cond", index, (false_fun, true_fun), operands, ("false_fun", "true_fun"))


def switch(
    index: Any, branches: Sequence[Callable[..., Any]], *operands: Any, operand: Any = _MISSING
) -> Any:
    """branches[index](*operands), with the index clamped to the branches. Only the chosen one runs.

    Raises: TypeError if `index` is no integer scalar, or the branches' results differ; ValueError without branches.
    """
    if not branches:
        raise ValueError("switch: at least one branch is needed.")
    if operand is not _MISSING:
        operands = (*operands, operand)
    index = as_value(index, "switch: index")
    if index.aval.shape or not dtypes.is_integer(index.dtype):
        raise TypeError(f"switch: index must be an integer scalar; got {index.aval.str_short()}.")
    names = tuple(f"branches[{i}]" for i in range(len(branches)))
    if len(branches) == 1:
        return branches[0](*operands)
    return _choose("switch", convert(index, dtypes.int32), tuple(branches), operands, names)


def _choose(
    op: str,
    index: Any,
    branches: tuple[Callable[..., Any], ...],
    operands: tuple[Any, ...],
    names: tuple[str, ...],
) -> Any:
    values, in_tree = values_of(op, "operands", operands)
    avals = [v.aval for v in values]
    recorded = [record(op, f, in_tree, avals, f"the result of {name_of(f)}") for f in branches]
    first_tree = recorded[0][2]
    for name, (_, _, out_tree) in zip(names, recorded, strict=True):
        check_same_structure(op, "the result", first_tree, out_tree, (names[0], name))
    outs = [closed.out_avals for closed, _, _ in recorded]
    common = [_common(avals) for avals in zip(*outs, strict=True)]
    for name, own in zip(names, outs, strict=True):
        fixed = [c if gives_way(o, c) else o for o, c in zip(own, common, strict=True)]
        check_same_types(op, "the result", first_tree, common, fixed, (names[0], name))
    # every branch takes the tracers that any of them closes over
    outer: dict[int, Any] = {id(c): c for _, consts, _ in recorded for c in consts}
    order = list(outer)
    shared = list(outer.values())
    programs = []
    for closed, consts, _ in recorded:
        places = [order.index(id(c)) for c in consts]
        closed = _widen(closed, places, [c.aval for c in shared])
        programs.append(strengthen(closed, common))
    results = bind_programs(
        cond_p, programs, [index, *shared, *values], {"branches": tuple(programs)}
    )
    return tree.unflatten(first_tree, results)


def _common(avals: Sequence[ShapedArray]) -> ShapedArray:
    """The type that results of several branches take: the first strong one, else the first."""
    for a in avals:
        if not a.weak_type:
            return a
    dtype, _ = dtypes.join_types(*((a.dtype, True) for a in avals))
    return ShapedArray(avals[0].shape, dtype, True)


def _widen(closed: ClosedJaxpr, places: list[int], shared: list[ShapedArray]) -> ClosedJaxpr:
    """The program with one leading argument for each shared value; it uses those at `places`."""
    if places == list(range(len(shared))):
        return closed
    count, total = len(places), len(shared)

    def run(*args: Any) -> list[Any]:
        return eval_closed(closed, [*(args[i] for i in places), *args[total:]])

    return program(run, [*shared, *closed.in_avals[count:]])


# ---- the rules ----


def _infer(
    index: ShapedArray, *avals: ShapedArray, branches: tuple[ClosedJaxpr, ...]
) -> list[ShapedArray]:
    return branches[0].out_avals


def _impl(index: Any, *args: Any, branches: tuple[ClosedJaxpr, ...]) -> list[Any]:
    """A known index: run that branch, without compiling."""
    i = int(np.clip(index.numpy_(), 0, len(branches) - 1))
    return eval_closed(branches[i], args)


def _lower(ctx: Any, index: Any, *args: Any, branches: tuple[ClosedJaxpr, ...]) -> Any:
    walk = ctx.scope

    def body(closed: ClosedJaxpr) -> Any:
        return lambda _: walk.inline(closed, args)

    low = hlo.full(ctx, 0, (), index.dtype)
    high = hlo.full(ctx, len(branches) - 1, (), index.dtype)
    index = hlo.clamp(ctx, low, index, high)
    return hlo.case(ctx, index, [body(b) for b in branches])


def _jvp(primals: Any, tangents: Any, *, branches: tuple[ClosedJaxpr, ...]) -> Any:
    index, *args = primals
    nz = nonzeros(tangents[1:])
    given = [False] * len(branches[0].out_avals)
    for b in branches:
        given = [g or n for g, n in zip(given, jvp_program(b, nz)[1], strict=True)]
    programs = tuple(jvp_program(b, nz, tuple(given))[0] for b in branches)
    ins = [*args, *(t for t in tangents[1:] if type(t) is not Zero)]
    outs = cond_p.bind(index, *ins, branches=programs)
    return pack_tangents(outs, len(given), given, branches[0].out_avals)


def _split(unknown: tuple[bool, ...], *, branches: tuple[ClosedJaxpr, ...]) -> Split:
    count = len(branches[0].out_avals)
    if unknown[0]:
        everything = tuple(range(len(unknown)))
        return Split(None, {}, (), 0, cond_p, {"branches": branches}, everything, (True,) * count)
    mask = unknown[1:]
    outs = [False] * count
    for b in branches:
        outs = [o or u for o, u in zip(outs, split_program(b, mask).unknown_outs, strict=True)]
    unknown_outs = tuple(outs)
    parts = [split_program(b, mask, unknown_outs) for b in branches]
    # residuals of different branches share places where their types agree
    slots: list[ShapedArray] = []
    places: list[list[int]] = []
    for p in parts:
        avals = p.known.out_avals[len(p.known.out_avals) - p.residuals :]
        free = list(range(len(slots)))
        own = []
        for a in avals:
            match = next((i for i in free if slots[i].same_type(a)), None)
            if match is None:
                match = len(slots)
                slots.append(a.strong())
            else:
                free.remove(match)
            own.append(match)
        places.append(own)
    forwarded = sorted({i for p in parts for i in p.forwarded})
    known_avals = [a for a, u in zip(branches[0].in_avals, mask, strict=True) if not u]
    unknown_avals = [a for a, u in zip(branches[0].in_avals, mask, strict=True) if u]

    def known_branch(i: int) -> ClosedJaxpr:
        p, own = parts[i], places[i]

        def run(*args: Any) -> list[Any]:
            results = eval_closed(p.known, args)
            cut = len(results) - p.residuals
            filled = dict(zip(own, results[cut:], strict=True))
            rest = [
                convert(filled[j], a.dtype) if j in filled else zeros_of(a)
                for j, a in enumerate(slots)
            ]
            return [*results[:cut], *rest]

        return program(run, known_avals)

    def linear_branch(i: int) -> ClosedJaxpr:
        p, own = parts[i], places[i]

        def run(*args: Any) -> list[Any]:
            residuals = [args[j] for j in own]
            by_number = dict(zip(forwarded, args[len(slots) :], strict=False))
            rest = args[len(slots) + len(forwarded) :]
            return eval_closed(p.linear, [*residuals, *(by_number[j] for j in p.forwarded), *rest])

        in_avals = [*slots, *(branches[0].in_avals[j] for j in forwarded), *unknown_avals]
        return program(run, in_avals)

    numbers = range(len(branches))
    known = tuple(known_branch(i) for i in numbers)
    known = tuple(strengthen(k, [a.strong() for a in known[0].out_avals]) for k in known)
    linear = tuple(linear_branch(i) for i in numbers)
    runs = bool(slots) or not all(unknown_outs)
    return Split(
        cond_p if runs else None,
        {"branches": known},
        (0, *(i + 1 for i, u in enumerate(mask) if not u)),
        len(slots),
        cond_p,
        {"branches": linear},
        (
            0,
            *residual_ins(len(slots)),
            *(i + 1 for i in forwarded),
            *(i + 1 for i, u in enumerate(mask) if u),
        ),
        unknown_outs,
    )


def _transpose(cts: Any, index: Any, *args: Any, branches: tuple[ClosedJaxpr, ...]) -> Any:
    if is_linear(index):
        raise TypeError("transpose: cond is not linear in its predicate.")
    linear = tuple([is_linear(a) for a in args])
    nz = nonzeros(cts)
    programs = [transpose_program(b, linear, nz)[0] for b in branches]
    avals = [a.aval for a in args if is_linear(a)]
    fixed = tuple(strengthen(p, avals) for p in programs)
    known = [a for a in args if not is_linear(a)]
    outs = cond_p.bind(index, *known, *(ct for ct in cts if type(ct) is not Zero), branches=fixed)
    return [None, *linear_cotangents(args, [True] * len(outs), outs)]


def _batch(axis: Any, args: Any, dims: Any, *, branches: tuple[ClosedJaxpr, ...]) -> Any:
    index, *rest = args
    index_dim, *rest_dims = dims
    rest = front(rest, rest_dims)
    batched = tuple([d is not None for d in rest_dims])
    if index_dim is not None:
        # each element has its own index: run all branches, and select
        index = to_front(index, index_dim, axis.size)
        programs = [vmap_program(b, axis, batched, True)[0] for b in branches]
        results = [eval_closed(p, rest) for p in programs]
        top = len(branches) - 1
        index = _clip(index, top)
        outs = []
        for cases in zip(*results, strict=True):
            shape = cases[0].aval.shape
            which = broadcast_in_dim(index, shape, (0,)) if len(shape) > 1 else index
            outs.append(select_n(which, *cases))
        return outs, [0] * len(outs)
    out_batched = [False] * len(branches[0].out_avals)
    for b in branches:
        out_batched = [
            o or n for o, n in zip(out_batched, vmap_program(b, axis, batched)[1], strict=True)
        ]
    programs = tuple(vmap_program(b, axis, batched, tuple(out_batched))[0] for b in branches)
    outs = cond_p.bind(index, *rest, branches=programs)
    return outs, [0 if b else None for b in out_batched]


def _clip(index: Any, top: int) -> Any:
    zero = convert(as_value(np.int32(0)), dtypes.int32)
    last = convert(as_value(np.int32(top)), dtypes.int32)
    index = select_n(lt(index, zero), index, broadcast_in_dim(zero, index.aval.shape, ()))
    return select_n(gt(index, last), index, broadcast_in_dim(last, index.aval.shape, ()))


def _prune(eqn: Eqn, used: tuple[bool, ...]) -> Eqn:
    branches = eqn.params["branches"]
    needs = [prune_program(b, used)[1] for b in branches]
    places = [i for i, flags in enumerate(zip(*needs, strict=True)) if any(flags)]
    programs = []
    for b in branches:
        whole = prune_program(b, used, True)[0]
        programs.append(permute(whole, places, range(len(whole.jaxpr.outvars))))
    outs = [v for v, u in zip(eqn.outvars, used, strict=True) if u]
    ins = [eqn.invars[0], *(eqn.invars[i + 1] for i in places)]
    return eqn.replace(invars=ins, outvars=outs, params={"branches": tuple(programs)})


cond_p = Primitive(
    name="cond",
    multiple_results=True,
    infer=_infer,
    host=on_device,
    impl=_impl,
    lower=_lower,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    split=_split,
    prune=_prune,
)

__all__ = ["cond", "cond_p", "switch"]
