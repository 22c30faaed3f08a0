"""A block's mask in, the mask without islands and holes out (paper, section 2.5).

Two foreground pixels are connected through an edge or a corner (8 neighbours); two background
pixels through an edge (4 neighbours). So a closed 8-connected contour encloses a hole, as in the
plane a closed curve does.
"""

from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from myoseg.blocks import Block

Mask: TypeAlias = Bool[np.ndarray, "row col"]


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
    pixels, box = _pixels(mask), _bounding_box(mask)
    kept = np.zeros_like(mask, order="C")
    if box is None:
        return kept
    _, component = cv2.connectedComponents(pixels[box], connectivity=8)
    in_raster_order = component[pixels[box].view(bool)]
    n_pixels = np.bincount(in_raster_order)
    of_a_largest = (n_pixels == n_pixels.max())[in_raster_order]
    np.equal(component, in_raster_order[of_a_largest.argmax()], out=kept[box])
    return kept


def fill_holes(mask: Mask) -> Mask:
    """The mask and its holes: background that no 4-connected path joins to the border."""
    filled = np.zeros(mask.shape, dtype=np.uint8)
    box = _bounding_box(mask)
    if box is not None:
        outer, _ = cv2.findContours(_pixels(mask)[box], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        upper_left = (box[1].start, box[0].start)
        cv2.drawContours(filled, outer, -1, color=1, thickness=cv2.FILLED, offset=upper_left)
    return filled.view(bool)


def _pixels(mask: Mask) -> UInt8[np.ndarray, "row col"]:
    """The mask as 0 and 1, in the same memory where its rows are contiguous."""
    return np.ascontiguousarray(mask).view(np.uint8)


def _bounding_box(mask: Mask) -> tuple[slice, slice] | None:
    """The smallest box that holds the mask; None for an empty one, which OpenCV cannot crop to."""
    left, top, width, height = cv2.boundingRect(_pixels(mask))
    return (slice(top, top + height), slice(left, left + width)) if width else None
