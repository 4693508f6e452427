"""From the text of a module to an Executable: in-memory cache, disk cache, compiler.

The compiler takes StableHLO text as it is; MLIR's Python bindings are imported only for programs
with host callbacks. Option names differ between versions of jaxlib: a name that the compiler does
not know is left out and remembered."""

import hashlib
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from numax._engine.core.config import log_compiles
from numax._engine.runtime import cache, callback, client, ffi, machine, plugin, signature
from numax._engine.runtime.door import user_error, xla
from numax._engine.runtime.execute import Executable, Output

MAX_IN_MEMORY = 2048
# Halves the time of compilation; programs on small arrays run as fast.
SMALL: dict[str, object] = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": 1,
}
# Loops over larger arrays on CPUs (decision 0011): LLVM's own vectoriser, and for long formulas three vectors at a time, of 512 bits
# where the CPU has them. XLA's tiles make one short vector at a time, each of whose operations waits for the one before. A scalar
# that chooses between formulas gives a loop for each (`cpu_math.in_range`). Transpositions need the tiles: a loop over columns whose
# distance is a power of two takes ten times as long.
LOOPS: dict[str, str] = {"xla_cpu_disable_tiled_emitter": ""}
FORMULAS: dict[str, str] = {
    **LOOPS,
    "-force-vector-interleave": "3",
    "-unswitch-threshold": "2000",
}
WIDE: dict[str, object] = {"xla_cpu_prefer_vector_width": 512}
_EXTRA = "xla_backend_extra_options"
_TRANSPOSE = "stablehlo.transpose"

_UNKNOWN = re.compile(r"No such compile option: '([^']+)'")
_LONG_TEXT = 2048
_HEAD = 400
_log = logging.getLogger("numax")
_lock = threading.Lock()
_memory: OrderedDict[Any, Executable] = OrderedDict()
_in_flight: dict[Any, threading.Lock] = {}
_unknown_options: set[str] = set()


class Program(NamedTuple):
    """All that a compilation depends on."""

    text: str
    devices: tuple[Any, ...]
    partitions: int
    replicas: int
    options: tuple[tuple[str, object], ...]
    small: bool
    formulas: bool
    strict: bool
    callbacks: tuple[Callable[..., Any], ...]
    outputs: tuple[Output, ...]
    donated: tuple[int, ...]


class Statistics:
    """Counts since the start of the process."""

    __slots__ = ("compiled", "from_disk", "from_memory")

    def __init__(self) -> None:
        self.compiled = self.from_disk = self.from_memory = 0


statistics = Statistics()


def compile(
    text: str,
    *,
    devices: Sequence[Any] | None = None,
    num_partitions: int = 1,
    num_replicas: int = 1,
    options: Mapping[str, object] | Sequence[tuple[str, object]] = (),
    small: bool = False,
    formulas: bool = False,
    strict: bool = False,
    callbacks: Sequence[Callable[..., Any]] = (),
    outputs: Sequence[Output | tuple[Any, ...]] | None = None,
    donate: Sequence[int] = (),
) -> Executable:
    """The executable of a StableHLO module, from memory, from disk, or newly compiled. Thread-safe.

    Args: devices: None: the default device, or as many as num_partitions * num_replicas asks for.
          options: XLA's compile options; names unknown to this jaxlib are left out, or an error
          with `strict`.
          small: all arrays are small: compile fast.
          formulas: long chains of arithmetic on each element: make code that runs them side by side.
          callbacks: functions that the text's `xla_ffi_python_cpu_callback` calls name by index.
          outputs: (shape, dtype) or (shape, dtype, pieces along each axis) of each result; None:
          read off the text, every result replicated.
          donate: the parameters that the text marks as donated. Memory that NumPy still looks at
          is copied first.
    Raises: JaxRuntimeError if the compiler refuses the program."""
    devices = _pick_devices(devices, num_partitions * num_replicas)
    wanted = tuple(sorted(dict(options).items())) if options else ()
    declared = None if outputs is None else _outputs(outputs)
    donated = tuple(donate)
    name = text if len(text) < _LONG_TEXT else hashlib.sha256(text.encode()).digest()
    key = (name, devices, num_partitions, num_replicas, wanted, small, formulas, declared, donated)
    found = None if callbacks else _memory.get(key)
    if found is not None:
        statistics.from_memory += 1
        return found
    program = Program(
        text,
        devices,
        num_partitions,
        num_replicas,
        wanted,
        small,
        formulas,
        strict,
        tuple(callbacks),
        _read_outputs(text) if declared is None else declared,
        donated,
    )
    return _build(program) if callbacks else _build_once(key, program)


