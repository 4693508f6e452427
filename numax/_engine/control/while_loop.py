"""while_loop and fori_loop: loops whose number of trips may depend on values."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

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
from numax._engine.control.scan import scan
from numax._engine.core import dtypes, tree
from numax._engine.core.array import Array
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr, Eqn
from numax._engine.core.primitive import Primitive, Zero, is_linear, on_device
from numax._engine.core.trace import Tracer, as_value
from numax._engine.ops.arithmetic import div, rem
from numax._engine.ops.arithmetic import max as max_
from numax._engine.ops.arithmetic import min as min_
from numax._engine.ops.basis import (
    add,
    broadcast_in_dim,
    convert,
    full,
    instantiate,
    moveaxis,
    mul,
    select_n,
    sub,
    to_front,
    zeros_of,
)
from numax._engine.ops.compare import eq, lt
from numax._engine.ops.reduce import reduce_or
from numax._engine.ops.slicing import dynamic_index_in_dim, dynamic_update_index_in_dim
from numax._engine.stablehlo import hlo
from numax._engine.transforms.jvp import jvp_program
from numax._engine.transforms.partial_eval import Split, prune_program, split_program
from numax._engine.transforms.transpose import transpose_program
from numax._engine.transforms.vmap import vmap_program


def while_loop(cond_fun: Callable[..., Any], body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Apply `body_fun` to the carry while `cond_fun` of it holds; give the last carry.

    The carry keeps its structure, shapes and dtypes. Under vmap the loop runs until no element goes on.
    Raises: TypeError if cond_fun gives no boolean scalar, or the carry changes type.
    Grad: forward and reverse mode. Reverse mode keeps a fixed number of states and computes the others again; where the
        number of trips is known, scan is faster.
    """
    if not callable(cond_fun) or not callable(body_fun):
        raise TypeError("while_loop: cond_fun and body_fun must be callable.")
    values, carry_tree = values_of("while_loop", "init_val", init_val)
    in_tree = tree.flatten((init_val,))[1]

    def run(values: list[Any]) -> tuple[ClosedJaxpr, list[Any], Any]:
        return record(
            "while_loop", body_fun, in_tree, [v.aval for v in values], "the result of body_fun"
        )

    body, body_outer, out_tree = run(values)
    check_same_structure("while_loop", "carry", carry_tree, out_tree, ("input", "output"))
    weak = [
        v.aval.weak_type and v.aval.shape == o.shape and o != v.aval
        for v, o in zip(values, body.out_avals, strict=True)
    ]
    if any(weak):
        values = promote_weak(
            values,
            [o if w else v.aval for v, w, o in zip(values, weak, body.out_avals, strict=True)],
        )
        body, body_outer, out_tree = run(values)
    avals = [v.aval for v in values]
    body = strengthen(
        body,
        [a if gives_way(o, a) else o for a, o in zip(avals, body.out_avals, strict=True)],
    )
    check_same_types("while_loop", "carry", carry_tree, avals, body.out_avals, ("input", "output"))
    test, test_outer, test_tree = record(
        "while_loop", cond_fun, in_tree, avals, "the result of cond_fun"
    )
    outs = test.out_avals
    if (
        len(outs) != 1
        or not (test_tree.num_leaves == test_tree.num_nodes == 1)
        or outs[0].shape
        or outs[0].dtype != dtypes.bool_
    ):
        shown = outs[0].str_short() if len(outs) == 1 else str(test_tree)
        raise TypeError(f"while_loop: cond_fun must return a boolean scalar; got {shown}.")
    params = {
        "cond_jaxpr": test,
        "cond_nconsts": len(test_outer),
        "body_jaxpr": body,
        "body_nconsts": len(body_outer),
    }
    results = bind_programs(while_p, [test, body], [*test_outer, *body_outer, *values], params)
    return tree.unflatten(carry_tree, results)


def _static(x: Any) -> int | None:
    """The integer that a loop bound is, if it is known while tracing."""
    if isinstance(x, Tracer):
        return None
    try:
        return operator.index(x.numpy_()[()] if type(x) is Array else x)
    except TypeError:
        return None


