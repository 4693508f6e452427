"""Compiled complex functions against NumPy's in higher precision; their special cases are in test_np_special_values."""

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax._engine.core import config

NAMES = [
    "abs",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "sign",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "arcsin",
    "arccos",
    "arctan",
    "arcsinh",
    "arccosh",
    "arctanh",
    "reciprocal",
]
WIDTHS = {"32": (False, np.complex64, np.complex128), "64": (True, np.complex128, np.clongdouble)}
SCALE = {
    "exp2": 4,
    "log1p": 2,
}  # the angle y log(2) is rounded; XLA's log1p of float64 has 10 units
SIZE = 4000  # compiled: smaller programs run on NumPy


def numbers(dtype, seed=0):
    """Parts of sizes from 1e-6 to 60, all signs."""
    rng = np.random.default_rng(seed)
    parts = 10 ** rng.uniform(-6, 1.78, (2, SIZE)) * rng.choice([-1, 1], (2, SIZE))
    return (parts[0] + 1j * parts[1]).astype(dtype)


def log1p(z):
    """NumPy's loses digits of small numbers."""
    return np.log1p(z.real * (2 + z.real) + z.imag**2) / 2 + 1j * np.arctan2(z.imag, 1 + z.real)


@pytest.mark.parametrize("width", WIDTHS)
def test_errors_are_a_few_units_in_the_last_place(width):
    x64, dtype, wide = WIDTHS[width]
    z = numbers(dtype)
    with config.enable_x64(x64):
        outs = numax.jit(lambda v: [getattr(jnp, name)(v) for name in NAMES])(jnp.asarray(z))
        outs = [np.asarray(out) for out in outs]
    worst = {}
    for name, out in zip(NAMES, outs, strict=True):
        want = (log1p if name == "log1p" else getattr(np, name))(z.astype(wide))
        error = np.max(np.abs(out - want) / np.abs(want)) / np.finfo(dtype).eps
        worst[name] = float(error) / SCALE.get(name, 1)
    assert {name: error for name, error in worst.items() if not error < 10} == {}


def test_log1p_and_expm1_of_small_numbers_keep_their_digits_eagerly():
    z = numbers(np.complex64, 2) * np.float32(1e-4)
    for name, reference in {"log1p": log1p, "expm1": np.expm1}.items():
        want = reference(z.astype(np.clongdouble))
        for _ in range(2):
            got = np.asarray(getattr(jnp, name)(jnp.asarray(z[:100])))
            np.testing.assert_allclose(got, want[:100], rtol=1e-6)


def test_numbers_whose_exponential_alone_overflows():
    large = {"exp": 89 + 0.785j, "sinh": -89.3 + 0.785j, "cosh": 89.3 + 2.3j, "tanh": 89 + 1j}
    for name, z in large.items():
        x = np.full(SIZE, z, np.complex64)
        out = np.asarray(numax.jit(getattr(jnp, name))(jnp.asarray(x)))
        np.testing.assert_allclose(out, getattr(np, name)(x.astype(np.complex128)), rtol=3e-5)


@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "sin", "tanh", "arccos", "arctanh", "expm1", "sign"]
)
def test_derivatives_run_through_the_parts(name):
    z = numbers(np.complex64, 1)
    z = z[np.abs(z) < 2]
    f = getattr(jnp, name)
    t = jnp.ones(z.shape, jnp.complex64)
    got = numax.jit(lambda v: numax.jvp(f, (v,), (t,))[1])(jnp.asarray(z))
    np.testing.assert_allclose(got, numax.jvp(f, (jnp.asarray(z),), (t,))[1], rtol=2e-4, atol=1e-5)
