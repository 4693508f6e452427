"""What the samplers ask of their arguments: keys, shapes, dtypes, parameters; and how they run.

A sampler is a function of (key, shape, dtype, *parameters) on numax.lax. Called on known values it runs at once, one
NumPy operation at a time; a large sample is compiled as one program.
"""

import functools
import math
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax import lax
from numax._engine.core import config, dtypes, source
from numax._engine.core.array import Array, wrap
from numax._engine.core.avals import etype
from numax._engine.core.trace import RULES32, Tracer, as_value, current
from numax._engine.ops import rng
from numax.api.jit import jit

LARGE = 1 << 16  # samples of more numbers are compiled: XLA draws them ten times faster than NumPy

# ---- keys ----

_RAW = etype(dtypes.uint32)


def key_value(name: str, key: Any) -> tuple[Any, bool]:
    """Typed keys, of any shape, and whether they came as raw uint32 data.

    Raises: TypeError for what is neither typed keys nor key data of shape (..., 2).
    """
    if type(key) is not Array and not isinstance(key, Tracer):
        if not hasattr(key, "dtype") or not hasattr(key, "shape"):
            raise TypeError(
                f"{name}: the first argument must be a PRNG key; got {key!r} of type {type(key).__name__}. "
                "Make one with numax.random.key(seed)."
            )
        key = as_value(key, name)
    aval = key.aval
    if type(aval.dtype) is dtypes.KeyType:
        return key, False
    if aval.dtype != dtypes.uint32 or not aval.shape or aval.shape[-1] != 2:
        raise TypeError(
            f"{name}: invalid PRNG key data: it must be uint32 of shape (..., 2); got {aval.str_short()}. "
            "Make a key with numax.random.key(seed)."
        )
    legacy = config.legacy_prng_key.value
    if legacy != "allow":
        message = f"{name}: got a legacy uint32 key. Use numax.random.key in place of numax.random.PRNGKey."
        if legacy == "error":
            raise ValueError(message)
        warnings.warn(message, stacklevel=source.warning_level())
    if type(key) is Array and known(key):
        return wrap(rng.host_wrap(key.numpy_()), rng.KEY), True
    return rng.random_wrap(key), True


def single_key(name: str, key: Any) -> Any:
    """One typed key. Raises: ValueError for an array of keys, TypeError for what is no key."""
    if type(key) is Array:
        if key._t is rng.KEY and key.shape == ():
            return key
        words = key._np
        if key._t is _RAW and words is not None and words.shape == (2,) and known(key):
            if words.flags.c_contiguous and config.legacy_prng_key.value == "allow":
                return wrap(words.view(np.uint64).reshape(()), rng.KEY)
    found, raw = key_value(name, key)
    if found.aval.shape:
        shape = (*found.aval.shape, 2) if raw else found.aval.shape
        raise ValueError(
            f"{name}: accepts a single key; got a key array of shape {shape}. Use numax.vmap for batching."
        )
    return found


def usual_key(key: Any) -> bool:
    """Whether `key` is a known threefry key or its data, operations run at once, and all options are as usual: float32 is the default."""
    return (
        type(key) is Array
        and (key._t is rng.KEY or key._t is _RAW)
        and key._np is not None
        and current.get().rules is RULES32
        and config.threefry_partitionable.value
        and (key._t is rng.KEY or config.legacy_prng_key.value == "allow")
    )


def split(key: Any, count: int) -> list[Any]:
    """`count` new keys of a typed key."""
    if known(key):
        words = rng.host_split(key.numpy_(), (count,))
        return [wrap(words[i : i + 1].reshape(()), key._t) for i in range(count)]
    keys = rng.random_split(key, (count,))
    return [lax.index_in_dim(keys, i, 0, keepdims=False) for i in range(count)]


# ---- shapes and dtypes ----


