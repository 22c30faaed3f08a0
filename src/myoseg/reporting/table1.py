"""Table 1: Dice and Jaccard of each method on MS and ME+MS, beside the paper's own figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path

import numpy as np

from myoseg.files import write_csv, write_text
from myoseg.quantification.region_score import EMPTY_MASK_POLICY, RegionScore
from myoseg.quantification.statistics import PairedComparison, compare_paired
from myoseg.quantification.summary import RegionSummary, summarise
from myoseg.reporting.published import (
    COMPARED_MEASURES,
    COMPARED_REGIONS,
    INTER_OBSERVER_SCAR_DICE,
    N_TEST_CASES,
    TABLE_1,
    MeanAndDeviation,
    method_title,
)

Scores = Mapping[str, Sequence[RegionScore]]
"""Scores of all cases by the method's symbol, in the order of the table's rows."""

_ABBREVIATIONS = {"scar": "MS", "edema+scar": "ME+MS"}


@dataclass(frozen=True)
class Cell:
    """One method's measure of one region; `n` cases have a value, the rest are counted below it.

    `mean_percent` is None without any value, `sd_percent` with fewer than two; the paper's figures
    are None for a method that the paper does not have.
    """

    method: str
    measure: str
    region: str
    n: int
    mean_percent: float | None
    sd_percent: float | None
    mean_percent_if_both_empty_is_one: float | None
    n_both_empty: int
    n_one_empty: int
    n_not_assessed: int
    paper_mean_percent: float | None
    paper_sd_percent: float | None


@dataclass(frozen=True)
class MethodComparison:
    """Two methods on the same cases, by Wilcoxon's signed-rank test."""

    first: str
    second: str
    measure: str
    region: str
    result: PairedComparison


@dataclass(frozen=True)
class Table1:
    """The table's cells, row by row, and the comparison of each two methods."""

    cells: tuple[Cell, ...]
    comparisons: tuple[MethodComparison, ...]


def table1(scores: Scores) -> Table1:
    """Table 1 from the cases' scores by method (`published.TABLE_1` names the paper's)."""
    return Table1(
        cells=tuple(cell for symbol in scores for cell in _row(symbol, scores[symbol])),
        comparisons=tuple(_comparisons(scores)),
    )


def write_table1(table: Table1, out: Path) -> None:
    """Writes table1.csv, table1.md and wilcoxon.csv into a folder.

    Raises:
        OutputError: a file cannot be written.
    """
    names = [field.name for field in fields(Cell)]
    rows = [[getattr(cell, name) for name in names] for cell in table.cells]
    write_csv(out / "table1.csv", ["tissue" if n == "region" else n for n in names], rows)
    write_csv(
        out / "wilcoxon.csv",
        ["first", "second", "measure", "tissue", "n", "median_difference", "p_value"],
        [
            [c.first, c.second, c.measure, c.region, *vars(c.result).values()]
            for c in table.comparisons
        ],
    )
    write_text(out / "table1.md", table1_markdown(table))


def table1_markdown(table: Table1) -> str:
    """The table as the paper prints it, ours over the paper's, with what qualifies the figures."""
    cells = {(cell.method, cell.measure, cell.region): cell for cell in table.cells}
    columns = [(measure, region) for measure in COMPARED_MEASURES for region in COMPARED_REGIONS]
    titles = [f"{m.capitalize()} {_ABBREVIATIONS[r]} (%)" for m, r in columns]
    lines = ["# Table 1", "", *_rule(["method", "", *titles])]
    for method in dict.fromkeys(cell.method for cell in table.cells):
        row = [cells[method, *column] for column in columns]
        lines.append(_line([method_title(method), "here", *map(_measured, row)]))
        if method in TABLE_1:
            lines.append(_line(["", "paper", *map(_published, row)]))
    return "\n".join([*lines, "", *_notes(table), "", *_wilcoxon_lines(table)]) + "\n"


def _row(symbol: str, scores: Sequence[RegionScore]) -> Iterator[Cell]:
    compared = [score for score in scores if score.region in COMPARED_REGIONS]
    summaries = {s.region: s for s in summarise(compared, np.random.default_rng(0))}
    for measure in COMPARED_MEASURES:
        for region in COMPARED_REGIONS:
            yield _cell(symbol, measure, region, summaries.get(region))


