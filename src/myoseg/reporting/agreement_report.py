"""Two folders of label files enter; their agreement leaves, as numbers, tables and figures."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from myoseg.quantification.agreement import Agreement
from myoseg.quantification.agreement_case import CaseComparison
from myoseg.quantification.agreement_cohort import (
    CohortAgreement,
    agreement_of_cases,
    compare_cases,
    match_sets,
)
from myoseg.quantification.agreement_files import write_agreement

DRAWN: Final = (
    *("lv_mass_g", "lv_blood_pool_volume_ml", "rv_blood_pool_volume_ml"),
    *("scar_mass_g", "scar_percent_of_myocardium"),
    *("edema_and_scar_mass_g", "edema_and_scar_percent_of_myocardium"),
    *("segment_scar_percent", "segment_scar_transmurality_mean_over_all_percent"),
)
"""The measures that have a figure, as far as there are pairs of them."""

Watch = Callable[[Iterable[CaseComparison], int], Iterable[CaseComparison]]
"""Takes the cases as they come, and how many they will be; a progress bar is one."""

_TITLES: Final = {
    "lv_mass_g": "LV mass",
    "lv_blood_pool_volume_ml": "LV volume",
    "rv_blood_pool_volume_ml": "RV volume",
    "scar_percent_of_myocardium": "Scar, % of the LV myocardium",
    "edema_and_scar_mass_g": "Mass of edema and scar",
    "edema_and_scar_percent_of_myocardium": "Edema and scar, % of the LV myocardium",
    "segment_scar_percent": "Scar, % of each segment",
    "segment_scar_transmurality_mean_over_all_percent": "Transmurality of scar in each segment",
}


def agree(
    first: Path | str,
    second: Path | str,
    out: Path | str | None = None,
    *,
    names: tuple[str, str] = ("first", "second"),
    first_coding: str | None = None,
    second_coding: str | None = None,
    seed: int = 0,
    watch: Watch | None = None,
) -> CohortAgreement:
    """Compares two sets of segmentations of the same cases, neither taken for the truth.

    Args:
        first: folder of label files, predicted, drawn or of another program; or one file.
        second: the same of the second reader or method.
        out: folder for agreement.json, agreement.csv, cases.csv, dice.csv, flags.csv and
            Bland-Altman figures, if they are to be written.
        names: what to call the two.
        first_coding: name of the first's label coding, where it cannot be told.
        second_coding: the same of the second.
        seed: of the bootstrap intervals.
        watch: is given the cases as they are compared.

    Raises:
        InputError: no case matches, two files of one case, a coding that cannot be told, or no case
            could be compared.
        OutputError: `out` cannot be written to.
    """
    matching = match_sets(Path(first), Path(second), names)
    comparisons: Iterable[CaseComparison] = compare_cases(matching, first_coding, second_coding)
    if watch is not None:
        comparisons = watch(comparisons, len(matching.pairs))
    found = agreement_of_cases(comparisons, matching, names=names, seed=seed)
    if out is not None:
        write_agreement(found, Path(out))
        write_agreement_figures(found, Path(out))
    return found


def write_agreement_figures(found: CohortAgreement, out: Path) -> None:
    """Writes bland_altman_MEASURE.png for each measure of `DRAWN` that there are pairs of.

    Raises:
        OutputError: a file cannot be written.
    """
    from myoseg.reporting.agreement_figures import bland_altman_figure
    from myoseg.reporting.figures import save_figure

    for each in found.agreements:
        if each.measure not in DRAWN or not each.n:
            continue
        values = found.values_of(each.measure)
        figure = bland_altman_figure(
            [value.first for value in values],
            [value.second for value in values],
            found.names,
            title_of_measure(each.measure),
            each.unit,
            independent=is_independent(each),
        )
        save_figure(figure, out / f"bland_altman_{each.measure}.png")


def is_independent(found: Agreement) -> bool:
    """Whether each pair is a case of its own."""
    return found.n == found.n_cases


def title_of_measure(name: str) -> str:
    """A measure in words, without its unit where that ends its name.

    >>> title_of_measure("scar_mass_g"), title_of_measure("lv_mass_g")
    ('Scar mass', 'LV mass')
    """
    plain = name.removesuffix("_g").removesuffix("_ml").removesuffix("_mm").replace("_", " ")
    return _TITLES.get(name, plain[:1].upper() + plain[1:])
