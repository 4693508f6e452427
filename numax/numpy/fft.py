"""numpy.fft: discrete Fourier transforms and their frequencies."""

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.creation import placed
from numax.numpy.promotion import number, promote_inexact, value

_NORMS = ("backward", "ortho", "forward")
_BACK = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _norm(op: str, norm: Any) -> str:
    if norm is None:
        return "backward"
    if norm not in _NORMS:
        raise ValueError(f'{op}: norm must be "backward", "ortho" or "forward"; got {norm!r}.')
    return norm


def _scaled(x: Any, norm: str, size: int, inverse: bool) -> Any:
    """The transform's scale: the inverse has 1/size built in, which belongs to "backward"."""
    if norm == "backward":
        return x
    if norm == "ortho":
        factor = math.sqrt(size) if inverse else 1 / math.sqrt(size)
    else:
        factor = float(size) if inverse else 1 / size
    return lax.mul(x, number(x, factor))


def _resized(x: Any, axes: Sequence[int], sizes: Sequence[int]) -> Any:
    """Axes cut to a size, or filled up with zeros."""
    pads = [(0, 0, 0)] * x.aval.ndim
    for axis, size in zip(axes, sizes, strict=True):
        pads[axis] = (0, size - x.aval.shape[axis], 0)
    if all(p == (0, 0, 0) for p in pads):
        return x
    return lax.pad(x, number(x, 0), pads)


def _argument(op: str, a: Any, real: bool) -> Any:
    x = promote_inexact(value(op, a))[0]
    if dtypes.is_float(x.dtype) and x.dtype.itemsize < 4:
        x = core.convert(x, dtypes.float32)
    if real:
        if dtypes.is_complex(x.dtype):
            raise ValueError(
                f"{op} only implements real inputs; got {x.aval.str_short()}. Use x.real, or fft."
            )
        return x
    wide = dtypes.complex128 if x.dtype in (dtypes.float64, dtypes.complex128) else dtypes.complex64
    return core.convert(x, wide)


def _places(op: str, x: Any, s: Any, axes: Any, default: Any) -> tuple[int, ...]:
    ndim = x.aval.ndim
    if axes is None:
        axes = default
    if axes is None:
        axes = tuple(range(ndim)) if s is None else tuple(range(-len(s), 0))
    if s is not None and len(s) != len(axes):
        raise ValueError(
            f"{op}: shape and axes requirements do not match; got s={s} and axes={axes}."
        )
    found = tuple([core.canonical_axis(op, i, ndim) for i in axes])
    if len(set(found)) != len(found):
        raise ValueError(f"{op}: does not support repeated axes; got axes {axes}.")
    return found


def _transform(x: Any, kind: str, lengths: Sequence[int]) -> Any:
    """lax.fft over the last axes, 3 at a time."""
    if len(lengths) <= 3:
        return lax.fft(x, kind, tuple(lengths))
    rest = tuple(lengths[:-3])
    plain = "ifft" if kind.startswith("i") else "fft"
    first = kind in ("fft", "ifft", "rfft")
    if first:
        x = lax.fft(x, kind, tuple(lengths[-3:]))
    x = _over_leading(x, plain, rest)
    return x if first else lax.fft(x, kind, tuple(lengths[-3:]))


def _over_leading(x: Any, kind: str, lengths: tuple[int, ...]) -> Any:
    """Transform the axes before the last three."""
    n = x.aval.ndim
    k = len(lengths)
    moved = [*range(n - 3 - k), *range(n - 3, n), *range(n - 3 - k, n - 3)]
    back = np.argsort(moved).tolist()
    return lax.transpose(_transform(lax.transpose(x, moved), kind, lengths), back)


