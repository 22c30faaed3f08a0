"""Where the LV is lost, from base to apex: `python scripts/dice_by_level.py OUT DATA`.

Of the slices in which a reader drew myocardium, pooled by their place in the stack: Dice and volume
of the LV blood pool and Dice of the epicardium, and how many of them hold no pool in OUT although
the reader drew one. The end of a stack with the larger epicardium is taken for its base.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import MYOCARDIUM, REGIONS
from myoseg.quantification.decoding import read_label_map, with_codings
from myoseg.quantification.pairing import Pair, match_files

LEVELS = {"most basal": 0.0, "to .3": 0.3, "to .6": 0.6, "to .85": 0.85, "apex": 1.0}

Counts = tuple[float, ...]
"""Of a slice, in mm2: LV pool found, true, common; epicardium likewise; 1 where it is left out."""


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="label maps that were found")
    parser.add_argument("data", type=Path, help="labelled cases")
    arguments = parser.parse_args()
    pairs = match_files(arguments.out, arguments.data).pairs
    true = with_codings([pair.true for pair in pairs], None)
    found = with_codings([pair.predicted for pair in pairs], "myops")
    of_group: dict[tuple[str, str], list[Counts]] = defaultdict(list)
    for pair, ours, theirs in zip(pairs, found, true, strict=True):
        for level, counts in _slices(Pair(pair.case, ours, theirs)):
            of_group[_phase(pair.case), level].append(counts)
    print("| slices | n | left out | LV Dice | LV volume | epicardium Dice |")
    print("|---|---|---|---|---|---|")
    for phase in sorted({phase for phase, _ in of_group}):
        for level in LEVELS:
            _print(f"{phase}{level}", np.array(of_group[phase, level]))


def _phase(case: str) -> str:
    """ACDC's volumes come in pairs: end-diastole first, then end-systole."""
    if "frame" not in case:
        return ""
    return "diastole, " if case.endswith("frame01") else "systole, "


def _slices(pair: Pair) -> Iterator[tuple[str, Counts]]:
    ours, _ = read_label_map(pair.predicted)
    theirs, geometry = read_label_map(pair.true)
    pixel_mm2 = float(np.prod(geometry.spacing_mm[1:]))
    places = np.flatnonzero(theirs.mask(MYOCARDIUM).any(axis=(1, 2)))
    pools, hearts = (
        [labels.mask(REGIONS[region]) for labels in (ours, theirs)]
        for region in ("lv_blood_pool", "epicardium")
    )
    if hearts[1][places[0]].sum() < hearts[1][places[-1]].sum():
        places = places[::-1]
    for number, place in enumerate(places):
        share = number / max(len(places) - 1, 1)
        level = next(name for name, last in LEVELS.items() if share <= last)
        pool, heart = (_areas(*(mask[place] for mask in masks)) for masks in (pools, hearts))
        is_left_out = float(pool[0] == 0 < pool[1])
        yield level, (*(area * pixel_mm2 for area in (*pool, *heart)), is_left_out)


def _areas(
    ours: Bool[np.ndarray, "row col"], theirs: Bool[np.ndarray, "row col"]
) -> tuple[int, int, int]:
    return int(ours.sum()), int(theirs.sum()), int((ours & theirs).sum())


def _print(title: str, slices: np.ndarray) -> None:
    if not len(slices):
        return
    found, true, both, heart, true_heart, both_hearts, left_out = slices.sum(axis=0)
    dice = 2 * both / (found + true), 2 * both_hearts / (heart + true_heart)
    print(
        f"| {title} | {len(slices)} | {left_out / len(slices):.2f} | {dice[0]:.3f} | "
        f"{found / true:.2f} | {dice[1]:.3f} |"
    )


if __name__ == "__main__":
    main()
