"""Every name of numpy, numpy.linalg, numpy.fft, Array and Array.at[] against NumPy, generated from one table.

Each row is called in each dtype, eagerly; with one dtype compiled, differentiated and vectorised. A failing test lists
every call of its row that differs.
"""

import np_table_dtypes
import numpy as np
import pytest
from np_table import BFLOAT16, Row, dtype_named, flat, quiet, rebuilt
from np_table_all import ROWS

import numax
import numax.numpy as jnp

TOLERANCE = {
    "float16": 2e-3,
    "bfloat16": 1.6e-2,
    "float32": 2e-6,
    "complex64": 5e-6,
    "float64": 1e-12,
    "complex128": 1e-12,
}
# what NumPy refuses, and JAX and this library do: booleans in positive, slices of NaN only, vectors split, zeros in geomspace,
# an upper bound of clip below all numbers of the dtype
LENIENT = (
    *("numpy.positive", "Array.__pos__", "numpy.nanargmax", "numpy.nanargmin"),
    *("numpy.vsplit", "numpy.geomspace", "numpy.clip"),
)


# ---- comparison ----


def host(x):
    return x.numpy_() if isinstance(x, numax.Array) else np.asarray(x)


def inexact(dtype):
    return dtype.kind in "fc" or dtype == BFLOAT16


def difference(got, want, tol=1.0, signs=False):
    """What differs between two results, as text; empty if nothing does."""
    if not isinstance(got, numax.Array | np.ndarray):
        return "" if got == want else f"{got!r}, not {want!r}"
    got, want = host(got), host(want)
    if got.shape != want.shape:
        return f"shape {got.shape}, not {want.shape}"
    if not inexact(got.dtype):
        with quiet():
            other = got != want.astype(got.dtype)
        if other.any():
            at = tuple(np.argwhere(other)[0])
            return f"{got[at]}, not {want[at]} at {list(map(int, at))}"
        return ""
    limit = TOLERANCE.get(got.dtype.name, 1e-6) * tol
    with quiet():
        want = want.astype(got.dtype)
        wide = np.complex128 if got.dtype.kind == "c" else np.float64
        one, two = got.astype(wide), want.astype(wide)
        close = np.abs(one - two) <= limit * (1 + np.abs(two))
        close |= (one == two) | (np.isnan(one) & np.isnan(two))
    if not close.all():
        at = np.argwhere(~close)[0]
        return f"{got[tuple(at)]}, not {want[tuple(at)]} at {at.tolist()}"
    if signs and wide is np.float64:
        zero = (one == 0) & (two == 0) & (np.signbit(one) != np.signbit(two))
        if zero.any():
            return f"sign of zero at {np.argwhere(zero)[0].tolist()}"
    return ""


def differences(got, want, tol=1.0, signs=False):
    if len(got) != len(want):
        return f"{len(got)} results, not {len(want)}"
    found = [difference(g, w, tol, signs) for g, w in zip(got, want, strict=True)]
    return "; ".join(filter(None, found))


def attempt(fun, *args):
    """What a function gives, or the error that it raises."""
    try:
        return fun(*args)
    except Exception as error:
        return error


# ---- NumPy's side ----


def reference(row: Row, i, name, types):
    """NumPy's results: in 64 bits from the numbers that the library converts the arguments to."""
    types = [t.rstrip("*") for t in types.split(",")]
    floats = [dtype_named(t) for t in types if t in TOLERANCE]

    def prepared(x):
        if not isinstance(x, np.ndarray) or (not x.shape and x.dtype == object):
            return x
        kind = "f" if x.dtype == BFLOAT16 else x.dtype.kind
        if not row.wide:
            return x
        if kind in "fc":
            return x.astype(np.complex128 if kind == "c" else np.float64)
        return x

    def widened(x):
        if isinstance(x, np.ndarray) and x.dtype.kind in "biu" and floats and row.wide:
            narrow = floats[0]
            real = narrow.type(0).real.dtype if narrow.kind == "c" else narrow
            return x.astype(real).astype(np.float64)
        return prepared(x)

    args = row.arrays(i, name)
    data = [d.dtype for d in row.calls[i].data()]
    change = [widened if dtype is None else prepared for dtype in data]
    order = iter(change)
    static = {id(x) for x in flat([row.calls[i].args, row.calls[i].kwargs])}

    def turn(x):
        if isinstance(x, np.ndarray) and id(x) not in static:
            return next(order)(x)
        return x

    with quiet():
        return row.made(np, *rebuilt(list(args), turn))


