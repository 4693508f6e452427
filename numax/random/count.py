"""Counts: Poisson, binomial and multinomial numbers."""

import math
from typing import Any

import numpy as np

from numax import lax
from numax._engine.core import dtypes
from numax._engine.ops import rng
from numax.random.arguments import (
    common_shape,
    constant,
    float_dtype,
    full,
    int_dtype,
    known,
    number,
    parameter,
    repeat,
    sampler,
    single_key,
    split,
)
from numax.random.gamma import check_method
from numax.random.normal import standard_normal
from numax.random.uniform import draw

# ---- Poisson ----

_LOW_RATE = 10.0


def poisson(
    key: Any,
    lam: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    method: str = "exact",
    out_sharding: Any = None,
) -> Any:
    """Poisson numbers of a rate: probability lam**k exp(-lam) / k!.

    Args: method ("exact": loops; "approximate": no loop, nearly the distribution). Shapes: lam broadcasts to
    `shape`. Dtypes: integer; int32 if not given. Grad: none (integers).
    Source: Knuth for rates below 10, else transformed rejection (Hoermann 1993).
    """
    check_method("poisson", method)
    key = single_key("poisson", key)
    dtype = int_dtype("poisson", dtype)
    lam = parameter("poisson", lam, dtypes.float32)
    shape = common_shape("poisson", shape, lam)
    return (_poisson if method == "exact" else _poisson_approximate)(
        key, shape, dtype, full(lam, shape)
    )


@sampler
def _poisson(key: Any, shape: tuple[int, ...], dtype: Any, lam: Any) -> Any:
    kind = dtypes.float32
    low = lax.bitwise_or(lax.ne(lam, lam), lax.lt(lam, number(_LOW_RATE, kind)))
    zeros = lax.full_like(lam, 0)
    small = _poisson_product(key, shape, dtype, lax.select_n(low, zeros, lam))
    large = _poisson_rejection(
        rng.random_clone(key), shape, dtype, lax.select_n(low, lam, lax.full_like(lam, 1e5)), low
    )
    out = lax.select_n(low, large, small)
    return lax.select_n(lax.eq(lam, number(0, kind)), out, lax.full_like(out, 0))


def _some(x: Any) -> Any:
    """Whether any element is true."""
    return lax.reduce_or(x, tuple(range(x.aval.ndim)))


def _nothing_to_do(skip: Any) -> Any:
    """Where a loop starts as done: everywhere if all its numbers can be skipped, else nowhere."""
    every = lax.reduce_and(skip, tuple(range(skip.aval.ndim)))
    return full(every, skip.aval.shape)


def _poisson_product(key: Any, shape: tuple[int, ...], dtype: Any, lam: Any) -> Any:
    """Count the uniform numbers whose product stays above exp(-lam)."""
    kind = dtypes.float32
    bound = lax.neg(lam)

    def test(trips: Any, count: Any, key: Any, log: Any) -> Any:
        within = lax.lt(trips, constant(dtypes.iinfo(trips.aval.dtype).max, trips.aval.dtype))
        return lax.bitwise_and(_some(lax.gt(log, bound)), within)

    def body(trips: Any, count: Any, key: Any, log: Any) -> Any:
        key, now = split(key, 2)
        count = lax.select_n(lax.gt(log, bound), count, lax.add(count, number(1, dtype)))
        u = draw("poisson", now, shape, kind, 0.0, 1.0)
        return lax.add(trips, lax.full_like(trips, 1)), count, key, lax.add(log, lax.log(u))

    trips = number(0, dtypes.default_dtype(int))
    start = trips, lax.full(shape, 0, dtype), key, lax.full_like(lam, 0)
    count = repeat(test, body, start, math.prod(shape))[1]
    return lax.sub(count, number(1, dtype))


