import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.anatomy import Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.quantification.short_axis import ShortAxis
from myoseg.quantification.transmurality import ANGLES_DEG, find_borders, find_chords
from myoseg.quantification.ventricle import find_ventricle

SIZE = 90


def ventricle_of(labels, px_mm=1.0):
    grid = Geometry(labels.codes.shape, np.diag([-px_mm, -px_mm, -10.0, 1.0]))
    return find_ventricle(labels, ShortAxis.of(grid))


def chords_of(labels, px_mm=1.0, radial=False):
    found = ventricle_of(labels, px_mm)
    scar = {"scar": found.wall & (found.codes == Tissue.SCAR)}
    return find_chords(found, find_borders(found), scar, radial=radial)


def labelled(cavity, wall, scar):
    codes = np.where(cavity, Tissue.LV_BLOOD_POOL, 0).astype(np.int16)
    codes[wall] = Tissue.NORMAL_MYOCARDIUM
    codes[scar & wall] = Tissue.SCAR
    return LabelMap(codes[None])


def ellipse(turn_deg, wall_mm=9.0, half_axes_mm=(24.0, 13.0), depth=0.5):
    """A wall of one thickness around an ellipse, its inner part scar."""
    rows, cols = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    angle = np.deg2rad(turn_deg)
    along = np.cos(angle) * rows + np.sin(angle) * cols
    across = -np.sin(angle) * rows + np.cos(angle) * cols
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    border = np.stack([half_axes_mm[0] * np.cos(turn), half_axes_mm[1] * np.sin(turn)])
    away = np.sqrt((along[..., None] - border[0]) ** 2 + (across[..., None] - border[1]) ** 2)
    distance_mm = away.min(axis=-1)
    inside = (along / half_axes_mm[0]) ** 2 + (across / half_axes_mm[1]) ** 2 < 1
    wall = ~inside & (distance_mm < wall_mm)
    return labelled(inside, wall, distance_mm < depth * wall_mm)


@settings(max_examples=10)
@given(st.floats(0, 180))
def test_chords_of_the_centre_line_cross_a_wall_straighter_than_radii(turn_deg):
    labels = ellipse(turn_deg)
    ours, radii = (chords_of(labels, radial=radial).thickness_mm for radial in (False, True))
    assert ours.mean() == pytest.approx(9.0, abs=0.35)
    assert np.abs(ours - 9).max() < 1.2
    assert np.abs(radii - 9).max() > np.abs(ours - 9).max()
    assert radii.mean() - 9 > ours.mean() - 9 + 0.2, "radii cross the wall aslant"


@settings(max_examples=10)
@given(st.floats(0, 180), st.floats(0.2, 0.9))
def test_the_depth_of_a_scar_is_that_drawn_though_the_wall_is_not_round(turn_deg, depth):
    share = chords_of(ellipse(turn_deg, depth=depth)).shares["scar"]
    assert share.mean() == pytest.approx(depth, abs=0.06)
    assert np.abs(share - depth).max() < 0.2


@settings(max_examples=20)
@given(st.floats(20, 30), st.floats(6, 12), st.floats(0.8, 1.4))
def test_a_round_wall_is_as_thick_as_drawn_all_around(outer_mm, wall_mm, px_mm):
    rows, cols = (np.indices((SIZE, SIZE)) - (SIZE - 1) / 2) * px_mm
    radius = np.hypot(rows, cols)
    inner = radius < outer_mm - wall_mm
    found = chords_of(labelled(inner, ~inner & (radius < outer_mm), inner), px_mm)
    assert found.thickness_mm.mean() == pytest.approx(wall_mm, abs=0.2 * px_mm)
    assert np.abs(found.thickness_mm - wall_mm).max() < 1.1 * px_mm
    assert not found.open.any()
    assert not found.shares["scar"].any()


def test_where_the_wall_is_open_chords_are_open_and_have_no_share():
    rows, cols = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    radius = np.hypot(rows, cols)
    inner = radius < 20
    gap = np.abs(cols) < 0.6 * np.abs(rows)
    wall = (radius >= 20) & (radius < 28) & ~(gap & (rows < 0))
    found = chords_of(labelled(inner, wall, wall))
    n_open = 360 / np.pi * np.arctan(0.6) / (360 / len(ANGLES_DEG))
    assert found.open.sum() == pytest.approx(n_open, abs=6), "seen from a centre that moved off"
    assert np.allclose(found.shares["scar"][~found.open], 1, atol=1e-3)
    assert not found.shares["scar"][found.open].any()


def test_a_mask_that_no_chord_meets_has_no_share():
    found = chords_of(ellipse(0.0, depth=0.0))
    assert not found.shares["scar"].any()
    assert not found.met["scar"].any()
