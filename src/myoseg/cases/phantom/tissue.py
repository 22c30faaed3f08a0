"""The tissues of a simulated case: their ranges at 1.5 T in, drawn properties and signals out.

Blood, myocardium, infarct, edema, liver, fat and lung follow Carrick (JACC Cardiovasc Imaging
2015;8) and Ugander (the same, 2012;5:596, in dogs) for T1 and T2 of infarct, Kellman (JCMR
2012;14:64) for the extracellular volume, Stanisz (Magn Reson Med 2005;54:507) for relaxation at
1.5 T, and the tables of MRXCAT (Wissmann, JCMR 2014;16:63); muscle follows Stanisz; marrow and
spleen follow de Bazelaire (Radiology 2004;230:652). Values marked `# *` in the tables have no
direct human source at 1.5 T and are working values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float32

from myoseg.anatomy import Sequence
from myoseg.cases.phantom.signal import (
    Protocol,
    T2Variant,
    bssfp_signal,
    lge_signal,
    nulling_ti_ms,
    t1_post_ms,
    t2_prepared_signal,
    t2_stir_signal,
)
from myoseg.errors import ConfigurationError

Range: TypeAlias = tuple[int | float, int | float]
"""Lowest and highest value, both possible."""

SignalTable = Float32[np.ndarray, "sequence material"]
"""Signal of each material on each sequence, in the order of both enumerations; LGE is signed."""


class Material(IntEnum):
    """What a point of the body is made of; several materials may be of one tissue type."""

    AIR = 0
    LUNG = 1
    FAT = 2
    MUSCLE = 3
    MARROW = 4
    LIVER = 5
    SPLEEN = 6
    VESSEL = 7
    LV_BLOOD = 8
    SCAR = 9
    EDEMA = 10
    NORMAL_MYOCARDIUM = 11
    RV_BLOOD = 12
    RV_WALL = 13
    PAPILLARY = 14
    MVO = 15
    RV_TRABECULA = 16
    VESSEL_WALL = 17
    PERICARDIUM = 18
    FLUID = 19
    FOOD = 20
    BOWEL_WALL = 21
    BONE = 22


@dataclass(frozen=True)
class TissueProperties:
    """What the signal equations need of one tissue.

    Attributes:
        proton_density: relative to water.
        t1_native_ms: longitudinal relaxation before contrast.
        t2_ms: transverse relaxation.
        extracellular_volume: fraction that contrast reaches; of blood, 1 - Hct.
        flowing: part of the signal that comes from blood in motion.
        fat: part of the signal that comes from fat.
        t2_star_ms: dephasing in gradient echoes beyond T2, near air.
    """

    proton_density: float
    t1_native_ms: float
    t2_ms: float
    extracellular_volume: float
    flowing: float = 0.0
    fat: float = 0.0
    t2_star_ms: float = float("inf")


@dataclass(frozen=True)
class TissueRanges:
    """Where one tissue's properties are drawn from, evenly; the last three are not varied.

    Raises:
        ConfigurationError: a range is empty or below zero, or a relaxation time can be zero.
    """

    proton_density: Range
    t1_native_ms: Range
    t2_ms: Range
    extracellular_volume: Range
    flowing: float = 0.0
    fat: float = 0.0
    t2_star_ms: float = float("inf")

    def __post_init__(self) -> None:
        for name in ("proton_density", "t1_native_ms", "t2_ms", "extracellular_volume"):
            low, high = getattr(self, name)
            if not 0 <= low <= high < float("inf") or (name.endswith("_ms") and low == 0):
                raise ConfigurationError(
                    f"tissue {name} is ({low}, {high}); give the lowest and the highest value, in "
                    "this order, neither negative and no time zero."
                )

    def draw(self, rng: np.random.Generator) -> TissueProperties:
        """One tissue within the ranges."""
        values = (getattr(self, field.name) for field in fields(self))
        drawn = [float(rng.uniform(*v)) if isinstance(v, tuple) else v for v in values]
        return TissueProperties(*drawn)


BLOOD: Final = TissueRanges((0.79, 0.79), (1387, 1441), (250, 290), (0.58, 0.58), flowing=1.0)
"""Its extracellular volume is set to 1 - Hct once the hematocrit is drawn."""

NORMAL: Final = TissueRanges((0.86, 0.90), (936, 1000), (43, 50), (0.225, 0.275))
ACUTE_INFARCT: Final = TissueRanges((0.90, 0.94), (1045, 1149), (58, 66), (0.5, 0.7))  # *
VIABLE_EDEMA: Final = TissueRanges((0.90, 0.94), (1050, 1150), (58, 66), (0.32, 0.38))  # *
OBSTRUCTION: Final = TissueRanges((0.88, 0.92), (950, 1045), (48, 58), (0.15, 0.3))  # *
"""The core of an acute infarct that contrast has not reached when LGE is acquired: T1 and T2 as
Carrick (Circ Cardiovasc Imaging 2016;9:e004148) found them below the infarct's."""

