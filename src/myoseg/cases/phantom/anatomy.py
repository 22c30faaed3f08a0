"""The heart as nested star-shaped contours about the LV axis, drawn once, evaluated at any level.

In a plane across the long axis, a point is given by its distance from the LV axis and its angle
(the convention of `infarct`). Going outward it passes the layers of `LAYERS`, each ended by a
radius that depends on angle and level. So the whole heart at one level is a table of radii, and
finding a point's material is to count the radii below it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

from myoseg.cases.phantom.infarct import ByAngle, WallDepths
from myoseg.cases.phantom.tissue import Material

LAYERS: Final = (
    Material.LV_BLOOD,
    Material.SCAR,
    Material.EDEMA,
    Material.NORMAL_MYOCARDIUM,
    Material.RV_BLOOD,
    Material.RV_WALL,
    Material.FAT,
)
"""What lies inside each radius and outside the one before, from the LV axis outward."""

N_ANGLES: Final = 720
ANGLES_DEG: Final[ByAngle] = np.arange(N_ANGLES) * (360.0 / N_ANGLES)

SEPTUM_DEG: Final = 180.0
"""The middle of the septum, half way between the RV insertion points."""

PAPILLARY_LEVELS: Final = (0.25, 0.7)

LayerRadii = Float32[np.ndarray, "layer angle"]

RV_WALL_MM: Final = 3.0
THINNEST_WALL_MM: Final = 3.5


@dataclass(frozen=True, eq=False)
class PolarPoints:
    """Points of a plane across the long axis, about the LV axis."""

    distance_mm: Float32[np.ndarray, "point"]
    angle_index: Int32[np.ndarray, "point"]

    @classmethod
    def of(
        cls, lateral_mm: Float32[np.ndarray, "point"], upward_mm: Float32[np.ndarray, "point"]
    ) -> "PolarPoints":
        """Points from their distances to the side of the lateral and of the anterior wall."""
        turns = np.arctan2(upward_mm, lateral_mm) * np.float32(N_ANGLES / (2 * np.pi))
        index = np.rint(turns).astype(np.int32) % N_ANGLES
        return cls(np.hypot(lateral_mm, upward_mm), index)


@dataclass(frozen=True)
class Papillary:
    """A papillary muscle: a round strand in the blood pool, at the wall or just off it.

    Attributes:
        angle_deg: about the LV axis.
        radius_mm: of the strand.
        off_wall: distance of its centre from the wall, in its own radii.
    """

    angle_deg: float
    radius_mm: float
    off_wall: float


@dataclass(frozen=True)
class Heart:
    """The drawn shape of one heart; positions along the long axis are mm from the base.

    Attributes:
        length_mm: from the base to the epicardial apex.
        cavity_radius_mm: of the LV blood pool at the base.
        wall_mm: thickness of the LV wall at the base.
        apical_wall_mm: thickness of the wall at the apex.
        wall_asymmetry: relative excess of the thickest side of the wall.
        wall_asymmetry_deg: the angle of that side.
        rv_depth_mm: from the septum to the RV free wall at the base.
        rv_half_angle_deg: from the middle of the septum to either RV insertion point.
        rv_length: the RV's length as a fraction of the LV's.
        rv_skew: more depth anteriorly (negative) or inferiorly (positive).
        fat_mm: thickness of the epicardial fat on the free walls.
        groove_fat_mm: further fat in the grooves at the insertion points.
        drift: shift of the LV's centre per mm of long axis, to the side and upward.
        shape: amplitudes and phases (rad) of the outline's harmonics from the second on.
        papillaries: muscles in the blood pool.
    """

    length_mm: float
    cavity_radius_mm: float
    wall_mm: float
    apical_wall_mm: float
    wall_asymmetry: float
    wall_asymmetry_deg: float
    rv_depth_mm: float
    rv_half_angle_deg: float
    rv_length: float
    rv_skew: float
    fat_mm: float
    groove_fat_mm: float
    drift: tuple[float, float]
    shape: tuple[tuple[float, float], ...]
    papillaries: tuple[Papillary, ...]

    def level(self, position_mm: float) -> float:
        """Position along the long axis as a fraction of it: 0 at the base, 1 at the apex."""
        return position_mm / self.length_mm


def draw_heart(rng: np.random.Generator) -> Heart:
    """Draws a heart of an adult at end-diastole, some of them dilated or thick-walled."""
    uniform = rng.uniform
    return Heart(
        length_mm=float(uniform(82, 105)),
        cavity_radius_mm=float(uniform(21, 29)),
        wall_mm=float(uniform(7.5, 11.5)),
        apical_wall_mm=float(uniform(5, 7)),
        wall_asymmetry=float(uniform(0, 0.15)),
        wall_asymmetry_deg=float(uniform(100, 260)),
        rv_depth_mm=float(uniform(24, 36)),
        rv_half_angle_deg=float(uniform(56, 68)),
        rv_length=float(uniform(0.82, 0.95)),
        rv_skew=float(uniform(-0.25, 0.35)),
        fat_mm=float(uniform(1.0, 4.0)),
        groove_fat_mm=float(uniform(3.0, 9.0)),
        drift=(float(uniform(-0.08, 0.08)), float(uniform(-0.08, 0.08))),
        shape=tuple(
            (float(rng.normal(0, 0.03) / (order - 1)), float(uniform(0, 2 * np.pi)))
            for order in range(2, 9)
        ),
        papillaries=(
            _draw_papillary(rng, 25.0, 60.0),
            _draw_papillary(rng, 255.0, 295.0),
        ),
    )


def _draw_papillary(rng: np.random.Generator, from_deg: float, to_deg: float) -> Papillary:
    return Papillary(
        angle_deg=float(rng.uniform(from_deg, to_deg)),
        radius_mm=float(rng.uniform(3, 6)),
        off_wall=float(rng.uniform(0.4, 1.3)),
    )


def layer_radii(
    heart: Heart, depths: WallDepths, thinning: float, position_mm: float
) -> LayerRadii:
    """The outer radius in mm of each of `LAYERS` at each of `ANGLES_DEG`; never decreasing.

    Args:
        heart: the shape.
        depths: how deep scar and edema reach into the wall at this position.
        thinning: part of the wall that is lost where scar is transmural.
        position_mm: along the long axis, from the base.
    """
    outline = _outline(heart)
    endo = _cavity_radius_mm(heart, position_mm) * outline
    wall = _wall_mm(heart, position_mm) * outline * (1 - thinning * depths.scar)
    epi = endo + wall
    rv = epi + _rv_depth_mm(heart, heart.level(position_mm))
    rv_wall = rv + np.where(rv > epi, RV_WALL_MM, 0)
    fat = rv_wall + _fat_mm(heart) * (epi > 0)
    radii = [endo, endo + depths.scar * wall, endo + depths.edema * wall, epi, rv, rv_wall, fat]
    return np.maximum.accumulate(np.array(radii, dtype=np.float32), axis=0)


def layer_at(radii: LayerRadii, points: PolarPoints) -> UInt8[np.ndarray, "point"]:
    """The index of the layer that each point lies in; `len(LAYERS)` outside the heart."""
    layer = np.zeros(points.distance_mm.shape, dtype=np.uint8)
    for radius in radii:
        layer += points.distance_mm >= radius[points.angle_index]
    return layer


def papillary_mask(
    heart: Heart, points: PolarPoints, position_mm: float
) -> Bool[np.ndarray, "point"]:
    """Points within a papillary muscle, at mid-ventricular levels; they belong to the blood pool.

    They are drawn like myocardium and labelled as blood pool, as MyoPS's and ACDC's readers do.
    """
    inside = np.zeros(points.distance_mm.shape, dtype=np.bool_)
    if not PAPILLARY_LEVELS[0] < heart.level(position_mm) < PAPILLARY_LEVELS[1]:
        return inside
    for muscle in heart.papillaries:
        centre_mm = _cavity_radius_mm(heart, position_mm) - muscle.off_wall * muscle.radius_mm
        away = np.deg2rad(ANGLES_DEG - muscle.angle_deg).astype(np.float32)[points.angle_index]
        squared = points.distance_mm**2 - 2 * centre_mm * points.distance_mm * np.cos(away)
        inside |= squared + centre_mm**2 < muscle.radius_mm**2
    return inside


def _outline(heart: Heart) -> ByAngle:
    """The LV's departure from a circle, as a factor about 1."""
    angles = np.deg2rad(ANGLES_DEG)
    waves = [
        amplitude * np.cos(order * angles - phase)
        for order, (amplitude, phase) in enumerate(heart.shape, start=2)
    ]
    outline: ByAngle = sum(waves, start=np.ones_like(angles))
    return outline


