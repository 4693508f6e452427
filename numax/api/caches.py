"""Forgetting what was traced and compiled."""

from numax._engine import dispatch, runtime
from numax._engine.core import ir
from numax.api.jit import Jitted


def clear_caches() -> None:
    """Forget all traced programs and compiled executables of this process. The disk cache stays."""
    for function in list(Jitted.living):
        function.clear_cache()
    dispatch.clear_caches()
    ir.clear_interned()
    runtime.clear_memory()
