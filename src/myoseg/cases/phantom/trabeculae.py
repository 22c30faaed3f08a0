"""Muscle within the blood pools: the trabecular layer, papillary muscles, strands, moderator band.

All of it looks like myocardium and is labelled as blood pool, as the readers of MyoPS, ACDC and
EMIDEC do. Every normal LV shows a trabeculated layer within the compacted wall, thickest toward the
apex (Dawson, Circ Cardiovasc Imaging 2011;4:139). How much of the rim it takes follows real slices
within their readers' contours (docs/decisions/simulated-cases.md).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32

from myoseg.cases.phantom.tissue import Range
from myoseg.cases.phantom.variation import ByAngle, Points, Ripples, draw_ripples, smooth_step

Inside = Bool[np.ndarray, "point"]

N_CELLS: Final = 1024
CELL_MM: Final = 7.0
LAYER_MM: Final = 14.0
BAND_LEVELS: Final = (0.35, 0.75)

TALLEST: Final = 1.6
"""Of a trabecular layer's folds, as a share of its reach."""


@dataclass(frozen=True, eq=False)
class TrabecularLayer:
    """Folds of muscle on the inside of a wall, from place to place of another height.

    Attributes:
        folds: of the layer's inner surface, about `fill`, as a share of the reach.
        fill: the height about which the folds vary, as a share of the reach.
        reach_mm: into the blood pool, at base and apex.
    """

    folds: Ripples
    fill: float
    reach_mm: tuple[float, float]

    def heights_mm(self, position_mm: float, level: float) -> ByAngle:
        """Its thickness by angle; 0 where the wall is bare."""
        base_mm, apex_mm = self.reach_mm
        reach_mm = base_mm + (apex_mm - base_mm) * min(max(level, 0.0), 1.0)
        folds = self.fill + self.folds.at(position_mm)
        return np.asarray(np.clip(folds, 0, TALLEST) * reach_mm, dtype=np.float32)


def draw_layer(
    rng: np.random.Generator, base_mm: Range, apex_mm: Range, *, scale: float = 1.0
) -> TrabecularLayer:
    """Draws a layer whose reach at base and apex lies in these ranges, times a scale."""
    return TrabecularLayer(
        folds=draw_ripples(rng, range(4, 40), 0.4, decay=0.5, turn=0.12),
        fill=float(rng.uniform(0, 1.1)),
        reach_mm=(scale * float(rng.uniform(*base_mm)), scale * float(rng.uniform(*apex_mm))),
    )


@dataclass(frozen=True)
class Muscle:
    """A strand along the LV's axis in its blood pool, oval, at the wall or off it.

    Attributes:
        angle_deg: about the LV axis.
        radii_mm: along the wall's normal and along the wall.
        off_wall: distance of its centre from the wall, in its first radius.
        levels: from where to where along the long axis.
    """

    angle_deg: float
    radii_mm: tuple[float, float]
    off_wall: float
    levels: tuple[float, float]

    def inside(
        self, lateral_mm: Points, upward_mm: Points, cavity_mm: float, level: float
    ) -> Inside:
        """Points within it, in a cavity of this mean radius."""
        begins, ends = self.levels
        size = smooth_step((level - begins) / 0.08 + 0.4) * smooth_step((ends - level) / 0.1 + 0.5)
        if size <= 0.1:
            return np.zeros(lateral_mm.shape, dtype=np.bool_)
        along_mm, across_mm = (radius * size for radius in self.radii_mm)
        angle = np.deg2rad(self.angle_deg)
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        centre_mm = np.float32(cavity_mm - self.off_wall * along_mm)
        along = (lateral_mm * cos + upward_mm * sin - centre_mm) / np.float32(along_mm)
        across = (upward_mm * cos - lateral_mm * sin) / np.float32(across_mm)
        inside: Inside = along * along + across * across < 1
        return inside


