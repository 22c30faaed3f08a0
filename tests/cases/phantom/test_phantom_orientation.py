import numpy as np
import pytest

from myoseg.cases.case import Geometry
from myoseg.cases.phantom.orientation import (
    ORIENTATIONS,
    Orientation,
    is_right_handed,
    with_slices_reversed,
)

AFFINE = np.array([[1.5, 0, 0.4, 7], [0.2, 2, 0, -3], [0, 0.1, 9, 11], [0, 0, 0, 1.0]])
GRID = Geometry((3, 4, 5), AFFINE)
VOLUME = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


def positions_by_value(volume, geometry):
    """The RAS position of each voxel, in the order of the voxels' values."""
    slice_, row, col = np.indices(volume.shape).reshape(3, -1)
    indices = np.stack([col, row, slice_, np.ones_like(row)])
    return (geometry.affine @ indices)[:3, np.argsort(volume.ravel())]


def test_there_are_eight_orientations_half_of_them_mirrored():
    assert len({each.of_volume(VOLUME).tobytes() for each in ORIENTATIONS}) == 8
    assert sum(each.mirrors for each in ORIENTATIONS) == 4


@pytest.mark.parametrize("turn", ORIENTATIONS)
def test_every_voxel_stays_where_it_is_in_the_patient(turn):
    turned, grid = turn.of_volume(VOLUME), turn.of_geometry(GRID)
    assert turned.shape == grid.shape
    np.testing.assert_allclose(positions_by_value(turned, grid), positions_by_value(VOLUME, GRID))


@pytest.mark.parametrize("turn", ORIENTATIONS)
def test_a_mirrored_orientation_changes_the_hand_and_reversed_slices_change_it_back(turn):
    grid = turn.of_geometry(GRID)
    assert is_right_handed(grid) == (is_right_handed(GRID) != turn.mirrors)
    assert is_right_handed(with_slices_reversed(grid)) != is_right_handed(grid)


def test_the_last_slice_comes_first_where_slices_are_reversed():
    np.testing.assert_allclose(
        positions_by_value(VOLUME[::-1], with_slices_reversed(GRID)),
        positions_by_value(VOLUME, GRID),
    )


@pytest.mark.parametrize("turn", ORIENTATIONS)
def test_a_shift_is_turned_with_its_image(turn):
    """A pixel two rows down and one column to the left of another remains so."""
    volume = np.zeros((1, 9, 9), dtype=np.float32)
    volume[0, 4, 4], volume[0, 6, 3] = 1, 2
    turned = turn.of_volume(volume)
    moved = np.argwhere(turned[0] == 2)[0] - np.argwhere(turned[0] == 1)[0]
    np.testing.assert_array_equal(turn.of_shifts(np.array([[2.0, -1.0]]))[0], moved)


def test_the_plain_orientation_changes_nothing():
    np.testing.assert_array_equal(Orientation().of_volume(VOLUME), VOLUME)
    np.testing.assert_array_equal(Orientation().of_geometry(GRID).affine, AFFINE)
