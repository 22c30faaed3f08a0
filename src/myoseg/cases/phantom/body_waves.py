"""Plane waves that bend all of the body alike, so that no border in it is geometric."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from myoseg.cases.phantom.variation import Points


@dataclass(frozen=True, eq=False)
class BodyWaves:
    """A smooth displacement of points in space: plane waves.

    Attributes:
        numbers: rad per mm along the axes.
        phases_rad: at the origin.
        displacements_mm: along the axes.
    """

    numbers: Float32[np.ndarray, "wave 3"]
    phases_rad: Float32[np.ndarray, "wave"]
    displacements_mm: Float32[np.ndarray, "wave 3"]

    def displaced(self, x_mm: Points, y_mm: Points, z_mm: Points) -> tuple[Points, Points, Points]:
        """The points, displaced."""
        x, y, z = x_mm.copy(), y_mm.copy(), z_mm.copy()
        for (a, b, c), phase, (dx, dy, dz) in zip(
            self.numbers, self.phases_rad, self.displacements_mm, strict=True
        ):
            wave = np.sin(x_mm * a + y_mm * b + (z_mm * c + phase))
            x += wave * dx
            y += wave * dy
            z += wave * dz
        return x, y, z


def draw_body_waves(rng: np.random.Generator) -> BodyWaves:
    """Draws three waves, the longer ones of more displacement."""
    lengths = rng.uniform((90, 50, 24), (160, 80, 38))
    directions = rng.normal(size=(3, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    displacements = rng.uniform(-1, 1, (3, 3)) * np.array([[9.0], [4.0], [1.2]])
    return BodyWaves(
        numbers=(directions * (2 * np.pi / lengths)[:, None]).astype(np.float32),
        phases_rad=rng.uniform(0, 2 * np.pi, 3).astype(np.float32),
        displacements_mm=displacements.astype(np.float32),
    )
