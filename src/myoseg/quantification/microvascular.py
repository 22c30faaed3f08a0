"""Microvascular obstruction: the scar and its LGE image, or an expert's labels, in; a mask out.

The rule on LGE, slice by slice: a pixel of the scar, or of wall that scar and cavity enclose, is
dark if it is no brighter than the mean of remote myocardium (`remote.find_remote`) plus `N_SD`
standard deviations, the cut above which wall counts as enhanced (Kim et al., Circulation
1999;100:1992). A 4-connected piece of dark pixels is a core if, of the pixels around it, half or
more are enhanced scar and no more than a third are neither that nor cavity, and if it has
`LEAST_MM2` or more. So do readers: obstruction is the dark zone within the bright infarct, or
between it and the cavity (Wu et al., Circulation 1998;97:765). What is only dim is not found, so
that a core is smaller than what experts draw.
"""

from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from myoseg.anatomy import MYOCARDIUM, Tissue
from myoseg.cases.case import LabelMap, Volume
from myoseg.cases.labels import EMIDEC, LabelCoding, as_whole_numbers, first_covering
from myoseg.cases.nifti import read_label_volume
from myoseg.quantification.pairing import LabelFile
from myoseg.quantification.remote import find_remote

Mask = Bool[np.ndarray, "slice row col"]
SliceMask = Bool[np.ndarray, "row col"]

N_SD: Final = 2.0
LEAST_MM2: Final = 10.0
LEAST_SCAR_SHARE: Final = 1 / 2
MOST_ELSE_SHARE: Final = 1 / 3

NO_REFLOW: Final[dict[str, int]] = {EMIDEC.name: 4}
"""The label value of no-reflow in codings that have one; as a tissue it is scar."""

_AROUND: Final = np.ones((3, 3), dtype=np.uint8)


def labelled_obstruction(file: LabelFile) -> Mask | None:
    """No-reflow as a label file has it; None where its coding is not settled or does not know it.

    Raises:
        InputError: the file cannot be read.
    """
    if not any(coding.name in NO_REFLOW for coding in file.codings):
        return None
    values, _ = read_label_volume(file.path)
    coding: LabelCoding = first_covering(file.codings, values)
    if coding.name not in NO_REFLOW:
        return None
    return np.asarray(as_whole_numbers(values, file.path) == NO_REFLOW[coding.name])


def dark_core(lge: Volume, labels: LabelMap, px_mm2: float, *, n_sd: float = N_SD) -> Mask:
    """Microvascular obstruction as a dark core of the scar; empty without scar.

    Args:
        lge: finite intensities on the labels' grid.
        labels: with myocardium and scar assessed.
        px_mm2: area of a pixel.
        n_sd: standard deviations above remote myocardium up to which a pixel is dark.
    """
    scar, wall = labels.mask(frozenset({Tissue.SCAR})), labels.mask(MYOCARDIUM)
    core = np.zeros_like(scar)
    slices = np.flatnonzero(scar.any(axis=(1, 2)))
    if not len(slices):
        return core
    rows, cols = (np.flatnonzero(wall.any(axis=(0, other))) for other in (2, 1))
    box = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(cols[0] - 1, 0) : cols[-1] + 2]
    healthy = find_remote(lge[slices][:, *box], wall[slices][:, *box] & ~scar[slices][:, *box])
    for index, remote in zip(slices, healthy, strict=True):
        image = lge[index][box]
        if remote.any():
            cut = float(image[remote].mean() + n_sd * image[remote].std())
            core[index][box] = _cores(image, scar[index][box], wall[index][box], cut, px_mm2)
    return core


def _cores(
    image: Float32[np.ndarray, "row col"],
    scar: SliceMask,
    wall: SliceMask,
    cut: float,
    px_mm2: float,
) -> SliceMask:
    cavity = _enclosed(wall)
    bright = scar & (image > cut)
    dark = (scar | (wall & _enclosed(scar | cavity))) & (image <= cut)
    n_pieces, piece = cv2.connectedComponents(dark.astype(np.uint8), connectivity=4)
    found = np.zeros_like(scar)
    for number in range(1, n_pieces):
        core = piece == number
        rim = cv2.dilate(core.astype(np.uint8), _AROUND).astype(bool) & ~dark
        n_rim, n_bright = rim.sum(), (rim & bright).sum()
        n_else = (rim & ~bright & ~cavity).sum()
        if (
            core.sum() * px_mm2 >= LEAST_MM2
            and n_bright >= LEAST_SCAR_SHARE * n_rim
            and n_else <= MOST_ELSE_SHARE * n_rim
        ):
            found |= core
    return found


def _enclosed(mask: SliceMask) -> SliceMask:
    """What is outside the mask and not 4-connected with the outside of the image."""
    padded = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, piece = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray((~mask) & (piece != piece[0, 0])[1:-1, 1:-1])
