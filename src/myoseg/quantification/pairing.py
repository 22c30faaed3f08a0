"""Which predicted label file belongs to which true one: by case name, whatever the suffix."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myoseg.cases.labels import LabelCoding
from myoseg.cases.layouts import find_cases
from myoseg.cases.nifti import SUFFIXES
from myoseg.errors import InputError

log = logging.getLogger(__name__)

LABEL_SUFFIXES: Final = (
    *("_seg", "_gd", "_gt", "_manual", "_label", "_labels", "_mask", "_masks"),
    *("_pred", "_prediction", "_segmentation", "_truth"),
)
"""What programs and data sets append to a case's name in the name of its label file."""

PROBABILITIES: Final = "probabilities"
"""Folder beside predictions that holds the probabilities of their blocks, which are no labels."""

_IMAGE_SUFFIXES: Final = ("_c0", "_de", "_lge", "_t2", "_bssfp", "_0000", "_0001", "_0002")
_LAYOUT_OF_ANY_NAME: Final = "plain"


@dataclass(frozen=True, eq=False)
class LabelFile:
    """A case's label file; `codings` are tried in turn, and guessed from the values if empty."""

    case: str
    path: Path
    codings: tuple[LabelCoding, ...] = ()


@dataclass(frozen=True, eq=False)
class Pair:
    """The two label files of a case."""

    case: str
    predicted: LabelFile
    true: LabelFile


@dataclass(frozen=True, eq=False)
class Matching:
    """Pairs by case name, and the names that only one side has."""

    pairs: tuple[Pair, ...]
    without_truth: tuple[str, ...] = ()
    without_prediction: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A case whose label files could not be compared, and why."""

    case: str
    message: str


def match_files(predicted: Path, true: Path) -> Matching:
    """Pairs the label files of predictions and truths; cases of one side alone are warned of.

    Raises:
        InputError: as `pair_files`.
    """
    matching = pair_files(predicted, true)
    warn_of_cases("have no truth and are not scored", matching.without_truth)
    warn_of_cases("have a truth but no prediction", matching.without_prediction)
    return matching


def pair_files(predicted: Path, true: Path) -> Matching:
    """Pairs the label files of two folders, or two files.

    Either folder may be a data set in a known layout (`cases.layouts`), of which the labels are
    taken, or hold label files named `CASE.nii.gz`, `CASE_seg.nii.gz`, `CASE_gd.nii.gz` and so on
    (`LABEL_SUFFIXES`), in folders below it or not.

    Raises:
        InputError: a path does not exist or is no NIfTI file, a folder has two label files of one
            case, or no name matches.
    """
    if predicted.is_file() and true.is_file():
        case = case_name(predicted)
        return Matching((Pair(case, LabelFile(case, predicted), LabelFile(case, true)),))
    ours, theirs = label_files(predicted), label_files(true)
    matching = Matching(
        pairs=tuple(Pair(case, ours[case], theirs[case]) for case in ours if case in theirs),
        without_truth=tuple(case for case in ours if case not in theirs),
        without_prediction=tuple(case for case in theirs if case not in ours),
    )
    if not matching.pairs:
        raise InputError(
            f"no case of {predicted} ({_examples(ours)}) is in {true} ({_examples(theirs)}); name "
            "the files alike up to a suffix such as _seg or _gd."
        )
    return matching


def warn_of_cases(fault: str, names: tuple[str, ...]) -> None:
    """Says in the log how many cases have a fault, and names the first of them."""
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        log.warning("%d cases %s: %s%s", len(names), fault, ", ".join(names[:5]), more)


def label_files(folder: Path) -> dict[str, LabelFile]:
    """The label files of a folder by case name, in the order of names.

    Raises:
        InputError: the folder does not exist, holds no label file, or two of one case.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give a folder of label files.")
    found = _of_data_set(folder) or _of_names(folder)
    if not found:
        raise InputError(f"{folder} holds no label file (*.nii.gz or *.nii).")
    return dict(sorted(found.items()))


def case_name(path: Path) -> str:
    """The case that a label file belongs to: its name without format and label suffix.

    >>> case_name(Path("out/myops_test_201_seg.nii.gz"))
    'myops_test_201'
    """
    stem = _stem(path)
    suffix = _suffix_of(stem, LABEL_SUFFIXES)
    return stem[: len(stem) - len(suffix)]


def _of_data_set(folder: Path) -> dict[str, LabelFile]:
    """The labels of a data set whose layout says what they mean; none of any other folder."""
    try:
        cases = find_cases(folder)
    except InputError:
        return {}
    return {
        files.name: LabelFile(files.name, files.labels, files.codings)
        for files in cases
        if files.labels is not None and files.layout != _LAYOUT_OF_ANY_NAME
    }


def _of_names(folder: Path) -> dict[str, LabelFile]:
    """Label files by their names; beside `CASE_gt`, a plain `CASE` is taken for its image.

    What lies in a folder `PROBABILITIES` is left out.
    """
    candidates: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.nii*")):
        is_label = path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")
        is_label &= PROBABILITIES not in path.relative_to(folder).parts[:-1]
        if is_label and not _suffix_of(_stem(path), _IMAGE_SUFFIXES):
            candidates.setdefault(case_name(path), []).append(path)
    return {case: LabelFile(case, _the_one(case, paths)) for case, paths in candidates.items()}


def _the_one(case: str, paths: list[Path]) -> Path:
    """The only path with a label suffix, or the only path.

    Raises:
        InputError: there are several.
    """
    marked = [path for path in paths if _suffix_of(_stem(path), LABEL_SUFFIXES)] or paths
    if len(marked) > 1:
        raise InputError(
            f"case {case} has {len(marked)} label files, {' and '.join(map(str, marked))}; keep "
            "one in the folder."
        )
    return marked[0]


def _stem(path: Path) -> str:
    """The name without .nii or .nii.gz.

    Raises:
        InputError: it ends in neither.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(f"{path} is no NIfTI file; give a .nii or .nii.gz file, or a folder.")
    return path.name[: path.name.lower().rindex(".nii")]


def _suffix_of(stem: str, suffixes: tuple[str, ...]) -> str:
    """The suffix that the stem ends with, as it is written there, if a name is left before it."""
    matching = [s for s in suffixes if stem.lower().endswith(s) and len(stem) > len(s)]
    return stem[-len(max(matching, key=len)) :] if matching else ""


def _examples(files: Mapping[str, LabelFile]) -> str:
    names = list(files)[:3]
    return f"{len(files)} cases, such as {', '.join(names)}"
