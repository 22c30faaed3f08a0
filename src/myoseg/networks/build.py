"""From an architecture's name and options to the network; each library is imported when asked."""

import inspect
from typing import Any

from myoseg.blocks import Architecture
from myoseg.errors import ConfigurationError
from myoseg.networks.segmenter import Segmenter


def build_segmenter(architecture: Architecture, n_inputs: int, **options: Any) -> Segmenter:
    """A network of that architecture with initial weights.

    Args:
        architecture: one of the paper's three.
        n_inputs: sequences stacked as channels.
        **options: keyword arguments of the architecture's class; `Segmenter.options` gives them.

    Raises:
        ConfigurationError: an option is unknown or out of range.
        ModelError: pre-trained weights were asked for and cannot be had.
    """
    network = _network_class(architecture)
    known = list(inspect.signature(network).parameters)[1:]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigurationError(
            f"{architecture} has no option {', '.join(map(repr, unknown))}; "
            f"it has {', '.join(known)}."
        )
    if n_inputs < 1:
        raise ConfigurationError(f"{architecture} needs at least one input, got {n_inputs}.")
    return network(n_inputs, **options)


def _network_class(architecture: Architecture) -> type[Segmenter]:
    match architecture:
        case Architecture.UNET:
            from myoseg.networks.unet import UNet

            return UNet
        case Architecture.UNET_PLUS_PLUS:
            from myoseg.networks.unet_plus_plus import UNetPlusPlus

            return UNetPlusPlus
        case Architecture.MASK_RCNN:
            from myoseg.networks.mask_rcnn import MaskRCNN

            return MaskRCNN
