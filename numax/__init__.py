"""numax: NumPy arrays with gradients, compilation and vectorisation. JAX's public names and semantics, from scratch.

`import numax.numpy as jnp`; then `numax.grad`, `numax.jit`, `numax.vmap` compose to any depth.
"""

import importlib as _importlib

from numax._engine import dispatch as _dispatch
from numax._engine.core import array as _array
from numax._engine.core import ir_print as _ir_print
from numax._engine.core import primitive as _primitive
from numax._engine.core import trace as _trace
from numax._engine.core import tracebacks as _tracebacks

# The base trace and the device hook: installed here and nowhere else.
_primitive.Evaluator.run = staticmethod(_dispatch.evaluate)
_array.Hooks.device = _dispatch
_tracebacks.install()

from numax import debug, dtypes, errors, lax, numpy, tree, tree_util  # noqa: E402
from numax._engine.control.callback import pure_callback  # noqa: E402
from numax._engine.control.custom_jvp import custom_jvp  # noqa: E402
from numax._engine.control.custom_vjp import custom_vjp  # noqa: E402
from numax._engine.core.array import Array  # noqa: E402
from numax._engine.core.config import (  # noqa: E402
    check_tracer_leaks,
    config,
    debug_infs,
    debug_key_reuse,
    debug_nans,
    default_device,
    default_matmul_precision,
    default_prng_impl,
    disable_jit,
    enable_checks,
    enable_custom_prng,
    enable_x64,
    explain_cache_misses,
    legacy_prng_key,
    log_compiles,
    numpy_dtype_promotion,
    numpy_rank_promotion,
    softmax_custom_jvp,
    threefry_partitionable,
)
from numax._engine.core.dtypes import float0  # noqa: E402
from numax._engine.core.trace import eager_mode as ensure_compile_time_eval  # noqa: E402
from numax._engine.core.trace import typeof  # noqa: E402
from numax.api.caches import clear_caches  # noqa: E402
from numax.api.checkpoint import (  # noqa: E402
    checkpoint,
    checkpoint_policies,
    closure_convert,
    custom_gradient,
    remat,
)
from numax.api.debug import effects_barrier  # noqa: E402
from numax.api.devices import (  # noqa: E402
    block_until_ready,
    copy_to_host_async,
    default_backend,
    device_count,
    device_get,
    device_put,
    device_put_replicated,
    device_put_sharded,
    devices,
    live_arrays,
    local_device_count,
    local_devices,
    process_count,
    process_index,
    process_indices,
)
from numax.api.grad import (  # noqa: E402
    grad,
    hessian,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linear_transpose,
    linearize,
    value_and_grad,
    vjp,
)
from numax.api.jit import jit  # noqa: E402
from numax.api.pmap import pmap  # noqa: E402
from numax.api.stages import ShapeDtypeStruct, eval_shape, make_jaxpr  # noqa: E402
from numax.api.vmap import vmap  # noqa: E402
from numax.numpy import methods as _methods  # noqa: E402

__version__ = "0.1.0"
_array.Array.__module__ = "numax"
_methods.install(_array.Array, _trace.Tracer)

# Packages that most programs do not need are imported at their first use, so that `import numax` stays cheap.
_LAZY = frozenset(
    ("experimental", "flatten_util", "image", "nn", "ops", "random", "scipy", "sharding")
)


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return _importlib.import_module(f"numax.{name}")
    raise AttributeError(f"module 'numax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
