"""The heart, drawn once: its material at points of any plane across the LV axis.

A point is given by its distances from the LV axis to the side of the lateral and of the anterior
wall. The LV is a stack of star-shaped layers about its axis (`left_ventricle`), the RV a contour
about a centre of its own (`right_ventricle`) behind it, fat and pericardium follow both outlines,
and above the base are atria and vessels (`great_vessels`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import UInt8

from myoseg.cases.phantom.cover import Cover, Thicknesses, draw_cover
from myoseg.cases.phantom.great_vessels import (
    STARTS_MM,
    GreatVessels,
    draw_great_vessels,
    paint_aorta,
    paint_behind,
)
from myoseg.cases.phantom.infarct import Infarct, wall_depths
from myoseg.cases.phantom.left_ventricle import (
    KINDS,
    LEFT_LAYERS,
    LayerRadii,
    LeftRanges,
    LeftVentricle,
    draw_left_ventricle,
    left_radii,
)
from myoseg.cases.phantom.right_ventricle import (
    RightContour,
    RightVentricle,
    draw_right_ventricle,
    right_contour,
)
from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.trabeculae import Trabeculae, draw_trabeculae
from myoseg.cases.phantom.variation import (
    ByAngle,
    Points,
    PolarPoints,
)

Materials = UInt8[np.ndarray, "point"]

RANKED: Final = (
    *LEFT_LAYERS,
    Material.RV_BLOOD,
    Material.RV_TRABECULA,
    Material.RV_WALL,
    Material.FAT,
    Material.PERICARDIUM,
    Material.FAT,
)
"""What covers what, the first on top: LV, RV, epicardial fat, pericardium, pericardial fat."""

RIGHT_RANK: Final = len(LEFT_LAYERS)
COVER_RANK: Final = RIGHT_RANK + 3
OUTSIDE_RANK: Final = len(RANKED)

OVERLOADED_SHARE: Final = 0.2
"""Of right ventricles: dilated, thick-walled, pressing on the septum."""

REACH_MM: Final = 115.0
"""No part of the heart is further from the LV axis."""


@dataclass(frozen=True, eq=False)
class Heart:
    """A drawn heart; positions along the long axis are mm from the base, negative above it.

    Attributes:
        left: the left ventricle.
        right: the right ventricle.
        trabeculae: muscle within the blood pools.
        vessels: atria and great vessels.
        cover: fat and pericardium.
        drift: shift of the LV's centre per mm of long axis, to the side and upward.
    """

    left: LeftVentricle
    right: RightVentricle
    trabeculae: Trabeculae
    vessels: GreatVessels
    cover: Cover
    drift: tuple[float, float]

    @property
    def length_mm(self) -> float:
        """From the base to the epicardial apex."""
        return self.left.length_mm

    @property
    def cavity_radius_mm(self) -> float:
        """Mean radius of the LV's blood pool at the base."""
        return self.left.cavity_radius_mm

    @property
    def wall_mm(self) -> float:
        """Mean thickness of the LV's wall at the base."""
        return self.left.wall_mm

    @property
    def rv_depth_mm(self) -> float:
        """From the septum to the RV's free wall at the base."""
        return self.right.depth_mm

    def level(self, position_mm: float) -> float:
        """Position along the long axis as a fraction of it: 0 at the base, 1 at the apex."""
        return position_mm / self.length_mm


def draw_heart(rng: np.random.Generator, ranges: LeftRanges | None = None) -> Heart:
    """Draws an adult's heart: normal, dilated or hypertrophied, at end-diastole or end-systole.

    Args:
        rng: the source of randomness.
        ranges: of the left ventricle; None draws one of `KINDS`, each as often as its share.
    """
    kind = ranges or KINDS[rng.choice(len(KINDS), p=[each.share for each in KINDS])]
    overloaded = bool(rng.random() < OVERLOADED_SHARE)
    left = draw_left_ventricle(rng, kind, overloaded=overloaded)
    right = draw_right_ventricle(rng, systolic=kind.systolic, overloaded=overloaded)
    return Heart(
        left=left,
        right=right,
        trabeculae=draw_trabeculae(rng, kind.papillary),
        vessels=draw_great_vessels(
            rng, left.epicardium_mm(0.0), right.inflow_mm, aorta_mm=left.top_mm
        ),
        cover=draw_cover(rng, right.half_angle_deg),
        drift=(float(rng.uniform(-0.08, 0.08)), float(rng.uniform(-0.08, 0.08))),
    )


def heart_over_body(
    heart: Heart,
    infarct: Infarct | None,
    body: Materials,
    lateral_mm: Points,
    upward_mm: Points,
    position_mm: float,
) -> Materials:
    """The material at points of a plane across the LV axis, given the body's there.

    Args:
        heart: its shape.
        infarct: of its wall, or None.
        body: the material without the heart.
        lateral_mm: the points, from the LV axis at the base toward the lateral wall.
        upward_mm: toward the anterior wall.
        position_mm: of the plane along the long axis, from the base.
    """
    combined = body.copy()
    if position_mm >= heart.length_mm:
        return combined
    lateral = lateral_mm - np.float32(heart.drift[0] * position_mm)
    upward = upward_mm - np.float32(heart.drift[1] * position_mm)
    near = np.flatnonzero(lateral * lateral + upward * upward < np.float32(REACH_MM**2))
    section = combined[near]
    _paint(section, heart, infarct, lateral[near], upward[near], position_mm)
    combined[near] = section
    return combined


