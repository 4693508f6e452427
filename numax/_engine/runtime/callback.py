"""Programs that call Python. They go to the compiler as MLIR modules, so the bindings are
imported here, and only then.

In the text: `stablehlo.custom_call @xla_ffi_python_cpu_callback(%a) {api_version = 4 : i32,
has_side_effect = ..., backend_config = {index = I : ui64}}`, where I is the position in the list
of callbacks. A callback takes NumPy arrays (read-only views of the program's memory, valid until
it returns) and gives a tuple of NumPy arrays of the declared types."""

import importlib
import threading
from typing import Any

from numax._engine.runtime.door import user_error, xla

TARGET = "xla_ffi_python_cpu_callback"

_lock = threading.Lock()
_context: Any = None


def _mlir() -> Any:
    global _context
    with _lock:
        if _context is None:
            ir = importlib.import_module("jaxlib.mlir.ir")
            stablehlo = importlib.import_module("jaxlib.mlir.dialects.stablehlo")
            importlib.import_module("jaxlib.mlir.dialects.func")
            extension = importlib.import_module("jaxlib.mlir._mlir_libs._jax_mlir_ext")
            context = ir.Context()
            registry = ir.DialectRegistry()
            extension.register_dialects(registry)
            context.append_dialect_registry(registry)
            context.load_all_available_dialects()
            stablehlo.register_dialect(context)
            _context = context
    return _context


def parse(text: str) -> Any:
    """The MLIR module of a text.

    Raises: JaxRuntimeError if it is malformed."""
    xla()
    context = _mlir()
    ir = importlib.import_module("jaxlib.mlir.ir")
    try:
        return ir.Module.parse(text, context=context)
    except ir.MLIRError as error:
        raise user_error(error) from None
