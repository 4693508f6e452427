"""Rows of the table of operations: arithmetic.py, complex.py, polynomial.py."""

import math

import numpy as np
from ops_case import Case, fixed, integers, normal, uniform

from numax._engine.ops import arithmetic as ops
from numax._engine.ops.polynomial import polynomial

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_COMPLEX = ("complex64", "complex128")
_INEXACT = (*_FLOATS, *_COMPLEX)
_INTS = ("int8", "int32", "int64", "uint8", "uint32", "int4")


def _wide(function):
    """The reference in double precision, rounded to the dtype of the first argument."""

    def reference(*xs):
        kinds = [np.complex128 if x.dtype.kind == "c" else np.float64 for x in xs]
        out = np.asarray(function(*[x.astype(k) for x, k in zip(xs, kinds, strict=True)]))
        first = xs[0].dtype
        if out.dtype.kind != "c" and first.kind == "c":
            first = first.type(0).real.dtype
        return out.astype(first)

    return reference


def _div_ints(x, y):
    """Towards zero; x / 0 has all bits set; the least number / -1 wraps."""
    shape, dtype = np.broadcast_shapes(x.shape, y.shape), x.dtype
    pairs = zip(*[np.broadcast_to(v, shape).ravel().tolist() for v in (x, y)], strict=True)
    out = [
        -1
        if int(b) == 0
        else int(math.copysign(1, int(a)) * math.copysign(1, int(b))) * (abs(int(a)) // abs(int(b)))
        for a, b in pairs
    ]
    return np.array(out, np.int64).astype(dtype).reshape(shape)


def _rem_ints(x, y):
    shape, dtype = np.broadcast_shapes(x.shape, y.shape), x.dtype
    pairs = zip(*[np.broadcast_to(v, shape).ravel().tolist() for v in (x, y)], strict=True)
    out = [
        int(a) if int(b) == 0 else int(math.copysign(1, int(a))) * (abs(int(a)) % abs(int(b)))
        for a, b in pairs
    ]
    return np.array(out, np.int64).astype(dtype).reshape(shape)


def _lexicographic(pick_left):
    def reference(x, y):
        if x.dtype.kind != "c":
            return pick_left(x, y).astype(x.dtype)
        first = np.where(
            x.real == y.real,
            pick_left(x.imag, y.imag) == x.imag,
            pick_left(x.real, y.real) == x.real,
        )
        return np.where(first, x, y)

    return reference


_MIXED_DTYPES = lambda f: (
    lambda: f(np.ones(3, np.float32), np.ones(3, np.int32)),
    TypeError,
    "operands must have equal dtypes",
)
_MIXED_SHAPES = lambda f: (
    lambda: f(np.ones(3, np.float32), np.ones(2, np.float32)),
    TypeError,
    "operands must have equal shapes",
)
_away = uniform(4, 3, low=0.5, high=2.0)

CASES = [
    Case(
        "div",
        ops.div,
        [normal(4, 3), _away],
        _wide(np.true_divide),
        "div",
        _INEXACT,
        bad=[_MIXED_DTYPES(ops.div), _MIXED_SHAPES(ops.div)],
    ),
    Case("div scalar by array", ops.div, [normal(), _away], _wide(np.true_divide), "div"),
    Case(
        "div array by scalar",
        ops.div,
        [normal(4), uniform(low=1.0, high=2.0)],
        _wide(np.true_divide),
        "div",
    ),
    Case(
        "div integers",
        ops.div,
        [normal(5, 4, scale=2.0), integers(5, 4, low=0, high=4)],
        _div_ints,
        "div",
        _INTS,
    ),
    Case(
        "rem",
        ops.rem,
        [normal(4, 3, scale=3.0), _away],
        _wide(np.fmod),
        "rem",
        ("float32", "float64"),
    ),
    Case(
        "rem integers",
        ops.rem,
        [normal(5, 4, scale=2.0), integers(5, 4, low=0, high=4)],
        _rem_ints,
        "rem",
        _INTS,
    ),
    Case(
        "max",
        ops.max,
        [normal(4, 3), normal(4, 3)],
        _lexicographic(np.maximum),
        "max",
        ("bool", *_INTS, *_INEXACT),
        bad=[_MIXED_DTYPES(ops.max), _MIXED_SHAPES(ops.max)],
    ),
    Case("max scalar", ops.max, [normal(4, 3), normal()], np.maximum, "max"),
    Case(
        "min",
        ops.min,
        [normal(4, 3), normal(4, 3)],
        _lexicographic(np.minimum),
        "min",
        ("bool", *_INTS, *_INEXACT),
    ),
    Case("min scalar", ops.min, [normal(), normal(4, 3)], np.minimum, "min"),
    Case(
        "clamp",
        ops.clamp,
        [uniform(4, 3, low=-1.0, high=-0.3), normal(4, 3), uniform(4, 3, low=0.3, high=1.0)],
        lambda low, x, high: np.minimum(np.maximum(x, low), high),
        "clamp",
        ("int32", *_FLOATS),
        bad=[
            (
                lambda: ops.clamp(np.zeros(2, np.float32), np.ones(3, np.float32), np.float32(1)),
                TypeError,
                "clamp: min must have x's shape",
            ),
            (
                lambda: ops.clamp(np.int32(0), np.ones(3, np.float32), np.float32(1)),
                TypeError,
                "clamp: operands must have equal dtypes",
            ),
            (
                lambda: ops.clamp(np.complex64(0), np.ones(3, np.complex64), np.complex64(1)),
                TypeError,
                "clamp: accepts real numbers",
            ),
        ],
    ),
    Case(
        "clamp to scalars",
        ops.clamp,
        [fixed(-0.5), normal(4, 3), fixed(0.75)],
        lambda low, x, high: np.minimum(np.maximum(x, low), high),
        "clamp",
    ),
    Case(
        "abs",
        ops.abs,
        [normal(4, 3)],
        lambda x: (
            np.abs(x)
            if x.dtype.kind != "c"
            else np.abs(x.astype(np.complex128)).astype(x.real.dtype)
        ),
        "abs",
        ("int8", "int32", *_INEXACT),
        bad=[(lambda: ops.abs(np.ones(3, np.uint8)), TypeError, "abs: accepts other dtypes")],
    ),
    Case(
        "sign",
        ops.sign,
        [normal(4, 3)],
        lambda x: np.sign(x),
        "sign",
        ("int8", "int32", "uint8", *_INEXACT),
    ),
    Case(
        "square",
        ops.square,
        [normal(4, 3)],
        lambda x: x * x,
        "square",
        ("int32", "uint8", *_INEXACT),
    ),
    Case(
        "one_minus_square",
        ops.one_minus_square,
        [uniform(4, 3, low=-0.8, high=0.8)],
        _wide(lambda x: 1 - x * x),
        "one_minus_square",
        _INEXACT,
        tol={"bfloat16": 5e-2, "float16": 5e-3, "complex64": 1e-5},
    ),
    *[
        Case(
            f"integer_pow {y}",
            lambda x, y=y: ops.integer_pow(x, y),
            [uniform(4, 3, low=0.5, high=1.5)],
            _wide(lambda x, y=y: x**y),
            "integer_pow",
            ("float32", "float64", "complex64"),
            tol={"float32": 1e-5, "complex64": 1e-5},
        )
        for y in (-3, -1, 0, 1, 2, 5, 8)
    ],
    Case(
        "integer_pow of integers",
        lambda x: ops.integer_pow(x, 3),
        [normal(4, 3)],
        lambda x: x * x * x,
        "integer_pow",
        ("int32", "uint8"),
        bad=[
            (
                lambda: ops.integer_pow(np.arange(3), -1),
                TypeError,
                "integer_pow: integers have no negative powers",
            ),
            (lambda: ops.integer_pow(np.ones(3), 0.5), TypeError, "^integer_pow: the power"),
        ],
    ),
    Case("reciprocal", ops.reciprocal, [_away], _wide(lambda x: 1 / x), "integer_pow", _INEXACT),
    Case("sqrt", ops.sqrt, [_away], _wide(np.sqrt), "sqrt", _INEXACT),
    Case(
        "rsqrt",
        ops.rsqrt,
        [_away],
        _wide(lambda x: 1 / np.sqrt(x)),
        "rsqrt",
        _INEXACT,
        tol={"bfloat16": 2e-2},
    ),
    Case("cbrt", ops.cbrt, [_away], _wide(np.cbrt), "cbrt", _FLOATS),
    Case(
        "nextafter",
        ops.nextafter,
        [normal(4, 3), normal(4, 3)],
        np.nextafter,
        "nextafter",
        _FLOATS,
        grad=False,
    ),
    Case("real", ops.real, [normal(4, 3)], np.real, "real", _COMPLEX),
    Case("imag", ops.imag, [normal(4, 3)], np.imag, "imag", _COMPLEX),
    Case("conj", ops.conj, [normal(4, 3)], np.conj, "conj", _COMPLEX),
    Case(
        "conj of reals",
        ops.conj,
        [normal(4, 3)],
        lambda x: x.astype(np.result_type(x.dtype, np.complex64)),
        "conj",
        ("float32", "float64"),
        bad=[(lambda: ops.conj(np.ones(3, np.int32)), TypeError, "conj: accepts complex")],
    ),
    Case(
        "complex",
        ops.complex,
        [normal(4, 3), normal(4, 3)],
        lambda x, y: x + 1j * y,
        "complex",
        ("float32", "float64"),
        bad=[
            (
                lambda: ops.complex(np.ones(3, np.float16), np.ones(3, np.float16)),
                TypeError,
                "complex: accepts",
            )
        ],
    ),
    Case(
        "complex with a scalar",
        ops.complex,
        [normal(4), normal()],
        lambda x, y: x + 1j * y,
        "complex",
    ),
    Case(
        "polynomial",
        lambda x, *c: polynomial(x, c),
        [normal(4, 3), normal(), normal(4, 3), normal(), normal()],
        lambda x, *c: sum(a * x**k for k, a in enumerate(c)),
        "polynomial",
        ("int32", "float32", "float64", "complex64"),
        tol={"float32": 1e-5, "complex64": 1e-5},
        bad=[
            (
                lambda: polynomial(np.ones((2, 3), np.float32), [np.ones(3, np.float32), 1.0]),
                TypeError,
                "polynomial: x and the coefficients must have the same number of dimensions",
            )
        ],
    ),
    Case(
        "polynomial of an array of coefficients",
        polynomial,
        [normal(4), normal(3)],
        lambda x, c: c[0] + c[1] * x + c[2] * x * x,
        "polynomial",
        ("float32", "float64"),
    ),
]
