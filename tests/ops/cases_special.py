"""Rows of the table of operations: special.py. References from SciPy."""

import numpy as np
import scipy.special
from ops_case import Case, fixed, integers, uniform

from numax._engine.ops import special as ops

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_TOL = {"bfloat16": 2e-2, "float16": 3e-3, "float32": 3e-6, "float64": 3e-13}


def _wide(function):
    """The reference in double precision, rounded to the dtype of the first argument."""
    return lambda *xs: np.asarray(function(*[x.astype(np.float64) for x in xs])).astype(xs[0].dtype)


def _row(name, reference, makers, ends, tol=_TOL, diff=None, primitive=None):
    function = getattr(ops, name)
    return [
        Case(
            name,
            function,
            makers,
            _wide(reference),
            primitive or name,
            _FLOATS,
            tol=tol,
            diff=diff,
            bad=[
                (
                    lambda: function(*[np.arange(3)] * len(makers)),
                    TypeError,
                    f"{name}: accepts real floats",
                )
            ],
        ),
        Case(
            f"{name} at the ends",
            function,
            [
                fixed(e)
                for e in zip(*[(e if isinstance(e, tuple) else (e,)) for e, _ in ends], strict=True)
            ],
            lambda *xs: np.array([v for _, v in ends], xs[0].dtype),
            primitive or name,
            ("float32", "float64"),
            tol=_TOL,
            grad=False,
            batch=False,
        ),
    ]


def _random_gamma_grad(a, x):
    """By central differences of the quantile function."""
    p = scipy.special.gammainc(a, x)
    h = 1e-5 * a
    slope = scipy.special.gammaincinv(a + h, p) - scipy.special.gammaincinv(a - h, p)
    return slope / (2 * h)


def _igamma_grad_a(a, x):
    h = 1e-5 * a
    return (scipy.special.gammainc(a + h, x) - scipy.special.gammainc(a - h, x)) / (2 * h)


_inf, _nan = np.inf, np.nan
_ODD = [(_inf, 1.0), (-_inf, -1.0), (0.0, 0.0), (_nan, _nan)]
_ab = [uniform(4, 3, low=0.3, high=6.0), uniform(4, 3, low=0.3, high=6.0)]
_SLOPE = {"bfloat16": 2e-2, "float16": 3e-3, "float32": 1e-5, "float64": 1e-6}

