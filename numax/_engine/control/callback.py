"""Calling Python from programs: pure_callback, io_callback, debug callbacks."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.control.record import values_of
from numax._engine.control.scan import map as lax_map
from numax._engine.core import dtypes, tree
from numax._engine.core.array import from_numpy
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_linear, on_device
from numax._engine.ops.basis import moveaxis, to_front

__all__ = ["callback_p", "debug_callback", "io_callback", "pure_callback"]

_VMAP_METHODS = (
    "sequential",
    "sequential_unrolled",
    "expand_dims",
    "broadcast_all",
    "legacy_vectorized",
)


def _results(op: str, shapes: Any) -> tuple[list[ShapedArray], Any]:
    leaves, structure = tree.flatten(shapes)
    avals = []
    for x in leaves:
        if not hasattr(x, "shape") or not hasattr(x, "dtype"):
            raise TypeError(
                f"{op}: result_shape_dtypes must hold numax.ShapeDtypeStructs or arrays; got {type(x).__name__}."
            )
        avals.append(ShapedArray(tuple(x.shape), dtypes.canonicalize_dtype(x.dtype)))
    return avals, structure


class HostCall:
    """A user's function as callbacks see it: flat NumPy arrays in, a flat list of them out, checked."""

    def __init__(
        self,
        op: str,
        fun: Callable[..., Any],
        in_tree: Any,
        out_tree: Any,
        avals: Sequence[ShapedArray],
    ):
        self.op = op
        self.fun = fun
        self.in_tree = in_tree
        self.out_tree = out_tree
        self.avals = tuple(avals)

    def __call__(self, *leaves: np.ndarray) -> list[np.ndarray]:
        return self.run(self.avals, *leaves)

    def run(self, avals: Sequence[ShapedArray], *leaves: np.ndarray) -> list[np.ndarray]:
        args, kwargs = tree.unflatten(self.in_tree, [from_numpy(np.asarray(x)) for x in leaves])
        result = self.fun(*args, **kwargs)
        if self.out_tree is None:
            return []
        outs, structure = tree.flatten(result)
        if structure != self.out_tree:
            raise TypeError(
                f"{self.op}: the callback must return the structure of result_shape_dtypes; got {structure}, declared "
                f"{self.out_tree}."
            )
        ready = []
        for x, a in zip(outs, avals, strict=True):
            value = np.asarray(x)
            if value.shape != a.shape:
                raise ValueError(
                    f"{self.op}: the callback must return the declared shapes; got {value.shape}, declared {a.shape}."
                )
            if value.dtype != a.dtype:
                value = value.astype(a.dtype)
            ready.append(value)
        return ready


def pure_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    vmap_method: str | None = None,
    **kwargs: Any,
) -> Any:
    """callback(*args, **kwargs) on the host, also from compiled programs. The function must have no side effects.

    Args: result_shape_dtypes (what it returns, as ShapeDtypeStructs); vmap_method ('sequential', 'expand_dims',
        'broadcast_all': how vmap calls it). Grad: none; wrap it in custom_jvp or custom_vjp.
    """
    return _call("pure_callback", callback, result_shape_dtypes, args, kwargs, vmap_method, False)


def io_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    ordered: bool = False,
    **kwargs: Any,
) -> Any:
    """Like pure_callback, for functions with side effects: it is called each time the program runs."""
    return _call("io_callback", callback, result_shape_dtypes, args, kwargs, "sequential", True)


def _call(
    op: str, callback: Any, shapes: Any, args: Any, kwargs: Any, vmap_method: Any, effect: bool
) -> Any:
    if not callable(callback):
        raise TypeError(f"{op}: the callback must be callable; got {type(callback).__name__}.")
    if vmap_method is not None and vmap_method not in _VMAP_METHODS:
        raise ValueError(
            f"{op}: vmap_method must be one of {', '.join(_VMAP_METHODS)}; got {vmap_method!r}."
        )
    values, in_tree = values_of(op, "arguments", (args, kwargs))
    avals, out_tree = _results(op, shapes)
    call = HostCall(op, callback, in_tree, out_tree, avals)
    outs = callback_p.bind(
        *values, callback=call, out_avals=tuple(avals), vmap_method=vmap_method, effect=effect
    )
    return tree.unflatten(out_tree, outs)


