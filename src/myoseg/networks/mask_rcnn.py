"""The paper's Mask R-CNN on ResNet-50 (section 2.4), from torchvision, as a segmentation network.

Each connected component of the target is an instance to detect; the detections together make one
probability map.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from myoseg.blocks import Architecture
from myoseg.errors import ConfigurationError
from myoseg.networks.pretrained import (
    PRETRAINED,
    Pretrained,
    check_pretrained,
    coco_weights,
    imagenet_weights,
    load_pretrained,
)
from myoseg.networks.segmenter import Segmenter
from myoseg.networks.torchvision_operators import ensure_torchvision

BACKBONES: Final = ("resnet50", "resnet34", "resnet18")
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)
_COCO_HEADS: Final = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")


@dataclass(frozen=True)
class Detection:
    """How many regions are looked at, and how; torchvision's numbers but for the anchors.

    The paper's Matterport library detects anchors of 32 to 512 pixels on images enlarged to 1024.
    On the 256 pixels of a slice, which are not enlarged here, these are 8 to 128.

    Attributes:
        anchor_sizes: side of the anchors in pixels, from the finest pyramid level to the coarsest.
        n_proposals_train: proposals kept an image in training.
        n_proposals: proposals kept an image in prediction.
        n_detections: most detections an image.
        anchors_per_image: anchors drawn an image for the proposal loss.
        regions_per_image: proposals drawn an image for the detection and mask losses.
        min_score: detections below this score do not vote.
    """

    anchor_sizes: tuple[int, ...] = (8, 16, 32, 64, 128)
    n_proposals_train: int = 2000
    n_proposals: int = 1000
    n_detections: int = 100
    anchors_per_image: int = 256
    regions_per_image: int = 512
    min_score: float = 0.05

    def __post_init__(self) -> None:
        counts = [getattr(self, field.name) for field in fields(self)[1:-1]]
        if len(self.anchor_sizes) != 5 or any(size < 1 for size in self.anchor_sizes):
            raise ConfigurationError(
                "mask_rcnn: anchor_sizes must be five positive sizes in pixels, got "
                f"{self.anchor_sizes!r}."
            )
        if any(n < 1 for n in counts) or not 0 <= self.min_score < 1:
            raise ConfigurationError(
                "mask_rcnn: proposals, detections, anchors and regions must be positive and "
                f"min_score in [0, 1), got {self}."
            )


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
        backbone: str = "resnet50",
        anchor_sizes: Sequence[int] = Detection.anchor_sizes,
        n_proposals_train: int = Detection.n_proposals_train,
        n_proposals: int = Detection.n_proposals,
        n_detections: int = Detection.n_detections,
        anchors_per_image: int = Detection.anchors_per_image,
        regions_per_image: int = Detection.regions_per_image,
        min_score: float = Detection.min_score,
        imagenet_statistics: bool | None = None,
        frozen_normalisation: bool | None = None,
        pretrained: Pretrained = "none",
        pretrained_file: str | Path | None = None,
    ) -> None:
        """Draws weights that are not pre-trained as torchvision does, from the global generator.

        Args:
            n_inputs: sequences stacked as channels, at most 3.
            backbone: one of `BACKBONES`.
            anchor_sizes: this and the next six as in `Detection`.
            n_proposals_train: see `Detection`.
            n_proposals: see `Detection`.
            n_detections: see `Detection`.
            anchors_per_image: see `Detection`.
            regions_per_image: see `Detection`.
            min_score: see `Detection`.
            imagenet_statistics: subtract ImageNet's mean and divide by its standard deviation;
                by default only with pre-trained weights.
            frozen_normalisation: batch normalisation by fixed statistics; by default only with
                pre-trained weights, as in torchvision.
            pretrained: "imagenet" fills the backbone, "coco" all but the class-wise last layers.
            pretrained_file: a local file in place of the download.

        Raises:
            ConfigurationError: an option is out of range.
            ModelError: the pre-trained weights cannot be had.
        """
        super().__init__(n_inputs)
        _check_options(n_inputs, backbone, pretrained)
        check_pretrained(pretrained, PRETRAINED, pretrained_file, self.architecture)
        self.backbone_name = backbone
        self.detection = Detection(
            anchor_sizes=tuple(anchor_sizes),
            n_proposals_train=n_proposals_train,
            n_proposals=n_proposals,
            n_detections=n_detections,
            anchors_per_image=anchors_per_image,
            regions_per_image=regions_per_image,
            min_score=min_score,
        )
        is_pretrained = pretrained != "none"
        self.imagenet_statistics = (
            is_pretrained if imagenet_statistics is None else imagenet_statistics
        )
        self.frozen_normalisation = (
            is_pretrained if frozen_normalisation is None else frozen_normalisation
        )
        self.normalisation = "none" if self.frozen_normalisation else "batch"
        self.detector = _detector(
            backbone, self.detection, self.imagenet_statistics, self.frozen_normalisation
        )
        if pretrained == "imagenet":
            weights = imagenet_weights(backbone, pretrained_file)
            load_pretrained(self.detector.backbone.body, weights, replaced=("fc.",))
        elif pretrained == "coco":
            load_pretrained(self.detector, coco_weights(pretrained_file), replaced=_COCO_HEADS)

    def forward(self, images: Float[Tensor, "n input row col"]) -> Float[Tensor, "n 1 row col"]:
        """Probabilities of the block's target: where detections overlap, the surest one counts.

        The pixelwise maximum over detections of score x mask, 0 where nothing is detected. Whether
        in training or not, this detects as in prediction and leaves all running statistics alone.
        """
        channels = self._three_channels(images)
        with self._detecting(trains=False, updates_statistics=False):
            found = self.detector(channels)
        return torch.stack([_probability_map(each, images) for each in found])

    def loss(
        self, images: Float[Tensor, "n input row col"], masks: Bool[Tensor, "n 1 row col"]
    ) -> Float[Tensor, ""]:
        """Sum of torchvision's five losses: proposal, its box, class, its box, mask.

        Which anchors and proposals count is drawn from torch's global generator.
        """
        channels = self._three_channels(images)
        targets = [_instances(mask[0]) for mask in masks]
        with self._detecting(trains=True, updates_statistics=self.training):
            losses = self.detector(channels, targets)
        return torch.stack([loss.float() for loss in losses.values()]).sum()

    def options(self) -> dict[str, Any]:
        """JSON values with which `build_segmenter` makes this network again.

        Pre-trained weights are not asked for again: the saved weights follow from them.
        """
        detection = asdict(self.detection)
        return {
            "backbone": self.backbone_name,
            **detection | {"anchor_sizes": list(self.detection.anchor_sizes)},
            "imagenet_statistics": self.imagenet_statistics,
            "frozen_normalisation": self.frozen_normalisation,
        }

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


def _detector(
    backbone: str, detection: Detection, imagenet_statistics: bool, frozen_normalisation: bool
) -> Any:
    """The library's Mask R-CNN for background and target, at the images' own size."""
    ensure_torchvision()
    from torchvision.models.detection import MaskRCNN as Detector
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    from torchvision.ops import FrozenBatchNorm2d

    ratios = ((0.5, 1.0, 2.0),) * len(detection.anchor_sizes)
    detector = Detector(
        resnet_fpn_backbone(
            backbone_name=backbone,
            weights=None,
            norm_layer=FrozenBatchNorm2d if frozen_normalisation else nn.BatchNorm2d,
            trainable_layers=5,
        ),
        num_classes=2,
        image_mean=IMAGENET_MEAN if imagenet_statistics else (0.0, 0.0, 0.0),
        image_std=IMAGENET_STD if imagenet_statistics else (1.0, 1.0, 1.0),
        rpn_anchor_generator=AnchorGenerator([(size,) for size in detection.anchor_sizes], ratios),
        rpn_post_nms_top_n_train=detection.n_proposals_train,
        rpn_post_nms_top_n_test=detection.n_proposals,
        rpn_batch_size_per_image=detection.anchors_per_image,
        box_batch_size_per_image=detection.regions_per_image,
        box_detections_per_img=detection.n_detections,
        box_score_thresh=detection.min_score,
    )
    detector.transform.resize = _keep_size
    return detector


def _keep_size(image: Tensor, target: Any = None) -> tuple[Tensor, Any]:
    """Stands for the transform's rescaling to 800 pixels and more."""
    return image, target


def _instances(mask: Bool[Tensor, "row col"]) -> dict[str, Tensor]:
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


def _probability_map(
    found: dict[str, Tensor], images: Float[Tensor, "n input row col"]
) -> Float[Tensor, "1 row col"]:
    """Pixelwise maximum over detections of score x mask (section 2.4 averages such maps)."""
    votes = found["scores"][:, None, None, None] * found["masks"]
    nothing = votes.new_zeros((1, 1, *images.shape[2:]))
    return torch.cat([nothing, votes]).amax(dim=0)


def _check_options(n_inputs: int, backbone: str, pretrained: str) -> None:
    if n_inputs > 3:
        raise ConfigurationError(
            f"mask_rcnn takes at most 3 inputs, got {n_inputs}; choose three sequences."
        )
    if backbone not in BACKBONES:
        raise ConfigurationError(
            f"mask_rcnn: backbone {backbone!r} is unknown; use {' or '.join(BACKBONES)}."
        )
    if pretrained == "coco" and backbone != "resnet50":
        raise ConfigurationError(
            f"mask_rcnn: COCO weights exist for resnet50 alone, not for {backbone}."
        )
