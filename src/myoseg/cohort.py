"""Many cases through one model or threshold: each is read, segmented and saved before the next."""

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import MYOCARDIUM, Sequence
from myoseg.cases.case import Case, LabelMap, Segmentation
from myoseg.cases.grids import require_same_grid
from myoseg.cases.layouts import CaseFiles, read_case
from myoseg.cases.nifti import write_labels, write_volume
from myoseg.errors import InputError, MyosegError, OutputError
from myoseg.files import write_json
from myoseg.prediction.cascade.model import CascadeModel
from myoseg.prediction.model import Model
from myoseg.prediction.segment import segment
from myoseg.quantification.decoding import read_label_map, with_codings
from myoseg.quantification.islands import Cleaning
from myoseg.quantification.measures import Measures, measure
from myoseg.quantification.pairing import PROBABILITIES, LabelFile, label_files
from myoseg.quantification.remote_files import read_remote
from myoseg.quantification.threshold_methods import ThresholdMethod
from myoseg.quantification.thresholds import threshold, with_blood_pools
from myoseg.quantification.volumes import statistics_record
from myoseg.reporting.origin import Origin, origin_of_run
from myoseg.reporting.preview import preview
from myoseg.reporting.raster import save_picture

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
    """

    consecutive: bool = False
    probabilities: bool = False
    contours: Mapping[str, LabelFile] | None = None
    report: bool = False


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
        case = read_case(case_files, with_labels=False)
        drawn = options.contours
        known = model if drawn is None else _with_contours(model, case, case_files, drawn)
        save_segmentation(
            segment(case, known),
            case,
            out,
            consecutive=options.consecutive,
            probabilities=options.probabilities,
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
) -> Iterator[CaseOutcome]:
    """Thresholds the wall of each case into `out`, as `predict_cohort` does with a model.

    `contours` are those of `contours_of`, with whose blood pools CASE_stats.json divides the wall
    into segments; it also says every slice's cut. `remotes` are masks of remote myocardium by case
    (`remote_files.remote_files`); a case without one has its own found.

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
        wall, drawn = _wall(case, case_files, contours)
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
            measures=_measures(whole, case),
        )

    return (_outcome(each, cut) for each in files)


def contours_of(
    files: Collection[CaseFiles], folder: Path | None = None, coding: str | None = None
) -> dict[str, LabelFile]:
    """The label file of each case that has one, by case name.

    Args:
        files: the cases.
        folder: where to look (`pairing.label_files`); None for the cases' own labels.
        coding: name of the label coding, where it cannot be told.

    Raises:
        InputError: no case has labels, there are two files of one case, or a coding cannot be told.
    """
    if folder is None:
        found = [LabelFile(each.name, each.labels, each.codings) for each in files if each.labels]
    else:
        names = {each.name for each in files}
        found = [file for case, file in label_files(folder).items() if case in names]
    if not found:
        where = "beside the images" if folder is None else f"in {folder}"
        raise InputError(
            f"none of {len(files)} cases has contours {where}; give a folder of label files named "
            "as the cases."
        )
    return {file.case: file for file in with_codings(found, coding)}


def _with_contours(
    model: Model, case: Case, files: CaseFiles, contours: Mapping[str, LabelFile]
) -> CascadeModel:
    """The model for a case whose anatomy was drawn by hand.

    Raises:
        InputError: as `_drawn`, or the model's blocks do not guide one another.
    """
    if not isinstance(model, CascadeModel):
        raise InputError(
            "contours can guide the shipped model and others of its kind only; leave them out, or "
            "leave -m out."
        )
    _, labels = _drawn(case, files, contours)
    guides = {name for block in model.table.blocks for name in block.guides}
    drawn = [b for b in model.table.blocks if b.name in guides and labels.assesses(b.target)]
    return model.with_given({b.name: labels.mask(b.target).astype(np.float32) for b in drawn})


def _drawn(
    case: Case, files: CaseFiles, contours: Mapping[str, LabelFile]
) -> tuple[LabelFile, LabelMap]:
    """A case's contours, on the grid of its images.

    Raises:
        InputError: there are none, or they cannot be read.
        GeometryError: they are on another grid.
    """
    if case.name not in contours:
        raise InputError(f"case {case.name} has no contours; draw them, or leave the case out.")
    file = contours[case.name]
    labels, geometry = read_label_map(file)
    require_same_grid(file.path, geometry, files.paths[0], case.geometry)
    return file, labels


def _wall(
    case: Case, files: CaseFiles, contours: Mapping[str, LabelFile]
) -> tuple[Bool[np.ndarray, "slice row col"], LabelMap]:
    """The myocardium of a case's contours, on the grid of its images, and the contours.

    Raises:
        InputError: as `_drawn`, or the contours do not tell the myocardium.
        GeometryError: they are on another grid.
    """
    file, labels = _drawn(case, files, contours)
    if not labels.assesses(MYOCARDIUM):
        raise InputError(f"{file.path} does not tell the extent of the myocardium.")
    wall = labels.mask(MYOCARDIUM)
    if not wall.any():
        log.warning("%s: %s holds no myocardium, so nothing is found", case.name, file.path)
    return wall, labels


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


def save_segmentation(
    segmentation: Segmentation,
    case: Case,
    out: Path,
    *,
    consecutive: bool = False,
    probabilities: bool = False,
    notes: Mapping[str, Any] | None = None,
    measures: Measures | None = None,
    report: Origin | None = None,
) -> None:
    """Writes CASE_stats.json, CASE_preview.png and, last, CASE_seg.nii.gz into `out`.

    Args:
        segmentation: what was found.
        case: that it was found in.
        out: the folder.
        consecutive: whether to write label codes 1 to 5.
        probabilities: whether to write probabilities/CASE_BLOCK.nii.gz too, float32.
        notes: further entries of CASE_stats.json.
        measures: of the case; by default those of its labels and its LGE.
        report: what made the segmentation, for CASE_report.html; no report where None.

    Raises:
        OutputError: a file cannot be written.
    """
    name, labels, geometry = segmentation.name, segmentation.labels, segmentation.geometry
    quality = segmentation.quality
    known = measures or _measures(labels, case)
    record = statistics_record(name, labels, geometry, quality, measures=known)
    record |= dict(notes or {})
    write_json(out / f"{name}_stats.json", record)
    save_picture(preview(case, labels, quality).painted(), out / f"{name}_preview.png")
    if report is not None:
        # Here, since what fills in pages takes a while to import.
        from myoseg.reporting.case_report import report_path, write_case_report

        page = report_path(out, name)
        write_case_report(page, case, labels, measures=known, quality=quality, origin=report)
    for block, probability in segmentation.probabilities.items() if probabilities else ():
        write_volume(out / PROBABILITIES / f"{name}_{block}.nii.gz", probability, geometry)
    write_labels(labels_path(out, name), labels.codes, geometry, consecutive=consecutive)


def _measures(labels: LabelMap, case: Case) -> Measures:
    return measure(labels, case.geometry, lge=case.images.get(Sequence.LGE))


def labels_path(out: Path, case: str) -> Path:
    """Where the label map of a case lies among its results."""
    return out / f"{case}_seg.nii.gz"
