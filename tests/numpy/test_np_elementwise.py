"""Elementwise functions against NumPy, on ordinary and special numbers of every dtype: eager, compiled, differentiated.

All functions of one dtype are compiled as one program, which keeps the file fast.
"""

import ml_dtypes
import numpy as np
import pytest
from np_rows import host

import numax
import numax.numpy as jnp

FLOAT, SAME, BOOL, INT = "float", "same", "bool", "int"

# name -> (kind of result, where real arguments make sense, whether complex numbers are accepted)
UNARY = {
    "exp": (FLOAT, (-80, 80), True),
    "exp2": (FLOAT, (-80, 80), False),
    "expm1": (FLOAT, (-80, 80), True),
    "log": (FLOAT, None, True),
    "log2": (FLOAT, None, True),
    "log10": (FLOAT, None, True),
    "log1p": (FLOAT, None, True),
    "sin": (FLOAT, None, True),
    "cos": (FLOAT, None, True),
    "tan": (FLOAT, None, True),
    "arcsin": (FLOAT, None, True),
    "arccos": (FLOAT, None, True),
    "arctan": (FLOAT, None, True),
    "sinh": (FLOAT, (-80, 80), True),
    "cosh": (FLOAT, (-80, 80), True),
    "tanh": (FLOAT, None, True),
    "arcsinh": (FLOAT, None, True),
    "arccosh": (FLOAT, None, True),
    "arctanh": (FLOAT, None, True),
    "sqrt": (FLOAT, None, True),
    "cbrt": (FLOAT, None, False),
    "deg2rad": (FLOAT, None, False),
    "rad2deg": (FLOAT, None, False),
    "fabs": (FLOAT, None, False),
    "rint": (FLOAT, None, True),
    "reciprocal": (FLOAT, None, True),
    "sinc": (FLOAT, None, True),
    "i0": (FLOAT, (-20, 20), False),
    "angle": (FLOAT, None, True),
    "spacing": (FLOAT, None, False),
    "square": (SAME, None, True),
    "negative": (SAME, None, True),
    "positive": (SAME, None, True),
    "abs": (SAME, None, True),
    "sign": (SAME, None, True),
    "floor": (SAME, None, False),
    "ceil": (SAME, None, False),
    "trunc": (SAME, None, False),
    "round": (SAME, None, True),
    "conj": (SAME, None, True),
    "real": (SAME, None, True),
    "imag": (SAME, None, True),
    "nan_to_num": (SAME, None, True),
    "isnan": (BOOL, None, True),
    "isinf": (BOOL, None, True),
    "isfinite": (BOOL, None, True),
    "isposinf": (BOOL, None, False),
    "isneginf": (BOOL, None, False),
    "iscomplex": (BOOL, None, True),
    "isreal": (BOOL, None, True),
    "signbit": (BOOL, None, False),
    "logical_not": (BOOL, None, True),
    "invert": (INT, None, False),
    "bitwise_count": (INT, None, False),
}
BINARY = {
    "add": (SAME, True),
    "subtract": (SAME, True),
    "multiply": (SAME, True),
    "divide": (FLOAT, True),
    "floor_divide": (SAME, False),
    "remainder": (SAME, False),
    "fmod": (SAME, False),
    "power": (SAME, True),
    "float_power": (FLOAT, True),
    "maximum": (SAME, False),
    "minimum": (SAME, False),
    "fmax": (SAME, False),
    "fmin": (SAME, False),
    "arctan2": (FLOAT, False),
    "hypot": (FLOAT, False),
    "logaddexp": (FLOAT, False),
    "logaddexp2": (FLOAT, False),
    "copysign": (FLOAT, False),
    "nextafter": (FLOAT, False),
    "heaviside": (FLOAT, False),
    "gcd": (INT, False),
    "lcm": (INT, False),
    "equal": (BOOL, True),
    "not_equal": (BOOL, True),
    "less": (BOOL, True),
    "less_equal": (BOOL, True),
    "greater": (BOOL, True),
    "greater_equal": (BOOL, True),
    "logical_and": (BOOL, True),
    "logical_or": (BOOL, True),
    "logical_xor": (BOOL, True),
    "bitwise_and": (INT, False),
    "bitwise_or": (INT, False),
    "bitwise_xor": (INT, False),
    "left_shift": (INT, False),
    "right_shift": (INT, False),
    "isclose": (BOOL, True),
}
NO_BOOL = {"negative", "sign", "round", "subtract", "gcd", "lcm"}
TOLERANCE = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 2e-6, "complex64": 1e-5}
REALS = [0.0, -0.0, 0.3, -0.7, 1.0, -1.0, 2.0, -2.5, 3.5, 7.25, 60.0, np.inf, -np.inf, np.nan]
DTYPES = ["float32", "float16", "bfloat16", "int8", "uint8", "int32", "bool", "complex64"]


