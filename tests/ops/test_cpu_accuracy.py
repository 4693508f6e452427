"""Errors of the CPU's functions: all float16 and bfloat16, float32 by its bits, float64 against mpmath."""

import math

import ml_dtypes
import mpmath
import numpy as np
import pytest
from ops_rules import compiled

from numax._engine.core.config import enable_x64
from numax._engine.ops import arithmetic, elementwise, special


@pytest.fixture(autouse=True)
def no_warnings():
    with np.errstate(all="ignore"):
        yield


FLOAT32_TINY = 2.0**-126  # the compiler flushes what is smaller
_lgamma = np.frompyfunc(lambda v: math.lgamma(v), 1, 1)


def lgamma(x):
    out = np.full(x.shape, np.inf)
    good = np.isfinite(x) & ((x > 0) | (x != np.round(x)))
    out[good] = _lgamma(x[good]).astype(float)
    return np.where(np.isnan(x), np.nan, out)


FUNCTIONS = {
    "sin": (elementwise.sin, np.sin, 2),
    "cos": (elementwise.cos, np.cos, 2),
    "tan": (elementwise.tan, np.tan, 2),
    "atan": (elementwise.atan, np.arctan, 3),
    "asin": (elementwise.asin, np.arcsin, 3),
    "acos": (elementwise.acos, np.arccos, 3),
    "cbrt": (arithmetic.cbrt, np.cbrt, 2),
    "rsqrt": (arithmetic.rsqrt, lambda x: 1 / np.sqrt(x), 2),
    "exp": (elementwise.exp, np.exp, 2),
    "exp2": (elementwise.exp2, np.exp2, 2),
    "log": (elementwise.log, np.log, 2),
    "expm1": (elementwise.expm1, np.expm1, 2),
    "sinh": (elementwise.sinh, np.sinh, 2.5),
    "cosh": (elementwise.cosh, np.cosh, 2.5),
    "lgamma": (special.lgamma, lgamma, 2),
}
PAIRS = {
    "pow": (elementwise.pow, np.power),
    "atan2": (elementwise.atan2, np.arctan2),
}
MOST_64 = {
    "lgamma": 4,
    "sinh": 16,
    "cosh": 16,
}  # hyperbolic functions of float64 are the compiler's
_OTHERS = (0.0, -0.0, 0.5, -1.0, 3.0, 0.34, -2.5, np.inf, np.nan)


def error(out, exact, dtype):
    """The largest error in units in the last place, after a look at nans, infinities and signs of zeros."""
    info = ml_dtypes.finfo(dtype)
    out, top = out.astype(np.float64), float(info.max)
    least = max(float(info.smallest_subnormal), FLOAT32_TINY)
    tiny = np.abs(exact) < FLOAT32_TINY
    np.testing.assert_array_equal(np.isnan(out), np.isnan(exact))
    assert np.all(np.abs(out[tiny]) <= FLOAT32_TINY)
    zero = (exact == 0) & (out == 0)
    np.testing.assert_array_equal(np.signbit(out[zero]), np.signbit(exact[zero]))
    exponent = np.frexp(np.where(np.isfinite(exact), exact, 1.0))[1] - 1
    unit = np.maximum(np.ldexp(1.0, exponent - info.nmant), least)
    unit = np.minimum(unit, np.ldexp(1.0, info.maxexp - 1 - info.nmant))
    over = np.abs(exact) > top + np.ldexp(0.5, info.maxexp - 1 - info.nmant)
    np.testing.assert_array_equal(out[over], np.copysign(np.inf, exact[over]))
    rest = np.isfinite(exact) & ~tiny & ~over & np.isfinite(out)
    return (np.abs(out - exact)[rest] / unit[rest]).max()


