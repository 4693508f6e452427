"""Programs: their text, the checker, interning."""

import textwrap

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import lax
from numax._engine.core import ir, ir_check
from numax._engine.core.array import from_numpy
from numax._engine.core.avals import ShapedArray
from numax._engine.core.errors import JaxprTypeError
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, Literal, Var
from numax._engine.ops.basis import add_p, neg_p

ROW = np.ones(3, np.float32)
F3 = ShapedArray((3,), np.dtype("float32"))
F0 = ShapedArray((), np.dtype("float32"))


def text(fun, *args):
    return str(numax.make_jaxpr(fun)(*args))


def golden(written):
    return textwrap.dedent(written).strip()


def test_straight_line():
    assert text(lambda x: jnp.sin(x) * 2 + 1, ROW) == golden(
        """
        { lambda ; a:f32[3]. let
            b:f32[3] = sin a
            c:f32[3] = mul b 2.0:f32[]
            d:f32[3] = add c 1.0:f32[]
          in (d,) }
        """
    )


def test_constants_parameters_and_several_results():
    def f(x, y):
        return jnp.sum(x) + y, np.arange(3) + y

    assert text(f, ROW, np.int32(2)) == golden(
        """
        { lambda a:i32[3]; b:f32[3] c:i32[]. let
            d:f32[] = reduce_sum[axes=(0,)] b
            e:f32[] = convert_element_type[new_dtype=float32 weak_type=False] c
            f:f32[] = add d e
            g:i32[3] = add a c
          in (f, g) }
        """
    )


def test_unused_results_and_empty_programs():
    assert text(lambda x: (jnp.sin(x), x)[1], ROW) == (
        "{ lambda ; a:f32[3]. let _:f32[3] = sin a in (a,) }"
    )
    assert text(lambda x: (x, 1.0), 1) == "{ lambda ; a:i32[]. let  in (a, 1.0:f32[]) }"
    assert text(lambda: 2) == "{ lambda ; . let  in (2:i32[],) }"


def test_programs_inside_programs():
    assert text(lambda x: lax.scan(lambda c, y: (c + y, c), 0.0, x), ROW) == golden(
        """
        { lambda ; a:f32[3]. let
            b:f32[] c:f32[3] = scan[
              jaxpr={ lambda ; d:f32[] e:f32[]. let f:f32[] = add d e in (f, d) }
              length=3
              num_carry=1
              num_consts=0
              reverse=False
              unroll=1
            ] 0.0:f32[] a
          in (b, c) }
        """
    )
    nested = text(lambda x: numax.jit(lambda y: jnp.sin(y))(x), ROW)
    assert "jaxpr={ lambda ; c:f32[3]. let d:f32[3] = sin c in (d,) }" in nested
    assert "name=<lambda>" in nested


def test_more_than_26_variables():
    def f(x):
        for _ in range(30):
            x = -x
        return x

    assert "ae:f32[] = neg ad" in text(f, 1.0)


def test_the_attributes_are_those_of_jaxprs():
    closed = numax.make_jaxpr(lambda x: x * np.arange(3.0, dtype=np.float32))(ROW)
    assert [len(v) for v in (closed.consts, closed.literals, closed.eqns, closed.jaxpr.eqns)] == [
        1
    ] * 4
    assert [a.str_short() for a in (*closed.in_avals, *closed.out_avals)] == ["float32[3]"] * 2
    (eqn,) = closed.eqns
    assert eqn.primitive.name == "mul" and eqn.params == {}
    assert set(eqn.invars) == {*closed.jaxpr.invars, *closed.jaxpr.constvars}
    assert eqn.outvars == closed.jaxpr.outvars
    assert closed.effects == frozenset()


def test_running_a_program_gives_the_function_again():
    closed = numax.make_jaxpr(lambda x: (jnp.sin(x) * np.arange(3), x))(ROW)
    outs = ir.eval_jaxpr(closed.jaxpr, closed.consts, from_numpy(ROW))
    np.testing.assert_allclose(outs[0], np.sin(ROW) * np.arange(3), rtol=1e-6)
    np.testing.assert_array_equal(outs[1], ROW)


# ---- the checker ----


def program(invars, eqns, outvars, constvars=()):
    return Jaxpr(constvars, invars, outvars, eqns)


def test_the_checker_accepts_what_tracing_makes():
    def f(x):
        return lax.scan(lambda c, y: (c * y, jnp.cos(c)), 1.0, x)

    ir_check.check(numax.make_jaxpr(f)(ROW))
    ir_check.check(numax.make_jaxpr(numax.grad(lambda x: f(x)[0]))(ROW))
    ir_check.check(numax.make_jaxpr(numax.vmap(f))(np.ones((2, 3), np.float32)))


