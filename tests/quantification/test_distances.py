import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

from myoseg.quantification.distances import surface_distances

SPACING_MM = (10.0, 2.0, 1.0)
GRID = (3, 4, 5)
MASKS = arrays(bool, GRID).filter(np.any)


def voxel(*index):
    mask = np.zeros(GRID, bool)
    mask[index] = True
    return mask


def test_two_voxels_are_as_far_apart_as_pythagoras_says():
    found = surface_distances(voxel(0, 0, 0), voxel(1, 2, 3), SPACING_MM)
    assert np.isclose(found.hd95_mm, np.sqrt(10**2 + 4**2 + 3**2))
    assert np.isclose(found.assd_mm, np.sqrt(125))


def test_two_bars_shifted_by_one_row():
    one, other = np.zeros((1, 4, 1), bool), np.zeros((1, 4, 1), bool)
    one[:, :3], other[:, 1:] = True, True
    found = surface_distances(one, other, SPACING_MM)
    assert np.isclose(found.hd95_mm, 1.8), "95th percentile of 0, 0, 2 mm lies at 0.9 x 2 mm"
    assert np.isclose(found.assd_mm, 4 / 6), "2, 0, 0 mm one way and 0, 0, 2 mm the other"


def test_two_cubes_shifted_by_one_slice():
    """26 surface voxels each: 9 lie 10 mm off, 16 coincide, and the face's centre is 1 mm off."""
    one, other = np.zeros((6, 5, 5), bool), np.zeros((6, 5, 5), bool)
    one[1:4, 1:4, 1:4], other[2:5, 1:4, 1:4] = True, True
    found = surface_distances(one, other, SPACING_MM)
    assert np.isclose(found.hd95_mm, 10)
    assert np.isclose(found.assd_mm, (9 * 10 + 1) / 26)


@pytest.mark.parametrize("which", [(0, 1), (1, 0), (0, 0)])
def test_an_empty_mask_has_no_surface_to_measure_from(which):
    masks = np.zeros(GRID, bool), np.ones(GRID, bool)
    assert surface_distances(masks[which[0]], masks[which[1]], SPACING_MM) is None


@given(MASKS)
@settings(max_examples=15)
def test_a_mask_is_nowhere_off_itself(mask):
    found = surface_distances(mask, mask, SPACING_MM)
    assert (found.hd95_mm, found.assd_mm) == (0, 0)


@given(MASKS, MASKS)
@settings(max_examples=15)
def test_swapping_prediction_and_truth_changes_no_distance(one, other):
    forth = surface_distances(one, other, SPACING_MM)
    back = surface_distances(other, one, SPACING_MM)
    assert np.isclose(forth.hd95_mm, back.hd95_mm)
    assert np.isclose(forth.assd_mm, back.assd_mm)


@given(MASKS, MASKS, st.floats(0.1, 20))
@settings(max_examples=15)
def test_distances_scale_with_the_voxels(one, other, factor):
    small = surface_distances(one, other, SPACING_MM)
    large = surface_distances(one, other, tuple(factor * length for length in SPACING_MM))
    assert np.isclose(large.hd95_mm, factor * small.hd95_mm, rtol=1e-4)
    assert np.isclose(large.assd_mm, factor * small.assd_mm, rtol=1e-4)


@given(MASKS, MASKS)
@settings(max_examples=15)
def test_empty_surroundings_change_no_distance(one, other):
    padded = [np.pad(mask, ((2, 0), (1, 3), (0, 2))) for mask in (one, other)]
    assert surface_distances(*padded, SPACING_MM) == surface_distances(one, other, SPACING_MM)


@given(st.data(), array_shapes(min_dims=3, max_dims=3, max_side=7))
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_distances_are_those_of_monai(data, grid):
    masks = [data.draw(arrays(bool, grid).filter(np.any)) for _ in range(2)]
    found = surface_distances(*masks, SPACING_MM)
    pair = [torch.from_numpy(mask)[None, None] for mask in masks]
    options = {"include_background": True, "spacing": SPACING_MM}
    hd95 = compute_hausdorff_distance(*pair, percentile=95, **options)
    assd = compute_average_surface_distance(*pair, symmetric=True, **options)
    assert np.isclose(found.hd95_mm, float(hd95), rtol=1e-5)
    assert np.isclose(found.assd_mm, float(assd), rtol=1e-5)
