"""Files CASE_stats.json of a folder enter, one at a time; a row of numbers for each leaves."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from myoseg.quantification.burden import Burden
from myoseg.quantification.confidence import STATISTICS_SUFFIX
from myoseg.reporting.case_report import report_path
from myoseg.reporting.case_tables import DEEP_CLASSES, warnings_of

log = logging.getLogger(__name__)

BURDEN_FIELDS: Final = tuple(
    field.name for field in fields(Burden) if field.name not in ("mvo_source", "extent")
)
DEEP_SEGMENTS: Final = "n_segments_with_deep_scar"
CONFIDENCE: Final = "confidence"
SCAR_DICE, EDEMA_AND_SCAR_DICE = "scar_dice", "edema_and_scar_dice"
N_FLAGS: Final = "n_flags"


@dataclass(frozen=True)
class Column:
    """A measure of the cohort's table."""

    field: str
    title: str
    unit: str
    n_decimals: int = 1


COLUMNS: Final = (
    Column("lv_mass_g", "LV mass", "g", 0),
    Column("lv_blood_pool_volume_ml", "LV volume", "ml", 0),
    Column("rv_blood_pool_volume_ml", "RV volume", "ml", 0),
    Column("scar_mass_g", "Scar", "g"),
    Column("scar_percent_of_myocardium", "Scar", "% of LV"),
    Column("edema_and_scar_mass_g", "Edema and scar", "g"),
    Column("edema_and_scar_percent_of_myocardium", "Edema and scar", "% of LV"),
    Column("microvascular_obstruction_mass_g", "MVO", "g"),
    Column("salvage_index", "Salvage index", "", 2),
    Column(DEEP_SEGMENTS, "Deep segments", "of 16", 0),
    Column(CONFIDENCE, "Confidence", "", 2),
)
"""What the table of a cohort shows, from the left."""

TRUTH_COLUMNS: Final = (
    Column(SCAR_DICE, "Dice scar", "", 2),
    Column(EDEMA_AND_SCAR_DICE, "Dice edema and scar", "", 2),
)
"""What it shows beside where the truth is given."""


@dataclass(frozen=True)
class CohortRow:
    """One case: its measures by name, None where there is no value, and what was found amiss.

    `report` is the name of its report in the same folder; empty without one.
    """

    case: str
    report: str
    values: Mapping[str, float | None]
    flags: tuple[str, ...]

    def with_values(self, more: Mapping[str, float | None]) -> "CohortRow":
        """The row with further measures."""
        return replace(self, values={**self.values, **more})


@dataclass(frozen=True)
class MeasureSummary:
    """A measure over the `n` cases that have a value, in the column's unit; None without any.

    `sd` is the sample standard deviation (n - 1), None with fewer than two values; quartiles are
    interpolated linearly.
    """

    column: Column
    n: int
    mean: float | None
    sd: float | None
    median: float | None
    quartiles: tuple[float, float] | None
    extremes: tuple[float, float] | None


def rows_of(folder: Path) -> Iterator[CohortRow]:
    """The cases of a folder of results by name; what cannot be read is logged and left out."""
    for path in sorted(folder.glob(f"*{STATISTICS_SUFFIX}")):
        try:
            yield row_of(json.loads(path.read_text(encoding="utf-8")), folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s is left out: it cannot be read (%r)", path, error)


def row_of(record: Mapping[str, Any], folder: Path) -> CohortRow:
    """The row of a case from the contents of its CASE_stats.json."""
    case, burden, quality = str(record["case"]), record.get("burden"), record.get("quality") or {}
    path = report_path(folder, case)
    values = {field: _number((burden or {}).get(field)) for field in BURDEN_FIELDS}
    values[DEEP_SEGMENTS] = _deep_segments(record.get("segments"))
    values[CONFIDENCE] = _number(quality.get("confidence"))
    flags = [flag["words"] for flag in quality.get("flags", ())]
    flags += record.get("flags", ()) if burden else ["not measured"]
    return CohortRow(
        case=case,
        report=path.name if path.is_file() else "",
        values=values,
        flags=warnings_of(map(str, flags)),
    )


def summarise(rows: Sequence[CohortRow], columns: Sequence[Column]) -> tuple[MeasureSummary, ...]:
    """Each measure over the cases, in the order of `columns`."""
    return tuple(_summary(column, values_of(rows, column.field)) for column in columns)


def values_of(rows: Sequence[CohortRow], field: str) -> list[float | None]:
    """One measure of every case."""
    return [row.values.get(field) for row in rows]


def _summary(column: Column, values: Sequence[float | None]) -> MeasureSummary:
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not known.size:
        return MeasureSummary(column, 0, None, None, None, None, None)
    low, middle, high = (float(value) for value in np.percentile(known, (25, 50, 75)))
    return MeasureSummary(
        column=column,
        n=known.size,
        mean=float(known.mean()),
        sd=float(known.std(ddof=1)) if known.size > 1 else None,
        median=middle,
        quartiles=(low, high),
        extremes=(float(known.min()), float(known.max())),
    )


def _deep_segments(segments: Mapping[str, Any] | None) -> float | None:
    """In how many segments the scar takes more than half of the wall; None where not known."""
    if not segments:
        return None
    classes = [each.get("transmurality_class") for each in segments["measures"]]
    if all(each is None for each in classes):
        return None
    return float(sum(each in DEEP_CLASSES for each in classes))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
