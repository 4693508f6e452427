"""The one door to jaxlib. Nothing is imported before `xla()` is first called.

What differs between jaxlib 0.10, 0.11 and 0.12 is found out here, by looking at what the
extension offers, and nowhere else. `jaxlib` prints information lines to stderr at start; they are
held back unless the user asked for them."""

import ctypes
import gc
import importlib
import os
import sys
import threading
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np

from numax._engine.core.errors import JaxRuntimeError

OLDEST = (0, 10, 0)


class Aval:
    """Shape and dtype in the form in which jaxlib asks for them. `plain`: one of NumPy's own
    dtypes."""

    __slots__ = ("dtype", "ndim", "plain", "shape", "size", "weak_type")

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self.shape = shape
        self.dtype = dtype
        self.weak_type = False
        self.plain = dtype.isbuiltin == 1
        self.ndim = len(shape)
        size = 1
        for n in shape:
            size *= n
        self.size = size


class _DlTensor(ctypes.Structure):
    """The head of a DLPack tensor, version 0."""

    _fields_ = (
        ("data", ctypes.c_size_t),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.c_size_t),
        ("strides", ctypes.c_size_t),
        ("byte_offset", ctypes.c_uint64),
    )


_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
NOT_IN_DLPACK = frozenset(
    np.dtype(getattr(ml_dtypes, name))
    for name in ("int4", "uint4", "int2", "uint2", "float4_e2m1fn")
)


class Xla:
    """What the rest of this package uses of jaxlib, under one name each."""

    def __init__(self) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
        try:
            jaxlib = importlib.import_module("jaxlib")
            self.client_module: Any = importlib.import_module("jaxlib.xla_client")
            self.ext: Any = importlib.import_module("jaxlib._jax")
        except ImportError as error:
            raise ImportError(
                "numax: compiled programs need jaxlib, which cannot be imported "
                f"({error}). Install jaxlib."
            ) from error
        version_module: ModuleType = importlib.import_module("jaxlib.version")
        self.version: str = str(getattr(jaxlib, "__version__", None) or version_module.__version__)
        numbers = tuple(int(part) for part in self.version.split(".")[:3] if part.isdigit())
        if numbers < OLDEST:
            raise ImportError(
                f"numax: jaxlib {self.version} is too old. Install jaxlib 0.10 or newer."
            )
        ext = self.ext
        self.Error: type[Exception] = ext.JaxRuntimeError
        self.collect = ext.collect_garbage  # frees objects that jaxlib's threads let go
        self.put = ext.batched_device_put
        self.DeviceList = ext.DeviceList
        self.Handle = ext.ArrayImpl
        semantics = ext.HostBufferSemantics
        self.copy_during_call = semantics.IMMUTABLE_ONLY_DURING_CALL
        self.zero_copy = semantics.ZERO_COPY
        self.dlpack_capsule = ext.buffer_to_dlpack_managed_tensor
        self.from_capsule = ext.dlpack_managed_tensor_to_buffer
        self.block_all = ext.batched_block_until_ready
        self._plain_host_copy = hasattr(ext.ArrayImpl, "_to_np_array_did_copy")
        self._skip_checks = "_skip_checks" in (ext.array_result_handler.__doc__ or "")
        self.replicated = self.client_module.HloSharding.replicate()
        self.SingleSharding, self.TiledSharding = _sharding_classes(self)
        gc.callbacks.append(self._collect)

    def _collect(self, phase: str, _: object) -> None:
        if phase == "stop":
            self.collect()

    def result_handler(self, aval: Aval, sharding: Any) -> Any:
        """What wraps one output of an execution into a handle."""
        if self._skip_checks:
            return self.ext.array_result_handler(aval, sharding, True, True)
        return self.ext.array_result_handler(aval, sharding, True)

    def make_handle(self, aval: Aval, sharding: Any, shards: list[Any]) -> Any:
        """One handle over single-device handles, one a device of `sharding`, in its order."""
        return self.ext.ArrayImpl(aval, sharding, shards, committed=True, _skip_checks=True)

    def copy_handle(self, handle: Any, sharding: Any) -> Any:
        """A copy of a single-device handle on the device of `sharding`."""
        copied = self.ext.batched_copy_array_to_devices_with_sharding(
            [handle], [sharding.device_list], [sharding], [self.ext.ArrayCopySemantics.ALWAYS_COPY]
        )[0]
        return copied

    def cpu_client(self, num_devices: int | None, **options: Any) -> Any:
        """A CPU client; None devices leaves the number to XLA_FLAGS."""
        if num_devices is not None:
            options["num_devices"] = num_devices
        return self.client_module.make_cpu_client(**options)

    def host_copy(self, handle: Any) -> Any:
        """A NumPy array of a single-device handle, copied from the device. For devices that are
        no CPUs."""
        if self._plain_host_copy:
            return handle._to_np_array_did_copy()[0]
        with without_jax:
            return handle._single_device_array_to_np_array_did_copy()[0]

    def pointer(self, handle: Any) -> int:
        """The address of a single-device handle's memory."""
        if handle.aval.dtype not in NOT_IN_DLPACK:
            capsule = self.dlpack_capsule(handle)
            tensor = _DlTensor.from_address(_capsule_pointer(capsule, b"dltensor"))
            return tensor.data + tensor.byte_offset
        with without_jax:
            return handle.unsafe_buffer_pointer()

    def shards(self, handle: Any) -> list[Any]:
        """The single-device handles of a handle; without avals (see `buffers.fetch_shards`)."""
        with without_jax:
            return list(handle._arrays)


