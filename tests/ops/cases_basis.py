"""Rows of the table of operations: basis.py."""

import numpy as np
from ops_case import Case, integers, normal

from numax import lax

ALL = ("bfloat16", "float16", "float32", "float64", "complex64", "int8", "int32", "uint8", "int4")
ROW, COLUMN = np.ones(3, np.float32), np.ones((3, 1), np.float32)


def _binary(name, fun, reference, dtypes):
    bad = [
        (lambda: fun(ROW, np.ones(4, np.float32)), TypeError, f"^{name}: .*equal shapes"),
        (lambda: fun(ROW, np.ones(3, np.int32)), TypeError, f"^{name}: .*equal dtypes"),
    ]
    kinds = {"": ([3], [3]), "_scalar_left": ([], [2, 3]), "_scalar_right": ([2, 3], [])}
    return [
        Case(
            name=name + kind,
            fun=fun,
            args=[normal(*one), normal(*two)],
            reference=reference,
            primitive=name,
            dtypes=dtypes,
            bad=bad if not kind else [],
        )
        for kind, (one, two) in kinds.items()
    ]


def _rounded(function):
    """Narrow floats and integers as the compiler has them: exact, then wrapped or rounded."""

    def reference(*xs):
        if xs[0].dtype.kind in "fc":
            return function(*xs)
        if xs[0].dtype.name in ("bfloat16", "float16"):
            return function(*[x.astype(np.float32) for x in xs]).astype(xs[0].dtype)
        return np.asarray(function(*[x.astype(np.int64) for x in xs])).astype(xs[0].dtype)

    return reference


def _row(name, primitive, fun, args, reference, **options):
    return Case(name=name, primitive=primitive, fun=fun, args=args, reference=reference, **options)


