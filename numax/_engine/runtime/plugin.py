"""PJRT plugins: the accelerators' clients, in shared libraries of their own packages.

A plugin package puts a folder into the namespace package `jax_plugins` (for NVIDIA:
jax-cuda12-pjrt and jax-cuda13-pjrt, which hold the library `xla_cuda_plugin.so`). Only the
library is loaded; no Python code of the plugin runs."""

import functools
import os
import sys
import warnings
from typing import Any, NamedTuple

from numax._engine.runtime.door import Xla, without_jax

_LIBRARIES = {"cuda": ("xla_cuda13", "xla_cuda12"), "rocm": ("xla_rocm7", "xla_rocm60")}


class Plugin(NamedTuple):
    """A plugin library."""

    platform: str
    library: str


def find(platform: str) -> Plugin | None:
    """The installed plugin of `platform`. PJRT_NAMES_AND_LIBRARY_PATHS ("name:path,...") goes
    first."""
    for pair in os.environ.get("PJRT_NAMES_AND_LIBRARY_PATHS", "").split(","):
        name, _, path = pair.partition(":")
        if name.strip() == platform and path:
            return Plugin(platform, path)
    for entry in sys.path:
        for name in _LIBRARIES.get(platform, ()):
            library = os.path.join(entry, "jax_plugins", name, f"xla_{platform}_plugin.so")
            if os.path.isfile(library):
                return Plugin(platform, library)
    return None


def installed() -> list[str]:
    """Platforms of the installed plugins, the preferred one first."""
    named = [
        pair.partition(":")[0].strip()
        for pair in os.environ.get("PJRT_NAMES_AND_LIBRARY_PATHS", "").split(",")
        if ":" in pair
    ]
    return named + [name for name in _LIBRARIES if name not in named and find(name) is not None]


def _gpu_options(door: Xla) -> dict[str, Any]:
    """Memory options from XLA's environment variables, and the visible devices."""
    options = dict(door.client_module.generate_pjrt_gpu_plugin_options())
    visible = os.environ.get("JAX_CUDA_VISIBLE_DEVICES", "")
    if visible and visible != "all":
        options["visible_devices"] = [int(index) for index in visible.split(",")]
    return options


@functools.cache
def cuda_data_folder() -> str:
    """The folder of CUDA's compiler files among the installed packages; empty where there is
    none."""
    for entry in sys.path:
        for name in ("cu13", "cuda_nvcc"):
            folder = os.path.join(entry, "nvidia", name)
            if os.path.isfile(os.path.join(folder, "nvvm", "libdevice", "libdevice.10.bc")):
                return folder
    return ""


def make_client(door: Xla, plugin: Plugin, client_options: dict[str, Any]) -> Any:
    """Load the plugin's library and make its client."""
    module = door.client_module
    if not module.pjrt_plugin_loaded(plugin.platform):
        with without_jax:
            module.load_pjrt_plugin_dynamically(plugin.platform, plugin.library)
    if not module.pjrt_plugin_initialized(plugin.platform):
        module.initialize_pjrt_plugin(plugin.platform)
    options = _gpu_options(door) if plugin.platform in ("cuda", "rocm") else {}
    for name in ("node_id", "num_nodes"):
        if name in client_options:
            options[name] = client_options[name]
    return module.make_c_api_client(
        plugin.platform, options, client_options.get("distributed_client")
    )


def warn_unusable(platform: str, error: Exception) -> None:
    """Say once that an installed plugin did not start."""
    warnings.warn(
        f"numax: the installed {platform} plugin could not be started, so the CPU is used. {error}",
        RuntimeWarning,
        stacklevel=4,
    )
