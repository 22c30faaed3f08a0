"""An infarct in a coronary territory: drawn once, then its depth in the wall by angle and level.

Angles are in degrees about the LV axis, counter-clockwise in the displayed slice, 0 at the middle
of the lateral wall, 90 anterior, 180 at the middle of the septum (half way between the RV
insertion points), 270 inferior. Depths are fractions of the wall from endocardium (0) to
epicardium (1). Scar grows from the endocardium outward (the wavefront of Reimer and Jennings, Lab
Invest 1979;40:633); edema reaches beyond it on all sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from jaxtyping import Float

ByAngle = Float[np.ndarray, "angle"]


class Territory(StrEnum):
    """The coronary artery that is occluded."""

    LAD = "lad"
    RCX = "rcx"
    RCA = "rca"


BASAL_ARC_DEG: Final = {
    Territory.LAD: (60.0, 180.0),
    Territory.RCA: (180.0, 300.0),
    Territory.RCX: (300.0, 420.0),
}
"""Segments 1, 2, 7, 8 of the LAD; 3, 4, 9, 10 of the RCA; 5, 6, 11, 12 of the RCX."""

APICAL_ARC_DEG: Final = {
    Territory.LAD: (45.0, 225.0),
    Territory.RCA: (225.0, 315.0),
    Territory.RCX: (315.0, 405.0),
}
"""Segments 13, 14; 15; 16 (Cerqueira et al., Circulation 2002;105:539)."""

APICAL_LEVEL: Final = (0.60, 0.72)
"""Between these fractions of the long axis, the basal arcs pass into the apical ones."""

N_RIPPLES: Final = 4


@dataclass(frozen=True)
class Infarct:
    """One infarct; lengths across the wall's surface are fractions of the territory's arc.

    Attributes:
        territory: whose arc it lies in.
        arc_centre: centre within the arc, from 0 to 1.
        arc_half_width: half of its extent within the arc; it does not leave the arc.
        centre_mm: where it is widest, along the long axis from the base.
        half_length_mm: its extent along the long axis to either side.
        transmurality: depth of the scar at its centre.
        edema_depth: depth of the edema at its centre, at least the scar's; 0 if chronic.
        edema_margin: extent of the edema beyond the scar, as a factor of the scar's extent.
        thinning: part of the wall that is lost where a chronic scar is transmural.
        ripple_phases_rad: phases of the irregularities of the scar's border.
    """

    territory: Territory
    arc_centre: float
    arc_half_width: float
    centre_mm: float
    half_length_mm: float
    transmurality: float
    edema_depth: float
    edema_margin: float
    thinning: float
    ripple_phases_rad: tuple[float, ...]

    @property
    def acute(self) -> bool:
        """Whether there is edema around the scar."""
        return self.edema_depth > 0


@dataclass(frozen=True)
class WallDepths:
    """How deep scar and edema reach into the wall, as fractions; edema at least as deep."""

    scar: ByAngle
    edema: ByAngle


def draw_infarct(rng: np.random.Generator, levels_mm: Sequence[float], *, acute: bool) -> Infarct:
    """Draws an infarct that is widest at one of the levels (mm from the base)."""
    half_width = rng.uniform(0.38, 0.5)
    transmurality = 1 - 0.6 * rng.random() ** 1.5
    return Infarct(
        territory=tuple(Territory)[rng.choice(3, p=[0.45, 0.2, 0.35])],
        arc_centre=float(rng.uniform(half_width, 1 - half_width)),
        arc_half_width=float(half_width),
        centre_mm=float(rng.choice(np.asarray(levels_mm))),
        half_length_mm=float(rng.uniform(26, 60)),
        transmurality=float(transmurality),
        edema_depth=float(max(transmurality, rng.uniform(0.75, 1.0))) if acute else 0.0,
        edema_margin=float(rng.uniform(1.2, 1.6)),
        thinning=0.0 if acute else float(rng.uniform(0.1, 0.45)),
        ripple_phases_rad=tuple(rng.uniform(0, 2 * np.pi, N_RIPPLES).tolist()),
    )


def territory_arc_deg(territory: Territory, level: float) -> tuple[float, float]:
    """The arc a coronary artery supplies at a level from base (0) to apex (1).

    >>> territory_arc_deg(Territory.RCA, 0.5)
    (180.0, 300.0)
    """
    apical = float(np.interp(level, APICAL_LEVEL, (0.0, 1.0)))
    pairs = zip(BASAL_ARC_DEG[territory], APICAL_ARC_DEG[territory], strict=True)
    start, end = ((1 - apical) * basal + apical * apex for basal, apex in pairs)
    return start, end


def wall_depths(
    infarct: Infarct | None, angles_deg: ByAngle, position_mm: float, level: float
) -> WallDepths:
    """Depth of scar and edema at each angle, `position_mm` from the base.

    Args:
        infarct: None for a control, whose depths are zero.
        angles_deg: angles about the LV axis.
        position_mm: along the long axis, from the base.
        level: the same as a fraction of the long axis.
    """
    if infarct is None:
        return WallDepths(np.zeros_like(angles_deg), np.zeros_like(angles_deg))
    start, end = territory_arc_deg(infarct.territory, level)
    centre_deg = start + infarct.arc_centre * (end - start)
    half_deg = infarct.arc_half_width * (end - start)
    across = ((angles_deg - centre_deg + 180) % 360 - 180) / half_deg
    along = (position_mm - infarct.centre_mm) / infarct.half_length_mm
    scar = infarct.transmurality * _falloff(across**2 + along**2)
    scar = np.clip(scar * (1 + _ripples(infarct, angles_deg, position_mm)), 0, 1)
    edema = infarct.edema_depth * _falloff((across**2 + along**2) / infarct.edema_margin**2)
    return WallDepths(scar, np.maximum(scar, edema))


def _falloff(distance_squared: ByAngle) -> ByAngle:
    """1 at the centre, nearly flat inside, 0 from a distance of 1 on."""
    height: ByAngle = np.sqrt(np.clip(1 - distance_squared**3, 0, None))
    return height


def _ripples(infarct: Infarct, angles_deg: ByAngle, position_mm: float) -> ByAngle:
    """Irregularity of the border between scar and viable wall, within about a fifth."""
    angles, drift = np.deg2rad(angles_deg), position_mm / 15
    waves = [
        np.cos((5 + 4 * order) * angles + phase + order * drift) / (1 + order)
        for order, phase in enumerate(infarct.ripple_phases_rad)
    ]
    ripples: ByAngle = 0.1 * sum(waves, start=np.zeros_like(angles))
    return ripples
