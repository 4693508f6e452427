"""Pytrees: containers of leaves, and PyTreeDef, the shape of one. Flattening, unflattening, registration.

Each node type has a `Kind`, which takes its nodes apart and puts them together. Treedefs are interned where
their static data is plain (strings, integers, None), so that equal structures are mostly one object.
Flattening is fast where most nodes are: a list, tuple or dict that holds leaves only is recognised by one C-level
pass over its children's types, and the sorted order of a dict's keys is remembered.
"""

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, cast

from numax._engine.core.tree_paths import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    KeyPath,
    SequenceKey,
    keystr,
)

IsLeaf = Callable[[Any], bool]
Parts = tuple[Sequence[Any], Any]  # the children of a node, and its static data

_CACHE_SIZE: Final = 8192  # entries of a cache before it is emptied
_PLAIN: Final = frozenset({str, int, bool, bytes, type(None)})
_all_str: Final = {str}.issuperset
_count: Final = itertools.count(1)
_token_of = operator.attrgetter("token")


class Kind:
    """How one node type is taken apart and put together.

    Args: parts(node) -> (children, data); build(data, children) -> node; keys(data, n) names the children
          from the data alone; keyed(node) -> (pairs of key and child, data) where only the node knows them;
          take(kind, node, leaves) -> treedef is the fast way through, appending to leaves; data is the static
          data of every node of the type, where they are all alike.
    """

    __slots__ = ("build", "cls", "data", "flat", "keyed", "keys", "parts", "plain", "take")

    def __init__(
        self,
        cls: type,
        parts: Callable[[Any], Parts],
        build: Callable[[Any, Iterable[Any]], Any],
        keys: Callable[[Any, int], Iterable[Any]],
        take: "Callable[[Kind, Any, list[Any]], PyTreeDef]",
        keyed: Callable[[Any], tuple[Sequence[tuple[Any, Any]], Any]] | None = None,
        data: Any = None,
    ) -> None:
        self.cls, self.parts, self.build, self.keys = cls, parts, build, keys
        self.take, self.keyed, self.data, self.plain = take, keyed, data, _plain(data)
        self.flat: dict[int, PyTreeDef] = {}  # sequences of leaves only, by their number

    def keyed_parts(self, node: Any) -> tuple[Sequence[Any], Sequence[Any], Any]:
        """The keys of a node's children, the children, and the static data."""
        if self.keyed is None:
            children, data = self.parts(node)
            return tuple(self.keys(data, len(children))), children, data
        pairs, data = self.keyed(node)
        return [key for key, _ in pairs], [child for _, child in pairs], data


class _Layout:
    """A set of dict keys, all of them exactly str: sorted, and how to fetch the values in that order."""

    __slots__ = ("flat", "keys", "values")

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys: tuple[str, ...] = tuple(sorted(keys))
        self.values: Callable[[Any], Sequence[Any]]
        if len(keys) > 1:
            self.values = operator.itemgetter(*self.keys)
        else:
            self.values = lambda node: [node[key] for key in keys]
        self.flat: PyTreeDef | None = None  # the treedef where all values are leaves


class _Kinds(dict[type, Kind | None]):
    """Kind of each type met; None for leaves. Named tuples get theirs when first met."""

    def __missing__(self, cls: type) -> Kind | None:
        if len(self) - len(_registered) > _CACHE_SIZE:
            for stale in [known for known in self if known not in _registered]:
                del self[stale]
            _leaf_types.clear()
        kind = _namedtuple_kind(cls) if issubclass(cls, tuple) and hasattr(cls, "_fields") else None
        self[cls] = kind
        if kind is None:
            _leaf_types.add(cls)
        return kind


KINDS: Final = _Kinds()
_leaf_types: Final[set[type]] = set()
only_leaves: Final = _leaf_types.issuperset
_registered: Final[set[type]] = set()
_layouts: Final[dict[tuple[str, ...], _Layout]] = {}
_interned: Final[dict[Any, "PyTreeDef"]] = {}


def _bounded(cache: dict[Any, Any]) -> None:
    if len(cache) >= _CACHE_SIZE:
        cache.clear()


