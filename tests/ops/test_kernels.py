"""The optional kernels of compiled programs: what NumPy computes, for every layout of axes, with nans, and out of bounds."""

import os
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numax.numpy as jnp
from numax import grad, jit, lax, vmap
from numax._engine.core import config
from numax._engine.ops import kernels
from numax._engine.runtime import ffi

pytest.importorskip("numax._kernels", reason="built without a C compiler")

RNG = np.random.default_rng(0)
FLOATS = [jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64]
SHAPES = [
    ((40_000,), [(0,)]),
    ((300, 257), [(0,), (1,), (0, 1)]),
    ((5000, 10), [(0,), (1,)]),
    ((3, 20_000), [(0,), (1,)]),
    ((20_000, 3), [(0,)]),
    ((129, 128), [(1,), (0,)]),
    ((2, 5000), [(0,), (1,)]),
    ((17, 19, 130), [(1,), (0, 2), (0, 1), (1, 2), (2,), (0, 1, 2)]),
    ((4, 3, 5, 7), [(0, 2), (1, 3), (1,)]),
    ((33, 1), [(0,), (0, 1)]),
]
CASES = [(shape, axes) for shape, choices in SHAPES for axes in choices]


@pytest.fixture(autouse=True)
def wide():
    with config.enable_x64(True):
        yield


def calls(f, *args):
    return jit(f).lower(*args).as_text().count("@numax_")


