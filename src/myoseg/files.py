"""Files that appear whole or not at all: written beside their place, then renamed into it."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from myoseg.errors import OutputError

CSV_DIGITS: Final = 8

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to; renames it to `path` if the block succeeds.

    The temporary name keeps the suffix, since image libraries choose the format by it.

    Raises:
        OutputError: the folder cannot be made, the disk is full or the file cannot be written.
            Nothing is left behind.
    """
    aside = path.with_name(f".{uuid4().hex[:8]}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        aside.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Yields a new folder beside `path` to fill; puts it in the place of `path` if that succeeds.

    Raises:
        OutputError: as `written_whole`.
    """
    aside = path.with_name(f".{uuid4().hex[:8]}-{path.name}")
    try:
        aside.mkdir(parents=True)
        yield aside
        if path.is_dir():
            shutil.rmtree(path)
        aside.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 `text` to `path`, whole or not at all.

    Raises:
        OutputError: as `written_whole`.
    """
    with written_whole(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Writes `record` as indented JSON, whole or not at all; NaN is refused, since JSON has none.

    Raises:
        OutputError: as `written_whole`.
    """
    write_text(path, json.dumps(record, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table as CSV, whole or not at all.

    None becomes an empty field; real numbers keep `CSV_DIGITS` significant digits; texts that a
    spreadsheet would take for a formula are marked as text (`as_cell`).

    Raises:
        OutputError: as `written_whole`.
    """
    with written_whole(path) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([as_cell(value) for value in row])
        stream.flush()
        os.fsync(stream.fileno())


def as_cell(value: object) -> object:
    """What stands in a table for a value.

    Names of cases come from elsewhere, and a spreadsheet takes what begins with = + - or @ for a
    formula, which may do anything; an apostrophe makes it text.

    >>> as_cell("=HYPERLINK(1)"), as_cell("-1.5"), as_cell("case_1")
    ("'=HYPERLINK(1)", '-1.5', 'case_1')
    """
    if isinstance(value, float):
        return float(f"{value:.{CSV_DIGITS}g}")
    if isinstance(value, str) and value.startswith(FORMULA_STARTS) and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {path}: {error.strerror or error}; free some space or choose another output "
        "folder."
    )


def sha256_of(path: Path) -> str:
    """The SHA-256 of the file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
