"""Registration of users' types as pytree nodes, in each of the ways that JAX offers, and Partial."""

import dataclasses
import functools
import operator
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar, cast

from numax._engine.core.tree_nodes import (
    KINDS,
    IsLeaf,
    Kind,
    Parts,
    PyTreeDef,
    dict_keys,
    dict_parts,
    flat_keys,
    flatten,
    flatten_with_path,
    kind_of,
    register,
    take_custom,
)
from numax._engine.core.tree_paths import DictKey, GetAttrKey, KeyPath

T = TypeVar("T")
Cls = TypeVar("Cls", bound=type)


def _register_custom(
    cls: type,
    flatten_func: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_func: Callable[[Any, tuple[Any, ...]], Any],
    flatten_with_keys: Callable[[Any], tuple[Iterable[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """Enter a node type given by a user's functions, whose results are checked.

    Raises: TypeError if an argument is not callable, ValueError if the type is registered already.
    """
    if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"register_pytree_node: nodetype must be a class; got {cls!r}.")
    for func in (flatten_func, unflatten_func):
        if not callable(func):
            raise TypeError(
                f"register_pytree_node: flatten and unflatten must be functions; got {func!r}."
            )

    def parts(node: Any) -> Parts:
        result = flatten_func(node)
        return _checked_pair(cls, result, "children")

    def keyed(node: Any) -> tuple[Sequence[tuple[Any, Any]], Any]:
        assert flatten_with_keys is not None
        pairs, data = _checked_pair(cls, flatten_with_keys(node), "(key, child) pairs")
        for pair in pairs:
            if not isinstance(pair, tuple) or len(cast(tuple[Any, ...], pair)) != 2:
                raise ValueError(
                    f"flatten: {cls.__name__}'s function must return (key, child) pairs; got {pair!r}."
                )
        return pairs, data

    def build(data: Any, children: Iterable[Any]) -> Any:
        return unflatten_func(data, tuple(children))

    register(Kind(cls, parts, build, flat_keys, take_custom, keyed if flatten_with_keys else None))


def _checked_pair(cls: type, result: Any, what: str) -> Parts:
    if type(result) is tuple and len(cast(tuple[Any, ...], result)) == 2:
        children, data = cast(tuple[Any, Any], result)
        if type(children) is tuple or type(children) is list:
            return cast(Parts, result)
        if isinstance(children, Iterable):
            return tuple(cast(Iterable[Any], children)), data
    raise ValueError(
        f"flatten: {cls.__name__}'s flatten function must return a pair ({what}, static data), the first "
        f"iterable; got {result!r}."
    )


def register_pytree_node(
    nodetype: type[T],
    flatten_func: Callable[[T], tuple[Iterable[Any], Any]],
    unflatten_func: Callable[[Any, Any], T],
    flatten_with_keys_func: Callable[[T], tuple[Iterable[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """Make a type a pytree node.

    Args:   flatten_func(node) -> (children, static data); unflatten_func(static data, children) -> node;
            flatten_with_keys_func(node) -> ((key, child) pairs, static data).
    Raises: TypeError if an argument is not callable, ValueError if the type is registered already.
    """
    _register_custom(nodetype, flatten_func, unflatten_func, flatten_with_keys_func)


def register_pytree_with_keys(
    nodetype: type[T],
    flatten_with_keys: Callable[[T], tuple[Iterable[tuple[Any, Any]], Any]],
    unflatten_func: Callable[[Any, Any], T],
    flatten_func: Callable[[T], tuple[Iterable[Any], Any]] | None = None,
) -> None:
    """Make a type a pytree node that names its children in key paths.

    Args: as for register_pytree_node; flatten_func is a faster flatten_with_keys without the keys.
    """

    def without_keys(node: T) -> tuple[Iterable[Any], Any]:
        pairs, data = flatten_with_keys(node)
        return [child for _, child in pairs], data

    _register_custom(nodetype, flatten_func or without_keys, unflatten_func, flatten_with_keys)


def register_pytree_node_class(cls: Cls) -> Cls:
    """Class decorator: a pytree node by its methods tree_flatten and (classmethod) tree_unflatten."""
    owner = cast(Any, cls)
    _register_custom(cls, operator.methodcaller("tree_flatten"), owner.tree_unflatten)
    return cls


def register_pytree_with_keys_class(cls: Cls) -> Cls:
    """Class decorator: a pytree node by its methods tree_flatten_with_keys and tree_unflatten.

    A method tree_flatten, if there is one, is used where no keys are needed.
    """
    owner = cast(Any, cls)
    plain = operator.methodcaller("tree_flatten") if hasattr(cls, "tree_flatten") else None
    with_keys = operator.methodcaller("tree_flatten_with_keys")
    register_pytree_with_keys(cls, with_keys, owner.tree_unflatten, plain)
    return cls


def register_static(cls: Cls) -> Cls:
    """Class decorator: instances are pytrees without leaves, compared and hashed as static data."""
    _register_custom(cls, lambda node: ((), node), lambda data, _: data)
    return cls


def static(**kwargs: Any) -> Any:
    """A dataclass field that register_dataclass takes as static; arguments as for dataclasses.field."""
    metadata = {**(kwargs.pop("metadata", None) or {}), "static": True}
    return dataclasses.field(metadata=metadata, **kwargs)


def register_dataclass(
    nodetype: Cls,
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] | None = None,
    drop_fields: Sequence[str] = (),
) -> Cls:
    """Make a dataclass a pytree node; also a class decorator.

    Args:   data_fields are children, meta_fields static data; by default the fields of the dataclass, those
            with metadata `static=True` being static. drop_fields are in neither and get their defaults.
    Raises: TypeError if only one of the two is given, or neither for a class that is no dataclass;
            ValueError if they overlap or are not the fields that __init__ takes.
    """
    if (data_fields is None) != (meta_fields is None):
        raise TypeError(
            "register_dataclass: data_fields and meta_fields must both be given, or neither; "
            f"got data_fields={data_fields}, meta_fields={meta_fields}."
        )
    if data_fields is None or meta_fields is None:
        if not dataclasses.is_dataclass(cast(Any, nodetype)):
            raise TypeError(
                f"register_dataclass: nodetype is not a dataclass; got {nodetype!r}. "
                "Give data_fields and meta_fields."
            )
        fields = [field for field in dataclasses.fields(cast(Any, nodetype)) if field.init]
        meta_fields = [field.name for field in fields if field.metadata.get("static", False)]
        data_fields = [field.name for field in fields if field.name not in meta_fields]
        data_fields = [name for name in data_fields if name not in drop_fields]
    data, meta = tuple(data_fields), tuple(meta_fields)
    _check_fields(nodetype, data, meta, tuple(drop_fields))
    get_data, get_meta = _getter(data), _getter(meta)

    def build(values: Any, children: Iterable[Any]) -> Any:
        return nodetype(**dict(zip(data, children)), **dict(zip(meta, values)))

    keys = tuple([GetAttrKey(name) for name in data])
    register(
        Kind(
            nodetype,
            lambda node: (get_data(node), get_meta(node)),
            build,
            lambda _, n: keys,
            take_custom,
        )
    )
    return nodetype


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda node: tuple([getattr(node, name) for name in names])


def _check_fields(
    nodetype: type, data: tuple[str, ...], meta: tuple[str, ...], drop: tuple[str, ...]
) -> None:
    rule = "register_dataclass: data_fields and meta_fields must"
    both = sorted(set(data) & set(meta))
    if both:
        raise ValueError(f"{rule} not overlap; got {', '.join(both)} in both.")
    if not dataclasses.is_dataclass(nodetype):
        return
    wanted = {field.name for field in dataclasses.fields(nodetype) if field.init}
    missing = sorted(wanted - {*data, *meta, *drop})
    extra = sorted({*data, *meta} - wanted)
    if missing or extra:
        got = [
            f"{word} {', '.join(names)}"
            for word, names in (("missing", missing), ("unexpected", extra))
            if names
        ]
        raise ValueError(
            f"{rule} be the fields that __init__ of {nodetype.__name__} takes; got {'; '.join(got)}. "
            "Name fields to leave out in drop_fields."
        )


class _Whole:
    """A callable that functools.partial does not merge with: the arguments it holds stay static."""

    __slots__ = ("func",)

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.func(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Whole) and self.func == other.func

    def __hash__(self) -> int:
        return hash(self.func)

    def __repr__(self) -> str:
        return f"Whole({self.func!r})"


class Partial(functools.partial[Any]):
    """functools.partial as a pytree: its arguments are children, its function is static data.

    A partial given as the function stays whole: what it holds is static.
    """

    def __new__(cls, func: Callable[..., Any], /, *args: Any, **keywords: Any) -> "Partial":
        if isinstance(func, functools.partial):
            func = _Whole(cast(Callable[..., Any], func))
        return super().__new__(cls, func, *args, **keywords)


register_pytree_node(
    Partial,
    lambda node: ((node.args, node.keywords), node.func),
    lambda func, children: Partial(func, *children[0], **children[1]),
)


def _default_parts(node: defaultdict[Any, Any]) -> Parts:
    children, keys = dict_parts(node)
    return children, (node.default_factory, keys)


def _build_default(data: Any, children: Iterable[Any]) -> Any:
    return defaultdict(data[0], zip(data[1], children, strict=True))


def _default_keys(data: Any, n: int) -> Iterable[DictKey]:
    return map(DictKey, data[1])


def _ordered_parts(node: OrderedDict[Any, Any]) -> Parts:
    return tuple(node.values()), tuple(node)


def _build_ordered(data: Any, children: Iterable[Any]) -> Any:
    return OrderedDict(zip(data, children, strict=True))


register(Kind(defaultdict, _default_parts, _build_default, _default_keys, take_custom))
register(Kind(OrderedDict, _ordered_parts, _build_ordered, dict_keys, take_custom))


def is_tree_node(typ: Hashable) -> bool:
    """Whether values of this type are pytree nodes (None and named tuples are)."""
    return isinstance(typ, type) and KINDS[typ] is not None


def flatten_one_level(tree: Any) -> tuple[Sequence[Any], Any]:
    """The children of a pytree's root, and its static data. Raises ValueError for a leaf."""
    return kind_of(tree).parts(tree)


def flatten_one_level_with_keys(tree: Any) -> tuple[Sequence[tuple[Any, Any]], Any]:
    """(key, child) pairs of a pytree's root, and its static data. Raises ValueError for a leaf."""
    keys, children, data = kind_of(tree).keyed_parts(tree)
    return tuple(zip(keys, children, strict=True)), data


class PyTreeRegistry:
    """The types that are pytree nodes. There is one registry, `default_registry`."""

    def flatten(
        self, tree: Any, leaf_predicate: IsLeaf | None = None
    ) -> tuple[list[Any], PyTreeDef]:
        """As tree_flatten."""
        return flatten(tree, leaf_predicate)

    def flatten_with_path(
        self, tree: Any, leaf_predicate: Callable[..., bool] | None = None
    ) -> tuple[list[tuple[KeyPath, Any]], PyTreeDef]:
        """As tree_flatten_with_path."""
        return flatten_with_path(tree, leaf_predicate)

    def flatten_one_level(self, tree: Any) -> tuple[Sequence[Any], Any] | None:
        """The root's children and static data; None for a leaf."""
        return flatten_one_level(tree) if self.is_node(type(tree)) else None

    def flatten_one_level_with_keys(
        self, tree: Any
    ) -> tuple[Sequence[tuple[Any, Any]], Any] | None:
        """The root's (key, child) pairs and static data; None for a leaf."""
        return flatten_one_level_with_keys(tree) if self.is_node(type(tree)) else None

    def is_node(self, typ: type) -> bool:
        """As is_tree_node."""
        return is_tree_node(typ)

    def register_node(
        self,
        nodetype: type,
        to_iterable: Any,
        from_iterable: Any,
        to_iterable_with_keys: Any = None,
    ) -> None:
        """As register_pytree_node."""
        register_pytree_node(nodetype, to_iterable, from_iterable, to_iterable_with_keys)

    def register_dataclass_node(
        self, nodetype: type, data_fields: Sequence[str], meta_fields: Sequence[str]
    ) -> None:
        """As register_dataclass."""
        register_dataclass(nodetype, data_fields, meta_fields)


default_registry = PyTreeRegistry()