def fori_loop(
    lower: Any,
    upper: Any,
    body_fun: Callable[..., Any],
    init_val: Any,
    *,
    unroll: int | bool | None = None,
) -> Any:
    """Apply val = body_fun(i, val) for i in range(lower, upper); give the last val.

    Static bounds make a scan (fast reverse mode, `unroll`), others a while loop.
    Raises: TypeError if the bounds are no integer scalars or the carry changes type.
    """
    if not callable(body_fun):
        raise TypeError("fori_loop: body_fun must be callable.")
    start, stop = as_value(lower, "fori_loop: lower"), as_value(upper, "fori_loop: upper")
    for name, v in (("lower", start), ("upper", stop)):
        if v.aval.shape or not dtypes.is_integer(v.dtype):
            raise TypeError(
                f"fori_loop: {name} must be an integer scalar; got {v.aval.str_short()}."
            )
    dtype, weak = dtypes.join_types(
        (start.dtype, start.aval.weak_type), (stop.dtype, stop.aval.weak_type)
    )
    start, stop = convert(start, dtype, weak), convert(stop, dtype, weak)
    low, high = _static(lower), _static(upper)
    if low is not None and high is not None:
        trips = max(high - low, 0)

        def step(carry: Any, _: Any) -> Any:
            i, val = carry
            return (add(i, 1), body_fun(i, val)), None

        (_, result), _ = scan(step, (start, init_val), None, length=trips, unroll=unroll or 1)
        return result
    if unroll not in (None, False, 1):
        raise ValueError("fori_loop: unroll needs bounds that are known while tracing.")

    def test(carry: Any) -> Any:
        return lt(carry[0], carry[1])

    def body(carry: Any) -> Any:
        i, end, val = carry
        return add(i, 1), end, body_fun(i, val)

    return while_loop(test, body, (start, stop, init_val))[2]


# ---- the rules ----


def _infer(
    *avals: ShapedArray, cond_jaxpr: Any, cond_nconsts: int, body_jaxpr: Any, body_nconsts: int
) -> Any:
    return body_jaxpr.out_avals


def _lower(
    ctx: Any, *args: Any, cond_jaxpr: Any, cond_nconsts: int, body_jaxpr: Any, body_nconsts: int
) -> Any:
    walk = ctx.scope
    cond_consts = args[:cond_nconsts]
    body_consts = args[cond_nconsts : cond_nconsts + body_nconsts]
    init = args[cond_nconsts + body_nconsts :]

    def test(b: Any, *state: Any) -> list[Any]:
        return walk.inline(cond_jaxpr, [*cond_consts, *state])

    def body(b: Any, *state: Any) -> list[Any]:
        return walk.inline(body_jaxpr, [*body_consts, *state])

    if not init:
        return []
    return hlo.while_(ctx, list(init), test, body)


def _parts(args: Any, params: dict[str, Any]) -> tuple[Any, Any, Any]:
    nc, nb = params["cond_nconsts"], params["body_nconsts"]
    return args[:nc], args[nc : nc + nb], args[nc + nb :]


def _jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    cond_consts, body_consts, init = _parts(primals, params)
    _, const_ts, init_ts = _parts(tangents, params)
    const_nz, carry_nz = nonzeros(const_ts), list(nonzeros(init_ts))
    body = params["body_jaxpr"]
    while True:
        outs = jvp_program(body, (*const_nz, *carry_nz))[1]
        grown = [c or o for c, o in zip(carry_nz, outs, strict=True)]
        if grown == carry_nz:
            break
        carry_nz = grown
    derivative, _ = jvp_program(body, (*const_nz, *carry_nz), tuple(carry_nz))
    nb, nk = len(body_consts), len(init)
    extra = sum(const_nz)
    # the derivative takes constants, carry, tangents of constants, tangents of the carry
    ins = [
        *range(nb),
        *range(nb + nk, nb + nk + extra),
        *range(nb, nb + nk),
        *range(nb + nk + extra, nb + nk + extra + sum(carry_nz)),
    ]
    derivative = permute(derivative, ins, range(nk + sum(carry_nz)))
    test = params["cond_jaxpr"]
    carry_ts = [instantiate(t) for t, nz in zip(init_ts, carry_nz, strict=True) if nz]

    def test_run(*args: Any) -> list[Any]:
        return eval_closed(test, args[: len(cond_consts) + nk])

    wide = program(test_run, [*test.in_avals, *(t.aval for t in carry_ts)])
    results = while_p.bind(
        *cond_consts,
        *body_consts,
        *(t for t, nz in zip(const_ts, const_nz, strict=True) if nz),
        *init,
        *carry_ts,
        cond_jaxpr=wide,
        cond_nconsts=len(cond_consts),
        body_jaxpr=derivative,
        body_nconsts=nb + extra,
    )
    given = iter(results[nk:])
    return results[:nk], [
        next(given) if nz else Zero(r.aval.tangent())
        for nz, r in zip(carry_nz, results[:nk], strict=True)
    ]