def _paint(
    section: Materials,
    heart: Heart,
    infarct: Infarct | None,
    lateral_mm: Points,
    upward_mm: Points,
    position_mm: float,
) -> None:
    """Paints all of the heart into `section`, which the caller owns."""
    based = position_mm < STARTS_MM
    wavy = lateral_mm, upward_mm
    if based:
        wavy = heart.vessels.waves.displaced(lateral_mm, upward_mm, position_mm)
        paint_behind(section, heart.vessels, *wavy, position_mm)
    ranks = _ranks(heart, infarct, lateral_mm, upward_mm, position_mm)
    painted = np.flatnonzero(ranks < OUTSIDE_RANK)
    section[painted] = np.array(RANKED, dtype=np.uint8)[ranks[painted]]
    _paint_muscle(section, heart, ranks, lateral_mm, upward_mm, position_mm)
    if position_mm < heart.right.pulmonary_valve_mm:
        section[np.isin(section, (Material.RV_BLOOD, Material.RV_TRABECULA))] = Material.VESSEL
    if based:
        paint_aorta(section, heart.vessels, *wavy, position_mm)


def _ranks(
    heart: Heart,
    infarct: Infarct | None,
    lateral_mm: Points,
    upward_mm: Points,
    position_mm: float,
) -> Materials:
    """The index into `RANKED` of what is at each point; `OUTSIDE_RANK` outside the ventricles."""
    points = PolarPoints.of(lateral_mm, upward_mm)
    depths = wall_depths(infarct, position_mm, heart.level(position_mm))
    radii = left_radii(heart.left, depths, position_mm)
    cover_mm = heart.cover.thicknesses_mm(position_mm)
    ranks = np.full(lateral_mm.shape, OUTSIDE_RANK, dtype=np.uint8)
    epicardium_mm = radii[-1]
    if position_mm >= 0:
        _rank_cover(ranks, points, epicardium_mm, cover_mm)
    elif position_mm < heart.left.top_mm:
        epicardium_mm = left_radii(heart.left, depths, heart.left.top_mm)[-1]
    contour = right_contour(heart.right, epicardium_mm, heart.length_mm, position_mm)
    if contour is not None:
        _rank_right(ranks, contour, lateral_mm, upward_mm, cover_mm)
    if position_mm >= heart.left.top_mm:
        _rank_left(ranks, points, radii)
    return ranks


def _rank_left(ranks: Materials, points: PolarPoints, radii: LayerRadii) -> None:
    inner = np.flatnonzero(points.distance_mm < radii[-1].max())
    inner_points = points.at(inner)
    layer = np.zeros(inner.shape, dtype=np.uint8)
    for radius in radii:
        layer += inner_points.distance_mm >= radius[inner_points.angle_index]
    layer[layer == len(LEFT_LAYERS)] = OUTSIDE_RANK
    ranks[inner] = np.minimum(ranks[inner], layer)


def _rank_right(
    ranks: Materials,
    contour: RightContour,
    lateral_mm: Points,
    upward_mm: Points,
    cover_mm: Thicknesses,
) -> None:
    points = PolarPoints.of(
        lateral_mm - np.float32(contour.centre_mm[0]), upward_mm - np.float32(contour.centre_mm[1])
    )
    wall = contour.radius_mm + np.float32(contour.wall_mm)
    _rank_cover(ranks, points, wall, cover_mm)
    inner = np.flatnonzero(points.distance_mm < wall.max())
    inner_points = points.at(inner)
    distance, index = inner_points.distance_mm, inner_points.angle_index
    ragged = contour.radius_mm - contour.trabeculae_mm
    for number, border in reversed(list(enumerate((ragged, contour.radius_mm, wall)))):
        ranks[inner[distance < border[index]]] = RIGHT_RANK + number


def _rank_cover(
    ranks: Materials,
    points: PolarPoints,
    muscle_mm: ByAngle,
    cover_mm: Thicknesses,
) -> None:
    """Ranks fat and pericardium about one outline where nothing above them is yet."""
    borders = [muscle_mm + thickness for thickness in cover_mm]
    inner = np.flatnonzero(points.distance_mm < borders[-1].max())
    inner_points = points.at(inner)
    layer = np.full(inner.shape, COVER_RANK, dtype=np.uint8)
    for border in borders:
        layer += inner_points.distance_mm >= border[inner_points.angle_index]
    ranks[inner] = np.minimum(ranks[inner], layer)


def _paint_muscle(
    section: Materials,
    heart: Heart,
    ranks: Materials,
    lateral_mm: Points,
    upward_mm: Points,
    position_mm: float,
) -> None:
    """Paints papillary muscles and strands into the pools of `section`."""
    level, trabeculae = heart.level(position_mm), heart.trabeculae
    left = np.flatnonzero(ranks == 0)
    if left.size:
        cavity_mm = heart.left.cavity_mm(position_mm)
        muscle = trabeculae.in_left(lateral_mm[left], upward_mm[left], cavity_mm, level)
        section[left[muscle]] = Material.PAPILLARY
    right = np.flatnonzero(ranks == RIGHT_RANK)
    if right.size and position_mm > max(heart.right.recessed_mm, heart.right.pulmonary_valve_mm):
        strands = trabeculae.in_right(
            lateral_mm[right],
            upward_mm[right],
            heart.left.epicardium_mm(position_mm),
            position_mm,
            level,
        )
        section[right[strands]] = Material.RV_TRABECULA
