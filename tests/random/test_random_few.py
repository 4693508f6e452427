"""A handful of numbers is drawn in Python's own arithmetic: the same numbers as compiled code draws."""

import itertools

import numpy as np
import pytest

import numax
from numax import random
from numax._engine.ops.rng import FEW

SIZES = (1, 2, FEW - 1, FEW, FEW + 1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 12345])
def test_integers_are_the_same(size, seed):
    key = random.key(seed)
    for draw in (
        lambda k: random.bits(k, (size,)),
        lambda k: random.uniform(k, (size,)),
        lambda k: random.key_data(random.split(k, size)),
    ):
        np.testing.assert_array_equal(draw(key), numax.jit(draw)(key))
    for low, high in itertools.product((0, -5, -(2**31), 3), (1, 7, 100, 2**31 - 1)):
        draw = lambda k: random.randint(k, (size,), low, high)  # noqa: B023
        np.testing.assert_array_equal(draw(key), numax.jit(draw)(key), f"{low} {high}")


@pytest.mark.parametrize("size", SIZES)
def test_normal_numbers_are_within_two_units_in_the_last_place(size):
    draw = numax.jit(lambda k: random.normal(k, (size,)))
    for seed in range(60):
        key = random.key(seed)
        np.testing.assert_array_max_ulp(
            np.asarray(random.normal(key, (size,))), np.asarray(draw(key)), maxulp=2
        )


def test_shapes_are_kept():
    key = random.key(0)
    for shape in ((), (1,), (2, 3), (1, 1, 4), (0,), (0, 3)):
        assert random.normal(key, shape).shape == random.uniform(key, shape).shape == shape
        assert random.randint(key, shape, 0, 5).shape == random.bits(key, shape).shape == shape
