"""How a slice lies in its plane against another: turned, stretched, shifted; and how that fits."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from myoseg.cases.alignment.patches import Region
from myoseg.cases.alignment.planes import Axes, Motion


class Freedom(StrEnum):
    """How a slice may move in its plane: shifted, also turned, or also stretched and sheared."""

    SHIFT = "shift"
    RIGID = "rigid"
    AFFINE = "affine"


@dataclass(frozen=True, eq=False)
class InPlane:
    """x to `matrix @ x + shift_mm`, in (down, right) from the region's centre."""

    matrix: Float[np.ndarray, "2 2"]
    shift_mm: Float[np.ndarray, "2"]

    @classmethod
    def by(cls, shift_mm: Float[np.ndarray, "2"]) -> "InPlane":
        """A shift alone."""
        return cls(np.eye(2), np.asarray(shift_mm, dtype=np.float64))

    @property
    def rotation_deg(self) -> float:
        """Of the nearest rotation, from down toward right."""
        left, _, right = np.linalg.svd(self.matrix)
        turn = left @ right
        return float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))

    @property
    def stretch(self) -> float:
        """The largest factor by which it lengthens or shortens."""
        factors = np.linalg.svd(self.matrix, compute_uv=False)
        return float(max(factors.max(), 1 / max(factors.min(), 1e-9)))


@dataclass(frozen=True, eq=False)
class Found:
    """How one slice of a sequence fits one of the reference.

    Attributes:
        transform: where the sequence shows what the reference shows at a point of the region.
        edges: agreement of edges by geometry alone and with the transform.
        information: mutual information, likewise.
        refused: why not to apply it; None where nothing speaks against it.
    """

    transform: InPlane
    edges: tuple[float | None, float | None]
    information: tuple[float | None, float | None]
    refused: str | None = None

    def motion(self, axes: Axes, region: Region) -> Motion:
        """The transform in the patient."""
        plane = np.stack([axes.down, axes.right], axis=1)
        matrix = np.eye(3) + plane @ (self.transform.matrix - np.eye(2)) @ plane.T
        centre_mm = region.centre_mm
        return Motion(matrix, centre_mm - matrix @ centre_mm + plane @ self.transform.shift_mm)
