"""How one call is timed."""

import time

BUDGET = 0.25  # seconds of measuring for a metric


def least(once):
    """Seconds of one call: the least of five batches."""
    once()
    start = time.perf_counter()
    once()
    one = max(time.perf_counter() - start, 1e-7)
    count = max(1, int(BUDGET / 5 / one))
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(count):
            once()
        best = min(best, (time.perf_counter() - start) / count)
    return best
