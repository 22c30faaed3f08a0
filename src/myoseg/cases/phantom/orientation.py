"""The eight ways in which a stack of slices is stored: arrays and grids in, turned ones out."""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from jaxtyping import Float, Shaped

from myoseg.cases.case import Geometry


@dataclass(frozen=True)
class Orientation:
    """How rows and columns are exchanged and reversed, in this order; slices are in place."""

    transposed: bool = False
    rows_reversed: bool = False
    cols_reversed: bool = False

    @property
    def mirrors(self) -> bool:
        """Whether the image is mirrored, not only turned."""
        return (self.transposed + self.rows_reversed + self.cols_reversed) % 2 == 1

    def of_volume(
        self, volume: Shaped[np.ndarray, "slice row col"]
    ) -> Shaped[np.ndarray, "slice row_out col_out"]:
        """The volume, stored so."""
        turned = volume.swapaxes(1, 2) if self.transposed else volume
        turned = turned[:, ::-1] if self.rows_reversed else turned
        turned = turned[:, :, ::-1] if self.cols_reversed else turned
        return np.ascontiguousarray(turned)

    def of_shifts(self, shifts_mm: Float[np.ndarray, "slice 2"]) -> Float[np.ndarray, "slice 2"]:
        """Shifts along rows and columns, as they appear in the stored images."""
        turned = shifts_mm[:, ::-1] if self.transposed else shifts_mm
        signs = np.array([1 - 2 * self.rows_reversed, 1 - 2 * self.cols_reversed])
        return np.asarray(turned * signs)

    def of_geometry(self, geometry: Geometry) -> Geometry:
        """The grid of the stored volume."""
        n_slices, n_rows, n_cols = geometry.shape
        affine = geometry.affine.copy()
        if self.transposed:
            affine[:, [0, 1]] = affine[:, [1, 0]]
            n_rows, n_cols = n_cols, n_rows
        if self.cols_reversed:
            affine = _reversed(affine, 0, n_cols)
        if self.rows_reversed:
            affine = _reversed(affine, 1, n_rows)
        return Geometry((n_slices, n_rows, n_cols), affine)


ORIENTATIONS: Final = tuple(Orientation(*flags) for flags in product((False, True), repeat=3))


def with_slices_reversed(geometry: Geometry) -> Geometry:
    """The grid of the volume whose last slice comes first."""
    return Geometry(geometry.shape, _reversed(geometry.affine, 2, geometry.shape[0]))


def is_right_handed(geometry: Geometry) -> bool:
    """Whether columns, rows and slices follow each other as thumb, index and middle finger do."""
    return bool(np.linalg.det(geometry.affine[:3, :3]) > 0)


def _reversed(affine: Float[np.ndarray, "4 4"], axis: int, length: int) -> Float[np.ndarray, "4 4"]:
    """The affine with one index counted from the other end."""
    counted = np.eye(4)
    counted[axis, axis], counted[axis, 3] = -1, length - 1
    return np.asarray(affine @ counted)
