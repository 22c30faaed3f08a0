"""Letters at the borders of a picture, and its scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from myoseg.cases.case import Geometry
from myoseg.reporting.orientation import LONGEST_SCALE, borders_of, letters, scale_mm
from myoseg.reporting.view import view_of

OPPOSITE = dict(zip("RLAPHF", "LRPAFH", strict=True))
SHAPE = (2, 40, 50)


def borders_in(affine):
    geometry = Geometry(SHAPE, affine)
    return borders_of(geometry, view_of(np.ones(SHAPE, bool), geometry))


def test_an_axial_slice_has_the_right_on_the_left_and_the_front_on_top():
    borders = borders_in(np.diag([-1.0, -1.0, 8.0, 1.0]))
    assert (borders.left, borders.right, borders.top, borders.bottom) == ("R", "L", "A", "P")


@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_it_is_so_whichever_way_the_file_stores_it(signs):
    borders = borders_in(np.diag([float(signs[0]), float(signs[1]), 8.0, 1.0]))
    assert (borders.left, borders.right, borders.top, borders.bottom) == ("R", "L", "A", "P")


def test_an_oblique_direction_has_two_letters_and_a_slightly_turned_one_has_one():
    assert letters(np.array([-0.7, 0.7, 0.14])) in {"LA", "AL"}
    assert letters(np.array([-0.98, 0.2, 0.0])) == "L"


@given(
    turn=st.tuples(*[st.floats(-180, 180)] * 3),
    mirrored=st.booleans(),
    spacing=st.tuples(*[st.floats(0.5, 3)] * 2),
)
def test_borders_that_face_each_other_have_opposite_letters(turn, mirrored, spacing):
    affine = np.eye(4)
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    axes[:, 2] *= -1 if mirrored else 1
    affine[:3, :3] = axes * (*spacing, 8.0)
    borders = borders_in(affine)
    assert borders.left == "".join(OPPOSITE[letter] for letter in borders.right)
    assert borders.top == "".join(OPPOSITE[letter] for letter in borders.bottom)
    assert borders.left[0] in "RAH"
    assert borders.top[0] in "RAH"


@pytest.mark.parametrize(("width_mm", "bar_mm"), [(10.0, 5), (34.0, 10), (100.0, 20), (400.0, 100)])
def test_the_scale_bar_is_a_round_length_that_fits(width_mm, bar_mm):
    assert scale_mm(width_mm) == bar_mm
    assert bar_mm <= LONGEST_SCALE * width_mm or bar_mm == 5
