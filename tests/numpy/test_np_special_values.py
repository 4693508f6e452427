"""Special cases of the array API standard: signed zeros, infinities and nan; eager and compiled, in 32 and 64 bits."""

import math

import ml_dtypes
import numpy as np
import pytest
from np_special_rows import BINARY, COMPLEX, EVEN, ODD, REAL, TURNED, number, rows

import numax
import numax.numpy as jnp
from numax._engine.core import config

LARGE = 2500  # smaller programs run on NumPy, not on XLA
WIDTHS = {"32": (False, np.float32, np.complex64), "64": (True, np.float64, np.complex128)}


def matches(got, text, args, eps):
    """Whether a part of a result is what the table says."""
    if text in ("True", "False"):
        return bool(got) is (text == "True")
    free = text.startswith("~")
    want = number(text.lstrip("~"), *args)
    got = float(got)
    if math.isnan(want):
        return math.isnan(got)
    if want == 0 or math.isinf(want):
        return abs(got) == abs(want) and (free or math.copysign(1, got) == math.copysign(1, want))
    return abs(abs(got) - abs(want) if free else got - want) <= 4 * eps * abs(want)


def runs(calls):
    """Each call twice eagerly (the general way, then by a rule), then all in one compiled program."""
    for _ in range(2):
        yield "eager", [np.asarray(fun(*args)) for fun, args in calls]
    program = numax.jit(lambda flat: [fun(*a) for (fun, _), a in zip(calls, flat, strict=True)])
    outs = program([[repeated(a) for a in args] for _, args in calls])
    yield "jit", [np.asarray(o)[: args[0].size] for o, (_, args) in zip(outs, calls, strict=True)]


def repeated(x):
    return jnp.asarray(np.resize(np.asarray(x), max(LARGE, x.size)))


def parts_of(calls):
    """The calls compiled so that only a part of each result is asked for: XLA has formulas of its own for these."""
    flat = [[repeated(a) for a in args] for _, args in calls]
    found = []
    for part in (jnp.real, jnp.imag):
        program = numax.jit(
            lambda flat, part=part: [part(fun(*a)) for (fun, _), a in zip(calls, flat, strict=True)]
        )
        found.append([np.asarray(out) for out in program(flat)])
    return [
        complex_of(np.stack(pair, -1)[: args[0].size], np.complex128)
        for (_, args), *pair in zip(calls, *found, strict=True)
    ]


NARROW = {"float16": (False, np.float16, None), "bfloat16": (False, ml_dtypes.bfloat16, None)}


@pytest.mark.parametrize("table", ["REAL", "BINARY"])
@pytest.mark.parametrize("width", [*WIDTHS, *NARROW])
def test_real_special_cases(width, table):
    x64, dtype, _ = (WIDTHS | NARROW)[width]
    found = rows({"REAL": REAL, "BINARY": BINARY}[table])
    eps = float(jnp.finfo(dtype).eps)
    wrong = []
    with config.enable_x64(x64):
        calls = [
            (getattr(jnp, name), [jnp.asarray(c) for c in np.array([a for a, _ in cases], dtype).T])
            for name, cases in found.items()
        ]
        for how, outs in runs(calls):
            for (name, cases), out in zip(found.items(), outs, strict=True):
                wrong += [
                    f"{how} {name}{tuple(args)}: {value}, not {text}"
                    for (args, text), value in zip(cases, out, strict=True)
                    if not matches(value, text, args, eps)
                ]
    assert not wrong, "\n".join(wrong)


def _part_matches(value, text, args, eps):
    if text == "cis":
        angle = args[1]
        return math.copysign(1, value[0]) == math.copysign(1, math.cos(angle)) and (
            math.copysign(1, value[1]) == math.copysign(1, math.sin(angle))
            and math.isinf(value[0])
            and math.isinf(value[1])
        )
    if text == "zero":
        angle = args[1]
        return value == (0, 0) and (
            math.copysign(1, value[0]) == math.copysign(1, math.cos(angle))
            and math.copysign(1, value[1]) == math.copysign(1, math.sin(angle))
        )
    return all(matches(v, t, args, eps) for v, t in zip(value, text.split(","), strict=True))


