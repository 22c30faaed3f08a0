"""A case in, slices of one size out, and the way back to the native matrix (section 2.1)."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Int16, Shaped

from myoseg.anatomy import BACKGROUND, Sequence, Tissues
from myoseg.cases.case import Case
from myoseg.errors import InputError
from myoseg.slices.normalisation import OUTSIDE

_Index: TypeAlias = tuple[EllipsisType, slice, slice]


@dataclass(frozen=True)
class SliceOrigin:
    """Where a slice comes from: its case's name and its index along the case's slice axis."""

    case: str
    index: int


@dataclass(frozen=True, eq=False)
class LabelledSlice:
    """One short-axis slice: its sequences, and its labels in MyoPS codes if they were drawn.

    `groups` says which tissues the labels tell apart, as in `cases.case.LabelMap`; it is empty
    where there are no labels.
    """

    images: Float32[np.ndarray, "sequence row col"]
    sequences: tuple[Sequence, ...]
    labels: Int16[np.ndarray, "row col"] | None
    groups: tuple[Tissues, ...]
    origin: SliceOrigin

    def restricted_to(self, sequences: Collection[Sequence]) -> "LabelledSlice":
        """The slice with those of its sequences that are among `sequences`, in its own order.

        Training one block reads few sequences; the others need not be warped and normalised.
        """
        kept = [index for index, name in enumerate(self.sequences) if name in sequences]
        return replace(
            self,
            images=self.images[kept],
            sequences=tuple(self.sequences[index] for index in kept),
        )


@dataclass(frozen=True)
class CentreWindow:
    """A square of `size_px` pixels about the centre of a matrix of shape (row, col).

    Where the matrix is smaller than the window, the window reaches outside it and is padded. Where
    their difference is odd, the window starts at the lower of the two indices that qualify.
    """

    shape: tuple[int, int]
    size_px: int

    @classmethod
    def of(cls, shape: tuple[int, int], size_px: int) -> "CentreWindow":
        """The window of `size_px` about the centre of a matrix of `shape`.

        Raises:
            ValueError: a size is not positive.
        """
        if min(*shape, size_px) < 1:
            raise ValueError(f"a window of {size_px} px in a matrix of {shape} has no pixels")
        return cls(shape, size_px)

    def crop(
        self, image: Shaped[np.ndarray, "*stack row col"], fill: int | float = 0
    ) -> Shaped[np.ndarray, "*stack size size"]:
        """The window's pixels, as a copy; `fill` where the window leaves the matrix.

        Raises:
            ValueError: the last two axes are not the window's `shape`.
        """
        _require_shape(image, self.shape)
        patch = np.full((*image.shape[:-2], self.size_px, self.size_px), fill, dtype=image.dtype)
        in_matrix, in_patch = self._overlap
        patch[in_patch] = image[in_matrix]
        return patch

    def paste(
        self, patch: Shaped[np.ndarray, "*stack size size"], background: int | float = 0
    ) -> Shaped[np.ndarray, "*stack row col"]:
        """A matrix of the native shape holding the patch; `background` outside the window.

        Raises:
            ValueError: the last two axes are not `size_px` by `size_px`.
        """
        _require_shape(patch, (self.size_px, self.size_px))
        image = np.full((*patch.shape[:-2], *self.shape), background, dtype=patch.dtype)
        in_matrix, in_patch = self._overlap
        image[in_matrix] = patch[in_patch]
        return image

    @property
    def start(self) -> tuple[int, int]:
        """The matrix row and column of the window's first pixel; negative where it is padded."""
        rows, cols = self.shape
        return (rows - self.size_px) // 2, (cols - self.size_px) // 2

    @property
    def _overlap(self) -> tuple[_Index, _Index]:
        """The pixels that matrix and window share, as an index of the one and of the other."""
        (top, left), (rows, cols), size = self.start, self.shape, self.size_px
        in_matrix = (
            ...,
            slice(max(top, 0), min(top + size, rows)),
            slice(max(left, 0), min(left + size, cols)),
        )
        in_patch = (
            ...,
            slice(max(-top, 0), min(rows - top, size)),
            slice(max(-left, 0), min(cols - left, size)),
        )
        return in_matrix, in_patch


def _require_shape(image: Shaped[np.ndarray, "*shape"], shape: tuple[int, int]) -> None:
    if image.shape[-2:] != shape:
        raise ValueError(f"expected rows and columns of {shape}, got {image.shape[-2:]}")


def extract_slices(case: Case, size_px: int = 256) -> tuple[LabelledSlice, ...]:
    """A case slice by slice, cut to `size_px` about the centre and padded where smaller.

    Padding is `normalisation.OUTSIDE` in images and background in labels.

    Raises:
        InputError: the case has no sequence.
    """
    if not case.sequences:
        raise InputError(f"case {case.name} has no sequence; give at least one of its images.")
    window = CentreWindow.of(case.geometry.shape[1:], size_px)
    volumes = np.stack([case.images[sequence] for sequence in case.sequences])
    images = window.crop(volumes, fill=OUTSIDE)
    labels = None if case.labels is None else window.crop(case.labels.codes, fill=BACKGROUND)
    return tuple(
        LabelledSlice(
            images=images[:, index],
            sequences=case.sequences,
            labels=None if labels is None else labels[index],
            groups=() if case.labels is None else case.labels.groups,
            origin=SliceOrigin(case.name, index),
        )
        for index in range(case.n_slices)
    )
