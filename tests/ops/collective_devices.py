"""Collectives between four CPU devices, against the same under vmap. Run by test_collective_devices.py."""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import numpy as np

import numax as nx
from numax import lax

GROUPS = [[0, 2], [3, 1]]


def mul(x, y):
    return lax.mul(x, y)


def place():
    return lax.convert_element_type(lax.axis_index("i"), np.float32)


def total(x):
    return lax.reduce_sum(x, tuple(range(len(x.shape))))


def as_type(x, dtype):
    return lax.convert_element_type(x, dtype)


def gradient(fun):
    """Of a sum that weighs each device's part differently."""
    return nx.grad(lambda x: total(mul(fun(mul(x, x)), place())))


MOVES = {
    "psum": lambda x: lax.psum(x, "i"),
    "pmean": lambda x: lax.pmean(x, "i"),
    "pmax": lambda x: lax.pmax(x, "i"),
    "pmin": lambda x: lax.pmin(x, "i"),
    "all_gather": lambda x: lax.all_gather(x, "i", axis=1),
    "all_gather_tiled": lambda x: lax.all_gather(x, "i", tiled=True),
    "psum_scatter": lambda x: lax.psum_scatter(x, "i"),
    "psum_scatter_tiled": lambda x: lax.psum_scatter(x, "i", tiled=True),
    "ppermute": lambda x: lax.ppermute(x, "i", [(0, 1), (1, 2), (3, 0)]),
    "pshuffle": lambda x: lax.pshuffle(x, "i", [1, 2, 3, 0]),
    "all_to_all": lambda x: lax.all_to_all(x, "i", 0, 0),
    "all_to_all_tiled": lambda x: lax.all_to_all(x, "i", 0, 0, tiled=True),
    "pswapaxes": lambda x: lax.pswapaxes(x, "i", 0),
    "pbroadcast": lambda x: lax.pbroadcast(x, "i", 2),
}
CASES = {
    **MOVES,
    **{f"gradient_{name}": gradient(fun) for name, fun in MOVES.items()},
    "axis_index": lambda x: lax.axis_index("i"),
    "psum_groups": lambda x: lax.psum(x, "i", axis_index_groups=GROUPS),
    "all_gather_groups": lambda x: lax.all_gather(x, "i", axis_index_groups=GROUPS),
    "all_to_all_groups": lambda x: lax.all_to_all(
        x, "i", 0, 0, axis_index_groups=GROUPS, tiled=True
    ),
    "bool": lambda x: lax.pmax(lax.gt(x, 0.0), "i"),
    "complex_sum": lambda x: lax.psum(as_type(x, np.complex64), "i"),
    "complex_max": lambda x: lax.pmax(as_type(x, np.complex64), "i"),
    "int": lambda x: lax.psum(lax.axis_index("i"), "i"),
    "jit": lambda x: nx.jit(lambda y: lax.add(lax.psum(y, "i"), place()))(x),
    "scan": lambda x: lax.scan(lambda c, _: (mul(lax.psum(c, "i"), 0.1), c), x, None, length=3)[1],
}


def main():
    x = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
    assert nx.device_count() == 4
    for name, fun in CASES.items():
        expected = nx.vmap(fun, axis_name="i")(x).numpy_()
        got = nx.pmap(fun, axis_name="i")(x).numpy_()
        assert got.dtype == expected.dtype, name
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6, err_msg=name)
    print(len(CASES), "agree")


if __name__ == "__main__":
    main()
