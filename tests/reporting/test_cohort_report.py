"""The page and the table of a cohort."""

import csv
import json
import logging

import numpy as np
import pytest

from myoseg.anatomy import Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.quality import Flag, Quality
from myoseg.errors import InputError
from myoseg.files import write_json
from myoseg.quantification.agreement_case import CaseComparison, PairedValue
from myoseg.quantification.volumes import statistics_record
from myoseg.reporting.cohort_lines import ranking_of
from myoseg.reporting.cohort_report import shown_columns, write_cohort_report
from myoseg.reporting.cohort_rows import (
    COLUMNS,
    CONFIDENCE,
    SCAR_DICE,
    TRUTH_COLUMNS,
    CohortRow,
    row_of,
    rows_of,
    summarise,
)
from myoseg.reporting.cohort_truth import comparison_of

WILD = """<b>&"'</b><script>alert(1)</script>"""
AFFINE = np.diag([-1.0, -1.0, 10.0, 1.0])


@pytest.fixture
def save_case(ring_labels):
    """Writes the statistics of a heart of rings, as `myoseg predict` does."""

    def save(folder, name, *, quality=None, labels=None, with_report=True):
        labels = labels or ring_labels(4)
        geometry = Geometry(labels.codes.shape, AFFINE)
        write_json(
            folder / f"{name}_stats.json", statistics_record(name, labels, geometry, quality)
        )
        if with_report:
            (folder / f"{name}_report.html").write_text("<!doctype html>")

    return save


def row(case, *, flags=(), **values):
    return CohortRow(case, f"{case}_report.html", values, flags)


def test_measures_are_summarised_by_hand_arithmetic():
    """1, 2, 3 and 10: mean 4, deviations -3 -2 -1 6, sum of squares 50, over 3."""
    rows = [row(str(n), scar_mass_g=float(n)) for n in (1, 2, 3, 10)]
    rows.append(row("none", scar_mass_g=None))
    (found,) = summarise(rows, [c for c in COLUMNS if c.field == "scar_mass_g"])
    assert (found.n, found.mean, found.median) == (4, 4.0, 2.5)
    assert found.sd == pytest.approx((50 / 3) ** 0.5)
    assert found.quartiles == (1.75, 4.75)
    assert found.extremes == (1.0, 10.0)


def test_a_measure_that_no_case_has_is_not_summarised():
    (found,) = summarise([row("a", scar_mass_g=None)], [COLUMNS[3]])
    assert (found.n, found.mean, found.sd, found.quartiles) == (0, None, None, None)
    (one,) = summarise([row("a", scar_mass_g=2.0)], [COLUMNS[3]])
    assert (one.n, one.mean, one.sd) == (1, 2.0, None)


def test_columns_without_any_value_are_left_out():
    rows = [row("a", scar_mass_g=0.0, lv_mass_g=None), row("b", scar_mass_g=None)]
    assert [column.field for column in shown_columns(rows, COLUMNS)] == ["scar_mass_g"]


def test_each_case_has_a_line_that_links_to_its_report(save_case, tmp_path, page_of):
    save_case(tmp_path, "one")
    save_case(tmp_path, "two", with_report=False)
    page = page_of(write_cohort_report(tmp_path).read_text(encoding="utf-8"))
    links = [each["href"] for each in page.all("a")]
    assert "one_report.html" in links
    assert "two_report.html" not in links
    assert "one" in page.text
    assert "two" in page.text
    assert "Cases 2" in page.text


