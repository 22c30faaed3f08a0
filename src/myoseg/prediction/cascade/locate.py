"""Probabilities of the heart over whole slices in, the frame around the heart out."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from myoseg.cases.case import Volume
from myoseg.slices.framing import Frame

ROUND: Final = (0.83, 1.2)
"""Height over width of a heart that is taken for round; beyond, pixels are not square as said."""

MOST_STRETCHED: Final = 2.2
FOUND: Final = 0.5
LARGE_SLICE_QUANTILE: Final = 0.85
"""Of the slices' areas: the epicardium at its widest, but for an outlier."""


@dataclass(frozen=True)
class HeartSize:
    """Where the heart lies in the matrix, and how large it is there.

    Attributes:
        centre_px: row and column of the middle of both ventricles.
        epicardium_px: row and column of the middle of the left ventricle.
        diameter_px: of a disc of the epicardium's largest area, along rows and along columns.
        n_slices: that show it.
        evidence: mean probability inside it, times the part of the slices that show it.
    """

    centre_px: tuple[float, float]
    epicardium_px: tuple[float, float]
    diameter_px: tuple[float, float]
    n_slices: int = 1
    evidence: float = 0.0


def find_heart(epicardium: Volume, rv: Volume, spacing_mm: tuple[float, float]) -> HeartSize | None:
    """The heart where most slices see one; None where none does.

    Args:
        epicardium: probability of the LV with its blood pool.
        rv: probability of the RV blood pool.
        spacing_mm: of rows and of columns.
    """
    agreed = _component_at_peak(epicardium)
    areas = agreed.sum(axis=(1, 2))
    if not areas.any():
        return None
    area = float(np.quantile(areas[areas > 0], LARGE_SLICE_QUANTILE))
    large = agreed[areas >= 0.5 * area].any(axis=0)
    stretch = _height_over_width(agreed[areas >= 0.6 * area], spacing_mm)
    diameter_px = 2 * np.sqrt(area / np.pi)
    ratio = stretch * spacing_mm[1] / spacing_mm[0]
    both = large | _beside(rv, large)
    return HeartSize(
        centre_px=_middle(both),
        epicardium_px=_middle(large),
        diameter_px=(float(diameter_px * ratio**0.5), float(diameter_px / ratio**0.5)),
        n_slices=int((areas > 0).sum()),
        evidence=float(epicardium[agreed].mean() * (areas > 0).mean()),
    )


def frame_around(
    heart: HeartSize, size_px: int, heart_share: float, *, both_ventricles: bool
) -> Frame:
    """The square that shows the epicardium at `heart_share` of its side."""
    rows, cols = (d / (heart_share * size_px) for d in heart.diameter_px)
    centre = heart.centre_px if both_ventricles else heart.epicardium_px
    return Frame(size_px, centre, (rows, cols))


def _component_at_peak(probability: Volume) -> Bool[np.ndarray, "slice row col"]:
    """In each slice, the component that lies where most slices see the heart."""
    total = cv2.GaussianBlur(np.clip(probability, 0, 1).sum(axis=0), (0, 0), 2.0)
    row, col = np.unravel_index(int(total.argmax()), total.shape)
    found = np.zeros(probability.shape, dtype=np.bool_)
    near = _disc(total.shape, (int(row), int(col)), _reach(total))
    for mask, plane in zip(found, probability, strict=True):
        _, component = cv2.connectedComponents((plane > FOUND).astype(np.uint8), connectivity=8)
        inside = component[near]
        inside = inside[inside > 0]
        if inside.size:
            mask[...] = component == np.bincount(inside).argmax()
    return found


def _reach(total: Float32[np.ndarray, "row col"]) -> float:
    """Half the radius of the region in which at least a third of the peak is reached."""
    return max(2.0, 0.5 * float(np.sqrt((total > total.max() / 3).sum() / np.pi)))


def _disc(
    shape: tuple[int, ...], centre: tuple[int, int], radius: float
) -> Bool[np.ndarray, "row col"]:
    rows, cols = np.indices(shape)
    return np.asarray((rows - centre[0]) ** 2 + (cols - centre[1]) ** 2 <= radius**2)


def _beside(rv: Volume, large: Bool[np.ndarray, "row col"]) -> Bool[np.ndarray, "row col"]:
    """Where at least a third of the slices that see an RV near the LV see it."""
    radius = np.sqrt(large.sum() / np.pi)
    away = cv2.distanceTransform((~large).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    votes = ((rv > FOUND) & (away <= 2 * radius)).sum(axis=0, dtype=np.uint16)
    return np.asarray(votes > 0.33 * max(1, int(votes.max())))


def _middle(mask: Bool[np.ndarray, "row col"]) -> tuple[float, float]:
    """The middle of the mask's extent along rows and columns."""
    rows, cols = np.nonzero(mask)
    return float(rows.min() + rows.max()) / 2, float(cols.min() + cols.max()) / 2


def _height_over_width(
    masks: Bool[np.ndarray, "slice row col"], spacing_mm: tuple[float, float]
) -> float:
    """Of the epicardium in mm, from second moments; 1 where that is near round."""
    ratios = []
    for mask in masks:
        rows, cols = np.nonzero(mask)
        height, width = rows.std() * spacing_mm[0], cols.std() * spacing_mm[1]
        ratios.append((height + 1e-6) / (width + 1e-6))
    ratio = float(np.median(ratios))
    if ROUND[0] <= ratio <= ROUND[1]:
        return 1.0
    return float(np.clip(ratio, 1 / MOST_STRETCHED, MOST_STRETCHED))
