"""scipy.sparse: iterative solvers of linear systems, in `linalg`."""

from numax.scipy.sparse import linalg

__all__ = ["linalg"]
