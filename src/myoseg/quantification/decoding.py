"""Label files enter, label maps leave: which coding a set of files follows, and what it assessed.

One coding is settled for all files of a side before the first is scored, since a file without scar
may fit several.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from myoseg.anatomy import Tissue, Tissues
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.labels import (
    CODINGS,
    CONSECUTIVE,
    MYOPS,
    LabelCoding,
    coding_named,
    decode_labels,
    first_covering,
    guess_coding,
)
from myoseg.cases.nifti import read_label_volume
from myoseg.errors import InputError
from myoseg.quantification.pairing import LabelFile

log = logging.getLogger(__name__)


def with_codings(
    files: Sequence[LabelFile], name: str | None, likely: tuple[LabelCoding, ...] = ()
) -> tuple[LabelFile, ...]:
    """The files with the codings to try, in turn; a data set's own are kept unless `name` is given.

    Args:
        files: all files of one side.
        name: the coding that the user named, if any.
        likely: what the other side follows; taken where the values fit several codings.

    Raises:
        InputError: the name is unknown, or the values fit no coding, or several.
    """
    if name is not None:
        return tuple(replace(file, codings=(coding_named(name),)) for file in files)
    undeclared = [file for file in files if not file.codings]
    if not undeclared:
        return tuple(files)
    found = _codings_of(undeclared, likely)
    return tuple(replace(file, codings=file.codings or found) for file in files)


def read_label_map(file: LabelFile) -> tuple[LabelMap, Geometry]:
    """Reads a label file; a CASE_stats.json beside it tells what the prediction assessed.

    Raises:
        InputError: a file cannot be read, or holds a value that its codings do not have.
    """
    values, geometry = read_label_volume(file.path)
    labels = decode_labels(values, first_covering(file.codings, values), file.path)
    groups = _assessed_groups(statistics_path(file))
    return (labels if groups is None else LabelMap(labels.codes, groups)), geometry


def _codings_of(
    files: Sequence[LabelFile], likely: tuple[LabelCoding, ...]
) -> tuple[LabelCoding, ...]:
    """What files without a declared coding follow: this program's own, or what their values show.

    Raises:
        InputError: the values fit no coding, or several and none that is likely.
    """
    if any(statistics_path(file).is_file() for file in files):
        return (MYOPS, CONSECUTIVE)
    folder, values = files[0].path.parent, _values_of(files)
    try:
        coding = guess_coding(values)
    except InputError as error:
        fitting = [coding for coding in likely if coding.covers(values)]
        if not fitting:
            raise InputError(f"{folder}: {error}") from error
        coding = fitting[0]
    log.info("%s: labels read as %s", folder, coding)
    return (coding,)


def _values_of(files: Sequence[LabelFile]) -> set[int]:
    """All values of the files that can be read and decoded; the others fail when they are scored.

    Where no file's values are known, the values of all.
    """
    by_file: list[set[int]] = []
    for file in files:
        try:
            stored, _ = read_label_volume(file.path)
        except InputError as error:
            log.debug("not asked for its coding: %s", error)
            continue
        by_file.append({int(value) for value in np.unique(stored)})
    known = [each for each in by_file if any(c.covers(each) for c in CODINGS.values())]
    return set().union(*(known or by_file))


def statistics_path(file: LabelFile) -> Path:
    """Where the statistics of a prediction lie, if this program made it."""
    return file.path.with_name(f"{file.case}_stats.json")


def _assessed_groups(path: Path) -> tuple[Tissues, ...] | None:
    """The groups of tissues that a prediction tells apart, if a file beside it says so."""
    if not path.is_file():
        return None
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
        return tuple(frozenset(Tissue[name.upper()] for name in group) for group in groups)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} does not say which tissues were assessed ({error!r}); predict the case again, "
            "or remove the file if the label map tells all of them."
        ) from error
