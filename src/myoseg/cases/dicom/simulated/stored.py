"""Intensities in, integers with the slope and intercept that give them back out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int32
from pydicom.valuerep import DSfloat

Frames = Float32[np.ndarray, "frame row col"]

MAX_12_BIT: Final = 4095
MAX_16_BIT: Final = 32767
_ABOVE_ROUNDING: Final = 1 + 1e-9


@dataclass(frozen=True, eq=False)
class Stored:
    """Pixels as they are stored: intensity = value x slope + intercept.

    Attributes:
        values: whole numbers from 0 to `MAX_16_BIT`, which fit signed and unsigned pixels.
        slope: as the decimal string that is written holds it.
        intercept: likewise.
    """

    values: Int32[np.ndarray, "frame row col"]
    slope: DSfloat
    intercept: DSfloat

    @property
    def is_scaled(self) -> bool:
        """Whether the values are not the intensities themselves."""
        return (float(self.slope), float(self.intercept)) != (1.0, 0.0)

    @property
    def n_bits(self) -> int:
        """12 where they suffice, as most scanners store; else 16."""
        return 12 if int(self.values.max(initial=0)) <= MAX_12_BIT else 16


def stored(frames: Frames, *, rescaled: bool = False) -> Stored:
    """Quantises a series; whole intensities that fit are stored as they are, unless `rescaled`.

    All frames share slope and intercept. The step of quantisation is the slope, and no intensity
    is off by more than half of it.

    Args:
        frames: finite intensities.
        rescaled: whether they are stretched over 12 bits, as Philips scanners do.
    """
    low, high = float(frames.min(initial=0.0)), float(frames.max(initial=0.0))
    fits = low >= 0 and high <= MAX_16_BIT and bool(np.array_equal(frames, np.rint(frames)))
    if fits and not rescaled:
        return Stored(frames.astype(np.int32), DSfloat(1.0), DSfloat(0.0))
    top = MAX_12_BIT if rescaled else MAX_16_BIT
    intercept = DSfloat(low, auto_format=True)
    step = (high - float(intercept)) / top * _ABOVE_ROUNDING
    slope = DSfloat(step if step > 0 else 1.0, auto_format=True)
    values = np.rint((frames.astype(np.float64) - float(intercept)) / float(slope))
    return Stored(np.clip(values, 0, top).astype(np.int32), slope, intercept)
