"""Rows of the reductions, running totals, averages, quantiles and differences."""

import numpy as np
from np_table import Data, Row, a, call, mask, special

ALL, REAL, NUMBER = "biufc", "biuf", "iufc"


def reduction(name: str, kinds: str = ALL, *, where: bool = True, initial: bool = False, dtype: bool = False,
              tuples: bool = True, nan: bool = False, empty: bool = True, low: float = -4, **options) -> Row:  # fmt: skip
    """axis, keepdims, where, initial and dtype of a reduction, on arrays of every rank, empty ones too."""
    fill = "nan" if nan else "random"

    def x(*shape: int, **more) -> Data:
        return a(*shape, low=low, fill=fill, **more)

    calls = [
        call(x(2, 3, 2)),
        call(x(2, 3, 2), axis=0),
        call(x(2, 3, 2), axis=-1, keepdims=True),
        call(x()).but(grad="std" not in name),
        call(x(5)),
        call(special()).but(grad=False, kinds=kinds.replace("i", "") if "mean" in name else None),
        call(a(4, low=0, high=2, fill="ties"), keepdims=True).but(grad=False),
        call(a(2, 3), axis=2),
    ]
    if tuples:
        calls += [
            call(x(2, 3, 2), axis=(0, -1)),
            call(x(2, 3), axis=()).but(grad=False),
            call(x(2, 3), axis=(0, 0)),
        ]
    if empty:
        calls += [
            call(a(0, 3), axis=0).but(grad=False, vmap=False),
            call(a(0, 3), axis=1).but(grad=False, vmap=False),
            call(a(0)).but(grad=False, vmap=False),
        ]
    if where and not initial:
        calls += [
            call(x(2, 3), axis=1, where=mask(2, 3)).but(grad=False),
            call(x(2, 3), where=mask(3)).but(grad=False),
        ]
    if initial:
        calls += [
            call(x(2, 3), axis=1, where=mask(2, 3), initial=2),
            call(x(2, 3), where=mask(3), initial=1, keepdims=True),
            call(x(2, 3), axis=0, initial=3).but(grad=False),
            call(a(0, 3), axis=0, initial=1).but(grad=False, vmap=False),
        ]
        if name.endswith(("sum", "prod")):
            calls.append(call(x(2, 3), axis=0, where=mask(2, 1)))
    if dtype:
        calls += [call(x(2, 3), axis=0, dtype="float32").but(kinds="biuf", grad=False)]
    return Row(f"numpy.{name}", calls, kinds, **options)


def running(name: str, nan: bool = False, **options) -> Row:
    fill = "nan" if nan else "random"
    return Row(
        f"numpy.{name}",
        [
            call(a(2, 3, low=-2, high=2, fill=fill)),
            call(a(2, 3, 2, low=-2, high=2, fill=fill), axis=0),
            call(a(2, 3, low=-2, high=2, fill=fill), axis=-1),
            call(a(fill=fill)),
            call(a(0, 2), axis=0).but(grad=False, vmap=False),
            call(special()).but(grad=False, kinds="iuf" if "sum" in name else "f"),
            call(a(2, 3, low=-2, high=2), axis=1, dtype="float32").but(kinds="biuf", grad=False),
            call(a(2), axis=1),
        ],
        ref=lambda x, axis=None, dtype=None, n=name: _kept(getattr(np, n), x, axis, dtype),
        **options,
    )


def _kept(function, x, axis, dtype):
    """Running totals of narrow integers keep their dtype, as JAX has it."""
    if dtype is None and np.asarray(x).dtype.kind in "iu":
        dtype = np.asarray(x).dtype
    return function(x, axis=axis, dtype=dtype)


TOTALS = [
    reduction("sum", initial=True, dtype=True),
    reduction("prod", initial=True, dtype=True, low=0.5, tol=2),
    reduction("max", initial=True),
    reduction("min", initial=True),
    reduction("amax", initial=True),
    reduction("amin", initial=True),
    reduction("any", grad=0),
    reduction("all", grad=0, low=0),
    reduction("mean", dtype=True),
    reduction("var", dtype=True, tol=2),
    reduction("std", dtype=True, tol=2),
    reduction("ptp", NUMBER, where=False),
    reduction("median", where=False, tol=2),
    reduction("count_nonzero", where=False, grad=0),
    reduction("argmax", REAL, where=False, tuples=False, grad=0),
    reduction("argmin", REAL, where=False, tuples=False, grad=0),
    reduction("nansum", initial=True, dtype=True, nan=True),
    reduction("nanprod", initial=True, dtype=True, nan=True, low=0.5, tol=2),
    reduction("nanmax", initial=True, nan=True),
    reduction("nanmin", initial=True, nan=True),
    reduction("nanmean", dtype=True, nan=True),
    reduction("nanvar", dtype=True, nan=True, tol=2),
    reduction("nanstd", dtype=True, nan=True, tol=2),
    reduction("nanmedian", where=False, nan=True, tol=2),
    reduction("nanargmax", REAL, where=False, tuples=False, grad=0, nan=True),
    reduction("nanargmin", REAL, where=False, tuples=False, grad=0, nan=True),
    running("cumsum"),
    running("cumprod"),
    running("nancumsum", nan=True),
    running("nancumprod", nan=True),
]


def _minmax(x, where=None, **options):
    more = {} if where is None else {"where": where}
    return np.min(x, **options, **more), np.max(x, **options, **more)


