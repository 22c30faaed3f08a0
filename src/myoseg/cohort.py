"""Many cases through one model or threshold: each is read, segmented and saved before the next."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myoseg.case_results import (
    alignment_notes,
    measures_of,
    save_in_dicom,
    save_segmentation,
    with_flags,
)
from myoseg.cases.aligned_case import AlignedCase, read_aligned_case
from myoseg.cases.case import Segmentation
from myoseg.cases.dicom.pseudonyms import Deidentification
from myoseg.cases.layouts import CaseFiles
from myoseg.errors import InputError, MyosegError, OutputError
from myoseg.given_contours import drawn_wall, with_contours
from myoseg.overlapped import Steps, overlapped
from myoseg.prediction.model import Model
from myoseg.prediction.segment import segment
from myoseg.quantification.islands import Cleaning
from myoseg.quantification.measures import Measures
from myoseg.quantification.pairing import LabelFile
from myoseg.quantification.remote_files import read_remote
from myoseg.quantification.threshold_methods import ThresholdMethod
from myoseg.quantification.thresholds import threshold, with_blood_pools
from myoseg.reporting.origin import origin_of_run

log = logging.getLogger(__name__)

LONGEST_NAME_BYTES: Final = 200
"""Of a case: file systems take 255 bytes, of which some are for prefix, block and suffix."""


@dataclass(frozen=True)
class CaseOutcome:
    """What became of one case; `error` is None where it is done."""

    name: str
    error: str | None = None


@dataclass(frozen=True)
class PredictOptions:
    """What is asked of a prediction beside the model.

    Attributes:
        consecutive: as in `save_segmentation`.
        probabilities: as there.
        contours: those of `contours_of`, from which the blocks that guide others are taken as far
            as they are drawn; this needs a model whose blocks guide one another.
        report: whether to write CASE_report.html too, see there.
        dicom: whether to write CASE_seg.dcm and CASE_sr.dcm too; the cases must be in DICOM.
        align: how sequences are brought onto one grid (`cases.alignment.Alignment`).
        deidentification: how identity is taken out of what is written in DICOM; kept where None.
    """

    consecutive: bool = False
    probabilities: bool = False
    contours: Mapping[str, LabelFile] | None = None
    report: bool = False
    dicom: bool = False
    align: str = "auto"
    deidentification: Deidentification | None = None


def predict_cohort(
    files: Iterable[CaseFiles], model: Model, out: Path, options: PredictOptions | None = None
) -> Iterator[CaseOutcome]:
    """Segments each case into `out`; a case that fails is reported and the next one goes on.

    While a case is segmented, the next is read and the one before saved; no more are in memory.

    Raises:
        OutputError: `out` cannot be written to; no later case could be saved either.
    """
    steps = _prediction(model, out, options or PredictOptions())
    for each, saved in overlapped(files, steps):
        yield _outcome(each, lambda _, saved=saved: saved.result())  # type: ignore[misc]


def predict_case(files: CaseFiles, model: Model, out: Path, options: PredictOptions) -> CaseOutcome:
    """Segments one case into `out`; what went wrong with it is logged and told in the outcome.

    Raises:
        OutputError: `out` cannot be written to.
    """
    return _outcome(files, _prediction(model, out, options))


@dataclass(frozen=True, eq=False)
class _Segmented:
    """A case that is ready to be saved."""

    files: CaseFiles
    aligned: AlignedCase
    segmentation: Segmentation
    measures: Measures


def _prediction(
    model: Model, out: Path, options: PredictOptions
) -> Steps[CaseFiles, tuple[CaseFiles, AlignedCase], _Segmented]:
    """How one case is read, segmented and saved."""
    drawn = options.contours

    def read(files: CaseFiles) -> tuple[CaseFiles, AlignedCase]:
        _require_short(files.name)
        return files, read_aligned_case(files, options.align)

    def work(read: tuple[CaseFiles, AlignedCase]) -> _Segmented:
        files, aligned = read
        case = aligned.case
        known = model if drawn is None else with_contours(model, aligned, drawn)
        segmentation = with_flags(segment(case, known), aligned.alignment)
        return _Segmented(files, aligned, segmentation, measures_of(segmentation.labels, case))

    def save(done: _Segmented) -> None:
        if options.dicom:
            save_in_dicom(
                done.segmentation,
                done.measures,
                done.files,
                out,
                drawn=drawn is not None,
                deidentification=options.deidentification,
            )
        save_segmentation(
            done.segmentation,
            done.aligned.case,
            out,
            consecutive=options.consecutive,
            probabilities=options.probabilities,
            notes=alignment_notes(done.aligned.alignment),
            measures=done.measures,
            report=origin_of_run(out) if options.report else None,
        )

    return Steps(read, work, save)


def threshold_cohort(
    files: Iterable[CaseFiles],
    contours: Mapping[str, LabelFile],
    method: ThresholdMethod,
    out: Path,
    *,
    cleaning: Cleaning,
    consecutive: bool = False,
    remotes: Mapping[str, Path] | None = None,
    report: bool = False,
    align: str = "auto",
) -> Iterator[CaseOutcome]:
    """Thresholds the wall of each case into `out`, as `predict_cohort` does with a model.

    `contours` are those of `contours_of`, with whose blood pools CASE_stats.json divides the wall
    into segments; it also says every slice's cut. `remotes` are masks of remote myocardium by case
    (`remote_files.remote_files`); a case without one has its own found. `report` asks for
    CASE_report.html too. `align` says how other sequences come onto the grid of the one that is
    thresholded (`cases.alignment.Alignment`).

    Raises:
        OutputError: as `predict_cohort`.
    """

    def cut(case_files: CaseFiles) -> None:
        reference = method.sequence if method.sequence in case_files.images else None
        aligned = read_aligned_case(case_files, align, reference=reference)
        case = aligned.case
        if method.sequence not in case.images:
            raise InputError(
                f"case {case.name} has no {method.sequence}, which {method.name} needs; leave it "
                "out, or choose another method."
            )
        wall, drawn = drawn_wall(aligned, contours)
        image, given = case.images[method.sequence], (remotes or {}).get(case.name)
        remote = None if given is None else read_remote(given, case_files.paths[0], case.geometry)
        found = threshold(image, wall, method, remote=remote, cleaning=cleaning)
        whole = with_blood_pools(found.labels, drawn)
        save_segmentation(
            Segmentation(case.name, found.labels, case.geometry),
            case,
            out,
            consecutive=consecutive,
            notes={"threshold": found.to_record()} | alignment_notes(aligned.alignment),
            measures=measures_of(whole, case),
            report=origin_of_run(out) if report else None,
        )

    return (_outcome(each, cut) for each in files)


def _outcome(files: CaseFiles, work: Callable[[CaseFiles], None]) -> CaseOutcome:
    """Does the work on a case; what fails is logged.

    Raises:
        OutputError: no later case could be saved either.
    """
    try:
        work(files)
    except OutputError:
        raise
    except MyosegError as error:
        log.error("%s: %s", files.name, error)
        return CaseOutcome(files.name, str(error))
    except Exception as error:
        log.exception("%s: failed unexpectedly", files.name)
        return CaseOutcome(files.name, f"{type(error).__name__}: {error}")
    return CaseOutcome(files.name)


def _require_short(name: str) -> None:
    """Refuses a case whose results could not be written for its name alone.

    Raises:
        InputError: the name is too long.
    """
    n_bytes = len(os.fsencode(name))
    if n_bytes > LONGEST_NAME_BYTES:
        raise InputError(
            f"the name {name} has {n_bytes} bytes, but files of results can be named after "
            f"{LONGEST_NAME_BYTES} at most; rename the case's files."
        )
