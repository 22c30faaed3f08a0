import numpy as np
import pytest

from myoseg.cases.phantom.great_vessels import (
    STARTS_MM,
    Tube,
    draw_great_vessels,
    paint_aorta,
    paint_behind,
)
from myoseg.cases.phantom.tissue import Material

SIDE = np.arange(-80, 80, 1.0, dtype=np.float32)
LATERAL, UPWARD = (grid.ravel() for grid in np.meshgrid(SIDE, SIDE))


def tube(**changes):
    values = {
        "below_mm": 0.0,
        "opening_mm": 10.0,
        "centre_mm": (5.0, -3.0),
        "slant": (0.1, 0.0),
        "radii_mm": (20.0, 10.0),
        "turned_deg": 0.0,
        "wall_mm": 2.0,
    }
    return Tube(**values | changes)


def painted(seed, position_mm):
    vessels = draw_great_vessels(np.random.default_rng(seed), 33.0, 5.0)
    material = np.full(LATERAL.shape, Material.LUNG, dtype=np.uint8)
    paint_behind(material, vessels, LATERAL, UPWARD, position_mm)
    paint_aorta(material, vessels, LATERAL, UPWARD, position_mm)
    return material


def test_a_tube_by_hand():
    """20 mm above its end it is whole, and its centre has moved 2 mm to the side."""
    point = np.array([5.0 + 2.0 + 20.0], dtype=np.float32), np.array([-3.0], dtype=np.float32)
    squared, radius_mm = tube().squared_distance(*point, -20.0)
    assert squared[0] == pytest.approx(1, abs=1e-5)
    assert radius_mm == pytest.approx(200**0.5)


def test_a_tube_ends_at_its_valve():
    assert tube().opened(0.0) == 0
    assert tube().opened(-10.0) == pytest.approx(1)
    assert 0.4 < tube().opened(-1.0) < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_there_are_lumens_with_walls_in_fat_above_the_base(seed):
    material = painted(seed, -20.0)
    for expected, least_mm2 in ((Material.VESSEL, 1500), (Material.VESSEL_WALL, 300)):
        assert np.sum(material == expected) > least_mm2
    assert np.any(material == Material.FAT)


@pytest.mark.parametrize("seed", range(6))
def test_there_are_no_vessels_at_the_ventricles(seed):
    assert np.all(painted(seed, STARTS_MM) == Material.LUNG)


def test_the_same_seed_gives_the_same_vessels():
    np.testing.assert_array_equal(painted(1, -12.0), painted(1, -12.0))
