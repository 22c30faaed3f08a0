"""Label files of any origin enter; a report and the measures of each leave, one case at a time."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from myoseg import anatomy
from myoseg.cases.aligned_case import AlignedCase, case_on_grid
from myoseg.cases.case import Case, Geometry
from myoseg.cases.layouts import CaseFiles
from myoseg.cases.nifti import SUFFIXES
from myoseg.cases.quality import Quality
from myoseg.errors import InputError, MyosegError, OutputError
from myoseg.files import write_json
from myoseg.quantification.confidence import STATISTICS_SUFFIX
from myoseg.quantification.decoding import read_label_map, statistics_path, with_codings
from myoseg.quantification.insertion import InsertionPoints
from myoseg.quantification.measures import measure
from myoseg.quantification.microvascular import labelled_obstruction
from myoseg.quantification.pairing import LabelFile, case_name, label_files
from myoseg.quantification.volumes import statistics_record
from myoseg.reporting.case_report import report_path, shows_labels, write_case_report
from myoseg.reporting.origin import origin_of_run

log = logging.getLogger(__name__)

MEASURED: Final = "burden"
"""The entry that the CASE_stats.json of a measured case has."""


@dataclass(frozen=True)
class ReportOutcome:
    """What became of the report of one case; `error` is None where it is written."""

    name: str
    error: str | None = None


def files_to_report(labels: Path, coding: str | None = None) -> tuple[LabelFile, ...]:
    """A label file, or all of a folder by name, with their codings settled.

    Args:
        labels: the file or the folder.
        coding: name of the label coding, where it cannot be told.

    Raises:
        InputError: it does not exist, holds no label file, or a coding cannot be told.
    """
    if labels.is_dir():
        return with_codings(tuple(label_files(labels).values()), coding)
    if not labels.is_file() or not labels.name.lower().endswith(SUFFIXES):
        raise InputError(f"{labels} is no label map (*.nii.gz or *.nii) and no folder of them.")
    return with_codings((LabelFile(case_name(labels), labels),), coding)


def output_folder(files: Sequence[LabelFile], out: Path | None) -> Path:
    """The folder that is given, or the one that holds the label files and their statistics.

    Raises:
        InputError: none is given, and the label files are not this program's: statistics beside
            them would say that they are.
    """
    if out is not None:
        return out
    folders = {file.path.parent for file in files}
    if len(folders) > 1 or not all(statistics_path(file).is_file() for file in files):
        raise InputError("these label maps were made elsewhere; give a folder for the reports, -o.")
    return folders.pop()


def report_cases(
    files: Iterable[LabelFile],
    images: Mapping[str, CaseFiles],
    out: Path,
    names: Mapping[str, str] | None = None,
    insertions: Mapping[str, InsertionPoints] | None = None,
) -> Iterator[ReportOutcome]:
    """Reports each case into `out`; one that fails is logged and the next one goes on.

    Args:
        files: with their codings settled (`decoding.with_codings`).
        images: of the cases that have any, by name.
        out: the folder.
        names: what to call the cases, where not by their own names.
        insertions: the RV's insertion points of the cases for which a reader set them.

    Raises:
        OutputError: `out` cannot be written to.
    """
    for file in files:
        try:
            report_label_file(
                file,
                images.get(file.case),
                out,
                (names or {}).get(file.case),
                (insertions or {}).get(file.case),
            )
        except OutputError:
            raise
        except MyosegError as error:
            log.error("%s: %s", file.case, error)
            yield ReportOutcome(file.case, str(error))
        except Exception as error:
            log.exception("%s: failed unexpectedly", file.case)
            yield ReportOutcome(file.case, f"{type(error).__name__}: {error}")
        else:
            yield ReportOutcome(file.case)


def report_done(cases: Sequence[CaseFiles], out: Path) -> Iterator[ReportOutcome]:
    """Reports cases that are done in `out`, but for those whose page is there.

    Raises:
        OutputError: `out` cannot be written to.
    """
    images = {each.name: each for each in cases}
    paths = [out / f"{name}_seg.nii.gz" for name in images]
    there = (file for path in paths if path.is_file() for file in files_to_report(path))
    yield from report_cases((f for f in there if not has_report(f, out)), images, out)


def report_label_file(
    file: LabelFile,
    images: CaseFiles | None,
    out: Path,
    name: str | None = None,
    insertion: InsertionPoints | None = None,
) -> None:
    """Writes CASE_report.html and, with the measures in it, CASE_stats.json into `out`.

    `name` is what to call the case where not by its own name, `insertion` where a reader set the
    RV's insertion points. Microvascular obstruction that the file labels is measured as such.

    What a CASE_stats.json beside the label file says of the prediction is kept, and its measures
    are taken anew, since the labels may have been corrected since.

    Raises:
        InputError: the labels or the images cannot be read.
        GeometryError: they are on different grids.
        OutputError: a file cannot be written.
    """
    name = name or file.case
    labels, geometry = read_label_map(file)
    aligned = _case(name, geometry, images)
    case = aligned.case
    measures = measure(
        labels,
        geometry,
        lge=case.images.get(anatomy.Sequence.LGE),
        mvo=labelled_obstruction(file),
        insertion=insertion,
        slice_thickness_mm=case.slice_thickness_mm,
    )
    known = _known_record(statistics_path(file))
    quality = quality_of(known)
    record = statistics_record(name, labels, geometry, quality, measures=measures)
    write_case_report(
        report_path(out, name),
        case,
        labels,
        measures=measures,
        quality=quality,
        origin=origin_of_run(file.path.parent),
    )
    made = {} if aligned.alignment is None else {"alignment": aligned.alignment.to_record()}
    write_json(out / f"{name}{STATISTICS_SUFFIX}", {**made, **known, **record})


def has_report(file: LabelFile, out: Path) -> bool:
    """Whether the report and the measures of the labels that the file now holds are in `out`."""
    if MEASURED not in _known_record(out / f"{file.case}{STATISTICS_SUFFIX}"):
        return False
    try:
        labels, _ = read_label_map(file)
    except MyosegError as error:
        log.debug("%s: its report is made anew, which will say: %s", file.case, error)
        return False
    return shows_labels(report_path(out, file.case), labels)


def quality_of(record: Mapping[str, Any]) -> Quality | None:
    """The quality that a CASE_stats.json states; None where it states none, or no whole one."""
    try:
        return Quality.from_record(record["quality"])
    except (KeyError, ValueError, TypeError):
        return None


def _case(name: str, geometry: Geometry, images: CaseFiles | None) -> AlignedCase:
    """The images of a case, on the grid of its labels; a case without images if there are none.

    Raises:
        GeometryError: that grid is none of the images'.
    """
    if images is None:
        return AlignedCase(Case(name, {}, geometry))
    return case_on_grid(images, geometry, name)


def _known_record(path: Path) -> dict[str, Any]:
    """What a CASE_stats.json says; nothing where there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
