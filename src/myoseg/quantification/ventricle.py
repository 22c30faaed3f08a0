"""The left ventricle slice by slice: labels enter, wall, cavity and centre of each slice leave."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float

from myoseg.anatomy import MYOCARDIUM, Tissue, Tissues
from myoseg.cases.case import LabelMap
from myoseg.errors import InputError
from myoseg.quantification.short_axis import ShortAxis

Mask = Bool[np.ndarray, "slice row col"]
SliceMask = Bool[np.ndarray, "row col"]

LV_POOL: Final[Tissues] = frozenset({Tissue.LV_BLOOD_POOL})
RV_POOL: Final[Tissues] = frozenset({Tissue.RV_BLOOD_POOL})
MARGIN_MM: Final = 12.0
"""Kept around the left ventricle, for the right one beside it."""


@dataclass(frozen=True, eq=False)
class Ventricle:
    """The left ventricle in a box around it; slices are all those stored.

    Attributes:
        codes: labels in the box.
        wall: myocardium of the largest piece of wall and cavity in each slice, of those that have
            myocardium.
        cavity: what that wall encloses, and the blood pool, as one.
        stray: myocardium apart from that piece.
        rv: the right ventricle's blood pool; None where it was not assessed.
        centre_px: of wall and cavity together, (row, col) in the box; NaN without.
        corner_px: of the box in the stored slice.
        axis: the stack's place in the patient.
    """

    codes: np.ndarray
    wall: Mask
    cavity: Mask
    stray: Mask
    rv: Mask | None
    centre_px: Float[np.ndarray, "slice 2"]
    corner_px: tuple[int, int]
    axis: ShortAxis

    @property
    def has_wall(self) -> Bool[np.ndarray, "slice"]:
        """Which slices have myocardium."""
        return np.asarray(self.wall.any(axis=(1, 2)))

    @property
    def has_cavity(self) -> Bool[np.ndarray, "slice"]:
        """Which slices have a cavity."""
        return np.asarray(self.cavity.any(axis=(1, 2)))

    @property
    def hollow(self) -> Bool[np.ndarray, "slice"]:
        """Which slices have no myocardium at their centre, though perhaps no closed cavity."""
        found = np.zeros(len(self.wall), dtype=bool)
        for index in np.flatnonzero(self.has_wall):
            row, col = np.rint(self.centre_px[index]).astype(int)
            found[index] = not self.wall[index, row, col]
        return found


def find_ventricle(labels: LabelMap, axis: ShortAxis) -> Ventricle:
    """The left ventricle of a label map.

    Raises:
        InputError: the myocardium was not assessed, or there is none.
    """
    if not labels.assesses(MYOCARDIUM):
        raise InputError("the myocardium was not assessed; segments need all of it.")
    myocardium = labels.mask(MYOCARDIUM)
    pool = labels.mask(LV_POOL) if labels.assesses(LV_POOL) else np.zeros_like(myocardium)
    if not myocardium.any():
        raise InputError("there is no myocardium in the label map; segments need one.")
    box = _box(myocardium | pool, axis.geometry.spacing_mm[1:])
    inside = myocardium[box]
    wall, cavity = np.zeros_like(inside), np.zeros_like(inside)
    centre_px = np.full((len(inside), 2), np.nan)
    for index in np.flatnonzero(inside.any(axis=(1, 2))):
        whole, centre_px[index] = _largest_filled(inside[index], pool[box][index])
        wall[index] = inside[index] & whole
        cavity[index] = whole & ~inside[index]
    return Ventricle(
        codes=labels.codes[box],
        wall=wall,
        cavity=cavity,
        stray=inside & ~wall,
        rv=labels.mask(RV_POOL)[box] if labels.assesses(RV_POOL) else None,
        centre_px=centre_px,
        corner_px=(box[1].start, box[2].start),
        axis=axis,
    )


def _box(mask: Mask, spacing_mm: tuple[float, float]) -> tuple[slice, slice, slice]:
    """All slices of the rows and columns that the mask has, with a margin."""
    seen = np.asarray(mask.any(axis=0))
    spans = []
    for axis, spacing in enumerate(spacing_mm):
        found = np.flatnonzero(seen.any(axis=1 - axis))
        margin = int(np.ceil(MARGIN_MM / spacing)) + 1
        spans.append(slice(max(int(found[0]) - margin, 0), int(found[-1]) + margin + 1))
    return slice(None), spans[0], spans[1]


def _largest_filled(wall: SliceMask, pool: SliceMask) -> tuple[SliceMask, Float[np.ndarray, "2"]]:
    """The largest 8-connected piece of both with its holes filled, and its centre (row, col).

    A hole is what no 4-connected path outside both joins to the outside. Pieces without wall are
    passed over; there must be wall.
    """
    padded = np.pad(~(wall | pool), 1, constant_values=True).astype(np.uint8)
    _, outside = cv2.connectedComponents(padded, connectivity=4)
    filled = (outside != outside[0, 0])[1:-1, 1:-1]
    _, piece, statistics, centres = cv2.connectedComponentsWithStats(
        filled.astype(np.uint8), connectivity=8
    )
    walled = np.unique(piece[wall])
    largest = int(walled[statistics[walled, cv2.CC_STAT_AREA].argmax()])
    return np.asarray(piece == largest), np.asarray(centres[largest][::-1])
