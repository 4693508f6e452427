"""The check for random keys that are used twice (option jax_debug_key_reuse).

Each element of each array of keys has a number, and a ledger says which numbers have been used. Operations that only
move elements (slices, reshapes, ...) are run on the numbers by their host rules; drawing bits from a key and splitting
it use it up; fold_in and clone make new ones. Programs are followed equation by equation, bodies of loops often enough
for what one turn leaves to be met by the next. Nothing here runs while the option is off.
"""

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.core import source
from numax._engine.core.array import Array
from numax._engine.core.avals import ShapedArray
from numax._engine.core.dtypes import is_key
from numax._engine.core.errors import KeyReuseError
from numax._engine.core.ir import ClosedJaxpr, Eqn, Literal, subprograms
from numax._engine.core.primitive import Evaluator, Primitive
from numax._engine.core.trace import NO_RULES, Mode, current

Numbers = np.ndarray | None  # of the elements of an array of keys; None for other arrays

_USERS = frozenset(("random_bits", "random_split", "random_gamma"))
_READERS = frozenset(("random_fold_in", "random_clone", "random_unwrap", "eq", "ne"))
_MOVERS = frozenset(
    [
        "broadcast_in_dim",
        "concatenate",
        "copy",
        "dynamic_slice",
        "dynamic_update_slice",
        "gather",
        "name",
        "optimization_barrier",
        "reshape",
        "rev",
        "scatter",
        "select_n",
        "slice",
        "split",
        "squeeze",
        "stack",
        "stop_gradient",
        "transpose",
        "unstack",
    ]
)


class Ledger:
    """Which keys have been used, by what, and where."""

    def __init__(self) -> None:
        self.count = 0
        self.used = np.zeros(1024, np.int32)  # 0, or one more than the number of the use
        self.uses: list[tuple[str, Any]] = []
        self.arrays: dict[int, tuple[Any, np.ndarray]] = {}

    def fresh(self, shape: tuple[int, ...]) -> np.ndarray:
        """Numbers of keys that nothing has used."""
        size = math.prod(shape)
        numbers = np.arange(self.count, self.count + size, dtype=np.uint64).reshape(shape)
        self.count += size
        if self.count > len(self.used):
            self.used = np.resize(self.used, 2 * self.count)
        self.used[self.count - size :] = 0
        return numbers

    def use(self, numbers: np.ndarray, name: str, place: Any) -> None:
        """Use keys up. Raises: KeyReuseError if one was used before."""
        found = self.used[numbers]
        if found.any():
            first, where = self.uses[found.max() - 1]
            raise KeyReuseError(
                f"{name}: a random key is used twice; it was used by {first} at {source.show(where)}, and again at "
                f"{source.show(place)}. Split it first (numax.random.split) and use each new key once; "
                "numax.random.clone(key) allows one more use."
            )
        self.uses.append((name, place))
        self.used[numbers] = len(self.uses)

    def of(self, x: Array) -> Numbers:
        """The numbers of an Array's keys."""
        if not is_key(x._t.dtype):
            return None
        known = self.arrays.get(id(x))
        return self.note(x, self.fresh(x.shape)) if known is None else known[1]

    def note(self, x: Array, numbers: np.ndarray) -> np.ndarray:
        place = id(x)
        self.arrays[place] = weakref.ref(x, lambda _: self.arrays.pop(place, None)), numbers
        return numbers


_ledger = Ledger()


def _moved(eqn: Eqn, ins: Sequence[Numbers], values: Sequence[Any]) -> list[Any] | None:
    """Numbers of the results of an operation that moves elements; None where it depends on unknown values."""
    args = [v if n is None else n for n, v in zip(ins, values, strict=True)]
    if any(a is None for a in args):
        return None
    out = eqn.primitive.host(*args, **eqn.params)
    return list(out) if eqn.primitive.multiple_results else [np.asarray(out)]


def _step(eqn: Eqn, ins: Sequence[Numbers], values: Sequence[Any]) -> list[Numbers]:
    """Follow one operation. values: the known numbers of other operands, else None."""
    name = eqn.primitive.name
    follow = _PROGRAMS.get(name)
    inner = list(subprograms(eqn.params))
    if follow is not None:
        return follow(eqn, ins)
    if inner and len(inner[0].jaxpr.invars) == len(ins):  # a call
        again = eqn.params.get("differentiated")  # remat draws the same numbers once more
        return _run(inner[0], _new_outs(inner[0].in_avals) if again else ins)
    if name in _MOVERS:
        found = _moved(eqn, ins, values)
        if found is not None:
            return [
                n if is_key(v.aval.dtype) else None for n, v in zip(found, eqn.outvars, strict=True)
            ]
    if name not in _READERS:
        for n in ins:
            if n is not None:
                _ledger.use(n, name, eqn.place)
    return _new_outs([v.aval for v in eqn.outvars])


def _new_outs(avals: Sequence[ShapedArray]) -> list[Numbers]:
    return [_ledger.fresh(a.shape) if is_key(a.dtype) else None for a in avals]


def _has_keys(eqn: Eqn) -> bool:
    return any(is_key(v.aval.dtype) for v in (*eqn.invars, *eqn.outvars)) or any(
        _program_has_keys(p) for p in subprograms(eqn.params)
    )


def _program_has_keys(closed: ClosedJaxpr) -> bool:
    found = closed.cache.get("keys")
    if found is None:
        found = any(is_key(c.aval.dtype) for c in closed.consts)
        found = closed.cache["keys"] = found or any(_has_keys(e) for e in closed.jaxpr.eqns)
    return found


