"""Ideal signals in, images as a scanner stores them out: coil, resolution, noise, integers."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float, Float32

from myoseg.anatomy import Sequence
from myoseg.cases.phantom.tissue import Material, Range

Signals = Float32[np.ndarray, "slice row col"]
Modes = Float[np.ndarray, "row_mode col_mode"]
Seed: TypeAlias = int

ACQUIRED_SPACING_MM: Final[dict[Sequence, Range]] = {
    Sequence.BSSFP: (1.1, 1.5),
    Sequence.LGE: (1.0, 1.5),
    Sequence.T2: (1.2, 1.8),
}
"""In-plane resolution before interpolation to the stored grid."""

SNR_REFERENCE: Final[dict[Sequence, Material]] = {
    Sequence.BSSFP: Material.NORMAL_MYOCARDIUM,
    Sequence.LGE: Material.LV_BLOOD,
    Sequence.T2: Material.NORMAL_MYOCARDIUM,
}
"""The tissue whose signal over the noise is the signal-to-noise ratio: one that is not dark."""

N_BIAS_MODES: Final = 3
N_TEXTURE_MODES: Final = 28
BIAS_SPREAD: Final = 0.25
TEXTURE_SPREAD: Final = 0.045
STORED_MAXIMUM: Final = 32767


@dataclass(frozen=True, eq=False)
class Acquisition:
    """How one sequence is acquired.

    Attributes:
        snr: of the tissue in `SNR_REFERENCE`.
        spacing_mm: in-plane resolution before interpolation.
        bias: logarithm of the coil's sensitivity, as cosine modes over the field of view.
        noise_seed: from which the noise and the tissue's fine texture follow.
        brightest: the stored value of the brightest pixel.
    """

    snr: float
    spacing_mm: float
    bias: Modes
    noise_seed: Seed
    brightest: int


def draw_acquisition(rng: np.random.Generator, sequence: Sequence, snr: Range) -> Acquisition:
    """Draws how a sequence is acquired."""
    modes = np.arange(N_BIAS_MODES)
    decay = 1.0 + np.add.outer(modes, modes)
    return Acquisition(
        snr=float(rng.uniform(*snr)),
        spacing_mm=float(rng.uniform(*ACQUIRED_SPACING_MM[sequence])),
        bias=rng.normal(0, BIAS_SPREAD, (N_BIAS_MODES, N_BIAS_MODES)) / decay,
        noise_seed=int(rng.integers(2**32)),
        brightest=int(rng.integers(400, 3000)),
    )


def acquire(
    signals: Signals, acquisition: Acquisition, spacing_mm: float, reference: float
) -> Signals:
    """The stored image: whole numbers from 0 to 32767, as float32.

    The complex image is the signal times coil sensitivity plus complex Gaussian noise, its
    k-space cut at the acquired resolution; the magnitude of it is Rician (Gudbjartsson and Patz,
    Magn Reson Med 1995;34:910).

    Args:
        signals: ideal signals, negative ones included (inverted magnetisation in LGE).
        acquisition: how the sequence is acquired.
        spacing_mm: pixel spacing of `signals`.
        reference: the signal that `acquisition.snr` refers to.
    """
    rng = np.random.default_rng(acquisition.noise_seed)
    _, rows, cols = signals.shape
    window = k_space_window((rows, cols), spacing_mm / acquisition.spacing_mm)
    sigma = reference / acquisition.snr / np.sqrt(np.mean(window**2))
    noise = rng.standard_normal((2, *signals.shape), dtype=np.float32) * np.float32(sigma)
    seen = signals * np.exp(smooth_field(acquisition.bias, rows, cols))
    seen = seen * np.stack([_texture(rng, rows, cols) for _ in signals])
    k_space = np.fft.fft2((seen + noise[0]) + 1j * noise[1]) * window
    magnitude = np.abs(np.fft.ifft2(k_space))
    return _stored(magnitude, acquisition.brightest)


def k_space_window(shape: tuple[int, int], kept: float) -> Float32[np.ndarray, "row col"]:
    """1 up to the acquired part of k-space, 0 beyond, with a cosine edge against ringing.

    Args:
        shape: rows and columns of the image; frequencies are in the order of `numpy.fft`.
        kept: acquired part of either axis; 1 or more keeps all.
    """
    row, col = (_axis_window(n, kept) for n in shape)
    return np.outer(row, col).astype(np.float32)


def smooth_field(modes: Modes, rows: int, cols: int) -> Float32[np.ndarray, "row col"]:
    """The sum of cosine modes over an image, the modes' lowest being the mean."""
    field = _cosines(rows, modes.shape[0]) @ modes @ _cosines(cols, modes.shape[1]).T
    return np.asarray(field, dtype=np.float32)


def _axis_window(n: int, kept: float) -> Float[np.ndarray, "frequency"]:
    if kept >= 1:
        return np.ones(n)
    frequency = np.abs(np.fft.fftfreq(n)) * 2
    edge = np.clip((frequency - 0.7 * kept) / (0.3 * kept), 0, 1)
    window: Float[np.ndarray, "frequency"] = 0.5 * (1 + np.cos(np.pi * edge))
    return window


def _cosines(n: int, n_modes: int) -> Float[np.ndarray, "position mode"]:
    cosines: Float[np.ndarray, "position mode"] = np.cos(
        np.pi * np.outer((np.arange(n) + 0.5) / n, np.arange(n_modes))
    )
    return cosines


def _texture(rng: np.random.Generator, rows: int, cols: int) -> Float32[np.ndarray, "row col"]:
    """Unevenness of blood and tissue, as a factor about 1."""
    modes = rng.normal(0, 2 * TEXTURE_SPREAD / N_TEXTURE_MODES, (N_TEXTURE_MODES, N_TEXTURE_MODES))
    return 1 + smooth_field(modes, rows, cols)


def _stored(magnitude: Float32[np.ndarray, "slice row col"], brightest: int) -> Signals:
    """Scaled to whole numbers; the brightest pixel of a thousand gets `brightest`."""
    top = float(np.quantile(magnitude, 0.999))
    scaled = magnitude * np.float32(brightest / top) if top > 0 else magnitude
    return np.asarray(np.clip(np.rint(scaled), 0, STORED_MAXIMUM), dtype=np.float32)
