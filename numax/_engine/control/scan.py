"""scan: a loop of known length that carries values along and maps over leading axes.

scan_p takes constants, the initial carry, and the arrays to map over (each with a leading axis of `length`); its program
takes constants, carry and one slice of each, and gives the new carry and one slice of each result.
"""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.control.call import bind_programs, nonzeros
from numax._engine.control.record import (
    check_same_structure,
    check_same_types,
    eval_closed,
    gives_way,
    permute,
    program,
    promote_weak,
    record,
    strengthen,
    values_of,
)
from numax._engine.core import dtypes, tree
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr, Eqn
from numax._engine.core.primitive import Linear, Primitive, Zero, is_linear, on_device
from numax._engine.ops.basis import (
    add_tangents,
    convert,
    instantiate,
    moveaxis,
    reshape,
    to_front,
    zeros_of,
)
from numax._engine.ops.shape import concatenate
from numax._engine.ops.slicing import slice as slice_
from numax._engine.stablehlo import hlo
from numax._engine.transforms.jvp import jvp_program
from numax._engine.transforms.partial_eval import (
    Split,
    prune_program,
    residual_ins,
    split_program,
)
from numax._engine.transforms.transpose import transpose_program
from numax._engine.transforms.vmap import Axis, vmap, vmap_program


def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    _split_transpose: bool = False,
) -> tuple[Any, Any]:
    """Apply carry, y = f(carry, x) for each x along the leading axes of `xs`; give the last carry and all y, stacked.

    Shapes: xs (n, ...) leaves -> ys (n, ...) leaves. The carry keeps its structure, shapes and dtypes.
    Args: length (needed where xs is None); reverse (last x first); unroll (steps in one trip of the loop).
    Raises: TypeError if the carry changes type, ValueError if the leading axes differ.
    Grad: forward and reverse mode, of any order.
    """
    if not callable(f):
        raise TypeError(f"scan: f must be callable; got {type(f).__name__}.")
    init_values, init_tree = values_of("scan", "init", init)
    xs_values, xs_tree = values_of("scan", "xs", xs)
    n = _length(xs, xs_values, xs_tree, length)
    x_avals = [ShapedArray(v.aval.shape[1:], v.aval.dtype, v.aval.weak_type) for v in xs_values]
    in_tree = tree.flatten((init, xs))[1]

    def body(carry: Any, x: Any) -> Any:
        result = f(carry, x)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"scan: f must return a pair (carry, y); got {type(result).__name__}"
                f"{f' of {len(result)}' if isinstance(result, tuple) else ''}. Return (carry, None) where there is no y."
            )
        return result

    count = len(init_values)
    closed, outer, out_tree = record(
        "scan", body, in_tree, [*(v.aval for v in init_values), *x_avals]
    )
    carry_tree, ys_tree = out_tree.children()
    check_same_structure("scan", "carry", init_tree, carry_tree, ("input", "output"))
    # a weakly typed initial carry takes the type that the body gives back
    weak = [
        a.weak_type and not (o.weak_type and o.dtype == a.dtype) and a.shape == o.shape
        for a, o in zip([v.aval for v in init_values], closed.out_avals, strict=False)
    ]
    if any(weak):
        init_values = promote_weak(
            init_values,
            [
                o if w else v.aval
                for v, w, o in zip(init_values, weak, closed.out_avals, strict=False)
            ],
        )
        closed, outer, out_tree = record(
            "scan", body, in_tree, [*(v.aval for v in init_values), *x_avals]
        )
    carry_avals = [v.aval for v in init_values]
    outs = closed.out_avals
    closed = strengthen(
        closed,
        [c if gives_way(o, c) else o for c, o in zip(carry_avals, outs, strict=False)]
        + outs[count:],
    )
    check_same_types(
        "scan", "carry", init_tree, carry_avals, closed.out_avals[:count], ("input", "output")
    )
    steps = n if unroll is True else 1 if unroll is False else int(unroll)
    if (steps < 1 and n > 0) or (steps < 0):
        raise ValueError(f"scan: unroll must be positive; got {unroll}.")
    params = {
        "jaxpr": closed,
        "length": n,
        "num_consts": len(outer),
        "num_carry": count,
        "reverse": bool(reverse),
        "unroll": max(steps, 1),
    }
    results = bind_programs(scan_p, [closed], [*outer, *init_values, *xs_values], params)
    return tree.unflatten(init_tree, results[:count]), tree.unflatten(ys_tree, results[count:])


