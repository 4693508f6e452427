"""Discrete Fourier transforms."""

import enum
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import broadcast_in_dim, convert, moveaxis, mul
from numax._engine.ops.complex import conj
from numax._engine.ops.families import linear
from numax._engine.stablehlo import hlo


class FftType(enum.IntEnum):
    """The kinds of Fourier transforms: complex, and from and to real numbers."""

    FFT = 0
    IFFT = 1
    RFFT = 2
    IRFFT = 3


def fft(x: Any, fft_type: FftType | str, fft_lengths: Sequence[int]) -> Any:
    """The discrete Fourier transform over the last axes, one for each of `fft_lengths`.

    Shapes: RFFT halves the last axis to n // 2 + 1, IRFFT makes it fft_lengths[-1] again.
    Dtypes: real operands become complex, for RFFT they must be float32 or float64.
    Args: fft_type "fft", "ifft", "rfft" or "irfft"; the inverse ones divide by the size.
    Raises: ValueError if the lengths do not fit the operand. Grad: linear. Source: StableHLO `fft`.
    """
    kind = _kind(fft_type)
    lengths = tuple([operator.index(n) for n in fft_lengths])
    x = as_value(x, "fft")
    dtype = x.aval.dtype
    if kind == FftType.RFFT:
        if dtypes.is_complex(dtype):
            raise ValueError(f"fft: RFFT takes real numbers; got {x.aval.str_short()}. Use FFT.")
        if not dtypes.is_float(dtype):
            x = convert(x, dtypes.default_dtype(float))
    elif not dtypes.is_complex(dtype):
        wide = dtype in (dtypes.float64, dtypes.int64, dtypes.uint64)
        x = convert(x, dtypes.complex128 if wide else dtypes.complex64)
    if not lengths:
        return x
    return fft_p.bind(x, fft_type=kind, fft_lengths=lengths)


def _kind(fft_type: Any) -> FftType:
    if isinstance(fft_type, FftType):
        return fft_type
    if isinstance(fft_type, str):
        try:
            return FftType[fft_type.upper()]
        except KeyError:
            raise ValueError(
                f"fft: unknown transform; got {fft_type!r}. Use 'fft', 'ifft', 'rfft' or 'irfft'."
            ) from None
    raise TypeError(f"fft: the transform must be an FftType or its name; got {fft_type!r}.")


_COMPLEX = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
_REAL = {whole: part for part, whole in _COMPLEX.items()}


def _fft_infer(x: ShapedArray, *, fft_type: FftType, fft_lengths: Any) -> ShapedArray:
    count = len(fft_lengths)
    if count > 3:
        raise ValueError(
            f"fft: transforms over at most 3 axes; got lengths {fft_lengths}. Transform in steps."
        )
    if x.ndim < count:
        raise ValueError(
            f"fft: the operand must have an axis for each of {count} lengths; got {x.str_short()} and {fft_lengths}."
        )
    expected = fft_lengths
    if fft_type == FftType.IRFFT:
        expected = (*fft_lengths[:-1], fft_lengths[-1] // 2 + 1)
    if x.shape[x.ndim - count :] != expected:
        raise ValueError(
            f"fft: the last axes must have sizes {expected} for lengths {fft_lengths}; got {x.str_short()}. "
            "Pad or slice the operand."
        )
    accepted = _COMPLEX if fft_type == FftType.RFFT else _REAL
    if x.dtype not in accepted:
        names = " or ".join(d.name for d in accepted)
        raise ValueError(
            f"fft: {fft_type.name} takes {names}; got {x.str_short()}. Convert with x.astype(dtype)."
        )
    if fft_type == FftType.RFFT:
        return ShapedArray((*x.shape[:-1], fft_lengths[-1] // 2 + 1), _COMPLEX[x.dtype])
    if fft_type == FftType.IRFFT:
        return ShapedArray((*x.shape[:-1], fft_lengths[-1]), _REAL[x.dtype])
    return ShapedArray(x.shape, x.dtype)


_ONE = (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft)
_MANY = (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn)


def _fft_host(x: np.ndarray, *, fft_type: FftType, fft_lengths: Any) -> np.ndarray:
    out = x.dtype
    if fft_type == FftType.RFFT:
        out = _COMPLEX[x.dtype]
    elif fft_type == FftType.IRFFT:
        out = _REAL[x.dtype]
    if not x.size or 0 in fft_lengths:
        last = fft_lengths[-1] // 2 + 1 if fft_type == FftType.RFFT else fft_lengths[-1]
        return np.zeros((*x.shape[:-1], last), out)
    if len(fft_lengths) == 1:
        found = _ONE[fft_type](x, fft_lengths[0], -1)
    else:
        found = _MANY[fft_type](x, fft_lengths, tuple(range(-len(fft_lengths), 0)))
    return found.astype(out, copy=False)


def _fft_lower(ctx: Any, x: Any, *, fft_type: FftType, fft_lengths: Any) -> Any:
    out = ctx.avals_out[0]
    if 0 in x.shape or 0 in out.shape:
        return hlo.full(ctx, 0, out.shape, out.dtype)
    return hlo.fft(ctx, x, fft_type.name, fft_lengths)


def _half_weights(n: int, dtype: Any, inverse: bool) -> np.ndarray:
    """How often each element of a half spectrum of length n stands in the whole one."""
    count = np.full(n // 2 + 1, 2.0)
    count[0] = 1.0
    if n % 2 == 0:
        count[-1] = 1.0
    return (1.0 / count if inverse else count).astype(dtype)


def _fft_transpose(ct: Any, x: Any, *, fft_type: FftType, fft_lengths: Any) -> list[Any]:
    size = float(math.prod(fft_lengths))
    n = fft_lengths[-1]
    last = ct.aval.ndim - 1
    if fft_type == FftType.RFFT:
        weights = as_value(_half_weights(n, ct.aval.dtype, True) * size)
        scaled = mul(conj(ct), broadcast_in_dim(weights, ct.aval.shape, (last,)))
        return [fft_p.bind(scaled, fft_type=FftType.IRFFT, fft_lengths=fft_lengths)]
    if fft_type == FftType.IRFFT:
        spectrum = fft_p.bind(ct, fft_type=FftType.RFFT, fft_lengths=fft_lengths)
        weights = as_value(_half_weights(n, spectrum.aval.dtype, False) / max(size, 1.0))
        return [conj(mul(spectrum, broadcast_in_dim(weights, spectrum.aval.shape, (last,))))]
    return [
        fft_p.bind(ct, fft_type=fft_type, fft_lengths=fft_lengths)
    ]  # the matrix of the transform is symmetric


def _fft_batch(axis: Any, args: Any, dims: Any, **params: Any) -> Any:
    return fft_p.bind(moveaxis(args[0], dims[0], 0), **params), 0


fft_p = linear(
    "fft",
    infer=_fft_infer,
    host=_fft_host,
    lower=_fft_lower,
    transpose=_fft_transpose,
    batch=_fft_batch,
)

__all__ = ["FftType", "fft", "fft_p"]
