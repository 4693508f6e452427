"""The optional native extension: the same random numbers as without it, and reductions to the last bit but one."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import numax.numpy as jnp
from numax import jit, random, value_and_grad
from numax._engine.core import native as home
from numax._engine.core.native import native
from numax._engine.ops import rng, variates

pytestmark = pytest.mark.skipif(
    native is None, reason="built without a C compiler, or NUMAX_NATIVE=0"
)
KEYS = np.array([0, 1, 2**64 - 1, 0x123456789ABCDEF0, 42], np.uint64)


@pytest.fixture
def in_python(monkeypatch):
    monkeypatch.setattr(rng, "native", None)
    monkeypatch.setattr(variates, "native", None)


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 63, 64, 65, 80, 81, 300, 20_000])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("keys", [KEYS, KEYS[3], KEYS[:0], KEYS[:4].reshape(2, 2)])
def test_streams_are_those_of_python(in_python, keys, count, joined):
    expected = rng._stream(np.asarray(keys), count, joined)
    found = native.stream(np.ascontiguousarray(keys), count, joined)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected.reshape(-1))


@pytest.mark.parametrize("key", [int(k) for k in KEYS])
def test_a_handful_is_that_of_python(in_python, key):
    for count in (0, 1, 5, 16):
        assert native.words(key, count) == (rng.few_words(key, count) if count else [])
    for message in (0, 1, 7, 2**32 - 1):
        expected = int(rng._fold_host(np.array(key, np.uint64), np.array(message, np.uint32)))
        assert native.block(key, message) == expected


def test_normal_numbers_are_those_of_python(in_python):
    root = np.float32(math.sqrt(2))
    for key in range(3000):  # in the tails, too
        expected = np.array(variates._few_normal(key, 16), np.float32) * root
        np.testing.assert_array_equal(
            native.normals(np.array(key, np.uint64), (16,), float(root), 16), expected
        )


def test_public_samplers_give_the_same_without(monkeypatch):
    def samples():
        key = random.key(7)
        raw = random.PRNGKey(7)
        out = [random.key_data(k) for k in (random.split(key, 3), random.fold_in(key, 5))]
        for n in (3, 1000):
            out += [random.normal(raw, (n,)), random.uniform(key, (n,)), random.bits(key, (n, 2))]
            out += [random.randint(key, (n,), 0, 100), random.gumbel(raw, (n,))]
        return [np.asarray(x) for x in out]

    with_it = samples()
    monkeypatch.setattr(rng, "native", None)
    monkeypatch.setattr(variates, "native", None)
    for found, expected in zip(with_it, samples(), strict=True):
        np.testing.assert_array_equal(found, expected)


# ---- reductions ----

ARRAYS = st.sampled_from([np.float32, np.float64]).flatmap(
    lambda d: hnp.arrays(
        d,
        hnp.array_shapes(max_dims=3, max_side=8),
        elements={"min_value": -1e6, "max_value": 1e6},
    )
)


@given(ARRAYS)
def test_reductions_of_all_elements(x):
    wide = x.astype(np.longdouble)
    unit = np.finfo(x.dtype).eps
    size = np.abs(wide)
    for name, scale in {
        "sum": size.sum(),
        "mean": size.mean(),
        "std": size.max(),
        "var": size.max() ** 2,
    }.items():
        out = getattr(native, name)(x)
        assert type(out) is np.ndarray and out.shape == () and out.dtype == x.dtype
        # four sums beside each other: n / 4 roundings, of half a unit each, may all err the same way
        bound = (8 + x.size / 8) * unit * scale
        assert abs(out - getattr(np, name)(wide)) <= bound + 1e-150  # squares underflow
    for name in ("max", "min"):
        assert getattr(native, name)(x) == getattr(np, name)(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype):
    nan, inf = np.nan, np.inf
    for values in (
        [nan],
        [1, nan, 2],
        [inf, -inf],
        [inf, 1],
        [-inf, -inf],
        [0.0, -0.0],
        [-0.0, 0.0],
    ):
        x = np.array(values, dtype)
        for name in ("sum", "mean", "max", "min", "std", "var"):
            with np.errstate(all="ignore"):
                np.testing.assert_array_equal(getattr(native, name)(x), getattr(np, name)(x), name)
    zeros = np.array([-0.0, 0.0, -0.0], dtype)
    assert not np.signbit(native.max(zeros)) and np.signbit(native.min(zeros))
    assert np.signbit(native.max(zeros[::2].copy()))


@pytest.mark.parametrize(
    "x",
    [
        np.arange(3),
        np.array([True]),
        np.zeros(0, np.float32),
        np.zeros(513, np.float32),
        np.zeros((4, 4), np.float32)[:, ::2],
        np.zeros(3, np.float16),
        np.zeros(3, ">f4"),
        np.zeros(3, np.complex64),
        [1.0],
        np.ma.zeros(3),
    ],
)
def test_what_it_does_not_reduce_is_left_to_numpy(x):
    assert all(getattr(native, n)(x) is None for n in ("sum", "mean", "max", "min", "var", "std"))


def test_transposed_memory_counts_each_element_once():
    x = np.arange(12, dtype=np.float32).reshape(3, 4).T
    assert native.sum(x) == 66 and native.max(x) == 11


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "var", "std"])
def test_numpy_functions_agree_with_the_compiled_ones(name):
    f = getattr(jnp, name)
    for shape in [(), (1,), (3,), (5, 7), (512,), (513,)]:
        x = jnp.array(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
        np.testing.assert_allclose(f(x), jit(f)(x), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_a_function_has_the_same_value_inside_grad(name):
    f = getattr(jnp, name)
    for n in (1, 3, 10, 100, 512):
        x = jnp.array(np.random.default_rng(n).standard_normal(n).astype(np.float32))
        assert value_and_grad(f)(x)[0] == f(x)


# ---- errors, and doing without ----


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: native.stream([1], 2, False), TypeError),
        (lambda: native.stream(np.zeros(1, np.uint32), 2, False), TypeError),
        (lambda: native.stream(KEYS[::2], 2, False), TypeError),
        (lambda: native.stream(KEYS, -1, False), ValueError),
        (lambda: native.stream(KEYS, 2**62, False), ValueError),
        (lambda: native.words(-1, 2), OverflowError),
        (lambda: native.words(2**64, 2), OverflowError),
        (lambda: native.words(1), TypeError),
        (lambda: native.words(1, -1), ValueError),
        (lambda: native.normals(1, 2), TypeError),
        (lambda: native.normals(1, 2, "x"), TypeError),
        (lambda: native.set_polynomials([1.0], [2.0]), ValueError),
        (lambda: native.block(1, -1), ValueError),
    ],
)
def test_wrong_arguments(call, error):
    with pytest.raises(error):
        call()


def test_the_environment_can_leave_it_out(monkeypatch):
    monkeypatch.setenv("NUMAX_NATIVE", "0")
    assert home.load() is None
    code = "import numax.numpy as n, numax.random as r; print(float(n.std(n.arange(4.0))), r.normal(r.key(0), (2,)))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "NUMAX_NATIVE": wanted},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for wanted in "01"
    ]
    assert runs[0] == runs[1]
