"""Times the metrics of one group with one library, in this process, as it is told: python worker.py LIBRARY GROUP.

Prints the metrics' names as a JSON list; then, for each name read from standard input, the seconds of one call in a short slice of
measuring, or null if it failed. So two libraries can be measured by turns of a few milliseconds: run_all.py.
"""

import importlib
import json
import sys

import numpy as np
from timing import Timed

LIBRARY, GROUP = sys.argv[1:]
J = importlib.import_module(LIBRARY)
jnp = importlib.import_module(f"{LIBRARY}.numpy")
lax = importlib.import_module(f"{LIBRARY}.lax")
random = importlib.import_module(f"{LIBRARY}.random")
RNG = np.random.default_rng(0)
METRICS = {}


def metric(name, call, wait=True):
    METRICS[name] = (call, wait)


def finished(value):
    for leaf in J.tree_util.tree_leaves(value):
        if hasattr(leaf, "block_until_ready"):
            leaf.block_until_ready()


def timed(call, wait):
    def once():
        out = call()
        if wait:
            finished(out)

    return Timed(once)


def array(*shape, dtype=np.float32):
    return jnp.asarray(RNG.standard_normal(shape).astype(dtype))


# ---- eager ----


def eager():
    x, m = array(3), array(10, 10)
    numbers = [1.0, 2.0, 3.0]
    key = random.PRNGKey(0)
    metric("x + x", lambda: x + x)
    metric("x * 2.0", lambda: x * 2.0)
    metric("sin", lambda: jnp.sin(x))
    metric("exp", lambda: jnp.exp(x))
    metric("sum", lambda: jnp.sum(x))
    metric("mean", lambda: jnp.mean(x))
    metric("max", lambda: jnp.max(x))
    metric("std", lambda: jnp.std(x))
    metric("where", lambda: jnp.where(x > 0, x, x))
    metric("x > 1", lambda: x > 1.0)
    metric("x ** 2", lambda: x**2)
    metric("x[0]", lambda: x[0])
    metric("m[1:3, ::2]", lambda: m[1:3, ::2])
    metric("x.at[0].set", lambda: x.at[0].set(1.0))
    metric("reshape", lambda: m.reshape(5, 20))
    metric("m.T", lambda: m.T)
    metric("stack", lambda: jnp.stack([x, x]))
    metric("concatenate", lambda: jnp.concatenate([x, x]))
    metric("arange", lambda: jnp.arange(10))
    metric("zeros", lambda: jnp.zeros(3))
    metric("array(list)", lambda: jnp.array(numbers))
    metric("m @ m", lambda: m @ m)
    metric("einsum", lambda: jnp.einsum("ij,jk->ik", m, m))
    metric("random.normal", lambda: random.normal(key, (3,)))
    metric("random.split", lambda: random.split(key))

    def f(a):
        return jnp.sum(jnp.sin(a) * a)

    metric("grad of two operations", lambda: J.grad(f)(x))
    metric("jvp", lambda: J.jvp(f, (x,), (x,)))
    metric("vmap", lambda: J.vmap(f)(m))
    metric("hessian", lambda: J.hessian(f)(x))
    layers = [(array(10, 10), array(10)) for _ in range(3)]

    def network(parameters, a):
        for w, b in parameters:
            a = jnp.tanh(a @ w + b)
        return jnp.mean(a**2)

    metric("grad of a three-layer network", lambda: J.grad(network)(layers, m))


# ---- trace ----


def chain(x, count):
    for _ in range(count):
        x = x * x
        x = x + 1.0
    return x


