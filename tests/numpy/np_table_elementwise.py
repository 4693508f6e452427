"""Rows of the elementwise functions."""

import ml_dtypes
import numpy as np
from np_table import Data, Row, a, call, mask, places, special

ALL, REAL, INT, FLOAT = "biufc", "biuf", "biu", "f"

# name -> dtypes, range for derivatives (None: no derivative, or zero), what the row says otherwise
UNARY = {
    "abs": (ALL, (0.2, 2), {}),
    "angle": (ALL, (0.2, 2), {"own": "float16 bfloat16"}),
    "arccos": (ALL, (-0.8, 0.8), {}),
    "arccosh": (ALL, (1.2, 3), {}),
    "arcsin": (ALL, (-0.8, 0.8), {}),
    "arcsinh": (ALL, (-2, 2), {}),
    "arctan": (ALL, (-2, 2), {}),
    "arctanh": (ALL, (-0.8, 0.8), {}),
    "bitwise_count": (INT, None, {}),
    "cbrt": (REAL, (0.5, 2), {}),
    "ceil": (REAL, None, {}),
    "conj": (ALL, (-2, 2), {}),
    "cos": (ALL, (-2, 2), {}),
    "cosh": (ALL, (-2, 2), {}),
    "deg2rad": (REAL, (-2, 2), {}),
    "exp": (ALL, (-2, 2), {}),
    "exp2": (REAL, (-2, 2), {}),
    "expm1": (ALL, (-2, 2), {}),
    "fabs": (REAL, (0.2, 2), {}),
    "floor": (REAL, None, {}),
    "i0": (REAL, (-2, 2), {}),
    "imag": (ALL, (-2, 2), {}),
    "invert": (INT, None, {}),
    "iscomplex": (ALL, None, {}),
    "isfinite": (ALL, None, {}),
    "isinf": (ALL, None, {}),
    "isnan": (ALL, None, {}),
    "isneginf": (REAL, None, {}),
    "isposinf": (REAL, None, {}),
    "isreal": (ALL, None, {}),
    "log": (ALL, (0.5, 3), {}),
    "log10": (ALL, (0.5, 3), {}),
    "log1p": (ALL, (-0.5, 3), {}),
    "log2": (ALL, (0.5, 3), {}),
    "logical_not": (ALL, None, {}),
    "nan_to_num": (ALL, (-2, 2), {"wide": False, "ref": lambda x: _numbers(x)}),
    "negative": (ALL, (-2, 2), {}),
    "positive": (ALL, (-2, 2), {}),
    "rad2deg": (REAL, (-2, 2), {}),
    "real": (ALL, (-2, 2), {}),
    "reciprocal": (ALL, (0.5, 2), {"ref": lambda x: 1 / x}),
    "rint": (ALL, None, {}),
    "sign": (ALL, None, {}),
    "signbit": (REAL, None, {}),
    "sin": (ALL, (-2, 2), {}),
    "sinc": (ALL, (0.1, 0.9), {"tol": 3}),
    "sinh": (ALL, (-2, 2), {}),
    "spacing": (FLOAT, None, {"wide": False, "ref": lambda x: np.copysign(np.spacing(x), x)}),
    "sqrt": (ALL, (0.5, 3), {}),
    "square": (ALL, (-2, 2), {}),
    "tan": (ALL, (-1, 1), {}),
    "tanh": (ALL, (-2, 2), {}),
    "trunc": (REAL, None, {}),
}
BINARY = {
    "add": (ALL, (-2, 2), {}),
    "arctan2": (REAL, (0.2, 2), {}),
    "copysign": (REAL, (0.2, 2), {}),
    "divide": (ALL, (0.5, 2), {}),
    "float_power": (ALL, (0.5, 2), {}),
    "floor_divide": (REAL, None, {}),
    "fmax": (REAL, (-2, 2), {}),
    "fmin": (REAL, (-2, 2), {}),
    "fmod": (REAL, (0.5, 2), {}),
    "heaviside": (REAL, None, {}),
    "hypot": (REAL, (0.5, 2), {}),
    "isclose": (ALL, None, {}),
    "logaddexp": (REAL, (-2, 2), {}),
    "logaddexp2": (REAL, (-2, 2), {}),
    "maximum": (REAL, (-2, 2), {}),
    "minimum": (REAL, (-2, 2), {}),
    "multiply": (ALL, (-2, 2), {}),
    "nextafter": (FLOAT, None, {"wide": False}),
    "power": (ALL, (0.5, 2), {}),
    "remainder": (REAL, (0.5, 2), {}),
    "subtract": (ALL, (-2, 2), {}),
    "divmod": (REAL, (0.5, 2), {}),
    **{
        name: (ALL, None, {})
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    },
    **{name: (ALL, None, {}) for name in ("logical_and", "logical_or", "logical_xor")},
    **{name: (INT, None, {}) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{name: (INT, None, {}) for name in ("left_shift", "right_shift", "gcd", "lcm")},
}
# one object under two names
ALIASES = {
    "absolute": "abs",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "bitwise_invert": "invert",
    "bitwise_left_shift": "left_shift",
    "bitwise_not": "invert",
    "bitwise_right_shift": "right_shift",
    "conjugate": "conj",
    "degrees": "rad2deg",
    "mod": "remainder",
    "pow": "power",
    "radians": "deg2rad",
    "true_divide": "divide",
}
SIGNS = set(UNARY) - {"i0", "angle", "sinc", "sign"} | {
    "add",
    "multiply",
    "divide",
    "remainder",
    "fmod",
}
SIGNS |= {"floor_divide", "copysign", "maximum", "minimum", "subtract"}
SIGNS -= {"maximum", "minimum"}  # of zeros of two signs NumPy gives either
# booleans beside Python integers give weak results here, strong ones in JAX
STRONG = ("gcd", "heaviside", "hypot", "lcm", "logaddexp2", "power")
NEGATIVE_SHIFTS = ("left_shift", "right_shift")


def _numbers(x):
    """nan_to_num with the extremes of the array's own dtype, bfloat16 too."""
    if not isinstance(x, np.ndarray) or x.dtype.kind in "biu":
        return np.nan_to_num(x)
    info = ml_dtypes.finfo(x.dtype if x.dtype.kind != "c" else x.real.dtype)
    wide = x.astype(complex if x.dtype.kind == "c" else float)
    return np.nan_to_num(wide, posinf=float(info.max), neginf=float(info.min))


def unary(name: str) -> Row:
    kinds, smooth, options = UNARY[name]
    low, high = smooth or (-2, 2)
    calls = [
        call(special(low, high)),
        call(a(2, 3, low=low, high=high)),
        call(a(low=low, high=high)),
        call(a(0, 3)).but(grad=False),
    ]
    if "i" in kinds:
        calls.append(call(2))
    if "f" in kinds:
        calls.append(call(1.5))
    return Row(
        f"numpy.{name}", calls, kinds, grad=2 if smooth else 0, signs=name in SIGNS, **options
    )


def binary(name: str) -> Row:
    kinds, smooth, options = BINARY[name]
    low, high = smooth or (-2, 2)
    if name in NEGATIVE_SHIFTS:  # other shifts are not defined
        pairs = [(a(2, 3, low=-90, high=90), a(3, low=0, high=6))]
        pairs += [(special(column=True), a(9, low=0, high=6))]
    else:
        pairs = [(special(low, high, column=True), special(low, high))]
        pairs += [(a(2, 1, low=low, high=high), a(3, low=low, high=high))]
    calls = [call(*pair) for pair in pairs]
    beside = kinds.replace("b", "") if name in STRONG else None
    calls += [
        call(a(2, 3, low=max(low, 0.5), high=high), 2).but(kinds=beside),
        call(a(2, 0), a(1)).but(grad=False),
        call(a(low=low, high=high), a(2, low=max(low, 0), high=high)),
        call(Data((3,), 0, 3, dtype="int32"), a(3, low=max(low, 0), high=3)).but(grad=False),
        call(a(3, low=low, high=high), Data((3,), 0, 1, dtype="bool")).but(grad=False, kinds="biu"),
        call(3, a(2, low=max(low, 0), high=2)).but(kinds=beside),
    ]
    if name == "power":
        calls += [call(a(4), n).but(kinds="fc", grad=False) for n in (-2, 0, 1, 3)]
        calls[0] = calls[0].but(kinds="bufc")
        calls.append(call(a(3, 1, low=-5, high=5), a(4, low=0, high=5)).but(grad=False))
    if name == "float_power":
        options = {"ref": lambda x, y: np.power(np.asarray(x) * 1.0, y), **options}
    calls += [call(3, 2), call(2.5, 2)] if "f" in kinds else [call(3, 2)]
    return Row(
        f"numpy.{name}", calls, kinds, grad=2 if smooth else 0, signs=name in SIGNS, **options
    )


def _closes(name: str) -> Row:
    return Row(
        f"numpy.{name}",
        [
            call(a(3), a(3)),
            call(a(3, fill="nan"), a(3)),
            call(special(), special()),
            call(special(), special(), equal_nan=True),
            call(a(2, 3), a(3)),
            call(a(2), a(3)),
            call(a(0), a(0)),
        ],
        grad=0,
    )


OTHERS = [
    _closes("allclose"),
    _closes("array_equal"),
    Row("numpy.array_equiv", [call(a(3), a(3)), call(a(2, 3), a(3)), call(a(2), a(3))], grad=0),
    Row(
        "numpy.clip",
        [
            call(special(), -1, 2),
            call(a(2, 3), a(3, low=-2, high=0), a(3, low=1, high=3)),
            call(a(2, 3), min=0),
            call(a(2, 3), max=1),
            call(a(2, 3), 2, -1),
            call(a(0, 2), 0, 1),
        ],
        "iuf",
    ),
    Row(
        "numpy.frexp",
        [call(special()), call(a(2, 3)), call(a(0)), call(a())],
        "f",
        grad=0,
    ),
    Row(
        "numpy.ldexp",
        [
            call(special(column=True), places(5, 3, low=-5)),
            call(a(2, 3), places(4, 3)),
            call(a(), 2),
        ],
        "f",
    ),
    Row(
        "numpy.modf",
        [call(special(0.2, 0.8)), call(a(2, 3, low=1.1, high=1.9)), call(a(0))],
        "f",
        signs=True,
    ),
    Row(
        "numpy.round",
        [call(special()), call(a(2, 3), 1), call(a(2, 3), -1), call(a(4), decimals=2), call(a(0))],
        "iufc",
        grad=0,
    ),
    Row("numpy.around", [call(a(2, 3), 1), call(special())], "iufc", grad=0),
    Row(
        "numpy.where",
        [
            call(mask(2, 3), a(2, 3), a(3)),
            call(mask(3), a(2, 3), 0),
            call(mask(2, 1), 1, a(3)),
            call(mask(), a(2), a(2)),
            call(mask(0), a(0), a(0)),
            call(a(3), a(3), a(3)),
            call(mask(3), a(3), Data((3,), dtype="float32")),
            call(mask(3), special(column=True), 0),
        ],
    ),
    Row(
        "numpy.select",
        [
            call([mask(3), mask(3)], [a(3), a(3)], 7),
            call([mask(2, 3), mask(3)], [a(3), a(2, 1)]),
            call([mask(0)], [a(0)], 1),
        ],
    ),
]
ROWS = [*map(unary, UNARY), *map(binary, BINARY), *OTHERS]
