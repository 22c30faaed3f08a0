"""What part of a volume a figure shows, in which orientation, and in which grey values."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Shaped

from myoseg.cases.case import Geometry, Volume

SHOWN_PERCENTILES: Final = (1.0, 99.0)
"""Darkest and brightest grey, over a sequence's whole volume."""

MARGIN: Final = 0.15
"""Shown on each side of the heart, as a part of its size."""

FEWEST_PX: Final = 32

MOST_ASKED: Final = 2**17
"""Voxels of a volume up to which all are asked for what to show as black and white."""


@dataclass(frozen=True)
class View:
    """A rectangle of every slice, turned as a reader looks at it.

    Axes whose direction is mostly towards the patient's right, front or head are mirrored, so that
    right is on the left and front or head on top, as viewers show it. `aspect` is a pixel's height
    over its width.
    """

    rows: slice
    cols: slice
    mirror_rows: bool
    mirror_cols: bool
    aspect: float

    def of(self, plane: Shaped[np.ndarray, "row col"]) -> Shaped[np.ndarray, "shown_row shown_col"]:
        """The shown part of a slice."""
        shown = plane[self.rows, self.cols]
        return shown[:: -1 if self.mirror_rows else 1, :: -1 if self.mirror_cols else 1]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns that are shown."""
        return self.rows.stop - self.rows.start, self.cols.stop - self.cols.start

    @property
    def height_per_width(self) -> float:
        """Of the picture, in millimetres over millimetres."""
        n_rows, n_cols = self.shape
        return self.aspect * n_rows / n_cols


def view_of(heart: Bool[np.ndarray, "slice row col"], geometry: Geometry) -> View:
    """A square around the heart with a margin, or all of the plane if no heart was found."""
    _, row_mm, col_mm = geometry.spacing_mm
    rows, cols = _frame(np.any(heart, axis=0), row_mm, col_mm)
    return View(
        rows=rows,
        cols=cols,
        mirror_rows=_is_mirrored(geometry, axis=1),
        mirror_cols=_is_mirrored(geometry, axis=0),
        aspect=row_mm / col_mm,
    )


def grey_window(volume: Volume) -> tuple[float, float]:
    """Intensities shown black and white: 1st and 99th percentile; never equal.

    Of large volumes every other row and column is asked, which is enough to show them by.
    """
    step = 2 if volume.size > MOST_ASKED else 1
    some = volume[:, ::step, ::step]
    finite = some[np.isfinite(some)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, SHOWN_PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


def slices_to_show(heart: Bool[np.ndarray, "slice row col"], n_most: int) -> tuple[int, ...]:
    """Slices that cut the heart, or all if none does; at most `n_most`, evenly spread."""
    cutting = np.flatnonzero(heart.any(axis=(1, 2)))
    chosen = cutting.tolist() or list(range(len(heart)))
    n_shown = min(n_most, len(chosen))
    picks = np.linspace(0, len(chosen) - 1, n_shown).round().astype(int)
    return tuple(chosen[pick] for pick in picks)


def _frame(
    outline: Bool[np.ndarray, "row col"], row_mm: float, col_mm: float
) -> tuple[slice, slice]:
    """Rows and columns of a square, in millimetres, around the outline, kept inside the plane."""
    if not outline.any():
        return slice(0, outline.shape[0]), slice(0, outline.shape[1])
    extents = [np.flatnonzero(outline.any(axis=1 - axis))[[0, -1]] for axis in (0, 1)]
    spacings = (row_mm, col_mm)
    heart_mm = max((e[1] - e[0] + 1) * mm for e, mm in zip(extents, spacings, strict=True))
    side_mm = max((1 + 2 * MARGIN) * heart_mm, FEWEST_PX * min(spacings))
    rows, cols = (
        _centred(float(e.mean()), side_mm / mm, n)
        for e, mm, n in zip(extents, spacings, outline.shape, strict=True)
    )
    return rows, cols


def _centred(centre: float, length: float, n: int) -> slice:
    """`length` pixels around `centre`, moved or cut to lie within `n` pixels."""
    n_shown = min(n, max(1, round(length)))
    start = min(max(round(centre + 0.5 - n_shown / 2), 0), n - n_shown)
    return slice(start, start + n_shown)


def _is_mirrored(geometry: Geometry, axis: int) -> bool:
    """Whether an affine axis (0 columns, 1 rows) runs towards right, front or head (RAS)."""
    direction = geometry.affine[:3, axis]
    return bool(direction[np.abs(direction).argmax()] > 0)
