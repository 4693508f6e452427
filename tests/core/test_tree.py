"""Pytrees: structure, leaves, key paths, registration and errors. Expected reprs are those that JAX prints."""

import collections
import copy
import dataclasses
import functools
import gc
import pickle
import weakref
from enum import StrEnum
from typing import Any, NamedTuple

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import numax.tree
import numax.tree_util
from numax._engine.core import tree
from numax._engine.core.tree import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey


class Point(NamedTuple):
    x: Any
    y: Any


class Colour(StrEnum):
    RED = "red"


@tree.register_pytree_node_class
class Pair:
    def __init__(self, a, b, tag="t"):
        self.a, self.b, self.tag = a, b, tag

    def tree_flatten(self):
        return (self.a, self.b), self.tag

    @classmethod
    def tree_unflatten(cls, tag, children):
        return cls(*children, tag)


@tree.register_dataclass
@dataclasses.dataclass
class Layer:
    w: Any
    b: Any
    name: str = tree.static(default="dense")


@tree.register_pytree_with_keys_class
class Named:
    def __init__(self, u, v):
        self.u, self.v = u, v

    def tree_flatten_with_keys(self):
        return ((GetAttrKey("u"), self.u), ("why", self.v)), None

    @classmethod
    def tree_unflatten(cls, data, children):
        return cls(*children)


def add(a, b=0):
    return a + b


structure = tree.tree_structure


# ---- what a tree is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text", "leaves"),
    [
        (1, "*", [1]),
        (None, "None", []),
        ((), "()", []),
        ([], "[]", []),
        ({}, "{}", []),
        ((1,), "(*,)", [1]),
        ([1, 2], "[*, *]", [1, 2]),
        ({"b": 1, "a": (2, None)}, "{'a': (*, None), 'b': *}", [2, 1]),
        ({1: 1, 2: 2}, "{1: *, 2: *}", [1, 2]),
        ({(1, 2): 3}, "{(1, 2): *}", [3]),
        (Point(1, 2), "CustomNode(namedtuple[Point], [*, *])", [1, 2]),
        (
            collections.OrderedDict(b=1, a=2),
            "CustomNode(OrderedDict[('b', 'a')], [*, *])",
            [1, 2],
        ),
        (
            collections.defaultdict(list, b=1, a=2),
            "CustomNode(defaultdict[(<class 'list'>, ('a', 'b'))], [*, *])",
            [2, 1],
        ),
        (Pair(1, [2], "m"), "CustomNode(Pair[m], [*, [*]])", [1, 2]),
        (Layer(1, 2), "CustomNode(Layer[('dense',)], [*, *])", [1, 2]),
        (Named(1, 2), "CustomNode(Named[None], [*, *])", [1, 2]),
        (
            tree.Partial(print, 1, 2, k=3),
            "CustomNode(Partial[<built-in function print>], [(*, *), {'k': *}])",
            [1, 2, 3],
        ),
        (collections.deque([1]), "*", [collections.deque([1])]),
        (collections.Counter("a"), "*", [collections.Counter("a")]),
        ({"a": "s"}, "{'a': *}", ["s"]),
    ],
)
def test_repr_and_leaves(value, text, leaves):
    assert repr(structure(value)) == f"PyTreeDef({text})"
    assert tree.tree_leaves(value) == leaves


def test_subclasses_of_builtin_containers_are_leaves():
    for base, args in ((dict, ()), (list, ()), (tuple, ()), (collections.OrderedDict, ())):
        value = type("Sub", (base,), {})(*args)
        assert tree.tree_leaves(value)[0] is value


def test_subclass_of_named_tuple_is_its_own_node():
    sub = type("Sub", (Point,), {})
    assert structure(sub(1, 2)) != structure(Point(1, 2))
    assert type(tree.tree_map(add, sub(1, 2))) is sub


def test_unsortable_keys_name_the_remedy():
    with pytest.raises(ValueError, match=r"must be sortable; got \[1, 'a'\]. Use keys of one type"):
        tree.flatten({1: 1, "a": 2})


def test_equal_keys_of_other_types_keep_their_type():
    for first, second in (({"red": 1}, {Colour.RED: 2}), ({1: 1}, {True: 2}), ({1: 1}, {1.0: 2})):
        tree.flatten(first)
        (key,) = tree.tree_map(add, second)
        assert key is next(iter(second))


