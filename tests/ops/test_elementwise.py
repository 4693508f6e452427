"""What the table of operations does not say of elementary functions: gradients at edges, accuracy, small formats."""

import ml_dtypes
import mpmath
import numpy as np
import pytest
from ops_rules import compiled, pulled, run

from numax._engine.core.config import enable_x64
from numax._engine.ops import elementwise as ops
from numax._engine.ops.arithmetic import sqrt

GRID = np.concatenate([np.linspace(-20, 20, 401), [1e-30, -1e-8, 1e4, -3e4]]).astype(np.float32)


def slope(fun, *args):
    """The gradient of each argument, for a cotangent of ones."""
    ones = np.ones(np.broadcast_shapes(*[np.shape(a) for a in args]), np.float32)
    return pulled(fun, args, [ones])


def test_pow_has_jax_gradients_at_zero():
    zero = np.float32(0)
    dx, dy = slope(ops.pow, zero, np.float32(1))
    assert (dx, dy) == (1, 0)
    dx, dy = slope(ops.pow, zero, np.float32(2))
    assert (dx, dy) == (0, 0)
    assert slope(lambda x: ops.pow(x, np.int32(0)), zero)[0] == 0
    assert slope(lambda x: ops.pow(x, np.int32(1)), zero)[0] == 1
    assert np.isnan(slope(ops.pow, np.float32(-2), np.float32(2))[1])


def test_pow_of_a_negative_base():
    x = np.array([-2.0, -2.0, -0.0, -0.0, 0.0], np.float32)
    y = np.array([2.0, 0.5, -1.0, 3.0, -1.0], np.float32)
    expected = np.array([4, np.nan, -np.inf, -0.0, np.inf], np.float32)
    for out in (run(ops.pow, [x, y])[0], compiled(ops.pow, [x, y])[0]):
        np.testing.assert_array_equal(out, expected)
        assert np.signbit(out[3])


def test_pow_keeps_the_dtype_of_the_base():
    out = run(ops.pow, [np.ones(3, np.float16), np.arange(3, dtype=np.int32)])[0]
    assert out.dtype == np.float16
    assert run(lambda x: ops.pow(2, x), [np.ones(3, np.float16)])[0].dtype == np.float16


@pytest.mark.parametrize(
    ("name", "scale"), [("sin", 1.0), ("cos", 1.0), ("tanh", 0.0), ("exp", 0.0), ("expm1", 0.0)]
)
def test_compiled_functions_are_accurate(name, scale):
    reference = np.array([float(getattr(mpmath, name)(float(v))) for v in GRID])
    finite = np.abs(reference) < 3e38
    reference = reference[finite]
    out = compiled(getattr(ops, name), [GRID[finite]])[0].astype(np.float64)
    unit = np.spacing(np.maximum(np.abs(reference), scale * 2.0**-3).astype(np.float32))
    assert (np.abs(out - reference) / unit).max() < 5


def test_exp2_is_accurate_at_integers():
    x = np.arange(-120, 128, dtype=np.float32)
    for out in (run(ops.exp2, [x])[0], compiled(ops.exp2, [x])[0]):
        np.testing.assert_allclose(out, 2.0 ** x.astype(np.float64), rtol=2e-7)


def test_log1p_and_expm1_keep_small_numbers():
    x = np.array([1e-20, -1e-12, 3e-8], np.float32)
    for fun in (ops.log1p, ops.expm1):
        for out in (run(fun, [x])[0], compiled(fun, [x])[0]):
            np.testing.assert_allclose(out, x, rtol=2e-7)


def test_logistic_saturates():
    x = np.array([-1000.0, -40.0, 0.0, 1000.0], np.float32)
    for out in (run(ops.logistic, [x])[0], compiled(ops.logistic, [x])[0]):
        np.testing.assert_allclose(out, [0, 4.248354e-18, 0.5, 1], rtol=1e-6)
    narrow = np.array([-96.0, 0.0, 96.0]).astype(ml_dtypes.float8_e4m3fn)
    np.testing.assert_array_equal(run(ops.logistic, [narrow])[0].astype(np.float32), [0, 0.5, 1])


def test_asinh_has_a_gradient_where_its_square_overflows():
    x = np.array([0.0, 1e25, -1e30, np.inf], np.float32)
    np.testing.assert_allclose(slope(ops.asinh, x)[0], [1, 1e-25, 1e-30, 0], rtol=1e-6)


def test_atan2_gradient_and_signed_zeros():
    zero = np.array([0.0, -0.0, 0.0, -0.0], np.float32)
    other = np.array([-1.0, -1.0, 1.0, 1.0], np.float32)
    for out in (run(ops.atan2, [zero, other])[0], compiled(ops.atan2, [zero, other])[0]):
        np.testing.assert_allclose(out, [np.pi, -np.pi, 0, 0], rtol=1e-6)
        np.testing.assert_array_equal(np.signbit(out), [False, True, False, True])


@pytest.mark.parametrize("name", ["sqrt", "log"])
def test_complex_cuts_follow_the_sign_of_zero(name):
    fun = {"sqrt": sqrt, "log": ops.log}[name]
    x = np.array([complex(-4, 0.0), complex(-4, -0.0)], np.complex64)
    for out in (run(fun, [x])[0], compiled(fun, [x])[0]):
        assert out[0].imag > 0 > out[1].imag
        np.testing.assert_allclose(out, getattr(np, name)(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "dtype", [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.bfloat16]
)
@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "floor"])
def test_small_formats_agree_with_rounded_float32(name, dtype):
    x = np.linspace(0.25, 3, 12).astype(dtype)
    expected = getattr(np, name)(x.astype(np.float32)).astype(dtype)
    fun = getattr(ops, name)
    for out in (run(fun, [x])[0], compiled(fun, [x])[0]):
        assert out.dtype == dtype
        step = 2.0 ** -ml_dtypes.finfo(dtype).nmant
        np.testing.assert_allclose(
            out.astype(np.float32), expected.astype(np.float32), rtol=step, atol=1e-2
        )


def test_rounding_of_the_largest_number_below_a_half():
    with enable_x64(True):
        x = np.array([0.49999999999999994, -0.49999999999999994, 4503599627370497.5, -0.2])
        for out in (run(ops.round, [x])[0], compiled(ops.round, [x])[0]):
            np.testing.assert_array_equal(out, [0, -0.0, 4503599627370498, -0.0])
            np.testing.assert_array_equal(np.signbit(out), [False, True, False, True])


def test_integers_are_refused_with_advice():
    with pytest.raises(TypeError, match=r"exp: accepts floats and complex numbers; got int32\[3\]"):
        ops.exp(np.arange(3, dtype=np.int32))
