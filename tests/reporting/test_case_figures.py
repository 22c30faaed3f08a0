"""Figures of one case: the preview, and the contours of Figures 4 and 5."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.cases.case import LabelMap
from myoseg.cases.quality import Flag, Quality
from myoseg.reporting.case_contours import PREDICTED_COLOUR, figure45_contours
from myoseg.reporting.palette import COLOURS
from myoseg.reporting.preview import MOST_SLICES, preview

ANATOMY_ONLY = (
    frozenset({Tissue.LV_BLOOD_POOL}),
    frozenset({Tissue.RV_BLOOD_POOL}),
    MYOCARDIUM,
)


def colours_in(axes):
    return [to_hex(c.get_edgecolor()[0]) for c in axes.collections]


def texts_of(figure):
    own = [text.get_text() for axes in figure.axes for text in axes.texts]
    legend = figure.legends[0]
    return own + [text.get_text() for text in [*legend.get_texts(), legend.get_title()]]


def test_figure_4_has_a_row_for_each_slice_and_five_columns(ring_case, ring_labels):
    labels = ring_labels()
    figure = figure45_contours(ring_case(), labels, labels, title="best")
    assert len(figure.axes) == 2 * 5
    titles = [axes.get_title() for axes in figure.axes[:5]]
    assert titles[0] == "(a) LV BP\nbSSFP"
    assert titles[3] == "(d) LV ME\nT2"
    assert titles[4] == "(e) LV MS\nLGE"


def test_truth_and_prediction_are_told_apart_by_colour_and_dashes(ring_case, ring_labels):
    figure = figure45_contours(ring_case(), ring_labels(), ring_labels(shift_px=2))
    true, predicted = figure.axes[4].collections
    assert to_hex(true.get_edgecolor()[0]) == COLOURS[Tissue.SCAR]
    assert to_hex(predicted.get_edgecolor()[0]) == PREDICTED_COLOUR
    assert true.get_linestyle()[0][1] is None
    assert predicted.get_linestyle()[0][1] is not None


def test_a_missing_sequence_is_said_in_its_panels(ring_case, ring_labels):
    case = ring_case([Sequence.BSSFP, Sequence.T2])
    figure = figure45_contours(case, ring_labels(), ring_labels())
    assert texts_of(figure).count("no LGE") == 2
    assert "no T2" not in texts_of(figure)


def test_what_the_prediction_did_not_assess_is_said_and_not_drawn(ring_case, ring_labels):
    coarse = np.where(np.isin(ring_labels().codes, [1220, 2221]), 200, ring_labels().codes)
    predicted = LabelMap(coarse.astype(np.int16), ANATOMY_ONLY)
    figure = figure45_contours(ring_case(), ring_labels(), predicted)
    assert texts_of(figure).count("prediction: not assessed") == 3
    assert colours_in(figure.axes[4]) == [COLOURS[Tissue.SCAR]]


def test_at_most_so_many_slices_are_shown(ring_case, ring_labels):
    labels = ring_labels(n_slices=9)
    figure = figure45_contours(ring_case(n_slices=9), labels, labels, n_slices=3)
    assert [axes.get_ylabel() for axes in figure.axes[::5]] == [
        "slice 1/9",
        "slice 5/9",
        "slice 9/9",
    ]


def test_empty_label_maps_have_no_contours(ring_case, ring_labels):
    empty = LabelMap(ring_labels().codes * 0)
    figure = figure45_contours(ring_case(), empty, empty)
    assert not any(axes.collections for axes in figure.axes)
    figure = preview(ring_case(), empty)
    assert not any(axes.collections for axes in figure.axes)
    assert "nothing found" in figure.get_suptitle()


@pytest.mark.parametrize("sequences", [tuple(Sequence), (Sequence.LGE,)])
def test_a_preview_has_a_row_for_each_sequence_that_is_there(ring_case, ring_labels, sequences):
    figure = preview(ring_case(sequences), ring_labels())
    assert len(figure.axes) == 2 * len(sequences)
    assert len(figure.axes[0].collections) == 5


def test_a_preview_names_what_was_not_assessed(ring_case, ring_labels):
    codes = np.where(np.isin(ring_labels().codes, [1220, 2221]), 200, ring_labels().codes)
    figure = preview(ring_case([Sequence.BSSFP]), LabelMap(codes.astype(np.int16), ANATOMY_ONLY))
    assert "myocardium" in texts_of(figure)
    assert "not assessed: normal myocardium, edema, scar" in texts_of(figure)


def test_a_preview_says_why_to_look_at_the_case(ring_case, ring_labels):
    flags = (Flag("open_ring", "the ring is open"), Flag("lv_gap", "a slice is missing"))
    figure = preview(ring_case(), ring_labels(), Quality(0.5, {}, {}, flags))
    title = " ".join(figure.get_suptitle().split())
    assert title == "ring: look at this case: the ring is open; a slice is missing"
    assert preview(ring_case(), ring_labels(), Quality(1.0, {}, {})).get_suptitle() == "ring"


def test_a_long_stack_is_thinned_out(ring_case, ring_labels):
    figure = preview(ring_case([Sequence.BSSFP], n_slices=30), ring_labels(n_slices=30))
    assert len(figure.axes) == MOST_SLICES


def test_nothing_given_is_changed(ring_case, ring_labels):
    case, labels = ring_case(), ring_labels()
    before = [*(image.copy() for image in case.images.values()), labels.codes.copy()]
    preview(case, labels)
    figure45_contours(case, labels, labels)
    after = [*case.images.values(), labels.codes]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
