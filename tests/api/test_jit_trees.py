"""Calls of compiled functions with pytrees: from the second call on they take jaxlib's flattening, which must not show."""

import collections
from typing import NamedTuple

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax._engine.core import tree
from numax._engine.runtime import trees


class Pair(NamedTuple):
    first: object
    second: object


class Swapped(NamedTuple):
    first: object
    second: object


numax.tree_util.register_pytree_node(
    Swapped, lambda s: ((s.second, s.first), None), lambda _, c: Swapped(c[1], c[0])
)


@numax.tree_util.register_pytree_node_class
class Box:
    def __init__(self, inside):
        self.inside = inside

    def tree_flatten(self):
        return (self.inside,), None

    @classmethod
    def tree_unflatten(cls, data, children):
        return cls(*children)


BIG = np.arange(5000, dtype=np.float32)  # too large for NumPy's way


def _shown(x):
    if isinstance(x, Box):
        return "Box", _shown(x.inside)
    if isinstance(x, dict):
        return type(x).__name__, [(k, type(k), _shown(v)) for k, v in x.items()]
    if isinstance(x, list | tuple):
        return type(x).__name__, [_shown(v) for v in x]
    return None if x is None else np.asarray(x).tolist()


@pytest.mark.parametrize(
    "make",
    [
        lambda a, b: {"b": a, "a": b},
        lambda a, b: [(a, b), None, {}, []],
        lambda a, b: Pair(a, {"x": b}),
        lambda a, b: Swapped(a, b),
        lambda a, b: {"n": Swapped(a, (b, b))},
        lambda a, b: Box({"z": a, "y": b}),
        lambda a, b: collections.OrderedDict([("z", a), ("a", b)]),
        lambda a, b: collections.defaultdict(list, {"z": a, "a": b}),
        lambda a, b: {1: a, 0: b},
        lambda a, b: {True: a, False: b},
        lambda a, b: (a, 2.0, b),
        lambda a, b: [BIG, a, 3, b],
    ],
)
def test_each_call_gives_the_same_tree(make):
    def f(t, *, named=None):
        return numax.tree_util.tree_map(lambda v: jnp.sin(v) * 2 + 1, [t, named])

    compiled = numax.jit(f)
    a, b = jnp.array(BIG), jnp.array(BIG[:3])
    for shift in range(4):
        t = make(a + shift, b - shift)
        named = make(b, a)
        expected = [t, named]
        out = compiled(t, named=named)
        assert numax.tree_util.tree_structure(out) == numax.tree_util.tree_structure(expected)
        want = numax.tree_util.tree_map(lambda v: np.sin(np.float32(v)) * 2 + 1, expected)
        for got, exact in zip(*map(numax.tree_util.tree_leaves, (out, want)), strict=True):
            np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-6)
        if not shift:
            first = out
        assert [r[0] for r in _shown(out)[1]] == [r[0] for r in _shown(first)[1]]
    assert len(compiled._entries) == 1
    # all but named tuples that are taken apart in another order go the quick way, users' nodes too
    assert bool(compiled._fast) is ("Swapped" not in repr(numax.tree_util.tree_structure(t)))


def test_keys_that_cannot_be_sorted_are_an_error_each_time():
    f = numax.jit(lambda t: t["a"] + 1)
    for _ in range(3):
        f({"a": jnp.array(BIG)})
        with pytest.raises(ValueError, match=r"sort|compar"):
            f({"a": jnp.array(BIG), 2: 3})


def test_another_structure_is_another_program():
    f = numax.jit(lambda t: numax.tree_util.tree_leaves(t)[0] * 2)
    a = jnp.array(BIG)
    for _ in range(2):
        for t in ((a, a), [a, a], {"a": a, "b": a}, {"a": a, "c": a}, Pair(a, a), (a, None, a)):
            np.testing.assert_array_equal(f(t), BIG * 2)
    assert len(f._entries) == 6


def test_rebuilding_by_jaxlib_keeps_the_order_of_keys():
    for whole in ({"b": 1, "a": 2}, Pair(1, {"z": 2, "y": [3, None]}), Swapped(1, 2), Box([1, 2])):
        leaves, structure = tree.flatten(whole)
        assert _shown(trees.rebuilder(structure)(leaves)) == _shown(
            tree.unflatten(structure, leaves)
        )


def test_a_jitted_function_finds_what_does_not_agree():
    assert not tree.are_leaves(trees.flattener()(Swapped(1.5, 2.5))[0], Swapped(1.5, 2.5))
    assert tree.are_leaves(trees.flattener()(Pair(1.5, 2.5))[0], Pair(1.5, 2.5))
