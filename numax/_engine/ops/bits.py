"""Operations on the bits of integers and floats: logic, shifts, counting, reinterpretation, rounding to fewer bits."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_linear, zero_tangent
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import moveaxis, pair
from numax._engine.ops.families import FLOATS, INTEGERS, INTEGERS_AND_BOOL, binary, unary
from numax._engine.stablehlo import hlo

# ---- logic ----


def bitwise_and(x: Any, y: Any) -> Any:
    """x & y, elementwise.

    Dtypes: equal integers or booleans. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `and`.
    """
    return and_p.bind(*pair("bitwise_and", x, y))


and_p = binary(
    "and", accepts=INTEGERS_AND_BOOL, host=np.bitwise_and, lower=hlo.and_, jvp=zero_tangent
)


def bitwise_or(x: Any, y: Any) -> Any:
    """x | y, elementwise.

    Dtypes: equal integers or booleans. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `or`.
    """
    return or_p.bind(*pair("bitwise_or", x, y))


or_p = binary("or", accepts=INTEGERS_AND_BOOL, host=np.bitwise_or, lower=hlo.or_, jvp=zero_tangent)


def bitwise_xor(x: Any, y: Any) -> Any:
    """x ^ y, elementwise.

    Dtypes: equal integers or booleans. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `xor`.
    """
    return xor_p.bind(*pair("bitwise_xor", x, y))


xor_p = binary(
    "xor", accepts=INTEGERS_AND_BOOL, host=np.bitwise_xor, lower=hlo.xor, jvp=zero_tangent
)


def bitwise_not(x: Any) -> Any:
    """~x, elementwise; of a boolean, its negation.

    Dtypes: integers or booleans. Grad: zero. Source: StableHLO `not`.
    """
    return not_p.bind(as_value(x, "bitwise_not"))


not_p = unary("not", accepts=INTEGERS_AND_BOOL, host=np.invert, lower=hlo.not_, jvp=zero_tangent)

# ---- shifts; by the width or more (or by a negative number) all bits go ----


def shift_left(x: Any, y: Any) -> Any:
    """x << y, elementwise. A shift by the width or more, or by a negative number, gives 0.

    Dtypes: equal integers. Raises: TypeError if dtypes or shapes differ. Grad: zero. Source: StableHLO `shift_left`.
    """
    return shift_left_p.bind(*pair("shift_left", x, y))


def shift_right_arithmetic(x: Any, y: Any) -> Any:
    """x >> y, elementwise, filling with the sign bit.

    Dtypes: equal integers. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `shift_right_arithmetic`.
    """
    return shift_right_arithmetic_p.bind(*pair("shift_right_arithmetic", x, y))


def shift_right_logical(x: Any, y: Any) -> Any:
    """x >> y, elementwise, filling with zeros. A shift by the width or more, or by a negative number, gives 0.

    Dtypes: equal integers. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    Source: StableHLO `shift_right_logical`.
    """
    return shift_right_logical_p.bind(*pair("shift_right_logical", x, y))


_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_SIGNED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
_SMALL = {dtypes.int2: 2, dtypes.uint2: 2, dtypes.int4: 4, dtypes.uint4: 4}


def _unsigned(x: np.ndarray) -> np.ndarray:
    """The same bits as a native unsigned integer."""
    if x.dtype in _SMALL:
        return x.astype(np.int8).view(np.uint8) & np.uint8((1 << _SMALL[x.dtype]) - 1)
    return x.view(_UNSIGNED[x.dtype.itemsize])


def _like(bits: np.ndarray, dtype: Any) -> np.ndarray:
    """Unsigned bits as an integer dtype of their width."""
    return bits.astype(dtype) if dtype in _SMALL else bits.view(dtype)


def _width(dtype: Any) -> int:
    return _SMALL.get(dtype) or dtype.itemsize * 8


def _shift_left_host(x: np.ndarray, y: np.ndarray) -> Any:
    count = _unsigned(y)
    out = np.left_shift(_unsigned(x), count)  # NumPy gives 0 past its own width
    if x.dtype in _SMALL:
        out = np.where(
            count < _SMALL[x.dtype], out & np.uint8((1 << _SMALL[x.dtype]) - 1), np.uint8(0)
        )
    return _like(out, x.dtype)


def _shift_logical_host(x: np.ndarray, y: np.ndarray) -> Any:
    return _like(np.right_shift(_unsigned(x), _unsigned(y)), x.dtype)


def _shift_arithmetic_host(x: np.ndarray, y: np.ndarray) -> Any:
    if x.dtype in _SMALL:
        wide = x.astype(np.int8)
        if dtypes.is_unsigned(x.dtype):  # the top bit is the sign
            shift = 8 - _SMALL[x.dtype]
            wide = (wide << shift) >> shift
        return (wide >> np.minimum(_unsigned(y), np.uint8(7)).view(np.int8)).astype(x.dtype)
    signed = x.view(_SIGNED[x.dtype.itemsize])
    last = np.array(x.dtype.itemsize * 8 - 1, y.dtype)
    count = np.minimum(_unsigned(y), _unsigned(last)).view(signed.dtype)
    return np.right_shift(signed, count).view(x.dtype)


shift_left_p = binary(
    "shift_left",
    accepts=INTEGERS,
    host=_shift_left_host,
    lower=hlo.shift_left,
    jvp=zero_tangent,
    light=True,
)
shift_right_arithmetic_p = binary(
    "shift_right_arithmetic",
    accepts=INTEGERS,
    host=_shift_arithmetic_host,
    lower=hlo.shift_right_arithmetic,
    jvp=zero_tangent,
    light=True,
)
shift_right_logical_p = binary(
    "shift_right_logical",
    accepts=INTEGERS,
    host=_shift_logical_host,
    lower=hlo.shift_right_logical,
    jvp=zero_tangent,
    light=True,
)

# ---- counting ----


def population_count(x: Any) -> Any:
    """How many bits are set, elementwise.

    Dtypes: integers; the result has the same dtype. Grad: zero. Source: StableHLO `popcnt`.
    """
    return population_count_p.bind(as_value(x, "population_count"))


def _popcount_lower(ctx: Any, x: Any) -> Any:
    if x.dtype not in _SMALL:
        return hlo.popcnt(ctx, x)
    wide = hlo.convert(ctx, x, dtypes.uint8)  # sign bits would count
    mask = hlo.full(ctx, (1 << _SMALL[x.dtype]) - 1, x.shape, dtypes.uint8)
    return hlo.convert(ctx, hlo.popcnt(ctx, hlo.and_(ctx, wide, mask)), x.dtype)


population_count_p = unary(
    "population_count",
    accepts=INTEGERS,
    host=lambda x: np.bitwise_count(_unsigned(x)),
    lower=_popcount_lower,
    jvp=zero_tangent,
    light=True,
)


def clz(x: Any) -> Any:
    """How many bits above the highest set bit are zero, elementwise; the width for 0.

    Dtypes: integers; the result has the same dtype. Grad: zero. Source: StableHLO `count_leading_zeros`.
    """
    return clz_p.bind(as_value(x, "clz"))


def _clz_host(x: np.ndarray) -> Any:
    bits = _unsigned(x)
    width = _width(x.dtype)
    shift = 1
    while shift < width:  # set every bit below the highest one
        bits = bits | (bits >> bits.dtype.type(shift))
        shift *= 2
    return np.uint8(width) - np.bitwise_count(bits)


clz_p = unary(
    "clz",
    accepts=INTEGERS,
    host=_clz_host,
    lower=hlo.count_leading_zeros,
    jvp=zero_tangent,
    light=True,
)


def mulhi(x: Any, y: Any, /) -> Any:
    """The upper half of the exact product, which has twice the bits.

    Dtypes: equal integers. Raises: TypeError if dtypes or shapes differ. Grad: zero.
    """
    return mulhi_p.bind(*pair("mulhi", x, y))


def _mulhi_host(x: np.ndarray, y: np.ndarray) -> Any:
    width = _width(x.dtype)
    signed = dtypes.is_signed(x.dtype)
    if width < 64:
        wide = np.int64 if signed else np.uint64
        return ((x.astype(wide) * y.astype(wide)) >> wide(width)).astype(x.dtype)
    out = _mulhi_words(_unsigned(x), _unsigned(y), np.uint64(0xFFFFFFFF), np.uint64(32))
    if signed:  # modulo 2**64, x is its unsigned bits less 2**64 where it is negative
        out = (
            out
            - np.where(x < 0, _unsigned(y), np.uint64(0))
            - np.where(y < 0, _unsigned(x), np.uint64(0))
        )
    return out.view(x.dtype)


def _mulhi_words(x: Any, y: Any, mask: Any, half: Any) -> Any:
    """The upper 64 bits of a product of unsigned 64-bit integers, from products of their 32-bit halves."""
    x0, x1, y0, y1 = x & mask, x >> half, y & mask, y >> half
    middle = x1 * y0 + ((x0 * y0) >> half)
    return x1 * y1 + (middle >> half) + ((x0 * y1 + (middle & mask)) >> half)


class _Word:
    """An emitted unsigned integer with Python's operators, so that `_mulhi_words` lowers as well."""

    __slots__ = ("ctx", "value")

    def __init__(self, ctx: Any, value: Any):
        self.ctx, self.value = ctx, value

    def _emit(self, emit: Callable[..., Any], other: "_Word") -> "_Word":
        return _Word(self.ctx, emit(self.ctx, self.value, other.value))

    def __and__(self, other: "_Word") -> "_Word":
        return self._emit(hlo.and_, other)

    def __rshift__(self, other: "_Word") -> "_Word":
        return self._emit(hlo.shift_right_logical, other)

    def __mul__(self, other: "_Word") -> "_Word":
        return self._emit(hlo.multiply, other)

    def __add__(self, other: "_Word") -> "_Word":
        return self._emit(hlo.add, other)


