"""Array: an immutable array of known numbers, in NumPy memory, on a device, or both.

`numax/__init__` installs the operators and methods (they live in numax.numpy) and the device hook.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import EType, ShapedArray, etype
from numax._engine.core.native import native

if TYPE_CHECKING:
    from numax._engine.core.array_types import Declared
else:
    Declared = object


class Device:
    """What an Array asks of the runtime. `numax/__init__` sets `hooks` to the real one."""

    def fetch(self, handle: Any) -> np.ndarray:
        raise RuntimeError("Array: no device runtime is installed.")

    ready: Callable[[Any], bool]
    block: Callable[[Any], None]
    devices: Callable[[Any], set[Any]]
    delete: Callable[[Any], None]


class Hooks:
    device: Any = Device()


class ArrayMeta(type):
    """Makes isinstance(x, Array) true for traced values as well, as jax.Array is."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if type(instance) is cls:  # pyright: ignore[reportUnnecessaryComparison]
            return True
        return getattr(type(instance), "_is_traced_array", False) or type.__instancecheck__(
            cls, instance
        )


class Array(Declared, metaclass=ArrayMeta):
    """An immutable n-dimensional array.

    Make one with numax.numpy (`array`, `zeros`, `arange`, ...). Elements cannot be assigned; `x.at[i].set(v)`
    gives a changed copy.
    """

    __slots__ = ("__weakref__", "_buf", "_np", "_shape", "_t")
    __array_priority__ = 100
    _trace = None

    def __new__(cls, *args: Any, **kwargs: Any) -> "Array":
        raise TypeError("Array: cannot be made directly. Use numax.numpy.array(...).")

    def numpy_(self) -> np.ndarray:
        """The NumPy memory (never to be written). Fetches it from the device if need be."""
        value = self._np
        if value is None:
            value = self._np = Hooks.device.fetch(self._buf)
            if value.dtype != self._t.physical:
                value = self._np = value.view(self._t.physical)
        return value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """The numbers as a NumPy array: a read-only view, or a copy where `dtype` or `copy` asks for one."""
        value = self.numpy_()
        if dtype is not None and np.dtype(dtype) != value.dtype:
            if copy is False:
                raise ValueError(
                    "array: a conversion to another dtype needs a copy; got copy=False."
                )
            return value.astype(dtype)
        if copy:
            return value.copy()
        view = value.view()
        view.flags.writeable = False
        return view

    @property
    def aval(self) -> ShapedArray:
        """The abstract value: shape, dtype and weak type."""
        t = self._t
        value = self._np
        return ShapedArray(self._shape if value is None else value.shape, t.dtype, t.weak)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        value = self._np
        return self._shape if value is None else value.shape

    @property
    def dtype(self) -> Any:
        """The dtype of the elements, a numpy.dtype; of typed random keys, their own."""
        return self._t.dtype

    @property
    def weak_type(self) -> bool:
        """Whether the dtype gives way to that of any other array, as that of Python's numbers."""
        return self._t.weak


if native is not None:
    native.set_array(Array, ShapedArray)
_new = object.__new__


def wrap(value: np.ndarray, t: EType) -> Array:
    """An Array over NumPy memory that nobody else will write to; `value.dtype` is `t.physical`."""
    out = _new(Array)
    out._np = value
    out._t = t
    out._buf = None
    return out


def wrap_any(value: Any, t: EType) -> Array:
    """Like `wrap`, for results that NumPy may have turned into a scalar or another dtype."""
    if type(value) is not np.ndarray:
        value = np.asarray(value)
    if value.dtype != t.physical:
        value = value.astype(t.physical)
    return wrap(value, t)


def wrap_handle(handle: Any, shape: tuple[int, ...], t: EType) -> Array:
    """An Array over a device buffer."""
    out = _new(Array)
    out._np = None
    out._t = t
    out._buf = handle
    out._shape = shape
    return out


_STRONG = {dtype: etype(dtype) for dtype in dtypes.ALL}
_SCALARS: dict[Any, Any] = {}


def scalar(value: Any, kind: type) -> Array:
    """A Python scalar as a weakly typed array of no dimensions (a bool is never weak)."""
    dtype = dtypes.default_dtype(kind)
    try:
        data = np.array(value, dtype)
    except OverflowError:
        raise OverflowError(
            f"array: Python int {value} does not fit {dtype}. Give a wider dtype, or enable x64."
        ) from None
    return wrap(data, etype(dtype, kind is not bool))


def from_numpy(value: np.ndarray, copy: bool = True) -> Array:
    """An Array with the numbers of `value`, 64-bit types narrowed unless x64 is on."""
    dtype = dtypes.canonicalize_dtype(value.dtype)
    if value.dtype != dtype:
        value = value.astype(dtype)
    elif copy:
        value = value.copy()
    return wrap(value, _STRONG[dtype] if dtype in _STRONG else etype(dtype))


def from_literal(value: Any) -> Array:
    """An Array from a Python or NumPy scalar or a NumPy array; TypeError for anything else."""
    kind = type(value)
    if kind in (float, int, bool, complex):
        return scalar(value, kind)
    if kind is np.ndarray:
        return from_numpy(value)
    if isinstance(value, np.generic | np.ndarray):
        return from_numpy(np.asarray(value), copy=isinstance(value, np.ndarray))
    for base in (bool, int, float, complex):
        if isinstance(value, base):
            return scalar(base(value), base)  # pyright: ignore[reportArgumentType]
    raise TypeError(f"{value!r} of type {kind.__name__} is not an array or a number.")
