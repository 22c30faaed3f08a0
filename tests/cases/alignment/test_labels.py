import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.cases.alignment import Alignment, SliceAlignment, align
from myoseg.cases.alignment.labels import labels_on_reference
from myoseg.cases.case import Geometry
from myoseg.cases.on_grid import ImageOnGrid


def grid(shape, col_mm=0.0, row_mm=0.0, spacing_mm=1.0):
    affine = np.diag([spacing_mm, spacing_mm, 8.0, 1.0])
    affine[:2, 3] = col_mm, row_mm
    return Geometry(shape, affine)


def a_pixel(shape, *place):
    codes = np.zeros(shape, dtype=np.int16)
    codes[place] = 500
    return codes


def places(codes):
    return [tuple(int(each) for each in place) for place in np.argwhere(codes)]


def test_a_pixel_is_brought_to_where_it_lies_in_the_patient():
    """Row 3, column 3 of a grid that starts 2 mm further along columns is column 5."""
    codes = a_pixel((1, 8, 8), 0, 3, 3)
    told = (SliceAlignment(0, 0, 0.0, 100.0),)
    made = labels_on_reference(codes, grid((1, 8, 8), col_mm=2.0), grid((1, 9, 12)), told)
    assert places(made) == [(0, 3, 5)]
    assert made[0, 3, 5] == 500


def test_a_pixel_goes_where_its_image_was_moved():
    """Moved by 3 mm to the right and 1 mm backward: 3 columns on and a row back."""
    codes = a_pixel((1, 8, 8), 0, 3, 3)
    told = (SliceAlignment(0, 0, 0.0, 100.0, (-1.0, 3.0), (3.0, -1.0, 0.0)),)
    made = labels_on_reference(codes, grid((1, 8, 8)), grid((1, 8, 8)), told)
    assert places(made) == [(0, 2, 6)]


def test_slices_that_none_is_near_to_are_empty_and_others_show_their_own():
    codes = a_pixel((2, 8, 8), 1, 4, 4)
    told = (
        SliceAlignment(0, 1, 1.0, 100.0),
        SliceAlignment(1, None, 9.0, 0.0),
        SliceAlignment(2, 0, 1.0, 100.0),
    )
    made = labels_on_reference(codes, grid((2, 8, 8)), grid((3, 8, 8)), told)
    assert places(made) == [(0, 4, 4)]


def test_nothing_drawn_stays_nothing():
    empty = np.zeros((2, 8, 8), dtype=np.int16)
    told = tuple(SliceAlignment(k, k, 0.0, 100.0) for k in range(2))
    assert not labels_on_reference(empty, grid((2, 8, 8)), grid((2, 9, 9)), told).any()


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**31), mode=st.sampled_from([Alignment.GEOMETRY, Alignment.FULL]),
    col_mm=st.floats(-6, 6), spacing_mm=st.floats(0.8, 1.6),
)  # fmt: skip
def test_labels_move_as_their_image_does(seed, mode, col_mm, spacing_mm):
    """The label of a bright disc covers, once both are brought over, what is bright then."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:40, :40]
    row, col = rng.integers(15, 25, 2)
    disc = np.hypot(rows - row, cols - col) < 7
    codes = np.stack([disc, disc]).astype(np.int16) * 200
    own = grid((2, 40, 40), col_mm, 1.3, spacing_mm)
    volume = (codes + rng.normal(0, 2, codes.shape)).astype(np.float32)
    still = rng.normal(50, 20, (2, 48, 48)).astype(np.float32)
    images = {
        Sequence.LGE: ImageOnGrid(still, grid((2, 48, 48), spacing_mm=1.1)),
        Sequence.BSSFP: ImageOnGrid(volume, own),
    }
    aligned = align(images, mode=mode)
    told = aligned.record.slices[Sequence.BSSFP]
    made = labels_on_reference(codes, own, aligned.geometry, told)
    bright = aligned.images[Sequence.BSSFP] > 100
    unlike = (made > 0) != bright
    assert unlike.sum() <= 0.12 * bright.sum() + 4
