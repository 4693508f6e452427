"""make_jaxpr, eval_shape, and the steps of compilation: trace, lower, compile."""

import numpy as np
import pytest
from checks import assert_close

import numax
import numax.numpy as jnp
from numax import lax
from numax._engine.core import ir_check

ROW = np.arange(3, dtype=np.float32)
F3 = numax.ShapeDtypeStruct((3,), np.float32)


def f(x, scale=2.0):
    return {"y": jnp.sin(x) * scale, "s": jnp.sum(x)}


def test_make_jaxpr():
    closed = numax.make_jaxpr(f)(ROW)
    assert [e.primitive.name for e in closed.eqns] == ["sin", "mul", "reduce_sum"]
    ir_check.check(closed)
    closed, shape = numax.make_jaxpr(f, return_shape=True)(
        F3, scale=numax.ShapeDtypeStruct((), np.float32)
    )
    assert shape["y"] == F3 and shape["s"].shape == ()
    assert len(closed.in_avals) == 2
    assert [
        e.primitive.name
        for e in numax.make_jaxpr(lambda n, x: x * n, static_argnums=0)(3, ROW).eqns
    ] == ["mul"]


def test_make_jaxpr_of_transformations_shows_what_is_left():
    names = [
        e.primitive.name for e in numax.make_jaxpr(numax.grad(lambda x: jnp.sin(x) * 2.0))(1.0).eqns
    ]
    assert names.count("cos") == 1 and set(names) <= {"sin", "cos", "mul", "convert_element_type"}
    closed = numax.make_jaxpr(numax.vmap(lambda x: x * 2))(ROW)
    assert [e.primitive.name for e in closed.eqns] == ["mul"]


def test_eval_shape_computes_nothing():
    def never(x):
        numax.debug.callback(lambda: pytest.fail("it ran"))
        return f(x)

    out = numax.eval_shape(never, F3)
    assert out == {"y": F3, "s": numax.ShapeDtypeStruct((), np.float32)}
    huge = numax.ShapeDtypeStruct((10**6, 10**6), np.float32)
    assert numax.eval_shape(lambda x: x @ x, huge).shape == huge.shape
    assert numax.eval_shape(lambda x: x, 1.0).weak_type
    assert numax.jit(f).eval_shape(F3)["y"] == F3
    with pytest.raises(TypeError, match=r"^eval_shape"):
        numax.eval_shape(lambda x: x, "a")


def test_shape_dtype_structs():
    assert numax.ShapeDtypeStruct([3], "float32") == F3 and hash(F3) == hash(
        numax.ShapeDtypeStruct((3,), np.float32)
    )
    assert numax.ShapeDtypeStruct((3,), np.int32) != F3
    assert (F3.ndim, F3.size, len(F3)) == (1, 3, 3)
    assert repr(F3) == "ShapeDtypeStruct(shape=(3,), dtype=float32)"
    assert F3.update(shape=(2,)).shape == (2,)
    with pytest.raises(ValueError, match=r"dtype must not be None"):
        numax.ShapeDtypeStruct((), None)
    with pytest.raises(TypeError, match=r"len"):
        len(numax.ShapeDtypeStruct((), np.float32))


def test_lowered_programs_are_stablehlo():
    lowered = numax.jit(f).lower(ROW)
    text = lowered.as_text()
    assert (
        text.startswith("module @jit_f")
        and "stablehlo.multiply" in text
        and "tensor<3xf32>" in text
    )
    assert lowered.out_info["y"] == F3
    assert lowered.in_tree == numax.tree.structure(((ROW,), {}))
    with pytest.raises(ValueError, match=r"^as_text: unknown dialect 'c'"):
        lowered.as_text("c")


def test_compiled_functions_run_and_check_their_arguments():
    compiled = numax.jit(f).lower(F3).compile()
    assert_close(compiled(ROW), f(jnp.asarray(ROW)))
    assert_close(compiled(jnp.asarray(ROW)), f(jnp.asarray(ROW)))
    assert "HloModule" in compiled.as_text()
    assert compiled.cost_analysis()["flops"] > 0
    with pytest.raises(TypeError, match=r"got float32\[2\], compiled for float32\[3\]"):
        compiled(ROW[:2])
    with pytest.raises(
        TypeError, match=r"compiled function: the arguments must have the structure"
    ):
        compiled(ROW, 1.0)


def test_compiled_functions_with_static_and_donated_arguments():
    g = numax.jit(lambda n, x: x * n + 1, static_argnums=0, donate_argnums=1)
    lowered = g.lower(3, F3)
    assert [a.donated for a in numax.tree.leaves(lowered.args_info)] == [True]
    compiled = lowered.compile()
    x = jnp.asarray(ROW)
    assert_close(compiled(x), ROW * 3 + 1)
    assert x.is_deleted()


def test_traced_functions():
    traced = numax.jit(f).trace(ROW)
    assert [e.primitive.name for e in traced.jaxpr.eqns] == ["sin", "mul", "reduce_sum"]
    assert traced.out_info["s"].shape == ()
    assert_close(traced.lower().compile()(ROW), f(jnp.asarray(ROW)))


def test_a_function_that_closes_over_a_tracer_cannot_be_lowered():
    def outer(w):
        return numax.jit(lambda x: w * x).lower(1.0)

    with pytest.raises(ValueError, match=r"^lower: `<lambda>` closes over values of an enclosing"):
        numax.grad(outer)(2.0)


def test_what_no_result_needs_is_not_compiled():
    def g(x):
        _, ys = lax.scan(lambda c, y: (c + y, jnp.exp(c)), 0.0, x)
        unused = jnp.sort(x)
        return x + 1, (ys, unused)

    text = numax.jit(lambda x: g(x)[0]).lower(ROW).as_text()
    assert not any(word in text for word in ("while", "sort", "exponential"))


def test_compiling_ahead_gives_the_executable_of_a_plain_call():
    x = jnp.ones((65, 65))
    wide = numax.jit(lambda a: jnp.sin(a) @ a)  # sin is compiled with options of its own
    compiled = wide.lower(x).compile()
    np.testing.assert_array_equal(compiled(x), wide(x))
    programs = [e.program for e in wide._entries.values()]
    assert [p.executable for p in programs] == [compiled.runtime_executable()]


def test_options_of_compile_add_to_those_of_jit():
    lowered = numax.jit(jnp.sin, compiler_options={"xla_backend_optimization_level": 0}).lower(F3)
    plain, same = lowered.compile(), lowered.compile({"xla_backend_optimization_level": 0})
    assert plain.runtime_executable() is same.runtime_executable()
    other = lowered.compile({"xla_cpu_use_fusion_emitters": False})
    both = numax.jit(
        jnp.sin,
        compiler_options={
            "xla_backend_optimization_level": 0,
            "xla_cpu_use_fusion_emitters": False,
        },
    ).lower(F3)
    assert other.runtime_executable() is both.compile().runtime_executable()
    assert other.runtime_executable() is not plain.runtime_executable()
