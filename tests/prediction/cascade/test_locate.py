import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.prediction.cascade.locate import MOST_STRETCHED, find_heart, frame_around

SQUARE_MM = (1.0, 1.0)


def ellipse(shape, centre, radii):
    rows, cols = np.indices(shape)
    distance = ((rows - centre[0]) / radii[0]) ** 2 + ((cols - centre[1]) / radii[1]) ** 2
    return (distance <= 1).astype(np.float32)


def stack_of(*planes):
    return np.stack(planes)


NOTHING = np.zeros((80, 100), np.float32)


def test_a_disc_in_every_slice_is_found_with_its_diameter():
    """Radius 10: 20 pixels across."""
    disc = ellipse((80, 100), (30, 60), (10, 10))
    heart = find_heart(stack_of(disc, disc, disc), np.zeros((3, 80, 100), np.float32), SQUARE_MM)
    assert heart.epicardium_px == heart.centre_px == (30.0, 60.0)
    assert heart.diameter_px == pytest.approx((20, 20), rel=0.03)
    assert heart.n_slices == 3
    assert heart.evidence == pytest.approx(1.0)


def test_evidence_is_the_same_in_every_other_slice():
    """Half the slices show a disc of which the network is sure to .8: .4."""
    disc, nothing = 0.8 * ellipse((80, 100), (30, 60), (10, 10)), np.zeros((80, 100), np.float32)
    stack = np.repeat(stack_of(disc, nothing, disc, nothing), 2, axis=0)
    for some in (stack, stack[::2]):
        heart = find_heart(some, np.zeros_like(some), SQUARE_MM)
        assert heart.evidence == pytest.approx(0.4)


def test_no_heart_is_found_where_none_is_and_where_nothing_exceeds_a_half():
    for height in (0.0, 0.4):
        empty = np.full((2, 40, 40), height, np.float32)
        assert find_heart(empty, np.zeros_like(empty), SQUARE_MM) is None


def test_a_ring_in_one_slice_does_not_outweigh_the_heart_in_three():
    heart_disc = ellipse((80, 100), (30, 60), (10, 10))
    other = ellipse((80, 100), (60, 20), (12, 12))
    stack = stack_of(heart_disc, np.maximum(heart_disc, other), heart_disc)
    assert find_heart(stack, np.zeros_like(stack), SQUARE_MM).centre_px == (30.0, 60.0)


def test_the_middle_of_both_ventricles_takes_in_the_rv_beside_but_none_far_away():
    """LV from column 50 to 70, RV from 30 to 50: the middle is column 50."""
    lv = ellipse((80, 100), (30, 60), (10, 10))
    rv = ellipse((80, 100), (30, 40), (10, 10))
    far = ellipse((80, 100), (75, 95), (4, 4))
    lvs, rvs = stack_of(lv, lv), stack_of(np.maximum(rv, far), np.maximum(rv, far))
    heart = find_heart(lvs, rvs, SQUARE_MM)
    assert heart.centre_px == pytest.approx((30, 50), abs=1)
    assert heart.epicardium_px == (30.0, 60.0)


@given(
    row_mm=st.floats(0.5, 2.5),
    col_mm=st.floats(0.5, 2.5),
    row=st.integers(45, 75),
    col=st.integers(45, 75),
)
def test_a_round_heart_of_25_mm_is_round_in_its_frame_whatever_the_spacing(
    row_mm, col_mm, row, col
):
    disc = ellipse((120, 120), (row, col), (12.5 / row_mm, 12.5 / col_mm))
    heart = find_heart(disc[None], np.zeros((1, 120, 120), np.float32), (row_mm, col_mm))
    rows_mm, cols_mm = heart.diameter_px[0] * row_mm, heart.diameter_px[1] * col_mm
    assert rows_mm == pytest.approx(25, rel=0.2)
    assert cols_mm == pytest.approx(rows_mm, rel=1e-6)


def test_a_heart_that_is_twice_as_high_as_wide_is_taken_for_stretched_pixels():
    tall = ellipse((120, 120), (60, 60), (30, 15))
    heart = find_heart(tall[None], np.zeros((1, 120, 120), np.float32), SQUARE_MM)
    assert heart.diameter_px[0] / heart.diameter_px[1] == pytest.approx(2, rel=0.05)
    slit = ellipse((120, 120), (60, 60), (50, 5))
    heart = find_heart(slit[None], np.zeros((1, 120, 120), np.float32), SQUARE_MM)
    assert heart.diameter_px[0] / heart.diameter_px[1] == pytest.approx(MOST_STRETCHED)


def test_the_frame_shows_the_epicardium_at_its_share_of_the_side():
    """20 pixels of the matrix are to be 40 of 100 pixels of the square: half a pixel a step."""
    disc = ellipse((80, 100), (30, 60), (10, 10))
    heart = find_heart(disc[None], NOTHING[None], SQUARE_MM)
    frame = frame_around(heart, 100, 0.4, both_ventricles=False)
    assert frame.centre_px == (30.0, 60.0)
    assert frame.step_px == pytest.approx((0.5, 0.5), rel=0.03)
    assert (frame.cut(disc[None])[0] > 0.5).any(axis=0).sum() == pytest.approx(40, abs=2)
