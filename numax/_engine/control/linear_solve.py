"""custom_linear_solve and custom_root: derivatives of solutions by the implicit function theorem.

Source: Blondel et al., "Efficient and modular implicit differentiation" (2021).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numax._engine.control.call import front, nonzeros
from numax._engine.control.custom_jvp import custom_jvp
from numax._engine.control.record import (
    check_same_structure,
    eval_closed,
    record,
    strengthen,
    values_of,
)
from numax._engine.core import tree
from numax._engine.core.avals import ShapedArray
from numax._engine.core.ir import ClosedJaxpr
from numax._engine.core.primitive import Primitive, Zero, is_linear, on_device
from numax._engine.core.trace import Tracer
from numax._engine.ops.basis import add_tangents, instantiate, neg_p, to_front
from numax._engine.ops.stop_gradient import stop_gradient
from numax._engine.transforms.jvp import jvp
from numax._engine.transforms.transpose import transpose_program
from numax._engine.transforms.vmap import vmap_program

__all__ = ["custom_linear_solve", "custom_root", "linear_solve_p"]


class Solver(NamedTuple):
    """A linear map and its solver, and their transposes (None: not known), as programs of (constants..., vector...)."""

    matvec: ClosedJaxpr
    solve: ClosedJaxpr
    transposed: ClosedJaxpr | None
    transpose_solve: ClosedJaxpr | None
    counts: tuple[int, int, int, int]  # constants of each, in that order, among the operands

    def flip(self) -> "Solver":
        if self.transposed is None or self.transpose_solve is None:
            raise TypeError(
                "custom_linear_solve: reverse-mode differentiation needs transpose_solve. Give it, or symmetric=True."
            )
        m, s, t, u = self.counts
        return Solver(self.transposed, self.transpose_solve, self.matvec, self.solve, (t, u, m, s))

    def parts(self, args: Sequence[Any]) -> list[list[Any]]:
        """The constants of each program, then the right-hand side."""
        out, start = [], 0
        for n in self.counts:
            out.append(list(args[start : start + n]))
            start += n
        out.append(list(args[start:]))
        return out


def custom_linear_solve(
    matvec: Callable[..., Any],
    b: Any,
    solve: Callable[..., Any],
    transpose_solve: Callable[..., Any] | None = None,
    symmetric: bool = False,
    has_aux: bool = False,
) -> Any:
    """x = solve(matvec, b), with the derivatives of the exact solution of matvec(x) = b.

    matvec must be linear; solve(matvec, b) may be anything, and is not differentiated. transpose_solve(vecmat, b) solves
    with the transpose (symmetric=True: solve does).
    Raises: TypeError if matvec changes the structure of its argument. Grad: by one more solve.
    """
    if transpose_solve is None and symmetric:
        transpose_solve = solve
    values, structure = values_of("custom_linear_solve", "b", b)
    avals = [v.aval.strong() for v in values]
    in_tree = tree.flatten((b,))[1]

    def recorded(fun: Callable[..., Any]) -> tuple[ClosedJaxpr, list[Tracer], Any]:
        closed, outer, out_tree = record("custom_linear_solve", fun, in_tree, avals)
        return strengthen(closed, [a.strong() for a in closed.out_avals]), outer, out_tree

    mat, mat_outer, mat_tree = recorded(matvec)
    check_same_structure(
        "custom_linear_solve", "matvec's result", structure, mat_tree, ("input", "output")
    )
    direct, direct_outer, direct_tree = recorded(lambda v: solve(matvec, v))
    transposed = back = None
    transposed_outer: list[Any] = []
    back_outer: list[Any] = []
    if transpose_solve is not None:
        if symmetric:
            transposed, transposed_outer = mat, mat_outer
        else:
            transposed, transposed_outer = (
                _transpose_map(mat, len(mat_outer), len(values)),
                mat_outer,
            )
        inner = transposed

        def vecmat(v: Any) -> Any:
            leaves, own = values_of("custom_linear_solve", "the vector", v)
            return tree.unflatten(own, eval_closed(inner, [*transposed_outer, *leaves]))

        back, back_outer, _ = recorded(lambda v: transpose_solve(vecmat, v))
    solver = Solver(
        mat,
        direct,
        transposed,
        back,
        (len(mat_outer), len(direct_outer), len(transposed_outer), len(back_outer)),
    )
    outs = linear_solve_p.bind(
        *mat_outer,
        *direct_outer,
        *transposed_outer,
        *back_outer,
        *values,
        solver=solver,
        unknowns=len(values),
    )
    result = tree.unflatten(direct_tree, outs)
    if has_aux:
        x, aux = result
        return x, stop_gradient(aux)
    return result


def _transpose_map(mat: ClosedJaxpr, constants: int, count: int) -> ClosedJaxpr:
    linear = (*(False,) * constants, *(True,) * count)
    return transpose_program(mat, linear, (True,) * len(mat.out_avals))[0]


def _infer(*avals: ShapedArray, solver: Solver, unknowns: int) -> list[ShapedArray]:
    return solver.solve.out_avals


def _run(*args: Any, solver: Solver, unknowns: int) -> list[Any]:
    _, constants, _, _, b = solver.parts(args)
    return eval_closed(solver.solve, [*constants, *b])


def _lower(ctx: Any, *args: Any, solver: Solver, unknowns: int) -> list[Any]:
    _, constants, _, _, b = solver.parts(args)
    return ctx.scope.inline(solver.solve, [*constants, *b])


def _jvp(primals: Any, tangents: Any, *, solver: Solver, unknowns: int) -> Any:
    outs = linear_solve_p.bind(*primals, solver=solver, unknowns=unknowns)
    x, aux = outs[:unknowns], outs[unknowns:]
    constants = solver.parts(primals)[0]
    constant_ts = solver.parts(tangents)[0]
    b_ts = solver.parts(tangents)[4]
    rhs = list(b_ts)
    if any(nonzeros(constant_ts)):
        # (A + dA)(x + dx) = b + db: A dx = db - dA x
        _, changes = jvp(lambda *c: eval_closed(solver.matvec, [*c, *x]), constants, constant_ts)
        rhs = [
            t if type(c) is Zero else add_tangents(t, neg_p.bind(c))
            for t, c in zip(b_ts, changes, strict=True)
        ]
    zeros = [Zero(a.aval.tangent()) for a in aux]
    if all(type(r) is Zero for r in rhs):
        return outs, [*(Zero(v.aval.tangent()) for v in x), *zeros]
    count = sum(solver.counts)
    ready = [instantiate(r) for r in rhs]
    dx = linear_solve_p.bind(*primals[:count], *ready, solver=solver, unknowns=unknowns)
    return outs, [*dx[:unknowns], *zeros]


def _transpose(cts: Any, *args: Any, solver: Solver, unknowns: int) -> Any:
    count = sum(solver.counts)
    if any(is_linear(a) for a in args[:count]):
        raise TypeError("custom_linear_solve: a solution is not linear in the operator.")
    flipped = solver.flip()
    mat, direct, transposed, back, _ = solver.parts(args)
    b = [instantiate(ct) for ct in cts[:unknowns]]
    outs = linear_solve_p.bind(
        *transposed, *back, *mat, *direct, *b, solver=flipped, unknowns=unknowns
    )
    return [*([None] * count), *outs[:unknowns]]


def _batch(axis: Any, args: Any, dims: Any, *, solver: Solver, unknowns: int) -> Any:
    count = sum(solver.counts)
    batched = [d is not None for d in dims]
    masks = solver.parts(batched)
    # all unknowns have the batch axis, whatever brings it in
    vector = (True,) * unknowns
    programs: list[Any] = []
    for closed, mask in zip(solver[:4], masks[:4], strict=True):
        programs.append(
            None if closed is None else vmap_program(closed, axis, (*mask, *vector), True)[0]
        )
    ready = [
        *front(args[:count], dims[:count]),
        *(to_front(a, d, axis.size) for a, d in zip(args[count:], dims[count:], strict=True)),
    ]
    new = Solver(programs[0], programs[1], programs[2], programs[3], solver.counts)
    outs = linear_solve_p.bind(*ready, solver=new, unknowns=unknowns)
    return outs, [0] * len(outs)


linear_solve_p = Primitive(
    name="custom_linear_solve",
    multiple_results=True,
    infer=_infer,
    host=on_device,
    impl=_run,
    lower=_lower,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
)


def custom_root(
    f: Callable[..., Any],
    initial_guess: Any,
    solve: Callable[..., Any],
    tangent_solve: Callable[..., Any],
    has_aux: bool = False,
) -> Any:
    """x = solve(f, initial_guess) with f(x) = 0, with the derivatives of the exact root.

    tangent_solve(g, y) solves g(x) = y for a linear g. f may close over values that are being differentiated.
    Grad: with respect to what f closes over; none for initial_guess.
    """
    guess, structure = values_of("custom_root", "initial_guess", initial_guess)
    avals = [v.aval.strong() for v in guess]
    in_tree = tree.flatten((initial_guess,))[1]
    residual, outer, out_tree = record("custom_root", f, in_tree, avals, "the result of f")
    check_same_structure("custom_root", "the result of f", structure, out_tree, ("input", "output"))
    count = len(outer)

    def residual_at(constants: Sequence[Any], x: Any) -> Any:
        leaves = values_of("custom_root", "the argument", x)[0]
        return tree.unflatten(structure, eval_closed(residual, [*constants, *leaves]))

    @custom_jvp
    def root(constants: Any, start: Any) -> Any:
        return solve(lambda x: residual_at(constants, x), start)

    @root.defjvp
    def _rule(primals: Any, tangents: Any) -> Any:
        (constants, start), (constant_ts, _) = primals, tangents
        found = root(constants, start)
        x, aux = found if has_aux else (found, None)
        leaves = values_of("custom_root", "the root", x)[0]
        # f(c, x(c)) = 0: f_x dx = -f_c dc
        _, changes = jvp(
            lambda *c: eval_closed(residual, [*c, *leaves]), list(constants), list(constant_ts)
        )
        rhs = tree.unflatten(structure, [neg_p.bind(instantiate(c)) for c in changes])

        def linear(v: Any) -> Any:
            ts = values_of("custom_root", "the vector", v)[0]
            outs = jvp(lambda *z: eval_closed(residual, [*constants, *z]), leaves, ts)[1]
            return tree.unflatten(structure, [instantiate(t) for t in outs])

        dx = tangent_solve(linear, rhs)
        if not has_aux:
            return found, dx
        aux_leaves, aux_tree = values_of("custom_root", "aux", aux)
        zeros = tree.unflatten(aux_tree, [instantiate(Zero(a.aval.tangent())) for a in aux_leaves])
        return found, (dx, zeros)

    return root(tuple(outer[:count]), stop_gradient(initial_guess))
