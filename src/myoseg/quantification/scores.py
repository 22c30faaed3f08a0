"""A case's prediction against its truth, region by region, in 3-D (section 3.3)."""

from myoseg.anatomy import REGIONS
from myoseg.cases.case import Geometry, LabelMap
from myoseg.quantification.distances import surface_distances
from myoseg.quantification.overlap import overlap
from myoseg.quantification.region_score import RegionScore
from myoseg.quantification.volumes import region_volumes_ml

__all__ = ["RegionScore", "score_case"]


def score_case(
    case: str, predicted: LabelMap, true: LabelMap, geometry: Geometry
) -> list[RegionScore]:
    """Scores every region of `anatomy.REGIONS` that prediction or truth assessed, in that order.

    Raises:
        ValueError: the two label maps differ in shape.
    """
    if predicted.codes.shape != true.codes.shape:
        raise ValueError(
            f"{case}: label maps of shape {predicted.codes.shape} and {true.codes.shape}"
        )
    scores = []
    for region, tissues in REGIONS.items():
        assessed = true.assesses(tissues), predicted.assesses(tissues)
        if all(assessed):
            scores.append(_scored(case, region, predicted, true, geometry))
        elif any(assessed):
            volumes = (region_volumes_ml(labels, geometry)[region] for labels in (true, predicted))
            scores.append(RegionScore(case, region, None, None, None, None, *volumes))
    return scores


def _scored(
    case: str, region: str, predicted: LabelMap, true: LabelMap, geometry: Geometry
) -> RegionScore:
    """The score of a region that both label maps assessed."""
    mask_pred, mask_true = predicted.mask(REGIONS[region]), true.mask(REGIONS[region])
    counts = overlap(mask_pred, mask_true)
    distances = surface_distances(mask_pred, mask_true, geometry.spacing_mm)
    return RegionScore(
        case=case,
        region=region,
        dice=counts.dice,
        jaccard=counts.jaccard,
        hd95_mm=distances.hd95_mm if distances else None,
        assd_mm=distances.assd_mm if distances else None,
        volume_true_ml=counts.n_true * geometry.voxel_ml,
        volume_pred_ml=counts.n_predicted * geometry.voxel_ml,
    )
