"""scipy.signal: convolution and correlation, trends, and spectra of windowed segments."""

import math
import operator
from typing import Any

import numpy as np

import numax.numpy as jnp
from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy import fft as _fft
from numax.numpy.promotion import promote_inexact, value

_CONVOLUTION_MODES = ("full", "same", "valid")


# ---- convolution ----


def _checked(op: str, in1: Any, in2: Any, mode: str, ndim: int | None = None) -> list[Any]:
    if mode not in _CONVOLUTION_MODES:
        raise ValueError(f"{op}: mode must be one of ['full', 'same', 'valid']; got {mode!r}.")
    x, y = promote_inexact(value(op, in1), value(op, in2, 1))
    if x.ndim != y.ndim:
        raise ValueError(
            f"{op}: in1 and in2 must have the same number of dimensions; got {x.aval.str_short()} and {y.aval.str_short()}."
        )
    if ndim is not None and x.ndim != ndim:
        raise ValueError(f"{op}: inputs must have {ndim} dimensions; got {x.aval.str_short()}.")
    if mode == "valid" and not (
        all(m >= n for m, n in zip(x.shape, y.shape, strict=True))
        or all(m <= n for m, n in zip(x.shape, y.shape, strict=True))
    ):
        raise ValueError(
            f"{op}: For 'valid' mode, one input must be at least as large as the other in every dimension; got "
            f"{x.shape} and {y.shape}."
        )
    return [x, y]


def _swapped(x: Any, y: Any, mode: str) -> bool:
    return mode == "valid" and any(m < n for m, n in zip(x.shape, y.shape, strict=True))


