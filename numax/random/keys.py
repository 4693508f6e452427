"""Making keys, and keys from keys."""

import operator
from typing import Any, NewType

import numpy as np

from numax import lax
from numax._engine.core import config, dtypes
from numax._engine.core.array import Array, wrap
from numax._engine.core.avals import etype
from numax._engine.core.trace import Tracer, as_value
from numax._engine.ops import rng
from numax.random.arguments import key_value, known, shape_value, single_key

Key = NewType("Key", Array)

_IMPLEMENTATION = "threefry2x32"
_ABSENT = ("rbg", "unsafe_rbg", "threefry4x32", "philox2x32", "philox4x32")
_WORD = 0xFFFFFFFF


def _check_impl(name: str, impl: Any) -> None:
    """ValueError or TypeError for an implementation that numax does not have."""
    chosen = config.default_prng_impl.value if impl is None else impl
    if chosen == _IMPLEMENTATION or isinstance(chosen, dtypes.KeyType):
        return
    if not isinstance(chosen, str):
        raise TypeError(
            f"{name}: a PRNG implementation is named by a string or a key dtype; got {chosen!r}. "
            f"Use impl={_IMPLEMENTATION!r}."
        )
    if chosen in _ABSENT:
        raise ValueError(
            f"{name}: the PRNG implementation {chosen!r} is not available in numax. Use {_IMPLEMENTATION!r}."
        )
    raise ValueError(
        f"{name}: unrecognized PRNG implementation {chosen!r}. Use {_IMPLEMENTATION!r}."
    )


def _seed(name: str, seed: Any) -> Any:
    """A typed key of a seed."""
    if type(seed) is int:
        if not -(1 << 63) <= seed < 1 << 63:
            raise OverflowError(
                f"{name}: a seed must fit 64 bits; got {seed}. Use a smaller seed, and fold_in."
            )
        high = seed >> 32 & _WORD if config.enable_x64.value else 0
        return wrap(np.array(high | (seed & _WORD) << 32, np.uint64), rng.KEY)
    if type(seed) is not Array and not isinstance(seed, Tracer):
        seed = as_value(np.asarray(seed) if isinstance(seed, list | tuple) else seed, name)
    aval = seed.aval
    if dtypes.is_key(aval.dtype):
        raise TypeError(
            f"{name}: accepts an integer seed; got a PRNG key. Use split or fold_in for new keys."
        )
    if aval.shape:
        raise TypeError(
            f"{name}: accepts a scalar seed; got an array of shape {aval.shape}. Use numax.vmap for batching."
        )
    return rng.random_seed(seed)


def PRNGKey(seed: Any, *, impl: Any = None) -> Any:  # noqa: N802  (JAX's name)
    """A legacy key, raw uint32 data, of an integer seed. New code uses `key`.

    Shapes: () -> (2,). Dtypes: integer -> uint32. Raises: TypeError for other seeds. Grad: none (bits).
    """
    _check_impl("PRNGKey", impl)
    made = _seed("PRNGKey", seed)
    return made if config.enable_custom_prng.value else rng.random_unwrap(made)


def key(seed: Any, *, impl: Any = None, dtype: Any = None) -> Any:
    """A typed key of an integer seed. Seeds are 32 bits wide, or 64 with x64 enabled.

    Shapes: () -> (). Dtypes: integer -> key<fry>. Raises: TypeError for other seeds. Grad: none (bits).
    """
    if dtype is not None:
        if impl is not None:
            raise ValueError("key: got both `impl` and `dtype`. Give one of them.")
        if not isinstance(dtype, dtypes.KeyType):
            raise TypeError(
                f"key: dtype must be a key dtype; got {dtype!r}. Use numax.random.key_dtype()."
            )
    _check_impl("key", impl)
    return _seed("key", seed)


def key_dtype(impl_spec: Any = None) -> Any:
    """The dtype of the typed keys of an implementation.

    Raises: ValueError for an unknown implementation.
    """
    _check_impl("key_dtype", impl_spec)
    return rng.FRY


def key_impl(keys: Any) -> str:
    """The name of the implementation that keys belong to.

    Raises: TypeError for what is no key.
    """
    return key_value("key_impl", keys)[0].aval.dtype.impl


def key_data(keys: Any) -> Any:
    """The raw uint32 data of keys.

    Shapes: K -> (*K, 2); raw data stays as it is. Raises: TypeError for what is no key. Grad: none (bits).
    """
    return rng.random_unwrap(key_value("key_data", keys)[0])


def wrap_key_data(key_bits_array: Any, *, impl: Any = None, dtype: Any = None) -> Any:
    """Typed keys of raw data.

    Shapes: (*K, 2) -> K. Dtypes: uint32 -> key<fry>. Raises: TypeError for other data. Grad: none (bits).
    """
    if impl is not None and dtype is not None:
        raise ValueError("wrap_key_data: got both `impl` and `dtype`. Give one of them.")
    _check_impl("wrap_key_data", impl if dtype is None else dtype)
    return rng.random_wrap(as_value(key_bits_array, "wrap_key_data"))


def clone(key: Any) -> Any:
    """The same key, which may be used once more where the reuse of keys is checked.

    Dtypes: typed keys and raw ones (uint32).
    """
    value = as_value(key, "clone")
    return rng.random_clone(value) if dtypes.is_key(value.aval.dtype) else value


def split(key: Any, num: int | tuple[int, ...] = 2) -> Any:
    """New keys of a key. Each stream of numbers needs a key of its own.

    Shapes: () -> (num,) or num itself; raw keys: (2,) -> (num, 2). Raises: ValueError for an array of keys.
    Grad: none (bits).
    """
    found = single_key("split", key)
    if type(num) is int and 0 < num <= 64 and type(key) is Array and known(found):
        made = rng.few_keys(int(found.numpy_()), num)
        if found is key:
            return wrap(made, rng.KEY)
        return wrap(rng.host_unwrap(made), etype(dtypes.uint32))
    shape = shape_value("split", num if isinstance(num, tuple | list) else (operator.index(num),))
    keys = rng.random_split_p.bind(found, shape=shape, **rng.scheme())
    return keys if found is key or dtypes.is_key(key.dtype) else rng.random_unwrap(keys)


def fold_in(key: Any, data: Any) -> Any:
    """A new key of a key and an integer, such as the number of a step or a device.

    Shapes: (), () -> (). Raises: OverflowError for ints outside uint32. Grad: none (bits).
    """
    found = single_key("fold_in", key)
    if type(data) is int:
        if not 0 <= data <= _WORD:
            raise OverflowError(
                f"fold_in: data must fit uint32; got {data}. Reduce it, or fold in its parts."
            )
        word = wrap(np.array(data, np.uint32), etype(dtypes.uint32))
    else:
        value = as_value(data, "fold_in")
        if value.aval.shape:
            raise TypeError(
                f"fold_in: accepts a scalar; got an array of shape {value.aval.shape}. Use numax.vmap for batching."
            )
        word = lax.convert_element_type(value, dtypes.uint32)
    made = rng.random_fold_in_p.bind(found, word)
    return made if found is key or dtypes.is_key(key.dtype) else rng.random_unwrap(made)
