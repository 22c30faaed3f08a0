import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Sequence
from myoseg.cases.case import Case, Geometry, LabelMap
from myoseg.errors import InputError
from myoseg.slices.extract import CentreWindow, SliceOrigin, extract_slices

sizes = st.integers(1, 12)


def a_case(shape=(2, 4, 6), sequences=tuple(Sequence), labels=True, groups=EACH_TISSUE):
    n_voxels = int(np.prod(shape))
    images = {
        name: (np.arange(n_voxels).reshape(shape) + 1000 * order).astype(np.float32)
        for order, name in enumerate(sequences)
    }
    codes = np.full(shape, 200, dtype=np.int16)
    return Case(
        "a", images, Geometry(shape, np.eye(4)), LabelMap(codes, groups) if labels else None
    )


@given(rows=sizes, cols=sizes, size_px=sizes)
def test_pasting_a_crop_gives_the_image_inside_the_window_and_background_outside(
    rows, cols, size_px
):
    image = np.arange(1, rows * cols + 1).reshape(rows, cols)
    window = CentreWindow.of((rows, cols), size_px)

    pasted = window.paste(window.crop(image))

    inside = window.paste(np.ones((size_px, size_px), dtype=bool))
    np.testing.assert_array_equal(pasted, np.where(inside, image, 0))
    assert inside.sum() == min(rows, size_px) * min(cols, size_px)


@given(rows=sizes, cols=sizes, size_px=sizes)
def test_cropping_a_pasted_patch_gives_the_patch_where_the_matrix_is(rows, cols, size_px):
    patch = np.arange(1, size_px**2 + 1).reshape(size_px, size_px)
    window = CentreWindow.of((rows, cols), size_px)

    cropped = window.crop(window.paste(patch))

    inside = window.crop(np.ones((rows, cols), dtype=bool))
    np.testing.assert_array_equal(cropped, np.where(inside, patch, 0))


def test_the_window_is_central_in_an_even_matrix():
    image = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]])

    assert CentreWindow.of((4, 4), 2).crop(image).tolist() == [[6, 7], [10, 11]]


def test_the_window_takes_the_lower_start_where_the_difference_is_odd():
    assert CentreWindow.of((1, 5), 2).start == (-1, 1)
    assert CentreWindow.of((1, 3), 2).crop(np.array([[7, 8, 9]]), fill=-1).tolist() == [
        [-1, -1],
        [7, 8],
    ]


def test_a_matrix_of_the_papers_sizes_keeps_its_centre():
    for size in (392, 400, 480, 512):
        image = np.zeros((size, size))
        image[size // 2, size // 2] = 1

        patch = CentreWindow.of((size, size), 256).crop(image)

        assert np.argwhere(patch).tolist() == [[128, 128]]


def test_crop_and_paste_keep_the_axes_in_front_and_the_type():
    window = CentreWindow.of((6, 7), 4)
    volume = np.ones((3, 2, 6, 7), dtype=np.int16)

    assert window.crop(volume).shape == (3, 2, 4, 4)
    assert window.paste(window.crop(volume)).shape == (3, 2, 6, 7)
    assert window.paste(window.crop(volume)).dtype == np.int16


def test_crop_is_a_copy():
    image = np.zeros((4, 4))
    CentreWindow.of((4, 4), 4).crop(image)[...] = 1

    assert not image.any()


def test_another_shape_than_the_windows_is_refused():
    window = CentreWindow.of((6, 7), 4)
    with pytest.raises(ValueError, match=r"\(6, 7\)"):
        window.crop(np.zeros((7, 6)))
    with pytest.raises(ValueError, match=r"\(4, 4\)"):
        window.paste(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="no pixels"):
        CentreWindow.of((6, 7), 0)


def test_slices_hold_every_sequence_cut_about_the_centre_and_their_origin():
    first, second = extract_slices(a_case(), size_px=2)

    assert first.sequences == tuple(Sequence)
    assert first.images[0].tolist() == [[8, 9], [14, 15]]
    assert second.images[2].tolist() == [[2032, 2033], [2038, 2039]]
    assert second.origin == SliceOrigin("a", 1)
    assert first.labels.tolist() == [[200, 200], [200, 200]]


def test_padding_is_outside_the_scan_and_background():
    (first, _) = extract_slices(a_case(), size_px=8)

    assert np.isnan(first.images[:, 0]).all()
    assert np.isfinite(first.images).sum() == first.images.shape[0] * 4 * 6
    assert first.labels[0].max() == 0
    assert first.labels.sum() == 4 * 6 * 200


def test_a_case_without_labels_gives_slices_without_labels():
    assert {(s.labels, s.groups) for s in extract_slices(a_case(labels=False))} == {(None, ())}


def test_the_labels_groups_travel_with_the_slices():
    first, _ = extract_slices(a_case(groups=(MYOCARDIUM,)))

    assert first.groups == (MYOCARDIUM,)


def test_a_missing_sequence_is_missing_from_the_slices():
    first, _ = extract_slices(a_case(sequences=(Sequence.T2, Sequence.BSSFP)))

    assert first.sequences == (Sequence.BSSFP, Sequence.T2)
    assert np.nanmax(first.images[0]) > 1000


def test_a_slice_restricted_to_a_sequence_keeps_its_image():
    first, _ = extract_slices(a_case())

    only = first.restricted_to([Sequence.T2])

    assert only.sequences == (Sequence.T2,)
    np.testing.assert_array_equal(only.images, first.images[2:])
    assert only.labels is first.labels


def test_a_case_without_any_sequence_is_refused():
    with pytest.raises(InputError, match="case a has no sequence"):
        extract_slices(a_case(sequences=()))
