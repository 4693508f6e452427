"""checkpoint (remat): trade memory for time in reverse mode. Also closure_convert and custom_gradient."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.control.call import bind_programs
from numax._engine.control.custom_vjp import custom_vjp
from numax._engine.control.record import name_of, record, values_of
from numax._engine.control.remat import checkpoint_name, checkpoint_policies, remat_p
from numax._engine.core import tree
from numax._engine.core.array import Array
from numax._engine.core.ir import eval_jaxpr
from numax._engine.core.stage import trace_to_jaxpr
from numax._engine.core.trace import as_value
from numax.api.jit import Statics, as_tuple, merge


def checkpoint(
    fun: Any = None,
    *,
    prevent_cse: bool = True,
    policy: Any = None,
    static_argnums: int | Sequence[int] = (),
    static_argnames: Any = (),
) -> Any:
    """A function that keeps only its inputs for the backward pass, and computes what it needs again there.

    Args: policy (which intermediate values to keep after all: checkpoint_policies); static_argnums (arguments that are
        not arrays). Grad: as fun's.
    """
    if fun is None:
        return functools.partial(
            checkpoint,
            prevent_cse=prevent_cse,
            policy=policy,
            static_argnums=static_argnums,
            static_argnames=static_argnames,
        )
    statics = Statics(
        "checkpoint", fun, as_tuple(static_argnums) or None, as_tuple(static_argnames) or None
    )

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        dynamic, rest, static = statics.split(args, kwargs)
        values, in_tree = values_of("checkpoint", "arguments", (tuple(dynamic), rest))

        def whole(positional: Any, named: Any) -> Any:
            every, fixed = merge(positional, static)
            return fun(*every, **named, **fixed)

        whole.__name__ = name_of(fun)
        closed, outer, out_tree = record("checkpoint", whole, in_tree, [v.aval for v in values])
        params = {
            "jaxpr": closed,
            "prevent_cse": prevent_cse,
            "differentiated": False,
            "policy": policy,
        }
        outs = bind_programs(remat_p, [closed], [*outer, *values], params)
        return tree.unflatten(out_tree, outs)

    return wrapped


remat = checkpoint


def closure_convert(
    fun: Callable[..., Any], *example_args: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """`fun` with the values that it closes over and that are being differentiated as extra arguments.

    Returns: (converted, values), where converted(*args, *values) == fun(*args).
    Args: example_args (fun is traced at their types).
    """
    example, in_tree = values_of("closure_convert", "arguments", example_args)
    out_trees: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        outs, structure = values_of(
            "closure_convert", "the result", fun(*tree.unflatten(in_tree, leaves))
        )
        out_trees.append(structure)
        return outs

    jaxpr, consts = trace_to_jaxpr(
        flat, [v.aval for v in example], f"closure_convert of `{name_of(fun)}`"
    )
    hoisted = [c for c in consts if type(c) is not Array]
    count = len(hoisted)

    def converted(*args_and_values: Any) -> Any:
        args = args_and_values[: len(args_and_values) - count]
        given = iter(args_and_values[len(args_and_values) - count :])
        all_consts = [c if type(c) is Array else as_value(next(given)) for c in consts]
        values, structure = values_of("closure_convert", "arguments", args)
        if structure != in_tree:
            raise TypeError(
                f"closure_convert: arguments must have the structure {in_tree}; got {structure}."
            )
        return tree.unflatten(out_trees[0], eval_jaxpr(jaxpr, all_consts, *values))

    return converted, hoisted


def custom_gradient(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function with its own gradient: fun(*args) returns (output, rule), and rule(output cotangent) the cotangents.

    Grad: by the rule, in reverse mode only.
    """

    @custom_vjp
    def wrapped(*args: Any) -> Any:
        return fun(*args)[0]

    def fwd(*args: Any) -> Any:
        out, rule = fun(*args)
        values, out_tree = values_of("custom_gradient", "the output", out)
        zeros = tree.unflatten(out_tree, values)
        converted, hoisted = closure_convert_all(rule, zeros)
        return out, (hoisted, _Rule(converted, len(args)))

    def bwd(residuals: Any, ct: Any) -> Any:
        hoisted, rule = residuals
        result = rule.converted(ct, *hoisted)
        return (
            tuple(result)
            if isinstance(result, tuple | list) and rule.count != 1
            else (tuple(result) if isinstance(result, tuple | list) else (result,))
        )

    wrapped.defvjp(fwd, bwd)
    functools.update_wrapper(wrapped, fun)
    return wrapped


class _Rule:
    """A backward rule as a pytree without leaves."""

    def __init__(self, converted: Any, count: int):
        self.converted = converted
        self.count = count


tree.register_pytree_node(_Rule, lambda r: ((), r), lambda r, _: r)


def closure_convert_all(
    fun: Callable[..., Any], *example_args: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """Like closure_convert, with every array that `fun` closes over as an extra argument."""
    example, in_tree = values_of("custom_gradient", "arguments", example_args)
    out_trees: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        outs, structure = values_of(
            "custom_gradient", "the rule's result", fun(*tree.unflatten(in_tree, leaves))
        )
        out_trees.append(structure)
        return outs

    jaxpr, consts = trace_to_jaxpr(flat, [v.aval for v in example], "custom_gradient")
    count = len(consts)

    def converted(*args_and_values: Any) -> Any:
        split = len(args_and_values) - count
        values, _ = values_of("custom_gradient", "arguments", args_and_values[:split])
        consts_now = [as_value(c) for c in args_and_values[split:]]
        return tree.unflatten(out_trees[0], eval_jaxpr(jaxpr, consts_now, *values))

    return converted, list(consts)


__all__ = [
    "checkpoint",
    "checkpoint_name",
    "checkpoint_policies",
    "closure_convert",
    "custom_gradient",
    "remat",
]
