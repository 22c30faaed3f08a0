import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.phantom.variation import (
    ANGLES_DEG,
    PolarPoints,
    bump,
    draw_ripples,
    draw_waves,
    smooth_step,
    taper,
)


def test_points_on_the_four_sides_fall_into_the_quadrants():
    lateral = np.array([1, 0, -1, 0], dtype=np.float32)
    upward = np.array([0, 1, 0, -1], dtype=np.float32)
    points = PolarPoints.of(lateral, upward)
    np.testing.assert_array_equal(ANGLES_DEG[points.angle_index], [0, 90, 180, 270])
    np.testing.assert_allclose(points.distance_mm, 1)


@given(angle=st.floats(-180, 180))
def test_every_angle_has_an_index(angle):
    turned = np.deg2rad(np.array([angle], dtype=np.float32))
    index = PolarPoints.of(np.cos(turned), np.sin(turned)).angle_index[0]
    away = (ANGLES_DEG[index] - angle + 180) % 360 - 180
    assert abs(away) <= 0.26


def test_ripples_have_no_mean_and_the_spread_that_was_asked():
    drawn = [
        draw_ripples(np.random.default_rng(seed), range(1, 2), 0.5, decay=0.0, turn=0.1).at(7.0)
        for seed in range(400)
    ]
    assert np.abs(np.mean(drawn, axis=1)).max() < 1e-5
    assert np.std(drawn) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_a_bump_is_highest_at_its_angle_and_goes_round():
    height = bump(359.0, 20.0)
    assert height[np.searchsorted(ANGLES_DEG, 359)] == pytest.approx(1)
    assert height[np.searchsorted(ANGLES_DEG, 19)] == pytest.approx(np.exp(-1), abs=1e-3)
    with pytest.raises(ValueError, match="read-only"):
        height[0] = 0


def test_waves_move_points_by_no_more_than_they_should_and_alike_each_time():
    waves = draw_waves(np.random.default_rng(0), (40.0, 20.0), 2.0)
    one, other = np.random.default_rng(1).uniform(-90, 90, (2, 500)).astype(np.float32)
    moved = waves.displaced(one, other, 5.0)
    assert np.hypot(moved[0] - one, moved[1] - other).max() <= 3.01
    np.testing.assert_array_equal(moved, waves.displaced(one, other, 5.0))


@pytest.mark.parametrize(
    ("value", "expected"), [(-1.0, 0), (0.0, 0), (0.5, 0.5), (1.0, 1), (9.0, 1)]
)
def test_a_smooth_step(value, expected):
    assert smooth_step(value) == expected


def test_a_taper_is_1_above_the_base_and_0_beyond_the_apex():
    assert taper(-0.3, 2.0) == 1
    assert taper(0.6, 2.0) == pytest.approx(0.8)
    assert taper(1.2, 2.0) == 0
