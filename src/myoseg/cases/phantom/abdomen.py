"""What lies below the diaphragm: liver, spleen, stomach and bowel in fat."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, UInt8

from myoseg.cases.phantom.lattice import Lattice, draw_lattice
from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.variation import Points

Materials = UInt8[np.ndarray, "point"]
Vector = tuple[float, float, float]

FILLINGS: Final = (Material.FOOD, Material.FLUID, Material.AIR, Material.BOWEL_WALL)
FILLING_SHARES: Final = (0.4, 0.62, 0.85, 1.0)
"""Fillings of a bowel loop and up to which number of its cell each is taken; the last is empty."""

DIAPHRAGM_MM: Final = 3.0


@dataclass(frozen=True)
class Ellipsoid:
    """An upright organ; lengths in mm.

    Attributes:
        centre_mm: x, y and z.
        radii_mm: along the three axes.
        tilt: shift in x per mm of z.
    """

    centre_mm: Vector
    radii_mm: Vector
    tilt: float

    def squared_distance(self, x_mm: Points, y_mm: Points, z_mm: Points) -> Points:
        """Squared distance from the centre, 1 on the surface."""
        (x0, y0, z0), (rx, ry, rz) = self.centre_mm, self.radii_mm
        z = z_mm - np.float32(z0)
        x = (x_mm - np.float32(x0) - z * np.float32(self.tilt)) * np.float32(1 / rx)
        y = (y_mm - np.float32(y0)) * np.float32(1 / ry)
        z = z * np.float32(1 / rz)
        return np.asarray(x * x + y * y + z * z, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Abdomen:
    """The drawn organs.

    Attributes:
        liver_edge_mm: how far the liver reaches to the left, in x at the level of the heart's axis.
        liver_slope: shift of that edge to the right per mm to the front and per mm downward.
        liver_vessels: portal and hepatic veins.
        spleen: its shape.
        stomach: its shape.
        stomach_wall_mm: thickness of its wall.
        stomach_filling: fluid or food.
        gas_level_mm: how far the filling reaches to the front; gas is before it.
        bowel: loops of bowel.
        bowel_wall_mm: thickness of their wall.
        lining_mm: thickness of the fat before the organs.
    """

    liver_edge_mm: float
    liver_slope: tuple[float, float]
    liver_vessels: Lattice
    spleen: Ellipsoid
    stomach: Ellipsoid
    stomach_wall_mm: float
    stomach_filling: Material
    gas_level_mm: float
    bowel: Lattice
    bowel_wall_mm: float
    lining_mm: float


def draw_abdomen(rng: np.random.Generator, diaphragm_mm: float) -> Abdomen:
    """Draws the organs below a diaphragm whose left dome is this high."""
    uniform = rng.uniform
    stomach_y = float(uniform(-20, 35))
    size, loop_mm = float(uniform(0.35, 1.15)), float(uniform(26, 42))
    return Abdomen(
        liver_edge_mm=float(uniform(-70, 5)),
        liver_slope=(float(uniform(0.1, 0.5)), float(uniform(0.0, 0.7))),
        liver_vessels=draw_lattice(
            rng, size_mm=19.0, radius_mm=(1.0, 4.5), share=0.6, elongation=6.0
        ),
        spleen=Ellipsoid(
            (float(uniform(-115, -95)), float(uniform(-60, -30)), diaphragm_mm - 35.0),
            (float(uniform(22, 36)), float(uniform(35, 50)), float(uniform(40, 60))),
            float(uniform(-0.2, 0.2)),
        ),
        stomach=Ellipsoid(
            (float(uniform(-85, -40)), stomach_y, diaphragm_mm - float(uniform(22, 42))),
            (size * float(uniform(26, 42)), size * float(uniform(28, 50)), size * 34.0),
            float(uniform(-0.4, 0.4)),
        ),
        stomach_wall_mm=float(uniform(2.5, 6)),
        stomach_filling=Material.FOOD if rng.random() < 0.6 else Material.FLUID,
        gas_level_mm=stomach_y + size * float(uniform(-50, 45)),
        bowel=draw_lattice(
            rng,
            size_mm=loop_mm,
            radius_mm=(0.22 * loop_mm, 0.5 * loop_mm),
            share=float(uniform(0.4, 1.0)),
            elongation=2.5,
            smallness=0.7,
        ),
        bowel_wall_mm=float(uniform(1.5, 3.5)),
        lining_mm=float(uniform(0, 14)),
    )


def abdominal_material(
    abdomen: Abdomen,
    x_mm: Points,
    y_mm: Points,
    z_mm: Points,
    below_mm: Points,
    behind_wall_mm: Points,
) -> Materials:
    """The `Material` at points below the diaphragm.

    Args:
        abdomen: the organs.
        x_mm: to the right.
        y_mm: to the front.
        z_mm: to the head.
        below_mm: distance below the diaphragm.
        behind_wall_mm: distance from the wall of the trunk.
    """
    material = np.full(x_mm.shape, Material.FAT, dtype=np.uint8)
    lined = behind_wall_mm < np.float32(abdomen.lining_mm)
    _paint_liver(material, abdomen, x_mm, y_mm, z_mm)
    material[abdomen.spleen.squared_distance(x_mm, y_mm, z_mm) < 1] = Material.SPLEEN
    _paint_stomach(material, abdomen, x_mm, y_mm, z_mm)
    material[lined & (z_mm < np.float32(abdomen.stomach.centre_mm[2]))] = Material.FAT
    _paint_bowel(material, abdomen, x_mm, y_mm, z_mm, (below_mm > 12) & ~lined)
    material[below_mm < np.float32(DIAPHRAGM_MM)] = Material.MUSCLE
    return material


def _paint_liver(
    material: Materials, abdomen: Abdomen, x_mm: Points, y_mm: Points, z_mm: Points
) -> None:
    forward, downward = abdomen.liver_slope
    edge = np.float32(abdomen.liver_edge_mm) + np.float32(forward) * y_mm
    edge -= np.float32(downward) * (z_mm + 40)
    inside = np.flatnonzero(x_mm > edge)
    material[inside] = Material.LIVER
    vessels, _ = abdomen.liver_vessels.at(x_mm[inside], y_mm[inside], z_mm[inside])
    material[inside[vessels < 1]] = Material.VESSEL


def _paint_stomach(
    material: Materials, abdomen: Abdomen, x_mm: Points, y_mm: Points, z_mm: Points
) -> None:
    stomach = abdomen.stomach
    squared = stomach.squared_distance(x_mm, y_mm, z_mm)
    mean_mm = float(np.prod(stomach.radii_mm) ** (1 / 3))
    inner = np.float32(max(1 - abdomen.stomach_wall_mm / mean_mm, 0.2) ** 2)
    material[squared < 1] = Material.BOWEL_WALL
    lumen = squared < inner
    material[lumen] = abdomen.stomach_filling
    material[lumen & (y_mm > np.float32(abdomen.gas_level_mm))] = Material.AIR


def _paint_bowel(
    material: Materials,
    abdomen: Abdomen,
    x_mm: Points,
    y_mm: Points,
    z_mm: Points,
    allowed: Bool[np.ndarray, "point"],
) -> None:
    """Paints loops into what is still fat."""
    free = np.flatnonzero(allowed & (material == Material.FAT))
    squared, cell = abdomen.bowel.at(x_mm[free], y_mm[free], z_mm[free])
    within = np.flatnonzero(squared < 1)
    free, squared, cell = free[within], squared[within], cell[within]
    fillings = np.array(FILLINGS, dtype=np.uint8)
    filling = fillings[np.searchsorted(FILLING_SHARES[:-1], abdomen.bowel.kind)]
    thickness = abdomen.bowel_wall_mm / np.maximum(abdomen.bowel.radius_mm, 1.0)
    inner = (np.clip(1 - thickness, 0, 1) ** 2).astype(np.float32)
    lumen = squared < inner[cell]
    material[free] = np.where(lumen, filling[cell], np.uint8(Material.BOWEL_WALL))
