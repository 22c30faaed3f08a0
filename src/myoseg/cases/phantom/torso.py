"""The body around the heart, in patient coordinates, so that any oblique plane may cut it.

Coordinates are millimetres from the middle of the chest at the level of the heart: x to the
patient's right, y to the front, z to the head (NIfTI's RAS). The torso is a cylinder of rounded
section: skin fat, a wall of muscle with ribs, lungs and mediastinum above a domed diaphragm, the
abdomen below it, spine, vessels and arms; all of it bent by waves, so that no border is geometric.
The heart is drawn over it.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from myoseg.cases.phantom.abdomen import Abdomen, abdominal_material, draw_abdomen
from myoseg.cases.phantom.body_waves import BodyWaves, draw_body_waves
from myoseg.cases.phantom.lattice import Lattice, draw_lattice
from myoseg.cases.phantom.tissue import Material

Coordinate = Float32[np.ndarray, "point"]
Materials = UInt8[np.ndarray, "point"]
Chosen = Int64[np.ndarray, "chosen"]


class Cylinder(NamedTuple):
    """An upright structure between two heights, with a wall, lengths in mm."""

    wall: Material
    lumen: Material
    x: float
    y: float
    radius: float
    wall_mm: float
    low: float
    high: float


ALL_LEVELS: Final = (-400.0, 400.0)
BACK_MM: Final = -18.0
BACK_HALF_MM: Final = 66.0
"""Spine, aorta and esophagus lie behind this y and no further from the middle."""

HILUM_MM: Final = (40.0, -5.0, 22.0)
"""Where the lungs' vessels enter, on either side."""


@dataclass(frozen=True, eq=False)
class Torso:
    """The drawn body.

    Attributes:
        half_width_mm: from the middle to the side, skin included.
        half_depth_mm: from the middle to the front, skin included.
        skin_fat_mm: thickness of the fat below the skin.
        breast_mm: further fat on either side of the front.
        chest_wall_mm: thickness of the muscle with the ribs in it.
        rib_phase_mm: height of one rib.
        diaphragm_mm: height of the top of the left dome; the right one is higher.
        dome_mm: how far the diaphragm falls toward the sides.
        mediastinum_mm: half the breadth of the fat between the lungs.
        effusion_mm: depth of fluid at the back of the pleural space.
        arms_mm: radius of the arms and their distance from the trunk; 0 if they are raised.
        back: spine and its muscles, aorta and esophagus.
        front: both venae cavae and the sternum.
        lung_vessels: in the lungs.
        streaks: fat in muscle and vessels in fat.
        abdomen: below the diaphragm.
        waves: that bend all of it.
    """

    half_width_mm: float
    half_depth_mm: float
    skin_fat_mm: float
    breast_mm: float
    chest_wall_mm: float
    rib_phase_mm: float
    diaphragm_mm: float
    dome_mm: float
    mediastinum_mm: float
    effusion_mm: float
    arms_mm: tuple[float, float]
    back: tuple[Cylinder, ...]
    front: tuple[Cylinder, ...]
    lung_vessels: Lattice
    streaks: Lattice
    abdomen: Abdomen
    waves: BodyWaves


def draw_torso(rng: np.random.Generator) -> Torso:
    """Draws the torso of an adult."""
    uniform = rng.uniform
    half_depth_mm = float(uniform(98, 132))
    diaphragm_mm = float(uniform(-48, -24))
    has_arms, fluid = rng.random() < 0.5, rng.random() < 0.15
    return Torso(
        half_width_mm=float(uniform(145, 192)),
        half_depth_mm=half_depth_mm,
        skin_fat_mm=float(uniform(4, 24)),
        breast_mm=float(max(uniform(-30, 32), 0)),
        chest_wall_mm=float(uniform(12, 24)),
        rib_phase_mm=float(uniform(0, 30)),
        diaphragm_mm=diaphragm_mm,
        dome_mm=float(uniform(30, 60)),
        mediastinum_mm=float(uniform(2, 32)),
        effusion_mm=float(uniform(5, 35)) if fluid else 0.0,
        arms_mm=(float(uniform(32, 46)), float(uniform(4, 25))) if has_arms else (0.0, 0.0),
        back=_draw_back(rng, half_depth_mm / 110.0),
        front=_draw_front(rng, half_depth_mm / 110.0),
        lung_vessels=draw_lattice(
            rng, size_mm=13.0, radius_mm=(0.5, 2.4), share=0.65, elongation=7.0
        ),
        streaks=draw_lattice(rng, size_mm=14.0, radius_mm=(0.6, 2.6), share=0.6, elongation=8.0),
        abdomen=draw_abdomen(rng, diaphragm_mm),
        waves=draw_body_waves(rng),
    )


