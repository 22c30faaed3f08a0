"""The right ventricle as a contour of its own about a centre on the septum's side, at any level.

Its blood pool is what the contour holds outside the LV's epicardium: a crescent, a triangle, or a
ball, up to larger than the LV. Toward the base its inflow recedes before the right atrium and what
remains is the outflow tract, in front, up to the pulmonary valve.

Healthy RV end-diastolic volumes are 182 ± 36 (men) and 130 ± 24 mL (women) (Petersen, JCMR
2017;19:18); the free wall is 2 to 5 mm thick (Lang, J Am Soc Echocardiogr 2015;28:1), that of an
overloaded one thicker.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from myoseg.cases.phantom.left_ventricle import SEPTUM_DEG
from myoseg.cases.phantom.trabeculae import TrabecularLayer, draw_layer
from myoseg.cases.phantom.variation import (
    ANGLES_DEG,
    N_ANGLES,
    ByAngle,
    Ripples,
    bump,
    draw_ripples,
    smooth_step,
    taper,
)

SEPTUM_INDEX: Final = N_ANGLES // 2
INFERIOR_DEG: Final = 238.0
ANTERIOR_DEG: Final = 122.0

MOST_TRABECULATED: Final = 0.4
"""Of the pool's depth: the most that the trabecular layer takes."""

Place = tuple[float, float]
"""To the lateral side and upward, in mm from the LV axis."""


class RightContour(NamedTuple):
    """The pool's border at one level: radii about a centre.

    `wall_mm` is the thickness of the free wall, `trabeculae_mm` that of the folds on its inside.
    """

    centre_mm: Place
    radius_mm: ByAngle
    wall_mm: float
    trabeculae_mm: ByAngle


@dataclass(frozen=True, eq=False)
class RightVentricle:
    """A drawn right ventricle; positions are mm from the LV's base toward the apex.

    Attributes:
        depth_mm: from the septum to the free wall at the base.
        half_angle_deg: from the middle of the septum to either insertion point, at the base.
        widening: how far it reaches beyond the insertion points, relative.
        length: as a fraction of the LV's.
        bluntness: power of its taper.
        corners: fullness of its inferior corner, of its anterior one, and of its middle.
        outline: irregularity of the free wall, relative.
        wall_mm: thickness of the free wall.
        trabeculae: the layer on its inside.
        inflow_mm: position of the tricuspid valve.
        recess_mm: length over which the inflow recedes above it.
        outflow: angle, distance from the epicardium and radius of the outflow tract.
        pulmonary_valve_mm: position up to which the outflow tract is ventricle.
    """

    depth_mm: float
    half_angle_deg: float
    widening: float
    length: float
    bluntness: float
    corners: tuple[float, float, float]
    outline: Ripples
    wall_mm: float
    trabeculae: TrabecularLayer
    inflow_mm: float
    recess_mm: float
    outflow: tuple[float, float, float]
    pulmonary_valve_mm: float

    @property
    def recessed_mm(self) -> float:
        """Position from which upward only the outflow tract is left."""
        return self.inflow_mm - self.recess_mm

    def receded(self, position_mm: float) -> float:
        """0 where the inflow is whole, 1 where only the outflow tract is left."""
        return smooth_step((self.inflow_mm - position_mm) / self.recess_mm)


def draw_right_ventricle(
    rng: np.random.Generator, *, systolic: bool = False, overloaded: bool = False
) -> RightVentricle:
    """Draws a right ventricle.

    Args:
        rng: the source of randomness.
        systolic: whether at end-systole: down to a slit, its inflow drawn toward the apex.
        overloaded: whether dilated, its free wall thick.
    """
    uniform = rng.uniform
    depth_mm = uniform(40, 74) if overloaded else uniform(19, 54)
    shrinkage = (0.6, 1.1) if overloaded else (0.3, 1.0)
    inflow_mm, rise_mm = uniform(-16, 8), uniform(10, 30)
    if systolic:
        inflow_mm, rise_mm = uniform(2, 32), uniform(2, 22)
    return RightVentricle(
        depth_mm=float(depth_mm * (uniform(*shrinkage) if systolic else 1.0)),
        half_angle_deg=float(uniform(54, 84) if systolic else uniform(58, 84)),
        widening=float(uniform(-0.05, 0.6)),
        length=float(uniform(0.56, 1.0) if systolic else uniform(0.7, 1.02)),
        bluntness=float(uniform(0.7, 2.2)),
        corners=(
            float(rng.normal(0.10, 0.14)),
            float(rng.normal(0.04, 0.13)),
            float(rng.normal(-0.02, 0.09)),
        ),
        outline=draw_ripples(rng, range(2, 12), 0.035, decay=0.8, turn=0.03),
        wall_mm=float(uniform(3.0, 7.0) if overloaded else uniform(2.0, 4.5)),
        trabeculae=draw_layer(rng, base_mm=(0.5, 5), apex_mm=(2, 8)),
        inflow_mm=float(inflow_mm),
        recess_mm=float(uniform(18, 32)),
        outflow=(float(uniform(104, 128)), float(uniform(1, 9)), float(uniform(12, 18))),
        pulmonary_valve_mm=float(inflow_mm - rise_mm),
    )


