"""Chords across the wall: a ventricle enters, thickness and depth of disease by angle leave.

Each slice has `N_CHORDS` chords, one every 2 degrees about its centre, each at right angles to the
line half way between the inner and the outer border (the centre-line method: Sheehan et al.,
Circulation 1986;74:293; von Land et al., Comput Cardiol 1990:687). On round walls they are radii;
on walls that are not round they do not cross the wall aslant, as radii do. Lengths are integrals of
linearly interpolated masks along the chord, so that a border lies between pixels.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float

from myoseg.quantification.ventricle import Mask, Ventricle

N_CHORDS: Final = 180
ANGLES_DEG: Final = (np.arange(N_CHORDS) + 0.5) * (360 / N_CHORDS)
"""Of the chords' middles, from `ShortAxis.up`, counter-clockwise as seen from the apex."""

SMOOTHING_DEG: Final = 6.0
"""Standard deviation of the Gaussian that smooths the borders before directions are taken."""

N_SAMPLES: Final = 65
MOST_STEPS: Final = 4096
"""Along a radius, however flat the pixels are."""
_MOST_CHANNELS: Final = 4
"""That OpenCV samples at once."""

FEWEST_MM: Final = 0.5
"""Of wall on a chord; with less, the wall is open there."""

ByChord = Float[np.ndarray, "slice chord"]


@dataclass(frozen=True, eq=False)
class Borders:
    """Distances of the inner and outer border from the centre by angle, in mm; 0 without wall."""

    inner_mm: ByChord
    outer_mm: ByChord


@dataclass(frozen=True, eq=False)
class TransmuralField:
    """What each chord crosses.

    Attributes:
        thickness_mm: of the wall.
        shares: of each mask that was asked for, its share of the chord's wall, 0 to 1.
        met: how far the chord meets each mask, 0 to 1: the most that the interpolated mask covers
            of any point on it. Chords at the ends of a mask meet it in part.
        open: chords without wall.
    """

    thickness_mm: ByChord
    shares: dict[str, ByChord]
    met: dict[str, ByChord]
    open: Bool[np.ndarray, "slice chord"]


def find_borders(ventricle: Ventricle) -> Borders:
    """The borders along radii; a slice without a centre has none."""
    up, left = _directions()
    farthest_mm = _farthest_mm(ventricle)
    step_mm = max(min(ventricle.axis.geometry.spacing_mm[1:]) / 2, farthest_mm / MOST_STEPS)
    reach_mm = np.arange(0.5, farthest_mm / step_mm + 1) * step_mm
    offsets = np.stack([up, left])[:, None, :, None] * reach_mm
    offsets = np.broadcast_to(offsets, (2, len(ventricle.wall), N_CHORDS, len(reach_mm)))
    lengths = _sample(ventricle, [ventricle.cavity, ventricle.wall], offsets).sum(axis=-1) * step_mm
    return Borders(inner_mm=lengths[0], outer_mm=lengths[0] + lengths[1])


def find_chords(
    ventricle: Ventricle, borders: Borders, masks: dict[str, Mask], *, radial: bool = False
) -> TransmuralField:
    """Thickness of the wall and the masks' shares of it along every chord.

    Args:
        ventricle: whose wall is crossed.
        borders: of it.
        masks: parts of the wall, by name, in the ventricle's box.
        radial: whether to take radii in place of the centre-line's normals.
    """
    middle, (normal_up, normal_left) = _centre_line(borders, radial)
    up, left = _directions()
    wall_mm = borders.outer_mm - borders.inner_mm
    half_mm = 0.65 * wall_mm + 2 * max(ventricle.axis.geometry.spacing_mm[1:])
    along = np.linspace(-1, 1, N_SAMPLES)[None, None] * half_mm[..., None]
    offsets = np.stack(
        [
            (middle * up)[..., None] + normal_up[..., None] * along,
            (middle * left)[..., None] + normal_left[..., None] * along,
        ]
    )
    sampled = _sample(ventricle, [ventricle.wall, *masks.values()], offsets)
    step_mm = 2 * half_mm / (N_SAMPLES - 1)
    crossed = _connected(sampled[0])
    thickness_mm = (sampled[0] * crossed).sum(axis=-1) * step_mm
    is_open = thickness_mm < FEWEST_MM
    known_mm = np.where(is_open, np.inf, thickness_mm)
    parts = dict(zip(masks, sampled[1:] * crossed, strict=True))
    return TransmuralField(
        thickness_mm=np.where(is_open, 0, thickness_mm),
        shares={
            name: np.minimum(part.sum(axis=-1) * step_mm / known_mm, 1)
            for name, part in parts.items()
        },
        met={name: np.where(is_open, 0, part.max(axis=-1)) for name, part in parts.items()},
        open=is_open,
    )


