from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.anatomy import Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.errors import InputError
from myoseg.quantification.insertion import InsertionPoints
from myoseg.quantification.segments import measure_segments


def angle_between(one, two):
    return abs((one - two + 180) % 360 - 180)


def insertion_points(made, along_mm=0.0, turn_deg=0.0):
    """Both points as the heart was drawn, in the patient."""
    apex, up, left = made.directions
    points = []
    for side in (-1, 1):
        angle = np.deg2rad(made.septum_deg + turn_deg + side * made.septal_arc_deg / 2)
        across = made.outer_mm * (np.cos(angle) * up + np.sin(angle) * left)
        points.append(tuple(np.array(made.centre_mm) + along_mm * apex + across))
    return InsertionPoints(*points)


@settings(max_examples=25)
@given(
    st.floats(60, 120),
    st.floats(90, 150),
    st.floats(0, 360),
    st.tuples(*[st.sampled_from((1, -1))] * 3),
)
def test_the_insertion_points_are_those_drawn(heart, septum_deg, arc_deg, turn_deg, flips):
    made = heart(septum_deg=septum_deg, septal_arc_deg=arc_deg, taper=0.0)
    grid = made.grid(turn_deg=turn_deg, flips=flips)
    found = measure_segments(made.on(grid), grid).insertion
    assert found.source == "labels"
    true = insertion_points(made)
    apex = made.directions[0]
    for each in found.slices:
        assert angle_between(each.anterior_deg, septum_deg - arc_deg / 2) < 8
        assert angle_between(each.inferior_deg, septum_deg + arc_deg / 2) < 8
        assert angle_between(each.septum_deg, septum_deg) < 3
        assert each.turn_deg > 0
        assert each.taken_from is None
        for point, drawn in (
            (each.anterior_mm, true.anterior_mm),
            (each.inferior_mm, true.inferior_mm),
        ):
            apart = np.array(point) - np.array(drawn)
            assert np.linalg.norm(apart - (apart @ apex) * apex) < 5


@settings(max_examples=15)
@given(st.floats(-30, 30), st.floats(-40, 40), st.floats(0, 360))
def test_a_reader_s_points_turn_the_segments_with_them(heart, turn_deg, along_mm, stored_deg):
    made = heart(scar_deg=(0.0, 60.0), scar_depth=0.5, taper=0.0, length_mm=90.0)
    grid = made.grid(n_slices=9, turn_deg=stored_deg)
    labels = made.on(grid)
    points = insertion_points(made, along_mm, turn_deg)
    found = measure_segments(labels, grid, insertion=points)
    assert found.insertion.source == "given"
    for each in found.insertion.slices:
        assert angle_between(each.septum_deg, made.septum_deg + turn_deg) < 1.5
    # Of the scar's 60 degrees, as many as the points were turned by lie in the segment beside.
    whole = 100 * (28**2 - 23**2) / (33**2 - 23**2)
    neighbour = found.measures[8 - 1 if turn_deg > 0 else 10 - 1]
    assert neighbour.scar_percent == pytest.approx(whole * abs(turn_deg) / 60, abs=4)


def test_a_reader_s_points_need_no_right_ventricle(heart):
    made = heart(rv_length=-1.0, scar_deg=(0.0, 60.0), scar_depth=0.5)
    grid = made.grid()
    found = measure_segments(made.on(grid), grid, insertion=insertion_points(made))
    assert found.flags == ()
    assert found.measures[8].scar_percent > 40


def test_points_that_are_none_are_refused(heart):
    made = heart()
    grid, true = made.grid(), insertion_points(made)
    for wrong in (
        replace(true, anterior_mm=(float("nan"), 0.0, 0.0)),
        InsertionPoints(true.anterior_mm, true.anterior_mm),
        replace(true, anterior_mm=made.centre_mm),
    ):
        with pytest.raises(InputError, match="insertion point"):
            measure_segments(made.on(grid), grid, insertion=wrong)


def test_slices_without_a_septum_take_that_of_the_nearest_and_say_so(heart):
    made = heart(rv_length=0.5)
    grid = made.grid()
    found = measure_segments(made.on(grid), grid)
    assert [each.taken_from for each in found.insertion.slices] == [None] * 4 + [3] * 4
    assert "(5, 6, 7, 8, counted from 1)" in found.flags[0]


def test_a_slice_whose_septum_points_elsewhere_is_not_believed(heart):
    made = heart(rv_length=1.0)
    grid = made.grid()
    codes = made.on(grid).codes.copy()
    codes[2] = replace(made, septum_deg=made.septum_deg + 90).on(grid).codes[2]
    found = measure_segments(LabelMap(codes), grid).insertion
    assert found.slices[2].taken_from == 1


def test_stray_pixels_of_the_right_ventricle_are_no_septum(heart):
    made = heart(rv_length=-1.0)
    grid = made.grid()
    codes = made.on(grid).codes.copy()
    row, col = (np.nonzero(codes[3] == Tissue.NORMAL_MYOCARDIUM)[k][0] for k in (0, 1))
    codes[3, row - 1, col] = Tissue.RV_BLOOD_POOL
    with pytest.raises(InputError, match="no slice shows the right ventricle"):
        measure_segments(LabelMap(codes), grid)


@pytest.mark.parametrize("turn_deg", [30.0, 80.0])
def test_a_contact_of_half_a_turn_is_no_septum(heart, turn_deg):
    made = heart(septum_deg=-80.0, septal_arc_deg=186.0, taper=0.0)
    grid = made.grid(n_slices=1, turn_deg=turn_deg)
    with pytest.raises(InputError, match="over 30 to 180 degrees"):
        measure_segments(made.on(grid), grid)


def test_a_right_ventricle_above_the_left_does_not_say_which_point_is_anterior(heart):
    made = heart(septum_deg=5.0)
    grid = made.grid()
    with pytest.raises(InputError, match="neither end of the septum is the anterior one"):
        measure_segments(made.on(grid), grid)


def test_a_mirrored_heart_is_flagged(heart):
    made = heart(septum_deg=-80.0)
    grid = made.grid()
    found = measure_segments(made.on(grid), grid)
    assert any("as in a mirrored heart" in flag for flag in found.flags)


def test_an_affine_without_a_place_is_flagged(heart):
    made = heart()
    grid = made.grid()
    lost = Geometry(grid.shape, np.diag([-1.3, -1.3, -10.0, 1.0]))
    upright = np.rot90(made.on(grid).codes, 2, axes=(1, 2)).copy()
    found = measure_segments(LabelMap(upright), lost)
    assert any("lost their place" in flag for flag in found.flags)


def test_slices_that_taper_against_the_affine_are_flagged(heart):
    made = heart(taper=0.4)
    grid = made.grid()
    found = measure_segments(LabelMap(made.on(grid).codes[::-1].copy()), grid)
    assert found.levels[-1] == "basal"
    assert any("taper towards where the affine has the base" in flag for flag in found.flags)
