"""Making arrays: from numbers, lists and other libraries' arrays, filled with a value, ranges and grids of numbers."""

import math
import operator
from typing import Any, Never

import numpy as np

from numax import api, core, lax
from numax.core import Array, Tracer, dtypes
from numax.numpy import types
from numax.numpy.promotion import broadcast, promote_inexact, to_shape, value
from numax.numpy.types import requested_dtype

_PYTHON = frozenset((bool, int, float, complex))
_host_of = core.eager.host_of
_wrap = core.eager.wrap_host
_etype = core.etype


def placed(x: Any, device: Any) -> Any:
    """x on a device; None leaves it where it is."""
    return x if device is None else api.devices.device_put(x, device)


# ---- array ----


def _leaf_kinds(items: Any, found: set[type]) -> set[type]:
    """The types of the elements of nested lists and tuples."""
    kinds = set(map(type, items))
    nested = [k for k in kinds if issubclass(k, list | tuple)]
    if nested:
        for item in items:
            if isinstance(item, list | tuple):
                _leaf_kinds(item, found)
        kinds.difference_update(nested)
    found |= kinds
    return found


def _leaves(items: Any) -> list[Any]:
    out = []
    for item in items:
        if isinstance(item, list | tuple):
            out += _leaves(item)
        else:
            out.append(item)
    return out


def _python_dtype(kinds: set[type]) -> Any:
    for kind in (complex, float, int, bool):
        if kind in kinds:
            return dtypes.default_dtype(kind)
    return dtypes.default_dtype(float)


def _checked_leaf(op: str, x: Any) -> Any:
    if x is None:
        raise ValueError(f"{op}: None is not a valid value for an array. Use numax.numpy.nan.")
    if type(x) is Array or isinstance(x, Tracer) or type(x) in _PYTHON:
        return x
    return core.as_value(x, op) if hasattr(x, "__jax_array__") else _foreign(op, x)


def _foreign(op: str, x: Any) -> np.ndarray:
    """Another library's array, a buffer or a sequence as a NumPy array of numbers."""
    data = np.asarray(x)
    if data.dtype.kind not in "biufcV" or data.dtype.names:
        raise TypeError(
            f"{op}: value {x!r} with dtype {data.dtype} is not a valid array. Only numbers and booleans are."
        )
    return data if data.dtype.isnative else data.astype(data.dtype.newbyteorder("="))


def _stacked(op: str, items: Any, dtype: Any) -> Any:
    """Nested sequences with traced values among them."""
    parts = [
        _stacked(op, x, dtype) if isinstance(x, list | tuple) else _one(op, x, dtype) for x in items
    ]
    if not parts:
        return core.full((0,), 0, dtype)
    shapes = {x.shape for x in parts}
    if len(shapes) > 1:
        raise ValueError(
            f"{op}: elements of a sequence must have equal shapes; got {', '.join(map(str, shapes))}."
        )
    return lax.stack(parts, 0)


def _one(op: str, x: Any, dtype: Any) -> Any:
    return core.convert(core.as_value(x, op), dtype)


def _nested(items: Any) -> Any:
    """Nested sequences with Arrays replaced by NumPy arrays."""
    return [
        _nested(x) if isinstance(x, list | tuple) else (x.numpy_() if type(x) is Array else x)
        for x in items
    ]


def _from_sequence(op: str, items: Any, dtype: Any) -> Any:
    kinds = _leaf_kinds(items, set())
    if kinds <= _PYTHON:
        target = _python_dtype(kinds) if dtype is None else dtype
        return _wrap(np.array(items, target), _etype(target))
    leaves = [_checked_leaf(op, x) for x in _leaves(items)]
    if dtype is None:
        dtype = dtypes.join_types(*[dtypes.value_type(x) for x in leaves])[0]
    if dtypes.is_key(dtype) or any(isinstance(x, Tracer) for x in leaves):
        return _stacked(op, items, dtype)
    physical = dtypes.physical(dtype)
    try:
        return _wrap(np.array(_nested(items), physical), _etype(dtype))
    except (
        TypeError
    ):  # elements that NumPy cannot convert in place, such as bfloat16 arrays to int4
        return _stacked(op, items, dtype)


