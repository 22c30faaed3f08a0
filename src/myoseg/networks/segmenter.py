"""What every network of the paper is to the rest: images in, one probability map out."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final, Literal, get_args

from jaxtyping import Bool, Float
from torch import Tensor, nn

from myoseg.blocks import Architecture
from myoseg.errors import InputError
from myoseg.networks.losses import Loss, loss_of_logits

Normalisation = Literal["none", "instance", "batch"]
NORMALISATIONS: Final[tuple[Normalisation, ...]] = get_args(Normalisation)


class Segmenter(nn.Module, ABC):
    """A binary segmentation network (paper, section 2.4)."""

    architecture: ClassVar[Architecture]
    stride: int
    """Rows and columns of an image must be multiples of this."""
    normalisation: Normalisation = "none"
    """Over what the network normalises its maps; it needs two values or more to do so."""

    def __init__(self, n_inputs: int) -> None:
        super().__init__()
        self.n_inputs = n_inputs

    @abstractmethod
    def forward(self, images: Float[Tensor, "n input row col"]) -> Float[Tensor, "n 1 row col"]:
        """Probabilities of the block's target, in [0, 1]."""

    @abstractmethod
    def loss(
        self, images: Float[Tensor, "n input row col"], masks: Bool[Tensor, "n 1 row col"]
    ) -> Float[Tensor, ""]:
        """The scalar that training minimises; slices without the target are valid."""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """JSON values with which `build_segmenter` makes this network again."""

    def check_input(self, images: Tensor) -> None:
        """Refuses images that the network cannot take.

        Raises:
            InputError: wrong number of axes or of sequences, a size the stride does not divide, or
                too few pixels to normalise over.
        """
        if images.ndim != 4 or images.shape[1] != self.n_inputs:
            raise InputError(
                f"{self.architecture} takes images of shape (n, {self.n_inputs}, row, col), got "
                f"{tuple(images.shape)}; give one channel for each sequence of the block."
            )
        rows, cols = images.shape[2:]
        if rows % self.stride or cols % self.stride or not rows * cols:
            wanted = [max(1, round(size / self.stride)) * self.stride for size in (rows, cols)]
            raise InputError(
                f"{self.architecture} takes rows and columns in multiples of {self.stride}, got "
                f"{rows} x {cols}; pad or crop to {wanted[0]} x {wanted[1]}."
            )
        n_pixels = rows * cols // self.stride**2
        n_together = n_pixels * len(images) if self.normalisation == "batch" else n_pixels
        normalises = self.normalisation == "instance" or (
            self.normalisation == "batch" and self.training
        )
        if normalises and n_together == 1:
            raise InputError(
                f"{self.architecture} normalises over 1 pixel where maps are coarsest, got images "
                f"of {rows} x {cols}; give larger images, or more of them."
            )


class LogitSegmenter(Segmenter):
    """A network that gives scores to be put through a sigmoid; U-Net and U-Net++ are."""

    def __init__(self, n_inputs: int, loss: Loss) -> None:
        super().__init__(n_inputs)
        self.loss_name = loss

    @abstractmethod
    def logits(self, images: Float[Tensor, "n input row col"]) -> Float[Tensor, "n 1 row col"]:
        """The output before its sigmoid.

        Raises:
            InputError: the images have the wrong number of channels or a size the stride does not
                divide.
        """

    def forward(self, images: Float[Tensor, "n input row col"]) -> Float[Tensor, "n 1 row col"]:
        """Probabilities of the block's target, in [0, 1]."""
        return self.logits(images).sigmoid()

    def loss(
        self, images: Float[Tensor, "n input row col"], masks: Bool[Tensor, "n 1 row col"]
    ) -> Float[Tensor, ""]:
        """The negative Dice coefficient, or what the option `loss` names."""
        return loss_of_logits(self.logits(images), masks, self.loss_name)
