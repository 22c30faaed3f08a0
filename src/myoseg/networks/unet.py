"""The paper's shallow U-Net (section 2.4, Figure 2): images in, one probability map out."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from myoseg.blocks import Architecture
from myoseg.networks.choices import choose
from myoseg.networks.losses import LOSSES
from myoseg.networks.segmenter import LogitSegmenter
from myoseg.networks.unet_body import UNetBody


class UNet(LogitSegmenter):
    """The U-Net of Figure 2.

    By default there is no normalisation, as in the figure. It does not say how maps are enlarged;
    see `UNetBody`.
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
        self.body = UNetBody(n_inputs, 1, channels, normalisation)
        self.normalisation = self.body.normalisation
        self.stride = self.body.stride

    def logits(self, images: Float[Tensor, "n input row col"]) -> Float[Tensor, "n 1 row col"]:
        """The output before its sigmoid.

        Raises:
            InputError: the images have the wrong number of channels or an odd size.
        """
        self.check_input(images)
        scores: Tensor = self.body(images)
        return scores

    def options(self) -> dict[str, Any]:
        """JSON values with which `build_segmenter` makes this network again."""
        return {
            "channels": list(self.body.channels),
            "normalisation": self.normalisation,
            "loss": self.loss_name,
        }
