"""The paper's shallow U-Net (section 2.4, Figure 2): images in, one probability map out."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from myoseg.blocks import Architecture
from myoseg.errors import ConfigurationError
from myoseg.networks.choices import choose
from myoseg.networks.initialisation import initialise_as_keras
from myoseg.networks.losses import LOSSES
from myoseg.networks.segmenter import NORMALISATIONS, LogitSegmenter, Normalisation


class UNet(LogitSegmenter):
    """Two 3 x 3 convolutions a level, max-pooling down, up-convolutions and skip connections up.

    Figure 2 does not say how maps are enlarged; this is the up-convolution of the U-Net it cites: a
    transposed 2 x 2 convolution that halves the channels. By default there is no normalisation, as
    in the figure.
    """

    architecture = Architecture.UNET

    def __init__(
        self,
        n_inputs: int,
        channels: Sequence[int] = (16, 32, 64, 128),
        normalisation: str = "none",
        loss: str = "dice",
    ) -> None:
        """Draws initial weights as Keras does, from torch's global generator.

        Args:
            n_inputs: sequences stacked as channels.
            channels: of each level, from full size to the coarsest.
            normalisation: one of `NORMALISATIONS`, between convolution and activation.
            loss: one of `LOSSES`.

        Raises:
            ConfigurationError: an option is out of range.
        """
        super().__init__(n_inputs, choose(loss, LOSSES, "unet: loss"))
        if not channels or any(not isinstance(n, int) or n < 1 for n in channels):
            raise ConfigurationError(
                f"unet: channels must be positive whole numbers, one a level, got {channels!r}."
            )
        self.channels = tuple(channels)
        self.normalisation = choose(normalisation, NORMALISATIONS, "unet: normalisation")
        self.stride = 2 ** (len(self.channels) - 1)
        levels = list(pairwise(self.channels))
        self.first = _ConvolutionPair(n_inputs, self.channels[0], self.normalisation)
        self.down = nn.ModuleList(_ConvolutionPair(a, b, self.normalisation) for a, b in levels)
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in levels)
        self.up = nn.ModuleList(_ConvolutionPair(2 * a, a, self.normalisation) for a, _ in levels)
        self.last = nn.Conv2d(self.channels[0], 1, kernel_size=1)
        initialise_as_keras(self)

    def logits(self, images: Float[Tensor, "n input row col"]) -> Float[Tensor, "n 1 row col"]:
        """The output before its sigmoid.

        Raises:
            InputError: the images have the wrong number of channels or an odd size.
        """
        self.check_input(images)
        maps = [self.first(images)]
        for convolve in self.down:
            maps.append(convolve(nn.functional.max_pool2d(maps[-1], 2)))
        coarse = maps.pop()
        for enlarge, convolve in zip(reversed(self.enlarge), reversed(self.up), strict=True):
            coarse = convolve(torch.cat([maps.pop(), enlarge(coarse)], dim=1))
        scores: Tensor = self.last(coarse)
        return scores

    def options(self) -> dict[str, Any]:
        """JSON values with which `build_segmenter` makes this network again."""
        return {
            "channels": list(self.channels),
            "normalisation": self.normalisation,
            "loss": self.loss_name,
        }


class _ConvolutionPair(nn.Sequential):
    """Twice a 3 x 3 convolution, the normalisation asked for, and ReLU."""

    def __init__(self, n_in: int, n_out: int, normalisation: Normalisation) -> None:
        layers: list[nn.Module] = []
        for n_channels in (n_in, n_out):
            # A bias before a normalisation would be subtracted again.
            bias = normalisation == "none"
            layers.append(nn.Conv2d(n_channels, n_out, 3, padding=1, bias=bias))
            if normalisation == "batch":
                layers.append(nn.BatchNorm2d(n_out))
            elif normalisation == "instance":
                layers.append(nn.InstanceNorm2d(n_out, affine=True))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)