def _plain(data: Any) -> Any:
    """A key that tells apart all plain data (1 from True, too); None where the data is not plain."""
    cls = type(data)
    if cls in _PLAIN:
        return cls, data
    if cls is tuple:
        if _all_str(map(type, data)):
            return data
        keys = tuple(map(_plain, data))
        return None if None in keys else keys
    if isinstance(data, type):
        return type, data
    return None


class PyTreeDef:
    """The structure of a pytree: which containers, with which keys and static data, around how many leaves.

    Made by `tree_structure`, compared with ==, hashable. num_leaves and num_nodes are its size.
    """

    __slots__ = (
        "_children",
        "_data",
        "_flat",
        "_hash",
        "_kind",
        "num_leaves",
        "num_nodes",
        "token",
    )
    num_leaves: int
    num_nodes: int
    token: int  # equal tokens: the same object; 0: not interned
    _children: "tuple[PyTreeDef, ...]"
    _data: Any
    _hash: int
    _kind: Kind | None
    _flat: bool

    def __new__(cls) -> "PyTreeDef":
        raise TypeError("PyTreeDef: has no constructor. Call tree_structure(tree).")

    def __repr__(self) -> str:
        return f"PyTreeDef({_text(self)})"

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, PyTreeDef):
            return NotImplemented
        if self._hash != other._hash or self._kind is not other._kind:
            return False
        return self._children == other._children and bool(self._data == other._data)

    def __reduce__(self) -> tuple[Any, ...]:
        kind = self._kind
        return _rebuild, (kind and kind.cls, self._data, self._children)

    def __copy__(self) -> "PyTreeDef":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "PyTreeDef":
        return self

    def unflatten(self, leaves: Iterable[Any], /) -> Any:
        """The pytree with this structure and the given leaves.

        Raises: ValueError if there are too many or too few leaves.
        """
        return unflatten(self, leaves)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The subtrees of `tree` at the places of this structure's leaves.

        Raises: ValueError where this structure is not a prefix of the tree's.
        """
        return flatten_up_to(self, tree)

    def children(self) -> "list[PyTreeDef]":
        """The structures of the root's children."""
        return list(self._children)

    def node_data(self) -> tuple[type, Any] | None:
        """The root's type and static data; None for a leaf."""
        kind = self._kind
        if kind is None:
            return None
        if kind.cls is dict:
            return dict, list(self._data)
        return kind.cls, (None if self._data is kind.cls else self._data)

    def is_leaf(self) -> bool:
        """Whether this is the structure of one leaf."""
        return self._kind is None

    def compose(self, inner: "PyTreeDef", /) -> "PyTreeDef":
        """This structure with `inner` in the place of each leaf."""
        if not isinstance(inner, PyTreeDef):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"compose: argument is not a PyTreeDef; got {_a(type(inner).__name__)}."
            )
        if self._kind is None:
            return inner
        return make(self._kind, self._data, [child.compose(inner) for child in self._children])

    def walk(
        self,
        f_node: Callable[[tuple[Any, ...], Any], Any],
        f_leaf: Callable[[Any], Any] | None,
        leaves: Iterable[Any],
        /,
    ) -> Any:
        """Fold the tree: f_leaf at each leaf, f_node(children, node data) at each node, from the bottom up."""
        values = _exactly(self, leaves)
        return _walk(self, f_node, f_leaf, iter(values))

    def from_iterable_tree(self, tree: Any, /) -> Any:
        """The pytree with this structure whose nodes are given as plain iterables of children."""
        kind = self._kind
        if kind is None:
            return tree
        parts = list(tree)
        if len(parts) != len(self._children):
            raise ValueError(
                f"from_iterable_tree: node {_describe(self)} has {len(self._children)} children; "
                f"got {len(parts)}."
            )
        return kind.build(
            self._data,
            tuple(
                [
                    child.from_iterable_tree(p)
                    for child, p in zip(self._children, parts, strict=True)
                ]
            ),
        )

    @staticmethod
    def from_node_data_and_children(
        registry: Any, node_data: tuple[type, Any] | None, children: "Iterable[PyTreeDef]"
    ) -> "PyTreeDef":
        """The structure that has this node_data() and these children()."""
        children = list(children)
        if node_data is None:
            if children:
                raise ValueError(
                    f"from_node_data_and_children: a leaf has no children; got {len(children)}."
                )
            return LEAF
        cls, data = node_data
        if KINDS[cls] is None:
            raise ValueError(
                f"from_node_data_and_children: {cls!r} is not a pytree node type. Register it first."
            )
        if cls is dict and len(data) != len(children):
            raise ValueError(
                f"from_node_data_and_children: {len(data)} keys for {len(children)} children."
            )
        return _rebuild(cls, tuple(data) if cls is dict else data, tuple(children))