def test_static_data_that_is_equal_keeps_its_type():
    tree.flatten(Pair(1, 2, 1))
    tree.flatten(Pair(1, 2, (1, 0)))
    assert tree.tree_map(add, Pair(1, 2, True)).tag is True
    assert tree.tree_map(add, Pair(1, 2, (True, 0))).tag[0] is True


# ---- PyTreeDef ---------------------------------------------------------------------------------------------


def test_equality_and_interning():
    for make in (
        lambda: {"a": [1, None]},
        lambda: Point(1, {"k": 2}),
        lambda: Layer(1, (2,)),
        lambda: None,
    ):
        assert structure(make()) is structure(make())
    assert structure([1]) != structure((1,))
    assert structure({"a": 1}) != structure(collections.OrderedDict(a=1))
    assert structure(Pair(1, 2)) != structure(Pair(1, 2, "other"))
    assert structure(tree.Partial(add, 1)) == structure(tree.Partial(add, 2))
    assert hash(structure(tree.Partial(add, 1))) == hash(structure(tree.Partial(add, 2)))
    assert structure([1]) != [1]


def test_unhashable_static_data():
    first, second = structure(Pair(1, 2, {"k": [1]})), structure(Pair(3, 4, {"k": [1]}))
    assert first == second
    assert hash(first) == hash(second)
    assert first != structure(Pair(1, 2, {"k": [2]}))


def test_static_functions_are_not_kept_alive():
    def function():
        return None

    alive = weakref.ref(function)
    tree.flatten({"a": tree.Partial(function, 1)})
    del function
    gc.collect()
    assert alive() is None


def test_attributes():
    treedef = structure({"a": [1, None], "b": 2})
    assert (treedef.num_leaves, treedef.num_nodes) == (2, 5)
    assert treedef.children() == [structure([1, None]), structure(1)]
    assert treedef.node_data() == (dict, ["a", "b"])
    assert structure(1).node_data() is None
    assert structure(Point(1, 2)).node_data() == (Point, None)
    assert structure(Pair(1, 2, "m")).node_data() == (Pair, "m")
    assert structure(1).is_leaf()
    assert not treedef.is_leaf()
    with pytest.raises(AttributeError):
        treedef.other = 1
    with pytest.raises(TypeError, match="no constructor"):
        tree.PyTreeDef()


def test_unflatten_counts_leaves():
    treedef = structure([1, (2,)])
    assert treedef.unflatten(iter("ab")) == ["a", ("b",)]
    for leaves, message in (([1], "too few leaves; expected 2, got 1"), ((1, 2, 3), "too many")):
        with pytest.raises(ValueError, match=message):
            tree.unflatten(treedef, leaves)


def test_compose():
    assert structure([1, None]).compose(structure((1, 2))) is structure([(1, 2), None])
    with pytest.raises(TypeError, match="not a PyTreeDef"):
        structure([1]).compose(3)


@pytest.mark.parametrize("value", [1, None, {"a": [1, Point(2, None)]}, Pair(1, 2), Layer(1, 2)])
def test_pickle_and_copies(value):
    treedef = structure(value)
    assert pickle.loads(pickle.dumps(treedef)) is treedef
    assert copy.deepcopy(treedef) is treedef
    assert copy.copy(treedef) is treedef


def test_pickle_of_interned_and_other_parts():
    treedef = structure([tree.Partial(add, 1), {"a": 1}])
    assert pickle.loads(pickle.dumps(treedef)) == treedef


def test_walk_and_iterable_trees():
    treedef = structure({"a": [1, (2, 3)]})
    folded = treedef.walk(lambda xs, data: ("N", xs, data), lambda x: x * 10, [1, 2, 3])
    assert folded == ("N", (("N", (10, ("N", (20, 30), None)), None),), ["a"])
    assert treedef.from_iterable_tree([[1, [2, 3]]]) == {"a": [1, (2, 3)]}
    assert tree.build_tree(structure([None, 1]), [(), 3]) == [None, 3]
    with pytest.raises(ValueError, match="has 2 children; got 1"):
        structure([1, 1]).from_iterable_tree([1])


