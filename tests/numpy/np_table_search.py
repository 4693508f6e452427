"""Rows of sorting, searching, sets, counts, windows, polynomials and other functions of vectors."""

import numpy as np
from np_table import Data, Row, a, call, mask, places, special

ALL = "biufc"


def row(name: str, *calls, **options) -> Row:
    return Row(f"numpy.{name}", list(calls), **options)


def unknown(name: str, *calls, **options) -> Row:
    """A row of results whose shapes depend on values: not compiled, not vectorised."""
    return row(name, *calls, jit=False, vmap=False, grad=0, **options)


def fixed(name: str, *calls, ref, **options) -> Row:
    """A row of the forms with size=: ref cuts or fills NumPy's result."""
    return row(name, *calls, ref=ref, grad=0, form=" of a size", **options)


def ties(*shape: int) -> Data:
    return a(*shape, low=-1, high=2, fill="ties")


# ---- sorting and searching ----

SORTING = [
    row("sort", call(a(2, 5)), call(a(3, 2), axis=0), call(a(2, 3), axis=None), call(special()).but(grad=False), call(ties(8)).but(grad=False),
        call(a(0)).but(grad=False), call(a(2, 3), axis=2), call(a())),
    row("sort_complex", call(a(5)), call(a(2, 3)), grad=0),
    row("argsort", call(a(2, 5)), call(a(3, 2), axis=0), call(a(2, 3), axis=None), call(special()), call(ties(8)), call(a(0)),
        ref=lambda x, **k: np.argsort(x, stable=True, **k), grad=0),
    row("lexsort", call((ties(9), ties(9))), call(ties(3, 4)), call((ties(3, 4), ties(3, 4)), axis=0), call((ties(5), ties(5)), batch_size=1),
        ref=lambda keys, axis=-1, batch_size=None: np.lexsort(keys, axis), kinds=ALL, grad=0),
    row("partition", call(a(7), 3), call(a(4, 2), 2, axis=0), call(a(5), -2), call(a(3), 5),
        ref=lambda x, k, axis=-1: np.sort(np.partition(x, k, axis), axis), kinds="iuf"),
    row("argpartition", call(a(7), 3), call(a(5), -2), call(a(4, 2), 2, axis=0), kinds="iuf", grad=0, own="int64 float64 complex128",
        ref=lambda x, k, axis=-1: np.argsort(x, axis, stable=True) if np.argpartition(x, k, axis) is not None else None),
    row("top_k", call(a(2, 5), 3), call(a(4, 2), 2, axis=0, mode="smallest"), call(ties(6), 4), call(a(3), 0).but(grad=False), call(a(4), 2, sorted=True), kinds="iuf",
        ref=lambda x, k, axis=-1, mode="largest", sorted=True: _top(x, k, axis, mode)),
    row("searchsorted", call(a(7, fill="sorted"), a(2, 3)), call(a(7, low=-1, high=2, fill="sorted"), ties(5), side="right"),
        call(a(5, fill="sorted"), a()), call(a(0), a(3)), call(a(5), a(3), sorter=np.array([1, 0, 2, 4, 3])), call(a(5, fill="sorted"), special()),
        kinds=ALL, grad=0, vmap=False, own="int64 float64 complex128"),
    row("digitize", call(a(2, 3), np.array([-2, 0, 1], np.int32)), call(a(5), np.array([-2, 0, 1], np.int32), right=True), call(a(5), np.array([2, 0, -3], np.int32)),
        call(a(3), a(4, fill="sorted")), kinds="iuf", grad=0, own="int64 float64 complex128"),
    row("isin", call(ties(2, 3), ties(2)), call(ties(2, 3), ties(2), invert=True), call(a(3), a(0)), call(special(), special()), call(ties(3), ties(3), assume_unique=True), grad=0, vmap=False),
    row("extract", call(np.array([[True, False], [True, True]]), a(2, 2)), call(np.array([0, 1, 1]), a(3))),
    row("compress", call(np.array([True, False, True]), a(2, 3), axis=1), call(np.array([True, False, True, True]), a(2, 3)), call(np.array([0, 1]), a(2, 3), axis=0),
        call(np.array([True] * 4), a(2, 3), axis=1)),
]  # fmt: skip


