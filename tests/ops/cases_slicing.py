"""Rows for slices at static and at computed places."""

import numpy as np
from ops_case import Case, integers, normal

from numax._engine.ops import slicing as S

ANY = ("float32", "bfloat16", "int32", "uint8", "bool", "complex64")
ROW = np.ones(3, np.float32)


def _place(shape, starts, sizes):
    out = []
    for n, i, size in zip(shape, starts, sizes, strict=True):
        first = min(max(int(i) + n if i < 0 else int(i), 0), n - size)
        out.append(slice(first, first + size))
    return tuple(out)


def _written(x, update, starts):
    out = x.copy()
    out[_place(x.shape, starts, update.shape)] = update
    return out


CASES = [
    *[
        Case(
            name=f"slice_{i}",
            fun=lambda x, a=start, b=limit, s=steps: S.slice(x, a, b, s),
            args=[normal(*sizes)],
            reference=lambda x, a=start, b=limit, s=steps: x[
                tuple(map(slice, a, b, s or (1,) * x.ndim))
            ],
            primitive="slice",
            dtypes=ANY,
            bad=[
                (
                    lambda: S.slice(ROW, (0,), (4,)),
                    TypeError,
                    "slice: 0 <= start <= limit <= 3 must hold",
                ),
                (
                    lambda: S.slice(ROW, (0,), (3,), (0,)),
                    TypeError,
                    "slice: strides must be positive",
                ),
            ],
        )
        for i, (sizes, start, limit, steps) in enumerate(
            [
                ((5,), (1,), (4,), None),
                ((4, 5), (0, 1), (4, 5), (3, 2)),
                ((3, 2), (1, 1), (1, 2), None),
            ]
        )
    ],
    *[
        Case(
            name=f"dynamic_slice_{i}",
            fun=lambda x, a, b: S.dynamic_slice(x, (a, b), (2, 2)),
            args=[
                normal(4, 3),
                integers(low=low, high=low + 3, dtype="int32"),
                integers(low=-1, dtype="int32"),
            ],
            reference=lambda x, a, b: x[_place(x.shape, (a, b), (2, 2))],
            primitive="dynamic_slice",
            dtypes=("float32", "int32"),
            diff=(0,),
            bad=[
                (
                    lambda: S.dynamic_slice(ROW, (0,), (4,)),
                    TypeError,
                    "dynamic_slice: the size 4 of axis 0",
                ),
                (
                    lambda: S.dynamic_slice(ROW, (0.5,), (1,)),
                    TypeError,
                    "dynamic_slice: starts must be integers",
                ),
            ],
        )
        for i, low in enumerate([0, 7, -3])
    ],
    Case(
        name="dynamic_update_slice",
        fun=lambda x, u, a: S.dynamic_update_slice(x, u, (a, 1)),
        args=[normal(4, 3), normal(2, 2), integers(low=-5, high=6, dtype="int32")],
        reference=lambda x, u, a: _written(x, u, (a, 1)),
        primitive="dynamic_update_slice",
        dtypes=ANY,
        diff=(0, 1),
        bad=[
            (
                lambda: S.dynamic_update_slice(ROW, np.ones(4, np.float32), (0,)),
                TypeError,
                "dynamic_update_slice: the size 4 of axis 0",
            ),
            (
                lambda: S.dynamic_update_slice(ROW, np.ones(2, np.int32), (0,)),
                TypeError,
                "dynamic_update_slice: operand and update must have equal dtypes",
            ),
        ],
    ),
]
