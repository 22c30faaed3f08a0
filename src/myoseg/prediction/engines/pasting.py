"""Masks of detections in their boxes in, one probability map of the image out."""

from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32

from myoseg.prediction.engines.boxes import Boxes

_BORDER: Final = 1


def pasted(
    masks: Float32[np.ndarray, "detection side side"],
    boxes: Boxes,
    scores: Float32[np.ndarray, "detection"],
    size: tuple[int, int],
) -> Float32[np.ndarray, "row col"]:
    """The greatest score x mask over all detections, pixel by pixel; 0 where there are none.

    The masks are enlarged as torchvision's `paste_masks_in_image` does it: with a border of one
    pixel of zeros, to the whole pixels that the box so widened covers.

    Args:
        masks: in [0, 1].
        boxes: where they lie.
        scores: of the detections.
        size: rows and columns of the image.
    """
    found = np.zeros(size, dtype=np.float32)
    bordered = np.pad(masks, ((0, 0), (_BORDER,) * 2, (_BORDER,) * 2))
    for mask, (x1, y1, x2, y2), score in zip(
        bordered, _widened(boxes, masks.shape[-1]).tolist(), scores, strict=True
    ):
        # The widened box reaches from pixel x1 to x2, both included.
        shape = (max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1))
        enlarged = cv2.resize(mask, shape, interpolation=cv2.INTER_LINEAR)
        rows, cols = (slice(max(a, 0), min(b + 1, n)) for a, b, n in _spans(x1, y1, x2, y2, size))
        there = enlarged[rows.start - y1 : rows.stop - y1, cols.start - x1 : cols.stop - x1]
        np.maximum(found[rows, cols], score * there, out=found[rows, cols])
    return found


def _widened(boxes: Boxes, side: int) -> np.ndarray:
    scale = np.float32((side + 2 * _BORDER) / side)
    half = (boxes[:, 2:] - boxes[:, :2]) * np.float32(0.5) * scale
    centre = (boxes[:, 2:] + boxes[:, :2]) * np.float32(0.5)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.int64)


def _spans(
    x1: int, y1: int, x2: int, y2: int, size: tuple[int, int]
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    return (y1, y2, size[0]), (x1, x2, size[1])