CASES = [
    *_binary("add", lax.add, _rounded(np.add), ALL),
    *_binary("sub", lax.sub, _rounded(np.subtract), ALL),
    *_binary("mul", lax.mul, _rounded(np.multiply), ALL),
    _row(
        "neg",
        "neg",
        lax.neg,
        [normal(2, 3)],
        _rounded(np.negative),
        dtypes=ALL,
        bad=[(lambda: lax.neg(np.array(True)), TypeError, "^neg: accepts numbers")],
    ),
    *[
        _row(
            f"convert_element_type_to_{new}",
            "convert_element_type",
            lambda x, new=new: lax.convert_element_type(x, new),
            [integers(2, 3, low=-8 if new[0] in "bcf" else 0, high=8)],
            lambda x, new=new: x.astype(np.bool_ if new == "bool" else new),
            dtypes=(*old, "complex64") if new == "complex64" else old,
            grad=new in ("float64", "complex128"),  # others are too coarse for differences
        )
        for new, old in [
            *[
                (n, ("float32", "int32", "bfloat16"))
                for n in ("float16", "float32", "int8", "bool")
            ],
            ("complex64", ("float32", "int32")),
            ("float64", ("float64", "int64")),
            ("complex128", ("float64",)),
        ]
    ],
    *[
        _row(
            f"broadcast_in_dim_{i}",
            "broadcast_in_dim",
            lambda x, s=shape, d=dims: lax.broadcast_in_dim(x, s, d),
            [normal(*start)],
            lambda x, s=shape, d=dims: np.broadcast_to(
                x.reshape([x.shape[d.index(k)] if k in d else 1 for k in range(len(s))]), s
            ),
            dtypes=("float32", "int32", "bool", "complex64", "int4"),
            bad=[
                (
                    lambda: lax.broadcast_in_dim(ROW, (2, 4), (1,)),
                    TypeError,
                    "^broadcast_in_dim: axis 0 of size 3",
                ),
                (lambda: lax.broadcast_in_dim(ROW, (3,), ()), TypeError, "^broadcast_in_dim: "),
                (lambda: lax.broadcast_in_dim(COLUMN, (1, 3), (1, 0)), TypeError, "must increase"),
            ],
        )
        for i, (start, shape, dims) in enumerate(
            [
                ((), (2, 3), ()),
                ((3,), (2, 3), (1,)),
                ((2, 1), (2, 3, 4), (0, 2)),
                ((0,), (2, 0), (1,)),
            ]
        )
    ],
    *[
        _row(
            f"reshape_{i}",
            "reshape",
            lambda x, s=new: lax.reshape(x, s),
            [normal(*old)],
            lambda x, s=new: x.reshape(s),
            dtypes=("float32", "int32", "bool", "complex64", "int4"),
            bad=[
                (lambda: lax.reshape(ROW, (2, 2)), TypeError, "^reshape: the number of elements"),
                (lambda: lax.reshape(ROW, (-3, -1)), ValueError, "^reshape: .*negative"),
            ],
        )
        for i, (old, new) in enumerate(
            [((2, 3), (3, 2)), ((4,), (2, 1, 2)), ((), (1, 1)), ((0, 3), (0,))]
        )
    ],
    *[
        _row(
            f"transpose_{i}",
            "transpose",
            lambda x, p=p: lax.transpose(x, p),
            [normal(*shape)],
            lambda x, p=p: np.transpose(x, p),
            dtypes=("float32", "int32", "bool", "complex64", "int4"),
            bad=[
                (lambda: lax.transpose(COLUMN, (0,)), TypeError, "^transpose: permutation"),
                (lambda: lax.transpose(COLUMN, (0, 0)), TypeError, "^transpose: permutation"),
            ],
        )
        for i, (shape, p) in enumerate(
            [((2, 3), (1, 0)), ((2, 3, 4), (2, 0, 1)), ((), ()), ((3,), (0,))]
        )
    ],
    *[
        _row(
            f"squeeze_{i}",
            "squeeze",
            lambda x, d=dims: lax.squeeze(x, d),
            [normal(*shape)],
            lambda x, d=dims: np.squeeze(x, d),
            dtypes=("float32", "int32", "bool"),
            bad=[
                (lambda: lax.squeeze(COLUMN, (0,)), ValueError, "^squeeze: cannot drop axis 0"),
                (
                    lambda: lax.squeeze(COLUMN, (2,)),
                    ValueError,
                    "^squeeze: axis 2 is out of bounds",
                ),
            ],
        )
        for i, (shape, dims) in enumerate([((1, 3), (0,)), ((1, 2, 1), (0, 2)), ((2, 1), (-1,))])
    ],
    *[
        _row(
            f"reduce_sum_{i}",
            "reduce_sum",
            lambda x, a=axes: lax.reduce_sum(x, a),
            [normal(*shape)],
            lambda x, a=axes: _rounded(lambda v: np.sum(v, axis=a))(x),
            dtypes=("float32", "float64", "complex64", "int32", "uint8", "bfloat16", "float16"),
            bad=[
                (
                    lambda: lax.reduce_sum(ROW, (1,)),
                    ValueError,
                    "^reduce_sum: axis 1 is out of bounds",
                ),
                (lambda: lax.reduce_sum(COLUMN, (0, 0)), ValueError, "^reduce_sum: repeated axis"),
            ],
        )
        for i, (shape, axes) in enumerate(
            [((5,), (0,)), ((3, 4), (1,)), ((2, 3, 4), (0, 2)), ((0, 2), (0,))]
        )
    ],
    _row(
        "select_n_bool",
        "select_n",
        lax.select_n,
        [integers(2, 3, low=0, high=2, dtype="bool"), normal(2, 3), normal(2, 3)],
        lambda w, x, y: np.where(w, y, x),
        dtypes=("float32", "int32", "complex64", "bool"),
        bad=[
            (lambda: lax.select_n(np.array(True), ROW, COLUMN), TypeError, "^select_n: cases must"),
            (
                lambda: lax.select_n(ROW, ROW, ROW),
                TypeError,
                "^select_n: `which` must be bool or int32",
            ),
            (lambda: lax.select_n(np.array(True)), ValueError, "^select_n: at least one case"),
        ],
    ),
    _row(
        "select_n_scalar_which",
        "select_n",
        lax.select_n,
        [integers(low=0, high=2, dtype="bool"), normal(2, 3), normal(2, 3)],
        lambda w, x, y: np.where(w, y, x),
    ),
    _row(
        "select_n_three",
        "select_n",
        lax.select_n,
        [integers(4, low=0, high=3, dtype="int32"), normal(4), normal(4), normal(4)],
        lambda w, *xs: np.choose(w, xs),
    ),
    _row("stop_gradient", "stop_gradient", lax.stop_gradient, [normal(3)], lambda x: x, grad=False),
]
