"""A data set enters in any known layout; the same cases leave in another one."""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias
from uuid import uuid4

import numpy as np

from myoseg.anatomy import CONSECUTIVE_CODES, EACH_TISSUE, Sequence, Tissues, representative
from myoseg.cases.case import Case, LabelMap, LabelVolume, Volume
from myoseg.cases.case_files import CaseFiles, Role
from myoseg.cases.labels import name_of
from myoseg.cases.layouts import find_cases
from myoseg.cases.nifti import StoredVolume, write_labels, write_volume
from myoseg.cases.nnunet import DATASET_FILE, dataset_record
from myoseg.cases.reading import read_case
from myoseg.errors import ConfigurationError, InputError, OutputError
from myoseg.files import write_json

log = logging.getLogger(__name__)

NAMES_FILE: Final = "names.json"
"""What each case of a converted data set was called before."""

_MYOPS_NAMES: Final = {Sequence.BSSFP: "C0", Sequence.LGE: "DE", Sequence.T2: "T2"}
_MYOPS_FOLDERS: Final[dict[Role, tuple[str, str, str]]] = {
    "train": ("train25", "train25_myops_gd", "myops_training"),
    "test": ("test20", "test20_gd", "myops_test"),
}
_INT16: Final = np.iinfo(np.int16)

_Groups: TypeAlias = tuple[Tissues, ...]
_Writer: TypeAlias = Callable[[tuple[CaseFiles, ...], Path, _Groups], dict[str, str]]


def convert_cases(
    folder: Path, out: Path, to: str = "myops", layout: str | None = None
) -> tuple[str, ...]:
    """Writes the cases of `folder` to `out` and returns their new names.

    Values and grid are kept. MyoPS files and a plain folder can only say that every tissue was
    looked for, so labels that do not tell all tissues apart go to nnU-Net, whose dataset.json
    names what each label holds. names.json tells which case became which.

    Args:
        folder: a data set in a known layout.
        out: a new or empty folder.
        to: "myops", "nnunet" or "plain".
        layout: the layout of `folder`, by default found out.

    Raises:
        ConfigurationError: `to` is none of these.
        InputError: a case cannot be read, or its labels cannot be said in the layout.
        OutputError: `out` is not empty or cannot be written.
    """
    if to not in _WRITERS:
        raise ConfigurationError(f"cannot convert to {to!r}; choose from {', '.join(_WRITERS)}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is no empty folder; choose a new one for the converted cases.")
    files = tuple(find_cases(folder, layout))
    groups = _common_groups(files)
    if to != "nnunet" and groups != EACH_TISSUE:
        raise InputError(
            f"{folder} labels {', '.join(map(name_of, groups))}, and layout {to} cannot say that "
            "other tissues were not looked for; convert to nnunet, which names each label."
        )
    with _built_aside(out) as aside:
        names = _WRITERS[to](files, aside, groups)
        write_json(aside / NAMES_FILE, names)
    return tuple(names)