def trace():
    x, m = array(3), array(4, 3)
    metric("make_jaxpr, 3000 equations", lambda: J.make_jaxpr(lambda a: chain(a, 1500))(x), False)
    metric(
        "make_jaxpr of its gradient",
        lambda: J.make_jaxpr(J.grad(lambda a: chain(a, 1500).sum()))(x),
        False,
    )
    metric(
        "make_jaxpr of its vmap", lambda: J.make_jaxpr(J.vmap(lambda a: chain(a, 1500)))(m), False
    )
    metric(
        "trace and lower 3000 equations", lambda: J.jit(lambda a: chain(a, 1500)).lower(x), False
    )
    counter = iter(range(1, 10**9))

    def fresh(count):
        c = float(next(counter))
        return J.jit(lambda a: chain(a * c, count)).lower(array(300)).compile()

    metric("trace and compile 3 equations", lambda: fresh(1), False)
    metric("trace and compile 300 equations", lambda: fresh(150), False)


# ---- jit ----


def jit():
    x, m = array(3), array(300, 300)
    one = J.jit(lambda a: a + 1.0)
    metric("one small array", lambda: one(x))
    tree = {"a": x, "b": x, "c": x}
    three = J.jit(lambda t: {"s": t["a"] + t["b"], "c": t["c"]})
    metric("pytree of 3", lambda: three(tree))
    leaves = [x] * 100
    hundred = J.jit(lambda xs: [a + 1.0 for a in xs])
    metric("100 leaves", lambda: hundred(leaves))
    data = np.ones(3, np.float32)
    metric("NumPy argument", lambda: one(data))
    metric("Python scalar", lambda: one(2.0))
    big = J.jit(lambda a: jnp.sin(a @ a) + a)
    metric("one 300 x 300 array", lambda: big(m))

    def step(parameters, a):
        def loss(p):
            for w, b in p:
                a_ = jnp.tanh(a @ w + b)
            return jnp.mean(a_**2)

        grads = J.grad(loss)(parameters)
        return J.tree_util.tree_map(lambda p, g: p - 0.1 * g, parameters, grads)

    layers = [(array(64, 64), array(64)) for _ in range(3)]
    batch = array(64, 64)
    train = J.jit(step)
    metric("training step of a small network", lambda: train(layers, batch))


# ---- kernels ----


