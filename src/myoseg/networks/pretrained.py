"""Published weights for an encoder or a detector: a name or a file in, a filled module out."""

from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final, Literal, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from myoseg.errors import ConfigurationError, ModelError
from myoseg.networks.choices import choose
from myoseg.networks.torchvision_operators import ensure_torchvision

Pretrained = Literal["none", "imagenet", "coco"]
PRETRAINED: Final[tuple[Pretrained, ...]] = get_args(Pretrained)


def check_pretrained(
    name: str, allowed: tuple[Pretrained, ...], file: str | Path | None, network: str
) -> None:
    """Refuses a source of weights that the network does not know, or a file without a source.

    Raises:
        ConfigurationError: as said.
    """
    choose(name, allowed, f"{network}: pretrained")
    if file is not None and name == "none":
        raise ConfigurationError(
            f"{network}: pretrained_file {file} is given, but pretrained is none; say what the "
            f"file holds: {' or '.join(source for source in allowed if source != 'none')}."
        )


def imagenet_weights(encoder: str, file: str | Path | None = None) -> Mapping[str, Tensor]:
    """The ImageNet classifier of that name in torchvision: downloaded to torch's cache, or a file.

    Raises:
        ModelError: the download or the file fails.
    """

    def published() -> Any:
        from torchvision.models import get_model_weights

        return get_model_weights(encoder)["IMAGENET1K_V1"]

    return _weights(f"ImageNet weights of {encoder}", published, file)


def coco_weights(file: str | Path | None = None) -> Mapping[str, Tensor]:
    """The Mask R-CNN of ResNet-50 on COCO in torchvision: downloaded to torch's cache, or a file.

    Raises:
        ModelError: the download or the file fails.
    """

    def published() -> Any:
        from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

        return MaskRCNN_ResNet50_FPN_Weights.COCO_V1

    return _weights("COCO weights of mask_rcnn", published, file)


def load_pretrained(
    module: nn.Module, weights: Mapping[str, Tensor], replaced: tuple[str, ...]
) -> None:
    """Copies weights into the module, which must fit but for the layers that it replaces.

    Args:
        module: filled in place.
        weights: tensors by the module's parameter names.
        replaced: beginnings of the names of layers not to be copied.

    Raises:
        ModelError: a tensor is missing, unknown or of another shape.
    """
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(replaced)}
    try:
        found = nn.Module.load_state_dict(module, kept, strict=False)
    except RuntimeError as error:
        raise ModelError(f"pre-trained weights are of another network: {error}") from error
    missing = [
        name
        for name in found.missing_keys
        if not name.startswith(replaced) and not name.endswith("num_batches_tracked")
    ]
    if missing or found.unexpected_keys:
        raise ModelError(
            f"pre-trained weights are of another network: {len(missing)} tensors are missing "
            f"{missing[:3]}, {len(found.unexpected_keys)} are unknown {found.unexpected_keys[:3]}. "
            "Give the file that torchvision publishes for this network."
        )


def _weights(
    what: str, published: Callable[[], Any], file: str | Path | None
) -> Mapping[str, Tensor]:
    if file is not None:
        return read_weights(Path(file))
    ensure_torchvision()
    entry = published()
    try:
        weights: Mapping[str, Tensor] = entry.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
    except (OSError, HTTPException, RuntimeError) as error:
        raise ModelError(
            f"the {what} cannot be downloaded ({error}). Fetch {entry.url} on a machine with "
            "access and give the option pretrained_file: PATH, or train with pretrained: none."
        ) from error
    return weights


def read_weights(file: Path) -> Mapping[str, Tensor]:
    """Tensors by name from a .safetensors file, or from a .pth file that holds only tensors.

    Raises:
        ModelError: the file is missing, damaged or holds anything else.
    """
    if not file.is_file():
        raise ModelError(f"pretrained_file {file} is not there; give the path of a local file.")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        weights = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError, SafetensorError) as error:
        raise ModelError(
            f"pretrained_file {file} cannot be read: {error}. Give the .pth or .safetensors file "
            "of a state dict."
        ) from error
    if not isinstance(weights, Mapping) or not all(isinstance(v, Tensor) for v in weights.values()):
        raise ModelError(
            f"pretrained_file {file} holds no tensors by name; save the model's state_dict()."
        )
    return weights