def _cavity_radius_mm(heart: Heart, position_mm: float) -> float:
    inner_length_mm = heart.length_mm - heart.apical_wall_mm
    return heart.cavity_radius_mm * _taper(position_mm / inner_length_mm, power=3.0)


def _wall_mm(heart: Heart, position_mm: float) -> ByAngle:
    outer_mm = heart.cavity_radius_mm + heart.wall_mm
    mean_mm = outer_mm * _taper(heart.level(position_mm), power=2.6)
    mean_mm -= _cavity_radius_mm(heart, position_mm)
    thinnest_mm = THINNEST_WALL_MM if heart.level(position_mm) < 1 else 0.0
    side = np.cos(np.deg2rad(ANGLES_DEG - heart.wall_asymmetry_deg))
    return max(mean_mm, thinnest_mm) * (1 + heart.wall_asymmetry * side)


def _rv_depth_mm(heart: Heart, level: float) -> ByAngle:
    """Distance from the septum to the RV free wall: a crescent between the insertion points."""
    offset = (ANGLES_DEG - SEPTUM_DEG) / heart.rv_half_angle_deg
    crescent = np.clip(1 - np.abs(offset) ** 2.4, 0, None) ** 0.6
    depth_mm = heart.rv_depth_mm * _taper(level / heart.rv_length, power=2.2)
    return depth_mm * crescent * (1 + heart.rv_skew * offset)


def _fat_mm(heart: Heart) -> ByAngle:
    offset = np.abs(ANGLES_DEG - SEPTUM_DEG) - heart.rv_half_angle_deg
    return heart.fat_mm + heart.groove_fat_mm * np.exp(-((offset / 9) ** 2))


def _taper(level: float, power: float) -> float:
    """1 at the base, falling to 0 at the apex as an ellipse does, blunter for higher powers."""
    return float(np.sqrt(np.clip(1 - max(level, 0.0) ** power, 0, None)))
