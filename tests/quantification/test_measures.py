import json
from dataclasses import replace

import numpy as np
import pytest

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.errors import InputError
from myoseg.quantification.measures import measure


def measured(made, grid, **changes):
    return measure(made.on(grid), grid, **changes)


def test_a_whole_heart_has_segments_and_nothing_amiss(heart):
    made = heart(scar_deg=(0.0, 60.0), scar_depth=0.5, edema_depth=0.8)
    found = measured(made, made.grid())
    assert found.flags == ()
    segments_g = sum(each.scar_mass_g for each in found.segments.measures)
    assert segments_g == pytest.approx(found.burden.scar_mass_g)
    record = json.loads(json.dumps(found.to_record()))
    assert set(record) == {"burden", "segments", "flags"}


def test_no_myocardium_is_said_and_has_no_percentages(heart):
    grid = heart().grid()
    found = measure(LabelMap(np.zeros(grid.shape, np.int16)), grid)
    assert found.segments is None
    assert found.burden.scar_percent_of_myocardium is None
    assert "There is no myocardium, so there are no percentages." in found.flags
    assert any("Not divided into segments" in flag for flag in found.flags)


def test_an_open_ring_has_its_burden_and_says_why_it_has_no_segments(heart):
    made = heart(open_deg=(0.0, 150.0), scar_deg=(-60.0, 0.0), scar_depth=1.0)
    found = measured(made, made.grid())
    assert found.segments is None
    assert found.burden.scar_mass_g > 0
    assert "no slice has a closed ring" in found.flags[-1]


def test_one_slice_is_measured_and_flagged(heart):
    made = heart()
    found = measured(made, made.grid(n_slices=1))
    assert found.segments.levels == ("mid",)
    assert any("one slice only" in flag for flag in found.flags)
    assert any("Only 1 slice could be divided" in flag for flag in found.flags)


def test_no_right_ventricle_leaves_the_burden_and_a_remedy(heart):
    made = heart(rv_length=-1.0)
    found = measured(made, made.grid())
    assert found.segments is None
    assert found.burden.rv_blood_pool_volume_ml == 0
    assert "give the insertion points" in found.flags[-1]


def test_a_right_ventricle_on_some_slices_is_lent_to_the_nearest_others(heart):
    made = heart(rv_length=0.6)
    found = measured(made, made.grid())
    assert "could not be seen in 3 of 8 slices (6, 7, 8, counted from 1)" in found.flags[0]
    assert [each.taken_from for each in found.segments.insertion.slices] == [None] * 5 + [4] * 3


def test_scar_apart_from_the_ventricle_is_counted_and_flagged(heart):
    made = heart()
    grid = made.grid()
    codes = made.on(grid).codes.copy()
    codes[3, :4, :6] = Tissue.SCAR
    found = measure(LabelMap(codes), grid)
    lost_ml = 24 * grid.voxel_ml
    assert found.burden.scar_volume_ml == pytest.approx(lost_ml)
    assert f"Scar of {lost_ml:.1f} ml lies apart" in found.flags[1]
    assert sum(each.scar_mass_g for each in found.segments.measures) == 0


def test_a_blood_pool_apart_from_the_wall_does_not_hide_it(heart):
    made = heart(scar_deg=(0.0, 60.0), scar_depth=0.5)
    grid = made.grid()
    codes = made.on(grid).codes.copy()
    before = measure(LabelMap(codes), grid).segments
    codes[:, :10] = Tissue.LV_BLOOD_POOL
    assert (codes[7] == Tissue.LV_BLOOD_POOL).sum() > (codes[7] == 200).sum()
    after = measure(LabelMap(codes), grid)
    for one, other in zip(before.measures, after.segments.measures, strict=True):
        assert other.scar_mass_g == one.scar_mass_g
        assert other.wall_thickness_mm == pytest.approx(one.wall_thickness_mm, abs=0.01)
    codes[codes == Tissue.NORMAL_MYOCARDIUM] = 0
    codes[codes == Tissue.SCAR] = 0
    codes[3, 30, 30:33] = Tissue.NORMAL_MYOCARDIUM
    alone = measure(LabelMap(codes), grid)
    assert alone.segments is None
    assert "no slice has a closed ring" in alone.flags[-1]


