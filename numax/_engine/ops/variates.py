"""Random floats made of random bits: uniform and normal numbers on the host, and the gamma sampler.

The compiler contracts a product and a sum into one fused operation. To give the same bits, the host rules for float32
round such a pair once, by way of float64.

Source: Giles, "Approximating the erfinv function" (2010), for normal numbers; Marsaglia and Tsang, "A simple method for
generating gamma variables" (2000).
"""

import functools
import math
import struct
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.native import native
from numax._engine.core.primitive import Primitive, Zero, not_linear
from numax._engine.ops.arithmetic import div
from numax._engine.ops.arithmetic import max as maximum
from numax._engine.ops.basis import constant_like, mul, to_front
from numax._engine.ops.elementwise import exp
from numax._engine.ops.rng import (
    FEW,
    UNSIGNED,
    check_keys,
    few_keys,
    few_words,
    host_bits,
    host_split,
    lower_bits,
    lower_split,
    scheme,
)
from numax._engine.ops.special import erf_inv_p, random_gamma_grad
from numax._engine.ops.tables import ERF_INV_32
from numax._engine.stablehlo import hlo

# ---- the layout of floats ----


@functools.cache
def float_layout(dtype: Any) -> tuple[int, Any, int, int]:
    """How a float in [1, 2) is made of bits: bits to draw; unsigned dtype; in it, bits to drop and the bits of 1."""
    info = dtypes.finfo(dtype)
    width = dtype.itemsize * 8
    drawn = 8 if info.nmant < 8 else width
    unsigned = UNSIGNED[width]
    return (
        drawn,
        unsigned,
        np.array(drawn - info.nmant, unsigned),
        np.ones((), dtype).view(unsigned),
    )


@functools.cache
def constants(dtype: Any) -> tuple[Any, Any]:
    """The least float above -1, and the square root of 2."""
    below = np.nextafter(np.array(-1, dtype), np.array(0, dtype))
    return np.asarray(below, dtype), np.array(math.sqrt(2), dtype)


def _single_rounding(dtype: Any) -> bool:
    return dtype == dtypes.float32


def fused(x: np.ndarray, y: Any, z: Any) -> np.ndarray:
    """x * y + z, rounded once in float32."""
    if _single_rounding(x.dtype):
        return (x.astype(np.float64) * y + z).astype(np.float32)
    return x * y + z


# ---- uniform and normal numbers on the host ----


def host_unit(
    keys: np.ndarray, shape: tuple[int, ...], dtype: Any, legacy: bool = False
) -> np.ndarray:
    """Uniform numbers in [0, 1), `shape` of them for each key."""
    if dtype == np.float32 and keys.size == 1 and not legacy:
        count = math.prod(shape)
        if 0 < count <= FEW:
            words = few_words(int(keys.reshape(())[()]), count)
            few = np.array([(word >> 9) * 2.0**-23 for word in words], np.float32)
            return few.reshape(keys.shape + shape)
    drawn, unsigned, drop, one = float_layout(dtype)
    bits = host_bits(keys, drawn, shape or (1,), legacy)
    if bits.dtype != unsigned:
        bits = bits.astype(unsigned)
    np.right_shift(bits, drop, bits)
    np.bitwise_or(bits, one, bits)
    out = bits.view(dtype)
    np.subtract(out, _ONE[dtype], out)
    return out if shape else out.reshape(keys.shape)


_ONE = {dtype: np.array(1, dtype) for dtype in dtypes.FLOATS}
_TWO = {dtype: np.array(2, dtype) for dtype in dtypes.FLOATS}


def host_uniform(
    keys: np.ndarray, shape: tuple[int, ...], dtype: Any, low: Any, high: Any
) -> np.ndarray:
    """Uniform numbers in [low, high). The bounds are Python floats, or arrays of the dtype."""
    out = host_unit(keys, shape, dtype)
    if type(low) is float and type(high) is float:
        if low == 0.0 and high == 1.0:
            return out
        low, high = np.array(low, dtype), np.array(high, dtype)
    return np.asarray(np.maximum(low, fused(out, high - low, low)))


