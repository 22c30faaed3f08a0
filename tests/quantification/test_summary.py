import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.quantification.region_score import RegionScore
from myoseg.quantification.summary import summarise, summary_record


def score(case, dice, *, region="scar", true_ml=1.0, pred_ml=1.0):
    jaccard = None if dice is None else dice / (2 - dice)
    distance = None if not dice else 2.0
    return RegionScore(case, region, dice, jaccard, distance, distance, true_ml, pred_ml)


COHORT = [
    score("a", 0.6, pred_ml=3.0),
    score("b", 0.8),
    score("c", 0.0, true_ml=0.0),
    score("d", 0.0, pred_ml=0.0),
    score("e", None, true_ml=0.0, pred_ml=0.0),
    score("f", None, pred_ml=None),
]


def scar_summary(scores=COHORT):
    (summary,) = summarise(scores, np.random.default_rng(0))
    return summary


def test_means_over_a_cohort_by_hand():
    found = scar_summary()
    assert found.distributions["dice"].n == 4
    assert np.isclose(found.distributions["dice"].mean, 1.4 / 4)
    assert np.isclose(found.distributions["dice"].median, 0.3)
    assert found.distributions["hd95_mm"].n == 2
    assert np.isclose(found.distributions["volume_error_ml"].mean, (2 + 0 + 1 - 1 + 0) / 5)


def test_every_case_the_policy_touched_is_counted():
    found = scar_summary()
    assert found.n_cases == 6
    assert (found.n_both_empty, found.n_not_assessed) == (1, 1)
    assert (found.n_only_truth_empty, found.n_only_prediction_empty) == (1, 1)


def test_the_mean_under_the_other_policy_counts_two_empty_masks_as_one():
    assert np.isclose(scar_summary().mean_if_both_empty_is_one["dice"], 2.4 / 5)


def test_regions_stand_in_the_order_of_the_table_whatever_the_order_of_scores():
    scores = [score("a", 0.5, region="myocardium"), score("a", 0.5, region="lv_blood_pool")]
    found = summarise(scores, np.random.default_rng(0))
    assert [summary.region for summary in found] == ["lv_blood_pool", "myocardium"]


def test_no_scores_make_an_empty_summary():
    assert summarise([], np.random.default_rng(0)) == ()


def test_a_cohort_without_the_region_has_no_mean_but_its_counts():
    found = scar_summary([score("a", None, true_ml=0.0, pred_ml=0.0)])
    assert found.distributions["dice"].mean is None
    assert found.mean_if_both_empty_is_one["dice"] == 1
    only_not_assessed = scar_summary([score("a", None, pred_ml=None)])
    assert only_not_assessed.mean_if_both_empty_is_one["dice"] is None


def test_the_record_is_json_with_policy_and_counts_beside_the_mean():
    record = summary_record([scar_summary()], seed=0)
    scar = json.loads(json.dumps(record, allow_nan=False))["tissues"]["scar"]
    assert scar["n_both_empty"] == 1
    assert np.isclose(scar["dice"]["mean"], 0.35)
    assert len(scar["dice"]["ci95"]) == 2
    assert np.isclose(scar["dice"]["mean_if_both_empty_is_one"], 0.48)
    assert "left out of the mean" in record["empty_mask_policy"]
    assert record["interval"]["seed"] == 0


@given(st.permutations(COHORT))
@settings(max_examples=5)
def test_the_order_of_cases_does_not_change_mean_or_counts(scores):
    found, expected = scar_summary(scores), scar_summary()
    assert np.isclose(found.distributions["dice"].mean, expected.distributions["dice"].mean)
    assert found.n_both_empty == expected.n_both_empty
