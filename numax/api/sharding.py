"""Where arrays live: the sharding of an array on one device, and its shards."""

import dataclasses
from typing import Any

import numpy as np

from numax._engine.core.array import Array
from numax.api.devices import devices_of, shards


@dataclasses.dataclass(frozen=True, slots=True)
class SingleDeviceSharding:
    """The placement of an array on one device."""

    device: Any
    memory_kind: str = "device"

    @property
    def device_set(self) -> set[Any]:
        return {self.device}

    @property
    def addressable_devices(self) -> set[Any]:
        return {self.device}

    @property
    def num_devices(self) -> int:
        return 1

    is_fully_addressable = True
    is_fully_replicated = True

    def shard_shape(self, global_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of each shard: the whole."""
        return tuple(global_shape)

    def devices_indices_map(self, global_shape: tuple[int, ...]) -> dict[Any, tuple[slice, ...]]:
        """What part of an array each device holds."""
        return {self.device: (slice(None),) * len(global_shape)}

    def __repr__(self) -> str:
        return f"SingleDeviceSharding(device={self.device!r}, memory_kind={self.memory_kind})"


@dataclasses.dataclass(frozen=True, slots=True)
class MappedSharding:
    """The placement of pmap's results: cut along the first axis, a piece a device."""

    devices: tuple[Any, ...]

    @property
    def device_set(self) -> set[Any]:
        return set(self.devices)

    @property
    def num_devices(self) -> int:
        return len(self.devices)

    is_fully_addressable = True
    is_fully_replicated = False

    def shard_shape(self, global_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of each shard: a piece of the first axis."""
        return (global_shape[0] // len(self.devices), *global_shape[1:])


@dataclasses.dataclass(frozen=True, slots=True)
class Shard:
    """The part of an array that one device holds."""

    device: Any
    index: tuple[slice, ...]
    replica_id: int
    data: Any

    def __repr__(self) -> str:
        return f"Shard(device={self.device!r}, index={self.index}, replica_id={self.replica_id}, data={self.data})"


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """The order of the axes in memory, the slowest first, and tiles."""

    major_to_minor: tuple[int, ...]
    tiling: tuple[tuple[int, ...], ...] = ()
    sub_byte_element_size_in_bits: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """Layout and sharding of an array."""

    layout: Layout
    sharding: Any


def sharding_of(x: Array) -> Any:
    """How an array is placed."""
    found = sorted(devices_of(x), key=lambda d: d.id)
    return SingleDeviceSharding(found[0]) if len(found) == 1 else MappedSharding(tuple(found))


def shards_of(x: Array, wrap: Any) -> list[Shard]:
    """The shards of an array, each with its piece, which `wrap` makes an array of."""
    found = sorted(devices_of(x), key=lambda d: d.id)
    ndim = len(x.shape)
    if len(found) == 1:
        return [Shard(found[0], (slice(None),) * ndim, 0, x)]
    pieces = [np.asarray(p) for p in shards(x)]
    size = x.shape[0] // len(found)
    out = []
    for i, (device, piece) in enumerate(zip(found, pieces, strict=True)):
        place = (slice(i * size, (i + 1) * size), *[slice(None)] * (ndim - 1))
        out.append(Shard(device, place, 0, wrap(piece)))
    return out
