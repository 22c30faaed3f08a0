"""A folder enters; its layout and the files of each of its cases leave, without reading an image.

The layout that explains the most files is chosen, unless one is named.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from myoseg.anatomy import Sequence
from myoseg.cases.case_files import CaseFiles, case_files, safe_name
from myoseg.cases.data_sets import LAYOUTS, NNUNET, Layout
from myoseg.cases.labels import LabelCoding
from myoseg.cases.nnunet import DATASET_FILE, nnunet_layout
from myoseg.cases.reading import case_from_files, read_case
from myoseg.errors import InputError

log = logging.getLogger(__name__)

__all__ = [
    "LAYOUTS",
    "CaseFiles",
    "Layout",
    "Survey",
    "case_files",
    "case_from_files",
    "find_cases",
    "layout_names",
    "read_case",
    "survey_folder",
]

_NIFTI = re.compile(r"(?P<stem>.+)\.nii(\.gz)?", re.IGNORECASE)
_NOT_DATA = ("__MACOSX",)


@dataclass(frozen=True)
class Survey:
    """What a layout makes of a folder: its cases, and the files that belong to none."""

    folder: Path
    layout: str
    cases: tuple[CaseFiles, ...]
    unexplained: tuple[Path, ...]
    conflicts: tuple[str, ...]
    n_explained: int


def find_cases(
    folder: Path, layout: str | None = None, coding: LabelCoding | None = None
) -> list[CaseFiles]:
    """The cases of a folder, by name.

    Args:
        folder: the data set, a folder above it or below it, or one case's folder.
        layout: the name of a layout; by default the one that explains the most files.
        coding: how labels are coded, if not as the layout says.

    Raises:
        InputError: there is no such folder or layout, no case in it, or two files for one thing.
    """
    survey = survey_folder(folder, layout, coding)
    if survey.conflicts:
        raise InputError(survey.conflicts[0])
    if survey.unexplained:
        log.warning(
            "%d NIfTI files of %s belong to no case of layout %s, such as %s",
            len(survey.unexplained),
            folder,
            survey.layout,
            survey.unexplained[0],
        )
    return list(survey.cases)


def survey_folder(
    folder: Path, layout: str | None = None, coding: LabelCoding | None = None
) -> Survey:
    """As `find_cases`, with what is left over and conflicts told rather than raised.

    Raises:
        InputError: there is no such folder or layout, or no case in it.
    """
    files = _nifti_files(folder)
    candidates = _layouts_to_try(folder, layout)
    surveys = [_survey(folder, files, candidate, coding) for candidate in candidates]
    best = max(surveys, key=lambda survey: survey.n_explained)
    if not best.cases:
        held = f"{len(files)} NIfTI files, e.g. {next(iter(files))}" if files else "no NIfTI file"
        wanted = "; ".join(f"{candidate.name}: {candidate.description}" for candidate in candidates)
        raise InputError(
            f"no case found in {folder}, which holds {held}. Looked for {wanted}. Rename the "
            "files to one of these, or give the sequences one by one."
        )
    return best


def layout_names() -> tuple[str, ...]:
    """The names that `find_cases` takes."""
    return tuple(dict.fromkeys(layout.name for layout in LAYOUTS))


def _layouts_to_try(folder: Path, name: str | None) -> tuple[Layout, ...]:
    if name is not None and name not in layout_names():
        raise InputError(f"layout {name!r} is not known; choose from {', '.join(layout_names())}.")
    named = tuple(layout for layout in LAYOUTS if name in (None, layout.name))
    has_images = (folder / DATASET_FILE).is_file() and any(folder.glob("images*/"))
    if name == NNUNET.name or (name is None and has_images):
        return (nnunet_layout(folder / DATASET_FILE), *named)
    return named


def _nifti_files(folder: Path) -> dict[Path, str]:
    """NIfTI files, each with its path from the folder's parent, "/" between, without suffix."""
    if not folder.is_dir():
        fault = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {fault}; give a folder of cases.")
    name = folder.resolve().name
    found = {}
    for path in _visible_files(folder):
        match = _NIFTI.fullmatch(path.name)
        if match:
            parents = path.relative_to(folder).parts[:-1]
            found[path] = "/".join([name, *parents, match["stem"]])
    return found