def numbers(shape, dtype, odd):
    x = RNG.standard_normal(shape).astype(dtype)
    if odd:
        x.flat[RNG.integers(0, x.size, max(1, x.size // 500))] = np.nan
        x.flat[RNG.integers(0, x.size, 3)] = -np.nan
        x.flat[RNG.integers(0, x.size, 2)] = np.inf
        x.flat[RNG.integers(0, x.size, 2)] = -np.inf
    return x


def same(found, reduce, x, axes):
    """What `reduce`, of NumPy, gives in float64, where all numbers of narrower floats are."""
    with np.errstate(invalid="ignore"):  # casts of nans
        expected = reduce(x.astype(np.float64), axes)
        np.testing.assert_array_equal(np.asarray(found).astype(np.float64), expected)
    assert found.dtype == x.dtype


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("shape,axes", CASES)
def test_extremes_are_numpys(shape, axes, dtype, odd):
    x = numbers(shape, dtype, odd)
    for f, expected in ((jnp.max, np.max), (jnp.min, np.min)):
        assert calls(lambda x, f=f: f(x, axes), x) > 0
        found = jit(lambda x, f=f: f(x, axes))(x)
        same(found, expected, x, axes)


@pytest.mark.parametrize("dtype", FLOATS)
def test_extremes_of_every_number(dtype):
    """Each float of 16 bits, and floats of all exponents: against one that is next to it, on both sides."""
    bits = np.arange(2**16, dtype=np.uint16)
    itemsize = np.dtype(dtype).itemsize
    if itemsize == 2:
        x = bits.view(dtype)
    else:
        unsigned = np.uint32 if itemsize == 4 else np.uint64
        x = (bits.astype(unsigned) << (8 * itemsize - 16)).view(dtype)
    for count in (32, 64):
        pairs = np.stack([x, np.roll(x, 1)], 1).repeat(count, 1)
        same(jit(lambda x: jnp.max(x, 1))(pairs), np.max, pairs, 1)
        same(jit(lambda x: jnp.min(x, 1))(pairs), np.min, pairs, 1)


def test_zeros_have_an_order():
    for shape in ((50,), (2, 40), (1000,)):
        x = np.zeros(shape, np.float32)
        x[..., ::2] = -0.0
        assert not np.signbit(jit(lambda x: jnp.max(x, -1))(x)).any()
        assert np.signbit(jit(lambda x: jnp.min(x, -1))(x)).all()


@given(
    shape=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    data=st.data(),
    dtype=st.sampled_from(FLOATS),
)
def test_extremes_of_any_shape(shape, data, dtype):
    axes = data.draw(
        st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True)
    )
    x = numbers(shape, dtype, data.draw(st.booleans()))
    found = jit(lambda x: jnp.min(x, tuple(axes)))(x)
    same(found, np.min, x, tuple(axes))


@pytest.mark.parametrize("shape", [(2**14,), (1000, 1000), (3, 40_001)])
def test_one_look_at_an_array_serves_sine_and_cosine(shape):
    """Wherever the far number is, it is found; a nan is not far."""

    def f(x):
        return jnp.sin(x) * jnp.cos(x)

    x = RNG.standard_normal(shape).astype(np.float32)
    assert calls(f, x) == 2  # of which the compiler makes one
    for place in (None, 0, x.size // 3, x.size - 1):
        v = x.copy()
        v.flat[5] = np.nan
        if place is not None:
            v.flat[place] = -4e6 * np.pi
        exact = np.sin(2 * v.astype(np.float64)) / 2
        np.testing.assert_allclose(jit(f)(v), exact, rtol=3e-7, atol=1e-7)


def test_at_most_two_arrays_that_may_meet_in_a_loop_are_looked_at():
    x = RNG.standard_normal((3, 2**14)).astype(np.float32)
    assert calls(lambda a, b: jnp.sin(a) + jnp.sin(b), *x[:2]) == 2
    assert calls(lambda a, b, c: jnp.sin(a) + jnp.sin(b) + jnp.sin(2 * c) + jnp.cos(a), *x) == 3
    assert calls(lambda a, b, c: jnp.sin(jnp.sin(jnp.sin(a) + b) + c), *x) == 3


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize(
    "shape,axis",
    [
        ((40_000,), 0),
        ((300, 257), 0),
        ((300, 257), 1),
        ((500, 40), 1),
        ((5000, 10), 0),
        ((50_000, 3), 0),
        ((3, 20_000), 1),
        ((3, 20_000), 0),
        ((17, 19, 130), 1),
        ((33, 1), 0),
        ((4, 500, 70), 1),
        ((2, 3000, 5), 1),
    ],
)
def test_places_are_numpys(shape, axis, odd, dtype):
    x = numbers(shape, dtype, odd)
    x.flat[:: max(1, x.size // 7)] = x.flat[0]  # equal ones, zeros of both signs
    for scale in (1, 0):
        x = (
            x
            if scale
            else np.where(
                np.arange(shape[axis]).reshape(-1, *[1] * (x.ndim - axis - 1)) % 2, -0.0, 0.0
            ).astype(dtype)
            * np.ones_like(x)
        )
        wide = x.astype(np.float64)
        for f, expected in ((jnp.argmax, np.argmax), (jnp.argmin, np.argmin)):
            assert calls(lambda x, f=f: f(x, axis), x) == 1
            found = jit(lambda x, f=f: f(x, axis))(x)
            np.testing.assert_array_equal(found, expected(wide, axis))
            assert found.dtype == jnp.int64


def test_extremes_under_vmap_and_grad():
    x = numbers((30, 50), np.float32, False)
    f = jit(vmap(lambda row: jnp.max(row)))
    np.testing.assert_array_equal(f(x), x.max(1))
    slope = jit(grad(lambda x: jnp.max(x, 1).sum()))(x)
    np.testing.assert_array_equal(slope, x == x.max(1, keepdims=True))
    many = jit(vmap(vmap(lambda a: jnp.min(a), 1), 0))(x.reshape(30, 50, 1).repeat(4, 2))
    np.testing.assert_array_equal(
        many, np.broadcast_to(x[..., :4].min(), (30, 4)) * 0 + x.min(1)[:, None]
    )


NUMBERS = [np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint64]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "shape,axis",
    [
        ((5000,), 0),
        ((100_001,), 0),
        ((16_001,), 0),
        ((300, 257), 1),
        ((300, 257), 0),
        ((3, 40_000), 1),
        ((40_000, 3), 0),
        ((70, 5000), 1),
        ((4, 9, 5000), 1),
        ((6, 2500, 3), 1),
        ((4097, 1), 1),
    ],
)
def test_running_sums_are_numpys(shape, axis, reverse, dtype):
    whole = np.dtype(dtype).kind != "f"
    x = RNG.integers(0, 2**31, shape).astype(dtype) if whole else numbers(shape, dtype, False)
    f = jit(lambda x: lax.cumsum(x, axis, reverse))
    assert calls(lambda x: lax.cumsum(x, axis, reverse), x) == 1
    turned = np.flip(x, axis) if reverse else x
    if whole:
        expected = np.cumsum(turned, axis, dtype=dtype)
    else:
        expected = np.cumsum(turned.astype(np.longdouble), axis)
    expected = np.flip(expected, axis) if reverse else expected
    if whole:
        np.testing.assert_array_equal(f(x), expected)
    else:
        n = shape[axis]
        scale = np.cumsum(np.abs(turned), axis).max() * np.finfo(dtype).eps * min(n, 2100)
        np.testing.assert_allclose(f(x), expected.astype(np.float64), rtol=0, atol=scale)


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "shape,axis", [((5000,), 0), ((300, 257), 1), ((300, 257), 0), ((7, 900), 1)]
)
def test_running_products_are_numpys(shape, axis, reverse, dtype):
    x = (1 + RNG.random(shape) / 100).astype(dtype)
    if np.dtype(dtype).kind != "f":
        x = RNG.integers(1, 2**31, shape).astype(dtype)
    turned = np.flip(x, axis) if reverse else x
    expected = np.cumprod(turned, axis, dtype=dtype)
    found = jit(lambda x: lax.cumprod(x, axis, reverse))(x)
    np.testing.assert_array_equal(found, np.flip(expected, axis) if reverse else expected)


def test_a_long_sum_stays_near_the_truth():
    x = np.full(1_000_000, 0.1, np.float32)
    found = np.asarray(jit(jnp.cumsum)(x))
    np.testing.assert_allclose(found, np.cumsum(x, dtype=np.float64), rtol=1e-6)


def test_infinities_and_nans_of_sums_go_on():
    x = np.ones(50_000, np.float32)
    x[20_000] = np.inf
    x[30_000] = -np.inf
    found = np.asarray(jit(jnp.cumsum)(x))
    np.testing.assert_array_equal(
        np.isinf(found), (np.arange(50_000) >= 20_000) & (np.arange(50_000) < 30_000)
    )
    assert np.isnan(found[30_000:]).all()


def added(x, rows, updates, mode="drop"):
    window = tuple(range(rows.ndim, rows.ndim + x.ndim - 1))
    dimensions = lax.ScatterDimensionNumbers(window, (0,), (0,))
    return lax.scatter_add(x, rows[..., None], updates, dimensions, mode=mode)


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("index", [np.int32, np.int64, np.uint32, np.int8, np.uint64])
@pytest.mark.parametrize(
    "shape,count",
    [
        ((100,), (40_000,)),
        ((3000,), (5000,)),
        ((70, 100), (600,)),
        ((50, 3, 4), (30, 20)),
        ((9, 16), (2000,)),
    ],
)
def test_scattered_sums_are_numpys(shape, count, index, dtype):
    low = 0 if np.dtype(index).kind == "u" else -5
    high = min(shape[0] + 5, np.iinfo(index).max)
    rows = RNG.integers(low, high, count).astype(index)
    rows.flat[0] = np.iinfo(index).max
    updates = RNG.integers(-9, 9, (*count, *shape[1:])).astype(dtype)
    x = RNG.integers(-9, 9, shape).astype(dtype)
    assert calls(added, x, rows, updates) == (len(shape) == 1 and np.prod(count) >= 4 * shape[0])
    inside = (rows >= 0) & (rows < shape[0])
    expected = x.copy()
    np.add.at(expected, rows[inside], updates[inside])
    np.testing.assert_array_equal(jit(added)(x, rows, updates), expected)
    np.testing.assert_array_equal(added(x, rows, updates), expected)


@pytest.mark.parametrize("index", [np.int32, np.int64, np.uint32, np.int8])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_sum_scattered_with_clipped_places(index, weighted):
    rows = RNG.integers(-500, 1500, 5001).astype(index)
    rows[:2] = np.iinfo(index).min, np.iinfo(index).max
    updates = RNG.integers(-9, 9, 5001).astype(np.float32) if weighted else np.float32(2)

    def f(x, i, u):
        return added(x, i, jnp.broadcast_to(u, i.shape), "clip")

    x = np.zeros(100, np.float32)
    assert calls(f, x, rows, updates) == 1
    expected = np.zeros(100, np.float32)
    np.add.at(expected, np.clip(rows.astype(np.int64), 0, 99), updates)
    np.testing.assert_array_equal(jit(f)(x, rows, updates), expected)


def test_bincount_counts_negative_numbers_as_0_and_drops_large_ones():
    i = RNG.integers(-200, 1200, 20_000).astype(np.int32)
    found = jit(lambda i: jnp.bincount(i, length=1000))(i)
    np.testing.assert_array_equal(found, np.bincount(np.maximum(i, 0), minlength=1200)[:1000])


def test_one_update_for_all():
    """Updates that are one number are not written out."""
    i = RNG.integers(0, 1000, 20_000).astype(np.int32)
    text = jit(lambda i: jnp.bincount(i, length=1000)).lower(i).as_text()
    assert "tensor<20000xi32>, tensor<20000xi32>" not in text
    np.testing.assert_array_equal(
        jit(lambda i: jnp.bincount(i, length=1000))(i), np.bincount(i, minlength=1000)
    )
    rows = jit(lambda i: jnp.zeros(1000).at[i.reshape(200, 100)].add(2.0))(i)
    np.testing.assert_array_equal(rows, 2.0 * np.bincount(i, minlength=1000))


def test_the_operand_of_a_sum_keeps_its_numbers():
    x, i = jnp.ones(1000), jnp.zeros(5000, jnp.int32)
    f = jit(lambda x, i: (x.at[i].add(1.0), x * 2))
    y, z = f(x, i)
    assert y[0] == 5001 and z[0] == 2 and x[0] == 1


# ---- transpositions ----

TURNED = [
    ((130, 131), (1, 0)),
    ((16, 2048), (1, 0)),
    ((1024, 64), (1, 0)),
    ((20_000, 1), (1, 0)),
    ((3, 7000), (1, 0)),
    ((40, 30, 20), (2, 1, 0)),
    ((40, 30, 20), (0, 2, 1)),
    ((40, 30, 20), (1, 2, 0)),
    ((40, 30, 20), (2, 0, 1)),
    ((40, 30, 20), (1, 0, 2)),
    ((9, 8, 7, 6, 11), (4, 2, 0, 3, 1)),
    ((9, 8, 7, 6, 11), (1, 4, 0, 2, 3)),
    ((9, 1, 8, 33, 11), (4, 1, 0, 3, 2)),
    ((4, 3, 5, 3, 4, 5, 6), (6, 4, 2, 0, 1, 3, 5)),
]


@pytest.mark.parametrize(("shape", "order"), TURNED)
@pytest.mark.parametrize("dtype", ["int8", "bfloat16", "float32", "float64", "complex128", "bool"])
def test_transpositions(shape, order, dtype):
    x = jnp.asarray(RNG.integers(0, 100, shape)).astype(dtype)
    found = jit(lambda a: jnp.transpose(a, order))(x)
    np.testing.assert_array_equal(np.asarray(found), np.asarray(x).transpose(order))


@given(
    st.lists(st.integers(1, 24), min_size=2, max_size=5), st.randoms(), st.sampled_from([2, 4, 8])
)
def test_transpositions_of_any_shape(shape, random, size):
    order = list(range(len(shape)))
    random.shuffle(order)
    shape[random.randrange(len(shape))] *= -(-kernels.LOOP // int(np.prod(shape)))
    x = jnp.asarray(RNG.integers(0, 100, shape).astype(f"uint{8 * size}"))
    found = jit(lambda a: lax.transpose(a, order))(x)
    np.testing.assert_array_equal(np.asarray(found), np.asarray(x).transpose(order))


def test_transpositions_go_to_memory_where_nothing_takes_them_in():
    x, y = jnp.ones((200, 200)), jnp.ones((200, 100))
    assert calls(lambda a: a.T, x) == 1
    assert calls(lambda a: a.T + a, x) == 1
    assert calls(lambda a: jnp.sum(a.T, 0), x) == 0
    assert calls(lambda a: a.T * 2, x) == 0  # one loop
    assert calls(lambda a, b: a.T @ b, x, y) == 0
    assert calls(lambda a, b: (a @ b).T, x, y) == 0
    assert calls(lambda a: jnp.swapaxes(a, 0, 1), jnp.ones((100, 20))) == 0  # few
    assert calls(lambda a: jnp.transpose(a, (1, 0, 2)), jnp.ones((40, 40, 40))) == 0  # rows stay
    total = np.asarray(jit(vmap(lambda a: a.T + a))(jnp.stack([x, 2 * x])))
    np.testing.assert_array_equal(total, np.stack([2 * x, 4 * x]))
    slope = jit(grad(lambda a: jnp.sum(jnp.sin(a.T) * a)))(x)
    np.testing.assert_allclose(slope, np.sin(1.0) + np.cos(1.0), rtol=1e-12)


def test_gradients_of_what_kernels_compute():
    x = numbers((60, 100), np.float64, False)
    rows = RNG.integers(0, 60, 300)

    def f(x):
        return (
            (jnp.cumsum(x, 1) ** 2).sum() + (x[rows] ** 3).sum() + jnp.cumprod(1 + x / 9, 0).sum()
        )

    slope = np.asarray(jit(grad(f))(x))
    step = RNG.standard_normal(x.shape)
    expected = (f(x + 1e-6 * step) - f(x - 1e-6 * step)) / 2e-6
    np.testing.assert_allclose((slope * step).sum(), expected, rtol=1e-6)
    curved = grad(lambda x: (jit(grad(f))(x) * step).sum())(x)
    g = jit(grad(f))
    expected = ((g(x + 1e-5 * step) - g(x - 1e-5 * step)) * step).sum() / 2e-5
    np.testing.assert_allclose((curved * step).sum(), expected, rtol=1e-5)


PROGRAM = """
import numpy as np
import numax.numpy as jnp
from numax import jit
r = np.random.default_rng(1)
x, i = r.standard_normal((300, 400)).astype("f"), r.integers(0, 300, 9000).astype("i4")
f = jit(lambda x, i: (x.max(1), x.min(0), jnp.cumprod(x, 0), jnp.bincount(i, length=300)))
assert ("numax_extreme" in f.lower(x, i).as_text()) is EXPECTED
print([np.asarray(v).tobytes().hex() for v in f(x, i)])
"""


def test_without_kernels_the_numbers_are_the_same():
    found = []
    for setting in ("1", "0"):
        code = PROGRAM.replace("EXPECTED", str(setting == "1"))
        env = os.environ | {"NUMAX_NATIVE": setting}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, check=True, text=True
        )
        found.append(done.stdout)
    assert found[0] == found[1]


def test_kernels_for_another_interface_are_left_out(monkeypatch):
    broken = types.SimpleNamespace(registrations=lambda: {"numax_broken": object()})
    monkeypatch.setitem(sys.modules, "numax._kernels", broken)
    door = types.SimpleNamespace(Error=ValueError, client_module=types.SimpleNamespace())

    def refuse(*args, **kwargs):
        raise ValueError("incompatible")

    door.client_module.register_custom_call_target = refuse
    monkeypatch.setattr(ffi, "xla", lambda: door)
    with pytest.warns(RuntimeWarning, match="Install numax again"):
        assert not ffi._register_kernels.__wrapped__()


def test_only_programs_for_cpus_call_kernels():
    assert ffi.kernels("cpu")
    assert not ffi.kernels("cuda")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = jit(lambda x: jnp.sin(x).max()).lower(np.ones(1000, np.float32)).as_text()
    assert "numax_extreme" in text
