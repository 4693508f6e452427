"""Fourier transforms."""

import numpy as np
import pytest
from ops_rules import arrays, check_batching, check_derivatives, compiled, run

from numax._engine.core.config import enable_x64
from numax._engine.ops.fft import FftType, fft

LENGTHS = [(5,), (6,), (1,), (4, 3), (2, 3, 4), (2, 3, 5), (0,)]


def operand(kind, lengths, dtype="float64"):
    rng = np.random.default_rng(0)
    shape = (2, *lengths)
    if kind == "irfft":
        shape = (*shape[:-1], lengths[-1] // 2 + 1)
    x = rng.standard_normal(shape)
    if kind != "rfft":
        x = x + 1j * rng.standard_normal(shape)
        dtype = {"float32": "complex64", "float64": "complex128"}[dtype]
    return x.astype(dtype)


@pytest.mark.parametrize("kind", ["fft", "ifft", "rfft", "irfft"])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_values_and_rules(kind, lengths):
    x = operand(kind, lengths, "float32")

    def fun(v):
        return fft(v, kind, lengths)

    got = run(fun, [x])[0]
    if x.size and 0 not in lengths:
        axes = tuple(range(-len(lengths), 0))
        expected = getattr(np.fft, kind + "n")(
            x.astype("c16" if kind != "rfft" else "f8"), lengths, axes
        )
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    assert got.dtype == (np.float32 if kind == "irfft" else np.complex64)
    np.testing.assert_allclose(compiled(fun, [x])[0], got, rtol=1e-4, atol=1e-5)
    x = operand(kind, lengths)
    check_derivatives(fun, [x], order=1)
    with enable_x64(True):
        check_batching(fun, [x], 1e-12, 1e-12)


def test_real_and_integer_operands():
    x = np.arange(4, dtype=np.int32)
    for kind in (FftType.FFT, "rfft"):
        got = run(lambda v, k=kind: fft(v, k, (4,)), [x])[0]
        assert got.dtype == np.complex64
    assert run(lambda v: fft(v, "fft", ()), [x])[0].shape == (4,)


@pytest.mark.parametrize(
    ("shape", "dtype", "kind", "lengths", "error", "message"),
    [
        ((2, 4), "c8", "fft", (5,), ValueError, r"sizes \(5,\)"),
        ((2, 4), "c8", "rfft", (4,), ValueError, "real numbers"),
        ((2, 4), "f2", "rfft", (4,), ValueError, "float32 or float64"),
        ((2, 4), "c8", "irfft", (5,), ValueError, r"sizes \(3,\)"),
        ((2, 4), "c8", "foo", (4,), ValueError, "unknown transform"),
        ((2, 4), "c8", 9, (4,), TypeError, "FftType or its name"),
        ((2,), "c8", "fft", (2, 2), ValueError, "an axis for each"),
        ((2, 2, 2, 2), "c8", "fft", (2, 2, 2, 2), ValueError, "at most 3"),
    ],
)
def test_errors(shape, dtype, kind, lengths, error, message):
    x = arrays([np.ones(shape, dtype)])[0]
    with pytest.raises(error, match=message):
        fft(x, kind, lengths)
