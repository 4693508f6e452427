"""A convolutional network reads handwritten digits: 8 x 8 pixels, bundled with scikit-learn.

    python examples/digits.py [--out FOLDER]

The network, its loss, Adam and the order of the images are written with numax alone; a step is one compiled program.
A fifth of the images is held out and seen only once training is over.
"""

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import numax.numpy as jnp
from numax import jit, lax, random, tree, value_and_grad

BATCH = 64


def images(key, held_out=360):
    """Images as (N, 8, 8, 1) in [0, 1] and labels: those to train on, those held out."""
    data = load_digits()
    order = random.permutation(key, len(data.target))
    x = jnp.asarray(data.images[..., None] / 16.0, jnp.float32)[order]
    y = jnp.asarray(data.target, jnp.int32)[order]
    return (x[held_out:], y[held_out:]), (x[:held_out], y[:held_out])


def initial(key):
    """Weights scaled for ReLU (He), biases 0."""
    shapes = {
        "conv1": (3, 3, 1, 16),
        "conv2": (3, 3, 16, 32),
        "dense1": (512, 64),
        "dense2": (64, 10),
    }
    keys = random.split(key, len(shapes))
    return {
        name: {
            "w": random.normal(k, shape) * np.sqrt(2 / np.prod(shape[:-1])),
            "b": jnp.zeros(shape[-1]),
        }
        for k, (name, shape) in zip(keys, shapes.items())
    }


def convolve(layer, x):
    y = lax.conv_general_dilated(
        x, layer["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return jnp.maximum(y + layer["b"], 0)


def logits(params, x):
    x = convolve(params["conv1"], x)
    x = convolve(params["conv2"], x)
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = jnp.reshape(x, (x.shape[0], -1))
    x = jnp.maximum(x @ params["dense1"]["w"] + params["dense1"]["b"], 0)
    return x @ params["dense2"]["w"] + params["dense2"]["b"]


def loss(params, x, y):
    """Cross entropy, in nats."""
    z = logits(params, x)
    z = z - jnp.max(z, axis=1, keepdims=True)
    log_p = z - jnp.log(jnp.sum(jnp.exp(z), axis=1, keepdims=True))
    return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], axis=1))


def shifted(key, x):
    """Each image moved by up to a pixel, both ways, so that the network learns shapes, not places."""
    dy, dx = random.randint(key, (2, x.shape[0]), -1, 2)
    padded = jnp.pad(x[..., 0], ((0, 0), (1, 1), (1, 1)))
    rows = jnp.arange(8) + 1 + dy[:, None]
    columns = jnp.arange(8) + 1 + dx[:, None]
    image = jnp.arange(x.shape[0])
    return padded[image[:, None, None], rows[:, :, None], columns[:, None, :]][..., None]


def adam(state, g, rate):
    params, mean, square, count = state
    count = count + 1
    mean = tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, g)
    square = tree.map(lambda s, g: 0.999 * s + 0.001 * g**2, square, g)
    size = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    params = tree.map(lambda p, m, s: p - size * m / (jnp.sqrt(s) + 1e-8), params, mean, square)
    return params, mean, square, count


@jit
def step(state, key, x, y, chosen, rate):
    value, g = value_and_grad(loss)(state[0], shifted(key, x[chosen]), y[chosen])
    return adam(state, g, rate), value


def epoch(state, key, x, y, rate):
    """One pass over the images in a new order. Returns the state and the mean loss.

    The loop is Python's: XLA's CPU compiler gives convolutions inside a compiled loop a slower kernel.
    """
    first, second = random.split(key)
    batches = x.shape[0] // BATCH
    order = random.permutation(first, x.shape[0])[: batches * BATCH].reshape(batches, BATCH)
    values = []
    for chosen, key in zip(order, random.split(second, batches)):
        state, value = step(state, key, x, y, chosen, rate)
        values.append(value)
    return state, jnp.mean(jnp.stack(values))


@jit
def guesses(params, x):
    return jnp.argmax(logits(params, x), axis=1)


def train(x, y, key, epochs=30, quiet=False):
    first, key = random.split(key)
    params = initial(first)
    zeros = tree.map(jnp.zeros_like, params)
    state = (params, zeros, zeros, jnp.zeros((), jnp.int32))
    losses = []
    with tqdm(range(epochs), desc="digits", unit="epoch", disable=quiet) as bar:
        for i in bar:
            rate = 1e-3 * (1 + np.cos(np.pi * i / epochs))
            state, value = epoch(state, random.fold_in(key, i), x, y, rate)
            losses.append(float(value))
            bar.set_postfix(loss=f"{losses[-1]:.4f}")
    return state[0], losses


def plot(found, path):
    figure = plt.figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(2, 3))
    axes = left.subplots()
    axes.semilogy(np.arange(1, len(found["losses"]) + 1), found["losses"])
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss (nats)")
    axes.set_title(f"Held out: {100 * found['accuracy']:.1f}% right")
    right.suptitle("Held-out images: read as (true label where wrong)", fontsize="large")
    wrong = np.flatnonzero(found["guess"] != found["label"])
    shown = np.concatenate([wrong, np.flatnonzero(found["guess"] == found["label"])])[:24]
    for axes, i in zip(right.subplots(3, 8).flat, shown, strict=True):
        guess, label = found["guess"][i], found["label"][i]
        axes.imshow(found["image"][i, ..., 0], cmap="gray_r")
        axes.set_title(f"{guess}" if guess == label else f"{guess} ({label})", fontsize="small")
        axes.title.set_color("black" if guess == label else "tab:red")
        axes.set_axis_off()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(epochs=30, seed=0, out=Path("out"), quiet=False):
    first, second = random.split(random.key(seed))
    (x, y), (held_x, held_y) = images(first)
    start = time.perf_counter()
    params, losses = train(x, y, second, epochs, quiet)
    elapsed = time.perf_counter() - start
    guess = guesses(params, held_x)
    accuracy = float(jnp.mean(guess == held_y))
    weights = sum(leaf.size for leaf in tree.leaves(params))
    print(
        f"== Handwritten digits: {weights} weights, {len(y)} images to train on, {len(held_y)} held out"
    )
    print(
        f"{100 * accuracy:.2f}% of the held-out images are read rightly ({epochs} epochs in {elapsed:.1f} s)"
    )
    found = {"accuracy": accuracy, "losses": losses, "params": params}
    found |= {"guess": np.asarray(guess), "label": np.asarray(held_y), "image": np.asarray(held_x)}
    out.mkdir(parents=True, exist_ok=True)
    plot(found, out / "digits.png")
    print(f"plot: {out / 'digits.png'}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"))
    main(out=parser.parse_args().out)
