from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.phantom.infarct import HEALTHY, draw_infarct, wall_depths
from myoseg.cases.phantom.left_ventricle import (
    DIASTOLE,
    DILATED,
    DILATED_SYSTOLE,
    HYPERTROPHIED,
    HYPERTROPHIED_SYSTOLE,
    KINDS,
    LEFT_LAYERS,
    SYSTOLE,
    BasalWall,
    draw_left_ventricle,
    left_radii,
)
from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.variation import ANGLES_DEG

seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(KINDS)
ENDO, SCAR, EPI = 1, 4, len(LEFT_LAYERS) - 1


def ventricle(seed, kind):
    return draw_left_ventricle(np.random.default_rng(seed), kind)


def walls_mm(left, level):
    radii = left_radii(left, HEALTHY, level * left.length_mm)
    return radii[EPI] - radii[ENDO]


def test_every_heart_is_of_one_kind():
    assert sum(kind.share for kind in KINDS) == pytest.approx(1)


@given(seed=seeds, kind=kinds, level=st.floats(-0.1, 1.2), acute=st.booleans())
def test_layers_are_nested_at_every_level(seed, kind, level, acute):
    """So scar lies inside edema and edema inside the wall."""
    rng = np.random.default_rng(seed)
    left = draw_left_ventricle(rng, kind)
    infarct = draw_infarct(rng, [0.5 * left.length_mm], acute=acute)
    depths = wall_depths(infarct, level * left.length_mm, level)
    radii = left_radii(left, depths, level * left.length_mm)
    assert radii.shape[0] == len(LEFT_LAYERS)
    assert np.all(radii >= 0)
    assert np.all(np.diff(radii, axis=0) >= 0)


@given(seed=seeds, kind=kinds)
def test_the_cavity_shrinks_toward_the_apex_and_ends_before_the_wall(seed, kind):
    left = ventricle(seed, kind)
    cavity = [left.cavity_mm(level * left.length_mm) for level in (0, 0.4, 0.8, 1.0)]
    assert cavity == sorted(cavity, reverse=True)
    assert cavity[-1] == 0
    before_apex = left_radii(left, HEALTHY, 0.98 * left.length_mm)
    assert not before_apex[ENDO].any()
    assert before_apex[EPI].all()
    assert not left_radii(left, HEALTHY, left.length_mm).any()


@given(seed=seeds)
def test_a_healthy_wall_has_no_scar_and_no_edema(seed):
    left = ventricle(seed, DIASTOLE)
    radii = left_radii(left, HEALTHY, 0.4 * left.length_mm)
    for layer in range(ENDO + 1, EPI):
        np.testing.assert_array_equal(radii[layer], radii[ENDO])


@pytest.mark.parametrize(
    ("kind", "thinnest_mm", "thickest_mm"),
    [
        (DIASTOLE, 4, 12.5),
        (DILATED, 3.5, 10),
        (HYPERTROPHIED, 8, 18),
        (SYSTOLE, 7, 17),
        (DILATED_SYSTOLE, 4, 12.5),
        (HYPERTROPHIED_SYSTOLE, 10, 23),
    ],
    ids=["diastole", "dilated", "hypertrophied", "systole", "dilated_systole", "thick_systole"],
)
@pytest.mark.parametrize("seed", range(8))
def test_mean_walls_are_within_the_cited_ranges(seed, kind, thinnest_mm, thickest_mm):
    """Kawel-Boehm 2020: 5 to 11 mm in health; Ommen 2020: 15 mm and more, in places."""
    assert thinnest_mm < walls_mm(ventricle(seed, kind), 0.35).mean() < thickest_mm


def test_a_hypertrophied_wall_is_15_mm_thick_in_some_place_of_most_hearts():
    thickest = [walls_mm(ventricle(seed, HYPERTROPHIED), 0.35).max() for seed in range(20)]
    assert np.mean(np.array(thickest) >= 15) > 0.5
    assert max(thickest) < 25


def test_trabeculae_take_more_of_the_pool_in_systole():
    def share_of_pool(kind):
        shares = []
        for seed in range(40):
            left = ventricle(seed, kind)
            ragged, endo = left_radii(left, HEALTHY, 0.4 * left.length_mm)[:2]
            shares.append(1 - (ragged**2).mean() / (endo**2).mean())
        return np.mean(shares)

    assert share_of_pool(DIASTOLE) < share_of_pool(SYSTOLE) < share_of_pool(HYPERTROPHIED_SYSTOLE)


