"""float32 pow and lgamma for CPUs: accuracy over the whole range, special values, known exponents, eager size limits."""

import mpmath
import numpy as np
import pytest
from ops_rules import arrays, compiled, run, values

from numax._engine.core.array import from_numpy
from numax._engine.dispatch import runs_compiled
from numax._engine.ops import arithmetic, elementwise, special
from numax._engine.ops.cpu_powers import KNOWN_POWERS

_ENDS = [0.0, 1.0, 0.5, 2.0, 3.0, 1e10, np.inf, 1e-30, 3e38, 2.5, 16777215.0, 0.33]
ENDS = np.array([*_ENDS, *[-x for x in _ENDS], np.nan], np.float32)
TINY = np.finfo(np.float32).tiny


def units(out, exact):
    """The error in units in the last place of the float32 result."""
    return np.abs(out - exact) / np.spacing(np.abs(exact).astype(np.float32))


def test_pow_errs_by_at_most_one_unit():
    rng = np.random.default_rng(0)
    x = np.exp(rng.uniform(-80, 80, 60000))
    x[:20000] = rng.uniform(0.5, 2, 20000)
    x[:8000] = 1 + (rng.standard_normal(8000) * 1e-4)
    x = x.astype(np.float32)
    x = x[x != 1]
    y = (rng.uniform(-87.3, 88.7, x.size) / np.log(x.astype(np.float64))).astype(np.float32)
    exact = np.exp2(y.astype(np.longdouble) * np.log2(x.astype(np.longdouble)))
    normal = (exact > TINY) & (exact < 3.4e38)
    assert normal.sum() > 50000
    out = compiled(elementwise.pow, [x, y])[0]
    assert units(out[normal], exact[normal]).max() < 1


def test_pow_of_special_values():
    x, y = [v.ravel() for v in np.meshgrid(ENDS, ENDS)]
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), y.astype(np.float64)).astype(np.float32)
    exact[np.abs(exact) < TINY] *= 0  # results below the least normal number are 0
    out = compiled(elementwise.pow, [x, y])[0]
    np.testing.assert_allclose(out, exact, rtol=2.4e-7)
    number = ~np.isnan(exact)
    np.testing.assert_array_equal(np.signbit(out[number]), np.signbit(exact[number]))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("y", KNOWN_POWERS)
def test_known_exponents_give_what_pow_gives(y, dtype):
    with np.errstate(all="ignore"):
        x = ENDS.astype(dtype)
        exact = np.power(x.astype(np.float64), np.full(x.size, y)).astype(np.float32)
        exact[np.abs(exact) < TINY] *= 0
        exact = exact.astype(dtype)
    out = compiled(lambda x: elementwise.pow(x, y), [x])[0]
    np.testing.assert_allclose(out, exact, rtol=2 * np.finfo(dtype).eps)
    number = ~np.isnan(exact)
    np.testing.assert_array_equal(np.signbit(out[number]), np.signbit(exact[number]))


def test_lgamma_errs_by_at_most_a_unit_away_from_its_zeros():
    rng = np.random.default_rng(1)
    parts = [
        rng.uniform(0, 5, 2000),
        rng.uniform(-12, 0, 3000),
        np.exp(rng.uniform(-80, 80, 1500)),
        -np.exp(rng.uniform(-80, 15, 1500)),
        1 + rng.standard_normal(300) * 1e-3,
        2 + rng.standard_normal(300) * 1e-4,
    ]
    x = np.concatenate(parts).astype(np.float32)
    x = x[(x > 0) | (x != np.round(x))]
    with mpmath.workprec(100):
        exact = np.array([float(mpmath.re(mpmath.loggamma(float(v)))) for v in x])
    out = compiled(special.lgamma, [x])[0].astype(np.float64)
    far = np.abs(exact) > 0.02
    assert units(out[far], exact[far]).max() < 1.25
    assert np.abs(out[~far] - exact[~far]).max() < 4e-9
    positive = x > 0
    many = compiled(special.lgamma, [np.resize(x[positive], 20000)])[0].astype(np.float64)
    out, exact, far = many[: positive.sum()], exact[positive], far[positive]
    assert units(out[far], exact[far]).max() < 1.25
    assert np.abs(out[~far] - exact[~far]).max() < 4e-9


def test_lgamma_of_special_values():
    x = np.array([0, -0.0, 1, 2, np.inf, -np.inf, np.nan, -1, -2, -1e8, 3e38], np.float32)
    inf, nan = np.inf, np.nan
    out = compiled(special.lgamma, [x])[0]
    np.testing.assert_array_equal(out, [inf, inf, 0, 0, inf, inf, nan, inf, inf, inf, inf])
    x = np.resize(np.array([0, -0.0, 1, 2, inf, nan, 3e38], np.float32), 7 * 3000)
    out = compiled(special.lgamma, [x])[0]
    np.testing.assert_array_equal(out[:7], [inf, inf, 0, 0, inf, nan, inf])


def test_slow_functions_of_many_elements_run_compiled():
    least = special.lgamma_p.compile_from
    small, large = np.ones(least - 1, np.float32), np.linspace(0.1, 9, least, dtype=np.float32)
    assert not runs_compiled(special.lgamma_p, arrays([small]))
    assert runs_compiled(special.lgamma_p, arrays([large]))
    assert not runs_compiled(elementwise.sin_p, arrays([large]))
    np.testing.assert_array_equal(
        run(special.lgamma, [large])[0], compiled(special.lgamma, [large])[0]
    )
    np.testing.assert_allclose(
        values([special.lgamma(from_numpy(large[:100]))])[0],
        run(special.lgamma, [large])[0][:100],
        rtol=3e-7,
        atol=1e-9,
    )


def test_eager_extrema_order_the_zeros_as_compiled_ones_do():
    x = np.array([0.0, -0.0, 0.0, -0.0, 1.0, np.nan, -1.0], np.float32)
    y = np.array([-0.0, 0.0, 0.0, -0.0, 0.0, 0.0, -0.0], np.float32)
    for rule, general in (
        (arithmetic.fast_max, arithmetic.max),
        (arithmetic.fast_min, arithmetic.min),
    ):
        out = rule(x, y)
        np.testing.assert_array_equal(out, compiled(general, [x, y])[0])
        np.testing.assert_array_equal(np.signbit(out), np.signbit(run(general, [x, y])[0]))
        for bound in (0.0, -0.0, 2.0, -2.0):
            other = np.full_like(x, bound)
            expected = compiled(general, [x, other])[0]
            np.testing.assert_array_equal(rule(x, bound), expected)
            number = ~np.isnan(expected)
            np.testing.assert_array_equal(
                np.signbit(rule(x, bound))[number], np.signbit(expected)[number]
            )
