"""The float32 functions for CPUs: accuracy over the whole range, special values, other dtypes and sizes."""

import ml_dtypes
import mpmath
import numpy as np
import pytest
from ops_rules import compiled, run

from numax._engine.ops import arithmetic, elementwise
from numax._engine.ops.cpu_math import LEAST

NAMES = {
    "sin": (elementwise.sin, np.sin, np.inf),
    "cos": (elementwise.cos, np.cos, np.inf),
    "tan": (elementwise.tan, np.tan, np.inf),
    "atan": (elementwise.atan, np.arctan, np.inf),
    "asin": (elementwise.asin, np.arcsin, 1),
    "acos": (elementwise.acos, np.arccos, 1),
    "cbrt": (arithmetic.cbrt, np.cbrt, np.inf),
}
_ENDS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, np.inf, -np.inf, np.nan, 1e-30, -3e38]


def points(limit):
    rng = np.random.default_rng(0)
    near = rng.uniform(-10, 10, 20000) if limit > 1 else rng.uniform(-1, 1, 20000)
    far = rng.standard_normal(20000) * np.exp(rng.uniform(-60, 20 if limit > 1 else -3, 20000))
    quarters = np.arange(-2000, 2000) * (np.pi / 2)
    x = np.concatenate([near, far, quarters]).astype(np.float32)
    return x[np.abs(x) <= limit]


def units(out, exact):
    """The error in units in the last place of the float32 result."""
    unit = np.spacing(np.maximum(np.abs(exact), 2.0**-120).astype(np.float32))
    return np.abs(out - exact) / unit


@pytest.mark.parametrize("name", NAMES)
def test_error_is_below_two_or_three_units(name):
    fun, reference, limit = NAMES[name]
    x = points(limit)
    exact = reference(x.astype(np.float64))
    most = 3 if name in ("asin", "acos", "atan") else 2
    assert units(compiled(fun, [x])[0].astype(np.float64), exact).max() < most


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_arrays_without_far_numbers_err_by_below_two_units(name):
    fun, reference, _ = NAMES[name]
    rng = np.random.default_rng(3)
    quarters = (np.arange(-(2**21), 2**21, 16) * (np.pi / 2)).astype(np.float32)
    x = np.concatenate([quarters, rng.uniform(-(2**22), 2**22, 50000), [-(2**22), 2**22, np.nan]])
    for last in (0.0, 2.0**22 + 1, -3e38):  # without and with a number outside
        v = np.append(x, last).astype(np.float32)
        exact = reference(v.astype(np.float64))
        out = compiled(fun, [v])[0].astype(np.float64)
        assert np.nanmax(units(out, exact)) < 2
        np.testing.assert_array_equal(np.isnan(out), np.isnan(exact))


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_huge_arguments_are_reduced_exactly(name):
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(300) * 10 ** rng.uniform(8, 38, 300)).astype(np.float32)
    with mpmath.workprec(400):
        exact = np.array([float(getattr(mpmath, name)(mpmath.mpf(float(v)))) for v in x])
    assert units(compiled(NAMES[name][0], [x])[0].astype(np.float64), exact).max() < 2


@pytest.mark.parametrize("name", NAMES)
def test_special_values(name):
    fun, reference, _ = NAMES[name]
    x = np.resize(np.array(_ENDS, np.float32), LEAST)
    with np.errstate(all="ignore"):
        exact = reference(x.astype(np.float64)).astype(np.float32)
    out = compiled(fun, [x])[0]
    np.testing.assert_allclose(out, exact, rtol=4e-7)
    zero = exact == 0
    np.testing.assert_array_equal(np.signbit(out[zero]), np.signbit(exact[zero]))


def test_atan2_in_all_directions():
    x, y = np.meshgrid(np.array([*_ENDS, 1e-20, 3.0], np.float32), np.array(_ENDS, np.float32))
    out, exact = compiled(elementwise.atan2, [x, y])[0], np.arctan2(x, y)
    subnormal = (np.abs(exact) < np.finfo(np.float32).tiny) & (
        exact != 0
    )  # the compiler flushes them
    np.testing.assert_allclose(out[~subnormal], exact[~subnormal], rtol=4e-7)
    np.testing.assert_array_equal(np.signbit(out[exact == 0]), np.signbit(exact[exact == 0]))
    rng = np.random.default_rng(2)
    a, b = (rng.standard_normal((2, 20000)) * np.exp(rng.uniform(-20, 20, (2, 20000)))).astype(
        np.float32
    )
    exact = np.arctan2(a.astype(np.float64), b.astype(np.float64))
    assert units(compiled(elementwise.atan2, [a, b])[0].astype(np.float64), exact).max() < 2


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_narrow_floats_round_the_float32_result(name, dtype):
    fun, reference, _ = NAMES[name]
    x = np.linspace(-1, 1, 200).astype(dtype)
    out = compiled(fun, [x])[0]
    assert out.dtype == dtype
    exact = reference(x.astype(np.float64))
    step = 2.0 ** -ml_dtypes.finfo(dtype).nmant
    np.testing.assert_allclose(out.astype(np.float64), exact, rtol=step, atol=1e-7)


@pytest.mark.parametrize("size", [LEAST - 1, LEAST])
def test_small_and_large_arrays_agree(size):
    x = np.linspace(-3, 3, size).astype(np.float32)
    for fun, _, limit in NAMES.values():
        np.testing.assert_allclose(
            compiled(fun, [x / 3 if limit == 1 else x])[0],
            run(fun, [x / 3 if limit == 1 else x])[0],
            rtol=4e-7,
            atol=1e-7,
        )
