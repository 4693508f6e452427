"""numax and JAX on the same work, in turn, each in its own process; NumPy, SciPy and PyTorch (where it is installed)
beside them: python run_all.py [--rounds N] [--only GROUP ...] [--metrics NAME ...].

Turns are short: a slice of 40 ms of one library, then the same of the other, so that both see the machine in the same state. Each round has
new processes. Prints a table (metric, numax, the peers, median of the slices' ratios to JAX, ratio to the machine's limit), writes
out/benchmark.json and out/benchmark.png.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
OUT = HERE.parent / "out"
START = (
    "import",
    "first array and sin",
    "each new shape",
    "first jit of x + 1",
    "import and first jit of a matrix product",
    "second process: first jit of x + 1",
    "second process: import and first jit of a matrix product",
)
SECOND = "second process: "
GROUPS = ("start", "eager", "trace", "jit", "kernel")
LIBRARIES = ("numax", "jax")
SLICES = 8  # of a metric in a round
# What a call moves through memory at least, in bytes, or computes: for the ratio to the machine's limit.
UNARY = [
    "sin",
    "cos",
    "tan",
    "exp",
    "log",
    "tanh",
    "cbrt",
    "log1p",
    "expm1",
    "arcsin",
    "arctan",
    "sinh",
    "gammaln",
    "erf",
    "exp2",
    "rsqrt",
    "digamma",
    "i0e",
    "erfinv",
    "ndtri",
    "gelu",
    "softmax",
    "transpose",
    "cumsum",
    "cumprod",
    "sort",
    "gather",
]
DRAWN = ("random bits", "uniform", "normal", "exponential", "gumbel", "randint")
BYTES = {
    **dict.fromkeys(UNARY, 8e6),
    **dict.fromkeys(DRAWN, 4e6),
    **dict.fromkeys(("add", "pow", "arctan2", "logaddexp"), 12e6),
    **dict.fromkeys(
        ("sum", "argmax", "logsumexp", "histogram", "bincount", "max, axis 0", "max, axis 1"), 4e6
    ),
    "inverse of 110,889 3 x 3": 8e6,
    "layer norm": 8e6,
}
FLOPS = {"matmul 1000": 2e9, "matmul, 100 of 64 x 64": 2 * 100 * 64**3}


def run(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
        check=False,
    )
    if done.stderr.strip():
        print(done.stderr.strip()[-2000:], file=sys.stderr)
    if done.returncode:
        raise SystemExit(f"{arguments} failed")
    return json.loads(done.stdout.strip().splitlines()[-1])


def disk_cache(folder):
    """The environment in which both libraries keep everything that they compile in a folder."""
    return {
        "NUMAX_CACHE_DIR": folder,
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def start_all():
    """Start each library once: the first start of a new installation also compiles its Python files."""
    for library in LIBRARIES:
        for name in START[:5]:
            run(HERE / "start.py", library, name)


def start_times(library, metrics):
    """Every process starts with an empty disk cache; for `second process` metrics it is the one that a first process
    filled."""
    found = {}
    for name in metrics or START:
        with tempfile.TemporaryDirectory() as folder:
            if name.startswith(SECOND):
                call = HERE / "start.py", library, name.removeprefix(SECOND)
                run(*call, **disk_cache(folder))
                found[name] = run(*call, **disk_cache(folder))
            else:
                found[name] = run(HERE / "start.py", library, name, NUMAX_CACHE_DIR=folder)
    return found


class Worker:
    """A process that measures one library, a slice at a time."""

    def __init__(self, library, group, folder):
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), library, group],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", "NUMAX_CACHE_DIR": folder},
        )
        self.names = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[2:]} failed")
        return json.loads(line)

    def slice(self, name):
        """Seconds of one call."""
        print(name, file=self.process.stdin, flush=True)
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def pairs_of(group, metrics):
    """metric -> pairs of seconds, numax and JAX, one after the other or the other way round."""
    if group == "start":
        ours, theirs = [start_times(library, metrics) for library in LIBRARIES]
        return {name: [(ours[name], theirs[name])] for name in ours}
    with tempfile.TemporaryDirectory() as folder:
        workers = [Worker(library, group, folder) for library in LIBRARIES]
        found = {}
        for name in workers[0].names:
            if metrics and name not in metrics:
                continue
            for worker in workers:
                worker.slice(name)  # compiles, and is not counted
            found[name] = []
            for i in range(SLICES):
                turn = workers if i % 2 == 0 else workers[::-1]
                times = {worker: worker.slice(name) for worker in turn}
                found[name].append(tuple(times[worker] for worker in workers))
        for worker in workers:
            worker.close()
    return found


def shown(seconds):
    if seconds is None:
        return "failed"
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1 or unit == "us":
            return f"{seconds * scale:.3g} {unit}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=GROUPS, choices=GROUPS)
    parser.add_argument("--metrics", nargs="*", default=(), help="only these of the groups")
    options = parser.parse_args()
    rows, peers = {}, {}
    limits = run(HERE / "limits.py")
    start_all()
    for number in range(options.rounds):
        for group in options.only:
            print(f"round {number + 1}, {group}", file=sys.stderr, flush=True)
            for name, pairs in pairs_of(group, options.metrics).items():
                rows.setdefault((group, name), []).extend(pairs)
    for peer in ("numpy", "torch"):
        if importlib.util.find_spec(peer) and {"eager", "kernel"} & set(options.only):
            peers[peer] = run(HERE / "peers.py", peer, *options.metrics)
    table = []
    for (group, name), pairs in rows.items():
        good = [(a, b) for a, b in pairs if a and b]
        limit = None
        if group == "kernel" and name in BYTES:
            limit = BYTES[name] / limits["bytes per second"]
        if group == "kernel" and name in FLOPS:
            limit = FLOPS[name] / limits["flop per second"]
        ours = min((a for a, _ in good), default=None)
        table.append(
            {
                "group": group,
                "metric": name,
                "numax": ours,
                "jax": min((b for _, b in good), default=None),
                "ratio": statistics.median(a / b for a, b in good) if good else None,
                **{p: times.get(f"{group}: {name}") for p, times in peers.items()},
                "of limit": ours / limit if limit and ours else None,
            }
        )
    head = ["group", "metric", "numax", "JAX", *peers, "numax / JAX", "times the limit"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in table:
        times = [row["numax"], row["jax"]]
        others = [shown(row[p]) if row[p] else "" for p in peers]
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f}"
        limit = "" if row["of limit"] is None else f"{row['of limit']:.2f}"
        cells = [row["group"], row["metric"], *map(shown, times), *others, ratio, limit]
        print(f"| {' | '.join(cells)} |")
    OUT.mkdir(exist_ok=True)
    (OUT / "benchmark.json").write_text(json.dumps({"limits": limits, "rows": table}, indent=1))
    plot(table)
    slow = [row["metric"] for row in table if row["ratio"] and row["ratio"] > 1.1]
    print(f"\n{len(table)} metrics; above 1.1: {', '.join(slow) or 'none'}")


def plot(table):
    rows = sorted((r for r in table if r["ratio"]), key=lambda r: r["ratio"])
    figure, axes = plt.subplots(figsize=(8, 0.18 * len(rows) + 1))
    axes.barh([f"{r['group']}: {r['metric']}" for r in rows], [r["ratio"] for r in rows])
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("time of numax / time of JAX")
    axes.tick_params(axis="y", labelsize=6)
    figure.tight_layout()
    figure.savefig(OUT / "benchmark.png", dpi=130)


if __name__ == "__main__":
    main()