def torso_material(torso: Torso, x_mm: Coordinate, y_mm: Coordinate, z_mm: Coordinate) -> Materials:
    """The `Material` at each point; the heart is not in it."""
    x, y, z = torso.waves.displaced(x_mm, y_mm, z_mm)
    depth_mm, skin_mm = _depths_mm(torso, x, y, z)
    inner_mm = depth_mm - skin_mm
    material = np.full(x.shape, Material.AIR, dtype=np.uint8)
    material[depth_mm >= 0] = Material.FAT
    below_mm = _diaphragm_mm(torso, x, y) - z
    cavity = inner_mm >= np.float32(torso.chest_wall_mm)
    _paint_lungs(material, torso, x, y, z, np.flatnonzero(cavity & (below_mm < 0)))
    under = np.flatnonzero(cavity & (below_mm >= 0))
    material[under] = abdominal_material(
        torso.abdomen,
        x[under],
        y[under],
        z[under],
        below_mm[under],
        inner_mm[under] - np.float32(torso.chest_wall_mm),
    )
    wall = np.flatnonzero((inner_mm >= 0) & ~cavity)
    _paint_wall(material, torso, x, y, z, inner_mm, wall)
    _paint_middle(material, torso, x, y, z)
    outer = (depth_mm < np.float32(torso.skin_fat_mm)) & (depth_mm >= 0)
    material[outer] = Material.FAT
    if torso.arms_mm[0]:
        _paint_arms(material, torso, x, y, np.flatnonzero(depth_mm < 0))
    return material


def _depths_mm(
    torso: Torso, x: Coordinate, y: Coordinate, z: Coordinate
) -> tuple[Coordinate, Coordinate]:
    """Depth below the skin, and where the fat below the skin ends."""
    across = np.square(x * np.float32(1 / torso.half_width_mm))
    along = np.square(y * np.float32(1 / torso.half_depth_mm))
    radius = np.sqrt(np.sqrt(across * across + along * along + 1.4 * across * along))
    size_mm = np.float32((torso.half_width_mm * torso.half_depth_mm) ** 0.5)
    depth_mm = (1 - radius) * size_mm
    skin_mm = np.full(x.shape, np.float32(torso.skin_fat_mm))
    if torso.breast_mm:
        squared = np.square((np.abs(x) - 80) * np.float32(1 / 48))
        squared += np.square((z - 25) * np.float32(1 / 60))
        further = np.float32(torso.breast_mm) * np.exp(-squared) * (y > 0)
        depth_mm, skin_mm = depth_mm + further, skin_mm + further
    return depth_mm.astype(np.float32), skin_mm.astype(np.float32)


def _diaphragm_mm(torso: Torso, x: Coordinate, y: Coordinate) -> Coordinate:
    """Height of the diaphragm: a dome, higher on the right, low at the back and the sides."""
    fall = np.square(x * np.float32(1 / torso.half_width_mm))
    fall += np.square((y - 10) * np.float32(1 / torso.half_depth_mm))
    right = np.clip((x + 10) * np.float32(1 / 60), 0, 1) * np.float32(16)
    return np.asarray(torso.diaphragm_mm + right - torso.dome_mm * fall, dtype=np.float32)


def _paint_lungs(
    material: Materials, torso: Torso, x: Coordinate, y: Coordinate, z: Coordinate, chosen: Chosen
) -> None:
    """Paints lungs with vessels, larger near the hilum, fat between them and fluid behind them."""
    x, y, z = x[chosen], y[chosen], z[chosen]
    squared, _ = torso.lung_vessels.at(x, y, z)
    away = np.square(np.abs(x) - HILUM_MM[0]) + np.square(y - HILUM_MM[1])
    away += np.square(z - HILUM_MM[2])
    near = 0.5 + 2500 / (away + 700)
    between = np.abs(x + 8) + 0.15 * np.abs(y) < np.float32(torso.mediastinum_mm)
    lung = np.where(squared < near, np.uint8(Material.VESSEL), np.uint8(Material.LUNG))
    lung[between] = Material.FAT
    material[chosen] = lung
    if torso.effusion_mm:
        back_mm = torso.skin_fat_mm + torso.chest_wall_mm - torso.half_depth_mm
        material[chosen[y < back_mm + torso.effusion_mm]] = Material.FLUID


def _paint_wall(
    material: Materials,
    torso: Torso,
    x: Coordinate,
    y: Coordinate,
    z: Coordinate,
    inner_mm: Coordinate,
    chosen: Chosen,
) -> None:
    """Paints muscle with streaks of fat, and ribs: bands every 30 mm, falling to the sides."""
    x, y, z, inner_mm = x[chosen], y[chosen], z[chosen], inner_mm[chosen]
    streaks, _ = torso.streaks.at(x, y, z)
    layer = np.where(streaks < 1.6, np.uint8(Material.FAT), np.uint8(Material.MUSCLE))
    height_mm = z + 0.25 * np.abs(x) - np.float32(torso.rib_phase_mm)
    deep = np.abs(inner_mm - np.float32(0.66 * torso.chest_wall_mm))
    deep = deep * np.float32(1 / (0.3 * torso.chest_wall_mm))
    band = 0.75 - 0.75 * np.cos(height_mm * np.float32(2 * np.pi / 30))
    rib = deep * deep + band * band
    layer[rib < 0.8] = Material.BONE
    layer[rib < 0.4] = Material.MARROW
    material[chosen] = layer


