"""Ideal signals in, images as a scanner stores them out: coil, resolution, noise, integers."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
from jaxtyping import Complex, Complex64, Float, Float32, Integer
from scipy import fft

from myoseg.anatomy import Sequence
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.tissue import Material

Signals = Float32[np.ndarray, "slice row col"]
Images = Float32[np.ndarray, "slice stored_row stored_col"]
Modes = Float[np.ndarray, "row_mode col_mode"]
Seed: TypeAlias = int

SNR_REFERENCE: Final[dict[Sequence, Material]] = {
    Sequence.BSSFP: Material.NORMAL_MYOCARDIUM,
    Sequence.LGE: Material.LV_BLOOD,
    Sequence.T2: Material.NORMAL_MYOCARDIUM,
}
"""The tissue whose signal over the noise is the signal-to-noise ratio: one that is not dark."""

N_BIAS_MODES: Final = 3
N_TEXTURE_KNOTS: Final = 40
TEXTURE_SPREAD: Final = 0.053
STORED_MAXIMUM: Final = 32767


@dataclass(frozen=True, eq=False)
class Acquisition:
    """How one sequence is acquired and stored.

    Attributes:
        snr: of the tissue in `SNR_REFERENCE`.
        spacing_mm: resolution along rows' and columns' index, before interpolation.
        bias: logarithm of the coil's sensitivity, as cosine modes over the field of view.
        noise_seed: from which the noise and the tissue's fine texture follow.
        brightest: what the brightest pixel is stored as, above `offset`.
        offset: what no signal is stored as.
        edge: outer part of the acquired k-space over which it is faded out; 0 cuts it sharply.
        signed: whether the signal keeps its sign (phase-sensitive), else its magnitude is stored.
    """

    snr: float
    spacing_mm: tuple[float, float]
    bias: Modes
    noise_seed: Seed
    brightest: int
    offset: int = 0
    edge: float = 0.3
    signed: bool = False


def draw_acquisition(
    rng: np.random.Generator, sequence: Sequence, config: PhantomConfig, *, signed: bool = False
) -> Acquisition:
    """Draws how a sequence is acquired; phase is encoded along the rows' index.

    A signed image has its zero at mid-grey, as scanners store phase-sensitive images.
    """
    modes = np.arange(N_BIAS_MODES)
    decay = 1.0 + np.add.outer(modes, modes)
    grid = config.grid(sequence)
    acquired_mm = float(rng.uniform(*grid.acquired_mm))
    phase_mm = acquired_mm / float(rng.uniform(*grid.phase_resolution))
    low, high = np.log(config.brightest)
    brightest = round(float(np.exp(rng.uniform(low, high))))
    offset = round(float(rng.uniform(*config.offset)))
    zero = int(rng.choice([1024, 2048, 4096]))
    return Acquisition(
        snr=float(rng.uniform(*config.snr)),
        spacing_mm=(phase_mm, acquired_mm),
        bias=rng.normal(0, config.bias_spread, (N_BIAS_MODES, N_BIAS_MODES)) / decay,
        noise_seed=int(rng.integers(2**32)),
        brightest=zero if signed else brightest,
        offset=zero if signed else offset,
        edge=float(rng.uniform(*config.k_space_edge)),
        signed=signed,
    )


def acquire(
    signals: Signals,
    acquisition: Acquisition,
    spacing_mm: float,
    reference: float,
    finer: int = 1,
) -> Images:
    """The stored image: whole numbers from 0 to 32767, as float32.

    The complex image is the signal times coil sensitivity plus complex Gaussian noise, its
    k-space cut at the acquired resolution and filled with zeros to the stored matrix; the
    magnitude of it is Rician (Gudbjartsson and Patz, Magn Reson Med 1995;34:910). Of a signed
    image the real part is stored, whose noise is Gaussian (Kellman et al., Magn Reson Med
    2002;47:372).

    Args:
        signals: ideal signals, negative ones included (inverted magnetisation in LGE).
        acquisition: how the sequence is acquired.
        spacing_mm: pixel spacing of the stored image.
        reference: the signal that `acquisition.snr` refers to.
        finer: by which factor the signals' pixels are finer than the stored ones.
    """
    rng = np.random.default_rng(acquisition.noise_seed)
    rows, cols = (n // finer for n in signals.shape[1:])
    kept = tuple(spacing_mm / acquired_mm for acquired_mm in acquisition.spacing_mm)
    window = k_space_window((rows, cols), (kept[0], kept[1]), acquisition.edge)
    sigma = np.float32(reference / acquisition.snr / np.sqrt(np.mean(window**2)))
    sensitivity = np.exp(smooth_field(acquisition.bias, *signals.shape[1:]))
    images = np.empty((len(signals), rows, cols), dtype=np.float32)
    for index, signal in enumerate(signals):
        seen = signal * sensitivity * _texture(rng, *signal.shape)
        k_space = stored_k_space(seen, finer) + _noise(rng, (rows, cols), sigma)
        image = fft.ifft2(k_space * window, overwrite_x=True)
        images[index] = image.real if acquisition.signed else np.abs(image)
    return _stored(images, acquisition)


def stored_k_space(
    signal: Float32[np.ndarray, "row col"], finer: int
) -> Complex64[np.ndarray, "stored_row stored_col"]:
    """The k-space of the stored matrix: the middle of the finer signal's.

    Its image has its pixels where `finer` x `finer` pixels of the signal have their middle.
    """
    k_space = fft.fft2(signal)
    if finer == 1:
        return np.asarray(k_space, dtype=np.complex64)
    rows, cols = (_middle(n, finer) for n in signal.shape)
    ramps = [_to_the_middle(n, finer) / finer for n in signal.shape]
    return np.asarray(k_space[np.ix_(rows, cols)] * np.outer(*ramps), dtype=np.complex64)


def k_space_window(
    shape: tuple[int, int], kept: tuple[float, float], edge: float
) -> Float32[np.ndarray, "row col"]:
    """1 up to the acquired part of k-space, 0 beyond, with a cosine edge against ringing.

    Args:
        shape: rows and columns of the image; frequencies are in the order of `numpy.fft`.
        kept: acquired part of each axis; 1 or more keeps all.
        edge: outer part of the acquired frequencies over which the edge falls; 0 is a sharp cut.
    """
    row, col = (_axis_window(n, part, edge) for n, part in zip(shape, kept, strict=True))
    return np.outer(row, col).astype(np.float32)


def smooth_field(modes: Modes, rows: int, cols: int) -> Float32[np.ndarray, "row col"]:
    """The sum of cosine modes over an image, the modes' lowest being the mean."""
    modes = modes.astype(np.float32)
    field = _cosines(rows, modes.shape[0]) @ modes @ _cosines(cols, modes.shape[1]).T
    return np.asarray(field, dtype=np.float32)


