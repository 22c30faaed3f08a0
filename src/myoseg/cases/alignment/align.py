"""Sequences on grids of their own in; out come all on one's grid, with what was done to each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import Sequence
from myoseg.cases.alignment.in_plane import Found, Freedom
from myoseg.cases.alignment.patches import Region
from myoseg.cases.alignment.planes import Axes, Cover, Motion, covers, middle_of_overlap_mm
from myoseg.cases.alignment.planes import tilt_deg as tilt_between_deg
from myoseg.cases.alignment.record import Alignment, AlignmentRecord, SliceAlignment
from myoseg.cases.alignment.resampling import STILL, Resampled, coincides, resample
from myoseg.cases.case import Geometry, Volume
from myoseg.cases.grids import corner_distance_mm, in_words, same_grid
from myoseg.cases.on_grid import ImageOnGrid
from myoseg.errors import GeometryError, InputError

REFERENCES: Final = (Sequence.LGE, Sequence.T2, Sequence.BSSFP)
"""Whose grid is taken: the first that is there. Scar and edema are then measured in the pixels in
which they were seen."""

MOST_TILTED_DEG: Final = 10.0
"""Beyond, planes 60 mm from the heart's centre lie a slice's thickness apart."""

FLOOR_PX: Final = 0.5
"""Shifts below this part of a pixel do not change an image that lies on the grid already."""


@dataclass(frozen=True, eq=False)
class Aligned:
    """Sequences on one grid.

    Attributes:
        images: finite everywhere; the reference's is the very array that was given.
        geometry: the reference's.
        covered: where each sequence's image shows something; elsewhere its values are fill, the
            lowest of the slice.
        record: what was done.
    """

    images: Mapping[Sequence, Volume]
    geometry: Geometry
    covered: Mapping[Sequence, Bool[np.ndarray, "slice row col"]]
    record: AlignmentRecord

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", MappingProxyType(dict(self.images)))
        object.__setattr__(self, "covered", MappingProxyType(dict(self.covered)))


def align(
    images: Mapping[Sequence, ImageOnGrid],
    *,
    reference: Sequence | None = None,
    mode: Alignment | str = Alignment.AUTO,
    freedom: Freedom = Freedom.SHIFT,
) -> Aligned:
    """Brings all sequences onto the grid of one.

    Of a sequence the slice nearest to each of the reference's is shown there, if it is near enough
    (`planes.covers`); slices are never mixed. Each is sampled once, with geometry and shift in one
    transform. A slice whose pixels lie on the reference's is not sampled at all, unless the
    patient is found to have moved by half a pixel or more.

    Slices are compared in the middle of what all images share.

    Args:
        images: each sequence on its own grid.
        reference: whose grid it is; by default the first of `REFERENCES` that is there.
        mode: see `Alignment`.
        freedom: what moves beside shifts are looked for, from the shift that was found.

    Raises:
        InputError: no image is given, the reference is not among them, or there is no such mode.
        GeometryError: a sequence's planes lie across the reference's, a sequence and the reference
            share nothing, a grid's place is not known, or grids differ and `mode` is off.
    """
    chosen = _reference(images, reference)
    target = images[chosen]
    others = {s: images[s] for s in Sequence if s in images and s != chosen}
    asked = _mode(mode, target, others)
    for sequence, image in others.items():
        _require_alignable(sequence, image.geometry, chosen, target.geometry, asked)
    grids = tuple(image.geometry for image in others.values())
    region = Region(middle_of_overlap_mm(target.geometry, grids))
    made = _bring_all(images, chosen, asked, region, freedom)
    whole = np.ones(target.geometry.shape, dtype=np.bool_)
    tilts = {s: tilt_between_deg(i.geometry, target.geometry) for s, i in others.items()}
    return Aligned(
        {chosen: target.volume} | {s: each.volume for s, (each, _) in made.items()},
        target.geometry,
        {chosen: whole} | {s: each.covered for s, (each, _) in made.items()},
        AlignmentRecord(asked, chosen, tilts, {s: told for s, (_, told) in made.items()}),
    )


def _bring_all(
    images: Mapping[Sequence, ImageOnGrid],
    reference: Sequence,
    mode: Alignment,
    region: Region,
    freedom: Freedom,
) -> dict[Sequence, tuple[Resampled, tuple[SliceAlignment, ...]]]:
    """All sequences but the reference on its grid, and what was done to each slice.

    Raises:
        GeometryError: a sequence and the reference share nothing.
    """
    target = images[reference].geometry
    others = [s for s in Sequence if s in images and s != reference]
    cover = {s: covers(target, images[s].geometry, region.centre_mm) for s in others}
    found: dict[Sequence, tuple[Found | None, ...]] = {}
    if mode is Alignment.FULL and others:
        # Brings SimpleITK, 90 MB and a tenth of a second that images on one grid do not need.
        from myoseg.cases.alignment.shifts import find_shifts

        found = find_shifts(images, reference, cover, region, freedom)
    made = {s: _bring(images[s], target, cover[s], found.get(s), region) for s in others}
    for sequence, (resampled, _) in made.items():
        _require_shared(sequence, resampled, reference, cover[sequence])
    return made


def _bring(
    image: ImageOnGrid,
    target: Geometry,
    cover: tuple[Cover, ...],
    found: tuple[Found | None, ...] | None,
    region: Region,
) -> tuple[Resampled, tuple[SliceAlignment, ...]]:
    """One sequence on the reference's grid, and what was done to each slice."""
    fits = found if found is not None else (None,) * len(cover)
    axes = Axes.of(target)
    motions = tuple(
        STILL
        if fit is None or fit.refused is not None
        else _unless_tiny(fit.motion(axes, region), image, target, index, each, region)
        for index, (each, fit) in enumerate(zip(cover, fits, strict=True))
    )
    made = resample(image, target, cover, motions)
    told = tuple(
        _told(index, *each, float(made.covered[index].mean()), axes, region)
        for index, each in enumerate(zip(cover, fits, motions, strict=True))
    )
    return made, told