OPTIONS = [
    Row(
        "numpy.minmax",
        [
            call(a(2, 3)),
            call(a(2, 3, 2), axis=(0, 2)),
            call(a(2, 3), axis=0, keepdims=True),
            call(a(2, 3), axis=1, where=mask(2, 3), initial=1),
        ],
        ref=_minmax,
    ),
    Row(
        "numpy.cumulative_sum",
        [
            call(a(4)),
            call(a(2, 3), axis=1, include_initial=True),
            call(a(2, 3), axis=-2),
            call(a(3), dtype="float32").but(kinds="biuf", grad=False),
            call(a(0), include_initial=True).but(grad=False, vmap=False),
            call(a(2, 3)),
            call(a()),
        ],
        vmap=False,
    ),
    Row(
        "numpy.cumulative_prod",
        [
            call(a(4, low=-2, high=2)),
            call(a(2, 3, low=-2, high=2), axis=1, include_initial=True),
            call(a(2, 3, low=-2, high=2), axis=-2),
            call(a(0), include_initial=True).but(grad=False, vmap=False),
        ],
        vmap=False,
        own="int8 uint8",
    ),
    Row(
        "numpy.average",
        [
            call(a(2, 3)),
            call(a(2, 3), axis=0),
            call(a(2, 3), weights=a(2, 3, low=1, high=3)),
            call(a(2, 3), axis=1, weights=a(3, low=1, high=3), keepdims=True),
            call(a(2, 3), axis=1, weights=a(2, 3, low=1, high=3), returned=True),
            call(a(2, 3, 2), axis=(0, 1), weights=a(2, 3, low=1, high=3)),
            call(a(2, 3), axis=(0, 1), returned=True),
            call(a(2, 3), weights=a(3, low=1, high=3)),
        ],
        "iufc",
        tol=2,
    ),
    *[
        Row(
            f"numpy.{name}",
            [
                call(a(5), q),
                call(a(2, 5), q, axis=1),
                call(a(2, 3, 2), q, axis=(0, -1), keepdims=True),
                call(a(5, fill="nan"), q).but(grad=False),
                call(a(2, 5), np.array([0.25, 0.5], np.float32) * scale, axis=-1),
                call(a(5), 0.0),
                call(a(5), 1.0 * scale),
                *[call(a(6), q, method=m).but(grad=False) for m in METHODS],
                call(a(4), q, axis=0, weights=a(4, low=1, high=2), method="inverted_cdf").but(
                    grad=False, vmap=False, kinds="f"
                ),
            ],
            "iuf",
            tol=4,
        )
        for name, scale, q in (
            ("quantile", 1, 0.375),
            ("percentile", 100, 37.5),
            ("nanquantile", 1, 0.375),
            ("nanpercentile", 100, 37.5),
        )
        for METHODS in [
            ("lower", "higher", "nearest", "midpoint", "hazen", "weibull", "median_unbiased")
        ]
    ],
    Row(
        "numpy.diff",
        [
            call(a(5)),
            call(a(2, 4), n=2),
            call(a(3, 2), axis=0),
            call(a(2, 3), n=0),
            call(a(2, 3), axis=1, prepend=a(2, 1), append=a(2, 2)),
            call(a(2, 3), prepend=0),
            call(a(2), n=3).but(grad=False),
            call(a(3), n=-1),
            call(a()),
        ],
    ),
    Row(
        "numpy.ediff1d",
        [
            call(a(5)),
            call(a(2, 3)),
            call(a(4), to_end=a(2), to_begin=a(1)),
            call(a(1)).but(grad=False),
            call(a(0)).but(grad=False),
        ],
        "iufc",
    ),
    Row(
        "numpy.gradient",
        [
            call(a(5)),
            call(a(3, 4)),
            call(a(3, 4), axis=1),
            call(a(3, 4), 0.5, axis=-1, edge_order=2),
            call(a(3, 4), 0.5, 2.0),
            call(a(3, 4), np.array([0, 1, 3.5]), 2.0),
            call(a(4), np.array([0, 1, 3.5, 4]), edge_order=2),
            call(a(1)),
            call(a(3), edge_order=2),
        ],
        "iufc",
        tol=2,
    ),
    Row(
        "numpy.trapezoid",
        [
            call(a(5)),
            call(a(2, 4), dx=0.5),
            call(a(4, 2), axis=0),
            call(a(2, 4), a(4)),
            call(a(2, 4), a(2, 4)),
            call(a(0)).but(grad=False, vmap=False),
        ],
        "iufc",
        tol=2,
    ),
    Row(
        "numpy.cov",
        [
            call(a(2, 5)),
            call(a(5)),
            call(a(5), a(5)),
            call(a(5, 2), rowvar=False),
            call(a(2, 5), bias=True),
            call(a(2, 5), ddof=0),
            call(a(2, 5), fweights=np.array([1, 2, 0, 3, 1]), aweights=a(5, low=1, high=2)).but(
                kinds="f"
            ),
        ],
        "iufc",
        tol=4,
    ),
    Row(
        "numpy.corrcoef",
        [call(a(2, 6)), call(a(6), a(6)), call(a(6, 2), rowvar=False), call(a(6))],
        "fc",
        tol=8,
    ),
]
MORE = {
    "var": [call(a(2, 3), ddof=1), call(a(2, 3), axis=0, correction=0.5)],
    "std": [call(a(2, 3), ddof=1), call(a(2, 3), axis=1, correction=1)],
    "nanvar": [call(a(2, 3, fill="nan"), ddof=1)],
    "nanstd": [call(a(2, 3, fill="nan"), axis=0, ddof=1)],
}
for row in TOTALS:
    row.calls.extend(c.but(grad=False) for c in MORE.get(row.name.removeprefix("numpy."), []))
ROWS = [*TOTALS, *OPTIONS]
