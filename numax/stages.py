"""The steps of compilation as objects. A facade."""

from numax.api.jit import Jitted as Wrapped
from numax.api.stages import ArgInfo, Compiled, Lowered, Traced

__all__ = ["ArgInfo", "Compiled", "Lowered", "Traced", "Wrapped"]
