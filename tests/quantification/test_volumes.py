import numpy as np

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.quality import Flag, Quality
from myoseg.quantification.measures import measure
from myoseg.quantification.volumes import region_volumes_ml, statistics_record

GRID = Geometry(shape=(2, 4, 5), affine=np.diag([1.0, 2.0, 10.0, 1.0]))


def test_a_voxel_of_one_by_two_by_ten_mm_is_a_fiftieth_of_a_millilitre():
    codes = np.zeros(GRID.shape, np.int16)
    codes[0, 0, :3] = Tissue.SCAR
    codes[1, 1, :2] = Tissue.EDEMA
    volumes = region_volumes_ml(LabelMap(codes, EACH_TISSUE), GRID)
    assert np.isclose(volumes["scar"], 3 * 0.02)
    assert np.isclose(volumes["edema+scar"], 5 * 0.02)
    assert volumes["lv_blood_pool"] == 0


def test_what_was_not_assessed_has_no_volume_rather_than_zero():
    record = statistics_record("a", LabelMap(np.zeros(GRID.shape, np.int16), (MYOCARDIUM,)), GRID)
    assert record["volumes_ml"]["myocardium"] == 0
    assert record["volumes_ml"]["edema"] is None
    assert "edema" in record["not_assessed"]
    assert "10.0 mm apart" in record["note"]


def test_the_quality_stands_beside_the_volumes_where_it_is_known():
    labels = LabelMap(np.zeros(GRID.shape, np.int16), EACH_TISSUE)
    assert statistics_record("a", labels, GRID)["quality"] is None
    quality = Quality(0.25, {"lvms": None}, {}, (Flag("no_heart", "no heart was found"),))
    record = statistics_record("a", labels, GRID, quality)["quality"]
    assert record["confidence"] == 0.25
    assert record["flags"][0]["name"] == "no_heart"


def test_a_single_slice_is_said_to_be_one():
    grid = Geometry(shape=(1, 2, 2), affine=np.diag([1.0, 1.0, 8.0, 1.0]))
    record = statistics_record("a", LabelMap(np.zeros(grid.shape, np.int16), EACH_TISSUE), grid)
    assert record["note"] == "Volumes are those of a single slice, taken to be 8.0 mm thick."


def test_the_measures_stand_beside_the_volumes():
    codes = np.zeros(GRID.shape, np.int16)
    codes[0, 0, :3] = Tissue.SCAR
    record = statistics_record("a", LabelMap(codes), GRID)
    assert np.isclose(record["burden"]["scar_mass_g"], 3 * 0.02 * 1.05)
    assert record["burden"]["scar_percent_of_myocardium"] == 100
    assert record["segments"] is None
    assert record["flags"]
    given = measure(LabelMap(codes), GRID, mvo=codes > 0)
    record = statistics_record("a", LabelMap(codes), GRID, measures=given)
    assert record["burden"]["mvo_source"] == "labelled"
