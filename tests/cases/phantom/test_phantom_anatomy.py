from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from myoseg.cases.phantom.anatomy import draw_heart, heart_over_body
from myoseg.cases.phantom.infarct import draw_infarct
from myoseg.cases.phantom.left_ventricle import DIASTOLE, DILATED, SYSTOLE
from myoseg.cases.phantom.tissue import Material

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=12, deadline=None)

HALF_MM, STEP_MM = 100.0, 1.0
SIDE = np.arange(-HALF_MM, HALF_MM, STEP_MM, dtype=np.float32)
LATERAL, DOWN = (grid.ravel() for grid in np.meshgrid(SIDE, SIDE))
BODY = np.full(LATERAL.shape, Material.LUNG, dtype=np.uint8)

LV_POOL = (Material.LV_BLOOD, Material.PAPILLARY)
RV_POOL = (Material.RV_BLOOD, Material.RV_TRABECULA)
WALL = (Material.NORMAL_MYOCARDIUM, Material.EDEMA, Material.SCAR, Material.MVO)


def heart_of(seed):
    return draw_heart(np.random.default_rng(seed))


def section(heart, position_mm, infarct=None):
    return heart_over_body(heart, infarct, BODY, LATERAL, -DOWN, position_mm)


def area_mm2(materials, wanted):
    return np.isin(materials, wanted).sum() * STEP_MM**2


def volume_ml(heart, wanted, step_mm=4.0):
    positions = np.arange(-40 + step_mm / 2, heart.length_mm, step_mm)
    areas = [area_mm2(section(heart, float(position)), wanted) for position in positions]
    return sum(areas) * step_mm / 1000


def mean_over(hearts, measure):
    return np.mean([measure(heart) for heart in hearts])


@few
@given(seed=seeds)
def test_lv_volume_and_mass_are_those_of_patients(seed):
    """From a small heart at end-systole to a dilated one (Petersen 2017; Lang 2015)."""
    heart = heart_of(seed)
    assert 5 < volume_ml(heart, LV_POOL) < 420
    assert 50 < volume_ml(heart, WALL) * 1.05 < 330


@few
@given(seed=seeds)
def test_rv_volume_is_that_of_patients(seed):
    assert 15 < volume_ml(heart_of(seed), RV_POOL) < 480


@pytest.mark.parametrize(
    ("kind", "lv_ml", "mass_g", "rv_ml"),
    [
        (DIASTOLE, (90, 190), (80, 130), (120, 230)),
        (DILATED, (190, 330), (90, 180), (150, 330)),
        (SYSTOLE, (25, 75), (70, 130), (25, 100)),
    ],
    ids=["diastole", "dilated", "systole"],
)
def test_mean_volumes_are_those_of_healthy_adults_and_of_patients(kind, lv_ml, mass_g, rv_ml):
    """Petersen 2017: LV 124 and 166 ml, RV 130 and 182 ml, mass 70 and 103 g (means of women and of
    men in diastole); healthy ventricles eject about 60 % of their blood."""
    hearts = [draw_heart(np.random.default_rng(seed), kind) for seed in range(16)]
    assert lv_ml[0] < mean_over(hearts, partial(volume_ml, wanted=LV_POOL, step_mm=6.0)) < lv_ml[1]
    mean_ml = mean_over(hearts, partial(volume_ml, wanted=WALL, step_mm=6.0))
    assert mass_g[0] < mean_ml * 1.05 < mass_g[1]
    assert rv_ml[0] < mean_over(hearts, partial(volume_ml, wanted=RV_POOL, step_mm=6.0)) < rv_ml[1]


@few
@given(seed=seeds)
def test_the_heart_ends_at_the_apex(seed):
    heart = heart_of(seed)
    np.testing.assert_array_equal(section(heart, heart.length_mm), BODY)


@few
@given(seed=seeds, above_mm=st.floats(1, 20))
def test_above_the_outflow_tract_there_are_vessels_and_no_left_ventricle(seed, above_mm):
    heart = heart_of(seed)
    materials = section(heart, heart.left.top_mm - above_mm)
    assert not np.isin(materials, LV_POOL + WALL).any()
    assert area_mm2(materials, Material.VESSEL) > 500


@few
@given(seed=seeds, share=st.floats(0.02, 0.98))
def test_the_outflow_tract_is_ventricle_narrower_than_the_base_and_no_aorta(seed, share):
    heart = heart_of(seed)
    materials = section(heart, share * heart.left.top_mm)
    at_base = area_mm2(section(heart, 0.0), LV_POOL)
    assert 0.2 * at_base < area_mm2(materials, LV_POOL) < 1.02 * at_base + 10
    assert area_mm2(materials, WALL) < 1.02 * area_mm2(section(heart, 0.0), WALL) + 10


@few
@given(seed=seeds)
def test_the_outflow_tract_is_rv_up_to_the_pulmonary_valve(seed):
    heart = heart_of(seed)
    valve_mm = heart.right.pulmonary_valve_mm
    assert area_mm2(section(heart, valve_mm + 2), RV_POOL) > 100
    assert area_mm2(section(heart, valve_mm - 2), RV_POOL) == 0


@few
@given(seed=seeds)
def test_the_rv_lies_on_the_septal_side(seed):
    """Where its inflow is whole; wide ones reach round the LV on either side."""
    heart = heart_of(seed)
    position_mm = max(0.3 * heart.length_mm, heart.right.inflow_mm + 2)
    assume(position_mm < 0.8 * heart.right.length * heart.length_mm)
    in_rv = np.isin(section(heart, position_mm), RV_POOL)
    assert in_rv.any()
    reach_deg = heart.right.half_angle_deg * (1 + heart.right.widening)
    assert np.mean(LATERAL[in_rv] < 0) > (0.95 if reach_deg < 100 else 0.85)
    assert LATERAL[in_rv].mean() < -0.5 * heart.left.epicardium_mm(position_mm)


@few
@given(seed=seeds, acute=st.booleans(), level=st.floats(0.02, 0.95))
def test_disease_replaces_wall_and_nothing_else(seed, acute, level):
    """Where it neither thins the wall nor bulges: the wall's share of the plane stays."""
    rng = np.random.default_rng(seed)
    heart = draw_heart(rng)
    infarct = draw_infarct(rng, [0.5 * heart.length_mm], acute=acute)
    materials = section(heart, level * heart.length_mm, infarct)
    disease = np.isin(materials, (Material.SCAR, Material.MVO, Material.EDEMA))
    assert not (disease & np.isin(materials, LV_POOL + RV_POOL)).any()
    if not acute:
        assert not (materials == Material.EDEMA).any()
        assert not (materials == Material.MVO).any()


def test_hearts_differ():
    one, other = (section(heart_of(seed), 30.0) for seed in (1, 2))
    assert np.mean(one != other) > 0.01


@pytest.mark.parametrize("position_mm", [-20.0, 5.0, 40.0])
def test_the_same_seed_gives_the_same_section(position_mm):
    np.testing.assert_array_equal(
        section(heart_of(4), position_mm), section(heart_of(4), position_mm)
    )


def test_no_points_have_no_material():
    nothing = np.zeros(0, dtype=np.float32)
    body = np.zeros(0, dtype=np.uint8)
    assert heart_over_body(heart_of(0), None, body, nothing, nothing, 20.0).shape == (0,)
