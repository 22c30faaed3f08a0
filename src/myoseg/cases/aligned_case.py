"""A case's files or images enter; a `Case` on one grid leaves, with how it came onto it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from myoseg.anatomy import Sequence
from myoseg.cases.alignment import Aligned, Alignment, AlignmentRecord, align
from myoseg.cases.alignment.align import REFERENCES
from myoseg.cases.case import Case, Geometry
from myoseg.cases.case_files import CaseFiles, safe_name
from myoseg.cases.grids import in_words, same_grid
from myoseg.cases.nifti import NiftiImage
from myoseg.cases.on_grid import ImageOnGrid
from myoseg.cases.reading import case_from_images, images_in_memory, read_case, read_images
from myoseg.errors import GeometryError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class AlignedCase:
    """A case on one grid.

    Attributes:
        case: the images.
        alignment: what was done; None where the images were on one grid and taken as they are.
        grids: each sequence's own, as far as sequences were brought over from one.
    """

    case: Case
    alignment: AlignmentRecord | None = None
    grids: Mapping[Sequence, Geometry] = field(default_factory=dict)


def read_aligned_case(
    files: CaseFiles,
    mode: Alignment | str = Alignment.AUTO,
    *,
    reference: Sequence | None = None,
) -> AlignedCase:
    """Reads a case's sequences, without labels, and brings them onto one grid as asked for.

    Args:
        files: of the case.
        mode: see `alignment.Alignment`.
        reference: whose grid it is; by default that of `alignment.align`.

    Raises:
        InputError: a file cannot be used, no sequence is there, or there is no such mode.
        GeometryError: the sequences cannot be brought onto one grid, see `alignment.align`.
    """
    if files.dicom is not None:
        # Here, since that package needs this one's neighbours.
        from myoseg.cases.dicom.case import read_dicom_case

        source = replace(files.dicom, alignment=str(mode))
        study = read_dicom_case(files.name, source, reference=reference)
        return _told(study.case, study.aligned, {s: e.image for s, e in study.series.items()})
    if mode == Alignment.OFF:
        return AlignedCase(read_case(files, with_labels=False))
    return _brought(read_images(files), files.name, mode, reference)


def case_on_grid(files: CaseFiles, geometry: Geometry, name: str | None = None) -> AlignedCase:
    """Reads a case's sequences and brings them onto a grid that is one of theirs.

    Raises:
        InputError: a file cannot be used, or no sequence is there.
        GeometryError: the grid is none of the sequences', or one cannot be brought onto it.
    """
    if files.dicom is not None:
        # As above.
        from myoseg.cases.dicom.case import read_study

        images = {s: each.image for s, each in read_study(files.dicom).items()}
    else:
        images = read_images(files)
    fitting = [s for s in REFERENCES if s in images and same_grid(images[s].geometry, geometry)]
    if not fitting:
        grids = {s: image.geometry for s, image in images.items()}
        raise GeometryError(
            f"the labels of {files.name} are {in_words(geometry)}, which is the grid of none of "
            f"its images ({grids_in_words(grids)}); give images one of which they were drawn on, "
            "or resample them to one of these grids."
        )
    return _brought(images, name or files.name, Alignment.AUTO, fitting[0])


def grids_in_words(grids: Mapping[Sequence, Geometry]) -> str:
    """Each sequence's grid."""
    return ", ".join(f"{sequence} {in_words(grid)}" for sequence, grid in grids.items())


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
    images: Mapping[Sequence, ImageOnGrid],
    name: str,
    mode: Alignment | str,
    reference: Sequence | None = None,
) -> AlignedCase:
    aligned = align(images, mode=mode, reference=reference)
    if aligned.record.mode is Alignment.OFF:
        first = next(image for image in images.values())
        volumes = {sequence: image.volume for sequence, image in images.items()}
        return AlignedCase(Case(name, volumes, first.geometry))
    return _told(Case(name, aligned.images, aligned.geometry), aligned, images)


def _told(case: Case, aligned: Aligned, images: Mapping[Sequence, ImageOnGrid]) -> AlignedCase:
    """The case with its record, and the record's flags in the log."""
    record = aligned.record
    if record.mode is Alignment.OFF or not record.slices:
        return AlignedCase(case)
    log.info("%s: brought onto the grid of %s", case.name, record.reference)
    for flag in record.flags():
        log.warning("%s: %s", case.name, flag.words)
    return AlignedCase(case, record, {s: image.geometry for s, image in images.items()})
