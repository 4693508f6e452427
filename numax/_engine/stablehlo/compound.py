"""StableHLO operations with regions or large attributes: reductions, products, control flow.

A region is given as a function `body(b, *arguments)` that emits its lines and returns its results.
Source: StableHLO specification, "Ops".
"""

from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from numax._engine.stablehlo import elementwise
from numax._engine.stablehlo.builder import Builder, Type, Value
from numax._engine.stablehlo.structure import Body, Shape, flag, region
from numax._engine.stablehlo.types import (
    TOKEN,
    element_type,
    integer_list,
    integer_matrix,
    integers,
    physical_dtype,
)

_INT32 = np.dtype(np.int32)
_COMPLEX = {
    np.dtype(np.float32): np.dtype(np.complex64),
    np.dtype(np.float64): np.dtype(np.complex128),
}
_REAL = {whole: part for part, whole in _COMPLEX.items()}

_MONOIDS = frozenset(
    [
        elementwise.add,
        elementwise.and_,
        elementwise.maximum,
        elementwise.minimum,
        elementwise.multiply,
        elementwise.or_,
        elementwise.xor,
    ]
)


# ---- reductions ----


def reduce(
    b: Builder,
    operands: Sequence[Value],
    inits: Sequence[Value],
    dimensions: Sequence[int],
    body: Body,
) -> list[Value]:
    """Emit the operands combined over some dimensions.
    Args: body is (b, *left, *right) -> combined scalars; inits are left unchanged by it."""
    if len(operands) == 1 and body in _MONOIDS:
        return [reduce_with(b, operands[0], inits[0], dimensions, body)]
    gone = set(dimensions)
    results = [
        (tuple([n for i, n in enumerate(v.shape) if i not in gone]), v.dtype) for v in operands
    ]
    arguments = [((), v.dtype) for v in operands]
    block = region(b, arguments + arguments, body)
    attrs = f"dimensions = {integers(dimensions)}"
    return b.ops("reduce", [*operands, *inits], results, attrs, [block])


def reduce_with(b: Builder, x: Value, init: Value, dimensions: Sequence[int], body: Body) -> Value:
    """Emit `reduce` of one operand; short where the body is `hlo.add` or the like."""
    if body not in _MONOIDS:
        return reduce(b, [x], [init], dimensions, body)[0]
    gone = set(dimensions)
    shape = tuple([n for i, n in enumerate(x.shape) if i not in gone])
    name = body.__name__
    text = (
        f"stablehlo.reduce({x.name} init: {init.name}) applies stablehlo.{name} "
        f"across dimensions = {integer_list(dimensions)} : ({x.type}, {init.type}) -> "
    )
    return b.emit(text, shape, x.dtype)


def _window_attrs(shape: Shape, **values: Sequence[int] | None) -> list[str]:
    rank = len(shape)
    return [
        f"{name} = {integers([1] * rank if value is None else value)}"
        for name, value in values.items()
    ]


def reduce_window(
    b: Builder,
    operands: Sequence[Value],
    inits: Sequence[Value],
    body: Body,
    *,
    window_dimensions: Sequence[int],
    window_strides: Sequence[int] | None = None,
    padding: Sequence[tuple[int, int]] | None = None,
    base_dilations: Sequence[int] | None = None,
    window_dilations: Sequence[int] | None = None,
) -> list[Value]:
    """Emit the operands combined over each place of a window. See `reduce`."""
    x = operands[0]
    ones = [1] * len(x.shape)
    padding = [(0, 0)] * len(x.shape) if padding is None else padding
    shape = window_shape(
        x.shape,
        window_dimensions,
        window_strides or ones,
        padding,
        base_dilations or ones,
        window_dilations or ones,
    )
    attrs = _window_attrs(
        x.shape,
        base_dilations=base_dilations,
        window_dilations=window_dilations,
        window_dimensions=window_dimensions,
        window_strides=window_strides,
    )
    attrs.append(f"padding = {integer_matrix(padding, 2)}")
    arguments = [((), v.dtype) for v in operands]
    block = region(b, arguments + arguments, body)
    results = [(shape, v.dtype) for v in operands]
    return b.ops("reduce_window", [*operands, *inits], results, ", ".join(attrs), [block])


