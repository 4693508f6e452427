import numpy as np
import pytest

from numax._engine.stablehlo import hlo, types
from numax._engine.stablehlo.builder import Builder

F32, I32 = np.dtype(np.float32), np.dtype(np.int32)


class Key:
    physical = np.dtype(np.uint64)


def test_a_module_reads_as_stablehlo():
    b = Builder()
    (x,) = b.main([((2,), F32)])
    one = b.constant(1.0, F32, (2,))
    y = hlo.add(b, hlo.exponential(b, x), one)
    assert b.module("jit f", [y, x]) == (
        "module @jit_f {\n"
        "  func.func public @main(%arg0: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {\n"
        "    %0 = stablehlo.constant dense<1.0> : tensor<2xf32>\n"
        "    %1 = stablehlo.exponential %arg0 : tensor<2xf32>\n"
        "    %2 = stablehlo.add %1, %0 : tensor<2xf32>\n"
        "    return %2, %arg0 : tensor<2xf32>, tensor<2xf32>\n"
        "  }\n"
        "}\n"
    )


def test_attributes_of_parameters_results_and_the_module():
    b = Builder("cuda")
    x, y = b.main([((), F32), ((), F32)])
    text = b.module(
        "m",
        [hlo.add(b, x, y)],
        [{"tf.aliasing_output": np.int32(0), "mhlo.sharding": "{replicated}"}, None],
        [{"jax.result_info": "result"}],
        {"mhlo.num_partitions": np.int32(4)},
    )
    assert "module @m attributes {mhlo.num_partitions = 4 : i32} {" in text
    assert (
        '(%arg0: tensor<f32> {tf.aliasing_output = 0 : i32, mhlo.sharding = "{replicated}"}, '
        "%arg1: tensor<f32>)" in text
    )
    assert '-> (tensor<f32> {jax.result_info = "result"}) {' in text


def test_a_donated_parameter_is_accepted_by_the_compiler(machine):
    b = Builder()
    x, y = b.main([((3,), F32), ((3,), F32)])
    aliases = [{"tf.aliasing_output": np.int32(0)}, {"jax.buffer_donor": True}]
    text = b.module("m", [hlo.add(b, x, y)], aliases)
    one = np.arange(3, dtype=np.float32)
    assert machine.run(text, [one, one])[0].tolist() == [0, 2, 4]


def test_equal_constants_are_emitted_once():
    b = Builder()
    first = b.constant(1.5, F32)
    assert b.constant(1.5, F32) is first
    assert b.constant(np.float32(1.5)) is first
    assert b.constant(np.array(1.5), F32) is first
    different = [
        b.constant(1.5, F32, (2,)),
        b.constant(0.0, F32),
        b.constant(-0.0, F32),
        b.constant(0, I32),
        b.constant(False, np.dtype(bool)),
        b.constant(1.0, F32),
        b.constant(1, I32),
        b.constant(np.nan, F32),
    ]
    assert len({v.name for v in [first, *different]}) == len(b.lines) == 9
    assert b.constant(np.float32(np.nan)) is different[-1]
    array = b.constant(np.arange(40.0))
    assert b.constant(np.arange(40.0)) is array


def test_each_block_has_its_own_constants():
    b = Builder()
    b.main([])
    outer = b.constant(1.0, F32)
    with b.region([((), F32)]) as r:
        inner = b.constant(1.0, F32)
        r.ret([hlo.add(b, r.args[0], inner)])
    assert inner.name != outer.name
    assert b.constant(1.0, F32) is outer
    assert len(b.lines) == 1
    assert r.text.startswith("{\n    ^bb0(%1: tensor<f32>):\n")
    assert r.text.endswith("stablehlo.return %3 : tensor<f32>\n    }")


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        *[(-3, "int8"), (200, "uint8"), (-1, "uint32"), (3, "float32"), (True, "int32")],
        *[(2.7, "int32"), (1e5, "float16"), (0.1, "float16"), (1e-20, "float32")],
        *[(-(2**63), "int64"), (2**64 - 1, "uint64"), (np.nan, "float64"), (-np.inf, "float32")],
    ],
)
def test_a_number_is_rounded_as_numpy_does(value, dtype):
    dtype = np.dtype(dtype)
    with np.errstate(all="ignore"):
        expected = types.constant(np.asarray(value).astype(dtype))
    assert types.number(value, dtype) == expected
    assert expected in "".join(_lines_of_constant(value, dtype))


def _lines_of_constant(value, dtype):
    b = Builder()
    b.constant(value, dtype)
    return b.lines


def test_functions_are_emitted_once_per_key(run):
    seen = []

    def square_and_sum(b, args):
        seen.append(1)
        x, y = args
        return hlo.multiply(b, x, x), hlo.add(b, x, y)

    def body(b, x, y):
        two = [((3,), F32)] * 2
        f = b.function("k", "my f", two, square_and_sum)
        assert b.function("k", "my f", two, square_and_sum) is f
        g = b.function("l", "my f", two, square_and_sum)
        assert (f.name, g.name) == ("my_f", "my_f_0")
        return [*b.call(f, [x, y]), *b.call(g, [y, x])]

    x, y = np.arange(3, dtype=np.float32), np.full(3, 5, np.float32)
    outs = run(body, x, y)
    assert len(seen) == 2
    for out, expected in zip(outs, [x * x, x + y, y * y, x + y], strict=True):
        np.testing.assert_array_equal(out, expected)


