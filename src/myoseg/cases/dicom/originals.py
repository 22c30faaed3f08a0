"""The images that a label map was drawn on: files or a folder enter, planes with headers leave."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydicom import Dataset

from myoseg.anatomy import Sequence
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.dicom.candidates import Candidate, candidates_of
from myoseg.cases.dicom.choosing import choose_series
from myoseg.cases.dicom.opening import read_whole
from myoseg.cases.dicom.placing import TOLERANCE_VOXELS
from myoseg.cases.dicom.scan import Progress, scan_folder
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.cases.dicom.source import DicomSource
from myoseg.cases.dicom.source_planes import SourcePlane, plane_of
from myoseg.cases.grids import in_words, same_grid
from myoseg.errors import GeometryError, InputError

PREFERRED: Final = (Sequence.LGE, Sequence.BSSFP, Sequence.T2)
"""Which sequence's series a result refers to where several lie on the label map's grid."""

_PIXELS: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, eq=False)
class Originals:
    """Images with their headers.

    Attributes:
        planes: of the images.
        grid: on which they were read as a volume, slice by slice; None where they were not.
    """

    planes: tuple[SourcePlane, ...]
    grid: Geometry | None = None

    @property
    def slice_thickness_mm(self) -> float | None:
        """As acquired; None where it is not told or differs between slices."""
        told = {plane.thickness_mm for plane in self.planes}
        (known,) = told if len(told) == 1 else (None,)
        return known if known is not None and 0 < known < np.inf else None


def originals_of(images: Iterable[tuple[Path, int | None]], grid: Geometry) -> Originals:
    """The planes of images that were read as a volume, in the order of its slices.

    Args:
        images: the file of each, and the number of the frame in it or None.
        grid: of the volume.

    Raises:
        InputError: a file cannot be read, or does not say where its image lies.
    """
    return Originals(tuple(_planes(images)), grid)


def originals_of_source(source: DicomSource, geometry: Geometry) -> Originals:
    """The images of a study that was read onto the grid of one of its sequences.

    Raises:
        GeometryError: the grid is none of its sequences'.
        InputError: a file cannot be read, or does not say where its image lies.
    """
    for sequence in PREFERRED:
        stack = source.choices[sequence].candidate.stack if sequence in source.choices else None
        if stack is not None and same_grid(stack.geometry, geometry):
            number = source.phase if sequence is Sequence.BSSFP and source.phase else 1
            frames = [phases[number - 1] for phases in stack.slices]
            return originals_of([(frame.path, frame.number) for frame in frames], stack.geometry)
    raise GeometryError(
        f"the grid of the results ({in_words(geometry)}) is that of none of the study's series; "
        "results in DICOM need the grid of one of them."
    )


def find_originals(
    folder: Path,
    labels: LabelMap,
    geometry: Geometry,
    series: str | None = None,
    progress: Progress | None = None,
) -> Originals:
    """The stack in a folder that a label map was drawn on.

    Of several on its grid, such as a magnitude and a phase-sensitive image, the one is taken that
    would be used for a sequence, LGE before others; of a cine, end-diastole.

    Args:
        folder: with DICOM files, of one study or several.
        labels: the label map.
        geometry: its grid, with axes in any order and direction.
        series: number, description or identifier of the series to take.
        progress: see `scan.Progress`.

    Raises:
        GeometryError: no series lies on the label map's grid.
        InputError: the folder holds no MR image, several stacks may be meant, or a file cannot be
            read.
    """
    found: list[Candidate] = []
    seen: list[Candidate] = []
    for study in scan_folder(folder, progress).studies:
        candidates = candidates_of(study.series)
        chosen = choose_series(study.uid, candidates).choices
        wanted = [each for each in candidates if series is None or _is_called(each, series)]
        seen += candidates
        fitting = [each for each in wanted if _fits(each, labels, geometry)]
        preferred = [chosen[each].candidate for each in PREFERRED if each in chosen]
        found += [each for each in preferred if each in fitting][:1] or fitting
    if not found:
        raise GeometryError(_none_fits(folder, geometry, series, seen))
    if len(found) > 1:
        named = "; ".join(each.label for each in found)
        raise InputError(
            f"the label map lies on several series of {folder}: {named}; name one with --series."
        )
    stack = found[0].stack
    firsts = [frames[0] for frames in stack.slices]
    return originals_of([(frame.path, frame.number) for frame in firsts], stack.geometry)


def _planes(images: Iterable[tuple[Path, int | None]]) -> Iterator[SourcePlane]:
    """One plane after the other; a file's header is read once as long as its frames follow."""
    last: tuple[Path, Dataset] | None = None
    for path, frame in images:
        if last is None or last[0] != path:
            last = path, _header(path)
        yield plane_of(last[1], frame)


def _header(path: Path) -> Dataset:
    """All of a file but its pixels."""
    with libraries_silent():
        header = read_whole(path)
        for name in _PIXELS:
            if name in header:
                delattr(header, name)
    return header


def _is_called(candidate: Candidate, text: str) -> bool:
    wanted = text.strip()
    return (
        (wanted.isdecimal() and int(wanted) in candidate.numbers)
        or wanted in candidate.series_uids
        or wanted.lower() == candidate.protocol.description.lower()
    )


def _fits(candidate: Candidate, labels: LabelMap, geometry: Geometry) -> bool:
    """Whether every labelled voxel is a pixel of the stack."""
    if candidate.stack.fault is not None:
        return False
    grid = candidate.stack.geometry
    corners = _labelled_box(labels)
    to_grid = np.linalg.inv(grid.affine) @ geometry.affine
    steps = to_grid[:3, :3]
    index = corners @ steps.T + to_grid[:3, 3]
    whole = np.abs(np.rint(steps))
    turned_only = (whole.sum(axis=0) == 1).all() and (whole.sum(axis=1) == 1).all()
    off = np.abs(index - np.rint(index)).max()
    inside = (np.rint(index) >= 0).all() and (np.rint(index) < grid.shape[::-1]).all()
    return bool(turned_only and off <= TOLERANCE_VOXELS and inside)


def _labelled_box(labels: LabelMap) -> np.ndarray:
    """Corners (col, row, slice) of what is labelled, or of the whole map where nothing is."""
    where = np.argwhere(labels.codes)[:, ::-1]
    if not len(where):
        where = np.array([[0, 0, 0], labels.codes.shape[::-1]]) - [[0, 0, 0], [1, 1, 1]]
    ends = np.array([where.min(axis=0), where.max(axis=0)])
    return np.array(
        [[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )


def _none_fits(folder: Path, geometry: Geometry, series: str | None, seen: list[Candidate]) -> str:
    listed = "; ".join(f"{each.label} ({in_words(each.stack.geometry)})" for each in seen) or "none"
    which = "no series" if series is None else f"no series called {series!r}"
    return (
        f"{which} of {folder} lies on the grid of the label map ({in_words(geometry)}); there are: "
        f"{listed}. Give the study that was segmented; a label map that was resampled lies on none."
    )
