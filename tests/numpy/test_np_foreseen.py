"""Rules of the eager fast path that are written before the general way has run: it would have given the same."""

import numpy as np
import pytest

import numax.numpy as jnp
from numax._engine.core.trace import RULES32

FLOATS, INTEGERS = [1.0, 2.0, 0.5], [1, 2, 3]
FUNCTIONS = sorted(n for n in jnp.__all__ if hasattr(getattr(jnp, n), "__wrapped__"))


def outcome(function, args):
    try:
        return function(*args)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_first_call_gives_what_the_general_way_gives(name):
    function = getattr(jnp, name)
    x, n = jnp.array(FLOATS), jnp.array(INTEGERS)
    before = dict(RULES32)
    try:
        for args in (
            (x,),
            (n,),
            (x, 2),
            (n, 2),
            (x, 2.5),
            (x, x),
            (n, n),
            (2, n),
            (2.0, x),
            (2, x),
        ):
            RULES32.clear()
            first = outcome(function, args)
            again = outcome(function, args)
            want = outcome(function.__wrapped__, args)
            for found in (first, again):
                if isinstance(want, type) or not hasattr(want, "dtype"):
                    assert found is want or not isinstance(want, type), args
                    continue
                assert (found.dtype, found.weak_type) == (want.dtype, want.weak_type), args
                np.testing.assert_allclose(found, want, rtol=1e-5, err_msg=str(args))
    finally:
        RULES32.clear()
        RULES32.update(before)
