"""What the networks say of a case: each block's probability on the case's own grid."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from myoseg.cases.case import Volume


@dataclass(frozen=True, eq=False)
class BlockProbabilities:
    """Probabilities of blocks by name, and how far those who voted on them disagree.

    Attributes:
        mean: over all votes, at raised odds once it is decided; a block that could not be read is
            missing.
        spread: standard deviation of the votes, in [0, 0.5]; missing where one alone voted.
        given: blocks that were drawn by hand, not found: their masks stay as they are, and say
            nothing of how sure the networks are.
    """

    mean: Mapping[str, Volume]
    spread: Mapping[str, Volume]
    given: frozenset[str] = frozenset()


def at_odds(probability: Volume, odds: float) -> Volume:
    """The probabilities at so many times their odds.

    >>> at_odds(np.array([[[0.25]]], dtype=np.float32), 3.0)
    array([[[0.5]]], dtype=float32)
    """
    return np.asarray(odds * probability / (1 + (odds - 1) * probability), dtype=np.float32)
