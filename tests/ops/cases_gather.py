"""Rows for gather and the scatters."""

import numpy as np
from ops_case import Case, integers, normal

from numax._engine.core.array import from_numpy
from numax._engine.ops import gather as G
from numax._engine.ops import scatter as S
from numax._engine.ops.basis import mul

ANY = ("float32", "bfloat16", "int32", "uint8", "bool", "complex64")
NUMBERS = ("float32", "int32", "complex64")
REAL = ("float32", "bfloat16", "int32", "uint8")
ROWS = G.GatherDimensionNumbers((1,), (0,), (0,))
INTO_ROWS = G.ScatterDimensionNumbers(*ROWS)
PAIRED = G.GatherDimensionNumbers((), (1,), (1,), (0,), (0,))
WINDOWS = G.GatherDimensionNumbers((0, 2), (), (1, 0))
X = np.ones((3, 4), np.float32)
I1 = np.zeros((1, 1), np.int32)


def _rows(x, i, mode):
    places = np.clip(i[:, 0], 0, len(x) - 1)
    kept = (i == places[:, None]) | (mode == "clip")
    return np.where(kept, x[places], np.zeros((), x.dtype))


def _windows(x, i):
    starts = [(np.clip(b, 0, x.shape[0] - 2), np.clip(a, 0, x.shape[1] - 3)) for a, b in i]
    return np.stack([x[a : a + 2, b : b + 3] for a, b in starts], 1)


def _into(ufunc, places):
    def reference(x, u):
        out = x.copy()
        for place, row in zip(places, u, strict=True):
            if 0 <= place < len(x):
                out[place] = row if ufunc is None else ufunc(out[place], row)
        return out

    return reference


def _case(name, fun, ufunc, places, dtypes, **options):
    index = from_numpy(np.array(places, np.int32)[:, None])
    return Case(
        name=f"{name}_{len(places)}",
        fun=lambda x, u: fun(x, index, u, INTO_ROWS),
        args=[normal(4, 3), normal(len(places), 3)],
        reference=_into(ufunc, places),
        primitive=name,
        dtypes=dtypes,
        bad=[
            (
                lambda: fun(X, I1, np.ones((1, 4), np.int8), INTO_ROWS),
                TypeError,
                "operand and updates must have",
            ),
            (
                lambda: fun(X, I1, np.ones((2, 4), np.float32), INTO_ROWS),
                TypeError,
                "batch sizes of updates",
            ),
            (
                lambda: fun(X, I1 * 1.0, np.ones((1, 4), np.float32), INTO_ROWS),
                ValueError,
                "indices must be integers",
            ),
        ],
        **options,
    )


_GATHER_BAD = [
    (
        lambda: G.gather(X, np.zeros((1, 2), int), ROWS, (1, 4)),
        TypeError,
        "gather: start_index_map must have",
    ),
    (lambda: G.gather(X, I1, ROWS, (1, 9)), TypeError, "gather: the slice size 9 of axis 1"),
    (lambda: G.gather(X, I1 * 1.0, ROWS, (1, 4)), ValueError, "gather: indices must be integers"),
    (lambda: G.gather(X, I1, ROWS, (1, 4), mode="wrap"), ValueError, "mode: unknown mode 'wrap'"),
]

CASES = [
    *[
        Case(
            name=f"gather_rows_{mode}",
            fun=lambda x, i, m=mode: G.gather(x, i, ROWS, (1, 3), mode=m, fill_value=0),
            args=[normal(4, 3), integers(5, 1, low=-2, high=7, dtype="int32")],
            reference=lambda x, i, m=mode: _rows(x, i, m),
            primitive="gather",
            dtypes=ANY,
            diff=(0,),
            bad=_GATHER_BAD,
        )
        for mode in ("clip", "fill")
    ],
    Case(
        name="gather_along_an_axis",
        fun=lambda x, i: G.gather(x, i, PAIRED, (1, 1)),
        args=[normal(4, 3), integers(4, 1, low=0, high=3, dtype="int32")],
        reference=lambda x, i: np.take_along_axis(x, i, 1)[:, 0],
        primitive="gather",
        dtypes=ANY,
        diff=(0,),
    ),
    Case(
        name="gather_windows",
        fun=lambda x, i: G.gather(x, i, WINDOWS, (2, 3), mode="clip"),
        args=[normal(4, 5), integers(3, 2, low=-1, high=5, dtype="int32")],
        reference=_windows,
        primitive="gather",
        dtypes=ANY,
        diff=(0,),
    ),
    *[
        _case(name, fun, ufunc, places, dtypes, tol=tol)
        for name, fun, ufunc, dtypes, tol in [
            ("scatter", S.scatter, None, ANY, None),
            ("scatter-add", G.scatter_add, np.add, NUMBERS, {"float32": 1e-5, "complex64": 1e-5}),
            (
                "scatter-sub",
                S.scatter_sub,
                np.subtract,
                NUMBERS,
                {"float32": 1e-5, "complex64": 1e-5},
            ),
            (
                "scatter-mul",
                S.scatter_mul,
                np.multiply,
                NUMBERS,
                {"float32": 1e-5, "complex64": 1e-5},
            ),
            ("scatter-min", S.scatter_min, np.minimum, REAL, None),
            ("scatter-max", S.scatter_max, np.maximum, REAL, None),
        ]
        for places in ([1], [3, 0], [2, 9, 2, 0])
    ],
    Case(
        name="scatter_apply",
        fun=lambda x, i: S.scatter_apply(
            x, i, lambda v: mul(v, v), INTO_ROWS, update_shape=(2, 3), unique_indices=False
        ),
        args=[normal(4, 3), integers(2, 1, low=0, high=4, dtype="int32")],
        reference=lambda x, i: _squared(x, i),
        primitive="scatter-apply",
        dtypes=("float32",),
        grad=False,
        tol={"float32": 1e-5},
        bad=[
            (
                lambda: S.scatter_apply(X, I1, lambda v: v, INTO_ROWS, update_shape=(1,)),
                TypeError,
                "scatter_apply: update_window_dims must name",
            )
        ],
    ),
]


def _squared(x, i):
    out = x.copy()
    for place in i[:, 0]:
        out[place] *= out[place]
    return out
