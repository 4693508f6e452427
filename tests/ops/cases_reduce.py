"""Rows for reductions."""

import numpy as np
from ops_case import Case, integers, normal

from numax._engine.ops import reduce as R
from numax._engine.ops.basis import add, mul

NUMBERS = ("float32", "bfloat16", "float16", "int32", "uint8", "complex64")
WHOLE = ("int32", "uint8", "bool")
_LOOSE = {"float32": 1e-5, "complex64": 1e-5, "bfloat16": 2e-2, "float16": 2e-3}
FULL = np.ones((2, 3), np.float32)


def _rows(name, ufunc, dtypes, tol=None, make=normal, wide=False, **options):
    fun = getattr(R, name)

    def reference(axes):
        def evaluate(x):
            if wide and x.dtype.itemsize < 4 and x.dtype.kind not in "iub":
                return ufunc.reduce(x.astype(np.float32), axis=axes).astype(x.dtype)
            return np.asarray(ufunc.reduce(x, axis=axes)).astype(x.dtype)

        return evaluate

    return [
        Case(
            name=f"{name}_{i}",
            fun=lambda x, a=axes: fun(x, a),
            args=[make(*shape)],
            reference=reference(axes),
            primitive=name,
            dtypes=dtypes,
            tol=tol,
            bad=[
                (
                    lambda: fun(FULL.astype(dtypes[-1]), (2,)),
                    ValueError,
                    f"{name}: axis 2 is out of bounds",
                ),
                (
                    lambda: fun(FULL.astype(dtypes[-1]), (0, 0)),
                    ValueError,
                    f"{name}: repeated axis",
                ),
            ],
            **options,
        )
        for i, (shape, axes) in enumerate(
            [((5,), (0,)), ((3, 4), (1,)), ((2, 3, 4), (0, 2)), ((2, 3), ())]
        )
    ]


def _place(name, reference):
    fun = getattr(R, name)
    return [
        Case(
            name=f"{name}_{i}",
            fun=lambda x, a=axis: fun(x, a, np.int32),
            args=[make(*shape)],
            reference=lambda x, a=axis: reference(x, axis=a).astype(np.int32),
            primitive=name,
            dtypes=("float32", "bfloat16", "int32", "uint8", "bool"),
            grad=False,
            bad=[
                (lambda: fun(FULL, 2, np.int32), ValueError, f"{name}: axis 2 is out of bounds"),
                (
                    lambda: fun(FULL, 0, np.float32),
                    TypeError,
                    f"{name}: index_dtype must be an integer",
                ),
                (
                    lambda: fun(FULL[:0], 0, np.int32),
                    ValueError,
                    f"{name}: the axis must have elements",
                ),
                (lambda: fun(FULL.astype(complex), 0, np.int32), TypeError, f"{name}: accepts"),
            ],
        )
        for i, (make, shape, axis) in enumerate(
            [(normal, (5,), 0), (integers, (3, 4), 1), (integers, (2, 9, 3), 1)]
        )
    ]


def _smooth(x, y):
    return add(add(x, y), mul(x, y))


CASES = [
    *_rows("reduce_max", np.maximum, (*NUMBERS, "bool")),
    *_rows("reduce_min", np.minimum, (*NUMBERS, "bool")),
    *_rows("largest", np.maximum, ("float32", "bfloat16", "float16")),
    *_rows("reduce_prod", np.multiply, NUMBERS, _LOOSE, wide=True),
    *_rows("reduce_and", np.bitwise_and, WHOLE, grad=False),
    *_rows("reduce_or", np.bitwise_or, WHOLE, grad=False),
    *_rows("reduce_xor", np.bitwise_xor, WHOLE, grad=False),
    *_place("argmax", np.argmax),
    *_place("argmin", np.argmin),
    Case(
        name="reduce",
        fun=lambda x: R.reduce(x, np.array(0, x.dtype), _smooth, (1,)),
        args=[normal(2, 5)],
        reference=lambda x: (np.prod(1 + x.astype(np.float64), 1) - 1).astype(x.dtype),
        primitive="reduce",
        tol={"float32": 1e-5},
        bad=[
            (
                lambda: R.reduce(FULL, 0, _smooth, (1,)),
                TypeError,
                "reduce: each init value must have its operand's dtype",
            ),
            (
                lambda: R.reduce(FULL, 0.0, lambda a, b: 1, (1,)),
                TypeError,
                "reduce: the computation must return scalars of the operands' types",
            ),
        ],
    ),
]