# ---- the library's side ----


def ours(row: Row, i, name, smooth=False):
    """The arguments of a call, as the library's arrays."""
    static = {id(x) for x in flat([row.calls[i].args, row.calls[i].kwargs])}

    def turn(x):
        return jnp.asarray(x) if isinstance(x, np.ndarray) and id(x) not in static else x

    return rebuilt(list(row.arrays(i, name, smooth)), turn)


def value(row: Row, i, name, types):
    """How call i differs from NumPy in a dtype; types: the dtypes that results should have, or an error."""
    got = attempt(lambda: row.made(jnp, *ours(row, i, name)))
    want = attempt(reference, row, i, name, "" if types.startswith("!") else types)
    if isinstance(want, Exception) or types.startswith("!"):
        if isinstance(got, Exception):
            if isinstance(got, TypeError | ValueError | IndexError | ZeroDivisionError):
                return ""
            return f"raises {got!r}"
        if isinstance(want, Exception):
            return "" if row.name in LENIENT else f"gives {got}, NumPy raises {want!r}"
        return differences(got, want, row.tol, row.signs)
    if isinstance(got, Exception):
        return f"raises {got!r}"
    own = np_table_dtypes.shown(got)
    if types and own != types:
        return f"dtype {own}, not {types}"
    return differences(got, want, row.tol, row.signs)


def expected(row: Row, name):
    table = np_table_dtypes.read()
    found = table.get((str(row), name))
    calls = row.calls_with(name)
    if found is None or name in row.own.split():
        return [""] * len(calls)
    return found * len(calls) if len(found) == 1 else found


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_values_are_numpys(row):
    found = []
    names = [(n, False) for n in row.dtypes()]
    names += [(n, True) for n in row.wide_dtypes() if row.x64]
    for name, wide in names:
        with numax.enable_x64(wide):
            types = expected(row, name)
            for (i, one), want in zip(row.calls_with(name), types, strict=True):
                text = value(row, i, name, want)
                if text:
                    found.append(f"{row}{one} {name}: {text}")
    assert not found, "\n".join(found)


def traced(row: Row, chosen, name, smooth=False):
    """The arrays of several calls, and the function of them that makes all the calls."""
    args = [ours(row, i, name, smooth) for i in chosen]
    arrays = [x for x in flat(args) if isinstance(x, numax.Array)]

    def run(*values):
        new = iter(values)
        turned = rebuilt(args, lambda x: next(new) if isinstance(x, numax.Array) else x)
        return [row.made(jnp, *each) for each in turned]

    return arrays, run


def works(row: Row, i, name):
    return not isinstance(attempt(lambda: row.made(jnp, *ours(row, i, name))), Exception)


@pytest.mark.parametrize("row", [r for r in ROWS if r.jit], ids=str)
def test_compiled_is_eager(row):
    name = row.main()
    chosen = [i for i, c in row.calls_with(name) if c.jit and works(row, i, name)]
    arrays, run = traced(row, chosen, name)
    eager = run(*arrays)
    plain = []

    def only_arrays(*values):
        out = run(*values)
        plain.append([[x for x in r if not hasattr(x, "dtype")] for r in out])
        return [[x for x in r if hasattr(x, "dtype")] for r in out]

    compiled = numax.jit(only_arrays)(*arrays)
    found = []
    for i, got, want, rest in zip(chosen, compiled, eager, plain[0], strict=True):
        own = [x for x in want if hasattr(x, "dtype")]
        text = differences(got, own, row.tol, row.signs)
        if [(g.dtype, g.weak_type) for g in got] != [(w.dtype, w.weak_type) for w in own]:
            text += f" dtype {np_table_dtypes.shown(got)}, not {np_table_dtypes.shown(own)}"
        if rest != [x for x in want if not hasattr(x, "dtype")]:
            text += f" {rest}"
        if text:
            found.append(f"{row}{row.calls[i]} {name}: {text}")
    assert not found, "\n".join(found)


