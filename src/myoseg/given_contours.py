"""Contours drawn by hand enter; what they give a model or a threshold to go by leaves."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import MYOCARDIUM, Sequence
from myoseg.cases.aligned_case import AlignedCase, grids_in_words
from myoseg.cases.alignment import SliceAlignment
from myoseg.cases.alignment.labels import labels_on_reference
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.grids import corner_distance_mm, in_words, same_grid
from myoseg.cases.layouts import CaseFiles
from myoseg.errors import GeometryError, InputError
from myoseg.prediction.cascade.model import CascadeModel
from myoseg.prediction.model import Model
from myoseg.quantification.decoding import read_label_map, with_codings
from myoseg.quantification.pairing import LabelFile, label_files

log = logging.getLogger(__name__)


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


def with_contours(
    model: Model, aligned: AlignedCase, contours: Mapping[str, LabelFile]
) -> CascadeModel:
    """The model for a case whose anatomy was drawn by hand.

    Raises:
        InputError: as `drawn_contours`, or the model's blocks do not guide one another.
    """
    if not isinstance(model, CascadeModel):
        raise InputError(
            "contours can guide the shipped model and others of its kind only; leave them out, or "
            "leave -m out."
        )
    _, labels = drawn_contours(aligned, contours)
    guides = {name for block in model.table.blocks for name in block.guides}
    drawn = [b for b in model.table.blocks if b.name in guides and labels.assesses(b.target)]
    return model.with_given({b.name: labels.mask(b.target).astype(np.float32) for b in drawn})


def drawn_contours(
    aligned: AlignedCase, contours: Mapping[str, LabelFile]
) -> tuple[LabelFile, LabelMap]:
    """A case's contours, on the grid of its images.

    Contours that were drawn on a sequence before it was brought onto that grid are brought over as
    it was, slice by slice.

    Raises:
        InputError: there are none, or they cannot be read.
        GeometryError: they are on another grid than any sequence's.
    """
    case = aligned.case
    if case.name not in contours:
        raise InputError(f"case {case.name} has no contours; draw them, or leave the case out.")
    file = contours[case.name]
    labels, geometry = read_label_map(file)
    if same_grid(geometry, case.geometry):
        return file, labels
    record = aligned.alignment
    for sequence, slices in record.slices.items() if record is not None else ():
        if same_grid(geometry, aligned.grids[sequence]):
            codes = labels_on_reference(labels.codes, geometry, case.geometry, slices)
            _tell(case, sequence, slices)
            return file, replace(labels, codes=codes)
    grids = aligned.grids or dict.fromkeys(case.sequences, case.geometry)
    apart_mm = min(corner_distance_mm(geometry, grid) for grid in grids.values())
    raise GeometryError(
        f"{file.path} is {in_words(geometry)} and on the grid of none of the images of "
        f"{case.name} ({grids_in_words(grids)}; corners lie {apart_mm:.3g} mm apart or more); draw "
        "the contours on one of them, or resample them to its grid."
    )


def _tell(case: Case, sequence: Sequence, slices: tuple[SliceAlignment, ...]) -> None:
    log.info("%s: the contours lie on %s and are moved with it", case.name, sequence)
    bare = [str(each.slice_index + 1) for each in slices if each.source_index is None]
    if bare:
        log.warning(
            "%s: no contour is near enough to slices %s, so nothing is found there",
            case.name,
            ", ".join(bare),
        )


def drawn_wall(
    aligned: AlignedCase, contours: Mapping[str, LabelFile]
) -> tuple[Bool[np.ndarray, "slice row col"], LabelMap]:
    """The myocardium of a case's contours, on the grid of its images, and the contours.

    Raises:
        InputError: as `drawn_contours`, or the contours do not tell the myocardium.
        GeometryError: they are on another grid.
    """
    file, labels = drawn_contours(aligned, contours)
    if not labels.assesses(MYOCARDIUM):
        raise InputError(f"{file.path} does not tell the extent of the myocardium.")
    wall = labels.mask(MYOCARDIUM)
    if not wall.any():
        log.warning("%s: %s holds no myocardium, so nothing is found", aligned.case.name, file.path)
    return wall, labels