def test_the_numbers_are_those_of_the_statistics(save_case, tmp_path, page_of):
    save_case(tmp_path, "one")
    burden = json.loads((tmp_path / "one_stats.json").read_text())["burden"]
    page = page_of(write_cohort_report(tmp_path).read_text(encoding="utf-8"))
    shown = [float(each["data-v"]) for each in page.all("td") if "data-v" in each]
    assert any(value == pytest.approx(burden["scar_mass_g"], rel=1e-5) for value in shown)
    with (tmp_path / "cohort.csv").open(newline="") as stream:
        (record,) = csv.DictReader(stream)
    assert record["case"] == "one"
    assert float(record["scar_mass_g"]) == pytest.approx(burden["scar_mass_g"], rel=1e-6)
    assert float(record["lv_mass_g"]) == pytest.approx(burden["lv_mass_g"], rel=1e-6)


def test_warnings_of_model_and_measures_stand_in_the_line(save_case, tmp_path):
    quality = Quality(0.5, {}, {}, (Flag("open_ring", "the ring is open"),))
    save_case(tmp_path, "one", quality=quality)
    (found,) = rows_of(tmp_path)
    assert found.flags[0] == "The ring is open."
    assert found.values[CONFIDENCE] == 0.5


def test_statistics_of_an_earlier_version_are_said_to_hold_no_measures(tmp_path):
    found = row_of({"case": "old", "quality": None}, tmp_path)
    assert found.flags == ("Not measured.",)
    assert found.values["scar_mass_g"] is None


@pytest.mark.parametrize("text", ["{", "[]", '{"volumes": 1}', '{"case": "a", "burden": [1]}'])
def test_a_file_that_cannot_be_read_is_left_out_and_named(save_case, tmp_path, caplog, text):
    save_case(tmp_path, "good")
    (tmp_path / "bad_stats.json").write_text(text)
    with caplog.at_level(logging.WARNING):
        rows = list(rows_of(tmp_path))
    assert [each.case for each in rows] == ["good"]
    assert "bad_stats.json is left out" in caplog.text


def test_a_folder_without_cases_has_a_page_that_says_so(tmp_path, page_of):
    page = page_of(write_cohort_report(tmp_path).read_text(encoding="utf-8"))
    assert "no measured case" in page.text


def test_empty_hearts_do_not_stop_the_page(save_case, ring_labels, tmp_path, page_of):
    save_case(tmp_path, "empty", labels=LabelMap(ring_labels(4).codes * 0))
    save_case(tmp_path, "full")
    page = page_of(write_cohort_report(tmp_path).read_text(encoding="utf-8"))
    assert "There is no myocardium" in page.text


def test_any_name_is_shown_as_it_is_and_runs_nothing(save_case, tmp_path, page_of):
    save_case(tmp_path, "one")
    record = json.loads((tmp_path / "one_stats.json").read_text())
    write_json(tmp_path / "two_stats.json", record | {"case": WILD, "flags": [WILD]})
    page = page_of(write_cohort_report(tmp_path).read_text(encoding="utf-8"))
    assert WILD in page.text
    assert len(page.all("script")) == 1
    assert page.all("b") == []


def test_links_lead_to_files_of_any_name(save_case, tmp_path, page_of):
    save_case(tmp_path, "a b#1?100%")
    page = page_of(write_cohort_report(tmp_path).read_text(encoding="utf-8"))
    assert "a%20b%231%3F100%25_report.html" in [each["href"] for each in page.all("a")]


def test_the_page_asks_for_nothing_but_what_is_beside_it(save_case, tmp_path, page_of):
    save_case(tmp_path, "one")
    page = page_of(write_cohort_report(tmp_path).read_text(encoding="utf-8"))
    fetched = [each["src"] for _, each in page.elements if "src" in each]
    assert fetched
    assert {each.split(":")[0] for each in fetched} == {"data"}
    assert {each["href"] for each in page.all("a")} == {"cohort.csv", "one_report.html"}


def test_the_worst_and_the_best_are_named_by_dice_if_there_is_a_truth():
    rows = [row(f"c{n}", scar_dice=n / 10, confidence=1 - n / 10) for n in range(10)]
    ranking = ranking_of(rows, (*COLUMNS, *TRUTH_COLUMNS))
    assert ranking is not None
    assert [line.case for line in ranking.first] == ["c0", "c1", "c2", "c3", "c4"]
    assert [line.case for line in ranking.last] == ["c9", "c8", "c7", "c6", "c5"]
    assert ranking.first_title == "Worst"


