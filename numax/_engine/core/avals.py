"""Abstract values: what is known of an array before its numbers are."""

from typing import Any

from numax._engine.core import dtypes
from numax._engine.core.dtypes import KeyType, float0, short_name


class EType:
    """An element type: dtype and weakness. Interned, so that `is` compares and dict look-ups are fast."""

    __slots__ = ("dtype", "physical", "weak")

    def __init__(self, dtype: Any, weak: bool):
        self.dtype = dtype
        self.weak = weak
        self.physical = dtypes.physical(dtype)

    def __repr__(self) -> str:
        return short_name(self.dtype) + ("*" if self.weak else "")

    def __reduce__(self):
        return etype, (self.dtype, self.weak)


_ETYPES: dict[Any, EType] = {}


def etype(dtype: Any, weak: bool = False) -> EType:
    found = _ETYPES.get((dtype, weak))
    if found is None:
        found = _ETYPES.setdefault((dtype, weak), EType(dtype, weak))
    return found


class AbstractValue:
    """Base of abstract values."""

    __slots__ = ()


class ShapedArray(AbstractValue):
    """Shape, dtype and weakness of an array. Equal when all three are."""

    __slots__ = ("_hash", "dtype", "shape", "weak_type")

    def __init__(self, shape: tuple[int, ...], dtype: Any, weak_type: bool = False):
        self.shape = shape
        self.dtype = dtype
        self.weak_type = weak_type
        self._hash = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def etype(self) -> EType:
        return etype(self.dtype, self.weak_type)

    @property
    def sharding(self) -> None:
        return None

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, ShapedArray)
            and self.shape == other.shape
            and self.dtype == other.dtype
            and self.weak_type == other.weak_type
        )

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.shape, self.dtype, self.weak_type))
        return self._hash

    def __repr__(self) -> str:
        weak = ", weak_type=True" if self.weak_type else ""
        return f"ShapedArray({self.str_short()}{weak})"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: an array of no dimensions has no length.")
        return self.shape[0]

    def str_short(self) -> str:
        """float32[2,3], as error messages and `repr` show it."""
        return f"{self.dtype.name}[{','.join(map(str, self.shape))}]"

    def short(self) -> str:
        """f32[2,3], as printed programs show it."""
        return f"{short_name(self.dtype)}[{','.join(map(str, self.shape))}]"

    def update(self, shape: Any = None, dtype: Any = None, weak_type: Any = None) -> "ShapedArray":
        return ShapedArray(
            self.shape if shape is None else tuple(shape),
            self.dtype if dtype is None else dtype,
            self.weak_type if weak_type is None else weak_type,
        )

    def strong(self) -> "ShapedArray":
        return ShapedArray(self.shape, self.dtype) if self.weak_type else self

    def tangent(self) -> "ShapedArray":
        """The abstract value of derivatives with respect to such a value."""
        dtype = dtypes.tangent_dtype(self.dtype)
        return ShapedArray(self.shape, dtype, self.weak_type and dtype != float0)

    def same_type(self, other: "ShapedArray") -> bool:
        """Equal but for weakness."""
        return self.shape == other.shape and self.dtype == other.dtype


def typematch(a: ShapedArray, b: ShapedArray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype


def is_key_aval(aval: ShapedArray) -> bool:
    return type(aval.dtype) is KeyType