def _unless_tiny(
    motion: Motion, image: ImageOnGrid, target: Geometry, index: int, cover: Cover, region: Region
) -> Motion:
    """The motion, or none where it would alone make sampling necessary and is below the floor."""
    assert cover.index is not None
    if not coincides(target, index, image.geometry, cover.index, STILL):
        return motion
    floor_mm = FLOOR_PX * min(target.spacing_mm[1:])
    axes = Axes.of(target)
    reach = region.half_mm * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    corners = region.centre_mm + reach @ np.stack([axes.down, axes.right])
    moved = corners @ motion.matrix.T + motion.offset_mm - corners
    return motion if np.linalg.norm(moved, axis=1).max() >= floor_mm else STILL


def _told(
    index: int,
    cover: Cover,
    fit: Found | None,
    motion: Motion,
    covered: float,
    axes: Axes,
    region: Region,
) -> SliceAlignment:
    basis = SliceAlignment(index, cover.index, cover.distance_mm, 100 * covered)
    if fit is None:
        return basis
    told = replace(
        basis,
        edges_before=fit.edges[0],
        edges_after=fit.edges[1],
        information_before=fit.information[0],
        information_after=fit.information[1],
        refused=fit.refused,
    )
    if fit.refused is not None:
        return told
    moved_mm = region.centre_mm - motion.matrix @ region.centre_mm - motion.offset_mm + 0.0
    right, forward, up = (float(each) for each in moved_mm)
    return replace(
        told,
        moved_mm=(float(moved_mm @ axes.down), float(moved_mm @ axes.right)),
        moved_ras_mm=(right, forward, up),
        rotation_deg=0.0 if motion is STILL else 0.0 - fit.transform.rotation_deg,
    )


def _mode(
    mode: Alignment | str, target: ImageOnGrid, others: Mapping[Sequence, ImageOnGrid]
) -> Alignment:
    """What is done: off or full where that was left open."""
    try:
        asked = Alignment(mode)
    except ValueError as error:
        names = ", ".join(Alignment)
        raise InputError(f"there is no alignment {mode!r}; give one of {names}.") from error
    if asked is not Alignment.AUTO:
        return asked
    shared = all(same_grid(each.geometry, target.geometry) for each in others.values())
    return Alignment.OFF if shared else Alignment.FULL


def _reference(images: Mapping[Sequence, ImageOnGrid], asked: Sequence | None) -> Sequence:
    if not images:
        raise InputError(f"there is no image to align; give one of {', '.join(Sequence)}.")
    if asked is None:
        return next(each for each in REFERENCES if each in images)
    if asked not in images:
        raise InputError(
            f"images cannot be aligned to {asked}, which is not there; choose one of "
            f"{', '.join(s for s in Sequence if s in images)}."
        )
    return asked


def _require_alignable(
    sequence: Sequence, grid: Geometry, reference: Sequence, target: Geometry, mode: Alignment
) -> None:
    """Refuses a grid from which nothing can be brought over.

    Raises:
        GeometryError: see `align`.
    """
    if same_grid(grid, target):
        return
    if mode is Alignment.OFF:
        apart_mm = corner_distance_mm(grid, target)
        raise GeometryError(
            f"{sequence} is {in_words(grid)} but {reference} is {in_words(target)}, and their "
            f"corners lie up to {apart_mm:.3g} mm apart; align them, or resample both to one grid."
        )
    for name, each in ((sequence, grid), (reference, target)):
        if each.spacing_is_nominal:
            raise GeometryError(
                f"{sequence} and {reference} are on different grids, and that of {name} has 1 mm "
                "along each axis, as programs write that do not know it; export it again with its "
                "place in the patient."
            )
    tilt_deg = tilt_between_deg(grid, target)
    if tilt_deg > MOST_TILTED_DEG:
        raise GeometryError(
            f"the slices of {sequence} lie at {tilt_deg:.0f} degrees to those of {reference}, so "
            f"one of the two is no short-axis stack (more than {MOST_TILTED_DEG:.0f} degrees are "
            "not bridged); give the short-axis series, or leave the sequence out."
        )


def _require_shared(
    sequence: Sequence, resampled: Resampled, reference: Sequence, cover: tuple[Cover, ...]
) -> None:
    """Refuses a sequence that shows nothing of what the reference does.

    Raises:
        GeometryError: no pixel is covered.
    """
    if resampled.covered.any():
        return
    nearest_mm = min(abs(each.distance_mm) for each in cover)
    raise GeometryError(
        f"{sequence} shows no part of what {reference} shows: their nearest slices lie "
        f"{nearest_mm:.0f} mm apart, or side by side; check that both are of one examination and "
        "know their place in the patient, or leave the sequence out."
    )