def test_without_a_truth_the_least_certain_come_first():
    rows = [row("a", confidence=0.9), row("b", confidence=0.2), row("c", confidence=None)]
    ranking = ranking_of(rows, COLUMNS)
    assert ranking is not None
    assert [line.case for line in ranking.first] == ["b"]
    assert [line.case for line in ranking.last] == ["a"]


def test_no_case_is_both_among_the_worst_and_the_best():
    rows = [row(f"c{n}", confidence=float(n)) for n in range(7)]
    ranking = ranking_of(rows, COLUMNS)
    assert ranking is not None
    first, last = ({line.case for line in end} for end in (ranking.first, ranking.last))
    assert len(first) == len(last) == 3
    assert not first & last


def test_one_case_is_neither_best_nor_worst():
    assert ranking_of([row("a", confidence=0.9)], COLUMNS) is None


def compared(case, found, true, dice=None):
    values = tuple(
        PairedValue(case, name, None, found, true) for name in ("scar_mass_g", "salvage_index")
    )
    return CaseComparison(case, values, (("scar", dice), ("myocardium", 0.9)))


def test_the_truth_gives_bias_and_dice_by_hand_arithmetic():
    cases = [compared("a", 3.0, 1.0, 0.5), compared("b", 5.0, 4.0), compared("c", 2.0, 2.0)]
    truth = comparison_of([*cases, compared("d", None, 2.0)])
    (series,) = truth.series
    assert series.name == "scar_mass_g"
    assert series.bland_altman.n == 3
    assert series.bland_altman.bias == 1.0
    assert truth.dice["a"] == {SCAR_DICE: 0.5}
    assert truth.dice["b"] == {SCAR_DICE: None}


def test_a_truth_of_too_few_cases_has_a_bias_and_no_coefficients():
    (series,) = comparison_of([compared("a", 3.0, 1.0)]).series
    assert (series.bland_altman.bias, series.icc, series.ccc) == (2.0, None, None)


def test_cases_that_cannot_be_compared_are_named_on_the_page(save_case, tmp_path, page_of):
    save_case(tmp_path, "one")
    failed = CaseComparison("one", error=InputError("the grids differ"))
    page = page_of(
        write_cohort_report(tmp_path, comparison_of([failed])).read_text(encoding="utf-8")
    )
    assert "one: the grids differ" in page.text


def test_agreement_with_the_truth_stands_on_the_page(save_case, tmp_path, page_of):
    for name in "abc":
        save_case(tmp_path, name)
    truth = comparison_of(
        [compared("a", 3.0, 1.0, 0.5), compared("b", 5.0, 4.0, 0.7), compared("c", 2.0, 2.0)]
    )
    page = page_of(write_cohort_report(tmp_path, truth).read_text(encoding="utf-8"))
    assert "Agreement with the truth" in page.text
    assert "Worst and best cases" in page.text
    assert any("Bland-Altman" in each["alt"] for each in page.all("img"))
    with (tmp_path / "cohort.csv").open(newline="") as stream:
        dice = {record["case"]: record["scar_dice"] for record in csv.DictReader(stream)}
    assert dice == {"a": "0.5", "b": "0.7", "c": ""}


def test_scar_is_counted_deep_from_the_segments_classes(save_case, ring_labels, tmp_path):
    codes = ring_labels(6).codes
    deep = np.where(np.isin(codes, [200, 1220]), np.int16(Tissue.SCAR), codes)
    save_case(tmp_path, "deep", labels=LabelMap(deep.astype(np.int16)))
    (found,) = rows_of(tmp_path)
    assert found.values["n_segments_with_deep_scar"] == 16
