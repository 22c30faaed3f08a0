"""The thresholds against experts: `python scripts/thresholds_against_experts.py EMIDEC_FOLDER`.

Every LGE threshold is applied inside the experts' myocardium of a data set with labelled scar, and
compared with their scar, over the cases that have any: Dice, and scar in percent of the myocardium
as Bland and Altman have it, threshold minus experts. Then the burden of scar and no-reflow that the
experts drew, beside the dark cores that are found on LGE. All in Markdown.
"""

import argparse
import logging
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.layouts import find_cases
from myoseg.cases.reading import read_case
from myoseg.quantification.agreement import bland_altman
from myoseg.quantification.burden import Burden, measure_burden
from myoseg.quantification.microvascular import labelled_obstruction
from myoseg.quantification.overlap import overlap
from myoseg.quantification.pairing import LabelFile
from myoseg.quantification.threshold_methods import METHODS
from myoseg.quantification.thresholds import threshold

SCAR = frozenset({Tissue.SCAR})


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of a data set with LGE and labelled scar")
    folder = parser.parse_args().data
    logging.basicConfig(level=logging.ERROR)
    dice: dict[str, list[float]] = defaultdict(list)
    percent: dict[str, list[float]] = defaultdict(list)
    burdens: list[tuple[Burden, Burden]] = []
    for case, labels, file in infarcts(folder):
        wall, scar = labels.mask(MYOCARDIUM), labels.mask(SCAR)
        percent["experts"].append(100 * scar.sum() / wall.sum())
        for name, method in METHODS.items():
            if method.sequence is Sequence.LGE:
                found = threshold(case.images[Sequence.LGE], wall, method).labels.mask(SCAR)
                dice[name].append(overlap(found, scar).dice or 0.0)
                percent[name].append(100 * found.sum() / wall.sum())
        lge = case.images[Sequence.LGE]
        drawn = measure_burden(labels, case.geometry, mvo=labelled_obstruction(file))
        burdens.append((drawn, measure_burden(labels, case.geometry, lge=lge)))
    print_thresholds(dice, percent)
    print_burdens(burdens)


def infarcts(folder: Path) -> Iterator[tuple[Case, LabelMap, LabelFile]]:
    """The cases with labelled scar."""
    for files in find_cases(folder):
        case = read_case(files)
        if files.labels and case.labels and case.labels.mask(SCAR).any():
            yield case, case.labels, LabelFile(files.name, files.labels, files.codings)


def print_thresholds(dice: dict[str, list[float]], percent: dict[str, list[float]]) -> None:
    """One row a method; the experts' own percentage first."""
    experts = np.array(percent["experts"])
    print(f"\n## Scar, {len(experts)} cases\n")
    print("| method | Dice mean | median | scar % | bias | lower limit | upper limit |")
    print("|---|---|---|---|---|---|---|")
    print(f"| experts | | | {experts.mean():.1f} | | | |")
    for name, values in dice.items():
        found = np.array(percent[name])
        seen = bland_altman(found, experts)
        numbers = (np.mean(values), np.median(values))
        limits = (found.mean(), seen.bias, seen.lower_limit, seen.upper_limit)
        shown = " | ".join("-" if each is None else f"{each:.1f}" for each in limits)
        print(f"| {name} | {numbers[0]:.3f} | {numbers[1]:.3f} | {shown} |")


def print_burdens(burdens: list[tuple[Burden, Burden]]) -> None:
    """Mean and range over the cases of what the experts drew, and dark cores against no-reflow."""
    print("\n## Burden as the experts drew it\n")
    print("| measure | mean | median | lowest | highest | cases with any |")
    print("|---|---|---|---|---|---|")
    obstruction = "microvascular_obstruction"
    names = ("lv_mass_g", "lv_blood_pool_volume_ml", "scar_mass_g", "scar_percent_of_myocardium")
    for name in (*names, f"{obstruction}_mass_g", f"{obstruction}_percent_of_myocardium"):
        values = np.array([getattr(drawn, name) for drawn, _ in burdens], dtype=float)
        numbers = (values.mean(), np.median(values), values.min(), values.max())
        shown = " | ".join(f"{each:.1f}" for each in numbers)
        print(f"| {name} | {shown} | {int((values > 0).sum())} |")
    name = f"{obstruction}_percent_of_myocardium"
    true, found = (np.array([getattr(pair[k], name) for pair in burdens], float) for k in (0, 1))
    seen = bland_altman(found, true)
    print("\n## Dark cores against no-reflow, percent of the myocardium\n")
    print(f"- found {found.mean():.2f}, drawn {true.mean():.2f} (means)")
    if seen.lower_limit is not None:
        print(f"- bias {seen.bias:.2f}, limits {seen.lower_limit:.2f} to {seen.upper_limit:.2f}")
        print(f"- correlation {np.corrcoef(found, true)[0, 1]:.2f}")
    counts = [int((((found > 0) == a) & ((true > 0) == b)).sum()) for a, b in PRESENCE]
    print("- cases: {} in both, {} drawn only, {} found only, {} in neither".format(*counts))


PRESENCE = ((True, True), (False, True), (True, False), (False, False))
"""Whether anything was found, and drawn."""


if __name__ == "__main__":
    main()
