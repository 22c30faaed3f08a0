import numpy as np
import pytest

from myoseg.cases.phantom.trabeculae import (
    TALLEST,
    Muscle,
    TrabecularLayer,
    draw_layer,
    draw_trabeculae,
)
from myoseg.cases.phantom.variation import Ripples

SIDE = np.arange(-40, 40, 0.5, dtype=np.float32)
LATERAL, UPWARD = (grid.ravel() for grid in np.meshgrid(SIDE, SIDE))
MUSCLE = Muscle(angle_deg=90.0, radii_mm=(6.0, 4.0), off_wall=1.0, levels=(0.2, 0.7))


def trabeculae_of(seed):
    return draw_trabeculae(np.random.default_rng(seed), 1.0)


def test_a_papillary_muscle_by_hand():
    """Oval, touching the anterior wall of a cavity of 25 mm."""
    inside = MUSCLE.inside(LATERAL, UPWARD, 25.0, 0.45)
    assert np.sum(inside) * 0.25 == pytest.approx(np.pi * 6 * 4, rel=0.05)
    assert UPWARD[inside].max() == pytest.approx(25, abs=0.6)
    assert LATERAL[inside].mean() == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("level", [0.05, 0.95])
def test_a_papillary_muscle_ends(level):
    assert not MUSCLE.inside(LATERAL, UPWARD, 25.0, level).any()


def test_hearts_have_papillary_muscles_of_varied_number():
    numbers = [
        sum(max(muscle.radii_mm) > 2.5 for muscle in trabeculae_of(seed).muscles)
        for seed in range(60)
    ]
    assert np.percentile(numbers, 25) >= 1
    assert np.median(numbers) in (2, 3)
    assert max(numbers) >= 4


@pytest.mark.parametrize("seed", range(5))
def test_strands_take_a_small_part_of_the_rv(seed):
    strands = trabeculae_of(seed).strands.inside(LATERAL, UPWARD, 30.0)
    assert np.mean(strands) < 0.12


def test_a_moderator_band_crosses_the_rv_of_some_hearts_at_their_middle():
    crossed = [
        np.mean(trabeculae_of(seed).in_right(LATERAL, UPWARD, 33.0, 45.0, 0.5))
        - np.mean(trabeculae_of(seed).in_right(LATERAL, UPWARD, 33.0, 45.0, 0.1))
        for seed in range(20)
    ]
    assert 0.2 < np.mean(np.array(crossed) > 0) < 0.8


def test_a_layer_without_folds_is_as_thick_as_it_is_full():
    nothing = np.zeros(1, dtype=np.float32)
    flat = Ripples(range(4, 5), nothing, nothing, nothing)
    layer = TrabecularLayer(flat, fill=0.5, reach_mm=(2.0, 6.0))
    for level, expected_mm in ((-0.2, 1.0), (0.0, 1.0), (0.5, 2.0), (1.0, 3.0)):
        assert np.allclose(layer.heights_mm(80 * level, level), expected_mm)


@pytest.mark.parametrize("seed", range(8))
def test_folds_stay_within_their_reach_and_leave_bare_wall_between(seed):
    layer = draw_layer(np.random.default_rng(seed), base_mm=(1, 3), apex_mm=(4, 8))
    for level in (0.1, 0.5, 0.9):
        heights_mm = layer.heights_mm(80 * level, level)
        base_mm, apex_mm = layer.reach_mm
        assert heights_mm.min() >= 0
        assert heights_mm.max() <= TALLEST * (base_mm + (apex_mm - base_mm) * level) + 1e-4
        assert np.ptp(heights_mm) > 0.5


def test_folds_take_about_a_third_of_the_rim_of_the_mean_ventricle():
    """At 3 mm within the wall, in mid-ventricle, as the dimming of real rims has it."""
    reached = [
        draw_layer(np.random.default_rng(seed), base_mm=(0.5, 4), apex_mm=(2, 9)).heights_mm(
            40.0, 0.5
        )
        > 3
        for seed in range(80)
    ]
    assert 0.2 < np.mean(reached) < 0.45
