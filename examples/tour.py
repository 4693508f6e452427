"""A tour of numax: arrays that do not change, compilation, random keys, derivatives, batches, devices.

    python examples/tour.py [--out FOLDER]

Each section prints what it shows and returns it, so that the tests can look at the same values.
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import numax
import numax.numpy as jnp
from numax import grad, jit, lax, pmap, random, value_and_grad, vmap


def seconds(f, repeats=3):
    """The best wall-clock time of `f()`, which must return an array or a pytree of arrays."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        numax.block_until_ready(f())
        times.append(time.perf_counter() - start)
    return min(times)


def immutability():
    x = jnp.arange(5)
    try:
        x[0] = 10
    except TypeError as error:
        message = str(error)
    y = x.at[0].set(10).at[3:].add(100)
    print("== Arrays do not change; .at makes new ones")
    print(f"x[0] = 10 raises TypeError: {message}")
    print(f"x = {x}, x.at[0].set(10).at[3:].add(100) = {y}")
    return {"message": message, "x": x, "y": y}


def rounds(x):
    """Ten rounds of elementwise work: 50 operations."""
    for _ in range(10):
        x = jnp.sin(x) * jnp.cos(x) + x**0.5
    return x


def eager_against_jit(size=1000):
    x = random.uniform(random.key(0), (size, size))
    compiled = jit(rounds)
    first = seconds(lambda: compiled(x), repeats=1)
    times = {"first call of jit": first}
    times["eager"] = seconds(lambda: rounds(x))
    times["jit"] = seconds(lambda: compiled(x))
    gap = float(jnp.max(jnp.abs(compiled(x) - rounds(x))))
    print(f"== Ten rounds of sin(x) * cos(x) + x ** 0.5 over {size} x {size}")
    print(", ".join(f"{name} {1e3 * t:.1f} ms" for name, t in times.items()))
    print(
        f"jit is {times['eager'] / times['jit']:.1f} times as fast; they differ by {gap:.1e} at most"
    )
    return {"times": times, "gap": gap}


def keys():
    key = random.key(42)
    again = random.normal(key, (3,)), random.normal(random.key(42), (3,))
    one, two = random.split(key)
    parts = random.normal(one, (3,)), random.normal(two, (3,))
    print("== Random numbers are a function of a key")
    print(f"the same key twice: {again[0]}, {again[1]}")
    print(f"two keys from split: {parts[0]}, {parts[1]}")
    return {"again": again, "parts": parts}


def promotion():
    half, single = jnp.ones(2, jnp.bfloat16), jnp.ones(2, jnp.float32)
    count = jnp.arange(2, dtype=jnp.int32)
    found = {
        "int32 + float32": (count + single).dtype,
        "int32 + bfloat16": (count + half).dtype,
        "bfloat16 * 2.0": (half * 2.0).dtype,
        "bfloat16 + float32": (half + single).dtype,
        "int32 / int32": (count / (count + 1)).dtype,
    }
    print("== Types of results")
    print(", ".join(f"{what} -> {dtype}" for what, dtype in found.items()))
    return found


def boolean_indexing():
    x = jnp.array([3.0, -1.0, 4.0, -1.0, 5.0])
    picked = x[x > 0]
    clipped = x.at[x < 0].set(0.0)
    try:
        jit(lambda x: x[x > 0])(x)
    except numax.errors.NonConcreteBooleanIndexError as error:
        message = str(error).splitlines()[0]
    kept = jit(lambda x: jnp.where(x > 0, x, 0.0))(x)
    print("== Boolean masks")
    print(f"x[x > 0] = {picked}; x.at[x < 0].set(0) = {clipped}")
    print(f"under jit: {message}")
    print(f"there, jnp.where(x > 0, x, 0) = {kept}")
    return {"picked": picked, "clipped": clipped, "message": message, "kept": kept}


def tent(x, steps=4, start=0.3):
    """The tent map with slope x, iterated: a scan whose body branches; a polynomial of x on each path."""

    def step(y, _):
        y = lax.cond(y < 0.5, lambda y: x * y, lambda y: x * (1.0 - y), y)
        return y, y

    return lax.scan(step, start, None, length=steps)[0]


