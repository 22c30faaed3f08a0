import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.case import Geometry
from myoseg.reporting.view import MOST_ASKED, grey_window, slices_to_show, view_of


def geometry(shape, col_mm=-1.0, row_mm=-1.0):
    return Geometry(shape, np.diag([col_mm, row_mm, 10.0, 1.0]))


def test_the_heart_is_framed_by_a_square_with_a_margin():
    heart = np.zeros((1, 200, 300), bool)
    heart[0, 50:90, 100:200] = True
    view = view_of(heart, geometry(heart.shape))
    assert view.shape == (130, 130), "100 pixels and 15 of margin on either side"
    assert (view.cols.start, view.cols.stop) == (85, 215)
    assert view.rows.start == 5, "centred on row 70"


def test_a_frame_is_square_in_millimetres():
    heart = np.zeros((1, 200, 300), bool)
    heart[0, 50:90, 100:200] = True
    view = view_of(heart, geometry(heart.shape, row_mm=-2.0))
    assert view.shape == (65, 130)
    assert view.height_per_width == 1


def test_without_a_heart_all_of_the_plane_is_shown():
    view = view_of(np.zeros((3, 20, 30), bool), geometry((3, 20, 30)))
    assert view.shape == (20, 30)


@given(st.integers(0, 19), st.integers(0, 29))
def test_the_frame_lies_in_the_plane_and_holds_the_heart(row, col):
    heart = np.zeros((1, 20, 30), bool)
    heart[0, row, col] = True
    view = view_of(heart, geometry(heart.shape))
    assert view.of(heart[0]).sum() == 1
    assert 0 <= view.rows.start < view.rows.stop <= 20
    assert 0 <= view.cols.start < view.cols.stop <= 30


def test_a_picture_has_the_patients_right_on_the_left_and_the_front_on_top():
    """Columns run to the left (RAS: -x) and rows to the back (-y), or are mirrored."""
    plane = np.array([[1, 2], [3, 4]], np.float32)
    nothing = np.zeros((1, 2, 2), bool)
    kept = view_of(nothing, geometry((1, 2, 2))).of(plane)
    assert kept.tolist() == [[1, 2], [3, 4]]
    turned = view_of(nothing, geometry((1, 2, 2), col_mm=1.0, row_mm=1.0)).of(plane)
    assert turned.tolist() == [[4, 3], [2, 1]]
    mirrored = view_of(nothing, geometry((1, 2, 2), col_mm=1.0)).of(plane)
    assert mirrored.tolist() == [[2, 1], [4, 3]]


def test_greys_run_from_the_first_to_the_ninety_ninth_percentile():
    volume = np.arange(101, dtype=np.float32).reshape(1, 1, 101)
    assert grey_window(volume) == pytest.approx((1, 99))


def test_of_a_large_volume_every_other_row_and_column_tells_the_window():
    volume = np.random.default_rng(0).uniform(0, 100, (4, 200, 200)).astype(np.float32)
    assert volume.size > MOST_ASKED
    assert grey_window(volume) == pytest.approx((1, 99), abs=0.3)
    volume[:, 1::2] = volume[:, :, 1::2] = np.nan
    assert grey_window(volume) == pytest.approx((1, 99), abs=0.3)


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_a_volume_without_contrast_still_has_a_window(value):
    low, high = grey_window(np.full((1, 2, 2), value, np.float32))
    assert low < high


def test_only_slices_that_cut_the_heart_are_shown_evenly_spread():
    heart = np.zeros((12, 2, 2), bool)
    heart[2:11] = True
    assert slices_to_show(heart, 20) == tuple(range(2, 11))
    assert slices_to_show(heart, 3) == (2, 6, 10)
    assert slices_to_show(np.zeros((3, 2, 2), bool), 20) == (0, 1, 2)
