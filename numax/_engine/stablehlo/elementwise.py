"""StableHLO and CHLO operations on each element: arithmetic, comparison, conversion, selection.

Each takes the builder and values whose shapes are equal already; the result's type is deduced.
Source: StableHLO specification, "Ops".
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.stablehlo.builder import Builder, Value
from numax._engine.stablehlo.types import element_type

_BOOL = np.dtype(np.bool_)
_PART = {
    np.dtype(np.complex64): np.dtype(np.float32),
    np.dtype(np.complex128): np.dtype(np.float64),
}
_WHOLE = {part: whole for whole, part in _PART.items()}

Unary = Callable[[Builder, Value], Value]
Binary = Callable[[Builder, Value, Value], Value]


def _unary(name: str) -> Unary:
    def emit(b: Builder, x: Value) -> Value:
        b.count = count = b.count + 1
        b.lines.append(f"    %{count} = stablehlo.{name} {x.name} : {x.type}")
        return Value(f"%{count}", x.shape, x.dtype, x.type)

    emit.__name__ = emit.__qualname__ = name
    return emit


def _binary(name: str) -> Binary:
    def emit(b: Builder, x: Value, y: Value) -> Value:
        b.count = count = b.count + 1
        b.lines.append(f"    %{count} = stablehlo.{name} {x.name}, {y.name} : {x.type}")
        return Value(f"%{count}", x.shape, x.dtype, x.type)

    emit.__name__ = emit.__qualname__ = name
    return emit


# ---- one operand, the result of its type ----

cbrt = _unary("cbrt")
ceil = _unary("ceil")
cosine = _unary("cosine")
count_leading_zeros = _unary("count_leading_zeros")
exponential = _unary("exponential")
exponential_minus_one = _unary("exponential_minus_one")
floor = _unary("floor")
log = _unary("log")
log_plus_one = _unary("log_plus_one")
logistic = _unary("logistic")
negate = _unary("negate")
not_ = _unary("not")
popcnt = _unary("popcnt")
round_nearest_afz = _unary("round_nearest_afz")
round_nearest_even = _unary("round_nearest_even")
rsqrt = _unary("rsqrt")
sign = _unary("sign")
sine = _unary("sine")
sqrt = _unary("sqrt")
tan = _unary("tan")
tanh = _unary("tanh")

# ---- two operands of one type, the result of that type ----

add = _binary("add")
and_ = _binary("and")
atan2 = _binary("atan2")
divide = _binary("divide")
maximum = _binary("maximum")
minimum = _binary("minimum")
multiply = _binary("multiply")
or_ = _binary("or")
power = _binary("power")
remainder = _binary("remainder")
shift_left = _binary("shift_left")
shift_right_arithmetic = _binary("shift_right_arithmetic")
shift_right_logical = _binary("shift_right_logical")
subtract = _binary("subtract")
xor = _binary("xor")

# ---- complex numbers ----


def abs(b: Builder, x: Value) -> Value:
    """Emit |x|, real for complex x."""
    return b.emit(f"stablehlo.abs {x.name} : ({x.type}) -> ", x.shape, _PART.get(x.dtype, x.dtype))


def real(b: Builder, x: Value) -> Value:
    """Emit the real part of complex x."""
    return b.emit(f"stablehlo.real {x.name} : ({x.type}) -> ", x.shape, _PART[x.dtype])


def imag(b: Builder, x: Value) -> Value:
    """Emit the imaginary part of complex x."""
    return b.emit(f"stablehlo.imag {x.name} : ({x.type}) -> ", x.shape, _PART[x.dtype])


def complex(b: Builder, x: Value, y: Value) -> Value:
    """Emit x + iy of real parts."""
    text = f"stablehlo.complex {x.name}, {y.name} : ({x.type}, {y.type}) -> "
    return b.emit(text, x.shape, _WHOLE[x.dtype])


# ---- predicates and selection ----


def is_finite(b: Builder, x: Value) -> Value:
    """Emit whether each element is neither infinite nor NaN."""
    return b.emit(f"stablehlo.is_finite {x.name} : ({x.type}) -> ", x.shape, _BOOL)


def compare(b: Builder, x: Value, y: Value, direction: str, compare_type: str = "") -> Value:
    """Emit a comparison.
    Args: direction is EQ, NE, LT, LE, GT or GE; compare_type TOTALORDER orders -0 before 0 and
        NaN last, and otherwise is deduced from the dtype."""
    kind = compare_type or _compare_type(x.dtype)
    return b.emit(
        f"stablehlo.compare {direction}, {x.name}, {y.name}, {kind} : ({x.type}, {y.type}) -> ",
        x.shape,
        _BOOL,
    )


_compare_types: dict[Any, str] = {}


def _compare_type(dtype: Any) -> str:
    found = _compare_types.get(dtype)
    if found is None:
        element = element_type(dtype)
        signed = "SIGNED" if element[0] == "i" and element != "i1" else "FLOAT"
        found = "UNSIGNED" if element[0] == "u" or element == "i1" else signed
        _compare_types[dtype] = found
    return found


def select(b: Builder, predicate: Value, on_true: Value, on_false: Value) -> Value:
    """Emit `on_true` where the predicate (a scalar or of that shape) holds, else `on_false`."""
    b.count = count = b.count + 1
    b.lines.append(
        f"    %{count} = stablehlo.select {predicate.name}, {on_true.name}, {on_false.name} : "
        f"{predicate.type}, {on_true.type}"
    )
    return Value(f"%{count}", on_true.shape, on_true.dtype, on_true.type)


def clamp(b: Builder, low: Value, x: Value, high: Value) -> Value:
    """Emit min(max(x, low), high); the bounds are scalars or of the shape of x."""
    of = f"({low.type}, {x.type}, {high.type})"
    text = f"stablehlo.clamp {low.name}, {x.name}, {high.name} : {of} -> "
    return b.emit(text, x.shape, x.dtype)


# ---- conversion ----


def convert(b: Builder, x: Value, dtype: Any) -> Value:
    """Emit x in another dtype; x itself if it has it."""
    if x.dtype == dtype:
        return x
    return b.emit(f"stablehlo.convert {x.name} : ({x.type}) -> ", x.shape, dtype)


def bitcast_convert(b: Builder, x: Value, shape: tuple[int, ...], dtype: Any) -> Value:
    """Emit the bits of x as another dtype; a change of width adds or removes the last dimension."""
    return b.emit(f"stablehlo.bitcast_convert {x.name} : ({x.type}) -> ", shape, dtype)


def reinterpret(b: Builder, x: Value, dtype: Any) -> Value:
    """Rename the dtype of x to one of its element type (a key, its uint64); emits nothing."""
    return Value(x.name, x.shape, dtype, x.type)


def reduce_precision(b: Builder, x: Value, exponent_bits: int, mantissa_bits: int) -> Value:
    """Emit x rounded to a float of fewer bits."""
    b.count = count = b.count + 1
    b.lines.append(
        f"    %{count} = stablehlo.reduce_precision {x.name}, "
        f"format = e{exponent_bits}m{mantissa_bits} : {x.type}"
    )
    return Value(f"%{count}", x.shape, x.dtype, x.type)


# ---- CHLO: functions that the compiler expands into StableHLO ----

CHLO = frozenset(
    [
        *["acos", "acosh", "asin", "asinh", "atan", "atanh", "bessel_i1e", "conj", "cosh"],
        *["digamma", "erf", "erf_inv", "erfc", "is_inf", "is_neg_inf", "is_pos_inf", "lgamma"],
        *["next_after", "polygamma", "sinh", "square", "tan", "zeta"],
    ]
)


def chlo(b: Builder, name: str, *operands: Value) -> Value:
    """Emit a CHLO function of one or two operands of one type.
    Raises: ValueError if there is none of that name."""
    if name not in CHLO:
        raise ValueError(f"chlo: no function {name!r}. Use one of {', '.join(sorted(CHLO))}.")
    x = operands[0]
    names = ", ".join([v.name for v in operands])
    of = ", ".join([v.type for v in operands])
    text = f"chlo.{name} {names} : {of} -> "
    return b.emit(text, x.shape, _BOOL if name.startswith("is_") else x.dtype)
