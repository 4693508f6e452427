"""scipy.special: values against SciPy in float32 and float64, edges, derivatives, errors."""

import checks
import numpy as np
import pytest
import scipy.special as sp

import numax
from numax.scipy import special

X = np.array(
    [-30, -5.5, -3, -2.5, -1.5, -1, -0.5, 0, 1e-6, 0.1, 0.3, 0.5, 0.9, 1, 1.5, 2, 3, 5, 8, 20, 60]
)
EDGES = np.array([np.inf, np.nan])
P = np.array(
    [
        0,
        1e-300,
        1e-30,
        1e-10,
        1e-4,
        0.019,
        0.021,
        0.1,
        0.3,
        0.5,
        0.7,
        0.9,
        0.99,
        0.9999,
        1,
        2,
        -1,
        np.nan,
    ]
)
ALL = np.concatenate([X, EDGES])
POSITIVE = X[X > 0]

VALUES = [
    *[(name, (ALL,)) for name in ("erf", "erfc", "erfcx", "ndtr", "log_ndtr", "gammaln", "gamma")],
    *[(name, (ALL,)) for name in ("gammasgn", "entr", "expit", "i0", "i0e", "i1", "i1e")],
    ("digamma", (X,)),
    ("loggamma", (ALL,)),
    ("ndtri", (P,)),
    ("logit", (P,)),
    ("erfinv", (np.linspace(-1, 1, 15),)),
    ("erfcinv", (2 * P,)),
    ("xlogy", (np.array([0.0, 2.0])[:, None], ALL)),
    ("xlog1py", (np.array([0.0, 2.0])[:, None], ALL)),
    ("rel_entr", (np.array([0.0, 2.0])[:, None], X)),
    ("kl_div", (np.array([0.0, 2.0])[:, None], X)),
    ("boxcox", (ALL, np.array([[0.0], [0.5], [-1.0]]))),
    ("boxcox1p", (ALL, np.array([[0.0], [0.5], [-1.0]]))),
    ("beta", (2.5, X[X > -1])),
    ("betaln", (2.5, POSITIVE)),
    ("betaln", (np.array([100.0, 1000, 3, 8, 9]), np.array([200.0, 1e6, 1e5, 8, 7.9]))),
    ("poch", (2.0, np.abs(X[X < 10]))),
    ("gammainc", (2.0, ALL)),
    ("gammaincc", (2.0, ALL)),
    ("betainc", (1.5, 2.5, P)),
    ("zeta", (2.0, POSITIVE)),
    ("comb", (np.array([5, 10, 20, 3]), np.array([2, 5, 10, 4]))),
    ("comb", (np.array([5, 10, 60.5, 3]), np.array([2, 5, 10, 4.0]))),
    ("factorial", (np.array([0, 1, 5, -1, 10]),)),
    ("polygamma", (2, POSITIVE)),
    ("multigammaln", (np.array([3.0, 5.5]), 3)),
]


def close(got, want, tol):
    got = np.asarray(got)
    assert got.shape == np.shape(want)
    np.testing.assert_allclose(got, want, rtol=tol, atol=tol * 1e-3 if tol > 1e-10 else 1e-300)


@pytest.mark.parametrize("row", VALUES, ids=lambda row: row[0])
def test_values(row):
    name, args = row
    own, reference = getattr(special, name), getattr(sp, name)
    fixed = name in ("polygamma", "multigammaln")
    with np.errstate(all="ignore"):
        narrow = [np.asarray(a, np.float32) if np.asarray(a).dtype.kind == "f" else a for a in args]
        exact = [
            np.asarray(a, np.float64) if np.asarray(a).dtype.kind == "f" else a for a in narrow
        ]
        with numax.enable_x64(True):
            close(own(*args), reference(*args), 2e-12)
        want = reference(*exact).astype(np.float32)
    got = own(*narrow)
    assert got.dtype == np.float32
    close(got, want, 2e-5)
    if not fixed:
        close(numax.jit(own)(*narrow), want, 2e-5)


DERIVATIVES = [
    ("erfcx", [np.array([-1.5, 0.3, 2, 9])]),
    ("log_ndtr", [np.array([-9, -1.2, 0.3, 2])]),
    ("ndtri", [np.array([0.1, 0.3, 0.5, 0.9])]),
    ("gamma", [np.array([0.5, 2.5, -1.5])]),
    ("betaln", [np.array([0.5, 9.0, 20]), np.array([0.7, 3.0, 15])]),
    ("beta", [np.array([0.5, 9.0]), np.array([0.7, 3.0])]),
    ("xlogy", [np.array([0.5, 2]), np.array([0.7, 3])]),
    ("xlog1py", [np.array([0.5, 2]), np.array([0.7, 3])]),
    ("entr", [np.array([0.5, 2])]),
    ("rel_entr", [np.array([0.5, 2]), np.array([0.7, 3])]),
    ("kl_div", [np.array([0.5, 2]), np.array([0.7, 3])]),
    ("logit", [np.array([0.2, 0.7])]),
    ("boxcox", [np.array([0.5, 2]), np.array([0.7, -0.5])]),
    ("poch", [np.array([0.5, 2]), np.array([0.7, 3])]),
    ("i1", [np.array([0.5, -2])]),
    ("loggamma", [np.array([0.5, 4])]),
]


