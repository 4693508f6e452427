"""Times the metrics that NumPy, SciPy or PyTorch know too, eagerly: python peers.py {numpy,torch} [METRIC ...].

Prints a JSON object, metric -> seconds of one call. PyTorch is timed only where it is installed already.
"""

import importlib
import json
import sys

import numpy as np
from timing import least

PEER, *CHOSEN = sys.argv[1:]
RNG = np.random.default_rng(0)
MILLION = 1_000_000


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def numpy_metrics():
    linalg, special = (importlib.import_module(f"scipy.{part}") for part in ("linalg", "special"))
    x, m, numbers = normal(3), normal(10, 10), [1.0, 2.0, 3.0]
    a, b, square = normal(MILLION), normal(MILLION), normal(1000, 1000)
    positive, integers, grid = (
        np.abs(a) + np.float32(0.1),
        RNG.integers(0, 1000, MILLION),
        np.sort(normal(1000)),
    )
    symmetric = square[:200, :200] @ square[:200, :200].T + 200 * np.eye(200, dtype=np.float32)
    small = normal(110_889, 3, 3) + 3 * np.eye(3, dtype=np.float32)
    base = np.abs(square)

    def rounds(v):
        for _ in range(10):
            v = np.sin(v) * np.cos(v) + v**0.5
        return v

    def softmax(v):
        e = np.exp(v - v.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    return {
        "x + x": lambda: x + x,
        "x * 2.0": lambda: x * 2.0,
        "sin": lambda: np.sin(x),
        "exp": lambda: np.exp(x),
        "sum": lambda: np.sum(x),
        "mean": lambda: np.mean(x),
        "max": lambda: np.max(x),
        "std": lambda: np.std(x),
        "where": lambda: np.where(x > 0, x, x),
        "x > 1": lambda: x > 1.0,
        "x ** 2": lambda: x**2,
        "x[0]": lambda: x[0],
        "m[1:3, ::2]": lambda: m[1:3, ::2],
        "reshape": lambda: m.reshape(5, 20),
        "m.T": lambda: m.T,
        "stack": lambda: np.stack([x, x]),
        "concatenate": lambda: np.concatenate([x, x]),
        "arange": lambda: np.arange(10),
        "zeros": lambda: np.zeros(3),
        "array(list)": lambda: np.array(numbers),
        "m @ m": lambda: m @ m,
        "einsum": lambda: np.einsum("ij,jk->ik", m, m),
        "random.normal": lambda: RNG.standard_normal(3, np.float32),
    }, {
        **{
            f: lambda f=f: getattr(np, f)(a)
            for f in ("sin", "cos", "tan", "exp", "tanh", "cbrt", "expm1")
        },
        **{
            f: lambda f=f: getattr(np, f)(a)
            for f in ("arctan", "sinh", "sum", "sort", "argsort", "median")
        },
        **{f: lambda f=f: getattr(np, f)(a) for f in ("cumsum", "cumprod", "argmax", "exp2")},
        "log": lambda: np.log(positive),
        "log1p": lambda: np.log1p(positive),
        "pow": lambda: np.power(positive, b),
        "arctan2": lambda: np.arctan2(a, b),
        "gammaln": lambda: special.gammaln(positive),
        "digamma": lambda: special.digamma(positive),
        "erf": lambda: special.erf(a),
        "add": lambda: a + b,
        "softmax": lambda: softmax(square),
        "logsumexp": lambda: special.logsumexp(square, axis=-1),
        "transpose": lambda: square.T + np.float32(0),
        "gather": lambda: a[integers],
        "scatter-add": lambda: np.add.at(np.zeros(1000, np.float32), integers, a),
        "matmul 1000": lambda: square @ square,
        "unique": lambda: np.unique(integers),
        "permutation": lambda: RNG.permutation(MILLION),
        "searchsorted": lambda: np.searchsorted(grid, a),
        "histogram": lambda: np.histogram(a, 100),
        "interp": lambda: np.interp(a, grid, grid),
        "bincount": lambda: np.bincount(integers, minlength=1000),
        "random bits": lambda: RNG.integers(0, 2**32, MILLION, np.uint32),
        "uniform": lambda: RNG.random(MILLION, np.float32),
        "normal": lambda: RNG.standard_normal(MILLION, np.float32),
        "exponential": lambda: RNG.standard_exponential(MILLION, np.float32),
        "randint": lambda: RNG.integers(0, 1000, MILLION, np.int32),
        "ten rounds, jit": lambda: rounds(base),
        "ten rounds, eager": lambda: rounds(base),
        "cholesky 200": lambda: linalg.cholesky(symmetric, lower=True),
        "solve 200": lambda: linalg.solve(symmetric, symmetric),
        "eigh 200": lambda: np.linalg.eigh(symmetric),
        "svd 200": lambda: np.linalg.svd(symmetric),
        "fft": lambda: np.fft.fft(a[: 2**19]),
        "inverse of 110,889 3 x 3": lambda: np.linalg.inv(small),
        "solve 110,889 3 x 3": lambda: np.linalg.solve(small, small[..., :1]),
    }


def torch_metrics():
    torch = importlib.import_module("torch")
    tensor = lambda *shape: torch.from_numpy(normal(*shape))
    x, m, numbers = tensor(10), tensor(10, 10), [1.0, 2.0, 3.0]
    a, b, square = tensor(MILLION), tensor(MILLION), tensor(1000, 1000)
    positive = a.abs() + 0.1
    integers = torch.from_numpy(RNG.integers(0, 1000, MILLION))
    symmetric = square[:200, :200] @ square[:200, :200].T + 200 * torch.eye(200)
    small = tensor(110_889, 3, 3) + 3 * torch.eye(3)
    base = square.abs()

    def rounds(v):
        for _ in range(10):
            v = torch.sin(v) * torch.cos(v) + v**0.5
        return v

    leaf = x.clone().requires_grad_()

    def slope():
        leaf.grad = None
        (torch.sin(leaf) * leaf).sum().backward()
        return leaf.grad

    return {
        "x + x": lambda: x + x,
        "x * 2.0": lambda: x * 2.0,
        "sin": lambda: torch.sin(x),
        "sum": lambda: torch.sum(x),
        "mean": lambda: torch.mean(x),
        "std": lambda: torch.std(x),
        "where": lambda: torch.where(x > 0, x, x),
        "x[0]": lambda: x[0],
        "reshape": lambda: m.reshape(5, 20),
        "stack": lambda: torch.stack([x, x]),
        "zeros": lambda: torch.zeros(3),
        "array(list)": lambda: torch.tensor(numbers),
        "m @ m": lambda: m @ m,
        "random.normal": lambda: torch.randn(3),
        "grad of two operations": slope,
    }, {
        **{
            f: lambda f=f: getattr(torch, f)(a)
            for f in ("sin", "cos", "tan", "exp", "tanh", "expm1", "arctan")
        },
        **{
            f: lambda f=f: getattr(torch, f)(a)
            for f in ("sinh", "erf", "sum", "sort", "argsort", "median", "argmax")
        },
        **{f: lambda f=f: getattr(torch, f)(a, 0) for f in ("cumsum", "cumprod")},
        "log": lambda: torch.log(positive),
        "log1p": lambda: torch.log1p(positive),
        "pow": lambda: torch.pow(positive, b),
        "arctan2": lambda: torch.arctan2(a, b),
        "gammaln": lambda: torch.lgamma(positive),
        "digamma": lambda: torch.digamma(positive),
        "add": lambda: a + b,
        "softmax": lambda: torch.softmax(square, -1),
        "transpose": lambda: square.T + 0.0,
        "gather": lambda: a[integers],
        "matmul 1000": lambda: square @ square,
        "top_k": lambda: torch.topk(a, 10),
        "unique": lambda: torch.unique(integers),
        "permutation": lambda: torch.randperm(MILLION),
        "bincount": lambda: torch.bincount(integers, minlength=1000),
        "uniform": lambda: torch.rand(MILLION),
        "normal": lambda: torch.randn(MILLION),
        "ten rounds, eager": lambda: rounds(base),
        "cholesky 200": lambda: torch.linalg.cholesky(symmetric),
        "eigh 200": lambda: torch.linalg.eigh(symmetric),
        "svd 200": lambda: torch.linalg.svd(symmetric),
        "inverse of 110,889 3 x 3": lambda: torch.linalg.inv(small),
    }


def main():
    eager, kernel = {"numpy": numpy_metrics, "torch": torch_metrics}[PEER]()
    found = {}
    with np.errstate(all="ignore"):
        for group, calls in (("eager", eager), ("kernel", kernel)):
            for name, call in calls.items():
                if not CHOSEN or name in CHOSEN:
                    found[f"{group}: {name}"] = least(call)
    print(json.dumps(found))


main()
