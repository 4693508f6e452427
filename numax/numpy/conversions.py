"""Arrays as Python's and NumPy's objects: numbers, sequences, text, ndarrays, DLPack, pickles; and where they live."""

import operator
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from numax import api, core, lax
from numax.core import Array, Tracer, dtypes

# ---- numbers ----


def _single(x: Any) -> Any:
    """The memory of an Array of no dimensions and a dtype that Python knows; None for others."""
    if type(x) is Array:
        memory = x._np
        if memory is not None and not memory.ndim and memory.dtype.kind in "biuf":
            return memory
    return None


def to_bool(x: Any) -> bool:
    memory = _single(x)
    if memory is not None:
        return bool(memory)
    size = x.aval.size
    if size > 1:
        raise ValueError(
            "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
        )
    if size == 0:
        raise ValueError(
            "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an array is not empty."
        )
    return core.to_bool(x)


def _no_axes(x: Any) -> None:
    if x.aval.ndim:
        raise TypeError(
            f"Only scalar arrays can be converted to Python scalars; got arr.ndim={x.aval.ndim}. Use x.item() or x[i]."
        )


def _keep_derivative(
    op: str, x: Any, error: type[Exception] = core.errors.ConcretizationTypeError
) -> None:
    """Refuse a value that is being differentiated: as a plain number it would count as a constant, unseen."""
    if isinstance(x, Tracer) and x.concrete_() is not None:
        raise error(
            f"{op}: {x.aval.str_short()} is being differentiated, and its derivative would be lost. Use numax.numpy "
            "on it, or numax.lax.stop_gradient(x) first to take it as a constant."
        )


def to_int(x: Any) -> int:
    memory = _single(x)
    if memory is not None:
        return int(memory)
    _no_axes(x)
    return core.to_number(x, int)


def to_float(x: Any) -> float:
    memory = _single(x)
    if memory is not None:
        return float(memory)
    _no_axes(x)
    _keep_derivative("float", x)
    if dtypes.is_complex(x.dtype):
        raise TypeError(
            f"float: a complex number is not a float; got {x.aval.str_short()}. Use x.real or abs(x)."
        )
    return core.to_number(x, float)


def to_complex(x: Any) -> complex:
    _no_axes(x)
    _keep_derivative("complex", x)
    if x.dtype not in _PYTHON_KINDS and not isinstance(x, Tracer):
        return complex(float(x.numpy_()))
    return core.to_number(x, complex)


_PYTHON_KINDS = frozenset(d for d in dtypes.ALL if d.kind in "biufc")


def to_index(x: Any) -> int:
    memory = _single(x)
    if memory is not None and memory.dtype.kind != "f":
        return int(memory)
    if x.aval.ndim or not (dtypes.is_integer(x.dtype) or x.dtype == dtypes.bool_):
        raise TypeError("Only integer scalar arrays can be converted to a scalar index.")
    if isinstance(x, Tracer):
        return core.to_index(x)
    return core.to_number(x, int)


def numbers(memory: np.ndarray) -> np.ndarray:
    return memory


def to_hex(x: Any) -> str:
    return hex(to_index(x))


def to_oct(x: Any) -> str:
    return oct(to_index(x))


def _plain(x: Any) -> np.ndarray:
    """The numbers in a dtype that Python knows."""
    memory = core.to_number(x, numbers) if isinstance(x, Tracer) else core.to_ndarray(x)
    if memory.dtype in _PYTHON_KINDS:
        return memory
    return memory.astype(np.float64 if dtypes.is_float(memory.dtype) else np.int64)


def item(x: Any, *args: Any) -> bool | int | float | complex:
    """The element at the given index (one number: of the flattened array) as a Python number; the only one if none.

    Raises: ValueError unless there is one element, or an index.
    """
    if not args and x.aval.size != 1:
        raise ValueError("can only convert an array of size 1 to a Python scalar")
    return _plain(x).item(*[operator.index(a) for a in args])


def tolist(x: Any) -> Any:
    """Nested lists of Python numbers."""
    _keep_derivative("tolist", x)
    return _plain(x).tolist()


def tobytes(x: Any, order: str = "C") -> bytes:
    """The elements' bytes."""
    return core.to_ndarray(x).tobytes(order)


def to_bytes(x: Any) -> bytes:
    """bytes(x): the elements' bytes; of one integer that many zeros, as of NumPy's."""
    return bytes(to_index(x)) if not x.shape and dtypes.is_integer(x.dtype) else tobytes(x)


# ---- sequences ----


def length(x: Any) -> int:
    shape = x.shape
    if not shape:
        raise TypeError("len() of unsized object")
    return shape[0]


def iterate(x: Any) -> Iterator[Any]:
    if not x.shape:
        raise TypeError("iteration over a 0-d array")
    if type(x) is Array and x._np is not None:
        memory, t = x._np, x._t
        wrap = core.wrap
        return iter([wrap(memory[i, ...], t) for i in range(len(memory))])
    return iter(lax.unstack(x, 0))


def iterate_back(x: Any) -> Iterator[Any]:
    return iter(list(iterate(x))[::-1])


