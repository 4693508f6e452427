"""What users call on functions: jit, grad, vmap and their kin. Each turns pytrees into flat values, and back.

May import all of the engine; must not know numax.numpy.
"""

from numax._engine.core.facade import facade

__all__, __getattr__, __dir__ = facade(
    __name__, {}, "caches checkpoint debug devices grad jit pmap sharding stages vmap"
)
