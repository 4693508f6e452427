"""The fast path of eager operations: NumPy's ufunc on the arrays' own memory, after a few type checks.

A rule is found by (operation, element type, element type or Python type) in the current mode's table. It exists where
NumPy gives by itself what the operation must give; the first call of a combination goes the general way and, if NumPy
agrees in dtype, writes the rule. While a program is recorded, or an option asks for checks, the table is empty.
"""

from collections.abc import Callable, Mapping
from typing import Any, Never

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.array import Array, from_numpy, wrap
from numax._engine.core.avals import EType, etype
from numax._engine.core.native import native
from numax._engine.core.refusal import UFUNC, documented, no_options
from numax._engine.core.trace import NO_RULES, Tracer, current
from numax._engine.host.quiet import quiet

Function = Callable[..., Any]
_ndarray = np.ndarray
_asarray = np.asarray
_new = object.__new__
_current = current.get
_SCALARS = (int, float, bool, complex)


def _learn(name: str, ufunc: Any, args: tuple[Any, ...], out: Any) -> None:
    """Write the rule for these types, if NumPy's own result has the right dtype."""
    rules = _current().rules
    if rules is NO_RULES or type(out) is not Array:
        return
    key: list[Any] = [name]
    values = []
    for a in args:
        if type(a) is Array:
            key.append(a._t)
            values.append(a.numpy_())
        elif type(a) in _SCALARS:
            key.append(type(a))
            values.append(a)
        else:
            return
    place = tuple(key)
    if place in rules:
        return
    rules[place] = None
    sources = [dtypes.value_type(a)[0] for a in args]
    if ufunc in _DIVIDING and any(d in _TINY for d in sources):
        return
    if ufunc in _LOSING and any(dtypes.is_complex(d) for d in sources):
        return
    try:
        if _agrees(quiet.run(ufunc, *values), out) and (
            out._t.dtype != np.bool_ or _same_loop(ufunc, args)
        ):
            rules[place] = out._t
            return
    except (ValueError, OverflowError):  # not for these numbers
        del rules[place]
        return
    except TypeError:  # NumPy has no such loop
        pass
    _learn_cast(name, ufunc, args, out, rules)


def _agrees(probe: Any, out: Array) -> bool:
    return np.asarray(probe).dtype == out._t.physical and np.shape(probe) == out.shape


def _foresee(name: str, ufunc: Any, args: tuple[Any, ...], rules: dict[Any, Any]) -> bool:
    """Write the rule without the general way, where it is plain: Arrays of one common dtype, one of them at least
    strong, Python numbers that it holds, and a ufunc that keeps the dtype or compares."""
    if type(ufunc) is not np.ufunc:
        return False
    dtype = None
    strong = False
    for a in args:
        if type(a) is Array:
            if dtype is not None and a._t.dtype != dtype:
                return False
            dtype = a._t.dtype
            strong = strong or not a._t.weak
    if not strong or dtype not in _PLAIN:
        return False
    if dtype == dtypes.int32 and ufunc not in _OF_INTEGERS:
        return False
    numbers = (int, float) if dtypes.is_float(dtype) else (int,)
    if any(type(a) is not Array and type(a) not in numbers for a in args):
        return False
    key = (name, *[_kind(a) for a in args])
    if key in rules:
        return False
    try:
        out = ufunc.resolve_dtypes((*[dtype] * len(args), None))[-1]
    except TypeError:  # NumPy has no such loop
        return False
    if out != dtype and out != np.bool_:
        return False
    rules[key] = etype(out)
    return True


_PLAIN = frozenset({dtypes.float32, dtypes.float64, dtypes.int32})
_OF_INTEGERS = (  # NumPy's loop of integers may give integers where the operation gives floats
    *(np.add, np.subtract, np.multiply, np.negative, np.absolute),
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
)


# ---- rules that first cast the operands to the dtype they promote to ----

_FOREIGN = (np.ndarray, np.generic)


def _borrowed(x: Any) -> Any:
    """A NumPy array or scalar as an Array, without a copy: for one operation at once."""
    if not isinstance(x, _FOREIGN) or x.dtype.kind not in "biufcV":
        return x
    return from_numpy(_asarray(x), copy=False)


def _kind(x: Any) -> Any:
    """What rules are found by: the element type of an Array, the type of a Python number."""
    return x._t if type(x) is Array else type(x)


def _cast(x: Any, dtype: Any) -> Any:
    return x.numpy_().astype(dtype, copy=False) if type(x) is Array else dtype.type(x)


