import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import sampled_from

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, REGIONS, Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.quantification.region_score import RegionScore
from myoseg.quantification.scores import score_case

GRID = Geometry(shape=(2, 4, 5), affine=np.diag([1.0, 2.0, 10.0, 1.0]))
VOXEL_ML = 0.02
CODES = arrays(np.int16, GRID.shape, elements=sampled_from([0, *map(int, Tissue)]))


def label_map(**tissues):
    codes = np.zeros(GRID.shape, np.int16)
    for name, index in tissues.items():
        codes[index] = Tissue[name.upper()]
    return LabelMap(codes)


def by_region(scores):
    return {score.region: score for score in scores}


def test_every_region_is_scored_in_its_order():
    scores = score_case("a", label_map(), label_map(), GRID)
    assert [score.region for score in scores] == list(REGIONS)


def test_a_scar_called_edema_counts_for_their_union_only():
    true = label_map(scar=(0, 1, slice(0, 2)), edema=(0, 2, slice(0, 2)))
    predicted = label_map(edema=(0, slice(1, 3), slice(0, 2)))
    found = by_region(score_case("a", predicted, true, GRID))
    assert found["scar"].dice == 0
    assert found["scar"].hd95_mm is None
    assert np.isclose(found["edema"].dice, 2 * 2 / (2 + 4))
    assert np.isclose(found["edema"].jaccard, 2 / 4)
    assert found["edema+scar"].dice == found["myocardium"].dice == 1
    assert found["edema+scar"].assd_mm == 0
    assert np.isclose(found["scar"].volume_true_ml, 2 * VOXEL_ML)
    assert np.isclose(found["edema"].volume_error_ml, 2 * VOXEL_ML)


def test_distances_are_in_millimetres_of_the_grid():
    found = by_region(score_case("a", label_map(scar=(0, 0, 0)), label_map(scar=(1, 0, 0)), GRID))
    assert np.isclose(found["scar"].hd95_mm, 10)


def test_a_region_that_neither_side_drew_has_no_value_and_is_counted_empty():
    scar = by_region(score_case("a", label_map(), label_map(), GRID))["scar"]
    assert scar == RegionScore("a", "scar", None, None, None, None, 0.0, 0.0)
    assert scar.assessed
    assert scar.n_empty == 2


def test_a_region_only_one_side_drew_scores_zero():
    scar = by_region(score_case("a", label_map(scar=(0, 0, 0)), label_map(), GRID))["scar"]
    assert (scar.dice, scar.jaccard, scar.hd95_mm, scar.n_empty) == (0, 0, None, 1)


def test_what_the_prediction_did_not_assess_is_a_row_without_values():
    true = label_map(edema=(0, 0, 0))
    predicted = LabelMap(true.codes * 0, (MYOCARDIUM, frozenset({Tissue.LV_BLOOD_POOL})))
    edema = by_region(score_case("a", predicted, true, GRID))["edema"]
    assert edema == RegionScore("a", "edema", None, None, None, None, edema.volume_true_ml, None)
    assert np.isclose(edema.volume_true_ml, VOXEL_ML)
    assert not edema.assessed
    assert edema.volume_error_ml is None


def test_what_neither_side_assessed_has_no_row():
    blood_pool = (frozenset({Tissue.LV_BLOOD_POOL}),)
    labels = LabelMap(np.zeros(GRID.shape, np.int16), blood_pool)
    assert [score.region for score in score_case("a", labels, labels, GRID)] == ["lv_blood_pool"]


def test_label_maps_on_different_grids_are_refused():
    other = LabelMap(np.zeros((2, 4, 6), np.int16), EACH_TISSUE)
    with pytest.raises(ValueError, match="case a"):
        score_case("case a", other, label_map(), GRID)


@given(CODES)
@settings(max_examples=10)
def test_a_prediction_equal_to_the_truth_is_perfect(codes):
    for score in score_case("a", LabelMap(codes), LabelMap(codes), GRID):
        if score.n_empty:
            assert score.dice is None
        else:
            assert (score.dice, score.jaccard, score.hd95_mm, score.assd_mm) == (1, 1, 0, 0)
        assert score.volume_error_ml == 0
