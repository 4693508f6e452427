"""The tables of docs/performance.md, from out/benchmark.json: python report.py. Prints Markdown."""

import json
from pathlib import Path

from run_all import GROUPS, OUT, shown

# work, the greatest ratio wanted, the metrics
TARGETS = {
    "start": [
        ("`import numax.numpy` after NumPy", 0.1, ["import"]),
        ("first array and sin; each new shape", 0.01, ["first array and sin", "each new shape"]),
        ("first jit of `x + 1`", 0.6, ["first jit of x + 1"]),
        ("the same in a second process", 0.15, ["second process: first jit of x + 1"]),
    ],
    "eager": [
        (
            "eager arithmetic, sum, mean, max, where, comparisons",
            0.25,
            ["x + x", "x * 2.0", "sin", "exp", "sum", "mean", "max", "where", "x > 1"],
        ),
        (
            "eager indexing, shapes, creation, `@`, einsum, std",
            0.1,
            [
                *["x[0]", "m[1:3, ::2]", "x.at[0].set", "reshape", "m.T", "stack", "concatenate"],
                *["arange", "zeros", "array(list)", "m @ m", "einsum", "std"],
            ],
        ),
        (
            "grad, jvp, vmap, hessian, gradient of a network",
            0.1,
            ["grad of two operations", "jvp", "vmap", "hessian", "grad of a three-layer network"],
        ),
        ("random.normal, random.split", 0.1, ["random.normal", "random.split"]),
    ],
    "trace": [
        (
            "make_jaxpr of 3000 equations, of its gradient, of its vmap",
            0.15,
            [
                "make_jaxpr, 3000 equations",
                "make_jaxpr of its gradient",
                "make_jaxpr of its vmap",
            ],
        ),
        ("lowering 3000 equations", 0.25, ["trace and lower 3000 equations"]),
        (
            "compiling 3 and 300 equations",
            0.6,
            ["trace and compile 3 equations", "trace and compile 300 equations"],
        ),
    ],
    "jit": [
        (
            "calls: array, pytree, 100 leaves, NumPy argument, Python scalar",
            0.9,
            [
                *["one small array", "pytree of 3", "100 leaves", "NumPy argument"],
                "Python scalar",
            ],
        ),
    ],
    "kernel": [
        (
            "sin, cos, tan, pow, cbrt, arctan2, gammaln",
            0.2,
            ["sin", "cos", "tan", "pow", "cbrt", "arctan2", "gammaln"],
        ),
        ("sort", 0.05, ["sort"]),
        ("argsort", 0.2, ["argsort"]),
        ("median", 0.06, ["median"]),
        ("unique, permutation", 0.3, ["unique", "permutation"]),
        ("top_k", 0.9, ["top_k"]),
        (
            "cumsum, cumprod, argmax, searchsorted, histogram, interp, bincount",
            0.4,
            ["cumsum", "cumprod", "argmax", "searchsorted", "histogram", "interp", "bincount"],
        ),
        (
            "random bits, uniform, normal, exponential, gumbel, randint, categorical",
            0.3,
            [
                *["random bits", "uniform", "normal", "exponential", "gumbel", "randint"],
                "categorical",
            ],
        ),
        ("ten rounds, jit", 0.15, ["ten rounds, jit"]),
        ("ten rounds, eager", 0.3, ["ten rounds, eager"]),
        ("gradient through a scan, not jitted", 0.05, ["gradient through a scan, not jitted"]),
        (
            "exp, log, tanh, erf, add, sum, softmax, transpose, gather, scatter-add, matmul, conv, LAPACK, fft, LSTM",
            1.0,
            [
                *["exp", "log", "tanh", "erf", "add", "sum", "softmax", "transpose", "gather"],
                *["scatter-add", "matmul 1000", "conv", "cholesky 200", "solve 200"],
                *["eigh 200", "svd 200", "fft", "LSTM, 50 steps"],
            ],
        ),
        (
            "batched 3 x 3 solves and inverses",
            0.2,
            ["inverse of 110,889 3 x 3", "solve 110,889 3 x 3"],
        ),
    ],
}


def span(numbers):
    low, high = f"{min(numbers):.2g}", f"{max(numbers):.2g}"
    return low if low == high else f"{low} to {high}"


def targets(ratios):
    yield "| work | numax / JAX | target | |\n|---|---|---|---|"
    for group, lines in TARGETS.items():
        for work, wanted, names in lines:
            late = [n for n in names if ratios[group, n] > wanted]
            which = f" by {', '.join(late)}" if late and len(names) > 1 else ""
            found = span([ratios[group, n] for n in names])
            yield f"| {work} | {found} | {wanted} | {'not met' + which if late else 'met'} |"


def tables(rows):
    head = ["metric", "numax", "JAX", "NumPy, SciPy", "PyTorch", "numax / JAX", "times the limit"]
    for group in GROUPS:
        yield f"\n**{group}**\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}"
        for row in rows:
            if row["group"] == group:
                times = [row.get(k) for k in ("numax", "jax", "numpy", "torch")]
                limit = row["of limit"]
                cells = [row["metric"], *[shown(t) if t else "" for t in times]]
                cells += [f"{row['ratio']:.3f}" if row["ratio"] else "failed"]
                yield f"| {' | '.join([*cells, f'{limit:.2g}' if limit else ''])} |"


def main():
    rows = json.loads((Path(OUT) / "benchmark.json").read_text())["rows"]
    print("\n".join(targets({(r["group"], r["metric"]): r["ratio"] for r in rows})))
    print("\n".join(tables(rows)))


if __name__ == "__main__":
    main()
