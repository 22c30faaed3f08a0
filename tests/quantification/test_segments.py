import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.errors import InputError
from myoseg.quantification.aha import TERRITORIES, segment_at
from myoseg.quantification.insertion import InsertionPoints
from myoseg.quantification.segments import measure_segments, transmurality_class

THIRDS = ("basal", "mid", "apical")
FIRST_DEG = {"basal": -120, "mid": -120, "apical": -135}
WIDTH_DEG = {"basal": 60, "mid": 60, "apical": 90}
FIRST = {"basal": 1, "mid": 7, "apical": 13}

hearts = st.fixed_dictionaries(
    {
        "outer_mm": st.floats(30, 36),
        "wall_mm": st.floats(8, 12),
        "septum_deg": st.floats(60, 120),
        "septal_arc_deg": st.floats(90, 150),
        "start": st.floats(-180, 180),
        "width": st.floats(40, 180),
        "scar_depth": st.floats(0.25, 1),
        "tilt": st.tuples(
            st.floats(-1, 1), st.floats(-1, 1), st.floats(0.2, 1), st.floats(-25, 25)
        ),
    }
)
grids = st.fixed_dictionaries(
    {
        "n_slices": st.integers(6, 9),
        "spacing_mm": st.tuples(st.floats(8, 11), st.floats(0.9, 1.5), st.floats(0.9, 1.5)),
        "turn_deg": st.floats(0, 360),
        "flips": st.tuples(*[st.sampled_from((1, -1))] * 3),
    }
)
USUAL = {
    "outer_mm": 33.0,
    "wall_mm": 10.0,
    "septum_deg": 80.0,
    "septal_arc_deg": 110.0,
    "start": 0.0,
    "width": 60.0,
    "scar_depth": 0.5,
    "tilt": (0.0, 0.0, 1.0, 0.0),
}
PLAIN = {"n_slices": 9, "spacing_mm": (9.0, 1.2, 1.2), "turn_deg": 0.0, "flips": (1, 1, 1)}


def make(heart, turned, drawn, stored):
    """A heart that the slices of its grid cover from base to apex, and the grid."""
    drawn = dict(drawn)
    *axis, degrees = drawn.pop("tilt")
    start, width = drawn.pop("start"), drawn.pop("width")
    made = heart(
        apex=tuple(turned(axis, degrees) @ np.array(heart.apex)),
        scar_deg=(start, start + width),
        length_mm=stored["n_slices"] * stored["spacing_mm"][0],
        **drawn,
    )
    return made, made.grid(**stored)


