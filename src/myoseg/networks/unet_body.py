"""The layers of a U-Net (Ronneberger et al., MICCAI 2015): images in, logit maps out."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from myoseg.errors import ConfigurationError
from myoseg.networks.choices import choose
from myoseg.networks.initialisation import initialise_as_keras
from myoseg.networks.segmenter import NORMALISATIONS, Normalisation


class UNetBody(nn.Module):
    """Two 3 x 3 convolutions a level, max-pooling down, up-convolutions and skip connections up.

    Maps are enlarged by the up-convolution of the U-Net that the paper cites: a transposed 2 x 2
    convolution that halves the channels.

    Attributes:
        channels: of each level, from full size to the coarsest.
        stride: rows and columns of an image must be multiples of this.
    """

    def __init__(
        self, n_inputs: int, n_outputs: int, channels: Sequence[int], normalisation: str
    ) -> None:
        """Draws initial weights as Keras does, from torch's global generator.

        Args:
            n_inputs: channels of an image.
            n_outputs: logit maps.
            channels: of each level, from full size to the coarsest.
            normalisation: one of `NORMALISATIONS`, between convolution and activation.

        Raises:
            ConfigurationError: an option is out of range.
        """
        super().__init__()
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
        self.last = nn.Conv2d(self.channels[0], n_outputs, kernel_size=1)
        initialise_as_keras(self)

    def forward(
        self, images: Float[Tensor, "n input row col"]
    ) -> Float[Tensor, "n output row col"]:
        """The logits; rows and columns must be multiples of `stride`."""
        maps = [self.first(images)]
        for convolve in self.down:
            maps.append(convolve(nn.functional.max_pool2d(maps[-1], 2)))
        coarse = maps.pop()
        for enlarge, convolve in zip(reversed(self.enlarge), reversed(self.up), strict=True):
            coarse = convolve(torch.cat([maps.pop(), enlarge(coarse)], dim=1))
        scores: Tensor = self.last(coarse)
        return scores


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
