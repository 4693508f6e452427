import math

import ml_dtypes
import numpy as np
import pytest
from scipy import special

from numax._engine.stablehlo import hlo

F = np.array([-3.5, -1.0, -0.25, -0.0, 0.0, 0.25, 0.5, 2.5, 7.0], np.float32)
POSITIVE = np.array([0.01, 0.5, 1.0, 2.0, 30.0], np.float32)
INSIDE = np.array([-0.9, -0.5, -0.0, 0.25, 0.875], np.float32)
J = np.array([-7, -1, 0, 1, 5, 100], np.int32)
U = np.array([0, 1, 7, 200, 2**31], np.uint32)
C = np.array([1 + 2j, -3 - 0.5j, 0.25j], np.complex64)


def _logistic(x):
    return 1 / (1 + np.exp(-x))


def _away(x):
    return np.trunc(x + np.copysign(np.float32(0.5), x))


UNARY = [
    (hlo.abs, np.abs, F),
    (hlo.abs, np.abs, J),
    (hlo.abs, np.abs, C),
    (hlo.cbrt, np.cbrt, F),
    (hlo.ceil, np.ceil, F),
    (hlo.cosine, np.cos, F),
    (hlo.exponential, np.exp, F),
    (hlo.exponential, np.exp, C),
    (hlo.exponential_minus_one, np.expm1, F),
    (hlo.floor, np.floor, F),
    (hlo.imag, np.imag, C),
    (hlo.is_finite, np.isfinite, np.array([1, np.inf, np.nan], np.float32)),
    (hlo.log, np.log, POSITIVE),
    (hlo.log_plus_one, np.log1p, POSITIVE),
    (hlo.logistic, _logistic, F),
    (hlo.negate, np.negative, F),
    (hlo.not_, np.invert, U),
    (hlo.not_, np.invert, np.array([True, False])),
    (hlo.popcnt, lambda x: np.bitwise_count(x).astype(x.dtype), U),
    (hlo.real, np.real, C),
    (hlo.round_nearest_afz, _away, F),
    (hlo.round_nearest_even, np.round, F),
    (hlo.rsqrt, lambda x: 1 / np.sqrt(x), POSITIVE),
    (hlo.sign, np.sign, F),
    (hlo.sign, np.sign, J),
    (hlo.sine, np.sin, F),
    (hlo.sqrt, np.sqrt, POSITIVE),
    (hlo.tan, np.tan, F),
    (hlo.tanh, np.tanh, F),
]


def test_unary_operations_agree_with_numpy(run):
    outs = run(
        lambda b, *xs: [f(b, x) for (f, _, _), x in zip(UNARY, xs, strict=True)],
        *[x for _, _, x in UNARY],
    )
    for (op, reference, x), out in zip(UNARY, outs, strict=True):
        np.testing.assert_allclose(out, reference(x), rtol=2e-6, err_msg=op.__name__)


def test_count_leading_zeros(run):
    expected = [32 - int(x).bit_length() for x in U]
    assert run(hlo.count_leading_zeros, U).tolist() == expected


BINARY = [
    (hlo.add, np.add, F, F[::-1]),
    (hlo.and_, np.bitwise_and, J, J[::-1]),
    (hlo.atan2, np.arctan2, F, F[::-1]),
    (hlo.complex, lambda x, y: x + 1j * y, INSIDE, POSITIVE),
    (hlo.divide, np.divide, F, POSITIVE[:1].repeat(9)),
    (hlo.divide, lambda x, y: np.trunc(x / y).astype(x.dtype), J, np.full(6, 3, np.int32)),
    (hlo.maximum, np.maximum, F, F[::-1]),
    (hlo.minimum, np.minimum, J, J[::-1]),
    (hlo.multiply, np.multiply, C, C[::-1]),
    (hlo.or_, np.bitwise_or, U, U[::-1]),
    (hlo.power, np.power, POSITIVE, INSIDE),
    (hlo.remainder, np.fmod, F, np.full(9, 1.5, np.float32)),
    (hlo.remainder, np.fmod, J, np.full(6, 3, np.int32)),
    (hlo.shift_left, np.left_shift, U, np.full(5, 3, np.uint32)),
    (hlo.shift_right_arithmetic, np.right_shift, J, np.full(6, 2, np.int32)),
    (hlo.shift_right_logical, np.right_shift, U, np.full(5, 2, np.uint32)),
    (hlo.subtract, np.subtract, F, F[::-1]),
    (hlo.xor, np.bitwise_xor, U, U[::-1]),
]


