"""Volumes of the regions of one segmentation; slices 12-23 mm apart make them extrapolations."""

from typing import Any

from myoseg.anatomy import REGIONS
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.quality import Quality
from myoseg.quantification.measures import Measures, measure


def region_volumes_ml(labels: LabelMap, geometry: Geometry) -> dict[str, float | None]:
    """Volume of each region of `anatomy.REGIONS` in ml; None where it was not assessed."""
    return {
        name: float(labels.mask(region).sum() * geometry.voxel_ml)
        if labels.assesses(region)
        else None
        for name, region in REGIONS.items()
    }


def statistics_record(
    name: str,
    labels: LabelMap,
    geometry: Geometry,
    quality: Quality | None = None,
    *,
    measures: Measures | None = None,
) -> dict[str, Any]:
    """The JSON values that stand beside a case's mask.

    Args:
        name: of the case.
        labels: of the mask.
        geometry: of the mask.
        quality: how far to rely on it, under `quality`.
        measures: of the case; by default those of the labels alone. They stand under `burden`
            (volumes in ml, masses in g, percent of the myocardium, the extent of the slices),
            `segments` (16 of the AHA's, or None) and `flags` (what a reader must know of both).

    Raises:
        InputError: the labels cannot be measured (`measures.measure`).
    """
    n_slices, spacing_mm = geometry.shape[0], geometry.spacing_mm
    known = measure(labels, geometry) if measures is None else measures
    return {
        "case": name,
        "shape": list(geometry.shape),
        "spacing_mm": [round(length, 6) for length in spacing_mm],
        "volumes_ml": region_volumes_ml(labels, geometry),
        "not_assessed": list(labels.not_assessed),
        "groups": [sorted(tissue.name.lower() for tissue in group) for group in labels.groups],
        "note": _extrapolation(n_slices, spacing_mm[0]),
        "quality": None if quality is None else quality.to_record(),
        **known.to_record(),
    }


def _extrapolation(n_slices: int, distance_mm: float) -> str:
    if n_slices == 1:
        return f"Volumes are those of a single slice, taken to be {distance_mm:.1f} mm thick."
    return f"Volumes are extrapolated from {n_slices} slices {distance_mm:.1f} mm apart."
