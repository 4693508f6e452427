"""Rows for operations on shapes."""

import numpy as np
from ops_case import Case, normal

from numax._engine.ops import shape as S

ANY = ("float32", "bfloat16", "int32", "uint8", "bool", "complex64")
ROW = np.ones(3, np.float32)


def _padded(x, value, config):
    sizes = [
        lo + hi + n + max(n - 1, 0) * k for n, (lo, hi, k) in zip(x.shape, config, strict=True)
    ]
    out = np.full(sizes, value, x.dtype)
    for place in np.ndindex(*x.shape):
        target = tuple(lo + i * (k + 1) for i, (lo, _, k) in zip(place, config, strict=True))
        if all(0 <= i < n for i, n in zip(target, sizes, strict=True)):
            out[target] = x[place]
    return out


CASES = [
    *[
        Case(
            name=f"iota_{i}",
            fun=lambda s=sizes, a=axis, d=dtype: S.broadcasted_iota(d, s, a),
            args=[],
            reference=lambda s=sizes, a=axis, d=dtype: np.indices(s)[a].astype(d),
            primitive="iota",
            grad=False,
            batch=False,
            bad=[
                (
                    lambda: S.iota(bool, 3),
                    TypeError,
                    "iota: accepts integer, float and complex dtypes",
                )
            ],
        )
        for i, (sizes, axis, dtype) in enumerate(
            [((4,), 0, "int32"), ((2, 3), 1, "float32"), ((0, 2), 0, "uint8")]
        )
    ],
    Case(
        name="concatenate",
        fun=lambda x, y: S.concatenate([x, y, x], 1),
        args=[normal(2, 3), normal(2, 1)],
        reference=lambda x, y: np.concatenate([x, y, x], 1),
        primitive="concatenate",
        dtypes=ANY,
        bad=[
            (lambda: S.concatenate([], 0), ValueError, "concatenate: at least one array"),
            (
                lambda: S.concatenate([ROW, ROW[None]], 0),
                TypeError,
                "concatenate: shapes must agree",
            ),
            (
                lambda: S.concatenate([ROW, ROW > 0], 0),
                TypeError,
                "concatenate: arrays must have equal dtypes",
            ),
        ],
    ),
    Case(
        name="stack",
        fun=lambda x, y: S.stack([x, y], -1),
        args=[normal(2, 3), normal(2, 3)],
        reference=lambda x, y: np.stack([x, y], -1),
        primitive="stack",
        dtypes=ANY,
        bad=[(lambda: S.stack([ROW, ROW[:2]]), TypeError, "stack: arrays must have equal shapes")],
    ),
    Case(
        name="unstack",
        fun=lambda x: S.unstack(x, 1),
        args=[normal(2, 3, 2)],
        reference=lambda x: tuple(x[:, i] for i in range(3)),
        primitive="unstack",
        dtypes=ANY,
        bad=[(lambda: S.unstack(ROW, 1), ValueError, "unstack: axis 1 is out of bounds")],
    ),
    Case(
        name="split",
        fun=lambda x: tuple(S.split(x, (1, 0, 3), -1)),
        args=[normal(2, 4)],
        reference=lambda x: (x[:, :1], x[:, 1:1], x[:, 1:]),
        primitive="split",
        dtypes=ANY,
        bad=[
            (
                lambda: S.split(ROW, (1, 1)),
                ValueError,
                "split: sizes must be non-negative and add up to 3",
            )
        ],
    ),
    *[
        Case(
            name=f"pad_{i}",
            fun=lambda x, v, c=config: S.pad(x, v, c),
            args=[normal(*sizes), normal()],
            reference=lambda x, v, c=config: _padded(x, v, c),
            primitive="pad",
            dtypes=ANY,
            bad=[
                (
                    lambda: S.pad(ROW, np.int32(1), [(0, 1, 0)]),
                    TypeError,
                    "pad: operand and padding_value",
                ),
                (
                    lambda: S.pad(ROW, 1.0, [(-2, -2, 0)]),
                    ValueError,
                    "pad: more is cut off than there is",
                ),
                (
                    lambda: S.pad(ROW, 1.0, [(0, 0, -1)]),
                    ValueError,
                    "pad: interior padding must not be negative",
                ),
            ],
        )
        for i, (sizes, config) in enumerate(
            [
                ((3,), [(1, 2, 0)]),
                ((4,), [(-3, 1, 2)]),
                ((3, 4), [(1, -1, 1), (-2, 3, 2)]),
                ((0,), [(1, 1, 3)]),
            ]
        )
    ],
    Case(
        name="rev",
        fun=lambda x: S.rev(x, (0, 2)),
        args=[normal(2, 3, 2)],
        reference=lambda x: x[::-1, :, ::-1],
        primitive="rev",
        dtypes=ANY,
        bad=[(lambda: S.rev(ROW, (0, 0)), TypeError, "rev: dimensions must be different axes")],
    ),
    Case(
        name="tile",
        fun=lambda x: S.tile(x, (2, 3)),
        args=[normal(2, 3)],
        reference=lambda x: np.tile(x, (2, 3)),
        primitive="tile",
        dtypes=ANY,
        bad=[
            (lambda: S.tile(ROW, (1, 2)), TypeError, "tile: reps must hold a non-negative number")
        ],
    ),
    Case(
        name="copy",
        fun=lambda x: S.copy_p.bind(x),
        args=[normal(2, 3)],
        reference=np.copy,
        primitive="copy",
        dtypes=ANY,
    ),
    Case(
        name="optimization_barrier",
        fun=lambda x, y: tuple(S.optimization_barrier((x, y))),
        args=[normal(2, 3), normal(2)],
        reference=lambda x, y: (x, y),
        primitive="optimization_barrier",
        dtypes=ANY,
    ),
]
