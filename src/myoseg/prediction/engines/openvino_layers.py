"""Weights by PyTorch's names in, the layers of an OpenVINO graph out; PyTorch takes no part.

Traced by OpenVINO's converter the graphs would be the same; built layer by layer they need neither
PyTorch nor the converter, which takes half a minute for a U-Net++.
"""

from collections.abc import Mapping
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
        kernel = constant(self.weights[f"{name}.weight"])
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

    def enlarged_and_convolved(
        self,
        maps: Node,
        name: str,
        kernel: Float32[np.ndarray, "output middle 3 3"],
        size: tuple[int, int],
    ) -> Node:
        """Enlarged by a transposed convolution of 2 x 2, then convolved with a border of one zero.

        Both are linear, so together they are one transposed convolution of 4 x 4, with fewer
        products than the two: 32 in place of 44 where channels are halved.

        Args:
            maps: before they are enlarged.
            name: of the module that enlarges.
            kernel: of the convolution after it.
            size: rows and columns of the answer.
        """
        both = constant(_one_after_the_other(self.weights[f"{name}.weight"], kernel))
        pad = [1, 1]
        found = ops.convolution_backprop_data(maps, both, [2, 2], pads_begin=pad, pads_end=pad)
        bias = self.weights.get(f"{name}.bias")
        if bias is None:
            return found.output(0)
        return ops.add(found, constant(_convolved_constant(bias, kernel, size))).output(0)

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


def constant(values: np.ndarray) -> Node:
    """Values of the graph's own; OpenVINO takes an array as it is far more slowly, as a list."""
    return ops.constant(np.ascontiguousarray(values)).output(0)


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


def _one_after_the_other(
    enlarging: Float32[np.ndarray, "input middle 2 2"],
    kernel: Float32[np.ndarray, "output middle 3 3"],
) -> Float32[np.ndarray, "input output 4 4"]:
    """The kernel of a transposed convolution by 2 x 2 with a convolution after it."""
    both = np.zeros((len(enlarging), len(kernel), 4, 4))
    turned = kernel[:, :, ::-1, ::-1].astype(np.float64)
    for row, col in np.ndindex(2, 2):
        parts = np.tensordot(enlarging[:, :, row, col].astype(np.float64), turned, (1, 1))
        both[:, :, row : row + 3, col : col + 3] += parts
    return both.astype(np.float32)


def _convolved_constant(
    values: Float32[np.ndarray, "middle"],
    kernel: Float32[np.ndarray, "output middle 3 3"],
    size: tuple[int, int],
) -> Float32[np.ndarray, "1 output row col"]:
    """What a convolution makes of maps of one value each: less at the border, which is zero."""
    places = np.tensordot(kernel.astype(np.float64), values.astype(np.float64), (1, 0))
    of_rows, of_cols = (np.ones((n, 3)) for n in size)
    for inside in (of_rows, of_cols):
        inside[0, 0] = inside[-1, -1] = 0
    return np.asarray((of_rows @ places @ of_cols.T)[None], dtype=np.float32)


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
