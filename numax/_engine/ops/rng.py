"""Random bits: threefry2x32, and the keys that choose its streams.

A key is one uint64: its first word is the low half, its second word the high half. Counter i of a key (as two words,
high and low) gives a block of two words; bits of up to 32 are the exclusive or of the two, 64 bits are both.
`legacy` marks the older scheme (jax_threefry_partitionable off): the words of a stream are the first words of its
blocks, then the second ones, and the counters are numbered that way too.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

import functools
import math
from typing import Any

import numpy as np

from numax._engine.core import config, dtypes
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.native import native
from numax._engine.core.primitive import Primitive, not_linear, zero_tangent
from numax._engine.ops.basis import (
    as_value,
    batch_elementwise,
    canonical_shape,
    moveaxis,
)
from numax._engine.stablehlo import hlo

FRY = dtypes.key_type("threefry2x32", "fry")
KEY = etype(FRY)

_ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
_PARITY = 0x1BD11BDA
_WORD = 0xFFFFFFFF
_U32, _U64 = dtypes.uint32, dtypes.uint64
UNSIGNED = {8: dtypes.uint8, 16: dtypes.uint16, 32: _U32, 64: _U64}

# ---- blocks on the host ----
#
# A NumPy call costs 0.4 us and a block takes a hundred of them. Up to a few dozen blocks it is faster to put each word
# into a 64-bit lane of one long Python integer, and to work on all lanes at once.

_LANES = 256
_CHUNK = 16384


@functools.cache
def _lanes(count: int) -> tuple[int, int, int]:
    """As long integers: 1 in each lane, the lane's number in each lane, 32 ones in each lane."""
    ones = int.from_bytes(np.ones(count, np.uint64).tobytes(), "little")
    numbers = int.from_bytes(np.arange(count, dtype=np.uint64).tobytes(), "little")
    return ones, numbers, ones * _WORD


def _block_lanes(k0: int, k1: int, x0: int, x1: int, ones: int, mask: int) -> tuple[int, int]:
    """Threefry on words in the lanes of long integers. Of x0 only the low half counts until the end."""
    keys = (k0, k1, k0 ^ k1 ^ ones * _PARITY) * 3
    x0 = x0 + k0
    x1 = (x1 + k1) & mask
    for i in (1, 3, 5):
        x0 += x1
        x1 = ((x1 << 13 | x1 >> 19) ^ x0) & mask
        x0 += x1
        x1 = ((x1 << 15 | x1 >> 17) ^ x0) & mask
        x0 += x1
        x1 = ((x1 << 26 | x1 >> 6) ^ x0) & mask
        x0 += x1
        x1 = ((x1 << 6 | x1 >> 26) ^ x0) & mask
        x0 += keys[i]
        x1 = (x1 + keys[i + 1] + i * ones) & mask
        if i < 5:
            x0 += x1
            x1 = ((x1 << 17 | x1 >> 15) ^ x0) & mask
            x0 += x1
            x1 = ((x1 << 29 | x1 >> 3) ^ x0) & mask
            x0 += x1
            x1 = ((x1 << 16 | x1 >> 16) ^ x0) & mask
            x0 += x1
            x1 = ((x1 << 24 | x1 >> 8) ^ x0) & mask
            x0 += keys[i + 1]
            x1 = (x1 + keys[i + 2] + (i + 1) * ones) & mask
    return x0 & mask, x1


FEW = 16


def few_words(key: int, count: int) -> list[int]:
    """`count` random 32-bit words of one key, as Python ints: for a handful of numbers NumPy is the slower part."""
    if native is not None:
        words: list[int] = native.words(key, count)
        return words
    ones, numbers, mask = _lanes(count)
    x0, x1 = _block_lanes((key & _WORD) * ones, (key >> 32) * ones, 0, numbers, ones, mask)
    x0 ^= x1
    return [x0 >> i & _WORD for i in range(0, 64 * count, 64)]


