"""Flattening and unflattening of pytrees, in microseconds; beside JAX's where JAX is installed."""

import functools
import importlib
import importlib.util
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

x = np.ones(3)
TREES: dict[str, Any] = {
    "a leaf": x,
    "tuple of 3": (x, x, x),
    "dict of 3": {"b": x, "a": x, "c": x},
    "(params, x, 2)": ({"w": x, "b": x}, x, 2),
    "4 layers of 2": [{"w": x, "b": x} for _ in range(4)],
    "10 dicts of 10": {f"l{i}": {f"w{j}": x for j in range(10)} for i in range(10)},
}


def best(function: Callable[[], Any]) -> float:
    """The least time of one call over many short runs, in microseconds."""
    return min(timeit.repeat(function, number=500, repeat=60)) / 500 * 1e6


def main() -> None:
    names = [name for name in ("numax", "jax") if importlib.util.find_spec(name)]
    modules = [importlib.import_module(f"{name}.tree_util") for name in names]
    print(
        f"{'us':20}",
        *[f"{name + ' ' + what:>16}" for what in ("flatten", "unflatten") for name in names],
    )
    for label, tree in TREES.items():
        row: list[float] = [best(functools.partial(m.tree_flatten, tree)) for m in modules]
        for module in modules:
            leaves, treedef = module.tree_flatten(tree)
            row.append(best(functools.partial(module.tree_unflatten, treedef, leaves)))
        print(f"{label:20}", *[f"{value:16.2f}" for value in row])


if __name__ == "__main__":
    main()