@given(seed=seeds, kind=kinds)
def test_the_wall_is_whole_below_its_basal_part_and_thinnest_at_the_base(seed, kind):
    base = ventricle(seed, kind).basal_wall
    assert not base.missing(base.length_mm).any()
    positions = np.linspace(0, base.length_mm, 8)
    missing = np.array([base.missing(float(position)) for position in positions])
    assert np.all(np.diff(missing, axis=0) <= 0)
    assert missing.min() >= 0
    assert missing.max() <= 1


def test_some_walls_open_toward_the_aorta_and_stay_closed_opposite_it():
    """An opening of 1 leaves no wall at 140 degrees at the base; opposite, it changes nothing."""
    missing = BasalWall(20.0, thinning=0.0, opening=1.0, half_width_deg=30.0).missing(0.0)
    toward, opposite = (np.abs(ANGLES_DEG - angle).argmin() for angle in (140, 320))
    assert missing[toward] == pytest.approx(1, abs=1e-3)
    assert missing[opposite] == pytest.approx(0, abs=1e-3)


def test_the_septum_is_flat_beside_an_overloaded_right_ventricle():
    rng = np.random.default_rng(0)
    flat = [draw_left_ventricle(rng, DIASTOLE, overloaded=True).flat_septum for _ in range(40)]
    round_ = [draw_left_ventricle(rng, DIASTOLE).flat_septum for _ in range(40)]
    assert np.mean(flat) > 2 * np.mean(round_)


def test_a_layer_has_its_material():
    assert LEFT_LAYERS[ENDO] is Material.PAPILLARY
    assert LEFT_LAYERS[SCAR] is Material.SCAR
    assert LEFT_LAYERS[EPI] is Material.NORMAL_MYOCARDIUM


@given(seed=seeds, kind=kinds, level=st.floats(0, 0.9))
def test_trabeculae_leave_the_middle_of_the_cavity_free(seed, kind, level):
    left = ventricle(seed, kind)
    ragged, endo = left_radii(left, HEALTHY, level * left.length_mm)[:2]
    assert np.all(ragged >= 0.4 * endo - 1e-4)


def test_trabeculae_do_not_hide_the_scar_beneath_them():
    """A layer over scar is thinner than the same layer over healthy wall."""
    left = ventricle(1, DILATED)
    infarct = draw_infarct(np.random.default_rng(3), [0.5 * left.length_mm], acute=False)
    depths = wall_depths(infarct, 0.5 * left.length_mm, 0.5)
    healthy = left_radii(left, HEALTHY, 0.5 * left.length_mm)
    diseased = left_radii(left, depths, 0.5 * left.length_mm)
    covered = depths.scar > 0.5
    assert covered.any()
    layer, thinner = (radii[1] - radii[0] for radii in (healthy, diseased))
    assert thinner[covered].sum() < 0.5 * layer[covered].sum()


@given(seed=seeds, kind=kinds)
def test_the_outflow_tract_goes_on_from_the_base_and_narrows_upward(seed, kind):
    left = ventricle(seed, kind)
    heights_mm = np.linspace(0, left.top_mm, 5)
    pools = [left_radii(left, HEALTHY, float(z))[ENDO].mean() for z in heights_mm]
    just_below = left_radii(left, HEALTHY, 0.01)[ENDO].mean()
    assert pools[0] == pytest.approx(just_below, rel=0.01)
    assert pools[-1] < pools[0]
    assert not left_radii(left, HEALTHY, left.top_mm - 0.1).any()


def test_the_outflow_tract_narrows_most_on_the_side_of_the_atrium():
    left = ventricle(4, DIASTOLE)
    tract = replace(left.outflow, length_mm=10.0, narrowing=0.5)
    left = replace(left, outflow=tract)
    below, above = (left_radii(left, HEALTHY, z)[ENDO] for z in (0.0, -10.0))
    kept = above / below
    toward_atrium, away = (int(np.argmin(abs(ANGLES_DEG - a))) for a in (320.0, 140.0))
    assert kept[toward_atrium] < 0.6
    assert kept[away] > 0.7
