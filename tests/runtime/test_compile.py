import logging
import threading

import numpy as np
import pytest

from numax._engine import runtime as rt
from numax._engine.core.config import log_compiles
from numax._engine.core.errors import JaxRuntimeError
from numax._engine.runtime import compiler
from numax._engine.runtime.door import xla

ADD = """
module @m {
  func.func public @main(%a: tensor<SIZExf32>) -> tensor<SIZExf32> {
    %0 = stablehlo.add %a, %a : tensor<SIZExf32>
    return %0 : tensor<SIZExf32>
  }
}"""


def _add(size):
    return ADD.replace("SIZE", str(size))


def _runs(program, size):
    (out,) = program.call_numpy([np.ones(size, np.float32)])
    return rt.to_numpy(out).tolist() == [2.0] * size


@pytest.mark.parametrize("small", [False, True])
def test_both_ways_to_compile_give_the_same_numbers(small):
    assert _runs(rt.compile(_add(11), small=small), 11)


def test_equal_programs_are_compiled_once():
    assert rt.compile(_add(12)) is rt.compile(_add(12))
    assert rt.compile(_add(12)) is not rt.compile(_add(12), small=True)
    assert rt.compile(_add(12)) is not rt.compile(_add(12), donate=[0])


def test_options_that_this_jaxlib_does_not_know_are_left_out():
    program = rt.compile(
        _add(13), options={"xla_no_such_option": 1, "xla_cpu_enable_fast_math": False}
    )
    assert _runs(program, 13)


def test_unknown_options_are_an_error_when_asked_for_strictly():
    with pytest.raises(JaxRuntimeError, match="xla_no_such_strict_option"):
        rt.compile(_add(14), options={"xla_no_such_strict_option": 1}, strict=True)
    with pytest.raises(JaxRuntimeError, match="xla_no_such_strict_option"):
        rt.compile(_add(14), options={"xla_no_such_strict_option": 1}, strict=True)


def _options(extras):
    module = xla().client_module
    text = compiler.with_extras(module.CompileOptions().SerializeAsString(), extras)
    return module.CompileOptions.ParseFromString(text)


def test_extra_options_are_added_to_what_the_options_already_say():
    module = xla().client_module
    before, after = module.CompileOptions(), _options({"-some-name": "seven", "other": ""})
    text = after.SerializeAsString()
    assert b"-some-name" in text and b"seven" in text and b"other" in text
    names = [n for n in dir(before.executable_build_options.debug_options) if n.startswith("xla_")]
    assert len(names) > 10
    for name in names:
        values = [getattr(o.executable_build_options.debug_options, name) for o in (before, after)]
        assert values[0] == values[1], name


def test_an_extra_option_that_is_set_already_stays():
    text = _options({"-some-name": "seven"}).SerializeAsString()
    assert compiler.with_extras(text, {"-some-name": "eight"}).count(b"eight") == 0


def test_extras_of_more_than_127_bytes():
    assert b"x" * 5000 in _options({"name": "x" * 5000}).SerializeAsString()


@pytest.mark.parametrize(
    "text", ["", "xla_cpu_disable_tiled_emitter", "-force-vector-interleave=4"]
)
def test_a_program_can_choose_its_own_extra_options(text):
    options = {"xla_backend_extra_options": text}
    assert _runs(rt.compile(_add(5000), options=options), 5000)
    assert rt.compile(_add(5000), options=options) is not rt.compile(_add(5000))


def test_transpositions_without_formulas_keep_the_compilers_tiles():
    def extras(text, formulas):
        nothing = ((), False, formulas, False, (), (), ())
        return compiler._extras(compiler.Program(text, (), 1, 1, *nothing), "cpu")

    assert extras(_add(5000), False) == compiler.LOOPS
    assert extras("stablehlo.transpose", False) == {}
    assert extras("stablehlo.transpose", True) == compiler.FORMULAS


def test_option_values_that_do_not_fit_are_an_error():
    with pytest.raises(JaxRuntimeError, match="not a valid int32"):
        rt.compile(_add(15), options={"xla_backend_optimization_level": "fast"})


def test_a_bad_program_is_an_error_that_shows_its_head():
    text = _add(3).replace("stablehlo.add", "stablehlo.frobnicate")
    with pytest.raises(JaxRuntimeError, match="frobnicate") as caught:
        rt.compile(text)
    assert "The program begins:\n\nmodule @m" in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_text_without_main_is_an_error():
    with pytest.raises(JaxRuntimeError, match="no function @main"):
        rt.compile("module @m { }")


def test_many_threads_compile_and_run():
    results = {}

    def work(index):
        size = 20 + index % 3
        program = rt.compile(_add(size))
        results[index] = (program, all(_runs(program, size) for _ in range(20)))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(good for _, good in results.values()) and len(results) == 12
    assert len({id(program) for program, _ in results.values()}) == 3


def test_failures_do_not_block_later_tries():
    for _ in range(2):
        with pytest.raises(JaxRuntimeError):
            rt.compile(_add(3).replace("stablehlo.add", "stablehlo.frobnicate"))


def test_compilations_are_logged_when_asked(caplog):
    rt.clear_memory()
    with log_compiles(True), caplog.at_level(logging.WARNING, "numax"):
        rt.compile(_add(16))
        rt.compile(_add(16))
    assert len([r for r in caplog.records if "Compiling" in r.getMessage()]) == 1


def test_lapack_kernels_are_registered_when_a_program_names_one():
    text = """
    module @m {
      func.func public @main(%a: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<i32>) {
        %0:2 = stablehlo.custom_call @lapack_spotrf_ffi(%a) {
            backend_config = {uplo = 76 : ui8},
            api_version = 4 : i32,
            operand_layouts = [dense<[0, 1]> : tensor<2xindex>],
            result_layouts = [dense<[0, 1]> : tensor<2xindex>, dense<> : tensor<0xindex>],
            output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [0],
                operand_index = 0, operand_tuple_indices = []>]
          } : (tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<i32>)
        return %0#0, %0#1 : tensor<2x2xf32>, tensor<i32>
      }
    }"""
    x = np.array([[4, 2], [2, 5]], np.float32)
    factor, info = rt.compile(text).call_numpy([x])
    np.testing.assert_allclose(np.tril(rt.to_numpy(factor)), np.linalg.cholesky(x), rtol=1e-6)
    assert rt.to_numpy(info) == 0