def _direct(x: Any, y: Any, mode: str, precision: Any) -> Any:
    """A convolution of arrays of any rank, by lax's with one channel."""
    if not x.ndim:
        return x * y
    if 0 in x.shape or 0 in y.shape:
        raise ValueError("convolve: inputs cannot be empty.")
    if _swapped(x, y, mode):
        x, y = y, x
    flipped = lax.rev(y, tuple(range(y.ndim)))
    if mode == "valid":
        padding = [(0, 0)] * x.ndim
    elif mode == "same":  # the middle of the full result, of x's size
        padding = [(n - 1 - (n - 1) // 2, (n - 1) // 2) for n in y.shape]
    else:
        padding = [(n - 1, n - 1) for n in y.shape]
    strides = (1,) * x.ndim
    out = lax.conv_general_dilated(
        x[None, None], flipped[None, None], strides, padding, precision=precision
    )
    return out[0, 0]


def convolve(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
) -> Array:
    """The convolution of arrays of any rank: all of it, the middle of in1's size ("same"), or where both overlap.

    Args: method "direct" ("auto") or "fft". Raises: ValueError for another mode or method, or if ranks differ.
    Grad: bilinear. Source: SciPy `signal.convolve`.
    """
    if method == "fft":
        return fftconvolve(in1, in2, mode)
    if method not in ("auto", "direct"):
        raise ValueError(f"convolve: Got method={method!r}; expected 'auto', 'fft', or 'direct'.")
    return _direct(*_checked("convolve", in1, in2, mode), mode, precision)


def correlate(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
) -> Array:
    """The correlation of arrays of any rank: the convolution with in2 reversed and conjugated.

    Args and Raises: as convolve. Grad: bilinear. Source: SciPy `signal.correlate`.
    """
    x, y = _checked("correlate", in1, in2, mode)
    reverse = tuple(range(x.ndim))
    if _swapped(x, y, mode):
        out = convolve(lax.rev(x, reverse), jnp.conj(y), mode, method, precision)
        return lax.rev(out, reverse)
    return convolve(x, jnp.conj(lax.rev(y, reverse)), mode, method, precision)


def _only_zeros(op: str, boundary: str, fillvalue: Any) -> None:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError(
            f"{op}: only boundary='fill', fillvalue=0 is available. Pad first with numpy.pad."
        )


def convolve2d(
    in1: Any,
    in2: Any,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: Any = 0,
    precision: Any = None,
) -> Array:
    """The convolution of two matrices.

    Raises: ValueError unless both are matrices; NotImplementedError for other boundaries. Grad: bilinear.
    Source: SciPy `signal.convolve2d`.
    """
    _only_zeros("convolve2d", boundary, fillvalue)
    return _direct(*_checked("convolve2d", in1, in2, mode, 2), mode, precision)


def correlate2d(
    in1: Any,
    in2: Any,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: Any = 0,
    precision: Any = None,
) -> Array:
    """The correlation of two matrices.

    Raises: as convolve2d. Grad: bilinear. Source: SciPy `signal.correlate2d`.
    """
    _only_zeros("correlate2d", boundary, fillvalue)
    x, y = _checked("correlate2d", in1, in2, mode, 2)
    if (
        mode == "same"
    ):  # the middle of the full result; for even sizes it lies one later than a convolution's
        full = correlate(x, y, "full", precision=precision)
        start = [n // 2 for n in y.shape]
        return lax.slice(full, start, [s + n for s, n in zip(start, x.shape, strict=True)])
    return correlate(x, y, mode, precision=precision)


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Array:
    """The convolution by Fourier transforms, over some axes; the others must be equal, or 1.

    Raises: ValueError for another mode, or if ranks or sizes differ. Grad: bilinear. Source: SciPy `signal.fftconvolve`.
    """
    x, y = _checked("fftconvolve", in1, in2, mode)
    if not x.ndim:
        return x * y
    places = (
        tuple(range(x.ndim))
        if axes is None
        else axes
        if isinstance(axes, tuple | list)
        else (axes,)
    )
    places = core.canonical_axes("fftconvolve", tuple(places), x.ndim)
    for i, (m, n) in enumerate(zip(x.shape, y.shape, strict=True)):
        if i not in places and m != n and 1 not in (m, n):
            raise ValueError(
                f"fftconvolve: incompatible shapes for in1 and in2: {x.shape} and {y.shape}."
            )
    if _swapped(x, y, mode):
        x, y = y, x
    if x.size == 0 or y.size == 0:
        return jnp.zeros((0,), x.dtype)
    sizes = [x.shape[i] + y.shape[i] - 1 for i in places]
    # Sizes that are products of small primes transform fastest.
    fast = [_fast_size(n) for n in sizes]
    real = not dtypes.is_complex(x.dtype)
    there, back = (_fft.rfftn, _fft.irfftn) if real else (_fft.fftn, _fft.ifftn)
    full = back(there(x, fast, places) * there(y, fast, places), fast, places).astype(x.dtype)
    start, stop = [0] * x.ndim, list(full.shape)
    for i, n in zip(places, sizes, strict=True):
        want = {"full": n, "same": x.shape[i], "valid": x.shape[i] - y.shape[i] + 1}[mode]
        start[i] = (n - want) // 2
        stop[i] = start[i] + want
    return lax.slice(full, start, stop)


def _fast_size(n: int) -> int:
    """The next product of 2, 3 and 5."""
    while True:
        rest = n
        for p in (2, 3, 5):
            while rest % p == 0:
                rest //= p
        if rest == 1:
            return n
        n += 1


# ---- trends ----


def detrend(
    data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: Any = None
) -> Array:
    """The data less its mean ("constant") or its best line ("linear"), in each part between the breakpoints bp.

    Raises: ValueError for another type, or breakpoints past the end; NotImplementedError for overwrite_data.
    Grad: linear. Source: SciPy `signal.detrend`.
    """
    if overwrite_data is not None:
        raise NotImplementedError("detrend: overwrite_data is not supported: arrays are immutable.")
    if type not in ("constant", "linear", "l", "c"):
        raise ValueError(f"detrend: trend type must be 'linear' or 'constant'; got {type!r}.")
    (x,) = promote_inexact(value("detrend", data))
    place = core.canonical_axis("detrend", axis, x.ndim)
    if type in ("constant", "c"):
        return x - jnp.mean(x, axis=place, keepdims=True)
    n = x.shape[place]
    ends = np.sort(np.unique(np.r_[0, np.asarray(bp, int), n]))
    if ends[-1] > n or ends[0] < 0:
        raise ValueError(
            f"detrend: Breakpoints must be less than the length along the axis, {n}; got {bp}."
        )
    moved = jnp.moveaxis(x, place, 0)
    parts = []
    for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        part = moved[low:high]
        t = np.arange(high - low) - (high - low - 1) / 2
        t = jnp.asarray(t / max(np.linalg.norm(t), 1e-300), part.dtype).reshape(
            -1, *[1] * (part.ndim - 1)
        )
        part = part - jnp.mean(part, axis=0, keepdims=True)
        parts.append(part - t * jnp.sum(t * part, axis=0, keepdims=True))
    return jnp.moveaxis(jnp.concatenate(parts, axis=0), 0, place)


# ---- windows ----


def _cosines(*coefficients: float) -> Any:
    def make(n: int) -> np.ndarray:
        angle = 2 * np.pi * np.arange(n) / n
        return sum((-1) ** k * c * np.cos(k * angle) for k, c in enumerate(coefficients))

    return make


def _triangle(n: int) -> np.ndarray:
    return 1 - np.abs(2 * np.arange(n) / n - 1)


def _kaiser(n: int, beta: float) -> np.ndarray:
    return np.kaiser(n + 1, beta)[:-1]


def _gaussian(n: int, std: float) -> np.ndarray:
    return np.exp(-0.5 * ((np.arange(n) - n / 2) / std) ** 2)


def _tukey(n: int, alpha: float = 0.5) -> np.ndarray:
    if alpha <= 0:
        return np.ones(n)
    x = np.minimum(np.arange(n), n - np.arange(n)) / n
    return np.where(x < alpha / 2, 0.5 * (1 - np.cos(2 * np.pi * x / min(alpha, 1))), 1.0)


_WINDOWS = {
    "boxcar": np.ones,
    "hann": _cosines(0.5, 0.5),
    "hamming": _cosines(0.54, 0.46),
    "blackman": _cosines(0.42, 0.5, 0.08),
    "nuttall": _cosines(0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": _cosines(0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": _cosines(0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    "bartlett": _triangle,
    "cosine": lambda n: np.sin(np.pi / (n + 1) * (np.arange(n) + 0.5)),
    "kaiser": _kaiser,
    "gaussian": _gaussian,
    "tukey": _tukey,
}
_NEED = {"kaiser": "beta", "gaussian": "std"}


def _window(op: str, window: Any, n: int) -> Any:
    """A periodic window by name, by (name, parameter), or as its numbers."""
    if not isinstance(window, str | tuple):
        found = value(op, window)
        if found.shape != (n,):
            raise ValueError(
                f"{op}: the window must have {n} numbers, as nperseg says; got {found.shape}."
            )
        return found
    name, *parameters = (window,) if isinstance(window, str) else window
    if name not in _WINDOWS:
        raise ValueError(
            f"{op}: unknown window {name!r}. Use one of {', '.join(_WINDOWS)}, or numbers."
        )
    if name in _NEED and not parameters:
        raise ValueError(
            f"{op}: the {name!r} window needs its {_NEED[name]}. Give ({name!r}, {_NEED[name]})."
        )
    return core.from_numpy(
        _WINDOWS[name](n, *parameters).astype(dtypes.default_dtype(float)), False
    )


# ---- spectra ----


def _segments(x: Any, nperseg: int, step: int) -> Any:
    """Overlapping pieces of the last axis, as a new axis before it."""
    count = (x.shape[-1] - nperseg) // step + 1
    places = np.arange(count)[:, None] * step + np.arange(nperseg)[None, :]
    return x[..., places]


_BOUNDARIES = ("even", "odd", "constant", "zeros", None)


def _extended(op: str, x: Any, boundary: Any, by: int) -> Any:
    if boundary not in _BOUNDARIES:
        raise ValueError(f"{op}: unknown boundary option {boundary!r}. Use one of {_BOUNDARIES}.")
    if boundary is None or not by:
        return x
    if boundary in ("even", "odd") and by > x.shape[-1] - 1:
        raise ValueError(
            f"{op}: the {boundary} boundary needs more than {by} numbers; got {x.shape[-1]}."
        )
    if boundary == "zeros":
        before = after = jnp.zeros((*x.shape[:-1], by), x.dtype)
    elif boundary == "constant":
        before = jnp.repeat(x[..., :1], by, axis=-1)
        after = jnp.repeat(x[..., -1:], by, axis=-1)
    else:
        before, after = jnp.flip(x[..., 1 : by + 1], -1), jnp.flip(x[..., -by - 1 : -1], -1)
        if boundary == "odd":
            before, after = 2 * x[..., :1] - before, 2 * x[..., -1:] - after
    return jnp.concatenate([before, x, after], axis=-1)


def _lengths(
    op: str, size: int, nperseg: Any, noverlap: Any, nfft: Any, window: Any
) -> tuple[int, int, int]:
    if nperseg is None:
        nperseg = window.shape[0] if hasattr(window, "shape") else min(256, size)
    nperseg = min(operator.index(nperseg), size)
    if nperseg < 1:
        raise ValueError(f"{op}: nperseg must be a positive integer; got {nperseg}.")
    noverlap = nperseg // 2 if noverlap is None else operator.index(noverlap)
    if noverlap >= nperseg:
        raise ValueError(f"{op}: noverlap must be less than nperseg; got {noverlap} and {nperseg}.")
    nfft = nperseg if nfft is None else operator.index(nfft)
    if nfft < nperseg:
        raise ValueError(
            f"{op}: nfft must be greater than or equal to nperseg; got {nfft} and {nperseg}."
        )
    return nperseg, noverlap, nfft


def _detrended(x: Any, detrend_: Any) -> Any:
    if not detrend_:
        return x
    return detrend_(x) if callable(detrend_) else detrend(x, axis=-1, type=detrend_)


def _transforms(
    op: str,
    signals: list[Any],
    fs: Any,
    window: Any,
    lengths: tuple[int, int, int],
    detrend_: Any,
    onesided: bool,
    scaling: str,
    root: bool,
) -> tuple[Any, list[Any], Any]:
    """Frequencies, the transforms of all segments, and the scale of their products (its root for one of them)."""
    if scaling not in ("density", "spectrum"):
        raise ValueError(f"{op}: Unknown scaling: {scaling!r}. Use 'density' or 'spectrum'.")
    nperseg, noverlap, nfft = lengths
    part = dtypes.finfo(signals[0].dtype).dtype
    shape = _window(op, window, nperseg).astype(part)
    if scaling == "density":
        scale = 1 / (fs * jnp.sum(shape * shape))
    else:
        scale = 1 / jnp.square(jnp.sum(shape))
    onesided = onesided and not any(dtypes.is_complex(x.dtype) for x in signals)
    transform = _fft.rfft if onesided else _fft.fft
    outs = []
    for x in signals:
        pieces = _detrended(_segments(x, nperseg, nperseg - noverlap), detrend_)
        outs.append(transform(shape * pieces, nfft))
    frequencies = (_fft.rfftfreq if onesided else _fft.fftfreq)(nfft, 1 / fs)
    return frequencies, outs, jnp.sqrt(scale) if root else scale


def csd(
    x: Any,
    y: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Array, Array]:
    """Frequencies and the cross spectral density of two signals, by Welch's averages over windowed segments.

    Raises: ValueError for lengths, windows, scalings or averages that do not exist or fit. Grad: yes.
    Source: SciPy `signal.csd`; Welch 1967.
    """
    return _welch(
        "csd",
        x,
        y,
        fs,
        window,
        nperseg,
        noverlap,
        nfft,
        detrend,
        return_onesided,
        scaling,
        axis,
        average,
    )


def welch(
    x: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Array, Array]:
    """Frequencies and the power spectral density of a signal, by Welch's averages over windowed segments.

    Raises: as csd. Grad: yes. Source: SciPy `signal.welch`; Welch 1967.
    """
    f, p = _welch(
        "welch",
        x,
        None,
        fs,
        window,
        nperseg,
        noverlap,
        nfft,
        detrend,
        return_onesided,
        scaling,
        axis,
        average,
    )
    return f, jnp.real(p)


def _welch(
    op: str,
    x: Any,
    y: Any,
    fs: Any,
    window: Any,
    nperseg: Any,
    noverlap: Any,
    nfft: Any,
    detrend_: Any,
    onesided: bool,
    scaling: str,
    axis: int,
    average: str,
) -> tuple[Any, Any]:
    if average not in ("mean", "median"):
        raise ValueError(f"{op}: average must be 'median' or 'mean'; got {average!r}.")
    signals = (
        promote_inexact(value(op, x))
        if y is None
        else promote_inexact(value(op, x), value(op, y, 1))
    )
    place = core.canonical_axis(op, axis, signals[0].ndim)
    signals = [jnp.moveaxis(v, axis, -1) for v in signals]
    size = max(v.shape[-1] for v in signals)
    signals = [
        jnp.concatenate([v, jnp.zeros((*v.shape[:-1], size - v.shape[-1]), v.dtype)], -1)
        if v.shape[-1] < size
        else v
        for v in signals
    ]
    lengths = _lengths(op, size, nperseg, noverlap, nfft, window)
    f, outs, scale = _transforms(
        op, signals, fs, window, lengths, detrend_, onesided, scaling, False
    )
    power = jnp.conj(outs[0]) * outs[-1] * scale
    if onesided and not any(dtypes.is_complex(v.dtype) for v in signals):
        doubled = np.full(power.shape[-1], 2.0)
        doubled[0] = 1
        if lengths[2] % 2 == 0:
            doubled[-1] = 1
        power = power * jnp.asarray(doubled, dtypes.finfo(power.dtype).dtype)
    if average == "median":
        count = power.shape[-2]
        odd = np.arange(1, count // 2 + count % 2)
        bias = 1 + np.sum(1 / (2 * odd + 1) - 1 / (2 * odd)) if count > 1 else 1.0
        middle = jnp.median(jnp.real(power), axis=-2)
        if y is not None:
            middle = lax.complex(middle, jnp.median(jnp.imag(power), axis=-2))
        power = middle / float(bias)
    else:
        power = jnp.mean(power, axis=-2)
    return f, jnp.moveaxis(power, -1, place)


def stft(
    x: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = False,
    return_onesided: bool = True,
    boundary: str | None = "zeros",
    padded: bool = True,
    axis: int = -1,
) -> tuple[Array, Array, Array]:
    """Frequencies, times, and the Fourier transforms of overlapping windowed segments.

    Shapes: the transforms have frequencies in place of the axis, and times last. Raises: ValueError for lengths,
    windows or boundaries that do not exist or fit. Grad: linear. Source: SciPy `signal.stft`.
    """
    (x,) = promote_inexact(value("stft", x))
    place = core.canonical_axis("stft", axis, x.ndim)
    x = jnp.moveaxis(x, place, -1)
    lengths = _lengths("stft", x.shape[-1], nperseg, noverlap, nfft, window)
    nperseg, noverlap, _ = lengths
    step = nperseg - noverlap
    x = _extended("stft", x, boundary, nperseg // 2)
    if padded:
        more = -(x.shape[-1] - nperseg) % step % nperseg
        x = jnp.concatenate([x, jnp.zeros((*x.shape[:-1], more), x.dtype)], axis=-1)
    f, (out,), scale = _transforms(
        "stft", [x], fs, window, lengths, detrend, return_onesided, "spectrum", True
    )
    count = out.shape[-2]
    start = 0.0 if boundary is not None else nperseg / 2
    times = (jnp.arange(count) * step + start) / fs
    out = jnp.moveaxis(out * scale, -1, -2)
    return f, times, jnp.moveaxis(out, -2, place)


def istft(
    Zxx: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    input_onesided: bool = True,
    boundary: bool = True,
    time_axis: int = -1,
    freq_axis: int = -2,
) -> tuple[Array, Array]:
    """Times and the signal whose stft is Zxx, by weighted overlapping sums.

    Raises: ValueError for lengths that do not fit, or fewer than two axes. Grad: linear. Source: SciPy `signal.istft`;
    Griffin & Lim 1984.
    """
    z = value("istft", Zxx)
    if z.ndim < 2:
        raise ValueError(f"istft: Input stft must be at least 2d; got {z.aval.str_short()}.")
    if not dtypes.is_complex(z.dtype):
        z = z.astype(complex)
    places = [core.canonical_axis("istft", i, z.ndim) for i in (freq_axis, time_axis)]
    if places[0] == places[1]:
        raise ValueError("istft: Must specify differing time and frequency axes.")
    z = jnp.moveaxis(z, places, (-2, -1))
    bins, count = z.shape[-2:]
    default = 2 * (bins - 1) if input_onesided else bins
    nperseg = default if nperseg is None else operator.index(nperseg)
    if nfft is None:
        nfft = nperseg if input_onesided and nperseg == default + 1 else default
    if nfft < nperseg:
        raise ValueError(
            f"istft: nfft must be greater than or equal to nperseg; got {nfft} and {nperseg}."
        )
    noverlap = nperseg // 2 if noverlap is None else operator.index(noverlap)
    if noverlap >= nperseg:
        raise ValueError(
            f"istft: noverlap must be less than nperseg; got {noverlap} and {nperseg}."
        )
    step = nperseg - noverlap
    part = dtypes.finfo(z.dtype).dtype
    shape = _window("istft", window, nperseg).astype(part)
    pieces = (_fft.irfft if input_onesided else _fft.ifft)(z, nfft, axis=-2)[..., :nperseg, :]
    pieces = jnp.moveaxis(pieces, -1, -2) * shape * jnp.sum(shape)
    size = nperseg + (count - 1) * step
    total = _overlapped(pieces, step, size)
    weight = _overlapped(jnp.broadcast_to(shape * shape, (count, nperseg)), step, size)
    if boundary:
        cut = slice(nperseg // 2, size - nperseg // 2)
        total, weight = total[..., cut], weight[..., cut]
    total = total / jnp.where(weight > 1e-10, weight, 1)
    times = jnp.arange(total.shape[-1]) / fs
    low = min(places)
    return times, jnp.moveaxis(total, -1, low) if low != z.ndim - 2 else total


def _overlapped(pieces: Any, step: int, size: int) -> Any:
    """The sum of segments (..., K, n), each `step` later: each is cut into blocks of `step`, added a shift at a time."""
    *lead, count, n = pieces.shape
    blocks = math.ceil(n / step)
    padded = jnp.concatenate(
        [pieces, jnp.zeros((*lead, count, blocks * step - n), pieces.dtype)], axis=-1
    )
    parts = padded.reshape(*lead, count, blocks, step)
    total: Any = 0
    for j in range(blocks):
        edge = [(0, 0, 0)] * len(lead) + [(j, blocks - 1 - j, 0), (0, 0, 0)]
        total = total + lax.pad(parts[..., j, :], jnp.zeros((), pieces.dtype), edge)
    return total.reshape(*lead, (count + blocks - 1) * step)[..., :size]


__all__ = [
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "csd",
    "detrend",
    "fftconvolve",
    "istft",
    "stft",
    "welch",
]
