"""Text of StableHLO modules. It knows neither primitives nor jaxlib.

Read in this order: `types` (types, constants and attributes as text), `builder` (values, regions,
functions), `hlo` (one function per operation, in `elementwise`, `structure`, `compound` and
`collective`), `walk` (a program to a module).
May import: the standard library, NumPy, ml_dtypes, `_engine.core`.
"""

from numax._engine.core.facade import facade

__all__, __getattr__, __dir__ = facade(
    __name__, {}, "builder collective compound elementwise hlo structure types walk"
)