def _run(closed: ClosedJaxpr, ins: Sequence[Numbers]) -> list[Numbers]:
    """Follow a program."""
    jaxpr = closed.jaxpr
    env: dict[Any, Numbers] = dict(zip(jaxpr.invars, ins, strict=True))
    values: dict[Any, Any] = {}
    for v, c in zip(jaxpr.constvars, closed.consts, strict=True):
        if type(c) is Array and not is_key(v.aval.dtype):
            values[v] = c
        env[v] = _ledger.of(c) if type(c) is Array else _new_outs([v.aval])[0]
    for eqn in jaxpr.eqns:
        if not _has_keys(eqn):
            continue
        given: list[Any] = [v.val if type(v) is Literal else values.get(v) for v in eqn.invars]
        known = [None if x is None else x.numpy_() for x in given]
        outs = _step(eqn, [None if type(v) is Literal else env.get(v) for v in eqn.invars], known)
        env.update(zip(eqn.outvars, outs, strict=True))
    return [None if type(v) is Literal else env.get(v) for v in jaxpr.outvars]


# ---- operations that hold programs ----


def _cond(eqn: Eqn, ins: Sequence[Numbers]) -> list[Numbers]:
    """Each branch from the same state: what one of them uses is used."""
    start = _ledger.used[: _ledger.count].copy()
    after = []
    results = []
    for branch in eqn.params["branches"]:
        _ledger.used[: len(start)] = start
        results.append(_run(branch, ins[1:]))
        after.append(_ledger.used[: len(start)].copy())
    _ledger.used[: len(start)] = np.maximum.reduce(after)
    outs: list[Numbers] = []
    for found in zip(*results, strict=True):
        first = found[0]
        if first is None or all(np.array_equal(first, n) for n in found[1:]):
            outs.append(first)
            continue
        whole = np.unique(np.concatenate([n.reshape(-1) for n in found]))
        _ledger.use(whole[_ledger.used[whole] == 0], "cond", eqn.place)
        outs.append(_ledger.fresh(first.shape))
    return outs


def _scan(eqn: Eqn, ins: Sequence[Numbers]) -> list[Numbers]:
    p = eqn.params
    split = p["num_consts"] + p["num_carry"]
    consts, carry, xs = (
        list(ins[: p["num_consts"]]),
        list(ins[p["num_consts"] : split]),
        ins[split:],
    )
    turns = min(p["length"], _turns(carry))
    for i in range(turns):
        now = [None if n is None else n[i] for n in xs]
        outs = _run(p["jaxpr"], [*consts, *carry, *now])
        carry = outs[: p["num_carry"]]
    for n in xs:  # the other turns do what the first ones did
        if n is not None and turns:
            _ledger.used[n[turns:]] = _ledger.used[n[0]]
    return [*carry, *_new_outs([v.aval for v in eqn.outvars[p["num_carry"] :]])]


def _turns(carry: Sequence[Numbers]) -> int:
    """After so many turns keys that the carries exchange have met each use."""
    return 2 + sum(n is not None for n in carry)


def _while(eqn: Eqn, ins: Sequence[Numbers]) -> list[Numbers]:
    p = eqn.params
    first, last = p["cond_nconsts"], p["cond_nconsts"] + p["body_nconsts"]
    carry = list(ins[last:])
    for _ in range(_turns(carry)):
        _run(p["cond_jaxpr"], [*ins[:first], *carry])
        carry = _run(p["body_jaxpr"], [*ins[first:last], *carry])
    unknown = p.get("unknown")
    return carry if unknown is None else [n for n, u in zip(carry, unknown, strict=True) if u]


_PROGRAMS: dict[str, Callable[[Eqn, Sequence[Numbers]], list[Numbers]]] = {
    "cond": _cond,
    "scan": _scan,
    "while": _while,
    "while_linear": _while,
}


# ---- where programs and eager operations come by ----


def check_program(closed: ClosedJaxpr) -> None:
    """Raises: KeyReuseError for a program that uses a key twice. To be called where the option is on."""
    if not _program_has_keys(closed):
        return
    start = _ledger.used[: _ledger.count].copy()
    try:
        _run(closed, _new_outs(closed.in_avals))
    finally:
        _ledger.used[: len(start)] = start


def called(closed: ClosedJaxpr, args: Sequence[Array]) -> list[Numbers]:
    """Follow a program that is to be run on Arrays. Give its results to `made`."""
    return _run(closed, [_ledger.of(a) for a in args])


def made(outs: Sequence[Array], numbers: Sequence[Numbers]) -> None:
    for x, n in zip(outs, numbers, strict=True):
        if n is not None:
            _ledger.note(x, n)


def watch(prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run an eager operation while the option is on."""
    eqn = Eqn(prim, args, params, (), source.here(2))
    numbers = None
    if _has_keys(eqn):
        ins = [_ledger.of(a) for a in args]
        avals = prim.infer(*[a.aval for a in args], **params)
        outs = avals if prim.multiple_results else [avals]
        known = [a.numpy_() if n is None else None for a, n in zip(args, ins, strict=True)]
        numbers = _step(eqn.replace(outvars=[_Out(a) for a in outs]), ins, known)
    token = current.set(Mode(NO_RULES))
    try:
        out = Evaluator.run(prim, args, params)
    finally:
        current.reset(token)
    if numbers is not None:
        made(out if prim.multiple_results else [out], numbers)
    return out


class _Out:
    """A result's type, where an equation has a variable."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval
