"""The left ventricle's wall as nested star-shaped contours about its axis, at any level.

Ranges. Healthy adults at end-diastole have LV volumes of 166 ± 32 (men) and 124 ± 21 mL (women) and
masses of 103 ± 21 and 70 ± 13 g (Petersen, JCMR 2017;19:18), with walls of 5 to 11 mm (Kawel-Boehm,
JCMR 2020;22:87). Hypertrophied walls are 15 mm or more (Ommen, AHA/ACC guideline, Circulation
2020;142:e558), thinned walls 5.5 mm or less (Shah, JAMA 2013;309:909).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from myoseg.cases.phantom.infarct import WallDepths
from myoseg.cases.phantom.tissue import Material, Range
from myoseg.cases.phantom.trabeculae import TrabecularLayer, draw_layer
from myoseg.cases.phantom.variation import ByAngle, Ripples, bump, draw_ripples, smooth_step, taper

LEFT_LAYERS: Final = (
    Material.LV_BLOOD,
    Material.PAPILLARY,
    Material.SCAR,
    Material.MVO,
    Material.SCAR,
    Material.EDEMA,
    Material.NORMAL_MYOCARDIUM,
)
"""What lies inside each radius and outside the one before, from the LV axis outward; the second is
the trabeculae at the endocardium."""

LayerRadii = Float32[np.ndarray, "layer angle"]

SEPTUM_DEG: Final = 180.0
"""The middle of the septum, half way between the RV insertion points."""

OUTFLOW_DEG: Final = 140.0
"""Where the aorta leaves: anteroseptal."""

ATRIAL_DEG: Final = 320.0
"""Where the mitral valve borders the outflow tract: inferolateral."""

THINNER_OVER_SCAR: Final = 0.7
"""Part of the trabecular layer that is missing over scar of half the wall or more."""

THINNEST_WALL_MM: Final = 3.5
THINNEST_SCAR_MM: Final = 2.0


@dataclass(frozen=True)
class LeftRanges:
    """One kind of left ventricle: how common it is, and where its lengths (mm) are drawn from.

    Attributes:
        share: of all hearts.
        length_mm: from the base to the epicardial apex.
        cavity_radius_mm: of the blood pool at the base.
        wall_mm: thickness of the wall at the base.
        cavity_end: where the cavity ends, as a fraction of the length.
        asymmetry: relative excess of the thickest side of the wall.
        papillary: size of the papillary muscles relative to those of a normal heart.
        trabecular: reach of the trabecular layer relative to that of a normal heart in diastole.
        systolic: whether it is drawn at end-systole.
    """

    share: float
    length_mm: Range
    cavity_radius_mm: Range
    wall_mm: Range
    cavity_end: Range
    asymmetry: Range
    papillary: float
    trabecular: float
    systolic: bool = False


DIASTOLE: Final = LeftRanges(
    0.34, (78, 103), (20, 28), (5.5, 10.5), (0.91, 0.96), (0, 0.2), papillary=1.0, trabecular=1.0
)
DILATED: Final = LeftRanges(
    0.13, (90, 118), (28, 38), (5, 7.5), (0.94, 0.97), (0, 0.15), papillary=1.1, trabecular=1.05
)
HYPERTROPHIED: Final = LeftRanges(
    0.10,
    (78, 102),
    (16, 23),
    (11.5, 14.5),
    (0.78, 0.93),
    (0.1, 0.35),
    papillary=1.4,
    trabecular=1.05,
)
SYSTOLE: Final = LeftRanges(
    0.20,
    (66, 90),
    (10, 22),
    (8.5, 14),
    (0.8, 0.95),
    (0, 0.2),
    papillary=1.2,
    trabecular=1.05,
    systolic=True,
)
DILATED_SYSTOLE: Final = LeftRanges(
    0.12,
    (80, 110),
    (20, 34),
    (6, 10),
    (0.88, 0.96),
    (0, 0.2),
    papillary=1.25,
    trabecular=1.15,
    systolic=True,
)
HYPERTROPHIED_SYSTOLE: Final = LeftRanges(
    0.11,
    (68, 92),
    (6, 16),
    (13, 19),
    (0.6, 0.9),
    (0.1, 0.35),
    papillary=1.1,
    trabecular=1.2,
    systolic=True,
)
KINDS: Final = (
    DIASTOLE,
    DILATED,
    HYPERTROPHIED,
    SYSTOLE,
    DILATED_SYSTOLE,
    HYPERTROPHIED_SYSTOLE,
)
"""Mostly end-diastole, as LGE is read; the thickest side of a hypertrophied wall reaches 18 mm in
diastole. In systole trabeculae and papillary muscles take more of a smaller pool."""


@dataclass(frozen=True)
class BasalWall:
    """How the wall ends at the base, where the valves are.

    Attributes:
        length_mm: from the base, of the part that differs from the wall below.
        thinning: part of the wall that is missing at the base, all around.
        opening: further part that is missing there toward the aorta; up to 1, an open ring.
        half_width_deg: of that opening.
    """

    length_mm: float
    thinning: float
    opening: float
    half_width_deg: float

    def near(self, position_mm: float) -> float:
        """1 at the base, 0 below the part that differs."""
        return 1 - smooth_step(position_mm / self.length_mm)

    def missing(self, position_mm: float) -> ByAngle:
        """Part of the wall that is missing, by angle."""
        toward_aorta = self.opening * bump(OUTFLOW_DEG, self.half_width_deg)
        missing = self.near(position_mm) * (self.thinning + (1 - self.thinning) * toward_aorta)
        return np.asarray(missing, dtype=np.float32)


@dataclass(frozen=True)
class OutflowTract:
    """What readers count to the LV above the base: the way to the aortic valve.

    Attributes:
        length_mm: from the base upward.
        narrowing: part of the radius that is missing at its top, most on the side of the atrium.
        thinning: part of the wall's thickness at the base that is missing at its top.
    """

    length_mm: float
    narrowing: float
    thinning: float

    def risen(self, position_mm: float) -> float:
        """0 at the base and below it, 1 at the top."""
        return min(max(-position_mm / max(self.length_mm, 1e-6), 0.0), 1.0)


def _draw_outflow(rng: np.random.Generator) -> OutflowTract:
    return OutflowTract(
        length_mm=float(rng.uniform(0, 15)),
        narrowing=float(rng.uniform(0.1, 0.5)),
        thinning=float(rng.uniform(0, 0.5)),
    )


def _draw_basal_wall(rng: np.random.Generator) -> BasalWall:
    return BasalWall(
        length_mm=float(rng.uniform(8, 26)),
        thinning=float(rng.uniform(0, 0.45)),
        opening=float(rng.uniform(0.2, 1.0)),
        half_width_deg=float(rng.uniform(20, 60)),
    )


@dataclass(frozen=True, eq=False)
class LeftVentricle:
    """A drawn left ventricle; positions are mm from the base toward the apex.

    Attributes:
        length_mm: from the base to the epicardial apex.
        cavity_radius_mm: of the blood pool at the base.
        wall_mm: mean thickness of the wall at the base.
        cavity_end: where the cavity ends, as a fraction of the length.
        bluntness: powers of the tapers of the cavity and of the epicardium.
        flat_septum: part of the radius that the septum is pushed in.
        asymmetry: relative excess of the thickest side of the wall.
        asymmetry_deg: the angle of that side.
        outline: departure from a circle, relative.
        unevenness: of the wall's thickness, relative.
        trabeculae: the layer on the endocardium.
        basal_wall: how the wall ends at the base.
        outflow: what there is of it above the base.
    """

    length_mm: float
    cavity_radius_mm: float
    wall_mm: float
    cavity_end: float
    bluntness: tuple[float, float]
    flat_septum: float
    asymmetry: float
    asymmetry_deg: float
    outline: Ripples
    unevenness: Ripples
    trabeculae: TrabecularLayer
    basal_wall: BasalWall
    outflow: OutflowTract

    @property
    def top_mm(self) -> float:
        """Position of its upper end, negative."""
        return -self.outflow.length_mm

    def cavity_mm(self, position_mm: float) -> float:
        """Mean radius of the blood pool; above the base, that of the base."""
        if position_mm < self.top_mm:
            return 0.0
        level = position_mm / (self.length_mm * self.cavity_end)
        return self.cavity_radius_mm * taper(level, self.bluntness[0])

    def epicardium_mm(self, position_mm: float) -> float:
        """Mean radius of the epicardium; above the base, that of the base."""
        outer_mm = self.cavity_radius_mm + self.wall_mm
        return outer_mm * taper(position_mm / self.length_mm, self.bluntness[1])


def draw_left_ventricle(
    rng: np.random.Generator, ranges: LeftRanges, *, overloaded: bool = False
) -> LeftVentricle:
    """Draws one ventricle of a kind; beside an overloaded right one, its septum is flat."""
    uniform = rng.uniform
    return LeftVentricle(
        length_mm=float(uniform(*ranges.length_mm)),
        cavity_radius_mm=float(uniform(*ranges.cavity_radius_mm)),
        wall_mm=float(uniform(*ranges.wall_mm)),
        cavity_end=float(uniform(*ranges.cavity_end)),
        bluntness=(float(uniform(2.4, 3.6)), float(uniform(2.3, 3.2))),
        flat_septum=float(max(rng.normal(0.12 if overloaded else 0.0, 0.08), 0)),
        asymmetry=float(uniform(*ranges.asymmetry)),
        asymmetry_deg=float(uniform(110, 250)),
        outline=draw_ripples(rng, range(2, 9), 0.035, decay=1.3, turn=0.012),
        unevenness=draw_ripples(rng, range(1, 9), 0.05, decay=0.6, turn=0.04),
        trabeculae=draw_layer(rng, (0.3, 3.2), (2.5, 10), scale=ranges.trabecular),
        basal_wall=_draw_basal_wall(rng),
        outflow=_draw_outflow(rng),
    )


def left_radii(left: LeftVentricle, depths: WallDepths, position_mm: float) -> LayerRadii:
    """The outer radius in mm of each of `LEFT_LAYERS` at each of `ANGLES_DEG`; never decreasing.

    Args:
        left: the shape.
        depths: how deep the infarct reaches into the wall at this position, and how it deforms it.
        position_mm: along the long axis, from the base; above the outflow tract there is nothing.
    """
    if not left.top_mm <= position_mm < left.length_mm:
        return np.zeros((len(LEFT_LAYERS), depths.scar.size), dtype=np.float32)
    outline = _outline(left, position_mm)
    endo = left.cavity_mm(position_mm) * outline + depths.bulge_mm
    base = left.basal_wall
    endo = endo * (1 + 0.15 * base.near(position_mm) * bump(OUTFLOW_DEG, 28.0))
    risen = left.outflow.risen(position_mm)
    endo = endo * (1 - left.outflow.narrowing * risen * (0.4 + 0.6 * bump(ATRIAL_DEG, 90.0)))
    wall = np.maximum(_wall_mm(left, position_mm) * outline, THINNEST_WALL_MM)
    wall = np.maximum(wall * (1 - depths.thinning), THINNEST_SCAR_MM)
    wall = wall * (1 - base.missing(position_mm)) * (1 - left.outflow.thinning * risen)
    trabeculae_mm = left.trabeculae.heights_mm(position_mm, position_mm / left.length_mm)
    spared = 1 - THINNER_OVER_SCAR * np.clip(2 * depths.scar, 0, 1)
    ragged = np.maximum(endo - (1 - risen) * spared * trabeculae_mm, 0.4 * endo)
    inner = [endo + depth * wall for depth in (depths.mvo_from, depths.mvo_to)]
    outer = [endo + depth * wall for depth in (depths.scar, depths.edema)]
    radii = np.array([ragged, endo, *inner, *outer, endo + wall], dtype=np.float32)
    return np.maximum.accumulate(radii, axis=0)


def _outline(left: LeftVentricle, position_mm: float) -> ByAngle:
    flat = left.flat_septum * bump(SEPTUM_DEG, 48.0)
    return 1 + left.outline.at(position_mm) - flat


def _wall_mm(left: LeftVentricle, position_mm: float) -> ByAngle:
    mean_mm = left.epicardium_mm(position_mm) - left.cavity_mm(position_mm)
    uneven = left.unevenness.at(position_mm)
    uneven = uneven + left.asymmetry * (bump(left.asymmetry_deg, 65.0) - 0.2)
    return np.asarray(mean_mm * (1 + uneven), dtype=np.float32)
