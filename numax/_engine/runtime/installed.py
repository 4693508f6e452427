"""What is known of the platforms without opening jaxlib: the clients that are made, and the plugins that are installed.

PJRT plugins are accelerators' clients, in shared libraries of their own packages. A plugin package puts a folder into the
namespace package `jax_plugins` (for NVIDIA: jax-cuda12-pjrt and jax-cuda13-pjrt, which hold the library
`xla_cuda_plugin.so`)."""

import functools
import os
import sys
from typing import Any

backends: dict[str, Any] = {}  # platform -> client.Backend
_LIBRARIES = {"cuda": ("xla_cuda13", "xla_cuda12"), "rocm": ("xla_rocm7", "xla_rocm60")}


def is_made() -> bool:
    """Whether a client exists."""
    return bool(backends)


def find(platform: str) -> str | None:
    """The library of the installed plugin of `platform`. PJRT_NAMES_AND_LIBRARY_PATHS ("name:path,...") goes
    first."""
    for pair in os.environ.get("PJRT_NAMES_AND_LIBRARY_PATHS", "").split(","):
        name, _, path = pair.partition(":")
        if name.strip() == platform and path:
            return path
    for entry in sys.path:
        for name in _LIBRARIES.get(platform, ()):
            library = os.path.join(entry, "jax_plugins", name, f"xla_{platform}_plugin.so")
            if os.path.isfile(library):
                return library
    return None


def installed() -> list[str]:
    """Platforms of the installed plugins, the preferred one first."""
    named = [
        pair.partition(":")[0].strip()
        for pair in os.environ.get("PJRT_NAMES_AND_LIBRARY_PATHS", "").split(",")
        if ":" in pair
    ]
    return named + [name for name in _LIBRARIES if name not in named and find(name) is not None]


@functools.cache
def accelerator_installed() -> bool:
    """Whether a plugin for another platform than the CPU is on the import path."""
    return bool(installed())