def dtype_named(name):
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def numbers(name):
    dtype = dtype_named(name)
    if name == "bool":
        return np.array([False, True])
    if dtype.kind == "u":
        return np.array([0, 1, 2, 3, 7, 100, 255], dtype)
    if dtype.kind == "i":
        return np.array([0, 1, -1, 2, -3, 7, 100, -100], dtype)
    if dtype.kind == "c":
        parts = [0.5, -0.25, 1.0, -2.0, 3.0]
        return np.array([complex(a, b) for a in parts for b in [*parts, 0.0]], dtype)
    return np.array(REALS, dtype)


def result_dtype(kind, name):
    if kind == BOOL:
        return "bool"
    dtype = dtype_named(name)
    inexact = dtype.kind in "fc" or name == "bfloat16"
    return name if kind != FLOAT or inexact else "float32"


SPECIAL_DTYPES = {
    "abs": {"complex64": "float32"},
    "angle": {"complex64": "float32"},
    "real": {"complex64": "float32"},
    "imag": {"complex64": "float32"},
    "square": {"bool": "int32"},
    "floor_divide": {"bool": "int32"},
    "remainder": {"bool": "int32"},
    "fmod": {"bool": "int32"},
    "power": {"bool": "int32"},
    "left_shift": {"bool": "int32"},
    "right_shift": {"bool": "int32"},
    "bitwise_count": dict.fromkeys(DTYPES, "uint8"),
}


def expected(name, kind, dtype_name, *args):
    """NumPy's result, computed in float64 for small floats, at the dtype that JAX's rules give."""
    want = SPECIAL_DTYPES.get(name, {}).get(dtype_name, result_dtype(kind, dtype_name))
    if dtype_name == "bfloat16" or (
        dtype_name == "float16" and name not in ("nextafter", "spacing", "nan_to_num")
    ):
        args = [a.astype(np.float32) for a in args]
    elif (kind == FLOAT and args[0].dtype.kind in "biu") or (
        dtype_name == "bool" and want == "int32"
    ):
        args = [a.astype(np.float32 if kind == FLOAT else np.int32) for a in args]
    with np.errstate(all="ignore"):
        if name == "float_power":
            name = "power"
        if name == "conj":
            out = np.conjugate(*args)
        elif name == "positive":
            out = args[0]
        elif name == "rint" and args[0].dtype.kind == "c":
            out = np.rint(args[0].real) + 1j * np.rint(args[0].imag)
        else:
            out = getattr(np, name)(*args)
        return np.asarray(out).astype(dtype_named(want)), dtype_named(want)


def difference(name, got, want, dtype, dtype_name):
    """What differs, as text; empty if nothing does."""
    try:
        close(name, got, want, dtype, dtype_name)
    except AssertionError as error:
        return f"{name}: {error}"
    return ""


def close(name, got, want, dtype, dtype_name):
    got = host(got)
    assert got.dtype == dtype, f"{name}: {got.dtype}, not {dtype}"
    assert got.shape == want.shape
    if dtype.kind in "biu":
        np.testing.assert_array_equal(got, want, err_msg=name)
        return
    tol = TOLERANCE[dtype_name if dtype_name in TOLERANCE else "float32"]
    wide = np.complex128 if dtype.kind == "c" else np.float64
    np.testing.assert_allclose(
        got.astype(wide), want.astype(wide), rtol=4 * tol, atol=tol, err_msg=name
    )