def host_normal(
    keys: np.ndarray, shape: tuple[int, ...], dtype: Any, legacy: bool = False
) -> np.ndarray:
    """Standard normal numbers, `shape` of them for each key."""
    low, root = constants(dtype)
    if dtype == np.float32 and keys.size == 1 and not legacy:
        count = math.prod(shape)
        if 0 < count <= FEW:
            if native is not None:
                return native.normals(keys, (count,), _ROOT_2, FEW).reshape(keys.shape + shape)
            few = np.array(_few_normal(int(keys.reshape(())[()]), count), np.float32)
            return np.multiply(few, root, few).reshape(keys.shape + shape)
    u = host_unit(keys, shape or (1,), dtype, legacy)
    np.multiply(u, _TWO[dtype], u)
    np.add(u, low, u)
    out = _erf_inv(u) if dtype == np.float32 else np.asarray(erf_inv_p.host(u), dtype)
    np.multiply(out, root, out)
    return out if shape else out.reshape(keys.shape)


def few_normal(words: np.ndarray, shape: Any) -> np.ndarray | None:
    """A handful of standard normal numbers of one key, one uint64 or two uint32; None for more, or other keys."""
    return None if native is None else native.normals(words, shape, _ROOT_2, FEW)


def _erf_inv(x: np.ndarray) -> np.ndarray:
    """erf_inv of float32 strictly between -1 and 1, in few and cheap calls: NumPy takes constants fastest as arrays
    without dimensions, and counts faster than it asks for any. The polynomials run in float64."""
    w = np.multiply(x, x)
    np.negative(w, w)
    np.log1p(w, w)
    w = w.astype(np.float64)
    near, far = _GILES
    tails = np.less_equal(w, _EDGE)
    out = _horner(near, np.subtract(_SHIFT, w))
    if np.count_nonzero(tails):
        out[tails] = _horner(far, np.sqrt(-w[tails]) - 3)
    return np.multiply(out, x, out).astype(np.float32)


def _few_normal(key: int, count: int) -> list[float]:
    """erf_inv of uniform numbers strictly between -1 and 1, in Python's own arithmetic. As in the compiled form, x**2 is
    rounded to float32: in the tails that shows."""
    found = []
    for word in few_words(key, count):
        x = (word >> 9) * _STEP - _BELOW_ONE
        w = math.log1p(_unpack_float(_pack_float(-x * x))[0])
        if w >= -5.0:
            coefficients, t = _NEAR, -2.5 - w
        else:
            coefficients, t = _FAR, math.sqrt(-w) - 3.0
        out = 0.0
        for c in coefficients:
            out = out * t + c
        found.append(out * x)
    return found


_pack_float, _unpack_float = struct.Struct("f").pack, struct.Struct("f").unpack
_STEP, _BELOW_ONE = 2.0**-22, 1.0 - 2.0**-24  # 2 u - 1, from just above -1, is exact in float32
_NEAR, _FAR = ([float(np.float32(c)) for c in row] for row in ERF_INV_32)
_ROOT_2 = float(np.float32(math.sqrt(2)))
if native is not None:
    native.set_polynomials(_NEAR, _FAR)


def _horner(coefficients: list[Any], x: np.ndarray) -> np.ndarray:
    multiply, add = np.multiply, np.add
    out = multiply(x, coefficients[0])
    add(out, coefficients[1], out)
    for c in coefficients[2:]:
        multiply(out, x, out)
        add(out, c, out)
    return out


_GILES = [[np.array(np.float32(c), np.float64) for c in row] for row in ERF_INV_32]
_EDGE, _SHIFT = np.array(-5.0), np.array(-2.5)


