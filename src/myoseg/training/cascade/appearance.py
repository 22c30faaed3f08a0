"""Ideal signals of a slice in, what a scanner might have stored of them out, roughly and fast.

The full simulation of an acquisition is `cases.phantom.acquisition`; this is its quick sister for
training, with wider draws: texture, coil, resolution, noise, field of view, display curve.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from myoseg.slices.framing import presented
from myoseg.slices.normalisation import OUTSIDE
from myoseg.training.cascade.settings import AppearanceRanges

Image = Float32[np.ndarray, "row col"]


def degrade(rng: np.random.Generator, signals: Image, ranges: AppearanceRanges) -> Image:
    """The image of these signals, normalised as every slice is (section 2.2)."""
    n = len(signals)
    low, high = float(signals.min()), float(signals.max())
    scale = max(high - low, 1e-6)
    texture = smooth_noise(rng, n, int(rng.integers(8, n // 2)))
    image = signals * (1 + rng.uniform(0, ranges.texture) * texture)
    image = image * np.exp(rng.uniform(0, ranges.bias) * smooth_noise(rng, n, 3))
    noise = rng.standard_normal((n, n), dtype=np.float32)
    grain_px = float(rng.uniform(0, 0.8))
    if grain_px > 0.3:
        noise = cv2.GaussianBlur(noise, (0, 0), grain_px) * np.float32(1 + 2.2 * grain_px)
    image = image + np.float32(rng.uniform(0.005, ranges.noise) * scale) * noise
    blur_px = float(rng.uniform(0.2, ranges.blur_px))
    image = cv2.GaussianBlur(np.asarray(image, dtype=np.float32), (0, 0), blur_px)
    image = _display_curve(image, float(np.exp(rng.normal(0, ranges.gamma))))
    if rng.random() < ranges.cut_probability:
        image = _cut_field_of_view(rng, image)
    return presented(image)


def smooth_noise(rng: np.random.Generator, size_px: int, n_knots: int) -> Image:
    """Noise of about unit spread that varies over about `size_px / n_knots` pixels."""
    knots = rng.standard_normal((n_knots, n_knots), dtype=np.float32)
    return np.asarray(
        cv2.resize(knots, (size_px, size_px), interpolation=cv2.INTER_CUBIC), dtype=np.float32
    )


def clutter(rng: np.random.Generator, size_px: int, low: float, high: float) -> Image:
    """Random shapes of random signals between `low` and `high`, some of them rings and discs."""
    field = smooth_noise(rng, size_px, int(rng.integers(3, 9)))
    n_levels = int(rng.integers(2, 7))
    edges = np.sort(rng.uniform(-1.6, 1.6, n_levels))
    levels = rng.uniform(low, high, n_levels + 1).astype(np.float32)
    shapes = levels[np.searchsorted(edges, field)]
    for _ in range(int(rng.integers(0, 5))):
        centre = tuple(int(c) for c in rng.integers(0, size_px, 2))
        axes = tuple(int(a) for a in rng.integers(2, max(3, size_px // 6), 2))
        angle, value = float(rng.uniform(0, 180)), float(rng.uniform(low, high))
        thickness = int(rng.choice([-1, 1, 2, 3]))
        cv2.ellipse(shapes, centre, axes, angle, 0, 360, value, thickness)
    return shapes


def replaced(signals: Image, clutter_signals: Image, heart: Bool[np.ndarray, "row col"]) -> Image:
    """The signals inside the heart, the clutter around it, with a soft border."""
    share = cv2.GaussianBlur(heart.astype(np.float32), (0, 0), 0.7)
    return np.asarray(share * signals + (1 - share) * clutter_signals, dtype=np.float32)


def _display_curve(image: Image, exponent: float) -> Image:
    low, high = np.percentile(image, (1, 99))
    scale = np.float32(max(high - low, 1e-6))
    unit = (image - np.float32(low)) / scale
    curved = np.sign(unit) * np.abs(unit) ** np.float32(exponent)
    return np.asarray(curved, dtype=np.float32)


def _cut_field_of_view(rng: np.random.Generator, image: Image) -> Image:
    """A scan that ends within the square: what lies beyond is `OUTSIDE`."""
    cut = image.copy()
    reach = len(image) // 5
    for view in (cut, cut[::-1], cut.T, cut.T[::-1]):
        if rng.random() < 0.4:
            view[: int(rng.integers(0, reach))] = OUTSIDE
    return cut