CHRONIC_SCAR: Final = TissueRanges((0.86, 0.90), (1000, 1100), (48, 52), (0.6, 0.78))  # *


@dataclass(frozen=True)
class MyocardialRanges:
    """Where the myocardium's properties are drawn from, healthy and diseased."""

    normal: TissueRanges = NORMAL
    edema: TissueRanges = VIABLE_EDEMA
    acute_infarct: TissueRanges = ACUTE_INFARCT
    obstruction: TissueRanges = OBSTRUCTION
    chronic_scar: TissueRanges = CHRONIC_SCAR


SURROUNDINGS: Final[Mapping[Material, TissueRanges]] = {
    Material.AIR: TissueRanges((0, 0), (1000, 1000), (50, 50), (0, 0)),
    Material.LUNG: TissueRanges(
        (0.2, 0.34),
        (1171, 1171),
        (61, 61),
        (0.3, 0.4),
        flowing=0.6,
        t2_star_ms=1.0,  # *
    ),
    Material.FAT: TissueRanges((0.6, 0.6), (250, 343), (58, 70), (0, 0.05), fat=1.0),
    Material.MUSCLE: TissueRanges((0.86, 0.9), (980, 1040), (40, 48), (0.12, 0.18)),  # *
    Material.MARROW: TissueRanges((0.5, 0.6), (497, 601), (41, 57), (0.1, 0.2), fat=0.5),  # *
    Material.LIVER: TissueRanges((0.87, 0.87), (576, 661), (46, 57), (0.25, 0.35)),  # *
    Material.SPLEEN: TissueRanges((0.87, 0.87), (1015, 1099), (70, 88), (0.35, 0.45)),  # *
    Material.VESSEL_WALL: TissueRanges((0.7, 0.9), (900, 1050), (40, 55), (0.2, 0.35)),  # *
    Material.PERICARDIUM: TissueRanges((0.3, 0.5), (850, 1000), (20, 35), (0.1, 0.3)),  # *
    Material.FLUID: TissueRanges((0.95, 1.0), (2000, 4000), (300, 1200), (0.0, 0.1)),  # *
    Material.FOOD: TissueRanges((0.7, 0.95), (350, 1100), (45, 160), (0.0, 0.05)),  # *
    Material.BOWEL_WALL: TissueRanges((0.8, 0.9), (900, 1050), (50, 70), (0.3, 0.45)),  # *
    Material.BONE: TissueRanges((0.1, 0.25), (400, 700), (3, 10), (0.02, 0.1)),  # *
}


@dataclass(frozen=True)
class Contrast:
    """How much contrast agent there is when LGE is acquired."""

    hematocrit: float
    blood_t1_post_ms: float


@dataclass(frozen=True)
class Tissues:
    """A case's drawn tissues, contrast and timing."""

    properties: Mapping[Material, TissueProperties]
    contrast: Contrast
    protocol: Protocol