def _build_once(key: Any, program: Program) -> Executable:
    """Build and remember; a second thread that wants the same program waits for the first."""
    with _lock:
        gate = _in_flight.setdefault(key, threading.Lock())
    try:
        with gate:
            found = _memory.get(key)
            if found is None:
                found = _build(program)
                with _lock:
                    _memory[key] = found
                    while len(_memory) > MAX_IN_MEMORY:
                        _memory.popitem(last=False)
    finally:
        with _lock:
            _in_flight.pop(key, None)
    return found


def _pick_devices(devices: Sequence[Any] | None, count: int) -> tuple[Any, ...]:
    client.check_process()
    found = client.backend().devices[:count] if devices is None else tuple(devices)
    if len(found) != count:
        raise ValueError(f"compile: the program needs {count} devices; got {len(found)}.")
    return found


def _read_outputs(text: str) -> tuple[Output, ...]:
    return tuple(Output(shape, dtype) for shape, dtype in signature.results(text))


def _outputs(outputs: Sequence[Any]) -> tuple[Output, ...]:
    out = []
    for shape, dtype, *rest in outputs:
        partition = tuple(rest[0]) if rest and rest[0] is not None else None
        out.append(Output(tuple(shape), np.dtype(dtype), partition))
    return tuple(out)


def _compile_options(
    devices: tuple[Any, ...],
    partitions: int,
    replicas: int,
    overrides: Mapping[str, object],
    extras: Mapping[str, str] | None = None,
    shardy: bool = False,
) -> Any:
    module = xla().client_module
    options = module.CompileOptions()
    if extras:
        options = options.ParseFromString(with_extras(options.SerializeAsString(), extras))
    options.num_partitions = partitions
    options.num_replicas = replicas
    build = options.executable_build_options
    build.num_partitions = partitions
    build.num_replicas = replicas
    if partitions > 1:
        build.use_spmd_partitioning = True
        build.use_shardy_partitioner = shardy
    ids = np.array([device.id for device in devices], np.int32).reshape(replicas, partitions)
    options.device_assignment = module.DeviceAssignment.create(ids)
    if devices[0].platform in ("cuda", "gpu") and plugin.cuda_data_folder():
        build.debug_options.xla_gpu_cuda_data_dir = plugin.cuda_data_folder()
    options.env_option_overrides = list(overrides.items())
    return options


def _overrides(program: Program, platform: str) -> dict[str, object]:
    chosen: dict[str, object] = {}
    if platform == "cpu":
        chosen.update(SMALL if program.small else WIDE if program.formulas else {})
    chosen.update(program.options)
    chosen.pop(_EXTRA, None)
    return {name: value for name, value in chosen.items() if name not in _unknown_options}


def _extras(program: Program, platform: str) -> dict[str, str]:
    """Options of the code generator: the program's own ("name=value,name"), or else ours."""
    own = dict(program.options).get(_EXTRA)
    if own is None:
        if platform != "cpu" or program.small:
            return {}
        return FORMULAS if program.formulas else {} if _TRANSPOSE in program.text else LOOPS
    pairs = [part.partition("=") for part in str(own).split(",") if part]
    return {name: value for name, _, value in pairs}


def with_extras(options: bytes, extras: Mapping[str, str]) -> bytes:
    """A CompileOptionsProto with entries of its map executable_build_options.debug_options.xla_backend_extra_options.

    jaxlib has no attribute for it. What follows a serialised message is merged into it, so the bytes are appended; a name
    that XLA_FLAGS gives stays as it is there."""
    entries = [
        _field(500, _field(1, name.encode()) + _field(2, value.encode()))
        for name, value in extras.items()
        if name.encode() not in options
    ]
    return options + _field(3, _field(3, b"".join(entries)))


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited field. Source: Protocol Buffers, "Encoding"."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(n: int) -> bytes:
    groups = [n & 127]
    while n := n >> 7:
        groups[-1] |= 128
        groups.append(n & 127)
    return bytes(groups)


