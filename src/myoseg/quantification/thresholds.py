"""Scar or edema by a threshold: an image and the wall enter, a label map of the wall leaves.

Every slice has its own remote myocardium, maximum and cut, since inversion time and coil
sensitivity differ between breath-holds. Diseased is what is brighter than the cut and than the mean
of remote myocardium; a wall of one intensity has nothing diseased.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32

from myoseg.anatomy import BACKGROUND, MYOCARDIUM, Tissues, representative
from myoseg.cases.case import LabelMap, Volume
from myoseg.errors import InputError
from myoseg.quantification.islands import AS_IT_IS, Cleaning, clean
from myoseg.quantification.remote import find_remote
from myoseg.quantification.threshold_methods import Pixels, Remote, ThresholdMethod

Mask = Bool[np.ndarray, "slice row col"]


@dataclass(frozen=True)
class SliceCut:
    """The cut of one slice and what it was made from, in the image's own intensities."""

    remote_mean: float
    remote_sd: float
    cut: float


@dataclass(frozen=True, eq=False)
class Thresholded:
    """A wall cut in two.

    `labels` holds the wall alone: blood pools are not assessed. It tells the method's diseased
    tissues from the rest of the wall (on LGE: scar from normal myocardium or edema). `cuts` has one
    entry for each slice, None where the slice has no wall. `remote_source` says whether remote
    myocardium was found (`remote.find_remote`) or given.
    """

    labels: LabelMap
    remote: Mask
    cuts: tuple[SliceCut | None, ...]
    method: ThresholdMethod
    cleaning: Cleaning
    remote_source: Literal["found", "given"] = "found"

    def to_record(self) -> dict[str, Any]:
        """Method and cuts as JSON values; slices are counted from 0."""
        return {
            "method": self.method.name,
            "sequence": str(self.method.sequence),
            "remote": self.remote_source,
            **asdict(self.cleaning),
            "slices": [
                {"slice": index, **asdict(cut)} for index, cut in enumerate(self.cuts) if cut
            ],
        }


def threshold(
    image: Volume,
    wall: Mask,
    method: ThresholdMethod,
    *,
    remote: Mask | None = None,
    cleaning: Cleaning = AS_IT_IS,
) -> Thresholded:
    """Cuts the wall of every slice in two; without any wall, the label map is empty.

    Args:
        image: finite intensities of the method's sequence.
        wall: the myocardium, scar and edema included, on the same grid.
        method: one of `threshold_methods.METHODS`.
        remote: healthy myocardium as a reader drew it, of which the part inside the wall counts; a
            slice where none was drawn takes that of all slices. By default `remote.find_remote`.
        cleaning: what becomes of islands and holes of what is diseased.

    Raises:
        InputError: the remote mask that was given has no pixel in the wall, or the image is NaN or
            infinite in the wall.
        ValueError: the arrays differ in shape.
    """
    shapes = {array.shape for array in (image, wall, remote) if array is not None}
    if len(shapes) > 1:
        raise ValueError(f"image, wall and remote mask differ in shape: {sorted(shapes)}")
    if not np.isfinite(image[wall]).all():
        raise InputError("the image has NaN or infinite values in the myocardium; export it again.")
    healthy = find_remote(image, wall) if remote is None else _drawn_remote(remote, wall)
    cuts = tuple(_cut_of(image, wall, healthy, index, method) for index in range(len(image)))
    levels = np.array([np.inf if cut is None else cut.cut for cut in cuts])
    diseased = clean(wall & (image > levels[:, None, None]), wall, cleaning)
    source: Literal["found", "given"] = "found" if remote is None else "given"
    return Thresholded(_labels(wall, diseased, method), healthy, cuts, method, cleaning, source)


def with_blood_pools(found: LabelMap, drawn: LabelMap) -> LabelMap:
    """A thresholded wall with the blood pools of the contours it was found in.

    With these, its segments can be told and its measures stand beside those of a network.
    """
    groups: tuple[Tissues, ...] = tuple(each for each in drawn.groups if not each & MYOCARDIUM)
    outside = ~np.isin(drawn.codes, [int(tissue) for tissue in MYOCARDIUM])
    outside &= found.codes == BACKGROUND
    return LabelMap(np.where(outside, drawn.codes, found.codes), (*found.groups, *groups))


def _drawn_remote(remote: Mask, wall: Mask) -> Mask:
    inside: Mask = remote & wall
    if wall.any() and not inside.any():
        raise InputError(
            "the remote mask has no pixel in the myocardium; draw it there, or let it be found."
        )
    return inside


def _cut_of(
    image: Volume, wall: Mask, remote: Mask, index: int, method: ThresholdMethod
) -> SliceCut | None:
    """The cut of a slice, not below the mean of its remote myocardium; None without wall."""
    if not wall[index].any():
        return None
    of_slice = image[index][remote[index]]
    healthy = Remote.of(_pixels(of_slice if of_slice.size else image[remote]))
    cut = method.cut(_pixels(image[index][wall[index]]), healthy)
    return SliceCut(healthy.mean, healthy.sd, max(cut, healthy.mean))


def _pixels(values: Float32[np.ndarray, "pixel"]) -> Pixels:
    pixels: np.ndarray = values.astype(np.float64)
    return pixels


def _labels(wall: Mask, diseased: Mask, method: ThresholdMethod) -> LabelMap:
    rest, bright = method.groups
    codes = np.full(wall.shape, BACKGROUND, dtype=np.int16)
    codes[wall] = representative(rest)
    codes[diseased] = representative(bright)
    return LabelMap(codes, method.groups)