def test_pixels_of_any_proportion_are_measured(heart):
    made = heart()
    grid = made.grid()
    flat = Geometry(grid.shape, grid.affine @ np.diag([1e-4, 1.0, 1.0, 1.0]))
    assert measure(made.on(grid), flat).burden.lv_mass_g > 0


def test_a_slice_without_myocardium_between_others_is_flagged(heart):
    made = heart()
    grid = made.grid()
    codes = made.on(grid).codes.copy()
    codes[4] = 0
    found = measure(LabelMap(codes), grid)
    assert "missing in slices between others that have it (5, counted" in found.flags[0]


def test_what_was_not_assessed_is_said(heart):
    grid = heart().grid()
    labels = LabelMap(heart().on(grid).codes, (MYOCARDIUM, *EACH_TISSUE[1:3]))
    found = measure(labels, grid)
    assert found.flags[0] == "Not assessed: normal myocardium, edema, scar, edema + scar."
    assert found.segments.measures[0].scar_percent is None
    assert found.segments.measures[0].transmurality_class is None
    assert found.segments.measures[0].wall_thickness_mm == pytest.approx(10, abs=1)


def test_a_spacing_of_one_millimetre_all_round_is_called_nominal(heart):
    grid = Geometry((4, 90, 90), np.eye(4))
    found = measure(LabelMap(np.zeros(grid.shape, np.int16)), grid)
    assert "1 x 1 x 1 mm" in found.flags[0]


def test_codes_of_no_tissue_are_refused(heart):
    grid = heart().grid()
    codes = np.zeros(grid.shape, np.int16)
    codes[0, 0, 0] = 7
    with pytest.raises(InputError, match="codes 7, which stand for no tissue"):
        measure(LabelMap(codes), grid)


def test_tissues_that_were_not_drawn_are_said_to_be_doubtful(heart):
    made = heart(scar_deg=(0.0, 60.0), scar_depth=0.5)
    grid = made.grid()
    codes = made.on(grid).codes
    alone = measure(LabelMap(np.where(codes == Tissue.SCAR, codes, np.int16(0))), grid)
    assert any("All of the myocardium is scar" in flag for flag in alone.flags)
    assert any("no LV blood pool" in flag for flag in alone.flags)
    emptied = LabelMap(np.where(codes == Tissue.LV_BLOOD_POOL, np.int16(0), codes))
    found = measure(emptied, grid)
    assert found.burden.lv_blood_pool_volume_ml == 0
    assert "no LV blood pool" in found.flags[0]
    assert not any("is scar" in flag for flag in found.flags)


def test_a_mass_that_no_heart_has_is_said(heart):
    made = heart()
    grid = made.grid()
    for factor, unit in ((0.1, "in centimetres"), (3.0, "too large")):
        other = Geometry(grid.shape, grid.affine @ np.diag([factor, factor, factor, 1.0]))
        found = measure(made.on(grid), other)
        assert any("no heart in whole" in flag for flag in found.flags), unit


def test_obstruction_labelled_outside_the_myocardium_is_said_and_not_counted(heart):
    made = heart(scar_deg=(0.0, 60.0), scar_depth=0.5)
    grid = made.grid()
    labels = made.on(grid)
    scar = labels.mask(frozenset({Tissue.SCAR}))
    mvo = scar | labels.mask(frozenset({Tissue.LV_BLOOD_POOL}))
    found = measure(labels, grid, mvo=mvo)
    assert found.burden.microvascular_obstruction_volume_ml == found.burden.scar_volume_ml
    outside_ml = found.burden.lv_blood_pool_volume_ml
    assert f"obstruction of {outside_ml:.2f} ml is labelled outside" in found.flags[0]
    assert measure(labels, grid, mvo=scar).flags == ()


def test_two_islands_of_scar_in_a_heart_change_only_what_they_touch(heart):
    made = heart(scar_deg=(0.0, 60.0), scar_depth=0.5)
    grid = made.grid()
    before = measured(made, grid)
    after = measured(replace(made, scar_deg=(0.0, 60.0), scar_depth=0.8), grid)
    for one, two in zip(before.segments.measures, after.segments.measures, strict=True):
        assert two.myocardium_mass_g == one.myocardium_mass_g
        assert two.scar_mass_g >= one.scar_mass_g
