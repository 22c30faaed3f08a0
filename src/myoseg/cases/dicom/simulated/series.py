"""What a simulated series is before it is written: its frames, where they lie, how acquired."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from myoseg.cases.case import Geometry, Volume

Vendor = Literal["siemens", "philips", "ge", "canon"]


@dataclass(frozen=True)
class Timing:
    """The numbers of an acquisition, in ms and degrees.

    Attributes:
        tr_ms: as the vendor writes it, which may be a line's or a segment's.
        te_ms: echo time.
        ti_ms: inversion time; None where there is none.
        flip_angle_deg: of the excitation.
        echo_train_length: echoes per excitation.
    """

    tr_ms: float
    te_ms: float
    ti_ms: float | None
    flip_angle_deg: float
    echo_train_length: int = 1


@dataclass(frozen=True)
class Attributes:
    """How a vendor describes a series.

    Attributes:
        description: SeriesDescription and ProtocolName.
        sequence_name: SequenceName; None where the vendor writes none.
        pulse_sequence: PulseSequenceName of enhanced objects.
        scanning_sequence: GR, SE, IR, ...
        sequence_variant: SK, SP, MP, ...
        scan_options: as written; may be empty.
        image_type: all its values.
        timing: times and angles.
        private: private elements: (group, creator, element, VR) to value.
    """

    description: str
    sequence_name: str | None
    pulse_sequence: str
    scanning_sequence: tuple[str, ...]
    sequence_variant: tuple[str, ...]
    scan_options: tuple[str, ...]
    image_type: tuple[str, ...]
    timing: Timing
    private: Mapping[tuple[int, str, int, str], str]


@dataclass(frozen=True, eq=False)
class SimulatedSeries:
    """One series of a study.

    Attributes:
        role: what it is, by name: bssfp, lge, t2, or that of a distractor.
        number: SeriesNumber.
        phases: an image of each cardiac phase, all on `geometry`.
        geometry: the grid.
        thickness_mm: of its slices.
        trigger_times_ms: of each phase after the R wave.
        attributes: how it is described.
        is_signed: whether it is phase-sensitive.
        first_instance: InstanceNumber of the first of its instances: a localiser is several of
            these under one number, each with its plane.
    """

    role: str
    number: int
    phases: tuple[Volume, ...]
    geometry: Geometry
    thickness_mm: float
    trigger_times_ms: tuple[float, ...]
    attributes: Attributes
    is_signed: bool = False
    first_instance: int = 1

    @property
    def n_phases(self) -> int:
        """Number of cardiac phases."""
        return len(self.phases)

    def single_slices(self) -> tuple["SimulatedSeries", ...]:
        """Each slice as a series of its own, numbered on from this one's number."""
        return tuple(self._slice(index) for index in range(self.geometry.shape[0]))

    def _slice(self, index: int) -> "SimulatedSeries":
        affine = self.geometry.affine.copy()
        affine[:, 3] = affine @ np.array([0.0, 0.0, index, 1.0])
        return replace(
            self,
            number=self.number + index,
            phases=tuple(phase[index : index + 1] for phase in self.phases),
            geometry=Geometry((1, *self.geometry.shape[1:]), affine),
        )