def few_keys(key: int, count: int) -> np.ndarray:
    """`count` new keys of one key, at most _LANES."""
    if native is not None:
        made: np.ndarray = native.stream(np.array(key, _U64), count, True)
        return made
    ones, numbers, mask = _lanes(count)
    x0, x1 = _block_lanes((key & _WORD) * ones, (key >> 32) * ones, 0, numbers, ones, mask)
    return _unpack(x0 | x1 << 32, count)


def _block_arrays(k0: Any, k1: Any, x0: np.ndarray, x1: np.ndarray) -> None:
    """Threefry in place, on arrays of words; the keys are arrays or Python ints."""
    k2 = k0 ^ k1 ^ (_PARITY if isinstance(k0, int) else np.uint32(_PARITY))
    keys = k0, k1, k2
    spare = np.empty_like(x0)
    x0 += _uint32(k0)
    x1 += _uint32(k1)
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            np.add(x0, x1, out=x0)
            np.right_shift(x1, np.uint32(32 - r), out=spare)
            np.left_shift(x1, np.uint32(r), out=x1)
            np.bitwise_or(x1, spare, out=x1)
            np.bitwise_xor(x1, x0, out=x1)
        x0 += _uint32(keys[(i + 1) % 3])
        x1 += _uint32(keys[(i + 2) % 3])
        x1 += np.uint32(i + 1)


def _uint32(k: Any) -> Any:
    return np.uint32(k) if isinstance(k, int) else k


def _pack(x: np.ndarray) -> int:
    return int.from_bytes(x.tobytes(), "little")


def _unpack(x: int, count: int) -> np.ndarray:
    return np.frombuffer(x.to_bytes(8 * count, "little"), np.uint64)


