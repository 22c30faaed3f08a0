"""Maps of a graph in whichever layout the next layer wants them, each made once."""

from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float32

from myoseg.prediction.engines import openvino_layers as layers
from myoseg.prediction.engines import winograd
from myoseg.prediction.engines.openvino_layers import EPSILON, Layers, Node, ops

LEAST_PRODUCT, LEAST_OUTPUTS = 64 * 128, 32
"""Of inputs x outputs, and of outputs: where fewer products outweigh more moves, as measured."""

NEVER: Final = 1 << 30
"""As the least side of maps: all are convolved directly."""

Kernel = Float32[np.ndarray, "output input 3 3"]
Bias = Float32[np.ndarray, "output"]


class Maps:
    """Maps of some slices, from one of their layouts."""

    def __init__(
        self, size: tuple[int, int], channels: Node | None = None, pixels: Node | None = None
    ) -> None:
        """Takes (slice, channel, row, col) as `channels`, or (row x col, slice, channel)."""
        self.size = size
        if channels is not None:
            self.channels = channels
        if pixels is not None:
            self.pixels = pixels

    @cached_property
    def channels(self) -> Node:
        """(slice, channel, row, col)."""
        return winograd.by_channel(self.pixels, self.size)

    @cached_property
    def pixels(self) -> Node:
        """(row x col, slice, channel)."""
        return winograd.by_pixel(self.channels)

    @cached_property
    def tiles(self) -> Node:
        """What `winograd.convolved` takes."""
        return winograd.tiles_of(self.pixels, self.size)

    @cached_property
    def enlarged_tiles(self) -> Node:
        """The same of maps twice as large."""
        return winograd.tiles_of_enlarged(self.pixels, self.size)

    def rectified(self) -> "Maps":
        """Values below 0 set to 0, in the layout that is there."""
        if "pixels" in self.__dict__:
            return Maps(self.size, pixels=layers.relu(self.pixels))
        return Maps(self.size, channels=layers.relu(self.channels))

    def instance_normalised(self, of: Layers, name: str) -> "Maps":
        """By each image's own mean and variance in each channel, in the layout that is there."""
        if "pixels" not in self.__dict__:
            return Maps(self.size, channels=of.instance_normalised(self.channels, name))
        over = np.array([0])
        apart = ops.subtract(self.pixels, ops.reduce_mean(self.pixels, over, True))
        variance = ops.reduce_mean(ops.multiply(apart, apart), over, True)
        scale, shift = (of.weights[f"{name}.{part}"] for part in ("weight", "bias"))
        deviation = ops.sqrt(ops.add(variance, np.float32(EPSILON)))
        by = ops.divide(scale.reshape(1, 1, -1), deviation)
        scaled = ops.add(ops.multiply(apart, by), shift.reshape(1, 1, -1))
        return Maps(self.size, pixels=scaled.output(0))

    def halved(self) -> "Maps":
        """The greatest of each 2 x 2 pixels."""
        rows, cols = (n // 2 for n in self.size)
        if "pixels" not in self.__dict__:
            return Maps((rows, cols), channels=layers.halved(self.channels))
        n_channels = int(self.pixels.get_partial_shape()[2].get_length())
        apart = ops.reshape(self.pixels, np.array([rows, 2, cols, 2, -1]), False)
        greatest = ops.reduce_max(apart, np.array([1, 3]), False)
        pixels = ops.reshape(greatest, np.array([rows * cols, -1, n_channels]), False)
        return Maps((rows, cols), pixels=pixels.output(0))


def convolved(
    maps: list[Maps], kernel: Kernel, bias: Bias, *, least_side: int, below: Maps | None = None
) -> Maps:
    """A convolution of 3 x 3 of all these maps' channels, with a border of one zero.

    Args:
        maps: of one size; none where `below` is given alone.
        kernel: of the convolution.
        bias: of the convolution.
        least_side: maps of fewer rows or columns are convolved directly.
        below: maps of half the size, whose pixels are repeated in 2 x 2; their channels come first.
    """
    size = maps[0].size if below is None else (2 * below.size[0], 2 * below.size[1])
    if min(size) >= least_side and _is_wide(kernel):
        parts = [] if below is None else [below.enlarged_tiles]
        found = winograd.convolved(_joined([*parts, *(m.tiles for m in maps)], 2), kernel, size)
        return Maps(size, pixels=ops.add(found, bias.reshape(1, 1, -1)).output(0))
    parts = [] if below is None else [layers.repeated(below.channels)]
    together = _joined([*parts, *(m.channels for m in maps)], 1)
    weights = layers.constant(kernel)
    found = ops.convolution(together, weights, [1, 1], [1, 1], [1, 1], [1, 1])
    return Maps(size, channels=ops.add(found, bias.reshape(1, -1, 1, 1)).output(0))


def _is_wide(kernel: Kernel) -> bool:
    n_out, n_in = kernel.shape[:2]
    return bool(n_in * n_out >= LEAST_PRODUCT and n_out >= LEAST_OUTPUTS)


def _joined(parts: list[Node], axis: int) -> Node:
    return parts[0] if len(parts) == 1 else ops.concat(parts, axis).output(0)
