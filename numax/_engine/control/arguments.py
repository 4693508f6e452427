"""What custom_jvp and custom_vjp do with arguments: keywords into places, and arguments without derivatives aside."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any


def resolve(
    fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """All arguments by position, defaults filled in where a keyword follows them."""
    if not kwargs:
        try:
            signature = inspect.signature(fun)
        except (TypeError, ValueError):
            return args
        if not any(p.default is not p.empty for p in signature.parameters.values()):
            return args
    else:
        signature = inspect.signature(fun)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(
            f"custom rules: keyword-only arguments are not supported; got {', '.join(bound.kwargs)}. "
            "Make them positional, or close over them."
        )
    return bound.args


def split_nondiff(
    args: Sequence[Any], nondiff: Sequence[int]
) -> tuple[list[Any], list[Any], Callable[[Sequence[Any]], list[Any]]]:
    """The arguments without derivatives, the others, and a function that puts new others back in place."""
    count = len(args)
    for i in nondiff:
        if not -count <= i < count:
            raise ValueError(
                f"custom rules: nondiff_argnums names argument {i}, and there are {count}."
            )
    chosen = {i % count for i in nondiff}
    aside = [args[i % count] for i in nondiff]
    rest = [a for i, a in enumerate(args) if i not in chosen]
    fixed = {i: args[i] for i in chosen}

    def rebuild(new: Sequence[Any]) -> list[Any]:
        others = iter(new)
        return [fixed[i] if i in fixed else next(others) for i in range(count)]

    return aside, rest, rebuild