def _top(x, k, axis, mode):
    order = np.argsort(x.astype(float) * (-1 if mode == "largest" else 1), axis=axis, stable=True)
    order = np.take(order, np.arange(k), axis=axis)
    return np.take_along_axis(x, order, axis), order


# ---- sets and places ----

SETS = [
    unknown("nonzero", call(ties(2, 3)), call(special()), call(a(0))),
    unknown("argwhere", call(ties(2, 3)), call(a())),
    unknown("flatnonzero", call(ties(2, 3))),
    unknown("unique", call(ties(7)), call(ties(2, 3), True, True, True), call(ties(3, 4), True, True, True, axis=1), call(special(), return_counts=True),
            call(special(), equal_nan=False), call(a(0), True, True, True), call(a()), call(ties(3), axis=2)),
    unknown("unique_all", call(ties(2, 3))), unknown("unique_counts", call(ties(7))), unknown("unique_inverse", call(ties(2, 3))), unknown("unique_values", call(ties(7)), ref=np.unique),
    unknown("intersect1d", call(ties(7), ties(4)), call(ties(7), ties(2, 3), return_indices=True), call(a(0), a(2))),
    unknown("union1d", call(ties(7), ties(4)), call(ties(2, 2), a(0))),
    unknown("setdiff1d", call(ties(7), ties(2)), call(ties(7), a(0)), call(ties(5), ties(3), assume_unique=True)),
    unknown("setxor1d", call(ties(7), ties(4)), call(a(0), a(2))),
]  # fmt: skip


def filled(found, size: int, fill, default=0):
    """found, cut to size or filled up."""
    found = np.asarray(found)
    fill = default if fill is None else fill
    rest = np.full((max(size - len(found), 0), *found.shape[1:]), fill, found.dtype)
    return np.concatenate([found[:size], rest])


def places_of(find):
    def ref(x, size, fill_value=None):
        found = find(x)
        fills = fill_value if isinstance(fill_value, tuple) else (fill_value,) * len(found)
        return [filled(f, size, v) for f, v in zip(found, fills, strict=True)]

    return ref


def sets_of(find):
    """NumPy's sorted set, filled up with its smallest element."""

    def ref(*arrays, size, fill_value=None):
        found = find(*arrays)
        return filled(found, size, fill_value, found[0] if len(found) else 0)

    return ref


def differences_of(first, second, size, fill_value=None):
    return filled(np.setdiff1d(first, second), size, fill_value)


def unique_of(x, index=False, inverse=False, counts=False, axis=None, *, size, fill_value=None):
    values, at, back, count = np.unique(x, True, True, True, axis=axis)
    axis = 0 if axis is None else axis
    values = np.moveaxis(values, axis, 0)
    smallest = values[0]
    values = np.moveaxis(filled(values, size, fill_value, smallest), 0, axis)
    at, count = filled(at, size, None, at[0]), filled(count, size, None)
    out = [values]
    out += [at] if index else []
    out += [back] if inverse else []
    return [*out, count] if counts else out


