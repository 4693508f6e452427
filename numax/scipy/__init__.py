"""SciPy's functions on numax arrays: special, linalg, stats, optimize, signal, fft and more. SciPy is not used.

Import the part: `from numax.scipy import special`. May import numax.numpy, numax.random, numax.lax, numax.api.
"""

from numax._engine.core.facade import facade

__all__, __getattr__, __dir__ = facade(
    __name__,
    {},
    "cluster fft integrate interpolate linalg ndimage optimize signal sparse special stats",
)