def _mulhi_lower(ctx: Any, x: Any, y: Any) -> Any:
    width = _width(x.dtype)
    signed = dtypes.is_signed(x.dtype)
    if width < 64:
        wide = dtypes.int64 if signed else dtypes.uint64
        product = hlo.multiply(ctx, hlo.convert(ctx, x, wide), hlo.convert(ctx, y, wide))
        count = hlo.full(ctx, width, x.shape, wide)
        shift = hlo.shift_right_arithmetic if signed else hlo.shift_right_logical
        return hlo.convert(ctx, shift(ctx, product, count), x.dtype)
    words = [_Word(ctx, hlo.bitcast_convert(ctx, v, v.shape, dtypes.uint64)) for v in (x, y)]
    mask, half = [_Word(ctx, hlo.full(ctx, n, x.shape, dtypes.uint64)) for n in (0xFFFFFFFF, 32)]
    out = _mulhi_words(*words, mask, half).value
    if not signed:
        return out
    out = hlo.bitcast_convert(ctx, out, x.shape, dtypes.int64)
    zero = hlo.full(ctx, 0, x.shape, dtypes.int64)
    for a, b in ((x, y), (y, x)):
        negative = hlo.compare(ctx, a, zero, "LT")
        out = hlo.subtract(ctx, out, hlo.select(ctx, negative, b, zero))
    return out


