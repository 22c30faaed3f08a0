"""All measures of one segmented case: labels enter, burden, segments and flags leave."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Int

from myoseg.anatomy import BACKGROUND, MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap, Volume
from myoseg.errors import InputError
from myoseg.quantification.burden import Burden, Mask, measure_burden
from myoseg.quantification.insertion import InsertionPoints
from myoseg.quantification.segments import Segments, measure_segments
from myoseg.quantification.short_axis import ShortAxis
from myoseg.quantification.ventricle import find_ventricle

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
        InputError: as `measure_burden`, or the labels hold a code of no tissue.
    """
    _require_known_codes(labels)
    burden = measure_burden(
        labels, geometry, lge=lge, mvo=mvo, slice_thickness_mm=slice_thickness_mm
    )
    flags = list(_volume_flags(labels, geometry, burden))
    try:
        segments = measure_segments(labels, geometry, insertion=insertion)
        flags += segments.flags
    except InputError as error:
        segments = None
        flags.append(f"Not divided into segments: {error}")
    return Measures(burden, segments, tuple(flags))


def _require_known_codes(labels: LabelMap) -> None:
    known = (BACKGROUND, *(int(tissue) for tissue in Tissue))
    if not labels.codes.any():
        return
    unknown = np.setdiff1d(labels.codes[labels.codes != BACKGROUND], known)
    if unknown.size:
        listed = ", ".join(str(code) for code in unknown[:8])
        raise InputError(
            f"the label map holds codes {listed}, which stand for no tissue; read it in the coding "
            "that it follows."
        )


def _volume_flags(labels: LabelMap, geometry: Geometry, burden: Burden) -> list[str]:
    """What is off about volumes and masses."""
    flags = []
    if labels.not_assessed:
        flags.append(f"Not assessed: {', '.join(labels.not_assessed)}.")
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
    return [*flags, *_gap_flags(there), *_stray_flags(labels, geometry)]


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
