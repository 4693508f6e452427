"""Key paths: where in a pytree a leaf stands. One entry per node passed on the way down."""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

KeyEntry = TypeVar("KeyEntry")
KeyPath = tuple[Any, ...]


class _Entry:
    """One step down. Immutable; equal where class and value are. (dataclasses would take a millisecond each to import.)"""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"{type(self).__name__}: key entries are immutable; got a new {name!r}. Make another entry."
        )

    def _value(self) -> Any:
        return getattr(self, self.__match_args__[0])

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._value() == cast(_Entry, other)._value()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._value()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__match_args__[0]}={self._value()!r})"

    def __reduce__(self) -> Any:
        return type(self), (self._value(),)


_set = object.__setattr__


class DictKey(_Entry):
    """The child of a mapping under `key`."""

    __slots__ = __match_args__ = ("key",)
    key: Any

    def __init__(self, key: Any):
        _set(self, "key", key)

    def __str__(self) -> str:
        return f"[{self.key!r}]"


class SequenceKey(_Entry):
    """The child of a list or tuple at index `idx`."""

    __slots__ = __match_args__ = ("idx",)
    idx: int

    def __init__(self, idx: int):
        _set(self, "idx", idx)

    def __str__(self) -> str:
        return f"[{self.idx}]"


class GetAttrKey(_Entry):
    """The child that is the attribute `name`."""

    __slots__ = __match_args__ = ("name",)
    name: str

    def __init__(self, name: str):
        _set(self, "name", name)

    def __str__(self) -> str:
        return f".{self.name}"


class FlattenedIndexKey(_Entry):
    """The child number `key` of a registered type that does not name its children."""

    __slots__ = __match_args__ = ("key",)
    key: int

    def __init__(self, key: int):
        _set(self, "key", key)

    def __str__(self) -> str:
        return f"[<flat index {self.key}>]"


def _bare(entry: Any) -> str:
    match entry:
        case DictKey(name) | SequenceKey(name) | GetAttrKey(name) | FlattenedIndexKey(name):
            return str(name)
        case _:
            return str(entry)


def keystr(keys: Sequence[Any], *, simple: bool = False, separator: str = "") -> str:
    """Write a key path as text: `['a'][0].x`, or `a/0/x` with simple=True and separator="/".

    Args: simple leaves out brackets, quotes and dots.
    """
    return separator.join(map(_bare if simple else str, keys))
