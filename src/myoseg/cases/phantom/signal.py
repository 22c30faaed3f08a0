"""Tissue parameters in, signals out: the equations of the three sequences and their variants.

All functions take and return numbers or arrays in arbitrary but common units of magnetisation;
times are in milliseconds. LGE is stored as a magnitude or phase-sensitively, and T2-weighted
images are dark-blood or bright-blood.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np

Value: TypeAlias = Any
"""A number, or an array of any shape that broadcasts with the others."""


class LgeVariant(StrEnum):
    """What is stored of the inversion recovery."""

    MAGNITUDE = "magnitude"
    PSIR = "psir"


class T2Variant(StrEnum):
    """How T2-weighting is done: turbo spin echo with dark blood, or T2-prepared bSSFP."""

    STIR = "stir"
    T2_PREPARED = "t2-prepared"


@dataclass(frozen=True)
class Protocol:
    """Timing of the three sequences at 1.5 T.

    The defaults are the timing of the worked example that the tests compute by hand. The bSSFP
    images are acquired before contrast, the LGE images after it.

    Attributes:
        flip_angle_deg: of the bSSFP readouts.
        bssfp_te_ms: echo time of the gradient-echo readouts (bSSFP and LGE).
        bssfp_tr_ms: repetition time of the bSSFP readouts, which sets the distance of bands.
        lge: whether the sign is kept (phase-sensitive).
        lge_tr_ms: time between inversions, about one heart beat.
        lge_ti_error_ms: by how much the operator misses the null of normal myocardium.
        t2: dark-blood turbo spin echo or bright-blood T2 preparation.
        t2_tr_ms: about two heart beats.
        t2_te_ms: effective echo time of the turbo spin echo.
        blood_left: part of the flowing blood's signal that the dark-blood preparation leaves.
        fat_left: part of the fat's signal that the fat suppression leaves.
        t2_prepared_tr_ms: time between T2 preparations, about three heart beats.
        t2_preparation_ms: echo time of the T2 preparation.
    """

    flip_angle_deg: float = 60.0
    bssfp_te_ms: float = 1.3
    bssfp_tr_ms: float = 3.0
    lge: LgeVariant = LgeVariant.MAGNITUDE
    lge_tr_ms: float = 1000.0
    lge_ti_error_ms: float = 0.0
    t2: T2Variant = T2Variant.STIR
    t2_tr_ms: float = 2000.0
    t2_te_ms: float = 90.0
    blood_left: float = 0.05
    fat_left: float = 0.1
    t2_prepared_tr_ms: float = 3000.0
    t2_preparation_ms: float = 60.0


def bssfp_signal(
    proton_density: Value, t1_ms: Value, t2_ms: Value, flip_angle_deg: float, te_ms: float
) -> Value:
    """Balanced steady-state free precession on resonance, for TR far below T2.

    PD sin(a) exp(-TE/T2) / [(T1/T2 + 1) - cos(a)(T1/T2 - 1)]; Scheffler and Lehnhardt, Eur Radiol
    2003;13:2409.
    """
    angle, ratio = np.deg2rad(flip_angle_deg), t1_ms / t2_ms
    steady = np.sin(angle) / ((ratio + 1) - np.cos(angle) * (ratio - 1))
    return proton_density * steady * np.exp(-te_ms / t2_ms)


def bssfp_profile(
    t1_ms: Value, t2_ms: Value, flip_angle_deg: float, tr_ms: float, off_resonance_hz: Value
) -> Value:
    """The bSSFP signal off resonance as a part of that on resonance, pulses alternating in sign.

    Near zero where the magnetisation turns by half a cycle in TR, at 1/(2 TR) and every 1/TR from
    there; negative in every second pass band, since its echoes have the opposite phase. Freeman
    and Hill, J Magn Reson 1971;4:366; the phase: Scheffler and Hennig, Magn Reson Med 2003;49:395.
    """
    angle, cycles = np.deg2rad(flip_angle_deg), off_resonance_hz * tr_ms / 1000
    e1, e2 = np.exp(-tr_ms / t1_ms), np.exp(-tr_ms / t2_ms)

    def steady(turn: Value) -> Value:
        transverse = np.sqrt(1 - 2 * e2 * np.cos(turn) + e2**2)
        return transverse / (
            (1 - e1 * np.cos(angle)) * (1 - e2 * np.cos(turn))
            - e2 * (e1 - np.cos(angle)) * (e2 - np.cos(turn))
        )

    sign = 1 - 2 * (np.rint(cycles) % 2)
    return sign * steady(2 * np.pi * cycles + np.pi) / steady(np.pi)


def lge_signal(proton_density: Value, t1_post_ms: Value, ti_ms: float, tr_ms: float) -> Value:
    """Inversion recovery with its sign (phase-sensitive); its absolute value is the magnitude.

    PD (1 - 2 exp(-TI/T1) + exp(-TR/T1)); Simonetti et al., Radiology 2001;218:215. The sign is
    kept because tissues of opposite sign cancel within a voxel before the magnitude is taken.
    """
    recovered = 1 - 2 * np.exp(-ti_ms / t1_post_ms) + np.exp(-tr_ms / t1_post_ms)
    return proton_density * recovered


def nulling_ti_ms(t1_post_ms: float, tr_ms: float) -> float:
    """The inversion time at which `lge_signal` of this tissue is zero."""
    return float(t1_post_ms * np.log(2 / (1 + np.exp(-tr_ms / t1_post_ms))))


def t2_stir_signal(
    proton_density: Value, t1_ms: Value, t2_ms: Value, tr_ms: float, te_ms: float
) -> Value:
    """T2-weighted turbo spin echo; blood and fat suppression are factors upon it.

    PD (1 - exp(-TR/T1)) exp(-TE/T2); Simonetti et al., Radiology 1996;199:49.
    """
    return proton_density * (1 - np.exp(-tr_ms / t1_ms)) * np.exp(-te_ms / t2_ms)


def t2_prepared_signal(
    proton_density: Value,
    t1_ms: Value,
    t2_ms: Value,
    tr_ms: float,
    preparation_ms: float,
    flip_angle_deg: float,
) -> Value:
    """T2 preparation read by single-shot bSSFP: blood stays bright, fat is not suppressed.

    PD (1 - exp(-TR/T1)) exp(-TE/T2) sin(a/2), TE that of the preparation; Kellman et al., Magn
    Reson Med 2007;57:891. A readout that starts with a/2 and with the centre of k-space shows the
    prepared magnetisation (Deimling and Heid, Proc SMR 1994:495).
    """
    prepared = (1 - np.exp(-tr_ms / t1_ms)) * np.exp(-preparation_ms / t2_ms)
    return proton_density * prepared * np.sin(np.deg2rad(flip_angle_deg) / 2)


def t1_post_ms(
    t1_native_ms: Value, extracellular_volume: Value, hematocrit: float, delta_r1_per_ms: float
) -> Value:
    """T1 after contrast: 1/T1post = 1/T1 + ECV/(1 - Hct) dR1(blood) (Kellman, JCMR 2012;14:63).

    Args:
        t1_native_ms: T1 before contrast.
        extracellular_volume: fraction of the tissue that contrast reaches; 1 - Hct for blood.
        hematocrit: volume fraction of blood cells.
        delta_r1_per_ms: change of 1/T1 of blood.
    """
    share = extracellular_volume / (1 - hematocrit)
    return 1 / (1 / t1_native_ms + share * delta_r1_per_ms)
