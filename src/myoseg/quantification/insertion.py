"""Where the right ventricle's wall joins the left: labels or a reader's points in, angles out.

In a slice, the septum is the arc over which the right ventricle's blood pool comes within
`TOUCH_MM` of the left ventricle; its two ends are the insertion points. The anterior one is the one
further towards the patient's front and head, by the affine. A slice in which no such arc is found,
or one that lies far from that of the others, takes the angles of the nearest slice that has one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Bool

from myoseg.errors import InputError
from myoseg.quantification.transmurality import ANGLES_DEG, N_CHORDS, Borders
from myoseg.quantification.ventricle import Ventricle

PointMm = tuple[float, float, float]
"""A point in the patient, NIfTI's RAS millimetres."""

TOUCH_MM: Final = 4.0
GAP_DEG: Final = 20.0
"""Shorter gaps in the contact of both ventricles do not end the septum."""

ARC_DEG: Final = (30.0, 180.0)
"""Of a septum; what is shorter, or half a turn or more, is not taken for one: its ends would not
tell on which side of them it lies."""

USUAL_ARC_DEG: Final = (80.0, 160.0)
FARTHEST_DEG: Final = 40.0
"""That the middle of a slice's septum may lie from that of all slices."""

LEAST_COSINE: Final = 0.34
"""Of the line from the inferior to the anterior point with anterior and superior: 70 degrees."""

REMEDY: Final = "give the insertion points, or check the affine."


@dataclass(frozen=True)
class InsertionPoints:
    """The two points that a reader set, on any slice; each is projected along the slices' normal.

    Both in the patient's RAS millimetres, as the affine of the label file has them.
    """

    anterior_mm: PointMm
    inferior_mm: PointMm


@dataclass(frozen=True)
class SliceInsertion:
    """The insertion points of one slice (counted from 0 as stored).

    Angles are about the ventricle's centre in the slice, in degrees, counted from the direction in
    the plane nearest to the patient's anterior and superior, counter-clockwise as seen from the
    apex. The points lie on the outer border. `taken_from` is the slice whose angles these are,
    where the slice has none of its own.
    """

    slice: int
    anterior_deg: float
    inferior_deg: float
    anterior_mm: PointMm
    inferior_mm: PointMm
    taken_from: int | None

    @property
    def turn_deg(self) -> float:
        """From the anterior to the inferior point over the septum, negative if clockwise."""
        return float(_signed(self.inferior_deg - self.anterior_deg))

    @property
    def septum_deg(self) -> float:
        """Angle of the middle of the septum."""
        return (self.anterior_deg + self.turn_deg / 2) % 360


@dataclass(frozen=True)
class Insertion:
    """The insertion points of all slices that are divided into segments, and whose they are."""

    source: Literal["labels", "given"]
    slices: tuple[SliceInsertion, ...]


def given_insertion(
    ventricle: Ventricle, borders: Borders, slices: Sequence[int], points: InsertionPoints
) -> Insertion:
    """The reader's points, seen from each slice's centre.

    Raises:
        InputError: a point is not finite, both are one, or one lies on the ventricle's axis.
    """
    both = (points.anterior_mm, points.inferior_mm)
    if not np.isfinite(both).all() or np.allclose(*both):
        raise InputError(
            f"the insertion points {both} are not two points in millimetres; set both."
        )
    corner = np.array(ventricle.corner_px)
    found = []
    for index in slices:
        centre = ventricle.centre_px[index] + corner
        offsets = [ventricle.axis.in_plane_mm(point, index, centre) for point in both]
        if min(np.hypot(*offset) for offset in offsets) < 1:
            raise InputError("an insertion point lies on the ventricle's own axis; set it again.")
        anterior, inferior = (_degrees(*offset) for offset in offsets)
        found.append(_placed(ventricle, borders, index, (anterior, inferior), None))
    return Insertion("given", tuple(found))


def find_insertion(ventricle: Ventricle, borders: Borders, slices: Sequence[int]) -> Insertion:
    """The insertion points that the right ventricle's label shows.

    Raises:
        InputError: the right ventricle was not assessed, or lies beside the left in no slice, or
            the affine does not tell which point is the anterior one.
    """
    if ventricle.rv is None:
        raise InputError(
            f"the right ventricle was not assessed, so the septum is unknown; {REMEDY}"
        )
    arcs = {index: arc for index in slices if (arc := _septum(ventricle, borders, index))}
    if not arcs:
        raise InputError(
            "no slice shows the right ventricle along the left one over "
            f"{ARC_DEG[0]:.0f} to {ARC_DEG[1]:.0f} degrees; {REMEDY}"
        )
    arcs = _agreeing(arcs)
    turn = _turn(ventricle, borders, arcs)
    positions_mm = ventricle.axis.positions_mm
    found = []
    for index in slices:
        nearest = min(
            arcs, key=lambda other: (abs(positions_mm[other] - positions_mm[index]), other)
        )
        ends = arcs[nearest] if turn > 0 else arcs[nearest][::-1]
        found.append(
            _placed(ventricle, borders, index, ends, None if nearest == index else nearest)
        )
    return Insertion("labels", tuple(found))


