"""A folder enters; the headers of all its DICOM images leave, by study and series."""

import logging
import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from myoseg.cases.dicom.frames import Frame, Protocol, SeriesHeaders, StudyHeaders
from myoseg.cases.dicom.headers import headers_of
from myoseg.cases.dicom.opening import is_dicom
from myoseg.errors import InputError

log = logging.getLogger(__name__)

Progress: TypeAlias = Callable[[Iterable[Path], int], Iterable[Path]]
"""Takes paths and their number; gives the same paths, and shows how far it is."""

_NOT_IMAGES = ("DICOMDIR", "__MACOSX")


@dataclass(frozen=True, eq=False)
class Scan:
    """What a folder holds.

    Attributes:
        folder: the folder.
        studies: with MR images, by identifier.
        n_files: looked at.
        n_dicom: of these, in DICOM.
        others: how many DICOM objects are no MR images, by SOP class identifier.
        unreadable: what was wrong with each file that claims to be DICOM and cannot be read.
    """

    folder: Path
    studies: tuple[StudyHeaders, ...]
    n_files: int
    n_dicom: int
    others: tuple[tuple[str, int], ...]
    unreadable: tuple[str, ...]


def scan_folder(folder: Path, progress: Progress | None = None) -> Scan:
    """Reads the header of every DICOM file in a folder and the folders below it.

    Files may have any name; those that are no DICOM are passed over. Links are followed, each
    folder once; what is hidden, no plain file, or a DICOMDIR is not opened. A file that claims to
    be DICOM and cannot be read is told in the result and stops nothing. `folder` may be a DICOMDIR
    too, which stands for the folder that it lies in.

    Raises:
        InputError: there is no such folder.
    """
    root = (folder.parent if folder.name.upper() == "DICOMDIR" else folder).absolute()
    if not root.is_dir():
        fault = "is a file" if root.exists() else "does not exist"
        raise InputError(f"{root} {fault}; give a folder with DICOM files.")
    paths = list(_plain_files(root))
    found = _Found()
    with warnings.catch_warnings():
        # pydicom warns of what scanners write against the standard, once a file.
        warnings.simplefilter("ignore")
        for path in paths if progress is None else progress(paths, len(paths)):
            found.add(path)
    return Scan(
        root, found.studies(), len(paths), found.n_dicom, found.other_objects(), found.faults()
    )


def holds_dicom(folder: Path) -> bool:
    """Whether a folder or one below it holds a DICOM file; stops at the first."""
    return folder.is_dir() and any(_claims_dicom(path) for path in _plain_files(folder))


def _claims_dicom(path: Path) -> bool:
    try:
        return is_dicom(path)
    except OSError:
        return False


class _Found:
    """What was found so far; what many frames share is held once."""

    def __init__(self) -> None:
        self.n_dicom = 0
        self._frames: dict[tuple[str, str], list[Frame]] = defaultdict(list)
        self._protocols: dict[Protocol, Protocol] = {}
        self._others: Counter[str] = Counter()
        self._faults: list[str] = []

    def add(self, path: Path) -> None:
        try:
            if not is_dicom(path):
                return
            self.n_dicom += 1
            headers = headers_of(path)
        except InputError as error:
            self._faults.append(str(error))
            return
        except OSError as error:
            self._faults.append(f"{path} cannot be read: {error.strerror or error}.")
            return
        if not headers.frames:
            self._others[headers.sop_class_uid] += 1
        held = self._frames[headers.study_uid, headers.series_uid] if headers.frames else []
        for frame in headers.frames:
            shared = self._protocols.setdefault(frame.protocol, frame.protocol)
            series_uid = held[0].series_uid if held else frame.series_uid
            held.append(replace(frame, protocol=shared, series_uid=series_uid))

    def studies(self) -> tuple[StudyHeaders, ...]:
        by_study: dict[str, list[SeriesHeaders]] = defaultdict(list)
        for (study_uid, series_uid), frames in sorted(self._frames.items()):
            by_study[study_uid].append(SeriesHeaders(series_uid, tuple(frames)))
        return tuple(
            StudyHeaders(uid, tuple(sorted(series, key=_number)))
            for uid, series in by_study.items()
        )

    def other_objects(self) -> tuple[tuple[str, int], ...]:
        return tuple(sorted(self._others.items()))

    def faults(self) -> tuple[str, ...]:
        return tuple(self._faults)


def _number(series: SeriesHeaders) -> int:
    return series.protocol.series_number or 0


def _plain_files(folder: Path) -> Iterator[Path]:
    """Files by name, through links to folders, each folder once; none that is hidden or special."""
    seen = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if _is_shown(name))
        paths = (Path(root, name) for name in sorted(files) if _is_shown(name))
        yield from (path for path in paths if path.is_file())


def _is_shown(name: str) -> bool:
    return not name.startswith(".") and name.upper() not in _NOT_IMAGES
