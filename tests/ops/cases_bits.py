"""Rows of the table of operations: bits.py."""

import ml_dtypes
import numpy as np
from ops_case import Case, fixed, integers, normal

from numax._engine.ops import bits as ops

_SIGNED = ("int4", "int8", "int16", "int32", "int64")
_UNSIGNED = ("uint4", "uint8", "uint16", "uint32", "uint64")
_INTS = (*_SIGNED, *_UNSIGNED)


def _any(*shape):
    """Integers over the whole range of the dtype."""

    def make(rng, dtype):
        info = ml_dtypes.iinfo(dtype)
        wide = np.uint64 if info.min == 0 else np.int64
        return rng.integers(int(info.min), int(info.max), shape, wide, endpoint=True).astype(dtype)

    return make


def _bool_or_int(*shape):
    return lambda rng, dtype: (
        rng.random(shape) < 0.5 if dtype == np.bool_ else _any(*shape)(rng, dtype)
    )


def _width(x):
    return ml_dtypes.iinfo(x.dtype).bits


def _python(function):
    """A reference by Python's own integers, of any size: function(width, x, y...) on unsigned numbers."""

    def reference(*xs):
        width = _width(xs[0])
        dtype = xs[0].dtype
        mask = 2**width - 1
        shape = np.broadcast_shapes(*[x.shape for x in xs])
        flat = [np.broadcast_to(x, shape).ravel().tolist() for x in xs]
        out = [
            function(width, *[int(v) & mask for v in row]) & mask for row in zip(*flat, strict=True)
        ]
        if ml_dtypes.iinfo(dtype).min < 0:
            out = [v - 2**width if v >> (width - 1) else v for v in out]
        return (
            np.array(out, np.int64 if ml_dtypes.iinfo(dtype).min < 0 else np.uint64)
            .reshape(shape)
            .astype(dtype)
        )

    return reference


def _signed(width, v):
    return v - 2**width if v >> (width - 1) else v


def _mulhi(x, y):
    signed = ml_dtypes.iinfo(x.dtype).min < 0

    def one(width, a, b):
        if signed:
            a, b = _signed(width, a), _signed(width, b)
        return (a * b) >> width

    return _python(one)(x, y)


_LOGIC = {
    "bitwise_and": ("and", np.logical_and, lambda w, a, b: a & b),
    "bitwise_or": ("or", np.logical_or, lambda w, a, b: a | b),
    "bitwise_xor": ("xor", np.logical_xor, lambda w, a, b: a ^ b),
}


def _logic(name):
    primitive, on_bools, on_ints = _LOGIC[name]
    return Case(
        name,
        getattr(ops, name),
        [_bool_or_int(4, 3), _bool_or_int(4, 3)],
        lambda x, y: on_bools(x, y) if x.dtype == np.bool_ else _python(on_ints)(x, y),
        primitive,
        ("bool", *_INTS),
        grad=False,
        bad=[
            (
                lambda: getattr(ops, name)(np.ones(3, np.float32), np.ones(3, np.float32)),
                TypeError,
                "accepts integers and booleans",
            )
        ],
    )


def _shift(name, function):
    return Case(
        name,
        getattr(ops, name),
        [_any(5, 4), integers(5, 4, low=0, high=4)],
        _python(function),
        name,
        _INTS,
        grad=False,
    )


def _past_width(name, function):
    return Case(
        f"{name} past the width",
        getattr(ops, name),
        [_any(4), fixed([7, 8, 100, -1])],
        _python(function),
        name,
        ("int8", "int32"),
        grad=False,
    )


_SHIFTS = {
    "shift_left": lambda w, a, n: a << n if n < w else 0,
    "shift_right_logical": lambda w, a, n: a >> n if n < w else 0,
    "shift_right_arithmetic": lambda w, a, n: _signed(w, a) >> min(n, w - 1),
}


def _precision(exponent_bits, mantissa_bits):
    def reference(x):
        """Round to the nearest multiple of the spacing at each power of two; ties to even."""
        wide = x.astype(np.float64)
        _, power = np.frexp(wide)
        unit = np.ldexp(1.0, power - 1 - mantissa_bits)
        out = np.rint(wide / unit) * unit
        bias = 2 ** (exponent_bits - 1) - 1
        out = np.where(abs(out) >= 2.0 ** (bias + 1), np.copysign(np.inf, wide), out)
        return np.where(abs(out) < 2.0 ** (1 - bias), np.copysign(0.0, wide), out).astype(x.dtype)

    return reference


CASES = [
    *map(_logic, _LOGIC),
    Case(
        "bitwise_not",
        ops.bitwise_not,
        [_bool_or_int(4, 3)],
        lambda x: ~x if x.dtype == np.bool_ else _python(lambda w, a: ~a)(x),
        "not",
        ("bool", *_INTS),
        grad=False,
    ),
    *[_shift(name, function) for name, function in _SHIFTS.items()],
    *[_past_width(name, function) for name, function in _SHIFTS.items()],
    Case(
        "population_count",
        ops.population_count,
        [_any(4, 5)],
        _python(lambda w, a: a.bit_count()),
        "population_count",
        _INTS,
        grad=False,
    ),
    Case(
        "clz",
        ops.clz,
        [_any(4, 5)],
        _python(lambda w, a: w - a.bit_length()),
        "clz",
        _INTS,
        grad=False,
    ),
    Case("mulhi", ops.mulhi, [_any(4, 5), _any(4, 5)], _mulhi, "mulhi", _INTS, grad=False),
    Case(
        "bitcast_convert_type of the same width",
        lambda x: ops.bitcast_convert_type(x, np.int32),
        [normal(4, 3)],
        lambda x: x.view(np.int32),
        "bitcast_convert_type",
        ("float32", "uint32"),
        grad=False,
        bad=[
            (
                lambda: ops.bitcast_convert_type(np.ones(3, bool), np.int8),
                TypeError,
                "bitcast_convert_type: bool, complex and key dtypes have no other reading",
            ),
            (
                lambda: ops.bitcast_convert_type(np.ones((2, 3), np.uint8), np.int32),
                ValueError,
                "bitcast_convert_type: the last axis must hold the 4 parts",
            ),
        ],
    ),
    Case(
        "bitcast_convert_type to narrower",
        lambda x: ops.bitcast_convert_type(x, np.uint8),
        [normal(4, 3)],
        lambda x: x[..., None].view(np.uint8),
        "bitcast_convert_type",
        ("float32", "int16"),
        grad=False,
    ),
    Case(
        "bitcast_convert_type to wider",
        lambda x: ops.bitcast_convert_type(x, np.float32),
        [_any(3, 4)],
        lambda x: x.view(np.float32)[..., 0],
        "bitcast_convert_type",
        ("uint8",),
        grad=False,
    ),
    Case(
        "reduce_precision",
        lambda x: ops.reduce_precision(x, 5, 3),
        [normal(4, 5, scale=3.0)],
        _precision(5, 3),
        "reduce_precision",
        ("bfloat16", "float16", "float32", "float64"),
        grad=False,
        bad=[
            (
                lambda: ops.reduce_precision(np.ones(3, np.float32), 0, 1),
                ValueError,
                "reduce_precision: exponent_bits must be positive",
            )
        ],
    ),
    Case(
        "reduce_precision to a small range",
        lambda x: ops.reduce_precision(x, 3, 10),
        [fixed([0.0, -0.0, 0.1, -0.2, 0.25, 3.0, 15.9, -16.0, 1e9, np.inf, -np.inf, np.nan])],
        _precision(3, 10),
        "reduce_precision",
        ("float32", "float64"),
        grad=False,
    ),
]