def _directions() -> tuple[Float[np.ndarray, "chord"], Float[np.ndarray, "chord"]]:
    """(up, left) of a step outward at each angle."""
    angles = np.deg2rad(ANGLES_DEG)
    return np.cos(angles), np.sin(angles)


def _farthest_mm(ventricle: Ventricle) -> float:
    """From a slice's centre to the farthest pixel of its wall."""
    slices, rows, cols = np.nonzero(ventricle.wall)
    offsets = np.stack([rows, cols]) - ventricle.centre_px[slices].T
    return float(np.hypot(*(ventricle.axis.px_to_mm @ offsets)).max())


def _centre_line(borders: Borders, radial: bool) -> tuple[ByChord, tuple[ByChord, ByChord]]:
    """Distance of the middle of the wall from the centre, and the unit normal there (up, left)."""
    orders = np.arange(N_CHORDS // 2 + 1)
    gain = np.exp(-0.5 * (orders * np.deg2rad(SMOOTHING_DEG)) ** 2)
    spectrum = np.fft.rfft((borders.inner_mm + borders.outer_mm) / 2) * gain
    middle = np.fft.irfft(spectrum, N_CHORDS)
    slope = np.zeros_like(middle) if radial else np.fft.irfft(spectrum * 1j * orders, N_CHORDS)
    length = np.maximum(np.hypot(middle, slope), 1e-6)
    up, left = _directions()
    outward, around = middle / length, -slope / length
    return middle, (outward * up - around * left, outward * left + around * up)


def _connected(wall: Float[np.ndarray, "slice chord sample"]) -> Bool[np.ndarray, "..."]:
    """Samples that an unbroken stretch of wall joins to the chord's middle."""
    there = wall > 1e-6
    half = N_SAMPLES // 2
    inward = np.logical_and.accumulate(there[..., half::-1], axis=-1)[..., ::-1]
    outward = np.logical_and.accumulate(there[..., half:], axis=-1)
    return np.concatenate([inward, outward[..., 1:]], axis=-1)


def _sample(
    ventricle: Ventricle, masks: list[Mask], offsets_mm: Float[np.ndarray, "2 slice chord sample"]
) -> Float[np.ndarray, "mask slice chord sample"]:
    """The masks, interpolated linearly, at (up, left) millimetres from each slice's centre.

    0 in slices without wall, and beyond the box. OpenCV interpolates at steps of 1/32 pixel.
    """
    matrix = ventricle.axis.mm_to_px.astype(np.float32)
    up, left = offsets_mm.astype(np.float32)
    sampled = np.zeros((len(masks), *up.shape), dtype=np.float32)
    for index in np.flatnonzero(ventricle.has_wall):
        centre = ventricle.centre_px[index].astype(np.float32)
        rows, cols = (
            matrix[axis, 0] * up[index] + matrix[axis, 1] * left[index] + centre[axis]
            for axis in (0, 1)
        )
        for first in range(0, len(masks), _MOST_CHANNELS):
            some = masks[first : first + _MOST_CHANNELS]
            pixels = np.stack([mask[index] for mask in some], axis=-1).astype(np.float32)
            values = cv2.remap(
                pixels, cols, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
            )
            values = values.reshape(*rows.shape, len(some))
            sampled[first : first + len(some), index] = np.moveaxis(values, -1, 0)
    return sampled
