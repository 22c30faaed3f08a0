import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.errors import InputError
from myoseg.quantification.burden import MYOCARDIAL_DENSITY_G_PER_ML, measure_burden

GRID = Geometry((2, 4, 5), np.diag([1.0, 2.0, 10.0, 1.0]))
"""A voxel is 0.02 ml."""

codes_of_a_case = hnp.arrays(
    np.int16, GRID.shape, elements=st.sampled_from([0, 200, 500, 600, 1220, 2221])
)


def drawn(groups=EACH_TISSUE, **counts):
    """A label map with so many voxels of each tissue, one after another."""
    codes = np.zeros(GRID.shape, np.int16)
    values = [Tissue[name.upper()] for name, count in counts.items() for _ in range(count)]
    codes.flat[: len(values)] = values
    return LabelMap(codes, groups)


def test_volumes_masses_and_percentages_by_hand():
    labels = drawn(scar=3, edema=2, normal_myocardium=5, lv_blood_pool=6, rv_blood_pool=4)
    found = measure_burden(labels, GRID)
    assert found.scar_volume_ml == pytest.approx(0.06)
    assert found.scar_mass_g == pytest.approx(0.063)
    assert found.scar_percent_of_myocardium == pytest.approx(30)
    assert found.edema_mass_g == pytest.approx(0.042)
    assert found.edema_and_scar_percent_of_myocardium == pytest.approx(50)
    assert found.lv_mass_g == pytest.approx(0.21)
    assert found.normal_myocardium_mass_g == pytest.approx(0.105)
    assert found.lv_blood_pool_volume_ml == pytest.approx(0.12)
    assert found.rv_blood_pool_volume_ml == pytest.approx(0.08)
    assert found.salvage_index == pytest.approx(2 / 5)
    assert found.mvo_source is None
    assert found.microvascular_obstruction_mass_g is None


def test_what_was_not_assessed_is_none_and_not_zero():
    wall_alone = drawn(groups=(MYOCARDIUM,), normal_myocardium=5)
    found = measure_burden(wall_alone, GRID)
    assert found.myocardium_volume_ml == pytest.approx(0.1)
    unknown = ("scar_mass_g", "edema_volume_ml", "lv_blood_pool_volume_ml", "salvage_index")
    assert [getattr(found, name) for name in unknown] == [None] * 4
    assert found.scar_percent_of_myocardium is None


def test_nothing_has_volumes_of_zero_and_no_percentages():
    found = measure_burden(drawn(), GRID)
    assert found.lv_mass_g == found.scar_mass_g == found.rv_blood_pool_volume_ml == 0
    assert found.scar_percent_of_myocardium is None
    assert found.salvage_index is None
    assert found.extent.n_slices_with_myocardium == 0


@given(codes_of_a_case)
def test_tissues_add_up_and_density_is_one(codes):
    found = measure_burden(LabelMap(codes), GRID)
    parts = (found.normal_myocardium_mass_g, found.edema_mass_g, found.scar_mass_g)
    assert sum(parts) == pytest.approx(found.lv_mass_g)
    assert found.lv_mass_g == pytest.approx(
        MYOCARDIAL_DENSITY_G_PER_ML * found.myocardium_volume_ml
    )
    if found.lv_mass_g:
        both = found.edema_percent_of_myocardium + found.scar_percent_of_myocardium
        assert both == pytest.approx(found.edema_and_scar_percent_of_myocardium)
        assert 0 <= both <= 100 + 1e-9


@given(codes_of_a_case, st.permutations(range(2)), st.floats(0.5, 3))
def test_slice_order_changes_nothing_and_volumes_grow_with_the_voxel(codes, order, factor):
    labels = LabelMap(codes)
    once = measure_burden(labels, GRID)
    again = measure_burden(LabelMap(labels.codes[list(order)]), GRID)
    assert again == once
    larger = Geometry(GRID.shape, GRID.affine @ np.diag([factor, 1, 1, 1]))
    grown = measure_burden(labels, larger)
    assert grown.lv_mass_g == pytest.approx(factor * once.lv_mass_g)
    assert grown.scar_percent_of_myocardium == pytest.approx(once.scar_percent_of_myocardium)


def test_labelled_obstruction_is_a_part_of_all_of_the_myocardium():
    labels = drawn(scar=4, normal_myocardium=6)
    mask = np.zeros(GRID.shape, bool)
    mask.flat[:2] = True
    found = measure_burden(labels, GRID, mvo=mask)
    assert found.mvo_source == "labelled"
    assert found.microvascular_obstruction_volume_ml == pytest.approx(0.04)
    assert found.microvascular_obstruction_percent_of_myocardium == pytest.approx(20)


def test_the_gap_between_slices_is_said():
    labels = drawn(scar=1)
    plain = measure_burden(labels, GRID).extent
    assert (plain.slice_distance_mm, plain.gap_mm) == (10, None)
    assert "gaps included" in plain.extrapolation
    gapped = measure_burden(labels, GRID, slice_thickness_mm=6.0).extent
    assert gapped.gap_mm == pytest.approx(4)
    assert "the 4.0 mm between them are taken to hold what the nearer slice shows" in (
        gapped.extrapolation
    )
    close = measure_burden(labels, GRID, slice_thickness_mm=10.0).extent
    assert "no gap" in close.extrapolation


def test_slices_stand_apart_at_right_angles_though_their_axis_leans():
    affine = GRID.affine.copy()
    affine[0, 2] = 5.0
    leaning = Geometry(GRID.shape, affine)
    assert measure_burden(drawn(), leaning).extent.slice_distance_mm == pytest.approx(10)


def test_a_single_slice_is_said_to_be_one():
    one = Geometry((1, 4, 5), GRID.affine)
    extent = measure_burden(LabelMap(np.zeros(one.shape, np.int16)), one).extent
    assert "A single slice" in extent.extrapolation


def test_other_shapes_and_thicknesses_are_refused():
    with pytest.raises(InputError, match=r"obstruction mask have shape \(1, 4, 5\)"):
        measure_burden(drawn(), GRID, mvo=np.zeros((1, 4, 5), bool))
    for wrong in (0.0, -2.0, float("nan")):
        with pytest.raises(InputError, match="slice thickness"):
            measure_burden(drawn(), GRID, slice_thickness_mm=wrong)


def test_codes_of_no_tissue_are_refused_rather_than_left_out():
    codes = drawn(normal_myocardium=5).codes.copy()
    codes.flat[-1] = 3
    with pytest.raises(InputError, match="codes 3, which stand for no tissue"):
        measure_burden(LabelMap(codes), GRID)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_lge_without_numbers_in_the_myocardium_is_refused_rather_than_called_free(value):
    labels = drawn(scar=4, normal_myocardium=6)
    lge = np.ones(GRID.shape, np.float32)
    lge.flat[-1] = value
    assert measure_burden(labels, GRID, lge=lge).mvo_source == "dark_core"
    lge.flat[0] = value
    with pytest.raises(InputError, match="NaN or infinite"):
        measure_burden(labels, GRID, lge=lge)


def test_the_record_is_flat_json():
    record = json.loads(json.dumps(measure_burden(drawn(scar=1), GRID).to_record()))
    assert record["scar_percent_of_myocardium"] == 100
    assert record["n_slices"] == 2
    assert record["salvage_index"] == 0
    assert "not recommended as an endpoint" in record["salvage_index_caveat"]
    assert measure_burden(drawn(), GRID).to_record()["salvage_index_caveat"] is None
    assert not any(isinstance(value, dict | list) for value in record.values())