def _poisson_rejection(key: Any, shape: tuple[int, ...], dtype: Any, lam: Any, skip: Any) -> Any:
    """Transformed rejection. The loop goes on for all as long as one is refused, and the last accepted candidate counts.
    `skip` marks the numbers that are not needed: if none is, there is no loop."""
    kind = dtypes.float32

    def c(value: float) -> Any:
        return number(value, kind)

    log_rate = lax.log(lam)
    b = lax.add(c(0.931), lax.mul(c(2.53), lax.sqrt(lam)))
    a = lax.add(c(-0.059), lax.mul(c(0.02483), b))
    inverse = lax.add(c(1.1239), lax.div(c(1.1328), lax.sub(b, c(3.4))))
    bound = lax.sub(c(0.9277), lax.div(c(3.6224), lax.sub(b, c(2.0))))

    def test(trips: Any, out: Any, done: Any, key: Any) -> Any:
        within = lax.lt(trips, constant(dtypes.iinfo(trips.aval.dtype).max, trips.aval.dtype))
        return lax.bitwise_and(_some(lax.bitwise_not(done)), within)

    def body(trips: Any, out: Any, done: Any, key: Any) -> Any:
        key, first, second = split(key, 3)
        u = lax.sub(draw("poisson", first, shape, kind, 0.0, 1.0), c(0.5))
        v = draw("poisson", second, shape, kind, 0.0, 1.0)
        rest = lax.sub(c(0.5), lax.abs(u))
        k = lax.mul(lax.add(lax.div(lax.mul(c(2.0), a), rest), b), u)
        k = lax.floor(lax.add(lax.add(k, lam), c(0.43)))
        s = lax.log(lax.div(lax.mul(v, inverse), lax.add(lax.div(a, lax.mul(rest, rest)), b)))
        t = lax.sub(lax.add(lax.neg(lam), lax.mul(k, log_rate)), lax.lgamma(lax.add(k, c(1.0))))
        quick = lax.bitwise_and(lax.ge(rest, c(0.07)), lax.le(v, bound))
        corner = lax.bitwise_and(lax.lt(rest, c(0.013)), lax.gt(v, rest))
        reject = lax.bitwise_or(lax.lt(k, c(0.0)), corner)
        slow = lax.bitwise_and(lax.bitwise_not(reject), lax.le(s, t))
        accept = lax.bitwise_or(quick, slow)
        trips = lax.add(trips, lax.full_like(trips, 1))
        return trips, lax.select_n(accept, out, k), lax.bitwise_or(done, accept), key

    trips = number(0, dtypes.default_dtype(int))
    start = trips, lax.full_like(lam, -1), _nothing_to_do(skip), key
    return lax.convert_element_type(repeat(test, body, start, math.prod(shape))[1], dtype)


# Peizer and Pratt's function by a series around 1: g(1 + y) = sum of these times y**i, i = 1, 2, ...
_PEIZER_PRATT = [(-1) ** i * 2 / ((i + 1) * (i + 2)) for i in range(1, 10)]


def _peizer_pratt(x: Any, y: Any) -> Any:
    """g(x) = (1 - x**2 + 2 x log x) / (1 - x)**2 where y = x - 1."""
    kind = x.aval.dtype
    near = lax.lt(lax.abs(y), number(0.25, kind))
    series = lax.full_like(y, 0)
    for c in reversed(_PEIZER_PRATT):
        series = lax.mul(y, lax.add(number(c, kind), series))
    x = lax.select_n(near, x, lax.full_like(x, 2))
    y = lax.select_n(near, y, lax.full_like(y, 1))
    top = lax.add(
        lax.sub(number(1, kind), lax.mul(x, x)), lax.mul(lax.mul(number(2, kind), x), lax.log(x))
    )
    return lax.select_n(near, lax.div(top, lax.mul(y, y)), series)


