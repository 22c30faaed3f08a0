"""A folder of measured cases enters; one page and one table over all of them leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myoseg.files import write_csv, write_text
from myoseg.quantification.agreement_case import unit_of
from myoseg.reporting.agreement_report import title_of_measure
from myoseg.reporting.case_report import rendered
from myoseg.reporting.case_tables import NO_VALUE, Row, Table, number
from myoseg.reporting.cohort_figures import ShownFigure, bland_altman_plot, box_plots
from myoseg.reporting.cohort_lines import CaseLine, Ranking, line_of, ranking_of
from myoseg.reporting.cohort_rows import (
    BURDEN_FIELDS,
    COLUMNS,
    CONFIDENCE,
    DEEP_SEGMENTS,
    EDEMA_AND_SCAR_DICE,
    SCAR_DICE,
    TRUTH_COLUMNS,
    CohortRow,
    Column,
    MeasureSummary,
    rows_of,
    summarise,
    values_of,
)
from myoseg.reporting.cohort_truth import PairedSeries, TruthComparison
from myoseg.reporting.origin import Origin, origin_of_run, program_version

INDEX: Final = "index.html"
TABLE: Final = "cohort.csv"


@dataclass(frozen=True)
class CohortPage:
    """What stands on the page of a cohort."""

    title: str
    program: str
    facts: tuple[tuple[str, str], ...]
    summary: Table
    figures: tuple[ShownFigure, ...]
    agreement: Table | None
    agreement_figures: tuple[ShownFigure, ...]
    failures: tuple[str, ...]
    ranking: Ranking | None
    columns: tuple[Column, ...]
    cases: tuple[CaseLine, ...]
    method: tuple[str, ...]


def write_cohort_report(
    folder: Path, truth: TruthComparison | None = None, origin: Origin | None = None
) -> Path:
    """Writes index.html and cohort.csv from the CASE_stats.json of a folder; gives the page's path.

    Cases link to their CASE_report.html where that is in the folder. Of a case only its numbers are
    in memory.

    Args:
        folder: of results.
        truth: the cases against their true labels, if those are known.
        origin: what made the segmentations; by default what the folder's `run.json` says.

    Raises:
        OutputError: a file cannot be written.
    """
    dice: Mapping[str, Mapping[str, float | None]] = truth.dice if truth else {}
    rows = [row.with_values(dice.get(row.case, {})) for row in rows_of(folder)]
    columns = shown_columns(rows, (*COLUMNS, *TRUTH_COLUMNS) if truth else COLUMNS)
    _write_table(folder / TABLE, rows, with_dice=truth is not None)
    page = _page(origin or origin_of_run(folder), rows, columns, truth)
    write_text(folder / INDEX, rendered("cohort", page))
    return folder / INDEX


def shown_columns(rows: Sequence[CohortRow], columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns that any case has a value for."""
    return tuple(c for c in columns if any(v is not None for v in values_of(rows, c.field)))


def _page(
    origin: Origin,
    rows: Sequence[CohortRow],
    columns: tuple[Column, ...],
    truth: TruthComparison | None,
) -> CohortPage:
    version = program_version()
    return CohortPage(
        title="Cohort",
        program=version,
        facts=_facts(origin, rows),
        summary=_summary_table(summarise(rows, columns)),
        figures=tuple(box_plots(rows, truth)),
        agreement=_agreement_table(truth) if truth and truth.series else None,
        agreement_figures=tuple(map(bland_altman_plot, truth.series)) if truth else (),
        failures=tuple(f"{case}: {why}" for case, why in truth.failures.items()) if truth else (),
        ranking=ranking_of(rows, columns),
        columns=columns,
        cases=tuple(line_of(row, columns) for row in rows),
        method=(
            f"Segmentation: {origin.words}. Report and measures: myoseg {version}. "
            "Percentages are of all of the LV myocardium, edema and scar included. Deep segments: "
            "those of 16 in which scar takes more than half of the wall.",
        ),
    )


def _facts(origin: Origin, rows: Sequence[CohortRow]) -> tuple[tuple[str, str], ...]:
    n_flagged = sum(bool(row.flags) for row in rows)
    return (
        ("Cases", str(len(rows))),
        ("With warnings", f"{n_flagged} of {len(rows)}"),
        ("Segmentation", origin.words),
    )


def _summary_table(summaries: Sequence[MeasureSummary]) -> Table:
    return Table(
        title="Measures of the cohort",
        columns=("", "n", "mean", "SD", "median", "quartiles", "range"),
        rows=tuple(_summary_row(each) for each in summaries),
        caption="n: cases that have the measure. SD: sample standard deviation.",
        tight=True,
    )


def _summary_row(each: MeasureSummary) -> Row:
    column = each.column

    def shown(value: float | None) -> str:
        return number(value, max(column.n_decimals, 1))

    def span(ends: tuple[float, float] | None) -> str:
        return NO_VALUE if ends is None else f"{shown(ends[0])} to {shown(ends[1])}"

    cells = (str(each.n), shown(each.mean), shown(each.sd), shown(each.median))
    return Row(column.title, (*cells, span(each.quartiles), span(each.extremes)), column.unit)


def _agreement_table(truth: TruthComparison) -> Table:
    return Table(
        title="Agreement with the truth",
        columns=("", "n", "bias", "95 % limits of agreement", "ICC", "CCC"),
        rows=tuple(_agreement_row(each) for each in truth.series),
        caption="Bias: segmentation minus truth; limits: bias ± 1.96 SD (Bland and Altman). "
        "ICC(A,1) of absolute agreement; CCC: Lin's concordance correlation.",
        tight=True,
    )


def _agreement_row(each: PairedSeries) -> Row:
    found = each.bland_altman
    low, high = found.lower_limit, found.upper_limit
    limits = NO_VALUE if low is None else f"{number(low)} to {number(high)}"
    cells = (str(found.n), number(found.bias), limits, number(each.icc, 2), number(each.ccc, 2))
    return Row(title_of_measure(each.name), cells, unit_of(each.name).replace("%", ""))


def _write_table(path: Path, rows: Sequence[CohortRow], *, with_dice: bool) -> None:
    more = (SCAR_DICE, EDEMA_AND_SCAR_DICE) if with_dice else ()
    fields = (*BURDEN_FIELDS, DEEP_SEGMENTS, CONFIDENCE, *more)
    write_csv(
        path,
        ["case", *fields, "flags"],
        ([row.case, *map(row.values.get, fields), " ".join(row.flags)] for row in rows),
    )