@contextmanager
def _built_aside(out: Path) -> Iterator[Path]:
    """A folder beside `out` to fill, which becomes `out` if the block succeeds, else vanishes."""
    aside = out.with_name(f".{uuid4().hex[:8]}-{out.name}")
    try:
        aside.mkdir(parents=True)
        yield aside
        if out.exists():
            out.rmdir()
        aside.rename(out)
    except OSError as error:
        raise OutputError(
            f"cannot write {out}: {error.strerror or error}; choose another output folder."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_myops_case(case: Case, root: Path, number: int, role: Role = "train") -> tuple[Path, ...]:
    """Writes a case as MyoPS 2020 names it, e.g. train25/myops_training_101_C0.nii.gz.

    Labels go to train25_myops_gd/ or, for simulated test cases, whose truth is known, test20_gd/.

    Returns:
        The files, sequences first.

    Raises:
        OutputError: a file cannot be written.
    """
    images, labels, stem = _MYOPS_FOLDERS[role]
    paths = {
        sequence: root / images / f"{stem}_{number}_{_MYOPS_NAMES[sequence]}.nii.gz"
        for sequence in case.sequences
    }
    truth = root / labels / f"{stem}_{number}_gd.nii.gz"
    return _write_case(case, paths, truth)


def _write_case(case: Case, paths: dict[Sequence, Path], truth: Path) -> tuple[Path, ...]:
    for sequence, path in paths.items():
        write_volume(path, compact(case.images[sequence]), case.geometry)
    if case.labels is None:
        return tuple(paths.values())
    write_labels(truth, case.labels.codes, case.geometry)
    return (*paths.values(), truth)


def compact(volume: Volume) -> StoredVolume:
    """The volume as int16 if that loses nothing, as scanners and MyoPS store it."""
    fits = volume.size == 0 or (volume.min() >= _INT16.min and volume.max() <= _INT16.max)
    if not fits:
        return volume
    stored = volume.astype(np.int16)
    return stored if np.array_equal(stored, volume) else volume


def _common_groups(files: Iterable[CaseFiles]) -> _Groups:
    """The groups that all labelled cases tell apart; every tissue if no case is labelled."""
    found = {case.codings[0].groups: case for case in files if case.labels is not None}
    if len(found) > 1:
        one, other, *_ = found.values()
        raise InputError(
            f"cases {one.name} and {other.name} do not tell the same tissues apart; convert them "
            "from separate folders."
        )
    return next(iter(found), EACH_TISSUE)


def _to_myops(files: tuple[CaseFiles, ...], out: Path, groups: _Groups) -> dict[str, str]:
    numbers: dict[Role, Iterable[int]] = {"train": count(101), "test": count(201)}
    names = {}
    for case in files:
        role = case.role or "train"
        number = next(iter(numbers[role]))
        write_myops_case(read_case(case), out, number, role)
        names[f"{_MYOPS_FOLDERS[role][2]}_{number}"] = case.name
    return names


def _to_plain(files: tuple[CaseFiles, ...], out: Path, groups: _Groups) -> dict[str, str]:
    for case in files:
        paths = {sequence: out / f"{case.name}_{sequence}.nii.gz" for sequence in case.images}
        _write_case(read_case(case), paths, out / f"{case.name}_gd.nii.gz")
    return {case.name: case.name for case in files}


def _to_nnunet(files: tuple[CaseFiles, ...], out: Path, groups: _Groups) -> dict[str, str]:
    present = {sequence for case in files for sequence in case.images}
    channels = [sequence for sequence in Sequence if sequence in present]
    groups = tuple(sorted(groups, key=lambda group: CONSECUTIVE_CODES[representative(group)]))
    incomplete = [case.name for case in files if len(case.images) < len(channels)]
    if incomplete:
        log.warning(
            "nnU-Net itself needs every channel, which these cases lack: %s", ", ".join(incomplete)
        )
    for case in files:
        _write_nnunet_case(
            read_case(case), "Ts" if case.role == "test" else "Tr", channels, groups, out
        )
    n_training = sum(case.role != "test" for case in files)
    write_json(out / DATASET_FILE, dataset_record(channels, groups, n_training))
    return {case.name: case.name for case in files}


def _write_nnunet_case(
    case: Case, where: str, channels: list[Sequence], groups: _Groups, out: Path
) -> None:
    for sequence, image in case.images.items():
        name = f"{case.name}_{channels.index(sequence):04d}.nii.gz"
        write_volume(out / f"images{where}" / name, compact(image), case.geometry)
    if case.labels is not None:
        truth = out / f"labels{where}" / f"{case.name}.nii.gz"
        write_volume(truth, _numbered(case.labels, groups), case.geometry)


def _numbered(labels: LabelMap, groups: _Groups) -> LabelVolume:
    """Labels 1, 2, ... in the order of the groups."""
    numbers = np.zeros_like(labels.codes)
    for number, group in enumerate(groups, start=1):
        numbers[labels.codes == representative(group)] = number
    return numbers


_WRITERS: Final[dict[str, _Writer]] = {
    "myops": _to_myops,
    "nnunet": _to_nnunet,
    "plain": _to_plain,
}
