"""Processor time of a few calls in numax and (where it is installed) in JAX: for machines too busy for run_all.py.

All threads together, the best of several repeats, each library in a process of its own. Nothing is taken from a disk cache.
"""

import importlib
import importlib.util
import os
import subprocess
import sys
import time

import numpy as np


def best(run, wait, calls, repeats=20):
    """Microseconds of one call."""
    wait(run())
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(calls):
            out = run()
        wait(out)
        least = min(least, (time.process_time() - start) / calls)
    return 1e6 * least


def measure(name):
    start = time.process_time()
    lib = importlib.import_module(name)
    jnp, random, lax = lib.numpy, lib.random, lib.lax
    times = {"import": 1e6 * (time.process_time() - start)}
    x = jnp.asarray(np.linspace(0.1, 1.0, 10, dtype=np.float32))
    wait = lib.block_until_ready
    start = time.process_time()
    wait(jnp.sin(x))
    times["the first sin"] = 1e6 * (time.process_time() - start)

    slope = lib.grad(lambda x: jnp.sum(jnp.tanh(x) ** 2))
    compiled = lib.jit(slope)
    key = random.key(0)
    million = random.uniform(key, (1_000_000,))

    def new_body():
        return lax.scan(lambda c, _: (jnp.sin(c) + x, None), x, None, length=50)[0]

    times["x + x, 10 elements"] = best(lambda: x + x, wait, 200)
    times["x[0]"] = best(lambda: x[0], wait, 200)
    times["eager grad"] = best(lambda: slope(x), wait, 20)
    times["a call of jit(grad)"] = best(lambda: compiled(x), wait, 200)
    times["random.normal, 100 elements"] = best(lambda: random.normal(key, (100,)), wait, 20)
    times["eager scan, a new body each time"] = best(new_body, wait, 3, 5)
    times["sort, a million elements"] = best(lambda: jnp.sort(million), wait, 1, 5)
    for what, t in times.items():
        print(f"{what}\t{t:.2f}")


def main():
    names = [n for n in ("numax", "jax") if importlib.util.find_spec(n)]
    columns = []
    for name in names:
        command = [sys.executable, __file__, name]
        env = os.environ | {"NUMAX_CACHE_DIR": ""}
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        columns.append(dict(line.split("\t") for line in done.stdout.splitlines()))
    print(f"{'microseconds':36}" + "".join(f"{name:>14}" for name in names))
    for what in columns[0]:
        print(f"{what:36}" + "".join(f"{float(c[what]):14,.1f}" for c in columns))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        main()
