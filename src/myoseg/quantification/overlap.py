"""Overlap of two masks from exact counts: Dice coefficient and Jaccard index (section 3.3)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool


@dataclass(frozen=True)
class Overlap:
    """Voxel counts of an automatic region A, a manual region M, and what both hold."""

    n_predicted: int
    n_true: int
    n_common: int

    @property
    def dice(self) -> float | None:
        """Equation 2, 2|A ∩ M| / (|A| + |M|); None where both are empty.

        >>> Overlap(n_predicted=4, n_true=2, n_common=2).dice
        0.6666666666666666
        """
        total = self.n_predicted + self.n_true
        return 2 * self.n_common / total if total else None

    @property
    def jaccard(self) -> float | None:
        """Equation 3, |A ∩ M| / (|A| + |M| - |A ∩ M|); None where both are empty.

        >>> Overlap(n_predicted=4, n_true=2, n_common=2).jaccard
        0.5
        """
        union = self.n_predicted + self.n_true - self.n_common
        return self.n_common / union if union else None


def overlap(predicted: Bool[np.ndarray, "*grid"], true: Bool[np.ndarray, "*grid"]) -> Overlap:
    """Counts the voxels of two masks on one grid and of their intersection."""
    return Overlap(
        n_predicted=int(np.count_nonzero(predicted)),
        n_true=int(np.count_nonzero(true)),
        n_common=int(np.count_nonzero(predicted & true)),
    )
