"""Runs a module's text with jaxlib, on two CPU devices, without the rest of numax."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jaxlib import _jax, xla_client

from numax._engine.stablehlo import types
from numax._engine.stablehlo.builder import Builder, Value


class Machine:
    """The CPU client of jaxlib."""

    def __init__(self) -> None:
        self.client = xla_client.make_cpu_client(num_devices=2)
        self.devices = self.client.local_devices()
        replicated = xla_client.HloSharding.replicate()
        lists = {d: _jax.DeviceList((d,)) for d in self.devices}

        class Single(_jax.SingleDeviceSharding):
            memory_kind = None

            def _to_xla_hlo_sharding(self, ndim: int) -> Any:
                return replicated

            @property
            def _internal_device_list(self) -> Any:
                return lists[self._device]

        class Rows(_jax.Sharding):
            memory_kind = None

            def __init__(self, devices: Any):
                super().__init__()
                self._internal_device_list = devices

            def _to_xla_hlo_sharding(self, ndim: int) -> Any:
                tiles = xla_client.OpSharding()
                tiles.type = xla_client.OpSharding.Type.OTHER
                tiles.tile_assignment_dimensions = [2] + [1] * (ndim - 1)
                tiles.tile_assignment_devices = [0, 1]
                return xla_client.HloSharding.from_proto(tiles)

            def shard_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
                return (shape[0] // 2, *shape[1:])

        self.sharding = Single
        self.rows = Rows

    def options(self, partitions: int = 1) -> Any:
        options = xla_client.CompileOptions()
        build = options.executable_build_options
        build.debug_options.xla_backend_optimization_level = 0
        if partitions > 1:
            options.num_partitions = build.num_partitions = partitions
            build.use_spmd_partitioning = True
            devices = np.arange(partitions, dtype=np.int32)[None]
            options.device_assignment = xla_client.DeviceAssignment.create(devices)
        return options

    def put(self, x: np.ndarray, device: Any) -> Any:
        aval = SimpleNamespace(
            shape=x.shape, dtype=x.dtype, weak_type=False, ndim=x.ndim, size=x.size
        )
        sharding = self.sharding(device)
        return _jax.batched_device_put(aval, sharding, [x], [device], enable_x64=True)

    def run(self, text: str, args: Sequence[np.ndarray]) -> list[np.ndarray]:
        device = self.devices[0]
        devices = _jax.DeviceList((device,))
        program = self.client.compile_and_load(text.encode(), devices, self.options())
        outs = program.execute_sharded([self.put(np.asarray(x), device) for x in args])
        outs = outs.disassemble_into_single_device_arrays()
        return [out[0]._single_device_array_to_np_array_did_copy()[0] for out in outs]

    def run_on_two(self, text: str, x: np.ndarray) -> list[list[np.ndarray]]:
        """Run a program of two partitions with the rows of x; return each result's parts."""
        devices = _jax.DeviceList(tuple(self.devices[:2]))
        program = self.client.compile_and_load(text.encode(), devices, self.options(2))
        aval = SimpleNamespace(shape=x.shape, dtype=x.dtype, weak_type=False, ndim=2, size=x.size)
        rows = [x[:1], x[1:]]
        sharding = self.rows(devices)
        arg = _jax.batched_device_put(aval, sharding, rows, self.devices[:2], enable_x64=True)
        outs = program.execute_sharded([arg]).disassemble_into_single_device_arrays()
        return [
            [part._single_device_array_to_np_array_did_copy()[0] for part in parts]
            for parts in outs
        ]


@pytest.fixture(scope="session")
def machine() -> Machine:
    return Machine()


Body = Callable[..., Value | Sequence[Value]]


@pytest.fixture(scope="session")
def run(machine: Machine) -> Callable[..., Any]:
    """`run(body, *arrays)`: the results of a module whose main is body(b, *values)."""

    def run(body: Body, *args: Any) -> Any:
        arrays = [np.asarray(x) for x in args]
        b = Builder()
        out = body(b, *b.main([(x.shape, x.dtype) for x in arrays]))
        values = [out] if isinstance(out, Value) else list(out)
        results = machine.run(b.module("test", values), arrays)
        for value, result in zip(values, results, strict=True):
            assert result.shape == value.shape
            assert result.dtype == types.physical_dtype(value.dtype)
        return results[0] if isinstance(out, Value) else results

    return run
