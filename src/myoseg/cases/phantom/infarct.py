"""An infarct in a coronary territory: drawn once, then its depth in the wall by angle and level.

Angles are in degrees about the LV axis, counter-clockwise in the displayed slice, 0 at the middle
of the lateral wall, 90 anterior, 180 at the middle of the septum (half way between the RV
insertion points), 270 inferior. Depths are fractions of the wall from endocardium (0) to
epicardium (1). Scar grows from the endocardium outward (the wavefront of Reimer and Jennings, Lab
Invest 1979;40:633); edema reaches beyond it on all sides; microvascular obstruction is the core of
an acute scar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from myoseg.cases.phantom.variation import ANGLES_DEG, ByAngle, Ripples, draw_ripples


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

SECOND_PROBABILITY: Final = 0.18
"""Chance of a second infarct in another territory: multivessel scars are a minority."""

OBSTRUCTION_PROBABILITY: Final = 0.5
"""Chance of microvascular obstruction in an acute infarct: 57 % of 1,688 patients after primary
intervention (de Waha, Eur Heart J 2017;38:3502), fewer among all acute infarcts."""

ANEURYSM_PROBABILITY: Final = 0.2
"""Chance that a chronic infarct bulges outward."""  # *


@dataclass(frozen=True, eq=False)
class Focus:
    """One infarcted region; lengths across the wall's surface are fractions of the territory's arc.

    Attributes:
        territory: whose arc its centre lies in.
        arc_centre: centre within the arc, from 0 to 1.
        arc_half_width: half of its extent; territories vary, so it may leave the arc.
        centre_mm: where it is widest, along the long axis from the base.
        half_length_mm: its extent along the long axis to either side.
        transmurality: depth of the scar at its centre.
        edema_depth: depth of the edema at its centre, at least the scar's; 0 if chronic.
        edema_margin: extent of the edema beyond the scar, as a factor of the scar's extent.
        obstruction: extent of the microvascular obstruction as a part of the scar's; 0 if none.
        obstruction_depths: from where to where it reaches, as fractions of the scar's depth.
        thinning: part of the wall that is lost where a chronic scar is transmural.
        bulge_mm: how far an aneurysm bulges where scar is transmural.
        border: irregularity of the scar's depth, relative.
    """

    territory: Territory
    arc_centre: float
    arc_half_width: float
    centre_mm: float
    half_length_mm: float
    transmurality: float
    edema_depth: float
    edema_margin: float
    obstruction: float
    obstruction_depths: tuple[float, float]
    thinning: float
    bulge_mm: float
    border: Ripples


@dataclass(frozen=True, eq=False)
class Infarct:
    """A heart's infarcts, at least one, all of them of one age."""

    foci: tuple[Focus, ...]

    @property
    def acute(self) -> bool:
        """Whether there is edema around the scar."""
        return self.foci[0].edema_depth > 0


@dataclass(frozen=True, eq=False)
class WallDepths:
    """How deep the infarct reaches into the wall, as fractions, and how it deforms the wall.

    Attributes:
        scar: depth of the scar.
        edema: depth of the edema, at least the scar's.
        mvo_from: where microvascular obstruction begins; it lies within the scar.
        mvo_to: where it ends.
        thinning: part of the wall that is lost.
        bulge_mm: how far the wall is pushed outward.
    """

    scar: ByAngle
    edema: ByAngle
    mvo_from: ByAngle
    mvo_to: ByAngle
    thinning: ByAngle
    bulge_mm: ByAngle

    def with_focus(self, other: "WallDepths") -> "WallDepths":
        """Both of two infarcts: the deeper at each angle, the obstruction being the deeper's."""
        deeper = other.scar > self.scar
        return WallDepths(
            np.maximum(self.scar, other.scar),
            np.maximum(self.edema, other.edema),
            np.where(deeper, other.mvo_from, self.mvo_from),
            np.where(deeper, other.mvo_to, self.mvo_to),
            np.maximum(self.thinning, other.thinning),
            np.maximum(self.bulge_mm, other.bulge_mm),
        )


