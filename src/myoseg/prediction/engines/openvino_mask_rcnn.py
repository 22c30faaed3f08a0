"""A trained Mask R-CNN's weights in, its three networks as OpenVINO graphs out.

What lies between them, which depends on what they find, is `mask_rcnn.py` beside this module.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from myoseg.errors import ModelError
from myoseg.prediction.engines.engine import Precision
from myoseg.prediction.engines.layouts import NEVER, Maps, convolved
from myoseg.prediction.engines.openvino_layers import (
    Layers,
    Node,
    Weights,
    constant,
    images_of,
    ops,
    ov,
    relu,
    repeated,
)

N_STAGES: Final = 4
"""Of the ResNet; each gives the pyramid one level."""

BOX_BINS: Final = 7
"""Rows and columns of what the box head is given of a region."""

MASK_BINS: Final = 14
"""Rows and columns of what the mask head is given of a region; its mask has twice as many."""

LEAST_SIDE: Final = 28
"""Smaller maps are convolved directly: they have too few tiles for the larger kernels."""

_TARGET: Final = 1
"""The class beside the background."""

ANY: Final = -1
"""As a number of regions: whatever comes."""


def pyramid_graph(
    weights: Weights,
    mean: Sequence[float],
    std: Sequence[float],
    shape: tuple[int, int, int, int],
    precision: Precision = "float32",
) -> Any:
    """ResNet, feature pyramid and what proposes regions: images to maps.

    The outputs are the four maps from which regions are read, finest first, as (slice, row, col,
    channel); then for each of five levels the scores (slice, row, col, anchor), then for each the
    shifts of boxes (slice, row, col, 4 x anchor).

    Args:
        weights: the `state_dict` of torchvision's `MaskRCNN`, as arrays.
        mean: taken from each of the ResNet's three channels.
        std: by which each is then divided.
        shape: slices at once, inputs, rows and columns of what it will be given.
        precision: in which it will be compiled; the sums of `winograd.py` need float32.

    Raises:
        ModelError: a layer is missing.
    """
    least_side = LEAST_SIDE if precision == "float32" else NEVER

    def graph() -> tuple[list[Node], Any]:
        images, layers = images_of(shape), Layers(weights)
        channels = _channels(images.output(0), shape[1], mean, std)
        levels = _pyramid(layers, _resnet(layers, channels), (shape[2], shape[3]), least_side)
        kernel = layers.folded("rpn.head.conv.0.0")
        proposing = [convolved([m], *kernel, least_side=least_side).rectified() for m in levels]
        heads = [
            _head(layers, each.channels, f"rpn.head.{part}")
            for part in ("cls_logits", "bbox_pred")
            for each in proposing
        ]
        maps = [each.channels for each in levels[:N_STAGES]]
        return [_channels_last(each) for each in [*maps, *heads]], images

    return _model(graph, "pyramid")


def box_graph(weights: Weights) -> Any:
    """The box head: values of regions (region, 49 x channel), bin by bin, to two outputs.

    They are the scores of background and target, and the shifts of the target's box.

    Raises:
        ModelError: a layer is missing.
    """

    def graph() -> tuple[list[Node], Any]:
        first = weights["roi_heads.box_head.fc6.weight"]
        values = ops.parameter([ANY, first.shape[1]], np.float32, name="values")
        # torchvision's values come channel by channel, ours bin by bin.
        by_bin = first.reshape(len(first), -1, BOX_BINS**2).swapaxes(1, 2).reshape(len(first), -1)
        found = _product(values.output(0), by_bin, weights["roi_heads.box_head.fc6.bias"])
        found = relu(found)
        found = relu(_product(found, *_dense(weights, "roi_heads.box_head.fc7")))
        scores = _product(found, *_dense(weights, "roi_heads.box_predictor.cls_score"))
        kernel, bias = _dense(weights, "roi_heads.box_predictor.bbox_pred")
        target = slice(4 * _TARGET, 4 * _TARGET + 4)
        return [scores, _product(found, kernel[target], bias[target])], values

    return _model(graph, "boxes")


def mask_graph(weights: Weights, precision: Precision = "float32") -> Any:
    """The mask head: regions (region, 14, 14, channel) to the target's masks (region, 28, 28).

    Raises:
        ModelError: a layer is missing.
    """

    def graph() -> tuple[list[Node], Any]:
        layers = Layers(weights)
        n_channels = weights["roi_heads.mask_head.0.0.weight"].shape[1]
        values = ops.parameter([ANY, MASK_BINS, MASK_BINS, n_channels], np.float32, name="values")
        apart = ops.transpose(values, np.array([1, 2, 0, 3]))
        pixels = ops.reshape(apart, np.array([MASK_BINS**2, -1, n_channels]), False).output(0)
        maps = Maps((MASK_BINS, MASK_BINS), pixels=pixels)
        # Regions are many, so that there are tiles enough although maps are small.
        least_side = MASK_BINS if precision == "float32" else NEVER
        for place in range(_n_mask_layers(weights)):
            kernel = layers.folded(f"roi_heads.mask_head.{place}.0")
            maps = convolved([maps], *kernel, least_side=least_side).rectified()
        quarters = _quarters(weights, maps.pixels)
        return [ops.sigmoid(_interleaved(quarters)).output(0)], values

    return _model(graph, "masks")


def _model(graph: Callable[[], tuple[list[Node], Any]], name: str) -> Any:
    try:
        outputs, given = graph()
    except KeyError as error:
        raise ModelError(
            f"the weights lack the layer {error}; restore them from a copy, or train again."
        ) from error
    return ov.Model(outputs, [given], name)


def _channels(images: Node, n_inputs: int, mean: Sequence[float], std: Sequence[float]) -> Node:
    """Three channels, filled with the inputs in turn, by the statistics that the ResNet expects."""
    of_channel = np.array([channel % n_inputs for channel in range(3)])
    three = ops.gather(images, of_channel, np.array(1)).output(0)
    if not any(mean) and all(value == 1 for value in std):
        return three
    shift, scale = (np.array(v, dtype=np.float32).reshape(1, 3, 1, 1) for v in (mean, std))
    return ops.divide(ops.subtract(three, shift), scale).output(0)


def _resnet(layers: Layers, maps: Node) -> list[Node]:
    """What the four stages give, from a quarter to a thirty-second of the size."""
    body = "backbone.body"
    maps = layers.convolution(maps, f"{body}.conv1", pad=3, step=2)
    maps = relu(layers.batch_normalised(maps, f"{body}.bn1"))
    maps = ops.max_pool(maps, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)
    found = []
    for stage in range(1, N_STAGES + 1):
        place = 0
        while layers.has(f"{body}.layer{stage}.{place}.conv1") or place == 0:
            step = 2 if stage > 1 and place == 0 else 1
            maps = _residual(layers, maps, f"{body}.layer{stage}.{place}", step)
            place += 1
        found.append(maps)
    return found


def _residual(layers: Layers, maps: Node, name: str, step: int) -> Node:
    """A block of two convolutions, or of three, of which the middle one takes the step."""
    is_narrow = layers.has(f"{name}.conv3")
    found = maps
    for place in range(1, 4 if is_narrow else 3):
        is_wide = not is_narrow or place == 2
        of_block = step if place == (2 if is_narrow else 1) else 1
        found = layers.convolution(found, f"{name}.conv{place}", pad=int(is_wide), step=of_block)
        found = layers.batch_normalised(found, f"{name}.bn{place}")
        if place < (3 if is_narrow else 2):
            found = relu(found)
    if layers.has(f"{name}.downsample.0"):
        maps = layers.convolution(maps, f"{name}.downsample.0", pad=0, step=step)
        maps = layers.batch_normalised(maps, f"{name}.downsample.1")
    return relu(ops.add(found, maps).output(0))


def _pyramid(
    layers: Layers, stages: list[Node], size: tuple[int, int], least_side: int
) -> list[Maps]:
    """Five levels, the finest first; the last is every other pixel of the one before."""
    levels: list[Maps] = []
    above = None
    for place in reversed(range(N_STAGES)):
        inner = _head(layers, stages[place], f"backbone.fpn.inner_blocks.{place}.0")
        above = inner if above is None else ops.add(inner, repeated(above)).output(0)
        maps = Maps((size[0] // 4 >> place, size[1] // 4 >> place), channels=above)
        kernel = layers.folded(f"backbone.fpn.layer_blocks.{place}.0")
        levels.insert(0, convolved([maps], *kernel, least_side=least_side))
    last = levels[-1]
    skipping = ops.max_pool(last.channels, [2, 2], [1, 1], [0, 0], [0, 0], [1, 1]).output(0)
    rows, cols = (-(-n // 2) for n in last.size)
    return [*levels, Maps((rows, cols), channels=skipping)]


def _head(layers: Layers, maps: Node, name: str) -> Node:
    return layers.with_bias(layers.convolution(maps, name, pad=0), name)


def _channels_last(maps: Node) -> Node:
    return ops.transpose(maps, np.array([0, 2, 3, 1])).output(0)


def _dense(weights: Weights, name: str) -> tuple[Float32[np.ndarray, "..."], ...]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _product(
    values: Node, kernel: Float32[np.ndarray, "output input"], bias: Float32[np.ndarray, "output"]
) -> Node:
    found = ops.matmul(values, constant(kernel), False, True)
    return ops.add(found, bias.astype(np.float32)).output(0)


def _n_mask_layers(weights: Mapping[str, Any]) -> int:
    prefix = "roi_heads.mask_head."
    return len({name.split(".")[2] for name in weights if name.startswith(prefix)})


def _quarters(weights: Weights, pixels: Node) -> Node:
    """The target's scores (row x col, region, 2 x 2) at the four pixels that each pixel becomes.

    A transposed convolution of 2 x 2 that steps by 2 is a product of matrices to four times the
    channels, and the last layer then acts on each quarter of them.
    """
    kernel, bias = _dense(weights, "roi_heads.mask_predictor.conv5_mask")
    n_in, n_out = kernel.shape[:2]
    kernel = kernel.transpose(2, 3, 1, 0).reshape(4 * n_out, n_in)
    quarters = relu(_product(pixels, kernel, np.tile(bias, 4)))
    kernel, bias = _dense(weights, "roi_heads.mask_predictor.mask_fcn_logits")
    last = np.kron(np.eye(4, dtype=np.float32), kernel[_TARGET].reshape(1, n_out))
    return _product(quarters, last, np.full(4, bias[_TARGET]))


def _interleaved(quarters: Node) -> Node:
    """(row x col, region, 2 x 2) to (region, 2 rows, 2 cols)."""
    apart = np.array([MASK_BINS, MASK_BINS, -1, 2, 2])
    split = ops.reshape(quarters, apart, False)
    ordered = ops.transpose(split, np.array([2, 0, 3, 1, 4]))
    return ops.reshape(ordered, np.array([-1, 2 * MASK_BINS, 2 * MASK_BINS]), False).output(0)