def accepted(name, kind, complex_too, dtype_name):
    k = dtype_named(dtype_name).kind
    if k == "c":
        return complex_too
    if dtype_name == "bool" and name in NO_BOOL:
        return False
    if dtype_name == "bfloat16" and name in ("nextafter", "spacing", "i0", "nan_to_num"):
        return False  # NumPy in float32 is no reference; see test_neighbours_of_small_floats
    if dtype_name == "float16" and name == "spacing":
        return False  # NumPy's float16 spacing is that towards +inf
    return kind != INT or k in "iub"


def calls(dtype_name):
    """(name, kind, arguments) of every call for a dtype."""
    x = numbers(dtype_name)
    for name, (kind, domain, complex_too) in UNARY.items():
        if accepted(name, kind, complex_too, dtype_name):
            inside = x
            if domain is not None and x.dtype.kind not in "cb":
                wide = x.astype(np.float64)
                inside = x[(wide >= domain[0]) & (wide <= domain[1]) | ~np.isfinite(wide)]
                inside = inside[~np.isnan(inside.astype(np.float64))] if name == "i0" else inside
            yield name, kind, (inside,)
    for name, (kind, complex_too) in BINARY.items():
        if accepted(name, kind, complex_too, dtype_name):
            y = x[:, None]
            if name in ("power", "float_power") and x.dtype.kind in "iu":
                x_, y_ = x, np.array([[0], [1], [2], [3]], x.dtype)
            elif "shift" in name:
                x_, y_ = x, np.array([[0], [1], [7]]).astype(x.dtype)
            elif name in ("power", "float_power") and x.dtype.kind == "c":
                x_, y_ = x, np.array([[1], [2], [0.5], [1j]], x.dtype)
            else:
                x_, y_ = x, y
            yield name, kind, (x_, y_)


@pytest.mark.parametrize("dtype_name", DTYPES)
def test_compiled_agrees_with_numpy(dtype_name):
    rows = list(calls(dtype_name))
    flat = [a for _, _, args in rows for a in args]

    @numax.jit
    def everything(*values):
        out, at = [], 0
        for name, _, args in rows:
            out.append(getattr(jnp, name)(*values[at : at + len(args)]))
            at += len(args)
        return out

    found = []
    for (name, kind, args), got in zip(rows, everything(*flat), strict=True):
        want, dtype = expected(name, kind, dtype_name, *args)
        found.append(difference(name, got, want, dtype, dtype_name))
    assert not any(found), "\n".join(filter(None, found))


# ---- signs of zeros, infinities ----


@pytest.mark.parametrize(
    "name", ["floor_divide", "remainder", "fmod", "copysign", "divide", "multiply", "heaviside"]
)
@pytest.mark.parametrize("compile", [False, True])
def test_signed_zeros_are_numpys(name, compile):
    x = np.array([0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 6, -6, np.inf, -np.inf], np.float32)
    fun = getattr(jnp, name)
    got = host((numax.jit(fun) if compile else fun.__wrapped__)(x[:, None], x[None]))
    with np.errstate(all="ignore"):
        want = getattr(np, name)(x[:, None], x[None])
    np.testing.assert_array_equal(got, want)
    number = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got)[number], np.signbit(want)[number])


@pytest.mark.parametrize("compile", [False, True])
def test_parts_of_floats_are_numpys(compile):
    x = np.array([0, -0.0, 1, -1, 3.25, -7.5, 1e-30, 1e30, np.inf, -np.inf, np.nan], np.float32)

    def parts(x):
        return (
            jnp.frexp(x),
            jnp.modf(x),
            jnp.ldexp(x, jnp.array(3)),
            jnp.ldexp(x, jnp.array(-140)),
            jnp.spacing(x),
        )

    (m, e), (rest, whole), up, down, gap = (numax.jit(parts) if compile else parts)(x)
    with np.errstate(all="ignore"):
        want_m, want_e = np.frexp(x)
        want_rest, want_whole = np.modf(x)
    np.testing.assert_array_equal(m, want_m)
    np.testing.assert_array_equal(e, np.where(np.isfinite(x), want_e, 0))
    for got, want in ((rest, want_rest), (whole, want_whole), (up, np.ldexp(x, 3))):
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(gap[2:8], np.spacing(x)[2:8])
        normal = np.abs(np.ldexp(x, -140)) > 1e-37
        np.testing.assert_array_equal(np.asarray(down)[normal], np.ldexp(x, -140)[normal])