def _new(kind: Kind | None, data: Any, children: tuple[PyTreeDef, ...], token: int) -> PyTreeDef:
    treedef = object.__new__(PyTreeDef)
    treedef._kind, treedef._data, treedef._children, treedef.token = kind, data, children, token
    treedef.num_leaves = sum([c.num_leaves for c in children]) if kind else 1
    treedef.num_nodes = 1 + sum([c.num_nodes for c in children])
    treedef._flat = all([c._kind is None for c in children])
    try:
        treedef._hash = hash((kind and kind.cls, data, children))
    except TypeError:  # the data cannot be hashed; == still compares it
        treedef._hash = hash((kind and kind.cls, children))
    return treedef


LEAF: Final = _new(None, None, (), next(_count))


def make(kind: Kind, data: Any, children: Sequence[PyTreeDef]) -> PyTreeDef:
    """The treedef of a node of this kind; the one made before where it can be found."""
    return _make(kind, data, _plain(data), children)


def _make(kind: Kind, data: Any, plain: Any, children: Sequence[PyTreeDef]) -> PyTreeDef:
    tokens = tuple(map(_token_of, children))
    key = (kind, plain, tokens)
    found = _interned.get(key)
    if found is not None:
        return found
    if plain is None or 0 in tokens:
        return _new(kind, data, tuple(children), 0)
    _bounded(_interned)
    return _interned.setdefault(key, _new(kind, data, tuple(children), next(_count)))


def _rebuild(cls: type | None, data: Any, children: tuple[PyTreeDef, ...]) -> PyTreeDef:
    if cls is None:
        return LEAF
    kind = KINDS[cls]
    if kind is None:
        raise ValueError(f"PyTreeDef: {cls!r} is not a pytree node type here. Register it first.")
    return make(kind, cls if kind.build is _build_namedtuple else data, children)


# ---- flattening ----------------------------------------------------------------------------------------------


def _take_children(children: Sequence[Any], leaves: list[Any]) -> list[PyTreeDef]:
    defs: list[PyTreeDef] = []
    for child in children:
        kind = KINDS[type(child)]
        if kind is None:
            leaves.append(child)
            defs.append(LEAF)
        else:
            defs.append(kind.take(kind, child, leaves))
    return defs


def _take_sequence(kind: Kind, node: Any, leaves: list[Any]) -> PyTreeDef:
    if not only_leaves(map(type, node)):
        return _make(kind, kind.data, kind.plain, _take_children(node, leaves))
    leaves += node
    treedef = kind.flat.get(len(node))
    if treedef is None:
        treedef = _make(kind, kind.data, kind.plain, [LEAF] * len(node))
        _bounded(kind.flat)
        kind.flat[len(node)] = treedef
    return treedef


def _take_dict(kind: Kind, node: dict[Any, Any], leaves: list[Any]) -> PyTreeDef:
    order = tuple(node)
    if not _all_str(map(type, order)):  # other keys can be equal and yet not the same: 1, True, 1.0
        children, keys = dict_parts(node)
        return make(kind, keys, _take_children(children, leaves))
    layout = _layouts.get(order)
    if layout is None:
        _bounded(_layouts)
        layout = _layouts.setdefault(order, _Layout(order))
    children = layout.values(node)
    if not only_leaves(map(type, children)):
        return _make(kind, layout.keys, layout.keys, _take_children(children, leaves))
    leaves += children
    treedef = layout.flat
    if treedef is None:
        treedef = layout.flat = _make(kind, layout.keys, layout.keys, [LEAF] * len(order))
    return treedef


def take_custom(kind: Kind, node: Any, leaves: list[Any]) -> PyTreeDef:
    """Take any node apart by its kind's parts()."""
    children, data = kind.parts(node)
    return make(kind, data, _take_children(children, leaves))


