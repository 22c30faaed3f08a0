import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.phantom.infarct import (
    Focus,
    Infarct,
    Territory,
    draw_infarct,
    territory_arc_deg,
    wall_depths,
)
from myoseg.cases.phantom.variation import ANGLES_DEG, draw_ripples

seeds = st.integers(0, 2**32 - 1)
levels = st.floats(0, 1)
SMOOTH = draw_ripples(np.random.default_rng(0), range(1, 2), 0.0, decay=0.0, turn=0.0)


def focus(**changes):
    values = {
        "territory": Territory.RCA,
        "arc_centre": 0.5,
        "arc_half_width": 0.5,
        "centre_mm": 40.0,
        "half_length_mm": 20.0,
        "transmurality": 0.5,
        "edema_depth": 1.0,
        "edema_margin": 1.5,
        "obstruction": 0.0,
        "obstruction_depths": (0.1, 0.8),
        "thinning": 0.0,
        "bulge_mm": 0.0,
        "border": SMOOTH,
    }
    return Focus(**values | changes)


def rca_infarct(**changes):
    return Infarct((focus(**changes),))


def depth_at(depths, degrees):
    return depths[np.searchsorted(ANGLES_DEG, degrees % 360)]


def test_an_inferior_infarct_by_hand():
    depths = wall_depths(rca_infarct(), 40.0, 0.4)
    assert depth_at(depths.scar, 240) == pytest.approx(0.5)
    assert depth_at(depths.edema, 240) == pytest.approx(1.0)
    assert depth_at(depths.scar, 301) == 0
    assert depth_at(depths.edema, 301) > 0
    assert depth_at(depths.scar, 60) == depth_at(depths.edema, 60) == 0


def test_scar_ends_along_the_long_axis_and_edema_reaches_further():
    depths = wall_depths(rca_infarct(), 62.0, 0.4)
    assert not depths.scar.any()
    assert depths.edema.any()


def test_a_control_has_no_depth():
    depths = wall_depths(None, 40.0, 0.4)
    assert not depths.scar.any()
    assert not depths.edema.any()


def test_a_chronic_scar_has_no_edema_beyond_it():
    depths = wall_depths(rca_infarct(edema_depth=0.0), 40.0, 0.4)
    np.testing.assert_array_equal(depths.edema, depths.scar)


def test_obstruction_is_the_core_of_the_scar():
    depths = wall_depths(rca_infarct(obstruction=0.5), 40.0, 0.4)
    assert depth_at(depths.mvo_from, 240) == pytest.approx(0.05)
    assert depth_at(depths.mvo_to, 240) == pytest.approx(0.4)
    assert depth_at(depths.mvo_to, 275) == 0


def test_an_aneurysm_bulges_and_thins_where_scar_is_deep():
    depths = wall_depths(rca_infarct(transmurality=1.0, thinning=0.5, bulge_mm=8.0), 40.0, 0.4)
    assert depth_at(depths.thinning, 240) == pytest.approx(0.5)
    assert depth_at(depths.bulge_mm, 240) == pytest.approx(8.0)
    assert depth_at(depths.bulge_mm, 60) == 0


def test_two_infarcts_lie_beside_each_other():
    both = Infarct((focus(), focus(territory=Territory.RCX, transmurality=0.8)))
    depths = wall_depths(both, 40.0, 0.4)
    assert depth_at(depths.scar, 240) == pytest.approx(0.5)
    assert depth_at(depths.scar, 0) == pytest.approx(0.8)


@pytest.mark.parametrize("level", [0.3, 0.66, 0.9])
def test_the_three_territories_share_the_circle_out(level):
    arcs = [territory_arc_deg(territory, level) for territory in Territory]
    assert sum(end - start for start, end in arcs) == pytest.approx(360)


def test_apical_segments_change_hands():
    assert territory_arc_deg(Territory.LAD, 0.3) == (60, 180)
    assert territory_arc_deg(Territory.LAD, 0.9) == (45, 225)


@given(seed=seeds, level=levels, acute=st.booleans())
def test_obstruction_lies_in_scar_and_scar_in_edema(seed, level, acute):
    infarct = draw_infarct(np.random.default_rng(seed), [20.0, 40.0, 60.0], acute=acute)
    depths = wall_depths(infarct, 90 * level, level)
    assert np.all((depths.scar >= 0) & (depths.scar <= depths.edema) & (depths.edema <= 1))
    assert np.all((depths.mvo_from <= depths.mvo_to) & (depths.mvo_to <= depths.scar))
    assert acute or not depths.mvo_to.any()
    assert infarct.acute == acute


@given(seed=seeds, acute=st.booleans())
def test_an_infarct_is_centred_in_its_territory_and_in_one_of_the_slices(seed, acute):
    positions = [12.5, 30.0, 55.0]
    for one in draw_infarct(np.random.default_rng(seed), positions, acute=acute).foci:
        assert one.centre_mm in positions
        assert 0 < one.arc_centre < 1


def test_scar_is_a_quarter_of_the_wall_in_the_middle_of_slices_with_scar():
    rng, shares = np.random.default_rng(0), []
    for _ in range(200):
        infarct = draw_infarct(rng, [20.0, 40.0, 60.0], acute=True)
        shares += [wall_depths(infarct, z, z / 90).scar.mean() for z in (10.0, 30.0, 50.0, 70.0)]
    assert np.median([share for share in shares if share > 0.01]) == pytest.approx(0.25, abs=0.05)
