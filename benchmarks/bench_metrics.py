"""Dice, HD95 and mean surface distance of a case's regions: MONAI and surface-distance beside ours.

One case of 10 slices of 256 x 256, its labels as the truth and a copy moved by two rows and three
columns as the prediction. Ours begins with the label maps and counts volumes and Jaccard too; the
others are given each region's masks.
"""

import argparse
import logging
import warnings

import numpy as np
import surface_distance
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
)

import myoseg
from interleaved import print_table, time_in_turn, use_one_thread
from myoseg.anatomy import REGIONS
from myoseg.cases.case import LabelMap
from myoseg.cases.phantom import PhantomConfig
from myoseg.quantification.scores import score_case

OURS = "myoseg"
SHIFT_PX = (0, 2, -3)
CASE = PhantomConfig(matrix=(256, 256), spacing_mm=(1.25, 1.25), n_slices=(10, 10))
Masks = list[np.ndarray]


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds")
    rounds = 25 if parser.parse_args().full else 5
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    case = myoseg.phantom(seed=0, config=CASE)
    use_one_thread()
    true = case.labels
    assert true is not None
    predicted = LabelMap(np.roll(true.codes, SHIFT_PX, axis=(0, 1, 2)), true.groups)
    spacing_mm = case.geometry.spacing_mm
    masks_pred, masks_true = (
        [labels.mask(region) for region in REGIONS.values()] for labels in (predicted, true)
    )
    seconds = time_in_turn(
        {
            OURS: lambda: score_case(case.name, predicted, true, case.geometry),
            "MONAI": lambda: _monai(masks_pred, masks_true, spacing_mm),
            "surface-distance": lambda: _surface_distance(masks_pred, masks_true, spacing_mm),
        },
        rounds,
        {OURS: 5},
    )
    print_table(f"Scores of a case, {len(REGIONS)} regions, one thread", seconds, OURS)


def _monai(predicted: Masks, true: Masks, spacing_mm: tuple[float, ...]) -> None:
    pair = [torch.from_numpy(np.stack(masks))[None] for masks in (predicted, true)]
    compute_dice(*pair, include_background=True)
    options = {"include_background": True, "spacing": spacing_mm}
    compute_hausdorff_distance(*pair, percentile=95, **options)
    compute_average_surface_distance(*pair, symmetric=True, **options)


def _surface_distance(predicted: Masks, true: Masks, spacing_mm: tuple[float, ...]) -> None:
    for one, other in zip(predicted, true, strict=True):
        distances = surface_distance.compute_surface_distances(other, one, spacing_mm)
        surface_distance.compute_robust_hausdorff(distances, 95)
        surface_distance.compute_average_surface_distance(distances)
        surface_distance.compute_dice_coefficient(other, one)


if __name__ == "__main__":
    main()
