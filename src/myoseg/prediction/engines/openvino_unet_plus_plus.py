"""The weights of a U-Net++ on a VGG encoder in, the same network as an OpenVINO graph out."""

from itertools import pairwise
from typing import Any, Final

from myoseg.errors import ModelError
from myoseg.prediction.engines.openvino_layers import (
    Layers,
    Node,
    Weights,
    graph_of,
    halved,
    images_of,
    joined,
    relu,
    repeated,
)

DEPTH: Final = 4
"""Of the decoder's nested blocks, below its last block."""


def unet_plus_plus_graph(weights: Weights, shape: tuple[int, int, int, int]) -> Any:
    """The network of `networks.unet_plus_plus.UNetPlusPlus`, with a sigmoid at its end.

    Args:
        weights: the `state_dict` of segmentation-models-pytorch's `UnetPlusPlus`, as arrays.
        shape: slices at once, inputs, rows and columns of what it will be given.

    Raises:
        ModelError: a layer is missing.
    """
    layers = Layers(weights)
    images = images_of(shape)
    try:
        coarsest_first = _encoded(layers, images.output(0), _convolutions(weights))[::-1]
        maps = _decoded(layers, coarsest_first)
        head = "segmentation_head.0"
        scores = layers.with_bias(layers.convolution(maps, head, pad=1), head)
    except KeyError as error:
        raise ModelError(
            f"the weights lack the layer {error}; restore them from a copy, or train again."
        ) from error
    return graph_of(images, scores, "unet_plus_plus")


def _convolutions(weights: Weights) -> list[int]:
    """Places of the encoder's convolutions in its sequence of layers."""
    names = (name.split(".") for name in weights if weights[name].ndim == 4)
    return sorted(int(name[2]) for name in names if name[:2] == ["encoder", "features"])


def _encoded(layers: Layers, maps: Node, places: list[int]) -> list[Node]:
    """What the encoder gives from half to a thirty-second of the size.

    A convolution is followed by its normalisation, if any, and its rectifier; where one place more
    is passed before the next convolution, the library has a pooling layer.
    """
    is_normalised = layers.has(f"encoder.features.{places[0] + 1}")
    step = 3 if is_normalised else 2
    last_of_size = {place for place, next_ in pairwise(places) if next_ - place > step}
    found = []
    for place in places:
        name = f"encoder.features.{place}"
        maps = layers.with_bias(layers.convolution(maps, name, pad=1), name)
        if is_normalised:
            maps = layers.batch_normalised(maps, f"encoder.features.{place + 1}")
        maps = relu(maps)
        if place in last_of_size:
            found.append(maps)
            maps = halved(maps)
    return [*found[1:], maps, halved(maps)]


def _decoded(layers: Layers, features: list[Node]) -> Node:
    """Nested blocks: each takes the one before it and all of its own size.

    Args:
        layers: the weights.
        features: of the encoder, the coarsest first.
    """
    dense: dict[tuple[int, int], Node] = {}
    for layer in range(DEPTH):
        for start in range(DEPTH - layer):
            end = start + layer
            below = features[start] if layer == 0 else dense[start, end - 1]
            beside = [dense[place, end] for place in range(start + 1, end + 1)]
            skip = [*beside, features[end + 1]]
            dense[start, end] = _block(layers, [repeated(below), *skip], f"x_{start}_{end}")
    return _block(layers, [repeated(dense[0, DEPTH - 1])], f"x_0_{DEPTH}")


def _block(layers: Layers, maps: list[Node], name: str) -> Node:
    found = joined(maps) if len(maps) > 1 else maps[0]
    for part in ("conv1", "conv2"):
        layer = f"decoder.blocks.{name}.{part}"
        found = layers.convolution(found, f"{layer}.0", pad=1)
        found = relu(layers.batch_normalised(found, f"{layer}.1"))
    return found