def test_binary_operations_agree_with_numpy(run):
    def body(b, *values):
        pairs = zip(values[::2], values[1::2], strict=True)
        return [f(b, x, y) for (f, *_), (x, y) in zip(BINARY, pairs, strict=True)]

    outs = run(body, *[v for _, _, x, y in BINARY for v in (x, y)])
    for (op, reference, x, y), out in zip(BINARY, outs, strict=True):
        np.testing.assert_allclose(out, reference(x, y), rtol=2e-6, err_msg=op.__name__)


REFERENCE = {
    "EQ": np.equal,
    "NE": np.not_equal,
    "LT": np.less,
    "LE": np.less_equal,
    "GT": np.greater,
    "GE": np.greater_equal,
}


@pytest.mark.parametrize("direction", REFERENCE)
def test_compare_deduces_its_type_from_the_dtype(run, direction):
    nan = np.array([np.nan, 1.0, -0.0], np.float32)
    pairs = [
        (F, F[::-1]),
        (nan, np.array([np.nan, np.nan, 0.0], np.float32)),
        (J, J[::-1]),
        (U, U[::-1]),
        (np.array([True, False, True]), np.array([False, True, True])),
        (F.astype(ml_dtypes.bfloat16), F[::-1].astype(ml_dtypes.bfloat16)),
    ]

    def body(b, *v):
        return [hlo.compare(b, v[i], v[i + 1], direction) for i in range(0, len(v), 2)]

    outs = run(body, *[x for pair in pairs for x in pair])
    for (x, y), out in zip(pairs, outs, strict=True):
        np.testing.assert_array_equal(out, REFERENCE[direction](x, y))


def test_complex_numbers_are_compared_for_equality(run):
    out = run(lambda b, x, y: hlo.compare(b, x, y, "EQ"), C, C[::-1])
    assert out.tolist() == np.equal(C, C[::-1]).tolist()


def test_total_order_puts_nan_last_and_separates_zeros(run):
    x = np.array([-0.0, np.nan, 1.0], np.float32)
    y = np.array([0.0, np.inf, np.nan], np.float32)
    out = run(lambda b, x, y: hlo.compare(b, x, y, "LT", "TOTALORDER"), x, y)
    assert out.tolist() == [True, False, True]


def test_select_with_array_and_scalar_predicates(run):
    p = np.array([True, False, True])
    x, y = np.arange(3, dtype=np.int32), np.arange(10, 13, dtype=np.int32)

    def body(b, p, q, x, y):
        return hlo.select(b, p, x, y), hlo.select(b, q, x, y)

    one, two = run(body, p, np.array(False), x, y)
    assert one.tolist() == [0, 11, 2]
    assert two.tolist() == [10, 11, 12]


def test_clamp_with_scalar_and_array_bounds(run):
    def body(b, low, x, high, lows, highs):
        return hlo.clamp(b, low, x, high), hlo.clamp(b, lows, x, highs)

    low, high = np.float32(-1), np.float32(1)
    one, two = run(body, low, F, high, np.full(9, low), np.full(9, high))
    np.testing.assert_array_equal(one, np.clip(F, -1, 1))
    np.testing.assert_array_equal(two, np.clip(F, -1, 1))


def test_convert_between_dtypes(run):
    dtypes = [np.int8, np.float16, ml_dtypes.bfloat16, np.complex64, ml_dtypes.float8_e4m3fn]

    def body(b, x):
        return [hlo.convert(b, x, np.dtype(d)) for d in dtypes]

    x = np.array([-2.0, 0.0, 1.5, 3.0], np.float32)
    for dtype, out in zip(dtypes, run(body, x), strict=True):
        np.testing.assert_array_equal(out, x.astype(dtype))


