"""scipy.special: integrals by fitted pieces, and functions by series and recurrence, against SciPy."""

import checks
import numpy as np
import pytest
import scipy.special as sp

import numax
from numax.scipy import special

GRID = np.concatenate([[0, 1e-10, 1e-3], np.geomspace(1e-2, 80, 120)])
BOTH = np.concatenate([-GRID[::-1], GRID, [np.inf, -np.inf, np.nan]])

FITS = [
    ("expi", (BOTH,)),
    ("exp1", (np.concatenate([GRID, [np.inf, -1.0]]),)),
    ("sici", (np.concatenate([GRID, [np.inf]]),)),
    ("fresnel", (BOTH[np.abs(BOTH) < 60],)),
    ("dawsn", (BOTH,)),
    ("spence", (np.concatenate([GRID, [-1.0, np.nan]]),)),
    *[("expn", (n, GRID)) for n in (0, 1, 2, 5, 20)],
    *[("owens_t", (np.linspace(-6, 6, 41), a)) for a in (0.3, 1.0, -2.5, 40.0, np.inf)],
]


@pytest.mark.parametrize("row", FITS, ids=lambda row: row[0])
def test_fitted_functions(row):
    name, args = row
    own, reference = getattr(special, name), getattr(sp, name)
    with np.errstate(all="ignore"):
        wants = reference(*args)
        narrow = [np.asarray(a, np.float32) if np.asarray(a).dtype.kind == "f" else a for a in args]
        exact = [np.asarray(a, float) if np.asarray(a).dtype.kind == "f" else a for a in narrow]
        wants32 = reference(*exact)
    many = isinstance(wants, tuple)
    with numax.enable_x64(True):
        gots = own(*args)
    for got, want in zip(gots, wants, strict=True) if many else [(gots, wants)]:
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-13, atol=1e-290)
    for way in (own, numax.jit(own)) if name != "expn" else (own,):
        gots = way(*narrow)
        for got, want in zip(gots, wants32, strict=True) if many else [(gots, wants32)]:
            assert got.dtype == np.float32
            with np.errstate(all="ignore"):
                want = want.astype(np.float32)
            np.testing.assert_allclose(np.asarray(got), want, rtol=5e-5, atol=1e-30)


DERIVATIVES = [
    ("expi", [np.array([-2.0, 0.5, 6])]),
    ("exp1", [np.array([0.5, 2, 6])]),
    ("sici", [np.array([0.5, 3, 6])]),
    ("fresnel", [np.array([-0.5, 1.7, 3])]),
    ("dawsn", [np.array([-0.5, 1.7, 5])]),
    ("spence", [np.array([0.2, 0.9, 1.4, 3])]),
    ("owens_t", [np.array([0.2, 0.9, -1.4]), np.array([0.3, -2.0, 1.5])]),
]


@pytest.mark.parametrize("row", DERIVATIVES, ids=lambda row: row[0])
def test_derivatives(row):
    name, args = row
    checks.check_derivatives(getattr(special, name), args)


def test_derivatives_of_the_others():
    checks.check_derivatives(lambda x: special.expn(3, x), [np.array([0.5, 2.5])])
    checks.check_derivatives(
        lambda a, b, x: special.hyp1f1(a, b, x),
        [np.array(1.5), np.array(2.5), np.array([-0.7, 2])],
        order=1,
    )
    checks.check_derivatives(
        lambda x: special.hyp2f1(1.5, 0.4, 2.5, x), [np.array([-0.7, 0.4])], order=1
    )
    checks.check_derivatives(lambda z: special.bessel_jn(z, v=2), [np.array([0.7, 4.0])], order=1)
    slope = numax.grad(
        lambda x: special.sph_harm_y(np.array([2]), np.array([1]), x, np.array([0.3])).real[0]
    )(np.array([0.5]))
    eps = 1e-5
    want = (sp.sph_harm_y(2, 1, 0.5 + eps, 0.3).real - sp.sph_harm_y(2, 1, 0.5 - eps, 0.3).real) / (
        2 * eps
    )
    np.testing.assert_allclose(np.asarray(slope), [want], rtol=1e-4)