def window_shape(
    shape: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    base_dilations: Sequence[int],
    window_dilations: Sequence[int],
) -> Shape:
    """Return how many places a window has along each dimension."""
    sizes = []
    for i, n in enumerate(shape):
        whole = (n - 1) * base_dilations[i] + 1 if n else 0
        whole += padding[i][0] + padding[i][1]
        extent = (window[i] - 1) * window_dilations[i] + 1 if window[i] else 0
        sizes.append((whole - extent) // strides[i] + 1 if whole >= extent and whole else 0)
    return tuple(sizes)


def select_and_scatter(
    b: Builder,
    operand: Value,
    source: Value,
    init: Value,
    select: Body,
    scatter: Body,
    *,
    window_dimensions: Sequence[int],
    window_strides: Sequence[int] | None = None,
    padding: Sequence[tuple[int, int]] | None = None,
) -> Value:
    """Emit `source` scattered to the element that `select` prefers in each window."""
    scalar = ((), operand.dtype)
    padding = [(0, 0)] * len(operand.shape) if padding is None else padding
    attrs = _window_attrs(
        operand.shape, window_dimensions=window_dimensions, window_strides=window_strides
    )
    attrs.append(f"padding = {integer_matrix(padding, 2)}")
    blocks = [region(b, [scalar, scalar], select), region(b, [scalar, scalar], scatter)]
    operands = [operand, source, init]
    joined = ", ".join(attrs)
    return b.op("select_and_scatter", operands, operand.shape, operand.dtype, joined, blocks)


# ---- order ----


def sort(
    b: Builder, operands: Sequence[Value], dimension: int, comparator: Body, stable: bool = True
) -> list[Value]:
    """Emit the operands sorted together.
    Args: comparator is (b, x0, y0, x1, y1, ...) -> whether the x come before the y."""
    arguments = [((), v.dtype) for v in operands for _ in range(2)]
    block = region(b, arguments, comparator)
    attrs = f"dimension = {dimension} : i64, is_stable = {flag(stable)}"
    return b.ops("sort", operands, [(v.shape, v.dtype) for v in operands], attrs, [block])


def top_k(b: Builder, x: Value, k: int) -> list[Value]:
    """Emit the k largest elements of the last dimension, falling, and their int32 places."""
    shape = (*x.shape[:-1], k)
    text = f"chlo.top_k({x.name}, k = {k}) : {x.type} -> "
    return b.emits(text, [(shape, x.dtype), (shape, _INT32)])


# ---- products ----

DimensionNumbers = tuple[tuple[Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int]]]


def _precisions(precision: str | Sequence[str] | None) -> tuple[str, str]:
    if precision is None:
        return "DEFAULT", "DEFAULT"
    if isinstance(precision, str):
        return precision, precision
    return precision[0], precision[1]


def dot_general(
    b: Builder,
    lhs: Value,
    rhs: Value,
    dimension_numbers: DimensionNumbers,
    dtype: Any = None,
    precision: str | Sequence[str] | None = None,
    algorithm: Sequence[Any] | None = None,
) -> Value:
    """Emit products summed over the contracting dimensions; batch dimensions come first.
    Args: dimension_numbers is ((lhs, rhs contracting), (lhs, rhs batching)); dtype that of the
        result; precision one or two of DEFAULT, HIGH, HIGHEST; algorithm (lhs type, rhs type,
        accumulation type, lhs parts, rhs parts, primitive operations, whether imprecise
        accumulation is allowed), types as text."""
    (lhs_sum, rhs_sum), (lhs_batch, rhs_batch) = dimension_numbers
    gone = {*lhs_sum, *lhs_batch}
    shape = [lhs.shape[i] for i in lhs_batch]
    shape += [n for i, n in enumerate(lhs.shape) if i not in gone]
    gone = {*rhs_sum, *rhs_batch}
    shape += [n for i, n in enumerate(rhs.shape) if i not in gone]
    parts = [f"stablehlo.dot_general {lhs.name}, {rhs.name}"]
    if len(lhs_batch):
        parts.append(f"batching_dims = {integer_list(lhs_batch)} x {integer_list(rhs_batch)}")
    parts.append(f"contracting_dims = {integer_list(lhs_sum)} x {integer_list(rhs_sum)}")
    left, right = _precisions(precision)
    parts.append(f"precision = [{left}, {right}]")
    if algorithm is not None:
        parts.append(f"algorithm = {_algorithm(algorithm)}")
    text = f"{', '.join(parts)} : ({lhs.type}, {rhs.type}) -> "
    return b.emit(text, tuple(shape), lhs.dtype if dtype is None else dtype)


