import numpy as np
import pytest

from numax._engine import runtime as rt
from numax._engine.core.errors import JaxRuntimeError

ADD = """
module @m {
  func.func public @main(%a: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<3xf32> {
    %0 = stablehlo.add %a, %b : tensor<3xf32>
    return %0 : tensor<3xf32>
  }
}"""

TWO = """
module @m {
  func.func public @main(%a: tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2x2xi1>) {
    %0 = stablehlo.add %a, %a : tensor<2x2xf64>
    %1 = stablehlo.compare GT, %0, %a : (tensor<2x2xf64>, tensor<2x2xf64>) -> tensor<2x2xi1>
    return %0, %1 : tensor<2x2xf64>, tensor<2x2xi1>
  }
}"""

NONE = "module @m { func.func public @main(%a: tensor<3xf32>) { return } }"

CONSTANT = """
module @m {
  func.func public @main() -> tensor<2xi32> {
    %0 = stablehlo.constant dense<[4, 5]> : tensor<2xi32>
    return %0 : tensor<2xi32>
  }
}"""

DONATE = """
module @m {
  func.func public @main(%a: tensor<1000xf32> {ATTRIBUTE}) -> tensor<1000xf32> {
    %0 = stablehlo.add %a, %a : tensor<1000xf32>
    return %0 : tensor<1000xf32>
  }
}"""
DONATION = ["tf.aliasing_output = 0 : i32", "jax.buffer_donor = true"]


def test_handles_and_arrays_may_be_mixed():
    add = rt.compile(ADD)
    handle = rt.to_device(np.arange(3, dtype=np.float32))
    (out,) = add.call_numpy([handle, np.ones(3, np.float32)])
    np.testing.assert_array_equal(rt.to_numpy(out), [1, 2, 3])
    (again,) = add([out, out])
    np.testing.assert_array_equal(rt.to_numpy(again), [2, 4, 6])
    assert rt.device_of(again) is rt.devices()[0]


def test_results_have_the_declared_shapes_and_dtypes():
    outs = rt.compile(TWO).call_numpy([np.array([[1.0, -1], [0, 2]])])
    assert [rt.shape_dtype(o) for o in outs] == [((2, 2), np.float64), ((2, 2), np.bool_)]
    np.testing.assert_array_equal(rt.to_numpy(outs[0]), [[2, -2], [0, 4]])
    np.testing.assert_array_equal(rt.to_numpy(outs[1]), [[True, False], [False, True]])


def test_outputs_may_be_declared_instead_of_read_from_the_text():
    add = rt.compile(ADD, outputs=[((3,), "float32")])
    assert add.outputs == (rt.Output((3,), np.dtype("float32"), None),)
    (out,) = add.call_numpy([np.ones(3, np.float32)] * 2)
    np.testing.assert_array_equal(rt.to_numpy(out), [2, 2, 2])


def test_programs_without_results_or_without_arguments():
    assert rt.compile(NONE).call_numpy([np.ones(3, np.float32)]) == []
    (out,) = rt.compile(CONSTANT)([])
    np.testing.assert_array_equal(rt.to_numpy(out), [4, 5])


def test_a_wrong_argument_is_an_error_of_ours():
    add = rt.compile(ADD)
    wrong = rt.to_device(np.ones(4, np.float32))
    with pytest.raises(JaxRuntimeError):
        rt.block(add([wrong, wrong])[0])
    with pytest.raises(JaxRuntimeError):
        add([wrong])


@pytest.mark.parametrize("attribute", DONATION)
def test_donation_reuses_memory(attribute):
    text = DONATE.replace("ATTRIBUTE", attribute)
    program = rt.compile(text, donate=[0])
    ones = rt.compile(text, donate=[0]).call_numpy([np.ones(1000, np.float32)])[0]
    (out,) = program([ones])
    assert rt.is_deleted(ones)
    np.testing.assert_array_equal(rt.to_numpy(out), np.full(1000, 4, np.float32))
    with pytest.raises(RuntimeError, match="argument 0 was deleted or donated"):
        program([ones])


@pytest.mark.parametrize("attribute", DONATION)
def test_donation_never_touches_memory_that_numpy_looks_at(attribute):
    program = rt.compile(DONATE.replace("ATTRIBUTE", attribute), donate=[0])
    handle = rt.to_device(np.ones(1000, np.float32))
    view = rt.to_numpy(handle)
    assert (rt.to_numpy(program([handle])[0]) == 2).all()
    assert (view == 1).all()


@pytest.mark.parametrize("attribute", DONATION)
def test_donation_never_touches_shared_immutable_arrays(attribute):
    program = rt.compile(DONATE.replace("ATTRIBUTE", attribute), donate=[0])
    raw = np.empty(4096, np.uint8)
    start = -raw.ctypes.data % 64
    x = raw[start : start + 4000].view(np.float32)
    x[:] = 1
    handle = rt.to_device(x, immutable=True)
    assert (rt.to_numpy(program([handle])[0]) == 2).all()
    assert (x == 1).all()


def test_analyses_and_the_optimised_program():
    add = rt.compile(ADD)
    assert "HloModule" in add.as_text()
    assert add.cost_analysis()["flops"] == 3
    assert add.memory_analysis().output_size_in_bytes == 12


def test_serialised_programs_run_again():
    add = rt.compile(ADD)
    twin = rt.load(add.serialize(), outputs=add.outputs)
    (out,) = twin.call_numpy([np.ones(3, np.float32)] * 2)
    np.testing.assert_array_equal(rt.to_numpy(out), [2, 2, 2])


def test_bad_bytes_are_refused():
    with pytest.raises(JaxRuntimeError):
        rt.load(b"not a program", outputs=[])
