"""Many cases through one model or threshold: each is read, segmented and saved before the next."""

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import MYOCARDIUM
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
from myoseg.quantification.pairing import PROBABILITIES, LabelFile, label_files
from myoseg.quantification.threshold_methods import ThresholdMethod
from myoseg.quantification.thresholds import threshold
from myoseg.quantification.volumes import statistics_record
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
    """

    consecutive: bool = False
    probabilities: bool = False
    contours: Mapping[str, LabelFile] | None = None


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
) -> Iterator[CaseOutcome]:
    """Thresholds the wall of each case into `out`, as `predict_cohort` does with a model.

    `contours` are those of `contours_of`; CASE_stats.json also says every slice's cut.

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
        wall = _wall(case, case_files, contours)
        found = threshold(case.images[method.sequence], wall, method, cleaning=cleaning)
        save_segmentation(
            Segmentation(case.name, found.labels, case.geometry),
            case,
            out,
            consecutive=consecutive,
            notes={"threshold": found.to_record()},
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
) -> Bool[np.ndarray, "slice row col"]:
    """The myocardium of a case's contours, on the grid of its images.

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
    return wall


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
) -> None:
    """Writes CASE_stats.json, CASE_preview.png and, last, CASE_seg.nii.gz into `out`.

    Args:
        segmentation: what was found.
        case: that it was found in.
        out: the folder.
        consecutive: whether to write label codes 1 to 5.
        probabilities: whether to write probabilities/CASE_BLOCK.nii.gz too, float32.
        notes: further entries of CASE_stats.json.

    Raises:
        OutputError: a file cannot be written.
    """
    name, labels, geometry = segmentation.name, segmentation.labels, segmentation.geometry
    quality = segmentation.quality
    record = statistics_record(name, labels, geometry, quality) | dict(notes or {})
    write_json(out / f"{name}_stats.json", record)
    save_picture(preview(case, labels, quality).painted(), out / f"{name}_preview.png")
    for block, probability in segmentation.probabilities.items() if probabilities else ():
        write_volume(out / PROBABILITIES / f"{name}_{block}.nii.gz", probability, geometry)
    write_labels(labels_path(out, name), labels.codes, geometry, consecutive=consecutive)


def labels_path(out: Path, case: str) -> Path:
    """Where the label map of a case lies among its results."""
    return out / f"{case}_seg.nii.gz"
