import numpy as np
import pytest

tour = pytest.importorskip("tour", reason="matplotlib is not installed: pip install 'numax[demo]'")


def branches(x, steps=4, start=0.3):
    """The polynomial in x that the tent map is on the path taken at x, as NumPy's polynomial."""
    one, slope = np.polynomial.Polynomial([1.0]), np.polynomial.Polynomial([0.0, 1.0])
    y = start * one
    for _ in range(steps):
        y = slope * y if y(x) < 0.5 else slope * (one - y)
    return y


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    values = tour.main(size=40, samples=50, out=folder)
    assert (folder / "tour.png").stat().st_size > 10_000
    return values


def test_assignment_is_refused_and_at_makes_a_new_array(found):
    assert ".at[" in found["immutability"]["message"]
    np.testing.assert_array_equal(found["immutability"]["x"], [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(found["immutability"]["y"], [10, 1, 2, 103, 104])


def test_eager_and_jit_agree_on_ten_rounds(found):
    assert found["eager"]["gap"] < 2e-6
    x = np.linspace(0.1, 0.9, 7)
    want = x
    for _ in range(10):
        want = np.sin(want) * np.cos(want) + want**0.5
    np.testing.assert_allclose(tour.rounds(tour.jnp.asarray(x, np.float32)), want, rtol=2e-6)


def test_a_key_reproduces_and_its_parts_differ(found):
    again, parts = found["keys"]["again"], found["keys"]["parts"]
    np.testing.assert_array_equal(*again)
    values = [np.asarray(v) for v in (again[0], *parts)]
    assert len(np.unique(np.concatenate(values))) == 9


def test_dtypes_promote_as_jax_says(found):
    names = {what: dtype.name for what, dtype in found["promotion"].items()}
    assert names == {
        "int32 + float32": "float32",
        "int32 + bfloat16": "bfloat16",
        "bfloat16 * 2.0": "bfloat16",
        "bfloat16 + float32": "float32",
        "int32 / int32": "float32",
    }


def test_masks_pick_eagerly_and_explain_themselves_under_jit(found):
    np.testing.assert_array_equal(found["boolean"]["picked"], [3, 4, 5])
    np.testing.assert_array_equal(found["boolean"]["clipped"], [3, 0, 4, 0, 5])
    np.testing.assert_array_equal(found["boolean"]["kept"], [3, 0, 4, 0, 5])
    assert "where" in found["boolean"]["message"]


@pytest.mark.parametrize("x", [1.1, 1.25, 1.4, 1.6, 1.7, 1.95])
def test_three_derivatives_through_scan_and_cond(x):
    want = branches(x)
    wanted = [want(x), *[want.deriv(n)(x) for n in (1, 2, 3)]]
    np.testing.assert_allclose(tour.derivatives(x)["values"], wanted, rtol=3e-5, atol=1e-5)


def test_mapped_derivatives_are_those_of_each_path(found):
    for x, *values in zip(found["derivatives"]["slopes"], *found["derivatives"]["curves"]):
        want = branches(float(x))
        wanted = [want(float(x)), *[want.deriv(n)(float(x)) for n in (1, 2, 3)]]
        np.testing.assert_allclose(values, wanted, rtol=3e-5, atol=1e-5)


def test_vmap_equals_the_loop(found):
    assert found["batches"]["gap"] < 5e-6


def test_pmap_shares_a_sum_over_the_devices(found):
    n = found["devices"]["devices"]
    x = np.arange(4.0 * n).reshape(n, 4)
    np.testing.assert_allclose(found["devices"]["share"], x / x.sum(), rtol=1e-6)