def _take_none(kind: Kind, node: None, leaves: list[Any]) -> PyTreeDef:
    return _NONE


def _take_where(node: Any, leaves: list[Any], is_leaf: IsLeaf) -> PyTreeDef:
    kind = KINDS[type(node)]
    if _says_leaf(is_leaf(node)) or kind is None:
        leaves.append(node)
        return LEAF
    children, data = kind.parts(node)
    return make(kind, data, [_take_where(child, leaves, is_leaf) for child in children])


def _says_leaf(answer: Any) -> bool:
    if answer is True or answer is False or answer is None:
        return bool(answer)
    raise ValueError(f"is_leaf: must return True or False; got {answer!r}.")


def flatten(tree: Any, is_leaf: IsLeaf | None = None) -> tuple[list[Any], PyTreeDef]:
    """The leaves of a pytree, left to right, and its structure.

    Args:   is_leaf(node) -> bool, True where a node is to be taken as a leaf; called from the top down.
    Raises: ValueError if the keys of a dict cannot be sorted.
    """
    leaves: list[Any] = []
    if is_leaf is not None:
        return leaves, _take_where(tree, leaves, is_leaf)
    kind = KINDS[type(tree)]
    if kind is None:
        return [tree], LEAF
    return leaves, kind.take(kind, tree, leaves)


def flatten_with_path(
    tree: Any, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> tuple[list[tuple[KeyPath, Any]], PyTreeDef]:
    """The leaves of a pytree, each with its key path, and the structure.

    Args: is_leaf(node) -> bool, or is_leaf(path, node) where is_leaf_takes_path.
    """
    leaves: list[tuple[KeyPath, Any]] = []

    def take(path: KeyPath, node: Any) -> PyTreeDef:
        kind = KINDS[type(node)]
        stop = is_leaf is not None and (
            is_leaf(path, node) if is_leaf_takes_path else is_leaf(node)
        )
        if _says_leaf(stop) or kind is None:
            leaves.append((path, node))
            return LEAF
        keys, children, data = kind.keyed_parts(node)
        defs = [take((*path, key), child) for key, child in zip(keys, children, strict=True)]
        return make(kind, data, defs)

    treedef = take((), tree)
    return leaves, treedef


def flatten_up_to(
    treedef: PyTreeDef,
    tree: Any,
    *,
    op: str = "flatten_up_to",
    names: tuple[str, str] = ("first", "second"),
) -> list[Any]:
    """The subtrees of `tree` at the leaves of treedef. op and names are for the error: see `difference`.

    Raises: ValueError where treedef is not a prefix of the tree's structure, with the place.
    """
    if treedef._kind is None:
        return [tree]
    out: list[Any] = []
    if not _up_to(treedef, tree, out):
        where = difference(treedef, flatten(tree)[1], prefix=True, tree=tree, names=names)
        raise ValueError(f"{op}: {where}. Give trees of one structure.")
    return out


def _up_to(treedef: PyTreeDef, tree: Any, out: list[Any]) -> bool:
    kind = treedef._kind
    assert kind is not None
    if type(tree) is not kind.cls:
        return False
    children, data = kind.parts(tree)
    if len(children) != len(treedef._children):
        return False
    if data is not treedef._data and data != treedef._data:
        return False
    if treedef._flat:
        out += children
        return True
    for child_def, child in zip(treedef._children, children, strict=True):
        if child_def._kind is None:
            out.append(child)
        elif not _up_to(child_def, child, out):
            return False
    return True


# ---- unflattening --------------------------------------------------------------------------------------------


def unflatten(treedef: PyTreeDef, leaves: Iterable[Any]) -> Any:
    """The pytree with this structure and these leaves: the inverse of flatten.

    Raises: ValueError if there are too many or too few leaves.
    """
    values = leaves if type(leaves) is list else list(leaves)
    if len(values) != treedef.num_leaves:
        _exactly(treedef, values)
    kind = treedef._kind
    if kind is None:
        return values[0]
    if treedef._flat:
        return kind.build(treedef._data, values)
    return _put(kind, treedef, iter(values))


def _put(kind: Kind, treedef: PyTreeDef, leaves: Iterator[Any]) -> Any:
    if treedef._flat:
        return kind.build(treedef._data, itertools.islice(leaves, treedef.num_leaves))
    children: list[Any] = []
    for child in treedef._children:
        child_kind = child._kind
        if child_kind is None:
            children.append(next(leaves))
        else:
            children.append(_put(child_kind, child, leaves))
    return kind.build(treedef._data, children)


def _exactly(treedef: PyTreeDef, leaves: Iterable[Any]) -> list[Any]:
    values = list(leaves)
    if len(values) != treedef.num_leaves:
        size = "few" if len(values) < treedef.num_leaves else "many"
        raise ValueError(
            f"unflatten: too {size} leaves; expected {treedef.num_leaves}, got {len(values)}, "
            f"for {_shortened(repr(treedef))}."
        )
    return values


def _walk(treedef: PyTreeDef, f_node: Any, f_leaf: Any, leaves: Iterator[Any]) -> Any:
    if treedef._kind is None:
        leaf = next(leaves)
        return leaf if f_leaf is None else f_leaf(leaf)
    children = tuple([_walk(child, f_node, f_leaf, leaves) for child in treedef._children])
    data = list(treedef._data) if treedef._kind.cls is dict else treedef._data
    return f_node(children, data)


# ---- text and differences ------------------------------------------------------------------------------------


def _text(treedef: PyTreeDef) -> str:
    kind, data = treedef._kind, treedef._data
    if kind is None:
        return "*"
    if kind is _NONE._kind:
        return "None"
    inner = [_text(child) for child in treedef._children]
    if kind.cls is dict:
        return "{" + ", ".join([f"{k!r}: {v}" for k, v in zip(data, inner, strict=True)]) + "}"
    listed = ", ".join(inner)
    if kind.cls is tuple:
        return f"({listed},)" if len(inner) == 1 else f"({listed})"
    if kind.cls is list:
        return f"[{listed}]"
    if kind.build is _build_namedtuple:
        return f"CustomNode(namedtuple[{kind.cls.__name__}], [{listed}])"
    return f"CustomNode({kind.cls.__name__}[{data}], [{listed}])"


def _a(noun: str) -> str:
    return f"an {noun}" if noun[:1] in "aeiouAEIOU" else f"a {noun}"


def _shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[: limit - 4]} ..."


