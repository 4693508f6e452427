"""Products of matrices in 8-bit and 4-bit floats with a scale for each block (OCP Microscaling Formats, 2023)."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax import core, lax
from numax.api.grad import vjp
from numax.core import Array, dtypes
from numax.custom_derivatives import custom_vjp
from numax.numpy.promotion import number


@dataclasses.dataclass(frozen=True)
class BlockScaleConfig:
    """How a matrix is stored: the dtype of elements and scales, and how many elements share a scale."""

    mode: str
    block_size: int
    data_type: Any
    scale_type: Any
    global_scale: Any = None
    infer_only: bool = False


def get_scaled_dot_general_config(mode: str, global_scale: Any = None) -> BlockScaleConfig:
    """The configuration named "mxfp8" or "nvfp4".

    Raises: ValueError for another mode.
    """
    if mode == "mxfp8":
        return BlockScaleConfig(mode, 32, dtypes.FLOAT8[4].type, dtypes.FLOAT8[2].type)
    if mode == "nvfp4":
        if global_scale is None:
            global_scale = core.full((1,), 1, dtypes.float32)
        return BlockScaleConfig(
            mode, 16, dtypes.float4_e2m1fn.type, dtypes.FLOAT8[4].type, global_scale
        )
    raise ValueError(
        f"get_scaled_dot_general_config: Unsupported mode: {mode}. Use 'mxfp8' or 'nvfp4'."
    )


def _dequantized(x: Any, scales: Any, dtype: Any) -> Any:
    """Elements times the scales of their blocks along the last axis."""
    lead = x.aval.shape[:-1]
    blocks = scales.aval.shape[-1]
    size = x.aval.shape[-1] // blocks
    wide = lax.reshape(core.convert(x, dtype), (*lead, blocks, size))
    every = tuple(range(len(lead) + 1))
    factors = lax.broadcast_in_dim(core.convert(scales, dtype), wide.aval.shape, every)
    return lax.reshape(lax.mul(wide, factors), x.aval.shape)


def scaled_matmul(
    lhs: Any, rhs: Any, lhs_scales: Any, rhs_scales: Any, preferred_element_type: Any = np.float32
) -> Array:
    """The product of block-scaled matrices: lhs (B, M, K) with rhs (B, N, K), both contracted over K.

    Shapes: scales (B, M, K / block) and (B, N, K / block) -> (B, M, N).
    Raises: TypeError or ValueError if ranks or sizes do not fit. Grad: none of the stored elements.
    """
    op = "scaled_matmul"
    a, b, sa, sb = [core.as_value(x, op) for x in (lhs, rhs, lhs_scales, rhs_scales)]
    for name, x in (("lhs", a), ("rhs", b), ("lhs_scales", sa), ("rhs_scales", sb)):
        if x.aval.ndim != 3:
            raise ValueError(f"{op}: {name} must have three axes; got {x.aval.str_short()}.")
    if a.aval.shape[0] != b.aval.shape[0] or a.aval.shape[2] != b.aval.shape[2]:
        raise ValueError(
            f"{op}: lhs and rhs must have equal batch and contracted sizes; got {a.aval.shape} and {b.aval.shape}."
        )
    for x, s in ((a, sa), (b, sb)):
        if s.aval.shape[:2] != x.aval.shape[:2] or x.aval.shape[2] % max(s.aval.shape[2], 1):
            raise ValueError(
                f"{op}: scales must have a number for each block of a row; got {s.aval.shape} for {x.aval.shape}."
            )
    out = dtypes.canonicalize_dtype(preferred_element_type)
    x, y = _dequantized(a, sa, dtypes.float32), _dequantized(b, sb, dtypes.float32)
    return core.convert(lax.dot_general(x, y, (((2,), (2,)), ((0,), (0,)))), out)


def quantize(x: Any, config: BlockScaleConfig) -> tuple[Any, Any]:
    """Blocks of the last axis divided by a scale that fits their largest element into the data type."""
    size = config.block_size
    lead, n = x.aval.shape[:-1], x.aval.shape[-1]
    if n % size:
        raise ValueError(
            f"scaled_dot_general: the contracted size must be a multiple of the block size {size}; got {n}."
        )
    data, scale = np.dtype(config.data_type), np.dtype(config.scale_type)
    wide = lax.reshape(core.convert(x, dtypes.float32), (*lead, n // size, size))
    largest = lax.reduce_max(lax.abs(wide), (len(lead) + 1,))
    top = float(dtypes.finfo(data).max)
    if config.global_scale is not None:
        whole = lax.reshape(core.convert(core.as_value(config.global_scale), dtypes.float32), ())
        largest = lax.div(largest, whole)
    positive = lax.gt(largest, number(largest, 0))
    largest = lax.select_n(positive, core.full(largest.aval.shape, top, largest.dtype), largest)
    if (
        scale == dtypes.FLOAT8[2]
    ):  # powers of 2: the exponent of the largest less that of the type's largest
        exponent = lax.sub(
            lax.floor(lax.log2(largest)), number(largest, math.floor(math.log2(top)))
        )
        factors = lax.exp2(exponent)
    else:
        factors = lax.div(largest, number(largest, top))
    scales = core.convert(factors, scale)
    used = core.convert(scales, dtypes.float32)
    if config.global_scale is not None:
        used = lax.mul(used, whole)
    every = tuple(range(len(lead) + 1))
    ratio = lax.div(wide, lax.broadcast_in_dim(used, wide.aval.shape, every))
    ratio = lax.clamp(number(ratio, -top), ratio, number(ratio, top))
    return lax.reshape(core.convert(ratio, data), x.aval.shape), scales


def _rows(
    x: Any, summed: Sequence[int], batch: Sequence[int]
) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """x as (B, M, K), and the sizes that B and M stand for."""
    free = [d for d in range(x.aval.ndim) if d not in summed and d not in batch]
    x = lax.transpose(x, [*batch, *free, *summed])
    shape = x.aval.shape
    b, m = len(batch), len(batch) + len(free)
    sizes = [math.prod(shape[:b]), math.prod(shape[b:m]), math.prod(shape[m:])]
    return lax.reshape(x, tuple(sizes)), shape[:b], shape[b:m]


def scaled_dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: Any,
    preferred_element_type: Any = np.float32,
    configs: Sequence[BlockScaleConfig] | None = None,
    implementation: str | None = None,
) -> Array:
    """dot_general of operands rounded to block-scaled floats; without configs, of the operands as they are.

    Args: configs for lhs, rhs (and the gradient); see get_scaled_dot_general_config.
    Raises: ValueError if the contracted size is no multiple of the block. Grad: that of dot_general (straight-through).
    """
    op = "scaled_dot_general"
    a, b = core.as_value(lhs, op), core.as_value(rhs, op)
    out = dtypes.canonicalize_dtype(preferred_element_type)
    if configs is None:
        return lax.dot_general(a, b, dimension_numbers, preferred_element_type=out)
    (a_sum, b_sum), (a_batch, b_batch) = dimension_numbers

    def exact(a: Any, b: Any) -> Any:
        return lax.dot_general(a, b, dimension_numbers, preferred_element_type=out)

    def rounded(a: Any, b: Any) -> Any:
        x, lead, rows = _rows(a, a_sum, a_batch)
        y, _, columns = _rows(b, b_sum, b_batch)
        x, x_scales = quantize(x, configs[0])
        y, y_scales = quantize(y, configs[1])
        product = scaled_matmul(x, y, x_scales, y_scales, out)
        for config in configs[:2]:
            if config.global_scale is not None:
                whole = lax.reshape(core.convert(core.as_value(config.global_scale), out), ())
                product = lax.mul(product, whole)
        return lax.reshape(product, (*lead, *rows, *columns))

    def backward(saved: Any, ct: Any) -> Any:
        return vjp(exact, *saved)[1](ct)

    function = custom_vjp(rounded)
    function.defvjp(lambda a, b: (rounded(a, b), (a, b)), backward)
    return function(a, b)


__all__ = [
    "BlockScaleConfig",
    "get_scaled_dot_general_config",
    "scaled_dot_general",
    "scaled_matmul",
]
