"""Linear algebra: factorisations and solutions, over leading batch axes. A facade."""

from numax._engine.core.facade import facade

_HOMES = {
    "numax._engine.ops.linalg_eigen": (
        "EigImplementation EighImplementation eig eig_p eigh eigh_p schur schur_p"
    ),
    "numax._engine.ops.linalg_lu": "lu lu_p lu_pivots_to_permutation lu_pivots_to_permutation_p",
    "numax._engine.ops.linalg_orthogonal": (
        "hessenberg hessenberg_p householder_product householder_product_p ormqr ormqr_p qr "
        "qr_p tridiagonal tridiagonal_p"
    ),
    "numax._engine.ops.linalg_solve": "cholesky cholesky_p triangular_solve triangular_solve_p",
    "numax._engine.ops.linalg_svd": "SvdAlgorithm svd svd_p",
    "numax._engine.ops.linalg_tridiagonal": "tridiagonal_solve tridiagonal_solve_p",
    "numax._engine.ops.linalg_updates": (
        "cholesky_update cholesky_update_p qdwh symmetric_product symmetric_product_p"
    ),
}

__all__, __getattr__, __dir__ = facade(__name__, _HOMES)
