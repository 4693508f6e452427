"""Rows of the table of operations: compare.py."""

import numpy as np
from ops_case import Case, fixed, normal

from numax._engine.ops import compare as ops

_REAL = ("bool", "int8", "uint32", "bfloat16", "float16", "float32", "float64")
_ALL = (*_REAL, "complex64", "complex128")
_SPECIAL = [-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, np.nan]
_LEFT, _RIGHT = fixed(np.repeat(_SPECIAL, 7)), fixed(np.tile(_SPECIAL, 7))
_FLOATS = ("bfloat16", "float16", "float32", "float64")


def _row(name, reference, dtypes):
    function = getattr(ops, name)
    return [
        Case(
            name,
            function,
            [normal(4, 3, scale=0.4), normal(4, 3, scale=0.4)],
            reference,
            name,
            dtypes,
            grad=False,
            bad=[
                (
                    lambda: function(np.ones(3, np.float32), np.ones(3, np.int32)),
                    TypeError,
                    f"{name}: operands must have equal dtypes",
                ),
                (
                    lambda: function(np.ones(3, np.float32), np.ones(2, np.float32)),
                    TypeError,
                    f"{name}: operands must have equal shapes",
                ),
            ],
        ),
        Case(
            f"{name} scalar", function, [normal(4), normal()], reference, name, dtypes, grad=False
        ),
        Case(
            f"{name} special values",
            function,
            [_LEFT, _RIGHT],
            reference,
            name,
            _FLOATS,
            grad=False,
            batch=False,
        ),
    ]


def _total(compare):
    def reference(x, y):
        def key(v):
            bits = int.from_bytes(v.tobytes(), "little", signed=True)
            width = v.dtype.itemsize * 8
            return bits if bits >= 0 else bits ^ (2 ** (width - 1) - 1)

        flat = zip(np.ravel(x), np.ravel(y), strict=True)
        return np.array([compare(key(a), key(b)) for a, b in flat]).reshape(x.shape)

    return reference


CASES = [
    *_row("eq", np.equal, _ALL),
    *_row("ne", np.not_equal, _ALL),
    *_row("ge", np.greater_equal, _REAL),
    *_row("gt", np.greater, _REAL),
    *_row("le", np.less_equal, _REAL),
    *_row("lt", np.less, _REAL),
]
for _name, _compare in (
    ("eq_to", lambda a, b: a == b),
    ("le_to", lambda a, b: a <= b),
    ("lt_to", lambda a, b: a < b),
):
    _prim = getattr(ops, f"{_name}_p")
    CASES.append(
        Case(
            _name,
            _prim.bind,
            [_LEFT, _RIGHT],
            _total(_compare),
            _name,
            _FLOATS,
            grad=False,
            batch=False,
        )
    )
    CASES.append(
        Case(
            f"{_name} batched",
            _prim.bind,
            [normal(4, 3), normal(4, 3)],
            _total(_compare),
            _name,
            grad=False,
        )
    )
