"""Custom derivative rules. A facade."""

from numax._engine.control.custom_jvp import SymbolicZero, custom_jvp, custom_jvp_call_p
from numax._engine.control.custom_vjp import CustomVJPPrimal, custom_vjp, custom_vjp_call_p
from numax.api.checkpoint import closure_convert, custom_gradient

__all__ = [
    "CustomVJPPrimal",
    "SymbolicZero",
    "closure_convert",
    "custom_gradient",
    "custom_jvp",
    "custom_jvp_call_p",
    "custom_vjp",
    "custom_vjp_call_p",
]
