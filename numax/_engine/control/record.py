"""Recording user functions on pytrees, as the higher-order operations take them."""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.core import dtypes, tree
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr, Jaxpr, eval_jaxpr, intern
from numax._engine.core.stage import split_tracers, trace_to_jaxpr
from numax._engine.core.trace import Tracer, as_value
from numax._engine.ops.basis import convert

Flat = Callable[..., list[Any]]


def name_of(fun: Any) -> str:
    return getattr(fun, "__name__", None) or type(fun).__name__


def values_of(op: str, what: str, pytree: Any) -> tuple[list[Any], Any]:
    """The leaves of a pytree as values, with an error that names the leaf that is none."""
    leaves, treedef = tree.flatten(pytree)
    try:
        return [as_value(x) for x in leaves], treedef
    except TypeError:
        for path, leaf in tree.flatten_with_path(pytree)[0]:
            try:
                as_value(leaf)
            except TypeError:
                raise TypeError(
                    f"{op}: {what}{tree.keystr(path)} must be an array or a number; got {type(leaf).__name__}."
                ) from None
        raise


def record(
    op: str,
    fun: Callable[..., Any],
    in_tree: Any,
    avals: Sequence[ShapedArray],
    what: str = "the function's result",
) -> tuple[ClosedJaxpr, list[Tracer], Any]:
    """Record fun(*args), where in_tree is the structure of the tuple args.

    Returns the program (tracers of enclosing traces are its leading arguments), those tracers, the result's structure.
    """
    out_tree: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        result = fun(*tree.unflatten(in_tree, leaves))
        outs, structure = values_of(op, what, result)
        out_tree.append(structure)
        return outs

    jaxpr, consts = trace_to_jaxpr(flat, avals, f"`{name_of(fun)}` in {op}")
    closed, outer = split_tracers(jaxpr, consts)
    return intern(closed), outer, out_tree[0]


def program(
    fun: Flat, avals: Sequence[ShapedArray], what: str = "a derived function"
) -> ClosedJaxpr:
    """A program made by our own rules from a flat function of values."""
    jaxpr, consts = trace_to_jaxpr(fun, avals, what)
    return intern(ClosedJaxpr(jaxpr, consts))


def permute(closed: ClosedJaxpr, ins: Sequence[int], outs: Sequence[int]) -> ClosedJaxpr:
    """The program with inputs and results in another order: new input k is old input ins[k]. Cached on the program."""
    key = ("permute", tuple(ins), tuple(outs))
    found = closed.cache.get(key)
    if found is None:
        jaxpr = closed.jaxpr
        program = Jaxpr(
            jaxpr.constvars,
            [jaxpr.invars[i] for i in ins],
            [jaxpr.outvars[i] for i in outs],
            jaxpr.eqns,
            jaxpr.debug_name,
        )
        found = closed.cache[key] = intern(ClosedJaxpr(program, closed.consts))
    return found


def gives_way(value: ShapedArray, wanted: ShapedArray) -> bool:
    """Whether a value of the first type is weakly typed and promotes to the second, so that its numbers are kept."""
    if not value.weak_type or value.shape != wanted.shape:
        return False
    joined = dtypes.join_types((value.dtype, True), (wanted.dtype, wanted.weak_type))
    return joined[0] == wanted.dtype


def promote_weak(values: Sequence[Any], avals: Sequence[ShapedArray]) -> list[Any]:
    """Weakly typed values take the dtype and the strength of the given types, where they promote to them."""
    return [
        convert(v, a.dtype, a.weak_type) if gives_way(v.aval, a) else v
        for v, a in zip(values, avals, strict=True)
    ]


def strengthen(closed: ClosedJaxpr, wanted: Sequence[ShapedArray]) -> ClosedJaxpr:
    """The program with weakly typed results converted to the given types."""
    outs = closed.out_avals
    if all(o == w for o, w in zip(outs, wanted, strict=True)):
        return closed
    from_old = closed

    def run(*args: Any) -> list[Any]:
        results = eval_closed(from_old, args)
        return [
            convert(r, w.dtype, w.weak_type) if r.aval.shape == w.shape else r
            for r, w in zip(results, wanted, strict=True)
        ]

    return program(run, closed.in_avals, closed.jaxpr.debug_name)


def eval_closed(closed: ClosedJaxpr, args: Sequence[Any]) -> list[Any]:
    return eval_jaxpr(closed.jaxpr, closed.consts, *args)


def check_same_types(
    op: str,
    what: str,
    structure: Any,
    first: Sequence[ShapedArray],
    second: Sequence[ShapedArray],
    sides: tuple[str, str],
) -> None:
    """TypeError that names each leaf where two lists of types differ."""
    bad = [i for i, (a, b) in enumerate(zip(first, second, strict=True)) if not a.same_type(b)]
    if not bad:
        return
    paths = [
        path
        for path, _ in tree.flatten_with_path(tree.unflatten(structure, list(range(len(first)))))[0]
    ]
    lines = [
        f"  {what}{tree.keystr(paths[i])}: {sides[0]} {first[i].str_short()}, {sides[1]} {second[i].str_short()}"
        for i in bad
    ]
    raise TypeError(
        f"{op}: {what} must have the same type at {sides[0]} and {sides[1]}; got\n"
        + "\n".join(lines)
        + "\nConvert with x.astype(dtype) or reshape on one side."
    )


def check_same_structure(
    op: str, what: str, first: Any, second: Any, sides: tuple[str, str]
) -> None:
    if first != second:
        raise TypeError(
            f"{op}: {what} must have the same pytree structure at {sides[0]} and {sides[1]}; got {sides[0]} {first}, "
            f"{sides[1]} {second}."
        )
