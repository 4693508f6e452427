"""What transformations make of programs: jvp, vmap, split, transpose, prune. Each is checked, run, and cached."""

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import lax
from numax._engine.core import ir_check
from numax._engine.core.ir import eval_jaxpr
from numax._engine.core.primitive import Zero
from numax._engine.core.trace import as_value
from numax._engine.transforms.jvp import jvp, jvp_program
from numax._engine.transforms.linearize import linearize
from numax._engine.transforms.partial_eval import prune_program, split_program
from numax._engine.transforms.transpose import backward, transpose_program
from numax._engine.transforms.vmap import Axis, vmap_program

X, Y = np.float32(0.5), np.float32(2.0)


def program(fun, *args):
    return numax.make_jaxpr(fun)(*args)


def run(closed, *args):
    ir_check.check(closed)
    outs = eval_jaxpr(closed.jaxpr, closed.consts, *[as_value(a) for a in args])
    return [np.asarray(v) for v in outs]


def names(closed):
    return [e.primitive.name for e in closed.eqns]


def pair(x, y):
    return jnp.sin(x) * y, jnp.floor(x), y * 2


# ---- jvp ----


def test_jvp_programs_carry_only_the_tangents_that_are_not_zero():
    closed = program(pair, X, Y)
    made, nonzero = jvp_program(closed, (True, False))
    assert nonzero == (True, False, False)
    assert len(made.in_avals) == 3 and len(made.out_avals) == 4
    outs = run(made, X, Y, np.float32(1))
    np.testing.assert_allclose(outs[3], np.cos(X) * Y, rtol=1e-6)
    assert jvp_program(closed, (True, False)) == (made, nonzero)
    made, nonzero = jvp_program(closed, (False, True), force=True)
    assert nonzero == (True, True, True)
    np.testing.assert_allclose(run(made, X, Y, np.float32(1))[3:], [np.sin(X), 0, 2], rtol=1e-6)


def test_zero_tangents_stay_symbols():
    one = as_value(X)
    _outs, tangents = jvp(lambda x, y: [x * y, y, x], [one, one], [one, Zero(one.aval.tangent())])
    assert [type(t) is Zero for t in tangents] == [False, True, False]
    assert tangents[1].aval.dtype == np.float32


# ---- linearize and its tape ----


def test_a_tape_runs_forwards_and_backwards():
    fun = lambda x, y: [jnp.sin(x) * y, x + y]
    values, tape = linearize(fun, [as_value(X), as_value(Y)])
    np.testing.assert_allclose([float(v) for v in values], [np.sin(X) * Y, X + Y], rtol=1e-6)
    assert {e.primitive.name for e in tape.eqns} <= {"mul", "add"}
    forward = tape.forward([as_value(np.float32(1)), as_value(np.float32(2))])
    np.testing.assert_allclose(
        [float(v) for v in forward], [np.cos(X) * Y + 2 * np.sin(X), 3], rtol=1e-6
    )
    back = backward(tape, [as_value(np.float32(1)), as_value(np.float32(10))])
    np.testing.assert_allclose(
        [float(v) for v in back], [np.cos(X) * Y + 10, np.sin(X) + 10], rtol=1e-6
    )


def test_inputs_that_nothing_depends_on_get_symbols():
    _, tape = linearize(lambda x, y: [x * 2.0], [as_value(X), as_value(Y)], [True, True])
    back = backward(tape, [as_value(X)])
    assert type(back[1]) is Zero
    _, tape = linearize(lambda x, y: [x * y], [as_value(X), as_value(Y)], [True, False])
    assert backward(tape, [as_value(np.float32(1))])[1] is None


def test_a_result_used_twice_and_repeated_accumulates():
    _, tape = linearize(lambda x: [x, x, x * x], [as_value(X)])
    one = as_value(np.float32(1))
    assert float(backward(tape, [one, one, one])[0]) == 2 + 2 * X


# ---- split ----


def test_splitting_by_what_is_known():
    closed = program(lambda x, y: (jnp.sin(x) * y, jnp.exp(x), jnp.cos(y)), X, Y)
    parts = split_program(closed, (False, True))
    assert parts.unknown_outs == (True, False, True)
    assert names(parts.known) == ["sin", "exp"] and names(parts.linear) == ["mul", "cos"]
    known = run(parts.known, X)
    residuals = known[len(known) - parts.residuals :]
    rest = run(parts.linear, *residuals, *[(X, Y)[i] for i in parts.forwarded], Y)
    np.testing.assert_allclose([rest[0], known[0], rest[1]], run(closed, X, Y), rtol=1e-6)
    assert split_program(closed, (False, True)) is parts


def test_splitting_with_everything_or_nothing_known():
    closed = program(lambda x: (jnp.sin(x), 1.0), X)
    assert split_program(closed, (False,)).unknown_outs == (False, False)
    parts = split_program(closed, (True,))
    assert parts.unknown_outs == (True, False) and names(parts.known) == []
    forced = split_program(closed, (False,), (True, True))
    assert forced.unknown_outs == (True, True)
    np.testing.assert_allclose(run(forced.linear, *run(forced.known, X))[0], np.sin(X), rtol=1e-6)