@pytest.mark.parametrize("row", DERIVATIVES, ids=lambda row: row[0])
def test_derivatives(row):
    name, args = row
    checks.check_derivatives(getattr(special, name), args)


def test_derivatives_where_formulas_divide_by_zero():
    assert float(np.asarray(numax.grad(special.xlogy)(0.0, 2.0))) == np.float32(np.log(2))
    assert float(np.asarray(numax.grad(special.xlogy, 1)(0.0, 0.5))) == 0
    slope = float(np.asarray(numax.grad(special.log_ndtr)(-1e4)))
    np.testing.assert_allclose(slope, 1e4, rtol=1e-4)
    assert np.isfinite(np.asarray(numax.grad(special.rel_entr)(0.0, 2.0)))


def test_loggamma_of_complex_numbers():
    z = np.array([0.5 + 1j, -1.5 + 0.3j, -1.5 - 0.3j, 3 - 4j, -10.2 + 5j, 0.1 + 0.01j, -5.5 + 20j])
    with numax.enable_x64(True):
        np.testing.assert_allclose(np.asarray(special.loggamma(z)), sp.loggamma(z), rtol=1e-12)


def test_bernoulli():
    with numax.enable_x64(True):
        np.testing.assert_allclose(np.asarray(special.bernoulli(20)), sp.bernoulli(20), rtol=1e-11)
    assert special.bernoulli(0).shape == (1,)
    assert special.bernoulli(1).shape == (2,)


def test_whole_numbers_are_exact():
    assert float(np.asarray(special.comb(10, 5))) == 252
    assert float(np.asarray(special.comb(5, 2, repetition=True))) == 15
    assert float(np.asarray(special.factorial(7))) == 5040


def test_half_precision_and_integers():
    assert special.erfcx(np.ones(2, np.float16)).dtype == np.float16
    assert special.expit(np.arange(3)).dtype == np.float32


BAD = [
    (lambda: special.factorial(3, exact=True), NotImplementedError, "exact=True"),
    (lambda: special.polygamma(1.5, 2.0), TypeError, "n must be an integer"),
    (lambda: special.multigammaln(2.0, 1.5), ValueError, "positive integer"),
    (lambda: special.bernoulli(-1), ValueError, "negative"),
    (lambda: special.erf(1j), TypeError, "real numbers"),
    (lambda: special.erf([1.0]), TypeError, "erf requires ndarray or scalar"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_softmax_over_all_elements():
    x = np.array([[1.0, 2], [3, 5]], np.float32)
    for name in ("softmax", "log_softmax"):
        for axis in (None, 0, (0, 1)):
            want = getattr(sp, name)(x, axis=axis)
            close(getattr(special, name)(x, axis=axis), want, 2e-6)
            close(
                numax.jit(lambda x, n=name, a=axis: getattr(special, n)(x, axis=a))(x), want, 2e-6
            )


def test_ndtri_of_float32_keeps_its_digits_in_both_tails():
    p = np.exp(np.linspace(-86, -0.7, 5000)).astype(np.float32)
    p = np.concatenate([p, 1 - np.linspace(1e-6, 0.03, 2000, dtype=np.float32)])
    found = np.asarray(numax.jit(special.ndtri)(p)).astype(np.float64)
    np.testing.assert_allclose(found, sp.ndtri(p.astype(np.float64)), rtol=4e-7)


@pytest.mark.parametrize("name", ["gammainc", "gammaincc"])
def test_compiled_incomplete_gamma_functions_of_float32(name):
    rng = np.random.default_rng(0)
    a = np.exp(rng.uniform(-4, 10, 3000)).astype(np.float32)
    x = (a * np.exp(rng.normal(0, 0.5, a.size) * np.minimum(1, 3 / np.sqrt(a)))).astype(np.float32)
    exact = getattr(sp, name)(a.astype(np.float64), x.astype(np.float64))
    far = exact > 1e-30
    found = np.asarray(numax.jit(getattr(special, name))(a, x)).astype(np.float64)
    np.testing.assert_allclose(found[far], exact[far], rtol=1.2e-7)
