"""torchvision, whether or not its compiled operators load beside the torch that is installed.

A wheel compiled for another torch cannot load its operators, and then torchvision and all that
imports it (timm, segmentation-models-pytorch, torchmetrics, lightning) fail to import. Here plain
PyTorch takes the place of the two operators that Mask R-CNN needs: `nms` and `roi_align`.
"""

import functools
import importlib
import importlib.util
import logging
import sys

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from myoseg.errors import ModelError

log = logging.getLogger(__name__)

_NMS_BLOCK = 1024
_ROI_BLOCK = 32
"""Boxes and regions at a time, which bounds the memory in use; the results do not depend on it."""


@functools.cache
def ensure_torchvision() -> bool:
    """Makes `import torchvision` work; to be called before anything imports it.

    A torchvision whose own operators load is left as it is. Otherwise the operators below are
    declared in their place, and this is said once in the log.

    Returns:
        Whether the operators of this module are in use.

    Raises:
        ModelError: torchvision is not installed.
    """
    if _compiled_operators_load():
        return False
    _declare_operators()
    _route_to_declared_operators()
    log.warning(
        "torchvision's compiled operators do not load beside torch %s: plain PyTorch nms and "
        "roi_align take their place, with the same results. Install the torchvision that matches "
        "this torch for speed.",
        torch.__version__,
    )
    return True


def nms(
    boxes: Float[Tensor, "box 4"], scores: Float[Tensor, "box"], iou_threshold: float
) -> Int64[Tensor, "kept"]:
    """Non-maximum suppression, as `torchvision.ops.nms`.

    Args:
        boxes: x1, y1, x2, y2 in pixels.
        scores: the higher, the earlier a box is kept; ties in order of index.
        iou_threshold: a box that overlaps a kept one by more is dropped.

    Returns:
        Indices of the boxes kept, in decreasing order of score.
    """
    order = scores.sort(stable=True, descending=True).indices
    ranked = boxes.detach()[order].cpu()
    alive = np.ones(len(ranked), dtype=bool)
    for start in range(0, len(ranked), _NMS_BLOCK):
        overlaps = _overlaps(ranked[start : start + _NMS_BLOCK], ranked[start:], iou_threshold)
        for row, overlapped in enumerate(overlaps.numpy()):
            if alive[start + row]:
                alive[start + row + 1 :] &= ~overlapped[row + 1 :]
    return order[torch.from_numpy(alive).to(order.device)]


