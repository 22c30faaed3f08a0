"""Contours drawn by hand enter; what they give a model or a threshold to go by leaves."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import MYOCARDIUM
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.grids import require_same_grid
from myoseg.cases.layouts import CaseFiles
from myoseg.errors import InputError
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
    model: Model, case: Case, files: CaseFiles, contours: Mapping[str, LabelFile]
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
    _, labels = drawn_contours(case, files, contours)
    guides = {name for block in model.table.blocks for name in block.guides}
    drawn = [b for b in model.table.blocks if b.name in guides and labels.assesses(b.target)]
    return model.with_given({b.name: labels.mask(b.target).astype(np.float32) for b in drawn})


def drawn_contours(
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


def drawn_wall(
    case: Case, files: CaseFiles, contours: Mapping[str, LabelFile]
) -> tuple[Bool[np.ndarray, "slice row col"], LabelMap]:
    """The myocardium of a case's contours, on the grid of its images, and the contours.

    Raises:
        InputError: as `drawn_contours`, or the contours do not tell the myocardium.
        GeometryError: they are on another grid.
    """
    file, labels = drawn_contours(case, files, contours)
    if not labels.assesses(MYOCARDIUM):
        raise InputError(f"{file.path} does not tell the extent of the myocardium.")
    wall = labels.mask(MYOCARDIUM)
    if not wall.any():
        log.warning("%s: %s holds no myocardium, so nothing is found", case.name, file.path)
    return wall, labels
