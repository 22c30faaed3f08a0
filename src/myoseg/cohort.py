"""Many cases through one model: each is read, segmented and saved before the next is touched."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from myoseg.cases.case import Case, Segmentation
from myoseg.cases.layouts import CaseFiles, read_case
from myoseg.cases.nifti import write_labels
from myoseg.errors import MyosegError, OutputError
from myoseg.files import write_json
from myoseg.prediction.model import Model
from myoseg.prediction.segment import segment
from myoseg.quantification.volumes import statistics_record
from myoseg.reporting.figures import save_figure
from myoseg.reporting.preview import preview

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CaseOutcome:
    """What became of one case; `error` is None where it is done."""

    name: str
    error: str | None = None


def predict_cohort(
    files: Iterable[CaseFiles], model: Model, out: Path, *, consecutive: bool = False
) -> Iterator[CaseOutcome]:
    """Segments each case into `out`; a case that fails is reported and the next one goes on.

    Raises:
        OutputError: `out` cannot be written to; no later case could be saved either.
    """
    for case_files in files:
        try:
            case = read_case(case_files, with_labels=False)
            save_segmentation(segment(case, model), case, out, consecutive=consecutive)
        except OutputError:
            raise
        except MyosegError as error:
            log.error("%s: %s", case_files.name, error)
            yield CaseOutcome(case_files.name, str(error))
        except Exception as error:
            log.exception("%s: failed unexpectedly", case_files.name)
            yield CaseOutcome(case_files.name, f"{type(error).__name__}: {error}")
        else:
            yield CaseOutcome(case_files.name)


def save_segmentation(
    segmentation: Segmentation, case: Case, out: Path, *, consecutive: bool = False
) -> None:
    """Writes CASE_stats.json, CASE_preview.png and, last, CASE_seg.nii.gz into `out`.

    Raises:
        OutputError: a file cannot be written.
    """
    name, labels, geometry = segmentation.name, segmentation.labels, segmentation.geometry
    write_json(out / f"{name}_stats.json", statistics_record(name, labels, geometry))
    save_figure(preview(case, labels), out / f"{name}_preview.png")
    write_labels(out / f"{name}_seg.nii.gz", labels.codes, geometry, consecutive=consecutive)