def test_read_before_assigned():
    x, y, z = Var(F3), Var(F3), Var(F3)
    bad = program([x], [Eqn(add_p, [x, y], {}, [z])], [z])
    with pytest.raises(
        JaxprTypeError, match=r"f32\[3\] is read before it is assigned in equation `add`"
    ):
        ir_check.check(bad)
    with pytest.raises(JaxprTypeError, match=r"read before"):
        ir_check.check(program([x], [], [y]))


def test_assigned_twice():
    x, y = Var(F3), Var(F3)
    neg = Eqn(neg_p, [x], {}, [y])
    with pytest.raises(JaxprTypeError, match=r"assigned twice in equation `neg`"):
        ir_check.check(program([x], [neg, neg], [y]))
    with pytest.raises(JaxprTypeError, match=r"assigned twice"):
        ir_check.check(program([x, x], [], [x]))


def test_wrong_types():
    x, short = Var(F3), Var(F0)
    with pytest.raises(
        JaxprTypeError, match=r"declared f32\[\] and inferred f32\[3\] in equation `neg`"
    ):
        ir_check.check(program([x], [Eqn(neg_p, [x], {}, [short])], [short]))
    with pytest.raises(JaxprTypeError, match=r"2 results, 1 inferred"):
        ir_check.check(program([x], [Eqn(neg_p, [x], {}, [Var(F3), Var(F3)])], [x]))
    with pytest.raises(JaxprTypeError, match=r"is no variable"):
        ir_check.check(
            program(
                [short],
                [Eqn(neg_p, [short], {}, [Literal(from_numpy(np.array(1, np.float32)))])],
                [x],
            )
        )


def test_constants_and_their_values():
    x, c = Var(F3), Var(F3)
    inner = program([x], [], [c], [c])
    ir_check.check(ClosedJaxpr(inner, [from_numpy(ROW)]))
    with pytest.raises(JaxprTypeError, match=r"1 constants, 0 values"):
        ir_check.check(ClosedJaxpr(inner, []))
    with pytest.raises(JaxprTypeError, match=r"a constant of type"):
        ir_check.check(ClosedJaxpr(inner, [from_numpy(np.ones(2, "f"))]))


def test_malformed_programs_inside_others_are_found():
    closed = numax.make_jaxpr(lambda x: lax.scan(lambda c, y: (c + y, c), 0.0, x))(ROW)
    body = closed.eqns[0].params["jaxpr"]
    broken = ClosedJaxpr(program(body.jaxpr.invars, body.eqns, [Var(F0), Var(F0)]))
    eqn = closed.eqns[0].replace(params=closed.eqns[0].params | {"jaxpr": broken})
    with pytest.raises(JaxprTypeError, match=r"read before"):
        ir_check.check(program(closed.jaxpr.invars, [eqn], closed.jaxpr.outvars))


# ---- interning ----


def interned(fun, *args):
    return ir.intern(numax.make_jaxpr(fun)(*args))


def test_equal_programs_become_one():
    one = interned(lambda x: jnp.sin(x) * 2, ROW)
    assert interned(lambda y: jnp.sin(y) * 2, ROW) is one
    assert interned(lambda x: jnp.sin(x) * 3, ROW) is not one
    assert interned(lambda x: jnp.cos(x) * 2, ROW) is not one
    assert interned(lambda x: jnp.sin(x) * 2, np.ones(4, np.float32)) is not one
    assert interned(lambda x: jnp.sin(x) * 2, ROW.astype(np.float16)) is not one


def test_constants_count_by_value_if_small_and_by_identity_if_not():
    small, large = np.arange(3, dtype=np.float32), from_numpy(np.arange(100, dtype=np.float32))
    assert interned(lambda x: x + small, ROW) is interned(lambda x: x + small.copy(), ROW)
    assert interned(lambda x: x + small, ROW) is not interned(lambda x: x + (small + 1), ROW)
    wide = np.ones(100, np.float32)
    other = from_numpy(np.arange(100, dtype=np.float32))
    assert interned(lambda x: x + large, wide) is interned(lambda x: x + large, wide)
    assert interned(lambda x: x + large, wide) is not interned(lambda x: x + other, wide)


def test_zeros_of_both_signs_are_two_numbers():
    assert interned(lambda x: x + 0.0, ROW) is not interned(lambda x: x + -0.0, ROW)


def test_parameters_without_a_hash_keep_programs_apart():
    x, y = Var(F3), Var(F3)
    first = ClosedJaxpr(program([x], [Eqn(neg_p, [x], {"list": [1]}, [y])], [y]))
    assert ir.intern(first) is first
    again = ClosedJaxpr(program([x], [Eqn(neg_p, [x], {"list": [1]}, [y])], [y]))
    assert ir.intern(again) is again
