"""Rows of the table of operations: elementwise.py, rounding.py."""

import numpy as np
from ops_case import Case, fixed, integers, normal, uniform

from numax._engine.ops import elementwise as ops

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_COMPLEX = ("complex64", "complex128")
_TOL = {"bfloat16": 2e-2, "float16": 3e-3, "float32": 3e-6, "complex64": 1e-5, "complex128": 1e-13}
_ENDS = [-np.inf, -2.5, -1.0, -0.0, 0.0, 1.0, 2.5, np.inf, np.nan]


def _wide(function):
    """The reference in double precision, rounded to the dtype of the argument."""

    def reference(*xs):
        kinds = [np.complex128 if x.dtype.kind == "c" else np.float64 for x in xs]
        return np.asarray(function(*[x.astype(k) for x, k in zip(xs, kinds, strict=True)])).astype(
            xs[0].dtype
        )

    return reference


def _row(name, reference, low=-2.0, high=2.0, kinds=(*_FLOATS, *_COMPLEX)):
    function = getattr(ops, name)
    return [
        Case(
            name,
            function,
            [uniform(4, 3, low=low, high=high)],
            _wide(reference),
            name,
            kinds,
            tol=_TOL,
            bad=[
                (
                    lambda: function(np.arange(3)),
                    TypeError,
                    f"{name}: accepts floats and complex numbers",
                )
            ],
        ),
        Case(
            f"{name} at the ends",
            function,
            [fixed(_ENDS)],
            _wide(reference),
            name,
            ("float32", "float64"),
            tol=_TOL,
            grad=False,
            batch=False,
        ),
    ]


def _around(branch):
    """Points on both sides of a branch cut."""
    return fixed(np.array([p + s * 1e-3 for p in branch for s in (1, -1, 1j, -1j)]))


def _cut(name, reference, points):
    """Values near a branch cut, on either side of it, and on it."""
    return Case(
        f"{name} about its branch cuts",
        getattr(ops, name),
        [_around(points)],
        _wide(reference),
        name,
        _COMPLEX,
        tol={"complex64": 2e-5},
        grad=False,
    )


def _half_away(x):
    return np.where(x < 0, np.ceil(x - 0.5), np.floor(x + 0.5))


_HALVES = fixed([-2.5, -1.5, -0.5, -0.25, 0.0, 0.25, 0.5, 1.5, 2.5, 3.5, np.inf, -np.inf, np.nan])

