# Written by tools/write_stubs.py from the tables beside it.

from numax import ad_checkpoint as ad_checkpoint
from numax import core as core
from numax import custom_derivatives as custom_derivatives
from numax import debug as debug
from numax import dtypes as dtypes
from numax import errors as errors
from numax import flatten_util as flatten_util
from numax import lax as lax
from numax import nn as nn
from numax import numpy as numpy
from numax import random as random
from numax import scipy as scipy
from numax import stages as stages
from numax import tree as tree
from numax import tree_util as tree_util
from numax._engine.control.callback import (
    pure_callback as pure_callback,
)
from numax._engine.control.custom_jvp import (
    custom_jvp as custom_jvp,
)
from numax._engine.control.custom_vjp import (
    custom_vjp as custom_vjp,
)
from numax._engine.core.config import (
    check_tracer_leaks as check_tracer_leaks,
    config as config,
    debug_infs as debug_infs,
    debug_key_reuse as debug_key_reuse,
    debug_nans as debug_nans,
    default_device as default_device,
    default_matmul_precision as default_matmul_precision,
    default_prng_impl as default_prng_impl,
    disable_jit as disable_jit,
    enable_checks as enable_checks,
    enable_custom_prng as enable_custom_prng,
    enable_x64 as enable_x64,
    explain_cache_misses as explain_cache_misses,
    legacy_prng_key as legacy_prng_key,
    log_compiles as log_compiles,
    numpy_dtype_promotion as numpy_dtype_promotion,
    numpy_rank_promotion as numpy_rank_promotion,
    softmax_custom_jvp as softmax_custom_jvp,
    threefry_partitionable as threefry_partitionable,
)
from numax._engine.core.dtypes import (
    float0 as float0,
)
from numax._engine.core.trace import (
    eager_mode as ensure_compile_time_eval,
    typeof as typeof,
)
from numax.api.caches import (
    clear_caches as clear_caches,
)
from numax.api.checkpoint import (
    checkpoint as checkpoint,
    checkpoint_policies as checkpoint_policies,
    closure_convert as closure_convert,
    custom_gradient as custom_gradient,
    remat as remat,
)
from numax.api.debug import (
    effects_barrier as effects_barrier,
)
from numax.api.devices import (
    block_until_ready as block_until_ready,
    copy_to_host_async as copy_to_host_async,
    default_backend as default_backend,
    device_count as device_count,
    device_get as device_get,
    device_put as device_put,
    device_put_replicated as device_put_replicated,
    device_put_sharded as device_put_sharded,
    devices as devices,
    live_arrays as live_arrays,
    local_device_count as local_device_count,
    local_devices as local_devices,
    process_count as process_count,
    process_index as process_index,
    process_indices as process_indices,
)
from numax.api.grad import (
    grad as grad,
    hessian as hessian,
    jacfwd as jacfwd,
    jacobian as jacobian,
    jacrev as jacrev,
    jvp as jvp,
    linear_transpose as linear_transpose,
    linearize as linearize,
    value_and_grad as value_and_grad,
    vjp as vjp,
)
from numax.api.jit import (
    jit as jit,
)
from numax.api.pmap import (
    pmap as pmap,
)
from numax.api.stages import (
    ShapeDtypeStruct as ShapeDtypeStruct,
    eval_shape as eval_shape,
    make_jaxpr as make_jaxpr,
)
from numax.api.vmap import (
    vmap as vmap,
)
from numax._engine.core.array import Array as Array

__version__: str
