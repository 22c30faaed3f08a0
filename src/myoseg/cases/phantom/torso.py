"""The body around the heart, in patient coordinates, so that any oblique plane may cut it.

Coordinates are millimetres from the middle of the chest at the level of the heart: x to the
patient's right, y to the front, z to the head (NIfTI's RAS). The torso is a cylinder of elliptic
section: skin fat, a wall of muscle with ribs, lungs above a domed diaphragm, liver, spleen and
stomach below it, spine and great vessels. The heart is drawn over it.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from myoseg.cases.phantom.tissue import Material

Coordinate = Float32[np.ndarray, "point"]
Inside = Bool[np.ndarray, "point"]


class Cylinder(NamedTuple):
    """An upright structure between two heights, lengths in mm."""

    material: Material
    x: float
    y: float
    radius: float
    low: float
    high: float


UPRIGHT: Final = (
    Cylinder(Material.MUSCLE, 0.0, -88.0, 42.0, -400.0, 400.0),
    Cylinder(Material.MARROW, 0.0, -72.0, 19.0, -400.0, 400.0),
    Cylinder(Material.VESSEL, -22.0, -48.0, 11.0, -400.0, 400.0),
    Cylinder(Material.VESSEL, 10.0, 14.0, 15.0, 28.0, 400.0),
    Cylinder(Material.VESSEL, -14.0, 26.0, 13.0, 28.0, 75.0),
    Cylinder(Material.VESSEL, 36.0, 2.0, 9.0, 20.0, 400.0),
    Cylinder(Material.VESSEL, 24.0, -8.0, 11.0, -400.0, -15.0),
    Cylinder(Material.MARROW, 0.0, 93.0, 11.0, -40.0, 130.0),
)
"""Back muscles, spine, descending and ascending aorta, pulmonary artery, both venae cavae, sternum;
the front of the chest is taken at y = 110 and scaled with it."""

REFERENCE_DEPTH_MM: Final = 110.0


@dataclass(frozen=True)
class Torso:
    """The drawn body.

    Attributes:
        half_width_mm: from the middle to the side, skin included.
        half_depth_mm: from the middle to the front, skin included.
        skin_fat_mm: thickness of the fat below the skin.
        chest_wall_mm: thickness of the muscle with the ribs in it.
        rib_phase_mm: height of one rib.
        diaphragm_mm: height of the top of the left dome; the right one is higher.
        dome_mm: how far the diaphragm falls toward the sides.
        liver_edge_mm: how far the liver reaches to the left.
        stomach_mm: centre of the stomach's gas: x and y.
        stomach_size: its extents relative to a full stomach.
    """

    half_width_mm: float
    half_depth_mm: float
    skin_fat_mm: float
    chest_wall_mm: float
    rib_phase_mm: float
    diaphragm_mm: float
    dome_mm: float
    liver_edge_mm: float
    stomach_mm: tuple[float, float]
    stomach_size: float


def draw_torso(rng: np.random.Generator) -> Torso:
    """Draws the torso of an adult."""
    uniform = rng.uniform
    return Torso(
        half_width_mm=float(uniform(155, 190)),
        half_depth_mm=float(uniform(108, 128)),
        skin_fat_mm=float(uniform(6, 22)),
        chest_wall_mm=float(uniform(14, 22)),
        rib_phase_mm=float(uniform(0, 30)),
        diaphragm_mm=float(uniform(-40, -28)),
        dome_mm=float(uniform(35, 55)),
        liver_edge_mm=float(uniform(-60, -15)),
        stomach_mm=(float(uniform(-95, -60)), float(uniform(-15, 25))),
        stomach_size=float(uniform(0.2, 1.1)),
    )


def torso_material(
    torso: Torso, x_mm: Coordinate, y_mm: Coordinate, z_mm: Coordinate
) -> UInt8[np.ndarray, "point"]:
    """The `Material` at each point; the heart is not in it."""
    radius = np.hypot(x_mm / torso.half_width_mm, y_mm / torso.half_depth_mm)
    depth_mm = (1 - radius) * (torso.half_width_mm * torso.half_depth_mm) ** 0.5
    wall_starts, wall_ends = torso.skin_fat_mm, torso.skin_fat_mm + torso.chest_wall_mm
    material = np.full(x_mm.shape, Material.LUNG, dtype=np.uint8)
    _paint_abdomen(material, torso, x_mm, y_mm, z_mm)
    material[depth_mm < wall_ends] = Material.MUSCLE
    material[_in_rib(torso, x_mm, z_mm, depth_mm)] = Material.MARROW
    _paint_upright(material, torso, x_mm, y_mm, z_mm)
    material[depth_mm < wall_starts] = Material.FAT
    material[depth_mm < 0] = Material.AIR
    return material


def _paint_abdomen(
    material: UInt8[np.ndarray, "point"],
    torso: Torso,
    x_mm: Coordinate,
    y_mm: Coordinate,
    z_mm: Coordinate,
) -> None:
    """Fills what lies below the diaphragm into `material`, which the caller owns."""
    below_mm = _diaphragm_mm(torso, x_mm, y_mm) - z_mm
    below = below_mm > 0
    material[below] = Material.FAT
    material[below & (below_mm < 4)] = Material.MUSCLE
    inner = below & (below_mm >= 4)
    material[inner & (x_mm > torso.liver_edge_mm + 0.3 * y_mm)] = Material.LIVER
    spleen = ((x_mm + 105) / 35) ** 2 + ((y_mm + 45) / 45) ** 2 < 1
    material[inner & spleen] = Material.SPLEEN
    stomach_x_mm, stomach_y_mm = torso.stomach_mm
    reach = np.hypot((x_mm - stomach_x_mm) / 34, (y_mm - stomach_y_mm) / 28)
    reach = np.hypot(reach, (below_mm - 30) / 26) / torso.stomach_size
    material[inner & (reach < 1.15)] = Material.MUSCLE
    material[inner & (reach < 1)] = Material.AIR


def _diaphragm_mm(torso: Torso, x_mm: Coordinate, y_mm: Coordinate) -> Coordinate:
    """Height of the diaphragm: a dome, higher on the right, low at the back and the sides."""
    fall = (x_mm / torso.half_width_mm) ** 2 + ((y_mm - 10) / torso.half_depth_mm) ** 2
    right_mm = 16 / (1 + np.exp(-(x_mm - 20) / 15))
    return (torso.diaphragm_mm + right_mm - torso.dome_mm * fall).astype(np.float32)


def _in_rib(torso: Torso, x_mm: Coordinate, z_mm: Coordinate, depth_mm: Coordinate) -> Inside:
    """Ribs: bands every 30 mm in the middle of the chest wall, falling toward the sides."""
    height_mm = z_mm + 0.25 * np.abs(x_mm) - torso.rib_phase_mm
    middle_mm = torso.skin_fat_mm + torso.chest_wall_mm * 0.6
    in_wall = np.abs(depth_mm - middle_mm) < 0.3 * torso.chest_wall_mm
    in_band = np.cos(height_mm * np.float32(2 * np.pi / 30)) > 0.3
    ribs: Inside = in_wall & in_band
    return ribs


def _paint_upright(
    material: UInt8[np.ndarray, "point"],
    torso: Torso,
    x_mm: Coordinate,
    y_mm: Coordinate,
    z_mm: Coordinate,
) -> None:
    """Fills spine, vessels and sternum into `material`, which the caller owns."""
    scale = torso.half_depth_mm / REFERENCE_DEPTH_MM
    for part in UPRIGHT:
        near = (x_mm - part.x) ** 2 + (y_mm - part.y * scale) ** 2 < part.radius**2
        material[near & (z_mm > part.low) & (z_mm < part.high)] = part.material