CASES = [
    *_row("erf", scipy.special.erf, [uniform(4, 3, low=-3.0, high=3.0)], _ODD),
    *_row(
        "erfc",
        scipy.special.erfc,
        [uniform(4, 3, low=-3.0, high=3.0)],
        [(_inf, 0.0), (-_inf, 2.0), (0.0, 1.0), (_nan, _nan)],
    ),
    Case(
        "erf of many",
        ops.erf,
        [uniform(500, low=-7.0, high=7.0)],
        _wide(scipy.special.erf),
        "erf",
        ("float32", "float64"),
        tol=_TOL,
        grad=False,
        batch=False,
    ),
    Case(
        "erfc of many",
        ops.erfc,
        [uniform(500, low=-7.0, high=9.0)],
        _wide(scipy.special.erfc),
        "erfc",
        ("float32", "float64"),
        tol={"float32": 1e-5, "float64": 3e-13},
        grad=False,
        batch=False,
    ),
    *_row(
        "erf_inv",
        scipy.special.erfinv,
        [uniform(4, 3, low=-0.95, high=0.95)],
        [(1.0, _inf), (-1.0, -_inf), (0.0, 0.0), (1.5, _nan), (_nan, _nan)],
    ),
    *_row(
        "lgamma",
        scipy.special.gammaln,
        [uniform(4, 3, low=0.2, high=9.0)],
        [
            (0.0, _inf),
            (-1.0, _inf),
            (_inf, _inf),
            (-_inf, _inf),
            (1.0, 0.0),
            (2.0, 0.0),
            (_nan, _nan),
        ],
    ),
    *_row(
        "digamma",
        scipy.special.digamma,
        [uniform(4, 3, low=0.2, high=9.0)],
        [(0.0, -_inf), (-1.0, _nan), (_inf, _inf), (-_inf, _nan), (_nan, _nan)],
    ),
    Case(
        "lgamma of negative numbers",
        ops.lgamma,
        [uniform(40, low=-5.0, high=-0.1)],
        _wide(scipy.special.gammaln),
        "lgamma",
        ("float32", "float64"),
        tol={"float32": 3e-6, "float64": 1e-12},
        grad=False,
    ),
    Case(
        "digamma of negative numbers",
        ops.digamma,
        [fixed([-4.3, -2.6, -1.2, -0.7, -0.4])],
        _wide(scipy.special.digamma),
        "digamma",
        ("float32", "float64"),
        tol={"float32": 3e-6, "float64": 1e-12},
    ),
    *_row(
        "polygamma",
        lambda n, x: scipy.special.polygamma(n.astype(int), x),
        [integers(4, 3, low=0, high=4), uniform(4, 3, low=0.5, high=9.0)],
        [((1.0, 0.0), _inf), ((1.0, -1.0), _inf), ((0.5, 1.0), _nan), ((-1.0, 1.0), _nan)],
        diff=(1,),
    ),
    *_row(
        "zeta",
        scipy.special.zeta,
        [uniform(4, 3, low=1.5, high=6.0), uniform(4, 3, low=0.5, high=9.0)],
        [
            ((1.0, 1.0), _inf),
            ((0.5, 1.0), _nan),
            ((2.0, 0.0), _inf),
            ((2.0, -1.0), _inf),
            ((_nan, 1.0), _nan),
        ],
        diff=(1,),
    ),
    *_row(
        "igamma",
        scipy.special.gammainc,
        _ab,
        [
            ((1.0, 0.0), 0.0),
            ((0.0, 1.0), 1.0),
            ((-1.0, 1.0), _nan),
            ((2.0, -1.0), _nan),
            ((2.0, _inf), 1.0),
            ((0.0, 0.0), _nan),
            ((_nan, 1.0), _nan),
        ],
        diff=(1,),
    ),
    *_row(
        "igammac",
        scipy.special.gammaincc,
        _ab,
        [
            ((1.0, 0.0), 1.0),
            ((0.0, 1.0), 0.0),
            ((-1.0, 1.0), _nan),
            ((2.0, -1.0), _nan),
            ((2.0, _inf), 0.0),
            ((_inf, _inf), _nan),
            ((_nan, 1.0), _nan),
        ],
        diff=(1,),
    ),
    Case(
        "igamma of large numbers",
        ops.igamma,
        [fixed([150.0, 900.0, 2e4, 2e4, 1e6]), fixed([160.0, 880.0, 2e4, 2.02e4, 999e3])],
        _wide(scipy.special.gammainc),
        "igamma",
        ("float32", "float64"),
        tol={"float64": 1e-11},
        grad=False,
    ),
    *_row(
        "igamma_grad_a", _igamma_grad_a, _ab, [((2.0, 0.0), 0.0), ((-1.0, 1.0), _nan)], _SLOPE, (1,)
    ),
    Case(
        "random_gamma_grad",
        ops.random_gamma_grad,
        [uniform(4, 3, low=0.5, high=6.0), uniform(4, 3, low=0.5, high=6.0)],
        _wide(_random_gamma_grad),
        "random_gamma_grad",
        ("float32", "float64"),
        tol=_SLOPE,
        grad=False,
    ),
    *_row(
        "bessel_i0e",
        scipy.special.i0e,
        [uniform(4, 6, low=-20.0, high=20.0)],
        [(0.0, 1.0), (_inf, 0.0), (-_inf, 0.0), (_nan, _nan)],
    ),
    *_row(
        "bessel_i1e",
        scipy.special.i1e,
        [uniform(4, 6, low=-20.0, high=20.0)],
        [(0.0, 0.0), (_inf, 0.0), (-_inf, 0.0), (_nan, _nan)],
    ),
    *_row(
        "betainc",
        scipy.special.betainc,
        [*_ab, uniform(4, 3, low=0.05, high=0.95)],
        [
            ((0.0, 1.0, 0.5), 1.0),
            ((1.0, 0.0, 0.5), 0.0),
            ((1.0, 1.0, 0.0), 0.0),
            ((1.0, 1.0, 1.0), 1.0),
            ((-1.0, 1.0, 0.5), _nan),
            ((2.0, 3.0, 2.0), _nan),
        ],
        diff=(2,),
        primitive="regularized_incomplete_beta",
    ),
    Case(
        "betainc of scalars",
        ops.betainc,
        [fixed(2.0), uniform(4, low=0.5, high=3.0), fixed(0.25)],
        _wide(scipy.special.betainc),
        "regularized_incomplete_beta",
        ("float32", "float64"),
        tol=_TOL,
        diff=(2,),
    ),
]