def _mirrored(name):
    """Symmetries: how an argument of the table becomes another one, and the result of that one the table's."""
    yield lambda a, b: (a, b), lambda c, d: (c, d)
    yield lambda a, b: (a, -b), lambda c, d: (c, -d)
    if name in ODD:
        yield lambda a, b: (-a, -b), lambda c, d: (-c, -d)
    if name in EVEN:
        yield lambda a, b: (-a, -b), lambda c, d: (c, d)


def complex_of(parts, dtype):
    out = np.empty(len(parts), dtype)
    out.real, out.imag = np.array(parts).T
    return out


def _complex_cases():
    """For each function its (arguments, rule, the rule's arguments, result -> the rule's result)."""
    found = rows(COMPLEX)
    for name, cases in found.items():
        for before, after in _mirrored(name):
            for args, text in cases:
                yield name, before(*args), text, args, after
    turns = [(name, found[base], lambda c, d: (-d, c)) for name, base in TURNED.items()]
    for name, cases, after in (*turns, ("cos", found["cosh"], lambda c, d: (c, d))):
        for args, text in cases:  # i(a + bi) = -b + ai
            yield name, (args[1], -args[0]), text, args, after


@pytest.mark.parametrize("width", WIDTHS)
def test_complex_special_cases(width):
    x64, part, dtype = WIDTHS[width]
    eps = np.finfo(part).eps
    table = {}
    for name, *case in _complex_cases():
        table.setdefault(name, []).append(case)
    wrong = []
    with config.enable_x64(x64):
        calls = [
            (getattr(jnp, name), [jnp.asarray(complex_of([z for z, *_ in cases], dtype))])
            for name, cases in table.items()
        ]
        for how, outs in (*runs(calls), ("parts", parts_of(calls))):
            for (name, cases), out in zip(table.items(), outs, strict=True):
                for (z, text, args, after), value in zip(cases, out, strict=True):
                    if not _part_matches(after(value.real, value.imag), text, args, eps):
                        wrong.append(f"{how} {name}{z}: {value}; {args} gives {text}")
    assert not wrong, "\n".join(wrong)


def kind(z):
    """'infinite' (any part is), 'nan', 'zero' or 'finite': all that C99's Annex G fixes of a quotient."""
    if np.isinf(z):
        return "infinite"
    return "nan" if np.isnan(z) else "zero" if z == 0 else "finite"


QUOTIENTS = {
    **dict.fromkeys([("finite", "infinite"), ("zero", "infinite"), ("zero", "finite")], "zero"),
    **dict.fromkeys([("infinite", "finite"), ("infinite", "zero"), ("finite", "zero")], "infinite"),
    **dict.fromkeys([("infinite", "infinite"), ("zero", "zero")], "nan"),
    ("finite", "finite"): "finite",
}


def _grid(dtype):
    values = [0.0, -0.0, 1.0, -2.0, 0.5, math.inf, -math.inf, math.nan]
    return complex_of([(a, b) for a in values for b in values], dtype)


@pytest.mark.parametrize("width", WIDTHS)
def test_complex_quotients_and_powers_know_infinities(width):
    x64, _, dtype = WIDTHS[width]
    grid = _grid(dtype)
    x, y = np.repeat(grid, grid.size), np.tile(grid, grid.size)
    with config.enable_x64(x64):
        calls = [
            (jnp.divide, [jnp.asarray(x), jnp.asarray(y)]),
            (jnp.reciprocal, [jnp.asarray(y)]),
            (lambda v: v**-1, [jnp.asarray(y)]),
            (jnp.pow, [jnp.asarray(x), jnp.asarray(y)]),
        ]
        outs = list(runs(calls))
    for how, (quotient, reciprocal, minus_one, _) in outs:
        for a, b, q in zip(x, y, quotient, strict=True):
            want = QUOTIENTS.get((kind(a), kind(b)))
            assert want is None or kind(q) == want, f"{how} {a} / {b} = {q}"
        for inverse in (reciprocal, minus_one):
            for b, q in zip(y, inverse, strict=True):
                want = QUOTIENTS.get(("finite", kind(b)))
                assert want is None or kind(q) == want, f"{how} 1 / {b} = {q}"
    eager, compiled = outs[1][1][3], outs[2][1][3]
    for a, b, p, q in zip(x, y, eager, compiled, strict=True):
        assert kind(p) == kind(q), f"{a} ** {b} = {p} eagerly, {q} compiled"
        if b == 0 or a == 1:
            assert p == 1 and q == 1


