"""What detectors do with boxes, by hand and against torchvision and the project's own operators."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.networks import torchvision_operators as operators
from myoseg.networks.mask_rcnn import probability_map
from myoseg.prediction.engines.boxes import (
    anchors_of,
    best_of,
    clipped,
    large_enough,
    level_of,
    shifted,
)
from myoseg.prediction.engines.pasting import pasted
from myoseg.prediction.engines.region_sampling import sampled
from myoseg.prediction.engines.suppression import Suppression

SEEDS = st.integers(0, 2**32 - 1)
NO_BOXES = np.zeros((0, 4), dtype=np.float32)


def boxes_of(*rows):
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def drawn_boxes(rng, n_boxes, size=60.0):
    corners = rng.uniform(-0.1 * size, size, (n_boxes, 2))
    sides = rng.exponential(size / 4, (n_boxes, 2))
    return np.concatenate([corners, corners + sides], axis=1).astype(np.float32)


def test_anchors_stand_about_each_point_of_the_grid():
    found = anchors_of(8, (1, 2), (32, 4))
    # Aspect 1/2: 8 sqrt(2) = 11.3 wide and 5.7 high, halves rounded to 6 and 3.
    assert found.tolist() == [
        *([-6, -3, 6, 3], [-4, -4, 4, 4], [-3, -6, 3, 6]),
        *([-2, -3, 10, 3], [0, -4, 8, 4], [1, -6, 7, 6]),
    ]


def test_a_shift_is_of_the_centre_over_the_size_and_of_the_size_s_logarithm():
    box = boxes_of([0, 0, 10, 20])
    np.testing.assert_array_equal(
        shifted(box, np.zeros((1, 4), np.float32), (1.0, 1.0, 1.0, 1.0)), box
    )
    # Centre (5, 10) to (5 + .5 x 10, 10 + .1 x 20); half as high.
    shift = np.array([[5, 1, 0, 5 * np.log(0.5)]], dtype=np.float32)
    found = shifted(box, shift, (10.0, 10.0, 5.0, 5.0))
    np.testing.assert_allclose(found, [[5, 7, 15, 17]], rtol=1e-6)


def test_no_shift_enlarges_a_box_beyond_a_thousand_sixteenths():
    found = shifted(boxes_of([0, 0, 16, 16]), np.array([[0, 0, 99, 0]], np.float32), (1.0,) * 4)
    np.testing.assert_allclose(found, [[-492, 0, 508, 16]], rtol=1e-5)


def test_boxes_end_with_the_image():
    assert clipped(boxes_of([-2, -3, 50, 60]), (40, 30)).tolist() == [[0, 0, 30, 40]]
    assert large_enough(boxes_of([0, 0, 2, 2], [0, 0, 2, 0.5]), 1.0).tolist() == [True, False]


def test_a_box_of_the_canonical_size_is_read_from_the_third_level():
    sides = [10, 111, 112.1, 224, 448, 4000]
    boxes = boxes_of(*([0, 0, side, side] for side in sides))
    assert level_of(boxes, 4).tolist() == [0, 0, 1, 2, 3, 3]
    assert level_of(boxes_of([3, 3, 3, 3]), 4).tolist() == [0]


def test_the_surest_of_overlapping_boxes_remains():
    boxes = boxes_of([0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10])
    sets = [(boxes, np.array([0.5, 0.9, 0.7], np.float32)), (NO_BOXES, np.zeros(0, np.float32))]
    kept = best_of(sets, 5, Suppression(0.5, 1))
    assert [each.tolist() for each in kept] == [[1, 2], []]
    assert best_of(sets, 1, Suppression(0.5, 1))[0].tolist() == [1]
    assert best_of(sets, 5, Suppression(0.95, 1))[0].tolist() == [1, 2, 0]
    assert [len(each) for each in best_of(sets[1:], 5, Suppression(0.5, 1))] == [0]


def test_a_box_that_shares_exactly_the_limit_remains():
    boxes = boxes_of([0, 0, 4, 4], [0, 0, 4, 2])
    sets = [(boxes, np.array([0.9, 0.8], dtype=np.float32))]
    assert best_of(sets, 5, Suppression(0.5, 1))[0].tolist() == [0, 1]


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_suppression_keeps_what_the_operator_keeps(seed):
    rng = np.random.default_rng(seed)
    sets = [
        (drawn_boxes(rng, n_boxes), rng.permutation(n_boxes).astype(np.float32) / 100)
        for n_boxes in (0, 1, 37)
    ]
    found = best_of(sets, 99, Suppression(0.3, 1))
    for (boxes, scores), kept in zip(sets, found, strict=True):
        expected = operators.nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.3)
        assert kept.tolist() == expected.tolist()


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from([7, 14]), st.integers(1, 20), st.integers(1, 20))
def test_sampling_is_roi_align(seed, n_bins, n_rows, n_cols):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(n_rows, n_cols, 3)).astype(np.float32)
    boxes = drawn_boxes(rng, 6, 4 * max(n_rows, n_cols))
    rois = np.concatenate([np.zeros((6, 1), np.float32), boxes], axis=1)
    features = torch.from_numpy(maps).permute(2, 0, 1)[None]
    shape = (0.25, n_bins, n_bins, 2, False)
    expected = operators.roi_align(features, torch.from_numpy(rois), *shape).permute(0, 2, 3, 1)
    np.testing.assert_allclose(sampled(maps, boxes, 0.25, n_bins), expected, atol=1e-4)


def test_a_ramp_is_sampled_at_the_bins_centres():
    maps = np.tile(np.arange(20, dtype=np.float32)[None, :, None], (20, 1, 1))
    found = sampled(maps, boxes_of([8, 8, 36, 36]), 0.5, 7)
    # Columns 4 to 18 of the map in seven bins of two.
    np.testing.assert_allclose(found[0, 3, :, 0], [5, 7, 9, 11, 13, 15, 17], rtol=1e-6)


def test_no_boxes_have_no_values():
    assert sampled(np.ones((4, 4, 2), np.float32), NO_BOXES, 1.0, 7).shape == (0, 7, 7, 2)


def test_nothing_detected_is_probability_zero():
    masks, scores = np.zeros((0, 28, 28), np.float32), np.zeros(0, np.float32)
    assert pasted(masks, NO_BOXES, scores, (3, 4)).tolist() == [[0.0] * 4] * 3


def test_a_full_mask_fills_its_box_with_its_score():
    found = pasted(
        np.ones((1, 28, 28), np.float32), boxes_of([4, 8, 32, 36]), np.float32([0.75]), (40, 40)
    )
    np.testing.assert_allclose(found[9:35, 5:31], 0.75)
    assert not found[:7].any()
    assert not found[:, 34:].any()


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_pasting_is_torchvision_s_and_the_surest_counts(seed):
    operators.ensure_torchvision()
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    rng = np.random.default_rng(seed)
    boxes = clipped(drawn_boxes(rng, 5, 40), (32, 48))
    masks = rng.uniform(size=(5, 28, 28)).astype(np.float32)
    scores = rng.uniform(size=5).astype(np.float32)
    reference = paste_masks_in_image(
        torch.from_numpy(masks)[:, None], torch.from_numpy(boxes), (32, 48)
    )
    expected = probability_map({"scores": torch.from_numpy(scores), "masks": reference}, 32, 48)
    found = pasted(masks, boxes, scores, (32, 48))
    np.testing.assert_allclose(found, expected[0], atol=1e-5)


@pytest.mark.parametrize("size", [(32, 32), (64, 96)])
def test_anchors_are_torchvision_s(size):
    operators.ensure_torchvision()
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.image_list import ImageList

    generator = AnchorGenerator(((16,),), ((0.5, 1.0, 2.0),))
    images = ImageList(torch.zeros(1, 3, *size), [size])
    grid = (size[0] // 8, size[1] // 8)
    expected = generator(images, [torch.zeros(1, 1, *grid)])[0]
    np.testing.assert_array_equal(anchors_of(16, grid, (8, 8)), expected)
