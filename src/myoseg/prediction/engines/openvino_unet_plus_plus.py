"""The weights of a U-Net++ on a VGG encoder in, the same network as an OpenVINO graph out."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from myoseg.errors import ModelError
from myoseg.prediction.engines.engine import Precision
from myoseg.prediction.engines.layouts import NEVER, Maps, convolved
from myoseg.prediction.engines.openvino_layers import Layers, Weights, graph_of, images_of

DEPTH: Final = 4
"""Of the decoder's nested blocks, below its last block."""

SLICES_AT_ONCE: Final = 2
"""Winograd's tiles take more than twice the memory of the maps; more slices are no faster."""

LEAST_SIDE: Final = 28
"""Smaller maps have too few tiles for the kernels, of which there is four times as much to read."""


def unet_plus_plus_graph(
    weights: Weights, shape: tuple[int, int, int, int], precision: Precision = "float32"
) -> Any:
    """The network of `networks.unet_plus_plus.UNetPlusPlus`, with a sigmoid at its end.

    Args:
        weights: the `state_dict` of segmentation-models-pytorch's `UnetPlusPlus`, as arrays.
        shape: slices at once, inputs, rows and columns of what it will be given.
        precision: in which it will be compiled; the sums of `winograd.py` need float32.

    Raises:
        ModelError: a layer is missing.
    """
    images = images_of(shape)
    network = _Network(Layers(weights), LEAST_SIDE if precision == "float32" else NEVER)
    try:
        given = Maps((shape[2], shape[3]), channels=images.output(0))
        maps = network.decoded(network.encoded(given)[::-1])
        head = "segmentation_head.0"
        layers = network.layers
        scores = layers.with_bias(layers.convolution(maps.channels, head, pad=1), head)
    except KeyError as error:
        raise ModelError(
            f"the weights lack the layer {error}; restore them from a copy, or train again."
        ) from error
    return graph_of(images, scores, "unet_plus_plus")


@dataclass(frozen=True, eq=False)
class _Network:
    """Layer names as the library gives them."""

    layers: Layers
    least_side: int

    def encoded(self, maps: Maps) -> list[Maps]:
        """What the encoder gives from half to a thirty-second of the size.

        A convolution is followed by its normalisation, if any, and its rectifier; where one place
        more is passed before the next convolution, the library has a pooling layer.
        """
        places = _convolutions(self.layers.weights)
        is_normalised = self.layers.has(f"encoder.features.{places[0] + 1}")
        step = 3 if is_normalised else 2
        last_of_size = {place for place, next_ in pairwise(places) if next_ - place > step}
        found = []
        for place in places:
            after = f"encoder.features.{place + 1}" if is_normalised else None
            maps = self._layer([maps], f"encoder.features.{place}", after)
            if place in last_of_size:
                found.append(maps)
                maps = maps.halved()
        return [*found[1:], maps, maps.halved()]

    def decoded(self, features: list[Maps]) -> Maps:
        """Nested blocks: each takes the one before it and all of its own size.

        Args:
            features: of the encoder, the coarsest first.
        """
        dense: dict[tuple[int, int], Maps] = {}
        for layer in range(DEPTH):
            for start in range(DEPTH - layer):
                end = start + layer
                below = features[start] if layer == 0 else dense[start, end - 1]
                beside = [dense[place, end] for place in range(start + 1, end + 1)]
                skip = [*beside, features[end + 1]]
                dense[start, end] = self._block(below, skip, f"x_{start}_{end}")
        return self._block(dense[0, DEPTH - 1], [], f"x_0_{DEPTH}")

    def _block(self, below: Maps, skip: list[Maps], name: str) -> Maps:
        first, second = (f"decoder.blocks.{name}.{part}" for part in ("conv1", "conv2"))
        found = self._layer(skip, f"{first}.0", f"{first}.1", below)
        return self._layer([found], f"{second}.0", f"{second}.1")

    def _layer(
        self, maps: list[Maps], name: str, normalisation: str | None, below: Maps | None = None
    ) -> Maps:
        kernel, bias = self.layers.folded(name, normalisation)
        return convolved(maps, kernel, bias, least_side=self.least_side, below=below).rectified()


def _convolutions(weights: Weights) -> list[int]:
    """Places of the encoder's convolutions in its sequence of layers."""
    names = (name.split(".") for name in weights if weights[name].ndim == 4)
    return sorted(int(name[2]) for name in names if name[:2] == ["encoder", "features"])
