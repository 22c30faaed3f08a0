import numpy as np
import pytest
import torch
from torch import nn

from myoseg.prediction.cascade.votes import ALL_VIEWS, FOUR_VIEWS, ONE_VIEW, SLICES_AT_ONCE, vote

CPU = torch.device("cpu")


class PixelByPixel(nn.Module):
    """Says of a pixel what the pixel is; turns and mirrors change nothing."""

    def forward(self, images):
        return images[:, :1]


class LeftHalf(nn.Module):
    """Sees the target in the left half of whatever it is shown."""

    def forward(self, images):
        logits = torch.full_like(images[:, :1], -20.0)
        logits[..., : images.shape[-1] // 2] = 20.0
        return logits


def images_of(n_slices=2, size=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n_slices, 3, size, size)).astype(np.float32)


@pytest.mark.parametrize("views", [ONE_VIEW, FOUR_VIEWS, ALL_VIEWS])
def test_views_are_turned_back(views):
    images = images_of()
    votes = vote(PixelByPixel(), images, views, CPU)
    assert np.allclose(votes.mean, 1 / (1 + np.exp(-images[:, :1])), atol=1e-6)
    assert np.allclose(votes.spread, 0, atol=1e-6)


def test_all_views_are_the_eight_that_there_are():
    image = np.arange(9, dtype=np.float32).reshape(3, 3)
    seen = {
        np.rot90(image[:, ::-1] if mirrored else image, turns).tobytes()
        for turns, mirrored in ALL_VIEWS
    }
    assert len(seen) == len(ALL_VIEWS) == 8


def test_views_that_contradict_each_other_give_a_half_and_the_largest_spread():
    votes = vote(LeftHalf(), images_of(), ALL_VIEWS, CPU)
    assert np.allclose(votes.mean, 0.5, atol=1e-6)
    assert np.allclose(votes.spread, 0.5, atol=1e-6)


def test_a_long_stack_is_asked_about_in_parts_and_none_is_lost():
    images = images_of(n_slices=2 * SLICES_AT_ONCE + 3)
    assert vote(PixelByPixel(), images, ONE_VIEW, CPU).mean.shape == (len(images), 1, 8, 8)
