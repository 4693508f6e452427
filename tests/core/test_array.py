"""Array: immutable, moved between NumPy and devices without copies, a good citizen of Python."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import weakref

import ml_dtypes
import numpy as np
import pytest

import numax
import numax.numpy as jnp

ROW = np.arange(4, dtype=np.float32)


def on_device():
    """An array that lives in the compiler's memory."""
    return numax.jit(lambda n: jnp.sin(n) * jnp.cos(n) + jnp.cumsum(jnp.sort(n)))(jnp.ones(4096))


# ---- immutability ----


def test_elements_and_attributes_cannot_be_assigned():
    x = jnp.arange(4.0)
    with pytest.raises(TypeError, match=r"immutable.*x\.at\[idx\]\.set"):
        x[0] = 1.0
    with pytest.raises(AttributeError):
        x.shape = (2, 2)
    with pytest.raises(AttributeError):
        x.color = "red"
    y = x
    y += 1
    np.testing.assert_array_equal(x, ROW)
    np.testing.assert_array_equal(y, ROW + 1)
    np.testing.assert_array_equal(x.at[1].set(9.0), [0, 9, 2, 3])


def test_numpy_views_cannot_be_written():
    for x in (jnp.arange(4.0), on_device()):
        view = np.asarray(x)
        with pytest.raises(ValueError, match=r"read-only"):
            view[0] = 1
        with pytest.raises(ValueError, match=r"cannot set WRITEABLE"):
            view.flags.writeable = True
        own = np.array(x)
        own[0] = 100
        assert float(x[0]) != 100


def test_numpy_data_is_copied_in():
    data = ROW.copy()
    made = [
        jnp.asarray(data),
        jnp.array(data),
        numax.jit(lambda x: x)(data),
        numax.device_put(data),
    ]
    made.append(jnp.add(data, 0))
    data[:] = -1
    for x in made:
        np.testing.assert_array_equal(x, ROW)


def test_it_cannot_be_made_directly():
    with pytest.raises(TypeError, match=r"numax\.numpy\.array"):
        numax.Array()


# ---- memory ----


def test_views_share_memory():
    for x in (jnp.arange(4.0), on_device()):
        assert np.shares_memory(np.asarray(x), np.asarray(x))
        assert jnp.asarray(x) is x
        assert not np.shares_memory(np.array(x), np.asarray(x))


def test_conversions_ask_for_copies_as_numpy_says():
    x = jnp.arange(4.0)
    assert np.asarray(x, dtype=np.int32).dtype == np.int32
    assert np.shares_memory(np.array(x, copy=False), np.asarray(x))
    with pytest.raises(ValueError, match=r"copy=False"):
        np.array(x, dtype=np.int32, copy=False)


def test_memory_is_freed():
    x = on_device()
    handle = weakref.ref(x)
    del x
    gc.collect()
    assert handle() is None


def test_dlpack_both_ways_without_a_copy():
    for x in (jnp.arange(4.0), on_device()):
        theirs = np.from_dlpack(x)
        np.testing.assert_array_equal(theirs, np.asarray(x))
        assert np.shares_memory(theirs, np.asarray(x))
        assert tuple(x.__dlpack_device__()) == (1, 0)
        np.testing.assert_array_equal(jnp.from_dlpack(x), x)
    data = np.arange(64, dtype=np.float32)
    np.testing.assert_array_equal(jnp.from_dlpack(data), data)
    assert jnp.from_dlpack(data, copy=True).dtype == np.float32
    with pytest.raises((TypeError, BufferError, AttributeError)):
        jnp.from_dlpack([1, 2])


# ---- Python's protocols ----


@pytest.mark.parametrize(
    "dtype", ["float32", "int8", "bool", "complex64", ml_dtypes.bfloat16, ml_dtypes.int4]
)
def test_pickle_and_copy(dtype):
    x = jnp.array([[1, 0], [1, 1]], dtype=dtype)
    for y in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x)):
        assert type(y) is numax.Array
        assert y.dtype == x.dtype and not y.weak_type
        np.testing.assert_array_equal(np.asarray(y), np.asarray(x))
    weak = jnp.asarray(1.0)
    assert pickle.loads(pickle.dumps(weak)).weak_type is weak.weak_type is True