def _describe(treedef: PyTreeDef) -> str:
    kind, n = treedef._kind, len(treedef._children)
    if kind is None:
        return "a leaf"
    if kind is _NONE._kind:
        return "None"
    name = kind.cls.__name__
    if kind.cls in (tuple, list):
        return f"{_a(name)} of {n}"
    if issubclass(kind.cls, dict):
        keys = [key.key for key in kind.keys(treedef._data, n)]
        return (
            f"{_a(name)} with keys {_shortened(', '.join(map(repr, keys)))}"
            if keys
            else f"an empty {name}"
        )
    if kind.build is _build_namedtuple:
        return f"{_a('named tuple')} {name} of {n}"
    return _shortened(f"{_a(name)} of {n} with static data {treedef._data!r}")


def _contrast(first: PyTreeDef, second: PyTreeDef, names: tuple[str, str]) -> str:
    text = f"{names[0]} has {_describe(first)}, {names[1]} has {_describe(second)}"
    kind = first._kind
    if kind is None or second._kind is not kind or not issubclass(kind.cls, dict):
        return text
    lhs, rhs = [{key.key for key in kind.keys(d._data, len(d._children))} for d in (first, second)]
    extra = [
        f"only {name} has {_shortened(', '.join(map(repr, sorted(keys, key=repr))))}"
        for name, keys in zip(names, (lhs - rhs, rhs - lhs), strict=True)
        if keys
    ]
    return f"{text} ({'; '.join(extra)})" if extra else text


