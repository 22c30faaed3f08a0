"""Sequences on their own grids in; out comes how each slice moves in its plane to fit another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from myoseg.anatomy import Sequence
from myoseg.cases.alignment.edges import Spectra, agreement
from myoseg.cases.alignment.in_plane import Found, Freedom, InPlane
from myoseg.cases.alignment.information import information, refined
from myoseg.cases.alignment.patches import SEARCH_MM, Patch, Region, cut_patches
from myoseg.cases.alignment.placing import Pair, Placement, place, score_at
from myoseg.cases.alignment.planes import Axes, Cover
from myoseg.cases.on_grid import ImageOnGrid

REACH_MM: Final = 10.0
"""Slices up to so far apart are compared, whatever their sequence."""

LONGEST_MM: Final = SEARCH_MM
MOST_TURNED_DEG: Final = 10.0
MOST_STRETCHED: Final = 1.15
FARTHEST_REFINED_MM: Final = 3.0
LEAST_SUPPORT: Final = 0.5
"""Pairs that must agree with where a slice was placed; outliers count 0, perfect fits 1."""

LEAST_EDGES: Final = -0.01
"""What the agreement of edges must at least gain."""

LEAST_INFORMATION: Final = 0.85
"""What must at least be left of mutual information. By both measures a shift may lose a little:
slices some millimetres apart fit each other imperfectly, and the pair alone is a weaker witness
than all pairs together."""

NOTHING_SHARED: Final = 0.05
"""Mutual information, in nats: an image and noise have some 0.02, two sequences from 0.15."""


@dataclass(frozen=True, eq=False)
class _Slices:
    """All slices of all sequences, compared and placed."""

    patches: list[Patch]
    pairs: Mapping[tuple[int, int], Pair]
    placement: Placement


def find_shifts(
    images: Mapping[Sequence, ImageOnGrid],
    reference: Sequence,
    covers: Mapping[Sequence, tuple[Cover, ...]],
    region: Region,
    freedom: Freedom = Freedom.SHIFT,
) -> dict[Sequence, tuple[Found | None, ...]]:
    """For each other sequence and slice of the reference how the slice that covers it fits.

    None where no slice covers it.
    """
    axes = Axes.of(images[reference].geometry)
    patches = [
        patch
        for sequence in Sequence
        if sequence in images
        for patch in cut_patches(sequence, images[sequence], axes, region)
    ]
    number = {(each.sequence, each.index): i for i, each in enumerate(patches)}
    used = {
        sequence: [
            None if each.index is None else (number[reference, index], number[sequence, each.index])
            for index, each in enumerate(cover)
        ]
        for sequence, cover in covers.items()
    }
    pairs = _compare(patches, [pair for each in used.values() for pair in each if pair])
    slices = _Slices(patches, pairs, place(patches, tuple(pairs.values())))
    return {
        sequence: tuple(None if pair is None else _found(slices, *pair, freedom) for pair in each)
        for sequence, each in used.items()
    }


def _compare(patches: list[Patch], used: list[tuple[int, int]]) -> dict[tuple[int, int], Pair]:
    """The pairs within reach and those used; blank slices are in none."""
    spectra = [None if each.is_blank else Spectra.of(each) for each in patches]
    wanted = {(min(pair), max(pair)) for pair in used}
    wanted |= {
        (i, j)
        for i in range(len(patches))
        for j in range(i + 1, len(patches))
        if abs(patches[i].depth_mm - patches[j].depth_mm) <= REACH_MM
    }
    pairs = {}
    for i, j in sorted(wanted):
        first, second = spectra[i], spectra[j]
        if first is not None and second is not None:
            pairs[i, j] = Pair(i, j, agreement(first, second))
    return pairs


def _found(slices: _Slices, fixed: int, moving: int, freedom: Freedom) -> Found:
    """One pair's transform and what speaks for it."""
    shifts_mm = slices.placement.shifts_mm
    start = InPlane.by(shifts_mm[moving] - shifts_mm[fixed])
    patches = slices.patches[fixed], slices.patches[moving]
    pair = slices.pairs.get((min(fixed, moving), max(fixed, moving)))
    if pair is None:
        return Found(start, (None, None), (None, None), "a slice of one value throughout")
    sign = 1 if pair.first == fixed else -1
    edges = tuple(score_at(pair.scores, sign * each) for each in (np.zeros(2), start.shift_mm))
    before, after = (information(*patches, each) for each in (InPlane.by(np.zeros(2)), start))
    support = float(min(slices.placement.support[[fixed, moving]]))
    found = Found(start, (edges[0], edges[1]), (before, after))
    found = replace(found, refused=_refusal(found, support))
    if freedom is Freedom.SHIFT or found.refused is not None:
        return found
    return _refine(found, patches, freedom)


def _refusal(found: Found, support: float) -> str | None:
    """What speaks against a shift; each limit is stated with the constants above."""
    length_mm = float(np.linalg.norm(found.transform.shift_mm))
    before, after = found.edges
    if length_mm > LONGEST_MM or after is None or before is None:
        return f"a shift of {length_mm:.0f} mm is beyond {LONGEST_MM:.0f} mm"
    if support < LEAST_SUPPORT:
        return "the slices nearby disagree about the shift"
    if after - before < LEAST_EDGES:
        return "edges agree less with the shift than without"
    return _refusal_by_information(*found.information)


def _refusal_by_information(before: float | None, after: float | None) -> str | None:
    if after is None or after < NOTHING_SHARED:
        return "the images have nothing in common with the shift"
    if before is not None and after < LEAST_INFORMATION * before:
        return "intensities agree less with the shift than without"
    return None


def _refine(found: Found, patches: tuple[Patch, Patch], freedom: Freedom) -> Found:
    """Lets the slice turn, or stretch too, if information gains by it and it does so little."""
    better = refined(*patches, found.transform, freedom)
    if better is None or not _is_plausible(better, found.transform):
        return found
    gained = information(*patches, better)
    before, after = found.information
    if gained is None or after is None or gained <= after:
        return found
    return replace(found, transform=better, information=(before, gained))


def _is_plausible(transform: InPlane, start: InPlane) -> bool:
    moved_mm = float(np.linalg.norm(transform.shift_mm - start.shift_mm))
    return (
        moved_mm <= FARTHEST_REFINED_MM
        and abs(transform.rotation_deg) <= MOST_TURNED_DEG
        and transform.stretch <= MOST_STRETCHED
    )
