"""A source's slices and their motions in; a volume on the reference's grid out, sampled once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from myoseg.cases.alignment.planes import Cover, Motion, pixel_map
from myoseg.cases.case import Geometry, Volume
from myoseg.cases.grids import TOLERANCE_VOXELS
from myoseg.cases.on_grid import ImageOnGrid

Plane = Float32[np.ndarray, "row col"]
Mask = Bool[np.ndarray, "row col"]

STILL: Final = Motion(np.eye(3), np.zeros(3))


@dataclass(frozen=True, eq=False)
class Resampled:
    """An image on the reference's grid.

    Attributes:
        volume: the image; where the source shows nothing, the lowest value of its slice, and in a
            slice without cover the lowest of the source.
        covered: where the source shows something.
    """

    volume: Volume
    covered: Bool[np.ndarray, "slice row col"]


def resample(
    source: ImageOnGrid,
    reference: Geometry,
    cover: tuple[Cover, ...],
    motions: tuple[Motion, ...],
) -> Resampled:
    """Brings an image onto the reference's grid, linearly within slices and never between them.

    A slice whose pixels lie on those of the reference's is taken as it is.
    """
    volume = np.full(reference.shape, source.volume.min(), dtype=np.float32)
    covered = np.zeros(reference.shape, dtype=np.bool_)
    for index, (each, motion) in enumerate(zip(cover, motions, strict=True)):
        if each.index is not None:
            volume[index], covered[index] = _slice(source, reference, index, each.index, motion)
    return Resampled(volume, covered)


def coincides(
    reference: Geometry, index: int, source: Geometry, source_index: int, motion: Motion
) -> bool:
    """Whether both slices have the same pixels, to within a twentieth of one."""
    if reference.shape[1:] != source.shape[1:]:
        return False
    matrix, offset = pixel_map(reference, index, source, source_index, motion)
    n_rows, n_cols = reference.shape[1:]
    corners = np.array([[row, col] for row in (0, n_rows - 1) for col in (0, n_cols - 1)])
    return bool(np.abs(corners @ (matrix - np.eye(2)).T + offset).max() <= TOLERANCE_VOXELS)


def _slice(
    source: ImageOnGrid, reference: Geometry, index: int, source_index: int, motion: Motion
) -> tuple[Plane, Mask]:
    plane = source.volume[source_index]
    shape = reference.shape[1:]
    if coincides(reference, index, source.geometry, source_index, motion):
        return plane, np.ones(shape, dtype=np.bool_)
    matrix, offset = pixel_map(reference, index, source.geometry, source_index, motion)
    inside = _inside(matrix, offset, shape, plane.shape)
    sampled = ndimage.affine_transform(
        plane, matrix, offset, output_shape=shape, order=1, mode="nearest"
    )
    return np.where(inside, sampled, plane.min()), inside


def _inside(
    matrix: np.ndarray, offset: np.ndarray, shape: tuple[int, ...], source_shape: tuple[int, ...]
) -> Mask:
    """Pixels whose middle lies on a pixel of the source."""
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    inside = np.ones(shape, dtype=np.bool_)
    for axis in range(2):
        at = matrix[axis, 0] * rows + matrix[axis, 1] * cols + offset[axis]
        inside &= (at >= -0.5) & (at <= source_shape[axis] - 0.5)
    return inside
