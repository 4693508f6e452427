"""Key paths: where in a pytree a leaf stands. One entry per node passed on the way down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

KeyEntry = TypeVar("KeyEntry")
KeyPath = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class DictKey:
    """The child of a mapping under `key`."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@dataclass(frozen=True, slots=True)
class SequenceKey:
    """The child of a list or tuple at index `idx`."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx}]"


@dataclass(frozen=True, slots=True)
class GetAttrKey:
    """The child that is the attribute `name`."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True, slots=True)
class FlattenedIndexKey:
    """The child number `key` of a registered type that does not name its children."""

    key: int

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
