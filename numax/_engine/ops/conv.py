"""Convolutions: conv_general_dilated with all its rules. `convolutions` holds what is written with it.

In the rules, N, C and O are the sizes of batch, input and output features; groups are the outer part of an axis.
"""

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, is_linear
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import add_tangents, convert, moveaxis, reshape
from numax._engine.ops.precision import canonical_pair, pair_text
from numax._engine.ops.shape import rev
from numax._engine.stablehlo import hlo


class ConvDimensionNumbers(NamedTuple):
    """Where the axes of a convolution are.

    lhs_spec (batch, feature, *spatial), rhs_spec (output feature, input feature, *spatial), out_spec as lhs_spec.
    """

    lhs_spec: tuple[int, ...]
    rhs_spec: tuple[int, ...]
    out_spec: tuple[int, ...]


ConvGeneralDilatedDimensionNumbers = tuple[str, str, str] | ConvDimensionNumbers | None


# ---- public functions ----


def conv_general_dilated(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Any,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:
    """A convolution (as in neural networks: the kernel is not reversed) over any number of spatial axes.

    Shapes: lhs (N, C, *spatial), rhs (O, C // groups, *window), or as dimension_numbers say, such as
        ("NHWC", "HWIO", "NHWC").
    Dtypes: equal dtypes; the result has that dtype, or `preferred_element_type`.
    Args: padding "SAME", "VALID", "SAME_LOWER", or (low, high) for each spatial axis, negative ones cut;
        lhs_dilation, rhs_dilation put zeros between the elements of the input, of the window.
    Raises: TypeError or ValueError if shapes, groups or padding do not fit. Grad: bilinear.
    Source: StableHLO `convolution`.
    """
    lhs = as_value(lhs, "conv_general_dilated")
    rhs = as_value(rhs, "conv_general_dilated")
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        numbers = dimension_numbers
    else:
        numbers = conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    count = lhs.aval.ndim - 2
    strides = _factors("window_strides", window_strides, count)
    lhs_dilation = _factors("lhs_dilation", lhs_dilation, count)
    rhs_dilation = _factors("rhs_dilation", rhs_dilation, count)
    if isinstance(padding, str):
        if any(d != 1 for d in lhs_dilation):
            raise ValueError(
                f"conv_general_dilated: padding {padding!r} is not defined with lhs_dilation; got {lhs_dilation}. "
                "Give (low, high) pairs, or use conv_transpose."
            )
        window = [rhs.shape[i] for i in numbers.rhs_spec[2:]]
        effective = [_dilated(k, d) for k, d in zip(window, rhs_dilation, strict=True)]
        padding = padtype_to_pads(
            [lhs.shape[i] for i in numbers.lhs_spec[2:]], effective, strides, padding
        )
    return conv_general_dilated_p.bind(
        lhs,
        rhs,
        window_strides=strides,
        padding=_pairs(padding),
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=numbers,
        feature_group_count=operator.index(feature_group_count),
        batch_group_count=operator.index(batch_group_count),
        precision=canonical_pair("conv_general_dilated", precision),
        preferred_element_type=(
            None
            if preferred_element_type is None
            else dtypes.canonicalize_dtype(preferred_element_type)
        ),
    )


def _factors(name: str, values: Sequence[int] | None, count: int) -> tuple[int, ...]:
    found = (1,) * count if values is None else tuple([operator.index(v) for v in values])
    if len(found) != count:
        raise ValueError(
            f"conv_general_dilated: {name} must have a number for each of {count} spatial axes; got {found}."
        )
    if any(v < 1 for v in found):
        raise ValueError(f"conv_general_dilated: {name} must be positive; got {found}.")
    return found


def _pairs(padding: Any) -> tuple[tuple[int, int], ...]:
    try:
        return tuple([(operator.index(low), operator.index(high)) for low, high in padding])
    except (TypeError, ValueError):
        raise ValueError(
            f"conv_general_dilated: padding must be a string or (low, high) pairs of integers; got {padding!r}."
        ) from None


def padtype_to_pads(
    in_shape: Sequence[int],
    window_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str,
) -> list[tuple[int, int]]:
    """The (low, high) pairs that "SAME", "VALID" or "SAME_LOWER" mean.

    Raises: RuntimeError if the name is another.
    """
    kind = padding.upper()
    if kind == "VALID":
        return [(0, 0)] * len(in_shape)
    if kind not in ("SAME", "SAME_LOWER"):
        raise RuntimeError(
            f"padtype_to_pads: padding must be 'VALID', 'SAME' or 'SAME_LOWER'; got {padding!r}."
        )
    pads = []
    for n, k, s in zip(in_shape, window_shape, window_strides, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        small = total // 2
        pads.append((small, total - small) if kind == "SAME" else (total - small, small))
    return pads


def conv_dimension_numbers(
    lhs_shape: Sequence[int], rhs_shape: Sequence[int], dimension_numbers: Any
) -> ConvDimensionNumbers:
    """Where the axes are, of strings such as ("NHWC", "HWIO", "NHWC"); None: batch and features first.

    Raises: TypeError if the strings do not name the axes of such shapes.
    """
    ndim = len(lhs_shape)
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    if ndim != len(rhs_shape):
        raise TypeError(
            f"convolution: lhs and rhs must have equal ranks; got {tuple(lhs_shape)} and {tuple(rhs_shape)}."
        )
    if dimension_numbers is None:
        order = tuple(range(ndim))
        return ConvDimensionNumbers(order, order, order)
    if not isinstance(dimension_numbers, tuple | list):
        raise TypeError(
            f"convolution: dimension_numbers must be a tuple of three strings or None; got {dimension_numbers!r}."
        )
    specs = tuple(dimension_numbers)
    if len(specs) != 3 or not all(isinstance(s, str) for s in specs):
        raise TypeError(f"convolution: dimension_numbers must be three strings; got {specs}.")
    for i, spec in enumerate(specs):
        if len(spec) != ndim:
            raise TypeError(
                f"convolution: dimension_numbers[{i}] must name {ndim} axes; got {spec!r} for shapes "
                f"{tuple(lhs_shape)} and {tuple(rhs_shape)}."
            )
    return ConvDimensionNumbers(*conv_general_permutations(specs))


def conv_general_permutations(dimension_numbers: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """For each of three strings, the places of batch, feature and spatial axes, spatial ones in rhs's order.

    Raises: TypeError if a letter is missing or repeated.
    """
    letters = ("N", "C"), ("O", "I"), ("N", "C")
    for i, (first, second) in enumerate(letters):
        spec = dimension_numbers[i]
        if spec.count(first) != 1 or spec.count(second) != 1:
            raise TypeError(
                f"convolution: dimension_numbers[{i}] must have {first!r} and {second!r} once each; got {spec!r}."
            )
        if len(set(spec)) != len(spec):
            raise TypeError(f"convolution: dimension_numbers[{i}] repeats a letter; got {spec!r}.")
    spatial = [c for c in dimension_numbers[1] if c not in "OI"]
    for i, (first, second) in enumerate(letters):
        found = [c for c in dimension_numbers[i] if c not in (first, second)]
        if set(found) != set(spatial):
            raise TypeError(
                f"convolution: all of dimension_numbers must have the same spatial letters; got {dimension_numbers}."
            )
    return tuple(
        [
            (spec.index(first), spec.index(second), *[spec.index(c) for c in spatial])
            for spec, (first, second) in zip(dimension_numbers, letters, strict=True)
        ]
    )


# ---- shapes ----


def _dilated(n: int, factor: int) -> int:
    return (n - 1) * factor + 1 if n else 0


def _spatial(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Any,
    padding: Any,
    lhs_dilation: Any,
    rhs_dilation: Any,
) -> list[int]:
    """The number of places of the window along each spatial axis."""
    out = []
    for i, n in enumerate(sizes):
        whole = _dilated(n, lhs_dilation[i]) + padding[i][0] + padding[i][1]
        extent = _dilated(window[i], rhs_dilation[i])
        out.append(max((whole - extent) // strides[i] + 1, 0) if whole >= extent else 0)
    return out


def _conv_infer(
    lhs: ShapedArray,
    rhs: ShapedArray,
    *,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any,
    rhs_dilation: Any,
    dimension_numbers: Any,
    feature_group_count: int,
    batch_group_count: int,
    precision: Any,
    preferred_element_type: Any,
) -> ShapedArray:
    op = "conv_general_dilated"
    if lhs.dtype != rhs.dtype:
        raise TypeError(
            f"{op}: operands must have equal dtypes; got {lhs.str_short()} and {rhs.str_short()}. "
            "Convert one with x.astype(dtype)."
        )
    if lhs.ndim != rhs.ndim or lhs.ndim < 2:
        raise TypeError(
            f"{op}: lhs and rhs must have equal ranks of at least 2; got {lhs.str_short()} and {rhs.str_short()}."
        )
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    batch, features = lhs.shape[lhs_spec[0]], lhs.shape[lhs_spec[1]]
    outputs, inputs = rhs.shape[rhs_spec[0]], rhs.shape[rhs_spec[1]]
    _check_groups(op, feature_group_count, batch_group_count, batch, features, outputs, inputs)
    sizes = [lhs.shape[i] for i in lhs_spec[2:]]
    window = [rhs.shape[i] for i in rhs_spec[2:]]
    if len(padding) != len(sizes):
        raise TypeError(
            f"{op}: padding must have a pair for each of {len(sizes)} spatial axes; got {padding}."
        )
    for n, d, (low, high) in zip(sizes, lhs_dilation, padding, strict=True):
        if _dilated(n, d) + low + high < 0:
            raise ValueError(
                f"{op}: negative padding cuts more than there is; got padding {padding} for sizes {tuple(sizes)}."
            )
    places = _spatial(sizes, window, window_strides, padding, lhs_dilation, rhs_dilation)
    shape = [0] * lhs.ndim
    for d, n in zip(out_spec, (batch // batch_group_count, outputs, *places), strict=True):
        shape[d] = n
    if preferred_element_type is None:
        return ShapedArray(tuple(shape), lhs.dtype, lhs.weak_type and rhs.weak_type)
    return ShapedArray(tuple(shape), preferred_element_type)


def _check_groups(
    op: str,
    feature_groups: int,
    batch_groups: int,
    batch: int,
    features: int,
    outputs: int,
    inputs: int,
) -> None:
    for name, count in (
        ("feature_group_count", feature_groups),
        ("batch_group_count", batch_groups),
    ):
        if count < 1:
            raise ValueError(f"{op}: {name} must be positive; got {count}.")
        if outputs % count:
            raise ValueError(
                f"{op}: rhs must have a multiple of {name} output features; got {outputs} for {count} groups."
            )
    if feature_groups > 1 and batch_groups > 1:
        raise ValueError(
            f"{op}: only one of feature_group_count and batch_group_count may exceed 1; got {feature_groups} and "
            f"{batch_groups}."
        )
    if batch % batch_groups:
        raise ValueError(
            f"{op}: batch_group_count must divide lhs's batch; got {batch_groups} for {batch}."
        )
    if features % feature_groups or features // feature_groups != inputs:
        raise ValueError(
            f"{op}: lhs's features divided by feature_group_count must be rhs's input features; got "
            f"{features} / {feature_groups} and {inputs}."
        )


# ---- host ----

_BLAS = frozenset([dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128])
_FEW = 64  # places of a window for which a loop over them is better than copying all patches


def _conv_host(
    x: np.ndarray, w: np.ndarray, *, preferred_element_type: Any, precision: Any, **params: Any
) -> np.ndarray:
    out = x.dtype if preferred_element_type is None else preferred_element_type
    wide = _wide(x.dtype, out)
    exact = wide == dtypes.float64 and not dtypes.is_inexact(out)
    if exact and x.size and w.size:
        spec = params["dimension_numbers"].rhs_spec
        terms = w.size // max(w.shape[spec[0]], 1)
        if not terms * _largest(x) * _largest(w) < 2**53:
            wide = out  # sums may exceed what float64 holds exactly: NumPy's integer loops, modulo 2**bits
    found = _convolve(x.astype(wide, copy=False), w.astype(wide, copy=False), **params)
    if out == dtypes.bool_:
        return found != 0
    if dtypes.is_complex(found.dtype) and not dtypes.is_complex(out):
        found = np.real(found)
    if exact and wide == dtypes.float64:
        found = found.astype(np.int64)
    return found.astype(out, copy=False)


@functools.cache
def _wide(dtype: Any, out: Any) -> Any:
    """The dtype to compute in."""
    if dtype in _BLAS:
        return np.promote_types(dtype, out) if out in _BLAS else dtype
    if dtypes.is_float(dtype):
        return np.promote_types(np.float32, out) if out in _BLAS else dtypes.float32
    return dtypes.float64


def _largest(x: np.ndarray) -> int:
    return 1 if x.dtype == np.bool_ else max(abs(int(x.max())), abs(int(x.min())))


def _convolve(
    x: np.ndarray,
    w: np.ndarray,
    *,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any,
    rhs_dilation: Any,
    dimension_numbers: Any,
    feature_group_count: int,
    batch_group_count: int,
) -> np.ndarray:
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    groups = feature_group_count
    x = x.transpose(lhs_spec)
    w = w.transpose(rhs_spec)
    if batch_group_count > 1:  # groups of the batch are groups of features, side by side
        groups = batch_group_count
        n, c, *sizes = x.shape
        x = x.reshape((groups, n // groups, c, *sizes)).swapaxes(0, 1)
        x = x.reshape((n // groups, groups * c, *sizes))
    places = _spatial(x.shape[2:], w.shape[2:], window_strides, padding, lhs_dilation, rhs_dilation)
    outputs = w.shape[0]
    if 0 in places or not x.size or not w.size:
        out = np.zeros((x.shape[0], outputs, *places), x.dtype)
    else:
        x = _padded(x, padding, lhs_dilation)
        if groups == 1 and math.prod(places) <= _FEW and math.prod(places) < math.prod(w.shape[2:]):
            out = _by_places(x, w, places, window_strides, rhs_dilation)
        else:
            out = _by_patches(x, w, places, window_strides, rhs_dilation, groups)
    order = [0] * out.ndim
    for i, d in enumerate(out_spec):
        order[d] = i
    return out.transpose(order)


def _padded(x: np.ndarray, padding: Any, dilation: Any) -> np.ndarray:
    """The input with zeros between its elements and around them, or cut; laid out in memory as it was."""
    if all(d == 1 for d in dilation) and all(p == (0, 0) for p in padding):
        return x
    shape, source, target = list(x.shape), [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for i, ((low, high), step) in enumerate(zip(padding, dilation, strict=True), 2):
        n = x.shape[i]
        whole = _dilated(n, step) + low + high
        first = max(0, -(low // step))
        last = min(n - 1, (whole - 1 - low) // step)
        shape[i] = whole
        if last < first:
            return np.zeros(
                (*shape[: i + 1], *_rest(x.shape[i + 1 :], padding[i - 1 :], dilation[i - 1 :])),
                x.dtype,
            )
        source[i] = slice(first, last + 1)
        target[i] = slice(low + first * step, low + last * step + 1, step)
    order = sorted(range(x.ndim), key=lambda i: -x.strides[i])
    back = np.argsort(order)
    out = np.zeros([shape[i] for i in order], x.dtype).transpose(back)
    out[tuple(target)] = x[tuple(source)]
    return out


def _rest(sizes: Any, padding: Any, dilation: Any) -> list[int]:
    return [
        _dilated(n, d) + low + high
        for n, d, (low, high) in zip(sizes, dilation, padding, strict=True)
    ]


def _windows(x: np.ndarray, window: Any, places: Any, strides: Any, dilation: Any) -> np.ndarray:
    """A view (N, C, *window, *places) of an input (N, C, *spatial)."""
    step = x.strides[2:]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:2], *window, *places),
        (
            *x.strides[:2],
            *[s * d for s, d in zip(step, dilation, strict=True)],
            *[s * d for s, d in zip(step, strides, strict=True)],
        ),
        writeable=False,
    )


def _by_patches(
    x: np.ndarray, w: np.ndarray, places: Any, strides: Any, dilation: Any, groups: int
) -> np.ndarray:
    """One matrix product of all patches, copied side by side (im2col)."""
    n, c = x.shape[:2]
    outputs, inputs, *window = w.shape
    k = len(window)
    view = _windows(x, window, places, strides, dilation)
    if (
        x.strides[1] == x.itemsize and groups == 1 and c > 1
    ):  # features last in memory: patches as rows
        order = (0, *range(2 + k, 2 + 2 * k), *range(2, 2 + k), 1)
        rows = view.transpose(order).reshape(n * math.prod(places), math.prod(window) * c)
        kernel = w.transpose((*range(2, 2 + k), 1, 0)).reshape(-1, outputs)
        found = (rows @ kernel).reshape((n, *places, outputs))
        return found.transpose((0, k + 1, *range(1, k + 1)))
    columns = view.reshape((n, groups, inputs * math.prod(window), math.prod(places)))
    kernel = w.reshape((groups, outputs // groups, inputs * math.prod(window)))
    return np.matmul(kernel, columns).reshape((n, outputs, *places))


def _by_places(
    x: np.ndarray, w: np.ndarray, places: Any, strides: Any, dilation: Any
) -> np.ndarray:
    """A product for each place: for large windows at few places, as in derivatives by the kernel."""
    n, outputs = x.shape[0], w.shape[0]
    window = w.shape[2:]
    summed = sorted(range(1, x.ndim), key=lambda i: -x.strides[i])  # as they lie in memory
    kernel = w.transpose((*summed, 0)).reshape(-1, outputs)
    out = np.empty((math.prod(places), n, outputs), x.dtype)
    batch_last = x.strides[0] < x.strides[summed[-1]]
    order = (*summed, 0) if batch_last else (0, *summed)
    for i, place in enumerate(np.ndindex(*places)):
        at: list[Any] = [slice(None), slice(None)]
        for p, s, d, size in zip(place, strides, dilation, window, strict=True):
            at.append(slice(p * s, p * s + (size - 1) * d + 1, d))
        patch = x[tuple(at)].transpose(order)
        patch = patch.reshape(-1, n).T if batch_last else patch.reshape(n, -1)
        np.matmul(patch, kernel, out=out[i])
    return out.reshape((*places, n, outputs)).transpose(
        (len(places), len(places) + 1, *range(len(places)))
    )


# ---- lower ----


def _canonical(ctx: Any, x: Any, w: Any, numbers: Any) -> Any:
    """Operands with features last, their dimension numbers, and how to transpose the result (None: not).

    The CPU's quick convolutions want them so. The compiler turns the others itself, but not in the bodies of loops.
    """
    count = len(numbers[0]) - 2
    spatial = tuple(range(1, count + 1))
    data = (0, count + 1, *spatial)
    weights = (count + 1, count, *range(count))
    wanted = (data, weights, data)
    if ctx.platform != "cpu" or tuple(tuple(spec) for spec in numbers) == wanted:
        return x, w, numbers, None
    x_spec, w_spec, out_spec = numbers
    x = hlo.transpose(ctx, x, (x_spec[0], *x_spec[2:], x_spec[1]))
    w = hlo.transpose(ctx, w, (*w_spec[2:], w_spec[1], w_spec[0]))
    places = [0] * (count + 2)
    for place, source in zip(out_spec, data, strict=True):
        places[place] = source
    return x, w, wanted, places


def _conv_lower(
    ctx: Any,
    x: Any,
    w: Any,
    *,
    dimension_numbers: Any,
    precision: Any,
    preferred_element_type: Any,
    **params: Any,
) -> Any:
    out = x.dtype if preferred_element_type is None else preferred_element_type
    dtype = _compiled(x.dtype, out)
    x, w = hlo.convert(ctx, x, dtype), hlo.convert(ctx, w, dtype)
    x, w, numbers, places = _canonical(ctx, x, w, dimension_numbers)
    found = hlo.convolution(ctx, x, w, numbers, precision=pair_text(precision), **params)
    if places is not None:
        found = hlo.transpose(ctx, found, places)
    if out == dtypes.bool_:
        return hlo.compare(ctx, found, hlo.full(ctx, 0, found.shape, found.dtype), "NE")
    if dtypes.is_complex(dtype) and not dtypes.is_complex(out):
        found = hlo.real(ctx, found)
    return hlo.convert(ctx, found, out)


def _compiled(dtype: Any, out: Any) -> Any:
    """The dtype that XLA convolves in."""
    if dtype == out and dtype != dtypes.bool_:
        return dtype
    if dtypes.is_inexact(dtype):
        if out in _BLAS:
            return np.promote_types(dtypes.float32 if dtype not in _BLAS else dtype, out)
        return dtype if dtype in _BLAS else dtypes.float32
    if dtypes.is_inexact(out):
        return dtypes.float32 if out not in _BLAS else out
    return dtypes.int32 if out == dtypes.bool_ else out


# ---- derivatives and batching ----


def _conv_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    x, w = primals
    tx, tw = tangents
    out = conv_general_dilated_p.bind(x, w, **params)
    zero = Zero(out.aval.tangent())
    if not dtypes.is_inexact(out.aval.dtype):
        return out, zero
    left = zero if type(tx) is Zero else conv_general_dilated_p.bind(tx, w, **params)
    right = zero if type(tw) is Zero else conv_general_dilated_p.bind(x, tw, **params)
    return out, add_tangents(left, right)


def _conv_transpose_rule(
    ct: Any, x: Any, w: Any, *, preferred_element_type: Any, precision: Any, **params: Any
) -> Any:
    by_lhs = is_linear(x)
    rule = _by_lhs if by_lhs else _by_rhs
    known = w if by_lhs else x
    dtype = dtypes.join_types((ct.aval.dtype, False), (known.aval.dtype, False))[0]
    ct, known = convert(ct, dtype), convert(known, dtype)
    place = {"precision": precision, "preferred_element_type": None}
    if by_lhs:
        return [
            convert(rule(ct, x.aval, known, place, **params), x.aval.dtype, x.aval.weak_type),
            None,
        ]
    return [None, convert(rule(ct, known, w.aval, place, **params), w.aval.dtype, w.aval.weak_type)]


def _by_lhs(
    ct: Any,
    x: ShapedArray,
    w: Any,
    place: Any,
    *,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any,
    rhs_dilation: Any,
    dimension_numbers: Any,
    feature_group_count: int,
    batch_group_count: int,
) -> Any:
    """The cotangent convolved with the reversed kernel, the strides as dilation."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    groups = max(feature_group_count, batch_group_count)
    pads = []
    for i, (low, _) in enumerate(padding):
        extent = _dilated(w.aval.shape[rhs_spec[2 + i]], rhs_dilation[i])
        size = _dilated(x.shape[lhs_spec[2 + i]], lhs_dilation[i])
        places = _dilated(ct.aval.shape[out_spec[2 + i]], window_strides[i])
        before = extent - 1 - low
        pads.append((before, size + extent - 1 - places - before))
    kernel = rev(w, rhs_spec[2:])
    if groups > 1:
        kernel = _move_groups(kernel, rhs_spec[0], rhs_spec[1], groups)
    swapped = (rhs_spec[1], rhs_spec[0], *rhs_spec[2:])
    found = conv_general_dilated_p.bind(
        ct,
        kernel,
        window_strides=lhs_dilation,
        padding=tuple(pads),
        lhs_dilation=window_strides,
        rhs_dilation=rhs_dilation,
        dimension_numbers=ConvDimensionNumbers(out_spec, swapped, lhs_spec),
        feature_group_count=groups,
        batch_group_count=1,
        **place,
    )
    if batch_group_count > 1:
        found = _move_groups(found, lhs_spec[1], lhs_spec[0], groups)
    return found


def _by_rhs(
    ct: Any,
    x: Any,
    w: ShapedArray,
    place: Any,
    *,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any,
    rhs_dilation: Any,
    dimension_numbers: Any,
    feature_group_count: int,
    batch_group_count: int,
) -> Any:
    """The input convolved with the cotangent, batch and features exchanged."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    pads = []
    for i, (low, _) in enumerate(padding):
        extent = _dilated(w.shape[rhs_spec[2 + i]], rhs_dilation[i])
        size = _dilated(x.aval.shape[lhs_spec[2 + i]], lhs_dilation[i])
        places = _dilated(ct.aval.shape[out_spec[2 + i]], window_strides[i])
        pads.append((low, places + extent - 1 - size - low))
    numbers = ConvDimensionNumbers(
        (lhs_spec[1], lhs_spec[0], *lhs_spec[2:]),
        (out_spec[1], out_spec[0], *out_spec[2:]),
        (rhs_spec[1], rhs_spec[0], *rhs_spec[2:]),
    )
    return conv_general_dilated_p.bind(
        x,
        ct,
        window_strides=rhs_dilation,
        padding=tuple(pads),
        lhs_dilation=lhs_dilation,
        rhs_dilation=window_strides,
        dimension_numbers=numbers,
        feature_group_count=batch_group_count,
        batch_group_count=feature_group_count,
        **place,
    )


def _move_groups(x: Any, source: int, target: int, groups: int) -> Any:
    """Take `groups`, the outer part of axis `source`, and make them the outer part of axis `target`."""
    shape = list(x.aval.shape)
    split = [*shape[:source], groups, shape[source] // groups, *shape[source + 1 :]]
    x = reshape(x, split)
    inner = target + (target > source)
    x = moveaxis(x, source, inner if inner < source else inner - 1)
    shape[source] //= groups
    shape[target] *= groups
    return reshape(x, shape)


def _merge(x: Any, d: Any, axis: int, groups: int = 1) -> Any:
    """Put the batch axis `d` into axis `axis` (of the unbatched value), inside of its groups."""
    size = x.aval.shape[d]
    x = moveaxis(x, d, axis)
    shape = list(x.aval.shape)
    n = shape[axis + 1]
    merged = [*shape[:axis], size * n, *shape[axis + 2 :]]
    if groups > 1:
        x = reshape(x, [*shape[:axis], size, groups, n // groups, *shape[axis + 2 :]])
        x = moveaxis(x, axis, axis + 1)
    return reshape(x, merged)


def _unmerge(x: Any, axis: int, size: int, groups: int = 1) -> tuple[Any, int]:
    """Take the batch axis out again: the value and its place."""
    shape = x.aval.shape
    n = shape[axis] // size
    if groups == 1:
        return reshape(x, [*shape[:axis], size, n, *shape[axis + 1 :]]), axis
    x = reshape(x, [*shape[:axis], groups, size, n // groups, *shape[axis + 1 :]])
    x = moveaxis(x, axis + 1, axis)
    return reshape(x, [*shape[:axis], size, n, *shape[axis + 1 :]]), axis


def _conv_batch(
    axis: Any,
    args: Any,
    dims: Any,
    *,
    dimension_numbers: Any,
    feature_group_count: int,
    batch_group_count: int,
    **params: Any,
) -> Any:
    x, w = args
    dx, dy = dims
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    params["dimension_numbers"] = dimension_numbers
    counts = {"feature_group_count": feature_group_count, "batch_group_count": batch_group_count}
    if dx is not None and dy is not None:
        size = x.aval.shape[dx]
        grouped = "batch_group_count" if batch_group_count > 1 else "feature_group_count"
        x = _merge(x, dx, lhs_spec[0] if batch_group_count > 1 else lhs_spec[1])
        w = _merge(w, dy, rhs_spec[0])
        counts[grouped] *= size
        if size == 0:
            counts[grouped] = 1
        out = conv_general_dilated_p.bind(x, w, **counts, **params)
        return _unmerge(out, out_spec[1], size)
    if dy is None:
        size = x.aval.shape[dx]
        x = _merge(x, dx, lhs_spec[0], batch_group_count)
        out = conv_general_dilated_p.bind(x, w, **counts, **params)
        return _unmerge(out, out_spec[0], size)
    size = w.aval.shape[dy]
    groups = max(feature_group_count, batch_group_count)
    w = _merge(w, dy, rhs_spec[0], groups)
    out = conv_general_dilated_p.bind(x, w, **counts, **params)
    return _unmerge(out, out_spec[1], size, groups)


conv_general_dilated_p = Primitive(
    name="conv_general_dilated",
    infer=_conv_infer,
    host=_conv_host,
    lower=_conv_lower,
    jvp=_conv_jvp,
    transpose=_conv_transpose_rule,
    batch=_conv_batch,
)

__all__ = [
    "ConvDimensionNumbers",
    "ConvGeneralDilatedDimensionNumbers",
    "conv_dimension_numbers",
    "conv_general_dilated",
    "conv_general_dilated_p",
    "conv_general_permutations",
    "padtype_to_pads",
]
