"""A study in, its three short-axis series as a vendor describes them out."""

from typing import Final

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.simulated.cine import cine, trigger_times_ms
from myoseg.cases.dicom.simulated.series import SimulatedSeries, Timing, Vendor
from myoseg.cases.dicom.simulated.vendors import describe
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.signal import LgeVariant, T2Variant
from myoseg.cases.phantom.study import Study
from myoseg.cases.phantom.tissue import Tissues, inversion_time_ms

DIASTOLE_MS: Final = 650.0
STIR_TI_MS: Final = 170.0
STIR_ECHOES: Final = 23
LGE_FLIP_DEG: Final = 25.0
MAP_TI_MS: Final = 100.0
MAP_FLIP_DEG: Final = 35.0
NUMBERS: Final = {Sequence.BSSFP: 100, Sequence.T2: 200, Sequence.LGE: 300}
"""SeriesNumber: T2 is acquired before contrast, LGE last."""


def short_axis_series(
    study: Study, vendor: Vendor, n_phases: int, config: PhantomConfig
) -> tuple[SimulatedSeries, ...]:
    """The bSSFP cine, the T2 and the LGE series, in the order in which they are acquired."""
    return tuple(_short_axis(study, sequence, vendor, n_phases, config) for sequence in NUMBERS)


def kind_of(study: Study, sequence: Sequence) -> str:
    """Which of `vendors.KINDS` a study's sequence is."""
    protocol = study.phantom.tissues.protocol
    if sequence is Sequence.LGE:
        return "psir" if protocol.lge is LgeVariant.PSIR else "lge"
    if sequence is Sequence.T2:
        return "t2_prepared" if protocol.t2 is T2Variant.T2_PREPARED else "stir"
    return "bssfp"


def timing_of(kind: str, tissues: Tissues) -> Timing:
    """The times that the simulation used; those it does not have are usual ones at 1.5 T."""
    protocol = tissues.protocol
    te_ms, flip_deg = protocol.bssfp_te_ms, protocol.flip_angle_deg
    timings = {
        "lge": Timing(protocol.lge_tr_ms, te_ms, inversion_time_ms(tissues), LGE_FLIP_DEG),
        "stir": Timing(protocol.t2_tr_ms, protocol.t2_te_ms, STIR_TI_MS, 180.0, STIR_ECHOES),
        "t1_map": Timing(protocol.bssfp_tr_ms, te_ms, MAP_TI_MS, MAP_FLIP_DEG),
        "t2_prepared": Timing(protocol.t2_prepared_tr_ms, te_ms, None, flip_deg),
    }
    timings["psir"] = timings["lge"]
    return timings.get(kind, Timing(protocol.bssfp_tr_ms, te_ms, None, flip_deg))


def _short_axis(
    study: Study, sequence: Sequence, vendor: Vendor, n_phases: int, config: PhantomConfig
) -> SimulatedSeries:
    series, kind = study.series[sequence], kind_of(study, sequence)
    is_cine = sequence is Sequence.BSSFP
    image = series.case.images[sequence]
    return SimulatedSeries(
        role=str(sequence),
        number=NUMBERS[sequence],
        phases=cine(study, n_phases, config) if is_cine else (image,),
        geometry=series.case.geometry,
        thickness_mm=series.stack.view.thickness_mm,
        trigger_times_ms=trigger_times_ms(n_phases) if is_cine else (DIASTOLE_MS,),
        attributes=describe(kind, vendor, timing_of(kind, study.phantom.tissues)),
        is_signed=kind == "psir",
    )
