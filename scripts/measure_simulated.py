"""Bias and limits of every measure: `python scripts/measure_simulated.py -n 40`.

Simulated studies, all with an infarct, are measured on the labels of each sequence's own grid and
of the common grid, and compared with the volumes of the geometry from base to apex. Prints a
Markdown table for each grid: bias and 95 % limits of agreement (Bland and Altman), measured minus
true. What a grid's labels lack of the truth is what its slices miss between and beyond them.

The segments are compared with those of the same heart in slices of 2 mm and pixels of 0.8 mm,
without shifts between breath-holds; segments of one heart are not independent, so read their limits
as a spread.
"""

import argparse
import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from myoseg.anatomy import MYOCARDIUM, REGIONS, Sequence, Tissue
from myoseg.cases.case import Case
from myoseg.cases.phantom import PhantomConfig
from myoseg.cases.phantom.config import GridRanges
from myoseg.cases.phantom.study import Study, simulate_study
from myoseg.quantification.agreement import bland_altman
from myoseg.quantification.burden import Burden, measure_burden
from myoseg.quantification.density import MYOCARDIAL_DENSITY_G_PER_ML
from myoseg.quantification.measures import measure
from myoseg.quantification.segments import Segments

FIRST_SEED: Final = 3 * 10**6
MASSES: Final = {"lv_mass_g": MYOCARDIUM} | {
    f"{name.replace('+', '_and_')}_mass_g": REGIONS[name]
    for name in ("normal_myocardium", "scar", "edema", "edema+scar")
}
PERCENTAGES: Final = {
    f"{name.replace('+', '_and_')}_percent_of_myocardium": REGIONS[name]
    for name in ("scar", "edema", "edema+scar")
}
SEGMENT_MEASURES: Final = (
    *("wall_thickness_mm", "scar_percent", "edema_and_scar_percent"),
    *("scar_transmurality_mean_percent", "scar_transmurality_max_percent"),
)
FINE_GRID: Final = GridRanges((0.8, 0.8), (2.0, 2.0), (2.0, 2.0), (280.0, 280.0), (1.25, 1.6))
VOLUMES: Final = {
    f"{name}_volume_ml": REGIONS[name] for name in ("lv_blood_pool", "rv_blood_pool", "myocardium")
}


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=40, help="simulated studies")
    n_studies = parser.parse_args().n
    logging.basicConfig(level=logging.ERROR)
    config = PhantomConfig(infarct_probability=1.0)
    fine = replace(config, bssfp_grid=FINE_GRID, slice_shift_mm=0.0, sequence_shift_mm=0.0)
    fine = replace(fine, mixed_orientation_probability=0.0)
    pairs: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + n_studies):
        study = simulate_study(seed, config)
        truth = true_measures(study)
        reference = segments_of(simulate_study(seed, fine).series[Sequence.BSSFP].case)
        for grid, case in grids_of(study):
            assert case.labels is not None
            found = measure_burden(case.labels, case.geometry)
            of_grid = pairs.setdefault(grid, defaultdict(list))
            for name, true in truth.items():
                of_grid[name].append((value_of(found, name), true))
            for name in SEGMENT_MEASURES:
                of_grid[f"segment {name}"] += paired(segments_of(case), reference, name)
    for grid, measures in pairs.items():
        print_table(f"{grid}, {n_studies} studies", measures)


def grids_of(study: Study) -> Iterator[tuple[str, Case]]:
    """Each sequence's own grid, and the common one."""
    for sequence, series in study.series.items():
        yield f"own grid of {sequence}", series.case
    yield "common grid", study.aligned


def true_measures(study: Study) -> dict[str, float]:
    """What the geometry has, under the names of `Burden`."""

    def ml(region: frozenset[Tissue]) -> float:
        return sum(study.volumes_ml[tissue] for tissue in region)

    volumes = {name: ml(region) for name, region in VOLUMES.items()}
    masses = {name: MYOCARDIAL_DENSITY_G_PER_ML * ml(region) for name, region in MASSES.items()}
    shares = {name: 100 * ml(region) / ml(MYOCARDIUM) for name, region in PERCENTAGES.items()}
    both = ml(REGIONS["edema+scar"])
    index = {"salvage_index": ml(REGIONS["edema"]) / both} if both else {}
    return volumes | masses | shares | index


def segments_of(case: Case) -> Segments | None:
    """The segments of a case; None where it cannot be divided."""
    assert case.labels is not None
    return measure(case.labels, case.geometry).segments


def paired(
    found: Segments | None, reference: Segments | None, name: str
) -> list[tuple[float, float]]:
    """A measure of each segment, here and there, where both have it."""
    if found is None or reference is None:
        return []
    both = [
        (getattr(one, name), getattr(two, name))
        for one, two in zip(found.measures, reference.measures, strict=True)
    ]
    return [(one, two) for one, two in both if one is not None and two is not None]


def value_of(burden: Burden, name: str) -> float:
    """A measure by its name; NaN where there is none."""
    value = getattr(burden, name)
    return float("nan") if value is None else float(value)


def print_table(title: str, measures: dict[str, list[tuple[float, float]]]) -> None:
    """One row a measure."""
    print(f"\n## {title}\n")
    print("| measure | true mean | bias | lower limit | upper limit | n |")
    print("|---|---|---|---|---|---|")
    for name, values in measures.items():
        found, true = np.array(values).T
        seen = bland_altman(found, true)
        numbers = (seen.bias, seen.lower_limit, seen.upper_limit)
        shown = " | ".join("-" if each is None else f"{each:.2f}" for each in numbers)
        print(f"| {name} | {true.mean():.2f} | {shown} | {seen.n} |")


if __name__ == "__main__":
    main()
