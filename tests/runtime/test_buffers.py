import gc

import ml_dtypes
import numpy as np
import pytest

from numax._engine import runtime as rt

DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
    "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "float8_e8m0fnu",
    "int4", "uint4", "int2", "uint2", "float4_e2m1fn",
]  # fmt: skip


def _dtype(name):
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def _aligned(n, dtype=np.float32, offset=0):
    dtype = np.dtype(dtype)
    raw = np.empty(n * dtype.itemsize + 256, np.uint8)
    start = (-raw.ctypes.data) % 64 + offset
    return raw[start : start + n * dtype.itemsize].view(dtype)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 5), (2, 0, 3)])
def test_arrays_of_every_dtype_come_back_unchanged(name, shape):
    dtype = _dtype(name)
    rng = np.random.default_rng(0)
    low = -2 if dtype.kind == "i" or name.startswith("int") else 0
    x = np.asarray(rng.integers(low, 2, shape)).astype(dtype)
    handle = rt.to_device(x)
    back = rt.to_numpy(handle)
    assert back.dtype == dtype and back.shape == shape
    assert not back.flags.writeable
    assert back.tobytes() == x.tobytes()
    assert rt.shape_dtype(handle) == (shape, dtype)


@pytest.mark.parametrize(
    "x",
    [
        np.arange(12.0)[::-1],
        np.arange(12.0).reshape(3, 4).T,
        np.arange(16.0).reshape(4, 4)[::2, 1::2],
        np.broadcast_to(np.float64(2), (3, 4)),
        np.arange(4, dtype=">i4"),
        np.arange(4, dtype=">f8"),
    ],
)
@pytest.mark.parametrize("immutable", [False, True])
def test_strided_and_byte_swapped_arrays_are_put_in_order(x, immutable):
    np.testing.assert_array_equal(rt.to_numpy(rt.to_device(x, immutable=immutable)), x)


def test_writing_to_the_source_later_does_not_change_the_handle():
    x = _aligned(1000)
    x[:] = 1
    handle = rt.to_device(x)
    x[:] = 2
    assert (rt.to_numpy(handle) == 1).all()


def test_an_immutable_aligned_array_is_shared_without_a_copy():
    x = _aligned(1000)
    x[:] = 3
    view = rt.to_numpy(rt.to_device(x, immutable=True))
    assert view.ctypes.data == x.ctypes.data


def test_an_immutable_unaligned_array_is_copied():
    x = _aligned(1000, offset=4)
    x[:] = 3
    view = rt.to_numpy(rt.to_device(x, immutable=True))
    assert view.ctypes.data != x.ctypes.data
    assert (view == 3).all()


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_a_view_keeps_the_memory_alive(dtype):
    handle = rt.to_device(np.ones(100_000, dtype))
    part = rt.to_numpy(handle)[10:20][::2]
    del handle
    gc.collect()
    trash = [np.full(100_000, 7, dtype) for _ in range(8)]
    assert (part == 1).all() and len(trash) == 8


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_delete_leaves_memory_alone_that_a_view_looks_at(dtype):
    handle = rt.to_device(np.ones(1000, dtype))
    view = rt.to_numpy(handle)
    assert rt.is_viewed(handle)
    assert rt.delete(handle) is False
    assert (view == 1).all()
    del view
    gc.collect()
    assert not rt.is_viewed(handle)
    assert rt.delete(handle) is True
    assert rt.is_deleted(handle)
    with pytest.raises(RuntimeError, match="deleted or donated"):
        rt.to_numpy(handle)


def test_copy_has_memory_of_its_own():
    handle = rt.to_device(np.arange(1000.0))
    twin = rt.copy(handle)
    assert rt.to_numpy(twin).ctypes.data != rt.to_numpy(handle).ctypes.data
    np.testing.assert_array_equal(rt.to_numpy(twin), np.arange(1000.0))


def test_handles_tell_their_device_and_state():
    device = rt.devices()[0]
    handle = rt.to_device(np.ones(3), device)
    assert rt.device_of(handle) is device
    assert rt.devices_of(handle) == (device,)
    assert rt.block(handle) is handle
    rt.block_all([handle, handle])
    assert rt.is_ready(handle)
    assert rt.is_handle(handle) and not rt.is_handle(np.ones(3))
    assert rt.move(handle, device) is handle
    np.testing.assert_array_equal(rt.fetch_shards(handle)[0], np.ones(3))


def test_unsupported_dtypes_are_refused():
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        rt.to_device(np.array(["a", "b"]))
