# Written by tools/write_stubs.py from the tables beside it.

from numax._engine.runtime import distributed as distributed
from numax._engine.runtime import shutdown as shutdown
from numax._engine.runtime.buffers import (
    block as block,
    block_all as block_all,
    capsule as capsule,
    copy as copy,
    delete as delete,
    device_of as device_of,
    devices_of as devices_of,
    fetch_shards as fetch_shards,
    from_capsule as from_capsule,
    handle_class as handle_class,
    is_deleted as is_deleted,
    is_handle as is_handle,
    is_ready as is_ready,
    is_viewed as is_viewed,
    memory_stats as memory_stats,
    move as move,
    partition_of as partition_of,
    pointer as pointer,
    put_sharded as put_sharded,
    shape_dtype as shape_dtype,
    shards_of as shards_of,
    split as split,
    to_device as to_device,
    to_numpy as to_numpy,
)
from numax._engine.runtime.client import (
    Backend as Backend,
    available as available,
    backend as backend,
    backend_of as backend_of,
    default_backend as default_backend,
    device_count as device_count,
    devices as devices,
    local_devices as local_devices,
    process_index as process_index,
    set_client_options as set_client_options,
    set_num_cpu_devices as set_num_cpu_devices,
)
from numax._engine.runtime.compiler import (
    clear_memory as clear_memory,
    compile as compile,
    load as load,
    statistics as statistics,
)
from numax._engine.runtime.execute import (
    Executable as Executable,
    Output as Output,
    effects_barrier as effects_barrier,
)
from numax._engine.runtime.ffi import (
    kernels as kernels,
    register_target as register_target,
)
from numax._engine.runtime.installed import (
    accelerator_installed as accelerator_installed,
    is_made as is_made,
)
from numax._engine.runtime.trees import (
    flattener as flattener,
    rebuilder as rebuilder,
)