def expected(drawn, n_slices, distance_mm):
    """Wall and scar in mm3 of each segment, by hand from angles and radii."""
    wall, scar = np.zeros(17), np.zeros(17)
    for k in range(n_slices):
        share = (k + 0.5) / n_slices
        third = THIRDS[int(3 * share)]
        inner, outer = drawn.radii_mm(share)
        deep = inner + drawn.scar_depth * drawn.wall_mm
        width = WIDTH_DEG[third]
        slab = np.pi * width / 360 * distance_mm
        for order in range(360 // width):
            segment = FIRST[third] + order
            fine = FIRST_DEG[third] + width * (order + (np.arange(2000) + 0.5) / 2000)
            inside = np.mean((fine - drawn.scar_deg[0]) % 360 < np.diff(drawn.scar_deg)[0])
            wall[segment] += slab * (outer**2 - inner**2)
            scar[segment] += slab * inside * (deep**2 - inner**2)
    return wall, scar


@settings(max_examples=40)
@given(hearts, grids)
@example(USUAL, PLAIN)
@example(USUAL | {"scar_depth": 1.0}, PLAIN | {"flips": (1, 1, -1)})
def test_a_drawn_scar_is_found_in_its_segments_on_any_grid(heart, turned, drawn, stored):
    made, grid = make(heart, turned, drawn, stored)
    found = measure_segments(made.on(grid), grid)
    wall, scar = expected(made, stored["n_slices"], stored["spacing_mm"][0])
    px_mm = max(stored["spacing_mm"][1:])
    for each in found.measures:
        true_g = 1.05 * wall[each.segment] / 1000
        assert each.myocardium_mass_g == pytest.approx(true_g, rel=0.06)
        true_percent = 100 * scar[each.segment] / wall[each.segment]
        assert each.scar_percent == pytest.approx(true_percent, abs=5)
        assert each.wall_thickness_mm == pytest.approx(made.wall_mm, abs=0.3 * px_mm)
        if true_percent > 40 * made.scar_depth:  # of a few pixels' width, the ends are much
            depth = 100 * made.scar_depth
            tolerance = 100 * px_mm / made.wall_mm
            mean = each.scar_transmurality_mean_percent
            assert mean == pytest.approx(depth, abs=0.8 * tolerance)
            assert each.scar_transmurality_max_percent == pytest.approx(depth, abs=1.2 * tolerance)
            over_all = each.scar_transmurality_mean_over_all_percent
            assert over_all <= mean <= each.scar_transmurality_max_percent
    total_g = sum(each.scar_mass_g for each in found.measures)
    assert total_g == pytest.approx(1.05 * scar.sum() / 1000, rel=0.05)


@settings(max_examples=25)
@given(hearts, grids, st.integers(0, 3), *[st.booleans()] * 3)
def test_turning_or_mirroring_what_is_stored_changes_nothing(
    heart, turned, drawn, stored, quarter_turns, transposed, reversed_, mirrored
):
    made, grid = make(heart, turned, drawn, stored)
    labels = made.on(grid)
    codes, affine = stored_otherwise(
        labels.codes, grid.affine, quarter_turns, transposed, reversed_, mirrored
    )
    other_grid = Geometry(codes.shape, affine)
    ours, other = measure_segments(labels, grid), measure_segments(LabelMap(codes), other_grid)
    voxel_g = 1.05 * grid.voxel_ml
    for one, two in zip(ours.measures, other.measures, strict=True):
        assert two.myocardium_mass_g == pytest.approx(one.myocardium_mass_g, abs=4 * voxel_g)
        assert two.scar_mass_g == pytest.approx(one.scar_mass_g, abs=4 * voxel_g)
        assert two.wall_thickness_mm == pytest.approx(one.wall_thickness_mm, abs=0.02)
        mean = one.scar_transmurality_mean_percent
        assert two.scar_transmurality_mean_percent == pytest.approx(mean, abs=3)
    assert other.levels == (ours.levels[::-1] if reversed_ else ours.levels)
    assert other.flags == ours.flags == ()


def stored_otherwise(codes, affine, quarter_turns, transposed, reversed_, mirrored):
    """The same heart with other axes: codes as (slice, row, col), affine for (col, row, slice)."""
    stored, affine = codes.T, affine.copy()
    if transposed:
        stored, affine[:, :2] = stored.swapaxes(0, 1), affine[:, 1::-1].copy()
    for axis, flipped in ((0, mirrored), (2, reversed_)):
        if flipped:
            stored, affine = np.flip(stored, axis), flip_axis(affine, axis, stored.shape[axis])
    for _ in range(quarter_turns):
        stored, affine = np.flip(stored, 1), flip_axis(affine, 1, stored.shape[1])
        stored, affine[:, :2] = stored.swapaxes(0, 1), affine[:, 1::-1].copy()
    return np.ascontiguousarray(stored.T), affine


def flip_axis(affine, axis, length):
    affine = affine.copy()
    affine[:3, 3] += affine[:3, axis] * (length - 1)
    affine[:3, axis] *= -1
    return affine


@settings(max_examples=25)
@given(hearts, grids)
def test_segments_and_what_they_leave_out_are_all_of_the_wall(heart, turned, drawn, stored):
    made, grid = make(heart, turned, drawn | {"scar_depth": 0.4}, stored)
    made = replace(made, edema_depth=0.8, cap=0.85, open_deg=(100.0, 150.0 * drawn["scar_depth"]))
    labels = made.on(grid)
    try:
        found = measure_segments(labels, grid)
    except InputError:
        return
    whole_g = 1.05 * grid.voxel_ml * labels.mask(MYOCARDIUM).sum()
    held_g = sum(each.myocardium_mass_g for each in found.measures)
    assert held_g + found.outside_mass_g == pytest.approx(whole_g)
    by_artery = sum(each.myocardium_mass_g for each in found.territories)
    assert by_artery == pytest.approx(held_g)
    for each in found.measures:
        if each.scar_percent is not None:
            both = each.scar_percent + each.edema_percent
            assert both == pytest.approx(each.edema_and_scar_percent)
            scar_depth = each.scar_transmurality_max_percent
            assert scar_depth <= each.edema_and_scar_transmurality_max_percent + 1e-6


def test_a_septal_half_depth_scar_by_hand(heart):
    # Between 0 and 60 degrees from the middle of the septum lie segments 3 and 9 alone.
    made = heart(scar_deg=(0.0, 60.0), scar_depth=0.5, length_mm=90.0, taper=0.0)
    grid = made.grid(n_slices=9)
    found = measure_segments(made.on(grid), grid).measures
    # (28^2 - 23^2) / (33^2 - 23^2) = 255 / 560: the inner half of a round wall is its smaller part.
    assert [each.scar_percent for each in found][2] == pytest.approx(100 * 255 / 560, abs=3)
    assert found[8].transmurality_class == "26-50"
    assert found[8].scar_transmurality_mean_percent == pytest.approx(50, abs=4)
    assert found[8].scar_transmurality_max_percent == pytest.approx(50, abs=10)
    # Of the apical third, segment 14 has 45 of its 90 degrees in it, and segment 15 has 15.
    assert found[13].scar_percent == pytest.approx(100 * 255 / 560 / 2, abs=3)
    assert found[14].scar_percent == pytest.approx(100 * 255 / 560 / 6, abs=3)
    for other in (1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16):
        assert found[other - 1].scar_percent == pytest.approx(0, abs=3)
    territory = {each.territory: each for each in measure_segments(made.on(grid), grid).territories}
    assert territory["RCA"].scar_mass_g == pytest.approx(
        sum(found[number - 1].scar_mass_g for number in TERRITORIES["RCA"])
    )


def test_the_segments_lie_around_the_septum_as_the_standard_has_them():
    angles = np.array([-90.0, -30, 30, 90, 150, 210, 269])
    assert segment_at("basal", angles).tolist() == [1, 2, 3, 4, 5, 6, 1]
    assert segment_at("mid", angles).tolist() == [7, 8, 9, 10, 11, 12, 7]
    assert segment_at("apical", np.array([-90.0, 0, 90, 180])).tolist() == [13, 14, 15, 16]
    assert sorted(sum(TERRITORIES.values(), ())) == list(range(1, 17))


def test_classes_end_at_their_upper_percentage():
    values = (None, 0.0, 0.1, 25.0, 25.1, 50.0, 75.0, 75.1, 100.0, 100.0001)
    assert [transmurality_class(value) for value in values] == [
        *(None, "0", "1-25", "1-25", "26-50", "26-50", "51-75", "76-100", "76-100", "76-100"),
    ]


@settings(max_examples=20)
@given(st.integers(1, 14), st.booleans())
def test_slices_are_cut_into_thirds_from_base_to_apex(heart, n_slices, reversed_):
    made = heart(length_mm=10.0 * n_slices)
    grid = made.grid(n_slices=n_slices, flips=(1, 1, -1 if reversed_ else 1))
    levels = measure_segments(made.on(grid), grid).levels
    thirds = tuple(THIRDS[(6 * k + 3) // (2 * n_slices)] for k in range(n_slices))
    assert levels == (thirds[::-1] if reversed_ else thirds)


def test_slices_without_a_cavity_are_the_apex_and_belong_to_no_segment(heart):
    made = heart(cap=0.75, length_mm=80.0)
    grid = made.grid(n_slices=8)
    found = measure_segments(made.on(grid), grid)
    assert found.levels == ("basal",) * 2 + ("mid",) * 2 + ("apical",) * 2 + ("apex",) * 2
    codes = made.on(grid).codes[6:]
    apex_g = 1.05 * grid.voxel_ml * (codes == Tissue.NORMAL_MYOCARDIUM).sum()
    assert found.outside_mass_g == pytest.approx(apex_g)


def test_a_slice_without_a_cavity_at_the_base_is_not_the_apex(heart):
    made = heart(cap=0.75, length_mm=80.0)
    grid = made.grid()
    codes = made.on(grid).codes.copy()
    codes[0] = np.where(codes[7] == Tissue.RV_BLOOD_POOL, np.int16(0), codes[7])
    reversed_ = Geometry(grid.shape, flip_axis(grid.affine, 2, 8))
    for stored, place, way in ((codes, grid, 1), (codes[::-1].copy(), reversed_, -1)):
        levels = measure_segments(LabelMap(stored), place).levels[::way]
        assert levels[0] == "open"
        assert levels[6:] == ("apex", "apex")


@pytest.mark.parametrize("reversed_", [False, True])
@pytest.mark.parametrize("lost", [False, True])
def test_a_cavity_that_ends_half_way_and_a_rest_of_wall_at_the_base_do_not_exchange_base_and_apex(
    heart, reversed_, lost
):
    made = heart(cap=0.5, taper=0.3, wall_mm=20.0, length_mm=90.0)
    grid = made.grid(n_slices=9)
    codes = made.on(grid).codes.copy()
    codes[0] = 0
    codes[0, 40:46, 40:44] = Tissue.NORMAL_MYOCARDIUM
    codes[0, 40:46, 44:46] = Tissue.LV_BLOOD_POOL
    affine = np.diag([-1.3, -1.3, 10.0, 1.0]) if lost else grid.affine
    if reversed_:
        codes, affine = codes[::-1].copy(), flip_axis(affine, 2, 9)
    found = measure_segments(LabelMap(codes), Geometry(grid.shape, affine))
    levels = found.levels[:: -1 if reversed_ else 1]
    assert levels == ("open", "basal", "mid", "mid", "apical", *["apex"] * 4)
    assert not any("taper towards" in flag for flag in found.flags)


def test_an_open_ring_is_left_out_and_said(heart):
    made = heart(length_mm=80.0)
    grid = made.grid(n_slices=8)
    codes = made.on(grid).codes.copy()
    codes[0] = replace(made, open_deg=(120.0, 200.0)).on(grid).codes[0]
    found = measure_segments(LabelMap(codes), grid)
    assert found.levels[:2] == ("open", "basal")
    assert "open in 1 slice" in found.flags[0]


def test_a_wall_without_blood_pools_has_the_same_thickness_and_depth(heart):
    made = heart(scar_deg=(20.0, 100.0), scar_depth=0.6)
    grid = made.grid()
    whole = made.on(grid)
    points = given_points(measure_segments(whole, grid))
    pools = np.isin(whole.codes, (Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL))
    alone = LabelMap(np.where(pools, np.int16(0), whole.codes), EACH_TISSUE[:1] + EACH_TISSUE[3:])
    one = measure_segments(whole, grid, insertion=points)
    two = measure_segments(alone, grid, insertion=points)
    assert two.measures == one.measures


def given_points(found):
    middle = found.insertion.slices[len(found.insertion.slices) // 2]
    return InsertionPoints(middle.anterior_mm, middle.inferior_mm)


def test_a_case_without_a_septum_needs_the_reader_s_points(heart):
    made = heart(rv_length=-1.0)
    grid = made.grid()
    with pytest.raises(InputError, match="no slice shows the right ventricle"):
        measure_segments(made.on(grid), grid)
    unassessed = LabelMap(made.on(grid).codes, (MYOCARDIUM, frozenset({Tissue.LV_BLOOD_POOL})))
    with pytest.raises(InputError, match="right ventricle was not assessed"):
        measure_segments(unassessed, grid)


def test_no_wall_to_divide_is_an_error_that_says_why(heart):
    grid = heart().grid()
    empty = LabelMap(np.zeros(grid.shape, np.int16))
    with pytest.raises(InputError, match="no myocardium"):
        measure_segments(empty, grid)
    with pytest.raises(InputError, match="was not assessed"):
        measure_segments(LabelMap(empty.codes, ()), grid)
    half = heart(open_deg=(0.0, 180.0))
    with pytest.raises(InputError, match=r"closed ring .* \(8 open, 0 without"):
        measure_segments(half.on(grid), grid)


def test_the_record_is_json(heart):
    made = heart(scar_deg=(0.0, 60.0), scar_depth=0.5)
    grid = made.grid()
    record = json.loads(json.dumps(measure_segments(made.on(grid), grid).to_record()))
    assert len(record["measures"]) == 16
    assert record["measures"][2]["name"] == "basal inferoseptal"
    assert record["measures"][2]["territory"] == "RCA"
    assert record["insertion"]["source"] == "labels"
    assert record["levels"] == ["basal"] * 3 + ["mid"] * 2 + ["apical"] * 3
