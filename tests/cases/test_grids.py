from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.case import Geometry
from myoseg.cases.grids import corner_distance_mm, require_same_grid, same_grid
from myoseg.errors import GeometryError

AFFINE = np.diag([0.75, 0.75, 12.0, 1.0])
GRID = Geometry((4, 256, 256), AFFINE)


def moved(**shift_mm: float) -> Geometry:
    affine = AFFINE.copy()
    affine[:3, 3] = [shift_mm.get(axis, 0.0) for axis in "xyz"]
    return Geometry(GRID.shape, affine)


@given(noise=st.lists(st.floats(-3e-5, 3e-5), min_size=12, max_size=12))
def test_rounding_of_affines_is_no_difference(noise):
    affine = AFFINE.copy()
    affine[:3] += np.reshape(noise, (3, 4))
    assert same_grid(GRID, Geometry(GRID.shape, affine))


@given(x=st.floats(-50, 50), y=st.floats(-50, 50), z=st.floats(-50, 50))
def test_the_distance_of_shifted_grids_is_the_shift(x, y, z):
    assert corner_distance_mm(GRID, moved(x=x, y=y, z=z)) == pytest.approx(
        np.hypot(np.hypot(x, y), z)
    )


def test_the_message_has_both_files_both_shapes_and_the_distance():
    other = Geometry((5, 256, 256), AFFINE)
    with pytest.raises(GeometryError) as caught:
        require_same_grid(Path("a_T2.nii.gz"), GRID, Path("a_C0.nii.gz"), other)
    assert str(caught.value) == (
        "a_T2.nii.gz is 256x256x4 but a_C0.nii.gz is 256x256x5, and their corners lie up to 12 mm "
        "apart; resample both to one grid."
    )


def test_a_shift_by_a_millimetre_is_told():
    with pytest.raises(GeometryError, match="up to 1 mm apart"):
        require_same_grid(Path("a"), GRID, Path("b"), moved(y=1.0))


def test_a_mirrored_grid_is_another_grid():
    mirrored = Geometry(GRID.shape, AFFINE @ np.diag([-1.0, 1, 1, 1]))
    with pytest.raises(GeometryError):
        require_same_grid(Path("a"), GRID, Path("b"), mirrored)


def test_the_thickness_of_single_slices_does_not_matter():
    thick = np.diag([0.75, 0.75, 20.0, 1.0])
    assert same_grid(Geometry((1, 9, 9), AFFINE), Geometry((1, 9, 9), thick))
