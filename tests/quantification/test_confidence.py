import json

import numpy as np
import pytest

from myoseg.cases.quality import Flag, Quality
from myoseg.quantification.confidence import (
    correlate,
    correlation_record,
    recorded_quality,
    write_quality_table,
)
from myoseg.quantification.evaluate import evaluate
from myoseg.quantification.region_score import RegionScore


def score(case, dice, region="scar"):
    return RegionScore(case, region, dice, dice, None, None, 1.0, 1.0)


def correlation_of(dice, confidences):
    scores = [score(case, value) for case, value in dice.items()]
    (found,) = correlate(scores, confidences)
    return found


def test_a_confidence_in_the_order_of_dice_correlates_fully():
    dice = {"a": 0.2, "b": 0.9, "c": 0.5, "d": 0.7}
    found = correlation_of(dice, {"a": 0.1, "b": 0.99, "c": 0.3, "d": 0.4})
    assert (found.region, found.n) == ("scar", 4)
    assert found.rho == pytest.approx(1)


def test_spearman_by_hand():
    """Ranks 1 2 3 4 against 2 1 4 3: 1 - 6 x 4 / (4 x 15)."""
    dice = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    found = correlation_of(dice, {"a": 0.6, "b": 0.5, "c": 0.8, "d": 0.7})
    assert found.rho == pytest.approx(0.6)
    assert 0 < found.p_value < 1


def test_cases_without_a_dice_or_a_confidence_are_left_out():
    dice = {"a": 0.1, "b": 0.2, "c": 0.3, "d": None, "e": 0.1}
    found = correlation_of(dice, {"a": 0.9, "b": 0.5, "c": 0.1, "d": 0.0})
    assert found.n == 3
    assert found.rho == pytest.approx(-1)


@pytest.mark.parametrize(
    "confidences", [{"a": 0.1, "b": 0.2}, {"a": 0.5, "b": 0.5, "c": 0.5}], ids=["few", "the same"]
)
def test_too_few_or_equal_values_have_no_correlation(confidences):
    found = correlation_of({"a": 0.1, "b": 0.2, "c": 0.3}, confidences)
    assert found.rho is None
    assert found.p_value is None


def test_predictions_that_say_nothing_of_themselves_are_not_correlated():
    assert correlate([score("a", 0.5)], {}) == ()
    assert correlation_record(()) is None


@pytest.fixture
def write_quality(tmp_path):
    """Writes CASE_stats.json with a quality into the folder `pred`."""

    def write(case, confidence, *flags, blocks=None):
        quality = Quality(confidence, blocks or {}, {}, tuple(Flag(f, f"{f}!") for f in flags))
        (tmp_path / "pred").mkdir(exist_ok=True)
        path = tmp_path / "pred" / f"{case}_stats.json"
        groups = [["scar"]]
        path.write_text(json.dumps({"groups": groups, "quality": quality.to_record()}))
        return path

    return write


def test_an_evaluation_tells_how_confidence_went_with_dice(
    write_quality, write_labels_by_hand, tmp_path
):
    true = {(0, 0, col): 2221 for col in range(4)}
    for n_found, case in enumerate("abcd", start=1):
        write_labels_by_hand(f"true/{case}_gd.nii.gz", true)
        found = {(0, 0, col): 2221 for col in range(n_found)}
        write_labels_by_hand(f"pred/{case}_seg.nii.gz", found)
        write_quality(case, 0.2 * n_found)
    evaluate(tmp_path / "pred", tmp_path / "true", tmp_path / "out")
    record = json.loads((tmp_path / "out" / "metrics.json").read_text())["quality_correlation"]
    assert record["tissues"]["scar"]["n"] == 4
    assert np.isclose(record["tissues"]["scar"]["rho"], 1)


def test_an_evaluation_of_others_labels_has_no_such_record(write_labels_by_hand, tmp_path):
    folder = write_labels_by_hand("true/a_gd.nii.gz", {(0, 0, 0): 2221}).parent
    evaluate(folder, folder, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert record["quality_correlation"] is None


def test_the_table_shows_the_least_confident_case_first(write_quality, tmp_path):
    write_quality("good", 0.9, blocks={"pool": 0.95, "scar": None})
    write_quality("bad", 0.25, "open_ring", "lv_gap", blocks={"pool": 0.5})
    (tmp_path / "pred" / "other_stats.json").write_text("{}")
    write_quality_table(tmp_path / "pred")
    told = json.loads((tmp_path / "pred" / "bad_stats.json").read_text())["quality"]["flags"]
    words = "; ".join(flag["words"] for flag in told)
    assert words
    assert (tmp_path / "pred" / "quality.csv").read_text().splitlines() == [
        "case,confidence,flags,expected_dice_pool,expected_dice_scar,flags_in_words",
        f"bad,0.25,open_ring; lv_gap,0.5,,{words}",
        "good,0.9,,0.95,,",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"quality": null}', '{"quality": {"flags": 1}}'])
def test_statistics_without_a_quality_have_none(tmp_path, text):
    path = tmp_path / "a_stats.json"
    assert recorded_quality(path) is None
    path.write_text(text)
    assert recorded_quality(path) is None
