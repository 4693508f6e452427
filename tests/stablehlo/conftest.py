"""Compiling and running a module's text with jaxlib, on two CPU devices, without the rest of numax."""

import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from numax._engine.stablehlo import types
from numax._engine.stablehlo.builder import Builder, Value

_FLAG = "--xla_force_host_platform_device_count"


class Machine:
    """The CPU client of jaxlib."""

    def __init__(self) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        flags = os.environ.get("XLA_FLAGS", "")
        if _FLAG not in flags:
            os.environ["XLA_FLAGS"] = f"{flags} {_FLAG}=2".strip()
        from jaxlib import _jax, xla_client  # noqa: PLC0415  (after the flag is set)

        self.jaxlib, self.xla = _jax, xla_client
        self.client = xla_client.make_cpu_client()
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

        self.sharding = Single

    def options(self, partitions: int = 1) -> Any:
        options = self.xla.CompileOptions()
        build = options.executable_build_options
        build.debug_options.xla_backend_optimization_level = 0
        if partitions > 1:
            options.num_partitions = build.num_partitions = partitions
            build.use_spmd_partitioning = True
            devices = np.arange(partitions, dtype=np.int32)[None]
            options.device_assignment = self.xla.DeviceAssignment.create(devices)
        return options

    def put(self, x: np.ndarray, device: Any) -> Any:
        aval = SimpleNamespace(
            shape=x.shape, dtype=x.dtype, weak_type=False, ndim=x.ndim, size=x.size
        )
        sharding = self.sharding(device)
        return self.jaxlib.batched_device_put(aval, sharding, [x], [device], enable_x64=True)

    def run(self, text: str, args: Sequence[np.ndarray]) -> list[np.ndarray]:
        device = self.devices[0]
        devices = self.jaxlib.DeviceList((device,))
        program = self.client.compile_and_load(text.encode(), devices, self.options())
        outs = program.execute_sharded([self.put(np.asarray(x), device) for x in args])
        outs = outs.disassemble_into_single_device_arrays()
        return [out[0]._single_device_array_to_np_array_did_copy()[0] for out in outs]


@pytest.fixture(scope="session")
def machine() -> Machine:
    return Machine()


Body = Callable[..., Value | Sequence[Value]]


@pytest.fixture(scope="session")
def run(machine: Machine) -> Callable[..., Any]:
    """`run(body, *arrays)`: build a module whose main is body(b, *values), run it, return its results."""

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
