"""A trained U-Net's weights in, the same network as an OpenVINO graph out; PyTorch takes no part.

Traced by OpenVINO's converter the graph would be the same; built layer by layer it needs neither
PyTorch nor the converter.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32

from myoseg.errors import ModelError
from myoseg.prediction.engines.quiet_openvino import load_openvino

ov = load_openvino()
ops = ov.opset13

Weights = Mapping[str, Float32[np.ndarray, "..."]]
Node: TypeAlias = Any
"""What a layer of the graph gives; `openvino.Output`, which has no types."""

EPSILON = 1e-5
"""Added to the variance by all of PyTorch's normalisations."""


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
        self.weights, self.normalisation = weights, normalisation
        self.layers_a_convolution = 2 if normalisation == "none" else 3
        self.n_down = len({name.split(".")[1] for name in weights if name.startswith("enlarge.")})

    def model(self, shape: tuple[int, int, int, int]) -> Any:
        images = ops.parameter(list(shape), np.float32, name="images")
        maps = [self._pair(images.output(0), "first")]
        for level in range(self.n_down):
            half = ops.max_pool(maps[-1], [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
            maps.append(self._pair(half, f"down.{level}"))
        coarse = maps.pop()
        for level in reversed(range(self.n_down)):
            fine = self._enlarged(coarse, f"enlarge.{level}")
            coarse = self._pair(ops.concat([maps.pop(), fine], 1).output(0), f"up.{level}")
        scores = self._with_bias(self._convolved(coarse, "last", pad=0), "last")
        return ov.Model([ops.sigmoid(scores)], [images], "unet")

    def _pair(self, maps: Node, name: str) -> Node:
        for place in (0, self.layers_a_convolution):
            maps = self._convolved(maps, f"{name}.{place}", pad=1)
            if self.normalisation == "none":
                maps = self._with_bias(maps, f"{name}.{place}")
            else:
                maps = self._normalised(maps, f"{name}.{place + 1}")
            maps = ops.relu(maps).output(0)
        return maps

    def _convolved(self, maps: Node, name: str, *, pad: int) -> Node:
        kernel = self.weights[f"{name}.weight"]
        return ops.convolution(maps, kernel, [1, 1], [pad] * 2, [pad] * 2, [1, 1]).output(0)

    def _enlarged(self, maps: Node, name: str) -> Node:
        kernel = self.weights[f"{name}.weight"]
        return self._with_bias(ops.convolution_backprop_data(maps, kernel, [2, 2]).output(0), name)

    def _with_bias(self, maps: Node, name: str) -> Node:
        return ops.add(maps, _by_channel(self.weights[f"{name}.bias"])).output(0)

    def _normalised(self, maps: Node, name: str) -> Node:
        scale, shift = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        if self.normalisation == "instance":
            axes = np.array([2, 3], dtype=np.int64)
            maps = ops.mvn(maps, axes, True, EPSILON, "inside_sqrt").output(0)
        else:
            mean, variance = (self.weights[f"{name}.running_{part}"] for part in ("mean", "var"))
            scale = scale / np.sqrt(variance + EPSILON)
            shift = shift - mean * scale
        scaled = ops.multiply(maps, _by_channel(scale)).output(0)
        return ops.add(scaled, _by_channel(shift)).output(0)


def _by_channel(values: Float32[np.ndarray, "channel"]) -> Float32[np.ndarray, "1 channel 1 1"]:
    return np.ascontiguousarray(values.reshape(1, -1, 1, 1), dtype=np.float32)
