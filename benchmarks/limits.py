"""The machine's limits in this run: memory bandwidth and peak arithmetic, by NumPy. Prints JSON."""

import json
import time

import numpy as np


def best(call, repeats=7):
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    x, y = np.ones(16_000_000, np.float32), np.empty(16_000_000, np.float32)
    a = np.ones((2000, 2000), np.float32)
    copy = best(lambda: np.copyto(y, x))
    product = best(lambda: a @ a, 3)
    print(
        json.dumps(
            {"bytes per second": 2 * x.nbytes / copy, "flop per second": 2 * 2000**3 / product}
        )
    )


main()