def _build(program: Program) -> Executable:
    """From disk if it is there, else compiled, once more for each option that this jaxlib does
    not know."""
    backend = client.backend_of(program.devices[0])
    ffi.register_needed(program.text)
    shardy = "sdy.sharding" in program.text
    extras = _extras(program, backend.platform)
    while True:
        overrides = _overrides(program, backend.platform)
        options = _compile_options(
            program.devices, program.partitions, program.replicas, overrides, extras, shardy
        )
        try:
            loaded = _load_or_compile(program, backend, options, {**overrides, **extras})
        except xla().Error as error:
            unknown = _UNKNOWN.search(str(error))
            name = unknown[1] if unknown else ""
            if name not in overrides or (program.strict and name in dict(program.options)):
                head = f"The program begins:\n{program.text[:_HEAD]}"
                raise user_error(error, head) from None
            _unknown_options.add(name)
            continue
        return Executable(
            loaded, program.devices, program.outputs, program.donated, program.callbacks
        )


def _load_or_compile(
    program: Program, backend: client.Backend, options: Any, overrides: Mapping[str, object]
) -> Any:
    device_list = xla().DeviceList(program.devices)
    key = _disk_key(program, overrides, backend)
    loaded = _from_disk(key, backend, device_list, options) if key else None
    if loaded is not None:
        return loaded
    if log_compiles.value:
        size, where = len(program.text), backend.platform
        _log.warning("Compiling a program of %d characters for %s.", size, where)
    build = backend.client.compile_and_load
    if program.callbacks:
        module, functions = callback.parse(program.text), list(program.callbacks)
        loaded = build(module, device_list, options, host_callbacks=functions)
    else:
        loaded = build(program.text.encode(), device_list, options)
    statistics.compiled += 1
    if key:
        _to_disk(key, loaded)
    return loaded


def _disk_key(program: Program, overrides: Mapping[str, object], backend: client.Backend) -> str:
    """The entry's name. Empty where nothing is kept: cache off, host callbacks, several
    processes."""
    several = len(backend.devices) != len(backend.local_devices)
    if program.callbacks or several or cache.folder() is None:
        return ""
    devices = program.devices
    digest = hashlib.sha256(
        machine.fingerprint(xla().version, backend.version, devices[0].device_kind)
    )
    layout = (
        backend.platform,
        len(backend.devices),
        [device.id for device in devices],
        program.partitions,
        program.replicas,
        sorted((name, str(value)) for name, value in overrides.items()),
    )
    digest.update(repr(layout).encode())
    digest.update(program.text.encode())
    return digest.hexdigest()


def _from_disk(key: str, backend: client.Backend, device_list: Any, options: Any) -> Any:
    payload = cache.read(key)
    if payload is None:
        return None
    try:
        loaded = backend.client.deserialize_executable(payload, device_list, options)
    except xla().Error:
        cache.remove(key)
        return None
    statistics.from_disk += 1
    return loaded


def _to_disk(key: str, loaded: Any) -> None:
    try:
        payload = loaded.serialize()
    except xla().Error as error:
        _log.debug("A program is not kept on disk: %s", error)
        return
    cache.write(key, payload)


def load(
    payload: bytes,
    *,
    devices: Sequence[Any] | None = None,
    num_partitions: int = 1,
    num_replicas: int = 1,
    outputs: Sequence[Output | tuple[Any, ...]],
    donate: Sequence[int] = (),
) -> Executable:
    """The executable of bytes that `Executable.serialize` gave. Only load bytes that you trust:
    they are machine code.

    Raises: JaxRuntimeError if they were made for another machine or jaxlib."""
    devices = _pick_devices(devices, num_partitions * num_replicas)
    options = _compile_options(devices, num_partitions, num_replicas, {})
    door = xla()
    try:
        loaded = client.backend_of(devices[0]).client.deserialize_executable(
            payload, door.DeviceList(devices), options
        )
    except door.Error as error:
        raise user_error(error) from None
    return Executable(loaded, devices, _outputs(outputs), tuple(donate))


def clear_memory() -> None:
    """Forget the executables kept in memory."""
    with _lock:
        _memory.clear()
