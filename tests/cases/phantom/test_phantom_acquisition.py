from dataclasses import replace

import numpy as np
import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.phantom.acquisition import (
    Acquisition,
    acquire,
    draw_acquisition,
    k_space_window,
    smooth_field,
    stored_k_space,
)
from myoseg.cases.phantom.config import PhantomConfig

NO_BIAS = np.zeros((3, 3))


def acquisition(snr=20.0, bias=NO_BIAS, spacing_mm=1.0, **changes):
    spacings_mm = (spacing_mm, spacing_mm)
    return Acquisition(snr, spacings_mm, bias, noise_seed=1, brightest=1000, **changes)


def without_texture(monkeypatch):
    monkeypatch.setattr("myoseg.cases.phantom.acquisition.TEXTURE_SPREAD", 0.0)


def square(n=64, inner=32):
    image = np.zeros((1, n, n), dtype=np.float32)
    low = (n - inner) // 2
    image[:, low : low + inner, low : low + inner] = 1
    return image


def ringing(edge):
    """Unevenness of a bright square two acquired pixels and more inside its border."""
    bright = np.pad(square(), ((0, 0), (32, 32), (32, 32)))
    image = acquire(bright, acquisition(1e9, spacing_mm=3.0, edge=edge), 1.0, 1.0)[0]
    line = image[64, 54:74]
    return line.std() / line.mean()


def test_images_are_whole_numbers_that_int16_holds():
    drawn = draw_acquisition(np.random.default_rng(0), Sequence.LGE, PhantomConfig())
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
    np.testing.assert_array_equal(k_space_window((5, 8), (1.2, 1.0), 0.3), 1)


def test_half_the_resolution_keeps_the_inner_half_of_k_space():
    window = k_space_window((64, 64), (0.5, 0.5), 0.3)
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


def test_magnitudes_are_rician_at_the_ratio_asked(monkeypatch):
    """The second moment of a Rician magnitude of signal A and noise s is A^2 + 2 s^2, its fourth
    A^4 + 8 A^2 s^2 + 8 s^4 (Gudbjartsson and Patz 1995)."""
    without_texture(monkeypatch)
    ratio = 3.0
    flat = np.ones((4, 256, 256), dtype=np.float32)
    image = acquire(flat, acquisition(ratio), 1.0, 1.0).astype(np.float64)
    second, fourth = (image**2).mean(), (image**4).mean()
    square_, noise = ratio**2, 1.0
    expected = (square_**2 + 8 * square_ * noise + 8) / (square_ + 2) ** 2
    assert fourth / second**2 == pytest.approx(expected, rel=0.01)


def test_a_sharp_cut_of_k_space_rings_and_a_soft_one_does_not(monkeypatch):
    without_texture(monkeypatch)
    assert ringing(0.0) > 0.015
    assert ringing(1.0) < 0.002
    assert ringing(1.0) < ringing(0.3) < ringing(0.0)


def test_zero_filling_keeps_the_matrix_and_spreads_a_point(monkeypatch):
    """The half-height width of a cut sinc is 1.21 times the acquired resolution."""
    without_texture(monkeypatch)
    point = np.zeros((1, 64, 64), dtype=np.float32)
    point[0, 32, 32] = 1
    image = acquire(point, acquisition(1e9, spacing_mm=4.0, edge=0.0), 1.0, 1.0)[0]
    assert image.shape == (64, 64)
    assert (image[32] > image.max() / 2).sum() == pytest.approx(1.21 * 4, abs=1)


def test_phase_is_encoded_more_coarsely_along_the_rows_index(monkeypatch):
    without_texture(monkeypatch)
    point = np.zeros((1, 64, 64), dtype=np.float32)
    point[0, 32, 32] = 1
    coarse = Acquisition(1e9, (6.0, 2.0), NO_BIAS, noise_seed=1, brightest=1000)
    image = acquire(point, coarse, 1.0, 1.0)[0]
    assert (image[:, 32] > image.max() / 2).sum() > 2 * (image[32] > image.max() / 2).sum()


@pytest.mark.parametrize("finer", [1, 2, 4])
def test_finer_signals_stay_in_place(finer):
    """The centroid of a blob is where the blob is, counted in stored pixels."""
    rows, cols = (np.arange(48 * finer) + 0.5) / finer - 0.5, (np.arange(40 * finer) + 0.5) / finer
    blob = np.exp(-((rows[:, None] - 20.3) ** 2 + (cols - 0.5 - 17.8) ** 2) / 18)
    image = np.fft.ifft2(stored_k_space(blob.astype(np.float32), finer)).real
    assert image.shape == (48, 40)
    assert image.max() == pytest.approx(1, abs=0.02)
    assert (image.sum(axis=1) @ np.arange(48)) / image.sum() == pytest.approx(20.3, abs=1e-3)
    assert (image.sum(axis=0) @ np.arange(40)) / image.sum() == pytest.approx(17.8, abs=1e-3)


def test_a_signed_image_has_air_at_mid_grey_and_gaussian_noise_there(monkeypatch):
    without_texture(monkeypatch)
    signals = np.zeros((1, 128, 128), dtype=np.float32)
    signals[:, :32], signals[:, 96:] = 1, -1
    image = acquire(signals, acquisition(20.0, signed=True, offset=2048), 1.0, 1.0)[0]
    air = image[40:88]
    assert air.mean() == pytest.approx(2048, abs=5)
    assert np.mean((air - 2048) ** 3) / air.std() ** 3 == pytest.approx(0, abs=0.1)
    assert image[:32].mean() - 2048 == pytest.approx(2048 - image[96:].mean(), rel=0.02)


def test_a_drawn_signed_image_uses_both_halves_of_its_range():
    drawn = draw_acquisition(np.random.default_rng(0), Sequence.LGE, PhantomConfig(), signed=True)
    assert drawn.signed
    assert drawn.brightest == drawn.offset > 0


def test_scale_and_offset_of_a_magnitude_are_the_drawn_ones(monkeypatch):
    without_texture(monkeypatch)
    image = acquire(square(), acquisition(1e9, spacing_mm=0.5, offset=30), 1.0, 1.0)[0]
    assert image.max() == pytest.approx(1030, abs=2)
    assert image.min() == 30


def test_the_same_seed_gives_the_same_noise_and_another_seed_another():
    one, same = (acquire(square(), acquisition(), 1.0, 1.0) for _ in range(2))
    other = acquire(square(), replace(acquisition(), noise_seed=2), 1.0, 1.0)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