def _unknown_carries(unknown: tuple[bool, ...], params: dict[str, Any]) -> tuple[bool, ...]:
    """The carries that depend on unknown arguments, in the first trip or later."""
    nc, nb = params["cond_nconsts"], params["body_nconsts"]
    body = params["body_jaxpr"]
    carry_u = list(unknown[nc + nb :])
    while True:
        outs = split_program(body, (*unknown[nc : nc + nb], *carry_u)).unknown_outs
        grown = [c or o for c, o in zip(carry_u, outs, strict=True)]
        if grown == carry_u:
            return tuple(carry_u)
        carry_u = grown


def _known_step(body: ClosedJaxpr, unknown: tuple[bool, ...]) -> ClosedJaxpr:
    """The known part of a loop's body: its known inputs to its known results."""
    parts = split_program(body, unknown)
    count = len(parts.known.out_avals)
    wanted = tuple(i < count - parts.residuals for i in range(count))
    return prune_program(parts.known, wanted, True)[0]


def _split(unknown: tuple[bool, ...], **params: Any) -> Split:
    nc, nb = params["cond_nconsts"], params["body_nconsts"]
    body, test = params["body_jaxpr"], params["cond_jaxpr"]
    carry_u = list(_unknown_carries(unknown, params))
    everything = tuple(range(len(unknown)))
    needed = prune_program(test, (True,))[1]
    blocked = any(unknown[:nc]) or any(n and u for n, u in zip(needed[nc:], carry_u, strict=True))
    if blocked or all(carry_u):
        return Split(None, {}, (), 0, while_p, params, everything, (True,) * len(carry_u))
    # The known carries run on their own; the linear loop runs again in full.
    kept = [i for i, u in enumerate(carry_u) if not u]
    own = [i for i in range(nb) if not unknown[nc + i]]
    known_body = _known_step(body, (*unknown[nc : nc + nb], *carry_u))
    known_test = permute(test, [*range(nc), *(nc + i for i in kept)], [0])
    return Split(
        while_p,
        {
            "cond_jaxpr": known_test,
            "cond_nconsts": nc,
            "body_jaxpr": known_body,
            "body_nconsts": len(own),
        },
        (*range(nc), *(nc + i for i in own), *(nc + nb + i for i in kept)),
        0,
        while_linear_p,
        {**params, "unknown": tuple(carry_u)},
        everything,
        tuple(carry_u),
    )


# ---- reverse mode ----
#
# The number of trips n is not known while tracing, so the states cannot be kept in an array of n. The known part of the loop
# runs again: once to count the trips, and once to keep SLOTS of its states, evenly spaced; each stretch between two of
# them is run again from its first state, keeping SLOTS states of it, and those in between are computed as they are needed.
# Up to SLOTS**2 trips that is three extra runs of the known part. Source: Griewank (1992), two levels.

SLOTS = 64


def _number(x: int) -> Any:
    return as_value(np.int32(x))


def _ceil_div(a: Any, b: Any) -> Any:
    return div(sub(add(a, b), 1), b)


def _repeat(
    count: Any, step: Callable[[Any, list[Any]], list[Any]], values: list[Any]
) -> list[Any]:
    """values = step(i, values) for i in range(count)."""

    def body(carry: Any) -> Any:
        i, rest = carry
        return add(i, 1), step(i, rest)

    return while_loop(lambda carry: lt(carry[0], count), body, (_number(0), values))[1]


