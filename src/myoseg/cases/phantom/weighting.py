"""The shares of materials in a slice in, its ideal signals by each sequence out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Integer

from myoseg.anatomy import Sequence
from myoseg.cases.phantom.artefacts import (
    Artefacts,
    Plane,
    off_resonance_hz,
    stagnant_share,
)
from myoseg.cases.phantom.partial_volume import Shares
from myoseg.cases.phantom.signal import T2Variant, bssfp_profile, t2_stir_signal
from myoseg.cases.phantom.tissue import Material, SignalTable, Tissues, signal_table

Signal = Float32[np.ndarray, "row col"]

BLOOD: Final = (Material.LV_BLOOD, Material.RV_BLOOD)

N_STEPS: Final = 1024
"""Steps of the bSSFP profile's table within `FURTHEST_HZ` of resonance to either side."""

FURTHEST_HZ: Final = 2000.0


@dataclass(frozen=True, eq=False)
class Weighting:
    """All that turns materials into signals: a case's tissues and artefacts, and their tables.

    Attributes:
        tissues: drawn properties and timing.
        artefacts: uneven field and slow blood.
        table: signal of each material on each sequence.
        profiles: bSSFP signal of each material by its departure from resonance.
    """

    tissues: Tissues
    artefacts: Artefacts
    table: SignalTable
    profiles: Float32[np.ndarray, "material step"]

    @classmethod
    def of(cls, tissues: Tissues, artefacts: Artefacts) -> "Weighting":
        """The weighting of a case."""
        return cls(tissues, artefacts, signal_table(tissues), _profiles(tissues))

    def reference(self, sequence: Sequence, material: Material) -> float:
        """The signal of a material on a sequence, on resonance."""
        return float(self.table[list(Sequence).index(sequence), material])

    def signal(self, sequence: Sequence, shares: Shares, plane: Plane) -> Signal:
        """A slice's ideal signal: LGE with its sign, bSSFP with that of its pass bands."""
        if sequence is Sequence.BSSFP:
            return self._banded(shares, plane)
        row = self.table[list(Sequence).index(sequence)]
        signal = np.tensordot(row, shares, axes=1)
        if sequence is Sequence.T2 and self.tissues.protocol.t2 is T2Variant.STIR:
            signal = signal + self._slow_blood(shares, plane)
        return np.asarray(signal, dtype=np.float32)

    def _banded(self, shares: Shares, plane: Plane) -> Signal:
        field_hz = off_resonance_hz(self.artefacts.off_resonance, plane)
        step = _step_of(field_hz)
        signal = np.zeros(shares.shape[1:], dtype=np.float32)
        on_resonance = self.table[list(Sequence).index(Sequence.BSSFP)]
        for material in np.flatnonzero(on_resonance):
            if shares[material].any():
                signal += shares[material] * (
                    on_resonance[material] * self.profiles[material].take(step)
                )
        return signal

    def _slow_blood(self, shares: Shares, plane: Plane) -> Signal:
        """What stagnant blood adds to the blood that the dark-blood preparation leaves anyway."""
        blood, protocol = self.tissues.properties[Material.LV_BLOOD], self.tissues.protocol
        full = t2_stir_signal(
            blood.proton_density,
            blood.t1_native_ms,
            blood.t2_ms,
            protocol.t2_tr_ms,
            protocol.t2_te_ms,
        )
        share = shares[list(BLOOD)].sum(axis=0)
        stagnant = stagnant_share(share, plane, self.artefacts.slow_flow)
        return np.asarray(stagnant * np.float32(full * (1 - protocol.blood_left)))


def _profiles(tissues: Tissues) -> Float32[np.ndarray, "material step"]:
    field_hz = (np.arange(2 * N_STEPS + 1) / N_STEPS - 1) * FURTHEST_HZ
    protocol, columns = tissues.protocol, [tissues.properties[each] for each in Material]
    t1_ms = np.array([[each.t1_native_ms] for each in columns])
    t2_ms = np.array([[each.t2_ms] for each in columns])
    profile = bssfp_profile(t1_ms, t2_ms, protocol.flip_angle_deg, protocol.bssfp_tr_ms, field_hz)
    return np.asarray(profile, dtype=np.float32)


def _step_of(field_hz: Signal) -> Integer[np.ndarray, "row col"]:
    """The index into the profile's table that each departure from resonance has."""
    within = np.clip(field_hz, -FURTHEST_HZ, FURTHEST_HZ)
    return np.asarray(np.rint((within / FURTHEST_HZ + 1) * N_STEPS), dtype=np.intp)
