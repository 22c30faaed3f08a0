"""Two stacks of slices in; out comes which slice shows what the other's does, and where in it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from myoseg.cases.case import Geometry

Vector = Float[np.ndarray, "3"]

ROUNDING: Final = 1e-3
"""Of a step between slices: so far beyond half of it a slice still counts as covered."""


@dataclass(frozen=True, eq=False)
class Axes:
    """Directions in the patient (RAS unit vectors) of one stack's rows, columns and slices.

    `down` is that of increasing rows, `right` that of increasing columns made perpendicular to it,
    `through` is perpendicular to both.
    """

    down: Vector
    right: Vector
    through: Vector

    @classmethod
    def of(cls, geometry: Geometry) -> "Axes":
        """Those of a grid."""
        down = _unit(geometry.affine[:3, 1])
        across = geometry.affine[:3, 0]
        right = _unit(across - (across @ down) * down)
        return cls(down, right, np.cross(right, down))


@dataclass(frozen=True, eq=False)
class Motion:
    """Where the source shows what the reference shows at x: at `matrix @ x + offset_mm` (RAS)."""

    matrix: Float[np.ndarray, "3 3"]
    offset_mm: Vector

    @classmethod
    def by(cls, displacement_mm: Vector) -> "Motion":
        """The source shows everything so much further on."""
        return cls(np.eye(3), np.asarray(displacement_mm, dtype=np.float64))


@dataclass(frozen=True)
class Cover:
    """The source's slice that stands for a slice of the reference.

    Attributes:
        index: of the nearest slice of the source; None where none is near enough.
        distance_mm: from the reference's slice to the nearest one, signed along the reference's
            `Axes.through`.
    """

    index: int | None
    distance_mm: float


def covers(reference: Geometry, source: Geometry, at_mm: Vector) -> tuple[Cover, ...]:
    """For each slice of the reference the source's nearest slice, if it is near enough.

    Near enough is half the distance between the source's slices: between two slices the nearer one
    always is, and the outermost reach as far outward as inward. Of a source of one slice, whose
    distance to others is not known, the larger of both grids' spacings counts.

    Args:
        reference: the grid that images are brought onto.
        source: the grid that they are on, in planes parallel to it but for some degrees.
        at_mm: where distances are measured, for planes that are not quite parallel.
    """
    through = Axes.of(reference).through
    normal = Axes.of(source).through
    away = normal / (normal @ through)
    n_slices = source.shape[0]
    step_mm = abs(float(source.affine[:3, 2] @ normal))
    if n_slices == 1:
        step_mm = max(step_mm, reference.spacing_mm[0])
    limit_mm = (0.5 + ROUNDING) * step_mm
    found = []
    for index in range(reference.shape[0]):
        start_mm = at_mm + ((slice_origin_mm(reference, index) - at_mm) @ through) * through
        gaps_mm = np.array(
            [(slice_origin_mm(source, k) - start_mm) @ away for k in range(n_slices)]
        )
        nearest = int(np.abs(gaps_mm).argmin())
        near = abs(gaps_mm[nearest]) <= limit_mm
        found.append(Cover(nearest if near else None, float(gaps_mm[nearest])))
    return tuple(found)


def tilt_deg(geometry: Geometry, other: Geometry) -> float:
    """Angle between the planes of two stacks, from 0 to 90; the order of slices is irrelevant."""
    cosine = abs(float(Axes.of(geometry).through @ Axes.of(other).through))
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def slice_origin_mm(geometry: Geometry, index: int | float) -> Vector:
    """Where the first pixel of a slice lies."""
    return np.asarray(geometry.affine[:3, 3] + index * geometry.affine[:3, 2])


def pixel_map(
    reference: Geometry, index: int, source: Geometry, source_index: int, motion: Motion
) -> tuple[Float[np.ndarray, "2 2"], Float[np.ndarray, "2"]]:
    """Matrix and offset from (row, col) of the reference's slice to (row, col) of the source's.

    Points are projected onto the source's slice at right angles.
    """
    to_pixels = np.linalg.pinv(source.affine[:3, :2])[::-1]
    start_mm = motion.matrix @ slice_origin_mm(reference, index) + motion.offset_mm
    matrix = to_pixels @ motion.matrix @ reference.affine[:3, 1::-1]
    return matrix, to_pixels @ (start_mm - slice_origin_mm(source, source_index))


def middle_of_overlap_mm(reference: Geometry, others: tuple[Geometry, ...]) -> Vector:
    """The middle, in the reference's plane, of what all fields of view share, half way through it.

    Where they share nothing, the middle of what lies between them.
    """
    axes = Axes.of(reference)
    plane = np.stack([axes.down, axes.right], axis=1)
    extents = [_corners_mm(each) @ plane for each in (reference, *others)]
    lowest = np.max([each.min(axis=0) for each in extents], axis=0)
    highest = np.min([each.max(axis=0) for each in extents], axis=0)
    depth = float(slice_origin_mm(reference, (reference.shape[0] - 1) / 2) @ axes.through)
    return np.asarray(plane @ ((lowest + highest) / 2) + depth * axes.through)


def _corners_mm(geometry: Geometry) -> Float[np.ndarray, "4 3"]:
    """Of the middle slice."""
    n_slices, n_rows, n_cols = geometry.shape
    origin = slice_origin_mm(geometry, (n_slices - 1) / 2)
    pixels = np.array([[col, row] for row in (0, n_rows - 1) for col in (0, n_cols - 1)])
    return np.asarray(origin + pixels @ geometry.affine[:3, :2].T)


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector))
