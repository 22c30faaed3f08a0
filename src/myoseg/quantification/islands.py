"""Islands and holes: a mask inside the wall enters, the mask cleaned up slice by slice leaves."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool

from myoseg.errors import InputError

Mask = Bool[np.ndarray, "slice row col"]


@dataclass(frozen=True)
class Cleaning:
    """What becomes of a mask: islands first, then holes; by default nothing.

    `min_island_px`: 8-connected components with fewer pixels in their slice are removed.
    `fill_holes`: wall from which no 4-connected path outside the mask leads out of the wall is
    added, as dark no-reflow within scar. What lies open to the blood pool is no hole.

    Raises:
        InputError: `min_island_px` is negative.
    """

    min_island_px: int = 0
    fill_holes: bool = False

    def __post_init__(self) -> None:
        if self.min_island_px < 0:
            raise InputError(f"min_island_px is {self.min_island_px}; give 0 or more pixels.")


AS_IT_IS: Final = Cleaning()


def clean(mask: Mask, wall: Mask, cleaning: Cleaning) -> Mask:
    """The mask, which lies inside the wall, without small islands and with holes filled."""
    cleaned = mask.copy()
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        if cleaning.min_island_px > 1:
            cleaned[index] = _without_islands(cleaned[index], cleaning.min_island_px)
        if cleaning.fill_holes:
            cleaned[index] |= _holes(cleaned[index], wall[index])
    return cleaned


def _without_islands(
    mask: Bool[np.ndarray, "row col"], fewest_px: int
) -> Bool[np.ndarray, "row col"]:
    _, component, statistics, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    large = statistics[:, cv2.CC_STAT_AREA] >= fewest_px
    return np.asarray(mask & large[component])


def _holes(
    mask: Bool[np.ndarray, "row col"], wall: Bool[np.ndarray, "row col"]
) -> Bool[np.ndarray, "row col"]:
    """Components of what is not in the mask that lie in the wall with all their pixels.

    What is beyond the image is outside the wall.
    """
    outside, others = np.pad(~wall, 1, constant_values=True), np.pad(~mask, 1, constant_values=True)
    _, component = cv2.connectedComponents(others.astype(np.uint8), connectivity=4)
    holes = others & ~np.isin(component, np.unique(component[others & outside]))
    return np.asarray(holes[1:-1, 1:-1])
