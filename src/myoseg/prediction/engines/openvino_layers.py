"""Weights by PyTorch's names in, the layers of an OpenVINO graph out; PyTorch takes no part.

Traced by OpenVINO's converter the graphs would be the same; built layer by layer they need neither
PyTorch nor the converter, which takes half a minute for a U-Net++.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from jaxtyping import Float32

from myoseg.prediction.engines.quiet_openvino import load_openvino

ov = load_openvino()
ops = ov.opset13

Weights = Mapping[str, Float32[np.ndarray, "..."]]
Node: TypeAlias = Any
"""What a layer of the graph gives; `openvino.Output`, which has no types."""

EPSILON: Final = 1e-5
"""Added to the variance by all of PyTorch's normalisations."""


@dataclass(frozen=True, eq=False)
class Layers:
    """Makes layers of these weights, each called by the name of its PyTorch module.

    All raise KeyError where the weights lack a layer.
    """

    weights: Weights

    def has(self, name: str) -> bool:
        """Whether there are weights of a module of that name."""
        return f"{name}.weight" in self.weights

    def convolution(self, maps: Node, name: str, *, pad: int, step: int = 1) -> Node:
        """Without its bias."""
        kernel = self.weights[f"{name}.weight"]
        return ops.convolution(maps, kernel, [step] * 2, [pad] * 2, [pad] * 2, [1, 1]).output(0)

    def folded(
        self, name: str, normalisation: str | None = None
    ) -> tuple[Float32[np.ndarray, "..."], Float32[np.ndarray, "output"]]:
        """Kernel and bias of a convolution, with a batch normalisation after it as part of them."""
        kernel = self.weights[f"{name}.weight"]
        bias = self.weights.get(f"{name}.bias", np.zeros(len(kernel), dtype=np.float32))
        if normalisation is None:
            return kernel, bias
        scale, shift = self._scale_and_shift(normalisation)
        kernel = kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
        return kernel.astype(np.float32), (bias * scale + shift).astype(np.float32)

    def with_bias(self, maps: Node, name: str) -> Node:
        """The module's bias added, if it has one."""
        bias = self.weights.get(f"{name}.bias")
        return maps if bias is None else ops.add(maps, _by_channel(bias)).output(0)

    def enlarged(self, maps: Node, name: str) -> Node:
        """Twice as many rows and columns by a transposed convolution of 2 x 2."""
        kernel = self.weights[f"{name}.weight"]
        doubled = ops.convolution_backprop_data(maps, kernel, [2, 2]).output(0)
        return self.with_bias(doubled, name)

    def batch_normalised(self, maps: Node, name: str) -> Node:
        """By the running statistics, as in prediction."""
        return _scaled(maps, *self._scale_and_shift(name))

    def instance_normalised(self, maps: Node, name: str) -> Node:
        """By each image's own mean and variance in each channel."""
        axes = np.array([2, 3], dtype=np.int64)
        maps = ops.mvn(maps, axes, True, EPSILON, "inside_sqrt").output(0)
        return _scaled(maps, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _scale_and_shift(self, name: str) -> tuple[Float32[np.ndarray, "channel"], ...]:
        mean, variance = (self.weights[f"{name}.running_{part}"] for part in ("mean", "var"))
        scale = self.weights[f"{name}.weight"] / np.sqrt(variance + EPSILON)
        return scale, self.weights[f"{name}.bias"] - mean * scale


def relu(maps: Node) -> Node:
    """Values below 0 set to 0."""
    return ops.relu(maps).output(0)


def halved(maps: Node) -> Node:
    """The greatest of each 2 x 2 pixels."""
    return ops.max_pool(maps, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)


def repeated(maps: Node) -> Node:
    """Each pixel four times, in 2 x 2."""
    factors, axes = np.array([2, 2], dtype=np.float32), np.array([2, 3], dtype=np.int64)
    return ops.interpolate(
        maps,
        factors,
        "nearest",
        "scales",
        axes=axes,
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    ).output(0)


def joined(maps: Sequence[Node]) -> Node:
    """All channels, one after the other."""
    return ops.concat(list(maps), 1).output(0)


def _scaled(
    maps: Node, scale: Float32[np.ndarray, "channel"], shift: Float32[np.ndarray, "channel"]
) -> Node:
    scaled = ops.multiply(maps, _by_channel(scale)).output(0)
    return ops.add(scaled, _by_channel(shift)).output(0)


def _by_channel(values: Float32[np.ndarray, "channel"]) -> Float32[np.ndarray, "1 channel 1 1"]:
    return np.ascontiguousarray(values.reshape(1, -1, 1, 1), dtype=np.float32)


def images_of(shape: tuple[int, int, int, int]) -> Any:
    """The graph's input: slices at once, inputs, rows and columns."""
    return ops.parameter(list(shape), np.float32, name="images")


def graph_of(images: Any, scores: Node, name: str) -> Any:
    """An `openvino.Model` that gives the probabilities of these scores."""
    return ov.Model([ops.sigmoid(scores)], [images], name)
