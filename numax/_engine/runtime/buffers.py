"""Device memory: NumPy arrays in and out of handles. A handle is jaxlib's own array object; take
it as opaque.

Reading shares memory where the device is a CPU: the view keeps the memory alive, and `delete` and
donation leave memory alone that a view still looks at (jaxlib itself would free or overwrite it).
"""

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from numax._engine.core.errors import JaxRuntimeError
from numax._engine.runtime import client
from numax._engine.runtime.door import Aval, is_open, user_error, xla

_MAX_PLACES = 4096
_SUB_BYTE: dict[np.dtype, int] = {
    np.dtype(getattr(ml_dtypes, name)): bits
    for name, bits in (("int4", 4), ("uint4", 4), ("int2", 2), ("uint2", 2), ("float4_e2m1fn", 4))
    if hasattr(ml_dtypes, name)
}
_places: dict[Any, Any] = {}
_put: Any = None
_zero_copy: Any = None
_copy: Any = None
_weak = weakref.ref
_ndarray = np.ndarray
_memory: Any = memoryview


def _place(key: Any) -> Any:
    """(aval, sharding, devices) for arrays of a shape and dtype on a device; makes the hot path's
    globals too."""
    global _put, _zero_copy, _copy
    client.check_process()
    shape, dtype, device = key
    if device is None:
        device = client.backend().local_devices[0]
    door = xla()
    if _put is None:
        _zero_copy, _copy, _put = door.zero_copy, door.copy_during_call, door.put
    if len(_places) >= _MAX_PLACES:
        _places.clear()
    place = (Aval(shape, dtype), door.SingleSharding(device), [device])
    _places[key] = place
    return place


def to_device(x: np.ndarray, device: Any = None, *, immutable: bool = False) -> Any:
    """A handle of `x` on `device` (None: the default one).

    With `immutable` the caller promises that nobody writes to `x` ever again: on a CPU the handle
    then shares x's memory if it is 64-byte aligned and in C order. Else the numbers are copied
    before the call returns."""
    place = _places.get((x.shape, x.dtype, device)) or _place((x.shape, x.dtype, device))
    try:
        if immutable:
            handle = _put(place[0], place[1], [x], place[2], True, False, _zero_copy, True)
            handle.shared = True
            return handle
        return _put(place[0], place[1], [x], place[2], True, False, _copy, True)
    except Exception as error:
        return _put_again(x, device, error)


def _put_again(x: np.ndarray, device: Any, error: Exception) -> Any:
    """The slow way after a failure: other byte orders are swapped; anything else is an error."""
    if isinstance(x, np.ndarray) and not x.dtype.isnative:
        return to_device(x.astype(x.dtype.newbyteorder("=")), device)
    if isinstance(error, xla().Error):
        raise user_error(error) from None
    raise error


def to_numpy(handle: Any) -> np.ndarray:
    """A read-only array of the handle's numbers; waits for them. Shares the memory on a CPU.

    Raises: JaxRuntimeError if the program that makes the numbers failed."""
    try:
        aval = handle.aval
        if not aval.plain:
            return _to_numpy_slowly(handle)
        view = _ndarray(aval.shape, aval.dtype, _memory(handle))
        handle.view = _weak(view)
        return view
    except (BufferError, ValueError, AttributeError):
        return _to_numpy_slowly(handle)
    except Exception as error:
        if isinstance(error, xla().Error):
            raise user_error(error) from None
        raise


class _Pin:
    """Memory of a handle, in the form of NumPy's array interface."""

    __slots__ = ("__array_interface__", "__weakref__", "handle")

    def __init__(self, handle: Any, shape: tuple[int, ...], itemsize: int):
        self.handle = handle
        self.__array_interface__ = {
            "data": (xla().pointer(handle), True),
            "shape": shape,
            "typestr": f"|V{itemsize}",
            "version": 3,
        }


def _to_numpy_slowly(handle: Any) -> np.ndarray:
    if handle.is_deleted():
        raise RuntimeError(
            "to_numpy: the buffer was deleted or donated. Keep a copy to use it again."
        )
    sharding = handle._sharding
    if len(sharding.devices) > 1:
        return _gather(handle)
    block(handle)
    aval = handle.aval
    shape, dtype = aval.shape, aval.dtype
    if aval.size == 0:
        empty = np.empty(shape, dtype)
        empty.flags.writeable = False
        return empty
    if sharding.devices[0].platform != "cpu":
        return _freeze(xla().host_copy(handle).reshape(shape), dtype)
    bits = _SUB_BYTE.get(dtype, 0)
    if bits:
        return _unpack(handle, shape, dtype, bits)
    pin = _Pin(handle, shape, dtype.itemsize)
    handle.view = _weak(pin)
    return np.asarray(pin).view(dtype)


