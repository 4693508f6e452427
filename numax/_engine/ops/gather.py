"""gather reads windows of an array at computed places, scatter_add adds windows; each is the other's transpose."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.array import Array
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, is_linear
from numax._engine.core.trace import Tracer, as_value
from numax._engine.ops.basis import instantiate, moveaxis, to_front
from numax._engine.ops.places import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
    Shape,
    as_gather,
    as_scatter,
    check_indices,
    check_scatter,
    drops,
    gather_numbers,
    gather_shape,
    integers,
    limits_of,
    lower_indices,
    lower_inside,
    lower_scatter,
    read,
    scatter_numbers,
    window_sizes,
    write,
)
from numax._engine.ops.shape import zeros
from numax._engine.stablehlo import hlo


def up(values: Sequence[int]) -> Shape:
    return tuple([v + 1 for v in values])


# ---- gather ----


def gather(
    operand: Any,
    start_indices: Any,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Any,
    *,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    mode: Any = None,
    fill_value: Any = None,
) -> Any:
    """Windows of the operand that start at the index vectors in the last dimension of `start_indices`.

    Args: mode 'fill' (default) gives fill_value (default: nan, the least signed, the greatest unsigned integer) for
    windows out of bounds; 'clip' moves them inside; 'promise_in_bounds' says that there are none.
    Raises: TypeError if the dimension numbers contradict the shapes; ValueError if indices are not integers.
    Grad: linear in the operand (transpose: scatter_add), none in the indices. Source: StableHLO `gather`.
    """
    operand = as_value(operand, "gather")
    return gather_p.bind(
        operand,
        as_value(start_indices, "gather"),
        dimension_numbers=gather_numbers(dimension_numbers),
        slice_sizes=integers(slice_sizes),
        indices_are_sorted=bool(indices_are_sorted),
        unique_indices=bool(unique_indices),
        mode=GatherScatterMode.from_any(mode),
        fill_value=_plain(fill_value, operand.dtype),
    )


def _plain(fill: Any, dtype: Any) -> Any:
    """A fill value as a Python number, which has a hash."""
    if fill is None or type(fill) in (bool, int, float, complex):
        return fill
    if isinstance(fill, Tracer):
        raise TypeError(
            f"gather: fill_value must be a number, neither traced nor differentiated; got {fill.aval.str_short()}. "
            "Use numax.numpy.where on the result."
        )
    data = fill.numpy_() if type(fill) is Array else np.asarray(fill)
    if data.shape:
        raise TypeError(f"gather: fill_value must have no dimensions; got shape {data.shape}.")
    if data.dtype.kind not in "biufc":
        return float(data)
    return data.item()


def default_fill(dtype: Any) -> Any:
    """What a read out of bounds gives."""
    if dtypes.is_key(dtype):
        return 2**64 - 1
    if dtypes.is_inexact(dtype):
        return math.nan
    if dtype == dtypes.bool_:
        return True
    limits = dtypes.iinfo(dtype)
    return int(limits.max if dtypes.is_unsigned(dtype) else limits.min)


def _gather_infer(
    x: ShapedArray,
    indices: ShapedArray,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    **params: Any,
) -> ShapedArray:
    check_indices("gather", indices)
    shape = gather_shape(x.shape, indices.shape, dimension_numbers, slice_sizes)
    return ShapedArray(shape, x.dtype, x.weak_type)


def _gather_host(
    x: np.ndarray,
    indices: np.ndarray,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    mode: GatherScatterMode,
    fill_value: Any,
    **params: Any,
) -> np.ndarray:
    fill = None
    if drops(mode):
        fill = default_fill(x.dtype) if fill_value is None else fill_value
    return read(x, indices, dimension_numbers, slice_sizes, mode, fill)


def _gather_lower(
    ctx: Any,
    x: Any,
    indices: Any,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    indices_are_sorted: bool,
    unique_indices: bool,
    mode: GatherScatterMode,
    fill_value: Any,
) -> Any:
    offsets, collapsed, start_map, batching, indices_batching = dimension_numbers
    limits = limits_of(x.shape, start_map, slice_sizes)
    indices = lower_indices(ctx, indices, limits)
    out = hlo.gather(
        ctx,
        x,
        indices,
        offset_dims=offsets,
        collapsed_slice_dims=collapsed,
        start_index_map=start_map,
        slice_sizes=slice_sizes,
        operand_batching_dims=batching,
        start_indices_batching_dims=indices_batching,
        indices_are_sorted=indices_are_sorted,
    )
    if not drops(mode) or not start_map or not math.prod(out.shape):
        return out
    kept = [i for i in range(len(out.shape)) if i not in offsets]
    inside = hlo.broadcast_in_dim(ctx, lower_inside(ctx, indices, limits), out.shape, kept)
    fill = default_fill(ctx.avals_in[0].dtype) if fill_value is None else fill_value
    return hlo.select(ctx, inside, out, hlo.full(ctx, fill, out.shape, out.dtype))


def _gather_jvp(primals: Any, tangents: Any, *, fill_value: Any, **params: Any) -> Any:
    x, indices = primals
    out = gather_p.bind(x, indices, fill_value=fill_value, **params)
    if type(tangents[0]) is Zero:
        return out, Zero(out.aval.tangent())
    return out, gather_p.bind(tangents[0], indices, fill_value=0, **params)


def _gather_transpose(
    ct: Any,
    x: Any,
    indices: Any,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    fill_value: Any,
    **params: Any,
) -> Any:
    numbers = as_scatter(dimension_numbers)
    out = scatter_add_p.bind(zeros(x.aval), indices, ct, dimension_numbers=numbers, **params)
    return [out, None]


def _gather_batch(
    axis: Any,
    args: Any,
    dims: Any,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    indices_are_sorted: bool,
    unique_indices: bool,
    mode: GatherScatterMode,
    fill_value: Any,
) -> Any:
    (x, indices), (x_dim, indices_dim) = args, dims
    offsets, collapsed, start_map, batching, indices_batching = dimension_numbers
    if x_dim is not None:
        x = moveaxis(x, x_dim, 0)
        collapsed, start_map, batching = up(collapsed), up(start_map), up(batching)
    if indices_dim is None:
        offsets = (0, *up(offsets))
        slice_sizes = (axis.size, *slice_sizes)
    else:
        indices = moveaxis(indices, indices_dim, 0)
        offsets, indices_batching = up(offsets), up(indices_batching)
        indices_are_sorted = False
        if x_dim is None:
            unique_indices = False
        else:
            batching, indices_batching = (0, *batching), (0, *indices_batching)
            slice_sizes = (min(1, axis.size), *slice_sizes)
    out = gather_p.bind(
        x,
        indices,
        dimension_numbers=GatherDimensionNumbers(
            offsets, collapsed, start_map, batching, indices_batching
        ),
        slice_sizes=slice_sizes,
        indices_are_sorted=indices_are_sorted,
        unique_indices=unique_indices,
        mode=mode,
        fill_value=fill_value,
    )
    return out, 0


gather_p = Primitive(
    name="gather",
    infer=_gather_infer,
    host=_gather_host,
    lower=_gather_lower,
    jvp=_gather_jvp,
    transpose=_gather_transpose,
    batch=_gather_batch,
)


# ---- the family of scatters ----


def scatter_arguments(
    op: str,
    operand: Any,
    indices: Any,
    updates: Any,
    numbers: Any,
    is_sorted: bool,
    unique: bool,
    mode: Any,
) -> tuple[tuple[Any, Any, Any], dict[str, Any]]:
    """The values and parameters of a scatter."""
    values = as_value(operand, op), as_value(indices, op), as_value(updates, op)
    params = {
        "dimension_numbers": scatter_numbers(numbers),
        "indices_are_sorted": bool(is_sorted),
        "unique_indices": bool(unique),
        "mode": GatherScatterMode.from_any(mode),
    }
    return values, params


def read_updates(x: Any, indices: Any, updates: ShapedArray, params: dict[str, Any]) -> Any:
    """What stands in x where a scatter writes, in the updates' shape; 0 where it drops."""
    numbers = params["dimension_numbers"]
    return gather_p.bind(
        x,
        indices,
        dimension_numbers=as_gather(numbers),
        slice_sizes=window_sizes(x.aval.shape, numbers, updates.shape),
        indices_are_sorted=params["indices_are_sorted"],
        unique_indices=params["unique_indices"],
        mode=params["mode"],
        fill_value=0,
    )