def _sharding_classes(xla: Xla) -> tuple[type, type]:
    ext, xc = xla.ext, xla.client_module

    class SingleSharding(ext.SingleDeviceSharding):
        """Everything on one device."""

        memory_kind = None

        def __init__(self, device: Any):
            super().__init__(device)
            self.device = device
            self.devices = (device,)
            self.device_list = xla.DeviceList((device,))
            self.partition: tuple[int, ...] | None = None

        def _to_xla_hlo_sharding(self, num_dimensions: int) -> Any:
            return xla.replicated

        @property
        def _internal_device_list(self) -> Any:
            return self.device_list

        def shard_shape(self, global_shape: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(global_shape)

    class TiledSharding(ext.Sharding):
        """`partition[i]` equal pieces along axis i, in row-major order over the devices.

        Where the pieces are fewer than the devices, each piece lies on the next `devices /
        pieces` devices. None: all of the array on each device."""

        memory_kind = None

        def __init__(self, devices: tuple[Any, ...], partition: tuple[int, ...] | None):
            super().__init__()
            self.devices = devices
            self.device_list = xla.DeviceList(devices)
            self.partition = partition
            self._hlo = xla.replicated if partition is None else self._tiled(partition)

        def _tiled(self, partition: tuple[int, ...]) -> Any:
            pieces = 1
            for n in partition:
                pieces *= n
            if pieces == 1:
                return xla.replicated
            proto = xc.OpSharding()
            proto.type = xc.OpSharding.Type.OTHER
            copies = len(self.devices) // pieces
            dimensions = list(partition)
            if copies > 1:
                dimensions.append(copies)
                proto.replicate_on_last_tile_dim = True
            proto.tile_assignment_dimensions = dimensions
            proto.tile_assignment_devices = list(range(len(self.devices)))
            return xc.HloSharding.from_proto(proto)

        def _to_xla_hlo_sharding(self, num_dimensions: int) -> Any:
            return self._hlo

        @property
        def _internal_device_list(self) -> Any:
            return self.device_list

        def shard_shape(self, global_shape: tuple[int, ...]) -> tuple[int, ...]:
            if self.partition is None:
                return tuple(global_shape)
            return tuple(n // p for n, p in zip(global_shape, self.partition, strict=True))

    return SingleSharding, TiledSharding


class _WithoutJax:
    """Inside the block, jaxlib's own attempts to import `jax` fail at once, in this thread only.

    jaxlib asks for a class of `jax` whenever it splits an array into its shards or copies one off
    an accelerator, and does without where there is none. A program that imported `jax` itself is
    left alone."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()
        self._installed = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if getattr(self._local, "depth", 0) and (name == "jax" or name.startswith("jax.")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def __enter__(self) -> None:
        if not self._installed:
            with self._lock:
                if not self._installed:
                    sys.meta_path.insert(0, self)  # type: ignore[arg-type]
                    self._installed = True
        self._local.depth = getattr(self._local, "depth", 0) + 1

    def __exit__(self, *error: object) -> None:
        self._local.depth -= 1


without_jax = _WithoutJax()
_xla: Xla | None = None
_lock = threading.RLock()


def xla() -> Xla:
    """jaxlib, imported at the first call.

    Raises: ImportError if jaxlib is missing or too old."""
    global _xla
    if _xla is None:
        with _lock:
            if _xla is None:
                _xla = Xla()
    return _xla


def is_open() -> bool:
    """Whether jaxlib has been imported."""
    return _xla is not None


def user_error(error: BaseException, where: str = "") -> JaxRuntimeError:
    """The exception that users meet in place of one of jaxlib's."""
    message = str(error)
    return JaxRuntimeError(f"{message}\n{where}" if where else message)
