"""The picture of one case."""

import numpy as np
import pytest
from PIL import Image

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.cases.case import Case, Geometry, LabelMap
from myoseg.cases.quality import Flag, Quality
from myoseg.reporting.palette import COLOURS, title_of
from myoseg.reporting.preview import FEWEST_PX, LABEL_PX, MOST_SLICES, PANEL_PX, preview
from myoseg.reporting.raster import (
    curves_of,
    draw_curves,
    grey_pixels,
    save_picture,
    text_size,
    wrapped,
)

ANATOMY_ONLY = (
    frozenset({Tissue.LV_BLOOD_POOL}),
    frozenset({Tissue.RV_BLOOD_POOL}),
    MYOCARDIUM,
)


def rgb(colour):
    return tuple(int(colour[first : first + 2], 16) for first in (1, 3, 5))


def count_of(pixels, colour):
    """Pixels of about this colour."""
    return int((np.abs(pixels.astype(int) - rgb(colour)).sum(axis=2) < 12).sum())


def picture_of(shown):
    return np.asarray(shown.painted())


@pytest.mark.parametrize("sequences", [tuple(Sequence), (Sequence.LGE,)])
def test_it_has_a_row_for_each_sequence_that_is_there(ring_case, ring_labels, sequences):
    one = picture_of(preview(ring_case(sequences[:1]), ring_labels()))
    all_rows = picture_of(preview(ring_case(sequences), ring_labels()))
    per_row = (all_rows.shape[0] - one.shape[0]) / max(len(sequences) - 1, 1)
    assert per_row > PANEL_PX / 2 or len(sequences) == 1
    for colour in COLOURS.values():
        in_one, in_all = count_of(one, colour), count_of(all_rows, colour)
        assert in_one > 50
        assert in_all > 0.8 * len(sequences) * (in_one - 100)


def test_each_column_is_a_slice(ring_case, ring_labels):
    wide = picture_of(preview(ring_case(n_slices=6), ring_labels(n_slices=6)))
    assert wide.shape[1] > LABEL_PX + 6 * PANEL_PX
    one = picture_of(preview(ring_case(n_slices=1), ring_labels(n_slices=1)))
    assert FEWEST_PX <= one.shape[1] < 1000


def test_empty_label_maps_have_no_outlines(ring_case, ring_labels):
    shown = preview(ring_case(), LabelMap(ring_labels().codes * 0))
    assert shown.title == "ring: nothing found"
    pixels = picture_of(shown)
    legend_alone = pixels[-60:]
    for colour in COLOURS.values():
        assert count_of(pixels, colour) == count_of(legend_alone, colour)


def test_it_names_what_was_not_assessed(ring_case, ring_labels):
    codes = np.where(np.isin(ring_labels().codes, [1220, 2221]), 200, ring_labels().codes)
    shown = preview(ring_case([Sequence.BSSFP]), LabelMap(codes.astype(np.int16), ANATOMY_ONLY))
    assert "myocardium" in [title_of(group) for group, _ in shown.outlines]
    assert shown.not_assessed == "not assessed: normal myocardium, edema, scar"
    assert count_of(picture_of(shown), COLOURS[Tissue.SCAR]) == 0


def test_it_says_why_to_look_at_the_case(ring_case, ring_labels):
    flags = (Flag("open_ring", "the ring is open"), Flag("lv_gap", "a slice is missing"))
    shown = preview(ring_case(), ring_labels(), Quality(0.5, {}, {}, flags))
    assert shown.title == "ring: look at this case: the ring is open; a slice is missing"
    assert preview(ring_case(), ring_labels(), Quality(1.0, {}, {})).title == "ring"


def test_a_long_title_takes_lines_and_the_picture_grows(ring_case, ring_labels):
    flags = tuple(Flag("open_ring", f"reason number {number}") for number in range(12))
    short = picture_of(preview(ring_case(), ring_labels()))
    long = picture_of(preview(ring_case(), ring_labels(), Quality(0.5, {}, {}, flags)))
    assert long.shape[0] > short.shape[0] + 40
    assert long.shape[1] == short.shape[1]