def _overlaps(
    first: Float[Tensor, "a 4"], second: Float[Tensor, "b 4"], iou_threshold: float
) -> Bool[Tensor, "a b"]:
    """Whether intersection over union exceeds the threshold; empty boxes overlap nothing."""
    first, second = (boxes.to(_working_dtype(boxes)) for boxes in (first, second))
    top_left = torch.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = (bottom_right - top_left).clamp(min=0).prod(dim=2)
    area_first, area_second = (
        (boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (first, second)
    )
    union = area_first[:, None] + area_second[None, :] - intersection
    return (intersection / union).double() > iou_threshold


def roi_align(
    features: Float[Tensor, "n channel row col"],
    rois: Float[Tensor, "roi 5"],
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Float[Tensor, "roi channel pooled_row pooled_col"]:
    """Average of bilinear samples in each bin of each region, as `torchvision.ops.roi_align`.

    The samples of a region lie on a grid parallel to the image's axes, so that interpolation and
    average are one product of matrices: weights of the rows x features x weights of the columns.

    Args:
        features: one map an image.
        rois: image index, x1, y1, x2, y2, in pixels of the image.
        spatial_scale: pixels of `features` per pixel of the image.
        pooled_height: bins along the rows.
        pooled_width: bins along the columns.
        sampling_ratio: samples along each axis of a bin; if not positive, one a feature pixel.
        aligned: pixel centres lie at half-integers, and regions may be narrower than a pixel.
    """
    n_channels, height, width = features.shape[1:]
    dtype = _working_dtype(features)
    edges = rois.detach()[:, 1:].to(dtype) * spatial_scale - (0.5 if aligned else 0.0)
    parts = [features[:0, :, :1, :1].expand(0, n_channels, pooled_height, pooled_width).to(dtype)]
    members = [torch.zeros(0, dtype=torch.int64, device=features.device)]
    with torch.autocast(features.device.type, enabled=False):
        for image in torch.unique(rois[:, 0]).tolist():
            channels_last = features[int(image)].to(dtype).permute(1, 2, 0)
            for some in (rois[:, 0] == image).nonzero()[:, 0].split(_ROI_BLOCK):
                x1, y1, x2, y2 = edges[some].unbind(dim=1)
                row_weights = _axis_weights(y1, y2, height, pooled_height, sampling_ratio, aligned)
                col_weights = _axis_weights(x1, x2, width, pooled_width, sampling_ratio, aligned)
                parts.append(_weighted_sums(channels_last, row_weights, col_weights))
                members.append(some)
    return torch.cat(parts)[torch.cat(members).argsort()].to(features.dtype)


def _weighted_sums(
    feature: Float[Tensor, "row col channel"],
    row_weights: Float[Tensor, "roi bin_row row"],
    col_weights: Float[Tensor, "roi bin_col col"],
) -> Float[Tensor, "roi channel bin_row bin_col"]:
    """Sums over the rows, then over the columns; channels last, so that nothing is rearranged."""
    height, width, n_channels = feature.shape
    n_rois, n_rows = row_weights.shape[:2]
    n_cols = col_weights.shape[1]
    rows = row_weights.reshape(-1, height) @ feature.reshape(height, -1)
    rows = rows.reshape(n_rois * n_rows, width, n_channels)
    pooled = torch.bmm(col_weights.repeat_interleave(n_rows, dim=0), rows)
    return pooled.reshape(n_rois, n_rows, n_cols, n_channels).permute(0, 3, 1, 2)


def _axis_weights(
    start: Float[Tensor, "roi"],
    end: Float[Tensor, "roi"],
    size: int,
    n_bins: int,
    sampling_ratio: int,
    aligned: bool,
) -> Float[Tensor, "roi bin {size}"]:
    """What each pixel of an axis contributes to the mean of each bin.

    Samples are clamped to the outermost pixel centres; those beyond -1 or `size` count as zero.
    """
    length = end - start if aligned else (end - start).clamp(min=1)
    adaptive = torch.ceil(length / n_bins)
    n_samples = torch.full_like(length, sampling_ratio) if sampling_ratio > 0 else adaptive
    n_samples = n_samples.clamp(min=0)[:, None, None]
    most = int(n_samples.max()) if len(length) else 0
    index = torch.arange(most, device=start.device, dtype=start.dtype)
    bins = torch.arange(n_bins, device=start.device, dtype=start.dtype)[None, :, None]
    in_bin = (index + 0.5) / n_samples.clamp(min=1)
    position = start[:, None, None] + (bins + in_bin) * (length / n_bins)[:, None, None]
    counts = (position >= -1) & (position <= size) & (index < n_samples)
    pixels = torch.arange(size, device=start.device, dtype=start.dtype)
    distance = (position.clamp(0, size - 1)[..., None] - pixels).abs()
    weights = (1 - distance).clamp(min=0) * counts[..., None]
    return weights.sum(dim=2) / n_samples.clamp(min=1)


def _working_dtype(values: Tensor) -> torch.dtype:
    return torch.float64 if values.dtype == torch.float64 else torch.float32


def _compiled_operators_load() -> bool:
    """Asks torchvision's own loader, which does not need the rest of the package to import."""
    if "torchvision" in sys.modules:
        return bool(importlib.import_module("torchvision.extension")._has_ops())
    spec = importlib.util.find_spec("torchvision")
    if spec is None:
        raise ModelError("torchvision is not installed; run `pip install torchvision`.")
    _forget_torchvision()
    sys.modules["torchvision"] = importlib.util.module_from_spec(spec)
    try:
        return bool(importlib.import_module("torchvision.extension")._has_ops())
    finally:
        _forget_torchvision()


def _forget_torchvision() -> None:
    """Drops what an unfinished import left, so that the next one starts anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


@functools.cache
def _declare_operators() -> torch.library.Library:
    """The operators that importing torchvision asks for (nms, qnms) or that this module replaces.

    The library object lives as long as the cache: without it torch forgets the operators.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    suppression = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    pooling = (
        "(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, "
        "int sampling_ratio, bool aligned) -> Tensor"
    )
    operators = torch.ops.torchvision
    for name, signature in (("nms", suppression), ("qnms", suppression), ("roi_align", pooling)):
        if not hasattr(operators, name):
            library.define(name + signature)  # type: ignore[no-untyped-call]
    if not _is_implemented("nms"):
        library.impl("nms", nms, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
    if not _is_implemented("roi_align"):
        library.impl("roi_align", roi_align, "CompositeImplicitAutograd")  # type: ignore[no-untyped-call]
    return library


def _is_implemented(name: str) -> bool:
    """Whether somebody else, mending the same import, has already given the operator a kernel."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(f"torchvision::{name}", "CPU")


def _route_to_declared_operators() -> None:
    """Lets torchvision's `nms` and `roi_align` call their operators; the others go on refusing."""
    importlib.import_module("torchvision")
    boxes = sys.modules["torchvision.ops.boxes"]
    regions = sys.modules["torchvision.ops.roi_align"]
    boxes._assert_has_ops = _operators_are_there  # type: ignore[attr-defined]
    regions._assert_has_ops = _operators_are_there  # type: ignore[attr-defined]
    regions._has_ops = _operators_are_there  # type: ignore[attr-defined]


def _operators_are_there() -> bool:
    return True