def test_it_has_no_hash():
    with pytest.raises(TypeError, match=r"unhashable type"):
        hash(jnp.ones(2))
    with pytest.raises(TypeError, match=r"unhashable type"):
        numax.jit(lambda x: hash(x))(1.0)


def test_scalars_convert_to_python_numbers():
    assert int(jnp.int32(3)) == 3 and type(int(jnp.float32(3.7))) is int
    assert float(jnp.int32(3)) == 3.0 and complex(jnp.complex64(1j)) == 1j
    assert [10, 20][jnp.int32(1)] == 20 and list(range(jnp.int32(2))) == [0, 1]
    assert bool(jnp.zeros(1)) is False and f"{jnp.float32(1.5):.2f}" == "1.50"
    with pytest.raises(ValueError, match=r"more than one element is ambiguous"):
        bool(jnp.ones(2))
    with pytest.raises(TypeError, match=r"Only scalar arrays"):
        float(jnp.ones(2))
    with pytest.raises(TypeError, match=r"Only integer scalar arrays"):
        [1, 2][jnp.float32(1)]


def test_sequences():
    x = jnp.arange(6.0).reshape(2, 3)
    assert len(x) == 2 and [r.shape for r in x] == [(3,), (3,)]
    assert 4.0 in x and 9.0 not in x
    assert x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    with pytest.raises(TypeError, match=r"len"):
        len(jnp.float32(1))
    with pytest.raises(TypeError, match=r"iteration over a 0-d array"):
        list(jnp.float32(1))


def test_sizes():
    x = jnp.ones((2, 3), np.float16)
    assert (x.ndim, x.size, x.itemsize, x.nbytes) == (2, 6, 2, 12)
    assert (x.shape, x.T.shape, x.dtype, x.weak_type) == ((2, 3), (3, 2), np.float16, False)


def test_isinstance_holds_for_traced_values_as_well():
    seen = []
    numax.jit(lambda x: seen.append(isinstance(x, numax.Array)) or x)(1.0)
    assert seen == [True]
    assert isinstance(jnp.ones(2), numax.Array)
    assert not isinstance(np.ones(2), numax.Array) and not isinstance(1.0, numax.Array)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: jnp.arange(3.0), "Array([0., 1., 2.], dtype=float32)"),
        (lambda: jnp.ones((2, 2), np.int32), "Array([[1, 1],\n       [1, 1]], dtype=int32)"),
        (lambda: jnp.float32(3), "Array(3., dtype=float32)"),
        (lambda: jnp.asarray(1.0) + 1, "Array(2., dtype=float32, weak_type=True)"),
        (lambda: jnp.array([True, False]), "Array([ True, False], dtype=bool)"),
        (lambda: jnp.zeros((0, 3)), "Array([], shape=(0, 3), dtype=float32)"),
        (lambda: jnp.arange(3, dtype=jnp.bfloat16), "Array([0, 1, 2], dtype=bfloat16)"),
        (lambda: jnp.array([1 + 2j]), "Array([1.+2.j], dtype=complex64)"),
        (lambda: jnp.arange(2000), "Array([   0,    1,    2, ..., 1997, 1998, 1999], dtype=int32)"),
    ],
)
def test_repr(make, text):
    assert repr(make()) == text


def test_str_is_numpys():
    assert str(jnp.ones((2, 2))) == "[[1. 1.]\n [1. 1.]]"
    assert str(jnp.float32(1.5)) == "1.5"


# ---- devices, donation, deletion ----


