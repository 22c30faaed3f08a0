"""What each sequence adds: `python scripts/sequence_subsets.py -n 24`.

The shipped model segments simulated cases, on one grid and without shifts, from every subset of
their sequences. Prints mean 3-D Dice of each region over the cases, `-` where a subset does not
decide it. Simulated cases say what the model makes of a subset, not how well it does on patients.
"""

import argparse
import logging
from collections import defaultdict
from dataclasses import replace
from itertools import combinations
from typing import Final

import numpy as np

from myoseg.anatomy import Sequence
from myoseg.cases.phantom import PhantomConfig, simulate_case
from myoseg.cases.phantom.config import clinical
from myoseg.prediction.description import model_folder
from myoseg.prediction.model import load_model
from myoseg.prediction.segment import segment
from myoseg.quantification.scores import score_case

FIRST_SEED: Final = 10**6
SHOWN: Final = (
    *("lv_blood_pool", "rv_blood_pool", "epicardium", "myocardium"),
    *("edema+scar", "edema", "scar"),
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=24, help="simulated cases, all with an infarct")
    n_cases = parser.parse_args().n
    logging.basicConfig(level=logging.ERROR)
    model = load_model(model_folder("default"), "cpu")
    config = clinical(PhantomConfig(infarct_probability=1.0))
    subsets = [each for size in (1, 2, 3) for each in combinations(Sequence, size)]
    dice: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in range(FIRST_SEED, FIRST_SEED + n_cases):
        case = simulate_case(seed, config)
        assert case.labels is not None
        for subset in subsets:
            seen = replace(case, images={s: case.images[s] for s in subset})
            labels = segment(seen, model).labels
            for score in score_case(case.name, labels, case.labels, case.geometry):
                if score.dice is not None:
                    dice["+".join(subset), score.region].append(score.dice)
    print("sequences", *SHOWN, sep="\t")
    for subset in subsets:
        values = (dice.get(("+".join(subset), region)) for region in SHOWN)
        print("+".join(subset), *(f"{np.mean(v):.3f}" if v else "-" for v in values), sep="\t")


if __name__ == "__main__":
    main()
