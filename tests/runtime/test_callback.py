import numpy as np
import pytest

from numax._engine import runtime as rt
from numax._engine.core.errors import JaxRuntimeError

CALL = """
module @m {
  func.func public @main(%a: tensor<SIZExTYPE>) -> tensor<SIZExTYPE> {
    %0 = stablehlo.custom_call @xla_ffi_python_cpu_callback(%a) {
        api_version = 4 : i32, has_side_effect = true, backend_config = {index = 0 : ui64}
      } : (tensor<SIZExTYPE>) -> tensor<SIZExTYPE>
    return %0 : tensor<SIZExTYPE>
  }
}"""
TWO = """
module @m {
  func.func public @main(%a: tensor<3xf32>) -> (tensor<3xf32>, tensor<i32>) {
    %0 = stablehlo.custom_call @xla_ffi_python_cpu_callback(%a) {
        api_version = 4 : i32, has_side_effect = true, backend_config = {index = 1 : ui64}
      } : (tensor<3xf32>) -> tensor<3xf32>
    %1:2 = stablehlo.custom_call @xla_ffi_python_cpu_callback(%0, %a) {
        api_version = 4 : i32, has_side_effect = true, backend_config = {index = 0 : ui64}
      } : (tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<i32>)
    return %1#0, %1#1 : tensor<3xf32>, tensor<i32>
  }
}"""
EFFECT = """
module @m {
  func.func public @main(%a: tensor<3xf32>) {
    stablehlo.custom_call @xla_ffi_python_cpu_callback(%a) {
        api_version = 4 : i32, has_side_effect = true, backend_config = {index = 0 : ui64}
      } : (tensor<3xf32>) -> ()
    return
  }
}"""


def _call(size=3, kind="f32"):
    return CALL.replace("SIZE", str(size)).replace("TYPE", kind)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("f32", np.float32),
        ("f64", np.float64),
        ("i32", np.int32),
        ("i1", np.bool_),
        ("complex<f32>", np.complex64),
    ],
)
def test_callbacks_see_the_numbers_and_give_new_ones(kind, dtype):
    program = rt.compile(_call(4, kind), callbacks=[lambda x: (np.sort(x)[::-1].copy(),)])
    x = np.array([3, 0, 1, 2]).astype(dtype)
    (out,) = program.call_numpy([x])
    np.testing.assert_array_equal(rt.to_numpy(out), np.sort(x)[::-1])


def test_several_callbacks_are_told_apart_by_their_index():
    def last(x, y):
        return x + y, np.int32(len(x))

    program = rt.compile(TWO, callbacks=[last, lambda x: (10 * x,)])
    first, second = program.call_numpy([np.arange(3, dtype=np.float32)])
    np.testing.assert_array_equal(rt.to_numpy(first), [0, 11, 22])
    assert rt.to_numpy(second) == 3


def test_a_callback_without_results_runs_for_its_effect():
    seen = []

    def note(x):
        seen.append(np.array(x))
        return ()

    program = rt.compile(EFFECT, callbacks=[note])
    for i in range(3):
        program.call_numpy([np.full(3, i, np.float32)])
    rt.effects_barrier()
    assert sorted(int(x[0]) for x in seen) == [0, 1, 2]


def test_the_barrier_waits_for_callbacks_of_long_programs_and_tells_their_errors():
    text = """
    module @m {
      func.func public @main(%a: tensor<600x600xf32>) {
        %0 = stablehlo.dot_general %a, %a, contracting_dims = [1] x [0]
          : (tensor<600x600xf32>, tensor<600x600xf32>) -> tensor<600x600xf32>
        %1 = stablehlo.dot_general %0, %a, contracting_dims = [1] x [0]
          : (tensor<600x600xf32>, tensor<600x600xf32>) -> tensor<600x600xf32>
        stablehlo.custom_call @xla_ffi_python_cpu_callback(%1) {
            api_version = 4 : i32, has_side_effect = true, backend_config = {index = 0 : ui64}
          } : (tensor<600x600xf32>) -> ()
        return
      }
    }"""
    seen = []

    def note(x):
        seen.append(float(x[0, 0]))
        return ()

    program = rt.compile(text, callbacks=[note])
    x = np.eye(600, dtype=np.float32)
    for i in range(100):
        program.call_numpy([x * (i % 5)])
    rt.effects_barrier()
    assert len(seen) == 100 and set(seen) == {0.0, 1.0, 8.0, 27.0, 64.0}

    def fail(x):
        raise ValueError("late failure")

    with pytest.raises(JaxRuntimeError, match="late failure"):
        rt.compile(text, callbacks=[fail]).call_numpy([x])
        rt.effects_barrier()
    rt.effects_barrier()


def test_an_exception_in_a_callback_reaches_the_caller():
    def fail(x):
        raise ValueError("broken on purpose")

    program = rt.compile(_call(), callbacks=[fail])
    with pytest.raises(JaxRuntimeError, match="broken on purpose"):
        rt.to_numpy(program.call_numpy([np.ones(3, np.float32)])[0])
    again = rt.compile(_call(), callbacks=[lambda x: (x + 1,)])
    np.testing.assert_array_equal(
        rt.to_numpy(again.call_numpy([np.ones(3, np.float32)])[0]), [2, 2, 2]
    )


def test_programs_with_callbacks_are_compiled_anew_and_not_serialised():
    before = rt.statistics.compiled
    programs = [rt.compile(_call(), callbacks=[lambda x, k=k: (x + k,)]) for k in (1, 2)]
    assert rt.statistics.compiled == before + 2
    outs = [rt.to_numpy(p.call_numpy([np.zeros(3, np.float32)])[0])[0] for p in programs]
    assert [float(x) for x in outs] == [1, 2]
    with pytest.raises(JaxRuntimeError, match="host callbacks"):
        programs[0].serialize()


def test_large_arrays_go_through():
    program = rt.compile(_call(300_000), callbacks=[lambda x: (np.sort(x),)])
    x = np.random.default_rng(0).standard_normal(300_000).astype(np.float32)
    np.testing.assert_array_equal(rt.to_numpy(program.call_numpy([x])[0]), np.sort(x))


def test_a_malformed_program_with_callbacks_is_an_error():
    with pytest.raises(JaxRuntimeError):
        rt.compile(
            _call().replace("stablehlo.custom_call", "stablehlo.nope"), callbacks=[lambda x: (x,)]
        )
