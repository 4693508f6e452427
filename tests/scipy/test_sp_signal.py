"""scipy.signal against SciPy: convolutions, trends, spectra; derivatives; errors."""

import checks
import numpy as np
import pytest
import scipy.signal as ss

import numax
from numax.scipy import signal

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
Y, Z = RNG.standard_normal((2, 3, 100)).astype(np.float32)


def same(got, want, tol=2e-5):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=tol, atol=tol * max(1, np.abs(want).max(initial=0)))


def agree(name, *args, tol=2e-5, **options):
    own, reference = getattr(signal, name), getattr(ss, name)
    want = reference(
        *[a.astype(np.complex128 if a.dtype.kind == "c" else float) for a in args], **options
    )
    many = isinstance(want, tuple)
    for got in (own(*args, **options), numax.jit(lambda *a: own(*a, **options))(*args)):
        for g, w in zip(got, want, strict=True) if many else [(got, want)]:
            same(g, w, tol)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate", "fftconvolve"])
def test_convolutions(name, mode):
    for first, second in (
        ((9,), (4,)),
        ((9,), (5,)),
        ((4,), (9,)),
        ((5, 6), (2, 3)),
        ((2, 3), (5, 6)),
    ):
        x, y = (
            RNG.standard_normal(first).astype(np.float32),
            RNG.standard_normal(second).astype(np.float32),
        )
        if name == "fftconvolve":
            agree(name, x, y, mode=mode)
            continue
        agree(name, x, y, mode=mode, method="direct")
        got = getattr(signal, name)(x, y, mode=mode, method="fft")
        same(got, getattr(ss, name)(x, y, mode=mode, method="direct"))
        agree(name, x + 1j, y * 1j, mode=mode, method="direct")


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolutions_of_matrices(mode):
    for first, second in (((5, 6), (2, 3)), ((5, 6), (3, 4)), ((5, 6), (4, 2))):
        x, y = (
            RNG.standard_normal(first).astype(np.float32),
            RNG.standard_normal(second).astype(np.float32),
        )
        agree("convolve2d", x, y, mode=mode)
        agree("correlate2d", x, y, mode=mode)
    agree("fftconvolve", Y, Z[:, :7], mode=mode, axes=1)


def test_detrend():
    for options in (
        {},
        {"type": "constant"},
        {"bp": [40]},
        {"axis": 0},
        {"bp": [20, 60], "axis": 1},
    ):
        agree("detrend", Y, **options)


SPECTRA = [
    {"nperseg": 32},
    {"nperseg": 33, "noverlap": 10},
    {"nperseg": 32, "nfft": 40, "fs": 5.0},
    {"window": "boxcar", "average": "median", "nperseg": 16},
    {"detrend": False, "scaling": "spectrum", "nperseg": 16},
    {"detrend": "linear", "nperseg": 16, "window": ("kaiser", 3.0)},
    {"return_onesided": False, "nperseg": 16},
    {"nperseg": 20, "window": ("tukey", 0.3)},
]


@pytest.mark.parametrize("options", SPECTRA, ids=str)
def test_spectra(options):
    agree("welch", Y, **options, tol=2e-4)
    agree("csd", Y, Z, **options, tol=2e-4)


def test_windows():
    for name in signal._WINDOWS:
        window = (name, 2.5) if name in ("kaiser", "gaussian") else name
        for n in (7, 8):
            same(signal._window("w", window, n), ss.get_window(window, n), 1e-6)


STFT = [
    {"nperseg": 32},
    {"nperseg": 33, "noverlap": 20},
    {"nperseg": 32, "boundary": "even"},
    {"nperseg": 32, "boundary": "odd", "padded": False},
    {"nperseg": 32, "boundary": "constant", "nfft": 50},
    {"nperseg": 32, "boundary": None, "fs": 3.0},
    {"nperseg": 32, "return_onesided": False},
]


@pytest.mark.parametrize("options", STFT, ids=str)
def test_stft(options):
    agree("stft", Y, **options, tol=2e-4)
    agree("stft", Y.T, axis=0, **options, tol=2e-4)


def test_istft():
    rows = [
        {"nperseg": 32, **o} for o in ({}, {"noverlap": 24}, {"window": "hamming"}, {"nfft": 50})
    ]
    for options in [*rows, {"nperseg": 32, "return_onesided": False}]:
        _, _, z = ss.stft(Y, **options)
        if "return_onesided" in options:
            options = {"nperseg": 32, "input_onesided": False}
        z = z.astype(np.complex64)
        want = ss.istft(z, **options)[
            1
        ]  # the times are those of one signal: SciPy's count the signals
        same(signal.istft(z, **options)[1], want, 2e-4)
        agree("istft", z[0], tol=2e-4, **options)
        assert np.allclose(np.asarray(want)[:, :100], Y, atol=1e-4)
    _, _, z = ss.stft(Y[0], nperseg=32, boundary=None)
    agree("istft", z.astype(np.complex64), nperseg=32, boundary=False, window="hamming", tol=2e-4)


def test_derivatives():
    x, y = Y[0, :9], Z[0, :4]
    checks.check_derivatives(lambda x, y: signal.convolve(x, y, mode="same"), [x, y])
    checks.check_derivatives(lambda x, y: signal.fftconvolve(x, y), [x, y])
    checks.check_derivatives(lambda x: signal.welch(x, nperseg=8)[1], [Y[0, :20]], order=1)
    checks.check_derivatives(lambda x: signal.detrend(x), [x])


BAD = [
    (lambda: signal.convolve(Y, Y[0]), ValueError, "same number of dimensions"),
    (lambda: signal.convolve(Y, Y, method="x"), ValueError, "expected 'auto'"),
    (lambda: signal.convolve(Y, Y, mode="x"), ValueError, "mode must be one of"),
    (lambda: signal.convolve2d(Y, Y, boundary="wrap"), NotImplementedError, "boundary='fill'"),
    (lambda: signal.convolve2d(Y[0], Y[0]), ValueError, "2 dimensions"),
    (lambda: signal.detrend(Y, type="x"), ValueError, "trend type"),
    (lambda: signal.welch(Y, nperseg=8, noverlap=8), ValueError, "noverlap must be less"),
    (lambda: signal.welch(Y, window="x"), ValueError, "unknown window"),
    (lambda: signal.welch(Y, window="kaiser"), ValueError, "needs its beta"),
    (lambda: signal.welch(Y, scaling="x"), ValueError, "Unknown scaling"),
    (lambda: signal.stft(Y, boundary="x"), ValueError, "unknown boundary"),
    (lambda: signal.istft(Y[0]), ValueError, "at least 2d"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
