"""A study in, the series that lie around those to be found in a scanner's folder out.

A localiser of three planes, a cine and an LGE in long-axis views, a T1 map, the other of the
magnitude and phase-sensitive pair of the LGE, and the T2 acquired a second time. The pair and the
repeat lie where the originals do, breath-holds included, so that the truth is theirs too.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from myoseg.anatomy import Sequence
from myoseg.cases.case import Geometry, Volume
from myoseg.cases.dicom.simulated.block import Block, acquired_plane, plane_through, signal_block
from myoseg.cases.dicom.simulated.cine import HEART_BEAT_MS
from myoseg.cases.dicom.simulated.sequences import DIASTOLE_MS, NUMBERS, kind_of, timing_of
from myoseg.cases.dicom.simulated.series import SimulatedSeries, Vendor
from myoseg.cases.dicom.simulated.vendors import describe, in_view
from myoseg.cases.phantom.acquisition import Acquisition
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.orientation import with_slices_reversed
from myoseg.cases.phantom.partial_volume import Sampling, material_shares
from myoseg.cases.phantom.simulate import Phantom
from myoseg.cases.phantom.study import Study, acquire_series
from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.view import geometry

LOCALISER_SIDE: Final = 128
LOCALISER_SPACING_MM: Final = 2.5
LONG_AXIS_SIDE: Final = 144
LONG_AXIS_SPACING_MM: Final = 1.75
N_MAP_SLICES: Final = 3
MAP_NOISE_MS: Final = 25.0
MAP_LEVELS: Final = (0.25, 0.5, 0.75)
PSIR_ZERO: Final = 4096
MAGNITUDE_BRIGHTEST: Final = 1500
ANOTHER_NOISE: Final = 104_729
RIGHT, FRONT, HEAD = np.eye(3)


def distractors(study: Study, vendor: Vendor, config: PhantomConfig) -> tuple[SimulatedSeries, ...]:
    """All of them, in the order in which they are acquired."""
    bssfp = signal_block(study.phantom, Sequence.BSSFP)
    lge = signal_block(study.phantom, Sequence.LGE)
    return (
        *_localiser(study, bssfp, vendor),
        _long_axis(study, Sequence.BSSFP, bssfp, vendor, "4ch"),
        _t1_map(study, vendor),
        _repeated(study, Sequence.T2, vendor, config),
        _other_of_pair(study, vendor, config),
        _long_axis(study, Sequence.LGE, lge, vendor, "2ch"),
    )


def _localiser(study: Study, block: Block, vendor: Vendor) -> Iterator[SimulatedSeries]:
    """One slice each of the transverse, coronal and sagittal planes through the heart."""
    phantom, sequence = study.phantom, Sequence.BSSFP
    planes = ((RIGHT, -FRONT), (RIGHT, -HEAD), (-FRONT, -HEAD))
    for number, (across, down) in enumerate(planes, start=1):
        grid = plane_through(
            _middle_mm(phantom), across, down, LOCALISER_SIDE, LOCALISER_SPACING_MM
        )
        noisy = _with_noise(phantom.acquisitions[sequence], number)
        image = acquired_plane(block, phantom, sequence, noisy, grid)
        yield replace(
            _described("localiser", study, vendor, "localiser", 1, (image, grid)),
            first_instance=number,
        )


def _long_axis(
    study: Study, sequence: Sequence, block: Block, vendor: Vendor, view: str
) -> SimulatedSeries:
    """A view along the axis: with the lateral wall (four chambers) or the anterior (two)."""
    phantom, frame = study.phantom, study.phantom.scene.view.frame
    number = {"4ch": NUMBERS[sequence] - 10, "2ch": NUMBERS[sequence] + 90}[view]
    across = frame.lateral if view == "4ch" else frame.upward
    grid = plane_through(
        _middle_mm(phantom), across, frame.apical, LONG_AXIS_SIDE, LONG_AXIS_SPACING_MM
    )
    noisy = _with_noise(phantom.acquisitions[sequence], number)
    image = acquired_plane(block, phantom, sequence, noisy, grid)
    kind = kind_of(study, sequence)
    series = _described(f"{sequence}_{view}", study, vendor, kind, number, (image, grid))
    return replace(series, attributes=in_view(series.attributes, view))


def _t1_map(study: Study, vendor: Vendor) -> SimulatedSeries:
    """Native T1 in ms of three slices; each pixel has the mean of what it holds."""
    scene, stack = study.phantom.scene, study.series[Sequence.BSSFP].stack
    positions_mm = tuple(level * scene.heart.length_mm for level in MAP_LEVELS)
    view = replace(stack.view, positions_mm=positions_mm)
    tissues = study.phantom.tissues.properties
    t1_ms = np.array([tissues[each].t1_native_ms for each in Material], dtype=np.float32)
    seen = np.array([tissues[each].proton_density > 0 for each in Material], dtype=np.float32)
    sampling = Sampling(stack.matrix, 1, 1)
    rng = np.random.default_rng(study.phantom.acquisitions[Sequence.BSSFP].noise_seed)
    slices = []
    for position_mm in positions_mm:
        shares = material_shares(replace(scene, view=view), sampling, position_mm)
        filled = np.tensordot(seen, shares, axes=1)
        mean_ms = np.tensordot(seen * t1_ms, shares, axes=1) / np.maximum(filled, 1e-3)
        noise_ms = rng.normal(0, MAP_NOISE_MS, mean_ms.shape)
        slices.append(np.where(filled > 0.5, np.rint(mean_ms + noise_ms), 0))
    grid = with_slices_reversed(geometry(view, stack.matrix))
    image = np.stack(slices[::-1]).astype(np.float32)
    return _described("t1_map", study, vendor, "t1_map", 150, (image, grid))


def _repeated(
    study: Study, sequence: Sequence, vendor: Vendor, config: PhantomConfig
) -> SimulatedSeries:
    acquisition = _with_noise(study.phantom.acquisitions[sequence], 1)
    image = _acquired(study, sequence, acquisition, config)
    kind, number = kind_of(study, sequence), NUMBERS[sequence] + 50
    return _on_stack(f"{sequence}_repeat", study, sequence, vendor, kind, number, image)


def _other_of_pair(study: Study, vendor: Vendor, config: PhantomConfig) -> SimulatedSeries:
    """The phase-sensitive image of a magnitude LGE, or the magnitude of a phase-sensitive one."""
    acquisition = study.phantom.acquisitions[Sequence.LGE]
    signed = not acquisition.signed
    other = replace(
        acquisition,
        signed=signed,
        brightest=PSIR_ZERO if signed else MAGNITUDE_BRIGHTEST,
        offset=PSIR_ZERO if signed else 0,
    )
    image = _acquired(study, Sequence.LGE, other, config)
    kind, role = ("psir", "lge_psir") if signed else ("lge", "lge_magnitude")
    number = NUMBERS[Sequence.LGE] + 50
    return _on_stack(role, study, Sequence.LGE, vendor, kind, number, image)


def _acquired(
    study: Study, sequence: Sequence, acquisition: Acquisition, config: PhantomConfig
) -> Volume:
    phantom = study.phantom
    changed = replace(phantom, acquisitions={**phantom.acquisitions, sequence: acquisition})
    stack = study.series[sequence].stack
    return acquire_series(changed, sequence, stack, config).case.images[sequence]


def _on_stack(
    role: str,
    study: Study,
    sequence: Sequence,
    vendor: Vendor,
    kind: str,
    number: int,
    image: Volume,
) -> SimulatedSeries:
    series = study.series[sequence]
    described = _described(role, study, vendor, kind, number, (image, series.case.geometry))
    return replace(described, thickness_mm=series.stack.view.thickness_mm)


def _described(
    role: str,
    study: Study,
    vendor: Vendor,
    kind: str,
    number: int,
    image: tuple[Volume, Geometry],
) -> SimulatedSeries:
    volume, grid = image
    timing_kind = "bssfp" if kind == "localiser" else kind
    return SimulatedSeries(
        role=role,
        number=number,
        phases=(volume,),
        geometry=grid,
        thickness_mm=study.series[Sequence.BSSFP].stack.view.thickness_mm,
        trigger_times_ms=(DIASTOLE_MS % HEART_BEAT_MS,),
        attributes=describe(kind, vendor, timing_of(timing_kind, study.phantom.tissues)),
        is_signed=kind == "psir",
    )


def _with_noise(acquisition: Acquisition, index: int) -> Acquisition:
    seed = (acquisition.noise_seed + ANOTHER_NOISE * index) % 2**32
    return replace(acquisition, noise_seed=seed)


def _middle_mm(phantom: Phantom) -> np.ndarray:
    frame = phantom.scene.view.frame
    middle_mm: np.ndarray = frame.base_mm + 0.45 * phantom.scene.heart.length_mm * frame.apical
    return middle_mm