def debug_callback(
    callback: Callable[..., Any], *args: Any, ordered: bool = False, **kwargs: Any
) -> None:
    """Call a function on the host with the arguments' values, for its side effects; also from compiled programs.

    Under vmap it is called once for each element.
    """
    values, in_tree = values_of("debug.callback", "arguments", (args, kwargs))
    call = HostCall("debug.callback", callback, in_tree, None, ())
    callback_p.bind(*values, callback=call, out_avals=(), vmap_method="each", effect=True)


def _impl(
    *args: Any, callback: HostCall, out_avals: Any, vmap_method: Any, effect: bool
) -> list[Any]:
    outs = callback.run(out_avals, *[a.numpy_() for a in args])
    return [from_numpy(np.asarray(v), copy=True) for v in outs]


def _lower(
    ctx: Any, *args: Any, callback: HostCall, out_avals: Any, vmap_method: Any, effect: bool
) -> list[Any]:
    def run(*leaves: np.ndarray) -> tuple[Any, ...]:
        return tuple(callback.run(out_avals, *leaves))

    index = ctx.add_callback(run)
    return ctx.custom_call(
        "xla_ffi_python_cpu_callback",
        list(args),
        [(a.shape, dtypes.physical(a.dtype)) for a in out_avals],
        backend_config={"index": np.uint64(index)},
        has_side_effect=effect,
    )


def _jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    if not params["out_avals"]:
        return callback_p.bind(*primals, **params), []
    if all(type(t) is Zero for t in tangents) or params["effect"]:
        outs = callback_p.bind(*primals, **params)
        return outs, [Zero(o.aval.tangent()) for o in outs]
    raise ValueError(
        "pure_callback: callbacks have no derivative. Give one with numax.custom_jvp or numax.custom_vjp around the function "
        "that calls it, or stop it with numax.lax.stop_gradient."
    )


def _batch(
    axis: Any,
    args: Any,
    dims: Any,
    *,
    callback: HostCall,
    out_avals: Any,
    vmap_method: Any,
    effect: bool,
) -> Any:
    size = axis.size
    wide = tuple(ShapedArray((size, *a.shape), a.dtype) for a in out_avals)
    if vmap_method == "each":
        each = _Each(callback, tuple(dims), size)
        callback_p.bind(*args, callback=each, out_avals=(), vmap_method="each", effect=effect)
        return [], []
    if vmap_method in ("expand_dims", "legacy_vectorized", "broadcast_all"):
        ready = []
        for a, d in zip(args, dims, strict=True):
            if d is None and vmap_method == "expand_dims":
                ready.append(to_front(a, None, 1))
            elif d is None and vmap_method == "legacy_vectorized":
                ready.append(a)
            else:
                ready.append(to_front(a, d, size))
        outs = callback_p.bind(
            *ready, callback=callback, out_avals=wide, vmap_method=vmap_method, effect=effect
        )
        return outs, [0] * len(outs)
    if vmap_method is None:
        raise NotImplementedError(
            "pure_callback: vmap needs to know how to call the function. Give vmap_method='sequential' (once for each element) "
            "or 'expand_dims' or 'broadcast_all' (once, with a leading batch axis)."
        )
    mapped = [moveaxis(a, d, 0) for a, d in zip(args, dims, strict=True) if d is not None]

    def one(*pieces: Any) -> Any:
        rest = iter(pieces)
        whole = [next(rest) if d is not None else a for a, d in zip(args, dims, strict=True)]
        return callback_p.bind(
            *whole, callback=callback, out_avals=out_avals, vmap_method=vmap_method, effect=effect
        )

    outs = lax_map(lambda pieces: one(*pieces), tuple(mapped))
    return outs, [0] * len(outs)


class _Each:
    """A debugging callback for each element of a batch."""

    def __init__(self, inner: Any, dims: tuple[Any, ...], size: int):
        self.inner = inner
        self.dims = dims
        self.size = size

    def run(self, avals: Any, *leaves: np.ndarray) -> list[np.ndarray]:
        for i in range(self.size):
            pieces = [
                x if d is None else np.take(x, i, d) for x, d in zip(leaves, self.dims, strict=True)
            ]
            self.inner.run((), *pieces)
        return []


callback_p = Primitive(
    name="callback",
    multiple_results=True,
    infer=lambda *avals, out_avals, **params: list(out_avals),
    host=on_device,
    impl=_impl,
    lower=_lower,
    jvp=_jvp,
    transpose=not_linear,
    batch=_batch,
)