def scatter_family(
    name: str,
    *,
    accepts: Callable[[Any], bool],
    combine: np.ufunc | None,
    lower: Callable[..., Any],
    jvp: Callable[..., Any],
    transpose: Callable[..., Any],
) -> Primitive:
    """One kind of scatter. combine: the NumPy ufunc, None to replace; lower: the same on scalars in StableHLO."""
    op = name.replace("-", "_")

    def infer(
        x: ShapedArray,
        indices: ShapedArray,
        updates: ShapedArray,
        *,
        dimension_numbers: ScatterDimensionNumbers,
        **params: Any,
    ) -> ShapedArray:
        check_indices(op, indices)
        if x.dtype != updates.dtype:
            raise TypeError(
                f"{op}: operand and updates must have equal dtypes; got {x.str_short()} and {updates.str_short()}. "
                "Convert the updates with x.astype(dtype)."
            )
        if not accepts(x.dtype):
            raise TypeError(
                f"{op}: cannot combine elements of dtype {x.dtype}; got {x.str_short()}."
            )
        check_scatter(op, x.shape, indices.shape, updates.shape, dimension_numbers)
        return x

    def host(
        x: np.ndarray,
        indices: np.ndarray,
        updates: np.ndarray,
        *,
        dimension_numbers: ScatterDimensionNumbers,
        unique_indices: bool,
        mode: GatherScatterMode,
        **params: Any,
    ) -> np.ndarray:
        return write(x, indices, updates, dimension_numbers, mode, combine, unique_indices)

    def batch(
        axis: Any,
        args: Any,
        dims: Any,
        *,
        dimension_numbers: ScatterDimensionNumbers,
        **params: Any,
    ) -> Any:
        values, numbers, params = batch_scatter(axis, args, dims, dimension_numbers, params)
        return prim.bind(*values, dimension_numbers=numbers, **params), 0

    prim = Primitive(
        name=name,
        infer=infer,
        host=host,
        lower=lambda ctx, x, indices, updates, **params: lower_scatter(
            ctx, x, indices, updates, lower, **params
        ),
        jvp=jvp,
        transpose=transpose,
        batch=batch,
    )
    return prim


