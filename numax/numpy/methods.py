"""What Arrays and traced values can do: their methods and properties. `numax/__init__` calls `install`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy import (
    averages,
    conversions,
    elementwise,
    grids,
    joining,
    linalg_products,
    manipulation,
    operators,
    reductions,
    searching,
    taking,
    types,
)
from numax.numpy.arithmetic import clip


def reshape(self: Any, *args: Any, order: str = "C", out_sharding: Any = None) -> Any:
    """The same elements in another shape: x.reshape(2, -1) or x.reshape((2, -1)). See numax.numpy.reshape."""
    shape = args[0] if len(args) == 1 else args
    return manipulation.reshape(self, shape, order)


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
    memory = self._np if type(self) is Array else None
    return self.aval.size if memory is None else memory.size


def ndim(self: Any) -> int:
    return len(self.shape)


def itemsize(self: Any) -> int:
    return self.dtype.itemsize


_METHODS: dict[str, Callable[..., Any]] = {
    "__array__": conversions.to_numpy,
    "__array_module__": conversions.array_module,
    "__array_namespace__": conversions.namespace,
    "__bool__": conversions.to_bool,
    "__buffer__": conversions.to_memory,
    "__complex__": conversions.to_complex,
    "__contains__": conversions.contains,
    "__copy__": conversions.copied,
    "__deepcopy__": conversions.deep_copied,
    "__dlpack__": conversions.dlpack,
    "__dlpack_device__": conversions.dlpack_device,
    "__float__": conversions.to_float,
    "__getitem__": core.index,
    "__hex__": conversions.to_hex,
    "__index__": conversions.to_index,
    "__int__": conversions.to_int,
    "__iter__": conversions.iterate,
    "__len__": conversions.length,
    "__oct__": conversions.to_oct,
    "__release_buffer__": conversions.release_memory,
    "__reversed__": conversions.iterate_back,
    "__setitem__": conversions.no_assignment,
    "addressable_data": conversions.addressable_data,
    "all": reductions.all,
    "any": reductions.any,
    "argmax": reductions.argmax,
    "argmin": reductions.argmin,
    "argpartition": searching.argpartition,
    "argsort": argsort,
    "astype": astype,
    "block_until_ready": conversions.block_until_ready,
    "byteswap": byteswap,
    "choose": taking.choose,
    "clip": clip,
    "clone": conversions.copied,
    "compress": compress,
    "conj": elementwise.conj,
    "conjugate": elementwise.conj,
    "copy": conversions.copied,
    "copy_to_host_async": conversions.copy_to_host_async,
    "cumprod": reductions.cumprod,
    "cumsum": reductions.cumsum,
    "devices": conversions.devices,
    "diagonal": grids.diagonal,
    "dot": linalg_products.dot,
    "flatten": flatten,
    "is_deleted": conversions.is_deleted,
    "is_ready": conversions.is_ready,
    "item": conversions.item,
    "max": reductions.max,
    "mean": averages.mean,
    "min": reductions.min,
    "nonzero": searching.nonzero,
    "on_device_size_in_bytes": conversions.device_bytes,
    "prod": reductions.prod,
    "ptp": reductions.ptp,
    "ravel": manipulation.ravel,
    "repeat": joining.repeat,
    "reshape": reshape,
    "round": elementwise.round,
    "searchsorted": searching.searchsorted,
    "sort": searching.sort,
    "squeeze": manipulation.squeeze,
    "std": averages.std,
    "sum": reductions.sum,
    "swapaxes": manipulation.swapaxes,
    "take": taking.take,
    "to_device": conversions.to_device,
    "tobytes": conversions.tobytes,
    "tolist": conversions.tolist,
    "trace": linalg_products.trace,
    "transpose": transpose,
    "unsafe_buffer_pointer": conversions.pointer,
    "var": averages.var,
    "view": view,
}
_PROPERTIES: dict[str, Callable[..., Any]] = {
    "__numpy_dtype__": lambda self: self.dtype,
    "T": manipulation.transpose,
    "addressable_shards": conversions.shards,
    "at": core.At,
    "flat": flat,
    "global_shards": conversions.shards,
    "imag": elementwise.imag,
    "itemsize": itemsize,
    "mT": manipulation.matrix_transpose,
    "nbytes": conversions.nbytes,
    "ndim": ndim,
    "real": elementwise.real,
    "sharding": conversions.sharding,
    "size": size,
}
_ARRAY_ONLY: dict[str, Any] = {
    "__cuda_array_interface__": property(conversions.cuda_interface),
    "__format__": conversions.array_format,
    "__reduce__": conversions.reduced,
    "__repr__": conversions.array_repr,
    "__str__": conversions.array_str,
    "_repr_html_": conversions.array_html,
    "committed": property(conversions.committed),
    "delete": conversions.delete,
    "device": property(conversions.device),
    "device_buffer": property(lambda self: conversions.addressable_data(self, 0)),
    "device_buffers": property(lambda self: [s.data for s in conversions.shards(self)]),
    "format": property(conversions.layout),
    "is_fully_addressable": True,
    "is_fully_replicated": property(conversions.is_fully_replicated),
    "platform": conversions.platform,
    "traceback": None,
}
_TRACER_ONLY: dict[str, Any] = {
    "__format__": conversions.tracer_format,
    "__repr__": conversions.tracer_repr,
}


def _matmul(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    operator = operators.deferring(function)
    return {"__matmul__": operator, "__rmatmul__": lambda self, other: operator(other, self)}


def install(array_class: type, tracer_class: type) -> None:
    """Give both classes their operators, methods and properties."""
    operators.install(array_class, tracer_class)
    for kind, more in ((array_class, _ARRAY_ONLY), (tracer_class, _TRACER_ONLY)):
        for name, method in (_METHODS | _matmul(linalg_products.matmul) | more).items():
            setattr(kind, name, method)
        for name, getter in _PROPERTIES.items():
            setattr(kind, name, property(getter))


__all__ = ["install"]