@sampler
def _poisson_approximate(key: Any, shape: tuple[int, ...], dtype: Any, lam: Any) -> Any:
    """The quantile of a normal number: by summing probabilities below a rate of 7, else by Peizer and Pratt's normal
    approximation of the distribution, around Cornish and Fisher's of the quantile."""
    kind = dtypes.float32

    def c(value: float) -> Any:
        return number(value, kind)

    z = standard_normal(key, shape, kind)
    u = _normal_cdf(z)
    term = lax.exp(lax.neg(lam))
    total = term
    few = lax.convert_element_type(lax.lt(total, u), kind)
    for i in range(1, 19):
        term = lax.mul(term, lax.div(lam, c(i)))
        total = lax.add(total, term)
        few = lax.add(few, lax.convert_element_type(lax.lt(total, u), kind))

    def quantile(k: Any) -> Any:
        below = lax.lt(k, c(0.0))
        k = lax.max(k, c(0.0))
        x = lax.div(lax.add(k, c(0.5)), lam)
        shift = lax.add(lax.sub(k, lam), c(2 / 3))
        shift = lax.add(shift, lax.div(c(0.02), lax.add(k, c(1.0))))
        g = _peizer_pratt(x, lax.sub(x, c(1.0)))
        value = lax.mul(shift, lax.sqrt(lax.div(lax.add(c(1.0), g), lam)))
        return lax.select_n(below, value, lax.full_like(value, -math.inf))

    root = lax.sqrt(lam)
    square = lax.mul(z, z)
    guess = lax.sub(lax.add(lam, lax.mul(root, z)), c(2 / 3))
    guess = lax.add(guess, lax.div(square, c(6.0)))
    guess = lax.add(guess, lax.div(lax.mul(z, lax.sub(c(1.0), square)), lax.mul(c(72.0), root)))
    high = lax.ceil(lax.add(guess, c(0.6)))
    many = lax.add(high, c(1.0))
    for k in (high, lax.sub(high, c(1.0))):
        many = lax.sub(many, lax.convert_element_type(lax.ge(quantile(k), z), kind))
    many = lax.max(many, c(0.0))
    return lax.convert_element_type(lax.select_n(lax.lt(lam, c(7.0)), many, few), dtype)


def _normal_cdf(z: Any) -> Any:
    """The probability that a standard normal number is below z."""
    kind = z.aval.dtype
    root = number(math.sqrt(0.5), kind)
    x = lax.mul(z, root)
    size = lax.abs(x)
    tail = lax.erfc(size)
    outer = lax.select_n(lax.gt(x, number(0, kind)), tail, lax.sub(number(2, kind), tail))
    inner = lax.add(number(1, kind), lax.erf(x))
    return lax.mul(number(0.5, kind), lax.select_n(lax.lt(size, root), outer, inner))


# ---- binomial ----

_STIRLING = [
    math.lgamma(k + 1) - (0.5 * math.log(2 * math.pi) + (k + 0.5) * math.log(k + 1) - (k + 1))
    for k in range(10)
]


def binomial(key: Any, n: Any, p: Any, shape: Any = None, dtype: Any = None) -> Any:
    """Binomial numbers: the successes in n trials of probability p; nan where n or p is out of range.

    Shapes: the parameters broadcast to `shape`. Dtypes: float. Grad: none (whole numbers).
    Source: inversion for n p <= 10, else transformed rejection (Hoermann, BTRS, 1993).
    """
    key = single_key("binomial", key)
    dtype = float_dtype("binomial", dtype)
    n, p = parameter("binomial", n, dtype), parameter("binomial", p, dtype)
    shape = common_shape("binomial", shape, n, p)
    return _binomial(key, shape, dtype, full(n, shape), full(p, shape))


@sampler
def _binomial(key: Any, shape: tuple[int, ...], dtype: Any, n: Any, p: Any) -> Any:
    def c(value: float) -> Any:
        return number(value, dtype)

    low = lax.lt(p, c(0.5))
    q = lax.select_n(low, lax.sub(c(1.0), p), p)
    bad_n = lax.bitwise_or(lax.ne(n, n), lax.lt(n, c(0.0)))
    endless = lax.eq(lax.abs(n), c(math.inf))
    nan_q, negative = lax.ne(q, q), lax.lt(q, c(0.0))
    bad_q = lax.bitwise_or(nan_q, negative)
    q = lax.select_n(bad_q, q, lax.full_like(q, 0.01))
    few = lax.bitwise_or(bad_n, lax.le(lax.mul(n, q), c(10.0)))
    whole = lax.floor(n)
    small = _binomial_inversion(key, shape, dtype, lax.select_n(few, lax.full_like(n, 0), whole), q)
    large = _binomial_rejection(
        rng.random_clone(key),
        shape,
        dtype,
        lax.select_n(few, whole, lax.full_like(n, 1e4)),
        lax.select_n(few, q, lax.full_like(q, 0.5)),
        few,
    )
    out = lax.select_n(few, large, small)
    bad = lax.bitwise_or(bad_q, bad_n)
    out = lax.select_n(bad, out, lax.full_like(out, math.nan))
    out = lax.select_n(
        lax.bitwise_and(endless, lax.bitwise_not(bad)), out, lax.full_like(out, math.inf)
    )
    keep = lax.bitwise_or(lax.bitwise_or(low, bad_n), lax.bitwise_or(nan_q, endless))
    return lax.select_n(keep, lax.sub(whole, out), out)