@pytest.mark.parametrize("value", [1, None, [1, (2,)], {"b": 1, "a": 2}, Point(1, 2), Pair(1, 2)])
def test_from_node_data_and_children(value):
    treedef = structure(value)
    made = tree.PyTreeDef.from_node_data_and_children(
        tree.default_registry, treedef.node_data(), treedef.children()
    )
    assert made is treedef


def test_treedef_functions():
    assert tree.treedef_tuple([structure(1), structure([1, 2])]) is structure((1, [1, 2]))
    assert tree.treedef_children(structure([1, ()])) == [structure(1), structure(())]
    assert [tree.treedef_is_leaf(structure(x)) for x in (1, None, (), [1])] == [
        True,
        True,
        True,
        False,
    ]
    assert tree.all_leaves([1, "a"])
    assert not tree.all_leaves([1, None])
    assert tree.all_leaves([1, None], is_leaf=lambda x: x is None)
    with pytest.raises(TypeError, match="must be PyTreeDefs; got int"):
        tree.treedef_tuple([3])


# ---- is_leaf -----------------------------------------------------------------------------------------------


def test_is_leaf_is_asked_from_the_top_down():
    seen = []
    tree.tree_leaves([1, None, ()], is_leaf=lambda x: seen.append(x))
    assert seen == [[1, None, ()], 1, None, ()]
    assert tree.tree_leaves([1, None], is_leaf=lambda x: x is None) == [1, None]
    assert tree.tree_map(type, [(1,), 2], is_leaf=lambda x: isinstance(x, tuple)) == [tuple, int]


def test_is_leaf_must_answer_with_a_bool():
    with pytest.raises(ValueError, match=r"must return True or False; got \[\]"):
        tree.tree_leaves([1], is_leaf=lambda x: [])


def test_is_leaf_with_path():
    value = {"a": [1, {"b": 2}]}
    pairs, treedef = tree.flatten_with_path(
        value, lambda p, x: len(p) == 1, is_leaf_takes_path=True
    )
    assert pairs == [((DictKey("a"),), [1, {"b": 2}])]
    assert treedef is structure({"a": 0})


# ---- key paths ---------------------------------------------------------------------------------------------


def test_paths_of_each_node_type():
    value = {"p": Point([1], 2), "q": Pair(3, 4), "r": Layer(5, 6), "s": Named({"k": 7}, 8)}
    paths = [tree.keystr(path) for path, _ in tree.tree_leaves_with_path(value)]
    assert paths == [
        "['p'].x[0]",
        "['p'].y",
        "['q'][<flat index 0>]",
        "['q'][<flat index 1>]",
        "['r'].w",
        "['r'].b",
        "['s'].u['k']",
        "['s']why",
    ]


def test_keystr_simple_and_separator():
    keys = (DictKey("a"), SequenceKey(3), GetAttrKey("n"), FlattenedIndexKey(2), "zz")
    assert tree.keystr(keys) == "['a'][3].n[<flat index 2>]zz"
    assert tree.keystr(keys, simple=True, separator="/") == "a/3/n/2/zz"
    assert tree.keystr(keys, separator="/") == "['a']/[3]/.n/[<flat index 2>]/zz"


def test_keys_are_values():
    assert repr(DictKey("a")) == "DictKey(key='a')"
    assert repr(SequenceKey(idx=3)) == "SequenceKey(idx=3)"
    assert DictKey(1) != SequenceKey(1)
    assert len({DictKey(1), DictKey(1), FlattenedIndexKey(1)}) == 2
    assert pickle.loads(pickle.dumps(GetAttrKey("x"))) == GetAttrKey("x")
    with pytest.raises(AttributeError):
        DictKey("a").key = "b"


def test_map_with_path():
    result = tree.tree_map_with_path(
        lambda path, x, y: (tree.keystr(path), x, y), {"a": [1, 2]}, {"a": [3, (4, 5)]}
    )
    assert result == {"a": [("['a'][0]", 1, 3), ("['a'][1]", 2, (4, 5))]}


# ---- map, reduce, transpose, broadcast ---------------------------------------------------------------------


