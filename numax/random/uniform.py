"""Bits, and the samplers that are one step away from them."""

import math
from typing import Any

import numpy as np

from numax import lax
from numax._engine.core import dtypes
from numax._engine.core.array import Array, wrap
from numax._engine.core.avals import etype
from numax._engine.core.trace import as_value
from numax._engine.ops import rng, variates
from numax.random.arguments import (
    LARGE,
    common_shape,
    constant,
    float_dtype,
    full,
    int_dtype,
    known,
    number,
    parameter,
    sampler,
    shape_value,
    single_key,
    split,
    spread,
)


def bits(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Random bits, as unsigned integers.

    Dtypes: unsigned; uint32 if not given (uint64 with x64). Raises: ValueError for other dtypes. Grad: none (bits).
    Source: threefry2x32 (Salmon et al. 2011), one counter for each element.
    """
    key = single_key("bits", key)
    found = dtypes.canonicalize_dtype(np.uint64 if dtype is None else dtype)
    if not dtypes.is_unsigned(found):
        raise ValueError(
            f"bits: the dtype must be an unsigned integer dtype; got {found}. Use uint32."
        )
    return _bits(key, shape_value("bits", shape), found)


@sampler
def _bits(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    width = max(8, dtype.itemsize * 8)
    if known(key):
        return wrap(rng.host_bits(key.numpy_(), width, shape), etype(dtype))
    return rng.random_bits(key, width, shape)


def uniform(
    key: Any,
    shape: Any = (),
    dtype: Any = None,
    minval: Any = 0.0,
    maxval: Any = 1.0,
    *,
    out_sharding: Any = None,
) -> Any:
    """Uniform numbers in [minval, maxval).

    Shapes: minval and maxval broadcast to `shape`. Dtypes: float. Raises: ValueError for other dtypes and shapes.
    Grad: in minval and maxval, the numbers moving with the interval.
    """
    key = single_key("uniform", key)
    dtype = float_dtype("uniform", dtype)
    shape = shape_value("uniform", shape)
    return draw("uniform", key, shape, dtype, minval, maxval)


def draw(name: str, key: Any, shape: tuple[int, ...], dtype: Any, minval: Any, maxval: Any) -> Any:
    """`uniform` for checked arguments: the numbers that most samplers start from."""
    if type(minval) is float and type(maxval) is float and math.prod(shape) < LARGE and known(key):
        return wrap(variates.host_uniform(key.numpy_(), shape, dtype, minval, maxval), etype(dtype))
    low, high = parameter(name, minval, dtype), parameter(name, maxval, dtype)
    if low.aval.shape or high.aval.shape:
        common_shape(name, shape, low, high)
    return _uniform(key, shape, dtype, low, high)


@sampler
def _uniform(key: Any, shape: tuple[int, ...], dtype: Any, low: Any, high: Any) -> Any:
    if known(key, low, high):
        numbers = variates.host_uniform(key.numpy_(), shape, dtype, low.numpy_(), high.numpy_())
        return wrap(numbers, etype(dtype))
    out = unit(key, shape, dtype)
    if type(low) is Array and type(high) is Array:  # constants of the program
        start, end = low.numpy_(), high.numpy_()
        if not start.ndim and not end.ndim:
            if start == 0 and end == 1:
                return out
            width = constant(end - start, dtype)
            return lax.max(low, lax.add(lax.mul(out, width), low))
    low, high = spread(low, shape), spread(high, shape)
    if low.aval.shape != high.aval.shape:
        low, high = full(low, shape), full(high, shape)
    return lax.max(low, lax.add(lax.mul(out, lax.sub(high, low)), low))


def unit(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Uniform numbers in [0, 1): random bits as the fraction of a float in [1, 2), less 1."""
    drawn, unsigned, drop, one = variates.float_layout(dtype)
    words = lax.convert_element_type(rng.random_bits(key, drawn, shape), unsigned)
    words = lax.shift_right_logical(words, wrap(drop, etype(unsigned)))
    words = lax.bitwise_or(words, wrap(one, etype(unsigned)))
    return lax.sub(lax.bitcast_convert_type(words, dtype), number(1, dtype))


# ---- integers ----


def randint(
    key: Any, shape: Any, minval: Any, maxval: Any, dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """Uniform integers in [minval, maxval).

    Two draws are combined, so that the remainder's bias is small, not zero. Dtypes: integer; int32 if not given.
    Shapes: minval and maxval broadcast to `shape`. Raises: TypeError for other dtypes, OverflowError for bounds that
    do not fit. Grad: none (integers).
    """
    key = single_key("randint", key)
    dtype = int_dtype("randint", dtype, TypeError)
    shape = shape_value("randint", shape)
    if type(minval) is int and type(maxval) is int and math.prod(shape) < LARGE and known(key):
        return _randint_known(key, shape, dtype, minval, maxval)
    low, high = _bound(minval), _bound(maxval)
    common_shape("randint", shape, low, high)
    limits = dtypes.iinfo(dtype)
    if limits.bits >= 32:
        return _randint(key, shape, dtype, low, high)
    wide = dtypes.int32
    low, high = lax.convert_element_type(low, wide), lax.convert_element_type(high, wide)
    low = lax.clamp(constant(limits.min, wide), low, constant(limits.max, wide))
    high = lax.clamp(constant(limits.min, wide), high, constant(limits.max + 1, wide))
    return lax.convert_element_type(_randint(key, shape, wide, low, high), dtype)


def _randint_known(key: Any, shape: tuple[int, ...], dtype: Any, low: int, high: int) -> Any:
    """`randint` at once, for bounds that are Python ints."""
    for bound in (low, high):
        constant(bound, dtypes.default_dtype(int))  # OverflowError if it does not fit
    limits = dtypes.iinfo(dtype)
    narrow = limits.bits < 32
    low = min(max(low, limits.min), limits.max)
    high = min(max(high, limits.min), limits.max + 1)
    wide = dtypes.int32 if narrow else dtype
    numbers = variates.host_randint(key.numpy_(), shape, wide, low, high)
    return wrap(numbers.astype(dtype) if narrow else numbers, etype(dtype))


def _bound(x: Any) -> Any:
    """A bound of randint as an integer value."""
    value = as_value(x, "randint")
    return value if dtypes.is_integer(value.aval.dtype) else lax.convert_element_type(value, int)


def _within(x: Any, dtype: Any) -> Any:
    """Integers moved into the range of another integer dtype, and converted."""
    source = dtypes.iinfo(x.aval.dtype)
    target = dtypes.iinfo(dtype)
    least, most = max(source.min, target.min), min(source.max, target.max)
    kind = x.aval.dtype
    return lax.convert_element_type(
        lax.clamp(constant(least, kind), x, constant(most, kind)), dtype
    )


@sampler
def _randint(key: Any, shape: tuple[int, ...], dtype: Any, low: Any, high: Any) -> Any:
    width = dtype.itemsize * 8
    unsigned = dtypes.uint32 if width == 32 else dtypes.uint64
    most = dtypes.iinfo(dtype).max
    if dtypes.iinfo(high.aval.dtype).max > most:
        beyond = lax.gt(high, constant(most, high.aval.dtype))
    else:
        beyond = None
    low, high = spread(_within(low, dtype), shape), spread(_within(high, dtype), shape)
    if low.aval.shape != high.aval.shape:
        low, high = full(low, shape), full(high, shape)
    one = number(1, unsigned)
    some = lax.gt(high, low)
    span = lax.convert_element_type(lax.sub(high, low), unsigned)
    span = lax.select_n(some, lax.full_like(span, 1), span)
    if beyond is not None:
        beyond = lax.bitwise_and(full(beyond, some.aval.shape), some)
        span = lax.select_n(beyond, span, lax.add(span, one))
    # 2**width modulo the span, by way of the square of its root
    multiplier = lax.rem(number(1 << width // 2, unsigned), span)
    multiplier = lax.rem(lax.mul(multiplier, multiplier), span)
    first, second = split(key, 2)
    upper = rng.random_bits(first, width, shape)
    lower = rng.random_bits(second, width, shape)
    offset = lax.add(lax.mul(lax.rem(upper, span), multiplier), lax.rem(lower, span))
    return lax.add(low, lax.convert_element_type(lax.rem(offset, span), dtype))


# ---- booleans and signs ----


def bernoulli(
    key: Any, p: Any = 0.5, shape: Any = None, mode: str = "low", *, out_sharding: Any = None
) -> Any:
    """True with probability p.

    Args: mode ("low", or "high": two draws an element, exact for p near 0). Shapes: p broadcasts to `shape`.
    Raises: TypeError if p is not a float. Grad: none (booleans).
    """
    if mode not in ("low", "high"):
        raise ValueError(f"bernoulli: mode must be 'low' or 'high'; got {mode!r}.")
    key = single_key("bernoulli", key)
    p = as_value(p, "bernoulli")
    dtype = p.aval.dtype
    if not dtypes.is_float(dtype):
        raise TypeError(
            f"bernoulli: the probability must be a float; got {p.aval.str_short()}. Use p.astype(float)."
        )
    p = lax.convert_element_type(p, dtype)
    return _bernoulli(key, common_shape("bernoulli", shape, p), dtype, p, mode == "high")


@sampler
def _bernoulli_low(key: Any, shape: tuple[int, ...], dtype: Any, p: Any) -> Any:
    return lax.lt(draw("bernoulli", key, shape, dtype, 0.0, 1.0), spread(p, shape))


@sampler
def _bernoulli_high(key: Any, shape: tuple[int, ...], dtype: Any, p: Any) -> Any:
    pair = draw("bernoulli", key, (2, *shape), dtype, 0.0, 1.0)
    coarse = lax.index_in_dim(pair, 0, 0, keepdims=False)
    fine = lax.mul(
        lax.index_in_dim(pair, 1, 0, keepdims=False), number(dtypes.finfo(dtype).eps, dtype)
    )
    return lax.lt(fine, lax.sub(full(p, shape), coarse))


def _bernoulli(key: Any, shape: tuple[int, ...], dtype: Any, p: Any, high: bool) -> Any:
    return (_bernoulli_high if high else _bernoulli_low)(key, shape, dtype, p)


def rademacher(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """-1 or 1, with equal probability.

    Dtypes: any; int32 if not given. Grad: none.
    """
    key = single_key("rademacher", key)
    found = dtypes.default_dtype(int) if dtype is None else dtypes.canonicalize_dtype(dtype)
    shape = shape_value("rademacher", shape)
    return signs(key, shape, found)


def signs(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """`rademacher` for checked arguments."""
    half = dtypes.default_dtype(float)
    up = _bernoulli_low(key, shape, half, number(0.5, half))
    whole = lax.sub(lax.mul(lax.convert_element_type(up, dtypes.int32), 2), 1)
    return lax.convert_element_type(whole, dtype)


# ---- a function of one uniform number ----


def exponential(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Exponential numbers of mean 1: density exp(-x), x >= 0.

    Dtypes: float. Grad: none (no parameters).
    """
    key = single_key("exponential", key)
    return standard_exponential(
        key, shape_value("exponential", shape), float_dtype("exponential", dtype)
    )


@sampler
def standard_exponential(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """`exponential` for checked arguments."""
    u = draw("exponential", key, shape, dtype, 0.0, 1.0)
    return lax.neg(lax.log1p(lax.neg(u)))


def gumbel(
    key: Any,
    shape: Any = (),
    dtype: Any = None,
    mode: str | None = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """Standard Gumbel numbers: density exp(-x - exp(-x)).

    Args: mode ("low", or "high": two draws an element, more of the right tail). Dtypes: float. Grad: none.
    """
    key = single_key("gumbel", key)
    return standard_gumbel(
        "gumbel", key, shape_value("gumbel", shape), float_dtype("gumbel", dtype), mode
    )


def standard_gumbel(
    name: str, key: Any, shape: tuple[int, ...], dtype: Any, mode: str | None
) -> Any:
    """`gumbel` for checked arguments."""
    if mode not in (None, "low", "high"):
        raise ValueError(f"{name}: mode must be 'low' or 'high'; got {mode!r}.")
    return (_gumbel_high if mode == "high" else _gumbel_low)(key, shape, dtype)


@sampler
def _gumbel_low(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    u = draw("gumbel", key, shape, dtype, float(dtypes.finfo(dtype).tiny), 1.0)
    return lax.neg(lax.log(lax.neg(lax.log(u))))


@sampler
def _gumbel_high(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    pair = draw("gumbel", key, (2, *shape), dtype, 0.0, 1.0)
    coarse = lax.index_in_dim(pair, 0, 0, keepdims=False)
    fine = lax.index_in_dim(pair, 1, 0, keepdims=False)
    eps = float(dtypes.finfo(dtype).eps)
    both = lax.add(lax.add(coarse, lax.mul(fine, number(eps, dtype))), number(eps * eps / 2, dtype))
    u = lax.select_n(lax.ge(coarse, number(0.5, dtype)), both, coarse)
    return lax.neg(lax.log(lax.neg(lax.log1p(lax.neg(u)))))


def laplace(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Standard Laplace numbers: density exp(-|x|) / 2.

    Dtypes: float. Grad: none.
    """
    key = single_key("laplace", key)
    return _laplace(key, shape_value("laplace", shape), float_dtype("laplace", dtype))


@sampler
def _laplace(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    low = float(dtypes.finfo(dtype).epsneg) - 1
    u = draw("laplace", key, shape, dtype, low, 1.0)
    return lax.mul(lax.sign(u), lax.log1p(lax.neg(lax.abs(u))))


def logistic(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Standard logistic numbers: density exp(-x) / (1 + exp(-x))**2.

    Dtypes: float. Grad: none.
    """
    key = single_key("logistic", key)
    return _logistic(key, shape_value("logistic", shape), float_dtype("logistic", dtype))


@sampler
def _logistic(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    u = draw("logistic", key, shape, dtype, float(dtypes.finfo(dtype).tiny), 1.0)
    return lax.sub(lax.log(u), lax.log1p(lax.neg(u)))


def cauchy(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Standard Cauchy numbers: density 1 / (pi (1 + x**2)).

    Dtypes: float. Grad: none.
    """
    key = single_key("cauchy", key)
    return _cauchy(key, shape_value("cauchy", shape), float_dtype("cauchy", dtype))


@sampler
def _cauchy(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    u = draw("cauchy", key, shape, dtype, float(dtypes.finfo(dtype).eps), 1.0)
    return lax.tan(lax.mul(number(float(np.pi), dtype), lax.sub(u, number(0.5, dtype))))


def pareto(
    key: Any, b: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """Pareto numbers: density b / x**(b + 1), x >= 1.

    Shapes: b broadcasts to `shape`. Dtypes: float. Grad: in b.
    """
    key = single_key("pareto", key)
    dtype = float_dtype("pareto", dtype)
    b = parameter("pareto", b, dtype)
    return _pareto(key, common_shape("pareto", shape, b), dtype, b)


@sampler
def _pareto(key: Any, shape: tuple[int, ...], dtype: Any, b: Any) -> Any:
    return lax.exp(lax.div(standard_exponential(key, shape, dtype), spread(b, shape)))


def rayleigh(
    key: Any, scale: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """Rayleigh numbers: density x / scale**2 exp(-x**2 / (2 scale**2)), x >= 0.

    Shapes: scale broadcasts to `shape`. Dtypes: float. Grad: in scale.
    """
    key = single_key("rayleigh", key)
    dtype = float_dtype("rayleigh", dtype)
    scale = parameter("rayleigh", scale, dtype)
    return _rayleigh(key, common_shape("rayleigh", shape, scale), dtype, scale)


@sampler
def _rayleigh(key: Any, shape: tuple[int, ...], dtype: Any, scale: Any) -> Any:
    u = draw("rayleigh", key, shape, dtype, 0.0, 1.0)
    return lax.mul(spread(scale, shape), lax.sqrt(lax.mul(lax.log(u), number(-2, dtype))))


def weibull_min(
    key: Any, scale: Any, concentration: Any, shape: Any = (), dtype: Any = None
) -> Any:
    """Weibull numbers: scale times the 1 / concentration power of an exponential number.

    Shapes: the parameters broadcast to `shape`. Dtypes: float. Grad: in both parameters.
    """
    key = single_key("weibull_min", key)
    dtype = float_dtype("weibull_min", dtype)
    scale, power = (
        parameter("weibull_min", scale, dtype),
        parameter("weibull_min", concentration, dtype),
    )
    return _weibull(key, common_shape("weibull_min", shape, scale, power), dtype, scale, power)


@sampler
def _weibull(key: Any, shape: tuple[int, ...], dtype: Any, scale: Any, power: Any) -> Any:
    e = standard_exponential(key, shape, dtype)
    return lax.mul(
        lax.pow(e, spread(lax.div(number(1, dtype), power), shape)), spread(scale, shape)
    )


def triangular(
    key: Any,
    left: Any,
    mode: Any,
    right: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """Triangular numbers between left and right, the likeliest at `mode`.

    Shapes: the parameters broadcast to `shape`. Dtypes: float. Grad: in the parameters.
    """
    key = single_key("triangular", key)
    dtype = float_dtype("triangular", dtype)
    params = [parameter("triangular", x, dtype) for x in (left, mode, right)]
    return _triangular(key, common_shape("triangular", shape, *params), dtype, *params)


@sampler
def _triangular(
    key: Any, shape: tuple[int, ...], dtype: Any, left: Any, mode: Any, right: Any
) -> Any:
    left, mode, right = (full(x, shape) for x in (left, mode, right))
    u = draw("triangular", key, shape, dtype, 0.0, 1.0)
    width, rise = lax.sub(right, left), lax.sub(mode, left)
    below = lax.add(left, lax.sqrt(lax.mul(lax.mul(u, width), rise)))
    fall = lax.mul(lax.mul(lax.sub(number(1, dtype), u), width), lax.sub(right, mode))
    return lax.select_n(lax.lt(u, lax.div(rise, width)), lax.sub(right, lax.sqrt(fall)), below)


def geometric(
    key: Any, p: Any, shape: Any = None, dtype: Any = None, *, out_sharding: Any = None
) -> Any:
    """The number of trials up to the first success, each of probability p.

    Shapes: p broadcasts to `shape`. Dtypes: integer; int32 if not given. Grad: none (integers).
    """
    key = single_key("geometric", key)
    dtype = int_dtype("geometric", dtype)
    p = as_value(p, "geometric")
    kind = p.aval.dtype if dtypes.is_float(p.aval.dtype) else dtypes.default_dtype(float)
    p = lax.convert_element_type(p, kind)
    count = _geometric(key, common_shape("geometric", shape, p), kind, p)
    return lax.convert_element_type(count, dtype)


@sampler
def _geometric(key: Any, shape: tuple[int, ...], dtype: Any, p: Any) -> Any:
    one = number(1, dtype)
    u = draw("geometric", key, shape, dtype, 0.0, 1.0)
    u = lax.select_n(lax.eq(u, number(0, dtype)), u, lax.full_like(u, 1))
    trials = lax.div(lax.log(u), spread(lax.log1p(lax.neg(p)), shape))
    return lax.add(lax.floor(trials), one)
