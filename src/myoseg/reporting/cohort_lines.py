"""Rows of a cohort enter; lines as the page shows them leave, and which cases to look at first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from myoseg.reporting.case_tables import number
from myoseg.reporting.cohort_rows import (
    CONFIDENCE,
    EDEMA_AND_SCAR_DICE,
    SCAR_DICE,
    CohortRow,
    Column,
)

N_RANKED: Final = 5
"""Cases that are named at each end, where there are twice as many."""


class _Order(NamedTuple):
    """By the mean of which numbers cases are put in order, and what to call that."""

    title: str
    fields: tuple[str, ...]
    first: str
    last: str


_ORDERS: Final = (
    _Order(
        "Worst and best cases, by Dice of scar and of edema and scar",
        (SCAR_DICE, EDEMA_AND_SCAR_DICE),
        "Worst",
        "Best",
    ),
    _Order(
        "Least and most certain cases, by the model's confidence",
        (CONFIDENCE,),
        "Least certain",
        "Most certain",
    ),
    _Order(
        "Smallest and largest scars",
        ("scar_percent_of_myocardium",),
        "Smallest",
        "Largest",
    ),
)
"""The first that cases have numbers for is taken."""


@dataclass(frozen=True)
class Cell:
    """A number of the table: as it is shown, and to sort and download by; both may be empty."""

    shown: str
    value: str


@dataclass(frozen=True)
class CaseLine:
    """A case in the table."""

    case: str
    report: str
    cells: tuple[Cell, ...]
    flags: str


@dataclass(frozen=True)
class Ranking:
    """The cases to look at first and last, by one number."""

    title: str
    first: tuple[CaseLine, ...]
    last: tuple[CaseLine, ...]
    first_title: str
    last_title: str


def line_of(row: CohortRow, columns: Sequence[Column]) -> CaseLine:
    """The row as it is shown."""
    cells = tuple(_cell(row.values.get(column.field), column) for column in columns)
    return CaseLine(row.case, row.report, cells, " ".join(row.flags))


def _cell(value: float | None, column: Column) -> Cell:
    return Cell("", "") if value is None else Cell(number(value, column.n_decimals), f"{value:.6g}")


def ranking_of(rows: Sequence[CohortRow], columns: Sequence[Column]) -> Ranking | None:
    """The worst and the best cases by Dice, else by confidence, else by how large the scar is.

    None with fewer than two cases that have such a number.
    """
    for order in _ORDERS:
        ranked = _ranked(rows, order.fields)
        if len(ranked) > 1:
            n = min(N_RANKED, len(ranked) // 2)
            shown = [column for column in columns if column.field in order.fields]
            first, last = ranked[:n], ranked[: -n - 1 : -1]
            return Ranking(
                order.title,
                tuple(line_of(row, shown) for row in first),
                tuple(line_of(row, shown) for row in last),
                order.first,
                order.last,
            )
    return None


def _ranked(rows: Sequence[CohortRow], fields: Sequence[str]) -> list[CohortRow]:
    """The rows with any of the numbers, by their mean."""
    means = []
    for row in rows:
        known = [v for v in map(row.values.get, fields) if v is not None]
        if known:
            means.append((sum(known) / len(known), row.case, row))
    return [row for _, _, row in sorted(means, key=lambda each: each[:2])]
