"""How pairs of slices agree at each shift in, where each slice shows the heart out: all at once.

Each slice i shows the heart at a_i in the plane. That is where the anatomy has it at that depth (a
curve through all slices), plus its sequence's shift, plus its own breath-hold's. Two slices measure
a_j - a_i. All pairs together are more than there are unknowns, so a pair that found a false maximum
is outvoted by the others, and what is a shift is told from how the heart runs through the slices,
which pairs of slices some millimetres apart confuse.
"""

from collections.abc import Sequence as Series
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from myoseg.cases.alignment.edges import Scores, peak_near_px, peak_px
from myoseg.cases.alignment.patches import PIXEL_MM, SEARCH_MM, SEARCH_PX, Patch

Places = Float[np.ndarray, "slice 2"]
Points = Float[np.ndarray, "pair 2"]
Coefficients = Float[np.ndarray, "unknown 2"]

SLICE_MM: Final = 2.5
"""Standard deviation of a breath-hold's shift, along rows and along columns."""

SEQUENCE_MM: Final = 8.0
CURVE_MM: Final = 20.0
CURVE_ORDER: Final = 3
CURVE_UNIT_MM: Final = 30.0
ERROR_MM: Final = 0.2
"""Standard deviation of what a pair of slices at one depth measures."""

ERROR_PER_MM: Final = 0.12
"""What each millimetre between the two adds to it."""

OUTLIER: Final = 2.0
"""In standard deviations: from here on a pair soon counts for nothing."""

N_REWEIGHTINGS: Final = 12
N_SWEEPS: Final = 3
TRUST: Final = 400.0
"""Logarithm of the odds that a difference of 1 between two means of scores stands for."""

FADING_MM: Final = 4.0
FREE_MM: Final = 4.0
NEAR_PX: Final = 2


@dataclass(frozen=True, eq=False)
class Pair:
    """Two slices and how well their edges agree when the second is shifted against the first."""

    first: int
    second: int
    scores: Scores


@dataclass(frozen=True, eq=False)
class Placement:
    """What all pairs together say.

    Attributes:
        shifts_mm: of each slice down and right: its sequence's and its own, without the anatomy.
        support: of each slice: how many pairs agree with where it was placed; outliers count 0.
    """

    shifts_mm: Places
    support: Float[np.ndarray, "slice"]


@dataclass(frozen=True, eq=False)
class _System:
    """The places as a linear function of the unknowns, and how little each is expected to be.

    Unknowns are each slice's own shift, each sequence's, and the curve's coefficients.
    """

    places: Float[np.ndarray, "slice unknown"]
    precision: Float[np.ndarray, "unknown"]
    n_sequences: int

    @classmethod
    def of(cls, patches: Series[Patch]) -> "_System":
        n_slices = len(patches)
        sequences = sorted({each.sequence for each in patches})
        depths = np.array([each.depth_mm for each in patches])
        member = np.array([[each.sequence == s for s in sequences] for each in patches], float)
        heights = (depths - depths.mean()) / CURVE_UNIT_MM
        curve = np.stack([heights ** (order + 1) for order in range(CURVE_ORDER)], axis=1)
        deviations = [SLICE_MM] * n_slices + [SEQUENCE_MM] * len(sequences)
        precision = np.array(deviations + [CURVE_MM] * CURVE_ORDER) ** -2.0
        return cls(np.hstack([np.eye(n_slices), member, curve]), precision, len(sequences))

    def expected(self, unknowns: Coefficients) -> Places:
        """Where each slice would lie but for its own breath-hold."""
        n_slices = len(self.places)
        return np.asarray(self.places[:, n_slices:] @ unknowns[n_slices:])

    def shifts(self, unknowns: Coefficients) -> Places:
        """Each slice's shift without the curve of the anatomy."""
        n_shifts = len(self.places) + self.n_sequences
        return np.asarray(self.places[:, :n_shifts] @ unknowns[:n_shifts])


