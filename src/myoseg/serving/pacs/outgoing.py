"""Files on disk enter; those that may be sent leave, with what an archive must know before."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom.filereader import read_file_meta_info
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from myoseg.cases.dicom.elements import text
from myoseg.cases.dicom.opening import is_dicom, read_header
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import InputError
from myoseg.serving.pacs.records import is_uid

CLASSES: Final = {
    "1.2.840.10008.5.1.4.1.1.4": "MR image",
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.4.4": "legacy converted enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.88.11": "basic text report",
    "1.2.840.10008.5.1.4.1.1.88.22": "enhanced report",
    "1.2.840.10008.5.1.4.1.1.88.33": "comprehensive report",
    "1.2.840.10008.5.1.4.1.1.88.34": "comprehensive 3D report",
}
"""SOP classes that are sent: MR images, segmentations and structured reports."""

_CLASS_UID: Final = Tag(0x00080016)
_INSTANCE_UID: Final = Tag(0x00080018)


@dataclass(frozen=True)
class Outgoing:
    """A file that may be sent."""

    path: Path
    class_uid: str
    instance_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True)
class FileOutcome:
    """What became of a file.

    Attributes:
        path: of the file.
        accepted: whether the archive holds it now.
        status: what the archive said, or why it was not sent; without identity.
    """

    path: Path
    accepted: bool
    status: str


def dicom_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files given, and those in DICOM in the folders given; hidden ones are passed over.

    Raises:
        InputError: a path does not exist or cannot be opened.
    """
    for path in paths:
        if path.is_dir():
            yield from (each for each in sorted(path.rglob("*")) if _is_shown_dicom(each, path))
        elif path.is_file():
            yield path
        else:
            raise InputError(f"there is no {path}; give files or folders in DICOM.")


def outgoing(files: Sequence[Path]) -> tuple[list[Outgoing], list[FileOutcome]]:
    """Those of the files that may be sent; and the others, with the reason."""
    found: list[Outgoing] = []
    others: list[FileOutcome] = []
    with libraries_silent():
        for path in dict.fromkeys(files):
            judged = _judged(path)
            if isinstance(judged, Outgoing):
                found.append(judged)
            else:
                others.append(FileOutcome(path, accepted=False, status=f"not sent: {judged}"))
    return found, others


def _judged(path: Path) -> Outgoing | str:
    try:
        if not is_dicom(path):
            return "it is no DICOM file"
        meta = read_file_meta_info(path)
        header = read_header(path, [_CLASS_UID, _INSTANCE_UID])
    except (InputError, OSError):
        return "it cannot be read"
    except Exception:
        # pydicom raises nearly anything on damaged files.
        return "it is no readable DICOM file"
    syntax = str(meta.get("TransferSyntaxUID", ""))
    class_uid, instance_uid = text(header, _CLASS_UID), text(header, _INSTANCE_UID)
    if class_uid not in CLASSES:
        return "it is no MR image, segmentation or structured report"
    if not is_uid(instance_uid) or not is_uid(syntax):
        return "it does not say which instance it is, or how it is encoded"
    if syntax == DeflatedExplicitVRLittleEndian:
        return "it is deflated; write it uncompressed"
    return Outgoing(path, class_uid, instance_uid, syntax)


def _is_shown_dicom(path: Path, folder: Path) -> bool:
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        return False
    try:
        return path.is_file() and is_dicom(path)
    except OSError:
        return False