def _learn_cast(
    name: str, ufunc: Any, args: tuple[Any, ...], out: Array, rules: dict[Any, Any]
) -> None:
    """Write a rule with casts, if NumPy's loop for the common dtype gives the result's dtype."""
    if not isinstance(ufunc, np.ufunc):
        return
    joined, _ = dtypes.join_types(*[dtypes.value_type(a) for a in args])
    target = joined if out._t.dtype == np.bool_ else out._t.dtype
    sources = [dtypes.value_type(a)[0] for a in args]
    narrows = any(dtypes.is_inexact(s) and not dtypes.is_inexact(target) for s in sources)
    if (
        narrows
        or target not in _NATIVE
        or any(dtypes.is_complex(s) and not dtypes.is_complex(target) for s in sources)
    ):
        return
    try:
        probe = quiet.run(ufunc, *[_cast(a, target) for a in args])
    except (TypeError, ValueError, OverflowError):
        return
    if _agrees(probe, out):
        rules[("cast", name, *[_kind(a) for a in args])] = (target, out._t)


_NATIVE = frozenset(d for d in dtypes.ALL if d.kind in "biufc")


_LOSING = (
    np.true_divide,
    np.power,
    np.reciprocal,
    np.expm1,
    np.log1p,
)  # of complex numbers NumPy's make nan of infinities, or lose digits
_DIVIDING = (np.floor_divide, np.remainder, np.fmod)  # of int4 they warn, whatever NumPy is told
_TINY = frozenset({dtypes.int2, dtypes.int4, dtypes.uint2, dtypes.uint4})
_TRUTH = (np.logical_and, np.logical_or, np.logical_xor, np.logical_not)


def _same_loop(ufunc: Any, args: tuple[Any, ...]) -> bool:
    """Whether a comparison compares in the dtype that the operands promote to: the result does not show it."""
    if len(args) < 2 or ufunc in _TRUTH:
        return True
    if type(ufunc) is not np.ufunc:
        return False
    kinds = [a._t.physical if type(a) is Array else type(a) for a in args]
    joined, _ = dtypes.join_types(*[dtypes.value_type(a) for a in args])
    try:
        return all(d == joined for d in ufunc.resolve_dtypes((*kinds, None))[:2])
    except TypeError:
        return False


_MANY = 1 << 12  # elements


def _power(x: np.ndarray, y: Any) -> Any:
    """np.power, whose way for the power 1/2 of floats is wrong at -0 and -inf, and takes three times as long as the root."""
    if y != 0.5 or x.dtype.kind != "f":
        return np.power(x, y)
    if x.size >= _MANY:
        least = x.min()
        if least > -np.inf:  # and no nan hides one
            root = np.sqrt(x)
            return root if least > 0 else np.abs(root, out=root)
    return np.power(x, np.full_like(x, y))


_OF_NUMBERS: dict[Any, Function] = {
    np.power: _power
}  # quicker ways where the second is a Python number


def _run(ufunc: Any, t: EType, *operands: Any) -> Any:
    try:
        r = quiet.run(ufunc, *operands)
    except (ValueError, OverflowError):
        return NotImplemented
    return wrap(r if type(r) is _ndarray else _asarray(r), t)


def _unary_in_python(name: str, ufunc: Any, x: Any) -> Any:
    """ufunc of an Array, if there is a rule for its type; else NotImplemented."""
    t = _current().rules.get((name, x._t)) if type(x) is Array else None
    return NotImplemented if t is None else _run(ufunc, t, x.numpy_())


def _binary_in_python(name: str, ufunc: Any, of_number: Any, x: Any, y: Any) -> Any:
    """ufunc of two operands, Arrays or one of them a Python number, if there is a rule for their types; else, and where the shapes do
    not broadcast or a number is refused, NotImplemented: the general way says so. of_number: computes it where y is a number."""
    if type(x) is not Array and type(y) is not Array:
        return NotImplemented
    t = _current().rules.get((name, _kind(x), _kind(y)))
    if t is None:
        return NotImplemented
    a = x.numpy_() if type(x) is Array else x
    if type(y) is Array:
        return _run(ufunc, t, a, y.numpy_())
    return _run(of_number, t, a, y)


if native is not None:
    native.set_quiet(quiet)
_at_once_unary = getattr(native, "unary", _unary_in_python)
_at_once_binary = getattr(native, "binary", _binary_in_python)
OF_UFUNC = {"out": NotImplementedError, "where": NotImplementedError}  # as JAX's ufuncs
_NONE: dict[str, Any] = {}