def derivatives(x=1.7):
    first = grad(tent)
    second = grad(first)
    third = grad(second)
    values = [float(f(x)) for f in (tent, first, second, third)]
    both = value_and_grad(tent)(x)
    print("== Derivatives through a scan whose body branches (the tent map, four steps)")
    print(f"value and three derivatives at {x}: " + ", ".join(f"{v:.4f}" for v in values))
    print(f"value_and_grad: {both[0]:.4f}, {both[1]:.4f}")
    slopes = jnp.linspace(1.0, 2.0, 401)
    curves = [jit(vmap(f))(slopes) for f in (tent, first, second, third)]
    return {"values": values, "both": both, "slopes": slopes, "curves": curves}


def energy(w, x):
    return jnp.sum(jnp.tanh(w @ x) ** 2)


def batches(samples=10_000):
    w = random.normal(random.key(1), (8, 4)) / 2
    xs = random.normal(random.key(2), (samples, 4))
    points = [xs[i] for i in range(samples)]
    mapped = vmap(energy, in_axes=(None, 0))
    compiled = jit(mapped)
    looped = jnp.stack([energy(w, x) for x in points])
    numax.block_until_ready((mapped(w, xs), compiled(w, xs)))
    times = {
        "loop": seconds(lambda: [energy(w, x) for x in points], repeats=1),
        "vmap": seconds(lambda: mapped(w, xs)),
        "jit(vmap)": seconds(lambda: compiled(w, xs)),
    }
    gap = float(jnp.max(jnp.abs(compiled(w, xs) - looped)))
    print(f"== A function of one sample, over {samples}")
    print(", ".join(f"{name} {1e3 * t:.2f} ms" for name, t in times.items()))
    print(
        f"vmap is {times['loop'] / times['vmap']:.0f} times as fast as the loop, difference {gap:.1e}"
    )
    return {"times": times, "gap": gap}


def devices():
    n = numax.local_device_count()
    x = jnp.arange(4.0 * n).reshape(n, 4)
    share = pmap(lambda row: row / lax.psum(jnp.sum(row), "rows"), axis_name="rows")(x)
    total = float(jnp.sum(share))
    print(f"== pmap over {n} devices")
    print(f"each divides its row by the psum of all rows; the shares add to {total:.6f}")
    return {"devices": n, "share": share, "total": total}


def plot(found, path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    names = ("f", "f'", "f''", "f'''")
    for name, curve in zip(names, found["derivatives"]["curves"], strict=True):
        left.plot(
            found["derivatives"]["slopes"], np.asarray(curve), ".", markersize=2.5, label=name
        )
    left.set_yscale("symlog", linthresh=1.0)
    left.axhline(0, color="0.8", linewidth=1, zorder=0)
    left.set_xlabel("slope x")
    left.set_title("Four steps of the tent map, and derivatives")
    left.legend(markerscale=4, loc="lower left")
    times = {f"{name}\n(rounds)": t for name, t in found["eager"]["times"].items()}
    times |= {f"{name}\n(samples)": t for name, t in found["batches"]["times"].items()}
    colours = ["tab:blue"] * len(found["eager"]["times"]) + ["tab:orange"] * 3
    bars = right.barh(list(times), [1e3 * t for t in times.values()], color=colours)
    right.bar_label(bars, [f"{1e3 * t:,.1f} ms" for t in times.values()], padding=3)
    right.set_xscale("log")
    right.margins(x=0.25)
    right.invert_yaxis()
    right.set_xlabel("milliseconds")
    right.set_title("Times")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(size=1000, samples=10_000, out=Path("out")):
    found = {
        "immutability": immutability(),
        "eager": eager_against_jit(size),
        "keys": keys(),
        "promotion": promotion(),
        "boolean": boolean_indexing(),
        "derivatives": derivatives(),
        "batches": batches(samples),
        "devices": devices(),
    }
    out.mkdir(parents=True, exist_ok=True)
    plot(found, out / "tour.png")
    print(f"plot: {out / 'tour.png'}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"))
    options = parser.parse_args()
    numax.config.update("jax_num_cpu_devices", 8)
    main(out=options.out)
