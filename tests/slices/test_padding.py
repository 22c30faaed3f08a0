import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from myoseg.slices.framing import Frame, presented
from myoseg.slices.padding import padding_of


def padded(image, above, left):
    return np.pad(image, ((0, 0), (above, 0), (left, 0)))


@given(above=st.integers(0, 9), left=st.integers(0, 9), seed=st.integers(0, 99))
def test_added_rows_and_columns_are_found_and_nothing_else(above, left, seed):
    image = np.random.default_rng(seed).uniform(1, 2, (3, 12, 14)).astype(np.float32)
    found = padding_of(padded(image, above, left))
    expected = np.ones((3, 12 + above, 14 + left), dtype=bool)
    expected[:, above:, left:] = False
    assert np.array_equal(found, expected)


def test_each_slice_has_its_own_padding():
    stack = np.arange(1, 33, dtype=np.float32).reshape(2, 4, 4)
    stack[0, 0], stack[1, :, -2:] = 0, 0
    found = padding_of(stack)
    assert found[0].any(axis=1).tolist() == [True, False, False, False]
    assert found[1].any(axis=0).tolist() == [False, False, True, True]


def test_empty_slices_and_dark_rows_within_the_image_are_no_padding():
    assert not padding_of(np.zeros((1, 5, 5), dtype=np.float32)).any()
    image = np.ones((1, 5, 5), dtype=np.float32)
    image[0, 2] = 0
    assert not padding_of(image).any()


def test_one_pixel_below_the_padding_does_not_hide_it():
    """As where cubic resampling overshot before the slice was filled up with zeros."""
    image = padded(np.random.default_rng(0).uniform(1, 2, (1, 9, 9)).astype(np.float32), 4, 0)
    image[0, 8, 8] = -5
    assert padding_of(image)[0].all(axis=1).tolist() == [True] * 4 + [False] * 9


def test_air_of_one_value_about_a_body_is_taken_for_padding_in_whole_rows_only():
    rows, cols = np.indices((40, 40))
    disc = ((rows - 20) ** 2 + (cols - 20) ** 2 < 100).astype(np.float32)
    found = padding_of(disc[None])[0]
    assert not found[11:30, 11:30].any()
    assert found[:11].all()


def test_padding_takes_no_contrast_from_what_was_measured():
    """As where a phase-sensitive image, whose air is grey, was filled up with zeros."""
    image = np.random.default_rng(0).uniform(100, 110, (1, 40, 40)).astype(np.float32)
    stack = padded(image, 24, 24)
    frame = Frame.of_all((64, 64), (1.0, 1.0), 64)
    assert np.nanmin(frame.cut_measured(stack)) > 99
    shown = presented(frame.cut_measured(stack))[0, 26:62, 26:62]
    squeezed = presented(frame.cut(stack))[0, 26:62, 26:62]
    assert np.ptp(shown) > 0.9
    assert np.ptp(squeezed) < 0.15
