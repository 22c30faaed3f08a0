import numpy as np
import pytest

from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.torso import draw_torso, torso_material


def material_at(seed, *point_mm):
    x, y, z = (np.array([value], dtype=np.float32) for value in point_mm)
    return Material(int(torso_material(draw_torso(np.random.default_rng(seed)), x, y, z)[0]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("point_mm", "expected"),
    [
        ((300.0, 0.0, 0.0), Material.AIR),
        ((-95.0, 0.0, 40.0), Material.LUNG),
        ((95.0, 0.0, 40.0), Material.LUNG),
        ((60.0, 20.0, -70.0), Material.LIVER),
        ((0.0, -72.0, 0.0), Material.MARROW),
        ((-22.0, -50.0, 0.0), Material.VESSEL),
    ],
    ids=["outside", "left lung", "right lung", "liver", "spine", "aorta"],
)
def test_organs_lie_where_they_do_in_patients(seed, point_mm, expected):
    assert material_at(seed, *point_mm) is expected


@pytest.mark.parametrize("seed", range(5))
def test_the_skin_is_lined_with_fat(seed):
    torso = draw_torso(np.random.default_rng(seed))
    assert material_at(seed, 0.0, torso.half_depth_mm - 4.0, 0.0) is Material.FAT


def test_no_points_have_no_material():
    nothing = np.zeros(0, dtype=np.float32)
    torso = draw_torso(np.random.default_rng(0))
    assert torso_material(torso, nothing, nothing, nothing).shape == (0,)
