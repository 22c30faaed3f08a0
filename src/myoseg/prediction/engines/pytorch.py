"""The reference engine: a PyTorch module as it is."""

from typing import Final

import numpy as np
import torch
from torch import nn

from myoseg.prediction.engines.engine import EngineChoice, Images, Probabilities

SLICES_AT_ONCE: Final = 16
"""How many slices go through a network together; bounds memory for long stacks."""


class PyTorchEngine:
    """A module that gives probabilities, on the device and in the precision that was chosen."""

    def __init__(self, network: nn.Module, choice: EngineChoice) -> None:
        self.device = torch.device(choice.device)
        self.low_precision = choice.precision == "bfloat16"
        self.network = network.to(self.device).eval()
        if choice.n_threads is not None:
            torch.set_num_threads(choice.n_threads)

    def __call__(self, images: Images) -> Probabilities:
        """The module's answers, batch by batch."""
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.low_precision),
        ):
            parts = [
                self.network(part.to(self.device)).float().cpu().numpy()
                for part in torch.split(torch.from_numpy(images), SLICES_AT_ONCE)
            ]
        return np.concatenate(parts)
