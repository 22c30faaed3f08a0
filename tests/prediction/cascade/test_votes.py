import numpy as np
import pytest

from myoseg.prediction.cascade.votes import ALL_VIEWS, FOUR_VIEWS, ONE_VIEW, Votes, vote


def pixel_by_pixel(images):
    """Says of a pixel what the pixel is; turns and mirrors change nothing."""
    return images[:, :1]


def left_half(images):
    """Sees the target in the left half of whatever it is shown."""
    found = np.zeros_like(images[:, :1])
    found[..., : images.shape[-1] // 2] = 1
    return found


def images_of(n_slices=2, size=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n_slices, 3, size, size)).astype(np.float32)


@pytest.mark.parametrize("views", [ONE_VIEW, FOUR_VIEWS, ALL_VIEWS])
def test_views_are_turned_back(views):
    images = images_of()
    votes = vote(pixel_by_pixel, images, views)
    assert np.allclose(votes.mean, images[:, :1], atol=1e-6)
    assert np.allclose(votes.spread, 0, atol=1e-6)


def test_all_views_are_the_eight_that_there_are():
    image = np.arange(9, dtype=np.float32).reshape(3, 3)
    seen = {
        np.rot90(image[:, ::-1] if mirrored else image, turns).tobytes()
        for turns, mirrored in ALL_VIEWS
    }
    assert len(seen) == len(ALL_VIEWS) == 8


def test_views_that_contradict_each_other_give_a_half_and_the_largest_spread():
    votes = vote(left_half, images_of(), ALL_VIEWS)
    assert np.allclose(votes.mean, 0.5, atol=1e-6)
    assert np.allclose(votes.spread, 0.5, atol=1e-6)


def test_parts_of_the_views_asked_apart_have_the_mean_of_all_and_the_spread_within_them():
    def uneven(images):
        return np.cumsum(images[:, :1], axis=-1)

    at_once = vote(uneven, images_of(), ALL_VIEWS)
    parts = [vote(uneven, images_of(), ALL_VIEWS[k::2]) for k in (0, 1)]
    apart = Votes.together(parts)
    np.testing.assert_allclose(apart.mean, at_once.mean, atol=1e-5)
    between = np.std([each.mean for each in parts], axis=0)
    within = np.sqrt(np.maximum(at_once.spread**2 - between**2, 0))
    np.testing.assert_allclose(apart.spread, within, atol=1e-3)
    assert Votes.together(parts[:1]) is parts[0]


def test_every_other_view_is_turned_and_mirrored_as_often_as_the_rest():
    for part in (ALL_VIEWS[::2], ALL_VIEWS[1::2]):
        assert sum(mirrored for _, mirrored in part) == 2
        assert sum(turns % 2 for turns, _ in part) == 2
