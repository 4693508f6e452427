"""Rows for running sums, products, extremes and log-sum-exps."""

import numpy as np
from ops_case import Case, normal, uniform

from numax._engine.ops import cumulative

REAL = ("float32", "bfloat16", "float16")
NUMBERS = (*REAL, "int32", "uint8", "complex64")


def _along(ufunc, axis, reverse=False):
    def reference(x):
        wide = x.astype(np.float64) if x.dtype.kind not in "iubc" else x
        flipped = np.flip(wide, axis) if reverse else wide
        out = ufunc.accumulate(flipped, axis, flipped.dtype)
        return (np.flip(out, axis) if reverse else out).astype(x.dtype)

    return reference


def _rows(name, ufunc, dtypes, tol=None, make=normal, **options):
    fun = getattr(cumulative, name)
    return [
        Case(
            name=f"{name}_{i}",
            fun=lambda x, a=axis, r=reverse: fun(x, axis=a, reverse=r),
            args=[make(*shape)],
            reference=_along(ufunc, axis, reverse),
            primitive=name,
            dtypes=dtypes,
            tol=tol,
            bad=[
                (
                    lambda: fun(np.ones(3, np.float32), axis=-1),
                    ValueError,
                    "axis must lie in 0..0; got -1",
                ),
                (lambda: fun(np.ones(3, bool)), TypeError, f"{name}: accepts"),
            ],
            **options,
        )
        for i, (shape, axis, reverse) in enumerate(
            [((5,), 0, False), ((3, 4), 1, True), ((2, 7, 3), 1, False), ((1, 2), 0, True)]
        )
    ]


_LOOSE = {"float32": 1e-5, "complex64": 1e-5, "bfloat16": 2e-2, "float16": 2e-3}

CASES = [
    *_rows("cumsum", np.add, NUMBERS, _LOOSE),
    *_rows("cumprod", np.multiply, NUMBERS, _LOOSE),
    *_rows("cummax", np.maximum, NUMBERS, None),
    *_rows("cummin", np.minimum, NUMBERS, None),
    *_rows("cumlogsumexp", np.logaddexp, REAL, _LOOSE, uniform),
    Case(
        name="linear_recurrence",
        fun=lambda a, b: cumulative.linear_recurrence(a, b, 1, False),
        args=[uniform(2, 5), normal(2, 5)],
        reference=lambda a, b: _recurrence(a, b),
        primitive="linear_recurrence",
        dtypes=("float32", "complex64"),
        tol=_LOOSE,
    ),
]


def _recurrence(a, b):
    out = b.copy()
    for k in range(1, out.shape[1]):
        out[:, k] += a[:, k] * out[:, k - 1]
    return out
