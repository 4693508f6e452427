"""scipy.ndimage, interpolate, cluster.vq, fft and integrate, against SciPy."""

import checks
import numpy as np
import pytest
import scipy.cluster.vq as sv
import scipy.fft as sf
import scipy.integrate as si
import scipy.interpolate as sp
import scipy.ndimage as sn

import numax
from numax.scipy import fft, integrate, interpolate, ndimage
from numax.scipy.cluster import vq

RNG = np.random.default_rng(0)
GRID = RNG.standard_normal((4, 5)).astype(np.float32)
PLACES = RNG.uniform(-3, 8, (2, 40)).astype(np.float32)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("mode", ["constant", "nearest", "wrap", "mirror", "reflect"])
def test_map_coordinates(mode, order):
    # SciPy's "constant" and "wrap" treat the border differently; its "grid-" modes are these.
    name = {"constant": "grid-constant", "wrap": "grid-wrap"}.get(mode, mode)
    want = sn.map_coordinates(GRID, PLACES, order=order, mode=name, cval=0.5)
    got = ndimage.map_coordinates(GRID, PLACES, order, mode, 0.5)
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-4, atol=1e-5)
    inside = RNG.uniform(0.1, 2.9, (2, 6))
    if order:
        checks.check_derivatives(
            lambda x, c: ndimage.map_coordinates(x, [c[0], c[1]], 1, mode), [GRID, inside], order=1
        )
    whole = (GRID * 10).astype(np.int32)
    assert ndimage.map_coordinates(whole, PLACES, order, mode).dtype == np.int32


@pytest.mark.parametrize("method", ["linear", "nearest"])
@pytest.mark.parametrize("fill", [np.nan, 1.5, None])
def test_regular_grid(method, fill):
    points = (np.array([0.0, 1, 3, 4]), np.array([-1.0, 0, 0.5, 2, 3]))
    places = RNG.uniform(-1.5, 4.5, (7, 3, 2))
    for values in (GRID, RNG.standard_normal((4, 5, 2))):
        own = interpolate.RegularGridInterpolator(points, values, method, fill_value=fill)
        reference = sp.RegularGridInterpolator(
            points, values, method, bounds_error=False, fill_value=fill
        )
        np.testing.assert_allclose(np.asarray(own(places)), reference(places), rtol=1e-4, atol=1e-5)
        jitted = numax.jit(lambda f, x: f(x))(own, places)
        np.testing.assert_allclose(np.asarray(jitted), reference(places), rtol=1e-4, atol=1e-5)
    pair = (places[..., 0], places[..., 1])
    own = interpolate.RegularGridInterpolator(points, GRID, method, fill_value=fill)
    np.testing.assert_allclose(np.asarray(own(pair)), np.asarray(own(places)))


def test_vq():
    for shape, codes in (((6, 3), (4, 3)), ((6,), (4,))):
        obs, book = RNG.standard_normal(shape), RNG.standard_normal(codes)
        got, want = vq.vq(obs, book), sv.vq(obs, book)
        np.testing.assert_array_equal(np.asarray(got[0]), want[0])
        np.testing.assert_allclose(np.asarray(got[1]), want[1], rtol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
def test_cosine_transforms(n):
    x = RNG.standard_normal((2, n)).astype(np.float32)
    for kind in (2, 3):
        for norm in (None, "ortho"):
            for name in ("dct", "idct"):
                got = getattr(fft, name)(x, kind, norm=norm)
                np.testing.assert_allclose(
                    np.asarray(got), getattr(sf, name)(x, kind, norm=norm), atol=2e-5
                )
                got = getattr(fft, name)(x, kind, 6, 0, norm)
                np.testing.assert_allclose(
                    np.asarray(got), getattr(sf, name)(x, kind, 6, 0, norm), atol=2e-5
                )
            for name in ("dctn", "idctn"):
                got = numax.jit(lambda x, f=name, k=kind, m=norm: getattr(fft, f)(x, k, norm=m))(x)
                np.testing.assert_allclose(
                    np.asarray(got), getattr(sf, name)(x, kind, norm=norm), atol=2e-5
                )
    checks.check_derivatives(fft.dct, [x])


def test_trapezoid():
    x = np.sort(RNG.standard_normal(5))
    got = integrate.trapezoid(GRID, x, axis=1)
    np.testing.assert_allclose(np.asarray(got), si.trapezoid(GRID, x, axis=1), rtol=1e-5)


BAD = [
    (lambda: ndimage.map_coordinates(GRID, PLACES[:1], 1), ValueError, "length input.ndim"),
    (lambda: ndimage.map_coordinates(GRID, PLACES, 3), NotImplementedError, "order must be 0 or 1"),
    (lambda: ndimage.map_coordinates(GRID, PLACES, 1, "x"), NotImplementedError, "mode 'x'"),
    (
        lambda: interpolate.RegularGridInterpolator((np.arange(4.0),), GRID, "cubic"),
        ValueError,
        "not defined",
    ),
    (
        lambda: interpolate.RegularGridInterpolator((np.zeros(4),), GRID),
        ValueError,
        "strictly ascending",
    ),
    (
        lambda: interpolate.RegularGridInterpolator((np.arange(3.0),), GRID),
        ValueError,
        "a vector of 4",
    ),
    (lambda: vq.vq(GRID, GRID[:, :2]), ValueError, "features"),
    (lambda: vq.vq(GRID, GRID[0]), ValueError, "same rank"),
    (lambda: fft.dct(GRID, 1), NotImplementedError, "types 2 and 3"),
    (lambda: fft.dct(GRID * 1j), TypeError, "real numbers"),
    (lambda: fft.dct(GRID, norm="x"), ValueError, "norm must be"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
