import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays

from myoseg.quantification.overlap import overlap

GRID = (2, 3, 3)
MASKS = arrays(bool, GRID)


def box(*ranges, grid=GRID):
    mask = np.zeros(grid, bool)
    mask[tuple(slice(*r) for r in ranges)] = True
    return mask


def test_two_cubes_a_slice_apart_share_two_thirds_by_dice_and_half_by_jaccard():
    one = box((0, 3), (0, 3), (0, 3), grid=(4, 3, 3))
    other = box((1, 4), (0, 3), (0, 3), grid=(4, 3, 3))
    counts = overlap(one, other)
    assert (counts.n_predicted, counts.n_true, counts.n_common) == (27, 27, 18)
    assert counts.dice == 36 / 54
    assert counts.jaccard == 18 / 36


def test_two_empty_masks_have_no_overlap_to_speak_of():
    empty = np.zeros(GRID, bool)
    assert overlap(empty, empty).dice is None
    assert overlap(empty, empty).jaccard is None


def test_one_empty_mask_scores_zero():
    empty, full = np.zeros(GRID, bool), np.ones(GRID, bool)
    assert overlap(empty, full).dice == overlap(full, empty).dice == 0
    assert overlap(empty, full).jaccard == overlap(full, empty).jaccard == 0


@given(MASKS.filter(np.any))
def test_a_mask_agrees_with_itself(mask):
    assert overlap(mask, mask).dice == overlap(mask, mask).jaccard == 1


@given(MASKS, MASKS)
def test_swapping_prediction_and_truth_changes_neither_dice_nor_jaccard(one, other):
    forth, back = overlap(one, other), overlap(other, one)
    assert (forth.dice, forth.jaccard) == (back.dice, back.jaccard)


@given(MASKS, MASKS)
def test_dice_follows_from_jaccard(one, other):
    counts = overlap(one, other)
    if counts.jaccard is None:
        assert counts.dice is None
    else:
        assert np.isclose(counts.dice, 2 * counts.jaccard / (1 + counts.jaccard))