def difference(
    first: PyTreeDef,
    second: PyTreeDef,
    *,
    prefix: bool = False,
    tree: Any = LEAF,
    names: tuple[str, str] = ("first", "second"),
) -> str:
    """Where two structures differ first, as `trees differ at ['a'][0]: first has ..., second has ...`.

    Empty if they do not. Args: prefix lets a leaf of the first stand for any subtree; tree is a pytree with the
    structure of the second, asked for the names of its children; names are what to call the two.
    """
    place = _differ(first, second, prefix, tree, ())
    if place is None:
        return ""
    path, lhs, rhs = place
    where = f"at {keystr(path)}" if path else "at the root"
    return f"trees differ {where}: {_contrast(lhs, rhs, names)}"


def _differ(
    first: PyTreeDef, second: PyTreeDef, prefix: bool, tree: Any, path: KeyPath
) -> tuple[KeyPath, PyTreeDef, PyTreeDef] | None:
    kind, n = first._kind, len(second._children)
    if kind is None:
        return None if prefix or second._kind is None else (path, first, second)
    if second._kind is not kind or len(first._children) != n or first._data != second._data:
        return path, first, second
    if tree is LEAF:
        keys, children = kind.keys(first._data, n), itertools.repeat(LEAF, n)
    else:
        keys, children, _ = kind.keyed_parts(tree)
    for key, lhs, rhs, child in zip(keys, first._children, second._children, children, strict=True):
        place = _differ(lhs, rhs, prefix, child, (*path, key))
        if place is not None:
            return place
    return None


# ---- node types ----------------------------------------------------------------------------------------------


def _sorted_keys(node: dict[Any, Any]) -> tuple[Any, ...]:
    try:
        return tuple(sorted(node))
    except TypeError as error:
        raise ValueError(
            f"flatten: the keys of a dict in a pytree must be sortable; got {_shortened(repr(list(node)))}. "
            "Use keys of one type, or an OrderedDict."
        ) from error


def dict_parts(node: dict[Any, Any]) -> Parts:
    """The values of a dict in the order of its sorted keys, and these keys."""
    keys = _sorted_keys(node)
    return [node[key] for key in keys], keys


def _build_dict(data: tuple[Any, ...], children: Iterable[Any]) -> Any:
    return dict(zip(data, children))


def _build_namedtuple(data: Any, children: Iterable[Any]) -> Any:
    return data(*children)


@functools.cache
def _index_keys(n: int) -> tuple[SequenceKey, ...]:
    return tuple([SequenceKey(i) for i in range(n)])


def _sequence_keys(data: Any, n: int) -> Iterable[SequenceKey]:
    return _index_keys(n)


def dict_keys(data: Any, n: int) -> Iterable[DictKey]:
    """The keys of a mapping's children, its data being its keys."""
    return map(DictKey, data)


def flat_keys(data: Any, n: int) -> Iterable[FlattenedIndexKey]:
    """The keys of children that have no names."""
    return map(FlattenedIndexKey, range(n))


def kind_of(node: Any) -> Kind:
    """The kind of a node. Raises ValueError for a leaf."""
    kind = KINDS[type(node)]
    if kind is None:
        raise ValueError(
            f"flatten_one_level: not a pytree node; got a leaf of type {type(node).__name__}."
        )
    return kind


def _namedtuple_kind(cls: Any) -> Kind:
    def keys(data: Any, n: int) -> Iterable[GetAttrKey]:
        return map(GetAttrKey, cls._fields)

    return Kind(cls, lambda node: (node, cls), _build_namedtuple, keys, _take_sequence, data=cls)


def register(kind: Kind) -> None:
    """Enter a node type. Raises ValueError if the type has one already."""
    if kind.cls in _registered:
        raise ValueError(f"register_pytree_node: {kind.cls!r} is registered already.")
    _registered.add(kind.cls)
    KINDS[kind.cls] = kind
    _leaf_types.discard(kind.cls)  # it may have passed for a leaf until now


register(
    Kind(
        tuple,
        lambda node: (node, None),
        lambda _, children: tuple(children),
        _sequence_keys,
        _take_sequence,
    )
)
register(
    Kind(
        list,
        lambda node: (node, None),
        lambda _, children: list(children),
        _sequence_keys,
        _take_sequence,
    )
)
register(Kind(dict, dict_parts, _build_dict, dict_keys, _take_dict))
register(Kind(type(None), lambda _: ((), None), lambda _, __: None, flat_keys, _take_none))
_NONE: Final = make(cast(Kind, KINDS[type(None)]), None, ())
