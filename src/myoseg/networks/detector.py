"""torchvision's Mask R-CNN at the size of a slice: options in, a detector with initial weights out.

The paper used Matterport's library (its reference 1), which is not kept up; the anchors here are
that library's, in pixels of a slice. All else is torchvision's.
"""

from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from myoseg.errors import ConfigurationError
from myoseg.networks.choices import choose
from myoseg.networks.torchvision_operators import ensure_torchvision

BACKBONES: Final = ("resnet50", "resnet34", "resnet18")
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class DetectorOptions:
    """What the detector is made of and how many regions it looks at; torchvision's numbers.

    The anchors alone differ: Matterport's 32 to 512 pixels are for images enlarged to 1024. On the
    256 pixels of a slice, which are not enlarged here, these are 8 to 128.

    Attributes:
        backbone: one of `BACKBONES`.
        width: channels of the feature pyramid and of the mask head; the box head has four times as
            many.
        anchor_sizes: side of the anchors in pixels, from the finest pyramid level to the coarsest.
        n_proposals_train: proposals kept an image in training.
        n_proposals: proposals kept an image in prediction.
        n_detections: most detections an image.
        anchors_per_image: anchors drawn an image for the proposal losses.
        regions_per_image: proposals drawn an image for the class, box and mask losses.
        min_score: detections below this score are dropped.
        imagenet_statistics: images are brought to ImageNet's mean and standard deviation.
        frozen_normalisation: the backbone normalises by fixed statistics, not by the batch's.

    Raises:
        ConfigurationError: an option is out of range.
    """

    backbone: str = "resnet50"
    width: int = 256
    anchor_sizes: tuple[int, ...] = (8, 16, 32, 64, 128)
    n_proposals_train: int = 2000
    n_proposals: int = 1000
    n_detections: int = 100
    anchors_per_image: int = 256
    regions_per_image: int = 512
    min_score: float = 0.05
    imagenet_statistics: bool = False
    frozen_normalisation: bool = False

    def __post_init__(self) -> None:
        choose(self.backbone, BACKBONES, "mask_rcnn: backbone")
        if len(self.anchor_sizes) != 5 or any(size < 1 for size in self.anchor_sizes):
            raise ConfigurationError(
                "mask_rcnn: anchor_sizes must be five positive sizes in pixels, got "
                f"{self.anchor_sizes!r}."
            )
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise ConfigurationError(
                    f"mask_rcnn: {name} must be 1 or more, got {getattr(self, name)}."
                )
        if not 0 <= self.min_score < 1:
            raise ConfigurationError(
                f"mask_rcnn: min_score must be in [0, 1), got {self.min_score}."
            )


_COUNTS: Final = (
    *("width", "n_proposals_train", "n_proposals", "n_detections"),
    *("anchors_per_image", "regions_per_image"),
)


def build_detector(options: DetectorOptions) -> Any:
    """A `torchvision.models.detection.MaskRCNN` for background and target.

    It takes images of three channels at their own size, which 32 must divide.
    """
    ensure_torchvision()
    from torchvision.models.detection import MaskRCNN, faster_rcnn, mask_rcnn
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    width, sizes = options.width, [(size,) for size in options.anchor_sizes]
    detector = MaskRCNN(
        _backbone(options),
        image_mean=IMAGENET_MEAN if options.imagenet_statistics else (0.0, 0.0, 0.0),
        image_std=IMAGENET_STD if options.imagenet_statistics else (1.0, 1.0, 1.0),
        rpn_anchor_generator=AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes)),
        rpn_post_nms_top_n_train=options.n_proposals_train,
        rpn_post_nms_top_n_test=options.n_proposals,
        rpn_batch_size_per_image=options.anchors_per_image,
        box_head=faster_rcnn.TwoMLPHead(width * 7**2, 4 * width),
        box_predictor=faster_rcnn.FastRCNNPredictor(4 * width, num_classes=2),
        box_batch_size_per_image=options.regions_per_image,
        box_detections_per_img=options.n_detections,
        box_score_thresh=options.min_score,
        mask_head=mask_rcnn.MaskRCNNHeads(width, (width,) * 4, dilation=1),
        mask_predictor=mask_rcnn.MaskRCNNPredictor(width, width, num_classes=2),
    )
    detector.transform.resize = _keep_size
    return detector


def _backbone(options: DetectorOptions) -> Any:
    """A ResNet without its classifier, under a feature pyramid of five levels."""
    from torchvision.models import resnet
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.ops import FrozenBatchNorm2d

    norm = FrozenBatchNorm2d if options.frozen_normalisation else nn.BatchNorm2d
    network = getattr(resnet, options.backbone)(weights=None, norm_layer=norm)
    stages = {f"layer{level + 1}": str(level) for level in range(4)}
    n_channels = [network.inplanes // 2**level for level in (3, 2, 1, 0)]
    return BackboneWithFPN(network, stages, n_channels, options.width)


def _keep_size(image: Tensor, target: Any = None) -> tuple[Tensor, Any]:
    """Stands for the library's rescaling to 800 pixels and more."""
    return image, target
