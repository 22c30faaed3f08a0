"""The files of an agreement: a record, a row for each measure, a row for each case and measure."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from myoseg.files import write_csv, write_json
from myoseg.quantification.agreement import Agreement, Interval
from myoseg.quantification.agreement_case import unit_of
from myoseg.quantification.agreement_cohort import CohortAgreement

MEASURES_HEADER: Final = (
    *("measure", "unit", "n", "n_cases", "n_left_out", "mean_first", "mean_second"),
    *("bias", "bias_low", "bias_high", "sd"),
    *("lower_limit", "lower_limit_low", "lower_limit_high"),
    *("upper_limit", "upper_limit_low", "upper_limit_high"),
    *("proportional_slope", "proportional_p", "bootstrap_low", "bootstrap_high"),
    *("icc", "icc_low", "icc_high", "ccc", "ccc_low", "ccc_high", "pearson_r", "wilcoxon_p"),
)
"""Columns of agreement.csv; `_low` and `_high` are ends of 95 % intervals."""

CASES_HEADER: Final = (
    *("case", "measure", "segment", "territory", "unit"),
    *("first", "second", "difference"),
)
DICE_HEADER: Final = ("case", "tissue", "dice")
FLAGS_HEADER: Final = ("case", "of", "flag")


def write_agreement(found: CohortAgreement, out: Path) -> None:
    """Writes agreement.json, agreement.csv, cases.csv, dice.csv and flags.csv into a folder.

    Raises:
        OutputError: a file cannot be written.
    """
    write_json(out / "agreement.json", found.to_record())
    write_csv(out / "agreement.csv", MEASURES_HEADER, map(_measure_row, found.agreements))
    write_csv(out / "cases.csv", CASES_HEADER, _case_rows(found))
    dice = ((case.case, *row) for case in found.cases for row in case.dice)
    write_csv(out / "dice.csv", DICE_HEADER, dice)
    write_csv(out / "flags.csv", FLAGS_HEADER, _flag_rows(found))


def _measure_row(found: Agreement) -> tuple[object, ...]:
    limits = found.bland_altman
    return (
        *(found.measure, found.unit, found.n, found.n_cases, found.n_left_out),
        *(found.mean_first, found.mean_second),
        *(limits.bias, *_ends(limits.bias_ci95), limits.sd),
        *(limits.lower_limit, *_ends(limits.lower_limit_ci95)),
        *(limits.upper_limit, *_ends(limits.upper_limit_ci95)),
        *(limits.proportional_slope, limits.proportional_p, *_ends(found.mean_difference_ci95)),
        *(found.icc, *_ends(found.icc_ci95), found.ccc, *_ends(found.ccc_ci95)),
        *(found.pearson_r, found.wilcoxon_p),
    )


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else interval


def _case_rows(found: CohortAgreement) -> Iterator[tuple[object, ...]]:
    for case in found.cases:
        for value in case.values:
            yield (
                *(value.case, value.measure, value.segment, value.territory),
                unit_of(value.measure),
                *(value.first, value.second, value.difference),
            )


def _flag_rows(found: CohortAgreement) -> Iterator[tuple[str, str, str]]:
    for case in found.cases:
        for name, flags in zip(found.names, case.flags, strict=True):
            yield from ((case.case, name, flag) for flag in flags)
