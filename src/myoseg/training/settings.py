"""The sections of a training recipe: each setting, its type and its range.

No setting has a default here: the presets hold every value, and a recipe file of one's own states
them all or extends a preset.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from myoseg.slices.augmentation import Augmentation
from myoseg.slices.normalisation import Preprocessing

Loss: TypeAlias = Literal["dice", "dice+cross_entropy"]
Normalisation: TypeAlias = Literal["none", "batch", "instance"]
Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
Range: TypeAlias = Annotated[
    tuple[Annotated[float, Field(gt=0, le=10)], Annotated[float, Field(gt=0, le=10)]],
    Field(strict=False),
]
Channels: TypeAlias = Annotated[int, Field(ge=1, le=2048)]
Count: TypeAlias = Annotated[int, Field(ge=1, le=10_000)]


class Section(BaseModel):
    """Settings that cannot change, of exact types, with none besides those named."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def require_ascending(section: Section, names: tuple[str, ...]) -> None:
    """Checks that these settings are ranges from low to high.

    Raises:
        ValueError: one is not.
    """
    for name in names:
        low, high = getattr(section, name)
        if low > high:
            raise ValueError(f"{name} must ascend, got [{low}, {high}]")


class PreprocessingSettings(Section):
    """Slice size and normalisation (sections 2.1 and 2.2)."""

    size_px: int = Field(ge=32, le=1024, multiple_of=32)
    low_percentile: float = Field(ge=0, lt=50)
    high_percentile: float = Field(gt=50, le=100)
    clip: bool

    def to_preprocessing(self) -> Preprocessing:
        """The same as the type that `slices` takes."""
        return Preprocessing(**self.model_dump())


class AugmentationSettings(Section):
    """Warps and turns (section 2.1), and what the paper does not have; see `Augmentation`.

    `redraw` draws other warps in every epoch; the paper draws its 20 once.
    """

    warp_grid: int = Field(ge=2, le=64)
    warp_max_px: float = Field(ge=0, le=50)
    n_warps: int = Field(ge=1, le=1000)
    n_rotated: int = Field(ge=0, le=3)
    taper_px: int = Field(ge=0, le=128)
    rotation_deg: float = Field(ge=0, le=180)
    scale_range: Range
    flip: bool
    gamma_range: Range
    gain_range: Range
    redraw: bool

    @model_validator(mode="after")
    def _ranges_ascend(self) -> "AugmentationSettings":
        require_ascending(self, ("scale_range", "gamma_range", "gain_range"))
        return self

    def to_augmentation(self) -> Augmentation:
        """The same as the type that `slices` takes."""
        return Augmentation(**self.model_dump(exclude={"redraw"}))


class SplitSettings(Section):
    """Which slices validate: those of whole patients, or samples drawn after augmentation.

    `n_folds` matters only where a fold is asked for, `validation_share` only where none is.
    """

    by: Literal["patient", "sample"]
    validation_share: Share
    n_folds: int = Field(ge=2, le=100)


class NetworkSettings(Section):
    """How one architecture is trained (section 2.4).

    `steps_per_epoch: null` is one pass over the samples; `batch_size` counts slices on each device;
    `gradient_clip: 0` clips nothing.
    """

    epochs: int = Field(ge=1, le=100_000)
    steps_per_epoch: int | None = Field(ge=1, le=1_000_000)
    batch_size: int = Field(ge=1, le=1024)
    optimiser: Literal["adam"]
    learning_rate: float = Field(gt=0, le=1)
    schedule: Literal["constant", "cosine", "polynomial"]
    gradient_clip: float = Field(ge=0, le=1000)


class UNetOptions(Section):
    """Figure 2's U-Net: channels at full size, 1/2, 1/4 and 1/8, and the loss."""

    channels: Annotated[tuple[Channels, ...], Field(min_length=1, max_length=6, strict=False)]
    normalisation: Normalisation
    loss: Loss


class UNetPlusPlusOptions(Section):
    """U-Net++: its encoder, channels from the coarsest level to full size, and the loss."""

    encoder: str = Field(min_length=1)
    decoder_channels: Annotated[
        tuple[Channels, ...], Field(min_length=5, max_length=5, strict=False)
    ]
    loss: Loss
    pretrained: Literal["none", "imagenet"]
    pretrained_file: str | None


class MaskRCNNOptions(Section):
    """Mask R-CNN's backbone and how many regions it looks at; its loss is its own."""

    backbone: Literal["resnet50", "resnet34", "resnet18"]
    width: Channels
    anchor_sizes: Annotated[tuple[Count, ...], Field(min_length=5, max_length=5, strict=False)]
    n_proposals_train: Count
    n_proposals: Count
    n_detections: Count
    anchors_per_image: Count
    regions_per_image: Count
    min_score: float = Field(ge=0, lt=1)
    pretrained: Literal["none", "imagenet", "coco"]
    pretrained_file: str | None


class UNetSettings(NetworkSettings):
    """How U-Net is built and trained."""

    options: UNetOptions


class UNetPlusPlusSettings(NetworkSettings):
    """How U-Net++ is built and trained."""

    options: UNetPlusPlusOptions


class MaskRCNNSettings(NetworkSettings):
    """How Mask R-CNN is built and trained."""

    options: MaskRCNNOptions


class NetworksSettings(Section):
    """One section for each architecture; the fields are the values of `Architecture`."""

    unet: UNetSettings
    mask_rcnn: MaskRCNNSettings
    unet_plus_plus: UNetPlusPlusSettings
