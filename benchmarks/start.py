"""Times the start of a process with one library: python start.py LIBRARY METRIC. Prints seconds."""

import importlib
import sys
import time

import numpy as np

LIBRARY, METRIC = sys.argv[1], sys.argv[2]


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def load():
    return importlib.import_module(f"{LIBRARY}.numpy")


def product():
    """What a user of a compiled program waits for: jaxlib is loaded at import by one library, at the first compilation by the other."""
    jnp = load()
    x = jnp.asarray(np.ones((100, 100), np.float32))
    jit = importlib.import_module(LIBRARY).jit
    jit(lambda a: jnp.sin(a @ a) + a)(x).block_until_ready()


if METRIC == "import":
    print(timed(load))
elif METRIC == "import and first jit of a matrix product":
    print(timed(product))
else:
    jnp = load()
    J = importlib.import_module(LIBRARY)
    if METRIC == "first array and sin":
        print(timed(lambda: jnp.sin(jnp.asarray(np.ones(3, np.float32))).block_until_ready()))
    elif METRIC == "each new shape":
        jnp.sin(jnp.ones(2)).block_until_ready()
        print(timed(lambda: jnp.sin(jnp.ones(5) * 2).block_until_ready()))
    elif METRIC == "first jit of x + 1":
        x = jnp.ones(3)
        print(timed(lambda: J.jit(lambda a: a + 1)(x).block_until_ready()))
