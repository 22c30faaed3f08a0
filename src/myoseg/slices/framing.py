"""Slices of any matrix in, squares that show the heart at one size out, and the way back."""

import math
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32

from myoseg.slices.normalisation import OUTSIDE, normalise
from myoseg.slices.padding import padding_of

Stack = Float32[np.ndarray, "slice row col"]
Squares = Float32[np.ndarray, "slice size size"]

MOST_NORMALISED: Final = (-1.0, 3.0)
"""Normalised intensities beyond are cut: fat near the coil says nothing of the heart."""

BLUR_PER_STEP: Final = 0.4
"""Standard deviation, in pixels of the matrix, of the blur before every `step` pixel is taken."""


@dataclass(frozen=True)
class Frame:
    """A square of `size_px` pixels over a slice, its sides along rows and columns.

    Attributes:
        size_px: pixels along a side.
        centre_px: row and column of the slice's matrix at the square's centre.
        step_px: rows and columns of the matrix from one pixel of the square to the next.
    """

    size_px: int
    centre_px: tuple[float, float]
    step_px: tuple[float, float]

    @classmethod
    def of_all(
        cls, shape: tuple[int, int], spacing_mm: tuple[float, float], size_px: int
    ) -> "Frame":
        """The smallest square, in mm, that holds all of a matrix of `shape` (row, col)."""
        side_mm = max(n * mm for n, mm in zip(shape, spacing_mm, strict=True))
        rows, cols = shape
        return cls(
            size_px,
            ((rows - 1) / 2, (cols - 1) / 2),
            (side_mm / size_px / spacing_mm[0], side_mm / size_px / spacing_mm[1]),
        )

    def magnified(self, factor: float) -> "Frame":
        """The frame about the same centre that shows everything `factor` times as large."""
        rows, cols = self.step_px
        return replace(self, step_px=(rows / factor, cols / factor))

    def stretched(self, higher: float) -> "Frame":
        """The frame about the same centre that shows everything `higher` times higher than wide."""
        rows, cols = self.step_px
        return replace(self, step_px=(rows / higher**0.5, cols * higher**0.5))

    def cut(self, stack: Stack) -> Squares:
        """The slices as the square shows them; `OUTSIDE` where it leaves the matrix.

        A pixel is inside if all four pixels that it is interpolated from are, the matrix's last row
        and column excepted.
        """
        return np.stack([self._cut_plane(plane) for plane in stack])

    def cut_measured(self, stack: Stack) -> Squares:
        """As `cut`, and `OUTSIDE` as well where the matrix has been padded."""
        squares = self.cut(stack)
        padding = padding_of(stack)
        if padding.any():
            squares[self.cut(padding.astype(np.float32)) > 0.01] = OUTSIDE
        return squares

    def paste(self, squares: Squares, shape: tuple[int, int]) -> Stack:
        """The squares on a matrix of `shape`, by linear interpolation; 0 around them."""
        pasted = np.zeros((len(squares), *shape), dtype=np.float32)
        rows, cols = self._reached(shape)
        size = (cols.stop - cols.start, rows.stop - rows.start)
        if min(size) > 0:
            matrix = self._square_to_matrix - np.array([[0, 0, cols.start], [0, 0, rows.start]])
            for plane, square in zip(pasted, squares, strict=True):
                plane[rows, cols] = cv2.warpAffine(square, matrix, size, flags=cv2.INTER_LINEAR)
        return pasted

    def _reached(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the matrix that lie in the square or less than a pixel beside it."""
        half = (self.size_px + 1) / 2
        rows, cols = (
            slice(max(0, math.floor(at - step * half)), min(n, math.ceil(at + step * half) + 1))
            for at, step, n in zip(self.centre_px, self.step_px, shape, strict=True)
        )
        return rows, cols

    @property
    def _square_to_matrix(self) -> Float32[np.ndarray, "2 3"]:
        """From (col, row) of the square to (col, row) of the matrix."""
        (row, col), (row_step, col_step), half = (
            self.centre_px,
            self.step_px,
            (self.size_px - 1) / 2,
        )
        return np.array(
            [[col_step, 0, col - col_step * half], [0, row_step, row - row_step * half]],
            dtype=np.float32,
        )

    def _cut_plane(self, plane: Float32[np.ndarray, "row col"]) -> Float32[np.ndarray, "size size"]:
        sigma_row, sigma_col = (BLUR_PER_STEP * step for step in self.step_px)
        if max(self.step_px) > 1:
            plane = cv2.GaussianBlur(plane, (0, 0), max(sigma_col, 0.1), sigmaY=max(sigma_row, 0.1))
        size = (self.size_px, self.size_px)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(
                plane,
                self._square_to_matrix,
                size,
                flags=flags,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=OUTSIDE,
            ),
            dtype=np.float32,
        )


def presented(
    squares: Float32[np.ndarray, "*stack row col"],
) -> Float32[np.ndarray, "*stack row col"]:
    """Normalised as every slice is (section 2.2) and cut to `MOST_NORMALISED`."""
    return np.asarray(np.clip(normalise(squares), *MOST_NORMALISED))