def _visible_files(folder: Path) -> Iterator[Path]:
    """Files by name, through links to folders, each folder once; none that is hidden."""
    seen = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _NOT_DATA)
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(root, file) for file in sorted(files) if not file.startswith("."))


class _Key(NamedTuple):
    """Which case a file belongs to."""

    root: str
    case: str
    patient: str


_Slots: TypeAlias = dict[Sequence | None, Path]
"""A case's files by sequence; None stands for the labels."""


def _survey(
    folder: Path, files: Mapping[Path, str], layout: Layout, coding: LabelCoding | None
) -> Survey:
    found: dict[_Key, _Slots] = {}
    conflicts = []
    for path, where in files.items():
        part = _parse(where, layout)
        if part is None:
            continue
        key, sequence = part
        other = found.setdefault(key, {}).setdefault(sequence, path)
        if other != path:
            conflicts.append(
                f"{other} and {path} are both the {sequence or 'labels'} of case {key.case}; "
                "remove one."
            )
    found = {key: slots for key, slots in found.items() if slots.keys() - {None}}
    names = _unique_names(found)
    cases = sorted(
        (
            _case_files(names[key], key, slots, files, layout, coding)
            for key, slots in found.items()
        ),
        key=lambda case: case.name,
    )
    explained = {path for slots in found.values() for path in slots.values()}
    skipped = {path for path, where in files.items() if _fits(layout.skipped, where)}
    return Survey(
        folder=folder,
        layout=layout.name,
        cases=tuple(cases),
        unexplained=tuple(path for path in files if path not in explained | skipped),
        conflicts=(*conflicts, *_clashes(cases)),
        n_explained=len(explained | skipped),
    )


def _parse(where: str, layout: Layout) -> tuple[_Key, Sequence | None] | None:
    """The case and the sequence of a file; None for labels; nothing if the layout has no place."""
    for pattern, is_image in ((layout.images, True), (layout.labels, False)):
        match = re.fullmatch(pattern, where, re.IGNORECASE)
        if match is None:
            continue
        parts = match.groupdict()
        key = _Key(parts.get("root", ""), parts["case"], parts.get("patient", parts["case"]))
        sequence = layout.sequences.get(parts.get("sequence", "").lower())
        if not is_image:
            return key, None
        if sequence is not None:
            return key, sequence
    return None


def _fits(pattern: str | None, where: str) -> bool:
    return pattern is not None and re.fullmatch(pattern, where, re.IGNORECASE) is not None


def _case_files(
    name: str,
    key: _Key,
    slots: _Slots,
    files: Mapping[Path, str],
    layout: Layout,
    coding: LabelCoding | None,
) -> CaseFiles:
    images = {sequence: slots[sequence] for sequence in Sequence if sequence in slots}
    some_image = files[next(iter(images.values()))]
    codings = layout.codings if coding is None else (coding,)
    return CaseFiles(
        name=name,
        patient=safe_name(key.patient),
        images=images,
        labels=slots.get(None),
        layout=layout.name,
        codings=tuple(each.given(images) for each in codings),
        role=next((role for pattern, role in layout.roles if _fits(pattern, some_image)), None),
    )


def _unique_names(keys: Iterable[_Key]) -> dict[_Key, str]:
    """Case names as the files have them, with the folders above where two are the same."""
    keys = list(keys)
    n_same = Counter(key.case.casefold() for key in keys)
    return {
        key: safe_name(key.case if n_same[key.case.casefold()] == 1 else _with_folders(key))
        for key in keys
    }


def _with_folders(key: _Key) -> str:
    """The case below the folder that was given, whose own name is left out."""
    return "_".join([*key.root.split("/")[1:-1], key.case])


def _clashes(cases: Iterable[CaseFiles]) -> Iterator[str]:
    by_name: dict[str, CaseFiles] = {}
    for case in cases:
        other = by_name.setdefault(case.name.casefold(), case)
        if other is not case:
            yield (
                f"{other.paths[0]} and {case.paths[0]} would both be called case {case.name}; "
                "rename one."
            )
