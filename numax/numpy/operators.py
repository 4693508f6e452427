"""Python's operators on Arrays and traced values: +, *, <, ~, abs(), divmod(), ..."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax import core
from numax.core import Array, Tracer, dtypes
from numax.numpy import arithmetic, elementwise, logic
from numax.numpy.promotion import is_arraylike

_KNOWN = (np.ndarray, np.generic, bool, int, float, complex, Tracer)
_ACCEPTED: set[type] = {Array}


def _takes(x: Any) -> bool:
    """Whether operators take such an object: arrays, numbers, and what has __jax_array__."""
    if isinstance(x, _KNOWN):
        _ACCEPTED.add(type(x))
        return True
    return is_arraylike(x)


def deferring(function: Callable[..., Any]) -> Callable[..., Any]:
    """The general way, or NotImplemented where an operand is no array or number."""

    def general(x: Any, y: Any, /) -> Any:
        if (type(x) in _ACCEPTED or _takes(x)) and (type(y) in _ACCEPTED or _takes(y)):
            return function(x, y)
        return NotImplemented

    return general


def _equality(function: Callable[..., Any], symbol: str) -> Callable[..., Any]:
    """== and != with a list would answer quietly for the objects: an error, as in JAX."""
    otherwise = deferring(function)

    def general(x: Any, y: Any, /) -> Any:
        if isinstance(y, list | tuple):
            raise TypeError(
                f"unsupported operand type(s) for {symbol}: 'Array' and '{type(y).__name__}'. "
                "Use numax.numpy.array_equal, or numax.numpy.asarray on the list."
            )
        return otherwise(x, y)

    return general


def _reversed(operator: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: operator(other, self)


_BINARY: dict[str, tuple[Any, Any]] = {
    "add": (arithmetic.add, np.add),
    "sub": (arithmetic.subtract, np.subtract),
    "mul": (arithmetic.multiply, np.multiply),
    "truediv": (arithmetic.divide, np.true_divide),
    "floordiv": (arithmetic.floor_divide, np.floor_divide),
    "mod": (arithmetic.remainder, np.remainder),
    "pow": (arithmetic.power, np.power),
    "lshift": (logic.left_shift, np.left_shift),
    "rshift": (logic.right_shift, np.right_shift),
    "and": (logic.bitwise_and, np.bitwise_and),
    "or": (logic.bitwise_or, np.bitwise_or),
    "xor": (logic.bitwise_xor, np.bitwise_xor),
}
_COMPARISONS: dict[str, tuple[Any, Any]] = {
    "lt": (logic.less, np.less),
    "le": (logic.less_equal, np.less_equal),
    "gt": (logic.greater, np.greater),
    "ge": (logic.greater_equal, np.greater_equal),
}


def round_value(x: Any, ndigits: int | None = None) -> Any:
    """round(x) gives integers, round(x, n) floats, as Python's."""
    if ndigits is not None:
        return elementwise.round(x, ndigits)
    rounded = elementwise.round(x)
    return (
        rounded
        if not dtypes.is_float(x.dtype)
        else core.convert(rounded, dtypes.default_dtype(int))
    )


def _pairs() -> dict[str, tuple[Callable[..., Any], Callable[..., Any]]]:
    """Each operator method twice: for Arrays, with the fast path, and for traced values."""
    found: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}

    def put(name: str, general: Callable[..., Any], fast: Callable[..., Any]) -> None:
        found[name] = (fast, general)

    for name, (function, ufunc) in (_BINARY | _COMPARISONS).items():
        general = deferring(function.__wrapped__)
        fast = core.eager.binary(function.__name__, ufunc, general)
        put(f"__{name}__", general, fast)
        if name in _BINARY:
            put(f"__r{name}__", _reversed(general), _reversed(fast))
    for name, symbol, function, ufunc in (
        ("__eq__", "==", logic.equal, np.equal),
        ("__ne__", "!=", logic.not_equal, np.not_equal),
    ):
        general = _equality(function.__wrapped__, symbol)
        put(name, general, core.eager.binary(function.__name__, ufunc, general))
    for name, function in (
        ("__neg__", arithmetic.negative),
        ("__abs__", elementwise.abs),
        ("__invert__", logic.invert),
    ):
        put(name, function.__wrapped__, getattr(function, "call", function))
    divmod_ = deferring(arithmetic.divmod)
    put("__divmod__", divmod_, divmod_)
    put("__rdivmod__", _reversed(divmod_), _reversed(divmod_))
    put("__pos__", elementwise.positive, elementwise.positive)
    put("__round__", round_value, round_value)
    return found


def install(array_class: type, tracer_class: type) -> None:
    """Give both classes their operators. `x += y` rebinds: there are no in-place operators."""
    for name, (fast, general) in _pairs().items():
        setattr(array_class, name, fast)
        setattr(tracer_class, name, general)
    array_class.__hash__ = None  # type: ignore[assignment]
    tracer_class.__hash__ = None  # type: ignore[assignment]


__all__ = ["install", "round_value"]