def _stream(keys: np.ndarray, count: int, joined: bool) -> np.ndarray:
    """Blocks 0 ... count - 1 of each key: both words as one uint64 (joined), or their exclusive or as uint32."""
    total = keys.size * count
    shape = (*keys.shape, count)
    if total == 0:
        return np.empty(shape, _U64 if joined else _U32)
    if native is not None:
        return native.stream(np.ascontiguousarray(keys), count, joined).reshape(shape)
    if total <= _LANES:
        ones, numbers, mask = _lanes(total)
        if keys.size == 1:
            key = int(keys.reshape(())[()])
            k0, k1 = (key & _WORD) * ones, (key >> 32) * ones
        else:
            long = _pack(np.repeat(keys, count))
            k0, k1 = long & mask, (long >> 32) & mask
            numbers = _pack(np.tile(np.arange(count, dtype=np.uint64), keys.size))
        x0, x1 = _block_lanes(k0, k1, 0, numbers, ones, mask)
        if joined:
            return _unpack(x0 | x1 << 32, total).reshape(shape)
        return _unpack(x0 ^ x1, total).astype(np.uint32).reshape(shape)
    out = np.empty(total, _U64 if joined else _U32)
    flat = keys.reshape(-1)
    single = int(flat[0]) if flat.size == 1 else None
    for start in range(0, total, _CHUNK):
        stop = min(start + _CHUNK, total)
        place = np.arange(start, stop, dtype=np.uint64)
        if single is None:
            chosen = flat[place // np.uint64(count)]
            place %= np.uint64(count)
            k0, k1 = chosen.astype(np.uint32), (chosen >> np.uint64(32)).astype(np.uint32)
        else:
            k0, k1 = single & _WORD, single >> 32
        x0 = (place >> np.uint64(32)).astype(np.uint32)
        x1 = place.astype(np.uint32)
        _block_arrays(k0, k1, x0, x1)
        if joined:
            out[start:stop] = _join(x0, x1)
        else:
            np.bitwise_xor(x0, x1, out=out[start:stop])
    return out.reshape(shape)


def _join(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)


def _legacy_stream(keys: np.ndarray, count: int) -> np.ndarray:
    """`count` words of each key, in the older scheme."""
    half = -(-count // 2)
    place = np.arange(2 * half, dtype=np.uint32)
    place[count:] = 0
    k0, k1 = keys.astype(np.uint32), (keys >> np.uint64(32)).astype(np.uint32)
    shape = (*keys.shape, half)
    k0, k1 = (np.broadcast_to(k[..., None], shape) for k in (k0, k1))
    x0, x1 = (np.broadcast_to(x, shape).copy() for x in (place[:half], place[half:]))
    _block_arrays(k0, k1, x0, x1)
    return np.concatenate([x0, x1], -1)[..., :count]


def _legacy_bits(keys: np.ndarray, bit_width: int, count: int) -> np.ndarray:
    if bit_width == 64:
        words = _legacy_stream(keys, 2 * count)
        return _join(words[..., count:], words[..., :count])
    if bit_width == 32:
        return _legacy_stream(keys, count)
    dtype = UNSIGNED[bit_width]
    words = _legacy_stream(keys, -(-count * bit_width // 32))
    shifts = np.arange(0, 32, bit_width, dtype=np.uint32)
    parts = (words[..., None] >> shifts).astype(dtype)
    return parts.reshape(*keys.shape, words.shape[-1] * len(shifts))[..., :count]


def host_bits(
    keys: np.ndarray, bit_width: int, shape: tuple[int, ...], legacy: bool = False
) -> np.ndarray:
    """Random unsigned integers of a bit width, `shape` of them for each key."""
    count = math.prod(shape)
    if legacy:
        return _legacy_bits(keys, bit_width, count).reshape(keys.shape + shape)
    if bit_width == 64:
        words = _stream(keys, count, True)
        out = words << np.uint64(32) | words >> np.uint64(32)
    else:
        out = _stream(keys, count, False)
        if bit_width < 32:
            out = out.astype(UNSIGNED[bit_width])
    return out.reshape(keys.shape + shape)


# ---- blocks in StableHLO ----


def _lower_words(ctx: Any, keys: Any) -> tuple[Any, Any]:
    """The two words of each key."""
    high = hlo.shift_right_logical(ctx, keys, hlo.full(ctx, 32, keys.shape, _U64))
    return hlo.convert(ctx, keys, _U32), hlo.convert(ctx, high, _U32)


def _lower_join(ctx: Any, low: Any, high: Any) -> Any:
    """One uint64 of two words."""
    up = hlo.convert(ctx, high, _U64)
    up = hlo.shift_left(ctx, up, hlo.full(ctx, 32, up.shape, _U64))
    return hlo.or_(ctx, hlo.convert(ctx, low, _U64), up)


_FEW = 2048


def lower_block(ctx: Any, k0: Any, k1: Any, x0: Any, x1: Any, fuse: bool = True) -> tuple[Any, Any]:
    """Threefry on words of one shape, as a function of the module.

    The rounds are unrolled, so that they fuse with what uses the bits. A few keys are made in a loop instead
    (fuse=False): the compiler would copy unrolled rounds into every use of a key.
    """
    shape = x0.shape
    kind = (shape, _U32)
    rounds = _lower_rounds if fuse or math.prod(shape) > _FEW else _lower_loop
    ctx.formulas = True
    function = ctx.function((rounds, shape), "threefry2x32", [kind] * 4, rounds)
    x0, x1 = ctx.call(function, [k0, k1, x0, x1])
    return x0, x1


def _lower_loop(b: Any, args: Any) -> Any:
    k0, k1, x0, x1 = args
    shape = x0.shape

    def number(n: int) -> Any:
        return hlo.full(b, n, shape, _U32)

    def test(b: Any, i: Any, *rest: Any) -> Any:
        return hlo.compare(b, i, hlo.full(b, 5, (), _U32), "LT")

    def body(b: Any, i: Any, x0: Any, x1: Any, now: Any, next_: Any, last: Any) -> Any:
        one = hlo.full(b, 1, (), _U32)
        odd = hlo.compare(b, hlo.and_(b, i, one), one, "EQ")
        for even_turn, odd_turn in zip(*_ROTATIONS, strict=True):
            left = hlo.select(
                b, odd, hlo.full(b, odd_turn, (), _U32), hlo.full(b, even_turn, (), _U32)
            )
            left = hlo.broadcast_scalar(b, left, shape)
            right = hlo.subtract(b, number(32), left)
            x0 = hlo.add(b, x0, x1)
            x1 = hlo.or_(b, hlo.shift_left(b, x1, left), hlo.shift_right_logical(b, x1, right))
            x1 = hlo.xor(b, x1, x0)
        i = hlo.add(b, i, one)
        x0 = hlo.add(b, x0, now)
        x1 = hlo.add(b, hlo.add(b, x1, next_), hlo.broadcast_scalar(b, i, shape))
        return [i, x0, x1, next_, last, now]

    k2 = hlo.xor(b, hlo.xor(b, k0, k1), number(_PARITY))
    start = [hlo.full(b, 0, (), _U32), hlo.add(b, x0, k0), hlo.add(b, x1, k1), k1, k2, k0]
    return hlo.while_(b, start, test, body)[1:3]


def _lower_rounds(b: Any, args: Any) -> Any:
    k0, k1, x0, x1 = args
    shape = x0.shape

    def number(n: int) -> Any:
        return hlo.full(b, n, shape, _U32)

    keys = k0, k1, hlo.xor(b, hlo.xor(b, k0, k1), number(_PARITY))
    x0 = hlo.add(b, x0, k0)
    x1 = hlo.add(b, x1, k1)
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            x0 = hlo.add(b, x0, x1)
            left = hlo.shift_left(b, x1, number(r))
            right = hlo.shift_right_logical(b, x1, number(32 - r))
            x1 = hlo.xor(b, hlo.or_(b, left, right), x0)
        x0 = hlo.add(b, x0, keys[(i + 1) % 3])
        x1 = hlo.add(b, hlo.add(b, x1, keys[(i + 2) % 3]), number(i + 1))
    return [x0, x1]


def lower_stream(ctx: Any, keys: Any, count: int, fuse: bool = True) -> tuple[Any, Any]:
    """The words of blocks 0 ... count - 1 of each key, of shape (*keys.shape, count)."""
    shape = (*keys.shape, count)
    dims = range(len(keys.shape))
    k0, k1 = _lower_words(ctx, keys)
    k0 = hlo.broadcast_in_dim(ctx, k0, shape, dims)
    k1 = hlo.broadcast_in_dim(ctx, k1, shape, dims)
    if count <= _WORD:
        x0 = hlo.full(ctx, 0, shape, _U32)
        x1 = hlo.iota(ctx, shape, _U32, len(keys.shape))
    else:
        place = hlo.iota(ctx, shape, _U64, len(keys.shape))
        x1, x0 = _lower_words(ctx, place)
    return lower_block(ctx, k0, k1, x0, x1, fuse)


def _lower_legacy_stream(ctx: Any, keys: Any, count: int) -> Any:
    """`count` words of each key, in the older scheme."""
    half = -(-count // 2)
    last = len(keys.shape)
    shape = (*keys.shape, half)
    k0, k1 = (hlo.broadcast_in_dim(ctx, k, shape, range(last)) for k in _lower_words(ctx, keys))
    x0 = hlo.iota(ctx, shape, _U32, last)
    x1 = hlo.add(ctx, x0, hlo.full(ctx, half, shape, _U32))
    if count % 2:
        inside = hlo.compare(ctx, x1, hlo.full(ctx, count, shape, _U32), "LT")
        x1 = hlo.select(ctx, inside, x1, hlo.full(ctx, 0, shape, _U32))
    words = hlo.concatenate(ctx, lower_block(ctx, k0, k1, x0, x1), last)
    return _lower_part(ctx, words, 0, count)


def _lower_part(ctx: Any, x: Any, start: int, stop: int) -> Any:
    """x[..., start:stop]."""
    if (start, stop) == (0, x.shape[-1]):
        return x
    outer = x.shape[:-1]
    return hlo.slice(ctx, x, [0] * len(outer) + [start], [*outer, stop])


def _lower_legacy_bits(ctx: Any, keys: Any, bit_width: int, count: int) -> Any:
    if bit_width == 64:
        words = _lower_legacy_stream(ctx, keys, 2 * count)
        return _lower_join(
            ctx, _lower_part(ctx, words, count, 2 * count), _lower_part(ctx, words, 0, count)
        )
    if bit_width == 32:
        return _lower_legacy_stream(ctx, keys, count)
    words = _lower_legacy_stream(ctx, keys, -(-count * bit_width // 32))
    each = 32 // bit_width
    shape = (*words.shape, each)
    words = hlo.broadcast_in_dim(ctx, words, shape, range(len(shape) - 1))
    shifts = hlo.multiply(
        ctx, hlo.iota(ctx, shape, _U32, len(shape) - 1), hlo.full(ctx, bit_width, shape, _U32)
    )
    parts = hlo.convert(ctx, hlo.shift_right_logical(ctx, words, shifts), UNSIGNED[bit_width])
    parts = hlo.reshape(ctx, parts, (*keys.shape, shape[-2] * each))
    return _lower_part(ctx, parts, 0, count)


def lower_bits(
    ctx: Any, keys: Any, bit_width: int, shape: tuple[int, ...], legacy: bool = False
) -> Any:
    """Random unsigned integers of a bit width, `shape` of them for each key."""
    if legacy:
        out = _lower_legacy_bits(ctx, keys, bit_width, math.prod(shape))
        return hlo.reshape(ctx, out, keys.shape + shape)
    x0, x1 = lower_stream(ctx, keys, math.prod(shape))
    if bit_width == 64:
        out = _lower_join(ctx, x1, x0)
    else:
        out = hlo.xor(ctx, x0, x1)
        if bit_width < 32:
            out = hlo.convert(ctx, out, UNSIGNED[bit_width])
    return hlo.reshape(ctx, out, keys.shape + shape)


# ---- threefry2x32 ----


def threefry2x32(k0: Any, k1: Any, x0: Any, x1: Any) -> list[Any]:
    """The block of words that key words k0, k1 make of counter words x0, x1.

    Shapes: equal, or no dimensions. Dtypes: uint32. Grad: none (bits).
    """
    return threefry2x32_p.bind(*[as_value(x, "threefry2x32") for x in (k0, k1, x0, x1)])


def _threefry_infer(*args: ShapedArray) -> list[ShapedArray]:
    shape: tuple[int, ...] = ()
    for x in args:
        if x.dtype != _U32:
            raise TypeError(
                f"threefry2x32: accepts uint32 words; got {x.str_short()}. Convert it with astype."
            )
        if x.shape and shape and x.shape != shape:
            raise TypeError(
                f"threefry2x32: shapes must be equal or (); got {x.shape} and {shape}. Broadcast one."
            )
        shape = x.shape or shape
    return [ShapedArray(shape, _U32)] * 2


def _threefry_host(k0: np.ndarray, k1: np.ndarray, x0: np.ndarray, x1: np.ndarray) -> Any:
    shape = np.broadcast_shapes(k0.shape, k1.shape, x0.shape, x1.shape)
    x0, x1, k0, k1 = (np.array(np.broadcast_to(x, shape), ndmin=1) for x in (x0, x1, k0, k1))
    _block_arrays(k0, k1, x0, x1)
    return [x0.reshape(shape), x1.reshape(shape)]


def _threefry_lower(ctx: Any, *args: Any) -> Any:
    shape = ctx.avals_out[0].shape
    args = tuple([x if x.shape == shape else hlo.broadcast_scalar(ctx, x, shape) for x in args])
    return list(lower_block(ctx, *args))


def _threefry_batch(axis: Any, args: Any, dims: Any) -> Any:
    outs, dim = _threefry_elementwise(axis, args, dims)
    return outs, [dim, dim]


threefry2x32_p = Primitive(
    name="threefry2x32",
    infer=_threefry_infer,
    host=_threefry_host,
    lower=_threefry_lower,
    jvp=zero_tangent,
    transpose=not_linear,
    batch=_threefry_batch,
    multiple_results=True,
)
_threefry_elementwise = batch_elementwise(threefry2x32_p)


# ---- keys ----


def scheme() -> dict[str, bool]:
    """The parameter that says how streams are numbered, where it is not the usual way."""
    return {} if config.threefry_partitionable.value else {"legacy": True}


def check_keys(op: str, keys: ShapedArray) -> None:
    """TypeError for what is not an array of typed keys."""
    if not dtypes.is_key(keys.dtype):
        raise TypeError(
            f"{op}: accepts typed PRNG keys; got {keys.str_short()}. Make one with numax.random.key(seed), "
            "or wrap raw uint32 key data with numax.random.wrap_key_data."
        )


def random_seed(seeds: Any, impl: str = "threefry2x32") -> Any:
    """A key for each integer seed.

    Dtypes: integers and booleans. Raises: TypeError for other dtypes. Grad: none (bits).
    """
    return random_seed_p.bind(as_value(seeds, "random_seed"), impl=impl)


def _seed_infer(seeds: ShapedArray, *, impl: str) -> ShapedArray:
    if not dtypes.is_integer(seeds.dtype) and not dtypes.is_bool(seeds.dtype):
        raise TypeError(
            f"random_seed: PRNG key seed must be an integer; got {seeds.str_short()}. Convert it with x.astype(int)."
        )
    return ShapedArray(seeds.shape, FRY)


def _seed_host(seeds: np.ndarray, *, impl: str) -> np.ndarray:
    if seeds.dtype.itemsize == 8:
        return seeds.view(np.uint64) >> np.uint64(32) | seeds.view(np.uint64) << np.uint64(32)
    words = seeds.astype(np.int32) if seeds.dtype != _U32 else seeds
    return words.astype(np.uint32).astype(np.uint64) << np.uint64(32)


def _seed_lower(ctx: Any, seeds: Any, *, impl: str) -> Any:
    if seeds.dtype.itemsize == 8:
        low, high = _lower_words(ctx, hlo.convert(ctx, seeds, _U64))
        return _lower_join(ctx, high, low)
    if dtypes.is_signed(seeds.dtype):
        seeds = hlo.convert(ctx, seeds, dtypes.int32)
    word = hlo.convert(ctx, hlo.convert(ctx, seeds, _U32), _U64)
    return hlo.shift_left(ctx, word, hlo.full(ctx, 32, word.shape, _U64))


random_seed_p = Primitive(
    name="random_seed",
    infer=_seed_infer,
    host=_seed_host,
    lower=_seed_lower,
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims, *, impl: (random_seed_p.bind(*args, impl=impl), dims[0]),
)


def random_split(keys: Any, shape: Any) -> Any:
    """`shape` new keys of each key. Shapes: K -> (*K, *shape). Grad: none (bits)."""
    keys, shape = as_value(keys, "random_split"), canonical_shape("random_split", shape)
    return random_split_p.bind(keys, shape=shape, **scheme())


def _split_infer(keys: ShapedArray, *, shape: Any, legacy: bool = False) -> ShapedArray:
    check_keys("random_split", keys)
    return ShapedArray(keys.shape + shape, keys.dtype)


def host_split(keys: np.ndarray, shape: tuple[int, ...], legacy: bool = False) -> np.ndarray:
    """`shape` new keys of each key."""
    count = math.prod(shape)
    if legacy:
        return (
            np.ascontiguousarray(_legacy_stream(keys, 2 * count))
            .view(np.uint64)
            .reshape(keys.shape + shape)
        )
    return _stream(keys, count, True).reshape(keys.shape + shape)


def lower_split(ctx: Any, keys: Any, shape: tuple[int, ...], legacy: bool = False) -> Any:
    """`shape` new keys of each key."""
    count = math.prod(shape)
    if legacy:
        words = _lower_legacy_stream(ctx, keys, 2 * count)
        words = hlo.reshape(ctx, words, (*keys.shape, *shape, 2))
        return hlo.bitcast_convert(ctx, words, keys.shape + shape, _U64)
    return hlo.reshape(
        ctx, _lower_join(ctx, *lower_stream(ctx, keys, count, fuse=False)), keys.shape + shape
    )


random_split_p = Primitive(
    name="random_split",
    infer=_split_infer,
    host=lambda keys, **params: host_split(keys, **params),
    lower=lambda ctx, keys, **params: lower_split(ctx, keys, **params),
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: (
        random_split_p.bind(moveaxis(args[0], dims[0], 0), **params),
        0,
    ),
)


def random_fold_in(keys: Any, msgs: Any) -> Any:
    """A new key of each key and uint32. Shapes: equal, or no dimensions. Grad: none (bits)."""
    return random_fold_in_p.bind(as_value(keys, "random_fold_in"), as_value(msgs, "random_fold_in"))


def _fold_infer(keys: ShapedArray, msgs: ShapedArray) -> ShapedArray:
    check_keys("random_fold_in", keys)
    if msgs.dtype != _U32:
        raise TypeError(
            f"random_fold_in: data must be uint32; got {msgs.str_short()}. Convert it with astype."
        )
    if keys.shape and msgs.shape and keys.shape != msgs.shape:
        raise TypeError(
            f"random_fold_in: keys and data must have equal shapes, or one none; got {keys.str_short()} and "
            f"{msgs.str_short()}. Use numax.vmap."
        )
    return ShapedArray(keys.shape or msgs.shape, keys.dtype)


def _fold_host(keys: np.ndarray, msgs: np.ndarray) -> np.ndarray:
    if keys.ndim or msgs.ndim:
        keys, msgs = np.broadcast_arrays(keys, msgs)
        k0, k1 = keys.astype(np.uint32), (keys >> np.uint64(32)).astype(np.uint32)
        x0, x1 = np.zeros_like(k0), msgs.copy()
        _block_arrays(k0, k1, x0, x1)
        return _join(x0, x1)
    key = int(keys)
    if native is not None:
        return np.array(native.block(key, int(msgs)), np.uint64)
    x0, x1 = _block_lanes(key & _WORD, key >> 32, 0, int(msgs), 1, _WORD)
    return np.array(x0 | x1 << 32, np.uint64)


def _fold_lower(ctx: Any, keys: Any, msgs: Any) -> Any:
    shape = ctx.avals_out[0].shape
    keys = keys if keys.shape == shape else hlo.broadcast_scalar(ctx, keys, shape)
    msgs = msgs if msgs.shape == shape else hlo.broadcast_scalar(ctx, msgs, shape)
    k0, k1 = _lower_words(ctx, keys)
    return _lower_join(
        ctx, *lower_block(ctx, k0, k1, hlo.full(ctx, 0, shape, _U32), msgs, fuse=False)
    )


random_fold_in_p = Primitive(
    name="random_fold_in",
    infer=_fold_infer,
    host=_fold_host,
    lower=_fold_lower,
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims: _fold_batch(axis, args, dims),
)
_fold_batch = batch_elementwise(random_fold_in_p)


def random_bits(keys: Any, bit_width: int, shape: Any) -> Any:
    """`shape` random unsigned integers of 8, 16, 32 or 64 bits for each key. Shapes: K -> (*K, *shape). Grad: none."""
    shape = canonical_shape("random_bits", shape)
    return random_bits_p.bind(
        as_value(keys, "random_bits"), bit_width=bit_width, shape=shape, **scheme()
    )


def _bits_infer(
    keys: ShapedArray, *, bit_width: int, shape: Any, legacy: bool = False
) -> ShapedArray:
    check_keys("random_bits", keys)
    if bit_width not in UNSIGNED:
        raise TypeError(f"random_bits: bit_width must be 8, 16, 32 or 64; got {bit_width}.")
    return ShapedArray(keys.shape + shape, UNSIGNED[bit_width])


random_bits_p = Primitive(
    name="random_bits",
    infer=_bits_infer,
    host=lambda keys, **params: host_bits(keys, **params),
    lower=lambda ctx, keys, **params: lower_bits(ctx, keys, **params),
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: (
        random_bits_p.bind(moveaxis(args[0], dims[0], 0), **params),
        0,
    ),
)


def random_wrap(base: Any, impl: str = "threefry2x32") -> Any:
    """Typed keys of raw key data. Shapes: (*K, 2) -> K. Dtypes: uint32. Grad: none (bits)."""
    return random_wrap_p.bind(as_value(base, "random_wrap"), impl=impl)


def _wrap_infer(base: ShapedArray, *, impl: str) -> ShapedArray:
    if base.dtype != _U32 or not base.shape or base.shape[-1] != 2:
        raise TypeError(
            f"random_wrap: invalid PRNG key data: must be uint32 of shape (..., 2); got {base.str_short()}. "
            "Make keys with numax.random.key(seed)."
        )
    return ShapedArray(base.shape[:-1], FRY)


def host_wrap(base: np.ndarray, *, impl: str = "") -> np.ndarray:
    """Keys of pairs of words."""
    return np.ascontiguousarray(base).view(np.uint64).reshape(base.shape[:-1])


def host_unwrap(keys: np.ndarray) -> np.ndarray:
    """The pairs of words of keys."""
    return np.ascontiguousarray(keys).reshape((*keys.shape, 1)).view(np.uint32)


def _wrap_lower(ctx: Any, base: Any, *, impl: str) -> Any:
    return hlo.bitcast_convert(ctx, base, base.shape[:-1], _U64)


random_wrap_p = Primitive(
    name="random_wrap",
    infer=_wrap_infer,
    host=host_wrap,
    lower=_wrap_lower,
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims, *, impl: (random_wrap(moveaxis(args[0], dims[0], 0), impl), 0),
)


def random_unwrap(keys: Any) -> Any:
    """Raw key data of typed keys. Shapes: K -> (*K, 2). Grad: none (bits)."""
    return random_unwrap_p.bind(as_value(keys, "random_unwrap"))


def _unwrap_infer(keys: ShapedArray) -> ShapedArray:
    check_keys("random_unwrap", keys)
    return ShapedArray((*keys.shape, 2), _U32)


random_unwrap_p = Primitive(
    name="random_unwrap",
    infer=_unwrap_infer,
    host=host_unwrap,
    lower=lambda ctx, keys: hlo.bitcast_convert(ctx, keys, (*keys.shape, 2), _U32),
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims: (random_unwrap(moveaxis(args[0], dims[0], 0)), 0),
)


def random_clone(keys: Any) -> Any:
    """The same keys, as new ones to the check for reused keys. Grad: none (bits)."""
    return random_clone_p.bind(as_value(keys, "random_clone"))


def _clone_infer(keys: ShapedArray) -> ShapedArray:
    check_keys("random_clone", keys)
    return keys


random_clone_p = Primitive(
    name="random_clone",
    infer=_clone_infer,
    host=lambda keys: keys,
    lower=lambda ctx, keys: keys,
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims: (random_clone(args[0]), dims[0]),
)
