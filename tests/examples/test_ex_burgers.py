import mpmath
import numpy as np
import pytest

from numax import random

pytestmark = pytest.mark.slow

burgers = pytest.importorskip(
    "burgers", reason="matplotlib or tqdm is not installed: pip install 'numax[demo]'"
)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("burgers")
    values = burgers.main(out=folder, quiet=True, adam_steps=60, bfgs_steps=40, each=20, count=200)
    assert (folder / "burgers.png").stat().st_size > 10_000
    return values


@pytest.mark.parametrize("t, x", [(0.1, 0.5), (0.5, 0.05), (0.9, -0.7), (1.0, 0.01)])
def test_the_exact_solution_is_that_of_adaptive_quadrature(t, x):
    nu = mpmath.mpf(burgers.NU)

    def mass(z):
        y = x - z
        return mpmath.exp(-mpmath.cos(mpmath.pi * y) / (2 * mpmath.pi * nu) - z**2 / (4 * nu * t))

    pieces = mpmath.linspace(-1.5, 1.5, 61)
    top = mpmath.quad(lambda z: mass(z) * mpmath.sin(mpmath.pi * (x - z)), pieces)
    want = -top / mpmath.quad(mass, pieces)
    np.testing.assert_allclose(burgers.exact(t, np.array(x)), float(want), rtol=1e-5)


def test_the_residual_is_that_of_finite_differences(x64):
    weights = burgers.initial(random.key(5))
    u = lambda t, x: float(burgers.solution(weights, t, x))
    t, x, h = 0.4, 0.3, 1e-4
    u_t = (u(t + h, x) - u(t - h, x)) / (2 * h)
    u_x = (u(t, x + h) - u(t, x - h)) / (2 * h)
    u_xx = (u(t, x + h) - 2 * u(t, x) + u(t, x - h)) / h**2
    want = u_t + u(t, x) * u_x - burgers.NU * u_xx
    np.testing.assert_allclose(burgers.residual(weights, t, x), want, rtol=1e-6)


def test_initial_and_boundary_values_hold_for_any_weights():
    weights = burgers.initial(random.key(6))
    x = np.linspace(-1, 1, 9, dtype=np.float32)
    start = burgers.solutions(weights, np.zeros_like(x), x)
    np.testing.assert_allclose(start, -np.sin(np.pi * x), atol=1e-6)
    walls = [burgers.solution(weights, 0.7, side) for side in (-1.0, 1.0)]
    np.testing.assert_allclose(walls, 0.0, atol=1e-6)


def test_points_gather_where_the_residual_is_large(x64):
    weights = burgers.initial(random.key(7))
    even = burgers.jnp.zeros(400)
    points = burgers.fresh_points(random.key(8), weights, (even, even))
    t, x = np.asarray(random.uniform(random.key(9), (2, 400)))
    drawn = np.mean(np.asarray(burgers.residuals(weights, *points)) ** 2)
    assert drawn > 1.3 * np.mean(np.asarray(burgers.residuals(weights, t, x)) ** 2)


def test_training_lowers_the_residual(found, x64):
    assert len(found["history"]) == 100
    t, x = random.uniform(random.key(3), (2, 1000))
    before = burgers.residuals(burgers.initial(random.key(0)), t, x)
    after = burgers.residuals(found["weights"], t, x)
    assert np.mean(np.square(after)) < 0.5 * np.mean(np.square(before))


def test_bfgs_never_raises_the_loss(x64):
    weights = burgers.initial(random.key(1))
    points = tuple(random.uniform(random.key(2), (2, 100)))
    inverse, values = burgers.jnp.eye(weights.size), [float(burgers.loss(weights, points))]
    for _ in range(4):
        weights, inverse, after = burgers.bfgs(weights, inverse, points, np.arange(5))
        values.extend(float(v) for v in after)
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.5 * values[0]


def test_a_thousand_steps_come_closer_than_the_published_error(tmp_path):
    result = burgers.main(out=tmp_path, quiet=True, adam_steps=200, bfgs_steps=1000)
    assert result["error"] < burgers.PUBLISHED
