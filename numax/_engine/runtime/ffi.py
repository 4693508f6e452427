"""Custom-call targets: jaxlib's LAPACK kernels for the CPU, registered when a program first names
one, and the optional kernels of numax/_kernels.c."""

import functools
import importlib
import os
import threading
import warnings
from typing import Any

from numax._engine.core.source import warning_level
from numax._engine.runtime.door import user_error, xla

_lock = threading.Lock()
_registered: set[tuple[str, str]] = set()
_lapack_ready = False


def register_needed(text: str) -> None:
    """Register the kernels that a program names."""
    if not _lapack_ready and "@lapack_" in text:
        _register_lapack()


def _register_lapack() -> None:
    global _lapack_ready
    door = xla()
    with _lock:
        if _lapack_ready:
            return
        kernels = importlib.import_module("jaxlib.cpu._lapack")
        kernels.initialize()
        for name, target in kernels.registrations().items():
            api_version = 1 if name.endswith("_ffi") else 0
            door.client_module.register_custom_call_target(
                name, target, platform="cpu", api_version=api_version
            )
        _lapack_ready = True


def kernels(platform: str) -> bool:
    """Whether programs may call the kernels of numax/_kernels.c. NUMAX_NATIVE=0 leaves them out."""
    return platform == "cpu" and _register_kernels()


@functools.cache
def _register_kernels() -> bool:
    """False where they were not built, or for another version of XLA's interface."""
    if os.environ.get("NUMAX_NATIVE", "1") == "0":
        return False
    try:
        module = importlib.import_module("numax._kernels")
    except ModuleNotFoundError:
        return False
    door = xla()
    try:
        for name, target in module.registrations().items():
            door.client_module.register_custom_call_target(
                name, target, platform="cpu", api_version=1
            )
    except door.Error as error:
        warnings.warn(
            "numax: its kernels were built for another jaxlib, and programs run without them, more slowly. Install numax again to "
            f"build them. ({error})",
            RuntimeWarning,
            stacklevel=warning_level(),
        )
        return False
    return True


def register_target(name: str, target: Any, platform: str = "cpu", api_version: int = 1) -> None:
    """Make a compiled function (a capsule, or a dict of stages) callable from programs under
    `name`.

    Raises: ValueError if the name is taken, JaxRuntimeError if the runtime refuses it."""
    door = xla()
    with _lock:
        if (name, platform) in _registered:
            raise ValueError(f"register_target: {name!r} is registered for {platform} already.")
        try:
            door.client_module.register_custom_call_target(
                name, target, platform=platform, api_version=api_version
            )
        except door.Error as error:
            raise user_error(error) from None
        _registered.add((name, platform))