def batch_scatter(
    axis: Any, args: Any, dims: Any, numbers: ScatterDimensionNumbers, params: dict[str, Any]
) -> tuple[tuple[Any, Any, Any], ScatterDimensionNumbers, dict[str, Any]]:
    """Operands with the batch axis first, and numbers that know it."""
    x, indices, updates = args
    x = to_front(x, dims[0], axis.size)
    updates = to_front(updates, dims[2], axis.size)
    window, inserted, start_map, batching, indices_batching = numbers
    window, inserted, start_map, batching = up(window), up(inserted), up(start_map), up(batching)
    if dims[1] is None:
        window = (0, *window)
    else:
        indices = moveaxis(indices, dims[1], 0)
        batching, indices_batching = (0, *batching), (0, *up(indices_batching))
        params = {**params, "indices_are_sorted": False}
    numbers = ScatterDimensionNumbers(window, inserted, start_map, batching, indices_batching)
    return (x, indices, updates), numbers, params


# ---- scatter_add ----


def scatter_add(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: Any = None,
) -> Any:
    """The operand with updates added to its windows; where windows overlap, all are added.

    Args: mode as in `scatter`. Dtypes: equal; booleans: or. Raises: TypeError if dtypes differ or the dimension
    numbers contradict the shapes. Grad: linear in operand and updates. Source: StableHLO `scatter`.
    """
    values, params = scatter_arguments(
        "scatter_add",
        operand,
        scatter_indices,
        updates,
        dimension_numbers,
        indices_are_sorted,
        unique_indices,
        mode,
    )
    return scatter_add_p.bind(*values, **params)


def _add_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    x, indices, updates = primals
    out = scatter_add_p.bind(x, indices, updates, **params)
    t, _, t_updates = tangents
    if type(t_updates) is Zero:
        return out, t
    return out, scatter_add_p.bind(instantiate(t), indices, t_updates, **params)


def _add_transpose(ct: Any, x: Any, indices: Any, updates: Any, **params: Any) -> list[Any]:
    return [
        ct if is_linear(x) else None,
        None,
        read_updates(ct, indices, updates.aval, params) if is_linear(updates) else None,
    ]


def is_plain(dtype: Any) -> bool:
    return not dtypes.is_key(dtype)


scatter_add_p = scatter_family(
    "scatter-add",
    accepts=is_plain,
    combine=np.add,
    lower=hlo.add,
    jvp=_add_jvp,
    transpose=_add_transpose,
)

__all__ = [
    "GatherDimensionNumbers",
    "GatherScatterMode",
    "ScatterDimensionNumbers",
    "gather",
    "gather_p",
    "scatter_add",
    "scatter_add_p",
]