def _length(xs: Any, values: Sequence[Any], xs_tree: Any, length: int | None) -> int:
    for path, leaf in zip(range(len(values)), values, strict=True):
        if not leaf.aval.shape:
            raise ValueError(
                f"scan: xs must have a leading axis to map over; leaf {path} is {leaf.aval.str_short()}."
            )
    sizes = {v.aval.shape[0] for v in values}
    if length is not None:
        try:
            length = int(length)
        except TypeError:
            raise TypeError(
                f"scan: length must be an integer; got {type(length).__name__}."
            ) from None
        if length < 0:
            raise ValueError(f"scan: length must not be negative; got {length}.")
        if any(s != length for s in sizes):
            raise ValueError(
                f"scan: length is {length}, but the leading axes of xs have sizes {sorted(sizes)}."
            )
        return length
    if not sizes:
        raise ValueError("scan: give `length` where xs has no arrays.")
    if len(sizes) > 1:
        paths = [tree.keystr(p) for p, _ in tree.flatten_with_path(xs)[0]]
        shown = ", ".join(f"xs{p}: {v.aval.shape[0]}" for p, v in zip(paths, values, strict=True))
        raise ValueError(f"scan: the leading axes of xs must have equal sizes; got {shown}.")
    return sizes.pop()


# ---- the rules ----


def _stack(aval: ShapedArray, length: int) -> ShapedArray:
    return ShapedArray((length, *aval.shape), aval.dtype, aval.weak_type)


def _slice(aval: ShapedArray) -> ShapedArray:
    return ShapedArray(aval.shape[1:], aval.dtype, aval.weak_type)


def _infer(
    *avals: ShapedArray,
    jaxpr: ClosedJaxpr,
    length: int,
    num_consts: int,
    num_carry: int,
    reverse: bool,
    unroll: int,
) -> list[ShapedArray]:
    outs = jaxpr.out_avals
    return [*outs[:num_carry], *(_stack(a, length) for a in outs[num_carry:])]