def _freeze(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    x = x if x.dtype == dtype else x.view(dtype)
    x.flags.writeable = False
    return x


def _unpack(handle: Any, shape: tuple[int, ...], dtype: np.dtype, bits: int) -> np.ndarray:
    """Elements of less than a byte, several to a byte, the first in the lowest bits."""
    per_byte = 8 // bits
    size = math.prod(shape)
    packed = np.asarray(_Pin(handle, (-(-size // per_byte),), 1)).view(np.uint8)
    shifts = np.arange(per_byte, dtype=np.uint8) * np.uint8(bits)
    codes = (packed[:, None] >> shifts) & np.uint8((1 << bits) - 1)
    return _freeze(codes.reshape(-1)[:size].view(dtype).reshape(shape), dtype)


def tiled_sharding(devices: Sequence[Any], partition: tuple[int, ...] | None) -> Any:
    """A sharding: partition[i] equal pieces along axis i in row-major order over `devices`; None:
    replicated."""
    key = ("tiled", tuple(devices), partition)
    found = _places.get(key)
    if found is None:
        client.check_process()
        found = xla().TiledSharding(key[1], partition)
        _places[key] = found
    return found


def _origins(shape: Sequence[int], sharding: Any) -> list[tuple[slice, ...]]:
    """Which part of an array of `shape` each device holds."""
    partition = sharding.partition
    count = len(sharding.devices)
    if partition is None:
        return [(slice(None),) * len(shape)] * count
    copies = count // math.prod(partition)
    local = sharding.shard_shape(tuple(shape))
    tiles = []
    for tile in np.ndindex(*partition):
        part = tuple(slice(i * n, (i + 1) * n) for i, n in zip(tile, local, strict=True))
        tiles.extend([part] * copies)
    return tiles


def split(
    x: np.ndarray, devices: Sequence[Any], partition: tuple[int, ...] | None
) -> list[np.ndarray]:
    """The pieces of `x` that `put_sharded` wants, one a device.

    Raises: ValueError if an axis does not divide."""
    _check_partition(x.shape, len(devices), partition)
    return [x[part] for part in _origins(x.shape, tiled_sharding(devices, partition))]


def _check_partition(shape: tuple[int, ...], count: int, partition: tuple[int, ...] | None) -> None:
    if partition is None:
        return
    if len(partition) != len(shape):
        raise ValueError(f"put_sharded: partition {partition} does not fit shape {tuple(shape)}.")
    if count % math.prod(partition):
        raise ValueError(
            f"put_sharded: {count} devices cannot hold the pieces of partition {partition}."
        )
    if any(n % pieces for n, pieces in zip(shape, partition, strict=True)):
        raise ValueError(
            f"put_sharded: shape {tuple(shape)} does not divide into partition {partition}."
        )


def put_sharded(
    shards: Sequence[Any], devices: Sequence[Any], partition: tuple[int, ...] | None = None
) -> Any:
    """One handle of an array that lies on several devices.

    Args: shards: NumPy arrays or single-device handles, one for each addressable device of
          `devices`, in that order.
          partition: pieces along each axis; None: each device holds the whole array.
    Raises: ValueError if the number of shards or their shapes do not fit."""
    sharding = tiled_sharding(devices, partition)
    local = [d for d in sharding.devices if d.process_index == d.client.process_index()]
    if len(shards) != len(local):
        raise ValueError(f"put_sharded: {len(local)} addressable devices but {len(shards)} shards.")
    first = shards[0]
    shape, dtype = (
        (first.shape, first.dtype) if isinstance(first, np.ndarray) else shape_dtype(first)
    )
    whole = (
        shape if partition is None else tuple(n * p for n, p in zip(shape, partition, strict=True))
    )
    _check_partition(whole, len(devices), partition)
    for shard in shards:
        shard_shape = shard.shape if isinstance(shard, np.ndarray) else shard.aval.shape
        if tuple(shard_shape) != tuple(shape):
            raise ValueError(
                f"put_sharded: shards differ in shape: {tuple(shape)} and {tuple(shard_shape)}."
            )
    door = xla()
    handles = [
        to_device(shard, device) if isinstance(shard, np.ndarray) else move(shard, device)
        for shard, device in zip(shards, local, strict=True)
    ]
    handle = door.make_handle(Aval(tuple(whole), np.dtype(dtype)), sharding, handles)
    if any(mine is theirs for mine, theirs in zip(handles, shards, strict=True)):
        handle.shared = True
    return handle


def shards_of(handle: Any) -> list[Any]:
    """Single-device handles of the addressable shards, in the order of the devices."""
    sharding = handle._sharding
    if len(sharding.devices) == 1:
        return [handle]
    kept = handle.__dict__.get("shards")
    if kept is not None:
        return list(kept)
    aval = handle.aval
    local = sharding.shard_shape(aval.shape)
    out = []
    for shard, device in zip(xla().shards(handle), _addressable(sharding), strict=True):
        place = _places.get((local, aval.dtype, device)) or _place((local, aval.dtype, device))
        out.append(shard._rewrap_with_aval_and_sharding(place[0], place[1]))
    handle.shards = tuple(out)
    return out


def _addressable(sharding: Any) -> list[Any]:
    rank = client.process_index()
    return [device for device in sharding.devices if device.process_index == rank]


def fetch_shards(handle: Any) -> list[np.ndarray]:
    """The addressable shards as read-only arrays, in the order of the devices."""
    return [to_numpy(shard) for shard in shards_of(handle)]


def _gather(handle: Any) -> np.ndarray:
    """A sharded array in one piece."""
    sharding = handle._sharding
    local = _addressable(sharding)
    if sharding.partition is None:
        return to_numpy(shards_of(handle)[0])
    if len(local) != len(sharding.devices):
        raise RuntimeError(
            "to_numpy: the array has parts on devices of other processes. "
            "Fetch the addressable shards."
        )
    aval = handle.aval
    whole = np.empty(aval.shape, aval.dtype)
    for part, shard in zip(_origins(aval.shape, sharding), fetch_shards(handle), strict=True):
        whole[part] = shard
    whole.flags.writeable = False
    return whole


def move(handle: Any, device: Any) -> Any:
    """The handle itself if it lies on `device` alone, else a copy there."""
    sharding = handle._sharding
    if len(sharding.devices) == 1:
        if sharding.devices[0] is device:
            return handle
        if sharding.devices[0].client is device.client:
            return copy(handle, device)
    return to_device(to_numpy(handle), device)


def copy(handle: Any, device: Any = None) -> Any:
    """A copy in memory of its own, on `device` or where it lies. Sharded handles keep their
    sharding."""
    sharding = handle._sharding
    if len(sharding.devices) > 1:
        pieces = [copy(shard) for shard in shards_of(handle)]
        return xla().make_handle(handle.aval, sharding, pieces)
    aval = handle.aval
    if device is not None and device is not sharding.devices[0]:
        key = (aval.shape, aval.dtype, device)
        sharding = (_places.get(key) or _place(key))[1]
        copied = xla().copy_handle(handle, sharding)
        return copied._rewrap_with_aval_and_sharding(aval, sharding)
    return to_device(to_numpy(handle), sharding.devices[0])


def capsule(handle: Any) -> Any:
    """A DLPack capsule over a single-device handle's memory."""
    return xla().dlpack_capsule(handle)


def from_capsule(dlpack: Any) -> np.ndarray:
    """The numbers of a DLPack capsule in the host's memory, copied; of dtypes that NumPy's DLPack lacks, too."""
    door = xla()
    return door.host_copy(
        door.from_capsule(dlpack, client.backend("cpu").local_devices[0], None)
    ).copy()


def pointer(handle: Any) -> int:
    """The address of a single-device handle's memory."""
    return xla().pointer(handle)


def is_ready(handle: Any) -> bool:
    """Whether the numbers are there already."""
    return handle.is_ready()


def block(handle: Any) -> Any:
    """Wait for the numbers; returns the handle.

    Raises: JaxRuntimeError if the program that makes them failed."""
    try:
        return handle.block_until_ready()
    except Exception as error:
        if isinstance(error, xla().Error):
            raise user_error(error) from None
        raise


def block_all(handles: Sequence[Any]) -> None:
    """Wait for the numbers of several handles."""
    try:
        xla().block_all(list(handles))
    except Exception as error:
        if isinstance(error, xla().Error):
            raise user_error(error) from None
        raise


def device_of(handle: Any) -> Any:
    """The device of the handle, the first one if there are several."""
    return handle._sharding.devices[0]


def devices_of(handle: Any) -> tuple[Any, ...]:
    """The devices of the handle."""
    return handle._sharding.devices


def partition_of(handle: Any) -> tuple[int, ...] | None:
    """Pieces along each axis, or None where each device holds the whole array."""
    return handle._sharding.partition


def shape_dtype(handle: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of the whole array."""
    aval = handle.aval
    return aval.shape, aval.dtype


def is_handle(x: Any) -> bool:
    """Whether `x` is a handle."""
    return is_open() and isinstance(x, xla().Handle)


def handle_class() -> type:
    """The class of handles."""
    return xla().Handle


def is_viewed(handle: Any) -> bool:
    """Whether NumPy memory may share the handle's: a view of it lives, or it was made of an
    immutable array."""
    state = handle.__dict__
    view = state.get("view")
    if (view is not None and view() is not None) or "shared" in state:
        return True
    return any(is_viewed(shard) for shard in state.get("shards", ()))


def is_deleted(handle: Any) -> bool:
    """Whether the handle's memory was given back, by `delete` or donation."""
    return handle.is_deleted()


def delete(handle: Any) -> bool:
    """Free the memory now. Where a NumPy view of it lives, nothing is freed and the result is
    False: then it goes with the last view."""
    if is_viewed(handle):
        return False
    if not handle.is_deleted():
        handle.delete()
    return True


def memory_stats(device: Any) -> dict[str, int] | None:
    """The allocator's counts in bytes, None where the platform keeps none."""
    try:
        return device.memory_stats()
    except (xla().Error, JaxRuntimeError):
        return None


def redirect(wrap: Callable[[Any], Any]) -> None:
    """Replace the ways into jaxlib by what `wrap` makes of them (at the end of the process)."""
    global _put, _memory
    if _put is not None:
        _put = wrap(_put)
    _memory = wrap(_memory)


def forget_places() -> None:
    """Drop what is kept per shape and device (a forked child must not use it)."""
    _places.clear()
