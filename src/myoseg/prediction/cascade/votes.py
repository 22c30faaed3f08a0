"""One network asked about the eight turns and mirrors of a slice: their mean and their spread."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

SLICES_AT_ONCE: Final = 16
"""How many squares go through a network together; bounds memory for long stacks."""

ALL_VIEWS: Final = tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4))
FOUR_VIEWS: Final = ((0, False), (2, False), (0, True), (2, True))
ONE_VIEW: Final = ((0, False),)

Views = tuple[tuple[int, bool], ...]
Inputs = Float32[np.ndarray, "slice input row col"]
Probabilities = Float32[np.ndarray, "slice block row col"]


@dataclass(frozen=True, eq=False)
class Votes:
    """What a network says over several views of the same slices.

    Attributes:
        mean: of the probabilities.
        spread: standard deviation of the probabilities over the views.
    """

    mean: Probabilities
    spread: Probabilities


def vote(network: nn.Module, inputs: Inputs, views: Views, device: torch.device) -> Votes:
    """Asks the network about each view and turns the answers back."""
    answers = np.stack(list(_answers(network, inputs, views, device)))
    return Votes(answers.mean(axis=0), answers.std(axis=0))


def _answers(
    network: nn.Module, inputs: Inputs, views: Views, device: torch.device
) -> Iterator[Probabilities]:
    images = torch.from_numpy(inputs)
    for turns, mirrored in views:
        seen = torch.rot90(images.flip(-1) if mirrored else images, turns, (-2, -1))
        answer = torch.rot90(_run(network, seen, device), -turns, (-2, -1))
        yield (answer.flip(-1) if mirrored else answer).numpy()


def _run(network: nn.Module, images: Tensor, device: torch.device) -> Tensor:
    parts = []
    with torch.inference_mode():
        for part in torch.split(images, SLICES_AT_ONCE):
            batch = part.contiguous(memory_format=torch.channels_last).to(device)
            parts.append(network(batch).float().sigmoid().cpu())
    return torch.cat(parts)
