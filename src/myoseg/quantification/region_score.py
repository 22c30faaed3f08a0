"""What is known of one region of one case: a row of the evaluation's table."""

from dataclasses import dataclass
from typing import Final

EMPTY_MASK_POLICY: Final = (
    "Region empty in prediction and truth: no value, left out of the mean. Empty in one of the "
    "two: Dice and Jaccard are 0, surface distances have no value. Not assessed by one of the "
    "two: no value."
)
"""What becomes of regions that a case does not have; stands beside every mean."""


@dataclass(frozen=True)
class RegionScore:
    """One region of one case; None where there is no value (see `EMPTY_MASK_POLICY`).

    A volume is None where that side did not assess the region.
    """

    case: str
    region: str
    dice: float | None
    jaccard: float | None
    hd95_mm: float | None
    assd_mm: float | None
    volume_true_ml: float | None
    volume_pred_ml: float | None

    @property
    def assessed(self) -> bool:
        """Whether both prediction and truth tell the region's extent."""
        return self.volume_true_ml is not None and self.volume_pred_ml is not None

    @property
    def n_empty(self) -> int:
        """How many of prediction and truth say that the region is not there."""
        return (self.volume_true_ml, self.volume_pred_ml).count(0)

    @property
    def volume_error_ml(self) -> float | None:
        """Predicted minus true volume."""
        if self.volume_true_ml is None or self.volume_pred_ml is None:
            return None
        return self.volume_pred_ml - self.volume_true_ml
