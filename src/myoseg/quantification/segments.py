"""AHA segments from the short axis alone: labels enter, measures of each of 16 segments leave."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Bool, Int

from myoseg.anatomy import REGIONS
from myoseg.cases.case import Geometry, LabelMap
from myoseg.quantification.aha import NAMES, TERRITORIES, Territory, territory_of
from myoseg.quantification.density import MYOCARDIAL_DENSITY_G_PER_ML
from myoseg.quantification.division import N_SEGMENTS, WallPixels, divide
from myoseg.quantification.insertion import (
    REMEDY,
    USUAL_ARC_DEG,
    Insertion,
    InsertionPoints,
    find_insertion,
    given_insertion,
)
from myoseg.quantification.levels import (
    Level,
    direction_of_apex,
    level_flags,
    require_rings,
    slice_levels,
)
from myoseg.quantification.short_axis import ShortAxis
from myoseg.quantification.transmurality import (
    TransmuralField,
    find_borders,
    find_chords,
)
from myoseg.quantification.ventricle import RV_POOL, Mask, Ventricle, find_ventricle

TransmuralityClass = Literal["0", "1-25", "26-50", "51-75", "76-100"]
CLASSES: Final[tuple[tuple[float, TransmuralityClass], ...]] = (
    (0, "0"),
    (25, "1-25"),
    (50, "26-50"),
    (75, "51-75"),
    (100, "76-100"),
)

SEGMENT_17: Final = "Segment 17, the apex, cannot be read from short-axis slices and is left out."

_SCAR: Final = "scar"
_BOTH: Final = "edema+scar"
_EDEMA: Final = "edema"


@dataclass(frozen=True)
class SegmentMeasures:
    """One of segments 1 to 16; None where it was not assessed or the segment has no wall.

    Percentages of tissue are of the segment's wall, and `edema_percent` is of edema outside scar.
    Transmurality is the share of a chord across the wall: `_mean_percent` is over the chords that
    meet the tissue, those at its ends counted by how far they meet it; `_mean_over_all_percent` is
    over all chords of the segment, `_max_percent` that of the deepest; all are 0 without the
    tissue. `transmurality_class` grades `scar_percent`, as Kim et al. (N Engl J Med 2000;343:1445)
    grade the hyperenhanced share of a segment.
    """

    segment: int
    name: str
    territory: Territory
    n_slices: int
    myocardium_mass_g: float
    wall_thickness_mm: float | None
    scar_mass_g: float | None
    scar_percent: float | None
    edema_percent: float | None
    edema_and_scar_percent: float | None
    scar_transmurality_mean_percent: float | None
    scar_transmurality_mean_over_all_percent: float | None
    scar_transmurality_max_percent: float | None
    edema_and_scar_transmurality_mean_percent: float | None
    edema_and_scar_transmurality_mean_over_all_percent: float | None
    edema_and_scar_transmurality_max_percent: float | None
    transmurality_class: TransmuralityClass | None


@dataclass(frozen=True)
class TerritoryMeasures:
    """The segments of one coronary artery together, after Cerqueira et al. 2002."""

    territory: Territory
    segments: tuple[int, ...]
    myocardium_mass_g: float
    scar_mass_g: float | None
    scar_percent: float | None
    edema_and_scar_percent: float | None


@dataclass(frozen=True)
class Segments:
    """The 16 segments of one case, in their order.

    Attributes:
        measures: of segments 1 to 16.
        territories: LAD, RCA, LCX.
        insertion: where the septum was taken to begin and end.
        levels: of every slice as stored; None without myocardium.
        outside_mass_g: myocardium that no segment holds: of slices without a cavity or with an
            open ring, and apart from the ventricle.
        flags: sentences on what a reader must know.
    """

    measures: tuple[SegmentMeasures, ...]
    territories: tuple[TerritoryMeasures, ...]
    insertion: Insertion
    levels: tuple[Level | None, ...]
    outside_mass_g: float
    flags: tuple[str, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """The segments as JSON values."""
        return asdict(self)


def measure_segments(
    labels: LabelMap, geometry: Geometry, *, insertion: InsertionPoints | None = None
) -> Segments:
    """Measures the 16 segments.

    Args:
        labels: of all slices, with the myocardium and, unless `insertion` is given, the RV.
        geometry: of the labels.
        insertion: the reader's insertion points, in place of those found in the labels.

    Raises:
        InputError: the myocardium was not assessed, is empty or nowhere a ring, or there are no
            insertion points.
    """
    axis = ShortAxis.of(geometry)
    ventricle = find_ventricle(labels, axis)
    borders = find_borders(ventricle)
    parts = _parts(labels, ventricle)
    chords = find_chords(ventricle, borders, parts)
    open_share = chords.open.mean(axis=1)
    rv = labels.mask(RV_POOL).sum(axis=(1, 2)).astype(float) if ventricle.rv is not None else None
    towards_apex, flags = direction_of_apex(ventricle, open_share, rv)
    levels = slice_levels(ventricle, open_share, towards_apex)
    ringed = require_rings(levels)
    found = (
        find_insertion(ventricle, borders, ringed)
        if insertion is None
        else given_insertion(ventricle, borders, ringed, insertion)
    )
    pixels, by_chord = divide(ventricle, levels, found)
    voxel_g = geometry.voxel_ml * MYOCARDIAL_DENSITY_G_PER_ML
    n_outside = int(ventricle.wall.sum() + ventricle.stray.sum()) - len(pixels.segments)
    measures = _measures(pixels, by_chord, chords, parts, voxel_g)
    return Segments(
        measures=measures,
        territories=_territories(measures, pixels, parts),
        insertion=found,
        levels=levels,
        outside_mass_g=n_outside * voxel_g,
        flags=(*flags, *level_flags(levels, open_share == 0), *_septum_flags(found, axis)),
    )


def _parts(labels: LabelMap, ventricle: Ventricle) -> dict[str, Mask]:
    """The diseased parts of the wall that were assessed."""
    return {
        name: np.isin(ventricle.codes, [int(t) for t in REGIONS[name]]) & ventricle.wall
        for name in (_SCAR, _EDEMA, _BOTH)
        if labels.assesses(REGIONS[name])
    }


def _measures(
    pixels: WallPixels,
    by_chord: Int[np.ndarray, "slice chord"],
    chords: TransmuralField,
    parts: dict[str, Mask],
    voxel_g: float,
) -> tuple[SegmentMeasures, ...]:
    n_wall = pixels.count()
    counts = {name: pixels.count(mask) for name, mask in parts.items()}
    slices = np.zeros((N_SEGMENTS + 1, len(by_chord)), dtype=bool)
    slices[pixels.segments, pixels.where[0]] = True
    by_chord = np.where(chords.open, 0, by_chord)
    measured = []
    for segment in range(1, N_SEGMENTS + 1):
        here = by_chord == segment
        share = {name: _percent(count[segment], n_wall[segment]) for name, count in counts.items()}
        scar, both = (_depths(chords, name, here, bool(share.get(name))) for name in (_SCAR, _BOTH))
        measured.append(
            SegmentMeasures(
                segment,
                NAMES[segment - 1],
                territory_of(segment),
                int(slices[segment].sum()),
                float(n_wall[segment] * voxel_g),
                float(chords.thickness_mm[here].mean()) if here.any() else None,
                float(counts[_SCAR][segment] * voxel_g) if _SCAR in counts else None,
                share.get(_SCAR),
                share.get(_EDEMA),
                share.get(_BOTH),
                *scar,
                *both,
                transmurality_class(share.get(_SCAR)),
            )
        )
    return tuple(measured)


def transmurality_class(percent: float | None) -> TransmuralityClass | None:
    """The class of a percentage: above the class before it, and up to its own upper end.

    >>> transmurality_class(25.0), transmurality_class(25.1), transmurality_class(0.0)
    ('1-25', '26-50', '0')
    """
    if percent is None:
        return None
    return next((name for upper, name in CLASSES if percent <= upper), "76-100")


def _depths(
    chords: TransmuralField, name: str, here: Bool[np.ndarray, "slice chord"], there: bool
) -> tuple[float | None, float | None, float | None]:
    """Percent of the chords: mean where they meet the tissue, mean over all, maximum.

    All are 0 where no pixel of the segment is of the tissue (`there`).
    """
    if name not in chords.shares or not here.any():
        return None, None, None
    if not there:
        return 0.0, 0.0, 0.0
    shares, met = 100 * chords.shares[name][here], chords.met[name][here]
    deepest = float(shares.max())
    return min(float(shares.sum() / max(met.sum(), 1e-9)), deepest), float(shares.mean()), deepest


def _percent(part: int | np.integer, whole: int | np.integer) -> float | None:
    return float(100 * part / whole) if whole else None


def _territories(
    measures: tuple[SegmentMeasures, ...], pixels: WallPixels, parts: dict[str, Mask]
) -> tuple[TerritoryMeasures, ...]:
    n_wall = pixels.count()
    counts = {name: pixels.count(mask) for name, mask in parts.items()}
    found = []
    for territory, segments in TERRITORIES.items():
        chosen = list(segments)
        share = {
            name: _percent(count[chosen].sum(), n_wall[chosen].sum())
            for name, count in counts.items()
        }
        scar_g = [measures[segment - 1].scar_mass_g for segment in segments]
        found.append(
            TerritoryMeasures(
                territory,
                segments,
                sum(measures[segment - 1].myocardium_mass_g for segment in segments),
                sum(mass for mass in scar_g if mass is not None) if _SCAR in counts else None,
                share.get(_SCAR),
                share.get(_BOTH),
            )
        )
    return tuple(found)


def _septum_flags(insertion: Insertion, axis: ShortAxis) -> list[str]:
    """What a reader must know of how the septum was found."""
    flags = []
    n_slices = len(insertion.slices)
    taken = [each.slice + 1 for each in insertion.slices if each.taken_from is not None]
    if taken:
        listed = ", ".join(map(str, taken))
        flags.append(
            f"The septum could not be seen in {len(taken)} of {n_slices} slices ({listed}, counted "
            "from 1); they take that of the nearest slice that shows it."
        )
    arc = float(np.median([abs(each.turn_deg) for each in insertion.slices]))
    if not USUAL_ARC_DEG[0] <= arc <= USUAL_ARC_DEG[1]:
        flags.append(
            f"The septum spans {arc:.0f} degrees, which is unusual; check the insertion points."
        )
    if insertion.source == "labels" and axis.lost:
        flags.append(
            "The affine has the slices along the patient's own axes, as in files that have lost "
            f"their place: which insertion point is anterior is not certain; {REMEDY}"
        )
    elif float(np.median([each.turn_deg for each in insertion.slices])) < 0:
        flags.append(
            "Seen from the apex, the septum runs clockwise from its anterior end, as in a mirrored "
            "heart; check the affine and the insertion points."
        )
    return flags
