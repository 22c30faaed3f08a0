"""A case and its labels enter; what a page shows of its slices leaves, row by row."""

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import Sequence, Tissues
from myoseg.cases.case import Case, LabelMap
from myoseg.quantification.levels import Level
from myoseg.reporting.orientation import Borders, borders_of, scale_mm
from myoseg.reporting.palette import SEQUENCE_TITLES, colour_of, in_drawing_order, title_of
from myoseg.reporting.slice_pictures import grey_png, outline_path, size_mm
from myoseg.reporting.view import View, grey_window, view_of

OUTLINES_ALONE: Final = "Outlines"
"""Title of the only column where there are no images."""

LEVEL_WORDS: Final[dict[Level | None, str]] = {
    "basal": "basal",
    "mid": "mid",
    "apical": "apical",
    "apex": "apex",
    "open": "open ring",
    None: "no wall",
}


@dataclass(frozen=True)
class Key:
    """A tissue, or tissues that were not told apart, and the colour of its outline."""

    title: str
    colour: str


@dataclass(frozen=True)
class Outline:
    """One tissue's outline in one slice; `index` is its place in the key, from 1."""

    index: int
    colour: str
    path: str


@dataclass(frozen=True)
class Picture:
    """One slice of one sequence: a `data:` address, empty without an image, and it in words."""

    address: str
    alt: str


@dataclass(frozen=True)
class SliceRow:
    """One slice, counted from 1, in every sequence."""

    number: int
    level: str
    outlines: tuple[Outline, ...]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Slices:
    """All slices as a table: a row each, a column for each sequence.

    Lengths are in millimetres of the patient, places from a picture's upper left.
    """

    columns: tuple[str, ...]
    rows: tuple[SliceRow, ...]
    key: tuple[Key, ...]
    borders: Borders
    width_mm: float
    height_mm: float
    scale_mm: int
    has_images: bool
    notes: tuple[str, ...]

    @property
    def scale_left_mm(self) -> float:
        """Where the scale bar begins."""
        return round(0.05 * self.width_mm, 1)

    @property
    def scale_top_mm(self) -> float:
        """How far down it is."""
        return round(0.96 * self.height_mm, 1)


def slices_of(case: Case, labels: LabelMap, levels: Rows[Level | None] | None) -> Slices:
    """The slices of a case, which may have no images, with the outlines of its labels.

    Args:
        case: on the grid of the labels.
        labels: what is outlined.
        levels: of every slice; None where they are not known.
    """
    drawn = _Drawn(
        case,
        view_of(labels.codes > 0, case.geometry),
        tuple((group, labels.mask(group)) for group in in_drawing_order(labels.groups)),
        {sequence: grey_window(case.images[sequence]) for sequence in case.sequences},
        tuple(LEVEL_WORDS[level] for level in levels or ()) or ("",) * case.n_slices,
    )
    view = drawn.view
    width_mm, height_mm = size_mm(view, case.geometry.spacing_mm[2])
    return Slices(
        columns=tuple(map(SEQUENCE_TITLES.__getitem__, case.sequences)) or (OUTLINES_ALONE,),
        rows=tuple(drawn.row(index) for index in range(case.n_slices)),
        key=tuple(Key(title_of(group), colour_of(group)) for group, _ in drawn.groups),
        borders=borders_of(case.geometry, view),
        width_mm=round(width_mm, 1),
        height_mm=round(height_mm, 1),
        scale_mm=scale_mm(width_mm),
        has_images=bool(case.images),
        notes=_notes(case),
    )


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What the rows are made from."""

    case: Case
    view: View
    groups: tuple[tuple[Tissues, Bool[np.ndarray, "slice row col"]], ...]
    windows: Mapping[Sequence, tuple[float, float]]
    levels: tuple[str, ...]

    def row(self, index: int) -> SliceRow:
        found = ((n, group, self._path(mask[index])) for n, (group, mask) in self._numbered)
        return SliceRow(
            number=index + 1,
            level=self.levels[index],
            outlines=tuple(Outline(n, colour_of(group), path) for n, group, path in found if path),
            pictures=self._pictures(index),
        )

    @property
    def _numbered(self) -> Iterable[tuple[int, tuple[Tissues, Bool[np.ndarray, "slice row col"]]]]:
        return enumerate(self.groups, start=1)

    def _path(self, mask: Bool[np.ndarray, "row col"]) -> str:
        return outline_path(mask, self.view, self.case.geometry.spacing_mm[2])

    def _pictures(self, index: int) -> tuple[Picture, ...]:
        held = [title_of(group) for group, mask in self.groups if mask[index].any()]
        level = f", {self.levels[index]}" if self.levels[index] else ""
        where = f"slice {index + 1} of {self.case.n_slices}{level}"
        alt = f"{where}; outlined: {', '.join(held) or 'nothing'}"
        pictures = tuple(
            Picture(
                grey_png(self.case.images[sequence][index], window, self.view),
                f"{SEQUENCE_TITLES[sequence]}, {alt}",
            )
            for sequence, window in self.windows.items()
        )
        return pictures or (Picture("", f"{OUTLINES_ALONE}, {alt}"),)


def _notes(case: Case) -> tuple[str, ...]:
    without = [SEQUENCE_TITLES[each] for each in Sequence if each not in case.images]
    turned = (
        "The patient's right is on the left. Letters at the borders: R right, L left, A anterior, "
        "P posterior, H head, F feet."
    )
    if len(without) == len(Sequence):
        return ("No images were given: only the outlines are shown.", turned)
    absent = f" Not given: {', '.join(without)}." if without else ""
    grey = "Grey values from the 1st to the 99th percentile of each sequence."
    return (f"{turned} {grey}{absent}",)
