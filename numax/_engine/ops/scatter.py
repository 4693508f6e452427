"""scatter combines updates into windows of an array at computed places: replacing, subtracting, multiplying, taking the
smaller or larger, or applying a function. `scatter_add` stands in `gather`."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.array import Array, from_numpy
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import (
    Primitive,
    Zero,
    is_linear,
    not_differentiable,
    not_linear,
    on_device,
)
from numax._engine.core.trace import as_value
from numax._engine.ops.arithmetic import div
from numax._engine.ops.basis import (
    add_tangents,
    broadcast_in_dim,
    convert,
    instantiate,
    mul_p,
    neg_p,
    reshape,
    select_n,
)
from numax._engine.ops.compare import eq
from numax._engine.ops.gather import (
    batch_scatter,
    is_plain,
    read_updates,
    scatter_add_p,
    scatter_arguments,
    scatter_family,
)
from numax._engine.ops.places import (
    GatherScatterMode,
    ScatterDimensionNumbers,
    as_gather,
    check_scatter,
    integers,
    lower_scatter,
    read,
    window_sizes,
)
from numax._engine.ops.program import emit, record
from numax._engine.ops.shape import full, iota, zeros
from numax._engine.stablehlo import hlo

# ---- scatter ----


def scatter(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Any:
    """The operand with windows replaced by updates.

    Where windows overlap, one of the updates wins (the last, on the host).
    Args: mode 'drop' (default) leaves out windows out of bounds; 'clip' moves them inside; 'promise_in_bounds' says
    that there are none. unique_indices says that windows do not overlap.
    Raises: TypeError if dtypes differ or the dimension numbers contradict the shapes.
    Grad: linear in operand and updates. Source: StableHLO `scatter`.
    """
    values, params = scatter_arguments(
        "scatter",
        operand,
        scatter_indices,
        updates,
        dimension_numbers,
        indices_are_sorted,
        unique_indices,
        mode,
    )
    return scatter_p.bind(*values, **params)


def _set_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    x, indices, updates = primals
    out = scatter_p.bind(x, indices, updates, **params)
    t, _, t_updates = tangents
    if type(t) is Zero and type(t_updates) is Zero:
        return out, t
    return out, scatter_p.bind(instantiate(t), indices, instantiate(t_updates), **params)


def _set_transpose(ct: Any, x: Any, indices: Any, updates: Any, **params: Any) -> list[Any]:
    out: list[Any] = [None, None, None]
    if is_linear(x):
        out[0] = scatter_p.bind(ct, indices, zeros(updates.aval), **params)
    if is_linear(updates):
        read_ct = read_updates(ct, indices, updates.aval, params)
        if not params["unique_indices"]:
            won = _winners(ct.aval.shape, indices, updates.aval, params)
            read_ct = select_n(won, zeros(updates.aval), read_ct)
        out[2] = read_ct
    return out


def _winners(shape: Any, indices: Any, updates: ShapedArray, params: dict[str, Any]) -> Any:
    """Which elements of the updates are found in the result: number the windows, scatter the numbers, read them."""
    batch = indices.aval.shape[:-1]
    window = params["dimension_numbers"].update_window_dims
    kept = tuple([i for i in range(updates.ndim) if i not in window])
    numbers = reshape(iota(np.int32, math.prod(batch)), batch)
    numbers = broadcast_in_dim(numbers, updates.shape, kept)
    found = scatter_p.bind(zeros(ShapedArray(shape, dtypes.int32)), indices, numbers, **params)
    return eq(read_updates(found, indices, numbers.aval, params), numbers)


scatter_p = scatter_family(
    "scatter",
    accepts=lambda dtype: True,
    combine=None,
    lower=hlo.second,
    jvp=_set_jvp,
    transpose=_set_transpose,
)


# ---- scatter_sub ----


def scatter_sub(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Any:
    """The operand with updates subtracted from its windows; where windows overlap, all are subtracted.

    Args: as in `scatter`. Raises: TypeError if dtypes differ, for booleans, or if the dimension numbers contradict
    the shapes. Grad: linear in operand and updates. Source: StableHLO `scatter`.
    """
    values, params = scatter_arguments(
        "scatter_sub",
        operand,
        scatter_indices,
        updates,
        dimension_numbers,
        indices_are_sorted,
        unique_indices,
        mode,
    )
    return scatter_sub_p.bind(*values, **params)


def _sub_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    x, indices, updates = primals
    out = scatter_sub_p.bind(x, indices, updates, **params)
    t, _, t_updates = tangents
    if type(t_updates) is Zero:
        return out, t
    return out, scatter_sub_p.bind(instantiate(t), indices, t_updates, **params)


def _sub_transpose(ct: Any, x: Any, indices: Any, updates: Any, **params: Any) -> list[Any]:
    return [
        ct if is_linear(x) else None,
        None,
        neg_p.bind(read_updates(ct, indices, updates.aval, params)) if is_linear(updates) else None,
    ]


scatter_sub_p = scatter_family(
    "scatter-sub",
    accepts=lambda dtype: is_plain(dtype) and dtype != dtypes.bool_,
    combine=np.subtract,
    lower=hlo.subtract,
    jvp=_sub_jvp,
    transpose=_sub_transpose,
)


# ---- scatter_mul ----


def scatter_mul(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Any:
    """The operand with its windows multiplied by updates; where windows overlap, by all.

    Args: as in `scatter`. Dtypes: equal; booleans: and. Raises: TypeError if dtypes differ or the dimension numbers
    contradict the shapes. Grad: multilinear in operand and updates. Source: StableHLO `scatter`.
    """
    values, params = scatter_arguments(
        "scatter_mul",
        operand,
        scatter_indices,
        updates,
        dimension_numbers,
        indices_are_sorted,
        unique_indices,
        mode,
    )
    return scatter_mul_p.bind(*values, **params)


def _mul_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    x, indices, updates = primals
    out = scatter_mul_p.bind(x, indices, updates, **params)
    t, _, t_updates = tangents
    if type(t) is not Zero:
        t = scatter_mul_p.bind(t, indices, updates, **params)
    if type(t_updates) is Zero:
        return out, t
    if params["unique_indices"]:
        factor = read_updates(x, indices, updates.aval, params)
    else:
        factor = _other_factors(x, indices, updates, params)
    part = mul_p.bind(t_updates, factor)
    return out, add_tangents(t, scatter_add_p.bind(zeros(out.aval), indices, part, **params))


def _other_factors(x: Any, indices: Any, updates: Any, params: dict[str, Any]) -> Any:
    """For each update, the product of all else that its element is multiplied with. Zeros are counted, not divided by."""
    is_zero = eq(updates, zeros(ShapedArray((), updates.dtype)))
    ones = full(updates.aval.shape, 1, updates.dtype)
    others = select_n(is_zero, updates, ones)
    product = scatter_mul_p.bind(x, indices, others, **params)
    counts = zeros(ShapedArray(x.aval.shape, dtypes.int32))
    counts = scatter_add_p.bind(counts, indices, convert(is_zero, dtypes.int32), **params)
    product = read_updates(product, indices, updates.aval, params)
    count = read_updates(counts, indices, updates.aval, params)
    nothing = zeros(updates.aval)
    alone = select_n(eq(count, 1), nothing, product)
    shared = select_n(eq(count, 0), nothing, div(product, others))
    return select_n(is_zero, shared, alone)


def _mul_transpose(ct: Any, x: Any, indices: Any, updates: Any, **params: Any) -> list[Any]:
    if not is_linear(x):
        return not_linear(ct, x, indices, updates)
    return [scatter_mul_p.bind(ct, indices, updates, **params), None, None]


scatter_mul_p = scatter_family(
    "scatter-mul",
    accepts=is_plain,
    combine=np.multiply,
    lower=hlo.multiply,
    jvp=_mul_jvp,
    transpose=_mul_transpose,
)


# ---- scatter_min, scatter_max ----


def scatter_min(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Any:
    """The operand with windows replaced by the smaller of themselves and all updates there; nan wins.

    Args: as in `scatter`. Raises: TypeError if dtypes differ, for complex numbers, or if the dimension numbers
    contradict the shapes. Grad: to the smallest, in equal shares. Source: StableHLO `scatter`.
    """
    values, params = scatter_arguments(
        "scatter_min",
        operand,
        scatter_indices,
        updates,
        dimension_numbers,
        indices_are_sorted,
        unique_indices,
        mode,
    )
    return scatter_min_p.bind(*values, **params)


def scatter_max(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Any:
    """The operand with windows replaced by the larger of themselves and all updates there; nan wins.

    Args: as in `scatter`. Raises: TypeError if dtypes differ, for complex numbers, or if the dimension numbers
    contradict the shapes. Grad: to the largest, in equal shares. Source: StableHLO `scatter`.
    """
    values, params = scatter_arguments(
        "scatter_max",
        operand,
        scatter_indices,
        updates,
        dimension_numbers,
        indices_are_sorted,
        unique_indices,
        mode,
    )
    return scatter_max_p.bind(*values, **params)


def _extreme(name: str, combine: np.ufunc, lower: Callable[..., Any]) -> Primitive:
    def jvp(primals: Any, tangents: Any, **params: Any) -> Any:
        x, indices, updates = primals
        out = prim.bind(x, indices, updates, **params)
        t, _, t_updates = tangents
        if type(t) is Zero and type(t_updates) is Zero:
            return out, t
        mine = eq(x, out)
        theirs = eq(updates, read_updates(out, indices, updates.aval, params))
        ones = convert(mine, out.dtype), convert(theirs, out.dtype)
        count = scatter_add_p.bind(ones[0], indices, ones[1], **params)
        t = mul_p.bind(instantiate(t), ones[0])
        t_updates = mul_p.bind(instantiate(t_updates), ones[1])
        return out, div(scatter_add_p.bind(t, indices, t_updates, **params), count)

    prim = scatter_family(
        name,
        accepts=lambda dtype: is_plain(dtype) and not dtypes.is_complex(dtype),
        combine=combine,
        lower=lower,
        jvp=jvp,
        transpose=not_linear,
    )
    return prim


scatter_min_p = _extreme("scatter-min", np.minimum, hlo.minimum)
scatter_max_p = _extreme("scatter-max", np.maximum, hlo.maximum)


# ---- scatter_apply ----


def scatter_apply(
    operand: Any,
    scatter_indices: Any,
    func: Callable[[Any], Any],
    dimension_numbers: ScatterDimensionNumbers,
    *,
    update_shape: Any = (),
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Any:
    """The operand with an elementwise function applied to its windows; where windows overlap, repeatedly.

    Args: update_shape is the shape that updates would have; the rest is as in `scatter`.
    Raises: TypeError if func changes the shape of its argument or the dimension numbers contradict the shapes.
    Grad: through func, if the indices are known or unique; else none (the number of applications is not known).
    Source: StableHLO `scatter`.
    """
    x = as_value(operand, "scatter_apply")
    updates = zeros(ShapedArray(integers(update_shape), x.dtype))
    (x, indices, updates), params = scatter_arguments(
        "scatter_apply",
        x,
        scatter_indices,
        updates,
        dimension_numbers,
        indices_are_sorted,
        unique_indices,
        mode,
    )
    check_scatter(
        "scatter_apply", x.shape, indices.shape, updates.shape, params["dimension_numbers"]
    )
    if params["unique_indices"] or math.prod(indices.shape[:-1]) == 1:
        return _apply_once(x, indices, func, updates.aval, params)
    known = indices if type(indices) is Array else indices.concrete_()
    if known is None:
        program = record("scatter_apply", lambda v: [func(v)], [ShapedArray((), x.dtype)])
        return scatter_apply_p.bind(x, indices, updates, program=program, **params)
    places = _places(x.shape, known.numpy_(), updates.shape, params)
    distinct, counts = np.unique(places[places >= 0], return_counts=True)
    if counts.max(initial=0) <= 1:
        return _apply_once(x, indices, func, updates.aval, {**params, "unique_indices": True})
    return _apply_rounds(x, func, distinct, counts)


def _places(shape: Any, indices: np.ndarray, updates: Any, params: dict[str, Any]) -> np.ndarray:
    """For each element of the updates, the number of its element of the operand; -1 where it is dropped."""
    numbers = params["dimension_numbers"]
    grid = np.arange(math.prod(shape)).reshape(shape)
    mode = params["mode"]
    if mode is not GatherScatterMode.CLIP:
        mode = GatherScatterMode.FILL_OR_DROP
    return read(grid, indices, as_gather(numbers), window_sizes(shape, numbers, updates), mode, -1)


def _applied(func: Callable[[Any], Any], x: Any) -> Any:
    """func(x) with x's shape and dtype."""
    result = func(x)
    value = as_value(result, "scatter_apply")
    if value.shape != x.shape and not (value.shape == () and value is not result):
        raise TypeError(
            f"scatter_apply: func must work on each element; it made {value.aval.str_short()} of {x.aval.str_short()}."
        )
    return broadcast_in_dim(convert(value, x.dtype), x.shape, tuple(range(value.aval.ndim)))


