"""A study with its series chosen enters; a `Case` on one grid leaves, and where it came from."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from myoseg.anatomy import Sequence
from myoseg.cases.alignment import Aligned, align
from myoseg.cases.case import Case
from myoseg.cases.dicom.series import DicomSeries, read_dicom_series
from myoseg.cases.dicom.source import DicomSource
from myoseg.cases.on_grid import ImageOnGrid
from myoseg.cases.reading import finite, intensity_faults
from myoseg.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class DicomCase:
    """A case that was read from DICOM.

    Attributes:
        case: its images on one grid.
        series: each sequence as it was read, on its own grid, with the instances of its slices.
        aligned: how it came onto one grid; results refer to the instances of the reference.
    """

    case: Case
    series: Mapping[Sequence, DicomSeries]
    aligned: Aligned

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", MappingProxyType(dict(self.series)))


def read_study(source: DicomSource) -> dict[Sequence, DicomSeries]:
    """Reads the chosen series, each on its own grid; doubts are logged as warnings.

    Raises:
        InputError: no series was chosen, or a file cannot be used.
        GeometryError: the slices of a series lie so unevenly that no grid holds them.
    """
    if not source.choices:
        raise InputError(
            "the study holds no short-axis bSSFP, LGE or T2 series that the rules find; look at "
            "it with `myoseg data inspect`, and name the series."
        )
    series = {}
    for sequence in Sequence:
        choice = source.choices.get(sequence)
        if choice is None:
            continue
        phase = source.phase if sequence is Sequence.BSSFP else None
        found = read_dicom_series(choice.candidate.stack, phase)
        image = found.image
        for note in (*found.notes, *intensity_faults(image.volume)):
            log.warning("%s, series %s: %s", sequence, choice.candidate.number, note)
        whole = ImageOnGrid(finite(image.volume, found.instances[0].path), image.geometry)
        series[sequence] = replace(found, image=whole)
    return series


def read_dicom_case(
    name: str, source: DicomSource, *, reference: Sequence | None = None
) -> DicomCase:
    """Reads a study and brings its sequences onto one grid, as far as that is needed and asked for.

    Args:
        name: of the case.
        source: the study.
        reference: whose grid it is; by default that of `alignment.align`.

    Raises:
        InputError: as `read_study`, there is no such alignment, or the reference was not chosen.
        GeometryError: likewise, or the sequences cannot be brought onto one grid.
    """
    series = read_study(source)
    images = {s: each.image for s, each in series.items()}
    aligned = align(images, mode=source.alignment, reference=reference)
    thickness_mm = series[aligned.record.reference].slice_thickness_mm
    case = Case(name, aligned.images, aligned.geometry, slice_thickness_mm=thickness_mm)
    return DicomCase(case, series, aligned)
