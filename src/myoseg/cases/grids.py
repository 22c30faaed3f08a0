"""Whether two volumes lie on one grid, and by how many millimetres they do not."""

from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from myoseg.cases.case import Geometry
from myoseg.errors import GeometryError

TOLERANCE_VOXELS: Final = 0.05
"""Corners may lie this part of the smallest voxel edge apart: affines are equal to rounding only,
and a program that makes direction cosines orthonormal moves far corners by some micrometres."""


def require_same_grid(
    path: Path, geometry: Geometry, other_path: Path, other_geometry: Geometry
) -> None:
    """Checks that two files share a grid within rounding.

    Raises:
        GeometryError: they do not; names both files, both shapes and the largest distance of
            corresponding corners.
    """
    if same_grid(geometry, other_geometry):
        return
    distance_mm = corner_distance_mm(geometry, other_geometry)
    raise GeometryError(
        f"{path} is {in_words(geometry)} but {other_path} is {in_words(other_geometry)}, and "
        f"their corners lie up to {distance_mm:.3g} mm apart; resample both to one grid."
    )


def same_grid(geometry: Geometry, other: Geometry) -> bool:
    """Whether two geometries are equal within rounding."""
    tolerance_mm = TOLERANCE_VOXELS * min(*geometry.spacing_mm, *other.spacing_mm)
    return geometry.shape == other.shape and corner_distance_mm(geometry, other) <= tolerance_mm


def corner_distance_mm(geometry: Geometry, other: Geometry) -> float:
    """The largest distance of corresponding corner voxels."""
    gaps = _corners_mm(geometry) - _corners_mm(other)
    return float(np.linalg.norm(gaps, axis=1).max())


def in_words(geometry: Geometry) -> str:
    """The shape as a NIfTI file has it: columns x rows x slices."""
    return "x".join(str(length) for length in reversed(geometry.shape))


def _corners_mm(geometry: Geometry) -> Float[np.ndarray, "corner 3"]:
    n_slices, n_rows, n_cols = geometry.shape
    corners = np.array(list(product((0, n_cols - 1), (0, n_rows - 1), (0, n_slices - 1))))
    corners_mm: np.ndarray = corners @ geometry.affine[:3, :3].T + geometry.affine[:3, 3]
    return corners_mm