def _from_object(op: str, x: Any, dtype: Any, copy: Any) -> Any:
    kind = type(x)
    if kind in _PYTHON:
        if dtype is None:
            return core.as_value(x)
        return _wrap(np.array(x, dtype), _etype(dtype))
    if isinstance(x, list | tuple):
        return _from_sequence(op, x, dtype)
    is_number = isinstance(x, bool | int | float | complex) and not isinstance(x, np.generic)
    if is_number or hasattr(x, "__jax_array__"):
        out = core.as_value(x, op)
    else:
        if x is None:
            raise ValueError(f"{op}: None is not a valid value for an array. Use numax.numpy.nan.")
        data = _foreign(op, x)
        if dtype is not None and data.dtype != dtype and not dtypes.is_key(dtype):
            return _wrap(_cast(data, dtype), _etype(dtype))
        out = core.from_numpy(data, copy=copy is not False and not np.isscalar(x))
    return out if dtype is None else core.convert(out, dtype)


def _cast(data: np.ndarray, dtype: Any) -> np.ndarray:
    """NumPy's conversion, which wraps integers around."""
    if dtypes.is_complex(data.dtype) and not dtypes.is_complex(dtype) and dtype != dtypes.bool_:
        data = data.real
    return core.eager.quiet.run(data.astype, dtype)


@core.refuses("subok", "ndmax", "like")
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool = True,
    order: str | None = "K",
    ndmin: int = 0,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """An array from a number, nested lists, a NumPy array, or another library's array.

    Differs from NumPy: 64-bit types are narrowed unless x64 is on; numbers alone are weakly typed.
    Raises: TypeError for what is not numbers; ValueError for ragged lists and None. Source: NumPy `array`.
    """
    if numpy_only:
        core.no_options("array", numpy_only)
    return _array("array", object, dtype, copy, order, ndmin, device)


