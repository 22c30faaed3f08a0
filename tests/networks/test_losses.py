"""Losses against hand arithmetic, and finite where masks are empty."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from myoseg.networks.losses import (
    LOSSES,
    Loss,
    dice_and_cross_entropy,
    loss_of_logits,
    negative_dice,
)

HALF = torch.tensor([[[[1.0, 0.0], [0.5, 0.5]]]])
LEFT = torch.tensor([[[[True, False], [True, False]]]])
EMPTY = torch.zeros(1, 1, 2, 2, dtype=torch.bool)


def test_negative_dice_matches_hand_arithmetic() -> None:
    # 1 + 0.5 in common, 2 predicted, 2 true: -(2 x 1.5 + 1) / (2 + 2 + 1)
    assert negative_dice(HALF, LEFT).item() == pytest.approx(-0.8)


def test_negative_dice_counts_a_batch_as_one_region() -> None:
    # as above, and a slice without target that has 2 predicted: -(3 + 1) / (4 + 2 + 1)
    probabilities, masks = torch.cat([HALF, HALF]), torch.cat([LEFT, EMPTY])
    assert negative_dice(probabilities, masks).item() == pytest.approx(-4 / 7)


def test_nothing_predicted_where_nothing_is_scores_best() -> None:
    assert negative_dice(torch.zeros(1, 1, 2, 2), EMPTY).item() == -1


def test_cross_entropy_of_undecided_logits_is_the_logarithm_of_two() -> None:
    # probabilities .5: Dice (2 x 1 + 1) / (2 + 2 + 1), cross-entropy log 2 in every pixel
    loss = dice_and_cross_entropy(torch.zeros(1, 1, 2, 2), LEFT)
    assert loss.item() == pytest.approx(-0.6 + math.log(2))


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_negative_dice_lies_between_minus_one_and_zero(seed: int, share: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.rand(2, 1, 4, 4, generator=generator)
    masks = torch.rand(2, 1, 4, 4, generator=generator) < share
    assert -1 <= negative_dice(probabilities, masks) <= 0
    assert negative_dice(masks.float(), masks) == -1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("masks", [EMPTY, LEFT, ~EMPTY])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_losses_and_gradients_are_finite(
    loss: Loss, masks: torch.Tensor, scale: float, dtype: torch.dtype
) -> None:
    logits = (scale * torch.tensor([[[[1.0, -1.0], [-1.0, 1.0]]]])).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss_of_logits(logits, masks, loss)
    value.backward()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
