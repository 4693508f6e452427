"""scipy.sparse.linalg: linear systems by iteration, for matrices and for functions of arrays or pytrees.

Gradients are those of the solution, found by solving the transposed system; the iterations are not differentiated.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

import numax.numpy as jnp
from numax import core, lax, tree_util
from numax.api.grad import linear_transpose

_map = tree_util.tree_map


def _dot(a: Any, b: Any) -> Any:
    """The inner product of two trees, conjugating the first."""
    parts = [
        jnp.vdot(x, y, precision=lax.Precision.HIGHEST) for x, y in zip(*_leaves(a, b), strict=True)
    ]
    return sum(parts[1:], parts[0])


def _real_dot(a: Any, b: Any) -> Any:
    return jnp.real(_dot(a, b))


def _leaves(*trees: Any) -> list[Any]:
    return [tree_util.tree_leaves(t) for t in trees]


def _size(a: Any) -> Any:
    return jnp.sqrt(_real_dot(a, a))


def _add(a: Any, b: Any) -> Any:
    return _map(jnp.add, a, b)


def _sub(a: Any, b: Any) -> Any:
    return _map(jnp.subtract, a, b)


def _scaled(number: Any, a: Any) -> Any:
    return _map(lambda x: (number * x).astype(x.dtype), a)


def _plus(a: Any, number: Any, b: Any) -> Any:
    """a + number b."""
    return _map(lambda x, y: (x + number * y).astype(x.dtype), a, b)


def _operator(op: str, a: Any) -> Callable[[Any], Any]:
    """A function of a matrix or function."""
    if callable(a):
        return a
    matrix = core.as_value(a, op)
    if matrix.aval.ndim != 2 or matrix.aval.shape[0] != matrix.aval.shape[1]:
        raise ValueError(
            f"{op}: A must be a square matrix or a function; got {matrix.aval.str_short()}."
        )
    return lambda x: matrix @ x


def _identity(x: Any) -> Any:
    return x


# ---- the iterations ----


def _cg(A: Any, b: Any, x0: Any, tol: Any, atol: Any, maxiter: int, M: Any) -> Any:
    """Conjugate gradients (Hestenes & Stiefel 1952), preconditioned."""
    limit = jnp.maximum(jnp.square(tol) * _real_dot(b, b), jnp.square(atol))

    def go_on(state: Any) -> Any:
        _, r, gamma, _, k = state
        rs = gamma if M is _identity else _real_dot(r, r)
        return (rs > limit) & (k < maxiter)

    def body(state: Any) -> Any:
        x, r, gamma, p, k = state
        ap = A(p)
        alpha = gamma / _real_dot(p, ap)
        x, r = _plus(x, alpha, p), _plus(r, -alpha, ap)
        z = M(r)
        new = _real_dot(r, z)
        return x, r, new, _plus(z, new / gamma, p), k + 1

    r = _sub(b, A(x0))
    z = M(r)
    start = (x0, r, _real_dot(r, z), z, jnp.zeros((), jnp.int32))
    return lax.while_loop(go_on, body, start)[0]


def _bicgstab(A: Any, b: Any, x0: Any, tol: Any, atol: Any, maxiter: int, M: Any) -> Any:
    """Stabilised biconjugate gradients (van der Vorst 1992), preconditioned."""
    limit = jnp.maximum(jnp.square(tol) * _real_dot(b, b), jnp.square(atol))

    def go_on(state: Any) -> Any:
        r, k = state[1], state[-1]
        return (_real_dot(r, r) > limit) & (k < maxiter) & (k >= 0)

    def body(state: Any) -> Any:
        x, r, shadow, alpha, omega, rho, p, q, k = state
        new_rho = _dot(shadow, r)
        beta = new_rho / rho * alpha / omega
        p = _plus(r, beta, _plus(p, -omega, q))
        ph = M(p)
        q = A(ph)
        alpha = new_rho / _dot(shadow, q)
        s = _plus(r, -alpha, q)
        early = _real_dot(s, s) < limit
        sh = M(s)
        t = A(sh)
        omega = _dot(t, s) / _dot(t, t)
        near = _plus(x, alpha, ph)
        x = _map(lambda u, v: jnp.where(early, u, v), near, _plus(near, omega, sh))
        r = _map(lambda u, v: jnp.where(early, u, v), s, _plus(s, -omega, t))
        k = jnp.where((omega == 0) | (alpha == 0) | (new_rho == 0), -1, k + 1)
        return x, r, shadow, alpha, omega, new_rho, p, q, k

    r = _sub(b, A(x0))
    one = jnp.ones((), jnp.result_type(*_leaves(b)[0]))
    start = (x0, r, r, one, one, one, r, _scaled(0, r), jnp.zeros((), jnp.int32))
    return lax.while_loop(go_on, body, start)[0]


def _flattened(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A tree of arrays as one vector, and the way back."""
    leaves, structure = tree_util.tree_flatten(tree)
    dtype = jnp.result_type(*leaves)
    sizes = [int(np.prod(x.shape)) for x in leaves]
    flat = jnp.concatenate([jnp.ravel(x).astype(dtype) for x in leaves])

    def back(vector: Any) -> Any:
        out, start = [], 0
        for x, n in zip(leaves, sizes, strict=True):
            out.append(jnp.reshape(vector[start : start + n], x.shape).astype(x.dtype))
            start += n
        return tree_util.tree_unflatten(structure, out)

    return flat, back