CASES = [
    *_row("exp", np.exp),
    *_row("exp2", lambda x: np.exp2(x) if x.dtype.kind != "c" else np.exp(x * np.log(2))),
    *_row("expm1", np.expm1),
    *_row("logistic", lambda x: 1 / (1 + np.exp(-x))),
    *_row("log", np.log, 0.3),
    *_row("log1p", np.log1p, -0.6),
    *_row("log2", lambda x: np.log2(x) if x.dtype.kind != "c" else np.log(x) / np.log(2), 0.3),
    *_row("sin", np.sin),
    *_row("cos", np.cos),
    *_row("tan", np.tan, -1.2, 1.2),
    *_row("asin", np.arcsin, -0.9, 0.9),
    *_row("acos", np.arccos, -0.9, 0.9),
    *_row("atan", np.arctan),
    *_row("sinh", np.sinh),
    *_row("cosh", np.cosh),
    *_row("tanh", np.tanh),
    *_row("asinh", np.arcsinh),
    *_row("acosh", np.arccosh, 1.2, 3.0),
    *_row("atanh", np.arctanh, -0.8, 0.8),
    _cut("log", np.log, [-2.0, -0.5]),
    _cut("asin", np.arcsin, [-2.0, 2.0]),
    _cut("acos", np.arccos, [-2.0, 2.0]),
    _cut("atan", np.arctan, [-2.0j, 2.0j]),
    _cut("asinh", np.arcsinh, [-2.0j, 2.0j]),
    _cut("acosh", np.arccosh, [-2.0, 0.5]),
    _cut("atanh", np.arctanh, [-2.0, 2.0]),
    Case(
        "asinh of large numbers",
        ops.asinh,
        [fixed([-1e30, -1e15, 1e15, 1e30])],
        _wide(np.arcsinh),
        "asinh",
        ("float32", "float64"),
        grad=False,
    ),
    Case(
        "pow",
        ops.pow,
        [uniform(4, 3, low=0.3, high=2.0), normal(4, 3)],
        _wide(np.power),
        "pow",
        (*_FLOATS, *_COMPLEX),
        tol={**_TOL, "complex64": 2e-5},
        bad=[
            (
                lambda: ops.pow(np.arange(3), 2),
                TypeError,
                "pow: accepts floats and complex numbers",
            ),
            (
                lambda: ops.pow(np.ones(3, np.float32), np.ones(3, bool)),
                TypeError,
                "pow: the exponent must have the base's dtype or be an integer",
            ),
            (
                lambda: ops.pow(np.ones(3, np.float32), np.ones(2, np.float32)),
                TypeError,
                "pow: operands must have equal shapes",
            ),
        ],
    ),
    Case(
        "pow of a scalar",
        ops.pow,
        [uniform(low=0.5, high=2.0), normal(4)],
        _wide(np.power),
        "pow",
        ("float32", "float64"),
        tol=_TOL,
    ),
    Case(
        "pow to an array of integers",
        ops.pow,
        [normal(4, 3), integers(4, 3, low=-3, high=4, dtype="int32")],
        lambda x, y: np.power(x, y.astype(x.dtype)),
        "pow",
        ("float32", "float64"),
        tol=_TOL,
        diff=(0,),
    ),
    Case(
        "pow at the ends",
        ops.pow,
        [fixed(np.repeat(_ENDS, 9)), fixed(np.tile(_ENDS, 9))],
        np.power,
        "pow",
        ("float32", "float64"),
        tol=_TOL,
        grad=False,
        batch=False,
    ),
    Case(
        "pow of complex zero",
        ops.pow,
        [fixed([0.0, 0.0, 0.0]), fixed([0.0, 2.0, 1.0 + 1.0j])],
        lambda x, y: np.array([1, 0, 0], x.dtype),
        "pow",
        _COMPLEX,
        grad=False,
    ),
    Case(
        "atan2",
        ops.atan2,
        [normal(4, 3), normal(4, 3)],
        _wide(np.arctan2),
        "atan2",
        _FLOATS,
        tol=_TOL,
    ),
    Case(
        "atan2 in all directions",
        ops.atan2,
        [fixed(np.repeat(_ENDS, 9)), fixed(np.tile(_ENDS, 9))],
        np.arctan2,
        "atan2",
        ("float32", "float64"),
        tol=_TOL,
        grad=False,
        batch=False,
    ),
    Case(
        "atan2 of complex numbers",
        ops.atan2,
        [uniform(4, 3, low=0.2), uniform(4, 3, low=0.2)],
        _wide(lambda x, y: -1j * np.log((y + 1j * x) / np.sqrt(x * x + y * y))),
        "atan2",
        _COMPLEX,
        tol=_TOL,
    ),
    Case("floor", ops.floor, [_HALVES], np.floor, "floor", _FLOATS, grad=False),
    Case("ceil", ops.ceil, [_HALVES], np.ceil, "ceil", _FLOATS, grad=False),
    Case(
        "round away from zero",
        ops.round,
        [_HALVES],
        lambda x: _half_away(x).astype(x.dtype),
        "round",
        _FLOATS,
        grad=False,
        bad=[
            (lambda: ops.round(np.ones(3, np.float32), 5), ValueError, "^round: .*RoundingMethod")
        ],
    ),
    Case(
        "round to even",
        lambda x: ops.round(x, ops.RoundingMethod.TO_NEAREST_EVEN),
        [_HALVES],
        np.rint,
        "round",
        _FLOATS,
        grad=False,
    ),
    Case("is_finite", ops.is_finite, [_HALVES], np.isfinite, "is_finite", _FLOATS, grad=False),
]
