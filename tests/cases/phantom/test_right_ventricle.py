import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.phantom.right_ventricle import (
    MOST_TRABECULATED,
    draw_right_ventricle,
    right_contour,
)
from myoseg.cases.phantom.variation import N_ANGLES

seeds = st.integers(0, 2**32 - 1)
EPICARDIUM = np.full(N_ANGLES, 33.0, dtype=np.float32)


def right_of(seed, **kind):
    return draw_right_ventricle(np.random.default_rng(seed), **kind)


def contour_at(right, position_mm):
    return right_contour(right, EPICARDIUM, 90.0, position_mm)


@given(seed=seeds)
def test_its_depth_below_the_inflow_is_about_the_drawn_one(seed):
    right = right_of(seed)
    contour = contour_at(right, max(right.inflow_mm, 0.0))
    reach_mm = contour.radius_mm[N_ANGLES // 2] - contour.centre_mm[0]
    assert 0.5 * right.depth_mm - 10 < reach_mm - 33 < 1.5 * right.depth_mm + 12


@given(seed=seeds)
def test_it_ends_with_the_lv_or_above_its_apex(seed):
    right = right_of(seed)
    assert contour_at(right, right.length * 90.0) is None
    assert right.length <= 1.02


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


@given(seed=seeds, systolic=st.booleans(), overloaded=st.booleans(), level=st.floats(0.2, 0.9))
def test_trabeculae_leave_most_of_the_narrowest_pool_free(seed, systolic, overloaded, level):
    right = right_of(seed, systolic=systolic, overloaded=overloaded)
    contour = contour_at(right, level * 90.0)
    if contour is not None:
        assert contour.trabeculae_mm.max() <= MOST_TRABECULATED * right.depth_mm + 1e-4
        assert np.all(contour.trabeculae_mm <= MOST_TRABECULATED * contour.radius_mm + 1e-4)


def test_overloaded_ones_are_deeper_and_thicker_and_systolic_ones_down_to_slits():
    of_kind = {
        name: [right_of(seed, **{name: True}) for seed in range(60)]
        for name in ("overloaded", "systolic")
    }
    normal = [right_of(seed) for seed in range(60)]
    assert np.mean([r.depth_mm for r in of_kind["overloaded"]]) > 1.3 * np.mean(
        [r.depth_mm for r in normal]
    )
    assert max(r.wall_mm for r in of_kind["overloaded"]) > 5
    assert min(r.depth_mm for r in of_kind["systolic"]) < 10
    assert np.mean([r.inflow_mm for r in of_kind["systolic"]]) > 10
