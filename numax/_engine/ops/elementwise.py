"""Exponentials, logarithms, trigonometric and hyperbolic functions, and pow, of each element."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_linear
from numax._engine.core.trace import as_value
from numax._engine.ops import complex_math, cpu_math, cpu_powers
from numax._engine.ops.accuracy import check_accuracy
from numax._engine.ops.arithmetic import (
    abs,
    clamp,
    div,
    imag,
    integer_pow,
    max,
    one_minus_square,
    real,
    repeated,
    rsqrt,
    square,
)
from numax._engine.ops.basis import (
    add,
    add_tangents,
    batch_elementwise,
    constant_like,
    convert,
    is_value,
    lower_pair,
    mul,
    neg,
    pair,
    select_n,
    sub,
    zeros_like,
)
from numax._engine.ops.compare import eq
from numax._engine.ops.complex_math import by_parts
from numax._engine.ops.cpu_math import on_cpu, wider_on_cpu
from numax._engine.ops.families import INEXACT, INTEGERS, binary, spread, unary
from numax._engine.ops.formula import EmitMath, Emitted
from numax._engine.ops.infinite import power_host, power_lower
from numax._engine.ops.rounding import (
    RoundingMethod,
    ceil,
    ceil_p,
    floor,
    floor_p,
    is_finite,
    is_finite_p,
    round,
    round_p,
)
from numax._engine.stablehlo import hlo

_COMPLEX = frozenset(dtypes.COMPLEX)
_WIDE = frozenset((dtypes.float32, dtypes.float64, *dtypes.COMPLEX))
_LOG2 = math.log(2.0)


def _chlo(name: str) -> Callable[..., Any]:
    return lambda ctx, *xs: hlo.chlo(ctx, name, *xs)


# ---- exponentials ----


def exp(x: Any, *, accuracy: Any = None) -> Any:
    """e**x, elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `exponential`.
    """
    check_accuracy("exp", accuracy)
    return exp_p.bind(as_value(x, "exp"))


exp_p = unary(
    "exp",
    accepts=INEXACT,
    host=np.exp,
    lower=by_parts(complex_math.exp, wider_on_cpu(hlo.exponential)),
    jvp=lambda t, y, x: mul(t, y),
)


def exp2(x: Any, *, accuracy: Any = None) -> Any:
    """2**x, elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise.
    """
    check_accuracy("exp2", accuracy)
    return exp2_p.bind(as_value(x, "exp2"))


def _exp2_lower(ctx: Any, x: Any) -> Any:
    if x.dtype == dtypes.float64:
        return _exp2_wide(ctx, x)
    two = hlo.full(ctx, 2.0, x.shape, dtypes.float32)
    return hlo.convert(ctx, hlo.power(ctx, two, hlo.convert(ctx, x, dtypes.float32)), x.dtype)


def _exp2_wide(ctx: Any, x: Any) -> Any:
    """2**n e**(r log 2), x = n + r, of float64: a third of the time of pow. 2**n in two factors, each within range."""
    limit = hlo.full(ctx, 1100.0, (), x.dtype)
    x = hlo.clamp(ctx, hlo.negate(ctx, limit), x, limit)
    n = hlo.round_nearest_even(ctx, x)
    half = hlo.floor(ctx, hlo.multiply(ctx, n, hlo.full(ctx, 0.5, x.shape, x.dtype)))
    r = hlo.multiply(ctx, hlo.subtract(ctx, x, n), hlo.full(ctx, _LOG2, x.shape, x.dtype))
    out = hlo.exponential(ctx, r)
    for part in (half, hlo.subtract(ctx, n, half)):
        whole = hlo.convert(ctx, part, dtypes.int64)
        biased = hlo.add(ctx, whole, hlo.full(ctx, 1023, x.shape, dtypes.int64))
        bits = hlo.shift_left(ctx, biased, hlo.full(ctx, 52, x.shape, dtypes.int64))
        out = hlo.multiply(ctx, out, hlo.bitcast_convert(ctx, bits, x.shape, x.dtype))
    return out


exp2_p = unary(
    "exp2",
    accepts=INEXACT,
    host=np.exp2,
    lower=by_parts(complex_math.exp2, on_cpu(cpu_powers.exp2, _exp2_lower)),
    jvp=lambda t, y, x: mul(t, mul(constant_like(y, _LOG2), y)),
)


def expm1(x: Any, *, accuracy: Any = None) -> Any:
    """e**x - 1, elementwise, accurate near 0.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `exponential_minus_one`.
    """
    check_accuracy("expm1", accuracy)
    return expm1_p.bind(as_value(x, "expm1"))


def _expm1_host(x: np.ndarray) -> Any:
    out = np.expm1(x)
    if x.dtype not in _COMPLEX or np.isfinite(x).all():
        return out
    size = np.asarray(np.exp(x))  # NumPy's expm1 makes nan of infinities
    size.real -= 1
    return np.where(np.isfinite(x), out, size)


expm1_p = unary(
    "expm1",
    accepts=INEXACT,
    host=_expm1_host,
    lower=by_parts(complex_math.expm1, on_cpu(cpu_powers.expm1, hlo.exponential_minus_one)),
    jvp=lambda t, y, x: mul(t, exp(x)),
)


def logistic(x: Any, *, accuracy: Any = None) -> Any:
    """1 / (1 + e**-x), elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `logistic`.
    """
    check_accuracy("logistic", accuracy)
    return logistic_p.bind(as_value(x, "logistic"))


def _logistic_host(x: np.ndarray) -> Any:
    if x.dtype not in _WIDE:
        x = x.astype(np.float32)
    one = x.dtype.type(1)
    return one / (one + np.exp(-x))


logistic_p = unary(
    "logistic",
    accepts=INEXACT,
    host=_logistic_host,
    lower=hlo.logistic,
    jvp=lambda t, y, x: mul(t, mul(y, sub(constant_like(y, 1), y))),
    light=True,
)

# ---- logarithms ----


def log(x: Any, *, accuracy: Any = None) -> Any:
    """The natural logarithm, elementwise; NaN for negative floats; of complex x with imaginary part in [-pi, pi].

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `log`.
    """
    check_accuracy("log", accuracy)
    return log_p.bind(as_value(x, "log"))


_log_lower = by_parts(complex_math.log, wider_on_cpu(hlo.log))
log_p = unary("log", accepts=INEXACT, host=np.log, lower=_log_lower, jvp=lambda t, y, x: div(t, x))


def log1p(x: Any, *, accuracy: Any = None) -> Any:
    """log(1 + x), elementwise, accurate near 0.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `log_plus_one`.
    """
    check_accuracy("log1p", accuracy)
    return log1p_p.bind(as_value(x, "log1p"))


log1p_p = unary(
    "log1p",
    accepts=INEXACT,
    host=complex_math.log1p_host,
    lower=by_parts(complex_math.log1p, hlo.log_plus_one),
    jvp=lambda t, y, x: div(t, add(x, constant_like(x, 1))),
)


def log2(x: Any, *, accuracy: Any = None) -> Any:
    """The logarithm to base 2, elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise.
    """
    check_accuracy("log2", accuracy)
    return log2_p.bind(as_value(x, "log2"))


def _log2_lower(ctx: Any, x: Any) -> Any:
    out = _log_lower(ctx, x)
    if x.dtype not in _COMPLEX:
        return hlo.divide(ctx, out, hlo.full(ctx, _LOG2, x.shape, x.dtype))
    parts = [hlo.real(ctx, out), hlo.imag(ctx, out)]
    scale = hlo.full(ctx, _LOG2, x.shape, parts[0].dtype)
    return hlo.complex(ctx, *[hlo.divide(ctx, part, scale) for part in parts])


log2_p = unary(
    "log2",
    accepts=INEXACT,
    host=np.log2,
    lower=_log2_lower,
    jvp=lambda t, y, x: div(t, mul(x, constant_like(x, _LOG2))),
)

# ---- pow ----


def pow(x: Any, y: Any) -> Any:
    """x**y, elementwise; y may be an array of integers.

    Dtypes: x inexact; y of x's dtype, or integer. Raises: TypeError for integer x (use integer_pow, or convert).
    Grad: elementwise. Source: StableHLO `power`.
    """
    x_is, y_is = is_value(x), is_value(y)
    if not x_is and not y_is:
        x, y = as_value(x, "pow"), as_value(y, "pow")
    elif not x_is:
        x = pair("pow", x, y)[0]
    elif not y_is:
        y = as_value(y, "pow") if isinstance(y, int) else pair("pow", x, y)[1]
    return pow_p.bind(x, y)


def _pow_infer(x: ShapedArray, y: ShapedArray) -> ShapedArray:
    if x.dtype not in INEXACT:
        raise TypeError(
            f"pow: accepts floats and complex numbers to the power of such, or of integers; got {x.str_short()}. "
            "Use integer_pow for a fixed power, or numax.numpy.power."
        )
    if y.dtype != x.dtype and y.dtype not in INTEGERS:
        raise TypeError(
            f"pow: the exponent must have the base's dtype or be an integer; got {x.str_short()} and {y.str_short()}. "
            "Convert it with y.astype(x.dtype)."
        )
    shape = x.shape
    if shape != y.shape:
        if not shape:
            shape = y.shape
        elif y.shape:
            raise TypeError(
                f"pow: operands must have equal shapes, or one no dimensions; got {x.str_short()} and {y.str_short()}."
            )
    return ShapedArray(shape, x.dtype, x.weak_type and y.weak_type)


def _pow_host(x: np.ndarray, y: np.ndarray) -> Any:
    y = y if y.dtype == x.dtype else y.astype(x.dtype)
    return power_host(x, y) if x.dtype in _COMPLEX else np.power(x, y)


def _pow_lower(ctx: Any, x: Any, y: Any) -> Any:
    if ctx.platform == "cpu" and x.dtype not in _COMPLEX and x.shape == ctx.avals_out[0].shape:
        known = cpu_powers.KNOWN_POWERS.get(ctx.known_number(y))
        if known is not None:
            wide = x.dtype if x.dtype in _WIDE else dtypes.float32
            m = EmitMath(ctx)
            out = known(m, Emitted(ctx, hlo.convert(ctx, x, wide)))
            return hlo.convert(ctx, out.value, x.dtype)
    return _pow_spread(ctx, x, y)


_pow_on_cpu = on_cpu(cpu_powers.power, hlo.power)


def _pow_general(ctx: Any, x: Any, y: Any) -> Any:
    y = hlo.convert(ctx, y, x.dtype)
    if x.dtype not in _COMPLEX:
        return _pow_on_cpu(ctx, x, y)
    out = hlo.power(ctx, x, y)
    zero = hlo.full(ctx, 0, x.shape, x.dtype)  # 0**y is 0 where y has a positive real part
    real_y = hlo.real(ctx, y)
    positive = hlo.compare(ctx, real_y, hlo.full(ctx, 0, x.shape, real_y.dtype), "GT")
    at_zero = hlo.and_(ctx, hlo.compare(ctx, x, zero, "EQ"), positive)
    return power_lower(ctx, x, y, hlo.select(ctx, at_zero, zero, out))


_pow_spread = lower_pair(_pow_general)


def _pow_slope(z: Any, x: Any, y: Any) -> Any:
    """The derivative with respect to x: y x**(y - 1). Integer powers of 0 have one too."""
    if y.aval.dtype == x.aval.dtype:
        return mul(y, pow_p.bind(x, sub(y, constant_like(y, 1))))
    y = convert(y, x.aval.dtype)
    flat = eq(y, constant_like(y, 0))
    safe = select_n(flat, y, repeated(1, y))
    slope = mul(safe, pow_p.bind(x, sub(safe, constant_like(y, 1))))
    return select_n(spread(flat, slope), slope, zeros_like(slope))


def _pow_jvp(primals: Any, tangents: Any) -> Any:
    x, y = primals
    tx, ty = tangents
    z = pow_p.bind(x, y)
    left: Any = Zero(z.aval.tangent())
    right: Any = left
    if type(tx) is not Zero:
        left = spread(mul(tx, _pow_slope(z, x, y)), z)
    if type(ty) is not Zero and y.aval.dtype not in INTEGERS:
        base = select_n(eq(x, constant_like(x, 0)), x, repeated(1, x))
        right = spread(mul(ty, mul(log(base), z)), z)
    return z, add_tangents(left, right)


pow_p = Primitive(
    name="pow",
    infer=_pow_infer,
    host=_pow_host,
    lower=_pow_lower,
    jvp=_pow_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims: _batch_pow(axis, args, dims),
    light=True,
)
_batch_pow = batch_elementwise(pow_p)

# ---- trigonometric functions ----


def sin(x: Any, *, accuracy: Any = None) -> Any:
    """The sine of x in radians, elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `sine`.
    """
    check_accuracy("sin", accuracy)
    return sin_p.bind(as_value(x, "sin"))


sin_p = unary(
    "sin",
    accepts=INEXACT,
    host=np.sin,
    lower=by_parts(complex_math.sin, on_cpu(cpu_math.sin, hlo.sine)),
    jvp=lambda t, y, x: mul(t, cos(x)),
)


def cos(x: Any, *, accuracy: Any = None) -> Any:
    """The cosine of x in radians, elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `cosine`.
    """
    check_accuracy("cos", accuracy)
    return cos_p.bind(as_value(x, "cos"))


cos_p = unary(
    "cos",
    accepts=INEXACT,
    host=np.cos,
    lower=by_parts(complex_math.cos, on_cpu(cpu_math.cos, hlo.cosine)),
    jvp=lambda t, y, x: mul(t, neg(sin(x))),
)


def tan(x: Any, *, accuracy: Any = None) -> Any:
    """The tangent of x in radians, elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `tan`.
    """
    check_accuracy("tan", accuracy)
    return tan_p.bind(as_value(x, "tan"))


tan_p = unary(
    "tan",
    accepts=INEXACT,
    host=np.tan,
    lower=by_parts(complex_math.tan, on_cpu(cpu_math.tan, hlo.tan)),
    jvp=lambda t, y, x: mul(t, add(constant_like(y, 1), square(y))),
)


def asin(x: Any) -> Any:
    """The angle in [-pi/2, pi/2] whose sine is x, elementwise. Complex branch cuts: (-inf, -1), (1, inf).

    Dtypes: floats and complex numbers. Grad: elementwise. Source: CHLO `asin`.
    """
    return asin_p.bind(as_value(x, "asin"))


asin_p = unary(
    "asin",
    accepts=INEXACT,
    host=np.arcsin,
    lower=by_parts(complex_math.asin, on_cpu(cpu_math.asin, _chlo("asin"))),
    jvp=lambda t, y, x: mul(t, rsqrt(one_minus_square(x))),
)


def acos(x: Any) -> Any:
    """The angle in [0, pi] whose cosine is x, elementwise. Complex branch cuts: (-inf, -1), (1, inf).

    Dtypes: floats and complex numbers. Grad: elementwise. Source: CHLO `acos`.
    """
    return acos_p.bind(as_value(x, "acos"))


acos_p = unary(
    "acos",
    accepts=INEXACT,
    host=np.arccos,
    lower=by_parts(complex_math.acos, on_cpu(cpu_math.acos, _chlo("acos"))),
    jvp=lambda t, y, x: mul(t, neg(rsqrt(one_minus_square(x)))),
)


def atan(x: Any) -> Any:
    """The angle in [-pi/2, pi/2] whose tangent is x, elementwise. Complex branch cuts: (-i inf, -i), (i, i inf).

    Dtypes: floats and complex numbers. Grad: elementwise. Source: CHLO `atan`.
    """
    return atan_p.bind(as_value(x, "atan"))


atan_p = unary(
    "atan",
    accepts=INEXACT,
    host=np.arctan,
    lower=by_parts(complex_math.atan, on_cpu(cpu_math.atan, cpu_math.atan_lower)),
    jvp=lambda t, y, x: div(t, add(constant_like(x, 1), square(x))),
)


def atan2(x: Any, y: Any) -> Any:
    """The angle of the point (y, x) in [-pi, pi]: atan(x / y) in the right quadrant, elementwise.

    Dtypes: equal floats or complex numbers. Raises: TypeError if dtypes or shapes differ. Grad: elementwise.
    Source: StableHLO `atan2`.
    """
    return atan2_p.bind(*pair("atan2", x, y))


def _atan2_host(x: np.ndarray, y: np.ndarray) -> Any:
    if x.dtype not in _COMPLEX:
        return np.arctan2(x, y)
    return -1j * np.log((y + 1j * x) / np.sqrt(x * x + y * y))


atan2_p = binary(
    "atan2",
    accepts=INEXACT,
    host=_atan2_host,
    lower=on_cpu(cpu_math.atan2, cpu_math.atan2_lower),
    jvp=(
        lambda t, z, x, y: mul(t, div(y, add(square(x), square(y)))),
        lambda t, z, x, y: mul(t, div(neg(x), add(square(x), square(y)))),
    ),
    light=True,
)

# ---- hyperbolic functions ----


def sinh(x: Any) -> Any:
    """(e**x - e**-x) / 2, elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: CHLO `sinh`.
    """
    return sinh_p.bind(as_value(x, "sinh"))


sinh_p = unary(
    "sinh",
    accepts=INEXACT,
    host=np.sinh,
    lower=by_parts(complex_math.sinh, on_cpu(cpu_powers.sinh, _chlo("sinh"))),
    jvp=lambda t, y, x: mul(t, cosh(x)),
)


def cosh(x: Any) -> Any:
    """(e**x + e**-x) / 2, elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: CHLO `cosh`.
    """
    return cosh_p.bind(as_value(x, "cosh"))


cosh_p = unary(
    "cosh",
    accepts=INEXACT,
    host=np.cosh,
    lower=by_parts(complex_math.cosh, on_cpu(cpu_powers.cosh, _chlo("cosh"))),
    jvp=lambda t, y, x: mul(t, sinh(x)),
)


def tanh(x: Any, *, accuracy: Any = None) -> Any:
    """sinh(x) / cosh(x), elementwise.

    Dtypes: floats and complex numbers. Grad: elementwise. Source: StableHLO `tanh`.
    """
    check_accuracy("tanh", accuracy)
    return tanh_p.bind(as_value(x, "tanh"))


tanh_p = unary(
    "tanh",
    accepts=INEXACT,
    host=np.tanh,
    lower=by_parts(complex_math.tanh, hlo.tanh),
    jvp=lambda t, y, x: mul(t, one_minus_square(y)),
)


def asinh(x: Any) -> Any:
    """log(x + sqrt(x**2 + 1)), elementwise. Complex branch cuts: (-i inf, -i), (i, i inf).

    Dtypes: floats and complex numbers. Grad: elementwise. Source: CHLO `asinh`.
    """
    return asinh_p.bind(as_value(x, "asinh"))


def _asinh_jvp(t: Any, y: Any, x: Any) -> Any:
    # 1 / sqrt(x**2 + 1) = s / sqrt((s x)**2 + s**2), with s = 1 / max(1, |x|) so that nothing overflows.
    parts = [real(x), imag(x)] if x.aval.dtype in _COMPLEX else [x]
    size = max(*map(abs, parts)) if len(parts) > 1 else abs(x)
    most = constant_like(size, dtypes.finfo(size.aval.dtype).max / 4)
    scale = convert(integer_pow(clamp(constant_like(size, 1), size, most), -1), x.aval.dtype)
    return mul(t, mul(scale, rsqrt(add(square(mul(x, scale)), square(scale)))))


asinh_p = unary(
    "asinh",
    accepts=INEXACT,
    host=np.arcsinh,
    lower=by_parts(complex_math.asinh, _chlo("asinh")),
    jvp=_asinh_jvp,
)


def acosh(x: Any) -> Any:
    """log(x + sqrt(x**2 - 1)), elementwise; NaN for floats below 1. Complex branch cut: (-inf, 1).

    Dtypes: floats and complex numbers. Grad: elementwise. Source: CHLO `acosh`.
    """
    return acosh_p.bind(as_value(x, "acosh"))


def _acosh_jvp(t: Any, y: Any, x: Any) -> Any:
    one = constant_like(x, 1)
    return mul(t, mul(rsqrt(sub(x, one)), rsqrt(add(x, one))))


acosh_p = unary(
    "acosh",
    accepts=INEXACT,
    host=np.arccosh,
    lower=by_parts(complex_math.acosh, _chlo("acosh")),
    jvp=_acosh_jvp,
)


def atanh(x: Any) -> Any:
    """log((1 + x) / (1 - x)) / 2, elementwise. Complex branch cuts: (-inf, -1), (1, inf).

    Dtypes: floats and complex numbers. Grad: elementwise. Source: CHLO `atanh`.
    """
    return atanh_p.bind(as_value(x, "atanh"))


atanh_p = unary(
    "atanh",
    accepts=INEXACT,
    host=np.arctanh,
    lower=by_parts(complex_math.atanh, _chlo("atanh")),
    jvp=lambda t, y, x: div(t, one_minus_square(x)),
)

__all__ = [
    "RoundingMethod",
    "acos",
    "acos_p",
    "acosh",
    "acosh_p",
    "asin",
    "asin_p",
    "asinh",
    "asinh_p",
    "atan",
    "atan2",
    "atan2_p",
    "atan_p",
    "atanh",
    "atanh_p",
    "ceil",
    "ceil_p",
    "cos",
    "cos_p",
    "cosh",
    "cosh_p",
    "exp",
    "exp2",
    "exp2_p",
    "exp_p",
    "expm1",
    "expm1_p",
    "floor",
    "floor_p",
    "is_finite",
    "is_finite_p",
    "log",
    "log1p",
    "log1p_p",
    "log2",
    "log2_p",
    "log_p",
    "logistic",
    "logistic_p",
    "pow",
    "pow_p",
    "round",
    "round_p",
    "sin",
    "sin_p",
    "sinh",
    "sinh_p",
    "tan",
    "tan_p",
    "tanh",
    "tanh_p",
]
