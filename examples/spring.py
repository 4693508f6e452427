"""A mass on a spring: 1000 steps in one `scan`, and the spring constant found by descending through them.

    python examples/spring.py [--out FOLDER]

The symplectic Euler method steps x'' = -(k / m) x; its error is of first order in the step, so the trajectory stays
within about a hundredth of the closed form x0 cos(sqrt(k / m) t). The distance from an
observed trajectory is differentiated with respect to k through all 1000 steps. Units: metres, seconds, kilograms, newtons.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import numax
import numax.numpy as jnp
from numax import jit, lax, value_and_grad

STEPS = 1000
DT = 0.01  # seconds
MASS = 1.0  # kilograms
START = 1.0  # metres
TRUE_K = 4.0  # newtons per metre


class State(NamedTuple):
    position: numax.Array
    velocity: numax.Array


def simulate(k, steps=STEPS):
    """The positions after each step."""

    def step(state, _):
        velocity = state.velocity - DT * k / MASS * state.position
        state = State(state.position + DT * velocity, velocity)
        return state, state.position

    start = State(jnp.asarray(START), jnp.asarray(0.0))
    return lax.scan(step, start, None, length=steps)[1]


def times(steps=STEPS):
    return DT * np.arange(1, steps + 1)


def closed_form(k, steps=STEPS):
    return START * np.cos(np.sqrt(k / MASS) * times(steps))


def loss(k, seen):
    return jnp.mean((simulate(k, seen.size) - seen) ** 2)


def find_constant(seen, guess=3.0, rate=0.15, epochs=60, quiet=False):
    """Gradient descent on k. The loss has other valleys, so the guess must be within about a quarter of k."""
    slope = jit(value_and_grad(loss))
    k, path = guess, []
    for _ in tqdm(range(epochs), desc="spring", unit="epoch", disable=quiet):
        value, g = slope(k, seen)
        path.append((float(k), float(value)))
        k = k - rate * g
    return float(k), np.array(path)


def plot(found, path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    left.plot(found["t"], found["exact"], color="0.7", linewidth=5, label="closed form")
    left.plot(found["t"], found["x"], color="tab:blue", label="1000 steps")
    left.plot(found["t"], found["first"], color="tab:red", linestyle=":", label="first guess of k")
    left.set_xlabel("time (s)")
    left.set_ylabel("position (m)")
    left.set_ylim(-1.15, 1.6)
    left.set_title("Trajectory")
    left.legend(loc="upper center", ncols=3, fontsize="small", columnspacing=1, handlelength=1.5)
    right.plot(found["path"][:, 0], color="tab:blue")
    right.axhline(TRUE_K, color="0.7", zorder=0)
    right.set_xlabel("epoch")
    right.set_ylabel("k (N/m)", color="tab:blue")
    right.set_title("The spring constant, by descent through the simulation")
    twin = right.twinx()
    twin.semilogy(found["path"][:, 1], color="tab:orange")
    twin.set_ylabel("loss (m²)", color="tab:orange")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=60, guess=3.0, out=Path("out"), quiet=False):
    x = np.asarray(jit(simulate)(TRUE_K))
    exact = closed_form(TRUE_K)
    gap = float(np.max(np.abs(x - exact)))
    start = time.perf_counter()
    k, path = find_constant(exact, guess, epochs=epochs, quiet=quiet)
    elapsed = time.perf_counter() - start
    value_and_grad(loss)(guess, exact)
    eager = time.perf_counter()
    for _ in range(5):
        value_and_grad(loss)(guess, exact)
    eager = (time.perf_counter() - eager) / 5
    print(f"== A mass on a spring, {STEPS} steps of {DT} s")
    print(f"largest distance from the closed form: {gap:.4f} m")
    print(
        f"k by gradient descent from {guess}: {k:.6f} N/m, true {TRUE_K}; {epochs} epochs in {elapsed:.2f} s"
    )
    print(f"an epoch takes {1e3 * elapsed / epochs:.2f} ms with jit, {1e3 * eager:.2f} ms without")
    found = {"t": times(), "x": x, "exact": exact, "gap": gap, "k": k, "path": path}
    found["first"] = np.asarray(simulate(guess))
    out.mkdir(parents=True, exist_ok=True)
    plot(found, out / "spring.png")
    print(f"plot: {out / 'spring.png'}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"))
    main(out=parser.parse_args().out)
