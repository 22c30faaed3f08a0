import numpy as np
import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.phantom.acquisition import (
    Acquisition,
    acquire,
    draw_acquisition,
    k_space_window,
    smooth_field,
)

NO_BIAS = np.zeros((3, 3))


def acquisition(snr=20.0, bias=NO_BIAS, spacing_mm=1.0):
    return Acquisition(snr=snr, spacing_mm=spacing_mm, bias=bias, noise_seed=1, brightest=1000)


def test_images_are_whole_numbers_that_int16_holds():
    drawn = draw_acquisition(np.random.default_rng(0), Sequence.LGE, (10.0, 30.0))
    signals = np.random.default_rng(1).random((2, 32, 40), dtype=np.float32) - 0.3
    image = acquire(signals, drawn, 0.75, 0.2)
    assert image.dtype == np.float32
    assert image.shape == signals.shape
    np.testing.assert_array_equal(image, image.astype(np.int16))
    assert image.min() >= 0


@pytest.mark.parametrize("snr", [10.0, 30.0])
def test_noise_is_the_signal_over_the_ratio(snr):
    """On a flat signal of 1, with the k-space cut and with texture too fine to matter here."""
    flat = np.ones((1, 128, 128), dtype=np.float32)
    image = acquire(flat, acquisition(snr, spacing_mm=2.0), 1.0, 1.0)[0]
    quiet = acquire(flat, acquisition(1e9, spacing_mm=2.0), 1.0, 1.0)[0]
    noise = image / image.mean() - quiet / quiet.mean()
    assert noise.std() == pytest.approx(1 / snr, rel=0.1)


def test_noise_without_signal_has_the_mean_of_a_rayleigh_distribution():
    silent = np.zeros((1, 128, 128), dtype=np.float32)
    image = acquire(silent, acquisition(), 1.0, 1.0)
    assert image.mean() / image.std() == pytest.approx(1.913, rel=0.03)


def test_no_signal_and_no_noise_make_a_black_image():
    silent = np.zeros((1, 16, 16), dtype=np.float32)
    assert not acquire(silent, acquisition(), 1.0, 0.0).any()


def test_cutting_nothing_from_k_space_keeps_all_of_it():
    np.testing.assert_array_equal(k_space_window((5, 8), 1.2), 1)


def test_half_the_resolution_keeps_the_inner_half_of_k_space():
    window = k_space_window((64, 64), 0.5)
    assert window[0, 0] == 1
    assert window[0, 11] == 1
    assert 0 < window[0, 14] < 1
    assert window[0, 16] == pytest.approx(0, abs=1e-6)
    assert window[0, 32] == 0


def test_the_lowest_mode_is_constant():
    np.testing.assert_allclose(smooth_field(np.array([[0.3]]), 6, 4), 0.3, rtol=1e-6)


def test_coil_sensitivity_brightens_one_side():
    bias = NO_BIAS.copy()
    bias[0, 1] = 0.5
    image = acquire(np.ones((1, 64, 64), dtype=np.float32), acquisition(50.0, bias), 1.0, 1.0)[0]
    assert image[:, :16].mean() > 1.5 * image[:, -16:].mean()