def draw_tissues(rng: np.random.Generator, myocardium: MyocardialRanges, *, acute: bool) -> Tissues:
    """Draws a case's tissues; scar is of an acute infarct or of a chronic one."""
    properties = {material: ranges.draw(rng) for material, ranges in SURROUNDINGS.items()}
    contrast = Contrast(
        hematocrit=float(rng.uniform(0.36, 0.46)), blood_t1_post_ms=float(rng.uniform(300, 350))
    )
    blood = replace(BLOOD.draw(rng), extracellular_volume=1 - contrast.hematocrit)
    normal = myocardium.normal.draw(rng)
    scar = (myocardium.acute_infarct if acute else myocardium.chronic_scar).draw(rng)
    properties |= dict.fromkeys((Material.VESSEL, Material.LV_BLOOD, Material.RV_BLOOD), blood)
    properties |= dict.fromkeys(
        (
            Material.NORMAL_MYOCARDIUM,
            Material.RV_WALL,
            Material.PAPILLARY,
            Material.RV_TRABECULA,
        ),
        normal,
    )
    properties[Material.EDEMA] = myocardium.edema.draw(rng)
    properties[Material.SCAR] = scar
    properties[Material.MVO] = myocardium.obstruction.draw(rng)
    protocol = Protocol(
        lge_ti_error_ms=float(rng.uniform(-8, 8)), blood_left=float(rng.uniform(0.03, 0.12))
    )
    return Tissues(properties, contrast, protocol)


def signal_table(tissues: Tissues) -> SignalTable:
    """The signal of each material on each sequence, TI set to null normal myocardium."""
    columns = [tissues.properties[material] for material in Material]
    table = {
        Sequence.BSSFP: [_bssfp(p, tissues.protocol) for p in columns],
        Sequence.LGE: [_lge(p, tissues) for p in columns],
        Sequence.T2: [_t2(p, tissues.protocol) for p in columns],
    }
    return np.array([table[sequence] for sequence in Sequence], dtype=np.float32)


def inversion_time_ms(tissues: Tissues) -> float:
    """The inversion time of LGE: that which nulls normal myocardium, and the operator's error."""
    protocol = tissues.protocol
    normal_t1_ms = _t1_post_ms(tissues.properties[Material.NORMAL_MYOCARDIUM], tissues)
    return nulling_ti_ms(normal_t1_ms, protocol.lge_tr_ms) + protocol.lge_ti_error_ms


def _bssfp(tissue: TissueProperties, protocol: Protocol) -> float:
    signal = bssfp_signal(
        tissue.proton_density,
        tissue.t1_native_ms,
        tissue.t2_ms,
        protocol.flip_angle_deg,
        protocol.bssfp_te_ms,
    )
    return float(signal * np.exp(-protocol.bssfp_te_ms / tissue.t2_star_ms))


def _lge(tissue: TissueProperties, tissues: Tissues) -> float:
    protocol, ti_ms = tissues.protocol, inversion_time_ms(tissues)
    signal = lge_signal(
        tissue.proton_density, _t1_post_ms(tissue, tissues), ti_ms, protocol.lge_tr_ms
    )
    return float(signal * np.exp(-protocol.bssfp_te_ms / tissue.t2_star_ms))


def _t1_post_ms(tissue: TissueProperties, tissues: Tissues) -> float:
    contrast, blood = tissues.contrast, tissues.properties[Material.LV_BLOOD]
    delta_r1_per_ms = 1 / contrast.blood_t1_post_ms - 1 / blood.t1_native_ms
    return float(
        t1_post_ms(
            tissue.t1_native_ms,
            tissue.extracellular_volume,
            contrast.hematocrit,
            delta_r1_per_ms,
        )
    )


def _t2(tissue: TissueProperties, protocol: Protocol) -> float:
    if protocol.t2 is T2Variant.T2_PREPARED:
        return _t2_prepared(tissue, protocol)
    return _t2_stir(tissue, protocol)


def _t2_prepared(tissue: TissueProperties, protocol: Protocol) -> float:
    signal = t2_prepared_signal(
        tissue.proton_density,
        tissue.t1_native_ms,
        tissue.t2_ms,
        protocol.t2_prepared_tr_ms,
        protocol.t2_preparation_ms,
        protocol.flip_angle_deg,
    )
    return float(signal * np.exp(-protocol.bssfp_te_ms / tissue.t2_star_ms))


def _t2_stir(tissue: TissueProperties, protocol: Protocol) -> float:
    signal = t2_stir_signal(
        tissue.proton_density,
        tissue.t1_native_ms,
        tissue.t2_ms,
        protocol.t2_tr_ms,
        protocol.t2_te_ms,
    )
    blood = 1 - tissue.flowing * (1 - protocol.blood_left)
    fat = 1 - tissue.fat * (1 - protocol.fat_left)
    return float(signal * blood * fat)
