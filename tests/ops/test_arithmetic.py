"""What the table of operations does not say of arithmetic: signs of zeros, NaN, ends of ranges, derivatives at kinks."""

import ml_dtypes
import numpy as np
import pytest
from ops_rules import compiled, pulled, pushed, run

from numax._engine.core.config import enable_x64
from numax._engine.ops import arithmetic as ops
from numax._engine.ops.polynomial import polynomial

FLOATS = [
    np.float32,
    np.float16,
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e4m3fn,
    ml_dtypes.float8_e5m2,
]
INTS = [np.int8, np.int32, np.uint8, np.uint32, ml_dtypes.int4]


def both(fun, *args):
    """The result of a function, which must be the same eagerly and compiled."""
    (eager,), (jitted,) = run(fun, args), compiled(fun, args)
    assert eager.dtype == jitted.dtype and eager.shape == jitted.shape
    if eager.dtype.kind in "fcV":  # any NaN is as good as another
        nan = np.isnan(eager)
        np.testing.assert_array_equal(nan, np.isnan(jitted))
        assert eager[~nan].tobytes() == jitted[~nan].tobytes()
    else:
        np.testing.assert_array_equal(eager, jitted)
    return eager


@pytest.mark.parametrize("dtype", INTS)
def test_integer_division_truncates_and_is_total(dtype):
    info = ml_dtypes.iinfo(dtype)
    low = int(info.min)
    x = np.array([7, 7, low, low, 0, 5], np.int64).astype(dtype)
    y = np.array([2, 0, -1 if low else 1, 2, 0, 3], np.int64).astype(dtype)
    quotient, remainder = both(ops.div, x, y), both(ops.rem, x, y)
    all_bits = np.array(-1).astype(dtype)
    half = int(low / 2)
    np.testing.assert_array_equal(
        quotient.astype(np.int64), [3, int(all_bits), low, half, int(all_bits), 1]
    )
    np.testing.assert_array_equal(remainder.astype(np.int64), [1, 7, 0, low - 2 * half, 0, 2])


@pytest.mark.parametrize("dtype", FLOATS)
def test_extrema_propagate_nan_and_order_zeros(dtype):
    x = np.array([0.0, -0.0, 0.0, -0.0, np.nan, 1.0, np.nan]).astype(dtype)
    y = np.array([-0.0, 0.0, 0.0, -0.0, 1.0, np.nan, np.nan]).astype(dtype)
    high, low = both(ops.max, x, y).astype(np.float32), both(ops.min, x, y).astype(np.float32)
    np.testing.assert_array_equal(np.signbit(high[:4]), [False, False, False, True])
    np.testing.assert_array_equal(np.signbit(low[:4]), [True, True, False, True])
    assert np.isnan(high[4:]).all() and np.isnan(low[4:]).all()


def test_extrema_order_complex_numbers_by_real_then_imaginary_part():
    x = np.array([1 + 2j, 1 + 3j, 2 - 1j], np.complex64)
    y = np.array([1 + 3j, 0 + 9j, 2 + 1j], np.complex64)
    np.testing.assert_array_equal(both(ops.max, x, y), [1 + 3j, 1 + 3j, 2 + 1j])
    np.testing.assert_array_equal(both(ops.min, x, y), [1 + 2j, 0 + 9j, 2 - 1j])


def test_extrema_share_the_gradient_of_equals():
    x = np.array([1.0, 2.0, 3.0, np.nan], np.float32)
    y = np.array([1.0, 5.0, 0.0, 1.0], np.float32)
    dx, dy = pulled(ops.max, [x, y], [np.ones(4, np.float32)])
    np.testing.assert_array_equal(dx, [0.5, 0, 1, 0])
    np.testing.assert_array_equal(dy, [0.5, 1, 0, 0])


def test_clamp_keeps_nan_and_prefers_the_upper_bound():
    x = np.array([-1.0, 0.5, 3.0, np.nan], np.float32)
    fun = lambda v: ops.clamp(np.float32(0), v, np.float32(1))
    np.testing.assert_array_equal(both(fun, x), [0, 0.5, 1, np.nan])
    crossed = lambda v: ops.clamp(np.float32(2), v, np.float32(1))
    np.testing.assert_array_equal(both(crossed, x[:3]), [1, 1, 1])


def test_clamp_sends_the_gradient_to_what_it_chose():
    args = [np.float32(0), np.array([-1.0, 0.5, 3.0], np.float32), np.float32(1)]
    low, x, high = pulled(ops.clamp, args, [np.array([1.0, 10, 100], np.float32)])
    assert (low, high) == (1, 100)
    np.testing.assert_array_equal(x, [0, 10, 0])


