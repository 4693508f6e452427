"""Scaled dot-product attention."""

import math
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import dtypes
from numax.numpy.contractions import einsum
from numax.numpy.promotion import broadcast, number, to_shape
from numax.scipy.exponential import logsumexp, softmax

_FAR = -0.7  # of the largest number: masked scores, finite so that a row without keys gives no nan


def _check(op: str, name: str, x: Any, shape: tuple[int, ...], dtype: Any) -> None:
    if x.aval.shape != shape:
        raise ValueError(f"{op}: {name} shape should be {list(shape)}; got {x.aval.shape}.")
    if x.dtype != dtype:
        raise ValueError(f"{op}: {name} dtype should be {dtype}; got {x.dtype}.")


def _mask(
    rows: int,
    columns: int,
    is_causal: bool,
    window: Any,
    query_lengths: Any,
    key_lengths: Any,
) -> Any:
    """Which query (rows) may look at which key (columns), of shape (B, 1, T, S) or that with B = 1; None for all."""
    found = []
    query = lax.broadcasted_iota(dtypes.int32, (1, 1, rows, columns), 2)
    keys = lax.broadcasted_iota(dtypes.int32, (1, 1, rows, columns), 3)
    if is_causal:
        found.append(lax.ge(query, keys))
    if window is not None:
        left, right = (window, window) if isinstance(window, int | np.integer) else window
        found.append(lax.le(query, lax.add(keys, number(keys, int(left)))))
        found.append(lax.ge(query, lax.sub(keys, number(keys, int(right)))))
    for lengths, places in ((query_lengths, query), (key_lengths, keys)):
        if lengths is not None:
            lengths = core.convert(core.as_value(lengths), dtypes.int32)
            count = lax.reshape(lengths, (lengths.aval.size, 1, 1, 1))
            found.append(lax.lt(*broadcast("dot_product_attention", [places, count])))
    if not found:
        return None
    out = found[0]
    for more in found[1:]:
        out = lax.bitwise_and(*broadcast("dot_product_attention", [out, more]))
    return out


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    *,
    scale: float | None = None,
    is_causal: bool = False,
    query_seq_lengths: Any = None,
    key_value_seq_lengths: Any = None,
    local_window_size: Any = None,
    implementation: str | None = None,
    return_residual: bool = False,
) -> Any:
    """softmax(scale query key + bias) value: attention of several heads; N query heads may share K key heads.

    Shapes: query (B, T, N, H), key and value (B, S, K, H) -> (B, T, N, H); B may be absent; bias and mask broadcast to
    (B, N, T, S). With return_residual also the logsumexp of the scores, (B, T, N).
    Args: scale 1 / sqrt(H) unless given; local_window_size: how far, left and right, a query looks.
    Raises: ValueError if shapes or dtypes do not fit. Grad: yes. Source: Vaswani et al. 2017, arXiv:1706.03762.
    """
    op = "dot_product_attention"
    if implementation not in (None, "xla", "cudnn"):
        raise ValueError(f"{op}: Unsupported implementation option: {implementation}. Use 'xla'.")
    q, k, v = [core.as_value(x, op) for x in (query, key, value)]
    whole = q.aval.ndim == 4
    q, k, v = [lax.expand_dims(x, (0,)) if x.aval.ndim == 3 else x for x in (q, k, v)]
    for name, x in (("query", q), ("key", k), ("value", v)):
        if x.aval.ndim != 4:
            raise ValueError(
                f"{op}: {name} must have shape (B, T, N, H) or (T, N, H); got {x.aval.str_short()}."
            )
    batch, rows, heads, size = q.aval.shape
    columns, groups = k.aval.shape[1:3]
    _check(op, "key", k, (batch, columns, groups, size), q.dtype)
    _check(op, "value", v, (batch, columns, groups, size), q.dtype)
    if not groups or heads % groups:
        raise ValueError(
            f"{op}: The number of query heads must be a multiple of key/value heads, but got {heads} vs {groups}."
        )
    allowed = _mask(
        rows, columns, is_causal, local_window_size, query_seq_lengths, key_value_seq_lengths
    )
    if mask is not None:
        mask = _whole(op, core.as_value(mask, op))
        if mask.dtype != dtypes.bool_:
            raise ValueError(f"{op}: mask dtype should be bool, but got {mask.dtype}.")
        allowed = mask if allowed is None else lax.bitwise_and(*broadcast(op, [allowed, mask]))
    wide = dtypes.float64 if q.dtype == dtypes.float64 else dtypes.float32
    q = lax.reshape(q, (batch, rows, groups, heads // groups, size))
    scores = einsum("btkgh,bskh->bkgts", q, k, preferred_element_type=wide)
    scores = lax.reshape(scores, (batch, heads, rows, columns))
    factor = 1 / math.sqrt(size) if scale is None else scale
    scores = lax.mul(*broadcast(op, [scores, _number(scores, factor)]))
    if bias is not None:
        bias = core.convert(_whole(op, core.as_value(bias, op)), wide)
        _fits(op, "bias", bias, scores)
        scores = lax.add(scores, to_shape(bias, scores.aval.shape))
    if allowed is not None:
        _fits(op, "mask", allowed, scores)
        far = core.full(scores.aval.shape, _FAR * float(dtypes.finfo(wide).max), wide)
        scores = lax.select_n(to_shape(allowed, scores.aval.shape), far, scores)
    weights = core.convert(softmax(scores), q.dtype)
    weights = lax.reshape(weights, (batch, groups, heads // groups, rows, columns))
    out = einsum("bkgts,bskh->btkgh", weights, v)
    out = lax.reshape(out, (batch, rows, heads, size))
    if query_seq_lengths is not None:  # queries past the end give zeros
        lengths = core.convert(core.as_value(query_seq_lengths, op), dtypes.int32)
        places = lax.broadcasted_iota(dtypes.int32, (batch, rows, 1, 1), 1)
        inside = lax.lt(
            *broadcast(op, [places, lax.reshape(lengths, (lengths.aval.size, 1, 1, 1))])
        )
        zeros = core.full(out.aval.shape, 0, out.dtype)
        out = lax.select_n(to_shape(inside, out.aval.shape), zeros, out)
    out = out if whole else lax.squeeze(out, (0,))
    if not return_residual:
        return out
    residual = lax.transpose(logsumexp(scores, axis=-1), (0, 2, 1))
    residual = core.convert(residual, q.dtype)
    return out, residual if whole else lax.squeeze(residual, (0,))


def _number(like: Any, x: Any) -> Any:
    return (
        number(like, x)
        if isinstance(x, int | float)
        else core.convert(core.as_value(x), like.dtype)
    )


def _whole(op: str, x: Any) -> Any:
    """A bias or mask with four axes."""
    if x.aval.ndim > 4:
        raise ValueError(f"{op}: bias and mask have at most 4 axes; got {x.aval.str_short()}.")
    return lax.reshape(x, (1,) * (4 - x.aval.ndim) + x.aval.shape)


def _fits(op: str, name: str, x: Any, scores: Any) -> None:
    for n, m in zip(x.aval.shape, scores.aval.shape, strict=True):
        if n not in (1, m):
            raise ValueError(
                f"{op}: {name} must broadcast to (B, N, T, S) = {scores.aval.shape}; got {x.aval.shape}."
            )


__all__ = ["dot_product_attention"]