def _apply_once(
    x: Any, indices: Any, func: Any, updates: ShapedArray, params: dict[str, Any]
) -> Any:
    old = read_updates(x, indices, updates, params)
    return scatter_p.bind(x, indices, _applied(func, old), **params)


def _apply_rounds(x: Any, func: Any, places: np.ndarray, counts: np.ndarray) -> Any:
    """Apply func `counts[i]` times to element `places[i]` of x, flattened."""
    flat = reshape(x, (x.aval.size,))
    params = {
        "dimension_numbers": ScatterDimensionNumbers((), (0,), (0,)),
        "indices_are_sorted": True,
        "unique_indices": True,
        "mode": GatherScatterMode.PROMISE_IN_BOUNDS,
    }
    for done in range(int(counts.max())):
        index = from_numpy(places[counts > done].astype(np.int32)[:, None])
        flat = _apply_once(flat, index, func, ShapedArray(index.shape[:1], x.dtype), params)
    return reshape(flat, x.shape)


def _apply_lower(
    ctx: Any, x: Any, indices: Any, updates: Any, *, program: Any, **params: Any
) -> Any:
    def body(b: Any, old: Any, new: Any) -> Any:
        return emit(b, program, [old])[0]

    return lower_scatter(ctx, x, indices, updates, body, arrays=False, **params)


def _apply_batch(axis: Any, args: Any, dims: Any, *, dimension_numbers: Any, **params: Any) -> Any:
    values, numbers, params = batch_scatter(axis, args, dims, dimension_numbers, params)
    return scatter_apply_p.bind(*values, dimension_numbers=numbers, **params), 0


scatter_apply_p = Primitive(
    name="scatter-apply",
    infer=lambda x, indices, updates, *, program, **params: scatter_p.infer(
        x, indices, updates, **params
    ),
    host=on_device,
    lower=_apply_lower,
    jvp=not_differentiable(
        "scatter_apply with traced indices applies its function to an element as often as indices name it. "
        "Give unique_indices=True if each is named once."
    ),
    transpose=not_linear,
    batch=_apply_batch,
)

__all__ = [
    "scatter",
    "scatter_apply",
    "scatter_apply_p",
    "scatter_max",
    "scatter_max_p",
    "scatter_min",
    "scatter_min_p",
    "scatter_mul",
    "scatter_mul_p",
    "scatter_p",
    "scatter_sub",
    "scatter_sub_p",
]