def test_one_device():
    x, device = jnp.ones(3), numax.devices()[0]
    assert x.devices() == {device} and x.device == device
    assert numax.device_put(x, device).devices() == {device}
    assert x.block_until_ready() is x and numax.block_until_ready({"a": x})["a"] is x
    assert type(numax.device_get([x])[0]) is np.ndarray
    (shard,) = x.addressable_shards
    np.testing.assert_array_equal(shard.data, x)
    with pytest.raises(TypeError, match=r"^device_put: must be an array or a number; got str"):
        numax.device_put("a")


def test_deletion():
    for x in (jnp.ones(3), on_device()):
        shape = x.shape
        x.delete()
        x.delete()
        assert x.is_deleted() and x.shape == shape
        for use in (np.asarray, repr, float, lambda x: x + 1, numax.jit(lambda x: jnp.sort(x) * 2)):
            with pytest.raises(RuntimeError, match=r"deleted or donated.*copy"):
                use(x[:1] if use is float else x)


@pytest.mark.parametrize(
    "fun", [lambda x: x * 2, lambda x: jnp.sort(x) * 2], ids=["tiny", "compiled"]
)
def test_donation(fun):
    f = numax.jit(fun, donate_argnums=0)
    x, want = jnp.ones(4), np.asarray(fun(jnp.ones(4)))
    np.testing.assert_allclose(f(x), want)
    assert x.is_deleted()
    with pytest.raises(RuntimeError, match=r"deleted or donated"):
        x + 1
    data = np.ones(4, np.float32)
    np.testing.assert_allclose(f(data), want)
    np.testing.assert_allclose(f(data), want)
    np.testing.assert_array_equal(data, 1)


def test_donation_of_python_numbers_and_by_name():
    f = numax.jit(lambda x: jnp.sin(x) * 2, donate_argnums=0)
    assert f(3.0) == f(3.0)
    assert jnp.sin(3.0) * 2 == f(3.0)
    g = numax.jit(lambda a, b: (a + b, a - b), donate_argnames="b")
    a, b = jnp.ones(3), jnp.ones(3)
    g(a, b=b)
    assert b.is_deleted() and not a.is_deleted()


def test_donation_that_no_result_can_use_is_named_and_left_alone():
    f = numax.jit(jnp.sum, donate_argnums=0)
    x = jnp.ones(3)
    with pytest.warns(UserWarning, match=r"donated buffers were not usable: float32\[3\]"):
        assert f(x) == 3
    assert not x.is_deleted()


def test_views_and_copies_survive_donation():
    f = numax.jit(lambda x: jnp.sin(x) * 0 + 5, donate_argnums=0)
    for x in (jnp.ones(100_000), on_device() * 0 + 1, numax.jit(jnp.exp)(jnp.zeros(100_000))):
        same, view, shaped = x.copy(), np.asarray(x), jnp.reshape(x, (-1, 16))
        assert f(x)[0] == 5 and x.is_deleted()
        for y in (same, view, shaped):
            assert (np.asarray(y) == 1).all()


def test_donation_inside_another_jit_is_ignored():
    f = numax.jit(lambda x: x * 2, donate_argnums=0)
    x = jnp.ones(3)
    np.testing.assert_array_equal(numax.jit(lambda a: f(a) + a)(x), 3)
    assert not x.is_deleted()


MOVES = """
import numax, numax.numpy as jnp, numpy as np
numax.config.update("jax_num_cpu_devices", 3)
a, b, c = numax.devices()
x = jnp.arange(4.0)
y = numax.device_put(x, b)
assert x.devices() == {a} and y.devices() == {b}, (x.devices(), y.devices())
z = numax.device_put(y, c)
assert z.devices() == {c} and y.devices() == {b}
assert numax.device_put(z, a).devices() == {a}
for v in (x, y, z):
    np.testing.assert_array_equal(v, np.arange(4.0))
np.testing.assert_array_equal(y + 1, np.arange(4.0) + 1)
with numax.default_device(c):
    w = numax.jit(lambda v: jnp.sort(jnp.sin(v) * jnp.cos(v)))(x)
    assert w.devices() == {c}, w.devices()
print("moved")
"""


def test_moves_between_devices():
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", MOVES], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "moved"
