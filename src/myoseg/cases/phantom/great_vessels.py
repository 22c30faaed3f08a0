"""Atria and great vessels about the valve planes: tubes along the LV axis, of elliptic section.

They are background to a reader, who labels blood pools up to the valve planes. Diameters: left
atrium 27 to 40 mm front to back, right atrium 29 to 45 mm across (Lang, Eur J Echocardiogr
2006;7:79); aortic root 26 to 38 mm (Burman, Circ Cardiovasc Imaging 2008;1:104).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.variation import Points, Waves, draw_waves, smooth_step

STARTS_MM: Final = 18.0
"""Above this position (from the base toward the apex) some of the vessels appear."""


@dataclass(frozen=True)
class Tube:
    """A vessel or atrium that rises from below the base; places are mm from the LV axis.

    Attributes:
        below_mm: the position it ends at toward the apex; it extends upward without end.
        opening_mm: length over which it widens from its end upward.
        centre_mm: to the lateral side and upward, at the base.
        slant: shift of the centre per mm upward.
        radii_mm: along its first and its second direction.
        turned_deg: of its first direction from the lateral one.
        wall_mm: thickness of the wall.
    """

    below_mm: float
    opening_mm: float
    centre_mm: tuple[float, float]
    slant: tuple[float, float]
    radii_mm: tuple[float, float]
    turned_deg: float
    wall_mm: float

    def opened(self, position_mm: float) -> float:
        """Its size at a position relative to its full size; 0 where it has ended."""
        if position_mm >= self.below_mm:
            return 0.0
        return 0.45 + 0.55 * smooth_step((self.below_mm - position_mm) / self.opening_mm)

    def squared_distance(
        self, lateral_mm: Points, upward_mm: Points, position_mm: float
    ) -> tuple[Points, float]:
        """Squared distance from its axis, 1 at the lumen's border, and its mean radius there."""
        size = self.opened(position_mm)
        one, other = (radius * size for radius in self.radii_mm)
        x = lateral_mm - np.float32(self.centre_mm[0] - self.slant[0] * position_mm)
        y = upward_mm - np.float32(self.centre_mm[1] - self.slant[1] * position_mm)
        angle = np.deg2rad(self.turned_deg)
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        along = x * np.float32(cos / one) + y * np.float32(sin / one)
        across = y * np.float32(cos / other) - x * np.float32(sin / other)
        return along * along + across * across, float((one * other) ** 0.5)


@dataclass(frozen=True, eq=False)
class GreatVessels:
    """All tubes of one heart, those behind the ventricles first painted, the aorta last.

    Attributes:
        behind: atria, their appendages, pulmonary veins and the coronary sinus.
        aorta: its root, from its valve upward.
        fat_mm: thickness of the fat about them.
        waves: irregularity of all borders.
    """

    behind: tuple[Tube, ...]
    aorta: Tube
    fat_mm: float
    waves: Waves


def draw_great_vessels(
    rng: np.random.Generator, epicardium_mm: float, inflow_mm: float, aorta_mm: float = 0.0
) -> GreatVessels:
    """Draws the vessels of a heart.

    Args:
        rng: the source of randomness.
        epicardium_mm: the LV's mean outer radius at the base.
        inflow_mm: position of the tricuspid valve.
        aorta_mm: position of the aortic valve.
    """
    size = float(np.clip(epicardium_mm / 33, 0.75, 1.25))
    return GreatVessels(
        behind=_draw_behind(rng, size, epicardium_mm, inflow_mm),
        aorta=Tube(
            below_mm=aorta_mm,
            opening_mm=1.0,
            centre_mm=(_at(rng, -14 * size), _at(rng, 9 * size)),
            slant=(float(rng.uniform(-0.25, 0.05)), float(rng.uniform(0.0, 0.25))),
            radii_mm=_radii(rng, (12.0, 18.0), 0.12),
            turned_deg=float(rng.uniform(0, 180)),
            wall_mm=float(rng.uniform(1.5, 2.5)),
        ),
        fat_mm=float(rng.uniform(2, 7)),
        waves=draw_waves(rng, (48.0, 31.0, 19.0), 2.5),
    )


