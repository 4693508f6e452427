"""Vectors as signals: convolution, correlation, covariance, interpolation, phase unwrapping, windows."""

import math
import operator
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, Tracer, dtypes
from numax.numpy.creation import constant
from numax.numpy.manipulation import flip, reshape
from numax.numpy.promotion import promote_inexact, to_shape, value
from numax.numpy.searching import _known, _number, searchsorted
from numax.numpy.taking import _take
from numax.numpy.types import requested_dtype

_host_of = core.eager.host_of
_wrap = core.eager.wrap_host


# ---- convolve and correlate ----

_MODES = ("full", "same", "valid")
_NATIVE = frozenset((dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128))


def _signals(op: str, a: Any, v: Any, mode: str) -> list[Any]:
    a, v = promote_inexact(value(op, a), value(op, v, 1))
    if mode not in _MODES:
        raise ValueError(f"{op}: mode must be one of {', '.join(map(repr, _MODES))}; got {mode!r}.")
    if len(a.shape) != 1 or len(v.shape) != 1:
        raise ValueError(
            f"{op}: vectors are needed; got {a.aval.str_short()} and {v.aval.str_short()}."
        )
    if not a.shape[0] or not v.shape[0]:
        raise ValueError(f"{op}: vectors must not be empty; got shapes {a.shape} and {v.shape}.")
    return [a, v]


