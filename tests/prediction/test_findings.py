"""Hand-drawn hearts: `o` is LV blood pool, `#` wall, `s` scar, `e` edema, `R` RV blood pool."""

import numpy as np
import pytest

from myoseg.anatomy import MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.prediction.findings import findings

POOL, RV, SCAR = (frozenset({t}) for t in (Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL, Tissue.SCAR))
CODES = {".": 0, "#": 200, "o": 500, "R": 600, "e": 1220, "s": 2221}

RING = """
    .........
    ...####..
    .RR#oo#..
    .RR#oo#..
    ...####..
    .........
"""
OPEN = RING.replace(".RR#oo#..\n    ...", ".RR#oo...\n    ...", 1)
DIAGONAL = RING.replace("...####..", "...###...", 1)
"""Closed corner to corner: a 4-connected path does not pass."""
NOTHING = "\n".join(["    ........."] * 6)
AT_BORDER = "\n".join(f"    {line.strip()[1:]}." for line in RING.split("\n") if line.strip())
ISLAND = RING.replace("    .........", "    ........s", 1)


def drawn(*planes):
    codes = [[[CODES[mark] for mark in row] for row in plane.split()] for plane in planes]
    return np.array(codes, dtype=np.int16)


def flags_of(*planes, groups=None, spacing_mm=(9.0, 9.0, 10.0)):
    """Flags by name; pixels of 9 mm make of the ring a heart of common size."""
    codes = drawn(*planes)
    labels = LabelMap(codes) if groups is None else LabelMap(codes, groups)
    geometry = Geometry(codes.shape, np.diag([*spacing_mm, 1.0]))
    return {flag.name: flag for flag in findings(labels, geometry)}


def test_closed_rings_in_a_row_raise_no_flag():
    assert flags_of(RING, RING, RING, RING) == {}


def test_a_single_slice_is_not_held_against_the_volume_of_a_heart():
    assert flags_of(RING) == {}


def test_an_empty_case_has_no_heart_and_no_other_flag():
    found = flags_of(NOTHING, NOTHING)
    assert list(found) == ["no_heart"]
    assert found["no_heart"].words == "no heart was found"


def test_an_open_ring_is_told_with_its_slices():
    flag = flags_of(RING, OPEN, RING, OPEN, RING)["open_ring"]
    assert (flag.n_slices, flag.n_judged) == (2, 3)
    assert flag.words.endswith("in 2 of 3 slices (2, 4)")


def test_the_outermost_rings_may_be_open():
    assert "open_ring" not in flags_of(NOTHING, OPEN, RING, OPEN, NOTHING)
    assert "open_ring" not in flags_of(OPEN, OPEN)


def test_a_ring_that_holds_together_by_a_corner_is_closed():
    assert "open_ring" not in flags_of(RING, DIAGONAL, RING)


def test_a_pool_without_any_wall_is_open():
    bare = RING.replace("#", ".")
    assert flags_of(RING, bare, RING)["open_ring"].n_slices == 1


def test_scar_in_the_wall_closes_the_ring():
    assert flags_of(RING, RING.replace("####", "sees", 1), RING) == {}


def test_a_ventricle_at_the_border_is_told():
    flag = flags_of(RING, AT_BORDER, RING)["at_border"]
    assert (flag.n_slices, flag.n_judged) == (1, 3)


def test_a_slice_without_lv_between_others_is_told():
    flag = flags_of(RING, NOTHING, RING, RING)["lv_gap"]
    assert flag.words == "the LV is missing between others in 1 of 2 slices (2)"
    assert "lv_gap" not in flags_of(NOTHING, RING, RING, NOTHING)


@pytest.mark.parametrize(
    ("edge_mm", "expected"),
    [
        (9.0, set()),
        (2.0, {"pool_volume", "wall_volume", "rv_volume"}),
        (80.0, {"pool_volume", "wall_volume", "rv_volume"}),
    ],
)
def test_volumes_of_no_adults_heart_are_told(edge_mm, expected):
    """Ring of 4 pool, 12 wall and 4 RV pixels in 4 slices 10 mm apart: 13, 39 and 13 ml at 9 mm."""
    found = flags_of(*[RING] * 4, spacing_mm=(edge_mm, edge_mm, 10.0))
    assert {name for name in found if name.endswith("_volume")} == expected


def test_a_volume_is_told_with_the_limit_that_the_stack_sets():
    """4 slices of 10 mm are 4/9 of the length of an LV: 10 ml become 4."""
    flag = flags_of(*[RING] * 4, spacing_mm=(2.0, 2.0, 10.0))["pool_volume"]
    assert flag.words == "the LV blood pool has 1 ml, less than 4 ml"


def test_volumes_are_not_judged_by_a_spacing_that_says_nothing():
    assert flags_of(*[RING] * 4, spacing_mm=(1.0, 1.0, 1.0)) == {}


def test_an_rv_that_is_missing_is_told_where_several_slices_show_the_lv():
    alone = RING.replace("R", ".")
    assert "in 3 slices" in flags_of(alone, alone, alone)["rv_missing"].words
    assert "rv_missing" not in flags_of(alone, alone)
    assert "rv_missing" not in flags_of(RING, alone, alone)


def test_an_rv_far_from_the_lv_is_told():
    far = """
        ..............
        .........####.
        .RR......#oo#.
        .RR......#oo#.
        .........####.
        ..............
    """
    assert flags_of(far)["rv_apart"].n_slices == 1
    assert "rv_apart" not in flags_of(far.replace(".RR......", "......RR."))


def test_an_lv_that_jumps_is_told_where_it_has_jumped_to():
    moved = "\n".join(f"..........{line.strip()}" for line in RING.split("\n") if line.strip())
    wide = (
        RING.replace(".RR#oo#..", ".RR#oo#............")
        .replace("...####..", "...####............")
        .replace("    .........\n", "    ...................\n")
    )
    assert flags_of(wide, moved)["lv_jump"].words.endswith("in 1 of 1 slices (2)")
    assert "lv_jump" not in flags_of(wide, wide)


def test_scar_outside_the_ring_is_told():
    flag = flags_of(RING, ISLAND, RING)["disease_island"]
    assert (flag.n_slices, flag.n_judged) == (1, 1)


def test_scar_and_edema_inside_the_ring_are_no_islands():
    inside = RING.replace("####", "#se#", 1)
    assert "disease_island" not in flags_of(RING, inside, RING)


def test_scar_alone_is_judged_where_edema_was_not_told_apart():
    groups = (POOL, RV, MYOCARDIUM - SCAR, SCAR)
    assert "disease_island" in flags_of(RING, ISLAND, RING, groups=groups)


def test_scar_without_anatomy_is_not_judged():
    assert flags_of(NOTHING, ISLAND.replace("#", "."), groups=(SCAR,)) == {}


def test_anatomy_without_disease_is_judged_as_far_as_it_goes():
    found = flags_of(RING, OPEN, RING, groups=(POOL, RV, MYOCARDIUM))
    assert list(found) == ["open_ring"]


def test_a_pool_alone_is_looked_for_but_its_ring_is_not():
    assert flags_of(RING, OPEN, RING, groups=(POOL,)) == {}
    assert list(flags_of(NOTHING, groups=(POOL,))) == ["no_heart"]


def test_labels_stay_as_they_are():
    codes = drawn(RING, ISLAND, OPEN)
    before = codes.copy()
    findings(LabelMap(codes), Geometry(codes.shape, np.diag([9.0, 9.0, 10.0, 1.0])))
    np.testing.assert_array_equal(codes, before)
