import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numax._engine.stablehlo import types
from numax._engine.stablehlo.builder import Builder


class KeyType:
    """An extended dtype as `core.dtypes` has it."""

    physical = np.dtype(np.uint64)


SMALL = ["int2", "int4", "uint2", "uint4"]
EIGHT = ["e3m4", "e4m3", "e4m3fn", "e4m3fnuz", "e4m3b11fnuz", "e5m2", "e5m2fnuz", "e8m0fnu"]
ML = ["bfloat16", *[f"float8_{name}" for name in EIGHT], "float4_e2m1fn", *SMALL]
BUILT_IN = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
BUILT_IN += ["float16", "float32", "float64", "complex64", "complex128"]
DTYPES = [np.dtype(d) for d in BUILT_IN] + [np.dtype(getattr(ml_dtypes, d)) for d in ML]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float32, "f32"),
        (ml_dtypes.bfloat16, "bf16"),
        (np.uint8, "ui8"),
        (np.bool_, "i1"),
        (np.complex128, "complex<f64>"),
        (ml_dtypes.float8_e4m3b11fnuz, "f8E4M3B11FNUZ"),
        (ml_dtypes.float4_e2m1fn, "f4E2M1FN"),
        (ml_dtypes.uint2, "ui2"),
    ],
)
def test_element_type(dtype, expected):
    assert types.element_type(np.dtype(dtype)) == expected
    assert types.element_type(dtype) == expected


def test_an_extended_dtype_has_the_type_of_its_data():
    key = KeyType()
    assert types.tensor_type((3,), key) == "tensor<3xui64>"
    assert types.physical_dtype(key) == np.uint64
    value = Builder().constant(np.arange(3, dtype=np.uint64), key)
    assert value.dtype is key


@pytest.mark.parametrize("dtype", ["U3", "datetime64[s]", "O"])
def test_a_dtype_that_xla_lacks_is_refused(dtype):
    with pytest.raises(TypeError, match="element_type: XLA has no element type"):
        types.element_type(np.dtype(dtype))


def test_tensor_type():
    assert types.tensor_type((), np.dtype(np.float32)) == "tensor<f32>"
    assert types.tensor_type((2, 0, 3), np.dtype(np.int32)) == "tensor<2x0x3xi32>"
    assert types.tensor_type((), types.TOKEN) == "!stablehlo.token"


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (1, np.float32, "dense<1.0>"),
        (1e-30, np.float64, "dense<1.0e-30>"),
        (-0.0, np.float32, "dense<-0.0>"),
        (np.inf, np.float32, "dense<0x7F800000>"),
        (-np.inf, ml_dtypes.bfloat16, "dense<0xFF80>"),
        (True, np.bool_, "dense<true>"),
        (2**64 - 1, np.uint64, "dense<18446744073709551615>"),
        (1 - 2j, np.complex64, "dense<(1.0,-2.0)>"),
        ([1, 2], np.int32, "dense<[1, 2]>"),
        ([[1, 2], [3, 4]], np.int8, "dense<[[1, 2], [3, 4]]>"),
        ([7, 7, 7], np.int32, "dense<7>"),
        ([0.0, -0.0], np.float32, "dense<[0.0, -0.0]>"),
        ([], np.float32, "dense<>"),
    ],
)
def test_constant_text(value, dtype, expected):
    assert types.constant(value, np.dtype(dtype)) == expected


def _same_bits(x, y):
    assert x.dtype == y.dtype
    assert x.shape == y.shape
    assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize("count", [1, 3, 40])
def test_every_dtype_survives_to_the_bit(run, count):
    """NumPy -> text -> XLA -> NumPy, as numbers, short lists and hex strings."""
    rng = np.random.default_rng(count)
    arrays = []
    for dtype in DTYPES:
        name = dtype.name
        if name == "bool" or name in SMALL:
            low = -2 if name == "int2" else -8 if name == "int4" else 0
            high = {"bool": 1, "int2": 1, "int4": 7, "uint2": 3, "uint4": 15}[name]
            arrays.append(rng.integers(low, high + 1, count).astype(dtype))
        elif name == "float4_e2m1fn":
            arrays.append(rng.integers(0, 16, count).astype(np.uint8).view(dtype))
        else:
            data = rng.bytes(count * dtype.itemsize)
            arrays.append(np.frombuffer(data, dtype))
    outs = run(lambda b: [b.constant(x) for x in arrays])
    for array, out in zip(arrays, outs, strict=True):
        _same_bits(array, out)


def test_nan_keeps_its_bits(run):
    bits = np.array([0x7FC00001, 0xFF800123, 0x7F800000], np.uint32)
    out = run(lambda b: b.constant(bits.view(np.float32)))
    assert out.view(np.uint32).tolist() == bits.tolist()


def test_long_boolean_arrays(run):
    x = np.random.default_rng(0).random((10, 30)) < 0.5
    outs = run(lambda b: [b.constant(x), b.constant(np.ones(100, bool)), b.constant(x[:5])])
    for out, expected in zip(outs, [x, np.ones(100, bool), x[:5]], strict=True):
        np.testing.assert_array_equal(out, expected)


def test_arrays_of_any_memory_layout(run):
    x = np.arange(60, dtype=np.float32).reshape(5, 12)
    swapped = x.astype(">f4")
    outs = run(lambda b: [b.constant(v, np.dtype(np.float32)) for v in (x.T, x[:, ::2], swapped)])
    for out, expected in zip(outs, [x.T, x[:, ::2], x], strict=True):
        np.testing.assert_array_equal(out, expected)


@settings(max_examples=200, deadline=None)
@given(st.floats(width=32))
def test_a_float_reads_back_as_itself(x):
    text = types.constant(x, np.dtype(np.float32))[6:-1]
    if text.startswith("0x"):
        bits = int(text, 16)
        assert bits == int(np.float32(x).view(np.uint32))
    else:
        assert "." in text
        assert np.float32(float(text)).tobytes() == np.float32(x).tobytes()


def test_attributes():
    given_values = {
        "a": 1,
        "b": np.uint8(3),
        "c": True,
        "d": 'x"\n',
        "e": {"f": [1.5, "y"]},
        "g.h": types.Text("#x"),
        "i-j": np.array([1, 2]),
    }
    assert types.attributes(given_values) == (
        'a = 1 : i64, b = 3 : ui8, c = true, d = "x\\22\\0A", e = {f = [1.5 : f64, "y"]}, '
        'g.h = #x, "i-j" = dense<[1, 2]> : tensor<2xi64>'
    )


def test_an_attribute_of_an_unknown_kind_is_refused():
    with pytest.raises(TypeError, match="attribute: no MLIR attribute"):
        types.attribute(object())


def test_ragged_groups_are_filled_up():
    assert types.integer_matrix([[0, 1], [2]]) == "dense<[[0, 1], [2, -1]]> : tensor<2x2xi64>"
    assert types.integer_matrix([], 2) == "dense<> : tensor<0x2xi64>"
