"""Division of integers in compiled programs on large arrays: exact, at the edges too."""

import numpy as np
import pytest

import numax.numpy as jnp
from numax import jit, lax

DTYPES = ["int8", "int16", "int32", "uint8", "uint16", "uint32"]


def _pairs(dtype):
    """All pairs of the numbers where division goes wrong, and many others."""
    info = np.iinfo(dtype)
    edges = [info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3, 7, info.max // 2]
    edges = np.array([*edges, *([-1, -2, -3] if info.min else [])], dtype)
    x, y = (a.ravel() for a in np.meshgrid(edges, edges))
    rng = np.random.default_rng(0)
    more = [rng.integers(info.min, info.max, 4000, dtype, endpoint=True) for _ in "xy"]
    near = np.concatenate([more[0], more[0]])  # multiples of the divisor, and one less
    small = rng.integers(1, 100, len(near)).astype(dtype)
    near = near // small * small - np.repeat([0, 1], len(more[0])).astype(dtype)
    return np.concatenate([x, more[0], near]), np.concatenate([y, more[1], small])


@pytest.mark.parametrize("dtype", DTYPES)
def test_quotients_and_remainders_are_exact(dtype):
    x, y = _pairs(dtype)
    a, b = x.astype(object), y.astype(object)
    signs = np.where((a < 0) != (b < 0), -1, 1)
    quotient = np.array([abs(i) // abs(j) * s if j else -1 for i, j, s in zip(a, b, signs)])
    rest = np.array([i - j * q if j else i for i, j, q in zip(a, b, quotient)])
    for f, expected in ((lax.div, quotient), (lax.rem, rest)):
        wrapped = (expected.astype(object) % 2 ** np.iinfo(dtype).bits).astype(np.uint64)
        for result in (f(jnp.array(x), jnp.array(y)), jit(f)(x, y)):
            np.testing.assert_array_equal(np.asarray(result), wrapped.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["remainder", "floor_divide", "fmod"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numpy_functions_agree_with_numpy(name, dtype):
    x, y = _pairs(dtype)
    expected = getattr(np, name)(x, y)
    np.testing.assert_array_equal(np.asarray(jit(getattr(jnp, name))(x, y)), expected)


@pytest.mark.parametrize("divisor", [7, -7, 1, 64])
def test_by_a_known_number(divisor):
    x = _pairs("int32")[0]
    np.testing.assert_array_equal(np.asarray(jit(lambda a: a % divisor)(x)), x % divisor)
    np.testing.assert_array_equal(np.asarray(jit(lambda a: a // divisor)(x)), x // divisor)