def _septum(ventricle: Ventricle, borders: Borders, index: int) -> tuple[float, float] | None:
    """First and last angle of the septum, counter-clockwise; None where there is none."""
    assert ventricle.rv is not None
    pixels = np.stack(np.nonzero(ventricle.rv[index]))
    if not pixels.size:
        return None
    up, left = ventricle.axis.px_to_mm @ (pixels - ventricle.centre_px[index][:, None])
    degrees = np.rad2deg(np.arctan2(left, up)) % 360
    bins = np.minimum((degrees * N_CHORDS / 360).astype(int), N_CHORDS - 1)
    touch_mm = max(TOUCH_MM, 1.5 * max(ventricle.axis.geometry.spacing_mm[1:]))
    near = np.hypot(up, left) - borders.outer_mm[index][bins] <= touch_mm
    contact = np.bincount(bins[near], minlength=N_CHORDS) > 0
    arc = _longest_arc(contact)
    if arc is None or not ARC_DEG[0] <= arc[1] - arc[0] < ARC_DEG[1]:
        return None
    return arc


def _longest_arc(contact: Bool[np.ndarray, "chord"]) -> tuple[float, float] | None:
    """Ends of the longest run about the circle, short gaps included, the second not before it."""
    there = np.flatnonzero(contact)
    if not len(there):
        return None
    steps = np.diff(there, append=there[0] + N_CHORDS)
    breaks = np.flatnonzero(steps > GAP_DEG * N_CHORDS / 360)
    if not len(breaks):
        return 0.0, 360.0
    starts = there[(breaks + 1) % len(there)]
    ends = np.roll(there[breaks], -1)
    lengths = (ends - starts) % N_CHORDS
    longest = int(lengths.argmax())
    width = 360 / N_CHORDS
    start = float(starts[longest] * width)
    return start, start + float((lengths[longest] + 1) * width)


def _agreeing(arcs: dict[int, tuple[float, float]]) -> dict[int, tuple[float, float]]:
    """The arcs whose middle is near to that of most."""
    middles = np.array([(first + last) / 2 for first, last in arcs.values()])
    apart = np.abs(_signed(middles[:, None] - middles[None]))
    typical = middles[np.median(apart, axis=1).argmin()]
    near = np.abs(_signed(middles - typical)) <= FARTHEST_DEG
    return {index: arcs[index] for index, kept in zip(arcs, near, strict=True) if kept}


def _turn(ventricle: Ventricle, borders: Borders, arcs: dict[int, tuple[float, float]]) -> float:
    """1 where the septum runs from its anterior end counter-clockwise, else -1.

    Raises:
        InputError: the two ends are as far anterior and superior as each other.
    """
    lines = np.zeros(2)
    for first, last in arcs.values():
        ends = np.exp(1j * np.deg2rad([first, last]))
        line = ends[0] - ends[1]
        lines += [line.real, line.imag]
    cosine = lines[0] / max(float(np.hypot(*lines)), 1e-9)
    if abs(cosine) < LEAST_COSINE:
        raise InputError(
            "by the affine, neither end of the septum is the anterior one: the right ventricle "
            f"lies above or below the left; {REMEDY}"
        )
    return float(np.sign(cosine))


def _placed(
    ventricle: Ventricle,
    borders: Borders,
    index: int,
    ends_deg: tuple[float, float],
    taken_from: int | None,
) -> SliceInsertion:
    """The insertion points of a slice at these angles, on the outer border."""
    points = []
    for degrees in ends_deg:
        radius_mm = np.interp(degrees % 360, ANGLES_DEG, borders.outer_mm[index], period=360)
        angle = np.deg2rad(degrees)
        offset = ventricle.axis.mm_to_px @ (radius_mm * np.array([np.cos(angle), np.sin(angle)]))
        row, col = ventricle.centre_px[index] + ventricle.corner_px + offset
        points.append(ventricle.axis.point_mm(index, float(row), float(col)))
    anterior, inferior = (float(degrees % 360) for degrees in ends_deg)
    return SliceInsertion(index, anterior, inferior, points[0], points[1], taken_from)


def _degrees(up_mm: float, left_mm: float) -> float:
    return float(np.rad2deg(np.arctan2(left_mm, up_mm)) % 360)


def _signed(degrees: float | np.ndarray) -> float | np.ndarray:
    """An angle in (-180, 180]."""
    return 180 - (180 - degrees) % 360