def binary(
    name: str,
    ufunc: Any,
    general: Function,
    kinds: Mapping[str, Any] = _NONE,
    refused: tuple[str, ...] = UFUNC,
) -> Function:
    """A two-argument function that takes the fast path where there is a rule, else `general`.

    ufunc: must compute what `general` does wherever the result's dtype is right.
    kinds: the errors for NumPy's parameters that are not TypeErrors. refused: what the docstring says of them.
    """

    of_number = _OF_NUMBERS.get(ufunc, ufunc)

    def fast(x: Any, y: Any, /, **numpy_only: Never) -> Any:
        if numpy_only:
            no_options(name, numpy_only, kinds)
        out = _at_once_binary(name, ufunc, of_number, x, y)
        if out is not NotImplemented:
            return out
        rules = _current().rules
        if rules is NO_RULES or isinstance(x, Tracer) or isinstance(y, Tracer):
            return general(x, y)
        if isinstance(x, _FOREIGN) or isinstance(y, _FOREIGN):
            return fast(_borrowed(x), _borrowed(y))
        found = rules.get(("cast", name, _kind(x), _kind(y)))
        if found is not None:
            try:
                return wrap(
                    _asarray(quiet.run(ufunc, _cast(x, found[0]), _cast(y, found[0]))), found[1]
                )
            except (OverflowError, ValueError):
                return general(x, y)
        if _foresee(name, ufunc, (x, y), rules):
            return fast(x, y)
        result = general(x, y)
        _learn(name, ufunc, (x, y), result)
        return result

    fast.__name__ = fast.__qualname__ = name
    fast.__doc__ = documented(general.__doc__, refused)
    fast.__wrapped__ = general  # type: ignore[attr-defined]
    return fast


def unary(
    name: str,
    ufunc: Any,
    general: Function,
    kinds: Mapping[str, Any] = _NONE,
    refused: tuple[str, ...] = UFUNC,
) -> Function:
    """A one-argument function that takes the fast path where there is a rule, else `general`."""

    def fast(x: Any, /, **numpy_only: Never) -> Any:
        if numpy_only:
            no_options(name, numpy_only, kinds)
        out = _at_once_unary(name, ufunc, x)
        if out is not NotImplemented:
            return out
        rules = _current().rules
        if rules is NO_RULES or isinstance(x, Tracer):
            return general(x)
        if isinstance(x, _FOREIGN):
            return fast(_borrowed(x))
        found = rules.get(("cast", name, _kind(x)))
        if found is not None:
            return wrap(_asarray(quiet.run(ufunc, _cast(x, found[0]))), found[1])
        if _foresee(name, ufunc, (x,), rules):
            return fast(x)
        result = general(x)
        _learn(name, ufunc, (x,), result)
        return result

    fast.__name__ = fast.__qualname__ = name
    fast.__doc__ = documented(general.__doc__, refused)
    fast.__wrapped__ = general  # type: ignore[attr-defined]
    return fast


def host_of(x: Any) -> Any:
    """The NumPy memory of an Array, where operations run at once; None for traced values or while recording."""
    if type(x) is Array and _current().rules is not NO_RULES:
        return x.numpy_()
    return None


def wrap_host(value: Any, t: EType) -> Array:
    """An Array over a NumPy result of the right dtype."""
    return wrap(value if type(value) is _ndarray else _asarray(value), t)


def reduction(name: str, host: Function, general: Function) -> Function:
    """A reduction that takes the fast path where there is a rule and no other option than keepdims is given.

    host: (ndarray, axis, dtype of the result, keepdims) -> what `general` gives, or an error. Of all elements of a small array,
    the native extension's function of that name gives it, where there is one.
    """
    whole = getattr(native, name, _nothing)

    def fast(a: Any, axis: Any = None, *rest: Any, keepdims: bool = False, **options: Any) -> Any:
        if type(a) is Array and not rest and not options:
            t = _current().rules.get((name, a._t))
            if t is not None:
                value = a._np
                if value is None:
                    value = a.numpy_()
                r = whole(value) if axis is None and keepdims is False else None
                if r is None:
                    try:
                        r = quiet.run(host, value, axis, t.physical, keepdims)
                    except (
                        ValueError,
                        TypeError,
                        IndexError,
                    ):  # the general way says what is wrong
                        return general(a, axis, keepdims=keepdims)
                    if type(r) is not _ndarray:
                        r = _asarray(r)
                out = _new(Array)
                out._np = r
                out._t = t
                out._buf = None
                return out
            result = general(a, axis, keepdims=keepdims)
            _learn_reduction(name, host, a, result)
            return result
        if keepdims is not False:
            options["keepdims"] = keepdims
        return general(a, axis, *rest, **options)

    fast.__name__ = fast.__qualname__ = name
    fast.__doc__ = general.__doc__
    fast.__wrapped__ = general  # type: ignore[attr-defined]
    return fast


def _nothing(value: Any) -> None:
    """What is asked where the native extension has no such reduction."""


def _learn_reduction(name: str, host: Function, a: Array, out: Any) -> None:
    """Write the rule for this element type, if the host's result has the right dtype for it."""
    rules = _current().rules
    t = a._t
    if (
        rules is NO_RULES
        or type(out) is not Array
        or (t.physical.itemsize < 4 and dtypes.is_float(t.dtype))
    ):
        return
    if dtypes.is_key(t.dtype) or (name, t) in rules:
        return
    rules[(name, t)] = None
    try:
        probe = quiet.run(host, np.ones((1, 1), t.physical), 0, out._t.physical, False)
    except (TypeError, ValueError):
        return
    if np.asarray(probe).dtype == out._t.physical:
        rules[(name, t)] = out._t
