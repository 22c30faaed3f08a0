import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.torso import draw_torso, torso_material

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=10, deadline=None)


def torso_of(seed):
    return draw_torso(np.random.default_rng(seed))


def materials_near(seed, point_mm, reach_mm=8.0):
    """The materials in a small cube: organs are drawn with wavy borders and at varied places."""
    steps = np.linspace(-reach_mm, reach_mm, 5)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3) + np.array(point_mm)
    return torso_material(torso_of(seed), *grid.T.astype(np.float32))


def materials_along(seed, axis, fixed_mm, range_mm):
    points = np.tile(np.array(fixed_mm, dtype=np.float32), (400, 1))
    points[:, axis] = np.linspace(*range_mm, 400)
    return torso_material(torso_of(seed), *points.T.copy())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("point_mm", "expected"),
    [
        ((300.0, 0.0, 0.0), Material.AIR),
        ((-85.0, 0.0, 40.0), Material.LUNG),
        ((85.0, 0.0, 40.0), Material.LUNG),
        ((60.0, 20.0, -80.0), Material.LIVER),
        ((0.0, -66.0, 0.0), Material.MARROW),
        ((-22.0, -47.0, 0.0), Material.VESSEL),
    ],
    ids=["outside", "left lung", "right lung", "liver", "spine", "aorta"],
)
def test_organs_lie_where_they_do_in_patients(seed, point_mm, expected):
    assert expected in materials_near(seed, point_mm)


@few
@given(seed=seeds)
def test_the_skin_is_lined_with_fat_and_then_muscle(seed):
    materials = materials_along(seed, 0, (0.0, 0.0, 20.0), (-200.0, -40.0))
    first_fat = np.flatnonzero(materials == Material.FAT)[0]
    first_lung = np.flatnonzero(materials == Material.LUNG)[0]
    assert first_fat < first_lung
    assert Material.MUSCLE in materials[first_fat:first_lung]


@few
@given(seed=seeds)
def test_lungs_are_above_the_abdomen(seed):
    column = materials_along(seed, 2, (70.0, 10.0, 0.0), (60.0, -110.0))
    assert Material.LUNG in column
    assert Material.LIVER in column
    last_lung = np.flatnonzero(column == Material.LUNG)[-1]
    assert last_lung < np.flatnonzero(column == Material.LIVER)[0]


def test_abdomens_hold_bowel_vessels_and_gas():
    plane = np.stack(
        [axis.ravel() for axis in np.meshgrid(np.arange(-140, 140, 2.0), np.arange(-110, 110, 2.0))]
    ).astype(np.float32)
    height = np.full(plane.shape[1], -70, dtype=np.float32)
    found = [set(np.unique(torso_material(torso_of(seed), *plane, height))) for seed in range(8)]
    for expected in (Material.BOWEL_WALL, Material.VESSEL, Material.FOOD, Material.FLUID):
        assert sum(expected in materials for materials in found) >= 4


def test_the_same_seed_gives_the_same_body():
    np.testing.assert_array_equal(
        materials_near(3, (0.0, 0.0, 0.0), 150.0), materials_near(3, (0.0, 0.0, 0.0), 150.0)
    )


def test_no_points_have_no_material():
    nothing = np.zeros(0, dtype=np.float32)
    assert torso_material(torso_of(0), nothing, nothing, nothing).shape == (0,)