def test_convert_to_its_own_dtype_emits_nothing(run):
    def body(b, x):
        y = hlo.convert(b, x, np.dtype(np.float32))
        assert y is x
        return hlo.negate(b, y)

    np.testing.assert_array_equal(run(body, F), -F)


def test_bitcast_convert_keeps_and_changes_width(run):
    def body(b, x):
        same = hlo.bitcast_convert(b, x, (9,), np.dtype(np.int32))
        return same, hlo.bitcast_convert(b, x, (9, 4), np.dtype(np.uint8))

    same, narrow = run(body, F)
    np.testing.assert_array_equal(same, F.view(np.int32))
    np.testing.assert_array_equal(narrow, F.view(np.uint8).reshape(9, 4))


def test_reduce_precision_rounds_the_mantissa(run):
    x = np.array([1.0, 1.01, 3.1416], np.float32)
    out = run(lambda b, x: hlo.reduce_precision(b, x, 8, 7), x)
    np.testing.assert_array_equal(out, x.astype(ml_dtypes.bfloat16).astype(np.float32))


CHLO = {
    "acos": (np.arccos, INSIDE),
    "acosh": (np.arccosh, POSITIVE[2:]),
    "asin": (np.arcsin, INSIDE),
    "asinh": (np.arcsinh, F),
    "atan": (np.arctan, F),
    "atanh": (np.arctanh, INSIDE),
    "bessel_i1e": (special.i1e, F),
    "conj": (np.conj, C),
    "cosh": (np.cosh, F),
    "digamma": (special.digamma, POSITIVE),
    "erf": (special.erf, F),
    "erf_inv": (special.erfinv, INSIDE),
    "erfc": (special.erfc, INSIDE),
    "is_inf": (np.isinf, np.array([1, -np.inf, np.nan], np.float32)),
    "is_neg_inf": (np.isneginf, np.array([np.inf, -np.inf], np.float32)),
    "is_pos_inf": (np.isposinf, np.array([np.inf, -np.inf], np.float32)),
    "lgamma": (special.gammaln, POSITIVE),
    "sinh": (np.sinh, F),
    "square": (np.square, F),
    "tan": (np.tan, INSIDE),
}


def test_chlo_functions_of_one_operand(run):
    def body(b, *xs):
        return [hlo.chlo(b, name, x) for name, x in zip(CHLO, xs, strict=True)]

    outs = run(body, *[x for _, x in CHLO.values()])
    for (name, (reference, x)), out in zip(CHLO.items(), outs, strict=True):
        wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
        np.testing.assert_allclose(out, reference(wide), rtol=2e-5, atol=1e-6, err_msg=name)


def test_chlo_functions_of_two_operands(run):
    x = np.array([1.5, 2.0, 3.0], np.float32)
    n = np.array([1.0, 2.0, 3.0], np.float32)

    def body(b, x, n):
        return (
            hlo.chlo(b, "next_after", x, n),
            hlo.chlo(b, "polygamma", n, x),
            hlo.chlo(b, "zeta", x, n),
        )

    after, polygamma, zeta = run(body, x, n)
    np.testing.assert_array_equal(after, np.nextafter(x, n))
    expected = [float(special.polygamma(int(k), v)) for k, v in zip(n, x, strict=True)]
    np.testing.assert_allclose(polygamma, expected, rtol=1e-5)
    np.testing.assert_allclose(zeta, special.zeta(x, n), rtol=1e-5)


def test_chlo_refuses_an_unknown_name(run):
    with pytest.raises(ValueError, match="chlo: no function 'sin_pi'"):
        run(lambda b, x: hlo.chlo(b, "sin_pi", x), F)


def test_digamma_of_one_is_minus_eulers_constant(run):
    out = run(lambda b, x: hlo.chlo(b, "digamma", x), np.float32(1))
    assert math.isclose(float(out), -0.5772157, rel_tol=1e-6)
