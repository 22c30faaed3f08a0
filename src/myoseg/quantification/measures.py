"""All measures of one segmented case: labels enter, burden, segments and flags leave."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Int

from myoseg.anatomy import MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap, Volume
from myoseg.cases.legend import titles_of
from myoseg.errors import InputError
from myoseg.quantification.burden import Burden, Mask, measure_burden
from myoseg.quantification.insertion import InsertionPoints
from myoseg.quantification.segments import Segments, measure_segments
from myoseg.quantification.short_axis import ShortAxis
from myoseg.quantification.ventricle import find_ventricle

PLAUSIBLE_LV_MASS_G: Final = (5.0, 700.0)
"""What is beyond, in all slices together, is taken for a fault of labels or spacing."""

LEAST_STRAY_ML: Final = 0.2
"""Of wall or scar apart from the ventricle that is worth a flag."""


@dataclass(frozen=True)
class Measures:
    """What a reader of the scan would state of it; `segments` is None where a flag says why.

    `flags` are sentences, those of the segments included.
    """

    burden: Burden
    segments: Segments | None
    flags: tuple[str, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """JSON values under `burden`, `segments` and `flags`."""
        return {
            "burden": self.burden.to_record(),
            "segments": None if self.segments is None else self.segments.to_record(),
            "flags": list(self.flags),
        }


def measure(
    labels: LabelMap,
    geometry: Geometry,
    *,
    lge: Volume | None = None,
    mvo: Mask | None = None,
    insertion: InsertionPoints | None = None,
    slice_thickness_mm: float | None = None,
) -> Measures:
    """Burden and segments of one case; what cannot be measured is None, and a flag says why.

    Arguments are those of `measure_burden` and `measure_segments`.

    Raises:
        InputError: as `measure_burden`.
    """
    burden = measure_burden(
        labels, geometry, lge=lge, mvo=mvo, slice_thickness_mm=slice_thickness_mm
    )
    flags = _volume_flags(labels, geometry, burden)
    if mvo is not None and labels.assesses(MYOCARDIUM):
        flags += _obstruction_flags(mvo.astype(bool) & ~labels.mask(MYOCARDIUM), geometry)
    try:
        segments = measure_segments(labels, geometry, insertion=insertion)
        flags += segments.flags
    except InputError as error:
        segments = None
        flags.append(f"Not divided into segments: {error}")
    return Measures(burden, segments, tuple(flags))


def _volume_flags(labels: LabelMap, geometry: Geometry, burden: Burden) -> list[str]:
    """What is off about volumes and masses."""
    flags = []
    if labels.not_assessed:
        flags.append(f"Not assessed: {titles_of(labels.not_assessed)}.")
    if geometry.spacing_is_nominal:
        flags.append(
            "The voxels are said to be 1 x 1 x 1 mm, as in files that do not know their spacing: "
            "volumes and masses may be wrong, percentages are not."
        )
    if burden.extent.n_slices == 1:
        flags.append("There is one slice only: volumes and masses are those of this slice.")
    if not labels.assesses(MYOCARDIUM):
        return flags
    there = np.flatnonzero(labels.mask(MYOCARDIUM).any(axis=(1, 2)))
    if not len(there):
        return [*flags, "There is no myocardium, so there are no percentages."]
    return [
        *flags,
        *_gap_flags(there),
        *_stray_flags(labels, geometry),
        *_doubtful_flags(labels, geometry, burden),
    ]


def _doubtful_flags(labels: LabelMap, geometry: Geometry, burden: Burden) -> list[str]:
    """What looks as if a tissue was not drawn, or as if the voxels were not of that size."""
    flags = []
    if burden.lv_blood_pool_volume_ml == 0:
        flags.append(
            "There is myocardium and no LV blood pool; if that was not drawn, its volume is not 0 "
            "but unknown."
        )
    scar_ml, wall_ml = burden.scar_volume_ml, burden.myocardium_volume_ml
    if scar_ml is not None and scar_ml == wall_ml:
        flags.append(
            "All of the myocardium is scar: if the rest was not drawn, percentages are wrong."
        )
    mass_g = burden.lv_mass_g
    low_g, high_g = PLAUSIBLE_LV_MASS_G
    if mass_g is not None and not geometry.spacing_is_nominal and not low_g <= mass_g <= high_g:
        flags.append(
            f"The myocardium weighs {mass_g:.4g} g, which no heart in whole does; check the labels "
            "and the voxels' size."
        )
    return flags


def _obstruction_flags(outside: Mask, geometry: Geometry) -> list[str]:
    """Labelled obstruction where there is no myocardium."""
    if not outside.any():
        return []
    outside_ml = float(outside.sum() * geometry.voxel_ml)
    return [
        f"Microvascular obstruction of {outside_ml:.2f} ml is labelled outside the myocardium and "
        "is not counted."
    ]


def _gap_flags(there: Int[np.ndarray, "slice"]) -> list[str]:
    """Slices without myocardium between slices that have it."""
    missing = sorted(set(range(int(there[0]), int(there[-1]) + 1)) - set(there.tolist()))
    if not missing:
        return []
    listed = ", ".join(str(index + 1) for index in missing)
    return [
        f"Myocardium is missing in slices between others that have it ({listed}, counted from 1): "
        "volumes and masses are too small by what belongs there."
    ]


def _stray_flags(labels: LabelMap, geometry: Geometry) -> list[str]:
    """Myocardium, and scar, apart from the piece that is the ventricle in its slice."""
    ventricle = find_ventricle(labels, ShortAxis.of(geometry))
    stray: Bool[np.ndarray, "slice row col"] = ventricle.stray
    scar = stray & (ventricle.codes == Tissue.SCAR)
    flags = []
    for name, mask in (("Myocardium", stray), ("Scar", scar)):
        stray_ml = float(mask.sum() * geometry.voxel_ml)
        if stray_ml > LEAST_STRAY_ML:
            flags.append(
                f"{name} of {stray_ml:.1f} ml lies apart from the left ventricle; it is counted in "
                "volumes and masses, and in no segment."
            )
    return flags
