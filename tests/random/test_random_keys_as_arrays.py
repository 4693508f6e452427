"""Random keys are no numbers; warnings show the user's line."""

import warnings

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import random


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "cumsum", "exp", "negative"])
@pytest.mark.parametrize("shape", [(), (2,)])
def test_arithmetic_on_keys_is_refused(name, shape):
    keys = random.key(0) if shape == () else random.split(random.key(0), *shape)
    with pytest.raises(TypeError, match=r"key<fry>"):
        getattr(jnp, name)(keys)


def test_device_get_leaves_keys_as_they_are():
    key, x = numax.device_get((random.key(3), jnp.arange(2)))
    assert key == random.key(3) and type(x) is np.ndarray


@pytest.mark.parametrize(
    "call",
    [
        lambda: jnp.polyfit(jnp.ones(5), jnp.ones(5), 3),
        lambda: jnp.arange(3).at[0].set(2.5),
        lambda: numax.jit(lambda x: x[:1], donate_argnums=0)(jnp.ones(3)),
    ],
)
def test_warnings_show_the_line_of_the_user(call):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    assert [w.filename for w in found] == [__file__]


@pytest.mark.parametrize("dtype", ["int2", "uint2", "int4"])
def test_places_of_the_tiniest_integers_compile(dtype):
    x = jnp.array([0, 1, 0, 1]).astype(getattr(jnp, dtype))
    assert numax.jit(jnp.argmax)(x) == 1 and numax.jit(jnp.argmin)(x) == 0
