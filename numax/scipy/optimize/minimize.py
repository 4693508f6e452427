"""minimize: BFGS and L-BFGS, with exact gradients, as one compiled loop."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from numax import core, lax
from numax.api.grad import value_and_grad
from numax.core import dtypes
from numax.numpy.linalg_norms import norm
from numax.numpy.promotion import number, promote_inexact, value
from numax.scipy.optimize.line_search import search


class OptimizeResults(NamedTuple):
    """What minimize found: x, success, status, fun, jac, hess_inv, and counts of calls and iterations."""

    x: Any
    success: Any
    status: Any
    fun: Any
    jac: Any
    hess_inv: Any
    nfev: Any
    njev: Any
    nit: Any


_LBFGS = "l-bfgs-experimental-do-not-rely-on-this"
CONVERGED, TOO_MANY, NO_STEP = 0, 1, 5


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    method: str,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResults:
    """Find a local minimum of fun(x, *args) near the vector x0.

    Args: method "BFGS"; tol (or options gtol, norm) how small the gradient must get; options maxiter,
    line_search_maxiter. status: 0 converged, 1 too many iterations, 5 no step found.
    Raises: TypeError unless args is a tuple; ValueError for another method. Grad: none (loops do not reverse).
    Source: SciPy `optimize.minimize`; Nocedal & Wright 2006, chapter 6.
    """
    if not isinstance(args, tuple):
        raise TypeError(f"minimize: args argument must be a tuple, got {args!r}.")
    options = dict(options or {})
    name = method.lower()
    if name not in ("bfgs", _LBFGS):
        raise ValueError(f"minimize: Method {method} not recognized. Use 'BFGS'.")
    (x0,) = promote_inexact(value("minimize", x0))
    if x0.aval.ndim != 1 or dtypes.is_complex(x0.dtype):
        raise ValueError(
            f"minimize: x0 must be a vector of real numbers; got {x0.aval.str_short()}. Flatten it."
        )
    x0 = core.convert(x0, x0.dtype, False)
    known = {"gtol", "norm", "maxiter", "line_search_maxiter"}
    if name == _LBFGS:
        known |= {"maxcor", "ftol", "maxfun", "maxgrad", "maxls"}
    unknown = set(options) - known
    if unknown:
        raise TypeError(
            f"minimize: unknown options {sorted(unknown)}. Use {', '.join(sorted(known))}."
        )
    gtol = options.get("gtol", 1e-5 if tol is None else tol)
    most = options.get("maxiter") or 200 * x0.shape[0]
    tries = options.get("line_search_maxiter", options.get("maxls", 10 if name == "bfgs" else 20))

    def objective(x: Any) -> Any:
        out = fun(x, *args)
        out = value("minimize", out)
        if out.aval.shape:
            raise ValueError(
                f"minimize: the function must give a number; got {out.aval.str_short()}. Take the sum or mean."
            )
        return core.convert(out, x0.dtype)

    direction = _Dense(x0) if name == "bfgs" else _Limited(x0, int(options.get("maxcor", 10)))
    return _descend(
        value_and_grad(objective), x0, direction, gtol, options.get("norm", np.inf), most, tries
    )


def _dot(a: Any, b: Any) -> Any:
    return lax.reduce_sum(lax.mul(a, b), (0,))


def _times(scalar: Any, x: Any) -> Any:
    return lax.mul(lax.broadcast_in_dim(scalar, x.aval.shape, ()), x)


def _outer(a: Any, b: Any) -> Any:
    shape = (a.aval.shape[0], b.aval.shape[0])
    return lax.mul(lax.broadcast_in_dim(a, shape, (0,)), lax.broadcast_in_dim(b, shape, (1,)))


class _Dense:
    """BFGS: the inverse Hessian as a matrix."""

    def __init__(self, x: Any):
        n = x.shape[0]
        self.start = core.from_numpy(np.eye(n, dtype=x.dtype), False)

    def step(self, memory: Any, gradient: Any) -> Any:
        return lax.neg(lax.dot(memory, gradient))

    def update(self, h: Any, s: Any, y: Any, first: Any) -> Any:
        """(I - r s y^T) h (I - r y s^T) + r s s^T, r = 1 / y.s; unchanged where y.s is not positive."""
        curvature = _dot(y, s)
        good = lax.gt(curvature, number(curvature, 0))
        r = lax.div(number(curvature, 1), lax.select_n(good, number(curvature, 1), curvature))
        square = _dot(y, y)
        scale = lax.div(curvature, lax.select_n(good, number(curvature, 1), square))
        h = lax.select_n(lax.bitwise_and(first, good), h, _times(scale, h))
        hy = lax.dot(h, y)
        middle = lax.add(number(r, 1), lax.mul(r, _dot(y, hy)))
        new = lax.sub(h, _times(r, lax.add(_outer(s, hy), _outer(hy, s))))
        new = lax.add(new, _times(lax.mul(r, middle), _outer(s, s)))
        return lax.select_n(good, h, new)

    def result(self, memory: Any) -> Any:
        return memory


class _Limited:
    """L-BFGS: the last steps and changes of the gradient, the newest last (Nocedal & Wright, algorithm 7.4)."""

    def __init__(self, x: Any, size: int):
        zeros = core.full((size, x.shape[0]), 0, x.dtype)
        numbers = core.full((size,), 0, x.dtype)
        self.size = size
        self.start = (zeros, zeros, numbers, core.full((), 1, x.dtype))

    def step(self, memory: Any, gradient: Any) -> Any:
        steps, changes, rates, scale = memory
        n = self.size

        def at(x: Any, i: Any) -> Any:
            return lax.dynamic_index_in_dim(x, i, 0, keepdims=False)

        def backward(k: Any, carry: Any) -> Any:
            q, alphas = carry
            i = lax.sub(number(k, n - 1), k)
            alpha = lax.mul(at(rates, i), _dot(at(steps, i), q))
            q = lax.sub(q, _times(alpha, at(changes, i)))
            return q, lax.dynamic_update_index_in_dim(alphas, alpha, i, 0)

        def forward(i: Any, carry: Any) -> Any:
            q, alphas = carry
            beta = lax.mul(at(rates, i), _dot(at(changes, i), q))
            return lax.add(q, _times(lax.sub(at(alphas, i), beta), at(steps, i))), alphas

        q, alphas = lax.fori_loop(0, n, backward, (gradient, core.full((n,), 0, gradient.dtype)))
        q, _ = lax.fori_loop(0, n, forward, (_times(scale, q), alphas))
        return lax.neg(q)

    def update(self, memory: Any, s: Any, y: Any, first: Any) -> Any:
        steps, changes, rates, scale = memory
        curvature = _dot(y, s)
        good = lax.gt(curvature, number(curvature, 0))
        one = number(curvature, 1)
        rate = lax.div(one, lax.select_n(good, one, curvature))
        new_scale = lax.div(curvature, lax.select_n(good, one, _dot(y, y)))

        def pushed(rows: Any, row: Any) -> Any:
            rest = lax.slice_in_dim(rows, 1, self.size, axis=0)
            return lax.concatenate([rest, lax.expand_dims(row, (0,))], 0)

        return (
            lax.select_n(good, steps, pushed(steps, s)),
            lax.select_n(good, changes, pushed(changes, y)),
            lax.select_n(good, rates, pushed(rates, rate)),
            lax.select_n(good, scale, new_scale),
        )

    def result(self, memory: Any) -> Any:
        return None


class _State(NamedTuple):
    x: Any
    f: Any
    g: Any
    memory: Any
    status: Any
    small: Any
    count: Any
    calls: Any


def _descend(
    evaluate: Any, x0: Any, direction: Any, gtol: Any, order: Any, most: Any, tries: Any
) -> OptimizeResults:
    f0, g0 = evaluate(x0)

    def small(g: Any) -> Any:
        size = norm(g, order)
        return lax.lt(size, number(size, gtol) if isinstance(gtol, int | float) else gtol)

    zero = core.full((), 0, dtypes.int32)
    start = _State(x0, f0, g0, direction.start, number(zero, -1), small(g0), zero, number(zero, 1))

    def go_on(state: _State) -> Any:
        running = lax.eq(state.status, number(zero, -1))
        unfinished = lax.bitwise_and(running, lax.bitwise_not(state.small))
        return lax.bitwise_and(unfinished, lax.lt(state.count, number(zero, most)))

    def body(state: _State) -> _State:
        p = direction.step(state.memory, state.g)
        slope = _dot(p, state.g)
        descends = lax.lt(slope, number(slope, 0))
        p = lax.select_n(descends, lax.neg(state.g), p)
        first = lax.eq(state.count, zero)
        length = norm(state.g)
        one = number(length, 1)
        short = lax.min(one, lax.div(one, length))
        found = search(
            evaluate,
            state.x,
            p,
            state.f,
            state.g,
            lax.select_n(first, one, short),
            number(zero, tries),
        )
        s = _times(found.low, p)
        stuck = lax.eq(found.low, number(found.low, 0))
        memory = direction.update(state.memory, s, lax.sub(found.gradient, state.g), first)
        status = lax.select_n(stuck, state.status, number(zero, NO_STEP))
        return _State(
            lax.add(state.x, s),
            found.value,
            found.gradient,
            memory,
            status,
            small(found.gradient),
            lax.add(state.count, number(zero, 1)),
            lax.add(state.calls, found.count),
        )

    end = lax.while_loop(go_on, body, start)
    failed = lax.eq(end.status, number(zero, NO_STEP))
    status = lax.select_n(failed, number(zero, TOO_MANY), number(zero, NO_STEP))
    status = lax.select_n(end.small, status, number(zero, CONVERGED))
    return OptimizeResults(
        x=end.x,
        success=end.small,
        status=status,
        fun=end.f,
        jac=end.g,
        hess_inv=direction.result(end.memory),
        nfev=end.calls,
        njev=end.calls,
        nit=end.count,
    )


__all__ = ["OptimizeResults", "minimize"]