class _Reverse:
    """The pieces of a loop whose known part can run alone: its test, its step, and the transpose of a step."""

    def __init__(self, args: Any, unknown: tuple[bool, ...], params: dict[str, Any]):
        nc, nb = params["cond_nconsts"], params["body_nconsts"]
        test, body = params["cond_jaxpr"], params["body_jaxpr"]
        self.test_consts, self.consts = list(args[:nc]), list(args[nc : nc + nb])
        known = tuple(not u for u in unknown)
        self.start = [a for a, k in zip(args[nc + nb :], known, strict=True) if k]
        self.places = [i for i, k in enumerate(known) if k]
        self.test, self.test_used = prune_program(test, (True,))
        self.linear_consts = [is_linear(c) for c in self.consts]
        self.known_consts = [c for c in self.consts if not is_linear(c)]
        linear = (*self.linear_consts, *unknown)
        self.known_step = _known_step(body, linear)
        self.back, _ = transpose_program(body, linear, unknown)

    def going(self, state: list[Any]) -> Any:
        by_place = dict(zip(self.places, state, strict=True))
        rest = range(len(self.test_used) - len(self.test_consts))
        every = [*self.test_consts, *(by_place.get(i) for i in rest)]
        return eval_closed(self.test, [x for x, u in zip(every, self.test_used, strict=True) if u])[
            0
        ]

    def step(self, state: list[Any]) -> list[Any]:
        outs = eval_closed(self.known_step, [*self.known_consts, *state])
        return [
            convert(o, s.aval.dtype, s.aval.weak_type) for o, s in zip(outs, state, strict=True)
        ]

    def pull(self, state: list[Any], cts: list[Any]) -> tuple[list[Any], list[Any]]:
        """Cotangents of one step: of the linear constants, and of the linear carries."""
        outs = eval_closed(self.back, [*self.known_consts, *state, *cts])
        count = sum(self.linear_consts)
        return outs[:count], outs[count:]


def _keep(loop: _Reverse, state: list[Any], count: Any, stride: Any) -> list[Any]:
    """States number 0, stride, 2 stride, ... of a stretch of `count` steps, in SLOTS places."""
    slots = [full((SLOTS, *s.aval.shape), 0, s.aval.dtype) for s in state]

    def step(i: Any, carry: list[Any]) -> list[Any]:
        kept, now = carry
        place = div(i, stride)
        first = eq(rem(i, stride), _number(0))
        kept = [
            select_n(first, k, dynamic_update_index_in_dim(k, s, place, 0))
            for k, s in zip(kept, now, strict=True)
        ]
        return [kept, loop.step(now)]

    return _repeat(count, step, [slots, state])[0]


def _at(slots: list[Any], place: Any) -> list[Any]:
    return [dynamic_index_in_dim(s, place, 0, keepdims=False) for s in slots]


def _run_backwards(
    args: Any, cts: list[Any], unknown: tuple[bool, ...], params: dict[str, Any]
) -> list[Any]:
    """Cotangents of all arguments, from those of the unknown results (every one an array)."""
    loop = _Reverse(args, unknown, params)
    start = [convert(s, s.aval.dtype) for s in loop.start]
    trips, _ = while_loop(
        lambda carry: loop.going(carry[1]),
        lambda carry: (add(carry[0], 1), loop.step(carry[1])),
        (_number(0), start),
    )
    sums = [
        zeros_of(c.aval)
        for c, is_lin in zip(loop.consts, loop.linear_consts, strict=True)
        if is_lin
    ]
    slots_number = _number(SLOTS)
    stride = max_(_ceil_div(trips, slots_number), _number(1))
    kept = _keep(loop, start, trips, stride)

    def one_step(state: list[Any], sums: list[Any], cts: list[Any]) -> tuple[list[Any], list[Any]]:
        parts, new = loop.pull(state, cts)
        sums = [add(s, convert(p, s.aval.dtype)) for s, p in zip(sums, parts, strict=True)]
        return sums, [convert(n, c.aval.dtype) for n, c in zip(new, cts, strict=True)]

    def stretch(j: Any, carry: list[Any]) -> list[Any]:
        segment = sub(sub(segments, j), 1)
        first = mul(segment, stride)
        length = min_(stride, sub(trips, first))
        inner_stride = max_(_ceil_div(length, slots_number), _number(1))
        inner = _keep(loop, _at(kept, segment), length, inner_stride)
        pieces = _ceil_div(length, inner_stride)

        def piece(q: Any, carry: list[Any]) -> list[Any]:
            number = sub(sub(pieces, q), 1)
            begin = mul(number, inner_stride)
            count = min_(inner_stride, sub(length, begin))

            def back(r: Any, carry: list[Any]) -> list[Any]:
                steps = sub(sub(count, r), 1)
                state = _repeat(steps, lambda _, s: loop.step(s), _at(inner, number))
                return list(one_step(state, *carry))

            return _repeat(count, back, carry)

        return _repeat(pieces, piece, carry)

    segments = _ceil_div(trips, stride)
    strong = [convert(c, c.aval.dtype) for c in cts]
    sums, carry_cts = _repeat(segments, stretch, [sums, strong])
    given, carried = iter(sums), iter(carry_cts)
    out: list[Any] = [None] * params["cond_nconsts"]
    out += [next(given) if is_lin else None for is_lin in loop.linear_consts]
    out += [next(carried) if u else None for u in unknown]
    return out