def _algorithm(values: Sequence[Any]) -> str:
    lhs, rhs, accumulation, lhs_parts, rhs_parts, operations, imprecise = values
    return (
        f"<lhs_precision_type = {lhs}, rhs_precision_type = {rhs}, "
        f"accumulation_type = {accumulation}, lhs_component_count = {lhs_parts}, "
        f"rhs_component_count = {rhs_parts}, num_primitive_operations = {operations}, "
        f"allow_imprecise_accumulation = {flag(imprecise)}>"
    )


def convolution(
    b: Builder,
    lhs: Value,
    rhs: Value,
    dimension_numbers: tuple[Sequence[int], Sequence[int], Sequence[int]],
    *,
    window_strides: Sequence[int] | None = None,
    padding: Sequence[tuple[int, int]] | None = None,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    window_reversal: Sequence[bool] | None = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: str | Sequence[str] | None = None,
    dtype: Any = None,
) -> Value:
    """Emit a convolution (without reversal: a correlation) over the spatial dimensions.
    Args: dimension_numbers says where lhs has (batch, feature, *spatial), rhs (output feature,
        input feature, *spatial) and the result (batch, feature, *spatial); the rest is as in
        `reduce_window`."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    count = len(lhs_spec) - 2
    ones = [1] * count
    padding = [(0, 0)] * count if padding is None else padding
    window = [rhs.shape[i] for i in rhs_spec[2:]]
    base = [lhs.shape[i] for i in lhs_spec[2:]]
    spatial = window_shape(
        base, window, window_strides or ones, padding, lhs_dilation or ones, rhs_dilation or ones
    )
    sizes = [lhs.shape[lhs_spec[0]] // batch_group_count, rhs.shape[rhs_spec[0]], *spatial]
    shape = [0] * len(sizes)
    for place, size in zip(out_spec, sizes, strict=True):
        shape[place] = size
    reversal = ", ".join([flag(x) for x in window_reversal or [False] * count])
    layout = f"{_layout(lhs_spec, 'bf')}x{_layout(rhs_spec, 'oi')}->{_layout(out_spec, 'bf')}"
    left, right = _precisions(precision)
    attrs = [
        f"batch_group_count = {batch_group_count} : i64",
        f"dimension_numbers = #stablehlo.conv<{layout}>",
        f"feature_group_count = {feature_group_count} : i64",
        *_window_attrs(
            spatial,
            lhs_dilation=lhs_dilation,
            rhs_dilation=rhs_dilation,
            window_strides=window_strides,
        ),
        f"padding = {integer_matrix(padding, 2)}",
        f"precision_config = [#stablehlo<precision {left}>, #stablehlo<precision {right}>]",
        f"window_reversal = {f'array<i1: {reversal}>' if reversal else 'array<i1>'}",
    ]
    dtype = lhs.dtype if dtype is None else dtype
    return b.op("convolution", [lhs, rhs], tuple(shape), dtype, ", ".join(attrs))


def _layout(spec: Sequence[int], letters: str) -> str:
    labels = [""] * len(spec)
    names = [*letters, *map(str, range(len(spec) - 2))]
    for place, name in zip(spec, names, strict=True):
        labels[place] = name
    return f"[{', '.join(labels)}]"


# ---- linear algebra, transforms, random bits ----


def cholesky(b: Builder, a: Value, lower: bool = True) -> Value:
    """Emit the Cholesky factor of each matrix; the other triangle holds anything."""
    return b.emit(f"stablehlo.cholesky {a.name}, lower = {flag(lower)} : ", a.shape, a.dtype)


def triangular_solve(
    b: Builder,
    a: Value,
    rhs: Value,
    *,
    left_side: bool,
    lower: bool,
    unit_diagonal: bool = False,
    transpose_a: str = "NO_TRANSPOSE",
) -> Value:
    """Emit x with op(a) x = rhs, or x op(a) = rhs where not left_side.
    Args: transpose_a is NO_TRANSPOSE, TRANSPOSE or ADJOINT."""
    attrs = (
        f"left_side = {flag(left_side)}, lower = {flag(lower)}, "
        f"transpose_a = #stablehlo<transpose {transpose_a}>, "
        f"unit_diagonal = {flag(unit_diagonal)}"
    )
    return b.op("triangular_solve", [a, rhs], rhs.shape, rhs.dtype, attrs)


def fft(b: Builder, x: Value, kind: str, length: Sequence[int]) -> Value:
    """Emit a Fourier transform over the last dimensions.
    Args: kind is FFT, IFFT, RFFT or IRFFT; length that of the transform in the time domain."""
    shape, dtype = x.shape, x.dtype
    if kind == "RFFT":
        shape, dtype = (*shape[:-1], length[-1] // 2 + 1), _COMPLEX[dtype]
    elif kind == "IRFFT":
        shape, dtype = (*shape[:-1], length[-1]), _REAL[dtype]
    text = f"stablehlo.fft {x.name}, type = {kind}, length = {integer_list(length)} : "
    return b.emit(f"{text}({x.type}) -> ", shape, dtype)


def rng_bit_generator(
    b: Builder, state: Value, shape: Shape, dtype: Any, algorithm: str = "DEFAULT"
) -> list[Value]:
    """Emit the next state and random bits.
    Args: algorithm is DEFAULT, THREE_FRY or PHILOX."""
    text = f"stablehlo.rng_bit_generator {state.name}, algorithm = {algorithm} : ({state.type}) -> "
    return b.emits(text, [(state.shape, state.dtype), (shape, dtype)])


# ---- control flow ----


def while_(b: Builder, inits: Sequence[Value], cond: Body, body: Body) -> list[Value]:
    """Emit a loop. The regions may also use values of the blocks around them.
    Args: cond is (b, *carry) -> a boolean scalar; body is (b, *carry) -> the next carry."""
    carry = [(v.shape, v.dtype) for v in inits]
    blocks = [region(b, carry, cond), region(b, carry, body)]
    return b.ops("while", inits, carry, "", blocks)


def case(
    b: Builder, index: Value, branches: Sequence[Callable[[Builder], Sequence[Value]]]
) -> list[Value]:
    """Emit a choice by an int32; one out of bounds takes the last branch."""
    return _choice(b, "case", index, branches)


def if_(
    b: Builder,
    predicate: Value,
    then: Callable[[Builder], Sequence[Value]],
    orelse: Callable[[Builder], Sequence[Value]],
) -> list[Value]:
    """Emit a choice by a boolean scalar."""
    return _choice(b, "if", predicate, [then, orelse])


def _choice(
    b: Builder, name: str, which: Value, branches: Sequence[Callable[[Builder], Sequence[Value]]]
) -> list[Value]:
    blocks = []
    results: Sequence[Value] = ()
    for branch in branches:
        with b.region([]) as r:
            results = branch(b)
            r.ret(results)
        blocks.append(r.text)
    return b.ops(name, [which], [(v.shape, v.dtype) for v in results], "", blocks)


def identity(monoid: Body, dtype: Any) -> Any:
    """Return the number that add, multiply, maximum, minimum, and_, or_ or xor leaves unchanged."""
    dtype = physical_dtype(dtype)
    if monoid in (elementwise.add, elementwise.or_, elementwise.xor):
        return 0
    if monoid is elementwise.multiply:
        return 1
    low, high = _bounds(dtype)
    if monoid is elementwise.and_:
        return high if low == 0 else -1
    return low if monoid is elementwise.maximum else high


def _bounds(dtype: np.dtype) -> tuple[Any, Any]:
    if dtype == np.bool_:
        return False, True
    if element_type(dtype)[0] in "iu":
        info = ml_dtypes.iinfo(dtype)
        return int(info.min), int(info.max)
    info = ml_dtypes.finfo(dtype)
    infinite = np.isinf(np.asarray(np.inf).astype(dtype))
    return (-np.inf, np.inf) if infinite else (float(info.min), float(info.max))


def after_all(b: Builder, *tokens: Value) -> Value:
    """Emit a token that is there when all the tokens are; without any, a new token."""
    names = ", ".join([v.name for v in tokens])
    gap = " " if names else ""
    return b.emit(f"stablehlo.after_all{gap}{names} : ", (), TOKEN)


def custom_call(
    b: Builder, target: str, operands: Sequence[Value], results: Sequence[Type], **options: Any
) -> list[Value]:
    """Emit a call of a function that the compiler knows by name. See `Builder.custom_call`."""
    return b.custom_call(target, operands, results, **options)