def _gmres(A: Any, b: Any, x0: Any, tol: Any, atol: Any, maxiter: int, M: Any, restart: int) -> Any:
    """GMRES (Saad & Schultz 1986), restarted, left-preconditioned; orthogonalised twice, least squares by QR."""
    flat_b, back = _flattened(b)
    flat_x, _ = _flattened(x0)
    n = flat_b.shape[0]
    restart = min(restart, n)
    eps = jnp.finfo(flat_b.dtype).eps

    def apply(v: Any) -> Any:
        return _flattened(M(A(back(v))))[0].astype(flat_b.dtype)

    def residual(x: Any) -> Any:
        return _flattened(M(_sub(b, A(back(x)))))[0].astype(flat_b.dtype)

    target = _flattened(M(b))[0]
    limit = jnp.maximum(tol * jnp.linalg.norm(target), atol)

    def arnoldi(k: Any, carry: Any) -> Any:
        basis, h = carry
        v = apply(basis[:, k])
        start = jnp.linalg.norm(v)
        c = basis.conj().T @ v
        v = v - basis @ c
        again = basis.conj().T @ v
        v, c = v - basis @ again, c + again
        size = jnp.linalg.norm(v)
        size = jnp.where(size > eps * start, size, 0)  # the space is exhausted
        v = jnp.where(size > 0, v / jnp.where(size > 0, size, 1), 0)
        basis = lax.dynamic_update_index_in_dim(basis, v, k + 1, 1)
        column = lax.dynamic_update_index_in_dim(c, size.astype(c.dtype), k + 1, 0)
        return basis, lax.dynamic_update_index_in_dim(h, column, k, 1)

    def cycle(state: Any) -> Any:
        x, r, beta, k = state
        basis = jnp.zeros((n, restart + 1), flat_b.dtype).at[:, 0].set(r / beta)
        h = jnp.zeros((restart + 1, restart), flat_b.dtype)
        basis, h = lax.fori_loop(0, restart, arnoldi, (basis, h))
        rhs = jnp.zeros((restart + 1,), flat_b.dtype).at[0].set(beta.astype(flat_b.dtype))
        y = jnp.linalg.pinv(h) @ rhs
        x = x + basis[:, :-1] @ y
        r = residual(x)
        return x, r, jnp.linalg.norm(r), k + 1

    def go_on(state: Any) -> Any:
        _, _, beta, k = state
        return (beta > limit) & (k < maxiter)

    r = residual(flat_x)
    start = (flat_x.astype(flat_b.dtype), r, jnp.linalg.norm(r), jnp.zeros((), jnp.int32))
    return back(lax.while_loop(go_on, cycle, start)[0])


# ---- what the solvers share ----


