"""The paper's Mask R-CNN on ResNet-50 (section 2.4), from torchvision, as a segmentation network.

Each connected component of the target is an instance to detect; the detections together make one
probability map.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from myoseg.blocks import Architecture
from myoseg.errors import ConfigurationError
from myoseg.networks.detector import DetectorOptions, build_detector
from myoseg.networks.pretrained import (
    PRETRAINED,
    check_pretrained,
    coco_weights,
    imagenet_weights,
    load_pretrained,
)
from myoseg.networks.segmenter import Segmenter

_COCO_HEADS: Final = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")


class MaskRCNN(Segmenter):
    """Proposals, their classification and their masks on a feature pyramid.

    Images are neither rescaled nor, without pre-training, renormalised. Up to three sequences fill
    the three channels in turn, so that a single one fills all.
    """

    architecture = Architecture.MASK_RCNN
    stride = 32

    def __init__(
        self,
        n_inputs: int,
        backbone: str = DetectorOptions.backbone,
        width: int = DetectorOptions.width,
        anchor_sizes: Sequence[int] = DetectorOptions.anchor_sizes,
        n_proposals_train: int = DetectorOptions.n_proposals_train,
        n_proposals: int = DetectorOptions.n_proposals,
        n_detections: int = DetectorOptions.n_detections,
        anchors_per_image: int = DetectorOptions.anchors_per_image,
        regions_per_image: int = DetectorOptions.regions_per_image,
        min_score: float = DetectorOptions.min_score,
        imagenet_statistics: bool | None = None,
        frozen_normalisation: bool | None = None,
        pretrained: str = "none",
        pretrained_file: str | Path | None = None,
    ) -> None:
        """Draws weights that are not pre-trained as torchvision does, from the global generator.

        Args:
            n_inputs: sequences stacked as channels, at most 3.
            backbone: this and the next eight as in `DetectorOptions`.
            width: see there.
            anchor_sizes: see there.
            n_proposals_train: see there.
            n_proposals: see there.
            n_detections: see there.
            anchors_per_image: see there.
            regions_per_image: see there.
            min_score: see there.
            imagenet_statistics: see there; by default where weights are pre-trained.
            frozen_normalisation: see there; by default where weights are pre-trained.
            pretrained: "imagenet" fills the backbone, "coco" all but the class-wise last layers.
            pretrained_file: a local file in place of the download.

        Raises:
            ConfigurationError: an option is out of range.
            ModelError: the pre-trained weights cannot be had.
        """
        super().__init__(n_inputs)
        if n_inputs > 3:
            raise ConfigurationError(
                f"mask_rcnn takes at most 3 inputs, got {n_inputs}; choose three sequences."
            )
        check_pretrained(pretrained, PRETRAINED, pretrained_file, self.architecture)
        follows = pretrained != "none"
        self.detector_options = DetectorOptions(
            backbone=backbone,
            width=width,
            anchor_sizes=tuple(anchor_sizes),
            n_proposals_train=n_proposals_train,
            n_proposals=n_proposals,
            n_detections=n_detections,
            anchors_per_image=anchors_per_image,
            regions_per_image=regions_per_image,
            min_score=min_score,
            imagenet_statistics=follows if imagenet_statistics is None else imagenet_statistics,
            frozen_normalisation=follows if frozen_normalisation is None else frozen_normalisation,
        )
        self.normalisation = "none" if self.detector_options.frozen_normalisation else "batch"
        self.detector = build_detector(self.detector_options)
        self._fill(pretrained, pretrained_file)

    def _fill(self, pretrained: str, file: str | Path | None) -> None:
        options = self.detector_options
        if pretrained == "imagenet":
            weights = imagenet_weights(options.backbone, file)
            load_pretrained(self.detector.backbone.body, weights, replaced=("fc.",))
        elif pretrained == "coco":
            if (options.backbone, options.width) != ("resnet50", 256):
                raise ConfigurationError(
                    "mask_rcnn: COCO weights exist for backbone resnet50 of width 256 alone, not "
                    f"for {options.backbone} of width {options.width}."
                )
            load_pretrained(self.detector, coco_weights(file), replaced=_COCO_HEADS)

    def forward(self, images: Float[Tensor, "n input row col"]) -> Float[Tensor, "n 1 row col"]:
        """Probabilities of the block's target: where detections overlap, the surest one counts.

        The pixelwise maximum over detections of score x mask, 0 where nothing is detected. Whether
        in training or not, this detects as in prediction and leaves all running statistics alone.
        """
        channels = self._three_channels(images)
        with self._detecting(trains=False, updates_statistics=False):
            found = self.detector(channels)
        return torch.stack(
            [probability_map(each, images.shape[2], images.shape[3]) for each in found]
        )

    def loss(
        self, images: Float[Tensor, "n input row col"], masks: Bool[Tensor, "n 1 row col"]
    ) -> Float[Tensor, ""]:
        """Sum of torchvision's five losses: proposal, its box, class, its box, mask.

        Which anchors and proposals count is drawn from torch's global generator.
        """
        channels = self._three_channels(images)
        targets = [target_instances(mask[0]) for mask in masks]
        with self._detecting(trains=True, updates_statistics=self.training):
            losses = self.detector(channels, targets)
        return torch.stack([loss.float() for loss in losses.values()]).sum()

    def options(self) -> dict[str, Any]:
        """JSON values with which `build_segmenter` makes this network again.

        Pre-trained weights are not asked for again: the saved weights follow from them.
        """
        record = asdict(self.detector_options)
        return record | {"anchor_sizes": list(record["anchor_sizes"])}

    def _three_channels(
        self, images: Float[Tensor, "n input row col"]
    ) -> list[Float[Tensor, "3 row col"]]:
        self.check_input(images)
        return list(images[:, [channel % self.n_inputs for channel in range(3)]])

    @contextmanager
    def _detecting(self, *, trains: bool, updates_statistics: bool) -> Iterator[None]:
        """The library gives losses or detections by mode; ours is asked for either in any mode."""
        modes = [(module, module.training) for module in self.detector.modules()]
        try:
            for module, _ in modes:
                is_norm = isinstance(module, nn.BatchNorm2d)
                module.training = updates_statistics if is_norm else trains
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def target_instances(mask: Bool[Tensor, "row col"]) -> dict[str, Tensor]:
    """Boxes, labels and masks of the 8-connected components, as torchvision takes them.

    A box reaches from a component's first pixel to past its last, so that a single pixel has a box
    of 1 x 1. Without components, all are empty.
    """
    pixels = mask.cpu().numpy().astype(np.uint8)
    n_labels, labels, statistics, _ = cv2.connectedComponentsWithStats(pixels, connectivity=8)
    corners = statistics[1:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]]
    sizes = statistics[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    boxes = np.concatenate([corners, corners + sizes], axis=1).astype(np.float32)
    members = labels == np.arange(1, n_labels)[:, None, None]
    return {
        "boxes": torch.from_numpy(boxes).to(mask.device),
        "labels": torch.ones(n_labels - 1, dtype=torch.int64, device=mask.device),
        "masks": torch.from_numpy(members.astype(np.uint8)).to(mask.device),
    }


def probability_map(
    found: dict[str, Tensor], n_rows: int, n_cols: int
) -> Float[Tensor, "1 {n_rows} {n_cols}"]:
    """Pixelwise maximum over one image's detections of score x mask, 0 where there are none.

    Args:
        found: "scores" (detection) and "masks" (detection, 1, row, col), both in [0, 1].
        n_rows: of the image.
        n_cols: of the image.
    """
    votes = found["scores"][:, None, None, None] * found["masks"]
    nothing = votes.new_zeros((1, 1, n_rows, n_cols))
    return torch.cat([nothing, votes]).amax(dim=0)