def test_frexp_takes_subnormal_numbers_apart():
    x = np.array([1e-40, -3e-42, 1.4e-45], np.float32)
    m, e = jnp.frexp(x)
    np.testing.assert_array_equal(m, np.frexp(x)[0])
    np.testing.assert_array_equal(e, np.frexp(x)[1])


def test_neighbours_of_small_floats():
    x = jnp.array([1.0, -1.0, 0.5], jnp.bfloat16)
    np.testing.assert_array_equal(
        jnp.nextafter(x, jnp.bfloat16(9)).astype("float32"), [1.0078125, -0.99609375, 0.50390625]
    )
    np.testing.assert_array_equal(
        jnp.spacing(x).astype("float32"), [0.0078125, -0.0078125, 0.00390625]
    )
    top = jnp.nan_to_num(jnp.array([np.inf, -np.inf], jnp.bfloat16)).astype("float32")
    np.testing.assert_allclose(top, [3.3895314e38, -3.3895314e38], rtol=1e-6)


# ---- powers ----


def test_integer_powers_follow_jax():
    x = jnp.array([2, 3])
    np.testing.assert_array_equal(x**2, [4, 9])
    with pytest.raises(TypeError, match="negative powers"):
        x**-1
    np.testing.assert_array_equal(
        jnp.power(jnp.array([1, -1, 0, 2, -1]), jnp.array([-1, -1, -1, -1, -2])), [1, -1, 0, 0, 1]
    )
    assert (x**2.5).dtype == np.float32
    assert "integer_pow[y=3]" in str(numax.make_jaxpr(lambda x: x**3)(1.0))
    assert "pow " in str(numax.make_jaxpr(lambda x: x**2.0)(1.0))


def test_integer_powers_wrap_around_like_numpy():
    for name in ("int8", "uint8", "int32"):
        x = np.arange(0 if name == "uint8" else -6, 7).astype(name)[:, None]
        y = np.arange(12).astype(name)
        np.testing.assert_array_equal(numax.jit(jnp.power)(x, y), np.power(x, y))


# ---- rounding, clipping, closeness ----


@pytest.mark.parametrize("decimals", [-2, -1, 0, 1, 3])
def test_round_to_decimals(decimals):
    x = np.array([1.25, -1.35, 2.5, 155.5, -1234.567, 0.0005], np.float32)
    np.testing.assert_allclose(jnp.round(x, decimals), np.round(x, decimals), rtol=1e-6)
    i = np.array([15, 25, -15, -25, 149, 150, 151, -151], np.int32)
    np.testing.assert_array_equal(jnp.round(jnp.asarray(i), decimals), np.round(i, decimals))
    np.testing.assert_array_equal(
        numax.jit(jnp.round, static_argnums=1)(i, decimals), np.round(i, decimals)
    )


def test_round_refuses_what_has_no_decimals():
    with pytest.raises(TypeError, match="booleans"):
        jnp.round(jnp.array([True]))
    with pytest.raises(NotImplementedError, match="out"):
        jnp.round(jnp.ones(2), out=np.ones(2))


def test_clip_prefers_the_upper_bound():
    x = jnp.array([1.0, 5.0, np.nan])
    np.testing.assert_array_equal(jnp.clip(x, 3, 2), [2, 2, np.nan])
    np.testing.assert_array_equal(jnp.clip(x, max=2), [1, 2, np.nan])
    np.testing.assert_array_equal(
        jnp.clip(x, jnp.array([[0.0], [2.0]])), [[1, 5, np.nan], [2, 5, np.nan]]
    )
    assert jnp.clip(jnp.array([1, 5]), 2.5, 4).dtype == np.float32
    with pytest.raises(ValueError, match="No input"):
        jnp.clip()
    with pytest.raises(ValueError, match="complex"):
        jnp.clip(jnp.array([1j]), 0, 1)


