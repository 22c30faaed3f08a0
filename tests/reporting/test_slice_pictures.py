"""Greys and outlines of one slice, as a page holds them."""

import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from myoseg.reporting.slice_pictures import FINEST_PX, grey_png, outline_path, size_mm
from myoseg.reporting.view import View


def whole(shape, *, mirror_rows=False, mirror_cols=False, aspect=1.0):
    return View(slice(0, shape[0]), slice(0, shape[1]), mirror_rows, mirror_cols, aspect)


def pixels_of(address):
    head, _, body = address.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))


def numbers_of(path):
    """Every point of a path, (x, y) in a row."""
    return np.array([pair.split() for pair in re.findall(r"[\d.]+ [\d.]+", path)], np.float64)


def test_the_window_is_black_at_its_low_end_and_white_at_its_high_one():
    plane = np.array([[-5.0, 0.0, 50.0, 100.0, 900.0]], np.float32)
    pixels = pixels_of(grey_png(plane, (0.0, 100.0), whole(plane.shape)))
    np.testing.assert_array_equal(pixels, [[0, 0, 128, 255, 255]])


def test_a_picture_shows_the_slice_as_its_view_turns_it():
    plane = np.array([[0.0, 100.0], [0.0, 0.0]], np.float32)
    turned = whole(plane.shape, mirror_rows=True, mirror_cols=True)
    np.testing.assert_array_equal(
        pixels_of(grey_png(plane, (0.0, 100.0), turned)), [[0, 0], [255, 0]]
    )


def test_values_that_are_no_numbers_are_shown_as_zero():
    plane = np.array([[np.nan, 100.0]], np.float32)
    assert pixels_of(grey_png(plane, (0.0, 100.0), whole(plane.shape)))[0, 0] == 0


def test_no_picture_is_larger_than_a_page_shows():
    plane = np.zeros((600, 1200), np.float32)
    assert pixels_of(grey_png(plane, (0.0, 1.0), whole(plane.shape))).shape[1] == FINEST_PX


def test_the_size_is_that_of_the_patient():
    assert size_mm(whole((10, 20), aspect=1.5), col_mm=2.0) == (40.0, 30.0)


def test_an_empty_mask_has_no_outline():
    assert outline_path(np.zeros((4, 4), bool), whole((4, 4)), 1.0) == ""


def test_the_outline_of_a_pixel_is_round_it():
    """Row 1, column 2 of pixels 2 mm wide and 3 mm high: its middle lies at (5, 4.5)."""
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    path = outline_path(mask, whole(mask.shape, aspect=1.5), 2.0)
    points = {tuple(point) for point in numbers_of(path)}
    assert {(4.0, 4.5), (6.0, 4.5), (5.0, 3.0), (5.0, 6.0)} <= points
    assert path.startswith("M")
    assert path.endswith("Z")


@pytest.mark.parametrize(("hole", "n_curves"), [(False, 1), (True, 2)])
def test_a_hole_has_an_outline_of_its_own(hole, n_curves):
    mask = np.ones((5, 5), bool)
    mask[2, 2] = not hole
    assert outline_path(mask, whole(mask.shape), 1.0).count("M") == n_curves


def test_an_outline_is_closed_along_the_border_of_the_view():
    path = outline_path(np.ones((3, 3), bool), whole((3, 3)), 1.0)
    np.testing.assert_allclose(numbers_of(path).min(axis=0), 0)
    np.testing.assert_allclose(numbers_of(path).max(axis=0), 3)


@given(
    mask=arrays(bool, (6, 7)),
    col_mm=st.floats(0.5, 3.0),
    aspect=st.floats(0.5, 2.0),
    mirrored=st.tuples(st.booleans(), st.booleans()),
)
def test_outlines_reach_as_far_as_their_mask(mask, col_mm, aspect, mirrored):
    view = whole(mask.shape, mirror_rows=mirrored[0], mirror_cols=mirrored[1], aspect=aspect)
    path = outline_path(mask, view, col_mm)
    if not mask.any():
        assert path == ""
        return
    rows, cols = np.nonzero(view.of(mask))
    spacing = np.array([col_mm, col_mm * aspect])
    low = np.array([cols.min(), rows.min()]) * spacing
    high = np.array([cols.max() + 1, rows.max() + 1]) * spacing
    points = numbers_of(path)
    np.testing.assert_allclose(points.min(axis=0), low, atol=0.051)
    np.testing.assert_allclose(points.max(axis=0), high, atol=0.051)
