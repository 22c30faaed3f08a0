import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.quantification.region_score import RegionScore
from myoseg.reporting.extremes import best_and_worst
from myoseg.reporting.published import INTER_OBSERVER_SCAR_DICE, TABLE_1, method_title
from myoseg.reporting.table1 import table1, table1_markdown, write_table1

CASES = "abcdef"


@pytest.fixture
def scores(scored):
    """`p` is better than `u` by 10 per cent on each of six cases; case g has no scar."""
    worse = dict(zip(CASES, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], strict=True))
    better = {case: dice + 0.1 for case, dice in worse.items()}
    return {
        symbol: scored({**dice, "g": None}) + scored(dice, region="edema+scar")
        for symbol, dice in (("u", worse), ("p", better))
    }


def cell_of(table, **wanted):
    (cell,) = (c for c in table.cells if all(getattr(c, k) == v for k, v in wanted.items()))
    return cell


def test_the_papers_figures_are_those_of_its_table_1():
    """Printed: Proposed 46.8 ± 26.8, 55.7 ± 18.3, 34.2 ± 22.2, 40.5 ± 16.3."""
    results = TABLE_1["p"].results
    assert str(results["dice", "scar"]) == "46.8 ± 26.8"
    assert str(results["dice", "edema+scar"]) == "55.7 ± 18.3"
    assert str(results["jaccard", "scar"]) == "34.2 ± 22.2"
    assert str(results["jaccard", "edema+scar"]) == "40.5 ± 16.3"
    assert str(TABLE_1["u"].results["dice", "scar"]) == "36.2 ± 23.2"
    assert str(TABLE_1["pw"].results["jaccard", "edema+scar"]) == "38.9 ± 15.0"
    assert str(INTER_OBSERVER_SCAR_DICE) == "52.4 ± 15.8"


def test_a_cell_holds_mean_and_deviation_by_hand(scores):
    cell = cell_of(table1(scores), method="u", measure="dice", region="scar")
    assert cell.n == 6
    assert np.isclose(cell.mean_percent, 35)
    assert np.isclose(cell.sd_percent, np.sqrt(2 * (5**2 + 15**2 + 25**2) / 5))
    assert (cell.n_both_empty, cell.n_one_empty, cell.n_not_assessed) == (1, 0, 0)
    assert np.isclose(cell.mean_percent_if_both_empty_is_one, (6 * 35 + 100) / 7)
    assert cell.paper_mean_percent == 36.2


def test_methods_are_compared_on_the_cases_that_both_have(scores):
    comparisons = table1(scores).comparisons
    assert len(comparisons) == 4
    dice = comparisons[0]
    assert (dice.first, dice.second, dice.measure, dice.region) == ("u", "p", "dice", "scar")
    assert dice.result.n == 6
    assert np.isclose(dice.result.median_difference, -0.1)
    assert dice.result.p_value < 0.05


def test_a_method_the_paper_does_not_have_stands_alone(scored):
    table = table1({"mine": scored({"a": 0.5})})
    cell = cell_of(table, measure="dice", region="scar")
    assert (cell.mean_percent, cell.sd_percent, cell.paper_mean_percent) == (50, None, None)
    text = table1_markdown(table)
    assert "| mine | here | 50.0 | no value |" in text
    assert "paper |" not in text
    assert "Wilcoxon" not in text


def test_markdown_sets_ours_over_the_papers_with_policy_and_counts(scores):
    text = table1_markdown(table1(scores))
    assert "| Proposed | here | 45.0 ± 18.7 | 45.0 ± 18.7 |" in text
    assert "| paper | 46.8 ± 26.8 | 55.7 ± 18.3 | 34.2 ± 22.2 | 40.5 ± 16.3 |" in text
    assert "left out of the mean" in text
    assert "both empty 1 (mean Dice 52.9 if these count as 100)" in text
    assert "| U-Net - Proposed | Dice | MS | 6 | -10.0 |" in text
    widths = {line.count("|") for line in text.splitlines() if "±" in line and "|" in line}
    assert widths == {7}, "all rows have as many columns"


def test_files_are_written_with_one_row_a_cell(scores, tmp_path):
    write_table1(table1(scores), tmp_path)
    with (tmp_path / "table1.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 2 * 2
    assert rows[0]["tissue"] == "scar"
    assert float(rows[0]["mean_percent"]) == 35
    with (tmp_path / "wilcoxon.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["n"] for row in csv.DictReader(stream)] == ["6"] * 4
    assert (tmp_path / "table1.md").read_text(encoding="utf-8").startswith("# Table 1")


def test_no_scores_at_all_make_a_table_of_no_values():
    table = table1({"u": [], "p": []})
    assert all(cell.mean_percent is None and cell.n == 0 for cell in table.cells)
    assert "no value" in table1_markdown(table)
    assert all(c.result.p_value is None for c in table.comparisons)


def test_a_method_is_named_as_in_the_paper_or_by_its_symbol():
    assert method_title("p") == "Proposed"
    assert method_title("mine") == "mine"


def test_best_and_worst_case_are_ranked_by_the_mean_of_both_dice(scored):
    scores = scored({"a": 0.9, "b": 0.5, "c": 0.2}) + scored(
        {"a": 0.1, "b": 0.7, "c": 0.4}, region="edema+scar"
    )
    assert best_and_worst(scores) == ("b", "c")


def test_cases_without_scar_are_ranked_by_what_they_have(scored):
    scores = scored({"a": None, "b": 0.5}) + scored({"a": 0.9, "b": 0.5}, region="edema+scar")
    assert best_and_worst(scores) == ("a", "b")
    assert best_and_worst(scored({"a": None})) is None
    assert best_and_worst(scored({"a": 1.0}, region="lv_blood_pool")) is None


@given(st.permutations(["c", "a", "b"]))
def test_of_equal_cases_the_first_by_name_is_taken(order):
    scores = [RegionScore(case, "scar", 0.5, 0.3, None, None, 1.0, 1.0) for case in order]
    assert best_and_worst(scores) == ("a", "a")
