"""SciPy's functions on numax arrays: special, linalg, stats, optimize, signal, fft and more. SciPy is not used.

Import the part: `from numax.scipy import special`. May import numax.numpy, numax.random, numax.lax, numax.api.
"""
