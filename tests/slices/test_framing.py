import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from myoseg.slices.framing import MOST_NORMALISED, Frame, presented

SIZES = st.integers(8, 40)


def identity(size):
    return Frame(size, ((size - 1) / 2, (size - 1) / 2), (1.0, 1.0))


@given(size=SIZES, seed=st.integers(0, 99))
def test_a_square_of_the_matrix_itself_changes_nothing(size, seed):
    stack = np.random.default_rng(seed).random((2, size, size), dtype=np.float32)
    inner = (..., slice(size - 1), slice(size - 1))
    assert np.allclose(identity(size).cut(stack)[inner], stack[inner], atol=1e-6)
    assert np.allclose(identity(size).paste(stack, (size, size)), stack, atol=1e-6)


@given(
    row=st.floats(10, 30),
    col=st.floats(10, 50),
    step=st.floats(0.5, 1.0),
)
def test_what_is_cut_out_and_pasted_back_lies_where_it_was(row, col, step):
    """A smooth hill, at least a square's quarter inside it."""
    rows, cols = np.indices((40, 60))
    hill = np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / 50).astype(np.float32)
    frame = Frame(48, (row, col), (step, step))
    back = frame.paste(np.nan_to_num(frame.cut(hill[None])), (40, 60))[0]
    reach = 8
    near = (abs(rows - row) < reach) & (abs(cols - col) < reach)
    assert np.abs(back - hill)[near].max() < 0.02


@given(
    seed=st.integers(0, 2**32 - 1),
    centre=st.tuples(st.floats(-30, 90), st.floats(-30, 90)),
    steps=st.tuples(st.floats(0.3, 4), st.floats(0.3, 4)),
    size=SIZES,
)
def test_a_square_is_pasted_as_if_the_whole_matrix_were_read_from_it(seed, centre, steps, size):
    """By SciPy's interpolation, 0 beside the square; squares may lie outside in part or in all."""
    rng = np.random.default_rng(seed)
    square, shape = rng.random((size, size), dtype=np.float32), (50, 60)
    half = (size - 1) / 2
    places = [
        (np.arange(n) - at) / step + half for n, at, step in zip(shape, centre, steps, strict=True)
    ]
    at = np.stack(np.meshgrid(*places, indexing="ij"))
    expected = map_coordinates(np.pad(square, 1), at + 1, order=1, mode="constant")
    found = Frame(size, centre, steps).paste(square[None], shape)[0]
    np.testing.assert_allclose(found, expected, atol=0.04)  # OpenCV reads at 1/32 of a pixel


def test_pixels_outside_the_matrix_are_no_measurement():
    frame = Frame(8, (0.0, 0.0), (1.0, 1.0))
    cut = frame.cut(np.ones((1, 20, 20), np.float32))[0]
    assert np.isnan(cut[0]).all()
    assert (cut[5:, 5:] == 1).all()


def test_a_hand_drawn_pixel_lands_where_the_step_says():
    """Row 10, column 20 about a centre of (8, 16) in steps of (1, 2): two pixels off centre."""
    image = np.zeros((1, 32, 32), np.float32)
    image[0, 10, 20] = 1
    frame = Frame(9, (8.0, 16.0), (1.0, 2.0))
    probabilities = frame.cut(image)[0]
    assert np.unravel_index(probabilities.argmax(), (9, 9)) == (4 + 2, 4 + 2)


def test_the_frame_of_all_holds_the_longer_side_in_millimetres():
    """100 rows of 2 mm are 200 mm; 150 columns of 1 mm are 150 mm."""
    frame = Frame.of_all((100, 150), (2.0, 1.0), 50)
    assert frame.step_px == (2.0, 4.0)
    assert frame.centre_px == (49.5, 74.5)
    assert frame.magnified(2.0).step_px == (1.0, 2.0)


@pytest.mark.parametrize("value", [0.0, 7.0, float("nan")])
def test_a_constant_square_is_presented_as_zeros(value):
    assert (presented(np.full((1, 8, 8), value, np.float32)) == 0).all()


def test_bright_fat_is_cut():
    image = np.zeros((1, 20, 20), np.float32)
    image[0, :10] = 1
    image[0, 0, 0] = 1000
    shown = presented(image)
    assert shown.max() == MOST_NORMALISED[1]
    assert shown.min() >= MOST_NORMALISED[0]
