"""Probabilities of scar and edema as the networks gave them in, those they are decided by out."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.blocks import Block, BlockTable
from myoseg.cases.case import Case
from myoseg.prediction.cascade.anatomy import FAINT
from myoseg.prediction.probabilities import BlockProbabilities, at_odds

SCAR: Final = frozenset({Tissue.SCAR})
EDEMA: Final = frozenset({Tissue.EDEMA, Tissue.SCAR})
BLOOD: Final = frozenset({Tissue.LV_BLOOD_POOL})
EPICARDIUM: Final = MYOCARDIUM | BLOOD


@dataclass(frozen=True)
class DiseaseRules:
    """How scar and edema are decided; the defaults are those of the default model.

    Attributes:
        odds: by how much the odds of disease are raised. A mask has the highest expected Dice if it
            is cut at half of that Dice (Lipton et al., "Optimal thresholding of classifiers to
            maximize F1 measure", ECML 2014), so at less than .5; how much less was measured on
            simulated infarcts (`scripts/disease_odds.py`); what it costs in healthy hearts was not
            weighed.
        scar_in_wall: whether what shows scar is wall where the anatomy was read from LGE.
    """

    odds: float = 3.0
    scar_in_wall: bool = True


def decide_disease(
    found: BlockProbabilities, case: Case, table: BlockTable, rules: DiseaseRules
) -> BlockProbabilities:
    """The probabilities by which masks are cut at .5; blocks that were given stay as they are.

    Args:
        found: as the networks gave them.
        case: whose sequences decide from which one the anatomy was read.
        table: the blocks that can be read from them.
        rules: how to decide.
    """
    raised = {
        block.name: at_odds(found.mean[block.name], rules.odds)
        for block in table.blocks
        if block.target in (SCAR, EDEMA) and _is_found(block, found)
    }
    decided = BlockProbabilities({**found.mean, **raised}, found.spread, found.given)
    return _with_scar_in_wall(decided, case, table) if rules.scar_in_wall else decided


def _with_scar_in_wall(
    found: BlockProbabilities, case: Case, table: BlockTable
) -> BlockProbabilities:
    """What shows scar is no blood and, where the epicardium is more than `FAINT`, inside of it.

    That holds where those were read from LGE.

    There scar is as bright as the blood on one side of it and the fat on the other, and often drawn
    as such by the network that looks for the anatomy alone; the scar's network knows of that error,
    since its guides have it.
    """
    scar = next((b for b in table.blocks if b.target == SCAR and b.name in found.mean), None)
    if scar is None:
        return found
    shown, changed = found.mean[scar.name], {}
    for block in table.blocks:
        if not _is_found(block, found) or block.reads(case.sequences) != (Sequence.LGE,):
            continue
        before = found.mean[block.name]
        if block.target == BLOOD:
            changed[block.name] = np.minimum(before, 1 - shown)
        if block.target == EPICARDIUM:
            changed[block.name] = np.where(before > FAINT, np.maximum(before, shown), before)
    return BlockProbabilities({**found.mean, **changed}, found.spread, found.given)


def _is_found(block: Block, found: BlockProbabilities) -> bool:
    """Whether networks found it, and no hand drew it."""
    return block.name in found.mean and block.name not in found.given