def host_randint(
    keys: np.ndarray, shape: tuple[int, ...], dtype: Any, low: int, high: int
) -> np.ndarray:
    """Uniform integers in [low, high), bounds within the dtype's range, and high at most one above it."""
    width = dtype.itemsize * 8
    span = max(high - low, 1) % (1 << width)
    count = math.prod(shape)
    if width == 32 and span and keys.size == 1 and 0 < count <= FEW:
        root = (1 << 16) % span
        multiplier = root * root % (1 << 32) % span
        first, second = few_keys(int(keys.reshape(())[()]), 2).tolist()
        words = zip(few_words(first, count), few_words(second, count), strict=True)
        few = [(a % span * multiplier + b % span & 0xFFFFFFFF) % span + low for a, b in words]
        return np.array(few, np.int64).astype(dtype).reshape(keys.shape + shape)
    pair = host_bits(host_split(keys, (2,)), width, shape)
    if span == 0:  # all integers of the dtype: the remainder by 0 leaves a number as it is
        offset = pair[1]
    else:
        kind = pair.dtype.type
        root = (1 << width // 2) % span
        multiplier = kind(root * root % (1 << width) % span)
        pair = pair % kind(span)
        offset = (pair[0] * multiplier + pair[1]) % kind(span)
    return offset.astype(dtype) + dtype.type(low)


# ---- the same in StableHLO ----


def lower_unit(
    ctx: Any, keys: Any, shape: tuple[int, ...], dtype: Any, legacy: bool = False
) -> Any:
    """Uniform numbers in [0, 1), `shape` of them for each key."""
    drawn, unsigned, drop, one = float_layout(dtype)
    bits = hlo.convert(ctx, lower_bits(ctx, keys, drawn, shape, legacy), unsigned)
    bits = hlo.shift_right_logical(ctx, bits, hlo.full(ctx, int(drop), bits.shape, unsigned))
    bits = hlo.or_(ctx, bits, hlo.full(ctx, int(one), bits.shape, unsigned))
    x = hlo.bitcast_convert(ctx, bits, bits.shape, dtype)
    return hlo.subtract(ctx, x, hlo.full(ctx, 1.0, x.shape, dtype))


def lower_normal(
    ctx: Any, keys: Any, shape: tuple[int, ...], dtype: Any, legacy: bool = False
) -> Any:
    """Standard normal numbers, `shape` of them for each key."""
    low, root = constants(dtype)
    u = lower_unit(ctx, keys, shape, dtype, legacy)
    low = ctx.constant(low, dtype, u.shape)
    u = hlo.multiply(ctx, u, hlo.full(ctx, 2.0, u.shape, dtype))
    u = hlo.maximum(ctx, low, hlo.add(ctx, u, low))
    return hlo.multiply(ctx, ctx.constant(root, dtype, u.shape), erf_inv_p.lower(ctx, u))


# ---- random_gamma ----
#
# Each number has its own key, split from the operand. Its loop splits that key for each attempt, so that a number does
# not depend on how many others are drawn beside it.


def random_gamma(keys: Any, a: Any, *, log_space: bool) -> Any:
    """A standard gamma number of each parameter a, or its logarithm.

    Shapes: keys K, a (*K, *S) -> (*K, *S). Dtypes: a real float. Grad: implicit, in a. Source: Marsaglia and Tsang.
    """
    return random_gamma_p.bind(keys, a, log_space=log_space, **scheme())


def _gamma_infer(
    keys: ShapedArray, a: ShapedArray, *, log_space: bool, legacy: bool = False
) -> ShapedArray:
    check_keys("random_gamma", keys)
    if not dtypes.is_float(a.dtype):
        raise TypeError(f"random_gamma: the parameter must be a real float; got {a.str_short()}.")
    if a.shape[: keys.ndim] != keys.shape:
        raise TypeError(
            f"random_gamma: the parameter's leading axes must be those of the keys; got {keys.str_short()} and "
            f"{a.str_short()}."
        )
    return a.strong()


def _rejected(X: Any, V: Any, U: Any, d: Any) -> Any:
    """Where a candidate is refused. X is the square of a normal number, V the cube of 1 + c x."""
    one = V.dtype.type(1)
    quick = one - V.dtype.type(0.0331) * (X * X) <= U
    return quick & (np.log(U) >= X * V.dtype.type(0.5) + d * (one - V + np.log(V)))


def _gamma_host(
    keys: np.ndarray, a: np.ndarray, *, log_space: bool, legacy: bool = False
) -> np.ndarray:
    shape, dtype = a.shape, a.dtype
    count = math.prod(shape[keys.ndim :])
    a = a.reshape(-1)
    third = dtype.type(1 / 3)
    one = dtype.type(1)
    own = host_split(keys, (count,), legacy).reshape(-1)
    boosted = ~(a >= one)
    some = bool(np.count_nonzero(boosted))
    d = (np.where(boosted, a + one, a) if some else a) - third
    c = third / np.sqrt(d)
    pair = host_split(own, (2,), legacy)
    key, spare = pair[:, 0].copy(), pair[:, 1].copy()
    V = np.ones(a.shape, dtype)
    todo = np.flatnonzero(np.isfinite(d))  # the start, x = 0, v = 1, u = 2, is refused for finite d
    while todo.size:
        triple = host_split(key[todo], (3,), legacy)
        key[todo] = triple[:, 0]
        x, v = _candidates(triple[:, 1], c[todo], legacy)
        u = host_unit(triple[:, 2].copy(), (), dtype, legacy)
        cube = (v * v) * v
        V[todo] = cube
        todo = todo[_rejected(x * x, cube, u, d[todo])]
    if log_space:
        out = np.log(d) + np.log(V)
        if some:
            e = np.log1p(-host_unit(spare, (), dtype, legacy))
            out = out + np.where(boosted & (e != 0), e * (one / a), dtype.type(0))
    else:
        out = d * V
        if some:
            power = np.power(one - host_unit(spare, (), dtype, legacy), one / a)
            out = out * np.where(boosted, power, one)
    return out.astype(dtype).reshape(shape)


def _candidates(keys: np.ndarray, c: np.ndarray, legacy: bool) -> tuple[np.ndarray, np.ndarray]:
    """Normal numbers x with 1 + c x positive, and that."""
    dtype = c.dtype
    one = dtype.type(1)
    pair = host_split(keys, (2,), legacy)
    x = host_normal(pair[:, 1].copy(), (), dtype, legacy)
    v = fused(x, c, one)
    todo = np.flatnonzero(v <= 0)
    keys = pair[:, 0].copy()
    while todo.size:
        pair = host_split(keys[todo], (2,), legacy)
        keys[todo] = pair[:, 0]
        x[todo] = host_normal(pair[:, 1].copy(), (), dtype, legacy)
        v[todo] = fused(x[todo], c[todo], one)
        todo = todo[v[todo] <= 0]
    return x, v


def _gamma_lower(ctx: Any, keys: Any, a: Any, *, log_space: bool, legacy: bool = False) -> Any:
    shape, dtype = a.shape, a.dtype
    count = math.prod(shape[len(keys.shape) :])

    def number(value: float) -> Any:
        return hlo.full(ctx, value, shape, dtype)

    def part(pair: Any, i: int) -> Any:
        last = len(shape)
        starts, limits = [0] * last + [i], [*shape, i + 1]
        return hlo.reshape(ctx, hlo.slice(ctx, pair, starts, limits), shape)

    def any_of(x: Any) -> Any:
        return (
            hlo.reduce_with(ctx, x, ctx.constant(False, dtypes.bool_), range(len(shape)), hlo.or_)
            if shape
            else x
        )

    one = number(1.0)
    own = hlo.reshape(ctx, lower_split(ctx, keys, (count,), legacy), shape)
    large = hlo.compare(ctx, a, one, "GE")
    d = hlo.subtract(ctx, hlo.select(ctx, large, a, hlo.add(ctx, a, one)), number(1 / 3))
    c = hlo.divide(ctx, number(1 / 3), hlo.sqrt(ctx, d))
    pair = lower_split(ctx, own, (2,), legacy)

    def refused(X: Any, V: Any, U: Any) -> Any:
        one = number(1.0)
        least = hlo.subtract(ctx, one, hlo.multiply(ctx, number(0.0331), hlo.multiply(ctx, X, X)))
        quick = hlo.compare(ctx, U, least, "GE")
        bound = hlo.add(ctx, hlo.subtract(ctx, one, V), hlo.log(ctx, V))
        bound = hlo.add(ctx, hlo.multiply(ctx, X, number(0.5)), hlo.multiply(ctx, d, bound))
        return hlo.and_(ctx, quick, hlo.compare(ctx, hlo.log(ctx, U), bound, "GE"))

    def outer_test(b: Any, key: Any, X: Any, V: Any, U: Any) -> Any:
        return any_of(refused(X, V, U))

    def outer(b: Any, key: Any, X: Any, V: Any, U: Any) -> Any:
        triple = lower_split(ctx, key, (3,), legacy)
        start = [part(triple, 1), number(0.0), number(-1.0)]
        _, x, v = hlo.while_(ctx, start, inner_test, inner)
        u = lower_unit(ctx, part(triple, 2), (), dtype, legacy)
        new = (
            part(triple, 0),
            hlo.multiply(ctx, x, x),
            hlo.multiply(ctx, hlo.multiply(ctx, v, v), v),
            u,
        )
        again = refused(X, V, U)
        return [hlo.select(ctx, again, n, o) for n, o in zip(new, (key, X, V, U), strict=True)]

    def inner_test(b: Any, key: Any, x: Any, v: Any) -> Any:
        return any_of(hlo.compare(ctx, v, number(0.0), "LE"))

    def inner(b: Any, key: Any, x: Any, v: Any) -> Any:
        pair = lower_split(ctx, key, (2,), legacy)
        normal = lower_normal(ctx, part(pair, 1), (), dtype, legacy)
        new = part(pair, 0), normal, hlo.add(ctx, number(1.0), hlo.multiply(ctx, normal, c))
        again = hlo.compare(ctx, v, number(0.0), "LE")
        return [hlo.select(ctx, again, n, o) for n, o in zip(new, (key, x, v), strict=True)]

    _, _, V, _ = hlo.while_(ctx, [part(pair, 0), number(0.0), one, number(2.0)], outer_test, outer)
    spare = hlo.negate(ctx, lower_unit(ctx, part(pair, 1), (), dtype, legacy))
    power = hlo.divide(ctx, one, a)
    if log_space:
        e = hlo.log_plus_one(ctx, spare)
        none = hlo.or_(ctx, large, hlo.compare(ctx, e, number(0.0), "EQ"))
        boost = hlo.select(ctx, none, number(0.0), hlo.multiply(ctx, e, power))
        return hlo.add(ctx, hlo.add(ctx, hlo.log(ctx, d), hlo.log(ctx, V)), boost)
    boost = hlo.select(ctx, large, one, hlo.power(ctx, hlo.add(ctx, one, spare), power))
    return hlo.multiply(ctx, hlo.multiply(ctx, d, V), boost)


def _gamma_jvp(primals: Any, tangents: Any, *, log_space: bool, **params: Any) -> Any:
    keys, a = primals
    t = tangents[1]
    y = random_gamma_p.bind(keys, a, log_space=log_space, **params)
    if type(t) is Zero:
        return y, Zero(y.aval.tangent())
    if not log_space:
        return y, mul(t, random_gamma_grad(a, y))
    x = exp(y)
    tiny = constant_like(x, dtypes.finfo(x.dtype).tiny)
    x = maximum(x, tiny)
    return y, mul(t, div(random_gamma_grad(a, x), x))


def _gamma_batch(axis: Any, args: Any, dims: Any, **params: Any) -> Any:
    keys, a = (to_front(x, d, axis.size) for x, d in zip(args, dims, strict=True))
    return random_gamma_p.bind(keys, a, **params), 0


random_gamma_p = Primitive(
    name="random_gamma",
    infer=_gamma_infer,
    host=_gamma_host,
    lower=_gamma_lower,
    jvp=_gamma_jvp,
    transpose=not_linear,
    batch=_gamma_batch,
)