def paint_behind(
    material: UInt8[np.ndarray, "point"],
    vessels: GreatVessels,
    lateral_mm: Points,
    upward_mm: Points,
    position_mm: float,
) -> None:
    """Paints fat and all tubes but the aorta into `material`, which the caller owns."""
    tubes = [tube for tube in (*vessels.behind, vessels.aorta) if tube.opened(position_mm) > 0]
    measured = [tube.squared_distance(lateral_mm, upward_mm, position_mm) for tube in tubes]
    for tube, (squared, radius_mm) in zip(tubes, measured, strict=True):
        material[squared < _grown(radius_mm, tube.wall_mm + vessels.fat_mm)] = Material.FAT
    for tube, (squared, radius_mm) in zip(tubes, measured, strict=True):
        if tube is not vessels.aorta:
            _paint_tube(material, tube, squared, radius_mm)


def paint_aorta(
    material: UInt8[np.ndarray, "point"],
    vessels: GreatVessels,
    lateral_mm: Points,
    upward_mm: Points,
    position_mm: float,
) -> None:
    """Paints the aortic root into `material`, which the caller owns."""
    aorta = vessels.aorta
    if aorta.opened(position_mm) > 0:
        _paint_tube(material, aorta, *aorta.squared_distance(lateral_mm, upward_mm, position_mm))


def _paint_tube(
    material: UInt8[np.ndarray, "point"],
    tube: Tube,
    squared: Float32[np.ndarray, "point"],
    radius_mm: float,
) -> None:
    inside: Bool[np.ndarray, "point"] = squared < 1
    material[squared < _grown(radius_mm, tube.wall_mm)] = Material.VESSEL_WALL
    material[inside] = Material.VESSEL


def _grown(radius_mm: float, by_mm: float) -> np.float32:
    return np.float32((1 + by_mm / radius_mm) ** 2)


def _draw_behind(
    rng: np.random.Generator, size: float, epicardium_mm: float, inflow_mm: float
) -> tuple[Tube, ...]:
    def tube(
        below_mm: float,
        opening_mm: float,
        centre_mm: tuple[float, float],
        slant: tuple[float, float],
        radii_mm: tuple[float, float],
    ) -> Tube:
        """One tube, its place, size and shape varied."""
        return Tube(
            below_mm=below_mm + float(rng.uniform(-2, 2)),
            opening_mm=opening_mm,
            centre_mm=(_at(rng, centre_mm[0]), _at(rng, centre_mm[1])),
            slant=(_at(rng, slant[0], 0.08), _at(rng, slant[1], 0.08)),
            radii_mm=_radii(rng, radii_mm, 0.25),
            turned_deg=float(rng.uniform(0, 180)),
            wall_mm=float(rng.uniform(1.5, 2.5)),
        )

    left_atrium = Tube(
        below_mm=0.0,
        opening_mm=14.0,
        centre_mm=(_at(rng, 5 * size), _at(rng, -5 * size)),
        slant=(float(rng.uniform(-0.1, 0.1)), float(rng.uniform(-0.5, -0.1))),
        radii_mm=_radii(rng, (18 * size, 28 * size), 0.2),
        turned_deg=float(rng.uniform(-30, 30)),
        wall_mm=float(rng.uniform(1.5, 2.5)),
    )
    right_atrium = tube(
        inflow_mm, 16.0, (-epicardium_mm - 8, -14 * size), (0.15, -0.1), (17 * size, 27 * size)
    )
    others = [
        tube(8.0, 5.0, (4.0, -epicardium_mm - 1), (0.0, -0.1), (3.0, 6.0)),
        tube(-3.0, 8.0, (25 * size, 20 * size), (0.0, 0.1), (5.0, 11.0)),
        tube(-14.0, 8.0, (27 * size, -14 * size), (0.3, -0.1), (5.0, 8.0)),
        tube(-18.0, 8.0, (24 * size, -30 * size), (0.2, -0.3), (5.0, 8.0)),
    ]
    present = [other for other in others if rng.random() < 0.75]
    return (*present, right_atrium, left_atrium)


def _at(rng: np.random.Generator, middle: float, spread: float = 3.0) -> float:
    return float(rng.normal(middle, spread))


def _radii(
    rng: np.random.Generator, radius_mm: tuple[float, float], oblong: float
) -> tuple[float, float]:
    radius = rng.uniform(*radius_mm)
    factor = 1 + rng.uniform(0, oblong)
    return float(radius * factor), float(radius / factor)
