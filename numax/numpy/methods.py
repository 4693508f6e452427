"""What Arrays and traced values can do: their methods and properties. `numax/__init__` calls `install`."""

from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy import (
    conversions,
    linalg_products,
    manipulation,
    operators,
    searching,
    types,
)


def reshape(self: Any, *args: Any, order: str = "C", out_sharding: Any = None) -> Any:
    """The same elements in another shape: x.reshape(2, -1) or x.reshape((2, -1)). See numax.numpy.reshape."""
    return manipulation.reshape(self, args[0] if len(args) == 1 else args, order)


def transpose(self: Any, *args: Any) -> Any:
    """The axes in another order (reversed, if none is given): x.transpose(1, 0) or x.transpose((1, 0))."""
    if not args:
        return manipulation.transpose(self)
    return manipulation.transpose(
        self, args[0] if len(args) == 1 and not isinstance(args[0], int) else args
    )


def flatten(self: Any, order: str = "C", *, out_sharding: Any = None) -> Any:
    """The elements in one dimension."""
    return manipulation.ravel(self, order)


def argsort(
    self: Any,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
) -> Any:
    """The places of the elements in sorted order. See numax.numpy.argsort."""
    return searching.argsort(
        self, axis, kind=kind, order=order, stable=stable, descending=descending
    )


def compress(
    self: Any,
    condition: Any,
    axis: int | None = None,
    *,
    out: None = None,
    size: Any = None,
    fill_value: Any = 0,
) -> Any:
    """The slices along an axis where the condition holds. See numax.numpy.compress."""
    return searching.compress(condition, self, axis, size=size, fill_value=fill_value, out=out)


def astype(self: Any, dtype: Any, copy: bool = False, device: Any = None) -> Any:
    """The elements in another dtype. See numax.numpy.astype."""
    return types.astype(self, float if dtype is None else dtype, copy=copy, device=device)


def view(self: Any, dtype: Any = None, type: None = None) -> Any:
    """The same bits as another dtype. The last axis shrinks or grows with the width of the elements.

    Raises: ValueError where the last axis cannot; NotImplementedError for `type`. Grad: zero.
    """
    if type is not None:
        raise NotImplementedError(
            "view: `type` is not supported: arrays have one type. Use np.asarray(x).view(type=...)."
        )
    if dtype is None:
        return self
    return _viewed(self, types.requested_dtype("view", dtype))


def _viewed(x: Any, new: Any) -> Any:
    if x.dtype == new:
        return x
    if x.dtype == dtypes.bool_:
        return _viewed(core.convert(x, dtypes.uint8), new)
    if new == dtypes.bool_:
        octets = _viewed(x, dtypes.uint8)
        return lax.ne(octets, core.full((), 0, dtypes.uint8))
    wide, narrow = dtypes.itemsize_bits(new), dtypes.itemsize_bits(x.dtype)
    if wide != narrow and not x.shape:
        raise ValueError("view() of a 0d array is only supported if the itemsize is unchanged.")
    total = x.shape[-1] * narrow if x.shape else wide
    if total % wide:
        raise ValueError(
            "When changing to a larger dtype, its size must be a divisor of the total size in bytes of the last axis "
            f"of the array; got {x.aval.str_short()} as {new.name}."
        )
    if dtypes.is_complex(x.dtype):
        return _viewed(_interleaved(lax.real(x), lax.imag(x)), new)
    if dtypes.is_complex(new):
        parts = _viewed(x, np.empty(0, new).real.dtype)
        last = parts.aval.ndim - 1
        pairs = [lax.slice_in_dim(parts, k, None, 2, last) for k in range(2)]
        return lax.complex(*pairs) if x.shape else lax.squeeze(lax.complex(*pairs), (0,))
    if wide > narrow:
        x = lax.reshape(x, (*x.shape[:-1], total // wide, wide // narrow))
        return lax.bitcast_convert_type(x, new)
    out = lax.bitcast_convert_type(x, new)
    return out if wide == narrow else lax.reshape(out, (*x.shape[:-1], total // wide))


def _interleaved(a: Any, b: Any) -> Any:
    """a[0], b[0], a[1], b[1], ... along the last axis."""
    pair = lax.concatenate([lax.expand_dims(v, (v.aval.ndim,)) for v in (a, b)], a.aval.ndim)
    return lax.reshape(pair, (*a.shape[:-1], 2 * a.shape[-1])) if a.shape else pair


def flat(self: Any) -> Any:
    """The elements in one dimension, to iterate over or to read by index. It cannot be assigned to."""
    return manipulation.ravel(self)


def byteswap(self: Any) -> Any:
    """The elements with their bytes in reverse order, in the same dtype.

    Grad: zero. Source: NumPy `ndarray.byteswap`.
    """
    if self.dtype.itemsize == 1:
        return self
    if dtypes.is_complex(self.dtype):
        return lax.complex(byteswap(lax.real(self)), byteswap(lax.imag(self)))
    octets = lax.bitcast_convert_type(self, dtypes.uint8)
    return lax.bitcast_convert_type(lax.rev(octets, (octets.aval.ndim - 1,)), self.dtype)


def size(self: Any) -> int:
    """The number of elements."""
    memory = self._np if type(self) is Array else None
    return self.aval.size if memory is None else memory.size


def ndim(self: Any) -> int:
    """The number of axes."""
    return len(self.shape)


def itemsize(self: Any) -> int:
    """Bytes of one element."""
    return self.dtype.itemsize


def numpy_dtype(self: Any) -> Any:
    """The dtype, under the name by which NumPy 2 asks foreign arrays for it."""
    return self.dtype


def device_buffer(self: Any) -> Any:
    """The piece of the array on its one device."""
    return conversions.addressable_data(self, 0)


def device_buffers(self: Any) -> list[Any]:
    """The pieces of the array, one a device."""
    return [s.data for s in conversions.shards(self)]


matmul = operators.deferring(linalg_products.matmul)


def reversed_matmul(self: Any, other: Any, /) -> Any:
    """other @ self."""
    return matmul(other, self)
