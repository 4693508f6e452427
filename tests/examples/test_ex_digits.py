import numpy as np
import pytest
from scipy.ndimage import shift

from numax import random

digits = pytest.importorskip(
    "digits", reason="scikit-learn, matplotlib or tqdm is not installed: pip install 'numax[demo]'"
)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    values = digits.main(epochs=12, out=folder, quiet=True)
    assert (folder / "digits.png").stat().st_size > 10_000
    return values


def test_most_held_out_images_are_read_rightly(found):
    assert found["accuracy"] >= 0.95
    assert found["accuracy"] == np.float32(np.mean(found["guess"] == found["label"]))


@pytest.mark.slow
def test_the_whole_training_reads_97_of_100_images(tmp_path):
    assert digits.main(out=tmp_path, quiet=True)["accuracy"] >= 0.97


def test_training_lowers_the_loss(found):
    assert found["losses"][-1] < 0.15 * found["losses"][0]


def test_images_are_split_without_overlap_and_reproducibly():
    (x, _), (held, labels) = digits.images(random.key(3))
    again = digits.images(random.key(3))[1][1]
    assert x.shape == (1437, 8, 8, 1)
    assert held.shape == (360, 8, 8, 1)
    np.testing.assert_array_equal(labels, again)
    total = float(x.sum()) + float(held.sum())
    assert total == pytest.approx(digits.load_digits().images.sum() / 16, rel=1e-5)


def test_shifted_images_are_the_images_moved_by_a_pixel_at_most():
    x = np.asarray(digits.images(random.key(0))[1][0][:50])
    moved = np.asarray(digits.shifted(random.key(1), digits.jnp.asarray(x)))[..., 0]
    places = set()
    for before, after in zip(x[..., 0], moved):
        fits = [
            (i, j)
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
            if np.array_equal(shift(before, (i, j), order=0), after)
        ]
        assert fits
        places.update(fits)
    assert len(places) > 5


def test_cross_entropy_of_equal_scores_is_log_ten(found):
    params = digits.tree.map(np.zeros_like, found["params"])
    value = digits.loss(params, found["image"][:20], found["label"][:20])
    np.testing.assert_allclose(value, np.log(10), rtol=1e-6)
