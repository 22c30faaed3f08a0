import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.phantom.anatomy import (
    ANGLES_DEG,
    LAYERS,
    N_ANGLES,
    PolarPoints,
    draw_heart,
    layer_at,
    layer_radii,
    papillary_mask,
)
from myoseg.cases.phantom.infarct import WallDepths, draw_infarct, wall_depths
from myoseg.cases.phantom.tissue import Material

HEALTHY = WallDepths(np.zeros(N_ANGLES), np.zeros(N_ANGLES))
seeds = st.integers(0, 2**32 - 1)


def radii_of(heart, level):
    return dict(zip(LAYERS, layer_radii(heart, HEALTHY, 0.0, level * heart.length_mm), strict=True))


@given(seed=seeds, level=st.floats(-0.1, 1.2))
def test_layers_are_nested_at_every_level(seed, level):
    rng = np.random.default_rng(seed)
    heart = draw_heart(rng)
    infarct = draw_infarct(rng, [0.5 * heart.length_mm], acute=True)
    depths = wall_depths(infarct, ANGLES_DEG, level * heart.length_mm, level)
    radii = layer_radii(heart, depths, infarct.thinning, level * heart.length_mm)
    assert np.all(radii >= 0)
    assert np.all(np.diff(radii, axis=0) >= 0)


@given(seed=seeds)
def test_the_cavity_shrinks_toward_the_apex_and_the_heart_ends_there(seed):
    heart = draw_heart(np.random.default_rng(seed))
    cavity = [radii_of(heart, level)[Material.LV_BLOOD].mean() for level in (0, 0.4, 0.8, 1.0)]
    assert cavity == sorted(cavity, reverse=True)
    assert cavity[-1] == 0
    assert not any(radius.any() for radius in radii_of(heart, 1.05).values())


@given(seed=seeds)
def test_the_rv_is_a_crescent_on_the_septal_side(seed):
    radii = radii_of(draw_heart(np.random.default_rng(seed)), 0.3)
    depth_mm = radii[Material.RV_BLOOD] - radii[Material.NORMAL_MYOCARDIUM]
    assert depth_mm[np.searchsorted(ANGLES_DEG, 180)] > 10
    assert not depth_mm[(ANGLES_DEG < 110) | (ANGLES_DEG > 250)].any()


@given(seed=seeds)
def test_a_healthy_heart_has_no_scar_and_no_edema(seed):
    radii = radii_of(draw_heart(np.random.default_rng(seed)), 0.4)
    np.testing.assert_array_equal(radii[Material.SCAR], radii[Material.LV_BLOOD])
    np.testing.assert_array_equal(radii[Material.EDEMA], radii[Material.LV_BLOOD])


def test_points_on_the_four_sides_fall_into_the_quadrants():
    lateral = np.array([1, 0, -1, 0], dtype=np.float32)
    upward = np.array([0, 1, 0, -1], dtype=np.float32)
    points = PolarPoints.of(lateral, upward)
    np.testing.assert_array_equal(ANGLES_DEG[points.angle_index], [0, 90, 180, 270])
    np.testing.assert_allclose(points.distance_mm, 1)


def test_a_point_lies_in_the_layer_whose_radius_is_the_first_beyond_it():
    radii = np.repeat(np.arange(10, 80, 10, dtype=np.float32)[:, None], N_ANGLES, axis=1)
    points = PolarPoints.of(
        np.array([0, 15, 69, 70], dtype=np.float32), np.zeros(4, dtype=np.float32)
    )
    np.testing.assert_array_equal(layer_at(radii, points), [0, 1, 6, len(LAYERS)])


@pytest.mark.parametrize(("level", "present"), [(0.1, False), (0.45, True), (0.9, False)])
def test_papillary_muscles_are_found_at_mid_ventricular_levels_only(level, present):
    heart = draw_heart(np.random.default_rng(3))
    lateral, upward = np.meshgrid(np.arange(-30, 30), np.arange(-30, 30))
    points = PolarPoints.of(lateral.ravel().astype(np.float32), upward.ravel().astype(np.float32))
    assert papillary_mask(heart, points, level * heart.length_mm).any() == present
