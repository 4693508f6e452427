"""logsumexp, softmax and log_softmax: exponentials relative to the largest, so that none overflows."""

import math
from typing import Any

import numpy as np

from numax import core, lax
from numax._engine.control.custom_jvp import custom_jvp
from numax._engine.core import config
from numax._engine.ops.reduce import largest
from numax.core import Array, dtypes
from numax.numpy.elementwise import exp, expm1, log, log1p
from numax.numpy.promotion import broadcast, common_shape, number, promote_inexact, to_shape, value
from numax.numpy.promotion import values as _values


def axes_of(op: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """An axis, a tuple of them, or None for all, as a sorted tuple."""
    if axis is None:
        return tuple(range(ndim))
    many = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(sorted(core.canonical_axes(op, tuple(many), ndim)))


def spread(reduced: Any, like: Any, axes: tuple[int, ...]) -> Any:
    """A reduced value repeated along the axes that it lost."""
    kept = tuple([i for i in range(like.aval.ndim) if i not in axes])
    return lax.broadcast_in_dim(reduced, like.aval.shape, kept)


def with_ones(reduced: Any, like: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if not keepdims:
        return reduced
    return lax.reshape(
        reduced, tuple([1 if i in axes else n for i, n in enumerate(like.aval.shape)])
    )


def masked(x: Any, where: Any, other: float) -> Any:
    """x, and a number where the mask is false."""
    return lax.select_n(where, core.full(x.aval.shape, other, x.dtype, x.aval.weak_type), x)


def mask_of(op: str, where: Any, x: Any) -> tuple[Any, Any]:
    """x and a boolean mask at their common shape."""
    where = value(op, where, 1)
    if where.dtype != dtypes.bool_:
        where = lax.ne(where, number(where, 0))
    shape = common_shape(op, [x.aval.shape, where.aval.shape])
    return to_shape(x, shape), to_shape(where, shape)


def _largest(x: Any, axes: tuple[int, ...]) -> Any:
    """The largest number, a constant to derivatives; by real parts for complex numbers."""
    size = lax.stop_gradient(lax.real(x) if dtypes.is_complex(x.dtype) else x)
    return largest(size, axes)


_NATIVE = frozenset([dtypes.float32, dtypes.float64])


def _on_host(x: Any, axis: Any, rule: Any) -> Any:
    """A rule on the memory of an eager Array of floats; None for all others."""
    if type(x) is not Array or x._t.dtype not in _NATIVE:
        return None
    host = core.eager.host_of(x)
    if host is None or not host.size:
        return None
    if isinstance(axis, list):
        axis = tuple(axis)
    try:
        return core.eager.wrap_host(core.eager.quiet.run(rule, host, axis), x._t)
    except (ValueError, TypeError):  # the general way says what is wrong
        return None


def _host_logsumexp(x: Any, axis: Any) -> Any:
    top = np.maximum.reduce(x, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, np.zeros((), x.dtype))
    total = np.log(np.add.reduce(np.exp(x - top), axis, keepdims=True)) + top
    return total.reshape(()) if axis is None else np.squeeze(total, axis)


def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
    where: Any = None,
) -> Any:
    """log(sum(b exp(a))) over axes, without overflow; with return_sign, of the sum's absolute value, and its sign.

    Where the sum is negative and no sign is asked for: nan. Raises: TypeError for lists.
    Grad: softmax of a. Source: SciPy `special.logsumexp`.
    """
    if b is None and where is None and not keepdims and not return_sign:
        found = _on_host(a, axis, _host_logsumexp)
        if found is not None:
            return found
    if b is None:
        (x,) = promote_inexact(*_values("logsumexp", a))
    else:
        x, b = promote_inexact(*_values("logsumexp", a, b))
        shape = common_shape("logsumexp", [x.aval.shape, b.aval.shape])
        x, b = to_shape(x, shape), to_shape(b, shape)
        x = masked(x, lax.ne(b, number(b, 0)), -math.inf)
    axes = axes_of("logsumexp", axis, x.aval.ndim)
    if where is not None:
        x, where = mask_of("logsumexp", where, x)
        x = masked(x, where, -math.inf)
        b = None if b is None else to_shape(b, x.aval.shape)
    top = _largest(x, axes)
    top = lax.select_n(lax.is_finite(top), core.full(top.aval.shape, 0, top.dtype), top)
    above = core.convert(top, x.dtype)
    terms = exp(lax.sub(x, spread(above, x, axes)))
    if b is not None:
        terms = lax.mul(terms, b)
    total = lax.reduce_sum(terms, axes)
    sign = None
    if return_sign:
        sign = _sign(total)
        total = lax.abs(total)
        above = top
    elif b is not None and not dtypes.is_complex(total.dtype):
        total = lax.select_n(
            lax.lt(total, number(total, 0)), total, core.full(total.shape, math.nan, total.dtype)
        )
    out = with_ones(lax.add(log(total), above), x, axes, keepdims)
    return (out, with_ones(sign, x, axes, keepdims)) if return_sign else out


def _sign(x: Any) -> Any:
    if dtypes.is_complex(x.dtype):
        return lax.sign(x)
    return lax.stop_gradient(lax.sign(x))


def _below_largest(x: Any, axes: tuple[int, ...], where: Any) -> Any:
    """x less its largest along the axes; -inf where the mask is false."""
    if where is not None:
        x = masked(x, where, -math.inf)
    top = _largest(x, axes)
    if where is not None:  # nothing chosen: any finite number will do
        top = lax.select_n(lax.is_finite(top), core.full(top.aval.shape, 0, top.dtype), top)
    return lax.sub(x, spread(core.convert(top, x.dtype), x, axes))


def _host_softmax(x: Any, axis: Any) -> Any:
    terms = np.exp(x - np.maximum.reduce(x, axis, keepdims=True))
    return terms / np.add.reduce(terms, axis, keepdims=True)


def _host_log_softmax(x: Any, axis: Any) -> Any:
    x = x - np.maximum.reduce(x, axis, keepdims=True)
    return x - np.log(np.add.reduce(np.exp(x), axis, keepdims=True))


def softmax(x: Any, axis: Any = -1, where: Any = None) -> Array:
    """exp(x) / sum(exp(x)) along axes, without overflow; 0 where the mask is false.

    Dtypes: integers become float32. Grad: y (t - sum(y t)).
    """
    if where is None:
        found = _on_host(x, axis, _host_softmax)
        if found is not None:
            return found
    (x,) = promote_inexact(value("softmax", x))
    if where is not None:
        x, where = mask_of("softmax", where, x)
    axes = axes_of("softmax", axis, x.aval.ndim)
    if config.softmax_custom_jvp.value:
        return _softmax(axes, x, where)
    return _plain_softmax(axes, x, where)


def _plain_softmax(axes: tuple[int, ...], x: Any, where: Any) -> Any:
    terms = exp(_below_largest(x, axes, where))
    total = lax.reduce_sum(terms, axes)
    if where is not None:
        empty = lax.eq(total, number(total, 0))
        total = lax.select_n(empty, total, core.full(total.aval.shape, 1, total.dtype))
    return lax.div(terms, spread(total, x, axes))


def _softmax_jvp(axes: tuple[int, ...], primals: Any, tangents: Any) -> Any:
    x, where = primals
    t = tangents[0]
    y = _softmax(axes, x, where)
    mean = lax.reduce_sum(lax.mul(y, t), axes)
    return y, lax.mul(y, lax.sub(t, spread(mean, x, axes)))


_softmax = custom_jvp(_plain_softmax, nondiff_argnums=(0,))
_softmax.defjvp(_softmax_jvp)


def log_softmax(x: Any, axis: Any = -1, where: Any = None) -> Array:
    """log(softmax(x)) along axes, without overflow or loss; -inf where the mask is false.

    Dtypes: integers become float32. Grad: t - sum(softmax(x) t).
    """
    if where is None:
        found = _on_host(x, axis, _host_log_softmax)
        if found is not None:
            return found
    (x,) = promote_inexact(value("log_softmax", x))
    if where is not None:
        x, where = mask_of("log_softmax", where, x)
    axes = axes_of("log_softmax", axis, x.aval.ndim)
    x = _below_largest(x, axes, where)
    total = lax.reduce_sum(exp(x), axes)
    if where is not None:
        empty = lax.eq(total, number(total, 0))
        total = lax.select_n(empty, total, core.full(total.aval.shape, 1, total.dtype))
    return lax.sub(x, spread(log(total), x, axes))


def logmeanexp(x: Any, axis: Any = None, where: Any = None, keepdims: bool = False) -> Array:
    """log(mean(exp(x))) over axes, without overflow.

    Grad: softmax of x.
    """
    (x,) = promote_inexact(value("logmeanexp", x))
    if where is not None:
        x, where = mask_of("logmeanexp", where, x)
    axes = axes_of("logmeanexp", axis, x.aval.ndim)
    total = logsumexp(x, axes, keepdims=keepdims, where=where)
    if where is None:
        size = math.prod([x.aval.shape[i] for i in axes])
        return lax.sub(total, number(total, math.log(size) if size else -math.inf))
    count = lax.reduce_sum(core.convert(where, total.dtype), axes)
    return lax.sub(*broadcast("logmeanexp", [total, log(with_ones(count, x, axes, keepdims))]))


def log1mexp(x: Any) -> Array:
    """log(1 - exp(-x)) for positive x, elementwise, accurate near 0 and far away.

    Grad: elementwise. Source: Maechler, "Accurately computing log(1 - exp(-|a|))", 2012.
    """
    (x,) = promote_inexact(value("log1mexp", x))
    near = lax.le(x, number(x, math.log(2)))
    one = core.full(x.aval.shape, 1, x.dtype, x.aval.weak_type)
    small, large = lax.select_n(near, one, x), lax.select_n(near, x, one)
    low = log(lax.neg(expm1(lax.neg(small))))
    return lax.select_n(near, log1p(lax.neg(exp(lax.neg(large)))), low)


__all__ = ["log1mexp", "log_softmax", "logmeanexp", "logsumexp", "softmax"]