def shape_value(name: str, shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of non-negative ints; an int is a shape of one dimension."""
    if type(shape) is tuple and all(type(n) is int and n >= 0 for n in shape):
        return shape
    try:
        sizes = (shape,) if hasattr(shape, "__index__") and not np.ndim(shape) else shape
        found = tuple([operator.index(n) for n in sizes])
    except TypeError:
        raise TypeError(
            f"{name}: a shape must be a sequence of integers known while tracing; got {shape!r}. "
            "Mark arguments that shapes depend on as static (static_argnums)."
        ) from None
    if any(n < 0 for n in found):
        raise ValueError(f"{name}: a shape has no negative sizes; got {found}.")
    return found


def common_shape(name: str, shape: Any, *params: Any) -> tuple[int, ...]:
    """The shape of a sample: as given, where the parameters broadcast to it; None: that of the parameters."""
    shapes = [np.shape(p) if not hasattr(p, "shape") else tuple(p.shape) for p in params]
    if shape is not None:
        shape = shape_value(name, shape)
    try:
        found = (
            np.broadcast_shapes(*shapes) if shape is None else np.broadcast_shapes(shape, *shapes)
        )
    except ValueError:
        found = None
    if found is None or (shape is not None and found != shape):
        listed = ", ".join(map(str, shapes))
        what = f"to shape {shape}" if shape is not None else "together"
        raise ValueError(
            f"{name}: the parameters, of shape {listed}, do not broadcast {what}. "
            "Give a shape that ends with theirs, or expand their axes."
        )
    return found


def float_dtype(name: str, dtype: Any) -> Any:
    """The float dtype of a sample. Raises: ValueError for other dtypes."""
    found = dtypes.default_dtype(float) if dtype is None else dtypes.canonicalize_dtype(dtype)
    if not dtypes.is_float(found):
        raise ValueError(
            f"{name}: the dtype must be a float dtype; got {found}. Convert the result with astype."
        )
    return found


def inexact_dtype(name: str, dtype: Any) -> Any:
    """The float or complex dtype of a sample. Raises: ValueError for other dtypes."""
    found = dtypes.default_dtype(float) if dtype is None else dtypes.canonicalize_dtype(dtype)
    if not dtypes.is_inexact(found):
        raise ValueError(
            f"{name}: the dtype must be a float or complex dtype; got {found}. Convert the result with astype."
        )
    return found


def int_dtype(name: str, dtype: Any, error: type[Exception] = ValueError) -> Any:
    """The integer dtype of a sample."""
    found = dtypes.default_dtype(int) if dtype is None else dtypes.canonicalize_dtype(dtype)
    if not dtypes.is_integer(found):
        raise error(
            f"{name}: the dtype must be an integer dtype; got {found}. Convert the result with astype."
        )
    return found


# ---- parameters ----


def constant(value: Any, dtype: Any) -> Array:
    """A number as a value of the dtype."""
    return wrap(np.array(value, dtype), etype(dtype))


@functools.cache
def number(value: float, dtype: Any) -> Array:
    """The same, kept: for the numbers that samplers are made of."""
    return constant(value, dtype)


def parameter(name: str, x: Any, dtype: Any) -> Any:
    """A parameter as a value of the dtype; complex ones lose their imaginary part."""
    if isinstance(x, bool | int | float):
        return constant(x, dtype)
    value = as_value(np.asarray(x) if isinstance(x, list | tuple) else x, name)
    return lax.convert_element_type(value, dtype)


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """A parameter at the sample's shape; one of no dimensions stays so, since operations broadcast it."""
    inner = x.aval.shape
    return x if inner == shape or not inner else full(x, shape)


def full(x: Any, shape: tuple[int, ...]) -> Any:
    """A parameter broadcast to the sample's shape."""
    inner = x.aval.shape
    if inner == shape:
        return x
    first = len(shape) - len(inner)
    return lax.broadcast_in_dim(x, shape, range(first, len(shape)))


# ---- running ----


def known(*values: Any) -> bool:
    """Whether all are arrays whose numbers can be used at once, in the usual numbering of streams."""
    if current.get().level >= 0 or not config.threefry_partitionable.value:
        return False
    return all([type(x) is Array for x in values])


def sampler(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function(key, shape, dtype, *params)` for large shapes of known values."""
    compiled: list[Any] = []

    @functools.wraps(function)
    def run(key: Any, shape: tuple[int, ...], dtype: Any, *params: Any) -> Any:
        if math.prod(shape) < LARGE or not known(key):
            return function(key, shape, dtype, *params)
        if not compiled:
            compiled.append(jit(function, static_argnums=(1, 2)))
        return compiled[0](key, shape, dtype, *params)

    return run


def repeat(
    test: Callable[..., Any], body: Callable[..., Any], start: Sequence[Any], size: int
) -> tuple[Any, ...]:
    """lax.while_loop on a tuple; small known values loop in Python, without a compilation."""
    carry = tuple(start)
    if size < LARGE // 8 and known(*carry):
        while known(done := test(*carry)) and done.numpy_():
            carry = tuple(body(*carry))
        if known(done):
            return carry
    return lax.while_loop(lambda c: test(*c), lambda c: tuple(body(*c)), carry)
