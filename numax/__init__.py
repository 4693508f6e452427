"""numax: NumPy arrays with gradients, compilation and vectorisation. JAX's public names and semantics, from scratch.

`import numax.numpy as jnp`; then `numax.grad`, `numax.jit`, `numax.vmap` compose to any depth.
"""

from typing import Any as _Any

from numax._engine.core import array as _array
from numax._engine.core import facade as _facade
from numax._engine.core import primitive as _primitive
from numax._engine.core import trace as _trace
from numax._engine.core import tracebacks as _tracebacks
from numax._engine.core.array import Array
from numax.numpy import attributes as _attributes
from numax.numpy import conversions as _conversions
from numax.numpy import creation as _creation


def _first_run(*args: _Any) -> _Any:
    """The first operation loads the dispatcher, which takes this function's place."""
    _primitive.Evaluator.run = staticmethod(_facade.load("numax._engine.dispatch").evaluate)
    return _primitive.Evaluator.run(*args)


# The base trace, the device hook, the methods: installed here and nowhere else.
_primitive.Evaluator.run = staticmethod(_first_run)
_array.Hooks.device = _facade.LateModule("numax._engine.dispatch")
_tracebacks.install()
_attributes.install(Array, _trace.Tracer)

__version__ = "0.1.0"
Array.__module__ = "numax"

_HOMES = {
    "numax._engine.control.callback": "pure_callback",
    "numax._engine.control.custom_jvp": "custom_jvp",
    "numax._engine.control.custom_vjp": "custom_vjp",
    "numax._engine.core.config": (
        "check_tracer_leaks config debug_infs debug_key_reuse debug_nans default_device "
        "default_matmul_precision default_prng_impl disable_jit enable_checks "
        "enable_custom_prng enable_x64 explain_cache_misses legacy_prng_key log_compiles "
        "numpy_dtype_promotion numpy_rank_promotion softmax_custom_jvp threefry_partitionable"
    ),
    "numax._engine.core.dtypes": "float0",
    "numax._engine.core.trace": "ensure_compile_time_eval=eager_mode typeof",
    "numax.api.caches": "clear_caches",
    "numax.api.checkpoint": "checkpoint checkpoint_policies closure_convert custom_gradient remat",
    "numax.api.debug": "effects_barrier",
    "numax.api.devices": (
        "block_until_ready copy_to_host_async default_backend device_count device_get "
        "device_put device_put_replicated device_put_sharded devices live_arrays "
        "local_device_count local_devices process_count process_index process_indices"
    ),
    "numax.api.grad": (
        "grad hessian jacfwd jacobian jacrev jvp linear_transpose linearize value_and_grad vjp"
    ),
    "numax.api.jit": "jit",
    "numax.api.pmap": "pmap",
    "numax.api.stages": "ShapeDtypeStruct eval_shape make_jaxpr",
    "numax.api.vmap": "vmap",
}
_MODULES = (
    "ad_checkpoint core custom_derivatives debug dtypes errors flatten_util lax nn numpy random scipy stages tree "
    "tree_util"
)

_names, __getattr__, __dir__ = _facade.facade(__name__, _HOMES, _MODULES)
__all__ = ["Array", "__version__", *_names]
