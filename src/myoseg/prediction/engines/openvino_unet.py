"""A trained U-Net's weights in, the same network as an OpenVINO graph out."""

from typing import Any

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
)


def unet_graph(weights: Weights, normalisation: str, shape: tuple[int, int, int, int]) -> Any:
    """The network of `networks.unet_body.UNetBody`, with a sigmoid at its end.

    Args:
        weights: its `state_dict` as arrays.
        normalisation: "none", "instance" or "batch".
        shape: slices at once, inputs, rows and columns of what it will be given.

    Raises:
        ModelError: a layer is missing.
    """
    try:
        return _Builder(weights, normalisation).model(shape)
    except KeyError as error:
        raise ModelError(
            f"the weights lack the layer {error}; restore them from a copy, or train again."
        ) from error


class _Builder:
    """Layer names as PyTorch gives them to the modules of `UNetBody`."""

    def __init__(self, weights: Weights, normalisation: str) -> None:
        self.layers, self.normalisation = Layers(weights), normalisation
        self.layers_a_convolution = 2 if normalisation == "none" else 3
        self.n_down = len({name.split(".")[1] for name in weights if name.startswith("enlarge.")})

    def model(self, shape: tuple[int, int, int, int]) -> Any:
        images = images_of(shape)
        maps = [self._pair(images.output(0), "first")]
        for level in range(self.n_down):
            maps.append(self._pair(halved(maps[-1]), f"down.{level}"))
        coarse = maps.pop()
        for level in reversed(range(self.n_down)):
            fine = self.layers.enlarged(coarse, f"enlarge.{level}")
            coarse = self._pair(joined([maps.pop(), fine]), f"up.{level}")
        scores = self.layers.with_bias(self.layers.convolution(coarse, "last", pad=0), "last")
        return graph_of(images, scores, "unet")

    def _pair(self, maps: Node, name: str) -> Node:
        for place in (0, self.layers_a_convolution):
            maps = self.layers.convolution(maps, f"{name}.{place}", pad=1)
            maps = relu(self._normalised(maps, f"{name}.{place}", f"{name}.{place + 1}"))
        return maps

    def _normalised(self, maps: Node, convolution: str, normalisation: str) -> Node:
        match self.normalisation:
            case "none":
                return self.layers.with_bias(maps, convolution)
            case "instance":
                return self.layers.instance_normalised(maps, normalisation)
            case _:
                return self.layers.batch_normalised(maps, normalisation)