def _axis_window(n: int, kept: float, edge: float) -> Float[np.ndarray, "frequency"]:
    if kept >= 1:
        return np.ones(n)
    frequency = np.abs(np.fft.fftfreq(n)) * 2
    if edge == 0:
        return np.asarray(frequency < kept, dtype=np.float64)
    fall = np.clip((frequency - (1 - edge) * kept) / (edge * kept), 0, 1)
    window: Float[np.ndarray, "frequency"] = 0.5 * (1 + np.cos(np.pi * fall))
    return window


def _middle(n: int, finer: int) -> Integer[np.ndarray, "frequency"]:
    """Where the stored matrix's frequencies are among those of `n` finer pixels."""
    frequencies = np.rint(np.fft.fftfreq(n // finer) * (n // finer)).astype(np.intp)
    return np.asarray(frequencies % n)


def _to_the_middle(n: int, finer: int) -> Complex[np.ndarray, "frequency"]:
    """Phases that move the image by half of what `finer` pixels are longer than one."""
    shift_px = (finer - 1) / 2
    phases: Complex[np.ndarray, "frequency"] = np.exp(
        2j * np.pi * np.fft.fftfreq(n // finer) / finer * shift_px
    )
    return phases


def _cosines(n: int, n_modes: int) -> Float32[np.ndarray, "position mode"]:
    cosines = np.cos(np.pi * np.outer((np.arange(n) + 0.5) / n, np.arange(n_modes)))
    return np.asarray(cosines, dtype=np.float32)


def _noise(
    rng: np.random.Generator, shape: tuple[int, int], sigma: np.float32
) -> Complex64[np.ndarray, "row col"]:
    """White noise in k-space, whose image has the standard deviation `sigma` in either part."""
    parts = rng.standard_normal((2, *shape), dtype=np.float32)
    parts *= sigma * np.float32(np.sqrt(shape[0] * shape[1]))
    return np.asarray(parts[0] + 1j * parts[1], dtype=np.complex64)


def _texture(rng: np.random.Generator, rows: int, cols: int) -> Float32[np.ndarray, "row col"]:
    """Unevenness of blood and tissue, as a factor about 1, smooth between the knots."""
    knots = rng.normal(1, TEXTURE_SPREAD, (N_TEXTURE_KNOTS, N_TEXTURE_KNOTS)).astype(np.float32)
    return np.asarray(cv2.resize(knots, (cols, rows), interpolation=cv2.INTER_CUBIC))


def _stored(images: Images, acquisition: Acquisition) -> Images:
    """Scaled to whole numbers; the brightest pixel of a thousand gets `brightest`."""
    top = float(np.quantile(np.abs(images), 0.999))
    scaled = images * np.float32(acquisition.brightest / top) if top > 0 else images
    shifted = np.rint(scaled) + np.float32(acquisition.offset)
    return np.asarray(np.clip(shifted, 0, STORED_MAXIMUM), dtype=np.float32)
