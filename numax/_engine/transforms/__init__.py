"""Interpreters of programs and functions: differentiate, linearise, transpose, batch. May import core and ops.

Read jvp, linearize, partial_eval, transpose, vmap. None of them knows a higher-order operation: those bring rules
(`split`, `transpose`, `batch`, ...) that call the functions here.
"""

from numax._engine.core.facade import facade

__all__, __getattr__, __dir__ = facade(__name__, {}, "jvp linearize partial_eval transpose vmap")