def test_logarithms_of_infinite_numbers_with_a_nan_part():
    z = jnp.asarray(complex_of([(math.inf, math.nan), (-math.inf, math.nan)], np.complex64))
    for log in (jnp.log, jnp.log2, jnp.log10, jnp.log1p):
        assert np.isposinf(np.asarray(numax.jit(lambda v, log=log: log(v).real)(z))).all()
        assert np.isposinf(np.asarray(log(z)).real).all()
    assert np.asarray(jnp.log10(jnp.asarray(complex_of([(0.0, 0.0)], np.complex64))))[0] == complex(
        -math.inf, 0
    )


# ---- reductions, sets and conversions ----


def both(fun, *args):
    yield fun(*args)
    yield numax.jit(fun)(*args)


@pytest.mark.parametrize("width", WIDTHS)
def test_reductions_of_nothing_and_of_nan(width):
    x64, dtype, _ = WIDTHS[width]
    with config.enable_x64(x64):
        empty, nans = jnp.zeros((0, 3), dtype), jnp.asarray(np.array([1, np.nan, 3], dtype))
        one = jnp.ones(1, dtype)
        for name, want in (
            ("sum", 0),
            ("prod", 1),
            ("all", True),
            ("any", False),
            ("count_nonzero", 0),
        ):
            for out in both(lambda x, name=name: getattr(jnp, name)(x, axis=0), empty):
                np.testing.assert_array_equal(np.asarray(out), np.full(3, want))
        for name in ("mean", "var", "std"):
            for out in both(lambda x, name=name: getattr(jnp, name)(x, axis=0), empty):
                assert np.isnan(np.asarray(out)).all()
        for name in ("sum", "prod", "max", "min", "mean", "var", "std", "cumulative_sum"):
            for out in both(getattr(jnp, name), nans):
                assert np.isnan(np.asarray(out)).any(), name
        for name in ("var", "std"):  # fewer elements than the correction counts: 0 / 0 and 0 / -1
            for out in both(lambda x, name=name: getattr(jnp, name)(x, correction=1), one):
                assert np.isnan(float(out))
        for name in ("max", "min", "argmax", "argmin"):
            with pytest.raises(ValueError):
                getattr(jnp, name)(empty, axis=0)
        assert bool(jnp.all(nans)) and bool(jnp.any(nans)) and int(jnp.count_nonzero(nans)) == 3
        assert int(jnp.argmax(jnp.asarray(np.array([1, 3, 3], dtype)))) == 1
        assert int(jnp.argmin(nans)) == 1  # nan is propagated, as by min


def test_sets_tell_nans_apart_and_zeros_not():
    x = jnp.asarray(np.array([0.0, np.nan, -0.0, np.nan, 1.0], np.float32))
    assert jnp.unique_values(x).shape == (4,)
    values, counts = jnp.unique_counts(x)
    assert sorted(np.asarray(counts).tolist()) == [1, 1, 1, 2]
    values, inverse = jnp.unique_inverse(x)
    assert inverse.shape == x.shape
    np.testing.assert_array_equal(np.asarray(values)[np.asarray(inverse)], np.asarray(x))
    assert jnp.unique_all(x).indices.shape == (4,)
    assert not bool(jnp.isin(jnp.asarray(np.float32(np.nan)), x))
    assert bool(jnp.isin(jnp.asarray(np.float32(-0.0)), jnp.asarray(np.float32([0.0]))))


def test_numbers_of_special_values():
    nan, inf = jnp.asarray(math.nan), jnp.asarray(math.inf)
    assert bool(nan) and bool(inf) and not bool(jnp.asarray(-0.0))
    with pytest.raises(ValueError):
        int(nan)
    with pytest.raises(OverflowError):
        int(inf)
    assert math.isnan(float(nan)) and complex(inf) == complex(math.inf, 0)
    assert math.copysign(1, float(jnp.asarray(-0.0))) == -1


def test_clip_with_nan_bounds_is_nan():
    x = jnp.asarray(np.array([1.0, 2.0, np.nan], np.float32))
    for out in both(lambda v: jnp.clip(v, jnp.nan, 3.0), x):
        assert np.isnan(np.asarray(out)).all()
    for out in both(lambda v: jnp.clip(v, 1.5, jnp.inf), x):
        np.testing.assert_array_equal(np.asarray(out), np.array([1.5, 2, np.nan], np.float32))
