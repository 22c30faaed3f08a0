"""Measures in words and tables."""

from dataclasses import fields, replace

import numpy as np
import pytest

from myoseg.anatomy import MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.quantification.measures import measure
from myoseg.reporting.case_tables import (
    NO_VALUE,
    NOT_ASSESSED,
    headlines_of,
    measures_table,
    number,
    segments_table,
    sentence,
    territories_table,
    values_by_segment,
)

AFFINE = np.diag([-1.0, -1.0, 10.0, 1.0])
ANATOMY_ONLY = (
    frozenset({Tissue.LV_BLOOD_POOL}),
    frozenset({Tissue.RV_BLOOD_POOL}),
    MYOCARDIUM,
)


def measured(labels):
    return measure(labels, Geometry(labels.codes.shape, AFFINE))


def by_title(headlines):
    return {each.title: each for each in headlines}


def test_a_small_amount_is_never_shown_as_none():
    assert number(0.04, 1) == "< 0.1"
    assert number(-0.04, 1) == "> −0.1"
    assert number(0.06, 1) == "0.1"
    assert number(0.0) == "0"
    assert number(None) == NO_VALUE


def test_headlines_state_mass_and_share_by_hand_arithmetic():
    """100 pixels of wall, 40 of scar, at 0.01 ml: 0.42 g are 40 % of 1.05 g."""
    codes = np.zeros((1, 20, 20), np.int16)
    codes[0, 2:12, 2:12] = Tissue.NORMAL_MYOCARDIUM
    codes[0, 2:6, 2:12] = Tissue.SCAR
    shown = by_title(headlines_of(measured(LabelMap(codes))))
    assert shown["Scar"].value == "0.4"
    assert shown["Scar"].note == "40.0 % of LV myocardium"
    assert shown["LV mass"].value == "1"


def test_what_was_not_assessed_is_said_and_has_no_number(ring_labels):
    codes = np.where(np.isin(ring_labels().codes, [1220, 2221]), 200, ring_labels().codes)
    measures = measured(LabelMap(codes.astype(np.int16), ANATOMY_ONLY))
    shown = by_title(headlines_of(measures))
    for title in ("Scar", "Edema and scar", "Salvage index"):
        assert shown[title].value == ""
        assert shown[title].absence == NOT_ASSESSED
    rows = {row.title: row for row in measures_table(measures.burden).rows}
    assert rows["scar"].note == NOT_ASSESSED
    assert rows["scar"].cells == (NO_VALUE, "", "")
    assert rows["LV myocardium"].cells[0] != NO_VALUE


def test_an_empty_label_map_has_zeros_and_no_percentages(ring_labels):
    measures = measured(LabelMap(ring_labels().codes * 0))
    assert measures.segments is None
    rows = {row.title: row for row in measures_table(measures.burden).rows}
    assert rows["scar"].cells == ("0", "0", NO_VALUE)
    shown = by_title(headlines_of(measures))
    assert shown["Segments with deep scar"].value == ""
    assert shown["Scar"].note == ""


def test_every_segment_and_territory_has_a_line(ring_labels):
    measures = measured(ring_labels(n_slices=6))
    assert measures.segments is not None
    table = segments_table(measures.segments)
    assert [row.title.split()[0] for row in table.rows] == [str(n) for n in range(1, 17)]
    assert [row.title for row in territories_table(measures.segments).rows] == ["LAD", "RCA", "LCX"]
    for each in (table, territories_table(measures.segments)):
        assert {len(row.cells) + 1 for row in each.rows} == {len(each.columns)}


def test_segments_with_deep_scar_are_counted_by_their_class(ring_labels):
    measures = measured(ring_labels(n_slices=6))
    assert measures.segments is not None
    classes = ["76-100", "51-75", "26-50", *["0"] * 13]
    segments = replace(
        measures.segments,
        measures=tuple(
            replace(each, transmurality_class=name)
            for each, name in zip(measures.segments.measures, classes, strict=True)
        ),
    )
    shown = by_title(headlines_of(replace(measures, segments=segments)))
    assert shown["Segments with deep scar"].value == "2"


def test_each_table_names_measures_that_there_are(ring_labels):
    burden = measured(ring_labels()).burden
    names = {field.name for field in fields(burden)}
    assert {"scar_volume_ml", "scar_mass_g", "microvascular_obstruction_mass_g"} <= names
    assert len(measures_table(burden).rows) == 8


def test_a_measure_of_every_segment_is_found_by_its_number(ring_labels):
    segments = measured(ring_labels(n_slices=6)).segments
    assert segments is not None
    assert set(values_by_segment(segments, "scar_percent")) == set(range(1, 17))


@pytest.mark.parametrize("words", ["the ring is open", "The ring is open."])
def test_warnings_are_sentences(words):
    assert sentence(words) == "The ring is open."
