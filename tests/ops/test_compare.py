"""What the table of operations does not say of comparisons: keys, complex numbers, weak types."""

import numpy as np
import pytest
from ops_rules import run

from numax._engine.core import dtypes
from numax._engine.core.array import wrap
from numax._engine.core.avals import etype
from numax._engine.ops import compare as ops


def keys(*values):
    return wrap(np.array(values, np.uint64), etype(dtypes.key_type("threefry2x32", "fry")))


def test_keys_are_equal_or_not_but_have_no_order():
    x, y = keys(1, 2), keys(1, 3)
    np.testing.assert_array_equal(ops.eq(x, y).numpy_(), [True, False])
    np.testing.assert_array_equal(ops.ne(x, y).numpy_(), [False, True])
    with pytest.raises(TypeError, match="lt: accepts real numbers and booleans"):
        ops.lt(x, y)


def test_complex_numbers_have_no_order():
    z = np.ones(3, np.complex64)
    with pytest.raises(
        TypeError, match=r"ge: accepts real numbers and booleans; got complex64\[3\]"
    ):
        ops.ge(z, z)


def test_results_are_boolean_and_never_weak():
    out = ops.gt(1.0, 2)
    assert out.dtype == np.bool_ and not out.weak_type


def test_python_numbers_take_the_other_dtype():
    for fun in (lambda x: ops.lt(x, 2), lambda x: ops.gt(2, x)):
        np.testing.assert_array_equal(run(fun, [np.arange(4, dtype=np.uint8)])[0], [1, 1, 0, 0])