def _slide(op: str, a: Any, v: Any, mode: str, precision: Any, preferred: Any) -> Any:
    """Sums of a[n + k] v[k]: v, not longer than a, slides along a."""
    n, m = a.shape[0], v.shape[0]
    if preferred is not None:
        preferred = requested_dtype(op, preferred)
    if mode == "full":
        pads = (m - 1, m - 1)
    elif mode == "valid":
        pads = (0, 0)
    else:
        pads = (m // 2, m - 1 - m // 2)
    out = lax.conv_general_dilated(
        reshape(a, (1, 1, n)),
        reshape(v, (1, 1, m)),
        (1,),
        [pads],
        precision=precision,
        preferred_element_type=preferred,
    )
    return reshape(out, (out.shape[-1],))


def _fast(ufunc: Any, a: Any, v: Any, mode: str, *options: Any) -> Any:
    """NumPy's own, if all is known and plain."""
    x, y = _host_of(a), _host_of(v)
    if x is None or y is None or a.dtype not in _NATIVE or any(o is not None for o in options):
        return None
    if x.size * y.size > 1 << 22:  # XLA's convolution has threads
        return None
    return _wrap(
        core.eager.quiet.run(ufunc, x, y, mode), core.etype(a.dtype, a.weak_type and v.weak_type)
    )


def convolve(
    a: Any, v: Any, mode: str = "full", *, precision: Any = None, preferred_element_type: Any = None
) -> Any:
    """The convolution of two vectors.

    Differs from NumPy: integers become floats. Raises: ValueError for empty vectors. Grad: bilinear.
    Source: NumPy `convolve`.
    """
    a, v = _signals("convolve", a, v, mode)
    found = _fast(np.convolve, a, v, mode, precision, preferred_element_type)
    if found is not None:
        return found
    if a.shape[0] < v.shape[0]:
        a, v = v, a
    return _slide("convolve", a, flip(v, 0), mode, precision, preferred_element_type)


def correlate(
    a: Any,
    v: Any,
    mode: str = "valid",
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """The cross-correlation of two vectors, the second conjugated.

    Differs from NumPy: integers become floats. Raises: ValueError for empty vectors. Grad: bilinear.
    Source: NumPy `correlate`.
    """
    a, v = _signals("correlate", a, v, mode)
    found = _fast(np.correlate, a, v, mode, precision, preferred_element_type)
    if found is not None:
        return found
    v = lax.conj(v) if dtypes.is_complex(v.dtype) else v
    if a.shape[0] >= v.shape[0]:
        return _slide("correlate", a, v, mode, precision, preferred_element_type)
    return flip(_slide("correlate", v, a, mode, precision, preferred_element_type), 0)


# ---- covariance ----


def _rows(op: str, m: Any, rowvar: bool, dtype: Any) -> Any:
    m = value(op, m)
    if len(m.shape) > 2:
        raise ValueError(f"{op}: at most two axes are accepted; got {m.aval.str_short()}.")
    x = promote_inexact(m)[0]
    if dtype is not None:
        x = core.convert(x, dtype)
    if len(x.shape) < 2:
        return reshape(x, (1, math.prod(x.shape)))
    return x if rowvar or (x.shape[0] == 1 and len(m.shape) == 1) else lax.transpose(x, (1, 0))


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    dtype: Any = None,
) -> Any:
    """The covariance matrix of variables, one in each row (or column, unless rowvar).

    Args: fweights how often, aweights how much each observation counts. Grad: smooth.
    Raises: ValueError for more than two axes, or weights that do not fit. Source: NumPy `cov`.
    """
    dtype = None if dtype is None else requested_dtype("cov", dtype)
    x = _rows("cov", m, rowvar, dtype)
    if y is not None:
        parts = promote_inexact(x, _rows("cov", y, rowvar, dtype))
        if parts[0].shape[1] != parts[1].shape[1]:
            raise ValueError(
                f"cov: m and y must have equal numbers of observations; got {parts[0].shape[1]} and {parts[1].shape[1]}."
            )
        x = lax.concatenate(parts, 0)
    if ddof is None:
        ddof = 0 if bias else 1
    count = x.shape[1]
    weights = _weights(x, fweights, aweights)
    if weights is None:
        total: Any = _number(count, x.dtype)
        mean = lax.div(lax.reduce_sum(x, (1,)), total)
    else:
        total = lax.reduce_sum(weights, (0,))
        mean = lax.div(lax.reduce_sum(lax.mul(x, to_shape(weights, x.shape)), (1,)), total)
    centred = lax.sub(x, lax.broadcast_in_dim(mean, x.shape, (0,)))
    scaled = centred if weights is None else lax.mul(centred, to_shape(weights, x.shape))
    ddof = core.convert(value("cov", ddof), x.dtype)
    if weights is None or aweights is None:
        rest = lax.sub(total, ddof)
    else:
        given = core.convert(value("cov", aweights), x.dtype)
        share = lax.div(lax.reduce_sum(lax.mul(weights, given), (0,)), total)
        rest = lax.sub(total, lax.mul(ddof, share))
    other = lax.conj(scaled) if dtypes.is_complex(x.dtype) else scaled
    out = lax.dot_general(centred, other, (((1,), (1,)), ((), ())))
    out = lax.div(out, rest)
    return reshape(out, ()) if out.shape == (1, 1) else out


def _weights(x: Any, fweights: Any, aweights: Any) -> Any:
    """The weights of the observations, or None."""
    found = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        w = value("cov", given)
        if len(w.shape) != 1 or w.shape[0] != x.shape[1]:
            raise ValueError(
                f"cov: {name} must have shape {(x.shape[1],)}; got {w.aval.str_short()}."
            )
        if name == "fweights" and not dtypes.is_integer(w.dtype):
            raise TypeError(f"cov: fweights must be integers; got {w.aval.str_short()}.")
        known = _host_of(w)
        if known is not None and (known < 0).any():
            raise ValueError(f"cov: {name} must not be negative.")
        w = core.convert(w, x.dtype)
        found = w if found is None else lax.mul(found, w)
    return found


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, dtype: Any = None) -> Any:
    """The correlation coefficients of variables, one in each row (or column, unless rowvar), clipped to -1..1.

    Grad: smooth. Source: NumPy `corrcoef`.
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.shape:
        return lax.div(c, c)
    if not c.shape[0]:
        return c
    n = c.shape[0]
    line = _known(np.arange(n), dtypes.int32)
    index = lax.stack([line, line], 1)
    numbers = lax.GatherDimensionNumbers((), (0, 1), (0, 1))
    d = lax.gather(c, index, numbers, (1, 1), mode="promise_in_bounds")
    scale = lax.sqrt(lax.real(d) if dtypes.is_complex(c.dtype) else d)
    scale = core.convert(scale, c.dtype)
    c = lax.div(c, lax.broadcast_in_dim(scale, c.shape, (0,)))
    c = lax.div(c, lax.broadcast_in_dim(scale, c.shape, (1,)))
    if dtypes.is_complex(c.dtype):
        return lax.complex(_unit(lax.real(c)), _unit(lax.imag(c)))
    return _unit(c)


def _unit(x: Any) -> Any:
    return lax.clamp(_number(-1, x.dtype), x, _number(1, x.dtype))


# ---- interpolation ----


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """The piecewise linear function through the points (xp, fp), xp rising.

    Args: left and right: values outside (fp's ends by default, or 'extrapolate'); period makes xp periodic.
    Raises: ValueError unless xp and fp are vectors of one size. Grad: elementwise. Source: NumPy `interp`.
    """
    xp, fp = value("interp", xp, 1), value("interp", fp, 2)
    if len(xp.shape) != 1 or xp.shape != fp.shape:
        raise ValueError(
            f"interp: xp and fp must be vectors of one size; got shapes {xp.shape} and {fp.shape}."
        )
    if not xp.shape[0]:
        raise ValueError("interp: at least one point is needed; got empty xp.")
    x, xp = promote_inexact(value("interp", x), xp)
    if dtypes.is_complex(x.dtype):
        raise ValueError("interp: x and xp must be real; got complex numbers.")
    for end in (left, right):
        if isinstance(end, str) and end != "extrapolate":
            raise ValueError(
                f"interp: the only word for left and right is 'extrapolate'; got {end!r}."
            )
    fp = promote_inexact(fp, core.full((), 0, x.dtype))[0]
    found = _interp_known(x, xp, fp, left, right, period)
    if found is not None:
        return found
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, period)
    n = xp.shape[0]
    if n == 1:
        inner = to_shape(reshape(fp, ()), x.shape)
        inner = lax.select_n(lax.ne(x, x), inner, lax.full_like(inner, math.nan))
    else:
        place = searchsorted(xp, lax.stop_gradient(x), "right")
        place = lax.clamp(_number(1, place.dtype), place, _number(n - 1, place.dtype))
        before = lax.sub(place, _number(1, place.dtype))
        x0, x1 = _take(xp, before, 0, "clip"), _take(xp, place, 0, "clip")
        f0, f1 = _take(fp, before, 0, "clip"), _take(fp, place, 0, "clip")
        width, step = lax.sub(x1, x0), lax.sub(x, x0)
        flat = lax.eq(width, _number(0, width.dtype))
        safe = lax.select_n(flat, width, lax.full_like(width, 1))
        share = core.convert(lax.div(step, safe), fp.dtype)
        slope = lax.mul(share, lax.sub(f1, f0))
        inner = lax.add(f0, lax.select_n(flat, slope, lax.full_like(slope, 0)))
    if period is not None:
        return inner
    return _outside(inner, x, xp, fp, left, right)


def _interp_known(x: Any, xp: Any, fp: Any, left: Any, right: Any, period: Any) -> Any:
    """NumPy's own, if all is known and real."""
    memories = [_host_of(x), _host_of(xp), _host_of(fp)]
    plain = all(e is None or type(e) in (int, float) for e in (left, right, period))
    if not plain or any(m is None or m.dtype not in _NATIVE for m in memories) or period == 0:
        return None
    if dtypes.is_complex(fp.dtype) or dtypes.is_complex(x.dtype):
        return None
    return _known(core.eager.quiet.run(np.interp, *memories, left, right, period), fp.dtype)


def _outside(inner: Any, x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    for end, index, beyond in ((left, 0, lax.lt), (right, -1, lax.gt)):
        if isinstance(end, str):
            continue
        bound = lax.index_in_dim(xp, index, keepdims=False)
        given = lax.index_in_dim(fp, index, keepdims=False) if end is None else value("interp", end)
        given = core.convert(given, inner.dtype)
        inner = lax.select_n(beyond(x, to_shape(bound, x.shape)), inner, to_shape(given, x.shape))
    return inner


def _modulo(x: Any, period: Any) -> Any:
    """x modulo a positive period, in [0, period)."""
    period = to_shape(period, x.shape)
    rest = lax.rem(x, period)
    zero = lax.full_like(rest, 0)
    return lax.select_n(lax.lt(rest, zero), rest, lax.add(rest, period))


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    period = core.convert(value("interp", period, 5), x.dtype)
    if period.shape:
        raise ValueError(f"interp: the period must be a scalar; got {period.aval.str_short()}.")
    known = _host_of(period)
    if known is not None and known == 0:
        raise ValueError("interp: the period must not be zero.")
    period = lax.abs(period)
    x, xp = _modulo(x, period), _modulo(xp, period)
    line = lax.iota(dtypes.int32, xp.shape[0])
    order = lax.sort((xp, line), 0, True, 1)[1]
    xp, fp = (_take(v, order, 0, "promise_in_bounds") for v in (xp, fp))
    n = xp.shape[0]
    first, last = lax.slice_in_dim(xp, 0, 1), lax.slice_in_dim(xp, n - 1, n)
    step = reshape(period, (1,))
    xp = lax.concatenate([lax.sub(last, step), xp, lax.add(first, step)], 0)
    fp = lax.concatenate([lax.slice_in_dim(fp, n - 1, n), fp, lax.slice_in_dim(fp, 0, 1)], 0)
    return x, xp, fp


def unwrap(p: Any, discont: Any = None, axis: int = -1, period: Any = 2 * math.pi) -> Any:
    """Jumps larger than half a period replaced by their complement, along an axis.

    Args: discont: only jumps larger than this, if it is larger than period / 2. Grad: linear. Source: NumPy `unwrap`.
    """
    p = value("unwrap", p)
    if dtypes.is_complex(p.dtype):
        raise ValueError(f"unwrap: phases must be real; got {p.aval.str_short()}.")
    exact = dtypes.is_integer(p.dtype) and isinstance(period, int)
    halves = not exact or period % 2 == 0
    p = p if exact else promote_inexact(p)[0]
    axis = core.canonical_axis("unwrap", axis, len(p.shape))
    n = p.shape[axis]
    if n < 2:
        return p
    dtype = p.dtype
    period = core.convert(value("unwrap", period, 3), dtype)
    two = _number(2, dtype)
    high = lax.div(period, two)
    low = lax.neg(high)
    limit = core.convert(value("unwrap", discont, 1), dtype) if discont is not None else high
    later, before = lax.slice_in_dim(p, 1, n, axis=axis), lax.slice_in_dim(p, 0, n - 1, axis=axis)
    jump = lax.sub(later, before)
    low_, high_ = to_shape(low, jump.shape), to_shape(high, jump.shape)
    found = lax.add(_modulo(lax.sub(jump, low_), period), low_)
    if halves:
        # A jump of half a period upwards stays upwards.
        edge = lax.bitwise_and(lax.eq(found, low_), lax.gt(jump, lax.full_like(jump, 0)))
        found = lax.select_n(edge, found, high_)
    small = lax.lt(lax.abs(jump), to_shape(limit, jump.shape))
    correction = lax.sub(found, jump)
    correction = lax.select_n(small, correction, lax.full_like(correction, 0))
    total = lax.cumsum(correction, axis)
    first = lax.slice_in_dim(p, 0, 1, axis=axis)
    return lax.concatenate([first, lax.add(later, total)], axis)


# ---- windows ----


def _window(op: str, function: Any, M: Any, *args: Any) -> Any:
    if isinstance(M, Array):
        M = core.to_index(M)
    try:
        count = operator.index(M)
    except TypeError:
        raise TypeError(f"{op}: M must be an integer known while tracing; got {M!r}.") from None
    return _known(function(count, *args), dtypes.default_dtype(float))


def bartlett(M: Any) -> Any:
    """The triangular window of M points.

    Source: NumPy `bartlett`.
    """
    return _window("bartlett", np.bartlett, M)


def blackman(M: Any) -> Any:
    """Blackman's window of M points: three cosine terms.

    Source: NumPy `blackman`.
    """
    return _window("blackman", np.blackman, M)


def hamming(M: Any) -> Any:
    """Hamming's window of M points: a raised cosine with small jumps at the ends.

    Source: NumPy `hamming`.
    """
    return _window("hamming", np.hamming, M)


def hanning(M: Any) -> Any:
    """Hann's window of M points: a raised cosine.

    Source: NumPy `hanning`.
    """
    return _window("hanning", np.hanning, M)


def kaiser(M: Any, beta: Any) -> Any:
    """Kaiser's window of M points, narrower for larger beta.

    Grad: smooth in beta. Source: NumPy `kaiser`.
    """
    if not isinstance(beta, Tracer):
        known = core.to_ndarray(value("kaiser", beta, 1))
        return _window("kaiser", np.kaiser, M, known.astype(np.float64))
    count = operator.index(M)
    if count == 1:
        return constant((1,), 1, dtypes.default_dtype(float))
    beta = lax.abs(promote_inexact(beta)[0])
    line = np.arange(count)
    middle = (count - 1) / 2
    shape = np.sqrt(np.maximum(0.0, 1 - ((line - middle) / middle) ** 2))
    inner = lax.mul(to_shape(beta, (count,)), _known(shape, beta.dtype))
    scale = lax.exp(lax.sub(inner, to_shape(beta, (count,))))  # i0e is exp(-|x|) i0
    return lax.mul(scale, lax.div(lax.bessel_i0e(inner), to_shape(lax.bessel_i0e(beta), (count,))))


__all__ = [
    "bartlett",
    "blackman",
    "convolve",
    "corrcoef",
    "correlate",
    "cov",
    "hamming",
    "hanning",
    "interp",
    "kaiser",
    "unwrap",
]