def _lower(
    ctx: Any,
    *args: Any,
    jaxpr: ClosedJaxpr,
    length: int,
    num_consts: int,
    num_carry: int,
    reverse: bool,
    unroll: int,
) -> list[Any]:
    walk = ctx.scope
    avals = list(ctx.avals_out)
    consts = args[:num_consts]
    carry = list(args[num_consts : num_consts + num_carry])
    xs = args[num_consts + num_carry :]
    y_avals = avals[num_carry:]
    ys = [hlo.full(ctx, 0, a.shape, dtypes.physical(a.dtype)) for a in y_avals]
    if length == 0:
        return [*carry, *ys]
    zero = hlo.full(ctx, 0, (), dtypes.int32)

    def step(
        b: Any, i: Any, carry: Sequence[Any], ys: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        place = i
        if reverse:
            place = hlo.subtract(b, hlo.full(b, length - 1, (), dtypes.int32), i)
        nought = hlo.full(b, 0, (), dtypes.int32)
        slices = []
        for x in xs:
            rest = x.shape[1:]
            piece = hlo.dynamic_slice(b, x, [place, *[nought] * len(rest)], (1, *rest))
            slices.append(hlo.reshape(b, piece, rest))
        outs = walk.inline(jaxpr, [*consts, *carry, *slices])
        new = []
        for y, out in zip(ys, outs[num_carry:], strict=True):
            piece = hlo.reshape(b, out, (1, *out.shape))
            new.append(hlo.dynamic_update_slice(b, y, piece, [place, *[nought] * len(out.shape)]))
        return list(outs[:num_carry]), new

    def block(b: Any, i: Any, carry: Sequence[Any], ys: Sequence[Any], steps: int) -> Any:
        for k in range(steps):
            at = i if k == 0 else hlo.add(b, i, hlo.full(b, k, (), dtypes.int32))
            carry, ys = step(b, at, carry, ys)
        return carry, ys

    unroll = min(unroll, length)
    trips, rest = divmod(length, unroll)
    if trips == 1 and not rest:
        carry, ys = block(ctx, zero, carry, ys, unroll)
        return [*carry, *ys]

    def condition(b: Any, i: Any, *_: Any) -> list[Any]:
        return [hlo.compare(b, i, hlo.full(b, trips * unroll, (), dtypes.int32), "LT")]

    def body(b: Any, i: Any, *state: Any) -> list[Any]:
        carry, ys = block(b, i, state[:num_carry], state[num_carry:], unroll)
        return [hlo.add(b, i, hlo.full(b, unroll, (), dtypes.int32)), *carry, *ys]

    end, *state = hlo.while_(ctx, [zero, *carry, *ys], condition, body)
    carry, ys = state[:num_carry], state[num_carry:]
    if rest:
        carry, ys = block(ctx, end, carry, ys, rest)
    return [*carry, *ys]


def _jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    jaxpr, nc, nk = params["jaxpr"], params["num_consts"], params["num_carry"]
    nz = nonzeros(tangents)
    const_nz, carry_nz, xs_nz = nz[:nc], list(nz[nc : nc + nk]), nz[nc + nk :]
    # a carry has a tangent if its start has one, or the body gives it one
    while True:
        mask = (*const_nz, *carry_nz, *xs_nz)
        outs = jvp_program(jaxpr, mask)[1]
        grown = [c or o for c, o in zip(carry_nz, outs[:nk], strict=True)]
        if grown == carry_nz:
            break
        carry_nz = grown
    ys_nz = outs[nk:]
    force = (*carry_nz, *ys_nz)
    derivative, given = jvp_program(jaxpr, mask, force)
    n_in = len(mask)
    tangent_places = {i: n_in + k for k, i in enumerate(i for i, m in enumerate(mask) if m)}

    def order(lo: int, hi: int) -> list[int]:
        return [*range(lo, hi), *(tangent_places[i] for i in range(lo, hi) if mask[i])]

    ins = [*order(0, nc), *order(nc, nc + nk), *order(nc + nk, n_in)]
    n_out = len(force)
    out_places = {i: n_out + k for k, i in enumerate(i for i, m in enumerate(given) if m)}
    outs_order = [
        *range(nk),
        *(out_places[i] for i in range(nk) if given[i]),
        *range(nk, n_out),
        *(out_places[i] for i in range(nk, n_out) if given[i]),
    ]
    body = permute(derivative, ins, outs_order)
    ts = [instantiate(t) if m else None for t, m in zip(tangents, mask, strict=True)]
    both = [*primals, *(t for t in ts if t is not None)]
    extra = sum(mask[:nc])
    results = scan_p.bind(
        *(both[i] for i in ins),
        **{
            **params,
            "jaxpr": body,
            "num_consts": nc + extra,
            "num_carry": nk + sum(carry_nz),
        },
    )
    out: list[Any] = [None] * len(outs_order)
    for place, r in zip(outs_order, results, strict=True):
        out[place] = r
    tangent_iter = iter(out[n_out:])
    out_tangents = [
        next(tangent_iter) if g else Zero(r.aval.tangent())
        for g, r in zip(given, out[:n_out], strict=True)
    ]
    return out[:n_out], out_tangents


def _split(unknown: tuple[bool, ...], **params: Any) -> Split:
    jaxpr, nc, nk = params["jaxpr"], params["num_consts"], params["num_carry"]
    carry_u = list(unknown[nc : nc + nk])
    while True:
        mask = (*unknown[:nc], *carry_u, *unknown[nc + nk :])
        outs = split_program(jaxpr, mask, None).unknown_outs
        grown = [c or o for c, o in zip(carry_u, outs[:nk], strict=True)]
        if grown == carry_u:
            break
        carry_u = grown
    force = (*carry_u, *(False,) * (len(outs) - nk))
    parts = split_program(jaxpr, mask, force)
    unknown_outs = parts.unknown_outs
    # An initial carry that is known, of a carry that is not, goes to the linear part as it is.
    n_in = len(mask)
    known_places = [i for i in range(n_in) if not mask[i]]
    # forwarded inputs: constants and xs are given again; a forwarded carry becomes one more stacked residual
    carried = [i for i in parts.forwarded if nc <= i < nc + nk]
    number = {i: k for k, i in enumerate(known_places)}

    def known_run(*args: Any) -> list[Any]:
        results = eval_closed(parts.known, args)
        return [*results, *(args[number[i]] for i in carried)]

    known_body = parts.known
    if carried:
        known_body = program(known_run, [jaxpr.in_avals[i] for i in known_places])
    total = parts.residuals + len(carried)
    # linear program's inputs now: made residuals, forwarded (in order), unknown
    first = parts.residuals
    forwarded_at = {i: first + k for k, i in enumerate(parts.forwarded)}
    unknown_at = {
        i: first + len(parts.forwarded) + k for k, i in enumerate(i for i in range(n_in) if mask[i])
    }
    const_fwd = [i for i in parts.forwarded if i < nc]
    xs_fwd = [i for i in parts.forwarded if i >= nc + nk]
    const_un = [i for i in range(nc) if mask[i]]
    carry_un = [i for i in range(nc, nc + nk) if mask[i]]
    xs_un = [i for i in range(nc + nk, n_in) if mask[i]]
    ins = [
        *(forwarded_at[i] for i in const_fwd),
        *(unknown_at[i] for i in const_un),
        *(unknown_at[i] for i in carry_un),
        *range(first),
        *(forwarded_at[i] for i in carried),
        *(forwarded_at[i] for i in xs_fwd),
        *(unknown_at[i] for i in xs_un),
    ]
    linear_body = permute(parts.linear, ins, range(len(parts.linear.jaxpr.outvars)))
    linear_ins = (
        *const_fwd,
        *const_un,
        *carry_un,
        *residual_ins(total),
        *xs_fwd,
        *xs_un,
    )
    known_carry = [i for i in range(nc, nc + nk) if not mask[i]]
    runs = total or not all(unknown_outs)
    return Split(
        scan_p if runs else None,
        {
            **params,
            "jaxpr": known_body,
            "num_consts": sum(not m for m in mask[:nc]),
            "num_carry": len(known_carry),
        },
        tuple(known_places),
        total,
        scan_p,
        {
            **params,
            "jaxpr": linear_body,
            "num_consts": len(const_fwd) + len(const_un),
            "num_carry": len(carry_un),
        },
        linear_ins,
        unknown_outs,
    )


def _transpose(cts: Any, *args: Any, **params: Any) -> Any:
    jaxpr, nc, nk = params["jaxpr"], params["num_consts"], params["num_carry"]
    length = params["length"]
    linear = tuple([is_linear(a) for a in args])
    if not all(linear[nc : nc + nk]):
        return _transpose_mixed(cts, args, linear, params)
    n_in = len(args)
    const_res = [i for i in range(nc) if not linear[i]]
    const_lin = [i for i in range(nc) if linear[i]]
    xs_res = [i for i in range(nc + nk, n_in) if not linear[i]]
    xs_lin = [i for i in range(nc + nk, n_in) if linear[i]]
    out_avals = jaxpr.out_avals
    ys_given = nonzeros(cts[nk:])
    backward, _ = transpose_program(jaxpr, linear, (*(True,) * nk, *ys_given))
    in_avals = jaxpr.in_avals
    lin_order = [i for i in range(n_in) if linear[i]]

    # the reversed loop: constants: const_res; carry: sums for const_lin, cotangents of the carry; xs: ct of ys, xs_res
    def body(*values: Any) -> list[Any]:
        it = iter(values)
        cres = [next(it) for _ in const_res]
        sums = [next(it) for _ in const_lin]
        ct_carry = [next(it) for _ in range(nk)]
        ct_ys = [next(it) for g in ys_given if g]
        xres = [next(it) for _ in xs_res]
        outs = eval_closed(backward, [*cres, *xres, *ct_carry, *ct_ys])
        by_number = dict(zip(lin_order, outs, strict=True))
        new_sums = [add_tangents(s, by_number[i]) for s, i in zip(sums, const_lin, strict=True)]
        new_carry = [by_number[i] for i in range(nc, nc + nk)]
        return [*new_sums, *new_carry, *(by_number[i] for i in xs_lin)]

    ct_carry = [instantiate(c) for c in cts[:nk]]
    ct_ys = [c for c in cts[nk:] if type(c) is not Zero]
    sums = [zeros_of(in_avals[i].strong()) for i in const_lin]
    carry_avals = [a.strong() for a in out_avals[:nk]]
    avals = [
        *(in_avals[i] for i in const_res),
        *(s.aval for s in sums),
        *carry_avals,
        *(_slice(c.aval) for c in ct_ys),
        *(in_avals[i] for i in xs_res),
    ]
    closed = program(body, avals, "a scan run backwards")
    wanted = [
        *(s.aval for s in sums),
        *carry_avals,
        *(a.strong() for a in closed.out_avals[len(sums) + nk :]),
    ]
    closed = strengthen(closed, wanted)
    results = scan_p.bind(
        *(args[i] for i in const_res),
        *sums,
        *ct_carry,
        *ct_ys,
        *(args[i] for i in xs_res),
        jaxpr=closed,
        length=length,
        num_consts=len(const_res),
        num_carry=len(sums) + nk,
        reverse=not params["reverse"],
        unroll=params["unroll"],
    )
    out: list[Any] = [None] * n_in
    places = [*const_lin, *range(nc, nc + nk), *xs_lin]
    for i, r in zip(places, results, strict=True):
        out[i] = convert(r, r.dtype, args[i].aval.weak_type)
    return out


def _transpose_mixed(cts: Any, args: Any, linear: tuple[bool, ...], params: dict[str, Any]) -> Any:
    """Some carries start from known values. Run those that stay known first; one that becomes linear on the way starts
    from a zero that was made an array, and needs no cotangent."""
    s = _split(linear, **params)
    residuals: list[Any] = []
    if s.known is not None:
        results = s.known.bind(*[args[i] for i in s.known_ins], **s.known_params)
        residuals = results[len(results) - s.residuals :]
    ins = [args[i] if i >= 0 else residuals[-1 - i] for i in s.linear_ins]
    lead, count = s.linear_params["num_consts"], s.linear_params["num_carry"]
    for k in range(lead, lead + count):
        if not is_linear(ins[k]):
            ins[k] = Linear(ins[k].aval)
    wanted = [c for c, u in zip(cts, s.unknown_outs, strict=True) if u]
    out: list[Any] = [None] * len(args)
    for i, ct in zip(s.linear_ins, _transpose(wanted, *ins, **s.linear_params), strict=True):
        if i >= 0 and linear[i]:
            out[i] = ct
    return out


def _batch(axis: Any, args: Any, dims: Any, **params: Any) -> Any:
    jaxpr, nc, nk = params["jaxpr"], params["num_consts"], params["num_carry"]
    batched = [d is not None for d in dims]
    carry_b = batched[nc : nc + nk]
    while True:
        mask = (*batched[:nc], *carry_b, *batched[nc + nk :])
        outs = vmap_program(jaxpr, axis, mask)[1]
        grown = [c or o for c, o in zip(carry_b, outs[:nk], strict=True)]
        if grown == carry_b:
            break
        carry_b = grown
    force = (*carry_b, *outs[nk:])
    body, out_batched = vmap_program(jaxpr, axis, mask, force)
    ready = []
    for i, (a, d) in enumerate(zip(args, dims, strict=True)):
        if nc <= i < nc + nk and mask[i]:
            ready.append(to_front(a, d, axis.size))
        elif d is None:
            ready.append(a)
        else:
            ready.append(moveaxis(a, d, 0 if i < nc else 1))
    results = scan_p.bind(*ready, **{**params, "jaxpr": body})
    out_dims = [(0 if i < nk else 1) if b else None for i, b in enumerate(out_batched)]
    return results, out_dims


def _prune(eqn: Eqn, used: tuple[bool, ...]) -> Eqn:
    params = eqn.params
    jaxpr, nc, nk = params["jaxpr"], params["num_consts"], params["num_carry"]
    carry_used = list(used[:nk])
    while True:
        ins = prune_program(jaxpr, (*carry_used, *used[nk:]))[1]
        grown = [c or i for c, i in zip(carry_used, ins[nc : nc + nk], strict=True)]
        if grown == carry_used:
            break
        carry_used = grown
    # a carry that is kept for its result stays an input, even one that the body does not read
    keep_ins = (*ins[:nc], *carry_used, *ins[nc + nk :])
    kept_out = (*carry_used, *used[nk:])
    whole, _ = prune_program(jaxpr, kept_out, True)
    places = [i for i, k in enumerate(keep_ins) if k]
    new = {
        **params,
        "jaxpr": permute(whole, places, range(sum(kept_out))),
        "num_consts": sum(ins[:nc]),
        "num_carry": sum(carry_used),
    }
    invars = [eqn.invars[i] for i in places]
    outvars = [v for v, k in zip(eqn.outvars, kept_out, strict=True) if k]
    return eqn.replace(invars=invars, outvars=outvars, params=new)


scan_p = Primitive(
    name="scan",
    multiple_results=True,
    infer=_infer,
    host=on_device,
    lower=_lower,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    split=_split,
    prune=_prune,
)


def map(f: Callable[..., Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """f(x) for each x along the leading axes of `xs`, one after the other, stacked.

    Args: batch_size (elements that run at once, under vmap). Raises: ValueError if the leading axes differ.
    """
    if batch_size is None:
        return scan(lambda _, x: ((), f(x)), (), xs)[1]
    return _map_in_batches(f, xs, batch_size)


def _map_in_batches(f: Callable[..., Any], xs: Any, batch_size: int) -> Any:
    values, structure = values_of("map", "xs", xs)
    n = _length(xs, values, structure, None)
    size = max(1, min(int(batch_size), n))
    trips, rest = divmod(n, size)

    def block(leaves: Sequence[Any], count: int) -> list[Any]:
        axis = Axis(count)
        outs: list[Any] = []

        def flat(*one: Any) -> list[Any]:
            results, out_tree = values_of("map", "the result", f(tree.unflatten(structure, one)))
            outs.append(out_tree)
            return results

        results, dims = vmap(flat, axis, leaves, [0] * len(leaves))
        block.tree = outs[-1]  # type: ignore[attr-defined]
        return [to_front(r, d, count) for r, d in zip(results, dims, strict=True)]

    whole = [
        reshape(slice_rows(v, 0, trips * size), (trips, size, *v.aval.shape[1:])) for v in values
    ]
    _, stacked = scan(lambda _, x: ((), block(x, size)), (), whole)
    flat_ys = [reshape(y, (trips * size, *y.aval.shape[2:])) for y in stacked]
    if rest:
        tail = block([slice_rows(v, trips * size, n) for v in values], rest)
        flat_ys = [concatenate([a, b], 0) for a, b in zip(flat_ys, tail, strict=True)]
    return tree.unflatten(block.tree, flat_ys)  # type: ignore[attr-defined]


def slice_rows(x: Any, start: int, stop: int) -> Any:
    shape = x.aval.shape
    return slice_(x, (start, *[0] * (len(shape) - 1)), (stop, *shape[1:]))