def right_contour(
    right: RightVentricle, epicardium_mm: ByAngle, length_mm: float, position_mm: float
) -> RightContour | None:
    """The contour at a level, or None where there is no right ventricle.

    Args:
        right: the shape.
        epicardium_mm: the LV's outer radius at this level; above the base, that of the base.
        length_mm: of the LV.
        position_mm: along the LV's axis, from its base.
    """
    level = position_mm / (length_mm * right.length)
    size = taper(level, right.bluntness)
    if size <= 0.05:
        return None
    receded = right.receded(position_mm)
    whole = _whole(right, epicardium_mm, size, position_mm, level)
    if receded == 0:
        return whole
    outflow = _outflow(right, float(epicardium_mm.mean()), position_mm)
    centre_mm = tuple(
        (1 - receded) * one + receded * other
        for one, other in zip(whole.centre_mm, outflow.centre_mm, strict=True)
    )
    radius_mm = (1 - receded) * whole.radius_mm + receded * outflow.radius_mm
    return whole._replace(
        centre_mm=(centre_mm[0], centre_mm[1]),
        radius_mm=radius_mm.astype(np.float32),
        wall_mm=right.wall_mm,
        trabeculae_mm=np.asarray((1 - receded) * whole.trabeculae_mm, dtype=np.float32),
    )


def _whole(
    right: RightVentricle, epicardium_mm: ByAngle, size: float, position_mm: float, level: float
) -> RightContour:
    """An ellipse about the middle of the insertion points, with its corners."""
    septum_mm = float(epicardium_mm[SEPTUM_INDEX])
    mean_mm = float(epicardium_mm.mean())
    half_angle = np.deg2rad(right.half_angle_deg * (0.5 + 0.5 * size))
    behind_mm = mean_mm * float(np.cos(half_angle)) * 0.9
    half_width_mm = mean_mm * float(np.sin(half_angle)) * (1 + right.widening * size)
    reach_mm = septum_mm - behind_mm + right.depth_mm * size
    turned = np.deg2rad(ANGLES_DEG - np.float32(SEPTUM_DEG))
    cos, sin = np.cos(turned), np.abs(np.sin(turned))
    ellipse = 1 / np.sqrt((cos / reach_mm) ** 2 + (sin / half_width_mm) ** 2)
    radius = np.where(cos > 0, ellipse, half_width_mm * sin**2)
    inferior, anterior, middle = right.corners
    full = inferior * size * bump(INFERIOR_DEG, 22.0) + anterior * bump(ANTERIOR_DEG, 22.0)
    full += middle * bump(SEPTUM_DEG, 25.0) + right.outline.at(position_mm)
    radius = np.asarray(radius * (1 + full), dtype=np.float32)
    narrowest_mm = np.minimum(radius, right.depth_mm * size)
    trabeculae_mm = np.minimum(
        right.trabeculae.heights_mm(position_mm, level), MOST_TRABECULATED * narrowest_mm
    )
    wall_mm = right.wall_mm * min(1.0, 3 * size)
    return RightContour((-behind_mm, 0.0), radius, wall_mm, trabeculae_mm)


def _outflow(right: RightVentricle, epicardium_mm: float, position_mm: float) -> RightContour:
    """A round tube in front, crossing to the left as it rises."""
    angle_deg, off_mm, tube_mm = right.outflow
    rise_mm = max(right.recessed_mm - position_mm, 0.0)
    angle = np.deg2rad(angle_deg - 0.5 * rise_mm)
    away_mm = epicardium_mm * 0.85 + off_mm + 0.5 * tube_mm - 0.15 * rise_mm
    centre_mm = (away_mm * float(np.cos(angle)), away_mm * float(np.sin(angle)))
    radius_mm = tube_mm * (1 + right.outline.at(position_mm))
    radius_mm = np.asarray(radius_mm, dtype=np.float32)
    return RightContour(centre_mm, radius_mm, right.wall_mm, np.zeros_like(radius_mm))
