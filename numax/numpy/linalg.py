"""numpy.linalg: products, factorisations, norms, determinants and linear systems."""

from typing import Any

from numax import core
from numax.core import Array
from numax.numpy import linalg_products as _products
from numax.numpy.linalg_factors import (
    cholesky,
    cond,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    lstsq,
    matrix_rank,
    pinv,
    qr,
    svd,
    svdvals,
)
from numax.numpy.linalg_norms import matrix_norm, norm, vector_norm
from numax.numpy.linalg_products import matmul as _matmul
from numax.numpy.linalg_products import multi_dot
from numax.numpy.linalg_solving import (
    det,
    inv,
    matrix_power,
    slogdet,
    solve,
    tensorinv,
    tensorsolve,
)
from numax.numpy.promotion import value as _value


def matmul(
    x1: Any, x2: Any, /, *, precision: Any = None, preferred_element_type: Any = None
) -> Array:
    """The matrix product over the last two axes, as `numax.numpy.matmul`.

    Grad: bilinear. Source: array API `linalg.matmul`.
    """
    return _matmul(x1, x2, precision=precision, preferred_element_type=preferred_element_type)


def matrix_transpose(x: Any, /) -> Array:
    """The last two axes exchanged.

    Raises: ValueError for less than two axes. Grad: linear. Source: array API `linalg.matrix_transpose`.
    """
    x = _value("matrix_transpose", x)
    n = x.aval.ndim
    if n < 2:
        raise ValueError(f"matrix_transpose requires at least 2 dimensions; got ndim={n}.")
    return core.lax.transpose(x, (*range(n - 2), n - 1, n - 2))


def diagonal(x: Any, /, *, offset: int = 0) -> Array:
    """The diagonals of the matrices in the last two axes.

    Raises: ValueError for less than two axes. Grad: linear. Source: array API `linalg.diagonal`.
    """
    x = _value("diagonal", x)
    if x.aval.ndim < 2:
        raise ValueError(f"diagonal requires at least 2 dimensions; got ndim={x.aval.ndim}.")
    return _products.diagonal_last(x, offset)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """The sum along the diagonal of the matrices in the last two axes.

    Grad: linear. Source: array API `linalg.trace`.
    """
    return _products.trace(x, offset, -2, -1, dtype)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Array:
    """The cross product of vectors of 3 components.

    Raises: ValueError for other sizes. Grad: bilinear. Source: array API `linalg.cross`.
    """
    x1, x2 = _value("cross", x1), _value("cross", x2, 1)
    sizes = [x.aval.shape[core.canonical_axis("cross", axis, x.aval.ndim)] for x in (x1, x2)]
    if sizes != [3, 3]:
        raise ValueError(
            "cross: Both input arrays must be (arrays of) 3-dimensional vectors, but they have "
            f"x1.shape[axis]={sizes[0]} and x2.shape[axis]={sizes[1]}. numax.numpy.cross takes 2 components too."
        )
    return _products.cross(x1, x2, axis=axis)


def outer(x1: Any, x2: Any, /) -> Array:
    """The products of all elements of two vectors.

    Raises: ValueError unless both have one axis. Grad: bilinear. Source: array API `linalg.outer`.
    """
    x1, x2 = _value("outer", x1), _value("outer", x2, 1)
    if x1.aval.ndim != 1 or x2.aval.ndim != 1:
        raise ValueError(
            f"outer: Input arrays must be one-dimensional, but they are x1.ndim={x1.aval.ndim} x2.ndim={x2.aval.ndim}. "
            "Use numax.numpy.outer, which flattens."
        )
    return _products.outer(x1, x2)


def tensordot(
    x1: Any,
    x2: Any,
    /,
    *,
    axes: Any = 2,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The sum of products over chosen axes, as `numax.numpy.tensordot`.

    Grad: bilinear. Source: array API `linalg.tensordot`.
    """
    return _products.tensordot(
        x1, x2, axes, precision=precision, preferred_element_type=preferred_element_type
    )


def vecdot(
    x1: Any,
    x2: Any,
    /,
    *,
    axis: int = -1,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Array:
    """The sums of conj(x1) * x2 over one axis, as `numax.numpy.vecdot`.

    Grad: bilinear. Source: array API `linalg.vecdot`.
    """
    options = {"precision": precision, "preferred_element_type": preferred_element_type}
    given = {k: v for k, v in options.items() if v is not None}
    return _products.vecdot(x1, x2, axis=axis, **given)


__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]

core.settle(globals())