def _binomial_inversion(key: Any, shape: tuple[int, ...], dtype: Any, n: Any, p: Any) -> Any:
    """Count the geometric numbers whose sum stays within n."""
    log = lax.log1p(lax.neg(p))

    def test(count: Any, total: Any, key: Any) -> Any:
        return _some(lax.le(total, n))

    def body(count: Any, total: Any, key: Any) -> Any:
        now, key = split(key, 2)
        count = lax.select_n(lax.le(total, n), count, lax.add(count, number(1, dtype)))
        u = draw("binomial", now, shape, dtype, 0.0, 1.0)
        return count, lax.add(total, lax.ceil(lax.div(lax.log(u), log))), key

    start = lax.full_like(n, 0), lax.full_like(n, 0), key
    return lax.sub(repeat(test, body, start, math.prod(shape))[0], number(1, dtype))


def _stirling_tail(k: Any, table: Any) -> Any:
    """log k! less Stirling's formula at k + 1."""
    kind = k.aval.dtype
    near = lax.clamp(number(0, kind), k, number(9, kind))
    next_ = lax.add(near, number(1, kind))
    square = lax.mul(next_, next_)
    inner = lax.sub(number(1 / 360, kind), lax.div(number(1 / 1260, kind), square))
    far = lax.div(lax.sub(number(1 / 12, kind), lax.div(inner, square)), next_)
    index = lax.convert_element_type(lax.floor(near), dtypes.int32)
    exact = lax.full_like(k, 0)
    for i in range(10):
        hit = lax.eq(index, number(i, dtypes.int32))
        exact = lax.select_n(hit, exact, lax.full_like(k, table[i]))
    return lax.select_n(lax.le(k, number(9, kind)), far, exact)


def _binomial_rejection(
    key: Any, shape: tuple[int, ...], dtype: Any, n: Any, p: Any, skip: Any
) -> Any:
    """BTRS, looping as `_poisson_rejection` does."""

    def c(value: float) -> Any:
        return number(value, dtype)

    deviation = lax.sqrt(lax.mul(lax.mul(n, p), lax.sub(c(1.0), p)))
    b = lax.add(c(1.15), lax.mul(c(2.53), deviation))
    a = lax.add(lax.add(c(-0.0873), lax.mul(c(0.0248), b)), lax.mul(c(0.01), p))
    center = lax.add(lax.mul(n, p), c(0.5))
    bound = lax.sub(c(0.92), lax.div(c(4.2), b))
    odds = lax.div(p, lax.sub(c(1.0), p))
    alpha = lax.mul(lax.add(c(2.83), lax.div(c(5.1), b)), deviation)
    mode = lax.floor(lax.mul(lax.add(n, c(1.0)), p))

    def tail(k: Any) -> Any:
        return _stirling_tail(k, _STIRLING)

    left = lax.add(lax.sub(n, mode), c(1.0))
    head = lax.mul(
        lax.add(mode, c(0.5)), lax.log(lax.div(lax.add(mode, c(1.0)), lax.mul(odds, left)))
    )

    def test(out: Any, done: Any, key: Any) -> Any:
        return _some(lax.bitwise_not(done))

    def body(out: Any, done: Any, key: Any) -> Any:
        key, first, second = split(key, 3)
        u = lax.sub(draw("binomial", first, shape, dtype, 0.0, 1.0), c(0.5))
        v = draw("binomial", second, shape, dtype, 0.0, 1.0)
        rest = lax.sub(c(0.5), lax.abs(u))
        quick = lax.bitwise_and(lax.ge(rest, c(0.07)), lax.le(v, bound))
        k = lax.mul(lax.add(lax.div(lax.mul(c(2.0), a), rest), b), u)
        k = lax.floor(lax.add(k, center))
        reject = lax.bitwise_or(lax.lt(k, c(0.0)), lax.gt(k, n))
        s = lax.log(lax.div(lax.mul(v, alpha), lax.add(lax.div(a, lax.mul(rest, rest)), b)))
        over = lax.add(lax.sub(n, k), c(1.0))
        t = lax.add(head, lax.mul(lax.add(n, c(1.0)), lax.log(lax.div(left, over))))
        ratio = lax.div(lax.mul(odds, over), lax.add(k, c(1.0)))
        t = lax.add(t, lax.mul(lax.add(k, c(0.5)), lax.log(ratio)))
        t = lax.add(lax.add(t, tail(mode)), tail(lax.sub(n, mode)))
        t = lax.sub(lax.sub(t, tail(k)), tail(lax.sub(n, k)))
        accept = lax.bitwise_or(quick, lax.bitwise_and(lax.bitwise_not(reject), lax.le(s, t)))
        return lax.select_n(accept, out, k), lax.bitwise_or(done, accept), key

    start = lax.full_like(n, -1), _nothing_to_do(skip), key
    return repeat(test, body, start, math.prod(shape))[0]


