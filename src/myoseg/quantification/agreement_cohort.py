"""Two folders of label files enter; the agreement of all their measures over the cases leaves.

One pair of label maps is in memory at a time; of a case only its numbers are kept.
"""

import logging
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from typing import Any, Final

import numpy as np

from myoseg.anatomy import REGIONS
from myoseg.cases.labels import LabelCoding
from myoseg.errors import InputError, MyosegError
from myoseg.quantification.agreement import METHODS, Agreement, agreement
from myoseg.quantification.agreement_case import (
    CLASSES,
    MEASURES,
    CaseComparison,
    PairedValue,
    compare_pair,
    unit_of,
)
from myoseg.quantification.agreement_classes import ClassAgreement, class_agreement
from myoseg.quantification.decoding import with_codings
from myoseg.quantification.pairing import (
    Failure,
    LabelFile,
    Matching,
    Pair,
    pair_files,
    warn_of_cases,
)
from myoseg.quantification.region_score import EMPTY_MASK_POLICY
from myoseg.quantification.statistics import Distribution, describe

log = logging.getLogger(__name__)

FORMAT: Final = 1


@dataclass(frozen=True, eq=False)
class CohortAgreement:
    """All measures of two sets of segmentations, and what was not compared.

    Attributes:
        names: of the two readers or methods.
        agreements: one for each measure that either gave a value of.
        transmurality: agreement on the segments' classes of transmurality.
        dice: of each region over the cases.
        cases: the cases' own numbers.
        failures: cases that could not be compared, and why.
        only_first: cases that the second has not.
        only_second: cases that the first has not.
        seed: of the bootstrap intervals.
    """

    names: tuple[str, str]
    agreements: tuple[Agreement, ...]
    transmurality: ClassAgreement
    dice: dict[str, Distribution]
    cases: tuple[CaseComparison, ...]
    failures: tuple[Failure, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    seed: int

    @property
    def n_cases(self) -> int:
        """How many cases were compared."""
        return len(self.cases)

    def values_of(self, name: str) -> list[PairedValue]:
        """The pairs of one measure, in the order of cases."""
        return [v for case in self.cases for v in case.values if v.measure == name]

    def to_record(self) -> dict[str, Any]:
        """The agreement as JSON values, with how each number was made."""
        return {
            "format": FORMAT,
            "names": {"first": self.names[0], "second": self.names[1]},
            "n_cases": self.n_cases,
            "failures": [vars(failure) for failure in self.failures],
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
            "seed": self.seed,
            "methods": METHODS,
            "measures": {each.measure: each.to_record() for each in self.agreements},
            "transmurality_class": self.transmurality.to_record(),
            "empty_mask_policy": EMPTY_MASK_POLICY,
            "dice": {region: asdict(found) for region, found in self.dice.items()},
        }


def agreement_of_cohort(
    first: Path | str,
    second: Path | str,
    *,
    names: tuple[str, str] = ("first", "second"),
    first_coding: str | None = None,
    second_coding: str | None = None,
    seed: int = 0,
) -> CohortAgreement:
    """Compares every case that both folders hold; a case that fails does not stop the others.

    Args:
        first: folder of label files, predicted, drawn or of another program; or one file.
        second: the same of the second reader or method.
        names: what to call the two.
        first_coding: name of the first's label coding, where it cannot be told.
        second_coding: the same of the second.
        seed: of the bootstrap intervals.

    Raises:
        InputError: no case matches, two files of one case, a coding that cannot be told, or no case
            could be compared.
    """
    matching = match_sets(Path(first), Path(second), names)
    comparisons = compare_cases(matching, first_coding, second_coding)
    return agreement_of_cases(comparisons, matching, names=names, seed=seed)


def match_sets(first: Path, second: Path, names: tuple[str, str]) -> Matching:
    """Pairs the label files of both by case (`pairing.pair_files`); says which only one has.

    Raises:
        InputError: as `pairing.pair_files`.
    """
    matching = pair_files(first, second)
    warn_of_cases(f"are of {names[0]} alone and left out", matching.without_truth)
    warn_of_cases(f"are of {names[1]} alone and left out", matching.without_prediction)
    return matching


def compare_cases(
    matching: Matching, first_coding: str | None = None, second_coding: str | None = None
) -> Iterator[CaseComparison]:
    """Measures both label maps of each case in turn.

    Raises:
        InputError: a side's label coding cannot be told.
    """
    ours = [pair.predicted for pair in matching.pairs]
    theirs = [pair.true for pair in matching.pairs]
    settled = _settle_codings(ours, theirs, first_coding, second_coding)
    for one, other in zip(*settled, strict=True):
        try:
            yield compare_pair(Pair(one.case, one, other))
        except MyosegError as error:
            log.error("%s: %s", one.case, error)
            yield CaseComparison(one.case, error=error)


def agreement_of_cases(
    comparisons: Iterable[CaseComparison],
    matching: Matching,
    *,
    names: tuple[str, str] = ("first", "second"),
    seed: int = 0,
) -> CohortAgreement:
    """The agreement of all measures over cases as they come.

    Raises:
        InputError: no case could be compared.
    """
    compared: list[CaseComparison] = []
    failures: list[Failure] = []
    for each in comparisons:
        if each.error is None:
            compared.append(each)
        else:
            failures.append(Failure(each.case, str(each.error)))
    if not compared:
        reasons = "; ".join(failure.message for failure in failures[:3])
        raise InputError(f"none of {len(failures)} cases could be compared: {reasons}")
    rng = np.random.default_rng(seed)
    tables = [case.classes for case in compared if case.classes is not None]
    return CohortAgreement(
        names=names,
        agreements=_agreements(compared, rng),
        transmurality=class_agreement("scar_transmurality_class", CLASSES, tables, rng),
        dice=_dice(compared, rng),
        cases=tuple(compared),
        failures=tuple(failures),
        only_first=matching.without_truth,
        only_second=matching.without_prediction,
        seed=seed,
    )


def _settle_codings(
    first: list[LabelFile],
    second: list[LabelFile],
    first_coding: str | None,
    second_coding: str | None,
) -> tuple[tuple[LabelFile, ...], tuple[LabelFile, ...]]:
    """Both sides with their codings; what one side shows helps with the other, either way.

    Raises:
        InputError: a coding is unknown, or neither side's can be told.
    """
    try:
        theirs = with_codings(second, second_coding)
    except InputError:
        ours = _settled(first, first_coding, "--first-coding")
        return ours, _settled(second, second_coding, "--second-coding", _codings(ours))
    return _settled(first, first_coding, "--first-coding", _codings(theirs)), theirs


def _settled(
    files: list[LabelFile], name: str | None, option: str, likely: tuple[LabelCoding, ...] = ()
) -> tuple[LabelFile, ...]:
    """`with_codings`, whose errors name the option of this side."""
    try:
        return with_codings(files, name, likely)
    except InputError as error:
        raise InputError(str(error).replace("--coding", option)) from error


def _codings(files: Iterable[LabelFile]) -> tuple[LabelCoding, ...]:
    return tuple(coding for file in files for coding in file.codings)


def _agreements(cases: list[CaseComparison], rng: np.random.Generator) -> tuple[Agreement, ...]:
    """One for each measure that either side has a value of, in the order of `MEASURES`."""
    series: dict[str, _Series] = {name: _Series() for name in MEASURES}
    for case in cases:
        for value in case.values:
            series[value.measure].add(value)
    return tuple(
        agreement(name, unit_of(name), each.first, each.second, rng, each.cases)
        for name, each in series.items()
        if not np.isnan([*each.first, *each.second]).all()
    )


class _Series:
    """The values of one measure over the cases, NaN where there is none."""

    def __init__(self) -> None:
        self.cases: list[str] = []
        self.first = array("d")
        self.second = array("d")

    def add(self, value: PairedValue) -> None:
        self.cases.append(value.case)
        self.first.append(nan if value.first is None else value.first)
        self.second.append(nan if value.second is None else value.second)


def _dice(cases: list[CaseComparison], rng: np.random.Generator) -> dict[str, Distribution]:
    """Dice of each region that any case has, over the cases that have a value."""
    by_region: dict[str, list[float | None]] = {region: [] for region in REGIONS}
    for case in cases:
        for region, dice in case.dice:
            by_region[region].append(dice)
    return {region: describe(values, rng) for region, values in by_region.items() if values}
