"""scipy.optimize: minimisation of functions of a vector."""

from numax.scipy.optimize.minimize import OptimizeResults, minimize

__all__ = ["OptimizeResults", "minimize"]
