"""scipy.fft: cosine transforms."""

import math
import operator
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy import fft as _fft
from numax.numpy.promotion import number, promote_inexact, value


def _check(op: str, type: int, norm: Any) -> None:
    if type not in (2, 3):
        raise NotImplementedError(f"{op}: only types 2 and 3 are available; got {type}.")
    if norm not in (None, "backward", "ortho"):
        raise ValueError(f"{op}: norm must be None, 'backward' or 'ortho'; got {norm!r}.")


def _real(op: str, x: Any) -> Any:
    (x,) = promote_inexact(value(op, x))
    if dtypes.is_complex(x.dtype):
        raise TypeError(
            f"{op}: accepts real numbers; got {x.aval.str_short()}. Transform both parts."
        )
    return core.convert(x, dtypes.float32) if x.dtype.itemsize < 4 else x


def _sized(x: Any, n: Any, axis: int) -> Any:
    if n is None:
        return x
    pads = [(0, 0, 0)] * x.aval.ndim
    pads[axis] = (0, operator.index(n) - x.aval.shape[axis], 0)
    return lax.pad(x, number(x, 0), pads)


def _along(x: Any, numbers: np.ndarray, axis: int) -> Any:
    """A table of numbers along one axis."""
    wide = dtypes.complex128 if x.dtype in (dtypes.float64, dtypes.complex128) else dtypes.complex64
    dtype = x.dtype if numbers.dtype.kind == "f" else wide
    return lax.broadcast_in_dim(
        core.from_numpy(numbers.astype(dtype), False), x.aval.shape, (axis,)
    )


def _second(x: Any, axis: int, ortho: bool) -> Any:
    """Type 2, by a complex transform of the even, then the odd numbers reversed (Makhoul 1980)."""
    n = x.aval.shape[axis]
    even = lax.slice_in_dim(x, 0, n, 2, axis)
    odd = lax.rev(lax.slice_in_dim(x, 1, n, 2, axis), (axis,)) if n > 1 else None
    v = lax.concatenate([even, odd], axis) if odd is not None else even
    spectrum = _fft.fft(v, axis=axis)
    k = np.arange(n)
    factor = 2 * np.exp(-1j * np.pi * k / (2 * n))
    if ortho:
        factor = factor * np.where(k == 0, math.sqrt(1 / (4 * n)), math.sqrt(1 / (2 * n)))
    return lax.real(lax.mul(spectrum, _along(spectrum, factor, axis)))


def _third(x: Any, axis: int, ortho: bool) -> Any:
    """Type 3, without a scale 2 n times the inverse of type 2: the same steps backwards."""
    n = x.aval.shape[axis]
    k = np.arange(n)
    scale = np.full(n, float(n))
    if ortho:
        scale = scale / np.where(k == 0, math.sqrt(n), math.sqrt(2 * n))
    x = lax.mul(x, _along(x, scale, axis))
    # The spectrum of v: (x_k - i x_{n-k}) exp(i pi k / (2 n)) / 2, with x_n = 0, and x_0 whole.
    tail = lax.rev(lax.slice_in_dim(x, 1, n, axis=axis), (axis,))
    zero = core.full(lax.slice_in_dim(x, 0, 1, axis=axis).aval.shape, 0, x.dtype)
    mirrored = lax.concatenate([zero, tail], axis)
    spectrum = lax.complex(x, lax.neg(mirrored))
    turn = np.exp(1j * np.pi * k / (2 * n))
    v = lax.real(_fft.ifft(lax.mul(spectrum, _along(spectrum, turn, axis)), axis=axis))
    half = (n + 1) // 2
    even = lax.slice_in_dim(v, 0, half, axis=axis)
    odd = lax.rev(lax.slice_in_dim(v, half, n, axis=axis), (axis,))
    pads_even = [(0, 0, 0)] * v.aval.ndim
    pads_odd = list(pads_even)
    pads_even[axis] = (0, n - (2 * half - 1), 1)
    pads_odd[axis] = (1, n - 2 * (n - half), 1)
    if n - half == 0:
        return even
    return lax.add(lax.pad(even, number(v, 0), pads_even), lax.pad(odd, number(v, 0), pads_odd))


def _transform(op: str, x: Any, type: int, n: Any, axis: Any, norm: Any, inverse: bool) -> Any:
    place = core.canonical_axis(op, operator.index(axis), x.aval.ndim)
    x = _sized(x, n, place)
    size = x.aval.shape[place]
    ortho = norm == "ortho"
    if type == (3 if inverse else 2):
        out = _second(x, place, ortho)
    else:
        out = _third(x, place, ortho)
    if inverse and not ortho:
        out = lax.mul(out, number(out, 1 / (2 * size)))
    return out


def dct(
    x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None
) -> Array:
    """The discrete cosine transform over one axis, cut or filled up to n numbers.

    Raises: NotImplementedError for types but 2 and 3; TypeError for complex numbers. Grad: linear.
    Source: SciPy `fft.dct`; Makhoul 1980, "A fast cosine transform in one and two dimensions".
    """
    _check("dct", type, norm)
    return _transform("dct", _real("dct", x), type, n, axis, norm, False)


def idct(
    x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None
) -> Array:
    """The inverse of dct.

    Raises: as dct. Grad: linear. Source: SciPy `fft.idct`.
    """
    _check("idct", type, norm)
    return _transform("idct", _real("idct", x), type, n, axis, norm, True)


def _several(op: str, x: Any, type: int, s: Any, axes: Any, norm: Any, inverse: bool) -> Any:
    _check(op, type, norm)
    x = _real(op, x)
    if axes is None:
        axes = range(x.aval.ndim) if s is None else range(-len(s), 0)
    axes = [axes] if isinstance(axes, int) else list(axes)
    sizes = [None] * len(axes) if s is None else [s] if isinstance(s, int) else list(s)
    if len(sizes) != len(axes):
        raise ValueError(f"{op}: as many sizes as axes are needed; got s={s} and axes={axes}.")
    for axis, n in zip(axes, sizes, strict=True):
        x = _transform(op, x, type, n, axis, norm, inverse)
    return x


def dctn(x: Any, type: int = 2, s: Any = None, axes: Any = None, norm: str | None = None) -> Array:
    """The discrete cosine transform over several axes; all of them unless given.

    Raises: as dct. Grad: linear. Source: SciPy `fft.dctn`.
    """
    return _several("dctn", x, type, s, axes, norm, False)


def idctn(x: Any, type: int = 2, s: Any = None, axes: Any = None, norm: str | None = None) -> Array:
    """The inverse of dctn.

    Raises: as dct. Grad: linear. Source: SciPy `fft.idctn`.
    """
    return _several("idctn", x, type, s, axes, norm, True)


__all__ = ["dct", "dctn", "idct", "idctn"]
