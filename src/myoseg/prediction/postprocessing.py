"""A block's mask in, the mask without islands and holes out (paper, section 2.5).

Two foreground pixels are connected through an edge or a corner (8 neighbours); two background
pixels through an edge (4 neighbours). So a closed 8-connected contour encloses a hole, as in the
plane a closed curve does.
"""

from typing import Final, TypeAlias

import cv2
import numpy as np
from jaxtyping import Bool

from myoseg.blocks import Block

Mask: TypeAlias = Bool[np.ndarray, "row col"]

_OUTSIDE: Final = 2


def postprocess(mask: Mask, block: Block) -> Mask:
    """The mask of one slice cleaned up as its block asks: islands go first, then holes."""
    if block.keep_largest:
        mask = largest_component(mask)
    if block.fill_holes:
        mask = fill_holes(mask)
    return mask


def largest_component(mask: Mask) -> Mask:
    """The 8-connected component with the most pixels; an empty mask stays empty.

    Of several as large, the one that comes first in raster order (row by row) is kept.
    """
    n_labels, component, statistics, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    if n_labels == 1:
        return mask.copy()
    n_pixels = statistics[:, cv2.CC_STAT_AREA]
    n_pixels[0] = 0  # the background
    of_a_largest = (n_pixels == n_pixels.max())[component]
    return np.asarray(component == component.flat[of_a_largest.argmax()])


def fill_holes(mask: Mask) -> Mask:
    """The mask and its holes: background that no 4-connected path joins to the border."""
    canvas = np.pad(mask.astype(np.uint8), 1)
    cv2.floodFill(canvas, None, seedPoint=(0, 0), newVal=_OUTSIDE, flags=4)
    return np.asarray(canvas[1:-1, 1:-1] != _OUTSIDE)
