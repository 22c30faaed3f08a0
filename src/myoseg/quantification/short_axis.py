"""Where a short-axis stack lies in the patient: a grid's affine enters, directions leave.

In each slice, angles are counted about the ventricle's centre from `up`, the direction in the plane
nearest to the patient's anterior and superior, counter-clockwise as seen from the apex. All of it
comes from the affine, so that a stack that is stored turned or mirrored has the same angles.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float

from myoseg.cases.case import Geometry

Direction = Float[np.ndarray, "3"]

TOWARDS_APEX: Final = np.array([-1.0, 1.0, -1.0]) / np.sqrt(3)
"""The left ventricle points to the patient's left, front and feet."""

TOWARDS_ANTERIOR: Final = np.array([0.0, 1.0, 1.0]) / np.sqrt(2)
"""The anterior wall faces the patient's front and head (RAS)."""

ALIGNED: Final = 0.9999
"""Cosine above which a normal counts as one of the patient's own axes (within 0.8 degrees)."""


@dataclass(frozen=True, eq=False)
class ShortAxis:
    """Directions of a stack, unit vectors in RAS.

    Attributes:
        normal: across the slices, with the sign that points to where an apex lies in a patient.
        up: in the plane, nearest to anterior and superior.
        left: in the plane, at 90 degrees: on the left of `up` as seen from the apex.
        geometry: of the stack.
    """

    normal: Direction
    up: Direction
    left: Direction
    geometry: Geometry

    @classmethod
    def of(cls, geometry: Geometry) -> "ShortAxis":
        """The directions of a grid."""
        col, row = (geometry.affine[:3, axis].astype(np.float64) for axis in (0, 1))
        normal = _unit(np.cross(col, row))
        normal = normal if normal @ TOWARDS_APEX >= 0 else -normal
        up = _across(TOWARDS_ANTERIOR, normal)
        return cls(normal=normal, up=up, left=np.cross(normal, up), geometry=geometry)

    @property
    def lost(self) -> bool:
        """Whether the slices lie along one of the patient's axes, as in files without a place."""
        return bool(np.abs(self.normal).max() > ALIGNED)

    @cached_property
    def px_to_mm(self) -> Float[np.ndarray, "2 2"]:
        """Maps (row, col) steps to millimetres along (up, left)."""
        steps = np.stack([self.geometry.affine[:3, 1], self.geometry.affine[:3, 0]], axis=1)
        return np.asarray(np.stack([self.up, self.left]) @ steps)

    @cached_property
    def mm_to_px(self) -> Float[np.ndarray, "2 2"]:
        """The inverse of `px_to_mm`."""
        return np.asarray(np.linalg.inv(self.px_to_mm))

    @cached_property
    def positions_mm(self) -> Float[np.ndarray, "slice"]:
        """Of each stored slice along `normal`."""
        step = self.geometry.affine[:3, 2] @ self.normal
        return np.asarray(np.arange(self.geometry.shape[0]) * step)

    def point_mm(self, slice_: int, row: float, col: float) -> tuple[float, float, float]:
        """A point of a slice in the patient's RAS millimetres."""
        x, y, z = (self.geometry.affine @ np.array([col, row, slice_, 1.0]))[:3]
        return float(x), float(y), float(z)

    def in_plane_mm(
        self, point_mm: tuple[float, float, float], slice_: int, centre_px: Float[np.ndarray, "2"]
    ) -> Float[np.ndarray, "2"]:
        """A point of the patient seen along the normal: (up, left) of a slice's centre, in mm."""
        centre = np.array(self.point_mm(slice_, float(centre_px[0]), float(centre_px[1])))
        return np.asarray(np.stack([self.up, self.left]) @ (np.array(point_mm) - centre))


def _unit(vector: Direction) -> Direction:
    return np.asarray(vector / np.linalg.norm(vector))


def _across(direction: Direction, normal: Direction) -> Direction:
    """The part of a direction that lies in the plane, or any if it is the normal."""
    part = direction - (direction @ normal) * normal
    if np.linalg.norm(part) < 1e-3:
        part = np.cross(normal, [1.0, 0.0, 0.0])
    return _unit(part)