def smooth_calls(row: Row, check):
    name = row.main()
    return [
        i
        for i, c in row.calls_with(name)
        if getattr(c, check) and c.in_dtype() and works(row, i, name)
    ]


def float_outputs(out):
    return [x for r in out for x in r if hasattr(x, "dtype") and x.dtype == np.float64]


@pytest.mark.parametrize("row", [r for r in ROWS if r.grad and set("fs") & set(r.kinds)], ids=str)
def test_derivatives_are_those_of_numpys_function(row):
    """jvp against finite differences of NumPy in 64 bits, vjp against jvp; the second order against differences."""
    found = []
    rng = np.random.default_rng(7)
    step = 1e-5
    with numax.enable_x64(True):
        for i in smooth_calls(row, "grad"):
            arrays, run = traced(row, [i], "float64", smooth=True)
            at = [k for k, x in enumerate(arrays) if x.dtype == np.float64]
            floats = [arrays[k] for k in at]
            tangents = [jnp.asarray(rng.standard_normal(x.shape)) for x in floats]

            def fun(*xs, arrays=arrays, run=run, at=at):
                new = list(arrays)
                for k, x in zip(at, xs, strict=True):
                    new[k] = x
                return float_outputs(run(*new))

            def numpys(sign, i=i, floats=floats, tangents=tangents):
                moved = iter(
                    host(x) + sign * step * host(t) for x, t in zip(floats, tangents, strict=True)
                )
                args = rebuilt(
                    list(row.arrays(i, "float64", True)),
                    lambda x: (
                        next(moved) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x
                    ),
                )
                with quiet():
                    return [
                        np.asarray(x) for x in row.made(np, *args) if np.asarray(x).dtype == float
                    ]

            plus, minus = attempt(numpys, 1), attempt(numpys, -1)
            if isinstance(plus, Exception):  # NumPy refuses the call
                continue
            out, got = numax.jvp(fun, floats, tangents)
            want = [(p - m) / (2 * step) for p, m in zip(plus, minus, strict=True)]
            text = differences(got, want, 1e7)
            cts = [jnp.asarray(rng.standard_normal(o.shape)) for o in out]
            back = numax.vjp(fun, *floats)[1](cts)
            left = sum(np.vdot(host(c), host(g)) for c, g in zip(cts, got, strict=True))
            right = sum(np.vdot(host(t), host(b)) for t, b in zip(tangents, back, strict=True))
            if not abs(left - right) <= 1e-9 * (1 + abs(left)):
                text += f" vjp {right}, jvp {left}"
            if row.grad > 1:

                def once(*xs, fun=fun, tangents=tangents):
                    return numax.jvp(fun, xs, tangents)[1]

                ahead = [x + step * t for x, t in zip(floats, tangents, strict=True)]
                behind = [x - step * t for x, t in zip(floats, tangents, strict=True)]
                want = [
                    (host(p) - host(m)) / (2 * step)
                    for p, m in zip(once(*ahead), once(*behind), strict=True)
                ]
                second = differences(numax.jvp(once, floats, tangents)[1], want, 1e7)
                text += f" second order: {second}" if second else ""
            if text:
                found.append(f"{row}{row.calls[i]}: {text}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("row", [r for r in ROWS if r.vmap], ids=str)
def test_vmap_is_a_loop(row):
    found = []
    name = row.main()
    for i in smooth_calls(row, "vmap")[:3]:
        arrays, run = traced(row, [i], name)
        for batched in {(0,), tuple(range(len(arrays)))}:
            axis = -1 if len(batched) == 1 else 0
            dims = [axis if k in batched else None for k in range(len(arrays))]
            stacks = [
                x if d is None else jnp.stack([x, x[..., ::-1] if x.shape else x + x], axis=d)
                for x, d in zip(arrays, dims, strict=True)
            ]
            whole = numax.vmap(run, in_axes=tuple(dims))(*stacks)[0]
            for j in range(2):
                each = [
                    x if d is None else jnp.take(x, j, axis=d)
                    for x, d in zip(stacks, dims, strict=True)
                ]
                want = run(*each)[0]
                text = differences([w[j] for w in whole], want, row.tol)
                if text:
                    found.append(f"{row}{row.calls[i]} batched {batched}, {j}: {text}")
    assert not found, "\n".join(found)
