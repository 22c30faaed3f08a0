import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.phantom.anatomy import ANGLES_DEG
from myoseg.cases.phantom.infarct import (
    Infarct,
    Territory,
    draw_infarct,
    territory_arc_deg,
    wall_depths,
)

seeds = st.integers(0, 2**32 - 1)
levels = st.floats(0, 1)


def transmural_rca_infarct(**changes):
    values = {
        "territory": Territory.RCA,
        "arc_centre": 0.5,
        "arc_half_width": 0.5,
        "centre_mm": 40.0,
        "half_length_mm": 20.0,
        "transmurality": 0.5,
        "edema_depth": 1.0,
        "edema_margin": 1.5,
        "thinning": 0.0,
        "ripple_phases_rad": (),
    }
    return Infarct(**values | changes)


def depth_at(depths, degrees):
    return depths[np.searchsorted(ANGLES_DEG, degrees % 360)]


def test_an_inferior_infarct_by_hand():
    depths = wall_depths(transmural_rca_infarct(), ANGLES_DEG, 40.0, 0.4)
    assert depth_at(depths.scar, 240) == pytest.approx(0.5)
    assert depth_at(depths.edema, 240) == pytest.approx(1.0)
    assert depth_at(depths.scar, 301) == 0
    assert depth_at(depths.edema, 301) > 0
    assert depth_at(depths.scar, 60) == depth_at(depths.edema, 60) == 0


def test_scar_ends_along_the_long_axis_and_edema_reaches_further():
    depths = wall_depths(transmural_rca_infarct(), ANGLES_DEG, 62.0, 0.4)
    assert not depths.scar.any()
    assert depths.edema.any()


def test_a_control_has_no_depth():
    depths = wall_depths(None, ANGLES_DEG, 40.0, 0.4)
    assert not depths.scar.any()
    assert not depths.edema.any()


def test_a_chronic_scar_has_no_edema_beyond_it():
    depths = wall_depths(transmural_rca_infarct(edema_depth=0.0), ANGLES_DEG, 40.0, 0.4)
    np.testing.assert_array_equal(depths.edema, depths.scar)


@pytest.mark.parametrize("level", [0.3, 0.66, 0.9])
def test_the_three_territories_share_the_circle_out(level):
    arcs = [territory_arc_deg(territory, level) for territory in Territory]
    assert sum(end - start for start, end in arcs) == pytest.approx(360)


def test_apical_segments_change_hands():
    assert territory_arc_deg(Territory.LAD, 0.3) == (60, 180)
    assert territory_arc_deg(Territory.LAD, 0.9) == (45, 225)


@given(seed=seeds, level=levels, acute=st.booleans())
def test_scar_lies_in_its_territory_and_edema_around_it(seed, level, acute):
    infarct = draw_infarct(np.random.default_rng(seed), [20.0, 40.0, 60.0], acute=acute)
    depths = wall_depths(infarct, ANGLES_DEG, 90 * level, level)
    start, end = territory_arc_deg(infarct.territory, level)
    scarred_deg = ANGLES_DEG[depths.scar > 0]
    assert np.all((scarred_deg - start) % 360 <= end - start)
    assert np.all((depths.scar >= 0) & (depths.scar <= depths.edema) & (depths.edema <= 1))
    assert infarct.acute == acute


@given(seed=seeds)
def test_an_infarct_is_widest_in_one_of_the_slices(seed):
    positions = [12.5, 30.0, 55.0]
    assert draw_infarct(np.random.default_rng(seed), positions, acute=True).centre_mm in positions