@dataclass(frozen=True, eq=False)
class Strands:
    """Short strands across the RV's pool: at most one in each cell of a jittered lattice.

    Attributes:
        cells: place within the cell (two columns, mm), direction (cosine and sine), half length and
            half thickness (mm) of the strand in each; of half thickness 0 where there is none.
        origin_mm: of the lattice.
    """

    cells: Float32[np.ndarray, "cell 6"]
    origin_mm: tuple[float, float]

    def inside(self, lateral_mm: Points, upward_mm: Points, position_mm: float) -> Inside:
        """Points within a strand."""
        x = (lateral_mm + np.float32(self.origin_mm[0])) / np.float32(CELL_MM)
        y = (upward_mm + np.float32(self.origin_mm[1])) / np.float32(CELL_MM)
        column, row = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
        layer = int(position_mm // LAYER_MM)
        cell = self.cells[(column * 37 + row * 101 + layer * 271) % N_CELLS]
        x = (x - column) * np.float32(CELL_MM) - cell[:, 0]
        y = (y - row) * np.float32(CELL_MM) - cell[:, 1]
        along = np.abs(x * cell[:, 2] + y * cell[:, 3])
        across = np.abs(y * cell[:, 2] - x * cell[:, 3])
        inside: Inside = (along < cell[:, 4]) & (across < cell[:, 5])
        return inside


@dataclass(frozen=True, eq=False)
class Trabeculae:
    """All muscle within the pools of one heart.

    Attributes:
        muscles: papillary muscles and lesser strands of the LV.
        strands: of the RV.
        band_deg: where on the septum the moderator band begins and on the free wall it ends.
        band_mm: half its thickness; 0 if none is seen.
    """

    muscles: tuple[Muscle, ...]
    strands: Strands
    band_deg: tuple[float, float]
    band_mm: float

    def in_left(
        self, lateral_mm: Points, upward_mm: Points, cavity_mm: float, level: float
    ) -> Inside:
        """Points of the LV's pool that are muscle."""
        inside = np.zeros(lateral_mm.shape, dtype=np.bool_)
        for muscle in self.muscles:
            if muscle.levels[0] - 0.05 < level < muscle.levels[1] + 0.05:
                inside |= muscle.inside(lateral_mm, upward_mm, cavity_mm, level)
        return inside

    def in_right(
        self,
        lateral_mm: Points,
        upward_mm: Points,
        epicardium_mm: float,
        position_mm: float,
        level: float,
    ) -> Inside:
        """Points of the RV's pool that are muscle."""
        inside = self.strands.inside(lateral_mm, upward_mm, position_mm)
        if self.band_mm and BAND_LEVELS[0] < level < BAND_LEVELS[1]:
            begin, end = (np.deg2rad(angle) for angle in self.band_deg)
            start = epicardium_mm * np.array([np.cos(begin), np.sin(begin)])
            stop = (epicardium_mm + 35) * np.array([np.cos(end), np.sin(end)])
            direction = (stop - start) / np.hypot(*(stop - start))
            across = (upward_mm - np.float32(start[1])) * np.float32(direction[0])
            across -= (lateral_mm - np.float32(start[0])) * np.float32(direction[1])
            inside |= np.abs(across) < np.float32(self.band_mm)
        return inside


def draw_trabeculae(rng: np.random.Generator, papillary: float) -> Trabeculae:
    """Draws the muscle within the pools.

    Args:
        rng: the source of randomness.
        papillary: size of the papillary muscles relative to those of a normal heart.
    """
    muscles = [
        muscle
        for first_deg, last_deg in ((22.0, 68.0), (242.0, 298.0))
        for muscle in _draw_papillary(rng, first_deg, last_deg, papillary)
    ]
    muscles += [_draw_strand(rng) for _ in range(rng.integers(0, 7))]
    return Trabeculae(
        muscles=tuple(muscles),
        strands=_draw_strands(rng),
        band_deg=(float(rng.uniform(165, 200)), float(rng.uniform(195, 235))),
        band_mm=float(rng.uniform(1, 2.5)) if rng.random() < 0.5 else 0.0,
    )


def _draw_papillary(
    rng: np.random.Generator, first_deg: float, last_deg: float, size: float
) -> list[Muscle]:
    """A papillary muscle of one head or two, sometimes of none that is seen."""
    uniform = rng.uniform
    n_heads = int(rng.choice([0, 1, 2, 3], p=[0.05, 0.55, 0.3, 0.1]))
    middle_deg, begins, ends = uniform(first_deg, last_deg), uniform(0.12, 0.4), uniform(0.6, 0.85)
    radius_mm, off_wall = size * uniform(2.5, 6.5) / max(n_heads, 1) ** 0.35, uniform(0.2, 1.6)
    return [
        Muscle(
            angle_deg=float(middle_deg + uniform(12, 26) * (head - (n_heads - 1) / 2)),
            radii_mm=(
                float(radius_mm * uniform(0.8, 1.5)),
                float(radius_mm * uniform(0.7, 1.1)),
            ),
            off_wall=float(off_wall + uniform(-0.2, 0.2)),
            levels=(float(begins + uniform(0, 0.1)), float(ends + uniform(-0.1, 0.05))),
        )
        for head in range(n_heads)
    ]


def _draw_strand(rng: np.random.Generator) -> Muscle:
    """A thin strand anywhere at the wall, more often toward the apex."""
    begins = rng.uniform(0.2, 0.7)
    return Muscle(
        angle_deg=float(rng.uniform(0, 360)),
        radii_mm=(float(rng.uniform(1, 2.5)), float(rng.uniform(0.7, 1.8))),
        off_wall=float(rng.uniform(0.5, 3.0)),
        levels=(float(begins), float(begins + rng.uniform(0.1, 0.3))),
    )


def _draw_strands(rng: np.random.Generator) -> Strands:
    share, uniform = rng.uniform(0.0, 0.5), rng.uniform
    angles = uniform(0, 2 * np.pi, N_CELLS)
    present = uniform(size=N_CELLS) < share
    columns = [
        uniform(2, CELL_MM - 2, N_CELLS),
        uniform(2, CELL_MM - 2, N_CELLS),
        np.cos(angles),
        np.sin(angles),
        uniform(0.8, 4.5, N_CELLS),
        present * uniform(0.4, 1.1, N_CELLS),
    ]
    origin_mm = (float(uniform(0, CELL_MM)), float(uniform(0, CELL_MM)))
    return Strands(np.stack(columns, axis=1).astype(np.float32), origin_mm)