def multinomial(
    key: Any, n: Any, p: Any, *, shape: Any = None, dtype: Any = None, unroll: int | bool = 1
) -> Any:
    """Multinomial vectors: how n trials fall on outcomes of probabilities p.

    Shapes: n (B...), p (B..., k) -> (*shape, k); B broadcasts to `shape`. Dtypes: float, or integer.
    Raises: ValueError for other shapes. Grad: none (whole numbers). Source: a binomial number for each outcome.
    """
    key = single_key("multinomial", key)
    found = dtypes.default_dtype(float) if dtype is None else dtypes.canonicalize_dtype(dtype)
    kind = found if dtypes.is_float(found) else dtypes.default_dtype(float)
    n, p = parameter("multinomial", n, kind), parameter("multinomial", p, kind)
    inner = p.aval.shape
    if not inner:
        raise ValueError(
            "multinomial: p must have an axis of outcomes; got a scalar. Use binomial for two."
        )
    outcomes = inner[-1]
    shape = common_shape("multinomial", shape, n, np.empty(inner[:-1], np.bool_))
    p = full(p, (*shape, outcomes))
    last = len(shape)
    left = lax.rev(lax.cumsum(lax.rev(p, (last,)), last), (last,))
    zero = lax.eq(left, number(0, kind))
    ratios = lax.div(p, lax.select_n(zero, left, lax.full_like(left, 1)))
    ratios = lax.clamp(number(0, kind), ratios, number(1, kind))
    ratios = lax.transpose(ratios, (last, *range(last)))
    counts = _outcomes(key, shape, kind, full(n, shape), ratios, unroll)
    return lax.convert_element_type(lax.transpose(counts, (*range(1, last + 1), 0)), found)


def _outcomes(
    key: Any, shape: tuple[int, ...], dtype: Any, n: Any, ratios: Any, unroll: int | bool
) -> Any:
    """The trials that fall on each outcome, of those left by the outcomes before it."""

    def step(rest: Any, of: tuple[Any, Any]) -> tuple[Any, Any]:
        drawn = _binomial(of[0], shape, dtype, rest, of[1])
        return lax.sub(rest, drawn), drawn

    outcomes = ratios.aval.shape[0]
    if not known(key, n, ratios) or outcomes == 0:
        return lax.scan(step, n, (rng.random_split(key, (outcomes,)), ratios), unroll=unroll)[1]
    counts = []
    for i, own in enumerate(split(key, outcomes)):
        n, drawn = step(n, (own, lax.index_in_dim(ratios, i, 0, keepdims=False)))
        counts.append(lax.expand_dims(drawn, (0,)))
    return lax.concatenate(counts, 0)
