"""Many small things in space at the cost of one: at most one in each cell of a jittered lattice.

Each cell's content is looked up in a table of drawn contents, so that the lattice has no end.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64

from myoseg.cases.phantom.tissue import Range
from myoseg.cases.phantom.variation import Points

N_CONTENTS: Final = 512
"""A power of two."""

CellIndex = Int64[np.ndarray, "point"]


@dataclass(frozen=True, eq=False)
class Lattice:
    """Ellipsoids, longer in one direction, scattered in space.

    Attributes:
        size_mm: side of a cell.
        contents: for each of `N_CONTENTS` cells the ellipsoid's place in the cell (three rows), its
            long direction (three, shorter than 1: what of the squared distance along it does not
            count), and its inverse squared radius, all in units of the cell.
        radius_mm: of each of those ellipsoids; 0 where there is none.
        kind: a number from 0 to 1 for each of those cells, for the caller to use.
    """

    size_mm: float
    contents: Float32[np.ndarray, "7 content"]
    radius_mm: Float32[np.ndarray, "content"]
    kind: Float32[np.ndarray, "content"]

    def at(self, x_mm: Points, y_mm: Points, z_mm: Points) -> tuple[Points, CellIndex]:
        """Squared distance of each point, 1 on the ellipsoid of its cell, and the cell's content.

        Where the cell is empty the distance is beyond all bounds.
        """
        scale = np.float32(1 / self.size_mm)
        scaled = [axis * scale for axis in (x_mm, y_mm, z_mm)]
        cells = [np.floor(axis) for axis in scaled]
        key = cells[0] * np.float32(37) + cells[1] * np.float32(101) + cells[2] * np.float32(271)
        index = key.astype(np.intp) & (N_CONTENTS - 1)
        content = self.contents.take(index, axis=1, mode="clip")
        x, y, z = (
            axis - cell - place for axis, cell, place in zip(scaled, cells, content, strict=False)
        )
        along = x * content[3] + y * content[4] + z * content[5]
        squared = (x * x + y * y + z * z - along * along) * content[6]
        return squared, index


def draw_lattice(
    rng: np.random.Generator,
    *,
    size_mm: float,
    radius_mm: Range,
    share: float,
    elongation: float,
    smallness: float = 2.0,
) -> Lattice:
    """Draws the contents of cells.

    Args:
        rng: the source of randomness.
        size_mm: side of a cell.
        radius_mm: of the ellipsoids.
        share: of cells that are not empty.
        elongation: longest ellipsoid's length relative to its breadth.
        smallness: how much more common the smaller ones are; 1 makes all alike.
    """
    uniform = rng.uniform
    low, high = radius_mm
    radius = low + (high - low) * uniform(size=N_CONTENTS) ** smallness
    room = np.minimum(radius, 0.48 * size_mm)
    place = room[:, None] + uniform(size=(N_CONTENTS, 3)) * (size_mm - 2 * room)[:, None]
    direction = rng.normal(size=(N_CONTENTS, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    present = uniform(size=N_CONTENTS) < share
    inverse = np.where(present, (size_mm / radius) ** 2, 1e9)
    uncounted = 1 - 1 / uniform(1, elongation, N_CONTENTS) ** 2
    rows = [*place.T / size_mm, *direction.T * np.sqrt(uncounted), inverse]
    return Lattice(
        size_mm=size_mm,
        contents=np.stack(rows).astype(np.float32),
        radius_mm=(radius * present).astype(np.float32),
        kind=uniform(size=N_CONTENTS).astype(np.float32),
    )
