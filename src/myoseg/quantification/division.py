"""The wall cut into segments: levels and insertion points enter, each pixel's segment leaves."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from myoseg.quantification.aha import segment_at
from myoseg.quantification.insertion import Insertion
from myoseg.quantification.levels import Level
from myoseg.quantification.transmurality import ANGLES_DEG
from myoseg.quantification.ventricle import Mask, Ventricle

N_SEGMENTS: Final = 16


@dataclass(frozen=True, eq=False)
class WallPixels:
    """The wall's pixels that belong to a segment: where they are and to which."""

    where: tuple[Int[np.ndarray, "pixel"], ...]
    segments: Int[np.ndarray, "pixel"]

    def count(self, mask: Mask | None = None) -> Int[np.ndarray, "17"]:
        """How many of each segment (by number) are in the mask."""
        chosen = self.segments if mask is None else self.segments[mask[self.where]]
        return np.bincount(chosen, minlength=N_SEGMENTS + 1)


def divide(
    ventricle: Ventricle, levels: tuple[Level | None, ...], insertion: Insertion
) -> tuple[WallPixels, Int[np.ndarray, "slice chord"]]:
    """Segment of each pixel of the wall, and of each chord; 0 for chords of no segment."""
    chord_segments = np.zeros((len(levels), len(ANGLES_DEG)), dtype=np.int64)
    slices, rows, cols = [], [], []
    segments = []
    for each in insertion.slices:
        third = levels[each.slice]
        assert third in ("basal", "mid", "apical")
        turn = np.sign(each.turn_deg)
        row, col = np.nonzero(ventricle.wall[each.slice])
        offsets = np.stack([row, col]) - ventricle.centre_px[each.slice][:, None]
        up, left = ventricle.axis.px_to_mm @ offsets
        degrees = np.rad2deg(np.arctan2(left, up))
        segments.append(segment_at(third, _from(each.septum_deg, degrees, turn)))
        chord_segments[each.slice] = segment_at(third, _from(each.septum_deg, ANGLES_DEG, turn))
        slices.append(np.full(len(row), each.slice))
        rows.append(row)
        cols.append(col)
    where = tuple(np.concatenate(axis) for axis in (slices, rows, cols))
    return WallPixels(where, np.concatenate(segments)), chord_segments


def _from(
    septum_deg: float, degrees: Float[np.ndarray, "..."], turn: float
) -> Float[np.ndarray, "..."]:
    """Angles from the middle of the septum in [-180, 180), positive to the inferior wall."""
    return np.asarray((turn * (degrees - septum_deg) + 180) % 360 - 180)
