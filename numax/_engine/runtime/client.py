"""Clients and devices. A client is made at the first need and lives until the process ends."""

import ctypes
import os
import threading
from typing import Any

from numax._engine.core.config import num_cpu_devices, platforms
from numax._engine.core.facade import load
from numax._engine.runtime import installed, plugin
from numax._engine.runtime.door import Xla, user_error, xla
from numax._engine.runtime.installed import is_made as is_made

_ALIASES = {"gpu": "cuda"}


class Backend:
    """One platform's client, and its devices."""

    __slots__ = ("client", "devices", "local_devices", "platform", "version")

    def __init__(self, platform: str, client: Any):
        self.platform = platform
        self.client = client
        self.devices: tuple[Any, ...] = tuple(client.devices())
        self.local_devices: tuple[Any, ...] = tuple(client.local_devices())
        self.version: str = str(client.platform_version)

    def __repr__(self) -> str:
        return f"<{self.platform} backend, {len(self.devices)} devices>"


_backends: dict[str, Backend] = installed.backends
_default: Backend | None = None
_lock = threading.RLock()
_forked = False
_client_options: dict[str, Any] = {}


def _count_from_flags() -> bool:
    return "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")


def set_num_cpu_devices(n: int) -> None:
    """Make `n` CPU devices when the CPU client is made.

    Raises: RuntimeError if the client is made already, ValueError if n < 1."""
    if n < 1:
        raise ValueError(f"set_num_cpu_devices: n must be at least 1; got {n}.")
    with _lock:
        num_cpu_devices.set(n)


def _check_num_cpu_devices(n: int) -> None:
    """The option's hook: a change comes too late once the client is made."""
    made = _backends.get("cpu")
    if made is not None and n != len(made.devices):
        count = len(made.devices)
        num_cpu_devices.shared = count
        raise RuntimeError(
            f"jax_num_cpu_devices: the CPU client is made already, with {count} devices; got {n}. "
            "Set it before the first computation."
        )


num_cpu_devices.hooks.append(_check_num_cpu_devices)


def set_client_options(**options: Any) -> None:
    """Options for clients made later: distributed_client, node_id, num_nodes, collectives.

    Raises: RuntimeError if a client is made already."""
    with _lock:
        if _backends:
            raise RuntimeError(
                "set_client_options: a client is made already. "
                "Initialise before the first computation."
            )
        _client_options.clear()
        _client_options.update(options)


def _make_client(door: Xla, platform: str) -> Any:
    if platform == "cpu":
        count = num_cpu_devices.value
        if count < 1:
            count = None if _count_from_flags() else 1
        return door.cpu_client(count, **_client_options)
    found = installed.find(platform)
    if found is None:
        raise RuntimeError(
            f"backend: no PJRT plugin for platform {platform!r} is installed. Install it "
            "(for example jax-cuda12-plugin with jax-cuda12-pjrt), or set NUMAX_PLATFORMS=cpu."
        )
    return plugin.make_client(door, platform, found, _client_options)


def _make(platform: str) -> Backend:
    check_process()
    door = xla()
    try:
        client = _make_client(door, platform)
    except door.Error as error:
        raise user_error(error, f"backend: the {platform} client could not be made.") from None
    _backends[platform] = Backend(platform, client)
    load(
        "numax._engine.runtime.shutdown"
    )  # stands above this file, and tidies up what is made here
    return _backends[platform]


def _choose() -> Backend:
    """The first platform of the option, or an installed accelerator that starts, or the CPU."""
    asked = platforms.value
    if asked:
        names = [name.strip().lower() for name in asked.split(",") if name.strip()]
        failures = []
        for name in names:
            try:
                return backend(name)
            except RuntimeError as error:
                failures.append(f"{name}: {error}")
        raise RuntimeError(
            "backend: none of the platforms could be started; " + "; ".join(failures)
        )
    for name in installed.installed():
        try:
            made = backend(name)
        except RuntimeError as error:
            plugin.warn_unusable(name, error)
            continue
        if made.local_devices:
            return made
    return backend("cpu")


def backend(platform: str | None = None) -> Backend:
    """The client of `platform`, or of the default platform, made at the first call.

    Raises: RuntimeError if there is no such platform here."""
    global _default
    if platform is None:
        if _default is None:
            with _lock:
                if _default is None:
                    _default = _choose()
        return _default
    name = platform.lower()
    name = _ALIASES.get(name, name)
    made = _backends.get(name)
    if made is None:
        with _lock:
            made = _backends.get(name) or _make(name)
    return made


def backend_of(device: Any) -> Backend:
    """The backend that `device` belongs to."""
    for made in _backends.values():
        if made.client is device.client:
            return made
    return backend(device.platform)


def devices(platform: str | None = None) -> list[Any]:
    """All devices of a platform, in order of their ids."""
    return list(backend(platform).devices)


def local_devices(platform: str | None = None) -> list[Any]:
    """The devices that this process can address."""
    return list(backend(platform).local_devices)


def device_count(platform: str | None = None) -> int:
    """Number of devices, those of other processes included."""
    return len(backend(platform).devices)


def default_backend() -> str:
    """Name of the default platform: "cpu", "gpu", "tpu"."""
    name = backend().platform
    return "gpu" if name in ("cuda", "rocm") else name


def process_index() -> int:
    """The rank of this process."""
    return int(backend().client.process_index())


def available() -> bool:
    """False in a forked child whose parent had started XLA: its threads are gone there."""
    return not _forked


def check_process() -> None:
    """Raises: RuntimeError in a forked child whose parent had started XLA."""
    if _forked:
        raise RuntimeError(
            "numax: this process was forked after XLA had started its threads, and they do not "
            "survive a fork. Start the process with the 'spawn' or 'forkserver' method, or fork "
            "before the first compiled call."
        )


def keep_forever(thing: Any) -> None:
    """Never run the destructor of `thing`, not at the interpreter's end either."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _after_fork() -> None:
    """In the child: XLA's destructors would wait for threads that are gone."""
    global _forked
    _forked = _forked or bool(_backends)
    for made in _backends.values():
        keep_forever(made.client)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
