"""Initial weights: JAX's numbers for given keys, variances, orthogonality, errors."""

import numpy as np
import pytest

from numax import nn, random

I = nn.initializers
KEY = random.key(1)

# The first numbers of jax.nn.initializers for jax.random.key(1) and weights of shape (3, 4).
FIRST = {
    "glorot_normal": [-0.08954508, 0.04912674, -0.07884993, -0.08989219],
    "glorot_uniform": [-0.11363056, 0.06249826, -0.10013981, -0.11406782],
    "he_normal": [-0.13678238, 0.07504234, -0.12044527, -0.13731259],
    "he_uniform": [-0.17357354, 0.09546766, -0.15296608, -0.17424147],
    "lecun_normal": [-0.09671974, 0.05306295, -0.08516765, -0.09709466],
    "lecun_uniform": [-0.12273502, 0.06750584, -0.10816336, -0.12320733],
    "orthogonal": [-0.07076705, -0.07104152, 0.9813168, 0.1642026],
}


@pytest.mark.parametrize("name", FIRST)
def test_numbers_are_jaxs(name):
    got = np.asarray(getattr(I, name)()(KEY, (3, 4)))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.ravel()[:4], FIRST[name], rtol=3e-6)


def test_complex_numbers_are_jaxs():
    got = np.asarray(I.he_normal(dtype=np.complex64)(KEY, (3, 4))).ravel()
    np.testing.assert_allclose(got[0], -0.7620541 + 0.5274217j, rtol=1e-6)
    got = np.asarray(I.he_uniform(dtype=np.complex64)(KEY, (3, 4))).ravel()
    np.testing.assert_allclose(got[0], -0.7958709 + 0.55082655j, rtol=1e-6)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"])
@pytest.mark.parametrize("distribution", ["normal", "uniform", "truncated_normal"])
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_variance(mode, distribution, dtype):
    shape = (3, 3, 40, 160)
    size = {"fan_in": 360, "fan_out": 1440, "fan_avg": 900, "fan_geo_avg": 720}[mode]
    weights = np.asarray(I.variance_scaling(2.0, mode, distribution)(KEY, shape, dtype))
    assert weights.dtype == dtype
    np.testing.assert_allclose(np.mean(np.abs(weights) ** 2), 2 / size, rtol=0.03)
    assert abs(weights.mean()) < 0.01


def test_axes_of_fans():
    a = np.asarray(I.lecun_normal(in_axis=(0, 1))(KEY, (20, 30, 40)))
    np.testing.assert_allclose(a.var(), 1 / 600, rtol=0.05)
    b = np.asarray(I.lecun_normal(batch_axis=0)(KEY, (20, 30, 40)))
    np.testing.assert_allclose(b.var(), 1 / 30, rtol=0.05)


def test_given_values():
    np.testing.assert_array_equal(np.asarray(I.zeros(KEY, (2,))), [0, 0])
    assert I.ones(KEY, (2,), np.int32).dtype == np.int32
    rows = np.asarray(I.constant(np.arange(3))(KEY, (2, 3)))
    np.testing.assert_array_equal(rows, [[0, 1, 2], [0, 1, 2]])
    assert rows.dtype == np.float32
    assert isinstance(I.normal(), I.Initializer)


def test_plain_distributions():
    u = np.asarray(I.uniform(0.5)(KEY, (1000,)))
    assert 0 <= u.min() < 0.01 < 0.49 < u.max() < 0.5
    n = np.asarray(I.normal(2.0)(KEY, (4000,)))
    np.testing.assert_allclose(n.std(), 2, rtol=0.05)
    t = np.asarray(I.truncated_normal(2.0, lower=-1.0, upper=0.5)(KEY, (4000,)))
    assert -2 <= t.min() < -1.9 < 0.9 < t.max() <= 1


@pytest.mark.parametrize(
    ("shape", "axis"), [((6, 4), -1), ((4, 6), -1), ((2, 3, 4), -1), ((5, 2, 3), 0)]
)
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_orthogonal(shape, axis, dtype):
    w = np.asarray(I.orthogonal(2.0, axis)(KEY, shape, dtype))
    assert w.shape == shape
    m = np.moveaxis(w, axis, -1).reshape(-1, shape[axis]) / 2
    m = m if m.shape[0] >= m.shape[1] else m.T
    np.testing.assert_allclose(m.conj().T @ m, np.eye(m.shape[1]), atol=2e-6)


def test_delta_orthogonal():
    w = np.asarray(I.delta_orthogonal()(KEY, (3, 4, 2, 5)))
    middle = w[1, 1].copy()
    np.testing.assert_allclose(middle @ middle.T, np.eye(2), atol=2e-6)
    w = w.copy()
    w[1, 1] = 0
    assert (w == 0).all()


BAD = [
    (lambda: I.lecun_normal()(KEY, (3,)), "at least 2D"),
    (lambda: I.variance_scaling(1.0, "fan", "normal")(KEY, (3, 3)), "invalid mode"),
    (lambda: I.variance_scaling(1.0, "fan_in", "cauchy")(KEY, (3, 3)), "invalid distribution"),
    (lambda: I.orthogonal()(KEY, (3,)), "at least a 2D"),
    (lambda: I.delta_orthogonal()(KEY, (3, 3)), "3D, 4D or 5D"),
    (lambda: I.delta_orthogonal()(KEY, (3, 4, 3)), "fan_in"),
    (lambda: I.uniform()(KEY, (3,), np.int32), "float dtype"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[row[1] for row in BAD])
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
