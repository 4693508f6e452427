"""Promotion of dtypes and weak types, against the table read off JAX."""

import pathlib

import ml_dtypes
import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import dtypes, lax

TABLE = pathlib.Path(__file__).parents[1] / "data" / "promotion.tsv"
ROWS = [line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#")]
RESULTS = {(a, b): (dtype, weak == "True") for a, b, dtype, weak in ROWS}
SCALARS = {"i*": 1, "f*": 1.0, "c*": 1j}
NARROW = {"i8": "i4", "u8": "u4", "f8": "f4", "c16": "c8"}
NARROW_DTYPES = {
    "int64": "int32",
    "uint64": "uint32",
    "float64": "float32",
    "complex128": "complex64",
}
NAMES = sorted({a for a, _ in RESULTS})


def operand(name):
    if name in SCALARS:
        return SCALARS[name]
    dtype = {"b1": np.bool_, "bf16": ml_dtypes.bfloat16}.get(name, name)
    return np.ones((), dtype)


def expected(a, b, x64):
    if x64:
        return RESULTS[a, b]
    dtype, weak = RESULTS[NARROW.get(a, a), NARROW.get(b, b)]
    return NARROW_DTYPES.get(dtype, dtype), weak


def found(x):
    return x.dtype.name, x.weak_type


def test_the_table_is_whole():
    assert len(RESULTS) == len(NAMES) ** 2 == 18 * 18


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("a", NAMES)
def test_add_promotes_as_the_table_says(a, x64):
    with numax.enable_x64(x64):
        for b in NAMES:
            x, y = operand(a), operand(b)
            want = expected(a, b, x64)
            assert found(jnp.add(x, y)) == want, (a, b)
            assert found(jnp.asarray(x) + y) == want, (a, b)
            assert found(numax.eval_shape(jnp.add, x, y)) == want, (a, b)
            if a not in SCALARS or b not in SCALARS:
                assert dtypes.result_type(x, y).name == want[0], (a, b)


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("a", NAMES)
def test_a_jitted_function_gives_the_same_types(a, x64):
    with numax.enable_x64(x64):
        for b in NAMES:
            assert found(numax.jit(jnp.add)(operand(a), operand(b))) == expected(a, b, x64), (a, b)


@pytest.mark.parametrize("x64", [True, False])
def test_more_than_two_types_join(x64):
    with numax.enable_x64(x64):
        int8, half = np.int8(1), np.float16(1)
        assert dtypes.result_type(int8, half, 2).name == "float16"
        assert dtypes.result_type(1, 2.0, int8) == dtypes.canonicalize_dtype(float)
        assert dtypes.result_type(np.uint8(1), int8, ml_dtypes.bfloat16(1)).name == "bfloat16"


def test_lax_wants_equal_dtypes():
    with pytest.raises(TypeError, match=r"^add: operands must have equal dtypes"):
        lax.add(np.ones(2, np.float32), np.ones(2, np.float16))
    assert found(lax.add(np.ones(2, np.float16), np.ones(2, np.float16))) == ("float16", False)


def test_wide_types_narrow_unless_asked_for():
    for wide, narrow in NARROW_DTYPES.items():
        assert jnp.asarray(np.ones(2, wide)).dtype == narrow
        assert dtypes.canonicalize_dtype(wide) == narrow
        with numax.enable_x64(True):
            assert jnp.asarray(np.ones(2, wide)).dtype == wide


def test_narrow_floats_do_not_mix():
    with pytest.raises(ValueError, match=r"no implicit promotion between .*float8_e4m3fn"):
        dtypes.result_type(ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2)
    with pytest.raises(ValueError, match=r"no implicit promotion"):
        dtypes.result_type(np.int8, ml_dtypes.int4)


def test_strict_promotion_refuses_mixed_dtypes_and_takes_python_scalars():
    x, y = jnp.ones(2, np.float32), jnp.ones(2, np.int32)
    with numax.numpy_dtype_promotion("strict"):
        assert (x * 2).dtype == np.float32
        assert (y + 1).dtype == np.int32
        with pytest.raises(ValueError, match=r"strict.*astype"):
            x + y
    assert (x + y).dtype == np.float32


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        (ml_dtypes.bfloat16, np.floating, True),
        (ml_dtypes.bfloat16, np.inexact, True),
        (ml_dtypes.int4, np.signedinteger, True),
        (ml_dtypes.uint4, np.signedinteger, False),
        (np.complex64, np.floating, False),
        (np.float32, np.float32, True),
        (np.float32, np.float64, False),
        (np.bool_, np.number, False),
        (dtypes.prng_key, dtypes.extended, True),
        (np.float32, dtypes.extended, False),
    ],
)
def test_issubdtype(a, b, answer):
    assert dtypes.issubdtype(a, b) is answer


def test_limits_of_types_that_numpy_does_not_know():
    assert dtypes.iinfo(ml_dtypes.int4).max == 7
    assert dtypes.finfo(ml_dtypes.bfloat16).bits == 16
    with pytest.raises(ValueError, match=r"^finfo: int32"):
        dtypes.finfo(np.int32)
    with pytest.raises(ValueError, match=r"^iinfo: float32"):
        dtypes.iinfo(np.float32)


def test_unknown_dtypes_are_refused():
    for bad in ("datetime64[s]", object, "U3"):
        with pytest.raises(TypeError, match=r"is not a dtype of numax"):
            dtypes.canonicalize_dtype(bad)