def _paint_middle(
    material: Materials, torso: Torso, x: Coordinate, y: Coordinate, z: Coordinate
) -> None:
    """Paints spine, vessels, esophagus and sternum."""
    _paint_cylinders(material, torso.front, x, y, z, np.arange(x.size))
    back = np.flatnonzero((y < BACK_MM) & (np.abs(x) < BACK_HALF_MM) & (material != Material.AIR))
    _paint_cylinders(material, torso.back, x[back], y[back], z[back], back)


def _paint_cylinders(
    material: Materials,
    cylinders: tuple[Cylinder, ...],
    x: Float32[np.ndarray, "chosen"],
    y: Float32[np.ndarray, "chosen"],
    z: Float32[np.ndarray, "chosen"],
    chosen: Chosen,
) -> None:
    """Paints cylinders into `material`, whose points `chosen` lie at `x`, `y` and `z`."""
    for part in cylinders:
        aside, before = x - np.float32(part.x), y - np.float32(part.y)
        squared = aside * aside + before * before
        near = np.flatnonzero(squared < np.float32((part.radius + part.wall_mm) ** 2))
        height = z[near]
        near = near[(height > part.low) & (height < part.high)]
        lumen = squared[near] < np.float32(part.radius**2)
        material[chosen[near]] = np.where(lumen, np.uint8(part.lumen), np.uint8(part.wall))


def _paint_arms(
    material: Materials, torso: Torso, x: Coordinate, y: Coordinate, chosen: Chosen
) -> None:
    """Paints arms beside the trunk: fat, muscle, and bone about marrow."""
    radius_mm, gap_mm = torso.arms_mm
    beside_mm = torso.half_width_mm + gap_mm + radius_mm
    distance = np.hypot(np.abs(x[chosen]) - np.float32(beside_mm), y[chosen] + 15)
    for part, inside in (
        (1.0, Material.FAT),
        (0.8, Material.MUSCLE),
        (0.3, Material.BONE),
        (0.2, Material.MARROW),
    ):
        material[chosen[distance < part * radius_mm]] = inside


def _draw_back(rng: np.random.Generator, scale: float) -> tuple[Cylinder, ...]:
    """Back muscles, spine with its canal, descending aorta and esophagus."""
    uniform = rng.uniform
    aorta_mm = float(uniform(8, 14))
    x, y = float(uniform(-30, -16)), float(uniform(-50, -40)) * scale
    gullet = Material.AIR if rng.random() < 0.4 else Material.BOWEL_WALL
    muscle, bone = (Material.FAT, Material.MUSCLE), (Material.BONE, Material.MARROW)
    return (
        Cylinder(*muscle, -38.0, -86.0 * scale, 24.0, 2.0, *ALL_LEVELS),
        Cylinder(*muscle, 38.0, -86.0 * scale, 24.0, 2.0, *ALL_LEVELS),
        Cylinder(*bone, 0.0, -97.0 * scale, 14.0, 2.0, *ALL_LEVELS),
        Cylinder(*bone, 0.0, -66.0 * scale, 18.0, 1.5, *ALL_LEVELS),
        Cylinder(Material.BONE, Material.FLUID, 0.0, -90.0 * scale, 7.0, 1.0, *ALL_LEVELS),
        Cylinder(Material.VESSEL_WALL, Material.VESSEL, x, y, aorta_mm, 1.8, *ALL_LEVELS),
        Cylinder(
            Material.BOWEL_WALL,
            gullet,
            x + aorta_mm + float(uniform(4, 10)),
            y + aorta_mm,
            2.5,
            3.0,
            -70.0,
            400.0,
        ),
    )


def _draw_front(rng: np.random.Generator, scale: float) -> tuple[Cylinder, ...]:
    """Inferior and superior vena cava, and the sternum."""
    uniform = rng.uniform
    vein = (Material.VESSEL_WALL, Material.VESSEL)
    cava_mm, x = float(uniform(8, 13)), float(uniform(20, 32))
    return (
        Cylinder(*vein, x, -8.0, cava_mm, 1.2, -400.0, 4.0),
        Cylinder(*vein, x + 8.0, 2.0, 9.0, 1.2, 20.0, 400.0),
        Cylinder(Material.BONE, Material.MARROW, 0.0, 90.0 * scale, 9.0, 1.5, -40.0, 130.0),
    )