mulhi_p = binary("mulhi", accepts=INTEGERS, host=_mulhi_host, lower=_mulhi_lower, jvp=zero_tangent)

# ---- reinterpretation ----


def bitcast_convert_type(operand: Any, new_dtype: Any) -> Any:
    """The same bits as another dtype. A change of width adds or removes the last axis, least significant part first.

    Dtypes: real numbers; bool and complex only to themselves.
    Raises: TypeError for bool or complex; ValueError if the last axis does not make one element. Grad: zero.
    Source: StableHLO `bitcast_convert`.
    """
    operand = as_value(operand, "bitcast_convert_type")
    return bitcast_convert_type_p.bind(operand, new_dtype=dtypes.canonicalize_dtype(new_dtype))


def _bitcast_infer(x: ShapedArray, *, new_dtype: Any) -> ShapedArray:
    if x.dtype == new_dtype:
        return x.strong()
    for dtype in (x.dtype, new_dtype):
        if dtypes.is_key(dtype) or dtypes.is_bool(dtype) or dtypes.is_complex(dtype):
            raise TypeError(
                f"bitcast_convert_type: bool, complex and key dtypes have no other reading; got {x.str_short()} to "
                f"{new_dtype.name}. Convert with x.astype(dtype), or take real and imaginary parts."
            )
    old, new = dtypes.itemsize_bits(x.dtype), dtypes.itemsize_bits(new_dtype)
    if old == new:
        return ShapedArray(x.shape, new_dtype)
    if old > new:
        return ShapedArray((*x.shape, old // new), new_dtype)
    if not x.shape or x.shape[-1] * old != new:
        raise ValueError(
            f"bitcast_convert_type: the last axis must hold the {new // old} parts of one {new_dtype.name}; "
            f"got {x.str_short()}. Reshape it to (..., {new // old})."
        )
    return ShapedArray(x.shape[:-1], new_dtype)


def _pack(parts: np.ndarray, width: int) -> np.ndarray:
    """Bytes from the small integers (bits in a uint8) of the last axis, whose bits fill whole bytes."""
    per_byte = 8 // width
    grouped = parts.reshape(*parts.shape[:-1], -1, per_byte)
    shifts = np.arange(per_byte, dtype=np.uint8) * np.uint8(width)
    return np.bitwise_or.reduce(grouped << shifts, axis=-1)


def _unpack(data: np.ndarray, width: int) -> np.ndarray:
    """The small integers that the bytes of the last axis hold, low bits first."""
    per_byte = 8 // width
    shifts = np.arange(per_byte, dtype=np.uint8) * np.uint8(width)
    parts = (data[..., None] >> shifts) & np.uint8((1 << width) - 1)
    return parts.reshape(*data.shape[:-1], -1)


_FLOAT4 = dtypes.float4_e2m1fn


def _bitcast_host(x: np.ndarray, *, new_dtype: Any) -> np.ndarray:
    if x.dtype == new_dtype:
        return x
    old, new = dtypes.itemsize_bits(x.dtype), dtypes.itemsize_bits(new_dtype)
    if old >= 8 and new >= 8:
        if old == new:
            return x.view(new_dtype)
        if old > new:
            return np.ascontiguousarray(x)[..., None].view(new_dtype)
        return np.ascontiguousarray(x).view(new_dtype)[..., 0]
    bits = x.view(np.uint8) if x.dtype == _FLOAT4 else _unsigned(x) if old < 8 else x
    if old < new:
        if new < 8:
            joined = _pack(bits, old)[..., 0]  # one element, in the low bits of a byte
            return _small(joined, new_dtype)
        return _pack(bits, old).view(new_dtype)[..., 0]
    if old == new:
        return _small(bits, new_dtype)
    if old >= 8:
        data = np.ascontiguousarray(x)[..., None].view(np.uint8)
        return _small(_unpack(data, new), new_dtype)
    return _small(_unpack(bits[..., None], new)[..., : old // new], new_dtype)


def _small(bits: np.ndarray, dtype: Any) -> np.ndarray:
    """Bits in a uint8 as a dtype of fewer than 8 bits."""
    if dtype == _FLOAT4:
        return bits.view(dtype)
    return bits.view(np.int8).astype(dtype)


def _bitcast_lower(ctx: Any, x: Any, *, new_dtype: Any) -> Any:
    if x.dtype == new_dtype:
        return x
    return hlo.bitcast_convert(ctx, x, ctx.avals_out[0].shape, new_dtype)


def _bitcast_jvp(primals: Any, tangents: Any, *, new_dtype: Any) -> Any:
    (x,), (t,) = primals, tangents
    out = bitcast_convert_type_p.bind(x, new_dtype=new_dtype)
    return out, t if x.aval.dtype == new_dtype else Zero(out.aval.tangent())


def _bitcast_batch(axis: Any, args: Any, dims: Any, *, new_dtype: Any) -> Any:
    x = moveaxis(args[0], dims[0], 0)
    return bitcast_convert_type_p.bind(x, new_dtype=new_dtype), 0


bitcast_convert_type_p = Primitive(
    name="bitcast_convert_type",
    infer=_bitcast_infer,
    host=_bitcast_host,
    lower=_bitcast_lower,
    jvp=_bitcast_jvp,
    transpose=not_linear,
    batch=_bitcast_batch,
    light=True,
)


def reduce_precision(operand: Any, exponent_bits: int, mantissa_bits: int) -> Any:
    """The nearest float with the given numbers of exponent and mantissa bits, in the operand's dtype.

    Ties go to even; what is too large becomes infinite, what is too small becomes zero.
    Dtypes: real floats. Raises: ValueError for too few bits. Grad: linear. Source: StableHLO `reduce_precision`.
    """
    operand = as_value(operand, "reduce_precision")
    exponent_bits, mantissa_bits = int(exponent_bits), int(mantissa_bits)
    if exponent_bits < 1 or mantissa_bits < 0:
        raise ValueError(
            f"reduce_precision: exponent_bits must be positive and mantissa_bits not negative; "
            f"got {exponent_bits} and {mantissa_bits}."
        )
    return reduce_precision_p.bind(
        operand, exponent_bits=exponent_bits, mantissa_bits=mantissa_bits
    )


def _precision_host(x: np.ndarray, *, exponent_bits: int, mantissa_bits: int) -> Any:
    info = ml_dtypes.finfo(x.dtype)
    lost = info.nmant - mantissa_bits
    out = x
    if lost > 0:  # round the bits to even, as an integer; the carry goes into the exponent
        bits = x.view(_UNSIGNED[x.dtype.itemsize])
        kind = bits.dtype.type
        odd = (bits >> kind(lost)) & kind(1)
        rounded = (bits + (kind((1 << (lost - 1)) - 1) + odd)) & ~kind((1 << lost) - 1)
        out = rounded.view(x.dtype)
    whole = info.bits - 1 - info.nmant
    if exponent_bits < whole:
        bias = (1 << (exponent_bits - 1)) - 1
        wide = out.astype(np.float64)
        low, high = 2.0 ** (1 - bias), 2.0 ** (bias + 1)
        zero, infinite = np.copysign(0.0, wide), np.copysign(np.inf, wide)
        wide = np.where(np.abs(wide) < low, zero, np.where(np.abs(wide) >= high, infinite, wide))
        out = wide.astype(x.dtype)
    return np.where(np.isnan(x), x, out)


def _precision_jvp(t: Any, y: Any, x: Any, **params: Any) -> Any:
    return reduce_precision_p.bind(t, **params)


reduce_precision_p = unary(
    "reduce_precision",
    accepts=FLOATS,
    host=_precision_host,
    lower=lambda ctx, x, *, exponent_bits, mantissa_bits: hlo.reduce_precision(
        ctx, x, exponent_bits, mantissa_bits
    ),
    jvp=_precision_jvp,
    transpose=lambda ct, x, **params: [reduce_precision_p.bind(ct, **params)],
)

__all__ = [
    "and_p",
    "bitcast_convert_type",
    "bitcast_convert_type_p",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "clz",
    "clz_p",
    "mulhi",
    "mulhi_p",
    "not_p",
    "or_p",
    "population_count",
    "population_count_p",
    "reduce_precision",
    "reduce_precision_p",
    "shift_left",
    "shift_left_p",
    "shift_right_arithmetic",
    "shift_right_arithmetic_p",
    "shift_right_logical",
    "shift_right_logical_p",
    "xor_p",
]