FIXED = [
    fixed("nonzero", call(ties(2, 3), size=3), call(ties(2, 3), size=8, fill_value=9), call(ties(2, 3), size=7, fill_value=(7, 8)), call(a(), size=2), call(a(0), size=2), ref=places_of(np.nonzero)),
    fixed("where", call(ties(2, 3), size=3), call(ties(2, 3), size=8, fill_value=9), ref=places_of(np.nonzero)),
    fixed("flatnonzero", call(ties(2, 3), size=3), call(ties(2, 3), size=8, fill_value=77), ref=lambda x, size, fill_value=None: filled(np.flatnonzero(x), size, fill_value)),
    fixed("argwhere", call(ties(2, 3), size=3), call(ties(2, 3), size=8, fill_value=-1), ref=lambda x, size, fill_value=None: filled(np.argwhere(x), size, fill_value)),
    fixed("extract", call(mask(2, 3), a(2, 3), size=4), call(mask(2, 3), a(2, 3), size=8, fill_value=1), ref=lambda c, x, size, fill_value=0: filled(np.extract(c, x), size, fill_value)),
    fixed("compress", call(mask(5), a(5), size=4), call(mask(3), a(3, 2), axis=0, size=2, fill_value=1),
          ref=lambda c, x, axis=None, *, size, fill_value=0: filled(np.compress(c, x, axis), size, fill_value)),
    fixed("unique", call(ties(7), size=5), call(ties(7), size=2), call(ties(7), True, True, True, size=9, fill_value=1), call(ties(2, 3), True, True, True, size=8),
          call(ties(3, 4), True, False, True, axis=0, size=4), ref=unique_of),
    fixed("unique_values", call(ties(7), size=5), ref=lambda x, size, fill_value=None: unique_of(x, size=size, fill_value=fill_value)),
    fixed("unique_counts", call(ties(7), size=5), ref=lambda x, **k: unique_of(x, counts=True, **k)),
    fixed("unique_inverse", call(ties(2, 3), size=5), ref=lambda x, **k: unique_of(x, inverse=True, **k)),
    fixed("unique_all", call(ties(2, 3), size=5), call(ties(7), size=9, fill_value=1), ref=lambda x, **k: unique_of(x, True, True, True, **k)),
    fixed("union1d", call(ties(5), ties(3), size=9), call(ties(5), ties(3), size=2), call(ties(5), ties(3), size=9, fill_value=1), ref=sets_of(np.union1d)),
    fixed("intersect1d", call(ties(6), ties(6), size=5), call(ties(6), ties(6), size=1), call(ties(6), ties(6), size=5, fill_value=1), ref=sets_of(np.intersect1d), own="bool"),
    fixed("setdiff1d", call(ties(7), ties(2), size=5), call(ties(7), ties(2), size=1), call(ties(7), ties(2), size=5, fill_value=1), ref=differences_of),
    fixed("setxor1d", call(ties(6), ties(2), size=9), call(ties(6), ties(2), size=9, fill_value=1), ref=sets_of(np.setxor1d), own="bool"),
    fixed("bincount", call(places(5, 9), length=5), call(places(5, 9), length=8), call(places(5, 9), weights=a(9), length=3),
          ref=lambda x, weights=None, *, length: np.bincount(x, weights, minlength=length)[:length], kinds="iuf"),
    fixed("repeat", call(a(3), places(4, 3), total_repeat_length=4), call(a(2, 3), places(4, 3), axis=1, total_repeat_length=9), call(a(3), 2, total_repeat_length=4),
          ref=lambda x, n, axis=None, *, total_repeat_length: _repeated(x, n, axis, total_repeat_length)),
    fixed("choose", call(places(2, 3), [a(3), a(3)], mode="clip"), call(places(5, 2, 3, low=-3), [a(3), 1], mode="wrap"), ref=lambda p, c, mode: np.choose(p, c, mode=mode)),
]  # fmt: skip


def _repeated(x, n, axis, total):
    """np.repeat cut at a length; more of the last element where it is too short, as JAX gives."""
    axis = 0 if axis is None else axis
    whole = np.repeat(x, n, axis)
    short = total - whole.shape[axis]
    if short > 0:
        whole = np.concatenate([whole, np.repeat(np.take(x, [-1], axis), short, axis)], axis)
    return np.take(whole, np.arange(total), axis)


# ---- counts and curves ----

FEW = np.array([-2.0, -0.5, 0.1, 1.5], np.float32)


def counted(name):
    """NumPy's histograms with counts of floats."""
    return lambda *args, **k: [np.asarray(x) * 1.0 for x in getattr(np, name)(*args, **k)]