def all_of(dtype):
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    wide = x.astype(np.float64)
    return x[(np.abs(wide) >= FLOAT32_TINY) | (wide == 0) | np.isnan(wide)]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_narrow_floats(name, dtype):
    fun, reference, _ = FUNCTIONS[name]
    x = all_of(dtype)
    exact = reference(x.astype(np.float64))
    assert error(compiled(fun, [x])[0], exact, dtype) < 1


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", PAIRS)
def test_all_narrow_floats_with_some_others(name, dtype):
    fun, reference = PAIRS[name]
    x = np.repeat(all_of(dtype)[:, None], len(_OTHERS), 1)
    y = np.broadcast_to(np.array(_OTHERS).astype(dtype), x.shape).copy()
    for a, b in ((x, y), (y, x)):
        wide = [v.astype(np.float64) * 1 for v in (a, b)]  # NumPy's pow of a signalling nan is nan
        assert error(compiled(fun, [a, b])[0], reference(*wide), dtype) < 1


def bits(count, seed):
    """Numbers of random bits: all exponents alike, infinities and nans among them; and what lies beside whole numbers."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 1 << 32, count, np.uint32).view(np.float32)
    near = np.nextafter(np.arange(-40, 41, dtype=np.float32), rng.choice([-np.inf, np.inf], 81))
    x = np.concatenate([x, near.astype(np.float32), rng.uniform(-30, 30, count // 4)])
    x = x.astype(np.float32)
    return x[~(np.abs(x) < FLOAT32_TINY) | (x == 0)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_of_random_bits(name):
    fun, reference, most = FUNCTIONS[name]
    x = bits(40000, 0)
    exact = reference(x.astype(np.float64))
    out = compiled(fun, [x])[0]
    if name == "lgamma":  # near its zeros the absolute error counts
        near = np.abs(exact) < 0.02
        assert np.abs(out - exact)[near].max() < 4e-9
        out, exact = out[~near], exact[~near]
    assert error(out, exact, np.float32) < most


@pytest.mark.parametrize("name", PAIRS)
def test_float32_pairs_of_random_bits(name):
    fun, reference = PAIRS[name]
    rng = np.random.default_rng(1)
    x, y = bits(40000, 2), bits(40000, 3)
    count = min(x.size, y.size)
    x, y = x[:count], y[:count]
    x[: count // 2] = np.exp(rng.uniform(-3, 3, count // 2))
    y[: count // 2] = rng.uniform(-25, 25, count // 2)
    exact = reference(x.astype(np.float64), y.astype(np.float64))
    assert error(compiled(fun, [x, y])[0], exact, np.float32) < 2


def _exact(name, rows):
    functions = {"cbrt": lambda v: mpmath.sign(v) * mpmath.cbrt(abs(v))}
    functions |= {"rsqrt": lambda v: 1 / mpmath.sqrt(v), "exp2": lambda v: mpmath.mpf(2) ** v}
    functions |= {"lgamma": lambda v: mpmath.re(mpmath.loggamma(v)), "pow": lambda a, b: a**b}
    function = functions.get(name) or getattr(mpmath, name)
    with mpmath.workprec(1200 if name in ("sin", "cos", "tan") else 200):
        return np.array([float(function(*[mpmath.mpf(float(v)) for v in row])) for row in rows])


@pytest.mark.parametrize("name", [*FUNCTIONS, *PAIRS])
def test_float64_against_mpmath(name):
    rng = np.random.default_rng(4)
    fun = (FUNCTIONS.get(name) or PAIRS[name])[0]
    if name in ("asin", "acos"):
        xs = [rng.uniform(-1, 1, 200)]
    elif name in ("rsqrt", "log", "pow"):
        xs = [np.exp(rng.uniform(-30, 30, 200))]
    elif name in ("sin", "cos", "tan", "atan", "cbrt"):
        xs = [np.concatenate([rng.uniform(-20, 20, 150), np.exp(rng.uniform(0, 200, 50))])]
    else:
        xs = [rng.uniform(-30, 30, 200)]
    if name in PAIRS:
        xs.append(rng.uniform(-15, 15, 200))
    exact = _exact(name, zip(*xs, strict=True))
    with enable_x64(True):
        out = compiled(fun, xs)[0]
    assert out.dtype == np.float64
    if name == "lgamma":
        near = np.abs(exact) < 1
        assert np.abs(out - exact)[near].max() < 4e-15
        out, exact = out[~near], exact[~near]
    assert error(out, exact, np.float64) < MOST_64.get(name, 2.5)
