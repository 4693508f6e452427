"""What the table of operations does not say of bit operations: small integers, every pair of widths."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from ops_rules import compiled, pushed, run

from numax._engine.core.config import enable_x64
from numax._engine.ops import bits as ops

KINDS = [
    np.dtype(d)
    for d in (
        ml_dtypes.int4,
        np.uint8,
        ml_dtypes.float8_e5m2,
        ml_dtypes.bfloat16,
        np.int32,
        np.float64,
    )
]


def both(fun, *args):
    with enable_x64(True):
        (eager,), (jitted,) = run(fun, args), compiled(fun, args)
    assert eager.dtype == jitted.dtype and eager.shape == jitted.shape
    assert eager.tobytes() == jitted.tobytes()
    return eager


def width(dtype):
    return 4 if dtype == ml_dtypes.int4 else dtype.itemsize * 8


@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(KINDS, 2)))
def test_bitcast_there_and_back(old, new):
    rng = np.random.default_rng(0)
    ratio = max(1, width(new) // width(old))
    x = rng.integers(0, 256, (3, ratio * old.itemsize), np.uint8)
    x = (x.view(np.int8) if width(old) == 4 else x.view(old)).astype(old)
    out = both(lambda v: ops.bitcast_convert_type(v, new), x)
    assert out.dtype == new
    if width(old) == width(new):
        assert out.shape == x.shape
    back = both(lambda v: ops.bitcast_convert_type(v, old), out)
    assert back.tobytes() == x.tobytes()


def test_bitcast_puts_the_low_part_first():
    x = np.array([0x01020304], np.uint32)
    np.testing.assert_array_equal(
        both(lambda v: ops.bitcast_convert_type(v, np.uint8), x), [[4, 3, 2, 1]]
    )


def test_bitcast_has_no_tangent_but_to_its_own_dtype():
    x, t = np.ones(2, np.float32), np.full(2, 3, np.float32)
    np.testing.assert_array_equal(
        pushed(lambda v: ops.bitcast_convert_type(v, np.float32), [x], [t])[0], t
    )


def test_mulhi_of_the_largest_numbers():
    big = np.array([2**63 - 1, -(2**63), -(2**63), -5], np.int64)
    other = np.array([2**63 - 1, 2**63 - 1, -(2**63), 7], np.int64)
    expected = [(int(a) * int(b)) >> 64 for a, b in zip(big, other, strict=True)]
    np.testing.assert_array_equal(both(ops.mulhi, big, other), expected)
    top = np.array([2**64 - 1], np.uint64)
    np.testing.assert_array_equal(both(ops.mulhi, top, top), [2**64 - 2])


def test_counts_of_small_integers():
    x = np.arange(-8, 8).astype(ml_dtypes.int4)
    counts = both(ops.population_count, x).astype(np.int8)
    np.testing.assert_array_equal(counts, [(int(v) & 15).bit_count() for v in x])
    np.testing.assert_array_equal(
        both(ops.clz, x).astype(np.int8), [4 - (int(v) & 15).bit_length() for v in x]
    )


@pytest.mark.parametrize("bits", [(5, 10), (8, 7), (5, 2), (4, 3)])
def test_reduce_precision_is_a_round_trip_through_that_format(bits):
    formats = {
        (5, 10): np.float16,
        (8, 7): ml_dtypes.bfloat16,
        (5, 2): ml_dtypes.float8_e5m2,
        (4, 3): None,
    }
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(500) * np.exp(rng.uniform(-4, 4, 500))).astype(np.float32)
    out = both(lambda v: ops.reduce_precision(v, *bits), x)
    small = formats[bits]
    if small is not None:
        normal = np.abs(x) > float(ml_dtypes.finfo(small).smallest_normal)
        np.testing.assert_array_equal(out[normal], x.astype(small).astype(np.float32)[normal])
    np.testing.assert_array_equal(both(lambda v: ops.reduce_precision(v, *bits), out), out)
    np.testing.assert_array_equal(
        pushed(lambda v: ops.reduce_precision(v, *bits), [x], [x])[0], out
    )
