"""Convolutions in simpler or rarer forms, written with conv_general_dilated."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core.trace import as_value
from numax._engine.ops.basis import broadcast_in_dim, convert, reshape, transpose
from numax._engine.ops.conv import (
    conv_dimension_numbers,
    conv_general_dilated,
    conv_general_permutations,
    padtype_to_pads,
)
from numax._engine.ops.dot import dot_general
from numax._engine.ops.shape import rev

_TRANSPOSED = {
    2: ("NC", "IO", "NC"),
    3: ("NHC", "HIO", "NHC"),
    4: ("NHWC", "HWIO", "NHWC"),
    5: ("NHWDC", "HWDIO", "NHWDC"),
}


def conv(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: str,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """A convolution with batch and features first.

    Shapes: lhs (N, C, *spatial), rhs (O, C, *window) -> (N, O, *places). Grad: bilinear. See `conv_general_dilated`.
    """
    return conv_general_dilated(
        lhs,
        rhs,
        window_strides,
        padding,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def conv_with_general_padding(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Any,
    lhs_dilation: Sequence[int] | None,
    rhs_dilation: Sequence[int] | None,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """A convolution with batch and features first, with any padding and dilation.

    Shapes: as `conv`. Grad: bilinear. See `conv_general_dilated`.
    """
    return conv_general_dilated(
        lhs,
        rhs,
        window_strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


# ---- the transposed convolution ----


def conv_transpose(
    lhs: Any,
    rhs: Any,
    strides: Sequence[int],
    padding: Any,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    transpose_kernel: bool = False,
    precision: Any = None,
    preferred_element_type: Any = None,
    use_consistent_padding: bool = False,
) -> Any:
    """A fractionally strided ("transposed") convolution: the input is dilated by `strides`.

    Shapes: by default lhs (N, *spatial, C), rhs (*window, C, O).
    Args: padding that of the forward convolution as "SAME" or "VALID", or pairs, taken as they are unless
        use_consistent_padding; transpose_kernel reverses the kernel and exchanges its features, which makes this
        the derivative of `conv_general_dilated` with that kernel.
    Grad: bilinear. Source: Zeiler et al. 2010, "Deconvolutional Networks"; Dumoulin & Visin 2016.
    """
    lhs, rhs = as_value(lhs, "conv_transpose"), as_value(rhs, "conv_transpose")
    ndim = lhs.aval.ndim
    if dimension_numbers is None:
        if ndim not in _TRANSPOSED:
            raise ValueError(
                f"conv_transpose: no default dimension_numbers for rank {ndim}; got {lhs.aval.str_short()}. "
                "Give dimension_numbers."
            )
        dimension_numbers = _TRANSPOSED[ndim]
    numbers = conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    spatial = numbers.rhs_spec[2:]
    dilation = (1,) * len(spatial) if rhs_dilation is None else tuple(rhs_dilation)
    extents = [(rhs.shape[d] - 1) * r + 1 for d, r in zip(spatial, dilation, strict=True)]
    if isinstance(padding, str) and padding in ("SAME", "VALID"):
        pads = [_transposed_pads(k, s, padding) for k, s in zip(extents, strides, strict=True)]
    elif isinstance(padding, str):
        raise ValueError(
            f"conv_transpose: padding must be 'SAME', 'VALID' or pairs; got {padding!r}."
        )
    elif use_consistent_padding:
        pads = [
            (k - 1 - low, k - 1 - high) for k, (low, high) in zip(extents, padding, strict=True)
        ]
    else:
        pads = padding
    if transpose_kernel:
        rhs = rev(rhs, spatial)
        order = list(range(ndim))
        a, b = numbers.rhs_spec[:2]
        order[a], order[b] = b, a
        rhs = transpose(rhs, order)
    return conv_general_dilated(
        lhs,
        rhs,
        (1,) * len(spatial),
        pads,
        strides,
        dilation,
        numbers,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def _transposed_pads(extent: int, stride: int, padding: str) -> tuple[int, int]:
    if padding == "SAME":
        total = extent + stride - 2
        low = extent - 1 if stride > extent - 1 else -(-total // 2)
    else:
        total = extent + stride - 2 + max(extent - stride, 0)
        low = extent - 1
    return low, total - low


# ---- patches, and kernels that differ from place to place ----


def conv_general_dilated_patches(
    lhs: Any,
    filter_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: Any,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """The patches that a convolution's window covers, as features.

    Shapes: lhs (N, C, *spatial) -> (N, C * prod(filter_shape), *places): features outermost, then the window.
    Grad: linear. See `conv_general_dilated`.
    """
    lhs = as_value(lhs, "conv_general_dilated_patches")
    window = tuple(filter_shape)
    numbers = conv_dimension_numbers(lhs.shape, (1, 1, *window), dimension_numbers)
    features = lhs.shape[numbers.lhs_spec[1]]
    size = math.prod(window)
    dtype = lhs.dtype
    unit = convert(as_value(np.eye(size, dtype=np.int8)), dtype)
    kernel = broadcast_in_dim(unit, (features, size, size), (1, 2))
    kernel = reshape(kernel, (features * size, 1, *window))
    kernel = transpose(kernel, np.argsort(numbers.rhs_spec).tolist())
    return conv_general_dilated(
        lhs,
        kernel,
        window_strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        numbers,
        feature_group_count=features,
        precision=None if precision is None else (precision, "default"),
        preferred_element_type=preferred_element_type,
    )


def conv_general_dilated_local(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Any,
    filter_shape: Sequence[int],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    precision: Any = None,
) -> Any:
    """A convolution with a kernel of its own for each place ("locally connected").

    Shapes: lhs (N, C, *spatial), rhs (O, C * prod(filter_shape), *places) -> (N, O, *places). Grad: bilinear.
    """
    lhs, rhs = (
        as_value(lhs, "conv_general_dilated_local"),
        as_value(rhs, "conv_general_dilated_local"),
    )
    numbers = conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    left = precision[0] if isinstance(precision, tuple | list) else precision
    patches = conv_general_dilated_patches(
        lhs, filter_shape, window_strides, padding, lhs_dilation, rhs_dilation, numbers, left
    )
    _, rhs_spec, out_spec = numbers
    axes = (((out_spec[1],), (rhs_spec[1],)), (out_spec[2:], rhs_spec[2:]))
    out = dot_general(patches, rhs, axes, precision)  # (*places, N, O)
    count = len(out_spec) - 2
    source = [count, count + 1, *range(count)]
    order = [0] * len(out_spec)
    for d, i in zip(out_spec, source, strict=True):
        order[d] = i
    return transpose(out, order)


# ---- shapes of results ----


def conv_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    strides: Sequence[int],
    pads: Any,
    batch_group_count: int = 1,
) -> tuple[int, ...]:
    """The shape of a convolution's result, batch and features first.

    Raises: TypeError if the padding does not fit.
    """
    window = rhs_shape[2:]
    if isinstance(pads, str):
        pads = padtype_to_pads(lhs_shape[2:], window, strides, pads)
    if len(pads) != len(lhs_shape) - 2:
        raise TypeError(
            f"conv_shape_tuple: pads must have a pair for each of {len(lhs_shape) - 2} spatial axes; got {pads}."
        )
    places = [
        max((n + low + high - k) // s + 1, 0)
        for n, k, s, (low, high) in zip(lhs_shape[2:], window, strides, pads, strict=True)
    ]
    return (lhs_shape[0] // batch_group_count, rhs_shape[0], *places)


def conv_general_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: Any,
    dimension_numbers: Sequence[str],
) -> tuple[int, ...]:
    """The shape of a convolution's result, axes as `dimension_numbers` say.

    Raises: TypeError if the shapes do not fit each other. Source: StableHLO `convolution`.
    """
    lhs_spec, rhs_spec, out_spec = conv_general_permutations(dimension_numbers)
    left = [lhs_shape[i] for i in lhs_spec]
    right = [rhs_shape[i] for i in rhs_spec]
    return _placed(conv_shape_tuple(left, right, window_strides, padding), out_spec)


def conv_transpose_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: Any,
    dimension_numbers: Sequence[str],
) -> tuple[int, ...]:
    """The shape of conv_transpose's result, axes as `dimension_numbers` say.

    Raises: TypeError if the shapes do not fit each other. Source: StableHLO `convolution`.
    """
    lhs_spec, rhs_spec, out_spec = conv_general_permutations(dimension_numbers)
    left = [lhs_shape[i] for i in lhs_spec]
    right = [rhs_shape[i] for i in rhs_spec]
    if isinstance(padding, str):
        padding = [
            _transposed_pads(k, s, padding) for k, s in zip(right[2:], window_strides, strict=True)
        ]
    places = [
        (n - 1) * s + 1 + low + high - k + 1
        for n, k, s, (low, high) in zip(left[2:], right[2:], window_strides, padding, strict=True)
    ]
    return _placed((left[0], right[0], *places), out_spec)


def _placed(sizes: Sequence[int], spec: Sequence[int]) -> tuple[int, ...]:
    shape = [0] * len(sizes)
    for d, n in zip(spec, sizes, strict=True):
        shape[d] = n
    return tuple(shape)


__all__ = [
    "conv",
    "conv_general_dilated_local",
    "conv_general_dilated_patches",
    "conv_general_shape_tuple",
    "conv_shape_tuple",
    "conv_transpose",
    "conv_transpose_shape_tuple",
    "conv_with_general_padding",
]
