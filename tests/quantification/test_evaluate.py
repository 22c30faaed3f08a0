import csv
import json
import math

import numpy as np
import pytest

from myoseg.errors import InputError
from myoseg.quantification.evaluate import evaluate

SCAR, EDEMA, POOL = 2221, 1220, 500


@pytest.fixture
def cohort(write_labels_by_hand, tmp_path):
    """Case a: half of two scar voxels found, a third one wrong. Case b: no scar on either side."""
    write_labels_by_hand("true/a_gd.nii.gz", {(0, 0, 0): SCAR, (0, 0, 1): SCAR, (0, 3, 3): POOL})
    write_labels_by_hand("true/b_gd.nii.gz", {(0, 3, 3): POOL})
    write_labels_by_hand("pred/a_seg.nii.gz", {(0, 0, 1): SCAR, (0, 0, 2): SCAR, (0, 3, 3): POOL})
    write_labels_by_hand("pred/b_seg.nii.gz", {(1, 3, 3): POOL})
    return tmp_path


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return {(row["case"], row["tissue"]): row for row in csv.DictReader(stream)}


def test_the_table_has_the_columns_and_tissues_that_are_promised(cohort):
    evaluate(cohort / "pred", cohort / "true", cohort / "out")
    lines = (cohort / "out" / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "case,tissue,dice,jaccard,hd95_mm,assd_mm,volume_true_ml,volume_pred_ml"
    assert [line.split(",")[1] for line in lines[1:9]] == [
        *("lv_blood_pool", "rv_blood_pool", "normal_myocardium", "edema", "scar"),
        *("edema+scar", "myocardium", "epicardium"),
    ]
    assert len(lines) == 1 + 2 * 8


def test_two_cases_by_hand(cohort):
    evaluate(cohort / "pred", cohort / "true", cohort / "out")
    rows = rows_of(cohort / "out" / "metrics.csv")
    scar = rows["a", "scar"]
    assert float(scar["dice"]) == 0.5
    assert math.isclose(float(scar["jaccard"]), 1 / 3, abs_tol=1e-6)
    assert math.isclose(float(scar["hd95_mm"]), 0.95, abs_tol=1e-6), "of 0 and 1 mm"
    assert float(scar["assd_mm"]) == 0.5
    assert float(scar["volume_true_ml"]) == float(scar["volume_pred_ml"]) == 0.04
    assert rows["b", "scar"]["dice"] == rows["b", "scar"]["hd95_mm"] == ""
    assert float(rows["b", "lv_blood_pool"]["dice"]) == 0
    assert float(rows["b", "lv_blood_pool"]["hd95_mm"] or "nan") == 10


def test_the_summary_states_means_counts_and_policy(cohort):
    evaluate(cohort / "pred", cohort / "true", cohort / "out")
    record = json.loads((cohort / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert record["n_cases"] == 2
    scar = record["tissues"]["scar"]
    assert (scar["dice"]["mean"], scar["dice"]["n"], scar["n_both_empty"]) == (0.5, 1, 1)
    assert scar["dice"]["mean_if_both_empty_is_one"] == 0.75
    assert record["tissues"]["lv_blood_pool"]["dice"]["mean"] == 0.5
    assert "left out" in record["empty_mask_policy"]


def test_the_same_seed_gives_the_same_files(cohort):
    for out in ("one", "two"):
        evaluate(cohort / "pred", cohort / "true", cohort / out, seed=3)
    for name in ("metrics.csv", "metrics.json"):
        assert (cohort / "one" / name).read_bytes() == (cohort / "two" / name).read_bytes()


def test_truth_against_itself_is_perfect_where_there_is_something(cohort):
    for score in evaluate(cohort / "true", cohort / "true").scores:
        assert score.dice == (None if score.n_empty else 1)


def test_a_case_on_another_grid_fails_alone_and_says_how(cohort, write_labels_by_hand):
    write_labels_by_hand("pred/b_seg.nii.gz", shape=(2, 4, 6))
    evaluation = evaluate(cohort / "pred", cohort / "true", cohort / "out")
    assert evaluation.n_cases == 1
    (failure,) = evaluation.failures
    assert failure.case == "b"
    for part in ("b_seg.nii.gz", "b_gd.nii.gz", "6x4x2", "5x4x2", "mm"):
        assert part in failure.message
    record = json.loads((cohort / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert record["failures"][0]["case"] == "b"


def test_a_shifted_grid_is_refused_by_millimetres(cohort, write_labels_by_hand):
    affine = np.diag([1.0, 2.0, 10.0, 1.0])
    affine[0, 3] = 7
    write_labels_by_hand("pred/b_seg.nii.gz", affine=affine)
    (failure,) = evaluate(cohort / "pred", cohort / "true").failures
    assert "7 mm" in failure.message


def test_unknown_labels_fail_the_case_only(cohort, write_labels_by_hand):
    write_labels_by_hand("pred/b_seg.nii.gz", {(0, 0, 0): 77})
    evaluation = evaluate(cohort / "pred", cohort / "true", predicted_coding="myops")
    assert "77" in evaluation.failures[0].message
    assert evaluation.n_cases == 1


def test_a_cohort_of_which_nothing_can_be_scored_is_an_error(write_labels_by_hand, tmp_path):
    write_labels_by_hand("true/a_gd.nii.gz")
    (tmp_path / "pred").mkdir()
    (tmp_path / "pred" / "a_seg.nii.gz").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"none of 1 cases.*a_seg\.nii\.gz"):
        evaluate(tmp_path / "pred", tmp_path / "true", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_a_prediction_did_not_assess_is_blank_and_counted(cohort):
    groups = [["lv_blood_pool"], ["edema", "normal_myocardium", "scar"]]
    for case in "ab":
        path = cohort / "pred" / f"{case}_stats.json"
        path.write_text(json.dumps({"groups": groups}), encoding="utf-8")
    evaluation = evaluate(cohort / "pred", cohort / "true", cohort / "out")
    assert rows_of(cohort / "out" / "metrics.csv")["a", "scar"]["dice"] == ""
    (scar,) = (summary for summary in evaluation.summary if summary.region == "scar")
    assert (scar.n_not_assessed, scar.distributions["dice"].n) == (2, 0)


def test_codings_may_differ_between_prediction_and_truth(write_labels_by_hand, tmp_path):
    write_labels_by_hand("true/a_gt.nii.gz", {(0, 0, 0): 3, (0, 0, 1): 2})
    write_labels_by_hand("pred/a.nii.gz", {(0, 0, 0): POOL, (0, 0, 1): SCAR})
    scores = evaluate(tmp_path / "pred", tmp_path / "true", true_coding="acdc").scores
    dice = {score.region: score.dice for score in scores}
    assert dice["lv_blood_pool"] == dice["myocardium"] == 1
    assert dice["scar"] is None


@pytest.mark.real_scans
def test_real_cases_against_themselves_are_perfect(shared_data, tmp_path):
    folder = shared_data / "emidec_native"
    evaluation = evaluate(folder, folder)
    assert evaluation.n_cases == 2
    assert {score.dice for score in evaluation.scores} <= {1, None}


def test_inside_a_true_region_only_what_lies_there_counts(cohort):
    within = evaluate(cohort / "pred", cohort / "true", inside="scar")
    (scar,) = [s for s in within.scores if (s.case, s.region) == ("a", "scar")]
    assert scar.dice == 2 * 1 / (1 + 2), "one of two voxels found, the wrong one left out"
    assert within.to_record()["inside"] == "scar"


def test_an_unknown_region_to_be_inside_of_is_refused(cohort):
    with pytest.raises(InputError, match=r"no region 'heart'.*myocardium"):
        evaluate(cohort / "pred", cohort / "true", inside="heart")


def test_slices_without_the_true_region_take_no_part(cohort, write_labels_by_hand):
    write_labels_by_hand("pred/a_seg.nii.gz", {(0, 0, 1): SCAR, (1, 0, 0): SCAR, (1, 3, 3): POOL})
    kept = evaluate(cohort / "pred", cohort / "true", cohort / "out", slices_with="myocardium")
    by_region = {score.region: score for score in kept.scores}
    assert by_region["scar"].dice == 2 * 1 / (1 + 2), "the false scar lies in the other slice"
    assert math.isclose(by_region["scar"].volume_pred_ml, 0.02)
    assert by_region["lv_blood_pool"].volume_pred_ml == 0
    record = json.loads((cohort / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert (record["slices_with"], record["inside"]) == ("myocardium", None)


def test_a_case_without_a_slice_of_the_true_region_fails_and_says_why(cohort):
    (failure,) = evaluate(cohort / "pred", cohort / "true", slices_with="scar").failures
    assert failure.case == "b"
    assert "b_gd.nii.gz has no slice with scar" in failure.message


def test_kept_slices_are_neighbours_at_the_spacing_of_the_volume(write_labels_by_hand, tmp_path):
    shape = (4, 4, 5)
    true = {(0, 1, 1): SCAR, (2, 1, 1): POOL, (3, 1, 1): SCAR}
    write_labels_by_hand("true/a_gd.nii.gz", true, shape=shape)
    write_labels_by_hand("pred/a_seg.nii.gz", {(0, 1, 1): SCAR}, shape=shape)
    for slices_with, hd95_mm in ((None, 28.5), ("scar", 9.5)):
        scores = evaluate(tmp_path / "pred", tmp_path / "true", slices_with=slices_with).scores
        (scar,) = (score for score in scores if score.region == "scar")
        assert math.isclose(scar.hd95_mm, hd95_mm, abs_tol=1e-5), "95 % of the way from 0"


def test_slices_and_inside_go_together(cohort):
    both = evaluate(cohort / "pred", cohort / "true", inside="scar", slices_with="lv_blood_pool")
    (scar,) = [s for s in both.scores if (s.case, s.region) == ("a", "scar")]
    assert scar.dice == 2 * 1 / (1 + 2)
    assert not both.failures


def test_slices_with_a_region_that_all_have_change_nothing(write_labels_by_hand):
    folder = write_labels_by_hand("true/a_gd.nii.gz", {(0, 0, 0): POOL, (1, 2, 2): POOL}).parent
    kept = evaluate(folder, folder, slices_with="lv_blood_pool")
    assert kept.scores == evaluate(folder, folder).scores


def test_an_unknown_region_to_have_slices_with_is_refused(cohort):
    with pytest.raises(InputError, match=r"no region 'heart'.*myocardium"):
        evaluate(cohort / "pred", cohort / "true", slices_with="heart")


def test_a_truth_that_does_not_tell_the_region_fails_the_case(cohort):
    groups = [["lv_blood_pool"], ["edema", "normal_myocardium", "scar"]]
    (cohort / "true" / "a_stats.json").write_text(json.dumps({"groups": groups}))
    with pytest.raises(InputError, match=r"a_gd.nii.gz does not tell the extent of scar"):
        evaluate(cohort / "pred", cohort / "true", slices_with="scar")