def _solve(
    op: str, A: Any, b: Any, x0: Any, maxiter: Any, M: Any, iterate: Any, symmetric: bool
) -> Any:
    """Run the iteration, with the gradient of the solution."""
    b = _map(lambda x: jnp.asarray(core.as_value(x, op)), b)
    if not all(jnp.issubdtype(x.dtype, jnp.inexact) for x in _leaves(b)[0]):
        b = _map(lambda x: x.astype(jnp.result_type(x, float)), b)
    apply = _operator(op, A)
    precondition = _identity if M is None else _operator(op, M)
    x0 = (
        _map(jnp.zeros_like, b) if x0 is None else _map(lambda x, y: jnp.asarray(x, y.dtype), x0, b)
    )
    shapes = [x.shape for x in _leaves(b)[0]]
    if (
        tree_util.tree_structure(x0) != tree_util.tree_structure(b)
        or [x.shape for x in _leaves(x0)[0]] != shapes
    ):
        raise ValueError(
            f"{op}: x0 and b must have matching tree structure and shapes; got {shapes} for b."
        )
    count = 10 * sum(int(np.prod(s)) for s in shapes) if maxiter is None else maxiter

    def solve(matvec: Any, b: Any) -> Any:
        return iterate(matvec, b, x0, count, precondition)

    def transpose_solve(vecmat: Any, ct: Any) -> Any:
        adjoint = _identity if M is None else _transposed(precondition, ct)
        return iterate(vecmat, ct, _map(jnp.zeros_like, ct), count, adjoint)

    real = not any(jnp.iscomplexobj(x) for x in _leaves(b)[0])
    return lax.custom_linear_solve(apply, b, solve, transpose_solve, symmetric=symmetric and real)


def _transposed(fun: Any, like: Any) -> Any:
    transpose = linear_transpose(fun, like)
    return lambda v: transpose(v)[0]


def cg(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: float = 1e-05,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
) -> tuple[Any, None]:
    """x with A x = b by conjugate gradients, for Hermitian positive definite A (a matrix or function), and None.

    Args: tol, atol: stop at |b - A x| <= max(tol |b|, atol); M approximates the inverse of A.
    Raises: ValueError if trees or shapes do not fit. Grad: yes. Source: SciPy `sparse.linalg.cg`.
    """

    def iterate(A: Any, b: Any, x0: Any, count: int, M: Any) -> Any:
        return _cg(A, b, x0, tol, atol, count, M)

    return _solve("cg", A, b, x0, maxiter, M, iterate, True), None


def bicgstab(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: float = 1e-05,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
) -> tuple[Any, None]:
    """x with A x = b by stabilised biconjugate gradients, for any square A (a matrix or function), and None.

    Args and Raises: as cg. Grad: yes. Source: SciPy `sparse.linalg.bicgstab`.
    """

    def iterate(A: Any, b: Any, x0: Any, count: int, M: Any) -> Any:
        return _bicgstab(A, b, x0, tol, atol, count, M)

    return _solve("bicgstab", A, b, x0, maxiter, M, iterate, False), None


def gmres(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: float = 1e-05,
    atol: float = 0.0,
    restart: int = 20,
    maxiter: int | None = None,
    M: Any = None,
    solve_method: str = "batched",
) -> tuple[Any, None]:
    """x with A x = b by generalised minimal residuals, restarted, for any square A (a matrix or function), and None.

    Args: solve_method "batched" or "incremental", which give the same. Raises: as cg; ValueError for another method.
    Grad: yes. Source: SciPy `sparse.linalg.gmres`.
    """
    if solve_method not in ("batched", "incremental"):
        raise ValueError(
            f"gmres: invalid solve_method {solve_method!r}. Use 'batched' or 'incremental'."
        )

    def iterate(A: Any, b: Any, x0: Any, count: int, M: Any) -> Any:
        return _gmres(A, b, x0, tol, atol, count, M, restart)

    return _solve("gmres", A, b, x0, maxiter, M, iterate, False), None


__all__ = ["bicgstab", "cg", "gmres"]
