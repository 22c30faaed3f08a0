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
from myoseg.cases.aligned_case import read_aligned_case
from myoseg.cases.case import Segmentation
from myoseg.cases.layouts import CaseFiles, read_case
from myoseg.errors import InputError, MyosegError, OutputError
from myoseg.given_contours import drawn_wall, with_contours
from myoseg.prediction.model import Model
from myoseg.prediction.segment import segment
from myoseg.quantification.islands import Cleaning
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
    """

    consecutive: bool = False
    probabilities: bool = False
    contours: Mapping[str, LabelFile] | None = None
    report: bool = False
    dicom: bool = False
    align: str = "auto"


def predict_cohort(
    files: Iterable[CaseFiles], model: Model, out: Path, options: PredictOptions | None = None
) -> Iterator[CaseOutcome]:
    """Segments each case into `out`; a case that fails is reported and the next one goes on.

    Raises:
        OutputError: `out` cannot be written to; no later case could be saved either.
    """
    asked = options or PredictOptions()
    return (predict_case(each, model, out, asked) for each in files)


def predict_case(files: CaseFiles, model: Model, out: Path, options: PredictOptions) -> CaseOutcome:
    """Segments one case into `out`; what went wrong with it is logged and told in the outcome.

    Raises:
        OutputError: `out` cannot be written to.
    """

    def predict(case_files: CaseFiles) -> None:
        _require_short(case_files.name)
        aligned = read_aligned_case(case_files, options.align)
        case, drawn = aligned.case, options.contours
        known = model if drawn is None else with_contours(model, case, case_files, drawn)
        segmentation = with_flags(segment(case, known), aligned.alignment)
        measures = measures_of(segmentation.labels, case)
        if options.dicom:
            save_in_dicom(segmentation, measures, case_files, out, drawn=drawn is not None)
        save_segmentation(
            segmentation,
            case,
            out,
            consecutive=options.consecutive,
            probabilities=options.probabilities,
            notes=alignment_notes(aligned.alignment),
            measures=measures,
            report=origin_of_run(out) if options.report else None,
        )

    return _outcome(files, predict)


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
) -> Iterator[CaseOutcome]:
    """Thresholds the wall of each case into `out`, as `predict_cohort` does with a model.

    `contours` are those of `contours_of`, with whose blood pools CASE_stats.json divides the wall
    into segments; it also says every slice's cut. `remotes` are masks of remote myocardium by case
    (`remote_files.remote_files`); a case without one has its own found. `report` asks for
    CASE_report.html too.

    Raises:
        OutputError: as `predict_cohort`.
    """

    def cut(case_files: CaseFiles) -> None:
        case = read_case(case_files, with_labels=False)
        if method.sequence not in case.images:
            raise InputError(
                f"case {case.name} has no {method.sequence}, which {method.name} needs; leave it "
                "out, or choose another method."
            )
        wall, drawn = drawn_wall(case, case_files, contours)
        image, given = case.images[method.sequence], (remotes or {}).get(case.name)
        remote = None if given is None else read_remote(given, case_files.paths[0], case.geometry)
        found = threshold(image, wall, method, remote=remote, cleaning=cleaning)
        whole = with_blood_pools(found.labels, drawn)
        save_segmentation(
            Segmentation(case.name, found.labels, case.geometry),
            case,
            out,
            consecutive=consecutive,
            notes={"threshold": found.to_record()},
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