def _transpose(cts: Any, *args: Any, **params: Any) -> Any:
    unknown = _unknown_carries(tuple([is_linear(a) for a in args]), params)
    wanted = [instantiate(c) for c, u in zip(cts, unknown, strict=True) if u]
    return _cotangents(wanted, args, unknown, params)


def _cotangents(
    cts: list[Any], args: Any, unknown: tuple[bool, ...], params: dict[str, Any]
) -> list[Any]:
    nc = params["cond_nconsts"]
    needed = prune_program(params["cond_jaxpr"], (True,))[1]
    blocked = any(is_linear(a) for a in args[:nc]) or any(
        n and u for n, u in zip(needed[nc:], unknown, strict=True)
    )
    if blocked:
        raise ValueError(
            "while_loop: reverse-mode differentiation needs a predicate that does not depend on the tangents."
        )
    outs = _run_backwards(args, cts, unknown, params)
    return [o if is_linear(a) else None for o, a in zip(outs, args, strict=True)]


def _linear_transpose(cts: Any, *args: Any, unknown: tuple[bool, ...], **params: Any) -> Any:
    return _cotangents([instantiate(c) for c in cts], args, unknown, params)


def _batch(axis: Any, args: Any, dims: Any, **params: Any) -> Any:
    nc, nb = params["cond_nconsts"], params["body_nconsts"]
    test, body = params["cond_jaxpr"], params["body_jaxpr"]
    batched = [d is not None for d in dims]
    cond_b, const_b, carry_b = tuple(batched[:nc]), tuple(batched[nc : nc + nb]), batched[nc + nb :]
    while True:
        test_batched = vmap_program(test, axis, (*cond_b, *carry_b))[1][0]
        if test_batched:
            carry_b = [True] * len(carry_b)
        outs = vmap_program(body, axis, (*const_b, *carry_b))[1]
        grown = [c or o for c, o in zip(carry_b, outs, strict=True)]
        if grown == carry_b:
            break
        carry_b = grown
    test_batched = vmap_program(test, axis, (*cond_b, *carry_b))[1][0]
    new_test, _ = vmap_program(test, axis, (*cond_b, *carry_b))
    new_body, _ = vmap_program(body, axis, (*const_b, *carry_b), tuple(carry_b))
    cond_consts = [
        a if d is None else moveaxis(a, d, 0) for a, d in zip(args[:nc], dims[:nc], strict=True)
    ]
    body_consts = [
        a if d is None else moveaxis(a, d, 0)
        for a, d in zip(args[nc : nc + nb], dims[nc : nc + nb], strict=True)
    ]
    init = [
        to_front(a, d, axis.size) if b else a
        for a, d, b in zip(args[nc + nb :], dims[nc + nb :], carry_b, strict=True)
    ]
    extra = 0
    if test_batched:
        # go on while any element does; elements that are done keep their values
        inner_test, inner_body = new_test, new_body

        def any_left(*values: Any) -> list[Any]:
            return [reduce_or(eval_closed(inner_test, values)[0], (0,))]

        def masked(*values: Any) -> list[Any]:
            test_consts, rest = values[:nc], values[nc:]
            state = rest[nb:]
            going = eval_closed(inner_test, [*test_consts, *state])[0]
            new = eval_closed(inner_body, rest)
            out = []
            for n, old in zip(new, state, strict=True):
                shape = n.aval.shape
                mask = broadcast_in_dim(going, shape, (0,)) if len(shape) > 1 else going
                out.append(select_n(mask, old, n))
            return out

        new_test = program(any_left, inner_test.in_avals)
        new_body = program(masked, [*inner_test.in_avals[:nc], *inner_body.in_avals])
        new_body = strengthen(new_body, [v.aval for v in init])
        body_consts = [*cond_consts, *body_consts]
        extra = nc
    else:
        new_body = strengthen(new_body, [v.aval for v in init])
    results = while_p.bind(
        *cond_consts,
        *body_consts,
        *init,
        cond_jaxpr=new_test,
        cond_nconsts=nc,
        body_jaxpr=new_body,
        body_nconsts=nb + extra,
    )
    return results, [0 if b else None for b in carry_b]


