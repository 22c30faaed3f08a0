"""A table of insertion points that readers set enters; the points of each case leave."""

import csv
from pathlib import Path
from typing import Final

from myoseg.errors import InputError
from myoseg.quantification.insertion import InsertionPoints, PointMm

COLUMNS: Final = (
    "case",
    *(f"{end}_{axis}_mm" for end in ("anterior", "inferior") for axis in "xyz"),
)
"""Of the table; x, y and z run to the patient's right, front and head (RAS), as in NIfTI."""


def read_insertions(path: Path) -> dict[str, InsertionPoints]:
    """The points of each case of a CSV table with `COLUMNS`, in any order, and others unread.

    Raises:
        InputError: the table cannot be read, lacks a column, names a case twice, or a value is no
            number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            rows = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from error
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)}; its columns must be {', '.join(COLUMNS)}."
        )
    found: dict[str, InsertionPoints] = {}
    for number, row in enumerate(rows, start=2):
        if row["case"] in found:
            raise InputError(f"{path}, line {number}: {row['case']} is there twice.")
        ends = (_point(row, end, path, number) for end in ("anterior", "inferior"))
        found[row["case"]] = InsertionPoints(*ends)
    return found


def _point(row: dict[str, str], end: str, path: Path, number: int) -> PointMm:
    values = [row[f"{end}_{axis}_mm"] for axis in "xyz"]
    try:
        x, y, z = (float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}, line {number}: {values} are not three numbers.") from error
    return x, y, z
