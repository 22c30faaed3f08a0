"""A grid in NIfTI's RAS in, the planes of its slices in DICOM's LPS out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float
from pydicom.valuerep import DSfloat

from myoseg.cases.case import Geometry
from myoseg.errors import GeometryError

Vector = Float[np.ndarray, "3"]

RAS_TO_LPS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
_MAX_COSINE: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Plane:
    """Where one slice lies (DICOM PS3.3, C.7.6.2).

    Attributes:
        position_mm: the middle of the first voxel, LPS.
        along_row: unit vector of increasing column index, LPS.
        along_column: unit vector of increasing row index, LPS.
        spacing_mm: distance of neighbouring rows, then of neighbouring columns.
    """

    position_mm: Vector
    along_row: Vector
    along_column: Vector
    spacing_mm: tuple[float, float]

    @property
    def orientation(self) -> list[DSfloat]:
        """ImageOrientationPatient."""
        return decimals(*self.along_row, *self.along_column)

    @property
    def position(self) -> list[DSfloat]:
        """ImagePositionPatient."""
        return decimals(*self.position_mm)

    @property
    def location_mm(self) -> float:
        """SliceLocation: the position along the plane's normal."""
        return float(np.cross(self.along_row, self.along_column) @ self.position_mm)


def planes_of(geometry: Geometry) -> tuple[Plane, ...]:
    """The plane of each slice, in order; nothing is turned or mirrored on the way.

    Raises:
        GeometryError: rows and columns are not at right angles, which DICOM cannot express.
    """
    lps = RAS_TO_LPS @ geometry.affine
    steps = lps[:3, :2]
    col_mm, row_mm = np.linalg.norm(steps, axis=0)
    along_row, along_column = steps[:, 0] / col_mm, steps[:, 1] / row_mm
    if abs(along_row @ along_column) > _MAX_COSINE:
        raise GeometryError(
            "rows and columns of the image are not at right angles, which DICOM cannot hold; "
            "resample it first."
        )
    spacing_mm = (float(row_mm), float(col_mm))
    return tuple(
        Plane(lps[:3, 3] + k * lps[:3, 2], along_row, along_column, spacing_mm)
        for k in range(geometry.shape[0])
    )


def decimals(*values: float) -> list[DSfloat]:
    """The values as decimal strings of at most 16 characters, as DICOM allows."""
    return [DSfloat(float(value), auto_format=True) for value in values]