@core.refuses("like")
def asarray(
    a: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    copy: bool | None = None,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """Like `array`; an Array of the right dtype is returned as it is, unless copy=True.

    Differs from NumPy: memory of NumPy arrays is shared only where copy=False.
    Raises: ValueError if copy=False and the dtype must change. Source: NumPy `asarray`.
    """
    if numpy_only:
        core.no_options("asarray", numpy_only)
    out = _array("asarray", a, dtype, copy, order, 0, device)
    if copy is False and isinstance(a, Array | np.ndarray) and a.dtype != out.dtype:
        raise ValueError(
            f"asarray: {a.dtype} to {out.dtype} needs a copy, and copy=False was given. Leave copy out."
        )
    return out


def _array(op: str, x: Any, dtype: Any, copy: Any, order: Any, ndmin: int, device: Any) -> Any:
    if order not in (None, "K", "C", "A"):
        raise NotImplementedError(
            f"{op}: arrays have no memory order; got order={order!r}. Leave it out."
        )
    if dtype is not None:
        dtype = requested_dtype(op, dtype)
    if type(x) is Array or isinstance(x, Tracer):
        out = x if dtype is None else core.convert(x, dtype)
        if copy and out is x:
            out = lax.copy_p.bind(x)
    else:
        out = _from_object(op, x, dtype, copy)
    if ndmin > len(out.shape):
        out = lax.expand_dims(out, tuple(range(ndmin - len(out.shape))))
    return out if device is None else placed(out, device)


types._Maker.asarray = asarray


@core.refuses("subok")
def copy(a: Any, order: str | None = None, **numpy_only: Never) -> Any:
    """A new array with the same elements.

    Raises: TypeError for lists. Grad: linear. Source: NumPy `copy`.
    """
    if numpy_only:
        core.no_options("copy", numpy_only)
    a = value("copy", a)
    return _array("copy", a, None, True, order, 0, None)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array from another library's, through DLPack.

    Differs from NumPy: the memory is copied unless copy=False, since its owner may still write to it.
    Source: array API `from_dlpack`.
    """
    if type(x) is Array:
        return array(x, copy=bool(copy), device=device)
    if not hasattr(x, "__dlpack__"):
        raise TypeError(
            f"from_dlpack: an object with __dlpack__ is needed; got {type(x).__name__}. Use numax.numpy.asarray."
        )
    data = api.devices.from_dlpack(x)
    out = core.from_numpy(data, copy=copy is not False)
    if copy is False and out.dtype != data.dtype:
        raise ValueError(
            f"from_dlpack: {data.dtype} to {out.dtype} needs a copy, and copy=False was given. Enable x64."
        )
    return placed(out, device)


@core.refuses("like")
def frombuffer(
    buffer: Any, dtype: Any = float, count: int = -1, offset: int = 0, **numpy_only: Never
) -> Any:
    """An array from the bytes of a buffer; they are copied.

    Differs from NumPy: 64-bit data is narrowed unless x64 is on. Source: NumPy `frombuffer`.
    """
    if numpy_only:
        core.no_options("frombuffer", numpy_only)
    return core.from_numpy(np.frombuffer(buffer, np.dtype(dtype), count, offset))


def fromfile(*args: Any, **kwargs: Any) -> Any:
    """An array from a text or binary file, with numpy.fromfile's arguments.

    Differs from NumPy: 64-bit data is narrowed unless x64 is on. Source: NumPy `fromfile`.
    """
    return core.from_numpy(np.fromfile(*args, **kwargs), copy=False)


def fromiter(*args: Any, **kwargs: Any) -> Any:
    """An array from an iterable of numbers, with numpy.fromiter's arguments. The iterable is read once, while tracing.

    Differs from NumPy: 64-bit data is narrowed unless x64 is on. Source: NumPy `fromiter`.
    """
    return core.from_numpy(np.fromiter(*args, **kwargs), copy=False)


@core.refuses("like")
def fromstring(
    string: str, dtype: Any = float, count: int = -1, *, sep: str, **numpy_only: Never
) -> Any:
    """An array from numbers in text, separated by `sep`.

    Differs from NumPy: 64-bit data is narrowed unless x64 is on. Source: NumPy `fromstring`.
    """
    if numpy_only:
        core.no_options("fromstring", numpy_only)
    return core.from_numpy(np.fromstring(string, np.dtype(dtype), count, sep=sep), copy=False)


# ---- one value ----


def _shape(op: str, shape: Any) -> tuple[int, ...]:
    if type(shape) is tuple and all([type(n) is int and n >= 0 for n in shape]):
        return shape
    if type(shape) is Array or isinstance(shape, Tracer | np.ndarray):
        shape = (core.to_index(shape),) if not shape.shape else tuple(shape)
    return core.canonical_shape(op, shape)


def constant(shape: tuple[int, ...], number: Any, dtype: Any, weak: bool = False) -> Any:
    """An array of one known number: NumPy memory, or an equation of the program being recorded."""
    if core.eager_now() and not dtypes.is_key(dtype):
        is_zero = type(number) is int and number == 0  # not -0.0
        data = np.zeros(shape, dtype) if is_zero else np.full(shape, number, dtype)
        return _wrap(data, _etype(dtype, weak))
    return lax.broadcast_in_dim(core.full((), number, dtype, weak), shape, ())


def _float() -> Any:
    return dtypes.default_dtype(float)


@core.refuses("order", "like")
def zeros(
    shape: Any,
    dtype: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """An array of zeros.

    Differs from NumPy: float32 unless given. Raises: ValueError for negative sizes. Source: NumPy `zeros`.
    """
    if numpy_only:
        core.no_options("zeros", numpy_only)
    dtype = _float() if dtype is None else requested_dtype("zeros", dtype)
    out = constant(_shape("zeros", shape), 0, dtype)
    return out if device is None else placed(out, device)


@core.refuses("order", "like")
def ones(
    shape: Any,
    dtype: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """An array of ones.

    Differs from NumPy: float32 unless given. Raises: ValueError for negative sizes. Source: NumPy `ones`.
    """
    if numpy_only:
        core.no_options("ones", numpy_only)
    dtype = _float() if dtype is None else requested_dtype("ones", dtype)
    out = constant(_shape("ones", shape), 1, dtype)
    return out if device is None else placed(out, device)


@core.refuses("order", "like")
def empty(
    shape: Any,
    dtype: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """An array whose elements are not to be relied on; here zeros.

    Differs from NumPy: float32 unless given. Source: NumPy `empty`.
    """
    if numpy_only:
        core.no_options("empty", numpy_only)
    dtype = requested_dtype("empty", float if dtype is None else dtype)
    return placed(constant(_shape("empty", shape), 0, dtype), device)


@core.refuses("order", "like")
def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """An array of one value, or of a value broadcast to the shape.

    Differs from NumPy: the dtype is the value's, weak for Python numbers. Grad: linear in the value.
    Source: NumPy `full`.
    """
    if numpy_only:
        core.no_options("full", numpy_only)
    shape = _shape("full", shape)
    if type(fill_value) in _PYTHON and device is None:
        if dtype is None:
            kind = type(fill_value)
            if kind is not int or -(2**31) <= fill_value < 2**31:
                return constant(shape, fill_value, dtypes.default_dtype(kind), kind is not bool)
    fill = value("full", fill_value)
    if dtype is not None:
        fill = core.convert(fill, requested_dtype("full", dtype))
    return placed(to_shape_checked("full", fill, shape), device)


def to_shape_checked(op: str, x: Any, shape: tuple[int, ...]) -> Any:
    """x broadcast to a shape, by NumPy's rule. ValueError if it does not fit."""
    own = x.shape
    if own == shape:
        return x
    lead = len(shape) - len(own)
    if lead < 0 or any(n not in (1, m) for n, m in zip(own, shape[lead:])):
        raise ValueError(
            f"{op}: cannot broadcast {x.aval.str_short()} to shape {shape}. Sizes must agree, counted from the last "
            "axis, or be 1; the new shape must not have fewer axes."
        )
    return to_shape(x, shape)


def _like(op: str, a: Any, dtype: Any, shape: Any) -> tuple[tuple[int, ...], Any, bool]:
    aval = value(op, a).aval
    sizes = aval.shape if shape is None else _shape(op, shape)
    if dtype is None:
        return sizes, aval.dtype, aval.weak_type
    return sizes, requested_dtype(op, dtype), False


@core.refuses("order", "subok")
def zeros_like(
    a: Any,
    dtype: Any = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """Zeros of another array's shape and dtype, unless given.

    Source: NumPy `zeros_like`.
    """
    if numpy_only:
        core.no_options("zeros_like", numpy_only)
    sizes, dtype, weak = _like("zeros_like", a, dtype, shape)
    return placed(constant(sizes, 0, dtype, weak), device)


@core.refuses("order", "subok")
def ones_like(
    a: Any,
    dtype: Any = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """Ones of another array's shape and dtype, unless given.

    Source: NumPy `ones_like`.
    """
    if numpy_only:
        core.no_options("ones_like", numpy_only)
    sizes, dtype, weak = _like("ones_like", a, dtype, shape)
    return placed(constant(sizes, 1, dtype, weak), device)


@core.refuses("order", "subok")
def empty_like(
    prototype: Any, dtype: Any = None, shape: Any = None, *, device: Any = None, **numpy_only: Never
) -> Any:
    """An array of another's shape and dtype, unless given, whose elements are not to be relied on; here zeros.

    Source: NumPy `empty_like`.
    """
    if numpy_only:
        core.no_options("empty_like", numpy_only)
    sizes, dtype, weak = _like("empty_like", prototype, dtype, shape)
    return placed(constant(sizes, 0, dtype, weak), device)


@core.refuses("order", "subok")
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """A value, broadcast, in another array's shape and dtype, unless given.

    Grad: linear in the value. Source: NumPy `full_like`.
    """
    if numpy_only:
        core.no_options("full_like", numpy_only)
    sizes, dtype, weak = _like("full_like", a, dtype, shape)
    fill = core.convert(value("full_like", fill_value, 1), dtype, weak)
    return placed(to_shape_checked("full_like", fill, sizes), device)


# ---- ranges ----


@core.refuses("like")
def arange(
    start: Any,
    stop: Any = None,
    step: Any = None,
    dtype: Any = None,
    *,
    device: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Any:
    """Numbers from start (0 where only one bound is given) up to, without, stop.

    Differs from NumPy: int32 and float32 unless given; numbers must be known while tracing. Grad: zero.
    Raises: ZeroDivisionError for step 0; OverflowError if a number does not fit. Source: NumPy `arange`.
    """
    if numpy_only:
        core.no_options("arange", numpy_only)
    if type(start) is int and stop is None and step is None and dtype is None and device is None:
        if core.eager_now() and start < 2**31:
            found = dtypes.default_dtype(int)
            return _wrap(np.arange(start, dtype=found), _etype(found))
    return placed(_arange(start, stop, step, dtype), device)


def _arange(start: Any, stop: Any, step: Any, dtype: Any) -> Any:
    given = [x for x in (start, stop, step) if x is not None]
    if start is None:
        raise TypeError("arange: a number is needed; got None.")
    known = [_known("arange", x) for x in (start, stop, step)]
    if dtype is None:
        dtype = dtypes.join_types(*[dtypes.value_type(x) for x in given])[0]
    else:
        dtype = requested_dtype("arange", dtype)
    if not dtypes.is_number(dtype):
        raise TypeError(f"arange: accepts number dtypes; got {dtype}. Convert the result.")
    first, last, width = known
    if stop is None:
        first, last = 0, first
    width = 1 if step is None else width
    if width == 0:
        raise ZeroDivisionError("arange: step must not be zero.")
    size = max(0, math.ceil((last - first) / width))
    return _range(first, width, size, dtype)


def _range(first: Any, width: Any, size: int, dtype: Any) -> Any:
    exact = isinstance(first, int) and isinstance(width, int)
    if (
        dtypes.is_integer(dtype) and not exact
    ):  # as NumPy: the first two numbers, converted, set the width
        width = int(first + width) - int(first)
        first, exact = int(first), True
    if dtypes.is_integer(dtype) and size:
        limits = dtypes.iinfo(dtype)
        low, high = sorted((first, first + (size - 1) * width))
        if low < int(limits.min) or high > int(limits.max):
            raise OverflowError(
                f"arange: the numbers {low} to {high} do not fit {dtype}. Give a wider dtype, or enable x64."
            )
    if not core.eager_now() and exact and dtypes.is_integer(dtype) and size:
        line = lax.iota(dtype, size)
        line = line if width == 1 else lax.mul(line, core.full((), width, dtype))
        return line if first == 0 else lax.add(line, core.full((), first, dtype))
    if exact:
        data = np.arange(first, first + size * width, width)
    else:
        data = first + np.arange(size) * width
    if dtypes.is_integer(dtype) and first == 0 and width == 1:
        data = np.arange(size)
    return _wrap(data.astype(dtype), _etype(dtype))


def _known(op: str, x: Any) -> Any:
    """A Python number for a scalar argument."""
    if x is None or type(x) in (int, float):
        return x
    if not (
        type(x) is Array
        or isinstance(x, Tracer | np.ndarray | np.generic | bool | int | float | complex)
    ):
        if hasattr(x, "__jax_array__"):
            return _known(op, x.__jax_array__())
        raise TypeError(f"{op}: numbers are needed; got {x!r} of type {type(x).__name__}.")
    found = core.as_value(x, op)
    if found.shape:
        raise ValueError(f"{op}: arguments must be scalars; got {found.aval.str_short()}.")
    if dtypes.is_complex(found.dtype):
        raise ValueError(f"{op}: complex start, stop and step are not accepted; got {x!r}.")
    if isinstance(found, Tracer) or type(x) is Array:
        return core.to_number(found, int if not dtypes.is_inexact(found.dtype) else float)
    return x.item() if isinstance(x, np.ndarray | np.generic) else x


def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """`num` evenly spaced numbers from start to stop, which is included unless endpoint is False.

    Differs from NumPy: float32 unless given. Grad: linear in start and stop. Raises: ValueError for negative num.
    Source: NumPy `linspace`.
    """
    num = _count("linspace", num)
    if dtype is not None:
        dtype = requested_dtype("linspace", dtype)
    if isinstance(start, int | float) and isinstance(stop, int | float) and not retstep:
        target = dtypes.default_dtype(float) if dtype is None else dtype
        if axis in (0, -1) and target in _NATIVE_FLOATS:
            line = core.eager.quiet.run(np.linspace, float(start), float(stop), num, endpoint)
            return placed(_wrap(line.astype(target), _etype(target)), device)
    ends = broadcast(
        "linspace", promote_inexact(value("linspace", start), value("linspace", stop, 1))
    )
    out, step = _spaced(*ends, num, endpoint)
    axis = core.canonical_axis("linspace", axis, len(out.shape))
    if dtype is not None and dtypes.is_integer(dtype) and not dtypes.is_complex(out.dtype):
        out = lax.floor(out)
    found = ends[0].dtype if dtype is None else dtype
    out = placed(core.moveaxis(core.convert(out, found), 0, axis), device)
    return (out, core.convert(step, ends[0].dtype)) if retstep else out


_NATIVE_FLOATS = frozenset((dtypes.float16, dtypes.float32, dtypes.float64))


def _count(op: str, num: Any) -> int:
    if type(num) is Array or isinstance(num, Tracer):
        found = core.to_index(num)
    else:
        try:
            found = operator.index(num)
        except TypeError:
            raise TypeError(f"{op}: num must be an integer; got {num!r}.") from None
    if found < 0:
        raise ValueError(f"{op}: the number of samples must not be negative; got {found}.")
    return found


def _spaced(start: Any, stop: Any, num: int, endpoint: bool) -> tuple[Any, Any]:
    """Numbers along a new first axis, and their distance."""
    start, stop = broadcast("linspace", [start, stop])
    shape = np.broadcast_shapes(start.shape, stop.shape)
    start, stop = to_shape(start, shape), to_shape(stop, shape)
    dtype = start.dtype
    parts = num - 1 if endpoint else num
    width = lax.sub(stop, start)
    if parts > 0:
        step = lax.div(width, core.full((), parts, dtype))
    else:
        step = lax.full_like(width, math.nan) if endpoint else width
    if num == 0:
        return core.full((0, *shape), 0, dtype), lax.full_like(width, math.nan)
    if parts <= 0:
        return lax.expand_dims(start, (0,)), step
    real = dtypes.finfo(dtype).dtype
    line = np.arange(num) / parts
    wide = (num, *shape)
    lead = (num,) + (1,) * len(shape)

    def weights(values: np.ndarray) -> Any:
        data = np.broadcast_to(values.reshape(lead).astype(real).astype(dtype), wide)
        return _wrap(data, _etype(dtype))

    dims = tuple(range(1, len(wide)))
    first = lax.broadcast_in_dim(start, wide, dims)
    last = lax.broadcast_in_dim(stop, wide, dims)
    out = lax.add(lax.mul(first, weights(1 - line)), lax.mul(last, weights(line)))
    if endpoint:  # the last one exactly
        is_last = np.broadcast_to((np.arange(num) == num - 1).reshape(lead), wide)
        out = lax.select_n(_wrap(is_last, _etype(dtypes.bool_)), out, last)
    return out, step


def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """base ** linspace(start, stop, num): numbers evenly spaced on a log scale.

    Differs from NumPy: float32 unless given. Grad: elementwise. Source: NumPy `logspace`.
    """
    dtype = None if dtype is None else requested_dtype("logspace", dtype)
    base = value("logspace", base)
    ends = [value("logspace", start), value("logspace", stop, 1)]
    if base.shape:
        shape = np.broadcast_shapes(base.shape, ends[0].shape, ends[1].shape)
        ends = [to_shape(x, shape) for x in ends]
        base = lax.expand_dims(
            to_shape(base, shape), (core.canonical_axis("logspace", axis, len(shape) + 1),)
        )
    count = max(len(x.shape) for x in ends) + 1
    axis = core.canonical_axis("logspace", axis, count)
    line = linspace(*ends, num, endpoint=endpoint, axis=axis)
    base, line = promote_inexact(base, line)
    base, line = broadcast("logspace", [base, line])
    out = lax.pow(base, line)
    return core.convert(out, out.dtype if dtype is None else dtype)


def geomspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers from start to stop, each a fixed multiple of the one before.

    Differs from NumPy: bounds of different signs, or zero, give nan instead of an error. Grad: elementwise.
    Source: NumPy `geomspace`.
    """
    num = _count("geomspace", num)
    dtype = None if dtype is None else requested_dtype("geomspace", dtype)
    if isinstance(start, int | float) and isinstance(stop, int | float) and start * stop > 0:
        target = dtypes.default_dtype(float) if dtype is None else dtype
        if axis in (0, -1) and not dtypes.is_key(target):
            line = np.geomspace(float(start), float(stop), num, endpoint)
            return _wrap(line.astype(target), _etype(target))
    start, stop = broadcast(
        "geomspace", promote_inexact(value("geomspace", start), value("geomspace", stop, 1))
    )
    shape = np.broadcast_shapes(start.shape, stop.shape)
    start, stop = to_shape(start, shape), to_shape(stop, shape)
    unit = lax.sign(start)
    ratio = (
        lax.log(lax.div(stop, start))
        if dtypes.is_complex(start.dtype)
        else lax.log(lax.div(stop, unit))
    )
    if dtypes.is_complex(start.dtype):
        powers, _ = _spaced(lax.full_like(ratio, 0), ratio, num, endpoint)
        factor = start
    else:
        powers, _ = _spaced(lax.log(lax.div(start, unit)), ratio, num, endpoint)
        factor = unit
    wide = (num, *shape)
    dims = tuple(range(1, len(wide)))
    out = lax.mul(lax.broadcast_in_dim(factor, wide, dims), lax.exp(powers))
    place = np.arange(num).reshape((num,) + (1,) * len(shape))
    if num:  # the ends exactly; where they make no sense, nan stays
        out = _ends(out, start, stop, place, num, endpoint)
    found = start.dtype if dtype is None else dtype
    axis = core.canonical_axis("geomspace", axis, len(wide))
    if dtypes.is_integer(found) and not dtypes.is_complex(out.dtype):
        nearest = lax.round(
            out
        )  # exp and log miss integers by a few ulp, and conversion would truncate
        slack = lax.mul(
            lax.abs(out), core.full((), 32 * float(dtypes.finfo(out.dtype).eps), out.dtype)
        )
        out = lax.select_n(lax.le(lax.abs(lax.sub(out, nearest)), slack), out, nearest)
    return core.moveaxis(core.convert(out, found), 0, axis)


def _ends(out: Any, start: Any, stop: Any, place: np.ndarray, num: int, endpoint: bool) -> Any:
    shape, dtype = out.shape, dtypes.bool_
    valid = lax.eq(out, out)
    dims = tuple(range(1, len(shape)))
    ends = [(0, start)] + ([(num - 1, stop)] if endpoint and num > 1 else [])
    for index, end in ends:
        here = _wrap(np.broadcast_to(place == index, shape), _etype(dtype))
        out = lax.select_n(
            lax.bitwise_and(here, valid), out, lax.broadcast_in_dim(end, shape, dims)
        )
    return out


__all__ = [
    "arange",
    "array",
    "asarray",
    "constant",
    "copy",
    "empty",
    "empty_like",
    "from_dlpack",
    "frombuffer",
    "fromfile",
    "fromiter",
    "fromstring",
    "full",
    "full_like",
    "geomspace",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "placed",
    "to_shape_checked",
    "zeros",
    "zeros_like",
]
