"""Which third of the ventricle a slice is in: a ventricle enters, a level for each slice leaves.

The rule: slices with a cavity and a closed ring are taken from base to apex; what they span, half a
slice distance beyond the outermost centres, is cut into three equal parts, and a slice belongs to
the part that its centre lies in. Slices without a cavity beyond the last of these are the apex
(segment 17); slices whose ring is open over more than `OPEN_SHARE`, or that have no cavity nearer
to the base, are left out, since segments are for slices with myocardium all around (Cerqueira et
al., Circulation 2002;105:539).
"""

from typing import Final, Literal

import numpy as np
from jaxtyping import Bool, Float

from myoseg.errors import InputError
from myoseg.quantification.aha import THIRDS
from myoseg.quantification.ventricle import Ventricle

Level = Literal["basal", "mid", "apical", "apex", "open"]
"""Of a slice: its third, or `apex` (no cavity) or `open` (ring not closed), which are left out."""

OPEN_SHARE: Final = 0.1
LEAST_TAPER: Final = 0.1
"""Relative change of area from end to end below which the labels do not tell base from apex."""

LEAST_AGAINST: Final = 0.5
"""The same below which an oblique affine is believed rather than the labels."""

FEWEST_SLICES: Final = 3


def slice_levels(
    ventricle: Ventricle, open_share: Float[np.ndarray, "slice"], towards_apex: int
) -> tuple[Level | None, ...]:
    """The level of every slice; None without myocardium.

    Args:
        ventricle: whose slices they are.
        open_share: of each slice's chords, those without wall.
        towards_apex: 1 if the apex lies along `ShortAxis.normal`, -1 if against it.
    """
    levels: list[Level | None] = [None] * len(open_share)
    closed = ventricle.has_cavity & (open_share <= OPEN_SHARE)
    ringed = np.flatnonzero(closed)
    along_mm = ventricle.axis.positions_mm * towards_apex
    beyond = along_mm > along_mm[ringed].max() if len(ringed) else np.ones_like(closed)
    solid = ~ventricle.has_cavity & ~ventricle.hollow & beyond
    for index in np.flatnonzero(ventricle.has_wall & ~closed):
        levels[index] = "apex" if solid[index] else "open"
    thirds = _thirds(along_mm[ringed], _distance_mm(ventricle))
    for index, third in zip(ringed, thirds, strict=True):
        levels[index] = THIRDS[third]
    return tuple(levels)


def direction_of_apex(
    ventricle: Ventricle,
    open_share: Float[np.ndarray, "slice"],
    rv_area: Float[np.ndarray, "slice"] | None,
) -> tuple[int, tuple[str, ...]]:
    """1 if the apex lies along `ShortAxis.normal`, else -1; and what a reader must know of it.

    Told by the labels: towards the apex, the area within the outer border and that of the right
    ventricle fall, over slices with myocardium all around, with or without a cavity (in systole it
    may end half way to the apex). Where they hardly change, by the affine; so too where they change
    by less than `LEAST_AGAINST` against an affine that knows its place.
    """
    there = ventricle.has_wall & (open_share <= OPEN_SHARE)
    there = there if there.sum() > 1 else ventricle.has_wall
    positions_mm = ventricle.axis.positions_mm[there]
    area = (ventricle.wall | ventricle.cavity).sum(axis=(1, 2))[there].astype(float)
    taper = _relative_rise(positions_mm, area)
    if rv_area is not None:
        taper += _relative_rise(positions_mm, rv_area[there])
    if abs(taper) < LEAST_TAPER:
        if ventricle.axis.lost and len(positions_mm) > 1:
            return 1, (
                "Base and apex could not be told apart: slices do not taper, and the affine holds "
                "no oblique plane; basal and apical segments may be exchanged.",
            )
        return 1, ()
    if 0 < taper < LEAST_AGAINST and not ventricle.axis.lost:
        return 1, ()
    found = -1 if taper > 0 else 1
    if found < 0 and not ventricle.axis.lost:
        return found, (
            "The slices taper towards where the affine has the base: the order of the slices or "
            "the affine is wrong; base and apex were taken from the labels.",
        )
    return found, ()


def _relative_rise(
    positions_mm: Float[np.ndarray, "slice"], area: Float[np.ndarray, "slice"]
) -> float:
    """By how much of its mean the area rises from the first position to the last, as a line."""
    if len(area) < 2 or area.mean() == 0:
        return 0.0
    slope = np.polyfit(positions_mm - positions_mm.mean(), area, 1)[0]
    return float(slope * np.ptp(positions_mm) / area.mean())


def _thirds(along_mm: Float[np.ndarray, "slice"], distance_mm: float) -> list[int]:
    if not len(along_mm):
        return []
    start = along_mm.min() - distance_mm / 2
    share = (along_mm - start) / (np.ptp(along_mm) + distance_mm)
    return [min(int(3 * each + 1e-6), 2) for each in share]


def _distance_mm(ventricle: Ventricle) -> float:
    positions_mm = ventricle.axis.positions_mm
    if len(positions_mm) < 2:
        return float(ventricle.axis.geometry.spacing_mm[0])
    return float(abs(positions_mm[1] - positions_mm[0]))


def require_rings(levels: tuple[Level | None, ...]) -> list[int]:
    """The slices that are divided into segments.

    Raises:
        InputError: there are none.
    """
    ringed = [index for index, level in enumerate(levels) if level in THIRDS]
    if not ringed:
        n_open, n_solid = levels.count("open"), levels.count("apex")
        raise InputError(
            f"no slice has a closed ring of myocardium around a cavity ({n_open} open, {n_solid} "
            "without a cavity), so there are no segments."
        )
    return ringed


def level_flags(levels: tuple[Level | None, ...], closed: Bool[np.ndarray, "slice"]) -> list[str]:
    """What a reader must know of how the slices were divided."""
    flags = []
    n_open, n_ringed = levels.count("open"), sum(level in THIRDS for level in levels)
    n_gaps = sum(level in THIRDS and not whole for level, whole in zip(levels, closed, strict=True))
    if n_open:
        flags.append(
            f"The ring of myocardium is open in {_slices(n_open)}, which no segment holds."
        )
    if n_gaps:
        flags.append(f"The ring of myocardium has a small gap in {_slices(n_gaps)}.")
    if n_ringed < FEWEST_SLICES:
        flags.append(
            f"Only {_slices(n_ringed)} could be divided into segments, too few to tell basal, mid "
            "and apical thirds: their levels are taken from their place in the stack alone."
        )
    return flags


def _slices(count: int) -> str:
    return "1 slice" if count == 1 else f"{count} slices"
