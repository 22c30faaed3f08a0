"""Losses of the paper and of the other presets: logits and masks in, one scalar out.

All are computed in float32, outside any autocast, and are finite for empty masks.
"""

from typing import Final, Literal, get_args

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float
from torch import Tensor

Loss = Literal["dice", "dice+cross_entropy"]
LOSSES: Final[tuple[Loss, ...]] = get_args(Loss)

SMOOTH: Final = 1.0
"""Pixels added to both sides of the Dice coefficient: 1 where both masks are empty."""


def negative_dice(
    probabilities: Float[Tensor, "n 1 row col"], masks: Bool[Tensor, "n 1 row col"]
) -> Float[Tensor, ""]:
    """The negative Dice coefficient (section 2.4), in [-1, 0].

    The whole batch counts as one region, as in the flattened Keras losses of 2020, so that a slice
    without the target neither dominates a batch nor drops out of it:
    -(2 sum(p m) + 1) / (sum(p) + sum(m) + 1).
    """
    with torch.autocast(probabilities.device.type, enabled=False):
        p, m = probabilities.float(), masks.float()
        return -(2 * (p * m).sum() + SMOOTH) / (p.sum() + m.sum() + SMOOTH)


def dice_and_cross_entropy(
    logits: Float[Tensor, "n 1 row col"], masks: Bool[Tensor, "n 1 row col"]
) -> Float[Tensor, ""]:
    """Negative Dice plus the mean binary cross-entropy, which does not collapse to empty masks."""
    with torch.autocast(logits.device.type, enabled=False):
        scores = logits.float()
        cross_entropy = F.binary_cross_entropy_with_logits(scores, masks.float())
        return negative_dice(scores.sigmoid(), masks) + cross_entropy


def loss_of_logits(
    logits: Float[Tensor, "n 1 row col"], masks: Bool[Tensor, "n 1 row col"], loss: Loss
) -> Float[Tensor, ""]:
    """The loss of that name, of a network's output before its sigmoid."""
    if loss == "dice":
        return negative_dice(logits.float().sigmoid(), masks)
    return dice_and_cross_entropy(logits, masks)
