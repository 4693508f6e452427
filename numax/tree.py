"""Pytrees by short names: `numax.tree.map` is `numax.tree_util.tree_map`, and so on."""

from numax._engine.core.tree import static
from numax._engine.core.tree import tree_all as all
from numax._engine.core.tree import tree_broadcast as broadcast
from numax._engine.core.tree import tree_flatten as flatten
from numax._engine.core.tree import tree_flatten_with_path as flatten_with_path
from numax._engine.core.tree import tree_leaves as leaves
from numax._engine.core.tree import tree_leaves_with_path as leaves_with_path
from numax._engine.core.tree import tree_map as map
from numax._engine.core.tree import tree_map_with_path as map_with_path
from numax._engine.core.tree import tree_reduce as reduce
from numax._engine.core.tree import tree_reduce_associative as reduce_associative
from numax._engine.core.tree import tree_structure as structure
from numax._engine.core.tree import tree_transpose as transpose
from numax._engine.core.tree import tree_unflatten as unflatten

__all__ = [
    "all",
    "broadcast",
    "flatten",
    "flatten_with_path",
    "leaves",
    "leaves_with_path",
    "map",
    "map_with_path",
    "reduce",
    "reduce_associative",
    "static",
    "structure",
    "transpose",
    "unflatten",
]
