"""jaxlib behind one door: clients and devices, compilation with its caches, device memory,
execution.

Read: installed, door, client, buffers, execute, compiler; then cache, machine, signature, callback, ffi,
plugin, distributed, shutdown. Imports `_engine.core`. A facade: each part is loaded at the first need, and
jaxlib itself by `door.xla()`."""

from numax._engine.core.facade import facade

_HOMES = {
    "numax._engine.runtime.buffers": (
        "block block_all capsule copy delete device_of devices_of fetch_shards from_capsule handle_class is_deleted "
        "is_handle is_ready is_viewed memory_stats move partition_of pointer put_sharded "
        "shape_dtype shards_of split to_device to_numpy"
    ),
    "numax._engine.runtime.client": (
        "Backend available backend backend_of default_backend "
        "device_count devices local_devices process_index set_client_options "
        "set_num_cpu_devices"
    ),
    "numax._engine.runtime.compiler": "clear_memory compile load statistics",
    "numax._engine.runtime.execute": "Executable Output effects_barrier",
    "numax._engine.runtime.ffi": "kernels register_target",
    "numax._engine.runtime.installed": "accelerator_installed is_made",
    "numax._engine.runtime.trees": "flattener rebuilder",
}

__all__, __getattr__, __dir__ = facade(__name__, _HOMES, "distributed shutdown")
