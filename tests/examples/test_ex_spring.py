import numpy as np
import pytest

import numax

spring = pytest.importorskip(
    "spring", reason="matplotlib or tqdm is not installed: pip install 'numax[demo]'"
)


def euler(k, steps):
    x, v, path = spring.START, 0.0, []
    for _ in range(steps):
        v -= spring.DT * k / spring.MASS * x
        x += spring.DT * v
        path.append(x)
    return np.array(path)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spring")
    values = spring.main(epochs=40, out=folder, quiet=True)
    assert (folder / "spring.png").stat().st_size > 10_000
    return values


def test_a_thousand_steps_are_those_of_a_loop(found):
    np.testing.assert_allclose(found["x"], euler(spring.TRUE_K, 1000), atol=2e-5)


def test_the_trajectory_follows_the_closed_form(found):
    assert found["gap"] < 0.011


def test_descent_through_the_simulation_finds_the_constant(found):
    assert abs(found["k"] - spring.TRUE_K) < 0.01
    losses = found["path"][:, 1]
    assert losses[-1] < 1e-4 * losses[0]


def test_the_slope_of_the_loss_is_that_of_finite_differences(x64):
    seen = spring.closed_form(4.0)
    gap = lambda k: np.mean((euler(k, 1000) - seen) ** 2)
    want = (gap(3.5 + 1e-5) - gap(3.5 - 1e-5)) / 2e-5
    np.testing.assert_allclose(numax.grad(spring.loss)(3.5, seen), want, rtol=1e-6)
