"""A folder of NIfTI or DICOM files enters; its cases leave, without their images being read."""

import logging
from collections.abc import Mapping
from pathlib import Path

from myoseg.anatomy import Sequence
from myoseg.cases.case_files import CaseFiles
from myoseg.cases.dicom.scan import Progress, holds_dicom, scan_folder
from myoseg.cases.dicom.source import DicomSource
from myoseg.cases.dicom.study import studies_of_scan
from myoseg.cases.layouts import find_cases
from myoseg.errors import InputError

log = logging.getLogger(__name__)


def find_any_cases(
    folder: Path,
    layout: str | None = None,
    *,
    series: Mapping[Sequence, str] | None = None,
    phase: int | None = None,
    must_be_dicom: bool = False,
    progress: Progress | None = None,
) -> list[CaseFiles]:
    """The cases of a data set in NIfTI, or else of a folder of DICOM studies.

    Args:
        folder: the data set, or a folder with DICOM files anywhere below it, or its DICOMDIR.
        layout: as in `layouts.find_cases`; it means a data set in NIfTI.
        series: for DICOM, the series to use for a sequence; see `choosing.choose_series`.
        phase: for DICOM, the phase of the cine; see `series.read_dicom_series`.
        must_be_dicom: whether to pass over files in NIfTI.
        progress: for DICOM, see `scan.Progress`.

    Raises:
        InputError: there is no such folder, or no case in it; `series` names none, or several.
    """
    asked = must_be_dicom or bool(series) or phase is not None
    if layout is not None and asked:
        raise InputError("a layout is of NIfTI files, but DICOM was asked for.")
    if not asked and folder.name.upper() != "DICOMDIR":
        try:
            return find_cases(folder, layout)
        except InputError:
            if layout is not None or not holds_dicom(folder):
                raise
    return find_dicom_cases(folder, series=series, phase=phase, progress=progress)


def find_dicom_cases(
    folder: Path,
    *,
    series: Mapping[Sequence, str] | None = None,
    phase: int | None = None,
    progress: Progress | None = None,
) -> list[CaseFiles]:
    """The studies of a folder as cases; what is doubtful about a choice is logged.

    Raises:
        InputError: as `find_any_cases`.
    """
    scan = scan_folder(folder, progress)
    studies = studies_of_scan(scan, series)
    if scan.unreadable:
        log.warning(
            "%d DICOM files cannot be read, such as: %s", len(scan.unreadable), scan.unreadable[0]
        )
    found = []
    for name, study in studies.items():
        for sequence, choice in study.choices.items():
            log.info("%s: %s is series %s", name, sequence, choice.candidate.number)
        for warning in study.warnings:
            log.warning("%s: %s", name, warning)
        source = DicomSource(dict(study.choices), phase)
        found.append(CaseFiles(name=name, images=source.first_files, layout="DICOM", dicom=source))
    return found
