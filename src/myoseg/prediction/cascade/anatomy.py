"""Probabilities of pools and wall as the networks gave them in, those they are decided by out."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from myoseg.blocks import BlockTable
from myoseg.cases.case import Volume
from myoseg.prediction.probabilities import BlockProbabilities, at_odds

SURE: Final = 1e-4
"""Nearer to 0 or 1 than this, a probability says no more to the neighbouring slices."""


@dataclass(frozen=True)
class AnatomyRules:
    """How blood pools and epicardium are decided; the defaults are those of the default model.

    The networks see one slice at a time. What they are not sure of in it, most of all how far the
    heart reaches at its base and its apex, the slices on both sides help to decide.

    Attributes:
        neighbour: weight of either neighbouring slice beside the slice's own, at most.
        reach_mm: standard deviation of a Gaussian over the distance of the slices, which takes the
            weight of neighbours that are far: exp(-2), the default's most, at 10 mm.
        odds: by how much the odds are raised. A mask has the highest expected Dice if it is cut at
            half of that Dice (Lipton et al., "Optimal thresholding of classifiers to maximize F1
            measure", ECML 2014).
    """

    neighbour: float = 0.135
    reach_mm: float = 5.0
    odds: float = 1.5

    def weight_at(self, distance_mm: float) -> float:
        """Of either neighbour at this distance, beside 1 for the slice itself."""
        if not distance_mm or not self.reach_mm:
            return self.neighbour
        return min(self.neighbour, float(np.exp(-0.5 * (distance_mm / self.reach_mm) ** 2)))


def decide_anatomy(
    found: BlockProbabilities, distance_mm: float, table: BlockTable, rules: AnatomyRules
) -> BlockProbabilities:
    """The probabilities by which masks are cut at .5 of the blocks that no other block guides.

    Blocks that were given stay as they are.

    Args:
        found: as the networks gave them.
        distance_mm: from slice to slice.
        table: the blocks that can be read from the case's sequences.
        rules: how to decide.
    """
    weight = rules.weight_at(distance_mm)
    decided = {
        block.name: at_odds(with_neighbours(found.mean[block.name], weight), rules.odds)
        for block in table.blocks
        if not block.guides and block.name in found.mean and block.name not in found.given
    }
    return BlockProbabilities({**found.mean, **decided}, found.spread, found.given)


def with_neighbours(probability: Volume, weight: float) -> Volume:
    """The mean logit of each slice (weight 1) and of those beside it, as a probability.

    The first and the last slice are their own missing neighbours. Where a slice and its neighbours
    all say 0, 0 is kept.
    """
    if len(probability) < 2 or not weight:
        return probability
    p = np.clip(probability, SURE, 1 - SURE)
    logit = np.log(p / (1 - p))
    beside = np.concatenate([logit[:1], logit[:-1]]) + np.concatenate([logit[1:], logit[-1:]])
    mean = (logit + weight * beside) / (1 + 2 * weight)
    combined = 1 / (1 + np.exp(-mean))
    return np.asarray(np.where(combined > SURE * 1.001, combined, 0), dtype=np.float32)
