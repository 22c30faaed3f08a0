"""How to decide blood pools and wall: `python scripts/anatomy_rules.py -n 32`.

Each sequence of simulated studies, on its own grid and with breath-holds that shift its slices, is
segmented by the shipped model, at one scale and at two, and its masks are cut at several odds and
weights of the neighbouring slices; small pieces stay. Prints the mean 3-D Dice over the slices that
hold myocardium.
"""

import argparse
import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np

from myoseg.anatomy import MYOCARDIUM, REGIONS, Sequence
from myoseg.cases.case import Case
from myoseg.cases.phantom import PhantomConfig, simulate_study
from myoseg.prediction.cascade.anatomy import AnatomyRules, decide_anatomy
from myoseg.prediction.cascade.model import CascadeModel
from myoseg.prediction.cascade.predict import Procedure
from myoseg.prediction.description import model_folder
from myoseg.prediction.model import load_model
from myoseg.prediction.segment import labels_of
from myoseg.quantification.overlap import overlap

FIRST_SEED: Final = 7_000_000
UNDECIDED: Final = AnatomyRules(neighbour=0.0, odds=1.0, least_part=0.0)
SCALES: Final = ((1.0,), Procedure().scales)
RULES: Final = tuple(
    AnatomyRules(neighbour=weight, odds=odds, least_part=0.0)
    for weight, odds in product((0.0, 0.07, 0.135, 0.2), (1.0, 1.5, 2.0))
)
REGIONS_SCORED: Final = ("lv_blood_pool", "epicardium", "rv_blood_pool")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=32, help="simulated studies")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    loaded = load_model(model_folder("default"), "cpu")
    assert isinstance(loaded, CascadeModel)
    dice: dict[tuple[int, AnatomyRules, Sequence, str], list[float]] = defaultdict(list)
    for seed in range(FIRST_SEED, FIRST_SEED + asked.n):
        study = simulate_study(seed, PhantomConfig(infarct_probability=0.6))
        for (sequence, series), scales in product(study.series.items(), SCALES):
            procedure = Procedure(scales=scales, anatomy=UNDECIDED)
            model = replace(loaded, procedure=procedure).with_blocks(_anatomy_of(loaded))
            for rules, region, value in scores(series.case, model):
                dice[len(scales), rules, sequence, region].append(value)
    columns = list(product(Sequence, REGIONS_SCORED))
    print("| scales | neighbour | odds |", " | ".join(f"{s} {r}" for s, r in columns), "|")
    print("|---" * (3 + len(columns)) + "|")
    for scales, rules in product(SCALES, RULES):
        shown = " | ".join(f"{np.mean(dice[len(scales), rules, s, r]):.3f}" for s, r in columns)
        print(f"| {len(scales)} | {rules.neighbour:g} | {rules.odds:g} | {shown} |")


def scores(case: Case, model: CascadeModel) -> Iterator[tuple[AnatomyRules, str, float]]:
    """Rules, region and Dice, for all rules."""
    assert case.labels is not None
    table = model.table.restricted_to(case.sequences)
    found = model.block_probabilities(case, table)
    held = case.labels.mask(MYOCARDIUM).any(axis=(1, 2))
    for rules in RULES:
        decided = decide_anatomy(found, case, table, rules)
        labels = labels_of(decided, table)
        for name in REGIONS_SCORED:
            region = REGIONS[name]
            value = overlap(labels.mask(region)[held], case.labels.mask(region)[held]).dice
            assert value is not None
            yield rules, name, value


def _anatomy_of(model: CascadeModel) -> list[str]:
    return [block.name for block in model.table.blocks if not block.guides]


if __name__ == "__main__":
    main()