def test_map_takes_prefixes():
    assert tree.tree_map(lambda x, y: (x, y), {"a": 1}, {"a": [1, 2]}) == {"a": (1, [1, 2])}
    assert tree.tree_map(lambda x, y: y, [None, 1], [None, 2]) == [None, 2]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            {"layer": {"w": {"a": 1, "c": 2}}},
            {"layer": {"w": [1, 2]}},
            "trees differ at ['layer']['w']: first has a dict with keys 'a', 'c', second has a list of 2",
        ),
        ([1, [2]], [1, 2], "trees differ at [1]: first has a list of 1, second has a leaf"),
        ([1, 2], [1], "trees differ at the root: first has a list of 2, second has a list of 1"),
        ({"a": 1, "b": 1}, {"a": 1, "c": 2}, "(only first has 'b'; only second has 'c')"),
        ({"a": None}, {"a": 1}, "trees differ at ['a']: first has None, second has a leaf"),
        ((1, 2), Point(1, 2), "first has a tuple of 2, second has a named tuple Point of 2"),
        ({"a": 1}, collections.OrderedDict(a=1), "second has an OrderedDict with keys 'a'"),
        (
            [Layer(1, 2)],
            [Layer(1, 2, "x")],
            "trees differ at [0]: first has a Layer of 2 with static data ('dense',), "
            "second has a Layer of 2 with static data ('x',)",
        ),
        (Named([1], 2), Named((1,), 2), "trees differ at .u: first has a list of 1"),
        (
            [(), {}],
            [(), {"a": 1}],
            "at [1]: first has an empty dict, second has a dict with keys 'a'",
        ),
    ],
)
def test_errors_name_the_place(first, second, message):
    with pytest.raises(ValueError) as error:
        tree.tree_map(add, first, second)
    assert str(error.value).startswith("tree_map: trees differ at ")
    assert message in str(error.value)
    with pytest.raises(ValueError, match="flatten_up_to: trees differ"):
        structure(first).flatten_up_to(second)


def test_errors_count_the_trees():
    with pytest.raises(ValueError, match="first has a list of 2, third has a list of 1"):
        tree.tree_map(lambda *xs: xs, [1, 2], [1, 2], [1])


def test_difference_of_treedefs():
    assert tree.difference(structure([1]), structure([1])) == ""
    assert tree.difference(structure([1]), structure([[1]]), prefix=True) == ""
    text = tree.difference(
        structure({"a": [1]}), structure({"a": [[1]]}), names=("true_fun", "false_fun")
    )
    assert text == "trees differ at ['a'][0]: true_fun has a leaf, false_fun has a list of 1"


def test_reduce():
    assert tree.tree_reduce(add, [1, [2], None], 10) == 13
    assert tree.tree_reduce(lambda a, b: (a, b), [1, 2, 3]) == ((1, 2), 3)
    assert tree.tree_reduce(add, [], None) is None
    assert tree.tree_reduce_associative(lambda a, b: (a, b), [1, 2, [3, 4, 5]]) == (
        (1, 2),
        (3, (4, 5)),
    )
    assert tree.tree_reduce_associative(add, [], identity=0) == 0
    for reduce in (tree.tree_reduce, tree.tree_reduce_associative):
        with pytest.raises(TypeError, match="has no leaves"):
            reduce(add, [None])


def test_all():
    assert tree.tree_all([])
    assert not tree.tree_all([1, [0]])
    assert not tree.tree_all([True, None], is_leaf=lambda x: x is None)


