"""A case's labels in, what no heart looks like out: rules as data, each naming what it judges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from myoseg.anatomy import REGIONS
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.quality import Flag

Mask = Bool[np.ndarray, "slice row col"]
Plane = Bool[np.ndarray, "row col"]
Slices = Bool[np.ndarray, "slice"]

FEWEST_SLICES: Final = 3
"""Slices that show the LV; in fewer, a missing RV or a small volume says nothing."""

FARTHEST_RV: Final = 0.25
"""Gap between both ventricles in diameters of the LV; they share the septum."""

LONGEST_JUMP: Final = 0.5
"""Of the LV's centre between neighbouring slices, in diameters of the larger one."""

LV_LENGTH_MM: Final = 90.0
"""Of a stack that covers the LV; a shorter one may hold that much less."""


@dataclass(frozen=True, eq=False)
class Heart:
    """What of the heart was assessed: masks by name, and their grid.

    `masks` has "pool", "wall", "rv", "disease" (edema and scar, or scar alone) and "lv" (wall and
    pool, or the pool alone), each only where it was assessed.
    """

    masks: Mapping[str, Mask]
    geometry: Geometry

    @classmethod
    def of(cls, labels: LabelMap, geometry: Geometry) -> "Heart":
        """The parts that the labels tell."""
        masks = {}
        for part, regions in _PARTS.items():
            known = [REGIONS[name] for name in regions if labels.assesses(REGIONS[name])]
            if known:
                masks[part] = labels.mask(known[0])
        return cls(masks, geometry)

    def shows(self, part: str) -> Slices:
        """The slices in which the part has a pixel."""
        return np.asarray(self.masks[part].any(axis=(1, 2)))


_PARTS: Final = {
    "pool": ("lv_blood_pool",),
    "wall": ("myocardium",),
    "rv": ("rv_blood_pool",),
    "lv": ("epicardium", "lv_blood_pool"),
    "disease": ("edema+scar", "scar"),
}
"""Each part is the first of these regions that was assessed."""


@dataclass(frozen=True)
class SliceRule:
    """Something that should be in no slice.

    Attributes:
        name: of the flag.
        words: what it says.
        needs: parts of the heart that it looks at.
        judged: the slices it looks at.
        faulty: the slices in which it is so, be they judged or not.
    """

    name: str
    words: str
    needs: tuple[str, ...]
    judged: Callable[[Heart], Slices]
    faulty: Callable[[Heart], Slices]

    def flag(self, heart: Heart) -> Flag | None:
        """The flag with its slices, if there are any."""
        judged = self.judged(heart)
        slices = np.flatnonzero(judged & self.faulty(heart)) + 1
        if not slices.size:
            return None
        n_judged = int(judged.sum())
        where = ", ".join(map(str, slices))
        words = f"{self.words} in {slices.size} of {n_judged} slices ({where})"
        return Flag(self.name, words, int(slices.size), n_judged)


@dataclass(frozen=True)
class VolumeRule:
    """The range of a volume beyond which it is none of an adult's heart, sick or not."""

    part: str
    words: str
    low_ml: float
    high_ml: float

    def flag(self, heart: Heart) -> Flag | None:
        """The flag, if the volume is outside; the lower limit shrinks with what the stack covers.

        In fewer slices than `FEWEST_SLICES` there is no lower limit.
        """
        n_slices = int(heart.shows("lv").sum())
        cover = min(1.0, n_slices * heart.geometry.spacing_mm[0] / LV_LENGTH_MM)
        low_ml = self.low_ml * cover if n_slices >= FEWEST_SLICES else 0.0
        volume_ml = float(heart.masks[self.part].sum()) * heart.geometry.voxel_ml
        if low_ml <= volume_ml <= self.high_ml:
            return None
        side = f"less than {low_ml:.0f}" if volume_ml < low_ml else f"more than {self.high_ml:.0f}"
        return Flag(f"{self.part}_volume", f"the {self.words} has {volume_ml:.0f} ml, {side} ml")


def findings(labels: LabelMap, geometry: Geometry) -> tuple[Flag, ...]:
    """What is amiss with the heart that the labels show, as far as it was assessed."""
    heart = Heart.of(labels, geometry)
    if "lv" not in heart.masks:
        return ()
    if not heart.masks["lv"].any():
        return (Flag(NO_HEART, "no heart was found"),)
    known = [rule for rule in SLICE_RULES if heart.masks.keys() >= {*rule.needs}]
    flags = [*(rule.flag(heart) for rule in known), _missing_rv(heart), *_volume_flags(heart)]
    return tuple(flag for flag in flags if flag is not None)


def _missing_rv(heart: Heart) -> Flag | None:
    """No RV at all beside an LV of several slices; the apex alone may have none."""
    n_slices = int(heart.shows("lv").sum())
    if "rv" not in heart.masks or heart.masks["rv"].any() or n_slices < FEWEST_SLICES:
        return None
    return Flag("rv_missing", f"no RV was found in {n_slices} slices that show the LV")


def _volume_flags(heart: Heart) -> tuple[Flag | None, ...]:
    """Of each part that was found; none where the spacing is not known."""
    if heart.geometry.spacing_is_nominal:
        return ()
    found = [rule for rule in VOLUME_RULES if rule.part in heart.masks]
    return tuple(rule.flag(heart) for rule in found if heart.masks[rule.part].any())


def _between(heart: Heart) -> Slices:
    """From the first slice that shows the LV to the last, without these two."""
    shown = np.flatnonzero(heart.shows("lv"))
    inside = np.zeros(len(heart.masks["lv"]), dtype=np.bool_)
    inside[shown[0] + 1 : shown[-1]] = True
    return inside


