"""Distances between the surfaces of two masks, in millimetres, as MONAI defines them.

A voxel lies on the surface if one of its six neighbours is outside the mask; what is beyond the
volume is outside. Distances run between voxel centres, in 3-D.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy.ndimage import distance_transform_edt

Mask = Bool[np.ndarray, "slice row col"]


@dataclass(frozen=True)
class SurfaceDistances:
    """How far apart two surfaces are.

    `hd95_mm` is the larger of the two directed 95th percentiles; `assd_mm` is the mean over the
    surface voxels of both masks.
    """

    hd95_mm: float
    assd_mm: float


def surface_distances(
    predicted: Mask, true: Mask, spacing_mm: tuple[float, float, float]
) -> SurfaceDistances | None:
    """Hausdorff distance at the 95th percentile and average symmetric surface distance.

    Args:
        predicted: the automatic mask.
        true: the manual mask, on the same grid.
        spacing_mm: distance of neighbouring voxels along slice, row and column.

    Returns:
        None if either mask is empty: there is no surface to measure from.
    """
    if not predicted.any() or not true.any():
        return None
    box = _bounding_box(predicted | true)
    surfaces = [_surface(mask[box]) for mask in (predicted, true)]
    there, back = (
        _distances_mm(one, other, spacing_mm) for one, other in (surfaces, surfaces[::-1])
    )
    return SurfaceDistances(
        hd95_mm=float(max(np.percentile(directed, 95) for directed in (there, back))),
        assd_mm=float(np.concatenate([there, back]).mean()),
    )


def _bounding_box(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds a mask that is not empty."""
    held = (np.flatnonzero(mask.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1)))
    return tuple(slice(int(along[0]), int(along[-1]) + 1) for along in held)


def _surface(mask: Mask) -> Mask:
    """The mask's voxels of which one of the six neighbours is outside."""
    padded, inner = np.pad(mask, 1), mask.copy()
    for axis in range(mask.ndim):
        for beside in (slice(None, -2), slice(2, None)):
            inner &= padded[tuple(beside if k == axis else slice(1, -1) for k in range(mask.ndim))]
    return np.asarray(mask & ~inner)


def _distances_mm(
    surface: Mask, other: Mask, spacing_mm: tuple[float, float, float]
) -> Float64[np.ndarray, " voxel"]:
    """How far each voxel of a surface is from the nearest one of another."""
    return np.asarray(distance_transform_edt(~other, sampling=spacing_mm)[surface])
