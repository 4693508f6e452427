"""Rows of the table of operations: rng.py and variates.py."""

import math

import numpy as np
import scipy.special
from ops_case import Case, fixed

from numax._engine.ops import rng as ops
from numax._engine.ops import variates

_ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
_WORD = 0xFFFFFFFF


def block(k0, k1, x0, x1):
    """One block, in Python's integers."""
    keys = k0, k1, k0 ^ k1 ^ 0x1BD11BDA
    x0, x1 = (x0 + k0) & _WORD, (x1 + k1) & _WORD
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            x0 = (x0 + x1) & _WORD
            x1 = ((x1 << r) | (x1 >> (32 - r))) & _WORD ^ x0
        x0 = (x0 + keys[(i + 1) % 3]) & _WORD
        x1 = (x1 + keys[(i + 2) % 3] + i + 1) & _WORD
    return x0, x1


def _words(*shape):
    return lambda rng, dtype: rng.integers(0, 2**32, shape, np.uint32)


def _blocks(data, counters):
    """The blocks of each key of raw data: (..., counters, 2)."""
    flat = data.reshape(-1, 2).tolist()
    out = [[block(k0, k1, x >> 32, x & _WORD) for x in counters] for k0, k1 in flat]
    return np.array(out, np.uint32).reshape(*data.shape[:-1], len(counters), 2)


def _split(data):
    return _blocks(data, range(6)).reshape(*data.shape[:-1], 2, 3, 2)


def _fold(data, msgs):
    return np.stack([_blocks(k, [int(m)])[0] for k, m in zip(data, msgs, strict=True)])


def _bits(width):
    def reference(data):
        pair = _blocks(data, range(6))
        return (pair[..., 0] ^ pair[..., 1]).reshape(*data.shape[:-1], 2, 3).astype(f"uint{width}")

    return reference


def _threefry(k0, k1, x0, x1):
    found = [block(*(int(v) for v in row)) for row in zip(k0, k1, x0, x1, strict=True)]
    return [np.array(part, np.uint32) for part in zip(*found, strict=True)]


def _unit(key):
    x0, x1 = block(*key, 0, 0)
    return ((x0 ^ x1) >> 9) / 2**23


def _normal(key):
    return math.sqrt(2) * scipy.special.erfinv(_unit(key) * 2 - (1 - 2**-24))


def _gamma_number(key, a):
    """Marsaglia and Tsang's loop for one number, in float64."""
    key, spare = block(*key, 0, 0), block(*key, 0, 1)
    d = (a if a >= 1 else a + 1) - 1 / 3
    c = 1 / 3 / math.sqrt(d)
    while True:
        key, inner, last = (block(*key, 0, i) for i in range(3))
        v = -1.0
        while v <= 0:
            inner, now = block(*inner, 0, 0), block(*inner, 0, 1)
            x = _normal(now)
            v = 1 + x * c
        u = _unit(last)
        square, cube = x * x, v**3
        if u < 1 - 0.0331 * square * square or math.log(u) < 0.5 * square + d * (
            1 - cube + math.log(cube)
        ):
            break
    return d * cube * (1 if a >= 1 else (1 - _unit(spare)) ** (1 / a))


def _gamma(data, a):
    keys = _blocks(data, range(a.size))
    return np.array(
        [_gamma_number(k, float(x)) for k, x in zip(keys.tolist(), a, strict=True)], a.dtype
    )


def _raw(fun):
    """fun on keys, as a function of raw key data."""
    return lambda data, *args: fun(ops.random_wrap(data), *args)


def _row(name, fun, args, reference, **others):
    settings = {"dtypes": ("uint32",), "grad": False, "tol": {"uint32": 0.0}} | others
    return Case(name=name, fun=fun, args=args, reference=reference, primitive=name, **settings)


_KEYS = np.array([[0, 42], [7, 2**32 - 1], [1, 1]], np.uint32)

CASES = [
    _row("threefry2x32", ops.threefry2x32, [_words(4)] * 4, _threefry),
    _row(
        "random_seed",
        lambda s: ops.random_unwrap(ops.random_seed(s)),
        [_words(5)],
        lambda s: np.stack([np.zeros_like(s), s], -1),
    ),
    _row(
        "random_wrap", lambda d: ops.random_unwrap(ops.random_wrap(d)), [_words(3, 2)], lambda d: d
    ),
    _row(
        "random_unwrap", lambda d: ops.random_unwrap(ops.random_wrap(d)), [_words(2)], lambda d: d
    ),
    _row(
        "random_clone",
        _raw(lambda k: ops.random_unwrap(ops.random_clone(k))),
        [_words(3, 2)],
        lambda d: d,
    ),
    _row(
        "random_split",
        _raw(lambda k: ops.random_unwrap(ops.random_split(k, (2, 3)))),
        [_words(3, 2)],
        _split,
    ),
    _row(
        "random_fold_in",
        _raw(lambda k, m: ops.random_unwrap(ops.random_fold_in(k, m))),
        [_words(3, 2), _words(3)],
        _fold,
    ),
    _row("random_bits", _raw(lambda k: ops.random_bits(k, 16, (2, 3))), [_words(3, 2)], _bits(16)),
    _row(
        "random_gamma",
        _raw(lambda k, a: variates.random_gamma(k, a, log_space=False)),
        [lambda rng, dtype: _KEYS[0], fixed([0.3, 0.9, 1.0, 2.5, 40.0])],
        _gamma,
        dtypes=("float32",),
        # The derivative is implicit (tests/random/test_random_gradients.py): not that of the algorithm's steps.
        tol={"float32": 1e-5},
    ),
]
