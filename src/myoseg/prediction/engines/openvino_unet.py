"""A trained U-Net's weights in, the same network as an OpenVINO graph out."""

from typing import Any, Final

import numpy as np

from myoseg.errors import ModelError
from myoseg.prediction.engines.engine import Precision
from myoseg.prediction.engines.layouts import NEVER, Bias, Kernel, Maps, convolved
from myoseg.prediction.engines.openvino_layers import (
    Layers,
    Weights,
    graph_of,
    images_of,
    ops,
)

LEAST_SIDE: Final = 12
"""Smaller maps have too few tiles for Winograd's kernels, of which there is four times as much."""


def unet_graph(
    weights: Weights,
    normalisation: str,
    shape: tuple[int, int, int, int],
    precision: Precision = "float32",
) -> Any:
    """The network of `networks.unet_body.UNetBody`, with a sigmoid at its end.

    Args:
        weights: its `state_dict` as arrays.
        normalisation: "none", "instance" or "batch".
        shape: slices at once, inputs, rows and columns of what it will be given.
        precision: in which it will be compiled; the sums of `winograd.py` need float32.

    Raises:
        ModelError: a layer is missing.
    """
    least_side = LEAST_SIDE if precision == "float32" else NEVER
    try:
        return _Builder(weights, normalisation, least_side).model(shape)
    except KeyError as error:
        raise ModelError(
            f"the weights lack the layer {error}; restore them from a copy, or train again."
        ) from error


class _Builder:
    """Layer names as PyTorch gives them to the modules of `UNetBody`."""

    def __init__(self, weights: Weights, normalisation: str, least_side: int) -> None:
        self.layers, self.normalisation = Layers(weights), normalisation
        self.least_side = least_side
        self.layers_a_convolution = 2 if normalisation == "none" else 3
        self.n_down = len({name.split(".")[1] for name in weights if name.startswith("enlarge.")})

    def model(self, shape: tuple[int, int, int, int]) -> Any:
        images = images_of(shape)
        maps = [self._pair(Maps((shape[2], shape[3]), channels=images.output(0)), "first")]
        for level in range(self.n_down):
            maps.append(self._pair(maps[-1].halved(), f"down.{level}"))
        coarse = maps.pop()
        for level in reversed(range(self.n_down)):
            coarse = self._up(maps.pop(), coarse, level)
        layers = self.layers
        scores = layers.with_bias(layers.convolution(coarse.channels, "last", pad=0), "last")
        return graph_of(images, scores, "unet")

    def _pair(self, maps: Maps, name: str) -> Maps:
        found = self._convolved(maps, *self._folded(name, 0))
        return self._second(self._activated(found, name, 0), name)

    def _second(self, maps: Maps, name: str) -> Maps:
        place = self.layers_a_convolution
        found = self._convolved(maps, *self._folded(name, place))
        return self._activated(found, name, place)

    def _up(self, skip: Maps, coarse: Maps, level: int) -> Maps:
        """The pair of convolutions of `skip` and of `coarse`, enlarged."""
        name = f"up.{level}"
        kernel, bias = self._folded(name, 0)
        n_skip = kernel.shape[1] // 2
        beside = self._convolved(skip, kernel[:, :n_skip], bias)
        below = self.layers.enlarged_and_convolved(
            coarse.channels, f"enlarge.{level}", kernel[:, n_skip:], skip.size
        )
        both = Maps(skip.size, channels=ops.add(beside.channels, below).output(0))
        return self._second(self._activated(both, name, 0), name)

    def _convolved(self, maps: Maps, kernel: Kernel, bias: Bias) -> Maps:
        return convolved([maps], kernel, bias, least_side=self.least_side)

    def _folded(self, name: str, place: int) -> tuple[Kernel, Bias]:
        """Of the convolution at that place of a pair; running statistics are part of it."""
        after = f"{name}.{place + 1}" if self.normalisation == "batch" else None
        kernel, bias = self.layers.folded(f"{name}.{place}", after)
        return np.ascontiguousarray(kernel), bias

    def _activated(self, maps: Maps, name: str, place: int) -> Maps:
        if self.normalisation == "instance":
            maps = maps.instance_normalised(self.layers, f"{name}.{place + 1}")
        return maps.rectified()
