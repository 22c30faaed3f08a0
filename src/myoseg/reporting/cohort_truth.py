"""Segmentations and true label maps enter; how far the cohort's measures agree leaves.

One pair of label maps is in memory at a time; of a case only the shown numbers are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float64

from myoseg.errors import InputError, MyosegError
from myoseg.quantification.agreement import FEWEST_CASES, BlandAltman, bland_altman
from myoseg.quantification.agreement_case import CaseComparison, compare_pair
from myoseg.quantification.coefficients import concordance, icc_absolute
from myoseg.quantification.decoding import with_codings
from myoseg.quantification.pairing import LabelFile, Pair, label_files, warn_of_cases
from myoseg.quantification.statistics import Values
from myoseg.reporting.cohort_rows import EDEMA_AND_SCAR_DICE, SCAR_DICE

COMPARED: Final = (
    *("lv_mass_g", "lv_blood_pool_volume_ml", "rv_blood_pool_volume_ml"),
    *("scar_mass_g", "scar_percent_of_myocardium"),
    *("edema_and_scar_mass_g", "edema_and_scar_percent_of_myocardium"),
)
"""Measures that are held against those of the truth."""

DICE_REGIONS: Final = {"scar": SCAR_DICE, "edema+scar": EDEMA_AND_SCAR_DICE}


@dataclass(frozen=True, eq=False)
class PairedSeries:
    """One measure of the segmentations and of the truth, case by case, NaN where not known."""

    name: str
    found: Values
    true: Values

    @property
    def bland_altman(self) -> BlandAltman:
        """Bias and limits of found minus true."""
        return bland_altman(*self._known.T)

    @property
    def icc(self) -> float | None:
        """ICC(A,1), of three cases or more."""
        known = self._known
        return icc_absolute(known).value if len(known) >= FEWEST_CASES else None

    @property
    def ccc(self) -> float | None:
        """Lin's concordance correlation, likewise."""
        known = self._known
        return concordance(*known.T).value if len(known) >= FEWEST_CASES else None

    @property
    def _known(self) -> Float64[np.ndarray, "pair 2"]:
        pairs = np.stack([self.found, self.true], axis=1)
        known: np.ndarray = pairs[~np.isnan(pairs).any(axis=1)]
        return known


@dataclass(frozen=True, eq=False)
class TruthComparison:
    """The cohort against its truth.

    Attributes:
        series: of each of `COMPARED` that any case has a pair of.
        dice: by case, of the regions of `DICE_REGIONS` under their columns' names.
        failures: cases that could not be compared, by name, and why.
    """

    series: tuple[PairedSeries, ...]
    dice: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


def compared_with_truth(
    files: Sequence[LabelFile],
    truth: Path,
    coding: str | None = None,
    names: Mapping[str, str] | None = None,
) -> TruthComparison:
    """Compares label files with those of a folder that are of the same cases.

    Args:
        files: with their codings settled.
        truth: folder of true label files, or a data set.
        coding: name of the truth's label coding, where it cannot be told.
        names: what to call the cases, where not by their own names.

    Raises:
        InputError: the folder cannot be used, no case is in it, or its coding cannot be told.
    """
    true = label_files(truth)
    known = [file for file in files if file.case in true]
    if not known:
        raise InputError(
            f"none of {len(files)} cases is in {truth}; name the files alike up to a suffix such "
            "as _seg or _gd."
        )
    warn_of_cases("have no truth", tuple(file.case for file in files if file.case not in true))
    likely = known[0].codings
    settled = with_codings([true[file.case] for file in known], coding, likely)
    shown = names or {}
    pairs = (Pair(shown.get(f.case, f.case), f, t) for f, t in zip(known, settled, strict=True))
    return comparison_of(map(_compared, pairs))


def _compared(pair: Pair) -> CaseComparison:
    try:
        return compare_pair(pair)
    except MyosegError as error:
        return CaseComparison(pair.case, error=error)


def comparison_of(cases: Iterable[CaseComparison]) -> TruthComparison:
    """Gathers cases as they are compared, the segmentation first and the truth second."""
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in COMPARED}
    dice: dict[str, dict[str, float | None]] = {}
    failures: dict[str, str] = {}
    for case in cases:
        if case.error is not None:
            failures[case.case] = str(case.error)
            continue
        dice[case.case] = {DICE_REGIONS[r]: value for r, value in case.dice if r in DICE_REGIONS}
        for value in case.values:
            if value.measure in pairs:
                pairs[value.measure].append((_nan(value.first), _nan(value.second)))
    series = (
        PairedSeries(name, *np.array(values, dtype=np.float64).T)
        for name, values in pairs.items()
        if any(not np.isnan(pair).any() for pair in values)
    )
    return TruthComparison(tuple(series), dice, failures)


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
