"""Fat and pericardium about both ventricles: thicknesses outside the muscle, by angle and level."""

from dataclasses import dataclass

import numpy as np

from myoseg.cases.phantom.left_ventricle import SEPTUM_DEG
from myoseg.cases.phantom.variation import ByAngle, Ripples, bump, draw_ripples

Thicknesses = tuple[ByAngle, ByAngle, ByAngle]
"""Outer borders of the inner fat, the pericardium and the outer fat, in mm from the muscle."""


@dataclass(frozen=True, eq=False)
class Cover:
    """Fat and pericardium about the ventricles.

    Attributes:
        epicardial_mm: thickness of the fat on the free walls.
        groove_mm: further fat in the grooves at the insertion points.
        pericardium_mm: thickness of the pericardium.
        pericardial_mm: mean thickness of the fat outside of it.
        unevenness: of that fat, relative; there is most beside the RV.
        groove_deg: angles of the grooves.
    """

    epicardial_mm: float
    groove_mm: float
    pericardium_mm: float
    pericardial_mm: float
    unevenness: Ripples
    groove_deg: tuple[float, float]

    def thicknesses_mm(self, position_mm: float) -> Thicknesses:
        """Outer borders of fat, pericardium and outer fat, as distances from the muscle."""
        groove = bump(self.groove_deg[0], 11.0) + bump(self.groove_deg[1], 11.0)
        inner = np.float32(self.epicardial_mm) + np.float32(self.groove_mm) * groove
        membrane = inner + np.float32(self.pericardium_mm)
        uneven = np.clip(0.3 + bump(SEPTUM_DEG, 80.0) + self.unevenness.at(position_mm), 0, 3)
        return inner, membrane, membrane + np.float32(self.pericardial_mm) * uneven


def draw_cover(rng: np.random.Generator, half_angle_deg: float) -> Cover:
    """Draws fat and pericardium; the grooves lie this far from the middle of the septum."""
    uniform = rng.uniform
    return Cover(
        epicardial_mm=float(uniform(0.0, 3.0)),
        groove_mm=float(uniform(2.0, 9.0)),
        pericardium_mm=float(uniform(0.8, 1.8)),
        pericardial_mm=float(uniform(0.0, 8.0)),
        unevenness=draw_ripples(rng, range(1, 9), 0.7, decay=0.7, turn=0.03),
        groove_deg=(SEPTUM_DEG - half_angle_deg, SEPTUM_DEG + half_angle_deg),
    )
