"""What stands under numax.numpy and the libraries above it: values, types, programs. A facade."""

import warnings
from typing import TYPE_CHECKING, Any

from numax._engine import eager
from numax._engine.core import axes, dtypes, errors, ir, source, tree
from numax._engine.core.array import Array, from_numpy, wrap, wrap_any
from numax._engine.core.avals import AbstractValue, ShapedArray, etype
from numax._engine.core.config import config
from numax._engine.core.facade import facade, settle
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, Literal, Var, eval_jaxpr
from numax._engine.core.native import native
from numax._engine.core.primitive import Primitive
from numax._engine.core.refusal import UFUNC, no_options, refuse, refuses
from numax._engine.core.shapes import canonical_axes, canonical_axis, canonical_shape
from numax._engine.core.trace import (
    Trace,
    Tracer,
    as_value,
    current,
    to_bool,
    to_index,
    to_ndarray,
    to_number,
    typeof,
)
from numax._engine.core.trace import eager_mode as ensure_compile_time_eval
from numax._engine.host.extrema import fast_max, fast_min

JaxprEqn = Eqn


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning at the user's line."""
    warnings.warn(message, category, stacklevel=source.warning_level())


def is_concrete(x: Any) -> bool:
    """Whether the numbers of a value are known now."""
    return type(x) is Array or (isinstance(x, Tracer) and x.concrete_() is not None)


def eager_now() -> bool:
    """Whether operations on Arrays run at once (no program is being recorded)."""
    return current.get().stage is None


_HOMES = {
    "numax": "lax",
    "numax._engine.control.record": "values_of",
    "numax._engine.ops.basis": ("convert full moveaxis zeros_of"),
    "numax._engine.ops.indexing": "At index index_get index_update",
}

_, __getattr__, __dir__ = facade(__name__, _HOMES)

if TYPE_CHECKING:
    from numax import lax
    from numax._engine.control.record import values_of
    from numax._engine.ops.basis import (
        convert,
        full,
        moveaxis,
        zeros_of,
    )
    from numax._engine.ops.indexing import At, index, index_get, index_update

__all__ = [
    "UFUNC",
    "AbstractValue",
    "Array",
    "At",
    "ClosedJaxpr",
    "Jaxpr",
    "JaxprEqn",
    "Literal",
    "Primitive",
    "ShapedArray",
    "Trace",
    "Tracer",
    "Var",
    "as_value",
    "axes",
    "canonical_axes",
    "canonical_axis",
    "canonical_shape",
    "config",
    "convert",
    "dtypes",
    "eager",
    "eager_now",
    "ensure_compile_time_eval",
    "errors",
    "etype",
    "eval_jaxpr",
    "fast_max",
    "fast_min",
    "from_numpy",
    "full",
    "index",
    "index_get",
    "index_update",
    "ir",
    "is_concrete",
    "lax",
    "moveaxis",
    "native",
    "no_options",
    "refuse",
    "refuses",
    "settle",
    "to_bool",
    "to_index",
    "to_ndarray",
    "to_number",
    "tree",
    "typeof",
    "values_of",
    "warn",
    "wrap",
    "wrap_any",
    "zeros_of",
]
