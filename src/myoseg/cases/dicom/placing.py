"""Labels onto the images they were drawn on: a label map and source planes enter, frames leave.

A voxel of the label map and a pixel of an image are the same place in the patient, or nothing is
placed: labels are never resampled. The label map may hold its axes in any order and direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8

from myoseg.cases.case import Geometry
from myoseg.cases.dicom.source_planes import SourcePlane
from myoseg.errors import GeometryError

TOLERANCE_VOXELS: Final = 0.1
"""How far a voxel's middle may lie from its pixel's, along any axis of the label map.

Direction cosines and positions are stored with few digits, so grids agree only about.
"""


@dataclass(frozen=True, eq=False)
class PlacedLabels:
    """The planes that lie in the label map, and the labels on each of them."""

    planes: tuple[SourcePlane, ...]
    frames: UInt8[np.ndarray, "plane image_row image_col"]


@dataclass(frozen=True, eq=False)
class _Way:
    """From a plane's (col, row) to whole indices (col, row, slice) of the label map."""

    start: Int[np.ndarray, "3"]
    steps: Int[np.ndarray, "3 2"]

    @property
    def key(self) -> tuple[int, ...]:
        return (*self.start.tolist(), *self.steps.ravel().tolist())


def place_labels(
    labels: UInt8[np.ndarray, "slice row col"],
    geometry: Geometry,
    planes: Sequence[SourcePlane],
    grid: Geometry | None = None,
) -> PlacedLabels:
    """Finds each plane's labels.

    Of planes in one place, as the phases of a cine, the first is taken. Planes outside the label
    map are left out; what a plane shows outside the label map is background.

    Args:
        labels: small numbers, 0 for background.
        geometry: of the labels.
        planes: of the images, in any order.
        grid: on which the planes were read as a volume, slice by slice, where that is known. An
            image is then placed where it was taken to lie, which even slices need not do exactly.

    Raises:
        GeometryError: labelled voxels lie on no plane, or the planes differ in size.
    """
    ways: dict[tuple[int, ...], tuple[SourcePlane, _Way]] = {}
    gaps_mm = []
    lying = [plane.to_ras for plane in planes] if grid is None else _slices_of(grid, planes)
    for plane, to_ras in zip(planes, lying, strict=True):
        way, gap_mm = _way_into(geometry, to_ras, plane.shape)
        gaps_mm.append(gap_mm)
        if way is not None:
            ways.setdefault(way.key, (plane, way))
    framed = ((plane, _frame(labels, plane, way)) for plane, way in ways.values())
    chosen = [(plane, frame) for plane, frame in framed if frame is not None]
    n_placed = sum(int(np.count_nonzero(frame)) for _, frame in chosen)
    n_labelled = int(np.count_nonzero(labels))
    if not chosen or n_placed != n_labelled:
        raise GeometryError(_misplaced(n_labelled - n_placed, n_labelled, gaps_mm))
    shapes = {plane.shape for plane, _ in chosen}
    if len(shapes) > 1:
        raise GeometryError(
            f"the images are of different sizes (rows and columns {sorted(shapes)}); give one "
            "series."
        )
    return PlacedLabels(
        tuple(plane for plane, _ in chosen), np.stack([frame for _, frame in chosen])
    )


def _slices_of(grid: Geometry, planes: Sequence[SourcePlane]) -> list[Float[np.ndarray, "3 3"]]:
    """What maps (col, row, 1) to RAS millimetres in each slice of the grid."""
    if [plane.shape for plane in planes] != [grid.shape[1:]] * grid.shape[0]:
        raise ValueError(f"{len(planes)} planes are not the slices of a grid of {grid.shape}")
    col, row, step, first = grid.affine[:3].T
    return [np.column_stack([col, row, first + step * index]) for index in range(grid.shape[0])]


def _way_into(
    geometry: Geometry, to_ras: Float[np.ndarray, "3 3"], shape: tuple[int, int]
) -> tuple[_Way | None, float]:
    """The way, and how far the plane's corners lie from voxels in mm; None if that is too far."""
    inverse = np.linalg.inv(geometry.affine)
    to_index = inverse[:3, :3] @ to_ras + np.outer(inverse[:3, 3], [0.0, 0.0, 1.0])
    whole = np.rint(to_index).astype(np.int64)
    way = _Way(whole[:, 2], whole[:, :2])
    n_rows, n_cols = shape
    corners = np.array([[c, r, 1] for c in (0, n_cols - 1) for r in (0, n_rows - 1)]).T
    off: Float[np.ndarray, "3 corner"] = np.abs((to_index - whole) @ corners)
    gap_mm = float((off * np.array(geometry.spacing_mm[::-1])[:, None]).max())
    one_voxel_a_pixel = (np.abs(way.steps).sum(axis=0) == 1).all()
    fits = one_voxel_a_pixel and bool((off <= TOLERANCE_VOXELS).all())
    return (way if fits else None), gap_mm


def _frame(
    labels: UInt8[np.ndarray, "slice row col"], plane: SourcePlane, way: _Way
) -> UInt8[np.ndarray, "image_row image_col"] | None:
    """The plane's labels; None where it does not meet the label map."""
    rows, cols = np.ogrid[: plane.shape[0], : plane.shape[1]]
    index: list[Integer[np.ndarray, "image_row image_col"]] = [
        way.start[axis] + way.steps[axis, 0] * cols + way.steps[axis, 1] * rows for axis in range(3)
    ]
    limits = labels.shape[::-1]
    inside = np.ones(plane.shape, dtype=bool)
    for along, n in zip(index, limits, strict=True):
        inside &= (along >= 0) & (along < n)
    if not inside.any():
        return None
    col, row, slice_ = (np.clip(along, 0, n - 1) for along, n in zip(index, limits, strict=True))
    return np.where(inside, labels[slice_, row, col], np.uint8(0))


def _misplaced(n_missing: int, n_labelled: int, gaps_mm: Sequence[float]) -> str:
    remedy = "give the series that was segmented, whole."
    if not gaps_mm:
        return f"there is no image to place the label map on; {remedy}"
    if min(gaps_mm) > 0 and n_missing == n_labelled:
        return (
            "the label map does not lie on the images' grid: corners are "
            f"{min(gaps_mm):.2f} mm off at best; {remedy}"
        )
    return (
        f"{n_missing} of {n_labelled} labelled voxels lie on none of the images (of which there "
        f"are {len(gaps_mm)}); {remedy}"
    )
