"""The devices' own random numbers: XLA's generators, whose streams differ from numax.random's and among devices."""

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, not_differentiable, not_linear, on_device
from numax._engine.ops.basis import as_value, canonical_shape, moveaxis
from numax._engine.ops.rng import UNSIGNED
from numax._engine.ops.shape import stack
from numax._engine.ops.slicing import index_in_dim
from numax._engine.stablehlo import hlo


class RandomAlgorithm(enum.Enum):
    """The generators of `rng_bit_generator`."""

    RNG_DEFAULT = 0
    RNG_THREE_FRY = 1
    RNG_PHILOX = 2


_NAMES = {
    RandomAlgorithm.RNG_DEFAULT: "DEFAULT",
    RandomAlgorithm.RNG_THREE_FRY: "THREE_FRY",
    RandomAlgorithm.RNG_PHILOX: "PHILOX",
}
_BITS = not_differentiable("random bits do not depend smoothly on the generator's state.")


def rng_bit_generator(
    key: Any,
    shape: Sequence[int],
    dtype: Any = np.uint32,
    algorithm: RandomAlgorithm = RandomAlgorithm.RNG_DEFAULT,
    *,
    out_sharding: Any = None,
) -> list[Any]:
    """The generator's next state, and random bits of a shape. Use numax.random but for streams that only one device sees.

    Shapes: (4,) or (2,) -> the same, `shape`. Dtypes: states of 4 uint32 or 2 uint64; unsigned bits.
    Raises: TypeError for other states and dtypes. Grad: none (bits). Source: StableHLO `rng_bit_generator`.
    """
    return rng_bit_generator_p.bind(
        as_value(key, "rng_bit_generator"),
        shape=canonical_shape("rng_bit_generator", shape),
        dtype=dtypes.canonicalize_dtype(dtype),
        algorithm=RandomAlgorithm(algorithm),
    )


def _bits_infer(key: ShapedArray, *, shape: Any, dtype: Any, algorithm: Any) -> list[ShapedArray]:
    words = {"uint32": 4, "uint64": 2}.get(key.dtype.name)
    if words is None or key.shape != (words,):
        raise TypeError(
            f"rng_bit_generator: the state must be uint32[4] or uint64[2]; got {key.str_short()}."
        )
    if dtype not in UNSIGNED.values():
        raise TypeError(
            f"rng_bit_generator: unsupported dtype {dtype}. Use uint8, uint16, uint32 or uint64."
        )
    return [ShapedArray(key.shape, key.dtype), ShapedArray(shape, dtype)]


def _bits_lower(ctx: Any, key: Any, *, shape: Any, dtype: Any, algorithm: Any) -> list[Any]:
    words = key.shape[0] * key.dtype.itemsize // 8  # XLA's own state is of 64-bit words
    state = key
    if key.dtype == dtypes.uint32:
        state = hlo.reshape(ctx, key, (words, 2))
        state = hlo.bitcast_convert(ctx, state, (words,), dtypes.uint64)
    drawn = max(dtype, dtypes.uint32, key=lambda d: d.itemsize)
    state, bits = ctx.ops(
        "rng_bit_generator",
        [state],
        [((words,), dtypes.uint64), (shape, drawn)],
        f"rng_algorithm = #stablehlo<rng_algorithm {_NAMES[algorithm]}>",
    )
    if key.dtype == dtypes.uint32:
        state = hlo.bitcast_convert(ctx, state, (words, 2), dtypes.uint32)
        state = hlo.reshape(ctx, state, key.shape)
    return [state, bits if drawn == dtype else hlo.convert(ctx, bits, dtype)]


def _bits_batch(axis: Any, args: Any, dims: Any, **params: Any) -> Any:
    """Each element has its own generator."""
    keys = moveaxis(args[0], dims[0], 0)
    rows = [
        rng_bit_generator_p.bind(index_in_dim(keys, i, 0, keepdims=False), **params)
        for i in range(axis.size)
    ]
    return [stack(list(column), 0) for column in zip(*rows, strict=True)], [0, 0]


rng_bit_generator_p = Primitive(
    name="rng_bit_generator",
    infer=_bits_infer,
    host=on_device,
    lower=_bits_lower,
    jvp=_BITS,
    transpose=not_linear,
    batch=_bits_batch,
    multiple_results=True,
)


def rng_uniform(a: Any, b: Any, shape: Sequence[int]) -> Any:
    """Random numbers in [a, b), other ones at each run: the device keeps the state. Use numax.random to repeat a run.

    Shapes: (), () -> shape. Dtypes: equal floats or integers. Raises: ValueError for others.
    Grad: none (random). Source: StableHLO `rng`.
    """
    low, high = as_value(a, "rng_uniform"), as_value(b, "rng_uniform")
    return rng_uniform_p.bind(low, high, shape=canonical_shape("rng_uniform", shape))


def _uniform_infer(a: ShapedArray, b: ShapedArray, *, shape: Any) -> ShapedArray:
    if a.dtype != b.dtype:
        raise ValueError(
            f"rng_uniform: the bounds must have one dtype; got {a.dtype} and {b.dtype}. Convert one with astype."
        )
    if a.shape or b.shape:
        raise ValueError(
            f"rng_uniform: the bounds must be scalars; got shapes {a.shape} and {b.shape}."
        )
    if not dtypes.is_float(a.dtype) and not dtypes.is_integer(a.dtype):
        raise ValueError(f"rng_uniform: accepts floats and integers; got {a.str_short()}.")
    return ShapedArray(shape, a.dtype)


def _uniform_lower(ctx: Any, a: Any, b: Any, *, shape: Any) -> Any:
    sizes = ctx.constant(np.array(shape, np.int64), np.dtype(np.int64), (len(shape),))
    kind = "rng_distribution = #stablehlo<rng_distribution UNIFORM>"
    return ctx.op("rng", [a, b, sizes], shape, a.dtype, kind)


def _uniform_batch(axis: Any, args: Any, dims: Any, *, shape: Any) -> Any:
    parts = [
        rng_uniform_p.bind(
            *[
                x if d is None else index_in_dim(x, i, d, keepdims=False)
                for x, d in zip(args, dims, strict=True)
            ],
            shape=shape,
        )
        for i in range(axis.size)
    ]
    return stack(parts, 0), 0


rng_uniform_p = Primitive(
    name="rng_uniform",
    infer=_uniform_infer,
    host=on_device,
    lower=_uniform_lower,
    jvp=not_differentiable("the numbers are random at each run."),
    transpose=not_linear,
    batch=_uniform_batch,
)

__all__ = [
    "RandomAlgorithm",
    "rng_bit_generator",
    "rng_bit_generator_p",
    "rng_uniform",
    "rng_uniform_p",
]
