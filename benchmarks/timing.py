"""How calls are timed."""

import time

SLICE = 0.04  # seconds of measuring at a time
BATCHES = 3  # in a slice, of which the least counts


class Timed:
    """A call and how often it fits into a slice. It is warmed up when it is made."""

    def __init__(self, once):
        self.once = once
        once()
        self.count = 1
        once()
        one = self.batch()
        self.count = max(1, int(SLICE / BATCHES / one))

    def batch(self):
        """Seconds of one call, the mean of `count`."""
        once = self.once
        start = time.perf_counter()
        for _ in range(self.count):
            once()
        return max((time.perf_counter() - start) / self.count, 1e-9)

    def slice(self):
        """Seconds of one call: the least of the batches. The first call after others ran warms the caches, and is not counted."""
        self.once()
        return min(self.batch() for _ in range(BATCHES if self.count > 1 else 1))


def least(once, slices=5):
    """Seconds of one call: the least of several slices."""
    timed = Timed(once)
    return min(timed.slice() for _ in range(slices))
