"""Labels drawn on a sequence in; out come the same on the reference's grid, moved as its image."""

import numpy as np
from jaxtyping import Int16
from scipy import ndimage

from myoseg.cases.alignment.planes import Motion, pixel_map
from myoseg.cases.alignment.record import SliceAlignment
from myoseg.cases.alignment.resampling import STILL
from myoseg.cases.case import Geometry, LabelVolume

Plane = Int16[np.ndarray, "reference_row reference_col"]
OnReference = Int16[np.ndarray, "reference_slice reference_row reference_col"]


def labels_on_reference(
    codes: LabelVolume, own: Geometry, reference: Geometry, slices: tuple[SliceAlignment, ...]
) -> OnReference:
    """Codes on the reference's grid: of the nearest pixel, 0 where the sequence shows nothing.

    Args:
        codes: on the grid of a sequence.
        own: that grid.
        reference: the grid that the sequence was brought onto.
        slices: what was done to it, without turning or stretching.
    """
    made = np.zeros(reference.shape, dtype=np.int16)
    for each in slices:
        if each.source_index is not None:
            made[each.slice_index] = _slice(codes, own, reference, each, each.source_index)
    return made


def _slice(
    codes: LabelVolume, own: Geometry, reference: Geometry, told: SliceAlignment, index: int
) -> Plane:
    moved = told.moved_ras_mm
    motion = STILL if moved is None else Motion.by(-np.array(moved, dtype=np.float64))
    matrix, offset = pixel_map(reference, told.slice_index, own, index, motion)
    sampled = ndimage.affine_transform(
        codes[index],
        matrix,
        offset,
        output_shape=reference.shape[1:],
        order=0,
        mode="constant",
        cval=0,
    )
    return np.asarray(sampled, dtype=np.int16)