def _inner_pools(heart: Heart) -> Slices:
    return np.asarray(_between(heart) & heart.shows("pool"))


def _open_rings(heart: Heart) -> Slices:
    """Whether a 4-connected path leads from the blood pool out of the image past the wall."""
    pairs = zip(heart.masks["pool"], heart.masks["wall"], strict=True)
    return np.array([_leaks(pool, wall) for pool, wall in pairs])


def _leaks(pool: Plane, wall: Plane) -> bool:
    free = np.pad(~wall, 1, constant_values=True).astype(np.uint8)
    _, component = cv2.connectedComponents(free, connectivity=4)
    return bool((component[1:-1, 1:-1][pool & ~wall] == component[0, 0]).any())


def _at_border(heart: Heart) -> Slices:
    """Whether a ventricle has a pixel in the first or last row or column."""
    ventricles = heart.masks["lv"] | heart.masks.get("rv", False)
    inner = np.zeros_like(ventricles)
    inner[:, 1:-1, 1:-1] = True
    return np.asarray((ventricles & ~inner).any(axis=(1, 2)))


def _without_lv(heart: Heart) -> Slices:
    return ~heart.shows("lv")


def _with_both(heart: Heart) -> Slices:
    return np.asarray(heart.shows("lv") & heart.shows("rv"))


def _apart(heart: Heart) -> Slices:
    """Whether the nearest pixels of both ventricles lie too far apart."""
    spacing_mm = heart.geometry.spacing_mm[1:]
    apart = np.zeros(len(heart.masks["lv"]), dtype=np.bool_)
    for index in np.flatnonzero(_with_both(heart)):
        lv, rv = heart.masks["lv"][index], heart.masks["rv"][index]
        left, top, width, height = cv2.boundingRect((lv | rv).astype(np.uint8))
        both = slice(top, top + height), slice(left, left + width)
        gap_mm = ndimage.distance_transform_edt(~lv[both], sampling=spacing_mm)[rv[both]].min()
        apart[index] = gap_mm > FARTHEST_RV * _diameter_mm(lv, spacing_mm) + max(spacing_mm)
    return apart


def _with_neighbour(heart: Heart) -> Slices:
    """Slices that show the LV as the slice before does."""
    shown = heart.shows("lv")
    return np.concatenate([[False], shown[1:] & shown[:-1]])


def _jumps(heart: Heart) -> Slices:
    """Whether the LV's centre lies elsewhere than in the slice before."""
    spacing_mm = heart.geometry.spacing_mm[1:]
    jumps = np.zeros(len(heart.masks["lv"]), dtype=np.bool_)
    for index in np.flatnonzero(_with_neighbour(heart)):
        pair = heart.masks["lv"][index - 1 : index + 1]
        first, second = (np.argwhere(each).mean(axis=0) * spacing_mm for each in pair)
        largest_mm = max(_diameter_mm(each, spacing_mm) for each in pair)
        jumps[index] = np.linalg.norm(first - second) > LONGEST_JUMP * largest_mm
    return jumps


def _diameter_mm(mask: Plane, spacing_mm: tuple[float, float]) -> float:
    """Of the disc of the same area."""
    return float(2 * np.sqrt(mask.sum() * spacing_mm[0] * spacing_mm[1] / np.pi))


def _with_disease(heart: Heart) -> Slices:
    return heart.shows("disease")


def _islands(heart: Heart) -> Slices:
    """Whether scar or edema lies in a component of the LV's that is not its largest."""
    pairs = zip(heart.masks["lv"], heart.masks["disease"], strict=True)
    return np.array([_is_island(lv | disease, disease) for lv, disease in pairs])


def _is_island(lv: Plane, disease: Plane) -> bool:
    _, component, statistics, _ = cv2.connectedComponentsWithStats(
        lv.astype(np.uint8), connectivity=8
    )
    sizes = statistics[1:, cv2.CC_STAT_AREA]
    return bool(disease.any() and (component[disease] != 1 + int(sizes.argmax())).any())


NO_HEART: Final = "no_heart"

SLICE_RULES: Final = (
    SliceRule(
        "open_ring",
        "the myocardium does not close around the LV blood pool",
        ("lv", "pool", "wall"),
        _inner_pools,
        _open_rings,
    ),
    SliceRule("lv_gap", "the LV is missing between others", ("lv",), _between, _without_lv),
    SliceRule(
        "at_border",
        "a ventricle touches the border of the image",
        ("lv",),
        lambda heart: heart.shows("lv"),
        _at_border,
    ),
    SliceRule("rv_apart", "the RV lies apart from the LV", ("lv", "rv"), _with_both, _apart),
    SliceRule("lv_jump", "the LV's centre jumps", ("lv",), _with_neighbour, _jumps),
    SliceRule(
        "disease_island",
        "scar or edema lies outside the ring",
        ("lv", "wall", "disease"),
        _with_disease,
        _islands,
    ),
)
"""In the order in which they are told."""

VOLUME_RULES: Final = (
    VolumeRule("pool", "LV blood pool", 10.0, 650.0),
    VolumeRule("wall", "myocardium", 18.0, 500.0),
    VolumeRule("rv", "RV blood pool", 9.0, 600.0),
)
"""From a third of the least to thrice the most that is normal, since systole, dilation and
hypertrophy are no faults of a segmentation. Normal are: LV 31 ml in systole (women, Petersen 2017,
JCMR 19:18) to 214 ml in diastole (men, mean and two standard deviations, Kawel-Boehm 2015, JCMR
17:29); myocardium 56 g (women) to 176 g (men; the same), at 1.05 g/ml; RV 27 ml in systole
(women) to 254 ml in diastole (men, mean and two standard deviations; both Petersen), of which the
upper limit, 600 ml, is less than thrice."""