def _cell(symbol: str, measure: str, region: str, summary: RegionSummary | None) -> Cell:
    paper = TABLE_1[symbol].results[measure, region] if symbol in TABLE_1 else None
    found = summary.distributions[measure] if summary else None
    return Cell(
        method=symbol,
        measure=measure,
        region=region,
        n=found.n if found else 0,
        mean_percent=_percent(found.mean if found else None),
        sd_percent=_percent(found.sd if found else None),
        mean_percent_if_both_empty_is_one=_percent(
            summary.mean_if_both_empty_is_one[measure] if summary else None
        ),
        n_both_empty=summary.n_both_empty if summary else 0,
        n_one_empty=summary.n_one_empty if summary else 0,
        n_not_assessed=summary.n_not_assessed if summary else 0,
        paper_mean_percent=paper.mean_percent if paper else None,
        paper_sd_percent=paper.sd_percent if paper else None,
    )


def _comparisons(scores: Scores) -> Iterator[MethodComparison]:
    for first, second in combinations(scores, 2):
        for measure in COMPARED_MEASURES:
            for region in COMPARED_REGIONS:
                ours, theirs = (
                    {s.case: getattr(s, measure) for s in scores[symbol] if s.region == region}
                    for symbol in (first, second)
                )
                both = sorted(ours.keys() & theirs.keys())
                result = compare_paired([ours[c] for c in both], [theirs[c] for c in both])
                yield MethodComparison(first, second, measure, region, result)


def _notes(table: Table1) -> list[str]:
    """What a reader must know beside the means."""
    counts = [
        f"{_ABBREVIATIONS[c.region]}, {method_title(c.method)}: n = {c.n}, one empty "
        f"{c.n_one_empty}, not assessed {c.n_not_assessed}, both empty {c.n_both_empty}"
        f"{_if_empty_is_one(c)}"
        for c in table.cells
        if c.measure == COMPARED_MEASURES[0]
    ]
    return [
        "Mean ± standard deviation over cases, each in 3-D. The paper's figures are of its "
        f"{N_TEST_CASES} test cases; scar drawn by two observers reaches a Dice of "
        f"{INTER_OBSERVER_SCAR_DICE} %.",
        "",
        EMPTY_MASK_POLICY,
        "",
        *(f"- {line}" for line in counts),
    ]


def _if_empty_is_one(cell: Cell) -> str:
    """The mean under the other policy, where that makes a difference."""
    mean = cell.mean_percent_if_both_empty_is_one
    return f" (mean Dice {mean:.1f} if these count as 100)" if cell.n_both_empty and mean else ""


def _wilcoxon_lines(table: Table1) -> list[str]:
    """The paired tests as a second table, or nothing for a single method."""
    if not table.comparisons:
        return []
    lines = [
        "## Wilcoxon signed-rank test between methods",
        "",
        "Two-sided, paired by case, not corrected for the number of tests; no p with fewer than "
        "six pairs.",
        "",
        *_rule(["methods", "measure", "tissue", "n", "median difference (%)", "p"]),
    ]
    for c in table.comparisons:
        difference, p = c.result.median_difference, c.result.p_value
        pair = f"{method_title(c.first)} - {method_title(c.second)}"
        shown = ["" if difference is None else f"{100 * difference:.1f}"]
        shown.append("" if p is None else f"{p:.3f}" if p >= 0.001 else "< 0.001")
        region = _ABBREVIATIONS[c.region]
        lines.append(_line([pair, c.measure.capitalize(), region, str(c.result.n), *shown]))
    return lines


def _measured(cell: Cell) -> str:
    if cell.mean_percent is None:
        return "no value"
    if cell.sd_percent is None:
        return f"{cell.mean_percent:.1f}"
    return str(MeanAndDeviation(cell.mean_percent, cell.sd_percent))


def _published(cell: Cell) -> str:
    return str(TABLE_1[cell.method].results[cell.measure, cell.region])


def _rule(titles: list[str]) -> list[str]:
    return [_line(titles), _line(["---"] * len(titles))]


def _line(entries: list[str]) -> str:
    return f"| {' | '.join(entries)} |"


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