def test_functions_call_functions_from_regions(run):
    def double(b, args):
        return [hlo.add(b, args[0], args[0])]

    def quadruple(b, args):
        f = b.function("double", "double", [((), I32)], double)
        return b.call(f, b.call(f, args))

    def body(b, x):
        f = b.function("quadruple", "quadruple", [((), I32)], quadruple)

        def step(b, x):
            return b.call(f, [x])

        limit = b.constant(100, I32)
        return hlo.while_(b, [x], lambda b, x: hlo.compare(b, x, limit, "LT"), step)

    assert run(body, np.int32(3))[0] == 192


def test_a_function_without_results_or_with_a_strange_name(run):
    def body(b, x):
        f = b.function(None, "<lambda>", [((), I32)], lambda b, args: [])
        g = b.function(None, "3d", [], lambda b, args: [b.constant(4, I32)])
        main = b.function(None, "main", [((), I32)], lambda b, args: args)
        assert [f.name, g.name, main.name] == ["_lambda_", "_3d", "main_0"]
        assert b.call(f, [x]) == []
        return [*b.call(g, []), *b.call(main, [x])]

    assert [int(x) for x in run(body, np.int32(3))] == [4, 3]


def test_an_error_in_a_body_leaves_the_builder_as_it_was():
    b = Builder()
    b.main([((), F32)])
    b.constant(1.0, F32)
    before = list(b.lines), b.count

    def fail(b, args):
        b.constant(2.0, F32)
        raise RuntimeError("fail")

    with pytest.raises(RuntimeError):
        b.function("k", "f", [((), F32)], fail)
    assert (b.lines, b.count) == before
    with pytest.raises(RuntimeError), b.region([((), F32)]):
        fail(b, [])
    assert b.lines == before[0]


def test_generic_operations_of_several_results(run):
    def body(b, x):
        with b.region([((), F32)] * 2) as r:
            r.ret([hlo.compare(b, *r.args, "GT")])
        attrs = "dimension = 0 : i64, is_stable = true"
        (out,) = b.ops("sort", [x], [((4,), F32)], attrs, [r.text])
        return out, b.op("chlo.square", [x], (4,), F32)

    x = np.array([3.0, 1.0, 4.0, 1.5], np.float32)
    one, two = run(body, x)
    assert one.tolist() == [4, 3, 1.5, 1]
    assert two.tolist() == (x * x).tolist()


def test_custom_call_text():
    b = Builder()
    x, y = b.main([((2, 3), F32), ((), I32)])
    outs = b.custom_call(
        "target",
        [x, y],
        [((2, 3), F32), ((), I32)],
        backend_config={"uplo": np.uint8(76), "name": "n"},
        operand_layouts=[(0, 1), ()],
        output_operand_aliases={1: 1},
        has_side_effect=True,
        attributes={"mhlo.sharding": "{replicated}"},
    )
    assert [v.name for v in outs] == ["%0#0", "%0#1"]
    assert b.lines[-1] == (
        "    %0:2 = stablehlo.custom_call @target(%arg0, %arg1) {api_version = 4 : i32, "
        'has_side_effect = true, backend_config = {uplo = 76 : ui8, name = "n"}, '
        "operand_layouts = [dense<[0, 1]> : tensor<2xindex>, dense<> : tensor<0xindex>], "
        "result_layouts = [dense<[1, 0]> : tensor<2xindex>, dense<> : tensor<0xindex>], "
        "output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [1], "
        "operand_index = 1, operand_tuple_indices = []>], "
        'mhlo.sharding = "{replicated}"} : (tensor<2x3xf32>, tensor<i32>) -> '
        "(tensor<2x3xf32>, tensor<i32>)"
    )


def test_custom_call_of_a_known_target_runs(run):
    def body(b, x):
        layouts = [(0, 1)]
        sharded = hlo.custom_call(
            b,
            "Sharding",
            [x],
            [((2, 3), F32)],
            api_version=1,
            attributes={"mhlo.sharding": "{replicated}"},
        )
        return hlo.custom_call(
            b,
            "Sharding",
            sharded,
            [((2, 3), F32)],
            api_version=1,
            backend_config="",
            operand_layouts=layouts,
            result_layouts=layouts,
            attributes={"mhlo.sharding": "{replicated}"},
        )

    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(run(body, x)[0], x)


def test_keys_pass_as_their_data(run):
    key = Key()

    def body(b, x):
        keys = hlo.reinterpret(b, x, key)
        flat = hlo.reshape(b, keys, (4,))
        assert flat.dtype is key
        return hlo.reinterpret(b, hlo.reverse(b, flat, (0,)), key.physical)

    x = np.arange(4, dtype=np.uint64).reshape(2, 2) + 2**63
    assert run(body, x).tolist() == x.reshape(-1)[::-1].tolist()


def test_callbacks_are_numbered():
    b = Builder()
    assert [b.add_callback(print), b.add_callback(len)] == [0, 1]
    assert b.callbacks == [print, len]
