import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.phantom.right_ventricle import draw_right_ventricle, right_contour
from myoseg.cases.phantom.variation import N_ANGLES

seeds = st.integers(0, 2**32 - 1)
EPICARDIUM = np.full(N_ANGLES, 33.0, dtype=np.float32)


def right_of(seed):
    return draw_right_ventricle(np.random.default_rng(seed), 1.0)


def contour_at(right, position_mm):
    return right_contour(right, EPICARDIUM, 90.0, position_mm)


@given(seed=seeds)
def test_its_depth_below_the_inflow_is_about_the_drawn_one(seed):
    right = right_of(seed)
    contour = contour_at(right, max(right.inflow_mm, 0.0))
    reach_mm = contour.radius_mm[N_ANGLES // 2] - contour.centre_mm[0]
    assert 0.5 * right.depth_mm - 10 < reach_mm - 33 < 1.5 * right.depth_mm + 12


@given(seed=seeds)
def test_it_ends_before_the_apex_of_the_lv(seed):
    right = right_of(seed)
    assert contour_at(right, right.length * 90.0) is None
    assert right.length < 1


@given(seed=seeds)
def test_its_inflow_recedes_to_the_outflow_tract(seed):
    right = right_of(seed)
    assert right.receded(right.inflow_mm) == 0
    assert right.receded(right.recessed_mm) == 1
    tract = contour_at(right, right.recessed_mm - 1)
    assert tract.centre_mm[1] > 15, "in front of the LV"
    assert tract.radius_mm.mean() == pytest.approx(right.outflow[2], rel=0.15)


@given(seed=seeds, position_mm=st.floats(-40, 60))
def test_its_free_wall_is_as_thick_as_in_patients(seed, position_mm):
    contour = contour_at(right_of(seed), position_mm)
    assert contour is None or 0 < contour.wall_mm <= 5


def test_some_right_ventricles_are_dilated():
    depths = np.array([right_of(seed).depth_mm for seed in range(200)])
    assert 0.1 < np.mean(depths > 42) < 0.3