def _prune(eqn: Eqn, used: tuple[bool, ...]) -> Eqn | None:
    params = eqn.params
    nc, nb = params["cond_nconsts"], params["body_nconsts"]
    body, test = params["body_jaxpr"], params["cond_jaxpr"]
    test_needs = prune_program(test, (True,))[1]
    carry = [u or n for u, n in zip(used, test_needs[nc:], strict=True)]
    while True:
        ins = prune_program(body, tuple(carry))[1]
        grown = [c or i for c, i in zip(carry, ins[nb:], strict=True)]
        if grown == carry:
            break
        carry = grown
    kept = [i for i, c in enumerate(carry) if c]
    test_consts = [i for i in range(nc) if test_needs[i]]
    body_consts = [i for i in range(nb) if ins[i]]
    whole = prune_program(body, tuple(carry), True)[0]
    new_body = permute(whole, [*body_consts, *(nb + i for i in kept)], range(len(kept)))
    new_test = permute(test, [*test_consts, *(nc + i for i in kept)], [0])
    places = [*test_consts, *(nc + i for i in body_consts), *(nc + nb + i for i in kept)]
    return eqn.replace(
        invars=[eqn.invars[i] for i in places],
        outvars=[eqn.outvars[i] for i in kept],
        params={
            "cond_jaxpr": new_test,
            "cond_nconsts": len(test_consts),
            "body_jaxpr": new_body,
            "body_nconsts": len(body_consts),
        },
    )


while_p = Primitive(
    name="while",
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


# ---- the linear part of a loop: the whole loop again, for its unknown results ----


def _linear_infer(*avals: ShapedArray, unknown: tuple[bool, ...], **params: Any) -> Any:
    return [a for a, u in zip(_infer(*avals, **params), unknown, strict=True) if u]


def _linear_run(*args: Any, unknown: tuple[bool, ...], **params: Any) -> Any:
    return [r for r, u in zip(while_p.bind(*args, **params), unknown, strict=True) if u]


def _linear_jvp(primals: Any, tangents: Any, *, unknown: tuple[bool, ...], **params: Any) -> Any:
    outs, ts = _jvp(primals, tangents, **params)
    return [o for o, u in zip(outs, unknown, strict=True) if u], [
        t for t, u in zip(ts, unknown, strict=True) if u
    ]


def _linear_batch(
    axis: Any, args: Any, dims: Any, *, unknown: tuple[bool, ...], **params: Any
) -> Any:
    outs, ds = _batch(axis, args, dims, **params)
    return [o for o, u in zip(outs, unknown, strict=True) if u], [
        d for d, u in zip(ds, unknown, strict=True) if u
    ]


while_linear_p = Primitive(
    name="while_linear",
    multiple_results=True,
    infer=_linear_infer,
    host=on_device,
    impl=_linear_run,
    lower=lambda ctx, *args, unknown, **params: [
        r for r, u in zip(_lower(ctx, *args, **params), unknown, strict=True) if u
    ],
    jvp=_linear_jvp,
    transpose=_linear_transpose,
    batch=_linear_batch,
)

__all__ = ["fori_loop", "while_linear_p", "while_loop", "while_p"]