def test_known_inputs_are_forwarded_and_not_copied():
    closed = program(lambda x, y: x * y, X, Y)
    parts = split_program(closed, (False, True))
    assert parts.residuals == 0 and parts.forwarded == (0,)


def test_loops_are_split():
    def f(x, y):
        def body(c, _):
            a, b = c
            return (jnp.sin(a), b * a), a

        return lax.scan(body, (x, y), None, length=3)

    closed = program(f, X, Y)
    parts = split_program(closed, (False, True))
    assert parts.unknown_outs == (False, True, False)
    known = run(parts.known, X)
    residuals = known[len(known) - parts.residuals :]
    rest = run(parts.linear, *residuals, *[(X, Y)[i] for i in parts.forwarded], Y)
    want = run(closed, X, Y)
    np.testing.assert_allclose(known[0], want[0], rtol=1e-6)
    np.testing.assert_allclose(rest[0], want[1], rtol=1e-6)
    assert "sin" not in str(parts.linear)


# ---- transpose ----


def test_transposed_programs():
    closed = program(lambda c, x: (c * x, x * 2.0, jnp.sin(c)), X, Y)
    made, given = transpose_program(closed, (False, True), (True, True, False))
    assert given == (True,)
    (ct,) = run(made, X, np.float32(1), np.float32(10))
    np.testing.assert_allclose(ct, X + 20, rtol=1e-6)
    assert transpose_program(closed, (False, True), (True, True, False))[0] is made


def test_cotangents_without_a_way_back_are_zeros_or_left_out():
    closed = program(lambda x, y: x * 2.0, X, Y)
    made, given = transpose_program(closed, (True, True), (True,))
    assert given == (True, True)
    np.testing.assert_array_equal(run(made, np.float32(3)), [6, 0])
    made, given = transpose_program(closed, (True, True), (True,), False)
    assert given == (True, False)
    np.testing.assert_array_equal(run(made, np.float32(3)), [6])


def test_a_program_that_is_not_linear_is_refused_with_its_line():
    # of a shape of its own: of equal programs the first is kept, with its lines
    closed = program(lambda x: jnp.sin(x), jnp.ones((3, 1, 7)))
    with pytest.raises(TypeError, match=r"not linear") as info:
        transpose_program(closed, (True,), (True,))
    assert any("sin" in note and __file__ in note for note in info.value.__notes__)


# ---- vmap ----


def test_batched_programs():
    closed = program(pair, X, Y)
    made, batched = vmap_program(closed, Axis(3), (True, False))
    assert batched == (True, True, False)
    assert [a.shape for a in made.in_avals] == [(3,), ()]
    xs = np.array([0.1, 1.5, 2.0], np.float32)
    outs = run(made, xs, Y)
    np.testing.assert_allclose(outs[0], np.sin(xs) * Y, rtol=1e-6)
    assert outs[2] == 4
    made, batched = vmap_program(closed, Axis(3), (True, False), force=True)
    assert batched == (True, True, True)
    np.testing.assert_array_equal(run(made, xs, Y)[2], [4, 4, 4])
    assert vmap_program(closed, Axis(3), (True, False), True)[0] is made


# ---- prune ----


def test_pruning_drops_what_no_result_needs():
    closed = program(lambda x, y: (jnp.sin(x), jnp.exp(y)), X, Y)
    made, used = prune_program(closed, (True, False))
    assert names(made) == ["sin"] and used == (True, False)
    made, used = prune_program(closed, (False, True), keep_ins=True)
    assert names(made) == ["exp"] and used == (True, True)
    assert prune_program(closed, (False, True), True)[0] is made


def test_pruning_reaches_into_loops_and_branches():
    def f(x):
        def body(c, _):
            a, b = c
            return (a * 2, jnp.tanh(b)), jnp.exp(a)

        (a, b), ys = lax.scan(body, (x, x), None, length=3)
        return a, b, ys

    closed = program(f, X)
    assert "tanh" not in str(prune_program(closed, (True, False, False))[0])
    assert "exp" not in str(prune_program(closed, (True, True, False))[0])
    made = prune_program(closed, (True, False, True))[0]
    np.testing.assert_allclose(run(made, X)[1], run(closed, X)[2], rtol=1e-6)


def test_pruning_keeps_effects():
    def f(x):
        numax.debug.callback(lambda v: None, x)
        return x, jnp.sin(x)

    made, _ = prune_program(program(f, X), (True, False))
    assert len(names(made)) == 1 and "sin" not in names(made)


def test_constants_without_a_use_are_dropped():
    big = np.arange(100, dtype=np.float32)
    closed = program(lambda x: (x + 1, jnp.sum(x * big)), X)
    assert len(closed.consts) == 1
    assert prune_program(closed, (True, False))[0].consts == []


def test_a_transposed_program_holds_only_the_known_equations_that_it_needs():
    closed = program(lambda x, t: (jnp.exp(x), t * jnp.sin(x)), X, X)
    back, _ = transpose_program(closed, (False, True), (False, True))
    assert [e.primitive.name for e in back.eqns] == ["sin", "mul"]
