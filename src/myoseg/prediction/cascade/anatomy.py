"""Probabilities of pools and wall as the networks gave them in, those they are decided by out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Int
from scipy.ndimage import label

from myoseg.blocks import Block, BlockTable
from myoseg.cases.case import Case, Volume
from myoseg.prediction.ensemble import cut
from myoseg.prediction.probabilities import BlockProbabilities, at_odds

SURE: Final = 1e-4
"""Nearer to 0 or 1 than this, a probability says no more to the neighbouring slices."""

FAINT: Final = 0.1
"""Above it a place belongs to the piece of heart that it hangs together with, if to any; scar on
LGE can make heart of it."""


@dataclass(frozen=True)
class AnatomyRules:
    """How blood pools and epicardium are decided; the defaults are those of the default model.

    The networks see one slice at a time. What they are not sure of in it, most of all how far the
    heart reaches at its base and its apex, the slices on both sides help to decide.

    Attributes:
        neighbour: weight of either neighbouring slice beside 1 for the slice itself, at most.
        reach_mm: neighbours at a distance d weigh no more than exp(-d^2 / (2 reach_mm^2)), with the
            defaults less than `neighbour` from 10 mm on.
        odds: by how much the odds are raised, since what is left open is more often heart than the
            networks have it. How much was chosen in view of real cases; simulated ones, which are
            like those learnt from, do not gain by it (`scripts/anatomy_rules.py`).
        least_part: what hangs together over slices and is smaller than this part of the largest
            such piece, is no heart. Halves that a slice parts in which nothing was found both stay.
    """

    neighbour: float = 0.135
    reach_mm: float = 5.0
    odds: float = 1.5
    least_part: float = 1 / 3

    def weight_at(self, distance_mm: float) -> float:
        """Of either neighbour at this distance, beside 1 for the slice itself."""
        if not distance_mm or not self.reach_mm:
            return self.neighbour
        return min(self.neighbour, float(np.exp(-0.5 * (distance_mm / self.reach_mm) ** 2)))


def decide_anatomy(
    found: BlockProbabilities, case: Case, table: BlockTable, rules: AnatomyRules
) -> BlockProbabilities:
    """The probabilities by which masks are cut at .5 of the blocks that no other block guides.

    Blocks that were given stay as they are.

    Args:
        found: as the networks gave them.
        case: whose slices may be blank, and lie so far apart.
        table: the blocks that can be read from the case's sequences.
        rules: how to decide.
    """
    weight, decided = rules.weight_at(case.geometry.spacing_mm[0]), {}
    for block in table.blocks:
        if block.guides or block.name not in found.mean or block.name in found.given:
            continue
        shown = _shown(block, case)
        raised = at_odds(with_neighbours(found.mean[block.name], weight, shown), rules.odds)
        decided[block.name] = without_small_parts(raised, rules.least_part, shown)
    return BlockProbabilities({**found.mean, **decided}, found.spread, found.given)


def with_neighbours(
    probability: Volume, weight: float, shown: Bool[np.ndarray, "slice"] | None = None
) -> Volume:
    """The mean logit of each slice (weight 1) and of those beside it, as a probability.

    Where a slice has no neighbour, or one that is not `shown`, it stands in for it. Where a slice
    and its neighbours all say 0, 0 is kept, and what is no number counts as 0.
    """
    n, box = len(probability), _box(probability > SURE)
    if n < 2 or not weight or box is None:
        return probability
    p = np.clip(np.nan_to_num(probability[:, *box]), SURE, 1 - SURE)
    logit = np.log(p / (1 - p))
    is_shown = np.ones(n, dtype=np.bool_) if shown is None else shown
    total = logit.copy()
    for step in (-1, 1):
        beside = np.clip(np.arange(n) + step, 0, n - 1)
        total += np.float32(weight) * logit[np.where(is_shown[beside], beside, np.arange(n))]
    combined = 1 / (1 + np.exp(-total / (1 + 2 * weight)))
    decided = np.zeros(probability.shape, dtype=np.float32)
    decided[:, *box] = np.where(combined > SURE * 1.001, combined, 0)
    return decided


def without_small_parts(
    probability: Volume, least_part: float, shown: Bool[np.ndarray, "slice"] | None = None
) -> Volume:
    """0 in pieces that are small beside the largest, and in all `FAINT` that hangs on no other.

    A piece is what exceeds .5 and touches, corners counted, in a slice or in one and the next that
    is `shown`. Where nothing exceeds .5 nothing changes, nor where `least_part` is 0.
    """
    is_shown = np.ones(len(probability), dtype=np.bool_) if shown is None else shown
    seen = probability[is_shown]
    box = _box(seen > FAINT)
    if box is None or not least_part:
        return probability
    near = seen[:, *box]
    pieces, around = _pieces(cut(near)), _pieces(near > FAINT)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    if not sizes.any():
        return probability
    stays = (sizes >= least_part * sizes.max()) & (sizes > 0)
    is_heart = np.zeros(around.max() + 1, dtype=np.bool_)
    is_heart[around[stays[pieces]]] = True
    is_taken = np.zeros(probability.shape, dtype=np.bool_)
    is_taken[is_shown, *box] = (around > 0) & ~(is_heart[around] & ((pieces == 0) | stays[pieces]))
    return np.where(is_taken, np.float32(0), probability)


def _pieces(claimed: Bool[np.ndarray, "slice row col"]) -> Int[np.ndarray, "slice row col"]:
    """Numbers of what touches, corners counted; 0 where nothing is claimed."""
    pieces, _ = label(claimed, structure=np.ones((3, 3, 3)))
    return np.asarray(pieces)


def _box(claimed: Bool[np.ndarray, "slice row col"]) -> tuple[slice, slice] | None:
    """The rows and columns between which any slice claims anything, if any does."""
    at = np.nonzero(claimed.any(axis=0))
    if not at[0].size:
        return None
    rows, cols = (slice(int(each.min()), int(each.max()) + 1) for each in at)
    return rows, cols


def _shown(block: Block, case: Case) -> Bool[np.ndarray, "slice"]:
    """The slices in which a sequence that the block is read from is not all of one value."""
    images = [case.images[sequence] for sequence in block.reads(case.sequences)]
    return np.asarray(np.any([np.ptp(each, axis=(1, 2)) > 0 for each in images], axis=0))