def test_closeness_and_equality_of_arrays():
    x = np.array([1, np.nan, np.inf, -np.inf, 1.000001], np.float32)
    y = np.array([1, np.nan, np.inf, np.inf, 1], np.float32)
    for equal_nan in (False, True):
        np.testing.assert_array_equal(
            jnp.isclose(x, y, equal_nan=equal_nan), np.isclose(x, y, equal_nan=equal_nan)
        )
        assert bool(jnp.array_equal(x, x, equal_nan)) == np.array_equal(x, x, equal_nan=equal_nan)
    assert bool(jnp.allclose(x[:1], y[:1]))
    assert not bool(jnp.allclose(x, y))
    assert bool(jnp.array_equal([1, 2], jnp.array([1, 2])))
    assert not bool(jnp.array_equal(jnp.ones(2), jnp.ones((1, 2))))
    assert bool(jnp.array_equiv(jnp.ones(2), jnp.ones((3, 2))))
    assert not bool(jnp.array_equiv(jnp.ones(2), jnp.ones(3)))
    assert bool(jnp.isclose(1_000_000, 1_000_001))


# ---- delicate derivatives ----


def grads(f, *args):
    return [float(g) for g in numax.grad(f, tuple(range(len(args))))(*args)]


def test_derivatives_where_formulas_are_delicate():
    assert grads(jnp.logaddexp, 1.0, 1.0) == [0.5, 0.5]
    assert grads(jnp.logaddexp, np.inf, 1.0) == [1.0, 0.0]
    assert grads(jnp.logaddexp, -np.inf, 1.0) == [0.0, 1.0]
    assert grads(jnp.remainder, 2.0, 1.0) == [1.0, -2.0]
    assert grads(jnp.remainder, -2.5, 1.0) == [1.0, 3.0]
    assert grads(jnp.remainder, 0.0, -2.0) == [1.0, 0.0]
    assert grads(jnp.floor_divide, -2.5, 1.0) == [0.0, 0.0]
    assert grads(jnp.maximum, 1.0, 1.0) == [0.5, 0.5]
    assert grads(lambda x: jnp.clip(x, 1.0, 2.0), 1.0) == [0.5]
    assert grads(lambda x: jnp.modf(x)[0], -2.0) == [1.0]
    assert grads(lambda x: jnp.frexp(x)[0], 3.0) == [0.25]
    assert grads(jnp.nan_to_num, np.nan) == [0.0]
    assert grads(jnp.power, 0.0, 2.0) == [0.0, 0.0]
    assert all(np.isfinite(grads(jnp.hypot, 0.0, 0.0)))


def test_sinc_has_derivatives_of_every_order_at_zero():
    with numax.enable_x64(True):
        f = jnp.sinc
        for order, want in ((1, 0.0), (2, -(np.pi**2) / 3), (3, 0.0), (4, np.pi**4 / 5)):
            f = numax.grad(f)
            np.testing.assert_allclose(
                float(f(0.0)), want, rtol=1e-9, atol=1e-9, err_msg=str(order)
            )


# ---- types ----


def test_weak_types_are_jaxs():
    x = jnp.array([1, 2], jnp.int8)
    assert (x + 1).dtype == np.int8
    assert (x * 2.0).dtype == np.float32
    assert (x * 2.0).weak_type
    assert jnp.sin(1).weak_type
    assert not jnp.sin(True).weak_type
    assert jnp.hypot(3, 4).weak_type
    assert jnp.gcd(12, 8).weak_type
    assert not (x == 1).weak_type
    assert (jnp.ones(2, jnp.bfloat16) * 2.0).dtype == jnp.bfloat16
    assert (jnp.ones(2) * np.float64(2)).dtype == np.float32


def test_mixed_comparisons_are_the_same_eager_and_compiled():
    big, near = jnp.array([2**24 + 1]), jnp.array([2.0**24], jnp.float32)
    for f in (jnp.equal, jnp.less, jnp.greater):
        for _ in range(2):
            assert bool(f(big, near)[0]) == bool(numax.jit(f)(big, near)[0])


