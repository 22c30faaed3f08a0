"""By how much to raise the odds of scar and edema: `python scripts/disease_odds.py -n 40`.

Simulated cases with an infarct are segmented by the shipped model with the sequences that studies
have, once, and their masks are cut out at several odds. Prints the mean 3-D Dice of scar and of
edema with scar, with scar kept in the wall that was found and with the wall extended to it.
"""

import argparse
import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np

from myoseg.anatomy import REGIONS, Sequence
from myoseg.cases.case import Case
from myoseg.cases.phantom import PhantomConfig, simulate_case
from myoseg.prediction.cascade.disease import DiseaseRules, decide_disease
from myoseg.prediction.cascade.model import CascadeModel
from myoseg.prediction.cascade.predict import Procedure
from myoseg.prediction.description import model_folder
from myoseg.prediction.model import load_model
from myoseg.prediction.segment import labels_of
from myoseg.quantification.overlap import overlap

FIRST_SEED: Final = 8_000_000
ODDS: Final = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0)
UNDECIDED: Final = DiseaseRules(odds=1.0, scar_in_wall=False)
REGIONS_SCORED: Final = ("scar", "edema+scar")
SUBSETS: Final = (
    (Sequence.LGE,),
    (Sequence.BSSFP, Sequence.LGE),
    (Sequence.BSSFP, Sequence.T2),
    (Sequence.BSSFP, Sequence.LGE, Sequence.T2),
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=40, help="simulated cases")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    loaded = load_model(model_folder("default"), "cpu")
    assert isinstance(loaded, CascadeModel)
    model = replace(loaded, procedure=Procedure(disease=UNDECIDED))
    dice: dict[tuple[str, str, bool], dict[float, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for seed in range(FIRST_SEED, FIRST_SEED + asked.n):
        case = simulate_case(seed, PhantomConfig(infarct_probability=1.0))
        for subset in SUBSETS:
            seen = Case(case.name, {s: case.images[s] for s in subset}, case.geometry)
            for name, in_wall, odds, value in scores(seen, case, model):
                dice[" + ".join(subset), name, in_wall][odds].append(value)
    print("| sequences | region | wall extended |", " | ".join(f"odds x {k:g}" for k in ODDS), "|")
    print("|---" * (3 + len(ODDS)) + "|")
    for (sequences, name, in_wall), of_odds in dice.items():
        shown = " | ".join(f"{np.mean(of_odds[k]):.3f}" for k in ODDS)
        print(f"| {sequences} | {name} | {'yes' if in_wall else 'no'} | {shown} |")


def scores(seen: Case, case: Case, model: CascadeModel) -> Iterator[tuple[str, bool, float, float]]:
    """Region, whether the wall was extended, odds and Dice, at all odds."""
    assert case.labels is not None
    table = model.table.restricted_to(seen.sequences)
    found = model.block_probabilities(seen, table)
    walls = (False, True) if seen.sequences == (Sequence.LGE,) else (True,)
    for in_wall, odds in product(walls, ODDS):
        rules = DiseaseRules(odds=odds, scar_in_wall=in_wall)
        labels = labels_of(decide_disease(found, seen, table, rules), table)
        for name in REGIONS_SCORED:
            region = REGIONS[name]
            if labels.assesses(region):
                true = case.labels.mask(region)
                value = overlap(labels.mask(region), true).dice
                assert value is not None
                yield name, in_wall, odds, value


if __name__ == "__main__":
    main()
