"""The paper's U-Net++ on VGG16 (section 2.4), from segmentation-models-pytorch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from jaxtyping import Float
from torch import Tensor, nn

from myoseg.blocks import Architecture
from myoseg.errors import ConfigurationError
from myoseg.networks.choices import choose
from myoseg.networks.initialisation import initialise_as_keras
from myoseg.networks.losses import LOSSES
from myoseg.networks.pretrained import (
    check_pretrained,
    imagenet_weights,
    load_pretrained,
)
from myoseg.networks.segmenter import LogitSegmenter
from myoseg.networks.torchvision_operators import ensure_torchvision

ENCODERS: Final = (
    *("vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
    *("resnet18", "resnet34", "resnet50"),
)


class UNetPlusPlus(LogitSegmenter):
    """Nested skip connections over an encoder that halves the image five times.

    The decoder normalises over the batch, as the library's does.
    """

    architecture = Architecture.UNET_PLUS_PLUS
    stride = 32
    normalisation = "batch"

    def __init__(
        self,
        n_inputs: int,
        encoder: str = "vgg16",
        decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
        loss: str = "dice",
        pretrained: str = "none",
        pretrained_file: str | Path | None = None,
    ) -> None:
        """Draws weights that are not pre-trained as Keras does, from torch's global generator.

        Args:
            n_inputs: sequences stacked as channels.
            encoder: one of `ENCODERS`.
            decoder_channels: of the five decoder levels, from the coarsest to full size.
            loss: one of `LOSSES`.
            pretrained: "imagenet" fills the encoder; its first layer is adapted to `n_inputs`.
            pretrained_file: a local file in place of the download.

        Raises:
            ConfigurationError: an option is out of range.
            ModelError: the pre-trained weights cannot be had.
        """
        super().__init__(n_inputs, choose(loss, LOSSES, "unet_plus_plus: loss"))
        if len(decoder_channels) != 5 or any(n < 1 for n in decoder_channels):
            raise ConfigurationError(
                "unet_plus_plus: decoder_channels must be five positive whole numbers, got "
                f"{decoder_channels!r}."
            )
        check_pretrained(pretrained, ("none", "imagenet"), pretrained_file, self.architecture)
        self.encoder_name = choose(encoder, ENCODERS, "unet_plus_plus: encoder")
        self.decoder_channels = tuple(decoder_channels)
        self.network = _network(encoder, self.decoder_channels)
        self._fill(pretrained, pretrained_file)

    def _fill(self, pretrained: str, file: str | Path | None) -> None:
        encoder = self.network.encoder
        if pretrained == "imagenet":
            weights = imagenet_weights(self.encoder_name, file)
            load_pretrained(encoder, weights, replaced=("fc.", "classifier."))
        encoder.set_in_channels(self.n_inputs, pretrained=pretrained == "imagenet")
        initialise_as_keras(self.network.decoder)
        initialise_as_keras(self.network.segmentation_head)
        if pretrained == "none":
            initialise_as_keras(encoder)

    def logits(self, images: Float[Tensor, "n input row col"]) -> Float[Tensor, "n 1 row col"]:
        """The output before its sigmoid.

        Raises:
            InputError: the images have the wrong number of channels or a size not divisible by 32.
        """
        self.check_input(images)
        scores: Tensor = self.network(images)
        return scores

    def options(self) -> dict[str, Any]:
        """JSON values with which `build_segmenter` makes this network again.

        Pre-trained weights are not asked for again: the saved weights follow from them.
        """
        return {
            "encoder": self.encoder_name,
            "decoder_channels": list(self.decoder_channels),
            "loss": self.loss_name,
        }


def _network(encoder: str, decoder_channels: tuple[int, ...]) -> Any:
    """The library's network with three input channels, as the published encoders have.

    For VGG encoders, the library's decoder holds a central block that its forward pass leaves out
    (segmentation-models-pytorch issue 345). It goes, so that no parameter is without effect.
    """
    ensure_torchvision()
    import segmentation_models_pytorch as smp

    network = smp.UnetPlusPlus(
        encoder_name=encoder, encoder_weights=None, decoder_channels=decoder_channels
    )
    network.decoder.center = nn.Identity()
    return network
