"""Slices of every sequence in, small pictures of one square about the heart out, on one lattice."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from myoseg.anatomy import Sequence
from myoseg.cases.alignment.planes import Axes, Vector, pixel_map, slice_origin_mm
from myoseg.cases.alignment.resampling import STILL
from myoseg.cases.case import Geometry
from myoseg.cases.on_grid import ImageOnGrid

Picture = Float32[np.ndarray, "row col"]

PIXEL_MM: Final = 1.25
SMOOTHING_MM: Final = 0.8
SEARCH_MM: Final = 15.0
"""The farthest that a slice is looked for, along rows and along columns."""

SEARCH_PX: Final = round(SEARCH_MM / PIXEL_MM)
HALF_MM: Final = 45.0


@dataclass(frozen=True, eq=False)
class Region:
    """The square in which slices are compared.

    Attributes:
        centre_mm: its middle in the patient (RAS); of its depth only the slices' order depends.
        half_mm: half its side.
    """

    centre_mm: Vector
    half_mm: float = HALF_MM


@dataclass(frozen=True, eq=False)
class Patch:
    """One slice's picture of the region, with a rim of `SEARCH_PX` around it.

    Attributes:
        sequence: whose slice it is.
        index: of the slice.
        depth_mm: of the slice along the reference's `Axes.through`, from the region's centre.
        picture: intensities, zero mean and unit deviation; zero throughout where all are equal.
    """

    sequence: Sequence
    index: int
    depth_mm: float
    picture: Picture

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it to compare."""
        return not self.picture.any()

    @property
    def inner(self) -> Picture:
        """The region without the rim."""
        return self.picture[SEARCH_PX:-SEARCH_PX, SEARCH_PX:-SEARCH_PX]


def cut_patches(sequence: Sequence, image: ImageOnGrid, axes: Axes, region: Region) -> list[Patch]:
    """A patch of each slice of a sequence, on a lattice along the reference's axes."""
    normal = Axes.of(image.geometry).through
    patches = []
    for index, plane in enumerate(image.volume):
        gap_mm = (slice_origin_mm(image.geometry, index) - region.centre_mm) @ normal
        depth_mm = float(gap_mm / (normal @ axes.through))
        lattice = _lattice(axes, region, depth_mm)
        matrix, offset = pixel_map(lattice, 0, image.geometry, index, STILL)
        sigma = [SMOOTHING_MM / spacing for spacing in image.geometry.spacing_mm[1:]]
        smooth = ndimage.gaussian_filter(plane.astype(np.float32), sigma)
        shape = lattice.shape[1:]
        picture = ndimage.affine_transform(
            smooth, matrix, offset, output_shape=shape, order=1, mode="nearest"
        )
        patches.append(Patch(sequence, index, depth_mm, _standardised(picture)))
    return patches


def _lattice(axes: Axes, region: Region, depth_mm: float) -> Geometry:
    half_px = round(region.half_mm / PIXEL_MM) + SEARCH_PX
    side = 2 * half_px + 1
    affine = np.eye(4)
    steps = (axes.right * PIXEL_MM, axes.down * PIXEL_MM, axes.through)
    affine[:3, :3] = np.stack(steps, axis=1)
    corner_mm = -half_px * PIXEL_MM * (axes.right + axes.down)
    affine[:3, 3] = region.centre_mm + depth_mm * axes.through + corner_mm
    return Geometry((1, side, side), affine)


def _standardised(picture: Picture) -> Picture:
    spread = float(picture.std())
    if spread <= 1e-6 * max(float(np.abs(picture).max()), 1e-30):
        return np.zeros_like(picture)
    return np.asarray((picture - picture.mean()) / spread, dtype=np.float32)