VECTORS = [
    unknown("bincount", call(places(5, 9)), call(places(5, 9), minlength=8), call(places(5, 9), weights=a(9)), call(Data((0,), dtype="int32")), kinds="iuf"),
    row("histogram", call(a(9)), call(a(9), FEW), call(a(9), 5, range=(-1, 2)), call(a(9), FEW, density=True), call(a(9), 4, weights=a(9, low=0, high=2)), call(a(0), 3).but(vmap=False),
        call(a(2, 5), 4), kinds="iuf", ref=counted("histogram"), grad=0, tol=4, x64=False, own="float16 bfloat16"),
    row("histogram_bin_edges", call(a(9), 7), call(a(9), FEW), call(a(9), 5, range=(-1, 2)), call(a(0), 2).but(vmap=False), kinds="iuf", grad=0, tol=4, own="float16 bfloat16"),
    row("histogram2d", call(a(9), a(9), bins=(3, 4)), call(a(9), a(9), bins=[FEW, FEW], density=True), call(a(9), a(9), 3, weights=a(9, low=0, high=2)), kinds="s", grad=0, tol=4, x64=False,
        ref=counted("histogram2d")),
    row("histogramdd", call(a(12, 3), bins=(2, 3, 2)), call(a(12, 2), bins=3, density=True), kinds="s", grad=0, tol=4,
        ref=lambda *args, **k: (lambda h, e: [h, *e])(*np.histogramdd(*args, **k))),
    *[row(name, *[call(a(n), a(m), mode=mode) for mode in ("full", "same", "valid") for n, m in ((7, 3), (3, 4), (4, 4))], call(a(0), a(2)).but(grad=False),
          kinds="iufc", tol=4, x64=True) for name in ("convolve", "correlate")],
    row("interp", call(a(6), FEW, a(4)), call(a(2, 3), FEW, a(4), left=-9.0, right=7.0), call(a(6), np.array([0.0, 0.5, 1.25, 2], np.float32), a(4), period=2.5),
        call(a(), FEW, a(4)), kinds="f", tol=4, x64=False),
    row("unwrap", call(a(8, low=-9, high=9)), call(a(2, 5, low=-9, high=9), axis=0), call(a(8, low=-9, high=9), discont=5), call(a(8, low=-9, high=9), period=4), kinds="if", tol=6),
    *[row(name, *[call(n) for n in (0, 1, 2, 7)], kinds="f", grad=0, vmap=False) for name in ("bartlett", "blackman", "hamming", "hanning")],
    row("kaiser", *[call(n, 8.5) for n in (0, 1, 2, 7)], kinds="f", grad=0, vmap=False),
    row("packbits", call(Data((3, 5), 0, 1, dtype="uint8")), call(mask(11, 3), axis=0, bitorder="little"), call(mask(0)), call(a(3)).but(kinds="f"), kinds="f", grad=0),
    row("unpackbits", call(Data((2, 3), 0, 255, dtype="uint8")), call(Data((2, 3), 0, 255, dtype="uint8"), axis=1, count=-3, bitorder="little"), call(Data((2,), 0, 255, dtype="uint8"), count=20),
        call(a(3)).but(kinds="f"), kinds="f", grad=0),
    row("poly", call(a(3)), call(a(3, 3)).but(grad=False, kinds="iusc"), call(a(0)).but(grad=False), kinds="iufc", tol=20, vmap=False),
    row("polyadd", call(a(3), a(2)), call(a(2), a(2)), kinds="iufc"),
    row("polysub", call(a(3), a(2)), call(a(2), a(4)), kinds="iufc"),
    row("polymul", call(a(3, low=1), a(2, low=1)), call(a(1, low=1), a(4, low=1)), kinds="iufc", tol=2),
    row("polydiv", call(a(4, low=1, high=4), a(2, low=1, high=4)), call(a(3, low=1, high=4), a(3, low=1, high=4)), kinds="iufc", tol=30,
        ref=lambda u, v: (lambda q, r: [q, np.concatenate([np.zeros(len(u) - len(r)), r])])(*np.polydiv(u, v))),
    row("polyder", call(a(4)), call(a(4), 2), call(a(4), 0), call(a(2), 3).but(grad=False), kinds="iufc"),
    row("polyint", call(a(4)), call(a(4), 2), call(a(3), k=2), kinds="iufc"),
    row("polyval", call(a(4), a(2, 3)), call(a(4), 2), call(a(0), a(2)).but(grad=False), kinds="iufc", tol=20),
    row("polyfit", call(np.array([0, 1, 2, 3.5, 5], np.float32), a(5), 2), call(np.array([0, 1, 2, 3.5, 5], np.float32), a(5), 1, w=np.array([1, 2, 1, 1, 2], np.float32)), kinds="f", tol=1e3, grad=0, x64=False),
    row("roots", call(np.array([1, -6, 11, -6])), call(np.array([1, 0, 1])), call(np.array([0, 2, -4])), kinds="f", tol=100, jit=False, grad=0, vmap=False,
        canonical=lambda out: [np.sort_complex(np.round(np.asarray(out[0]).astype(complex), 4))]),
]  # fmt: skip

ROWS = [*SORTING, *SETS, *FIXED, *VECTORS]
