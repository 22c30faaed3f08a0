"""A case's files or images enter; a `Case` on one grid leaves, with how it came onto it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from myoseg.anatomy import Sequence
from myoseg.cases.alignment import Aligned, Alignment, AlignmentRecord, align
from myoseg.cases.case import Case
from myoseg.cases.case_files import CaseFiles, safe_name
from myoseg.cases.nifti import NiftiImage
from myoseg.cases.on_grid import ImageOnGrid
from myoseg.cases.reading import case_from_images, images_in_memory, read_case, read_images

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class AlignedCase:
    """A case on one grid.

    Attributes:
        case: the images.
        alignment: what was done; None where the images were on one grid and taken as they are.
    """

    case: Case
    alignment: AlignmentRecord | None = None


def read_aligned_case(files: CaseFiles, mode: Alignment | str = Alignment.AUTO) -> AlignedCase:
    """Reads a case's sequences, without labels, and brings them onto one grid as asked for.

    Raises:
        InputError: a file cannot be used, no sequence is there, or there is no such mode.
        GeometryError: the sequences cannot be brought onto one grid, see `alignment.align`.
    """
    if files.dicom is not None:
        # Here, since that package needs this one's neighbours.
        from myoseg.cases.dicom.case import read_dicom_case

        study = read_dicom_case(files.name, replace(files.dicom, alignment=str(mode)))
        return _told(study.case, study.aligned)
    if mode == Alignment.OFF:
        return AlignedCase(read_case(files, with_labels=False))
    return _brought(read_images(files), files.name, mode)


def aligned_case_from_images(
    images: Mapping[Sequence, NiftiImage],
    name: str = "case",
    mode: Alignment | str = Alignment.AUTO,
) -> AlignedCase:
    """The same for nibabel images that are in memory.

    Raises:
        InputError: an image cannot be used, none is given, or there is no such mode.
        GeometryError: as `read_aligned_case`.
    """
    if mode == Alignment.OFF:
        return AlignedCase(case_from_images(images, name))
    return _brought(images_in_memory(images, name), safe_name(name), mode)


def _brought(
    images: Mapping[Sequence, ImageOnGrid], name: str, mode: Alignment | str
) -> AlignedCase:
    aligned = align(images, mode=mode)
    if aligned.record.mode is Alignment.OFF:
        first = next(image for image in images.values())
        volumes = {sequence: image.volume for sequence, image in images.items()}
        return AlignedCase(Case(name, volumes, first.geometry))
    return _told(Case(name, aligned.images, aligned.geometry), aligned)


def _told(case: Case, aligned: Aligned) -> AlignedCase:
    """The case with its record, and the record's flags in the log."""
    record = aligned.record
    if record.mode is Alignment.OFF or not record.slices:
        return AlignedCase(case)
    log.info("%s: brought onto the grid of %s", case.name, record.reference)
    for flag in record.flags():
        log.warning("%s: %s", case.name, flag.words)
    return AlignedCase(case, record)
