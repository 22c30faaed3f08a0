"""The contours of Figures 4 and 5."""

import numpy as np
from matplotlib.colors import to_hex

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.cases.case import LabelMap
from myoseg.reporting.case_contours import PREDICTED_COLOUR, figure45_contours
from myoseg.reporting.palette import COLOURS

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


def test_nothing_given_is_changed(ring_case, ring_labels):
    case, labels = ring_case(), ring_labels()
    before = [*(image.copy() for image in case.images.values()), labels.codes.copy()]
    figure45_contours(case, labels, labels)
    after = [*case.images.values(), labels.codes]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
