"""A stage's network as it learns, and what it minimises."""

from typing import Final

from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn

from myoseg.networks.stage import Stage
from myoseg.networks.unet_body import UNetBody

DICE_SMOOTHING: Final = 1.0
"""Pixels added to both sides of the Dice coefficient: 1 where both masks are empty."""


def build_stage(stage: Stage) -> UNetBody:
    """The stage's network, its weights drawn from torch's global generator."""
    return UNetBody(stage.n_inputs, len(stage.blocks), stage.channels, stage.normalisation)


def stage_loss(
    logits: Float[Tensor, "n block row col"],
    masks: Bool[Tensor, "n block row col"],
    assessed: Float32[Tensor, "n block"],
) -> Float[Tensor, ""]:
    """Cross-entropy plus one minus Dice, over the blocks that each sample's labels decide.

    The Dice of a block counts the whole batch as one region, as `losses.negative_dice` does.
    """
    scores, wanted = logits.float(), masks.float()
    weight = assessed[:, :, None, None]
    cross_entropy = nn.functional.binary_cross_entropy_with_logits(
        scores, wanted, reduction="none"
    ).mean(dim=(2, 3))
    probabilities = scores.sigmoid() * weight
    inside = (probabilities * wanted).sum(dim=(0, 2, 3))
    total = probabilities.sum(dim=(0, 2, 3)) + (wanted * weight).sum(dim=(0, 2, 3))
    dice = (2 * inside + DICE_SMOOTHING) / (total + DICE_SMOOTHING)
    present = (assessed.sum(dim=0) > 0).float()
    mean_cross_entropy = (cross_entropy * assessed).sum() / assessed.sum().clamp(min=1)
    return mean_cross_entropy + ((1 - dice) * present).sum() / present.sum().clamp(min=1)