def contains(x: Any, value: Any) -> bool:
    return to_bool(lax.reduce_or(x == value, tuple(range(x.aval.ndim))))


def no_assignment(x: Any, index: Any, value: Any) -> None:
    raise TypeError(
        "numax arrays are immutable and do not support in-place item assignment. Instead of x[idx] = y, use "
        "x = x.at[idx].set(y) or another .at[] method."
    )


# ---- text ----


def array_repr(x: Array) -> str:
    """Array([1., 2.], dtype=float32), as NumPy shows it."""
    memory = x.numpy_()
    if dtypes.is_key(x.dtype):
        words = np.stack([memory & np.uint64(0xFFFFFFFF), memory >> np.uint64(32)], -1).astype(
            np.uint32
        )
        return f"Array({x.shape}, dtype={x.dtype.name}) overlaying:\n{words}"
    prefix = "Array("
    if memory.size or memory.shape == (0,):
        body = np.array2string(memory, separator=", ", prefix=prefix)
    else:
        body = "[]"
    if not memory.size:
        body += f", shape={memory.shape}"
    tail = f"dtype={memory.dtype.name}{', weak_type=True' if x._t.weak else ''})"
    last = len(prefix) + len(body) if "\n" not in body else len(body) - body.rfind("\n") - 1
    width = np.get_printoptions()["linewidth"]
    gap = " " if last + len(tail) + 1 <= width else "\n" + " " * len(prefix)
    return f"{prefix}{body},{gap}{tail}"


def array_str(x: Array) -> str:
    return array_repr(x) if dtypes.is_key(x.dtype) else str(x.numpy_())


def array_format(x: Array, spec: str) -> str:
    if not x.shape:
        return format(x.numpy_()[()], spec)
    if spec:
        raise TypeError(
            "unsupported format string passed to Array.__format__. Format the elements, or str(x)."
        )
    return str(x)


def tracer_repr(x: Tracer) -> str:
    """What is known of a traced value, as JAX names the kinds of tracers."""
    shown = ("~" if x.weak_type else "") + x.aval.str_short()
    if hasattr(x, "note"):
        return f"JitTracer({shown})"
    if hasattr(x, "dim"):
        inner = x.val.aval
        return f"VmapTracer(aval={shown}, batched={inner.str_short()})"
    if hasattr(x, "tangent"):
        tangent = x.tangent
        if isinstance(tangent, Tracer) and not hasattr(tangent, "primal"):
            return f"GradTracer(primal={x.primal}, typeof(tangent)={tangent.aval.short()})"
        return f"JVPTracer(primal={x.primal}, tangent={tangent})"
    return f"{type(x).__name__}<{x.aval.short()}>"


def tracer_format(x: Tracer, spec: str) -> str:
    if spec:
        raise TypeError(
            f"unsupported format string passed to {type(x).__name__}.__format__: the value of {x.aval.str_short()} is not "
            "known while tracing. Use numax.debug.print."
        )
    return repr(x)


# ---- NumPy ----


