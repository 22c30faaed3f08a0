"""A folder enters; its studies leave, each with the series that is used for each sequence."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.candidates import candidates_of
from myoseg.cases.dicom.choosing import DicomStudy, choose_series
from myoseg.cases.dicom.frames import StudyHeaders
from myoseg.cases.dicom.headers import identity_of
from myoseg.cases.dicom.scan import Progress, Scan, scan_folder
from myoseg.errors import InputError

Overrides = Mapping[Sequence, str]

_LONG_NUMBER: Final = re.compile(r"\d{5,}|\d+\.\d+\.\d+")
_LONGEST_NAME: Final = 40
_SHORTEST_TELLING_WORD: Final = 3


def find_study(
    folder: Path, overrides: Overrides | None = None, progress: Progress | None = None
) -> DicomStudy:
    """The one study of a folder.

    Args:
        folder: nested and mixed as it may be; see `scan.scan_folder`.
        overrides: as in `choosing.choose_series`.
        progress: see `scan.Progress`.

    Raises:
        InputError: there is no such folder, or not one study in it; an override names no series or
            several.
    """
    studies = find_studies(folder, overrides, progress)
    if len(studies) != 1:
        raise InputError(f"{folder} holds {len(studies)} studies; give the folder of one of them.")
    return next(iter(studies.values()))


def find_studies(
    folder: Path, overrides: Overrides | None = None, progress: Progress | None = None
) -> dict[str, DicomStudy]:
    """The studies of a folder, by the name of their case; see `studies_of_scan`.

    Raises:
        InputError: there is no such folder, or no MR image in it; an override names no series in
            any study, or several.
    """
    return studies_of_scan(scan_folder(folder, progress), overrides)


def studies_of_scan(scan: Scan, overrides: Overrides | None = None) -> dict[str, DicomStudy]:
    """The studies of a folder, by the name of their case.

    A study is called by the topmost folder that holds it alone, unless that name could tell who
    the patient is; such studies are called study_001, study_002, ... in the order of their
    identifiers.

    Raises:
        InputError: as `find_studies`.
    """
    if not scan.studies:
        raise InputError(_no_image(scan))
    names = _names(scan)
    wanted = dict(overrides or {})
    studies, refusals = {}, []
    for study in scan.studies:
        candidates = candidates_of(study.series)
        try:
            studies[names[study.uid]] = choose_series(study.uid, candidates, wanted)
        except InputError as error:
            refusals.append(error)
            found = choose_series(study.uid, candidates)
            told = (*found.warnings, f"not as was asked: {error}")
            studies[names[study.uid]] = replace(found, warnings=told)
    if len(refusals) == len(scan.studies):
        raise refusals[0]
    return dict(sorted(studies.items()))


def _no_image(scan: Scan) -> str:
    told = f"{scan.folder} holds no MR image in DICOM: {scan.n_files} files were looked at"
    if scan.n_dicom:
        told += f", of which {scan.n_dicom} claim to be DICOM"
    if scan.unreadable:
        told += f" and {len(scan.unreadable)} cannot be read, such as: {scan.unreadable[0]}"
    return f"{told.rstrip('.')}; give the folder of a study."


def _names(scan: Scan) -> dict[str, str]:
    """A name for each study's case that tells nothing of the patient."""
    numbered = {study.uid: f"study_{k:03d}" for k, study in enumerate(scan.studies, start=1)}
    folders = {study.uid: _own_folder(study, scan) for study in scan.studies}
    named = {}
    for study in scan.studies:
        name = folders[study.uid]
        alone = name is not None and sum(name == other for other in folders.values()) == 1
        plain = alone and name is not None and not _tells(name, study)
        named[study.uid] = name if plain and name is not None else numbered[study.uid]
    return named


def _own_folder(study: StudyHeaders, scan: Scan) -> str | None:
    """The topmost folder that holds this study and no other."""
    if len(scan.studies) == 1:
        return scan.folder.resolve().name
    others = {
        parent
        for other in scan.studies
        if other is not study
        for series in other.series
        for frame in series.frames
        for parent in frame.path.parents
    }
    mine = {frame.path for series in study.series for frame in series.frames}
    first = min(mine)
    tops = [parent for parent in reversed(first.parents) if parent not in others]
    if not tops or not all(tops[0] in path.parents for path in mine):
        return None
    return tops[0].name


def _tells(name: str, study: StudyHeaders) -> bool:
    """Whether a name holds what could tell the patient, or a long number, which may be a date."""
    if not name or len(name) > _LONGEST_NAME or _LONG_NUMBER.search(name.replace("-", "")):
        return True
    spoken = re.sub(r"[^a-z0-9]", "", name.lower())
    known = identity_of(study.series[0].frames[0].path)
    parts = {part for text in known for part in re.split(r"[^a-z0-9]+", text.lower())}
    return any(part in spoken for part in parts if len(part) >= _SHORTEST_TELLING_WORD)
