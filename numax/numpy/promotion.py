"""What every function of numax.numpy does with its arguments first: arrays, promotion, broadcasting."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from numax import core
from numax.core import Array, Tracer, dtypes

_SCALARS = (bool, int, float, complex)


def is_arraylike(x: Any) -> bool:
    """An array or a number: what functions take. Lists are for `array` and `asarray`."""
    return (
        type(x) is Array
        or isinstance(x, Tracer | np.ndarray | np.generic | bool | int | float | complex)
        or hasattr(x, "__jax_array__")
    )


def value(op: str, x: Any, position: int = 0) -> Any:
    """`x` as an Array or Tracer, or JAX's TypeError."""
    if type(x) is Array or isinstance(x, Tracer):
        return x
    if not is_arraylike(x):
        hint = "Use numax.numpy.asarray to convert it." if isinstance(x, list | tuple) else ""
        raise TypeError(
            f"{op} requires ndarray or scalar arguments, got {type(x)} at position {position}. {hint}".rstrip()
        )
    return core.as_value(x, op)


def values(op: str, *args: Any) -> list[Any]:
    return [value(op, x, i) for i, x in enumerate(args)]


def _check_rank(op: str, shapes: Sequence[tuple[int, ...]]) -> None:
    mode = core.config.numpy_rank_promotion
    if mode == "allow":
        return
    ranks = {len(s) for s in shapes if s}
    if len(ranks) > 1:
        shown = ", ".join(str(s) for s in shapes)
        message = (
            f"{op}: operands with shapes {shown} need rank promotion (jax_numpy_rank_promotion={mode!r}). "
            "Give them equal ranks with x[None]."
        )
        if mode == "raise":
            raise ValueError(message)
        core.warn(message)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that the given shapes broadcast to.

    Raises: ValueError if they do not. Source: NumPy `broadcast_shapes`.
    """
    clean = [core.canonical_shape("broadcast_shapes", s) for s in shapes]
    return common_shape("broadcast_shapes", clean)


def common_shape(op: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    first = shapes[0] if shapes else ()
    if all(s == first for s in shapes):
        return first
    ndim = max(len(s) for s in shapes)
    out = [1] * ndim
    for s in shapes:
        offset = ndim - len(s)
        for i, n in enumerate(s):
            if n != 1:
                if out[offset + i] not in (1, n):
                    raise ValueError(
                        f"{op}: Incompatible shapes for broadcasting: shapes {', '.join(map(str, shapes))}. Sizes must agree or "
                        "be 1, counted from the last axis; add axes with x[:, None]."
                    )
                out[offset + i] = n
    return tuple(out)


def to_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """Broadcast a value; new axes come first."""
    own = x.aval.shape
    if own == shape:
        return x
    return core.lax.broadcast_in_dim(x, shape, tuple(range(len(shape) - len(own), len(shape))))


def broadcast(op: str, args: Sequence[Any]) -> list[Any]:
    """Values at their common shape. Values without dimensions stay as they are: operations broadcast them."""
    shapes = [x.aval.shape for x in args]
    first = shapes[0]
    if all(s == first for s in shapes):
        return list(args)
    _check_rank(op, shapes)
    shape = common_shape(op, shapes)
    return [x if not x.aval.shape else to_shape(x, shape) for x in args]


def promote_dtypes(*args: Any) -> list[Any]:
    """Values at their common dtype."""
    avals = [x.aval for x in args]
    first = avals[0]
    if all(a.dtype == first.dtype and a.weak_type == first.weak_type for a in avals):
        return list(args)
    dtype, weak = dtypes.join_types(*((a.dtype, a.weak_type) for a in avals))
    return [core.convert(x, dtype, weak) for x in args]


def inexact_dtype(dtype: Any) -> Any:
    """The dtype itself if it is a float or complex dtype, else the default float."""
    return dtype if dtypes.is_inexact(dtype) else dtypes.default_dtype(float)


def promote_inexact(*args: Any) -> list[Any]:
    """Values at their common dtype, integers and booleans as the default float."""
    dtype, weak = dtypes.join_types(*((x.aval.dtype, x.aval.weak_type) for x in args))
    return [core.convert(x, inexact_dtype(dtype), weak and dtype != dtypes.bool_) for x in args]


def ready_pair(x: Any, y: Any) -> Any:
    """A pair that needs little: equal types and shapes, or a Python number beside an array. None for other pairs."""
    if type(x) is Array or isinstance(x, Tracer):
        a = x.aval
        if type(y) is Array or isinstance(y, Tracer):
            b = y.aval
            if a is not b:
                if a.dtype != b.dtype or a.weak_type != b.weak_type:
                    return None
                if a.shape != b.shape and a.shape and b.shape:
                    return None
            return x, y
        if type(y) in _SCALARS:
            y = _number_beside(a, y)
            return None if y is None else (x, y)
    elif type(x) in _SCALARS and (type(y) is Array or isinstance(y, Tracer)):
        x = _number_beside(y.aval, x)
        return None if x is None else (x, y)
    return None


_x64, _strictness = dtypes.config.enable_x64, dtypes.config.numpy_dtype_promotion
_BESIDE: dict[
    Any, Any
] = {}  # (array's type, Python type, options) -> the type of both, if it is the array's


def _number_beside(aval: Any, x: Any) -> Any:
    """A Python number as an array of the other operand's type, if that is what the two promote to."""
    key = (aval.dtype, aval.weak_type, type(x), _x64.value, _strictness.value)
    t = _BESIDE.get(key, False)
    if t is False:
        found = dtypes.join_types((aval.dtype, aval.weak_type), dtypes.value_type(x))
        same = found == (aval.dtype, aval.weak_type)
        t = _BESIDE[key] = core.etype(*found) if same else None
    if t is None:
        return None
    try:
        return core.wrap(np.array(x, t.dtype), t)
    except OverflowError:
        return None


def promote(op: str, *args: Any) -> Sequence[Any]:
    """Arguments as values of one dtype, ready for an elementwise operation."""
    if len(args) == 2:
        found = ready_pair(*args)
        if found is not None:
            return found
    ready = [
        x if type(x) is Array or isinstance(x, Tracer) else value(op, x, i)
        for i, x in enumerate(args)
    ]
    first = ready[0].aval
    for x in ready:
        aval = x.aval
        if (
            aval.shape != first.shape
            or aval.dtype != first.dtype
            or aval.weak_type != first.weak_type
        ):
            return broadcast(op, promote_dtypes(*ready))
    return ready


def promote_float(op: str, *args: Any) -> Sequence[Any]:
    """Like `promote`, to a float or complex dtype."""
    if len(args) == 2:
        found = ready_pair(*args)
        if found is not None and dtypes.is_inexact(found[0].aval.dtype):
            return found
    return broadcast(op, promote_inexact(*values(op, *args)))


def number(like: Any, value: Any) -> Array:
    """A number without dimensions, of the dtype and weakness of `like`: operations broadcast it."""
    aval = like.aval
    return core.wrap(np.array(value, aval.dtype), core.etype(aval.dtype, aval.weak_type))


def filled(like: Any, value: Any) -> Array:
    """A constant array of the shape, dtype and weakness of `like`; it takes no memory."""
    aval = like.aval
    return core.full(aval.shape, value, aval.dtype, aval.weak_type)


def no_out(op: str, out: Any) -> None:
    if out is not None:
        core.refuse(op, "out", NotImplementedError)