def _nd(op: str, kind: str, a: Any, s: Any, axes: Any, norm: Any, default: Any = None) -> Any:
    """Transforms over several axes."""
    x = _argument(op, a, kind == "rfft")
    norm = _norm(op, norm)
    places = _places(op, x, s, axes, default)
    if not places:
        return x
    shape = x.aval.shape
    sizes = [shape[i] for i in places] if s is None else [operator.index(n) for n in s]
    if s is None and kind == "irfft":
        sizes[-1] = 2 * (sizes[-1] - 1)
    sizes = [shape[i] if n == -1 else n for i, n in zip(places, sizes, strict=True)]
    if any(n < 1 for n in sizes):
        raise ValueError(
            f"{op}: Invalid number of FFT data points ({sizes}) specified. Sizes must be positive."
        )
    ins = [*sizes[:-1], sizes[-1] // 2 + 1] if kind == "irfft" else sizes
    x = _resized(x, places, ins)
    order = [i for i in range(x.aval.ndim) if i not in places] + list(places)
    moved = order != sorted(order)
    x = lax.transpose(x, order) if moved else x
    x = _scaled(_transform(x, kind, sizes), norm, math.prod(sizes), kind.startswith("i"))
    return lax.transpose(x, np.argsort(order).tolist()) if moved else x


_NATIVE = frozenset([dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128])
_FUNCTIONS = {"fft": np.fft.fft, "ifft": np.fft.ifft, "rfft": np.fft.rfft, "irfft": np.fft.irfft}


def _on_host(kind: str, a: Array, n: Any, axis: Any, norm: Any) -> Any:
    """NumPy's transform of an eager Array; None for traced values and what NumPy refuses."""
    host = core.eager.host_of(a)
    if host is None or (kind == "rfft" and dtypes.is_complex(a._t.dtype)):
        return None
    try:
        out = core.eager.quiet.run(_FUNCTIONS[kind], host, n, axis, norm)
    except (ValueError, IndexError, TypeError):  # the general way says what is wrong
        return None
    return core.eager.wrap_host(out, core.etype(out.dtype))


def _one(op: str, kind: str, a: Any, n: Any, axis: Any, norm: Any) -> Any:
    """Transforms over one axis."""
    if type(a) is Array and a._t.dtype in _NATIVE:
        found = _on_host(kind, a, n, axis, norm)
        if found is not None:
            return found
    if isinstance(axis, tuple | list):
        raise ValueError(f"{op}: does not support multiple axes; got axis={axis}. Use {op}n.")
    return _nd(op, kind, a, None if n is None else (n,), (axis,), norm)


# ---- one axis ----


@core.refuses("out")
def fft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The discrete Fourier transform over one axis, cut or filled up to n numbers.

    Dtypes: complex64, or complex128. Raises: ValueError for n < 1 or an unknown norm. Grad: linear.
    Source: NumPy `fft.fft`.
    """
    if numpy_only:
        core.no_options("fft", numpy_only)
    return _one("fft", "fft", a, n, axis, norm)


@core.refuses("out")
def ifft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The inverse of fft.

    Dtypes: complex64, or complex128. Raises: as fft. Grad: linear. Source: NumPy `fft.ifft`.
    """
    if numpy_only:
        core.no_options("ifft", numpy_only)
    return _one("ifft", "ifft", a, n, axis, norm)


@core.refuses("out")
def rfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The Fourier transform of real numbers: the n // 2 + 1 frequencies that are not negative.

    Raises: ValueError for complex numbers, n < 1 or an unknown norm. Grad: linear. Source: NumPy `fft.rfft`.
    """
    if numpy_only:
        core.no_options("rfft", numpy_only)
    return _one("rfft", "rfft", a, n, axis, norm)


@core.refuses("out")
def irfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The inverse of rfft: n real numbers, 2 (m - 1) unless given.

    Raises: ValueError for n < 1 or an unknown norm. Grad: linear. Source: NumPy `fft.irfft`.
    """
    if numpy_only:
        core.no_options("irfft", numpy_only)
    return _one("irfft", "irfft", a, n, axis, norm)


@core.refuses("out")
def hfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The Fourier transform, real, of numbers of which a has the first half and the rest is conjugate.

    Raises: as irfft. Grad: linear. Source: NumPy `fft.hfft`.
    """
    if numpy_only:
        core.no_options("hfft", numpy_only)
    x = _argument("hfft", a, False)
    return _one("hfft", "irfft", lax.conj(x), n, axis, _BACK[_norm("hfft", norm)])


@core.refuses("out")
def ihfft(
    a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The inverse of hfft.

    Raises: as rfft. Grad: linear. Source: NumPy `fft.ihfft`.
    """
    if numpy_only:
        core.no_options("ihfft", numpy_only)
    x = _argument("ihfft", a, True)
    return lax.conj(_one("ihfft", "rfft", x, n, axis, _BACK[_norm("ihfft", norm)]))


# ---- several axes ----


@core.refuses("out")
def fftn(
    a: Any, s: Any = None, axes: Any = None, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The Fourier transform over several axes; all of them unless given.

    Raises: ValueError if s and axes do not fit, or axes repeat. Grad: linear. Source: NumPy `fft.fftn`.
    """
    if numpy_only:
        core.no_options("fftn", numpy_only)
    return _nd("fftn", "fft", a, s, axes, norm)


@core.refuses("out")
def ifftn(
    a: Any, s: Any = None, axes: Any = None, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The inverse of fftn.

    Raises: as fftn. Grad: linear. Source: NumPy `fft.ifftn`.
    """
    if numpy_only:
        core.no_options("ifftn", numpy_only)
    return _nd("ifftn", "ifft", a, s, axes, norm)


@core.refuses("out")
def rfftn(
    a: Any, s: Any = None, axes: Any = None, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The Fourier transform of real numbers over several axes; half of the last one.

    Raises: as fftn and rfft. Grad: linear. Source: NumPy `fft.rfftn`.
    """
    if numpy_only:
        core.no_options("rfftn", numpy_only)
    return _nd("rfftn", "rfft", a, s, axes, norm)


@core.refuses("out")
def irfftn(
    a: Any, s: Any = None, axes: Any = None, norm: str | None = None, **numpy_only: Never
) -> Array:
    """The inverse of rfftn.

    Raises: as fftn. Grad: linear. Source: NumPy `fft.irfftn`.
    """
    if numpy_only:
        core.no_options("irfftn", numpy_only)
    return _nd("irfftn", "irfft", a, s, axes, norm)


@core.refuses("out")
def fft2(
    a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, **numpy_only: Never
) -> Array:
    """The Fourier transform over two axes.

    Raises: as fftn. Grad: linear. Source: NumPy `fft.fft2`.
    """
    if numpy_only:
        core.no_options("fft2", numpy_only)
    return _nd("fft2", "fft", a, s, _two("fft2", axes), norm)


@core.refuses("out")
def ifft2(
    a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, **numpy_only: Never
) -> Array:
    """The inverse of fft2.

    Raises: as fftn. Grad: linear. Source: NumPy `fft.ifft2`.
    """
    if numpy_only:
        core.no_options("ifft2", numpy_only)
    return _nd("ifft2", "ifft", a, s, _two("ifft2", axes), norm)


@core.refuses("out")
def rfft2(
    a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, **numpy_only: Never
) -> Array:
    """The Fourier transform of real numbers over two axes; half of the last one.

    Raises: as rfftn. Grad: linear. Source: NumPy `fft.rfft2`.
    """
    if numpy_only:
        core.no_options("rfft2", numpy_only)
    return _nd("rfft2", "rfft", a, s, _two("rfft2", axes), norm)


@core.refuses("out")
def irfft2(
    a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, **numpy_only: Never
) -> Array:
    """The inverse of rfft2.

    Raises: as fftn. Grad: linear. Source: NumPy `fft.irfft2`.
    """
    if numpy_only:
        core.no_options("irfft2", numpy_only)
    return _nd("irfft2", "irfft", a, s, _two("irfft2", axes), norm)


def _two(op: str, axes: Any) -> Any:
    if axes is not None and len(axes) != 2:
        raise ValueError(f"{op}: only supports 2 axes; got axes = {axes}. Use {op[:-1]}n.")
    return axes


# ---- frequencies and shifts ----


def _frequencies(op: str, numbers: Any, n: Any, d: Any, dtype: Any, device: Any) -> Any:
    if isinstance(n, list | tuple) or isinstance(d, list | tuple):
        raise ValueError(f"{op}: n and d must be single numbers; got n={n!r} and d={d!r}.")
    found = dtypes.default_dtype(float) if dtype is None else dtypes.canonicalize_dtype(dtype)
    if hasattr(d, "aval"):
        d = core.convert(d, found)
        places = core.from_numpy(numbers.astype(found), False)
        return placed(lax.div(places, lax.mul(d, number(d, n))), device)
    return placed(core.from_numpy((numbers / (d * n)).astype(found), False), device)


def fftfreq(n: int, d: Any = 1.0, *, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of fft, for n samples at distance d: 0, 1, ..., then the negative ones, over n d.

    Grad: of d. Source: NumPy `fft.fftfreq`.
    """
    n = operator.index(n)
    numbers = np.arange(n)
    numbers[(n + 1) // 2 :] -= n
    return _frequencies("fftfreq", numbers, n, d, dtype, device)


def rfftfreq(n: int, d: Any = 1.0, *, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of rfft, for n samples at distance d: 0, 1, ..., n // 2, over n d.

    Grad: of d. Source: NumPy `fft.rfftfreq`.
    """
    n = operator.index(n)
    return _frequencies("rfftfreq", np.arange(n // 2 + 1), n, d, dtype, device)


def _rolled(x: Any, axis: int, by: int) -> Any:
    size = x.aval.shape[axis]
    if not size or not by % size:
        return x
    cut = size - by % size
    tail = lax.slice_in_dim(x, cut, size, axis=axis)
    return lax.concatenate([tail, lax.slice_in_dim(x, 0, cut, axis=axis)], axis)


def _shift(op: str, x: Any, axes: Any, by: Any) -> Any:
    x = value(op, x)
    if axes is None:
        axes = range(x.aval.ndim)
    elif isinstance(axes, int | np.integer):
        axes = (axes,)
    places = [core.canonical_axis(op, i, x.aval.ndim) for i in axes]
    return functools.reduce(lambda y, i: _rolled(y, i, by(y.aval.shape[i])), places, x)


def fftshift(x: Any, axes: Any = None) -> Array:
    """The zero frequency moved to the middle of axes.

    Grad: linear. Source: NumPy `fft.fftshift`.
    """
    return _shift("fftshift", x, axes, lambda n: n // 2)


def ifftshift(x: Any, axes: Any = None) -> Array:
    """The inverse of fftshift.

    Grad: linear. Source: NumPy `fft.ifftshift`.
    """
    return _shift("ifftshift", x, axes, lambda n: -(n // 2))


__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

core.settle(globals())
