"""Block-scaled products: exact where nothing is rounded, near elsewhere; gradients straight through; errors."""

import ml_dtypes
import numpy as np
import pytest

import numax
from numax import nn

RNG = np.random.default_rng(0)
A, B = (
    RNG.standard_normal((2, 4, 64)).astype(np.float32),
    RNG.standard_normal((2, 3, 64)).astype(np.float32),
)
NUMBERS = (((2,), (2,)), ((0,), (0,)))


def test_scaled_matmul():
    a, b = A.astype(ml_dtypes.float8_e4m3fn), B.astype(ml_dtypes.float8_e4m3fn)
    sa = (2.0 ** RNG.integers(-2, 3, (2, 4, 2))).astype(ml_dtypes.float8_e8m0fnu)
    sb = (2.0 ** RNG.integers(-2, 3, (2, 3, 2))).astype(ml_dtypes.float8_e8m0fnu)
    x = a.astype(np.float32) * np.repeat(sa.astype(np.float32), 32, 2)
    y = b.astype(np.float32) * np.repeat(sb.astype(np.float32), 32, 2)
    want = np.einsum("bik,bjk->bij", x, y)
    for fun in (nn.scaled_matmul, numax.jit(nn.scaled_matmul)):
        np.testing.assert_allclose(np.asarray(fun(a, b, sa, sb)), want, rtol=1e-5)
    assert nn.scaled_matmul(a, b, sa, sb, np.float16).dtype == np.float16


@pytest.mark.parametrize(("mode", "error"), [("mxfp8", 0.05), ("nvfp4", 0.2)])
def test_scaled_dot_general(mode, error):
    configs = [nn.get_scaled_dot_general_config(mode)] * 3
    exact = np.einsum("bik,bjk->bij", A, B)
    scale = np.linalg.norm(A, axis=2)[:, :, None] * np.linalg.norm(B, axis=2)[:, None, :]

    def product(a, b):
        return nn.scaled_dot_general(a, b, NUMBERS, configs=configs)

    for fun in (product, numax.jit(product)):
        got = np.asarray(fun(A, B))
        assert got.shape == exact.shape
        assert 0 < (np.abs(got - exact) / scale).max() < error
    gradient = numax.grad(lambda a: product(a, B).sum())(A)
    want = np.broadcast_to(B.sum(1)[:, None], A.shape)
    np.testing.assert_allclose(np.asarray(gradient), want, rtol=1e-5)


def test_without_configurations_nothing_is_rounded():
    got = nn.scaled_dot_general(A, B, NUMBERS)
    np.testing.assert_allclose(
        np.asarray(got), np.einsum("bik,bjk->bij", A, B), rtol=1e-4, atol=1e-5
    )


def test_small_whole_numbers_are_exact():
    a = RNG.integers(-4, 5, (1, 3, 32)).astype(np.float32)
    b = RNG.integers(-4, 5, (1, 2, 32)).astype(np.float32)
    configs = [nn.get_scaled_dot_general_config("mxfp8")] * 3
    got = nn.scaled_dot_general(a, b, NUMBERS, configs=configs)
    np.testing.assert_array_equal(np.asarray(got), np.einsum("bik,bjk->bij", a, b))


def test_errors():
    with pytest.raises(ValueError, match="Unsupported mode"):
        nn.get_scaled_dot_general_config("x")
    with pytest.raises(ValueError, match="three axes"):
        nn.scaled_matmul(A[0], B, A, B)
    with pytest.raises(ValueError, match="each block"):
        nn.scaled_matmul(A, B, np.ones((2, 4, 3)), np.ones((2, 3, 2)))
    configs = [nn.get_scaled_dot_general_config("mxfp8")] * 3
    with pytest.raises(ValueError, match="multiple of the block size"):
        nn.scaled_dot_general(A[..., :40], B[..., :40], NUMBERS, configs=configs)
