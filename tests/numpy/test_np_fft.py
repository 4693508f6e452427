"""numpy.fft against NumPy: every function, sizes, axes, norms; derivatives; errors."""

import checks
import numpy as np
import pytest

import numax
from numax.numpy import fft

NAMES = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
MANY = ["fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"]


def make(name, shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(np.float32)
    if name in ("rfft", "ihfft", "rfftn", "rfft2"):
        return x
    return (x + 1j * rng.standard_normal(shape)).astype(np.complex64)


def same(got, want):
    got = np.asarray(got)
    assert got.shape == want.shape
    assert got.dtype == (np.complex64 if np.iscomplexobj(want) else np.float32)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-5)


def agree(name, x, *args, **options):
    want = getattr(np.fft, name)(x, *args, **options)
    own = getattr(fft, name)
    same(own(x, *args, **options), want)
    same(own(numax.device_put(x), *args, **options), want)
    same(numax.jit(lambda x: own(x, *args, **options))(x), want)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
def test_one_axis(name, norm):
    x = make(name, (3, 5, 6))
    agree(name, x, norm=norm)
    for n in (1, 4, 9):
        agree(name, x, n, norm=norm, axis=1)


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_several_axes(name, norm):
    x = make(name, (4, 3, 6))
    agree(name, x, norm=norm)
    agree(name, x, axes=(2, 0), norm=norm)
    agree(name, x, s=(5, 4), axes=(0, 1), norm=norm)


def test_many_axes():
    for name in MANY[:4]:
        x = make(name, (2, 3, 4, 2, 4))
        agree(name, x, axes=(0, 1, 2, 3, 4))
        agree(name, x, axes=(4, 0, 1, 2, 3))


def test_dtypes():
    assert fft.fft(np.arange(4)).dtype == np.complex64
    assert fft.rfft(np.ones(4, np.float16)).dtype == np.complex64
    with numax.enable_x64(True):
        assert fft.fft(np.ones(4)).dtype == np.complex128
        assert fft.irfft(np.ones(4)).dtype == np.float64


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies_and_shifts(n):
    np.testing.assert_allclose(np.asarray(fft.fftfreq(n, 0.5)), np.fft.fftfreq(n, 0.5), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(fft.rfftfreq(n, 0.5)), np.fft.rfftfreq(n, 0.5), rtol=1e-6)
    x = np.arange(3 * n).reshape(3, n)
    for axes in (None, 0, (0, 1), -1):
        for name in ("fftshift", "ifftshift"):
            got = np.asarray(getattr(fft, name)(x, axes))
            np.testing.assert_array_equal(got, getattr(np.fft, name)(x, axes))


def test_frequencies_of_a_traced_distance():
    got = numax.jit(lambda d: fft.fftfreq(6, d))(0.5)
    np.testing.assert_allclose(np.asarray(got), np.fft.fftfreq(6, 0.5), rtol=1e-6)


@pytest.mark.parametrize("name", ["rfft", "fft", "ifft"])
def test_derivatives(name):
    def parts(x):
        y = getattr(fft, name)(x, 5, norm="ortho")
        return y.real, y.imag

    checks.check_derivatives(parts, [np.linspace(-1, 1, 12).reshape(2, 6)])
    checks.check_vmap(parts, [np.linspace(-1, 1, 12).reshape(2, 6).astype(np.float32)])


def test_derivatives_of_real_results():
    def f(x, y):
        return fft.irfft(numax.lax.complex(x, y)), fft.hfft(numax.lax.complex(x, y), 5)

    x = np.linspace(-1, 1, 8).reshape(2, 4)
    checks.check_derivatives(f, [x, x[::-1] ** 2])


BAD = [
    (lambda: fft.fft(np.ones(3), norm="both"), "norm must be"),
    (lambda: fft.fft(np.ones(3), n=0), "Invalid number of FFT data points"),
    (lambda: fft.rfft(np.ones(3, complex)), "only implements real inputs"),
    (lambda: fft.fftn(np.ones((3, 3)), axes=(0, 0)), "repeated axes"),
    (lambda: fft.fftn(np.ones((3, 3)), s=(3,), axes=(0, 1)), "do not match"),
    (lambda: fft.fft2(np.ones((3, 3)), axes=(0,)), "only supports 2 axes"),
    (lambda: fft.fft(np.ones(3), axis=1), "out of bounds"),
    (lambda: fft.fft(np.ones((3, 3)), axis=(0, 1)), "multiple axes"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[row[1] for row in BAD])
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
