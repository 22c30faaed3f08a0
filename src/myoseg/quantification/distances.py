"""Distances between the surfaces of two masks, in millimetres, from MONAI.

A voxel lies on the surface if one of its six neighbours is outside the mask; what is beyond the
volume is outside. Distances run between voxel centres, in 3-D.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

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
    pair = [torch.from_numpy(mask[box].copy())[None, None] for mask in (predicted, true)]
    options = {"include_background": True, "spacing": spacing_mm}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MONAI's notice to itself, of an argument
        hd95 = compute_hausdorff_distance(*pair, percentile=95, **options)
        assd = compute_average_surface_distance(*pair, symmetric=True, **options)
    return SurfaceDistances(hd95_mm=float(hd95), assd_mm=float(assd))


def _bounding_box(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds a mask that is not empty."""
    return tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in np.nonzero(mask))
