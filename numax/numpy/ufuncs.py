"""ufunc: an elementwise function with its reductions: reduce, accumulate, outer, at, reduceat."""

from collections.abc import Callable
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import no_out, to_shape, value
from numax.numpy.types import requested_dtype
from numax.numpy.vectorizing import vectorize


class ufunc:  # noqa: N801  (NumPy's name)
    """An elementwise function. Made by `frompyfunc`, or one of the module's: `add`, `maximum`, ...

    `at` returns a changed copy and must be called with inplace=False; `out` and `where` are refused in calls.
    Source: NumPy `ufunc`.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        /,
        nin: int,
        nout: int,
        *,
        name: str | None = None,
        nargs: int | None = None,
        identity: Any = None,
        call: Callable[..., Any] | None = None,
        reduce: Callable[..., Any] | None = None,
        accumulate: Callable[..., Any] | None = None,
        at: Callable[..., Any] | None = None,
        reduceat: Callable[..., Any] | None = None,
    ):
        self.__name__ = name or getattr(func, "__name__", "ufunc")
        self.__qualname__ = self.__name__
        self.__doc__ = func.__doc__
        self.__module__ = "numax.numpy"
        self.__wrapped__ = func
        self.nin = nin
        self.nout = nout
        self.nargs = nin if nargs is None else nargs
        self.identity = identity
        self.call = call if call is not None else vectorize(func)
        self._reduce = reduce
        self._accumulate = accumulate
        self._at = at
        self._reduceat = reduceat

    def __call__(self, *args: Any, **numpy_only: Never) -> Any:
        """Apply to arrays, with broadcasting."""
        if numpy_only:
            core.no_options(self.__name__, numpy_only, core.eager.OF_UFUNC)
        if len(args) != self.nargs:
            raise TypeError(f"{self.__name__}() takes {self.nargs} arguments; got {len(args)}.")
        return self.call(*args)

    def __repr__(self) -> str:
        return f"<jnp.ufunc '{self.__name__}'>"

    def __reduce__(self) -> Any:
        return self.__name__

    def __copy__(self) -> "ufunc":
        return self

    def __deepcopy__(self, memo: Any) -> "ufunc":
        return self

    def _binary(self, method: str) -> None:
        if self.nin != 2:
            raise ValueError(f"{method} only supported for binary ufuncs; {self} takes {self.nin}.")
        if self.nout != 1:
            raise ValueError(
                f"{method} only supported for functions returning a single value; {self} returns {self.nout}."
            )

    def reduce(
        self,
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Array:
        """Combine the elements along an axis, from the first to the last.

        Raises: ValueError for no elements without identity or initial. Grad: through the function.
        """
        self._binary("reduce")
        no_out(f"{self.__name__}.reduce", out)
        a = value(f"{self.__name__}.reduce", a)
        if where is not None and self.identity is None and initial is None:
            raise ValueError(
                f"reduction operation {self.__name__!r} does not have an identity, so to use a where mask one has to "
                "specify 'initial'."
            )
        if self._reduce is not None:
            options = {"dtype": dtype, "initial": initial, "where": where}
            given = {k: v for k, v in options.items() if v is not None}
            return self._reduce(a, axis, keepdims=keepdims, **given)
        return self._fold(a, axis, dtype, keepdims, initial, where)

    def _fold(self, a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        ndim = a.aval.ndim
        if isinstance(axis, tuple) and len(axis) != 1 and self.identity is None:
            raise NotImplementedError(
                f"{self.__name__}.reduce: the operation may not be reordered, so it takes one axis; got {axis}."
            )
        axes = tuple(range(ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = core.canonical_axes(f"{self.__name__}.reduce", axes, ndim)
        mask = None if where is None else to_shape(value("where", where), a.shape)
        rows = _merged(a, axes)
        start = initial
        if start is None and (mask is not None or not rows.shape[0]):
            start = self.identity
        if start is None and not rows.shape[0]:
            raise ValueError(
                f"zero-size array to reduction operation {self.__name__} which has no identity; got {a.aval.str_short()}."
            )
        rows = core.convert(rows, self._dtype("reduce", dtype, rows))
        if start is None:
            first, rows = lax.index_in_dim(rows, 0, 0, False), lax.slice_in_dim(rows, 1, None)
        else:
            first = to_shape(core.convert(core.as_value(start), rows.dtype), rows.shape[1:])
        if mask is None:
            y = lax.scan(lambda c, x: (self._step(c, x), None), first, rows)[0]
        else:

            def masked(c: Any, row: tuple[Any, Any]) -> tuple[Any, None]:
                x, use = row
                return lax.select_n(use, c, self._step(c, x)), None

            y = lax.scan(masked, first, (rows, _merged(mask, axes)))[0]
        return lax.expand_dims(y, axes) if keepdims and axes else y

    def _dtype(self, method: str, dtype: Any, a: Any) -> Any:
        """The dtype to compute in: the one asked for, or what two elements give."""
        if dtype is not None:
            return requested_dtype(f"{self.__name__}.{method}", dtype)
        one = core.full((), 0, a.dtype)
        return self(one, one).dtype

    def _step(self, x: Any, y: Any) -> Any:
        return core.convert(self(x, y), x.dtype)

    def accumulate(
        self, a: Any, axis: int | None = 0, dtype: Any = None, out: None = None
    ) -> Array:
        """All intermediate results of `reduce` along an axis. axis=None needs one dimension.

        Grad: through the function.
        """
        self._binary("accumulate")
        no_out(f"{self.__name__}.accumulate", out)
        a = value(f"{self.__name__}.accumulate", a)
        if axis is None:
            if a.aval.ndim != 1:
                raise ValueError(
                    "accumulate does not allow multiple axes: give axis, or an array of one dimension."
                )
            axis = 0
        axis = core.canonical_axis(f"{self.__name__}.accumulate", axis, a.aval.ndim)
        if self._accumulate is not None:
            return self._accumulate(a, axis, dtype)
        rows = core.convert(core.moveaxis(a, axis, 0), self._dtype("accumulate", dtype, a))
        if not rows.shape[0]:
            return core.moveaxis(rows, 0, axis)
        first = lax.slice_in_dim(rows, 0, 1)

        def step(c: Any, x: Any) -> tuple[Any, Any]:
            y = self._step(c, x)
            return y, y

        _, rest = lax.scan(step, lax.squeeze(first, (0,)), lax.slice_in_dim(rows, 1, None))
        return core.moveaxis(lax.concatenate([first, rest], 0), 0, axis)

    def outer(self, A: Any, B: Any, /) -> Array:
        """The function of each pair of an element of A and one of B: shape A.shape + B.shape.

        Grad: through the function.
        """
        if self.nin != 2:
            raise ValueError(f"outer only supported for binary ufuncs; {self} takes {self.nin}.")
        A, B = value("outer", A), value("outer", B, 1)
        return self(lax.reshape(A, A.shape + (1,) * B.aval.ndim), B)

    def at(self, a: Any, indices: Any, b: Any = None, /, *, inplace: bool = True) -> Array:
        """A copy of `a` with the function applied at the indices, once for each time an index occurs.

        Raises: NotImplementedError unless inplace=False. Grad: through the function.
        """
        if inplace:
            raise NotImplementedError(
                f"Because arrays are immutable, {self.__name__}.at cannot operate in place. Pass inplace=False and use "
                "the result."
            )
        a = value(f"{self.__name__}.at", a)
        if b is None and self.nin != 1:
            raise ValueError(f"{self.__name__}.at: a second operand is needed.")
        if b is not None and self.nin != 2:
            raise ValueError(f"{self.__name__}.at: takes no second operand.")
        if self._at is not None:
            return self._at(a, indices, b)
        return self._at_each(a, indices, b)

    def _at_each(self, a: Any, indices: Any, b: Any) -> Any:
        places = lax.reshape(_places(a.shape), a.shape)[indices]
        if b is not None:
            b = lax.reshape(
                to_shape(core.convert(value("at", b), a.dtype), places.shape), (places.aval.size,)
            )
        flat = lax.reshape(a, (a.aval.size,))

        def step(x: Any, row: Any) -> tuple[Any, None]:
            i, *rest = row
            old = lax.dynamic_index_in_dim(x, i, 0, False)
            new = core.convert(self(old, *rest), x.dtype)
            return lax.dynamic_update_index_in_dim(x, new, i, 0), None

        rows = (lax.reshape(places, (places.aval.size,)),) + (() if b is None else (b,))
        return lax.reshape(lax.scan(step, flat, rows)[0], a.shape)

    def reduceat(
        self, a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: None = None
    ) -> Array:
        """Reductions of the slices between consecutive indices; the element itself where the next index is not larger.

        Raises: IndexError for indices outside the axis. Grad: through the function.
        """
        self._binary("reduceat")
        no_out(f"{self.__name__}.reduceat", out)
        a = value(f"{self.__name__}.reduceat", a)
        axis = core.canonical_axis(f"{self.__name__}.reduceat", axis, a.aval.ndim)
        starts = value(f"{self.__name__}.reduceat", indices, 1)
        if starts.aval.ndim != 1 or not dtypes.is_integer(starts.dtype):
            raise ValueError(
                f"{self.__name__}.reduceat: indices must be integers in one dimension; got {starts.aval.str_short()}."
            )
        if self._reduceat is not None:
            return self._reduceat(a, starts, axis, dtype)
        rows = core.convert(core.moveaxis(a, axis, 0), self._dtype("reduceat", dtype, a))
        n, count = rows.shape[0], starts.shape[0]
        if core.is_concrete(starts) and count:
            known = core.to_ndarray(starts)
            if known.min() < 0 or known.max() >= n:
                raise IndexError(
                    f"{self.__name__}.reduceat: index out of bounds for an axis of size {n}; got {known}."
                )
        starts = core.convert(starts, dtypes.default_dtype(int))
        last = core.full((1,), n, starts.dtype)
        ends = lax.concatenate([lax.slice_in_dim(starts, 1, None), last], 0) if count else starts
        first = lax.index_take(rows, [starts], (0,)) if count else lax.slice_in_dim(rows, 0, 0)
        shape = first.shape

        def step(y: Any, row: tuple[Any, Any]) -> tuple[Any, None]:
            x, i = row
            inside = lax.bitwise_and(lax.gt(i, starts), lax.lt(i, ends))
            use = lax.broadcast_in_dim(inside, shape, (0,))
            new = self._step(y, to_shape(x, shape))
            return lax.select_n(use, y, new), None

        places = lax.iota(starts.dtype, n)
        return core.moveaxis(lax.scan(step, first, (rows, places))[0], 0, axis)


def _merged(x: Any, axes: tuple[int, ...]) -> Any:
    """x with the given axes made one, at the front."""
    rest = [i for i in range(x.aval.ndim) if i not in axes]
    count = 1
    for a in axes:
        count *= x.shape[a]
    return lax.reshape(lax.transpose(x, (*axes, *rest)), (count, *[x.shape[i] for i in rest]))


def _places(shape: tuple[int, ...]) -> Array:
    """The place of each element in the flattened array."""
    count = int(np.prod(shape, dtype=np.int64))
    return core.from_numpy(np.arange(count, dtype=np.int32).reshape(shape), copy=False)


def of(np_ufunc: Any, *, fast: Any = None, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: the function as a ufunc, whose eager calls run NumPy's ufunc where it gives the same dtype.

    fast: what eager calls run instead of np_ufunc. `__call__` is the fast function itself, put on a class of its own: no frame in between.
    """
    wrap = core.eager.unary if np_ufunc.nin == 1 else core.eager.binary

    def make(general: Callable[..., Any]) -> ufunc:
        name = general.__name__
        call = wrap(name, fast or np_ufunc, general, core.eager.OF_UFUNC)
        kind = type("ufunc", (ufunc,), {"__call__": staticmethod(call), "__doc__": call.__doc__})
        made = kind(general, np_ufunc.nin, 1, call=call, name=name, **options)
        made.__doc__ = call.__doc__
        return made

    return make


def frompyfunc(func: Callable[..., Any], /, nin: int, nout: int, *, identity: Any = None) -> ufunc:
    """A ufunc from a function of scalars, which must be traceable; results are arrays, unlike NumPy's objects.

    Raises: TypeError if func is not callable. Grad: through func. Source: NumPy `frompyfunc`.
    """
    if not callable(func):
        raise TypeError(f"frompyfunc: func must be callable; got {type(func).__name__}.")
    return ufunc(func, nin, nout, identity=identity)


__all__ = ["frompyfunc", "ufunc"]