HEALTHY: Final = WallDepths(*(np.zeros_like(ANGLES_DEG) for _ in range(6)))
"""The depths of a wall without infarct."""


def draw_infarct(rng: np.random.Generator, levels_mm: Sequence[float], *, acute: bool) -> Infarct:
    """Draws one infarct or two, widest at one of the levels (mm from the base)."""
    n_foci = 2 if rng.random() < SECOND_PROBABILITY else 1
    order = rng.choice(3, size=n_foci, replace=False, p=[0.45, 0.2, 0.35])
    territories = [tuple(Territory)[index] for index in order]
    return Infarct(
        tuple(_draw_focus(rng, levels_mm, territory, acute=acute) for territory in territories)
    )


def _draw_focus(
    rng: np.random.Generator, levels_mm: Sequence[float], territory: Territory, *, acute: bool
) -> Focus:
    uniform = rng.uniform
    transmurality = 1.05 - 0.65 * rng.random() ** 1.6
    patchy = rng.random() < 0.25
    aneurysm = not acute and rng.random() < ANEURYSM_PROBABILITY
    core = acute and rng.random() < OBSTRUCTION_PROBABILITY
    return Focus(
        territory=territory,
        arc_centre=float(uniform(0.25, 0.75)),
        arc_half_width=float(uniform(0.32, 0.85)),
        centre_mm=float(rng.choice(np.asarray(levels_mm))),
        half_length_mm=float(uniform(22, 72)),
        transmurality=float(transmurality),
        edema_depth=float(max(transmurality, uniform(0.75, 1.05))) if acute else 0.0,
        edema_margin=float(uniform(1.1, 1.6)),
        obstruction=float(uniform(0.4, 0.85)) if core else 0.0,
        obstruction_depths=(float(uniform(0.03, 0.3)), float(uniform(0.5, 0.92))),
        thinning=float(uniform(-0.15, 0.0)) if acute else float(uniform(0.0, 0.6)),
        bulge_mm=float(uniform(3, 9)) if aneurysm else 0.0,
        border=draw_ripples(rng, range(3, 24), 0.3 if patchy else 0.1, decay=0.5, turn=0.15),
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


def wall_depths(infarct: Infarct | None, position_mm: float, level: float) -> WallDepths:
    """The infarct in the wall at each of `ANGLES_DEG`, `position_mm` from the base.

    Args:
        infarct: None for a control, whose depths are zero.
        position_mm: along the long axis, from the base.
        level: the same as a fraction of the long axis.
    """
    depths = HEALTHY
    for focus in infarct.foci if infarct else ():
        depths = depths.with_focus(_focus_depths(focus, position_mm, level))
    return depths


def _focus_depths(focus: Focus, position_mm: float, level: float) -> WallDepths:
    start, end = territory_arc_deg(focus.territory, level)
    centre_deg = start + focus.arc_centre * (end - start)
    half_deg = focus.arc_half_width * (end - start)
    across = ((ANGLES_DEG - np.float32(centre_deg - 180)) % 360 - 180) / np.float32(half_deg)
    along = (position_mm - focus.centre_mm) / focus.half_length_mm
    distance_squared = across**2 + np.float32(along**2)
    ideal = focus.transmurality * _falloff(distance_squared)
    scar = np.clip(ideal * (1 + focus.border.at(position_mm)), 0, 1)
    edema = focus.edema_depth * _falloff(distance_squared / focus.edema_margin**2)
    begins, ends = focus.obstruction_depths
    core = distance_squared < focus.obstruction**2
    shape = np.clip(ideal, 0, 1)
    return WallDepths(
        scar=scar,
        edema=np.maximum(scar, np.clip(edema, 0, 1)),
        mvo_from=begins * scar * core,
        mvo_to=np.minimum(ends * scar, scar) * core,
        thinning=focus.thinning * shape,
        bulge_mm=focus.bulge_mm * shape,
    )


def _falloff(distance_squared: ByAngle) -> ByAngle:
    """1 at the centre, nearly flat inside, 0 from a distance of 1 on."""
    height: ByAngle = np.sqrt(np.clip(1 - distance_squared**3, 0, None))
    return height