BAD = [
    (lambda: jnp.sin([1, 2]), TypeError, "sin requires ndarray or scalar arguments"),
    (lambda: jnp.add([1], 2), TypeError, "add requires ndarray or scalar arguments"),
    (lambda: jnp.sin(None), TypeError, "NoneType"),
    (lambda: jnp.sin("a"), TypeError, "str"),
    (lambda: jnp.add(1, 2, out=jnp.ones(2)), NotImplementedError, "out"),
    (lambda: jnp.add(1, 2, where=True), NotImplementedError, "where"),
    (lambda: jnp.sin(1.0, out=jnp.ones(2)), TypeError, "out"),
    (lambda: jnp.add(1, 2, 3), TypeError, "argument"),
    (lambda: jnp.add(1), TypeError, "argument"),
    (lambda: jnp.subtract(jnp.array([True]), True), TypeError, "bool"),
    (lambda: jnp.negative(jnp.array([True])), TypeError, "bool"),
    (lambda: jnp.cbrt(1j), TypeError, "complex"),
    (lambda: jnp.fabs(1j), TypeError, "complex"),
    (lambda: jnp.floor(1j), TypeError, "complex"),
    (lambda: jnp.floor_divide(1j, 2), TypeError, "complex"),
    (lambda: jnp.hypot(1j, 2), ValueError, "real"),
    (lambda: jnp.copysign(1j, 2), TypeError, "complex"),
    (lambda: jnp.i0(1j), ValueError, "real"),
    (lambda: jnp.gcd(1.0, 2), ValueError, "integers"),
    (lambda: jnp.lcm(True, True), ValueError, "integers"),
    (lambda: jnp.ldexp(jnp.array([1]), 2.0), ValueError, "ldexp not supported"),
    (lambda: jnp.isposinf(1j), ValueError, "complex"),
    (lambda: jnp.isposinf(1.0, out=1), NotImplementedError, "out"),
    (lambda: jnp.modf(1.5, out=1), NotImplementedError, "out"),
    (lambda: jnp.bitwise_and(1.0, 2), TypeError, "integers"),
    (lambda: jnp.left_shift(1.0, 1), TypeError, "integers"),
    (lambda: jnp.ones(2) + jnp.ones(3), ValueError, r"broadcasting: shapes \(2,\), \(3,\)"),
    (lambda: jnp.array([1, 2]) + 2**40, OverflowError, "int"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments_raise(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_strict_promotion_is_asked_for():
    with numax.numpy_dtype_promotion("strict"), pytest.raises(ValueError, match="promotion"):
        jnp.add(jnp.ones(2), jnp.ones(2, jnp.int32))
    with numax.numpy_rank_promotion("raise"), pytest.raises(ValueError, match="rank"):
        jnp.add(jnp.ones(2), jnp.ones((2, 2)))
    assert (jnp.ones(2) + jnp.ones((2, 2), jnp.int32)).dtype == np.float32


@pytest.mark.parametrize("name", ["float64", "int64", "complex128"])
def test_wide_types_agree_with_numpy(x64, name):
    short = {"float64": "float32", "int64": "int32", "complex128": "complex64"}[name]
    skipped = {"reciprocal", "positive", "isposinf", "isneginf"}  # as tested above
    found = []
    for f, _, args in calls(short):
        if f in skipped:
            continue
        args = [a.astype(name) for a in args]
        with np.errstate(all="ignore"):
            want = np.asarray(getattr(np, f)(*args))
        got = host(getattr(jnp, f)(*[jnp.asarray(a) for a in args]))
        wide = np.complex128 if want.dtype.kind == "c" else np.float64
        close = np.allclose(
            got.astype(wide), want.astype(wide), rtol=1e-12, atol=1e-12, equal_nan=True
        )
        if got.dtype != want.dtype or not close:
            found.append(f"{f}: {got.dtype} {want.dtype}")
    assert not found


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("odd", [[], [0.0, -0.0], [np.inf], [-1.0, np.nan], [-np.inf, np.nan]])
def test_half_powers_of_many_numbers_are_those_of_few(odd, dtype):
    x = np.linspace(0.1, 9, 5000).astype(dtype)
    x[: len(odd)] = odd
    out, few = np.asarray(jnp.array(x) ** 0.5), np.asarray(jnp.array(x[:9]) ** 0.5)
    assert out.dtype == dtype
    np.testing.assert_allclose(out[:9], few, rtol=np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.signbit(out[:9]), np.signbit(few))
    np.testing.assert_allclose(out, numax.jit(lambda x: x**0.5)(x), rtol=np.finfo(dtype).eps)
