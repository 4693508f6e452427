"""Linear algebra: factorisations and solutions, over leading batch axes. A facade."""

from numax._engine.ops.linalg_eigen import (
    EighImplementation,
    EigImplementation,
    eig,
    eig_p,
    eigh,
    eigh_p,
    schur,
    schur_p,
)
from numax._engine.ops.linalg_lu import (
    lu,
    lu_p,
    lu_pivots_to_permutation,
    lu_pivots_to_permutation_p,
)
from numax._engine.ops.linalg_orthogonal import (
    hessenberg,
    hessenberg_p,
    householder_product,
    householder_product_p,
    ormqr,
    ormqr_p,
    qr,
    qr_p,
    tridiagonal,
    tridiagonal_p,
)
from numax._engine.ops.linalg_solve import (
    cholesky,
    cholesky_p,
    triangular_solve,
    triangular_solve_p,
)
from numax._engine.ops.linalg_svd import SvdAlgorithm, svd, svd_p
from numax._engine.ops.linalg_tridiagonal import tridiagonal_solve, tridiagonal_solve_p
from numax._engine.ops.linalg_updates import (
    cholesky_update,
    cholesky_update_p,
    qdwh,
    symmetric_product,
    symmetric_product_p,
)

__all__ = [
    "EigImplementation",
    "EighImplementation",
    "SvdAlgorithm",
    "cholesky",
    "cholesky_p",
    "cholesky_update",
    "cholesky_update_p",
    "eig",
    "eig_p",
    "eigh",
    "eigh_p",
    "hessenberg",
    "hessenberg_p",
    "householder_product",
    "householder_product_p",
    "lu",
    "lu_p",
    "lu_pivots_to_permutation",
    "lu_pivots_to_permutation_p",
    "ormqr",
    "ormqr_p",
    "qdwh",
    "qr",
    "qr_p",
    "schur",
    "schur_p",
    "svd",
    "svd_p",
    "symmetric_product",
    "symmetric_product_p",
    "triangular_solve",
    "triangular_solve_p",
    "tridiagonal",
    "tridiagonal_p",
    "tridiagonal_solve",
    "tridiagonal_solve_p",
]