def test_transpose():
    value = [{"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 5, "b": 6}]
    inner = structure(value[0])
    assert tree.tree_transpose(structure([0] * 3), inner, value) == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert tree.tree_transpose(structure([0] * 3), None, value) == {"a": [1, 3, 5], "b": [2, 4, 6]}
    with pytest.raises(TypeError, match="must have 2 x 2 leaves; got 6"):
        tree.tree_transpose(structure([0] * 2), inner, value)


def test_broadcast():
    assert tree.tree_broadcast([1, 2], [(1, 2), {"a": 3}]) == [(1, 1), {"a": 2}]
    assert tree.broadcast_prefix([1, None], [(1, 2), {"a": 3}], is_leaf=lambda x: x is None) == [
        1,
        1,
        None,
    ]
    with pytest.raises(
        ValueError, match=r"tree_broadcast: trees differ at \['a'\]: prefix has a list of 2"
    ):
        tree.tree_broadcast({"a": [1, 2]}, {"a": (1, 2)})


# ---- registration ------------------------------------------------------------------------------------------


def fresh():
    return type("Fresh", (), {})


def test_registering_twice_or_wrongly():
    cls = fresh()
    tree.register_pytree_node(cls, lambda x: ((), None), lambda data, children: cls())
    for again in (cls, tuple, dict, type(None)):
        with pytest.raises(ValueError, match="registered already"):
            tree.register_pytree_node(again, lambda x: ((), None), lambda data, children: None)
    with pytest.raises(TypeError, match="must be functions"):
        tree.register_pytree_node(fresh(), None, lambda data, children: None)
    with pytest.raises(TypeError, match="must be a class"):
        tree.register_pytree_node(3, lambda x: ((), None), lambda data, children: None)


def test_type_seen_as_a_leaf_becomes_a_node():
    cls = fresh()
    value = cls()
    assert tree.tree_leaves((value, value)) == [value, value]
    tree.register_pytree_node(cls, lambda x: ((1, 2), None), lambda data, children: value)
    assert tree.tree_leaves((value, value)) == [1, 2, 1, 2]
    assert tree.tree_leaves({"a": value}) == [1, 2]


def test_children_may_be_any_iterable():
    cls = fresh()
    tree.register_pytree_node(cls, lambda x: (iter((1, 2)), None), lambda data, children: children)
    assert tree.tree_leaves(cls()) == [1, 2]
    assert tree.unflatten(structure(cls()), [5, 6]) == (5, 6)
    assert [tree.keystr(p) for p, _ in tree.tree_leaves_with_path(cls())] == [
        "[<flat index 0>]",
        "[<flat index 1>]",
    ]


@pytest.mark.parametrize("result", [3, (1, 2, 3), (1, 2), [(1,), 2]])
def test_flatten_functions_are_checked(result):
    cls = fresh()
    tree.register_pytree_node(cls, lambda x: result, lambda data, children: None)
    with pytest.raises(ValueError, match="must return a pair"):
        tree.flatten(cls())


def test_keyed_flatten_functions_are_checked():
    cls = fresh()
    tree.register_pytree_with_keys(
        cls, lambda x: ((1, 2), None), lambda data, children: None, lambda x: ((), None)
    )
    with pytest.raises(ValueError, match=r"must return \(key, child\) pairs; got 1"):
        tree.flatten_with_path(cls())


def test_static_class_has_no_leaves():
    @tree.register_static
    class Mode(str):
        pass

    assert tree.tree_leaves([Mode("a"), 1]) == [1]
    assert structure(Mode("a")) == structure(Mode("a"))
    assert structure(Mode("a")) != structure(Mode("b"))
    assert type(tree.tree_map(add, Mode("a"))) is Mode


def test_dataclass_fields():
    @functools.partial(tree.register_dataclass, data_fields=["b", "a"], meta_fields=["m"])
    @dataclasses.dataclass(frozen=True)
    class Model:
        a: int
        b: int
        m: str = "hi"

    assert tree.tree_leaves(Model(1, 2)) == [2, 1]
    assert tree.tree_map(lambda x: x * 10, Model(1, 2, "x")) == Model(10, 20, "x")
    assert tree.flatten_one_level(Model(1, 2)) == ((2, 1), ("hi",))


def test_dropped_fields_get_their_defaults():
    @dataclasses.dataclass
    class Model:
        a: int
        c: int = 0

    tree.register_dataclass(Model, ["a"], [], drop_fields=["c"])
    assert tree.tree_map(add, Model(1, 3)) == Model(1, 0)


@pytest.mark.parametrize(
    ("data", "meta", "error", "message"),
    [
        (["a"], ["b", "z"], ValueError, "missing c; unexpected z"),
        (["a"], ["a", "b", "c"], ValueError, "must not overlap; got a"),
        (["a"], None, TypeError, "must both be given"),
    ],
)
def test_dataclass_fields_are_checked(data, meta, error, message):
    cls = dataclasses.make_dataclass("Model", ["a", "b", "c"])
    with pytest.raises(error, match=message):
        tree.register_dataclass(cls, data, meta)


def test_other_class_needs_its_fields_named():
    with pytest.raises(TypeError, match="is not a dataclass"):
        tree.register_dataclass(fresh())


def test_partial():
    partial = tree.Partial(add, 1, b=2)
    assert (partial.func, partial.args, partial.keywords) == (add, (1,), {"b": 2})
    assert tree.tree_map(lambda x: x * 10, partial)() == 30
    outer = tree.Partial(tree.Partial(add, 1), 2)
    assert tree.tree_leaves(outer) == [2]
    assert tree.tree_map(lambda x: x * 10, outer)() == 21
    assert structure(tree.Partial(functools.partial(add, 1), 2)).num_leaves == 1


def test_one_level_and_registry():
    registry = tree.default_registry
    assert tree.flatten_one_level({"b": 1, "a": [2]}) == ([[2], 1], ("a", "b"))
    assert tree.flatten_one_level(Point(1, 2)) == ((1, 2), Point)
    assert tree.flatten_one_level_with_keys([5])[0] == ((SequenceKey(0), 5),)
    assert registry.flatten_one_level(1) is None
    assert registry.flatten([1, [2]]) == tree.flatten([1, [2]])
    assert registry.is_node(Point)
    assert [tree.is_tree_node(t) for t in (dict, type(None), int, 3)] == [True, True, False, False]
    with pytest.raises(ValueError, match="a leaf of type int"):
        tree.flatten_one_level(1)


def test_facades():
    for name in numax.tree.__all__:
        if name != "static":
            assert getattr(numax.tree, name) is getattr(numax.tree_util, f"tree_{name}")


# ---- properties --------------------------------------------------------------------------------------------


def containers(children):
    keys = st.one_of(st.text(max_size=3), st.integers())
    return st.one_of(
        st.lists(children, max_size=3),
        st.lists(children, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), children, max_size=3),
        st.dictionaries(st.integers(), children, max_size=2),
        st.lists(st.tuples(keys, children), max_size=3).map(collections.OrderedDict),
        st.builds(Point, children, children),
        st.builds(Layer, children, children, name=st.text(max_size=2)),
    )


trees = st.recursive(st.none() | st.integers(), containers, max_leaves=12)


@hypothesis.given(trees)
def test_flatten_and_unflatten_are_inverse(value):
    leaves, treedef = tree.flatten(value)
    assert len(leaves) == treedef.num_leaves
    assert tree.unflatten(treedef, leaves) == value
    assert tree.flatten(tree.unflatten(treedef, leaves))[1] == treedef
    assert pickle.loads(pickle.dumps(treedef)) == treedef
    assert treedef.flatten_up_to(value) == leaves
    assert tree.tree_map(lambda x: x, value) == value


@hypothesis.given(trees)
def test_all_ways_of_flattening_agree(value):
    leaves, treedef = tree.flatten(value)
    pairs, by_path = tree.flatten_with_path(value)
    assert [leaf for _, leaf in pairs] == leaves
    assert len({path for path, _ in pairs}) == len(leaves)
    assert by_path == treedef == structure(value, is_leaf=lambda x: False)
    for path, leaf in pairs:
        assert follow(value, path) == leaf


def follow(value, path):
    for key in path:
        match key:
            case DictKey(k) | SequenceKey(k):
                value = value[k]
            case GetAttrKey(name):
                value = getattr(value, name)
    return value


@hypothesis.given(trees, trees)
def test_treedefs_are_equal_where_nothing_differs(first, second):
    a, b = structure(first), structure(second)
    assert (a == b) == (tree.difference(a, b) == "")
    if a == b:
        assert hash(a) == hash(b)
    assert tree.difference(structure(0), b, prefix=True) == ""


@hypothesis.given(trees, trees)
def test_compose_is_substitution(outer, inner):
    composed = structure(outer).compose(structure(inner))
    assert composed == structure(tree.tree_map(lambda _: inner, outer))
    assert composed.num_leaves == structure(outer).num_leaves * structure(inner).num_leaves


def test_arrays_are_leaves():
    arrays = [np.ones(3), np.zeros((2, 2))]
    leaves, treedef = tree.flatten({"w": arrays[0], "b": (arrays[1],)})
    assert leaves[1] is arrays[0]
    assert treedef.unflatten(leaves)["b"][0] is arrays[1]
