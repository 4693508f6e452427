"""Functions on pytrees: map, reduce, transpose, broadcast. The whole pytree interface is importable from here.

Read tree_paths (key paths), tree_nodes (flattening, PyTreeDef), tree_register (users' types), then this file.
The engine's fast entries are `flatten(tree) -> (leaves, treedef)` and `unflatten(treedef, leaves)`.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from numax._engine.core.tree_nodes import (
    LEAF,
    IsLeaf,
    Kind,
    PyTreeDef,
    difference,
    flatten,
    flatten_up_to,
    flatten_with_path,
    kind_of,
    make,
    unflatten,
)
from numax._engine.core.tree_paths import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    KeyEntry,
    KeyPath,
    SequenceKey,
    keystr,
)
from numax._engine.core.tree_register import (
    Partial,
    PyTreeRegistry,
    default_registry,
    flatten_one_level,
    flatten_one_level_with_keys,
    is_tree_node,
    register_dataclass,
    register_pytree_node,
    register_pytree_node_class,
    register_pytree_with_keys,
    register_pytree_with_keys_class,
    register_static,
    static,
)

__all__ = [
    "LEAF",
    "DictKey",
    "FlattenedIndexKey",
    "GetAttrKey",
    "IsLeaf",
    "KeyEntry",
    "KeyPath",
    "Partial",
    "PyTreeDef",
    "PyTreeRegistry",
    "SequenceKey",
    "all_leaves",
    "are_leaves",
    "broadcast_prefix",
    "build_tree",
    "default_registry",
    "difference",
    "flatten",
    "flatten_one_level",
    "flatten_one_level_with_keys",
    "flatten_up_to",
    "flatten_with_path",
    "generate_key_paths",
    "is_tree_node",
    "keystr",
    "register_dataclass",
    "register_pytree_node",
    "register_pytree_node_class",
    "register_pytree_with_keys",
    "register_pytree_with_keys_class",
    "register_static",
    "static",
    "tree_all",
    "tree_broadcast",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_with_path",
    "tree_reduce",
    "tree_reduce_associative",
    "tree_structure",
    "tree_transpose",
    "tree_unflatten",
    "treedef_children",
    "treedef_is_leaf",
    "treedef_tuple",
    "unflatten",
]

tree_flatten = flatten
tree_unflatten = unflatten
tree_flatten_with_path = flatten_with_path

_ORDINALS: Final = (
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
)
_TUPLE: Final[Kind] = kind_of(())


class _Unspecified:
    def __repr__(self) -> str:
        return "unspecified"


_UNSPECIFIED: Final = _Unspecified()


def tree_leaves(tree: Any, is_leaf: IsLeaf | None = None) -> list[Any]:
    """The leaves of a pytree, left to right."""
    return flatten(tree, is_leaf)[0]


def are_leaves(leaves: Sequence[Any], tree: Any) -> bool:
    """Whether these objects are the leaves of a pytree, in order."""
    ours = flatten(tree)[0]
    return len(ours) == len(leaves) and all(map(operator.is_, ours, leaves))


def tree_structure(tree: Any, is_leaf: IsLeaf | None = None) -> PyTreeDef:
    """The structure of a pytree."""
    return flatten(tree, is_leaf)[1]


def _rest(op: str, treedef: PyTreeDef, rest: tuple[Any, ...]) -> list[list[Any]]:
    out: list[list[Any]] = []
    for index, tree in enumerate(rest):
        which = _ORDINALS[index] if index < len(_ORDINALS) else f"tree number {index + 2}"
        out.append(flatten_up_to(treedef, tree, op=op, names=("first", which)))
    return out


def tree_map(f: Callable[..., Any], tree: Any, *rest: Any, is_leaf: IsLeaf | None = None) -> Any:
    """Apply f to each leaf, together with the subtrees at its place in the other trees.

    Raises: ValueError where the first tree is not a prefix of another; it names the place.
    """
    leaves, treedef = flatten(tree, is_leaf)
    if not rest:
        return unflatten(treedef, [*map(f, leaves)])
    return unflatten(treedef, [*map(f, leaves, *_rest("tree_map", treedef, rest))])


def tree_map_with_path(
    f: Callable[..., Any],
    tree: Any,
    *rest: Any,
    is_leaf: Callable[..., bool] | None = None,
    is_leaf_takes_path: bool = False,
) -> Any:
    """As tree_map, with f(path, leaf, ...) given the key path too."""
    pairs, treedef = flatten_with_path(tree, is_leaf, is_leaf_takes_path)
    others = _rest("tree_map_with_path", treedef, rest)
    return unflatten(
        treedef, [f(path, leaf, *more) for (path, leaf), *more in zip(pairs, *others, strict=True)]
    )


def tree_leaves_with_path(
    tree: Any, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> list[tuple[KeyPath, Any]]:
    """The leaves of a pytree, each with its key path."""
    return flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


generate_key_paths = tree_leaves_with_path


def tree_reduce(
    function: Callable[[Any, Any], Any],
    tree: Any,
    initializer: Any = _UNSPECIFIED,
    is_leaf: IsLeaf | None = None,
) -> Any:
    """Fold the leaves from the left: function(function(initializer, leaf), leaf) ...

    Raises: TypeError if there is neither a leaf nor an initializer.
    """
    leaves = tree_leaves(tree, is_leaf)
    if initializer is not _UNSPECIFIED:
        return functools.reduce(function, leaves, initializer)
    if not leaves:
        raise TypeError("tree_reduce: the tree has no leaves. Give an initializer.")
    return functools.reduce(function, leaves)


def tree_reduce_associative(
    operation: Callable[[Any, Any], Any],
    tree: Any,
    *,
    identity: Any = _UNSPECIFIED,
    is_leaf: IsLeaf | None = None,
) -> Any:
    """Combine the leaves in a balanced tree of operations; identity is the result where there are none.

    Raises: TypeError if there is neither a leaf nor an identity.
    """
    leaves = tree_leaves(tree, is_leaf)
    if not leaves:
        if identity is _UNSPECIFIED:
            raise TypeError("tree_reduce_associative: the tree has no leaves. Give an identity.")
        return identity

    def combine(start: int, stop: int) -> Any:
        if stop - start == 1:
            return leaves[start]
        middle = start + (stop - start) // 2
        return operation(combine(start, middle), combine(middle, stop))

    return combine(0, len(leaves))


def tree_all(tree: Any, *, is_leaf: IsLeaf | None = None) -> bool:
    """Whether all leaves are true."""
    return all(tree_leaves(tree, is_leaf))


def tree_transpose(
    outer_treedef: PyTreeDef, inner_treedef: PyTreeDef | None, pytree_to_transpose: Any
) -> Any:
    """Turn an outer tree of inner trees into an inner tree of outer trees.

    Args:   inner_treedef None: the structure of the first inner tree.
    Raises: TypeError if the tree does not have outer times inner leaves.
    """
    if inner_treedef is None:
        inner_treedef = tree_structure(outer_treedef.flatten_up_to(pytree_to_transpose)[0])
    leaves, treedef = flatten(pytree_to_transpose)
    inner, outer = inner_treedef.num_leaves, outer_treedef.num_leaves
    if len(leaves) != inner * outer:
        where = difference(
            outer_treedef.compose(inner_treedef), treedef, names=("outer of inner", "the tree")
        )
        raise TypeError(
            f"tree_transpose: the tree must have {outer} x {inner} leaves; got {len(leaves)}: {where}. "
            "Check both treedefs."
        )
    columns = [unflatten(outer_treedef, leaves[i::inner]) for i in range(inner)]
    return unflatten(inner_treedef, columns)


def broadcast_prefix(
    prefix: Any, full: Any, is_leaf: IsLeaf | None = None, *, op: str = "broadcast_prefix"
) -> list[Any]:
    """The leaves of `prefix`, each as often as the subtree of `full` at its place has leaves.

    Args:   is_leaf(node) is asked of prefix only; op names the caller in the error.
    Raises: ValueError where prefix is not a prefix of full; it names the place.
    """
    leaves, treedef = flatten(prefix, is_leaf)
    out: list[Any] = []
    for leaf, subtree in zip(
        leaves, flatten_up_to(treedef, full, op=op, names=("prefix", "full tree")), strict=True
    ):
        out += [leaf] * flatten(subtree)[1].num_leaves
    return out


def tree_broadcast(prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf | None = None) -> Any:
    """A tree like full_tree whose leaves are those of prefix_tree, repeated over the subtrees they stand for.

    Raises: ValueError where prefix_tree is not a prefix of full_tree; it names the place.
    """
    values = broadcast_prefix(prefix_tree, full_tree, is_leaf, op="tree_broadcast")
    return unflatten(tree_structure(full_tree), values)


def treedef_tuple(treedefs: Iterable[PyTreeDef]) -> PyTreeDef:
    """The structure of a tuple whose elements have these structures."""
    children = tuple(treedefs)
    for child in children:
        if not isinstance(child, PyTreeDef):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"treedef_tuple: all elements must be PyTreeDefs; got {type(child).__name__}."
            )
    return make(_TUPLE, None, children)


def treedef_children(treedef: PyTreeDef) -> list[PyTreeDef]:
    """The structures of the root's children."""
    return treedef.children()


def treedef_is_leaf(treedef: PyTreeDef) -> bool:
    """Whether the structure is one node only: a leaf, None or an empty container."""
    return treedef.num_nodes == 1


def all_leaves(iterable: Iterable[Any], is_leaf: IsLeaf | None = None) -> bool:
    """Whether each element is a leaf."""
    return all([flatten(element, is_leaf)[1] is LEAF for element in iterable])


def build_tree(treedef: PyTreeDef, xs: Any) -> Any:
    """The pytree with this structure whose nodes are given as plain iterables of children."""
    return treedef.from_iterable_tree(xs)
