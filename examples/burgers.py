"""Burgers' equation by a network that knows the physics.

u_t + u u_x = nu u_xx on t in [0, 1], x in [-1, 1], u(0, x) = -sin(pi x), u(t, -1) = u(t, 1) = 0, nu = 0.01 / pi:
the sine steepens into a shock at x = 0. A network u(t, x) is trained until the equation's residual, taken with
nested `grad`, vanishes at points drawn anew where it is large. No solution is shown to it.

    python examples/burgers.py [--long] [--out FOLDER]

Sources: M. Raissi, P. Perdikaris, G. E. Karniadakis, J. Comput. Phys. 378 (2019), the problem; C. Wu et al.,
Comput. Methods Appl. Mech. Eng. 403 (2023), the points; M. Al-Baali, J. Optim. Theory Appl. 96 (1998), the scaling
of BFGS; C. Basdevant et al., Comput. Fluids 14 (1986), the exact solution.
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import numax
import numax.numpy as jnp
from numax import grad, jit, lax, random, value_and_grad, vmap

NU = 0.01 / np.pi
PUBLISHED = 6.7e-4  # Raissi, Perdikaris and Karniadakis 2019, section 3.1
SIZES = (2, 20, 20, 20, 1)


def exact(t, x, nodes=100):
    """The Cole-Hopf solution: a ratio of two Gaussian integrals, by Gauss-Hermite quadrature."""
    t, x = np.broadcast_arrays(t, x)
    z, weight = np.polynomial.hermite.hermgauss(nodes)
    y = x[..., None] - np.sqrt(4 * NU * t)[..., None] * z
    mass = weight * np.exp(-np.cos(np.pi * y) / (2 * np.pi * NU))
    return -np.sum(mass * np.sin(np.pi * y), -1) / np.sum(mass, -1)


def shapes(sizes=SIZES):
    return [shape for i, o in pairwise(sizes) for shape in ((i, o), (o,))]


def initial(key, sizes=SIZES):
    """All weights (Glorot) and biases in one vector, which is what the optimisers work on."""
    keys = random.split(key, len(sizes) - 1)
    layers = [
        (random.normal(k, (i, o)) * np.sqrt(2 / (i + o)), jnp.zeros(o))
        for k, i, o in zip(keys, sizes, sizes[1:])
    ]
    return jnp.concatenate([jnp.ravel(a) for layer in layers for a in layer])


def unpack(weights):
    ends = np.cumsum([np.prod(shape) for shape in shapes()])[:-1]
    parts = jnp.split(weights, ends)
    return [jnp.reshape(part, shape) for part, shape in zip(parts, shapes())]


def network(layers, t, x):
    h = jnp.stack([2 * t - 1, x])
    for w, b in zip(layers[:-2:2], layers[1:-2:2]):
        h = jnp.tanh(h @ w + b)
    return (h @ layers[-2] + layers[-1])[0]


def solution(weights, t, x):
    """u at one point. Initial and boundary values hold by construction, and u(t, -x) = -u(t, x)."""
    layers = unpack(weights)
    odd = network(layers, t, x) - network(layers, t, -x)
    return -jnp.sin(jnp.pi * x) + t * (1 - x**2) * odd


def residual(weights, t, x):
    u_t = grad(solution, 1)
    u_x = grad(solution, 2)
    u_xx = grad(u_x, 2)
    point = (weights, t, x)
    return u_t(*point) + solution(*point) * u_x(*point) - NU * u_xx(*point)


solutions = jit(vmap(solution, (None, 0, 0)))
residuals = jit(vmap(residual, (None, 0, 0)))


def loss(weights, points):
    return jnp.mean(residuals(weights, *points) ** 2)


@jit
def fresh_points(key, weights, like):
    """As many points as in `like`, drawn by the square of the residual at ten times as many."""
    count = like[0].size
    one, two, three = random.split(key, 3)
    t = random.uniform(one, (10 * count,))
    x = random.uniform(two, (10 * count,))
    r = residuals(weights, t, x) ** 2
    chosen = random.choice(three, 10 * count, (count,), replace=False, p=r / jnp.mean(r) + 1.0)
    return t[chosen], x[chosen]


class Adam(NamedTuple):
    weights: numax.Array
    mean: numax.Array
    square: numax.Array


@jit
def adam(state, points, start, rates):
    """One step of Adam for each of the rates."""

    def step(state, now):
        count, rate = now
        value, g = value_and_grad(loss)(state.weights, points)
        mean = 0.9 * state.mean + 0.1 * g
        square = 0.999 * state.square + 0.001 * g**2
        unbiased = mean / (1 - 0.9**count), square / (1 - 0.999**count)
        weights = state.weights - rate * unbiased[0] / (jnp.sqrt(unbiased[1]) + 1e-8)
        return Adam(weights, mean, square), value

    counts = start + 1.0 + jnp.arange(rates.size)
    return lax.scan(step, state, (counts, rates))


class Newton(NamedTuple):
    weights: numax.Array
    value: numax.Array
    slope: numax.Array
    inverse: numax.Array  # of the Hessian, approximately


def line_search(objective, state, direction):
    """Backtrack from a full step until the loss falls enough (Armijo's rule)."""
    descent = state.slope @ direction

    def too_far(now):
        step, value, tries = now
        bad = ~(value <= state.value + 1e-4 * step * descent)
        return bad & (tries < 12)

    def shorten(now):
        step, value, tries = now
        curvature = value - state.value - step * descent
        best = -descent * step**2 / (2 * curvature)
        step = jnp.where(jnp.isfinite(best), jnp.clip(best, 0.1 * step, 0.5 * step), 0.1 * step)
        return step, objective(state.weights + step * direction), tries + 1

    full = (jnp.ones(()), objective(state.weights + direction), 0)
    return lax.while_loop(too_far, shorten, full)[0]


@jit
def bfgs(weights, inverse, points, iterations):
    """Self-scaled BFGS: L-BFGS's parent, affordable for a thousand weights. `iterations`: an array of that length."""

    def objective(weights):
        return loss(weights, points)

    def step(state, _):
        direction = -state.inverse @ state.slope
        length = line_search(objective, state, direction)
        s = length * direction
        value, slope = value_and_grad(objective)(state.weights + s)
        y = slope - state.slope
        ys = y @ s
        h = state.inverse
        hy = h @ y
        scale = jnp.minimum(1.0, -ys / (length * (state.slope @ s)))
        cross = jnp.outer(hy, s)
        updated = (h - (cross + cross.T) / ys + jnp.outer(s, s) * ((y @ hy) / ys**2)) / scale
        updated = updated + jnp.outer(s, s) / ys
        moved = Newton(state.weights + s, value, slope, jnp.where(ys > 0, updated, h))
        keep = value <= state.value
        state = Newton(*(jnp.where(keep, new, old) for new, old in zip(moved, state)))
        return state, state.value

    value, slope = value_and_grad(objective)(weights)
    start = Newton(weights, value, slope, inverse)
    state, values = lax.scan(step, start, iterations)
    return state.weights, state.inverse, values


def relative_error(weights):
    """The relative L2 error on Raissi's grid of 100 x 256 points, with both fields."""
    t, x = np.meshgrid(np.linspace(0, 1, 100), np.linspace(-1, 1, 256), indexing="ij")
    true = exact(t, x)
    found = np.asarray(solutions(weights, jnp.ravel(t), jnp.ravel(x))).reshape(t.shape)
    return np.linalg.norm(found - true) / np.linalg.norm(true), found, true


def train(adam_steps, bfgs_steps, count, each=100, seed=0, quiet=False):
    """Adam to find the valley, then BFGS to reach its floor; new points every `each` steps (jumps in the loss)."""
    first, second, key = random.split(random.key(seed), 3)
    weights = initial(first)
    even = jnp.zeros(count)
    points = fresh_points(second, weights, (even, even))
    history = []  # the loss after each step
    state = Adam(weights, jnp.zeros_like(weights), jnp.zeros_like(weights))
    rates = 5e-3 * 0.5 * (1 + jnp.cos(jnp.pi * jnp.arange(adam_steps) / adam_steps))
    with tqdm(total=adam_steps + bfgs_steps, desc="burgers", unit="step", disable=quiet) as bar:

        def advance(values):
            history.extend(np.asarray(values))
            bar.update(len(values))
            bar.set_postfix(loss=f"{history[-1]:.1e}")

        for start in range(0, adam_steps, each):
            state, values = adam(state, points, start, rates[start : start + each])
            advance(values)
            key, now = random.split(key)
            points = fresh_points(now, state.weights, points)
        weights, inverse = state.weights, jnp.eye(weights.size)
        for _ in range(0, bfgs_steps, each):
            weights, inverse, values = bfgs(weights, inverse, points, jnp.arange(each))
            advance(values)
            key, now = random.split(key)
            points = fresh_points(now, weights, points)
    return weights, history


def plot(found, path):
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    (field, error), (slices, curve) = axes
    t, x = np.linspace(0, 1, 100), np.linspace(-1, 1, 256)
    image = field.pcolormesh(t, x, found["u"].T, cmap="RdBu_r", vmin=-1, vmax=1, rasterized=True)
    figure.colorbar(image, ax=field)
    field.set_title("u(t, x) of the network")
    gap = np.abs(found["u"] - found["exact"])
    image = error.pcolormesh(
        t, x, np.log10(gap.T + 1e-9), cmap="viridis", vmin=-7, vmax=-2, rasterized=True
    )
    figure.colorbar(image, ax=error, label="log10", extend="both")
    error.set_title("Distance from the exact solution")
    for axis in (field, error):
        axis.set_xlabel("t")
        axis.set_ylabel("x")
    for i, colour in zip((25, 50, 74), ("tab:blue", "tab:orange", "tab:green"), strict=True):
        slices.plot(x, found["exact"][i], color="0.75", linewidth=5)
        slices.plot(x, found["u"][i], color=colour, label=f"t = {t[i]:.2f}")
    slices.set_xlabel("x")
    slices.set_ylabel("u")
    slices.set_title("The shock forms (grey: exact)")
    slices.legend()
    values = found["history"]
    curve.semilogy(np.arange(1, len(values) + 1), values, linewidth=1)
    curve.axvline(found["adam_steps"], color="0.7", linestyle="--")
    curve.text(found["adam_steps"], values[0], "  BFGS from here", color="0.4", va="bottom")
    curve.set_xlabel("step")
    curve.set_ylabel("mean squared residual, points in use")
    curve.set_title(f"Training; relative L2 error in the end {found['error']:.1e}")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(long=False, out=Path("out"), quiet=False, **options):
    with numax.enable_x64(True):
        if long:
            options = {"bfgs_steps": 4000} | options
        options = {"adam_steps": 200, "bfgs_steps": 1000, "count": 1000} | options
        start = time.perf_counter()
        weights, history = train(quiet=quiet, **options)
        elapsed = time.perf_counter() - start
        error, found, true = relative_error(weights)
    print(
        f"== Burgers' equation: {weights.size} weights, {options['count']} points in t, x in [0, 1]"
    )
    print(
        f"{options['adam_steps']} steps of Adam, {options['bfgs_steps']} of BFGS in {elapsed:.0f} s"
    )
    print(
        f"relative L2 error {error:.2e} (Raissi, Perdikaris and Karniadakis 2019: {PUBLISHED:.1e})"
    )
    result = {
        "weights": weights,
        "error": error,
        "u": found,
        "exact": true,
        "history": history,
        "seconds": elapsed,
    }
    result["adam_steps"] = options["adam_steps"]
    out.mkdir(parents=True, exist_ok=True)
    plot(result, out / "burgers.png")
    print(f"plot: {out / 'burgers.png'}")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="four times as many steps of BFGS")
    parser.add_argument("--out", type=Path, default=Path("out"))
    options = parser.parse_args()
    main(options.long, options.out)
