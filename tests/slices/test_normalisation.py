import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from myoseg.slices.normalisation import OUTSIDE, normalise

any_float32 = st.floats(width=32, allow_nan=True, allow_infinity=True)
any_image = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=3, max_side=8), elements=any_float32
)
grey_image = arrays(np.float32, (6, 7), elements=st.integers(0, 4000).map(float))


def a_ramp() -> np.ndarray:
    """Intensities 0 to 100, of which the 5th percentile is 5 and the 95th 95."""
    return np.arange(101, dtype=np.float32).reshape(1, 101)


def test_a_ramp_is_scaled_by_its_5th_and_95th_percentile():
    np.testing.assert_allclose(normalise(a_ramp()), (a_ramp() - 5) / 90, rtol=1e-6)


def test_other_percentiles_can_be_chosen():
    np.testing.assert_allclose(normalise(a_ramp(), 1.0, 99.0), (a_ramp() - 1) / 98, rtol=1e-6)


def test_the_equation_does_not_clip_unless_asked():
    assert normalise(a_ramp()).min() == pytest.approx(-5 / 90)
    assert normalise(a_ramp()).max() == pytest.approx(95 / 90)
    assert normalise(a_ramp(), clip=True).min() == 0
    assert normalise(a_ramp(), clip=True).max() == 1


@given(any_image)
def test_the_result_is_always_finite(image):
    assert np.isfinite(normalise(image)).all()


@given(grey_image, st.floats(0.1, 50), st.floats(-500, 500))
def test_gain_and_offset_of_the_scanner_do_not_matter(image, gain, offset):
    rescaled = gain * image.astype(np.float64) + offset

    np.testing.assert_allclose(normalise(rescaled), normalise(image.astype(np.float64)), atol=1e-4)


@given(grey_image)
def test_the_percentiles_of_a_slice_with_spread_become_0_and_1(image):
    low, high = np.percentile(image, (5, 95))
    if low < high:
        np.testing.assert_allclose(np.percentile(normalise(image), (5, 95)), (0, 1), atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 7.0, -3e5])
def test_a_constant_slice_gives_zeros(value):
    assert not normalise(np.full((4, 4), value, dtype=np.float32)).any()


def test_a_sparse_slice_is_scaled_by_its_full_range():
    image = np.zeros((10, 10), dtype=np.float32)
    image[3, 4], image[5, 6] = 20, 10

    normalised = normalise(image)

    assert normalised[3, 4] == 1
    assert normalised[5, 6] == 0.5
    assert normalised.sum() == 1.5


@pytest.mark.parametrize("no_measurement", [OUTSIDE, np.inf, -np.inf])
def test_pixels_that_are_no_measurement_take_the_lowest_intensity(no_measurement):
    image = a_ramp()
    padded = np.pad(image, 7, constant_values=no_measurement)

    normalised = normalise(padded)

    np.testing.assert_array_equal(normalised[7:-7, 7:-7], normalise(image))
    assert (normalised[:7] == normalise(image).min()).all()


def test_a_slice_without_any_measurement_gives_zeros():
    assert not normalise(np.full((3, 3), OUTSIDE, dtype=np.float32)).any()


def test_each_slice_of_a_stack_is_scaled_on_its_own():
    stack = np.stack([a_ramp(), 1000 * a_ramp()])

    first, second = normalise(stack)

    np.testing.assert_allclose(first, second, rtol=1e-6)


def test_normalise_leaves_its_input_alone():
    image = a_ramp()
    normalise(image)

    np.testing.assert_array_equal(image, a_ramp())
