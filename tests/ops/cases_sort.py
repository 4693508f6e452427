"""Rows for sorting and the largest elements."""

import numpy as np
from ops_case import Case, integers, normal

from numax._engine.ops import sort as S

REAL = ("float32", "bfloat16", "float16", "int32", "uint8", "bool")
FULL = np.ones((2, 3), np.float32)


def _taken(x, order, axis):
    return np.take_along_axis(x, order, axis)


def _by_two(x, y, axis):
    order = np.lexsort((y.astype(np.float32), x.astype(np.float32)), axis=axis)
    return _taken(x, order, axis), _taken(y, order, axis)


def _largest(x, k, axis):
    order = np.argsort(-x.astype(np.float64), axis=axis, kind="stable")
    order = np.take(order, range(k), axis)
    return _taken(x, order, axis), order.astype(np.int32)


_SORT_BAD = [
    (lambda: S.sort(FULL, 2), ValueError, "sort: axis 2 is out of bounds"),
    (lambda: S.sort((FULL, FULL[:1])), TypeError, "sort: operands must have equal shapes"),
    (lambda: S.sort((FULL, FULL), num_keys=3), ValueError, "sort: num_keys must lie between 1 and"),
    (lambda: S.sort(()), TypeError, "sort: at least one operand"),
]
_TOP_BAD = [
    (lambda: S.top_k(FULL, 4), ValueError, "top_k: k must be at most the axis's size, 3; got k=4"),
    (lambda: S.top_k(FULL, -1), ValueError, "top_k: k must not be negative; got -1"),
    (lambda: S.top_k(FULL.astype(complex), 1), ValueError, "top_k: complex numbers have no order"),
]

CASES = [
    *[
        Case(
            name=f"sort_{i}",
            fun=lambda x, a=axis: S.sort(x, a),
            args=[normal(*shape)],
            reference=lambda x, a=axis: np.sort(x, a, kind="stable"),
            primitive="sort",
            dtypes=(*REAL, "complex64"),
            bad=_SORT_BAD,
        )
        for i, (shape, axis) in enumerate([((5,), 0), ((3, 4), 0), ((2, 6, 3), 1), ((1, 1), -1)])
    ],
    Case(
        name="sort_key_val",
        fun=lambda k, v: S.sort_key_val(k, v, 0),
        args=[normal(4, 3), normal(4, 3)],
        reference=lambda k, v: tuple(
            [_taken(x, np.argsort(k, 0, kind="stable"), 0) for x in (k, v)]
        ),
        primitive="sort",
        dtypes=("float32", "int32"),
    ),
    Case(
        name="sort_two_keys",
        fun=lambda x, y: S.sort((x, y), 1, num_keys=2),
        args=[integers(3, 9, high=3), normal(3, 9)],
        reference=lambda x, y: _by_two(x, y, 1),
        diff=(1,),  # the first key has ties
        primitive="sort",
        grad=False,  # equal elements: not differentiable here
        dtypes=("float32", "int32"),
    ),
    *[
        Case(
            name=f"top_k_{i}",
            fun=lambda x, k=k, a=axis: S.top_k(x, k, axis=a),
            args=[make(*shape)],
            reference=lambda x, k=k, a=axis: _largest(x, k, a),
            primitive="top_k",
            dtypes=REAL,
            grad=make is normal,  # equal elements: not differentiable
            bad=_TOP_BAD,
        )
        for i, (make, shape, k, axis) in enumerate(
            [
                (normal, (5,), 2, 0),
                (integers, (3, 8), 4, 1),
                (normal, (4, 2), 4, 0),
                (normal, (3,), 0, 0),
            ]
        )
    ],
    *[
        Case(
            name=f"approx_top_k_{name}",
            fun=lambda x, f=fun: f(x, 2),
            args=[normal(3, 7)],
            reference=lambda x, s=sign: _signed(x, s),
            primitive="approx_top_k",
            dtypes=("float32", "bfloat16", "float16"),
            bad=[
                (
                    lambda f=fun: f(FULL.astype(int), 2),
                    ValueError,
                    "approx_top_k: accepts real floats",
                ),
                (lambda f=fun: f(FULL, 4), ValueError, r"approx_top_k: k must lie in 0\.\.3"),
            ],
        )
        for name, fun, sign in (("max", S.approx_max_k, 1), ("min", S.approx_min_k, -1))
    ],
]


def _signed(x, sign):
    _, order = _largest(sign * x.astype(np.float32), 2, 1)
    return _taken(x, order, 1), order