def place(patches: Series[Patch], pairs: Series[Pair]) -> Placement:
    """Finds the shifts of all slices; those of no pair get their sequence's."""
    system = _System.of(patches)
    distances = np.array([_distance_mm(patches, pair) for pair in pairs])
    errors = ERROR_MM + ERROR_PER_MM * distances
    weights = np.exp(-0.5 * (distances / FADING_MM) ** 2)
    measured = np.array([peak_px(pair.scores) for pair in pairs]).reshape(-1, 2) * PIXEL_MM
    unknowns, kept = _fit(system, pairs, measured, errors)
    for _ in range(N_SWEEPS):
        places = _revisit(system, unknowns, pairs, weights)
        measured = _measured_near(places, pairs, measured)
        unknowns, kept = _fit(system, pairs, measured, errors)
    support = np.zeros(len(patches))
    for pair, weight in zip(pairs, kept, strict=True):
        support[[pair.first, pair.second]] += weight
    return Placement(system.shifts(unknowns), support)


def _distance_mm(patches: Series[Patch], pair: Pair) -> float:
    return abs(patches[pair.first].depth_mm - patches[pair.second].depth_mm)


def _fit(
    system: _System, pairs: Series[Pair], measured: Points, errors: Float[np.ndarray, "pair"]
) -> tuple[Coefficients, Float[np.ndarray, "pair"]]:
    """Least squares in which pairs that fit badly lose weight (Geman and McClure's)."""
    first = [pair.first for pair in pairs]
    second = [pair.second for pair in pairs]
    differences = system.places[second] - system.places[first]
    kept = np.ones(len(pairs))
    unknowns = np.zeros((len(system.precision), 2))
    for _ in range(N_REWEIGHTINGS):
        weighted = differences.T * (kept / errors**2)
        normal = weighted @ differences + np.diag(system.precision)
        unknowns = np.linalg.solve(normal, weighted @ measured)
        misfit = np.linalg.norm(measured - differences @ unknowns, axis=1) / errors
        kept = (1 + (misfit / OUTLIER) ** 2) ** -2.0
    return unknowns, kept


def _revisit(
    system: _System,
    unknowns: Coefficients,
    pairs: Series[Pair],
    weights: Float[np.ndarray, "pair"],
) -> Places:
    """Moves each slice in turn to where all its pairs' scores together are highest."""
    places: Places = np.asarray(system.places @ unknowns)
    expected = system.expected(unknowns)
    steps = np.arange(-SEARCH_PX, SEARCH_PX + 1) * PIXEL_MM
    around = np.stack(np.meshgrid(steps, steps, indexing="ij"))
    penalty = (around**2).sum(axis=0) / (2 * FREE_MM**2)
    for index in range(len(places)):
        candidates = expected[index][:, None, None] + around
        total = -penalty
        for pair, weight in zip(pairs, weights, strict=True):
            if index in (pair.first, pair.second):
                total = total + TRUST * weight * _scores_at(pair, index, candidates, places)
        best = np.unravel_index(int(total.argmax()), total.shape)
        places[index] = candidates[:, best[0], best[1]]
    return places


def _scores_at(
    pair: Pair, index: int, candidates: Float[np.ndarray, "2 row col"], places: Places
) -> Float[np.ndarray, "row col"]:
    """A pair's scores if one of its slices lay at each of the candidates."""
    if index == pair.second:
        apart = candidates - places[pair.first][:, None, None]
    else:
        apart = places[pair.second][:, None, None] - candidates
    at, lowest = apart / PIXEL_MM + SEARCH_PX, float(pair.scores.min())
    return np.asarray(ndimage.map_coordinates(pair.scores, at, order=1, cval=lowest), np.float64)


def _measured_near(places: Places, pairs: Series[Pair], before: Points) -> Points:
    """What each pair measures near where its slices were placed."""
    measured = before.copy()
    for row, pair in zip(measured, pairs, strict=True):
        apart_px = (places[pair.second] - places[pair.first]) / PIXEL_MM
        peak = peak_near_px(pair.scores, apart_px, NEAR_PX)
        if peak is not None:
            row[:] = peak * PIXEL_MM
    return measured


def score_at(scores: Scores, shift_mm: Float[np.ndarray, "2"]) -> float | None:
    """A pair's score at a shift; None beyond `SEARCH_MM`."""
    if np.abs(shift_mm).max() > SEARCH_MM:
        return None
    at = (shift_mm / PIXEL_MM + SEARCH_PX)[:, None]
    return float(ndimage.map_coordinates(scores, at, order=3)[0])