@pytest.mark.parametrize("shape", [(400, 4), (4, 400), (1, 9)])
def test_a_slice_of_odd_proportions_has_a_panel_of_some_height(shape):
    codes = np.zeros((1, *shape), np.int16)
    image = np.random.default_rng(0).random((1, *shape)).astype(np.float32)
    case = Case("odd", {Sequence.LGE: image}, Geometry(codes.shape, np.diag([1.0, 1, 10, 1])))
    pixels = picture_of(preview(case, LabelMap(codes)))
    assert 100 < pixels.shape[0] < 1400


def test_the_legend_fits_a_picture_of_one_slice(ring_case, ring_labels):
    pixels = picture_of(preview(ring_case(n_slices=1), ring_labels(n_slices=1)))
    assert (pixels[-40:, :4] == 255).all()
    assert (pixels[-40:, -4:] == 255).all()
    for colour in COLOURS.values():
        assert count_of(pixels[-60:], colour) > 30


def test_a_small_scar_is_outlined_where_slices_are_shrunk():
    pixels = grey_pixels(np.zeros((1000, 1000), np.float32), (0.0, 1.0), (255, 255))
    mask = np.zeros((1000, 1000), dtype=bool)
    mask[501:503, 333:335] = True
    draw_curves(pixels, curves_of(mask, (255, 255)), COLOURS[Tissue.SCAR])
    assert count_of(pixels, COLOURS[Tissue.SCAR]) > 0


def test_text_is_wrapped_between_words_and_within_one_that_is_too_wide():
    lines = wrapped("one two " + "W" * 60, 19, 200)
    assert lines[0] == "one two"
    assert "".join(lines[1:]) == "W" * 60
    assert all(text_size(line, 19) <= 200 for line in lines)
    assert wrapped("", 19, 200) == [""]


def test_a_long_stack_is_thinned_out(ring_case, ring_labels):
    shown = preview(ring_case([Sequence.BSSFP], n_slices=30), ring_labels(n_slices=30))
    assert len(shown.shown) == MOST_SLICES


def test_nothing_given_is_changed(ring_case, ring_labels):
    case, labels = ring_case(), ring_labels()
    before = [*(image.copy() for image in case.images.values()), labels.codes.copy()]
    picture_of(preview(case, labels))
    after = [*case.images.values(), labels.codes]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_an_outline_lies_on_the_border_of_its_mask():
    """A box of 20 x 30 drawn at four times its size."""
    mask = np.zeros((40, 60), dtype=bool)
    mask[10:30, 20:50] = True
    pixels = grey_pixels(np.zeros((40, 60), np.float32), (0.0, 1.0), (240, 160))
    draw_curves(pixels, curves_of(mask, (240, 160)), "#ff0000")
    rows, cols = np.nonzero(pixels[:, :, 0] > 200)
    assert (abs(rows.min() - 40), abs(rows.max() - 120)) <= (2, 2)
    assert (abs(cols.min() - 80), abs(cols.max() - 200)) <= (2, 2)
    assert not pixels[60:100, 100:180].any(), "it is not filled"


def test_an_empty_mask_has_no_outline():
    pixels = grey_pixels(np.ones((4, 4), np.float32), (0.0, 2.0), (16, 16))
    before = pixels.copy()
    curves = curves_of(np.zeros((4, 4), dtype=bool), (16, 16))
    draw_curves(pixels, curves, "#ff0000")
    assert curves == ()
    np.testing.assert_array_equal(pixels, before)


def test_grey_runs_from_the_windows_low_end_to_its_high_end():
    plane = np.array([[-5.0, 0.0, 50.0, 100.0, 900.0, np.nan]], dtype=np.float32)
    grey = grey_pixels(plane, (0.0, 100.0), (6, 1))[0, :, 0]
    assert grey.tolist() == [0, 0, 127, 255, 255, 0]


def test_a_picture_is_written_as_it_is(tmp_path, ring_case, ring_labels):
    shown = preview(ring_case(), ring_labels()).painted()
    save_picture(shown, tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), np.asarray(shown))