def to_numpy(x: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """np.asarray(x): a read-only view where no other dtype and no copy is asked for."""
    if type(x) is Array and dtype is None and not copy and type(x._t.dtype) is not dtypes.KeyType:
        memory = x.numpy_()
        memory.flags.writeable = False
        return memory.view()
    if dtypes.is_key(x.dtype):
        raise TypeError(
            "PRNG keys do not convert to NumPy arrays. Use numax.random.key_data(keys)."
        )
    _keep_derivative("numpy", x, core.errors.TracerArrayConversionError)
    memory = core.to_ndarray(x)
    if dtype is not None and np.dtype(dtype) != memory.dtype:
        if copy is False:
            raise ValueError(
                f"asarray: {memory.dtype} to {np.dtype(dtype)} needs a copy, and copy=False was given."
            )
        return memory.astype(dtype)
    if copy:
        return memory.copy()
    memory.flags.writeable = False
    return memory.view()


def to_memory(x: Any, flags: int) -> memoryview:
    return memoryview(to_numpy(x))


def release_memory(x: Any, view: memoryview) -> None:
    view.release()


def array_module(x: Any, types: Any) -> Any:
    """numax.numpy, if all types are arrays of ours or NumPy's. Source: NEP 37."""
    known = all(issubclass(t, Array | Tracer | np.ndarray | np.generic) for t in types)
    return sys.modules["numax.numpy"] if known else NotImplemented


def namespace(x: Any, *, api_version: str | None = None) -> Any:
    """numax.numpy, an implementation of the array API standard.

    Raises: ValueError for a version of the standard that is not implemented.
    """
    versions = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
    if api_version is not None and api_version not in versions:
        raise ValueError(
            f"__array_namespace__: version {api_version!r} is not one of {', '.join(versions)}."
        )
    return sys.modules["numax.numpy"]


# ---- DLPack ----


class _Memory:
    """NumPy's array interface to an array's memory, not marked read-only: DLPack before 1.0 cannot say so."""

    def __init__(self, memory: np.ndarray):
        interface = dict(memory.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface
        self.memory = memory


def dlpack(
    x: Any,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A DLPack capsule over the array's memory. Consumers must not write to it.

    Raises: BufferError for another device than the array's.
    """
    place = dlpack_device(x)
    if dl_device is not None and tuple(dl_device) != place:
        raise BufferError(
            f"__dlpack__: the array is on the device {place}; asked for {dl_device}. Use jax.device_put."
        )
    if place[0] != _CPU:
        return api.devices.dlpack_capsule(x)
    memory = core.to_ndarray(x)
    if memory.dtype not in _PYTHON_KINDS:
        return api.devices.dlpack_capsule(x)
    if copy or not memory.size:
        return memory.copy().__dlpack__(max_version=max_version)
    return np.asarray(_Memory(memory)).__dlpack__(max_version=max_version)


_CPU, _CUDA = 1, 2


def dlpack_device(x: Any) -> tuple[int, int]:
    """(kind of device, its number): (1, 0) for the CPU, (2, n) for CUDA devices."""
    core.to_ndarray(x) if isinstance(x, Tracer) else None
    if x._np is not None:
        return (_CPU, 0)
    where = device(x)
    return (_CPU, 0) if where.platform == "cpu" else (_CUDA, where.id)


def cuda_interface(x: Array) -> dict[str, Any]:
    """Numba's description of memory on a CUDA device.

    Raises: AttributeError for arrays that are not on one.
    """
    if x._buf is None or platform(x) == "cpu":
        raise AttributeError("__cuda_array_interface__ is only defined for GPU buffers.")
    return {
        "shape": x.shape,
        "typestr": np.dtype(x.dtype).str,
        "data": (api.devices.device_pointer(x), False),
        "version": 2,
    }


# ---- pickles and copies ----


def restore(memory: np.ndarray, dtype: Any, weak: bool) -> Array:
    """The Array of a pickle."""
    return core.wrap(memory, core.etype(dtype, weak))


def reduced(x: Any) -> tuple[Any, tuple[Any, ...]]:
    memory = np.ascontiguousarray(core.to_ndarray(x)).reshape(x.shape)
    return restore, (memory, x.dtype, x.weak_type)


def copied(x: Any) -> Any:
    """An array of its own. The memory is shared: nothing can change it."""
    if type(x) is Array:
        return core.wrap(x.numpy_(), x._t)
    return x


def deep_copied(x: Any, memo: Any) -> Any:
    return copied(x)


# ---- where arrays live ----


def devices(x: Any) -> set[Any]:
    """The devices that hold the array."""
    core.to_ndarray(x) if isinstance(x, Tracer) else None
    return api.devices.devices_of(x)


def device(x: Array) -> Any:
    """The device that holds the array, or its sharding where there are several."""
    found = api.devices.devices_of(x)
    return next(iter(found)) if len(found) == 1 else api.sharding.sharding_of(x)


def platform(x: Array) -> str:
    """'cpu', 'gpu' or 'tpu'."""
    return next(iter(api.devices.devices_of(x))).platform


def to_device(x: Any, device: Any, /, *, stream: Any = None) -> Any:
    """The array on a device."""
    return api.devices.device_put(x, device)


def sharding(x: Any) -> Any:
    """How the array lies on its devices."""
    return api.sharding.sharding_of(x)


def layout(x: Any) -> Any:
    """How elements lie in memory, and where."""
    return api.sharding.Format(api.sharding.Layout(tuple(range(x.aval.ndim))), sharding(x))


def shards(x: Any) -> list[Any]:
    """The pieces of the array on this process's devices, each with its device, index and data."""
    return api.sharding.shards_of(x, lambda piece: core.wrap(piece, x._t))


def addressable_data(x: Any, index: int) -> Any:
    """The piece of the array on one device."""
    return shards(x)[index].data


def block_until_ready(x: Any) -> Any:
    """The array, when it has been computed."""
    if type(x) is Array and x._np is None:
        try:
            x._buf.block_until_ready()
        except (
            Exception
        ):  # what has another buffer, or none, or failed: there it raises what the user is to see
            return api.devices.block(x)
    return x


def is_ready(x: Any) -> bool:
    """Whether the array has been computed."""
    return api.devices.is_ready(x)


def copy_to_host_async(x: Any) -> None:
    """Begin to bring the array to the host."""
    api.devices.copy_to_host_async(x)


def is_deleted(x: Array) -> bool:
    """Whether the array's memory was freed or donated."""
    return api.devices.is_deleted(x)


def delete(x: Array) -> None:
    """Free the array's memory; using it afterwards raises RuntimeError."""
    api.devices.delete(x)


def pointer(x: Array) -> int:
    """The address of the array's memory on the host."""
    return core.to_ndarray(x).__array_interface__["data"][0]


def nbytes(x: Any) -> int:
    """Bytes of all elements."""
    return x.aval.size * x.dtype.itemsize


def device_bytes(x: Any) -> int:
    """The memory that the array takes."""
    return nbytes(x)


def committed(x: Array) -> bool:
    """Whether the array was put on a device by name."""
    return api.devices.is_placed(x)


def is_fully_replicated(x: Array) -> bool:
    """Whether each device holds all of it."""
    return len(api.devices.devices_of(x)) == 1
