"""Starting PJRT plugins, which `installed` finds. Only the library is loaded; no Python code of a plugin runs."""

import functools
import os
import sys
import warnings
from typing import Any

from numax._engine.runtime.door import Xla, without_jax


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


def make_client(door: Xla, platform: str, library: str, client_options: dict[str, Any]) -> Any:
    """Load the plugin's library and make its client."""
    module = door.client_module
    if not module.pjrt_plugin_loaded(platform):
        with without_jax:
            module.load_pjrt_plugin_dynamically(platform, library)
    if not module.pjrt_plugin_initialized(platform):
        module.initialize_pjrt_plugin(platform)
    options = _gpu_options(door) if platform in ("cuda", "rocm") else {}
    for name in ("node_id", "num_nodes"):
        if name in client_options:
            options[name] = client_options[name]
    return module.make_c_api_client(platform, options, client_options.get("distributed_client"))


def warn_unusable(platform: str, error: Exception) -> None:
    """Say once that an installed plugin did not start."""
    warnings.warn(
        f"numax: the installed {platform} plugin could not be started, so the CPU is used. {error}",
        RuntimeWarning,
        stacklevel=4,
    )
