"""Where a network's square of pixels lies in a slice, as training draws it."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32

Points = Float32[np.ndarray, "point"]


@dataclass(frozen=True, eq=False)
class DrawnFrame:
    """A square of pixels over a simulated plane, turned, stretched and gently bent.

    Attributes:
        size_px: pixels along a side.
        matrix_mm: from (col, row) in pixels about the square's centre to (right, down) in mm.
        centre_mm: of the square, right and down from the LV axis at the base.
        bend_mm: displacement (right, down) at a coarse grid of points, for a smooth warp.
    """

    size_px: int
    matrix_mm: Float[np.ndarray, "2 2"]
    centre_mm: tuple[float, float]
    bend_mm: Float32[np.ndarray, "grid_row grid_col 2"]

    def points(self, supersampling: int) -> tuple[Points, Points]:
        """Points right and down in mm, `supersampling` squared in each pixel, pixels last.

        The order is sub-row, sub-column, row, column.
        """
        n, s = self.size_px, supersampling
        fine = (np.arange(n * s, dtype=np.float32) + 0.5) / s - n / 2
        m = self.matrix_mm.astype(np.float32)
        bend = cv2.resize(self.bend_mm, (n * s, n * s), interpolation=cv2.INTER_CUBIC)
        right = fine[None, :] * m[0, 0] + fine[:, None] * m[0, 1] + bend[..., 0]
        down = fine[None, :] * m[1, 0] + fine[:, None] * m[1, 1] + bend[..., 1]
        return (
            _by_sub_pixel(right + np.float32(self.centre_mm[0]), n, s),
            _by_sub_pixel(down + np.float32(self.centre_mm[1]), n, s),
        )


def _by_sub_pixel(plane: Float32[np.ndarray, "fine_row fine_col"], n: int, s: int) -> Points:
    return np.ascontiguousarray(plane.reshape(n, s, n, s).transpose(1, 3, 0, 2)).reshape(-1)


def drawn_turn(rng: np.random.Generator, turn_deg: float) -> Float[np.ndarray, "2 2"]:
    """A rotation; for a third of all slices by any angle and mirrored or not."""
    anyhow = rng.random() < 0.35
    angle = np.deg2rad(rng.uniform(-180, 180) if anyhow else rng.uniform(-turn_deg, turn_deg))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]])
    return matrix @ np.diag([-1.0, 1.0]) if anyhow and rng.random() < 0.5 else matrix


def drawn_stretch(rng: np.random.Generator, unframed: bool) -> Float[np.ndarray, "2"]:
    """How much wider and less high the square is than it should be; their product is 1."""
    stretch = float(np.exp(rng.normal(0, 0.25 if unframed else 0.09)))
    return np.array([stretch**0.5, stretch**-0.5])


def drawn_scale(rng: np.random.Generator, unframed: bool) -> float:
    """By how much a pixel is larger than in a perfect frame."""
    if unframed:
        return float(np.exp(rng.uniform(np.log(0.9), np.log(2.6))))
    return float(np.exp(rng.normal(0, 0.13)))