def test_abs_and_sign_at_zero():
    x = np.array([0.0, -0.0, -3.0], np.float32)
    np.testing.assert_array_equal(np.signbit(both(ops.sign, x)), [False, True, True])
    np.testing.assert_array_equal(pulled(ops.abs, [x], [np.ones(3, np.float32)])[0], [1, 1, -1])
    zero = np.zeros(1, np.complex64)
    np.testing.assert_array_equal(pulled(ops.abs, [zero], [np.ones(1, np.float32)])[0], [0])
    assert both(ops.sign, zero) == 0


def test_abs_of_the_least_integer_wraps():
    assert both(ops.abs, np.array([-128], np.int8)) == -128


def test_transposes_of_complex_parts_do_not_conjugate():
    z, ct = np.complex64(1 + 1j), np.complex64(1 + 2j)
    assert pulled(ops.imag, [z], [np.float32(1)])[0] == -1j
    assert pulled(ops.real, [z], [np.float32(1)])[0] == 1
    assert pulled(ops.conj, [z], [ct])[0] == 1 - 2j
    assert pulled(ops.conj, [np.float32(1)], [ct])[0] == 1
    one = np.float32(1)
    assert [float(g) for g in pulled(ops.complex, [one, one], [ct])] == [1, -2]


def test_integer_pow_wraps_and_has_a_derivative_at_zero():
    x = np.array([2, 3], np.int8)
    np.testing.assert_array_equal(both(lambda v: ops.integer_pow(v, 7), x), [-128, -117])
    zero = np.zeros(1, np.float32)
    for power, slope in ((0, 0), (1, 1), (2, 0), (3, 0)):
        fun = lambda v, p=power: ops.integer_pow(v, p)
        assert pushed(fun, [zero], [np.ones(1, np.float32)])[0] == slope
    ends = np.array([0.0, -0.0, np.nan, np.inf, -np.inf], np.float32)
    np.testing.assert_array_equal(
        both(ops.reciprocal, ends), np.array([np.inf, -np.inf, np.nan, 0, -0.0], np.float32)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_roots_of_special_values(dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -8.0, 64.0], dtype)
    with enable_x64(True):
        np.testing.assert_array_equal(
            run(ops.sqrt, [x])[0], [0.0, -0.0, np.inf, np.nan, np.nan, np.nan, 8]
        )
        np.testing.assert_array_equal(
            both(ops.rsqrt, x), [np.inf, -np.inf, 0, np.nan, np.nan, np.nan, 0.125]
        )
        np.testing.assert_allclose(
            run(ops.cbrt, [x])[0], [0, 0, np.inf, -np.inf, np.nan, -2, 4], rtol=1e-7
        )


def test_nextafter_crosses_zero():
    x = np.array([0.0, -0.0, 1.0, np.inf, np.nan], np.float32)
    y = np.array([1.0, -1.0, 0.0, 0.0, 0.0], np.float32)
    tiny, last = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max
    expected = np.array([tiny, -tiny, 1 - 2**-24, last, np.nan], np.float32)
    np.testing.assert_array_equal(both(ops.nextafter, x, y), expected)


def test_one_minus_square_is_accurate_near_one():
    x = np.float32(1) - np.float32(2**-20)
    assert run(ops.one_minus_square, [x])[0] == np.float32(2**-19 - 2**-40)


def test_python_scalars_take_the_other_dtype():
    x = np.arange(3, dtype=np.float16)
    for fun in (lambda v: ops.div(v, 2), lambda v: ops.max(0.5, v), lambda v: ops.clamp(0, v, 1)):
        assert run(fun, [x])[0].dtype == np.float16


def test_accuracy_is_checked():
    with pytest.raises(TypeError, match="sqrt: accuracy must be a lax"):
        ops.sqrt(np.float32(1), accuracy="best")


def test_polynomials_of_few_coefficients():
    x = np.array([2.0, 3.0], np.float32)
    np.testing.assert_array_equal(run(lambda v: polynomial(v, []), [x])[0], [0, 0])
    np.testing.assert_array_equal(run(lambda v: polynomial(v, [5.0]), [x])[0], [5, 5])
    np.testing.assert_array_equal(run(lambda v: polynomial(v, [1, 2, 3]), [x])[0], [17, 34])
    dx, dc = pulled(polynomial, [np.float32(2), np.ones(3, np.float32)], [np.float32(1)])
    assert dx == 5
    np.testing.assert_array_equal(dc, [1, 2, 4])


def test_equal_ranks_broadcast_axes_of_size_one():
    x, y = np.ones((1, 3), np.float32), np.full((2, 1), 2, np.float32)
    np.testing.assert_array_equal(both(ops.div, x, y), np.full((2, 3), 0.5, np.float32))
    dx, dy = pulled(ops.div, [x, y], [np.ones((2, 3), np.float32)])
    np.testing.assert_array_equal(dx, np.full((1, 3), 1.0))
    np.testing.assert_array_equal(dy, np.full((2, 1), -0.75))
    with pytest.raises(TypeError, match="div: operands must have equal shapes"):
        ops.div(np.ones(3, np.float32), y)