def kernel():
    million = 1_000_000
    x = array(million)
    positive = jnp.abs(x) + 0.1
    y = array(million)
    square = array(1000, 1000)
    integers = jnp.asarray(RNG.integers(0, 1000, million).astype(np.int32))
    nn = importlib.import_module(f"{LIBRARY}.nn")
    key = random.PRNGKey(0)

    def special(name):
        return lambda *args, **kwargs: getattr(
            importlib.import_module(f"{LIBRARY}.scipy.special"), name
        )(*args, **kwargs)

    def compiled(name, f, *args):
        g = J.jit(f)
        metric(name, lambda: g(*args))

    for name in (
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
    ):
        compiled(
            name,
            getattr(jnp, name),
            positive if name in ("log", "log1p") else jnp.clip(x, -1, 1) if name == "arcsin" else x,
        )
    compiled("pow", jnp.power, positive, y)
    compiled("arctan2", jnp.arctan2, x, y)
    compiled("gammaln", special("gammaln"), positive)
    compiled("erf", special("erf"), x)
    compiled("add", jnp.add, x, y)
    compiled("sum", jnp.sum, x)
    compiled("softmax", lambda a: nn.softmax(a, axis=-1), square)
    compiled("logsumexp", lambda a: special("logsumexp")(a, axis=-1), square)
    compiled("transpose", lambda a: a.T + 0.0, square)
    compiled("gather", lambda a, i: a[i], x, integers)
    compiled("scatter-add", lambda a, i: jnp.zeros(1000).at[i].add(a), x, integers)
    compiled("matmul 1000", lambda a: a @ a, square)
    compiled("sort", jnp.sort, x)
    compiled("argsort", jnp.argsort, x)
    compiled("median", jnp.median, x)
    metric("unique", lambda: jnp.unique(integers))
    compiled("top_k", lambda a: lax.top_k(a, 10), x)
    compiled("permutation", lambda k: random.permutation(k, million), key)
    compiled("cumsum", jnp.cumsum, x)
    compiled("cumprod", jnp.cumprod, x)
    compiled("argmax", jnp.argmax, x)
    grid = jnp.sort(array(1000))
    compiled("searchsorted", lambda g, a: jnp.searchsorted(g, a), grid, x)
    compiled("histogram", lambda a: jnp.histogram(a, 100)[0], x)
    compiled("interp", lambda a, g: jnp.interp(a, g, g), x, grid)
    compiled("bincount", lambda i: jnp.bincount(i, length=1000), integers)
    compiled("random bits", lambda k: random.bits(k, (million,)), key)
    compiled("uniform", lambda k: random.uniform(k, (million,)), key)
    compiled("normal", lambda k: random.normal(k, (million,)), key)
    compiled("exponential", lambda k: random.exponential(k, (million,)), key)
    compiled("gumbel", lambda k: random.gumbel(k, (million,)), key)
    compiled("randint", lambda k: random.randint(k, (million,), 0, 1000), key)
    compiled(
        "categorical", lambda k: random.categorical(k, jnp.zeros(10), shape=(million // 10,)), key
    )

    def rounds(a):
        for _ in range(10):
            a = jnp.sin(a) * jnp.cos(a) + a**0.5
        return a

    base = jnp.abs(square)
    compiled("ten rounds, jit", rounds, base)
    metric("ten rounds, eager", lambda: rounds(base))

    def spring(k):
        def loss(c):
            def body(state, _):
                p, v = state
                v = v - c * p * 0.01
                return (p + v * 0.01, v), p

            return jnp.sum(lax.scan(body, (1.0, 0.0), None, length=1000)[1] ** 2)

        return J.grad(loss)(k)

    metric("gradient through a scan, not jitted", lambda: spring(2.0))
    image = array(16, 28, 28, 8)
    filters = array(3, 3, 8, 16)
    compiled(
        "conv",
        lambda a, f: lax.conv_general_dilated(
            a, f, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        ),
        image,
        filters,
    )
    symmetric = square[:200, :200] @ square[:200, :200].T + 200 * jnp.eye(200)
    compiled("cholesky 200", lambda a: jnp.linalg.cholesky(a), symmetric)
    compiled("solve 200", lambda a, b: jnp.linalg.solve(a, b), symmetric, symmetric)
    compiled("eigh 200", lambda a: jnp.linalg.eigh(a), symmetric)
    compiled("svd 200", lambda a: jnp.linalg.svd(a), symmetric)
    compiled("fft", lambda a: jnp.fft.fft(a), x[: 2**19])
    small = array(110_889, 3, 3) + 3 * jnp.eye(3)
    compiled("inverse of 110,889 3 x 3", lambda a: jnp.linalg.inv(a), small)
    compiled("solve 110,889 3 x 3", lambda a: jnp.linalg.solve(a, a[..., :1]), small)
    weights = array(64, 256)
    hidden = array(64, 64)

    def lstm(inputs):
        def cell(state, a):
            h, c = state
            i, f, g, o = jnp.split(a + h @ weights, 4, -1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
            h = nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        return lax.scan(cell, (hidden, hidden), inputs)[1]

    compiled("LSTM, 50 steps", lstm, array(50, 64, 256))
    more_kernels(compiled, special, nn, x, positive, square, integers)


def more_kernels(compiled, special, nn, x, positive, square, integers):
    """What the first list leaves out: special functions, narrow floats, reductions, layers, loops."""
    compiled("exp2", jnp.exp2, x)
    compiled("rsqrt", lax.rsqrt, positive)
    compiled("logaddexp", jnp.logaddexp, x, positive)
    for name in ("digamma", "i0e", "erfinv", "ndtri"):
        compiled(name, special(name), positive if name in ("digamma", "i0e") else nn.sigmoid(x))
    compiled("zeta", special("zeta"), positive + 1.5, positive)
    compiled("gammainc 100,000", special("gammainc"), positive[:100_000], positive[:100_000] + 1)
    compiled("gelu", nn.gelu, x)
    for name in ("exp", "log", "tanh"):
        compiled(f"{name}, float16", getattr(jnp, name), positive.astype("float16"))
    for axis in (0, 1):
        compiled(f"max, axis {axis}", lambda a, k=axis: jnp.max(a, k), square)
        compiled(f"cumsum, axis {axis}", lambda a, k=axis: jnp.cumsum(a, k), square)
        compiled(f"variance, axis {axis}", lambda a, k=axis: jnp.var(a, k), square)
        compiled(f"sort, axis {axis}", lambda a, k=axis: jnp.sort(a, k), square)
    table = integers.reshape(1000, 1000)
    compiled("max of integers, axis 1", lambda a: jnp.max(a, 1), table)
    compiled("argmax of integers, axis 1", lambda a: jnp.argmax(a, 1), table)
    compiled("argmax of 10", lambda a: jnp.argmax(a, -1), x.reshape(-1, 10))
    compiled("max, bfloat16", lambda a: jnp.max(a, 1), square.astype(jnp.bfloat16))
    compiled("remainder of integers", jnp.remainder, integers, integers + 1)
    compiled(
        "transpose of 3 axes", lambda a: jnp.transpose(a, (2, 1, 0)) + 0.0, array(100, 100, 100)
    )
    compiled("top_k 10,000", lambda a: lax.top_k(a, 10_000), x)
    compiled(
        "Laplacian by rolls",
        lambda a: sum(jnp.roll(a, s, k) for s in (1, -1) for k in (0, 1)) - 4 * a,
        square,
    )
    points = array(300, 64)
    compiled("pairwise distances", lambda a: ((a[:, None] - a[None]) ** 2).sum(-1), points)
    rows = jnp.asarray(RNG.integers(0, 10_000, 20_000).astype(np.int32))
    compiled(
        "gradient of an embedding", J.grad(lambda t, i: (t[i] ** 2).sum()), array(10_000, 64), rows
    )
    gain = array(1000)

    def normalised(a, g):
        centred = a - a.mean(-1, keepdims=True)
        return centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * g

    compiled("layer norm", normalised, square, gain)
    compiled("gradient of layer norm", J.grad(lambda a, g: normalised(a, g).sum()), square, gain)

    def attention(q, k, v):
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / 8
        return jnp.einsum("bhqk,bkhd->bqhd", nn.softmax(scores, -1), v)

    compiled("attention", attention, *[array(8, 128, 4, 64) for _ in range(3)])
    image, filters = array(16, 28, 28, 8), array(3, 3, 8, 8) * 0.1

    def convolved(w, a, layout=("NHWC", "HWIO", "NHWC")):
        return lax.conv_general_dilated(a, w, (1, 1), "SAME", dimension_numbers=layout)

    def train(w, a):
        slope = J.grad(lambda w: (convolved(w, a) ** 2).sum())
        return lax.scan(lambda w, _: (w - 1e-6 * slope(w), None), w, None, length=5)[0]

    compiled("gradient of conv", J.grad(lambda w, a: (convolved(w, a) ** 2).sum()), filters, image)
    compiled("gradients of conv in a scan", train, filters, image)
    compiled(
        "max_pool",
        lambda a: lax.reduce_window(a, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
        image,
    )
    compiled("scan of 1000 small steps", many_steps, x[:10])
    compiled("matmul, 100 of 64 x 64", jnp.matmul, array(100, 64, 64), array(100, 64, 64))


def many_steps(a):
    return lax.scan(lambda c, _: (c * 1.0001 + 0.1, c.sum()), a, None, length=1000)


def main():
    {"eager": eager, "trace": trace, "jit": jit, "kernel": kernel}[GROUP]()
    print(json.dumps(list(METRICS)), flush=True)
    known = {}
    for line in sys.stdin:
        name = line.rstrip("\n")
        try:
            if name not in known:
                known = {name: timed(*METRICS[name])}  # the last one's memory is freed
            seconds = known[name].slice()
        except Exception as error:  # one metric that fails must not hide the others
            seconds = None
            print(f"{LIBRARY} {GROUP} {name}: {error!r:.200}", file=sys.stderr)
        print(json.dumps(seconds), flush=True)


main()