def test_wofz():
    rng = np.random.default_rng(0)
    z = (rng.standard_normal(200) + 1j * rng.standard_normal(200)) * np.geomspace(0.01, 10, 200)
    with numax.enable_x64(True):
        np.testing.assert_allclose(np.asarray(special.wofz(z)), sp.wofz(z), rtol=1e-12)
    got = special.wofz(z.astype(np.complex64))
    assert got.dtype == np.complex64
    want = sp.wofz(z.astype(np.complex64).astype(complex))
    np.testing.assert_allclose(np.asarray(got), want, rtol=5e-5)
    assert special.wofz(1.0).dtype == np.complex64


X = np.array([-200, -70, -30, -5, -1, 0, 0.5, 1, 5, 30, 59, 61, 80])


@pytest.mark.parametrize(
    ("a", "b"), [(1, 2), (0.5, 1.5), (-2, 1.5), (2.5, 0.7), (3, 3), (-0.5, 2.3), (4, 2)]
)
def test_hyp1f1(a, b):
    a, b = float(a), float(b)
    with numax.enable_x64(True):
        np.testing.assert_allclose(
            np.asarray(special.hyp1f1(a, b, X)), sp.hyp1f1(a, b, X), rtol=1e-13
        )
    got = numax.jit(special.hyp1f1)(a, b, X.astype(np.float32))
    np.testing.assert_allclose(
        np.asarray(got), sp.hyp1f1(a, b, X).astype(np.float32), rtol=2e-5, atol=1e-30
    )


Y = np.array([-100, -3, -0.9, -0.1, 0, 0.3, 0.7, 0.89, 0.91, 0.99, 0.9999, 1])


@pytest.mark.parametrize(
    ("a", "b", "c"), [(1, 2, 3.3), (0.5, 0.7, 1.1), (-2, 1.5, 2), (2.5, 0.7, 1.3), (1, 1, 2)]
)
def test_hyp2f1(a, b, c):
    a, b, c = float(a), float(b), float(c)
    with numax.enable_x64(True):
        np.testing.assert_allclose(
            np.asarray(special.hyp2f1(a, b, c, Y)), sp.hyp2f1(a, b, c, Y), rtol=5e-9
        )
    got = special.hyp2f1(a, b, c, Y[:-2].astype(np.float32))
    want = sp.hyp2f1(a, b, c, Y[:-2].astype(np.float32).astype(float))
    np.testing.assert_allclose(np.asarray(got), want, rtol=5e-4)
    assert np.isnan(np.asarray(special.hyp2f1(a, b, c, 1.5)))


def test_bessel_jn():
    z = np.array([0, 0.01, 0.5, 2, 10, 30, -4])
    want = sp.jv(np.arange(5)[:, None], z)
    with numax.enable_x64(True):
        np.testing.assert_allclose(np.asarray(special.bessel_jn(z, v=4)), want, atol=1e-8)
    got = numax.jit(lambda z: special.bessel_jn(z, v=4))(z.astype(np.float32))
    np.testing.assert_allclose(np.asarray(got), want, atol=1e-6)


def test_sph_harm_y():
    n, m = np.meshgrid(np.arange(6), np.arange(-5, 6), indexing="ij")
    n, m = n[np.abs(m) <= n], m[np.abs(m) <= n]
    theta, phi = np.linspace(0.1, 3, n.size), np.linspace(-3, 6, n.size)
    want = sp.sph_harm_y(n, m, theta, phi)
    with numax.enable_x64(True):
        np.testing.assert_allclose(
            np.asarray(special.sph_harm_y(n, m, theta, phi)), want, atol=1e-14
        )
    got = numax.jit(lambda t: special.sph_harm_y(n, m, t, phi, n_max=5))(theta)
    np.testing.assert_allclose(np.asarray(got), want, atol=1e-6)


BAD = [
    (lambda: special.expn(1.5, 2.0), TypeError, "n must be an integer"),
    (lambda: special.bessel_jn(1.0, v=60), ValueError, "v must lie in"),
    (lambda: special.sph_harm_y(1.0, 0, 0.1, 0.1), TypeError, "must be integers"),
    (lambda: special.sph_harm_y(1, 0, 0.1, 0.1, 1), NotImplementedError, "diff_n"),
    (lambda: special.dawsn(1j), TypeError, "real numbers"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
