"""Devices: listing them, and moving arrays between them and the host."""

import gc
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine import dispatch, runtime
from numax._engine.core import config, dtypes, tree
from numax._engine.core.array import Array, from_numpy, wrap, wrap_handle
from numax._engine.core.trace import Tracer, as_value


def devices(backend: str | None = None) -> list[Any]:
    """All devices of the platform (default: the first that there is). Makes the client."""
    return list(runtime.devices(backend))


def local_devices(
    process_index: int | None = None, backend: str | None = None, host_id: Any = None
) -> list[Any]:
    """The devices that this process can address."""
    return list(runtime.local_devices(backend))


def device_count(backend: str | None = None) -> int:
    """How many devices there are."""
    return len(runtime.devices(backend))


def local_device_count(backend: str | None = None) -> int:
    """How many devices this process can address."""
    return len(runtime.local_devices(backend))


def process_index(backend: str | None = None) -> int:
    """The number of this process among those of the computation."""
    return runtime.process_index()


def process_count(backend: str | None = None) -> int:
    """How many processes take part in the computation."""
    return len({d.process_index for d in runtime.devices(backend)})


def process_indices(backend: str | None = None) -> list[int]:
    """The numbers of all processes of the computation."""
    return sorted({d.process_index for d in runtime.devices(backend)})


def default_backend() -> str:
    """The platform that arrays live on by default: 'cpu', 'gpu' or 'tpu'."""
    return runtime.default_backend()


def device_put(
    x: Any, device: Any = None, *, src: Any = None, donate: bool = False, may_alias: Any = None
) -> Any:
    """A pytree of arrays, on a device (None: the default one).

    Raises: TypeError if a leaf is no array. Grad: linear.
    """
    leaves, structure = tree.flatten(x)
    return tree.unflatten(structure, [_put(as_value(v, "device_put"), device) for v in leaves])


def _put(x: Any, device: Any) -> Any:
    if isinstance(x, Tracer) or device is None:
        return x
    target = getattr(device, "_device", device)
    if not hasattr(target, "platform"):
        raise TypeError(f"device_put: the device must be one of numax.devices(); got {device!r}.")
    x.numpy_()
    if target is runtime.backend().devices[0]:
        return wrap(x.numpy_(), x._t) if isinstance(x._buf, dispatch.Placed) else x
    handle = dispatch.place(x, (target,), None)
    return wrap_handle(dispatch.Placed(handle, (target,)), x.shape, x._t)


def device_get(x: Any) -> Any:
    """A pytree with its arrays as NumPy arrays; random keys, which NumPy does not know, stay as they are.

    Raises: TracerArrayConversionError for traced values.
    """
    leaves, structure = tree.flatten(x)
    return tree.unflatten(structure, [_get(v) for v in leaves])


def _get(x: Any) -> Any:
    if type(x) is Array or isinstance(x, Tracer):
        return x if dtypes.is_key(x.dtype) else np.asarray(x)
    return x


def block_until_ready(x: Any) -> Any:
    """`x` (a pytree), when all its arrays have been computed.

    Raises: what went wrong in computing them.
    """
    for v in tree.flatten(x)[0]:
        if type(v) is Array:
            block(v)
    return x


def block(x: Array) -> Array:
    handle = x._buf
    if handle is None or x._np is not None:
        return x
    if type(handle) is dispatch.Placed:
        handle = handle.handle
    elif handle is dispatch.DELETED:
        dispatch.fetch(handle)
    runtime.block(handle)
    return x


def devices_of(x: Array) -> set[Any]:
    """The devices that hold an array."""
    handle = x._buf
    if isinstance(handle, dispatch.Placed):
        return set(handle.devices)
    return {config.default_device.value or runtime.backend().devices[0]}


def shards(x: Array) -> list[np.ndarray]:
    """The pieces of an array, one a device."""
    handle = x._buf
    if isinstance(handle, dispatch.Placed):
        return list(runtime.fetch_shards(handle.handle))
    return [x.numpy_()]


def device_put_sharded(pieces: Sequence[Any], devices: Sequence[Any]) -> Any:
    """The pieces stacked along a new leading axis, one on each device.

    Raises: ValueError if there are not as many pieces as devices, or none.
    """
    if not len(devices):
        raise ValueError("device_put_sharded: there are no devices. Give numax.devices().")
    if len(pieces) != len(devices):
        raise ValueError(
            f"device_put_sharded: {len(pieces)} pieces for {len(devices)} devices. Give one for each."
        )
    flat = [tree.flatten(p)[0] for p in pieces]
    structure = tree.flatten(pieces[0])[1]
    stacked = [
        from_numpy(np.stack([np.asarray(v) for v in column])) for column in zip(*flat, strict=True)
    ]
    return tree.unflatten(structure, stacked)


def device_put_replicated(x: Any, devices: Sequence[Any]) -> Any:
    """`x` repeated along a new leading axis, one on each device.

    Shapes: (...) -> (devices, ...). Raises: ValueError for no devices.
    """
    return device_put_sharded([x] * len(devices), devices)


def copy_to_host_async(x: Any) -> Any:
    """Begin to bring a pytree's arrays to the host.

    Args: x (a pytree of arrays).
    """
    return x


def live_arrays(platform: str | None = None) -> list[Any]:
    """The arrays on devices that are still referred to."""
    return [o for o in gc.get_objects() if type(o) is Array and o._buf is not None]


def is_ready(x: Array) -> bool:
    """Whether an array has been computed."""
    handle = x._buf
    if x._np is not None or handle is None:
        return True
    if isinstance(handle, dispatch.Placed):
        handle = handle.handle
    return runtime.is_ready(handle)


def is_deleted(x: Array) -> bool:
    """Whether an array's memory was freed or donated."""
    return x._buf is dispatch.DELETED


def delete(x: Array) -> None:
    """Free an array's memory; using it afterwards raises RuntimeError."""
    dispatch.delete(x)


def dlpack_capsule(x: Array) -> Any:
    """A DLPack capsule over an array on its device; of dtypes that NumPy's DLPack lacks, too."""
    handle = dispatch.to_device(x, runtime.backend().devices[0])
    return runtime.capsule(handle.handle if isinstance(handle, dispatch.Placed) else handle)


def from_dlpack(x: Any) -> np.ndarray:
    """The numbers of another library's array in the host's memory, shared if NumPy can, else copied."""
    try:
        return np.from_dlpack(x)
    except (RuntimeError, BufferError):  # a dtype that NumPy's DLPack lacks, such as bfloat16
        if x.__dlpack_device__()[0] != 1:
            raise
        return runtime.from_capsule(x.__dlpack__())


def is_placed(x: Array) -> bool:
    """Whether an array was put on a device by name."""
    return isinstance(x._buf, dispatch.Placed)


def device_pointer(x: Array) -> int:
    """The address of an array's memory on its device."""
    handle = x._buf
    return runtime.pointer(handle.handle if isinstance(handle, dispatch.Placed) else handle)
